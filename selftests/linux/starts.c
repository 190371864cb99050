// SPDX-License-Identifier: GPL-2.0-only
/*
 * execveat, and what a child hears of its parent's end.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char self[4096];

static void ended(const char *what, pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) != pid)
		status = -errno;
	SHOW(what, status);
}

/* In a child: what it prints is the program's, or the error. */
#define RUN(dirfd, name, flags)                                             \
	({                                                                  \
		char *argv_[] = { "program", "show", #dirfd ", " #name, 0 }; \
		char *env_[] = { "A=b", 0 };                                \
		pid_t pid_ = fork();                                        \
		if (!pid_) {                                                \
			syscall(SYS_execveat, dirfd, name, argv_, env_,     \
				flags);                                     \
			SHOW("execveat(" #dirfd ", " #name ", " #flags ")", \
			     -errno);                                       \
			_exit(9);                                           \
		}                                                           \
		ended("it ends", pid_);                                     \
	})

static void show(const char *how)
{
	int pdeath = -1;

	prctl(PR_GET_PDEATHSIG, &pdeath);
	printf("%s: environment %s, name %s, death signal %d\n", how,
	       getenv("A"),
	       strncmp((char *)getauxval(AT_EXECFN), "/dev/fd/", 8) ?
		       "its own" :
		       (char *)getauxval(AT_EXECFN),
	       pdeath);
	fflush(stdout);
}

static void write_file(const char *name, const char *text, int mode)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	if (write(fd, text, strlen(text)) < 0)
		exit(1);
	fchmod(fd, mode);
	close(fd);
}

/* A first line longer than Linux reads of it. */
static void long_lines(int here)
{
	static const struct {
		const char *start;
		char more;
	} lines[] = {
		{ "#!/bin/echo ", 'a' }, { "#! /bin/echo\tb ", 'a' },
		{ "#!/bin/echo", ' ' },	 { "#!/bin/", 'a' },
		{ "#!", ' ' },
	};
	char text[400];
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		memset(text, lines[i].more, sizeof(text) - 2);
		memcpy(text, lines[i].start, strlen(lines[i].start));
		strcpy(text + sizeof(text) - 2, "\n");
		write_file("long", text, 0700);
		RUN(here, "long", 0);
		unlink("long");
	}
}

static void executions(void)
{
	char folder[] = "/tmp/starts.XXXXXX", *name = strrchr(self, '/') + 1;
	char parent[4096];
	int dir, file, path, script, closing, here, plain;

	snprintf(parent, sizeof(parent), "%.*s", (int)(name - self), self);
	dir = open(parent, O_RDONLY | O_DIRECTORY);
	file = open(self, O_RDONLY | O_CLOEXEC);
	path = open(self, O_PATH);
	mkdtemp(folder);
	if (chdir(folder))
		exit(1);
	write_file("script", "#!/bin/sh\necho $0 runs: $*\n", 0700);
	write_file("plain", "#!/bin/sh\necho never\n", 0600);
	symlink(self, "link");
	script = open("script", O_RDONLY);
	closing = open("script", O_RDONLY | O_CLOEXEC);
	here = open(".", O_RDONLY | O_CLOEXEC);
	plain = open("plain", O_RDONLY);

	RUN(AT_FDCWD, self, 0);
	RUN(-1, self, 0);
	RUN(dir, name, 0);
	RUN(dir, name, AT_SYMLINK_NOFOLLOW);
	RUN(file, "", AT_EMPTY_PATH);
	RUN(path, "", AT_EMPTY_PATH);
	RUN(AT_FDCWD, "link", 0);
	RUN(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW);
	RUN(here, "link", 0);
	RUN(here, "link", AT_SYMLINK_NOFOLLOW);
	RUN(script, "", AT_EMPTY_PATH);
	RUN(closing, "", AT_EMPTY_PATH);
	RUN(AT_FDCWD, "script", AT_EMPTY_PATH);
	RUN(here, "script", 0);
	RUN(plain, "", AT_EMPTY_PATH);
	RUN(here, "plain", 0);
	RUN(here, "", AT_EMPTY_PATH);
	RUN(AT_FDCWD, "", AT_EMPTY_PATH);
	RUN(file, "", 0);
	RUN(-1, "", AT_EMPTY_PATH);
	RUN(-1, "name", 0);
	RUN(99, "name", 0);
	RUN(file, "name", 0);
	RUN(here, "missing", 0);
	RUN(file, "", AT_EMPTY_PATH | 1);
	RUN(file, (char *)8, AT_EMPTY_PATH);

	long_lines(here);
	unlink("script");
	unlink("plain");
	unlink("link");
	rmdir(folder);
}

/*
 * A child of a child waits for the signal. @how: the child between ends by
 * itself (0) or by this signal.
 */
static void deaths(const char *what, int how, bool group)
{
	int told[2], answer[2], result[3] = { -1, -1, -1 };
	siginfo_t info;
	sigset_t set;
	pid_t child;
	char c = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(told) || pipe(answer))
		exit(1);
	child = fork();
	if (!child) {
		child = getpid();
		if (fork()) {
			while (how)
				pause();
			(void)!read(told[0], &c, 1);
			_exit(0);
		}
		if (group)
			setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		(void)!write(told[1], "x", 1);
		sigwaitinfo(&set, &info);
		result[0] = info.si_code;
		result[1] = info.si_pid == child;
		result[2] = getppid() == child;
		(void)!write(answer[1], result, sizeof(result));
		_exit(0);
	}
	if (how) {
		(void)!read(told[0], &c, 1);
		kill(child, how);
	}
	ended(what, child);
	(void)!read(answer[0], result, sizeof(result));
	SHOW("code of the signal", result[0]);
	SHOW("it comes from the parent", result[1]);
	SHOW("who is still that", result[2]);
	close(told[0]);
	close(told[1]);
	close(answer[0]);
	close(answer[1]);
}

static void inherited(void)
{
	int value = -1;
	pid_t pid;

	TRY(prctl(PR_SET_PDEATHSIG, 65));
	TRY(prctl(PR_SET_PDEATHSIG, SIGUSR2));
	TRY(prctl(PR_GET_PDEATHSIG, &value));
	CHECK(value);
	pid = fork();
	if (!pid) {
		char *args[] = { "program", "show", "after execve", NULL };

		prctl(PR_GET_PDEATHSIG, &value);
		SHOW("in the child", value);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		execv(self, args);
		_exit(1);
	}
	ended("child", pid);
	pid = vfork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGHUP);
		_exit(0);
	}
	ended("child of vfork", pid);
	TRY(prctl(PR_GET_PDEATHSIG, &value));
	CHECK(value);
	prctl(PR_SET_PDEATHSIG, 0);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "show")) {
		show(argv[2]);
		return 7;
	}
	if (!realpath(argv[0], self))
		return 1;
	executions();
	inherited();
	deaths("a parent that exits", 0, false);
	deaths("a parent that exits, of another group", 0, true);
	deaths("a parent that is terminated", SIGTERM, false);
	deaths("a parent that is killed", SIGKILL, false);
	return 0;
}
