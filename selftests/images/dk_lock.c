// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkxStreamLock: locks of the process, of a stream, on a whole file. The other
 * process that locks need is image_main.c.
 */
#include "dktest.h"

#define RW	(DK_ACCESS_READ | DK_ACCESS_WRITE)
#define SHARED	DK_LOCK_SHARED
#define EXCLUSIVE DK_LOCK_EXCLUSIVE
#define STREAM	DK_LOCK_STREAM
#define WHOLE	DK_LOCK_WHOLE
#define WAIT	DK_LOCK_WAIT

static DK_HANDLE locked(u64 access)
{
	char uri[160];

	dkt_snprintf(uri, sizeof(uri), "file:%s/rw/locked", dkt_argument(1));
	return dkt_open(uri, access, DK_OPEN_CREATE, DK_OPTION_MODE(0644));
}

static DK_STATUS lock(DK_HANDLE h, u64 operation, u64 start, u64 length)
{
	return DkxStreamLock(h, operation, start, length, NULL, 0);
}

static struct dk_lock_info in_the_way(DK_HANDLE h, u64 operation, u64 start,
				      u64 length)
{
	struct dk_lock_info info;

	memset(&info, 0x5a, sizeof(info));
	EXPECT_OK(DkxStreamLock(h, operation | DK_LOCK_QUERY, start, length,
				&info, sizeof(info)));
	if (!info.type)
		EXPECT_EQ(info.id, 0);
	return info;
}

/* The other process locks; its errno, negative. */
static s64 other_locks(char type, u64 start, u64 length)
{
	char question[64];
	s64 answer = POISON;

	dkt_snprintf(question, sizeof(question), "@lock %c %lu %lu\n", type,
		     (unsigned long)start, (unsigned long)length);
	dkt_ask(question, &answer, sizeof(answer));
	return answer;
}

struct holder {
	s64 type, start, length, process_id;
};

/* Who keeps the other process from writing there. */
static struct holder other_sees(u64 start, u64 length)
{
	struct holder h;
	char question[64];

	dkt_snprintf(question, sizeof(question), "@holder %lu %lu\n",
		     (unsigned long)start, (unsigned long)length);
	dkt_ask(question, &h, sizeof(h));
	return h;
}

TEST(a_process_has_one_set_of_locks)
{
	DK_HANDLE a = locked(RW), b = locked(RW);
	struct holder seen;

	EXPECT_OK(lock(a, EXCLUSIVE, 10, 10));
	/* Its own locks are not in its way, through whatever stream. */
	EXPECT_OK(lock(b, EXCLUSIVE, 15, 10));
	seen = other_sees(0, 0);
	EXPECT_EQ(seen.type, EXCLUSIVE);
	EXPECT_EQ(seen.start, 10);
	EXPECT_EQ(seen.length, 15);
	EXPECT_EQ(seen.process_id, dkt_parameters->process_id);
	/* A hole in the middle. */
	EXPECT_OK(lock(b, 0, 12, 2));
	EXPECT_EQ(other_sees(12, 2).type, 0);
	EXPECT_EQ(other_sees(11, 1).type, EXCLUSIVE);
	EXPECT_EQ(other_sees(14, 1).start, 14);
	/* From writing to reading and back. */
	EXPECT_OK(lock(a, SHARED, 14, 11));
	EXPECT_EQ(other_sees(14, 1).type, SHARED);
	EXPECT_OK(lock(a, 0, 0, 0));
	EXPECT_EQ(other_sees(0, 0).type, 0);
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkObjectClose(b));
}

