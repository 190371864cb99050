// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limits of a sandbox: what is refused, with which status, that nothing
 * else is, and that giving back counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "lib/harness.h"

#define MB	(1ULL << 20)
#define SECOND	1000000000ULL

struct outcome {
	long long got, status, again, then;
	int wait_status;
	struct drawbridge_stats stats;
};

/* limits.img @how under @limits; false if it could not be started. */
static bool run(const struct drawbridge_limits *limits, const char *how,
		struct outcome *outcome)
{
	const char *argv[] = { "limits", how, "", beside("limits.img"), NULL };
	int fd = sandbox_open(), pipes[2];
	struct lines lines = { 0 };
	char line[256];
	pid_t pid;

	memset(outcome, 0x5a, sizeof(*outcome));
	if (fd < 0 || pipe2(pipes, O_CLOEXEC) ||
	    sandbox_rule(fd, "/", DK_ACCESS_READ | DK_ACCESS_EXECUTE, 0) ||
	    ioctl(fd, DRAWBRIDGE_IOC_LIMITS, limits))
		return false;
	pid = sandbox_start(fd, &(struct sandbox_start){
					.image = beside("limits.img"),
					.argv = argv,
					.out = pipes[1],
					.err = 2 });
	if (pid < 0)
		return false;
	close(pipes[1]);
	lines.fd = pipes[0];
	lines.pid = pid;
	while (next_line(&lines, line, sizeof(line))) {
		if (keep_seen("limits", line))
			continue;
		if (line[0] == '#')
			puts(line);
		sscanf(line, "got %lld status %lld", &outcome->got,
		       &outcome->status);
		sscanf(line, "again %lld", &outcome->again);
		sscanf(line, "then %lld", &outcome->then);
	}
	outcome->wait_status = lines.status;
	sandbox_stats(fd, &outcome->stats);
	close(pipes[0]);
	close(fd);
	return true;
}

/* @how is refused with @status when it has about @most, and @least at least. */
static void refused(struct __test_metadata *_metadata,
		    const struct drawbridge_limits *limits, const char *how,
		    long long least, long long most, long long status)
{
	struct outcome outcome;

	ASSERT_TRUE(run(limits, how, &outcome)) TH_LOG("%m");
	EXPECT_LE(least, outcome.got) TH_LOG("%s", how);
	EXPECT_GE(most, outcome.got) TH_LOG("%s", how);
	EXPECT_EQ(status, outcome.status) TH_LOG("%s", how);
	EXPECT_EQ(0, outcome.again) TH_LOG("%s", how);
	EXPECT_EQ(status, outcome.then) TH_LOG("%s", how);
	EXPECT_EQ(0, outcome.wait_status) TH_LOG("%s", how);
	EXPECT_EQ(2, outcome.stats.limit_refusals) TH_LOG("%s", how);
	EXPECT_EQ(0, outcome.stats.ended_by);
	EXPECT_EQ(0, outcome.stats.unlisted_statuses);
	EXPECT_EQ(0, outcome.stats.handles);
	EXPECT_EQ(0, outcome.stats.memory);
	EXPECT_EQ(0, nothing_left());
}

TEST(memory)
{
	const struct drawbridge_limits limits = { .memory = 64 * MB };

	refused(_metadata, &limits, "memory", 58, 63, DK_STATUS_NO_MEMORY);
}

TEST(reserved_memory_counts_when_committed)
{
	const struct drawbridge_limits limits = { .memory = 64 * MB };

	refused(_metadata, &limits, "commit", 58, 63, DK_STATUS_NO_MEMORY);
}

TEST(read_only_memory_counts_when_made_writable)
{
	const struct drawbridge_limits limits = { .memory = 64 * MB };

	refused(_metadata, &limits, "protect", 58, 63, DK_STATUS_NO_MEMORY);
}

TEST(private_mappings_of_files_count)
{
	const struct drawbridge_limits limits = { .memory = 64 * MB };

	refused(_metadata, &limits, "map", 58, 63, DK_STATUS_NO_MEMORY);
}

TEST(shared_memory_counts)
{
	const struct drawbridge_limits limits = { .memory = 64 * MB };

	refused(_metadata, &limits, "shared", 58, 63, DK_STATUS_NO_MEMORY);
}

/* What the image has looked at itself, and found nothing wrong. */
static void looked_at(struct __test_metadata *_metadata, const char *how)
{
	const struct drawbridge_limits limits = { .memory = 64 * MB,
						  .handles = 100 };
	struct outcome outcome;

	ASSERT_TRUE(run(&limits, how, &outcome));
	EXPECT_EQ(0, outcome.got);
	EXPECT_EQ(0, outcome.wait_status);
	EXPECT_EQ(0, outcome.stats.memory);
	EXPECT_EQ(0, outcome.stats.handles);
	EXPECT_EQ(0, nothing_left());
}

TEST(shared_memory_counts_once)
{
	looked_at(_metadata, "sharing");
}

TEST(moved_memory)
{
	looked_at(_metadata, "moving");
}

TEST(made_writable_by_several_threads)
{
	looked_at(_metadata, "together");
}

TEST(made_writable_to_no_end)
{
	looked_at(_metadata, "overlong");
}

TEST(connections_that_wait)
{
	looked_at(_metadata, "queues");
}

TEST(handles)
{
	const struct drawbridge_limits limits = { .handles = 100 };

	refused(_metadata, &limits, "handles", 80, 97,
		DK_STATUS_TOO_MANY_HANDLES);
}

