// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzzer of the call vector, outside: runs fuzz.img in sandboxes, several
 * at once, and looks that nothing is harmed: not the files beside, not a
 * process beside, not another sandbox, not the kernel.
 *
 *	fuzz				a short run, as a test: fixed seeds, and
 *					one by chance that is printed
 *	fuzz --calls N [--seed S]	until N calls were made
 *	fuzz --seed S --replay [--first N] [--steps N] [--thread N] [--trace]
 *					one sandbox, one thread, step by step
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "lib/fuzz_shared.h"
#include "lib/sandbox.h"

#define FOLDER		"/dev/shm/pico-fuzz"
#define CANARY		"/dev/shm/pico-fuzz-canary"
#define RW_SIZE		"8m"
#define RW_INODES	"400"

#define ORDINARY	1000	/* an ordinary user and group */

/* Calls that wait for ever or end it all; none of it may harm others. */
struct run_of_fuzz {
	const char *name;
	uint32_t flags;
	bool ordinary; /* as an ordinary user */
	bool limits; /* on handles, threads and processes */
	bool faults; /* the kernel's allocations fail now and then */
	/* while it runs */
	int fd; /* sandbox */
	pid_t pid;
	struct fuzz_shared *shared;
	char folder[64];
	int err; /* its stderr, read here */
	__u64 sum; /* of what must not change in @folder */
	bool ended;
	int status;
};

static __u64 seed, first, steps, calls_wanted, calls_made;
static unsigned int threads = 4;
static bool replay, trace, verbose;
static unsigned int failures;
static bool is_root;
static __u64 count[DK_CALL_LIMIT][64];
static bool failing_kernel;

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void fail(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	failures++;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- the world ---- */

static void put_file(const char *folder, const char *name, const char *text,
		     mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	fchmod(fd, mode);
	close(fd);
}

static void put_link(const char *folder, const char *target, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (symlink(target, path))
		die(path);
}

static const char *in(const char *folder, const char *name)
{
	static char paths[4][256];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

/* A small tmpfs, so that what is written is bounded and can be full. */
static void small_mount(const char *path, unsigned long flags)
{
	if (mount("tmpfs", path, "tmpfs", flags,
		  "size=" RW_SIZE ",nr_inodes=" RW_INODES))
		printf("# %s: no tmpfs: %s\n", path, strerror(errno));
}

/* ---- what must not change ---- */

static __u64 sum;

/* Of each file, to say which one it was. */
static struct seen {
	char path[160];
	__u64 sum;
} seen[256];
static int seen_count;
static bool comparing;

static void add_to_sum(const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--)
		sum = (sum ^ *p++) * 0x100000001b3ULL;
}

static void remember(const char *path, __u64 its)
{
	int i;

	for (i = 0; i < seen_count && strcmp(seen[i].path, path); i++)
		;
	if (comparing && (i == seen_count || seen[i].sum != its))
		printf("# %s is %s\n", path,
		       i == seen_count ? "new" : "another");
	if (i == (int)(sizeof(seen) / sizeof(seen[0])))
		return;
	snprintf(seen[i].path, sizeof(seen[i].path), "%s", path);
	seen[i].sum = its;
	if (i == seen_count)
		seen_count++;
}

static int add_file(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	/* Access times change by reading. */
	__u64 numbers[] = { st->st_ino,		st->st_mode,
			    st->st_uid,		st->st_gid,
			    st->st_nlink,	st->st_size,
			    st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			    st->st_ctim.tv_sec, st->st_ctim.tv_nsec };
	char text[4096];
	__u64 before;
	ssize_t n;
	int fd;

	/* What it may write, and where we make files ourselves. */
	if (ftw->level == 0 && S_ISDIR(st->st_mode))
		return 0;
	if ((strstr(path, "/rw") && !strstr(path, "/rw/fixed") &&
	     !strstr(path, "/rw/inner")) ||
	    strstr(path, "/shared"))
		return 0;
	before = sum;
	sum = 0xcbf29ce484222325ULL;
	add_to_sum(path, strlen(path));
	add_to_sum(numbers, sizeof(numbers));
	fd = S_ISREG(st->st_mode) ?
		     open(path, O_RDONLY | O_CLOEXEC | O_NOATIME) :
		     -1;
	while (fd >= 0 && (n = read(fd, text, sizeof(text))) > 0)
		add_to_sum(text, n);
	if (fd >= 0)
		close(fd);
	remember(path, sum);
	sum += before;
	return 0;
}

static __u64 sum_of(const char *path, bool again)
{
	comparing = again;
	sum = 0xcbf29ce484222325ULL;
	if (nftw(path, add_file, 16, FTW_PHYS))
		die(path);
	return sum;
}

static void make_folder(struct run_of_fuzz *run, int number)
{
	static const char *const folders[] = { "rw", "ro", "ro/sub", "rx",
					       "no" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *f = run->folder;
	int s;

	snprintf(f, sizeof(run->folder), "%s/%d", FOLDER, number);
	if (mkdir(f, 0755))
		die(f);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(in(f, folders[i]), 0755))
			die(folders[i]);
	put_file(f, "ro/file", "read only\n", 0666);
	put_file(f, "ro/sub/file", "deeper\n", 0666);
	put_file(f, "rx/file", "text\n", 0777);
	put_file(f, "no/secret", "secret\n", 0666);
	put_file(f, "outside", "outside\n", 0666);
	put_link(f, "../rw", "ro/to-rw");
	if (is_root)
		small_mount(in(f, "rw"), MS_NODEV);
	chmod(in(f, "rw"), 0777);
	if (mkdir(in(f, "rw/inner"), 0777) || mkdir(in(f, "rw/d0"), 0777) ||
	    mkdir(in(f, "rw/other"), 0777) || mkdir(in(f, "rw/fixed"), 0777))
		die("rw");
	if (is_root) {
		small_mount(in(f, "rw/other"), MS_NODEV);
		chmod(in(f, "rw/other"), 0777);
		small_mount(in(f, "rw/fixed"), MS_NODEV);
		put_file(f, "rw/fixed/file", "fixed\n", 0666);
		if (mount(NULL, in(f, "rw/fixed"), NULL,
			  MS_REMOUNT | MS_RDONLY | MS_NODEV, NULL))
			printf("# remount: %s\n", strerror(errno));
	}
	put_file(f, "rw/hello", "hello\n", 0666);
	put_file(f, "rw/inner/secret", "inner\n", 0666);
	put_link(f, "../no/secret", "rw/to-secret");
	put_link(f, "../outside", "rw/to-outside");
	put_link(f, "/proc/self/status", "rw/to-proc");
	put_link(f, "hello", "rw/to-hello");
	put_link(f, "loop-b", "rw/loop-a");
	put_link(f, "loop-a", "rw/loop-b");
	put_link(f, "../ro/file", "rw/to-ro");
	mkfifo(in(f, "rw/fifo"), 0666);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 in(f, "rw/socket"));
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0 || bind(s, (void *)&address, sizeof(address)))
		die("socket");
	close(s);
	run->sum = sum_of(run->folder, false);
}