TEST(another_process_is_in_the_way)
{
	DK_HANDLE a = locked(RW);
	struct dk_lock_info info;

	ASSERT_EQ(other_locks('w', 100, 50), 0);
	EXPECT_STATUS(lock(a, SHARED, 149, 1), WOULD_BLOCK);
	EXPECT_STATUS(lock(a, EXCLUSIVE, 0, 0), WOULD_BLOCK);
	EXPECT_OK(lock(a, EXCLUSIVE, 150, 0));
	EXPECT_OK(lock(a, EXCLUSIVE, 0, 100));
	info = in_the_way(a, SHARED, 0, 0);
	EXPECT_EQ(info.type, EXCLUSIVE);
	EXPECT_EQ(info.start, 100);
	EXPECT_EQ(info.length, 50);
	EXPECT_EQ(info.process_id, dkt_parameters->parent_id);
	EXPECT_EQ(info.id, 0); /* of another sandbox, or of none */
	EXPECT_EQ(in_the_way(a, EXCLUSIVE, 0, 100).type, 0);
	EXPECT_EQ(other_locks('r', 99, 1), -11);
	/* Readers share. */
	ASSERT_EQ(other_locks('r', 100, 50), 0);
	EXPECT_EQ(in_the_way(a, SHARED, 100, 50).type, 0);
	EXPECT_EQ(in_the_way(a, EXCLUSIVE, 100, 50).type, SHARED);
	EXPECT_OK(lock(a, SHARED, 100, 50));
	EXPECT_STATUS(lock(a, EXCLUSIVE, 100, 1), WOULD_BLOCK);
	EXPECT_EQ(other_locks('w', 100, 50), -11);
	ASSERT_EQ(other_locks('u', 0, 0), 0);
	EXPECT_OK(DkObjectClose(a));
}

/* A clone's locks are its own, and who asks is told whose they are. */
TEST(a_clone_is_in_the_way)
{
	DK_HANDLE a = locked(RW), child = POISON;
	dk_u64 size = 4096, id = POISON;
	struct dk_lock_info info;
	u32 *step = NULL;

	ASSERT_OK(DkVirtualMemoryAlloc((void **)&step, &size,
				       DK_MEM_RESERVE | DK_MEM_COMMIT |
					       DK_MEM_SHARED,
				       DK_PROT_READ | DK_PROT_WRITE));
	EXPECT_OK(lock(a, EXCLUSIVE, 0, 10));
	ASSERT_OK(DkxProcessClone(0, &child, &id));
	if (!child) {
		/* what was locked before is the parent's alone */
		u64 code = lock(a, SHARED, 0, 1) != DK_STATUS_WOULD_BLOCK ||
			   lock(a, EXCLUSIVE, 20, 5);

		__atomic_store_n(step, 1, __ATOMIC_SEQ_CST);
		DkxAddressWake(step, DK_ADDRESS_WAKE, 1, 0, NULL,
			       DK_ADDRESS_ALL_BITS);
		while (__atomic_load_n(step, __ATOMIC_SEQ_CST) == 1)
			DkxAddressWait(step, DK_ADDRESS_WAIT, 1, NULL, 0,
				       DK_ADDRESS_ALL_BITS);
		DkProcessExit(code);
	}
	while (!__atomic_load_n(step, __ATOMIC_SEQ_CST))
		DkxAddressWait(step, DK_ADDRESS_WAIT, 0, NULL, 0,
			       DK_ADDRESS_ALL_BITS);
	info = in_the_way(a, SHARED, 0, 0);
	EXPECT_EQ(info.type, EXCLUSIVE);
	EXPECT_EQ(info.start, 20);
	EXPECT_EQ(info.length, 5);
	EXPECT_EQ(info.id, id);
	__atomic_store_n(step, 2, __ATOMIC_SEQ_CST);
	DkxAddressWake(step, DK_ADDRESS_WAKE, 1, 0, NULL, DK_ADDRESS_ALL_BITS);
	EXPECT_EQ(dkt_wait(child), true);
	EXPECT_EQ(in_the_way(a, SHARED, 0, 0).type, 0);
	EXPECT_OK(DkObjectClose(child));
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkVirtualMemoryFree(step, size, DK_MEM_RELEASE));
}

