// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * timer_create and its relatives.
 *
 * A timer has one entry for the signal queues. While that waits, the timer's
 * further expirations are counted as overruns and told with it.
 *
 * timers_lock guards the table. A timer is used with it held, so that another
 * thread's timer_delete() waits; it is taken before all locks of signals and
 * timers. fire() does not need it, but others: nobody waits for it with this
 * one, for that a fork would wait, which has stopped those.
 */
#include <clocks.h>
#include <libos.h>
#include <linux/resource.h>
#include <linux/time.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <timers.h>

#define TIMERS_MAX	1024
#define OVERRUNS_MAX	INT32_MAX	/* DELAYTIMER_MAX */

struct posix_timer {
	struct timer timer;
	int clock; /* Linux's */
	int notify; /* SIGEV_* */
	struct libos_thread *thread; /* of SIGEV_THREAD_ID; counted */
	struct signal_info entry;
	u64 overruns; /* atomic: since the signal was sent */
	u32 told; /* by the signal that was taken last */
};

static struct lock timers_lock;
static struct posix_timer *timers[TIMERS_MAX];
static u32 timer_count; /* that there are; atomic */

static void fire(struct timer *timer, u64 count)
{
	struct posix_timer *p = container_of(timer, struct posix_timer, timer);

	if (p->notify == SIGEV_NONE)
		return;
	/* The first of @count is the signal, unless one waits already. */
	__atomic_add_fetch(&p->overruns, count, __ATOMIC_SEQ_CST);
	signal_send_owned(p->thread, &p->entry);
}

/* Under signal_lock: what the program reads in its siginfo. */
static void taken(void *owner, siginfo_t *info)
{
	struct posix_timer *p = owner;
	u64 count = __atomic_exchange_n(&p->overruns, 0, __ATOMIC_SEQ_CST);

	p->told = MIN(count ? count - 1 : 0, (u64)OVERRUNS_MAX);
	info->si_overrun = p->told;
}

static struct posix_timer *find(int id)
{
	return id >= 0 && id < TIMERS_MAX ? timers[id] : NULL;
}

static void destroy(struct posix_timer *p)
{
	timer_cancel(&p->timer, NULL, NULL);
	signal_withdraw(p->thread, &p->entry);
	signal_unreserve();
	thread_put(p->thread);
	thread_put(p->timer.thread);
	mem_free(p);
	__atomic_sub_fetch(&timer_count, 1, __ATOMIC_RELAXED);
}

/* They are the parent's. The queues that its signals were in are empty. */
void posix_timer_forked(void)
{
	int i;

	for (i = 0; timer_count && i < TIMERS_MAX; i++) {
		if (!timers[i])
			continue;
		timer_set(&timers[i]->timer, 0, 0, NULL, NULL);
		mem_free(timers[i]);
		timers[i] = NULL;
		timer_count--;
	}
	timer_count = 0;
}

/* CPU clock ids: ~pid << 3 | 4 for a thread | kind, 1 of which is user time */
#define CPU_CLOCK_THREAD	4
#define CPU_CLOCK_KIND		3
#define CPU_CLOCK_USER		1

/* What it counts. Of processor time, that of this process and its threads. */
static long set_clock(struct posix_timer *p, int id)
{
	u32 who = ~(id >> 3);
	long clock;

	p->clock = id;
	if (id == CLOCK_THREAD_CPUTIME_ID) {
		p->timer.clock = TIMER_CLOCK_THREAD;
		p->timer.thread = thread_get(self());
		return 0;
	}
	if (id >= 0) {
		clock = timer_clock(id);
		p->timer.clock = clock;
		return timer_wakes_machine(id) ? -EPERM : MIN(clock, 0);
	}
	if ((id & CPU_CLOCK_KIND) == CPU_CLOCK_KIND)
		return -EINVAL;
	if (id & CPU_CLOCK_THREAD) {
		p->timer.clock = TIMER_CLOCK_THREAD;
		p->timer.thread = who ? thread_find(who) : thread_get(self());
		return p->timer.thread ? 0 : -EINVAL;
	}
	if (who && who != process.pid)
		return -EINVAL;
	p->timer.clock = (id & CPU_CLOCK_KIND) == CPU_CLOCK_USER ?
				 TIMER_CLOCK_USER :
				 DK_CLOCK_PROCESS_CPU;
	return 0;
}

/* What is to happen, from the program's struct sigevent. */
static long set_event(struct posix_timer *p, const struct sigevent *event)
{
	siginfo_t *info = &p->entry.info;

	p->notify = event->sigev_notify;
	if (p->notify == (SIGEV_SIGNAL | SIGEV_THREAD_ID)) {
		p->thread = thread_find(event->sigev_notify_thread_id);
		if (!p->thread)
			return -EINVAL;
	} else if (p->notify != SIGEV_SIGNAL && p->notify != SIGEV_NONE &&
		   p->notify != SIGEV_THREAD) {
		return -EINVAL;
	}
	if (p->notify != SIGEV_NONE &&
	    (event->sigev_signo < 1 || event->sigev_signo > SIGNAL_COUNT))
		return -EINVAL;
	info->si_signo = event->sigev_signo;
	info->si_value = event->sigev_value;
	return 0;
}

