// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Tables of descriptors, working directories and umasks that threads share, and
 * then do not: close_range(), unshare().
 */
#include "folder.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

static int fds[6];
static pthread_barrier_t turn;

#define IS_OPEN(fd) (fcntl(fd, F_GETFD) >= 0)
#define CLOSES(fd) (fcntl(fd, F_GETFD) & FD_CLOEXEC)

static void open_all(void)
{
	for (int i = 0; i < 6; i++) {
		close(40 + i);
		fds[i] = open("file", O_RDONLY);
		dup2(fds[i], 40 + i);
		close(fds[i]);
		fds[i] = 40 + i;
	}
}

static void show_all(const char *who)
{
	printf("%s:", who);
	for (int i = 0; i < 6; i++)
		printf(" %s", !IS_OPEN(fds[i]) ? "-" :
			      CLOSES(fds[i])   ? "cloexec" :
						 "open");
	printf("\n");
}

/* @how to @first to @last in a thread; then what both see. */
static unsigned int first, last, how;

static void *closing(void *unused)
{
	(void)unused;
	TRY(close_range(first, last, how));
	show_all("thread");
	return NULL;
}

static void range(unsigned int a, unsigned int b, unsigned int flags)
{
	pthread_t thread;

	open_all();
	first = a;
	last = b;
	how = flags;
	pthread_create(&thread, NULL, closing, NULL);
	pthread_join(thread, NULL);
	show_all("main");
}

static void *unsharing(void *unused)
{
	char b[8];
	int p[2];

	(void)unused;
	TRY(unshare(CLONE_FILES | CLONE_FS));
	TRY(close(fds[0]));
	TRY(dup2(fds[1], 50));
	TRY(chdir("dir"));
	TRY(umask(0));
	TRY(pipe(p));
	pthread_barrier_wait(&turn);
	/* main looks */
	pthread_barrier_wait(&turn);
	SHOW("thread has it", IS_OPEN(fds[0]));
	TRY(IS_OPEN(50));
	TRY(access("sub", F_OK));
	/* a child has this thread's, and nothing of the others' */
	if (!fork()) {
		SHOW("child has it", IS_OPEN(fds[0]));
		TRY(access("sub", F_OK));
		_exit(0);
	}
	wait(NULL);
	TRY(close(p[1]));
	TRY(read(p[0], b, 1));
	pthread_barrier_wait(&turn);
	return NULL;
}

/* A pipe's end that only another thread's table has is not the child's. */
static void unshared(void)
{
	char b[8];
	int p[2];
	pthread_t thread;
	mode_t mask;

	open_all();
	TRY(pipe(p));
	pthread_barrier_init(&turn, NULL, 2);
	pthread_create(&thread, NULL, unsharing, NULL);
	pthread_barrier_wait(&turn);
	SHOW("main has it", IS_OPEN(fds[0]));
	SHOW("main has 50", IS_OPEN(50));
	TRY(access("sub", F_OK));
	mask = umask(022);
	SHOW("umask", mask);
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	pthread_join(thread, NULL);
	/* the thread is gone, and its table: its pipe's writer is closed */
	TRY(close(p[1]));
	TRY(read(p[0], b, 1));
	TRY(close(p[0]));
}

static int kept[2];

static void *keeping(void *unused)
{
	(void)unused;
	TRY(unshare(CLONE_FILES));
	TRY(pipe(kept));
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	TRY(close(kept[1]));
	/* the child of the other thread does not have it */
	TRY(read(kept[0], &unused, 1));
	return NULL;
}

static void not_inherited(void)
{
	int wait_here[2];
	pthread_t thread;
	pid_t pid;
	char b;

	TRY(pipe(wait_here));
	pthread_create(&thread, NULL, keeping, NULL);
	pthread_barrier_wait(&turn);
	pid = fork();
	if (!pid) {
		close(wait_here[1]);
		_exit(read(wait_here[0], &b, 1));
	}
	pthread_barrier_wait(&turn);
	pthread_join(thread, NULL);
	TRY(close(wait_here[1]));
	TRY(waitpid(pid, NULL, 0) == pid);
	TRY(close(wait_here[0]));
}

int main(void)
{
	folder_begin();
	open_all();
	TRY(close_range(41, 42, CLOSE_RANGE_CLOEXEC));
	show_all("one thread");
	TRY(close_range(44, 44, CLOSE_RANGE_UNSHARE));
	show_all("one thread");
	TRY(close_range(43, 43, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC));
	show_all("one thread");
	if (!fork()) {
		execl("/bin/sh", "sh", "-c", "cd /proc/self/fd; echo 4?", NULL);
		_exit(1);
	}
	wait(NULL);
	TRY(close_range(41, 42, 8));
	TRY(close_range(42, 41, CLOSE_RANGE_UNSHARE));
	range(41, 43, 0);
	range(41, 43, CLOSE_RANGE_CLOEXEC);
	range(41, 43, CLOSE_RANGE_UNSHARE);
	range(41, ~0U, CLOSE_RANGE_UNSHARE);
	range(42, 43, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC);
	unshared();
	not_inherited();
	TRY(unshare(0));
	TRY(unshare(CLONE_FS));
	TRY(unshare(CLONE_FILES));
	TRY(unshare(CLONE_SYSVSEM));
	TRY(unshare(CLONE_THREAD));
	TRY(unshare(CLONE_VFORK));
	return folder_end();
}
