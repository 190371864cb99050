// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions that end a picoprocess: how, and what the kernel log says. */
#include <fcntl.h>
#include "lib/harness.h"

static const struct {
	const char *kind;
	int signal;
} kinds[] = {
	{ "segv", SIGSEGV }, { "gp", SIGSEGV }, { "exec", SIGSEGV },
	{ "int", SIGSEGV },  { "fpe", SIGFPE }, { "ill", SIGILL },
	{ "trap", SIGTRAP },
};

/* The wait status of fault.img @kind @how. */
static int fault(const char *kind, const char *how,
		 struct drawbridge_stats *stats)
{
	const char *argv[] = { "fault", kind, how, NULL };
	int fd = sandbox_open(), status = -1;
	pid_t pid;

	if (fd < 0)
		return -1;
	pid = sandbox_start(fd, &(struct sandbox_start){
					.image = beside("fault.img"),
					.argv = argv });
	if (pid < 0)
		return -1;
	if (!wait_for(pid, &status, 20000)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		status = -2;
	}
	sandbox_stats(fd, stats);
	close(fd);
	return status;
}

static void quiet(struct __test_metadata *_metadata, int log)
{
	char *said = kmsg_since(log);

	EXPECT_EQ(NULL, strstr(said, "segfault"));
	EXPECT_EQ(NULL, strstr(said, "traps:"));
	EXPECT_EQ(0, strlen(said)) TH_LOG("%s", said);
	free(said);
	EXPECT_EQ(0, nothing_left());
}

TEST(with_the_default_handler)
{
	struct drawbridge_stats stats;
	int log = kmsg_open();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int status = fault(kinds[i].kind, "", &stats);

		EXPECT_TRUE(WIFEXITED(status))
		TH_LOG("%s: 0x%x", kinds[i].kind, status);
		EXPECT_EQ(128 + kinds[i].signal, WEXITSTATUS(status))
		TH_LOG("%s", kinds[i].kind);
		EXPECT_EQ(1, stats.exceptions);
		EXPECT_EQ(128 + kinds[i].signal, stats.exit_code);
	}
	quiet(_metadata, log);
}

TEST(without_a_handler)
{
	struct drawbridge_stats stats;
	int log = kmsg_open();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int status = fault(kinds[i].kind, "none", &stats);

		EXPECT_TRUE(WIFSIGNALED(status))
		TH_LOG("%s: 0x%x", kinds[i].kind, status);
		EXPECT_EQ(kinds[i].signal, WTERMSIG(status))
		TH_LOG("%s", kinds[i].kind);
		EXPECT_EQ(1, stats.exited);
		EXPECT_EQ(kinds[i].signal, stats.exit_signal);
	}
	quiet(_metadata, log);
}

TEST(on_another_thread)
{
	struct drawbridge_stats stats;
	int log = kmsg_open(), status;

	status = fault("segv", "thread", &stats);
	EXPECT_EQ(128 + SIGSEGV, WEXITSTATUS(status));
	status = fault("ill", "thread", &stats);
	EXPECT_EQ(128 + SIGILL, WEXITSTATUS(status));
	quiet(_metadata, log);
}

/* No usable stack, or a handler that faults for ever: the end, not a loop. */
TEST(no_usable_stack)
{
	static const char *const hows[] = { "stack", "exception-stack",
					    "loop" };
	struct drawbridge_stats stats;
	int log = kmsg_open();

	for (size_t i = 0; i < ARRAY_SIZE(hows); i++) {
		int status = fault("segv", hows[i], &stats);

		EXPECT_NE(-2, status) TH_LOG("%s does not end", hows[i]);
		EXPECT_TRUE(WIFSIGNALED(status))
		TH_LOG("%s: 0x%x", hows[i], status);
		EXPECT_EQ(1, stats.exited);
	}
	quiet(_metadata, log);
}

TEST(picoexec_exit_codes)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (int none = 0; none < 2; none++) {
			const char *argv[] = {
				picoexec(),	      "--image",
				beside("fault.img"),  kinds[i].kind,
				none ? "none" : NULL, NULL
			};
			struct run run;

			ASSERT_EQ(0, run_program(argv, NULL, 0, &run));
			EXPECT_EQ(128 + kinds[i].signal, run_exit_code(&run))
			TH_LOG("%s: %s", kinds[i].kind, run.err);
			run_free(&run);
		}
	}
	EXPECT_EQ(0, nothing_left());
}

TEST_HARNESS_MAIN
