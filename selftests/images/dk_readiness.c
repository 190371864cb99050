// SPDX-License-Identifier: GPL-2.0-only
/* DkStreamGetEvent: events that follow streams. */
#include "dktest.h"

#define RW	(DK_ACCESS_READ | DK_ACCESS_WRITE)
#define CURRENT	DK_OFFSET_CURRENT
#define READABLE DK_STREAM_READABLE
#define WRITABLE DK_STREAM_WRITABLE
#define CLOSED	DK_STREAM_CLOSED
#define EDGES	DK_STREAM_EDGES

static DK_HANDLE event_of(DK_HANDLE stream, u64 condition)
{
	DK_HANDLE event = POISON;

	EXPECT_OK(DkStreamGetEvent(stream, condition, &event));
	return event;
}

static u64 peek(DK_HANDLE event)
{
	u64 signalled = POISON;

	EXPECT_OK(DkEventPeek(event, &signalled));
	return signalled;
}

/* 1: a wait of no time would return for it. */
static u64 poll(DK_HANDLE event)
{
	u64 index = POISON;
	s64 status = DkObjectsWaitAny(1, &event, 0, &index);

	if (status && status != DK_STATUS_TIMEOUT)
		dkt_fail("poll: %s", dkt_status(status));
	return !status;
}

static void put(DK_HANDLE h, u64 length)
{
	static u8 bytes[65536];
	u64 done = 0;

	EXPECT_OK(DkStreamWrite(h, CURRENT, bytes, length, &done));
	EXPECT_EQ(done, length);
}

static u64 get(DK_HANDLE h, u64 length)
{
	static u8 bytes[65536];
	u64 done = 0;

	EXPECT_OK(DkStreamRead(h, CURRENT, bytes, length, &done));
	return done;
}

static void closes(DK_HANDLE h)
{
	EXPECT_OK(DkObjectClose(h));
}

TEST(a_pipe_is_followed)
{
	DK_HANDLE r = 0, w = 0, in, out, gone, broken;

	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	in = event_of(r, READABLE);
	out = event_of(w, WRITABLE);
	gone = event_of(r, CLOSED);
	broken = event_of(w, CLOSED);
	EXPECT_EQ(peek(in), 0);
	EXPECT_EQ(peek(out), 1);
	put(w, 10);
	EXPECT_EQ(poll(in), 1);
	/* A look consumes nothing, and less is still something. */
	EXPECT_EQ(peek(in), 1);
	EXPECT_EQ(get(r, 4), 4);
	EXPECT_EQ(poll(in), 1);
	EXPECT_EQ(get(r, 10), 6);
	EXPECT_EQ(poll(in), 0);
	EXPECT_EQ(peek(in), 0);
	/* Full, and no longer. */
	put(w, 65536);
	EXPECT_EQ(peek(out), 0);
	EXPECT_EQ(poll(out), 0);
	EXPECT_EQ(get(r, 4096), 4096);
	EXPECT_EQ(poll(out), 1);
	EXPECT_EQ(peek(gone), 0);
	EXPECT_EQ(peek(broken), 0);
	closes(w);
	EXPECT_EQ(peek(gone), 1);
	EXPECT_EQ(peek(in), 1);
	while (get(r, 65536))
		;
	/* The end can be read for ever. */
	EXPECT_EQ(poll(in), 1);
	closes(r);
	closes(in);
	closes(gone);
	closes(broken);
	closes(out);
	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	broken = event_of(w, CLOSED);
	out = event_of(w, WRITABLE);
	put(w, 65536);
	EXPECT_EQ(peek(out), 0);
	closes(r);
	EXPECT_EQ(peek(broken), 1);
	/* Writing fails, but does not wait. */
	EXPECT_EQ(peek(out), 1);
	closes(w);
	closes(broken);
	closes(out);
}

