// SPDX-License-Identifier: GPL-2.0-only
/* Events, semaphores and DkObjectsWaitAny. */
#include "dktest.h"

static s64 sleep_ms(s64 ms)
{
	s64 remaining;

	return DkThreadDelayExecution(ms * MSEC, &remaining);
}

TEST(notification_event)
{
	u64 signalled = POISON, index = POISON;
	DK_HANDLE e = 0;

	ASSERT_OK(DkNotificationEventCreate(0, &e));
	EXPECT_OK(DkEventPeek(e, &signalled));
	EXPECT_EQ(signalled, 0);
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 0, &index), TIMEOUT);
	EXPECT_EQ(index, POISON);
	EXPECT_OK(DkEventSet(e));
	EXPECT_OK(DkEventSet(e));
	EXPECT_OK(DkEventPeek(e, &signalled));
	EXPECT_EQ(signalled, 1);
	/* Stays set however often it is waited for. */
	for (int i = 0; i < 3; i++) {
		index = POISON;
		EXPECT_OK(DkObjectsWaitAny(1, &e, 0, &index));
		EXPECT_EQ(index, 0);
	}
	EXPECT_OK(DkEventClear(e));
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 0, &index), TIMEOUT);
	EXPECT_OK(DkObjectClose(e));
	ASSERT_OK(DkNotificationEventCreate(1, &e));
	EXPECT_OK(DkObjectsWaitAny(1, &e, DK_TIMEOUT_INFINITE, &index));
	EXPECT_OK(DkObjectClose(e));
}

TEST(synchronization_event)
{
	u64 signalled = POISON, index = POISON;
	DK_HANDLE e = 0;

	ASSERT_OK(DkSynchronizationEventCreate(1, &e));
	EXPECT_OK(DkEventPeek(e, &signalled));
	EXPECT_EQ(signalled, 1);
	/* Peek consumed nothing, the wait does. */
	EXPECT_OK(DkObjectsWaitAny(1, &e, 0, &index));
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 0, &index), TIMEOUT);
	EXPECT_OK(DkEventPeek(e, &signalled));
	EXPECT_EQ(signalled, 0);
	/* Two sets are one signal. */
	EXPECT_OK(DkEventSet(e));
	EXPECT_OK(DkEventSet(e));
	EXPECT_OK(DkObjectsWaitAny(1, &e, 0, &index));
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 0, &index), TIMEOUT);
	EXPECT_OK(DkEventSet(e));
	EXPECT_OK(DkEventClear(e));
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 0, &index), TIMEOUT);
	EXPECT_OK(DkObjectClose(e));
}

TEST(semaphore)
{
	u64 previous = POISON, count = POISON, index = POISON;
	DK_HANDLE s = 0;

	ASSERT_OK(DkSemaphoreCreate(1, 3, &s));
	EXPECT_OK(DkSemaphorePeek(s, &count));
	EXPECT_EQ(count, 1);
	EXPECT_OK(DkSemaphoreRelease(s, 2, &previous));
	EXPECT_EQ(previous, 1);
	previous = POISON;
	/* As a whole, or not at all. */
	EXPECT_STATUS(DkSemaphoreRelease(s, 1, &previous), LIMIT_EXCEEDED);
	EXPECT_EQ(previous, POISON);
	EXPECT_OK(DkSemaphorePeek(s, &count));
	EXPECT_EQ(count, 3);
	for (int i = 0; i < 3; i++)
		EXPECT_OK(DkObjectsWaitAny(1, &s, 0, &index));
	EXPECT_STATUS(DkObjectsWaitAny(1, &s, 0, &index), TIMEOUT);
	EXPECT_STATUS(DkSemaphoreRelease(s, 4, &previous), LIMIT_EXCEEDED);
	EXPECT_OK(DkSemaphorePeek(s, &count));
	EXPECT_EQ(count, 0);
	EXPECT_OK(DkObjectClose(s));
	/* Big numbers are numbers. */
	ASSERT_OK(DkSemaphoreCreate(5, ~0ULL >> 1, &s));
	EXPECT_OK(DkSemaphoreRelease(s, (~0ULL >> 1) - 5, &previous));
	EXPECT_STATUS(DkSemaphoreRelease(s, 1, &previous), LIMIT_EXCEEDED);
	EXPECT_STATUS(DkSemaphoreRelease(s, ~0ULL, &previous), LIMIT_EXCEEDED);
	EXPECT_OK(DkObjectClose(s));
}

