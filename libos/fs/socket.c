// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The calls of sockets: descriptors and addresses. What a family does is its
 * struct socket_ops. Messages: socket_message.c, options: socket_option.c.
 */
#include "interfaces.h"
#include "socket.h"

#include <clocks.h>

/* ---- as a file ---- */

static s64 transfer(struct file *file, struct transfer *transfer, bool send)
{
	const struct socket_ops *ops = socket_of(file)->ops;
	s64 r;

	r = send ? ops->send(file, transfer) : ops->receive(file, transfer);
	/* Files that nobody can see. */
	transfer_files_put(transfer);
	return r;
}

s64 socket_transfer(struct file *file, const struct vector *vector, bool send)
{
	struct transfer t = { .vector = *vector };
	s64 r;

	/* vector.parts is the caller's, and may be changed. */
	hold(file);
	r = transfer(file, &t, send);
	hold(NULL);
	return r;
}

static s64 one_buffer(struct file *file, void *buffer, size_t length, bool send)
{
	struct transfer t = { 0 };

	t.vector.parts = t.vector.few;
	t.vector.count = 1;
	t.vector.total = length;
	t.vector.few[0] = (struct iovec){ buffer, length };
	return transfer(file, &t, send);
}

static s64 socket_read(struct file *file, void *buffer, size_t length,
		       u64 offset __unused)
{
	/* As Linux: no message is taken. */
	return length ? one_buffer(file, buffer, length, false) : 0;
}

static s64 socket_write(struct file *file, const void *buffer, size_t length,
			u64 offset __unused)
{
	return one_buffer(file, (void *)buffer, length, true);
}

static u32 socket_poll(struct file *file, struct poll_table *table)
{
	return socket_of(file)->ops->poll(file, table);
}

static long socket_control(struct file *file, unsigned int command,
			   unsigned long argument)
{
	struct socket *socket = socket_of(file);
	int count;
	long r;

	if (command >> 8 == 0x89) /* SIOC* */
		return interface_control(command, argument);
	if (command != 0x541b || !socket->ops->unread) /* FIONREAD */
		return -ENOTTY;
	r = socket->ops->unread(file, &count);
	return r ? r : user_put(count, (int *)argument);
}

static void socket_release(struct file *file)
{
	struct socket *socket = socket_of(file);

	if (socket)
		socket->ops->release(socket);
}

static void socket_set_flags(struct file *file, u32 flags)
{
	struct socket *socket = socket_of(file);

	if (socket->ops->set_flags)
		socket->ops->set_flags(socket, flags);
}

static const struct file_ops socket_ops = {
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.control = socket_control,
	.set_flags = socket_set_flags,
	.release = socket_release,
};

struct file *socket_file(struct socket *socket, u32 flags)
{
	struct file *file = file_new(FILE_SOCKET, &socket_ops,
				     FILE_READ | FILE_WRITE,
				     O_RDWR | (flags & SOCK_NONBLOCK));

	if (!file)
		return NULL;
	file->type = DK_TYPE_SOCKET;
	file->data = socket;
	if (flags & SOCK_NONBLOCK && socket->ops->set_flags)
		socket->ops->set_flags(socket, O_NONBLOCK);
	return file;
}

s64 socket_deadline(s64 timeout)
{
	return timeout ? deadline_after(DK_CLOCK_MONOTONIC, timeout) :
			 DK_TIMEOUT_INFINITE;
}

int socket_sleep(struct waiter *waiter, s64 deadline)
{
	s64 left = DK_TIMEOUT_INFINITE;
	int r;

	if (deadline != DK_TIMEOUT_INFINITE) {
		left = deadline - clock_now(DK_CLOCK_MONOTONIC);
		if (left <= 0)
			return -EAGAIN;
	}
	r = waiter_sleep(waiter, left);
	if (r == -ERESTARTSYS && deadline != DK_TIMEOUT_INFINITE)
		return -EINTR;
	return r == -ETIMEDOUT ? 0 : r;
}

/* ---- descriptors and addresses ---- */

/* The open socket @fd, counted, or NULL and *error. */
struct file *socket_get(int fd, long *error)
{
	struct file *file = fs_get(fd);

	*error = file ? -ENOTSOCK : -EBADF;
	if (!file)
		return NULL;
	if (file->kind != FILE_SOCKET) {
		file_put(file);
		return NULL;
	}
	hold(file);
	return file;
}

void socket_put(struct file *file)
{
	hold(NULL);
	file_put(file);
}

long socket_address_get(struct address *to, const void *from, int length)
{
	memset(to, 0, sizeof(*to));
	if (length < 0 || length > ADDRESS_MAX)
		return -EINVAL;
	to->length = length;
	return user_read(to->bytes, from, length);
}

/* As much as there is room for; the whole length. */
long socket_address_put(const struct address *from, void *to, int *length)
{
	int room, whole = from->length;

	if (user_get(room, length))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (user_write(to, from->bytes, MIN(room, whole)) ||
	    user_put(whole, length))
		return -EFAULT;
	return 0;
}

