// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_INET and AF_INET6: sockets made and ended. inet.h has the whole.
 */
#include "inet.h"

static const struct socket_ops inet_ops;

struct inet *inet_make(int family)
{
	struct inet *inet = mem_zalloc(sizeof(*inet));

	if (!inet)
		return NULL;
	inet->socket.ops = &inet_ops;
	inet->socket.family = family;
	inet->socket.type = SOCK_STREAM;
	inet->socket.protocol = LEVEL_TCP;
	inet->socket.send_buffer = 16384;
	inet->socket.receive_buffer = 131072;
	inet->hops = INET_HOPS;
	return inet;
}

#define PROTOCOLS 263 /* IPPROTO_MAX */

/* As Linux without the modules for the other protocols, and without rights. */
long inet_create(int family, int type, int protocol, struct socket **socket)
{
	struct inet *inet;

	if (protocol < 0 || protocol >= PROTOCOLS)
		return -EINVAL;
	if (type == SOCK_RAW)
		return protocol ? -EPERM : -EPROTONOSUPPORT;
	if (type == SOCK_DGRAM)
		return datagram_create(family, protocol, socket);
	if (type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	if (protocol && protocol != LEVEL_TCP)
		return -EPROTONOSUPPORT;
	inet = inet_make(family);
	if (!inet)
		return -ENOMEM;
	*socket = &inet->socket;
	return 0;
}

static void apply_nonblock(struct inet *inet)
{
	u32 options = inet->nonblock ? DK_OPTION_NONBLOCK : 0;

	inet_control(inet->handle, DK_CONTROL_SET_OPTIONS, &options,
		     sizeof(options));
}

void inet_set_handle(struct inet *inet, DK_HANDLE handle, int state)
{
	DK_HANDLE old = inet->handle;

	if (handle) {
		inet_options_apply(inet, handle);
		__atomic_store_n(&inet->handle, handle, __ATOMIC_RELEASE);
		apply_nonblock(inet);
	} else {
		__atomic_store_n(&inet->handle, 0, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&inet->state, state, __ATOMIC_RELEASE);
	if (old && old != handle)
		DkObjectClose(old);
	wake_all(&inet->queue);
}

static void inet_set_flags(struct socket *socket, u32 flags)
{
	struct inet *inet = inet_of(socket);

	lock_acquire(&inet->lock);
	inet->nonblock = flags & O_NONBLOCK;
	if (inet->handle)
		apply_nonblock(inet);
	lock_release(&inet->lock);
}

static DK_HANDLE inet_stream(struct socket *socket)
{
	return inet_handle(inet_of(socket));
}

static void inet_release(struct socket *socket)
{
	struct inet *inet = inet_of(socket);

	if (inet->handle)
		DkObjectClose(inet->handle);
	mem_free(inet);
}

static const struct socket_ops inet_ops = {
	.bind = inet_bind,
	.connect = inet_connect,
	.listen = inet_listen,
	.accept = inet_accept,
	.name = inet_name,
	.send = inet_send,
	.receive = inet_receive,
	.shutdown = inet_shutdown,
	.poll = inet_poll,
	.unread = inet_unread,
	.get_option = inet_get_option,
	.set_option = inet_set_option,
	.set_flags = inet_set_flags,
	.stream = inet_stream,
	.release = inet_release,
};
