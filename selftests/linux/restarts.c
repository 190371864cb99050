// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Which of the calls that wait a signal ends, with what, and which ones go on:
 * with a handler, with one that has SA_RESTART, with a signal that is ignored
 * and one whose default is to be.
 *
 * restarts [NAME]: only this one
 */
#include "linux_test.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#define BEFORE 100 /* ms until the signal comes, and until the end */

static volatile int seen, done;
static char fifo[64], locked[64];
static volatile pid_t tid;
static int pipes[2], pair[2], packets[2], listener, connected, event, epoll;
static int holder, wanting, tell[2];
static pid_t child;
static sem_t semaphore;
static struct timespec left;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char big[300000];
static long offset;

static void handler(int signal)
{
	seen++;
}

static void other_handler(int signal)
{
}

/* ---- what there is before, and what ends it ---- */

static void none(void)
{
}

static void give_byte(void)
{
	(void)!write(pipes[1], "x", 1);
}

static void fill(int fd)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, big, 4096) > 0)
		;
	while (write(fd, big, 1) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

static void drain(int fd)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (read(fd, big, sizeof(big)) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

static void fill_pipe(void)
{
	fill(pipes[1]);
}

static void drain_pipe(void)
{
	drain(pipes[0]);
}

static void fill_pair(void)
{
	fill(pair[1]);
}

/* Until the writer has got rid of everything. */
static void drain_all(void)
{
	while (!done) {
		drain(pipes[0]);
		sleep_ms(1);
	}
}

static void drain_pair(void)
{
	drain(pair[0]);
}

static void give_packet(void)
{
	(void)!write(packets[1], "x", 1);
}

static void give_to_pair(void)
{
	(void)!write(pair[1], "x", 1);
}

static void listen_to(int backlog)
{
	/* An abstract name of its own each time. */
	static int times;

	snprintf(address.sun_path + 1, 40, "restarts %d %d", getpid(), times++);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(listener, (struct sockaddr *)&address, sizeof(address));
	listen(listener, backlog);
	connected = socket(AF_UNIX, SOCK_STREAM, 0);
}

static void new_listener(void)
{
	listen_to(5);
}

static void full_listener(void)
{
	int fd;

	listen_to(0);
	for (;;) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
			break;
	}
	close(fd);
}

static void connect_to(void)
{
	connect(connected, (struct sockaddr *)&address, sizeof(address));
}

static void accept_one(void)
{
	close(accept(listener, NULL, NULL));
}

static void set_time(int fd, int option)
{
	struct timeval tv = { 2, 0 };

	setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv));
}

static void timed_pair(void)
{
	set_time(pair[0], SO_RCVTIMEO);
}

static void timed_full_pair(void)
{
	fill_pair();
	set_time(pair[1], SO_SNDTIMEO);
}

static void timed_listener(void)
{
	new_listener();
	set_time(listener, SO_RCVTIMEO);
}

static void new_child(void)
{
	(void)!pipe(tell);
	child = fork();
	if (!child) {
		char byte;

		close(tell[1]);
		(void)!read(tell[0], &byte, 1);
		_exit(5);
	}
	close(tell[0]);
}

static void end_child(void)
{
	close(tell[1]);
}

static void lock_file(void)
{
	holder = open(locked, O_RDWR | O_CREAT, 0600);
	wanting = open(locked, O_RDWR);
	flock(holder, LOCK_EX);
}

static void unlock_file(void)
{
	flock(holder, LOCK_UN);
}

static void lock_record(void)
{
	struct flock l = { .l_type = F_WRLCK };

	holder = open(locked, O_RDWR | O_CREAT, 0600);
	wanting = open(locked, O_RDWR);
	fcntl(holder, F_OFD_SETLK, &l);
}

static void unlock_record(void)
{
	struct flock l = { .l_type = F_UNLCK };

	fcntl(holder, F_OFD_SETLK, &l);
}

static void new_fifo(void)
{
	unlink(fifo);
	mkfifo(fifo, 0600);
}

