// SPDX-License-Identifier: GPL-2.0-only
/* /dev/pico: binding, rules, tickets, and every way to do it wrong. */
#include <fcntl.h>
#include <limits.h>
#include <asm/ioctls.h>
#include <linux/io_uring.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "lib/harness.h"

static int execute(int magic)
{
	char *const args[] = { "x", NULL }, *const env[] = { NULL };

	return syscall(SYS_execveat, magic, "", args, env, AT_EMPTY_PATH);
}

TEST(info_and_bind)
{
	struct pico_ioc_info info;
	struct pico_ioc_bind bind = { .provider = "drawbridge" };
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	memset(&info, 0xee, sizeof(info));
	ASSERT_EQ(0, ioctl(fd, PICO_IOC_INFO, &info));
	EXPECT_EQ(PICO_IOC_VERSION, info.version);
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(0, info.provider[0]);
	/* Nothing of a provider before it is bound. */
	EXPECT_EQ(-1, ioctl(fd, PICO_IOC_TICKET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd, DRAWBRIDGE_IOC_KILL));
	ASSERT_EQ(0, ioctl(fd, PICO_IOC_BIND, &bind));
	ASSERT_EQ(0, ioctl(fd, PICO_IOC_INFO, &info));
	EXPECT_EQ(0, strcmp((char *)info.provider, "drawbridge"));
	EXPECT_EQ(-1, ioctl(fd, PICO_IOC_BIND, &bind));
	EXPECT_EQ(EBUSY, errno);
	close(fd);
}

TEST(bad_binds)
{
	struct pico_ioc_bind bind = { .provider = "nosuch" };
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-1, ioctl(fd, PICO_IOC_BIND, &bind));
	EXPECT_EQ(ENOENT, errno);
	memset(&bind, 'x', sizeof(bind));
	EXPECT_EQ(-1, ioctl(fd, PICO_IOC_BIND, &bind));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd, PICO_IOC_BIND, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(fd, PICO_IOC_INFO, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(fd, TCGETS, &bind));
	EXPECT_EQ(ENOTTY, errno);
	close(fd);
	fd = sandbox_open();
	ASSERT_GE(fd, 0);
	for (int nr = 3; nr < 256; nr++) {
		unsigned int cmd = _IO(PICO_IOC_MAGIC, nr);

		/* These two are there, and have no argument. */
		if (cmd == DRAWBRIDGE_IOC_KILL || cmd == DRAWBRIDGE_IOC_ABORT)
			continue;
		EXPECT_EQ(-1, ioctl(fd, cmd, 0)) TH_LOG("%d", nr);
		EXPECT_EQ(ENOTTY, errno) TH_LOG("%d", nr);
	}
	close(fd);
}

TEST(an_ordinary_user_may)
{
	int fd;

	ASSERT_EQ(0, setgid(65534));
	ASSERT_EQ(0, setuid(65534));
	fd = sandbox_open();
	EXPECT_GE(fd, 0);
	close(fd);
}

