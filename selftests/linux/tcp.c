// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * TCP over the loopback interface: servers and clients in one process, and in
 * two.
 */
#include "linux_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

static struct sockaddr_in here;
static struct sockaddr_in6 here6;

static void *echo(void *arg)
{
	static char block[65536];
	int s = *(int *)arg;
	long r, sum = 0;

	while ((r = read(s, block, sizeof(block))) > 0) {
		long at = 0, w;

		while (at < r && (w = write(s, block + at, r - at)) > 0)
			at += w;
		sum += r;
	}
	shutdown(s, SHUT_WR);
	return (void *)sum;
}

static int listening(int family, int flags)
{
	int s = socket(family, SOCK_STREAM | flags, 0), one = 1;
	socklen_t length = sizeof(here);

	TRY(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	if (family == AF_INET) {
		here.sin_family = AF_INET;
		here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		here.sin_port = 0;
		TRY(bind(s, (void *)&here, sizeof(here)));
		TRY(getsockname(s, (void *)&here, &length));
		CHECK(ntohs(here.sin_port) > 0);
		CHECK(ntohl(here.sin_addr.s_addr) == INADDR_LOOPBACK);
	} else {
		here6.sin6_family = AF_INET6;
		here6.sin6_addr = in6addr_loopback;
		here6.sin6_port = 0;
		TRY(bind(s, (void *)&here6, sizeof(here6)));
		length = sizeof(here6);
		TRY(getsockname(s, (void *)&here6, &length));
		CHECK(ntohs(here6.sin6_port) > 0);
	}
	TRY(listen(s, 8));
	return s;
}

static void simple(void)
{
	static char block[200000], back[200000];
	struct iovec iov[2] = { { block, 1000 }, { block + 1000, 2000 } };
	socklen_t length = sizeof(struct sockaddr_in);
	int s = listening(AF_INET, 0), c, a, n, value = 0;
	struct sockaddr_in peer, own;
	pthread_t thread;
	void *sum;
	long i, got;

	c = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	TRY(read(c, block, 1));
	TRY(getpeername(c, (void *)&peer, &length));
	value = 1;
	TRY(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)));
	TRY(connect(c, (void *)&here, sizeof(here)));
	length = sizeof(value);
	value = 0;
	TRY(getsockopt(c, IPPROTO_TCP, TCP_NODELAY, &value, &length));
	CHECK(value);
	TRY(connect(c, (void *)&here, sizeof(here)));
	length = sizeof(peer);
	a = accept4(s, (void *)&peer, &length, SOCK_CLOEXEC);
	CHECK(a >= 0);
	CHECK(length);
	length = sizeof(own);
	getsockname(c, (void *)&own, &length);
	CHECK(own.sin_port == peer.sin_port);
	length = sizeof(peer);
	TRY(getpeername(c, (void *)&peer, &length));
	CHECK(peer.sin_port == here.sin_port);
	pthread_create(&thread, NULL, echo, &a);
	for (i = 0; i < (long)sizeof(block); i++)
		block[i] = i * 7 + i / 256;
	TRY(writev(c, iov, 2));
	TRY(recv(c, back, 3000, MSG_WAITALL));
	CHECK(!memcmp(block, back, 3000));
	TRY(send(c, "peek at me", 10, 0));
	TRY(recv(c, back, 4, MSG_PEEK));
	TRY(recv(c, back, 10, MSG_WAITALL));
	CHECK(!memcmp(back, "peek at me", 10));
	TRY(recv(c, back, 10, MSG_DONTWAIT));
	for (i = 0; i < 3; i++) {
		for (got = 0, n = 0; n < (int)sizeof(block);) {
			long w = send(c, block + n,
				      sizeof(block) - n > 50000 ?
					      50000 :
					      sizeof(block) - n,
				      0);

			n += w;
			got += recv(c, back + got, w, MSG_WAITALL);
		}
		CHECK(!memcmp(block, back, sizeof(block)));
	}
	TRY(shutdown(c, SHUT_WR));
	TRY(read(c, back, 1));
	pthread_join(thread, &sum);
	SHOW("echoed", sum);
	close(a);
	close(c);
	close(s);
}

