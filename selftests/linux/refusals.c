// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What a process without privileges is refused, and what is asked of files, of
 * scheduling and of others without any effect: the answers.
 */
#include "child.h"
#include "linux_test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

/* Nobody who could be allowed it goes on. */
static bool has_privileges(void)
{
	struct {
		int version, pid;
	} header = { 0x20080522, 0 };
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2] = { { 0 } };

	(void)!setgid(65534);
	(void)!setuid(65534);
	return syscall(SYS_capget, &header, data) || data[0].effective ||
	       data[1].effective;
}

static void privileged(void)
{
	struct timeval tv = { 1, 0 };
	struct timespec ts = { 1, 0 };

	if (has_privileges()) {
		SHOW("privileges", 1);
		_exit(1);
	}
	TRY(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
	TRY(syscall(SYS_umount2, "/", 0));
	TRY(syscall(SYS_pivot_root, "/", "/"));
	TRY(syscall(SYS_sethostname, "x", 1));
	TRY(syscall(SYS_setdomainname, "x", 1));
	TRY(syscall(SYS_settimeofday, &tv, NULL));
	TRY(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts));
	TRY(syscall(SYS_swapon, "/", 0));
	TRY(syscall(SYS_swapoff, "/"));
	TRY(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
	TRY(syscall(SYS_init_module, NULL, 0, ""));
	TRY(syscall(SYS_finit_module, 0, "", 0));
	TRY(syscall(SYS_delete_module, "x", 0));
	TRY(syscall(SYS_acct, NULL));
	TRY(syscall(SYS_iopl, 3));
	TRY(syscall(SYS_vhangup));
	TRY(syscall(SYS_fsopen, "tmpfs", 0));
}

static void hints(void)
{
	int file = open("/tmp/hints", O_RDWR | O_CREAT, 0600), p[2];
	int output = open("/tmp/hints", O_WRONLY);

	(void)!pipe(p);
	TRY(posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED));
	TRY(syscall(SYS_fadvise64, -1, 0, 0, 0));
	TRY(syscall(SYS_fadvise64, p[0], 0, 0, 0));
	TRY(syscall(SYS_fadvise64, file, 0, 0, 77));
	TRY(syscall(SYS_fadvise64, file, 0, -1, 0));
	TRY(readahead(file, 0, 4096));
	TRY(readahead(-1, 0, 4096));
	TRY(readahead(output, 0, 4096));
	TRY(readahead(p[0], 0, 4096));
	TRY(sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE));
	TRY(sync_file_range(-1, 0, 0, 0));
	TRY(sync_file_range(p[0], 0, 0, 0));
	TRY(sync_file_range(file, -1, 0, 0));
	TRY(sync_file_range(file, 0, 0, 64));
	close(file);
	close(output);
	close(p[0]);
	close(p[1]);
	unlink("/tmp/hints");
}

static void policy_in_child(void)
{
	int reaper = -1;

	SHOW("inherited", sched_getscheduler(0));
	TRY(prctl(PR_GET_CHILD_SUBREAPER, &reaper));
	CHECK(reaper);
}

static void policies(void)
{
	struct sched_param p = { 0 };
	int reaper = -1;

	CHECK(sched_getscheduler(0));
	TRY(sched_setscheduler(0, SCHED_BATCH, &p));
	CHECK(sched_getscheduler(0));
	CHECK(sched_getscheduler(getpid()));
	TRY(prctl(PR_GET_CHILD_SUBREAPER, &reaper));
	CHECK(reaper);
	TRY(prctl(PR_SET_CHILD_SUBREAPER, 5));
	TRY(prctl(PR_GET_CHILD_SUBREAPER, &reaper));
	CHECK(reaper);
	TRY(prctl(PR_GET_CHILD_SUBREAPER, NULL));
	in_child(policy_in_child);
	TRY(prctl(PR_SET_CHILD_SUBREAPER, 0));
	TRY(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &p));
	CHECK(sched_getscheduler(0));
	TRY(sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &p));
	in_child(policy_in_child);
	p.sched_priority = 1;
	TRY(sched_setscheduler(0, SCHED_BATCH, &p));
	TRY(sched_setscheduler(0, 77, &p));
}

static volatile int warned;

static void warn(int signal)
{
	warned++;
}

/* A signal at the first limit, its end at the second; also of a child's. */
static void used_up(void)
{
	struct rlimit limit = { 1, 2 };

	signal(SIGXCPU, warn);
	TRY(setrlimit(RLIMIT_CPU, &limit));
	if (fork()) {
		int status = -1;

		wait(&status);
		CHECK(status);
		_exit(0);
	}
	while (!warned)
		;
	SHOW("warned", warned);
	for (;;)
		;
}

static void others(void)
{
	struct epoll_event e;
	struct rlimit limit;
	int instance = epoll_create1(0);

	TRY(prlimit(0x3ffffe, RLIMIT_CORE, NULL, &limit));
	TRY(prlimit(-1, RLIMIT_CORE, NULL, &limit));
	TRY(syscall(SYS_epoll_wait, instance, &e, 0x7fffffff, 0));
	TRY(syscall(SYS_epoll_wait, instance, &e, 0x7fffffff / sizeof(e) + 1,
		    0));
	TRY(syscall(SYS_epoll_wait, instance, &e, -1, 0));
	close(instance);
}

/* Numbers beyond the table of descriptors have no bits. */
static void selects(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long *words = (void *)(page + 4096);
	struct timeval none = { 0, 0 };

	munmap(page + 4096, 4096);
	TRY(syscall(SYS_select, 64, words - 1, NULL, NULL, &none));
	TRY(syscall(SYS_select, 1000, words - 1, NULL, NULL, &none));
	words[-1] = 1UL << 63;
	TRY(syscall(SYS_select, 1000, words - 1, NULL, NULL, &none));
	words[-1] = 0;
	TRY(dup2(1, 100));
	TRY(syscall(SYS_select, 1000, words - 1, NULL, NULL, &none));
	words[-2] = 0;
	TRY(syscall(SYS_select, 1000, words - 2, NULL, NULL, &none));
	words[-1] = 1UL << (100 - 64);
	TRY(syscall(SYS_select, 1000, NULL, words - 2, NULL, &none));
}

int main(void)
{
	SHOW("privileged", in_child(privileged));
	hints();
	policies();
	SHOW("used up", in_child(used_up));
	others();
	SHOW("select", in_child(selects));
	return 0;
}
