// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles that are closed while others use them. One thread makes a call on a
 * handle again and again; another closes that handle and has a new object, of
 * each kind in turn, take its place, and only then tells of the new handle. Each
 * status must be one that the call gives on an object of the kind that the handle
 * was of, when nobody closes it; or INVALID_HANDLE. What it may never be is what
 * the object says that has the place now.
 *
 * Every call that takes a handle has part in it, with the arguments of
 * dk_bad_rows.h, which let none of them wait.
 */
#include "connection.h"
#include "dk_bad_rows.h"
#include "rounds.h"

/* ---- kinds of objects ---- */

static DK_HANDLE ended_process;

static DK_HANDLE new_event(void)
{
	DK_HANDLE h = 0;

	EXPECT_OK(DkNotificationEventCreate(1, &h));
	return h;
}

static DK_HANDLE new_synchronization_event(void)
{
	DK_HANDLE h = 0;

	EXPECT_OK(DkSynchronizationEventCreate(1, &h));
	return h;
}

static DK_HANDLE new_semaphore(void)
{
	DK_HANDLE h = 0;

	EXPECT_OK(DkSemaphoreCreate(1, 1000000, &h));
	return h;
}

/* A handle of its own; it would be too slow to make one each time. */
static DK_HANDLE new_thread(void)
{
	DK_HANDLE h = 0;

	EXPECT_OK(DkObjectReference(w.ended, 0, &h));
	return h;
}

static DK_HANDLE new_process(void)
{
	DK_HANDLE h = 0;

	EXPECT_OK(DkObjectReference(ended_process, 0, &h));
	return h;
}

static DK_HANDLE new_file(void)
{
	return dkt_open(w.uri, RW, DK_OPEN_EXISTING, 0);
}

static DK_HANDLE new_folder(void)
{
	return dkt_open(w.dir, R, DK_OPEN_EXISTING, DK_OPTION_DIRECTORY);
}

/* One end; the other is closed, and so this one never waits. */
static DK_HANDLE new_end(u64 flags, bool writer)
{
	DK_HANDLE h[2] = { 0 };

	EXPECT_OK(DkxPipeCreate(flags | DK_PIPE_NONBLOCK_READ |
					DK_PIPE_NONBLOCK_WRITE,
				&h[0], &h[1]));
	EXPECT_OK(DkObjectClose(h[!writer]));
	return h[writer];
}

static DK_HANDLE new_reader(void)
{
	return new_end(0, false);
}

static DK_HANDLE new_writer(void)
{
	return new_end(0, true);
}

static DK_HANDLE new_duplex(void)
{
	return new_end(DK_PIPE_DUPLEX, false);
}

static DK_HANDLE new_local(void)
{
	return new_end(DK_PIPE_LOCAL_STREAM, false);
}

static DK_HANDLE new_counter(void)
{
	return dkt_open("counter:all", RW, DK_OPEN_CREATE_NEW, NONBLOCK);
}

static DK_HANDLE new_server(void)
{
	return serve("pipe.server:close", NONBLOCK);
}

static DK_HANDLE new_stream_event(void)
{
	DK_HANDLE h = 0;

	EXPECT_OK(DkStreamGetEvent(w.in, DK_STREAM_READABLE, &h));
	return h;
}

static DK_HANDLE new_null(void)
{
	return dkt_open("null:", RW, DK_OPEN_EXISTING, 0);
}

static DK_HANDLE (*const new_of[])(void) = {
	new_event,     new_synchronization_event,
	new_semaphore, new_thread,
	new_process,   new_file,
	new_folder,    new_reader,
	new_writer,    new_duplex,
	new_local,     new_counter,
	new_server,    new_stream_event,
	new_null,
};

#define KINDS	ARRAY_SIZE(new_of)

/* ---- a call on a handle ---- */

