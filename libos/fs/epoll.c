// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * epoll.
 *
 *	epoll --- items ---> item (fd, wanted events) ---> watched file
 *	  \--- ready --------^        ^------------ file.watched
 *
 * An item stays linked to its file's wait queue; a wake-up puts it on the
 * ready list, and only that list is looked at by epoll_wait(). A level
 * triggered item stays on it as long as it has events; one whose file can only
 * be polled again (POLL_TIMED) stays on it always.
 *
 * Locks, outermost first: epoll_lock (file.watched lists, of all), epoll.lock
 * (its items), the file's own, wait_queue.lock of the file, epoll.ready_lock,
 * wait_queue.lock of the epoll. An item holds no reference to its file: when
 * the last descriptor is closed, epoll_forget() removes it.
 */
#include "fs.h"

#include <linux/eventpoll.h>

struct epoll_item {
	struct epoll *epoll;
	struct file *file;
	int fd;
	u32 events;
	u64 data;
	bool is_ready; /* is on the ready list */
	struct wait_entry entry;
	struct epoll_item *next; /* of the epoll */
	struct epoll_item *next_ready;
	struct epoll_item *next_watch; /* of the file */
};

struct epoll {
	struct lock lock;
	struct epoll_item *items;
	struct lock ready_lock;
	struct epoll_item *ready, **ready_end;
	struct wait_queue queue;
};

static struct lock epoll_lock;

static void make_ready(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;

	lock_acquire(&epoll->ready_lock);
	if (!item->is_ready) {
		item->is_ready = true;
		item->next_ready = NULL;
		*epoll->ready_end = item;
		epoll->ready_end = &item->next_ready;
	}
	lock_release(&epoll->ready_lock);
}

/* The wake function of an item. */
static void item_wake(struct wait_entry *entry)
{
	struct epoll_item *item = entry->data;

	make_ready(item);
	wake_all(&item->epoll->queue);
}

static struct epoll_item *take_ready(struct epoll *epoll)
{
	struct epoll_item *item;

	lock_acquire(&epoll->ready_lock);
	item = epoll->ready;
	if (item) {
		epoll->ready = item->next_ready;
		if (!epoll->ready)
			epoll->ready_end = &epoll->ready;
		item->is_ready = false;
	}
	lock_release(&epoll->ready_lock);
	return item;
}

static void unmake_ready(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;
	struct epoll_item **link;

	lock_acquire(&epoll->ready_lock);
	for (link = &epoll->ready; item->is_ready && *link;
	     link = &(*link)->next_ready) {
		if (*link != item)
			continue;
		*link = item->next_ready;
		if (!*link)
			epoll->ready_end = link;
		item->is_ready = false;
		break;
	}
	lock_release(&epoll->ready_lock);
}

/* Take @item out of everything; epoll_lock and epoll->lock are held. */
static void item_remove(struct epoll_item *item)
{
	struct epoll_item **link;

	wait_unlink(&item->entry);
	unmake_ready(item);
	for (link = &item->epoll->items; *link; link = &(*link)->next)
		if (*link == item) {
			*link = item->next;
			break;
		}
	for (link = &item->file->watched; *link; link = &(*link)->next_watch)
		if (*link == item) {
			*link = item->next_watch;
			break;
		}
	mem_free(item);
}

/* The last reference to @file is gone. */
void epoll_forget(struct file *file)
{
	struct epoll *epoll;

	lock_acquire(&epoll_lock);
	while (file->watched) {
		epoll = file->watched->epoll;
		lock_acquire(&epoll->lock);
		item_remove(file->watched);
		lock_release(&epoll->lock);
	}
	lock_release(&epoll_lock);
}

static u32 epoll_poll(struct file *file, struct poll_table *table)
{
	struct epoll *epoll = file->data;
	bool ready;

	poll_link(table, &epoll->queue);
	lock_acquire(&epoll->ready_lock);
	ready = epoll->ready;
	lock_release(&epoll->ready_lock);
	return ready ? POLLIN | POLLRDNORM : 0;
}

