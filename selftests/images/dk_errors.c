// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file system says, as the program is told: every status that a file
 * system may give, from each of the calls that ask one. The one here fails as
 * its names say (lib/errorfs.h); the outer side has mounted it.
 */
#include "dktest.h"
#include "file_calls.h"

#define R	DK_ACCESS_READ
#define W	DK_ACCESS_WRITE
#define X	DK_ACCESS_EXECUTE

struct status {
	const char *name;
	s64 value;
	u64 bit;
};

/* Of calls that were made to end, which is what they say: see dk_hang.c. */
#define ENDED	(DK_S(INTERRUPTED) | DK_S(ABORTED))

#define STATUS(bit, name, value, text)	{ #name, value, 1ULL << (bit) },
static const struct status statuses[] = { DK_STATUS_TABLE(STATUS) };

static char names[2][160];

static const char *name_of(int i, const char *before, const char *request,
			   s64 status)
{
	dkt_snprintf(names[i], sizeof(names[i]), "file:%s/errors/%s%s-%lu",
		     dkt_argument(1), before, request, (unsigned long)-status);
	return names[i];
}

/* A file whose @request fails; 0 if even that cannot be opened. */
static DK_HANDLE open_it(const char *before, const char *request, u64 access,
			 s64 status)
{
	u64 folder = before[0] == 'd' ? DK_OPTION_DIRECTORY : 0;

	return dkt_open(name_of(0, before, request, status), access,
			DK_OPEN_EXISTING, folder);
}

/*
 * Does @expression, with @status asked for, for each status of @set, and
 * expects it. It may use "s", the status, and @before it a handle.
 */
#define EACH(set, call)							\
	for (const struct status *e = statuses;				\
	     e < statuses + ARRAY_SIZE(statuses); e++) {		\
		s64 s = e->value, got_;					\
									\
		if (!s || !(e->bit & (set) & ~ENDED))			\
			continue;					\
		got_ = (call);						\
		if (got_ != s)						\
			dkt_fail("%s:%d: %s: %s, not %s", __FILE__,	\
				 __LINE__, #call, dkt_status(got_),	\
				 e->name);				\
	}

static DK_STATUS open_status(const char *before, const char *request,
			     u64 access, u64 disposition, u64 options, s64 s)
{
	DK_HANDLE h = POISON;
	DK_STATUS status = DkStreamOpen(URI(name_of(0, before, request, s)),
					access, disposition, options, &h);

	if (status)
		EXPECT_EQ(h, POISON);
	else
		DkObjectClose(h);
	return status;
}

TEST(opening)
{
	EACH(DK_SET_NAME, open_status("", "lopen", R, DK_OPEN_EXISTING, 0, s));
	EACH(DK_SET_NAME, open_status("", "walk", R, DK_OPEN_EXISTING, 0, s));
	EACH(DK_SET_NAME,
	     open_status("", "lopen", R | W, DK_OPEN_CREATE_TRUNCATE, 0, s));
}

TEST(making)
{
	u64 mode = DK_OPTION_MODE(0755);

	EACH(DK_SET_NAME,
	     open_status("new-", "lcreate", W, DK_OPEN_CREATE_NEW, mode, s));
	EACH(DK_SET_NAME, open_status("new-d-", "mkdir", R, DK_OPEN_CREATE_NEW,
				      DK_OPTION_DIRECTORY | mode, s));
	EACH(DK_SET_NAME, open_status("new-", "mknod", 0, DK_OPEN_CREATE_NEW,
				      DK_OPTION_FIFO | mode, s));
}

/* By a handle of a file whose @request fails. */
static DK_STATUS by_handle(const char *before, const char *request, s64 s,
			   DK_STATUS (*call)(DK_HANDLE h))
{
	DK_HANDLE h = open_it(before, request, before[0] ? R : R | W, s);
	DK_STATUS status;

	if (!h)
		return DK_STATUS_SUCCESS;
	status = call(h);
	DkObjectClose(h);
	return status;
}

TEST(streams)
{
	EACH(DK_SET_FILE, by_handle("", "read", s, file_read));
	EACH(DK_SET_FILE, by_handle("", "write", s, file_write));
	EACH(DK_SET_FILE, by_handle("", "setattr", s, file_set_length));
	EACH(DK_SET_FILE, by_handle("", "fsync", s, file_flush));
	EACH(DK_SET_FILE, by_handle("d-", "readdir", s, file_enumerate));
	EACH(DK_S(NOT_FOUND), by_handle("d-", "readdir", s, file_enumerate));
	EACH(DK_SET_FILE, by_handle("", "getattr", s, file_query));
	EACH(DK_SET_FILE, by_handle("", "getattr", s, file_seek));
	EACH(DK_SET_FILE, by_handle("", "setattr", s, file_change));
	EACH(DK_SET_FILE, by_handle("", "lock", s, file_lock));
	EACH(DK_SET_FILE, by_handle("", "fallocate", s, file_allocate));
}

