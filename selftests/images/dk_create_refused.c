// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkProcessCreate: what is refused, and that nothing has changed then: names,
 * images, parameters, handles.
 */
#include "create.h"

static void refused(const char *what, DK_STATUS status,
		    const struct dk_process_parameters *p, const char *uri)
{
	DK_HANDLE process = POISON;
	u64 id = POISON;
	s64 got = create(uri, p, &process, &id);

	if (got != status)
		dkt_fail("%s: %s, not %s", what, dkt_status(got),
			 dkt_status(status));
	EXPECT_EQ(process, POISON);
	EXPECT_EQ(id, POISON);
}

TEST(names)
{
	struct dk_process_parameters p = parameters_for("exit", 0);
	static char longest[DRAWBRIDGE_URI_MAX + 2];
	static const struct {
		const char *uri;
		DK_STATUS status;
	} cases[] = {
		{ "null:", DK_STATUS_NOT_SUPPORTED },
		{ "stdin:", DK_STATUS_NOT_SUPPORTED },
		{ "pipe.client:name", DK_STATUS_NOT_SUPPORTED },
		{ "unheard-of:name", DK_STATUS_NOT_SUPPORTED },
		{ "no colon", DK_STATUS_INVALID_PARAMETER },
		{ "file:relative", DK_STATUS_INVALID_PARAMETER },
		{ "file:/not/there", DK_STATUS_NOT_FOUND },
		{ "file:/etc", DK_STATUS_IS_DIRECTORY },
		{ "file:/etc/passwd/x", DK_STATUS_NOT_DIRECTORY },
		{ "file:/etc/passwd", DK_STATUS_BAD_IMAGE },
		{ "file:/proc/version", DK_STATUS_ACCESS_DENIED },
	};
	static const struct {
		const char *name;
		DK_STATUS status;
	} files[] = {
		{ "ro/file", DK_STATUS_ACCESS_DENIED },
		{ "no/secret", DK_STATUS_ACCESS_DENIED },
		{ "rw/inner/secret", DK_STATUS_ACCESS_DENIED },
		{ "rw/loop-a", DK_STATUS_LINK_LOOP },
		{ "rw/to-secret", DK_STATUS_ACCESS_DENIED },
		{ "rx/file", DK_STATUS_BAD_IMAGE },
		{ "noexec/file", DK_STATUS_NOT_PERMITTED },
		{ "rw/to-hello", DK_STATUS_BAD_IMAGE },
	};
	struct dkt_counts before;
	DK_HANDLE process = POISON;
	char uri[256];
	u64 id = POISON;

	dkt_counts(&before);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(cases[i].uri, cases[i].status, &p, cases[i].uri);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		refused(files[i].name, files[i].status, &p,
			folder_uri(uri, sizeof(uri), files[i].name));
	memset(longest, 'a', sizeof(longest) - 1);
	memcpy(longest, "file:/", 6);
	refused("a long name", DK_STATUS_NAME_TOO_LONG, &p, longest);
	memcpy(uri, "file:/tmp", 10);
	EXPECT_STATUS(DkProcessCreate(uri, 0, &p, sizeof(p), &process, &id),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkProcessCreate(uri, 10, &p, sizeof(p), &process, &id),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkProcessCreate(uri, ~0ULL, &p, sizeof(p), &process, &id),
		      NAME_TOO_LONG);
	EXPECT_STATUS(DkProcessCreate(NULL, 9, &p, sizeof(p), &process, &id),
		      INVALID_POINTER);
	EXPECT_STATUS(DkProcessCreate((void *)~0xfffULL, 9, &p, sizeof(p),
				      &process, &id),
		      INVALID_POINTER);
	EXPECT_EQ(process, POISON);
	expect_nothing_changed(&before);
}

/* ---- images that are none ---- */

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

static u8 head[PAGE];

static struct elf_header *elf(void)
{
	return (void *)head;
}

static struct program_header *segment(u32 type)
{
	struct program_header *ph = (void *)(head + elf()->phoff);

	for (int i = 0; i < elf()->phnum; i++)
		if (ph[i].type == type)
			return &ph[i];
	return ph;
}

static void break_magic(void)
{
	elf()->ident[0] = 0;
}

static void break_class(void)
{
	elf()->ident[4] = 1;
}

static void break_machine(void)
{
	elf()->machine = 3;
}

static void break_type(void)
{
	elf()->type = 1;
}

static void break_count(void)
{
	elf()->phnum = 0;
}

