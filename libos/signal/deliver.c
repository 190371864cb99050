// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Taking signals: which one, what the program wants, and starting its handler.
 */
#include <entry.h>
#include <fpu.h>
#include <libos.h>
#include <mm.h>
#include <signals.h>
#include <trace.h>

/* Start the handler of @action, or end the process when it has no stack. */
static void enter_handler(struct libos_thread *t, struct dk_context *c,
			  const struct action *action, const siginfo_t *info,
			  const struct dk_exception *e)
{
	int signal = info->si_signo;
	sigset old = t->flags & THREAD_RESTORE_MASK ? t->saved_blocked :
						      t->blocked;

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
	t->blocked |= action->mask;
	if (!(action->flags & SA_NODEFER))
		t->blocked |= SIGNAL_BIT(signal);
	t->blocked &= ~SIGNALS_FIRM;
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

static void restart_call(struct libos_thread *t, struct dk_context *frame,
			 u32 number)
{
	frame->rip -= 2; /* the SYSCALL instruction */
	frame->rax = number;
	t->flags |= THREAD_FRAME_CHANGED;
}

void signal_leave_call(struct libos_thread *t, struct dk_context *frame,
		       u32 number)
{
	bool restart = frame->rax == (u64)-ERESTARTSYS;
	struct action a;
	siginfo_t info;
	int signal;

	if (timer_armed)
		timer_check();
	while ((signal = signal_dequeue(t, ~t->blocked, &info))) {
		if (signal_ignored(signal))
			continue;
		a = action_take(signal);
		if (a.handler == HANDLER_DEFAULT)
			process_kill(signal);
		if (restart) {
			if (a.flags & SA_RESTART)
				restart_call(t, frame, number);
			else
				frame->rax = -EINTR;
			restart = false;
		}
		enter_handler(t, frame, &a, &info, NULL);
	}
	if (restart)
		restart_call(t, frame, number);
	if (t->flags & THREAD_RESTORE_MASK) {
		t->blocked = t->saved_blocked;
		t->flags &= ~THREAD_RESTORE_MASK;
	}
}

void signal_fault(const struct dk_exception *e, struct dk_context *c)
{
	struct libos_thread *t = self();
	siginfo_t info = { .si_signo = e->signal ? (int)e->signal : SIGSEGV,
			   .si_code = e->signal_code };
	int signal = info.si_signo;
	struct action a;

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
