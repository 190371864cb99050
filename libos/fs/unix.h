/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * AF_UNIX: sockets within the process.
 *
 *	a  --- peer --->  b		each has a queue of what it was sent:
 *	  <--- peer ---			messages of bytes and open files
 *	listener: queue of sockets that connected and were not accepted
 *
 * A name in the file system is a file that bind() makes; connect() opens it
 * and finds the socket by device and inode. For other processes it is an empty
 * file. Abstract names are the process's.
 *
 * unix_lock guards names, states, peers and backlogs; a socket's own lock its
 * queue. A socket is counted: by its file, by its peer, by whoever uses it.
 * unix_lock comes before the lock of a socket, and no two of those are held.
 *
 * unix.c makes and ends them, unix_name.c binds and finds, unix_connect.c joins
 * two, unix_send.c and unix_receive.c move messages.
 */
#ifndef _LIBOS_FS_UNIX_H
#define _LIBOS_FS_UNIX_H

#include "socket.h"

#define QUEUE_MAX 212992 /* bytes, as Linux's default */

struct message {
	struct message *next;
	size_t length, offset;
	size_t file_count;
	struct file **files;
	struct user_credentials sender;
	struct address from;
	u8 data[];
};

struct unix_socket {
	struct socket socket;
	u32 refs;
	struct lock lock; /* the queue, and what is shut down */
	struct message *first, **end;
	size_t bytes, messages;
	bool no_more; /* nothing will come: the peer is gone or shut */
	bool no_reading, no_writing; /* shut down here */
	bool reset; /* the peer went with messages unread */
	struct wait_queue queue; /* who reads, writes, accepts, polls */
	/* under unix_lock */
	struct unix_socket *peer;
	struct unix_socket *next_name;
	struct address name;
	u64 device, inode; /* of a name in the file system */
	bool named, connected, closed;
	u32 backlog, waiting;
	struct unix_socket *accept_first, **accept_end, *accept_next;
	struct user_credentials peer_credentials;
};

extern struct lock unix_lock;

static inline struct unix_socket *unix_of(struct socket *socket)
{
	return container_of(socket, struct unix_socket, socket);
}

static inline struct unix_socket *unix_get(struct unix_socket *u)
{
	if (u)
		__atomic_add_fetch(&u->refs, 1, __ATOMIC_RELAXED);
	return u;
}

static inline struct user_credentials unix_own_credentials(void)
{
	return (struct user_credentials){ process.pid, process.euid,
					  process.egid };
}

/* unix.c */
struct unix_socket *unix_make(int type);
void unix_put(struct unix_socket *u);
struct unix_socket *unix_peer_get(struct unix_socket *u);
void unix_join(struct unix_socket *a, struct unix_socket *b);
void unix_close(struct unix_socket *u);
void unix_message_free(struct message *m);

/* unix_name.c */
long unix_check_address(const struct address *a);
long unix_find_name(const struct address *a, struct unix_socket **found);
void unix_name_remove(struct unix_socket *u);
long unix_bind(struct socket *socket, const struct address *a);
long unix_name(struct socket *socket, bool of_peer, struct address *a);

/* unix_connect.c */
long unix_connect(struct file *file, const struct address *a);
long unix_listen(struct socket *socket, int backlog);
long unix_accept(struct file *file, struct file **accepted,
		 struct address *peer, u32 flags);
struct unix_socket *unix_accept_one(struct unix_socket *u);
bool unix_has_waiting(struct unix_socket *u);

/* unix_send.c */
bool unix_has_room(struct unix_socket *peer, size_t length);
s64 unix_send(struct file *file, struct transfer *transfer);

/* unix_receive.c */
s64 unix_receive(struct file *file, struct transfer *transfer);
long unix_unread(struct socket *socket, int *count);

#endif /* _LIBOS_FS_UNIX_H */
