// SPDX-License-Identifier: GPL-2.0-only
/*
 * First come, first served: of those that wait for an object, the one that has
 * waited longest goes on, whatever else it waits for, and only that one.
 */
#include "dktest.h"

#define OBJECTS	3
#define WAITERS	12

static DK_HANDLE objects[OBJECTS], went_on;
static volatile s64 who, through;

/* What a thread waits for, in its order; -1 ends it. */
static const int wants[WAITERS][OBJECTS + 1] = {
	{ 0, -1 },	 { 0, 1, -1 }, { 1, 0, -1 },	{ 2, -1 },
	{ 1, -1 },	 { 2, 0, -1 }, { 0, 1, 2, -1 }, { 1, 2, -1 },
	{ 2, 1, 0, -1 }, { 0, -1 },    { 2, -1 },	{ 1, 0, -1 },
};

static void waits(u64 me)
{
	DK_HANDLE handles[OBJECTS];
	u64 index = POISON;
	DK_STATUS status;
	int n;

	for (n = 0; wants[me][n] >= 0; n++)
		handles[n] = objects[wants[me][n]];
	status = DkObjectsWaitAny(n, handles, DK_TIMEOUT_INFINITE, &index);
	if (status)
		dkt_fail("waiter %lu: %s", (unsigned long)me,
			 dkt_status(status));
	who = me;
	through = status ? -1 : wants[me][index];
	EXPECT_OK(DkEventSet(went_on));
}

static void expect_asleep(void)
{
	s64 answer = -1;

	dkt_ask("@asleep\n", &answer, sizeof(answer));
	EXPECT_EQ(answer, 0);
}

static DK_STATUS release(int object)
{
	u64 previous;

	/* The last one is a semaphore. */
	return object == OBJECTS - 1 ?
		       DkSemaphoreRelease(objects[object], 1, &previous) :
		       DkEventSet(objects[object]);
}

/* Of those that are left, the first that wants it. */
static int first(const bool *left, int object)
{
	for (int i = 0; i < WAITERS; i++) {
		for (int k = 0; left[i] && wants[i][k] >= 0; k++) {
			if (wants[i][k] == object)
				return i;
		}
	}
	return -1;
}

static void serve(int begin, int step)
{
	DK_HANDLE threads[WAITERS];
	bool left[WAITERS];
	u64 index;

	for (u64 i = 0; i < WAITERS; i++) {
		threads[i] = dkt_thread(waits, i);
		left[i] = true;
		expect_asleep();
	}
	for (int served = 0, object = begin; served < WAITERS;
	     object = (object + step) % OBJECTS) {
		int next = first(left, object);

		if (next < 0)
			continue;
		who = through = -1;
		EXPECT_OK(release(object));
		ASSERT_OK(DkObjectsWaitAny(1, &went_on, 30 * SEC, &index));
		if (who != next || through != object)
			dkt_fail("object %d: waiter %ld went on by %ld, not %d",
				 object, (long)who, (long)through, next);
		EXPECT_TRUE(dkt_wait(threads[next]));
		left[next] = false;
		served++;
		/* The others wait on. */
		expect_asleep();
		EXPECT_STATUS(DkObjectsWaitAny(1, &went_on, 0, &index),
			      TIMEOUT);
	}
	for (int i = 0; i < WAITERS; i++)
		EXPECT_OK(DkObjectClose(threads[i]));
}

TEST(first_come_first_served)
{
	EXPECT_OK(DkSynchronizationEventCreate(0, &went_on));
	EXPECT_OK(DkSynchronizationEventCreate(0, &objects[0]));
	EXPECT_OK(DkSynchronizationEventCreate(0, &objects[1]));
	EXPECT_OK(DkSemaphoreCreate(0, 5, &objects[2]));
	for (int begin = 0; begin < OBJECTS; begin++) {
		serve(begin, 1);
		serve(begin, 2);
	}
	for (int i = 0; i < OBJECTS; i++)
		EXPECT_OK(DkObjectClose(objects[i]));
	EXPECT_OK(DkObjectClose(went_on));
}

/* Several units at once are several threads', those that came first. */
static volatile bool has[WAITERS];

static void takes_a_unit(u64 me)
{
	u64 index;

	EXPECT_OK(
		DkObjectsWaitAny(1, &objects[0], DK_TIMEOUT_INFINITE, &index));
	has[me] = true;
}

TEST(several_units)
{
	DK_HANDLE threads[WAITERS];
	u64 previous;
	int given = 0;

	EXPECT_OK(DkSemaphoreCreate(0, WAITERS, &objects[0]));
	for (u64 i = 0; i < WAITERS; i++) {
		has[i] = false;
		threads[i] = dkt_thread(takes_a_unit, i);
		expect_asleep();
	}
	for (int units = 1; given < WAITERS; units++) {
		int n = units < WAITERS - given ? units : WAITERS - given;

		EXPECT_OK(DkSemaphoreRelease(objects[0], n, &previous));
		EXPECT_EQ(previous, 0);
		for (int i = given; i < given + n; i++)
			EXPECT_TRUE(dkt_wait(threads[i]));
		given += n;
		expect_asleep();
		for (int i = 0; i < WAITERS; i++)
			EXPECT_EQ(has[i], i < given);
	}
	for (int i = 0; i < WAITERS; i++)
		EXPECT_OK(DkObjectClose(threads[i]));
	EXPECT_OK(DkObjectClose(objects[0]));
}