TEST(bad_rules)
{
	char uri[5000] = "file:/etc";
	struct drawbridge_rule rule = {
		.uri = (uintptr_t)uri,
		.uri_length = 9,
		.rights = 1,
	};
	int fd = sandbox_open();

	ASSERT_GE(fd, 0);
#define REFUSED(change, error) do {					\
	struct drawbridge_rule r = rule;				\
	change;								\
	EXPECT_EQ(-1, ioctl(fd, DRAWBRIDGE_IOC_RULE, &r))		\
		TH_LOG("%s", #change);					\
	EXPECT_EQ(error, errno) TH_LOG("%s", #change);			\
} while (0)
	REFUSED(r.rights = 0x10, EINVAL);
	REFUSED(r.rights = ~0u, EINVAL);
	REFUSED(r.flags = 0x80, EINVAL);
	REFUSED(r.reserved = 1, EINVAL);
	REFUSED(r.uri = 8, EFAULT);
	REFUSED(r.uri = 0xffff888000000000, EFAULT);
	REFUSED(r.uri_length = 0, EINVAL);
	REFUSED(r.uri_length = DRAWBRIDGE_URI_MAX + 1, ENAMETOOLONG);
	REFUSED(r.uri_length = ~0u, ENAMETOOLONG);
	REFUSED(strcpy(uri, "file:etc "), EINVAL);
	REFUSED(strcpy(uri, "nope:/etc"), EINVAL);
	REFUSED(strcpy(uri, "file:/nos"), ENOENT);
	strcpy(uri, "file:/etc");
	REFUSED(r.uri_length = 10, EINVAL); /* its terminating zero */
	EXPECT_EQ(0, ioctl(fd, DRAWBRIDGE_IOC_RULE, &rule));
	REFUSED(r.rights = 2, EEXIST);
	EXPECT_EQ(-1, ioctl(fd, DRAWBRIDGE_IOC_RULE, 8));
	EXPECT_EQ(EFAULT, errno);
	close(fd);
	EXPECT_EQ(0, nothing_left());
}

/* Names that a directory does not have. */
TEST(absent_rules)
{
	char uri[5000] = "file:/etc/pico-none";
	struct drawbridge_rule rule = {
		.uri = (uintptr_t)uri,
		.uri_length = 19,
		.flags = DRAWBRIDGE_RULE_ABSENT,
	};
	int fd = sandbox_open();

	ASSERT_GE(fd, 0);
	REFUSED(r.rights = 1, EINVAL);
	REFUSED(r.flags |= DRAWBRIDGE_RULE_PRIVATE, EINVAL);
	REFUSED(r.uri_length = 10, EINVAL); /* file:/etc/ */
	REFUSED(strcpy(uri, "file:/nos/pico-none"), ENOENT);
	REFUSED(strcpy(uri, "file:/etc/passwd/no"), ENOTDIR);
	REFUSED(strcpy(uri, "file:/usr/include/."), EINVAL);
	REFUSED(strcpy(uri, "file:/usr/libexec/.."), EINVAL);
	REFUSED(strcpy(uri, "pipe.server:abcdefg"), EINVAL);
	memset(uri + 10, 'x', NAME_MAX + 1);
	memcpy(uri, "file:/etc/", 10);
	REFUSED(r.uri_length = 10 + NAME_MAX + 1, ENAMETOOLONG);
	strcpy(uri, "file:/etc/pico-none");
	EXPECT_EQ(0, ioctl(fd, DRAWBRIDGE_IOC_RULE, &rule));
	REFUSED((void)r, EEXIST);
	/* The root's, and one that is there, whatever rule it has besides. */
	EXPECT_EQ(0, sandbox_rule(fd, "/pico-none", 0, DRAWBRIDGE_RULE_ABSENT));
	EXPECT_EQ(0,
		  sandbox_rule(fd, "/etc/passwd", 0, DRAWBRIDGE_RULE_ABSENT));
	EXPECT_EQ(0, sandbox_rule(fd, "/etc/passwd", 1, 0));
	close(fd);
	EXPECT_EQ(0, nothing_left());
}

TEST(bad_patterns)
{
	static const char *const bad[] = {
		"pipe:a",
		"pipe.server:",
		"pipe.server:a*b",
		"pipe.server:**",
		"tcp.client:127.0.0.1",
		"tcp.client:127.0.0.1:",
		"tcp.client:127.0.0.1:x",
		"tcp.client:127.0.0.1:65536",
		"tcp.client:127.0.0.1:9-8",
		"tcp.client:127.0.0.1:8-",
		"tcp.client:127.0.0.1/33:*",
		"tcp.client:127.0.0.1/:*",
		"tcp.client:*/8:*",
		"tcp.client:[::1]/129:*",
		"tcp.client:[::1%2]:*",
		"tcp.client:[::1:*",
		"tcp.client:localhost:*",
		"tcp.client:127.0.0.1:*?reuse",
		"null:",
		"stdin:",
	};
	int fd = sandbox_open();

	ASSERT_GE(fd, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(-1, sandbox_rule_uri(fd, bad[i], 1, 0));
		EXPECT_EQ(EINVAL, errno);
	}
	/* Nothing of a network is executed, or private. */
	EXPECT_EQ(-1, sandbox_rule_uri(fd, "tcp.client:*:*", 4, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sandbox_rule_uri(fd, "pipe.server:*", 1,
				       DRAWBRIDGE_RULE_PRIVATE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0,
		  sandbox_rule_uri(fd, "tcp.client:10.0.0.0/8:1-1023", 3, 0));
	/* The bits behind the prefix do not count. */
	EXPECT_EQ(-1,
		  sandbox_rule_uri(fd, "tcp.client:10.9.9.9/8:1-1023", 1, 0));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(0,
		  sandbox_rule_uri(fd, "tcp.client:10.0.0.0/9:1-1023", 3, 0));
	EXPECT_EQ(0,
		  sandbox_rule_uri(fd, "tcp.server:10.0.0.0/8:1-1023", 1, 0));
	EXPECT_EQ(0, sandbox_rule_uri(fd, "pipe.server:*", 0, 0));
	EXPECT_EQ(0, sandbox_rule_uri(fd, "pipe.server:a*", 0, 0));
	EXPECT_EQ(0, sandbox_rule_uri(fd, "pipe.server:a", 0, 0));
	EXPECT_EQ(-1, sandbox_rule_uri(fd, "pipe.server:a", 1, 0));
	EXPECT_EQ(EEXIST, errno);
	close(fd);
}

TEST(too_many_rules)
{
	char folder[] = "/dev/shm/pico-rules.XXXXXX", path[64], command[64];
	int fd = sandbox_open(), i;

	ASSERT_GE(fd, 0);
	ASSERT_NE(NULL, mkdtemp(folder));
	for (i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "%s/%d", folder, i);
		ASSERT_EQ(0, mkdir(path, 0700));
		if (sandbox_rule(fd, path, 1, 0))
			break;
	}
	EXPECT_EQ(E2BIG, errno);
	EXPECT_EQ(DRAWBRIDGE_RULES_MAX, i);
	close(fd);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	EXPECT_EQ(0, system(command));
	EXPECT_EQ(0, nothing_left());
}

TEST(the_magic_needs_a_ticket)
{
	int magic = magic_file();

	ASSERT_GE(magic, 0);
	EXPECT_EQ(-1, execute(magic));
	EXPECT_TRUE(errno == ENOEXEC || errno == EPERM || errno == EACCES);
}

TEST(a_ticket_needs_the_magic)
{
	/* An ordinary program is an ordinary program. */
	int fd = sandbox_open(), status = -1;
	pid_t pid;

	ASSERT_GE(fd, 0);
	pid = fork();
	if (pid == 0) {
		if (ioctl(fd, PICO_IOC_TICKET))
			_exit(1);
		execlp("true", "true", NULL);
		_exit(2);
	}
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(fd);
	EXPECT_EQ(0, nothing_left());
}

TEST(a_ticket_without_a_program)
{
	int fd = sandbox_open(), magic = magic_file();

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, ioctl(fd, PICO_IOC_TICKET));
	/* DRAWBRIDGE_IOC_START was not called: execve fails, we live. */
	EXPECT_EQ(-1, execute(magic));
	/* And the ticket is used up. */
	EXPECT_EQ(-1, execute(magic));
	close(fd);
	EXPECT_EQ(0, nothing_left());
}

TEST(a_ticket_is_one_threads)
{
	int fd = sandbox_open(), magic = magic_file(), status = -1;
	pid_t pid;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, ioctl(fd, PICO_IOC_TICKET));
	pid = fork();
	if (pid == 0) {
		execute(magic);
		_exit(errno == ENOEXEC || errno == EPERM || errno == EACCES ?
			      0 :
			      1);
	}
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(fd);
}

