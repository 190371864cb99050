// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Sending signals and taking them out of their queues.
 */
#include <libos.h>
#include <linux/resource.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>

struct lock signal_lock;
struct signal_queue process_signals;
u32 signal_stopped;
u32 signal_continues;
u32 host_events;
sigset host_signals, terminal_signals;

static u32 queued; /* entries that count for RLIMIT_SIGPENDING */

#define DEFAULT_IGNORE	(SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | \
			 SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
/* Faults come first. */
#define SYNCHRONOUS	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | \
			 SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | \
			 SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

bool signal_ignored(int signal)
{
	u64 handler = signal_actions[signal].handler;

	return handler == HANDLER_IGNORE ||
	       (handler == HANDLER_DEFAULT &&
		(DEFAULT_IGNORE & SIGNAL_BIT(signal)));
}

static bool is_fatal(const struct libos_thread *t, int signal)
{
	sigset bit = SIGNAL_BIT(signal);

	return signal_actions[signal].handler == HANDLER_DEFAULT &&
	       !((DEFAULT_IGNORE | SIGNALS_STOP) & bit) &&
	       !((t->blocked | t->waited_for) & bit);
}

static void set_add(struct signal_queue *queue, int signal)
{
	__atomic_fetch_or(&queue->set, SIGNAL_BIT(signal), __ATOMIC_SEQ_CST);
}

static void set_remove(struct signal_queue *queue, sigset set)
{
	__atomic_fetch_and(&queue->set, ~set, __ATOMIC_SEQ_CST);
}

/* ---- forgetting ---- */

static void entry_free(struct signal_info *entry)
{
	if (entry->owner) {
		entry->queued = false;
		return;
	}
	queued--;
	mem_free(entry);
}

static void discard_from(struct signal_queue *queue, sigset set)
{
	struct signal_info **at = &queue->first, *i;

	if (!(queue->set & set))
		return;
	while ((i = *at)) {
		if (!(SIGNAL_BIT(i->info.si_signo) & set)) {
			at = &i->next;
			continue;
		}
		*at = i->next;
		entry_free(i);
	}
	set_remove(queue, set);
}

/* Of all threads; thread_lock is held as well. */
static void discard_all(sigset set)
{
	struct libos_thread *t;

	discard_from(&process_signals, set);
	for (t = threads; t; t = t->next)
		discard_from(&t->queue, set);
}

void signal_discard(int signal)
{
	discard_all(SIGNAL_BIT(signal));
}

void signal_forget(struct signal_queue *queue)
{
	lock_acquire(&signal_lock);
	discard_from(queue, ~0ULL);
	lock_release(&signal_lock);
}

void signal_forked(void)
{
	discard_from(&process_signals, ~0ULL);
	discard_from(&self()->queue, ~0ULL);
	queued = 0; /* not what other threads have, nor timers */
	signal_stopped = 0;
}

/* ---- entries of timers ---- */

bool signal_reserve(void)
{
	bool room;

	lock_acquire(&signal_lock);
	room = queued < process.limits[RLIMIT_SIGPENDING].soft;
	queued += room;
	lock_release(&signal_lock);
	return room;
}

void signal_unreserve(void)
{
	lock_acquire(&signal_lock);
	queued--;
	lock_release(&signal_lock);
}

/* ---- waking ---- */

void signal_interrupt(struct libos_thread *t)
{
	__atomic_store_n(&t->interrupt, 1, __ATOMIC_SEQ_CST);
	if (t == self() || !__atomic_load_n(&t->attached, __ATOMIC_SEQ_CST) ||
	    __atomic_exchange_n(&t->raised, 1, __ATOMIC_SEQ_CST))
		return;
	if (DkThreadRaiseException(t->handle, DK_EXCEPTION_RAISED, 0))
		__atomic_store_n(&t->raised, 0, __ATOMIC_SEQ_CST);
}

/*
 * Who takes a signal of the process: the first thread, if it can, else one
 * that has nothing to take yet, else any that does not block it.
 */
static struct libos_thread *choose(int signal)
{
	struct libos_thread *t, *best = NULL;
	u32 points, best_points = 0;

	for (t = threads; t; t = t->next) {
		if (!t->tid || (t->blocked & SIGNAL_BIT(signal)))
			continue;
		/* A child of vfork() has it. */
		if (t->vfork)
			continue;
		points = 1 + 2 * !t->interrupt + (t->tid == process.pid);
		if (points > best_points) {
			best = t;
			best_points = points;
		}
	}
	return best;
}

