// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several processes in a sandbox, as they look from outside: whose end is the
 * sandbox's, what a kill reaches, and that nothing stays behind.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include "lib/harness.h"

FIXTURE(clones)
{
	int sandbox, in, out;
	pid_t pid;
};

FIXTURE_SETUP(clones)
{
	self->sandbox = sandbox_open();
	ASSERT_GE(self->sandbox, 0);
	self->pid = 0;
	self->in = self->out = -1;
}

FIXTURE_TEARDOWN(clones)
{
	int status;

	close(self->in);
	close(self->sandbox);
	if (self->pid)
		wait_for(self->pid, &status, 10000);
	close(self->out);
	EXPECT_EQ(0, nothing_left());
}

static bool start(FIXTURE_DATA(clones) * self, const char *how)
{
	const char *argv[] = { "clones", how, beside("clones.img"), NULL };
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return false;
	self->in = in[1];
	self->out = out[0];
	self->pid = sandbox_start(self->sandbox,
				  &(struct sandbox_start){
					  .image = beside("clones.img"),
					  .argv = argv,
					  .in = in[0],
					  .out = out[1] });
	close(in[0]);
	close(out[1]);
	return self->pid > 0;
}

/* Reads one line; "" at the end. */
static const char *line(FIXTURE_DATA(clones) * self)
{
	static char text[64];
	size_t n = 0;

	while (n + 1 < sizeof(text) && read(self->out, text + n, 1) == 1 &&
	       text[n] != '\n')
		n++;
	text[n] = '\0';
	return text;
}

static unsigned int processes(FIXTURE_DATA(clones) * self)
{
	struct drawbridge_stats stats;

	if (sandbox_stats(self->sandbox, &stats))
		return -1;
	return stats.processes;
}

static bool processes_become(FIXTURE_DATA(clones) * self, unsigned int count)
{
	for (int i = 0; i < 1000; i++) {
		if (processes(self) == count)
			return true;
		usleep(10000 * slower());
	}
	return false;
}

/* Tasks that have ended and wait for a parent which is a picoprocess. */
static int zombies_of(pid_t parent)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(proc))) {
		char path[300], text[512], state;
		int pid, ppid;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    read_file(path, text, sizeof(text)) <= 0)
			continue;
		if (sscanf(text, "%d %*s %c %d", &pid, &state, &ppid) == 3)
			count += ppid == parent && state == 'Z';
	}
	closedir(proc);
	return count;
}

TEST_F(clones, the_first_may_end_before_the_others)
{
	struct drawbridge_stats stats;
	int status;

	ASSERT_TRUE(start(self, "orphans"));
	EXPECT_STREQ("first", line(self));
	ASSERT_TRUE(wait_for(self->pid, &status, 10000));
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	self->pid = 0;
	EXPECT_TRUE(processes_become(self, 1));
	ASSERT_EQ(0, sandbox_stats(self->sandbox, &stats));
	EXPECT_EQ(1, stats.exited);
	EXPECT_EQ(3, stats.exit_code);
	usleep(100000);
	EXPECT_EQ(1, processes(self));
	/* The other one's end is not the sandbox's. */
	close(self->in);
	self->in = -1;
	EXPECT_STREQ("orphan", line(self));
	EXPECT_TRUE(processes_become(self, 0));
	ASSERT_EQ(0, sandbox_stats(self->sandbox, &stats));
	EXPECT_EQ(3, stats.exit_code);
}

TEST_F(clones, the_sandbox_file_ends_them_all)
{
	int status;

	ASSERT_TRUE(start(self, "orphans"));
	EXPECT_STREQ("first", line(self));
	ASSERT_TRUE(wait_for(self->pid, &status, 10000));
	self->pid = 0;
	EXPECT_TRUE(processes_become(self, 1));
	close(self->sandbox);
	self->sandbox = -1;
	/* Killed: it says nothing. */
	EXPECT_STREQ("", line(self));
}

TEST_F(clones, a_kill_reaches_those_that_are_being_made)
{
	for (int i = 0; i < 30; i++) {
		int status;

		ASSERT_TRUE(start(self, "storm"));
		EXPECT_STREQ("ready", line(self));
		usleep(1000 * slower() * i);
		ASSERT_EQ(0, ioctl(self->sandbox, DRAWBRIDGE_IOC_KILL));
		ASSERT_TRUE(processes_become(self, 0));
		ASSERT_TRUE(wait_for(self->pid, &status, 10000));
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		self->pid = 0;
		close(self->in);
		close(self->out);
		close(self->sandbox);
		EXPECT_EQ(0, nothing_left());
		self->sandbox = sandbox_open();
		ASSERT_GE(self->sandbox, 0);
	}
}

