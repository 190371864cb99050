// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Scheduling. The host decides; wishes are accepted and have no effect.
 */
#include <libos.h>
#include <linux/membarrier.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/time_types.h>

#define CPUS_MAX	1024
#define CPUID_RDTSCP	(1U << 27)	/* leaf 0x80000001, edx */

static bool is_self(int tid)
{
	return !tid || tid == (int)self()->tid;
}

SYSCALL0(sched_yield)
{
	DkThreadYieldExecution();
	return 0;
}

SYSCALL3(sched_getaffinity, int, tid, u32, size, u8 *, to)
{
	u32 cpus = MIN(process.parameters->cpu_count, CPUS_MAX), i, used;
	u8 mask[CPUS_MAX / 8] = { 0 };

	used = ALIGN_UP(cpus, 64) / 8;
	if (size < used || size % 8)
		return -EINVAL;
	if (!is_self(tid))
		return -ESRCH;
	for (i = 0; i < cpus; i++)
		mask[i / 8] |= 1 << i % 8;
	return user_write(to, mask, used) ? -EFAULT : (long)used;
}

SYSCALL3(sched_setaffinity, int, tid, u32, size, const u8 *, from)
{
	u32 cpus = MIN(process.parameters->cpu_count, CPUS_MAX), i;
	u8 mask[CPUS_MAX / 8] = { 0 };

	if (user_read(mask, from, MIN(size, ALIGN_UP(cpus, 64) / 8)))
		return -EFAULT;
	if (!is_self(tid))
		return -ESRCH;
	for (i = 0; i < cpus; i++) {
		if (mask[i / 8] & (1 << i % 8))
			return 0;
	}
	return -EINVAL;
}

/* Linux keeps the processor's number where RDTSCP finds it. */
SYSCALL3(getcpu, u32 *, cpu, u32 *, node, void *, unused __unused)
{
	u32 a = 0x80000001, b, c = 0, d, number = 0;

	asm("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (d & CPUID_RDTSCP)
		asm volatile("rdtscp" : "=c"(number) : : "eax", "edx");
	a = number & 0xfff;
	b = number >> 12;
	if ((cpu && user_put(a, cpu)) || (node && user_put(b, node)))
		return -EFAULT;
	return 0;
}

static long priority_limit(int policy, long real_time)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return real_time;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL1(sched_get_priority_max, int, policy)
{
	return priority_limit(policy, 99);
}

SYSCALL1(sched_get_priority_min, int, policy)
{
	return priority_limit(policy, 1);
}

SYSCALL1(sched_getscheduler, int, tid)
{
	return tid < 0 ? -EINVAL : is_self(tid) ? SCHED_NORMAL : -ESRCH;
}

SYSCALL3(sched_setscheduler, int, tid, int, policy, const int *, priority)
{
	int p;

	if (tid < 0 || policy < 0 || !priority)
		return -EINVAL;
	if (user_get(p, priority))
		return -EFAULT;
	if (!is_self(tid))
		return -ESRCH;
	switch (policy & ~SCHED_RESET_ON_FORK) {
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return p ? -EINVAL : 0;
	case SCHED_FIFO:
	case SCHED_RR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

SYSCALL2(sched_getparam, int, tid, int *, to)
{
	int p = 0;

	if (tid < 0 || !to)
		return -EINVAL;
	return is_self(tid) ? user_put(p, to) : -ESRCH;
}

SYSCALL2(sched_setparam, int, tid, const int *, from)
{
	int p;

	if (tid < 0 || !from)
		return -EINVAL;
	if (user_get(p, from))
		return -EFAULT;
	return !is_self(tid) ? -ESRCH : p ? -EINVAL : 0;
}

SYSCALL2(sched_rr_get_interval, int, tid, struct __kernel_timespec *, to)
{
	struct __kernel_timespec slice = { .tv_nsec = 4000000 };

	if (tid < 0)
		return -EINVAL;
	return is_self(tid) ? user_put(slice, to) : -ESRCH;
}

/* Niceness is remembered, so that programs read what they wrote. */
static int niceness;

SYSCALL2(getpriority, int, which, int, who)
{
	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS && !is_self(who))
		return -ESRCH;
	return 20 - niceness;
}

SYSCALL3(setpriority, int, which, int, who, int, nice)
{
	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS && !is_self(who))
		return -ESRCH;
	nice = MAX(-20, MIN(nice, 19));
	if (nice < niceness)
		return -EACCES;
	niceness = nice;
	return 0;
}

/*
 * Every other thread that runs gets a barrier: the host takes a right from a
 * page that was just written, for which it interrupts all processors that know
 * the page, and that are those on which the process runs.
 */
static long barrier_for_others(void)
{
	static struct lock lock;
	static u32 *page;
	DK_STATUS status = DK_STATUS_NO_MEMORY;

	lock_acquire(&lock);
	if (!page)
		page = mem_alloc_pages(PAGE_SIZE);
	if (page) {
		__atomic_add_fetch(page, 1, __ATOMIC_SEQ_CST);
		status = DkVirtualMemoryProtect(page, PAGE_SIZE, DK_PROT_READ);
		DkVirtualMemoryProtect(page, PAGE_SIZE,
				       DK_PROT_READ | DK_PROT_WRITE);
	}
	lock_release(&lock);
	return errno_of(status);
}

/* For threads of the process; not those of others that share memory. */
SYSCALL3(membarrier, int, command, u32, flags, int, cpu __unused)
{
	const int offered = MEMBARRIER_CMD_PRIVATE_EXPEDITED |
			    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	static bool registered;

	if (flags)
		return -EINVAL;
	switch (command) {
	case MEMBARRIER_CMD_QUERY:
		return offered;
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
		registered = true;
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return registered ? barrier_for_others() : -EPERM;
	default:
		return -EINVAL;
	}
}