static void ready(void)
{
	int s = listening(AF_INET, SOCK_NONBLOCK), c, a, epoll, value;
	struct epoll_event event = { .events = EPOLLIN };
	struct timeval tv = { 0, 30000 };
	socklen_t length = sizeof(value);
	struct pollfd p;
	char byte;

	TRY(accept(s, NULL, NULL));
	p = (struct pollfd){ .fd = s, .events = POLLIN };
	TRY(poll(&p, 1, 10));
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	/* Also where it is known at once. */
	TRY(connect(c, (void *)&here, sizeof(here)));
	p.fd = c;
	p.events = POLLOUT;
	TRY(poll(&p, 1, 5000));
	TRY(getsockopt(c, SOL_SOCKET, SO_ERROR, &value, &length));
	CHECK(value);
	TRY(connect(c, (void *)&here, sizeof(here)));
	TRY(connect(c, (void *)&here, sizeof(here)));
	epoll = epoll_create1(0);
	TRY(epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event));
	TRY(epoll_wait(epoll, &event, 1, 5000));
	a = accept(s, NULL, NULL);
	CHECK(a >= 0);
	CHECK(fcntl(a, F_GETFL) & O_NONBLOCK);
	TRY(read(c, &byte, 1));
	p.events = POLLIN;
	TRY(poll(&p, 1, 10));
	TRY(write(a, "x", 1));
	TRY(poll(&p, 1, 5000));
	CHECK(p.revents);
	TRY(ioctl(c, FIONREAD, &value));
	CHECK(value);
	TRY(read(c, &byte, 1));
	fcntl(c, F_SETFL, 0);
	TRY(setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	TRY(read(c, &byte, 1));
	close(a);
	TRY(poll(&p, 1, 5000));
	CHECK(p.revents);
	TRY(read(c, &byte, 1));
	signal(SIGPIPE, SIG_IGN);
	(void)!write(c, "y", 1);
	sleep_ms(50);
	TRY(write(c, "y", 1));
	close(c);
	close(s);
	close(epoll);
	c = socket(AF_INET, SOCK_STREAM, 0);
	TRY(connect(c, (void *)&here, sizeof(here)));
	TRY(connect(c, (void *)&here, 3));
	here.sin_family = 99;
	TRY(connect(c, (void *)&here, sizeof(here)));
	TRY(listen(99, 1));
	TRY(shutdown(c, SHUT_RD));
	close(c);
	TRY(socket(AF_INET, SOCK_STREAM, 77));
	TRY(socket(AF_INET, 9, 0));
	TRY(socket(9999, SOCK_STREAM, 0));
}

/* Of packets: -1 is the default, and what is no byte is refused. */
static void six_options(int s)
{
	static const int names[] = { IPV6_TCLASS, IPV6_UNICAST_HOPS };
	socklen_t length = sizeof(int);
	int value;

	for (int i = 0; i < 2; i++) {
		for (int wish = -2; wish < 512; wish += 127) {
			SHOW("wish", wish);
			TRY(setsockopt(s, IPPROTO_IPV6, names[i], &wish,
				       sizeof(wish)));
			TRY(getsockopt(s, IPPROTO_IPV6, names[i], &value,
				       &length));
			CHECK(value);
		}
		TRY(setsockopt(s, IPPROTO_IPV6, names[i], &(int){ -1 }, 4));
		TRY(setsockopt(s, IPPROTO_IPV6, names[i], &(int){ 1 }, 1));
		TRY(getsockopt(s, IPPROTO_IPV6, names[i], &value, &length));
		CHECK(value);
	}
}

static void sixes(void)
{
	int s = listening(AF_INET6, 0), c, a;
	char buffer[8] = "";

	c = socket(AF_INET6, SOCK_STREAM, 0);
	six_options(c);
	TRY(connect(c, (void *)&here6, sizeof(here6)));
	a = accept(s, NULL, NULL);
	CHECK(a >= 0);
	TRY(send(a, "six", 3, 0));
	TRY(recv(c, buffer, 8, 0));
	CHECK(!strcmp(buffer, "six"));
	close(a);
	close(c);
	close(s);
}

