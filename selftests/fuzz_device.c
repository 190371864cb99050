// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fuzzer of /dev/pico, from unmarked processes of an ordinary user: every
 * ioctl that the uapi headers define, with arguments that fit, nearly fit or
 * do not, and others; files opened, bound, configured, started, closed and
 * executed by several threads and processes at the same moment.
 *
 *	fuzz_device [--seconds S] [--seed S]
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "lib/sandbox.h"

#define FILES		6
#define THREADS		3
#define PROCESSES	3
#define ORDINARY	1000
#define CANARY		"/dev/shm/pico-fuzz-device"

static const struct {
	const char *name;
	unsigned long command;
} ioctls[] = {
#define IOCTL(name) { #name, name },
#include "ioctls.h"
};
#define IOCTLS	(sizeof(ioctls) / sizeof(ioctls[0]))

/* Shared by all: how often each was made, and how often it succeeded. */
static struct counts {
	unsigned long long made[IOCTLS], good[IOCTLS], others, executed;
} * counts;

/* Shared by the threads of one process. */
static int files[FILES];
static char *page; /* and nothing behind */
static char *read_only;
static double end;
static pid_t last_child;

static const char *const images[] = {
	"hello.img", "idle.img", "stress.img", "fault.img", "hello.sh",
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- numbers ---- */

static __thread unsigned long long state;

static unsigned long long draw(void)
{
	unsigned long long x = state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return (x ^ x >> 31) >> 3;
}

static unsigned long long below(unsigned long long n)
{
	return draw() % n;
}

static bool chance(int percent)
{
	return below(100) < (unsigned int)percent;
}

static unsigned long long edge(void)
{
	static const unsigned long long edges[] = {
		0,
		1,
		2,
		3,
		7,
		8,
		255,
		256,
		4095,
		4096,
		4097,
		65535,
		65536,
		0x1fffff,
		0x200000,
		0x200001,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		1ULL << 32,
		1ULL << 47,
		1ULL << 63,
		~0ULL - 4095,
		~0ULL,
	};

	return chance(20) ? draw() :
			    edges[below(sizeof(edges) / sizeof(edges[0]))];
}

static void *bad_address(void)
{
	static const unsigned long long bad[] = {
		0,
		8,
		0xfff,
		0x7ffffffff000,
		0x800000000000,
		0xffff888000000000,
		0xffffffff81000000,
		~0ULL - 7,
		~0ULL,
	};

	switch (below(4)) {
	case 0:
		return page + 4096 - below(64);
	case 1:
		return read_only + below(4096);
	default:
		return (void *)bad[below(sizeof(bad) / sizeof(bad[0]))];
	}
}

static int any_file(void)
{
	return __atomic_load_n(&files[below(FILES)], __ATOMIC_RELAXED);
}

/* ---- arguments ---- */

static int any_fd(void)
{
	static int devnull = -1, image = -1, folder = -1, pair[2];

	if (devnull < 0) {
		devnull = open("/dev/null", O_RDWR | O_CLOEXEC);
		image = open(beside(images[0]), O_RDONLY | O_CLOEXEC);
		folder = open("/", O_PATH | O_CLOEXEC);
		if (pipe2(pair, O_CLOEXEC | O_NONBLOCK))
			return -1;
	}
	switch (below(8)) {
	case 0:
		return -1;
	case 1:
		return any_file();
	case 2:
		return folder;
	case 3:
		return image;
	case 4:
		return pair[below(2)];
	case 5:
		return below(30);
	case 6:
		return (int)edge();
	default:
		return devnull;
	}
}

/* What fits an ioctl that we know; @a has room for all. */
static void make_good(unsigned long command, void *a, char *text)
{
	static const char *const uris[] = {
		"file:/",
		"file:/tmp",
		"file:/dev/shm",
		"file:/etc",
		"file:/usr/bin/env",
		"file:/proc",
		"file:/dev/null",
		"file:/nothing",
		"file:/tmp/..",
		"file:/../etc/passwd",
		"null:",
		"file:",
		"tcp.server:127.0.0.1:40000",
		"dns:",
	};
	struct pico_ioc_bind *bind = a;
	struct drawbridge_rule *rule = a;
	struct drawbridge_start *start = a;
	struct drawbridge_debug *debug = a;
	struct pico_ioc_terminate *terminate = a;
	char *p = text;

	switch (command) {
	case PICO_IOC_BIND:
		memset(bind, 0, sizeof(*bind));
		strcpy((char *)bind->provider, chance(90) ? "drawbridge" :
					       chance(50) ? "pico_test" :
							    "nobody");
		break;
	case PICO_IOC_TERMINATE:
		terminate->pid = chance(70) ? last_child : (int)below(400);
		terminate->status = chance(50) ? SIGKILL : (int)below(256) << 8;
		break;
	case DRAWBRIDGE_IOC_ROOT:
		*(__s32 *)a = chance(50) ? any_fd() :
					   open("/", O_PATH | O_CLOEXEC);
		break;
	case DRAWBRIDGE_IOC_RULE:
		strcpy(text, uris[below(sizeof(uris) / sizeof(uris[0]))]);
		*rule = (struct drawbridge_rule){
			.uri = (uintptr_t)text,
			.uri_length = strlen(text),
			.rights = below(8),
			.flags = chance(30) ? DRAWBRIDGE_RULE_PRIVATE : 0,
		};
		if (chance(20)) {
			rule->flags = DRAWBRIDGE_RULE_ABSENT;
			rule->rights = 0;
		}
		break;
	case DRAWBRIDGE_IOC_START:
		*start = (struct drawbridge_start){
			.image_fd = open(beside(images[below(5)]),
					 O_RDONLY | O_CLOEXEC),
			.stdin_fd = -1,
			.stdout_fd = chance(70) ? -1 : any_fd(),
			.stderr_fd = -1,
			.strings = (uintptr_t)text,
			.argument_count = 3,
			.environment_count = below(2),
			.flags = below(2),
		};
		p = stpcpy(p, "/image") + 1;
		p = stpcpy(p, "/") + 1;
		p = stpcpy(p, "image") + 1;
		p = stpcpy(p, "50") + 1;
		p = stpcpy(p, "1") + 1;
		if (start->environment_count)
			p = stpcpy(p, "A=B") + 1;
		start->strings_length = p - text;
		break;
	case DRAWBRIDGE_IOC_DEBUG:
		debug->buffer = (uintptr_t)text;
		debug->length = below(4000);
		break;
	default: /* one that came later: numbers and addresses */
		for (unsigned int i = 0; i + 8 <= _IOC_SIZE(command); i += 8) {
			__u64 v = chance(30) ? (uintptr_t)text :
				  chance(50) ? below(100) :
					       edge();

			memcpy((char *)a + i, &v, 8);
		}
	}
}

static void after(unsigned long command, void *a)
{
	if (command == DRAWBRIDGE_IOC_START && ((__s32 *)a)[0] > 40)
		close(((__s32 *)a)[0]);
	if (command == DRAWBRIDGE_IOC_ROOT && *(__s32 *)a > 40)
		close(*(__s32 *)a);
}

static void some_ioctl(int which)
{
	unsigned long command = ioctls[which].command;
	char a[4096] __attribute__((aligned(8))), before[64], text[4100];
	size_t size = _IOC_SIZE(command);
	int fd = any_file(), ret;

	memset(a, 0, sizeof(a));
	memset(text, 'a', sizeof(text));
	make_good(command, a, text);
	memcpy(before, a, sizeof(before));
	if (size && chance(25)) {
		unsigned int at = below(size) & ~3U;
		__u32 v = edge();

		memcpy(a + at, &v, 4);
	}
	if (size > 8 && chance(10)) {
		void *v = bad_address();

		memcpy(a + (below(size) & ~7U), &v, 8);
	}
	if (chance(92))
		ret = ioctl(fd, command, a);
	else
		ret = ioctl(fd, command, bad_address());
	after(command, before);
	__atomic_fetch_add(&counts->made[which], 1, __ATOMIC_RELAXED);
	if (ret >= 0)
		__atomic_fetch_add(&counts->good[which], 1, __ATOMIC_RELAXED);
}

static int number_of(unsigned long command)
{
	for (size_t i = 0; i < IOCTLS; i++)
		if (ioctls[i].command == command)
			return i;
	return 0;
}

/* ---- files ---- */

static void open_one(void)
{
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC), old;

	if (fd < 0)
		return;
	if (chance(80)) {
		struct pico_ioc_bind bind = { .provider = "drawbridge" };
		__s32 root = open("/", O_PATH | O_CLOEXEC);

		if (ioctl(fd, PICO_IOC_BIND, &bind) == 0 && chance(90))
			ioctl(fd, DRAWBRIDGE_IOC_ROOT, &root);
		close(root);
	}
	old = __atomic_exchange_n(&files[below(FILES)], fd, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
}

/* Other things that one can do with a file. */
static void other_call(void)
{
	int fd = any_file();
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	char text[64] = {};
	void *map;

	switch (below(8)) {
	case 0:
		poll(&p, 1, 0);
		break;
	case 1:
		if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
		    read(fd, text, sizeof(text)) < 0)
			break;
		break;
	case 2:
		if (write(fd, text, below(sizeof(text))) < 0)
			break;
		break;
	case 3:
		map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		if (map != MAP_FAILED)
			munmap(map, 4096);
		break;
	case 4:
		ioctl(fd,
		      _IOC(below(4), PICO_IOC_MAGIC, below(256), below(1024)),
		      chance(50) ? text : bad_address());
		break;
	case 5:
		ioctl(fd, draw(), text);
		break;
	case 6:
		close(dup(fd));
		break;
	default:
		lseek(fd, edge(), SEEK_SET);
	}
	__atomic_fetch_add(&counts->others, 1, __ATOMIC_RELAXED);
}

