// SPDX-License-Identifier: GPL-2.0-only
/*
 * What processes share after fork, and send to each other: AF_UNIX sockets with
 * names and without, files that are passed, eventfds.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "rights.h"

/* A child that does that; its number. */
#define IN_CHILD(...)							\
	({								\
		pid_t pid_ = fork();					\
		if (!pid_) {						\
			__VA_ARGS__;					\
			_exit(0);					\
		}							\
		pid_;							\
	})

static void ended(const char *what, pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	SHOW(what, status);
}

static void pairs(int type)
{
	char b[64] = "";
	struct pollfd p;
	int s[2];
	pid_t pid;

	TRY(socketpair(AF_UNIX, type, 0, s));
	pid = IN_CHILD(close(s[0]); read(s[1], b, 5); write(s[1], b, 5);
		       write(s[1], "bye", 3));
	close(s[1]);
	TRY(write(s[0], "hello", 5));
	p = (struct pollfd){ .fd = s[0], .events = POLLIN };
	TRY(poll(&p, 1, -1));
	TRY(recv(s[0], b, 5, type == SOCK_STREAM ? MSG_WAITALL : 0));
	CHECK(!memcmp(b, "hello", 5));
	TRY(recv(s[0], b, 64, 0));
	ended("child", pid);
	if (type != SOCK_DGRAM) {
		TRY(recv(s[0], b, 64, 0));
		TRY(send(s[0], "x", 1, MSG_NOSIGNAL));
	}
	close(s[0]);
}

static void passing(void)
{
	char name[] = "/tmp/sharing.XXXXXX", b[64] = "";
	int s[2], p[2], fd, e;
	uint64_t n;
	pid_t pid;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	TRY(pipe(p));
	fd = mkstemp(name);
	TRY(write(fd, "0123456789", 10));
	TRY(lseek(fd, 3, SEEK_SET));
	pid = IN_CHILD({
		int got = take(s[1], "pipe"), file = take(s[1], "file");
		int event = take(s[1], "event"), sock = take(s[1], "socket");

		close(p[1]);
		write(got, "through a pipe", 14);
		read(file, b, 2);
		if (memcmp(b, "34", 2))
			_exit(1);
		n = 5;
		write(event, &n, 8);
		write(sock, "to myself", 9);
		if (!(fcntl(got, F_GETFD) & FD_CLOEXEC))
			_exit(2);
		_exit((fcntl(file, F_GETFL) & O_ACCMODE) != O_RDWR);
	});
	e = eventfd(0, 0);
	pass(s[0], p[1], "pipe");
	/* Each is received alone: files end what is read. */
	pass(s[0], fd, "file");
	pass(s[0], e, "event");
	pass(s[0], s[1], "socket");
	close(p[1]);
	close(s[1]);
	TRY(read(p[0], b, 64));
	TRY(read(p[0], b, 64));
	TRY(read(e, &n, 8));
	CHECK(n);
	ended("child", pid);
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(recv(s[0], b, 64, 0));
	TRY(recv(s[0], b, 64, 0));
	unlink(name);
}

/* A client of our parent's server; 0, or what went wrong. */
static int ask(const struct sockaddr_un *server, socklen_t length)
{
	int c = socket(AF_UNIX, SOCK_STREAM, 0);
	struct ucred cred;
	socklen_t some = sizeof(cred);
	char b[64] = "";

	if (connect(c, (const void *)server, length))
		return errno;
	write(c, "request", 7);
	if (read(c, b, 64) != 6 || memcmp(b, "served", 6))
		return 200;
	getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &some);
	return cred.pid == getppid() ? 0 : 201;
}

