// SPDX-License-Identifier: GPL-2.0-only
/*
 * Corners of what Linux does, one function for each, which have little to do
 * with each other: corners [CASE...], see the table at the end.
 *
 * "named", "deep MIB" and "raise MIB" are for itself, when it has executed
 * itself.
 */
#include "mapped.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

#define LIMIT	60 /* seconds after which it is ended, times PICO_SLOWER */
#define LONG	20000 /* ms that nothing should take */
#define MIB	(1UL << 20)

static char self[4096];
static char folder[32];

static void limit_time(void)
{
	const char *slower = getenv("PICO_SLOWER");

	alarm(LIMIT * (slower ? atoi(slower) : 1));
}

/* @body in a child, and how it ends. A parent's alarm is not its child's. */
#define IN_CHILD(body)							\
	({								\
		pid_t pid_ = fork();					\
		int status_ = -1;					\
									\
		if (!pid_) {						\
			limit_time();					\
			body;						\
			_exit(0);					\
		}							\
		waitpid(pid_, &status_, 0);				\
		status_;						\
	})

/* How a child ended: its exit code, or the signal times -1. */
static int result(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void folder_begin(void)
{
	strcpy(folder, "/tmp/corner-XXXXXX");
	if (!mkdtemp(folder) || chdir(folder)) {
		perror(folder);
		exit(1);
	}
}

static void folder_end(void)
{
	if (chdir("/") || rmdir(folder))
		perror(folder);
}

static void write_file(const char *name, const void *text, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	if (write(fd, text, size) != (ssize_t)size)
		perror(name);
	close(fd);
}

/* What another process does to it, with fcntl() and then with ioctl(). */
static void one_nonblock(const char *what, int fd)
{
	int on = 1, off = 0;
	char bytes[8];

	printf("%s\n", what);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	IN_CHILD(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	/* Without the flag it would wait for ever. */
	if (fcntl(fd, F_GETFL) & O_NONBLOCK)
		TRY(read(fd, bytes, sizeof(bytes)));
	IN_CHILD(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK));
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	IN_CHILD(ioctl(fd, FIONBIO, &on));
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	IN_CHILD(ioctl(fd, FIONBIO, &off));
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* O_NONBLOCK is the description's, whichever of its processes sets it. */
static void nonblock(void)
{
	int fds[2], event = eventfd(0, 0);

	TRY(pipe(fds));
	one_nonblock("a pipe", fds[0]);
	close(fds[0]);
	close(fds[1]);
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	one_nonblock("a socket", fds[0]);
	close(fds[0]);
	close(fds[1]);
	one_nonblock("an eventfd", event);
	close(event);
}

static void copy_self(const char *name)
{
	int in = open(self, O_RDONLY);
	struct stat st;
	void *m;

	fstat(in, &st);
	m = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, in, 0);
	close(in);
	write_file(name, m, st.st_size);
	munmap(m, st.st_size);
}

static void run(const char *name)
{
	int status;

	printf("%s\n", name);
	status = IN_CHILD({
		execl(name, name, NULL);
		_exit(errno);
	});
	SHOW("it ends", result(status));
}

/* As a script's interpreter: the names are the script's. */
static int named(void)
{
	const char *name = (char *)getauxval(AT_EXECFN), *slash;
	char comm[32] = "";
	int fd = open("/proc/self/comm", O_RDONLY);

	slash = strrchr(name, '/');
	if (read(fd, comm, sizeof(comm) - 1) < 0)
		perror("comm");
	printf("AT_EXECFN %s\ncomm %s", slash ? slash + 1 : name, comm);
	return 0;
}

/* A script's process has the name by which it was executed. */
static void script(void)
{
	static const char job[] = "#!/bin/sh\ncat /proc/$$/comm\n";
	char text[128];

	folder_begin();
	write_file("job.sh", job, sizeof(job) - 1);
	TRY(symlink("job.sh", "link.sh"));
	/* In a place with a short name: a first line has its limit. */
	copy_self("tool");
	snprintf(text, sizeof(text), "#!%s/tool named\n", folder);
	write_file("own.sh", text, strlen(text));
	run("./job.sh");
	run("./link.sh");
	run("./own.sh");
	unlink("job.sh");
	unlink("link.sh");
	unlink("own.sh");
	unlink("tool");
	folder_end();
}

/* Calls itself until it is so far below @top. */
static __attribute__((noinline)) int dig(uintptr_t top, size_t bytes)
{
	volatile char frame[16384];
	size_t i;
	int sum = 0;

	for (i = 0; i < sizeof(frame); i += PAGE / 2)
		frame[i] = 1;
	if (top - (uintptr_t)frame < bytes)
		sum = dig(top, bytes);
	/* After the call, so that the frame has to be there until then. */
	return sum + frame[0];
}

static int deep(const char *mib)
{
	dig((uintptr_t)__builtin_frame_address(0), atoi(mib) * MIB);
	printf("deep\n");
	return 0;
}

static int limit_stack(rlim_t soft)
{
	struct rlimit limit;

	getrlimit(RLIMIT_STACK, &limit);
	limit.rlim_cur = soft;
	return setrlimit(RLIMIT_STACK, &limit);
}

/*
 * It executes itself with the limit @soft, to go @mib deep. Where the hard
 * limit is below @hard, it only says what is to be seen where it is not.
 */
static void execute_deep(rlim_t soft, rlim_t hard, const char *how,
			 const char *mib)
{
	struct rlimit limit;
	int status;

	printf("%s %s\n", how, mib);
	getrlimit(RLIMIT_STACK, &limit);
	if (limit.rlim_max < hard) {
		printf("deep\nit ends = 0\n");
		return;
	}
	status = IN_CHILD({
		if (limit_stack(soft))
			_exit(errno);
		execl(self, self, how, mib, NULL);
		_exit(errno);
	});
	SHOW("it ends", result(status));
}

/* Stacks without a limit, and with one that becomes larger later. */
static void stack(void)
{
	execute_deep(RLIM_INFINITY, RLIM_INFINITY, "deep", "20");
	execute_deep(RLIM_INFINITY, RLIM_INFINITY, "deep", "64");
	execute_deep(8 * MIB, 64 * MIB, "raise", "25");
}

/* An abstract name that no other process has at this time. */
static socklen_t own_name(struct sockaddr_un *name)
{
	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	return offsetof(struct sockaddr_un, sun_path) + 1 +
	       sprintf(name->sun_path + 1, "corners-%d-%lld", getpid(),
		       (long long)now_ns(CLOCK_MONOTONIC));
}

static int listener, accepted;

static void *accepting(void *unused)
{
	(void)unused;
	accepted = accept(listener, NULL, NULL);
	return NULL;
}

/* A number that a thread's accept() has reserved is free in a child. */
static void reserved(void)
{
	int next, client = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un name;
	socklen_t size = own_name(&name);
	pthread_t thread;

	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	TRY(bind(listener, (void *)&name, size));
	TRY(listen(listener, 1));
	next = dup(0);
	close(next);
	pthread_create(&thread, NULL, accepting, NULL);
	/* It waits by then; if it does not, a child finds the same. */
	sleep_ms(100);
	IN_CHILD({
		CHECK(dup2(1, next) == next);
		CHECK(close(next) == 0);
		CHECK(dup(0) == next);
	});
	TRY(connect(client, (void *)&name, size));
	pthread_join(thread, NULL);
	CHECK(accepted == next);
	close(accepted);
	close(client);
	close(listener);
}

static int take_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_SETLK, &lock);
}

