// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Options of TCP sockets. Those that the host's streams have are set there;
 * before there is a stream they are noted, and set when there is one.
 */
#include "inet.h"

#define SO_ERROR 4
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_LINGER 13
#define V6ONLY 26
#define SERVICE_CONGESTION 0x3 /* of IP_TOS */

/* Linux's (level, name) and the host's option; of SOL_SOCKET and TCP. */
static const struct {
	u8 level, name, option;
} option_map[] = {
	{ SOL_SOCKET, 2, DK_SOCKET_REUSE_ADDRESS },
	{ SOL_SOCKET, 15, DK_SOCKET_REUSE_PORT },
	{ SOL_SOCKET, 9, DK_SOCKET_KEEPALIVE },
	{ SOL_SOCKET, SO_SNDBUF, DK_SOCKET_SEND_BUFFER },
	{ SOL_SOCKET, SO_RCVBUF, DK_SOCKET_RECEIVE_BUFFER },
	{ SOL_SOCKET, SO_LINGER, DK_SOCKET_LINGER },
	{ SOL_SOCKET, 18, DK_SOCKET_RECEIVE_LOW },
	{ SOL_SOCKET, 10, DK_SOCKET_OUT_OF_BAND },
	{ SOL_SOCKET, 12, DK_SOCKET_PRIORITY },
	{ LEVEL_TCP, 1, DK_SOCKET_NODELAY },
	{ LEVEL_TCP, 2, DK_SOCKET_SEGMENT_SIZE },
	{ LEVEL_TCP, 3, DK_SOCKET_CORK },
	{ LEVEL_TCP, 4, DK_SOCKET_KEEPALIVE_IDLE },
	{ LEVEL_TCP, 5, DK_SOCKET_KEEPALIVE_INTERVAL },
	{ LEVEL_TCP, 6, DK_SOCKET_KEEPALIVE_COUNT },
	{ LEVEL_TCP, 9, DK_SOCKET_DEFER_ACCEPT },
	{ LEVEL_TCP, 12, DK_SOCKET_QUICK_ACK },
	{ LEVEL_TCP, 18, DK_SOCKET_USER_TIMEOUT },
	{ LEVEL_IPV6, V6ONLY, DK_SOCKET_ONLY_IPV6 },
};

/* What a new socket of Linux has. */
static const struct {
	u8 option;
	s32 value;
} defaults[] = {
	{ DK_SOCKET_LINGER, -1 },
	{ DK_SOCKET_RECEIVE_LOW, 1 },
	{ DK_SOCKET_SEGMENT_SIZE, 536 },
	{ DK_SOCKET_KEEPALIVE_IDLE, 7200 },
	{ DK_SOCKET_KEEPALIVE_INTERVAL, 75 },
	{ DK_SOCKET_KEEPALIVE_COUNT, 9 },
	{ DK_SOCKET_QUICK_ACK, 1 },
};

static u32 option_of(int level, int name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(option_map); i++) {
		if (option_map[i].level == level && option_map[i].name == name)
			return option_map[i].option;
	}
	return 0;
}

/* What was set, or the default; inet->lock is held. */
u32 inet_option_noted(struct inet *inet, u32 option)
{
	u32 i;

	for (i = 0; i < inet->option_count; i++) {
		if (inet->options[i].option == option)
			return inet->options[i].value;
	}
	for (i = 0; i < ARRAY_SIZE(defaults); i++) {
		if (defaults[i].option == option)
			return defaults[i].value;
	}
	return 0;
}

static void note(struct inet *inet, const struct dk_socket_option *option)
{
	u32 i;

	for (i = 0; i < inet->option_count; i++) {
		if (inet->options[i].option == option->option)
			break;
	}
	if (i == OPTIONS_MAX)
		return;
	inet->options[i] = *option;
	if (i == inet->option_count)
		inet->option_count++;
}

void inet_options_apply(struct inet *inet, DK_HANDLE handle)
{
	struct dk_socket_option option;
	u32 i;

	for (i = 0; i < inet->option_count; i++) {
		option = inet->options[i];
		inet_control(handle, DK_CONTROL_SET_SOCKET, &option,
			     sizeof(option));
	}
}

long inet_packet_option(int level, int name, int initial, int *value)
{
	int least = 0;

	if (level == LEVEL_IP && name == IP_TOS) {
		*value &= 0xff;
		return 0;
	}
	if (level == LEVEL_IP && name == IP_TTL)
		least = 1;
	else if (level != LEVEL_IPV6 ||
		 (name != IPV6_UNICAST_HOPS && name != IPV6_TCLASS))
		return 0;
	if (*value == -1)
		*value = initial;
	return *value < least || *value > 255 ? -EINVAL : 0;
}

long inet_packet_value(int level, const int *value, u32 length, int *wish)
{
	if (length >= sizeof(*value))
		*wish = value[0];
	else if (length && level == LEVEL_IP)
		*wish = value[0] & 0xff;
	else
		return -EINVAL;
	return 0;
}

