// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkProcessCreate: what a new process has, what it has not, and what is
 * refused. A child is this image again, with the name of one of the functions
 * in child_tests[] as its first argument; its exit code is 42 when what it
 * expected was so.
 */
#include "dktest.h"

#define CODE_GOOD	42

static void child_done(void)
{
	DkProcessExit(dkt_failed() ? 99 : CODE_GOOD);
}

static char image_uri[512];

/* This image's URI. */
static const char *image(void)
{
	dkt_snprintf(image_uri, sizeof(image_uri), "file:%s", dkt_argument(0));
	return image_uri;
}

/* A name in the folder that image_main.c has prepared. */
static const char *folder_uri(char *uri, size_t size, const char *name)
{
	dkt_snprintf(uri, size, "file:%s/%s", dkt_argument(1), name);
	return uri;
}

/* Program, directory, and as arguments: the image, @how, @value. */
static u32 strings_for(char *strings, const char *how, u64 value)
{
	char number[32];
	const char *texts[] = { "/a/program", "/a", dkt_argument(0), how,
				number };
	u32 n = 0;

	dkt_snprintf(number, sizeof(number), "%lu", (unsigned long)value);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		memcpy(strings + n, texts[i], strlen(texts[i]) + 1);
		n += strlen(texts[i]) + 1;
	}
	return n;
}

static char strings[1024];

/* What makes a child that does @how; everything else is 0. */
static struct dk_process_parameters parameters_for(const char *how, u64 value)
{
	return (struct dk_process_parameters){
		.strings = (u64)strings,
		.strings_length = strings_for(strings, how, value),
		.argument_count = 3,
	};
}

static DK_STATUS create(const char *uri,
			const struct dk_process_parameters *parameters,
			DK_HANDLE *process, u64 *id)
{
	return DkProcessCreate(URI(uri), parameters, sizeof(*parameters),
			       process, id);
}

/* A child that does @how with @count handles, or 0xbad. */
static DK_HANDLE child(const char *how, u64 value, const DK_HANDLE *handles,
		       u32 count)
{
	struct dk_process_parameters p = parameters_for(how, value);
	DK_HANDLE process = POISON;
	DK_STATUS status;
	u64 id = POISON;

	p.handles = (u64)handles;
	p.handle_count = count;
	status = create(image(), &p, &process, &id);
	if (status) {
		dkt_fail("no child that does %s: %s", how, dkt_status(status));
		return 0xbad;
	}
	return process;
}

static s64 wait_code(DK_HANDLE process)
{
	s64 code = -1;

	if (!dkt_wait(process))
		dkt_fail("a process does not end");
	EXPECT_OK(DkProcessGetExitCode(process, &code));
	EXPECT_OK(DkObjectClose(process));
	return code;
}

/* The n-th handle that this process was given. */
static DK_HANDLE given(u32 n)
{
	const DK_HANDLE *handles =
		(const void *)dkt_parameters + dkt_parameters->handle_offset;

	return n < dkt_parameters->handle_count ? handles[n] : POISON;
}

static u64 value(void)
{
	u64 n = 0;

	for (const char *s = dkt_argument(2); *s; s++)
		n = n * 10 + *s - '0';
	return n;
}

/* ---- what a child does ---- */

static void child_exit(void)
{
	DkProcessExit(value());
}

/* Sets the first of its events, waits for the second. */
static void child_events(void)
{
	EXPECT_EQ(dkt_parameters->handle_count, 2);
	EXPECT_OK(DkEventSet(given(0)));
	EXPECT_TRUE(dkt_wait(given(1)));
}

static const char *text_at(u32 offset)
{
	return (const char *)dkt_parameters + offset;
}

static void child_strings(void)
{
	const struct dk_parameters *p = dkt_parameters;

	EXPECT_FALSE(strcmp(text_at(p->program_offset), "/a/program"));
	EXPECT_FALSE(strcmp(text_at(p->directory_offset), "/a"));
	EXPECT_EQ(p->argument_count, 5);
	EXPECT_FALSE(strcmp(dkt_argument(2), ""));
	EXPECT_FALSE(strcmp(dkt_argument(3), "with space"));
	EXPECT_FALSE(strcmp(dkt_argument(4), ""));
	EXPECT_EQ(p->environment_count, 2);
	EXPECT_FALSE(strcmp(text_at(p->environment_offset), "A=1"));
	EXPECT_FALSE(strcmp(text_at(p->environment_offset) + 4, "B"));
	EXPECT_EQ(p->handle_count, 0);
}

