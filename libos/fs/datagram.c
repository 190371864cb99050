// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * UDP: sockets made and ended, and their options. datagram.h has the whole.
 */
#include "datagram.h"

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

/* As in Linux, it ends waiting and sending of what is not connected, too. */
static long datagram_shutdown(struct socket *socket, int how)
{
	struct datagram *d = datagram_of(socket);
	bool connected;
	long r;

	lock_acquire(&d->lock);
	connected = d->connected;
	d->shut_out |= how != SHUT_RD;
	lock_release(&d->lock);
	r = unix_shutdown(socket, how);
	return r || connected ? r : -ENOTCONN;
}

/*
 * Wishes about packets: of some, datagram_control.c tells with a message; others
 * are remembered.
 */
static const struct {
	u8 level, name;
	u8 value; /* of a new socket */
} wishes[] = {
	{ LEVEL_IP, IP_TOS },
	{ LEVEL_IP, IP_TTL, INET_HOPS },
	{ LEVEL_IP, IP_RECVOPTS },
	{ LEVEL_IP, IP_RETOPTS },
	{ LEVEL_IP, IP_PKTINFO },
	{ LEVEL_IP, IP_MTU_DISCOVER, 1 },
	{ LEVEL_IP, IP_RECVERR },
	{ LEVEL_IP, IP_RECVTTL },
	{ LEVEL_IP, IP_RECVTOS },
	{ LEVEL_IP, IP_FREEBIND },
	{ LEVEL_IP, IP_RECVORIGDSTADDR },
	{ LEVEL_IP, IP_BIND_ADDRESS_NO_PORT },
	{ LEVEL_IP, IP_MULTICAST_TTL, 1 },
	{ LEVEL_IP, IP_MULTICAST_LOOP, 1 },
	{ LEVEL_IP, IP_MULTICAST_ALL, 1 },
	{ LEVEL_IPV6, IPV6_UNICAST_HOPS, INET_HOPS },
	{ LEVEL_IPV6, IPV6_MULTICAST_HOPS, 1 },
	{ LEVEL_IPV6, IPV6_MULTICAST_LOOP, 1 },
	{ LEVEL_IPV6, IPV6_MTU_DISCOVER, 1 },
	{ LEVEL_IPV6, IPV6_RECVERR },
	{ LEVEL_IPV6, IPV6_V6ONLY },
	{ LEVEL_IPV6, IPV6_RECVPKTINFO },
	{ LEVEL_IPV6, IPV6_RECVHOPLIMIT },
	{ LEVEL_IPV6, IPV6_DONTFRAG },
	{ LEVEL_IPV6, IPV6_RECVTCLASS },
	{ LEVEL_IPV6, IPV6_TCLASS },
	{ LEVEL_UDPLITE, 10 }, /* UDPLITE_SEND_CSCOV: nothing is lost */
	{ LEVEL_UDPLITE, 11 }, /* UDPLITE_RECV_CSCOV */
};

_Static_assert(ARRAY_SIZE(wishes) <= WISHES_MAX, "struct datagram");

static bool has_level(const struct socket *socket, int level)
{
	return level == LEVEL_IP ||
	       (level == LEVEL_IPV6 && socket->family == AF_INET6) ||
	       (level == LEVEL_UDPLITE && socket->protocol == LEVEL_UDPLITE);
}

/* The place in the table, or -1. */
static int place_of(struct socket *socket, int level, int name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wishes); i++) {
		if (wishes[i].level == level && wishes[i].name == name &&
		    has_level(socket, level))
			return i;
	}
	return -1;
}

int datagram_wish(struct datagram *d, int level, int name)
{
	int place = place_of(&d->host.socket, level, name);

	return place < 0 ? 0 : d->wishes[place];
}

void datagram_set_only6(struct datagram *d)
{
	int place = place_of(&d->host.socket, LEVEL_IPV6, IPV6_V6ONLY);

	if (place >= 0)
		d->wishes[place] = 1;
}

/* May it have @value? */
static long check_wish(struct datagram *d, int place, int *value)
{
	int name = wishes[place].name;

	if (wishes[place].level == LEVEL_UDPLITE) {
		/* All of it, or at least the header; as much as there can be. */
		if (*value && (*value < 8 || *value > 65535))
			*value = *value < 8 ? 8 : 65535;
		return 0;
	}
	if (wishes[place].level == LEVEL_IPV6 && name == IPV6_V6ONLY)
		return d->own.port ? -EINVAL : 0;
	return inet_packet_option(wishes[place].level, name,
				  wishes[place].value, value);
}

static long datagram_set_option(struct socket *socket, int level, int name,
				const int *value, u32 length)
{
	struct datagram *d = datagram_of(socket);
	int place = place_of(socket, level, name), wish;
	long r;

	if (place < 0)
		return -ENOPROTOOPT;
	r = inet_packet_value(level, value, length, &wish);
	if (!r)
		r = check_wish(d, place, &wish);
	if (!r)
		d->wishes[place] = wish;
	return r;
}

static long datagram_get_option(struct socket *socket, int level, int name,
				int *value)
{
	int place = place_of(socket, level, name);

	if (place < 0)
		return -ENOPROTOOPT;
	*value = datagram_of(socket)->wishes[place];
	return 0;
}

static void datagram_release(struct socket *socket)
{
	struct datagram *d = datagram_of(socket);

	DkObjectClose(d->host.handle);
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
	.control_get = datagram_control_get,
	.control_put = datagram_control_put,
	.set_option = datagram_set_option,
	.get_option = datagram_get_option,
	.set_flags = unix_set_flags,
	.stream = unix_stream,
	.release = datagram_release,
};

struct socket *datagram_make(int family, int protocol, DK_HANDLE handle)
{
	struct datagram *d = mem_zalloc(sizeof(*d));
	struct socket *socket;
	size_t i;

	if (!d)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(wishes); i++)
		d->wishes[i] = wishes[i].value;
	endpoint_make_any(&d->own, family);
	socket = &d->host.socket;
	socket->ops = &datagram_ops;
	socket->family = family;
	socket->type = SOCK_DGRAM;
	socket->protocol = protocol;
	socket->send_buffer = socket->receive_buffer = QUEUE_MAX;
	d->host.handle = handle;
	return socket;
}

long datagram_create(int family, int protocol, struct socket **socket)
{
	DK_HANDLE handle;
	long r;

	if (!protocol)
		protocol = LEVEL_UDP;
	if (protocol != LEVEL_UDP && protocol != LEVEL_UDPLITE)
		return -EPROTONOSUPPORT;
	r = unix_open(SOCK_DGRAM, &handle);
	if (r)
		return r;
	*socket = datagram_make(family, protocol, handle);
	if (!*socket)
		DkObjectClose(handle);
	return *socket ? 0 : -ENOBUFS;
}
