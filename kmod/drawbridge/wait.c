// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for objects.
 *
 * Each object has a lock, a state and a queue of waiters, as the kernel's
 * ntsync has them; there is no lock over several objects. An event's state may
 * be in a word that user mode changes without the lock, see word.c.
 *
 * A waiter takes the first of its objects that is signalled; on the way it
 * queues at each that is not. Who signals an object walks its queue from the
 * front, under the lock, and *gives* the signal: it claims a waiter by changing
 * its result from -1 to the object's index with one cmpxchg, and only a claim
 * consumes. So only one object of a wait is consumed, each object's waiters are
 * served in the order in which they came, and a signal that finds nobody to
 * claim stays in the object's state.
 *
 * No wake-up is lost. Under an object's lock the waiter either finds the object
 * signalled or is in its queue before the lock is free again; a setter that
 * comes later under the lock finds it there; one that comes without the lock,
 * in the word, has either signalled before the waiter looks at the word or
 * finds DK_WORD_WAITERS there. To take what it has found, a waiter that is in a
 * queue already claims itself first. If another consumed the signal in the word
 * meanwhile, it takes the claim back, and has to look at all of its objects
 * again: who signalled one of those between may have passed over it.
 *
 * A sleeping waiter removes its entries itself, under each object's lock: until
 * then a signal may still claim it, and it takes that result even if its time
 * has passed or a signal of Linux woke it. After that nobody knows of it.
 *
 * selftests/models/wait.pml is this in Promela.
 */
#include <linux/freezer.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>

#include "drawbridge.h"

#define DK_UNCLAIMED	(-1)

struct dk_waiter {
	struct task_struct *task;
	int result;		/* index of the object that ended the wait */
};

struct dk_wait_entry {
	struct list_head link;
	struct dk_waiter *waiter;
	int index;
};

/* This many entries fit on the stack. */
#define DK_WAIT_FEW	4

void dk_waitable_init(struct dk_waitable *w, int kind, u64 count, u64 maximum)
{
	spin_lock_init(&w->lock);
	INIT_LIST_HEAD(&w->waiters);
	w->kind = kind;
	w->word = NULL;
	w->wordable = false;
	w->count = count;
	w->maximum = maximum;
	w->refresh = NULL;
}

/* ---- state; everything under the object's lock ---- */

static bool dk_signalled(struct dk_waitable *w)
{
	lockdep_assert_held(&w->lock);
	if (w->word)
		return READ_ONCE(*w->word) & DK_WORD_SIGNALLED;
	return w->count;
}

/* Consume what a wait consumes; false: there is nothing (any more). */
static bool dk_take(struct dk_waitable *w)
{
	if (!w->word) {
		if (!w->count)
			return false;
		if (w->kind != DK_WAIT_MANUAL)
			w->count--;
		return true;
	}
	if (w->kind == DK_WAIT_MANUAL)
		return dk_signalled(w);
	return test_and_clear_bit(DK_WORD_SIGNALLED_BIT,
				  (unsigned long *)w->word);
}

static bool dk_claim(struct dk_waiter *waiter, int index)
{
	return cmpxchg(&waiter->result, DK_UNCLAIMED, index) == DK_UNCLAIMED;
}

/* At most @limit waiters go on, the first ones; how many did. */
static u64 dk_give(struct dk_waitable *w, u64 limit)
{
	struct dk_wait_entry *entry;
	u64 given = 0;

	lockdep_assert_held(&w->lock);
	list_for_each_entry(entry, &w->waiters, link) {
		if (given == limit)
			break;
		if (dk_claim(entry->waiter, entry->index)) {
			wake_up_process(entry->waiter->task);
			given++;
		}
	}
	return given;
}

static void dk_signal_locked(struct dk_waitable *w)
{
	if (w->kind == DK_WAIT_AUTO && dk_give(w, 1))
		return;
	if (w->word)
		set_bit(DK_WORD_SIGNALLED_BIT, (unsigned long *)w->word);
	else
		w->count = 1;
	if (w->kind == DK_WAIT_MANUAL)
		dk_give(w, U64_MAX);
}

