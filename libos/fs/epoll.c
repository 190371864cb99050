// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * epoll: instances, and what they watch. epoll.h has the whole.
 */
#include "epoll.h"

static struct lock epoll_lock;

/* Of this process; another after fork. */
static u32 generation = 1;

void epoll_forked(void)
{
	generation++;
}

void epoll_make_ready(struct epoll_item *item)
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

	__atomic_store_n(&item->told, false, __ATOMIC_SEQ_CST);
	epoll_make_ready(item);
	wake_all(&item->epoll->queue);
}

static struct epoll_item *first_ready(struct epoll *epoll)
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

struct epoll_item *epoll_take_ready(struct epoll *epoll)
{
	struct epoll_item *item;

	/* Woken since it was taken: that is for the next who looks. */
	while ((item = first_ready(epoll)) && item->taken)
		item->stay = true;
	if (!item)
		return NULL;
	item->taken = true;
	item->stay = false;
	item->next_taken = NULL;
	if (epoll->taken)
		epoll->last_taken->next_taken = item;
	else
		epoll->taken = item;
	epoll->last_taken = item;
	return item;
}

void epoll_put_back(struct epoll *epoll)
{
	struct epoll_item *item;

	while ((item = epoll->taken)) {
		epoll->taken = item->next_taken;
		item->taken = false;
		if (item->stay)
			epoll_make_ready(item);
	}
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
	if (item->edge)
		DkObjectClose(item->edge);
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

/* Of an epoll that is watched itself: would epoll_wait() find something? */
static u32 epoll_poll(struct file *file, struct poll_table *table)
{
	struct epoll *epoll = file->data;
	bool ready = false, timed, came;
	struct epoll_item *item;

	poll_link(table, &epoll->queue);
	lock_acquire(&epoll->lock);
	/* The host's events tell only those who wait for this one. */
	timed = epoll_look(epoll, &came);
	while (!ready && (item = epoll_take_ready(epoll))) {
		u32 events = epoll_item_poll(item, false);

		ready = events & item->events & 0xffff;
		timed |= !!(events & POLL_TIMED);
		item->stay |= ready || events & POLL_TIMED;
	}
	epoll_put_back(epoll);
	lock_release(&epoll->lock);
	/* Who is about to sleep would wait for the event that was taken here. */
	if (came && __atomic_load_n(&epoll->ready, __ATOMIC_RELAXED))
		wake_all(&epoll->queue);
	return (ready ? POLLIN | POLLRDNORM : 0) | (timed ? POLL_TIMED : 0);
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
	epoll->file = file;
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
#define NEST_MAX 5
/* What may stand beside EPOLLEXCLUSIVE. */
#define EXCLUSIVE_OK                                                        \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | \
	 EPOLLEXCLUSIVE)

static struct epoll_item *item_find(struct epoll *epoll, struct file *file,
				    int fd)
{
	struct epoll_item *item;

	for (item = epoll->items; item; item = item->next)
		if (item->fd == fd && item->file == file)
			return item;
	return NULL;
}

/* The host's event for @item is one of @stream, as it is now. */
static void follow(struct epoll_item *item, DK_HANDLE stream)
{
	u32 condition = stream_condition(item->events);

	if (item->stream == stream && item->condition == condition &&
	    item->generation == generation)
		return;
	if (item->edge)
		DkObjectClose(item->edge);
	item->edge = DK_INVALID_HANDLE;
	item->stream = stream;
	item->condition = condition;
	item->generation = generation;
	if (stream &&
	    DkStreamGetEvent(stream, condition | DK_STREAM_EDGES, &item->edge))
		item->edge = DK_INVALID_HANDLE;
}

u32 epoll_item_poll(struct epoll_item *item, bool link)
{
	struct poll_table table = { link ? &item->entry : NULL, item_wake,
				    item };
	u32 events = file_poll(item->file, &table);

	if (table.stream || item->stream)
		follow(item, table.stream);
	return events | (table.stream && !item->edge ? POLL_TIMED : 0);
}

bool epoll_item_old(const struct epoll_item *item)
{
	return item->stream && item->generation != generation;
}

/* Look at @item's file now; @link: and be told from now on. */
static void item_start(struct epoll_item *item, bool link)
{
	u32 events = epoll_item_poll(item, link);

	__atomic_store_n(&item->told, false, __ATOMIC_SEQ_CST);
	if (!(events & (item->events | ALWAYS | POLL_TIMED)))
		return;
	epoll_make_ready(item);
	wake_all(&item->epoll->queue);
}

/* How many lie one in the other: below @epoll, or above it; itself, too. */
static int depth_below(const struct epoll *epoll)
{
	const struct epoll_item *item;
	int depth = 0, below;

	for (item = epoll->items; item; item = item->next) {
		if (item->file->kind != FILE_EPOLL)
			continue;
		below = depth_below(item->file->data);
		depth = MAX(depth, below);
	}
	return depth + 1;
}

static int depth_above(const struct epoll *epoll)
{
	const struct epoll_item *item;
	int depth = 0, above;

	for (item = epoll->file->watched; item; item = item->next_watch) {
		above = depth_above(item->epoll);
		depth = MAX(depth, above);
	}
	return depth + 1;
}

static bool is_within(const struct epoll *epoll, const struct epoll *outer)
{
	const struct epoll_item *item;

	if (epoll == outer)
		return true;
	for (item = outer->items; item; item = item->next)
		if (item->file->kind == FILE_EPOLL &&
		    is_within(epoll, item->file->data))
			return true;
	return false;
}

/* No circle, and no more than five deep. epoll_lock is held. */
static bool may_nest(const struct epoll *epoll, const struct epoll *inner)
{
	return !is_within(epoll, inner) &&
	       depth_above(epoll) + depth_below(inner) <= NEST_MAX;
}

static long item_add(struct epoll *epoll, struct file *file, int fd,
		     const struct epoll_event *event)
{
	struct epoll_item *item;

	if (file->kind == FILE_EPOLL && !may_nest(epoll, file->data))
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
		/* Waking one of many, or more, is what everybody does here. */
		if (event->events & EPOLLEXCLUSIVE &&
		    (event->events & ~EXCLUSIVE_OK || file->kind == FILE_EPOLL))
			return -EINVAL;
		return item ? -EEXIST : item_add(epoll, file, fd, event);
	case EPOLL_CTL_MOD:
		if (!item)
			return -ENOENT;
		if ((item->events | event->events) & EPOLLEXCLUSIVE)
			return -EINVAL;
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
		/* What changes no list, concerns this one only. */
		bool lists = operation != EPOLL_CTL_MOD;
		struct epoll *e = epoll->data;

		if (lists)
			lock_acquire(&epoll_lock);
		lock_acquire(&e->lock);
		result = control(e, operation, file, fd, &event);
		lock_release(&e->lock);
		if (lists)
			lock_release(&epoll_lock);
		/* Who sleeps is to wait for what has come, too. */
		wake_all(&e->queue);
	}
	file_put(file);
	file_put(epoll);
	return result;
}
