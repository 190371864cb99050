// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time page: what it says is what the host says, for every thread, and
 * nobody can write it. clocks.sh changes the host's clocks meanwhile.
 */
#include "dktest.h"

#define THREADS	4
#define CLOCKS	3	/* DK_CLOCK_WALL, _MONOTONIC, _BOOT */

static const volatile struct dk_time *page(void)
{
	return (void *)dkt_parameters->time;
}

static s64 ask(u64 clock)
{
	s64 now = POISON;

	if (dkt_raw(DK_INDEX_DkSystemTimeQuery, clock, (u64)&now, 0, 0, 0, 0))
		dkt_fail("the host does not say the time");
	return now;
}

static s64 read(u64 clock)
{
	s64 now = POISON;

	EXPECT_OK(DkSystemTimeQuery(clock, &now));
	return now;
}

/* Calls that threads and the host have seen. */
static u64 calls_made(void)
{
	struct dkt_counts counts;

	dkt_counts(&counts);
	return counts.calls;
}

TEST(the_page_is_there)
{
	ASSERT_TRUE(page());
	EXPECT_EQ(dkt_parameters->time % PAGE, 0);
	/* The machine's clock is its counter: scripts/vm says tsc=reliable. */
	EXPECT_NE(page()->limit, 0);
	EXPECT_NE(page()->mult, 0);
	EXPECT_TRUE(page()->shift < 64);
}

TEST(between_two_calls)
{
	s64 before, between, after, widest = 0;

	for (u64 i = 0; i < 3000; i++) {
		u64 clock = i % CLOCKS;

		before = ask(clock);
		between = read(clock);
		after = ask(clock);
		if (between < before || between > after) {
			dkt_fail("clock %lu: %ld, not between %ld and %ld",
				 (unsigned long)clock, (long)between,
				 (long)before, (long)after);
			return;
		}
		if (after - before > widest)
			widest = after - before;
	}
	dkt_print("# at most %ld ns apart\n", (long)widest);
}

TEST(no_call_is_made)
{
	u64 before, made;

	if (!page()->limit)
		return dkt_skip("the clock is not the counter");
	before = calls_made();
	for (int i = 0; i < 10000; i++)
		read(i % CLOCKS);
	made = calls_made() - before;
	/* Those that asked for the counts; and the page may just change. */
	EXPECT_LT(made, 200);
	before = calls_made();
	for (int i = 0; i < 1000; i++)
		read(DK_CLOCK_THREAD_CPU);
	EXPECT_GE(calls_made() - before, 1000);
}

TEST(other_clocks_are_asked_for)
{
	s64 t = POISON;

	EXPECT_OK(DkSystemTimeQuery(DK_CLOCK_PROCESS_CPU, &t));
	EXPECT_TRUE(t > 0 && t < 1000 * SEC);
	t = POISON;
	EXPECT_STATUS(DkSystemTimeQuery(5, &t), INVALID_PARAMETER);
	EXPECT_STATUS(DkSystemTimeQuery(~0ULL, &t), INVALID_PARAMETER);
	EXPECT_EQ(t, POISON);
}

/* ---- one after the other, across threads ---- */

static s64 latest[CLOCKS];
static u64 backwards, rounds;
static bool stop;

static void look(u64 seed)
{
	for (u64 i = seed; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
		u64 clock = i % CLOCKS;
		s64 seen = __atomic_load_n(&latest[clock], __ATOMIC_ACQUIRE);
		s64 now = read(clock);

		if (now < seen)
			__atomic_fetch_add(&backwards, 1, __ATOMIC_RELAXED);
		while (now > seen &&
		       !__atomic_compare_exchange_n(&latest[clock], &seen, now,
						    false, __ATOMIC_ACQ_REL,
						    __ATOMIC_ACQUIRE))
			;
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
	}
}