static void epoll_release(struct file *file)
{
	struct epoll *epoll = file->data;

	lock_acquire(&epoll_lock);
	lock_acquire(&epoll->lock);
	while (epoll->items)
		item_remove(epoll->items);
	lock_release(&epoll->lock);
	lock_release(&epoll_lock);
	mem_free(epoll);
}

static const struct file_ops epoll_ops = {
	.poll = epoll_poll,
	.release = epoll_release,
};

static long make_epoll(u32 flags)
{
	struct epoll *epoll;
	struct file *file;

	if (flags & ~(u32)O_CLOEXEC)
		return -EINVAL;
	epoll = mem_zalloc(sizeof(*epoll));
	if (!epoll)
		return -ENOMEM;
	epoll->ready_end = &epoll->ready;
	file = file_new(FILE_EPOLL, &epoll_ops, FILE_READ | FILE_WRITE, O_RDWR);
	if (!file) {
		mem_free(epoll);
		return -ENOMEM;
	}
	file->data = epoll;
	return fd_open(file, flags & O_CLOEXEC);
}

SYSCALL1(epoll_create1, u32, flags)
{
	return make_epoll(flags);
}

SYSCALL1(epoll_create, int, size)
{
	return size > 0 ? make_epoll(0) : -EINVAL;
}

/* ---- what is watched ---- */

#define ALWAYS (EPOLLERR | EPOLLHUP)
#define MODES (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)

static struct epoll_item *item_find(struct epoll *epoll, struct file *file,
				    int fd)
{
	struct epoll_item *item;

	for (item = epoll->items; item; item = item->next)
		if (item->fd == fd && item->file == file)
			return item;
	return NULL;
}

/*
 * POLL* of @item's file now; @link: and be told from now on. A stream of the
 * host does not tell.
 */
static u32 item_poll(struct epoll_item *item, bool link)
{
	struct poll_table table = { link ? &item->entry : NULL, item_wake,
				    item };
	u32 events = file_poll(item->file, &table);

	return events | (table.stream ? POLL_TIMED : 0);
}

/* Look at @item's file now; @link: and be told from now on. */
static void item_start(struct epoll_item *item, bool link)
{
	u32 events = item_poll(item, link);

	if (!(events & (item->events | ALWAYS | POLL_TIMED)))
		return;
	make_ready(item);
	wake_all(&item->epoll->queue);
}

static long item_add(struct epoll *epoll, struct file *file, int fd,
		     const struct epoll_event *event)
{
	struct epoll_item *item;

	if (file->kind == FILE_EPOLL)
		return -ELOOP;
	if (!file_can_poll(file))
		return -EPERM;
	item = mem_zalloc(sizeof(*item));
	if (!item)
		return -ENOMEM;
	item->epoll = epoll;
	item->file = file;
	item->fd = fd;
	item->events = event->events | ALWAYS;
	item->data = event->data;
	item->next = epoll->items;
	epoll->items = item;
	item->next_watch = file->watched;
	file->watched = item;
	item_start(item, true);
	return 0;
}

