// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stops, continues and tracers: a picoprocess stays one, and a blocked call
 * goes on where it was.
 */
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include "lib/harness.h"

#ifndef PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG	0x4210
#endif

#define ESCAPED	"/dev/shm/pico-escaped"

struct sud_config {
	uint64_t mode, selector, offset, len;
};

FIXTURE(one)
{
	int sandbox, io;
	pid_t pid;
	FILE *from;
};

static int start(struct _test_data_one *self, const char *how);

FIXTURE_SETUP(one)
{
	unlink(ESCAPED);
}

FIXTURE_TEARDOWN(one)
{
	int status;

	if (self->pid > 0) {
		kill(self->pid, SIGKILL);
		EXPECT_TRUE(wait_for(self->pid, &status, 10000));
	}
	close(self->sandbox);
	EXPECT_EQ(0, nothing_left());
	EXPECT_EQ(-1, access(ESCAPED, F_OK));
}

/* Next line that is not TAP's; static. */
static const char *line_from(FILE *from)
{
	static char line[256];

	while (fgets(line, sizeof(line), from))
		if (strncmp(line, "TAP", 3) && strncmp(line, "1..", 3) &&
		    strncmp(line, "ok", 2))
			return line;
	return "";
}

static int start(struct _test_data_one *self, const char *how)
{
	const char *argv[] = { "blocked", how, NULL };
	struct timeval patience = { .tv_sec = 10 };
	int io[2];

	self->sandbox = sandbox_open();
	if (self->sandbox < 0 || sandbox_rule(self->sandbox, "/", 7, 0) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io))
		return -1;
	self->pid = sandbox_start(self->sandbox,
				  &(struct sandbox_start){
					  .image = beside("blocked.img"),
					  .argv = argv,
					  .in = io[1],
					  .out = io[1] });
	close(io[1]);
	self->io = io[0];
	/* Who has stopped to be a picoprocess does not answer. */
	setsockopt(self->io, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	self->from = fdopen(dup(io[0]), "r");
	return strcmp(line_from(self->from), "ready\n");
}

static char state(pid_t pid)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, text, sizeof(text)) <= 0)
		return '?';
	return strrchr(text, ')')[2];
}

static bool reaches(pid_t pid, char wanted)
{
	for (int i = 0; i < 500; i++) {
		if (state(pid) == wanted)
			return true;
		usleep(10000);
	}
	return false;
}

static void stop_and_continue(struct __test_metadata *_metadata, pid_t pid)
{
	for (int i = 0; i < 3; i++) {
		usleep(150000);
		ASSERT_EQ(0, kill(pid, SIGSTOP));
		ASSERT_TRUE(reaches(pid, 'T'));
		usleep(100000);
		ASSERT_EQ(0, kill(pid, SIGCONT));
		ASSERT_TRUE(reaches(pid, 'S'));
	}
}

static void timed(struct __test_metadata *_metadata,
		  struct _test_data_one *self, const char *how, long status)
{
	long got = 1, ms = 0;

	ASSERT_EQ(0, start(self, how));
	stop_and_continue(_metadata, self->pid);
	ASSERT_EQ(2, sscanf(line_from(self->from), "%ld %ld", &got, &ms));
	EXPECT_EQ(status, got);
	/* The time goes on while stopped, and does not start anew. */
	EXPECT_GE(ms, 1500);
	EXPECT_LT(ms, 2100);
}

TEST_F(one, stopped_in_a_wait)
{
	timed(_metadata, self, "wait", -110);
}

TEST_F(one, stopped_in_a_delay)
{
	timed(_metadata, self, "delay", 0);
}

/* A native call in place of the thread's own. */
TEST_F(one, stopped_at_an_address)
{
	timed(_metadata, self, "address", -110);
}

