// SPDX-License-Identifier: GPL-2.0-only
/*
 * The access masks: what others, root included, may do to a provider's
 * processes and threads. What is refused by a mask must be allowed without.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal	424
#define SYS_pidfd_open		434
#define SYS_pidfd_getfd		438
#endif

#define READ	1
#define ATTACH	2
#define SIGNAL	4

PROVIDER_FIXTURE(access, false)

/* A file of a provider with these masks, for world_close(); false: none. */
static bool registered(struct world *w, __u32 process, __u32 thread)
{
	struct pico_test_registration r = {
		.slot = 1,
		.process_access = process,
		.thread_access = thread,
		.name = "masked",
	};
	int fd;

	if (ioctl(w->control, PICO_TEST_IOC_REGISTER, &r))
		return false;
	fd = provider_open(w, "masked");
	if (fd < 0)
		return false;
	dup2(fd, w->host);
	close(fd);
	return true;
}

/* A process of such a provider, in slots 1 and 2; or -1. */
static pid_t masked(struct world *w, __u32 process, __u32 thread)
{
	pid_t pid;

	if (!registered(w, process, thread))
		return -1;
	pid = start_process(w, w->host, 1, true);
	return w->shared->slots[1].started == 1 ? pid : -1;
}

static int error(long ret)
{
	return ret < 0 ? -errno : 0;
}

static int opens(pid_t pid, const char *file, int flags)
{
	char path[96], c;
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = flags == O_RDONLY && strcmp(file, "mem") ?
		      error(read(fd, &c, 1)) :
		      0;
	close(fd);
	return ret;
}

static int readlinks(pid_t pid, const char *file)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return error(readlink(path, text, sizeof(text)));
}

static int vm(pid_t pid, bool write)
{
	__u64 word = 0;
	struct iovec here = { &word, 8 };
	struct iovec there = { (void *)(PICO_TEST_STACKS + 0x100), 8 };
	ssize_t n = write ? process_vm_writev(pid, &here, 1, &there, 1, 0) :
			    process_vm_readv(pid, &here, 1, &there, 1, 0);

	return error(n);
}

static int traces(pid_t pid)
{
	int status, ret = error(ptrace(PTRACE_SEIZE, pid, 0, 0));

	if (ret)
		return ret;
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	waitpid(pid, &status, __WALL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}

static int attaches(pid_t pid)
{
	int status, ret = error(ptrace(PTRACE_ATTACH, pid, 0, 0));

	if (ret)
		return ret;
	waitpid(pid, &status, __WALL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}

static int kcmps(pid_t pid)
{
	/* KCMP_VM: the order of two address spaces. */
	return error(syscall(SYS_kcmp, pid, getpid(), 1, 0, 0));
}

/* Its first descriptor. */
static int getfds(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	int got = syscall(SYS_pidfd_getfd, fd, 0, 0), ret = error(got);

	if (got >= 0)
		close(got);
	close(fd);
	return ret;
}

static int lists(pid_t pid, const char *folder)
{
	char path[64];
	DIR *d;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, folder);
	d = opendir(path);
	if (!d)
		return -errno;
	errno = 0;
	if (!readdir(d))
		ret = errno ? -errno : -ENOENT;
	closedir(d);
	return ret;
}

#define WAYS 6

static int signals(pid_t pid, int how, int sig)
{
	siginfo_t info = { .si_signo = sig, .si_code = SI_QUEUE };
	union sigval value = { .sival_int = 1 };
	int fd, ret;

	switch (how) {
	case 0:
		return error(kill(pid, sig));
	case 1:
		return error(sigqueue(pid, sig, value));
	case 2:
		fd = syscall(SYS_pidfd_open, pid, 0);
		ret = error(syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0));
		close(fd);
		return ret;
	case 3:
		return error(syscall(SYS_tgkill, pid, pid, sig));
	case 4:
		/* It may say what it likes, but not that it is the kernel. */
		info.si_pid = getpid();
		return error(
			syscall(SYS_rt_tgsigqueueinfo, pid, pid, sig, &info));
	default:
		return error(syscall(SYS_tkill, pid, sig));
	}
}

