// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * readv, writev and their relatives.
 *
 * A socket is given the whole vector, which is one message. A write is one of
 * the host's, through a buffer here, where that can be seen: at the file's own
 * position others may write, and so they may to a pipe or with O_APPEND. A read
 * of what is not a file is one for the same reason. Of a small transfer one call
 * through a buffer on the stack is cheaper than two, whatever it is. What is
 * left goes part by part.
 */
#include "fs.h"
#include "socket.h"

#include <linux/uio.h>
#include <signals.h>

#define GATHER_SMALL 4096UL
#define GATHER_READ 0x10000UL
#define GATHER_WRITE 0x100000UL

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

void vector_advance(struct vector *vector, size_t done)
{
	struct iovec *part = vector->parts;
	size_t i, n;

	for (i = 0; i < vector->count && done; i++, part++) {
		n = MIN(part->iov_len, done);
		part->iov_base = (u8 *)part->iov_base + n;
		part->iov_len -= n;
		vector->total -= n;
		done -= n;
	}
}

/* @length bytes from the program, or to it; as many as there is memory. */
static size_t copy_parts(const struct vector *vector, u8 *buffer, size_t length,
			 bool write)
{
	size_t i, n, at = 0;

	for (i = 0; i < vector->count && at < length; i++, at += n) {
		const struct iovec *part = &vector->parts[i];

		n = MIN(part->iov_len, length - at);
		if (write ? user_read(buffer + at, part->iov_base, n) :
			    user_write(part->iov_base, buffer + at, n))
			break;
	}
	return at;
}

/* Would going on reading wait? Then what there is must do. */
static bool would_wait(struct file *file)
{
	return file_can_poll(file) && !(file_poll(file, NULL) & POLLIN);
}

static s64 write_gathered(struct file *file, struct vector *vector, u8 *buffer,
			  size_t length, u64 offset)
{
	size_t got = copy_parts(vector, buffer, length, true);

	/* As Linux: a pipe is given whole pages of what comes before a fault. */
	if (got < length && file_type(file) != DK_TYPE_FILE)
		got &= PAGE_MASK;
	return got || !length ? file_write(file, buffer, got, offset) : -EFAULT;
}

static s64 read_gathered(struct file *file, struct vector *vector, u8 *buffer,
			 size_t length, u64 offset)
{
	s64 result = file_read(file, buffer, length, offset), put;

	if (result <= 0)
		return result;
	put = copy_parts(vector, buffer, result, false);
	if (put < result && offset == DK_OFFSET_CURRENT &&
	    file_type(file) == DK_TYPE_FILE)
		file_seek(file, put - result, SEEK_CUR);
	return put ? put : -EFAULT;
}

