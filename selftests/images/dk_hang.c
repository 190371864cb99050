// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that wait for a file system's server: each ends with INTERRUPTED when
 * an exception is raised on its thread and with ABORTED when the monitor asks
 * the process to come to rest, be it during the call or just before it; and
 * neither reaches the call behind it. Nor does it keep a process from its end.
 * The server, lib/errorfs.h, does not answer before it is interrupted; the outer
 * side has mounted it.
 */
#include "counts.h"
#include "dktest.h"
#include "ends.h"
#include "file_calls.h"

#define R	DK_ACCESS_READ
#define W	DK_ACCESS_WRITE

static char uris[2][160];

static const char *in(int i, const char *name)
{
	dkt_snprintf(uris[i], sizeof(uris[i]), "file:%s/errors/%s",
		     dkt_argument(1), name);
	return uris[i];
}

/* ---- the calls; @h is a handle of what the table names, or 0 ---- */

static DK_STATUS open_as(const char *name, u64 access, u64 disposition,
			 u64 options)
{
	DK_HANDLE h = POISON;
	DK_STATUS status = DkStreamOpen(URI(in(0, name)), access, disposition,
					options | DK_OPTION_MODE(0755), &h);

	EXPECT_EQ(h, POISON);
	return status;
}

static DK_STATUS look_up(DK_HANDLE h)
{
	return open_as("hang-walk", R, DK_OPEN_EXISTING, 0);
}

static DK_STATUS open_it(DK_HANDLE h)
{
	return open_as("hang-lopen", R, DK_OPEN_EXISTING, 0);
}

static DK_STATUS create(DK_HANDLE h)
{
	return open_as("new-hang-lcreate", W, DK_OPEN_CREATE_NEW, 0);
}

static DK_STATUS make_directory(DK_HANDLE h)
{
	return open_as("new-d-hang-mkdir", R, DK_OPEN_CREATE_NEW,
		       DK_OPTION_DIRECTORY);
}

static DK_STATUS make_fifo(DK_HANDLE h)
{
	return open_as("new-hang-mknod", 0, DK_OPEN_CREATE_NEW, DK_OPTION_FIFO);
}

/* It is opened a second time for that. */
static DK_STATUS map(DK_HANDLE h)
{
	DK_HANDLE weak = 0;
	void *base = NULL;
	DK_STATUS status;

	EXPECT_OK(DkObjectReference(h, DK_RIGHT_READ, &weak));
	status = DkStreamMap(weak, &base, PAGE, 0, DK_PROT_READ, DK_MAP_SHARED);
	EXPECT_EQ(base, NULL);
	DkObjectClose(weak);
	return status;
}

static DK_STATUS query(DK_HANDLE h)
{
	struct dk_stream_attributes a;

	return DkStreamAttributesQuery(URI(in(0, "hang-getattr")), 0, &a,
				       sizeof(a));
}

static DK_STATUS set(DK_HANDLE h)
{
	struct dk_stream_attributes a = { .valid = DK_SET_MODE, .mode = 0600 };

	return DkxStreamAttributesSet(URI(in(0, "hang-setattr")), 0, &a,
				      sizeof(a));
}

static DK_STATUS lock_and_wait(DK_HANDLE h)
{
	return DkxStreamLock(h, DK_LOCK_SHARED | DK_LOCK_WAIT, 0, 1, NULL, 0);
}

static DK_STATUS remove_it(DK_HANDLE h)
{
	return DkStreamDelete(URI(in(0, "hang-unlink")), DK_DELETE_FILE);
}

static DK_STATUS rename(DK_HANDLE h)
{
	return DkStreamRename(URI(in(0, "any")), URI(in(1, "new-hang-rename")),
			      0);
}

static DK_STATUS link(DK_HANDLE h)
{
	return DkxStreamLink(URI(in(0, "any")), URI(in(1, "new-hang-link")), 0);
}

static DK_STATUS symlink(DK_HANDLE h)
{
	return DkxStreamLink(URI("target"), URI(in(1, "new-hang-symlink")),
			     DK_LINK_SYMBOLIC);
}

