// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * epoll: edges, one-shot, instances in instances, exclusive ones, many threads,
 * and after fork; over pipes, which are the host's, and eventfds, which are
 * not. And poll() of very many.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#define LONG 20000 /* ms that nothing should take */

static struct epoll_event found[16];

static int add(int epoll, int fd, uint32_t events, uint32_t data)
{
	struct epoll_event event = { events, { .u32 = data } };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int change(int epoll, int fd, uint32_t events, uint32_t data)
{
	struct epoll_event event = { events, { .u32 = data } };

	return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

static void modes(int in, int out)
{
	int epoll = epoll_create1(0);
	char bytes[8];

	TRY(add(epoll, in, EPOLLIN | EPOLLET, 1));
	TRY(add(epoll, in, EPOLLIN, 1));
	TRY(epoll_wait(epoll, found, 16, 0));
	TRY(write(out, "12345678", 8));
	TRY(epoll_wait(epoll, found, 16, LONG));
	CHECK(found[0].events);
	TRY(epoll_wait(epoll, found, 16, 0));
	TRY(write(out, "12345678", 8));
	TRY(epoll_wait(epoll, found, 16, LONG));
	TRY(epoll_wait(epoll, found, 16, 20));
	/* Setting it anew looks anew. */
	TRY(change(epoll, in, EPOLLIN | EPOLLET, 2));
	TRY(epoll_wait(epoll, found, 16, LONG));
	CHECK(found[0].data.u32);
	TRY(epoll_wait(epoll, found, 16, 0));
	TRY(change(epoll, in, EPOLLIN | EPOLLONESHOT, 3));
	TRY(epoll_wait(epoll, found, 16, LONG));
	TRY(write(out, "12345678", 8));
	TRY(epoll_wait(epoll, found, 16, 20));
	TRY(change(epoll, in, EPOLLIN, 4));
	TRY(epoll_wait(epoll, found, 16, LONG));
	TRY(epoll_wait(epoll, found, 16, LONG));
	CHECK(found[0].data.u32);
	TRY(read(in, bytes, 8));
	TRY(epoll_wait(epoll, found, 16, 0));
	while (poll(&(struct pollfd){ in, POLLIN, 0 }, 1, 0) == 1)
		(void)!read(in, bytes, 8);
	TRY(epoll_wait(epoll, found, 16, 0));
	TRY(epoll_ctl(epoll, EPOLL_CTL_DEL, in, NULL));
	TRY(epoll_ctl(epoll, EPOLL_CTL_DEL, in, NULL));
	TRY(change(epoll, in, EPOLLIN, 5));
	close(epoll);
}

static void nested(int in, int out)
{
	int outer = epoll_create1(0), inner = epoll_create1(0), i, e[7];
	struct pollfd p = { outer, POLLIN, 0 };
	uint64_t count = 1;
	char bytes[8];

	TRY(add(inner, in, EPOLLIN, 1));
	TRY(add(outer, inner, EPOLLIN, 2));
	TRY(epoll_wait(outer, found, 16, 0));
	TRY(write(out, "1", 1));
	TRY(epoll_wait(outer, found, 16, LONG));
	CHECK(found[0].data.u32);
	TRY(poll(&p, 1, LONG));
	TRY(epoll_wait(inner, found, 16, LONG));
	CHECK(found[0].data.u32);
	TRY(read(in, bytes, 8));
	TRY(epoll_wait(outer, found, 16, 0));
	TRY(poll(&p, 1, 0));
	TRY(epoll_ctl(inner, EPOLL_CTL_DEL, in, NULL));
	/* Circles, and too deep. */
	TRY(add(outer, outer, EPOLLIN, 3));
	TRY(add(inner, outer, EPOLLIN, 3));
	e[0] = eventfd(0, EFD_NONBLOCK);
	TRY(add(inner, e[0], EPOLLIN, 4));
	TRY(write(e[0], &count, 8));
	TRY(epoll_wait(outer, found, 16, LONG));
	TRY(read(e[0], &count, 8));
	TRY(epoll_wait(outer, found, 16, 0));
	close(e[0]);
	for (i = 0; i < 7; i++)
		e[i] = epoll_create1(0);
	for (i = 0; i < 6; i++)
		TRY(add(e[i + 1], e[i], EPOLLIN, i));
	for (i = 0; i < 7; i++)
		close(e[i]);
	close(outer);
	close(inner);
}

/* An inner one that is edge triggered is told once. */
static void nested_edges(int in, int out)
{
	int outer = epoll_create1(0), inner = epoll_create1(0);
	char bytes[8];

	TRY(add(inner, in, EPOLLIN, 1));
	TRY(add(outer, inner, EPOLLIN | EPOLLET, 2));
	for (int i = 0; i < 2; i++) {
		TRY(write(out, "1", 1));
		TRY(epoll_wait(outer, found, 16, LONG));
		TRY(epoll_wait(outer, found, 16, 0));
		TRY(epoll_wait(outer, found, 16, 20));
	}
	TRY(read(in, bytes, 8));
	TRY(epoll_wait(outer, found, 16, 0));
	TRY(write(out, "1", 1));
	TRY(epoll_wait(outer, found, 16, LONG));
	TRY(epoll_wait(outer, found, 16, 0));
	TRY(change(outer, inner, EPOLLIN | EPOLLET, 3));
	TRY(epoll_wait(outer, found, 16, LONG));
	TRY(epoll_wait(outer, found, 16, 0));
	TRY(read(in, bytes, 8));
	close(outer);
	close(inner);
}

static void arm(int timer, long first, long interval)
{
	struct itimerspec time = { { 0, interval }, { 0, first } };

	timerfd_settime(timer, 0, &time, NULL);
}

/* Behind a process that runs there may be something that is ready. */
static void behind_process(void)
{
	int outer = epoll_create1(0), inner = epoll_create1(0);
	int status, end[2], process;
	int late = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct pollfd p = { inner, POLLIN, 0 };
	uint64_t count;
	char byte;
	pid_t child;

	(void)!pipe(end);
	child = fork();
	if (!child) {
		close(end[1]);
		_exit(read(end[0], &byte, 1));
	}
	process = syscall(SYS_pidfd_open, child, 0);
	TRY(add(inner, process, EPOLLIN, 1) || add(inner, late, EPOLLIN, 2));
	TRY(add(outer, inner, EPOLLIN, 3));
	TRY(epoll_wait(outer, found, 16, 0));
	arm(late, 20000000, 0);
	TRY(poll(&p, 1, LONG));
	TRY(epoll_wait(outer, found, 16, LONG));
	TRY(epoll_wait(inner, found, 16, LONG));
	CHECK(found[0].data.u32);
	TRY(read(late, &count, 8));
	TRY(epoll_wait(outer, found, 16, 0));
	TRY(write(end[1], "e", 1));
	TRY(epoll_wait(outer, found, 16, LONG));
	TRY(epoll_wait(inner, found, 16, LONG));
	CHECK(found[0].data.u32);
	waitpid(child, &status, 0);
	CHECK(status);
	close(process);
	close(late);
	close(end[0]);
	close(end[1]);
	close(outer);
	close(inner);
}

/* Timers that are not read, and so often that they come while one looks. */
static void often(void)
{
	int epoll = epoll_create1(0), fds[3], i;
	int64_t end = now_ns(CLOCK_MONOTONIC) + 1000000000;
	long lost = 0;

	for (i = 0; i < 3; i++) {
		fds[i] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
		arm(fds[i], 10000, 10000 + i * 1000);
		add(epoll, fds[i], EPOLLIN | (i ? EPOLLET : 0), i);
	}
	while (now_ns(CLOCK_MONOTONIC) < end)
		lost += epoll_wait(epoll, found, 8, LONG) < 1;
	SHOW("lost", lost);
	/* All are there still. */
	for (i = 0; i < 3; i++)
		change(epoll, fds[i], EPOLLIN, i);
	TRY(epoll_wait(epoll, found, 8, LONG));
	for (i = 0; i < 3; i++)
		close(fds[i]);
	close(epoll);
}

static int looked_at;

static void *looks(void *unused)
{
	struct pollfd p = { looked_at, POLLIN, 0 };

	(void)unused;
	while (poll(&p, 1, 0) >= 0)
		;
	return NULL;
}

static void *answers(void *fds)
{
	int *fd = fds;
	char byte;

	for (;;) {
		if (epoll_wait(looked_at, &(struct epoll_event){ 0 }, 1,
			       LONG) != 1)
			return (void *)1;
		if (read(fd[0], &byte, 1) != 1 || byte == 'e')
			return NULL;
		(void)!write(fd[1], &byte, 1);
	}
}

/* Who polls an instance takes nothing from who waits for it. */
static void looked_at_by_others(void)
{
	int question[2], answer[2], fds[2], i;
	struct pollfd p = { .events = POLLIN };
	pthread_t looker, waiter;
	void *result;
	char byte;

	looked_at = epoll_create1(0);
	(void)!pipe(question);
	(void)!pipe(answer);
	fds[0] = question[0];
	fds[1] = answer[1];
	p.fd = answer[0];
	add(looked_at, question[0], EPOLLIN, 1);
	pthread_create(&looker, NULL, looks, NULL);
	pthread_create(&waiter, NULL, answers, fds);
	for (i = 0; i < 5000; i++) {
		(void)!write(question[1], "q", 1);
		if (poll(&p, 1, LONG) != 1)
			break;
		(void)!read(answer[0], &byte, 1);
	}
	SHOW("answers", i);
	(void)!write(question[1], "e", 1);
	pthread_join(waiter, &result);
	SHOW("gave up", result);
	pthread_cancel(looker);
	pthread_join(looker, NULL);
	close(looked_at);
	for (i = 0; i < 2; i++) {
		close(question[i]);
		close(answer[i]);
	}
}

static void exclusive(int in)
{
	int epoll = epoll_create1(0), inner = epoll_create1(0);

	TRY(add(epoll, in, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
	TRY(add(epoll, in, EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP, 1));
	TRY(add(epoll, inner, EPOLLIN | EPOLLEXCLUSIVE, 1));
	TRY(add(epoll, in, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 1));
	TRY(change(epoll, in, EPOLLIN, 1));
	TRY(epoll_ctl(epoll, EPOLL_CTL_DEL, in, NULL));
	TRY(add(epoll, in, EPOLLIN, 1));
	TRY(change(epoll, in, EPOLLIN | EPOLLEXCLUSIVE, 1));
	close(epoll);
	close(inner);
}

#define THREADS 4
#define ROUNDS 200

static int shared_epoll, pipes[THREADS][2];
static long taken;

static void *take(void *arg)
{
	struct epoll_event one;
	char byte;

	for (;;) {
		if (epoll_wait(shared_epoll, &one, 1, LONG) != 1)
			return (void *)1;
		if (one.data.u32 == THREADS)
			return NULL;
		if (read(pipes[one.data.u32][0], &byte, 1) == 1)
			__atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
		change(shared_epoll, pipes[one.data.u32][0],
		       EPOLLIN | EPOLLONESHOT, one.data.u32);
	}
}

/* Every byte is taken by one of several threads. */
static void threads(void)
{
	pthread_t thread[THREADS];
	int i, j, end = eventfd(0, 0);
	uint64_t one = 1;
	void *result;
	long bad = 0;

	shared_epoll = epoll_create1(0);
	for (i = 0; i < THREADS; i++) {
		(void)!pipe2(pipes[i], O_NONBLOCK);
		add(shared_epoll, pipes[i][0], EPOLLIN | EPOLLONESHOT, i);
	}
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, take, NULL);
	for (j = 0; j < ROUNDS; j++)
		for (i = 0; i < THREADS; i++)
			(void)!write(pipes[i][1], "x", 1);
	while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < THREADS * ROUNDS)
		sleep_ms(1);
	SHOW("taken", taken);
	/* Added while all of them sleep. */
	add(shared_epoll, end, EPOLLIN, THREADS);
	(void)!write(end, &one, 8);
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &result);
		bad += (long)result;
	}
	SHOW("gave up", bad);
	close(end);
	close(shared_epoll);
}

