// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * TCP: sending, receiving, what is ready, and closing one direction.
 *
 * A plain transfer is the stream's own read or write, which waits or does not
 * as the file does. With flags, or a timeout of the socket, it is a message,
 * which never waits, and the waiting is done here.
 */
#include "inet.h"
#include "mailbox.h"

#define DK_READY_OVER (DK_READY_ERROR | DK_READY_CLOSED)

static u32 ready_of(struct inet *inet)
{
	DK_HANDLE handle = inet_handle(inet);
	u32 ready = 0;

	if (handle)
		inet_control(handle, DK_CONTROL_READY, &ready, sizeof(ready));
	return ready;
}

long inet_wait(struct file *file, u32 wanted, s64 deadline)
{
	return file_wait(file, wanted, deadline);
}

/*
 * 0: connected; else what a transfer says. One that may wait, waits for a
 * connection that was begun.
 */
static long check_connected(struct file *file, u32 flags, s64 deadline,
			    long otherwise)
{
	struct inet *inet = inet_of(socket_of(file));
	long r;

	for (;;) {
		if (likely(__atomic_load_n(&inet->state, __ATOMIC_ACQUIRE) ==
			   INET_CONNECTED))
			return 0;
		lock_acquire(&inet->lock);
		r = inet->state == INET_CONNECTING ? inet_connect_result(inet) :
		    inet->state == INET_CONNECTED  ? 0 :
						     otherwise;
		lock_release(&inet->lock);
		if (r != -EALREADY)
			return r;
		if (!socket_waits(file, flags))
			return -EAGAIN;
		r = inet_wait(file, POLLOUT, deadline);
		if (r)
			return r;
	}
}

/* A read or write of the stream, interrupted by signals. */
static s64 stream_io(struct inet *inet, void *buffer, size_t length, bool write)
{
	DK_HANDLE handle = inet_handle(inet);
	DK_STATUS status;
	dk_u64 done;

	do {
		if (write)
			status = HOST_WAIT(DkStreamWrite, handle,
					   DK_OFFSET_CURRENT, buffer, length,
					   &done);
		else
			status = HOST_WAIT(DkStreamRead, handle,
					   DK_OFFSET_CURRENT, buffer, length,
					   &done);
	} while (status == DK_STATUS_INTERRUPTED && !signal_interrupts());
	return status ? errno_restart(status) : (s64)done;
}

static u32 message_flags(u32 flags)
{
	return (flags & MSG_PEEK ? DK_MESSAGE_PEEK : 0) |
	       (flags & MSG_OOB ? DK_MESSAGE_URGENT : 0) |
	       (flags & MSG_TRUNC ? DK_MESSAGE_DISCARD : 0) |
	       (flags & MSG_MORE ? DK_MESSAGE_MORE : 0);
}

/* @buffer's bytes as a message; what may wait, waits. */
static s64 message_io(struct file *file, void *buffer, size_t length, u32 flags,
		      s64 deadline, bool write)
{
	struct inet *inet = inet_of(socket_of(file));
	struct dk_message message = { .buffer = (uintptr_t)buffer,
				      .length = length,
				      .flags = message_flags(flags) };
	long r;

	for (;;) {
		r = inet_control(inet_handle(inet),
				 write ? DK_CONTROL_SEND : DK_CONTROL_RECEIVE,
				 &message, sizeof(message));
		if (r != -EAGAIN || !socket_waits(file, flags) ||
		    flags & MSG_OOB)
			return r ? r : (s64)message.done;
		r = inet_wait(file, write ? POLLOUT : POLLIN, deadline);
		if (r)
			return r;
	}
}

#define SEND_SPECIAL (MSG_OOB | MSG_MORE | MSG_DONTWAIT)

