// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others may do to a picoprocess: the access masks of its provider,
 * where the kernel asks whether a task may inspect another or signal it.
 *
 * They narrow what the kernel allows, from before execve() gives a process
 * memory until that is gone. Checks that were made before are not made again: a
 * tracer that attached before, a file of /proc that was opened before. A clone
 * can be seen before the fork probe knows it.
 */
#include <linux/ptrace.h>
#include <linux/sched/signal.h>

#include "internal.h"

/* Whether the mask of @task's provider lacks @needed; where none is, none does. */
static bool pico_access_denied(struct task_struct *task, bool process,
			       u32 needed)
{
	const struct pico_provider_routines *routines;
	struct pico_process *target;
	bool denied = false;

	if (same_thread_group(task, current))
		return false;
	rcu_read_lock();
	/* By the process: a thread that has ended leads to its memory, too. */
	target = pico_process_find(task);
	if (target) {
		routines = target->provider->routines;
		denied = needed & ~(process ? routines->open_process_access :
					      routines->open_thread_access);
	}
	rcu_read_unlock();
	return denied;
}

/*
 * In place of __ptrace_may_access(). Files of /proc ask with the credentials
 * for file systems, system calls with the real ones.
 */
unsigned long pico_hook_ptrace_access(struct task_struct *task,
				      unsigned int mode)
{
	u32 needed = mode & PTRACE_MODE_ATTACH ? PICO_ACCESS_ATTACH :
						 PICO_ACCESS_READ;

	if (pico_access_denied(task, mode & PTRACE_MODE_FSCREDS, needed))
		return PICO_HOOK_RETURN(-EPERM);
	return PICO_HOOK_CONTINUE;
}

/*
 * In place of check_kill_permission(). The kernel's own signals are none of
 * the provider's business; signal 0 only asks whether somebody is there.
 */
unsigned long pico_hook_signal_permission(int sig, struct kernel_siginfo *info,
					  struct task_struct *task)
{
	bool thread;

	if (!sig || sig == SIGKILL || info == SEND_SIG_PRIV ||
	    (info != SEND_SIG_NOINFO && !SI_FROMUSER(info)))
		return PICO_HOOK_CONTINUE;
	thread = info != SEND_SIG_NOINFO && info->si_code == SI_TKILL;
	if (pico_access_denied(task, !thread, PICO_ACCESS_SIGNAL))
		return PICO_HOOK_RETURN(-EPERM);
	return PICO_HOOK_CONTINUE;
}
