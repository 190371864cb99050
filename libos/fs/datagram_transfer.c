// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * UDP: sending and receiving. datagram.h has the whole.
 */
#include "datagram.h"
#include "mailbox.h"
#include "resolver.h"

#define LENGTH_MAX 65507 /* of IPv4's */

/* What an earlier datagram met, told once. */
static long take_error(struct datagram *d)
{
	return -__atomic_exchange_n(&d->host.socket.error, 0, __ATOMIC_RELAXED);
}

/* ---- sending ---- */

/* Into the queue of who has @port; -ECONNREFUSED: nobody has. */
static long put(struct datagram *d, const struct envelope *envelope, bool four,
		u32 port, const struct iovec *parts, size_t count)
{
	u8 key[DK_LOCAL_NAME_MAX];
	struct dk_parcel parcel = {
		.buffers = (u64)parts,
		.buffer_count = count,
		.flags = DK_PARCEL_NONBLOCK,
		.attachment = (u64)envelope,
		.attachment_length = sizeof(*envelope),
		.name = (u64)key,
		.name_length = datagram_key(d, four, port, key),
	};

	return unix_move_parcel(&d->host, &parcel, true, DK_TIMEOUT_INFINITE);
}

/* To a socket of the sandbox's. -ECONNREFUSED: there is none. */
static long deliver(struct datagram *d, const struct envelope *envelope,
		    const struct transfer *transfer)
{
	const struct vector *v = &transfer->vector;
	const struct endpoint *to = &envelope->to;
	bool four = endpoint_is_four(to);
	long r;

	r = put(d, envelope, four, to->port, v->parts, v->count);
	/* One of IPv6 may take it. */
	if (r == -ECONNREFUSED && four)
		r = put(d, envelope, false, to->port, v->parts, v->count);
	/* No room there, or nobody who wants it. */
	if (r == -EAGAIN || (r == -EPIPE && !d->shut_out))
		r = 0;
	return r;
}

/* The answer to a query comes from where that was sent. */
static long resolve(struct datagram *d, const struct envelope *envelope,
		    const struct transfer *transfer)
{
	struct envelope back = { .from = envelope->to,
				 .to = envelope->from,
				 .hops = envelope->hops,
				 .class = envelope->class };
	size_t total = transfer->vector.total;
	u8 *query = mem_alloc(2 * RESOLVER_MESSAGE_MAX);
	struct iovec reply;
	long r;

	if (!query)
		return -ENOBUFS;
	reply.iov_base = query + RESOLVER_MESSAGE_MAX;
	r = transfer_copy_in(transfer, query, total);
	if (!r)
		r = resolver_answer(query, total, reply.iov_base);
	reply.iov_len = r;
	/* Lost, if there is no room for it. */
	if (r > 0)
		put(d, &back, d->host.socket.family == AF_INET, back.to.port,
		    &reply, 1);
	mem_free(query);
	return MIN(r, 0);
}

static u8 field_of(const struct internet_field *said, struct datagram *d,
		   bool four, int name4, int name6)
{
	if (said->is_set)
		return said->value;
	return four ? datagram_wish(d, LEVEL_IP, name4) :
		      datagram_wish(d, LEVEL_IPV6, name6);
}

/* Where it goes, from where, and how. */
static long address_it(struct datagram *d, const struct transfer *transfer,
		       struct envelope *envelope)
{
	const struct internet *internet = &transfer->internet;
	bool four;
	long r = 0;