TEST_F(one, stopped_in_a_read)
{
	long got = 1, ms;

	ASSERT_EQ(0, start(self, "read"));
	stop_and_continue(_metadata, self->pid);
	/* Data that comes while it is stopped is not lost. */
	kill(self->pid, SIGSTOP);
	ASSERT_TRUE(reaches(self->pid, 'T'));
	ASSERT_EQ(1, write(self->io, "x", 1));
	usleep(100000);
	kill(self->pid, SIGCONT);
	ASSERT_EQ(2, sscanf(line_from(self->from), "%ld %ld", &got, &ms));
	EXPECT_EQ(0, got);
}

static void attempt_escape(struct __test_metadata *_metadata,
			   struct _test_data_one *self)
{
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(1, write(self->io, "e", 1));
		ASSERT_EQ(0, strcmp(line_from(self->from), "0\n"));
	}
	EXPECT_EQ(-1, access(ESCAPED, F_OK));
}

static void seize(struct __test_metadata *_metadata, pid_t pid)
{
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status));
}

TEST_F(one, seize_and_detach)
{
	ASSERT_EQ(0, start(self, "escape"));
	attempt_escape(_metadata, self);
	for (int i = 0; i < 3; i++) {
		seize(_metadata, self->pid);
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
		attempt_escape(_metadata, self);
	}
}

TEST_F(one, followed_as_strace_does)
{
	int status;

	ASSERT_EQ(0, start(self, "spin"));
	seize(_metadata, self->pid);
	for (int i = 0; i < 160; i++) {
		/* Single steps are exceptions, and the provider's. */
		ASSERT_EQ(0, ptrace(i % 40 < 20 ? PTRACE_SYSCALL : PTRACE_CONT,
				    self->pid, 0, 0));
		if (i % 20 == 19)
			ptrace(PTRACE_INTERRUPT, self->pid, 0, 0);
		/* Refused calls may not stop at all: only wait for a while. */
		for (int k = 0; k < 50; k++) {
			if (waitpid(self->pid, &status, __WALL | WNOHANG) > 0)
				break;
			if (k == 49) {
				ptrace(PTRACE_INTERRUPT, self->pid, 0, 0);
				ASSERT_EQ(self->pid,
					  waitpid(self->pid, &status, __WALL));
			}
			usleep(1000);
		}
		ASSERT_TRUE(WIFSTOPPED(status)) TH_LOG("0x%x", status);
	}
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
	usleep(200000);
	EXPECT_EQ('R', state(self->pid));
	/* "escaped" would have been said. */
	fcntl(self->io, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(-1, read(self->io, (char[64]){ 0 }, 64));
}

TEST_F(one, dispatch_configuration)
{
	struct sud_config off = { 0 };
	struct utsname u;
	int major = 0, minor = 0;

	ASSERT_EQ(0, uname(&u));
	sscanf(u.release, "%d.%d", &major, &minor);
	if (major < 6 || (major == 6 && minor < 4))
		SKIP(return, "this kernel has no such request");
	ASSERT_EQ(0, start(self, "escape"));
	seize(_metadata, self->pid);
	EXPECT_EQ(-1, ptrace(PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG, self->pid,
			     sizeof(off), &off));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
	attempt_escape(_metadata, self);
	/* On, with all addresses allowed, is off as well. */
	off.mode = 1;
	off.len = ~0ULL;
	seize(_metadata, self->pid);
	EXPECT_EQ(-1, ptrace(PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG, self->pid,
			     sizeof(off), &off));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
	attempt_escape(_metadata, self);
}

/* A stop in the middle of a Dk call, with registers read and set again. */
TEST_F(one, registers_of_a_blocked_call)
{
	struct user_regs_struct regs;
	long got = 1, ms;

	ASSERT_EQ(0, start(self, "read"));
	ASSERT_TRUE(reaches(self->pid, 'S'));
	seize(_metadata, self->pid);
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, 0, &regs));
	ASSERT_EQ(0, ptrace(PTRACE_SETREGS, self->pid, 0, &regs));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
	ASSERT_EQ(1, write(self->io, "x", 1));
	ASSERT_EQ(2, sscanf(line_from(self->from), "%ld %ld", &got, &ms));
	EXPECT_EQ(0, got);
}

TEST_HARNESS_MAIN