static int handle_argument(const struct call *c)
{
	for (u32 i = 0; i < c->argc; i++)
		if (c->kinds[i] == DKT_HANDLE || c->kinds[i] == DKT_HANDLES)
			return i;
	return -1;
}

/* DkObjectClose has a test of its own. */
static bool takes_part(const struct call *c)
{
	return c->name && c->version && rows[c->index].good &&
	       c->index != DK_INDEX_DkObjectClose && handle_argument(c) >= 0;
}

static s64 call_on(const struct call *c, DK_HANDLE h)
{
	const struct row *row = &rows[c->index];
	int i = handle_argument(c);
	u64 a[6] = { 0 };
	s64 status;

	row->good(a);
	if (c->kinds[i] == DKT_HANDLES)
		*(u64 *)a[i] = h;
	else
		a[i] = h;
	/* Nothing comes to these events, so a wait may be for no time only. */
	if (c->index == DK_INDEX_DkObjectsWaitAny)
		a[2] = 0;
	/* That is what pipes and the like have. */
	if (c->index == DK_INDEX_DkStreamRead ||
	    c->index == DK_INDEX_DkStreamWrite)
		a[1] = CURRENT;
	status = make_call(c, a);
	if (row->after && (!status || row->always))
		row->after(a);
	return status;
}

/* ---- calls without a row: parcels ---- */

static s64 move(bool send, DK_HANDLE through, DK_HANDLE *attached)
{
	struct dk_buffer buffer = { (u64)BUFFER, 1 };
	struct dk_parcel p = { .buffers = (u64)&buffer,
			       .buffer_count = 1,
			       .handles = (u64)attached,
			       .handle_count = attached ? 1 : 0,
			       .flags = DK_PARCEL_NONBLOCK };

	return send ? DkxParcelSend(through, &p, sizeof(p)) :
		      DkxParcelReceive(through, &p, sizeof(p));
}

static s64 send_through(DK_HANDLE h)
{
	return move(true, h, NULL);
}

static s64 receive_through(DK_HANDLE h)
{
	return move(false, h, NULL);
}

/* What has been sent arrives, whatever becomes of the sender's handle. */
static s64 send_itself(DK_HANDLE h)
{
	static DK_HANDLE out, in;
	DK_HANDLE arrived = 0;
	s64 status;

	if (!out)
		EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_PACKET, &in, &out));
	status = move(true, out, &h);
	if (!status) {
		EXPECT_OK(move(false, in, &arrived));
		EXPECT_OK(DkObjectClose(arrived));
	}
	return status;
}

/* What is raced: a call of the table, or one of these. */
struct subject {
	const char *name;
	const struct call *call;
	s64 (*make)(DK_HANDLE h);
};

static s64 use(const struct subject *s, DK_HANDLE h)
{
	return s->call ? call_on(s->call, h) : s->make(h);
}

/* What it gives on an object of a kind, and what when that has been used. */
static u64 statuses_of(const struct subject *s, int kind)
{
	DK_HANDLE h = new_of[kind]();
	u64 set = 0;

	for (int i = 0; i < 3; i++)
		set |= dkt_status_bit(use(s, h));
	EXPECT_OK(DkObjectClose(h));
	EXPECT_STATUS(use(s, h), INVALID_HANDLE);
	return set;
}

/* ---- the race ---- */

#define ROUNDS_MAX 600

/* Handles in their order, with what is allowed of each: written once. */
static struct place {
	DK_HANDLE handle;
	int kind;
	u64 allowed;
} places[ROUNDS_MAX + 1];

static const struct subject *raced;
static volatile u64 now_at; /* the place that is told of */
static volatile u64 calls_made;
static volatile bool done;
static u64 good_ones, late_ones;