static void open_writer(void)
{
	holder = open(fifo, O_WRONLY | O_NONBLOCK);
}

static void open_reader(void)
{
	holder = open(fifo, O_RDONLY | O_NONBLOCK);
}

static void post(void)
{
	sem_post(&semaphore);
}

static void fill_event(void)
{
	uint64_t most = -2ULL;

	(void)!write(event, &most, sizeof(most));
}

static void drain_event(void)
{
	uint64_t value;

	(void)!read(event, &value, sizeof(value));
}

static void send_other(void)
{
	syscall(SYS_tgkill, getpid(), tid, SIGUSR2);
}

/* ---- the calls ---- */

static long do_read(void)
{
	return read(pipes[0], big, 1);
}

static long do_readv(void)
{
	struct iovec v[2] = { { big, 1 }, { big + 1, 1 } };

	return readv(pipes[0], v, 2);
}

static long do_write(void)
{
	return write(pipes[1], big, 1);
}

/* A part of it goes in. */
static long do_write_much(void)
{
	return write(pipes[1], big, sizeof(big));
}

static long do_accept(void)
{
	return accept(listener, NULL, NULL) < 0 ? -1 : 0;
}

static long do_connect(void)
{
	return connect(connected, (struct sockaddr *)&address, sizeof(address));
}

static long do_recv(void)
{
	return recv(pair[0], big, 1, 0);
}

static long do_recv_all(void)
{
	return recv(pair[0], big, 2, MSG_WAITALL);
}

static long do_recvmsg(void)
{
	struct iovec v = { big, 10 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return recvmsg(packets[0], &m, 0);
}

static long do_send(void)
{
	return send(pair[1], big, 1, 0);
}

static long do_sendmsg(void)
{
	struct iovec v = { big, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return sendmsg(pair[1], &m, 0);
}

static long do_wait4(void)
{
	int status = 0;
	pid_t pid = wait4(child, &status, 0, NULL);

	return pid < 0 ? -1 : status;
}

static long do_waitid(void)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, child, &info, WEXITED) ? -1 : info.si_status;
}

static long do_pause(void)
{
	return pause();
}

static long do_suspend(void)
{
	sigset_t set;

	sigemptyset(&set);
	return sigsuspend(&set);
}

static long do_flock(void)
{
	return flock(wanting, LOCK_EX);
}

static long do_record(void)
{
	struct flock l = { .l_type = F_WRLCK };

	return fcntl(wanting, F_OFD_SETLKW, &l);
}

static long do_open_read(void)
{
	return open(fifo, O_RDONLY) < 0 ? -1 : 0;
}

static long do_open_write(void)
{
	return open(fifo, O_WRONLY) < 0 ? -1 : 0;
}

static long do_poll(void)
{
	struct pollfd p = { .fd = pipes[0], .events = POLLIN };

	return poll(&p, 1, -1);
}

static long do_poll_timed(void)
{
	struct pollfd p = { .fd = pipes[0], .events = POLLIN };

	return poll(&p, 1, 20000);
}

static long do_ppoll(void)
{
	struct timespec ts = { 20, 0 };
	struct pollfd p = { .fd = pipes[0], .events = POLLIN };

	return ppoll(&p, 1, &ts, NULL);
}

static long do_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipes[0], &set);
	return select(pipes[0] + 1, &set, NULL, NULL, NULL);
}

static long do_select_timed(void)
{
	struct timeval tv = { 20, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipes[0], &set);
	return select(pipes[0] + 1, &set, NULL, NULL, &tv);
}

static long do_pselect(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipes[0], &set);
	return pselect(pipes[0] + 1, &set, NULL, NULL, NULL, NULL);
}

static long do_epoll(void)
{
	struct epoll_event e;

	return epoll_wait(epoll, &e, 1, -1);
}

static long do_epoll_timed(void)
{
	struct epoll_event e;

	return epoll_wait(epoll, &e, 1, 20000);
}