/* Two ends of a connection; the listening socket is closed. */
static void joined(int ends[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(s, (void *)&address, sizeof(address)) || listen(s, 1) ||
	    getsockname(s, (void *)&address, &length))
		perror("server");
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(ends[0], (void *)&address, sizeof(address)))
		perror("connect");
	ends[1] = accept(s, NULL, NULL);
	close(s);
}

static void separate(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

/* What was written on the other side is there when poll() says so. */
static void await(int fd, int events)
{
	struct pollfd p = { fd, events, 0 };

	if (poll(&p, 1, 20000) != 1)
		printf("nothing came\n");
}

static volatile int pipe_signals, user_signals;

static void on_signal(int signal)
{
	if (signal == SIGPIPE)
		pipe_signals++;
	else
		user_signals++;
}

static void flags(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct iovec iov[2];
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	char buffer[64] = "";
	int ends[2], mark;

	joined(ends);
	TRY(recv(ends[0], buffer, 1, MSG_DONTWAIT));
	TRY(send(ends[1], "abcdefgh", 8, MSG_MORE));
	TRY(send(ends[1], "ij", 2, 0));
	await(ends[0], POLLIN);
	sleep_ms(20);
	TRY(recv(ends[0], buffer, 4, MSG_PEEK));
	TRY(recv(ends[0], buffer, 4, MSG_PEEK | MSG_WAITALL));
	CHECK(!memcmp(buffer, "abcd", 4));
	iov[0] = (struct iovec){ buffer, 3 };
	iov[1] = (struct iovec){ buffer + 10, 7 };
	TRY(recvmsg(ends[0], &message, MSG_WAITALL));
	CHECK(!memcmp(buffer, "abc", 3) && !memcmp(buffer + 10, "defghij", 7));
	CHECK(message.msg_flags);
	TRY(recv(ends[0], buffer, 4, MSG_PEEK | MSG_DONTWAIT));
	TRY(send(ends[1], "thrown away", 11, 0));
	await(ends[0], POLLIN);
	TRY(recv(ends[0], NULL, 7, MSG_TRUNC));
	TRY(recv(ends[0], buffer, 64, 0));
	CHECK(!memcmp(buffer, "away", 4));
	TRY(recv(ends[0], buffer, 1, MSG_OOB));
	TRY(send(ends[1], "ab!", 3, MSG_OOB));
	await(ends[0], POLLPRI);
	TRY(recv(ends[0], buffer, 1, MSG_OOB));
	CHECK(buffer[0] == '!');
	TRY(recv(ends[0], buffer, 64, 0));
	TRY(recv(ends[0], (void *)8, 64, MSG_DONTWAIT));
	TRY(send(ends[0], (void *)8, 64, 0));
	TRY(recvfrom(ends[0], buffer, 4, MSG_DONTWAIT, NULL, NULL));
	TRY(ioctl(ends[0], FIONBIO, &(int){ 1 }));
	TRY(read(ends[0], buffer, 1));
	TRY(ioctl(ends[0], FIONBIO, &(int){ 0 }));
	(void)mark;
	/* Half closed, then both. */
	sigaction(SIGPIPE, &action, NULL);
	TRY(shutdown(ends[0], SHUT_WR));
	TRY(write(ends[0], "x", 1));
	CHECK(pipe_signals);
	TRY(send(ends[0], "x", 1, MSG_NOSIGNAL));
	CHECK(pipe_signals);
	await(ends[1], POLLIN | POLLRDHUP);
	TRY(read(ends[1], buffer, 1));
	TRY(write(ends[1], "back", 4));
	await(ends[0], POLLIN);
	TRY(read(ends[0], buffer, 64));
	TRY(shutdown(ends[0], 7));
	separate(ends);
	signal(SIGPIPE, SIG_DFL);
	mark = socket(AF_INET, SOCK_STREAM, 0);
	TRY(send(mark, "x", 1, MSG_NOSIGNAL));
	TRY(recv(mark, buffer, 1, 0));
	TRY(shutdown(mark, SHUT_RDWR));
	TRY(accept(mark, NULL, NULL));
	close(mark);
}

static const struct {
	int level, name, value;
	const char *text;
} options[] = {
#define OPTION(level, name, value)        \
	{                                 \
		level, name, value, #name \
	}
	OPTION(SOL_SOCKET, SO_REUSEADDR, 1),
	OPTION(SOL_SOCKET, SO_REUSEPORT, 1),
	OPTION(SOL_SOCKET, SO_KEEPALIVE, 1),
	OPTION(SOL_SOCKET, SO_OOBINLINE, 1),
	OPTION(SOL_SOCKET, SO_PRIORITY, 3),
	OPTION(SOL_SOCKET, SO_RCVLOWAT, 3),
	OPTION(SOL_SOCKET, SO_TYPE, 1),
	OPTION(SOL_SOCKET, SO_DOMAIN, 1),
	OPTION(SOL_SOCKET, SO_PROTOCOL, 1),
	OPTION(SOL_SOCKET, SO_ERROR, 1),
	OPTION(SOL_SOCKET, SO_ACCEPTCONN, 1),
	OPTION(SOL_SOCKET, SO_BROADCAST, 1),
	OPTION(SOL_SOCKET, SO_DONTROUTE, 1),
	OPTION(SOL_SOCKET, 9999, 1),
	OPTION(IPPROTO_TCP, TCP_NODELAY, 1),
	OPTION(IPPROTO_TCP, TCP_CORK, 1),
	OPTION(IPPROTO_TCP, TCP_KEEPIDLE, 77),
	OPTION(IPPROTO_TCP, TCP_KEEPINTVL, 7),
	OPTION(IPPROTO_TCP, TCP_KEEPCNT, 5),
	OPTION(IPPROTO_TCP, TCP_KEEPCNT, 5000),
	OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT, 5000),
	OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT, -5),
	OPTION(IPPROTO_IP, IP_TOS, 8),
	OPTION(IPPROTO_IP, IP_TOS, -2),
	OPTION(IPPROTO_IP, IP_TOS, 300),
	OPTION(IPPROTO_IP, IP_TTL, 9),
	OPTION(IPPROTO_IP, IP_TTL, 0),
	OPTION(IPPROTO_IP, IP_TTL, 256),
	OPTION(IPPROTO_IP, IP_TTL, -2),
	OPTION(IPPROTO_IP, IP_TTL, -1),
	OPTION(IPPROTO_IPV6, IPV6_TCLASS, 8),
	OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 8),
};

