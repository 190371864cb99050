// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Signals that come in the moment when a thread has just done something else:
 * while it leaves a wait for them, while others look for them as well, while
 * its process stops or goes on; and a timer that is set while another thread
 * forks.
 */
#include "child.h"
#include "linux_test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define BUSY	3     /* threads that make calls all the time */
#define PATIENT 20000 /* ms, for what ought to come soon */

static atomic_int *shared; /* between processes */
static atomic_int taken;

static void pause_for(int n)
{
	while (n--)
		asm volatile("pause");
}

static void *busy(void *unused)
{
	for (;;)
		getppid();
	return unused;
}

static void many_busy(void)
{
	pthread_t thread;
	int i;

	for (i = 0; i < BUSY; i++)
		pthread_create(&thread, NULL, busy, NULL);
}

/* ---- sigtimedwait ---- */

#define WAITS 5000

static pthread_t waiter;

/* The second comes while the first is taken, sooner or later. */
static void *send_pairs(void *unused)
{
	int i;

	for (i = 0; i < WAITS; i++) {
		pthread_kill(waiter, SIGRTMIN);
		pause_for(i % 50 * 10);
		pthread_kill(waiter, SIGURG);
		while (atomic_load(&taken) < 2 * (i + 1))
			sched_yield();
	}
	return unused;
}

/* One of them ends the process, the other is forgotten, where not blocked. */
static void waits(void)
{
	struct timespec patience = { PATIENT / 1000, 0 };
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGURG);
	sigprocmask(SIG_BLOCK, &set, NULL);
	waiter = pthread_self();
	pthread_create(&thread, NULL, send_pairs, NULL);
	while (atomic_load(&taken) < 2 * WAITS &&
	       sigtimedwait(&set, NULL, &patience) > 0)
		atomic_fetch_add(&taken, 1);
	SHOW("taken", atomic_load(&taken));
}

/* ---- many threads that look for what other processes send ---- */

#define SENT 3000

static void receive(int ready)
{
	struct timespec patience = { PATIENT / 1000, 0 };
	int i, ordered = 0, last = -1;
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	many_busy();
	(void)!write(ready, "r", 1);
	for (i = 0; i < SENT; i++) {
		if (sigtimedwait(&set, &info, &patience) < 0)
			break;
		ordered += info.si_value.sival_int == last + 1;
		last = info.si_value.sival_int;
	}
	SHOW("received", i);
	SHOW("in order", ordered);
	patience.tv_sec = 0;
	CHECK(sigtimedwait(&set, &info, &patience));
}

static void mails(void)
{
	union sigval value = { 0 };
	int ready[2], status = -1;
	pid_t pid;
	char c;

	(void)!pipe(ready);
	pid = fork();
	if (!pid) {
		receive(ready[1]);
		_exit(0);
	}
	(void)!read(ready[0], &c, 1);
	while (value.sival_int < SENT) {
		if (!sigqueue(pid, SIGRTMIN, value))
			value.sival_int++;
		else if (errno == EAGAIN)
			sched_yield();
		else
			break;
	}
	waitpid(pid, &status, 0);
	SHOW("receiver", status);
}

/* ---- stopping and going on ---- */

#define STOPS 1000

static void answer(int from, int to)
{
	char c;

	many_busy();
	while (read(from, &c, 1) == 1)
		(void)!write(to, &c, 1);
}

/* Who goes on before it has quite stopped, goes on. */
static void stops(void)
{
	int ask[2], tell[2], i, stayed = 0;
	struct pollfd answered;
	pid_t pid;
	char c;

	(void)!pipe(ask);
	(void)!pipe(tell);
	pid = fork();
	if (!pid) {
		close(ask[1]);
		answer(ask[0], tell[1]);
		_exit(0);
	}
	answered = (struct pollfd){ .fd = tell[0], .events = POLLIN };
	for (i = 0; i < STOPS && !stayed; i++) {
		kill(pid, i % 2 ? SIGSTOP : SIGTSTP);
		pause_for(i % 50 * (i % 50) * 4);
		kill(pid, SIGCONT);
		(void)!write(ask[1], "a", 1);
		if (poll(&answered, 1, PATIENT) != 1)
			stayed++;
		else
			(void)!read(tell[0], &c, 1);
	}
	SHOW("rounds", i);
	SHOW("stayed stopped", stayed);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- threads that are made while the process stops ---- */

#define BIRTHS 100
#define LIFE   20000000 /* ns */

static void *live(void *unused)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + LIFE;

	/* It counts itself without a call. */
	while (now_ns(CLOCK_MONOTONIC) < end)
		atomic_fetch_add(shared, 1);
	return unused;
}

static void *make(void *unused)
{
	pthread_t thread;

	for (;;) {
		if (!pthread_create(&thread, NULL, live, NULL))
			pthread_detach(thread);
		sleep_ms(1);
	}
	return unused;
}

static void births(void)
{
	int i, before, status, ran = 0;
	pthread_t maker;
	pid_t pid = fork();

	/* The first thread takes the signal: the maker is another. */
	if (!pid) {
		pthread_create(&maker, NULL, make, NULL);
		busy(NULL);
	}
	sleep_ms(20);
	for (i = 0; i < BIRTHS; i++) {
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		/* What is on its way there may take a moment. */
		sleep_ms(5);
		before = atomic_load(shared);
		sleep_ms(5);
		ran += atomic_load(shared) != before;
		kill(pid, SIGCONT);
		sleep_ms(i % 3);
	}
	SHOW("ran though stopped", ran);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- the first timer ---- */

#define FORKS 200

static pthread_barrier_t both;

static void *forks(void *unused)
{
	pid_t pid;
	int i;

	pthread_barrier_wait(&both);
	for (i = 0; i < 3; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return unused;
}

static void set_and_fork(int delay)
{
	struct itimerspec never = { .it_value.tv_sec = 1000 };
	pthread_t thread;
	timer_t timer;

	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	pthread_barrier_init(&both, NULL, 2);
	pthread_create(&thread, NULL, forks, NULL);
	pthread_barrier_wait(&both);
	pause_for(delay);
	timer_settime(timer, 0, &never, NULL);
	pthread_join(thread, NULL);
}

/* A process's first timer needs a thread of the system's. */
static void timers(void)
{
	int i, k, done = 0;
	pid_t pid;

	for (i = 0; i < FORKS; i++) {
		pid = fork();
		if (!pid) {
			set_and_fork(i * 5);
			_exit(0);
		}
		for (k = 0; k < PATIENT && !waitpid(pid, NULL, WNOHANG); k++)
			sleep_ms(1);
		if (k == PATIENT) {
			kill(pid, SIGKILL);
			break;
		}
		done++;
	}
	SHOW("timers set while others forked", done);
}

/* clang-format off */
static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "waits", waits },
	{ "mails", mails },
	{ "stops", stops },
	{ "births", births },
	{ "timers", timers },
};
/* clang-format on */

int main(int argc, char **argv)
{
	size_t i;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc > 1 && strcmp(argv[1], cases[i].name))
			continue;
		SHOW(cases[i].name, in_child(cases[i].run));
	}
	return 0;
}