/* Wishes about packets, which are remembered: the host's streams have none. */
static u8 *remembered(struct inet *inet, int level, int name)
{
	if (level == LEVEL_IPV6 && inet->socket.family != AF_INET6)
		return NULL;
	if ((level == LEVEL_IP && name == IP_TOS) ||
	    (level == LEVEL_IPV6 && name == IPV6_TCLASS))
		return &inet->service;
	if ((level == LEVEL_IP && name == IP_TTL) ||
	    (level == LEVEL_IPV6 && name == IPV6_UNICAST_HOPS))
		return &inet->hops;
	return NULL;
}

/* What Linux would refuse, also where there is no stream to ask. */
static bool is_sane(u32 option, s32 value)
{
	switch (option) {
	case DK_SOCKET_KEEPALIVE_IDLE:
	case DK_SOCKET_KEEPALIVE_INTERVAL:
		return value >= 1 && value <= 32767;
	case DK_SOCKET_KEEPALIVE_COUNT:
		return value >= 1 && value <= 127;
	case DK_SOCKET_SEGMENT_SIZE:
		return !value || (value >= 88 && value <= 32767);
	case DK_SOCKET_USER_TIMEOUT:
		return value >= 0;
	}
	return true;
}

long inet_set_option(struct socket *socket, int level, int name,
		     const int *value, u32 length)
{
	struct inet *inet = inet_of(socket);
	struct dk_socket_option o = { option_of(level, name), value[0] };
	u8 *byte = remembered(inet, level, name);
	long r = 0;
	int wish;

	if (byte) {
		r = inet_packet_value(level, value, length, &wish);
		if (!r)
			r = inet_packet_option(level, name,
					       byte == &inet->hops ? INET_HOPS :
								     0,
					       &wish);
		if (r)
			return r;
		/* Congestion is TCP's own to tell. */
		if (byte == &inet->service)
			wish &= ~SERVICE_CONGESTION;
		*byte = wish;
		return 0;
	}
	if (!o.option)
		return -ENOPROTOOPT;
	if (length < sizeof(int) || (name == SO_LINGER && level == SOL_SOCKET &&
				     length < 2 * sizeof(int)))
		return -EINVAL;
	if (level == SOL_SOCKET && name == SO_LINGER)
		o.value = value[0] ? (s32)MIN((u32)value[1], INT32_MAX / 1000) :
				     -1;
	if (!is_sane(o.option, o.value))
		return -EINVAL;
	lock_acquire(&inet->lock);
	if (o.option == DK_SOCKET_ONLY_IPV6) {
		if (socket->family != AF_INET6)
			r = -ENOPROTOOPT;
		else if (inet->state != INET_NEW)
			r = -EINVAL;
		else
			inet->only6 = value[0];
	} else {
		note(inet, &o);
		if (inet->handle)
			r = inet_control(inet->handle, DK_CONTROL_SET_SOCKET,
					 &o, sizeof(o));
		else if (level == SOL_SOCKET &&
			 (name == SO_SNDBUF || name == SO_RCVBUF))
			r = -ENOPROTOOPT; /* socket_option.c keeps them, too */
	}
	lock_release(&inet->lock);
	return r;
}

/* Of a connection, once. */
static int take_error(struct inet *inet)
{
	dk_s64 error = 0;
	long r = 0;

	lock_acquire(&inet->lock);
	if (inet->state == INET_CONNECTING)
		r = inet_connect_result(inet);
	else if (inet->handle)
		inet_control(inet->handle, DK_CONTROL_ERROR, &error,
			     sizeof(error));
	lock_release(&inet->lock);
	if (r == -EALREADY)
		r = 0;
	if (error)
		r = errno_of(error);
	if (!r)
		r = -__atomic_exchange_n(&inet->socket.error, 0,
					 __ATOMIC_SEQ_CST);
	return -r;
}

long inet_get_option(struct socket *socket, int level, int name, int *value)
{
	struct inet *inet = inet_of(socket);
	struct dk_socket_option o = { option_of(level, name) };
	u8 *byte = remembered(inet, level, name);
	long r = 0;

	if (level == SOL_SOCKET && name == SO_ERROR) {
		*value = take_error(inet);
		return 0;
	}
	if (byte) {
		*value = *byte;
		return 0;
	}
	if (!o.option)
		return -ENOPROTOOPT;
	lock_acquire(&inet->lock);
	if (o.option == DK_SOCKET_ONLY_IPV6)
		o.value = inet->only6;
	else if (inet->handle)
		r = inet_control(inet->handle, DK_CONTROL_GET_SOCKET, &o,
				 sizeof(o));
	else if (level == SOL_SOCKET &&
		 (name == SO_SNDBUF || name == SO_RCVBUF))
		r = -ENOPROTOOPT; /* socket_option.c has the defaults */
	else
		o.value = inet_option_noted(inet, o.option);
	lock_release(&inet->lock);
	value[0] = o.value;
	if (!r && o.option == DK_SOCKET_LINGER) {
		value[0] = o.value >= 0;
		value[1] = MAX(o.value, 0);
	}
	return r;
}
