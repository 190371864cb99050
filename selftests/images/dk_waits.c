// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call that waits, and what ends it: an exception that is raised on its
 * thread (INTERRUPTED), the monitor's request to come to rest, during the call
 * or just before it (ABORTED), and the end of its process. What it waited for
 * is as it was, and the call behind it is not reached. Nothing comes of handles
 * that are closed meanwhile. Calls that wait for a file system are in dk_hang.c.
 */
#include "dktest.h"
#include "ends.h"

#define R	DK_ACCESS_READ
#define W	DK_ACCESS_WRITE
#define CURRENT	DK_OFFSET_CURRENT

/* ---- what never comes ---- */

static struct world {
	DK_HANDLE event, semaphore, thread, process, stream_event;
	DK_HANDLE pipe[2], full_pipe[2], duplex[2], socket[2], full_socket;
	DK_HANDLE pipe_server, tcp_server, counter, full_counter;
	DK_HANDLE local[2], full_local[2], listener, caller, full_listener;
	DK_HANDLE locked, other;
	char fifo[160];
} w;

#define HANDLES	(offsetof(struct world, fifo) / sizeof(DK_HANDLE))

static u32 word;
static char bytes[4096];

static void set_nonblock(DK_HANDLE h, u32 options)
{
	EXPECT_OK(DkxStreamControl(h, DK_CONTROL_SET_OPTIONS, &options,
				   sizeof(options)));
}

/* Until not one more byte fits. How many did? */
static u64 fill(DK_HANDLE h)
{
	u64 done, sum = 0;

	set_nonblock(h, DK_OPTION_NONBLOCK);
	while (!DkStreamWrite(h, CURRENT, bytes, sizeof(bytes), &done))
		sum += done;
	while (!DkStreamWrite(h, CURRENT, bytes, 1, &done))
		sum += done;
	set_nonblock(h, 0);
	return sum;
}

/* What a connection holds may still become less here and more there. */
static void fill_connection(DK_HANDLE h)
{
	s64 left;

	while (fill(h))
		DkThreadDelayExecution(300 * MSEC, &left);
}

static struct dk_parcel one_byte(u32 flags)
{
	static struct dk_buffer buffer = { (u64)bytes, 1 };

	return (struct dk_parcel){ .buffers = (u64)&buffer,
				   .buffer_count = 1,
				   .flags = flags,
				   .timeout = DK_TIMEOUT_INFINITE };
}

static void fill_local(DK_HANDLE h)
{
	struct dk_parcel p = one_byte(DK_PARCEL_NONBLOCK);

	while (!DkxParcelSend(h, &p, sizeof(p)))
		;
}

static DK_STATUS name_call(DK_HANDLE h, u64 operation, const char *key)
{
	struct dk_local_name name = { .key_length = strlen(key) };

	memcpy(name.key, key, strlen(key));
	return DkxStreamControl(h, operation, &name, sizeof(name));
}

static DK_HANDLE listening(const char *key)
{
	DK_HANDLE h = dkt_open("local:stream", R | W, DK_OPEN_CREATE_NEW, 0);
	u32 backlog = 0;

	EXPECT_OK(name_call(h, DK_CONTROL_BIND, key));
	EXPECT_OK(DkxStreamControl(h, DK_CONTROL_LISTEN, &backlog,
				   sizeof(backlog)));
	return h;
}

