// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Names of hosts, and the interfaces.
 *
 * names NAME...	what getaddrinfo() says to each
 * names		interfaces, netlink, and sockets of datagrams, as far as
 *			every system has the same
 */
#include "linux_test.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void show(const char *name, int family, int flags)
{
	struct addrinfo hints = { .ai_family = family,
				  .ai_flags = flags,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found, *one;
	char text[100];
	int error = getaddrinfo(name, "80", &hints, &found);

	printf("%s, family %d, flags %d:", name, family, flags);
	if (error) {
		printf(" %s\n", gai_strerror(error));
		return;
	}
	for (one = found; one; one = one->ai_next) {
		getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof(text),
			    NULL, 0, NI_NUMERICHOST);
		printf(" %s", text);
	}
	printf("\n");
	freeaddrinfo(found);
}

static void interfaces(void)
{
	struct ifaddrs *all, *one;
	int four = 0, six = 0, links = 0, s;
	struct ifreq request = { 0 };
	char name[IF_NAMESIZE];

	TRY(getifaddrs(&all));
	for (one = all; one; one = one->ifa_next) {
		struct sockaddr_in *in = (void *)one->ifa_addr;
		struct sockaddr_in6 *in6 = (void *)one->ifa_addr;

		if (strcmp(one->ifa_name, "lo"))
			continue;
		CHECK(!!(one->ifa_flags & IFF_LOOPBACK));
		if (!one->ifa_addr)
			continue;
		links += one->ifa_addr->sa_family == AF_PACKET;
		four += one->ifa_addr->sa_family == AF_INET &&
			in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
		six += one->ifa_addr->sa_family == AF_INET6 &&
		       IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	}
	freeifaddrs(all);
	CHECK(links);
	CHECK(four);
	CHECK(six);
	CHECK(if_nametoindex("lo"));
	CHECK(if_nametoindex("no such"));
	CHECK(!strcmp(if_indextoname(1, name) ?: "", "lo"));
	s = socket(AF_INET, SOCK_STREAM, 0);
	strcpy(request.ifr_name, "lo");
	TRY(ioctl(s, SIOCGIFADDR, &request));
	CHECK(((struct sockaddr_in *)&request.ifr_addr)->sin_addr.s_addr ==
	      htonl(INADDR_LOOPBACK));
	strcpy(request.ifr_name, "no such");
	TRY(ioctl(s, SIOCGIFFLAGS, &request));
	TRY(ioctl(s, SIOCGIFINDEX, (void *)8));
	close(s);
}

static void datagrams(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(53) },
			   own;
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), value;
	socklen_t length = sizeof(own);
	struct pollfd p = { s, POLLIN | POLLOUT, 0 };
	char byte;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	TRY(send(s, "x", 1, 0));
	TRY(getpeername(s, (void *)&own, &length));
	TRY(recv(s, &byte, 1, 0));
	TRY(poll(&p, 1, 0));
	CHECK(p.revents);
	TRY(connect(s, (void *)&to, sizeof(to)));
	TRY(getsockname(s, (void *)&own, &length));
	CHECK(own.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	CHECK(own.sin_port != 0);
	TRY(getpeername(s, (void *)&own, &length));
	CHECK(own.sin_port == htons(53));
	TRY(listen(s, 1));
	TRY(accept(s, NULL, NULL));
	length = sizeof(value);
	TRY(getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &length));
	CHECK(value);
	TRY(getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &value, &length));
	CHECK(value);
	TRY(connect(s, (void *)&to, 3));
	to.sin_family = AF_UNSPEC;
	TRY(connect(s, (void *)&to, sizeof(to)));
	TRY(send(s, "x", 1, 0));
	close(s);
	TRY(socket(AF_NETLINK, SOCK_STREAM, 0));
	TRY(socket(AF_INET, SOCK_DGRAM, 6));
	TRY(socket(AF_INET6, SOCK_STREAM, 17));
}

int main(int argc, char **argv)
{
	int i;

	if (argc == 1) {
		interfaces();
		datagrams();
	}
	for (i = 1; i < argc; i++) {
		show(argv[i], AF_UNSPEC, 0);
		show(argv[i], AF_INET, AI_ADDRCONFIG);
		show(argv[i], AF_INET6, 0);
		show(argv[i], AF_UNSPEC, AI_NUMERICHOST);
	}
	return 0;
}