/* Where a mapping needs a file of its own, that is opened. */
static DK_STATUS map_again(s64 s)
{
	DK_HANDLE h = open_it("", "again", R | W, s), weak = 0;
	void *base = NULL;
	DK_STATUS status;

	DkObjectReference(h, DK_RIGHT_READ, &weak);
	status = DkStreamMap(weak, &base, PAGE, 0, DK_PROT_READ, DK_MAP_SHARED);
	EXPECT_EQ(base, NULL);
	DkObjectClose(weak);
	DkObjectClose(h);
	return status;
}

TEST(mapping)
{
	EACH(DK_SET_FILE, map_again(s));
}

static DK_STATUS set_by_name(s64 s)
{
	struct dk_stream_attributes a = { .valid = DK_SET_MODE, .mode = 0600 };

	return DkxStreamAttributesSet(URI(name_of(0, "", "setattr", s)), 0, &a,
				      sizeof(a));
}

static DK_STATUS query_by_name(const char *request, s64 s)
{
	struct dk_stream_attributes a;

	return DkStreamAttributesQuery(URI(name_of(0, "", request, s)), 0, &a,
				       sizeof(a));
}

TEST(names)
{
	u64 set = DK_SET_NAME, other = set | DK_S(NOT_EMPTY);

	EACH(other,
	     DkStreamDelete(URI(name_of(0, "", "unlink", s)), DK_DELETE_FILE));
	EACH(other, DkStreamDelete(URI(name_of(0, "d-", "unlink", s)),
				   DK_DELETE_DIRECTORY));
	EACH(other, DkStreamRename(URI(name_of(0, "", "rename", s)),
				   URI(name_of(1, "new-", "rename", s)), 0));
	EACH(set, query_by_name("getattr", s));
	EACH(set, query_by_name("walk", s));
	EACH(set, set_by_name(s));
	EACH(set, DkxStreamLink(URI(name_of(0, "", "read", s)),
				URI(name_of(1, "new-", "link", s)), 0));
	EACH(set,
	     DkxStreamLink(URI("target"), URI(name_of(1, "new-", "symlink", s)),
			   DK_LINK_SYMBOLIC));
}

/* A server that keeps locks by itself is told when a handle is closed. */
TEST(locks_of_the_server)
{
	struct dk_lock_info info;
	DK_HANDLE h, other;
	char uri[160];

	dkt_snprintf(uri, sizeof(uri), "file:%s/errors/held", dkt_argument(1));
	h = dkt_open(uri, R | W, DK_OPEN_EXISTING, 0);
	other = dkt_open(uri, R | W, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkxStreamLock(h, DK_LOCK_EXCLUSIVE, 0, 0, NULL, 0));
	EXPECT_OK(DkxStreamLock(other, DK_LOCK_EXCLUSIVE | DK_LOCK_QUERY, 0, 0,
				&info, sizeof(info)));
	EXPECT_EQ(info.type, DK_LOCK_EXCLUSIVE);
	EXPECT_OK(DkObjectClose(h));
	EXPECT_OK(DkxStreamLock(other, DK_LOCK_EXCLUSIVE | DK_LOCK_QUERY, 0, 0,
				&info, sizeof(info)));
	EXPECT_EQ(info.type, 0);
	EXPECT_OK(DkObjectClose(other));
}

static DK_STATUS create_it(const char *request, s64 s)
{
	static const char strings[] = "/p\0/\0child";
	struct dk_process_parameters p = { .strings = (u64)strings,
					   .strings_length = sizeof(strings),
					   .argument_count = 1 };
	DK_HANDLE h = POISON;
	u64 id = POISON;
	DK_STATUS status;

	status = DkProcessCreate(URI(name_of(0, "", request, s)), &p, sizeof(p),
				 &h, &id);
	EXPECT_EQ(h, POISON);
	EXPECT_EQ(id, POISON);
	return status;
}

TEST(images)
{
	EACH(DK_SET_FILE | DK_S(NOT_FOUND) | DK_S(NOT_DIRECTORY) |
		     DK_S(NAME_TOO_LONG) | DK_S(LINK_LOOP),
	     create_it("lopen", s));
	EACH(DK_SET_FILE, create_it("read", s));
}
