// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Clocks that processor time drives, and sleeping by them. */
#include "linux_test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

/* ---- timers by user time, and by the time of a thread ---- */

#define MS 1000000LL

static volatile int of_user, of_both, fired;

static void on_virtual(int signal)
{
	of_user++;
}

static void on_both(int signal)
{
	of_both++;
}

static void on_fired(int signal)
{
	fired++;
}

static int64_t user_time(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_utime.tv_sec * 1000000000LL + u.ru_utime.tv_usec * 1000LL;
}

/* Nearly all of it is the system's time. */
static void touch(void)
{
	const size_t size = 800 * 4096;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	madvise(p, size, MADV_NOHUGEPAGE);
	for (i = 0; i < size; i += 4096)
		((volatile char *)p)[i] = 1;
	munmap(p, size);
}

static void by_user_time(void)
{
	struct itimerval v = { { 0, 0 }, { 0, 600000 } }, left;
	struct itimerval often = { { 0, 50000 }, { 0, 50000 } }, never = { 0 };
	int64_t begin;

	signal(SIGVTALRM, on_virtual);
	signal(SIGPROF, on_both);
	begin = user_time();
	TRY(setitimer(ITIMER_VIRTUAL, &v, NULL));
	TRY(setitimer(ITIMER_PROF, &v, NULL));
	while (!of_both)
		touch();
	CHECK(of_user);
	TRY(getitimer(ITIMER_VIRTUAL, &left));
	CHECK(left.it_value.tv_usec > 200000);
	CHECK(left.it_value.tv_usec <= 600000);
	while (!of_user)
		;
	CHECK(user_time() - begin >= 500 * MS);
	TRY(getitimer(ITIMER_VIRTUAL, &left));
	CHECK(left.it_value.tv_usec);
	TRY(setitimer(ITIMER_VIRTUAL, &often, NULL));
	begin = user_time();
	while (of_user < 5)
		;
	CHECK(user_time() - begin >= 140 * MS);
	TRY(setitimer(ITIMER_VIRTUAL, &never, &left));
	CHECK(left.it_interval.tv_usec);
	CHECK(left.it_value.tv_usec > 0);
}

static volatile pid_t sleeper;

static void *sleeps(void *unused)
{
	sleeper = own_tid();
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		sleep_ms(5);
	return unused;
}

static void spin_for(int64_t ns)
{
	int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void by_thread_time(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1 };
	struct itimerspec v = { { 0, 0 }, { 0, 60 * MS } }, left;
	const clockid_t own = CLOCK_THREAD_CPUTIME_ID;
	pthread_t spins, waits;
	timer_t timer, others;
	clockid_t clock;
	int64_t begin;

	stop = false;
	pthread_create(&spins, NULL, spin, NULL);
	pthread_create(&waits, NULL, sleeps, NULL);
	while (!sleeper)
		sleep_ms(1);
	signal(SIGUSR1, on_fired);
	TRY(timer_create(own, &event, &timer));
	/* What others use is not its. */
	TRY(timer_settime(timer, 0, &v, NULL));
	sleep_ms(300);
	CHECK(fired);
	TRY(timer_gettime(timer, &left));
	CHECK(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 60 * MS);
	begin = now_ns(own);
	while (!fired)
		;
	CHECK(fired);
	CHECK(now_ns(own) - begin + (60 * MS - left.it_value.tv_nsec) >=
	      60 * MS);
	TRY(timer_gettime(timer, &left));
	CHECK(left.it_value.tv_nsec);
	/* More than once, at a given time. */
	begin = now_ns(own) + 20 * MS;
	v.it_value =
		(struct timespec){ begin / 1000000000, begin % 1000000000 };
	v.it_interval.tv_nsec = 20 * MS;
	fired = 0;
	TRY(timer_settime(timer, TIMER_ABSTIME, &v, NULL));
	while (fired < 3)
		;
	CHECK(now_ns(own) >= begin);
	memset(&v, 0, sizeof(v));
	TRY(timer_settime(timer, 0, &v, &left));
	CHECK(left.it_interval.tv_nsec);
	fired = 0;
	spin_for(60 * MS);
	CHECK(fired);

	/* Of another: one that works, and one that does not. */
	v.it_value.tv_nsec = 30 * MS;
	CHECK(pthread_getcpuclockid(waits, &clock));
	TRY(timer_create(clock, &event, &others));
	TRY(timer_settime(others, 0, &v, NULL));
	spin_for(60 * MS);
	CHECK(fired);
	TRY(timer_delete(others));
	CHECK(pthread_getcpuclockid(spins, &clock));
	TRY(timer_create(clock, &event, &others));
	TRY(timer_settime(others, 0, &v, NULL));
	while (!fired)
		sleep_ms(1);
	CHECK(fired);
	/* It ends, and its time with it. */
	v.it_value.tv_sec = 5;
	TRY(timer_settime(others, 0, &v, NULL));
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(spins, NULL);
	pthread_join(waits, NULL);
	sleep_ms(50);
	CHECK(fired);
	TRY(timer_delete(others));
	TRY(timer_delete(timer));
	TRY(timer_create(~0x3ffffeU << 3 | 6, &event, &timer));
	TRY(timer_create(~0x3ffffeU << 3 | 7, &event, &timer));
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
	by_user_time();
	by_thread_time();
	return 0;
}
