// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: a message is made and put into the queue of the one it is for.
 */
#include "unix.h"

#include <signals.h>

#define QUEUE_MESSAGES 512 /* datagrams that may wait */
#define MESSAGE_MAX 32768 /* one piece of a stream */

static struct message *message_new(struct unix_socket *u,
				   struct transfer *transfer, size_t from,
				   size_t length)
{
	struct message *m = mem_alloc(sizeof(*m) + length);
	size_t i, at = 0, part;

	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->length = length;
	m->sender = transfer->has_credentials ? transfer->credentials :
						unix_own_credentials();
	lock_acquire(&unix_lock);
	m->from = u->name;
	lock_release(&unix_lock);
	for (i = 0; i < transfer->vector.count && at < length; i++) {
		const struct iovec *iov = &transfer->vector.parts[i];

		if (from >= iov->iov_len) {
			from -= iov->iov_len;
			continue;
		}
		part = MIN(iov->iov_len - from, length - at);
		if (copy_in(m->data + at, (u8 *)iov->iov_base + from, part)) {
			mem_free(m);
			return (struct message *)-1;
		}
		at += part;
		from = 0;
	}
	return m;
}

bool unix_has_room(struct unix_socket *peer, size_t length)
{
	return peer->no_reading || peer->closed ||
	       ((!peer->bytes || peer->bytes + length <= QUEUE_MAX) &&
		peer->messages < QUEUE_MESSAGES);
}

/* -EAGAIN: wait; -EPIPE, -ECONNREFUSED, -ECONNRESET; 0: the message is taken */
static long deliver(struct unix_socket *u, struct unix_socket *peer,
		    struct message *m)
{
	bool datagram = u->socket.type == SOCK_DGRAM;
	long r = 0;

	lock_acquire(&peer->lock);
	if (peer->closed)
		r = datagram ? -ECONNREFUSED : -EPIPE;
	else if (peer->no_reading)
		r = -EPIPE;
	else if (!unix_has_room(peer, m->length))
		r = -EAGAIN;
	if (!r) {
		*peer->end = m;
		peer->end = &m->next;
		peer->bytes += m->length;
		peer->messages++;
	}
	lock_release(&peer->lock);
	if (!r)
		wake_all(&peer->queue);
	return r;
}

static long deliver_waiting(struct file *file, struct unix_socket *u,
			    struct unix_socket *peer, struct message *m,
			    u32 flags, s64 deadline)
{
	struct wait_entry entry;
	struct waiter *waiter;
	long r;

	r = u->no_writing ? -EPIPE : deliver(u, peer, m);
	if (r != -EAGAIN || !socket_waits(file, flags))
		return r;
	waiter = waiter_get();
	if (!waiter)
		return -ENOMEM;
	wait_link(&peer->queue, &entry, waiter_wake, waiter);
	while ((r = u->no_writing ? -EPIPE : deliver(u, peer, m)) == -EAGAIN) {
		r = socket_sleep(waiter, deadline);
		if (r)
			break;
	}
	wait_unlink(&entry);
	waiter_put(waiter);
	return r;
}

/* To whom: counted, or NULL and *error. */
static struct unix_socket *target(struct unix_socket *u,
				  const struct address *a, long *error)
{
	struct unix_socket *peer = NULL;

	*error = 0;
	if (!a->length) {
		peer = unix_peer_get(u);
		if (!peer)
			*error = u->connected ? -EPIPE : -ENOTCONN;
		return peer;
	}
	if (u->socket.type != SOCK_DGRAM) {
		*error = u->connected ? -EISCONN : -EOPNOTSUPP;
		return NULL;
	}
	*error = unix_check_address(a);
	if (!*error)
		*error = unix_find_name(a, &peer);
	if (!*error && peer->socket.type != SOCK_DGRAM) {
		unix_put(peer);
		*error = -EPROTOTYPE;
	}
	return *error ? NULL : peer;
}

s64 unix_send(struct file *file, struct transfer *transfer)
{
	struct unix_socket *u = unix_of(socket_of(file)), *peer;
	size_t done = 0, total = transfer->vector.total, part;
	bool stream = u->socket.type == SOCK_STREAM;
	s64 deadline = socket_deadline(u->socket.send_timeout);
	struct message *m;
	long r;

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	peer = target(u, &transfer->address, &r);
	if (!peer)
		return r == -EPIPE && !(transfer->flags & MSG_NOSIGNAL) ?
			       broken_pipe() :
			       r;
	if (!stream && total > QUEUE_MAX) {
		unix_put(peer);
		return -EMSGSIZE;
	}
	do {
		part = stream ? MIN(total - done, MESSAGE_MAX) : total;
		if (stream && !part && !transfer->file_count)
			break;
		m = message_new(u, transfer, done, part);
		if (!m || m == (struct message *)-1) {
			r = m ? -EFAULT : -ENOBUFS;
			break;
		}
		/* Open files go with the first byte. */
		if (!done) {
			m->files = transfer->files;
			m->file_count = transfer->file_count;
		}
		r = deliver_waiting(file, u, peer, m, transfer->flags,
				    deadline);
		if (r) {
			if (!done)
				m->file_count = 0;
			if (!done)
				m->files = NULL;
			unix_message_free(m);
			break;
		}
		if (!done) {
			transfer->files = NULL;
			transfer->file_count = 0;
		}
		done += part;
	} while (done < total);
	unix_put(peer);
	if (done || !r)
		return done;
	if (r == -EPIPE && !(transfer->flags & MSG_NOSIGNAL) && stream)
		return broken_pipe();
	return r;
}
