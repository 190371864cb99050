// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Resource limits: the libos's own, with Linux's usual values.
 */
#include <exec.h>
#include <libos.h>
#include <linux/resource.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <timers.h>

#define INFINITE	(~0ULL)

void limits_init(void)
{
	struct limit *l = process.limits;
	int i;

	for (i = 0; i < LIMIT_COUNT; i++)
		l[i] = (struct limit){ INFINITE, INFINITE };
	l[RLIMIT_STACK].soft = 8UL << 20;
	l[RLIMIT_CORE].soft = 0;
	l[RLIMIT_NOFILE] = (struct limit){ 1024, 1048576 };
	l[RLIMIT_MEMLOCK] = (struct limit){ 8UL << 20, 8UL << 20 };
	l[RLIMIT_MSGQUEUE] = (struct limit){ 819200, 819200 };
	l[RLIMIT_NICE] = (struct limit){ 0, 0 };
	l[RLIMIT_RTPRIO] = (struct limit){ 0, 0 };
}

/* ---- RLIMIT_CPU: a timer of the process's CPU time ---- */

static void cpu_fire(struct timer *timer, u64 count);

static struct timer cpu_timer = { .clock = DK_CLOCK_PROCESS_CPU,
				  .fire = cpu_fire };

static s64 seconds_ns(u64 seconds)
{
	return seconds < INT64_MAX / NSEC_PER_SEC ?
		       (s64)seconds * NSEC_PER_SEC :
		       INT64_MAX;
}

/* At the limit, SIGXCPU, and once more each second; at the hard one, the end. */
static void cpu_fire(struct timer *timer __unused, u64 count __unused)
{
	struct limit *l = &process.limits[RLIMIT_CPU];
	s64 now = clock_now(DK_CLOCK_PROCESS_CPU);
	siginfo_t info = { .si_signo = SIGXCPU, .si_code = SI_KERNEL };

	if (now >= seconds_ns(l->hard)) {
		info.si_signo = SIGKILL;
	} else if (now >= seconds_ns(l->soft)) {
		l->soft = now / NSEC_PER_SEC + 1;
		cpu_limit_start();
	} else {
		return; /* it was raised meanwhile */
	}
	signal_send_process(&info);
}

void cpu_limit_start(void)
{
	u64 soft = process.limits[RLIMIT_CPU].soft;

	/* A child of vfork() begins with it when it has a process. */
	if (self()->vfork)
		return;
	if (seconds_ns(soft) == INT64_MAX)
		timer_set(&cpu_timer, 0, 0, NULL, NULL);
	else
		timer_set(&cpu_timer, seconds_ns(MAX(soft, 1)), 0, NULL, NULL);
}

/* As in Linux, user 0 may have as many as it likes. */
bool process_limit_reached(void)
{
	u64 limit = process.limits[RLIMIT_NPROC].soft, count = thread_count - 1;
	struct process_entry *entry;

	if (!process.uid || limit == INFINITE)
		return false;
	for_each_entry(entry) {
		count += entry_state(entry) != ENTRY_FREE &&
			 entry->uid == process.uid;
	}
	return count >= limit;
}

static long limit_set(u32 which, const struct limit *wanted)
{
	struct limit *l = &process.limits[which];

	if (wanted->soft > wanted->hard)
		return -EINVAL;
	if (wanted->hard > l->hard)
		return -EPERM;
	*l = *wanted;
	/* Who changes a niceness, looks at the limit of whose it is. */
	if (which == RLIMIT_NICE)
		process_self->nice_limit = MIN(wanted->soft, UINT32_MAX);
	if (which == RLIMIT_CPU)
		cpu_limit_start();
	/* The stack of who has called vfork() is not its child's. */
	if (which == RLIMIT_STACK && !self()->vfork)
		stack_grow();
	return 0;
}

SYSCALL4(prlimit64, int, pid, u32, which, const struct limit *, wanted,
	 struct limit *, old)
{
	struct limit n, o;
	long r;

	if (which >= LIMIT_COUNT)
		return -EINVAL;
	if (wanted && user_get(n, wanted))
		return -EFAULT;
	/* Those of others are in their memory. */
	if (pid && process_of(pid) != process_self)
		return process_of(pid) ? -EPERM : -ESRCH;
	o = process.limits[which];
	if (wanted) {
		r = limit_set(which, &n);
		if (r)
			return r;
	}
	return old ? user_put(o, old) : 0;
}

SYSCALL2(getrlimit, u32, which, struct limit *, to)
{
	if (which >= LIMIT_COUNT)
		return -EINVAL;
	return user_put(process.limits[which], to);
}

SYSCALL2(setrlimit, u32, which, const struct limit *, from)
{
	struct limit l;

	if (which >= LIMIT_COUNT)
		return -EINVAL;
	if (user_get(l, from))
		return -EFAULT;
	return limit_set(which, &l);
}
