// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The timers' lists and the thread that watches them; see timers.h.
 */
#include <clocks.h>
#include <libos.h>
#include <linux/time.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <timers.h>

#define CPU_PAUSE_MIN	1000000LL	/* between two looks at CPU time */
#define CPU_PAUSE_MAX	50000000LL

/* Behind LIST_WALL, CPU time. */
enum { LIST_MONOTONIC, LIST_WALL, LIST_CPU, LIST_USER, LIST_THREADS, LISTS };

static const u64 clocks[LISTS] = { DK_CLOCK_MONOTONIC, DK_CLOCK_WALL,
				   DK_CLOCK_PROCESS_CPU, TIMER_CLOCK_USER,
				   TIMER_CLOCK_THREAD };

static struct lock timer_lock;
/* The next one first; but of LIST_THREADS each has another clock. */
static struct timer *lists[LISTS];
static struct timer *firing;
static bool helper_runs;
static u32 changes; /* what the helper waits at */

static int list_of(u64 clock)
{
	int i;

	for (i = 0; clocks[i] != clock; i++)
		;
	return i;
}

static s64 now_by(const struct timer *timer)
{
	struct usage usage;

	switch (timer->clock) {
	case TIMER_CLOCK_USER:
		usage_of_process(&usage);
		return usage.user_time;
	case TIMER_CLOCK_THREAD:
		/* Of one that has ended nothing comes any more. */
		return usage_of_thread(timer->thread, &usage) ?
			       (s64)usage.run_time :
			       0;
	default:
		return clock_now(timer->clock);
	}
}

s64 timer_after(const struct timer *timer, s64 duration)
{
	s64 end;

	if (__builtin_add_overflow(now_by(timer), duration, &end))
		return INT64_MAX;
	return MAX(end, 1);
}

/* Those to look at, of one list. */
static struct timer *next_of(const struct timer *timer)
{
	return timer->clock == TIMER_CLOCK_THREAD ? timer->next : NULL;
}

static void insert(struct timer *timer)
{
	struct timer **at = &lists[list_of(timer->clock)];

	while (*at && (*at)->expiry <= timer->expiry)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
	timer->armed = true;
}

static void remove(struct timer *timer)
{
	struct timer **at = &lists[list_of(timer->clock)];

	if (!timer->armed)
		return;
	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer->armed = false;
}

/* ---- the helper ---- */

/*
 * One that is due, rearmed if it repeats. The lists take turns: one that is
 * always due again does not keep the others waiting.
 */
static struct timer *take_due(u64 *count)
{
	static int turn;
	struct timer *timer;
	s64 now = 0, next;
	int i, looked;

	for (looked = 0; looked < LISTS; looked++) {
		i = turn;
		turn = (turn + 1) % LISTS;
		for (timer = lists[i]; timer; timer = next_of(timer)) {
			now = now_by(timer);
			if (timer->expiry <= now)
				break;
		}
		if (!timer)
			continue;
		remove(timer);
		*count = 1;
		if (timer->interval) {
			*count += (now - timer->expiry) / timer->interval;
			if (__builtin_mul_overflow(*count, timer->interval,
						   &next) ||
			    __builtin_add_overflow(timer->expiry, next,
						   &timer->expiry))
				timer->expiry = INT64_MAX; /* never */
			insert(timer);
		}
		return timer;
	}
	return NULL;
}

/* How long not to look at CPU time; less and less often while nothing runs. */
static s64 cpu_pause(void)
{
	static s64 pause = CPU_PAUSE_MIN, used_before, before;
	s64 used = clock_now(DK_CLOCK_PROCESS_CPU);
	s64 now = clock_now(DK_CLOCK_MONOTONIC);

	/* The helper itself uses less than that. */
	if (used - used_before < (now - before) / 4)
		pause = MIN(2 * pause, CPU_PAUSE_MAX);
	else
		pause = CPU_PAUSE_MIN;
	used_before = used;
	before = now;
	return pause;
}

/*
 * When so much CPU time can have been used at the earliest: by threads, too,
 * that are not there yet.
 */
static s64 cpu_left(const struct timer *timer, s64 left)
{
	return timer->clock == TIMER_CLOCK_THREAD ?
		       left :
		       left / process.parameters->cpu_count;
}

/* How to wait for what is next: false, for ever. */
static bool next_end(u64 *clock, s64 *end)
{
	s64 best = 0, now, left, pause = 0;
	struct timer *timer;
	bool any = false;
	int i;

	for (i = 0; i < LISTS; i++) {
		for (timer = lists[i]; timer; timer = next_of(timer)) {
			now = now_by(timer);
			left = timer->expiry - now;
			if (i > LIST_WALL) {
				pause = pause ? pause : cpu_pause();
				left = MAX(cpu_left(timer, left), pause);
				now = clock_now(DK_CLOCK_MONOTONIC);
			}
			if (any && left >= best)
				continue;
			any = true;
			best = left;
			*clock = i == LIST_WALL ? DK_CLOCK_WALL :
						  DK_CLOCK_MONOTONIC;
			if (__builtin_add_overflow(now, left, end))
				*end = INT64_MAX;
		}
	}
	return any;
}

