// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Scheduling. The host decides; wishes are accepted and have no effect.
 */
#include <libos.h>
#include <linux/membarrier.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/time_types.h>
#include <processes.h>
#include <thread.h>

#define CPUID_RDTSCP	(1U << 27)	/* leaf 0x80000001, edx */

SYSCALL0(sched_yield)
{
	DkThreadYieldExecution();
	return 0;
}

/* ---- whom a call is about ---- */

static bool is_main(const struct libos_thread *t)
{
	return t->vfork || t->tid == process.pid;
}

/* A process, by its main thread; NULL: perhaps another thread of ours */
static struct process_entry *entry_of(int tid)
{
	if (tid < 0)
		return NULL;
	if (!tid)
		return is_main(self()) ? process_self : NULL;
	return table_find(tid);
}

static bool is_known(int tid)
{
	struct libos_thread *t;

	if (!tid || entry_of(tid))
		return true;
	t = tid > 0 ? thread_find(tid) : NULL;
	thread_put(t);
	return t;
}

/* ---- affinity: remembered, and inherited ---- */

static u32 cpu_count(void)
{
	return MIN(process.parameters->cpu_count, CPUS_MAX);
}

/* Every bit of a mask is written by whoever sets it, the last one wins. */
static void mask_store(u64 *to, const u64 *from)
{
	u32 i;

	for (i = 0; i < CPUS_MAX / 64; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

/* All of them, if it was never set. */
static void mask_load(u64 *to, const u64 *from)
{
	u64 any = 0;
	u32 i;

	for (i = 0; i < CPUS_MAX / 64; i++)
		any |= to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	for (i = 0; !any && i < cpu_count(); i++)
		to[i / 64] |= 1UL << i % 64;
}

/* @t: who holds the mask, for thread_put(), or NULL */
static u64 *mask_of(int tid, struct libos_thread **t)
{
	struct process_entry *entry = entry_of(tid);

	*t = NULL;
	if (entry)
		return entry->allowed;
	if (!tid)
		return self()->allowed;
	*t = tid > 0 ? thread_find(tid) : NULL;
	return *t ? (*t)->allowed : NULL;
}

void sched_inherit(u64 *allowed)
{
	u64 mask[CPUS_MAX / 64];
	struct libos_thread *t;

	mask_load(mask, mask_of(0, &t));
	mask_store(allowed, mask);
}

SYSCALL3(sched_getaffinity, int, tid, u32, size, u8 *, to)
{
	u32 used = ALIGN_UP(cpu_count(), 64) / 8;
	u64 mask[CPUS_MAX / 64];
	struct libos_thread *t;
	u64 *from;

	if (size < used || size % 8)
		return -EINVAL;
	from = mask_of(tid, &t);
	if (!from)
		return -ESRCH;
	mask_load(mask, from);
	thread_put(t);
	return user_write(to, mask, used) ? -EFAULT : (long)used;
}

SYSCALL3(sched_setaffinity, int, tid, u32, size, const u8 *, from)
{
	u32 used = ALIGN_UP(cpu_count(), 64) / 8, i;
	u64 mask[CPUS_MAX / 64] = { 0 }, any = 0, *to;
	struct libos_thread *t;

	if (user_read(mask, from, MIN(size, used)))
		return -EFAULT;
	to = mask_of(tid, &t);
	if (!to)
		return -ESRCH;
	if (cpu_count() % 64)
		mask[used / 8 - 1] &= (1UL << cpu_count() % 64) - 1;
	for (i = 0; i < used / 8; i++)
		any |= mask[i];
	if (any)
		mask_store(to, mask);
	thread_put(t);
	return any ? 0 : -EINVAL;
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

/* Remembered, as niceness is: of processes, where Linux has it of threads. */
static struct process_entry *policy_of(int tid)
{
	struct process_entry *entry = entry_of(tid);

	return entry ? entry : is_known(tid) ? process_self : NULL;
}

SYSCALL1(sched_getscheduler, int, tid)
{
	struct process_entry *entry;

	if (tid < 0)
		return -EINVAL;
	entry = policy_of(tid);
	return entry ? (long)__atomic_load_n(&entry->policy, __ATOMIC_RELAXED) :
		       -ESRCH;
}

SYSCALL3(sched_setscheduler, int, tid, int, policy, const int *, priority)
{
	struct process_entry *entry;
	int p;

	if (tid < 0 || policy < 0 || !priority)
		return -EINVAL;
	if (user_get(p, priority))
		return -EFAULT;
	entry = policy_of(tid);
	if (!entry)
		return -ESRCH;
	switch (policy & ~SCHED_RESET_ON_FORK) {
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		if (p)
			return -EINVAL;
		__atomic_store_n(&entry->policy, policy, __ATOMIC_RELAXED);
		return 0;
	case SCHED_FIFO:
	case SCHED_RR:
		return p < 1 || p > 99 ? -EINVAL : -EPERM;
	default:
		return -EINVAL;
	}
}

SYSCALL2(sched_getparam, int, tid, int *, to)
{
	int p = 0;

	if (tid < 0 || !to)
		return -EINVAL;
	return is_known(tid) ? user_put(p, to) : -ESRCH;
}

SYSCALL2(sched_setparam, int, tid, const int *, from)
{
	int p;

	if (tid < 0 || !from)
		return -EINVAL;
	if (user_get(p, from))
		return -EFAULT;
	return !is_known(tid) ? -ESRCH : p ? -EINVAL : 0;
}

SYSCALL2(sched_rr_get_interval, int, tid, struct __kernel_timespec *, to)
{
	struct __kernel_timespec slice = { .tv_nsec = 4000000 };

	if (tid < 0)
		return -EINVAL;
	return is_known(tid) ? user_put(slice, to) : -ESRCH;
}

/*
 * Niceness is remembered, so that programs read what they wrote; of processes,
 * where Linux has it of threads.
 */
static bool concerns(const struct process_entry *entry, int which, u32 who)
{
	u32 state = entry_state(entry);

	if (state != ENTRY_LIVE && state != ENTRY_ENDED)
		return false;
	switch (which) {
	case PRIO_PROCESS:
		return entry->pid == who;
	case PRIO_PGRP:
		return __atomic_load_n(&entry->pgid, __ATOMIC_RELAXED) == who;
	default:
		return entry->uid == who;
	}
}

/* 0: the caller; a thread: its process. */
static u32 whom(int which, int who)
{
	struct libos_thread *t;

	if (!who)
		return which == PRIO_PROCESS ? process.pid :
		       which == PRIO_PGRP    ? process_group() :
					       process.uid;
	if (which != PRIO_PROCESS || who < 0 || table_find(who))
		return who;
	t = thread_find(who);
	thread_put(t);
	return t ? process.pid : (u32)who;
}

SYSCALL2(getpriority, int, which, int, who)
{
	struct process_entry *entry;
	long best = -ESRCH;
	u32 id;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	id = whom(which, who);
	for_each_entry(entry) {
		if (concerns(entry, which, id))
			best = MAX(best, 20 - (long)entry->nice);
	}
	return best;
}

/* As root, and as far as the limit of the process allows: up to 20 - @nice. */
static bool may_raise(const struct process_entry *entry, int nice)
{
	return !process.euid || nice >= entry->nice ||
	       20 - nice <= (s64)entry->nice_limit;
}

SYSCALL3(setpriority, int, which, int, who, int, nice)
{
	struct process_entry *entry;
	long r = -ESRCH;
	u32 id;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	nice = MAX(-20, MIN(nice, 19));
	id = whom(which, who);
	for_each_entry(entry) {
		if (!concerns(entry, which, id))
			continue;
		if (process.euid && entry->uid != process.euid &&
		    entry->euid != process.euid) {
			r = -EPERM;
		} else if (!may_raise(entry, nice)) {
			r = -EACCES;
		} else {
			entry->nice = nice;
			if (r == -ESRCH)
				r = 0;
		}
	}
	return r;
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

static bool barriers_registered;

void membarrier_exec(void)
{
	barriers_registered = false;
}

/* For threads of the process; not those of others that share memory. */
SYSCALL3(membarrier, int, command, u32, flags, int, cpu __unused)
{
	const int offered = MEMBARRIER_CMD_PRIVATE_EXPEDITED |
			    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;

	if (flags)
		return -EINVAL;
	switch (command) {
	case MEMBARRIER_CMD_QUERY:
		return offered;
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
		barriers_registered = true;
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return barriers_registered ? barrier_for_others() : -EPERM;
	default:
		return -EINVAL;
	}
}
