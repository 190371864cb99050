// SPDX-License-Identifier: GPL-2.0-only
/* The sample provider "filter": rules, the log, and who ends whom. */
#include <asm/unistd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include "lib/harness.h"
#include "lib/sample.h"

FIXTURE(filter)
{
	int fd;
};

FIXTURE_SETUP(filter)
{
	ASSERT_EQ(0, sample_module("filter", true));
	self->fd = sample_open("filter");
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(filter)
{
	close(self->fd);
	EXPECT_EQ(0, nothing_left());
	EXPECT_EQ(0, sample_module("filter", false));
}

static int rule(int fd, unsigned int number, unsigned int action, int64_t value)
{
	struct pico_filter_rule r = {
		.number = number,
		.action = action,
		.value = value,
	};

	return ioctl(fd, PICO_FILTER_IOC_RULE, &r) ? errno : 0;
}

/* Start the program "sample_calls" to do one thing. */
static pid_t start(int fd, const char *what)
{
	char strings[64];
	struct pico_sample_program program = {
		.file = open(beside("sample_calls"), O_RDONLY | O_CLOEXEC),
		.argument_count = 2,
		.strings_length =
			sprintf(strings, "sample_calls%c%s", 0, what) + 1,
		.strings = (uintptr_t)strings,
	};
	int result = ioctl(fd, PICO_SAMPLE_IOC_PROGRAM, &program);

	close(program.file);
	return result ? -1 : sample_start(fd);
}

static int run(int fd, const char *what)
{
	int status = sample_wait(start(fd, what), 30000);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

TEST_F(filter, bad_rules)
{
	const unsigned int all = PICO_FILTER_ALL, log = PICO_FILTER_LOG;

	EXPECT_EQ(EINVAL, rule(self->fd, PICO_FILTER_CALLS, 1, 0));
	EXPECT_EQ(EINVAL, rule(self->fd, all - 1, 1, 0));
	EXPECT_EQ(EINVAL, rule(self->fd, 0, 5, 0));
	EXPECT_EQ(EINVAL, rule(self->fd, 0, 0x200, 0));
	EXPECT_EQ(EINVAL, rule(self->fd, 0, ~0u, 0));
	EXPECT_EQ(EINVAL, rule(self->fd, 0, PICO_FILTER_DEFAULT, 1));
	EXPECT_EQ(EINVAL, rule(self->fd, all, PICO_FILTER_DEFAULT, 0));
	EXPECT_EQ(EINVAL, rule(self->fd, all, PICO_FILTER_DEFAULT | log, 0));
	EXPECT_EQ(EINVAL, rule(self->fd, 0, PICO_FILTER_ALLOW, 1));
	EXPECT_EQ(EINVAL, rule(self->fd, 0, PICO_FILTER_DENY, 0));
	EXPECT_EQ(EINVAL, rule(self->fd, 0, PICO_FILTER_DENY, -1));
	EXPECT_EQ(EINVAL, rule(self->fd, 0, PICO_FILTER_DENY, 4096));
	EXPECT_EQ(EINVAL, rule(self->fd, 0, PICO_FILTER_NUMBER, -1));
	EXPECT_EQ(EINVAL,
		  rule(self->fd, 0, PICO_FILTER_NUMBER, PICO_FILTER_CALLS));
	EXPECT_EQ(-1, ioctl(self->fd, PICO_FILTER_IOC_RULE, 8));
	EXPECT_EQ(EFAULT, errno);
	/* None of them changed anything. */
	EXPECT_EQ(0, run(self->fd, "getppid"));
}

TEST_F(filter, rules_are_final)
{
	ASSERT_EQ(0, rule(self->fd, 0, PICO_FILTER_ALLOW, 0));
	ASSERT_EQ(0, run(self->fd, "nothing"));
	EXPECT_EQ(EBUSY, rule(self->fd, 0, PICO_FILTER_ALLOW, 0));
	EXPECT_EQ(EBUSY, rule(self->fd, PICO_FILTER_ALL, PICO_FILTER_ALLOW, 0));
}

TEST_F(filter, deny)
{
	ASSERT_EQ(0, rule(self->fd, __NR_getppid, PICO_FILTER_DENY, EXDEV));
	EXPECT_EQ(EXDEV, run(self->fd, "getppid"));
}

TEST_F(filter, answer)
{
	ASSERT_EQ(0, rule(self->fd, __NR_getppid, PICO_FILTER_ANSWER, -EXDEV));
	EXPECT_EQ(EXDEV, run(self->fd, "getppid"));
}

/* The kernel's own "restart" is only a number here. */
TEST_F(filter, answer_512)
{
	ASSERT_EQ(0, rule(self->fd, __NR_getppid, PICO_FILTER_ANSWER, -512));
	EXPECT_EQ(512 & 0xff, run(self->fd, "getppid"));
}

TEST_F(filter, replace)
{
	ASSERT_EQ(0,
		  rule(self->fd, __NR_getppid, PICO_FILTER_NUMBER, __NR_read));
	EXPECT_EQ(EBADF, run(self->fd, "getppid"));
}

/* A replacement is made as if it had been the call: by the filter, too. */
TEST_F(filter, replace_by_what_is_not_passed_on)
{
	ASSERT_EQ(0, rule(self->fd, __NR_getppid, PICO_FILTER_NUMBER,
			  __NR_execve));
	EXPECT_EQ(EPERM, run(self->fd, "getppid"));
}

TEST_F(filter, default_rule)
{
	ASSERT_EQ(0, rule(self->fd, PICO_FILTER_ALL, PICO_FILTER_DENY, EXDEV));
	ASSERT_EQ(0, rule(self->fd, __NR_exit_group, PICO_FILTER_ALLOW, 0));
	ASSERT_EQ(0, rule(self->fd, __NR_arch_prctl, PICO_FILTER_ALLOW, 0));
	ASSERT_EQ(0, rule(self->fd, __NR_mmap, PICO_FILTER_ALLOW, 0));
	ASSERT_EQ(0, rule(self->fd, __NR_mprotect, PICO_FILTER_ALLOW, 0));
	EXPECT_EQ(EXDEV, run(self->fd, "getppid"));
}

TEST_F(filter, numbers_of_other_tables)
{
	EXPECT_EQ(0, run(self->fd, "numbers"));
}

TEST_F(filter, threads_and_processes)
{
	EXPECT_EQ(0, run(self->fd, "threads"));
	EXPECT_EQ(0, run(self->fd, "processes"));
	EXPECT_EQ(0, run(self->fd, "signals"));
	EXPECT_EQ(0, run(self->fd, "memory"));
	EXPECT_EQ(0, run(self->fd, "refused"));
}

TEST_F(filter, an_exception_kills)
{
	int status = sample_wait(start(self->fd, "crash"), 10000);

	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGSEGV, WTERMSIG(status));
}

static int read_log(int fd, void *records, unsigned int *count, uint64_t *lost)
{
	struct pico_filter_read read = {
		.records = (uintptr_t)records,
		.count = *count,
		.lost = 0xee,
	};

	if (ioctl(fd, PICO_FILTER_IOC_READ, &read))
		return errno;
	*count = read.count;
	*lost = read.lost;
	return 0;
}

TEST_F(filter, log_is_empty_without_a_process)
{
	struct pico_filter_record record;
	unsigned int count = 1;
	static uint64_t lost;

	ASSERT_EQ(0, read_log(self->fd, &record, &count, &lost));
	EXPECT_EQ(0, count);
	EXPECT_EQ(0, lost);
}

TEST_F(filter, bad_reads)
{
	struct pico_filter_record record = { .tid = 0xee };
	struct pico_filter_read read = { .count = 1 };
	unsigned int count = 0;
	uint64_t lost;

	ASSERT_EQ(0, rule(self->fd, __NR_getppid,
			  PICO_FILTER_LOG | PICO_FILTER_ALLOW, 0));
	ASSERT_EQ(0, run(self->fd, "getppid"));
	EXPECT_EQ(EINVAL, read_log(self->fd, &record, &count, &lost));
	read.reserved = 1;
	EXPECT_EQ(-1, ioctl(self->fd, PICO_FILTER_IOC_READ, &read));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, PICO_FILTER_IOC_READ, 8));
	EXPECT_EQ(EFAULT, errno);
	count = 1;
	EXPECT_EQ(EFAULT, read_log(self->fd, (void *)8, &count, &lost));
	EXPECT_EQ(0xee, record.tid);
	/* The record is still there; room is not limited by the log's size. */
	count = ~0u;
	EXPECT_EQ(0, read_log(self->fd, &record, &count, &lost));
	EXPECT_EQ(1, count);
}

