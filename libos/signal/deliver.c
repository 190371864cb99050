// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Taking signals: which one, what the program wants, and starting its handler;
 * stopping and going on.
 */
#include <entry.h>
#include <fpu.h>
#include <libos.h>
#include <mm.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <trace.h>

/* ---- what the host told: without locks when it did, so now ---- */

static void send_all(sigset set, int code)
{
	for (; set; set &= set - 1) {
		siginfo_t info = { .si_signo = __builtin_ctzll(set) + 1,
				   .si_code = code };

		if (code != SI_KERNEL ||
		    terminal_signal_concerns(info.si_signo))
			signal_send_process(&info);
	}
}

static void take_outside(void)
{
	send_all(__atomic_exchange_n(&terminal_signals, 0, __ATOMIC_SEQ_CST),
		 SI_KERNEL);
	send_all(__atomic_exchange_n(&host_signals, 0, __ATOMIC_SEQ_CST),
		 SI_USER);
}

/* True: the thread has been told to end. */
static bool take_events(struct libos_thread *t)
{
	u32 events = 0;

	if (unlikely(__atomic_load_n(&host_events, __ATOMIC_SEQ_CST)))
		events = __atomic_exchange_n(&host_events, 0, __ATOMIC_SEQ_CST);
	if (events & EVENT_OUTSIDE)
		take_outside();
	if (events & (EVENT_CHILD | EVENT_REMOTE))
		process_events(events & (EVENT_CHILD | EVENT_REMOTE));
	return __atomic_load_n(&t->told, __ATOMIC_SEQ_CST);
}

bool signal_events(void)
{
	struct libos_thread *t = self();

	t->interrupt = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return take_events(t);
}

/* ---- stopping ---- */

static void wait_continued(struct libos_thread *t)
{
	u32 stopped;

	for (;;) {
		t->interrupt = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (take_events(t))
			break;
		stopped = __atomic_load_n(&signal_stopped, __ATOMIC_SEQ_CST);
		if (!stopped)
			break;
		terminal_stopped();
		HOST_WAIT(DkxAddressWait, &signal_stopped,
			  DK_ADDRESS_WAIT | DK_ADDRESS_PRIVATE, stopped, NULL,
			  0, DK_ADDRESS_ALL_BITS);
	}
	t->interrupt = 1; /* it was cleared for more than one reason */
}

static void stop(struct libos_thread *t, int signal)
{
	bool orphaned = process_is_orphaned();
	struct libos_thread *other;

	if (signal != SIGSTOP && orphaned)
		return;
	lock_acquire(&thread_lock);
	lock_acquire(&signal_lock);
	/* A SIGCONT that was sent in between has the last word. */
	if (signal_continues != t->continues) {
		signal = 0;
	} else {
		__atomic_store_n(&signal_stopped, signal, __ATOMIC_SEQ_CST);
		process_stop_changed(signal);
		for (other = threads; other; other = other->next) {
			if (other != t && other->tid)
				signal_interrupt(other);
		}
	}
	lock_release(&signal_lock);
	lock_release(&thread_lock);
	if (!signal)
		return;
	process_stop_tell(signal);
	/* Who would have continued it may have looked before it had stopped. */
	if (!orphaned)
		group_wake_orphans(process_group(), NULL);
	wait_continued(t);
}

/* ---- is there anything? ---- */

static sigset defaults_of(sigset set)
{
	sigset found = 0, left;

	for (left = set; left; left &= left - 1) {
		int signal = __builtin_ctzll(left) + 1;

		if (signal_actions[signal].handler == HANDLER_DEFAULT)
			found |= SIGNAL_BIT(signal);
	}
	return found;
}

static sigset ignored_of(sigset set)
{
	sigset found = 0, left;

	for (left = set; left; left &= left - 1) {
		if (signal_ignored(__builtin_ctzll(left) + 1))
			found |= left & -left;
	}
	return found;
}

