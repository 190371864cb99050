// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Changing attributes: chmod, chown, times, lengths; and bringing a file to
 * its medium.
 */
#include "fs.h"
#include "pty.h"

#include <linux/falloc.h>
#include <linux/time.h>
#include <linux/utime.h>

static int file_set_attributes(struct file *file,
			       const struct dk_stream_attributes *attributes)
{
	int error;

	if (!file->ops->set_attributes)
		return file->kind == FILE_SYNTHETIC ? -EPERM : 0;
	error = file->ops->set_attributes(file, attributes);
	return error == -EOPNOTSUPP ? -EPERM : error;
}

static int path_set_attributes(struct path *path,
			       const struct dk_stream_attributes *attributes)
{
	u64 flags = path->flags & PATH_NOFOLLOW ? DK_NAME_NOFOLLOW : 0;
	struct file *file;
	int error;

	if (path->file)
		return file_set_attributes(path->file, attributes);
	if (path->node && path->node->magic && !flags) {
		file = fd_get(path->id);
		if (!file)
			return -ENOENT;
		error = file_set_attributes(file, attributes);
		file_put(file);
		return error;
	}
	if (path->node && !strncmp(path->node->path, "/dev/pts/*", 10))
		return pty_set_attributes(path->id, attributes);
	if (path->node)
		return -EPERM;
	return errno_of(DkxStreamAttributesSet(path->uri, path->length, flags,
					       attributes,
					       sizeof(*attributes)));
}

static long set_at(int dirfd, const char *name, u32 flags,
		   const struct dk_stream_attributes *attributes)
{
	struct path path;
	int error;

	error = path_get(dirfd, name, flags, &path);
	if (error)
		return error;
	error = path_set_attributes(&path, attributes);
	path_put(&path);
	return error;
}

/* O_PATH descriptors are refused, as Linux does for fchmod and fchown. */
static long set_fd(int fd, const struct dk_stream_attributes *attributes)
{
	struct file *file = fd_get(fd);
	long error = -EBADF;

	if (!file)
		return -EBADF;
	if (file->kind != FILE_PATH)
		error = file_set_attributes(file, attributes);
	file_put(file);
	return error;
}

/* ---- permissions ---- */

static struct dk_stream_attributes mode_change(u32 mode)
{
	return (struct dk_stream_attributes){
		.valid = DK_SET_MODE,
		.mode = mode & 07777,
	};
}

SYSCALL2(chmod, const char *, name, u32, mode)
{
	struct dk_stream_attributes change = mode_change(mode);

	return set_at(AT_FDCWD, name, 0, &change);
}

SYSCALL3(fchmodat, int, dirfd, const char *, name, u32, mode)
{
	struct dk_stream_attributes change = mode_change(mode);

	return set_at(dirfd, name, 0, &change);
}

SYSCALL2(fchmod, int, fd, u32, mode)
{
	struct dk_stream_attributes change = mode_change(mode);

	return set_fd(fd, &change);
}

/* ---- owners ---- */

/*
 * An id of -1 is left alone, here as for the host; but even two of them are a
 * change, which is seen in its time and ends set-user-id.
 */
static struct dk_stream_attributes owner_change(u32 uid, u32 gid)
{
	return (struct dk_stream_attributes){
		.valid = DK_SET_OWNER | DK_SET_GROUP,
		.uid = uid,
		.gid = gid,
	};
}

SYSCALL3(chown, const char *, name, u32, uid, u32, gid)
{
	struct dk_stream_attributes change = owner_change(uid, gid);

	return set_at(AT_FDCWD, name, 0, &change);
}

SYSCALL3(lchown, const char *, name, u32, uid, u32, gid)
{
	struct dk_stream_attributes change = owner_change(uid, gid);

	return set_at(AT_FDCWD, name, PATH_NOFOLLOW, &change);
}

SYSCALL3(fchown, int, fd, u32, uid, u32, gid)
{
	struct dk_stream_attributes change = owner_change(uid, gid);

	return set_fd(fd, &change);
}

SYSCALL5(fchownat, int, dirfd, const char *, name, u32, uid, u32, gid, u32,
	 flags)
{
	struct dk_stream_attributes change = owner_change(uid, gid);

	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return set_at(dirfd, name,
		      (flags & AT_SYMLINK_NOFOLLOW ? PATH_NOFOLLOW : 0) |
			      (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0),
		      &change);
}