/* One buffer of the program, whole if it may wait. */
static s64 send_buffer(struct file *file, const struct iovec *iov, u32 flags,
		       s64 deadline)
{
	struct inet *inet = inet_of(socket_of(file));
	bool plain = !(flags & SEND_SPECIAL) && !inet->socket.send_timeout;
	u8 *buffer = iov->iov_base;
	size_t done = 0, left;
	s64 part = 0;

	while (done < iov->iov_len) {
		left = iov->iov_len - done;
		part = plain ? stream_io(inet, buffer + done, left, true) :
			       message_io(file, buffer + done, left, flags,
					  deadline, true);
		if (part < 0)
			break;
		done += part;
		/* A short one: there was no room, or a signal came. */
		if ((size_t)part < left &&
		    (!socket_waits(file, flags) || signal_interrupts()))
			break;
	}
	return done ? (s64)done : part;
}

s64 inet_send(struct file *file, struct transfer *transfer)
{
	struct inet *inet = inet_of(socket_of(file));
	s64 deadline = socket_deadline(inet->socket.send_timeout);
	u32 flags = transfer->flags;
	size_t done = 0, i;
	s64 part;

	if (flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	part = check_connected(file, flags, deadline, -EPIPE);
	for (i = 0; i < transfer->vector.count && part >= 0; i++) {
		struct iovec *iov = &transfer->vector.parts[i];

		/* Together they are one: the last one's last byte is urgent. */
		part = send_buffer(file, iov,
				   done + iov->iov_len <
						   transfer->vector.total ?
					   (flags & ~MSG_OOB) | MSG_MORE :
					   flags,
				   deadline);
		if (part < 0)
			break;
		done += part;
		if ((size_t)part < iov->iov_len)
			break;
	}
	if (done || part >= 0)
		return done;
	if (part == -EPIPE && !(flags & MSG_NOSIGNAL))
		return broken_pipe();
	return part;
}

#define RECEIVE_SPECIAL (MSG_PEEK | MSG_OOB | MSG_TRUNC | MSG_DONTWAIT)

/* At least one byte into @iov, 0 at the end. */
static s64 receive_buffer(struct file *file, const struct iovec *iov, u32 flags,
			  s64 deadline)
{
	struct inet *inet = inet_of(socket_of(file));

	if (!(flags & RECEIVE_SPECIAL) && !inet->socket.receive_timeout)
		return stream_io(inet, iov->iov_base, iov->iov_len, false);
	return message_io(file, iov->iov_base, iov->iov_len, flags, deadline,
			  false);
}

/* No more is ever waiting to be looked at. */
#define PEEK_MAX 0x400000UL

/* Asleep for a while that grows; false: @deadline has come, or a signal. */
static bool doze(s64 *pause, s64 deadline)
{
	s64 left = deadline_left(deadline);
	struct waiter *waiter;
	int r;

	if (!left)
		return false;
	waiter = waiter_get();
	if (!waiter)
		return false;
	if (left == DK_TIMEOUT_INFINITE || left > *pause)
		left = *pause;
	*pause = MIN(2 * *pause, POLL_PAUSE_LAST);
	r = waiter_sleep(waiter, left);
	waiter_put(waiter);
	return r != -ERESTARTSYS;
}

/*
 * Whatever is there; with MSG_WAITALL @room bytes, or all before the end. Where
 * there are some already, nobody tells of more: so it is looked again.
 */
static s64 peek(struct file *file, u8 *buffer, size_t room, u32 flags,
		s64 deadline)
{
	struct inet *inet = inet_of(socket_of(file));
	bool all = flags & MSG_WAITALL && socket_waits(file, flags), over;
	s64 pause = POLL_PAUSE_FIRST, r;

	do {
		over = all &&
		       ready_of(inet) & (DK_READY_OVER | DK_READY_READ_CLOSED);
		r = message_io(file, buffer, room, flags, deadline, false);
	} while (all && !over && r > 0 && (size_t)r < room &&
		 doze(&pause, deadline));
	return r;
}

/*
 * MSG_PEEK: what was looked at stays where it is, so it is one look into one
 * buffer, whatever the program has.
 */
static s64 peek_parts(struct file *file, struct transfer *transfer,
		      s64 deadline)
{
	size_t room = MIN(transfer->vector.total, PEEK_MAX);
	u8 *buffer;
	s64 r;

	if (transfer->vector.count == 1)
		return peek(file, transfer->vector.parts->iov_base,
			    transfer->vector.total, transfer->flags, deadline);
	buffer = mem_alloc(MAX(room, 1UL));
	if (!buffer)
		return -ENOMEM;
	r = peek(file, buffer, room, transfer->flags, deadline);
	if (r > 0 && !(transfer->flags & MSG_TRUNC) &&
	    transfer_copy_out(transfer, buffer, r))
		r = -EFAULT;
	mem_free(buffer);
	return r;
}

static s64 receive_parts(struct file *file, struct transfer *transfer,
			 s64 deadline, size_t *done)
{
	bool all = transfer->flags & MSG_WAITALL;
	u32 flags = transfer->flags;
	s64 part = 0;
	size_t i, at;

	for (i = 0; i < transfer->vector.count; i++) {
		struct iovec iov = transfer->vector.parts[i];

		for (at = 0; at < iov.iov_len; at += part, *done += part) {
			struct iovec rest = { (u8 *)iov.iov_base + at,
					      iov.iov_len - at };

			/* After the first, only what is there. */
			if (*done && !all)
				flags |= MSG_DONTWAIT;
			part = receive_buffer(file, &rest, flags, deadline);
			if (part <= 0)
				return part;
			if (flags & MSG_OOB ||
			    (!all && (size_t)part < rest.iov_len)) {
				*done += part;
				return part;
			}
		}
	}
	return part;
}

s64 inet_receive(struct file *file, struct transfer *transfer)
{
	struct inet *inet = inet_of(socket_of(file));
	s64 deadline = socket_deadline(inet->socket.receive_timeout);
	size_t done = 0;
	s64 r;

	/* Errors that are told as messages: never any. */
	if (transfer->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	r = check_connected(file, transfer->flags, deadline, -ENOTCONN);
	/* After an error that was told comes the end. */
	if (r == -ENOTCONN && inet->state == INET_FAILED)
		return 0;
	if (r)
		return r;
	if (transfer->flags & MSG_PEEK && !(transfer->flags & MSG_OOB) &&
	    transfer->vector.total)
		return peek_parts(file, transfer, deadline);
	r = receive_parts(file, transfer, deadline, &done);
	if (done && transfer->flags & MSG_OOB)
		transfer->result_flags |= MSG_OOB;
	return done ? (s64)done : r;
}

long inet_shutdown(struct socket *socket, int how)
{
	struct inet *inet = inet_of(socket);
	u32 flags = how == SHUT_RD ? DK_SHUTDOWN_READ :
		    how == SHUT_WR ? DK_SHUTDOWN_WRITE :
				     DK_SHUTDOWN_READ | DK_SHUTDOWN_WRITE;
	long r = -ENOTCONN;

	lock_acquire(&inet->lock);
	if (inet->state == INET_CONNECTING)
		inet_connect_result(inet);
	/* Linux stops listening, and the socket can be used again. */
	if (inet->state >= INET_LISTENING)
		r = inet_control(inet->handle, DK_CONTROL_SHUTDOWN, &flags,
				 sizeof(flags));
	lock_release(&inet->lock);
	return r;
}

/* The host's bits are poll's. */
u32 inet_poll(struct file *file, struct poll_table *table)
{
	struct inet *inet = inet_of(socket_of(file));
	DK_HANDLE handle;
	u32 events;
	int state;

	poll_link(table, &inet->queue);
	handle = inet_handle(inet);
	state = __atomic_load_n(&inet->state, __ATOMIC_ACQUIRE);
	if (state == INET_FAILED)
		return POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM |
		       POLLHUP;
	if (!handle || state == INET_BOUND)
		return POLLOUT | POLLWRNORM | POLLHUP;
	events = ready_of(inet);
	if (events & DK_READY_READ)
		events |= POLLRDNORM;
	if (events & DK_READY_WRITE)
		events |= POLLWRNORM;
	poll_stream(table, handle);
	return events;
}

long inet_unread(struct file *file, int *count)
{
	struct inet *inet = inet_of(socket_of(file));
	DK_HANDLE handle = inet_handle(inet);

	*count = 0;
	if (inet->state == INET_LISTENING)
		return -EINVAL;
	if (handle)
		DkxConsoleControl(handle, DK_CONSOLE_BYTES_READABLE, count,
				  sizeof(*count));
	return 0;
}
