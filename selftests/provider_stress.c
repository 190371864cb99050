// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random work on the provider interface: processes and threads are created,
 * suspended, resumed, looked at, changed, terminated, killed and stopped, take
 * exceptions and make calls, while providers come and go.
 *
 *	provider_stress [--seconds S] [--seed S] [--first PIECE]
 *
 * In pieces of a few seconds, each with a fresh pico_test.ko, which must
 * unload at its end with nothing left. Every step of a worker draws its
 * numbers from (seed, piece, worker, step) and nothing else, so a worker does
 * the same things in the same order whenever it runs; what happens between
 * workers is up to the scheduler.
 *
 * Looked at: that every result is one of those that its service is documented
 * to have, that all workers get on, that everything ends, and what the
 * kernel's log says.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include "kselftest.h"
#include "lib/provider.h"
#include "lib/sandbox.h"

#define WORKERS 4
/* Slots of each worker: the first of a process by execve(), and others. */
#define OWN (PICO_TEST_SLOTS / WORKERS)
#define PIECE_SECONDS 5
#define DRAWS 8

/* A worker that makes no step for so long (times slower()) hangs. */
#define HANG_SECONDS 60

struct worker {
	pthread_t thread;
	int number, host;
	volatile pid_t tids[OWN]; /* who had the slot last; 0: nobody */
	volatile unsigned long steps;
	const char *volatile doing;
	__u64 draw[DRAWS];
};

static struct worker workers[WORKERS];
static struct world world;
static volatile bool stop;
static unsigned long long seed;
static unsigned long piece;
static volatile int failures;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static void draw_all(struct worker *me)
{
	__u64 state = mix(mix(mix(seed) + piece) + me->number) + me->steps;

	for (int i = 0; i < DRAWS; i++)
		me->draw[i] = mix(state + ((__u64)i << 48)) >> 8;
}

static void wrong(struct worker *me, const char *what, long result)
{
	printf("# seed %llu, piece %lu, worker %d, step %lu: %s gave %ld\n",
	       seed, piece, me->number, me->steps, what, result);
	fflush(stdout);
	failures++;
}

/* ---- slots and threads ---- */

/* A slot of the worker's own, 0 is not among those for new threads. */
static int own_slot(struct worker *me, __u64 number)
{
	return me->number * OWN + number % OWN;
}

static volatile pid_t *tid_of(int slot)
{
	return &workers[slot / OWN].tids[slot % OWN];
}

/* Any thread of anybody, alive or not. */
static pid_t any_thread(__u64 number)
{
	for (int i = 0; i < PICO_TEST_SLOTS; i++) {
		pid_t tid = *tid_of((number + i) % PICO_TEST_SLOTS);

		if (tid)
			return tid;
	}
	return 0;
}

/* An own slot whose thread is there and waits for a request, or -1. */
static int idle_slot(struct worker *me, __u64 number)
{
	for (int i = 0; i < OWN; i++) {
		int slot = own_slot(me, number + i);

		if (*tid_of(slot) && slot_is_done(&world, slot) &&
		    thread_state(*tid_of(slot)))
			return slot;
	}
	return -1;
}

/* An own slot whose thread has gone, or -1. */
static int free_slot(struct worker *me, __u64 number)
{
	for (int i = 0; i < OWN; i++) {
		int slot = own_slot(me, number + i);

		if (!*tid_of(slot) || !thread_state(*tid_of(slot)))
			return slot;
	}
	return -1;
}

/* Does not wait for long: who does it may be suspended, stopped or dead. */
static bool done_soon(int slot)
{
	for (int i = 0; i < 40 && !stop; i++) {
		if (slot_is_done(&world, slot))
			return true;
		usleep(500);
	}
	return slot_is_done(&world, slot);
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
}

/* ---- what a worker does ---- */

