// SPDX-License-Identifier: GPL-2.0-only
/*
 * UDP among the processes of one sandbox, as over a machine's loopback network:
 * who gets a datagram and from whom, ports that are taken, peers, and what is
 * lost.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "rights.h"

union any {
	struct sockaddr sa;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static union any four(uint32_t address, int port)
{
	union any a = { .four = { .sin_family = AF_INET,
				  .sin_port = htons(port) } };

	a.four.sin_addr.s_addr = htonl(address);
	return a;
}

static union any six(const char *address, int port)
{
	union any a = { .six = { .sin6_family = AF_INET6,
				 .sin6_port = htons(port) } };

	memcpy(&a.six.sin6_addr, address, 16);
	return a;
}

#define LOOP4(port) four(INADDR_LOOPBACK, port)
#define ANY4(port) four(INADDR_ANY, port)
#define LOOP6(port) six((const char *)&in6addr_loopback, port)
#define ANY6(port) six((const char *)&in6addr_any, port)
#define MAPPED(port) six("\0\0\0\0\0\0\0\0\0\0\377\377\177\0\0\1", port)

static socklen_t size_of(const union any *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->four) : sizeof(a->six);
}

static long bind_to(int s, union any a)
{
	return bind(s, &a.sa, size_of(&a));
}

static long connect_to(int s, union any a)
{
	return connect(s, &a.sa, size_of(&a));
}

static long send_to(int s, const char *text, union any a)
{
	return sendto(s, text, strlen(text), 0, &a.sa, size_of(&a));
}

static int port_of(int s)
{
	socklen_t length = sizeof(union any);
	union any a;

	getsockname(s, &a.sa, &length);
	return ntohs(a.four.sin_port);
}

/* "text" from where, by the name that is known for its port. */
static void show_next(int s, int flags)
{
	char text[64] = "", host[64] = "";
	union any from = { .sa.sa_family = 0 };
	socklen_t length = sizeof(from);
	const uint8_t *b = (const uint8_t *)&from.four.sin_addr;
	long r;

	errno = 0;
	r = recvfrom(s, text, sizeof(text) - 1, flags, &from.sa, &length);
	if (r < 0) {
		SHOW("nothing", errno);
		return;
	}
	if (from.sa.sa_family == AF_INET) {
		sprintf(host, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
	} else {
		b = from.six.sin6_addr.s6_addr;
		for (int i = 0; i < 16; i++)
			sprintf(host + strlen(host), "%02x", b[i]);
	}
	printf("%ld bytes, \"%s\", from %s, %d\n", r, text, host, (int)length);
}

static int bound(union any a)
{
	int s = socket(a.sa.sa_family, SOCK_DGRAM, 0);

	if (bind_to(s, a))
		SHOW("bind", errno);
	return s;
}

static void plain(void)
{
	int s = bound(LOOP4(0)), t = socket(AF_INET, SOCK_DGRAM, 0), n = 0;
	struct pollfd p = { s, POLLIN | POLLOUT, 0 };
	union any to;
	char data[8];

	CHECK(port_of(s) > 0);
	CHECK(port_of(t));
	TRY(poll(&p, 1, 0));
	CHECK(p.revents);
	TRY(send_to(t, "hello", LOOP4(port_of(s))));
	CHECK(port_of(t) > 0);
	TRY(poll(&p, 1, 1000));
	CHECK(p.revents);
	TRY(ioctl(s, FIONREAD, &n));
	CHECK(n);
	show_next(s, MSG_PEEK);
	show_next(s, 0);
	/* Any address of the loopback network; and one that is none. */
	TRY(send_to(t, "there", four(0x7f000001, port_of(s))));
	TRY(send_to(t, "any", ANY4(port_of(s))));
	show_next(s, 0);
	show_next(s, 0);
	show_next(s, MSG_DONTWAIT);
	/* Nothing is a datagram, too. */
	TRY(send_to(t, "", LOOP4(port_of(s))));
	TRY(send_to(t, "12345678", LOOP4(port_of(s))));
	TRY(poll(&p, 1, 1000));
	show_next(s, 0);
	TRY(recv(s, data, 3, MSG_PEEK | MSG_TRUNC));
	TRY(recv(s, data, 3, 0));
	show_next(s, MSG_DONTWAIT);
	TRY(send_to(t, "x", LOOP4(0)));
	TRY(sendto(t, "x", 1, 0, NULL, 0));
	to = LOOP4(port_of(s));
	TRY(sendto(t, "x", 1, 0, &to.sa, 4));
	TRY(sendto(t, (void *)8, 1, 0, &to.sa, sizeof(to.four)));
	to = ANY6(1);
	TRY(sendto(t, "x", 1, 0, &to.sa, sizeof(to.six)));
	TRY(send_to(t, "end", LOOP4(port_of(s))));
	TRY(recv(s, (void *)8, 8, 0));
	TRY(bind_to(s, LOOP4(0)));
	TRY(bind_to(t, four(0x08080808, 0)));
	close(s);
	close(t);
}

static void large(void)
{
	static char data[65536], came[65536];
	int s = bound(LOOP4(0)), t = socket(AF_INET, SOCK_DGRAM, 0);
	union any to = LOOP4(port_of(s));
	long r = 0;
	int i;

	memset(data, 'x', sizeof(data));
	TRY(sendto(t, data, 65508, 0, &to.sa, sizeof(to.four)));
	TRY(sendto(t, data, 65507, 0, &to.sa, sizeof(to.four)));
	TRY(recv(s, came, sizeof(came), 0));
	CHECK(!memcmp(data, came, 65507));
	/* Nobody waits for who does not read. */
	for (i = 0; i < 2000 && r >= 0; i++)
		r = sendto(t, data, 1000, 0, &to.sa, sizeof(to.four));
	CHECK(i);
	for (i = 0; recv(s, came, sizeof(came), MSG_DONTWAIT) == 1000; i++)
		;
	SHOW("some were lost, some were not", i > 10 && i < 2000);
	TRY(send_to(t, "now", to));
	show_next(s, 0);
	close(s);
	close(t);
}

static void connected(void)
{
	int s = bound(LOOP4(0)), t = bound(LOOP4(0)), u = bound(LOOP4(0));
	struct pollfd p = { s, POLLIN, 0 };
	union any nobody, none = { .sa.sa_family = AF_UNSPEC };
	int error = 0, gone = bound(LOOP4(0));
	socklen_t length = sizeof(error);

	TRY(connect_to(s, LOOP4(port_of(t))));
	TRY(send(s, "to t", 4, 0));
	show_next(t, 0);
	TRY(send_to(u, "of another", LOOP4(port_of(s))));
	TRY(send_to(t, "of t", LOOP4(port_of(s))));
	TRY(send_to(s, "to u", LOOP4(port_of(u))));
	show_next(u, 0);
	show_next(s, 0);
	show_next(s, MSG_DONTWAIT);
	TRY(connect_to(s, LOOP4(port_of(u))));
	TRY(send_to(t, "of t", LOOP4(port_of(s))));
	TRY(send_to(u, "of u", LOOP4(port_of(s))));
	show_next(s, 0);
	TRY(connect(s, &none.sa, sizeof(none.sa)));
	TRY(send(s, "x", 1, 0));
	TRY(send_to(t, "of t", LOOP4(port_of(s))));
	show_next(s, 0);

	/* Who has gone refuses, which is told once. */
	nobody = LOOP4(port_of(gone));
	close(gone);
	TRY(send_to(s, "lost", nobody));
	TRY(send_to(s, "lost", nobody));
	TRY(connect_to(s, nobody));
	TRY(send(s, "lost", 4, 0));
	TRY(poll(&p, 1, 1000));
	CHECK(p.revents);
	show_next(s, MSG_DONTWAIT);
	show_next(s, MSG_DONTWAIT);
	TRY(send(s, "lost", 4, 0));
	TRY(send(s, "told", 4, 0));
	TRY(send(s, "lost", 4, 0));
	TRY(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &length));
	CHECK(error);
	TRY(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &length));
	CHECK(error);
	close(s);
	close(t);
	close(u);
}

