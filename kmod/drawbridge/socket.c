// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections: what pipe: and tcp: streams have in common.
 *
 * Every end of a connection is a socket of the kernel with a file of its own,
 * so transfers, half-close, readiness and what becomes of a connection whose
 * other side dies are the kernel's. Sockets are made in the name of the
 * calling thread: its network namespace, credentials and control group, and
 * security modules are asked when one is made and at every transfer. (Their
 * hooks for bind, connect, listen and accept are out of a module's reach; the
 * control groups' BPF programs for those are not passed by.)
 *
 * Of all socket options those in the table below can be read and set. The
 * kernel checks what privilege one needs.
 */
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/net.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/sockptr.h>
#include <linux/tcp.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "stream.h"

const struct dk_stream_ops dk_socket_ops = {
	.read = dk_file_read,
	.write = dk_file_write,
	.seek = dk_file_seek,
	.get_attributes = dk_stream_get_attributes,
};

/* @stream takes over @sock, also on failure. */
int dk_socket_attach(struct dk_stream *stream, struct socket *sock,
		     bool nonblock)
{
	struct file *file;

	file = sock_alloc_file(sock, nonblock ? O_NONBLOCK : 0, NULL);
	if (IS_ERR(file))
		return PTR_ERR(file);
	stream->file = file;
	stream->ops = &dk_socket_ops;
	if (nonblock)
		stream->flags |= DK_OPTION_NONBLOCK;
	return 0;
}

/* Two sockets that are connected with each other; neither has a name. */
int dk_socket_pair(struct socket *pair[2])
{
	int error;

	error = sock_create(AF_UNIX, SOCK_STREAM, 0, &pair[0]);
	if (error)
		return error;
	error = sock_create(AF_UNIX, SOCK_STREAM, 0, &pair[1]);
	if (error)
		goto release_first;
	error = pair[0]->ops->socketpair(pair[0], pair[1]);
	if (error)
		goto release_both;
	return 0;

release_both:
	sock_release(pair[1]);
release_first:
	sock_release(pair[0]);
	return error;
}

/* What opening a connection or a server may ask for. */
long dk_connection_open(const struct dk_open *open, bool server, u32 *rights)
{
	if (open->access & DK_ACCESS_EXECUTE)
		return -EACCES;
	if (open->options & DK_OPTION_DIRECTORY)
		return -ENOTDIR;
	if (open->options & ~DK_OPTION_NONBLOCK ||
	    open->access & DK_ACCESS_APPEND || !open->access)
		return -EINVAL;
	if (server) {
		/* It is read, and what comes out has all rights. */
		if (open->disposition != DK_OPEN_CREATE_NEW ||
		    open->access != DK_ACCESS_READ)
			return -EINVAL;
		*rights = DK_RIGHT_READ | DK_RIGHT_CONTROL;
		return 0;
	}
	if (open->disposition != DK_OPEN_EXISTING)
		return -EINVAL;
	*rights = (open->access & DK_ACCESS_RIGHTS) | DK_RIGHT_CONTROL;
	return 0;
}

/* ---- addresses ---- */

static void address_from_socket(const struct sockaddr_storage *from,
				struct dk_address *address)
{
	const struct sockaddr_in *in = (const void *)from;
	const struct sockaddr_in6 *in6 = (const void *)from;

	*address = (struct dk_address) { };
	if (from->ss_family == AF_INET) {
		address->family = 4;
		address->port = ntohs(in->sin_port);
		memcpy(address->address, &in->sin_addr, 4);
	} else if (from->ss_family == AF_INET6) {
		address->family = 6;
		address->port = ntohs(in6->sin6_port);
		address->scope = in6->sin6_scope_id;
		memcpy(address->address, &in6->sin6_addr, 16);
	}
}

long dk_socket_address(struct socket *sock, int peer,
		       struct dk_address *address)
{
	struct sockaddr_storage storage = { };
	int length;

	/* that of a Unix socket is longer, and says nothing */
	if (sock->sk->sk_family == AF_UNIX) {
		*address = (struct dk_address) { };
		return 0;
	}
	length = sock->ops->getname(sock, (struct sockaddr *)&storage, peer);
	if (length < 0)
		return length;
	address_from_socket(&storage, address);
	return 0;
}

/* ---- options ---- */

static const struct {
	int level, name;
} options[] = {
	[DK_SOCKET_REUSE_ADDRESS] = { SOL_SOCKET, SO_REUSEADDR },
	[DK_SOCKET_REUSE_PORT] = { SOL_SOCKET, SO_REUSEPORT },
	[DK_SOCKET_KEEPALIVE] = { SOL_SOCKET, SO_KEEPALIVE },
	[DK_SOCKET_LINGER] = { SOL_SOCKET, SO_LINGER },
	[DK_SOCKET_SEND_BUFFER] = { SOL_SOCKET, SO_SNDBUF },
	[DK_SOCKET_RECEIVE_BUFFER] = { SOL_SOCKET, SO_RCVBUF },
	[DK_SOCKET_RECEIVE_LOW] = { SOL_SOCKET, SO_RCVLOWAT },
	[DK_SOCKET_OUT_OF_BAND] = { SOL_SOCKET, SO_OOBINLINE },
	[DK_SOCKET_PRIORITY] = { SOL_SOCKET, SO_PRIORITY },
	[DK_SOCKET_NODELAY] = { SOL_TCP, TCP_NODELAY },
	[DK_SOCKET_CORK] = { SOL_TCP, TCP_CORK },
	[DK_SOCKET_QUICK_ACK] = { SOL_TCP, TCP_QUICKACK },
	[DK_SOCKET_KEEPALIVE_IDLE] = { SOL_TCP, TCP_KEEPIDLE },
	[DK_SOCKET_KEEPALIVE_INTERVAL] = { SOL_TCP, TCP_KEEPINTVL },
	[DK_SOCKET_KEEPALIVE_COUNT] = { SOL_TCP, TCP_KEEPCNT },
	[DK_SOCKET_USER_TIMEOUT] = { SOL_TCP, TCP_USER_TIMEOUT },
	[DK_SOCKET_DEFER_ACCEPT] = { SOL_TCP, TCP_DEFER_ACCEPT },
	[DK_SOCKET_SEGMENT_SIZE] = { SOL_TCP, TCP_MAXSEG },
	[DK_SOCKET_ONLY_IPV6] = { SOL_IPV6, IPV6_V6ONLY },
};

static long option_check(struct socket *sock, u32 option)
{
	if (!option || option >= ARRAY_SIZE(options))
		return -EINVAL;
	/* A console may be any socket, and other families number otherwise. */
	if (options[option].level == SOL_TCP &&
	    ((sock->sk->sk_family != AF_INET &&
	      sock->sk->sk_family != AF_INET6) ||
	     sock->sk->sk_protocol != IPPROTO_TCP))
		return -EOPNOTSUPP;
	if (options[option].level == SOL_IPV6 &&
	    sock->sk->sk_family != AF_INET6)
		return -EOPNOTSUPP;
	return 0;
}

/* sock_getsockopt() is not exported everywhere; this is what it reads. */
static s32 socket_level_value(const struct sock *sk, int name)
{
	switch (name) {
	case SO_REUSEADDR:
		return sk->sk_reuse;
	case SO_REUSEPORT:
		return sk->sk_reuseport;
	case SO_KEEPALIVE:
		return sock_flag(sk, SOCK_KEEPOPEN);
	case SO_LINGER:
		return sock_flag(sk, SOCK_LINGER) ? sk->sk_lingertime / HZ : -1;
	case SO_SNDBUF:
		return READ_ONCE(sk->sk_sndbuf);
	case SO_RCVBUF:
		return READ_ONCE(sk->sk_rcvbuf);
	case SO_RCVLOWAT:
		return READ_ONCE(sk->sk_rcvlowat);
	case SO_OOBINLINE:
		return sock_flag(sk, SOCK_URGINLINE);
	case SO_PRIORITY:
		return READ_ONCE(sk->sk_priority);
	}
	return 0;
}

long dk_socket_get(struct socket *sock,
		   struct dk_socket_option __user *option)
{
	u32 which;
	long error;

	if (get_user(which, &option->option))
		return -EFAULT;
	error = option_check(sock, which);
	if (error)
		return error;
	which = array_index_nospec(which, ARRAY_SIZE(options));
	if (options[which].level == SOL_SOCKET)
		return put_user(socket_level_value(sock->sk,
						   options[which].name),
				&option->value);
	/* Answers only into user memory, and wants a length there. */
	if (put_user(sizeof(s32), &option->scratch))
		return -EFAULT;
	return sock->ops->getsockopt(sock, options[which].level,
				     options[which].name,
				     (char __user *)&option->value,
				     (int __user *)&option->scratch);
}

/* @server: whether IPv4 gets to it was decided by the rules, see tcp.c. */
long dk_socket_set(struct socket *sock,
		   const struct dk_socket_option __user *option, bool server)
{
	struct dk_socket_option wanted;
	struct linger linger;
	sockptr_t value;
	int length = sizeof(wanted.value), level, name;
	u32 which;
	long error;

	if (copy_from_user(&wanted, option, sizeof(wanted)))
		return -EFAULT;
	error = option_check(sock, wanted.option);
	if (!error && server && wanted.option == DK_SOCKET_ONLY_IPV6)
		error = -EINVAL;
	if (error)
		return error;
	which = array_index_nospec(wanted.option, ARRAY_SIZE(options));
	level = options[which].level;
	name = options[which].name;
	value = KERNEL_SOCKPTR(&wanted.value);
	if (which == DK_SOCKET_LINGER) {
		if (wanted.value < -1)
			return -EINVAL;
		linger.l_onoff = wanted.value >= 0;
		linger.l_linger = max(wanted.value, 0);
		value = KERNEL_SOCKPTR(&linger);
		length = sizeof(linger);
	}
	if (level == SOL_SOCKET)
		return sock_setsockopt(sock, level, name, value, length);
	return sock->ops->setsockopt(sock, level, name, value, length);
}