/* What a process that does not have the lock hears of it. */
static int ask_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &lock) ? errno : lock.l_type != F_UNLCK;
}

/* Whether another process finds that this one has it. */
static int is_held(int fd)
{
	return result(IN_CHILD(_exit(ask_lock(fd))));
}

static void spawn_with_file(void)
{
	char *argv[] = { "true", NULL };
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 50, "file", O_RDWR, 0);
	posix_spawn_file_actions_addclose(&actions, 50);
	TRY(posix_spawn(&pid, "/bin/true", &actions, NULL, argv, environ));
	posix_spawn_file_actions_destroy(&actions);
	waitpid(pid, &status, 0);
	SHOW("it ends", result(status));
}

static void vfork_with_file(void)
{
	pid_t pid = vfork();

	if (!pid) {
		close(open("file", O_RDWR));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* What does not end a record lock, taken anew each time, and what does. */
static void locks(void)
{
	int fd, other;
	struct stat st;
	char *m;

	folder_begin();
	fd = open("file", O_RDWR | O_CREAT, 0600);
	TRY(ftruncate(fd, 2 * PAGE));

	/* The file is held by the mapping alone, which then goes. */
	other = open("file", O_RDWR);
	m = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, other, 0);
	m[0] = 1;
	close(other);
	TRY(take_lock(fd));
	TRY(munmap(m, 2 * PAGE));
	CHECK(is_held(fd));

	/* Calls that have only the file's name. */
	TRY(take_lock(fd));
	TRY(truncate("file", 100));
	CHECK(is_held(fd));
	TRY(take_lock(fd));
	TRY(access("file", R_OK | W_OK));
	CHECK(is_held(fd));
	TRY(take_lock(fd));
	TRY(stat("file", &st));
	CHECK(is_held(fd));

	/* A child that shares the memory, but not the descriptors. */
	TRY(take_lock(fd));
	spawn_with_file();
	CHECK(is_held(fd));
	TRY(take_lock(fd));
	vfork_with_file();
	CHECK(is_held(fd));

	/* Any descriptor of the file, opened for whatever. */
	TRY(take_lock(fd));
	TRY(close(open("file", O_RDONLY)));
	CHECK(is_held(fd));

	close(fd);
	unlink("file");
	folder_end();
}

#define STRINGS	1000000

/* Arguments whose pointers alone are more than a quarter of the stack. */
static void arguments(void)
{
	IN_CHILD({
		char **argv = calloc(STRINGS + 1, sizeof(*argv));
		int i;

		for (i = 0; i < STRINGS; i++)
			argv[i] = "a";
		limit_stack(8 * MIB);
		TRY(execve("/bin/true", argv, environ));
	});
}

static volatile sig_atomic_t expired;

static void on_timer(int signal)
{
	(void)signal;
	expired++;
}

/* Times that no clock reaches, as the first one and as the interval. */
static void timers(void)
{
	const struct itimerspec never = { .it_value.tv_sec = LONG_MAX };
	const struct itimerspec once = { .it_value.tv_nsec = 1000,
					 .it_interval.tv_sec = LONG_MAX };
	struct sigaction action = { .sa_handler = on_timer };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1 };
	int i, fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct pollfd p = { fd, POLLIN, 0 };
	struct itimerspec now;
	uint64_t ticks = 0;
	timer_t timer;

	TRY(timerfd_settime(fd, 0, &never, NULL));
	TRY(poll(&p, 1, 50));
	TRY(timerfd_gettime(fd, &now));
	CHECK(now.it_value.tv_sec > 1000000000);
	TRY(timerfd_settime(fd, 0, &once, NULL));
	TRY(poll(&p, 1, LONG));
	sleep_ms(50);
	TRY(read(fd, &ticks, sizeof(ticks)));
	CHECK(ticks);
	TRY(poll(&p, 1, 50));
	close(fd);

	sigaction(SIGUSR1, &action, NULL);
	TRY(timer_create(CLOCK_MONOTONIC, &event, &timer));
	TRY(timer_settime(timer, 0, &never, NULL));
	sleep_ms(50);
	CHECK(expired);
	TRY(timer_gettime(timer, &now));
	CHECK(now.it_value.tv_sec > 1000000000);
	TRY(timer_settime(timer, 0, &once, NULL));
	for (i = 0; i < LONG && !expired; i++)
		sleep_ms(1);
	sleep_ms(50);
	CHECK(expired);
	TRY(timer_getoverrun(timer));
	sleep_ms(50);
	CHECK(expired);
	TRY(timer_delete(timer));
}