/* What is not for a socket is not there, and touches nothing. */
static void strangers(void)
{
	int s = bound(LOOP4(0)), t = bound(LOOP4(0)), u = bound(LOOP4(0));
	struct pollfd p = { s, POLLIN, 0 };
	int n = -1, i, different = 0;
	char data[16];

	TRY(connect_to(s, LOOP4(port_of(t))));
	TRY(send_to(u, "a stranger's", LOOP4(port_of(s))));
	TRY(poll(&p, 1, 50));
	TRY(ioctl(s, FIONREAD, &n));
	CHECK(n);
	TRY(send_to(u, "a stranger's", LOOP4(port_of(s))));
	TRY(send_to(t, "peer", LOOP4(port_of(s))));
	TRY(poll(&p, 1, 1000));
	TRY(ioctl(s, FIONREAD, &n));
	CHECK(n);
	memset(data, '.', sizeof(data));
	TRY(recv(s, data, sizeof(data), 0));
	CHECK(!memcmp(data, "peer............", sizeof(data)));
	/* Another address of this side. */
	TRY(send_to(t, "elsewhere", four(0x7f000002, port_of(u))));
	memset(data, '.', sizeof(data));
	TRY(recv(u, data, sizeof(data), MSG_DONTWAIT));
	for (i = 0; i < (int)sizeof(data); i++)
		different += data[i] != '.';
	CHECK(different);
	/* The peer's error is not that of another. */
	close(t);
	TRY(send_to(s, "x", LOOP4(port_of(s))));
	TRY(recv(s, data, 1, MSG_DONTWAIT));
	close(s);
	close(u);
}

