// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Bad pointers in every argument of every system call that takes some; see
 * linux_test.h.
 *
 * pointers:		one bad pointer at a time, and what the call says
 * pointers high:	the same on a kernel with 5-level page tables, where what
 *			is above the end of the others' user memory need not be
 *			bad, unless in a picoprocess
 * pointers race:	all calls while another thread unmaps and protects the
 *			memory that they name; nothing is printed but the end
 */
#include "linux_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define PAGE 4096UL
#define ROUNDS 30

/* Descriptors that main() makes. */
enum {
	FILE_FD = 100,
	DIRECTORY,
	READ_END,
	WRITE_END,
	SOCKET,
	PEER,
	LISTENER,
	EPOLL,
	EVENT,
	TIMER,
	PROCESS,
	PROCESSES,
	DESCRIPTORS,
	TERMINALS,
	LINK,
	ZERO,
};

enum kind { NUMBER, IN, OUT, NAME };

/* Of an argument: a number, or what a good pointer points to. */
struct arg {
	enum kind kind;
	long number;
	const void *data; /* NULL: zeroes */
	size_t size;
};

#define I(n) { NUMBER, (long)(n), NULL, 0 }
#define P(object) { IN, 0, &(object), sizeof(object) }
#define Z(size) { IN, 0, NULL, size }
#define O(size) { OUT, 0, NULL, size }
#define S(text) { NAME, 0, text, sizeof(text) }

#define NOT_NULL 0x1 /* NULL means something that is not to happen */
#define SERIOUS 0x2 /* not with memory whose content is anybody's guess */
#define LOOKS 0x4 /* does nothing to what it names, whatever that is */
#define NO_ACCESS 0x8 /* whether the page at the end is an address depends on Linux */

struct row {
	const char *name;
	long number;
	struct arg args[6];
	int flags;
};

static const uint64_t no_signals;
static const struct timespec at_once, now_and_then[2];
static const struct timeval moments[2];
static const struct itimerval no_itimer;
static const struct itimerspec no_timer;
static const struct epoll_event event = { EPOLLIN, { 0 } };
static const struct pollfd polled = { READ_END, POLLIN, 0 };
static const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
static const struct sched_param parameter;
static const struct sockaddr_un address = { AF_UNIX, "/no/such/socket" };
static const struct {
	int version, pid;
} capability = { 0x20080522, 0 };
static const struct {
	uint64_t flags, mode, resolve;
} how;
static const int one = 1;
static const unsigned int length = 16;
static const long offset;
static const uint64_t cpus[16] = { -1 };
static const char *const strings[2] = { "true", "true" };
static const siginfo_t info = { .si_code = SI_QUEUE };

/*
 * Every call of libos/include/syscalls.h that takes a pointer and is there, which
 * scripts/check-pointers sees to, but for
 * not here: clone, which ignores that it cannot write a number
 * not here: set_robust_list, which takes any address unseen
 * not here: setgroups, which needs privileges that one side has
 */
#define CALL(name, ...) #name, SYS_##name, { __VA_ARGS__ }

