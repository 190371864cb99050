// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of drawbridge.ko, and the making of its first process, with each
 * of the allocations and copies that they make failing once. What fails says
 * so and has changed nothing: it can be done again, and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/inject.h"

#define IMAGE "/dev/shm/pico-first.img"

FIXTURE(failures)
{
	int self; /* fail-nth of the test's own thread */
};

FIXTURE_SETUP(failures)
{
	if (!inject_prepare())
		SKIP(_exit(255), "this kernel does not let allocations fail");
	ASSERT_TRUE(inject_copy("first.img", IMAGE));
	ASSERT_EQ(0, nothing_left());
	self->self = inject_open(getpid(), gettid());
	ASSERT_GE(self->self, 0);
}

FIXTURE_TEARDOWN(failures)
{
	unlink(IMAGE);
}

static bool intact(void *arg)
{
	return !nothing_left();
}

static void walk(struct __test_metadata *_metadata, int *self, const char *name,
		 void (*run)(void *arg, unsigned int nth, struct try *t))
{
	ASSERT_TRUE(inject_walk(name, run, self, intact));
}

/*
 * An operation that can be done once: after a failure it can be done still,
 * and afterwards it gives @again.
 */
#define ONCE(self, nth, t, expression, again)          \
	do {                                           \
		ARMED(self, nth, t, expression);       \
		if ((t)->result < 0 && (expression))   \
			(t)->changed = true;           \
		if (!(expression) || errno != (again)) \
			(t)->changed = true;           \
	} while (0)

static int bind_file(int fd)
{
	struct pico_ioc_bind bind = { .provider = DRAWBRIDGE_PROVIDER };

	return ioctl(fd, PICO_IOC_BIND, &bind);
}

static void run_bind(void *arg, unsigned int nth, struct try *t)
{
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);

	ONCE(*(int *)arg, nth, t, bind_file(fd), EBUSY);
	close(fd);
}

static void run_root(void *arg, unsigned int nth, struct try *t)
{
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);
	__s32 root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	bind_file(fd);
	ONCE(*(int *)arg, nth, t, ioctl(fd, DRAWBRIDGE_IOC_ROOT, &root), EBUSY);
	close(root);
	close(fd);
}

static void rule(int self, unsigned int nth, struct try *t, const char *uri,
		 uint32_t rights, uint32_t flags)
{
	int fd = sandbox_open();

	ONCE(self, nth, t, sandbox_rule_uri(fd, uri, rights, flags), EEXIST);
	close(fd);
}

static void run_rule(void *arg, unsigned int nth, struct try *t)
{
	rule(*(int *)arg, nth, t, "file:/dev/shm", 5, 0);
}

static void run_private(void *arg, unsigned int nth, struct try *t)
{
	rule(*(int *)arg, nth, t, "file:/tmp", 7, DRAWBRIDGE_RULE_PRIVATE);
}

static void run_pipe_rule(void *arg, unsigned int nth, struct try *t)
{
	rule(*(int *)arg, nth, t, "pipe.server:some.*", 3, 0);
}

static void run_tcp_rule(void *arg, unsigned int nth, struct try *t)
{
	rule(*(int *)arg, nth, t, "tcp.client:[fe80::]/10:1-99", 3, 0);
}

static void run_limits(void *arg, unsigned int nth, struct try *t)
{
	struct drawbridge_limits limits = { .memory = 1 << 20 };
	struct drawbridge_stats stats = { 0 };
	int fd = sandbox_open();

	ARMED(*(int *)arg, nth, t, ioctl(fd, DRAWBRIDGE_IOC_LIMITS, &limits));
	t->changed = sandbox_stats(fd, &stats) || stats.memory;
	close(fd);
}

static void run_event(void *arg, unsigned int nth, struct try *t)
{
	int fd = sandbox_open();
	__s32 event = eventfd(0, EFD_CLOEXEC);

	ARMED(*(int *)arg, nth, t, ioctl(fd, DRAWBRIDGE_IOC_EVENT, &event));
	close(event);
	close(fd);
}

TEST_F_TIMEOUT(failures, configuration, 900)
{
	walk(_metadata, &self->self, "PICO_IOC_BIND", run_bind);
	walk(_metadata, &self->self, "DRAWBRIDGE_IOC_ROOT", run_root);
	walk(_metadata, &self->self, "DRAWBRIDGE_IOC_RULE", run_rule);
	walk(_metadata, &self->self, "a private rule", run_private);
	walk(_metadata, &self->self, "a rule of pipes", run_pipe_rule);
	walk(_metadata, &self->self, "a rule of addresses", run_tcp_rule);
	walk(_metadata, &self->self, "DRAWBRIDGE_IOC_LIMITS", run_limits);
	walk(_metadata, &self->self, "DRAWBRIDGE_IOC_EVENT", run_event);
}

