// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a picoprocess may name: rules, and that no path leads around them.
 * The folders and rules are those of image_main.c.
 */
#include "dktest.h"
#include "files.h"

#define R	DK_ACCESS_READ
#define W	DK_ACCESS_WRITE

static char names[8][512];
static unsigned int next_name;

static const char *in(const char *s)
{
	char *name = names[next_name++ % 8];

	dkt_snprintf(name, sizeof(names[0]), "file:%s/%s", dkt_argument(1), s);
	return name;
}

static DK_STATUS try_read(const char *uri)
{
	return try_open(uri, R, DK_OPEN_EXISTING, 0);
}

static DK_STATUS try_write(const char *uri)
{
	return try_open(uri, W, DK_OPEN_EXISTING, 0);
}

static DK_STATUS try_create(const char *uri)
{
	return try_open(uri, W, DK_OPEN_CREATE, DK_OPTION_MODE(0644));
}

/* Refused one way or another: hidden, forbidden, or not followed. */
#define EXPECT_REFUSED(call) do {					\
	s64 s_ = (call);						\
	if (s_ != DK_STATUS_ACCESS_DENIED && s_ != DK_STATUS_NOT_FOUND && \
	    s_ != DK_STATUS_LINK_LOOP && s_ != DK_STATUS_CROSS_DEVICE && \
	    s_ != DK_STATUS_READ_ONLY && s_ != DK_STATUS_NOT_PERMITTED && \
	    s_ != DK_STATUS_BUSY && s_ != DK_STATUS_NOT_SUPPORTED)	\
		dkt_fail("%s:%d: %s gave %s, not a refusal", __FILE__,	\
			 __LINE__, #call, dkt_status(s_));		\
} while (0)

TEST(malformed_uris)
{
	static const char *const bad[] = {
		"",	      ":",	    "file",
		"nosuch:",    "nosuch:/x",  "file:relative",
		"FILE:/etc",  "null:x",	    "stdin:x",
		"file :/etc", " file:/etc",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		DK_STATUS status = try_read(bad[i]);

		if (status != DK_STATUS_INVALID_PARAMETER &&
		    status != DK_STATUS_NOT_FOUND &&
		    status != DK_STATUS_NOT_SUPPORTED)
			dkt_fail("\"%s\" gave %s", bad[i], dkt_status(status));
	}
	EXPECT_OK(try_read(in("rw/hello")));
}

TEST(a_zero_in_a_name)
{
	const char *good = in("rw/hello");
	char name[256];
	u64 n = strlen(good);
	DK_HANDLE h = POISON;

	memcpy(name, good, n);
	memcpy(name + n, "\0/../x", 6);
	EXPECT_STATUS(DkStreamOpen(name, n + 6, R, DK_OPEN_EXISTING, 0, &h),
		      INVALID_PARAMETER);
	EXPECT_EQ(h, POISON);
}

TEST(long_names)
{
	static char uri[70000];
	DK_HANDLE h = POISON;
	u64 n;

	n = dkt_snprintf(uri, sizeof(uri), "%s/", in("rw"));
	memset(uri + n, 'x', 256);
	EXPECT_STATUS(DkStreamOpen(uri, n + 256, R, DK_OPEN_EXISTING, 0, &h),
		      NAME_TOO_LONG);
	EXPECT_STATUS(DkStreamOpen(uri, n + 255, R, DK_OPEN_EXISTING, 0, &h),
		      NOT_FOUND);
	memset(uri + n, 'x', sizeof(uri) - n);
	for (u64 i = n + 100; i < sizeof(uri); i += 100)
		uri[i] = '/';
	EXPECT_STATUS(DkStreamOpen(uri, sizeof(uri), R, DK_OPEN_EXISTING, 0,
				   &h),
		      NAME_TOO_LONG);
	EXPECT_EQ(h, POISON);
}