enum { READING, WRITING, EXCEPT };

/* What select() says of one descriptor in one set, and when. */
static void one_select(const char *what, int fd, int set, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	int64_t begin = now_ns(CLOCK_MONOTONIC);
	fd_set fds;
	int n;

	FD_ZERO(&fds);
	FD_SET(fd, &fds);
	n = select(fd + 1, set == READING ? &fds : NULL,
		   set == WRITING ? &fds : NULL, set == EXCEPT ? &fds : NULL,
		   &tv);
	begin = now_ns(CLOCK_MONOTONIC) - begin;
	printf("%s: %d, %s, %s\n", what, n,
	       FD_ISSET(fd, &fds) ? "in the set" : "not in the set",
	       begin >= ms * 750000LL ? "it waited" : "at once");
}

/* Ends of pipes that have no other end: no exception to select(). */
static void selects(void)
{
	int in[2], out[2];

	TRY(pipe(in));
	TRY(pipe(out));
	close(in[1]);
	close(out[0]);
	one_select("except, no writer", in[0], EXCEPT, 200);
	one_select("except, no reader", out[1], EXCEPT, 200);
	one_select("read, no reader", out[1], READING, 5000);
	one_select("read, no writer", in[0], READING, 5000);
	one_select("write, no reader", out[1], WRITING, 5000);
	one_select("write, no writer", in[0], WRITING, 200);
	close(in[0]);
	close(out[1]);
}