static void options_of(int s)
{
	struct timeval tv = { 3, 500000 };
	struct linger linger = { 1, 5 };
	socklen_t length;
	size_t i;
	int value;

	for (i = 0; i < sizeof(options) / sizeof(*options); i++) {
		length = sizeof(value);
		value = -99;
		printf("%s: ", options[i].text);
		TRY(getsockopt(s, options[i].level, options[i].name, &value,
			       &length));
		SHOW("  before", value);
		TRY(setsockopt(s, options[i].level, options[i].name,
			       &options[i].value, sizeof(int)));
		getsockopt(s, options[i].level, options[i].name, &value,
			   &length);
		SHOW("  after", value);
	}
	TRY(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &value, 2));
	TRY(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, (void *)8, 4));
	TRY(setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	TRY(setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, 4));
	linger = (struct linger){ 0, 0 };
	length = sizeof(linger);
	TRY(getsockopt(s, SOL_SOCKET, SO_LINGER, &linger, &length));
	SHOW("linger", linger.l_onoff * 100 + linger.l_linger);
	linger.l_onoff = 0;
	TRY(setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	TRY(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	tv = (struct timeval){ 0, 0 };
	length = sizeof(tv);
	TRY(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, &length));
	SHOW("timeout", tv.tv_sec * 1000 + tv.tv_usec / 1000);
	value = 30000;
	TRY(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)));
	length = sizeof(value);
	TRY(getsockopt(s, SOL_SOCKET, SO_SNDBUF, &value, &length));
	SHOW("send buffer", value);
}

