// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Whom a number means: threads' where processes are asked for, those of others,
 * of nobody. And what comes first: who is not there, or a number that is no
 * signal's.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define NO_SIGNAL 65

static void *nowhere; /* a page without rights */
static int ends[2];
static pid_t nobody; /* a number that was a child's */

static long kill_thread(pid_t tid, int signal)
{
	return syscall(SYS_tkill, tid, signal);
}

static long kill_of(pid_t pid, pid_t tid, int signal)
{
	return syscall(SYS_tgkill, pid, tid, signal);
}

static long get_capabilities(int pid, void *to)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3, .pid = pid
	};

	return syscall(SYS_capget, &header, to);
}

static long set_capabilities(int pid, const void *from)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3, .pid = pid
	};

	return syscall(SYS_capset, &header, from);
}

static void *of_my_own(void *unused)
{
	struct __user_cap_data_struct now[2];
	struct rlimit limit;
	pid_t tid = own_tid();

	CHECK(getpgid(tid) == getpgrp());
	CHECK(getsid(tid) == getsid(0));
	TRY(prlimit(tid, RLIMIT_NOFILE, NULL, &limit));
	TRY(setpgid(tid, 0));
	TRY(kill(tid, 0));
	TRY(get_capabilities(tid, now));
	TRY(get_capabilities(getpid(), now));
	TRY(get_capabilities(-1, now));
	TRY(get_capabilities(nobody, now));
	TRY(get_capabilities(nobody, NULL));
	TRY(set_capabilities(getpid(), now));
	TRY(set_capabilities(1, now));
	TRY(set_capabilities(nobody, NULL));
	TRY(set_capabilities(-1, NULL));
	return unused;
}

static volatile pid_t taker;

static void taken(int signal)
{
	(void)signal;
	taker = own_tid();
}

static void *waits(void *unused)
{
	pid_t tid = own_tid();

	if (write(ends[1], &tid, sizeof(tid)) != sizeof(tid))
		_exit(2);
	while (!taker)
		sleep_ms(1);
	_exit(taker == tid ? 0 : 1);
	return unused;
}

/* A thread of another process. */
static void of_another(void)
{
	struct __user_cap_data_struct now[2];
	const struct sigaction act = { .sa_handler = taken };
	pid_t pid, tid = 0;
	pthread_t thread;
	int status = -1;

	if (pipe(ends))
		_exit(1);
	pid = fork();
	if (!pid) {
		sigaction(SIGUSR1, &act, NULL);
		pthread_create(&thread, NULL, waits, NULL);
		for (;;)
			pause();
	}
	CHECK(read(ends[0], &tid, sizeof(tid)));
	CHECK(tid != pid);
	TRY(kill(tid, 0));
	CHECK(getpgid(tid) == getpgrp());
	CHECK(getsid(tid) == getsid(0));
	TRY(setpgid(tid, 0));
	TRY(get_capabilities(pid, now));
	TRY(kill(pid, NO_SIGNAL));
	TRY(kill_thread(tid, NO_SIGNAL));
	TRY(kill_of(tid, tid, 0));
	TRY(kill_of(tid, pid, 0));
	TRY(kill_of(pid, tid, 0));
	TRY(kill_thread(tid, 0));
	TRY(kill_thread(tid, SIGUSR1));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
}

static void no_signals(void)
{
	siginfo_t info = { .si_code = SI_QUEUE };

	TRY(kill(nobody, NO_SIGNAL));
	TRY(kill(-nobody, NO_SIGNAL));
	TRY(kill(getpid(), NO_SIGNAL));
	TRY(kill(getpid(), -1));
	TRY(kill(0, NO_SIGNAL));
	TRY(kill_thread(nobody, NO_SIGNAL));
	TRY(kill_of(getpid(), nobody, NO_SIGNAL));
	TRY(kill_of(getpid(), getpid(), NO_SIGNAL));
	TRY(syscall(SYS_rt_sigqueueinfo, nobody, NO_SIGNAL, &info));
	TRY(syscall(SYS_rt_sigqueueinfo, getpid(), NO_SIGNAL, &info));
	TRY(syscall(SYS_rt_tgsigqueueinfo, 0, getpid(), SIGUSR1, nowhere));
	TRY(syscall(SYS_rt_tgsigqueueinfo, 0, getpid(), SIGUSR1, &info));
}

/* Who ignores it, is not told, even if it blocks it. */
static void ignored_ends(void)
{
	sigset_t set, now;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (!pid)
		_exit(0);
	TRY(waitpid(pid, NULL, 0));
	sigpending(&now);
	CHECK(sigismember(&now, SIGCHLD));
	/* From others it is as any signal. */
	raise(SIGCHLD);
	sigpending(&now);
	CHECK(sigismember(&now, SIGCHLD));
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* No child without the descriptor that was asked for. */
static void no_pidfd(void)
{
	struct clone_args args = { .flags = CLONE_PIDFD,
				   .pidfd = (uint64_t)nowhere,
				   .exit_signal = SIGCHLD };
	int next = dup(0), again;

	close(next);
	TRY(syscall(SYS_clone3, &args, sizeof(args)));
	TRY(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, nowhere, NULL, 0));
	TRY(syscall(SYS_clone, CLONE_PIDFD | CLONE_VM | CLONE_VFORK | SIGCHLD,
		    NULL, nowhere, NULL, 0));
	TRY(waitpid(-1, NULL, 0));
	again = dup(0);
	CHECK(again == next);
	close(again);
}

static void lent(void)
{
	int kept;
	pid_t pid;

	TRY(prctl(PR_SET_TIMERSLACK, 70000));
	pid = vfork();
	if (!pid) {
		prctl(PR_SET_TIMERSLACK, 1);
		prctl(PR_SET_TIMERSLACK, 0);
		kept = prctl(PR_GET_TIMERSLACK);
		prctl(PR_SET_TIMERSLACK, 2);
		_exit(kept != 70000);
	}
	CHECK(waitpid(pid, &kept, 0) == pid);
	CHECK(kept);
	CHECK(prctl(PR_GET_TIMERSLACK));
}

static uint32_t two(int operation, int argument, int compare, int with)
{
	return FUTEX_OP(operation, argument, compare, with);
}

static void wake_operations(void)
{
	uint32_t word = 0, second = 0;

#define OPERATION(value)                                                  \
	TRY(syscall(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1, &second, value))
	OPERATION(two(5, 1, FUTEX_OP_CMP_EQ, 0));
	OPERATION(two(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0));
	CHECK(second);
	OPERATION(two(FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 33, FUTEX_OP_CMP_EQ,
		      0));
	CHECK(second);
	OPERATION(two(FUTEX_OP_SET, 1, 6, 0));
}

static void priorities(void)
{
	const int of[] = { 0, 100, -1 };
	struct sched_param p;
	size_t i;

	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		p.sched_priority = of[i];
		TRY(sched_setscheduler(0, SCHED_FIFO, &p));
		TRY(sched_setscheduler(0, SCHED_RR, &p));
	}
}

static long barrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

int main(int argc, char **argv)
{
	char *again[] = { argv[0], "executed", NULL };
	pthread_t thread;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1) {
		TRY(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
		return 0;
	}
	nowhere =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	nobody = fork();
	if (!nobody)
		_exit(0);
	waitpid(nobody, NULL, 0);
	pthread_create(&thread, NULL, of_my_own, NULL);
	pthread_join(thread, NULL);
	of_another();
	no_signals();
	ignored_ends();
	no_pidfd();
	lent();
	wake_operations();
	priorities();
	TRY(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
	TRY(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
	execv("/proc/self/exe", again);
	return 1;
}
