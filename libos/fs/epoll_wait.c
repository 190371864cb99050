// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * epoll_wait and its like. epoll.h has the whole.
 */
#include "epoll.h"

#define MODES (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)

/* ---- the host's events ---- */

struct batch {
	size_t count;
	DK_HANDLE edges[DK_WAIT_MAX];
	struct epoll_item *items[DK_WAIT_MAX];
};

/* Those that are signalled, each once; false: none is. */
static bool take_edges(struct batch *batch)
{
	bool came = false;
	dk_u64 index;

	while (batch->count &&
	       !DkObjectsWaitAny(batch->count, batch->edges, 0, &index)) {
		came = true;
		epoll_make_ready(batch->items[index]);
		batch->count--;
		batch->edges[index] = batch->edges[batch->count];
		batch->items[index] = batch->items[batch->count];
	}
	batch->count = 0;
	return came;
}

bool epoll_look(struct epoll *epoll, bool *came)
{
	struct epoll_item *item;
	struct batch batch;
	bool any = false;

	*came = false;
	batch.count = 0;
	for (item = epoll->items; item; item = item->next) {
		if (epoll_item_old(item))
			epoll_item_poll(item, false);
		if (!item->edge)
			continue;
		any = true;
		batch.edges[batch.count] = item->edge;
		batch.items[batch.count] = item;
		if (++batch.count == DK_WAIT_MAX)
			*came |= take_edges(&batch);
	}
	*came |= take_edges(&batch);
	return any;
}

/* All of them behind @waiter's; false: there are more. */
static bool gather(struct epoll *epoll, struct waiter *waiter,
		   DK_HANDLE *events, size_t *count)
{
	struct epoll_item *item;
	bool all = true;

	events[0] = waiter->event;
	*count = 1;
	lock_acquire(&epoll->lock);
	for (item = epoll->items; item && all; item = item->next) {
		if (!item->edge)
			continue;
		if (*count == DK_WAIT_MAX)
			all = false;
		else
			events[(*count)++] = item->edge;
	}
	lock_release(&epoll->lock);
	return all;
}

/* A wait has consumed @edge; whose it was may be gone. */
static void edge_came(struct epoll *epoll, DK_HANDLE edge)
{
	struct epoll_item *item;

	lock_acquire(&epoll->lock);
	for (item = epoll->items; item; item = item->next) {
		if (item->edge == edge)
			epoll_make_ready(item);
	}
	lock_release(&epoll->lock);
}

/* ---- waiting ---- */

/*
 * An instance that has to be asked stays on the ready list: edge triggered, it
 * is told once. Who wakes it from here on has it told again.
 */
static bool was_told(struct epoll_item *item, bool found)
{
	if (item->file->kind != FILE_EPOLL || !(item->events & EPOLLET))
		return false;
	return __atomic_exchange_n(&item->told, found, __ATOMIC_SEQ_CST);
}

/* What is ready now, at most @room; @timed: look again after a while. */
static int collect(struct epoll *epoll, struct epoll_event *events, int room,
		   bool *timed)
{
	struct epoll_item *item;
	int count = 0;
	bool came;

	*timed = false;
	lock_acquire(&epoll->lock);
	epoll_look(epoll, &came);
	while (count < room && (item = epoll_take_ready(epoll))) {
		u32 all = epoll_item_poll(item, false);
		u32 found = all & item->events & ~MODES & ~(u32)POLL_TIMED;

		item->stay |= !!(all & POLL_TIMED);
		*timed |= item->stay;
		if (was_told(item, found) || !found)
			continue;
		events[count].events = found;
		events[count].data = item->data;
		count++;
		if (item->events & EPOLLONESHOT)
			item->events = 0;
		else if (!(item->events & EPOLLET))
			item->stay = true;
	}
	epoll_put_back(epoll);
	lock_release(&epoll->lock);
	return count;
}

/* Sleep until something may have changed, at most @left. */
static int sleep(struct epoll *epoll, struct waiter *waiter, s64 left,
		 bool timed, s64 *pause)
{
	DK_HANDLE events[DK_WAIT_MAX];
	size_t count, index = 0;
	int result;

	if (!gather(epoll, waiter, events, &count))
		timed = true;
	if (timed && (left == DK_TIMEOUT_INFINITE || left > *pause))
		left = *pause;
	result = waiter_sleep_any(events, count, left, &index);
	if (!result && index)
		edge_came(epoll, events[index]);
	*pause = MIN(2 * *pause, POLL_PAUSE_LAST);
	/* One was closed before the host took hold of it: look again. */
	return result == -EBADF || result == -ETIMEDOUT ? 0 : result;
}

static long wait_for(struct epoll *epoll, struct epoll_event *events, int room,
		     s64 duration)
{
	s64 deadline = poll_deadline(duration), pause = POLL_PAUSE_FIRST, left;
	struct wait_entry entry;
	struct waiter *waiter;
	bool timed;
	long result;

	result = collect(epoll, events, room, &timed);
	if (!result && duration) {
		waiter = waiter_get();
		if (!waiter)
			return -ENOMEM;
		wait_link(&epoll->queue, &entry, waiter_wake, waiter);
		while (!(result = collect(epoll, events, room, &timed))) {
			left = deadline_left(deadline);
			if (!left)
				break;
			result = sleep(epoll, waiter, left, timed, &pause);
			if (result)
				break;
		}
		wait_unlink(&entry);
		waiter_put(waiter);
	}
	/* What is left may be another's who sleeps. */
	if (__atomic_load_n(&epoll->ready, __ATOMIC_RELAXED))
		wake_all(&epoll->queue);
	return result == -ERESTARTSYS ? -EINTR : result;
}

#define EVENTS_AT_ONCE 256

static long epoll_wait_fd(int fd, struct epoll_event *to, int room,
			  s64 duration)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	struct file *file;
	long result;

	if (room <= 0 || (size_t)room > INT32_MAX / sizeof(*to))
		return -EINVAL;
	if (!user_ok(to, (u64)room * sizeof(*to)))
		return -EFAULT;
	file = fs_get(fd);
	if (!file)
		return -EBADF;
	result = -EINVAL;
	hold(file);
	if (file->kind == FILE_EPOLL)
		result = wait_for(file->data, events, MIN(room, EVENTS_AT_ONCE),
				  duration);
	hold(NULL);
	if (result > 0 && user_write(to, events, result * sizeof(*to)))
		result = -EFAULT;
	file_put(file);
	return result;
}

static s64 milliseconds_to_duration(int milliseconds)
{
	return milliseconds < 0 ? DK_TIMEOUT_INFINITE :
				  milliseconds * 1000000LL;
}

SYSCALL4(epoll_wait, int, fd, struct epoll_event *, to, int, room, int,
	 milliseconds)
{
	return epoll_wait_fd(fd, to, room,
			     milliseconds_to_duration(milliseconds));
}

SYSCALL6(epoll_pwait, int, fd, struct epoll_event *, to, int, room, int,
	 milliseconds, const void *, mask, size_t, mask_size)
{
	long error = signal_mask_for_call(mask, mask_size);

	return error ? error :
		       epoll_wait_fd(fd, to, room,
				     milliseconds_to_duration(milliseconds));
}

SYSCALL6(epoll_pwait2, int, fd, struct epoll_event *, to, int, room,
	 const struct __kernel_timespec *, time, const void *, mask, size_t,
	 mask_size)
{
	s64 duration;
	long error;

	error = duration_get(time, &duration);
	if (!error)
		error = signal_mask_for_call(mask, mask_size);
	return error ? error : epoll_wait_fd(fd, to, room, duration);
}
