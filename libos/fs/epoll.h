/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * epoll.
 *
 *	epoll --- items ---> item (fd, wanted events) ---> watched file
 *	  \--- ready --------^        ^------------ file.watched
 *
 * An item stays linked to its file's wait queue; a wake-up puts it on the
 * ready list, and only that list is looked at by epoll_wait(). A level
 * triggered item stays on it as long as it has events.
 *
 * An item whose file is a stream of the host has an event of the host instead
 * that is signalled each time that the host announces something
 * (DK_STREAM_EDGES) and is consumed by looking: epoll_look() asks all of them,
 * DK_WAIT_MAX in one call, and puts those that were signalled on the ready
 * list. Who sleeps waits for its own event and for these. If there are more
 * than one wait of the host takes, it looks again after a while: at first 1 ms,
 * at last 16.
 *
 * A child of fork() has the instance with all items, and from then on it is
 * its own: the events that its items have are its parent's, so it makes new
 * ones when it first looks (@generation).
 *
 * Who looks takes each item that is ready once, and puts back at the end what is
 * to stay; one that is woken meanwhile is on the ready list again.
 *
 * An instance in another one is ready when epoll_wait() would find something.
 * If it watches what does not wake that far (streams of the host, processes), the
 * outer one looks again after a while; edge triggered, it remembers what it has
 * told (@told) until the inner one is woken or has nothing.
 *
 * EPOLLEXCLUSIVE is checked as Linux does and changes nothing: more may be
 * woken than one.
 *
 * Locks, outermost first: epoll_lock (file.watched lists and items, of all),
 * epoll.lock (its items), that of an instance within it, the file's own,
 * wait_queue.lock of the file, epoll.ready_lock, wait_queue.lock of the epoll.
 * An item holds no reference to its file: when the last descriptor is closed,
 * epoll_forget() removes it.
 */
#ifndef _LIBOS_FS_EPOLL_H
#define _LIBOS_FS_EPOLL_H

#include "fs.h"

#include <linux/eventpoll.h>

/*
 * struct epoll_item - one descriptor that is watched
 * @edge: event of the host on @stream for @condition (DK_STREAM_*), or none
 */
struct epoll_item {
	struct epoll *epoll;
	struct file *file;
	int fd;
	u32 events;
	u64 data;
	bool is_ready; /* is on the ready list; this and its link: ready_lock */
	bool told; /* of an instance, edge triggered; atomic */
	bool taken, stay; /* this and its link: epoll->lock */
	struct wait_entry entry;
	DK_HANDLE stream, edge;
	u32 condition, generation;
	struct epoll_item *next; /* of the epoll */
	struct epoll_item *next_ready;
	struct epoll_item *next_taken;
	struct epoll_item *next_watch; /* of the file */
};

struct epoll {
	struct file *file;
	struct lock lock;
	struct epoll_item *items;
	struct epoll_item *taken, *last_taken;
	struct lock ready_lock;
	struct epoll_item *ready, **ready_end;
	struct wait_queue queue;
};

/* epoll.c; what takes or polls an item is called with epoll->lock held */
void epoll_make_ready(struct epoll_item *item);
/* The next one that was not taken yet, or NULL; then they go back. */
struct epoll_item *epoll_take_ready(struct epoll *epoll);
void epoll_put_back(struct epoll *epoll);
/*
 * POLL* of its file now; @link: and be told from now on. POLL_TIMED: its file
 * tells in no way.
 */
u32 epoll_item_poll(struct epoll_item *item, bool link);
/* Its event is that of the process that was copied. */
bool epoll_item_old(const struct epoll_item *item);

/* epoll_wait.c */
/*
 * Ask the host's events; false: there are none. @came: one was signalled, and
 * is not any more. epoll->lock is held.
 */
bool epoll_look(struct epoll *epoll, bool *came);

#endif /* _LIBOS_FS_EPOLL_H */
