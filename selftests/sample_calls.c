// SPDX-License-Identifier: GPL-2.0-only
/*
 * Not a test: a static Linux program that sample_filter runs under the filter.
 * It exits with 0, with the errno of the call that it was asked to make, or
 * with 200 and a message.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) do {						\
	if (!(condition)) {						\
		printf("# %s: %s\n", __func__, #condition);		\
		fflush(stdout);						\
		_exit(200);						\
	}								\
} while (0)

static int make_getppid(void)
{
	/* As read(), the arguments are those of a bad descriptor. */
	return syscall(SYS_getppid, ~0L, ~1L, ~2L, ~3L, ~4L, ~5L) < 0 ? errno :
									0;
}

static int flood(void)
{
	for (int i = 0; i < 5000; i++)
		CHECK(syscall(SYS_getppid) >= 0);
	return 0;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static __thread long own;
static long sum;

static void *add(void *arg)
{
	CHECK(own == 0);
	own = (long)arg;
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		sum += own;
		pthread_mutex_unlock(&mutex);
	}
	return (void *)own;
}

static int threads(void)
{
	pthread_t thread[8];
	void *result;

	for (int round = 0; round < 3; round++) {
		sum = 0;
		for (long i = 0; i < 8; i++)
			CHECK(!pthread_create(&thread[i], NULL, add,
					      (void *)(i + 1)));
		for (long i = 0; i < 8; i++) {
			CHECK(!pthread_join(thread[i], &result));
			CHECK(result == (void *)(i + 1));
		}
		CHECK(sum == 36000);
	}
	return 0;
}

static int processes(void)
{
	int data = 1, status, ends[2];
	char byte = 0;
	pid_t pid;

	CHECK(!pipe(ends));
	for (int i = 0; i < 5; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			CHECK(syscall(SYS_gettid) == getpid());
			data = 2;
			CHECK(write(ends[1], "x", 1) == 1);
			_exit(40 + i);
		}
		CHECK(pid != getpid());
		CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 40 + i);
		CHECK(data == 1);
	}
	CHECK(waitpid(-1, &status, 0) == -1 && errno == ECHILD);
	return 0;
}

static volatile sig_atomic_t got;

static void handler(int signal)
{
	got = signal;
}

static int signals(void)
{
	struct sigaction action = { .sa_handler = handler };
	sigset_t set;

	CHECK(!sigaction(SIGUSR1, &action, NULL));
	CHECK(!raise(SIGUSR1));
	CHECK(got == SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	got = 0;
	CHECK(!sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK(!raise(SIGUSR1));
	CHECK(!got);
	CHECK(!sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK(got == SIGUSR1);
	return 0;
}

static int memory(void)
{
	char *start = sbrk(0), *big;

	CHECK(sbrk(1 << 20) == start);
	memset(start, 1, 1 << 20);
	CHECK(sbrk(-(1 << 20)) == start + (1 << 20));
	big = malloc(10 << 20);
	CHECK(big);
	memset(big, 2, 10 << 20);
	free(big);
	return 0;
}

static int refused(void)
{
	char *const args[] = { "x", NULL };

	CHECK(execv("/bin/true", args) == -1 && errno == EPERM);
	CHECK(syscall(SYS_execveat, 0, "", args, args, 0x1000) == -1);
	CHECK(errno == EPERM);
	CHECK(syscall(SYS_prctl, 59, 1, 0, 0, 0) == -1 && errno == EPERM);
	CHECK(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
	/* vfork()'s memory, a namespace, and a thread without all of one's. */
	CHECK(syscall(SYS_clone, 0x4111, 0, 0, 0, 0) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_clone, 0x10000011, 0, 0, 0, 0) == -1);
	CHECK(errno == EINVAL);
	CHECK(syscall(SYS_clone, 0x10100, 0, 0, 0, 0) == -1 && errno == EINVAL);
	/* A thread pointer or a stack that user mode cannot have. */
	CHECK(syscall(SYS_clone, 0xd0f00, 64, 0, 0, -4096L) == -1);
	CHECK(errno == EINVAL);
	CHECK(syscall(SYS_clone, 17 | 100, 0, 0, 0, 0) == -1);
	CHECK(errno == EINVAL);
	return 0;
}

static long call_32(long number)
{
	long result = number;

	asm volatile("int $0x80"
		     : "+a"(result)
		     : "b"(0)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static int numbers(void)
{
	CHECK(syscall(511) == -1 && errno == ENOSYS);
	CHECK(syscall(512) == -1 && errno == ENOSYS);
	CHECK(syscall(-1) == -1 && errno == ENOSYS);
	CHECK(syscall(0x40000000 + SYS_getpid) == -1 && errno == ENOSYS);
	CHECK(syscall((1L << 32) + SYS_getpid) == -1 && errno == ENOSYS);
	CHECK(call_32(20) == -ENOSYS); /* getpid */
	return 0;
}

static int tree(void)
{
	for (int i = 0; i < 4; i++) {
		if (!fork())
			pause();
	}
	pause();
	return 0;
}

static void kill_self(void)
{
	asm volatile("mov %%eax, 8" : : : "memory");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "nothing"))
		return 0;
	if (!strcmp(what, "getppid"))
		_exit(make_getppid());
	if (!strcmp(what, "flood"))
		return flood();
	if (!strcmp(what, "threads"))
		return threads();
	if (!strcmp(what, "processes"))
		return processes();
	if (!strcmp(what, "signals"))
		return signals();
	if (!strcmp(what, "memory"))
		return memory();
	if (!strcmp(what, "refused"))
		return refused();
	if (!strcmp(what, "numbers"))
		return numbers();
	if (!strcmp(what, "tree"))
		return tree();
	if (!strcmp(what, "wait"))
		return pause();
	if (!strcmp(what, "crash"))
		kill_self();
	return 200;
}
