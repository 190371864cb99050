// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions of marked threads.
 *
 * The kernel turns an exception in user mode into a forced signal, in a
 * context that cannot sleep. The force hook only takes note of it; the signal
 * hook, on the way back to user mode, hands it to the provider.
 */
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <linux/uprobes.h>

#include <asm/trapnr.h>

#include "internal.h"
#include "trace.h"

#define PICO_SYNCHRONOUS (sigmask(SIGSEGV) | sigmask(SIGBUS) |		\
			  sigmask(SIGILL) | sigmask(SIGTRAP) |		\
			  sigmask(SIGFPE))

/* enum sig_handler of kernel/signal.c: leave the action as it is. */
#define PICO_HANDLER_CURRENT	0

/*
 * In place of force_sig_info_to_task(). Interrupts may be off. One exception
 * is kept: a second one before the first was dispatched is its consequence.
 */
unsigned long pico_hook_force_signal(struct kernel_siginfo *info,
				     struct task_struct *task, int handler)
{
	struct pico_exception *exception;
	struct pico_thread *thread;

	if (task != current || handler != PICO_HANDLER_CURRENT ||
	    !(sigmask(info->si_signo) & PICO_SYNCHRONOUS) ||
	    (current->flags & PF_EXITING))
		return PICO_HOOK_CONTINUE;
	thread = pico_thread_current();
	if (!thread || !thread->process->provider->routines->dispatch_exception)
		return PICO_HOOK_CONTINUE;
	if (!thread->exception_pending) {
		exception = &thread->exception;
		exception->info = *info;
		exception->trap = current->thread.trap_nr;
		exception->error_code = current->thread.error_code;
		exception->address = exception->trap == X86_TRAP_PF ?
			current->thread.cr2 :
			(unsigned long)info->si_addr;
		thread->exception_pending = true;
	}
	set_thread_flag(TIF_NOTIFY_SIGNAL);
	return PICO_HOOK_RETURN(0);
}

/*
 * What the force hook has noted, to the provider. On the thread, at the signal
 * hook; may sleep.
 */
void pico_exception_dispatch(struct pico_thread *thread, struct pt_regs *regs)
{
	const struct pico_provider_routines *routines =
		thread->process->provider->routines;
	unsigned long frames[PICO_TRACE_FRAMES];
	unsigned int count;
	bool handled;

	if (trace_pico_user_stack_enabled() && routines->walk_user_stack) {
		count = routines->walk_user_stack(thread, regs, frames,
						  PICO_TRACE_FRAMES);
		count = min_t(unsigned int, count, PICO_TRACE_FRAMES);
		trace_pico_user_stack(thread, frames, count);
	}
	pico_call_forget(thread);
	thread->counts.exceptions++;
	handled = routines->dispatch_exception(thread, regs,
					       &thread->exception);
	trace_pico_exception(thread, regs, &thread->exception, handled);
	thread->exception_pending = false;
	/* If not, the process dies of it, as any other would. */
	if (!handled)
		pico_signal_fatal(thread, &thread->exception.info);
}

/*
 * A breakpoint of uprobes was hit, and its instruction is about to be executed
 * elsewhere: ip, sp and the trap flag are not the thread's own, and the kernel
 * keeps signals, SIGKILL included, from being looked at until that is over,
 * which it cannot be while the thread is here. So signals wait for it, as they
 * do natively. Where there is more than that, it is undone, as the kernel does
 * it for a fatal signal: it runs uprobe_notify_resume() before it comes back
 * here, and then the thread is before the breakpoint again, which it hits once
 * more when it goes on. (A step that is done is no longer one here.)
 */
static bool pico_uprobe_first(struct pico_thread *thread)
{
#ifdef CONFIG_UPROBES
	struct uprobe_task *utask = current->utask;

	if (likely(!utask || !utask->active_uprobe))
		return false;
	clear_notify_signal();
	smp_mb__after_atomic(); /* see pico_apc_arrived() */
	if (thread->exception_pending || __fatal_signal_pending(current) ||
	    task_work_pending(current) || READ_ONCE(thread->holds) ||
	    READ_ONCE(thread->leave) || READ_ONCE(thread->apc)) {
		utask->state = UTASK_SSTEP_TRAPPED;
		set_thread_flag(TIF_UPROBE);
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	} else {
		/* The end of the step looks for them again. */
		spin_lock_irq(&pico_sighand()->siglock);
		clear_thread_flag(TIF_SIGPENDING);
		spin_unlock_irq(&pico_sighand()->siglock);
	}
	return true;
#else
	return false;
#endif
}

/*
 * Before arch_do_signal_or_restart(), on the way to user mode; may sleep.
 * Anything may have brought the thread here: an exception, the end of a
 * forwarded call, a signal, a suspension. Or the kernel's signal handling was
 * called from here, and is just beginning.
 */
unsigned long pico_hook_signal(struct pt_regs *regs)
{
	struct pico_thread *thread = pico_thread_current();

	if (!thread || thread->in_signal)
		return PICO_HOOK_CONTINUE;
	if (pico_uprobe_first(thread))
		return PICO_HOOK_RETURN(0);
	pico_apc_arrived(thread);
	if (thread->forward)
		pico_forward_finish(thread, regs);
	if (thread->starting)
		pico_creation_start(thread, regs);
	pico_apc(thread, regs);
	return PICO_HOOK_RETURN(0);
}
