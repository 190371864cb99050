// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: messages out of the own queue; of a stream, as many as fit.
 */
#include "unix.h"

/* Bytes of @m into the program's buffers, from @at on in these. */
static s64 copy_message(struct message *m, struct transfer *transfer, size_t at)
{
	size_t i, done = 0, part, skip = at;
	size_t length = MIN(m->length - m->offset, transfer->vector.total - at);

	for (i = 0; i < transfer->vector.count && done < length; i++) {
		const struct iovec *iov = &transfer->vector.parts[i];

		if (skip >= iov->iov_len) {
			skip -= iov->iov_len;
			continue;
		}
		part = MIN(iov->iov_len - skip, length - done);
		if (copy_out((u8 *)iov->iov_base + skip,
			     m->data + m->offset + done, part))
			return -EFAULT;
		done += part;
		skip = 0;
	}
	return done;
}

/* The files of a message that is only looked at are counted anew. */
static long take_files(struct message *m, struct transfer *transfer, bool peek)
{
	size_t i;

	transfer->files = m->files;
	transfer->file_count = m->file_count;
	if (!peek) {
		m->files = NULL;
		m->file_count = 0;
		return 0;
	}
	if (!m->file_count)
		return 0;
	transfer->files = mem_alloc(m->file_count * sizeof(*m->files));
	if (!transfer->files) {
		transfer->file_count = 0;
		return -ENOMEM;
	}
	for (i = 0; i < m->file_count; i++)
		transfer->files[i] = fs_ref(m->files[i]);
	return 0;
}

static void unlink_first(struct unix_socket *u, struct message *m)
{
	u->first = m->next;
	if (!u->first)
		u->end = &u->first;
	u->bytes -= m->length;
	u->messages--;
	unix_message_free(m);
}

/* May @m follow what has been received already? Only bytes run together. */
static bool follows(struct unix_socket *u, const struct message *m,
		    const struct transfer *transfer)
{
	return !m->file_count && !transfer->file_count &&
	       (!u->socket.pass_credentials ||
		!memcmp(&m->sender, &transfer->credentials, sizeof(m->sender)));
}

static s64 receive_stream(struct unix_socket *u, struct transfer *transfer,
			  size_t at)
{
	bool peek = transfer->flags & MSG_PEEK;
	struct message *m = u->first, *next;
	size_t done = at;
	s64 part;

	for (; m; m = next) {
		if (done && (done == transfer->vector.total ||
			     !follows(u, m, transfer)))
			break;
		part = copy_message(m, transfer, done);
		if (part < 0)
			return done > at ? (s64)(done - at) : part;
		if (!done) {
			transfer->address = m->from;
			transfer->credentials = m->sender;
			take_files(m, transfer, peek);
		}
		done += part;
		next = m->next;
		if (peek)
			continue;
		m->offset += part;
		if (m->offset < m->length)
			break;
		unlink_first(u, m);
	}
	return done - at;
}

static s64 receive_message(struct unix_socket *u, struct transfer *transfer)
{
	bool peek = transfer->flags & MSG_PEEK;
	struct message *m = u->first;
	s64 part = copy_message(m, transfer, 0);

	if (part < 0)
		return part;
	transfer->address = m->from;
	transfer->credentials = m->sender;
	take_files(m, transfer, peek);
	if (m->length > (size_t)part) {
		transfer->result_flags |= MSG_TRUNC;
		if (transfer->flags & MSG_TRUNC)
			part = m->length;
	}
	if (!peek)
		unlink_first(u, m);
	return part;
}

/* What there is now: bytes, 0 at the end, -EAGAIN. u->lock is held. */
static s64 receive_now(struct unix_socket *u, struct transfer *transfer,
		       size_t at)
{
	if (u->first)
		return u->socket.type == SOCK_STREAM ?
			       receive_stream(u, transfer, at) :
			       receive_message(u, transfer);
	if (u->no_reading)
		return 0;
	if (u->reset) {
		u->reset = false;
		return -ECONNRESET;
	}
	return u->no_more ? 0 : -EAGAIN;
}

s64 unix_receive(struct file *file, struct transfer *transfer)
{
	struct unix_socket *u = unix_of(socket_of(file)), *peer;
	s64 deadline = socket_deadline(u->socket.receive_timeout), r;
	bool stream = u->socket.type == SOCK_STREAM;
	struct waiter *waiter = NULL;
	struct wait_entry entry;
	size_t done = 0;

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (u->socket.type != SOCK_DGRAM && !u->connected)
		return stream ? -EINVAL : -ENOTCONN;
	if (stream && !transfer->vector.total)
		return 0;
	for (;;) {
		lock_acquire(&u->lock);
		r = receive_now(u, transfer, done);
		lock_release(&u->lock);
		if (r > 0)
			done += r;
		if (r > 0 && stream && transfer->flags & MSG_WAITALL &&
		    !(transfer->flags & MSG_PEEK) && !transfer->file_count &&
		    done < transfer->vector.total)
			r = -EAGAIN;
		if (r != -EAGAIN || !socket_waits(file, transfer->flags))
			break;
		if (!waiter) {
			waiter = waiter_get();
			if (!waiter) {
				r = -ENOMEM;
				break;
			}
			wait_link(&u->queue, &entry, waiter_wake, waiter);
			continue;
		}
		r = socket_sleep(waiter, deadline);
		if (r)
			break;
	}
	if (waiter) {
		wait_unlink(&entry);
		waiter_put(waiter);
	}
	/* Room for those who send. */
	wake_all(&u->queue);
	peer = unix_peer_get(u);
	if (peer && r >= 0)
		wake_all(&peer->queue);
	unix_put(peer);
	return done || r > 0 ? (s64)done : r;
}

long unix_unread(struct socket *socket, int *count)
{
	struct unix_socket *u = unix_of(socket);
	struct message *m;

	*count = 0;
	lock_acquire(&u->lock);
	for (m = u->first; m; m = m->next) {
		*count += m->length - m->offset;
		if (socket->type != SOCK_STREAM)
			break;
	}
	lock_release(&u->lock);
	return 0;
}
