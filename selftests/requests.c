// SPDX-License-Identifier: GPL-2.0-only
/* A monitor that is wrong, slow or gone, and what its sandbox makes of it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/harness.h"

static int add_rule(int fd, const char *uri, uint32_t rights)
{
	struct drawbridge_rule rule = { .uri = (uintptr_t)uri,
					.uri_length = strlen(uri),
					.rights = rights };

	return ioctl(fd, DRAWBRIDGE_IOC_RULE, &rule);
}

FIXTURE(requests)
{
	int fd, event;
	pid_t pid;
	struct lines lines;
	char line[256];
};

FIXTURE_SETUP(requests)
{
	self->fd = sandbox_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, add_rule(self->fd, "dns:*", DK_ACCESS_READ));
	self->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_LE(0, self->event);
	self->pid = 0;
	self->lines.gone = false;
}

FIXTURE_TEARDOWN(requests)
{
	int status;

	if (self->fd >= 0)
		close(self->fd);
	if (self->pid > 0 && !self->lines.gone)
		wait_for(self->pid, &status, 10000);
	EXPECT_EQ(0, nothing_left());
}

static void start_image(struct __test_metadata *_metadata,
			FIXTURE_DATA(requests) * self, const char *image,
			const char *names, int in)
{
	const char *argv[] = { image, names, NULL };
	int pipes[2];

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	self->pid = sandbox_start(self->fd, &(struct sandbox_start){
						    .image = beside(image),
						    .argv = argv,
						    .in = in,
						    .out = pipes[1],
						    .err = 2 });
	ASSERT_LT(0, self->pid);
	close(pipes[1]);
	memset(&self->lines, 0, sizeof(self->lines));
	self->lines.fd = pipes[0];
	self->lines.pid = self->pid;
}

static void start(struct __test_metadata *_metadata,
		  FIXTURE_DATA(requests) * self)
{
	start_image(_metadata, self, "resolve.img", "host.test", 0);
}

static int take(int fd, struct drawbridge_request *request, char *name,
		size_t size)
{
	memset(request, 0, sizeof(*request));
	request->buffer = (uintptr_t)name;
	request->buffer_length = size;
	return ioctl(fd, DRAWBRIDGE_IOC_REQUEST, request);
}

static int reply(int fd, uint64_t id, int64_t status, const void *data,
		 size_t length)
{
	struct drawbridge_reply wanted = { .id = id,
					   .status = status,
					   .buffer = (uintptr_t)data,
					   .length = length };

	return ioctl(fd, DRAWBRIDGE_IOC_REPLY, &wanted);
}

TEST_F(requests, wrong_replies_change_nothing)
{
	struct drawbridge_address good[2] = {
		{ .family = 4, .address = { 192, 0, 2, 1 } },
		{ .family = 6, .address = { 0x20, 1, 0xd, 0xb8, [15] = 7 } },
	};
	struct drawbridge_address bad = { .family = 5 };
	struct drawbridge_request request;
	struct pollfd p = { .fd = self->event, .events = POLLIN };
	char name[64];

	EXPECT_EQ(-1, take(self->fd, &request, name, sizeof(name)));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, &self->event));
	ASSERT_EQ(8, read(self->event, name, 8));
	start(_metadata, self);
	ASSERT_EQ(1, poll(&p, 1, 20000 * slower()));

	EXPECT_EQ(-1, take(self->fd, &request, name, 3));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(9, request.length);
	EXPECT_EQ(-1, reply(self->fd, request.id, 0, good, sizeof(good)));
	EXPECT_EQ(ENOENT, errno); /* not taken yet */
	ASSERT_EQ(0, take(self->fd, &request, name, sizeof(name)));
	EXPECT_EQ(DRAWBRIDGE_REQUEST_DNS, request.type);
	ASSERT_EQ(9, request.length);
	EXPECT_EQ(0, memcmp(name, "host.test", 9));
	EXPECT_EQ(-1, take(self->fd, &request, name, sizeof(name)));
	EXPECT_EQ(EAGAIN, errno);

	EXPECT_EQ(-1, reply(self->fd, 2, 0, good, sizeof(good)));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, reply(self->fd, 1, 0, good, sizeof(good) - 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, reply(self->fd, 1, 0, NULL, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, reply(self->fd, 1, 0, &bad, sizeof(bad)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, reply(self->fd, 1, -12345, NULL, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1,
		  reply(self->fd, 1, DK_STATUS_NOT_FOUND, good, sizeof(good)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, reply(self->fd, 1, 0, good, 1 << 20));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, reply(self->fd, 1, 0, (void *)8, sizeof(good)));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(0, reply(self->fd, 1, 0, good, sizeof(good)));
	EXPECT_EQ(-1, reply(self->fd, 1, 0, good, sizeof(good)));
	EXPECT_EQ(ENOENT, errno);

	while (next_line(&self->lines, self->line, sizeof(self->line)) &&
	       strncmp(self->line, "192", 3))
		;
	EXPECT_EQ(0, strcmp(self->line, "192.0.2.1\n"));
	ASSERT_TRUE(next_line(&self->lines, self->line, sizeof(self->line)));
	EXPECT_EQ(0, strcmp(self->line, "2001:db8::7\n"));
}

/* Whoever waits is killed with the file, and with a signal. */
TEST_F(requests, a_monitor_that_goes)
{
	struct pollfd p = { .fd = self->event, .events = POLLIN };
	char count[8];
	int status;

	ASSERT_EQ(0, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, &self->event));
	ASSERT_EQ(8, read(self->event, count, 8));
	start(_metadata, self);
	ASSERT_EQ(1, poll(&p, 1, 20000 * slower()));
	close(self->fd);
	self->fd = -1;
	ASSERT_TRUE(wait_for(self->pid, &status, 10000));
	EXPECT_TRUE(WIFSIGNALED(status));
	self->pid = 0;
}

TEST_F(requests, a_monitor_that_never_listens)
{
	bool found = false;

	start(_metadata, self);
	while (next_line(&self->lines, self->line, sizeof(self->line)))
		found |= !strcmp(self->line, "host.test: -6\n");
	EXPECT_TRUE(found); /* NO_DEVICE */
}

TEST_F(requests, a_monitor_that_never_answers)
{
	bool found = false;

	ASSERT_EQ(0, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, &self->event));
	start(_metadata, self);
	while (next_line(&self->lines, self->line, sizeof(self->line)))
		found |= !strcmp(self->line, "host.test: -110\n");
	EXPECT_TRUE(found); /* TIMEOUT */
}

