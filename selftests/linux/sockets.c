// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* AF_UNIX sockets: pairs, names, messages, files that are passed. */
#include "rights.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static char name[64];

static struct sockaddr_un address_of(const char *path, socklen_t *length)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	/* "@" stands for the zero of an abstract name. */
	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	*length = offsetof(struct sockaddr_un, sun_path) + strlen(path) +
		  (path[0] != '@');
	if (path[0] == '@')
		a.sun_path[0] = 0;
	return a;
}

static long take_all(int from, int *fds, int *count, char *text, size_t size,
		     size_t room, int flags)
{
	char control[256] = "";
	struct iovec iov = { text, size };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = room };
	long r = recvmsg(from, &m, flags);
	struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(&m);

	*count = 0;
	if (c && c->cmsg_type == SCM_RIGHTS) {
		*count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), *count * sizeof(int));
	}
	SHOW("  flags", r < 0 ? 0 : m.msg_flags & ~MSG_CMSG_CLOEXEC);
	return r;
}

/* One read, and the files that came with it. */
static long take_many(int from, int *fds, int *count, char *text, size_t size)
{
	char control[256] = "";
	struct iovec iov = { text, size };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	long r = recvmsg(from, &m, 0);
	struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(&m);

	*count = 0;
	if (c && c->cmsg_type == SCM_RIGHTS) {
		*count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), *count * sizeof(int));
	}
	return r;
}

static void streams(void)
{
	char buffer[64] = "";
	struct pollfd p;
	int s[2], n = 0;

	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	TRY(write(s[0], "hello ", 6));
	TRY(send(s[0], "world", 5, 0));
	TRY(ioctl(s[1], FIONREAD, &n));
	CHECK(n);
	TRY(recv(s[1], buffer, 3, MSG_PEEK));
	TRY(recv(s[1], buffer, sizeof(buffer), 0));
	CHECK(!memcmp(buffer, "hello world", 11));
	TRY(recv(s[1], buffer, 1, MSG_DONTWAIT));
	p = (struct pollfd){ .fd = s[1], .events = POLLIN | POLLOUT };
	TRY(poll(&p, 1, 0));
	CHECK(p.revents);
	TRY(write(s[0], "ab", 2));
	TRY(poll(&p, 1, 0));
	CHECK(p.revents);
	TRY(read(s[1], buffer, 1));
	TRY(shutdown(s[0], SHUT_WR));
	TRY(read(s[1], buffer, 5));
	TRY(read(s[1], buffer, 5));
	p.events |= POLLRDHUP;
	TRY(poll(&p, 1, 0));
	CHECK(p.revents);
	signal(SIGPIPE, SIG_IGN);
	TRY(write(s[0], "x", 1));
	TRY(write(s[1], "x", 1));
	close(s[0]);
	TRY(send(s[1], "x", 1, MSG_NOSIGNAL));
	TRY(shutdown(s[1], 7));
	close(s[1]);
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 5, s));
	TRY(socketpair(AF_UNIX, 9, 0, s));
	TRY(socketpair(12345, SOCK_STREAM, 0, s));
	TRY(socket(AF_INET, SOCK_RAW, 0));
	TRY(socket(AF_INET6, SOCK_RAW, 0));
	TRY(socket(AF_INET, SOCK_RAW, -1));
	TRY(socket(AF_INET, SOCK_STREAM, 300));
	TRY(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8));
	TRY(getsockname(0, NULL, NULL));
	TRY(connect(99, NULL, 0));
}

static void *writes(void *arg)
{
	static char block[100000];
	long i, sum = 0;

	for (i = 0; i < 20; i++)
		sum += write(*(int *)arg, block, sizeof(block));
	shutdown(*(int *)arg, SHUT_WR);
	return (void *)sum;
}

