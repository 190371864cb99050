// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transfers of a connection that plain reading and writing have no words for:
 * to look at what has come without taking it, never to wait whatever the
 * stream's options say, urgent data. As recv() and send() with flags.
 *
 * They never wait: who wants to has DkStreamGetEvent, which can also be given
 * up after a time. What the security modules have to say about a transfer they
 * say in sock_recvmsg() and sock_sendmsg().
 */
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>

#include "stream.h"

#define RECEIVE_FLAGS	(DK_MESSAGE_PEEK | DK_MESSAGE_URGENT | \
			 DK_MESSAGE_DISCARD)
#define SEND_FLAGS	(DK_MESSAGE_URGENT | DK_MESSAGE_MORE)

static unsigned int flags_of(u32 flags)
{
	return (flags & DK_MESSAGE_PEEK ? MSG_PEEK : 0) |
	       (flags & DK_MESSAGE_URGENT ? MSG_OOB : 0) |
	       (flags & DK_MESSAGE_DISCARD ? MSG_TRUNC : 0) |
	       (flags & DK_MESSAGE_MORE ? MSG_MORE : 0) |
	       MSG_DONTWAIT | MSG_NOSIGNAL;
}

static long transfer(struct socket *sock, struct dk_message __user *buffer,
		     bool send)
{
	struct msghdr message = { };
	struct dk_message wanted;
	long done;

	if (copy_from_user(&wanted, buffer, sizeof(wanted)))
		return -EFAULT;
	if (wanted.flags & ~(send ? SEND_FLAGS : RECEIVE_FLAGS) ||
	    wanted.reserved)
		return -EINVAL;
	/* What was moved could not be told of any more: look before. */
	if (put_user(wanted.done, &buffer->done))
		return -EFAULT;
	wanted.length = min_t(u64, wanted.length, MAX_RW_COUNT);
	if (!access_ok(dk_user(wanted.buffer), wanted.length))
		return -EFAULT;
	message.msg_flags = flags_of(wanted.flags);
	iov_iter_ubuf(&message.msg_iter, send ? WRITE : READ,
		      dk_user(wanted.buffer), wanted.length);
	if (send)
		done = sock_sendmsg(sock, &message);
	else
		done = sock_recvmsg(sock, &message, message.msg_flags);
	if (done < 0)
		return done;
	return put_user((u64)done, &buffer->done);
}

long dk_socket_receive(struct socket *sock, void __user *buffer)
{
	return transfer(sock, buffer, false);
}

long dk_socket_send(struct socket *sock, void __user *buffer)
{
	return transfer(sock, buffer, true);
}
