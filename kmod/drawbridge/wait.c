// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for objects.
 *
 * One spinlock per sandbox guards the state of everything that can be waited
 * for in it. A waiter that finds nothing signalled queues an entry at each of
 * its objects, in the same critical section, and sleeps. Who signals an object
 * walks its queue from the front and *gives* the signal: it stores the index
 * of the object in the waiter's result and, where the object is one that a
 * wait consumes, consumes it, all under the lock. So a wake-up cannot be lost,
 * only one object is consumed, and each object's waiters are served in the
 * order in which they came. A waiter that has its result already is passed
 * over.
 *
 * A sleeping waiter removes its entries itself; until then, a signal may
 * still find it, and it takes that result even if its time has passed or a
 * signal of Linux woke it.
 */
#include <linux/freezer.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>

#include "drawbridge.h"

struct dk_waiter {
	struct task_struct *task;
	int result;		/* index, or -1 */
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
	INIT_LIST_HEAD(&w->waiters);
	w->kind = kind;
	w->count = count;
	w->maximum = maximum;
}

static void dk_consume(struct dk_waitable *w)
{
	if (w->kind != DK_WAIT_MANUAL)
		w->count--;
}

/* @w has become signalled, or more so: give what there is to who waits. */
void dk_waitable_give(struct dk_sandbox *sandbox, struct dk_waitable *w)
{
	struct dk_wait_entry *entry;

	lockdep_assert_held(&sandbox->sync_lock);
	list_for_each_entry(entry, &w->waiters, link) {
		struct dk_waiter *waiter = entry->waiter;

		if (!w->count)
			break;
		if (waiter->result >= 0)
			continue;
		dk_consume(w);
		waiter->result = entry->index;
		wake_up_process(waiter->task);
	}
}

/* Signal an object that stays signalled: a thread or process that is gone. */
void dk_waitable_signal(struct dk_sandbox *sandbox, struct dk_waitable *w)
{
	spin_lock(&sandbox->sync_lock);
	w->count = 1;
	dk_waitable_give(sandbox, w);
	spin_unlock(&sandbox->sync_lock);
}

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

static long dk_wait_sleep(struct dk_thread *thread, struct dk_waiter *waiter,
			  s64 timeout)
{
	ktime_t deadline = dk_deadline(thread, timeout);
	long ret = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (READ_ONCE(waiter->result) >= 0)
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

static long dk_wait_any(struct dk_thread *thread, struct dk_object **objects,
			struct dk_wait_entry *entries, int count, s64 timeout)
{
	struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_waiter waiter = { .task = current, .result = -1 };
	long ret;
	int i;

	spin_lock(&sandbox->sync_lock);
	for (i = 0; i < count; i++) {
		if (objects[i]->waitable->count) {
			dk_consume(objects[i]->waitable);
			spin_unlock(&sandbox->sync_lock);
			thread->restart_ip = 0;
			return i;
		}
	}
	if (!timeout) {
		spin_unlock(&sandbox->sync_lock);
		return -ETIMEDOUT;
	}
	for (i = 0; i < count; i++) {
		entries[i].waiter = &waiter;
		entries[i].index = i;
		list_add_tail(&entries[i].link, &objects[i]->waitable->waiters);
	}
	spin_unlock(&sandbox->sync_lock);

	ret = dk_wait_sleep(thread, &waiter, timeout);

	spin_lock(&sandbox->sync_lock);
	for (i = 0; i < count; i++)
		list_del(&entries[i].link);
	spin_unlock(&sandbox->sync_lock);
	if (waiter.result >= 0) {
		thread->restart_ip = 0;
		return waiter.result;
	}
	return ret;
}

/* A consumed signal whose receiver could not be told of it. */
static void dk_wait_give_back(struct dk_sandbox *sandbox, struct dk_waitable *w)
{
	spin_lock(&sandbox->sync_lock);
	if (w->kind != DK_WAIT_MANUAL && w->count < w->maximum) {
		w->count++;
		dk_waitable_give(sandbox, w);
	}
	spin_unlock(&sandbox->sync_lock);
}

DK_HANDLER(DkObjectsWaitAny)
{
	struct dk_wait_entry few[DK_WAIT_FEW], *entries = few;
	struct dk_object *objects[DK_WAIT_MAX];
	DK_HANDLE handles[DK_WAIT_MAX];
	u64 count = a0;
	s64 timeout = a2;
	int i, held = 0;
	long ret;

	if (!count || count > DK_WAIT_MAX)
		return -EINVAL;
	if (timeout < 0 && timeout != DK_TIMEOUT_INFINITE)
		return -EINVAL;
	if (copy_from_user(handles, dk_user(a1), count * sizeof(handles[0])))
		return -EFAULT;
	if (count > DK_WAIT_FEW) {
		entries = kmalloc_array(count, sizeof(*entries),
					GFP_KERNEL_ACCOUNT);
		if (!entries)
			return -ENOMEM;
	}
	for (i = 0; i < count; i++) {
		objects[i] = dk_handle_get(thread->process, handles[i],
					   DK_OBJECT_ANY, DK_RIGHT_WAIT);
		if (IS_ERR(objects[i])) {
			ret = PTR_ERR(objects[i]);
			goto put;
		}
		held++;
		if (!objects[i]->waitable) {
			ret = -EPROTOTYPE;
			goto put;
		}
	}
	ret = dk_wait_any(thread, objects, entries, count, timeout);
	if (ret >= 0) {
		i = ret;
		ret = 0;
		if (put_user((u64)i, (u64 __user *)dk_user(a3))) {
			dk_wait_give_back(thread->process->sandbox,
					  objects[i]->waitable);
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

DK_HANDLER(DkThreadDelayExecution)
{
	s64 duration = a0;
	ktime_t deadline;

	if (duration < 0 && duration != DK_TIMEOUT_INFINITE)
		return -EINVAL;
	if (a1 && fault_in_safe_writeable(dk_user(a1), sizeof(s64)))
		return -EFAULT;
	deadline = dk_deadline(thread, duration);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (signal_pending(current)) {
			__set_current_state(TASK_RUNNING);
			return dk_restart_timed(thread, deadline);
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
