// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program asks of its system and reads again: processors, niceness, the
 * size of a pipe, room for a file.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <linux/falloc.h>

static cpu_set_t all, first;

static bool is(const cpu_set_t *wanted, pid_t pid)
{
	cpu_set_t now;

	CPU_ZERO(&now);
	return !sched_getaffinity(pid, sizeof(now), &now) &&
	       CPU_EQUAL(&now, wanted);
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/* The exit code of a child that does @code, which is 0 if all is well. */
#define IN_CHILD(code)                        \
	({                                    \
		pid_t pid_ = fork();          \
		if (!pid_)                    \
			_exit(code);          \
		status_of(pid_);              \
	})

static void *thread(void *unused)
{
	CHECK(is(&first, 0));
	TRY(sched_setaffinity(0, sizeof(all), &all));
	CHECK(is(&all, own_tid()));
	CHECK(is(&first, getpid()));
	return unused;
}

static void processors(const char *self)
{
	cpu_set_t none, last;
	pthread_t t;
	int i, one, to[2];
	pid_t pid;
	char c;

	CPU_ZERO(&none);
	CPU_ZERO(&first);
	CPU_ZERO(&last);
	TRY(sched_getaffinity(0, sizeof(all), &all) > 0);
	for (one = 0; !CPU_ISSET(one, &all); one++)
		;
	CPU_SET(one, &first);
	for (i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all)) {
			CPU_ZERO(&last);
			CPU_SET(i, &last);
		}
	}
	TRY(sched_setaffinity(0, sizeof(none), &none));
	TRY(sched_setaffinity(0, sizeof(all), NULL));
	TRY(sched_setaffinity(-1, sizeof(all), &all));
	TRY(sched_setaffinity(0x3ffffe, sizeof(all), &all));
	TRY(sched_getaffinity(0x3ffffe, sizeof(all), &none));
	TRY(syscall(SYS_sched_getaffinity, 0, 1, &none));
	TRY(syscall(SYS_sched_getaffinity, 0, 12, &none));
	TRY(sched_setaffinity(0, sizeof(first), &first));
	CHECK(is(&first, 0));
	CHECK(is(&first, getpid()));
	SHOW("inherited", IN_CHILD(!is(&first, 0)));
	SHOW("after execve", IN_CHILD(execl(self, self, "count", NULL)));
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);

	if (pipe(to))
		exit(1);
	pid = fork();
	if (!pid) {
		close(to[1]);
		(void)!read(to[0], &c, 1);
		_exit(!is(&last, 0));
	}
	TRY(sched_setaffinity(pid, sizeof(last), &last));
	CHECK(is(&last, pid));
	CHECK(is(&first, 0));
	close(to[1]);
	close(to[0]);
	SHOW("of another process", status_of(pid));
	sched_setaffinity(0, sizeof(all), &all);
}

static void niceness(void)
{
	int pid;

	SHOW("nice", getpriority(PRIO_PROCESS, 0));
	TRY(setpriority(PRIO_PROCESS, 0, 3));
	CHECK(getpriority(PRIO_PROCESS, 0));
	CHECK(getpriority(PRIO_PROCESS, getpid()));
	SHOW("inherited", IN_CHILD(getpriority(PRIO_PROCESS, 0)));
	TRY(getpriority(PRIO_PROCESS, 0x3ffffe));
	TRY(setpriority(PRIO_PROCESS, 0x3ffffe, 5));
	TRY(getpriority(3, 0));
	TRY(setpriority(-1, 0, 5));
	pid = fork();
	if (!pid) {
		for (;;)
			pause();
	}
	TRY(setpriority(PRIO_PROCESS, pid, 7));
	CHECK(getpriority(PRIO_PROCESS, pid));
	CHECK(getpriority(PRIO_PROCESS, 0));
	setpgid(0, 0);
	setpgid(pid, 0);
	CHECK(getpriority(PRIO_PGRP, pid));
	setpgid(pid, getpid());
	CHECK(getpriority(PRIO_PGRP, 0));
	TRY(setpriority(PRIO_PGRP, 0, 9));
	CHECK(getpriority(PRIO_PROCESS, pid));
	CHECK(getpriority(PRIO_PROCESS, 0));
	TRY(setpriority(PRIO_PROCESS, 0, 100));
	CHECK(getpriority(PRIO_PROCESS, 0));
	/* Back again, as root may; others as far as a limit allows. */
	SHOW("raised", geteuid() || !setpriority(PRIO_PROCESS, 0, -4));
	SHOW("is", geteuid() || getpriority(PRIO_PROCESS, 0) == -4);
	SHOW("of another", geteuid() || !setpriority(PRIO_PROCESS, pid, 2));
	kill(pid, SIGKILL);
	status_of(pid);
	TRY(sched_getscheduler(getpid()));
	TRY(sched_getscheduler(0x3ffffe));
}