/*
 * Who takes a signal that tells of time used: of those that do not wait, the
 * thread that has used most since it was chosen last, so that each gets its
 * share. Linux chooses who runs at that moment.
 */
static struct libos_thread *choose_user(int signal)
{
	struct libos_thread *t, *best = NULL;
	s64 most = INT64_MIN, time = 0;
	struct usage usage;

	for (t = threads; t; t = t->next) {
		if (!t->tid || (t->blocked & SIGNAL_BIT(signal)) || t->vfork ||
		    __atomic_load_n(&t->waits, __ATOMIC_RELAXED) ||
		    !usage_of_thread(t, &usage) ||
		    (s64)usage.run_time - t->sampled <= most)
			continue;
		best = t;
		time = usage.run_time;
		most = time - t->sampled;
	}
	if (best)
		best->sampled = time;
	return best ? best : choose(signal);
}

/* ---- sending ---- */

/* Stopping and continuing undo each other, blocked or not. */
static bool undo(int signal)
{
	if (SIGNALS_STOP & SIGNAL_BIT(signal)) {
		discard_all(SIGNAL_BIT(SIGCONT));
	} else if (signal == SIGCONT) {
		discard_all(SIGNALS_STOP);
		signal_continues++;
		if (signal_stopped) {
			process_stop_changed(0);
			__atomic_store_n(&signal_stopped, 0, __ATOMIC_SEQ_CST);
			DkxAddressWake(&signal_stopped,
				       DK_ADDRESS_WAKE | DK_ADDRESS_PRIVATE,
				       INT32_MAX, 0, NULL, DK_ADDRESS_ALL_BITS);
			return true;
		}
	}
	return false;
}

static void append(struct signal_queue *queue, struct signal_info *entry)
{
	struct signal_info **last;

	entry->next = NULL;
	for (last = &queue->first; *last; last = &(*last)->next)
		;
	*last = entry;
}

/* 1: in the queue now, 0: nothing to do, -EAGAIN. @t: whose mask counts. */
static long enqueue(struct libos_thread *t, struct signal_queue *queue,
		    const siginfo_t *info)
{
	int signal = info->si_signo;
	sigset bit = SIGNAL_BIT(signal);
	struct signal_info *fresh = NULL;

	if (!((t->blocked | t->waited_for) & bit) && signal_ignored(signal))
		return 0;
	/* Who ignores the ends of children is not told, whatever it blocks. */
	if (signal == SIGCHLD && info->si_code > 0 &&
	    info->si_code != SI_KERNEL &&
	    signal_actions[SIGCHLD].handler == HANDLER_IGNORE)
		return 0;
	/* Of signals below SIGRTMIN one is enough. */
	if (signal < SIGRTMIN && (queue->set & bit))
		return 0;
	if (signal < SIGRTMIN ||
	    queued < process.limits[RLIMIT_SIGPENDING].soft)
		fresh = mem_zalloc(sizeof(*fresh));
	if (fresh) {
		queued++;
		fresh->info = *info;
		append(queue, fresh);
	} else if (signal >= SIGRTMIN && info->si_code != SI_USER) {
		return -EAGAIN;
	}
	set_add(queue, signal);
	return 1;
}

static struct libos_thread *leader(void)
{
	struct libos_thread *t, *any = NULL;

	for (t = threads; t; t = t->next) {
		if (t->tid == process.pid)
			return t;
		if (t->tid)
			any = t;
	}
	return any;
}

/* Of timers by the time that the process uses. */
static bool tells_of_use(const siginfo_t *info)
{
	return info->si_code == SI_KERNEL &&
	       (info->si_signo == SIGPROF || info->si_signo == SIGVTALRM);
}

/* @t NULL: to the process. */
static long send(struct libos_thread *t, const siginfo_t *info,
		 struct signal_info *owned)
{
	struct signal_queue *queue = t ? &t->queue : &process_signals;
	int signal = info->si_signo;
	struct libos_thread *target = t;
	bool continued, fatal = false;
	long result;