static long create(int family, int type, int protocol, struct socket **socket)
{
	if (type < 0 || type > 10)
		return -EINVAL;
	switch (family) {
	case AF_UNIX:
		return unix_create(type, protocol, socket);
	case AF_INET:
	case AF_INET6:
		return inet_create(family, type, protocol, socket);
	case AF_NETLINK:
		return netlink_create(type, protocol, socket);
	default:
		return -EAFNOSUPPORT;
	}
}

static long check_type(int type)
{
	return (type & ~SOCK_TYPE_MASK) & ~(SOCK_CLOEXEC | SOCK_NONBLOCK) ?
		       -EINVAL :
		       0;
}

static long open_socket(struct socket *socket, int flags)
{
	struct file *file = socket_file(socket, flags);

	if (!file) {
		socket->ops->release(socket);
		return -ENFILE;
	}
	return fd_open(file, flags & SOCK_CLOEXEC);
}

SYSCALL3(socket, int, family, int, type, int, protocol)
{
	struct socket *socket;
	long r = check_type(type);

	if (!r)
		r = create(family, type & SOCK_TYPE_MASK, protocol, &socket);
	return r ? r : open_socket(socket, type);
}

SYSCALL4(socketpair, int, family, int, type, int, protocol, int *, to)
{
	struct socket *a, *b;
	int fds[2];
	long r = check_type(type);

	if (!r)
		r = create(family, type & SOCK_TYPE_MASK, protocol, &a);
	if (r)
		return r;
	if (family != AF_UNIX) {
		a->ops->release(a);
		return -EOPNOTSUPP;
	}
	r = create(family, type & SOCK_TYPE_MASK, protocol, &b);
	if (r) {
		a->ops->release(a);
		return r;
	}
	r = unix_pair(a, b);
	if (r) {
		a->ops->release(a);
		b->ops->release(b);
		return r;
	}
	fds[0] = open_socket(a, type);
	if (fds[0] < 0) {
		b->ops->release(b);
		return fds[0];
	}
	fds[1] = open_socket(b, type);
	if (fds[1] < 0) {
		fd_close(fds[0]);
		return fds[1];
	}
	if (user_write(to, fds, sizeof(fds))) {
		fd_close(fds[0]);
		fd_close(fds[1]);
		return -EFAULT;
	}
	return 0;
}

SYSCALL3(bind, int, fd, const void *, from, int, length)
{
	struct address address;
	struct file *file;
	long r;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	r = socket_address_get(&address, from, length);
	if (!r)
		r = socket_of(file)->ops->bind(socket_of(file), &address);
	socket_put(file);
	return r;
}

SYSCALL3(connect, int, fd, const void *, from, int, length)
{
	struct address address;
	struct file *file;
	long r;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	r = socket_address_get(&address, from, length);
	if (!r)
		r = socket_of(file)->ops->connect(file, &address);
	socket_put(file);
	return r;
}

SYSCALL2(listen, int, fd, int, backlog)
{
	struct file *file;
	long r;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	r = socket_of(file)->ops->listen(socket_of(file), backlog);
	socket_put(file);
	return r;
}

static long accept_from(int fd, void *to, int *length, int flags)
{
	struct address peer = { 0 };
	struct file *file, *accepted;
	long r;
	int n;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	file = socket_get(fd, &r);
	if (!file)
		return r;
	/* A number first: what was accepted could not be given back. */
	n = fd_allocate(0, flags & SOCK_CLOEXEC);
	r = n < 0 ? n :
		    socket_of(file)->ops->accept(file, &accepted, &peer, flags);
	socket_put(file);
	if (r) {
		if (n >= 0)
			fd_abandon(n);
		return r;
	}
	if (to)
		r = socket_address_put(&peer, to, length);
	if (r) {
		fd_abandon(n);
		file_put(accepted);
		return r;
	}
	fd_install(n, accepted);
	return n;
}

SYSCALL4(accept4, int, fd, void *, to, int *, length, int, flags)
{
	return accept_from(fd, to, length, flags);
}

SYSCALL3(accept, int, fd, void *, to, int *, length)
{
	return accept_from(fd, to, length, 0);
}

static long name_of(int fd, bool peer, void *to, int *length)
{
	struct address address = { 0 };
	struct file *file;
	long r;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	r = socket_of(file)->ops->name(socket_of(file), peer, &address);
	socket_put(file);
	return r ? r : socket_address_put(&address, to, length);
}

SYSCALL3(getsockname, int, fd, void *, to, int *, length)
{
	return name_of(fd, false, to, length);
}

SYSCALL3(getpeername, int, fd, void *, to, int *, length)
{
	return name_of(fd, true, to, length);
}

SYSCALL2(shutdown, int, fd, int, how)
{
	struct file *file;
	long r;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	r = how < SHUT_RD || how > SHUT_RDWR ?
		    -EINVAL :
		    socket_of(file)->ops->shutdown(socket_of(file), how);
	socket_put(file);
	return r;
}