static const struct row rows[] = {
	{ CALL(read, I(ZERO), O(64), I(64)) },
	{ CALL(read, I(FILE_FD), O(64), I(64)) },
	{ CALL(read, I(EVENT), O(8), I(8)) },
	{ CALL(read, I(TIMER), O(8), I(8)) },
	{ CALL(read, I(READ_END), O(64), I(64)) },
	{ CALL(read, I(SOCKET), O(64), I(64)) },
	{ CALL(write, I(FILE_FD), Z(64), I(64)) },
	{ CALL(write, I(EVENT), Z(8), I(8)) },
	{ CALL(write, I(PEER), Z(64), I(64)) },
	{ CALL(open, S("/"), I(O_RDONLY), I(0)), LOOKS },
	{ CALL(stat, S("/"), O(sizeof(struct stat))), LOOKS },
	{ CALL(fstat, I(FILE_FD), O(sizeof(struct stat))) },
	{ CALL(lstat, S("/"), O(sizeof(struct stat))), LOOKS },
	{ CALL(poll, P(polled), I(1), I(0)) },
	{ CALL(rt_sigaction, I(SIGUSR1), Z(32), O(32), I(8)), SERIOUS },
	{ CALL(rt_sigprocmask, I(SIG_SETMASK), Z(8), O(8), I(8)), SERIOUS },
	{ CALL(pread64, I(FILE_FD), O(64), I(64), I(0)) },
	{ CALL(pwrite64, I(FILE_FD), Z(64), I(64), I(0)) },
	{ CALL(readv, I(FILE_FD), Z(32), I(2)) },
	{ CALL(writev, I(FILE_FD), Z(32), I(2)) },
	{ CALL(access, S("/"), I(0)), LOOKS },
	{ CALL(pipe, O(8)) },
	{ CALL(select, I(64), P(no_signals), P(no_signals), P(no_signals),
	       P(moments[0])),
	  NOT_NULL },
	{ CALL(mincore, I(0), I(PAGE), O(1)) },
	{ CALL(nanosleep, P(at_once), O(16)), SERIOUS },
	{ CALL(getitimer, I(ITIMER_REAL), O(32)) },
	{ CALL(setitimer, I(ITIMER_REAL), P(no_itimer), O(32)), SERIOUS },
	{ CALL(sendfile, I(PEER), I(FILE_FD), P(offset), I(8)) },
	{ CALL(connect, I(SOCKET), P(address), I(sizeof(address))) },
	{ CALL(accept, I(LISTENER), O(110), P(length)) },
	{ CALL(accept4, I(LISTENER), O(110), P(length), I(0)) },
	{ CALL(sendto, I(PEER), Z(64), I(64), I(0), I(0), I(0)) },
	{ CALL(recvfrom, I(SOCKET), O(16), I(16), I(0), O(110), P(length)) },
	{ CALL(sendmsg, I(PEER), Z(56), I(0)) },
	{ CALL(recvmsg, I(SOCKET), Z(56), I(MSG_DONTWAIT)) },
	{ CALL(bind, I(SOCKET), P(address), I(sizeof(address))) },
	{ CALL(getsockname, I(SOCKET), O(110), P(length)) },
	{ CALL(getpeername, I(SOCKET), O(110), P(length)) },
	{ CALL(socketpair, I(AF_UNIX), I(SOCK_STREAM), I(0), O(8)) },
	{ CALL(setsockopt, I(SOCKET), I(SOL_SOCKET), I(SO_REUSEADDR), P(one),
	       I(sizeof(one))) },
	{ CALL(getsockopt, I(SOCKET), I(SOL_SOCKET), I(SO_TYPE), O(4),
	       P(length)) },
	{ CALL(execve, S("/bin/true"), P(strings), P(strings)), NOT_NULL },
	{ CALL(execveat, I(AT_FDCWD), S("/bin/true"), P(strings), P(strings),
	       I(0)),
	  NOT_NULL },
	{ CALL(wait4, I(-1), O(4), I(WNOHANG), O(sizeof(struct rusage))) },
	{ CALL(uname, O(sizeof(struct utsname))) },
	{ CALL(truncate, S("/no/such"), I(0)) },
	{ CALL(getdents, I(DIRECTORY), O(1024), I(1024)) },
	{ CALL(getdents64, I(DIRECTORY), O(1024), I(1024)) },
	{ CALL(getdents, I(PROCESSES), O(1024), I(1024)) },
	{ CALL(getdents64, I(PROCESSES), O(1024), I(1024)) },
	{ CALL(getdents64, I(DESCRIPTORS), O(1024), I(1024)) },
	{ CALL(getdents64, I(TERMINALS), O(1024), I(1024)) },
	{ CALL(getcwd, O(64), I(4096)) },
	{ CALL(chdir, S("/no/such")) },
	{ CALL(chroot, S("/no/such")) },
	{ CALL(rename, S("/no-such"), S("/no-such-2")) },
	{ CALL(mkdir, S("/no/such/3"), I(0)) },
	{ CALL(rmdir, S("/no/such")) },
	{ CALL(creat, S("/no/such/3"), I(0)) },
	{ CALL(link, S("/etc/passwd"), S("/no/such/2")) },
	{ CALL(unlink, S("/no/such")) },
	{ CALL(symlink, S("/no/such"), S("/no/such/2")) },
	{ CALL(readlink, S("/proc/self/exe"), O(4), I(4)), LOOKS },
	{ CALL(chmod, S("/no/such"), I(0)) },
	{ CALL(chown, S("/no/such"), I(0), I(0)) },
	{ CALL(lchown, S("/no/such"), I(0), I(0)) },
	{ CALL(gettimeofday, O(16), O(8)) },
	{ CALL(getrlimit, I(RLIMIT_CORE), O(16)) },
	{ CALL(setrlimit, I(RLIMIT_CPU), P(limit)), SERIOUS },
	{ CALL(prlimit64, I(0), I(RLIMIT_CPU), P(limit), O(16)), SERIOUS },
	{ CALL(getrusage, I(RUSAGE_SELF), O(sizeof(struct rusage))) },
	{ CALL(sysinfo, O(sizeof(struct sysinfo))) },
	{ CALL(times, O(sizeof(struct tms))) },
	{ CALL(getgroups, I(0), O(4)) },
	{ CALL(getresuid, O(4), O(4), O(4)) },
	{ CALL(getresgid, O(4), O(4), O(4)) },
	{ CALL(capget, P(capability), O(24)) },
	{ CALL(capset, P(capability), Z(24)), SERIOUS },
	{ CALL(rt_sigpending, O(8), I(8)) },
	{ CALL(rt_sigtimedwait, P(no_signals), O(sizeof(siginfo_t)), P(at_once),
	       I(8)),
	  NOT_NULL },
	{ CALL(rt_sigqueueinfo, I(0x3ffffe), I(SIGUSR1), P(info)) },
	{ CALL(pidfd_send_signal, I(PROCESS), I(0), P(info), I(0)) },
	{ CALL(rt_tgsigqueueinfo, I(0x3ffffe), I(0x3ffffe), I(SIGUSR1),
	       P(info)) },
	{ CALL(rt_sigsuspend, P(no_signals), I(8)), SERIOUS },
	{ CALL(sigaltstack, Z(24), O(24)), SERIOUS },
	{ CALL(utime, S("/no/such"), Z(16)) },
	{ CALL(utimes, S("/no/such"), P(moments)) },
	{ CALL(futimesat, I(AT_FDCWD), S("/no/such"), P(moments)) },
	{ CALL(utimensat, I(AT_FDCWD), S("/no/such"), P(now_and_then), I(0)),
	  NOT_NULL },
	{ CALL(mknod, S("/no/such/3"), I(S_IFREG), I(0)) },
	{ CALL(statfs, S("/"), O(sizeof(struct statfs))), LOOKS },
	{ CALL(fstatfs, I(FILE_FD), O(sizeof(struct statfs))) },
	{ CALL(sched_setparam, I(0), P(parameter)), SERIOUS },
	{ CALL(sched_getparam, I(0), O(4)) },
	{ CALL(sched_setscheduler, I(0), I(SCHED_OTHER), P(parameter)),
	  SERIOUS },
	{ CALL(sched_rr_get_interval, I(0), O(16)) },
	{ CALL(sched_setaffinity, I(0), I(128), P(cpus)), SERIOUS },
	{ CALL(sched_getaffinity, I(0), I(128), O(8)) },
	{ CALL(getxattr, S("/"), S("none.x"), O(8), I(8)), LOOKS },
	{ CALL(lgetxattr, S("/"), S("none.x"), O(8), I(8)), LOOKS },
	{ CALL(fgetxattr, I(FILE_FD), S("none.x"), O(8), I(8)) },
	{ CALL(removexattr, S("/"), S("none.x")) },
	{ CALL(lremovexattr, S("/"), S("none.x")) },
	{ CALL(fremovexattr, I(FILE_FD), S("none.x")) },
	{ CALL(setxattr, S("/"), S("none.x"), Z(8), I(8), I(0)) },
	{ CALL(lsetxattr, S("/"), S("none.x"), Z(8), I(8), I(0)) },
	{ CALL(fsetxattr, I(FILE_FD), S("none.x"), Z(8), I(8), I(0)) },
	{ CALL(listxattr, S("/"), O(64), I(64)), LOOKS },
	{ CALL(llistxattr, S("/"), O(64), I(64)), LOOKS },
	{ CALL(flistxattr, I(FILE_FD), O(64), I(64)) },
	{ CALL(time, O(8)) },
	{ CALL(futex, P(one), I(FUTEX_WAIT), I(2), P(at_once), I(0), I(0)),
	  SERIOUS },
	{ CALL(futex, P(one), I(FUTEX_WAKE), I(1), I(0), I(0), I(0)) },
	{ CALL(futex, P(one), I(FUTEX_WAKE | FUTEX_PRIVATE_FLAG), I(1), I(0),
	       I(0), I(0)),
	  NO_ACCESS },
	{ CALL(futex, P(one), I(FUTEX_REQUEUE), I(1), I(1), P(one), I(0)) },
	{ CALL(futex, P(one), I(FUTEX_CMP_REQUEUE), I(1), I(1), P(one), I(2)) },
	{ CALL(futex, P(one), I(FUTEX_WAKE_OP), I(1), I(1), P(one), I(0)) },
	{ CALL(timer_create, I(CLOCK_MONOTONIC), Z(64), O(4)), NOT_NULL },
	{ CALL(timer_create, I(CLOCK_MONOTONIC), I(0), O(4)), SERIOUS },
	{ CALL(timer_settime, I(0), I(0), P(no_timer), O(32)) },
	{ CALL(timer_gettime, I(0), O(32)) },
	{ CALL(clock_gettime, I(CLOCK_MONOTONIC), O(16)) },
	{ CALL(clock_getres, I(CLOCK_MONOTONIC), O(16)) },
	{ CALL(clock_nanosleep, I(CLOCK_MONOTONIC), I(0), P(at_once), O(16)),
	  SERIOUS },
	{ CALL(epoll_wait, I(EPOLL), O(12), I(1), I(0)) },
	{ CALL(epoll_pwait, I(EPOLL), O(12), I(1), I(0), P(no_signals), I(8)) },
	{ CALL(epoll_pwait2, I(EPOLL), O(12), I(1), P(at_once), I(0), I(8)),
	  NOT_NULL },
	{ CALL(epoll_ctl, I(EPOLL), I(EPOLL_CTL_MOD), I(READ_END), P(event)) },
	{ CALL(epoll_ctl, I(EPOLL), I(EPOLL_CTL_ADD), I(READ_END), P(event)) },
	{ CALL(waitid, I(P_ALL), I(0), O(sizeof(siginfo_t)),
	       I(WEXITED | WNOHANG), O(sizeof(struct rusage))) },
	{ CALL(openat, I(AT_FDCWD), S("/"), I(O_RDONLY), I(0)), LOOKS },
	{ CALL(openat2, I(AT_FDCWD), S("/"), P(how), I(sizeof(how))) },
	{ CALL(mkdirat, I(DIRECTORY), S("no/such"), I(0)) },
	{ CALL(mknodat, I(DIRECTORY), S("no/such"), I(S_IFREG), I(0)) },
	{ CALL(fchownat, I(DIRECTORY), S("no/such"), I(0), I(0), I(0)) },
	{ CALL(newfstatat, I(DIRECTORY), S("usr"), O(sizeof(struct stat)),
	       I(0)),
	  LOOKS },
	{ CALL(unlinkat, I(DIRECTORY), S("no/such"), I(0)) },
	{ CALL(renameat, I(DIRECTORY), S("no-such"), I(DIRECTORY),
	       S("no-such-2")) },
	{ CALL(renameat2, I(DIRECTORY), S("no-such"), I(DIRECTORY),
	       S("no-such-2"), I(0)) },
	{ CALL(linkat, I(DIRECTORY), S("etc/passwd"), I(DIRECTORY),
	       S("no/such/2"), I(0)) },
	{ CALL(symlinkat, S("no/such"), I(DIRECTORY), S("no/such/2")) },
	{ CALL(readlinkat, I(DIRECTORY), S("proc/self/exe"), O(4), I(4)),
	  LOOKS },
	{ CALL(readlinkat, I(LINK), S(""), O(4), I(4)), LOOKS },
	{ CALL(fchmodat, I(DIRECTORY), S("no/such"), I(0)) },
	{ CALL(faccessat, I(DIRECTORY), S("usr"), I(0)), LOOKS },
	{ CALL(faccessat2, I(DIRECTORY), S("usr"), I(0), I(0)), LOOKS },
	{ CALL(pselect6, I(64), P(no_signals), P(no_signals), P(no_signals),
	       P(at_once), Z(16)),
	  NOT_NULL },
	{ CALL(ppoll, P(polled), I(1), P(at_once), P(no_signals), I(8)),
	  NOT_NULL },
	{ CALL(set_tid_address, O(4)), SERIOUS },
	{ CALL(get_robust_list, I(0), O(8), O(8)) },
	{ CALL(splice, I(FILE_FD), P(offset), I(WRITE_END), I(0), I(1), I(0)) },
	{ CALL(vmsplice, I(WRITE_END), Z(32), I(2), I(0)) },
	{ CALL(signalfd, I(-1), P(no_signals), I(8)) },
	{ CALL(signalfd4, I(-1), P(no_signals), I(8), I(0)) },
	{ CALL(timerfd_settime, I(TIMER), I(0), P(no_timer), O(32)) },
	{ CALL(timerfd_gettime, I(TIMER), O(32)) },
	{ CALL(pipe2, O(8), I(0)) },
	{ CALL(preadv, I(FILE_FD), Z(32), I(2), I(0), I(0)) },
	{ CALL(pwritev, I(FILE_FD), Z(32), I(2), I(0), I(0)) },
	{ CALL(preadv2, I(FILE_FD), Z(32), I(2), I(0), I(0), I(0)) },
	{ CALL(pwritev2, I(FILE_FD), Z(32), I(2), I(0), I(0), I(0)) },
	{ CALL(sendmmsg, I(PEER), Z(64), I(1), I(0)) },
	{ CALL(recvmmsg, I(SOCKET), Z(64), I(1), I(MSG_DONTWAIT), P(at_once)),
	  SERIOUS },
	{ CALL(getcpu, O(4), O(4), I(0)) },
	{ CALL(getrandom, O(64), I(64), I(0)) },
	{ CALL(memfd_create, S("name"), I(0)) },
	{ CALL(copy_file_range, I(FILE_FD), P(offset), I(FILE_FD), P(offset),
	       I(0), I(0)) },
	{ CALL(statx, I(AT_FDCWD), S("/"), I(0), I(0xfff), O(256)), LOOKS },
	{ CALL(clone3, Z(64), I(64)), NOT_NULL },
	{ CALL(prctl, I(15 /* PR_SET_NAME */), S("name")) },
	{ CALL(prctl, I(16 /* PR_GET_NAME */), O(16)) },
	{ CALL(prctl, I(2 /* PR_GET_PDEATHSIG */), O(4)) },
	{ CALL(arch_prctl, I(0x1003 /* ARCH_GET_FS */), O(8)) },
	{ CALL(fcntl, I(FILE_FD), I(F_GETLK), Z(32)) },
	{ CALL(fcntl, I(FILE_FD), I(F_SETLK), Z(32)) },
	{ CALL(ioctl, I(READ_END), I(0x541b /* FIONREAD */), O(4)) },
	{ CALL(ioctl, I(SOCKET), I(0x541b), O(4)) },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* no access | written | not mapped | only read | not mapped */
static char *none, *written, *hole, *readonly;
static long pid_before;

static void put(char *to, const struct arg *arg)
{
	if (arg->data)
		memcpy(to, arg->data, arg->size);
	else
		memset(to, 0, arg->size);
}

static void fill(const struct arg *arg)
{
	put(hole - arg->size, arg);
	mprotect(readonly, PAGE, PROT_READ | PROT_WRITE);
	put(readonly, arg);
	mprotect(readonly, PAGE, PROT_READ);
}

/* Good ones for all arguments. */
static void arguments(const struct row *row, long *values)
{
	static char good[6][2048] __attribute__((aligned(16)));
	int i;

	for (i = 0; i < 6; i++) {
		const struct arg *arg = &row->args[i];

		if (arg->kind == NUMBER) {
			values[i] = arg->number;
			continue;
		}
		put(good[i], arg);
		values[i] = (long)good[i];
	}
	if (row->number == SYS_mincore)
		values[0] = (long)written;
	lseek(DIRECTORY, 0, SEEK_SET);
	lseek(PROCESSES, 0, SEEK_SET);
	lseek(DESCRIPTORS, 0, SEEK_SET);
	lseek(TERMINALS, 0, SEEK_SET);
}

static long call(const struct row *row, const long *v)
{
	long r = syscall(row->number, v[0], v[1], v[2], v[3], v[4], v[5]);

	return r < 0 ? -errno : r;
}

/* What an open descriptor or a number says besides success is not compared. */
static long result_of(const struct row *row, long r)
{
	switch (row->number) {
	case SYS_open:
	case SYS_openat:
	case SYS_openat2:
	case SYS_memfd_create:
	case SYS_signalfd:
	case SYS_signalfd4:
		if (r > 0)
			close(r);
		return r < 0 ? r : 0;
	case SYS_times:
	case SYS_time:
	case SYS_getdents:
	case SYS_getdents64:
	case SYS_sched_getaffinity:
	case SYS_set_tid_address:
		return r < 0 ? r : 0;
	}
	return r;
}

static bool high;

static void one_argument(const struct row *row, int i)
{
	const struct arg *arg = &row->args[i];
	const struct {
		const char *name;
		char *address;
	} bad[] = {
		{ "null", NULL },
		{ "low", (char *)8 },
		{ "hole", hole },
		{ "edge", hole - arg->size + 1 },
		{ "none", none },
		{ "readonly", readonly },
		{ "end", (char *)0x7ffffffff000UL },
		{ "noncanonical", (char *)0x800000000000UL },
		{ "half", (char *)0xffff800000000000UL },
		{ "kernel", (char *)0xffffffff81000000UL },
		{ "last", (char *)-1L },
	};
	long values[6];
	size_t k;

	printf("%s, %d:", row->name, i);
	for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		/* Memory that may be read is good enough to read from. */
		if ((!k && row->flags & NOT_NULL) ||
		    (row->flags & NO_ACCESS && !strcmp(bad[k].name, "end")) ||
		    (high && (!strcmp(bad[k].name, "end") ||
			      !strcmp(bad[k].name, "noncanonical"))) ||
		    (!strcmp(bad[k].name, "readonly") && arg->kind != OUT))
			continue;
		arguments(row, values);
		fill(arg);
		/* One byte alone is within the page. */
		if (arg->size == 1 && bad[k].address == hole - arg->size + 1)
			continue;
		values[i] = (long)bad[k].address;
		if (arg->kind != OUT && !strcmp(bad[k].name, "edge"))
			memmove(hole - arg->size + 1, hole - arg->size,
				arg->size - 1);
		printf(" %s %ld", bad[k].name,
		       result_of(row, call(row, values)));
	}
	printf("\n");
	fflush(stdout);
	/* Whoever is not who it was, is a child that should not be. */
	if (syscall(SYS_getpid) != pid_before)
		_exit(0);
}