TEST_F(filter, log_has_what_was_called)
{
	struct pico_filter_record records[4];
	unsigned int count = 4;
	uint64_t lost;
	pid_t pid;

	ASSERT_EQ(0, rule(self->fd, __NR_getppid,
			  PICO_FILTER_LOG | PICO_FILTER_DENY, EXDEV));
	pid = start(self->fd, "getppid");
	ASSERT_EQ(EXDEV << 8, sample_wait(pid, 10000));
	ASSERT_EQ(0, read_log(self->fd, records, &count, &lost));
	ASSERT_EQ(1, count);
	EXPECT_EQ(0, lost);
	EXPECT_EQ(pid, records[0].tid);
	EXPECT_EQ(PICO_FILTER_DENY, records[0].action);
	EXPECT_EQ(__NR_getppid, records[0].number);
	for (int i = 0; i < 6; i++)
		EXPECT_EQ(~(uint64_t)i, records[0].arguments[i]);
	count = 4;
	ASSERT_EQ(0, read_log(self->fd, records, &count, &lost));
	EXPECT_EQ(0, count);
}

/* "flood" calls getppid() 5000 times: those that find no room are counted. */
TEST_F(filter, a_full_log_loses_and_counts)
{
	static struct pico_filter_record records[100];
	unsigned int count, sum = 0;
	uint64_t lost;

	ASSERT_EQ(0, rule(self->fd, __NR_getppid,
			  PICO_FILTER_LOG | PICO_FILTER_DEFAULT, 0));
	ASSERT_EQ(0, run(self->fd, "flood"));
	do {
		count = 100;
		ASSERT_EQ(0, read_log(self->fd, records, &count, &lost));
		for (unsigned int i = 0; i < count; i++)
			EXPECT_EQ(PICO_FILTER_ALLOW, records[i].action);
		sum += count;
	} while (count);
	EXPECT_GT(sum, 100);
	EXPECT_GT(lost, 0);
	EXPECT_EQ(5000, sum + lost);
}

