// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Advice about files: checked as Linux does, and without effect. The host reads
 * ahead and writes back as it likes.
 */
#include "fs.h"

#define ADVICE_LAST 5 /* POSIX_FADV_NOREUSE */
#define SYNC_FLAGS 0x7

SYSCALL4(fadvise64, int, fd, s64, offset __unused, s64, length, int, advice)
{
	struct file *file = fd_get(fd);
	long r = 0;

	if (!file)
		return -EBADF;
	if (file->kind == FILE_PATH)
		r = -EBADF;
	else if (file_type(file) == DK_TYPE_FIFO)
		r = -ESPIPE;
	else if (length < 0 || advice < 0 || advice > ADVICE_LAST)
		r = -EINVAL;
	file_put(file);
	return r;
}

SYSCALL3(readahead, int, fd, s64, offset __unused, size_t, length __unused)
{
	struct file *file = fd_get(fd);
	u8 type;
	long r = 0;

	if (!file)
		return -EBADF;
	type = file_type(file);
	if (!(file->access & FILE_READ))
		r = -EBADF;
	else if (type != DK_TYPE_FILE && type != DK_TYPE_BLOCK)
		r = -EINVAL;
	file_put(file);
	return r;
}

SYSCALL4(sync_file_range, int, fd, s64, offset, s64, length, u32, flags)
{
	struct file *file = fd_get(fd);
	long r = 0;
	s64 end;
	u8 type;

	if (!file)
		return -EBADF;
	type = file_type(file);
	if (file->kind == FILE_PATH)
		r = -EBADF;
	else if (flags & ~(u32)SYNC_FLAGS || offset < 0 || length < 0 ||
		 __builtin_add_overflow(offset, length, &end))
		r = -EINVAL;
	else if (type != DK_TYPE_FILE && type != DK_TYPE_BLOCK &&
		 type != DK_TYPE_DIRECTORY && type != DK_TYPE_SYMLINK)
		r = -ESPIPE;
	else if (type == DK_TYPE_FILE && file->ops->flush)
		r = file->ops->flush(file, DK_FLUSH_DATA);
	file_put(file);
	return r;
}
