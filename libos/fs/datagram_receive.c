// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * UDP: receiving, and what there is to receive. datagram.h has the whole.
 *
 * The host gives a socket all that is sent to its port. What is not for the
 * address that it is bound to, or not of its peer, is dropped here before it
 * touches the program's memory, and before anybody is told that it is there.
 */
#include "datagram.h"

long datagram_take_error(struct datagram *d)
{
	return -__atomic_exchange_n(&d->host.socket.error, 0, __ATOMIC_RELAXED);
}

/* Does it take what comes from anywhere to anywhere? */
static bool takes_all(struct datagram *d)
{
	bool all;

	lock_acquire(&d->lock);
	all = !d->connected && endpoint_is_any(&d->own) && !datagram_only6(d);
	lock_release(&d->lock);
	return all;
}

/* Is it for this socket as it is now? */
static bool accepts(struct datagram *d, const struct envelope *envelope)
{
	const struct endpoint *from = &envelope->from;
	bool yes = true;

	lock_acquire(&d->lock);
	if (d->connected)
		yes = from->port == d->peer.port &&
		      endpoint_same_address(from, &d->peer);
	if (!endpoint_is_any(&d->own))
		yes &= endpoint_same_address(&d->own, &envelope->to);
	lock_release(&d->lock);
	if (endpoint_is_four(from))
		return yes && !datagram_only6(d);
	return yes && d->host.socket.family == AF_INET6;
}

/*
 * One datagram, whoever it is from, into the buffers of @into; without: only
 * its envelope. No port that it is from: the end.
 * DK_STATUS_BUFFER_TOO_SMALL: it is nothing that sockets of UDP send.
 */
static long take(struct datagram *d, const struct vector *into, u32 flags,
		 s64 deadline, struct envelope *envelope,
		 struct dk_parcel *parcel)
{
	memset(envelope, 0, sizeof(*envelope));
	*parcel = (struct dk_parcel){
		.buffers = into ? (u64)into->parts : 0,
		.buffer_count = into ? into->count : 0,
		.flags = flags,
		.attachment = (u64)envelope,
		.attachment_length = sizeof(*envelope),
	};
	return unix_move_parcel(&d->host, parcel, false, deadline);
}

/* The first of the queue, whatever comes with it. */
static void drop(struct file *file)
{
	struct transfer scrap = { .flags = MSG_DONTWAIT };

	scrap.vector.parts = scrap.vector.few;
	unix_receive(file, &scrap);
	transfer_files_put(&scrap);
}

/*
 * Until the first one is for this socket. d->reading is held, so that nobody
 * else of this process takes the one that is looked at. 0, or -EAGAIN: there is
 * none.
 */
static long skip_strangers(struct file *file)
{
	struct datagram *d = datagram_of(socket_of(file));
	struct envelope envelope;
	struct dk_parcel parcel;
	long r;

	for (;;) {
		r = take(d, NULL, DK_PARCEL_NONBLOCK | DK_PARCEL_PEEK,
			 DK_TIMEOUT_INFINITE, &envelope, &parcel);
		if (r != DK_STATUS_BUFFER_TOO_SMALL &&
		    (r || !envelope.from.port || accepts(d, &envelope)))
			return r;
		drop(file);
	}
}

/* One that it takes, if there is one now. */
static long take_chosen(struct file *file, struct transfer *transfer, u32 flags,
			struct envelope *envelope, struct dk_parcel *parcel)
{
	struct datagram *d = datagram_of(socket_of(file));
	long r;

	lock_acquire(&d->reading);
	r = skip_strangers(file);
	if (!r)
		r = take(d, &transfer->vector, flags | DK_PARCEL_NONBLOCK,
			 DK_TIMEOUT_INFINITE, envelope, parcel);
	lock_release(&d->reading);
	return r;
}

s64 datagram_receive(struct file *file, struct transfer *transfer)
{
	struct socket *socket = socket_of(file);
	s64 deadline = socket_deadline(socket->receive_timeout);
	bool waits = socket_waits(file, transfer->flags);
	struct datagram *d = datagram_of(socket);
	struct envelope envelope;
	struct dk_parcel parcel;
	u32 flags = 0;
	long r;

	if (transfer->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (transfer->flags & MSG_PEEK)
		flags |= DK_PARCEL_PEEK;
	for (;;) {
		r = datagram_take_error(d);
		if (r)
			return r;
		if (!flags && takes_all(d)) {
			r = take(d, &transfer->vector,
				 waits ? 0 : DK_PARCEL_NONBLOCK, deadline,
				 &envelope, &parcel);
			if (r == DK_STATUS_BUFFER_TOO_SMALL)
				drop(file);
		} else {
			r = take_chosen(file, transfer, flags, &envelope,
					&parcel);
			if (r == -EAGAIN && waits) {
				r = file_wait(file, POLLIN, deadline);
				if (!r)
					continue;
			}
		}
		/* Another process may have taken the one that was seen. */
		if (!r && (!envelope.from.port || accepts(d, &envelope)))
			break;
		if (r && r != DK_STATUS_BUFFER_TOO_SMALL)
			return r;
	}
	transfer->at_end = !envelope.from.port;
	/* Whoever has ended receiving only does not wait any more. */
	if (transfer->at_end)
		return waits ? 0 : -EAGAIN;
	endpoint_put(d, &envelope.from, &transfer->address);
	memcpy(transfer->internet.here, envelope.to.address,
	       sizeof(transfer->internet.here));
	transfer->internet.has_here = true;
	transfer->internet.port = envelope.to.port;
	transfer->internet.hops.value = envelope.hops;
	transfer->internet.class.value = envelope.class;
	if (parcel.result & DK_PARCEL_TRUNCATED)
		transfer->result_flags |= MSG_TRUNC;
	return transfer->flags & MSG_TRUNC ? parcel.whole : parcel.done;
}

static void look(struct file *file)
{
	struct datagram *d = datagram_of(socket_of(file));

	if (takes_all(d))
		return;
	lock_acquire(&d->reading);
	skip_strangers(file);
	lock_release(&d->reading);
}

u32 datagram_poll(struct file *file, struct poll_table *table)
{
	u32 ready;

	look(file);
	ready = unix_poll(file, table);
	/* Told to who looks; nobody is woken for it. */
	if (__atomic_load_n(&socket_of(file)->error, __ATOMIC_RELAXED))
		ready |= POLLERR;
	return ready;
}

long datagram_unread(struct file *file, int *count)
{
	look(file);
	return unix_unread(file, count);
}
