// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Names and folders, pipes, waiting for descriptors, and /proc: what calls on
 * them answer. "places names": only the first of these.
 */
#include "folder.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/vfs.h>

static char buffer[70000];

static const char *content(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

	close(fd);
	buffer[n < 0 ? 0 : n] = 0;
	return buffer;
}

static void names(void)
{
	fill("file", "x");
	TRY(mkdir("dir", 0755));
	TRY(mkdir("", 0755));
	TRY(mkdir("/", 0755));
	TRY(mkdir(".", 0755));
	TRY(mkdir("..", 0755));
	TRY(mkdir("a/b", 0755));
	TRY(mkdir("file/b", 0755));
	TRY(mkdir("slash/", 0755));
	TRY(mkdir("dangling", 0755));
	TRY(rmdir("slash/"));
	TRY(rmdir("file"));
	TRY(rmdir("dir"));
	TRY(rmdir("."));
	TRY(rmdir(".."));
	TRY(rmdir("dir/sub/.."));
	TRY(rmdir("/"));
	TRY(rmdir("dirlink"));
	TRY(rmdir("nothing"));
	TRY(unlink("dir"));
	TRY(unlink("nothing"));
	TRY(unlink("."));
	TRY(unlink("/"));
	TRY(unlink("file/"));
	TRY(unlink(""));
	TRY(unlinkat(AT_FDCWD, "file", 0x40));
	TRY(unlinkat(999, "file", 0));
	TRY(unlinkat(AT_FDCWD, "dir", AT_REMOVEDIR));
	TRY(rename("nothing", "x"));
	TRY(rename("file", "dir"));
	TRY(rename("dir", "file"));
	TRY(rename("dir", "dir/sub/x"));
	TRY(rename("file", "file"));
	TRY(rename(".", "x"));
	TRY(rename("file", "."));
	TRY(rename("file", "dir/sub/"));
	TRY(rename("file", "newname/"));
	TRY(rename("file", ""));
	TRY(renameat2(AT_FDCWD, "file", AT_FDCWD, "copy", RENAME_NOREPLACE));
	TRY(renameat2(AT_FDCWD, "file", AT_FDCWD, "copy", RENAME_EXCHANGE));
	TRY(renameat2(AT_FDCWD, "file", AT_FDCWD, "copy", 3));
	TRY(renameat2(AT_FDCWD, "file", AT_FDCWD, "nothing", RENAME_EXCHANGE));
	TRY(rename("copy", "moved"));
	TRY(rename("moved", "copy"));
	TRY(rename("dir/sub", "dir/sub2"));
	TRY(rename("dir/sub2", "dir/sub"));
	TRY(link("file", "hard"));
	TRY(link("file", "hard"));
	TRY(link("dir", "hard2"));
	TRY(link("nothing", "hard2"));
	TRY(link("dangling", "hard3"));
	TRY(linkat(AT_FDCWD, "dangling", AT_FDCWD, "hard4", AT_SYMLINK_FOLLOW));
	TRY(linkat(AT_FDCWD, "link", AT_FDCWD, "hard5", AT_SYMLINK_FOLLOW));
	TRY(linkat(AT_FDCWD, "file", AT_FDCWD, "hard6", 1));
	TRY(unlink("hard"));
	TRY(unlink("hard3"));
	TRY(unlink("hard5"));
	TRY(symlink("", "s"));
	TRY(symlink("x", "file"));
	TRY(symlink("x", "nothing/y"));
	TRY(symlink("x", ""));
	TRY(symlink("x", "s/"));
	TRY(symlink("some/where", "s"));
	TRY(readlink("s", buffer, 4));
	TRY(readlink("s", buffer, 100));
	TRY(readlink("s", buffer, 0));
	TRY(readlink("file", buffer, 100));
	TRY(readlink("dir", buffer, 100));
	TRY(readlink("nothing", buffer, 100));
	TRY(readlink("", buffer, 100));
	TRY(readlink("s", BAD, 100));
	TRY(unlink("s"));
	TRY(mknod("node", S_IFREG | 0644, 0));
	TRY(mknod("node", S_IFREG | 0644, 0));
	TRY(mknod("node2", S_IFDIR | 0644, 0));
	TRY(mknod("node2", 0170000, 0));
	TRY(unlink("node"));
}