static void much(void)
{
	static char block[30000];
	pthread_t thread;
	long sum = 0, r;
	void *sent;
	int s[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pthread_create(&thread, NULL, writes, &s[0]);
	while ((r = recv(s[1], block, sizeof(block), MSG_WAITALL)) > 0)
		sum += r;
	pthread_join(thread, &sent);
	SHOW("sent", sent);
	SHOW("received", sum);
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	while ((r = write(s[1], block, sizeof(block))) > 0)
		;
	SHOW("full", errno);
	close(s[0]);
	close(s[1]);
}

static void datagrams(int type)
{
	char buffer[64] = "";
	struct iovec iov[2] = { { buffer, 2 }, { buffer + 2, 3 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	int s[2];

	TRY(socketpair(AF_UNIX, type, 0, s));
	TRY(send(s[0], "one", 3, 0));
	TRY(send(s[0], "", 0, 0));
	TRY(send(s[0], "longer than that", 16, 0));
	TRY(recv(s[1], buffer, sizeof(buffer), 0));
	TRY(recv(s[1], buffer, sizeof(buffer), 0));
	TRY(recv(s[1], buffer, 4, MSG_PEEK | MSG_TRUNC));
	TRY(recvmsg(s[1], &m, 0));
	CHECK(m.msg_flags);
	CHECK(!memcmp(buffer, "longe", 5));
	TRY(recv(s[1], buffer, 4, MSG_DONTWAIT));
	close(s[0]);
	if (type == SOCK_SEQPACKET)
		TRY(recv(s[1], buffer, 4, 0));
	close(s[1]);
}

static void files(void)
{
	int s[2], pipes[2], fds[8], count, sent[3];
	char buffer[64] = "";

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	(void)!pipe(pipes);
	TRY(pass_many(s[0], &pipes[1], 1, "file", 0));
	close(pipes[1]);
	TRY(take_all(s[1], fds, &count, buffer, 64, 256, MSG_CMSG_CLOEXEC));
	CHECK(count);
	CHECK(fcntl(fds[0], F_GETFD));
	TRY(write(fds[0], "through", 7));
	close(fds[0]);
	TRY(read(pipes[0], buffer, 64));
	TRY(read(pipes[0], buffer, 64));
	/* No room for all, none at all, and read with read(). */
	sent[0] = sent[1] = sent[2] = pipes[0];
	TRY(pass_many(s[0], sent, 3, "three", 0));
	TRY(take_all(s[1], fds, &count, buffer, 64, CMSG_LEN(sizeof(int)), 0));
	CHECK(count);
	close(fds[0]);
	TRY(pass_many(s[0], sent, 3, "three", 0));
	TRY(take_all(s[1], fds, &count, buffer, 64, 0, 0));
	CHECK(count);
	TRY(pass_many(s[0], sent, 1, "abc", 0));
	TRY(write(s[0], "def", 3));
	TRY(read(s[1], buffer, 64));
	TRY(read(s[1], buffer, 64));
	sent[0] = 99;
	TRY(pass_many(s[0], sent, 1, "bad", 0));
	/* Not taken: closed with the socket. */
	TRY(pass_many(s[0], &pipes[0], 1, "left", 0));
	close(s[0]);
	close(s[1]);
	close(pipes[0]);
}

static long results[4];

static void *connects(void *arg)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t length;
	struct sockaddr_un a = address_of(arg, &length);
	char buffer[16] = "";

	results[0] = connect(s, (void *)&a, length);
	results[1] = write(s, "request", 7);
	results[2] = read(s, buffer, sizeof(buffer));
	results[3] = connect(s, (void *)&a, length) ? errno : 0;
	close(s);
	return NULL;
}

static void servers(const char *path)
{
	socklen_t length, got = sizeof(struct sockaddr_un);
	struct sockaddr_un a = address_of(path, &length), b;
	struct epoll_event event = { .events = EPOLLIN };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c, t, n, epoll;
	struct {
		int pid, uid, gid;
	} peer;
	char buffer[16] = "";
	pthread_t thread;

	t = socket(AF_UNIX, SOCK_STREAM, 0);
	TRY(listen(s, 5));
	TRY(connect(t, (void *)&a, length) == 0);
	TRY(bind(s, (void *)&a, length));
	TRY(bind(s, (void *)&a, length));
	TRY(bind(t, (void *)&a, length));
	TRY(connect(t, (void *)&a, length));
	TRY(listen(s, 5));
	epoll = epoll_create1(0);
	TRY(epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event));
	TRY(epoll_wait(epoll, &event, 1, 0));
	pthread_create(&thread, NULL, connects, (void *)path);
	TRY(epoll_wait(epoll, &event, 1, 5000));
	c = accept4(s, (void *)&b, &got, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(c >= 0);
	CHECK(got);
	CHECK(fcntl(c, F_GETFL) & O_NONBLOCK);
	CHECK(fcntl(c, F_GETFD));
	sleep_ms(50);
	TRY(read(c, buffer, sizeof(buffer)));
	got = sizeof(b);
	TRY(getsockname(c, (void *)&b, &got));
	CHECK(got == length);
	CHECK(!memcmp(&a, &b, length));
	got = sizeof(b);
	TRY(getpeername(c, (void *)&b, &got));
	got = sizeof(peer);
	TRY(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &peer, &got));
	CHECK(peer.pid == getpid());
	TRY(write(c, "answer", 6));
	pthread_join(thread, NULL);
	for (n = 0; n < 4; n++)
		SHOW("client", results[n]);
	TRY(read(c, buffer, sizeof(buffer)));
	fcntl(s, F_SETFL, O_NONBLOCK);
	TRY(accept(s, NULL, NULL));
	TRY(accept(c, NULL, NULL));
	close(c);
	close(s);
	TRY(connect(t, (void *)&a, length));
	close(t);
	close(epoll);
	if (path[0] != '@')
		TRY(unlink(path));
}

static void named_datagrams(void)
{
	socklen_t length, got;
	struct sockaddr_un a = address_of("@pico test a", &length), b;
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);
	int t = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buffer[16];

	TRY(bind(s, (void *)&a, length));
	TRY(sendto(t, "hi", 2, 0, (void *)&a, length));
	got = sizeof(b);
	TRY(recvfrom(s, buffer, 16, 0, (void *)&b, &got));
	CHECK(got);
	TRY(send(t, "hi", 2, 0));
	TRY(connect(t, (void *)&a, length));
	TRY(send(t, "hi", 2, 0));
	TRY(listen(s, 1));
	a.sun_path[3] = 'X';
	TRY(sendto(t, "hi", 2, 0, (void *)&a, length));
	a.sun_family = 77;
	TRY(bind(t, (void *)&a, length));
	close(s);
	TRY(send(t, "hi", 2, 0));
	close(t);
}

