// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Calls on files and their descriptors: opening, reading and writing, copying,
 * descriptors, attributes.
 */
#include "folder.h"

#include <limits.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <termios.h>

static char buffer[70000];

static void opening(void)
{
	static char long_name[PATH_MAX + 10], long_part[NAME_MAX + 10];
	int fd;

	memset(long_name, 'a', sizeof(long_name) - 1);
	memset(long_part, 'b', NAME_MAX + 1);

	TRY(open("", O_RDONLY));
	TRY(open(BAD, O_RDONLY));
	TRY(open(long_name, O_RDONLY));
	TRY(open(long_part, O_RDONLY));
	TRY(open("nothing", O_RDONLY));
	TRY(open("nothing/x", O_RDONLY));
	TRY(open("file/x", O_RDONLY));
	TRY(open("file/", O_RDONLY));
	TRY(open("file/..", O_RDONLY));
	TRY(open("dir", O_WRONLY));
	TRY(open("dir", O_RDWR));
	TRY(open("dir", O_RDONLY | O_CREAT, 0644));
	TRY(open("dir", O_RDONLY | O_TRUNC));
	TRY(open("new/", O_WRONLY | O_CREAT, 0644));
	TRY(open("file", O_WRONLY | O_CREAT | O_EXCL, 0644));
	TRY(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644));
	TRY(open("link", O_RDONLY | O_NOFOLLOW));
	TRY(open("loop", O_RDONLY));
	TRY(open("file", O_RDONLY | O_DIRECTORY));
	TRY(open("dangling", O_RDONLY));
	TRY(open(".", O_RDWR | (O_TMPFILE & ~O_DIRECTORY), 0600));
	TRY(open(".", O_TMPFILE | O_RDONLY, 0600));
	TRY(openat(999, "file", O_RDONLY));
	TRY(openat(-5, "file", O_RDONLY));
	TRY(openat(0x7fffffff, "/", O_RDONLY | O_NOFOLLOW) >= 0);
	TRY(fd = open("file", O_RDONLY));
	TRY(openat(fd, "x", O_RDONLY));
	TRY(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	TRY(close(fd));
	TRY(close(fd));
	TRY(fd = open("dir", O_RDONLY));
	TRY(openat(fd, "../file", O_RDONLY));
	TRY(close(4));
	TRY(openat(fd, "", O_RDONLY));
	TRY(read(fd, buffer, 10));
	TRY(write(fd, buffer, 10));
	TRY(ftruncate(fd, 0));
	TRY(close(fd));
	TRY(fd = open("file", O_PATH));
	TRY(read(fd, buffer, 1));
	TRY(write(fd, buffer, 1));
	TRY(lseek(fd, 0, SEEK_SET));
	TRY(fchmod(fd, 0600));
	TRY(fcntl(fd, F_GETFL));
	TRY(fcntl(fd, F_SETFL, 0));
	TRY(ioctl(fd, FIONREAD, buffer));
	TRY(fsync(fd));
	TRY(fchdir(fd));
	TRY(close(fd));
	TRY(fd = open("link", O_PATH | O_NOFOLLOW));
	TRY(readlinkat(fd, "", buffer, 100));
	TRY(close(fd));
	TRY(fd = open("created", O_WRONLY | O_CREAT, 0));
	TRY(write(fd, "x", 1));
	TRY(close(fd));
	TRY(fd = open("dangling", O_WRONLY | O_CREAT, 0640));
	TRY(close(fd));
	TRY(access("nothing", F_OK));
	TRY(unlink("nothing"));
	TRY(syscall(SYS_openat2, AT_FDCWD, "file", "", 3));
	TRY(syscall(SYS_creat, "made", 0600));
	TRY(close(3));
}

