// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boundary, seen from outside: while and after an image has tried every
 * native system call (images/boundary.c, images/first.S), nothing native has
 * happened.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "lib/harness.h"

FIXTURE(boundary)
{
	char folder[64];
	pid_t bait;
	int log;
};

static void put(const char *folder, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
	if (fd < 0 || write(fd, "unchanged\n", 10) != 10)
		abort();
	close(fd);
}

FIXTURE_SETUP(boundary)
{
	sigset_t all;

	snprintf(self->folder, sizeof(self->folder),
		 "/dev/shm/pico-boundary.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->folder));
	put(self->folder, "old");
	put(self->folder, "old2");
	/* Signals that reach the bait stay pending, to be seen. */
	self->bait = fork();
	ASSERT_GE(self->bait, 0);
	if (self->bait == 0) {
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		for (;;)
			pause();
	}
	self->log = kmsg_open();
}

FIXTURE_TEARDOWN(boundary)
{
	char command[128];

	kill(self->bait, SIGKILL);
	snprintf(command, sizeof(command), "rm -rf %s", self->folder);
	EXPECT_EQ(0, system(command));
	unlink("/dev/shm/pico-first-created");
}

static unsigned long status_field(pid_t pid, const char *field, int base)
{
	char path[64], text[8192], *at;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file(path, text, sizeof(text)) < 0)
		return ~0UL;
	at = strstr(text, field);
	return at ? strtoul(at + strlen(field), NULL, base) : ~0UL;
}

static int entries(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

/* Children of a process, as its threads list them. */
static int children(pid_t pid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	return read_file(path, text, sizeof(text));
}

static int allow_all(int fd, const char *folder)
{
	return sandbox_rule(fd, "/",
			    DK_ACCESS_READ | DK_ACCESS_WRITE |
				    DK_ACCESS_EXECUTE,
			    0);
}

static void check_nothing_happened(struct __test_metadata *_metadata,
				   struct _test_data_boundary *self)
{
	char path[128], text[64];
	struct stat st;
	const char *const names[] = { "old", "old2" };

	EXPECT_EQ(2, entries(self->folder));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", self->folder, names[i]);
		EXPECT_EQ(10, read_file(path, text, sizeof(text)));
		EXPECT_EQ(0, strcmp(text, "unchanged\n"));
		EXPECT_EQ(0, stat(path, &st));
		EXPECT_EQ(0600, st.st_mode & 07777);
		EXPECT_EQ(1, st.st_nlink);
	}
	EXPECT_EQ(0, kill(self->bait, 0));
	EXPECT_EQ(0, status_field(self->bait, "ShdPnd:", 16));
	EXPECT_EQ(0, status_field(self->bait, "SigPnd:", 16));
	EXPECT_EQ(0, waitpid(self->bait, NULL, WNOHANG));
}

TEST_F_TIMEOUT(boundary, every_call, 240)
{
	char pid_text[16], line[512], fds[64];
	const char *argv[] = { "boundary", self->folder, "", pid_text, NULL };
	struct drawbridge_stats stats;
	int sandbox, in[2], out[2], status = -1, ok = 0, not_ok = 0;
	static struct lines lines;
	pid_t pid;

	snprintf(pid_text, sizeof(pid_text), "%d", self->bait);
	sandbox = sandbox_open();
	ASSERT_GE(sandbox, 0);
	ASSERT_EQ(0, allow_all(sandbox, self->folder));
	ASSERT_EQ(0, pipe2(in, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	pid = sandbox_start(sandbox, &(struct sandbox_start){
					     .image = beside("boundary.img"),
					     .argv = argv,
					     .in = in[0],
					     .out = out[1],
					     .err = out[1] });
	ASSERT_GT(pid, 0);
	close(out[1]);
	snprintf(fds, sizeof(fds), "/proc/%d/fd", pid);
	lines.fd = out[0];
	lines.pid = pid;
	while (next_line(&lines, line, sizeof(line))) {
		ok += !strncmp(line, "ok ", 3);
		not_ok += !strncmp(line, "not ok ", 7);
		/* Only whole lines of the frame are expected here. */
		EXPECT_EQ(NULL, strstr(line, "leaked"));
		EXPECT_LE(entries(fds), 0);
		EXPECT_LE(children(pid), 0);
		TH_LOG("%.*s", (int)strcspn(line, "\n"), line);
	}
	status = lines.status;
	EXPECT_EQ(0, not_ok);
	EXPECT_EQ(11, ok);
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, sandbox_stats(sandbox, &stats));
	/* They came, and were refused. */
	EXPECT_GE(stats.refused_calls, 40000);
	EXPECT_EQ(0, stats.system_calls);
	check_nothing_happened(_metadata, self);
	close(sandbox);
	EXPECT_EQ(0, nothing_left());
	EXPECT_EQ(0, strlen(kmsg_since(self->log)));
}

static volatile sig_atomic_t got_signal;

static void on_signal(int number)
{
	got_signal = number;
}

TEST_F(boundary, first_instruction)
{
	int sandbox, out[2], status = -1;
	char text[64] = "";
	pid_t pid;

	for (int i = 1; i < 32; i++)
		if (i != SIGCHLD && i != SIGKILL && i != SIGSTOP &&
		    i != SIGALRM)
			signal(i, on_signal);
	sandbox = sandbox_open();
	ASSERT_GE(sandbox, 0);
	ASSERT_EQ(0, allow_all(sandbox, self->folder));
	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	pid = sandbox_start(sandbox, &(struct sandbox_start){
					     .image = beside("first.img"),
					     .out = out[1] });
	ASSERT_GT(pid, 0);
	close(out[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	EXPECT_LE(read(out[0], text, sizeof(text)), 0);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(38, WEXITSTATUS(status));
	EXPECT_EQ(-1, access("/dev/shm/pico-first-created", F_OK));
	EXPECT_EQ(0, got_signal);
	check_nothing_happened(_metadata, self);
}

/* The same by way of the launcher that users have. */
TEST_F(boundary, first_instruction_under_picoexec)
{
	const char *argv[] = { picoexec(), "--image", beside("first.img"),
			       NULL };
	struct run run;

	ASSERT_EQ(0, run_program(argv, NULL, 0, &run));
	EXPECT_EQ(38, run_exit_code(&run)) TH_LOG("%s", run.err);
	EXPECT_EQ(0, run.out_size);
	EXPECT_EQ(-1, access("/dev/shm/pico-first-created", F_OK));
	run_free(&run);
}

TEST_HARNESS_MAIN
