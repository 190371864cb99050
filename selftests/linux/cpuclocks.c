// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Clocks that processor time drives, and sleeping by them. */
#include "linux_test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

static bool stop;

static void *spin(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		;
	return NULL;
}

static struct timespec after(clockid_t clock, int64_t ns)
{
	ns += now_ns(clock);
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

static void sleeping(void)
{
	const clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
	struct timespec ts = { 0, 20000000 }, bad = { 0, -1 };
	int64_t begin = now_ns(clock);

	CHECK(clock_nanosleep(clock, 0, &ts, NULL));
	CHECK(now_ns(clock) - begin >= 20000000);
	ts = after(clock, 10000000);
	CHECK(clock_nanosleep(clock, TIMER_ABSTIME, &ts, NULL));
	CHECK(now_ns(clock) >= ts.tv_sec * 1000000000LL + ts.tv_nsec);
	/* it has been */
	CHECK(clock_nanosleep(clock, TIMER_ABSTIME, &ts, NULL));
	CHECK(clock_nanosleep(clock, 0, &bad, NULL));
	CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL));
	CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &bad, NULL));
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void interrupted(void)
{
	struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, never = { 0 };
	struct sigaction act = { .sa_handler = on_alarm };
	struct timespec ts = { 100, 0 }, left = { 0, 0 };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	CHECK(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &ts, &left));
	CHECK(left.tv_sec > 0 && left.tv_sec <= 100);
	left.tv_sec = 7;
	ts = after(CLOCK_PROCESS_CPUTIME_ID, 100000000000);
	CHECK(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &ts,
			      &left));
	CHECK(left.tv_sec);
	setitimer(ITIMER_REAL, &never, NULL);
}

static void numbers(void)
{
	struct timespec ts;
	clockid_t clock;

	CHECK(clock_getcpuclockid(0, &clock));
	TRY(clock_gettime(clock, &ts));
	CHECK(clock_getcpuclockid(getpid(), &clock));
	TRY(clock_gettime(clock, &ts));
	TRY(clock_getres(clock, &ts));
	CHECK(ts.tv_nsec);
	CHECK(clock_getcpuclockid(1 << 24, &clock));
	CHECK(pthread_getcpuclockid(pthread_self(), &clock));
	TRY(clock_gettime(clock, &ts));
	CHECK(clock_nanosleep(clock, 0, &ts, NULL));
	TRY(clock_gettime(~0U << 3 | 3, &ts));
	TRY(clock_gettime(12345, &ts));
}

int main(void)
{
	pthread_t t;

	setvbuf(stdout, NULL, _IONBF, 0);
	numbers();
	pthread_create(&t, NULL, spin, NULL);
	sleeping();
	interrupted();
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	return 0;
}