/*
 * Everything, with what is expected of it. SIGCONT is a signal that does
 * nothing to a process that runs.
 */
static void check(struct __test_metadata *_metadata, struct world *w, pid_t pid,
		  __u32 process, __u32 thread)
{
	int read = process & READ ? 0 : -EACCES;
	int mem = process & ATTACH ? 0 : -EACCES;

	EXPECT_EQ(read, opens(pid, "maps", O_RDONLY));
	EXPECT_EQ(read, opens(pid, "smaps_rollup", O_RDONLY));
	EXPECT_EQ(read, readlinks(pid, "exe"));
	EXPECT_EQ(read, readlinks(pid, "cwd"));
	EXPECT_EQ(read, opens(pid, "auxv", O_RDONLY));
	EXPECT_EQ(read, opens(pid, "environ", O_RDONLY));
	/* A descriptor: its number is no secret for root, what it is is one. */
	strcpy((char *)w->shared->slots[1].scratch, "inside");
	ASSERT_EQ(0, slot_call(w, 1, PICO_TEST_CALL_FORWARD, SYS_memfd_create,
			       SLOT_ADDRESS(1, scratch), 0, 0, 0));
	EXPECT_EQ(0, lists(pid, "fd"));
	EXPECT_EQ(read, lists(pid, "fdinfo"));
	EXPECT_EQ(read, readlinks(pid, "fd/0"));
	EXPECT_EQ(read, opens(pid, "fd/0", O_RDONLY));
	EXPECT_EQ(read, opens(pid, "fdinfo/0", O_RDONLY));
	EXPECT_EQ(thread & READ ? 0 : -EPERM, kcmps(pid));
	EXPECT_EQ(thread & ATTACH ? 0 : -EPERM, getfds(pid));
	EXPECT_EQ(mem, opens(pid, "mem", O_RDWR));
	EXPECT_EQ(mem, opens(pid, "syscall", O_RDONLY) ? -EACCES : 0);
	EXPECT_EQ(thread & ATTACH ? 0 : -EPERM, vm(pid, false));
	EXPECT_EQ(thread & ATTACH ? 0 : -EPERM, vm(pid, true));
	EXPECT_EQ(thread & ATTACH ? 0 : -EPERM, traces(pid));
	EXPECT_EQ(thread & ATTACH ? 0 : -EPERM, attaches(pid));
	for (int how = 0; how < WAYS; how++) {
		/*
		 * The kernel asks the same of a queue to a process and to one
		 * thread: both are signals to a process here.
		 */
		__u32 mask = how < 3 || how == 4 ? process : thread;

		EXPECT_EQ(mask & SIGNAL ? 0 : -EPERM,
			  signals(pid, how, SIGCONT))
		TH_LOG("way %d", how);
	}
	/* What anybody may see. */
	EXPECT_EQ(0, opens(pid, "stat", O_RDONLY));
	EXPECT_EQ(0, opens(pid, "status", O_RDONLY));
	EXPECT_EQ(0, opens(pid, "comm", O_RDONLY));
	EXPECT_EQ(3, slot_call(w, 1, PICO_TEST_CALL_ECHO, 2, 0, 0, 0, 0));
}