TEST(closing_the_stream_of_one_drops_the_process_locks)
{
	DK_HANDLE a = locked(RW), b = locked(RW), other, again;

	EXPECT_OK(lock(a, EXCLUSIVE, 0, 10));
	EXPECT_EQ(other_sees(0, 0).type, EXCLUSIVE);
	/* One of another file does not, nor another of this one, */
	other = dkt_open("null:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkObjectClose(other));
	other = locked(DK_ACCESS_READ);
	EXPECT_OK(DkObjectClose(other));
	EXPECT_EQ(other_sees(0, 0).type, EXCLUSIVE);
	/* also if one was taken through it that is not there any more. */
	EXPECT_OK(lock(b, EXCLUSIVE, 20, 10));
	EXPECT_OK(lock(a, 0, 20, 10));
	EXPECT_OK(DkObjectClose(b));
	EXPECT_EQ(other_sees(0, 0).type, EXCLUSIVE);
	/* Of two handles of the stream, either does. */
	EXPECT_OK(DkObjectReference(a, 0, &again));
	EXPECT_OK(DkObjectClose(again));
	EXPECT_EQ(other_sees(0, 0).type, 0);
	EXPECT_OK(lock(a, EXCLUSIVE, 0, 10));
	/* All go, through whatever stream they were taken. */
	b = locked(RW);
	EXPECT_OK(lock(b, SHARED, 20, 10));
	EXPECT_OK(DkObjectClose(a));
	EXPECT_EQ(other_sees(0, 0).type, 0);
	EXPECT_OK(DkObjectClose(b));
}

TEST(a_stream_owns_locks)
{
	DK_HANDLE a = locked(RW), b = locked(RW), c = 0;
	struct dk_lock_info info;

	EXPECT_OK(lock(a, EXCLUSIVE | STREAM, 10, 10));
	EXPECT_STATUS(lock(b, SHARED | STREAM, 19, 1), WOULD_BLOCK);
	/* Its process is a stranger, too. */
	EXPECT_STATUS(lock(b, EXCLUSIVE, 10, 1), WOULD_BLOCK);
	info = in_the_way(b, EXCLUSIVE | STREAM, 0, 0);
	EXPECT_EQ(info.type, EXCLUSIVE);
	EXPECT_EQ(info.start, 10);
	EXPECT_EQ(info.length, 10);
	EXPECT_EQ(info.process_id, 0);
	EXPECT_EQ(in_the_way(a, EXCLUSIVE | STREAM, 0, 0).type, 0);
	/* Another handle of the same stream is the same owner. */
	EXPECT_OK(DkObjectReference(a, 0, &c));
	EXPECT_OK(lock(c, SHARED | STREAM, 10, 10));
	EXPECT_OK(lock(b, SHARED | STREAM, 10, 10));
	EXPECT_STATUS(lock(b, EXCLUSIVE | STREAM, 10, 10), WOULD_BLOCK);
	/* And keeps the lock until the last one is closed. */
	EXPECT_OK(DkObjectClose(a));
	EXPECT_STATUS(lock(b, EXCLUSIVE | STREAM, 10, 10), WOULD_BLOCK);
	EXPECT_OK(DkObjectClose(c));
	EXPECT_OK(lock(b, EXCLUSIVE | STREAM, 10, 10));
	EXPECT_OK(lock(b, STREAM, 0, 0));
	EXPECT_EQ(other_sees(0, 0).type, 0);
	EXPECT_OK(DkObjectClose(b));
}

TEST(whole_files)
{
	DK_HANDLE a = locked(DK_ACCESS_READ), b = locked(RW), c = locked(RW);

	/* No right to write is needed, as flock() has it. */
	EXPECT_OK(lock(a, EXCLUSIVE | WHOLE, 0, 0));
	EXPECT_STATUS(lock(b, SHARED | WHOLE, 0, 0), WOULD_BLOCK);
	/* They do not meet the other kinds. */
	EXPECT_OK(lock(b, EXCLUSIVE, 0, 0));
	EXPECT_OK(lock(a, SHARED | WHOLE, 0, 0));
	EXPECT_OK(lock(c, SHARED | WHOLE, 0, 0));
	EXPECT_STATUS(lock(c, EXCLUSIVE | WHOLE, 0, 0), WOULD_BLOCK);
	EXPECT_OK(lock(a, WHOLE, 0, 0));
	EXPECT_OK(lock(c, EXCLUSIVE | WHOLE, 0, 0));
	EXPECT_STATUS(lock(b, EXCLUSIVE | WHOLE, 0, 0), WOULD_BLOCK);
	EXPECT_OK(DkObjectClose(c));
	EXPECT_OK(lock(b, EXCLUSIVE | WHOLE, 0, 0));
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkObjectClose(b));
}

