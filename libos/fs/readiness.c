// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Waiting until files are ready: what poll(), select() and the calls of
 * sockets have in common.
 *
 * A file of the libos links the waiting thread to its wait queue. What is a
 * stream of the host (a pipe, a connection, a console) has an event of the
 * host instead (DkStreamGetEvent), signalled as long as the stream is ready,
 * and the thread waits for its own event and for all of those at once. Whatever
 * ends the wait, all files are looked at again, so nothing depends on which it
 * was.
 *
 * The event is made when it is first needed and stays with the description, as
 * most descriptions are waited for in one way only. Who waits counts it: a
 * thread that wants to know something else makes another one in its place. It
 * follows a stream, not a description: if the stream has changed by the next
 * look (a socket that connects), so does the event. After fork both processes
 * have it; nobody changes it, so neither disturbs the other.
 */
#include "fs.h"

/*
 * struct stream_event - an event of the host's
 * @refs: the description's and of those who wait; atomic
 */
struct stream_event {
	u32 refs;
	u32 condition;
	DK_HANDLE stream, event;
};

u32 stream_condition(u32 wanted)
{
	u32 condition = 0;

	if (wanted & (POLLIN | POLLRDNORM | POLLRDBAND))
		condition |= DK_STREAM_READABLE;
	if (wanted & (POLLOUT | POLLWRNORM | POLLWRBAND))
		condition |= DK_STREAM_WRITABLE;
	if (wanted & POLLPRI)
		condition |= DK_STREAM_URGENT;
	if (wanted & POLLRDHUP)
		condition |= DK_STREAM_CLOSED;
	/* Errors and the end are in every one; this one is rare otherwise. */
	return condition ? condition : DK_STREAM_URGENT;
}

static void event_put(struct stream_event *event)
{
	if (!event || __atomic_sub_fetch(&event->refs, 1, __ATOMIC_ACQ_REL))
		return;
	DkObjectClose(event->event);
	mem_free(event);
}

static struct stream_event *event_get(struct file *file, DK_HANDLE stream,
				      u32 wanted)
{
	struct stream_event *event, *old = NULL;
	u32 condition = stream_condition(wanted);

	lock_acquire(&file->lock);
	event = file->event;
	if (!event || event->stream != stream ||
	    event->condition != condition) {
		old = event;
		event = mem_alloc(sizeof(*event));
		if (event &&
		    DkStreamGetEvent(stream, condition, &event->event)) {
			mem_free(event);
			event = NULL;
		}
		if (event) {
			event->refs = 1;
			event->stream = stream;
			event->condition = condition;
		}
		file->event = event;
	}
	if (event)
		__atomic_add_fetch(&event->refs, 1, __ATOMIC_RELAXED);
	lock_release(&file->lock);
	event_put(old);
	return event;
}

/* The description goes. */
void stream_event_forget(struct file *file)
{
	event_put(file->event);
	file->event = NULL;
}

/* ---- looking and waiting ---- */

void poll_link(struct poll_table *table, struct wait_queue *queue)
{
	if (table && table->entry)
		wait_link(queue, table->entry, table->wake, table->data);
}

void poll_stream(struct poll_table *table, DK_HANDLE stream)
{
	if (table)
		table->stream = stream;
}

u32 file_poll(struct file *file, struct poll_table *table)
{
	if (file_can_poll(file))
		return file->ops->poll(file, table);
	return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

s64 deadline_left(s64 deadline)
{
	s64 left;

	if (deadline == DK_TIMEOUT_INFINITE)
		return deadline;
	left = deadline - clock_now(DK_CLOCK_MONOTONIC);
	return left < 0 ? 0 : left;
}

/*
 * One look at all files; with @waiter linked to their queues. How many have
 * something to tell. @timed: one has no way to tell of a change.
 */
static int look(struct poll_slot *slots, size_t count, struct waiter *waiter,
		bool *timed)
{
	struct poll_table table = { .wake = waiter_wake, .data = waiter };
	int ready = 0;
	size_t i;
	u32 events;

	*timed = false;
	for (i = 0; i < count; i++) {
		struct poll_slot *slot = &slots[i];

		if (!slot->file) {
			ready += slot->found != 0;
			continue;
		}
		table.entry = waiter ? &slot->entry : NULL;
		table.stream = DK_INVALID_HANDLE;
		events = file_poll(slot->file, &table);
		*timed |= !!(events & POLL_TIMED);
		slot->stream = table.stream;
		slot->found = events & 0xffff &
			      (slot->only ? slot->wanted :
					    slot->wanted | POLLERR | POLLHUP);
		/* The host's event is set by these, and would not let us wait. */
		if (!slot->found && events & (POLLERR | POLLHUP)) {
			slot->stream = DK_INVALID_HANDLE;
			*timed = true;
		}
		ready += slot->found != 0;
	}
	return ready;
}

/* The events of all streams, behind the waiter's own; false: too many. */
static bool gather(struct poll_slot *slots, size_t count, DK_HANDLE *events,
		   size_t *used)
{
	size_t i;

	*used = 1;
	for (i = 0; i < count; i++) {
		struct poll_slot *slot = &slots[i];

		if (!slot->file || !slot->stream)
			continue;
		if (!slot->event || slot->event->stream != slot->stream) {
			event_put(slot->event);
			slot->event = event_get(slot->file, slot->stream,
						slot->wanted);
		}
		if (!slot->event || *used == DK_WAIT_MAX)
			return false;
		events[(*used)++] = slot->event->event;
	}
	return true;
}

int poll_slots(struct poll_slot *slots, size_t count, s64 deadline)
{
	DK_HANDLE events[DK_WAIT_MAX];
	s64 pause = POLL_PAUSE_FIRST, left;
	struct waiter *waiter;
	size_t i, used;
	bool timed;
	int result;

	result = look(slots, count, NULL, &timed);
	if (result || !deadline_left(deadline))
		return result;
	waiter = waiter_get();
	if (!waiter)
		return -ENOMEM;
	events[0] = waiter->event;
	for (result = look(slots, count, waiter, &timed); !result;
	     result = look(slots, count, NULL, &timed)) {
		left = deadline_left(deadline);
		if (!left)
			break;
		if (!gather(slots, count, events, &used))
			timed = true;
		if (timed && (left == DK_TIMEOUT_INFINITE || left > pause))
			left = pause;
		result = waiter_sleep_any(events, used, left, NULL);
		if (result && result != -ETIMEDOUT)
			break;
		pause = MIN(2 * pause, POLL_PAUSE_LAST);
	}
	for (i = 0; i < count; i++) {
		wait_unlink(&slots[i].entry);
		event_put(slots[i].event);
	}
	waiter_put(waiter);
	return result;
}

long file_wait(struct file *file, u32 wanted, s64 deadline)
{
	struct poll_slot slot = { .file = file, .wanted = wanted };
	int r = poll_slots(&slot, 1, deadline);

	if (r == -ERESTARTSYS && deadline != DK_TIMEOUT_INFINITE)
		return -EINTR;
	return r > 0 ? 0 : r ? r : -EAGAIN;
}
