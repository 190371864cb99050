// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * A TCP name that a program opened, as a rule that allows it.
 *
 * A name has options behind its port, and maybe the number of an interface in
 * its address; a rule has neither. And the kernel asks the rules of a name for
 * the address that will be used: an IPv4 address that was written as an IPv6
 * one is an IPv4 address, and a client of 0.0.0.0 or :: gets to the host.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picoexec.h"

static bool is_zero(const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

/* @address of @family as it stands in a rule; @bytes have room for both. */
static char *address_text(int family, unsigned char *bytes, bool client)
{
	char text[INET6_ADDRSTRLEN];

	if (family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED((struct in6_addr *)bytes)) {
		family = AF_INET;
		memmove(bytes, bytes + 12, 4);
	}
	if (client && is_zero(bytes, family == AF_INET ? 4 : 16))
		return xstrdup(family == AF_INET ? "127.0.0.1" : "[::1]");
	inet_ntop(family, bytes, text, sizeof(text));
	return family == AF_INET ? xstrdup(text) : xprintf("[%s]", text);
}

char *learn_tcp_rule(const char *uri)
{
	const char *host = strchr(uri, ':') + 1;
	bool six = *host == '[';
	size_t length = strcspn(host + six, six ? "]%" : ":");
	size_t end = six ? strcspn(host, "]") + 1 : length;
	char *text = xprintf("%.*s", (int)length, host + six);
	unsigned char bytes[16] = { 0 };
	char *address, *rule;

	/* What was opened was an address; any other is left as it is. */
	if (inet_pton(six ? AF_INET6 : AF_INET, text, bytes) != 1) {
		free(text);
		return xstrdup(uri);
	}
	free(text);
	address = address_text(six ? AF_INET6 : AF_INET, bytes,
			       !strncmp(uri, "tcp.client:", 11));
	rule = xprintf("%.*s%s%.*s", (int)(host - uri), uri, address,
		       (int)strcspn(host + end, "?"), host + end);
	free(address);
	return rule;
}
