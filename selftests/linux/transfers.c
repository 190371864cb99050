// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What sockets are asked besides their data: options that they have not, queues
 * of errors, credentials and times of messages; and what goes from file to file
 * without the program: splice, sendfile, copy_file_range.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

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

/* One message, and what is attached: in that order. */
static long take(int from, size_t size, size_t room, int flags)
{
	char control[256] = "", data[64];
	struct iovec iov = { data, size };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = room };
	long r = recvmsg(from, &m, flags);
	struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(&m);
	struct timeval now, then;
	struct ucred cred;
	int fd;

	for (; c; c = CMSG_NXTHDR(&m, c)) {
		printf("level %d, type %d, %zu bytes\n", c->cmsg_level,
		       c->cmsg_type, c->cmsg_len - CMSG_LEN(0));
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			SHOW("  own pid", cred.pid == getpid());
			SHOW("  no pid", cred.pid == 0);
			SHOW("  own ids",
			     cred.uid == geteuid() && cred.gid == getegid());
		} else if (c->cmsg_type == SCM_TIMESTAMP) {
			memcpy(&then, CMSG_DATA(c), sizeof(then));
			gettimeofday(&now, NULL);
			SHOW("  recent", now.tv_sec - then.tv_sec >= 0 &&
						 now.tv_sec - then.tv_sec < 20);
		} else if (c->cmsg_type == SCM_RIGHTS) {
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
			close(fd);
		}
	}
	if (r >= 0)
		SHOW("  flags", m.msg_flags);
	return r;
}

/* With credentials, of @length bytes; and a file if there is one. */
static long give(int to, const struct ucred *cred, size_t length, int fd)
{
	char control[128] = "";
	struct iovec iov = { "text", 4 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_SPACE(length) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(c), cred, length);
	if (fd >= 0) {
		c = (void *)(control + CMSG_SPACE(length));
		m.msg_controllen += CMSG_SPACE(sizeof(fd));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(to, &m, 0);
}

static void credentials(int type)
{
	struct ucred own = { getpid(), geteuid(), getegid() };
	socklen_t length = sizeof(int);
	int s[2], one = 1, value = 0;

	SHOW("credentials", type);
	(void)!socketpair(AF_UNIX, type, 0, s);
	TRY(give(s[0], &own, sizeof(own), -1));
	TRY(take(s[1], 64, 256, 0));
	TRY(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	TRY(getsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &value, &length));
	CHECK(value);
	TRY(getsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &value, &length));
	CHECK(value);
	TRY(send(s[0], "more", 4, 0));
	TRY(take(s[1], 64, 256, 0));
	TRY(give(s[0], &own, sizeof(own), -1));
	TRY(take(s[1], 64, 256, MSG_PEEK));
	TRY(take(s[1], 64, 256, 0));
	TRY(give(s[0], &own, sizeof(own), 0));
	TRY(take(s[1], 64, 256, 0));
	/* No room for all, or for any. */
	TRY(give(s[0], &own, sizeof(own), 0));
	TRY(take(s[1], 64, CMSG_SPACE(sizeof(own)), 0));
	TRY(give(s[0], &own, sizeof(own), 0));
	TRY(take(s[1], 64, CMSG_LEN(0) - 1, 0));
	TRY(give(s[0], &own, sizeof(own) - 4, -1));
	TRY(give(s[0], &own, sizeof(own) + 4, -1));
	/* Of two senders: read apart, also as bytes of a stream. */
	TRY(send(s[0], "parent", 6, 0));
	if (!fork()) {
		send(s[0], "child", 5, 0);
		_exit(0);
	}
	wait(NULL);
	TRY(take(s[1], 64, 256, 0));
	TRY(take(s[1], 64, 256, 0));
	close(s[0]);
	close(s[1]);
}

static void times(int type)
{
	int s[2], one = 1, value = 0;
	socklen_t length = sizeof(int);

	SHOW("times", type);
	(void)!socketpair(AF_UNIX, type, 0, s);
	TRY(setsockopt(s[1], SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)));
	TRY(getsockopt(s[1], SOL_SOCKET, SO_TIMESTAMP, &value, &length));
	CHECK(value);
	TRY(send(s[0], "text", 4, 0));
	TRY(take(s[1], 64, 256, 0));
	TRY(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	TRY(send(s[0], "text", 4, 0));
	TRY(take(s[1], 64, 256, 0));
	TRY(send(s[0], "text", 4, 0));
	TRY(take(s[1], 64, 8, 0));
	close(s[0]);
	TRY(take(s[1], 64, 256, MSG_DONTWAIT | MSG_PEEK));
	TRY(take(s[1], 64, 256, MSG_DONTWAIT));
	close(s[1]);
}

