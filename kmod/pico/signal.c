// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux' signals to marked threads.
 *
 * In a picoprocess without signal handling of its own (struct pico_start's
 * native_signals) the only actions are the default ones. A provider with
 * deliver_signal() is shown every signal first and may take it; SIGKILL and
 * SIGSTOP excepted, what the kernel has decided to end the process with, and
 * exceptions, which it has seen as such.
 *
 * The kernel itself acts on some signals when they are sent, if their action
 * is the default one: many kill the process on the spot, some are dropped.
 * Others, of an exception, it writes to its log. So signals have a handler
 * here that is neither "default" nor "ignore". It must never be entered:
 * without a restorer the kernel refuses to build a frame for it, which is
 * fatal. Before the kernel's signal handling runs, a signal that is to act
 * gets its default action back; and where the provider is shown signals, those
 * that it was not shown are blocked meanwhile.
 *
 * A signal that acts is one that ends the process, so nobody misses the
 * handler afterwards; or it stops the process, and these never had one.
 */
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>

#include "../compat.h"
#include "internal.h"
#include "trace.h"

#define PICO_NO_HANDLER		((__force __sighandler_t)16UL)

#define PICO_SYNCHRONOUS (sigmask(SIGSEGV) | sigmask(SIGBUS) |		\
			  sigmask(SIGILL) | sigmask(SIGTRAP) |		\
			  sigmask(SIGFPE))

#define PICO_NEVER_SHOWN (sigmask(SIGKILL) | sigmask(SIGSTOP))

static_assert(_NSIG_WORDS == 1);

static bool pico_signals_shown(const struct pico_process *process)
{
	return process->provider->routines->deliver_signal &&
	       !process->native_signals;
}

/*
 * Signals as a picoprocess needs them: a provider's write to a pipe without a
 * reader is an error, not a signal; nothing stays blocked, since nobody inside
 * could unblock it. What the launcher ignores stays ignored (nohup). On its
 * first thread, in execve().
 */
void pico_signals_init(const struct pico_process *process)
{
	struct k_sigaction *action = pico_sighand()->action;
	int sig;

	spin_lock_irq(&pico_sighand()->siglock);
	for (sig = 1; sig <= _NSIG && !process->native_signals; sig++) {
		__sighandler_t *handler = &action[sig - 1].sa.sa_handler;

		if (sig == SIGPIPE || sig == SIGXFSZ)
			*handler = SIG_IGN;
		else if (sigmask(sig) & PICO_SYNCHRONOUS)
			*handler = PICO_NO_HANDLER;
		else if (*handler == SIG_DFL && pico_signals_shown(process) &&
			 sig != SIGKILL && !sig_kernel_stop(sig))
			*handler = PICO_NO_HANDLER;
	}
	if (!process->native_signals)
		sigemptyset(&current->blocked);
	recalc_sigpending();
	spin_unlock_irq(&pico_sighand()->siglock);
}

static void pico_default_action(unsigned long mask)
{
	struct k_sigaction *action = pico_sighand()->action;
	int sig;

	lockdep_assert_held(&pico_sighand()->siglock);
	for (sig = 1; sig <= _NSIG; sig++) {
		if (mask & sigmask(sig))
			action[sig - 1].sa.sa_handler = SIG_DFL;
	}
}

/*
 * An exception that the provider did not want: the process dies of it, unless it
 * has a native handler, and does not keep the signal from it. As the kernel
 * forces a signal.
 */
void pico_signal_fatal(struct pico_thread *thread, kernel_siginfo_t *info)
{
	struct k_sigaction *action = &pico_sighand()->action[info->si_signo - 1];

	spin_lock_irq(&pico_sighand()->siglock);
	if (!thread->process->native_signals ||
	    sigismember(&current->blocked, info->si_signo) ||
	    action->sa.sa_handler == SIG_IGN)
		pico_default_action(sigmask(info->si_signo));
	sigdelset(&current->blocked, info->si_signo);
	recalc_sigpending();
	thread->acting |= sigmask(info->si_signo);
	current->signal->flags &= ~SIGNAL_UNKILLABLE;
	spin_unlock_irq(&pico_sighand()->siglock);
	send_sig_info(info->si_signo, info, current);
}

/* Synchronous signals that were sent, not forced: let them do their default. */
static void pico_signals_default(struct pico_thread *thread)
{
	unsigned long pending;

	if (thread->process->native_signals)
		return;
	spin_lock_irq(&pico_sighand()->siglock);
	pending = (current->pending.signal.sig[0] |
		   current->signal->shared_pending.signal.sig[0]) &
		  PICO_SYNCHRONOUS;
	if (pending)
		pico_default_action(pending);
	spin_unlock_irq(&pico_sighand()->siglock);
}