/* A sandbox whose first process waits for an answer; its monitor has the request. */
static void start_waiting(struct __test_metadata *_metadata,
			  FIXTURE_DATA(requests) * self,
			  struct drawbridge_request *request)
{
	struct pollfd p = { .fd = self->event, .events = POLLIN };
	char count[8], name[64];

	ASSERT_EQ(0, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, &self->event));
	ASSERT_EQ(8, read(self->event, count, 8));
	start(_metadata, self);
	ASSERT_EQ(1, poll(&p, 1, 20000 * slower()));
	ASSERT_EQ(0, take(self->fd, request, name, sizeof(name)));
}

static void second_sandbox(struct __test_metadata *_metadata,
			   FIXTURE_DATA(requests) * other)
{
	memset(other, 0, sizeof(*other));
	other->fd = sandbox_open();
	ASSERT_LE(0, other->fd);
	ASSERT_EQ(0, add_rule(other->fd, "dns:*", DK_ACCESS_READ));
	other->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* One monitor tells lies, about another sandbox's request too, and dies. */
TEST_F(requests, a_wrong_and_dead_monitor_hurts_its_own_sandbox)
{
	struct drawbridge_address lie = { .family = 4, .address = { 6, 6, 6 } },
				  truth = { .family = 4,
					    .address = { 192, 0, 2, 9 } };
	struct drawbridge_request request, of_other;
	struct _test_data_requests other;
	bool found = false;
	int status;

	second_sandbox(_metadata, &other);
	start_waiting(_metadata, self, &request);
	start_waiting(_metadata, &other, &of_other);
	for (uint64_t id = 0; id < 300; id++) {
		if (id != request.id)
			EXPECT_EQ(-1,
				  reply(self->fd, id, 0, &lie, sizeof(lie)));
		EXPECT_EQ(-1, reply(self->fd, request.id, id + 1, &lie,
				    sizeof(lie)));
		EXPECT_EQ(-1, reply(self->fd, request.id, 0, &lie, id % 15));
	}
	EXPECT_EQ(0, waitpid(self->pid, &status, WNOHANG));
	close(self->fd);
	self->fd = -1;
	ASSERT_TRUE(wait_for(self->pid, &status, 10000));
	EXPECT_TRUE(WIFSIGNALED(status));
	self->pid = 0;

	EXPECT_EQ(0, waitpid(other.pid, &status, WNOHANG));
	ASSERT_EQ(0, reply(other.fd, of_other.id, 0, &truth, sizeof(truth)));
	while (next_line(&other.lines, other.line, sizeof(other.line)))
		found |= !strcmp(other.line, "192.0.2.9\n");
	EXPECT_TRUE(found);
	close(other.fd);
	close(other.event);
}

/*
 * One monitor leaves its sandbox waiting; another answers late, and its
 * sandbox has what it asked for long before the first one's has given up.
 */
TEST_F(requests, a_slow_monitor_delays_its_own_sandbox)
{
	struct drawbridge_address address = { .family = 4,
					      .address = { 192, 0, 2, 9 } };
	struct drawbridge_request request;
	struct _test_data_requests other;
	bool found = false;
	int status;

	second_sandbox(_metadata, &other);
	start_waiting(_metadata, self, &request);
	start_waiting(_metadata, &other, &request);
	usleep(1500000);
	/* The numbers of one are nothing to the other. */
	EXPECT_EQ(-1, reply(self->fd, request.id + 1, 0, &address,
			    sizeof(address)));
	EXPECT_EQ(ENOENT, errno);
	ASSERT_EQ(0, reply(other.fd, request.id, 0, &address, sizeof(address)));
	while (next_line(&other.lines, other.line, sizeof(other.line)))
		found |= !strcmp(other.line, "192.0.2.9\n");
	EXPECT_TRUE(found);
	close(other.fd);
	close(other.event);

	/* The first one waits still. */
	EXPECT_EQ(0, waitpid(self->pid, &status, WNOHANG));
	found = false;
	while (next_line(&self->lines, self->line, sizeof(self->line)))
		found |= !strcmp(self->line, "host.test: -110\n");
	EXPECT_TRUE(found);
	/* It comes too late. */
	EXPECT_EQ(-1, reply(self->fd, 1, 0, &address, sizeof(address)));
	EXPECT_EQ(ENOENT, errno);
}

/* As many as there is room for wait; who comes then is told, and holds up nobody. */
TEST_F(requests, a_crowd)
{
	struct drawbridge_address address = { .family = 4,
					      .address = { 192, 0, 2, 9 } };
	struct drawbridge_request request;
	char count[8], name[64];
	uint64_t ids[64];
	int taken = 0;

	ASSERT_EQ(0, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, &self->event));
	ASSERT_EQ(8, read(self->event, count, 8));
	start_image(_metadata, self, "crowd.img", "", 0);
	while (next_line(&self->lines, self->line, sizeof(self->line)) &&
	       strncmp(self->line, "refused", 7))
		;
	EXPECT_EQ(0, strcmp(self->line, "refused 6\n"))
	TH_LOG("%s", self->line);
	for (; !take(self->fd, &request, name, sizeof(name)); taken++)
		ids[taken % 64] = request.id;
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(64, taken);
	for (int i = 0; i < 64; i++)
		ASSERT_EQ(0, reply(self->fd, ids[i], 0, &address,
				   sizeof(address)));
	ASSERT_TRUE(next_line(&self->lines, self->line, sizeof(self->line)));
	EXPECT_EQ(0, strcmp(self->line, "answered 64, else 0\n"))
	TH_LOG("%s", self->line);
	while (take(self->fd, &request, name, sizeof(name))) {
		ASSERT_EQ(EAGAIN, errno);
		usleep(10000);
	}
	ASSERT_EQ(0, reply(self->fd, request.id, 0, &address, sizeof(address)));
	ASSERT_TRUE(next_line(&self->lines, self->line, sizeof(self->line)));
	EXPECT_EQ(0, strcmp(self->line, "one more: 0\n"));
}