static void do_exec(struct worker *me, const __u64 *d)
{
	int slot = free_slot(me, d[0]);

	reap();
	if (slot < 0 || me->host < 0)
		return;
	*tid_of(slot) = start_process(&world, me->host, slot, false);
	/* Sometimes what comes next meets it on its way. */
	if (d[1] % 2)
		usleep(d[2] % 3000);
}

static void do_create(struct worker *me, const __u64 *d, bool process)
{
	int by = idle_slot(me, d[0]), slot = free_slot(me, d[1]);
	struct pico_test_create c;
	void *scratch;
	long id;

	if (by < 0 || slot < 0)
		return;
	create_init(&c, slot);
	c.resume = d[2] % 4 ? 1 : 0;
	c.twice = !(d[2] >> 8 & 7);
	if (process)
		c.process_flags = d[3] &
				  (CLONE_MEMORY | INHERIT_FILES | SIBLING);
	/* A flag that does not exist, registers that cannot be. */
	if (!(d[4] % 32))
		c.thread_flags = 1U << 31;
	if (!(d[4] % 33))
		c.registers[PICO_TEST_CS] = 0x10;
	scratch = world.shared->slots[by].scratch;
	memcpy(scratch, &c, sizeof(c));
	slot_begin(&world, by, SLOT_CALL,
		   process ? PICO_TEST_CALL_PROCESS : PICO_TEST_CALL_THREAD,
		   SLOT_ADDRESS(by, scratch), 0, 0, 0, 0, 0);
	if (!done_soon(by))
		return;
	id = world.shared->slots[by].result;
	if (id == NO_RESULT)
		return; /* an exception, or another thread in its place */
	if (id > 0)
		*tid_of(slot) = id;
	else if (id != -EINVAL && id != -EAGAIN && id != -ENOMEM &&
		 id != -EINTR && id != -EBUSY)
		wrong(me, process ? "create_process" : "create_thread", id);
}

static void do_create_thread(struct worker *me, const __u64 *d)
{
	do_create(me, d, false);
}

static void do_create_process(struct worker *me, const __u64 *d)
{
	do_create(me, d, true);
}

/* Of the errors of the module itself only "no such thread" is possible. */
static void expect(struct worker *me, const char *what, int ret, int e1, int e2)
{
	if (ret && ret != NO_THREAD && ret != -ESRCH && ret != e1 && ret != e2)
		wrong(me, what, ret);
}

static void do_suspend(struct worker *me, const __u64 *d)
{
	expect(me, "suspend_thread", suspend(&world, any_thread(d[0]), NULL),
	       -EOVERFLOW, 0);
}

static void do_resume(struct worker *me, const __u64 *d)
{
	__u32 before = 1;

	for (int i = 0; i < 8 && before; i++) {
		int ret = resume(&world, any_thread(d[0]), &before);

		expect(me, "resume_thread", ret, -EINVAL, 0);
		if (ret)
			break;
	}
}

/* A signal of the ticker's ends what waits for too long: ERESTARTSYS. */
#define ENDED_BY_SIGNAL (-512)

static __u8 extended[WORKERS][0x4000];

static void do_context(struct worker *me, const __u64 *d)
{
	struct pico_test_service s;
	pid_t tid = any_thread(d[0]);
	int ret;

	memset(&s, 0, sizeof(s));
	s.service = PICO_TEST_DO_GET_CONTEXT;
	s.tid = tid;
	s.parts = d[1] & CONTEXT_ALL;
	if (s.parts & 4) {
		struct pico_test_service size = {
			.service = PICO_TEST_DO_EXTENDED_SIZE,
		};

		service(&world, &size);
		s.extended_size = size.extended_size;
		s.extended = (uintptr_t)extended[me->number];
	}
	ret = service(&world, &s);
	expect(me, "get_context_thread", ret, -EINVAL, ENDED_BY_SIGNAL);
	if (ret || !(d[2] % 2))
		return;
	s.service = PICO_TEST_DO_SET_CONTEXT;
	/* Now and then it shall go on elsewhere, or with what cannot be. */
	if (!(d[3] % 8))
		s.registers[PICO_TEST_IP] = d[4] & 0x7fffffffffff;
	if (!(d[3] % 9))
		s.registers[d[4] % PICO_TEST_REGISTERS] = d[5] << 8;
	if (!(d[3] % 10) && s.extended)
		extended[me->number][d[5] % s.extended_size] ^= d[6];
	expect(me, "set_context_thread", service(&world, &s), -EINVAL,
	       ENDED_BY_SIGNAL);
}

