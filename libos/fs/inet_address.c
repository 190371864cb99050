// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Addresses of the Internet: the program's, the host's, and as a text.
 */
#include "inet.h"

long inet_check_address(struct inet *inet, const struct address *a)
{
	size_t least = inet->socket.family == AF_INET ?
			       sizeof(struct sockaddr_in) :
			       SOCKADDR_IN6_LEAST;

	if (a->length < least)
		return -EINVAL;
	if (a->family != inet->socket.family)
		return -EAFNOSUPPORT;
	return 0;
}

/* "1.2.3.4:80", "[...]:80" */
int inet_address_text(char *to, size_t size, const struct address *a)
{
	const struct sockaddr_in *in = (const void *)a->bytes;
	const struct sockaddr_in6 *in6 = (const void *)a->bytes;
	const u8 *b = (const u8 *)&in->sin_addr;
	int n, i;

	if (a->family == AF_INET)
		return snprintf(to, size, "%u.%u.%u.%u:%u", b[0], b[1], b[2],
				b[3], __builtin_bswap16(in->sin_port));
	b = in6->sin6_addr.s6_addr;
	n = snprintf(to, size, "[");
	for (i = 0; i < 16; i += 2)
		n += snprintf(to + n, size - n, i ? ":%x" : "%x",
			      b[i] << 8 | b[i + 1]);
	if (in6->sin6_scope_id)
		n += snprintf(to + n, size - n, "%%%u", in6->sin6_scope_id);
	return n + snprintf(to + n, size - n, "]:%u",
			    __builtin_bswap16(in6->sin6_port));
}

void inet_address_from(int family, const struct dk_address *from,
		       struct address *to)
{
	struct sockaddr_in *in = (void *)to->bytes;
	struct sockaddr_in6 *in6 = (void *)to->bytes;

	memset(to, 0, sizeof(*to));
	to->family = family;
	if (family == AF_INET) {
		to->length = sizeof(*in);
		in->sin_port = __builtin_bswap16(from->port);
		memcpy(&in->sin_addr, from->address, 4);
		return;
	}
	to->length = sizeof(*in6);
	in6->sin6_port = __builtin_bswap16(from->port);
	in6->sin6_scope_id = from->scope;
	if (from->family == 4) {
		in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
		memcpy(in6->sin6_addr.s6_addr + 12, from->address, 4);
	} else {
		memcpy(in6->sin6_addr.s6_addr, from->address, 16);
	}
}