/* ---- a process ---- */

/* Of "first.img", which needs nothing: it ends with 38. */
static int start(int fd, int image)
{
	static const char strings[] = IMAGE "\0/\0first";
	struct drawbridge_start s = {
		.image_fd = image,
		.stdin_fd = -1,
		.stdout_fd = -1,
		.stderr_fd = -1,
		.strings = (uintptr_t)strings,
		.strings_length = sizeof(strings),
		.argument_count = 1,
	};

	return ioctl(fd, DRAWBRIDGE_IOC_START, &s);
}

/* @nth: of the execve() itself; it goes with the child to its end. */
static int execute(int fd, unsigned int nth)
{
	int magic = magic_file(), status = -1;
	pid_t pid = fork();

	if (!pid) {
		char *const args[] = { "picoprocess", NULL };
		char *const env[] = { NULL };
		int own = inject_open(getpid(), gettid());

		if (ioctl(fd, PICO_IOC_TICKET))
			_exit(255);
		inject_arm(own, nth);
		syscall(SYS_execveat, magic, "", args, env, AT_EMPTY_PATH);
		nth = errno;
		inject_disarm(own);
		_exit(100 + nth);
	}
	close(magic);
	wait_for(pid, &status, 20000);
	return status;
}

#define DONE (38 << 8)

static void run_start(void *arg, unsigned int nth, struct try *t)
{
	int image = open(IMAGE, O_RDONLY | O_CLOEXEC);
	int fd = sandbox_open();

	ARMED(*(int *)arg, nth, t, start(fd, image));
	if (t->result < 0 && start(fd, image))
		t->changed = true;
	close(image);
	if (execute(fd, 0) != DONE)
		t->changed = true;
	close(fd);
}

TEST_F_TIMEOUT(failures, start, 900)
{
	walk(_metadata, &self->self, "DRAWBRIDGE_IOC_START", run_start);
}

/*
 * Each on its way into the process, and some inside. A process that lacks
 * memory is ended by a signal, or it says so.
 */
#define EXECVE_FAILURES 400

TEST_F_TIMEOUT(failures, execve, 1800)
{
	unsigned int failed = 0, last = 0;

	for (unsigned int nth = 1; nth <= last + 40; nth++) {
		int image = open(IMAGE, O_RDONLY | O_CLOEXEC);
		int fd = sandbox_open(), status;
		bool refused;

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, start(fd, image));
		close(image);
		status = execute(fd, nth);
		refused = WIFEXITED(status) &&
			  (WEXITSTATUS(status) == 100 + ENOMEM ||
			   WEXITSTATUS(status) == 100 + EFAULT ||
			   WEXITSTATUS(status) == 100 + E2BIG ||
			   WEXITSTATUS(status) == 100 + EAGAIN);
		EXPECT_TRUE(
			status == DONE || refused ||
			(WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL ||
						 WTERMSIG(status) == SIGSEGV)))
		TH_LOG("%u: status 0x%x", nth, status);
		if (status != DONE) {
			last = nth;
			failed++;
		}
		close(fd);
		ASSERT_EQ(0, nothing_left()) TH_LOG("%u", nth);
		ASSERT_GT(EXECVE_FAILURES * 10, nth);
		if (!last && nth == 40)
			break;
	}
	EXPECT_LT(3, failed);
	TH_LOG("%u failures, the last is %u", failed, last);
}

/* ---- what is asked of a sandbox that runs ---- */

struct running {
	int self, fd, event;
	pid_t pid;
};

static void run_stats(void *arg, unsigned int nth, struct try *t)
{
	struct running *r = arg;
	struct drawbridge_stats stats = { .processes = 77 };

	ARMED(r->self, nth, t, sandbox_stats(r->fd, &stats));
	t->changed = stats.processes != (t->result < 0 ? 77 : 1);
}

static void run_abort(void *arg, unsigned int nth, struct try *t)
{
	struct running *r = arg;

	ARMED(r->self, nth, t, ioctl(r->fd, DRAWBRIDGE_IOC_ABORT));
}

static void run_debug(void *arg, unsigned int nth, struct try *t)
{
	struct running *r = arg;
	char text[64];
	struct drawbridge_debug debug = { .buffer = (uintptr_t)text,
					  .length = sizeof(text) };

	ARMED(r->self, nth, t, ioctl(r->fd, DRAWBRIDGE_IOC_DEBUG, &debug));
}