static void reading(void)
{
	struct iovec parts[3] = { { buffer, 3 },
				  { buffer + 10, 0 },
				  { buffer + 20, 4 } };
	struct iovec bad[2] = { { buffer, 3 }, { BAD, 4 } };
	int fd, other;

	fill("file", "0123456789");
	TRY(fd = open("file", O_RDWR));
	TRY(read(fd, buffer, 4));
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(lseek(fd, -5, SEEK_CUR));
	TRY(lseek(fd, -1, SEEK_END));
	TRY(lseek(fd, 0, 77));
	TRY(lseek(fd, 0, SEEK_DATA));
	TRY(lseek(fd, 0, SEEK_HOLE));
	TRY(lseek(fd, 100, SEEK_DATA));
	TRY(lseek(999, 0, SEEK_SET));
	TRY(lseek(fd, 20, SEEK_SET));
	TRY(read(fd, buffer, 10));
	TRY(pread(fd, buffer, 3, 8));
	TRY(pread(fd, buffer, 3, -1));
	TRY(pwrite(fd, "AB", 2, 4));
	TRY(pwrite(fd, "AB", 2, -4));
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(lseek(fd, 0, SEEK_SET));
	TRY(read(fd, BAD, 4));
	TRY(read(fd, BAD, 0));
	TRY(write(fd, BAD, 4));
	TRY(read(999, buffer, 4));
	TRY(write(999, buffer, 4));
	TRY(readv(fd, parts, 3));
	TRY(memcmp(buffer, "012", 3) || memcmp(buffer + 20, "3AB6", 4));
	TRY(readv(fd, parts, bad_count));
	TRY(readv(fd, parts, large_count));
	TRY(readv(fd, BAD, 2));
	TRY(readv(fd, parts, 0));
	parts[1].iov_len = -1;
	TRY(readv(fd, parts, 3));
	parts[1].iov_len = 2;
	TRY(lseek(fd, 0, SEEK_SET));
	TRY(writev(fd, parts, 3));
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(preadv(fd, parts, 3, 1));
	TRY(pwritev(fd, parts, 1, 12));
	TRY(preadv(fd, parts, 3, -1));
	TRY(writev(fd, bad, 2) == 7 || errno == EFAULT || errno == 0);
	TRY(ftruncate(fd, 5));
	TRY(ftruncate(fd, -1));
	TRY(truncate("file", 7));
	TRY(truncate("dir", 7));
	TRY(truncate("nothing", 7));
	TRY(truncate("file", -7));
	TRY(lseek(fd, 0, SEEK_END));
	TRY(fsync(fd));
	TRY(fdatasync(fd));
	TRY(close(fd));
	TRY(fd = open("file", O_RDONLY));
	TRY(write(fd, "x", 1));
	TRY(ftruncate(fd, 1));
	TRY(close(fd));
	TRY(fd = open("file", O_WRONLY | O_APPEND));
	TRY(read(fd, buffer, 1));
	TRY(lseek(fd, 0, SEEK_SET));
	TRY(write(fd, "end", 3));
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(close(fd));
	TRY(fd = open("file", O_WRONLY));
	TRY(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	TRY(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	TRY(write(fd, "more", 4));
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(close(fd));
	TRY(fd = open("file", O_RDONLY));
	TRY(other = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0644));
	TRY(sendfile(other, fd, NULL, 5));
	TRY(sendfile(other, fd, NULL, 100));
	TRY(sendfile(other, fd, NULL, 100));
	TRY(sendfile(fd, other, NULL, 100));
	TRY(sendfile(999, fd, NULL, 100));
	TRY(copy_file_range(fd, &(off_t){ 0 }, other, &(off_t){ 3 }, 5, 0));
	TRY(copy_file_range(fd, &(off_t){ 0 }, other, NULL, 5, 1));
	TRY(lseek(other, 0, SEEK_END));
	TRY(fallocate(999, 0, 0, 10));
	TRY(fallocate(fd, 0, 0, 10));
	TRY(close(other));
	TRY(close(fd));
	TRY(read(open("/dev/null", O_RDWR), buffer, 10));
	TRY(write(3, buffer, 10));
	TRY(lseek(3, 5, SEEK_SET));
	TRY(ioctl(3, TCGETS, buffer));
	TRY(close(3));
	TRY(read(open("/dev/zero", O_RDONLY), buffer, 10));
	TRY(close(3));
	TRY(write(open("/dev/full", O_WRONLY), buffer, 10));
	TRY(close(3));
	TRY(read(open("/dev/urandom", O_RDONLY), buffer, 10));
	TRY(close(3));
}

static void descriptors(void)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd;

	TRY(fd = open("file", O_RDONLY | O_CLOEXEC));
	TRY(fcntl(fd, F_GETFD));
	TRY(fcntl(fd, F_SETFD, 0));
	TRY(fcntl(fd, F_GETFD));
	TRY(dup(fd));
	TRY(dup(999));
	TRY(dup2(fd, 10));
	TRY(dup2(fd, fd));
	TRY(dup2(999, 999));
	TRY(dup2(fd, -1));
	TRY(dup2(fd, 1 << 30));
	TRY(dup3(fd, fd, 0));
	TRY(dup3(fd, 11, O_CLOEXEC));
	TRY(dup3(fd, 11, 1));
	TRY(fcntl(11, F_GETFD));
	TRY(fcntl(fd, F_DUPFD, 20));
	TRY(fcntl(fd, F_DUPFD_CLOEXEC, 20));
	TRY(fcntl(fd, F_DUPFD, 1 << 30));
	TRY(fcntl(fd, F_DUPFD, -1));
	TRY(fcntl(fd, 12345, 0));
	TRY(fcntl(999, F_GETFD));
	TRY(lseek(10, 3, SEEK_SET));
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(fcntl(fd, F_GETLK, &lock));
	TRY(lock.l_type);
	lock.l_type = F_WRLCK;
	TRY(fcntl(fd, F_SETLK, &lock));
	lock.l_type = F_RDLCK;
	TRY(fcntl(fd, F_SETLK, &lock));
	TRY(fcntl(fd, F_SETLK, BAD));
	TRY(flock(fd, LOCK_EX));
	TRY(flock(fd, 77));
	TRY(flock(999, LOCK_SH));
	TRY(syscall(SYS_close_range, 10, 30, 0));
	TRY(fcntl(10, F_GETFD));
	TRY(fcntl(4, F_GETFD));
	TRY(syscall(SYS_close_range, 4, 3, 0));
	TRY(syscall(SYS_close_range, 3, ~0U, 0));
	TRY(fcntl(3, F_GETFD));
	TRY(dup2(1, 300));
	TRY(fcntl(300, F_DUPFD, 200));
	TRY(close(200));
	TRY(close(300));
}

