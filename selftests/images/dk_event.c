// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events in their words: what does not enter the kernel, when the state moves
 * into it, what a process can do to its own words, and many threads at many
 * objects.
 */
#include "dktest.h"

static u64 *words;

static u64 *word_of(DK_HANDLE handle)
{
	return &words[(u32)handle - 1];
}

TEST(the_words_are_there)
{
	words = (u64 *)dkt_parameters->words;
	EXPECT_TRUE(words);
	EXPECT_EQ(dkt_parameters->word_count, 65536);
	/* All of them can be looked at. */
	for (u64 i = 0; i < dkt_parameters->word_count; i += 256)
		EXPECT_EQ(words[i] & DK_WORD_SIGNALLED, 0);
	EXPECT_EQ(words[65535], 0);
}

static u64 calls(void)
{
	struct dkt_counts counts;

	dkt_counts(&counts);
	return counts.calls;
}

TEST(nobody_waits_no_kernel)
{
	DK_HANDLE manual, automatic, h[2];
	u64 nothing, index, value;

	ASSERT_OK(DkNotificationEventCreate(0, &manual));
	ASSERT_OK(DkSynchronizationEventCreate(0, &automatic));
	h[0] = automatic;
	h[1] = manual;
	nothing = calls();
	nothing = calls() - nothing;
	value = calls();
	for (int i = 0; i < 1000; i++) {
		EXPECT_OK(DkEventSet(manual));
		EXPECT_OK(DkEventSet(automatic));
		EXPECT_OK(DkObjectsWaitAny(2, h, DK_TIMEOUT_INFINITE, &index));
		EXPECT_EQ(index, 0);
		EXPECT_OK(DkObjectsWaitAny(2, h, SEC, &index));
		EXPECT_EQ(index, 1);
		EXPECT_OK(DkEventPeek(automatic, &index));
		EXPECT_EQ(index, 0);
		EXPECT_OK(DkEventClear(manual));
		EXPECT_STATUS(DkObjectsWaitAny(2, h, 0, &index), TIMEOUT);
	}
	/* The question itself is one or two calls more, or less. */
	EXPECT_LE(calls() - value, nothing + 2);
	/* The count sees it if it is not so. */
	value = calls();
	for (int i = 0; i < 20; i++)
		EXPECT_STATUS(DkObjectsWaitAny(1, &manual, 1, &index), TIMEOUT);
	EXPECT_GE(calls() - value, 20);
	DkObjectClose(manual);
	DkObjectClose(automatic);
}

/* libpal and the kernel see one state, whichever of them changes it. */
TEST(one_state)
{
	u64 value = POISON, index = POISON;
	DK_HANDLE e;

#define RAW(name, ...)	dkt_raw(DK_INDEX_##name, __VA_ARGS__)
	ASSERT_OK(DkSynchronizationEventCreate(1, &e));
	EXPECT_EQ(*word_of(e) >> 32, e >> 32);
	EXPECT_EQ(*word_of(e) & 0xff,
		  DK_WORD_FAST | DK_WORD_AUTO | DK_WORD_SIGNALLED);
	EXPECT_EQ(RAW(DkEventPeek, e, (u64)&value, 0, 0, 0, 0), 0);
	EXPECT_EQ(value, 1);
	EXPECT_EQ(RAW(DkEventClear, e, 0, 0, 0, 0, 0), 0);
	EXPECT_OK(DkEventPeek(e, &value));
	EXPECT_EQ(value, 0);
	EXPECT_OK(DkEventSet(e));
	EXPECT_EQ(RAW(DkObjectsWaitAny, 1, (u64)&e, 0, (u64)&index, 0, 0), 0);
	EXPECT_EQ(index, 0);
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 0, &index), TIMEOUT);
	EXPECT_EQ(RAW(DkEventSet, e, 0, 0, 0, 0, 0), 0);
	EXPECT_OK(DkObjectsWaitAny(1, &e, 0, &index));
	EXPECT_EQ(RAW(DkObjectsWaitAny, 1, (u64)&e, 0, (u64)&index, 0, 0),
		  DK_STATUS_TIMEOUT);
	/* A signal whose receiver cannot be told stays. */
	EXPECT_OK(DkEventSet(e));
	EXPECT_EQ(RAW(DkObjectsWaitAny, 1, (u64)&e, 0, 8, 0, 0),
		  DK_STATUS_INVALID_POINTER);
	EXPECT_OK(DkObjectsWaitAny(1, &e, 0, &index));
	DkObjectClose(e);
}