#define MASKS(process, thread)						\
	TEST_F(access, masks_##process##_##thread)			\
	{								\
		pid_t pid = masked(&self->w, process, thread);		\
									\
		ASSERT_GT(pid, 0);					\
		check(_metadata, &self->w, pid, process, thread);	\
		kill(pid, SIGKILL);					\
		EXPECT_EQ(SIGKILL, end_status(pid));			\
	}

MASKS(7, 7)
MASKS(0, 0)
MASKS(0, 7)
MASKS(7, 0)
MASKS(1, 1)
MASKS(2, 2)
MASKS(4, 4)
MASKS(3, 4)

/* Allowed by the mask is not allowed by the kernel. */
TEST_F(access, never_widened)
{
	pid_t pid = masked(&self->w, 7, 7), child;

	ASSERT_GT(pid, 0);
	child = fork();
	if (child == 0) {
		if (setuid(12345))
			_exit(1);
		/* (SIGCONT may be sent within a session.) */
		_exit(kill(pid, 0) == 0 || kill(pid, SIGTERM) == 0 ||
		      vm(pid, false) == 0 || traces(pid) == 0 ||
		      opens(pid, "maps", O_RDONLY) == 0);
	}
	EXPECT_EQ(EXITED(0), end_status(child));
}

static void gate(struct __test_metadata *_metadata, struct world *w,
		 int callback, bool shut)
{
	ASSERT_EQ(0, behave(w, (struct pico_test_behaviour){
				       .callback = callback,
				       .flags = shut ? PICO_TEST_GATE : 0 }));
}

/* @way is the first of those to send a signal that are for any thread. */
static void check_nothing(struct __test_metadata *_metadata, pid_t pid, int way,
			  const char *when)
{
	EXPECT_EQ(-EACCES, opens(pid, "mem", O_RDWR)) TH_LOG("%s", when);
	EXPECT_EQ(-EACCES, opens(pid, "maps", O_RDONLY)) TH_LOG("%s", when);
	EXPECT_EQ(-EPERM, vm(pid, false)) TH_LOG("%s", when);
	EXPECT_EQ(-EPERM, traces(pid)) TH_LOG("%s", when);
	for (; way < WAYS; way++) {
		EXPECT_EQ(-EPERM, signals(pid, way, SIGCONT))
		TH_LOG("%s, way %d", when, way);
	}
}

/* As long as it has memory: while that is made, and while all threads end. */
TEST_F(access, before_the_first_instruction_and_after_the_last)
{
	pid_t pid, tid;

	ASSERT_TRUE(registered(&self->w, 0, 0));
	gate(_metadata, &self->w, PICO_TEST_START, true);
	pid = start_process(&self->w, self->w.host, 1, false);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_START, pid));
	check_nothing(_metadata, pid, 0, "start_process()");
	gate(_metadata, &self->w, PICO_TEST_START, false);
	ASSERT_TRUE(eventually(self->w.shared->slots[1].started == 1));
	tid = new_thread(&self->w, 1, 2);
	ASSERT_GT(tid, 0);
	gate(_metadata, &self->w, PICO_TEST_EXIT_THREAD, true);
	ASSERT_EQ(0, terminate_thread(&self->w, tid, 0));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	check_nothing(_metadata, tid, WAYS - 1, "exit_thread()");
	gate(_metadata, &self->w, PICO_TEST_EXIT_THREAD, false);
	ASSERT_TRUE(eventually(status_number(pid, "Threads:") == 1));
	gate(_metadata, &self->w, PICO_TEST_EXIT_PROCESS, true);
	/* (A gate holds nobody who was killed.) */
	ASSERT_EQ(0, terminate_thread(&self->w, pid, EXITED(3)));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	check_nothing(_metadata, pid, 0, "exit_process()");
	gate(_metadata, &self->w, PICO_TEST_EXIT_PROCESS, false);
	EXPECT_EQ(EXITED(3), end_status(pid));
}

/* A process is asked for by its first thread, which may have ended. */
TEST_F(access, the_first_thread_has_ended)
{
	pid_t pid = masked(&self->w, 0, 0), tid;
	char path[64];

	ASSERT_GT(pid, 0);
	tid = new_thread(&self->w, 1, 2);
	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, terminate_thread(&self->w, pid, 0));
	ASSERT_TRUE(eventually(thread_state(pid) == 'Z'));
	for (int how = 0; how < WAYS; how++) {
		EXPECT_EQ(-EPERM, signals(pid, how, SIGCONT))
		TH_LOG("way %d", how);
	}
	snprintf(path, sizeof(path), "task/%d/mem", tid);
	EXPECT_EQ(-EACCES, opens(pid, path, O_RDWR));
	ASSERT_EQ(0, terminate_thread(&self->w, tid, EXITED(3)));
	EXPECT_EQ(EXITED(3), end_status(pid));
	EXPECT_EQ(-1, kill(pid, 0));
}

