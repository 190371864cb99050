// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * UDP: sockets made and ended, and their options. datagram.h has the whole.
 */
#include "datagram.h"

#define WISH_ONLY6 26

static u32 datagram_poll(struct file *file, struct poll_table *table)
{
	struct socket *socket = socket_of(file);
	u32 ready = unix_poll(file, table);

	/* Told to who looks; nobody is woken for it. */
	if (__atomic_load_n(&socket->error, __ATOMIC_RELAXED))
		ready |= POLLERR;
	return ready;
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
	{ LEVEL_IPV6, WISH_ONLY6 }, /* IPV6_V6ONLY */
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

bool datagram_only6(struct datagram *d)
{
	int *wish = wish_of(&d->host.socket, LEVEL_IPV6, WISH_ONLY6);

	return wish && *wish;
}

/* An int, or for those of IPv4 a byte. */
static long datagram_set_option(struct socket *socket, int level, int name,
				const int *value, u32 length)
{
	int *wish = wish_of(socket, level, name);

	if (!wish)
		return -ENOPROTOOPT;
	if (level == LEVEL_IPV6 && name == WISH_ONLY6 &&
	    datagram_of(socket)->own.port)
		return -EINVAL;
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
	.unread = unix_unread,
	.set_option = datagram_set_option,
	.get_option = datagram_get_option,
	.set_flags = unix_set_flags,
	.release = datagram_release,
};

struct socket *datagram_make(int family, DK_HANDLE handle)
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
	socket->protocol = LEVEL_UDP;
	socket->send_buffer = socket->receive_buffer = QUEUE_MAX;
	d->host.handle = handle;
	return socket;
}

long datagram_create(int family, int protocol, struct socket **socket)
{
	DK_HANDLE handle;
	long r;

	if (protocol && protocol != LEVEL_UDP)
		return -EPROTONOSUPPORT;
	r = unix_open(SOCK_DGRAM, &handle);
	if (r)
		return r;
	*socket = datagram_make(family, handle);
	if (!*socket)
		DkObjectClose(handle);
	return *socket ? 0 : -ENOBUFS;
}
