// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Pseudo-terminals that are sent to another process: an end is open while it
 * is on its way, and however a message ends, no end stays open or goes early.
 */
#include "rights.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

static int master, slave, s[2];

static void start(int type)
{
	struct termios raw = { .c_cflag = CS8 | CREAD };

	cfmakeraw(&raw);
	CHECK(openpty(&master, &slave, NULL, &raw, NULL));
	fcntl(master, F_SETFL, O_NONBLOCK);
	CHECK(socketpair(AF_UNIX, type, 0, s));
}

static void end(void)
{
	close(s[0]);
	close(s[1]);
	close(master);
	close(slave);
}

/* What the other end says when no process has @fd's peer, or some has. */
static long says(int fd)
{
	char byte;

	return read(fd, &byte, 1) < 0 ? -errno : 1;
}

static void used_by_another(void)
{
	char text[8] = "", name[64] = "";
	int status = -1, fd;
	pid_t child;

	start(SOCK_STREAM);
	close(slave);
	child = fork();
	if (!child) {
		close(master);
		fd = take(s[1], "slave");
		if (ttyname_r(fd, name, sizeof(name)) || access(name, F_OK))
			_exit(1);
		if (write(fd, "hello", 5) != 5 || read(fd, text, 5) != 5)
			_exit(2);
		_exit(strcmp(text, "there") ? 3 : 0);
	}
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK(pass(s[0], slave, "slave"));
	close(slave);
	fcntl(master, F_SETFL, 0);
	TRY(read(master, text, 5));
	printf("%s\n", text);
	TRY(write(master, "there", 5));
	waitpid(child, &status, 0);
	SHOW("child", status);
	TRY(says(master));
	end();
}

static void on_their_way(int type)
{
	int m, l;

	start(type);
	TRY(pass(s[0], slave, "slave"));
	close(slave);
	/* Nobody has it, and it is open. */
	TRY(says(master));
	slave = take(s[1], "slave");
	CHECK(slave >= 0);
	TRY(pass(s[0], master, "master"));
	close(master);
	TRY(write(slave, "a", 1));
	master = take(s[1], "master");
	fcntl(master, F_SETFL, O_NONBLOCK);
	TRY(says(master));
	TRY(says(master));
	/* Both, and several times the same. */
	TRY(pass_many(s[0], (int[]){ slave, slave }, 2, "two", 0));
	l = take(s[1], "two");
	close(l);
	TRY(pass(s[0], master, "master"));
	m = take_with(s[1], "master", MSG_PEEK);
	close(m);
	m = take(s[1], "master");
	close(m);
	close(slave);
	TRY(says(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	close(master);
	TRY(says(slave));
	TRY(write(slave, "b", 1));
	end();
}

/* Messages that come to nothing. */
static void not_taken(void)
{
	char byte;
	long r;

	start(SOCK_STREAM);
	TRY(pass(s[0], master, "m"));
	TRY(read(s[1], &byte, 1));
	TRY(pass(s[0], master, ""));
	close(s[1]);
	TRY(pass_many(s[0], &master, 1, "gone", MSG_NOSIGNAL));
	close(master);
	TRY(says(slave));
	end();
	start(SOCK_DGRAM);
	do
		r = pass_many(s[0], &master, 1, "full", MSG_DONTWAIT);
	while (r > 0);
	SHOW("full", r < 0 ? -errno : r);
	do
		r = recv(s[1], &byte, 1, MSG_DONTWAIT);
	while (r > 0);
	SHOW("empty", r < 0 ? -errno : r);
	close(master);
	TRY(says(slave));
	end();
}

int main(void)
{
	used_by_another();
	on_their_way(SOCK_STREAM);
	on_their_way(SOCK_SEQPACKET);
	not_taken();
	return 0;
}