/* ---- for who owns an object; any context, interrupts on or off ---- */

/* Set an event; or a thread or process is gone and stays signalled. */
void dk_waitable_signal(struct dk_waitable *w)
{
	unsigned long flags;

	spin_lock_irqsave(&w->lock, flags);
	dk_signal_locked(w);
	spin_unlock_irqrestore(&w->lock, flags);
}

/* Of an event. */
void dk_waitable_clear(struct dk_waitable *w)
{
	unsigned long flags;

	spin_lock_irqsave(&w->lock, flags);
	if (w->word)
		clear_bit(DK_WORD_SIGNALLED_BIT, (unsigned long *)w->word);
	w->count = 0;
	spin_unlock_irqrestore(&w->lock, flags);
}

/* Of a semaphore: all or nothing; -EOVERFLOW: the maximum would be passed. */
long dk_waitable_release(struct dk_waitable *w, u64 count, u64 *previous)
{
	unsigned long flags;
	long ret = 0;

	spin_lock_irqsave(&w->lock, flags);
	*previous = w->count;
	if (count > w->maximum - w->count)
		ret = -EOVERFLOW;
	else
		w->count += count - dk_give(w, count);
	spin_unlock_irqrestore(&w->lock, flags);
	return ret;
}

u64 dk_waitable_peek(struct dk_waitable *w)
{
	unsigned long flags;
	u64 count;

	spin_lock_irqsave(&w->lock, flags);
	count = w->word ? dk_signalled(w) : w->count;
	spin_unlock_irqrestore(&w->lock, flags);
	return count;
}

/* ---- one thread's wait ---- */

/*
 * Timed calls that a Linux signal interrupts (a stop, say) are taken up again
 * by the same instruction; they keep their deadline, not their duration.
 */
ktime_t dk_deadline(struct dk_thread *thread, s64 duration)
{
	unsigned long ip = current_pt_regs()->ip;

	if (thread->restart_ip == ip) {
		thread->restart_ip = 0;
		return thread->restart_deadline;
	}
	if (duration == DK_TIMEOUT_INFINITE)
		return KTIME_MAX;
	return ktime_add_safe(ktime_get(), ns_to_ktime(duration));
}

long dk_restart_timed(struct dk_thread *thread, ktime_t deadline)
{
	thread->restart_ip = current_pt_regs()->ip;
	thread->restart_deadline = deadline;
	return -ERESTARTSYS;
}

/*
 * Take one object, or queue at it. True: the wait has its result, from here or
 * from elsewhere. *@again: a claim was taken back.
 */
static bool dk_wait_try(struct dk_waitable *w, struct dk_wait_entry *entry,
			bool *again)
{
	struct dk_waiter *waiter = entry->waiter;
	bool done = false, signalled;
	unsigned long flags;

	spin_lock_irqsave(&w->lock, flags);
	signalled = dk_signalled(w);
	if (!signalled && list_empty(&entry->link)) {
		list_add_tail(&entry->link, &w->waiters);
		if (w->word) {
			set_bit(DK_WORD_WAITERS_BIT, (unsigned long *)w->word);
			/* Who does not see it has signalled before. */
			smp_mb__after_atomic();
		}
		signalled = dk_signalled(w);
	}
	/* From here on: in the queue, or has it, or looks again. */
	if (signalled) {
		done = true;
		if (dk_claim(waiter, entry->index) && !dk_take(w)) {
			WRITE_ONCE(waiter->result, DK_UNCLAIMED);
			done = false;
			*again = true;
		}
	}
	spin_unlock_irqrestore(&w->lock, flags);
	return done || READ_ONCE(waiter->result) != DK_UNCLAIMED;
}

/* Nothing signals the waiter any more once this has seen all of its entries. */
static void dk_wait_leave(struct dk_waitable *w, struct dk_wait_entry *entry)
{
	unsigned long flags;

	if (list_empty(&entry->link))
		return;
	spin_lock_irqsave(&w->lock, flags);
	list_del(&entry->link);
	if (w->word && list_empty(&w->waiters))
		clear_bit(DK_WORD_WAITERS_BIT, (unsigned long *)w->word);
	spin_unlock_irqrestore(&w->lock, flags);
}