TEST(a_second_handle)
{
	u64 index = POISON, value = POISON;
	DK_HANDLE e, second;

	ASSERT_OK(DkSynchronizationEventCreate(0, &e));
	EXPECT_OK(DkEventSet(e));
	ASSERT_OK(DkObjectReference(e, DK_RIGHT_WAIT, &second));
	/* The state moved into the kernel, and both handles go there. */
	EXPECT_EQ(*word_of(e), 0);
	EXPECT_EQ(*word_of(second), 0);
	EXPECT_OK(DkEventPeek(e, &value));
	EXPECT_EQ(value, 1);
	EXPECT_STATUS(DkEventSet(second), ACCESS_DENIED);
	EXPECT_OK(DkObjectsWaitAny(1, &second, 0, &index));
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 0, &index), TIMEOUT);
	EXPECT_OK(DkObjectClose(second));
	/* For good. */
	EXPECT_EQ(*word_of(e), 0);
	EXPECT_OK(DkEventSet(e));
	EXPECT_OK(DkObjectsWaitAny(1, &e, 0, &index));
	EXPECT_OK(DkObjectClose(e));
}

TEST(stale_and_wrong_handles)
{
	DK_HANDLE e, s, h[2];
	u64 index = POISON;

	ASSERT_OK(DkNotificationEventCreate(1, &e));
	EXPECT_OK(DkObjectClose(e));
	EXPECT_EQ(*word_of(e), 0);
	EXPECT_STATUS(DkEventSet(e), INVALID_HANDLE);
	EXPECT_STATUS(DkEventClear(e), INVALID_HANDLE);
	EXPECT_STATUS(DkEventPeek(e, &index), INVALID_HANDLE);
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 0, &index), INVALID_HANDLE);
	EXPECT_STATUS(DkEventSet(0), INVALID_HANDLE);
	EXPECT_STATUS(DkEventSet(~0ULL), INVALID_HANDLE);
	EXPECT_STATUS(DkEventSet(65536), INVALID_HANDLE);
	EXPECT_STATUS(DkEventSet(65537), INVALID_HANDLE);
	EXPECT_STATUS(DkEventSet(1ULL << 63), INVALID_HANDLE);
	/* Its slot is used again: another generation. */
	for (int i = 0; i < 65536 && (u32)e; i++) {
		ASSERT_OK(DkNotificationEventCreate(1, &s));
		if ((u32)s == (u32)e)
			break;
		EXPECT_OK(DkObjectClose(s));
	}
	EXPECT_EQ((u32)s, (u32)e);
	EXPECT_NE(s, e);
	EXPECT_STATUS(DkEventSet(e), INVALID_HANDLE);
	EXPECT_STATUS(DkObjectsWaitAny(1, &e, 0, &index), INVALID_HANDLE);
	/* A bad handle behind a signalled event: nothing is consumed. */
	h[0] = s;
	h[1] = e;
	EXPECT_STATUS(DkObjectsWaitAny(2, h, 0, &index), INVALID_HANDLE);
	EXPECT_OK(DkObjectClose(s));
	ASSERT_OK(DkSemaphoreCreate(1, 1, &s));
	EXPECT_EQ(*word_of(s), 0);
	EXPECT_STATUS(DkEventSet(s), WRONG_TYPE);
	EXPECT_STATUS(DkEventPeek(s, &index), WRONG_TYPE);
	EXPECT_EQ(index, POISON);
	EXPECT_OK(DkObjectClose(s));
}

