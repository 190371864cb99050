/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Timers: what alarm, setitimer, timer_create and timerfd have in common.
 *
 * A helper thread, made when first something is set, sleeps until the next one
 * is due and calls its fire(). timer_lock guards the lists and the fields
 * below; it is not held while fire() runs. timer_cancel() waits for that.
 *
 * Times are of the host's monotonic or wall clock, of the CPU time of the
 * process, all of it or the user's part, or of that of a thread. Of CPU time
 * there is no host to wait for it: the helper looks again when it could be over
 * at the earliest, were all processors at work.
 */
#ifndef LIBOS_TIMERS_H
#define LIBOS_TIMERS_H

#include <libos.h>

/* Beside DK_CLOCK_MONOTONIC, _WALL and _PROCESS_CPU: */
#define TIMER_CLOCK_USER	0x100	/* the user's part of the last */
#define TIMER_CLOCK_THREAD	0x101	/* of timer->thread */

struct timer {
	struct timer *next;
	bool	armed;		/* in a list */
	u64	clock;		/* DK_CLOCK_*, TIMER_CLOCK_* */
	struct libos_thread *thread; /* a reference of whose the timer is */
	s64	expiry;
	s64	interval;	/* 0: once */
	/* @count: how often it was due since it was looked at last */
	void	(*fire)(struct timer *timer, u64 count);
};

/*
 * There is a helper from now on, or -EAGAIN. timer_set() asks for it as well;
 * who calls that with a lock held, does so before: a thread is made, and fork
 * waits for the lock with the list of threads in its hand.
 */
long timer_prepare(void);
/*
 * timer_set() - arm or, with @expiry 0, disarm
 *
 * @expiry: absolute. *left: nanoseconds, 0 when it was not armed;
 * *old_interval; both may be NULL. -EAGAIN: there is no helper.
 */
long timer_set(struct timer *timer, s64 expiry, s64 interval, s64 *left,
	       s64 *old_interval);
void timer_get(struct timer *timer, s64 *left, s64 *interval);
/*
 * Disarm, and wait until fire() does not run: nothing comes of the old setting
 * any more. *left and *old_interval as timer_set() has them.
 */
void timer_cancel(struct timer *timer, s64 *left, s64 *old_interval);
/* The second half alone. No lock is held, of which fire() may need others. */
void timer_settle(const struct timer *timer);
/* @duration nanoseconds from now by its clock, not 0; INT64_MAX: never */
s64 timer_after(const struct timer *timer, s64 duration);

/*
 * timeout_begin() - have the host's calls of this thread interrupted
 *
 * For one that waits and has no time limit itself: at @deadline (monotonic) it
 * ends as if a signal had come. timeout_end() before @timer goes. -EAGAIN as
 * timer_set().
 */
long timeout_begin(struct timer *timer, s64 deadline);
void timeout_end(struct timer *timer);
/* In the child, of a thread that is only its parent's. */
void timeout_forked(struct libos_thread *t);

/* The host's clock to use for Linux's; BOOT is made monotonic. -EINVAL */
long timer_clock(int id);
/* Waiting by it needs a capability that no picoprocess has. */
bool timer_wakes_machine(int id);
s64 timer_adjust(int id, s64 expiry);

void timer_exec(void);		/* timer_create's are gone */
void timer_forked(void);	/* in the child: all but timerfd's are */
void itimer_forked(void);
void posix_timer_forked(void);
void timer_go_on(void);		/* in the child, when no lock is held */

#endif /* LIBOS_TIMERS_H */