TEST(rights_and_refusals)
{
	DK_HANDLE r = 0, w = 0, e, weak, h = POISON, null, file;

	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	e = event_of(r, READABLE);
	EXPECT_STATUS(DkEventSet(e), ACCESS_DENIED);
	EXPECT_STATUS(DkEventClear(e), ACCESS_DENIED);
	EXPECT_OK(DkObjectReference(e, DK_RIGHT_WAIT, &weak));
	EXPECT_EQ(poll(weak), 0);
	put(w, 1);
	EXPECT_EQ(poll(weak), 1);
	EXPECT_EQ(poll(e), 1);
	closes(weak);
	closes(e);
	EXPECT_STATUS(DkStreamGetEvent(r, 0, &h), INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamGetEvent(r, EDGES, &h), INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamGetEvent(r, READABLE | 0x20, &h),
		      INVALID_PARAMETER);
	null = dkt_open("null:", RW, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(DkStreamGetEvent(null, READABLE, &h), NOT_SUPPORTED);
	file = dkt_open("file:/etc", DK_ACCESS_READ, DK_OPEN_EXISTING,
			DK_OPTION_DIRECTORY);
	EXPECT_STATUS(DkStreamGetEvent(file, READABLE, &h), NOT_SUPPORTED);
	EXPECT_EQ(h, POISON);
	closes(file);
	closes(null);
	closes(r);
	EXPECT_STATUS(DkStreamGetEvent(r, READABLE, &h), INVALID_HANDLE);
	closes(w);
}

TEST(events_and_streams_go_in_any_order)
{
	struct dkt_counts before, after;
	DK_HANDLE r, w, e[4], second = 0;

	dkt_counts(&before);
	for (int order = 0; order < 4; order++) {
		EXPECT_OK(DkxPipeCreate(0, &r, &w));
		for (int i = 0; i < 4; i++)
			e[i] = event_of(r, READABLE);
		closes(e[1]);
		if (order & 1) {
			/* Watched as it is, the writer is gone for the reader. */
			DK_HANDLE watch = event_of(w, WRITABLE);

			closes(w);
			EXPECT_EQ(get(r, 8), 0);
			closes(watch);
		}
		EXPECT_OK(DkObjectReference(r, 0, &second));
		closes(r);
		EXPECT_EQ(peek(e[0]), order & 1);
		closes(second);
		/* Of nothing: signalled for good. */
		EXPECT_EQ(peek(e[0]), 1);
		EXPECT_EQ(poll(e[2]), 1);
		EXPECT_EQ(poll(e[2]), 1);
		closes(e[0]);
		closes(e[2]);
		closes(e[3]);
		if (!(order & 1))
			closes(w);
	}
	dkt_counts(&after);
	EXPECT_EQ(after.objects, before.objects);
	EXPECT_EQ(after.handles, before.handles);
}

/* ---- waiting ---- */

static volatile s64 waiter_status;
static volatile u64 waiter_index;
static DK_HANDLE waited[3];
static u64 waited_count;
static s64 waiter_timeout;

static void waits(u64 parameter)
{
	u64 index = POISON;

	waiter_status =
		DkObjectsWaitAny(waited_count, waited, waiter_timeout, &index);
	waiter_index = index;
}

static DK_HANDLE start_waiter(u64 count, s64 timeout)
{
	DK_HANDLE t;
	s64 left;

	waited_count = count;
	waiter_timeout = timeout;
	waiter_status = 1;
	t = dkt_thread(waits, 0);
	DkThreadDelayExecution(30 * MSEC, &left);
	EXPECT_EQ(waiter_status, 1);
	return t;
}

static void expect_waiter(DK_HANDLE t, u64 index)
{
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(waiter_status, 0);
	EXPECT_EQ(waiter_index, index);
	closes(t);
}

TEST(a_sleeper_is_woken)
{
	DK_HANDLE r = 0, w = 0, plain = 0, t;

	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	EXPECT_OK(DkNotificationEventCreate(0, &plain));
	waited[0] = plain;
	waited[1] = event_of(r, READABLE);
	waited[2] = event_of(w, CLOSED);
	t = start_waiter(3, DK_TIMEOUT_INFINITE);
	put(w, 1);
	expect_waiter(t, 1);
	EXPECT_EQ(get(r, 8), 1);
	t = start_waiter(3, 30 * SEC);
	EXPECT_OK(DkEventSet(plain));
	expect_waiter(t, 0);
	EXPECT_OK(DkEventClear(plain));
	t = start_waiter(3, 30 * SEC);
	closes(r);
	/* Its event is set for good; index 1 is before 2. */
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_TRUE(waiter_index == 1 || waiter_index == 2);
	EXPECT_EQ(waiter_status, 0);
	closes(t);
	closes(w);
	for (int i = 0; i < 3; i++)
		closes(waited[i]);
}

TEST(time_outs)
{
	DK_HANDLE r = 0, w = 0, e;
	s64 start = dkt_now();
	u64 index = POISON;

	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	e = event_of(r, READABLE);
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 20 * MSEC, &index), TIMEOUT);
	EXPECT_TRUE(dkt_now() - start >= 20 * MSEC);
	EXPECT_EQ(index, POISON);
	closes(e);
	closes(r);
	closes(w);
}

