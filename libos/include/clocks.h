/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Nanoseconds and Linux's structures. */
#ifndef LIBOS_CLOCKS_H
#define LIBOS_CLOCKS_H

#include <libos.h>
#include <linux/time_types.h>

static inline bool timespec_valid(const struct __kernel_timespec *ts)
{
	return ts->tv_sec >= 0 && (u64)ts->tv_nsec < NSEC_PER_SEC;
}

/* Saturates: some 292 years are forever. */
static inline s64 timespec_ns(const struct __kernel_timespec *ts)
{
	if (ts->tv_sec >= INT64_MAX / NSEC_PER_SEC)
		return INT64_MAX;
	return ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}

/* @duration nanoseconds from now; DK_TIMEOUT_INFINITE when that is never. */
static inline s64 deadline_after(u64 clock, s64 duration)
{
	s64 end;

	if (__builtin_add_overflow(clock_now(clock), duration, &end))
		return DK_TIMEOUT_INFINITE;
	return end;
}

static inline struct __kernel_timespec timespec_of(s64 ns)
{
	return (struct __kernel_timespec){ ns / NSEC_PER_SEC,
					   ns % NSEC_PER_SEC };
}

#endif /* LIBOS_CLOCKS_H */
