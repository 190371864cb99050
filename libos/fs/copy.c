// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * sendfile, copy_file_range and splice: a loop through a buffer of the libos.
 * tee answers -EINVAL, as for a file that cannot do it: what is in a pipe
 * cannot be had without taking it out.
 */
#include "fs.h"

#include <linux/resource.h>

#define COPY_BUFFER 0x20000UL

/* Where one side of a copy stands. */
struct side {
	struct file *file;
	u64 offset; /* DK_OFFSET_CURRENT: the file's own */
};

/*
 * Copy up to @length bytes; the number copied or an error if there are none.
 * Of what was read but could not be written, nothing is lost: the reading side
 * is put back.
 */
static s64 copy(struct side *from, struct side *to, size_t length)
{
	size_t room = MIN(PAGE_ALIGN(length), COPY_BUFFER);
	u8 *buffer = mem_alloc_pages(room);
	s64 done = 0, got = 0, put = 0;

	if (!buffer)
		return -ENOMEM;
	while ((size_t)done < length) {
		hold_other(to->file);
		got = file_read(from->file, buffer, MIN(length - done, room),
				from->offset);
		if (got <= 0)
			break;
		hold_other(from->file);
		put = file_write(to->file, buffer, got, to->offset);
		if (put < got && from->offset == DK_OFFSET_CURRENT)
			file_seek(from->file, MAX(put, 0) - got, SEEK_CUR);
		if (put <= 0)
			break;
		done += put;
		if (from->offset != DK_OFFSET_CURRENT)
			from->offset += put;
		if (to->offset != DK_OFFSET_CURRENT)
			to->offset += put;
		if (put < got || signal_interrupts())
			break;
	}
	hold_other(NULL);
	mem_free_pages(buffer, room);
	if (done)
		return done;
	return got < 0 ? got : put;
}

static int side_get(struct side *side, int fd, const s64 *offset)
{
	s64 value;

	side->file = NULL;
	side->offset = DK_OFFSET_CURRENT;
	if (offset) {
		if (user_get(value, offset))
			return -EFAULT;
		if (value < 0)
			return -EINVAL;
		side->offset = value;
	}
	side->file = fs_get(fd);
	return side->file ? 0 : -EBADF;
}

static void side_put(struct side *side)
{
	if (side->file)
		file_put(side->file);
}

/* As Linux: first what they are, then what they were opened for. */
static s64 check_range(struct side *from, struct side *to)
{
	if (file_type(from->file) == DK_TYPE_DIRECTORY ||
	    file_type(to->file) == DK_TYPE_DIRECTORY)
		return -EISDIR;
	if (file_type(from->file) != DK_TYPE_FILE ||
	    file_type(to->file) != DK_TYPE_FILE)
		return -EINVAL;
	if (!(from->file->access & FILE_READ) ||
	    !(to->file->access & FILE_WRITE) || file_appends(to->file))
		return -EBADF;
	return 0;
}

static s64 position_of(struct side *side)
{
	return side->offset == DK_OFFSET_CURRENT ?
		       file_seek(side->file, 0, SEEK_CUR) :
		       (s64)side->offset;
}

/*
 * Ranges of one file must not overlap: what there is to copy, not what was
 * asked for, so *length is cut at the end of the file.
 */
static s64 check_ends(struct side *from, struct side *to, size_t *length)
{
	struct dk_stream_attributes a, b;
	s64 in = position_of(from), out = position_of(to);

	if (*length > ~(u64)in || *length > ~(u64)out)
		return -EOVERFLOW;
	if (in < 0 || out < 0 || file_attributes(from->file, &a) ||
	    file_attributes(to->file, &b))
		return 0;
	*length = (u64)in < a.length ? MIN(*length, a.length - in) : 0;
	/* No file has anything there; how far this one can, the host knows. */
	if (out == INT64_MAX)
		return -EFBIG;
	*length = MIN(*length, (u64)(INT64_MAX - out));
	if (a.inode != b.inode || a.device != b.device)
		return 0;
	return (size_t)(in < out ? out - in : in - out) < *length ? -EINVAL : 0;
}

SYSCALL6(copy_file_range, int, in_fd, s64 *, in_offset, int, out_fd, s64 *,
	 out_offset, size_t, length, u32, flags)
{
	struct side from, to = { NULL, 0 };
	s64 result;

	result = side_get(&from, in_fd, in_offset);
	if (result)
		goto out;
	result = side_get(&to, out_fd, out_offset);
	if (result)
		goto out;
	result = flags ? -EINVAL : check_range(&from, &to);
	if (!result)
		result = check_ends(&from, &to, &length);
	if (!result && length)
		result = copy(&from, &to, MIN(length, MAX_TRANSFER));
	if (result > 0 && in_offset && user_put(from.offset, in_offset))
		result = -EFAULT;
	if (result > 0 && out_offset && user_put(to.offset, out_offset))
		result = -EFAULT;
out:
	side_put(&from);
	side_put(&to);
	return result;
}