static void do_base(struct worker *me, const __u64 *d)
{
	struct pico_test_service s = {
		.service = PICO_TEST_DO_DESCRIPTOR_BASE,
		.tid = any_thread(d[0]),
		.which = d[1] % 2,
		.base = d[2] % 8 ? PICO_TEST_SHARED : d[3] << 8,
	};
	int ret = service(&world, &s);

	expect(me, "set_thread_descriptor_base", ret, -EBUSY, -EINVAL);
}

static void do_apc(struct worker *me, const __u64 *d)
{
	struct pico_test_service s = { .service = PICO_TEST_DO_APC,
				       .tid = any_thread(d[0]) };

	expect(me, "queue_apc", service(&world, &s), 0, 0);
}

static void do_terminate_thread(struct worker *me, const __u64 *d)
{
	expect(me, "terminate_thread",
	       terminate_thread(&world, any_thread(d[0]), 0), 0, 0);
}

static void do_terminate_process(struct worker *me, const __u64 *d)
{
	struct pico_ioc_terminate t = { .pid = any_thread(d[0]),
					.status = EXITED(d[1] % 256) };

	if (d[2] % 2)
		expect(me, "terminate_process",
		       terminate_process(&world, t.pid, t.status), 0, 0);
	else if (me->host >= 0 && ioctl(me->host, PICO_IOC_TERMINATE, &t) &&
		 errno != ESRCH)
		wrong(me, "PICO_IOC_TERMINATE", -errno);
	reap();
}

/* Never to what is no thread any more: numbers are used again, but not soon. */
static void do_signal(struct worker *me, const __u64 *d)
{
	static const int signals[] = { SIGSTOP, SIGCONT,  SIGUSR1, SIGTERM,
				       SIGCONT, SIGWINCH, SIGCONT, SIGKILL };
	pid_t tid = any_thread(d[0]);

	if (tid)
		syscall(SYS_tkill, tid, signals[d[1] % 8]);
}

static void do_request(struct worker *me, const __u64 *d)
{
	struct timespec *time;
	int slot = idle_slot(me, d[0]);

	if (slot < 0)
		return;
	time = (struct timespec *)world.shared->slots[slot].scratch;
	*time = (struct timespec){ .tv_nsec = d[1] % 3000000 };
	switch (d[2] % 12) {
	case 0:
		slot_begin(&world, slot, SLOT_CALL, PICO_TEST_CALL_FORWARD,
			   SYS_getpid, 0, 0, 0, 0, 0);
		break;
	case 1:
	case 2:
		slot_begin(&world, slot, SLOT_CALL, PICO_TEST_CALL_WATCHED,
			   SYS_nanosleep, SLOT_ADDRESS(slot, scratch), 0, 0, 0,
			   0);
		break;
	case 3:
		slot_begin(&world, slot, SLOT_CALL, PICO_TEST_CALL_BLOCK,
			   d[3] % 2, 0, 0, 0, 0, 0);
		break;
	case 4:
		slot_begin(&world, slot, SLOT_CALL, PICO_TEST_CALL_BLOCK_AGAIN,
			   0, 0, 0, 0, 0, 0);
		break;
	case 5:
		slot_begin(&world, slot, SLOT_CALL, PICO_TEST_CALL_SLEEP,
			   d[3] % 20, d[4] % 3, 0, 0, 0, 0);
		break;
	case 6:
	case 7:
	case 8:
		slot_begin(&world, slot, SLOT_FAULT, d[3] % (FAULT_JUMP + 1),
			   d[4] % 4, 0, 0, 0, 0, 0);
		break;
	case 9:
		slot_begin(&world, slot, SLOT_CALL, PICO_TEST_CALL_FORWARD,
			   d[3] % 4 ? SYS_exit : SYS_exit_group, 3, 0, 0, 0, 0);
		break;
	case 10:
		slot_begin(&world, slot, SLOT_STEP, PICO_TEST_CALL_ECHO, 1, 0,
			   0, 0, 0, 0);
		break;
	default:
		slot_begin(&world, slot, SLOT_CALL, PICO_TEST_CALL_TID, 0, 0, 0,
			   0, 0, 0);
	}
	if (d[5] % 2)
		done_soon(slot);
}

