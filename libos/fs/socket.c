// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The calls of sockets. What a family does is its struct socket_ops; here are
 * descriptors, addresses, messages, and the options that all have.
 */
#include "socket.h"

#include <clocks.h>

/* SOL_SOCKET, as the program's headers have them */
enum {
	SO_DEBUG = 1,
	SO_REUSEADDR,
	SO_TYPE,
	SO_ERROR,
	SO_DONTROUTE,
	SO_BROADCAST,
	SO_SNDBUF,
	SO_RCVBUF,
	SO_KEEPALIVE,
	SO_OOBINLINE,
	SO_NO_CHECK,
	SO_PRIORITY,
	SO_LINGER,
	SO_REUSEPORT = 15,
	SO_PASSCRED,
	SO_PEERCRED,
	SO_RCVLOWAT,
	SO_SNDLOWAT,
	SO_RCVTIMEO,
	SO_SNDTIMEO,
	SO_TIMESTAMP = 29,
	SO_ACCEPTCONN = 30,
	SO_SNDBUFFORCE = 32,
	SO_RCVBUFFORCE,
	SO_MARK = 36,
	SO_PROTOCOL = 38,
	SO_DOMAIN = 39,
};
/* Remembered, and told when asked. */
#define REMEMBERED                                                        \
	(1ULL << SO_REUSEADDR | 1ULL << SO_DONTROUTE | 1ULL << SO_BROADCAST | \
	 1ULL << SO_KEEPALIVE | 1ULL << SO_OOBINLINE | 1ULL << SO_REUSEPORT | \
	 1ULL << SO_NO_CHECK | 1ULL << SO_TIMESTAMP)

/* ---- as a file ---- */

static s64 one_buffer(struct file *file, void *buffer, size_t length, bool send)
{
	const struct socket_ops *ops = socket_of(file)->ops;
	struct transfer transfer = { 0 };
	size_t i;
	s64 r;

	transfer.vector.parts = transfer.vector.few;
	transfer.vector.count = 1;
	transfer.vector.total = length;
	transfer.vector.few[0] = (struct iovec){ buffer, length };
	r = send ? ops->send(file, &transfer) : ops->receive(file, &transfer);
	/* Files that nobody can see. */
	for (i = 0; i < transfer.file_count; i++)
		file_put(transfer.files[i]);
	mem_free(transfer.files);
	return r;
}

static s64 socket_read(struct file *file, void *buffer, size_t length,
		       u64 offset __unused)
{
	return one_buffer(file, buffer, length, false);
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

	if (command != 0x541b || !socket->ops->unread) /* FIONREAD */
		return -ENOTTY;
	r = socket->ops->unread(socket, &count);
	return r ? r : user_put(count, (int *)argument);
}

static void socket_release(struct file *file)
{
	struct socket *socket = socket_of(file);

	if (socket)
		socket->ops->release(socket);
}

static const struct file_ops socket_ops = {
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.control = socket_control,
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
static struct file *socket_get(int fd, long *error)
{
	struct file *file = fs_get(fd);

	*error = file ? -ENOTSOCK : -EBADF;
	if (!file || file->kind == FILE_SOCKET)
		return file;
	file_put(file);
	return NULL;
}

static long address_get(struct address *to, const void *from, int length)
{
	memset(to, 0, sizeof(*to));
	if (length < 0 || length > ADDRESS_MAX)
		return -EINVAL;
	to->length = length;
	return user_read(to->bytes, from, length);
}

/* As much as there is room for; the whole length. */
static long address_put(const struct address *from, void *to, int *length)
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
	unix_pair(a, b);
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
	r = address_get(&address, from, length);
	if (!r)
		r = socket_of(file)->ops->bind(socket_of(file), &address);
	file_put(file);
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
	r = address_get(&address, from, length);
	if (!r)
		r = socket_of(file)->ops->connect(file, &address);
	file_put(file);
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
	file_put(file);
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
	file_put(file);
	if (r) {
		if (n >= 0)
			fd_abandon(n);
		return r;
	}
	if (to)
		r = address_put(&peer, to, length);
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
	file_put(file);
	return r ? r : address_put(&address, to, length);
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
	file_put(file);
	return r;
}

