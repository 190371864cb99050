// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: sockets made, connected and ended. unix.h has the whole.
 */
#include "unix.h"

#include <signals.h>
#include <timers.h>

static const struct socket_ops unix_ops;

long unix_error(DK_STATUS status)
{
	switch (status) {
	case DK_STATUS_WRONG_TYPE:
		return -EPROTOTYPE;
	case DK_STATUS_ALREADY_EXISTS:
		return -EISCONN;
	case DK_STATUS_TOO_LARGE:
		return -EMSGSIZE;
	case DK_STATUS_TOO_MANY_HANDLES:
		return -ETOOMANYREFS;
	case DK_STATUS_NO_MEMORY:
		return -ENOBUFS;
	default:
		return errno_restart(status);
	}
}

struct unix_socket *unix_make(int type, DK_HANDLE handle)
{
	struct unix_socket *u = mem_zalloc(sizeof(*u));

	if (!u)
		return NULL;
	u->socket.ops = &unix_ops;
	u->socket.family = AF_UNIX;
	u->socket.type = type;
	u->socket.send_buffer = u->socket.receive_buffer = QUEUE_MAX;
	u->handle = handle;
	return u;
}

long unix_open(int type, DK_HANDLE *handle)
{
	const char *uri = type == SOCK_STREAM	 ? "local:stream" :
			  type == SOCK_SEQPACKET ? "local:packet" :
						   "local:datagram";
	DK_STATUS status = DkStreamOpen(uri, strlen(uri),
					DK_ACCESS_READ | DK_ACCESS_WRITE,
					DK_OPEN_CREATE_NEW, 0, handle);

	if (status)
		return status == DK_STATUS_NO_MEMORY ? -ENOBUFS : -ENFILE;
	return 0;
}

long unix_create(int type, int protocol, struct socket **socket)
{
	struct unix_socket *u;
	DK_HANDLE handle;
	long r;

	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW) /* has always been a datagram here */
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	r = unix_open(type, &handle);
	if (r)
		return r;
	u = unix_make(type, handle);
	if (!u) {
		DkObjectClose(handle);
		return -ENOBUFS;
	}
	*socket = &u->socket;
	return 0;
}

static void identify(struct unix_socket *u)
{
	union unix_identity identity = { .bytes = { 0 } };

	identity.credentials = unix_own_credentials();
	unix_control(u, DK_CONTROL_IDENTITY, identity.bytes,
		     sizeof(identity.bytes));
}

/* Both are new: the streams that they have give way to a pair. */
long unix_pair(struct socket *a, struct socket *b)
{
	struct unix_socket *u[2] = { unix_of(a), unix_of(b) };
	u64 options = a->type == SOCK_STREAM	? DK_PIPE_LOCAL_STREAM :
		      a->type == SOCK_SEQPACKET ? DK_PIPE_LOCAL_PACKET :
						  DK_PIPE_LOCAL_DATAGRAM;
	DK_HANDLE pair[2];
	int i;

	if (DkxPipeCreate(options, &pair[0], &pair[1]))
		return -ENFILE;
	for (i = 0; i < 2; i++) {
		DkObjectClose(u[i]->handle);
		u[i]->handle = pair[i];
		identify(u[i]);
	}
	return 0;
}

/* How long to try for room that is there when the time is over. */
#define LAST_TRY 1000000

/* Whether the host's call waits is not for one call to say; see inet_connect.c. */
static long connect_to(struct unix_socket *u, struct dk_local_name *to,
		       s64 deadline)
{
	bool timed = deadline != DK_TIMEOUT_INFINITE, over = false;
	struct timer timeout;
	DK_STATUS status;
	long r;

	if (timed && timeout_begin(&timeout, deadline)) {
		timeout_end(&timeout);
		return -ENOMEM;
	}
	for (;;) {
		status = HOST_WAIT(DkxStreamControl, u->handle,
				   DK_CONTROL_CONNECT, to, sizeof(*to));
		r = unix_error(status);
		if (status != DK_STATUS_INTERRUPTED)
			break;
		r = timed ? -EINTR : -ERESTARTSYS;
		if (signal_interrupts())
			break;
		if (deadline_left(deadline))
			continue;
		r = -EAGAIN;
		if (over)
			break;
		over = true;
		deadline = poll_deadline(LAST_TRY);
		timer_set(&timeout, deadline, 0, NULL, NULL);
	}
	if (timed)
		timeout_end(&timeout);
	return r;
}