static int try_start(int fd, const char *image, const void *strings,
		     unsigned int length, unsigned int argc, unsigned int envc,
		     unsigned int flags)
{
	struct drawbridge_start s = {
		.image_fd = open(image, O_RDONLY | O_CLOEXEC),
		.stdin_fd = -1,
		.stdout_fd = -1,
		.stderr_fd = -1,
		.strings = (uintptr_t)strings,
		.strings_length = length,
		.argument_count = argc,
		.environment_count = envc,
		.flags = flags,
	};
	int result = ioctl(fd, DRAWBRIDGE_IOC_START, &s), e = errno;

	close(s.image_fd);
	errno = e;
	return result;
}

TEST(bad_starts)
{
	static const char strings[] = "/p\0/\0arg"; /* four with the end */
	const char *image = beside("idle.img");
	int fd = sandbox_open();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-1, try_start(fd, image, strings, sizeof(strings), 1, 0,
				1u << 31));
	EXPECT_EQ(-1, try_start(fd, image, strings, sizeof(strings), 2, 0, 0));
	EXPECT_EQ(-1, try_start(fd, image, strings, sizeof(strings), 0, 0, 0));
	EXPECT_EQ(-1,
		  try_start(fd, image, strings, sizeof(strings), ~0u, 2, 0));
	EXPECT_EQ(-1,
		  try_start(fd, image, strings, sizeof(strings) - 1, 1, 0, 0));
	EXPECT_EQ(-1, try_start(fd, image, strings, 0, 0, 0, 0));
	EXPECT_EQ(-1, try_start(fd, image, (void *)8, 8, 1, 0, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, try_start(fd, image, strings, DRAWBRIDGE_STRINGS_MAX + 1,
				1, 0, 0));
	EXPECT_EQ(-1, try_start(fd, "/nonexistent", strings, sizeof(strings), 1,
				0, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, try_start(fd, image, strings, sizeof(strings), 1, 0, 0));
	close(fd);
	EXPECT_EQ(0, nothing_left());
}

/* Its standard input would hold other files, maybe the sandbox's own. */
TEST(no_consoles)
{
	static const char strings[] = "/p\0/\0arg";
	struct io_uring_params params = {};
	const int wrong[] = {
		eventfd(0, EFD_CLOEXEC),
		epoll_create1(EPOLL_CLOEXEC),
		syscall(SYS_io_uring_setup, 1, &params),
		open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		sandbox_open(),
	};
	struct drawbridge_start s = {
		.image_fd = open(beside("idle.img"), O_RDONLY | O_CLOEXEC),
		.stdout_fd = -1,
		.stderr_fd = -1,
		.strings = (uintptr_t)strings,
		.strings_length = sizeof(strings),
		.argument_count = 1,
	};
	int fd = sandbox_open();

	ASSERT_GE(fd, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		s.stdin_fd = wrong[i];
		/* io_uring may be switched off. */
		if (wrong[i] < 0 && i == 2)
			continue;
		ASSERT_GE(wrong[i], 0);
		EXPECT_EQ(-1, ioctl(fd, DRAWBRIDGE_IOC_START, &s));
		EXPECT_EQ(EINVAL, errno);
		close(wrong[i]);
	}
	s.stdin_fd = -1;
	EXPECT_EQ(0, ioctl(fd, DRAWBRIDGE_IOC_START, &s));
	close(s.image_fd);
	close(fd);
	EXPECT_EQ(0, nothing_left());
}

/* A damaged image makes START or execve() fail, or the task die; no more. */
TEST(damaged_images)
{
	static const char strings[] = "/p\0/\0arg";
	static char good[1 << 20], bad[1 << 20];
	int n = read_file(beside("hello.img"), good, sizeof(good));
	int magic = magic_file();
	unsigned int seed = 12345, refused = 0, ran = 0;

	ASSERT_GT(n, 4096);
	TH_LOG("seed %u", seed);
	for (int i = 0; i < 200; i++) {
		int image = syscall(SYS_memfd_create, "image", 0), status;
		int fd = sandbox_open(), size = n;
		char path[64];
		pid_t pid;

		ASSERT_GE(fd, 0);
		memcpy(bad, good, n);
		if (i % 5 == 4)
			size = rand_r(&seed) % 700;
		else /* in the headers */
			for (int k = rand_r(&seed) % 4; k >= 0; k--)
				bad[rand_r(&seed) % 512] = rand_r(&seed);
		ASSERT_EQ(size, write(image, bad, size));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", image);
		pid = fork();
		if (pid == 0) {
			if (try_start(fd, path, strings, sizeof(strings), 1, 0,
				      0))
				_exit(1);
			ioctl(fd, PICO_IOC_TICKET);
			execute(magic);
			_exit(1);
		}
		/* It may well run for ever: its code is damaged, too. */
		if (!wait_for(pid, &status, 300)) {
			kill(pid, SIGKILL);
			ASSERT_TRUE(wait_for(pid, &status, 10000));
		}
		if (i % 50 == 0)
			TH_LOG("%d", i);
		refused += WIFEXITED(status) && WEXITSTATUS(status) == 1;
		ran += WIFEXITED(status) && WEXITSTATUS(status) != 1;
		close(image);
		close(fd);
	}
	TH_LOG("%u refused, %u ran", refused, ran);
	EXPECT_GE(refused, 15);
	EXPECT_EQ(0, nothing_left());
}

static pid_t start_idle(int fd, int out)
{
	return sandbox_start(fd, &(struct sandbox_start){
					 .image = beside("idle.img"),
					 .in = out,
					 .out = out });
}

TEST(the_file_owns_the_process)
{
	int fd = sandbox_open(), out[2], status = 0;
	char text[16];
	pid_t pid;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	pid = sandbox_start(fd, &(struct sandbox_start){
					.image = beside("idle.img"),
					.in = out[0],
					.out = out[1] });
	ASSERT_GT(pid, 0);
	/* "ready" comes back to itself; give it time to be asleep. */
	usleep(300000);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	close(fd);
	ASSERT_TRUE(wait_for(pid, &status, 10000));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	EXPECT_EQ(0, nothing_left());
	(void)text;
}

TEST(kill_ends_all)
{
	int fd = sandbox_open(), io[2], status = 0;
	struct drawbridge_stats stats;
	char text[16] = "";
	pid_t pid;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io));
	pid = start_idle(fd, io[1]);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(6, read(io[0], text, sizeof(text)));
	ASSERT_EQ(0, sandbox_stats(fd, &stats));
	EXPECT_EQ(1, stats.processes);
	EXPECT_EQ(2, stats.threads);
	EXPECT_EQ(0, stats.exited);
	EXPECT_GT(stats.calls, 5);
	/* A running process fixes the rules. */
	EXPECT_EQ(-1, sandbox_rule(fd, "/etc", 1, 0));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(0, ioctl(fd, DRAWBRIDGE_IOC_KILL));
	ASSERT_TRUE(wait_for(pid, &status, 10000));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	ASSERT_EQ(0, sandbox_stats(fd, &stats));
	EXPECT_EQ(1, stats.exited);
	EXPECT_EQ(SIGKILL, stats.exit_signal);
	EXPECT_EQ(0, stats.processes);
	EXPECT_EQ(0, stats.threads);
	EXPECT_EQ(0, stats.handles);
	close(fd);
	EXPECT_EQ(0, nothing_left());
}