static void with_options(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), ends[2];

	options_of(s);
	close(s);
	joined(ends);
	options_of(ends[0]);
	separate(ends);
}

struct blocked {
	int fd;
	int kind;
	long result;
	int error;
};

static void *block(void *arg)
{
	static char large[1 << 22];
	struct blocked *b = arg;
	char byte;

	switch (b->kind) {
	case 0:
		b->result = recv(b->fd, &byte, 1, 0);
		break;
	case 1:
		b->result = accept(b->fd, NULL, NULL);
		break;
	case 2:
		b->result = send(b->fd, large, sizeof(large), MSG_NOSIGNAL);
		b->result = b->result > 0 ? 1 : b->result;
		break;
	case 3: {
		struct pollfd p = { b->fd, POLLIN, 0 };

		b->result = poll(&p, 1, -1);
		break;
	}
	}
	b->error = b->result < 0 ? errno : 0;
	return NULL;
}

static void show_blocked(const char *what, pthread_t thread, struct blocked *b)
{
	pthread_join(thread, NULL);
	printf("%s: %ld, errno %d\n", what, b->result, b->error);
}

/* A thread that waits is woken: by the other side, by shutdown, by a signal. */
static void woken(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct timeval tv = { 0, 50000 };
	struct blocked b;
	pthread_t thread;
	int ends[2], s;

	joined(ends);
	b = (struct blocked){ ends[0], 0 };
	pthread_create(&thread, NULL, block, &b);
	sleep_ms(50);
	TRY(write(ends[1], "w", 1));
	show_blocked("recv, written", thread, &b);
	pthread_create(&thread, NULL, block, &b);
	sleep_ms(50);
	TRY(shutdown(ends[0], SHUT_RD));
	show_blocked("recv, shut down", thread, &b);
	separate(ends);

	joined(ends);
	b = (struct blocked){ ends[0], 2 };
	pthread_create(&thread, NULL, block, &b);
	sleep_ms(100);
	close(ends[1]);
	show_blocked("send, other side closed", thread, &b);
	close(ends[0]);

	joined(ends);
	b = (struct blocked){ ends[0], 3 };
	pthread_create(&thread, NULL, block, &b);
	sleep_ms(50);
	TRY(write(ends[1], "p", 1));
	show_blocked("poll, written", thread, &b);
	TRY(recv(ends[0], &s, 1, 0));
	/* The description lives on while somebody uses it. */
	b = (struct blocked){ ends[0], 0 };
	pthread_create(&thread, NULL, block, &b);
	sleep_ms(50);
	close(ends[0]);
	TRY(write(ends[1], "c", 1));
	show_blocked("recv, closed here", thread, &b);
	close(ends[1]);

	s = listening(AF_INET, 0);
	b = (struct blocked){ s, 1 };
	pthread_create(&thread, NULL, block, &b);
	sleep_ms(50);
	TRY(shutdown(s, SHUT_RDWR));
	show_blocked("accept, shut down", thread, &b);
	close(s);

	sigaction(SIGUSR1, &action, NULL);
	joined(ends);
	b = (struct blocked){ ends[0], 0 };
	pthread_create(&thread, NULL, block, &b);
	sleep_ms(50);
	pthread_kill(thread, SIGUSR1);
	show_blocked("recv, signal", thread, &b);
	CHECK(user_signals);
	TRY(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	TRY(recv(ends[0], &s, 1, 0));
	TRY(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	b = (struct blocked){ ends[0], 2 };
	do {
		block(&b);
	} while (b.result > 0);
	printf("send, timeout: %ld, errno %d\n", b.result, b.error);
	separate(ends);
}

/* A connection in two processes. */
static void forked(void)
{
	int s = listening(AF_INET, 0), c, a, status;
	char buffer[16] = "";
	pid_t child;

	c = socket(AF_INET, SOCK_STREAM, 0);
	TRY(connect(c, (void *)&here, sizeof(here)));
	a = accept(s, NULL, NULL);
	TRY(send(a, "one for each", 12, 0));
	await(c, POLLIN);
	TRY(recv(c, buffer, 3, MSG_PEEK));
	child = fork();
	if (!child) {
		struct sockaddr_in peer;
		socklen_t length = sizeof(peer);
		long r = recv(c, buffer, 4, 0);

		if (r != 4 || memcmp(buffer, "one ", 4))
			_exit(1);
		if (getpeername(c, (void *)&peer, &length) ||
		    peer.sin_port != here.sin_port)
			_exit(2);
		close(c);
		close(a);
		/* The server is here, too. */
		a = accept(s, NULL, NULL);
		if (a < 0 || write(a, "child", 5) != 5)
			_exit(3);
		_exit(0);
	}
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	TRY(connect(s, (void *)&here, sizeof(here)));
	TRY(recv(s, buffer, 5, MSG_WAITALL));
	CHECK(!memcmp(buffer, "child", 5));
	waitpid(child, &status, 0);
	CHECK(status);
	TRY(recv(c, buffer, 8, MSG_WAITALL));
	CHECK(!memcmp(buffer, "for each", 8));
	/* The child has closed its own: the connection stands. */
	TRY(send(a, "x", 1, 0));
	TRY(recv(c, buffer, 1, 0));
	TRY(recv(s, buffer, 1, 0));
	close(s);
	close(a);
	close(c);
}

#define MANY 150

static void *write_late(void *arg)
{
	sleep_ms(60);
	return (void *)(write(*(int *)arg, "l", 1));
}

static int clients[MANY], served[MANY];

static void many_open(void)
{
	struct rlimit limit = { 1024, 1024 };
	int s = listening(AF_INET, 0), i;

	setrlimit(RLIMIT_NOFILE, &limit);
	listen(s, MANY);
	for (i = 0; i < MANY; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(clients[i], (void *)&here, sizeof(here)))
			perror("connect");
		served[i] = accept(s, NULL, NULL);
	}
	close(s);
}

/* All at once. */
static void many_close(void)
{
	int i, count = 0;
	char byte;

	for (i = 0; i < MANY; i++)
		close(clients[i]);
	for (i = 0; i < MANY; i++) {
		await(served[i], POLLRDHUP | POLLHUP);
		count += read(served[i], &byte, 1) == 0;
	}
	SHOW("at their end", count);
}

/* More than one wait of the host takes, by all ways of polling. */
static void many(void)
{
	static struct pollfd fds[MANY];
	pthread_t thread;
	int i, top = 0;
	fd_set set;
	char byte;

	many_open();
	FD_ZERO(&set);
	for (i = 0; i < MANY; i++) {
		fds[i] = (struct pollfd){ served[i], POLLIN, 0 };
		FD_SET(served[i], &set);
		if (served[i] > top)
			top = served[i];
	}
	TRY(poll(fds, MANY, 0));
	pthread_create(&thread, NULL, write_late, &clients[MANY - 1]);
	TRY(poll(fds, MANY, 20000));
	CHECK(fds[MANY - 1].revents);
	CHECK(fds[0].revents);
	TRY(read(served[MANY - 1], &byte, 1));
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, write_late, &clients[MANY / 2]);
	TRY(select(top + 1, &set, NULL, NULL, NULL));
	CHECK(FD_ISSET(served[MANY / 2], &set));
	CHECK(FD_ISSET(served[0], &set));
	pthread_join(thread, NULL);
	TRY(read(served[MANY / 2], &byte, 1));
	many_close();
	for (i = 0; i < MANY; i++)
		close(served[i]);
}

