// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls of marked threads: the hook, and native calls put in place of
 * the thread's own.
 */
#include <linux/sched.h>
#include <linux/syscall_user_dispatch.h>

#include <asm/syscall.h>

#include "internal.h"

/*
 * In place of syscall_user_dispatch(), which the kernel's entry code calls
 * before anything else looks at the call: ptrace, seccomp, audit.
 *
 * Answered: on_dispatch makes the exit side as quiet as the entry side was.
 * Forwarded: the entry code reads the number again, and everything else takes
 * its usual course.
 */
unsigned long pico_hook_system_call(struct pt_regs *regs)
{
	struct pico_thread *thread = pico_thread_find(current);

	if (unlikely(!thread))
		return PICO_HOOK_CONTINUE;
	if (thread->dispatch(thread, regs) == PICO_SYSCALL_FORWARD &&
	    likely(thread->forwarded))
		return PICO_HOOK_RETURN(false);
	current->syscall_dispatch.on_dispatch = true;
	return PICO_HOOK_RETURN(true);
}

/**
 * pico_forward_system_call() - put a native call in place of the thread's own
 * @thread: the calling thread
 * @regs:   of its call, inside dispatch_system_call()
 * @nr:     native number
 * @a0:     arguments
 * @a1: .
 * @a2: .
 * @a3: .
 * @a4: .
 * @a5: .
 *
 * The provider returns PICO_SYSCALL_FORWARD next. User mode finds its
 * argument registers unchanged afterwards and the native result in rax; if a
 * signal makes the kernel restart the call, the thread's own call is made
 * again. Forward only calls that cannot change the mark or end it: never
 * prctl, execve, ptrace, rt_sigaction, or a clone of the provider's own; and
 * none that waits interruptibly: to it, a signal is pending all the time.
 */
void pico_forward_system_call(struct pico_thread *thread, struct pt_regs *regs,
			      unsigned long nr, unsigned long a0,
			      unsigned long a1, unsigned long a2,
			      unsigned long a3, unsigned long a4,
			      unsigned long a5)
{
	thread->number = regs->orig_ax;
	thread->arguments[0] = regs->di;
	thread->arguments[1] = regs->si;
	thread->arguments[2] = regs->dx;
	thread->arguments[3] = regs->r10;
	thread->arguments[4] = regs->r8;
	thread->arguments[5] = regs->r9;
	thread->forwarded = true;

	regs->orig_ax = nr;
	regs->di = a0;
	regs->si = a1;
	regs->dx = a2;
	regs->r10 = a3;
	regs->r8 = a4;
	regs->r9 = a5;

	/* The registers are put back at the signal hook. */
	set_thread_flag(TIF_NOTIFY_SIGNAL);
}
EXPORT_SYMBOL_GPL(pico_forward_system_call);

/* At the signal hook, after the native call. */
void pico_finish_forward(struct pico_thread *thread, struct pt_regs *regs)
{
	thread->forwarded = false;
	regs->di = thread->arguments[0];
	regs->si = thread->arguments[1];
	regs->dx = thread->arguments[2];
	regs->r10 = thread->arguments[3];
	regs->r8 = thread->arguments[4];
	regs->r9 = thread->arguments[5];
	regs->orig_ax = -1;
	if (thread->creating)
		pico_thread_created(thread, regs);

	switch ((long)regs->ax) {
	case -ERESTARTNOHAND:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTART_RESTARTBLOCK:
		regs->ax = thread->number;
		regs->ip -= 2;
		break;
	}
}

/*
 * A tracer must not be able to take the mark away. (In place of
 * syscall_user_dispatch_set_config(), from 6.4 on.)
 */
unsigned long pico_hook_dispatch_config(struct task_struct *task)
{
	if (pico_thread_find(task))
		return PICO_HOOK_RETURN(-EPERM);
	return PICO_HOOK_CONTINUE;
}

/* A vsyscall address is an address like any other: the access faults. */
unsigned long pico_hook_vsyscall(unsigned long error_code,
				 struct pt_regs *regs)
{
	if (pico_thread_find(current))
		return PICO_HOOK_RETURN(false);
	return PICO_HOOK_CONTINUE;
}
