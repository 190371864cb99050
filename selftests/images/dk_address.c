// SPDX-License-Identifier: GPL-2.0-only
/* DkxAddressWait and DkxAddressWake. */
#include "dktest.h"

#define PRIVATE_WAIT	(DK_ADDRESS_WAIT | DK_ADDRESS_PRIVATE)
#define PRIVATE_WAKE	(DK_ADDRESS_WAKE | DK_ADDRESS_PRIVATE)
#define ALL		DK_ADDRESS_ALL_BITS

static u32 word, other;

static void sleep_ms(s64 ms)
{
	s64 remaining;

	DkThreadDelayExecution(ms * MSEC, &remaining);
}

/* A time from now on. */
static struct dk_deadline in_ms(s64 ms, u64 clock)
{
	s64 now = 0;

	DkSystemTimeQuery(clock, &now);
	now += ms * MSEC;
	return (struct dk_deadline){ now / SEC, now % SEC };
}

static s64 wake(u32 *at, u64 count)
{
	return DkxAddressWake(at, PRIVATE_WAKE, count, 0, NULL, ALL);
}

TEST(another_value)
{
	word = 7;
	EXPECT_STATUS(DkxAddressWait(&word, DK_ADDRESS_WAIT, 6, NULL, 0, ALL),
		      WOULD_BLOCK);
	EXPECT_STATUS(DkxAddressWait(&word, PRIVATE_WAIT, 6, NULL, 0, ALL),
		      WOULD_BLOCK);
	EXPECT_EQ(word, 7);
	EXPECT_EQ(wake(&word, 1), 0);
}

