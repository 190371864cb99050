// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading pico.ko, 100 times ($PICO_TIMES), drawbridge.ko now
 * and then, under work of unmarked processes that passes through everything
 * that is hooked; and when unloading must be refused.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "lib/harness.h"

/* PICO_TIMES, or, divided by slower(), */
#define TIMES 100
/* drawbridge.ko takes part in one round of so many; a process runs after it. */
#define EVERY 5

/* ---- work; each function is a process and returns its exit code ---- */

static volatile sig_atomic_t stop, signals;
static unsigned long *progress;

static void on_stop(int number)
{
	stop = 1;
}

static void on_signal(int number)
{
	signals++;
}

static int work_fork(unsigned long *count)
{
	for (; !stop; ++*count) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0)
			_exit(42);
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != 42)
			return 1;
	}
	return 0;
}

static int work_exec(unsigned long *count)
{
	for (; !stop; ++*count) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			execlp("true", "true", NULL);
			_exit(1);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	return 0;
}

static int work_signals(unsigned long *count)
{
	signal(SIGUSR1, on_signal);
	for (; !stop; ++*count) {
		sig_atomic_t before = signals;

		kill(getpid(), SIGUSR1);
		if (signals != before + 1)
			return 1;
	}
	return 0;
}

static sigjmp_buf jump;

static void on_fault(int number)
{
	siglongjmp(jump, number);
}

static int work_faults(unsigned long *count)
{
	signal(SIGSEGV, on_fault);
	signal(SIGILL, on_fault);
	for (; !stop; ++*count) {
		int got = sigsetjmp(jump, 1);

		if (!got) {
			if (*count & 1)
				asm volatile("ud2");
			asm volatile("movb $1, (%0)" : : "r"(8UL) : "memory");
		}
		if (got != (*count & 1 ? SIGILL : SIGSEGV))
			return 1;
	}
	return 0;
}

static int work_foreign(unsigned long *count)
{
	const char *program = beside("foreign_sud");

	for (; !stop; ++*count) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			execl(program, "foreign_sud", "200", NULL);
			_exit(99);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
	}
	return 0;
}

static int (*const works[])(unsigned long *) = {
	work_fork, work_exec, work_signals, work_faults, work_foreign,
};

#define WORKS ARRAY_SIZE(works)

FIXTURE(reload)
{
	pid_t pids[WORKS];
};

FIXTURE_SETUP(reload)
{
	progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, progress);
	for (size_t i = 0; i < WORKS; i++) {
		self->pids[i] = fork();
		if (self->pids[i] == 0) {
			signal(SIGTERM, on_stop);
			/* Always at work, and never in the way. */
			if (nice(19) < 0)
				_exit(97);
			_exit(works[i](&progress[i]));
		}
	}
}

FIXTURE_TEARDOWN(reload)
{
	for (size_t i = 0; i < WORKS; i++) {
		int status = -1;

		kill(self->pids[i], SIGTERM);
		EXPECT_TRUE(wait_for(self->pids[i], &status, 20000));
		EXPECT_EQ(0, status) TH_LOG("worker %zu", i);
		EXPECT_GT(progress[i], 5) TH_LOG("worker %zu", i);
		TH_LOG("worker %zu: %lu rounds", i, progress[i]);
	}
}

static void expect_hooks(struct __test_metadata *_metadata, bool there)
{
	static char text[1 << 16];

	ASSERT_GE(read_file("/sys/kernel/tracing/enabled_functions", text,
			    sizeof(text)),
		  0);
	EXPECT_EQ(there, !!strstr(text, "syscall_user_dispatch"));
}