TEST(names_of_any_bytes)
{
	static const char *const odd[] = {
		"rw/with space",  "rw/\303\244\303\266\303\274",
		"rw/new\nline",	  "rw/-dash",
		"rw/\"quote'",	  "rw/back\\slash",
		"rw/%41",	  "rw/...",
		"rw/a:b",	  "rw/\t",
		"rw/#hash?query",
	};

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		const char *uri = in(odd[i]);

		EXPECT_OK(try_create(uri));
		EXPECT_OK(try_read(uri));
		EXPECT_OK(DkStreamDelete(URI(uri), DK_DELETE_FILE));
	}
	/* No escapes: %41 was not A. */
	EXPECT_STATUS(try_read(in("rw/A")), NOT_FOUND);
}

TEST(the_root_is_readable_not_writable)
{
	EXPECT_OK(try_read("file:/etc/passwd"));
	EXPECT_REFUSED(try_write("file:/etc/passwd"));
	EXPECT_REFUSED(try_create("file:/etc/pico-test-was-here"));
	EXPECT_REFUSED(try_create("file:/pico-test-was-here"));
	EXPECT_REFUSED(
		DkStreamDelete(URI("file:/etc/hostname"), DK_DELETE_FILE));
	EXPECT_REFUSED(DkStreamRename(URI("file:/etc/passwd"),
				      URI("file:/etc/passwd2"), 0));
	EXPECT_OK(try_read("file:/"));
	EXPECT_OK(try_read("file:/.."));
}