#define LENGTH 300000

static char content[LENGTH], came[LENGTH];

static void *takes_all(void *arg)
{
	long sum = 0, r;

	sleep_ms(100);
	while ((r = read(*(int *)arg, came + sum, LENGTH - sum)) > 0)
		sum += r;
	return (void *)sum;
}

static void send_to_socket(int fd, int *s)
{
	pthread_t thread;
	off_t at = 1000;
	void *sum;

	memset(came, 0, sizeof(came));
	pthread_create(&thread, NULL, takes_all, &s[1]);
	TRY(sendfile(s[0], fd, &at, LENGTH));
	CHECK(at);
	TRY(lseek(fd, 0, SEEK_CUR));
	shutdown(s[0], SHUT_WR);
	pthread_join(thread, &sum);
	SHOW("came", sum);
	CHECK(!memcmp(came, content + 1000, LENGTH - 1000));
	TRY(sendfile(s[0], fd, NULL, 10));
	TRY(lseek(fd, 0, SEEK_SET));
	close(s[0]);
	close(s[1]);
}

static void send_files(int fd)
{
	int p[2], s[2];

	signal(SIGPIPE, SIG_IGN);
	(void)!pipe(p);
	/* A pipe takes what it has room for. */
	TRY(sendfile(p[1], fd, NULL, LENGTH));
	TRY(lseek(fd, 0, SEEK_CUR));
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	TRY(sendfile(p[1], fd, NULL, LENGTH));
	TRY(read(p[0], came, sizeof(came)));
	CHECK(!memcmp(came, content, 65536));
	TRY(sendfile(p[1], fd, NULL, 10000));
	TRY(read(p[0], came, sizeof(came)));
	CHECK(!memcmp(came, content + 65536, 10000));
	TRY(sendfile(s[0] = open("/dev/null", O_WRONLY), p[0], NULL, 10));
	close(s[0]);
	close(p[0]);
	TRY(sendfile(p[1], fd, NULL, 10));
	TRY(lseek(fd, 0, SEEK_SET));
	close(p[1]);
	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send_to_socket(fd, s);
}

static void copy_ranges(int fd, const char *other)
{
	off_t in = 0, out = LENGTH;
	int to;

	/* As far as the file goes: that is not into itself. */
	TRY(copy_file_range(fd, &in, fd, &out, 10 * LENGTH, 0));
	CHECK(in);
	CHECK(out);
	TRY(pread(fd, came, LENGTH, LENGTH));
	CHECK(!memcmp(came, content, LENGTH));
	TRY(ftruncate(fd, LENGTH));
	in = 0;
	out = LENGTH / 2;
	TRY(copy_file_range(fd, &in, fd, &out, 10 * LENGTH, 0));
	out = LENGTH - 1;
	TRY(copy_file_range(fd, &in, fd, &out, LENGTH, 0));
	TRY(copy_file_range(fd, &in, fd, &out, LENGTH - 1, 0));
	TRY(ftruncate(fd, LENGTH));
	in = out = LENGTH;
	TRY(copy_file_range(fd, &in, fd, &out, 10, 0));
	in = LENGTH - 5;
	out = LENGTH - 20;
	TRY(copy_file_range(fd, &in, fd, &out, 100, 0));
	in = 1;
	TRY(copy_file_range(fd, &in, fd, &out, -1, 0));
	to = open(other, O_RDWR | O_CREAT | O_TRUNC, 0600);
	in = LENGTH - 10;
	TRY(copy_file_range(fd, &in, to, NULL, -2000000, 0));
	in = LENGTH - 10;
	TRY(copy_file_range(fd, &in, to, NULL, 1 << 20, 0));
	TRY(lseek(to, 0, SEEK_CUR));
	TRY(copy_file_range(fd, &in, to, NULL, 1 << 20, 1));
	close(to);
	unlink(other);
}

/* Nothing goes into @to but by its own calls; the pipe keeps what it has. */
static void one_refusal(const char *what, int to, int pipe, int file)
{
	off_t at = 0;

	printf("%s\n", what);
	TRY(splice(pipe, NULL, to, NULL, 4, 0));
	TRY(sendfile(to, file, &at, 4));
	close(to);
}

