// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* alarm, setitimer, timer_create, timerfd. */
#include "linux_test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#define MS 1000000L

static volatile int seen, overruns;
static siginfo_t last;
static volatile pid_t where;

static void handler(int signal, siginfo_t *info, void *context)
{
	last = *info;
	where = own_tid();
	if (info->si_code == SI_TIMER)
		overruns += info->si_overrun;
	seen++;
}

static void catch (int signal)
{
	struct sigaction a = { .sa_sigaction = handler,
			       .sa_flags = SA_SIGINFO };

	seen = overruns = 0;
	sigaction(signal, &a, NULL);
}

static void alarms(void)
{
	struct itimerval v = { { 0, 20000 }, { 0, 20000 } }, old;
	volatile long n = 0;

	catch (SIGALRM);
	CHECK(alarm(100));
	CHECK(alarm(1));
	TRY(pause());
	CHECK(seen);
	CHECK(last.si_code == SI_KERNEL);
	CHECK(alarm(0));
	TRY(setitimer(ITIMER_REAL, &v, NULL));
	/* It comes into a computation, too. */
	while (seen < 4)
		n++;
	CHECK(n > 0);
	TRY(getitimer(ITIMER_REAL, &old));
	CHECK(old.it_interval.tv_usec);
	memset(&v, 0, sizeof(v));
	TRY(setitimer(ITIMER_REAL, &v, &old));
	CHECK(old.it_interval.tv_usec);
	TRY(getitimer(ITIMER_REAL, &old));
	CHECK(old.it_value.tv_usec);
	v.it_value.tv_usec = 1000000;
	TRY(setitimer(ITIMER_REAL, &v, NULL));
	TRY(setitimer(3, &v, NULL));
	TRY(getitimer(3, &old));
	TRY(setitimer(ITIMER_REAL, (void *)8, NULL));
	catch (SIGPROF);
	v = (struct itimerval){ { 0, 0 }, { 0, 30000 } };
	TRY(setitimer(ITIMER_PROF, &v, NULL));
	while (!seen)
		n++;
	CHECK(seen);
	catch (SIGVTALRM);
	TRY(setitimer(ITIMER_VIRTUAL, &v, NULL));
	while (!seen)
		n++;
	CHECK(seen);
}

static void created(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGRTMIN,
				  .sigev_value.sival_int = 42 };
	struct itimerspec v = { { 0, 10 * MS }, { 0, 10 * MS } }, old;
	sigset_t set, before;
	struct timespec ts;
	timer_t timer, second;

	catch (SIGRTMIN);
	TRY(timer_create(CLOCK_MONOTONIC, &event, &timer));
	TRY(timer_settime(timer, 0, &v, NULL));
	while (seen < 3)
		pause();
	CHECK(last.si_value.sival_int);
	CHECK(last.si_code == SI_TIMER);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &before);
	sleep_ms(100);
	overruns = 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	CHECK(overruns > 3);
	CHECK(timer_getoverrun(timer) >= 0);
	TRY(timer_gettime(timer, &old));
	CHECK(old.it_interval.tv_nsec);
	CHECK(old.it_value.tv_nsec > 0);
	memset(&v, 0, sizeof(v));
	TRY(timer_settime(timer, 0, &v, &old));
	CHECK(old.it_interval.tv_nsec);
	TRY(timer_delete(timer));
	TRY(timer_delete(timer));
	TRY(timer_gettime(timer, &old));

	/* At a given time, once. */
	TRY(timer_create(CLOCK_REALTIME, &event, &timer));
	clock_gettime(CLOCK_REALTIME, &ts);
	v.it_value.tv_sec = ts.tv_sec + (ts.tv_nsec + 20 * MS) / 1000000000;
	v.it_value.tv_nsec = (ts.tv_nsec + 20 * MS) % 1000000000;
	seen = 0;
	TRY(timer_settime(timer, TIMER_ABSTIME, &v, NULL));
	while (!seen) /* not pause(): it comes once, and may come before */
		sleep_ms(1);
	CHECK(now_ns(CLOCK_REALTIME) >=
	      v.it_value.tv_sec * 1000000000LL + v.it_value.tv_nsec);
	sleep_ms(30);
	CHECK(seen);
	/* A time that is over is now. */
	v.it_value = (struct timespec){ 1, 0 };
	TRY(timer_settime(timer, TIMER_ABSTIME, &v, NULL));
	while (seen < 2)
		sleep_ms(1);
	v.it_value.tv_nsec = 1000000000;
	TRY(timer_settime(timer, 0, &v, NULL));
	TRY(timer_delete(timer));

	event.sigev_notify = SIGEV_NONE;
	TRY(timer_create(CLOCK_BOOTTIME, &event, &timer));
	v = (struct itimerspec){ { 0, 0 }, { 0, 10 * MS } };
	seen = 0;
	TRY(timer_settime(timer, 0, &v, NULL));
	sleep_ms(30);
	TRY(timer_gettime(timer, &old));
	CHECK(old.it_value.tv_nsec);
	CHECK(seen);
	TRY(timer_create(CLOCK_MONOTONIC, NULL, &second));
	TRY(timer_delete(second));
	TRY(timer_delete(timer));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = 99;
	TRY(timer_create(CLOCK_MONOTONIC, &event, &timer));
	event.sigev_notify = 55;
	TRY(timer_create(CLOCK_MONOTONIC, &event, &timer));
	TRY(timer_create(1234, NULL, &timer));
	TRY(timer_create(CLOCK_MONOTONIC_RAW, NULL, &timer));
	TRY(timer_create(CLOCK_MONOTONIC_COARSE, NULL, &timer));
	TRY(timer_create(CLOCK_REALTIME_COARSE, NULL, &timer));
}