TEST(a_read_only_folder)
{
	EXPECT_OK(try_read(in("ro/file")));
	EXPECT_STATUS(try_write(in("ro/file")), ACCESS_DENIED);
	EXPECT_STATUS(try_open(in("ro/file"), R | DK_ACCESS_EXECUTE,
			       DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open(in("ro/file"), R, DK_OPEN_TRUNCATE, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open(in("ro/file"), R, DK_OPEN_CREATE_TRUNCATE, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_create(in("ro/new")), ACCESS_DENIED);
	EXPECT_STATUS(try_open(in("ro/dir"), R, DK_OPEN_CREATE_NEW,
			       DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755)),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkStreamDelete(URI(in("ro/file")), DK_DELETE_FILE),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_write(in("ro/sub/file")), ACCESS_DENIED);
	EXPECT_OK(try_read(in("ro/sub/file")));
	/* Not into it, not out of it. */
	EXPECT_REFUSED(DkStreamRename(URI(in("ro/file")), URI(in("rw/f")), 0));
	EXPECT_REFUSED(DkStreamRename(URI(in("rw/hello")), URI(in("ro/f")), 0));
	EXPECT_REFUSED(DkxStreamLink(URI(in("rw/hello")), URI(in("ro/f")), 0));
	EXPECT_REFUSED(
		DkxStreamLink("x", 1, URI(in("ro/f")), DK_LINK_SYMBOLIC));
	/* A hard link would make it writable. */
	EXPECT_REFUSED(DkxStreamLink(URI(in("ro/file")), URI(in("rw/f")), 0));
	EXPECT_STATUS(try_read(in("rw/f")), NOT_FOUND);
}

TEST(attributes_follow_the_rules)
{
	struct dk_stream_attributes a = { .valid = DK_SET_MODE, .mode = 0777 };
	DK_HANDLE h;

	EXPECT_REFUSED(
		DkxStreamAttributesSet(URI(in("ro/file")), 0, &a, sizeof(a)));
	EXPECT_REFUSED(DkStreamAttributesQuery(URI(in("no/secret")), 0, &a,
					       sizeof(a)));
	h = dkt_open(in("ro/file"), R, DK_OPEN_EXISTING, 0);
	memset(&a, 0, sizeof(a));
	a.valid = DK_SET_MODE;
	EXPECT_REFUSED(DkxStreamAttributesSetByHandle(h, &a, sizeof(a)));
	DkObjectClose(h);
	EXPECT_OK(
		DkStreamAttributesQuery(URI(in("ro/file")), 0, &a, sizeof(a)));
	EXPECT_NE(a.mode, 0);
}

TEST(a_forbidden_folder)
{
	EXPECT_REFUSED(try_read(in("no/secret")));
	EXPECT_REFUSED(try_write(in("no/secret")));
	EXPECT_REFUSED(try_create(in("no/new")));
	EXPECT_REFUSED(DkStreamDelete(URI(in("no/secret")), DK_DELETE_FILE));
	EXPECT_REFUSED(
		DkStreamRename(URI(in("no/secret")), URI(in("rw/s")), 0));
	EXPECT_REFUSED(DkxStreamLink(URI(in("no/secret")), URI(in("rw/s")), 0));
	EXPECT_REFUSED(
		try_open(in("no"), R, DK_OPEN_EXISTING, DK_OPTION_DIRECTORY));
	EXPECT_REFUSED(try_read(in("rw/inner/secret")));
	EXPECT_REFUSED(DkStreamRename(URI(in("rw/inner")), URI(in("rw/i")), 0));
	EXPECT_REFUSED(try_read(in("rw/i/secret")));
}

/* What is there and what is not, nobody can tell from outside. */
TEST(nothing_is_told_of_a_forbidden_folder)
{
	static const char *const names[] = { "no/secret", "no/sub", "no/none",
					     "no/secret/", "no/none/" };
	char way[160];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_STATUS(try_read(in(names[i])), ACCESS_DENIED);
		EXPECT_STATUS(try_create(in(names[i])), ACCESS_DENIED);
		EXPECT_STATUS(DkStreamDelete(URI(in(names[i])),
					     DK_DELETE_FILE |
						     DK_DELETE_DIRECTORY),
			      ACCESS_DENIED);
		EXPECT_STATUS(DkStreamRename(URI(in(names[i])), URI("file:/"),
					     0),
			      ACCESS_DENIED);
		EXPECT_STATUS(DkStreamRename(URI(in("rw/hello")),
					     URI(in(names[i])), 0),
			      ACCESS_DENIED);
		dkt_snprintf(way, sizeof(way), "%s/../../rw/hello",
			     in(names[i]));
		EXPECT_STATUS(try_read(way), ACCESS_DENIED);
		EXPECT_OK(DkxStreamLink(way + strlen("file:"),
					strlen(way) - strlen("file:"),
					URI(in("rw/way")), DK_LINK_SYMBOLIC));
		EXPECT_STATUS(try_read(in("rw/way")), ACCESS_DENIED);
		EXPECT_OK(DkStreamDelete(URI(in("rw/way")), DK_DELETE_FILE));
	}
	/* The host's own links may lead through it. */
	EXPECT_OK(try_read(in("no/to-rw")));
	EXPECT_STATUS(try_read(in("no/through")), ACCESS_DENIED);
	/* And a directory that leads to a rule's place is one like any other. */
	EXPECT_OK(try_read(in("../../shm/../../etc/passwd")));
}

/* One name there is known to be absent; every call says so, of no other. */
TEST(an_absent_name)
{
	struct dk_stream_attributes a = { .valid = DK_SET_MODE, .mode = 0600 };
	char absent[160], other[160];

	dkt_snprintf(absent, sizeof(absent), "%s", in("no/absent"));
	dkt_snprintf(other, sizeof(other), "%s", in("no/other"));
	EXPECT_STATUS(try_read(absent), NOT_FOUND);
	EXPECT_STATUS(try_create(absent), ACCESS_DENIED);
	EXPECT_STATUS(DkStreamDelete(URI(absent), DK_DELETE_FILE), NOT_FOUND);
	EXPECT_STATUS(DkStreamAttributesQuery(URI(absent), 0, &a, sizeof(a)),
		      NOT_FOUND);
	EXPECT_STATUS(DkxStreamAttributesSet(URI(absent), 0, &a, sizeof(a)),
		      NOT_FOUND);
	EXPECT_STATUS(DkStreamRename(URI(absent), URI(in("rw/f")), 0),
		      NOT_FOUND);
	EXPECT_STATUS(DkStreamRename(URI(absent), URI(in("no/new")), 0),
		      NOT_FOUND);
	EXPECT_STATUS(DkStreamRename(URI(in("rw/hello")), URI(absent), 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkxStreamLink(URI(absent), URI(in("rw/f")), 0),
		      NOT_FOUND);
	EXPECT_STATUS(DkStreamRename(URI(other), URI(in("rw/f")), 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkStreamDelete(URI(other), DK_DELETE_FILE),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_read(other), ACCESS_DENIED);
	EXPECT_OK(try_read(in("rw/hello")));
}

TEST(execution_needs_its_right)
{
	EXPECT_OK(try_open(in("rx/file"), R | DK_ACCESS_EXECUTE,
			   DK_OPEN_EXISTING, 0));
	EXPECT_STATUS(try_write(in("rx/file")), ACCESS_DENIED);
}

TEST(dots_do_not_lead_out)
{
	EXPECT_REFUSED(try_read(in("rw/../no/secret")));
	EXPECT_REFUSED(try_write(in("rw/../ro/file")));
	EXPECT_REFUSED(try_create(in("rw/../new")));
	EXPECT_REFUSED(try_read(in("rw/./sub/../../no/secret")));
	EXPECT_REFUSED(try_read(in("rw/sub/../inner/secret")));
	EXPECT_REFUSED(try_write(in("rw/../outside")));
	EXPECT_OK(try_read(in("rw/sub/../hello")));
	EXPECT_OK(try_read(in("rw/.//hello")));
	EXPECT_OK(try_read(in("rw/../ro/file")));
	EXPECT_REFUSED(
		DkStreamDelete(URI(in("rw/../outside")), DK_DELETE_FILE));
	EXPECT_REFUSED(DkStreamRename(URI(in("rw/hello")),
				      URI(in("rw/../escaped")), 0));
	EXPECT_REFUSED(try_read("file:/../../../../../../proc/version"));
}

TEST(links_do_not_lead_out)
{
	DK_HANDLE h;

	EXPECT_REFUSED(try_read(in("rw/to-secret")));
	EXPECT_REFUSED(try_write(in("rw/to-secret")));
	EXPECT_REFUSED(try_write(in("rw/to-outside")));
	EXPECT_REFUSED(try_write(in("rw/to-etc")));
	EXPECT_REFUSED(try_read(in("rw/to-proc")));
	EXPECT_REFUSED(try_write(in("rw/to-ro")));
	EXPECT_OK(try_read(in("rw/to-ro")));
	EXPECT_OK(try_read(in("rw/to-hello")));
	EXPECT_OK(try_write(in("rw/to-hello")));
	/* A link that we make ourselves is no better. */
	EXPECT_OK(DkxStreamLink(URI("/etc/pico-test-created"),
				URI(in("rw/mine")), DK_LINK_SYMBOLIC));
	EXPECT_REFUSED(try_create(in("rw/mine")));
	EXPECT_OK(DkStreamDelete(URI(in("rw/mine")), DK_DELETE_FILE));
	EXPECT_OK(DkxStreamLink(URI("../no"), URI(in("rw/mine")),
				DK_LINK_SYMBOLIC));
	EXPECT_REFUSED(try_read(in("rw/mine/secret")));
	EXPECT_REFUSED(
		DkStreamDelete(URI(in("rw/mine/secret")), DK_DELETE_FILE));
	EXPECT_OK(DkStreamDelete(URI(in("rw/mine")), DK_DELETE_FILE));
	/* A link from a read-only folder into a writable one. */
	EXPECT_OK(try_write(in("ro/to-rw/hello")));
	/* The link itself may be read. */
	h = dkt_open(in("rw/to-secret"), R, DK_OPEN_EXISTING, DK_OPTION_LINK);
	DkObjectClose(h);
}

TEST(procfs_is_refused)
{
	static const char *const uris[] = {
		"file:/proc/self/mem",
		"file:/proc/self/maps",
		"file:/proc/self/fd/0",
		"file:/proc/self/root/etc/passwd",
		"file:/proc/1/environ",
		"file:/proc/self/exe",
		"file:/proc/thread-self/mem",
		"file:/proc/self/cwd/etc/passwd",
		"file:/dev/fd/0",
		"file:/dev/stdin",
		"file:/proc/sysrq-trigger",
		"file:/proc/kcore",
	};
	struct dk_stream_attributes a;

	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		DK_STATUS status = try_read(uris[i]);

		if (!status)
			dkt_fail("%s was opened", uris[i]);
		status =
			DkStreamAttributesQuery(URI(uris[i]), 0, &a, sizeof(a));
		if (!status && i < 4)
			dkt_fail("%s was seen", uris[i]);
	}
}

TEST(tmp_is_private)
{
	DK_HANDLE h;
	u64 done;

	/* The outer side has made these; they are not seen here. */
	EXPECT_STATUS(try_read("file:/tmp/pico-test-of-the-host"), NOT_FOUND);
	EXPECT_OK(try_create("file:/tmp/inside"));
	h = dkt_open("file:/tmp/inside", R | W, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamWrite(h, 0, "private", 7, &done));
	DkObjectClose(h);
	EXPECT_OK(try_open("file:/tmp/dir", R, DK_OPEN_CREATE_NEW,
			   DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755)));
	EXPECT_OK(DkStreamRename(URI("file:/tmp/inside"),
				 URI("file:/tmp/dir/moved"), 0));
	EXPECT_OK(try_read("file:/tmp/dir/../dir/moved"));
	EXPECT_OK(try_read("file:/tmp/../etc/passwd"));
	EXPECT_REFUSED(try_create("file:/tmp/../pico-test-was-here"));
	EXPECT_STATUS(DkStreamRename(URI("file:/tmp/dir/moved"),
				     URI(in("rw/moved")), 0),
		      CROSS_DEVICE);
	/* And it is not what other roads to /tmp show. */
	EXPECT_REFUSED(try_read("file:/tmp/../tmp/pico-test-of-the-host"));
	EXPECT_OK(try_create("file:/tmp/stays-inside"));
}

TEST(a_rule_cannot_be_moved_away)
{
	/* /FOLDER/rw/inner is forbidden, so the way to it stays. */
	EXPECT_REFUSED(
		DkStreamDelete(URI(in("rw/inner")), DK_DELETE_DIRECTORY));
	EXPECT_REFUSED(DkStreamRename(URI(in("rw")), URI(in("rw2")), 0));
	EXPECT_REFUSED(DkStreamRename(URI(in("rw/sub")), URI(in("rw/inner")),
				      DK_RENAME_EXCHANGE));
	EXPECT_REFUSED(try_read(in("rw/inner/secret")));
}

static volatile bool stop;

static void swap(u64 parameter)
{
	while (!stop) {
		DkStreamRename(URI(in("rw/race")), URI(in("rw/race-link")),
			       DK_RENAME_EXCHANGE);
	}
}

/* A folder and a link to a forbidden folder change places all the time. */
TEST(renames_while_walking)
{
	DK_HANDLE thread;
	u64 opened = 0, refused = 0;
	char uri[160];

	EXPECT_OK(try_open(in("rw/race"), R, DK_OPEN_CREATE_NEW,
			   DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755)));
	EXPECT_OK(try_create(in("rw/race/secret")));
	EXPECT_OK(DkxStreamLink(URI("../no"), URI(in("rw/race-link")),
				DK_LINK_SYMBOLIC));
	dkt_snprintf(uri, sizeof(uri), "%s", in("rw/race/secret"));
	stop = false;
	thread = dkt_thread(swap, 0);
	for (int i = 0; i < 3000; i++) {
		struct dk_stream_attributes a;
		DK_HANDLE h = 0;

		if (DkStreamOpen(URI(uri), R, DK_OPEN_EXISTING, 0, &h)) {
			refused++;
			continue;
		}
		opened++;
		/* What was opened is ours: empty. */
		EXPECT_OK(DkStreamAttributesQueryByHandle(h, &a, sizeof(a)));
		ASSERT_EQ(a.length, 0);
		DkObjectClose(h);
	}
	stop = true;
	EXPECT_TRUE(dkt_wait(thread));
	DkObjectClose(thread);
	dkt_print("# %lu opened, %lu refused\n", (unsigned long)opened,
		  (unsigned long)refused);
	EXPECT_NE(opened, 0);
}