static long do_nanosleep(void)
{
	struct timespec ts = { 0, 400000000 };

	return nanosleep(&ts, &left);
}

static long do_clock_nanosleep(void)
{
	struct timespec ts = { 0, 400000000 };
	long r = clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &left);

	errno = r;
	return r ? -1 : 0;
}

/* The remaining time is not told, and the end stays. */
static long do_sleep_until(void)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + 400000000;
	struct timespec ts = { end / 1000000000, end % 1000000000 };
	long r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, &left);

	errno = r;
	return r ? -1 : 0;
}

static long do_usleep(void)
{
	return usleep(400000);
}

static long do_sem(void)
{
	return sem_wait(&semaphore);
}

static long do_sem_timed(void)
{
	int64_t end = now_ns(CLOCK_REALTIME) + 20000000000;
	struct timespec ts = { end / 1000000000, end % 1000000000 };

	return sem_timedwait(&semaphore, &ts);
}

static long do_event_write(void)
{
	uint64_t one = 1;

	return write(event, &one, sizeof(one));
}

static long do_timerfd(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), saved;
	struct itimerspec v = { { 0, 0 }, { 0, 400000000 } };
	uint64_t ticks;
	long r;

	timerfd_settime(fd, 0, &v, NULL);
	r = read(fd, &ticks, sizeof(ticks));
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static long do_signalfd(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd, saved;
	long r;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	r = read(fd, &info, sizeof(info));
	saved = errno;
	close(fd);
	errno = saved;
	return r < 0 ? -1 : (long)info.ssi_signo;
}

static long do_sigwaitinfo(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return sigwaitinfo(&set, NULL);
}

static long do_splice(void)
{
	offset = splice(pipes[0], NULL, pair[1], NULL, 100, 0);
	return offset;
}

static const struct {
	const char *name;
	void (*begin)(void);
	long (*call)(void);
	void (*end)(void);
} calls[] = {
	{ "read", none, do_read, give_byte },
	{ "readv", none, do_readv, give_byte },
	{ "write", fill_pipe, do_write, drain_pipe },
	{ "write much", none, do_write_much, drain_all },
	{ "accept", new_listener, do_accept, connect_to },
	{ "accept timed", timed_listener, do_accept, connect_to },
	{ "connect", full_listener, do_connect, accept_one },
	{ "recv", none, do_recv, give_to_pair },
	{ "recv timed", timed_pair, do_recv, give_to_pair },
	{ "recv the rest", give_to_pair, do_recv_all, give_to_pair },
	{ "recvmsg", none, do_recvmsg, give_packet },
	{ "send", fill_pair, do_send, drain_pair },
	{ "send timed", timed_full_pair, do_send, drain_pair },
	{ "sendmsg", fill_pair, do_sendmsg, drain_pair },
	{ "wait4", new_child, do_wait4, end_child },
	{ "waitid", new_child, do_waitid, end_child },
	{ "pause", none, do_pause, send_other },
	{ "sigsuspend", none, do_suspend, send_other },
	{ "flock", lock_file, do_flock, unlock_file },
	{ "record lock", lock_record, do_record, unlock_record },
	{ "open to read", new_fifo, do_open_read, open_writer },
	{ "open to write", new_fifo, do_open_write, open_reader },
	{ "poll", none, do_poll, give_byte },
	{ "poll timed", none, do_poll_timed, give_byte },
	{ "ppoll", none, do_ppoll, give_byte },
	{ "select", none, do_select, give_byte },
	{ "select timed", none, do_select_timed, give_byte },
	{ "pselect", none, do_pselect, give_byte },
	{ "epoll_wait", none, do_epoll, give_byte },
	{ "epoll_wait timed", none, do_epoll_timed, give_byte },
	{ "nanosleep", none, do_nanosleep, none },
	{ "clock_nanosleep", none, do_clock_nanosleep, none },
	{ "until", none, do_sleep_until, none },
	{ "usleep", none, do_usleep, none },
	{ "sem_wait", none, do_sem, post },
	{ "sem_timedwait", none, do_sem_timed, post },
	{ "eventfd write", fill_event, do_event_write, drain_event },
	{ "timerfd", none, do_timerfd, none },
	{ "signalfd", none, do_signalfd, send_other },
	{ "sigwaitinfo", none, do_sigwaitinfo, send_other },
	{ "splice", none, do_splice, give_byte },
};

