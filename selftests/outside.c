// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reaches a picoprocess from outside: signals that it takes as exceptions
 * or does not, and the request to come to rest.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "lib/harness.h"

#define DK_ABORTED	"ABORTED"

FIXTURE(one)
{
	int sandbox, io;
	pid_t pid;
	FILE *from;
};

static const char *line_from(FILE *from)
{
	static char line[256];

	while (fgets(line, sizeof(line), from)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "TAP", 3) && strncmp(line, "1..", 3))
			return line;
	}
	return "";
}

FIXTURE_SETUP(one)
{
	struct timeval patience = { .tv_sec = 10 * slower() };
	int io[2];

	self->sandbox = sandbox_open();
	ASSERT_GE(self->sandbox, 0);
	ASSERT_EQ(0, sandbox_rule(self->sandbox, "/", 7, 0));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io));
	self->pid = sandbox_start(self->sandbox,
				  &(struct sandbox_start){
					  .image = beside("signals.img"),
					  .in = io[1],
					  .out = io[1] });
	ASSERT_GT(self->pid, 0);
	close(io[1]);
	self->io = io[0];
	setsockopt(self->io, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	self->from = fdopen(dup(io[0]), "r");
	ASSERT_STREQ("ready", line_from(self->from));
}

FIXTURE_TEARDOWN(one)
{
	fclose(self->from);
	close(self->io);
	close(self->sandbox);
	if (self->pid)
		wait_for(self->pid, NULL, 10000);
	EXPECT_EQ(0, nothing_left());
}

/* Has the process do something; it answers that it does. */
static bool ask(int io, FILE *from, const char *what)
{
	char line[64];

	snprintf(line, sizeof(line), "%s\n", what);
	return write(io, line, strlen(line)) == (ssize_t)strlen(line) &&
	       !strcmp(line_from(from), "ready");
}

#define ASK(what)	ASSERT_TRUE(ask(self->io, self->from, what))

/* It said "ready" before it waits; that it does is seen from outside. */
static bool sleeps(pid_t pid)
{
	char path[32], text[512], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int i = 0; i < 1000 * slower(); i++) {
		if (read_file(path, text, sizeof(text)) <= 0)
			return false;
		at = strrchr(text, ')');
		if (at && at[2] == 'S')
			return true;
		usleep(10000);
	}
	return false;
}

#define ASK_WAIT() do {							\
	ASK("wait");							\
	ASSERT_TRUE(sleeps(self->pid));					\
} while (0)

#define SAYS(line)	EXPECT_STREQ(line, line_from(self->from))