TEST(exit_code_and_statistics)
{
	int fd = sandbox_open(), io[2], status = 0;
	struct drawbridge_stats stats;
	char text[16] = "";
	pid_t pid;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io));
	pid = start_idle(fd, io[1]);
	ASSERT_GT(pid, 0);
	close(io[1]);
	ASSERT_EQ(6, read(io[0], text, sizeof(text)));
	EXPECT_EQ(0, strcmp(text, "ready\n"));
	ASSERT_EQ(3, write(io[0], "abc", 3));
	shutdown(io[0], SHUT_WR);
	ASSERT_TRUE(wait_for(pid, &status, 10000));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(7, WEXITSTATUS(status));
	ASSERT_EQ(0, sandbox_stats(fd, &stats));
	EXPECT_EQ(1, stats.exited);
	EXPECT_EQ(7, stats.exit_code);
	EXPECT_EQ(0, stats.exit_signal);
	EXPECT_EQ(3, stats.bytes_read);
	EXPECT_EQ(6, stats.bytes_written);
	EXPECT_EQ(0, stats.unlisted_statuses);
	EXPECT_EQ(0, stats.exceptions);
	EXPECT_EQ(0, stats.refused_calls);
	EXPECT_EQ(0, stats.memory);
	EXPECT_EQ(0, stats.limit_refusals);
	EXPECT_EQ(0, stats.ended_by);
	EXPECT_EQ(0, stats.reserved0);
	close(fd);
}

