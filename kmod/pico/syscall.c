// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls of marked threads: the hook, and native calls put in place of
 * the thread's own.
 */
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/syscall_user_dispatch.h>

#include <asm/syscall.h>

#include "internal.h"
#include "trace.h"

/*
 * In place of syscall_user_dispatch(), which the kernel's entry code calls
 * before anything else looks at the call: ptrace, seccomp, audit.
 *
 * Answered: on_dispatch makes the exit side as quiet as the entry side was.
 * Forwarded: the entry code reads the number again, and everything else takes
 * its usual course.
 */
int notrace pico_hook_system_call(struct pt_regs *regs)
{
	struct pico_thread *thread = pico_thread_current();
	enum pico_syscall answer;

	if (unlikely(!thread))
		return PICO_SYSTEM_CALL_CONTINUE;
	trace_pico_system_call(thread, regs);
	thread->forward = PICO_FORWARD_NONE;
	answer = thread->dispatch(thread, regs);
	if (unlikely(answer == PICO_SYSCALL_FORWARD && thread->forward))
		return false;
	trace_pico_system_call_answer(thread, regs);
	current->syscall_dispatch.on_dispatch = true;
	return true;
}

/*
 * Put a call in place; at the signal hook the thread's own comes back. If only
 * the number is another, that matters for a restart alone, which a signal
 * brings there anyway; a call that waits does not see one pending. If nothing
 * is, the kernel does whatever it does with such a call.
 */
void pico_forward(struct pico_thread *thread, struct pt_regs *regs,
		  unsigned long nr, const unsigned long arguments[6])
{
	thread->number = regs->orig_ax;
	thread->arguments[0] = regs->di;
	thread->arguments[1] = regs->si;
	thread->arguments[2] = regs->dx;
	thread->arguments[3] = regs->r10;
	thread->arguments[4] = regs->r8;
	thread->arguments[5] = regs->r9;
	thread->forward = PICO_FORWARD_SAME;
	if (nr != thread->number)
		thread->forward = PICO_FORWARD_NUMBER;

	regs->orig_ax = nr;
	regs->di = arguments[0];
	regs->si = arguments[1];
	regs->dx = arguments[2];
	regs->r10 = arguments[3];
	regs->r8 = arguments[4];
	regs->r9 = arguments[5];
	if (memcmp(arguments, thread->arguments, sizeof(thread->arguments))) {
		thread->forward = PICO_FORWARD_OTHER;
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	}
}

/*
 * Native calls that would take the mark away, or make a process that has none
 * or is nobody's.
 */
static bool pico_never_forwarded(unsigned long nr, unsigned long a0)
{
	switch (nr) {
	case __NR_clone:
	case __NR_clone3:
	case __NR_fork:
	case __NR_vfork:
	case __NR_execve:
	case __NR_execveat:
		return true;
	case __NR_prctl:
		return (int)a0 == PR_SET_SYSCALL_USER_DISPATCH;
	}
	/* x32's have numbers of their own for the same. */
	return nr & __X32_SYSCALL_BIT || nr >= 512;
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
 * After 0 the provider returns PICO_SYSCALL_FORWARD. User mode finds its
 * argument registers unchanged afterwards and the native result in rax; if a
 * signal makes the kernel restart the call, the thread's own call is made
 * again. A call that is not the thread's own, unchanged, is restarted even if
 * a native handler was to see -EINTR. A call with other arguments sees a
 * signal pending all the time: do not forward one that waits interruptibly
 * that way.
 *
 * What the provider lets through acts with the task's own rights and files:
 * which calls are safe is the provider's decision, but for those that pico.ko
 * itself could not stand.
 *
 * Return: 0; -EPERM: clone, clone3, fork, vfork (see create_process()),
 * execve, execveat, prctl(PR_SET_SYSCALL_USER_DISPATCH), or a number of x32;
 * -EOPNOTSUPP: the call came from a 32-bit entry, where numbers mean something
 * else.
 */
int pico_forward_system_call(struct pico_thread *thread, struct pt_regs *regs,
			     unsigned long nr, unsigned long a0,
			     unsigned long a1, unsigned long a2,
			     unsigned long a3, unsigned long a4,
			     unsigned long a5)
{
	const unsigned long arguments[6] = { a0, a1, a2, a3, a4, a5 };

	if (in_ia32_syscall())
		return -EOPNOTSUPP;
	if (pico_never_forwarded(nr, a0))
		return -EPERM;
	pico_forward(thread, regs, nr, arguments);
	return 0;
}
EXPORT_SYMBOL_GPL(pico_forward_system_call);

/*
 * At the signal hook, maybe after the native call: if no signal came then, it
 * may be long ago. Interrupts and exceptions have no number.
 */
void pico_forward_finish(struct pico_thread *thread, struct pt_regs *regs)
{
	bool same = thread->forward == PICO_FORWARD_SAME;
	long native;

	thread->forward = PICO_FORWARD_NONE;
	if (!thread->creation && (same || regs->orig_ax == -1UL))
		return;
	regs->di = thread->arguments[0];
	regs->si = thread->arguments[1];
	regs->dx = thread->arguments[2];
	regs->r10 = thread->arguments[3];
	regs->r8 = thread->arguments[4];
	regs->r9 = thread->arguments[5];
	regs->orig_ax = -1;
	if (thread->creation) {
		native = regs->ax;
		regs->ax = pico_creation_finish(thread, native);
		/* There is a child: whatever it is, it does not mean "again". */
		if (native > 0)
			return;
	}

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
	if (pico_thread_current())
		return PICO_HOOK_RETURN(false);
	return PICO_HOOK_CONTINUE;
}
