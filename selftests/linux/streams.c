// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What is read and written without a position: FIFOs, pipes, messages, TCP, and
 * the standard streams. streams [CASE...], see the table at the end.
 *
 * "around KIND COMMAND..." runs COMMAND inside, whose standard input and output
 * are of that kind, and does what it is asked for on standard error.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>

#define LIMIT 60 /* seconds after which it is ended, times PICO_SLOWER */
#define LONG 20000 /* ms that nothing should take */

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

static void count_signals(int signal)
{
	struct sigaction action = { .sa_handler = count_signal };

	sigaction(signal, &action, NULL);
	signals = 0;
}

static void limit_time(void)
{
	const char *slower = getenv("PICO_SLOWER");

	alarm(LIMIT * (slower ? atoi(slower) : 1));
}

/* ---- FIFOs ---- */

static char fifo[64];

static int open_fifo(void)
{
	return open(fifo, O_RDWR);
}

/* The first call on each, when nothing is known of it. */
#define FIRST(call)                     \
	do {                            \
		int fd = open_fifo();   \
					\
		TRY(call);              \
		close(fd);              \
	} while (0)

/* The position that /proc says, or -1. */
static long told_position(int fd)
{
	char path[64];
	long position = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	if (!file || fscanf(file, "pos: %ld", &position) != 1)
		position = -1;
	if (file)
		fclose(file);
	return position;
}

static int lock_here(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_CUR };

	return fcntl(fd, F_OFD_GETLK, &lock) ? -1 : lock.l_type == F_UNLCK;
}

static int nonblocking(int fd)
{
	int on = 1;
	char c;

	if (ioctl(fd, FIONBIO, &on))
		return -2;
	return read(fd, &c, 1);
}

static void attributes(void)
{
	const struct timespec times[2] = { { 1000, 0 }, { 2000, 0 } };
	int fd = open_fifo();
	struct stat st;

	TRY(fchmod(fd, 0640));
	TRY(fchown(fd, getuid(), getgid()));
	TRY(futimens(fd, times));
	TRY(fstat(fd, &st));
	SHOW("mode", st.st_mode);
	SHOW("modified", st.st_mtime);
	close(fd);
}

static void fifos(void)
{
	char c, path[64];
	int fd;

	snprintf(fifo, sizeof(fifo), "/tmp/streams-%d", getpid());
	TRY(mkfifo(fifo, 0600));
	FIRST(lseek(fd, 0, SEEK_CUR));
	FIRST(lseek(fd, 0, SEEK_END));
	FIRST(pread(fd, &c, 1, 0));
	FIRST(pwrite(fd, "x", 1, 0));
	FIRST(ftruncate(fd, 0));
	FIRST(fsync(fd));
	FIRST(told_position(fd));
	FIRST(lock_here(fd));
	FIRST(nonblocking(fd));
	FIRST(fcntl(fd, F_SETFL, O_APPEND));
	attributes();
	fd = open_fifo();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	TRY(unlink(fifo));
	CHECK(open(path, O_RDWR | O_TRUNC) >= 0);
	close(fd);
}

/* ---- a reader that leaves ---- */

static void *leave(void *fd)
{
	sleep_ms(200);
	close(*(int *)fd);
	return NULL;
}

/* What a write of a megabyte to @to does while @from is closed unread. */
static long write_abandoned(int from, int to)
{
	static char block[1 << 20];
	pthread_t thread;
	long done;

	signals = 0;
	pthread_create(&thread, NULL, leave, &from);
	done = write(to, block, sizeof(block));
	pthread_join(thread, NULL);
	close(to);
	return done;
}

static void sigpipe(void)
{
	int fds[2];

	count_signals(SIGPIPE);
	TRY(pipe(fds));
	SHOW("a pipe takes", write_abandoned(fds[0], fds[1]));
	SHOW("signals", signals);
	TRY(pipe(fds));
	close(fds[0]);
	TRY(write(fds[1], "x", 1));
	SHOW("signals", signals);
	close(fds[1]);
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	SHOW("a socket takes some", write_abandoned(fds[0], fds[1]) > 0);
	SHOW("signals", signals);
}

/* ---- copy_file_range ---- */