/* What a monitor may say of a name, and what it may not: nobody hears of that. */
TEST_F(requests, statuses_of_replies)
{
	static const int64_t good[] = { DK_STATUS_IO_ERROR, DK_STATUS_NO_MEMORY,
					DK_STATUS_NOT_FOUND,
					DK_STATUS_TIMEOUT };
	static const int64_t bad[] = { DK_STATUS_ACCESS_DENIED,
				       DK_STATUS_NOT_PERMITTED,
				       DK_STATUS_INTERRUPTED,
				       DK_STATUS_ABORTED,
				       DK_STATUS_BUSY,
				       DK_STATUS_NO_DEVICE,
				       DK_STATUS_WOULD_BLOCK,
				       -512,
				       1,
				       INT64_MIN };
	struct pollfd p = { .fd = self->event, .events = POLLIN };
	struct drawbridge_request request;
	char name[64], count[8], wanted[64];

	ASSERT_EQ(0, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, &self->event));
	ASSERT_EQ(8, read(self->event, count, 8));
	start_image(_metadata, self, "resolve.img",
		    "a.test,b.test,c.test,d.test", 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ASSERT_EQ(1, poll(&p, 1, 20000 * slower()));
		ASSERT_EQ(8, read(self->event, count, 8));
		ASSERT_EQ(0, take(self->fd, &request, name, sizeof(name)));
		for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			EXPECT_EQ(-1,
				  reply(self->fd, request.id, bad[k], NULL, 0));
			EXPECT_EQ(EINVAL, errno);
		}
		ASSERT_EQ(0, reply(self->fd, request.id, good[i], NULL, 0));
		while (next_line(&self->lines, self->line,
				 sizeof(self->line)) &&
		       !strstr(self->line, ".test: "))
			;
		snprintf(wanted, sizeof(wanted), "%c.test: %lld\n",
			 'a' + (int)i, (long long)good[i]);
		EXPECT_STREQ(wanted, self->line);
	}
}

