// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Descriptors: dup and fcntl.
 */
#include "fs.h"
#include "socket.h"
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

/* O_APPEND is the open file's, and another process may have changed it. */
bool file_appends(struct file *file)
{
	const struct file_ops *ops = ops_of(file);

	return ops->append ?
		       ops->append(file, -1) > 0 :
		       !!(__atomic_load_n(&file->flags, __ATOMIC_RELAXED) &
			  O_APPEND);
}

/*
 * The stream of the host's that has O_NONBLOCK of an open file, which other
 * processes may have as well; or none. A console's is the launcher's.
 */
static DK_HANDLE nonblock_stream(struct file *file)
{
	switch (file->kind) {
	case FILE_PIPE:
	case FILE_EVENT:
		return file->handle;
	case FILE_SOCKET:
		return socket_stream(file);
	case FILE_HOST:
		return file_type(file) == DK_TYPE_FIFO ? file->handle :
							 DK_INVALID_HANDLE;
	default:
		return DK_INVALID_HANDLE;
	}
}

static u32 get_flags(struct file *file)
{
	u32 flags = __atomic_load_n(&file->flags, __ATOMIC_RELAXED), options;
	DK_HANDLE stream = nonblock_stream(file);

	/* Our own waiting goes by it, too, as the program is told of it now. */
	if (stream && !DkxStreamControl(stream, DK_CONTROL_GET_OPTIONS,
					&options, sizeof(options))) {
		lock_acquire(&file->lock);
		flags = file->flags & ~O_NONBLOCK;
		if (options & DK_OPTION_NONBLOCK)
			flags |= O_NONBLOCK;
		__atomic_store_n(&file->flags, flags, __ATOMIC_RELAXED);
		lock_release(&file->lock);
	}
	return file_appends(file) ? flags | O_APPEND : flags & ~O_APPEND;
}

/* file->flags are @flags now: whatever else goes by them is to follow. */
void file_tell_flags(struct file *file, u32 flags)
{
	const struct file_ops *ops;

	/* a FIFO learns here that it is one */
	if (file->kind == FILE_HOST)
		file_type(file);
	ops = ops_of(file);
	if (ops->set_flags)
		ops->set_flags(file, flags);
}

static long set_flags(struct file *file, u32 flags)
{
	const struct file_ops *ops;
	int error;

	flags &= SETTABLE;
	/* Of a pipe, packets, which the host's have not; else of files alone. */
	if (flags & O_DIRECT &&
	    (file->kind != FILE_HOST || file_type(file) != DK_TYPE_FILE))
		return -EINVAL;
	lock_acquire(&file->lock);
	ops = ops_of(file);
	error = ops->append ? ops->append(file, !!(flags & O_APPEND)) : 0;
	if (error < 0) {
		lock_release(&file->lock);
		return error;
	}
	flags |= file->flags & ~SETTABLE;
	__atomic_store_n(&file->flags, flags, __ATOMIC_RELAXED);
	lock_release(&file->lock);
	file_tell_flags(file, flags);
	return 0;
}

#define F_OWNER_NONE 0

/* A pipe's size is the host's. */
static long pipe_size(struct file *file, u32 operation, u32 wanted)
{
	u64 size = wanted;
	DK_STATUS status;

	if (!file->handle ||
	    (file->kind != FILE_PIPE && file_type(file) != DK_TYPE_FIFO))
		return -EBADF;
	status = DkxStreamControl(file->handle, operation, &size, sizeof(size));
	switch (status) {
	case DK_STATUS_SUCCESS:
		return size;
	case DK_STATUS_NOT_SUPPORTED:
		return -EBADF;
	default:
		return errno_of(status);
	}
}

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
		return get_flags(file);
	}
	if (file->kind == FILE_PATH)
		return -EBADF;
	switch (command) {
	case F_SETFL:
		return set_flags(file, value);
	case F_GETLK:
	case F_OFD_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_control(file, command, (struct flock *)value);
	case F_GETOWN:
		return F_OWNER_NONE;
	case F_SETOWN:
	case F_SETSIG:
		return 0;
	case F_GETSIG:
		return 0;
	case F_NOTIFY:
		/* Nothing is told, so there is nothing to be told no more. */
		return value & ~(u64)DN_MULTISHOT ? -EINVAL : 0;
	case F_GETPIPE_SZ:
		return pipe_size(file, DK_CONTROL_PIPE_SIZE, 0);
	case F_SETPIPE_SZ:
		return pipe_size(file, DK_CONTROL_SET_PIPE_SIZE, value);
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