/* Names that end in slashes or dots. */
static void endings(void)
{
	unlink("file");
	fill("file", "0123456789");
	TRY(mkdir("file/", 0755));
	TRY(mkdir("dangling/", 0755));
	TRY(mknod("file/", S_IFREG | 0644, 0));
	TRY(mknod("new/", S_IFREG | 0644, 0));
	TRY(mknod("new/", S_IFIFO | 0644, 0));
	TRY(symlink("x", "file/"));
	TRY(link("copy", "file/"));
	TRY(link("copy", "new/"));
	TRY(link("file/", "new"));
	TRY(open("file/", O_RDONLY));
	TRY(open("file/", O_RDWR | O_CREAT, 0644));
	TRY(open("link/", O_RDWR | O_CREAT, 0644));
	TRY(open("file/", O_RDWR | O_CREAT | O_EXCL, 0644));
	TRY(open("new/", O_RDWR | O_CREAT, 0644));
	TRY(open("new/", O_RDWR | O_CREAT | O_EXCL, 0644));
	TRY(open("missing/new/", O_RDWR | O_CREAT, 0644));
	TRY(open("dir/", O_RDWR | O_CREAT, 0644));
	TRY(open("file/new/", O_RDWR | O_CREAT | O_EXCL, 0644));
	TRY(unlink("file/"));
	TRY(rmdir("file/"));
	TRY(unlink("dir/"));
	TRY(unlink("dirlink/"));
	TRY(rmdir("dirlink/"));
	TRY(unlink("new/"));
	TRY(rename("file/", "x"));
	TRY(rename("link/", "x"));
	TRY(rename("dirlink/", "x"));
	TRY(rename("dir", "file/"));
	TRY(rename("file", "copy/"));
	TRY(renameat2(AT_FDCWD, "file", AT_FDCWD, "copy/", RENAME_NOREPLACE));
	TRY(renameat2(AT_FDCWD, "file/", AT_FDCWD, "copy", RENAME_NOREPLACE));
	TRY(renameat2(AT_FDCWD, "dir", AT_FDCWD, "copy/", RENAME_EXCHANGE));

	TRY(rmdir("missing/."));
	TRY(rmdir("missing/.."));
	TRY(rmdir("file/."));
	TRY(rmdir("dir/."));
	TRY(unlink("missing/.."));
	TRY(unlink("file/."));
	TRY(unlink("dir/.."));
	TRY(rename("missing/.", "x"));
	TRY(rename("dir/.", "x"));
	TRY(rename("file", "missing/.."));
	TRY(rename("file", "file/."));

	TRY(open("dir", O_RDONLY | O_DIRECTORY | O_TRUNC));
	TRY(open("dirlink", O_RDONLY | O_DIRECTORY | O_TRUNC));
	TRY(open("file", O_RDWR | O_DIRECTORY | O_TRUNC));
	TRY(open("missing", O_RDWR | O_DIRECTORY | O_TRUNC));
	TRY(strlen(content("file")));
	/* Of a user, that it may not is what is told. */
	TRY(mkdir("fixed", 0755));
	TRY(mkdir("fixed/dir", 0755));
	fill("fixed/file", "x");
	TRY(chmod("fixed", 0555));
	TRY(unlink("fixed/dir"));
	TRY(rmdir("fixed/file"));
	TRY(unlink("fixed/file/"));
	TRY(unlink("fixed/dir/"));
	TRY(chmod("fixed", 0755));
}

static void show_link(int fd)
{
	char text[100] = "";

	TRY(readlinkat(fd, "", text, sizeof(text) - 1));
	printf("%s\n", text);
}

/* The last part of what /proc says. */
static void show_name(int fd)
{
	char name[40], text[PATH_MAX] = "";

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	TRY(readlink(name, text, sizeof(text) - 1) > 0);
	printf("%s\n", strrchr(text, '/') ?: text);
}

static unsigned int type_of(int fd)
{
	struct stat st = { 0 };

	fstat(fd, &st);
	return st.st_mode & S_IFMT;
}

