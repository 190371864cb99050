// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * alarm, setitimer, getitimer.
 */
#include <clocks.h>
#include <libos.h>
#include <linux/time.h>
#include <signals.h>
#include <timers.h>

static void send(int signal)
{
	siginfo_t info = { .si_signo = signal, .si_code = SI_KERNEL };

	signal_send_process(&info);
}

static void fire_real(struct timer *timer __unused, u64 count __unused)
{
	send(SIGALRM);
}

static void fire_virtual(struct timer *timer __unused, u64 count __unused)
{
	send(SIGVTALRM);
}

static void fire_prof(struct timer *timer __unused, u64 count __unused)
{
	send(SIGPROF);
}

static struct timer timers[] = {
	[ITIMER_REAL] = { .clock = DK_CLOCK_MONOTONIC, .fire = fire_real },
	[ITIMER_VIRTUAL] = { .clock = TIMER_CLOCK_USER, .fire = fire_virtual },
	[ITIMER_PROF] = { .clock = DK_CLOCK_PROCESS_CPU, .fire = fire_prof },
};

void itimer_forked(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timers); i++)
		timer_set(&timers[i], 0, 0, NULL, NULL);
}

static s64 ns_of(const struct __kernel_old_timeval *tv)
{
	if (tv->tv_sec >= INT64_MAX / NSEC_PER_SEC / 2)
		return INT64_MAX / 2;
	return tv->tv_sec * NSEC_PER_SEC + tv->tv_usec * 1000;
}

/* A time that is left is at least a microsecond. */
static struct __kernel_old_timeval timeval_of(s64 ns)
{
	s64 us = (ns + 999) / 1000;

	return (struct __kernel_old_timeval){ us / 1000000, us % 1000000 };
}

/* In @first nanoseconds; 0 stops it. */
static long set(int which, s64 first, s64 interval, s64 *left, s64 *old)
{
	struct timer *timer = &timers[which];
	s64 expiry = 0;

	/* Who has stopped it is sent nothing any more. */
	timer_cancel(timer, left, old);
	if (first)
		expiry = timer_after(timer, first);
	return timer_set(timer, expiry, interval, NULL, NULL);
}

SYSCALL1(alarm, u32, seconds)
{
	s64 left, old;
	long r = set(ITIMER_REAL, seconds * NSEC_PER_SEC, 0, &left, &old);

	if (r)
		return r;
	/* Half a second and more counts as one, and nothing is never left. */
	if (!left)
		return 0;
	return MAX((left + NSEC_PER_SEC / 2) / NSEC_PER_SEC, 1);
}

SYSCALL2(getitimer, int, which, struct __kernel_old_itimerval *, to)
{
	struct __kernel_old_itimerval v;
	s64 left, interval;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	timer_get(&timers[which], &left, &interval);
	v.it_value = timeval_of(left);
	v.it_interval = timeval_of(interval);
	return user_put(v, to);
}

static bool valid(const struct __kernel_old_timeval *tv)
{
	return tv->tv_sec >= 0 && (u64)tv->tv_usec < 1000000;
}

SYSCALL3(setitimer, int, which, const struct __kernel_old_itimerval *, wanted,
	 struct __kernel_old_itimerval *, old)
{
	struct __kernel_old_itimerval n = { 0 }, o;
	s64 left, interval;
	long r;

	if (wanted && user_get(n, wanted))
		return -EFAULT;
	if (!valid(&n.it_value) || !valid(&n.it_interval) ||
	    which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	r = set(which, ns_of(&n.it_value), ns_of(&n.it_interval), &left,
		&interval);
	if (r || !old)
		return r;
	o.it_value = timeval_of(left);
	o.it_interval = timeval_of(interval);
	return user_put(o, old);
}
