// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes: every field of what DkStreamAttributesQuery and its like tell of a
 * file is what statx(2) tells the outside of the same file.
 */
#include "dktest.h"
#include "files.h"

#define R	DK_ACCESS_READ
#define W	DK_ACCESS_WRITE

/* The answer to @stat, see outside.h. */
struct outside_stat {
	s64 error;
	u64 mode, uid, gid, nlink, block_size, inode, device, special, length,
		blocks;
	s64 access_time, write_time, change_time, birth_time;
};

/* S_IFMT of Linux, as DK_TYPE_* */
static u32 type_of(u64 mode)
{
	static const u8 types[16] = {
		[1] = DK_TYPE_FIFO,	 [2] = DK_TYPE_CHARACTER,
		[4] = DK_TYPE_DIRECTORY, [6] = DK_TYPE_BLOCK,
		[8] = DK_TYPE_FILE,	 [10] = DK_TYPE_SYMLINK,
		[12] = DK_TYPE_SOCKET,
	};

	return types[mode >> 12 & 15];
}

static struct outside_stat stat_outside(const char *path)
{
	struct outside_stat s = { .error = -1 };
	char question[512];

	dkt_snprintf(question, sizeof(question), "@stat %s\n", path);
	dkt_ask(question, &s, sizeof(s));
	if (s.error)
		dkt_fail("%s: the outside says %ld", path, (long)s.error);
	return s;
}

#define SAME(field) do {						\
	if (a->field != s->field)					\
		dkt_fail("%s: " #field " is 0x%lx, outside 0x%lx", path, \
			 (unsigned long)a->field, (unsigned long)s->field); \
} while (0)

static void expect_same(const char *path, const struct dk_stream_attributes *a,
			const struct outside_stat *s)
{
	if (a->type != type_of(s->mode))
		dkt_fail("%s: type %u, mode outside 0%lx", path, a->type,
			 (unsigned long)s->mode);
	EXPECT_EQ(a->mode, s->mode & 07777);
	EXPECT_EQ(a->flags, 0);
	EXPECT_EQ(a->valid, 0);
	EXPECT_EQ(a->reserved, 0);
	SAME(uid);
	SAME(gid);
	SAME(nlink);
	SAME(block_size);
	SAME(inode);
	SAME(device);
	SAME(special);
	SAME(length);
	SAME(blocks);
	SAME(access_time);
	SAME(write_time);
	SAME(change_time);
	SAME(birth_time);
}

/* By its name; and by its handle, whether it is open or only named. */
static struct dk_stream_attributes compare(const char *uri, u64 access,
					   u64 options)
{
	const char *path = uri + strlen("file:");
	struct outside_stat s = stat_outside(path);
	struct dk_stream_attributes a;
	DK_HANDLE h;

	/* What is not written is seen as such. */
	memset(&a, 0x5a, sizeof(a));
	EXPECT_OK(DkStreamAttributesQuery(
		URI(uri), options & DK_OPTION_LINK ? DK_NAME_NOFOLLOW : 0, &a,
		sizeof(a)));
	expect_same(path, &a, &s);
	for (u64 with = 0; with <= access; with += access ?: 1) {
		memset(&a, 0x5a, sizeof(a));
		h = dkt_open(uri, with, DK_OPEN_EXISTING, options);
		EXPECT_OK(DkStreamAttributesQueryByHandle(h, &a, sizeof(a)));
		expect_same(path, &a, &s);
		EXPECT_OK(DkObjectClose(h));
	}
	return a;
}

static void set(const char *uri, u32 valid,
		const struct dk_stream_attributes *wanted)
{
	struct dk_stream_attributes a = *wanted;

	a.valid = valid;
	EXPECT_OK(DkxStreamAttributesSet(URI(uri), 0, &a, sizeof(a)));
}