	if (signal == SIGKILL)
		process_kill(SIGKILL);
	lock_acquire(&thread_lock);
	lock_acquire(&signal_lock);
	continued = undo(signal);
	if (!t)
		t = leader();
	if (!t) {
		result = 0; /* the last one is ending */
	} else if (owned) {
		result = 0;
		if (!owned->queued &&
		    (((t->blocked | t->waited_for) & SIGNAL_BIT(signal)) ||
		     !signal_ignored(signal))) {
			owned->queued = true;
			append(queue, owned);
			set_add(queue, signal);
			result = 1;
		}
	} else {
		result = enqueue(t, queue, info);
	}
	if (result > 0) {
		if (!target && tells_of_use(info))
			target = choose_user(signal);
		else if (!target)
			target = choose(signal);
		else if (target->vfork ||
			 (target->blocked & SIGNAL_BIT(signal)))
			target = NULL;
		if (target) {
			thread_get(target);
			/* Who is stopped is killed when it goes on. */
			fatal = is_fatal(target, signal) &&
				(continued || !signal_stopped);
		}
	} else {
		target = NULL;
	}
	lock_release(&signal_lock);
	lock_release(&thread_lock);
	if (continued)
		process_stop_tell(0);
	if (fatal)
		process_kill(signal);
	if (target)
		signal_interrupt(target);
	thread_put(target);
	if (result > 0)
		signalfd_notify();
	return result;
}

long signal_send_process(const siginfo_t *info)
{
	return MIN(send(NULL, info, NULL), 0);
}

long signal_send_thread(struct libos_thread *t, const siginfo_t *info)
{
	return MIN(send(t, info, NULL), 0);
}

bool signal_send_owned(struct libos_thread *t, struct signal_info *entry)
{
	return send(t, &entry->info, entry) > 0;
}

void signal_withdraw(struct libos_thread *t, struct signal_info *entry)
{
	struct signal_queue *queue = t ? &t->queue : &process_signals;
	int signal = entry->info.si_signo;
	struct signal_info **at, *i;
	bool more = false;

	lock_acquire(&signal_lock);
	at = &queue->first;
	while ((i = *at)) {
		if (i == entry) {
			*at = i->next;
			continue;
		}
		more |= i->info.si_signo == signal;
		at = &i->next;
	}
	if (entry->queued && !more)
		set_remove(queue, SIGNAL_BIT(signal));
	entry->queued = false;
	lock_release(&signal_lock);
}

void signal_send_self(int signal)
{
	siginfo_t info = { .si_signo = signal, .si_code = SI_USER };

	if (self()->vfork) {
		vfork_signal(signal);
		return;
	}
	info.si_pid = process.pid;
	info.si_uid = process.uid;
	signal_send_thread(self(), &info);
}

/* ---- taking ---- */

static int take(struct signal_queue *queue, sigset wanted, siginfo_t *info)
{
	struct signal_info **at, *found = NULL;
	sigset set = queue->set & wanted;
	bool more = false;
	int signal;

	if (!set)
		return 0;
	if (set & SYNCHRONOUS)
		set &= SYNCHRONOUS;
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
		if (found->owner)
			found->taken(found->owner, info);
		entry_free(found);
	}
	if (!more)
		set_remove(queue, SIGNAL_BIT(signal));
	return signal;
}

int signal_dequeue(struct libos_thread *t, sigset wanted, siginfo_t *info)
{
	int signal;

	lock_acquire(&signal_lock);
	signal = take(&t->queue, wanted, info);
	if (!signal)
		signal = take(&process_signals, wanted, info);
	t->continues = signal_continues;
	lock_release(&signal_lock);
	return signal;
}

/* ---- masks ---- */

/*
 * The caller will not take what is left for the process in @set: others may
 * have to. thread_lock and signal_lock are held.
 */
static void pass_on(sigset set)
{
	struct libos_thread *t, *me = self();

	set &= process_signals.set;
	for (t = threads; t && set; t = t->next) {
		if (t == me || !t->tid || t->vfork || !(set & ~t->blocked))
			continue;
		signal_interrupt(t);
		set &= t->blocked;
	}
}

void signal_block(sigset set)
{
	struct libos_thread *t = self();
	sigset more;

	lock_acquire(&signal_lock);
	more = set & ~t->blocked & process_signals.set;
	t->blocked = set;
	if (signal_pending(t) & ~set)
		t->interrupt = 1;
	lock_release(&signal_lock);
	if (likely(!more))
		return;
	lock_acquire(&thread_lock);
	lock_acquire(&signal_lock);
	pass_on(more);
	lock_release(&signal_lock);
	lock_release(&thread_lock);
}

void signal_attach(struct libos_thread *t)
{
	__atomic_store_n(&t->attached, true, __ATOMIC_SEQ_CST);
	/* Who stopped us may have looked before it was in the list. */
	if (__atomic_load_n(&host_events, __ATOMIC_SEQ_CST) ||
	    __atomic_load_n(&signal_stopped, __ATOMIC_SEQ_CST))
		t->interrupt = 1;
}

void signal_detach(struct libos_thread *t)
{
	signal_block(~0ULL);
	__atomic_store_n(&t->attached, false, __ATOMIC_SEQ_CST);
}