static void called(union sigval value)
{
	__atomic_add_fetch((int *)value.sival_ptr, 1, __ATOMIC_SEQ_CST);
}

/* The library has a thread for these: SIGEV_THREAD_ID behind it. */
static void by_thread(void)
{
	static int count;
	struct sigevent event = { .sigev_notify = SIGEV_THREAD,
				  .sigev_notify_function = called,
				  .sigev_value.sival_ptr = &count };
	struct itimerspec v = { { 0, 5 * MS }, { 0, 5 * MS } };
	timer_t timer;

	TRY(timer_create(CLOCK_MONOTONIC, &event, &timer));
	TRY(timer_settime(timer, 0, &v, NULL));
	while (__atomic_load_n(&count, __ATOMIC_SEQ_CST) < 3)
		sleep_ms(1);
	TRY(timer_delete(timer));
}

static void descriptors(void)
{
	struct itimerspec v = { { 0, 10 * MS }, { 0, 10 * MS } }, old;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t ticks;

	TRY(read(fd, &ticks, 8));
	TRY(read(fd, &ticks, 7));
	TRY(write(fd, &ticks, 8));
	TRY(timerfd_settime(fd, 0, &v, NULL));
	TRY(poll(&p, 1, 5000));
	TRY(read(fd, &ticks, 8));
	CHECK(ticks > 0);
	sleep_ms(50);
	TRY(read(fd, &ticks, 8));
	CHECK(ticks > 2);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	TRY(epoll_wait(epoll, &event, 1, 5000));
	fcntl(fd, F_SETFL, 0);
	TRY(read(fd, &ticks, 8));
	TRY(read(fd, &ticks, 8));
	TRY(timerfd_gettime(fd, &old));
	CHECK(old.it_interval.tv_nsec);
	CHECK(old.it_value.tv_nsec > 0);
	memset(&v, 0, sizeof(v));
	TRY(timerfd_settime(fd, 0, &v, &old));
	CHECK(old.it_interval.tv_nsec);
	TRY(poll(&p, 1, 30));
	TRY(timerfd_settime(1, 0, &v, NULL));
	TRY(timerfd_settime(fd, 64, &v, NULL));
	TRY(timerfd_gettime(99, &v));
	TRY(timerfd_create(77, 0));
	TRY(timerfd_create(CLOCK_MONOTONIC, 5));
	close(fd);
	close(epoll);
	fd = timerfd_create(CLOCK_REALTIME, 0);
	v.it_value.tv_sec = 1;
	TRY(timerfd_settime(fd, TFD_TIMER_ABSTIME, &v, NULL));
	TRY(read(fd, &ticks, 8));
	CHECK(ticks);
	close(fd);
}