static void edges(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET },
			   events[MANY];
	pthread_t thread;
	int i, epoll;
	char byte;

	many_open();
	epoll = epoll_create1(0);
	for (i = 0; i < MANY; i++) {
		event.data.u32 = i;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, served[i], &event))
			perror("epoll_ctl");
	}
	TRY(epoll_wait(epoll, events, MANY, 0));
	pthread_create(&thread, NULL, write_late, &clients[7]);
	TRY(epoll_wait(epoll, events, MANY, 20000));
	CHECK(events[0].data.u32);
	CHECK(events[0].events);
	pthread_join(thread, NULL);
	/* Told once. */
	TRY(epoll_wait(epoll, events, MANY, 0));
	(void)!write(clients[7], "2", 1);
	TRY(epoll_wait(epoll, events, MANY, 20000));
	TRY(read(served[7], &byte, 1));
	TRY(epoll_wait(epoll, events, MANY, 0));
	event = (struct epoll_event){ EPOLLIN | EPOLLONESHOT, { .u32 = 8 } };
	TRY(epoll_ctl(epoll, EPOLL_CTL_MOD, served[8], &event));
	(void)!write(clients[8], "1", 1);
	TRY(epoll_wait(epoll, events, MANY, 20000));
	(void)!write(clients[8], "2", 1);
	TRY(epoll_wait(epoll, events, MANY, 20));
	TRY(epoll_ctl(epoll, EPOLL_CTL_MOD, served[8], &event));
	TRY(epoll_wait(epoll, events, MANY, 20000));
	CHECK(events[0].data.u32);
	event = (struct epoll_event){ EPOLLIN, { .u32 = 9 } };
	TRY(epoll_ctl(epoll, EPOLL_CTL_MOD, served[9], &event));
	(void)!write(clients[9], "1", 1);
	TRY(epoll_wait(epoll, events, MANY, 20000));
	TRY(epoll_wait(epoll, events, MANY, 20000));
	TRY(read(served[9], &byte, 1));
	TRY(epoll_wait(epoll, events, MANY, 0));
	many_close();
	TRY(epoll_wait(epoll, events, MANY, 0));
	for (i = 0; i < MANY; i++)
		close(served[i]);
	TRY(epoll_wait(epoll, events, MANY, 0));
	close(epoll);
}