TEST(lowest_index_wins_and_only_it_is_consumed)
{
	DK_HANDLE h[4];
	u64 index = POISON, value = POISON;

	ASSERT_OK(DkSynchronizationEventCreate(0, &h[0]));
	ASSERT_OK(DkSynchronizationEventCreate(1, &h[1]));
	ASSERT_OK(DkSemaphoreCreate(2, 2, &h[2]));
	ASSERT_OK(DkNotificationEventCreate(1, &h[3]));
	EXPECT_OK(DkObjectsWaitAny(4, h, 0, &index));
	EXPECT_EQ(index, 1);
	EXPECT_OK(DkSemaphorePeek(h[2], &value));
	EXPECT_EQ(value, 2);
	EXPECT_OK(DkObjectsWaitAny(4, h, 0, &index));
	EXPECT_EQ(index, 2);
	EXPECT_OK(DkObjectsWaitAny(4, h, 0, &index));
	EXPECT_EQ(index, 2);
	EXPECT_OK(DkObjectsWaitAny(4, h, 0, &index));
	EXPECT_EQ(index, 3);
	EXPECT_OK(DkEventSet(h[0]));
	EXPECT_OK(DkObjectsWaitAny(4, h, 0, &index));
	EXPECT_EQ(index, 0);
	EXPECT_OK(DkObjectsWaitAny(4, h, 0, &index));
	EXPECT_EQ(index, 3);
	for (int i = 0; i < 4; i++)
		EXPECT_OK(DkObjectClose(h[i]));
}

TEST(the_same_object_twice)
{
	DK_HANDLE e = 0, h[2];
	u64 index = POISON;

	ASSERT_OK(DkSynchronizationEventCreate(1, &e));
	h[0] = h[1] = e;
	EXPECT_OK(DkObjectsWaitAny(2, h, 0, &index));
	EXPECT_EQ(index, 0);
	EXPECT_STATUS(DkObjectsWaitAny(2, h, 0, &index), TIMEOUT);
	EXPECT_STATUS(DkObjectsWaitAny(2, h, 20 * MSEC, &index), TIMEOUT);
	EXPECT_OK(DkObjectClose(e));
}

TEST(sixty_four_objects)
{
	DK_HANDLE h[DK_WAIT_MAX];
	u64 index = POISON;

	for (int i = 0; i < DK_WAIT_MAX; i++)
		ASSERT_OK(DkSynchronizationEventCreate(0, &h[i]));
	EXPECT_STATUS(DkObjectsWaitAny(DK_WAIT_MAX, h, 0, &index), TIMEOUT);
	for (int i = DK_WAIT_MAX - 1; i >= 0; i--)
		EXPECT_OK(DkEventSet(h[i]));
	for (int i = 0; i < DK_WAIT_MAX; i++) {
		EXPECT_OK(DkObjectsWaitAny(DK_WAIT_MAX, h, 0, &index));
		EXPECT_EQ(index, i);
	}
	for (int i = 0; i < DK_WAIT_MAX; i++)
		EXPECT_OK(DkObjectClose(h[i]));
}

/* ---- 64 of every kind there is ---- */

enum kind { MANUAL, AUTO, SEMAPHORE, THREAD, PROCESS, STREAM, EDGES, KINDS };

/* What is waited for; kind k stands at every place i with i % KINDS == k. */
static struct {
	DK_HANDLE all[DK_WAIT_MAX];
	DK_HANDLE cause[DK_WAIT_MAX]; /* ends a thread or a process */
	DK_HANDLE pipe[DK_WAIT_MAX][2];
	enum kind kind[DK_WAIT_MAX];
} mixed;

