// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Sending signals and taking them out of their queues.
 */
#include <libos.h>
#include <signals.h>

struct lock signal_lock;
struct action signal_actions[SIGNAL_COUNT + 1];
struct signal_queue process_signals;

/* Signals whose default is to do nothing, or to stop and continue. */
#define DEFAULT_IGNORE	(SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | \
			 SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH) | \
			 SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | \
			 SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

bool signal_ignored(int signal)
{
	u64 handler = signal_actions[signal].handler;

	return handler == HANDLER_IGNORE ||
	       (handler == HANDLER_DEFAULT &&
		(DEFAULT_IGNORE & SIGNAL_BIT(signal)));
}

long signal_send(struct signal_queue *queue, const siginfo_t *info)
{
	struct libos_thread *t = self();
	sigset bit = SIGNAL_BIT(info->si_signo);
	struct signal_info *fresh, **last;
	long result = 0;

	lock_acquire(&signal_lock);
	if (!(t->blocked & bit) && signal_ignored(info->si_signo))
		goto out;
	/* Of signals below SIGRTMIN one is enough. */
	if (info->si_signo < SIGRTMIN && (queue->set & bit))
		goto out;
	fresh = mem_alloc(sizeof(*fresh));
	if (!fresh) {
		result = -EAGAIN;
		if (info->si_signo < SIGRTMIN)
			queue->set |= bit;
		goto out;
	}
	fresh->next = NULL;
	fresh->info = *info;
	for (last = &queue->first; *last; last = &(*last)->next)
		;
	*last = fresh;
	queue->set |= bit;
out:
	lock_release(&signal_lock);
	return result;
}

void signal_send_self(int signal)
{
	siginfo_t info = { .si_signo = signal, .si_code = SI_KERNEL };

	signal_send(&self()->queue, &info);
}

void signal_discard(struct signal_queue *queue, int signal)
{
	struct signal_info **at = &queue->first, *i;

	while ((i = *at)) {
		if (i->info.si_signo != signal) {
			at = &i->next;
			continue;
		}
		*at = i->next;
		mem_free(i);
	}
	queue->set &= ~SIGNAL_BIT(signal);
}

static int take(struct signal_queue *queue, sigset wanted, siginfo_t *info)
{
	struct signal_info **at, *found = NULL;
	sigset set = queue->set & wanted;
	bool more = false;
	int signal;

	if (!set)
		return 0;
	/* Faults before the rest, then the lowest number, as Linux does. */
	if (set &
	    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) |
	     SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS)))
		set &= SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) |
		       SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |
		       SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS);
	signal = __builtin_ctzll(set) + 1;
	*info = (siginfo_t){ .si_signo = signal };
	at = &queue->first;
	while (*at) {
		struct signal_info *i = *at;

		if (i->info.si_signo != signal) {
			at = &i->next;
		} else if (!found) {
			found = i;
			*at = i->next;
		} else {
			more = true;
			break;
		}
	}
	if (found) {
		*info = found->info;
		mem_free(found);
	}
	if (!more)
		queue->set &= ~SIGNAL_BIT(signal);
	return signal;
}

int signal_dequeue(struct libos_thread *t, sigset wanted, siginfo_t *info)
{
	int signal;

	lock_acquire(&signal_lock);
	signal = take(&t->queue, wanted, info);
	if (!signal)
		signal = take(&process_signals, wanted, info);
	lock_release(&signal_lock);
	return signal;
}

bool signal_interrupts(void)
{
	struct libos_thread *t = self();

	if (timer_armed)
		timer_check();
	return signal_pending(t) & ~t->blocked;
}

s64 signal_wait_limit(s64 timeout)
{
	s64 due = timer_armed ? timer_due() : DK_TIMEOUT_INFINITE;

	if (due == DK_TIMEOUT_INFINITE)
		return timeout;
	if (timeout == DK_TIMEOUT_INFINITE)
		return due;
	return MIN(timeout, due);
}

void signal_wait(struct libos_thread *t, s64 timeout)
{
	dk_u64 index;

	if (!t->wake && DkSynchronizationEventCreate(0, &t->wake))
		panic("no event for a thread");
	DkObjectsWaitAny(1, &t->wake, signal_wait_limit(timeout), &index);
}
