// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Parents and children: several threads that wait for them, children that come
 * meanwhile, parents that are killed, and many signals at once.
 */
#include "linux_test.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ROUNDS 50
#define SIGNALS 300

static volatile int handled;

static void handler(int signal)
{
	handled++;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	return pid;
}

static void *wait_for_any(void *status)
{
	return (void *)(long)waitpid(-1, status, 0);
}

/* Who waits for any child, waits for those as well that come later. */
static void born_later(void)
{
	pid_t first = sleeper(), second;
	int status = -1;
	pthread_t t;
	void *found;

	pthread_create(&t, NULL, wait_for_any, &status);
	sleep_ms(100);
	second = fork();
	if (!second)
		_exit(7);
	pthread_join(t, &found);
	CHECK((long)found == second);
	CHECK(status);
	kill(first, SIGKILL);
	CHECK(waitpid(first, &status, 0) == first);
	CHECK(status);
	TRY(waitpid(-1, &status, 0));
}

static pthread_barrier_t before, between;

/* Sees its child stop and go on, every time. */
static void *watch(void *child)
{
	long good = 0;
	int status, i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&before);
		good += waitpid(*(pid_t *)child, &status, WUNTRACED) > 0 &&
			WIFSTOPPED(status);
		pthread_barrier_wait(&between);
		good += waitpid(*(pid_t *)child, &status, WCONTINUED) > 0 &&
			WIFCONTINUED(status);
	}
	return (void *)good;
}

static void several_wait(void)
{
	pid_t children[2] = { sleeper(), sleeper() };
	pthread_t threads[2];
	void *good;
	int i, k;

	pthread_barrier_init(&before, NULL, 3);
	pthread_barrier_init(&between, NULL, 3);
	for (k = 0; k < 2; k++)
		pthread_create(&threads[k], NULL, watch, &children[k]);
	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&before);
		for (k = 0; k < 2; k++)
			kill(children[k], SIGSTOP);
		pthread_barrier_wait(&between);
		for (k = 0; k < 2; k++)
			kill(children[k], SIGCONT);
	}
	for (k = 0; k < 2; k++) {
		pthread_join(threads[k], &good);
		SHOW("seen", (long)good);
		kill(children[k], SIGKILL);
		waitpid(children[k], NULL, 0);
	}
}

/* A parent that waits in vfork() is killed like any other. */
static void killed_in_vfork(int signal)
{
	pid_t parent, child = 0;
	int tell[2], status = -1;
	char c;

	(void)!pipe(tell);
	parent = fork();
	if (!parent) {
		if (!vfork()) {
			child = getpid();
			(void)!write(tell[1], &child, sizeof(child));
			for (;;)
				pause();
		}
		_exit(1);
	}
	close(tell[1]);
	CHECK(read(tell[0], &child, sizeof(child)));
	sleep_ms(100);
	TRY(kill(parent, signal));
	CHECK(waitpid(parent, &status, 0) == parent);
	CHECK(status);
	kill(child, SIGKILL);
	/* It is gone as well. */
	TRY(read(tell[0], &c, 1));
	close(tell[0]);
}