/* However long the others take. */
static void waits_for_its_cause(u64 i)
{
	u64 index;

	DkObjectsWaitAny(1, &mixed.cause[i], DK_TIMEOUT_INFINITE, &index);
}

static void make_one(u64 i)
{
	u64 id;

	mixed.kind[i] = i % KINDS;
	switch (mixed.kind[i]) {
	case MANUAL:
		EXPECT_OK(DkNotificationEventCreate(0, &mixed.all[i]));
		break;
	case AUTO:
		EXPECT_OK(DkSynchronizationEventCreate(0, &mixed.all[i]));
		break;
	case SEMAPHORE:
		EXPECT_OK(DkSemaphoreCreate(0, 3, &mixed.all[i]));
		break;
	case THREAD:
		EXPECT_OK(DkNotificationEventCreate(0, &mixed.cause[i]));
		mixed.all[i] = dkt_thread(waits_for_its_cause, i);
		break;
	case PROCESS:
		EXPECT_OK(DkNotificationEventCreate(0, &mixed.cause[i]));
		EXPECT_OK(DkxProcessClone(0, &mixed.all[i], &id));
		if (!mixed.all[i]) {
			waits_for_its_cause(i);
			DkProcessExit(0);
		}
		break;
	default:
		EXPECT_OK(
			DkxPipeCreate(0, &mixed.pipe[i][0], &mixed.pipe[i][1]));
		EXPECT_OK(DkStreamGetEvent(
			mixed.pipe[i][0],
			DK_STREAM_READABLE |
				(mixed.kind[i] == EDGES ? DK_STREAM_EDGES : 0),
			&mixed.all[i]));
	}
}

static void close_one(u64 i)
{
	EXPECT_OK(DkObjectClose(mixed.all[i]));
	if (mixed.cause[i])
		EXPECT_OK(DkObjectClose(mixed.cause[i]));
	for (int k = 0; k < 2; k++)
		if (mixed.pipe[i][k])
			EXPECT_OK(DkObjectClose(mixed.pipe[i][k]));
	mixed.cause[i] = mixed.pipe[i][0] = mixed.pipe[i][1] = 0;
}

static void signal_one(u64 i)
{
	u64 done;

	switch (mixed.kind[i]) {
	case MANUAL:
	case AUTO:
		EXPECT_OK(DkEventSet(mixed.all[i]));
		break;
	case SEMAPHORE:
		EXPECT_OK(DkSemaphoreRelease(mixed.all[i], 2, &done));
		break;
	case THREAD:
	case PROCESS:
		EXPECT_OK(DkEventSet(mixed.cause[i]));
		break;
	default:
		EXPECT_OK(DkStreamWrite(mixed.pipe[i][1], DK_OFFSET_CURRENT,
					"x", 1, &done));
		EXPECT_EQ(done, 1);
	}
}

/* What there is to be taken of it, without taking it. */
static u64 state_of(u64 i)
{
	u64 state = POISON, index;

	switch (mixed.kind[i]) {
	case SEMAPHORE:
		EXPECT_OK(DkSemaphorePeek(mixed.all[i], &state));
		return state;
	case THREAD:
	case PROCESS:
		return !DkObjectsWaitAny(1, &mixed.all[i], 0, &index);
	default:
		EXPECT_OK(DkEventPeek(mixed.all[i], &state));
		return state;
	}
}

/* When it has been signalled by signal_one(); and after one wait. */
static u64 state_before(u64 i)
{
	return mixed.kind[i] == SEMAPHORE ? 2 : 1;
}

static u64 state_after(u64 i)
{
	return mixed.kind[i] != AUTO && mixed.kind[i] != EDGES;
}

/* Back to not signalled; a thread or a process is another one then. */
static void reset_one(u64 i)
{
	u64 index, done;
	char c;

	switch (mixed.kind[i]) {
	case MANUAL:
	case AUTO:
		EXPECT_OK(DkEventClear(mixed.all[i]));
		break;
	case SEMAPHORE:
		while (!DkObjectsWaitAny(1, &mixed.all[i], 0, &index))
			;
		break;
	case THREAD:
	case PROCESS:
		close_one(i);
		make_one(i);
		break;
	default:
		EXPECT_OK(DkStreamRead(mixed.pipe[i][0], DK_OFFSET_CURRENT, &c,
				       1, &done));
		/* It may have been announced more often than once. */
		while (mixed.kind[i] == EDGES &&
		       !DkObjectsWaitAny(1, &mixed.all[i], 0, &index))
			;
	}
}