static void servers(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(a);
	char b[64] = "";
	int s, c, i;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		if (i) {
			snprintf(a.sun_path, sizeof(a.sun_path),
				 "/tmp/sharing.%d", getpid());
		} else {
			snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1,
				 "sharing.%d", getpid());
			length = offsetof(struct sockaddr_un, sun_path) + 20;
		}
		if (i)
			length = sizeof(a);
		s = socket(AF_UNIX, SOCK_STREAM, 0);
		TRY(bind(s, (void *)&a, length));
		TRY(listen(s, 5));
		/* One of the children has the listening socket from us. */
		pid = IN_CHILD(c = accept(s, NULL, NULL); read(c, b, 64);
			       write(c, "served", 6));
		ended("client", IN_CHILD(close(s); _exit(ask(&a, length))));
		ended("server", pid);
		close(s);
		/* Nobody has it any more: the child is gone, and so are its. */
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		TRY(connect(c, (void *)&a, length));
		close(c);
		if (i)
			TRY(unlink(a.sun_path));
	}
}

static void datagrams(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX }, from;
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 20;
	char b[64] = "";
	pid_t pid;
	int s;

	snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "datagrams.%d",
		 getpid());
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	TRY(bind(s, (void *)&a, length));
	pid = IN_CHILD({
		int c = socket(AF_UNIX, SOCK_DGRAM, 0);

		bind(c, (void *)&(sa_family_t){ AF_UNIX }, 2);
		sendto(c, "ask", 3, 0, (void *)&a, length);
		if (recv(c, b, 64, 0) != 6)
			_exit(1);
	});
	length = sizeof(from);
	TRY(recvfrom(s, b, 64, 0, (void *)&from, &length));
	SHOW("name", length);
	TRY(sendto(s, "answer", 6, 0, (void *)&from, length));
	ended("child", pid);
}

static void events(void)
{
	int e = eventfd(0, EFD_SEMAPHORE), i;
	uint64_t n = 3;
	pid_t pid[3];

	for (i = 0; i < 3; i++)
		pid[i] = IN_CHILD({
			uint64_t one;

			_exit(read(e, &one, 8) != 8 || one != 1);
		});
	TRY(write(e, &n, 8));
	for (i = 0; i < 3; i++)
		ended("child", pid[i]);
	fcntl(e, F_SETFL, O_NONBLOCK);
	TRY(read(e, &n, 8));
}

/* O_APPEND is the open file's, whoever sets it, and nobody writes in between. */
static void appending(void)
{
	static const char name[] = "/tmp/pico-appended";
	int fd = open(name, O_RDWR | O_CREAT, 0644), other;
	char text[8192] = "";
	long lines = 0;
	pid_t pid[4];

	TRY(write(fd, "start\n", 6));
	ended("setting", IN_CHILD(_exit(fcntl(fd, F_SETFL, O_APPEND))));
	TRY(lseek(fd, 0, SEEK_SET));
	TRY(write(fd, "behind\n", 7));
	TRY(pwrite(fd, "too\n", 4, 0));
	SHOW("told", fcntl(fd, F_GETFL) & O_APPEND);
	other = open(name, O_WRONLY);
	TRY(fcntl(other, F_SETFL, O_APPEND));
	for (int i = 0; i < 4; i++)
		pid[i] = IN_CHILD({
			for (int k = 0; k < 100; k++)
				write(i & 1 ? fd : other, "0123456789\n", 11);
		});
	for (int i = 0; i < 4; i++)
		ended("writer", pid[i]);
	TRY(pread(fd, text, 17, 0));
	SHOW(text, 0);
	memset(text, 0, sizeof(text));
	SHOW("size", pread(fd, text, sizeof(text), 17));
	for (char *at = text; strncmp(at, "0123456789\n", 11) == 0; at += 11)
		lines++;
	SHOW("lines", lines);
	ended("clearing", IN_CHILD(_exit(fcntl(fd, F_SETFL, 0))));
	SHOW("told", fcntl(fd, F_GETFL) & O_APPEND);
	TRY(pwrite(fd, "S", 1, 0));
	memset(text, 0, sizeof(text));
	TRY(pread(fd, text, 6, 0));
	SHOW(text, 0);
	unlink(name);
}

int main(void)
{
	pairs(SOCK_STREAM);
	pairs(SOCK_SEQPACKET);
	pairs(SOCK_DGRAM);
	passing();
	servers();
	datagrams();
	events();
	appending();
	return 0;
}
