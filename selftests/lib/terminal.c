// SPDX-License-Identifier: GPL-2.0-only
/* A terminal for an image; see terminal.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "outside.h"
#include "terminal.h"

static struct {
	int master, slave; /* -1: closed */
	pid_t group; /* the image's */
	int stops;
} terminal = { -1, -1, 0, 0 };

int terminal_slave(void)
{
	return terminal.slave;
}

int terminal_open(void)
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

int terminal_leave(void)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	return setpgid(0, getsid(0)) ? -errno : 0;
}

static int terminal_foreground(pid_t group)
{
	return tcsetpgrp(terminal.slave, group) ? -errno : 0;
}

void terminal_later(const struct outside *o,
		    bool (*stopped)(const struct outside *o))
{
	struct pollfd p = { .fd = o->from, .events = POLLIN };

	terminal.stops = 0;
	/* At most a minute: then the image is not going to say anything. */
	for (int i = 0; i < 6000 && !poll(&p, 1, 10); i++) {
		if (!stopped(o))
			continue;
		if (++terminal.stops > 1)
			terminal_foreground(terminal.group);
		kill(-terminal.group, SIGCONT);
	}
}

long terminal_request(const char *line)
{
	int shown;

	if (!terminal.group)
		return -ENOTTY;
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
	return -EINVAL;
}
