// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The masks of ppoll, pselect and epoll_pwait: a call that found something gives
 * the old mask back before any signal is taken; one that a signal ended, after.
 */
#include "linux_test.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

static int pipes[2], instance;
static volatile int seen;

static void handler(int signal)
{
	seen++;
}

static long do_ppoll(const sigset_t *set)
{
	struct pollfd p = { .fd = pipes[0], .events = POLLIN };

	return ppoll(&p, 1, NULL, set);
}

static long do_pselect(const sigset_t *set)
{
	fd_set fds;

	FD_ZERO(&fds);
	FD_SET(pipes[0], &fds);
	return pselect(pipes[0] + 1, &fds, NULL, NULL, NULL, set);
}

static long do_epoll(const sigset_t *set)
{
	struct epoll_event e;

	return epoll_pwait(instance, &e, 1, -1, set);
}

static long do_epoll2(const sigset_t *set)
{
	struct epoll_event e;

	return syscall(SYS_epoll_pwait2, instance, &e, 1, NULL, set, 8);
}

static const struct {
	const char *name;
	long (*call)(const sigset_t *set);
} calls[] = {
	{ "ppoll", do_ppoll },
	{ "pselect", do_pselect },
	{ "epoll_pwait", do_epoll },
	{ "epoll_pwait2", do_epoll2 },
};

static bool blocked(void)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, SIGUSR1);
}

static void try_call(int i)
{
	struct timespec none = { 0, 0 };
	sigset_t empty, set;
	char c;

	printf("%s\n", calls[i].name);
	sigemptyset(&empty);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	seen = 0;
	raise(SIGUSR1);
	/* Nothing is there: the signal ends it. */
	TRY(calls[i].call(&empty));
	CHECK(seen);
	CHECK(blocked());
	/* Something is: the signal stays where it is. */
	(void)!write(pipes[1], "x", 1);
	raise(SIGUSR1);
	TRY(calls[i].call(&empty));
	CHECK(seen);
	CHECK(blocked());
	TRY(sigtimedwait(&set, NULL, &none));
	TRY(calls[i].call(&empty));
	CHECK(blocked());
	(void)!read(pipes[0], &c, 1);
}

int main(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	sigset_t set;
	size_t i;

	signal(SIGUSR1, handler);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void)!pipe(pipes);
	instance = epoll_create1(0);
	epoll_ctl(instance, EPOLL_CTL_ADD, pipes[0], &e);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		try_call(i);
	return 0;
}