TEST(connections_are_followed)
{
	DK_HANDLE server, in, client, here, t;
	struct dk_accepted a;
	struct dk_address at = { 0 };
	char uri[64];
	u32 how = DK_SHUTDOWN_WRITE;
	u64 done;

	for (int tcp = 0; tcp < 2; tcp++) {
		server = dkt_open(tcp ? "tcp.server:127.0.0.1:0" :
					"pipe.server:ready",
				  DK_ACCESS_READ, DK_OPEN_CREATE_NEW,
				  DK_OPTION_NONBLOCK);
		EXPECT_OK(tcp ? DkxStreamControl(server,
						 DK_CONTROL_LOCAL_ADDRESS, &at,
						 sizeof(at)) :
				0);
		dkt_snprintf(uri, sizeof(uri), "tcp.client:127.0.0.1:%u",
			     at.port);
		in = event_of(server, READABLE);
		EXPECT_EQ(peek(in), 0);
		waited[0] = in;
		t = start_waiter(1, 30 * SEC);
		client = dkt_open(tcp ? uri : "pipe.client:ready", RW,
				  DK_OPEN_EXISTING, 0);
		expect_waiter(t, 0);
		EXPECT_OK(DkStreamRead(server, CURRENT, &a, sizeof(a), &done));
		EXPECT_EQ(peek(in), 0);
		closes(in);
		here = a.stream;
		in = event_of(here, READABLE);
		EXPECT_EQ(peek(in), 0);
		waited[0] = in;
		t = start_waiter(1, 30 * SEC);
		put(client, 5);
		expect_waiter(t, 0);
		EXPECT_EQ(get(here, 8), 5);
		EXPECT_EQ(poll(in), 0);
		/* Half-close. */
		waited[0] = event_of(here, CLOSED);
		t = start_waiter(1, 30 * SEC);
		EXPECT_OK(
			DkxStreamControl(client, DK_CONTROL_SHUTDOWN, &how, 4));
		expect_waiter(t, 0);
		EXPECT_EQ(peek(in), 1);
		closes(waited[0]);
		closes(in);
		closes(here);
		closes(client);
		closes(server);
	}
}

TEST(a_server_that_goes)
{
	DK_HANDLE server = dkt_open("pipe.server:goes", DK_ACCESS_READ,
				    DK_OPEN_CREATE_NEW, 0),
		  t;

	waited[0] = event_of(server, READABLE);
	t = start_waiter(1, 30 * SEC);
	closes(server);
	expect_waiter(t, 0);
	EXPECT_EQ(peek(waited[0]), 1);
	closes(waited[0]);
}

