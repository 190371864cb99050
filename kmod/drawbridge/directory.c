// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories: DkStreamEnumerateChildren.
 *
 * A cursor is the directory's own offset, as telldir() has it, so that a file
 * system keeps its promises about entries that come and go. The stream's
 * position follows it: a caller that goes on where it stopped causes no seek,
 * which for some file systems would mean counting from the start, and losing
 * or doubling entries when others were removed meanwhile.
 */
#include <linux/sched/signal.h>

#include "stream.h"

struct enumeration {
	struct dir_context ctx;
	u8 __user *next;
	size_t room;
	struct dk_directory_entry __user *previous;
	int error;
};

static u32 entry_type(unsigned int type)
{
	switch (type) {
	case DT_REG:
		return DK_TYPE_FILE;
	case DT_DIR:
		return DK_TYPE_DIRECTORY;
	case DT_LNK:
		return DK_TYPE_SYMLINK;
	case DT_CHR:
		return DK_TYPE_CHARACTER;
	case DT_BLK:
		return DK_TYPE_BLOCK;
	case DT_FIFO:
		return DK_TYPE_FIFO;
	case DT_SOCK:
		return DK_TYPE_SOCKET;
	}
	return 0;
}

static bool enumerate_one(struct dir_context *ctx, const char *name, int length,
			  loff_t offset, u64 inode, unsigned int type)
{
	struct enumeration *e = container_of(ctx, struct enumeration, ctx);
	struct dk_directory_entry __user *entry = (void __user *)e->next;
	struct dk_directory_entry head = {
		.inode = inode,
		.name_length = length,
		.type = entry_type(type),
	};
	size_t size = ALIGN(sizeof(head) + length, 8);

	e->error = -EIO;
	if (length <= 0 || size > U16_MAX || memchr(name, '/', length))
		return false;
	e->error = -ERANGE;
	if (size > e->room)
		return false;
	/* A cursor is only known when the next entry comes. */
	e->error = -EINTR;
	if (e->previous && signal_pending(current))
		return false;
	head.length = size;
	e->error = -EFAULT;
	if ((e->previous && put_user((u64)offset, &e->previous->cursor)) ||
	    copy_to_user(entry, &head, sizeof(head)) ||
	    copy_to_user(entry->name, name, length) ||
	    clear_user(entry->name + length, size - sizeof(head) - length))
		return false;
	e->error = 0;
	e->previous = entry;
	e->next += size;
	e->room -= size;
	return true;
}

long dk_directory_enumerate(struct dk_stream *stream, u64 *cursor,
			    void __user *buffer, size_t length, u64 *done)
{
	struct file *file = stream->file;
	struct enumeration e = {
		.ctx.actor = enumerate_one,
		.next = buffer,
		.room = min_t(size_t, length, INT_MAX),
	};
	loff_t offset = *cursor;
	long error = 0;

	if (!d_can_lookup(file->f_path.dentry))
		return -ENOTDIR;
	dk_position_lock(file);
	if (file->f_pos != offset) {
		offset = vfs_llseek(file, offset, SEEK_SET);
		if (IS_ERR_VALUE((unsigned long)offset))
			error = offset;
	}
	if (!error)
		error = iterate_dir(file, &e.ctx);
	dk_position_unlock(file);

	if (!error)
		error = e.error;
	if (!e.previous)
		return error;
	/* Entries first; the error comes again, if it stays. */
	if (put_user((u64)e.ctx.pos, &e.previous->cursor))
		return -EFAULT;
	*cursor = e.ctx.pos;
	*done = e.next - (u8 __user *)buffer;
	return 0;
}
