// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls of marked threads: the hook, and native calls put in place of
 * the thread's own.
 */
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/syscall_user_dispatch.h>
#include <linux/task_work.h>

#include <asm/syscall.h>

#include "internal.h"
#include "trace.h"

/* The provider has said FORWARD: has it put a call in place? */
static noinline notrace bool pico_call_unanswered(void)
{
	if (pico_thread_current()->forward)
		return false;
	current->syscall_dispatch.on_dispatch = true;
	return true;
}

static noinline notrace bool pico_call_traced(struct pico_thread *thread,
					      struct pt_regs *regs)
{
	trace_pico_system_call(thread, regs);
	if (thread->dispatch(thread, regs) == PICO_SYSCALL_FORWARD &&
	    thread->forward)
		return false;
	trace_pico_system_call_answer(thread, regs);
	current->syscall_dispatch.on_dispatch = true;
	return true;
}

/*
 * In place of syscall_user_dispatch(), which the kernel's entry code calls
 * before anything else looks at the call: ptrace, seccomp, audit. @thread is
 * the calling one.
 *
 * Answered: on_dispatch makes the exit side as quiet as the entry side was.
 * Forwarded: the entry code reads the number again, and everything else takes
 * its usual course. So does the call that a return probe of the host makes: its
 * trampoline is no code of the process, and knows no other answer.
 *
 * Every instruction here is one of every system call: nothing is kept across
 * the provider's function that would have to be saved.
 */
bool notrace pico_hook_system_call(struct pico_thread *thread,
				   struct pt_regs *regs)
{
	thread->forward = PICO_FORWARD_NONE;
	if (pico_compat_is_uretprobe(regs))
		return false;
	thread->counts.system_calls++;
	if (trace_pico_system_call_enabled() ||
	    trace_pico_system_call_answer_enabled())
		return pico_call_traced(thread, regs);
	if (unlikely(thread->dispatch(thread, regs) == PICO_SYSCALL_FORWARD))
		return pico_call_unanswered();
	current->syscall_dispatch.on_dispatch = true;
	return true;
}

/*
 * A work that the kernel runs on the way to user mode, but that is no signal
 * to a call that waits, brings a watched call's thread to the signal hook. If
 * a signal does so first, the work still runs before user mode. Or while the
 * thread ends, when the exit hook has gone before: so it has references.
 */
static void pico_watch(struct pico_thread *thread)
{
	thread->watched = true;
	/* It cannot fail before the exit hook. */
	if (WARN_ON_ONCE(task_work_add(current, &thread->after_call,
				       TWA_RESUME)))
		return;
	pico_thread_get(thread);
	__module_get(THIS_MODULE);
}

void pico_after_call(struct callback_head *work)
{
	struct pico_thread *thread = container_of(work, struct pico_thread,
						  after_call);

	if (thread->in_tracer_stop)
		thread->watch_again = true;
	else
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	pico_thread_put(thread);
	/* As in the exit hook: nothing sleeps from here to the kernel. */
	module_put(THIS_MODULE);
}

/*
 * In place of ptrace_notify(). A stop for a tracer begins with the works that
 * are queued, also where it is before the call: the flag would end that at once
 * if it waits. So the work of a watched call is queued again, behind the stop.
 */
unsigned long pico_hook_tracer_stop(int exit_code, unsigned long message)
{
	struct pico_thread *thread = pico_thread_current();
	int ret;

	if (!thread || !thread->watched || thread->in_tracer_stop)
		return PICO_HOOK_CONTINUE;
	thread->in_tracer_stop = true;
	ret = pico_do_tracer_stop(exit_code, message);
	thread->in_tracer_stop = false;
	if (thread->watch_again)
		pico_watch(thread);
	thread->watch_again = false;
	return PICO_HOOK_RETURN((long)ret);
}

/*
 * Put a call in place; at the signal hook the thread's own comes back. If only
 * the number is another, that matters for a restart alone, which a signal
 * brings there anyway; a call that waits does not see one pending. If nothing
 * is, the kernel does whatever it does with such a call.
 */
void pico_forward(struct pico_thread *thread, struct pt_regs *regs,
		  unsigned long nr, const unsigned long arguments[6],
		  bool watched)
{
	thread->number = regs->orig_ax;
	thread->arguments[0] = regs->di;
	thread->arguments[1] = regs->si;
	thread->arguments[2] = regs->dx;
	thread->arguments[3] = regs->r10;
	thread->arguments[4] = regs->r8;
	thread->arguments[5] = regs->r9;
	thread->sigreturn = nr == __NR_rt_sigreturn;
	thread->call_ip = regs->ip;
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
		if (!watched)
			set_thread_flag(TIF_NOTIFY_SIGNAL);
	}
	if (watched)
		pico_watch(thread);
}

