// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* clone(2) of threads without a library between: flags, ids, ends. */
#include "linux_test.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#define THREAD                                                              \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
	 CLONE_SYSVSEM)

static char stack[65536] __attribute__((aligned(16)));
static volatile int parent_tid, child_tid, seen_tid, directory_fd, code;
static volatile unsigned int control_word, rounding;

/*
 * Without thread-local storage of its own, so nothing of a C library but what
 * makes a system call at once.
 */
static int child(void *arg)
{
	unsigned int mxcsr;

	asm volatile("stmxcsr %0" : "=m"(mxcsr));
	rounding = mxcsr & 0x6000;
	seen_tid = child_tid;
	directory_fd = *(int *)arg;
	code = 1;
	asm volatile("syscall"
		     :
		     : "a"(SYS_exit), "D"(9)
		     : "rcx", "r11", "memory");
	return 0;
}

static void join(void)
{
	int tid;

	while ((tid = child_tid))
		syscall(SYS_futex, &child_tid, FUTEX_WAIT, tid, NULL, NULL, 0);
}

static long raw_clone(unsigned long flags, void *sp)
{
	register void *r10 asm("r10") = NULL;
	register long r8 asm("r8") = 0;
	long r;

	asm volatile("syscall"
		     : "=a"(r)
		     : "a"(SYS_clone), "D"(flags), "S"(sp), "d"(NULL), "r"(r10),
		       "r"(r8)
		     : "rcx", "r11", "memory");
	return r;
}

static void *wait_at(void *barrier)
{
	return (void *)(long)pthread_barrier_wait(barrier);
}

/* All at once, with a number each. */
static int many(int count)
{
	pthread_t *threads = calloc(count, sizeof(*threads));
	pthread_barrier_t barrier;
	pthread_attr_t attr;
	int made;

	pthread_barrier_init(&barrier, NULL, count + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (made = 0; made < count; made++) {
		if (pthread_create(&threads[made], &attr, wait_at, &barrier))
			break;
	}
	SHOW("made", made);
	if (made != count)
		return 1;
	pthread_barrier_wait(&barrier);
	while (made--)
		pthread_join(threads[made], NULL);
	return 0;
}

int main(int argc, char **argv)
{
	char *top = stack + sizeof(stack) - 256;
	unsigned int mxcsr, old;
	int value = 5, tid, i;

	if (argc > 1)
		return many(atoi(argv[1]));
	asm volatile("stmxcsr %0" : "=m"(old));
	mxcsr = old | 0x2000;
	asm volatile("ldmxcsr %0" : : "m"(mxcsr));
	tid = clone(child, top,
		    THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, &value,
		    &child_tid, NULL, &child_tid);
	join();
	parent_tid = tid;
	asm volatile("ldmxcsr %0" : : "m"(old));
	CHECK(tid > 0);
	CHECK(parent_tid == tid);
	CHECK(seen_tid == tid);
	CHECK(child_tid);
	CHECK(directory_fd);
	SHOW("rounding", rounding);
	for (i = 0; i < 200; i++) {
		if (clone(child, top,
			  THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
			  &value, &child_tid, NULL, &child_tid) < 0)
			break;
		join();
	}
	SHOW("one after the other", i);
	SHOW("no sighand", raw_clone(CLONE_VM | CLONE_THREAD, top));
	SHOW("no vm", raw_clone(CLONE_SIGHAND, top));
	CHECK(own_tid() == getpid());
	TRY(syscall(SYS_tgkill, getpid(), tid, 0));
	TRY(syscall(SYS_tgkill, getpid(), own_tid(), 0));
	TRY(syscall(SYS_tgkill, 0, own_tid(), 0));
	TRY(syscall(SYS_tkill, -1, 0));
	TRY(syscall(SYS_set_robust_list, NULL, 23));
	TRY(syscall(SYS_clone3, NULL, 8));
	TRY(syscall(SYS_clone3, NULL, 5000));
	CHECK(syscall(SYS_set_tid_address, &child_tid) == getpid());
	return 0;
}
