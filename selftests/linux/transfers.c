// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What sockets are asked besides their data: options that they have not, queues
 * of errors; and what a splice to a full one does with its data.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

static void options_of(int family, int type)
{
	static const struct {
		int level, name;
	} options[] = {
		{ IPPROTO_TCP, 999 },	    { IPPROTO_TCP, TCP_NODELAY },
		{ IPPROTO_IP, 999 },	    { IPPROTO_IP, IP_TOS },
		{ IPPROTO_IP, IP_TTL },	    { IPPROTO_IPV6, 999 },
		{ IPPROTO_UDP, 999 },	    { SOL_SOCKET, 999 },
		{ IPPROTO_IP, IP_RECVTTL }, { 777, 1 },
	};
	int fd = socket(family, type, 0), value = 1;
	socklen_t length;
	size_t i;

	printf("family %d, type %d\n", family, type);
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		/* What TCP has of IP's is not all here. */
		if (options[i].name == IP_RECVTTL && type != SOCK_DGRAM)
			continue;
		printf("%d %d\n", options[i].level, options[i].name);
		value = 1;
		length = sizeof(value);
		TRY(setsockopt(fd, options[i].level, options[i].name, &value,
			       sizeof(value)));
		value = 0;
		if (!TRY(getsockopt(fd, options[i].level, options[i].name,
				    &value, &length))) {
			CHECK(value);
			CHECK(length);
		}
	}
	close(fd);
}

static void errors(void)
{
	char data[8], control[64];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	int one = 1;

	TRY(recvmsg(tcp, &m, MSG_ERRQUEUE));
	TRY(recv(tcp, data, sizeof(data), MSG_ERRQUEUE | MSG_DONTWAIT));
	TRY(setsockopt(udp, IPPROTO_IP, IP_RECVERR, &one, sizeof(one)));
	TRY(recvmsg(udp, &m, MSG_ERRQUEUE));
	close(tcp);
	close(udp);
}

/* Sent or refused, but nothing else comes of it. */
static void rights(int family, int type, int protocol)
{
	char control[CMSG_SPACE(sizeof(int))] = "", data[8];
	struct iovec iov = { "text", 4 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fd = socket(family, type, protocol), s[2];
	long r, came = 0;

	(void)!socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	r = sendmsg(s[0], &m, 0);
	SHOW("sent or refused", r == 4 || (r < 0 && errno == EINVAL));
	TRY(send(s[0], "more", 4, 0));
	while (recv(s[1], data, sizeof(data), MSG_DONTWAIT) == 4)
		came++;
	SHOW("more has come", came - (r == 4));
	CHECK(!memcmp(data, "more", 4));
	SHOW("is open", fcntl(fd, F_GETFD) >= 0);
	close(fd);
	close(s[0]);
	close(s[1]);
}

/* What the socket does not take, stays in the pipe. */
static void full(void)
{
	static char block[4096];
	int s[2], p[2];
	char data[16];

	(void)!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, s);
	(void)!pipe2(p, O_NONBLOCK);
	while (write(s[0], block, sizeof(block)) > 0)
		;
	TRY(write(p[1], "in the pipe", 11));
	TRY(splice(p[0], NULL, s[0], NULL, 11, 0));
	TRY(splice(p[0], NULL, s[0], NULL, 11, SPLICE_F_NONBLOCK));
	while (read(s[1], block, sizeof(block)) > 0)
		;
	TRY(splice(p[0], NULL, s[0], NULL, 6, 0));
	TRY(read(s[1], data, sizeof(data)));
	TRY(read(p[0], data, sizeof(data)));
	CHECK(!memcmp(data, " pipe", 5));
	TRY(splice(p[0], NULL, s[0], NULL, 6, 0));
	TRY(write(p[1], "12345678", 8));
	TRY(splice(s[1], NULL, p[1], NULL, 8, 0));
	TRY(splice(p[0], NULL, s[1], NULL, 100, 0));
	TRY(read(s[0], data, sizeof(data)));
}

int main(void)
{
	options_of(AF_UNIX, SOCK_STREAM);
	options_of(AF_INET, SOCK_STREAM);
	options_of(AF_INET, SOCK_DGRAM);
	options_of(AF_INET6, SOCK_STREAM);
	options_of(AF_INET6, SOCK_DGRAM);
	errors();
	rights(AF_INET, SOCK_DGRAM, 0);
	rights(AF_INET6, SOCK_DGRAM, 0);
	rights(AF_NETLINK, SOCK_RAW, 0);
	rights(AF_INET, SOCK_STREAM, 0);
	full();
	return 0;
}
