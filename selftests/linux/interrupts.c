// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Which calls a signal ends, and which ones go on: EINTR and restarting. */
#include "linux_test.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int pipes[2], event, epoll;
static volatile int seen;
static uint32_t word;
static volatile pid_t tid;
static struct timespec left;

static void handler(int signal)
{
	seen++;
}

static long do_read(void)
{
	char byte;

	return read(pipes[0], &byte, 1);
}

static long do_eventfd(void)
{
	uint64_t value;

	return read(event, &value, sizeof(value));
}

static long do_poll(void)
{
	struct pollfd p = { .fd = pipes[0], .events = POLLIN };

	return poll(&p, 1, 400);
}

static long do_select(void)
{
	struct timeval tv = { 0, 400000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipes[0], &set);
	return select(pipes[0] + 1, &set, NULL, NULL, &tv);
}

static long do_epoll(void)
{
	struct epoll_event e;

	return epoll_wait(epoll, &e, 1, 400);
}

static long do_sleep(void)
{
	struct timespec ts = { 0, 400000000 };

	left.tv_nsec = 0;
	return nanosleep(&ts, &left);
}

static long do_clock(void)
{
	struct timespec ts = { 0, 400000000 };
	long r = clock_nanosleep(CLOCK_REALTIME, 0, &ts, &left);

	errno = r;
	return r ? -1 : 0;
}

static long do_futex(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static long do_futex_timed(void)
{
	struct timespec ts = { 0, 400000000 };

	return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0);
}

static long do_sigwait(void)
{
	struct timespec ts = { 0, 400000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, &ts);
}

static const struct {
	const char *name;
	long (*call)(void);
} calls[] = {
	{ "read", do_read },
	{ "eventfd", do_eventfd },
	{ "poll", do_poll },
	{ "select", do_select },
	{ "epoll_wait", do_epoll },
	{ "nanosleep", do_sleep },
	{ "clock_nanosleep", do_clock },
	{ "futex", do_futex },
	{ "futex timed", do_futex_timed },
	{ "sigtimedwait", do_sigwait },
};

static void *run(void *arg)
{
	long i = (long)arg, r;
	int64_t start = now_ns(CLOCK_MONOTONIC);

	tid = own_tid();
	errno = 0;
	r = calls[i].call();
	printf("%s: %ld, errno %d%s\n", calls[i].name, r, r < 0 ? errno : 0,
	       now_ns(CLOCK_MONOTONIC) - start > 300000000 ? ", late" : "");
	fflush(stdout);
	return NULL;
}

/* Interrupt it once or twice, then let it end by itself. */
static void interrupt(long i, int flags, bool ignored)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
	uint64_t one = 1;
	pthread_t thread;

	if (ignored)
		a.sa_handler = SIG_IGN;
	sigaction(SIGUSR1, &a, NULL);
	seen = 0;
	tid = 0;
	word = 0;
	pthread_create(&thread, NULL, run, (void *)i);
	while (!tid)
		sleep_ms(1);
	sleep_ms(60);
	pthread_kill(thread, SIGUSR1);
	sleep_ms(60);
	if (calls[i].call == do_read)
		(void)!write(pipes[1], "x", 1);
	if (calls[i].call == do_eventfd)
		(void)!write(event, &one, sizeof(one));
	if (calls[i].call == do_futex) {
		word = 1;
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	pthread_join(thread, NULL);
	SHOW("  handled", seen);
	/* What was not read. */
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	do_read();
	fcntl(pipes[0], F_SETFL, 0);
	fcntl(event, F_SETFL, O_NONBLOCK);
	do_eventfd();
	fcntl(event, F_SETFL, 0);
}

#define MANY 1000000

static char text[MANY];

/* A child that reads all, after a while. */
static void reads_later(int fd, int other)
{
	if (fork())
		return;
	close(other);
	sleep_ms(700);
	while (read(fd, text, 50000) > 0)
		;
	_exit(0);
}

/* A child that ends while its parent writes, and may send it a signal. */
static void disturbs(int signal)
{
	for (int i = 0; i < 2; i++) {
		if (fork())
			continue;
		sleep_ms(200 + 150 * i);
		if (signal)
			kill(getppid(), signal);
		_exit(0);
	}
}

enum { PIPE, SOCKET, NAMED };

static void make_pair(int kind, int *p)
{
	char name[64];

	if (kind == PIPE)
		(void)!pipe(p);
	else if (kind == SOCKET)
		(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	if (kind != NAMED)
		return;
	snprintf(name, sizeof(name), "/tmp/pico-interrupts.%d", getpid());
	mkfifo(name, 0600);
	p[0] = open(name, O_RDONLY | O_NONBLOCK);
	p[1] = open(name, O_WRONLY);
	fcntl(p[0], F_SETFL, 0);
	unlink(name);
}

static long disturbed_write(int kind, int signal)
{
	int p[2];
	long r;

	make_pair(kind, p);
	reads_later(p[0], p[1]);
	disturbs(signal);
	r = write(p[1], text, MANY);
	close(p[0]);
	close(p[1]);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return r;
}

/* A write is whole, unless the program sees the signal. */
static void whole_writes(void)
{
	struct sigaction a = { .sa_handler = handler };
	int kind;
	long r;

	for (kind = PIPE; kind <= NAMED; kind++) {
		SHOW("whole write", disturbed_write(kind, 0));
		SHOW("whole write", disturbed_write(kind, SIGWINCH));
	}
	sigaction(SIGUSR1, &a, NULL);
	for (kind = PIPE; kind <= NAMED; kind++) {
		r = disturbed_write(kind, SIGUSR1);
		SHOW("a part", r > 0 && r < MANY);
	}
}

/* To standard output, which is a pipe that is read after a while. */
static int whole_output(void)
{
	long r;

	disturbs(SIGWINCH);
	r = write(1, text, MANY);
	fprintf(stderr, "written = %ld\n", r);
	while (wait(NULL) > 0)
		;
	return r != MANY;
}

int main(int argc, char **argv)
{
	struct epoll_event e = { .events = EPOLLIN };
	size_t i;

	if (argc > 1)
		return whole_output();

	(void)!pipe(pipes);
	event = eventfd(0, 0);
	epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &e);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		interrupt(i, 0, false);
		interrupt(i, SA_RESTART, false);
		interrupt(i, 0, true);
	}
	whole_writes();
	return 0;
}