/* ---- execution ---- */

static void execute_child(void)
{
	char *const args[] = { "picoprocess", NULL }, *const env[] = { NULL };
	int magic = magic_file(), fd = any_file();

	if (chance(10) && ftruncate(magic, below(9)))
		_exit(1);
	ioctl(fd, PICO_IOC_TICKET);
	if (chance(10))
		ioctl(any_file(), PICO_IOC_TICKET);
	if (chance(10))
		close(fd);
	if (chance(5))
		execve("/bin/true", args, env);
	syscall(SYS_execveat, magic, chance(95) ? "" : "x",
		chance(95) ? (void *)args : (void *)8, env, AT_EMPTY_PATH);
	_exit(1);
}

static void execute(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		execute_child();
	}
	last_child = pid;
	__atomic_fetch_add(&counts->executed, 1, __ATOMIC_RELAXED);
	if (pid > 0 && chance(50)) {
		struct timespec pause = { 0, below(3000000) };

		nanosleep(&pause, NULL);
		switch (below(4)) {
		case 0:
			kill(pid, SIGKILL);
			break;
		case 1:
			ioctl(any_file(), DRAWBRIDGE_IOC_KILL);
			break;
		case 2:
			some_ioctl(number_of(PICO_IOC_TERMINATE));
			break;
		default:
			open_one();
		}
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* From the beginning to a process, with others in between. */
static void whole_life(void)
{
	open_one();
	for (int i = below(4); i; i--)
		some_ioctl(number_of(DRAWBRIDGE_IOC_RULE));
	for (int i = 1 + below(3); i; i--)
		some_ioctl(number_of(DRAWBRIDGE_IOC_START));
	execute();
}

static void *work(void *seed)
{
	state = (unsigned long long)seed;
	while (now() < end) {
		switch (below(12)) {
		case 0:
			open_one();
			break;
		case 1:
			whole_life();
			break;
		case 2:
			execute();
			break;
		case 3:
		case 4:
			other_call();
			break;
		default:
			some_ioctl(below(IOCTLS));
		}
	}
	return NULL;
}

static void process(unsigned long long seed)
{
	struct rlimit limit = { 512, 512 };
	pthread_t threads[THREADS];

	setrlimit(RLIMIT_NOFILE, &limit);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < FILES; i++)
		files[i] = -1;
	page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	read_only = page + 8192;
	mprotect(read_only, 4096, PROT_READ);
	munmap(page + 4096, 4096);
	/* So that what we open and close by number is ours. */
	for (int i = 0; i < 30; i++)
		fcntl(0, F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work,
			       (void *)(seed + i * 0x1000003ULL));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < FILES; i++)
		if (files[i] >= 0)
			close(files[i]);
	_exit(0);
}