TEST(rights_of_the_handle)
{
	DK_HANDLE r = locked(DK_ACCESS_READ), w = locked(DK_ACCESS_WRITE),
		  n = locked(0);
	struct dk_lock_info info;

	EXPECT_STATUS(lock(r, EXCLUSIVE, 0, 1), ACCESS_DENIED);
	EXPECT_STATUS(lock(w, SHARED, 0, 1), ACCESS_DENIED);
	EXPECT_STATUS(lock(r, EXCLUSIVE | STREAM, 0, 1), ACCESS_DENIED);
	EXPECT_OK(lock(r, SHARED, 0, 1));
	EXPECT_OK(lock(w, EXCLUSIVE, 0, 1));
	EXPECT_OK(lock(r, 0, 0, 0));
	EXPECT_EQ(in_the_way(r, EXCLUSIVE, 0, 0).type, 0);
	/* What only names its file cannot. */
	EXPECT_STATUS(lock(n, EXCLUSIVE | WHOLE, 0, 0), NOT_SUPPORTED);
	EXPECT_STATUS(DkxStreamLock(n, SHARED | DK_LOCK_QUERY, 0, 0, &info,
				    sizeof(info)),
		      NOT_SUPPORTED);
	DkObjectClose(r);
	DkObjectClose(w);
	DkObjectClose(n);
}