TEST_F(clones, so_does_the_monitors_end)
{
	for (int i = 0; i < 30; i++) {
		int status;

		ASSERT_TRUE(start(self, "storm"));
		EXPECT_STREQ("ready", line(self));
		usleep(1000 * slower() * i);
		close(self->sandbox);
		ASSERT_TRUE(wait_for(self->pid, &status, 10000));
		self->pid = 0;
		close(self->in);
		close(self->out);
		ASSERT_EQ(0, nothing_left());
		self->sandbox = sandbox_open();
		ASSERT_GE(self->sandbox, 0);
	}
}

static bool prepare_new(int sandbox)
{
	const struct drawbridge_limits limits = { .processes = 20 };

	return !sandbox_rule(sandbox, "/", DK_ACCESS_READ | DK_ACCESS_EXECUTE,
			     0) &&
	       !ioctl(sandbox, DRAWBRIDGE_IOC_LIMITS, &limits);
}

/* New processes, some of which have not begun, and the kill and the end. */
TEST_F(clones, new_ones_are_killed_with_all)
{
	for (int i = 0; i < 20; i++) {
		struct drawbridge_stats stats;
		int status;

		ASSERT_TRUE(prepare_new(self->sandbox));
		ASSERT_TRUE(start(self, "new"));
		EXPECT_STREQ("ready", line(self));
		usleep(2000 * slower() * i);
		if (i % 2) {
			ASSERT_EQ(0, ioctl(self->sandbox, DRAWBRIDGE_IOC_KILL));
			ASSERT_TRUE(processes_become(self, 0));
			ASSERT_EQ(0, sandbox_stats(self->sandbox, &stats));
			EXPECT_EQ(0, stats.unlisted_statuses);
			EXPECT_EQ(0, stats.handles);
		}
		close(self->sandbox);
		ASSERT_TRUE(wait_for(self->pid, &status, 10000));
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		self->pid = 0;
		close(self->in);
		close(self->out);
		EXPECT_EQ(0, nothing_left());
		self->sandbox = sandbox_open();
		ASSERT_GE(self->sandbox, 0);
	}
}

TEST_F(clones, the_first_ones_death_is_its_own)
{
	int status;

	ASSERT_TRUE(start(self, "storm"));
	EXPECT_STREQ("ready", line(self));
	usleep(50000 * slower());
	kill(self->pid, SIGKILL);
	ASSERT_TRUE(wait_for(self->pid, &status, 10000));
	self->pid = 0;
	ASSERT_EQ(0, ioctl(self->sandbox, DRAWBRIDGE_IOC_KILL));
	EXPECT_TRUE(processes_become(self, 0));
}

TEST_F(clones, no_zombies_outside)
{
	int status;

	ASSERT_TRUE(start(self, "children"));
	EXPECT_STREQ("ready", line(self));
	EXPECT_TRUE(processes_become(self, 1));
	EXPECT_EQ(0, zombies_of(self->pid));
	close(self->in);
	self->in = -1;
	ASSERT_TRUE(wait_for(self->pid, &status, 10000));
	self->pid = 0;
	EXPECT_EQ(0, status);
}

static bool set_limit(const char *text)
{
	int fd = open("/proc/sys/kernel/threads-max", O_WRONLY);
	bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

/* The host has as many threads as it may have. */
TEST_F(clones, too_many)
{
	char before[32] = "";

	ASSERT_LT(0, read_file("/proc/sys/kernel/threads-max", before,
			       sizeof(before)));
	ASSERT_TRUE(start(self, "ask"));
	EXPECT_STREQ("ready", line(self));
	ASSERT_EQ(1, write(self->in, "x", 1));
	EXPECT_STREQ("ok", line(self));
	ASSERT_TRUE(set_limit("20"));
	EXPECT_EQ(1, write(self->in, "x", 1));
	EXPECT_STREQ("would block", line(self));
	ASSERT_TRUE(set_limit(before));
	ASSERT_EQ(1, write(self->in, "x", 1));
	EXPECT_STREQ("ok", line(self));
	EXPECT_EQ(1, processes(self));
}

TEST_HARNESS_MAIN