/* Through @buffer, @room bytes at a time. */
static s64 transfer_through(struct file *file, struct vector *vector,
			    u8 *buffer, size_t room, u64 offset, bool write)
{
	s64 done = 0, result;
	size_t length;

	do {
		length = MIN(vector->total, room);
		if (done && !write && would_wait(file))
			break;
		result = write ? write_gathered(file, vector, buffer, length,
						offset) :
				 read_gathered(file, vector, buffer, length,
					       offset);
		if (result < 0)
			return done ? done : result;
		done += result;
		vector_advance(vector, result);
		if (offset != DK_OFFSET_CURRENT)
			offset += result;
	} while ((size_t)result == length && vector->total);
	return done;
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
		if (done && !write && would_wait(file))
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

/* Has it to be one call of the host? */
static bool must_gather(struct file *file, u64 offset, bool write)
{
	if (write)
		return offset == DK_OFFSET_CURRENT || file_appends(file);
	return file_type(file) != DK_TYPE_FILE;
}

static s64 transfer_large(struct file *file, struct vector *vector, u64 offset,
			  bool write)
{
	size_t room = MIN(vector->total, write ? GATHER_WRITE : GATHER_READ);
	u8 *buffer = NULL;
	s64 result;

	if (must_gather(file, offset, write))
		buffer = mem_alloc(room);
	if (!buffer)
		return transfer_parts(file, vector, offset, write);
	result = transfer_through(file, vector, buffer, room, offset, write);
	mem_free(buffer);
	return result;
}

static s64 transfer_small(struct file *file, struct vector *vector, u64 offset,
			  bool write)
{
	u8 buffer[GATHER_SMALL];

	return transfer_through(file, vector, buffer, sizeof(buffer), offset,
				write);
}

static bool is_one_part(const struct vector *vector)
{
	size_t i;

	for (i = 0; i < vector->count; i++) {
		if (vector->parts[i].iov_len)
			return vector->parts[i].iov_len == vector->total;
	}
	return false;
}

static s64 transfer_vector(struct file *file, struct vector *vector, u64 offset,
			   bool write)
{
	if (!(write ? (void *)file->ops->write : (void *)file->ops->read))
		return -EINVAL;
	if (offset != DK_OFFSET_CURRENT && !file->ops->seek)
		return -ESPIPE;
	if (!vector->total)
		return 0;
	if (is_one_part(vector))
		return transfer_parts(file, vector, offset, write);
	if (file->kind == FILE_SOCKET && (vector->total > GATHER_SMALL ||
					  socket_of(file)->family == AF_UNIX))
		return socket_transfer(file, vector, write);
	if (vector->total <= GATHER_SMALL)
		return transfer_small(file, vector, offset, write);
	return transfer_large(file, vector, offset, write);
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
	result = transfer_vector(file, &vector, offset, write);
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

/* ---- vmsplice ---- */

#define SPLICE_FLAGS 0xf /* MOVE, NONBLOCK, MORE, GIFT */
#define SPLICE_NONBLOCK 0x2

/* 0: the pipe is ready, or what there is to be said. */
static long pipe_ready(struct file *file, u32 wanted, bool wait)
{
	long result;

	if (file_poll(file, NULL) & (wanted | POLLHUP | POLLERR))
		return 0;
	if (!wait)
		return -EAGAIN;
	hold(file);
	result = file_wait(file, wanted, DK_TIMEOUT_INFINITE);
	hold(NULL);
	return result;
}

/* As much as there is room for; what a ready pipe takes for certain is a page. */
static s64 splice_out(struct file *file, struct vector *vector, bool wait)
{
	u8 buffer[GATHER_SMALL];
	s64 done = 0, result;

	do {
		result = pipe_ready(file, POLLOUT, wait && !done);
		if (result)
			break;
		result = write_gathered(file, vector, buffer,
					MIN(vector->total, sizeof(buffer)),
					DK_OFFSET_CURRENT);
		if (result <= 0)
			break;
		done += result;
		vector_advance(vector, result);
	} while (vector->total && !signal_interrupts());
	return done ? done : result;
}

/* O_NONBLOCK counts for nothing, as in Linux: the flag alone does. */
static s64 splice_vector(struct file *file, struct vector *vector, bool wait)
{
	long error;

	if (file_type(file) != DK_TYPE_FIFO)
		return -EBADF;
	if (file->access & FILE_WRITE)
		return splice_out(file, vector, wait);
	error = pipe_ready(file, POLLIN, wait);
	return error ? error :
		       transfer_vector(file, vector, DK_OFFSET_CURRENT, false);
}

SYSCALL4(vmsplice, int, fd, const struct iovec *, parts, size_t, count, u32,
	 flags)
{
	struct vector vector;
	struct file *file;
	s64 result;

	if (flags & ~(u32)SPLICE_FLAGS)
		return -EINVAL;
	file = fs_get(fd);
	if (!file)
		return -EBADF;
	result = vector_get(&vector, parts, count);
	if (!result) {
		if (vector.total)
			result = splice_vector(file, &vector,
					       !(flags & SPLICE_NONBLOCK));
		vector_put(&vector);
	}
	file_put(file);
	return result;
}