/*
 * Native calls that would take the mark away, or make a process that has none
 * or is nobody's. And io_uring: while it waits it does what is to be done on
 * the way to user mode, and goes on waiting, so that what has been asked of the
 * thread is never seen to; and it acts in threads that have no mark.
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
	case __NR_io_uring_setup:
	case __NR_io_uring_enter:
	case __NR_io_uring_register:
		return true;
	case __NR_prctl:
		return (int)a0 == PR_SET_SYSCALL_USER_DISPATCH;
	}
	/* x32's have numbers of their own for the same. */
	return nr & __X32_SYSCALL_BIT || nr >= 512;
}

static int pico_forward_checked(struct pico_thread *thread,
				struct pt_regs *regs, unsigned long nr,
				const unsigned long arguments[6], bool watched)
{
	if (in_ia32_syscall())
		return -EOPNOTSUPP;
	/* What is kept would be the first one's, not the thread's own. */
	if (thread->forward)
		return -EBUSY;
	if (pico_never_forwarded(nr, arguments[0]))
		return -EPERM;
	pico_forward(thread, regs, nr, arguments, watched);
	return 0;
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
 * signal pending all the time: one that waits interruptibly that way has to
 * be watched, see pico_forward_watched().
 *
 * What the provider lets through acts with the task's own rights and files:
 * which calls are safe is the provider's decision, but for those that pico.ko
 * itself could not stand.
 *
 * Context: in .dispatch_system_call() only, on @thread. Does not sleep.
 * Return: 0; -EPERM: clone, clone3, fork, vfork (see create_process()),
 * execve, execveat, prctl(PR_SET_SYSCALL_USER_DISPATCH), io_uring_setup(),
 * io_uring_enter(), io_uring_register(), or a number of x32; -EOPNOTSUPP: the
 * call came from a 32-bit entry, where numbers mean something else; -EBUSY: a
 * call is in place already, this way or by create_thread(), create_process() or
 * pico_restart_system_call().
 */
int pico_forward_system_call(struct pico_thread *thread, struct pt_regs *regs,
			     unsigned long nr, unsigned long a0,
			     unsigned long a1, unsigned long a2,
			     unsigned long a3, unsigned long a4,
			     unsigned long a5)
{
	const unsigned long arguments[6] = { a0, a1, a2, a3, a4, a5 };

	return pico_forward_checked(thread, regs, nr, arguments, false);
}
EXPORT_SYMBOL_GPL(pico_forward_system_call);

/**
 * pico_forward_watched() - put a native call in place, and see its end
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
 * As pico_forward_system_call(), but .native_call_ended() follows, exactly
 * once, and the call may wait whatever its arguments are. It costs some two
 * hundred instructions more.
 *
 * Context: as pico_forward_system_call().
 * Return: as pico_forward_system_call(); -EOPNOTSUPP also without
 * .native_call_ended().
 */
int pico_forward_watched(struct pico_thread *thread, struct pt_regs *regs,
			 unsigned long nr, unsigned long a0, unsigned long a1,
			 unsigned long a2, unsigned long a3, unsigned long a4,
			 unsigned long a5)
{
	const unsigned long arguments[6] = { a0, a1, a2, a3, a4, a5 };

	if (!thread->process->provider->routines->native_call_ended)
		return -EOPNOTSUPP;
	return pico_forward_checked(thread, regs, nr, arguments, true);
}
EXPORT_SYMBOL_GPL(pico_forward_watched);

static bool pico_restart_code(long result)
{
	switch (result) {
	case -ERESTARTNOHAND:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTART_RESTARTBLOCK:
		return true;
	}
	return false;
}

/* What the kernel's signal handling would see as a call to be made again. */
bool pico_call_restarts(const struct pt_regs *regs)
{
	return regs->orig_ax != -1UL && pico_restart_code(regs->ax);
}

/* Every instruction that makes a call is two bytes long. */
#define PICO_CALL_INSN_SIZE	2

void pico_call_again(struct pico_thread *thread, struct pt_regs *regs,
		     unsigned long nr)
{
	regs->ax = nr;
	regs->ip -= PICO_CALL_INSN_SIZE;
	regs->orig_ax = -1;
	thread->number = regs->ip;
	thread->forward = PICO_FORWARD_AGAIN;
}

/* What was to be made again has ended. False: there is no such call. */
bool pico_call_interrupt(struct pico_thread *thread, struct pt_regs *regs)
{
	if (thread->forward != PICO_FORWARD_AGAIN ||
	    regs->ip != thread->number)
		return false;
	thread->forward = PICO_FORWARD_NONE;
	regs->ip += PICO_CALL_INSN_SIZE;
	regs->ax = -EINTR;
	return true;
}

/* The thread's registers are about to become others. */
void pico_call_forget(struct pico_thread *thread)
{
	if (thread->forward == PICO_FORWARD_AGAIN)
		thread->forward = PICO_FORWARD_NONE;
}

/**
 * pico_restart_system_call() - have the thread make its call again
 * @thread: the calling thread
 * @regs:   of its call, inside dispatch_system_call(), as they came
 *
 * For a wait that a signal, a suspension or an APC has cut short. These are
 * dealt with first. An APC that was used ends the call with -EINTR instead.
 *
 * Context: in .dispatch_system_call() only, on @thread. Does not sleep.
 * Return: what dispatch_system_call() has to return
 */
enum pico_syscall pico_restart_system_call(struct pico_thread *thread,
					   struct pt_regs *regs)
{
	pico_call_again(thread, regs, regs->orig_ax);
	return PICO_SYSCALL_ANSWERED;
}
EXPORT_SYMBOL_GPL(pico_restart_system_call);

static long pico_native_call_ended(struct pico_thread *thread,
				   struct pt_regs *regs, long native)
{
	long result;

	thread->watched = false;
	result = thread->process->provider->routines->native_call_ended(thread,
						regs, native);
	trace_pico_native_call_ended(thread, native, result);
	return result;
}

/*
 * At the signal hook, maybe after the native call: if nothing brought the
 * thread here then, it may be long ago. Interrupts and exceptions have no
 * number, and rt_sigreturn() leaves none, with the registers of its frame. Nor
 * has a call that a tracer skipped, which has had other arguments: that is where
 * it was made.
 *
 * Where no handler of the process' own can run, nothing but a restart of the
 * thread's own call is possible, so it is seen to here in all cases.
 */
void pico_forward_finish(struct pico_thread *thread, struct pt_regs *regs)
{
	bool same = thread->forward == PICO_FORWARD_SAME;
	bool numbered = regs->orig_ax != -1UL;
	bool others = numbered || (thread->forward == PICO_FORWARD_OTHER &&
				   !thread->sigreturn &&
				   regs->ip == thread->call_ip);
	long native = regs->ax;

	if (thread->forward == PICO_FORWARD_AGAIN)
		return;
	thread->forward = PICO_FORWARD_NONE;
	if (same && pico_call_restarts(regs))
		same = thread->process->native_signals;
	if (!thread->creation && !thread->watched && (same || !others))
		return;
	if (others) {
		regs->di = thread->arguments[0];
		regs->si = thread->arguments[1];
		regs->dx = thread->arguments[2];
		regs->r10 = thread->arguments[3];
		regs->r8 = thread->arguments[4];
		regs->r9 = thread->arguments[5];
	}
	regs->orig_ax = -1;
	if (thread->watched)
		regs->ax = pico_native_call_ended(thread, regs, native);
	if (thread->creation) {
		regs->ax = pico_creation_finish(thread, native);
		/* There is a child: whatever it is, it does not mean "again". */
		if (native > 0)
			return;
	}
	if (numbered && pico_restart_code(regs->ax))
		pico_call_again(thread, regs, thread->number);
}

/* The thread ends instead: in the exit hook. */
void pico_forward_abandon(struct pico_thread *thread)
{
	struct pt_regs *regs = current_pt_regs();

	pico_native_call_ended(thread, regs, regs->ax);
}

/*
 * A tracer sees a forwarded call before the kernel makes it, and may make
 * another of it. What would take the mark away is refused, before it has done
 * anything. (In place of begin_new_exec() and set_syscall_user_dispatch().)
 */
unsigned long pico_hook_mark(void)
{
	if (pico_thread_current())
		return PICO_HOOK_RETURN(-EPERM);
	return PICO_HOOK_CONTINUE;
}

/*
 * Nor does a tracer do so itself. (In place of
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
