// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Descriptors: dup and fcntl; locks.
 *
 * Locks are between processes, and there is one: they are checked and granted.
 */
#include "fs.h"
#include "table.h"

SYSCALL1(dup, int, fd)
{
	struct file *file = fd_get(fd);

	return file ? fd_open(file, false) : -EBADF;
}

static long dup_to(int from, unsigned int to, bool close_on_exec)
{
	struct file *file;

	if (to >= fd_limit())
		return -EBADF;
	file = fd_get(from);
	return file ? fd_replace(to, file, close_on_exec) : -EBADF;
}

SYSCALL2(dup2, int, from, int, to)
{
	struct file *file;

	if (from != to)
		return dup_to(from, to, false);
	file = fd_get(from);
	if (!file)
		return -EBADF;
	file_put(file);
	return to;
}

SYSCALL3(dup3, int, from, int, to, u32, flags)
{
	if (flags & ~(u32)O_CLOEXEC || from == to)
		return -EINVAL;
	return dup_to(from, to, flags & O_CLOEXEC);
}

static long dup_from(struct file *file, unsigned long lowest,
		     bool close_on_exec)
{
	int fd;

	if (lowest >= fd_limit())
		return -EINVAL;
	fd = fd_allocate(lowest, close_on_exec);
	if (fd >= 0)
		fd_install(fd, fs_ref(file));
	return fd;
}

#define SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)

static long set_flags(struct file *file, u32 flags)
{
	u32 old, new;

	flags &= SETTABLE;
	lock_acquire(&file->lock);
	old = file->flags;
	new = (old & ~SETTABLE) | flags;
	__atomic_store_n(&file->flags, new, __ATOMIC_RELAXED);
	/*
	 * The host appends if that was asked for when the stream was opened.
	 * Asked for later, it is done here; asked for no longer, it stays.
	 */
	if (file->kind == FILE_HOST && flags & O_APPEND && !(old & O_APPEND))
		__atomic_store_n(&file->ops, &host_append_ops,
				 __ATOMIC_RELAXED);
	lock_release(&file->lock);
	if (file->ops->set_flags)
		file->ops->set_flags(file, new);
	return 0;
}

static bool lock_is_valid(const struct flock *lock)
{
	if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK &&
	    lock->l_type != F_UNLCK)
		return false;
	return lock->l_whence >= SEEK_SET && lock->l_whence <= SEEK_END &&
	       (lock->l_whence != SEEK_SET || lock->l_start >= 0);
}

static long get_lock(struct flock *to)
{
	struct flock lock;

	if (user_get(lock, to))
		return -EFAULT;
	if (!lock_is_valid(&lock) || lock.l_type == F_UNLCK)
		return -EINVAL;
	lock.l_type = F_UNLCK;
	return user_put(lock, to);
}

static long set_lock(struct file *file, const struct flock *from)
{
	struct flock lock;

	if (user_get(lock, from))
		return -EFAULT;
	if (!lock_is_valid(&lock))
		return -EINVAL;
	if ((lock.l_type == F_RDLCK && !(file->access & FILE_READ)) ||
	    (lock.l_type == F_WRLCK && !(file->access & FILE_WRITE)))
		return -EBADF;
	return 0;
}

#define F_OWNER_NONE 0
#define F_SETPIPE_SZ (F_LINUX_SPECIFIC_BASE + 7)
#define F_GETPIPE_SZ (F_LINUX_SPECIFIC_BASE + 8)
#define PIPE_SIZE 65536

static long control(int fd, struct file *file, int command, unsigned long value)
{
	switch (command) {
	case F_DUPFD:
		return dup_from(file, value, false);
	case F_DUPFD_CLOEXEC:
		return dup_from(file, value, true);
	case F_GETFD:
		return fd_close_on_exec(fd, -1);
	case F_SETFD:
		fd_close_on_exec(fd, value & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return __atomic_load_n(&file->flags, __ATOMIC_RELAXED);
	}
	if (file->kind == FILE_PATH)
		return -EBADF;
	switch (command) {
	case F_SETFL:
		return set_flags(file, value);
	case F_GETLK:
	case F_OFD_GETLK:
		return get_lock((struct flock *)value);
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return set_lock(file, (const struct flock *)value);
	case F_GETOWN:
		return F_OWNER_NONE;
	case F_SETOWN:
	case F_SETSIG:
		return 0;
	case F_GETSIG:
		return 0;
	case F_GETPIPE_SZ:
		return file->kind == FILE_PIPE ? PIPE_SIZE : -EBADF;
	case F_SETPIPE_SZ:
		if (file->kind != FILE_PIPE)
			return -EBADF;
		return value > PIPE_SIZE ? -EPERM : PIPE_SIZE;
	default:
		return -EINVAL;
	}
}

SYSCALL3(fcntl, int, fd, int, command, unsigned long, value)
{
	struct file *file = fd_get(fd);
	long result;

	if (!file)
		return -EBADF;
	result = control(fd, file, command, value);
	file_put(file);
	return result;
}

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

SYSCALL2(flock, int, fd, int, operation)
{
	struct file *file;

	operation &= ~LOCK_NB;
	if (operation != LOCK_SH && operation != LOCK_EX &&
	    operation != LOCK_UN)
		return -EINVAL;
	file = fs_get(fd);
	if (!file)
		return -EBADF;
	file_put(file);
	return 0;
}
