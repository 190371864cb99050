// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * While a thread waits with a descriptor, another one starts a program that
 * stays. It gets nothing of what is closed on exec: when the thread is done and
 * the descriptor closed, the other side sees the end. See linux_test.h.
 */
#include "linux_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PATIENCE 20000 /* milliseconds until it is said that no end came */

extern char **environ;

struct waiting {
	long (*call)(struct waiting *waiting);
	pthread_t thread;
	pid_t stays;
	int fd, other;
	long result;
};

static void *wait_in_call(void *arg)
{
	struct waiting *waiting = arg;

	waiting->result = waiting->call(waiting);
	if (waiting->result < 0)
		waiting->result = -errno;
	return NULL;
}

/* A thread is in @call, and a process was started meanwhile. */
static void begin(struct waiting *waiting, long (*call)(struct waiting *),
		  int fd, int other)
{
	char *const argv[] = { "sleep", "1000", NULL };

	waiting->call = call;
	waiting->fd = fd;
	waiting->other = other;
	pthread_create(&waiting->thread, NULL, wait_in_call, waiting);
	/* Whether it waits by now or not: it must not matter. */
	sleep_ms(100);
	posix_spawn(&waiting->stays, "/bin/sleep", NULL, NULL, argv, environ);
}

/* The call has what it needs to end. */
static void end(struct waiting *waiting)
{
	pthread_join(waiting->thread, NULL);
	SHOW("  returned", waiting->result);
	close(waiting->fd);
	if (waiting->other >= 0)
		close(waiting->other);
}

static void kill_stays(struct waiting *waiting)
{
	kill(waiting->stays, SIGKILL);
	waitpid(waiting->stays, NULL, 0);
}

/* Nobody can write to what @fd reads from any more. */
static long at_end(int fd)
{
	struct pollfd polled = { fd, POLLIN, 0 };
	char c;

	return poll(&polled, 1, PATIENCE) == 1 ? read(fd, &c, 1) : -1;
}

/* ---- sockets ---- */

static long call_recv(struct waiting *waiting)
{
	char c;

	return recv(waiting->fd, &c, 1, 0);
}

static long call_recvmsg(struct waiting *waiting)
{
	char c;
	struct iovec part = { &c, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	return recvmsg(waiting->fd, &message, 0);
}

static long call_read(struct waiting *waiting)
{
	char c;

	return read(waiting->fd, &c, 1);
}

static void receivers(const char *name, long (*call)(struct waiting *))
{
	struct waiting waiting;
	int ends[2];

	printf("%s:\n", name);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
	begin(&waiting, call, ends[0], -1);
	write(ends[1], "x", 1);
	end(&waiting);
	SHOW("  the peer reads", at_end(ends[1]));
	kill_stays(&waiting);
	close(ends[1]);
}

static long call_send(struct waiting *waiting)
{
	static char block[1 << 20];

	return send(waiting->fd, block, sizeof(block), 0);
}

static void sender(void)
{
	struct waiting waiting;
	static char block[1 << 16];
	long all = 0, n;
	int ends[2];

	printf("send:\n");
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
	begin(&waiting, call_send, ends[0], -1);
	while (all < 1 << 20) {
		n = read(ends[1], block, sizeof(block));
		if (n <= 0)
			break;
		all += n;
	}
	SHOW("  came", all);
	end(&waiting);
	SHOW("  the peer reads", at_end(ends[1]));
	kill_stays(&waiting);
	close(ends[1]);
}

static long call_accept(struct waiting *waiting)
{
	waiting->other = accept4(waiting->fd, NULL, NULL, SOCK_CLOEXEC);
	return waiting->other < 0 ? -1 : 0;
}

static void acceptor(void)
{
	struct sockaddr_un name = { AF_UNIX, "" };
	socklen_t length = sizeof(name);
	struct waiting waiting;
	int server, client;

	printf("accept:\n");
	server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bind(server, (void *)&name, sizeof(sa_family_t));
	getsockname(server, (void *)&name, &length);
	listen(server, 4);
	begin(&waiting, call_accept, server, -1);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	TRY(connect(client, (void *)&name, length));
	end(&waiting);
	SHOW("  the client reads", at_end(client));
	close(client);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	TRY(connect(client, (void *)&name, length));
	kill_stays(&waiting);
	close(client);
}

/* ---- waiting for readiness ---- */

static long call_poll(struct waiting *waiting)
{
	struct pollfd polled[2] = { { waiting->fd, POLLIN, 0 },
				    { -1, POLLIN, 0 } };

	return poll(polled, 2, -1);
}

static long call_select(struct waiting *waiting)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(waiting->fd, &set);
	return select(waiting->fd + 1, &set, NULL, NULL, NULL);
}

static void watchers(const char *name, long (*call)(struct waiting *))
{
	struct waiting waiting;
	int ends[2];

	printf("%s:\n", name);
	pipe2(ends, O_CLOEXEC);
	begin(&waiting, call, ends[0], -1);
	write(ends[1], "x", 1);
	end(&waiting);
	TRY(write(ends[1], "x", 1));
	kill_stays(&waiting);
	close(ends[1]);
}

static long call_vmsplice(struct waiting *waiting)
{
	char c;
	struct iovec part = { &c, 1 };

	return vmsplice(waiting->fd, &part, 1, 0);
}

/* ---- both sides of a copy ---- */

static long call_splice(struct waiting *waiting)
{
	return splice(waiting->fd, NULL, waiting->other, NULL, 1, 0);
}

static void copier(void)
{
	struct waiting waiting;
	int in[2], out[2];
	char c;

	printf("splice:\n");
	pipe2(in, O_CLOEXEC);
	pipe2(out, O_CLOEXEC);
	begin(&waiting, call_splice, in[0], out[1]);
	write(in[1], "x", 1);
	end(&waiting);
	SHOW("  came", (long)read(out[0], &c, 1));
	SHOW("  then", at_end(out[0]));
	TRY(write(in[1], "x", 1));
	kill_stays(&waiting);
	close(in[1]);
	close(out[0]);
}

/* ---- locks ---- */

static long call_flock(struct waiting *waiting)
{
	return flock(waiting->fd, LOCK_EX);
}

static long call_ofd_lock(struct waiting *waiting)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(waiting->fd, F_OFD_SETLKW, &lock);
}

static void locker(const char *name, long (*call)(struct waiting *))
{
	struct flock record = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct waiting waiting;
	int mine, theirs;
	char path[32];

	printf("%s:\n", name);
	mine = memfd_create("locked", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mine);
	theirs = open(path, O_RDWR | O_CLOEXEC);
	TRY(flock(mine, LOCK_EX));
	TRY(fcntl(mine, F_OFD_SETLK, &record));
	begin(&waiting, call, theirs, -1);
	flock(mine, LOCK_UN);
	record.l_type = F_UNLCK;
	fcntl(mine, F_OFD_SETLK, &record);
	end(&waiting);
	TRY(flock(mine, LOCK_EX | LOCK_NB));
	record.l_type = F_WRLCK;
	TRY(fcntl(mine, F_OFD_SETLK, &record));
	kill_stays(&waiting);
	close(mine);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	receivers("recv", call_recv);
	receivers("recvmsg", call_recvmsg);
	receivers("read", call_read);
	sender();
	acceptor();
	watchers("poll", call_poll);
	watchers("select", call_select);
	watchers("vmsplice", call_vmsplice);
	copier();
	locker("flock", call_flock);
	locker("fcntl", call_ofd_lock);
	return 0;
}
