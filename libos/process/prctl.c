// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * prctl, arch_prctl, personality, and what a thread tells of itself.
 */
#include <asm/prctl.h>
#include <fpu.h>
#include <layout.h>
#include <libos.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <signals.h>
#include <processes.h>
#include <thread.h>

#define TIMER_SLACK		50000
#define CAPABILITY_LAST		40
#define FEATURE_COUNT		19	/* of XSAVE that Linux knows */

#ifndef ARCH_GET_XCOMP_SUPP
#define ARCH_GET_XCOMP_SUPP	0x1021
#define ARCH_GET_XCOMP_PERM	0x1022
#define ARCH_REQ_XCOMP_PERM	0x1023
#endif

static long set_name(const char *from)
{
	struct libos_thread *t = self();
	char name[sizeof(t->name)] = { 0 };
	ssize_t n = user_string(name, from, sizeof(name) - 1);

	if (n == -EFAULT)
		return n;
	lock_acquire(&thread_lock);
	memcpy(t->name, name, sizeof(name));
	lock_release(&thread_lock);
	if (t->tid == process.pid)
		table_name(false);
	return 0;
}

/* What is to be done about broken memory: remembered. */
static long set_memory_errors(u64 operation, u64 policy)
{
	struct libos_thread *t = self();

	if (operation == PR_MCE_KILL_CLEAR && !policy)
		t->memory_errors = 0;
	else if (operation == PR_MCE_KILL_SET && policy <= PR_MCE_KILL_DEFAULT)
		t->memory_errors = PR_MCE_KILL_DEFAULT - policy;
	else
		return -EINVAL;
	return 0;
}

/* There are no capabilities: none is ambient, none can be made so. */
static long ambient(u64 operation, u64 capability, u64 c, u64 d)
{
	if (operation == PR_CAP_AMBIENT_CLEAR_ALL)
		return capability || c || d ? -EINVAL : 0;
	if (capability > CAPABILITY_LAST || c || d)
		return -EINVAL;
	switch (operation) {
	case PR_CAP_AMBIENT_IS_SET:
	case PR_CAP_AMBIENT_LOWER:
		return 0;
	case PR_CAP_AMBIENT_RAISE:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

SYSCALL5(prctl, int, option, u64, a, u64, b, u64, c, u64, d)
{
	struct libos_thread *t = self();

	switch (option) {
	case PR_SET_NAME:
		return set_name((const char *)a);
	case PR_GET_NAME:
		return user_write((void *)a, t->name, sizeof(t->name));
	case PR_SET_PDEATHSIG:
		if (a > SIGNAL_COUNT)
			return -EINVAL;
		__atomic_store_n(&process_self->death_signal, a,
				 __ATOMIC_SEQ_CST);
		return 0;
	case PR_GET_PDEATHSIG:
		return user_put(process_self->death_signal, (u32 *)a);
	case PR_SET_DUMPABLE:
		if (a > 1)
			return -EINVAL;
		process.dumpable = a;
		return 0;
	case PR_GET_DUMPABLE:
		return process.dumpable;
	case PR_SET_NO_NEW_PRIVS:
		if (a != 1 || b || c || d)
			return -EINVAL;
		process.no_new_privs = 1;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a || b || c || d ? -EINVAL : (long)process.no_new_privs;
	case PR_GET_SECCOMP:
	case PR_GET_TIMING: /* PR_TIMING_STATISTICAL */
	case PR_TASK_PERF_EVENTS_DISABLE:
	case PR_TASK_PERF_EVENTS_ENABLE:
		return 0;
	case PR_SET_TIMING:
		return a == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_KEEPCAPS:
		return process.keep_caps;
	case PR_SET_KEEPCAPS:
		if (a > 1)
			return -EINVAL;
		process.keep_caps = a;
		return 0;
	case PR_GET_SECUREBITS:
		return process.keep_caps ? SECBIT_KEEP_CAPS : 0;
	case PR_CAPBSET_READ:
		return a > CAPABILITY_LAST ? -EINVAL : 0;
	case PR_CAP_AMBIENT:
		return ambient(a, b, c, d);
	case PR_SET_SECUREBITS:
	case PR_CAPBSET_DROP:
	case PR_SET_MM:
	case PR_SET_IO_FLUSHER:
	case PR_GET_IO_FLUSHER:
		return -EPERM;
	case PR_GET_TIMERSLACK:
		t->flags |= THREAD_VALUE;
		return t->timer_slack ?: TIMER_SLACK;
	case PR_SET_TIMERSLACK:
		t->timer_slack = a ?: t->default_slack;
		return 0;
	case PR_GET_TSC:
		return user_put((int){ PR_TSC_ENABLE }, (int *)a);
	case PR_SET_TSC:
		return a == PR_TSC_ENABLE ? 0 : -EINVAL;
	case PR_MCE_KILL:
		return c || d ? -EINVAL : set_memory_errors(a, b);
	case PR_MCE_KILL_GET:
		if (a || b || c || d)
			return -EINVAL;
		return PR_MCE_KILL_DEFAULT - t->memory_errors;
	case PR_SET_CHILD_SUBREAPER:
		if (a)
			__atomic_fetch_or(&process_self->flags, ENTRY_REAPER,
					  __ATOMIC_SEQ_CST);
		else
			__atomic_fetch_and(&process_self->flags, ~ENTRY_REAPER,
					   __ATOMIC_SEQ_CST);
		return 0;
	case PR_GET_CHILD_SUBREAPER: {
		u32 set = !!(process_self->flags & ENTRY_REAPER);

		return user_put(set, (u32 *)a);
	}
	case PR_GET_TID_ADDRESS:
		return user_put(t->clear_child_tid, (u64 *)a);
	case PR_SET_THP_DISABLE:
		if (b || c || d)
			return -EINVAL;
		process.small_pages = !!a;
		return 0;
	case PR_GET_THP_DISABLE:
		return a || b || c || d ? -EINVAL : (long)process.small_pages;
	default:
		return -EINVAL;
	}
}

SYSCALL2(arch_prctl, int, code, u64, address)
{
	u64 base;

	switch (code) {
	case ARCH_SET_FS:
		if (address >= layout.limit)
			return -EPERM;
		fs_base_set(address);
		return 0;
	case ARCH_GET_FS:
		base = fs_base_get();
		return user_put(base, (u64 *)address);
	case ARCH_GET_GS:
		base = 0;
		return user_put(base, (u64 *)address);
	case ARCH_SET_GS:
		/* %gs is the libos's own in this address space. */
		return address ? -EPERM : 0;
	/* What a process has to ask for first, AMX, is not there: fpu.c */
	case ARCH_GET_XCOMP_SUPP:
	case ARCH_GET_XCOMP_PERM:
		return user_put(fpu.features, (u64 *)address);
	case ARCH_REQ_XCOMP_PERM:
		return address < FEATURE_COUNT ? -EOPNOTSUPP : -EINVAL;
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return -ENODEV;
	default:
		return -EINVAL;
	}
}

SYSCALL1(personality, u32, persona)
{
	u32 old = process.personality;

	if (persona != 0xffffffff)
		process.personality = persona;
	return old;
}