static DK_STATUS process(const char *name)
{
	static const char strings[] = "/p\0/\0child";
	struct dk_process_parameters p = { .strings = (u64)strings,
					   .strings_length = sizeof(strings),
					   .argument_count = 1 };
	DK_HANDLE h = POISON;
	u64 id = POISON;
	DK_STATUS status;

	status = DkProcessCreate(URI(in(0, name)), &p, sizeof(p), &h, &id);
	EXPECT_EQ(h, POISON);
	EXPECT_EQ(id, POISON);
	return status;
}

static DK_STATUS process_open(DK_HANDLE h)
{
	return process("hang-lopen");
}

static DK_STATUS process_read(DK_HANDLE h)
{
	return process("hang-read");
}

static const struct call {
	const char *what;
	DK_STATUS (*make)(DK_HANDLE h);
	const char *file; /* opened before */
	u64 access, options;
} calls[] = {
	{ "looking up", look_up, NULL, 0, 0 },
	{ "opening", open_it, NULL, 0, 0 },
	{ "creating", create, NULL, 0, 0 },
	{ "making a directory", make_directory, NULL, 0, 0 },
	{ "making a FIFO", make_fifo, NULL, 0, 0 },
	{ "reading", file_read, "hang-read", R, 0 },
	{ "writing", file_write, "hang-write", R | W, 0 },
	{ "mapping", map, "hang-again", R | W, 0 },
	{ "setting the length", file_set_length, "hang-setattr", R | W, 0 },
	{ "flushing", file_flush, "hang-fsync", R | W, 0 },
	{ "enumerating", file_enumerate, "d-hang-readdir", R,
	  DK_OPTION_DIRECTORY },
	{ "asking a handle", file_query, "hang-getattr", R, 0 },
	{ "moving to the end", file_seek, "hang-getattr", R, 0 },
	{ "asking a name", query, NULL, 0, 0 },
	{ "setting by a handle", file_change, "hang-setattr", R, 0 },
	{ "setting by a name", set, NULL, 0, 0 },
	{ "locking", file_lock, "hang-lock", R, 0 },
	{ "waiting for a lock", lock_and_wait, "hang-lock", R, 0 },
	{ "allocating", file_allocate, "hang-fallocate", R | W, 0 },
	{ "deleting", remove_it, NULL, 0, 0 },
	{ "renaming", rename, NULL, 0, 0 },
	{ "linking", link, NULL, 0, 0 },
	{ "linking symbolically", symlink, NULL, 0, 0 },
	{ "a process, opening", process_open, NULL, 0, 0 },
	{ "a process, reading", process_read, NULL, 0, 0 },
};

/* ---- how they end ---- */

static const struct call *call;
static DK_HANDLE file;
static volatile bool go;
static u64 hung;

static void makes_the_call(u64 parameter)
{
	s64 left;

	/* Without a call: the first that might wait is the one. */
	while (!go)
		;
	ends_result = call->make(file);
	ends_next = DkThreadDelayExecution(1, &left);
}

static void expect_hung(void)
{
	char line[32];
	s64 count = 0;

	dkt_snprintf(line, sizeof(line), "@hung %lu\n", (unsigned long)++hung);
	dkt_ask(line, &count, sizeof(count));
	if (count != (s64)hung)
		dkt_fail("%s: %ld requests hang, not %lu", call->what,
			 (long)count, (unsigned long)hung);
}

static void ends(enum how how, DK_STATUS wanted)
{
	DK_HANDLE thread;

	file = call->file ? dkt_open(in(0, call->file), call->access,
				     DK_OPEN_EXISTING, call->options) :
			    0;
	ends_begin();
	go = how != ABORTED_BEFORE;
	thread = dkt_thread(makes_the_call, 0);
	if (how == ABORTED_BEFORE) {
		ends_abort();
		go = true;
	}
	expect_hung();
	if (how == RAISED)
		EXPECT_OK(
			DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 0));
	if (how == ABORTED)
		ends_abort();
	if (!dkt_wait(thread)) {
		dkt_fail("%s, %s: it does not end", call->what, ends_how[how]);
		/* There is no other way to go on. */
		DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 0);
		dkt_wait(thread);
	}
	ends_check(call->what, how, wanted);
	DkObjectClose(thread);
	if (file)
		DkObjectClose(file);
}

static void all_end(enum how how, DK_STATUS wanted)
{
	static DK_HANDLE event;

	if (!event) {
		ASSERT_OK(DkNotificationEventCreate(0, &event));
		ASSERT_OK(DkAbortEventRegister(event));
	}
	dkt_exception = ends_note;
	for (call = calls; call < calls + ARRAY_SIZE(calls); call++)
		ends(how, wanted);
}