/* ---- a rename of what is moved away meanwhile ---- */

#define ROUNDS	300

static volatile int round_begun, round_done;
static char long_way[3200];

/* What one round names; each thread has its own. */
struct round {
	char folder[160], file[160], away[160], secret[160], into[160];
};

static void name_round(struct round *r, int round)
{
	const char *at = dkt_argument(1);

	dkt_snprintf(r->folder, sizeof(r->folder), "file:%s/rw/d-%d", at,
		     round);
	dkt_snprintf(r->file, sizeof(r->file), "%s/x", r->folder);
	dkt_snprintf(r->away, sizeof(r->away), "file:%s/wo/d-%d", at, round);
	dkt_snprintf(r->into, sizeof(r->into), "%s/x", r->away);
	dkt_snprintf(r->secret, sizeof(r->secret), "file:%s/wo/secret", at);
}

/* The folder goes to where nothing may be read, and the secret into it. */
static void moves_away(u64 parameter)
{
	struct round r;

	for (int i = 1; i <= ROUNDS; i++) {
		name_round(&r, i);
		while (round_begun < i)
			;
		for (volatile int delay = i % 64 * 50; delay; delay--)
			;
		DkStreamRename(URI(r.folder), URI(r.away), 0);
		DkStreamRename(URI(r.secret), URI(r.into), 0);
		round_done = i;
	}
}

