// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transfers: bytes between a file and the caller's memory, and mappings.
 *
 * dk_file_read() and dk_file_write() are vfs_read() and vfs_write(), which
 * modules cannot call, step by step: the same checks in the same order, then
 * the file's own method straight to or from user memory. The file's position
 * is the kernel's own (f_pos under f_pos_lock), so streams on one file share
 * it with each other and with whoever else has the file open.
 *
 * A NONBLOCK stream on a file that is its own has O_NONBLOCK in the file. One
 * on a console file may not touch the flags, which others share: there the
 * single call is made non-blocking where the file can do that, and where it
 * cannot, the file is polled first. The latter leaves a gap: another reader
 * of the same terminal can take the input between the two, and the call then
 * waits, interruptibly. Writes after a poll are cut to what a pipe that is
 * ready takes for certain.
 */
#include <linux/fsnotify.h>
#include <linux/limits.h>
#include <linux/major.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/xacct.h>
#include <linux/uio.h>

#include "stream.h"

/*
 * What is assigned as a whole before it is used need not be zeroed before
 * that, as CONFIG_INIT_STACK_ALL_ZERO has it.
 */
#if __has_attribute(__uninitialized__)
#define dk_uninitialized	__attribute__((__uninitialized__))
#else
#define dk_uninitialized
#endif

/* Whether NONBLOCK has to be seen to here; see above. */
static bool must_not_block(const struct dk_stream *stream)
{
	umode_t mode;

	if (likely(!(stream->flags & DK_OPTION_NONBLOCK)))
		return false;
	mode = file_inode(stream->file)->i_mode;
	return !(stream->file->f_flags & O_NONBLOCK) &&
	       !S_ISREG(mode) && !S_ISDIR(mode);
}

static bool can_nowait(const struct file *file, bool has_iter)
{
	return file->f_mode & FMODE_NOWAIT && has_iter;
}

static bool is_ready(struct file *file, __poll_t events)
{
	return vfs_poll(file, NULL) & (events | EPOLLERR | EPOLLHUP);
}

ssize_t dk_file_read(struct dk_stream *stream, u64 offset,
		     void __user *buffer, size_t length)
{
	struct file *file = stream->file;
	bool current_position = offset == DK_OFFSET_CURRENT;
	loff_t position = offset, *at = &position;
	struct iov_iter iter dk_uninitialized;
	struct kiocb kiocb dk_uninitialized;
	int nowait = 0;
	ssize_t done;

	if (unlikely((file->f_mode & (FMODE_READ | FMODE_CAN_READ)) !=
		     (FMODE_READ | FMODE_CAN_READ)))
		return -EINVAL;
	if (unlikely(!current_position && !(file->f_mode & FMODE_PREAD)))
		return -ESPIPE;
	if (unlikely(must_not_block(stream))) {
		if (can_nowait(file, !file->f_op->read))
			nowait = IOCB_NOWAIT;
		else if (!is_ready(file, EPOLLIN | EPOLLRDNORM))
			return -EAGAIN;
	}

	if (current_position) {
		if (file->f_mode & FMODE_STREAM) {
			current_position = false;
			at = NULL;
		} else {
			dk_position_lock(file);
			position = file->f_pos;
		}
	}

	done = rw_verify_area(READ, file, at, length);
	if (unlikely(done))
		goto out;
	if (length > MAX_RW_COUNT)
		length = MAX_RW_COUNT;
	if (file->f_op->read) {
		done = file->f_op->read(file, buffer, length, at);
	} else {
		init_sync_kiocb(&kiocb, file);
		kiocb.ki_flags |= nowait;
		kiocb.ki_pos = at ? position : 0;
		iov_iter_ubuf(&iter, READ, buffer, length);
		done = file->f_op->read_iter(&kiocb, &iter);
		position = kiocb.ki_pos;
	}
	if (done > 0) {
		fsnotify_access(file);
		add_rchar(current, done);
	}
	inc_syscr(current);
out:
	if (current_position) {
		if (done >= 0)
			file->f_pos = position;
		dk_position_unlock(file);
	}
	return done;
}