/* A family that is none. */
static void families(void)
{
	union any a = ANY4(0), to;
	int s = socket(AF_INET, SOCK_DGRAM, 0), six;
	int t = bound(LOOP4(0)), one = 1;

	a.sa.sa_family = AF_UNSPEC;
	TRY(bind(s, &a.sa, sizeof(a.four)));
	to = LOOP4(port_of(t));
	to.sa.sa_family = AF_UNSPEC;
	TRY(sendto(s, "x", 1, 0, &to.sa, sizeof(to.four)));
	show_next(t, 0);
	to.sa.sa_family = AF_UNIX;
	TRY(sendto(s, "x", 1, 0, &to.sa, sizeof(to.four)));
	six = socket(AF_INET6, SOCK_DGRAM, 0);
	TRY(sendto(six, "x", 1, 0, &to.sa, sizeof(to.six)));
	to.sa.sa_family = AF_UNSPEC;
	TRY(sendto(six, "x", 1, 0, &to.sa, sizeof(to.six)));
	close(six);
	six = socket(AF_INET6, SOCK_DGRAM, 0);
	TRY(setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	to = LOOP4(port_of(t));
	TRY(connect_to(six, to));
	close(s);
	close(t);
	close(six);
}

static void taken(const char *what, union any a, union any b, int option,
		  int option_too)
{
	int s = socket(a.sa.sa_family, SOCK_DGRAM, 0), one = 1, port;
	int t = socket(b.sa.sa_family, SOCK_DGRAM, 0);

	if (option)
		setsockopt(s, SOL_SOCKET, option, &one, sizeof(one));
	if (option_too)
		setsockopt(t, SOL_SOCKET, option_too, &one, sizeof(one));
	bind_to(s, a);
	port = port_of(s);
	b.four.sin_port = htons(port);
	SHOW(what, bind_to(t, b) ? errno : 0);
	close(t);
	close(s);
}

static void ports(void)
{
	int s = bound(LOOP4(0)), t, one = 1, port = port_of(s);

	taken("the same", LOOP4(0), LOOP4(0), 0, 0);
	taken("any", LOOP4(0), ANY4(0), 0, 0);
	taken("of any", ANY4(0), LOOP4(0), 0, 0);
	taken("both any", ANY4(0), ANY4(0), 0, 0);
	taken("of IPv6", LOOP4(0), LOOP6(0), 0, 0);
	taken("any of IPv6", ANY4(0), ANY6(0), 0, 0);
	taken("of any of IPv6", ANY6(0), ANY4(0), 0, 0);
	taken("both IPv6", LOOP6(0), LOOP6(0), 0, 0);
	taken("one may", LOOP4(0), LOOP4(0), 0, SO_REUSEADDR);
	taken("the other may", LOOP4(0), LOOP4(0), SO_REUSEADDR, 0);
	taken("both may", LOOP4(0), LOOP4(0), SO_REUSEADDR, SO_REUSEADDR);
	close(s);
	/* It can be had again, and the last one has it. */
	s = socket(AF_INET, SOCK_DGRAM, 0);
	t = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	TRY(bind_to(s, LOOP4(port)));
	TRY(bind_to(t, LOOP4(port)));
	TRY(send_to(s, "whose", LOOP4(port)));
	show_next(t, 0);
	show_next(s, MSG_DONTWAIT);
	close(s);
	close(t);
}

static void both_families(void)
{
	int s = bound(ANY6(0)), t = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
	int u = socket(AF_INET6, SOCK_DGRAM, 0), only;

	TRY(send_to(t, "four", LOOP4(port_of(s))));
	show_next(s, 0);
	TRY(send_to(u, "six", LOOP6(port_of(s))));
	show_next(s, 0);
	TRY(send_to(u, "mapped", MAPPED(port_of(s))));
	show_next(s, 0);
	TRY(send_to(s, "back", LOOP4(port_of(t))));
	TRY(send_to(s, "back", MAPPED(port_of(t))));
	show_next(t, 0);
	TRY(send_to(s, "back", LOOP6(port_of(u))));
	show_next(u, 0);
	only = socket(AF_INET6, SOCK_DGRAM, 0);
	TRY(setsockopt(only, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	TRY(bind_to(only, ANY6(0)));
	TRY(send_to(only, "x", MAPPED(port_of(s))));
	TRY(connect_to(only, MAPPED(port_of(s))));
	TRY(setsockopt(only, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
	TRY(send_to(t, "not for it", LOOP4(port_of(only))));
	show_next(only, MSG_DONTWAIT);
	TRY(send_to(u, "for it", LOOP6(port_of(only))));
	show_next(only, 0);
	close(s);
	close(t);
	close(u);
	close(only);
}

/* A server in another process; what a child binds is its parent's. */
static void processes(void)
{
	int s = bound(LOOP4(0)), t = socket(AF_INET, SOCK_DGRAM, 0), i;
	union any from;
	socklen_t length;
	char text[64];
	pid_t pid = fork();

	if (!pid) {
		bind_to(t, LOOP4(0));
		for (i = 0; i < 3; i++) {
			long r;

			length = sizeof(from);
			r = recvfrom(s, text, sizeof(text), 0, &from.sa,
				     &length);
			text[0] = '0' + i;
			sendto(s, text, r, 0, &from.sa, length);
		}
		_exit(0);
	}
	for (i = 0; i < 3; i++) {
		TRY(send_to(t, "_ times", LOOP4(port_of(s))));
		if (!i) /* the child has bound it by now, or does not have to */
			CHECK(port_of(t) > 0);
		show_next(t, 0);
	}
	waitpid(pid, NULL, 0);
	close(s);
	close(t);
}

static void rights(void)
{
	int s = bound(LOOP4(0)), t = socket(AF_INET, SOCK_DGRAM, 0), pair[2];
	int came;

	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	TRY(send_to(t, "waits", LOOP4(port_of(s))));
	TRY(pass(pair[0], s, "this"));
	came = take(pair[1], "this");
	CHECK(port_of(came) == port_of(s));
	close(s);
	show_next(came, 0);
	TRY(send_to(t, "comes", LOOP4(port_of(came))));
	show_next(came, 0);
	close(came);
	close(t);
	close(pair[0]);
	close(pair[1]);
}

static void nothing(int signal __attribute__((unused)))
{
}

static void *end_it(void *s)
{
	sleep_ms(100);
	shutdown(*(int *)s, SHUT_RDWR);
	return NULL;
}

static void waiting(void)
{
	struct sigaction action = { .sa_handler = nothing };
	struct timeval time = { 0, 20000 };
	int s = bound(LOOP4(0));
	pthread_t thread;
	char byte;

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	TRY(recv(s, &byte, 1, 0));
	time.tv_usec = 0;
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 0);
	TRY(recv(s, &byte, 1, 0));
	fcntl(s, F_SETFL, O_NONBLOCK);
	TRY(recv(s, &byte, 1, 0));
	fcntl(s, F_SETFL, 0);
	pthread_create(&thread, NULL, end_it, &s);
	TRY(recv(s, &byte, 1, 0));
	pthread_join(thread, NULL);
	TRY(shutdown(s, SHUT_RD));
	TRY(recv(s, &byte, 1, MSG_DONTWAIT));
	TRY(send_to(s, "x", LOOP4(port_of(s))));
	close(s);
}

static void many(void)
{
	struct iovec iov[4] = {
		{ "one", 3 }, { "two", 3 }, { "three", 5 }, { "four", 4 }
	};
	char came[4][16] = { "" };
	struct mmsghdr messages[4] = { 0 };
	int s = bound(LOOP4(0)), t = socket(AF_INET, SOCK_DGRAM, 0), i;

	connect_to(t, LOOP4(port_of(s)));
	for (i = 0; i < 4; i++) {
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	messages[3].msg_hdr.msg_iov = iov;
	messages[3].msg_hdr.msg_iovlen = 4;
	TRY(sendmmsg(t, messages, 4, 0));
	for (i = 0; i < 4; i++) {
		iov[i] = (struct iovec){ came[i], sizeof(came[i]) };
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	TRY(recvmmsg(s, messages, 4, MSG_WAITFORONE, NULL));
	for (i = 0; i < 4; i++)
		SHOW(came[i], messages[i].msg_len);
	close(s);
	close(t);
}

/* ---- what comes with a message ---- */

static char control[256];

static struct msghdr message_of(struct iovec *iov, union any *to, size_t room)
{
	struct msghdr m = { .msg_iov = iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = room };

	if (to) {
		m.msg_name = to;
		m.msg_namelen = size_of(to);
	}
	memset(control, 0, sizeof(control));
	return m;
}

static void show_controls(int s, size_t room)
{
	char data[16];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = message_of(&iov, NULL, room);
	struct cmsghdr *c;

	TRY(recvmsg(s, &m, 0));
	SHOW("flags", m.msg_flags);
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		size_t length = c->cmsg_len - CMSG_LEN(0);
		const unsigned char *b = CMSG_DATA(c);

		printf("level %d, type %d:", c->cmsg_level, c->cmsg_type);
		/* But for ports. */
		if (c->cmsg_type == IP_RECVORIGDSTADDR &&
		    c->cmsg_level == IPPROTO_IP)
			length = 2;
		for (size_t i = 0; i < length; i++)
			printf(" %02x", b[i]);
		printf("\n");
	}
	SHOW("room", m.msg_controllen);
}

static void send_control(int s, union any to, int level, int type,
			 const void *data, size_t length)
{
	struct iovec iov = { "data", 4 };
	struct msghdr m = message_of(&iov, &to, CMSG_SPACE(length));
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(c), data, length);
	TRY(sendmsg(s, &m, 0));
}

static void set(int s, int level, int name, int value)
{
	if (setsockopt(s, level, name, &value, sizeof(value)))
		SHOW("setsockopt", errno);
}

static void controls4(void)
{
	int s = bound(ANY4(0)), t = bound(LOOP4(0)), value;
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(0x08080808) };
	union any to = LOOP4(port_of(s));
	unsigned char class = 0x20;

	set(s, IPPROTO_IP, IP_PKTINFO, 1);
	set(s, IPPROTO_IP, IP_RECVTTL, 1);
	set(s, IPPROTO_IP, IP_RECVTOS, 1);
	set(s, IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
	TRY(send_to(t, "plain", to));
	show_controls(s, sizeof(control));
	set(t, IPPROTO_IP, IP_TTL, 7);
	set(t, IPPROTO_IP, IP_TOS, 0x10);
	set(t, IPPROTO_IP, IP_TTL, 0);
	set(t, IPPROTO_IP, IP_TTL, 256);
	TRY(send_to(t, "set", to));
	show_controls(s, sizeof(control));
	value = 9;
	send_control(t, to, IPPROTO_IP, IP_TTL, &value, sizeof(value));
	show_controls(s, sizeof(control));
	send_control(t, to, IPPROTO_IP, IP_TOS, &class, 1);
	show_controls(s, sizeof(control));
	value = 0;
	send_control(t, to, IPPROTO_IP, IP_TTL, &value, sizeof(value));
	send_control(t, to, IPPROTO_IP, IP_TTL, &value, 1);
	send_control(t, to, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	send_control(t, to, IPPROTO_IP, 99, &info, sizeof(info));
	TRY(recv(s, &value, 1, MSG_DONTWAIT));
	/* What is said of IPv6 does not count. */
	value = 8;
	send_control(t, to, IPPROTO_IPV6, IPV6_HOPLIMIT, &value, sizeof(value));
	show_controls(s, sizeof(control));
	info.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK);
	send_control(t, to, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	show_next(s, 0);
	close(s);
	close(t);
}

static void controls6(void)
{
	int s = bound(ANY6(0)), t = bound(LOOP6(0)), u = bound(LOOP4(0)), value;
	union any to = LOOP6(port_of(s));
	size_t room;

	set(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	set(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	set(s, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	TRY(send_to(t, "plain", to));
	show_controls(s, sizeof(control));
	value = 3;
	send_control(t, to, IPPROTO_IPV6, IPV6_HOPLIMIT, &value, sizeof(value));
	show_controls(s, sizeof(control));
	send_control(t, to, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
	show_controls(s, sizeof(control));
	value = -1;
	send_control(t, to, IPPROTO_IPV6, IPV6_HOPLIMIT, &value, sizeof(value));
	show_controls(s, sizeof(control));
	value = 3;
	send_control(t, to, IPPROTO_IP, IP_TTL, &value, sizeof(value));
	show_controls(s, sizeof(control));
	value = 256;
	send_control(t, to, IPPROTO_IPV6, IPV6_HOPLIMIT, &value, sizeof(value));
	set(t, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 5);
	set(t, IPPROTO_IPV6, IPV6_TCLASS, 6);
	TRY(send_to(t, "set", to));
	show_controls(s, sizeof(control));
	set(t, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1);
	set(t, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 300);
	TRY(send_to(t, "default", to));
	show_controls(s, sizeof(control));
	TRY(send_to(u, "of IPv4", LOOP4(port_of(s))));
	show_controls(s, sizeof(control));
	/* Cut off anywhere. */
	set(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, 0);
	for (room = 0; room <= CMSG_SPACE(4) + 4; room += 4) {
		send_to(t, "cut", to);
		show_controls(s, room);
	}
	close(s);
	close(t);
	close(u);
}

#ifndef UDPLITE_SEND_CSCOV
#define UDPLITE_SEND_CSCOV 10
#endif

/* Another protocol with ports of its own. */
static void lite(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), value = 3;
	int t = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), udp;
	socklen_t length = sizeof(value);

	TRY(bind_to(s, LOOP4(0)));
	TRY(send_to(t, "lite", LOOP4(port_of(s))));
	show_next(s, 0);
	udp = bound(LOOP4(port_of(s)));
	TRY(send_to(t, "lite", LOOP4(port_of(s))));
	show_next(udp, MSG_DONTWAIT);
	show_next(s, 0);
	TRY(setsockopt(s, IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV, &value, 4));
	TRY(getsockopt(s, IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV, &value,
		       &length));
	CHECK(value);
	TRY(setsockopt(udp, IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV, &value, 4));
	TRY(getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &value, &length));
	CHECK(value);
	close(s);
	close(t);
	close(udp);
}

int main(void)
{
	plain();
	large();
	connected();
	strangers();
	families();
	ports();
	both_families();
	processes();
	rights();
	waiting();
	many();
	controls4();
	controls6();
	lite();
	return 0;
}