static void make_sockets(void)
{
	struct dk_accepted accepted;
	struct dk_address at = { 0 };
	char uri[64];
	u64 done;

	w.tcp_server =
		dkt_open("tcp.server:127.0.0.1:0", R, DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(DkxStreamControl(w.tcp_server, DK_CONTROL_LOCAL_ADDRESS, &at,
				   sizeof(at)));
	dkt_snprintf(uri, sizeof(uri), "tcp.client:127.0.0.1:%u", at.port);
	w.socket[0] = dkt_open(uri, R | W, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamRead(w.tcp_server, CURRENT, &accepted,
			       sizeof(accepted), &done));
	w.socket[1] = accepted.stream;
	w.full_socket = dkt_open(uri, R | W, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamRead(w.tcp_server, CURRENT, &accepted,
			       sizeof(accepted), &done));
	fill_connection(w.full_socket);
}

static void make_locks(void)
{
	char uri[160];

	dkt_snprintf(uri, sizeof(uri), "file:%s/rw/waits", dkt_argument(1));
	w.other = dkt_open(uri, R | W, DK_OPEN_CREATE, DK_OPTION_MODE(0644));
	w.locked = dkt_open(uri, R | W, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkxStreamLock(w.other, DK_LOCK_EXCLUSIVE | DK_LOCK_STREAM, 0,
				1, NULL, 0));
	EXPECT_OK(DkxStreamLock(w.other, DK_LOCK_EXCLUSIVE | DK_LOCK_WHOLE, 0,
				0, NULL, 0));
	dkt_snprintf(w.fifo, sizeof(w.fifo), "file:%s/rw/waits-fifo",
		     dkt_argument(1));
	DkObjectClose(dkt_open(w.fifo, 0, DK_OPEN_CREATE_NEW,
			       DK_OPTION_FIFO | DK_OPTION_MODE(0644)));
}

static void make_world(void)
{
	u64 most = ~0ULL - 1, done;

	if (w.event)
		return;
	EXPECT_OK(DkNotificationEventCreate(0, &w.event));
	EXPECT_OK(DkSemaphoreCreate(0, 1, &w.semaphore));
	w.thread = dkt_parameters->thread;
	w.process = dkt_parameters->process;
	EXPECT_OK(DkxPipeCreate(0, &w.pipe[0], &w.pipe[1]));
	EXPECT_OK(DkStreamGetEvent(w.pipe[0], DK_STREAM_READABLE,
				   &w.stream_event));
	EXPECT_OK(DkxPipeCreate(0, &w.full_pipe[0], &w.full_pipe[1]));
	fill(w.full_pipe[1]);
	EXPECT_OK(DkxPipeCreate(DK_PIPE_DUPLEX, &w.duplex[0], &w.duplex[1]));
	w.pipe_server = dkt_open("pipe.server:waits", R, DK_OPEN_CREATE_NEW, 0);
	w.counter = dkt_open("counter:all", R | W, DK_OPEN_CREATE_NEW, 0);
	w.full_counter = dkt_open("counter:all", R | W, DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(DkStreamWrite(w.full_counter, CURRENT, &most, 8, &done));
	EXPECT_OK(
		DkxPipeCreate(DK_PIPE_LOCAL_PACKET, &w.local[0], &w.local[1]));
	EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_PACKET, &w.full_local[0],
				&w.full_local[1]));
	fill_local(w.full_local[0]);
	w.listener = listening("listener");
	w.full_listener = listening("full");
	w.caller = dkt_open("local:stream", R | W, DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(name_call(w.caller, DK_CONTROL_CONNECT, "full"));
	w.caller = dkt_open("local:stream", R | W, DK_OPEN_CREATE_NEW, 0);
	make_sockets();
	make_locks();
}

/* ---- the calls ---- */

static DK_STATUS wait_for(DK_HANDLE h, s64 timeout)
{
	u64 index = POISON;
	DK_STATUS status = DkObjectsWaitAny(1, &h, timeout, &index);

	EXPECT_EQ(index, POISON);
	return status;
}

static DK_STATUS for_an_event(void)
{
	return wait_for(w.event, DK_TIMEOUT_INFINITE);
}

static DK_STATUS for_an_event_in_time(void)
{
	return wait_for(w.event, 3600 * SEC);
}

static DK_STATUS for_a_semaphore(void)
{
	return wait_for(w.semaphore, DK_TIMEOUT_INFINITE);
}

static DK_STATUS for_a_thread(void)
{
	return wait_for(w.thread, DK_TIMEOUT_INFINITE);
}

static DK_STATUS for_a_process(void)
{
	return wait_for(w.process, DK_TIMEOUT_INFINITE);
}

static DK_STATUS for_a_stream(void)
{
	return wait_for(w.stream_event, DK_TIMEOUT_INFINITE);
}

static DK_STATUS for_any_kind(void)
{
	const DK_HANDLE all[] = { w.event, w.semaphore, w.thread, w.process,
				  w.stream_event };
	u64 index = POISON;
	DK_STATUS status;

	status = DkObjectsWaitAny(ARRAY_SIZE(all), all, DK_TIMEOUT_INFINITE,
				  &index);
	EXPECT_EQ(index, POISON);
	return status;
}

static DK_STATUS sleep_long(void)
{
	s64 left;

	return DkThreadDelayExecution(3600 * SEC, &left);
}

static DK_STATUS at_an_address(void)
{
	return DkxAddressWait(&word, DK_ADDRESS_WAIT, 0, NULL, 0,
			      DK_ADDRESS_ALL_BITS);
}

static DK_STATUS at_an_address_in_time(void)
{
	s64 end = dkt_now() + 3600 * SEC;
	struct dk_deadline deadline = { end / SEC, end % SEC };

	return DkxAddressWait(&word, DK_ADDRESS_WAIT | DK_ADDRESS_PRIVATE, 0,
			      &deadline, 0, DK_ADDRESS_ALL_BITS);
}

static DK_STATUS read_from(DK_HANDLE h)
{
	static u8 buffer[64];
	u64 done = POISON;
	DK_STATUS status = DkStreamRead(h, CURRENT, buffer, 64, &done);

	EXPECT_EQ(done, POISON);
	return status;
}

static DK_STATUS read_pipe(void)
{
	return read_from(w.pipe[0]);
}

static DK_STATUS read_duplex(void)
{
	return read_from(w.duplex[0]);
}

static DK_STATUS read_socket(void)
{
	return read_from(w.socket[0]);
}

static DK_STATUS read_counter(void)
{
	return read_from(w.counter);
}

static DK_STATUS accept_pipe(void)
{
	return read_from(w.pipe_server);
}

static DK_STATUS accept_tcp(void)
{
	return read_from(w.tcp_server);
}

static DK_STATUS write_to(DK_HANDLE h, u64 length)
{
	static const u64 one = 1;
	u64 done = POISON;
	DK_STATUS status = DkStreamWrite(h, CURRENT, &one, length, &done);

	EXPECT_EQ(done, POISON);
	return status;
}

static DK_STATUS write_pipe(void)
{
	return write_to(w.full_pipe[1], 1);
}

static DK_STATUS write_socket(void)
{
	return write_to(w.full_socket, 1);
}

static DK_STATUS write_counter(void)
{
	return write_to(w.full_counter, 8);
}

static DK_STATUS open_fifo(void)
{
	DK_HANDLE h = POISON;
	DK_STATUS status =
		DkStreamOpen(URI(w.fifo), R, DK_OPEN_EXISTING, 0, &h);

	EXPECT_EQ(h, POISON);
	return status;
}

static DK_STATUS receive_from(DK_HANDLE h, u32 flags)
{
	DK_HANDLE handle = POISON;
	struct dk_parcel p = one_byte(flags);
	DK_STATUS status;

	p.handles = (u64)&handle;
	p.handle_count = 1;
	status = DkxParcelReceive(h, &p, sizeof(p));
	EXPECT_EQ(handle, POISON);
	return status;
}

static DK_STATUS receive_parcel(void)
{
	return receive_from(w.local[0], 0);
}

static DK_STATUS accept_parcel(void)
{
	return receive_from(w.listener, DK_PARCEL_ACCEPT);
}

static DK_STATUS send_parcel(void)
{
	struct dk_parcel p = one_byte(0);

	return DkxParcelSend(w.full_local[0], &p, sizeof(p));
}

static DK_STATUS connect(void)
{
	return name_call(w.caller, DK_CONTROL_CONNECT, "full");
}

static DK_STATUS lock_range(void)
{
	return DkxStreamLock(w.locked, DK_LOCK_EXCLUSIVE | DK_LOCK_WAIT, 0, 1,
			     NULL, 0);
}

static DK_STATUS lock_stream(void)
{
	return DkxStreamLock(w.locked,
			     DK_LOCK_EXCLUSIVE | DK_LOCK_WAIT | DK_LOCK_STREAM,
			     0, 1, NULL, 0);
}

static DK_STATUS lock_whole(void)
{
	return DkxStreamLock(w.locked,
			     DK_LOCK_EXCLUSIVE | DK_LOCK_WAIT | DK_LOCK_WHOLE,
			     0, 0, NULL, 0);
}

static const struct call {
	const char *what;
	DK_STATUS (*make)(void);
} calls[] = {
	{ "an event", for_an_event },
	{ "an event, with a timeout", for_an_event_in_time },
	{ "a semaphore", for_a_semaphore },
	{ "a thread", for_a_thread },
	{ "a process", for_a_process },
	{ "a stream's event", for_a_stream },
	{ "five kinds", for_any_kind },
	{ "sleeping", sleep_long },
	{ "an address", at_an_address },
	{ "an address, with a deadline", at_an_address_in_time },
	{ "reading a pipe", read_pipe },
	{ "reading a pipe of two ways", read_duplex },
	{ "reading a socket", read_socket },
	{ "reading a counter", read_counter },
	{ "accepting of a pipe", accept_pipe },
	{ "accepting of tcp", accept_tcp },
	{ "writing to a pipe", write_pipe },
	{ "writing to a socket", write_socket },
	{ "writing to a counter", write_counter },
	{ "opening a FIFO", open_fifo },
	{ "receiving a parcel", receive_parcel },
	{ "accepting of local:", accept_parcel },
	{ "sending a parcel", send_parcel },
	{ "connecting", connect },
	{ "locking for the process", lock_range },
	{ "locking for the stream", lock_stream },
	{ "locking the whole", lock_whole },
};

/* ---- how they end ---- */

static const struct call *call;
static volatile bool go, begun;

static void makes_the_call(u64 parameter)
{
	s64 left;

	/* Without a call: the first that might wait is the one. */
	while (!go)
		;
	begun = true;
	ends_result = call->make();
	ends_next = DkThreadDelayExecution(1, &left);
}

/* The other thread is in its call. */
static void expect_asleep(void)
{
	s64 answer = -1;

	while (!begun)
		DkThreadYieldExecution();
	dkt_ask("@asleep\n", &answer, sizeof(answer));
	if (answer)
		dkt_fail("%s: it does not wait", call->what);
}

static void ends(enum how how, DK_STATUS wanted)
{
	DK_HANDLE thread;

	ends_begin();
	begun = false;
	go = how != ABORTED_BEFORE;
	thread = dkt_thread(makes_the_call, 0);
	if (how != ABORTED_BEFORE)
		expect_asleep();
	if (how == RAISED)
		EXPECT_OK(
			DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 0));
	else
		ends_abort();
	go = true;
	if (!dkt_wait(thread)) {
		dkt_fail("%s, %s: it does not end", call->what, ends_how[how]);
		DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 0);
		dkt_wait(thread);
	}
	ends_check(call->what, how, wanted);
	DkObjectClose(thread);
}