static void remove_folder(struct run_of_fuzz *run)
{
	char command[128];

	if (sum_of(run->folder, true) != run->sum)
		fail("%s: something outside of its reach has changed",
		     run->name);
	if (is_root) {
		umount2(in(run->folder, "rw/other"), MNT_DETACH);
		umount2(in(run->folder, "rw/fixed"), MNT_DETACH);
		umount2(in(run->folder, "rw"), MNT_DETACH);
	}
	snprintf(command, sizeof(command), "rm -rf %s", run->folder);
	if (system(command))
		fail("%s could not be removed", run->folder);
}

/* A process beside, whose memory, files and threads stay as they are. */
static pid_t start_canary(int *go)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid == 0) {
		size_t size = 4 << 20;
		unsigned char *m = mmap(NULL, size, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct pollfd wait = { .fd = p[0], .events = POLLIN };
		int fd = open(CANARY, O_RDONLY);
		struct stat before, after;
		sigset_t set, pending;

		close(p[1]);
		sigfillset(&set);
		sigprocmask(SIG_BLOCK, &set, NULL);
		fstat(fd, &before);
		for (size_t i = 0; i < size; i++)
			m[i] = i * 7;
		do {
			for (size_t i = 0; i < size; i++)
				if (m[i] != (unsigned char)(i * 7))
					_exit(2);
			fstat(fd, &after);
			if (memcmp(&before, &after, sizeof(before)))
				_exit(3);
		} while (poll(&wait, 1, 200) == 0);
		sigpending(&pending);
		for (int i = 1; i < 32; i++)
			if (i != SIGCHLD && sigismember(&pending, i))
				_exit(4);
		_exit(0);
	}
	close(p[0]);
	*go = p[1];
	return pid;
}