static long unix_connect(struct file *file, const struct address *a)
{
	struct unix_socket *u = unix_of(socket_of(file));
	struct dk_local_name to = { .key_length = 0 };
	s64 deadline = DK_TIMEOUT_INFINITE;
	long r = 0;

	if (a->length < sizeof(a->family))
		return -EINVAL;
	/* A datagram socket is disconnected by AF_UNSPEC. */
	if (u->socket.type != SOCK_DGRAM || a->family)
		r = unix_key(a, to.key);
	if (r < 0)
		return r;
	to.key_length = r;
	/* Of datagrams, those of a pair alone know whose the other one is. */
	if (u->socket.type != SOCK_DGRAM) {
		identify(u);
		if (socket_waits(file, 0))
			deadline = socket_deadline(u->socket.send_timeout);
	}
	return connect_to(u, &to, deadline);
}

static long unix_listen(struct socket *socket, int backlog)
{
	struct unix_socket *u = unix_of(socket);
	u32 waiting = backlog;
	long r;

	if (socket->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	identify(u);
	r = unix_control(u, DK_CONTROL_LISTEN, &waiting, sizeof(waiting));
	if (!r)
		socket->listening = true;
	return r;
}

long unix_shutdown(struct socket *socket, int how)
{
	u32 sides = how == SHUT_RD ? DK_SHUTDOWN_READ :
		    how == SHUT_WR ? DK_SHUTDOWN_WRITE :
				     DK_SHUTDOWN_READ | DK_SHUTDOWN_WRITE;

	return unix_control(unix_of(socket), DK_CONTROL_SHUTDOWN, &sides,
			    sizeof(sides));
}

u32 unix_poll(struct file *file, struct poll_table *table)
{
	struct unix_socket *u = unix_of(socket_of(file));
	u32 ready = 0;

	if (unix_control(u, DK_CONTROL_READY, &ready, sizeof(ready)))
		return POLLERR;
	poll_stream(table, u->handle);
	return ready | (ready & POLLIN ? POLLRDNORM : 0) |
	       (ready & POLLOUT ? POLLWRNORM | POLLWRBAND : 0);
}

long unix_unread(struct file *file, int *count)
{
	u32 bytes = 0;
	long r = unix_control(unix_of(socket_of(file)), DK_CONTROL_UNREAD,
			      &bytes, sizeof(bytes));

	*count = bytes;
	return r;
}

static struct user_credentials peer_credentials(struct socket *socket)
{
	struct user_credentials unknown = { 0, -1, -1 };
	union unix_identity identity;
	struct dk_local_name peer;

	if (socket->listening)
		return unix_own_credentials();
	if (unix_control(unix_of(socket), DK_CONTROL_PEER_NAME, &peer,
			 sizeof(peer)))
		return unknown;
	memcpy(identity.bytes, peer.identity, sizeof(identity.bytes));
	/* One that has not said who it is, is not root for that. */
	return identity.credentials.pid ? identity.credentials : unknown;
}

static long unix_get_option(struct socket *socket, int level, int name,
			    int *value)
{
	struct user_credentials c;
	dk_s64 error = 0;

	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (name) {
	case 4: /* SO_ERROR */
		unix_control(unix_of(socket), DK_CONTROL_ERROR, &error,
			     sizeof(error));
		*value = -unix_error(error);
		return 0;
	case 17: /* SO_PEERCRED, as three numbers */
		c = peer_credentials(socket);
		memcpy(value, &c, sizeof(c));
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

void unix_set_flags(struct socket *socket, u32 flags)
{
	u32 options = flags & O_NONBLOCK ? DK_OPTION_NONBLOCK : 0;

	unix_control(unix_of(socket), DK_CONTROL_SET_OPTIONS, &options,
		     sizeof(options));
}

DK_HANDLE unix_stream(struct socket *socket)
{
	return unix_of(socket)->handle;
}

static void unix_release(struct socket *socket)
{
	struct unix_socket *u = unix_of(socket);

	DkObjectClose(u->handle);
	mem_free(u);
}

static const struct socket_ops unix_ops = {
	.bind = unix_bind,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.name = unix_name,
	.send = unix_send,
	.receive = unix_receive,
	.shutdown = unix_shutdown,
	.poll = unix_poll,
	.unread = unix_unread,
	.get_option = unix_get_option,
	.set_flags = unix_set_flags,
	.stream = unix_stream,
	.release = unix_release,
};