static long dk_wait_sleep(struct dk_thread *thread, struct dk_waiter *waiter,
			  ktime_t deadline)
{
	long ret = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (READ_ONCE(waiter->result) != DK_UNCLAIMED)
			break;
		if (signal_pending(current)) {
			ret = dk_restart_timed(thread, deadline);
			break;
		}
		if (deadline == KTIME_MAX) {
			schedule();
		} else if (!schedule_hrtimeout_range(&deadline, 0,
						     HRTIMER_MODE_ABS)) {
			ret = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return ret;
}

/* Without waiting. */
static long dk_poll_any(struct dk_object **objects, int count)
{
	unsigned long flags;
	bool taken;
	int i;

	for (i = 0; i < count; i++) {
		struct dk_waitable *w = objects[i]->waitable;

		spin_lock_irqsave(&w->lock, flags);
		taken = dk_take(w);
		spin_unlock_irqrestore(&w->lock, flags);
		if (taken)
			return i;
	}
	return -ETIMEDOUT;
}

/* One pass over the objects, or more: see above. */
static bool dk_wait_enter(struct dk_object **objects,
			  struct dk_wait_entry *entries, int count)
{
	bool again, done = false;
	int i;

	do {
		again = false;
		for (i = 0; i < count && !done; i++)
			done = dk_wait_try(objects[i]->waitable, &entries[i],
					   &again);
		/* Others may keep a word busy on purpose. */
		cond_resched();
	} while (again && !done && !signal_pending(current));
	return done;
}

static long dk_wait_once(struct dk_thread *thread, struct dk_object **objects,
			 struct dk_wait_entry *entries, int count,
			 ktime_t deadline)
{
	struct dk_waiter waiter = { .task = current, .result = DK_UNCLAIMED };
	long ret = 0;
	int i;

	dk_block_begin(thread);
	for (i = 0; i < count; i++) {
		INIT_LIST_HEAD(&entries[i].link);
		entries[i].waiter = &waiter;
		entries[i].index = i;
	}
	if (!dk_wait_enter(objects, entries, count))
		ret = dk_wait_sleep(thread, &waiter, deadline);
	for (i = 0; i < count; i++)
		dk_wait_leave(objects[i]->waitable, &entries[i]);
	return waiter.result == DK_UNCLAIMED ? ret : waiter.result;
}

/*
 * What ended the wait follows something else, which is no longer so: nothing
 * was consumed, and the wait goes on.
 */
static bool dk_wait_is_stale(struct dk_waitable *w)
{
	if (likely(!w->refresh))
		return false;
	w->refresh(w);
	return !dk_waitable_peek(w);
}

static long dk_wait_any(struct dk_thread *thread, struct dk_object **objects,
			struct dk_wait_entry *entries, int count, s64 timeout)
{
	ktime_t deadline = dk_deadline(thread, timeout);
	long ret;
	int i;

	for (;;) {
		ret = dk_wait_once(thread, objects, entries, count, deadline);
		if (ret < 0 || !dk_wait_is_stale(objects[ret]->waitable))
			return ret;
		/* Who makes it ready and unready all the time ends here. */
		if (signal_pending(current))
			return dk_restart_timed(thread, deadline);
		if (deadline != KTIME_MAX && ktime_after(ktime_get(), deadline))
			return -ETIMEDOUT;
		for (i = 0; i < count; i++)
			dk_waitable_refresh(objects[i]->waitable);
	}
}

/* A consumed signal whose receiver could not be told of it. */
static void dk_wait_give_back(struct dk_waitable *w)
{
	u64 previous;

	if (w->kind == DK_WAIT_AUTO)
		dk_waitable_signal(w);
	else if (w->kind == DK_WAIT_COUNT)
		dk_waitable_release(w, 1, &previous);
}

/* What @handle refers to, as it is now; or ERR_PTR. */
static struct dk_object *dk_wait_object(struct dk_process *process,
					DK_HANDLE handle)
{
	struct dk_object *object;
	long error = 0;
	u32 rights;

	object = dk_handle_get_rights(process, handle, DK_OBJECT_ANY, 0,
				      &rights);
	if (IS_ERR(object))
		return object;
	/* No handle of a stream has the right: its type says more. */
	if (!object->waitable)
		error = -EPROTOTYPE;
	else if (!(rights & DK_RIGHT_WAIT))
		error = -EACCES;
	if (error) {
		dk_object_put(object);
		return ERR_PTR(error);
	}
	dk_waitable_refresh(object->waitable);
	return object;
}

DK_HANDLER(DkObjectsWaitAny)
{
	struct dk_wait_entry few[DK_WAIT_FEW], *entries = few;
	struct dk_object *objects[DK_WAIT_MAX];
	DK_HANDLE handles[DK_WAIT_MAX];
	u64 count = a0;
	bool counted = false;
	s64 timeout = a2;
	int i, held = 0;
	long ret;
	u64 index;

	if (!count || count > DK_WAIT_MAX)
		return -EINVAL;
	if (timeout < 0 && timeout != DK_TIMEOUT_INFINITE)
		return -EINVAL;
	if (copy_from_user(handles, dk_user(a1), count * sizeof(handles[0])))
		return -EFAULT;
	if (count > DK_WAIT_FEW && timeout) {
		entries = kmalloc_array(count, sizeof(*entries),
					GFP_KERNEL_ACCOUNT);
		if (!entries)
			return -ENOMEM;
	}
	for (i = 0; i < count; i++) {
		objects[i] = dk_wait_object(thread->process, handles[i]);
		if (IS_ERR(objects[i])) {
			ret = PTR_ERR(objects[i]);
			goto put;
		}
		held++;
		counted |= objects[i]->waitable->kind == DK_WAIT_COUNT;
	}
	/* A unit that nobody is told of might not fit back: look before. */
	if (counted && (get_user(index, (u64 __user *)dk_user(a3)) ||
			put_user(index, (u64 __user *)dk_user(a3)))) {
		ret = -EFAULT;
		goto put;
	}
	if (timeout)
		ret = dk_wait_any(thread, objects, entries, count, timeout);
	else
		ret = dk_poll_any(objects, count);
	if (ret >= 0) {
		i = ret;
		ret = 0;
		thread->restart_ip = 0;
		if (put_user((u64)i, (u64 __user *)dk_user(a3))) {
			dk_wait_give_back(objects[i]->waitable);
			ret = -EFAULT;
		}
	}
put:
	while (held--)
		dk_object_put(objects[held]);
	if (entries != few)
		kfree(entries);
	return ret;
}

/* What is left until @deadline, to user mode. */
static long dk_delay_remaining(u64 out, ktime_t deadline)
{
	s64 left = DK_TIMEOUT_INFINITE;

	if (deadline != KTIME_MAX)
		left = max(ktime_to_ns(ktime_sub(deadline, ktime_get())), 0LL);
	return out ? put_user(left, (s64 __user *)dk_user(out)) : 0;
}

DK_HANDLER(DkThreadDelayExecution)
{
	s64 duration = a0;
	ktime_t deadline;

	if (duration < 0 && duration != DK_TIMEOUT_INFINITE)
		return -EINVAL;
	if (a1 && fault_in_safe_writeable(dk_user(a1), sizeof(s64)))
		return -EFAULT;
	deadline = dk_deadline(thread, duration);
	dk_block_begin(thread);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (signal_pending(current)) {
			__set_current_state(TASK_RUNNING);
			/* It may turn out that the call ends with this. */
			return dk_delay_remaining(a1, deadline) ?:
			       dk_restart_timed(thread, deadline);
		}
		if (deadline == KTIME_MAX)
			schedule();
		else if (!schedule_hrtimeout_range(&deadline, 0,
						   HRTIMER_MODE_ABS))
			break;
	}
	__set_current_state(TASK_RUNNING);
	if (a1 && put_user((s64)0, (s64 __user *)dk_user(a1)))
		return -EFAULT;
	return 0;
}
