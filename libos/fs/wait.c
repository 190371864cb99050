// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Wait queues: threads of the process waiting for a pipe, an eventfd, ...
 *
 * The host's events do the sleeping. Each thread keeps one for its next wait:
 * an auto-reset event that was set too late only makes its next user look at
 * the condition once more.
 */
#include "fs.h"

static void waiter_free(struct waiter *waiter)
{
	if (waiter)
		DkObjectClose(waiter->event);
	mem_free(waiter);
}

struct waiter *waiter_get(void)
{
	struct libos_thread *t = self();
	struct waiter *waiter = t->waiter;

	t->waiter = NULL;
	if (likely(waiter))
		return waiter;
	waiter = mem_zalloc(sizeof(*waiter));
	if (waiter && DkSynchronizationEventCreate(0, &waiter->event)) {
		mem_free(waiter);
		waiter = NULL;
	}
	return waiter;
}

void waiter_put(struct waiter *waiter)
{
	struct libos_thread *t = self();

	if (t->waiter)
		waiter_free(waiter);
	else
		t->waiter = waiter;
}

DK_HANDLE waiter_event(const struct waiter *waiter)
{
	return waiter->event;
}

/*
 * @t has ended, or is that of a process that was cloned: nobody shares an event
 * with a clone, so each side makes its own.
 */
void waiter_drop(struct libos_thread *t)
{
	waiter_free(t->waiter);
	t->waiter = NULL;
}

/* The wake function of a sleeping thread. */
void waiter_wake(struct wait_entry *entry)
{
	struct waiter *waiter = entry->data;

	DkEventSet(waiter->event);
}

/* 0: look again; -ETIMEDOUT; -ERESTARTSYS: a signal came. */
int waiter_sleep_any(const DK_HANDLE *events, size_t count, s64 duration,
		     size_t *which)
{
	dk_u64 index = 0;
	int error;

	error = errno_restart(
		HOST_WAIT(DkObjectsWaitAny, count, events, duration, &index));
	if (error == -ERESTARTSYS && !signal_interrupts())
		return 0;
	if (!error && which)
		*which = index;
	return error;
}

int waiter_sleep(struct waiter *waiter, s64 duration)
{
	return waiter_sleep_any(&waiter->event, 1, duration, NULL);
}

void wait_link(struct wait_queue *queue, struct wait_entry *entry,
	       void (*wake)(struct wait_entry *), void *data)
{
	entry->queue = queue;
	entry->wake = wake;
	entry->data = data;
	lock_acquire(&queue->lock);
	entry->next = queue->first;
	entry->link = &queue->first;
	if (entry->next)
		entry->next->link = &entry->next;
	__atomic_store_n(&queue->first, entry, __ATOMIC_SEQ_CST);
	lock_release(&queue->lock);
}

/* Afterwards nobody touches @entry. An entry that is not linked is fine. */
void wait_unlink(struct wait_entry *entry)
{
	struct wait_queue *queue = entry->queue;

	if (!queue)
		return;
	lock_acquire(&queue->lock);
	*entry->link = entry->next;
	if (entry->next)
		entry->next->link = entry->link;
	lock_release(&queue->lock);
	entry->queue = NULL;
}

/*
 * Called after the condition changed. With nobody waiting it costs one load:
 * a waiter that links later than that looks at the condition later, too.
 */
void wake_all(struct wait_queue *queue)
{
	struct wait_entry *entry, *next;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&queue->first, __ATOMIC_RELAXED))
		return;
	lock_acquire(&queue->lock);
	for (entry = queue->first; entry; entry = next) {
		next = entry->next;
		entry->wake(entry);
	}
	lock_release(&queue->lock);
}