static void caller_of_close(u64 parameter)
{
	while (!done) {
		const struct place *p =
			&places[__atomic_load_n(&now_at, __ATOMIC_ACQUIRE)];
		s64 status = use(raced, p->handle);

		if (status == DK_STATUS_INVALID_HANDLE)
			late_ones++;
		else if (p->allowed & dkt_status_bit(status))
			good_ones++;
		else
			dkt_fail("%s on a handle of kind %d: %s", raced->name,
				 p->kind, dkt_status(status));
		calls_made++;
		/* Where there is one processor, it is the other one's turn. */
		if (calls_made % 16 == 0)
			DkThreadYieldExecution();
	}
}

static void wait_until_calls_are(u64 count)
{
	for (u32 i = 0; calls_made < count; i++)
		if (i % 256 == 255)
			DkThreadYieldExecution();
}

/* The other thread has made so many more, and is in another. */
static void wait_for_calls(u64 count)
{
	wait_until_calls_are(calls_made + count);
}

/* ---- places in the handle table ---- */

/*
 * Free ones are used again in their order. With as few of them as possible the
 * place that a handle had is soon a new one's.
 */
static void fill_places(void)
{
	DK_HANDLE h = 0;

	/* One that was never used has no generation yet. */
	do
		ASSERT_OK(DkObjectReference(w.event, 0, &h));
	while (h >> 32);
}

static DK_HANDLE extra[64];
static u64 extras;

/* Has @fresh, or another handle of the same object, in the place of @old. */
static bool take_place(DK_HANDLE fresh, DK_HANDLE old)
{
	bool taken = (u32)fresh == (u32)old;

	while (!taken && extras < ARRAY_SIZE(extra)) {
		EXPECT_OK(DkObjectReference(fresh, 0, &extra[extras]));
		taken = (u32)extra[extras++] == (u32)old;
	}
	return taken;
}

static void close_extras(void)
{
	while (extras)
		EXPECT_OK(DkObjectClose(extra[--extras]));
}

/* Returns how often a new object got the place of the one before. */
static u64 race(const struct subject *s)
{
	u64 allowed[KINDS], same = 0, count = rounds(ROUNDS_MAX);
	DK_HANDLE thread, h;

	for (u64 k = 0; k < KINDS; k++)
		allowed[k] = statuses_of(s, k);
	raced = s;
	done = false;
	now_at = calls_made = good_ones = late_ones = 0;
	places[0] = (struct place){ new_of[0](), 0, allowed[0] };
	thread = dkt_thread(caller_of_close, 0);
	for (u64 i = 1; i < count; i++) {
		int kind = i % KINDS;

		wait_for_calls(i % 3);
		/* Sooner or later within the call. */
		for (volatile u64 k = 0; k < i * 7 % 512; k++)
			;
		h = places[i - 1].handle;
		EXPECT_OK(DkObjectClose(h));
		places[i] =
			(struct place){ new_of[kind](), kind, allowed[kind] };
		same += take_place(places[i].handle, h);
		wait_for_calls(i / 3 % 2);
		__atomic_store_n(&now_at, i, __ATOMIC_RELEASE);
		close_extras();
	}
	done = true;
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_OK(DkObjectClose(thread));
	EXPECT_OK(DkObjectClose(places[count - 1].handle));
	/* It was used while it was there, and after it had been closed. */
	EXPECT_GE(good_ones, 1);
	EXPECT_GE(late_ones, 1);
	/* Where all is slow, others' handles come in between. */
	EXPECT_GE(same, 1);
	return same;
}

static void make_more_of_the_world(void)
{
	u64 id;

	make_world();
	if (ended_process)
		return;
	ASSERT_OK(DkxProcessClone(0, &ended_process, &id));
	if (!ended_process)
		DkProcessExit(0);
	EXPECT_TRUE(dkt_wait(ended_process));
	fill_places();
}