TEST_F(filter, reading_ends_with_the_last_process)
{
	static struct pico_filter_record records[100];
	unsigned int count, sum = 0;
	uint64_t lost;
	pid_t pid;

	ASSERT_EQ(0, rule(self->fd, __NR_getppid,
			  PICO_FILTER_LOG | PICO_FILTER_DEFAULT, 0));
	pid = start(self->fd, "flood");
	ASSERT_GT(pid, 0);
	/* Before it has started there is no process either. */
	do {
		count = 100;
		ASSERT_EQ(0, read_log(self->fd, records, &count, &lost));
		sum += count;
	} while (count || !sum);
	EXPECT_EQ(5000, sum + lost);
	EXPECT_EQ(0, sample_wait(pid, 10000));
}

TEST_F(filter, a_reader_can_be_interrupted)
{
	struct pico_filter_record record;
	unsigned int count = 1;
	uint64_t lost;
	pid_t pid, reader;

	pid = start(self->fd, "wait");
	ASSERT_GT(pid, 0);
	while (!module_counter("pico", "processes"))
		usleep(1000);
	reader = fork();
	if (!reader) {
		alarm(1);
		/* What there is first: the program may be just starting. */
		while (!read_log(self->fd, &record, &count, &lost))
			count = 1;
		_exit(1);
	}
	EXPECT_EQ(SIGALRM, sample_wait(reader, 10000));
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, sample_wait(pid, 10000));
}

TEST_F(filter, the_file_owns_all_processes)
{
	pid_t pid = start(self->fd, "tree");
	int status;

	ASSERT_GT(pid, 0);
	while (module_counter("pico", "processes") != 5)
		usleep(1000);
	close(self->fd);
	self->fd = -1;
	ASSERT_TRUE(wait_for(pid, &status, 10000));
	EXPECT_EQ(SIGKILL, status);
}

TEST_F(filter, terminate)
{
	struct pico_ioc_terminate how = { .status = 9 << 8 };
	pid_t pid = start(self->fd, "wait");

	ASSERT_GT(pid, 0);
	while (!module_counter("pico", "processes"))
		usleep(1000);
	how.pid = pid;
	/* The counter is there a little before the process. */
	while (ioctl(self->fd, PICO_IOC_TERMINATE, &how))
		ASSERT_EQ(ESRCH, errno);
	EXPECT_EQ(9 << 8, sample_wait(pid, 10000));
}

TEST_F(filter, a_second_user_finds_the_module_busy)
{
	int fd = sample_open("filter");

	ASSERT_GE(fd, 0);
	EXPECT_NE(0, sample_module("filter", false));
	close(fd);
}

TEST_HARNESS_MAIN