/* How much goes in before it is full. */
static long room(int fd)
{
	static char page[4096];
	long total = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = write(fd, page, sizeof(page))) > 0)
		total += n;
	return total;
}

static void pipes(void)
{
	char name[] = "/tmp/wishes.XXXXXX";
	int p[2], fd, fifo;

	TRY(pipe(p));
	TRY(fcntl(p[0], F_GETPIPE_SZ));
	TRY(fcntl(p[1], F_SETPIPE_SZ, 5000));
	TRY(fcntl(p[0], F_GETPIPE_SZ));
	SHOW("room", room(p[1]));
	TRY(fcntl(p[0], F_SETPIPE_SZ, 4096));
	TRY(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
	SHOW("more room", room(p[1]));
	TRY(fcntl(p[0], F_SETPIPE_SZ, -1));
	SHOW("in a child", IN_CHILD(fcntl(p[0], F_GETPIPE_SZ) != 1 << 20));
	SHOW("set by a child",
	     IN_CHILD(fcntl(p[0], F_SETPIPE_SZ, 1 << 19) != -1));
	close(p[0]);
	close(p[1]);
	fd = mkstemp(name);
	TRY(fcntl(fd, F_GETPIPE_SZ));
	TRY(fcntl(fd, F_SETPIPE_SZ, 4096));
	close(fd);
	unlink(name);
	mkfifo(name, 0600);
	fifo = open(name, O_RDWR);
	TRY(fcntl(fifo, F_SETPIPE_SZ, 8192));
	TRY(fcntl(fifo, F_GETPIPE_SZ));
	close(fifo);
	unlink(name);
}

static long length_of(int fd)
{
	struct stat st;

	fstat(fd, &st);
	return st.st_size;
}

static void rooms(void)
{
	const int keep = FALLOC_FL_KEEP_SIZE, punch = FALLOC_FL_PUNCH_HOLE;
	char name[] = "/tmp/wishes.XXXXXX", b[16] = "";
	struct rlimit old, small = { 9000, RLIM_INFINITY };
	int fd = mkstemp(name), p[2], reader = open(name, O_RDONLY);

	TRY(write(fd, "0123456789", 10));
	TRY(fallocate(fd, keep, 0, 100000));
	CHECK(length_of(fd));
	TRY(fallocate(fd, 0, 4, 8));
	CHECK(length_of(fd));
	TRY(fallocate(fd, punch | keep, 2, 4));
	TRY(pread(fd, b, 16, 0));
	CHECK(memcmp(b, "01\0\0\0\0006789\0\0", 12));
	TRY(posix_fallocate(fd, 0, 5000));
	CHECK(length_of(fd));
	TRY(fallocate(fd, punch, 0, 10));
	TRY(fallocate(fd, 0x80, 0, 10));
	TRY(fallocate(fd, 0, 0, 0));
	TRY(fallocate(fd, 0, -1, 10));
	TRY(fallocate(fd, 0, INT64_MAX, 10));
	TRY(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | keep, 0, 4096));
	TRY(fallocate(fd, FALLOC_FL_INSERT_RANGE | keep, 0, 4096));
	TRY(fallocate(reader, 0, 0, 10));
	TRY(fallocate(-1, 0, 0, 10));
	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	TRY(fallocate(fd, 0, 0, 9000));
	TRY(fallocate(fd, 0, 0, 9001));
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK(length_of(fd));
	close(reader);
	close(fd);
	unlink(name);
	if (pipe(p))
		exit(1);
	TRY(fallocate(p[1], 0, 0, 10));
	TRY(fallocate(p[0], 0, 0, 10));
	fd = open("/tmp", O_RDONLY);
	TRY(fallocate(fd, 0, 0, 10));
	close(fd);
	fd = open("/dev/null", O_WRONLY);
	TRY(fallocate(fd, 0, 0, 10));
}

int main(int argc, char **argv)
{
	cpu_set_t set;

	if (argc == 2) {
		CPU_ZERO(&set);
		sched_getaffinity(0, sizeof(set), &set);
		return CPU_COUNT(&set);
	}
	processors(argv[0]);
	pipes();
	rooms();
	niceness();
	return 0;
}
