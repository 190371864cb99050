// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The calls that send and receive: one message or many.
 */
#include "socket.h"

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
		r = socket_address_get(&transfer.address, message.name,
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
		r = control_get(socket_of(file), &transfer, message.control,
				message.control_length);
	if (!r) {
		hold_many(transfer.files, sizeof(*transfer.files),
			  transfer.file_count);
		r = socket_of(file)->ops->send(file, &transfer);
		hold_many(NULL, 0, 0);
	}
	transfer_files_put(&transfer);
	vector_put(&transfer.vector);
	return r;
}

static long receive_message(struct file *file, struct user_msghdr *to,
			    u32 flags)
{
	struct transfer transfer = { .flags = flags };
	struct socket *socket = socket_of(file);
	struct user_msghdr message;
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
		transfer_files_put(&transfer);
		return r;
	}
	control_put(socket, &message, &transfer);
	if (flags & MSG_CMSG_CLOEXEC)
		transfer.result_flags |= MSG_CMSG_CLOEXEC;
	if (message.name)
		put = socket_address_put(&transfer.address, message.name,
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
	socket_put(file);
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
	socket_put(file);
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
	socket_put(file);
	return done ? (long)done : MIN(r, 0);
}

static long put_left(struct __kernel_timespec *time, s64 left)
{
	const struct __kernel_timespec value = { left / NSEC_PER_SEC,
						 left % NSEC_PER_SEC };

	return user_put(value, time);
}

SYSCALL5(recvmmsg, int, fd, struct user_mmsghdr *, messages, u32, count, u32,
	 flags, struct __kernel_timespec *, time)
{
	s64 duration, left = DK_TIMEOUT_INFINITE, deadline;
	struct file *file;
	u32 done, length;
	long r = duration_get(time, &duration);

	if (r)
		return r;
	deadline = poll_deadline(duration);
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
		left = deadline_left(deadline);
		if (!left) {
			done++;
			break;
		}
	}
	if (done && left != DK_TIMEOUT_INFINITE && put_left(time, left)) {
		done = 0;
		r = -EFAULT;
	}
	socket_put(file);
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
		r = socket_address_get(&transfer.address, to, to_length);
	if (!r)
		r = socket_of(file)->ops->send(file, &transfer);
	socket_put(file);
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
	transfer_files_put(&transfer);
	if (r >= 0 && from)
		put = socket_address_put(&transfer.address, from, from_length);
	socket_put(file);
	return put ? put : r;
}
