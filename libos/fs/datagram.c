// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * UDP, as far as name resolution needs it.
 *
 * The host has no datagrams. But C libraries ask name servers by them, and
 * connect a socket to each address they found, without sending anything, to see
 * by which of their own they would reach it. So such sockets can be made,
 * bound, connected and waited for; what is sent to port 53 is answered by
 * resolver.c, whatever the address. Anything else that is sent is -EPERM, as
 * from a firewall that lets nothing out, and nothing else ever comes in.
 *
 * Sending a query returns when the answer is there.
 */
#include "inet.h"
#include "interfaces.h"
#include "mailbox.h"
#include "resolver.h"

#define LEVEL_UDP 17
#define PORT_FIRST 32768
#define PORT_COUNT 28000
#define WISHES_MAX 32

struct datagram {
	struct socket socket;
	struct lock lock; /* addresses */
	struct address own, peer; /* length 0: none */
	int wishes[WISHES_MAX]; /* in the order of the table below */
	struct mailbox box;
};

static struct datagram *datagram_of(struct socket *socket)
{
	return container_of(socket, struct datagram, socket);
}

/* Of an IPv4 or IPv6 address, where both have it. */
static u16 port_of(const struct address *a)
{
	return __builtin_bswap16(
		((const struct sockaddr_in *)a->bytes)->sin_port);
}

static void set_port(struct address *a, u16 port)
{
	((struct sockaddr_in *)a->bytes)->sin_port = __builtin_bswap16(port);
}

static long check_address(const struct datagram *d, const struct address *a)
{
	if (a->length < (d->socket.family == AF_INET ?
				 sizeof(struct sockaddr_in) :
				 SOCKADDR_IN6_LEAST))
		return -EINVAL;
	return a->family == d->socket.family ? 0 : -EAFNOSUPPORT;
}

/* A port of its own, if it has none yet; d->lock is held. */
static void need_port(struct datagram *d)
{
	static u32 last;

	if (!d->own.length) {
		memset(&d->own, 0, sizeof(d->own));
		d->own.family = d->socket.family;
		d->own.length = d->socket.family == AF_INET ?
					sizeof(struct sockaddr_in) :
					sizeof(struct sockaddr_in6);
	}
	if (!port_of(&d->own))
		set_port(&d->own,
			 PORT_FIRST + __atomic_fetch_add(&last, 1,
							 __ATOMIC_RELAXED) %
					      PORT_COUNT);
}

static long datagram_bind(struct socket *socket, const struct address *a)
{
	struct datagram *d = datagram_of(socket);
	long r = check_address(d, a);

	if (r)
		return r;
	lock_acquire(&d->lock);
	if (d->own.length && port_of(&d->own)) {
		r = -EINVAL;
	} else {
		d->own = *a;
		need_port(d);
	}
	lock_release(&d->lock);
	return r;
}

/* Its own address is that of the interface that leads there. */
static long datagram_connect(struct file *file, const struct address *a)
{
	struct datagram *d = datagram_of(socket_of(file));
	const struct interface *interface;
	struct sockaddr_in6 *in6;
	long r;

	if (a->length >= sizeof(a->family) && !a->family) {
		lock_acquire(&d->lock);
		d->peer.length = 0;
		lock_release(&d->lock);
		return 0;
	}
	r = check_address(d, a);
	if (r)
		return r;
	interface = interface_towards(a);
	/* IPv4 is what a host has for certain: it is to be tried first. */
	if (a->family == AF_INET6 && interface != interfaces) {
		in6 = (void *)a->bytes;
		if (in6->sin6_addr.s6_addr[10] != 0xff)
			return -ENETUNREACH;
	}
	lock_acquire(&d->lock);
	need_port(d);
	if (d->socket.family == AF_INET) {
		memcpy(&((struct sockaddr_in *)d->own.bytes)->sin_addr,
		       interface->four, 4);
	} else {
		in6 = (void *)d->own.bytes;
		memcpy(&in6->sin6_addr, interface->six, 16);
	}
	d->peer = *a;
	lock_release(&d->lock);
	return 0;
}