/* What a name in the file system is. */
static void nodes(const char *path)
{
	socklen_t length;
	struct sockaddr_un a = address_of(path, &length);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	struct stat st = { 0 };

	umask(027);
	TRY(bind(s, (void *)&a, length));
	TRY(stat(path, &st));
	SHOW("mode", st.st_mode);
	TRY(open(path, O_RDWR));
	TRY(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
	fd = open(path, O_PATH);
	TRY(fstat(fd, &st));
	CHECK(S_ISSOCK(st.st_mode));
	close(fd);
	TRY(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, length));
	TRY(chmod(path, 0600));
	TRY(unlink(path));
	TRY(mknod(path, S_IFSOCK | 0666, 0));
	TRY(stat(path, &st));
	SHOW("mode", st.st_mode);
	TRY(mknod(path, S_IFSOCK | 0666, 0));
	TRY(connect(s, (void *)&a, length));
	TRY(unlink(path));
	close(s);
}

static void options(void)
{
	struct timeval tv = { 0, 20000 };
	socklen_t length = sizeof(int);
	int s[2], value, one = 1;
	struct stat st;
	char byte;

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
	TRY(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &value, &length));
	CHECK(value);
	TRY(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &value, &length));
	CHECK(value);
	TRY(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &value, &length));
	CHECK(value);
	TRY(getsockopt(s[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &length));
	CHECK(value);
	TRY(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	TRY(recv(s[0], &byte, 1, 0));
	TRY(setsockopt(s[0], SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)));
	TRY(getsockopt(s[0], SOL_SOCKET, SO_KEEPALIVE, &value, &length));
	CHECK(value);
	TRY(setsockopt(s[0], SOL_SOCKET, 9999, &one, sizeof(one)));
	TRY(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 3));
	TRY(getsockopt(s[0], SOL_SOCKET, SO_TYPE, (void *)8, &length));
	TRY(fstat(s[0], &st));
	CHECK(S_ISSOCK(st.st_mode));
	TRY(lseek(s[0], 0, SEEK_SET));
	TRY(pread(s[0], &byte, 1, 0));
	close(s[0]);
	close(s[1]);
}

#define MANY 1000000

static void *takes_many(void *arg)
{
	static char block[50000];
	long sum = 0, files = 0, r;
	int fds[8], count;

	sleep_ms(100);
	while ((r = take_many(*(int *)arg, fds, &count, block, sizeof(block))) >
	       0) {
		for (sum += r; count; count--, files++)
			close(fds[count - 1]);
	}
	return (void *)(sum + files * 10 * MANY);
}

/* All of a long message goes, the files with its first bytes. */
static void long_with_files(void)
{
	static char text[MANY + 1];
	pthread_t thread;
	int s[2], fds[2];
	void *sum;
	long r;

	memset(text, 'x', MANY);
	(void)!pipe(fds);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pthread_create(&thread, NULL, takes_many, &s[1]);
	TRY(pass_many(s[0], fds, 2, text, 0));
	shutdown(s[0], SHUT_WR);
	pthread_join(thread, &sum);
	SHOW("taken, with files", sum);
	close(s[0]);
	close(s[1]);
	/* As much as goes. */
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
	r = pass_many(s[0], fds, 2, text, 0);
	SHOW("more than a piece", r > 40000 && r < MANY);
	TRY(pass_many(s[0], fds, 2, text, 0));
	close(s[0]);
	close(s[1]);
}

