/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Linux programs that say, line by line, what their system does. What they
 * print natively is what they have to print in a picoprocess.
 *
 * CHECK(x) prints the expression and its value; SHOW(text, value) a number.
 * Nothing may be printed that differs from run to run.
 */
#ifndef LINUX_TEST_H
#define LINUX_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SHOW(text, value)						\
	(printf("%s = %ld\n", text, (long)(value)), fflush(stdout))
#define CHECK(x) SHOW(#x, x)
/* A call that fails: its errno instead of its result. */
#define TRY(x)								\
	({								\
		long r_ = (errno = 0, (long)(x));			\
		SHOW(#x, r_ == -1 && errno ? -errno : r_);		\
		r_;							\
	})

static inline int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static inline void sleep_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline pid_t own_tid(void)
{
	return syscall(SYS_gettid);
}

#endif /* LINUX_TEST_H */