static void child_rights(void)
{
	u64 state = POISON, count;

	EXPECT_EQ(dkt_parameters->handle_count, 4);
	/* 0: an event to be read, 1 and 2: the same one with all rights. */
	EXPECT_NE(given(1), given(2));
	EXPECT_STATUS(DkEventSet(given(0)), ACCESS_DENIED);
	EXPECT_OK(DkEventPeek(given(0), &state));
	EXPECT_EQ(state, 0);
	EXPECT_OK(DkEventSet(given(1)));
	EXPECT_OK(DkEventPeek(given(2), &state));
	EXPECT_EQ(state, 1);
	EXPECT_OK(DkObjectClose(given(1)));
	EXPECT_OK(DkEventPeek(given(0), &state));
	EXPECT_STATUS(DkEventSet(given(3)), WRONG_TYPE);
	EXPECT_OK(DkSemaphoreRelease(given(3), 2, &count));
	EXPECT_EQ(count, 1);
}

static volatile u64 fault_address;

static bool skip_load(struct dk_exception *exception,
		      struct dk_context *context)
{
	fault_address = exception->address;
	context->rip = context->rbx;
	return exception->code == DK_EXCEPTION_ACCESS_VIOLATION;
}

/* Whether loading from @address is an exception. */
static bool faults(u64 address)
{
	u64 to;

	fault_address = 0;
	dkt_exception = skip_load;
	asm volatile("lea 1f(%%rip), %%rbx; mov (%1), %0; 1:"
		     : "=&r"(to)
		     : "r"(address)
		     : "rbx", "memory");
	dkt_exception = NULL;
	return fault_address == address;
}

/*
 * First of all, before anything uses them: vector registers, the bases of %fs
 * and %gs. Then: the creator's memory, and every handle of a small table.
 */
static void child_nothing_else(void)
{
	u64 vector[2] = { 1, 1 }, fs = 1, gs = 1, signalled, found = 0;
	u32 mxcsr = 0;
	u16 control = 0;

	asm volatile("movups %%xmm7, %0; stmxcsr %1; fnstcw %2"
		     : "=m"(vector), "=m"(mxcsr), "=m"(control));
	asm volatile("rdfsbase %0; rdgsbase %1" : "=r"(fs), "=r"(gs));
	EXPECT_EQ(vector[0], 0);
	EXPECT_EQ(vector[1], 0);
	EXPECT_EQ(mxcsr, 0x1f80);
	EXPECT_EQ(control, 0x37f);
	EXPECT_EQ(fs, 0);
	EXPECT_EQ(gs, 0);
	EXPECT_TRUE(faults(value()));
	/* Itself, its thread, standard output and input of the frame. */
	for (u64 slot = 1; slot < 512; slot++)
		for (u64 generation = 0; generation < 4; generation++)
			found += DkEventPeek(generation << 32 | slot,
					     &signalled) !=
				 DK_STATUS_INVALID_HANDLE;
	EXPECT_EQ(found, 4);
	EXPECT_NE(dkt_parameters->process, dkt_parameters->thread);
	EXPECT_EQ(dkt_parameters->handle_count, 0);
}

/* Reads a byte of the stream, where the creator has left off. */
static void child_stream(void)
{
	char c = 0;
	u64 done;

	EXPECT_OK(DkStreamRead(given(0), DK_OFFSET_CURRENT, &c, 1, &done));
	EXPECT_EQ(done, 1);
	EXPECT_EQ(c, 'e');
}

/* Waits for what never comes. */
static void child_forever(void)
{
	DK_HANDLE never;
	u64 index;

	EXPECT_OK(DkNotificationEventCreate(0, &never));
	EXPECT_OK(DkxUpcallRegister(NULL, NULL));
	EXPECT_OK(DkEventSet(given(0)));
	DkObjectsWaitAny(1, &never, DK_TIMEOUT_INFINITE, &index);
}

static void child_fault(void)
{
	DkxUpcallRegister(NULL, NULL);
	asm volatile("ud2");
}

/* Makes one of its own, which has to outlive it. */
static void child_parent(void)
{
	DK_HANDLE process, handles[] = { given(0), given(1) };

	process = child("events", 0, handles, 2);
	EXPECT_NE(process, 0xbad);
}

/* Comes to rest when the monitor asks. */
static void child_abort(void)
{
	DK_HANDLE abort, never;
	u64 index, state;

	ASSERT_OK(DkNotificationEventCreate(0, &abort));
	ASSERT_OK(DkNotificationEventCreate(0, &never));
	ASSERT_OK(DkAbortEventRegister(abort));
	EXPECT_OK(DkEventSet(given(0)));
	EXPECT_STATUS(DkObjectsWaitAny(1, &never, DK_TIMEOUT_INFINITE, &index),
		      ABORTED);
	EXPECT_OK(DkEventPeek(abort, &state));
	EXPECT_EQ(state, 1);
}