/* ---- splice ---- */

#define SPLICE_FLAGS 0xf /* MOVE, NONBLOCK, MORE, GIFT */
#define SPLICE_NONBLOCK 0x2
/* What a pipe that is ready to be written takes without waiting. */
#define PIPE_PART 4096UL

static bool is_pipe(struct side *side)
{
	return file_type(side->file) == DK_TYPE_FIFO;
}

static bool is_ready(struct side *side, u32 what)
{
	return file_poll(side->file, NULL) & (what | POLLHUP | POLLERR);
}

static bool same_file(struct side *a, struct side *b)
{
	struct dk_stream_attributes x, y;

	return !file_attributes(a->file, &x) && !file_attributes(b->file, &y) &&
	       x.inode == y.inode && x.device == y.device;
}

/*
 * As in Linux, into and out of these nothing goes but by their own calls. Who
 * found that out later would have taken something out of a pipe.
 */
static bool cannot_splice(struct side *side, bool write)
{
	const struct file_ops *ops = ops_of(side->file);

	if (side->file->kind == FILE_EVENT || side->file->kind == FILE_TIMER ||
	    side->file->kind == FILE_SIGNAL ||
	    file_type(side->file) == DK_TYPE_DIRECTORY)
		return true;
	if (side->offset != DK_OFFSET_CURRENT && !ops->seek)
		return true;
	return write ? !ops->write : !ops->read;
}

static s64 check_splice(struct side *from, struct side *to)
{
	if (!(from->file->access & FILE_READ) ||
	    !(to->file->access & FILE_WRITE))
		return -EBADF;
	if (is_pipe(from) ? from->offset != DK_OFFSET_CURRENT :
	    is_pipe(to)	  ? to->offset != DK_OFFSET_CURRENT :
			    false)
		return -ESPIPE;
	if (!is_pipe(from) && !is_pipe(to))
		return -EINVAL;
	if (is_pipe(from) && is_pipe(to))
		return to->offset != DK_OFFSET_CURRENT ? -ESPIPE :
		       same_file(from, to)	       ? -EINVAL :
							 0;
	if (file_appends(to->file))
		return -EINVAL;
	return (is_pipe(to) ? cannot_splice(from, false) :
			      cannot_splice(to, true)) ?
		       -EINVAL :
		       0;
}

/* Would a transfer now have to wait, or be refused because it may not? */
static bool is_not_ready(struct side *side, u32 what)
{
	return file_can_poll(side->file) && !is_ready(side, what);
}

/* The thread holds one side, and here the other one. */
static s64 wait_for_room(struct side *to, struct side *held)
{
	s64 result;

	hold(held->file);
	result = file_wait(to->file, POLLOUT, DK_TIMEOUT_INFINITE);
	hold(NULL);
	return result;
}

/*
 * 0: go on; -EAGAIN; or what ended the wait. Where data come from, the read
 * itself waits; but it is not begun before the other side is ready.
 */
static s64 splice_ready(struct side *from, struct side *to, bool wait)
{
	bool empty = is_not_ready(from, POLLIN);
	u32 flags = __atomic_load_n(&to->file->flags, __ATOMIC_RELAXED);

	if (empty && !wait)
		return -EAGAIN;
	if (!is_not_ready(to, POLLOUT))
		return 0;
	if (!wait || flags & O_NONBLOCK)
		return -EAGAIN;
	return empty ? 0 : wait_for_room(to, from);
}

/*
 * How much of @length is to be taken out of @from: not what RLIMIT_FSIZE would
 * not let into the file. That is told when there is something, not before.
 */
static s64 part_allowed(struct side *from, struct side *to, size_t length)
{
	u32 flags = __atomic_load_n(&from->file->flags, __ATOMIC_RELAXED);
	long error;

	if (!is_pipe(from) || is_pipe(to) ||
	    process.limits[RLIMIT_FSIZE].soft == RLIM64_INFINITY)
		return length;
	if (is_not_ready(from, POLLIN) && !(flags & O_NONBLOCK)) {
		hold(from->file);
		error = file_wait(from->file, POLLIN, DK_TIMEOUT_INFINITE);
		hold(NULL);
		if (error)
			return error;
	}
	if (!(file_poll(from->file, NULL) & POLLIN))
		return length;
	return file_within_limit(to->file, length, to->offset);
}

/*
 * What was taken out of a pipe does not go back (@all): what does not fit at
 * once is waited for, also by who does not want to.
 */
