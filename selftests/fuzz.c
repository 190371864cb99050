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
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "lib/fuzz_shared.h"
#include "lib/fuzz_world.h"
#include "lib/sandbox.h"

#define ORDINARY	1000

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
	struct world world;
	int err; /* its stderr, read here */
	unsigned int looks;
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
		{ "dns:*", DK_ACCESS_READ },
		{ "dns:no.1", 0 },
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
		if (sandbox_rule(run->fd,
				 world_path(run->world.folder, rules[i].name),
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

/* ---- the monitor ---- */

static void monitor_begin(struct run_of_fuzz *run)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0 || ioctl(run->fd, DRAWBRIDGE_IOC_EVENT, &fd))
		die("DRAWBRIDGE_IOC_EVENT");
	close(fd);
}

/* Whoever asked may have been interrupted, and be gone. */
static void reply(struct run_of_fuzz *run, struct drawbridge_reply *with,
		  int error)
{
	int ret = ioctl(run->fd, DRAWBRIDGE_IOC_REPLY, with) ? errno : 0;

	if (ret != error && ret != ENOENT)
		fail("%s: DRAWBRIDGE_IOC_REPLY: %s", run->name, strerror(ret));
}

/* In time, with a lie first, with a failure, or never. */
static void monitor_answer(struct run_of_fuzz *run)
{
	static const struct drawbridge_address addresses[] = {
		{ .family = 4, .address = { 192, 0, 2, 1 } },
		{ .family = 6, .address = { 0x20, 1, 0xd, 0xb8 } },
		{ .family = 5 },
	};
	struct drawbridge_request request;
	char name[512];

	for (;;) {
		struct drawbridge_reply with = {
			.buffer = (uintptr_t)addresses,
			.length = 2 * sizeof(addresses[0]),
		};

		request = (struct drawbridge_request){
			.buffer = (uintptr_t)name,
			.buffer_length = sizeof(name),
		};
		if (ioctl(run->fd, DRAWBRIDGE_IOC_REQUEST, &request)) {
			if (errno != EAGAIN)
				fail("%s: DRAWBRIDGE_IOC_REQUEST: %s",
				     run->name, strerror(errno));
			return;
		}
		with.id = request.id;
		switch (request.id % 8) {
		case 0: /* until somebody interrupts it */
			break;
		case 1:
			with.length = sizeof(addresses);
			reply(run, &with, EINVAL);
			with.length = sizeof(addresses[0]) + 1;
			reply(run, &with, EINVAL);
			with.length = sizeof(addresses[0]);
			reply(run, &with, 0);
			break;
		case 2:
			with.length = 0;
			with.status = DK_STATUS_BUSY;
			reply(run, &with, EINVAL);
			with.status = DK_STATUS_NOT_FOUND;
			reply(run, &with, 0);
			break;
		default:
			reply(run, &with, 0);
		}
	}
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

	file = open(world_path(run->world.folder, "shared"),
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
	strcpy(run->shared->folder, run->world.folder);
	snprintf(uri, sizeof(uri), "file:%s/shared", run->world.folder);

	run->fd = sandbox_open();
	if (run->fd < 0)
		die(PICO_DEVICE);
	add_rules(run);
	if (run->limits && ioctl(run->fd, DRAWBRIDGE_IOC_LIMITS, &limits))
		die("DRAWBRIDGE_IOC_LIMITS");
	monitor_begin(run);
	zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	out = open(world_path(run->world.folder, "out"),
		   O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	unlink(world_path(run->world.folder, "out"));
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
	if (run->looks % 16 == 0)
		ioctl(run->fd, DRAWBRIDGE_IOC_DEBUG, &debug);
	monitor_answer(run);
	if (run->looks++ % 8 == 0 && ioctl(run->fd, DRAWBRIDGE_IOC_ABORT) < 0)
		fail("DRAWBRIDGE_IOC_ABORT: %s", strerror(errno));
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

	before = world_sum(WORLD_CANARY, false);
	canary = canary_start(&go);
	neighbour = start_neighbour(&neighbour_fd, seconds / 2, round_seed);
	for (unsigned int i = 0; i < kinds; i++) {
		world_make(&runs[i].world, i);
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
	for (unsigned int i = 0; i < kinds; i++) {
		if (world_changed(&runs[i].world))
			fail("%s: something outside of its reach has changed",
			     runs[i].name);
		if (!world_remove(&runs[i].world))
			fail("%s could not be removed", runs[i].world.folder);
	}
	if (!wait_for(neighbour, &status, 60000 + (int)seconds * 1000) ||
	    !WIFEXITED(status) ||
	    (WEXITSTATUS(status) != 7 && WEXITSTATUS(status) != 8))
		fail("the sandbox beside ended with 0x%x", status);
	sandbox_stats(neighbour_fd, &stats);
	if (stats.unlisted_statuses || !stats.calls)
		fail("the sandbox beside: %llu calls, %llu unlisted statuses",
		     stats.calls, stats.unlisted_statuses);
	close(neighbour_fd);
	status = -1;
	if (!canary_end(canary, go, &status))
		fail("the process beside does not end");
	else if (status)
		fail("the process beside ended with 0x%x", status);
	after = world_sum(WORLD_CANARY, true);
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
		if (status_names[k] && set >> k & 1 && !(reached >> k & 1))
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
		bool member = status_names[k] &&			\
			      (!k || (__u64)(statuses) >> k & 1);	\
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
	mkdir(WORLD_FOLDER, 0755);
	world_put_file("", WORLD_CANARY + 1, "canary\n", 0644);
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
	unlink(WORLD_CANARY);
	rmdir(WORLD_FOLDER);
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
