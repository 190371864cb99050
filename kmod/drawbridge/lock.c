// SPDX-License-Identifier: GPL-2.0-only
/*
 * Advisory locks on files: DkxStreamLock.
 *
 * They are the kernel's own, so they count against every other program of the
 * host as natively, and file systems that have a say in them (fuse, nfs) have
 * it. Three kinds, which differ in their owner:
 *
 *  - the process (fcntl's F_SETLK): its locks on a file are one set, through
 *    whatever stream they were taken. They go with the process, and when it
 *    closes a handle of a stream through which it has taken one that it still
 *    has; or had, where only a server knows. (POSIX: any of that file. But not
 *    every handle of a library OS is a descriptor of its program's, and it can
 *    unlock for those that are.)
 *  - the stream (F_OFD_SETLK): they go when the last handle of the stream does,
 *    in whichever process;
 *  - the stream again, on the whole file (flock): the same, but such locks and
 *    ranges do not know each other.
 *
 * The owner that the kernel sees is the struct dk_process, or the struct file.
 * A process's locks point to the file they were taken through, so none may be
 * left when that file goes: dk_locks_drop() is called after each closing of a
 * handle, and whoever takes a lock looks afterwards whether the handle is
 * still there; between the two stands a full barrier on either side.
 *
 * A sleeper is woken by signals, and with that by an exception raised on the
 * thread. The hook of security modules for locks is not within reach of a
 * module; what they said to the opening of the file holds.
 */
#include <linux/sched/signal.h>

#include "stream.h"

#define TYPES	(DK_LOCK_SHARED | DK_LOCK_EXCLUSIVE)
#define OWNERS	(DK_LOCK_STREAM | DK_LOCK_WHOLE)

/* Has @process taken one of its locks through @file? */
static bool locks_through(const struct dk_process *process, struct file *file)
{
	struct file_lock_context *context = dk_locks_of(file_inode(file));
	struct file_lock *lock;
	bool found = false;

	if (!context)
		return false;
	spin_lock(&context->flc_lock);
	list_for_each_entry(lock, &context->flc_posix, dk_lock_link) {
		found = dk_lock_(lock, owner) == (fl_owner_t)process &&
			dk_lock_(lock, file) == file;
		if (found)
			break;
	}
	spin_unlock(&context->flc_lock);
	return found;
}

static void lock_fill(struct file_lock *lock, struct dk_process *process,
		      struct file *file, u32 operation, u64 start, u64 length)
{
	unsigned int flags = operation & DK_LOCK_WHOLE ? FL_FLOCK : FL_POSIX;

	if (operation & DK_LOCK_WAIT)
		flags |= FL_SLEEP;
	if (operation & DK_LOCK_STREAM)
		flags |= FL_OFDLCK;
	dk_lock_(lock, type) = operation & DK_LOCK_EXCLUSIVE ? F_WRLCK :
			       operation & DK_LOCK_SHARED ? F_RDLCK : F_UNLCK;
	dk_lock_(lock, flags) = flags;
	dk_lock_(lock, file) = file;
	dk_lock_(lock, pid) = operation & DK_LOCK_STREAM ? -1 : current->tgid;
	dk_lock_(lock, owner) = operation & OWNERS ? (fl_owner_t)file :
						     (fl_owner_t)process;
	lock->fl_start = start;
	lock->fl_end = length ? start + length - 1 : OFFSET_MAX;
}

/*
 * All that @process has of the file. locks_remove_posix() takes away what the
 * kernel knows of. A server (fuse) may keep locks by itself; of a closed file it
 * is told by flush(), which waits for whoever writes. So it is told as by one
 * that unlocks.
 */
static void remove_locks(struct dk_process *process, struct file *file)
{
	struct file_lock lock;

	if (!file->f_op->lock) {
		locks_remove_posix(file, process);
		return;
	}
	locks_init_lock(&lock);
	lock_fill(&lock, process, file, 0, 0, 0);
	vfs_lock_file(file, F_SETLK, &lock, NULL);
	locks_release_private(&lock);
}

void dk_locks_drop(struct dk_process *process, struct dk_object *object)
{
	struct dk_stream *stream;

	if (object->type != DK_OBJECT_STREAM)
		return;
	smp_mb(); /* the handle is gone before we look; see above */
	if (!READ_ONCE(process->has_locks))
		return;
	stream = container_of(object, struct dk_stream, object);
	if (stream->file &&
	    (locks_through(process, stream->file) ||
	     (READ_ONCE(stream->locked) && stream->file->f_op->lock)))
		remove_locks(process, stream->file);
}

static bool handle_is_there(struct dk_process *process, DK_HANDLE handle,
			    const struct dk_stream *stream)
{
	struct dk_object *object = dk_handle_get(process, handle,
						 DK_OBJECT_STREAM, 0);

	if (IS_ERR(object))
		return false;
	dk_object_put(object);
	return object == &stream->object;
}

/* As fcntl_setlk(): whatever it waits for, and until a signal comes. */
static long lock_range(struct file *file, struct file_lock *lock)
{
	int command = dk_lock_(lock, flags) & FL_SLEEP ? F_SETLKW : F_SETLK;
	long error;

	for (;;) {
		error = vfs_lock_file(file, command, lock, NULL);
		if (error != FILE_LOCK_DEFERRED)
			break;
		error = wait_event_interruptible(
			dk_lock_(lock, wait),
			list_empty(&dk_lock_(lock, blocked_member)));
		if (error)
			break;
	}
	locks_delete_block(lock);
	return error;
}