TEST(deadlines)
{
	static const u64 clocks[] = { DK_CLOCK_MONOTONIC, DK_CLOCK_WALL };
	struct dk_deadline d;

	word = 7;
	for (int i = 0; i < 2; i++) {
		u64 how = i ? DK_ADDRESS_WAIT | DK_ADDRESS_WALL_CLOCK :
			      PRIVATE_WAIT;
		s64 start = dkt_now();

		d = in_ms(60, clocks[i]);
		EXPECT_STATUS(DkxAddressWait(&word, how, 7, &d, 0, ALL),
			      TIMEOUT);
		EXPECT_TRUE(dkt_now() - start >= 60 * MSEC);
		EXPECT_TRUE(dkt_now() - start < 10 * SEC);
		/* A time of the other clock is far away, or long past. */
		d = in_ms(-1000, clocks[i]);
		EXPECT_STATUS(DkxAddressWait(&word, how, 7, &d, 0, ALL),
			      TIMEOUT);
	}
	d = (struct dk_deadline){ 0, 0 };
	EXPECT_STATUS(DkxAddressWait(&word, PRIVATE_WAIT, 7, &d, 0, ALL),
		      TIMEOUT);
	d = in_ms(0, DK_CLOCK_MONOTONIC);
	EXPECT_STATUS(DkxAddressWait(&word,
				     PRIVATE_WAIT | DK_ADDRESS_WALL_CLOCK, 7,
				     &d, 0, ALL),
		      TIMEOUT);
	d = (struct dk_deadline){ 1, 1000000000 };
	EXPECT_STATUS(DkxAddressWait(&word, PRIVATE_WAIT, 7, &d, 0, ALL),
		      INVALID_PARAMETER);
	d = (struct dk_deadline){ 1, -1 };
	EXPECT_STATUS(DkxAddressWait(&word, PRIVATE_WAIT, 7, &d, 0, ALL),
		      INVALID_PARAMETER);
	d = (struct dk_deadline){ -1, 0 };
	EXPECT_STATUS(DkxAddressWait(&word, PRIVATE_WAIT, 7, &d, 0, ALL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxAddressWait(&word, PRIVATE_WAIT, 7, (void *)8, 0, ALL),
		      INVALID_POINTER);
}

TEST(arguments)
{
	u8 *page = dkt_pages(1);
	void *gone = page;

	word = 7;
#define WAIT(...)	DkxAddressWait(__VA_ARGS__)
#define WAKE(...)	DkxAddressWake(__VA_ARGS__)
	EXPECT_STATUS(WAIT((u8 *)&word + 1, PRIVATE_WAIT, 7, NULL, 0, ALL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAIT(&word, PRIVATE_WAIT, 7, NULL, 0, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAIT(&word, PRIVATE_WAIT, 7, NULL, 0, ALL + 1),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAIT(&word, PRIVATE_WAIT, 7, NULL, 1, ALL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAIT(&word, PRIVATE_WAIT, 1ULL << 32 | 7, NULL, 0, ALL),
		      INVALID_PARAMETER);
	/* Every other operation of futex(2), and what wakes does not wait. */
	for (u64 operation = 0; operation < 16; operation++) {
		if (operation != DK_ADDRESS_WAIT)
			EXPECT_STATUS(WAIT(&word, operation, 7, NULL, 0, ALL),
				      INVALID_PARAMETER);
		if (operation < 3 || (operation > 5 && operation != 10))
			EXPECT_STATUS(WAKE(&word, operation, 1, 0, NULL, ALL),
				      INVALID_PARAMETER);
	}
	EXPECT_STATUS(WAKE(&word, PRIVATE_WAKE | DK_ADDRESS_WALL_CLOCK, 1, 0,
			   NULL, ALL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, PRIVATE_WAKE, 1ULL << 31, 0, NULL, ALL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, PRIVATE_WAKE, 1, 1, NULL, ALL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, PRIVATE_WAKE, 1, 0, &other, ALL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, PRIVATE_WAKE, 1, 0, NULL, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_REQUEUE, 1, 0, &other, 1),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_REQUEUE, 1, 1ULL << 31, &other, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_REQUEUE, 1, 1, (u8 *)&other + 2,
			   0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_COMPARE_REQUEUE, 1, 1, &other, 8),
		      WOULD_BLOCK);
	/* A change, a test and a shift that do not exist. */
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_WAKE_OPERATION, 1, 1, &other,
			   5U << 28),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_WAKE_OPERATION, 1, 1, &other,
			   6U << 24),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_WAKE_OPERATION, 1, 1, &other,
			   8U << 28 | 32U << 12),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_WAKE_OPERATION, 1, 1, &other,
			   8U << 28 | 0xfffU << 12),
		      INVALID_PARAMETER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_WAKE_OPERATION, 1, 1, &other,
			   1ULL << 32),
		      INVALID_PARAMETER);

	DkVirtualMemoryFree(page, PAGE, DK_MEM_RELEASE);
	EXPECT_STATUS(WAIT(gone, PRIVATE_WAIT, 7, NULL, 0, ALL),
		      INVALID_POINTER);
	EXPECT_STATUS(WAIT(gone, DK_ADDRESS_WAIT, 7, NULL, 0, ALL),
		      INVALID_POINTER);
	EXPECT_STATUS(WAIT(NULL, PRIVATE_WAIT, 7, NULL, 0, ALL),
		      INVALID_POINTER);
	EXPECT_STATUS(WAIT((void *)0xffff888000000000, PRIVATE_WAIT, 7, NULL, 0,
			   ALL),
		      INVALID_POINTER);
	EXPECT_STATUS(WAIT((void *)dkt_parameters->address_limit, PRIVATE_WAIT,
			   7, NULL, 0, ALL),
		      INVALID_POINTER);
	EXPECT_STATUS(WAKE(gone, DK_ADDRESS_WAKE, 1, 0, NULL, ALL),
		      INVALID_POINTER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_REQUEUE, 1, 1, gone, 0),
		      INVALID_POINTER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_REQUEUE, 1, 1,
			   (void *)0xffffffff81000000, 0),
		      INVALID_POINTER);
	EXPECT_STATUS(WAKE(&word, DK_ADDRESS_WAKE_OPERATION, 1, 1, gone, 0),
		      INVALID_POINTER);
	EXPECT_STATUS(WAKE(gone, DK_ADDRESS_COMPARE_REQUEUE, 1, 1, &other, 0),
		      INVALID_POINTER);
}

/* ---- sleepers ---- */

static struct sleeper {
	u32 *at;
	u64 operation, bits;
	s64 status;
	u32 done;
} sleepers[16];

static DK_HANDLE threads[16];
static int asleep;
static u32 ended;

