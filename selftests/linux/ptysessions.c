// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pseudo-terminals: whose controlling terminal they are, what becomes of one
 * end when the other goes, and many processes at both.
 */
#include "ptys.h"

#include <signal.h>
#include <sys/wait.h>

static void hang_ups(void)
{
	char c;

	begin();
	PRINT("last");
	close(slave);
	SHOW("master", ready(master));
	show("what was left", master, 4);
	TRY(read(master, &c, 1));
	SHOW("master", ready(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	SHOW("again", slave >= 0);
	SHOW("master", ready(master));
	TYPE("lost\n");
	comes(slave, LIMIT_MS);
	close(master);
	TRY(read(slave, &c, 1));
	TRY(write(slave, "x", 1));
	TRY(tcgetpgrp(slave));
	TRY(tcsetpgrp(slave, 1));
	SHOW("slave", ready(slave));
	TRY(isatty(slave));
	close(slave);

	/* Copies in other processes count. */
	begin();
	if (!fork()) {
		close(master);
		sleep_ms(100);
		PRINT("child");
		_exit(0);
	}
	close(slave);
	show("of the child", master, 5);
	TRY(read(master, &c, 1));
	wait(NULL);
	close(master);
	begin();
	if (!fork()) {
		close(slave);
		sleep_ms(300);
		raise(SIGKILL);
	}
	close(master);
	TRY(read(slave, &c, 1));
	wait(NULL);
	close(slave);
}

static volatile sig_atomic_t got[65];

static void count(int signal)
{
	got[signal]++;
}

static void handle(int signal)
{
	struct sigaction a = { .sa_handler = count };

	sigaction(signal, &a, NULL);
}

static void say(const char *text)
{
	write(1, text, strlen(text));
}

/* ---- a session of its own ---- */

/* Not pause(): the signal may come just before that. */
static void await(int signal)
{
	while (!got[signal])
		sleep_ms(5);
}

static void signalled(int signal, const char *name)
{
	await(signal);
	say(name);
	got[signal] = 0;
}

static void leader(void)
{
	struct termios t;
	struct winsize w;
	char c;
	int fd;

	/* Echo and what is printed may come in either order. */
	tcgetattr(0, &t);
	t.c_lflag &= ~ECHO;
	TRY(tcsetattr(0, TCSANOW, &t));
	handle(SIGINT);
	handle(SIGQUIT);
	handle(SIGTSTP);
	handle(SIGWINCH);
	handle(SIGHUP);
	handle(SIGCONT);
	SHOW("foreground", tcgetpgrp(0) == getpid());
	SHOW("session", tcgetsid(0) == getpid());
	TRY(setpgid(0, 0));
	fd = open("/dev/tty", O_RDWR);
	SHOW("/dev/tty", fd >= 0);
	SHOW("its name", !strcmp(ttyname(0), ttyname(1)));
	SHOW("its size", ioctl(fd, TIOCGWINSZ, &w) == 0);
	close(fd);
	say("int?");
	signalled(SIGINT, "int");
	say("quit?");
	signalled(SIGQUIT, "quit");
	say("stop?");
	signalled(SIGTSTP, "stop");
	say("size?");
	signalled(SIGWINCH, "size");
	say("sig?");
	signalled(SIGINT, "sig");
	say("read?");
	errno = 0;
	if (read(0, &c, 1) == -1 && errno == EINTR)
		say("interrupted");

	/* A child in the background that reads is stopped. */
	if (!fork()) {
		setpgid(0, 0);
		signal(SIGTTIN, SIG_DFL);
		read(0, &c, 1);
		_exit(0);
	}
	waitpid(-1, &fd, WUNTRACED);
	SHOW("stopped", WIFSTOPPED(fd) && WSTOPSIG(fd) == SIGTTIN);
	if (!fork()) {
		TRY(ioctl(0, TIOCNOTTY));
		TRY(open("/dev/tty", O_RDWR));
		TRY(tcgetpgrp(0));
		_exit(0);
	}
	wait(NULL);
	say("hup?");
	signalled(SIGHUP, "");
	/* Nobody sees this. */
	say("gone");
	_exit(got[SIGCONT] == 1 && open("/dev/tty", O_RDWR) == -1 &&
			      errno == ENXIO ?
		      17 :
		      1);
}

/* What the leader prints up to @text. */
static void until(const char *text)
{
	static char seen[65536];
	size_t n = strlen(seen);

	while (!strstr(seen, text) && comes(master, LIMIT_MS)) {
		ssize_t r = read(master, seen + n, sizeof(seen) - n - 1);

		if (r <= 0)
			break;
		n += r;
		seen[n] = 0;
	}
	print_bytes("session", seen, n);
	memset(seen, 0, sizeof(seen));
}

static void session(void)
{
	struct winsize w = { 30, 70, 0, 0 };
	int status = 0;
	pid_t pid;

	pid = forkpty(&master, NULL, NULL, NULL);
	if (!pid)
		leader();
	until("int?");
	SHOW("its group", tcgetpgrp(master) == pid);
	SHOW("its session", tcgetsid(master) == pid);
	TYPE("\003");
	until("quit?");
	TYPE("\034");
	until("stop?");
	TYPE("\032");
	until("size?");
	TRY(ioctl(master, TIOCSWINSZ, &w));
	until("sig?");
	TRY(ioctl(master, TIOCSIG, SIGINT));
	until("read?");
	sleep_ms(50);
	TYPE("\003");
	until("hup?");
	close(master);
	waitpid(pid, &status, 0);
	SHOW("exit", WEXITSTATUS(status));
}

/* The leader's end. */
static void left(void)
{
	int status = 0, tell[2], fd;
	char c = 0;
	pid_t pid;

	pipe(tell);
	pid = forkpty(&master, NULL, NULL, NULL);
	if (!pid) {
		handle(SIGHUP);
		if (!fork()) {
			write(tell[1], "r", 1);
			await(SIGHUP);
			/* It is told before the terminal is taken away. */
			for (fd = 0; fd < 1000 && tcgetpgrp(0) != -1; fd++)
				sleep_ms(10);
			write(tell[1], tcgetpgrp(0) == -1 ? "h" : "?", 1);
			_exit(0);
		}
		read(tell[0], &c, 1);
		_exit(3);
	}
	close(tell[1]);
	waitpid(pid, &status, 0);
	SHOW("exit", WEXITSTATUS(status));
	read(tell[0], &c, 1);
	SHOW("the other was told", c);
	show("master", master, 1);
	close(master);
	close(tell[0]);
}

/* A leader without a terminal gets the first that it opens. */
static void acquired(void)
{
	int status = 0;
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		char *name = ttyname(slave);
		int fd;

		setsid();
		TRY(open("/dev/tty", O_RDWR));
		fd = open(name, O_RDWR | O_NOCTTY);
		TRY(tcgetpgrp(fd));
		close(open(name, O_WRONLY));
		TRY(tcgetpgrp(fd));
		close(open(name, O_RDWR));
		SHOW("mine", tcgetpgrp(fd) == getpid());
		TRY(ioctl(fd, TIOCSCTTY, 0));
		if (!fork()) {
			setsid();
			TRY(ioctl(fd, TIOCSCTTY, 0));
			_exit(0);
		}
		wait(NULL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	SHOW("exit", WEXITSTATUS(status));
	SHOW("nobody's", tcgetpgrp(master));
	TRY(tcgetsid(master));
	end();
}

/* Across execve, and as standard input of another program. */
static void programs(void)
{
	int status = 0;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	if (!pid) {
		execl("/bin/sh", "sh", "-c",
		      "stty -echo; stty size; read x; echo \"got $x\"; "
		      "test -t 0 && echo tty; echo to tty >/dev/tty; "
		      "(sleep 0.1; echo last) & wait; exit 5",
		      NULL);
		_exit(127);
	}
	until("0 0\r\n");
	TYPE("a word\n");
	until("last\r\n");
	waitpid(pid, &status, 0);
	SHOW("exit", WEXITSTATUS(status));
	close(master);
}

/* Many processes at both ends at once: nothing is lost or doubled. */
static void many(void)
{
	struct termios t;
	char text[512];
	long sum = 0, lines = 0, r, i;
	int k;

	begin();
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	for (k = 0; k < 4; k++) {
		if (!fork()) {
			close(master);
			for (i = 0; i < 200; i++)
				PRINT("0123456789\n");
			_exit(0);
		}
	}
	close(slave);
	while ((r = read(master, text, sizeof(text))) > 0) {
		sum += r;
		for (i = 0; i < r; i++)
			lines += text[i] == '\n';
	}
	SHOW("end", errno);
	SHOW("bytes", sum);
	SHOW("lines", lines);
	while (wait(NULL) > 0)
		;
	close(master);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTTOU, SIG_IGN);
	hang_ups();
	session();
	left();
	acquired();
	programs();
	many();
	return 0;
}