/* What callbacks do from now on: for everybody's threads. */
static void do_behave(struct worker *me, const __u64 *d)
{
	static const struct {
		int callback, results;
	} moods[] = {
		{ PICO_TEST_EXCEPTION, PICO_TEST_SUSPEND_SELF + 1 },
		{ PICO_TEST_EXCEPTION, PICO_TEST_SUSPEND_SELF + 1 },
		{ PICO_TEST_TERMINATE, PICO_TEST_REPLACE + 1 },
		{ PICO_TEST_ENDED, PICO_TEST_INTERRUPTED + 1 },
		{ PICO_TEST_APC, PICO_TEST_SUSPEND_APC + 1 },
		{ PICO_TEST_SIGNAL, PICO_TEST_TAKEN_APC + 1 },
		{ PICO_TEST_START, 1 },
		{ PICO_TEST_EXIT_THREAD, 1 },
		{ PICO_TEST_EXIT_PROCESS, 1 },
		{ PICO_TEST_GONE, 1 },
		{ PICO_TEST_CREATED, 1 },
	};
	int which = d[0] % (sizeof(moods) / sizeof(moods[0]));
	struct pico_test_behaviour b = {
		.callback = moods[which].callback,
		.result = d[1] % moods[which].results,
		.sleep_ms = d[2] % 4 ? 0 : d[3] % 20,
	};

	if (b.callback == PICO_TEST_EXCEPTION)
		b.value = b.result == PICO_TEST_SKIP ? 2 : EXITED(4);
	if (b.callback == PICO_TEST_START)
		b.value = d[4] &
			  (PICO_TEST_KEEP_CHILDREN | PICO_TEST_NATIVE_SIGNALS |
			   PICO_TEST_ARGUMENTS);
	if (b.callback == PICO_TEST_TERMINATE)
		b.value = EXITED(6);
	if (behave(&world, b))
		wrong(me, "behave", -errno);
}

static void do_host(struct worker *me, const __u64 *d)
{
	/* Its processes die; for a while there may be none. */
	if (d[0] % 4)
		return;
	if (me->host >= 0)
		close(me->host);
	me->host = d[1] % 8 ? provider_open(&world, PICO_TEST_PROVIDER) : -1;
	reap();
}

static void do_provider(struct worker *me, const __u64 *d)
{
	struct pico_test_registration r = {
		.slot = 1 + d[0] % (PICO_TEST_PROVIDERS - 1),
		.process_access = ACCESS_ALL,
		.thread_access = ACCESS_ALL,
	};
	int fd;

	snprintf((char *)r.name, sizeof(r.name), "pico_stress_%u", r.slot);
	switch (d[1] % 3) {
	case 0:
		if (ioctl(world.control, PICO_TEST_IOC_REGISTER, &r) &&
		    errno != ERANGE)
			wrong(me, "pico_register_provider", -errno);
		break;
	case 1:
		if (ioctl(world.control, PICO_TEST_IOC_UNREGISTER, r.slot) &&
		    errno != EBUSY && errno != ENOENT && errno != ERANGE)
			wrong(me, "pico_unregister_provider", -errno);
		break;
	case 2:
		fd = provider_open(&world, (const char *)r.name);
		if (fd < 0) {
			if (errno != ENOENT)
				wrong(me, "PICO_IOC_BIND", -errno);
			break;
		}
		/* This host's processes are the other provider's. */
		if (me->host >= 0 && d[2] % 2) {
			close(me->host);
			me->host = fd;
		} else {
			close(fd);
		}
	}
}