static void race_and_count(const struct subject *s)
{
	struct dkt_counts before, after;
	DK_HANDLE event;
	u64 same;

	dkt_counts(&before);
	same = race(s);
	/* The host keeps an event that is registered. */
	if (s->call && s->call->index == DK_INDEX_DkAbortEventRegister) {
		event = new_event();
		EXPECT_OK(DkAbortEventRegister(event));
		EXPECT_OK(DkObjectClose(event));
		before.objects++;
	}
	settled_counts(&after, &before);
	if (after.handles != before.handles || after.objects > before.objects)
		dkt_fail("%s: %ld handles and %ld objects left", s->name,
			 (long)(after.handles - before.handles),
			 (long)(after.objects - before.objects));
	dkt_print("# %s: %lu calls, %lu late, %lu times the same place\n",
		  s->name, (unsigned long)calls_made, (unsigned long)late_ones,
		  (unsigned long)same);
}

static void race_class(u32 class)
{
	make_more_of_the_world();
	for (u32 i = class << DK_CLASS_SHIFT; i < (class + 1) << DK_CLASS_SHIFT;
	     i++) {
		const struct call *c = &call_table[i];

		if (takes_part(c))
			race_and_count(&(struct subject){ c->name, c, NULL });
	}
}

TEST(threads)
{
	race_class(DK_CLASS_THREAD);
}

TEST(synchronisation)
{
	race_class(DK_CLASS_SYNC);
}

TEST(processes)
{
	race_class(DK_CLASS_PROCESS);
}

TEST(streams)
{
	race_class(DK_CLASS_STREAM);
}

TEST(others)
{
	race_class(DK_CLASS_OTHER);
}

TEST(extensions)
{
	race_class(DK_CLASS_EXTENSION);
}

TEST(parcels)
{
	static const struct subject subjects[] = {
		{ "sending through it", NULL, send_through },
		{ "receiving through it", NULL, receive_through },
		{ "sending it", NULL, send_itself },
	};

	make_more_of_the_world();
	/* The pair is made that it goes through. */
	send_itself(w.event);
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		race_and_count(&subjects[i]);
}

/* ---- closing itself ---- */

static volatile s64 other_status;
static u64 closed_by_other;

static void closes_too(u64 parameter)
{
	u64 last = 0, at;

	while (!done) {
		at = __atomic_load_n(&now_at, __ATOMIC_ACQUIRE);
		if (at == last) {
			DkThreadYieldExecution();
			continue;
		}
		last = at;
		other_status = DkObjectClose(places[at].handle);
		closed_by_other += !other_status;
		calls_made++;
	}
}

/* Each handle is closed once, and not what has its place when one comes late. */
TEST(two_that_close)
{
	u64 same = 0, count = rounds(ROUNDS_MAX);
	struct dkt_counts before;
	DK_HANDLE thread, h;
	s64 status;

	make_more_of_the_world();
	dkt_counts(&before);
	done = false;
	now_at = calls_made = closed_by_other = 0;
	thread = dkt_thread(closes_too, 0);
	places[1].handle = new_of[1]();
	for (u64 i = 1; i < count; i++) {
		h = places[i].handle;
		__atomic_store_n(&now_at, i, __ATOMIC_RELEASE);
		/* Now and then the other one is first. */
		if (i % 4 == 0)
			wait_until_calls_are(i);
		for (volatile u64 k = 0; k < i * 7 % 256; k++)
			;
		status = DkObjectClose(h);
		places[i + 1].handle = new_of[(i + 1) % KINDS]();
		same += take_place(places[i + 1].handle, h);
		wait_until_calls_are(i);
		if ((status && other_status) || (!status && !other_status))
			dkt_fail("closing %lu: %s, and %s", (unsigned long)i,
				 dkt_status(status), dkt_status(other_status));
		close_extras();
	}
	done = true;
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_OK(DkObjectClose(thread));
	EXPECT_OK(DkObjectClose(places[count].handle));
	EXPECT_GE(closed_by_other, 1);
	EXPECT_GE(same, 1);
	expect_counts(&before);
	dkt_print("# %lu rounds, %lu closed by the other one\n",
		  (unsigned long)count, (unsigned long)closed_by_other);
}
