// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that follow a stream: DkStreamGetEvent.
 *
 * Such an event stands in the wait queues of the stream's file, as epoll does.
 * When the kernel announces there that something has become possible, a
 * callback sets the event, in whatever context the announcement is made. That
 * something is possible no longer, because somebody has read what there was,
 * is not announced by anybody. So the event is brought up to date whenever it
 * is looked at: before a wait and by DkEventPeek the file is asked
 * (event_refresh(), from wait.c), and a sleeper that the event has woken asks
 * once more before it returns. So a wait returns for what is so at that
 * moment, and it misses nothing: between asking the file and clearing the
 * event an announcement may come, and then it is not cleared (@edges).
 *
 * With DK_STREAM_EDGES the event is set by each announcement, consumed by one
 * wait, and never brought up to date.
 *
 * An event does not keep its stream: a pipe is at its end when the last handle
 * of the writer is closed, whoever watches it. When a stream goes, its events
 * leave its queues and stay set for good. An event that goes first leaves the
 * queues, too. Both happen under sandbox->event_lock, so that an event in a
 * stream's list, and that stream's file, are there while the lock is held. An
 * event that leaves is in no list any more while it is still in the queues: only
 * the lock tells that it has left.
 *
 * Locks, outer to inner: event_lock; the wait queue's; event->lock; that of the
 * waitable. The last three are taken with interrupts off.
 */
#include <linux/poll.h>
#include <linux/wait.h>

#include "stream.h"

/*
 * struct dk_stream_event - an event, and where it listens
 * @stream:	NULL when it is gone; under RCU
 * @link:	in stream->events
 * @wanted:	EPOLL*
 * @hooks:	places in wait queues
 * @lock:	guards the rest
 * @edges:	announcements so far
 * @gone:	set for good
 */
struct dk_stream_event {
	struct dk_object object;
	struct dk_waitable waitable;
	struct dk_sandbox *sandbox;
	struct dk_stream __rcu *stream;
	struct list_head link;
	__poll_t wanted;
	struct dk_event_hook *hooks;
	spinlock_t lock;
	u64 edges;
	bool gone;
	struct rcu_head rcu;
};

struct dk_event_hook {
	struct dk_event_hook *next;
	struct dk_stream_event *event;
	wait_queue_head_t *head;	/* NULL: it went before its file */
	wait_queue_entry_t wait;
};

struct event_table {
	poll_table table;
	struct dk_stream_event *event;
	bool failed;
};

/* ---- listening ---- */

static int hook_wake(wait_queue_entry_t *wait, unsigned int mode, int flags,
		     void *key)
{
	struct dk_event_hook *hook = container_of(wait, struct dk_event_hook,
						  wait);
	struct dk_stream_event *event = hook->event;
	__poll_t said = key_to_poll(key);
	unsigned long irq;

	/* Without a word, anything may have happened. */
	if (!said || said & event->wanted) {
		spin_lock_irqsave(&event->lock, irq);
		event->edges++;
		dk_waitable_signal(&event->waitable);
		spin_unlock_irqrestore(&event->lock, irq);
	}
	if (said & POLLFREE) {
		/* The queue goes now; as ep_poll_callback(). */
		list_del_init(&wait->entry);
		/* Pairs with hooks_remove(): not touched any more. */
		smp_store_release(&hook->head, NULL);
	}
	return 1;
}

static void hook_add(struct file *file, wait_queue_head_t *head,
		     poll_table *table)
{
	struct event_table *t = container_of(table, struct event_table, table);
	struct dk_event_hook *hook;

	hook = kzalloc(sizeof(*hook), GFP_KERNEL_ACCOUNT);
	if (!hook) {
		t->failed = true;
		return;
	}
	hook->event = t->event;
	hook->head = head;
	hook->next = t->event->hooks;
	t->event->hooks = hook;
	init_waitqueue_func_entry(&hook->wait, hook_wake);
	add_wait_queue(head, &hook->wait);
}

/* No callback runs, or will, when this returns. The file is still there. */
static void hooks_remove(struct dk_stream_event *event)
{
	struct dk_event_hook *hook;

	while ((hook = event->hooks)) {
		wait_queue_head_t *head;

		event->hooks = hook->next;
		rcu_read_lock();
		/* Pairs with hook_wake(): the queue is there, for RCU. */
		head = smp_load_acquire(&hook->head);
		if (head)
			remove_wait_queue(head, &hook->wait);
		rcu_read_unlock();
		kfree(hook);
	}
}

/* ---- following ---- */

static struct dk_stream *event_stream(struct dk_stream_event *event)
{
	struct dk_stream *stream;

	rcu_read_lock();
	stream = rcu_dereference(event->stream);
	if (stream && !kref_get_unless_zero(&stream->object.ref))
		stream = NULL;
	rcu_read_unlock();
	return stream;
}