/* ---- times ---- */

#define UTIME_NOW 0x3fffffffL
#define UTIME_OMIT 0x3ffffffeL

static int time_change(struct dk_stream_attributes *change, bool access,
		       s64 seconds, s64 nanoseconds)
{
	s64 time;

	if (nanoseconds == UTIME_OMIT)
		return 0;
	if (nanoseconds == UTIME_NOW) {
		change->valid |= access ? DK_SET_ACCESS_TIME_NOW :
					  DK_SET_WRITE_TIME_NOW;
		return 0;
	}
	if (nanoseconds < 0 || nanoseconds >= NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow(seconds, NSEC_PER_SEC, &time) ||
	    __builtin_add_overflow(time, nanoseconds, &time))
		time = seconds < 0 ? -__INT64_MAX__ - 1 : __INT64_MAX__;
	change->valid |= access ? DK_SET_ACCESS_TIME : DK_SET_WRITE_TIME;
	if (access)
		change->access_time = time;
	else
		change->write_time = time;
	return 0;
}

/* A @name of NULL means the descriptor @dirfd, for those calls that allow. */
static long set_times(int dirfd, const char *name, u32 flags,
		      const struct dk_stream_attributes *change)
{
	struct file *file;
	long error;

	/* nothing to change: the name is not even looked at */
	if (!change->valid)
		return 0;
	if (name)
		return set_at(dirfd, name, flags, change);
	if (flags)
		return -EINVAL;
	file = dirfd == AT_FDCWD ? NULL : fs_get(dirfd);
	if (!file)
		return dirfd == AT_FDCWD ? -EFAULT : -EBADF;
	error = file_set_attributes(file, change);
	file_put(file);
	return error;
}

SYSCALL4(utimensat, int, dirfd, const char *, name,
	 const struct __kernel_timespec *, times, u32, flags)
{
	struct dk_stream_attributes change = { 0 };
	struct __kernel_timespec copy[2] = {
		{ .tv_nsec = UTIME_NOW },
		{ .tv_nsec = UTIME_NOW },
	};
	int i, error;

	if (times && user_read(copy, times, sizeof(copy)))
		return -EFAULT;
	for (i = 0; i < 2; i++) {
		error = time_change(&change, !i, copy[i].tv_sec,
				    copy[i].tv_nsec);
		if (error)
			return error;
	}
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return set_times(dirfd, name,
			 (flags & AT_SYMLINK_NOFOLLOW ? PATH_NOFOLLOW : 0) |
				 (flags & AT_EMPTY_PATH ? PATH_EMPTY : 0),
			 &change);
}

/* struct timeval of x86-64. */
struct time_pair {
	s64 seconds, microseconds;
};

static long set_times_micro(int dirfd, const char *name,
			    const struct time_pair *times)
{
	struct dk_stream_attributes change = {
		.valid = DK_SET_ACCESS_TIME_NOW | DK_SET_WRITE_TIME_NOW,
	};
	struct time_pair copy[2];
	int i;

	if (times) {
		change.valid = 0;
		if (user_read(copy, times, sizeof(copy)))
			return -EFAULT;
		for (i = 0; i < 2; i++) {
			if (copy[i].microseconds < 0 ||
			    copy[i].microseconds >= 1000000)
				return -EINVAL;
			time_change(&change, !i, copy[i].seconds,
				    copy[i].microseconds * 1000);
		}
	}
	return set_times(dirfd, name, 0, &change);
}

SYSCALL2(utimes, const char *, name, const struct time_pair *, times)
{
	return name ? set_times_micro(AT_FDCWD, name, times) : -EFAULT;
}

SYSCALL3(futimesat, int, dirfd, const char *, name, const struct time_pair *,
	 times)
{
	return set_times_micro(dirfd, name, times);
}

SYSCALL2(utime, const char *, name, const struct utimbuf *, times)
{
	struct dk_stream_attributes change = {
		.valid = DK_SET_ACCESS_TIME_NOW | DK_SET_WRITE_TIME_NOW,
	};
	struct utimbuf copy;

	if (times) {
		change.valid = 0;
		if (user_get(copy, times))
			return -EFAULT;
		time_change(&change, true, copy.actime, 0);
		time_change(&change, false, copy.modtime, 0);
	}
	return name ? set_times(AT_FDCWD, name, 0, &change) : -EFAULT;
}