static void break_many(void)
{
	elf()->phnum = 65535;
}

static void break_place(void)
{
	elf()->phoff = ~0ULL;
}

static void break_end(void)
{
	elf()->phoff = 1ULL << 40;
}

static void break_entry(void)
{
	elf()->entry = 1ULL << 46;
}

static void break_interpreter(void)
{
	segment(1)->type = 3;
}

static void break_size(void)
{
	segment(1)->memsz = ~0ULL;
}

static void break_offset(void)
{
	segment(1)->offset = ~0ULL;
}

static void break_protection(void)
{
	for (struct program_header *ph = (void *)(head + elf()->phoff);
	     ph < (struct program_header *)(head + elf()->phoff) + elf()->phnum;
	     ph++)
		if (ph->type == 1)
			ph->flags = 7;
}

TEST(images_that_are_none)
{
	static void (*const breaks[])(void) = {
		break_magic,	   break_class, break_machine,
		break_type,	   break_count, break_many,
		break_place,	   break_end,	break_entry,
		break_interpreter, break_size,	break_offset,
		break_protection,
	};
	struct dk_process_parameters p = parameters_for("exit", 0);
	DK_HANDLE own, file;
	struct dkt_counts before;
	char uri[256];
	u64 done;

	own = dkt_open(image(), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	folder_uri(uri, sizeof(uri), "rw/image");
	file = dkt_open(uri, DK_ACCESS_READ | DK_ACCESS_WRITE, DK_OPEN_CREATE,
			DK_OPTION_MODE(0755));
	dkt_counts(&before);
	refused("an empty file", DK_STATUS_BAD_IMAGE, &p, uri);
	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		EXPECT_OK(DkStreamRead(own, 0, head, sizeof(head), &done));
		breaks[i]();
		EXPECT_OK(DkStreamWrite(file, 0, head, sizeof(head), &done));
		dkt_snprintf(strings + 900, 32, "image %lu", (unsigned long)i);
		refused(strings + 900, DK_STATUS_BAD_IMAGE, &p, uri);
	}
	expect_nothing_changed(&before);
	EXPECT_OK(DkObjectClose(own));
	EXPECT_OK(DkObjectClose(file));
	EXPECT_OK(DkStreamDelete(URI(uri), DK_DELETE_FILE));
}

static void from_a_fifo(u64 parameter)
{
	struct dk_process_parameters p = parameters_for("exit", 0);
	char uri[256];

	refused("a FIFO", DK_STATUS_BAD_IMAGE, &p,
		folder_uri(uri, sizeof(uri), "rw/image"));
}

/* Nobody writes to it, and nobody is waited for. */
TEST(an_image_that_is_a_fifo)
{
	DK_HANDLE h, thread;
	char uri[256];

	folder_uri(uri, sizeof(uri), "rw/image");
	h = dkt_open(uri, 0, DK_OPEN_CREATE_NEW,
		     DK_OPTION_FIFO | DK_OPTION_MODE(0644));
	EXPECT_OK(DkObjectClose(h));
	thread = dkt_thread(from_a_fifo, 0);
	if (!dkt_wait(thread)) {
		dkt_fail("it waits for a writer");
		DkObjectClose(
			dkt_open(uri, DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0));
		EXPECT_TRUE(dkt_wait(thread));
	}
	EXPECT_OK(DkObjectClose(thread));
	EXPECT_OK(DkStreamDelete(URI(uri), DK_DELETE_FILE));
}

/* ---- parameters ---- */