/* Nobody listens, which is told later to who does not wait. */
static void refused(void)
{
	int s = listening(AF_INET, 0), c, value;
	socklen_t length = sizeof(value);
	struct pollfd p;

	close(s);
	for (int i = 0; i < 2; i++) {
		c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		TRY(connect(c, (void *)&here, sizeof(here)));
		p = (struct pollfd){ .fd = c, .events = POLLIN | POLLOUT };
		TRY(poll(&p, 1, 5000));
		SHOW("events", p.revents);
		if (i)
			TRY(connect(c, (void *)&here, sizeof(here)));
		for (int k = 0; k < 2; k++) {
			TRY(getsockopt(c, SOL_SOCKET, SO_ERROR, &value,
				       &length));
			SHOW("error", value);
		}
		/* What is left of it, and that it can be begun again. */
		p.events |= POLLRDHUP | POLLRDNORM | POLLWRNORM;
		TRY(poll(&p, 1, 0));
		SHOW("events", p.revents);
		TRY(recv(c, &value, sizeof(value), 0));
		TRY(send(c, &value, sizeof(value), MSG_NOSIGNAL));
		if (!i)
			TRY(listen(c, 1));
		for (int k = 0; k < 2; k++)
			TRY(connect(c, (void *)&here, sizeof(here)));
		TRY(poll(&p, 1, 5000));
		TRY(recv(c, &value, sizeof(value), 0));
		TRY(recv(c, &value, sizeof(value), 0));
		close(c);
	}
	c = socket(AF_INET, SOCK_STREAM, 0);
	for (int k = 0; k < 2; k++)
		TRY(connect(c, (void *)&here, sizeof(here)));
	TRY(recv(c, &value, sizeof(value), 0));
	TRY(send(c, &value, sizeof(value), MSG_NOSIGNAL));
	close(c);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {
		{ "simple", simple },	     { "ready", ready },
		{ "sixes", sixes },	     { "flags", flags },
		{ "options", with_options }, { "woken", woken },
		{ "forked", forked },	     { "many", many },
		{ "edges", edges },	     { "refused", refused },
	};
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (argc > 1 && strcmp(argv[1], parts[i].name))
			continue;
		printf("-- %s\n", parts[i].name);
		parts[i].run();
	}
	return 0;
}
