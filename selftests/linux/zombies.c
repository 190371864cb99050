// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Children that have ended: who may wait for them, when they are forgotten by
 * themselves, and what the signal of their end says.
 */
#include "child.h"
#include "linux_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#define BURN 300000000 /* ns */

static pid_t exits(int code)
{
	pid_t pid = fork();

	if (!pid)
		_exit(code);
	return pid;
}

static void await_zombie(pid_t pid)
{
	waitid(P_PID, pid, NULL, WEXITED | WNOWAIT | __WALL);
}

static pid_t silent_clone(void)
{
	fflush(stdout);
	return syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
}

/* One that has ended, whether it can be waited for or not. */
static pid_t ended(pid_t (*make)(void), int code)
{
	int running[2];
	pid_t pid;
	char c;

	(void)!pipe(running);
	pid = make();
	if (!pid)
		_exit(code);
	close(running[1]);
	(void)!read(running[0], &c, 1);
	close(running[0]);
	/* It closes what it has, and then ends. */
	sleep_ms(200);
	return pid;
}

/* Of a zombie nothing is to be expected but that. */
static void not_for_the_end(void)
{
	pid_t pid = exits(3), late;
	int status, go[2];
	siginfo_t info;
	char c;

	(void)!pipe(go);
	await_zombie(pid);
	TRY(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG));
	TRY(waitid(P_PID, pid, &info, WSTOPPED | WCONTINUED));
	TRY(waitid(P_ALL, 0, &info, WCONTINUED));
	late = fork();
	if (!late) {
		(void)!read(go[0], &c, 1);
		sleep_ms(200);
		_exit(0);
	}
	TRY(waitid(P_ALL, 0, &info, WCONTINUED | WNOHANG));
	(void)!write(go[1], "g", 1);
	TRY(waitid(P_ALL, 0, &info, WSTOPPED | WCONTINUED));
	CHECK(waitpid(late, &status, 0) == late);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
}

/* ---- execve and the signal of the end ---- */

static void ends_as_others(void)
{
	struct timespec patience = { 20, 0 };
	int running[2], go[2], status = -1;
	siginfo_t info;
	sigset_t set;
	pid_t pid;
	char c;

	(void)!pipe(go);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void)!pipe2(running, O_CLOEXEC);
	pid = silent_clone();
	if (!pid) {
		(void)!read(go[0], &c, 1);
		dup2(go[0], 0);
		execl("/proc/self/exe", "zombies", "wait", NULL);
		_exit(1);
	}
	close(running[1]);
	TRY(waitpid(pid, &status, WNOHANG));
	TRY(waitpid(pid, &status, WNOHANG | __WALL));
	(void)!write(go[1], "g", 1);
	(void)!read(running[0], &c, 1);
	TRY(waitpid(pid, &status, WNOHANG));
	(void)!write(go[1], "g", 1);
	CHECK(sigtimedwait(&set, &info, &patience));
	CHECK(info.si_pid == pid);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	/* another of its kind, that ends as it is */
	pid = silent_clone();
	if (!pid)
		_exit(6);
	await_zombie(pid);
	TRY(waitpid(pid, &status, 0));
	CHECK(waitpid(pid, &status, __WALL) == pid);
	CHECK(status);
	patience.tv_sec = 0;
	TRY(sigtimedwait(&set, &info, &patience));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(running[0]);
}

/* ---- SIGCHLD ignored ---- */

static void act(long handler, int flags)
{
	struct sigaction a = { .sa_flags = flags };

	a.sa_handler = (void (*)(int))handler;
	sigaction(SIGCHLD, &a, NULL);
}

/* What counts is what the parent wants when the child ends. */
static void ignored_at(const char *what, long handler, int flags)
{
	pid_t pid = exits(4), second;
	int status = -1;

	printf("%s\n", what);
	await_zombie(pid);
	act(handler, flags);
	second = exits(5);
	TRY(waitpid(second, &status, 0));
	CHECK(waitpid(pid, &status, WNOHANG) == pid);
	CHECK(status);
	second = ended(fork, 5);
	act((long)SIG_DFL, 0);
	pid = exits(4);
	TRY(waitpid(second, &status, 0));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	/* who ends without a signal, is waited for all the same */
	act(handler, flags);
	pid = ended(silent_clone, 7);
	CHECK(waitpid(pid, &status, __WALL) == pid);
	CHECK(status);
	act((long)SIG_DFL, 0);
}

/* A zombie that has another parent is that one's to want or not. */
static void inherited(void)
{
	int status;
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (!pid) {
		await_zombie(exits(8));
		_exit(0);
	}
	await_zombie(pid);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK(status);
	pid = fork();
	if (!pid) {
		await_zombie(exits(8));
		(void)!read(0, &status, 1);
		sleep_ms(200);
		_exit(0);
	}
	act((long)SIG_IGN, 0);
	TRY(waitpid(-1, &status, 0));
	act((long)SIG_DFL, 0);
}

/* ---- what the signal says ---- */

static void burn(void)
{
	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < BURN)
		;
}

static void told(const char *what, int code)
{
	struct timespec patience = { 60, 0 };
	siginfo_t info = { 0 };
	sigset_t set;

	printf("%s\n", what);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(sigtimedwait(&set, &info, &patience));
	CHECK(info.si_code == code);
	CHECK(info.si_status);
	CHECK(info.si_utime + info.si_stime > 0);
	CHECK(info.si_utime + info.si_stime < 1000);
}

static void usage_told(void)
{
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (!pid) {
		burn();
		raise(SIGSTOP);
		_exit(9);
	}
	told("stopped", CLD_STOPPED);
	kill(pid, SIGCONT);
	waitpid(pid, NULL, WCONTINUED);
	waitpid(pid, NULL, 0);
	told("exited", CLD_EXITED);
	pid = fork();
	if (!pid) {
		burn();
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	told("killed", CLD_KILLED);
}

int main(int argc, char **argv)
{
	char c;

	if (argc > 1)
		return read(0, &c, 1) == 1 ? 5 : 6;
	setvbuf(stdout, NULL, _IONBF, 0);
	not_for_the_end();
	ends_as_others();
	ignored_at("ignored", (long)SIG_IGN, 0);
	ignored_at("SA_NOCLDWAIT", (long)SIG_DFL, SA_NOCLDWAIT);
	SHOW("inherited", in_child(inherited));
	usage_told();
	return 0;
}