TEST(parameters)
{
	const struct dk_process_parameters good = parameters_for("exit", 0);
	struct dk_process_parameters p;
	DK_HANDLE process = POISON;
	struct dkt_counts before;
	u64 id = POISON;
	u8 *page = dkt_pages(2);

#define REFUSED(status, change) do {					\
	p = good;							\
	change;								\
	refused(#change, DK_STATUS_##status, &p, image());		\
} while (0)

	EXPECT_OK(DkVirtualMemoryFree(page + PAGE, PAGE, DK_MEM_RELEASE));
	dkt_counts(&before);
	REFUSED(INVALID_PARAMETER, p.flags = 2);
	REFUSED(INVALID_PARAMETER, p.flags = 0x80000000);
	REFUSED(INVALID_PARAMETER, p.reserved = 1);
	REFUSED(INVALID_PARAMETER, p.strings_length = 0);
	REFUSED(INVALID_PARAMETER, p.strings_length = ~0U);
	REFUSED(INVALID_PARAMETER,
		p.strings_length = DRAWBRIDGE_STRINGS_MAX + 1);
	REFUSED(INVALID_PARAMETER, p.strings_length--);
	REFUSED(INVALID_PARAMETER, p.argument_count--);
	REFUSED(INVALID_PARAMETER, p.argument_count++);
	REFUSED(INVALID_PARAMETER, p.environment_count++);
	REFUSED(INVALID_PARAMETER,
		p.argument_count = p.environment_count = ~0U);
	REFUSED(INVALID_PARAMETER, p.handle_count = DK_GIVEN_MAX + 1);
	REFUSED(INVALID_PARAMETER, p.handle_count = ~0U);
	REFUSED(INVALID_POINTER, p.strings = 0);
	REFUSED(INVALID_POINTER, p.strings = ~0ULL);
	REFUSED(INVALID_POINTER, p.strings = (u64)page + PAGE - 1);
	REFUSED(INVALID_POINTER, p.handle_count = 1);
	REFUSED(INVALID_POINTER, p.handle_count = DK_GIVEN_MAX;
		p.handles = 1ULL << 63);
	REFUSED(INVALID_POINTER, p.handle_count = 2;
		p.handles = (u64)page + PAGE - 8);
#undef REFUSED

	p = good;
	for (u64 size = 0; size < sizeof(p) + 8; size++) {
		if (size != sizeof(p))
			EXPECT_STATUS(DkProcessCreate(URI(image()), &p, size,
						      &process, &id),
				      INVALID_PARAMETER);
	}
	EXPECT_STATUS(DkProcessCreate(URI(image()), &p, ~0ULL, &process, &id),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkProcessCreate(URI(image()), NULL, sizeof(p), &process,
				      &id),
		      INVALID_POINTER);
	EXPECT_STATUS(DkProcessCreate(URI(image()), page + PAGE - 8, sizeof(p),
				      &process, &id),
		      INVALID_POINTER);
	EXPECT_STATUS(DkProcessCreate(URI(image()), &p, sizeof(p), NULL, &id),
		      INVALID_POINTER);
	EXPECT_STATUS(DkProcessCreate(URI(image()), &p, sizeof(p), &process,
				      NULL),
		      INVALID_POINTER);
	EXPECT_STATUS(DkProcessCreate(URI(image()), &p, sizeof(p), &process,
				      (void *)0xffff888000000000ULL),
		      INVALID_POINTER);
	EXPECT_EQ(process, POISON);
	EXPECT_EQ(id, POISON);
	expect_nothing_changed(&before);
	DkVirtualMemoryFree(page, PAGE, DK_MEM_RELEASE);
}

TEST(handles_that_are_none)
{
	struct dk_process_parameters p = parameters_for("exit", 0);
	DK_HANDLE handles[3], closed, event;
	struct dkt_counts before;
	u64 state;

	ASSERT_OK(DkNotificationEventCreate(0, &closed));
	ASSERT_OK(DkObjectClose(closed));
	ASSERT_OK(DkNotificationEventCreate(1, &event));
	dkt_counts(&before);
	p.handles = (u64)handles;
	p.handle_count = 3;
	handles[0] = event;
	handles[1] = event;
	handles[2] = closed;
	refused("a closed handle", DK_STATUS_INVALID_HANDLE, &p, image());
	handles[2] = 0;
	refused("no handle", DK_STATUS_INVALID_HANDLE, &p, image());
	handles[2] = ~0ULL;
	refused("a wild handle", DK_STATUS_INVALID_HANDLE, &p, image());
	expect_nothing_changed(&before);
	EXPECT_OK(DkEventPeek(event, &state));
	EXPECT_EQ(state, 1);
	EXPECT_OK(DkObjectClose(event));
}

TEST(many_handles)
{
	static DK_HANDLE handles[DK_GIVEN_MAX];
	struct dk_process_parameters p = parameters_for("exit", 5);
	DK_HANDLE process, event;
	struct dkt_counts before;
	u64 id;

	dkt_counts(&before);
	ASSERT_OK(DkNotificationEventCreate(0, &event));
	for (int i = 0; i < DK_GIVEN_MAX; i++)
		handles[i] = event;
	p.handles = (u64)handles;
	p.handle_count = DK_GIVEN_MAX;
	ASSERT_OK(create(image(), &p, &process, &id));
	EXPECT_EQ(wait_code(process), 5);
	EXPECT_OK(DkObjectClose(event));
	expect_nothing_changed(&before);
}