/* O_PATH of /dev/fd/@fd, which goes on when that is closed. */
static void path_of(const char *what, int fd)
{
	struct statfs one = { 0 }, other = { 0 };
	char name[40];
	int path, inner;

	printf("O_PATH of %s\n", what);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	path = open(name, O_PATH);
	SHOW("is open", path >= 0);
	SHOW("type", type_of(path));
	SHOW("statfs", statfs(name, &one) || fstatfs(fd, &other) ||
			       one.f_type != other.f_type);
	if (type_of(fd) != S_IFIFO)
		close(fd);
	SHOW("type", type_of(path));
	inner = openat(path, "sub", O_RDONLY | O_DIRECTORY);
	SHOW("has a folder", inner >= 0);
	close(inner);
	close(path);
}

static void links(void)
{
	char name[40];
	int fd, fd2, p[2];

	/* A link that is open, and is renamed over and removed. */
	TRY(symlink("old", "l"));
	TRY(symlink("new", "m"));
	fd = open("l", O_PATH | O_NOFOLLOW);
	show_link(fd);
	TRY(rename("m", "l"));
	show_link(fd);
	TRY(unlink("l"));
	show_link(fd);
	path_of("a link", fd);
	path_of("a directory", open("dir", O_RDONLY));
	path_of("a directory behind a link", open("dirlink", O_RDONLY));
	path_of("O_PATH", open("dir", O_PATH));
	path_of("a file", open("link", O_RDONLY));
	fill("gone", "x");
	fd = open("gone", O_RDWR);
	TRY(unlink("gone"));
	fill("gone", "y");
	path_of("what has no name", fd);
	TRY(unlink("gone"));
	path_of("/proc", open("/proc/self/fd", O_RDONLY));
	(void)!pipe(p);
	path_of("a pipe", p[0]);
	/* In the place of what it leads to; two that lead to each other. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
	fd = open(name, O_PATH);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[1]);
	fd2 = open(name, O_PATH);
	CHECK(dup2(fd, p[0]) == p[0]);
	type_of(p[0]);
	CHECK(dup2(fd, p[1]) == p[1]);
	CHECK(dup2(fd2, p[0]) == p[0]);
	type_of(p[0]);
	type_of(p[1]);
	close(fd2);
	close(fd);
	close(p[0]);
	close(p[1]);
	TRY(open("/proc/self/fd/999", O_PATH));

	/* Directories behind links: out of the tree, nowhere, in circles. */
	TRY(symlink("/proc/self/fd", "l"));
	TRY((fd = open("l", O_RDONLY | O_DIRECTORY)) >= 0);
	close(fd);
	TRY((fd = open("l", O_PATH | O_DIRECTORY)) >= 0);
	CHECK(type_of(fd) == S_IFDIR);
	close(fd);
	TRY(unlink("l"));
	TRY(open("dangling", O_RDONLY | O_DIRECTORY));
	TRY(open("dangling", O_PATH | O_DIRECTORY));
	TRY(open("loop", O_RDONLY | O_DIRECTORY));
	TRY(open("loop", O_PATH | O_DIRECTORY));
	TRY(open("link", O_RDONLY | O_DIRECTORY));
	TRY(open("link", O_PATH | O_DIRECTORY));
	TRY(open("file", O_RDONLY | O_DIRECTORY));
	TRY(open("dirlink", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));

	/* A file that is open, and renamed. */
	fd = open("file", O_RDONLY);
	show_name(fd);
	TRY(rename("file", "other"));
	show_name(fd);
	TRY(rename("other", "file"));
	show_name(fd);
	close(fd);

	/* Second names, and one that may not be. */
	fd = open("file", O_PATH);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	TRY(linkat(AT_FDCWD, name, AT_FDCWD, "second", AT_SYMLINK_FOLLOW));
	TRY(strlen(content("second")));
	TRY(unlink("second"));
	TRY(syncfs(fd));
	close(fd);
	fd = open("dir", O_PATH);
	TRY(linkat(AT_FDCWD, name, AT_FDCWD, "second", AT_SYMLINK_FOLLOW));
	close(fd);
	fd = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600);
	TRY(linkat(AT_FDCWD, name, AT_FDCWD, "second", AT_SYMLINK_FOLLOW));
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	TRY(linkat(AT_FDCWD, name, AT_FDCWD, "second", AT_SYMLINK_FOLLOW));
	close(fd);
	TRY(unlink("second"));
}