static void do_unload(struct worker *me, const __u64 *d)
{
	if (!syscall(SYS_delete_module, "pico_test", O_NONBLOCK))
		wrong(me, "delete_module", 0);
	else if (errno != EAGAIN && errno != EBUSY)
		wrong(me, "delete_module", -errno);
}

static void do_look(struct worker *me, const __u64 *d)
{
	static const char *const files[] = { "providers", "processes",
					     "threads" };
	static const char *const proc[] = { "maps",  "stat",	"status",
					    "wchan", "syscall", "cmdline" };
	char path[128], text[4096];

	if (d[0] % 2)
		snprintf(path, sizeof(path), "/sys/kernel/debug/pico/%s",
			 files[d[1] % 3]);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", any_thread(d[1]),
			 proc[d[2] % 6]);
	read_file(path, text, sizeof(text));
}

/* References outlive what they are of. */
static void do_hold(struct worker *me, const __u64 *d)
{
	if (me->host < 0)
		return;
	if (d[0] % 2)
		ioctl(me->host, PICO_TEST_IOC_HOLD, any_thread(d[1]));
	else
		ioctl(me->host, PICO_TEST_IOC_DROP, 1 + d[1] % 8);
}

static const struct {
	const char *name;
	int weight;
	void (*run)(struct worker *me, const __u64 *draw);
} works[] = {
	{ "exec", 8, do_exec },
	{ "create_thread", 16, do_create_thread },
	{ "create_process", 8, do_create_process },
	{ "suspend", 10, do_suspend },
	{ "resume", 16, do_resume },
	{ "context", 16, do_context },
	{ "base", 4, do_base },
	{ "apc", 6, do_apc },
	{ "terminate_thread", 3, do_terminate_thread },
	{ "terminate_process", 3, do_terminate_process },
	{ "signal", 6, do_signal },
	{ "request", 24, do_request },
	{ "behave", 5, do_behave },
	{ "host", 2, do_host },
	{ "provider", 4, do_provider },
	{ "unload", 2, do_unload },
	{ "look", 4, do_look },
	{ "hold", 4, do_hold },
};

#define WORKS ((int)(sizeof(works) / sizeof(works[0])))

static unsigned long count[WORKS];

static void step(struct worker *me)
{
	int all = 0, which = -1, at;

	draw_all(me);
	for (int i = 0; i < WORKS; i++)
		all += works[i].weight;
	at = me->draw[DRAWS - 1] % all;
	while (at >= 0)
		at -= works[++which].weight;
	me->doing = works[which].name;
	__sync_fetch_and_add(&count[which], 1);
	works[which].run(me, me->draw);
	me->steps++;
}

static void *work(void *arg)
{
	struct worker *me = arg;

	while (!stop && failures < 20)
		step(me);
	return NULL;
}

/* ---- a piece ---- */

static void on_tick(int number)
{
}

/*
 * A child that is stopped on its way to execve() has all of our files, and so
 * nothing that belongs to one would ever end. Nobody stops anything any more.
 */
static void go_on(void)
{
	for (int i = 0; i < PICO_TEST_SLOTS; i++)
		if (*tid_of(i))
			syscall(SYS_tkill, *tid_of(i), SIGCONT);
}

