// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * UDP: sending. datagram.h has the whole.
 */
#include "datagram.h"
#include "mailbox.h"
#include "resolver.h"

/* Of data, by the lengths that headers can say. */
#define LENGTH_MAX4 65507
#define LENGTH_MAX6 65527

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
	/* No room there, or nobody who wants it: it is lost. */
	return r == -EAGAIN || r == -EPIPE ? 0 : r;
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
		put(d, &back, d->four, back.to.port, &reply, 1);
	mem_free(query);
	return MIN(r, 0);
}

static u8 field_of(const struct internet_field *said, struct datagram *d,
		   bool four, int name4, int name6)
{
	if (said->is_set && said->four == four)
		return said->value;
	return four ? datagram_wish(d, LEVEL_IP, name4) :
		      datagram_wish(d, LEVEL_IPV6, name6);
}

/* Where it goes, from where, and how. */
static long address_it(struct datagram *d, const struct transfer *transfer,
		       struct envelope *envelope)
{
	const struct internet *internet = &transfer->internet;
	const struct address *a = &transfer->address;
	struct endpoint here;
	bool four, to_peer;
	long r = 0;

	memset(envelope, 0, sizeof(*envelope));
	/* For a socket of IPv6, no family is no address. */
	to_peer = !a->length ||
		  (d->host.socket.family == AF_INET6 &&
		   a->length >= sizeof(a->family) && a->family == AF_UNSPEC);
	if (!to_peer)
		r = endpoint_get(d, a, &envelope->to);
	if (r)
		return r == -EAFNOSUPPORT && d->host.socket.family == AF_INET6 ?
			       -EINVAL :
			       r;
	lock_acquire(&d->lock);
	if (to_peer)
		envelope->to = d->peer;
	if (to_peer && !d->connected)
		r = -EDESTADDRREQ;
	else if (!envelope->to.port)
		r = -EINVAL;
	else
		r = datagram_need_port(d);
	endpoint_resolve_any(&envelope->to);
	datagram_source(d, &envelope->to, &envelope->from);
	lock_release(&d->lock);
	four = endpoint_is_four(&envelope->to);
	memcpy(here.address, internet->here, sizeof(here.address));
	if (internet->has_here && endpoint_is_four(&here) == four)
		memcpy(envelope->from.address, here.address,
		       sizeof(here.address));
	if (!r && endpoint_is_four(&envelope->from) != four)
		r = -ENETUNREACH;
	envelope->hops =
		field_of(&internet->hops, d, four, IP_TTL, IPV6_UNICAST_HOPS);
	envelope->class =
		field_of(&internet->class, d, four, IP_TOS, IPV6_TCLASS);
	return r;
}

/* It was sent. That nobody was there is told later, of the peer. */
static void refused(struct datagram *d, const struct endpoint *to)
{
	lock_acquire(&d->lock);
	if (d->connected && to->port == d->peer.port &&
	    endpoint_same_address(to, &d->peer))
		__atomic_store_n(&d->host.socket.error, ECONNREFUSED,
				 __ATOMIC_RELAXED);
	lock_release(&d->lock);
}

s64 datagram_send(struct file *file, struct transfer *transfer)
{
	struct datagram *d = datagram_of(socket_of(file));
	size_t total = transfer->vector.total;
	struct envelope envelope;
	bool here;
	long r;

	/* One datagram in several calls is not made. */
	if (transfer->flags & (MSG_OOB | MSG_MORE))
		return -EOPNOTSUPP;
	r = address_it(d, transfer, &envelope);
	if (!r && total > (endpoint_is_four(&envelope.to) ? LENGTH_MAX4 :
							    LENGTH_MAX6))
		r = -EMSGSIZE;
	if (!r)
		r = datagram_take_error(d);
	if (!r && d->shut_out)
		r = -EPIPE;
	if (r)
		return r;
	here = endpoint_is_here(&envelope.to);
	r = here ? deliver(d, &envelope, transfer) : -EPERM;
	if ((r == -EPERM || r == -ECONNREFUSED) &&
	    envelope.to.port == RESOLVER_PORT && total <= RESOLVER_MESSAGE_MAX)
		r = resolve(d, &envelope, transfer);
	if (r == -ECONNREFUSED) {
		refused(d, &envelope.to);
		r = 0;
	}
	return r ? r : (s64)total;
}