TEST(no_thread_sees_time_go_back)
{
	DK_HANDLE threads[THREADS];
	s64 remaining;

	for (u64 i = 0; i < THREADS; i++)
		threads[i] = dkt_thread(look, i);
	DkThreadDelayExecution(1500 * MSEC, &remaining);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (u64 i = 0; i < THREADS; i++)
		EXPECT_TRUE(dkt_wait(threads[i]));
	EXPECT_EQ(backwards, 0);
	EXPECT_GE(rounds, 1000);
	dkt_print("# %lu readings\n", (unsigned long)rounds);
}

/* What threads that end have run stays in the process's time. */

static void burn(u64 unused)
{
	s64 end = read(DK_CLOCK_MONOTONIC) + 6 * MSEC;

	while (read(DK_CLOCK_MONOTONIC) < end)
		;
}

static void watch(u64 unused)
{
	s64 last = 0, now;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		now = read(DK_CLOCK_PROCESS_CPU);
		if (now < last)
			__atomic_add_fetch(&backwards, 1, __ATOMIC_RELAXED);
		last = now;
	}
}

TEST(processor_time_does_not_go_back)
{
	s64 end = read(DK_CLOCK_MONOTONIC) + 3000 * MSEC, ended = 0;
	DK_HANDLE watcher;

	backwards = 0;
	__atomic_store_n(&stop, false, __ATOMIC_RELAXED);
	watcher = dkt_thread(watch, 0);
	while (read(DK_CLOCK_MONOTONIC) < end) {
		EXPECT_TRUE(dkt_wait(dkt_thread(burn, 0)));
		ended++;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	EXPECT_TRUE(dkt_wait(watcher));
	EXPECT_EQ(backwards, 0);
	EXPECT_GE(ended, 10);
	EXPECT_GE(read(DK_CLOCK_PROCESS_CPU), ended * MSEC);
	dkt_print("# %ld threads have ended\n", (long)ended);
}

/* Not only what ticks have counted: they are milliseconds apart. */
TEST(processor_time_is_exact)
{
	static const u64 clocks[] = {
		DK_CLOCK_PROCESS_CPU,
		DK_CLOCK_THREAD_CPU,
	};

	for (int i = 0; i < ARRAY_SIZE(clocks); i++) {
		s64 last = read(clocks[i]), now;
		int moved = 0;

		for (int j = 0; j < 1000; j++, last = now) {
			now = read(clocks[i]);
			moved += now > last;
		}
		EXPECT_GE(moved, 990);
	}
}

/* ---- read-only ---- */

static u64 faults;

static bool skip_store(struct dk_exception *exception,
		       struct dk_context *context)
{
	faults++;
	context->rip += 3; /* movb $1, (%rax) */
	return true;
}

static bool can_be_written(void)
{
	u64 before = faults;

	dkt_exception = skip_store;
	asm volatile("movb $1, (%%rax)" : : "a"(page()) : "memory");
	dkt_exception = NULL;
	return faults == before;
}

TEST(it_cannot_be_written)
{
	static const u64 protections[] = {
		DK_PROT_READ | DK_PROT_WRITE,
		DK_PROT_WRITE,
		DK_PROT_READ | DK_PROT_EXECUTE,
	};
	u64 done, sequence;
	DK_HANDLE file;

	EXPECT_FALSE(can_be_written());
	for (int i = 0; i < ARRAY_SIZE(protections); i++) {
		EXPECT_STATUS(DkVirtualMemoryProtect((void *)page(), PAGE,
						     protections[i]),
			      ACCESS_DENIED);
		EXPECT_FALSE(can_be_written());
	}
	/* Nor does the host write there for us. */
	sequence = page()->mult;
	file = dkt_open("null:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	DkObjectClose(file);
	EXPECT_STATUS(DkRandomBitsRead((void *)page(), 8), INVALID_POINTER);
	EXPECT_STATUS(DkSystemTimeQuery(DK_CLOCK_THREAD_CPU, (void *)page()),
		      INVALID_POINTER);
	done = page()->mult;
	EXPECT_EQ(done, sequence);
	EXPECT_OK(DkVirtualMemoryProtect((void *)page(), PAGE, DK_PROT_READ));
	EXPECT_TRUE(read(DK_CLOCK_MONOTONIC) >= latest[DK_CLOCK_MONOTONIC]);
}
