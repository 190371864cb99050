// SPDX-License-Identifier: GPL-2.0-only
/*
 * From FreeBSD's numbers to Linux' and back. What has no counterpart is
 * refused, not dropped.
 */
#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/kdev_t.h>
#include <linux/kernel.h>
#include <linux/mman.h>
#include <linux/signal.h>
#include <linux/stat.h>
#include <linux/uidgid.h>

#include "foreign.h"

/* Up to 34 (ERANGE) both count alike, but for 11. */
static const u8 foreign_errnos[] = {
	[EAGAIN] = 35,
	[EDEADLK] = 11,
	[ENAMETOOLONG] = 63,
	[ENOSYS] = 78,
	[ENOTEMPTY] = 66,
	[ELOOP] = 62,
	[EOVERFLOW] = 84,
	[EILSEQ] = 86,
	[ENOTSOCK] = 38,
	[EOPNOTSUPP] = 45,
	[ECONNRESET] = 54,
	[ENOBUFS] = 55,
	[ETIMEDOUT] = 60,
	[ECONNREFUSED] = 61,
	[ESTALE] = 70,
	[EDQUOT] = 69,
};

int foreign_errno(int error)
{
	if (error < ARRAY_SIZE(foreign_errnos) && foreign_errnos[error])
		return foreign_errnos[error];
	return error <= ERANGE ? error : EIO;
}

/* Of the signals that exceptions cause. */
int foreign_signal(int signal)
{
	return signal == SIGBUS ? 10 : signal;
}

struct foreign_flag {
	unsigned long from;
	int to;
};

static const struct foreign_flag foreign_open_table[] = {
	{ 0x0001, O_WRONLY },
	{ 0x0002, O_RDWR },
	{ 0x0004, O_NONBLOCK },
	{ 0x0008, O_APPEND },
	{ 0x0080, O_SYNC },
	{ 0x0100, O_NOFOLLOW },
	{ 0x0200, O_CREAT },
	{ 0x0400, O_TRUNC },
	{ 0x0800, O_EXCL },
	{ 0x8000, O_NOCTTY },
	{ 0x20000, O_DIRECTORY },
	{ 0x100000, O_CLOEXEC },
};

static const struct foreign_flag foreign_map_table[] = {
	{ 0x0001, MAP_SHARED },
	{ 0x0002, MAP_PRIVATE },
	{ 0x0010, MAP_FIXED },
	{ 0x0400, MAP_ANONYMOUS },	/* MAP_STACK implies it */
	{ 0x0800, 0 },			/* MAP_NOSYNC */
	{ 0x1000, MAP_ANONYMOUS },
	{ 0x4000, MAP_FIXED_NOREPLACE },
};

static int foreign_flags(const struct foreign_flag *table, size_t size,
			 unsigned long flags)
{
	int result = 0;
	size_t i;

	for (i = 0; i < size; i++) {
		if (flags & table[i].from)
			result |= table[i].to;
		flags &= ~table[i].from;
	}
	return flags ? -EINVAL : result;
}

int foreign_open_flags(unsigned long flags)
{
	if ((flags & 3) == 3)
		return -EINVAL;
	return foreign_flags(foreign_open_table,
			     ARRAY_SIZE(foreign_open_table), flags);
}

int foreign_map_flags(unsigned long flags)
{
	return foreign_flags(foreign_map_table, ARRAY_SIZE(foreign_map_table),
			     flags);
}

static struct foreign_timespec foreign_time(struct timespec64 time)
{
	return (struct foreign_timespec) {
		.seconds = time.tv_sec,
		.nanoseconds = time.tv_nsec,
	};
}

void foreign_stat_fill(struct foreign_stat *to, const struct kstat *from)
{
	struct user_namespace *ns = current_user_ns();

	*to = (struct foreign_stat) {
		.dev = huge_encode_dev(from->dev),
		.ino = from->ino,
		.nlink = from->nlink,
		.mode = from->mode,
		.uid = from_kuid_munged(ns, from->uid),
		.gid = from_kgid_munged(ns, from->gid),
		.rdev = huge_encode_dev(from->rdev),
		.atime = foreign_time(from->atime),
		.mtime = foreign_time(from->mtime),
		.ctime = foreign_time(from->ctime),
		.birthtime = foreign_time(from->btime),
		.size = from->size,
		.blocks = from->blocks,
		.blksize = from->blksize,
	};
}