static void put_secret(const char *uri)
{
	DK_HANDLE h =
		dkt_open(uri, W, DK_OPEN_CREATE_NEW, DK_OPTION_MODE(0600));
	u64 done;

	EXPECT_OK(DkStreamWrite(h, 0, "secret", 6, &done));
	DkObjectClose(h);
}

static u64 length_of(const char *uri)
{
	struct dk_stream_attributes a = { 0 };

	DkStreamAttributesQuery(URI(uri), 0, &a, sizeof(a));
	return a.length;
}

/*
 * Between the look at where a file is and the move of it, its folder is moved
 * to a place that may only be written, and a file of there gets its name.
 */
TEST(renames_while_renaming)
{
	u64 moved = 0, crossed = 0, other = 0;
	DK_HANDLE thread;
	struct round r;
	size_t n;

	/* A way that it takes long to go. */
	n = dkt_snprintf(long_way, sizeof(long_way), "%s", in("rw"));
	while (n < sizeof(long_way) - 64)
		n += dkt_snprintf(long_way + n, sizeof(long_way) - n,
				  "/sub/..");
	dkt_snprintf(long_way + n, sizeof(long_way) - n, "/out");
	round_begun = round_done = 0;
	thread = dkt_thread(moves_away, 0);
	for (int i = 1; i <= ROUNDS; i++) {
		DK_STATUS status;

		name_round(&r, i);
		EXPECT_OK(try_open(r.folder, R, DK_OPEN_CREATE_NEW,
				   DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755)));
		EXPECT_OK(try_create(r.file));
		put_secret(r.secret);
		round_begun = i;
		status = DkStreamRename(URI(r.file), URI(long_way), 0);
		while (round_done < i)
			;
		if (!status && length_of(long_way))
			dkt_fail("the secret was moved to where it is read");
		moved += !status;
		crossed += status == DK_STATUS_CROSS_DEVICE;
		other += status && status != DK_STATUS_CROSS_DEVICE;
		DkStreamDelete(URI(long_way), DK_DELETE_FILE);
		DkStreamDelete(URI(r.secret), DK_DELETE_FILE);
		DkStreamDelete(URI(r.into), DK_DELETE_FILE);
		DkStreamDelete(URI(r.away), DK_DELETE_DIRECTORY);
		if (dkt_failed())
			break;
	}
	round_begun = ROUNDS;
	EXPECT_TRUE(dkt_wait(thread));
	DkObjectClose(thread);
	dkt_print("# %lu moved, %lu refused for their places, %lu otherwise\n",
		  (unsigned long)moved, (unsigned long)crossed,
		  (unsigned long)other);
}