/* ---- messages ---- */

struct user_msghdr {
	void *name;
	int name_length;
	struct iovec *iov;
	size_t iov_count;
	void *control;
	size_t control_length;
	u32 flags;
};

struct control_header {
	size_t length;
	int level, type;
};

#define CONTROL_ALIGN(n) ALIGN_UP(n, sizeof(size_t))

static void files_put(struct transfer *transfer)
{
	size_t i;

	for (i = 0; i < transfer->file_count; i++)
		file_put(transfer->files[i]);
	mem_free(transfer->files);
	transfer->files = NULL;
	transfer->file_count = 0;
}

static long rights_get(struct transfer *transfer, const int *from, size_t count)
{
	struct file **files;
	int fd;

	if (count + transfer->file_count > SCM_MAX_FD)
		return -EINVAL;
	files = mem_realloc(transfer->files,
			    (transfer->file_count + count) * sizeof(*files));
	if (!files)
		return -ENOMEM;
	transfer->files = files;
	for (; count; count--, from++) {
		if (user_get(fd, from))
			return -EFAULT;
		files[transfer->file_count] = fd_get(fd);
		if (!files[transfer->file_count])
			return -EBADF;
		transfer->file_count++;
	}
	return 0;
}

static long credentials_get(struct transfer *transfer, const void *from,
			    size_t length)
{
	struct user_credentials c;

	if (length != sizeof(c))
		return -EINVAL;
	if (user_read(&c, from, sizeof(c)))
		return -EFAULT;
	if (c.pid != process.pid ||
	    (c.uid != process.uid && c.uid != process.euid &&
	     c.uid != process.suid) ||
	    (c.gid != process.gid && c.gid != process.egid &&
	     c.gid != process.sgid))
		return -EPERM;
	transfer->credentials = c;
	transfer->has_credentials = true;
	return 0;
}

/* What a sender attached. */
static long control_get(struct transfer *transfer, const u8 *from, size_t size)
{
	struct control_header header;
	size_t at = 0, length;
	long r = 0;

	while (!r && size - at >= sizeof(header)) {
		if (user_read(&header, from + at, sizeof(header)))
			return -EFAULT;
		if (header.length < sizeof(header) || header.length > size - at)
			return -EINVAL;
		length = header.length - sizeof(header);
		if (header.level != SOL_SOCKET)
			r = 0;
		else if (header.type == SCM_RIGHTS)
			r = rights_get(transfer,
				       (const int *)(from + at +
						     sizeof(header)),
				       length / sizeof(int));
		else if (header.type == SCM_CREDENTIALS)
			r = credentials_get(transfer,
					    from + at + sizeof(header), length);
		else
			r = -EINVAL;
		at = MIN(at + CONTROL_ALIGN(header.length), size);
	}
	return r;
}

static long transfer_get(struct transfer *transfer,
			 const struct user_msghdr *message)
{
	return vector_get(&transfer->vector, message->iov, message->iov_count);
}

static long send_message(struct file *file, const struct user_msghdr *from,
			 u32 flags)
{
	struct transfer transfer = { .flags = flags };
	struct user_msghdr message;
	long r;

	if (user_read(&message, from, sizeof(message)))
		return -EFAULT;
	if (message.name && message.name_length) {
		if (message.name_length < 0)
			return -EINVAL;
		r = address_get(&transfer.address, message.name,
				MIN(message.name_length, ADDRESS_MAX));
		if (r)
			return r;
	}
	r = transfer_get(&transfer, &message);
	if (r)
		return r == -EINVAL && message.iov_count > UIO_MAXIOV ?
			       -EMSGSIZE :
			       r;
	if (message.control_length > INT32_MAX)
		r = -ENOBUFS;
	else if (message.control_length)
		r = control_get(&transfer, message.control,
				message.control_length);
	if (!r)
		r = socket_of(file)->ops->send(file, &transfer);
	files_put(&transfer);
	vector_put(&transfer.vector);
	return r;
}

