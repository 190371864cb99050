// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call that waits comes back when an exception is raised on its thread
 * (INTERRUPTED), and when the monitor asks the process to stop (ABORTED).
 */
#include "connection.h"

#define BOTH	(DK_ACCESS_READ | DK_ACCESS_WRITE)

static DK_HANDLE event, reader, writer, full_reader, full_writer;
static DK_HANDLE locked, other, socket, peer, stuffed, stuffed_peer;
static DK_HANDLE server, second, idle_server;
static char fifo[160], lock_file[160];
static u32 word;
static u8 data[PAGE];

static struct dk_buffer buffer = { (u64)data, sizeof(data) };

static s64 in_wait(void)
{
	u64 index;

	return DkObjectsWaitAny(1, &event, DK_TIMEOUT_INFINITE, &index);
}

static s64 in_delay(void)
{
	return DkThreadDelayExecution(60 * SEC, NULL);
}

static s64 at_address(void)
{
	return DkxAddressWait(&word, DK_ADDRESS_WAIT, 0, NULL, 0,
			      DK_ADDRESS_ALL_BITS);
}

static s64 in_read(void)
{
	u64 done;

	return DkStreamRead(reader, CURRENT, data, 1, &done);
}

static s64 in_write(void)
{
	u64 done;

	return DkStreamWrite(full_writer, CURRENT, data, 1, &done);
}

static s64 in_open(void)
{
	DK_HANDLE h;

	return DkStreamOpen(URI(fifo), DK_ACCESS_READ, DK_OPEN_EXISTING, 0, &h);
}

static s64 in_lock(void)
{
	return DkxStreamLock(other,
			     DK_LOCK_EXCLUSIVE | DK_LOCK_STREAM | DK_LOCK_WAIT,
			     0, 1, NULL, 0);
}

static s64 parcel(DK_HANDLE through, bool send)
{
	struct dk_parcel p = { .buffers = (u64)&buffer,
			       .buffer_count = 1,
			       .timeout = DK_TIMEOUT_INFINITE };

	return send ? DkxParcelSend(through, &p, sizeof(p)) :
		      DkxParcelReceive(through, &p, sizeof(p));
}

static s64 in_send(void)
{
	return parcel(stuffed, true);
}

static s64 in_receive(void)
{
	return parcel(socket, false);
}

static s64 in_connect(void)
{
	struct dk_local_name name = { .key_length = 1, .key = "k" };

	return DkxStreamControl(second, DK_CONTROL_CONNECT, &name,
				sizeof(name));
}

/* A TCP server whose queue is full: it does not answer. */
static const char *busy_server;

static s64 in_tcp_open(void)
{
	DK_HANDLE h;

	return DkStreamOpen(URI(busy_server), BOTH, DK_OPEN_EXISTING, 0, &h);
}

static s64 in_accept(void)
{
	struct dk_accepted a;
	u64 done;

	return DkStreamRead(idle_server, CURRENT, &a, sizeof(a), &done);
}

/* The same of a pipe; and of the monitor, who is asked for a name. */
static s64 in_pipe_open(void)
{
	DK_HANDLE h;

	return DkStreamOpen(URI("pipe.client:busy"), BOTH, DK_OPEN_EXISTING, 0,
			    &h);
}

static s64 in_dns_open(void)
{
	DK_HANDLE h;

	return DkStreamOpen(URI("dns:host.test"), DK_ACCESS_READ,
			    DK_OPEN_EXISTING, 0, &h);
}

static const struct {
	const char *name;
	s64 (*call)(void);
} waits[] = {
	{ "DkObjectsWaitAny", in_wait },
	{ "DkThreadDelayExecution", in_delay },
	{ "DkxAddressWait", at_address },
	{ "DkStreamRead", in_read },
	{ "DkStreamWrite", in_write },
	{ "DkStreamOpen", in_open },
	{ "DkxStreamLock", in_lock },
	{ "DkxParcelSend", in_send },
	{ "DkxParcelReceive", in_receive },
	{ "DkxStreamControl", in_connect },
	{ "DkStreamOpen of tcp.client:", in_tcp_open },
	{ "DkStreamRead of tcp.server:", in_accept },
	{ "DkStreamOpen of pipe.client:", in_pipe_open },
	{ "DkStreamOpen of dns:", in_dns_open },
};

/* Until no more fits; which cannot be waited for. */
static void stuff(void)
{
	struct dk_parcel p = { .buffers = (u64)&buffer,
			       .buffer_count = 1,
			       .flags = DK_PARCEL_NONBLOCK };
	u32 options = DK_OPTION_NONBLOCK;
	u64 done;
	int i;

	for (i = 0; i < 10000; i++)
		if (DkxParcelSend(stuffed, &p, sizeof(p)))
			break;
	EXPECT_LT(i, 10000);
	EXPECT_OK(DkxStreamControl(full_writer, DK_CONTROL_SET_OPTIONS,
				   &options, sizeof(options)));
	for (i = 0; i < 10000; i++)
		if (DkStreamWrite(full_writer, CURRENT, data, PAGE, &done))
			break;
	EXPECT_LT(i, 10000);
	options = 0;
	EXPECT_OK(DkxStreamControl(full_writer, DK_CONTROL_SET_OPTIONS,
				   &options, sizeof(options)));
}