static void sleeper(u64 i)
{
	struct sleeper *s = &sleepers[i];

	s->status =
		DkxAddressWait(s->at, s->operation, *s->at, NULL, 0, s->bits);
	s->done = 1 + __atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
}

/* One more thread, which sleeps at @at when this returns, or soon. */
static void put_to_sleep(u32 *at, u64 operation, u64 bits)
{
	sleepers[asleep] = (struct sleeper){
		.at = at, .operation = operation, .bits = bits, .status = POISON
	};
	threads[asleep] = dkt_thread(sleeper, asleep);
	asleep++;
	sleep_ms(60);
}

static void all_end(void)
{
	for (int i = 0; i < asleep; i++) {
		EXPECT_TRUE(dkt_wait(threads[i]));
		EXPECT_EQ(sleepers[i].status, 0);
		DkObjectClose(threads[i]);
	}
	EXPECT_EQ(ended, asleep);
	asleep = 0;
	ended = 0;
}

static void wait_for_ended(u32 n)
{
	for (int i = 0; i < 3000 && ended < n; i++)
		sleep_ms(10);
	EXPECT_EQ(ended, n);
}

TEST(wake_in_order)
{
	word = 1;
	for (int i = 0; i < 4; i++)
		put_to_sleep(&word, PRIVATE_WAIT, ALL);
	EXPECT_EQ(wake(&other, 10), 0);
	/* Private and shared waiters are not the same. */
	EXPECT_EQ(DkxAddressWake(&word, DK_ADDRESS_WAKE, 10, 0, NULL, ALL), 0);
	EXPECT_EQ(wake(&word, 1), 1);
	wait_for_ended(1);
	EXPECT_EQ(sleepers[0].done, 1);
	EXPECT_EQ(wake(&word, 2), 2);
	wait_for_ended(3);
	EXPECT_EQ(sleepers[3].done, 0);
	EXPECT_EQ(wake(&word, 100), 1);
	all_end();
	EXPECT_EQ(wake(&word, 100), 0);
}

TEST(bits)
{
	word = 1;
	put_to_sleep(&word, PRIVATE_WAIT, 1);
	put_to_sleep(&word, PRIVATE_WAIT, 2);
	put_to_sleep(&word, PRIVATE_WAIT, 6);
	EXPECT_EQ(DkxAddressWake(&word, PRIVATE_WAKE, 9, 0, NULL, 8), 0);
	EXPECT_EQ(DkxAddressWake(&word, PRIVATE_WAKE, 1, 0, NULL, 4), 1);
	wait_for_ended(1);
	EXPECT_EQ(sleepers[2].done, 1);
	EXPECT_EQ(DkxAddressWake(&word, PRIVATE_WAKE, 9, 0, NULL, 3), 2);
	all_end();
}

TEST(requeue)
{
	word = 1;
	other = 1;
	for (int i = 0; i < 4; i++)
		put_to_sleep(&word, PRIVATE_WAIT, ALL);
	EXPECT_STATUS(DkxAddressWake(&word,
				     DK_ADDRESS_COMPARE_REQUEUE |
					     DK_ADDRESS_PRIVATE,
				     1, 9, &other, 2),
		      WOULD_BLOCK);
	EXPECT_EQ(ended, 0);
	EXPECT_EQ(DkxAddressWake(&word,
				 DK_ADDRESS_COMPARE_REQUEUE |
					 DK_ADDRESS_PRIVATE,
				 1, 2, &other, 1),
		  3);
	wait_for_ended(1);
	EXPECT_EQ(wake(&other, 9), 2);
	wait_for_ended(3);
	EXPECT_EQ(DkxAddressWake(&word, DK_ADDRESS_REQUEUE | DK_ADDRESS_PRIVATE,
				 0, 9, &other, 0),
		  1);
	EXPECT_EQ(wake(&word, 9), 0);
	EXPECT_EQ(wake(&other, 9), 1);
	all_end();
}

/* FUTEX_OP() of linux/futex.h. */
#define OPERATION(op, argument, cmp, cmp_argument)			\
	((u64)((op) & 15) << 28 | ((cmp) & 15) << 24 |			\
	 ((argument) & 0xfff) << 12 | ((cmp_argument) & 0xfff))
enum { SET, ADD, OR, ANDN, XOR, SHIFT = 8 };
enum { EQ, NE, LT, LE, GT, GE };