/* Memory, threads, exceptions and names work as in any process. */
static void child_works(void)
{
	char uri[256];
	DK_HANDLE file, copy;
	u64 id;

	*(u64 *)dkt_pages(4) = 1;
	dkt_snprintf(uri, sizeof(uri), "file:%s", dkt_argument(0));
	file = dkt_open(uri, DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkObjectClose(file));
	EXPECT_TRUE(faults(8));
	ASSERT_OK(DkxProcessClone(0, &copy, &id));
	if (!copy)
		DkProcessExit(7);
	EXPECT_EQ(wait_code(copy), 7);
	copy = child("exit", 8, NULL, 0);
	EXPECT_EQ(wait_code(copy), 8);
}

static const struct {
	const char *name;
	void (*run)(void);
} child_tests[] = {
	{ "abort", child_abort },     { "events", child_events },
	{ "exit", child_exit },	      { "fault", child_fault },
	{ "forever", child_forever }, { "nothing-else", child_nothing_else },
	{ "parent", child_parent },   { "rights", child_rights },
	{ "stream", child_stream },   { "strings", child_strings },
	{ "works", child_works },
};

void dkt_child(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(child_tests); i++) {
		if (strcmp(dkt_argument(1), child_tests[i].name))
			continue;
		child_tests[i].run();
		child_done();
	}
}

/* ---- tests ---- */

/* Nothing more than before; what an earlier test has left may be gone. */
static void expect_nothing_changed(const struct dkt_counts *before)
{
	struct dkt_counts after;
	s64 remaining;

	for (int i = 0; i < 500; i++) {
		dkt_counts(&after);
		if (after.handles <= before->handles &&
		    after.objects <= before->objects &&
		    after.processes <= before->processes)
			return;
		DkThreadDelayExecution(10 * MSEC, &remaining);
	}
	EXPECT_LE(after.handles, before->handles);
	EXPECT_LE(after.objects, before->objects);
	EXPECT_LE(after.processes, before->processes);
}

TEST(a_child_and_its_end)
{
	struct dk_process_parameters p = parameters_for("events", 0);
	DK_HANDLE process = POISON, found = POISON, events[2];
	struct dkt_counts before;
	u64 id = POISON, index = POISON;
	s64 code = POISON;

	dkt_counts(&before);
	ASSERT_OK(DkNotificationEventCreate(0, &events[0]));
	ASSERT_OK(DkNotificationEventCreate(0, &events[1]));
	p.handles = (u64)events;
	p.handle_count = 2;
	ASSERT_OK(create(image(), &p, &process, &id));
	EXPECT_NE(process, POISON);
	EXPECT_GE(id, DK_PROCESS_FIRST + 1);
	EXPECT_TRUE(dkt_wait(events[0]));
	EXPECT_STATUS(DkProcessGetExitCode(process, &code), BUSY);
	EXPECT_EQ(code, POISON);
	EXPECT_STATUS(DkObjectsWaitAny(1, &process, 0, &index), TIMEOUT);
	EXPECT_OK(DkxProcessOpen(id, &found));
	EXPECT_OK(DkEventSet(events[1]));
	EXPECT_EQ(wait_code(process), CODE_GOOD);
	EXPECT_EQ(wait_code(found), CODE_GOOD);
	EXPECT_STATUS(DkxProcessOpen(id, &found), NOT_FOUND);
	EXPECT_OK(DkObjectClose(events[0]));
	EXPECT_OK(DkObjectClose(events[1]));
	expect_nothing_changed(&before);
}

TEST(exit_codes)
{
	EXPECT_EQ(wait_code(child("exit", 0, NULL, 0)), 0);
	EXPECT_EQ(wait_code(child("exit", 0x123456789, NULL, 0)), 0x123456789);
	EXPECT_EQ(wait_code(child("fault", 0, NULL, 0)), 128 + 4);
}

TEST(strings_and_environment)
{
	static const char texts[] =
		"/a/program\0/a\0image\0strings\0\0with space\0\0A=1\0B";
	struct dk_process_parameters p = {
		.strings = (u64)texts,
		.strings_length = sizeof(texts),
		.argument_count = 5,
		.environment_count = 2,
	};
	DK_HANDLE process;
	u64 id;

	ASSERT_OK(create(image(), &p, &process, &id));
	EXPECT_EQ(wait_code(process), CODE_GOOD);
}