/* One that listens, and whose queue is full of one. */
static void occupy(void)
{
	struct dk_local_name name = {
		.key_length = 1, .name_length = 1, .key = "k", .name = "k"
	};
	u32 backlog = 0;
	DK_HANDLE h;

	server = dkt_open("local:stream", BOTH, DK_OPEN_CREATE_NEW, 0);
	second = dkt_open("local:stream", BOTH, DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(
		DkxStreamControl(server, DK_CONTROL_BIND, &name, sizeof(name)));
	EXPECT_OK(DkxStreamControl(server, DK_CONTROL_LISTEN, &backlog,
				   sizeof(backlog)));
	name.name_length = 0;
	for (int i = 0; i < 100; i++) {
		h = dkt_open("local:stream", BOTH, DK_OPEN_CREATE_NEW,
			     DK_OPTION_NONBLOCK);
		if (DkxStreamControl(h, DK_CONTROL_CONNECT, &name,
				     sizeof(name)))
			return;
	}
	dkt_fail("the queue is never full");
}

static void occupy_tcp(void)
{
	DK_HANDLE h = serve("tcp.server:127.0.0.1:0?backlog=1", 0);

	busy_server = address_of(h, "127.0.0.1");
	for (int i = 0; i < 8; i++)
		call(busy_server, NONBLOCK);
	idle_server = serve("tcp.server:127.0.0.1:0", 0);
}

static void occupy_pipe(void)
{
	DK_HANDLE h = serve("pipe.server:busy", 0);
	u32 backlog = 1;

	EXPECT_OK(control(h, DK_CONTROL_LISTEN, &backlog, sizeof(backlog)));
	call("pipe.client:busy", NONBLOCK);
}

static void prepare(void)
{
	if (event)
		return;
	dkt_snprintf(fifo, sizeof(fifo), "file:%s/rw/ended-fifo",
		     dkt_argument(1));
	dkt_snprintf(lock_file, sizeof(lock_file), "file:%s/rw/ended-lock",
		     dkt_argument(1));
	EXPECT_OK(DkNotificationEventCreate(0, &event));
	EXPECT_OK(DkxPipeCreate(0, &reader, &writer));
	EXPECT_OK(DkxPipeCreate(0, &full_reader, &full_writer));
	EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_STREAM, &socket, &peer));
	EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_STREAM, &stuffed, &stuffed_peer));
	dkt_open(fifo, 0, DK_OPEN_CREATE_NEW,
		 DK_OPTION_FIFO | DK_OPTION_MODE(0600));
	locked =
		dkt_open(lock_file, BOTH, DK_OPEN_CREATE, DK_OPTION_MODE(0600));
	other = dkt_open(lock_file, BOTH, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkxStreamLock(locked, DK_LOCK_EXCLUSIVE | DK_LOCK_STREAM, 0,
				1, NULL, 0));
	stuff();
	occupy();
	occupy_tcp();
	occupy_pipe();
}

static s64 results[ARRAY_SIZE(waits)];
static DK_HANDLE threads[ARRAY_SIZE(waits)];

static void run(u64 i)
{
	results[i] = waits[i].call();
}

/* What waits only after the monitor has asked. */
static DK_HANDLE abort_event;

static void run_late(u64 i)
{
	u64 signalled = 0;

	while (!signalled)
		DkEventPeek(abort_event, &signalled);
	run(i);
}

static void start(void)
{
	s64 remaining;

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		results[i] = POISON;
		threads[i] = dkt_thread(run, i);
	}
	DkThreadDelayExecution(300 * MSEC, &remaining);
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
		if (results[i] != (s64)POISON)
			dkt_fail("%s did not wait: %s", waits[i].name,
				 dkt_status(results[i]));
}

static void check(s64 status)
{
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		if (!dkt_wait(threads[i]))
			dkt_fail("%s does not come back", waits[i].name);
		else if (results[i] != status)
			dkt_fail("%s: %s, not %s", waits[i].name,
				 dkt_status(results[i]), dkt_status(status));
		DkObjectClose(threads[i]);
	}
}

static bool goes_on(struct dk_exception *exception, struct dk_context *context)
{
	return exception->code == DK_EXCEPTION_RAISED;
}

TEST(by_an_exception)
{
	start();
	dkt_exception = goes_on;
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
		EXPECT_OK(DkThreadRaiseException(threads[i],
						 DK_EXCEPTION_RAISED, i));
	check(DK_STATUS_INTERRUPTED);
}

TEST(by_the_monitor)
{
	s64 count = -1;

	EXPECT_OK(DkNotificationEventCreate(0, &abort_event));
	EXPECT_OK(DkAbortEventRegister(abort_event));
	start();
	dkt_ask("@abort\n", &count, sizeof(count));
	EXPECT_EQ(count, 1);
	check(DK_STATUS_ABORTED);
}

/* A thread that was busy then hears of it when it comes to wait. */
TEST(later_by_the_monitor)
{
	s64 count = -1;

	EXPECT_OK(DkEventClear(abort_event));
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
		threads[i] = dkt_thread(run_late, i);
	dkt_ask("@abort\n", &count, sizeof(count));
	EXPECT_EQ(count, 1);
	check(DK_STATUS_ABORTED);
}