/* SIGKILL by every way; nothing is pending that would need leave. */
TEST_F(access, sigkill)
{
	for (int how = 0; how < WAYS; how++) {
		pid_t pid =
			how ? start_process(&self->w, self->w.host, 1, true) :
			      masked(&self->w, 0, 0);

		ASSERT_GT(pid, 0);
		ASSERT_EQ(0, suspend(&self->w, pid, NULL));
		EXPECT_EQ(0, signals(pid, how, SIGKILL));
		EXPECT_EQ(SIGKILL, end_status(pid)) TH_LOG("way %d", how);
	}
}

/* Somebody's existence is no secret. */
TEST_F(access, signal_zero)
{
	pid_t pid = masked(&self->w, 0, 0);

	ASSERT_GT(pid, 0);
	for (int how = 0; how < WAYS; how++)
		EXPECT_EQ(0, signals(pid, how, 0));
}

/* The kernel's own signals come through: here, the alarm of the process. */
TEST_F(access, the_kernels_own_signals)
{
	pid_t pid = masked(&self->w, 0, 0);

	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, slot_call(&self->w, 1, PICO_TEST_CALL_FORWARD, SYS_alarm,
			       1, 0, 0, 0));
	EXPECT_EQ(SIGALRM, end_status(pid));
}

/* Threads of the same process are not concerned. */
TEST_F(access, from_inside)
{
	pid_t pid = masked(&self->w, 0, 0), tid;

	ASSERT_GT(pid, 0);
	tid = new_thread(&self->w, 1, 2);
	ASSERT_GT(tid, 0);
	EXPECT_EQ(0, slot_call(&self->w, 1, PICO_TEST_CALL_FORWARD, SYS_tgkill,
			       pid, tid, SIGCONT, 0));
	EXPECT_EQ(0, slot_call(&self->w, 2, PICO_TEST_CALL_FORWARD, SYS_kill,
			       pid, SIGCONT, 0, 0));
	/* Another process of the same provider is another process. */
	tid = new_process(&self->w, 1, 3, 0);
	ASSERT_GT(tid, 0);
	EXPECT_EQ(-EPERM, slot_call(&self->w, 1, PICO_TEST_CALL_FORWARD,
				    SYS_kill, tid, SIGCONT, 0, 0));
}

/* Services are the provider's own and ask nobody. */
TEST_F(access, services)
{
	struct pico_ioc_terminate t = { 0, EXITED(4) };
	pid_t pid = masked(&self->w, 0, 0);
	struct pico_test_service s;

	ASSERT_GT(pid, 0);
	EXPECT_EQ(0, suspend(&self->w, pid, NULL));
	EXPECT_EQ(0, get_context(&self->w, pid, 3, &s));
	EXPECT_EQ(0, resume(&self->w, pid, NULL));
	t.pid = pid;
	EXPECT_EQ(0, ioctl(self->w.host, PICO_IOC_TERMINATE, &t));
	EXPECT_EQ(EXITED(4), end_status(pid));
}

/* Unmarked processes are as they were. */
TEST_F(access, the_others)
{
	pid_t pid = masked(&self->w, 0, 0), child;

	ASSERT_GT(pid, 0);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	EXPECT_EQ(0, opens(child, "maps", O_RDONLY));
	EXPECT_EQ(0, opens(child, "mem", O_RDWR));
	EXPECT_EQ(0, traces(child));
	for (int how = 0; how < WAYS; how++)
		EXPECT_EQ(0, signals(child, how, SIGCONT));
	kill(child, SIGTERM);
	EXPECT_EQ(SIGTERM, end_status(child));
}

TEST_HARNESS_MAIN
