// SPDX-License-Identifier: GPL-2.0-only
/* Streams: opening, moving data, mapping, folders, attributes. */
#include "dktest.h"
#include "files.h"

#define RW	(DK_ACCESS_READ | DK_ACCESS_WRITE)

/* Does the file hold exactly this? */
static void expect_text(const char *uri, const char *text)
{
	DK_HANDLE h = dkt_open(uri, DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	char buffer[256];
	u64 done = 0;

	EXPECT_OK(DkStreamRead(h, 0, buffer, sizeof(buffer), &done));
	if (done != strlen(text) || memcmp(buffer, text, done))
		dkt_fail("%s has not \"%s\" but %lu bytes", uri, text,
			 (unsigned long)done);
	EXPECT_OK(DkObjectClose(h));
}

static u64 length_of(const char *uri)
{
	struct dk_stream_attributes at = { .length = POISON };

	EXPECT_OK(DkStreamAttributesQuery(URI(uri), 0, &at, sizeof(at)));
	return at.length;
}

TEST(dispositions)
{
	const char *f = in_rw("disposition");

	EXPECT_STATUS(try_open(f, RW, DK_OPEN_EXISTING, 0), NOT_FOUND);
	EXPECT_STATUS(try_open(f, RW, DK_OPEN_TRUNCATE, 0), NOT_FOUND);
	EXPECT_OK(try_open(f, RW, DK_OPEN_CREATE_NEW, DK_OPTION_MODE(0600)));
	EXPECT_STATUS(try_open(f, RW, DK_OPEN_CREATE_NEW, 0), ALREADY_EXISTS);
	put(f, "text");
	EXPECT_OK(try_open(f, RW, DK_OPEN_EXISTING, 0));
	EXPECT_OK(try_open(f, RW, DK_OPEN_CREATE, 0));
	EXPECT_EQ(length_of(f), 4);
	EXPECT_OK(try_open(f, RW, DK_OPEN_TRUNCATE, 0));
	EXPECT_EQ(length_of(f), 0);
	put(f, "text");
	EXPECT_OK(try_open(f, RW, DK_OPEN_CREATE_TRUNCATE, 0));
	EXPECT_EQ(length_of(f), 0);
	EXPECT_OK(DkStreamDelete(URI(f), DK_DELETE_FILE));
	EXPECT_OK(
		try_open(f, RW, DK_OPEN_CREATE_TRUNCATE, DK_OPTION_MODE(0600)));
	EXPECT_OK(DkStreamDelete(URI(f), DK_DELETE_FILE));
	EXPECT_STATUS(try_open(f, RW, DK_OPEN_EXISTING, 0), NOT_FOUND);
}

TEST(mode_of_a_new_file)
{
	static const u32 modes[] = { 0644, 0600, 0755, 0400 };
	struct dk_stream_attributes at;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		const char *f = in_rw("mode");

		EXPECT_OK(try_open(f, RW, DK_OPEN_CREATE_NEW,
				   DK_OPTION_MODE(modes[i])));
		EXPECT_OK(DkStreamAttributesQuery(URI(f), 0, &at, sizeof(at)));
		EXPECT_EQ(at.mode, modes[i]);
		EXPECT_EQ(at.type, DK_TYPE_FILE);
		EXPECT_OK(DkStreamDelete(URI(f), DK_DELETE_FILE));
	}
}

TEST(reading_and_writing_at_offsets)
{
	DK_HANDLE h = dkt_open(in_rw("offsets"), RW, DK_OPEN_CREATE,
			       DK_OPTION_MODE(0644));
	char b[64];
	u64 done = POISON, position = POISON;

	EXPECT_OK(DkStreamWrite(h, 10, "abc", 3, &done));
	EXPECT_EQ(done, 3);
	/* An offset does not move the position. */
	EXPECT_OK(DkStreamRead(h, DK_OFFSET_CURRENT, b, 64, &done));
	EXPECT_EQ(done, 13);
	EXPECT_EQ(memcmp(b, "\0\0\0\0\0\0\0\0\0\0abc", 13), 0);
	/* This read did. */
	EXPECT_OK(DkStreamRead(h, DK_OFFSET_CURRENT, b, 64, &done));
	EXPECT_EQ(done, 0);
	EXPECT_OK(DkStreamRead(h, 11, b, 1, &done));
	EXPECT_EQ(b[0], 'b');
	EXPECT_OK(DkxStreamSeek(h, 0, DK_SEEK_CURRENT, &position));
	EXPECT_EQ(position, 13);
	EXPECT_OK(DkStreamWrite(h, DK_OFFSET_CURRENT, "de", 2, &done));
	EXPECT_OK(DkxStreamSeek(h, -5, DK_SEEK_END, &position));
	EXPECT_EQ(position, 10);
	EXPECT_OK(DkStreamRead(h, DK_OFFSET_CURRENT, b, 64, &done));
	EXPECT_EQ(done, 5);
	EXPECT_EQ(memcmp(b, "abcde", 5), 0);
	EXPECT_STATUS(DkxStreamSeek(h, -100, DK_SEEK_CURRENT, &position),
		      INVALID_PARAMETER);
	EXPECT_EQ(position, 10);
	EXPECT_OK(DkStreamRead(h, 1000000, b, 64, &done));
	EXPECT_EQ(done, 0);
	EXPECT_OK(DkObjectClose(h));
	EXPECT_OK(DkStreamDelete(URI(in_rw("offsets")), DK_DELETE_FILE));
}