static void helper(void)
{
	u64 clock = DK_CLOCK_MONOTONIC, operation, count;
	struct dk_deadline deadline;
	struct timer *timer;
	s64 end = 0;
	u32 seen;
	bool any;

	for (;;) {
		lock_acquire(&timer_lock);
		timer = take_due(&count);
		firing = timer;
		seen = changes;
		any = !timer && next_end(&clock, &end);
		lock_release(&timer_lock);
		if (timer) {
			timer->fire(timer, count);
			__atomic_store_n(&firing, NULL, __ATOMIC_SEQ_CST);
			continue;
		}
		operation = DK_ADDRESS_WAIT | DK_ADDRESS_PRIVATE;
		if (any) {
			deadline.seconds = MAX(end, 0) / NSEC_PER_SEC;
			deadline.nanoseconds = MAX(end, 0) % NSEC_PER_SEC;
			if (clock == DK_CLOCK_WALL)
				operation |= DK_ADDRESS_WALL_CLOCK;
		}
		DkxAddressWait(&changes, operation, seen,
			       any ? &deadline : NULL, 0, DK_ADDRESS_ALL_BITS);
	}
}

/* ---- for the others ---- */

long timer_prepare(void)
{
	bool start;
	long r = 0;

	lock_acquire(&timer_lock);
	start = !helper_runs;
	helper_runs = true;
	lock_release(&timer_lock);
	if (start)
		r = thread_start_helper(helper);
	if (r) {
		lock_acquire(&timer_lock);
		helper_runs = false;
		lock_release(&timer_lock);
	}
	return r ? -EAGAIN : 0;
}

static void get_locked(struct timer *timer, s64 *left, s64 *interval)
{
	s64 rest = 0;

	/* One that is armed has something left. */
	if (timer->armed)
		rest = MAX(timer->expiry - now_by(timer), 1);
	if (left)
		*left = rest;
	if (interval)
		*interval = timer->interval;
}

void timer_get(struct timer *timer, s64 *left, s64 *interval)
{
	lock_acquire(&timer_lock);
	get_locked(timer, left, interval);
	lock_release(&timer_lock);
}

long timer_set(struct timer *timer, s64 expiry, s64 interval, s64 *left,
	       s64 *old_interval)
{
	long r = expiry ? timer_prepare() : 0;
	bool first = false;

	if (r)
		return r;
	lock_acquire(&timer_lock);
	get_locked(timer, left, old_interval);
	remove(timer);
	timer->expiry = expiry;
	timer->interval = interval;
	if (expiry) {
		insert(timer);
		first = timer->clock == TIMER_CLOCK_THREAD ||
			lists[list_of(timer->clock)] == timer;
		changes += first;
	}
	lock_release(&timer_lock);
	if (first)
		DkxAddressWake(&changes, DK_ADDRESS_WAKE | DK_ADDRESS_PRIVATE,
			       1, 0, NULL, DK_ADDRESS_ALL_BITS);
	return 0;
}

void timer_cancel(struct timer *timer, s64 *left, s64 *old_interval)
{
	lock_acquire(&timer_lock);
	get_locked(timer, left, old_interval);
	remove(timer);
	timer->interval = 0;
	lock_release(&timer_lock);
	timer_settle(timer);
}

void timer_settle(const struct timer *timer)
{
	while (__atomic_load_n(&firing, __ATOMIC_SEQ_CST) == timer)
		DkThreadYieldExecution();
}

/* ---- of a call ---- */

static void fire_timeout(struct timer *timer, u64 count __unused)
{
	signal_interrupt(timer->thread);
}

long timeout_begin(struct timer *timer, s64 deadline)
{
	*timer = (struct timer){ .clock = DK_CLOCK_MONOTONIC,
				 .thread = self(),
				 .fire = fire_timeout };
	__atomic_store_n(&self()->timeout, timer, __ATOMIC_RELEASE);
	return timer_set(timer, MAX(deadline, 1), 0, NULL, NULL);
}

void timeout_end(struct timer *timer)
{
	timer_cancel(timer, NULL, NULL);
	__atomic_store_n(&self()->timeout, NULL, __ATOMIC_RELEASE);
}

void timeout_forked(struct libos_thread *t)
{
	if (t->timeout)
		timer_set(t->timeout, 0, 0, NULL, NULL);
	t->timeout = NULL;
}

/* ---- clocks ---- */

long timer_clock(int id)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		return DK_CLOCK_WALL;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return DK_CLOCK_MONOTONIC;
	case CLOCK_PROCESS_CPUTIME_ID:
		return DK_CLOCK_PROCESS_CPU;
	default:
		return -EINVAL;
	}
}

bool timer_wakes_machine(int id)
{
	return id == CLOCK_REALTIME_ALARM || id == CLOCK_BOOTTIME_ALARM;
}

/* An absolute time of Linux's clock @id, by the host's. Never 0: a past one. */
s64 timer_adjust(int id, s64 expiry)
{
	if (id == CLOCK_BOOTTIME || id == CLOCK_BOOTTIME_ALARM)
		expiry -= clock_now(DK_CLOCK_BOOT) -
			  clock_now(DK_CLOCK_MONOTONIC);
	return MAX(expiry, 1);
}

/* The helper is the parent's, and so are all timers but those of timerfds. */
void timer_forked(void)
{
	firing = NULL;
	helper_runs = false;
	itimer_forked();
	posix_timer_forked();
}

/* Those of timerfds go on, by a helper of the child's own. */
void timer_go_on(void)
{
	int i;

	for (i = 0; i < LISTS; i++) {
		if (lists[i]) {
			timer_prepare();
			break;
		}
	}
}