/* An owner that stays is a change, too; and lengths beyond all memory. */
static void owners(void)
{
	static volatile size_t huge = 0x7fffffff;
	struct stat before, after;
	char *memory;
	int fd;

	TRY(chmod("file", 06755));
	stat("file", &before);
	sleep_ms(20);
	TRY(chown("file", -1, -1));
	stat("file", &after);
	CHECK(after.st_mode);
	CHECK(before.st_ctim.tv_sec != after.st_ctim.tv_sec ||
	      before.st_ctim.tv_nsec != after.st_ctim.tv_nsec);
	TRY(chmod("dir", 02755));
	TRY(chown("dir", -1, -1));
	stat("dir", &after);
	CHECK(after.st_mode);
	TRY(chmod("dir", 0755));
	TRY(chmod("file", 0644));

	memory = malloc(1 << 20);
	memset(memory, 0, 1 << 20);
	fd = open("file", O_RDONLY);
	TRY(read(fd, memory, huge));
	TRY(pread(fd, memory, huge, 5));
	close(fd);
	fd = open("dir", O_RDONLY);
	CHECK(syscall(SYS_getdents64, fd, memory, huge) > 0);
	TRY(syscall(SYS_readlink, "link", memory, huge));
	close(fd);
	free(memory);
}

static void directories(void)
{
	char name[40];
	struct dirent *entry;
	int fd, i, count = 0;
	long second = 0, where;
	DIR *dir;

	TRY(mkdir("list", 0755));
	for (i = 0; i < 700; i++) {
		snprintf(name, sizeof(name), "list/entry-number-%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	dir = opendir("list");
	while ((entry = readdir(dir))) {
		if (++count == 2)
			second = telldir(dir);
		if (count == 3)
			strcpy(name, entry->d_name);
	}
	TRY(count);
	seekdir(dir, second);
	entry = readdir(dir);
	TRY(strcmp(entry->d_name, name));
	rewinddir(dir);
	for (count = 0; readdir(dir); count++)
		;
	TRY(count);
	closedir(dir);
	TRY(fd = open("list", O_RDONLY));
	TRY(syscall(SYS_getdents64, fd, buffer, 10));
	TRY(syscall(SYS_getdents64, fd, buffer, 24));
	TRY(syscall(SYS_getdents64, fd, buffer, 24));
	where = lseek(fd, 0, SEEK_CUR);
	TRY(where > 0);
	TRY(syscall(SYS_getdents64, fd, BAD, 1000));
	TRY(lseek(fd, 0, SEEK_SET));
	for (count = 0; (i = syscall(SYS_getdents64, fd, buffer, 100)) > 0;)
		for (char *at = buffer; at < buffer + i; count++)
			at += ((struct dirent64 *)at)->d_reclen;
	TRY(count);
	TRY(lseek(fd, -1, SEEK_SET));
	TRY(close(fd));
	TRY(fd = open("file", O_RDONLY));
	TRY(syscall(SYS_getdents64, fd, buffer, 1000));
	TRY(close(fd));
	TRY(syscall(SYS_getdents64, 999, buffer, 1000));
	for (i = 0; i < 700; i++) {
		snprintf(name, sizeof(name), "list/entry-number-%d", i);
		unlink(name);
	}
	TRY(chdir("nothing"));
	TRY(chdir("file"));
	TRY(chdir(""));
	TRY(chdir("loop"));
	TRY(fchdir(999));
	TRY(getcwd(buffer, 2) == NULL);
	getcwd(buffer, sizeof(buffer));
	TRY(chdir("dirlink"));
	TRY(strcmp(getcwd(buffer + 5000, 5000) + strlen(buffer), "/dir"));
	TRY(chdir("sub/.."));
	TRY(fd = open("sub", O_RDONLY));
	TRY(chdir(".."));
	TRY(fchdir(fd));
	TRY(strcmp(getcwd(buffer + 5000, 5000) + strlen(buffer), "/dir/sub"));
	TRY(close(fd));
	TRY(chdir("../.."));
	TRY(strcmp(getcwd(buffer + 5000, 5000), buffer));
	TRY(rmdir("list"));
	TRY(chroot("file"));
}

static int pipe_signals;

static void count_signal(int signal)
{
	(void)signal;
	pipe_signals++;
}

static void pipes(void)
{
	struct pollfd fds[3];
	int p[2], i;

	signal(SIGPIPE, count_signal);
	TRY(pipe(p));
	TRY(pipe(BAD));
	TRY(pipe2(p, 1));
	TRY(write(p[1], "hello", 5));
	TRY(ioctl(p[0], FIONREAD, &i));
	TRY(i);
	TRY(read(p[0], buffer, 3));
	TRY(read(p[0], buffer, 100));
	TRY(lseek(p[0], 0, SEEK_SET));
	TRY(pread(p[0], buffer, 1, 0));
	TRY(write(p[0], "x", 1));
	TRY(read(p[1], buffer, 1));
	TRY(fcntl(p[0], F_SETFL, O_NONBLOCK));
	TRY(fcntl(p[1], F_SETFL, O_NONBLOCK));
	TRY(fcntl(p[1], F_GETFL));
	TRY(read(p[0], buffer, 1));
	TRY(write(p[1], buffer, sizeof(buffer)));
	TRY(write(p[1], buffer, 1));
	TRY(read(p[0], buffer, 4095));
	TRY(write(p[1], buffer, 4096) == -1);
	TRY(read(p[0], buffer, sizeof(buffer)));
	TRY(ftruncate(p[1], 0));
	TRY(fsync(p[1]));
	TRY(fcntl(p[0], F_GETPIPE_SZ));
	fds[0] = (struct pollfd){ p[0], POLLIN, 0 };
	fds[1] = (struct pollfd){ p[1], POLLOUT, 0 };
	fds[2] = (struct pollfd){ 999, POLLIN, 0 };
	TRY(poll(fds, 2, 0));
	TRY(fds[0].revents);
	TRY(fds[1].revents);
	TRY(poll(fds, 3, 0));
	TRY(fds[2].revents);
	TRY(poll(fds, 1, 20));
	TRY(write(p[1], "x", 1));
	TRY(poll(fds, 1, -1));
	TRY(fds[0].revents);
	TRY(close(p[1]));
	TRY(poll(fds, 1, -1));
	TRY(fds[0].revents);
	TRY(read(p[0], buffer, 10));
	TRY(read(p[0], buffer, 10));
	TRY(close(p[0]));
	TRY(pipe2(p, O_CLOEXEC));
	TRY(fcntl(p[0], F_GETFD));
	TRY(close(p[0]));
	TRY(write(p[1], "x", 1));
	TRY(pipe_signals);
	fds[0] = (struct pollfd){ p[1], POLLOUT, 0 };
	TRY(poll(fds, 1, -1));
	TRY(fds[0].revents);
	TRY(close(p[1]));
}

static void alarm_signal(int signal)
{
	(void)signal;
}

static void waiting(void)
{
	/* again and again: one may come before there is anything to wait */
	struct itimerval timer = { { 0, 50000 }, { 0, 50000 } };
	struct sigaction action = { .sa_handler = alarm_signal };
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 7 };
	struct epoll_event events[4];
	struct timeval time = { 0, 1000 };
	struct timespec bad = { 0, -1 };
	uint64_t value = 5;
	fd_set in, out;
	int fd, ep, p[2];

	TRY(fd = eventfd(3, EFD_NONBLOCK));
	TRY(read(fd, &value, 4));
	TRY(read(fd, &value, 8));
	TRY(value);
	TRY(read(fd, &value, 8));
	value = -1;
	TRY(write(fd, &value, 8));
	value = -2;
	TRY(write(fd, &value, 8));
	TRY(write(fd, &value, 8));
	TRY(read(fd, &value, 8));
	TRY(eventfd(0, 77));
	TRY(lseek(fd, 0, SEEK_SET));
	TRY(close(fd));
	TRY(fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
	TRY(read(fd, &value, 8));
	TRY(value);

	TRY(pipe(p));
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p[0], &in);
	FD_SET(p[1], &out);
	TRY(select(p[1] + 1, &in, &out, NULL, &time));
	TRY(FD_ISSET(p[0], &in));
	TRY(FD_ISSET(p[1], &out) != 0);
	FD_SET(p[0], &in);
	FD_SET(40, &in);
	FD_SET(70, &in);
	TRY(select(p[0] + 1, &in, NULL, NULL, &time));
	/* beyond those asked for, but for those of other words */
	CHECK(FD_ISSET(40, &in) != 0);
	CHECK(FD_ISSET(70, &in) != 0);
	FD_SET(60, &in);
	TRY(select(61, &in, NULL, NULL, &time));
	TRY(select(-1, &in, NULL, NULL, &time));
	TRY(ppoll(NULL, 0, &bad, NULL));
	TRY(poll(NULL, 0, 10));
	TRY(poll(BAD, 1, 10));
	TRY(poll(NULL, large_count * 5000, 10));

	TRY(epoll_create(0));
	TRY(epoll_create1(1));
	TRY(ep = epoll_create1(EPOLL_CLOEXEC));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, 999, &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &event));
	TRY(epoll_ctl(ep, 77, p[0], &event));
	TRY(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &event));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, open("file", O_RDONLY), &event));
	TRY(epoll_wait(ep, events, 4, 0));
	TRY(epoll_wait(ep, events, 0, 0));
	TRY(epoll_wait(ep, events, 4, 10));
	TRY(write(p[1], "xx", 2));
	TRY(epoll_wait(ep, events, 4, -1));
	TRY(events[0].events);
	TRY(events[0].data.u64);
	TRY(epoll_wait(ep, events, 4, -1));
	event.events = EPOLLIN | EPOLLET;
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &event));
	TRY(epoll_wait(ep, events, 4, -1));
	TRY(epoll_wait(ep, events, 4, 0));
	TRY(write(p[1], "y", 1));
	TRY(epoll_wait(ep, events, 4, 0));
	event.events = EPOLLIN | EPOLLONESHOT;
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &event));
	TRY(epoll_wait(ep, events, 4, 0));
	TRY(epoll_wait(ep, events, 4, 0));
	TRY(close(p[0]));
	TRY(epoll_wait(ep, events, 4, 0));

	TRY(pipe(p));
	TRY(sigaction(SIGALRM, &action, NULL));
	TRY(setitimer(ITIMER_REAL, &timer, NULL));
	TRY(read(p[0], buffer, 1));
	TRY(setitimer(ITIMER_REAL, &timer, NULL));
	TRY(poll(NULL, 0, -1));
	TRY(setitimer(ITIMER_REAL, &timer, NULL));
	TRY(epoll_wait(ep, events, 4, -1));
	TRY(setitimer(ITIMER_REAL, &timer, NULL));
	TRY(select(0, NULL, NULL, NULL, NULL));
	timer = (struct itimerval){ 0 };
	TRY(setitimer(ITIMER_REAL, &timer, NULL));
}

