// SPDX-License-Identifier: GPL-2.0-only
/*
 * clocks MILLISECONDS: reads clocks by the time page and by calls, in several
 * threads, and prints "page N calls N wrong N": readings while the page could
 * be used and while it could not, and those not between a call before and a
 * call after. clocks.sh changes the host's clocks meanwhile.
 */
#include "dktest.h"

#define THREADS	3

static u64 by_page, by_call, wrong;
static s64 end;

static s64 ask(u64 clock)
{
	s64 now = 0;

	dkt_raw(DK_INDEX_DkSystemTimeQuery, clock, (u64)&now, 0, 0, 0, 0);
	return now;
}

static void count(u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void look(u64 seed)
{
	const volatile struct dk_time *page = (void *)dkt_parameters->time;

	for (u64 i = seed; ask(DK_CLOCK_MONOTONIC) < end; i++) {
		u64 clock = i % 3;
		s64 before, between = 0, after;

		before = ask(clock);
		DkSystemTimeQuery(clock, &between);
		after = ask(clock);
		if (between < before || between > after) {
			count(&wrong);
			dkt_print("# clock %lu: %ld %ld %ld\n",
				  (unsigned long)clock, (long)before,
				  (long)between, (long)after);
		}
		count(page && page->limit ? &by_page : &by_call);
	}
}

TEST(clocks)
{
	const char *text = dkt_argument(1);
	DK_HANDLE threads[THREADS];
	u64 duration = 0;

	while (*text >= '0' && *text <= '9')
		duration = duration * 10 + *text++ - '0';
	end = ask(DK_CLOCK_MONOTONIC) + duration * MSEC;
	for (u64 i = 0; i < THREADS; i++)
		threads[i] = dkt_thread(look, i);
	for (u64 i = 0; i < THREADS; i++)
		while (!dkt_wait(threads[i]))
			;
	dkt_print("page %lu calls %lu wrong %lu\n", (unsigned long)by_page,
		  (unsigned long)by_call, (unsigned long)wrong);
}