TEST(wake_operation)
{
	u64 operation = DK_ADDRESS_WAKE_OPERATION | DK_ADDRESS_PRIVATE;

	word = 1;
	other = 5;
	put_to_sleep(&word, PRIVATE_WAIT, ALL);
	put_to_sleep(&other, PRIVATE_WAIT, ALL);
	/* The test fails: the second word is changed and nobody there woken. */
	EXPECT_EQ(DkxAddressWake(&word, operation, 0, 9, &other,
				 OPERATION(ADD, 2, GT, 5)),
		  1);
	EXPECT_EQ(other, 7);
	wait_for_ended(1);
	EXPECT_EQ(sleepers[1].done, 0);
	EXPECT_EQ(DkxAddressWake(&word, operation, 9, 9, &other,
				 OPERATION(SET, 3, EQ, 7)),
		  1);
	EXPECT_EQ(other, 3);
	all_end();
	EXPECT_EQ(DkxAddressWake(&word, operation, 9, 9, &other,
				 OPERATION(OR | SHIFT, 31, GE, 0)),
		  0);
	EXPECT_EQ(other, 0x80000003);
	EXPECT_EQ(DkxAddressWake(&word, operation, 9, 9, &other,
				 OPERATION(ANDN, 1, LT, 0)),
		  0);
	EXPECT_EQ(other, 0x80000002);
	EXPECT_EQ(DkxAddressWake(&word, operation, 9, 9, &other,
				 OPERATION(XOR, 3, NE, 0)),
		  0);
	EXPECT_EQ(other, 0x80000001);
}

/* Two mappings of one file: different addresses, one word. */
TEST(shared_between_mappings)
{
	char uri[128];
	void *a = NULL, *b = NULL;
	DK_HANDLE file;

	dkt_snprintf(uri, sizeof(uri), "file:%s/rw/word", dkt_argument(1));
	file = dkt_open(uri, DK_ACCESS_READ | DK_ACCESS_WRITE, DK_OPEN_CREATE,
			DK_OPTION_MODE(0600));
	ASSERT_OK(DkStreamSetLength(file, PAGE));
	ASSERT_OK(DkStreamMap(file, &a, PAGE, 0, DK_PROT_READ | DK_PROT_WRITE,
			      DK_MAP_SHARED));
	ASSERT_OK(DkStreamMap(file, &b, PAGE, 0, DK_PROT_READ | DK_PROT_WRITE,
			      DK_MAP_SHARED));
	ASSERT_NE((u64)a, (u64)b);
	put_to_sleep(a, DK_ADDRESS_WAIT, ALL);
	EXPECT_EQ(wake(b, 1), 0);
	EXPECT_EQ(DkxAddressWake(b, DK_ADDRESS_WAKE, 1, 0, NULL, ALL), 1);
	all_end();
	DkStreamUnmap(a, PAGE);
	DkStreamUnmap(b, PAGE);
	DkObjectClose(file);
	DkStreamDelete(URI(uri), DK_DELETE_FILE);
}

/* ---- many: a lock made of a word ---- */

static u32 lock;
static u64 guarded;

#define ROUNDS	2000

static void take_turns(u64 parameter)
{
	for (int i = 0; i < ROUNDS; i++) {
		u32 was = 0;

		if (!__atomic_compare_exchange_n(&lock, &was, 1, false,
						 __ATOMIC_SEQ_CST,
						 __ATOMIC_SEQ_CST))
			while (__atomic_exchange_n(&lock, 2, __ATOMIC_SEQ_CST))
				DkxAddressWait(&lock, PRIVATE_WAIT, 2, NULL, 0,
					       ALL);
		guarded++;
		if (__atomic_exchange_n(&lock, 0, __ATOMIC_SEQ_CST) == 2)
			wake(&lock, 1);
	}
}

TEST(a_lock)
{
	for (int i = 0; i < 8; i++)
		threads[i] = dkt_thread(take_turns, i);
	for (int i = 0; i < 8; i++) {
		EXPECT_TRUE(dkt_wait(threads[i]));
		DkObjectClose(threads[i]);
	}
	EXPECT_EQ(guarded, 8 * ROUNDS);
}