static int option(int fd, int level, int name)
{
	socklen_t size = sizeof(int);
	int value = -1;

	return getsockopt(fd, level, name, &value, &size) ? -errno : value;
}

static void show_timeout(const char *what, int fd, int name)
{
	socklen_t size = sizeof(struct timeval);
	struct timeval tv = { -1, -1 };

	getsockopt(fd, SOL_SOCKET, name, &tv, &size);
	printf("%s: %ld.%06ld\n", what, (long)tv.tv_sec, (long)tv.tv_usec);
}

/* One that a connection to @server makes, whose address is @name, or -1. */
static int accept_one(int server, const void *name, socklen_t size, int family)
{
	int client = socket(family, SOCK_STREAM, 0), s = -1;

	if (!connect(client, name, size))
		s = accept(server, NULL, NULL);
	close(client);
	return s;
}

/* Where there is no network, nothing is said. */
static void tcp_options(void)
{
	/* Half a second is a whole number of ticks of every kernel. */
	const struct timeval receive = { 3, 500000 }, send = { 7, 0 };
	static const struct {
		const char *text;
		int level, name, value;
	} options[] = {
		{ "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1 },
		{ "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ "IP_TOS", IPPROTO_IP, IP_TOS, 16 },
		{ "IP_TTL", IPPROTO_IP, IP_TTL, 33 },
	};
	struct sockaddr_in name = { .sin_family = AF_INET };
	int s, server = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(name);
	size_t i;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(server, (void *)&name, sizeof(name)) || listen(server, 4) ||
	    getsockname(server, (void *)&name, &size))
		goto end;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(server, options[i].level, options[i].name,
			   &options[i].value, sizeof(int));
	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof(receive));
	setsockopt(server, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof(send));
	s = accept_one(server, &name, size, AF_INET);
	if (s < 0)
		goto end;
	show_timeout("SO_RCVTIMEO, listener", server, SO_RCVTIMEO);
	show_timeout("SO_RCVTIMEO, accepted", s, SO_RCVTIMEO);
	show_timeout("SO_SNDTIMEO, listener", server, SO_SNDTIMEO);
	show_timeout("SO_SNDTIMEO, accepted", s, SO_SNDTIMEO);
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		printf("%s: listener %d, accepted %d\n", options[i].text,
		       option(server, options[i].level, options[i].name),
		       option(s, options[i].level, options[i].name));
	close(s);
end:
	close(server);
}