/* One attachment: what fits; false when something did not. */
static bool attach(struct user_msghdr *message, int type, const void *data,
		   size_t length)
{
	struct control_header header = { sizeof(header) + length, SOL_SOCKET,
					 type };

	if (message->control_length < header.length ||
	    user_write(message->control, &header, sizeof(header)) ||
	    user_write((u8 *)message->control + sizeof(header), data, length))
		return false;
	length = MIN(CONTROL_ALIGN(header.length), message->control_length);
	message->control = (u8 *)message->control + length;
	message->control_length -= length;
	return true;
}

/* Received files become descriptors, as many as there is room for. */
static bool attach_files(struct user_msghdr *message, struct transfer *transfer)
{
	size_t room = message->control_length, count = 0, i;
	bool close_on_exec = transfer->flags & MSG_CMSG_CLOEXEC, whole;
	int fds[SCM_MAX_FD];

	room = room < sizeof(struct control_header) ?
		       0 :
		       (room - sizeof(struct control_header)) / sizeof(int);
	for (i = 0; i < transfer->file_count && count < room; i++) {
		fds[count] = fd_open(fs_ref(transfer->files[i]), close_on_exec);
		if (fds[count] < 0)
			break;
		count++;
	}
	whole = count == transfer->file_count;
	if (count && !attach(message, SCM_RIGHTS, fds, count * sizeof(int))) {
		while (count--)
			fd_close(fds[count]);
		return false;
	}
	return whole;
}

static long receive_message(struct file *file, struct user_msghdr *to,
			    u32 flags)
{
	struct transfer transfer = { .flags = flags };
	struct socket *socket = socket_of(file);
	struct user_msghdr message;
	size_t control;
	long r, put = 0;

	if (user_read(&message, to, sizeof(message)))
		return -EFAULT;
	if (message.name && message.name_length < 0)
		return -EINVAL;
	r = transfer_get(&transfer, &message);
	if (r)
		return r == -EINVAL && message.iov_count > UIO_MAXIOV ?
			       -EMSGSIZE :
			       r;
	r = socket->ops->receive(file, &transfer);
	vector_put(&transfer.vector);
	if (r < 0) {
		files_put(&transfer);
		return r;
	}
	control = message.control_length;
	if (socket->pass_credentials &&
	    !attach(&message, SCM_CREDENTIALS, &transfer.credentials,
		    sizeof(transfer.credentials)))
		transfer.result_flags |= MSG_CTRUNC;
	if (transfer.file_count && !attach_files(&message, &transfer))
		transfer.result_flags |= MSG_CTRUNC;
	files_put(&transfer);
	message.control_length = control - message.control_length;
	if (flags & MSG_CMSG_CLOEXEC)
		transfer.result_flags |= MSG_CMSG_CLOEXEC;
	if (message.name)
		put = address_put(&transfer.address, message.name,
				  &to->name_length);
	if (put || user_put(message.control_length, &to->control_length) ||
	    user_put(transfer.result_flags, &to->flags))
		return -EFAULT;
	return r;
}

SYSCALL3(sendmsg, int, fd, const struct user_msghdr *, from, u32, flags)
{
	struct file *file;
	long r;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	r = send_message(file, from, flags);
	file_put(file);
	return r;
}

SYSCALL3(recvmsg, int, fd, struct user_msghdr *, to, u32, flags)
{
	struct file *file;
	long r;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	r = receive_message(file, to, flags);
	file_put(file);
	return r;
}

struct user_mmsghdr {
	struct user_msghdr header;
	u32 length;
};

SYSCALL4(sendmmsg, int, fd, struct user_mmsghdr *, messages, u32, count, u32,
	 flags)
{
	struct file *file;
	u32 done, length;
	long r = 0;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	count = MIN(count, UIO_MAXIOV);
	for (done = 0, r = 0; done < count; done++) {
		r = send_message(file, &messages[done].header, flags);
		length = r;
		if (r >= 0 && user_put(length, &messages[done].length))
			r = -EFAULT;
		if (r < 0)
			break;
	}
	file_put(file);
	return done ? (long)done : MIN(r, 0);
}