static s64 put_part(struct side *to, const u8 *data, size_t length, bool all)
{
	size_t done = 0;
	u64 offset;
	s64 put;

	do {
		offset = to->offset == DK_OFFSET_CURRENT ? to->offset :
							   to->offset + done;
		put = file_write(to->file, data + done, length - done, offset);
		if (put > 0)
			done += put;
		else if (put != -EAGAIN || !all || signal_interrupts() ||
			 wait_for_room(to, to))
			break;
	} while (all && done < length);
	return done ? (s64)done : put;
}

/*
 * The first part is waited for, on both sides, where they may; what follows is
 * moved as far as neither side has to be. Nothing is taken out of a pipe before
 * the other side would take it.
 */
static s64 splice_parts(struct side *from, struct side *to, size_t length,
			bool wait)
{
	u8 *buffer = mem_alloc(PIPE_PART);
	s64 got = 0, put = 0;
	size_t done = 0;

	if (!buffer)
		return -ENOMEM;
	while (done < length) {
		hold_other(to->file);
		got = splice_ready(from, to, wait && !done);
		if (!got)
			got = part_allowed(from, to,
					   MIN(length - done, PIPE_PART));
		if (got > 0)
			got = file_read(from->file, buffer, got, from->offset);
		if (got <= 0)
			break;
		hold_other(from->file);
		put = put_part(to, buffer, got, is_pipe(from));
		if (put < got && !is_pipe(from) &&
		    from->offset == DK_OFFSET_CURRENT)
			file_seek(from->file, MAX(put, 0) - got, SEEK_CUR);
		if (put <= 0) {
			got = put;
			break;
		}
		done += put;
		if (from->offset != DK_OFFSET_CURRENT)
			from->offset += put;
		if (to->offset != DK_OFFSET_CURRENT)
			to->offset += put;
		if (put < got || signal_interrupts())
			break;
	}
	hold_other(NULL);
	mem_free(buffer);
	return done ? (s64)done : got;
}

SYSCALL6(splice, int, in_fd, s64 *, in_offset, int, out_fd, s64 *, out_offset,
	 size_t, length, u32, flags)
{
	struct side from, to = { NULL, 0 };
	s64 result;

	if (!length)
		return 0;
	if (flags & ~(u32)SPLICE_FLAGS)
		return -EINVAL;
	result = side_get(&from, in_fd, in_offset);
	if (!result)
		result = side_get(&to, out_fd, out_offset);
	if (!result)
		result = check_splice(&from, &to);
	if (!result)
		result = splice_parts(&from, &to, MIN(length, MAX_TRANSFER),
				      !(flags & SPLICE_NONBLOCK));
	if (result > 0 && in_offset && user_put(from.offset, in_offset))
		result = -EFAULT;
	if (result > 0 && out_offset && user_put(to.offset, out_offset))
		result = -EFAULT;
	side_put(&from);
	side_put(&to);
	return result;
}

#define DEVICE_RANDOM	(1ULL << 32 | 8)
#define DEVICE_URANDOM	(1ULL << 32 | 9)

/* A file, or random bytes; of other devices Linux sends nothing, or by version. */
static bool can_be_sent(struct side *from)
{
	struct dk_stream_attributes attributes;
	u8 type = file_type(from->file);

	if (type != DK_TYPE_CHARACTER)
		return type == DK_TYPE_FILE;
	return !file_attributes(from->file, &attributes) &&
	       (attributes.special == DEVICE_RANDOM ||
		attributes.special == DEVICE_URANDOM);
}

/* To a pipe it is a splice: what there is room for, once there is any. */
static s64 send_file(struct side *from, struct side *to, size_t length)
{
	return is_pipe(to) && length ? splice_parts(from, to, length, true) :
				       copy(from, to, length);
}

SYSCALL4(sendfile, int, out_fd, int, in_fd, s64 *, offset, size_t, length)
{
	struct side from, to = { NULL, 0 };
	s64 result;

	result = side_get(&from, in_fd, offset);
	if (result)
		goto out;
	result = side_get(&to, out_fd, NULL);
	if (result)
		goto out;
	if (!(from.file->access & FILE_READ) || !(to.file->access & FILE_WRITE))
		result = -EBADF;
	else if ((s64)length < 0 || !can_be_sent(&from) ||
		 file_appends(to.file) || (length && cannot_splice(&to, true)))
		result = -EINVAL;
	else
		result = send_file(&from, &to, MIN(length, MAX_TRANSFER));
	if (result >= 0 && offset)
		result = user_put(from.offset, offset) ? -EFAULT : result;
out:
	side_put(&from);
	side_put(&to);
	return result;
}

SYSCALL2(tee, int, from, int, to)
{
	struct side a, b = { NULL, 0 };
	long error;

	error = side_get(&a, from, NULL);
	if (!error)
		error = side_get(&b, to, NULL);
	side_put(&a);
	side_put(&b);
	return error ? error : -EINVAL;
}