static long datagram_name(struct socket *socket, bool peer, struct address *a)
{
	struct datagram *d = datagram_of(socket);
	long r = 0;

	lock_acquire(&d->lock);
	if (peer && !d->peer.length) {
		r = -ENOTCONN;
	} else if (peer) {
		*a = d->peer;
	} else if (d->own.length) {
		*a = d->own;
	} else {
		memset(a, 0, sizeof(*a));
		a->family = socket->family;
		a->length = socket->family == AF_INET ?
				    sizeof(struct sockaddr_in) :
				    sizeof(struct sockaddr_in6);
	}
	lock_release(&d->lock);
	return r;
}

static s64 datagram_send(struct file *file, struct transfer *transfer)
{
	struct datagram *d = datagram_of(socket_of(file));
	size_t total = transfer->vector.total;
	struct address to = transfer->address;
	u8 *query, *reply;
	long r = 0;

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (to.length)
		r = check_address(d, &to);
	if (r)
		return r;
	lock_acquire(&d->lock);
	if (!to.length)
		to = d->peer;
	need_port(d);
	lock_release(&d->lock);
	if (!to.length)
		return -EDESTADDRREQ;
	if (!port_of(&to))
		return -EINVAL;
	if (total > 65507)
		return -EMSGSIZE;
	if (port_of(&to) != RESOLVER_PORT || total > RESOLVER_MESSAGE_MAX)
		return -EPERM;
	query = mem_alloc(2 * RESOLVER_MESSAGE_MAX);
	if (!query)
		return -ENOBUFS;
	reply = query + RESOLVER_MESSAGE_MAX;
	r = transfer_copy_in(transfer, query, total);
	if (!r)
		r = resolver_answer(query, total, reply);
	if (r > 0)
		mailbox_put(&d->box, reply, r, &to);
	mem_free(query);
	return r < 0 ? r : (s64)total;
}