static void *writes_in_parts(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < 3; i++) {
		sleep_ms(100);
		(void)!write(fd, "12345", 5);
	}
	sleep_ms(100);
	shutdown(fd, SHUT_WR);
	return NULL;
}

static void low_water(void)
{
	socklen_t length = sizeof(int);
	int s[2], value = 10;
	pthread_t thread;
	char b[64];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	TRY(setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &value, length));
	TRY(getsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &value, &length));
	CHECK(value);
	pthread_create(&thread, NULL, writes_in_parts, &s[0]);
	TRY(recv(s[1], b, 3, 0));
	TRY(recv(s[1], b, sizeof(b), MSG_DONTWAIT));
	TRY(recv(s[1], b, sizeof(b), MSG_PEEK));
	TRY(read(s[1], b, sizeof(b)));
	TRY(read(s[1], b, sizeof(b)));
	pthread_join(thread, NULL);
	value = 0;
	TRY(setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &value, length));
	TRY(getsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &value, &length));
	CHECK(value);
	value = -1;
	TRY(setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &value, length));
	TRY(getsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &value, &length));
	CHECK(value);
	close(s[0]);
	close(s[1]);
}

static long option(int s, int name)
{
	int value = -99;
	socklen_t length = sizeof(value);

	getsockopt(s, SOL_SOCKET, name, &value, &length);
	return value;
}

static void ready(int s)
{
	struct pollfd p = { s, POLLIN | POLLOUT | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	SHOW("ready", p.revents);
}

static void credentials(int s)
{
	struct {
		int pid, uid, gid;
	} c = { -99, -99, -99 };
	socklen_t length = sizeof(c);

	TRY(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &c, &length));
	SHOW("own", c.pid == getpid() && c.uid == (int)geteuid() &&
			    c.gid == (int)getegid());
	SHOW("nobody's", !c.pid && c.uid == -1 && c.gid == -1);
}

static int bound(int type, const char *path, struct sockaddr_un *a,
		 socklen_t *length)
{
	int s = socket(AF_UNIX, type, 0);

	*a = address_of(path, length);
	TRY(bind(s, (void *)a, *length));
	return s;
}

/* Who has a peer hears nobody else. */
static void strangers(void)
{
	struct sockaddr_un a, b, none = { .sun_family = AF_UNSPEC };
	socklen_t length;
	int s = bound(SOCK_DGRAM, "@pico a", &a, &length);
	int t = bound(SOCK_DGRAM, "@pico b", &b, &length);
	int u = socket(AF_UNIX, SOCK_DGRAM, 0), pair[2];
	char byte;

	credentials(u);
	TRY(connect(u, (void *)&a, length));
	TRY(connect(s, (void *)&b, length));
	TRY(send(u, "x", 1, 0));
	TRY(sendto(u, "x", 1, 0, (void *)&a, length));
	TRY(connect(u, (void *)&a, length));
	TRY(sendto(t, "x", 1, 0, (void *)&a, length));
	TRY(recv(s, &byte, 1, MSG_DONTWAIT));
	TRY(recv(s, &byte, 1, MSG_DONTWAIT));
	TRY(connect(t, (void *)&a, length));
	credentials(s);
	credentials(t);
	/* What a former peer sent is lost; a dead one is none. */
	TRY(send(t, "y", 1, 0));
	TRY(connect(s, (void *)&b, length));
	TRY(recv(s, &byte, 1, MSG_DONTWAIT));
	TRY(send(t, "y", 1, 0));
	TRY(connect(s, (void *)&none, sizeof(none.sun_family)));
	TRY(recv(s, &byte, 1, MSG_DONTWAIT));
	TRY(connect(s, (void *)&b, length));
	close(t);
	TRY(sendto(u, "x", 1, 0, (void *)&a, length));
	TRY(send(s, "x", 1, 0));
	TRY(send(s, "x", 1, 0));
	TRY(sendto(u, "x", 1, 0, (void *)&a, length));
	TRY(recv(s, &byte, 1, MSG_DONTWAIT));
	close(s);
	close(u);
	for (int i = 0; i < 2; i++) {
		TRY(socketpair(AF_UNIX, i ? SOCK_DGRAM : SOCK_STREAM, 0, pair));
		credentials(pair[0]);
		credentials(pair[1]);
		close(pair[0]);
		close(pair[1]);
	}
}

