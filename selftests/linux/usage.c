// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What getrusage, wait4, times, /proc/PID/stat and the CPU clocks of others say
 * about work of which it is known what it uses.
 */
#include "linux_test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>

#define PAGES 500
/* Of /proc/PID/stat behind the name: minflt, cminflt, utime, stime, rss. */
#define STAT_FORMAT                                                     \
	"%*c %*d %*d %*d %*d %*d %*u %lu %lu %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld"
#define MS 1000000LL

static int64_t ns(const struct timeval *tv)
{
	return tv->tv_sec * 1000000000LL + tv->tv_usec * 1000LL;
}

static struct rusage usage(int who)
{
	struct rusage u;

	memset(&u, 0x5a, sizeof(u));
	if (getrusage(who, &u))
		perror("getrusage");
	return u;
}

static void spin(clockid_t clock, int64_t time)
{
	int64_t end = now_ns(clock) + time;

	while (now_ns(clock) < end)
		for (volatile int i = 0; i < 10000; i++)
			;
}

static void touch(int pages)
{
	char *p = mmap(NULL, pages * 4096UL, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(p, pages * 4096UL, MADV_NOHUGEPAGE);
	for (int i = 0; i < pages; i++)
		((volatile char *)p)[i * 4096L] = 1;
	munmap(p, pages * 4096UL);
}

/* Until the kernel has worked so long for us, as getrusage() sees it. */
static void make_work(int64_t time)
{
	struct rusage u = usage(RUSAGE_SELF);
	int64_t begin = ns(&u.ru_stime);

	do {
		touch(50);
		u = usage(RUSAGE_SELF);
	} while (ns(&u.ru_stime) - begin < time);
}

static void of_myself(void)
{
	struct rusage before = usage(RUSAGE_SELF), now;
	struct rusage thread = usage(RUSAGE_THREAD);

	spin(CLOCK_PROCESS_CPUTIME_ID, 100 * MS);
	now = usage(RUSAGE_SELF);
	CHECK(ns(&now.ru_utime) > ns(&before.ru_utime));
	CHECK(ns(&now.ru_utime) + ns(&now.ru_stime) - ns(&before.ru_utime) -
		      ns(&before.ru_stime) >=
	      99 * MS);
	make_work(50 * MS);
	now = usage(RUSAGE_THREAD);
	CHECK(ns(&now.ru_stime) > ns(&thread.ru_stime));
	before = usage(RUSAGE_SELF);
	touch(PAGES);
	now = usage(RUSAGE_SELF);
	CHECK(now.ru_minflt - before.ru_minflt >= PAGES);
	CHECK(now.ru_maxrss >= before.ru_maxrss);
	CHECK(now.ru_maxrss >= PAGES * 4);
	CHECK(now.ru_maxrss == usage(RUSAGE_THREAD).ru_maxrss);
	for (int i = 0; i < 20; i++)
		usleep(20000);
	CHECK(usage(RUSAGE_SELF).ru_nvcsw - now.ru_nvcsw >= 10);
	CHECK(usage(RUSAGE_THREAD).ru_nvcsw >= 10);
	TRY(getrusage(7, &now));
	TRY(getrusage(RUSAGE_SELF, NULL));
}

static int64_t ticks_ns(clock_t ticks)
{
	return ticks * (1000000000LL / sysconf(_SC_CLK_TCK));
}

static void of_children(void)
{
	struct rusage before = usage(RUSAGE_CHILDREN), now, u;
	struct tms tms;
	int status;
	pid_t pid;

	CHECK(before.ru_minflt == 0);
	pid = fork();
	if (pid == 0) {
		/* A grandchild's counts when it has been waited for. */
		if (fork() == 0) {
			spin(CLOCK_PROCESS_CPUTIME_ID, 100 * MS);
			_exit(0);
		}
		wait(NULL);
		make_work(50 * MS);
		touch(PAGES);
		_exit(3);
	}
	memset(&u, 0x5a, sizeof(u));
	CHECK(wait4(pid, &status, 0, &u) == pid);
	CHECK(status);
	CHECK(ns(&u.ru_utime) + ns(&u.ru_stime) >= 149 * MS);
	CHECK(ns(&u.ru_stime) >= 49 * MS);
	CHECK(u.ru_minflt >= PAGES);
	CHECK(u.ru_maxrss >= PAGES * 4);
	now = usage(RUSAGE_CHILDREN);
	/* (Linux adds it up a moment before it tells it.) */
	CHECK(llabs(ns(&now.ru_utime) - ns(&u.ru_utime)) < 10 * MS);
	CHECK(llabs(ns(&now.ru_stime) - ns(&u.ru_stime)) < 10 * MS);
	CHECK(now.ru_minflt == u.ru_minflt);
	CHECK(labs(now.ru_nvcsw - u.ru_nvcsw) < 5);
	CHECK(now.ru_maxrss == u.ru_maxrss);
	CHECK(times(&tms) != -1);
	CHECK(ticks_ns(tms.tms_cstime) <= ns(&now.ru_stime));
	CHECK(ticks_ns(tms.tms_cstime) >= 40 * MS);
	CHECK(ticks_ns(tms.tms_cutime + tms.tms_cstime) >= 120 * MS);
	CHECK(ticks_ns(tms.tms_stime) >= 40 * MS);
}

struct stat_line {
	unsigned long minflt, cminflt, utime, stime;
	long rss;
};

static struct stat_line stat_of(pid_t pid)
{
	struct stat_line s = { 0 };
	char path[64], line[1024] = "", *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		perror(path);
	if (f)
		fclose(f);
	at = strrchr(line, ')');
	if (!at || sscanf(at + 2, STAT_FORMAT, &s.minflt, &s.cminflt, &s.utime,
			  &s.stime, &s.rss) != 5)
		printf("%s: %s\n", path, line);
	return s;
}

static void of_others(void)
{
	struct stat_line s;
	clockid_t clock;
	int64_t then;
	int ends[2];
	char byte;
	pid_t pid;

	CHECK(pipe(ends));
	pid = fork();
	if (pid == 0) {
		touch(PAGES);
		make_work(50 * MS);
		spin(CLOCK_PROCESS_CPUTIME_ID, 100 * MS);
		if (write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			spin(CLOCK_PROCESS_CPUTIME_ID, MS);
	}
	CHECK(read(ends[0], &byte, 1) == 1);
	s = stat_of(pid);
	CHECK(s.minflt >= PAGES);
	CHECK(ticks_ns(s.utime + s.stime) >= 120 * MS);
	CHECK(ticks_ns(s.stime) >= 40 * MS);
	CHECK(s.rss > 0);
	CHECK(clock_getcpuclockid(pid, &clock));
	then = now_ns(clock);
	CHECK(then >= 150 * MS);
	while (now_ns(clock) - then < 20 * MS)
		;
	CHECK(kill(pid, SIGTERM));
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK(clock_getcpuclockid(pid, &clock));
	s = stat_of(getpid());
	CHECK(s.minflt >= PAGES);
	CHECK(s.cminflt >= PAGES);
	CHECK(s.stime >= 4);
	CHECK(s.rss > 0);
}

static void *spins(void *unused)
{
	(void)unused;
	for (;;) {
		spin(CLOCK_THREAD_CPUTIME_ID, MS);
		pthread_testcancel();
	}
	return NULL;
}

static void of_a_thread(void)
{
	struct timespec ts;
	clockid_t clock;
	pthread_t t;

	CHECK(pthread_create(&t, NULL, spins, NULL));
	CHECK(pthread_getcpuclockid(t, &clock));
	while (now_ns(clock) < 50 * MS)
		;
	CHECK(clock_getres(clock, &ts));
	pthread_cancel(t);
	pthread_join(t, NULL);
	/* It has been waited for, and goes a moment later. */
	for (int i = 0; i < 10000 && !clock_gettime(clock, &ts); i++)
		usleep(1000);
	TRY(clock_gettime(clock, &ts));
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	of_myself();
	of_children();
	of_others();
	of_a_thread();
	return 0;
}