static void all_end(enum how how, DK_STATUS wanted)
{
	struct dkt_counts before, now;

	make_world();
	dkt_exception = ends_note;
	dkt_counts(&before);
	for (call = calls; call < calls + ARRAY_SIZE(calls); call++)
		ends(how, wanted);
	dkt_counts(&now);
	EXPECT_EQ(now.handles, before.handles);
	EXPECT_EQ(now.objects, before.objects);
}

/*
 * Every handle of the world is another one for the time of a call, and closed
 * during it; its number may then be a new object's.
 */
static void closed_during(void)
{
	struct world kept = w;
	DK_HANDLE *all = (DK_HANDLE *)&w, fresh[HANDLES], thread;
	u64 index;
	size_t i;

	for (i = 0; i < HANDLES; i++) {
		if (all[i])
			EXPECT_OK(DkObjectReference(all[i], 0, &all[i]));
	}
	ends_begin();
	begun = false;
	go = true;
	thread = dkt_thread(makes_the_call, 0);
	expect_asleep();
	for (i = 0; i < HANDLES; i++) {
		if (all[i])
			EXPECT_OK(DkObjectClose(all[i]));
		EXPECT_OK(DkSynchronizationEventCreate(1, &fresh[i]));
	}
	/* It waits for what it began to wait for. */
	expect_asleep();
	EXPECT_EQ(ends_result, 1);
	EXPECT_OK(DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 0));
	if (!dkt_wait(thread))
		dkt_fail("%s, closed: it does not end", call->what);
	ends_check(call->what, RAISED, DK_STATUS_INTERRUPTED);
	/* And nothing has become of the others. */
	for (i = 0; i < HANDLES; i++) {
		EXPECT_OK(DkObjectsWaitAny(1, &fresh[i], 0, &index));
		EXPECT_OK(DkObjectClose(fresh[i]));
	}
	EXPECT_OK(DkObjectClose(thread));
	w = kept;
}