/* A file whose every number is another one. */
TEST(a_file)
{
	struct dk_stream_attributes a, wanted = {
		.mode = 06751,
		.uid = 1234,
		.gid = 4321,
		.access_time = 1200000001LL * SEC + 1,
		.write_time = 1300000002LL * SEC + 987654321,
	};
	const char *uri = in_rw("numbers");
	DK_HANDLE h;
	u64 done;

	h = dkt_open(uri, W, DK_OPEN_CREATE_NEW, DK_OPTION_MODE(0644));
	/* Two pages, and a hole between them. */
	EXPECT_OK(DkStreamWrite(h, 10 * PAGE + 5, "far", 3, &done));
	EXPECT_OK(DkStreamWrite(h, 0, "near", 4, &done));
	EXPECT_OK(DkObjectClose(h));
	compare(uri, R, 0);
	EXPECT_OK(DkxStreamLink(URI(uri), URI(in_rw("numbers-too")), 0));
	set(uri,
	    DK_SET_OWNER | DK_SET_GROUP | DK_SET_MODE | DK_SET_ACCESS_TIME |
		    DK_SET_WRITE_TIME,
	    &wanted);
	a = compare(uri, R, 0);
	EXPECT_EQ(a.type, DK_TYPE_FILE);
	EXPECT_EQ(a.mode, 06751);
	EXPECT_EQ(a.uid, 1234);
	EXPECT_EQ(a.gid, 4321);
	EXPECT_EQ(a.nlink, 2);
	EXPECT_EQ(a.length, 10 * PAGE + 8);
	EXPECT_EQ(a.blocks, 2 * PAGE / 512);
	EXPECT_EQ(a.access_time, wanted.access_time);
	EXPECT_EQ(a.write_time, wanted.write_time);
	EXPECT_EQ(a.special, 0);
	EXPECT_NE(a.device, 0);
	/* These are the host's: now, and in this order. */
	EXPECT_TRUE(a.change_time > a.write_time);
	EXPECT_TRUE(!a.birth_time || a.birth_time <= a.change_time);
	compare(in_rw("numbers-too"), R | W, 0);
	EXPECT_OK(DkStreamDelete(URI(in_rw("numbers-too")), DK_DELETE_FILE));
	/* Before 1970. */
	wanted.access_time = -1;
	wanted.write_time = -5 * SEC - 999999999;
	set(uri, DK_SET_ACCESS_TIME | DK_SET_WRITE_TIME, &wanted);
	a = compare(uri, R, 0);
	EXPECT_EQ(a.access_time, wanted.access_time);
	EXPECT_EQ(a.write_time, wanted.write_time);
	EXPECT_EQ(a.nlink, 1);
	/* What has changed since changes the change's time alone. */
	wanted.change_time = a.change_time;
	wanted.mode = 0600;
	for (int i = 0; i < 1000; i++) {
		set(uri, DK_SET_MODE, &wanted);
		a = compare(uri, R, 0);
		if (a.change_time != wanted.change_time)
			break;
	}
	EXPECT_TRUE(a.change_time > wanted.change_time);
	EXPECT_EQ(a.access_time, wanted.access_time);
	EXPECT_EQ(a.write_time, wanted.write_time);
	EXPECT_EQ(a.mode, 0600);
	EXPECT_OK(DkStreamDelete(URI(uri), DK_DELETE_FILE));
}

TEST(other_types)
{
	struct dk_stream_attributes a;
	const char *uri = in_rw("a-socket");
	char image[512];

	a = compare(in_rw("sub"), R, DK_OPTION_DIRECTORY);
	EXPECT_EQ(a.type, DK_TYPE_DIRECTORY);
	EXPECT_GE(a.nlink, 2);
	a = compare(in_rw("to-hello"), R, DK_OPTION_LINK);
	EXPECT_EQ(a.type, DK_TYPE_SYMLINK);
	EXPECT_EQ(a.length, strlen("hello"));
	a = compare(in_rw("../ro/fifo"), 0, 0);
	EXPECT_EQ(a.type, DK_TYPE_FIFO);
	EXPECT_OK(try_open(uri, 0, DK_OPEN_CREATE_NEW,
			   DK_OPTION_SOCKET | DK_OPTION_MODE(0640)));
	a = compare(uri, 0, 0);
	EXPECT_EQ(a.type, DK_TYPE_SOCKET);
	EXPECT_OK(DkStreamDelete(URI(uri), DK_DELETE_FILE));
	/* Of another file system. */
	dkt_snprintf(image, sizeof(image), "file:%s", dkt_argument(0));
	a = compare(image, R, 0);
	EXPECT_EQ(a.type, DK_TYPE_FILE);
	EXPECT_GE(a.blocks * 512 + PAGE, a.length);
}

/* Two devices of one number's two parts, and two file systems. */
TEST(numbers_of_devices)
{
	struct dk_stream_attributes null, zero, shm, noexec;

	null = compare("file:/dev/null", R, 0);
	zero = compare("file:/dev/zero", R, 0);
	EXPECT_EQ(null.type, DK_TYPE_CHARACTER);
	EXPECT_EQ(null.special, 1ULL << 32 | 3);
	EXPECT_EQ(zero.special, 1ULL << 32 | 5);
	EXPECT_EQ(null.device, zero.device);
	EXPECT_NE(null.inode, zero.inode);
	shm = compare(in_rw("hello"), R, 0);
	noexec = compare(in_rw("../noexec/file"), R, 0);
	EXPECT_EQ(shm.special, 0);
	EXPECT_NE(shm.device, noexec.device);
	EXPECT_NE(shm.device, null.device);
	/* null: is the device without a file. */
	EXPECT_OK(DkStreamAttributesQuery(URI("null:"), 0, &shm, sizeof(shm)));
	EXPECT_EQ(shm.type, DK_TYPE_CHARACTER);
	EXPECT_EQ(shm.special, null.special);
}