static bool ended_by(pid_t *pid, int signal)
{
	int status = 0;
	bool gone = wait_for(*pid, &status, 10000);

	*pid = 0;
	return gone && WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

TEST_F(one, by_default_they_act)
{
	EXPECT_EQ(0, kill(self->pid, SIGWINCH));
	EXPECT_EQ(0, kill(self->pid, SIGCHLD));
	ASK("take 0");
	EXPECT_EQ(0, kill(self->pid, SIGUSR1));
	EXPECT_TRUE(ended_by(&self->pid, SIGUSR1));
}

TEST_F(one, taken_in_a_wait)
{
	/* SIGUSR1, SIGTERM, SIGINT */
	ASK("take 16898");
	ASK_WAIT();
	EXPECT_EQ(0, kill(self->pid, SIGUSR1));
	SAYS("exception 257 10 10");
	SAYS("wait INTERRUPTED");
	/* In a read, which is made again. */
	EXPECT_EQ(0, kill(self->pid, SIGTERM));
	SAYS("exception 257 15 15");
	EXPECT_EQ(0, kill(self->pid, SIGINT));
	SAYS("exception 257 2 2");
	ASK("spin");
	EXPECT_EQ(0, kill(self->pid, SIGINT));
	SAYS("exception 257 2 2");
	SAYS("spun");
	/* Not chosen. */
	EXPECT_EQ(0, kill(self->pid, SIGHUP));
	EXPECT_TRUE(ended_by(&self->pid, SIGHUP));
}

TEST_F(one, stopped_and_continued)
{
	ASK("take 131072"); /* SIGCONT */
	ASK_WAIT();
	EXPECT_EQ(0, kill(self->pid, SIGSTOP));
	usleep(50000);
	EXPECT_EQ(0, kill(self->pid, SIGCONT));
	SAYS("exception 257 18 18");
	SAYS("wait INTERRUPTED");
}

/* Its parent sees it, and SIGCONT is shown as any signal. */
TEST_F(one, stops_itself)
{
	char line[64];
	int status;

	snprintf(line, sizeof(line), "take %d", 1 << (SIGCONT - 1));
	ASK(line);
	ASK("stop");
	EXPECT_EQ(self->pid, waitpid(self->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(SIGSTOP, WSTOPSIG(status));
	EXPECT_EQ(0, kill(self->pid, SIGCONT));
	SAYS("exception 257 18 18");
	SAYS("goes on");
	ASK("stop");
	EXPECT_EQ(self->pid, waitpid(self->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(0, kill(self->pid, SIGKILL));
	EXPECT_TRUE(ended_by(&self->pid, SIGKILL));
}

TEST_F(one, what_cannot_be_taken)
{
	char line[64];

	/* SIGKILL, SIGSTOP */
	EXPECT_EQ(9, write(self->io, "take 256\n", 9));
	SAYS("refused");
	SAYS("ready");
	snprintf(line, sizeof(line), "take %d\n", 1 << (SIGSTOP - 1));
	EXPECT_EQ(strlen(line), write(self->io, line, strlen(line)));
	SAYS("refused");
	SAYS("ready");
	EXPECT_EQ(0, kill(self->pid, SIGKILL));
	EXPECT_TRUE(ended_by(&self->pid, SIGKILL));
}

TEST_F(one, nobody_to_ask)
{
	ASK_WAIT();
	EXPECT_EQ(0, ioctl(self->sandbox, DRAWBRIDGE_IOC_ABORT));
	usleep(50000);
	/* It waits still. */
	EXPECT_EQ(0, kill(self->pid, SIGTERM));
	EXPECT_TRUE(ended_by(&self->pid, SIGTERM));
	EXPECT_EQ(0, ioctl(self->sandbox, DRAWBRIDGE_IOC_ABORT));
}

TEST_F(one, every_thread_comes_to_rest)
{
	static const char *const wanted[] = {
		"wait ABORTED", "delay ABORTED", "address ABORTED",
		"read ABORTED", "busy ABORTED",	 "again TIMEOUT",
	};
	bool seen[6] = {};

	ASK("abort");
	ASK("threads");
	EXPECT_EQ(1, ioctl(self->sandbox, DRAWBRIDGE_IOC_ABORT));
	for (int i = 0; i < 6; i++) {
		const char *line = line_from(self->from);
		int k;

		for (k = 0; k < 6 && strcmp(line, wanted[k]); k++)
			;
		EXPECT_LT(k, 6) TH_LOG("%s", line);
		if (k < 6)
			seen[k] = true;
	}
	for (int i = 0; i < 6; i++)
		EXPECT_TRUE(seen[i]);
}

/* A second request is another one; signals and requests mix. */
TEST_F(one, asked_again)
{
	ASK("take 512");
	ASK("abort");
	ASK("abort");
	for (int i = 0; i < 5; i++) {
		/* The read for the next word is what ends; it goes on. */
		ASK_WAIT();
		EXPECT_EQ(1, ioctl(self->sandbox, DRAWBRIDGE_IOC_ABORT));
		SAYS("wait " DK_ABORTED);
		ASK_WAIT();
		EXPECT_EQ(0, kill(self->pid, SIGUSR1));
		SAYS("exception 257 10 10");
		SAYS("wait INTERRUPTED");
	}
	EXPECT_EQ(4, write(self->io, "end\n", 4));
}

TEST_HARNESS_MAIN