/* ---- main ---- */

static void print_file(const char *when, const struct stat *s)
{
	printf("# %s: inode %lu, mode 0%o, %lu links, owner %u:%u, %ld bytes, %ld blocks, read %ld.%09ld, written %ld.%09ld, changed %ld.%09ld\n",
	       when, (unsigned long)s->st_ino, s->st_mode,
	       (unsigned long)s->st_nlink, s->st_uid, s->st_gid,
	       (long)s->st_size, (long)s->st_blocks, s->st_atim.tv_sec,
	       s->st_atim.tv_nsec, s->st_mtim.tv_sec, s->st_mtim.tv_nsec,
	       s->st_ctim.tv_sec, s->st_ctim.tv_nsec);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{}
	};
	unsigned long long seed = 0, total = 0;
	double seconds = 5;
	struct stat before, after_run;
	int log, c, status, failed = 0, fd;
	pid_t pids[PROCESSES];
	bool quiet = true;
	const char *loud;
	char *said;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getrandom(&seed, 4, 0) < 0)
		return 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't':
			seconds = atof(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	printf("TAP version 13\n1..4\n# seed %llu\n", seed);
	log = kmsg_open();
	/* Not left open: what draws a descriptor's number must not find it. */
	fd = open(CANARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || fstat(fd, &before) || close(fd))
		return 1;
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	end = now() + seconds;
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		if (geteuid() == 0 && (setgroups(0, NULL) || setgid(ORDINARY) ||
				       setuid(ORDINARY)))
			_exit(9);
		process(seed * 31 + i * 7919ULL);
	}
	for (int i = 0; i < PROCESSES; i++) {
		if (!wait_for(pids[i], &status, seconds * 1000 + 60000)) {
			printf("# process %d does not end\n", i);
			kill(pids[i], SIGKILL);
			failed++;
		} else if (status) {
			printf("# process %d ended with 0x%x\n", i, status);
			failed++;
		}
	}
	for (size_t i = 0; i < IOCTLS; i++) {
		printf("# %s: %llu, of that %llu good\n", ioctls[i].name,
		       counts->made[i], counts->good[i]);
		total += counts->made[i];
		if (!counts->made[i])
			failed++;
	}
	printf("# %llu ioctls, %llu other calls, %llu executions\n", total,
	       counts->others, counts->executed);
	printf("%s 1 all come to an end\n", failed ? "not ok" : "ok");
	status = nothing_left();
	failed += !!status;
	printf("%s 2 nothing is left\n", status ? "not ok" : "ok");
	status = lstat(CANARY, &after_run);
	if (!status && memcmp(&before, &after_run, sizeof(before))) {
		status = 1;
		print_file("before", &before);
		print_file("after", &after_run);
	}
	failed += !!status;
	printf("%s 3 a file beside is as it was\n", status ? "not ok" : "ok");
	said = kmsg_since(log);
	loud = kmsg_loud(said);
	quiet = !loud;
	if (loud)
		printf("# the kernel log: %.2000s\n", loud);
	printf("%s 4 the kernel log is silent\n", quiet ? "ok" : "not ok");
	unlink(CANARY);
	return failed || !quiet;
}
