// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * readv, writev and their relatives.
 *
 * A transfer that fits GATHER_MAX is one call of the host through a buffer
 * here: cheaper than two, and whole, as programs expect of a pipe or a file
 * opened with O_APPEND. A larger one goes part by part.
 */
#include "fs.h"

#include <linux/uio.h>

#define GATHER_MAX 4096

void vector_put(struct vector *vector)
{
	if (vector->parts != vector->few)
		mem_free(vector->parts);
}

int vector_get(struct vector *vector, const struct iovec *parts, size_t count)
{
	size_t i;

	vector->parts = vector->few;
	vector->count = count;
	vector->total = 0;
	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (count > UIO_FASTIOV) {
		vector->parts = mem_alloc(count * sizeof(*parts));
		if (!vector->parts)
			return -ENOMEM;
	}
	if (user_read(vector->parts, parts, count * sizeof(*parts)))
		goto fault;
	for (i = 0; i < count; i++) {
		struct iovec *part = &vector->parts[i];

		if ((s64)part->iov_len < 0) {
			vector_put(vector);
			return -EINVAL;
		}
		if (!user_ok(part->iov_base, part->iov_len))
			goto fault;
		part->iov_len =
			MIN(part->iov_len, MAX_TRANSFER - vector->total);
		vector->total += part->iov_len;
	}
	return 0;

fault:
	vector_put(vector);
	return -EFAULT;
}

/* All parts through a buffer of ours. */
static s64 transfer_gathered(struct file *file, struct vector *vector,
			     u64 offset, bool write)
{
	u8 buffer[GATHER_MAX];
	s64 result = vector->total;
	size_t i, at = 0, length;

	if (!write)
		result = file_read(file, buffer, vector->total, offset);
	for (i = 0; i < vector->count && (s64)at < result; i++) {
		struct iovec *part = &vector->parts[i];
		long fault;

		length = MIN(part->iov_len, result - at);
		if (write)
			fault = user_read(buffer + at, part->iov_base, length);
		else
			fault = user_write(part->iov_base, buffer + at, length);
		if (fault)
			return -EFAULT;
		at += length;
	}
	if (write)
		result = file_write(file, buffer, vector->total, offset);
	return result;
}

/* Would going on with the next part wait? Then what there is must do. */
static bool would_wait(struct file *file, bool write)
{
	u32 wanted = write ? POLLOUT : POLLIN;

	return file->ops->poll && !(file_poll(file, NULL) & wanted);
}

static s64 transfer_parts(struct file *file, struct vector *vector, u64 offset,
			  bool write)
{
	s64 done = 0, result;
	size_t i;

	for (i = 0; i < vector->count; i++) {
		struct iovec *part = &vector->parts[i];

		if (!part->iov_len)
			continue;
		if (done && would_wait(file, write))
			break;
		if (write)
			result = file_write(file, part->iov_base, part->iov_len,
					    offset);
		else
			result = file_read(file, part->iov_base, part->iov_len,
					   offset);
		if (result < 0)
			return done ? done : result;
		done += result;
		if ((size_t)result < part->iov_len)
			break;
		if (offset != DK_OFFSET_CURRENT)
			offset += result;
	}
	return done;
}

static long transfer(int fd, const struct iovec *parts, size_t count,
		     u64 offset, bool write)
{
	u8 wanted = write ? FILE_WRITE : FILE_READ;
	struct file *file = fd_get(fd);
	struct vector vector;
	s64 result;

	if (!file)
		return -EBADF;
	result = -EBADF;
	if (!(file->access & wanted))
		goto out;
	result = vector_get(&vector, parts, count);
	if (result)
		goto out;
	if (vector.count == 1)
		result = transfer_parts(file, &vector, offset, write);
	else if (vector.total <= GATHER_MAX)
		result = transfer_gathered(file, &vector, offset, write);
	else
		result = transfer_parts(file, &vector, offset, write);
	vector_put(&vector);
out:
	file_put(file);
	return result;
}

SYSCALL3(readv, int, fd, const struct iovec *, parts, size_t, count)
{
	return transfer(fd, parts, count, DK_OFFSET_CURRENT, false);
}

SYSCALL3(writev, int, fd, const struct iovec *, parts, size_t, count)
{
	return transfer(fd, parts, count, DK_OFFSET_CURRENT, true);
}

SYSCALL4(preadv, int, fd, const struct iovec *, parts, size_t, count, s64,
	 offset)
{
	return offset < 0 ? -EINVAL : transfer(fd, parts, count, offset, false);
}

SYSCALL4(pwritev, int, fd, const struct iovec *, parts, size_t, count, s64,
	 offset)
{
	return offset < 0 ? -EINVAL : transfer(fd, parts, count, offset, true);
}

/* -1 is the file's own position; the flags are for what nobody asks of us. */
SYSCALL6(preadv2, int, fd, const struct iovec *, parts, size_t, count, s64,
	 offset, u64, high __unused, u32, flags)
{
	if (flags)
		return -EOPNOTSUPP;
	return offset < -1 ? -EINVAL :
			     transfer(fd, parts, count, offset, false);
}

SYSCALL6(pwritev2, int, fd, const struct iovec *, parts, size_t, count, s64,
	 offset, u64, high __unused, u32, flags)
{
	if (flags)
		return -EOPNOTSUPP;
	return offset < -1 ? -EINVAL : transfer(fd, parts, count, offset, true);
}
