// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Advisory locks on files: record locks, those of open file descriptions, and
 * flock. All are the host's (DkxStreamLock), so they hold against every other
 * process, of the sandbox or not.
 *
 * The host drops a process's record locks on a file when it closes the handle
 * that they were taken through. Linux does so when *any* descriptor of the file
 * is closed, and descriptors that were duplicated share one stream here: so
 * lock_closed() drops them by hand, in a process that has ever taken one.
 * Handles that are no descriptors (of a mapping, of a call that takes a name, of
 * a child of vfork) drop nothing.
 */
#include "fs.h"

#include <processes.h>

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

/* This process, or one that it was cloned from, has taken record locks. */
static bool in_use;

/*
 * A descriptor of @file is gone from the table; @file is still held. Those of a
 * child of vfork() are its own, and the locks its parent's.
 */
void lock_closed(struct file *file)
{
	if (__atomic_load_n(&in_use, __ATOMIC_RELAXED) &&
	    file->kind == FILE_HOST && !self()->vfork)
		DkxStreamLock(file->handle, 0, 0, 0, NULL, 0);
}

/*
 * The range of a struct flock from its first byte on; a length of 0 means to
 * the end, as for the host. -EINVAL, -EOVERFLOW.
 */
static long range_get(struct file *file, const struct flock *lock, u64 *start,
		      u64 *length)
{
	struct dk_stream_attributes attributes;
	s64 base = 0, first, last;

	switch (lock->l_whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = file_seek(file, 0, SEEK_CUR);
		/* a pipe, say, is always at its beginning */
		if (base < 0)
			base = 0;
		break;
	case SEEK_END:
		if (file_attributes(file, &attributes))
			return -EINVAL;
		base = attributes.length;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, lock->l_start, &first))
		return -EOVERFLOW;
	if (first < 0)
		return -EINVAL;
	if (lock->l_len > 0) {
		if (__builtin_add_overflow(first, lock->l_len - 1, &last))
			return -EOVERFLOW;
	} else if (lock->l_len < 0) {
		if (first + lock->l_len < 0)
			return -EINVAL;
		last = first - 1;
		first += lock->l_len;
	} else {
		last = -1;
	}
	*start = first;
	*length = lock->l_len && last != __INT64_MAX__ ? last - first + 1 : 0;
	return 0;
}

static u32 operation_of(short type)
{
	return type == F_WRLCK ? DK_LOCK_EXCLUSIVE :
	       type == F_RDLCK ? DK_LOCK_SHARED :
				 0;
}

static bool has_no_stream(struct file *file)
{
	return file->handle == DK_INVALID_HANDLE;
}

/* The host's call, begun anew after signals that do not end it. */
static long lock_call(struct file *file, u64 operation, u64 start, u64 length)
{
	DK_STATUS status;

	hold(file);
	do {
		status = HOST_WAIT(DkxStreamLock, file->handle, operation,
				   start, length);
	} while (status == DK_STATUS_INTERRUPTED && !signal_interrupts());
	hold(NULL);
	/* what is no file of the host's: nobody else can have it locked */
	if (status == DK_STATUS_NOT_SUPPORTED)
		return 0;
	if (status == DK_STATUS_NO_MEMORY)
		return -ENOLCK;
	return errno_restart(status);
}

/* The libos's number of a process; the host's, of one outside the sandbox. */
static int owner_of(const struct dk_lock_info *info)
{
	struct process_entry *entry;

	if (!info->id)
		return info->process_id;
	for_each_entry(entry) {
		if (entry_state(entry) == ENTRY_LIVE && entry->id == info->id)
			return entry->pid;
	}
	return info->process_id;
}

/* F_GETLK and F_OFD_GETLK, when @operation is DK_LOCK_STREAM */
static long record_query(struct file *file, struct flock *lock, u64 operation)
{
	struct dk_lock_info info = { 0 };
	u64 start, length;
	DK_STATUS status;
	long error;

	if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK)
		return -EINVAL;
	error = range_get(file, lock, &start, &length);
	if (error)
		return error;
	if (!has_no_stream(file)) {
		status = DkxStreamLock(file->handle,
				       operation | DK_LOCK_QUERY |
					       operation_of(lock->l_type),
				       start, length, &info, sizeof(info));
		if (status && status != DK_STATUS_NOT_SUPPORTED)
			return errno_of(status);
	}
	if (!info.type) {
		lock->l_type = F_UNLCK;
		return 0;
	}
	lock->l_type = info.type == DK_LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK;
	lock->l_whence = SEEK_SET;
	lock->l_start = info.start;
	lock->l_len = info.length;
	/* That of an open file description has no process. */
	lock->l_pid = info.process_id ? owner_of(&info) : -1;
	return 0;
}

static long record_set(struct file *file, const struct flock *lock,
		       u64 operation)
{
	u64 start, length;
	long error;

	if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK &&
	    lock->l_type != F_UNLCK)
		return -EINVAL;
	error = range_get(file, lock, &start, &length);
	if (error)
		return error;
	if ((lock->l_type == F_RDLCK && !(file->access & FILE_READ)) ||
	    (lock->l_type == F_WRLCK && !(file->access & FILE_WRITE)))
		return -EBADF;
	if (has_no_stream(file))
		return 0;
	if (lock->l_type == F_UNLCK)
		operation &= ~(u64)DK_LOCK_WAIT;
	else if (!(operation & DK_LOCK_STREAM))
		__atomic_store_n(&in_use, true, __ATOMIC_RELAXED);
	return lock_call(file, operation | operation_of(lock->l_type), start,
			 length);
}

/* fcntl's commands that are about locks */
long lock_control(struct file *file, int command, struct flock *user)
{
	struct flock lock;
	u64 operation = 0;
	long error;

	if (user_get(lock, user))
		return -EFAULT;
	switch (command) {
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		if (lock.l_pid)
			return -EINVAL;
		operation = DK_LOCK_STREAM;
	}
	if (command == F_GETLK || command == F_OFD_GETLK) {
		error = record_query(file, &lock, operation);
		return error ? error : user_put(lock, user);
	}
	if (command == F_SETLKW || command == F_OFD_SETLKW)
		operation |= DK_LOCK_WAIT;
	return record_set(file, &lock, operation);
}

SYSCALL2(flock, int, fd, int, operation)
{
	struct file *file;
	u64 how = DK_LOCK_WHOLE;
	long error = 0;

	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		how |= DK_LOCK_SHARED;
		break;
	case LOCK_EX:
		how |= DK_LOCK_EXCLUSIVE;
		break;
	case LOCK_UN:
		break;
	default:
		return -EINVAL;
	}
	if (how != DK_LOCK_WHOLE && !(operation & LOCK_NB))
		how |= DK_LOCK_WAIT;
	file = fs_get(fd);
	if (!file)
		return -EBADF;
	if (!has_no_stream(file))
		error = lock_call(file, how, 0, 0);
	file_put(file);
	return error;
}