/* Make the event what the file says. May sleep. */
static void event_refresh(struct dk_waitable *w)
{
	struct dk_stream_event *event =
		container_of(w, struct dk_stream_event, waitable);
	struct dk_stream *stream = event_stream(event);
	__poll_t ready;
	u64 edges;

	if (!stream)
		return;
	spin_lock_irq(&event->lock);
	edges = event->edges;
	spin_unlock_irq(&event->lock);
	ready = dk_stream_poll(stream, NULL) & event->wanted;
	spin_lock_irq(&event->lock);
	if (ready)
		dk_waitable_signal(w);
	else if (event->edges == edges && !event->gone)
		dk_waitable_clear(w);
	spin_unlock_irq(&event->lock);
	dk_stream_put(stream);
}

/* ---- coming and going ---- */

static void event_detach(struct dk_stream_event *event)
{
	lockdep_assert_held(&event->sandbox->event_lock);
	list_del_init(&event->link);
	hooks_remove(event);
}

static void event_release(struct dk_object *object)
{
	struct dk_stream_event *event =
		container_of(object, struct dk_stream_event, object);

	mutex_lock(&event->sandbox->event_lock);
	if (!list_empty(&event->link))
		event_detach(event);
	mutex_unlock(&event->sandbox->event_lock);
	kfree_rcu(event, rcu);
}

/* The stream's last reference is gone; its file is not, yet. */
void dk_stream_events_end(struct dk_stream *stream)
{
	struct dk_sandbox *sandbox = stream->sandbox;
	struct dk_stream_event *event;

	mutex_lock(&sandbox->event_lock);
	while (!list_empty(&stream->events)) {
		event = list_first_entry(&stream->events,
					 struct dk_stream_event, link);
		rcu_assign_pointer(event->stream, NULL);
		event_detach(event);
		spin_lock_irq(&event->lock);
		event->gone = true;
		dk_waitable_signal(&event->waitable);
		spin_unlock_irq(&event->lock);
	}
	mutex_unlock(&sandbox->event_lock);
}

static __poll_t wanted_events(u64 condition)
{
	/* With these no transfer waits, in either direction. */
	__poll_t wanted = EPOLLERR | EPOLLHUP;

	if (condition & DK_STREAM_READABLE)
		wanted |= EPOLLIN | EPOLLRDNORM;
	if (condition & DK_STREAM_WRITABLE)
		wanted |= EPOLLOUT | EPOLLWRNORM;
	if (condition & DK_STREAM_URGENT)
		wanted |= EPOLLPRI;
	if (condition & DK_STREAM_CLOSED)
		wanted |= EPOLLRDHUP;
	return wanted;
}

static struct dk_stream_event *event_create(struct dk_stream *stream,
					    u64 condition)
{
	bool edges = condition & DK_STREAM_EDGES;
	struct event_table t = { };
	struct dk_stream_event *event;
	__poll_t ready;

	event = kzalloc(sizeof(*event), GFP_KERNEL_ACCOUNT);
	if (!event)
		return NULL;
	dk_object_init(&event->object, DK_OBJECT_EVENT, event_release);
	dk_waitable_init(&event->waitable, edges ? DK_WAIT_AUTO :
						   DK_WAIT_MANUAL, 0, 1);
	if (!edges)
		event->waitable.refresh = event_refresh;
	event->object.waitable = &event->waitable;
	event->sandbox = stream->sandbox;
	event->wanted = wanted_events(condition);
	spin_lock_init(&event->lock);
	INIT_LIST_HEAD(&event->link);

	t.event = event;
	init_poll_funcptr(&t.table, hook_add);
	t.table._key = event->wanted;
	ready = dk_stream_poll(stream, &t.table) & event->wanted;
	if (ready)
		dk_waitable_signal(&event->waitable);

	/* The caller's reference keeps the stream from going before this. */
	mutex_lock(&stream->sandbox->event_lock);
	stream->watched = true;
	rcu_assign_pointer(event->stream, stream);
	list_add(&event->link, &stream->events);
	mutex_unlock(&stream->sandbox->event_lock);
	if (t.failed) {
		dk_object_put(&event->object);
		return NULL;
	}
	return event;
}

#define CONDITIONS	(DK_STREAM_READABLE | DK_STREAM_WRITABLE | \
			 DK_STREAM_URGENT | DK_STREAM_CLOSED)

/* DkStreamGetEvent(stream, condition, out event) */
DK_HANDLER(DkStreamGetEvent)
{
	struct dk_stream_event *event;
	struct dk_stream *stream;
	long error;

	if (!(a1 & CONDITIONS) || a1 & ~(u64)(CONDITIONS | DK_STREAM_EDGES))
		return -EINVAL;
	stream = dk_stream_get(thread, a0, 0);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	error = -EOPNOTSUPP;
	if (!dk_stream_can_poll(stream))
		goto put;
	event = event_create(stream, a1);
	error = -ENOMEM;
	if (event)
		error = dk_handle_publish(thread->process, &event->object,
					  DK_RIGHT_READ | DK_RIGHT_WAIT,
					  dk_user(a2));
put:
	dk_stream_put(stream);
	return error;
}