/* Which of several reasons is told. */
static void ranges(void)
{
	int file = memfd_create("range", 0), dir = open("/tmp", O_RDONLY);
	int reader, appends, fds[2];
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	reader = open(path, O_RDONLY);
	appends = open(path, O_WRONLY | O_APPEND);
	TRY(pipe(fds));
	TRY(copy_file_range(file, NULL, dir, NULL, 1, 0));
	TRY(copy_file_range(appends, NULL, dir, NULL, 1, 0));
	TRY(copy_file_range(dir, NULL, reader, NULL, 1, 0));
	TRY(copy_file_range(fds[1], NULL, reader, NULL, 1, 0));
	TRY(copy_file_range(file, NULL, fds[0], NULL, 1, 0));
	TRY(copy_file_range(dir, NULL, fds[0], NULL, 1, 0));
	TRY(copy_file_range(file, NULL, reader, NULL, 1, 0));
	TRY(copy_file_range(appends, NULL, file, NULL, 1, 0));
	close(file);
	close(dir);
	close(reader);
	close(appends);
	close(fds[0]);
	close(fds[1]);
}

/* ---- recvmmsg ---- */

static long receive_many(int s, unsigned int count, int flags,
			 struct timespec *time)
{
	char bytes[4][8];
	struct iovec parts[4];
	struct mmsghdr messages[4];
	int i;