TEST(two_opens_have_two_positions)
{
	DK_HANDLE a, b, c = 0;
	char x = 0;
	u64 done;

	put(in_rw("two"), "12345");
	a = dkt_open(in_rw("two"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	b = dkt_open(in_rw("two"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkObjectReference(a, 0, &c));
	EXPECT_OK(DkStreamRead(a, DK_OFFSET_CURRENT, &x, 1, &done));
	EXPECT_EQ(x, '1');
	EXPECT_OK(DkStreamRead(b, DK_OFFSET_CURRENT, &x, 1, &done));
	EXPECT_EQ(x, '1');
	/* A reference is the same stream. */
	EXPECT_OK(DkStreamRead(c, DK_OFFSET_CURRENT, &x, 1, &done));
	EXPECT_EQ(x, '2');
	DkObjectClose(a);
	EXPECT_OK(DkStreamRead(c, DK_OFFSET_CURRENT, &x, 1, &done));
	EXPECT_EQ(x, '3');
	DkObjectClose(b);
	DkObjectClose(c);
	EXPECT_OK(DkStreamDelete(URI(in_rw("two")), DK_DELETE_FILE));
}

TEST(append)
{
	DK_HANDLE a, b, c;
	u32 append = 0;
	u64 done;

	put(in_rw("append"), "start ");
	a = dkt_open(in_rw("append"), DK_ACCESS_WRITE | DK_ACCESS_APPEND,
		     DK_OPEN_EXISTING, 0);
	b = dkt_open(in_rw("append"), DK_ACCESS_WRITE | DK_ACCESS_APPEND,
		     DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamWrite(a, DK_OFFSET_CURRENT, "a", 1, &done));
	EXPECT_OK(DkStreamWrite(b, DK_OFFSET_CURRENT, "b", 1, &done));
	EXPECT_OK(DkStreamWrite(a, DK_OFFSET_CURRENT, "A", 1, &done));
	/* Every write goes to the end, whatever it says; until it need not. */
	EXPECT_OK(DkStreamWrite(b, 0, "B", 1, &done));
	EXPECT_OK(DkObjectReference(b, 0, &c));
	EXPECT_OK(DkxStreamControl(c, DK_CONTROL_SET_APPEND, &append, 4));
	EXPECT_OK(DkStreamWrite(b, 0, "S", 1, &done));
	append = 1;
	EXPECT_OK(DkxStreamControl(b, DK_CONTROL_SET_APPEND, &append, 4));
	EXPECT_OK(DkStreamWrite(c, 0, "C", 1, &done));
	append = 2;
	EXPECT_STATUS(DkxStreamControl(b, DK_CONTROL_SET_APPEND, &append, 4),
		      INVALID_PARAMETER);
	DkObjectClose(a);
	DkObjectClose(b);
	DkObjectClose(c);
	expect_text(in_rw("append"), "Start abABC");
	a = dkt_open(in_rw("append"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	append = 1;
	EXPECT_STATUS(DkxStreamControl(a, DK_CONTROL_SET_APPEND, &append, 4),
		      ACCESS_DENIED);
	/* It can be asked by anybody. */
	EXPECT_OK(DkxStreamControl(a, DK_CONTROL_GET_APPEND, &append, 4));
	EXPECT_EQ(append, 0);
	DkObjectClose(a);
	a = dkt_open(in_rw("append"), DK_ACCESS_WRITE | DK_ACCESS_APPEND,
		     DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkxStreamControl(a, DK_CONTROL_GET_APPEND, &append, 4));
	EXPECT_EQ(append, 1);
	DkObjectClose(a);
	a = dkt_open("null:", DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(DkxStreamControl(a, DK_CONTROL_SET_APPEND, &append, 4),
		      NOT_SUPPORTED);
	EXPECT_STATUS(DkxStreamControl(a, DK_CONTROL_GET_APPEND, &append, 4),
		      NOT_SUPPORTED);
	DkObjectClose(a);
	EXPECT_OK(DkStreamDelete(URI(in_rw("append")), DK_DELETE_FILE));
}

TEST(access_is_what_was_asked_for)
{
	DK_HANDLE h;
	u64 done = POISON;
	void *base = NULL;
	char b[8];

	put(in_rw("access"), "text");
	h = dkt_open(in_rw("access"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(DkStreamWrite(h, 0, "x", 1, &done), ACCESS_DENIED);
	EXPECT_STATUS(DkStreamSetLength(h, 0), ACCESS_DENIED);
	EXPECT_STATUS(DkStreamMap(h, &base, PAGE, 0,
				  DK_PROT_READ | DK_PROT_WRITE, DK_MAP_SHARED),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkStreamMap(h, &base, PAGE, 0,
				  DK_PROT_READ | DK_PROT_EXECUTE,
				  DK_MAP_PRIVATE),
		      ACCESS_DENIED);
	DkObjectClose(h);
	h = dkt_open(in_rw("access"), DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(DkStreamRead(h, 0, b, 4, &done), ACCESS_DENIED);
	EXPECT_EQ(done, POISON);
	DkObjectClose(h);
	expect_text(in_rw("access"), "text");
	EXPECT_OK(DkStreamDelete(URI(in_rw("access")), DK_DELETE_FILE));
}

TEST(map_private_and_shared)
{
	DK_HANDLE h;
	char *private = NULL, *shared = NULL, *other = NULL;
	void *base;

	put(in_rw("map"), "mapped text");
	h = dkt_open(in_rw("map"), RW, DK_OPEN_EXISTING, 0);
	base = NULL;
	ASSERT_OK(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ | DK_PROT_WRITE,
			      DK_MAP_PRIVATE));
	private = base;
	base = NULL;
	ASSERT_OK(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ | DK_PROT_WRITE,
			      DK_MAP_SHARED));
	shared = base;
	base = NULL;
	ASSERT_OK(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ, DK_MAP_SHARED));
	other = base;
	EXPECT_EQ(memcmp(private, "mapped text", 11), 0);
	EXPECT_EQ(memcmp(shared, "mapped text", 11), 0);
	EXPECT_EQ(private[11], 0);
	private[0] = 'P';
	EXPECT_EQ(shared[0], 'm');
	shared[1] = 'S';
	EXPECT_EQ(other[1], 'S');
	expect_text(in_rw("map"), "mSpped text");
	/* The mapping outlives the handle. */
	EXPECT_OK(DkObjectClose(h));
	shared[2] = 'T';
	expect_text(in_rw("map"), "mSTped text");
	EXPECT_EQ(private[0], 'P');
	EXPECT_OK(DkStreamUnmap(private, PAGE));
	EXPECT_OK(DkStreamUnmap(shared, PAGE));
	EXPECT_OK(DkStreamUnmap(other, PAGE));
	EXPECT_OK(DkStreamDelete(URI(in_rw("map")), DK_DELETE_FILE));
}

TEST(map_zero)
{
	DK_HANDLE h =
		dkt_open("file:/dev/zero", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	void *base = NULL;

	/* It would be memory that nobody has counted. */
	EXPECT_STATUS(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ,
				  DK_MAP_SHARED),
		      NOT_SUPPORTED);
	ASSERT_OK(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ | DK_PROT_WRITE,
			      DK_MAP_PRIVATE));
	EXPECT_EQ(*(volatile char *)base, 0);
	EXPECT_OK(DkStreamUnmap(base, PAGE));
	EXPECT_OK(DkObjectClose(h));
}

TEST(map_at_an_address)
{
	char *p = dkt_pages(4);
	void *base = p + PAGE;
	DK_HANDLE h;

	put(in_rw("fixed"), "fixed");
	h = dkt_open(in_rw("fixed"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	p[PAGE] = 'x';
	EXPECT_STATUS(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ,
				  DK_MAP_PRIVATE),
		      ALREADY_EXISTS);
	EXPECT_EQ(p[PAGE], 'x');
	EXPECT_OK(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ,
			      DK_MAP_PRIVATE | DK_MAP_REPLACE));
	EXPECT_EQ(base, p + PAGE);
	EXPECT_EQ(p[PAGE], 'f');
	DkObjectClose(h);
	EXPECT_OK(DkVirtualMemoryFree(p, 4 * PAGE, DK_MEM_RELEASE));
	EXPECT_OK(DkStreamDelete(URI(in_rw("fixed")), DK_DELETE_FILE));
}

TEST(map_executable)
{
	static const u8 code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	DK_HANDLE h = dkt_open(in_rw("code"), RW, DK_OPEN_CREATE,
			       DK_OPTION_MODE(0755));
	u64 done;
	void *base = NULL;

	EXPECT_OK(DkStreamWrite(h, 0, code, sizeof(code), &done));
	EXPECT_STATUS(DkStreamMap(h, &base, PAGE, 0,
				  DK_PROT_READ | DK_PROT_EXECUTE,
				  DK_MAP_PRIVATE),
		      ACCESS_DENIED);
	DkObjectClose(h);
	h = dkt_open(in_rw("code"), DK_ACCESS_READ | DK_ACCESS_EXECUTE,
		     DK_OPEN_EXISTING, 0);
	ASSERT_OK(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ | DK_PROT_EXECUTE,
			      DK_MAP_PRIVATE));
	EXPECT_EQ(((int (*)(void))base)(), 42);
	EXPECT_STATUS(DkVirtualMemoryProtect(base, PAGE,
					     DK_PROT_READ | DK_PROT_WRITE |
						     DK_PROT_EXECUTE),
		      ACCESS_DENIED);
	EXPECT_OK(DkStreamUnmap(base, PAGE));
	DkObjectClose(h);
	EXPECT_OK(DkStreamDelete(URI(in_rw("code")), DK_DELETE_FILE));
}

TEST(set_length)
{
	DK_HANDLE h;
	char b[16] = "";
	u64 done;

	put(in_rw("length"), "0123456789");
	h = dkt_open(in_rw("length"), RW, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamSetLength(h, 4));
	EXPECT_EQ(length_of(in_rw("length")), 4);
	EXPECT_OK(DkStreamSetLength(h, 8));
	EXPECT_OK(DkStreamRead(h, 0, b, 16, &done));
	EXPECT_EQ(done, 8);
	EXPECT_EQ(memcmp(b, "0123\0\0\0\0", 8), 0);
	EXPECT_OK(DkStreamSetLength(h, 1ULL << 33));
	EXPECT_EQ(length_of(in_rw("length")), 1ULL << 33);
	EXPECT_OK(DkStreamFlush(h, 0));
	EXPECT_OK(DkStreamFlush(h, DK_FLUSH_DATA));
	DkObjectClose(h);
	EXPECT_OK(DkStreamDelete(URI(in_rw("length")), DK_DELETE_FILE));
}

static DK_STATUS allocate(DK_HANDLE h, u32 mode, u64 offset, u64 length)
{
	struct dk_allocation a = { .mode = mode,
				   .offset = offset,
				   .length = length };

	return DkxStreamControl(h, DK_CONTROL_ALLOCATE, &a, sizeof(a));
}

TEST(room_for_a_file)
{
	const u32 hole = DK_ALLOCATE_PUNCH | DK_ALLOCATE_KEEP_SIZE;
	struct dk_allocation a = { .reserved = 1, .length = 1 };
	DK_HANDLE h;
	char b[16] = "";
	u64 done;

	put(in_rw("room"), "0123456789");
	h = dkt_open(in_rw("room"), RW, DK_OPEN_EXISTING, 0);
	EXPECT_OK(allocate(h, DK_ALLOCATE_KEEP_SIZE, 0, 8 * PAGE));
	EXPECT_EQ(length_of(in_rw("room")), 10);
	EXPECT_OK(allocate(h, 0, 4, 8));
	EXPECT_EQ(length_of(in_rw("room")), 12);
	EXPECT_OK(allocate(h, hole, 2, 4));
	EXPECT_OK(DkStreamRead(h, 0, b, 16, &done));
	EXPECT_EQ(done, 12);
	EXPECT_EQ(memcmp(b, "01\0\0\0\0006789\0\0", 12), 0);
	EXPECT_STATUS(allocate(h, 0, 0, 0), INVALID_PARAMETER);
	EXPECT_STATUS(allocate(h, 0, 1ULL << 63, 1), INVALID_PARAMETER);
	EXPECT_STATUS(allocate(h, 0, 0, 1ULL << 63), INVALID_PARAMETER);
	EXPECT_STATUS(allocate(h, 0, 1ULL << 62, (1ULL << 63) - 1), TOO_LARGE);
	EXPECT_STATUS(allocate(h, 4, 0, 1), INVALID_PARAMETER);
	EXPECT_STATUS(allocate(h, DK_ALLOCATE_PUNCH, 0, 1), NOT_SUPPORTED);
	EXPECT_STATUS(DkxStreamControl(h, DK_CONTROL_ALLOCATE, &a, sizeof(a)),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamControl(h, DK_CONTROL_ALLOCATE, &a, 8),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamControl(h, DK_CONTROL_ALLOCATE, (void *)8,
				       sizeof(a)),
		      INVALID_POINTER);
	EXPECT_EQ(length_of(in_rw("room")), 12);
	DkObjectClose(h);
	h = dkt_open(in_rw("room"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(allocate(h, 0, 0, 100), ACCESS_DENIED);
	EXPECT_EQ(length_of(in_rw("room")), 12);
	DkObjectClose(h);
	EXPECT_OK(DkStreamDelete(URI(in_rw("room")), DK_DELETE_FILE));
	h = dkt_open("null:", DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(allocate(h, 0, 0, 1), NOT_SUPPORTED);
	DkObjectClose(h);
}

static DK_STATUS file_system(DK_HANDLE h, struct dk_file_system *fs)
{
	memset(fs, 0xee, sizeof(*fs));
	return DkxStreamControl(h, DK_CONTROL_FILE_SYSTEM, fs, sizeof(*fs));
}

TEST(file_system_of_a_file)
{
	struct dk_file_system fs, named, of_zero;
	DK_HANDLE h;

	put(in_rw("where"), "x");
	h = dkt_open(in_rw("where"), DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0);
	EXPECT_OK(file_system(h, &fs));
	EXPECT_GE(fs.type, 1);
	EXPECT_GE(fs.block_size, 1);
	EXPECT_GE(fs.fragment_size, 1);
	EXPECT_LE(fs.free, fs.blocks);
	EXPECT_LE(fs.available, fs.free);
	EXPECT_LE(fs.free_files, fs.files);
	EXPECT_EQ(fs.name_max, 255);
	EXPECT_STATUS(DkxStreamControl(h, DK_CONTROL_FILE_SYSTEM, &fs, 8),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamControl(h, DK_CONTROL_FILE_SYSTEM, (void *)8,
				       sizeof(fs)),
		      INVALID_POINTER);
	DkObjectClose(h);
	/* Without any access, too. */
	h = dkt_open(in_rw("where"), 0, DK_OPEN_EXISTING, 0);
	EXPECT_OK(file_system(h, &named));
	EXPECT_EQ(named.id, fs.id);
	EXPECT_EQ(named.type, fs.type);
	DkObjectClose(h);
	EXPECT_OK(DkStreamDelete(URI(in_rw("where")), DK_DELETE_FILE));
	h = dkt_open("null:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(file_system(h, &of_zero), NOT_SUPPORTED);
	EXPECT_EQ(of_zero.type, 0xeeeeeeeeeeeeeeeeULL);
	DkObjectClose(h);
}

TEST(rename)
{
	put(in_rw("r1"), "one");
	put(in_rw("r2"), "two");
	EXPECT_STATUS(DkStreamRename(URI(in_rw("r1")), URI(in_rw("r2")),
				     DK_RENAME_NOREPLACE),
		      ALREADY_EXISTS);
	EXPECT_OK(DkStreamRename(URI(in_rw("r1")), URI(in_rw("r2")),
				 DK_RENAME_EXCHANGE));
	expect_text(in_rw("r1"), "two");
	expect_text(in_rw("r2"), "one");
	EXPECT_OK(DkStreamRename(URI(in_rw("r1")), URI(in_rw("r2")), 0));
	expect_text(in_rw("r2"), "two");
	EXPECT_STATUS(try_open(in_rw("r1"), DK_ACCESS_READ, DK_OPEN_EXISTING,
			       0),
		      NOT_FOUND);
	EXPECT_STATUS(DkStreamRename(URI(in_rw("r1")), URI(in_rw("r3")), 0),
		      NOT_FOUND);
	EXPECT_OK(DkStreamRename(URI(in_rw("r2")), URI(in_rw("sub/r2")), 0));
	expect_text(in_rw("sub/r2"), "two");
	EXPECT_OK(DkStreamDelete(URI(in_rw("sub/r2")), DK_DELETE_FILE));
}

TEST(delete)
{
	DK_HANDLE h;
	char b[8];
	u64 done;

	put(in_rw("d1"), "gone");
	EXPECT_STATUS(DkStreamDelete(URI(in_rw("d1")), DK_DELETE_DIRECTORY),
		      NOT_DIRECTORY);
	/* Slashes behind it are a mistake, but not for all that it is there. */
	EXPECT_STATUS(DkStreamDelete(URI(in_rw("d1/")), DK_DELETE_FILE),
		      NOT_DIRECTORY);
	EXPECT_STATUS(DkStreamRename(URI(in_rw("d1/")), URI(in_rw("d2")), 0),
		      NOT_DIRECTORY);
	EXPECT_STATUS(try_open(in_rw("d1/"), DK_ACCESS_READ, DK_OPEN_EXISTING,
			       0),
		      NOT_DIRECTORY);
	EXPECT_STATUS(try_open(in_rw("d1/"), DK_ACCESS_READ, DK_OPEN_CREATE, 0),
		      IS_DIRECTORY);
	EXPECT_STATUS(try_open(in_rw("d1/"), DK_ACCESS_READ, DK_OPEN_CREATE_NEW,
			       DK_OPTION_DIRECTORY),
		      ALREADY_EXISTS);
	h = dkt_open(in_rw("d1"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamDelete(URI(in_rw("d1")), DK_DELETE_FILE));
	EXPECT_STATUS(DkStreamDelete(URI(in_rw("d1")), DK_DELETE_FILE),
		      NOT_FOUND);
	/* An open stream lives on. */
	EXPECT_OK(DkStreamRead(h, 0, b, 8, &done));
	EXPECT_EQ(done, 4);
	DkObjectClose(h);
	EXPECT_OK(try_open(in_rw("dir"), DK_ACCESS_READ, DK_OPEN_CREATE_NEW,
			   DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755)));
	put(in_rw("dir/file"), "x");
	EXPECT_STATUS(DkStreamDelete(URI(in_rw("dir")), DK_DELETE_FILE),
		      IS_DIRECTORY);
	EXPECT_STATUS(DkStreamDelete(URI(in_rw("dir")), DK_DELETE_DIRECTORY),
		      NOT_EMPTY);
	EXPECT_OK(DkStreamDelete(URI(in_rw("dir/file")), DK_DELETE_FILE));
	EXPECT_OK(DkStreamDelete(URI(in_rw("dir")), DK_DELETE_DIRECTORY));
	EXPECT_STATUS(DkStreamDelete(URI(in_rw("dir")), DK_DELETE_DIRECTORY),
		      NOT_FOUND);
}

TEST(folders_are_not_files)
{
	DK_HANDLE h;
	char b[8];
	u64 done = POISON;

	EXPECT_STATUS(try_open(in_rw("hello"), DK_ACCESS_READ, DK_OPEN_EXISTING,
			       DK_OPTION_DIRECTORY),
		      NOT_DIRECTORY);
	EXPECT_STATUS(try_open(in_rw("hello/x"), DK_ACCESS_READ,
			       DK_OPEN_EXISTING, 0),
		      NOT_DIRECTORY);
	EXPECT_STATUS(try_open(in_rw("sub"), DK_ACCESS_WRITE, DK_OPEN_EXISTING,
			       0),
		      IS_DIRECTORY);
	h = dkt_open(in_rw("sub"), DK_ACCESS_READ, DK_OPEN_EXISTING,
		     DK_OPTION_DIRECTORY);
	EXPECT_STATUS(DkStreamRead(h, 0, b, 8, &done), IS_DIRECTORY);
	EXPECT_EQ(done, POISON);
	DkObjectClose(h);
	h = dkt_open(in_rw("hello"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	done = 0;
	EXPECT_STATUS(DkStreamEnumerateChildren(h, &done, b, 8, &done),
		      NOT_DIRECTORY);
	DkObjectClose(h);
}

TEST(attributes)
{
	struct dk_stream_attributes a = { 0 }, b = { 0 };
	DK_HANDLE h;
	s64 now = 0;

	put(in_rw("attr"), "12345");
	DkSystemTimeQuery(DK_CLOCK_WALL, &now);
	h = dkt_open(in_rw("attr"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	ASSERT_OK(
		DkStreamAttributesQuery(URI(in_rw("attr")), 0, &a, sizeof(a)));
	ASSERT_OK(DkStreamAttributesQueryByHandle(h, &b, sizeof(b)));
	EXPECT_EQ(memcmp(&a, &b, sizeof(a)), 0);
	EXPECT_EQ(a.type, DK_TYPE_FILE);
	EXPECT_EQ(a.length, 5);
	EXPECT_EQ(a.nlink, 1);
	EXPECT_EQ(a.uid, dkt_parameters->uid);
	EXPECT_NE(a.inode, 0);
	EXPECT_TRUE(now - a.write_time < 60 * SEC);
	EXPECT_TRUE(now - a.write_time > -60 * SEC);
	EXPECT_EQ(a.reserved, 0);
	DkObjectClose(h);
	EXPECT_OK(DkStreamAttributesQuery(URI(in_rw("sub")), 0, &a, sizeof(a)));
	EXPECT_EQ(a.type, DK_TYPE_DIRECTORY);
	EXPECT_OK(DkStreamAttributesQuery(URI(in_rw("to-hello")), 0, &a,
					  sizeof(a)));
	EXPECT_EQ(a.type, DK_TYPE_FILE);
	EXPECT_OK(DkStreamAttributesQuery(URI(in_rw("to-hello")),
					  DK_NAME_NOFOLLOW, &a, sizeof(a)));
	EXPECT_EQ(a.type, DK_TYPE_SYMLINK);
	EXPECT_STATUS(DkStreamAttributesQuery(URI(in_rw("nothing")), 0, &a,
					      sizeof(a)),
		      NOT_FOUND);
}

TEST(setting_attributes)
{
	struct dk_stream_attributes a = { 0 };
	DK_HANDLE h;

	put(in_rw("set"), "x");
	a.valid = DK_SET_MODE | DK_SET_WRITE_TIME | DK_SET_ACCESS_TIME;
	a.mode = 0604;
	a.write_time = 1000000000LL * SEC + 123456789;
	a.access_time = 1200000000LL * SEC;
	EXPECT_OK(DkxStreamAttributesSet(URI(in_rw("set")), 0, &a, sizeof(a)));
	memset(&a, 0, sizeof(a));
	EXPECT_OK(DkStreamAttributesQuery(URI(in_rw("set")), 0, &a, sizeof(a)));
	EXPECT_EQ(a.mode, 0604);
	EXPECT_EQ(a.write_time, 1000000000LL * SEC + 123456789);
	EXPECT_EQ(a.access_time, 1200000000LL * SEC);
	h = dkt_open(in_rw("set"), RW, DK_OPEN_EXISTING, 0);
	memset(&a, 0, sizeof(a));
	a.valid = DK_SET_WRITE_TIME_NOW;
	EXPECT_OK(DkxStreamAttributesSetByHandle(h, &a, sizeof(a)));
	EXPECT_OK(DkStreamAttributesQueryByHandle(h, &a, sizeof(a)));
	EXPECT_TRUE(a.write_time > 1500000000LL * SEC);
	EXPECT_EQ(a.mode, 0604);
	a.valid = 0x80;
	EXPECT_STATUS(DkxStreamAttributesSetByHandle(h, &a, sizeof(a)),
		      INVALID_PARAMETER);
	DkObjectClose(h);
	EXPECT_OK(DkStreamDelete(URI(in_rw("set")), DK_DELETE_FILE));
}

TEST(links)
{
	struct dk_stream_attributes a;
	DK_HANDLE h;
	char b[64];
	u64 done = 0;

	put(in_rw("l1"), "linked");
	EXPECT_OK(DkxStreamLink(URI(in_rw("l1")), URI(in_rw("l2")), 0));
	expect_text(in_rw("l2"), "linked");
	EXPECT_OK(DkStreamAttributesQuery(URI(in_rw("l1")), 0, &a, sizeof(a)));
	EXPECT_EQ(a.nlink, 2);
	EXPECT_STATUS(DkxStreamLink(URI(in_rw("l1")), URI(in_rw("l2")), 0),
		      ALREADY_EXISTS);
	EXPECT_OK(DkxStreamLink("l1", 2, URI(in_rw("l3")), DK_LINK_SYMBOLIC));
	expect_text(in_rw("l3"), "linked");
	EXPECT_STATUS(try_open(in_rw("l3"), DK_ACCESS_READ, DK_OPEN_EXISTING,
			       DK_OPTION_NOFOLLOW),
		      LINK_LOOP);
	h = dkt_open(in_rw("l3"), DK_ACCESS_READ, DK_OPEN_EXISTING,
		     DK_OPTION_LINK);
	EXPECT_OK(DkStreamRead(h, 0, b, 64, &done));
	EXPECT_EQ(done, 2);
	EXPECT_EQ(memcmp(b, "l1", 2), 0);
	EXPECT_OK(DkStreamAttributesQueryByHandle(h, &a, sizeof(a)));
	EXPECT_EQ(a.type, DK_TYPE_SYMLINK);
	DkObjectClose(h);
	EXPECT_STATUS(try_open(in_rw("loop-a"), DK_ACCESS_READ,
			       DK_OPEN_EXISTING, 0),
		      LINK_LOOP);
	/* Deleting a link is not deleting what it names. */
	EXPECT_OK(DkStreamDelete(URI(in_rw("l3")), DK_DELETE_FILE));
	EXPECT_OK(DkStreamDelete(URI(in_rw("l2")), DK_DELETE_FILE));
	expect_text(in_rw("l1"), "linked");
	EXPECT_OK(DkStreamDelete(URI(in_rw("l1")), DK_DELETE_FILE));
}

TEST(null)
{
	DK_HANDLE h = dkt_open("null:", RW, DK_OPEN_EXISTING, 0);
	char b[8] = "unused";
	u64 done = POISON;

	EXPECT_OK(DkStreamRead(h, DK_OFFSET_CURRENT, b, 8, &done));
	EXPECT_EQ(done, 0);
	EXPECT_OK(DkStreamWrite(h, DK_OFFSET_CURRENT, b, 8, &done));
	EXPECT_EQ(done, 8);
	EXPECT_EQ(memcmp(b, "unused", 7), 0);
	EXPECT_OK(DkObjectClose(h));
}

TEST(console_streams)
{
	DK_HANDLE h;
	u64 done = POISON;
	u16 size[4] = { 25, 80 };
	char b[4];

	/* A pipe here: no positions, no other direction. */
	h = dkt_open("stdin:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(DkStreamRead(h, 0, b, 4, &done), NOT_SEEKABLE);
	EXPECT_STATUS(DkxStreamSeek(h, 0, DK_SEEK_SET, &done), NOT_SEEKABLE);
	EXPECT_STATUS(DkStreamWrite(h, DK_OFFSET_CURRENT, b, 4, &done),
		      ACCESS_DENIED);
	/* And no window. */
	EXPECT_STATUS(DkxConsoleControl(h, DK_CONSOLE_SET_WINDOW_SIZE, size,
					sizeof(size)),
		      NOT_SUPPORTED);
	EXPECT_STATUS(DkxConsoleControl(h, DK_CONSOLE_SET_WINDOW_SIZE, size, 4),
		      INVALID_PARAMETER);
	DkObjectClose(h);
	h = dkt_open("stdin:", DK_ACCESS_READ, DK_OPEN_EXISTING,
		     DK_OPTION_NONBLOCK);
	EXPECT_STATUS(DkStreamRead(h, DK_OFFSET_CURRENT, b, 4, &done),
		      WOULD_BLOCK);
	EXPECT_EQ(done, POISON);
	DkObjectClose(h);
	h = dkt_open("stderr:", DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamWrite(h, DK_OFFSET_CURRENT, "# stderr: works\n", 16,
				&done));
	EXPECT_EQ(done, 16);
	DkObjectClose(h);
}

TEST(large_transfers)
{
	u64 size = 8 << 20, done = 0, sum = 0;
	u64 *p = dkt_pages(size / PAGE);
	DK_HANDLE h = dkt_open(in_rw("large"), RW, DK_OPEN_CREATE,
			       DK_OPTION_MODE(0644));

	for (u64 i = 0; i < size / 8; i++)
		p[i] = i * 0x9e3779b97f4a7c15;
	EXPECT_OK(DkStreamWrite(h, 0, p, size, &done));
	EXPECT_EQ(done, size);
	memset(p, 0, size);
	EXPECT_OK(DkStreamRead(h, 0, p, size, &done));
	EXPECT_EQ(done, size);
	for (u64 i = 0; i < size / 8; i++)
		sum += p[i] != i * 0x9e3779b97f4a7c15;
	EXPECT_EQ(sum, 0);
	DkObjectClose(h);
	EXPECT_OK(DkVirtualMemoryFree(p, size, DK_MEM_RELEASE));
	EXPECT_OK(DkStreamDelete(URI(in_rw("large")), DK_DELETE_FILE));
}
