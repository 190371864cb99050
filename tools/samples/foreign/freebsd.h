/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * As much of FreeBSD/amd64's C library as the demonstration needs: its system
 * calls, and its numbers. Carry set means that rax is a positive errno.
 */
#ifndef FREEBSD_H
#define FREEBSD_H

#include <stddef.h>
#include <stdint.h>

enum {
	SYS_exit = 1,
	SYS_read = 3,
	SYS_write = 4,
	SYS_open = 5,
	SYS_close = 6,
	SYS_getpid = 20,
	SYS_getuid = 24,
	SYS_munmap = 73,
	SYS_sysctl = 202,
	SYS_clock_gettime = 232,
	SYS_issetugid = 253,
	SYS_getcwd = 326,
	SYS_mmap = 477,
	SYS_fstat = 551,
};

enum {
	ENOENT = 2,
	EBADF = 9,
	ENOMEM = 12,
	EACCES = 13,
	EFAULT = 14,
	EEXIST = 17,
	EINVAL = 22,
	ERANGE = 34,
	EAGAIN = 35,
	ELOOP = 62,
	ENAMETOOLONG = 63,
	ENOSYS = 78,
};

#define O_RDONLY	0
#define O_WRONLY	1
#define O_RDWR		2
#define O_NONBLOCK	0x4
#define O_NOFOLLOW	0x100
#define O_CREAT		0x200
#define O_TRUNC		0x400
#define O_EXCL		0x800

#define PROT_READ	1
#define PROT_WRITE	2
#define MAP_PRIVATE	0x2
#define MAP_ANON	0x1000

struct timespec {
	int64_t seconds, nanoseconds;
};

struct stat {
	uint64_t dev, ino, nlink;
	uint16_t mode, padding0;
	uint32_t uid, gid, padding1;
	uint64_t rdev;
	struct timespec atime, mtime, ctime, birthtime;
	int64_t size, blocks;
	int32_t blksize;
	uint32_t flags;
	uint64_t gen, spare[10];
};

extern int errno;

static inline long call6(long number, long a0, long a1, long a2, long a3,
			 long a4, long a5)
{
	register long r10 asm("r10") = a3;
	register long r8 asm("r8") = a4;
	register long r9 asm("r9") = a5;
	_Bool failed;
	long result;

	asm volatile("syscall"
		     : "=a"(result), "=@ccc"(failed), "+d"(a2), "+r"(r10),
		       "+r"(r8), "+r"(r9)
		     : "0"(number), "D"(a0), "S"(a1)
		     : "rcx", "r11", "memory");
	if (!failed)
		return result;
	errno = result;
	return -1;
}

#define call(number, a0, a1, a2)					\
	call6(number, (long)(a0), (long)(a1), (long)(a2), 0, 0, 0)

#endif /* FREEBSD_H */