	memset(messages, 0, sizeof(messages));
	for (i = 0; i < 4; i++) {
		parts[i] = (struct iovec){ bytes[i], sizeof(bytes[i]) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	return recvmmsg(s, messages, count, flags, time);
}

static void show_time(const struct timespec *time)
{
	printf("left: %s\n", time->tv_sec == 50 && !time->tv_nsec ? "all" :
			     time->tv_sec || time->tv_nsec	  ? "some" :
								    "none");
}

static void many(void)
{
	struct timespec time = { 50, 0 }, *fixed;
	int s[2], i;

	TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	TRY(receive_many(s[0], 2, MSG_DONTWAIT, &time));
	show_time(&time);
	for (i = 0; i < 6; i++)
		send(s[1], "text", 4, 0);
	TRY(receive_many(s[0], 2, 0, &time));
	show_time(&time);
	time = (struct timespec){ 0, 0 };
	TRY(receive_many(s[0], 2, 0, &time));
	show_time(&time);
	fixed = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TRY(receive_many(s[0], 1, 0, fixed));
	TRY(receive_many(s[0], 4, MSG_DONTWAIT, NULL));
	TRY(receive_many(s[0], 1, MSG_DONTWAIT, fixed));
	munmap(fixed, 4096);
	close(s[0]);
	close(s[1]);
}

/* ---- what is attached to messages ---- */

static long send_attached(int s, int type, const void *data, size_t length)
{
	union {
		char room[64];
		struct cmsghdr header;
	} control = { .room = { 0 } };
	struct iovec part = { "text", 4 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(length) };

	control.header.cmsg_len = CMSG_LEN(length);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = type;
	memcpy(CMSG_DATA(&control.header), data, length);
	return sendmsg(s, &message, 0);
}

static void attach_to(const char *what, int s)
{
	int open = 0, closed = 999;

	printf("%s\n", what);
	TRY(send_attached(s, SCM_RIGHTS, &open, sizeof(open)));
	TRY(send_attached(s, SCM_RIGHTS, &closed, sizeof(closed)));
	TRY(send_attached(s, 77, &open, sizeof(open)));
}

/* ---- TCP ---- */

static struct sockaddr_in here;

static int listening(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t length = sizeof(here);

	here = (struct sockaddr_in){ .sin_family = AF_INET };
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	TRY(bind(s, (void *)&here, sizeof(here)));
	TRY(getsockname(s, (void *)&here, &length));
	TRY(listen(s, 8));
	return s;
}

static int connected(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);

	TRY(connect(s, (void *)&here, sizeof(here)));
	return s;
}

static void connection(int ends[2])
{
	int s = listening();

	ends[0] = connected();
	ends[1] = accept(s, NULL, NULL);
	close(s);
}

static void rights(void)
{
	const struct ucred nobody = { 1, 2, 3 };
	int s[2];

	connection(s);
	attach_to("TCP", s[0]);
	TRY(send_attached(s[0], SCM_CREDENTIALS, &nobody, sizeof(nobody)));
	close(s[0]);
	close(s[1]);
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	attach_to("AF_UNIX", s[0]);
	close(s[0]);
	close(s[1]);
}

static void set_timeout(int s, int ms)
{
	const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	TRY(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
}

/* MSG_PEEK into buffers of 1, 3 and 16 bytes: what they have. */
static void peek(const char *what, int s, int flags)
{
	char text[21] = "";
	struct iovec parts[] = { { text, 1 },
				 { text + 1, 3 },
				 { text + 4, 16 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	long n = recvmsg(s, &message, MSG_PEEK | flags);

	printf("%s: %ld, %s\n", what, n < 0 ? -errno : n, text);
}

static void *send_rest(void *s)
{
	sleep_ms(200);
	send(*(int *)s, "ghijklmnopqrst", 14, 0);
	return NULL;
}

static void *send_end(void *s)
{
	sleep_ms(200);
	shutdown(*(int *)s, SHUT_WR);
	return NULL;
}

static void peeks(void)
{
	pthread_t thread;
	char text[32];
	int s[2];

	connection(s);
	TRY(send(s[0], "abcdef", 6, 0));
	peek("what is there", s[1], 0);
	set_timeout(s[1], 200);
	peek("for a while", s[1], MSG_WAITALL);
	peek("at once", s[1], MSG_WAITALL | MSG_DONTWAIT);
	set_timeout(s[1], 0);
	pthread_create(&thread, NULL, send_rest, &s[0]);
	peek("all", s[1], MSG_WAITALL);
	pthread_join(thread, NULL);
	TRY(recv(s[1], text, 20, MSG_PEEK | MSG_WAITALL));
	TRY(recv(s[1], text, 6, 0));
	pthread_create(&thread, NULL, send_end, &s[0]);
	peek("before the end", s[1], MSG_WAITALL);
	pthread_join(thread, NULL);
	TRY(recv(s[1], text, 32, 0));
	peek("the end", s[1], MSG_WAITALL);
	close(s[0]);
	close(s[1]);
}

static void *accept_one(void *s)
{
	int fd = accept(*(int *)s, NULL, NULL);

	if (fd < 0)
		return (void *)(long)-errno;
	close(fd);
	return NULL;
}

/* Of those that wait, one has the connection, and the others their time. */
static void accept_together(int s, int *got, int *late)
{
	pthread_t threads[8];
	int i, client;
	void *result;

	for (i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, accept_one, &s);
	client = connected();
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], &result);
		*got += !result;
		*late += (long)result == -EAGAIN;
	}
	close(client);
}

static void accepts(void)
{
	int s = listening(), i, got = 0, late = 0, client, status;
	pid_t pid;

	set_timeout(s, 300);
	for (i = 0; i < 8; i++)
		accept_together(s, &got, &late);
	SHOW("accepted", got);
	SHOW("too late", late);
	TRY(accept(s, NULL, NULL));
	client = connected();
	CHECK(accept(s, NULL, NULL) > 0);
	close(client);
	/* The time goes on for who is stopped. Linux says EINTR: signal(7). */
	pid = fork();
	if (!pid)
		_exit(accept(s, NULL, NULL) < 0 &&
		      (errno == EAGAIN || errno == EINTR));
	sleep_ms(100);
	TRY(kill(pid, SIGSTOP));
	sleep_ms(400);
	TRY(kill(pid, SIGCONT));
	waitpid(pid, &status, 0);
	SHOW("stopped meanwhile", status);
	close(s);
}

/* ---- the standard streams ---- */

/* Of /dev/null and a file, as all of these are run. */
static void standard(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	struct pollfd fds[] = { { 0, POLLIN | POLLOUT, 0 },
				{ 1, POLLIN | POLLOUT, 0 } };
	int epoll = epoll_create1(0);

	TRY(epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event));
	TRY(epoll_ctl(epoll, EPOLL_CTL_ADD, 1, &event));
	TRY(poll(fds, 2, LONG));
	SHOW("standard input", fds[0].revents);
	SHOW("standard output", fds[1].revents);
	close(epoll);
}

#define say(...) dprintf(2, __VA_ARGS__)

static int ready(int fd, int events, int ms)
{
	struct pollfd p = { fd, events, 0 };

	poll(&p, 1, ms);
	return p.revents;
}

