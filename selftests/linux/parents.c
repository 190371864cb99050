// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Parents and children: several threads that wait for them, children that come
 * meanwhile, parents that are killed, and many signals at once.
 */
#include "linux_test.h"

#include <pthread.h>
#include <signal.h>
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

int main(void)
{
	born_later();
	several_wait();
	killed_in_vfork(SIGKILL);
	killed_in_vfork(SIGTERM);
	queued();
	numbers();
	return 0;
}