static void proc(void)
{
	char link[PATH_MAX];
	int fd, n;

	TRY(readlink("/proc/self/exe", link, sizeof(link)) > 0);
	TRY(open("/proc/nothing", O_RDONLY));
	TRY(open("/proc/self/fd/999", O_RDONLY));
	TRY(fd = open("file", O_RDONLY));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	TRY(n = readlink(link, buffer, sizeof(buffer)));
	TRY(memcmp(buffer + n - 5, "/file", 5));
	TRY(access(link, R_OK));
	TRY(open(link, O_RDONLY | O_NOFOLLOW));
	TRY(strlen(content(link)));
	TRY(close(fd));
	TRY(readlink(link, buffer, sizeof(buffer)));
	TRY(open("/dev/fd/1", O_WRONLY) >= 0);
	TRY(mkdir("/proc/x", 0755));
	TRY(unlink("/proc/self/comm"));
	TRY(rename("/proc/self/comm", "x"));
	TRY(open("/proc/version", O_RDONLY | O_DIRECTORY));
	TRY(open("/proc/self", O_RDONLY | O_NOFOLLOW));
	TRY(strstr(content("/proc/self/status"), "Pid:") != NULL);
	TRY(strstr(content("/proc/self/maps"), "[stack]") != NULL);
	TRY(strstr(content("/proc/filesystems"), "proc") != NULL);
	TRY(strncmp(content("/proc/self/stat"), "", 0));
	TRY(chdir("/proc/self"));
	TRY(access("status", R_OK));
	TRY(access("../self/status", R_OK));
	TRY(open("..", O_RDONLY) >= 0);
	TRY(ioctl(0, FIONREAD, BAD));
	TRY(ioctl(999, FIONREAD, &n));
	TRY(ioctl(open("status", O_RDONLY), TIOCGWINSZ, &n));
}

int main(int argc, char **argv)
{
	folder_begin();
	names();
	endings();
	links();
	owners();
	if (argc > 1 && !strcmp(argv[1], "names"))
		return folder_end();
	directories();
	pipes();
	waiting();
	proc();
	return folder_end();
}