/* What stands still goes on: nobody waits for the rest of the piece. */
static void tick(void)
{
	ioctl(world.control, PICO_TEST_IOC_KICK);
	for (int i = 0; i < PICO_TEST_SLOTS; i++) {
		pid_t tid = *tid_of(i);

		if (tid && thread_state(tid) == 'T')
			syscall(SYS_tkill, tid, SIGCONT);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_kill(workers[i].thread, SIGUSR2);
}

/* Where everybody is, into the kernel's log. */
static void show_tasks(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	if (fd < 0 || write(fd, "l", 1) < 0 || write(fd, "t", 1) < 0)
		perror("sysrq-trigger");
	close(fd);
}

static void hang(const struct worker *me)
{
	printf("# seed %llu, piece %lu, worker %d hangs in step %lu: %s\n",
	       seed, piece, me->number, me->steps, me->doing);
	printf("not ok 1 all workers get on\n");
	fflush(stdout);
	show_tasks();
	_exit(1);
}

static unsigned long one_piece(double seconds)
{
	unsigned long last[WORKERS] = { 0 }, all = 0;
	double moved[WORKERS], end;

	memset(workers, 0, sizeof(workers));
	stop = false;
	if (world_open(&world)) {
		wrong(&workers[0], "opening", -errno);
		return 0;
	}
	for (int i = 0; i < WORKERS; i++) {
		workers[i].number = i;
		workers[i].host = provider_open(&world, PICO_TEST_PROVIDER);
		moved[i] = now();
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	end = now() + seconds;
	while (now() < end && failures < 20) {
		usleep(50000);
		tick();
		for (int i = 0; i < WORKERS; i++) {
			if (workers[i].steps != last[i])
				moved[i] = now();
			last[i] = workers[i].steps;
			if (now() > moved[i] + HANG_SECONDS * slower())
				hang(&workers[i]);
		}
	}
	stop = true;
	/* Those that wait for a thread get a signal, as before. */
	for (int i = 0; i < WORKERS; i++) {
		double since = now();

		while (pthread_tryjoin_np(workers[i].thread, NULL)) {
			usleep(20000);
			ioctl(world.control, PICO_TEST_IOC_KICK);
			pthread_kill(workers[i].thread, SIGUSR2);
			if (now() > since + HANG_SECONDS * slower())
				hang(&workers[i]);
		}
		all += workers[i].steps;
	}
	go_on();
	for (int i = 0; i < PICO_TEST_CALLBACKS; i++)
		behave(&world, (struct pico_test_behaviour){ .callback = i });
	for (int i = 0; i < WORKERS; i++)
		if (workers[i].host >= 0)
			close(workers[i].host);
	if (world_close(&world)) {
		show_tasks();
		wrong(&workers[0], "the end of the piece", -1);
	}
	return all;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ "first", required_argument, NULL, 'f' },
		{ 0 }
	};
	struct sigaction tick_action = { .sa_handler = on_tick };
	struct rlimit no_core = { 0 };
	double seconds = 2 * PIECE_SECONDS, end;
	unsigned long steps = 0;
	int option, log;
	const char *loud;

	seed = time(NULL);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seconds = atof(optarg);
		else if (option == 'r')
			seed = strtoull(optarg, NULL, 0);
		else if (option == 'f')
			piece = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Their parents may be gone; and no core is looked at. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setrlimit(RLIMIT_CORE, &no_core);
	sigaction(SIGUSR2, &tick_action, NULL);
	log = kmsg_open();
	ksft_print_header();
	ksft_set_plan(2);
	ksft_print_msg("seed %llu, from piece %lu\n", seed, piece);
	end = now() + seconds;
	while (now() < end && !failures) {
		double left = end - now();

		steps += one_piece(left < PIECE_SECONDS ? left : PIECE_SECONDS);
		if (++piece % 20 == 0)
			ksft_print_msg("%lu pieces, %lu steps\n", piece, steps);
	}
	for (int i = 0; i < WORKS; i++)
		ksft_print_msg("%8lu %s\n", count[i], works[i].name);
	ksft_print_msg("%lu steps, up to piece %lu\n", steps, piece);
	ksft_test_result(!failures && steps,
			 "nothing unforeseen, and everything ends\n");
	loud = kmsg_loud(kmsg_since(log));
	if (loud)
		ksft_print_msg("%.200s\n", loud);
	ksft_test_result(!loud, "the kernel's log is quiet\n");
	ksft_finished();
}
