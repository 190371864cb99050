/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A terminal for an image, and what its other side does on request: see
 * image_main.c. The image is in a process group of its own, whose leader is in
 * the session's other one: so it can be in the background and be stopped there.
 */
#ifndef _PICO_TEST_TERMINAL_H
#define _PICO_TEST_TERMINAL_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static struct {
	int master, slave; /* -1: closed */
	pid_t group; /* the image's */
	int stops;
} terminal = { -1, -1, 0, 0 };

/* In the child: a leader of a group of a new session, which has the terminal. */
static int terminal_open(void)
{
	const char *name;
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid) {
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setsid() < 0)
		return -errno;
	terminal.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal.master < 0 || grantpt(terminal.master) ||
	    unlockpt(terminal.master))
		return -errno;
	name = ptsname(terminal.master);
	/* The first one that a session opens is its own. */
	terminal.slave = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	if (terminal.slave < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid) {
		signal(SIGHUP, SIG_IGN);
		close(terminal.master);
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	terminal.group = getpid();
	return setpgid(0, 0) ? -errno : 0;
}

/* The image has been started. */
static int terminal_leave(void)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	return setpgid(0, getsid(0)) ? -errno : 0;
}

static int terminal_foreground(pid_t group)
{
	return tcsetpgrp(terminal.slave, group) ? -errno : 0;
}

/*
 * Until the image says something, it is let go on when it has stopped; from the
 * second time on in the foreground.
 */
static void terminal_later(int from, bool (*stopped)(void))
{
	struct pollfd p = { .fd = from, .events = POLLIN };

	terminal.stops = 0;
	while (!poll(&p, 1, 10)) {
		if (!stopped())
			continue;
		if (++terminal.stops > 1)
			terminal_foreground(terminal.group);
		kill(-terminal.group, SIGCONT);
	}
}

/* The value of a request, or -ENOSYS. */
static long terminal_request(const char *line)
{
	int shown;

	if (!strncmp(line, "@type ", 6))
		return write(terminal.master, line + 6, strlen(line + 6));
	if (!strcmp(line, "@foreground\n"))
		return terminal_foreground(terminal.group);
	if (!strcmp(line, "@background\n"))
		return terminal_foreground(getsid(0));
	if (!strcmp(line, "@stops\n"))
		return terminal.stops;
	if (!strcmp(line, "@shown\n"))
		return ioctl(terminal.master, FIONREAD, &shown) ? -errno :
								  shown;
	if (!strcmp(line, "@hangup\n"))
		return close(terminal.master) ? -errno : 0;
	return -ENOSYS;
}

#endif
