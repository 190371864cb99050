// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Directories that are open, or where somebody works, and are renamed,
 * replaced, exchanged or removed by another process; and files that are opened
 * again by their descriptor when their name is another's.
 */
#include "folder.h"

#include <limits.h>
#include <sys/socket.h>
#include <sys/wait.h>

static char text[PATH_MAX];

/* The last name of where we are, or the error. */
static void show_place(const char *what)
{
	char *name = getcwd(text, sizeof(text));

	printf("%s: %s\n", what,
	       name ? strrchr(name, '/') + 1 : strerror(errno));
}

static void show_link(const char *what, const char *link)
{
	ssize_t n = readlink(link, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = 0;
	printf("%s: %s\n", what, n < 0 ? strerror(errno) : strrchr(text, '/'));
}

static void show_fd(const char *what, int fd)
{
	char link[40];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	show_link(what, link);
}

static const char *content_at(int fd, const char *name)
{
	int file = openat(fd, name, O_RDONLY);
	ssize_t n = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = 0;
	close(file);
	return n < 0 ? strerror(errno) : text;
}

#define SAY(x) (printf("%s: %s\n", #x, x), fflush(stdout))

/* In another process, as mv and mkdir would be. */
#define ELSEWHERE(...)							\
	do {								\
		pid_t pid_ = fork();					\
									\
		if (!pid_) {						\
			__VA_ARGS__;					\
			_exit(0);					\
		}							\
		waitpid(pid_, NULL, 0);					\
	} while (0)

static void working(void)
{
	TRY(mkdir("a", 0755));
	TRY(chdir("a"));
	ELSEWHERE(TRY(rename("../a", "../b")); TRY(mkdir("../a", 0755)));
	fill("f", "in b");
	TRY(access("../b/f", F_OK));
	TRY(access("../a/f", F_OK));
	show_place("working");
	show_link("link", "/proc/self/cwd");
	/* what is above it */
	TRY(mkdir("c", 0755));
	TRY(chdir("c"));
	ELSEWHERE(TRY(rename("../../b", "../../d"));
		  TRY(mkdir("../../b", 0755)); TRY(mkdir("../../b/c", 0755)));
	fill("g", "in c");
	TRY(access("../../d/c/g", F_OK));
	show_place("below");
	ELSEWHERE(show_place("child"); TRY(access("g", F_OK));
		  TRY(execl("/bin/cat", "cat", "g", NULL)));
	printf("\n");
	TRY(chdir(".."));
	show_place("above");
	/* its own doing */
	TRY(rename("../d", "../e"));
	TRY(rename("../e", "../d"));
	TRY(rename("../d", "../e"));
	show_place("own");
	SAY(content_at(AT_FDCWD, "f"));
	/* a link where it was */
	TRY(chdir("c"));
	ELSEWHERE(TRY(rename("../../e", "../../h"));
		  TRY(symlink("h", "../../e")));
	TRY(access("g", F_OK));
	TRY(chdir(".."));
	show_place("linked");
	TRY(chdir(".."));
	TRY(rmdir("b/c"));
	TRY(rmdir("b"));
	TRY(rmdir("a"));
}

static void open_one(void)
{
	int fd, other, file;
	struct stat st;

	TRY(mkdir("p", 0755));
	TRY(fd = open("p", O_RDONLY | O_DIRECTORY));
	ELSEWHERE(TRY(rename("p", "q")); TRY(mkdir("p", 0755));
		  fill("p/f", "wrong"));
	TRY(fstatat(fd, "f", &st, 0));
	TRY(file = openat(fd, "f", O_CREAT | O_WRONLY, 0644));
	TRY(write(file, "right", 5));
	TRY(close(file));
	SAY(content_at(AT_FDCWD, "q/f"));
	SAY(content_at(AT_FDCWD, "p/f"));
	SAY(content_at(fd, "f"));
	show_fd("open", fd);
	TRY(mkdirat(fd, "sub", 0755));
	TRY(access("q/sub", F_OK));
	TRY(symlinkat("f", fd, "l"));
	TRY(renameat(fd, "l", fd, "m"));
	SAY(content_at(AT_FDCWD, "q/m"));
	TRY(unlinkat(fd, "f", 0));
	TRY(access("p/f", F_OK));
	TRY(access("q/f", F_OK));
	TRY(fchdir(fd));
	show_place("changed to");
	TRY(chdir(".."));
	TRY(other = open("p", O_PATH | O_DIRECTORY));
	TRY(syscall(SYS_renameat2, AT_FDCWD, "p", AT_FDCWD, "q", 2));
	show_fd("exchanged", fd);
	show_fd("exchanged", other);
	SAY(content_at(other, "f"));
	TRY(fstatat(fd, "sub", &st, 0));
	TRY(close(other));
	/* back and forth */
	for (file = 0; file < 100; file++) {
		if (rename("p", "r") || fstatat(fd, "sub", &st, 0) ||
		    rename("r", "p") || fstatat(fd, "sub", &st, 0))
			break;
	}
	TRY(file);
	TRY(close(fd));
}

/* Nothing is there any more, whatever has its name. */
static void removed(void)
{
	int fd;

	TRY(mkdir("gone", 0755));
	TRY(fd = open("gone", O_RDONLY | O_DIRECTORY));
	TRY(chdir("gone"));
	ELSEWHERE(TRY(chdir(folder)); TRY(rmdir("gone"));
		  TRY(mkdir("gone", 0755)); fill("gone/f", "new"));
	TRY(openat(fd, "f", O_RDONLY));
	TRY(openat(fd, "g", O_CREAT | O_WRONLY, 0644));
	TRY(open("f", O_RDONLY));
	TRY(mkdir("sub", 0755));
	TRY(unlink("f"));
	show_place("removed");
	show_link("link", "/proc/self/cwd");
	show_fd("open", fd);
	TRY(fchdir(fd));
	show_place("still");
	TRY(chdir(folder));
	SAY(content_at(AT_FDCWD, "gone/f"));
	TRY(close(fd));

	/* by who is in it, relative to something else and to itself */
	TRY(fd = open(".", O_RDONLY | O_DIRECTORY));
	TRY(mkdir("own", 0755));
	TRY(chdir("own"));
	TRY(unlinkat(fd, "own", AT_REMOVEDIR));
	TRY(mkdirat(fd, "own", 0755));
	TRY(open("f", O_CREAT | O_WRONLY, 0644));
	TRY(fchdir(fd));
	TRY(chdir("own"));
	TRY(rmdir("../own"));
	TRY(mkdirat(fd, "own", 0755));
	TRY(open("f", O_CREAT | O_WRONLY, 0644));
	TRY(fchdir(fd));
	TRY(close(fd));
}

static void through_links(void)
{
	int fd;

	TRY(mkdir("v1", 0755));
	TRY(mkdir("v2", 0755));
	fill("v1/f", "one");
	fill("v2/f", "two");
	TRY(symlink("v1", "current"));
	TRY(fd = open("current", O_RDONLY | O_DIRECTORY));
	TRY(symlink("v2", "next"));
	TRY(rename("next", "current"));
	SAY(content_at(AT_FDCWD, "current/f"));
	SAY(content_at(fd, "f"));
	TRY(fchdir(fd));
	show_place("link");
	TRY(chdir(".."));
	TRY(close(fd));
}

/* As it was opened, by a process that the receiver is not made by. */
static void sent(void)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	int pair[2], fd;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ELSEWHERE(TRY(mkdir("s", 0755)); fd = open("s", O_RDONLY);
		  TRY(rename("s", "t")); TRY(mkdir("s", 0755));
		  fill("t/f", "sent"); fill("s/f", "wrong");
		  memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		  TRY(sendmsg(pair[1], &message, 0)));
	TRY(recvmsg(pair[0], &message, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	SAY(content_at(fd, "f"));
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

static void copy(const char *from, const char *to)
{
	static char block[1 << 16];
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	while ((n = read(in, block, sizeof(block))) > 0)
		if (write(out, block, n) != n)
			perror(to);
	close(in);
	close(out);
}

static void again(void)
{
	char link[40], *none[] = { "x", NULL };
	int fd, name, status = 0;
	struct stat st;
	pid_t pid;

	fill("f", "first");
	fill("g", "second");
	TRY(fd = open("f", O_RDWR));
	TRY(name = open("f", O_PATH));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	SAY(content_at(AT_FDCWD, link));
	TRY(rename("g", "f"));
	SAY(content_at(AT_FDCWD, link));
	TRY(close(open(link, O_WRONLY | O_TRUNC)));
	SAY(content_at(AT_FDCWD, "f"));
	TRY(fstat(fd, &st));
	TRY(st.st_size);
	TRY(truncate(link, 7));
	TRY(fstat(fd, &st));
	TRY(st.st_size);
	TRY(stat("f", &st));
	TRY(st.st_size);
	TRY(close(name));
	TRY(close(fd));

	TRY(fd = open("f", O_RDONLY));
	TRY(truncate(link, 3));
	SAY(content_at(AT_FDCWD, "f"));
	TRY(truncate(link, -1));
	TRY(close(open(link, O_RDONLY | O_TRUNC)));
	TRY(fstat(fd, &st));
	TRY(st.st_size);
	TRY(close(fd));
	TRY(truncate(link, 3));
	TRY(fd = open("dir", O_RDONLY));
	TRY(truncate(link, 3));
	TRY(close(fd));
	TRY(fd = open("link", O_PATH | O_NOFOLLOW));
	TRY(open(link, O_RDONLY));
	TRY(close(fd));

	/* a program that is replaced while it is open */
	copy("/bin/true", "program");
	copy("/bin/false", "other");
	TRY(fd = open("program", O_RDONLY | O_CLOEXEC));
	pid = fork();
	if (!pid) {
		fexecve(fd, none, none + 1);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	TRY(WEXITSTATUS(status));
	TRY(rename("other", "program"));
	pid = fork();
	if (!pid) {
		fexecve(fd, none, none + 1);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	/* it is the old one, or none */
	SHOW("ran the other", !WIFEXITED(status) || WEXITSTATUS(status) == 1);
	SHOW("told", WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
					   WEXITSTATUS(status) == 127));
	TRY(close(fd));
}

int main(void)
{
	folder_begin();
	working();
	open_one();
	removed();
	through_links();
	sent();
	again();
	return folder_end();
}