TEST(handles_in_their_order_with_their_rights)
{
	DK_HANDLE handles[4], event, semaphore, weak;
	u64 state, count;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	ASSERT_OK(DkObjectReference(event, DK_RIGHT_READ, &weak));
	ASSERT_OK(DkSemaphoreCreate(1, 10, &semaphore));
	handles[0] = weak;
	handles[1] = event;
	handles[2] = event;
	handles[3] = semaphore;
	EXPECT_EQ(wait_code(child("rights", 0, handles, 4)), CODE_GOOD);
	/* What the child closed is open here. */
	EXPECT_OK(DkEventPeek(event, &state));
	EXPECT_EQ(state, 1);
	EXPECT_OK(DkSemaphorePeek(semaphore, &count));
	EXPECT_EQ(count, 3);
	EXPECT_OK(DkObjectClose(event));
	EXPECT_OK(DkObjectClose(weak));
	EXPECT_OK(DkObjectClose(semaphore));
}

TEST(nothing_else)
{
	u64 vector[2] = { 0x1234567890abcdef, 77 };
	u64 *page = dkt_pages(1);
	DK_HANDLE events[100];
	u32 mxcsr = 0x9f80;

	for (int i = 0; i < 100; i++)
		ASSERT_OK(DkNotificationEventCreate(1, &events[i]));
	page[0] = 1;
	asm volatile("movups %0, %%xmm7; ldmxcsr %1; wrfsbase %2; wrgsbase %2"
		     :
		     : "m"(vector), "m"(mxcsr), "r"(0x11110000UL));
	EXPECT_EQ(wait_code(child("nothing-else", (u64)page, NULL, 0)),
		  CODE_GOOD);
	mxcsr = 0x1f80;
	asm volatile("ldmxcsr %0; wrfsbase %1; wrgsbase %1"
		     :
		     : "m"(mxcsr), "r"(0UL));
	for (int i = 0; i < 100; i++)
		EXPECT_OK(DkObjectClose(events[i]));
	DkVirtualMemoryFree(page, PAGE, DK_MEM_RELEASE);
}

TEST(a_stream_has_one_position)
{
	DK_HANDLE file;
	char uri[256], c;
	u64 done;

	file = dkt_open(folder_uri(uri, sizeof(uri), "rw/hello"),
			DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamRead(file, DK_OFFSET_CURRENT, &c, 1, &done));
	EXPECT_EQ(wait_code(child("stream", 0, &file, 1)), CODE_GOOD);
	EXPECT_OK(DkStreamRead(file, DK_OFFSET_CURRENT, &c, 1, &done));
	EXPECT_EQ(c, 'l');
	EXPECT_OK(DkObjectClose(file));
}

TEST(a_child_is_a_process_like_any)
{
	EXPECT_EQ(wait_code(child("works", 0, NULL, 0)), CODE_GOOD);
}

TEST(a_parent_may_end_first)
{
	struct dkt_counts before;
	DK_HANDLE events[2];

	dkt_counts(&before);
	ASSERT_OK(DkNotificationEventCreate(0, &events[0]));
	ASSERT_OK(DkNotificationEventCreate(0, &events[1]));
	EXPECT_EQ(wait_code(child("parent", 0, events, 2)), CODE_GOOD);
	EXPECT_TRUE(dkt_wait(events[0]));
	EXPECT_OK(DkEventSet(events[1]));
	EXPECT_OK(DkObjectClose(events[0]));
	EXPECT_OK(DkObjectClose(events[1]));
	expect_nothing_changed(&before);
}

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

/* ---- the end, told ---- */

static volatile u64 told[64], tellings, others;

/* One may interrupt another. */
static bool count_child(struct dk_exception *exception,
			struct dk_context *context)
{
	u64 n;

	if (exception->code != DK_EXCEPTION_CHILD) {
		others++;
		return false;
	}
	n = __atomic_fetch_add(&tellings, 1, __ATOMIC_SEQ_CST);
	if (n < ARRAY_SIZE(told))
		told[n] = exception->parameter;
	return true;
}

static bool tellings_become(u64 n)
{
	s64 remaining, end = dkt_now() + 30 * SEC;

	while (tellings < n && dkt_now() < end)
		DkThreadDelayExecution(MSEC, &remaining);
	return tellings == n;
}

static void expect_told_once(u64 id)
{
	u64 n = 0;

	for (u64 i = 0; i < tellings && i < ARRAY_SIZE(told); i++)
		n += told[i] == id;
	EXPECT_EQ(n, 1);
}

static void begin_telling(void)
{
	tellings = 0;
	others = 0;
	dkt_exception = count_child;
}