ssize_t dk_file_write(struct dk_stream *stream, u64 offset,
		      const void __user *buffer, size_t length)
{
	struct file *file = stream->file;
	bool current_position = offset == DK_OFFSET_CURRENT;
	loff_t position = offset, *at = &position;
	struct iov_iter iter dk_uninitialized;
	struct kiocb kiocb dk_uninitialized;
	int flags = 0;
	ssize_t done;

	if (unlikely((file->f_mode & (FMODE_WRITE | FMODE_CAN_WRITE)) !=
		     (FMODE_WRITE | FMODE_CAN_WRITE)))
		return -EINVAL;
	if (unlikely(!current_position && !(file->f_mode & FMODE_PWRITE)))
		return -ESPIPE;
	if (unlikely(must_not_block(stream))) {
		if (!can_nowait(file, !file->f_op->write)) {
			if (!is_ready(file, EPOLLOUT | EPOLLWRNORM))
				return -EAGAIN;
			length = min_t(size_t, length, PIPE_BUF);
		} else {
			flags = IOCB_NOWAIT;
		}
	}
	/* of a file of our own it is in f_flags already */
	if (READ_ONCE(stream->flags) & DK_ACCESS_APPEND)
		flags |= IOCB_APPEND;

	if (current_position) {
		if (file->f_mode & FMODE_STREAM) {
			current_position = false;
			at = NULL;
		} else {
			dk_position_lock(file);
			position = file->f_pos;
		}
	}

	done = rw_verify_area(WRITE, file, at, length);
	if (unlikely(done))
		goto out;
	if (length > MAX_RW_COUNT)
		length = MAX_RW_COUNT;
	file_start_write(file);
	if (file->f_op->write) {
		done = file->f_op->write(file, buffer, length, at);
	} else {
		init_sync_kiocb(&kiocb, file);
		kiocb.ki_flags |= flags;
		kiocb.ki_pos = at ? position : 0;
		iov_iter_ubuf(&iter, WRITE, (void __user *)buffer, length);
		done = file->f_op->write_iter(&kiocb, &iter);
		if (done > 0)
			position = kiocb.ki_pos;
	}
	if (done > 0) {
		fsnotify_modify(file);
		add_wchar(current, done);
	}
	inc_syscw(current);
	file_end_write(file);
out:
	if (current_position) {
		if (done >= 0)
			file->f_pos = position;
		dk_position_unlock(file);
	}
	return done;
}

long dk_file_seek(struct dk_stream *stream, s64 offset, u64 whence,
		  u64 *position)
{
	struct file *file = stream->file;
	loff_t result;

	BUILD_BUG_ON(DK_SEEK_SET != SEEK_SET || DK_SEEK_CURRENT != SEEK_CUR ||
		     DK_SEEK_END != SEEK_END || DK_SEEK_DATA != SEEK_DATA ||
		     DK_SEEK_HOLE != SEEK_HOLE);
	dk_position_lock(file);
	result = vfs_llseek(file, offset, whence);
	dk_position_unlock(file);
	if (IS_ERR_VALUE((unsigned long)result))
		return result;
	*position = result;
	return 0;
}

static bool is_zero_device(const struct inode *inode)
{
	return S_ISCHR(inode->i_mode) &&
	       inode->i_rdev == MKDEV(MEM_MAJOR, 5);
}

/*
 * What is shared of /dev/zero is new memory, not a file's, and DkVirtualMemoryAlloc
 * has it, which counts it.
 *
 * A shared mapping can be made writable later if its file is open for
 * writing, whatever the handle says. For a handle without the right to write
 * the mapping therefore gets a file of its own that is not.
 */
long dk_file_map(struct dk_stream *stream, u32 rights, unsigned long *base,
		 u64 length, u64 offset, unsigned long prot,
		 unsigned long flags)
{
	struct file *file = stream->file;
	unsigned long how, address;

	if (!file->f_op->mmap ||
	    (flags & DK_MAP_SHARED && is_zero_device(file_inode(file))))
		return -EOPNOTSUPP;
	if (*base && !dk_range_valid(*base, length))
		return -ENOMEM;

	how = flags & DK_MAP_SHARED ? MAP_SHARED : MAP_PRIVATE;
	if (*base)
		how |= flags & DK_MAP_REPLACE ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	if (flags & DK_MAP_SHARED && file->f_mode & FMODE_WRITE &&
	    !(rights & DK_RIGHT_WRITE)) {
		/* Opening a device again could have effects. */
		if (!S_ISREG(file_inode(file)->i_mode))
			return -EACCES;
		file = dentry_open(&file->f_path, O_RDONLY | O_LARGEFILE,
				   file->f_cred);
		if (IS_ERR(file))
			return PTR_ERR(file);
	} else {
		get_file(file);
	}
	address = vm_mmap(file, *base, length, prot, how, offset);
	fput(file);
	if (IS_ERR_VALUE(address))
		return address;
	*base = address;
	return 0;
}

long dk_file_flush(struct dk_stream *stream, u64 flags)
{
	return vfs_fsync(stream->file, !!(flags & DK_FLUSH_DATA));
}

/* As ftruncate(). */
long dk_file_set_length(struct dk_stream *stream, u64 length)
{
	struct file *file = stream->file;
	struct dentry *dentry = file->f_path.dentry;
	struct inode *inode = d_inode(dentry);
	struct iattr attr = {
		.ia_valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME | ATTR_FILE,
		.ia_size = length,
		.ia_file = file,
	};
	long error;

	if (!S_ISREG(inode->i_mode) || !(file->f_mode & FMODE_WRITE))
		return -EINVAL;
	if (IS_APPEND(file_inode(file)))
		return -EPERM;
	sb_start_write(inode->i_sb);
	inode_lock(inode);
	error = file_remove_privs(file);
	if (!error)
		error = notify_change(dk_idmap(file->f_path.mnt), dentry, &attr,
				      NULL);
	inode_unlock(inode);
	sb_end_write(inode->i_sb);
	return error;
}