static void forked(int in, int out)
{
	int epoll = epoll_create1(0), status;
	char byte;
	pid_t child;

	TRY(add(epoll, in, EPOLLIN | EPOLLET, 1));
	child = fork();
	if (!child) {
		if (epoll_wait(epoll, found, 16, LONG) != 1)
			_exit(1);
		if (read(in, &byte, 1) != 1)
			_exit(2);
		_exit(0);
	}
	TRY(write(out, "f", 1));
	waitpid(child, &status, 0);
	CHECK(status);
	/* The parent's is as good as before. */
	(void)!epoll_wait(epoll, found, 16, 0);
	TRY(write(out, "g", 1));
	TRY(epoll_wait(epoll, found, 16, LONG));
	TRY(read(in, &byte, 1));
	close(epoll);
}

#define CROWD 60000

/* Of more than any set of select() has room for; @in has something. */
static void crowd(int in, int out)
{
	struct rlimit limit;
	struct pollfd *fds = calloc(CROWD, sizeof(*fds));
	long ready = 0;
	char byte;

	CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = CROWD;
	if (limit.rlim_max < CROWD)
		limit.rlim_max = CROWD;
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < CROWD; i++)
		fds[i] = (struct pollfd){ i % 3 ? in : -1, POLLIN, 0 };
	TRY(syscall(SYS_poll, fds, CROWD + 1, 0));
	TRY(poll(fds, CROWD, 1));
	TRY(write(out, "c", 1));
	for (int i = 0; i < 2; i++)
		TRY(poll(fds, CROWD, LONG));
	for (int i = 0; i < CROWD; i++)
		ready += fds[i].revents == POLLIN;
	SHOW("ready", ready);
	TRY(read(in, &byte, 1));
	free(fds);
}

int main(void)
{
	int ends[2];

	TRY(pipe(ends));
	modes(ends[0], ends[1]);
	nested(ends[0], ends[1]);
	nested_edges(ends[0], ends[1]);
	behind_process();
	often();
	looked_at_by_others();
	exclusive(ends[0]);
	threads();
	forked(ends[0], ends[1]);
	crowd(ends[0], ends[1]);
	return 0;
}