SYSCALL3(timer_create, int, id, const struct sigevent *, from, int *, to)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGALRM };
	struct posix_timer *p;
	long r;
	int n;

	/* Clocks that there are, if not for timers. */
	if (id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE ||
	    id == CLOCK_REALTIME_COARSE)
		return -EOPNOTSUPP;
	if (from && user_get(event, from))
		return -EFAULT;
	p = mem_zalloc(sizeof(*p));
	if (!p)
		return -EAGAIN;
	if (!signal_reserve()) {
		mem_free(p);
		return -EAGAIN;
	}
	p->timer.fire = fire;
	p->entry.owner = p;
	p->entry.taken = taken;
	p->entry.info.si_code = SI_TIMER;
	r = set_clock(p, id);
	if (!r)
		r = set_event(p, &event);
	if (r) {
		signal_unreserve();
		thread_put(p->timer.thread);
		thread_put(p->thread);
		mem_free(p);
		return r;
	}
	__atomic_add_fetch(&timer_count, 1, __ATOMIC_RELAXED);
	lock_acquire(&timers_lock);
	for (n = 0; n < TIMERS_MAX && timers[n]; n++)
		;
	if (n < TIMERS_MAX)
		timers[n] = p;
	p->entry.info.si_tid = n;
	if (!from)
		p->entry.info.si_int = n;
	lock_release(&timers_lock);
	r = n == TIMERS_MAX ? -EAGAIN : user_put(n, to);
	if (!r)
		return 0;
	lock_acquire(&timers_lock);
	if (n < TIMERS_MAX)
		timers[n] = NULL;
	lock_release(&timers_lock);
	destroy(p);
	return r;
}

static void itimerspec_of(struct __kernel_itimerspec *to, s64 left,
			  s64 interval)
{
	to->it_value = timespec_of(left);
	to->it_interval = timespec_of(interval);
}

static long arm(struct posix_timer *p, bool absolute,
		const struct __kernel_itimerspec *spec)
{
	s64 expiry = timespec_ns(&spec->it_value);

	if (expiry)
		expiry = absolute ? timer_adjust(p->clock, expiry) :
				    timer_after(&p->timer, expiry);
	__atomic_store_n(&p->overruns, 0, __ATOMIC_SEQ_CST);
	return timer_set(&p->timer, expiry, timespec_ns(&spec->it_interval),
			 NULL, NULL);
}

SYSCALL4(timer_settime, int, id, int, flags, const struct __kernel_itimerspec *,
	 from, struct __kernel_itimerspec *, old)
{
	struct __kernel_itimerspec n, o;
	struct posix_timer *p;
	s64 left, interval;
	long r;

	if (!from)
		return -EINVAL;
	if (user_get(n, from))
		return -EFAULT;
	if (!timespec_valid(&n.it_value) || !timespec_valid(&n.it_interval))
		return -EINVAL;
	lock_acquire(&timers_lock);
	p = find(id);
	if (p)
		timer_set(&p->timer, 0, 0, &left, &interval);
	lock_release(&timers_lock);
	if (!p)
		return -EINVAL;
	/* Nothing comes of the old setting any more. */
	timer_settle(&p->timer);
	r = timespec_ns(&n.it_value) ? timer_prepare() : 0;
	if (r)
		return r;
	lock_acquire(&timers_lock);
	if (find(id) == p)
		r = arm(p, flags & TIMER_ABSTIME, &n);
	else
		r = -EINVAL; /* deleted meanwhile */
	lock_release(&timers_lock);
	if (r || !old)
		return r;
	itimerspec_of(&o, left, interval);
	return user_put(o, old);
}

SYSCALL2(timer_gettime, int, id, struct __kernel_itimerspec *, to)
{
	struct __kernel_itimerspec v;
	struct posix_timer *p;
	s64 left, interval;

	lock_acquire(&timers_lock);
	p = find(id);
	if (p)
		timer_get(&p->timer, &left, &interval);
	lock_release(&timers_lock);
	if (!p)
		return -EINVAL;
	itimerspec_of(&v, left, interval);
	return user_put(v, to);
}

SYSCALL1(timer_getoverrun, int, id)
{
	struct posix_timer *p;
	long r = -EINVAL;

	lock_acquire(&timers_lock);
	p = find(id);
	if (p)
		r = p->told;
	lock_release(&timers_lock);
	return r;
}

SYSCALL1(timer_delete, int, id)
{
	struct posix_timer *p;

	lock_acquire(&timers_lock);
	p = find(id);
	if (p)
		timers[id] = NULL;
	lock_release(&timers_lock);
	if (!p)
		return -EINVAL;
	destroy(p);
	return 0;
}

void timer_exec(void)
{
	int i;

	for (i = 0; i < TIMERS_MAX; i++)
		do_timer_delete(i);
}