bool signal_interrupts(void)
{
	struct libos_thread *t = self();
	sigset set, stops;
	siginfo_t info;
	bool told;

	if (likely(!__atomic_load_n(&t->interrupt, __ATOMIC_RELAXED)))
		return false;
	if (t->vfork) {
		t->interrupt = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!vfork_wanted(t))
			return false;
		t->interrupt = 1;
		return true;
	}
	for (;;) {
		t->interrupt = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		told = take_events(t);
		if (!told &&
		    __atomic_load_n(&signal_stopped, __ATOMIC_SEQ_CST)) {
			wait_continued(t);
			continue;
		}
		lock_acquire(&signal_lock);
		set = signal_pending(t) & ~t->blocked;
		stops = defaults_of(set & SIGNALS_STOP & ~t->waited_for);
		set &= ~stops;
		set &= ~ignored_of(set & ~t->waited_for);
		lock_release(&signal_lock);
		if (told || set) {
			t->interrupt = 1;
			return true;
		}
		if (stops && signal_dequeue(t, stops, &info))
			stop(t, info.si_signo);
		else if (!__atomic_load_n(&t->interrupt, __ATOMIC_RELAXED))
			return false;
	}
}

long signal_wait(u64 clock, s64 end)
{
	struct dk_deadline deadline = { end / NSEC_PER_SEC,
					end % NSEC_PER_SEC };
	u64 operation = DK_ADDRESS_WAIT | DK_ADDRESS_PRIVATE;
	static u32 never;
	DK_STATUS status;

	if (clock == DK_CLOCK_WALL)
		operation |= DK_ADDRESS_WALL_CLOCK;
	if (end != DK_TIMEOUT_INFINITE && end < 0)
		return -ETIMEDOUT;
	status = HOST_WAIT(DkxAddressWait, &never, operation, 0,
			   end == DK_TIMEOUT_INFINITE ? NULL : &deadline, 0,
			   DK_ADDRESS_ALL_BITS);
	return status == DK_STATUS_TIMEOUT ? -ETIMEDOUT : 0;
}

/* ---- handlers ---- */

/* Start the handler of @action, or end the process when it has no stack. */
static void enter_handler(struct libos_thread *t, struct dk_context *c,
			  const struct action *action, const siginfo_t *info,
			  const struct dk_exception *e)
{
	int signal = info->si_signo;
	sigset old = t->flags & THREAD_RESTORE_MASK ? t->saved_blocked :
						      t->blocked;
	sigset blocked;

	if (frame_push(t, c, action, info, old, e)) {
		/* As in Linux: SIGSEGV, and none for its own handler. */
		siginfo_t fault = { .si_signo = SIGSEGV, .si_code = SI_KERNEL };
		struct action segv = signal_actions[SIGSEGV];

		if (signal == SIGSEGV || segv.handler <= HANDLER_IGNORE ||
		    (t->blocked & SIGNAL_BIT(SIGSEGV)))
			process_kill(SIGSEGV);
		enter_handler(t, c, &segv, &fault, NULL);
		return;
	}
	t->flags &= ~THREAD_RESTORE_MASK;
	blocked = t->blocked | action->mask;
	if (!(action->flags & SA_NODEFER))
		blocked |= SIGNAL_BIT(signal);
	signal_block(blocked & ~SIGNALS_FIRM);
	t->flags |= THREAD_FRAME_CHANGED;
}

/* The action to take now. SA_RESETHAND acts once. */
static struct action action_take(int signal)
{
	struct action a;

	lock_acquire(&signal_lock);
	a = signal_actions[signal];
	if (a.handler > HANDLER_IGNORE && (a.flags & SA_RESETHAND))
		signal_actions[signal].handler = HANDLER_DEFAULT;
	lock_release(&signal_lock);
	return a;
}

static void restart_call(struct libos_thread *t, struct dk_context *c,
			 u32 number)
{
	c->rip -= 2; /* the SYSCALL instruction */
	c->rax = number;
	t->flags |= THREAD_FRAME_CHANGED;
}