static void end_canary(pid_t pid, int go)
{
	int status = -1;

	close(go);
	if (!wait_for(pid, &status, 20000))
		fail("the process beside does not end");
	else if (status)
		fail("the process beside ended with 0x%x", status);
}

/* ---- a sandbox ---- */

static void add_rules(struct run_of_fuzz *run)
{
	static const struct {
		const char *name;
		unsigned int rights;
	} rules[] = {
		{ "rw", 7 }, { "ro", 1 },	{ "rx", 5 },
		{ "no", 0 }, { "rw/inner", 0 }, { "shared", 3 },
	};
	static const struct {
		const char *uri;
		unsigned int rights;
	} patterns[] = {
		{ "tcp.server:127.0.0.1:40000-40005", DK_ACCESS_READ },
		{ "tcp.server:[::1]:40000-40005", DK_ACCESS_READ },
		{ "tcp.client:127.0.0.1:*", DK_ACCESS_READ | DK_ACCESS_WRITE },
		{ "tcp.client:[::1]:40000-40004",
		  DK_ACCESS_READ | DK_ACCESS_WRITE },
		{ "tcp.client:192.0.2.0/24:*",
		  DK_ACCESS_READ | DK_ACCESS_WRITE },
		{ "pipe.server:c*", 0 },
	};

	if (sandbox_rule(run->fd, "/", DK_ACCESS_READ | DK_ACCESS_EXECUTE, 0) ||
	    sandbox_rule(run->fd, "/tmp", 7, DRAWBRIDGE_RULE_PRIVATE))
		die("rule");
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct drawbridge_rule rule = {
			.uri = (uintptr_t)patterns[i].uri,
			.uri_length = strlen(patterns[i].uri),
			.rights = patterns[i].rights,
		};

		if (ioctl(run->fd, DRAWBRIDGE_IOC_RULE, &rule))
			die(patterns[i].uri);
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (sandbox_rule(run->fd, in(run->folder, rules[i].name),
				 rules[i].rights, 0))
			die(rules[i].name);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			printf("# %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

/* Between us and the picoprocess: another user, or failing allocations. */
static pid_t start_with(struct run_of_fuzz *run,
			const struct sandbox_start *start)
{
	pid_t pid = fork(), inner;
	int status;

	if (pid)
		return pid;
	if (run->ordinary &&
	    (setgroups(0, NULL) || setgid(ORDINARY) || setuid(ORDINARY)))
		_exit(120);
	if (run->faults)
		write_text("/proc/self/make-it-fail", "1");
	inner = sandbox_start(run->fd, start);
	if (inner < 0)
		_exit(run->faults ? 126 : 121);
	while (waitpid(inner, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		_exit(100 + WTERMSIG(status));
	_exit(WEXITSTATUS(status));
}

static void begin(struct run_of_fuzz *run, __u64 its_seed)
{
	char uri[128];
	const char *image = beside("fuzz.img");
	const char *args[] = { image, uri, NULL };
	const struct drawbridge_limits limits = {
		.processes = 5,
		.threads = 13,
		.handles = 400,
	};
	int file, p[2], out, zero;

	file = open(in(run->folder, "shared"),
		    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (file < 0 || ftruncate(file, sizeof(*run->shared)))
		die("shared");
	fchmod(file, 0666);
	run->shared = mmap(NULL, sizeof(*run->shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED, file, 0);
	close(file);
	if (run->shared == MAP_FAILED)
		die("mmap");
	run->shared->seed = its_seed;
	run->shared->first = first;
	run->shared->steps = steps;
	run->shared->threads = threads;
	run->shared->flags = run->flags | (trace ? FUZZ_TRACE : 0) |
			     (replay ? FUZZ_QUIET : 0);
	strcpy(run->shared->folder, run->folder);
	snprintf(uri, sizeof(uri), "file:%s/shared", run->folder);

	run->fd = sandbox_open();
	if (run->fd < 0)
		die(PICO_DEVICE);
	add_rules(run);
	if (run->limits && ioctl(run->fd, DRAWBRIDGE_IOC_LIMITS, &limits))
		die("DRAWBRIDGE_IOC_LIMITS");
	zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	out = open(in(run->folder, "out"), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	unlink(in(run->folder, "out"));
	if (zero < 0 || out < 0 || pipe2(p, O_CLOEXEC))
		die("streams");
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	run->err = p[0];
	run->ended = false;
	run->pid = start_with(run, &(struct sandbox_start){
					   .image = image,
					   .argv = args,
					   .in = zero,
					   .out = out,
					   .err = trace ? 2 : p[1] });
	if (run->pid < 0)
		die(image);
	close(zero);
	close(out);
	close(p[1]);
}

/* Takes what it wrote; true when it has ended. */
static bool look(struct run_of_fuzz *run)
{
	struct drawbridge_debug debug;
	char text[4096];

	debug.buffer = (uintptr_t)text;
	debug.length = sizeof(text);
	while (read(run->err, text, sizeof(text)) > 0)
		;
	/* Slower than they write: they shall see it full. */
	if (run->shared->calls++ % 16 == 0)
		ioctl(run->fd, DRAWBRIDGE_IOC_DEBUG, &debug);
	if (!run->ended && waitpid(run->pid, &run->status, WNOHANG) == run->pid)
		run->ended = true;
	return run->ended;
}

static void report_threads(const struct run_of_fuzz *run)
{
	for (int i = 0; i < FUZZ_THREADS; i++) {
		const struct fuzz_thread *t = &run->shared->thread[i];

		if (t->calls)
			printf("# thread %d step %llu: %s call %llu (%llx %llx %llx %llx %llx %llx), status %lld\n",
			       i, t->step, t->in_call ? "in" : "after",
			       t->index, t->args[0], t->args[1], t->args[2],
			       t->args[3], t->args[4], t->args[5], t->status);
	}
}

static void finish(struct run_of_fuzz *run)
{
	struct fuzz_shared *s = run->shared;
	struct drawbridge_stats stats = {};
	bool chaos = run->flags & FUZZ_CHAOS;

	if (!run->ended) {
		if (!chaos) {
			fail("%s, seed %llu: not done in its time", run->name,
			     s->seed);
			report_threads(run);
		}
		if (ioctl(run->fd, DRAWBRIDGE_IOC_KILL))
			fail("DRAWBRIDGE_IOC_KILL: %s", strerror(errno));
		if (!wait_for(run->pid, &run->status, 30000))
			fail("%s, seed %llu: does not die", run->name, s->seed);
	} else if (!chaos && (run->status || !s->finished)) {
		fail("%s, seed %llu: ended with 0x%x", run->name, s->seed,
		     run->status);
		report_threads(run);
	}
	if (sandbox_stats(run->fd, &stats))
		fail("DRAWBRIDGE_IOC_STATS: %s", strerror(errno));
	if (stats.unlisted_statuses)
		fail("%s, seed %llu: %llu unlisted statuses", run->name,
		     s->seed, stats.unlisted_statuses);
	for (__u32 i = 0; !chaos && i < s->failures && i < FUZZ_MESSAGES; i++)
		fail("%s: %.239s", run->name, s->messages[i]);
	if (!chaos && s->failures > FUZZ_MESSAGES)
		fail("and %u more", s->failures - FUZZ_MESSAGES);
	calls_made += stats.calls;
	if (!chaos || !run->ended || verbose)
		printf("# %s, seed %llu: %llu calls, %llu others, %llu exceptions, %u clones, %llu threads ended, %llu woken%s\n",
		       run->name, s->seed, stats.calls,
		       stats.system_calls + stats.refused_calls,
		       stats.exceptions, s->clones, s->replaced, s->rescued,
		       chaos ? run->ended ? "; died" : "; was killed" : "");
	for (int i = 0; i < DK_CALL_LIMIT; i++)
		for (int k = 0; k < 64; k++)
			count[i][k] += s->count[i][k];
	close(run->fd);
	close(run->err);
	munmap(s, sizeof(*s));
}

/* ---- rounds ---- */

/* One beside that does its own work all the while. */
static pid_t start_neighbour(int *fd, double seconds, __u64 its_seed)
{
	char ms[24], text[24];
	const char *image = beside("stress.img");
	const char *args[] = { image, ms, text, "time", NULL };

	snprintf(ms, sizeof(ms), "%.0f", seconds * 1000);
	snprintf(text, sizeof(text), "%u", (unsigned int)its_seed & 0xffff);
	*fd = sandbox_open();
	if (*fd < 0 || sandbox_rule(*fd, "/", DK_ACCESS_READ, 0))
		die("neighbour");
	return sandbox_start(*fd, &(struct sandbox_start){ .image = image,
							   .argv = args });
}

static struct run_of_fuzz runs[] = {
	{ .name = "ordinary user", .ordinary = true },
	{ .name = "root", .limits = true },
	{ .name = "chaos", .flags = FUZZ_CHAOS, .ordinary = true },
	{ .name = "failing kernel",
	  .flags = FUZZ_CHAOS,
	  .ordinary = true,
	  .faults = true },
};
#define RUNS	(sizeof(runs) / sizeof(runs[0]))

/* All kinds of runs at once, with neighbours. @seconds: of the chaotic. */
static void one_round(__u64 round_seed, double seconds, double limit)
{
	int go, neighbour_fd, status = -1, left;
	struct drawbridge_stats stats = {};
	__u64 before, after, its_seed;
	pid_t canary, neighbour;
	double start = now(), chaos_end = start + seconds;
	unsigned int kinds = replay ? 1 : failing_kernel ? RUNS : RUNS - 1;

	before = sum_of(CANARY, false);
	canary = start_canary(&go);
	neighbour = start_neighbour(&neighbour_fd, seconds / 2, round_seed);
	for (unsigned int i = 0; i < kinds; i++) {
		make_folder(&runs[i], i);
		begin(&runs[i], round_seed + i);
	}
	do {
		struct timespec pause = { 0, 10000000 };

		left = 0;
		for (unsigned int i = 0; i < kinds; i++) {
			bool chaos = runs[i].flags & FUZZ_CHAOS;

			if (chaos && now() >= chaos_end)
				continue;
			left += chaos;
			if (!look(&runs[i])) {
				left += !chaos;
			} else if (chaos) {
				/* It died, as it may: another. */
				its_seed = runs[i].shared->seed + (1ULL << 32);
				finish(&runs[i]);
				begin(&runs[i], its_seed);
			}
		}
		nanosleep(&pause, NULL);
	} while (left && now() < start + limit);
	for (unsigned int i = 0; i < kinds; i++)
		finish(&runs[i]);
	for (unsigned int i = 0; i < kinds; i++)
		remove_folder(&runs[i]);
	if (!wait_for(neighbour, &status, 60000 + (int)seconds * 1000) ||
	    !WIFEXITED(status) ||
	    (WEXITSTATUS(status) != 7 && WEXITSTATUS(status) != 8))
		fail("the sandbox beside ended with 0x%x", status);
	sandbox_stats(neighbour_fd, &stats);
	if (stats.unlisted_statuses || !stats.calls)
		fail("the sandbox beside: %llu calls, %llu unlisted statuses",
		     stats.calls, stats.unlisted_statuses);
	close(neighbour_fd);
	end_canary(canary, go);
	after = sum_of(CANARY, true);
	if (before != after)
		fail("seed %llu: something outside has changed", round_seed);
	if (nothing_left())
		fail("seed %llu: something is left", round_seed);
}

/* ---- what was reached ---- */

#define STATUS_NAME(bit, name, value, text) [bit] = #name,
static const char *const status_names[64] = { DK_STATUS_TABLE(STATUS_NAME) };

static void print_call(const char *name, int index, int version, __u64 set)
{
	__u64 total = 0, failed = 0, reached = 0;
	char line[1400];
	int n = 0;

	if (!version)
		return;
	for (int k = 0; k < 64; k++) {
		total += count[index][k];
		failed += k ? count[index][k] : 0;
		reached |= count[index][k] ? 1ULL << k : 0;
	}
	for (int k = 1; k < 64; k++)
		if (count[index][k] && status_names[k])
			n += snprintf(line + n, sizeof(line) - n, " %s %llu",
				      status_names[k], count[index][k]);
	printf("# %s: %llu, of that SUCCESS %llu;%s", name, total,
	       total - failed, line[0] && n ? line : " no failure");
	n = 0;
	for (int k = 1; verbose && k < 64; k++)
		if (set >> k & 1 && !(reached >> k & 1))
			printf("%s%s",
			       n++ ? " " : "; not reached: ", status_names[k]);
	printf("\n");
}

#define PRINT_CALL(class, function, name, version, args, statuses)	\
	print_call(#name, DK_INDEX(class, function), version, statuses);

static void coverage(void)
{
	unsigned int all = 0, reached = 0;

	DK_CALL_TABLE(PRINT_CALL)
#define COUNT_CALL(class, function, name, version, args, statuses)	\
	for (int k = 0; version && k < 63; k++) {			\
		bool member = !k || (__u64)(statuses) >> k & 1;		\
									\
		all += member;						\
		reached += member && count[DK_INDEX(class, function)][k]; \
	}
	DK_CALL_TABLE(COUNT_CALL)
	printf("# %u of the %u statuses in the sets of all calls were seen\n",
	       reached, all);
}

/* ---- the kernel's help ---- */

/* Allocations and copies fail for tasks that asked for it; debug kernel. */
static void prepare_faults(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc",
					     "fail_usercopy" };
	char path[128];

	if (!is_root)
		return;
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	for (int i = 0; i < 3; i++) {
#define SET(name, value) do {						\
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s",	\
			 kinds[i], name);				\
		write_text(path, value);				\
	} while (0)
		SET("task-filter", "Y");
		SET("verbose", "0");
		SET("times", "-1");
		SET("interval", "1");
		SET("ignore-gfp-wait", "N");
		SET("probability", i == 2 ? "1" : "2");
	}
	failing_kernel = !access("/sys/kernel/debug/failslab", F_OK);
}

/* ---- main ---- */

static const struct option options[] = {
	{ "calls", required_argument, NULL, 'c' },
	{ "seed", required_argument, NULL, 's' },
	{ "steps", required_argument, NULL, 'n' },
	{ "first", required_argument, NULL, 'f' },
	{ "threads", required_argument, NULL, 't' },
	{ "replay", no_argument, NULL, 'r' },
	{ "trace", no_argument, NULL, 'T' },
	{}
};

static void result(int *nr, bool good, const char *what)
{
	printf("%s %d %s\n", good ? "ok" : "not ok", ++*nr, what);
}

int main(int argc, char **argv)
{
	static const __u64 fixed[] = { 1, 20260501 };
	__u64 random_seed = 0;
	int c, log, nr = 0;
	double start = now();
	bool quiet;
	const char *loud;
	char *said;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	is_root = geteuid() == 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			calls_wanted = strtoull(optarg, NULL, 0);
			verbose = true;
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			steps = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			first = strtoull(optarg, NULL, 0);
			break;
		case 't':
			threads = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			replay = true;
			break;
		case 'T':
			trace = true;
			break;
		default:
			return 2;
		}
	}
	if (getrandom(&random_seed, sizeof(random_seed), 0) < 0)
		die("getrandom");
	random_seed &= 0xffffffff;
	log = kmsg_open();
	mkdir(FOLDER, 0755);
	put_file("", CANARY + 1, "canary\n", 0644);
	prepare_faults();
	printf("TAP version 13\n1..3\n");
	if (replay) {
		threads = 1;
		steps = steps ?: 2000;
		one_round(seed, 5, 3600);
	} else if (calls_wanted) {
		seed = seed ?: random_seed;
		steps = steps ?: 20000;
		while (calls_made < calls_wanted && failures < 50) {
			if (steps > (calls_wanted - calls_made) / 12 + 100)
				steps = (calls_wanted - calls_made) / 12 + 100;
			printf("# seed %llu; %llu calls so far, %.0f s\n", seed,
			       calls_made, now() - start);
			one_round(seed, 60, 3000 * slower());
			seed += RUNS;
		}
	} else {
		steps = steps ?: 1200 / slower() + 100;
		for (int i = 0; i < 2; i++)
			one_round(seed ? seed + i : fixed[i], 3, 60 * slower());
		printf("# a seed by chance: %llu\n", random_seed);
		one_round(random_seed, 3, 60 * slower());
	}
	coverage();
	printf("# %llu calls in %.0f s\n", calls_made, now() - start);
	unlink(CANARY);
	rmdir(FOLDER);
	result(&nr, !failures, "every call did what its row says, and no harm");
	result(&nr, nothing_left() == 0, "nothing is left");
	said = kmsg_since(log);
	loud = kmsg_loud(said);
	quiet = !loud;
	if (loud)
		printf("# the kernel log: %.2000s\n", loud);
	result(&nr, quiet, "the kernel log is silent");
	return failures || !quiet;
}
