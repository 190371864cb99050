// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What a process sets for itself and asks of its system: prctl, arch_prctl,
 * membarrier, rseq, random bytes, numbers of the system, limits.
 *
 * options user: limits that are for others than root
 * options pi: what becomes of mutexes with priority inheritance, which differs
 */
#include "child.h"
#include "linux_test.h"

#include <asm/prctl.h>
#include <grp.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif
#ifndef ARCH_GET_XCOMP_SUPP
#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#endif

static void *volatile nowhere = (void *)8;
static char *self;

/* ---- prctl ---- */

static void *names_thread(void *unused)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	printf("inherited %s\n", name);
	TRY(prctl(PR_SET_NAME, "another"));
	SHOW("slack", prctl(PR_GET_TIMERSLACK));
	TRY(prctl(PR_SET_TIMERSLACK, 7000));
	SHOW("slack", prctl(PR_GET_TIMERSLACK));
	return unused;
}

static void names(void)
{
	char name[20];
	pthread_t thread;

	memset(name, 'z', sizeof(name));
	TRY(prctl(PR_SET_NAME, "a name that is too long"));
	TRY(prctl(PR_GET_NAME, name));
	printf("%.16s %c\n", name, name[16]);
	/* a number like those that stand for another try */
	TRY(prctl(PR_SET_TIMERSLACK, -512L));
	SHOW("slack", syscall(SYS_prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0));
	CHECK(errno);
	TRY(prctl(PR_SET_TIMERSLACK, 123456));
	pthread_create(&thread, NULL, names_thread, NULL);
	pthread_join(thread, NULL);
	TRY(prctl(PR_GET_NAME, name));
	printf("%s\n", name);
	SHOW("slack", prctl(PR_GET_TIMERSLACK));
	TRY(prctl(PR_SET_TIMERSLACK, 0));
	SHOW("slack", prctl(PR_GET_TIMERSLACK));
	TRY(prctl(PR_SET_NAME, ""));
	TRY(prctl(PR_GET_NAME, name));
	CHECK(name[0]);
	TRY(prctl(PR_SET_NAME, nowhere));
	TRY(prctl(PR_GET_NAME, nowhere));
}

static void inherited(void)
{
	int death = -1;

	TRY(prctl(PR_GET_PDEATHSIG, &death));
	CHECK(death);
	TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	TRY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	TRY(prctl(PR_GET_DUMPABLE));
	TRY(prctl(PR_GET_KEEPCAPS));
	SHOW("slack", prctl(PR_GET_TIMERSLACK));
}

static void executed(void)
{
	execl(self, self, "inherited", NULL);
	_exit(9);
}

