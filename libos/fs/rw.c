// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * read, write, their relatives with a position, and lseek.
 *
 * The program's buffer goes straight to the host, which answers -EFAULT for
 * one that cannot be used. It is only checked here that it is not the libos's
 * own memory. What is passed on inside fs/ is then either the program's or,
 * where a call has a buffer of its own, the libos's: copy_in() and copy_out()
 * tell them apart, and take nothing for the libos's that is not.
 */
#include "fs.h"

#include <linux/resource.h>
#include <linux/signal.h>

long copy_in(void *to, const void *from, size_t length)
{
	if (likely(user_ok(from, length)))
		return user_read(to, from, length);
	if (!libos_owns(from, length))
		return -EFAULT;
	memcpy(to, from, length);
	return 0;
}

long copy_out(void *to, const void *from, size_t length)
{
	if (likely(user_ok(to, length)))
		return user_write(to, from, length);
	if (!libos_owns(to, length))
		return -EFAULT;
	memcpy(to, from, length);
	return 0;
}

s64 broken_pipe(void)
{
	signal_send_self(13); /* SIGPIPE */
	return -EPIPE;
}

/* @buffer is the program's and checked, or the libos's. */
s64 file_read(struct file *file, void *buffer, size_t length, u64 offset)
{
	s64 result;

	if (!(file->access & FILE_READ))
		return -EBADF;
	if (!file->ops->read)
		return -EINVAL;
	if (offset != DK_OFFSET_CURRENT && !file->ops->seek)
		return -ESPIPE;
	hold(file);
	result = file->ops->read(file, buffer, MIN(length, MAX_TRANSFER),
				 offset);
	hold(NULL);
	return result;
}

/* RLIMIT_FSIZE: a file may not become so long. -EFBIG and SIGXFSZ. */
static long file_length_check(u64 length)
{
	if (likely(length <= process.limits[RLIMIT_FSIZE].soft))
		return 0;
	signal_send_self(SIGXFSZ);
	return -EFBIG;
}

/* The same of @file, which may be that long already. */
long file_growth_check(struct file *file, u64 length)
{
	struct dk_stream_attributes attributes;

	if (likely(length <= process.limits[RLIMIT_FSIZE].soft))
		return 0;
	if (!file_attributes(file, &attributes) && length <= attributes.length)
		return 0;
	return file_length_check(length);
}

/*
 * Make @file, which is open for it, @length long. As in Linux, RLIMIT_FSIZE is
 * looked at where it becomes longer. -EINVAL where there is no length.
 */
long file_set_length(struct file *file, u64 length)
{
	const struct file_ops *ops = ops_of(file);
	long error;

	if (!(file->access & FILE_WRITE) || !ops->set_length)
		return -EINVAL;
	error = file_growth_check(file, length);
	if (!error)
		error = ops->set_length(file, length);
	return error == -EOPNOTSUPP ? -EINVAL : error;
}

/* The part of @length that may be written; the host keeps no limit for us. */
s64 file_within_limit(struct file *file, size_t length, u64 offset)
{
	u64 limit = process.limits[RLIMIT_FSIZE].soft;
	struct dk_stream_attributes attributes;
	s64 position;

	if (likely(limit == RLIM64_INFINITY))
		return length;
	if (file_type(file) != DK_TYPE_FILE || !length)
		return length;
	if (file_appends(file)) {
		offset = file_attributes(file, &attributes) ? 0 :
							      attributes.length;
	} else if (offset == DK_OFFSET_CURRENT) {
		position = file_seek(file, 0, SEEK_CUR);
		offset = MAX(position, 0);
	}
	return offset < limit ? (s64)MIN(length, limit - offset) :
				file_length_check(limit + 1);
}

