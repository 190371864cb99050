// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * File system calls and their answers, one a line, for comparing the library
 * OS with Linux: run natively and in a picoprocess, in an empty writable
 * directory each; the outputs must be the same. See run.
 *
 * Linked statically. Every line is an expression, its value and, of -1, errno.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define BAD ((void *)8)

static void show(const char *expression, long value)
{
	if (value == -1)
		printf("%s = -1 %s\n", expression, strerrorname_np(errno));
	else
		printf("%s = %ld\n", expression, value);
}

#define T(expression)                                  \
	do {                                           \
		errno = 0;                             \
		show(#expression, (long)(expression)); \
	} while (0)

static char buffer[70000];

static void fill(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (write(fd, text, strlen(text)) < 0)
		perror(name);
	close(fd);
}

static const char *content(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

	close(fd);
	buffer[n < 0 ? 0 : n] = 0;
	return buffer;
}

static void opening(void)
{
	static char long_name[PATH_MAX + 10], long_part[NAME_MAX + 10];
	int fd;

	memset(long_name, 'a', sizeof(long_name) - 1);
	memset(long_part, 'b', NAME_MAX + 1);
	fill("file", "0123456789");
	mkdir("dir", 0755);
	mkdir("dir/sub", 0755);
	symlink("file", "link");
	symlink("nothing", "dangling");
	symlink("dir", "dirlink");
	symlink("loop", "loop");

	T(open("", O_RDONLY));
	T(open(BAD, O_RDONLY));
	T(open(long_name, O_RDONLY));
	T(open(long_part, O_RDONLY));
	T(open("nothing", O_RDONLY));
	T(open("nothing/x", O_RDONLY));
	T(open("file/x", O_RDONLY));
	T(open("file/", O_RDONLY));
	T(open("file/..", O_RDONLY));
	T(open("dir", O_WRONLY));
	T(open("dir", O_RDWR));
	T(open("dir", O_RDONLY | O_CREAT, 0644));
	T(open("dir", O_RDONLY | O_TRUNC));
	T(open("new/", O_WRONLY | O_CREAT, 0644));
	T(open("file", O_WRONLY | O_CREAT | O_EXCL, 0644));
	T(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644));
	T(open("link", O_RDONLY | O_NOFOLLOW));
	T(open("loop", O_RDONLY));
	T(open("file", O_RDONLY | O_DIRECTORY));
	T(open("dangling", O_RDONLY));
	T(open(".", O_RDWR | O_TMPFILE & ~O_DIRECTORY, 0600));
	T(open(".", O_TMPFILE | O_RDONLY, 0600));
	T(openat(999, "file", O_RDONLY));
	T(openat(-5, "file", O_RDONLY));
	T(openat(0x7fffffff, "/", O_RDONLY | O_NOFOLLOW) >= 0);
	T(fd = open("file", O_RDONLY));
	T(openat(fd, "x", O_RDONLY));
	T(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	T(close(fd));
	T(close(fd));
	T(fd = open("dir", O_RDONLY));
	T(openat(fd, "../file", O_RDONLY));
	T(close(4));
	T(openat(fd, "", O_RDONLY));
	T(read(fd, buffer, 10));
	T(write(fd, buffer, 10));
	T(ftruncate(fd, 0));
	T(close(fd));
	T(fd = open("file", O_PATH));
	T(read(fd, buffer, 1));
	T(write(fd, buffer, 1));
	T(lseek(fd, 0, SEEK_SET));
	T(fchmod(fd, 0600));
	T(fcntl(fd, F_GETFL));
	T(fcntl(fd, F_SETFL, 0));
	T(ioctl(fd, FIONREAD, buffer));
	T(fsync(fd));
	T(fchdir(fd));
	T(close(fd));
	T(fd = open("link", O_PATH | O_NOFOLLOW));
	T(readlinkat(fd, "", buffer, 100));
	T(close(fd));
	T(fd = open("created", O_WRONLY | O_CREAT, 0));
	T(write(fd, "x", 1));
	T(close(fd));
	T(fd = open("dangling", O_WRONLY | O_CREAT, 0640));
	T(close(fd));
	T(access("nothing", F_OK));
	T(unlink("nothing"));
	T(syscall(SYS_openat2, AT_FDCWD, "file", "", 3));
	T(syscall(SYS_creat, "made", 0600));
	T(close(3));
}

static void reading(void)
{
	struct iovec parts[3] = { { buffer, 3 },
				  { buffer + 10, 0 },
				  { buffer + 20, 4 } };
	struct iovec bad[2] = { { buffer, 3 }, { BAD, 4 } };
	int fd, other;

	fill("file", "0123456789");
	T(fd = open("file", O_RDWR));
	T(read(fd, buffer, 4));
	T(lseek(fd, 0, SEEK_CUR));
	T(lseek(fd, -5, SEEK_CUR));
	T(lseek(fd, -1, SEEK_END));
	T(lseek(fd, 0, 77));
	T(lseek(fd, 0, SEEK_DATA));
	T(lseek(fd, 0, SEEK_HOLE));
	T(lseek(fd, 100, SEEK_DATA));
	T(lseek(999, 0, SEEK_SET));
	T(lseek(fd, 20, SEEK_SET));
	T(read(fd, buffer, 10));
	T(pread(fd, buffer, 3, 8));
	T(pread(fd, buffer, 3, -1));
	T(pwrite(fd, "AB", 2, 4));
	T(pwrite(fd, "AB", 2, -4));
	T(lseek(fd, 0, SEEK_CUR));
	T(lseek(fd, 0, SEEK_SET));
	T(read(fd, BAD, 4));
	T(read(fd, BAD, 0));
	T(write(fd, BAD, 4));
	T(read(999, buffer, 4));
	T(write(999, buffer, 4));
	T(readv(fd, parts, 3));
	T(memcmp(buffer, "012", 3) || memcmp(buffer + 20, "3AB6", 4));
	T(readv(fd, parts, -1));
	T(readv(fd, parts, 2000));
	T(readv(fd, BAD, 2));
	T(readv(fd, parts, 0));
	parts[1].iov_len = -1;
	T(readv(fd, parts, 3));
	parts[1].iov_len = 2;
	T(lseek(fd, 0, SEEK_SET));
	T(writev(fd, parts, 3));
	T(lseek(fd, 0, SEEK_CUR));
	T(preadv(fd, parts, 3, 1));
	T(pwritev(fd, parts, 1, 12));
	T(preadv(fd, parts, 3, -1));
	T(writev(fd, bad, 2) == 7 || errno == EFAULT || errno == 0);
	T(ftruncate(fd, 5));
	T(ftruncate(fd, -1));
	T(truncate("file", 7));
	T(truncate("dir", 7));
	T(truncate("nothing", 7));
	T(truncate("file", -7));
	T(lseek(fd, 0, SEEK_END));
	T(fsync(fd));
	T(fdatasync(fd));
	T(close(fd));
	T(fd = open("file", O_RDONLY));
	T(write(fd, "x", 1));
	T(ftruncate(fd, 1));
	T(close(fd));
	T(fd = open("file", O_WRONLY | O_APPEND));
	T(read(fd, buffer, 1));
	T(lseek(fd, 0, SEEK_SET));
	T(write(fd, "end", 3));
	T(lseek(fd, 0, SEEK_CUR));
	T(close(fd));
	T(fd = open("file", O_WRONLY));
	T(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	T(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	T(write(fd, "more", 4));
	T(lseek(fd, 0, SEEK_CUR));
	T(close(fd));
	T(fd = open("file", O_RDONLY));
	T(other = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0644));
	T(sendfile(other, fd, NULL, 5));
	T(sendfile(other, fd, NULL, 100));
	T(sendfile(other, fd, NULL, 100));
	T(sendfile(fd, other, NULL, 100));
	T(sendfile(999, fd, NULL, 100));
	T(copy_file_range(fd, &(off_t){ 0 }, other, &(off_t){ 3 }, 5, 0));
	T(copy_file_range(fd, &(off_t){ 0 }, other, NULL, 5, 1));
	T(lseek(other, 0, SEEK_END));
	T(fallocate(999, 0, 0, 10));
	T(fallocate(fd, 0, 0, 10));
	T(close(other));
	T(close(fd));
	T(read(open("/dev/null", O_RDWR), buffer, 10));
	T(write(3, buffer, 10));
	T(lseek(3, 5, SEEK_SET));
	T(ioctl(3, TCGETS, buffer));
	T(close(3));
	T(read(open("/dev/zero", O_RDONLY), buffer, 10));
	T(close(3));
	T(write(open("/dev/full", O_WRONLY), buffer, 10));
	T(close(3));
	T(read(open("/dev/urandom", O_RDONLY), buffer, 10));
	T(close(3));
}

static void descriptors(void)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd;

	T(fd = open("file", O_RDONLY | O_CLOEXEC));
	T(fcntl(fd, F_GETFD));
	T(fcntl(fd, F_SETFD, 0));
	T(fcntl(fd, F_GETFD));
	T(dup(fd));
	T(dup(999));
	T(dup2(fd, 10));
	T(dup2(fd, fd));
	T(dup2(999, 999));
	T(dup2(fd, -1));
	T(dup2(fd, 1 << 30));
	T(dup3(fd, fd, 0));
	T(dup3(fd, 11, O_CLOEXEC));
	T(dup3(fd, 11, 1));
	T(fcntl(11, F_GETFD));
	T(fcntl(fd, F_DUPFD, 20));
	T(fcntl(fd, F_DUPFD_CLOEXEC, 20));
	T(fcntl(fd, F_DUPFD, 1 << 30));
	T(fcntl(fd, F_DUPFD, -1));
	T(fcntl(fd, 12345, 0));
	T(fcntl(999, F_GETFD));
	T(lseek(10, 3, SEEK_SET));
	T(lseek(fd, 0, SEEK_CUR));
	T(fcntl(fd, F_GETLK, &lock));
	T(lock.l_type);
	lock.l_type = F_WRLCK;
	T(fcntl(fd, F_SETLK, &lock));
	lock.l_type = F_RDLCK;
	T(fcntl(fd, F_SETLK, &lock));
	T(fcntl(fd, F_SETLK, BAD));
	T(flock(fd, LOCK_EX));
	T(flock(fd, 77));
	T(flock(999, LOCK_SH));
	T(syscall(SYS_close_range, 10, 30, 0));
	T(fcntl(10, F_GETFD));
	T(fcntl(4, F_GETFD));
	T(syscall(SYS_close_range, 4, 3, 0));
	T(syscall(SYS_close_range, 3, ~0U, 0));
	T(fcntl(3, F_GETFD));
	T(dup2(1, 300));
	T(fcntl(300, F_DUPFD, 200));
	T(close(200));
	T(close(300));
}

static void attributes(void)
{
	struct timespec times[2] = { { 1000000000, 5 }, { 1100000000, 7 } };
	struct statx sx;
	struct stat st;
	int fd;

	fill("file", "0123456789");
	T(stat("nothing", &st));
	T(stat("", &st));
	T(stat("file", BAD));
	T(stat("link", &st));
	T(S_ISREG(st.st_mode));
	T(lstat("link", &st));
	T(S_ISLNK(st.st_mode));
	T(st.st_size);
	T(stat("file/", &st));
	T(lstat("dirlink/", &st));
	T(S_ISDIR(st.st_mode));
	T(stat("loop", &st));
	T(fstat(999, &st));
	T(fstatat(999, "x", &st, 0));
	T(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	T(S_ISDIR(st.st_mode));
	T(fstatat(AT_FDCWD, "file", &st, 0x40));
	T(statx(AT_FDCWD, "file", 0, STATX_ALL, &sx));
	T(sx.stx_size);
	T(statx(AT_FDCWD, "file", 0x40000000, STATX_ALL, &sx));
	T(statx(AT_FDCWD, "file", 0, 0x80000000, &sx));
	T(chmod("file", 0604));
	T(stat("file", &st));
	T(st.st_mode);
	T(chmod("nothing", 0604));
	T(fchmodat(AT_FDCWD, "link", 0640, 0));
	T(stat("file", &st));
	T(st.st_mode);
	T(utimensat(AT_FDCWD, "file", times, 0));
	T(stat("file", &st));
	T(st.st_atim.tv_sec);
	T(st.st_mtim.tv_nsec);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_sec = -5;
	T(utimensat(AT_FDCWD, "file", times, 0));
	T(stat("file", &st));
	T(st.st_atim.tv_sec);
	T(st.st_mtim.tv_sec);
	times[1].tv_nsec = 1000000000;
	T(utimensat(AT_FDCWD, "file", times, 0));
	T(utimensat(AT_FDCWD, "nothing", NULL, 0));
	T(utimensat(AT_FDCWD, "link", NULL, AT_SYMLINK_NOFOLLOW));
	T(utimensat(AT_FDCWD, "file", NULL, 0x10000));
	T(futimens(999, NULL));
	T(fd = open("file", O_RDONLY));
	T(futimens(fd, NULL));
	T(fchmod(fd, 0600));
	T(fchown(fd, -1, -1));
	T(close(fd));
	T(chown("file", getuid(), getgid()));
	T(lchown("dangling", -1, -1));
	T(chown("dangling", -1, -1));
	T(fchownat(AT_FDCWD, "file", -1, -1, 0x40));
	T(access("file", F_OK));
	T(access("file", R_OK | W_OK));
	T(access("file", X_OK));
	T(access("dir", R_OK | W_OK | X_OK));
	T(access("dangling", F_OK));
	T(access("file", 8));
	T(faccessat(AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
	T(faccessat(999, "file", F_OK, 0));
	T(getxattr("file", "user.x", buffer, 10) == -1);
	T(getxattr("nothing", "user.x", buffer, 10));
	T(statfs("nothing", (struct statfs *)buffer));
	T(statfs(".", (struct statfs *)buffer));
	T(fstatfs(999, (struct statfs *)buffer));
	T(umask(027));
	T(close(open("masked", O_CREAT | O_WRONLY, 0777)));
	T(stat("masked", &st));
	T(st.st_mode);
	T(mkdir("maskeddir", 0777));
	T(stat("maskeddir", &st));
	T(st.st_mode);
	T(umask(022));
}

static void names(void)
{
	fill("file", "x");
	T(mkdir("dir", 0755));
	T(mkdir("", 0755));
	T(mkdir("/", 0755));
	T(mkdir(".", 0755));
	T(mkdir("..", 0755));
	T(mkdir("a/b", 0755));
	T(mkdir("file/b", 0755));
	T(mkdir("slash/", 0755));
	T(mkdir("dangling", 0755));
	T(rmdir("slash/"));
	T(rmdir("file"));
	T(rmdir("dir"));
	T(rmdir("."));
	T(rmdir(".."));
	T(rmdir("dir/sub/.."));
	T(rmdir("/"));
	T(rmdir("dirlink"));
	T(rmdir("nothing"));
	T(unlink("dir"));
	T(unlink("nothing"));
	T(unlink("."));
	T(unlink("/"));
	T(unlink("file/"));
	T(unlink(""));
	T(unlinkat(AT_FDCWD, "file", 0x40));
	T(unlinkat(999, "file", 0));
	T(unlinkat(AT_FDCWD, "dir", AT_REMOVEDIR));
	T(rename("nothing", "x"));
	T(rename("file", "dir"));
	T(rename("dir", "file"));
	T(rename("dir", "dir/sub/x"));
	T(rename("file", "file"));
	T(rename(".", "x"));
	T(rename("file", "."));
	T(rename("file", "dir/sub/"));
	T(rename("file", "newname/"));
	T(rename("file", ""));
	T(renameat2(AT_FDCWD, "file", AT_FDCWD, "copy", RENAME_NOREPLACE));
	T(renameat2(AT_FDCWD, "file", AT_FDCWD, "copy", RENAME_EXCHANGE));
	T(renameat2(AT_FDCWD, "file", AT_FDCWD, "copy", 3));
	T(renameat2(AT_FDCWD, "file", AT_FDCWD, "nothing", RENAME_EXCHANGE));
	T(rename("copy", "moved"));
	T(rename("moved", "copy"));
	T(rename("dir/sub", "dir/sub2"));
	T(rename("dir/sub2", "dir/sub"));
	T(link("file", "hard"));
	T(link("file", "hard"));
	T(link("dir", "hard2"));
	T(link("nothing", "hard2"));
	T(link("dangling", "hard3"));
	T(linkat(AT_FDCWD, "dangling", AT_FDCWD, "hard4", AT_SYMLINK_FOLLOW));
	T(linkat(AT_FDCWD, "link", AT_FDCWD, "hard5", AT_SYMLINK_FOLLOW));
	T(linkat(AT_FDCWD, "file", AT_FDCWD, "hard6", 1));
	T(unlink("hard"));
	T(unlink("hard3"));
	T(unlink("hard5"));
	T(symlink("", "s"));
	T(symlink("x", "file"));
	T(symlink("x", "nothing/y"));
	T(symlink("x", ""));
	T(symlink("x", "s/"));
	T(symlink("some/where", "s"));
	T(readlink("s", buffer, 4));
	T(readlink("s", buffer, 100));
	T(readlink("s", buffer, 0));
	T(readlink("file", buffer, 100));
	T(readlink("dir", buffer, 100));
	T(readlink("nothing", buffer, 100));
	T(readlink("", buffer, 100));
	T(readlink("s", BAD, 100));
	T(unlink("s"));
	T(mknod("node", S_IFREG | 0644, 0));
	T(mknod("node", S_IFREG | 0644, 0));
	T(mknod("node2", S_IFDIR | 0644, 0));
	T(mknod("node2", 0170000, 0));
	T(unlink("node"));
}

static void directories(void)
{
	char name[40];
	struct dirent *entry;
	int fd, i, count = 0;
	long second, where;
	DIR *dir;

	T(mkdir("list", 0755));
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
	T(count);
	seekdir(dir, second);
	entry = readdir(dir);
	T(strcmp(entry->d_name, name));
	rewinddir(dir);
	for (count = 0; readdir(dir); count++)
		;
	T(count);
	closedir(dir);
	T(fd = open("list", O_RDONLY));
	T(syscall(SYS_getdents64, fd, buffer, 10));
	T(syscall(SYS_getdents64, fd, buffer, 24));
	T(syscall(SYS_getdents64, fd, buffer, 24));
	where = lseek(fd, 0, SEEK_CUR);
	T(where > 0);
	T(syscall(SYS_getdents64, fd, BAD, 1000));
	T(lseek(fd, 0, SEEK_SET));
	for (count = 0; (i = syscall(SYS_getdents64, fd, buffer, 100)) > 0;)
		for (char *at = buffer; at < buffer + i; count++)
			at += ((struct dirent64 *)at)->d_reclen;
	T(count);
	T(lseek(fd, -1, SEEK_SET));
	T(close(fd));
	T(fd = open("file", O_RDONLY));
	T(syscall(SYS_getdents64, fd, buffer, 1000));
	T(close(fd));
	T(syscall(SYS_getdents64, 999, buffer, 1000));
	for (i = 0; i < 700; i++) {
		snprintf(name, sizeof(name), "list/entry-number-%d", i);
		unlink(name);
	}
	T(chdir("nothing"));
	T(chdir("file"));
	T(chdir(""));
	T(chdir("loop"));
	T(fchdir(999));
	T(getcwd(buffer, 2) == NULL);
	getcwd(buffer, sizeof(buffer));
	T(chdir("dirlink"));
	T(strcmp(getcwd(buffer + 5000, 5000) + strlen(buffer), "/dir"));
	T(chdir("sub/.."));
	T(fd = open("sub", O_RDONLY));
	T(chdir(".."));
	T(fchdir(fd));
	T(strcmp(getcwd(buffer + 5000, 5000) + strlen(buffer), "/dir/sub"));
	T(close(fd));
	T(chdir("../.."));
	T(strcmp(getcwd(buffer + 5000, 5000), buffer));
	T(rmdir("list"));
	T(chroot("file"));
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
	T(pipe(p));
	T(pipe(BAD));
	T(pipe2(p, 1));
	T(write(p[1], "hello", 5));
	T(ioctl(p[0], FIONREAD, &i));
	T(i);
	T(read(p[0], buffer, 3));
	T(read(p[0], buffer, 100));
	T(lseek(p[0], 0, SEEK_SET));
	T(pread(p[0], buffer, 1, 0));
	T(write(p[0], "x", 1));
	T(read(p[1], buffer, 1));
	T(fcntl(p[0], F_SETFL, O_NONBLOCK));
	T(fcntl(p[1], F_SETFL, O_NONBLOCK));
	T(fcntl(p[1], F_GETFL));
	T(read(p[0], buffer, 1));
	T(write(p[1], buffer, sizeof(buffer)));
	T(write(p[1], buffer, 1));
	T(read(p[0], buffer, 4095));
	T(write(p[1], buffer, 4096) == -1);
	T(read(p[0], buffer, sizeof(buffer)));
	T(ftruncate(p[1], 0));
	T(fsync(p[1]));
	T(fcntl(p[0], F_GETPIPE_SZ));
	fds[0] = (struct pollfd){ p[0], POLLIN, 0 };
	fds[1] = (struct pollfd){ p[1], POLLOUT, 0 };
	fds[2] = (struct pollfd){ 999, POLLIN, 0 };
	T(poll(fds, 2, 0));
	T(fds[0].revents);
	T(fds[1].revents);
	T(poll(fds, 3, 0));
	T(fds[2].revents);
	T(poll(fds, 1, 20));
	T(write(p[1], "x", 1));
	T(poll(fds, 1, -1));
	T(fds[0].revents);
	T(close(p[1]));
	T(poll(fds, 1, -1));
	T(fds[0].revents);
	T(read(p[0], buffer, 10));
	T(read(p[0], buffer, 10));
	T(close(p[0]));
	T(pipe2(p, O_CLOEXEC));
	T(fcntl(p[0], F_GETFD));
	T(close(p[0]));
	T(write(p[1], "x", 1));
	T(pipe_signals);
	fds[0] = (struct pollfd){ p[1], POLLOUT, 0 };
	T(poll(fds, 1, -1));
	T(fds[0].revents);
	T(close(p[1]));
}

static void alarm_signal(int signal)
{
	(void)signal;
}

static void waiting(void)
{
	struct itimerval timer = { .it_value = { 0, 50000 } };
	struct sigaction action = { .sa_handler = alarm_signal };
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 7 };
	struct epoll_event events[4];
	struct timeval time = { 0, 1000 };
	struct timespec bad = { 0, -1 };
	uint64_t value = 5;
	fd_set in, out;
	int fd, ep, p[2];

	T(fd = eventfd(3, EFD_NONBLOCK));
	T(read(fd, &value, 4));
	T(read(fd, &value, 8));
	T(value);
	T(read(fd, &value, 8));
	value = -1;
	T(write(fd, &value, 8));
	value = -2;
	T(write(fd, &value, 8));
	T(write(fd, &value, 8));
	T(read(fd, &value, 8));
	T(eventfd(0, 77));
	T(lseek(fd, 0, SEEK_SET));
	T(close(fd));
	T(fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
	T(read(fd, &value, 8));
	T(value);

	T(pipe(p));
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p[0], &in);
	FD_SET(p[1], &out);
	T(select(p[1] + 1, &in, &out, NULL, &time));
	T(FD_ISSET(p[0], &in));
	T(FD_ISSET(p[1], &out) != 0);
	FD_SET(p[0], &in);
	T(select(p[0] + 1, &in, NULL, NULL, &time));
	FD_SET(60, &in);
	T(select(61, &in, NULL, NULL, &time));
	T(select(-1, &in, NULL, NULL, &time));
	T(ppoll(NULL, 0, &bad, NULL));
	T(poll(NULL, 0, 10));
	T(poll(BAD, 1, 10));
	T(poll(NULL, 10000000, 10));

	T(epoll_create(0));
	T(epoll_create1(1));
	T(ep = epoll_create1(EPOLL_CLOEXEC));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &event));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &event));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &event));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, 999, &event));
	T(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], &event));
	T(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &event));
	T(epoll_ctl(ep, 77, p[0], &event));
	T(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &event));
	T(epoll_ctl(ep, EPOLL_CTL_ADD, open("file", O_RDONLY), &event));
	T(epoll_wait(ep, events, 4, 0));
	T(epoll_wait(ep, events, 0, 0));
	T(epoll_wait(ep, events, 4, 10));
	T(write(p[1], "xx", 2));
	T(epoll_wait(ep, events, 4, -1));
	T(events[0].events);
	T(events[0].data.u64);
	T(epoll_wait(ep, events, 4, -1));
	event.events = EPOLLIN | EPOLLET;
	T(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &event));
	T(epoll_wait(ep, events, 4, -1));
	T(epoll_wait(ep, events, 4, 0));
	T(write(p[1], "y", 1));
	T(epoll_wait(ep, events, 4, 0));
	event.events = EPOLLIN | EPOLLONESHOT;
	T(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &event));
	T(epoll_wait(ep, events, 4, 0));
	T(epoll_wait(ep, events, 4, 0));
	T(close(p[0]));
	T(epoll_wait(ep, events, 4, 0));

	T(pipe(p));
	T(sigaction(SIGALRM, &action, NULL));
	T(setitimer(ITIMER_REAL, &timer, NULL));
	T(read(p[0], buffer, 1));
	T(setitimer(ITIMER_REAL, &timer, NULL));
	T(poll(NULL, 0, -1));
	T(setitimer(ITIMER_REAL, &timer, NULL));
	T(epoll_wait(ep, events, 4, -1));
	T(setitimer(ITIMER_REAL, &timer, NULL));
	T(select(0, NULL, NULL, NULL, NULL));
}

