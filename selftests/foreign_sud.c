// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user of syscall user dispatch that is none of ours, as Wine is:
 * foreign_sud ROUNDS. Exits with 0 when every call was dispatched as it must
 * be.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH	59
#define PR_SYS_DISPATCH_OFF		0
#define PR_SYS_DISPATCH_ON		1
#endif
#define FILTER_ALLOW	0
#define FILTER_BLOCK	1

static volatile char selector;
static volatile int caught, wrong;

static void on_sigsys(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	selector = FILTER_ALLOW;
	caught++;
	/* SYS_USER_DISPATCH */
	if (info->si_code != 2)
		wrong++;
	u->uc_mcontext.gregs[REG_RAX] = u->uc_mcontext.gregs[REG_RAX] + 1;
}

static long raw(long nr)
{
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(nr)
		     : "rcx", "r11", "memory");
	return result;
}

int main(int argc, char **argv)
{
	struct sigaction action = {
		.sa_sigaction = on_sigsys,
		.sa_flags = SA_SIGINFO,
	};
	int rounds = argc > 1 ? atoi(argv[1]) : 100;
	/* A call's number, one of Drawbridge's, and nonsense. */
	static const long numbers[] = { SYS_getpid, 0x0db00023, 0x7777777 };
	pid_t pid;
	int status;

	sigaction(SIGSYS, &action, NULL);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0,
		  &selector)) {
		perror("prctl");
		return 2;
	}
	for (int i = 0; i < rounds; i++) {
		long nr = numbers[i % 3], result;

		selector = FILTER_BLOCK;
		result = raw(nr);
		if (selector != FILTER_ALLOW || caught != i + 1 ||
		    result != nr + 1) {
			selector = FILTER_ALLOW;
			fprintf(stderr, "%ld: not dispatched: %ld\n", nr,
				result);
			return 1;
		}
		/* And not dispatched when it is not to be. */
		if (raw(SYS_getpid) != getpid())
			return 3;
		if (raw(0x0db00023) != -ENOSYS)
			return 4;
	}
	/* A child starts without. */
	selector = FILTER_ALLOW;
	pid = fork();
	if (pid == 0) {
		selector = FILTER_BLOCK;
		status = raw(SYS_getppid) > 0 ? 0 : 1;
		raw(SYS_getpid);
		_exit(status || caught != rounds);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return 5;
	return wrong ? 6 : 0;
}
