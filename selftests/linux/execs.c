// SPDX-License-Identifier: GPL-2.0-only
/*
 * execveat: programs by directory, by open file, scripts, and what is refused.
 * Each is tried in a child, which says how it went by its exit code.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *empty[] = { NULL };

/* What comes of it: 1000 and the exit code, or the error. */
static int run(int directory, const char *name, char **arguments, int flags)
{
	int status = 0, tell[2], error = 0;

	fflush(stdout);
	if (pipe2(tell, O_CLOEXEC))
		return -1;
	if (!fork()) {
		syscall(SYS_execveat, directory, name, arguments, empty, flags);
		error = errno;
		write(tell[1], &error, sizeof(error));
		_exit(99);
	}
	close(tell[1]);
	read(tell[0], &error, sizeof(error));
	close(tell[0]);
	wait(&status);
	return error ? -error : 1000 + WEXITSTATUS(status);
}

static void make_script(const char *name)
{
	static const char text[] = "#!/bin/sh\necho script \"$@\"; exit 6\n";
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0755);

	write(fd, text, sizeof(text) - 1);
	close(fd);
}

int main(void)
{
	char *sh[] = { "name", "-c", "echo \"$0 $#\"; exit 5", NULL };
	char *words[] = { "name", "a word", NULL };
	char script[] = "/tmp/execs-XXXXXX/script", link[64], *end;
	int bin, program, closed, file;

	end = strrchr(script, '/');
	*end = 0;
	CHECK(!mkdtemp(script));
	*end = '/';
	make_script(script);
	snprintf(link, sizeof(link), "%s.link", script);
	CHECK(symlink("/bin/sh", link));
	bin = open("/bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	program = open("/bin/sh", O_RDONLY);
	closed = open("/bin/sh", O_PATH | O_CLOEXEC);

	CHECK(run(bin, "sh", sh, 0));
	CHECK(run(AT_FDCWD, "/bin/sh", sh, 0));
	CHECK(run(-1, "/bin/sh", sh, 0));
	CHECK(run(program, "", sh, AT_EMPTY_PATH));
	CHECK(run(closed, "", sh, AT_EMPTY_PATH));
	CHECK(run(AT_FDCWD, link, sh, 0));
	CHECK(run(AT_FDCWD, link, sh, AT_SYMLINK_NOFOLLOW));
	CHECK(run(AT_FDCWD, script, words, AT_SYMLINK_NOFOLLOW));
	file = open(script, O_RDONLY);
	CHECK(run(file, "", words, AT_EMPTY_PATH));
	fcntl(file, F_SETFD, FD_CLOEXEC);
	CHECK(run(file, "", words, AT_EMPTY_PATH));
	fchmod(file, 0644);
	CHECK(run(file, "", words, AT_EMPTY_PATH));
	CHECK(run(AT_FDCWD, script, words, 0));

	CHECK(run(bin, "", sh, 0));
	CHECK(run(bin, "", sh, AT_EMPTY_PATH));
	CHECK(run(77, "", sh, AT_EMPTY_PATH));
	CHECK(run(77, "sh", sh, 0));
	CHECK(run(program, "sh", sh, 0));
	CHECK(run(bin, "no such program", sh, 0));
	CHECK(run(bin, "sh", sh, 1));
	CHECK(run(bin, NULL, sh, 0));
	unlink(link);
	unlink(script);
	*end = 0;
	rmdir(script);
	return 0;
}