s64 file_write(struct file *file, const void *buffer, size_t length, u64 offset)
{
	s64 allowed, result;

	if (!(file->access & FILE_WRITE))
		return -EBADF;
	if (!file->ops->write)
		return -EINVAL;
	if (offset != DK_OFFSET_CURRENT && !file->ops->seek)
		return -ESPIPE;
	length = MIN(length, MAX_TRANSFER);
	allowed = file_within_limit(file, length, offset);
	if (allowed < 0)
		return allowed;
	hold(file);
	result = file->ops->write(file, buffer, allowed, offset);
	hold(NULL);
	return result;
}

/*
 * Linux looks at a buffer only as far as it is used. So a length that reaches
 * into the libos's memory is cut there; false where nothing is before that.
 */
static bool buffer_ok(const void *buffer, size_t *length)
{
	if (likely(user_ok(buffer, *length)))
		return true;
	*length = user_room(buffer, *length);
	return *length;
}

SYSCALL3(read, int, fd, void *, buffer, size_t, length)
{
	struct file *file = fd_get(fd);
	s64 result = -EFAULT;

	if (!file)
		return -EBADF;
	if (buffer_ok(buffer, &length) || !(file->access & FILE_READ))
		result = file_read(file, buffer, length, DK_OFFSET_CURRENT);
	file_put(file);
	return result;
}

SYSCALL3(write, int, fd, const void *, buffer, size_t, length)
{
	struct file *file = fd_get(fd);
	s64 result = -EFAULT;

	if (!file)
		return -EBADF;
	if (buffer_ok(buffer, &length) || !(file->access & FILE_WRITE))
		result = file_write(file, buffer, length, DK_OFFSET_CURRENT);
	file_put(file);
	return result;
}

SYSCALL4(pread64, int, fd, void *, buffer, size_t, length, s64, offset)
{
	struct file *file;
	s64 result = -EFAULT;

	if (offset < 0)
		return -EINVAL;
	file = fd_get(fd);
	if (!file)
		return -EBADF;
	if (buffer_ok(buffer, &length) || !(file->access & FILE_READ))
		result = file_read(file, buffer, length, offset);
	file_put(file);
	return result;
}

SYSCALL4(pwrite64, int, fd, const void *, buffer, size_t, length, s64, offset)
{
	struct file *file;
	s64 result = -EFAULT;

	if (offset < 0)
		return -EINVAL;
	file = fd_get(fd);
	if (!file)
		return -EBADF;
	if (buffer_ok(buffer, &length) || !(file->access & FILE_WRITE))
		result = file_write(file, buffer, length, offset);
	file_put(file);
	return result;
}

/* Of a directory, the position is the listing's and kept here. */
static s64 directory_seek(struct file *file, s64 offset, int whence)
{
	s64 result = -EINVAL;

	lock_acquire(&file->lock);
	if (whence == SEEK_CUR)
		offset += file->position;
	if (whence <= SEEK_CUR && offset >= 0) {
		file->position = offset;
		result = offset;
	}
	lock_release(&file->lock);
	return result;
}

s64 file_seek(struct file *file, s64 offset, int whence)
{
	const struct file_ops *ops;
	u8 type;

	if (whence < DK_SEEK_SET || whence > DK_SEEK_HOLE)
		return -EINVAL;
	if (file->kind == FILE_EVENT || file->kind == FILE_EPOLL ||
	    file->kind == FILE_TIMER || file->kind == FILE_SIGNAL)
		return 0;
	/* a FIFO may learn here that it is one, and then has no seek */
	type = file_type(file);
	ops = ops_of(file);
	if (!ops->seek)
		return file->kind == FILE_PATH ? -EBADF : -ESPIPE;
	if (type == DK_TYPE_DIRECTORY)
		return directory_seek(file, offset, whence);
	return ops->seek(file, offset, whence);
}

SYSCALL3(lseek, int, fd, s64, offset, int, whence)
{
	struct file *file = fd_get(fd);
	s64 result;

	if (!file)
		return -EBADF;
	result = file_seek(file, offset, whence);
	file_put(file);
	return result;
}
