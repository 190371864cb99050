/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Signals.
 *
 *	kill, tgkill, SIGPIPE, timers,		faults of the program
 *	the host (terminal, children)			|
 *		|					|
 *		v					v
 *	signal_send_thread(), _process()	signal_fault()
 *	-> queue of a thread or the process		|
 *		|					|
 *		v					v
 *	signal_take() --------------------> frame_push() ---> handler
 *						     <--- rt_sigreturn
 *
 * A signal that the program ignores is dropped when it is sent; one that is
 * blocked waits in its queue. Otherwise one thread that takes it is chosen,
 * its @interrupt is set, and an exception is raised on it (at most one at a
 * time is on its way). What the exception finds:
 *
 *   the program	signals are taken at once; what comes back from the
 *			exception is the handler with its frame
 *   a Dk call that	the host has ended it with DK_STATUS_INTERRUPTED; its
 *   waits		caller asks signal_interrupts()
 *   the look at	core/exception.c moves it back to the look, or on to
 *   @interrupt, or	where an interruption would have gone
 *   what follows it
 *   the libos		nothing: it will look at @interrupt before it returns to
 *			the program or waits
 *
 * So @interrupt is looked at in three places only, the three of entry.h.
 * Signals are always taken at a point where the program's whole register state
 * is in a struct dk_context and its vector state is live, so that a handler's
 * frame is exactly Linux's.
 *
 * signal_lock guards actions, queues, masks and who stops. @interrupt may be
 * set without it: whoever clears it does so first and looks afterwards.
 *
 * Stopping: who takes the signal says so in signal_stopped and interrupts all
 * others; each waits there until SIGCONT has been sent. One that is sent
 * between the taking and that has the last word: they are counted.
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
/* The default is to stop. */
#define SIGNALS_STOP	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | \
			 SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

struct signal_info {
	struct signal_info *next;
	void (*taken)(void *owner, siginfo_t *info); /* a timer's: see below */
	void *owner;
	bool queued;
	siginfo_t info;
};

extern struct lock signal_lock;
#define signal_actions (process.actions)
extern struct signal_queue process_signals;
extern u32 signal_stopped;	/* the signal that stopped us, or 0 */
extern u32 signal_continues;	/* how often SIGCONT was sent; wraps */

/*
 * What the host has told, by an exception on any thread; atomic. Whoever looks
 * at its @interrupt next takes it up.
 */
#define EVENT_CHILD	0x1	/* a child changed its state */
#define EVENT_OUTSIDE	0x2	/* signals, in the two sets below */
#define EVENT_REMOTE	0x4	/* another process of the sandbox: look */
extern u32 host_events;
extern sigset host_signals;	/* sent by somebody outside */
extern sigset terminal_signals;	/* by the kernel: the terminal */

void signal_init(void);
void signal_attach(struct libos_thread *t);	/* it runs now */
void signal_detach(struct libos_thread *t);	/* it will end */
/* execve: handlers become the default, queues stay. */
void signal_exec(void);
/* fork, in the child: nothing is pending. */
void signal_forked(void);

/* Have @t look at its @interrupt, which is set here. It may be the caller. */
void signal_interrupt(struct libos_thread *t);

/*
 * Sending. -EAGAIN: the queue has no room for a real-time signal. May not
 * return when the signal is fatal. No lock is held. signal_send_process() is
 * also how a signal of another process of the sandbox is delivered, by a
 * thread of this one.
 */
long signal_send_process(const siginfo_t *info);
/* pidfd_send_signal(), with the program's pointer or NULL */
long signal_queue(u32 pid, int signal, const siginfo_t *from);
long signal_send_thread(struct libos_thread *t, const siginfo_t *info);
/*
 * signal_send_owned() - the signal of a timer, whose one entry is @entry
 *
 * False: it is queued already. @t NULL: to the process. When it is taken,
 * entry->taken() may complete what the program is told; signal_lock is held.
 */
bool signal_send_owned(struct libos_thread *t, struct signal_info *entry);
void signal_withdraw(struct libos_thread *t, struct signal_info *entry);
/* RLIMIT_SIGPENDING counts such an entry from when it is made. */
bool signal_reserve(void);
void signal_unreserve(void);

/* Take one of @wanted; its number, or 0. Thread's queue first. */
int signal_dequeue(struct libos_thread *t, sigset wanted, siginfo_t *info);
bool signal_ignored(int signal);
/* Forget @signal wherever it waits; with signal_lock held. */
void signal_discard(int signal);
void signal_forget(struct signal_queue *queue);

/* A signal came: for those that wait for it at a signalfd. */
void signalfd_notify(void);

/* Change the calling thread's mask. */
void signal_block(sigset set);

static inline sigset signal_pending(const struct libos_thread *t)
{
	return __atomic_load_n(&t->queue.set, __ATOMIC_RELAXED) |
	       __atomic_load_n(&process_signals.set, __ATOMIC_RELAXED);
}

/*
 * signal_take() - everything that is to be done before the program goes on
 *
 * @c: its registers, which may become those of a handler.
 * @restart: the call returned -ERESTARTSYS or -ERESTARTNOHAND, and has @number
 */
void signal_take(struct libos_thread *t, struct dk_context *c, long restart,
		 u32 number);
/* The program faulted: @c becomes what is to run next. */
void signal_fault(const struct dk_exception *e, struct dk_context *c);
/*
 * signal_events() - take what others have sent, and act on none of it
 *
 * For a wait that no handler interrupts; it sets @interrupt when it is over.
 * A signal that ends the process does so. True: the thread is to end.
 */
bool signal_events(void);
/*
 * signal_wait() - sleep until a signal may have come, or @end has passed
 *
 * @end: of @clock, DK_TIMEOUT_INFINITE for ever. 0 or -ETIMEDOUT
 */
long signal_wait(u64 clock, s64 end);

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
/* sigaltstack() of @s by a program at @rsp: 0, -EPERM, -EINVAL, -ENOMEM */
long alt_stack_set(struct libos_thread *t, const stack_t *s, u64 rsp);

#endif /* LIBOS_SIGNALS_H */