/* The limit is for thousands; that of a whole run is in settings. */
TEST_F_TIMEOUT(reload, again_and_again, 20000)
{
	const char *given = getenv("PICO_TIMES");
	int log = kmsg_open(), i;
	int times = given ? atoi(given) : TIMES / (int)slower();
	char *said;

	ASSERT_EQ(0, nothing_left());
	expect_hooks(_metadata, true);
	ASSERT_EQ(0, module_delete("drawbridge"));
	for (i = 1; i <= times; i++) {
		int fd, status = -1;
		pid_t pid;

		ASSERT_EQ(0, module_delete("pico")) TH_LOG("round %d", i);
		if (i == 1)
			expect_hooks(_metadata, false);
		ASSERT_EQ(0, module_insert("pico", "")) TH_LOG("round %d", i);
		if (i % EVERY)
			continue;
		ASSERT_EQ(0, module_insert("drawbridge", ""))
		TH_LOG("round %d", i);
		fd = sandbox_open();
		ASSERT_GE(fd, 0);
		pid = sandbox_start(fd, &(struct sandbox_start){
						.image = beside("first.img") });
		EXPECT_TRUE(wait_for(pid, &status, 10000));
		EXPECT_EQ(38, WEXITSTATUS(status));
		close(fd);
		EXPECT_EQ(0, nothing_left());
		ASSERT_EQ(0, module_delete("drawbridge")) TH_LOG("round %d", i);
		if (i % (4 * EVERY) == 0)
			TH_LOG("%d times", i);
	}
	ASSERT_EQ(0, module_insert("drawbridge", ""));
	expect_hooks(_metadata, true);
	said = kmsg_since(log);
	EXPECT_EQ(NULL, strstr(said, "segfault"));
	EXPECT_EQ(NULL, strstr(said, "WARNING"));
	EXPECT_EQ(NULL, strstr(said, "BUG"));
}

static void refused(struct __test_metadata *_metadata, const char *name)
{
	EXPECT_EQ(-1, syscall(SYS_delete_module, name, O_NONBLOCK))
	TH_LOG("%s unloaded", name);
	EXPECT_TRUE(errno == EAGAIN || errno == EBUSY)
	TH_LOG("%s: %s", name, strerror(errno));
}

TEST(refused_while_in_use)
{
	int fd, io[2], status = -1, plain;
	char text[16];
	pid_t pid;

	/* pico is drawbridge's. */
	refused(_metadata, "pico");
	/* An open file, bound. */
	fd = sandbox_open();
	ASSERT_GE(fd, 0);
	refused(_metadata, "drawbridge");
	/* A picoprocess. */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io));
	pid = sandbox_start(fd, &(struct sandbox_start){
					.image = beside("idle.img"),
					.in = io[1],
					.out = io[1] });
	ASSERT_GT(pid, 0);
	ASSERT_EQ(6, read(io[0], text, sizeof(text)));
	refused(_metadata, "drawbridge");
	refused(_metadata, "pico");
	kill(pid, SIGKILL);
	EXPECT_TRUE(wait_for(pid, &status, 10000));
	refused(_metadata, "drawbridge");
	close(fd);
	EXPECT_EQ(0, nothing_left());
	EXPECT_EQ(0, module_delete("drawbridge"));
	/* An open file, not bound, is pico's. */
	plain = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(plain, 0);
	refused(_metadata, "pico");
	close(plain);
	EXPECT_EQ(0, module_delete("pico"));
	EXPECT_EQ(0, module_insert("pico", ""));
	EXPECT_EQ(0, module_insert("drawbridge", ""));
}

TEST(foreign_syscall_user_dispatch)
{
	const char *argv[] = { beside("foreign_sud"), "3000", NULL };
	struct run run;

	/* With the modules, without, and with them again: the same. */
	ASSERT_EQ(0, run_program(argv, NULL, 0, &run));
	EXPECT_EQ(0, run_exit_code(&run)) TH_LOG("%s", run.err);
	ASSERT_EQ(0, module_delete("drawbridge"));
	ASSERT_EQ(0, module_delete("pico"));
	ASSERT_EQ(0, run_program(argv, NULL, 0, &run));
	EXPECT_EQ(0, run_exit_code(&run)) TH_LOG("%s", run.err);
	ASSERT_EQ(0, module_insert("pico", ""));
	ASSERT_EQ(0, module_insert("drawbridge", ""));
	ASSERT_EQ(0, run_program(argv, NULL, 0, &run));
	EXPECT_EQ(0, run_exit_code(&run)) TH_LOG("%s", run.err);
}

TEST_HARNESS_MAIN