static void run_names(void *arg, unsigned int nth, struct try *t)
{
	struct running *r = arg;
	char text[4096];
	struct drawbridge_names names = { .buffer = (uintptr_t)text,
					  .length = sizeof(text) };

	ARMED(r->self, nth, t, ioctl(r->fd, DRAWBRIDGE_IOC_NAMES, &names));
}

static bool runs(void *arg)
{
	struct running *r = arg;
	struct drawbridge_stats stats;

	return !sandbox_stats(r->fd, &stats) && stats.processes == 1;
}

TEST_F_TIMEOUT(failures, running, 600)
{
	struct running r = { .self = self->self };
	char line[16];
	int io[2], status;

	r.fd = sandbox_open();
	ASSERT_LE(0, r.fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io));
	r.pid = sandbox_start(r.fd, &(struct sandbox_start){
					    .image = beside("idle.img"),
					    .in = io[1],
					    .out = io[1] });
	ASSERT_LT(0, r.pid);
	ASSERT_LT(0, read(io[0], line, sizeof(line)));
	EXPECT_TRUE(inject_walk("DRAWBRIDGE_IOC_STATS", run_stats, &r, runs));
	EXPECT_TRUE(inject_walk("DRAWBRIDGE_IOC_DEBUG", run_debug, &r, runs));
	EXPECT_TRUE(inject_walk("DRAWBRIDGE_IOC_NAMES", run_names, &r, runs));
	EXPECT_TRUE(inject_walk("DRAWBRIDGE_IOC_ABORT", run_abort, &r, runs));
	/* It must work the first time. */
	inject_arm(r.self, 1);
	status = ioctl(r.fd, DRAWBRIDGE_IOC_KILL);
	inject_disarm(r.self);
	EXPECT_EQ(0, status);
	EXPECT_TRUE(wait_for(r.pid, &status, 20000));
	close(r.fd);
	EXPECT_EQ(0, nothing_left());
}

/* ---- requests ---- */

static int take(int fd, struct drawbridge_request *request, char *name,
		size_t size)
{
	*request = (struct drawbridge_request){
		.buffer = (uintptr_t)name,
		.buffer_length = size,
	};
	return ioctl(fd, DRAWBRIDGE_IOC_REQUEST, request);
}

static int answer(int fd, uint64_t id)
{
	struct drawbridge_address at = { .family = 4,
					 .address = { 192, 0, 2, 1 } };
	struct drawbridge_reply reply = { .id = id,
					  .buffer = (uintptr_t)&at,
					  .length = sizeof(at) };

	return ioctl(fd, DRAWBRIDGE_IOC_REPLY, &reply);
}

/* A request that could not be told or answered waits on. */
TEST_F_TIMEOUT(failures, requests, 300)
{
	const char *argv[] = { "resolve", "host.test", NULL };
	struct drawbridge_request request;
	struct lines lines = { 0 };
	struct pollfd p = { .events = POLLIN };
	char name[64], line[256] = "";
	struct try t;
	__s32 event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int fd = sandbox_open(), pipes[2];
	bool answered = false;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, sandbox_rule_uri(fd, "dns:*", DK_ACCESS_READ, 0));
	ASSERT_EQ(0, ioctl(fd, DRAWBRIDGE_IOC_EVENT, &event));
	ASSERT_EQ(8, read(event, name, 8));
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	lines.fd = pipes[0];
	lines.pid = sandbox_start(fd, &(struct sandbox_start){
					      .image = beside("resolve.img"),
					      .argv = argv,
					      .out = pipes[1],
					      .err = 2 });
	ASSERT_LT(0, lines.pid);
	close(pipes[1]);
	p.fd = event;
	ASSERT_EQ(1, poll(&p, 1, 20000 * slower()));
	for (unsigned int nth = 1; nth < INJECT_MAX; nth++) {
		ARMED(self->self, nth, &t,
		      take(fd, &request, name, sizeof(name)));
		if (!t.result)
			break;
		EXPECT_TRUE(t.result == -EFAULT || t.result == -ENOMEM);
	}
	ASSERT_EQ(0, t.result);
	EXPECT_EQ(9, request.length);
	for (unsigned int nth = 1; nth < INJECT_MAX; nth++) {
		ARMED(self->self, nth, &t, answer(fd, request.id));
		if (!t.result)
			break;
		EXPECT_TRUE(t.result == -EFAULT || t.result == -ENOMEM);
	}
	ASSERT_EQ(0, t.result);
	/* Among lines of the image's frame. */
	while (next_line(&lines, line, sizeof(line)))
		answered |= !strcmp(line, "192.0.2.1\n");
	EXPECT_TRUE(answered);
	close(fd);
	EXPECT_EQ(0, nothing_left());
}

TEST_HARNESS_MAIN