/* On names that no file system has: each call, and what it finds wrong. */
static void extended(void)
{
	int fd, name;

	TRY(fd = open("file", O_RDWR));
	TRY(name = open("file", O_PATH));
	TRY(setxattr("file", "none.x", "v", 1, 0));
	TRY(setxattr("dir", "none.x", "v", 1, 0));
	TRY(setxattr("nothing", "none.x", "v", 1, 0));
	TRY(setxattr("dangling", "none.x", "v", 1, 0));
	TRY(setxattr("file", "none.x", "v", 1, 4));
	TRY(setxattr("file", "", "v", 1, 0));
	TRY(setxattr("file", "none.x", buffer, 70000, 0));
	TRY(setxattr("file", "none.x", BAD, 1, 0));
	TRY(lsetxattr("dangling", "none.x", "v", 1, 0));
	TRY(lsetxattr("nothing", "none.x", "v", 1, 0));
	TRY(fsetxattr(fd, "none.x", "v", 1, 0));
	TRY(fsetxattr(name, "none.x", "v", 1, 0));
	TRY(fsetxattr(999, "none.x", "v", 1, 0));
	TRY(getxattr("file", "none.x", buffer, 10));
	TRY(getxattr("file", "", buffer, 10));
	TRY(getxattr("dangling", "none.x", buffer, 10));
	TRY(lgetxattr("dangling", "none.x", buffer, 10));
	TRY(lgetxattr("nothing", "none.x", buffer, 10));
	TRY(fgetxattr(fd, "none.x", buffer, 10));
	TRY(fgetxattr(name, "none.x", buffer, 10));
	TRY(fgetxattr(999, "none.x", buffer, 10));
	TRY(listxattr("file", buffer, 100));
	TRY(listxattr("file", NULL, 0));
	TRY(listxattr("nothing", buffer, 100));
	TRY(listxattr("dangling", buffer, 100));
	TRY(llistxattr("dangling", buffer, 100));
	TRY(llistxattr("nothing", buffer, 100));
	TRY(flistxattr(fd, buffer, 100));
	TRY(flistxattr(name, buffer, 100));
	TRY(flistxattr(999, buffer, 100));
	TRY(removexattr("file", "none.x"));
	TRY(removexattr("nothing", "none.x"));
	TRY(removexattr("dangling", "none.x"));
	TRY(lremovexattr("dangling", "none.x"));
	TRY(lremovexattr("nothing", "none.x"));
	TRY(fremovexattr(fd, "none.x"));
	TRY(fremovexattr(name, "none.x"));
	TRY(fremovexattr(999, "none.x"));
	TRY(close(name));
	TRY(close(fd));
}

