// SPDX-License-Identifier: GPL-2.0-only
/*
 * What calls of picoprocesses cost, in instructions, beside native calls that
 * do the same work. Needs scripts/vm --icount; elsewhere everything is
 * skipped. Of the ratios those below have limits; the others are for reading.
 */
/* Through a registered provider, that of kmod/samples/minimal. */
#define LIMIT_PROVIDER	300
/* Reading a clock: in hundredths of what the vDSO takes. */
#define LIMIT_CLOCK	120
/* Of a clone and its end to fork and exit, whose process has more memory. */
#define LIMIT_FORK	1.15
/* A set and a wait, together: no call of the kernel is as short. */
#define LIMIT_SET_WAIT	200

/*
 * Of a null call on kernels after 6.1, whose own calls are shorter (315
 * instructions instead of 322).
 */
#define LIMIT_NULL_LATER 0.98

/* Ratios to native. */
static const struct {
	const char *name;
	double ratio;
} limits[] = {
	{ "null", 0.95 },	{ "thread", 1.15 },
	{ "read-1", 1.10 },	{ "read-4096", 1.10 },
	{ "read-65536", 1.10 }, { "write-1", 1.10 },
	{ "write-4096", 1.10 }, { "write-65536", 1.10 },
	{ "tcp-echo-1", 1.10 }, { "tcp-echo-4096", 1.10 },
	{ "map+unmap", 1.15 },	{ "ping-pong", 1.00 },
};

#define LIMITS	((int)(sizeof(limits) / sizeof(limits[0])))

#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "kselftest.h"
#include "lib/sandbox.h"
#include "lib/sample.h"

static inline unsigned long long ticks(void)
{
	unsigned int low, high;

	asm volatile("lfence; rdtsc; lfence"
		     : "=a"(low), "=d"(high)
		     :
		     : "memory");
	return (unsigned long long)high << 32 | low;
}

static struct value {
	char name[32];
	unsigned long long ticks;
} native[32], dk[32];
static int natives, dks;

#define MEASURE(what, n, call) do {					\
	unsigned long long best_ = ~0ULL;				\
									\
	for (int i_ = 0; i_ < (n); i_++) {				\
		unsigned long long start_ = ticks();			\
									\
		call;							\
		start_ = ticks() - start_;				\
		if (start_ < best_)					\
			best_ = start_;					\
	}								\
	strcpy(native[natives].name, what);				\
	native[natives++].ticks = best_;				\
} while (0)

static char buffer[65536] __attribute__((aligned(4096)));
static char stack[16384] __attribute__((aligned(4096)));

static int thread_main(void *argument)
{
	syscall(SYS_exit, 0);
	return 0;
}

/* Two ends of a connection over the loopback device. */
static void connect_ends(int ends[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(server, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(server, 1) ||
	    getsockname(server, (struct sockaddr *)&at, &length) ||
	    connect(ends[0], (struct sockaddr *)&at, sizeof(at)))
		ksft_exit_fail_msg("no connection\n");
	ends[1] = accept(server, NULL, NULL);
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one,
			   sizeof(one));
	close(server);
}

static void echo(const int ends[2], size_t length)
{
	for (int i = 0; i < 2; i++) {
		syscall(SYS_write, ends[i], buffer, length);
		syscall(SYS_read, ends[!i], buffer, length);
	}
}

/* Answers each signal of one eventfd with one of the other. */
static int ping, pong;

static void *answer(void *argument)
{
	uint64_t value;

	for (int i = 0; i < 300; i++) {
		if (syscall(SYS_read, ping, &value, 8) != 8)
			break;
		syscall(SYS_write, pong, &value, 8);
	}
	return NULL;
}

static void measure_ping_pong(void)
{
	uint64_t value = 1;
	pthread_t thread;

	ping = eventfd(0, 0);
	pong = eventfd(0, 0);
	pthread_create(&thread, NULL, answer, NULL);
	MEASURE("ping-pong", 300, syscall(SYS_write, ping, &value, 8);
		syscall(SYS_read, pong, &value, 8));
	pthread_join(thread, NULL);
	close(ping);
	close(pong);
}