static s64 datagram_receive(struct file *file, struct transfer *transfer)
{
	if (transfer->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	return mailbox_receive(&datagram_of(socket_of(file))->box, file,
			       transfer);
}

static u32 datagram_poll(struct file *file, struct poll_table *table)
{
	return mailbox_poll(&datagram_of(socket_of(file))->box, table);
}

static long datagram_unread(struct socket *socket, int *count)
{
	*count = mailbox_unread(&datagram_of(socket)->box);
	return 0;
}

static long datagram_listen(struct socket *socket __unused,
			    int backlog __unused)
{
	return -EOPNOTSUPP;
}

static long datagram_accept(struct file *file __unused,
			    struct file **accepted __unused,
			    struct address *peer __unused, u32 flags __unused)
{
	return -EOPNOTSUPP;
}

static long datagram_shutdown(struct socket *socket, int how __unused)
{
	return datagram_of(socket)->peer.length ? 0 : -ENOTCONN;
}

/* Wishes about packets and errors, of which there are none: remembered. */
static const struct {
	u8 level, name;
	s8 value; /* of a new socket */
} wishes[] = {
	{ LEVEL_IP, 1 }, /* IP_TOS */
	{ LEVEL_IP, 2, 64 }, /* IP_TTL */
	{ LEVEL_IP, 6 }, /* IP_RECVOPTS */
	{ LEVEL_IP, 7 }, /* IP_RETOPTS */
	{ LEVEL_IP, 8 }, /* IP_PKTINFO */
	{ LEVEL_IP, 10, 1 }, /* IP_MTU_DISCOVER */
	{ LEVEL_IP, 11 }, /* IP_RECVERR */
	{ LEVEL_IP, 12 }, /* IP_RECVTTL */
	{ LEVEL_IP, 13 }, /* IP_RECVTOS */
	{ LEVEL_IP, 15 }, /* IP_FREEBIND */
	{ LEVEL_IP, 20 }, /* IP_RECVORIGDSTADDR */
	{ LEVEL_IP, 24 }, /* IP_BIND_ADDRESS_NO_PORT */
	{ LEVEL_IP, 33, 1 }, /* IP_MULTICAST_TTL */
	{ LEVEL_IP, 34, 1 }, /* IP_MULTICAST_LOOP */
	{ LEVEL_IP, 49, 1 }, /* IP_MULTICAST_ALL */
	{ LEVEL_IPV6, 16, 64 }, /* IPV6_UNICAST_HOPS */
	{ LEVEL_IPV6, 18, 1 }, /* IPV6_MULTICAST_HOPS */
	{ LEVEL_IPV6, 19, 1 }, /* IPV6_MULTICAST_LOOP */
	{ LEVEL_IPV6, 23, 1 }, /* IPV6_MTU_DISCOVER */
	{ LEVEL_IPV6, 25 }, /* IPV6_RECVERR */
	{ LEVEL_IPV6, 26 }, /* IPV6_V6ONLY */
	{ LEVEL_IPV6, 49 }, /* IPV6_RECVPKTINFO */
	{ LEVEL_IPV6, 51 }, /* IPV6_RECVHOPLIMIT */
	{ LEVEL_IPV6, 62 }, /* IPV6_DONTFRAG */
	{ LEVEL_IPV6, 66 }, /* IPV6_RECVTCLASS */
	{ LEVEL_IPV6, 67 }, /* IPV6_TCLASS */
};

_Static_assert(ARRAY_SIZE(wishes) <= WISHES_MAX, "struct datagram");

static int *wish_of(struct socket *socket, int level, int name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wishes); i++) {
		if (wishes[i].level == level && wishes[i].name == name &&
		    (level == LEVEL_IP || socket->family == AF_INET6))
			return &datagram_of(socket)->wishes[i];
	}
	return NULL;
}

/* An int, or for those of IPv4 a byte. */
static long datagram_set_option(struct socket *socket, int level, int name,
				const int *value, u32 length)
{
	int *wish = wish_of(socket, level, name);

	if (!wish)
		return -ENOPROTOOPT;
	if (length >= sizeof(*value))
		*wish = value[0];
	else if (length && level == LEVEL_IP)
		*wish = value[0] & 0xff;
	else
		return -EINVAL;
	return 0;
}

static long datagram_get_option(struct socket *socket, int level, int name,
				int *value)
{
	int *wish = wish_of(socket, level, name);

	if (!wish)
		return -ENOPROTOOPT;
	*value = *wish;
	return 0;
}

static void datagram_release(struct socket *socket)
{
	struct datagram *d = datagram_of(socket);

	mailbox_clear(&d->box);
	mem_free(d);
}

static const struct socket_ops datagram_ops = {
	.bind = datagram_bind,
	.connect = datagram_connect,
	.listen = datagram_listen,
	.accept = datagram_accept,
	.name = datagram_name,
	.send = datagram_send,
	.receive = datagram_receive,
	.shutdown = datagram_shutdown,
	.poll = datagram_poll,
	.unread = datagram_unread,
	.set_option = datagram_set_option,
	.get_option = datagram_get_option,
	.release = datagram_release,
};

long datagram_create(int family, int protocol, struct socket **socket)
{
	struct datagram *d;
	size_t i;

	if (protocol && protocol != LEVEL_UDP)
		return -EPROTONOSUPPORT;
	d = mem_zalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	mailbox_init(&d->box);
	for (i = 0; i < ARRAY_SIZE(wishes); i++)
		d->wishes[i] = wishes[i].value;
	d->socket.ops = &datagram_ops;
	d->socket.family = family;
	d->socket.type = SOCK_DGRAM;
	d->socket.protocol = LEVEL_UDP;
	d->socket.send_buffer = d->socket.receive_buffer = 212992;
	*socket = &d->socket;
	return 0;
}