static void unix_options(void)
{
	int s, one = 1, server = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un name;
	socklen_t size = own_name(&name);

	TRY(bind(server, (void *)&name, size));
	TRY(listen(server, 4));
	TRY(setsockopt(server, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	s = accept_one(server, &name, size, AF_UNIX);
	printf("SO_PASSCRED: listener %d, accepted %d\n",
	       option(server, SOL_SOCKET, SO_PASSCRED),
	       option(s, SOL_SOCKET, SO_PASSCRED));
	close(s);
	close(server);
}

/* What an accepted socket has of its listener. */
static void inherited(void)
{
	tcp_options();
	unix_options();
}

/* A large buffer is filled by one call, to its end. */
static void randomness(void)
{
	size_t i, size = 64 * MIB, others = 0;
	char *buffer = malloc(size);

	/* Whatever malloc() gives. */
	memset(buffer + size - PAGE, 0, PAGE);
	CHECK(getrandom(buffer, size, 0) == (ssize_t)size);
	for (i = size - PAGE; i < size; i++)
		others += buffer[i] != 0;
	CHECK(others > 0);
	free(buffer);
}

/* Advice that brings memory, and does not change what is in it. */
static void populate(void)
{
	char *m;

	faults_are_seen();
	m = mmap(NULL, 8 * PAGE, RW, PRIVATE, -1, 0);
	/* Where nothing was yet. */
	TRY(madvise(m, 4 * PAGE, MADV_POPULATE_READ));
	TRY(madvise(m + 4 * PAGE, 4 * PAGE, MADV_POPULATE_WRITE));
	PAGES(m, 8);
	munmap(m, 8 * PAGE);

	m = pages(4, PRIVATE);
	TRY(madvise(m, 4 * PAGE, MADV_POPULATE_READ));
	TRY(madvise(m, 4 * PAGE, MADV_POPULATE_WRITE));
	TRY(madvise(m, 4 * PAGE, MADV_KEEPONFORK));
	TRY(madvise(m + 1, PAGE, MADV_POPULATE_READ));
	TRY(madvise(m + 1, PAGE, MADV_POPULATE_WRITE));
	TRY(madvise(m + 1, PAGE, MADV_KEEPONFORK));
	PAGES(m, 4);
	IN_CHILD(PAGES(m, 4));
	TRY(mprotect(m, 4 * PAGE, PROT_READ));
	TRY(madvise(m, 4 * PAGE, MADV_POPULATE_READ));
	TRY(madvise(m, 4 * PAGE, MADV_POPULATE_WRITE));
	TRY(munmap(m + 2 * PAGE, PAGE));
	TRY(madvise(m, 4 * PAGE, MADV_POPULATE_READ));
	PAGES(m, 4);
	munmap(m, 4 * PAGE);
}

#define AREAS	256

/* Whether areas() has taken page @i away. */
static bool is_gone(int i)
{
	return i < 32 || i >= AREAS - 32 || (i >= 96 && i < 160);
}

/* One mapping that becomes many, of which pages are taken away. */
static void areas(void)
{
	char *m = mmap(place(AREAS + 16), AREAS * PAGE, RW, PRIVATE | MAP_FIXED,
		       -1, 0);
	long errors = 0, found, wrong = 0;
	int i;

	faults_are_seen();
	for (i = 0; i < AREAS; i++)
		m[i * PAGE] = i % 100 + 1;
	for (i = 1; i < AREAS; i += 2)
		errors += mprotect(m + i * PAGE, PAGE, PROT_READ) != 0;
	/* In the middle, one after the other. */
	for (i = 96; i < 160; i++)
		errors += munmap(m + i * PAGE, PAGE) != 0;
	/* From both ends. */
	for (i = 0; i < 32; i++) {
		errors += munmap(m + i * PAGE, PAGE) != 0;
		errors += munmap(m + (AREAS - 1 - i) * PAGE, PAGE) != 0;
	}
	SHOW("errors", errors);
	for (i = 0; i < AREAS; i++) {
		found = look(m + i * PAGE);
		wrong += found != (is_gone(i) ? -(SIGSEGV * 100 + SEGV_MAPERR) :
						i % 100 + 1);
		found = put(m + i * PAGE, 101);
		wrong += found != (is_gone(i) ? -(SIGSEGV * 100 + SEGV_MAPERR) :
				   i % 2      ? -(SIGSEGV * 100 + SEGV_ACCERR) :
						0);
		if (!is_gone(i))
			wrong += look(m + i * PAGE) !=
				 (i % 2 ? i % 100 + 1 : 101);
	}
	SHOW("wrong", wrong);
	TRY(munmap(m, AREAS * PAGE));
}

/* clang-format off */
static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "nonblock", nonblock },
	{ "script", script },
	{ "stack", stack },
	{ "reserved", reserved },
	{ "locks", locks },
	{ "arguments", arguments },
	{ "timers", timers },
	{ "select", selects },
	{ "inherited", inherited },
	{ "random", randomness },
	{ "populate", populate },
	{ "areas", areas },
};
/* clang-format on */

int main(int argc, char **argv)
{
	size_t i;
	int j;

	limit_time();
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1 && !strcmp(argv[1], "named"))
		return named();
	if (argc > 2 && !strcmp(argv[1], "raise"))
		return limit_stack(64 * MIB) || deep(argv[2]);
	if (argc > 2 && !strcmp(argv[1], "deep"))
		return deep(argv[2]);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
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