/* ---- 64 threads at 64 objects ---- */

#define THREADS	64
#define OBJECTS	64
#define ROUNDS	150

/*
 * Each object is a lock: an event that is signalled while nobody holds it, or
 * a semaphore that as many may hold as its count says. A thread waits for any
 * of a random set, holds what it got for a moment and gives it back. A signal
 * that is lost, doubled, or taken from an object that was not returned breaks
 * one of the counts or stops everybody.
 */
static struct {
	DK_HANDLE handle;
	u32 limit; /* may hold it at once; 0: an event */
	u32 holders;
	u64 taken;
} objects[OBJECTS];

static u64 taken_by[THREADS], timeouts, broken;

static u64 random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void give_back(u32 i)
{
	u64 previous;

	__atomic_sub_fetch(&objects[i].holders, 1, __ATOMIC_SEQ_CST);
	if (objects[i].limit ?
		    DkSemaphoreRelease(objects[i].handle, 1, &previous) :
		    DkEventSet(objects[i].handle))
		__atomic_add_fetch(&broken, 1, __ATOMIC_SEQ_CST);
}

static void one_thread(u64 me)
{
	u64 state = me * 0x9e3779b97f4a7c15ULL + 1, index;
	DK_HANDLE set[OBJECTS];
	u32 which[OBJECTS], n, i;

	for (int round = 0; round < ROUNDS; round++) {
		s64 status, timeout = 60 * SEC;

		/* A stretch of all objects, where many threads meet. */
		n = 1 + random(&state) % (round % 4 ? 4 : OBJECTS);
		i = random(&state) % (round % 2 ? 4 : OBJECTS);
		for (u32 k = 0; k < n; k++) {
			which[k] = (i + k) % OBJECTS;
			set[k] = objects[which[k]].handle;
		}
		if (random(&state) % 8 == 0)
			timeout = random(&state) % (2 * MSEC);
		index = POISON;
		status = DkObjectsWaitAny(n, set, timeout, &index);
		if (status == DK_STATUS_TIMEOUT && timeout < SEC) {
			__atomic_add_fetch(&timeouts, 1, __ATOMIC_SEQ_CST);
			continue;
		}
		if (status || index >= n) {
			dkt_fail("thread %lu: %s, index %ld", (unsigned long)me,
				 dkt_status(status), (long)index);
			return;
		}
		i = which[index];
		taken_by[me]++;
		__atomic_add_fetch(&objects[i].taken, 1, __ATOMIC_SEQ_CST);
		if (__atomic_add_fetch(&objects[i].holders, 1,
				       __ATOMIC_SEQ_CST) >
		    (objects[i].limit ?: 1))
			__atomic_add_fetch(&broken, 1, __ATOMIC_SEQ_CST);
		if (random(&state) % 4 == 0)
			DkThreadYieldExecution();
		give_back(i);
	}
}