SYSCALL5(recvmmsg, int, fd, struct user_mmsghdr *, messages, u32, count, u32,
	 flags, struct __kernel_timespec *, time)
{
	s64 duration, deadline = DK_TIMEOUT_INFINITE;
	struct file *file;
	u32 done, length;
	long r = duration_get(time, &duration);

	if (r)
		return r;
	if (duration != DK_TIMEOUT_INFINITE)
		deadline = deadline_after(DK_CLOCK_MONOTONIC, duration);
	file = socket_get(fd, &r);
	if (!file)
		return r;
	count = MIN(count, UIO_MAXIOV);
	for (done = 0, r = 0; done < count; done++) {
		r = receive_message(file, &messages[done].header,
				    flags & ~MSG_WAITFORONE);
		length = r;
		if (r >= 0 && user_put(length, &messages[done].length))
			r = -EFAULT;
		if (r < 0)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* The time is looked at between messages, as in Linux. */
		if (deadline != DK_TIMEOUT_INFINITE &&
		    clock_now(DK_CLOCK_MONOTONIC) >= deadline) {
			done++;
			break;
		}
	}
	file_put(file);
	return done ? (long)done : MIN(r, 0);
}

static long one_part(struct transfer *transfer, void *buffer, size_t length)
{
	length = MIN(length, MAX_TRANSFER);
	if (!user_ok(buffer, length))
		return -EFAULT;
	transfer->vector.parts = transfer->vector.few;
	transfer->vector.count = 1;
	transfer->vector.total = length;
	transfer->vector.few[0] = (struct iovec){ buffer, length };
	return 0;
}

SYSCALL6(sendto, int, fd, void *, buffer, size_t, length, u32, flags,
	 const void *, to, int, to_length)
{
	struct transfer transfer = { .flags = flags };
	struct file *file;
	long r;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	r = one_part(&transfer, buffer, length);
	if (!r && to)
		r = address_get(&transfer.address, to, to_length);
	if (!r)
		r = socket_of(file)->ops->send(file, &transfer);
	file_put(file);
	return r;
}

SYSCALL6(recvfrom, int, fd, void *, buffer, size_t, length, u32, flags, void *,
	 from, int *, from_length)
{
	struct transfer transfer = { .flags = flags };
	struct file *file;
	long r, put = 0;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	r = one_part(&transfer, buffer, length);
	if (!r)
		r = socket_of(file)->ops->receive(file, &transfer);
	files_put(&transfer);
	if (r >= 0 && from)
		put = address_put(&transfer.address, from, from_length);
	file_put(file);
	return put ? put : r;
}

/* ---- options ---- */

struct timeval64 {
	s64 seconds, microseconds;
};

#define BUFFER_MIN 2304
#define BUFFER_MAX 425984

static u32 buffer_size(int wanted)
{
	return 2 * MAX(BUFFER_MIN, MIN((u32)wanted, BUFFER_MAX / 2));
}

static long timeout_set(s64 *timeout, const void *from, u32 length)
{
	struct timeval64 tv;

	if (length < sizeof(tv))
		return -EINVAL;
	if (user_read(&tv, from, sizeof(tv)))
		return -EFAULT;
	if ((u64)tv.microseconds >= 1000000)
		return -EDOM;
	*timeout = tv.seconds < 0 ?
			   1 :
		   tv.seconds >= INT64_MAX / NSEC_PER_SEC ?
			   0 :
			   tv.seconds * NSEC_PER_SEC + tv.microseconds * 1000;
	return 0;
}

static long option_set(struct socket *socket, int name, const void *from,
		       u32 length)
{
	int value;

	if (name == SO_RCVTIMEO)
		return timeout_set(&socket->receive_timeout, from, length);
	if (name == SO_SNDTIMEO)
		return timeout_set(&socket->send_timeout, from, length);
	if (length < sizeof(value))
		return -EINVAL;
	if (user_read(&value, from, sizeof(value)))
		return -EFAULT;
	if (name > 0 && name < 64 && REMEMBERED >> name & 1) {
		if (value)
			socket->flags |= 1ULL << name;
		else
			socket->flags &= ~(1ULL << name);
		return 0;
	}
	switch (name) {
	case SO_DEBUG:
		return value ? -EACCES : 0;
	case SO_SNDBUF:
		socket->send_buffer = buffer_size(value);
		return 0;
	case SO_RCVBUF:
		socket->receive_buffer = buffer_size(value);
		return 0;
	case SO_PASSCRED:
		socket->pass_credentials = value;
		return 0;
	case SO_LINGER:
		return length < 8 ? -EINVAL : 0;
	case SO_RCVLOWAT:
	case SO_PRIORITY:
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
	case SO_MARK:
		return -EPERM;
	default:
		return -ENOPROTOOPT;
	}
}