static void measure_native(void)
{
	int ends[2];
	int fd = open("/tmp/bench-native", O_RDWR | O_CREAT | O_TRUNC, 0644);
	struct timespec now;
	volatile int tid;
	pid_t pid;
	struct pollfd p = { .fd = eventfd(1, 0), .events = POLLIN };
	void *base;

	if (pwrite(fd, buffer, 65536, 0) != 65536)
		ksft_exit_fail_msg("pwrite\n");
	MEASURE("nothing", 100, asm volatile(""));
	MEASURE("null", 1000, syscall(SYS_getpid));
	MEASURE("read-1", 300, syscall(SYS_pread64, fd, buffer, 1, 0));
	MEASURE("read-4096", 300, syscall(SYS_pread64, fd, buffer, 4096, 0));
	MEASURE("read-65536", 100, syscall(SYS_pread64, fd, buffer, 65536, 0));
	MEASURE("write-1", 300, syscall(SYS_pwrite64, fd, buffer, 1, 0));
	MEASURE("write-4096", 300, syscall(SYS_pwrite64, fd, buffer, 4096, 0));
	MEASURE("write-65536", 100,
		syscall(SYS_pwrite64, fd, buffer, 65536, 0));
	connect_ends(ends);
	MEASURE("tcp-echo-1", 300, echo(ends, 1));
	MEASURE("tcp-echo-4096", 300, echo(ends, 4096));
	MEASURE("map+unmap", 300,
		base = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(base, 8192));
	/* The vDSO's. */
	MEASURE("clock", 1000, clock_gettime(CLOCK_MONOTONIC, &now));
	MEASURE("clock-call", 1000,
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
	MEASURE("wait-signalled", 500, poll(&p, 1, 0));
	MEASURE("open+close", 200, close(open("/tmp/bench-native", O_RDONLY)));
	MEASURE("thread", 100, tid = 1;
		clone(thread_main, stack + sizeof(stack),
		      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			      CLONE_THREAD | CLONE_SYSVSEM |
			      CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID,
		      NULL, &tid, NULL, &tid);
		while (tid) syscall(SYS_futex, &tid, FUTEX_WAIT, tid, NULL,
				    NULL, 0));
	MEASURE("fork", 100, pid = syscall(SYS_fork);
		if (!pid) syscall(SYS_exit_group, 0); waitpid(pid, NULL, 0));
	measure_ping_pong();
	close(fd);
	unlink("/tmp/bench-native");
}

/*
 * For the provider "minimal": the smallest time of 1000 calls, less
 * PROGRAM_BIAS, as exit code.
 */
#define PROGRAM_BIAS	128

asm(".pushsection .rodata\n"
    "program:\n"
    "	.ascii	\"\\177PICOEXE\"\n"
    "	mov	$383, %r15d\n"
    "	mov	$1000, %r14d\n"
    "1:	lfence\n"
    "	rdtsc\n"
    "	lfence\n"
    "	shl	$32, %rdx\n"
    "	or	%rax, %rdx\n"
    "	mov	%rdx, %r13\n"
    "	mov	$1, %eax\n"
    "	syscall\n"
    "	lfence\n"
    "	rdtsc\n"
    "	lfence\n"
    "	shl	$32, %rdx\n"
    "	or	%rax, %rdx\n"
    "	sub	%r13, %rdx\n"
    "	cmp	%r15, %rdx\n"
    "	cmovb	%rdx, %r15\n"
    "	dec	%r14d\n"
    "	jnz	1b\n"
    "	lea	-128(%r15), %edi\n"
    "	xor	%eax, %eax\n"
    "	syscall\n"
    "program_end:\n"
    "	.popsection\n");

extern const char program[], program_end[];

/* Ticks of a null call through the smallest provider; 0: it did not run. */
static unsigned long long measure_provider(void)
{
	char *const args[] = { "cost", NULL }, *const env[] = { NULL };
	int device, file, status = -1;
	pid_t pid;

	if (sample_module("minimal", true))
		return 0;
	device = sample_open("minimal");
	file = memfd_create("cost", 0);
	pid = fork();
	if (!pid) {
		if (write(file, program, program_end - program) > 0 &&
		    !ioctl(device, PICO_IOC_TICKET))
			fexecve(file, args, env);
		abort();
	}
	if (!wait_for(pid, &status, 20000) || !WIFEXITED(status))
		status = -1;
	close(file);
	close(device);
	sample_module("minimal", false);
	return status < 0 ? 0 : WEXITSTATUS(status) + PROGRAM_BIAS;
}

static unsigned long long find(const struct value *v, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(v[i].name, name))
			return v[i].ticks;
	return 0;
}