static void *run(void *arg)
{
	long i = (long)arg, r;
	int64_t start = now_ns(CLOCK_MONOTONIC), time;
	int error;

	left = (struct timespec){ 77, 0 };
	tid = own_tid();
	errno = 0;
	r = calls[i].call();
	error = errno;
	done = 1;
	time = now_ns(CLOCK_MONOTONIC) - start;
	printf("%ld, errno %d", r, r < 0 ? error : 0);
	if (left.tv_sec != 77)
		printf(", %s left",
		       left.tv_sec || left.tv_nsec >
					       400000000 - BEFORE * 1000000 ?
			       "too much" :
		       left.tv_nsec + time < 400000000 ? "too little" :
							 "the rest");
	/* What takes 400 ms by itself has taken no less when it says so. */
	if (calls[i].end == none && !r && time < 400000000)
		printf(", early");
	return NULL;
}

static const struct {
	const char *name;
	sighandler_t handler;
	int flags, signal;
} ways[] = {
	{ "handled", handler, 0, SIGUSR1 },
	{ "SA_RESTART", handler, SA_RESTART, SIGUSR1 },
	{ "ignored", SIG_IGN, 0, SIGUSR1 },
	{ "default", SIG_DFL, 0, SIGWINCH },
};

#define WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

static void one(long i, int way)
{
	struct sigaction a = { .sa_handler = ways[way].handler,
			       .sa_flags = ways[way].flags };
	pthread_t thread;

	sigaction(ways[way].signal, &a, NULL);
	signal(SIGUSR2, other_handler);
	if (pipe(pipes) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
	    socketpair(AF_UNIX, SOCK_DGRAM, 0, packets))
		exit(1);
	event = eventfd(0, 0);
	epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0],
		  &(struct epoll_event){ .events = EPOLLIN });
	sem_init(&semaphore, 0, 0);
	calls[i].begin();
	printf("%s, %s: ", calls[i].name, ways[way].name);
	fflush(stdout);
	pthread_create(&thread, NULL, run, (void *)i);
	while (!tid)
		sleep_ms(1);
	sleep_ms(BEFORE);
	pthread_kill(thread, ways[way].signal);
	sleep_ms(BEFORE);
	calls[i].end();
	pthread_join(thread, NULL);
	printf("; %d\n", seen);
	fflush(stdout);
}

/* In a process of its own, so that nothing is left of it. */
static pid_t in_child(long i, int way, int *output)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends))
		exit(1);
	pid = fork();
	if (!pid) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		snprintf(fifo, sizeof(fifo), "/tmp/restarts.f%d", getpid());
		snprintf(locked, sizeof(locked), "/tmp/restarts.l%d", getpid());
		alarm(40);
		one(i, way);
		unlink(fifo);
		unlink(locked);
		_exit(0);
	}
	close(ends[1]);
	*output = ends[0];
	return pid;
}

/* All ways at once, told in order. */
static void all_ways(long i)
{
	int outputs[WAYS], way, status;
	pid_t children[WAYS];
	ssize_t n;

	for (way = 0; way < WAYS; way++)
		children[way] = in_child(i, way, &outputs[way]);
	for (way = 0; way < WAYS; way++) {
		while ((n = read(outputs[way], big, sizeof(big))) > 0)
			fwrite(big, 1, n, stdout);
		close(outputs[way]);
		waitpid(children[way], &status, 0);
		if (status)
			SHOW("\nstatus", status);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (argc == 1 || !strcmp(argv[1], calls[i].name))
			all_ways(i);
	}
	return 0;
}
