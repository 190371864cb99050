/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Signals.
 *
 *	kill, tgkill, SIGPIPE,		faults of the program
 *	timers that went off		      |
 *	      |				      |
 *	      v				      v
 *	signal_send() ---> queue	signal_fault()
 *	(thread or process)		      |
 *	      |				      |
 *	      v  when a call returns	      v
 *	signal_leave_call() ----------> frame_push() ---> handler
 *						     <--- rt_sigreturn
 *
 * A signal that the program ignores is dropped when it is sent; one that is
 * blocked waits in its queue. Signals are taken when a system call returns
 * and when a fault is reported, always at a point where the program's whole
 * register state is in a struct dk_context (vector state is live), so that a
 * handler's frame is exactly Linux's.
 *
 * Nothing interrupts a program that neither calls nor faults: this host
 * cannot raise an exception on a running thread yet. A timer's signal comes
 * with the next call, and ends a sleep.
 *
 * One process alone cannot be stopped: signals whose default is to stop are
 * ignored.
 *
 * signal_lock guards actions, queues and the timer. A thread's mask is its
 * own; nobody else writes it.
 */
#ifndef LIBOS_SIGNALS_H
#define LIBOS_SIGNALS_H

#include <libos.h>
#include <linux/signal.h>

/* As rt_sigaction takes it. */
struct action {
	u64	handler;	/* or 0: default, 1: ignore */
	u64	flags;		/* SA_* */
	u64	restorer;
	sigset	mask;
};

#define HANDLER_DEFAULT	0
#define HANDLER_IGNORE	1

/* They cannot be caught, blocked or ignored. */
#define SIGNALS_FIRM	(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

struct signal_info {
	struct signal_info *next;
	siginfo_t info;
};

extern struct lock signal_lock;
extern struct action signal_actions[SIGNAL_COUNT + 1];
extern struct signal_queue process_signals;
extern bool timer_armed;

void signal_init(void);
/* execve: handlers become the default, the timer and queues stay. */
void signal_exec(void);

/* What the program asked for; waits for the first moment to take it. */
long signal_send(struct signal_queue *queue, const siginfo_t *info);
/* Take one of @wanted; its number, or 0. Thread's queue first. */
int signal_dequeue(struct libos_thread *t, sigset wanted, siginfo_t *info);
bool signal_ignored(int signal);
/* Forget @signal; with signal_lock held. */
void signal_discard(struct signal_queue *queue, int signal);

static inline sigset signal_pending(const struct libos_thread *t)
{
	return t->queue.set | process_signals.set;
}

/* Has a returning system call anything to do here? */
static inline bool signal_work(const struct libos_thread *t)
{
	return (signal_pending(t) & ~t->blocked) || timer_armed ||
	       (t->flags & THREAD_RESTORE_MASK);
}

/*
 * signal_leave_call() - take signals; @frame has the result in rax
 * signal_fault() - the program faulted: @c becomes what is to run next
 */
void signal_leave_call(struct libos_thread *t, struct dk_context *frame,
		       u32 number);
void signal_fault(const struct dk_exception *e, struct dk_context *c);
/* Sleep until a signal may have come or @timeout passed. */
void signal_wait(struct libos_thread *t, s64 timeout);

/*
 * frame_push() - enter a handler: signal frame on the program's stack
 *
 * @mask: to be restored by sigreturn; @e: the fault behind it, or NULL.
 * -EFAULT when there is no stack.
 */
long frame_push(struct libos_thread *t, struct dk_context *c,
		const struct action *action, const siginfo_t *info,
		sigset mask, const struct dk_exception *e);
/* Size of a frame without the program's red zone: AT_MINSIGSTKSZ. */
u64 frame_size(void);
bool on_alt_stack(const struct libos_thread *t, u64 rsp);

/* Timers (time/timer.c): queue SIGALRM when it is due. */
void timer_check(void);
s64 timer_due(void);	/* nanoseconds from now; DK_TIMEOUT_INFINITE: never */

#endif /* LIBOS_SIGNALS_H */
