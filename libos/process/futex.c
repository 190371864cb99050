// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * futex, for one thread: nobody else can wake it or wait for it.
 */
#include <libos.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <signals.h>

/* Time that is left of a wait, nanoseconds. */
static long wait_end(int operation, const struct __kernel_timespec *timeout,
		     u64 *clock, s64 *end)
{
	struct __kernel_timespec ts;

	*clock = operation & FUTEX_CLOCK_REALTIME ? DK_CLOCK_WALL :
						    DK_CLOCK_MONOTONIC;
	*end = DK_TIMEOUT_INFINITE;
	if (!timeout)
		return 0;
	if (user_get(ts, timeout))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if (ts.tv_sec >= INT64_MAX / NSEC_PER_SEC / 2)
		return 0;
	*end = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT)
		*end += clock_now(*clock);
	return 0;
}

static long futex_wait(u32 *word, int operation, u32 value,
		       const struct __kernel_timespec *timeout)
{
	u64 clock;
	u32 now;
	s64 end;
	long r;

	r = wait_end(operation, timeout, &clock, &end);
	if (r)
		return r;
	if (user_get(now, word))
		return -EFAULT;
	if (now != value)
		return -EAGAIN;
	for (;;) {
		if (signal_interrupts())
			return timeout ? -EINTR : -ERESTARTSYS;
		if (end == DK_TIMEOUT_INFINITE) {
			signal_wait(self(), end);
			continue;
		}
		r = end - clock_now(clock);
		if (r <= 0)
			return -ETIMEDOUT;
		signal_wait(self(), r);
	}
}

SYSCALL6(futex, u32 *, word, int, operation, u32, value,
	 const struct __kernel_timespec *, timeout, u32 *, second __unused, u32,
	 bits)
{
	if ((u64)word % sizeof(*word))
		return -EINVAL;
	if (!user_ok(word, sizeof(*word)))
		return -EFAULT;
	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return futex_wait(word, operation, value, timeout);
	case FUTEX_WAIT_BITSET:
		return bits ? futex_wait(word, operation, value, timeout) :
			      -EINVAL;
	case FUTEX_WAKE:
		return 0;
	case FUTEX_WAKE_BITSET:
		return bits ? 0 : -EINVAL;
	default:
		return -ENOSYS;
	}
}