TEST(sixty_four_threads_at_sixty_four_objects)
{
	DK_HANDLE threads[THREADS], second[OBJECTS];
	u64 by_threads = 0, by_objects = 0, value;

	broken = timeouts = 0;
	for (u32 i = 0; i < OBJECTS; i++) {
		objects[i].limit = i % 4 == 3 ? 1 + i % 3 : 0;
		if (objects[i].limit)
			ASSERT_OK(DkSemaphoreCreate(objects[i].limit,
						    objects[i].limit,
						    &objects[i].handle));
		else
			ASSERT_OK(DkSynchronizationEventCreate(
				1, &objects[i].handle));
		/* A part of the events live in the kernel. */
		second[i] = 0;
		if (i % 4 == 1)
			DkObjectReference(objects[i].handle, 0, &second[i]);
	}
	for (u64 i = 0; i < THREADS; i++)
		threads[i] = dkt_thread(one_thread, i);
	for (u64 i = 0; i < THREADS; i++) {
		u64 index;

		EXPECT_OK(DkObjectsWaitAny(1, &threads[i], 300 * SEC, &index));
		EXPECT_OK(DkObjectClose(threads[i]));
		by_threads += taken_by[i];
	}
	EXPECT_EQ(broken, 0);
	EXPECT_EQ(by_threads + timeouts, THREADS * ROUNDS);
	for (u32 i = 0; i < OBJECTS; i++) {
		by_objects += objects[i].taken;
		EXPECT_EQ(objects[i].holders, 0);
		if (objects[i].limit) {
			EXPECT_OK(DkSemaphorePeek(objects[i].handle, &value));
			EXPECT_EQ(value, objects[i].limit);
		} else {
			EXPECT_OK(DkEventPeek(objects[i].handle, &value));
			EXPECT_EQ(value, 1);
			if (!second[i])
				EXPECT_EQ(*word_of(objects[i].handle) &
						  DK_WORD_WAITERS,
					  0);
		}
		EXPECT_OK(DkObjectClose(objects[i].handle));
		if (second[i])
			EXPECT_OK(DkObjectClose(second[i]));
	}
	EXPECT_EQ(by_objects, by_threads);
	dkt_print("# %lu taken, %lu timeouts\n", (unsigned long)by_threads,
		  (unsigned long)timeouts);
}

/* One event, which moves into the kernel while it is set and waited for. */
static DK_HANDLE moving, back;

static void taker(u64 rounds)
{
	u64 index;

	while (rounds--) {
		if (DkObjectsWaitAny(1, &moving, 30 * SEC, &index)) {
			dkt_fail("a signal was lost");
			return;
		}
		DkEventSet(back);
	}
}

TEST(moved_while_in_use)
{
	for (int i = 0; i < 100; i++) {
		DK_HANDLE thread, second = 0;
		u64 index;

		ASSERT_OK(DkSynchronizationEventCreate(0, &moving));
		ASSERT_OK(DkSynchronizationEventCreate(0, &back));
		thread = dkt_thread(taker, 20);
		for (int k = 0; k < 20; k++) {
			EXPECT_OK(DkEventSet(moving));
			if (k == i % 20)
				EXPECT_OK(
					DkObjectReference(moving, 0, &second));
			ASSERT_OK(DkObjectsWaitAny(1, &back, 30 * SEC, &index));
		}
		EXPECT_TRUE(dkt_wait(thread));
		DkObjectClose(thread);
		DkObjectClose(moving);
		DkObjectClose(second);
		DkObjectClose(back);
	}
}

/* ---- what a process can do to itself ---- */

static bool stop;

static void scribble(u64 seed)
{
	u64 state = seed + 1;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		u64 *word = &words[random(&state) % 64];

		switch (random(&state) % 4) {
		case 0:
			*(volatile u64 *)word = random(&state);
			break;
		case 1:
			*(volatile u64 *)word ^= random(&state) % 16;
			break;
		case 2:
			__atomic_fetch_xor(word, DK_WORD_SIGNALLED,
					   __ATOMIC_SEQ_CST);
			break;
		case 3:
			__atomic_fetch_or(word, DK_WORD_WAITERS,
					  __ATOMIC_SEQ_CST);
		}
	}
}

static void use_raw(u64 seed)
{
	u64 state = seed + 77, index, value;

	for (int i = 0; i < 400; i++) {
		DK_HANDLE h[8];

		for (int k = 0; k < 8; k++)
			RAW(DkSynchronizationEventCreate, k % 2, (u64)&h[k], 0,
			    0, 0, 0);
		RAW(DkEventSet, h[random(&state) % 8], 0, 0, 0, 0, 0);
		RAW(DkEventClear, h[random(&state) % 8], 0, 0, 0, 0, 0);
		RAW(DkEventPeek, h[random(&state) % 8], (u64)&value, 0, 0, 0,
		    0);
		RAW(DkObjectsWaitAny, 1 + random(&state) % 8, (u64)h,
		    random(&state) % MSEC, (u64)&index, 0, 0);
		RAW(DkObjectReference, h[0], 0, (u64)&value, 0, 0, 0);
		RAW(DkObjectClose, value, 0, 0, 0, 0, 0);
		for (int k = 0; k < 8; k++)
			EXPECT_EQ(RAW(DkObjectClose, h[k], 0, 0, 0, 0, 0), 0);
	}
}

