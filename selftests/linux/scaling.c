// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Threads that do the same to different objects at the same time:
 *
 *	scaling OPERATION THREADS COUNT
 *
 * COUNT times each; prints the nanoseconds that it took. linux_scaling.sh sees
 * what another thread costs.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#define THREADS_MAX 16

/* A thread's own, in memory that no other touches. */
struct own {
	long count;
	int fd;
	uint32_t word;
	char path[32];
	char buffer[4096];
} __attribute__((aligned(4096)));

static struct own owns[THREADS_MAX];
static pthread_barrier_t begin;

static long do_read(struct own *o)
{
	return pread(o->fd, o->buffer, 1, 0) != 1;
}

static long do_write(struct own *o)
{
	return pwrite(o->fd, o->buffer, 1, 0) != 1;
}

static long do_futex(struct own *o)
{
	return syscall(SYS_futex, &o->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
		       0) != 0;
}

static long do_mmap(struct own *o)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	*p = 1;
	return munmap(p, 4096);
}

static long do_open(struct own *o)
{
	int fd = open(o->path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || close(fd);
}

static const struct operation {
	const char *name;
	long (*function)(struct own *o);
} operations[] = {
	{ "read", do_read }, { "write", do_write }, { "futex", do_futex },
	{ "mmap", do_mmap }, { "open", do_open },
};

static const struct operation *operation;

static void *repeat(void *arg)
{
	struct own *o = arg;
	long i, failed = 0;

	pthread_barrier_wait(&begin);
	for (i = 0; i < o->count; i++)
		failed += operation->function(o);
	return (void *)failed;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	long count, failed = 0, i, n;
	int64_t start;
	void *result;

	if (argc < 4)
		return 2;
	n = atol(argv[2]);
	count = atol(argv[3]);
	for (i = 0; i < 5; i++) {
		if (!strcmp(operations[i].name, argv[1]))
			operation = &operations[i];
	}
	if (!operation || n < 1 || n > THREADS_MAX)
		return 2;
	for (i = 0; i < n; i++) {
		owns[i].count = count;
		owns[i].fd = syscall(SYS_memfd_create, "own", 0);
		snprintf(owns[i].path, sizeof(owns[i].path), "/tmp/own-%ld", i);
		close(open(owns[i].path, O_CREAT | O_RDWR, 0600));
		if (write(owns[i].fd, "x", 1) != 1)
			return 1;
	}
	pthread_barrier_init(&begin, NULL, n);
	for (i = 1; i < n; i++)
		pthread_create(&threads[i], NULL, repeat, &owns[i]);
	start = now_ns(CLOCK_MONOTONIC);
	failed = (long)repeat(&owns[0]);
	for (i = 1; i < n; i++) {
		pthread_join(threads[i], &result);
		failed += (long)result;
	}
	printf("%lld\n", (long long)(now_ns(CLOCK_MONOTONIC) - start));
	for (i = 0; i < n; i++)
		unlink(owns[i].path);
	return failed != 0;
}