static void signals_later(u64 i)
{
	sleep_ms(3);
	signal_one(i);
}

/* @one has been waited for; @also, if it is another one, stays as it was. */
static void expect_states(u64 one, u64 also)
{
	for (u64 i = 0; i < DK_WAIT_MAX; i++) {
		u64 want = i == one  ? state_after(i) :
			   i == also ? state_before(i) :
				       0;
		u64 state = state_of(i);

		if (state != want)
			dkt_fail(
				"%lu was waited for, and %lu of kind %d is %lu, not %lu",
				(unsigned long)one, (unsigned long)i,
				mixed.kind[i], (unsigned long)state,
				(unsigned long)want);
	}
}

/* By one wait for all of them; @during: it is signalled meanwhile. */
static void wait_for_one(u64 one, u64 also, bool during)
{
	DK_HANDLE thread = 0;
	u64 index = POISON;

	if (also != one)
		signal_one(also);
	if (during) {
		thread = dkt_thread(signals_later, one);
	} else {
		signal_one(one);
		/* It has to end first. */
		if (mixed.kind[one] == THREAD || mixed.kind[one] == PROCESS)
			EXPECT_TRUE(dkt_wait(mixed.all[one]));
	}
	EXPECT_OK(DkObjectsWaitAny(DK_WAIT_MAX, mixed.all,
				   during ? 30 * SEC : 0, &index));
	EXPECT_EQ(index, one);
	if (thread) {
		EXPECT_TRUE(dkt_wait(thread));
		EXPECT_OK(DkObjectClose(thread));
	}
	expect_states(one, also);
	reset_one(one);
	if (also != one)
		reset_one(also);
	index = POISON;
	EXPECT_STATUS(DkObjectsWaitAny(DK_WAIT_MAX, mixed.all, 0, &index),
		      TIMEOUT);
	EXPECT_EQ(index, POISON);
}

TEST(sixty_four_of_every_kind)
{
	struct dkt_counts before, after;

	dkt_counts(&before);
	for (u64 i = 0; i < DK_WAIT_MAX; i++)
		make_one(i);
	for (u64 k = 0; k < DK_WAIT_MAX && !dkt_failed(); k++) {
		/* Each once, in no order; and one of the higher ones with it. */
		u64 one = (k * 37 + 11) % DK_WAIT_MAX, also = one;

		wait_for_one(one, one, false);
		wait_for_one(one, one, true);
		do
			also = (also + 5) % DK_WAIT_MAX;
		while (mixed.kind[also] == THREAD ||
		       mixed.kind[also] == PROCESS);
		if (also > one)
			wait_for_one(one, also, false);
	}
	for (u64 i = 0; i < DK_WAIT_MAX; i++) {
		/* So that it ends. */
		if (mixed.cause[i]) {
			signal_one(i);
			EXPECT_TRUE(dkt_wait(mixed.all[i]));
		}
		close_one(i);
	}
	for (int i = 0; i < 200; i++) {
		dkt_counts(&after);
		if (after.objects == before.objects)
			break;
		sleep_ms(5);
	}
	EXPECT_EQ(after.handles, before.handles);
	EXPECT_EQ(after.objects, before.objects);
}

TEST(timeouts)
{
	u64 index = POISON;
	s64 before, took;
	DK_HANDLE e = 0;

	ASSERT_OK(DkNotificationEventCreate(0, &e));
	before = dkt_now();
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 60 * MSEC, &index), TIMEOUT);
	took = dkt_now() - before;
	EXPECT_TRUE(took >= 60 * MSEC);
	EXPECT_TRUE(took < 5 * SEC);
	EXPECT_EQ(index, POISON);
	/* A time far away is not a time that has passed. */
	EXPECT_OK(DkEventSet(e));
	EXPECT_OK(DkObjectsWaitAny(1, &e, ~(1ULL << 63), &index));
	EXPECT_OK(DkObjectClose(e));
}