static bool measure_dk(void)
{
	int sandbox = sandbox_open(), out[2];
	static struct lines lines;
	char line[256];

	if (sandbox < 0 || pipe2(out, O_CLOEXEC) ||
	    sandbox_rule(sandbox, "/tmp", 7, DRAWBRIDGE_RULE_PRIVATE) ||
	    sandbox_rule_uri(sandbox, "tcp.server:127.0.0.1:*", 1, 0) ||
	    sandbox_rule_uri(sandbox, "tcp.client:127.0.0.1:*", 3, 0))
		return false;
	lines.fd = out[0];
	lines.pid = sandbox_start(sandbox, &(struct sandbox_start){
						   .image = beside("bench.img"),
						   .out = out[1] });
	if (lines.pid < 0)
		return false;
	while (next_line(&lines, line, sizeof(line))) {
		if (sscanf(line, "value %31s %llu", dk[dks].name,
			   &dk[dks].ticks) == 2)
			dks++;
		else if (strncmp(line, "not ok", 6) == 0)
			return false;
	}
	close(sandbox);
	return lines.status == 0;
}

static bool is_later_kernel(void)
{
	struct utsname u;

	return !uname(&u) && strncmp(u.release, "6.1.", 4);
}

int main(void)
{
	unsigned long long clock, vdso, overhead, provider;
	long long set_wait;
	double ratio, limit;

	ksft_print_header();
	if (!getenv("PICO_ICOUNT")) {
		ksft_set_plan(1);
		ksft_test_result_skip("needs --icount\n");
		ksft_finished();
	}
	ksft_set_plan(5 + LIMITS);
	provider = measure_provider();
	measure_native();
	ksft_test_result(measure_dk() && dks > 5, "the image measured\n");
	overhead = find(native, natives, "nothing");
	for (int i = 0; i < dks; i++) {
		unsigned long long n = find(native, natives, dk[i].name);

		if (!strcmp(dk[i].name, "nothing"))
			continue;
		if (n)
			ksft_print_msg("ratio %s %.2f (%llu, native %llu)\n",
				       dk[i].name,
				       (double)(dk[i].ticks - overhead) /
					       (n - overhead),
				       dk[i].ticks - overhead, n - overhead);
		else
			ksft_print_msg("%s %llu\n", dk[i].name,
				       dk[i].ticks - overhead);
	}
	ksft_print_msg("ratio provider-null %.2f\n",
		       (double)(provider - overhead) /
			       (find(native, natives, "null") - overhead));
	ksft_test_result(
		provider && provider - overhead <= LIMIT_PROVIDER,
		"a provider's null call is at most %d instructions: %llu\n",
		LIMIT_PROVIDER, provider - overhead);
	ratio = (double)(find(dk, dks, "fork") - overhead) /
		(find(native, natives, "fork") - overhead);
	ksft_test_result(ratio > 0 && ratio <= LIMIT_FORK,
			 "a clone is at most %.2f of fork: %.2f\n", LIMIT_FORK,
			 ratio);
	for (int i = 0; i < LIMITS; i++) {
		limit = limits[i].ratio;
		if (!strcmp(limits[i].name, "null") && is_later_kernel())
			limit = LIMIT_NULL_LATER;
		ratio = (double)(find(dk, dks, limits[i].name) - overhead) /
			(find(native, natives, limits[i].name) - overhead);
		ksft_test_result(ratio > 0 && ratio <= limit,
				 "%s is at most %.2f of native: %.3f\n",
				 limits[i].name, limit, ratio);
	}
	set_wait = find(dk, dks, "set+wait") - overhead;
	ksft_test_result(set_wait > 0 && set_wait <= LIMIT_SET_WAIT,
			 "a set and a wait are at most %d instructions: %lld\n",
			 LIMIT_SET_WAIT, set_wait);
	clock = find(dk, dks, "clock") - overhead;
	vdso = find(native, natives, "clock") - overhead;
	ksft_test_result(
		clock && clock * 100 <= vdso * LIMIT_CLOCK,
		"DkSystemTimeQuery takes at most %d %% of clock_gettime: %llu of %llu\n",
		LIMIT_CLOCK, clock, vdso);
	ksft_finished();
}