/* Of a setting that is replaced, no tick comes any more. */
static void replaced(void)
{
	const struct itimerspec often = { { 0, 50000 }, { 0, 50000 } },
				once = { { 0, 0 }, { 1000, 0 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), i;
	int wrong = 0, left_wrong = 0;
	struct itimerspec old;
	uint64_t ticks;

	for (i = 0; i < 5000; i++) {
		timerfd_settime(fd, 0, &often, NULL);
		if (i % 4 == 0)
			usleep(50);
		timerfd_settime(fd, 0, &once, &old);
		left_wrong += old.it_interval.tv_nsec != 50000 ||
			      old.it_value.tv_sec ||
			      old.it_value.tv_nsec > 50000;
		if (i % 4 == 1)
			usleep(100);
		wrong += read(fd, &ticks, 8) != -1;
	}
	CHECK(wrong);
	CHECK(left_wrong);
	timerfd_gettime(fd, &old);
	CHECK(old.it_value.tv_sec);
	CHECK(old.it_interval.tv_nsec);
	close(fd);
}

static volatile bool stop;

static void *sets(void *unused)
{
	const struct itimerspec often = { { 0, 20000 }, { 0, 20000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1 };
	timer_t timer;

	timer_create(CLOCK_MONOTONIC, &event, &timer);
	while (!stop)
		timer_settime(timer, 0, &often, NULL);
	timer_delete(timer);
	return unused;
}

/* A fork stops what is at work with timers, wherever it is. */
static void set_while_forking(void)
{
	int i, status, good = 0;
	sigset_t set, before;
	pthread_t thread;

	/* Blocked: while signals come, there is no fork. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &before);
	pthread_create(&thread, NULL, sets, NULL);
	for (i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(3);
		waitpid(pid, &status, 0);
		good += status == 0x300;
	}
	stop = true;
	pthread_join(thread, NULL);
	signal(SIGUSR1, SIG_IGN); /* one may have come */
	sigprocmask(SIG_SETMASK, &before, NULL);
	CHECK(good);
}

/* None of timer_create's is the child's; what is a descriptor's goes on. */
static int in_child(timer_t timer, int fd)
{
	struct itimerspec v = { { 0, 0 }, { 0, 0 } };
	struct timespec while_ = { 0, 300 * MS };
	uint64_t ticks;

	TRY(timer_gettime(timer, &v));
	TRY(timer_settime(timer, 0, &v, NULL));
	TRY(timer_getoverrun(timer));
	TRY(timer_delete(timer));
	CHECK(alarm(0));
	/* This has a thread of its own run, for what there may be. */
	alarm(100);
	TRY(read(fd, &ticks, 8));
	CHECK(ticks > 0);
	nanosleep(&while_, NULL);
	CHECK(seen);
	CHECK(alarm(0) > 0);
	TRY(read(fd, &ticks, 8));
	return 7;
}

static void forked(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR2 };
	struct itimerspec v = { { 0, 10 * MS }, { 0, 10 * MS } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), status = -1;
	timer_t timer;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	TRY(timer_create(CLOCK_MONOTONIC, &event, &timer));
	TRY(timer_settime(timer, 0, &v, NULL));
	v.it_interval.tv_nsec = 20 * MS;
	TRY(timerfd_settime(fd, 0, &v, NULL));
	sleep_ms(30);
	pid = fork();
	if (!pid) {
		catch (SIGUSR2);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		_exit(in_child(timer, fd));
	}
	waitpid(pid, &status, 0);
	CHECK(status >> 8);
	TRY(timer_delete(timer));
	TRY(close(fd));
}

int main(void)
{
	alarms();
	created();
	by_thread();
	descriptors();
	replaced();
	set_while_forking();
	forked();
	return 0;
}