/* ---- length and medium ---- */

SYSCALL2(truncate, const char *, name, s64, length)
{
	struct file *file;
	struct path path;
	long error;

	if (length < 0)
		return -EINVAL;
	error = path_get(AT_FDCWD, name, 0, &path);
	if (error)
		return error;
	if (path.node && path.node->magic)
		return fd_truncate(path.id, length);
	if (path.node)
		return path.node->type == DK_TYPE_DIRECTORY ? -EISDIR :
		       path.node->type == DK_TYPE_FILE	    ? -EACCES :
							      -EINVAL;
	error = host_open(&path, O_WRONLY | O_NONBLOCK, 0, &file);
	if (error)
		return error == -ENXIO ? -EINVAL : error;
	error = file_set_length(file, length);
	file_put(file);
	return error;
}

SYSCALL2(ftruncate, int, fd, s64, length)
{
	struct file *file;
	long error;

	if (length < 0)
		return -EINVAL;
	file = fs_get(fd);
	if (!file)
		return -EBADF;
	error = file_set_length(file, length);
	file_put(file);
	return error;
}

static long flush(int fd, u64 flags)
{
	struct file *file = fs_get(fd);
	const struct file_ops *ops;
	long error = -EINVAL;

	if (!file)
		return -EBADF;
	ops = ops_of(file);
	if (ops->flush)
		error = ops->flush(file, flags);
	file_put(file);
	return error == -EOPNOTSUPP ? -EINVAL : error;
}

SYSCALL1(fsync, int, fd)
{
	return flush(fd, 0);
}

SYSCALL1(fdatasync, int, fd)
{
	return flush(fd, DK_FLUSH_DATA);
}

/* The host writes back by itself; there is no call for all of its files. */
SYSCALL0(sync)
{
	return 0;
}

long fs_file_sync(struct file *file)
{
	const struct file_ops *ops = ops_of(file);
	long error = ops->flush ? ops->flush(file, 0) : 0;

	return error == -EOPNOTSUPP || error == -EINVAL ? 0 : error;
}

/* Of its file system the host would write this one file. */
SYSCALL1(syncfs, int, fd)
{
	struct file *file = fs_get(fd);
	long error;

	if (!file)
		return -EBADF;
	error = fs_file_sync(file);
	file_put(file);
	return error;
}

/* FALLOC_FL_* are the host's DK_ALLOCATE_*. */
static long allocate(struct file *file, u32 mode, u64 offset, u64 length)
{
	struct dk_allocation a = { .mode = mode,
				   .offset = offset,
				   .length = length };
	DK_STATUS status;
	long error = 0;

	if (!(mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_COLLAPSE_RANGE |
		      FALLOC_FL_INSERT_RANGE)))
		error = file_growth_check(file, offset + length);
	if (error)
		return error;
	do {
		status = HOST_WAIT(DkxStreamControl, file->handle,
				   DK_CONTROL_ALLOCATE, &a, sizeof(a));
	} while (status == DK_STATUS_INTERRUPTED && !signal_interrupts());
	return errno_of(status);
}

#define FALLOCATE_KNOWN                                                     \
	(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |                       \
	 FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |                  \
	 FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

/* In the order of Linux. Which modes go together, the host knows. */
static long check_allocation(struct file *file, u32 mode, s64 offset,
			     s64 length)
{
	u8 type = file_type(file);

	if (offset < 0 || length <= 0)
		return -EINVAL;
	if (mode & ~(u32)FALLOCATE_KNOWN)
		return -EOPNOTSUPP;
	if (!(file->access & FILE_WRITE))
		return -EBADF;
	if (type == DK_TYPE_FIFO)
		return -ESPIPE;
	if (type == DK_TYPE_DIRECTORY)
		return -EISDIR;
	if (type != DK_TYPE_FILE || !file->handle)
		return -ENODEV;
	return offset > INT64_MAX - length ? -EFBIG : 0;
}

SYSCALL4(fallocate, int, fd, u32, mode, s64, offset, s64, length)
{
	struct file *file = fs_get(fd);
	long error;

	if (!file)
		return -EBADF;
	error = check_allocation(file, mode, offset, length);
	if (!error)
		error = allocate(file, mode, offset, length);
	file_put(file);
	return error;
}