static DK_HANDLE shared[4];
static volatile u64 order[64], next;

static void wait_in_line(u64 parameter)
{
	u64 index;

	if (!DkObjectsWaitAny(1, &shared[0], 30 * SEC, &index))
		order[__atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST)] =
			parameter;
	DkEventSet(shared[1]);
}

TEST(a_notification_releases_all)
{
	DK_HANDLE threads[8];

	ASSERT_OK(DkNotificationEventCreate(0, &shared[0]));
	ASSERT_OK(DkNotificationEventCreate(0, &shared[1]));
	next = 0;
	for (u64 i = 0; i < 8; i++)
		threads[i] = dkt_thread(wait_in_line, i);
	sleep_ms(100);
	EXPECT_EQ(next, 0);
	EXPECT_OK(DkEventSet(shared[0]));
	for (u64 i = 0; i < 8; i++) {
		EXPECT_TRUE(dkt_wait(threads[i]));
		DkObjectClose(threads[i]);
	}
	EXPECT_EQ(next, 8);
	DkObjectClose(shared[0]);
	DkObjectClose(shared[1]);
}

static void wait_any_of_three(u64 parameter)
{
	u64 index = POISON;

	if (DkObjectsWaitAny(3, shared, 30 * SEC, &index))
		dkt_fail("wait failed");
	order[0] = index;
}

TEST(any_of_them_wakes)
{
	for (u64 i = 0; i < 3; i++) {
		DK_HANDLE thread;
		u64 index;

		for (int k = 0; k < 3; k++)
			ASSERT_OK(DkSynchronizationEventCreate(0, &shared[k]));
		order[0] = POISON;
		thread = dkt_thread(wait_any_of_three, 0);
		sleep_ms(50);
		EXPECT_OK(DkEventSet(shared[i]));
		EXPECT_TRUE(dkt_wait(thread));
		EXPECT_EQ(order[0], i);
		/* It was consumed, and the others are not waited for. */
		EXPECT_STATUS(DkObjectsWaitAny(3, shared, 0, &index), TIMEOUT);
		DkObjectClose(thread);
		for (int k = 0; k < 3; k++)
			DkObjectClose(shared[k]);
	}
}

#define ROUNDS 3000

static void ping(u64 parameter)
{
	u64 index;

	for (int i = 0; i < ROUNDS; i++) {
		if (DkObjectsWaitAny(1, &shared[0], 30 * SEC, &index)) {
			dkt_fail("a wake-up was lost");
			return;
		}
		DkEventSet(shared[1]);
	}
}

TEST(no_lost_wake_up)
{
	DK_HANDLE thread;
	u64 index;

	ASSERT_OK(DkSynchronizationEventCreate(0, &shared[0]));
	ASSERT_OK(DkSynchronizationEventCreate(0, &shared[1]));
	thread = dkt_thread(ping, 0);
	for (int i = 0; i < ROUNDS; i++) {
		EXPECT_OK(DkEventSet(shared[0]));
		ASSERT_OK(DkObjectsWaitAny(1, &shared[1], 30 * SEC, &index));
	}
	EXPECT_TRUE(dkt_wait(thread));
	DkObjectClose(thread);
	DkObjectClose(shared[0]);
	DkObjectClose(shared[1]);
}

static volatile u64 taken;

static void take(u64 parameter)
{
	u64 index;

	for (;;) {
		DK_HANDLE h[2] = { shared[0], shared[1] };

		/* Units of the semaphore, until the event says stop. */
		if (DkObjectsWaitAny(2, h, 30 * SEC, &index)) {
			dkt_fail("wait failed");
			return;
		}
		if (index == 1)
			return;
		__atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
	}
}