TEST(a_connect_that_takes_its_time)
{
	DK_HANDLE server, client = 0, out;
	struct dk_address at = { 0 };
	char uri[64];
	u64 index;
	s64 error = 1;

	server = dkt_open("tcp.server:127.0.0.1:0", DK_ACCESS_READ,
			  DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(DkxStreamControl(server, DK_CONTROL_LOCAL_ADDRESS, &at,
				   sizeof(at)));
	dkt_snprintf(uri, sizeof(uri), "tcp.client:127.0.0.1:%u", at.port);
	client = dkt_open(uri, RW, DK_OPEN_EXISTING, DK_OPTION_NONBLOCK);
	out = event_of(client, WRITABLE);
	EXPECT_OK(DkObjectsWaitAny(1, &out, 30 * SEC, &index));
	EXPECT_OK(DkxStreamControl(client, DK_CONTROL_ERROR, &error, 8));
	EXPECT_EQ(error, 0);
	closes(out);
	closes(client);
	closes(server);
	client = dkt_open(uri, RW, DK_OPEN_EXISTING, DK_OPTION_NONBLOCK);
	out = event_of(client, WRITABLE);
	EXPECT_OK(DkObjectsWaitAny(1, &out, 30 * SEC, &index));
	EXPECT_OK(DkxStreamControl(client, DK_CONTROL_ERROR, &error, 8));
	EXPECT_EQ(error, DK_STATUS_CONNECTION_REFUSED);
	closes(out);
	closes(client);
}

TEST(consoles_are_followed)
{
	DK_HANDLE in = dkt_open("stdin:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0),
		  out = dkt_open("stdout:", DK_ACCESS_WRITE, DK_OPEN_EXISTING,
				 0),
		  e, o;
	u64 index = POISON;
	struct dkt_counts counts;

	e = event_of(in, READABLE);
	o = event_of(out, WRITABLE);
	EXPECT_EQ(peek(e), 0);
	EXPECT_OK(DkObjectsWaitAny(1, &o, 30 * SEC, &index));
	/* The other side of the pipe is another program. */
	dkt_print("@counts\n");
	EXPECT_OK(DkObjectsWaitAny(1, &e, 30 * SEC, &index));
	EXPECT_EQ(get(in, sizeof(counts)), sizeof(counts));
	EXPECT_EQ(peek(e), 0);
	closes(e);
	closes(o);
	closes(in);
	closes(out);
}

TEST(edges)
{
	DK_HANDLE r = 0, w = 0, e, late;

	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	e = event_of(r, READABLE | EDGES);
	EXPECT_EQ(poll(e), 0);
	put(w, 1);
	EXPECT_EQ(poll(e), 1);
	EXPECT_EQ(poll(e), 0);
	/* More has come, though there was something all the time. */
	put(w, 1);
	EXPECT_EQ(poll(e), 1);
	EXPECT_EQ(poll(e), 0);
	EXPECT_EQ(get(r, 8), 2);
	EXPECT_EQ(poll(e), 0);
	put(w, 1);
	late = event_of(r, READABLE | EDGES);
	EXPECT_EQ(poll(late), 1);
	EXPECT_EQ(poll(late), 0);
	EXPECT_EQ(poll(e), 1);
	closes(w);
	EXPECT_EQ(poll(e), 1);
	EXPECT_EQ(poll(e), 0);
	closes(r);
	EXPECT_EQ(poll(e), 1);
	closes(e);
	closes(late);
}

/* ---- several readers ---- */

static DK_HANDLE ping_r, ping_w;

/* Several readers, one byte at a time: some wake for nothing, none for ever. */
static volatile u64 taken;
static volatile bool stop;

static void eater(u64 parameter)
{
	DK_HANDLE e = event_of(ping_r, READABLE);
	u64 index, done;
	char b;

	while (!stop) {
		s64 status = DkObjectsWaitAny(1, &e, 100 * MSEC, &index);

		if (status == DK_STATUS_TIMEOUT)
			continue;
		if (status)
			dkt_fail("eater: %s", dkt_status(status));
		status = DkStreamRead(ping_r, CURRENT, &b, 1, &done);
		if (!status && done)
			__atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
		else if (status && status != DK_STATUS_WOULD_BLOCK)
			dkt_fail("eater: %s", dkt_status(status));
	}
	DkObjectClose(e);
}

TEST(several_readers)
{
	DK_HANDLE t[3];
	s64 end, left;
	u64 n;

	EXPECT_OK(DkxPipeCreate(DK_PIPE_NONBLOCK_READ, &ping_r, &ping_w));
	stop = false;
	taken = 0;
	for (int i = 0; i < 3; i++)
		t[i] = dkt_thread(eater, 0);
	for (n = 0; n < 5000; n++)
		put(ping_w, 1);
	end = dkt_now() + 30 * SEC;
	while (taken < n && dkt_now() < end)
		DkThreadDelayExecution(MSEC, &left);
	EXPECT_EQ(taken, n);
	stop = true;
	for (int i = 0; i < 3; i++) {
		EXPECT_TRUE(dkt_wait(t[i]));
		closes(t[i]);
	}
	closes(ping_r);
	closes(ping_w);
}

/* ---- races ---- */

static volatile DK_HANDLE race_stream, race_event;

static void race_gets(u64 parameter)
{
	DK_HANDLE e;

	while (!stop) {
		s64 status = DkStreamGetEvent(race_stream, READABLE, &e);

		if (!status) {
			race_event = e;
			DkObjectClose(e);
		} else if (status != DK_STATUS_INVALID_HANDLE &&
			   status != DK_STATUS_WRONG_TYPE) {
			dkt_fail("get: %s", dkt_status(status));
		}
	}
}

static void race_waits(u64 parameter)
{
	DK_HANDLE e;
	u64 index;

	while (!stop) {
		s64 status;

		e = race_event;
		status = DkObjectsWaitAny(1, &e, MSEC, &index);
		if (status && status != DK_STATUS_INVALID_HANDLE &&
		    status != DK_STATUS_ACCESS_DENIED &&
		    status != DK_STATUS_TIMEOUT)
			dkt_fail("wait: %s", dkt_status(status));
	}
}

TEST(closing_while_others_watch)
{
	DK_HANDLE t[3], r, w, e;
	s64 end = dkt_now() + SEC;
	u64 n = 0;

	stop = false;
	race_stream = race_event = 0;
	t[0] = dkt_thread(race_gets, 0);
	t[1] = dkt_thread(race_waits, 0);
	t[2] = dkt_thread(race_gets, 0);
	while (dkt_now() < end) {
		ASSERT_OK(DkxPipeCreate(n & 4 ? DK_PIPE_DUPLEX : 0, &r, &w));
		race_stream = r;
		e = event_of(r, READABLE);
		race_event = e;
		DkThreadYieldExecution();
		put(w, 1);
		if (n & 1)
			closes(e);
		closes(r);
		closes(w);
		if (!(n & 1))
			closes(e);
		n++;
	}
	stop = true;
	for (int i = 0; i < 3; i++) {
		EXPECT_TRUE(dkt_wait(t[i]));
		closes(t[i]);
	}
	EXPECT_GE(n, 10);
}

/* The process ends with waiters and watched streams: the outer side looks. */
/* ---- an event and its stream that go at the same moment ---- */

#define ROUNDS 3000

static volatile u32 round_of[2];
static volatile DK_HANDLE goes_too;

/* Whoever comes last lets both go. */
static void meet(int who, u32 round)
{
	__atomic_store_n(&round_of[who], round, __ATOMIC_SEQ_CST);
	for (u32 i = 0;
	     __atomic_load_n(&round_of[!who], __ATOMIC_SEQ_CST) < round; i++)
		if (i % 4096 == 4095)
			DkThreadYieldExecution();
}

static void closes_events(u64 parameter)
{
	for (u32 round = 1; round <= ROUNDS; round++) {
		meet(1, 2 * round - 1);
		/* A little sooner or later each time. */
		for (volatile u32 i = 0; i < round % 64; i++)
			;
		DkObjectClose(goes_too);
		meet(1, 2 * round);
	}
}

/*
 * The event leaves the queues of what goes: a local: socket and a counter: have
 * theirs in their own memory, a pipe in the kernel's.
 */
TEST(an_event_and_its_stream_go_at_once)
{
	DK_HANDLE thread = dkt_thread(closes_events, 0), a, b;

	for (u32 round = 1; round <= ROUNDS; round++) {
		switch (round % 3) {
		case 0:
			EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_STREAM, &a, &b));
			break;
		case 1:
			EXPECT_OK(DkxPipeCreate(0, &a, &b));
			break;
		default:
			a = dkt_open("counter:all", RW, DK_OPEN_CREATE_NEW, 0);
			b = 0;
		}
		goes_too = event_of(a, READABLE);
		meet(0, 2 * round - 1);
		for (volatile u32 i = 0; i < round / 64 % 64; i++)
			;
		EXPECT_OK(DkObjectClose(a));
		meet(0, 2 * round);
		if (b)
			EXPECT_OK(DkObjectClose(b));
	}
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_OK(DkObjectClose(thread));
}

TEST(exit_ends_watching)
{
	DK_HANDLE r, w;

	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	waited[0] = event_of(r, READABLE);
	event_of(w, WRITABLE | EDGES);
	start_waiter(1, DK_TIMEOUT_INFINITE);
}