/*
 * A signal that was dequeued and not taken is sent once more, to act. A stop
 * signal is put back without its siginfo, since SIGCONT may have come
 * meanwhile, which undoes stops that are pending, and this one too.
 */
static void pico_signal_act(struct pico_thread *thread, kernel_siginfo_t *info)
{
	int sig = info->si_signo;
	bool stop = sig_kernel_stop(sig);

	if (sig_kernel_ignore(sig))
		return;
	spin_lock_irq(&pico_sighand()->siglock);
	pico_default_action(sigmask(sig));
	thread->acting |= sigmask(sig);
	if (stop && current->jobctl & JOBCTL_STOP_DEQUEUED) {
		sigaddset(&current->pending.signal, sig);
		recalc_sigpending();
	}
	spin_unlock_irq(&pico_sighand()->siglock);
	if (!stop)
		send_sig_info(sig, info, current);
}

/*
 * What the kernel has decided to end the process with, as seccomp does, is not
 * the provider's to take. Nor is what is ignored, and yet pending: it was sent
 * while it was blocked, as it is in a stop (below), or there is a tracer, which
 * is shown it. The kernel drops it then.
 */
static unsigned long pico_signals_left(void)
{
	const struct k_sigaction *action = pico_sighand()->action;
	unsigned long pending, left = 0;
	unsigned int bit;

	lockdep_assert_held(&pico_sighand()->siglock);
	pending = current->pending.signal.sig[0] |
		  current->signal->shared_pending.signal.sig[0];
	for_each_set_bit(bit, &pending, _NSIG) {
		if (action[bit].sa.sa_flags & SA_IMMUTABLE ||
		    action[bit].sa.sa_handler == SIG_IGN)
			left |= BIT(bit);
	}
	return left;
}

/* Show what is pending to the provider, one after the other; may sleep. */
static void pico_signals_show(struct pico_thread *thread)
{
	const struct pico_provider_routines *routines =
		thread->process->provider->routines;
	kernel_siginfo_t info;
	sigset_t mask;
	bool taken;
	int sig;

	for (;;) {
		spin_lock_irq(&pico_sighand()->siglock);
		thread->acting |= pico_signals_left();
		mask.sig[0] = current->blocked.sig[0] | thread->acting |
			      PICO_NEVER_SHOWN;
		sig = pico_compat_dequeue_signal(&mask, &info);
		spin_unlock_irq(&pico_sighand()->siglock);
		if (!sig)
			return;
		thread->counts.signals++;
		taken = routines->deliver_signal(thread, &info);
		trace_pico_signal(thread, &info, taken);
		if (!taken)
			pico_signal_act(thread, &info);
	}
}

/* The kernel's signal handling, of which this is the hook. */
static void pico_signals_kernel(struct pico_thread *thread,
				struct pt_regs *regs)
{
	thread->in_signal = true;
	pico_do_signal(regs);
	thread->in_signal = false;
}

/*
 * The same with all signals blocked that the provider has not been shown. A
 * mask of a call like ppoll() is in place until the kernel puts the thread's
 * own back; so may a debugger.
 */
static void pico_signals_kernel_shown(struct pico_thread *thread,
				      struct pt_regs *regs)
{
	bool restore = test_restore_sigmask();
	sigset_t mask, blocked;

	spin_lock_irq(&pico_sighand()->siglock);
	blocked = current->blocked;
	mask.sig[0] = ~(thread->acting | PICO_NEVER_SHOWN);
	current->blocked = mask;
	recalc_sigpending();
	spin_unlock_irq(&pico_sighand()->siglock);

	pico_signals_kernel(thread, regs);

	spin_lock_irq(&pico_sighand()->siglock);
	thread->acting = 0;
	if (restore == test_restore_sigmask() &&
	    sigequalsets(&current->blocked, &mask))
		current->blocked = blocked;
	recalc_sigpending();
	spin_unlock_irq(&pico_sighand()->siglock);
}

/*
 * On the thread, on its way to user mode: its signals, works, and what else
 * the kernel does there. May sleep, and may not return.
 */
void pico_signals_handle(struct pico_thread *thread, struct pt_regs *regs)
{
	if (pico_signals_shown(thread->process)) {
		pico_signals_show(thread);
		pico_signals_kernel_shown(thread, regs);
	} else {
		pico_signals_default(thread);
		pico_signals_kernel(thread, regs);
	}
}
