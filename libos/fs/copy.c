// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * sendfile and copy_file_range: a loop through a buffer of the libos. splice
 * and its relatives answer -EINVAL, as for a file that cannot do it, and
 * programs go back to read and write.
 */
#include "fs.h"

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
		got = file_read(from->file, buffer, MIN(length - done, room),
				from->offset);
		if (got <= 0)
			break;
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
	else if ((s64)length < 0 || file_type(from.file) != DK_TYPE_FILE ||
		 to.file->flags & O_APPEND)
		result = -EINVAL;
	else
		result = copy(&from, &to, MIN(length, MAX_TRANSFER));
	if (result >= 0 && offset)
		result = user_put(from.offset, offset) ? -EFAULT : result;
out:
	side_put(&from);
	side_put(&to);
	return result;
}

static s64 check_range(struct side *from, struct side *to)
{
	if (!(from->file->access & FILE_READ) ||
	    !(to->file->access & FILE_WRITE) || to->file->flags & O_APPEND)
		return -EBADF;
	if (file_type(from->file) == DK_TYPE_DIRECTORY ||
	    file_type(to->file) == DK_TYPE_DIRECTORY)
		return -EISDIR;
	if (file_type(from->file) != DK_TYPE_FILE ||
	    file_type(to->file) != DK_TYPE_FILE)
		return -EINVAL;
	return 0;
}

/* Ranges of one file must not overlap. */
static s64 check_overlap(struct side *from, struct side *to, size_t length)
{
	struct dk_stream_attributes a, b;
	s64 in = from->offset, out = to->offset;

	if (file_attributes(from->file, &a) || file_attributes(to->file, &b) ||
	    a.inode != b.inode || a.device != b.device)
		return 0;
	if (from->offset == DK_OFFSET_CURRENT)
		in = file_seek(from->file, 0, SEEK_CUR);
	if (to->offset == DK_OFFSET_CURRENT)
		out = file_seek(to->file, 0, SEEK_CUR);
	return (size_t)(in < out ? out - in : in - out) < length ? -EINVAL : 0;
}

SYSCALL6(copy_file_range, int, in_fd, s64 *, in_offset, int, out_fd, s64 *,
	 out_offset, size_t, length, u32, flags)
{
	struct side from, to = { NULL, 0 };
	s64 result;

	length = MIN(length, MAX_TRANSFER);
	result = side_get(&from, in_fd, in_offset);
	if (result)
		goto out;
	result = side_get(&to, out_fd, out_offset);
	if (result)
		goto out;
	result = flags ? -EINVAL : check_range(&from, &to);
	if (!result)
		result = check_overlap(&from, &to, length);
	if (!result && length)
		result = copy(&from, &to, length);
	if (result > 0 && in_offset && user_put(from.offset, in_offset))
		result = -EFAULT;
	if (result > 0 && out_offset && user_put(to.offset, out_offset))
		result = -EFAULT;
out:
	side_put(&from);
	side_put(&to);
	return result;
}

static long refuse(int from, int to)
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

SYSCALL3(splice, int, from, s64 *, offset __unused, int, to)
{
	return refuse(from, to);
}

SYSCALL2(tee, int, from, int, to)
{
	return refuse(from, to);
}