TEST(words_that_lie)
{
	DK_HANDLE vandals[2], users[4];

	for (int i = 0; i < 2; i++)
		vandals[i] = dkt_thread(scribble, i);
	for (int i = 0; i < 4; i++)
		users[i] = dkt_thread(use_raw, i);
	for (int i = 0; i < 4; i++)
		while (RAW(DkObjectsWaitAny, 1, (u64)&users[i], 60 * SEC,
			   (u64) & (u64){ 0 }, 0, 0))
			dkt_fail("a wait for a thread failed");
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++)
		while (RAW(DkObjectsWaitAny, 1, (u64)&vandals[i], 60 * SEC,
			   (u64) & (u64){ 0 }, 0, 0))
			dkt_fail("a wait for a thread failed");
	for (int i = 0; i < 2; i++)
		RAW(DkObjectClose, vandals[i], 0, 0, 0, 0, 0);
	for (int i = 0; i < 4; i++)
		RAW(DkObjectClose, users[i], 0, 0, 0, 0, 0);
}

static void clone_without_words(void)
{
	DK_HANDLE child = POISON;
	u64 id, index = POISON;
	s64 code = 7;

	EXPECT_EQ(RAW(DkxProcessClone, 0, (u64)&child, (u64)&id, 0, 0, 0), 0);
	if (!child)
		RAW(DkProcessExit, 7, 0, 0, 0, 0, 0);
	EXPECT_EQ(RAW(DkObjectsWaitAny, 1, (u64)&child, 60 * SEC, (u64)&index,
		      0, 0),
		  0);
	EXPECT_EQ(RAW(DkProcessGetExitCode, child, (u64)&code, 0, 0, 0, 0), 0);
	EXPECT_NE(code, 7);
	EXPECT_EQ(RAW(DkObjectClose, child, 0, 0, 0, 0, 0), 0);
}

/* The last test: nothing may use libpal's events any more. */
TEST(words_that_are_gone)
{
	u64 index = POISON, size = 65536 * sizeof(u64);
	DK_HANDLE e;

	EXPECT_EQ(RAW(DkVirtualMemoryProtect, (u64)words, PAGE,
		      DK_PROT_READ | DK_PROT_EXECUTE, 0, 0, 0),
		  DK_STATUS_ACCESS_DENIED);
	RAW(DkSynchronizationEventCreate, 0, (u64)&e, 0, 0, 0, 0);
	EXPECT_EQ(RAW(DkVirtualMemoryFree, (u64)words + PAGE, size - PAGE,
		      DK_MEM_RELEASE, 0, 0, 0),
		  0);
	EXPECT_EQ(RAW(DkVirtualMemoryFree, (u64)words, PAGE, DK_MEM_RELEASE, 0,
		      0, 0),
		  0);
	EXPECT_EQ(RAW(DkEventSet, e, 0, 0, 0, 0, 0), 0);
	EXPECT_EQ(RAW(DkObjectsWaitAny, 1, (u64)&e, SEC, (u64)&index, 0, 0), 0);
	EXPECT_EQ(index, 0);
	EXPECT_EQ(RAW(DkObjectClose, e, 0, 0, 0, 0, 0), 0);

	/* A clone has no place for its own, and is gone before it is told of. */
	EXPECT_EQ(RAW(DkVirtualMemoryAlloc, (u64)&words, (u64)&size,
		      DK_MEM_RESERVE | DK_MEM_COMMIT,
		      DK_PROT_READ | DK_PROT_WRITE, 0, 0),
		  0);
	for (int i = 0; i < 100; i++)
		clone_without_words();
}