/* Each on its way counts as one; to take one out needs room for a handle. */
TEST(handles_in_messages)
{
	const struct drawbridge_limits limits = { .handles = 100 };
	struct outcome outcome;

	ASSERT_TRUE(run(&limits, "parcels", &outcome));
	EXPECT_LE(80, outcome.got);
	EXPECT_GE(97, outcome.got);
	EXPECT_EQ(DK_STATUS_TOO_MANY_HANDLES, outcome.status);
	EXPECT_EQ(0, outcome.again);
	EXPECT_EQ(DK_STATUS_TOO_MANY_HANDLES, outcome.then);
	EXPECT_EQ(0, outcome.wait_status);
	EXPECT_EQ(0, outcome.stats.handles);
	EXPECT_EQ(0, nothing_left());
}

TEST(threads)
{
	const struct drawbridge_limits limits = { .threads = 20 };

	refused(_metadata, &limits, "threads", 19, 19,
		DK_STATUS_LIMIT_EXCEEDED);
}

TEST(copies_of_processes)
{
	const struct drawbridge_limits limits = { .processes = 5 };

	refused(_metadata, &limits, "processes", 4, 4,
		DK_STATUS_LIMIT_EXCEEDED);
}

TEST(new_processes)
{
	const struct drawbridge_limits limits = { .processes = 5 };

	refused(_metadata, &limits, "children", 4, 4, DK_STATUS_LIMIT_EXCEEDED);
}

TEST(threads_of_new_processes)
{
	const struct drawbridge_limits limits = { .threads = 5 };

	refused(_metadata, &limits, "children", 4, 4, DK_STATUS_LIMIT_EXCEEDED);
}

/*
 * Three are the first's own, one an event, which is given; two the child's own,
 * and one of it.
 */
TEST(handles_of_new_processes)
{
	struct drawbridge_limits limits = { 0 };
	struct outcome outcome;

	for (limits.handles = 4; limits.handles < 8; limits.handles++) {
		ASSERT_TRUE(run(&limits, "children", &outcome));
		EXPECT_EQ(0, outcome.got);
		EXPECT_EQ(DK_STATUS_TOO_MANY_HANDLES, outcome.status);
		EXPECT_EQ(0, outcome.wait_status);
		EXPECT_EQ(0, outcome.stats.handles);
		EXPECT_EQ(0, outcome.stats.processes);
		EXPECT_EQ(0, nothing_left());
	}
}

TEST(memory_of_clones)
{
	const struct drawbridge_limits limits = { .memory = 20 * MB };

	refused(_metadata, &limits, "processes", 2, 18, DK_STATUS_NO_MEMORY);
}

TEST(memory_of_new_processes)
{
	const struct drawbridge_limits limits = { .memory = 20 * MB };

	refused(_metadata, &limits, "children", 8, 18, DK_STATUS_NO_MEMORY);
}

TEST(no_limit)
{
	const struct drawbridge_limits limits = { 0 };
	struct outcome outcome;

	ASSERT_TRUE(run(&limits, "handles", &outcome));
	EXPECT_EQ(4096, outcome.got);
	EXPECT_EQ(0, outcome.status);
	EXPECT_EQ(0, outcome.stats.limit_refusals);
}

TEST(processor_time)
{
	const struct drawbridge_limits limits = { .cpu_time = SECOND };
	struct outcome outcome;

	ASSERT_TRUE(run(&limits, "spin", &outcome));
	ASSERT_TRUE(WIFSIGNALED(outcome.wait_status));
	EXPECT_EQ(SIGXCPU, WTERMSIG(outcome.wait_status));
	EXPECT_EQ(DRAWBRIDGE_END_CPU_TIME, outcome.stats.ended_by);
	EXPECT_EQ(SIGXCPU, outcome.stats.exit_signal);
	EXPECT_LE(SECOND, outcome.stats.cpu_time);
	EXPECT_GE(2 * SECOND * slower(), outcome.stats.cpu_time);
	EXPECT_EQ(0, nothing_left());
}

TEST(processor_time_not_used_up)
{
	const struct drawbridge_limits limits = { .cpu_time = 3600 * SECOND };
	struct outcome outcome;

	ASSERT_TRUE(run(&limits, "handles", &outcome));
	EXPECT_EQ(0, outcome.wait_status);
	EXPECT_EQ(0, outcome.stats.ended_by);
	EXPECT_LT(0, outcome.stats.cpu_time);
	EXPECT_EQ(0, nothing_left());
}

TEST(limits_are_fixed_by_the_start)
{
	const struct drawbridge_limits limits = { .processes = 1 };
	struct drawbridge_limits again = { .processes = 0 };
	int fd = sandbox_open();
	int status;
	pid_t pid;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, sandbox_rule(fd, "/", DK_ACCESS_READ, 0));
	ASSERT_EQ(0, ioctl(fd, DRAWBRIDGE_IOC_LIMITS, &limits));
	pid = sandbox_start(fd, &(struct sandbox_start){
					.image = beside("idle.img") });
	ASSERT_LT(0, pid);
	EXPECT_EQ(-1, ioctl(fd, DRAWBRIDGE_IOC_LIMITS, &again));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(-1, ioctl(fd, DRAWBRIDGE_IOC_LIMITS, NULL));
	EXPECT_EQ(EFAULT, errno);
	kill(pid, SIGKILL);
	EXPECT_TRUE(wait_for(pid, &status, 10000));
	close(fd);
	EXPECT_EQ(0, nothing_left());
}

TEST_HARNESS_MAIN
