// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statuses that are seldom met: what the tests of each call's work do not come
 * by. (Those of file systems are in dk_errors.c, of connections in dk_broken.c,
 * of calls that wait in dk_ended.c.)
 */
#include "world.h"

#define BOTH	(DK_ACCESS_READ | DK_ACCESS_WRITE)

/* ---- handles ---- */

static DK_HANDLE filling[70000];

static u64 fill_table(void)
{
	u64 n = 0;

	while (!DkNotificationEventCreate(0, &filling[n]))
		n++;
	return n;
}

static DK_STATUS receive(DK_HANDLE from, u32 flags, DK_HANDLE *handle)
{
	struct dk_parcel p = { .flags = flags | DK_PARCEL_NONBLOCK,
			       .handles = (u64)handle,
			       .handle_count = 1 };

	return DkxParcelReceive(from, &p, sizeof(p));
}

/* Calls that make handles in other ways than by a name. */
TEST(no_room_for_a_handle)
{
	struct dk_local_name name = { .key_length = 1, .key = "r" };
	DK_HANDLE h = POISON, a, b, tcp, caller;
	struct dk_address at = { 0 };
	struct dk_accepted accepted;
	u64 n, id, done = POISON;
	u32 backlog = 1;
	char uri[64];

	make_world();
	a = dkt_open("local:stream", BOTH, DK_OPEN_CREATE_NEW, 0);
	b = dkt_open("local:stream", BOTH, DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(DkxStreamControl(a, DK_CONTROL_BIND, &name, sizeof(name)));
	EXPECT_OK(DkxStreamControl(a, DK_CONTROL_LISTEN, &backlog, 4));
	EXPECT_OK(DkxStreamControl(b, DK_CONTROL_CONNECT, &name, sizeof(name)));
	tcp = dkt_open("tcp.server:127.0.0.1:0", DK_ACCESS_READ,
		       DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(DkxStreamControl(tcp, DK_CONTROL_LOCAL_ADDRESS, &at,
				   sizeof(at)));
	dkt_snprintf(uri, sizeof(uri), "tcp.client:127.0.0.1:%u", at.port);
	caller = dkt_open(uri, BOTH, DK_OPEN_EXISTING, 0);
	n = fill_table();
	EXPECT_STATUS(DkStreamGetEvent(w.in, DK_STREAM_READABLE, &h),
		      TOO_MANY_HANDLES);
	EXPECT_STATUS(DkxProcessClone(0, &h, &id), TOO_MANY_HANDLES);
	EXPECT_STATUS(DkxProcessOpen(DK_PROCESS_FIRST, &h), TOO_MANY_HANDLES);
	EXPECT_STATUS(receive(a, DK_PARCEL_ACCEPT, &h), TOO_MANY_HANDLES);
	EXPECT_STATUS(DkStreamRead(tcp, DK_OFFSET_CURRENT, &accepted,
				   sizeof(accepted), &done),
		      TOO_MANY_HANDLES);
	EXPECT_EQ(h, POISON);
	EXPECT_EQ(done, POISON);
	while (n--)
		DkObjectClose(filling[n]);
	/* Of a local: socket it is not lost. */
	EXPECT_OK(receive(a, DK_PARCEL_ACCEPT, &h));
	EXPECT_OK(DkObjectClose(h));
	DkObjectClose(a);
	DkObjectClose(b);
	DkObjectClose(tcp);
	DkObjectClose(caller);
}

/* ---- wrong arguments of calls that dk_bad.c makes otherwise ---- */

TEST(arguments)
{
	DK_HANDLE h = POISON, child;
	u64 id = 0, done;
	s64 code;

	make_world();
	EXPECT_STATUS(DkxSignalRegister(1ULL << 8), INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamLink((const char *)w.event, 0, URI(w.new_uri),
				    DK_LINK_STREAM),
		      WRONG_TYPE);
	EXPECT_OK(DkxProcessClone(0, &child, &id));
	if (!child)
		DkProcessExit(0);
	EXPECT_TRUE(dkt_wait(child));
	EXPECT_STATUS(DkProcessGetExitCode(child, (dk_s64 *)8),
		      INVALID_POINTER);
	EXPECT_OK(DkProcessGetExitCode(child, &code));
	DkObjectClose(child);
	EXPECT_STATUS(DkxStreamSeek(w.file, 1 << 30, DK_SEEK_DATA, &done),
		      NO_DEVICE);
	EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_STREAM, &h, &child));
	EXPECT_STATUS(DkxStreamSeek(h, 0, DK_SEEK_SET, &done), NOT_SUPPORTED);
	DkObjectClose(h);
	DkObjectClose(child);
}

TEST(parcels)
{
	struct dk_parcel p = { .flags = DK_PARCEL_NONBLOCK,
			       .name = (u64) "x",
			       .name_length = 1 };
	DK_HANDLE a, b, weak = 0, h;

	make_world();
	EXPECT_STATUS(receive(w.event, 0, &h), WRONG_TYPE);
	EXPECT_STATUS(receive(w.in, 0, &h), NOT_SUPPORTED);
	EXPECT_STATUS(DkxParcelReceive(w.in, (void *)8, sizeof(p)),
		      INVALID_POINTER);
	EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_STREAM, &a, &b));
	EXPECT_OK(DkObjectReference(a, DK_RIGHT_WRITE, &weak));
	EXPECT_STATUS(receive(weak, 0, &h), ACCESS_DENIED);
	EXPECT_STATUS(DkxParcelSend(a, &p, sizeof(p)), ALREADY_EXISTS);
	DkObjectClose(weak);
	DkObjectClose(a);
	DkObjectClose(b);
	a = dkt_open("local:packet", BOTH, DK_OPEN_CREATE_NEW, 0);
	EXPECT_STATUS(receive(a, 0, &h), NOT_CONNECTED);
	DkObjectClose(a);
}