TEST(closed_meanwhile)
{
	struct dkt_counts before, now;

	make_world();
	dkt_exception = ends_note;
	dkt_counts(&before);
	for (call = calls; call < calls + ARRAY_SIZE(calls); call++)
		closed_during();
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
	DK_HANDLE event;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	ASSERT_OK(DkAbortEventRegister(event));
	all_end(ABORTED, DK_STATUS_ABORTED);
}

TEST(requests_just_before)
{
	all_end(ABORTED_BEFORE, DK_STATUS_ABORTED);
}

/* Of a process with a thread in the call, and with one that has just begun. */
TEST(the_end_of_the_process)
{
	DK_HANDLE child;
	s64 code, left;
	u64 id;

	make_world();
	for (call = calls; call < calls + ARRAY_SIZE(calls); call++) {
		for (s64 ms = 0; ms < 4; ms += 3) {
			ASSERT_OK(DkxProcessClone(0, &child, &id));
			if (!child) {
				go = true;
				begun = false;
				dkt_thread(makes_the_call, 0);
				while (!begun)
					DkThreadYieldExecution();
				DkThreadDelayExecution(ms * MSEC, &left);
				DkProcessExit(70 + ms);
			}
			if (!dkt_wait(child))
				dkt_fail("%s: the process does not end",
					 call->what);
			code = POISON;
			EXPECT_OK(DkProcessGetExitCode(child, &code));
			EXPECT_EQ(code, 70 + ms);
			DkObjectClose(child);
		}
	}
}