/* As flock(). */
static long lock_whole(struct file *file, struct file_lock *lock)
{
	int command = dk_lock_(lock, flags) & FL_SLEEP ? F_SETLKW : F_SETLK;

	if (file->f_op->flock)
		return file->f_op->flock(file, command, lock);
	return locks_lock_file_wait(file, lock);
}

/* The id that the kernel keeps is of its first namespace. */
static u32 blocker_id(const struct file_lock *lock)
{
	struct pid *pid;
	u32 id;

	rcu_read_lock();
	pid = find_pid_ns(dk_lock_(lock, pid), &init_pid_ns);
	id = pid ? pid_vnr(pid) : 0;
	rcu_read_unlock();
	return id;
}

/* Which process of @sandbox owns a lock: @owner only is compared. */
static u64 blocker_of(struct dk_sandbox *sandbox, const void *owner)
{
	struct dk_process *process;
	u64 id = 0;

	mutex_lock(&sandbox->lock);
	list_for_each_entry(process, &sandbox->processes, link) {
		if (process == owner) {
			id = process->id;
			break;
		}
	}
	mutex_unlock(&sandbox->lock);
	return id;
}

static long query(struct dk_sandbox *sandbox, struct file *file,
		  struct file_lock *lock, void __user *out)
{
	struct dk_lock_info info = { };
	long error;

	error = vfs_test_lock(file, lock);
	if (error)
		return error;
	if (dk_lock_(lock, type) != F_UNLCK) {
		info.type = dk_lock_(lock, type) == F_WRLCK ?
			DK_LOCK_EXCLUSIVE : DK_LOCK_SHARED;
		info.start = lock->fl_start;
		if (lock->fl_end != OFFSET_MAX)
			info.length = lock->fl_end - lock->fl_start + 1;
		info.process_id = blocker_id(lock);
		info.id = blocker_of(sandbox, dk_lock_(lock, owner));
	}
	return copy_to_user(out, &info, sizeof(info)) ? -EFAULT : 0;
}

static long lock_call(struct dk_process *process, DK_HANDLE handle,
		      struct dk_stream *stream, struct file_lock *lock,
		      u32 operation)
{
	long error;

	if (operation & DK_LOCK_WHOLE)
		return lock_whole(stream->file, lock);
	if (operation & DK_LOCK_STREAM || !(operation & TYPES))
		return lock_range(stream->file, lock);

	WRITE_ONCE(process->has_locks, true);
	error = lock_range(stream->file, lock);
	if (!error)
		WRITE_ONCE(stream->locked, true);
	smp_mb(); /* our lock is there before we look; see above */
	if (handle_is_there(process, handle, stream))
		return error;
	/* A server that has refused it may well refuse to say more. */
	if (error) {
		locks_remove_posix(stream->file, process);
		return error;
	}
	remove_locks(process, stream->file);
	return -EBADF;
}

static bool operation_is_valid(u64 operation, u64 start, u64 length)
{
	const u64 known = TYPES | OWNERS | DK_LOCK_WAIT | DK_LOCK_QUERY;

	if (operation & ~known || (operation & TYPES) == TYPES ||
	    (operation & OWNERS) == OWNERS)
		return false;
	if (operation & (DK_LOCK_WAIT | DK_LOCK_QUERY) && !(operation & TYPES))
		return false;
	if (operation & DK_LOCK_QUERY &&
	    operation & (DK_LOCK_WAIT | DK_LOCK_WHOLE))
		return false;
	if (operation & DK_LOCK_WHOLE)
		return !start && !length;
	return (s64)start >= 0 && length <= OFFSET_MAX;
}

/* DkxStreamLock(stream, operation, start, length, out blocker, blocker_length) */
DK_HANDLER(DkxStreamLock)
{
	struct dk_stream *stream;
	struct file_lock *lock;
	u32 need = 0;
	long error;

	if (!operation_is_valid(a1, a2, a3) ||
	    (a1 & DK_LOCK_QUERY && a5 != sizeof(struct dk_lock_info)))
		return -EINVAL;
	/* the last byte has a number, too */
	if (a3 && a3 - 1 > OFFSET_MAX - a2)
		return -EOVERFLOW;
	/* Asking needs no right, nor does flock(): they change nobody's data. */
	if (!(a1 & (DK_LOCK_QUERY | DK_LOCK_WHOLE)))
		need = a1 & DK_LOCK_EXCLUSIVE ? DK_RIGHT_WRITE :
		       a1 & DK_LOCK_SHARED ? DK_RIGHT_READ : 0;
	dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, need);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	error = -EOPNOTSUPP;
	if (!stream->file)
		goto put;
	error = -ENOMEM;
	lock = locks_alloc_lock();
	if (!lock)
		goto put;
	lock_fill(lock, thread->process, stream->file, a1, a2, a3);
	if (a1 & DK_LOCK_QUERY)
		error = query(stream->sandbox, stream->file, lock,
			      dk_user(a4));
	else
		error = lock_call(thread->process, a0, stream, lock, a1);
	locks_free_lock(lock);
put:
	dk_stream_put(stream);
	if (error == -ENOLCK)
		error = -ENOMEM;
	return dk_stream_status(error, dk_statuses_DkxStreamLock);
}