TEST(refusals)
{
	DK_HANDLE a = locked(RW);
	struct dk_lock_info info;

	EXPECT_STATUS(lock(a, SHARED | EXCLUSIVE, 0, 0), INVALID_PARAMETER);
	EXPECT_STATUS(lock(a, SHARED | STREAM | WHOLE, 0, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(lock(a, WAIT, 0, 0), INVALID_PARAMETER);
	EXPECT_STATUS(lock(a, 0x40, 0, 0), INVALID_PARAMETER);
	EXPECT_STATUS(lock(a, SHARED | WHOLE, 1, 0), INVALID_PARAMETER);
	EXPECT_STATUS(lock(a, SHARED | WHOLE, 0, 1), INVALID_PARAMETER);
	EXPECT_STATUS(lock(a, SHARED, 1ULL << 63, 0), INVALID_PARAMETER);
	EXPECT_STATUS(lock(a, SHARED, 0, 1ULL << 63), INVALID_PARAMETER);
	EXPECT_STATUS(lock(a, SHARED, 2, ~0ULL >> 1), LIMIT_EXCEEDED);
	/* The last byte of all can be locked. */
	EXPECT_OK(lock(a, SHARED, ~0ULL >> 1, 1));
	EXPECT_OK(lock(a, SHARED, 1, ~0ULL >> 1));
	EXPECT_OK(lock(a, 0, 0, 0));
	EXPECT_STATUS(DkxStreamLock(a, DK_LOCK_QUERY, 0, 0, &info,
				    sizeof(info)),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamLock(a, DK_LOCK_QUERY | SHARED | WAIT, 0, 0,
				    &info, sizeof(info)),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamLock(a, DK_LOCK_QUERY | SHARED | WHOLE, 0, 0,
				    &info, sizeof(info)),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamLock(a, DK_LOCK_QUERY | SHARED, 0, 0, &info, 8),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamLock(a, DK_LOCK_QUERY | SHARED, 0, 0, NULL,
				    sizeof(info)),
		      INVALID_POINTER);
	DkObjectClose(a);
}

/* ---- waiting ---- */

static volatile s64 waiter_status;
static volatile u64 waiter_operation;
static DK_HANDLE waiter_handle;

static void waits(u64 parameter)
{
	waiter_status = lock(waiter_handle, waiter_operation | WAIT, 0,
			     waiter_operation & WHOLE ? 0 : 1);
}

static DK_HANDLE start_waiter(DK_HANDLE h, u64 operation)
{
	DK_HANDLE t;
	s64 left;

	waiter_handle = h;
	waiter_operation = operation;
	waiter_status = 1;
	t = dkt_thread(waits, 0);
	DkThreadDelayExecution(50 * MSEC, &left);
	EXPECT_EQ(waiter_status, 1);
	return t;
}

static void expect_waiter(DK_HANDLE t, s64 status)
{
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(waiter_status, status);
	EXPECT_OK(DkObjectClose(t));
}

TEST(a_waiter_is_woken)
{
	DK_HANDLE a = locked(RW), b = locked(RW), t;

	ASSERT_EQ(other_locks('w', 0, 1), 0);
	t = start_waiter(a, EXCLUSIVE);
	ASSERT_EQ(other_locks('u', 0, 0), 0);
	expect_waiter(t, 0);
	EXPECT_EQ(other_sees(0, 1).type, EXCLUSIVE);
	EXPECT_OK(lock(a, 0, 0, 0));

	EXPECT_OK(lock(a, EXCLUSIVE | STREAM, 0, 1));
	t = start_waiter(b, SHARED | STREAM);
	EXPECT_OK(lock(a, STREAM, 0, 0));
	expect_waiter(t, 0);
	EXPECT_OK(lock(b, STREAM, 0, 0));

	EXPECT_OK(lock(a, SHARED | WHOLE, 0, 0));
	t = start_waiter(b, EXCLUSIVE | WHOLE);
	/* The owner's end lets go, too. */
	EXPECT_OK(DkObjectClose(a));
	expect_waiter(t, 0);
	EXPECT_OK(DkObjectClose(b));
}

TEST(closing_under_a_waiter)
{
	DK_HANDLE a = locked(RW), b = locked(RW), t;

	EXPECT_OK(lock(b, EXCLUSIVE | STREAM, 0, 1));
	t = start_waiter(a, EXCLUSIVE);
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(lock(b, STREAM, 0, 0));
	/* It got the lock of a handle that is gone: so is the lock. */
	expect_waiter(t, DK_STATUS_INVALID_HANDLE);
	EXPECT_EQ(other_sees(0, 0).type, 0);
	EXPECT_OK(DkObjectClose(b));
}

/* ---- races ---- */

static volatile bool stop;
static volatile DK_HANDLE race;

static void race_locks(u64 flags)
{
	s64 status;

	while (!stop) {
		status =
			lock(race, EXCLUSIVE | flags, 0, flags & WHOLE ? 0 : 1);
		if (status && status != DK_STATUS_INVALID_HANDLE &&
		    status != DK_STATUS_WOULD_BLOCK)
			dkt_fail("lock: %s", dkt_status(status));
	}
}

TEST(closing_while_others_lock)
{
	/*
	 * (Not the process waiting for a stream's lock: who waits keeps the
	 * stream, and with it that lock, natively as here.)
	 */
	static const u64 kinds[] = { 0, STREAM | WAIT, STREAM, WHOLE };
	DK_HANDLE t[ARRAY_SIZE(kinds)], h;
	s64 end = dkt_now() + SEC;
	u64 n = 0;

	stop = false;
	race = 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		t[i] = dkt_thread(race_locks, kinds[i]);
	while (dkt_now() < end) {
		h = locked(RW);
		race = h;
		for (u64 i = 0; i < n % 7; i++)
			DkThreadYieldExecution();
		ASSERT_OK(DkObjectClose(h));
		n++;
	}
	stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		EXPECT_TRUE(dkt_wait(t[i]));
		EXPECT_OK(DkObjectClose(t[i]));
	}
	EXPECT_GE(n, 10);
	/* Nothing is left of all that. */
	EXPECT_EQ(other_sees(0, 0).type, 0);
	h = locked(RW);
	EXPECT_OK(lock(h, EXCLUSIVE | WHOLE, 0, 0));
	EXPECT_OK(DkObjectClose(h));
}

/* Ends with locks held and one waited for: the outer side sees what is left. */
static void wait_for_ever(u64 parameter)
{
	lock(waiter_handle, EXCLUSIVE | STREAM | WAIT, 0, 1);
	dkt_fail("the wait returned");
}

TEST(exit_ends_a_waiter_and_all_locks)
{
	DK_HANDLE a = locked(RW);
	s64 left;

	waiter_handle = locked(RW);
	EXPECT_OK(lock(a, EXCLUSIVE, 0, 1));
	EXPECT_OK(lock(a, EXCLUSIVE | WHOLE, 0, 0));
	DkObjectClose(dkt_thread(wait_for_ever, 0));
	DkThreadDelayExecution(20 * MSEC, &left);
}