TEST(consoles)
{
	DK_HANDLE weak = 0;
	u8 buffer[64];

	make_world();
	EXPECT_STATUS(DkxConsoleControl(w.in, DK_CONSOLE_GET_ATTRIBUTES, buffer,
					36),
		      NOT_SUPPORTED);
	EXPECT_OK(DkObjectReference(w.in, DK_RIGHT_READ, &weak));
	EXPECT_STATUS(DkxConsoleControl(weak, DK_CONSOLE_BYTES_READABLE, buffer,
					4),
		      ACCESS_DENIED);
	DkObjectClose(weak);
}

/* Nobody reads it here. */
TEST(debug_text)
{
	static char text[1024];
	DK_STATUS status = DK_STATUS_SUCCESS;
	int i;

	memset(text, '.', sizeof(text));
	for (i = 0; i < 1000 && !status; i++)
		status = DkDebugStringPrint(text, sizeof(text));
	EXPECT_STATUS(status, WOULD_BLOCK);
}

/* ---- memory ---- */

TEST(low_addresses)
{
	void *base = (void *)PAGE;
	u64 length = PAGE;

	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length,
					   DK_MEM_RESERVE | DK_MEM_COMMIT,
					   DK_PROT_READ),
		      NOT_PERMITTED);
	EXPECT_EQ(base, (void *)PAGE);
}

/* Every second page of a large area is another mapping, until no more fit. */
TEST(as_many_mappings_as_there_may_be)
{
	u64 pages = 80000, length = pages * PAGE, i;
	DK_STATUS status = DK_STATUS_SUCCESS;
	void *base = NULL;
	u8 *p;

	ASSERT_OK(DkVirtualMemoryAlloc(&base, &length,
				       DK_MEM_RESERVE | DK_MEM_COMMIT,
				       DK_PROT_READ));
	p = base;
	for (i = 8; i < pages && !status; i += 2)
		status = DkVirtualMemoryProtect(p + i * PAGE, PAGE,
						DK_PROT_NONE);
	EXPECT_STATUS(status, NO_MEMORY);
	/* A hole in the middle of the first one makes two of it. */
	status = DkVirtualMemoryFree(p + 4 * PAGE, PAGE, DK_MEM_RELEASE);
	EXPECT_STATUS(status, NO_MEMORY);
	EXPECT_STATUS(DkStreamUnmap(p + 4 * PAGE, PAGE), NO_MEMORY);
	EXPECT_EQ(*(volatile u8 *)(p + 4 * PAGE), 0);
	EXPECT_OK(DkVirtualMemoryFree(p, length, DK_MEM_RELEASE));
}

/* ---- threads and processes ---- */

static s64 set_threads_max(s64 value)
{
	char line[64];
	s64 old = -1;

	dkt_snprintf(line, sizeof(line), "@threads-max %ld\n", (long)value);
	dkt_ask(line, &old, sizeof(old));
	return old;
}

static void nothing(u64 parameter)
{
}

/* The machine has as many threads as it may have. */
TEST(no_more_threads)
{
	DK_HANDLE h = POISON;
	void *stack = dkt_pages(4);
	u64 id = POISON;
	s64 old = set_threads_max(20);
	DK_STATUS thread, process;

	thread = DkThreadCreate((void *)nothing, 0, stack, 4 * PAGE, &h);
	process = thread ? DkxProcessClone(0, &h, &id) : DK_STATUS_SUCCESS;
	set_threads_max(old);
	EXPECT_GE(old, 20);
	EXPECT_STATUS(thread, WOULD_BLOCK);
	EXPECT_STATUS(process, WOULD_BLOCK);
	EXPECT_EQ(h, POISON);
	EXPECT_EQ(id, POISON);
	EXPECT_OK(DkThreadCreate((void *)nothing, 0, stack, 4 * PAGE, &h));
	EXPECT_TRUE(dkt_wait(h));
	DkObjectClose(h);
}

/* Each of two processes has what the other one waits for. */
TEST(a_deadlock)
{
	struct dk_lock_info info;
	DK_HANDLE h, child;
	DK_STATUS status;
	s64 remaining;
	u64 id;

	make_world();
	h = dkt_open(w.uri, BOTH, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkxStreamLock(h, DK_LOCK_EXCLUSIVE, 0, 1, NULL, 0));
	ASSERT_OK(DkxProcessClone(0, &child, &id));
	if (!child) {
		DkxStreamLock(h, DK_LOCK_EXCLUSIVE, 1, 1, NULL, 0);
		DkProcessExit(DkxStreamLock(h, DK_LOCK_EXCLUSIVE | DK_LOCK_WAIT,
					    0, 1, NULL, 0));
	}
	for (int i = 0; i < 1000; i++) {
		EXPECT_OK(DkxStreamLock(h, DK_LOCK_EXCLUSIVE | DK_LOCK_QUERY, 1,
					1, &info, sizeof(info)));
		if (info.type)
			break;
		DkThreadDelayExecution(10 * MSEC, &remaining);
	}
	EXPECT_EQ(info.id, id);
	DkThreadDelayExecution(200 * MSEC, &remaining);
	status = DkxStreamLock(h, DK_LOCK_EXCLUSIVE | DK_LOCK_WAIT, 1, 1, NULL,
			       0);
	EXPECT_STATUS(status, DEADLOCK);
	EXPECT_OK(DkxStreamLock(h, 0, 0, 1, NULL, 0));
	EXPECT_TRUE(dkt_wait(child));
	EXPECT_OK(DkProcessGetExitCode(child, &remaining));
	EXPECT_EQ(remaining, 0);
	DkObjectClose(child);
	DkObjectClose(h);
}