static long control(struct epoll *epoll, int operation, struct file *file,
		    int fd, const struct epoll_event *event)
{
	struct epoll_item *item = item_find(epoll, file, fd);

	switch (operation) {
	case EPOLL_CTL_ADD:
		return item ? -EEXIST : item_add(epoll, file, fd, event);
	case EPOLL_CTL_MOD:
		if (!item)
			return -ENOENT;
		item->events = event->events | ALWAYS;
		item->data = event->data;
		item_start(item, false);
		return 0;
	case EPOLL_CTL_DEL:
		if (!item)
			return -ENOENT;
		item_remove(item);
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL4(epoll_ctl, int, epoll_fd, int, operation, int, fd,
	 const struct epoll_event *, from)
{
	struct epoll_event event = { 0 };
	struct file *epoll, *file;
	long result;

	if (operation != EPOLL_CTL_DEL && user_get(event, from))
		return -EFAULT;
	epoll = fs_get(epoll_fd);
	if (!epoll)
		return -EBADF;
	file = fs_get(fd);
	if (!file) {
		file_put(epoll);
		return -EBADF;
	}
	if (epoll->kind != FILE_EPOLL || epoll == file) {
		result = -EINVAL;
	} else if (!file_can_poll(file)) {
		result = -EPERM;
	} else {
		struct epoll *e = epoll->data;

		lock_acquire(&epoll_lock);
		lock_acquire(&e->lock);
		result = control(e, operation, file, fd, &event);
		lock_release(&e->lock);
		lock_release(&epoll_lock);
	}
	file_put(file);
	file_put(epoll);
	return result;
}

/* ---- waiting ---- */

/* What is ready now, at most @room; @timed: look again after a while. */
static int collect(struct epoll *epoll, struct epoll_event *events, int room,
		   bool *timed)
{
	struct epoll_item *item, *again = NULL, *next;
	int count = 0;

	*timed = false;
	lock_acquire(&epoll->lock);
	while (count < room && (item = take_ready(epoll))) {
		u32 all = item_poll(item, false);
		u32 found = all & item->events & ~MODES & ~(u32)POLL_TIMED;
		bool stay = all & POLL_TIMED;

		*timed |= stay;
		if (found) {
			events[count].events = found;
			events[count].data = item->data;
			count++;
			if (item->events & EPOLLONESHOT)
				item->events = 0;
			else if (!(item->events & EPOLLET))
				stay = true;
		}
		if (stay) {
			item->next_ready = again;
			again = item;
			item->is_ready = true;
		}
	}
	for (; again; again = next) {
		next = again->next_ready;
		again->is_ready = false;
		make_ready(again);
	}
	lock_release(&epoll->lock);
	return count;
}

static long wait_for(struct epoll *epoll, struct epoll_event *events, int room,
		     s64 duration)
{
	s64 pause = POLL_PAUSE_FIRST, deadline = 0, left = duration;
	struct wait_entry entry;
	struct waiter *waiter;
	bool timed;
	long result;

	result = collect(epoll, events, room, &timed);
	if (result || !duration)
		return result;
	waiter = waiter_get();
	if (!waiter)
		return -ENOMEM;
	if (duration != DK_TIMEOUT_INFINITE)
		deadline = clock_now(DK_CLOCK_MONOTONIC) + duration;
	wait_link(&epoll->queue, &entry, waiter_wake, waiter);
	for (;;) {
		result = collect(epoll, events, room, &timed);
		if (result)
			break;
		if (duration != DK_TIMEOUT_INFINITE) {
			left = deadline - clock_now(DK_CLOCK_MONOTONIC);
			if (left <= 0)
				break;
		}
		result = waiter_sleep(waiter,
				      timed && (duration ==
							DK_TIMEOUT_INFINITE ||
						left > pause) ?
					      pause :
					      left);
		if (result == -ERESTARTSYS)
			result = -EINTR;
		if (result && result != -ETIMEDOUT)
			break;
		pause = MIN(2 * pause, POLL_PAUSE_LAST);
	}
	wait_unlink(&entry);
	waiter_put(waiter);
	return result;
}

#define EVENTS_AT_ONCE 256

static long epoll_wait_fd(int fd, struct epoll_event *to, int room,
			  s64 duration)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	struct file *file;
	long result;

	if (room <= 0)
		return -EINVAL;
	if (!user_ok(to, (u64)room * sizeof(*to)))
		return -EFAULT;
	file = fs_get(fd);
	if (!file)
		return -EBADF;
	result = -EINVAL;
	if (file->kind == FILE_EPOLL)
		result = wait_for(file->data, events, MIN(room, EVENTS_AT_ONCE),
				  duration);
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
