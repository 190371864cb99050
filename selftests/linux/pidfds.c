// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Descriptors of processes: made, waited for in every way, signalled through,
 * and of processes that are gone.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

static volatile int handled, sender, value;

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)context;
	handled++;
	sender = info->si_pid;
	value = info->si_code == SI_QUEUE ? info->si_value.sival_int : 0;
}

static int pidfd_open_(pid_t pid, unsigned int flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

static int pidfd_signal(int fd, int signal, siginfo_t *info, unsigned int flags)
{
	return syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

/* Ends with @code when told to by SIGUSR1. */
static pid_t child(int code)
{
	sigset_t set;
	pid_t pid;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (!pid) {
		sigwait(&set, &got);
		_exit(code);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return pid;
}

static int readable(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r = poll(&p, 1, timeout);

	return r == 1 ? p.revents : r;
}

static void *pause_forever(void *tid)
{
	*(pid_t *)tid = syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

static void opening(void)
{
	volatile pid_t tid = 0;
	pthread_t thread;
	char link[64] = "", path[64];
	char byte;
	int fd;

	TRY(pidfd_open_(0, 0));
	TRY(pidfd_open_(-1, 0));
	TRY(pidfd_open_(0x3ffffe, 0));
	TRY(pidfd_open_(getpid(), 1));
	pthread_create(&thread, NULL, pause_forever, (void *)&tid);
	while (!tid)
		sleep_ms(1);
	TRY(pidfd_open_(tid, 0));
	fd = pidfd_open_(getpid(), O_NONBLOCK);
	CHECK(fd > 2);
	CHECK(fcntl(fd, F_GETFD));
	CHECK(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, link, sizeof(link) - 1) > 0);
	CHECK(!strcmp(link, "anon_inode:[pidfd]"));
	TRY(read(fd, &byte, 1));
	TRY(write(fd, &byte, 1));
	TRY(lseek(fd, 0, SEEK_SET));
	CHECK(readable(fd, 0));
	close(fd);
}

static void signalling(void)
{
	struct sigaction act = { .sa_sigaction = handler,
				 .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE };
	int self, other, status = -1, pipes[2];
	pid_t pid = child(3);

	info.si_value.sival_int = 77;
	sigaction(SIGUSR2, &act, NULL);
	self = pidfd_open_(getpid(), 0);
	other = pidfd_open_(pid, 0);
	TRY(pidfd_signal(self, 0, NULL, 0));
	TRY(pidfd_signal(self, SIGUSR2, NULL, 0));
	CHECK(handled);
	CHECK(sender == getpid());
	TRY(pidfd_signal(self, SIGUSR2, &info, 0));
	CHECK(handled);
	CHECK(value);
	TRY(pidfd_signal(self, SIGUSR1, &info, 0));
	TRY(pidfd_signal(self, 65, NULL, 0));
	TRY(pidfd_signal(self, -1, NULL, 0));
	TRY(pidfd_signal(self, SIGUSR2, NULL, 0x10));
	TRY(pidfd_signal(self, SIGUSR2, (void *)8, 0));
	TRY(pidfd_signal(-1, SIGUSR2, NULL, 0));
	(void)!pipe(pipes);
	TRY(pidfd_signal(pipes[0], SIGUSR2, NULL, 0));
	close(pipes[0]);
	close(pipes[1]);
	info.si_code = SI_USER;
	TRY(pidfd_signal(other, SIGUSR2, &info, 0));
	TRY(pidfd_signal(other, 0, NULL, 0));
	TRY(pidfd_signal(other, SIGUSR1, NULL, 0));
	CHECK(readable(other, -1));
	/* a zombie is there still */
	TRY(pidfd_signal(other, SIGUSR1, NULL, 0));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	TRY(pidfd_signal(other, SIGUSR1, NULL, 0));
	TRY(pidfd_signal(other, 0, NULL, 0));
	CHECK(readable(other, 0) & POLLIN);
	close(self);
	close(other);
}

static void waiting(void)
{
	pid_t pid = child(5), second;
	int fd = pidfd_open_(pid, 0), hasty = pidfd_open_(pid, O_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 9 };
	int epoll = epoll_create1(0);
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	TRY(waitid(P_PIDFD, -1, &info, WEXITED));
	TRY(waitid(P_PIDFD, 999, &info, WEXITED));
	TRY(waitid(P_PIDFD, 0, &info, WEXITED));
	TRY(waitid(P_PIDFD, hasty, &info, WEXITED));
	TRY(waitid(P_PIDFD, hasty, &info, WEXITED | WNOHANG));
	TRY(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
	CHECK(info.si_pid);
	TRY(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	CHECK(epoll_wait(epoll, &event, 1, 0));
	CHECK(readable(fd, 50));
	/* one that ends while it is waited for */
	second = fork();
	if (!second) {
		sleep_ms(100);
		kill(pid, SIGUSR1);
		_exit(0);
	}
	CHECK(epoll_wait(epoll, &event, 1, -1));
	CHECK(event.events);
	CHECK(event.data.u64);
	CHECK(readable(fd, -1) & POLLIN);
	TRY(waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT));
	CHECK(info.si_pid == pid);
	TRY(waitid(P_PIDFD, hasty, &info, WEXITED));
	CHECK(info.si_pid == pid);
	CHECK(info.si_code);
	CHECK(info.si_status);
	TRY(waitid(P_PIDFD, fd, &info, WEXITED));
	waitpid(second, NULL, 0);
	close(fd);
	close(hasty);
	close(epoll);
}

/* Not a child: a grandchild, and the parent from below. */
static void of_others(void)
{
	int tell[2], status = -1, fd;
	pid_t pid, below = 0;
	siginfo_t info;
	char byte;

	(void)!pipe(tell);
	pid = fork();
	if (!pid) {
		below = child(0);
		(void)!write(tell[1], &below, sizeof(below));
		_exit(waitpid(below, &status, 0) == below && !status ? 6 : 7);
	}
	(void)!read(tell[0], &below, sizeof(below));
	fd = pidfd_open_(below, 0);
	CHECK(fd > 2);
	TRY(waitid(P_PIDFD, fd, &info, WEXITED));
	CHECK(readable(fd, 0));
	TRY(pidfd_signal(fd, SIGUSR1, NULL, 0));
	CHECK(readable(fd, -1) & POLLIN);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	close(fd);

	pid = fork();
	if (!pid) {
		fd = pidfd_open_(getppid(), 0);
		(void)!read(tell[0], &byte, 1);
		_exit(readable(fd, 0)		   ? 8 :
		      pidfd_signal(fd, 0, NULL, 0) ? 9 :
						     4);
	}
	(void)!write(tell[1], "x", 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	/* killed */
	pid = child(0);
	fd = pidfd_open_(pid, 0);
	TRY(pidfd_signal(fd, SIGKILL, NULL, 0));
	CHECK(readable(fd, -1) & POLLIN);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	close(fd);
	close(tell[0]);
	close(tell[1]);
}

static void by_clone(void)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
		uint64_t stack, stack_size, tls;
	} args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	int fd = -1, status = -1;
	pid_t pid, parent_tid = 0;

	args.pidfd = (uintptr_t)&fd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid)
		_exit(fcntl(3, F_GETFD) < 0 ? 11 : 12);
	CHECK(pid > 0);
	CHECK(fd);
	CHECK(fcntl(fd, F_GETFD));
	CHECK(readable(fd, -1) & POLLIN);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	close(fd);
	pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
	if (!pid)
		_exit(13);
	CHECK(pid > 0);
	CHECK(fd);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	close(fd);
	TRY(syscall(SYS_clone, CLONE_PIDFD | 0x100000 | SIGCHLD, 0, &parent_tid,
		    0, 0));
}

/* As posix_spawn() makes a child, which may come to a program, or not. */
static int spawned_fd;

static int spawned(void *program)
{
	static char *const argv[] = { "true", NULL };

	/* It is the parent's, and known before the child runs. */
	if (spawned_fd < 0 || fcntl(spawned_fd, F_GETFD) >= 0)
		_exit(1);
	if (program)
		execv("/bin/true", argv);
	_exit(14);
}

static void by_vfork(void *program)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status = 0, other = dup(0);
	pid_t pid;

	close(other);
	spawned_fd = -1;
	pid = clone(spawned, stack + sizeof(stack),
		    CLONE_PIDFD | CLONE_VM | CLONE_VFORK | SIGCHLD, program,
		    &spawned_fd);
	CHECK(pid > 0);
	CHECK(spawned_fd == other);
	CHECK(fcntl(spawned_fd, F_GETFD));
	CHECK(readable(spawned_fd, -1) & POLLIN);
	TRY(pidfd_signal(spawned_fd, 0, NULL, 0));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	TRY(pidfd_signal(spawned_fd, 0, NULL, 0));
	close(spawned_fd);
}

/* A process's directory in /proc does as well. */
static void by_directory(void)
{
	char name[32];
	pid_t pid = child(7);
	int status = 0, fd, name_only;

	snprintf(name, sizeof(name), "/proc/%d", pid);
	CHECK((fd = open(name, O_RDONLY | O_DIRECTORY)) >= 0);
	CHECK((name_only = open(name, O_PATH | O_DIRECTORY)) >= 0);
	TRY(pidfd_signal(name_only, 0, NULL, 0));
	TRY(pidfd_signal(fd, 0, NULL, 0));
	TRY(pidfd_signal(fd, SIGUSR1, NULL, 0));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status);
	TRY(pidfd_signal(fd, 0, NULL, 0));
	close(fd);
	close(name_only);
	fd = open("/proc", O_RDONLY | O_DIRECTORY);
	TRY(pidfd_signal(fd, 0, NULL, 0));
	close(fd);
}

int main(void)
{
	opening();
	signalling();
	waiting();
	of_others();
	by_clone();
	by_directory();
	by_vfork(NULL);
	by_vfork("");
	return 0;
}