/* prctl(PR_SET_TSC) outlives execve(): then there must be no time page. */
TEST(without_the_counter)
{
	const char *const argv[] = { "clocks", "200", NULL };
	static struct lines lines;
	int fd = sandbox_open(), out[2];
	unsigned long page = 1, calls = 0, wrong = 1;
	char line[256];

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	lines.fd = out[0];
	ASSERT_EQ(0, prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	lines.pid = sandbox_start(fd, &(struct sandbox_start){
					      .image = beside("clocks.img"),
					      .argv = argv,
					      .out = out[1] });
	prctl(PR_SET_TSC, PR_TSC_ENABLE);
	ASSERT_GT(lines.pid, 0);
	while (next_line(&lines, line, sizeof(line)))
		sscanf(line, "page %lu calls %lu wrong %lu", &page, &calls,
		       &wrong);
	EXPECT_EQ(0, lines.status);
	EXPECT_EQ(0, page);
	EXPECT_LT(0, calls);
	EXPECT_EQ(0, wrong);
	close(fd);
}

TEST(standard_streams_that_are_not_there)
{
	int fd = sandbox_open(), status = 0;
	pid_t pid;

	ASSERT_GE(fd, 0);
	pid = sandbox_start(fd, &(struct sandbox_start){
					.image = beside("idle.img") });
	ASSERT_GT(pid, 0);
	/* It cannot open stdout: and exits with 1. */
	ASSERT_TRUE(wait_for(pid, &status, 10000));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(1, WEXITSTATUS(status));
	close(fd);
}

TEST_HARNESS_MAIN
