// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * setsockopt and getsockopt: the options that all families have.
 */
#include "socket.h"

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
	SO_ACCEPTCONN = 30,
	SO_SNDBUFFORCE = 32,
	SO_RCVBUFFORCE,
	SO_MARK = 36,
	SO_PROTOCOL = 38,
	SO_DOMAIN = 39,
};
/* Remembered, and told when asked. */
#define REMEMBERED                                                            \
	(1ULL << SO_REUSEADDR | 1ULL << SO_DONTROUTE | 1ULL << SO_BROADCAST | \
	 1ULL << SO_KEEPALIVE | 1ULL << SO_OOBINLINE | 1ULL << SO_REUSEPORT | \
	 1ULL << SO_NO_CHECK | 1ULL << SO_TIMESTAMP)

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
		socket->receive_low = value < 0 ? INT32_MAX : value;
		return 0;
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

/* What is said of an option of another level that nobody knows. */
static long unknown_option(const struct socket *socket, int level, bool get)
{
	if (socket->family == AF_UNIX)
		return -EOPNOTSUPP;
	/* Linux's IPv4 says so of what it is not asked by the name of. */
	if (get && socket->family == AF_INET && level != 0 /* IP */ &&
	    level != (socket->type == SOCK_STREAM ? 6 /* TCP */ : 17 /* UDP */))
		return -EOPNOTSUPP;
	return -ENOPROTOOPT;
}

SYSCALL5(setsockopt, int, fd, int, level, int, name, const void *, from, int,
	 length)
{
	struct socket *socket;
	struct file *file;
	int value[2] = { 0 };
	long r;

	if (length < 0)
		return -EINVAL;
	file = socket_get(fd, &r);
	if (!file)
		return r;
	socket = socket_of(file);
	r = -ENOPROTOOPT;
	if (socket->ops->set_option) {
		if (user_read(value, from, MIN((size_t)length, sizeof(value))))
			r = -EFAULT;
		else
			r = socket->ops->set_option(socket, level, name, value,
						    length);
	}
	if (r == -ENOPROTOOPT)
		r = level == SOL_SOCKET ?
			    option_set(socket, name, from, length) :
			    unknown_option(socket, level, false);
	socket_put(file);
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
		*value = MAX(socket->receive_low, 1);
		break;
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
	if (!r && level == SOL_SOCKET && name == SO_LINGER)
		size = 2 * sizeof(int);
	if (r == -ENOPROTOOPT && level == SOL_SOCKET) {
		size = option_get(socket, name, value);
		r = size ? 0 : -ENOPROTOOPT;
	} else if (r == -ENOPROTOOPT) {
		r = unknown_option(socket, level, true);
	}
	socket_put(file);
	if (r)
		return r;
	room = MIN(room, (int)size);
	if (user_write(to, value, room) || user_put(room, length))
		return -EFAULT;
	return 0;
}