/* None of many is lost, and the order is kept. */
static void queued(void)
{
	struct timespec none = { 0, 0 };
	union sigval value;
	int go[2], taken = 0, ordered = 0, sent = 0, i;
	siginfo_t info;
	sigset_t set;
	pid_t pid;
	char c;

	(void)!pipe(go);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (!pid) {
		close(go[1]);
		(void)!read(go[0], &c, 1);
		while (sigtimedwait(&set, &info, &none) > 0) {
			ordered += info.si_value.sival_int == taken;
			taken++;
		}
		SHOW("taken", taken);
		SHOW("in order", ordered);
		_exit(0);
	}
	for (i = 0; i < SIGNALS; i++) {
		value.sival_int = i;
		sent += !sigqueue(pid, SIGRTMIN, value);
	}
	SHOW("sent", sent);
	close(go[0]);
	close(go[1]);
	waitpid(pid, NULL, 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void *by_thread(void *unused)
{
	union sigval value = { .sival_int = 1 };

	/* Its number means the process, too. */
	TRY(kill(own_tid(), 0));
	TRY(kill(own_tid(), SIGUSR1));
	TRY(sigqueue(own_tid(), 0, value));
	while (handled < 1)
		sleep_ms(1);
	CHECK(handled);
	return unused;
}

static void numbers(void)
{
	pid_t pid = sleeper();
	pthread_t t;

	signal(SIGUSR1, handler);
	pthread_create(&t, NULL, by_thread, NULL);
	pthread_join(t, NULL);
	TRY(syscall(SYS_tgkill, pid, pid, 0));
	TRY(syscall(SYS_tgkill, pid, getpid(), 0));
	TRY(syscall(SYS_tgkill, pid, getpid(), SIGKILL));
	TRY(syscall(SYS_tgkill, getpid(), pid, 0));
	TRY(kill(pid, 0));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	TRY(kill(pid, 0));
}

/* Reports to @tell who its parent is, once that is @parent, and ends with @code. */
static void grandchild(int tell, pid_t parent, int code)
{
	pid_t self = getpid();
	int i, good;

	for (i = 0; i < 1000 && getppid() != parent; i++)
		sleep_ms(10);
	good = getppid() == parent;
	(void)!write(tell, &self, sizeof(self));
	(void)!write(tell, &good, sizeof(good));
	_exit(code);
}

/* What the grandchild said, and how it ended: it is our child by then. */
static void adopted(int from)
{
	int good = 0, status = -1;
	pid_t pid = 0;

	CHECK(read(from, &pid, sizeof(pid)));
	CHECK(read(from, &good, sizeof(good)));
	CHECK(good);
	CHECK(waitpid(-1, &status, 0) == pid);
	CHECK(status);
}

/* Orphans of children, of grandchildren, and of those that were killed. */
static void reaped(void)
{
	pid_t self = getpid(), child;
	int tell[2], status = -1;
	int set = -1, i;

	(void)!pipe(tell);
	TRY(prctl(PR_GET_CHILD_SUBREAPER, &set));
	CHECK(set);
	TRY(prctl(PR_SET_CHILD_SUBREAPER, 1));
	TRY(prctl(PR_GET_CHILD_SUBREAPER, &set));
	CHECK(set);
	signal(SIGCHLD, handler);
	handled = 0;
	/* the parent ends, or is killed */
	for (i = 0; i < 2; i++) {
		child = fork();
		if (!child) {
			prctl(PR_GET_CHILD_SUBREAPER, &set);
			if (!fork())
				grandchild(tell[1], self, 5 + i);
			if (!i)
				_exit(set);
			raise(SIGSTOP);
		}
		if (i) {
			waitpid(child, &status, WUNTRACED);
			CHECK(status);
			TRY(kill(child, SIGKILL));
		}
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(status);
		adopted(tell[0]);
		CHECK(waitpid(-1, &status, 0) == -1);
	}
	/* of the child it is, and of the child that ends as well, ours */
	child = fork();
	if (!child) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (!fork()) {
			if (!fork())
				grandchild(tell[1], self, 7);
			_exit(0);
		}
		wait(NULL);
		_exit(waitpid(-1, &status, WNOHANG));
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(status);
	adopted(tell[0]);
	/* one that had ended and nobody had waited for */
	child = fork();
	if (!child) {
		siginfo_t info;

		child = fork();
		if (!child)
			_exit(9);
		waitid(P_PID, child, &info, WEXITED | WNOWAIT);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK(status);
	CHECK(handled >= 4);
	CHECK(waitpid(-1, &status, WNOHANG));
	TRY(prctl(PR_SET_CHILD_SUBREAPER, 0));
	signal(SIGCHLD, SIG_DFL);
	close(tell[0]);
	close(tell[1]);
}

/* Makes an orphan that reports, stops if it is to, and ends with @code. */
static pid_t orphan(const int *tell, bool stops, int code)
{
	pid_t self = getpid(), child = fork(), pid = 0;
	int i;

	if (!child) {
		if (!fork()) {
			for (i = 0; i < 1000 && getppid() != self; i++)
				sleep_ms(10);
			pid = getpid();
			(void)!write(tell[1], &pid, sizeof(pid));
			if (stops)
				raise(SIGSTOP);
			_exit(code);
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
	(void)!read(tell[0], &pid, sizeof(pid));
	return pid;
}

/* By who does not want to know of it, or of stops, or no longer takes any. */
static void reaped_otherwise(void)
{
	struct sigaction act = { .sa_handler = handler,
				 .sa_flags = SA_NOCLDSTOP };
	int tell[2], status = -1;
	pid_t pid;

	(void)!pipe(tell);
	TRY(prctl(PR_SET_CHILD_SUBREAPER, 1));
	signal(SIGCHLD, SIG_IGN);
	pid = orphan(tell, false, 3);
	TRY(waitpid(pid, &status, 0));
	sigaction(SIGCHLD, &act, NULL);
	pid = orphan(tell, true, 4);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	CHECK(status);
	TRY(kill(pid, SIGCONT));
	CHECK(waitpid(-1, &status, 0) == pid);
	CHECK(status);
	pid = orphan(tell, true, 5);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	TRY(prctl(PR_SET_CHILD_SUBREAPER, 0));
	kill(pid, SIGCONT);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	signal(SIGCHLD, SIG_DFL);
	close(tell[0]);
	close(tell[1]);
}

/* Whose end waitpid() tells has no file open any more, however it ended. */
static void files_closed(void)
{
	int open = 0, reused = 0, go[2], in[2], status, s, i;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 8;

	signal(SIGPIPE, SIG_IGN);
	memcpy(name.sun_path, "\0parents", 8);
	for (i = 0; i < ROUNDS; i++) {
		pid_t pid;
		char c;

		if (pipe(in) || pipe(go))
			break;
		pid = fork();
		if (pid < 0)
			break;
		if (!pid) {
			s = socket(AF_UNIX, SOCK_STREAM, 0);
			(void)!bind(s, (struct sockaddr *)&name, length);
			(void)!listen(s, 1);
			(void)!write(go[1], "x", 1);
			close(in[1]);
			(void)!read(in[0], &c, 1);
			_exit(0);
		}
		close(in[0]);
		(void)!read(go[0], &c, 1);
		if (i % 2)
			kill(pid, SIGKILL);
		else
			(void)!write(in[1], "x", 1);
		while (!waitpid(pid, &status, i % 4 < 2 ? WNOHANG : 0))
			;
		if (write(in[1], "x", 1) != -1 || errno != EPIPE)
			open++;
		s = socket(AF_UNIX, SOCK_STREAM, 0);
		if (bind(s, (struct sockaddr *)&name, length))
			reused++;
		close(s);
		close(in[1]);
		close(go[0]);
		close(go[1]);
	}
	CHECK(i);
	CHECK(open);
	CHECK(reused);
}

int main(void)
{
	files_closed();
	born_later();
	several_wait();
	killed_in_vfork(SIGKILL);
	killed_in_vfork(SIGTERM);
	queued();
	numbers();
	reaped();
	reaped_otherwise();
	return 0;
}