/* The handle is closed during the call, and its number a new object's. */
static void closed_during(void)
{
	DK_HANDLE thread, fresh;
	u64 index;

	file = dkt_open(in(0, call->file), call->access, DK_OPEN_EXISTING,
			call->options);
	ends_begin();
	go = true;
	thread = dkt_thread(makes_the_call, 0);
	expect_hung();
	EXPECT_OK(DkObjectClose(file));
	EXPECT_OK(DkSynchronizationEventCreate(1, &fresh));
	EXPECT_EQ(ends_result, 1);
	EXPECT_OK(DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 0));
	if (!dkt_wait(thread))
		dkt_fail("%s, closed: it does not end", call->what);
	ends_check(call->what, RAISED, DK_STATUS_INTERRUPTED);
	EXPECT_OK(DkObjectsWaitAny(1, &fresh, 0, &index));
	EXPECT_OK(DkObjectClose(fresh));
	EXPECT_OK(DkObjectClose(thread));
}

TEST(closed_meanwhile)
{
	struct dkt_counts before, now;

	dkt_exception = ends_note;
	dkt_counts(&before);
	for (call = calls; call < calls + ARRAY_SIZE(calls); call++) {
		/* A mapping makes a second handle and closes it itself. */
		if (call->file && call->make != map)
			closed_during();
	}
	dkt_counts(&now);
	EXPECT_EQ(now.handles, before.handles);
	EXPECT_EQ(now.objects, before.objects);
}

TEST(exceptions)
{
	all_end(RAISED, DK_STATUS_INTERRUPTED);
}

TEST(requests_to_come_to_rest)
{
	all_end(ABORTED, DK_STATUS_ABORTED);
}

TEST(requests_just_before)
{
	all_end(ABORTED_BEFORE, DK_STATUS_ABORTED);
}

/* ---- the end of the process ---- */

/* Of a process that ends itself while the other thread hangs. */
#define EXIT_CODE	7

/* Has the call made by its first thread; or by another one, and then ends. */
static void child_calls(DK_HANDLE told)
{
	u64 index;

	go = true;
	if (!told) {
		makes_the_call(0);
		DkProcessExit(1);
	}
	dkt_thread(makes_the_call, 0);
	if (DkObjectsWaitAny(1, &told, DK_TIMEOUT_INFINITE, &index))
		DkProcessExit(2);
	DkProcessExit(ends_result == 1 ? EXIT_CODE : 3);
}

static void process_ends(bool killed)
{
	DK_HANDLE child = 0, told = 0;
	s64 count = 0, code = -1;
	u64 id;

	file = call->file ? dkt_open(in(0, call->file), call->access,
				     DK_OPEN_EXISTING, call->options) :
			    0;
	if (!killed)
		EXPECT_OK(DkNotificationEventCreate(0, &told));
	ends_begin();
	ASSERT_OK(DkxProcessClone(0, &child, &id));
	if (!child)
		child_calls(told);
	expect_hung();
	if (killed) {
		dkt_ask("@kill\n", &count, sizeof(count));
		EXPECT_EQ(count, 1);
	} else {
		EXPECT_OK(DkEventSet(told));
	}
	if (!dkt_wait(child))
		dkt_fail("%s, %s: the process does not end", call->what,
			 killed ? "killed" : "exits");
	else if (DkProcessGetExitCode(child, &code) ||
		 code != (killed ? 128 + 9 : EXIT_CODE))
		dkt_fail("%s, %s: exit code %ld", call->what,
			 killed ? "killed" : "exits", (long)code);
	EXPECT_OK(DkObjectClose(child));
	if (told)
		EXPECT_OK(DkObjectClose(told));
	if (file)
		EXPECT_OK(DkObjectClose(file));
}

static void all_processes_end(bool killed)
{
	struct dkt_counts before;

	dkt_counts(&before);
	for (call = calls; call < calls + ARRAY_SIZE(calls); call++)
		process_ends(killed);
	expect_counts(&before);
}

TEST(a_process_that_is_killed)
{
	all_processes_end(true);
}

TEST(a_process_that_exits)
{
	all_processes_end(false);
}
