// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Clocks and sleeping.
 */
#include <clocks.h>
#include <libos.h>
#include <linux/time.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <timers.h>

/* CPU clock ids of processes and threads: ~pid << 3 | 4 for a thread | kind */
#define CPU_CLOCK_THREAD	4
#define CPU_CLOCK_KIND		3	/* 3: no clock of this kind */

/* The host's clock behind Linux's @id, or -EINVAL. */
static long clock_of(int id)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		return DK_CLOCK_WALL;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		return DK_CLOCK_MONOTONIC;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return DK_CLOCK_BOOT;
	case CLOCK_PROCESS_CPUTIME_ID:
		return DK_CLOCK_PROCESS_CPU;
	case CLOCK_THREAD_CPUTIME_ID:
		return DK_CLOCK_THREAD_CPU;
	}
	if (id < 0) {
		u32 who = ~(id >> 3);

		if ((id & CPU_CLOCK_KIND) == CPU_CLOCK_KIND)
			return -EINVAL;
		if (who &&
		    who != (id & CPU_CLOCK_THREAD ? self()->tid : process.pid))
			return -EINVAL;
		return id & CPU_CLOCK_THREAD ? DK_CLOCK_THREAD_CPU :
					       DK_CLOCK_PROCESS_CPU;
	}
	return -EINVAL;
}

/*
 * The processor time of another process, or of another thread of this one; it
 * is told if @now is not NULL.
 */
static long others_cpu_time(int id, s64 *now)
{
	u32 who = ~(id >> 3);
	struct process_entry *entry;
	struct libos_thread *t;
	struct usage usage;
	bool found;

	if (id >= 0 || (id & CPU_CLOCK_KIND) == CPU_CLOCK_KIND)
		return -EINVAL;
	if (id & CPU_CLOCK_THREAD) {
		t = thread_find(who);
		found = t && usage_of_thread(t, &usage);
		thread_put(t);
	} else {
		entry = table_find(who);
		found = entry && usage_of_other(entry, &usage);
	}
	if (!found)
		return -EINVAL;
	if (now)
		*now = usage.run_time;
	return 0;
}

SYSCALL2(clock_gettime, int, id, struct __kernel_timespec *, to)
{
	struct __kernel_timespec ts;
	long clock = clock_of(id);
	s64 now;

	if (clock < 0) {
		clock = others_cpu_time(id, &now);
		if (clock)
			return clock;
		ts = timespec_of(now);
		return user_put(ts, to);
	}
	ts = timespec_of(clock_now(clock));
	return user_put(ts, to);
}

SYSCALL2(clock_getres, int, id, struct __kernel_timespec *, to)
{
	struct __kernel_timespec ts = { .tv_nsec = 1 };
	long clock = clock_of(id);

	if (clock < 0)
		clock = others_cpu_time(id, NULL);
	if (clock < 0)
		return clock;
	if (id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE)
		ts.tv_nsec = 4000000;
	return to ? user_put(ts, to) : 0;
}

SYSCALL2(gettimeofday, struct __kernel_old_timeval *, to, struct timezone *,
	 zone)
{
	s64 now = clock_now(DK_CLOCK_WALL);
	struct __kernel_old_timeval tv = { now / NSEC_PER_SEC,
					   now % NSEC_PER_SEC / 1000 };

	if (to && user_put(tv, to))
		return -EFAULT;
	return zone ? user_clear(zone, sizeof(*zone)) : 0;
}

SYSCALL1(time, s64 *, to)
{
	s64 now = clock_now(DK_CLOCK_WALL) / NSEC_PER_SEC;

	if (to && user_put(now, to))
		return -EFAULT;
	return now;
}

#define LOOK_AGAIN	(NSEC_PER_SEC / 1000)

/*
 * By the time of all processors together, which no timer of the host's runs by:
 * look again when, with all of them busy, it could have come.
 */
static s64 time_to_look(u64 clock, s64 end)
{
	s64 left = end - clock_now(clock);

	if (left <= 0)
		return 0;
	left /= process.parameters->cpu_count;
	return clock_now(DK_CLOCK_MONOTONIC) + MAX(left, LOOK_AGAIN);
}

static long sleep_by_cpu(u64 clock, s64 end, s64 *left)
{
	s64 look;

	while ((look = time_to_look(clock, end))) {
		signal_wait(DK_CLOCK_MONOTONIC, look);
		if (signal_interrupts()) {
			*left = end - clock_now(clock);
			return *left > 0 ? -EINTR : 0;
		}
	}
	return 0;
}

/* 0, or -EINTR with *left nanoseconds. */
static long sleep_until(u64 clock, s64 end, s64 *left)
{
	if (clock == DK_CLOCK_PROCESS_CPU)
		return sleep_by_cpu(clock, end, left);
	/* The host waits by two clocks only. */
	if (clock == DK_CLOCK_BOOT) {
		end -= clock_now(DK_CLOCK_BOOT) - clock_now(DK_CLOCK_MONOTONIC);
		clock = DK_CLOCK_MONOTONIC;
	}
	for (;;) {
		if (signal_wait(clock, end) == -ETIMEDOUT)
			return 0;
		if (signal_interrupts()) {
			*left = end - clock_now(clock);
			return *left > 0 ? -EINTR : 0;
		}
	}
}

/* Clocks of Linux's that are only read. */
static bool can_sleep_by(int id)
{
	return id != CLOCK_MONOTONIC_RAW && id != CLOCK_MONOTONIC_COARSE &&
	       id != CLOCK_REALTIME_COARSE && id != CLOCK_THREAD_CPUTIME_ID;
}

SYSCALL4(clock_nanosleep, int, id, int, flags, const struct __kernel_timespec *,
	 from, struct __kernel_timespec *, remaining)
{
	long clock = clock_of(id), r;
	struct __kernel_timespec ts;
	s64 end, left;

	if (clock < 0)
		return clock;
	if (!can_sleep_by(id))
		return -EOPNOTSUPP;
	if (clock == DK_CLOCK_THREAD_CPU)
		return -EINVAL;
	if (user_get(ts, from))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	if (timer_wakes_machine(id))
		return -EPERM;
	if (flags & TIMER_ABSTIME) {
		r = sleep_until(clock, timespec_ns(&ts), &left);
		return r ? -ERESTARTNOHAND : 0;
	}
	/* Of a relative sleep, setting the clock changes nothing. */
	clock = clock == DK_CLOCK_WALL ? DK_CLOCK_MONOTONIC : clock;
	end = deadline_after(clock, timespec_ns(&ts));
	if (end == DK_TIMEOUT_INFINITE)
		end = INT64_MAX;
	r = sleep_until(clock, end, &left);
	if (r && remaining) {
		ts = timespec_of(left);
		if (user_put(ts, remaining))
			return -EFAULT;
	}
	return r;
}

SYSCALL2(nanosleep, const struct __kernel_timespec *, from,
	 struct __kernel_timespec *, remaining)
{
	return do_clock_nanosleep(CLOCK_MONOTONIC, 0, from, remaining);
}