/*
 * The thread is a child's, of vfork(). True: the child goes on with it. What
 * there is for the child, it takes as a process of its own; what there is for
 * the parent, waits.
 */
static bool lent(struct libos_thread *t, struct dk_context *c, long restart,
		 u32 number)
{
	t->interrupt = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vfork_wanted(t)) {
		if (!vfork_leave())
			return false;
		vfork_end(SIGKILL);
	}
	if (restart)
		restart_call(t, c, number);
	if (t->flags & THREAD_RESTORE_MASK) {
		t->flags &= ~THREAD_RESTORE_MASK;
		signal_block(t->saved_blocked);
	}
	return true;
}

void signal_take(struct libos_thread *t, struct dk_context *c, long restart,
		 u32 number)
{
	struct action a;
	siginfo_t info;
	int signal;

	if (unlikely(t->vfork) && lent(t, c, restart, number))
		return;
	/* A call that no signal ended: its mask was for it alone. */
	if (t->flags & THREAD_RESTORE_MASK && !restart &&
	    (long)c->rax != -EINTR) {
		t->flags &= ~THREAD_RESTORE_MASK;
		signal_block(t->saved_blocked);
	}
	t->interrupt = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (take_events(t))
		thread_leave(0);
	if (__atomic_load_n(&signal_stopped, __ATOMIC_SEQ_CST))
		wait_continued(t);
	while ((signal_pending(t) & ~t->blocked) &&
	       (signal = signal_dequeue(t, ~t->blocked, &info))) {
		if (unlikely(trace_calls))
			trace_signal(signal, info.si_code);
		a = action_take(signal);
		if (a.handler == HANDLER_IGNORE)
			continue;
		if (a.handler == HANDLER_DEFAULT) {
			if (SIGNALS_STOP & SIGNAL_BIT(signal))
				stop(t, signal);
			else if (!signal_ignored(signal))
				process_kill(signal);
			continue;
		}
		if (restart) {
			if (restart == -ERESTARTSYS && (a.flags & SA_RESTART))
				restart_call(t, c, number);
			else
				c->rax = -EINTR;
			restart = 0;
		}
		enter_handler(t, c, &a, &info, NULL);
	}
	if (restart)
		restart_call(t, c, number);
	if (t->flags & THREAD_RESTORE_MASK) {
		t->flags &= ~THREAD_RESTORE_MASK;
		signal_block(t->saved_blocked);
	}
}

void signal_fault(const struct dk_exception *e, struct dk_context *c)
{
	struct libos_thread *t = self();
	siginfo_t info = { .si_signo = e->signal ? (int)e->signal : SIGSEGV,
			   .si_code = e->signal_code };
	int signal = info.si_signo;
	struct action a;

	if (t->vfork && vfork_leave())
		vfork_end(signal);
	info.si_addr = (void *)e->address;
	if (signal == SIGSEGV && address_is_guard(e->address))
		info.si_code = SEGV_MAPERR;
	if (unlikely(trace_calls))
		trace_fault(e, c);
	a = action_take(signal);
	/* A fault cannot wait: ignored or blocked, it ends the process. */
	if (a.handler <= HANDLER_IGNORE || (t->blocked & SIGNAL_BIT(signal)))
		process_kill(signal);
	enter_handler(t, c, &a, &info, e);
}

void signal_init(void)
{
	fpu_init();
	DkxSignalRegister(~SIGNALS_FIRM);
}

void signal_exec(void)
{
	struct libos_thread *t = self();
	int i;

	lock_acquire(&signal_lock);
	for (i = 1; i <= SIGNAL_COUNT; i++) {
		if (signal_actions[i].handler != HANDLER_IGNORE)
			signal_actions[i].handler = HANDLER_DEFAULT;
		signal_actions[i].flags = 0;
		signal_actions[i].mask = 0;
	}
	lock_release(&signal_lock);
	t->alt_stack_base = 0;
	t->alt_stack_size = 0;
	t->alt_stack_flags = 0;
}