static void process(void)
{
	int *clear = NULL;
	int death = -1, tsc = -1;

	inherited();
	TRY(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	TRY(prctl(PR_GET_PDEATHSIG, &death));
	CHECK(death);
	TRY(prctl(PR_SET_PDEATHSIG, 64));
	TRY(prctl(PR_SET_PDEATHSIG, 65));
	TRY(prctl(PR_SET_PDEATHSIG, -1));
	TRY(prctl(PR_GET_PDEATHSIG, nowhere));
	TRY(prctl(PR_SET_DUMPABLE, 2));
	TRY(prctl(PR_SET_DUMPABLE, 3));
	TRY(prctl(PR_SET_DUMPABLE, 0));
	TRY(prctl(PR_GET_DUMPABLE));
	TRY(prctl(PR_SET_KEEPCAPS, 2));
	TRY(prctl(PR_SET_KEEPCAPS, 1));
	TRY(prctl(PR_GET_KEEPCAPS));
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	TRY(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	TRY(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0));
	TRY(prctl(PR_SET_THP_DISABLE, 5, 0, 0, 0));
	TRY(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
	TRY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	TRY(prctl(PR_SET_TIMERSLACK, 4711));
	TRY(prctl(PR_GET_TID_ADDRESS, &clear));
	CHECK(clear != NULL);
	TRY(prctl(PR_GET_TID_ADDRESS, nowhere));
	TRY(prctl(PR_GET_TSC, &tsc));
	CHECK(tsc);
	TRY(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	TRY(prctl(PR_SET_TSC, 77));
	TRY(prctl(PR_GET_TIMING));
	TRY(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL));
	TRY(prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP));
	TRY(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	TRY(prctl(PR_MCE_KILL_GET, 1, 0, 0, 0));
	TRY(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
	TRY(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	TRY(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 77, 0, 0));
	TRY(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0));
	TRY(prctl(PR_MCE_KILL, 77, 0, 0, 0));
	TRY(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
	TRY(prctl(PR_TASK_PERF_EVENTS_DISABLE));
	TRY(prctl(PR_TASK_PERF_EVENTS_ENABLE));
	TRY(prctl(PR_GET_SECCOMP));
	TRY(prctl(PR_GET_ENDIAN, &tsc));
	TRY(prctl(PR_GET_UNALIGN, &tsc));
	TRY(prctl(PR_GET_FPEMU, &tsc));
	TRY(prctl(PR_GET_FPEXC, &tsc));
	TRY(prctl(PR_SET_MM, 0, 0, 0, 0));
	TRY(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
	TRY(prctl(PR_SET_VMA, 0, &tsc, 4096, "name"));
	TRY(prctl(PR_CAPBSET_READ, 0) >= 0);
	TRY(prctl(PR_CAPBSET_READ, 77));
	TRY(prctl(PR_CAPBSET_DROP, 1));
	TRY(prctl(PR_CAPBSET_DROP, 77));
	TRY(prctl(PR_GET_SECUREBITS));
	TRY(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
	TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 0, 0));
	TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 77, 0, 0));
	TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 1, 0, 0));
	TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, 1, 0, 0));
	TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	TRY(prctl(PR_CAP_AMBIENT, 77, 0, 0, 0));
	TRY(prctl(12345));
	SHOW("in a child", in_child(inherited));
	SHOW("after execve", in_child(executed));
}

/* Nobody has privileges from here on. */
static void without_privileges(void)
{
	(void)!setgroups(0, NULL);
	(void)!setgid(65534);
	(void)!setuid(65534);
	/* Who becomes another, is not. */
	prctl(PR_SET_DUMPABLE, 1);
	process();
}

/* ---- arch_prctl ---- */

static long arch(int code, unsigned long address)
{
	return syscall(SYS_arch_prctl, code, address);
}

static void bases(void)
{
	unsigned long fs = 0, gs = 1, now = 0, features = 0;

	TRY(arch(ARCH_GET_FS, (unsigned long)&fs));
	CHECK(fs == (unsigned long)pthread_self());
	TRY(arch(ARCH_GET_GS, (unsigned long)&gs));
	CHECK(gs);
	TRY(arch(ARCH_SET_GS, 0));
	TRY(arch(ARCH_SET_FS, fs));
	TRY(arch(ARCH_GET_FS, (unsigned long)&now));
	CHECK(now == fs);
	TRY(arch(ARCH_SET_FS, 1UL << 63));
	TRY(arch(ARCH_SET_FS, 0x7ffffffff000));
	TRY(arch(ARCH_SET_FS, fs));
	TRY(arch(ARCH_SET_GS, 1UL << 63));
	TRY(arch(ARCH_GET_FS, 8));
	TRY(arch(ARCH_GET_GS, 8));
	TRY(arch(ARCH_GET_CPUID, 0));
	TRY(arch(ARCH_SET_CPUID, 1));
	TRY(arch(0, 0));
	TRY(arch(-1, 0));
	TRY(arch(0x1005, 0));
	TRY(arch(ARCH_GET_XCOMP_SUPP, (unsigned long)&features));
	CHECK(features & 7);
	features = 0;
	TRY(arch(ARCH_GET_XCOMP_PERM, (unsigned long)&features));
	CHECK(features & 7);
	TRY(arch(ARCH_GET_XCOMP_SUPP, 8));
	TRY(arch(ARCH_REQ_XCOMP_PERM, 2));
	TRY(arch(ARCH_REQ_XCOMP_PERM, 77));
}

