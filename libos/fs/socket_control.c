// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What is attached to a message: open files and credentials.
 */
#include "socket.h"

#include <linux/time.h>

struct control_header {
	size_t length;
	int level, type;
};

#define CONTROL_ALIGN(n) ALIGN_UP(n, sizeof(size_t))

void transfer_files_put(struct transfer *transfer)
{
	size_t i;

	for (i = 0; i < transfer->file_count; i++)
		file_put(transfer->files[i]);
	mem_free(transfer->files);
	transfer->files = NULL;
	transfer->file_count = 0;
}

static long rights_get(struct transfer *transfer, int family, const int *from,
		       size_t count)
{
	struct file **files;
	int fd;

	if (family != AF_UNIX || count + transfer->file_count > SCM_MAX_FD)
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

/* Files and credentials: of the internet's sockets they are passed over. */
static bool is_passed_over(const struct socket *socket, int type)
{
	return (socket->family == AF_INET || socket->family == AF_INET6) &&
	       (type == SCM_RIGHTS || type == SCM_CREDENTIALS);
}

/* What a sender attached. */
long control_get(struct socket *socket, struct transfer *transfer,
		 const u8 *from, size_t size)
{
	const struct socket_ops *ops = socket->ops;
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
			r = ops->control_get ?
				    ops->control_get(socket, transfer,
						     header.level, header.type,
						     from + at + sizeof(header),
						     length) :
				    0;
		else if (is_passed_over(socket, header.type))
			r = 0;
		else if (header.type == SCM_RIGHTS)
			r = rights_get(transfer, socket->family,
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

bool control_attach(struct user_msghdr *message, int level, int type,
		    const void *data, size_t length)
{
	struct control_header header = { sizeof(header) + length, level, type };
	bool whole = message->control_length >= header.length;

	if (message->control_length < sizeof(header))
		return false;
	header.length = MIN(header.length, message->control_length);
	if (user_write(message->control, &header, sizeof(header)) ||
	    user_write((u8 *)message->control + sizeof(header), data,
		       header.length - sizeof(header)))
		return false;
	length = MIN(CONTROL_ALIGN(header.length), message->control_length);
	message->control = (u8 *)message->control + length;
	message->control_length -= length;
	return whole;
}

static bool attach(struct user_msghdr *message, int type, const void *data,
		   size_t length)
{
	return control_attach(message, SOL_SOCKET, type, data, length);
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

/* SO_TIMESTAMP: of messages, not of bytes. */
static bool has_time(const struct socket *socket)
{
	return socket->flags >> SO_TIMESTAMP & 1 &&
	       socket->type != SOCK_STREAM && socket->family != AF_NETLINK;
}

/* When it came nobody has written down: now it is here. */
static bool attach_time(struct user_msghdr *message)
{
	s64 now = clock_now(DK_CLOCK_WALL);
	struct __kernel_old_timeval tv = { now / NSEC_PER_SEC,
					   now % NSEC_PER_SEC / 1000 };

	return attach(message, SO_TIMESTAMP, &tv, sizeof(tv));
}

/* All attachments of a received message; control_length: what they took. */
void control_put(struct socket *socket, struct user_msghdr *message,
		 struct transfer *transfer)
{
	size_t room = message->control_length;

	if (!transfer->at_end && has_time(socket) && !attach_time(message))
		transfer->result_flags |= MSG_CTRUNC;
	/* UDP has none, and nothing attached. */
	if (!transfer->at_end && socket->pass_credentials &&
	    !socket->ops->control_put &&
	    !attach(message, SCM_CREDENTIALS, &transfer->credentials,
		    sizeof(transfer->credentials)))
		transfer->result_flags |= MSG_CTRUNC;
	if (!transfer->at_end && socket->ops->control_put &&
	    !socket->ops->control_put(socket, transfer, message))
		transfer->result_flags |= MSG_CTRUNC;
	if (transfer->file_count && !attach_files(message, transfer))
		transfer->result_flags |= MSG_CTRUNC;
	transfer_files_put(transfer);
	message->control_length = room - message->control_length;
}