static void show_end(int s)
{
	char byte;

	for (int i = 0; i < 2; i++)
		TRY(recv(s, &byte, 1, MSG_DONTWAIT));
	TRY(send(s, "x", 1, MSG_NOSIGNAL));
}

/* What has become of a connection, and before there is one. */
static void ends(int type)
{
	struct sockaddr_un a = address_of("@pico none", &(socklen_t){ 0 });
	int s, pair[2];

	printf("type %d\n", type);
	for (int i = 0; i < 3; i++) {
		socketpair(AF_UNIX, type, 0, pair);
		TRY(send(pair[0], "lost", 4, 0));
		if (i == 2)
			TRY(shutdown(pair[0], SHUT_RD));
		close(pair[1]);
		ready(pair[0]);
		if (!i) {
			CHECK(option(pair[0], SO_ERROR));
			CHECK(option(pair[0], SO_ERROR));
			ready(pair[0]);
		}
		show_end(pair[0]);
		close(pair[0]);
	}
	socketpair(AF_UNIX, type, 0, pair);
	TRY(sendto(pair[0], "x", 1, MSG_NOSIGNAL, (void *)&a, sizeof(a)));
	close(pair[0]);
	close(pair[1]);
	s = socket(AF_UNIX, type, 0);
	TRY(sendto(s, "x", 1, MSG_NOSIGNAL, (void *)&a, sizeof(a)));
	TRY(shutdown(s, SHUT_RDWR));
	ready(s);
	show_end(s);
	close(s);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void *accepts_late(void *s)
{
	sleep_ms(100);
	return (void *)(long)accept(*(int *)s, NULL, NULL);
}

/* Who connects where there is no room waits for as long as it may. */
static void full(void)
{
	struct itimerval soon = { { 0, 10000 }, { 0, 50000 } }, off = { 0 };
	struct timeval brief = { 0, 50000 }, ages = { 1000, 0 };
	struct sigaction action = { .sa_handler = on_alarm,
				    .sa_flags = SA_RESTART };
	struct sockaddr_un a;
	socklen_t length;
	int server = bound(SOCK_STREAM, "@pico full", &a, &length);
	int first = socket(AF_UNIX, SOCK_STREAM, 0);
	int second = socket(AF_UNIX, SOCK_STREAM, 0);
	pthread_t thread;
	int64_t start;
	void *accepted;

	TRY(listen(server, 0));
	TRY(connect(first, (void *)&a, length));
	setsockopt(second, SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof(brief));
	start = now_ns(CLOCK_MONOTONIC);
	TRY(connect(second, (void *)&a, length));
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 40000000);
	setsockopt(second, SOL_SOCKET, SO_SNDTIMEO, &ages, sizeof(ages));
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	TRY(connect(second, (void *)&a, length));
	setitimer(ITIMER_REAL, &off, NULL);
	pthread_create(&thread, NULL, accepts_late, &server);
	TRY(connect(second, (void *)&a, length));
	pthread_join(thread, &accepted);
	CHECK((long)accepted > 0);
	/* Not accepted, and now nobody will. */
	close(server);
	CHECK(option(first, SO_ERROR));
	ready(second);
	show_end(second);
	close(first);
	close(second);
	close((long)accepted);
}

/* What else a socket is, it is for who gets it. */
static void passed(void)
{
	struct sockaddr_un a;
	socklen_t length;
	int server = bound(SOCK_STREAM, "@pico passed", &a, &length), one = 1;
	int asking = socket(AF_UNIX, SOCK_DGRAM, 0), s[2], got[8], count;
	char text[8];

	TRY(listen(server, 1));
	TRY(setsockopt(asking, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	TRY(pass_many(s[0], (int[]){ server, asking }, 2, "x", 0));
	TRY(take_many(s[1], got, &count, text, sizeof(text)));
	CHECK(count);
	for (int i = 0; i < count; i++) {
		CHECK(option(got[i], SO_ACCEPTCONN));
		CHECK(option(got[i], SO_PASSCRED));
		close(got[i]);
	}
	close(server);
	close(asking);
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	snprintf(name, sizeof(name), "/tmp/pico.%d", getpid());
	streams();
	much();
	datagrams(SOCK_DGRAM);
	datagrams(SOCK_SEQPACKET);
	files();
	servers("@pico test");
	servers("/tmp/pico.socket");
	named_datagrams();
	nodes("/tmp/pico.node");
	options();
	long_with_files();
	low_water();
	strangers();
	ends(SOCK_STREAM);
	ends(SOCK_SEQPACKET);
	full();
	passed();
	return 0;
}
