// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What system calls and clocks cost, by the processor's counter, which counts
 * instructions under scripts/vm --icount: the least of several times.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

extern char **environ;

static inline unsigned long long ticks(void)
{
	unsigned int low, high;

	__asm__ volatile("lfence; rdtsc; lfence"
			 : "=a"(low), "=d"(high)
			 :
			 : "memory");
	return (unsigned long long)high << 32 | low;
}

#define MEASURE(what, n, call) do {					\
	unsigned long long best_ = ~0ULL;				\
									\
	for (int i_ = 0; i_ < (n); i_++) {				\
		unsigned long long start_ = ticks();			\
									\
		call;							\
		start_ = ticks() - start_;				\
		if (start_ < best_)					\
			best_ = start_;					\
	}								\
	printf("%s %llu\n", what, best_);				\
} while (0)

static void vfork_exit(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void fork_exit(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void spawn(const char *path)
{
	char *const argv[] = { "true", NULL };
	pid_t pid;

	if (!posix_spawn(&pid, path, NULL, NULL, argv, environ))
		waitpid(pid, NULL, 0);
}

static void map(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*p = 1;
	munmap(p, 4096);
}

int main(void)
{
	int fd = syscall(SYS_memfd_create, "file", 0);
	static uint32_t word;
	struct timespec ts;
	struct timeval tv;
	char c = 0;

	write(fd, &c, 1);
	MEASURE("nothing", 100, );
	MEASURE("clock_gettime", 100, clock_gettime(CLOCK_MONOTONIC, &ts));
	MEASURE("gettimeofday", 100, gettimeofday(&tv, NULL));
	MEASURE("getppid", 100, getppid());
	MEASURE("pread", 100, pread(fd, &c, 1, 0));
	MEASURE("pwrite", 100, pwrite(fd, &c, 1, 0));
	MEASURE("futex-wake", 100,
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
			0));
	MEASURE("open+close", 100, close(open("/etc/passwd", O_RDONLY)));
	MEASURE("mmap+munmap", 100, map());
	MEASURE("vfork+exit+wait", 20, vfork_exit());
	MEASURE("fork+exit+wait", 10, fork_exit());
	MEASURE("spawn-missing", 20, spawn("/no/such"));
	MEASURE("spawn+wait", 5, spawn("/bin/true"));
	return 0;
}