static void refusals(int fd)
{
	uint64_t count = 1;
	sigset_t set;
	loff_t at = 0;
	int p[2], s[2], event = eventfd(0, 0);
	char data[8];

	sigemptyset(&set);
	(void)!pipe2(p, O_NONBLOCK);
	TRY(write(p[1], "data", 4));
	alarm(60);
	one_refusal("epoll", epoll_create1(0), p[0], fd);
	one_refusal("signalfd", signalfd(-1, &set, 0), p[0], fd);
	one_refusal("timerfd", timerfd_create(CLOCK_MONOTONIC, 0), p[0], fd);
	one_refusal("pidfd", syscall(SYS_pidfd_open, getpid(), 0), p[0], fd);
	one_refusal("eventfd", dup(event), p[0], fd);
	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	TRY(splice(p[0], NULL, s[0], &at, 4, 0));
	TRY(read(p[0], data, sizeof(data)));
	TRY(write(event, &count, sizeof(count)));
	TRY(splice(event, NULL, p[1], NULL, 8, 0));
	TRY(read(event, &count, sizeof(count)));
	/* A device that is no file, but always at some place. */
	close(event);
	event = open("/dev/urandom", O_RDONLY);
	TRY(sendfile(p[1], event, NULL, 100));
	TRY(sendfile(s[0], event, NULL, 100));
	alarm(0);
	close(event);
	close(p[0]);
	close(p[1]);
	close(s[0]);
	close(s[1]);
}

static long results[20];

/* For later: the limit is also one of what is printed. */
#define KEEP(n, x)							\
	(errno = 0, results[n] = (x), results[n] = errno ? -errno : results[n])

/* RLIMIT_FSIZE: what becomes shorter may be longer than that. */
static void limited(int fd, const char *name)
{
	struct rlimit old, limit;
	char link[40], data[16];
	loff_t at = 995;
	int p[2], i;

	signal(SIGXFSZ, SIG_IGN);
	(void)!pipe2(p, O_NONBLOCK);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	TRY(ftruncate(fd, 5000));
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 1000;
	setrlimit(RLIMIT_FSIZE, &limit);
	KEEP(0, ftruncate(fd, 4000));
	KEEP(1, truncate(name, 3000));
	KEEP(2, truncate(link, 2500));
	KEEP(3, ftruncate(fd, 2501));
	KEEP(4, truncate(name, 2501));
	KEEP(5, truncate(link, 2501));
	KEEP(6, truncate("/nothing there", 2000));
	KEEP(7, fallocate(fd, 0, 0, 2400));
	KEEP(8, fallocate(fd, 0, 0, 2600));
	/* What is not written stays in the pipe. */
	KEEP(9, write(p[1], "0123456789", 10));
	KEEP(10, lseek(fd, 1500, SEEK_SET));
	KEEP(11, splice(p[0], NULL, fd, NULL, 10, 0));
	KEEP(12, splice(p[0], NULL, fd, &at, 10, 0));
	KEEP(13, read(p[0], data, sizeof(data)));
	KEEP(14, splice(p[0], NULL, fd, NULL, 10, 0));
	close(p[1]);
	KEEP(15, splice(p[0], NULL, fd, NULL, 10, 0));
	setrlimit(RLIMIT_FSIZE, &old);
	close(p[0]);
	for (i = 0; i < 16; i++)
		printf("%d: %ld\n", i, results[i]);
	/* The end of all files. */
	at = INT64_MAX;
	TRY(copy_file_range(fd, &(loff_t){ 0 }, fd, &at, 10, 0));
	lseek(fd, 0, SEEK_SET);
}

static void files(void)
{
	char name[64], other[80];
	int fd;

	for (size_t i = 0; i < LENGTH; i++)
		content[i] = 'a' + i * 11 % 59;
	snprintf(name, sizeof(name), "/tmp/pico-transfers.%d", getpid());
	snprintf(other, sizeof(other), "%s.to", name);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	(void)!write(fd, content, LENGTH);
	lseek(fd, 0, SEEK_SET);
	send_files(fd);
	copy_ranges(fd, other);
	refusals(fd);
	limited(fd, name);
	close(fd);
	unlink(name);
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
	credentials(SOCK_STREAM);
	credentials(SOCK_DGRAM);
	credentials(SOCK_SEQPACKET);
	times(SOCK_DGRAM);
	times(SOCK_SEQPACKET);
	times(SOCK_STREAM);
	files();
	return 0;
}
