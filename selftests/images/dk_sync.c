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