SYSCALL5(setsockopt, int, fd, int, level, int, name, const void *, from, int,
	 length)
{
	struct socket *socket;
	struct file *file;
	int value = 0;
	long r;

	if (length < 0)
		return -EINVAL;
	file = socket_get(fd, &r);
	if (!file)
		return r;
	socket = socket_of(file);
	r = -ENOPROTOOPT;
	if (socket->ops->set_option) {
		if (length >= (int)sizeof(value) &&
		    user_get(value, (int *)from))
			r = -EFAULT;
		else
			r = socket->ops->set_option(socket, level, name, value);
	}
	if (r == -ENOPROTOOPT)
		r = level == SOL_SOCKET ?
			    option_set(socket, name, from, length) :
			    -EOPNOTSUPP;
	file_put(file);
	return r;
}

static size_t option_get(struct socket *socket, int name, int *value)
{
	struct timeval64 tv;
	s64 time;

	if (name > 0 && name < 64 && REMEMBERED >> name & 1) {
		*value = socket->flags >> name & 1;
		return sizeof(*value);
	}
	switch (name) {
	case SO_TYPE:
		*value = socket->type;
		break;
	case SO_DOMAIN:
		*value = socket->family;
		break;
	case SO_PROTOCOL:
		*value = socket->protocol;
		break;
	case SO_ERROR:
		*value = __atomic_exchange_n(&socket->error, 0,
					     __ATOMIC_SEQ_CST);
		break;
	case SO_ACCEPTCONN:
		*value = socket->listening;
		break;
	case SO_SNDBUF:
		*value = socket->send_buffer;
		break;
	case SO_RCVBUF:
		*value = socket->receive_buffer;
		break;
	case SO_PASSCRED:
		*value = socket->pass_credentials;
		break;
	case SO_DEBUG:
	case SO_PRIORITY:
	case SO_MARK:
		*value = 0;
		break;
	case SO_RCVLOWAT:
	case SO_SNDLOWAT:
		*value = 1;
		break;
	case SO_LINGER:
		value[0] = value[1] = 0;
		return 2 * sizeof(*value);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		time = name == SO_RCVTIMEO ? socket->receive_timeout :
					     socket->send_timeout;
		tv.seconds = time / NSEC_PER_SEC;
		tv.microseconds = time % NSEC_PER_SEC / 1000;
		memcpy(value, &tv, sizeof(tv));
		return sizeof(tv);
	default:
		return 0;
	}
	return sizeof(*value);
}

SYSCALL5(getsockopt, int, fd, int, level, int, name, void *, to, int *, length)
{
	struct socket *socket;
	size_t size = sizeof(int);
	int value[4], room;
	struct file *file;
	long r;

	file = socket_get(fd, &r);
	if (!file)
		return r;
	socket = socket_of(file);
	r = -ENOPROTOOPT;
	if (user_get(room, length))
		r = -EFAULT;
	else if (room < 0)
		r = -EINVAL;
	else if (socket->ops->get_option)
		r = socket->ops->get_option(socket, level, name, value);
	if (!r && level == SOL_SOCKET && name == SO_PEERCRED)
		size = sizeof(struct user_credentials);
	if (r == -ENOPROTOOPT && level == SOL_SOCKET) {
		size = option_get(socket, name, value);
		r = size ? 0 : -ENOPROTOOPT;
	} else if (r == -ENOPROTOOPT) {
		r = -EOPNOTSUPP;
	}
	file_put(file);
	if (r)
		return r;
	room = MIN(room, (int)size);
	if (user_write(to, value, room) || user_put(room, length))
		return -EFAULT;
	return 0;
}