	memset(envelope, 0, sizeof(*envelope));
	if (transfer->address.length)
		r = endpoint_get(d, &transfer->address, &envelope->to);
	if (r)
		return r;
	lock_acquire(&d->lock);
	if (!transfer->address.length)
		envelope->to = d->peer;
	if (!transfer->address.length && !d->connected)
		r = -EDESTADDRREQ;
	else if (!envelope->to.port)
		r = -EINVAL;
	else
		r = datagram_need_port(d);
	endpoint_resolve_any(&envelope->to);
	datagram_source(d, &envelope->to, &envelope->from);
	lock_release(&d->lock);
	if (internet->has_here)
		memcpy(envelope->from.address, internet->here,
		       sizeof(envelope->from.address));
	four = endpoint_is_four(&envelope->to);
	envelope->hops =
		field_of(&internet->hops, d, four, IP_TTL, IPV6_UNICAST_HOPS);
	envelope->class =
		field_of(&internet->class, d, four, IP_TOS, IPV6_TCLASS);
	return r;
}

s64 datagram_send(struct file *file, struct transfer *transfer)
{
	struct datagram *d = datagram_of(socket_of(file));
	size_t total = transfer->vector.total;
	struct envelope envelope;
	bool here;
	long r;

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (total > LENGTH_MAX)
		return -EMSGSIZE;
	r = address_it(d, transfer, &envelope);
	if (!r)
		r = take_error(d);
	if (r)
		return r;
	here = endpoint_is_here(&envelope.to);
	r = here ? deliver(d, &envelope, transfer) : -EPERM;
	if ((r == -EPERM || r == -ECONNREFUSED) &&
	    envelope.to.port == RESOLVER_PORT && total <= RESOLVER_MESSAGE_MAX)
		r = resolve(d, &envelope, transfer);
	if (r != -ECONNREFUSED)
		return r ? r : (s64)total;
	/* It was sent. That nobody was there is told later, and to a peer. */
	if (d->connected)
		__atomic_store_n(&d->host.socket.error, ECONNREFUSED,
				 __ATOMIC_RELAXED);
	return total;
}

/* ---- receiving ---- */

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
 * One datagram, whoever it is from, into @parts; none of these: only its
 * envelope. No port that it is from: the end.
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

/* Until there is one for this socket: others are not to touch the buffers. */
static long skip_strangers(struct datagram *d, u32 flags, s64 deadline)
{
	struct envelope envelope;
	struct dk_parcel parcel;
	long r;

	while (!(r = take(d, NULL, flags | DK_PARCEL_PEEK, deadline, &envelope,
			  &parcel)) &&
	       envelope.from.port && !accepts(d, &envelope))
		take(d, NULL, DK_PARCEL_NONBLOCK, deadline, &envelope, &parcel);
	return r;
}

s64 datagram_receive(struct file *file, struct transfer *transfer)
{
	struct socket *socket = socket_of(file);
	s64 deadline = socket_deadline(socket->receive_timeout);
	struct datagram *d = datagram_of(socket);
	struct envelope envelope;
	struct dk_parcel parcel;
	u32 flags = 0, peek = 0;
	long r;

	if (transfer->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (transfer->flags & MSG_DONTWAIT)
		flags |= DK_PARCEL_NONBLOCK;
	if (transfer->flags & MSG_PEEK)
		peek = DK_PARCEL_PEEK;
	r = take_error(d);
	/* Again, when another thread took the one that was seen. */
	do {
		if (!r && (d->connected || peek))
			r = skip_strangers(d, flags, deadline);
		if (!r)
			r = take(d, &transfer->vector, flags | peek, deadline,
				 &envelope, &parcel);
		if (r)
			return r;
	} while (envelope.from.port && !accepts(d, &envelope));
	transfer->at_end = !envelope.from.port;
	if (envelope.from.port) {
		endpoint_put(d, &envelope.from, &transfer->address);
		memcpy(transfer->internet.here, envelope.to.address,
		       sizeof(transfer->internet.here));
		transfer->internet.has_here = true;
		transfer->internet.hops.value = envelope.hops;
		transfer->internet.class.value = envelope.class;
	}
	if (parcel.result & DK_PARCEL_TRUNCATED)
		transfer->result_flags |= MSG_TRUNC;
	return transfer->flags & MSG_TRUNC ? parcel.whole : parcel.done;
}
