// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process groups whose last parent outside of them ends, by itself or killed:
 * stopped members go on, and nobody stops who would not be continued. And a
 * killed leader of a session.
 *
 * orphaned race: the same at the moment when it happens. Linux may leave a
 * process stopped then: between its look at the group and its stop, the parent
 * ends and sees nobody who has stopped.
 *
 * orphaned outside: the shell is ended by somebody else, when it has said so.
 *
 * All in a session of its own, at a pseudo-terminal that is left at the end.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#define ROUNDS 200

/* What the session says; its terminal is for other things. */
static int report;

#define REPORT(...) dprintf(report, __VA_ARGS__)

static volatile sig_atomic_t hups, conts;

static void count(int signal)
{
	if (signal == SIGHUP)
		hups++;
	else
		conts++;
}

static void count_both(void)
{
	struct sigaction a = { .sa_handler = count };

	sigaction(SIGHUP, &a, NULL);
	sigaction(SIGCONT, &a, NULL);
}

/* In a child's child: its parent, process @pid, has ended. */
static void await_end_of(pid_t pid)
{
	while (getppid() == pid)
		;
}

/* @body in a process of a group whose leader, its parent, ends meanwhile. */
#define ORPHAN(body)							\
	do {								\
		pid_t leader_ = fork();					\
									\
		if (!leader_) {						\
			leader_ = getpid();				\
			setpgid(0, 0);					\
			if (fork())					\
				_exit(0);				\
			body;						\
			_exit(0);					\
		}							\
		waitpid(leader_, NULL, 0);				\
	} while (0)

/* It reads from the terminal as soon as it has another parent. */
static void readers(void)
{
	int tell[2], error, others = 0, i;
	char c;

	pipe(tell);
	for (i = 0; i < ROUNDS; i++) {
		ORPHAN({
			await_end_of(leader_);
			error = read(0, &c, 1) == -1 ? errno : 0;
			write(tell[1], &error, sizeof(error));
		});
		read(tell[0], &error, sizeof(error));
		others += error != EIO;
	}
	REPORT("readers: %d rounds, %d other errors\n", i, others);
}

/* It stops itself, before, after or while that happens, and goes on. */
static void stoppers(void)
{
	int tell[2], i;
	char c;

	pipe(tell);
	for (i = 0; i < ROUNDS; i++) {
		ORPHAN({
			count_both();
			if (i % 2)
				sched_yield();
			raise(SIGTSTP);
			write(tell[1], "c", 1);
		});
		read(tell[0], &c, 1);
	}
	REPORT("stoppers: %d rounds\n", i);
}

/* A stopped job whose shell is killed, by itself or from @outside. */
static void killed_shell(bool outside)
{
	int tell[2], status;
	char text[16] = "";
	pid_t shell;

	pipe(tell);
	shell = fork();
	if (!shell) {
		pid_t job = fork();

		if (!job) {
			setpgid(0, 0);
			count_both();
			raise(SIGSTOP);
			dprintf(tell[1], "%d %d", hups, conts);
			_exit(0);
		}
		waitpid(job, NULL, WUNTRACED);
		if (outside) {
			REPORT("ready\n");
			pause();
		}
		raise(SIGKILL);
	}
	waitpid(shell, &status, 0);
	read(tell[0], text, sizeof(text) - 1);
	REPORT("a killed shell: %d, %s\n", WTERMSIG(status), text);
}

/* A stopped member of a group whose leader, its parent, is killed. */
static void killed_member(void)
{
	char text[16] = "";
	int tell[2];
	pid_t pid;

	pipe(tell);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		pid = fork();
		if (!pid) {
			count_both();
			raise(SIGSTOP);
			dprintf(tell[1], "%d %d", hups, conts);
			_exit(0);
		}
		waitpid(pid, NULL, WUNTRACED);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	read(tell[0], text, sizeof(text) - 1);
	REPORT("a killed member: %s\n", text);
}

static void session(bool race)
{
	signal(SIGTTOU, SIG_IGN);
	if (race) {
		stoppers();
	} else {
		readers();
		killed_shell(false);
		killed_member();
	}
	_exit(0);
}

/* The foreground of a killed leader's terminal is hung up. */
static void killed_leader(void)
{
	int master, tell[2], status;
	char c = 0;
	pid_t pid;

	pipe(tell);
	pid = forkpty(&master, NULL, NULL, NULL);
	if (!pid) {
		count_both();
		if (!fork()) {
			write(tell[1], "r", 1);
			while (!hups)
				sleep_ms(5);
			while (tcgetpgrp(0) != -1)
				sleep_ms(5);
			write(tell[1], "h", 1);
			_exit(0);
		}
		pause();
	}
	read(tell[0], &c, 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	read(tell[0], &c, 1);
	REPORT("a killed leader: %d, %c\n", WTERMSIG(status), c);
	close(master);
}

int main(int argc, char **argv)
{
	bool race = argc > 1 && !strcmp(argv[1], "race");
	int master, status;
	pid_t pid;

	report = dup(1);
	if (argc > 1 && !strcmp(argv[1], "outside")) {
		killed_shell(true);
		return 0;
	}
	pid = forkpty(&master, NULL, NULL, NULL);
	if (!pid)
		session(race);
	waitpid(pid, &status, 0);
	REPORT("session: %d\n", status);
	close(master);
	if (!race)
		killed_leader();
	return 0;
}