/* ---- with another thread ---- */

static volatile int stop;

static void *changing(void *arg)
{
	char *page = arg;
	unsigned int i;

	for (i = 0; !stop; i++) {
		switch (i % 4) {
		case 0:
			munmap(page, PAGE);
			break;
		case 1:
			mmap(page, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 2:
			mprotect(page, PAGE, PROT_NONE);
			break;
		case 3:
			mprotect(page, PAGE, PROT_READ);
			break;
		}
	}
	return NULL;
}

/* A name that something would be done to. */
static bool names(const struct row *row)
{
	int i;

	for (i = 0; i < 6; i++)
		if (row->args[i].kind == NAME && !(row->flags & LOOKS))
			return true;
	return false;
}

static void race(void)
{
	long values[6], done = 0;
	pthread_t thread;
	size_t k;
	int i, n;

	pthread_create(&thread, NULL, changing, hole);
	for (n = 0; n < ROUNDS; n++) {
		for (k = 0; k < ROW_COUNT; k++) {
			const struct row *row = &rows[k];

			/* What is read there may mean anything, "/" too. */
			if (row->flags & ~LOOKS || names(row) ||
			    row->number == SYS_mincore)
				continue;
			for (i = 0; i < 6; i++) {
				if (row->args[i].kind == NUMBER)
					continue;
				arguments(row, values);
				values[i] = (long)hole;
				result_of(row, call(row, values));
				values[i] = (long)hole - 1;
				result_of(row, call(row, values));
				done++;
			}
			/* Nothing stays open, or full. */
			close_range(ZERO + 1, ~0U, 0);
			for (i = 3; i < FILE_FD; i++)
				close(i);
		}
	}
	stop = 1;
	pthread_join(thread, NULL);
	SHOW("done", done > 0);
}

static void descriptors(void)
{
	struct sockaddr_un name = { AF_UNIX, "" };
	static const char text[4096] = "text";
	int ends[2];

	dup2(memfd_create("file", 0), FILE_FD);
	write(FILE_FD, text, sizeof(text));
	dup2(open("/", O_RDONLY | O_DIRECTORY), DIRECTORY);
	pipe2(ends, O_NONBLOCK);
	dup2(ends[0], READ_END);
	dup2(ends[1], WRITE_END);
	write(WRITE_END, text, 2048);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
	dup2(ends[0], SOCKET);
	dup2(ends[1], PEER);
	write(PEER, text, 2048);
	dup2(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), LISTENER);
	bind(LISTENER, (void *)&name, sizeof(sa_family_t));
	listen(LISTENER, 1);
	dup2(epoll_create1(0), EPOLL);
	dup2(eventfd(1, EFD_NONBLOCK), EVENT);
	dup2(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), TIMER);
	dup2(syscall(SYS_pidfd_open, getpid(), 0), PROCESS);
	dup2(open("/proc", O_RDONLY | O_DIRECTORY), PROCESSES);
	dup2(open("/proc/self/fd", O_RDONLY | O_DIRECTORY), DESCRIPTORS);
	dup2(open("/dev/pts", O_RDONLY | O_DIRECTORY), TERMINALS);
	dup2(open("/proc/self/exe", O_PATH | O_NOFOLLOW), LINK);
	dup2(open("/dev/zero", O_RDWR), ZERO);
	epoll_ctl(EPOLL, EPOLL_CTL_ADD, READ_END, (void *)&event);
	for (int i = 3; i < FILE_FD; i++)
		close(i);
}

int main(int argc, char **argv)
{
	int timer;
	size_t k;
	int i;

	none = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	written = none + PAGE;
	hole = none + 2 * PAGE;
	readonly = none + 3 * PAGE;
	mprotect(none, PAGE, PROT_NONE);
	munmap(hole, PAGE);
	munmap(none + 4 * PAGE, PAGE);
	pid_before = syscall(SYS_getpid);
	syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer);
	signal(SIGPIPE, SIG_IGN);
	descriptors();
	if (argc > 1 && !strcmp(argv[1], "race")) {
		race();
		return 0;
	}
	high = argc > 1;
	for (k = 0; k < ROW_COUNT; k++) {
		for (i = 0; i < 6; i++) {
			if (rows[k].args[i].kind != NUMBER)
				one_argument(&rows[k], i);
		}
	}
	return 0;
}
