// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * alarm and setitimer(ITIMER_REAL).
 *
 * The timer is a time at which SIGALRM is due. It is looked at when a system
 * call returns and bounds every sleep; a program that computes without a call
 * is not interrupted (see signals.h). The timers of CPU time would hardly ever
 * be right that way: they are not there.
 */
#include <libos.h>
#include <linux/time.h>
#include <signals.h>

bool timer_armed; /* read without the lock: a hint */

static s64 expiry, interval; /* DK_CLOCK_MONOTONIC; signal_lock */

static s64 ns_of(const struct __kernel_old_timeval *tv)
{
	if (tv->tv_sec >= INT64_MAX / NSEC_PER_SEC / 2)
		return INT64_MAX / 2;
	return tv->tv_sec * NSEC_PER_SEC + tv->tv_usec * 1000;
}

static struct __kernel_old_timeval timeval_of(s64 ns)
{
	return (struct __kernel_old_timeval){ ns / NSEC_PER_SEC,
					      ns % NSEC_PER_SEC / 1000 };
}

void timer_check(void)
{
	siginfo_t info = { .si_signo = SIGALRM, .si_code = SI_KERNEL };
	bool due = false;
	s64 now;

	if (!timer_armed)
		return;
	now = clock_now(DK_CLOCK_MONOTONIC);
	lock_acquire(&signal_lock);
	if (timer_armed && now >= expiry) {
		due = true;
		if (interval)
			expiry += ((now - expiry) / interval + 1) * interval;
		else
			timer_armed = false;
	}
	lock_release(&signal_lock);
	if (due)
		signal_send(&process_signals, &info);
}

s64 timer_due(void)
{
	s64 due = DK_TIMEOUT_INFINITE;

	lock_acquire(&signal_lock);
	if (timer_armed)
		due = MAX(expiry - clock_now(DK_CLOCK_MONOTONIC), 0);
	lock_release(&signal_lock);
	return due;
}

/* @first 0 stops it. The old settings: time left, and the interval. */
static void timer_set(s64 first, s64 repeat, s64 *left, s64 *old_interval)
{
	s64 now = clock_now(DK_CLOCK_MONOTONIC);

	lock_acquire(&signal_lock);
	/* An armed timer has at least a microsecond left. */
	*left = timer_armed ? MAX(expiry - now, 1000) : 0;
	*old_interval = timer_armed ? interval : 0;
	if (first >= 0) {
		timer_armed = first;
		expiry = now + first;
		interval = repeat;
	}
	lock_release(&signal_lock);
}

SYSCALL1(alarm, u32, seconds)
{
	s64 left, old;

	timer_set(seconds * NSEC_PER_SEC, 0, &left, &old);
	/* Half a second and more counts as one, and nothing is never left. */
	if (!left)
		return 0;
	return MAX((left + NSEC_PER_SEC / 2) / NSEC_PER_SEC, 1);
}

SYSCALL2(getitimer, int, which, struct __kernel_old_itimerval *, to)
{
	struct __kernel_old_itimerval v;
	s64 left, old;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	left = old = 0;
	if (which == ITIMER_REAL)
		timer_set(-1, 0, &left, &old);
	v.it_value = timeval_of(left);
	v.it_interval = timeval_of(old);
	return user_put(v, to);
}

SYSCALL3(setitimer, int, which, const struct __kernel_old_itimerval *, wanted,
	 struct __kernel_old_itimerval *, old)
{
	struct __kernel_old_itimerval n = { 0 }, o;
	s64 left, repeat;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (wanted && user_get(n, wanted))
		return -EFAULT;
	if (n.it_value.tv_sec < 0 || n.it_interval.tv_sec < 0 ||
	    (u64)n.it_value.tv_usec >= 1000000 ||
	    (u64)n.it_interval.tv_usec >= 1000000)
		return -EINVAL;
	if (which != ITIMER_REAL)
		return -ENOSYS;
	timer_set(ns_of(&n.it_value), ns_of(&n.it_interval), &left, &repeat);
	if (!old)
		return 0;
	o.it_value = timeval_of(left);
	o.it_interval = timeval_of(repeat);
	return user_put(o, old);
}