TEST(every_unit_is_taken_once)
{
	DK_HANDLE threads[6];
	u64 previous;

	taken = 0;
	ASSERT_OK(DkSemaphoreCreate(0, 1000000, &shared[0]));
	ASSERT_OK(DkNotificationEventCreate(0, &shared[1]));
	for (int i = 0; i < 6; i++)
		threads[i] = dkt_thread(take, i);
	for (int i = 0; i < 2000; i++)
		EXPECT_OK(DkSemaphoreRelease(shared[0], i % 3 + 1, &previous));
	EXPECT_OK(DkEventSet(shared[1]));
	for (int i = 0; i < 6; i++) {
		EXPECT_TRUE(dkt_wait(threads[i]));
		DkObjectClose(threads[i]);
	}
	/* Lowest index first: all units were gone before the stop. */
	EXPECT_EQ(taken, 3999);
	DkObjectClose(shared[0]);
	DkObjectClose(shared[1]);
}

static void close_it(u64 parameter)
{
	sleep_ms(50);
	DkObjectClose(shared[0]);
	sleep_ms(50);
	DkEventSet(shared[1]);
}

TEST(a_handle_closed_under_a_waiter)
{
	DK_HANDLE thread;
	u64 index = POISON;

	ASSERT_OK(DkSynchronizationEventCreate(0, &shared[0]));
	ASSERT_OK(DkSynchronizationEventCreate(0, &shared[1]));
	thread = dkt_thread(close_it, 0);
	EXPECT_OK(DkObjectsWaitAny(2, shared, 30 * SEC, &index));
	EXPECT_EQ(index, 1);
	EXPECT_TRUE(dkt_wait(thread));
	DkObjectClose(thread);
	DkObjectClose(shared[1]);
}

static void exit_later(u64 parameter)
{
	sleep_ms(50);
}

TEST(a_thread_is_waited_for)
{
	DK_HANDLE h[2];
	u64 index = POISON;

	ASSERT_OK(DkNotificationEventCreate(0, &h[0]));
	h[1] = dkt_thread(exit_later, 0);
	EXPECT_STATUS(DkObjectsWaitAny(2, h, 0, &index), TIMEOUT);
	EXPECT_OK(DkObjectsWaitAny(2, h, 30 * SEC, &index));
	EXPECT_EQ(index, 1);
	EXPECT_OK(DkObjectClose(h[0]));
	EXPECT_OK(DkObjectClose(h[1]));
}

TEST(the_process_is_not_signalled)
{
	DK_HANDLE process = dkt_parameters->process;
	u64 index = POISON;
	s64 code = POISON;

	EXPECT_STATUS(DkObjectsWaitAny(1, &process, 0, &index), TIMEOUT);
	EXPECT_STATUS(DkProcessGetExitCode(process, &code), BUSY);
	EXPECT_EQ(code, POISON);
}

static DK_HANDLE counted;
static volatile DK_STATUS waited;

static void wait_without_an_index(u64 parameter)
{
	waited = DkObjectsWaitAny(1, &counted, DK_TIMEOUT_INFINITE, (u64 *)8);
}

/* Of a unit that it could not tell of: it does not even wait for one. */
TEST(nowhere_to_tell_of_a_unit)
{
	u64 previous = POISON, index;
	DK_HANDLE t;

	ASSERT_OK(DkSemaphoreCreate(0, 1, &counted));
	waited = POISON;
	t = dkt_thread(wait_without_an_index, 0);
	if (!dkt_wait(t)) {
		dkt_fail("it waits");
		EXPECT_OK(DkSemaphoreRelease(counted, 1, &previous));
		EXPECT_TRUE(dkt_wait(t));
	}
	EXPECT_EQ(waited, DK_STATUS_INVALID_POINTER);
	EXPECT_OK(DkSemaphoreRelease(counted, 1, &previous));
	EXPECT_EQ(previous, 0);
	EXPECT_STATUS(DkObjectsWaitAny(1, &counted, 0, (u64 *)8),
		      INVALID_POINTER);
	EXPECT_OK(DkObjectsWaitAny(1, &counted, 0, &index));
	EXPECT_EQ(index, 0);
	EXPECT_OK(DkObjectClose(counted));
	EXPECT_OK(DkObjectClose(t));
}
