// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * UDP: what goes with a message beside its data: addresses of this side, limits
 * of hops, traffic classes. datagram.h has the whole.
 */
#include "datagram.h"

#include "interfaces.h"

struct in_info { /* struct in_pktinfo */
	int interface;
	u8 own[4], to[4];
};

struct in6_info { /* struct in6_pktinfo */
	u8 to[16];
	int interface;
};

/* ---- sending ---- */

/* Of an int, or (@byte) of a byte; -1 is the default, where @least allows it. */
static long number_get(const void *from, size_t length, bool byte, bool four,
		       int least, struct internet_field *field)
{
	u8 small;
	int value;

	if (byte && length == sizeof(small)) {
		if (user_read(&small, from, sizeof(small)))
			return -EFAULT;
		value = small;
	} else if (length != sizeof(value)) {
		return -EINVAL;
	} else if (user_read(&value, from, sizeof(value))) {
		return -EFAULT;
	}
	if (value < least || value > 255)
		return -EINVAL;
	field->is_set = value >= 0;
	field->four = four;
	field->value = value;
	return 0;
}

static long source_get(struct internet *internet, const void *from,
		       size_t length, bool four)
{
	struct endpoint own;
	struct in_info info;
	struct in6_info info6;

	endpoint_make_any(&own, four ? AF_INET : AF_INET6);
	if (four) {
		if (length != sizeof(info))
			return -EINVAL;
		if (user_read(&info, from, sizeof(info)))
			return -EFAULT;
		memcpy(own.address + 12, info.own, 4);
	} else {
		if (length < sizeof(info6))
			return -EINVAL;
		if (user_read(&info6, from, sizeof(info6)))
			return -EFAULT;
		memcpy(own.address, info6.to, 16);
	}
	if (endpoint_is_any(&own))
		return 0;
	if (!endpoint_is_here(&own))
		return four ? -ENETUNREACH : -EINVAL;
	memcpy(internet->here, own.address, 16);
	internet->has_here = true;
	return 0;
}

long datagram_control_get(struct socket *socket, struct transfer *transfer,
			  int level, int type, const void *from, size_t length)
{
	bool six = socket->family == AF_INET6;
	struct internet *internet = &transfer->internet;

	switch (level) {
	case LEVEL_IP:
		switch (type) {
		case IP_TTL:
			return number_get(from, length, false, true, 1,
					  &internet->hops);
		case IP_TOS:
			return number_get(from, length, true, true, 0,
					  &internet->class);
		case IP_PKTINFO:
			return source_get(internet, from, length, true);
		}
		/* Perhaps it is not sent by IPv4. */
		return six ? 0 : -EINVAL;
	case LEVEL_IPV6:
		if (!six)
			return 0;
		switch (type) {
		case IPV6_HOPLIMIT:
			return number_get(from, length, false, false, -1,
					  &internet->hops);
		case IPV6_TCLASS:
			return number_get(from, length, false, false, -1,
					  &internet->class);
		case IPV6_PKTINFO:
			return source_get(internet, from, length, false);
		case IPV6_DONTFRAG: /* nothing is */
			return 0;
		}
		return -EINVAL;
	case LEVEL_UDP: /* one message as several */
		return -EINVAL;
	}
	return 0;
}

/* ---- receiving ---- */

/* The interface that has @address. */
static int interface_of(const u8 *address, bool four)
{
	const struct interface *eth = &interfaces[1];
	bool there = four ? !memcmp(address + 12, eth->four, 4) :
			    !memcmp(address, eth->six, 16);

	return interfaces[there].index;
}

static bool put_number(struct user_msghdr *message, int level, int type,
		       int value)
{
	return control_attach(message, level, type, &value, sizeof(value));
}

static bool put_four(struct datagram *d, const struct internet *i,
		     struct user_msghdr *message)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = __builtin_bswap16(i->port),
	};
	struct in_info info = { .interface = interface_of(i->here, true) };
	bool whole = true;

	memcpy(info.own, i->here + 12, 4);
	memcpy(info.to, i->here + 12, 4);
	memcpy(&to.sin_addr, i->here + 12, 4);
	if (datagram_wish(d, LEVEL_IP, IP_PKTINFO))
		whole &= control_attach(message, LEVEL_IP, IP_PKTINFO, &info,
					sizeof(info));
	if (datagram_wish(d, LEVEL_IP, IP_RECVTTL))
		whole &= put_number(message, LEVEL_IP, IP_TTL, i->hops.value);
	if (datagram_wish(d, LEVEL_IP, IP_RECVTOS))
		whole &= control_attach(message, LEVEL_IP, IP_TOS,
					&i->class.value, 1);
	if (datagram_wish(d, LEVEL_IP, IP_RECVORIGDSTADDR))
		whole &= control_attach(message, LEVEL_IP, IP_RECVORIGDSTADDR,
					&to, sizeof(to));
	return whole;
}

static bool put_six(struct datagram *d, const struct internet *i,
		    struct user_msghdr *message)
{
	bool whole = true;

	if (datagram_wish(d, LEVEL_IPV6, IPV6_RECVHOPLIMIT))
		whole &= put_number(message, LEVEL_IPV6, IPV6_HOPLIMIT,
				    i->hops.value);
	if (datagram_wish(d, LEVEL_IPV6, IPV6_RECVTCLASS))
		whole &= put_number(message, LEVEL_IPV6, IPV6_TCLASS,
				    i->class.value);
	return whole;
}

bool datagram_control_put(struct socket *socket, struct transfer *transfer,
			  struct user_msghdr *message)
{
	const struct internet *i = &transfer->internet;
	struct datagram *d = datagram_of(socket);
	struct endpoint to = { .port = 0 };
	struct in6_info info;
	bool four, whole = true;

	if (!i->has_here)
		return true;
	memcpy(to.address, i->here, sizeof(to.address));
	four = endpoint_is_four(&to);
	if (datagram_wish(d, LEVEL_IPV6, IPV6_RECVPKTINFO)) {
		info.interface = interface_of(i->here, four);
		memcpy(info.to, i->here, sizeof(info.to));
		whole = control_attach(message, LEVEL_IPV6, IPV6_PKTINFO, &info,
				       sizeof(info));
	}
	return (four ? put_four(d, i, message) : put_six(d, i, message)) &&
	       whole;
}