/* ---- membarrier, rseq ---- */

static volatile int x, y, seen_x, seen_y, turn, answered;

static long barrier(int command, unsigned int flags)
{
	return syscall(SYS_membarrier, command, flags, 0);
}

static void *other_side(void *rounds)
{
	long i;

	for (i = 1; i <= (long)rounds; i++) {
		while (turn != i)
			;
		x = 1;
		asm volatile("" : : : "memory");
		seen_y = y;
		answered = i;
	}
	return NULL;
}

static void still_registered(void)
{
	TRY(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
}

/* One of two that write and then read sees what the other has written. */
static void barriers(void)
{
	const long rounds = 3000;
	long i, neither = 0;
	pthread_t thread;

	CHECK(barrier(MEMBARRIER_CMD_QUERY, 0) &
	      (MEMBARRIER_CMD_PRIVATE_EXPEDITED |
	       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
	TRY(barrier(MEMBARRIER_CMD_QUERY, 1));
	TRY(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	TRY(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 1));
	TRY(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	TRY(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	TRY(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	TRY(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 2));
	TRY(barrier(1 << 20, 0));
	TRY(barrier(3, 0));
	in_child(still_registered);
	pthread_create(&thread, NULL, other_side, (void *)rounds);
	for (i = 1; i <= rounds; i++) {
		x = y = 0;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		turn = i;
		y = 1;
		barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0);
		seen_x = x;
		while (answered != i)
			sched_yield();
		neither += !seen_x && !seen_y;
	}
	pthread_join(thread, NULL);
	SHOW("saw neither", neither);
}

/* Whoever has one, or not, is told what is wrong with it. */
static void sequences(void)
{
	static char area[64] __attribute__((aligned(32)));
	long r = syscall(SYS_rseq, NULL, 0, 0, 0);

	SHOW("refused", r == -1 && (errno == EINVAL || errno == ENOSYS));
	r = syscall(SYS_rseq, area + 1, 32, 0, 0x53053053);
	SHOW("refused", r == -1 && (errno == EINVAL || errno == ENOSYS));
}

/* ---- numbers ---- */

static bool is_random(const unsigned char *b, size_t n)
{
	size_t i, zeroes = 0;

	for (i = 0; i < n; i++)
		zeroes += !b[i];
	return zeroes <= n / 64;
}

static void randoms(void)
{
	static unsigned char a[1 << 20], b[1 << 20];
	static const size_t sizes[] = { 1,   8,	   32,	  255,	  256,
					257, 4095, 65536, 1 << 20 };
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	munmap(pages + 4096, 4096);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		CHECK(getrandom(a, sizes[i], 0));
	CHECK(getrandom(b, sizeof(b), GRND_NONBLOCK));
	CHECK(is_random(a, sizeof(a)));
	CHECK(is_random(b, sizeof(b)));
	CHECK(memcmp(a, b, 32) != 0);
	CHECK(getrandom(a, 16, GRND_RANDOM));
	CHECK(getrandom(a, 16, GRND_RANDOM | GRND_NONBLOCK));
	CHECK(getrandom(a, 16, GRND_INSECURE));
	TRY(getrandom(a, 16, GRND_INSECURE | GRND_RANDOM));
	TRY(getrandom(a, 16, 8));
	TRY(getrandom(a, 0, 8));
	TRY(getrandom(NULL, 0, 0));
	TRY(getrandom(nowhere, 0, 0));
	TRY(getrandom(nowhere, 1, 0));
	TRY(getrandom(pages + 4096, 1, 0));
	memset(pages, 0, 4096);
	CHECK(getrandom(pages + 4096 - 128, 128, 0));
	CHECK(is_random((void *)(pages + 4096 - 128), 128));
	CHECK(pages[4096 - 129]);
	CHECK(getrandom(pages + 4096 - 64, 4096, 0) > 0);
}

static void information(void)
{
	struct timespec ts;
	struct sysinfo s;
	long unit;

	memset(&s, 0x5a, sizeof(s));
	TRY(sysinfo(&s));
	clock_gettime(CLOCK_BOOTTIME, &ts);
	unit = s.mem_unit;
	CHECK(labs(ts.tv_sec - s.uptime) <= 2);
	CHECK((long)(s.totalram * unit / sysconf(_SC_PAGESIZE)) ==
	      sysconf(_SC_PHYS_PAGES));
	CHECK(s.totalram > 0);
	CHECK(s.freeram <= s.totalram);
	CHECK(s.freeswap <= s.totalswap);
	CHECK(s.freehigh <= s.totalhigh);
	CHECK(s.procs >= 1);
	CHECK(unit > 0);
	CHECK(s.loads[0] < 1000UL << 16);
	TRY(sysinfo(nowhere));
	CHECK(get_nprocs() > 0);
}

/* ---- limits ---- */

static void pending(void)
{
	const struct rlimit three = { 3, 3 };
	union sigval value = { .sival_int = 1 };
	sigset_t set, now;
	siginfo_t info;
	timer_t timer;
	pid_t pid;
	int i;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	TRY(setrlimit(RLIMIT_SIGPENDING, &three));
	for (i = 0; i < 5; i++)
		TRY(sigqueue(getpid(), SIGRTMIN, value));
	/* kill() always can, and of a real-time signal too. */
	TRY(kill(getpid(), SIGUSR1));
	TRY(kill(getpid(), SIGRTMIN));
	TRY(raise(SIGALRM));
	TRY(pthread_kill(pthread_self(), SIGRTMIN));
	sigpending(&now);
	CHECK(sigismember(&now, SIGUSR1));
	CHECK(sigismember(&now, SIGALRM));
	/* A timer has an entry from when it is made. */
	TRY(timer_create(CLOCK_MONOTONIC, NULL, &timer));
	for (i = 0; i < 4; i++) {
		struct timespec none = { 0, 0 };

		TRY(sigtimedwait(&set, &info, &none));
	}
	TRY(timer_create(CLOCK_MONOTONIC, NULL, &timer));
	for (i = 0; i < 4; i++)
		TRY(sigqueue(getpid(), SIGRTMIN, value));
	/* Of a child, neither counts. */
	pid = fork();
	if (!pid) {
		sigqueue(getpid(), SIGRTMIN, value);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	TRY(timer_delete(timer));
	TRY(sigqueue(getpid(), SIGRTMIN, value));
}

static volatile bool stop;

static void *waits(void *unused)
{
	while (!stop)
		sleep_ms(1);
	return unused;
}

/* Threads and processes count alike, the first one too. */
static void user(void)
{
	struct rlimit limit = { 4, 4 };
	pthread_t thread, more;
	pid_t children[8];
	int i, made = 0;

	CHECK(getuid() != 0);
	in_child(pending);
	TRY(setrlimit(RLIMIT_NPROC, &limit));
	CHECK(pthread_create(&thread, NULL, waits, NULL));
	for (i = 0; i < 8; i++) {
		children[i] = fork();
		if (!children[i]) {
			sleep_ms(200);
			_exit(0);
		}
		if (children[i] < 0)
			SHOW("fork", -errno);
		made += children[i] > 0;
	}
	SHOW("made", made);
	CHECK(pthread_create(&more, NULL, waits, NULL));
	for (i = 0; i < made; i++) {
		int status = -1;

		wait(&status);
		SHOW("child", status);
	}
	CHECK(pthread_create(&more, NULL, waits, NULL));
	stop = true;
	pthread_join(thread, NULL);
	pthread_join(more, NULL);
	limit.rlim_cur = 0;
	TRY(setrlimit(RLIMIT_NPROC, &limit));
	TRY(fork());
	TRY(vfork());
	CHECK(pthread_create(&more, NULL, waits, NULL));
}

/* Of root's there are as many as it likes. */
static void processes(void)
{
	struct rlimit limit = { 1, 1 }, now = { 0, 0 };
	pthread_t thread;

	TRY(setrlimit(RLIMIT_NPROC, &limit));
	TRY(getrlimit(RLIMIT_NPROC, &now));
	CHECK(now.rlim_cur);
	CHECK(now.rlim_max);
	limit.rlim_cur = 2;
	TRY(setrlimit(RLIMIT_NPROC, &limit));
	if (getuid())
		return;
	SHOW("a child", in_child(inherited));
	pthread_create(&thread, NULL, names_thread, NULL);
	pthread_join(thread, NULL);
}

static void limits(void)
{
	struct rlimit r = { 5, 4 }, now;

	TRY(setrlimit(RLIMIT_CORE, &r));
	TRY(setrlimit(RLIM_NLIMITS, &r));
	TRY(getrlimit(RLIM_NLIMITS, &r));
	TRY(getrlimit(RLIMIT_CORE, nowhere));
	TRY(setrlimit(RLIMIT_CORE, nowhere));
	TRY(prlimit(0, RLIMIT_CORE, NULL, NULL));
	r = (struct rlimit){ 3, 4 };
	TRY(prlimit(getpid(), RLIMIT_CORE, &r, &now));
	TRY(prlimit(getpid(), RLIMIT_CORE, NULL, &now));
	CHECK(now.rlim_cur);
	CHECK(now.rlim_max);
	in_child(processes);
}

/* ---- mutexes with priority inheritance ---- */

static void inheritance(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t mutex;
	uint32_t word = 0;
	static const int operations[] = { FUTEX_LOCK_PI,
					  FUTEX_TRYLOCK_PI,
					  FUTEX_UNLOCK_PI,
					  FUTEX_WAIT_REQUEUE_PI,
					  FUTEX_CMP_REQUEUE_PI,
					  13 /* FUTEX_LOCK_PI2 */ };
	size_t i;
	long r;

	pthread_mutexattr_init(&attr);
	CHECK(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
	CHECK(pthread_mutex_init(&mutex, &attr));
	CHECK(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_NONE));
	CHECK(pthread_mutex_init(&mutex, &attr));
	CHECK(pthread_mutex_lock(&mutex));
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		word = 0;
		r = syscall(SYS_futex, &word, operations[i], 1, NULL, &word, 0);
		printf("operation %d: %ld, word %x\n", operations[i],
		       r < 0 ? -(long)errno : r, word);
	}
}

/* It works, or is refused when it is made. */
static void inherit_or_not(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t mutex;
	int r;

	pthread_mutexattr_init(&attr);
	TRY(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
	r = pthread_mutex_init(&mutex, &attr);
	if (r) {
		SHOW("works or is refused", r == ENOTSUP);
		return;
	}
	r = pthread_mutex_lock(&mutex);
	SHOW("works or is refused",
	     !r && pthread_mutex_trylock(&mutex) == EBUSY &&
		     !pthread_mutex_unlock(&mutex));
}

int main(int argc, char **argv)
{
	self = argv[0];
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1 && !strcmp(argv[1], "pi")) {
		inheritance();
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "user")) {
		user();
		return 0;
	}
	if (argc > 1) {
		inherited();
		return 0;
	}
	inherit_or_not();
	names();
	SHOW("process", in_child(without_privileges));
	SHOW("bases", in_child(bases));
	SHOW("barriers", in_child(barriers));
	SHOW("sequences", in_child(sequences));
	randoms();
	information();
	limits();
	return 0;
}