static void proc(void)
{
	char link[PATH_MAX];
	int fd, n;

	T(readlink("/proc/self/exe", link, sizeof(link)) > 0);
	T(open("/proc/nothing", O_RDONLY));
	T(open("/proc/self/fd/999", O_RDONLY));
	T(fd = open("file", O_RDONLY));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	T(n = readlink(link, buffer, sizeof(buffer)));
	T(memcmp(buffer + n - 5, "/file", 5));
	T(access(link, R_OK));
	T(open(link, O_RDONLY | O_NOFOLLOW));
	T(strlen(content(link)));
	T(close(fd));
	T(readlink(link, buffer, sizeof(buffer)));
	T(open("/dev/fd/1", O_WRONLY) >= 0);
	T(mkdir("/proc/x", 0755));
	T(unlink("/proc/self/comm"));
	T(rename("/proc/self/comm", "x"));
	T(open("/proc/version", O_RDONLY | O_DIRECTORY));
	T(open("/proc/self", O_RDONLY | O_NOFOLLOW));
	T(strstr(content("/proc/self/status"), "Pid:") != NULL);
	T(strstr(content("/proc/self/maps"), "[stack]") != NULL);
	T(strstr(content("/proc/filesystems"), "proc") != NULL);
	T(strncmp(content("/proc/self/stat"), "", 0));
	T(chdir("/proc/self"));
	T(access("status", R_OK));
	T(access("../self/status", R_OK));
	T(open("..", O_RDONLY) >= 0);
	T(ioctl(0, FIONREAD, BAD));
	T(ioctl(999, FIONREAD, &n));
	T(ioctl(open("status", O_RDONLY), TIOCGWINSZ, &n));
}

static void others(void)
{
	int fd;

	errno = 0;
	fd = memfd_create("name", MFD_CLOEXEC);
	T(fd >= 0);
	T(write(fd, "text", 4));
	T(lseek(fd, 0, SEEK_SET));
	T(read(fd, buffer, 10));
	T(memfd_create("name", 0x4000));
	T(close(fd));
	T(fd = open("file", O_RDONLY));
	T(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	T(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) ==
	  MAP_FAILED);
	T(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	T(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 999, 0) == MAP_FAILED);
	T(close(fd));
	T(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("dir", O_RDONLY), 0) ==
	  MAP_FAILED);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 8192);
	umask(022);
	opening();
	reading();
	descriptors();
	attributes();
	names();
	directories();
	pipes();
	waiting();
	proc();
	others();
	return 0;
}
