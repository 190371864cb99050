// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Timers by processor time where there are several threads, or timers. */
#include "linux_test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#define MS 1000000LL

static bool stop;
static volatile int fired, mine, others;
static pid_t first;

static void on_signal(int signal)
{
	(void)signal;
	fired++;
	if (own_tid() == first)
		mine++;
	else
		others++;
}

static void catch (int signal)
{
	const struct sigaction act = { .sa_handler = on_signal,
				       .sa_flags = SA_RESTART };

	sigaction(signal, &act, NULL);
	fired = mine = others = 0;
}

static void spin_for(int64_t time)
{
	int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + time;

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void *spins(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		spin_for(MS);
	return unused;
}

static void *samples(void *unused)
{
	struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, never = { 0 };

	setitimer(ITIMER_PROF, &often, NULL);
	spin_for(400 * MS);
	setitimer(ITIMER_PROF, &never, NULL);
	return unused;
}

/* Who works is interrupted, not who waits for it, or hardly. */
static void profile(void)
{
	pthread_t t;

	catch (SIGPROF);
	pthread_create(&t, NULL, samples, NULL);
	pthread_join(t, NULL);
	CHECK(others >= 5);
	CHECK(mine <= others / 4);
}

/* Set by one thread, used by threads that come later. */
static void later_threads(void)
{
	struct itimerval once = { { 0, 0 }, { 1, 0 } };
	pthread_t t[2];
	int64_t used;

	catch (SIGPROF);
	setitimer(ITIMER_PROF, &once, NULL);
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	sleep_ms(20);
	pthread_create(&t[0], NULL, spins, NULL);
	pthread_create(&t[1], NULL, spins, NULL);
	while (!fired)
		sleep_ms(1);
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - used;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	CHECK(used >= 990 * MS);
	CHECK(used < 1700 * MS);
}

static void arm(timer_t *timer, clockid_t clock, int signal, int64_t in,
		int64_t interval)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = signal };
	struct itimerspec v = { { interval / 1000000000,
				  interval % 1000000000 },
				{ in / 1000000000, in % 1000000000 } };

	CHECK(timer_create(clock, &event, timer));
	CHECK(timer_settime(*timer, 0, &v, NULL));
}

static volatile int turn;

static void await(int wanted)
{
	while (turn != wanted)
		sleep_ms(1);
}

static void *uses(void *unused)
{
	timer_t timer;
	int64_t used;

	spin_for(1200 * MS);
	turn = 1;
	await(2);
	used = now_ns(CLOCK_THREAD_CPUTIME_ID);
	arm(&timer, CLOCK_THREAD_CPUTIME_ID, SIGUSR1, 50 * MS, 0);
	while (!fired)
		spin_for(MS);
	used = now_ns(CLOCK_THREAD_CPUTIME_ID) - used;
	CHECK(used >= 50 * MS);
	CHECK(used < 500 * MS);
	timer_delete(timer);
	return unused;
}

/* By the time of two threads: what is next is not who has the smaller number. */
static void two_threads(void)
{
	timer_t timer;
	pthread_t t;

	catch (SIGUSR1);
	pthread_create(&t, NULL, uses, NULL);
	await(1);
	arm(&timer, CLOCK_THREAD_CPUTIME_ID, SIGUSR2, 900 * MS, 0);
	sleep_ms(20);
	turn = 2;
	pthread_join(t, NULL);
	timer_delete(timer);
}

/* One that is always due does not keep others from it. */
static void always_due(void)
{
	timer_t quick, slow;
	sigset_t set;
	int i;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	catch (SIGUSR1);
	arm(&quick, CLOCK_MONOTONIC, SIGUSR2, 1, 1);
	arm(&slow, CLOCK_REALTIME, SIGUSR1, 20 * MS, 0);
	for (i = 0; i < 30000 && !fired; i++)
		sleep_ms(1);
	CHECK(fired);
	timer_delete(quick);
	timer_delete(slow);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	first = own_tid();
	profile();
	later_threads();
	two_threads();
	always_due();
	return 0;
}
