// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the loaded modules cost a process that is none of theirs, in
 * instructions. Needs a machine whose time-stamp counter counts instructions
 * (scripts/vm --icount); elsewhere everything is skipped.
 *
 * The smallest of many measurements is taken: what interrupts add is not in
 * it. All in one process and one boot, so that nothing else differs.
 *
 * But for where the kernel's pages are. What makes or ends an address space
 * allocates many, and costs some hundreds of instructions more or less with
 * whatever module is loaded: 296 a fork with minix.ko, 23 with pico.ko alone,
 * which are those of its hooks. That is why such a work is not compared to the
 * last instruction.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "kselftest.h"
#include "lib/sandbox.h"

/* A copy in memory: no file system of the host's in between. */
#define PROGRAM	"/dev/shm/pico-unmarked"

static int zero_fd, null_fd;
static char buffer[4096];

static inline unsigned long long ticks(void)
{
	unsigned int low, high;

	asm volatile("lfence; rdtsc; lfence"
		     : "=a"(low), "=d"(high)
		     :
		     : "memory");
	return (unsigned long long)high << 32 | low;
}

static inline long native(long nr, long a, long b, long c, long d, long e,
			  long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
		       "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}

static void loop_1000(void)
{
	asm volatile("mov $500, %%ecx\n1: dec %%ecx; jnz 1b" : : : "ecx");
}

static void do_getpid(void)
{
	native(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static void do_read(void)
{
	native(SYS_read, zero_fd, (long)buffer, 1, 0, 0, 0);
}

static void do_write(void)
{
	native(SYS_write, null_fd, (long)buffer, 1, 0, 0, 0);
}

static void do_mmap(void)
{
	long p = native(SYS_mmap, 0, 8192, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	native(SYS_munmap, p, 8192, 0, 0, 0, 0);
}

static void do_fork(void)
{
	pid_t pid = vfork();
	int status;

	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
}

static void do_real_fork(void)
{
	long pid = native(SYS_fork, 0, 0, 0, 0, 0, 0);
	int status;

	if (pid == 0)
		native(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	waitpid(pid, &status, 0);
}

static void do_exec(void)
{
	static char *const env[] = { NULL };
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execve(PROGRAM, (char *const[]){ "true", NULL }, env);
		_exit(1);
	}
	waitpid(pid, &status, 0);
}

static void on_signal(int number)
{
}

static void do_signal(void)
{
	native(SYS_kill, getpid(), SIGUSR1, 0, 0, 0, 0);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	/* Past "movb $1, (%rax)" */
	((unsigned long long *)context)[5 + 16] += 3;
}

static void do_fault(void)
{
	asm volatile("movb $1, (%%rax)" : : "a"(8) : "memory");
}

static const struct work {
	const char *name;
	void (*run)(void);
	int samples;
	bool exact;
} works[] = {
	{ "getpid", do_getpid, 400, true },
	{ "read", do_read, 400, true },
	{ "write", do_write, 400, true },
	{ "mmap+munmap", do_mmap, 600, true },
	{ "vfork+exit+wait", do_fork, 300, false },
	{ "fork+exit+wait", do_real_fork, 300, false },
	{ "vfork+exec+wait", do_exec, 300, false },
	{ "signal", do_signal, 400, false },
	{ "handled fault", do_fault, 400, false },
};

#define WORKS (sizeof(works) / sizeof(works[0]))

static unsigned long long smallest(const struct work *w)
{
	unsigned long long best = ~0ULL;

	for (int i = 0; i < w->samples; i++) {
		unsigned long long start = ticks(), took;

		w->run();
		took = ticks() - start;
		if (took < best)
			best = took;
	}
	return best;
}

static void measure(unsigned long long *best)
{
	for (size_t i = 0; i < WORKS; i++) {
		unsigned long long now = smallest(&works[i]);

		if (now < best[i])
			best[i] = now;
	}
}

static int load(void)
{
	static const char *const names[] = { "pico", "drawbridge" };

	for (int i = 0; i < 2; i++) {
		int ret = module_insert(names[i], "");

		if (ret) {
			ksft_print_msg("insmod %s: %s\n", names[i],
				       strerror(-ret));
			return -1;
		}
	}
	return 0;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "drawbridge", O_NONBLOCK) ||
			       syscall(SYS_delete_module, "pico", O_NONBLOCK) ?
		       -1 :
		       0;
}

int main(void)
{
	struct sigaction fault = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};
	unsigned long long with[WORKS], without[WORKS], a, b;
	const struct work loop = { "loop", loop_1000, 50, true };
	bool counting;

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	/* What a program costs to start depends on where things are put. */
	personality(ADDR_NO_RANDOMIZE);
	a = smallest(&loop);
	b = smallest(&loop);
	counting = a == b && a >= 1000 && a < 1040;
	if (!counting) {
		ksft_print_msg("1001 instructions took %llu and %llu ticks\n",
			       a, b);
		if (getenv("PICO_ICOUNT"))
			ksft_exit_fail_msg(
				"the counter does not count instructions\n");
		ksft_set_plan(1);
		ksft_test_result_skip("needs --icount\n");
		ksft_finished();
	}
	ksft_set_plan(WORKS + 1);
	zero_fd = open("/dev/zero", O_RDONLY);
	null_fd = open("/dev/null", O_WRONLY);
	if (system("cp /bin/busybox " PROGRAM))
		ksft_exit_fail_msg("cannot copy busybox\n");
	signal(SIGUSR1, on_signal);
	sigaction(SIGSEGV, &fault, NULL);
	memset(with, 0xff, sizeof(with));
	memset(without, 0xff, sizeof(without));
	/* Warm up, then without and with, in turn. */
	measure(with);
	memset(with, 0xff, sizeof(with));
	ksft_print_msg("warmed up\n");
	for (int round = 0; round < 4; round++) {
		if (unload())
			ksft_exit_fail_msg("rmmod: %s\n", strerror(errno));
		ksft_print_msg("unloaded\n");
		measure(without);
		if (load())
			ksft_exit_fail_msg("insmod\n");
		measure(with);
	}
	/* The ruler itself: one more getpid's worth would be seen. */
	ksft_test_result(smallest(&loop) == a, "the counter counts\n");
	for (size_t i = 0; i < WORKS; i++) {
		double percent =
			100.0 * ((double)with[i] - without[i]) / without[i];
		bool good = works[i].exact ? with[i] == without[i] :
					     percent <= 0.5;

		ksft_print_msg("%s: %llu without, %llu with: %+.3f %%\n",
			       works[i].name, without[i], with[i], percent);
		ksft_test_result(good, "%s %s\n", works[i].name,
				 works[i].exact ? "is exactly the same" :
						  "is within 0.5 %");
	}
	unlink(PROGRAM);
	ksft_finished();
}