static void attributes(void)
{
	struct timespec times[2] = { { 1000000000, 5 }, { 1100000000, 7 } };
	struct statx sx;
	struct stat st;
	int fd;

	fill("file", "0123456789");
	TRY(stat("nothing", &st));
	TRY(stat("", &st));
	TRY(stat("file", BAD));
	TRY(stat("link", &st));
	TRY(S_ISREG(st.st_mode));
	TRY(lstat("link", &st));
	TRY(S_ISLNK(st.st_mode));
	TRY(st.st_size);
	TRY(stat("file/", &st));
	TRY(lstat("dirlink/", &st));
	TRY(S_ISDIR(st.st_mode));
	TRY(stat("loop", &st));
	TRY(fstat(999, &st));
	TRY(fstatat(999, "x", &st, 0));
	TRY(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	TRY(S_ISDIR(st.st_mode));
	TRY(fstatat(AT_FDCWD, "file", &st, 0x40));
	TRY(statx(AT_FDCWD, "file", 0, STATX_ALL, &sx));
	TRY(sx.stx_size);
	TRY(statx(AT_FDCWD, "file", 0x40000000, STATX_ALL, &sx));
	TRY(statx(AT_FDCWD, "file", 0, 0x80000000, &sx));
	TRY(chmod("file", 0604));
	TRY(stat("file", &st));
	TRY(st.st_mode);
	TRY(chmod("nothing", 0604));
	TRY(fchmodat(AT_FDCWD, "link", 0640, 0));
	TRY(stat("file", &st));
	TRY(st.st_mode);
	TRY(utimensat(AT_FDCWD, "file", times, 0));
	TRY(stat("file", &st));
	TRY(st.st_atim.tv_sec);
	TRY(st.st_mtim.tv_nsec);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_sec = -5;
	TRY(utimensat(AT_FDCWD, "file", times, 0));
	TRY(stat("file", &st));
	TRY(st.st_atim.tv_sec);
	TRY(st.st_mtim.tv_sec);
	times[1].tv_nsec = 1000000000;
	TRY(utimensat(AT_FDCWD, "file", times, 0));
	TRY(utimensat(AT_FDCWD, "nothing", NULL, 0));
	TRY(utimensat(AT_FDCWD, "link", NULL, AT_SYMLINK_NOFOLLOW));
	TRY(utimensat(AT_FDCWD, "file", NULL, 0x10000));
	TRY(futimens(999, NULL));
	TRY(fd = open("file", O_RDONLY));
	TRY(futimens(fd, NULL));
	TRY(fchmod(fd, 0600));
	TRY(fchown(fd, -1, -1));
	TRY(close(fd));
	TRY(chown("file", getuid(), getgid()));
	TRY(lchown("dangling", -1, -1));
	TRY(chown("dangling", -1, -1));
	TRY(fchownat(AT_FDCWD, "file", -1, -1, 0x40));
	TRY(access("file", F_OK));
	TRY(access("file", R_OK | W_OK));
	TRY(access("file", X_OK));
	TRY(access("dir", R_OK | W_OK | X_OK));
	TRY(access("dangling", F_OK));
	TRY(access("file", 8));
	TRY(faccessat(AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
	TRY(faccessat(999, "file", F_OK, 0));
	TRY(getxattr("file", "user.x", buffer, 10) == -1);
	TRY(getxattr("nothing", "user.x", buffer, 10));
	extended();
	TRY(umask(027));
	TRY(close(open("masked", O_CREAT | O_WRONLY, 0777)));
	TRY(stat("masked", &st));
	TRY(st.st_mode);
	TRY(mkdir("maskeddir", 0777));
	TRY(stat("maskeddir", &st));
	TRY(st.st_mode);
	TRY(umask(022));
}

static void others(void)
{
	int fd;

	errno = 0;
	fd = memfd_create("name", MFD_CLOEXEC);
	TRY(fd >= 0);
	TRY(write(fd, "text", 4));
	TRY(lseek(fd, 0, SEEK_SET));
	TRY(read(fd, buffer, 10));
	TRY(memfd_create("name", 0x4000));
	TRY(close(fd));
	TRY(fd = open("file", O_RDONLY));
	TRY(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	TRY(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) ==
	    MAP_FAILED);
	TRY(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	TRY(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 999, 0) == MAP_FAILED);
	TRY(close(fd));
	TRY(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("dir", O_RDONLY),
		 0) == MAP_FAILED);
}

static bool makes_sense(const struct statfs *fs)
{
	return fs->f_bfree <= fs->f_blocks && fs->f_bavail <= fs->f_bfree &&
	       fs->f_ffree <= fs->f_files;
}

/* What does not change while others write there. */
static void show_fs(const char *what, const struct statfs *fs)
{
	printf("%s: type %lx, block %ld, fragment %ld, blocks %ld, files %ld, ",
	       what, (long)fs->f_type, (long)fs->f_bsize, (long)fs->f_frsize,
	       (long)fs->f_blocks, (long)fs->f_files);
	printf("names %ld, flags %lx, %s\n", (long)fs->f_namelen,
	       (long)fs->f_flags,
	       makes_sense(fs) ? "less is free" : "more is free than is there");
}

static void file_systems(void)
{
	static const char *const paths[] = { "/", "/usr", "/dev/null" };
	struct statfs fs, other;
	int fd, p[2];

	TRY(statfs("nothing", &fs));
	TRY(statfs("dangling", &fs));
	TRY(statfs("file/x", &fs));
	TRY(statfs("", &fs));
	TRY(statfs(BAD, &fs));
	TRY(statfs(".", BAD));
	TRY(fstatfs(999, &fs));
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		memset(&fs, 0xee, sizeof(fs));
		TRY(statfs(paths[i], &fs));
		show_fs(paths[i], &fs);
	}
	/* /tmp is the sandbox's own */
	TRY(statfs(".", &other));
	CHECK(makes_sense(&other));
	CHECK(other.f_blocks > 0 && other.f_bsize > 0 && other.f_bavail > 0);
	CHECK(memcmp(&other.f_fsid, &fs.f_fsid, sizeof(fs.f_fsid)) != 0);
	TRY(chmod("file", 0));
	TRY(statfs("file", &fs));
	CHECK(memcmp(&other.f_fsid, &fs.f_fsid, sizeof(fs.f_fsid)));
	TRY(chmod("file", 0644));
	TRY(fd = open("file", O_RDONLY));
	TRY(fstatfs(fd, &fs));
	CHECK(memcmp(&other.f_fsid, &fs.f_fsid, sizeof(fs.f_fsid)));
	TRY(close(fd));
	TRY(fd = open("link", O_PATH | O_NOFOLLOW));
	TRY(fstatfs(fd, &fs));
	CHECK(memcmp(&other.f_fsid, &fs.f_fsid, sizeof(fs.f_fsid)));
	TRY(close(fd));
	TRY(statfs("/proc/self", &fs));
	printf("%lx\n", (long)fs.f_type);
	TRY(statfs("/proc/version", &fs));
	printf("%lx\n", (long)fs.f_type);
	TRY(statfs("/dev/pts", &fs));
	printf("%lx\n", (long)fs.f_type);
	TRY(pipe(p));
	TRY(fstatfs(p[0], &fs));
	show_fs("pipe", &fs);
	TRY(close(p[0]));
	TRY(close(p[1]));
	TRY(fd = eventfd(0, 0));
	TRY(fstatfs(fd, &fs));
	printf("%lx\n", (long)fs.f_type);
	TRY(close(fd));
	TRY(fd = memfd_create("name", 0));
	TRY(fstatfs(fd, &fs));
	printf("%lx\n", (long)fs.f_type);
	TRY(close(fd));
	TRY(fd = socket(AF_UNIX, SOCK_STREAM, 0));
	TRY(fstatfs(fd, &fs));
	show_fs("socket", &fs);
	TRY(close(fd));
}

int main(void)
{
	folder_begin();
	opening();
	reading();
	descriptors();
	attributes();
	file_systems();
	others();
	return folder_end();
}