static int inside(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET },
			   got = { 0 };
	int epoll = epoll_create1(0), terminal = isatty(1), full, left;
	char block[1000] = "";

	fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK);
	say("added: %d\n", epoll_ctl(epoll, EPOLL_CTL_ADD, 1, &event));
	say("epoll: %d\n", epoll_wait(epoll, &got, 1, LONG));
	/* A terminal takes more when it has moved what it has. */
	do {
		while (write(1, block, sizeof(block)) > 0)
			;
		full = errno;
	} while (ready(1, POLLOUT, 200));
	say("full: %d\n", full);
	epoll_wait(epoll, &got, 1, 0);
	say("drain\n");
	say("epoll: %d\n", epoll_wait(epoll, &got, 1, LONG));
	say("events: %d\n", got.events);
	say("writable: %d\n", ready(1, POLLOUT, LONG));
	say("readable: %d\n", ready(0, POLLIN, 100));
	say("type\n");
	say("readable: %d\n", ready(0, POLLIN, LONG));
	say("read: %ld\n", (long)read(0, block, 1));
	say("leave\n");
	/* A terminal's hang-up has two steps. */
	do {
		left = ready(1, 0, LONG);
	} while (terminal && left == POLLHUP);
	say("left: %d\n", left);
	say("end\n");
	say("ended: %d\n", ready(0, POLLIN, LONG));
	say("read: %ld\n", (long)read(0, block, 1));
	return 0;
}

/* Both ends of each: [0] the program's. */
static int input[2], output[2];

static void make_streams(const char *kind)
{
	struct termios raw = { 0 };
	int fds[2];

	if (!strcmp(kind, "terminal")) {
		cfmakeraw(&raw);
		if (openpty(&input[1], &input[0], NULL, &raw, NULL))
			exit(1);
		output[0] = dup(input[0]);
		output[1] = input[1];
		return;
	}
	if (!strcmp(kind, "socket")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, input) ||
		    socketpair(AF_UNIX, SOCK_STREAM, 0, output))
			exit(1);
		return;
	}
	if (pipe(input) || pipe(fds))
		exit(1);
	output[0] = fds[1];
	output[1] = fds[0];
}

static void drain(void)
{
	static char block[1 << 16];

	while (ready(output[1], POLLIN, 200) & POLLIN &&
	       read(output[1], block, sizeof(block)) > 0)
		;
}

static void obey(const char *line)
{
	printf("%s", line);
	if (!strcmp(line, "drain\n"))
		drain();
	else if (!strcmp(line, "type\n"))
		(void)!write(input[1], "x", 1);
	else if (!strcmp(line, "leave\n"))
		close(output[1]);
	else if (!strcmp(line, "end\n"))
		close(input[1]);
}

static int around(char **argv)
{
	int errors[2], status;
	char line[256];
	FILE *said;
	pid_t pid;

	make_streams(argv[0]);
	if (pipe(errors))
		return 1;
	pid = fork();
	if (!pid) {
		dup2(input[0], 0);
		dup2(output[0], 1);
		dup2(errors[1], 2);
		close(input[0]);
		close(input[1]);
		close(output[0]);
		close(output[1]);
		close(errors[0]);
		close(errors[1]);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	close(input[0]);
	close(output[0]);
	close(errors[1]);
	said = fdopen(errors[0], "r");
	while (fgets(line, sizeof(line), said))
		obey(line);
	waitpid(pid, &status, 0);
	SHOW("it ends", status);
	return 0;
}

/* clang-format off */
static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "fifos", fifos },
	{ "sigpipe", sigpipe },
	{ "ranges", ranges },
	{ "many", many },
	{ "rights", rights },
	{ "peeks", peeks },
	{ "accepts", accepts },
	{ "standard", standard },
};
/* clang-format on */

int main(int argc, char **argv)
{
	size_t i;
	int j;

	limit_time();
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 3 && !strcmp(argv[1], "around"))
		return around(argv + 2);
	if (argc > 1 && !strcmp(argv[1], "inside"))
		return inside();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (j = 1; j < argc && strcmp(argv[j], cases[i].name); j++)
			;
		if (argc > 1 && j == argc)
			continue;
		printf("--- %s\n", cases[i].name);
		cases[i].run();
	}
	return 0;
}