/* What the image says of an opening that has ended: see asks.c. */
static void expect_ended(struct __test_metadata *_metadata,
			 FIXTURE_DATA(requests) * self, int64_t status,
			 int exceptions)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "%lld, then 0, exceptions: %d\n",
		 (long long)status, exceptions);
	while (next_line(&self->lines, self->line, sizeof(self->line)) &&
	       !strstr(self->line, ", then "))
		;
	EXPECT_STREQ(wanted, self->line);
}

/*
 * Whoever waits for an answer is interrupted and aborted like anybody else. Of
 * what it asked nothing is left, and the next opening is one like the first.
 */
TEST_F(requests, an_opening_that_is_ended)
{
	struct drawbridge_address address = { .family = 4,
					      .address = { 192, 0, 2, 1 } };
	struct pollfd p = { .fd = self->event, .events = POLLIN };
	struct drawbridge_request request;
	char name[64], count[8];
	int in[2];

	ASSERT_EQ(0, pipe2(in, O_CLOEXEC));
	ASSERT_EQ(0, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, &self->event));
	ASSERT_EQ(8, read(self->event, count, 8));
	start_image(_metadata, self, "asks.img", "host.test", in[0]);
	/* Not taken, and more often than there is room for at one time. */
	for (int i = 1; i <= 70; i++) {
		ASSERT_EQ(1, poll(&p, 1, 20000 * slower()));
		ASSERT_EQ(8, read(self->event, count, 8));
		ASSERT_EQ(1, write(in[1], "r", 1));
		expect_ended(_metadata, self, DK_STATUS_INTERRUPTED, 1);
	}
	for (int i = 71; i <= 74; i++) {
		bool aborted = i & 1;

		ASSERT_EQ(1, poll(&p, 1, 20000 * slower()));
		ASSERT_EQ(8, read(self->event, count, 8));
		/* Taken, but for the last two. */
		if (i <= 72) {
			ASSERT_EQ(0,
				  take(self->fd, &request, name, sizeof(name)));
			EXPECT_EQ(i, request.id);
		}
		if (aborted)
			ASSERT_EQ(1, ioctl(self->fd, DRAWBRIDGE_IOC_ABORT));
		ASSERT_EQ(1, write(in[1], aborted ? "-" : "r", 1));
		expect_ended(_metadata, self,
			     aborted ? DK_STATUS_ABORTED :
				       DK_STATUS_INTERRUPTED,
			     !aborted);
		EXPECT_EQ(-1, reply(self->fd, i, 0, &address, sizeof(address)));
		EXPECT_EQ(ENOENT, errno);
	}
	ASSERT_EQ(1, poll(&p, 1, 20000 * slower()));
	ASSERT_EQ(0, take(self->fd, &request, name, sizeof(name)));
	EXPECT_EQ(75, request.id);
	ASSERT_EQ(9, request.length);
	EXPECT_EQ(0, memcmp(name, "host.test", 9));
	EXPECT_EQ(-1, take(self->fd, &request, name, sizeof(name)));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, reply(self->fd, 75, 0, &address, sizeof(address)));
	ASSERT_EQ(1, write(in[1], "-", 1));
	expect_ended(_metadata, self, 0, 0);
	ASSERT_TRUE(next_line(&self->lines, self->line, sizeof(self->line)));
	EXPECT_STREQ("192.0.2.1\n", self->line);
	close(in[0]);
	close(in[1]);
}

TEST_F(requests, bad_events_and_rules)
{
	int bad = 9999;

	EXPECT_EQ(-1, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, &bad));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, &self->fd));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, DRAWBRIDGE_IOC_EVENT, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, add_rule(self->fd, "dns:*", DK_ACCESS_READ));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(-1, add_rule(self->fd, "dns:*x", DK_ACCESS_READ));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, add_rule(self->fd, "dns:a b", DK_ACCESS_READ));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, add_rule(self->fd, "dns:x", DK_ACCESS_WRITE));
	EXPECT_EQ(EINVAL, errno);
}

TEST_HARNESS_MAIN