TEST(the_end_of_a_child_is_told)
{
	struct dk_process_parameters p = parameters_for("exit", 3);
	DK_HANDLE process;
	u64 id;
	s64 code;

	begin_telling();
	p.flags = DK_CLONE_NOTIFY;
	ASSERT_OK(create(image(), &p, &process, &id));
	EXPECT_TRUE(tellings_become(1));
	expect_told_once(id);
	/* It has ended, for whoever looks. */
	EXPECT_OK(DkProcessGetExitCode(process, &code));
	EXPECT_EQ(code, 3);
	EXPECT_OK(DkObjectClose(process));
	EXPECT_EQ(others, 0);
}

TEST(only_who_asks_is_told)
{
	DK_HANDLE copy;
	u64 id;

	begin_telling();
	EXPECT_EQ(wait_code(child("exit", 3, NULL, 0)), 3);
	ASSERT_OK(DkxProcessClone(0, &copy, &id));
	if (!copy)
		DkProcessExit(4);
	EXPECT_EQ(wait_code(copy), 4);
	EXPECT_EQ(tellings, 0);
}

TEST(the_ends_of_clones_are_told)
{
	DK_HANDLE copies[40];
	u64 ids[40];

	begin_telling();
	for (int i = 0; i < 40; i++) {
		s64 status;

		/* The end of an earlier one may come first. */
		do {
			status = DkxProcessClone(DK_CLONE_NOTIFY, &copies[i],
						 &ids[i]);
		} while (status == DK_STATUS_INTERRUPTED);
		ASSERT_OK(status);
		if (!copies[i]) {
			if (i % 2)
				DkProcessExit(i);
			DkxUpcallRegister(NULL, NULL);
			asm volatile("ud2");
		}
		EXPECT_OK(DkObjectClose(copies[i]));
	}
	EXPECT_TRUE(tellings_become(40));
	for (int i = 0; i < 40; i++)
		expect_told_once(ids[i]);
	EXPECT_EQ(others, 0);
}

/* A call that waits ends for it, as for whatever is raised. */
TEST(a_wait_ends_when_a_child_does)
{
	DK_HANDLE copy, never;
	u64 id, index;

	begin_telling();
	ASSERT_OK(DkNotificationEventCreate(0, &never));
	ASSERT_OK(DkxProcessClone(DK_CLONE_NOTIFY, &copy, &id));
	if (!copy) {
		s64 remaining;

		DkThreadDelayExecution(50 * MSEC, &remaining);
		DkProcessExit(0);
	}
	EXPECT_STATUS(DkObjectsWaitAny(1, &never, DK_TIMEOUT_INFINITE, &index),
		      INTERRUPTED);
	EXPECT_EQ(tellings, 1);
	expect_told_once(id);
	EXPECT_OK(DkObjectClose(copy));
	EXPECT_OK(DkObjectClose(never));
}

/* Whoever was to be told has gone: nobody is. */
TEST(an_orphans_end)
{
	struct dkt_counts before;
	DK_HANDLE copy, event;
	u64 id;

	begin_telling();
	dkt_counts(&before);
	ASSERT_OK(DkNotificationEventCreate(0, &event));
	ASSERT_OK(DkxProcessClone(DK_CLONE_NOTIFY, &copy, &id));
	if (!copy) {
		if (!DkxProcessClone(DK_CLONE_NOTIFY, &copy, &id) && !copy)
			DkProcessExit(dkt_wait(event) ? 0 : 1);
		DkProcessExit(6);
	}
	EXPECT_EQ(wait_code(copy), 6);
	EXPECT_TRUE(tellings_become(1));
	EXPECT_OK(DkEventSet(event));
	EXPECT_OK(DkObjectClose(event));
	expect_nothing_changed(&before);
	EXPECT_EQ(tellings, 1);
}

TEST(an_abort_reaches_a_child)
{
	DK_HANDLE event, process;
	s64 count = 0;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	process = child("abort", 0, &event, 1);
	EXPECT_TRUE(dkt_wait(event));
	dkt_ask("@abort\n", &count, sizeof(count));
	EXPECT_EQ(count, 1);
	EXPECT_EQ(wait_code(process), CODE_GOOD);
	EXPECT_OK(DkObjectClose(event));
}

TEST(a_child_that_waits_for_ever_can_be_ended)
{
	DK_HANDLE event, process;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	process = child("forever", 0, &event, 1);
	EXPECT_TRUE(dkt_wait(event));
	/* No entry for exceptions: what is raised ends it, as of SIGTERM. */
	EXPECT_OK(DkThreadRaiseException(process, DK_EXCEPTION_USER, 0));
	EXPECT_EQ(wait_code(process), 128 + 15);
	EXPECT_OK(DkObjectClose(event));
}
