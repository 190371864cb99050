// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Pipes: the host's, since their ends may be in several processes.
 *
 * O_NONBLOCK is the description's, and after fork a description is in more
 * than one process, as is the host's stream: it is set there, not only here.
 */
#include "fs.h"

#include <asm/ioctls.h>

static s64 pipe_read(struct file *file, void *buffer, size_t length,
		     u64 offset __unused)
{
	dk_u64 done = 0;
	s64 result;

	if (!length)
		return 0;
	do {
		result = errno_restart(HOST_WAIT(DkStreamRead, file->handle,
						 DK_OFFSET_CURRENT, buffer,
						 length, &done));
	} while (result == -ERESTARTSYS && !signal_interrupts());
	return result ? result : (s64)done;
}

static s64 pipe_write(struct file *file, const void *buffer, size_t length,
		      u64 offset __unused)
{
	return length ? stream_write(file, file->handle, buffer, length,
				     DK_OFFSET_CURRENT) :
			0;
}

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
	u32 ready = 0;

	if (DkxStreamControl(file->handle, DK_CONTROL_READY, &ready,
			     sizeof(ready)))
		return POLLERR;
	poll_stream(table, file->handle);
	return ready | (ready & POLLIN ? POLLRDNORM : 0) |
	       (ready & POLLOUT ? POLLWRNORM : 0);
}

static long pipe_control(struct file *file, unsigned int command,
			 unsigned long argument)
{
	int count = 0;

	if (command != FIONREAD)
		return -ENOTTY;
	if (DkxConsoleControl(file->handle, DK_CONSOLE_BYTES_READABLE, &count,
			      sizeof(count)))
		return -EINVAL;
	return user_put(count, (int *)argument);
}

static void pipe_set_flags(struct file *file, u32 flags)
{
	u32 options = flags & O_NONBLOCK ? DK_OPTION_NONBLOCK : 0;

	DkxStreamControl(file->handle, DK_CONTROL_SET_OPTIONS, &options,
			 sizeof(options));
}

static int pipe_attributes(struct file *file,
			   struct dk_stream_attributes *attributes)
{
	return host_ops.attributes(file, attributes);
}

/* The stream is closed by file_put(). */
const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.control = pipe_control,
	.set_flags = pipe_set_flags,
	.attributes = pipe_attributes,
};

/* A description of one end; takes over @handle. */
static struct file *pipe_end(DK_HANDLE handle, u32 flags)
{
	struct file *file =
		file_new(FILE_PIPE, &pipe_ops, access_of_flags(flags), flags);

	if (!file) {
		DkObjectClose(handle);
		return NULL;
	}
	file->type = DK_TYPE_FIFO;
	file->handle = handle;
	return file;
}

/*
 * Opening /dev/fd/N of a pipe: the same end again, in a description of its
 * own. The other end cannot be had from this one.
 */
int pipe_reopen(struct file *old, u32 flags, struct file **out)
{
	u8 access = access_of_flags(flags);
	DK_HANDLE handle;

	if (access & ~old->access)
		return -EACCES;
	if (DkObjectReference(old->handle, 0, &handle))
		return -EMFILE;
	*out = pipe_end(handle, flags);
	return *out ? 0 : -ENOMEM;
}

static long make_pipe(int *to, u32 flags)
{
	u64 options = flags & O_NONBLOCK ?
			      DK_PIPE_NONBLOCK_READ | DK_PIPE_NONBLOCK_WRITE :
			      0;
	struct file *reader, *writer;
	DK_HANDLE in, out;
	DK_STATUS status;
	int fds[2];

	/* O_DIRECT would be packets, which the host's pipes have not. */
	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	status = DkxPipeCreate(options, &in, &out);
	if (status)
		return status == DK_STATUS_TOO_MANY_HANDLES ? -EMFILE : -ENFILE;
	reader = pipe_end(in, O_RDONLY | (flags & O_NONBLOCK));
	writer = pipe_end(out, O_WRONLY | (flags & O_NONBLOCK));
	if (!reader || !writer) {
		if (reader)
			file_put(reader);
		if (writer)
			file_put(writer);
		return -ENFILE;
	}
	fds[0] = fd_open(reader, flags & O_CLOEXEC);
	if (fds[0] < 0) {
		file_put(writer);
		return fds[0];
	}
	fds[1] = fd_open(writer, flags & O_CLOEXEC);
	if (fds[1] < 0) {
		fd_close(fds[0]);
		return fds[1];
	}
	if (user_write(to, fds, sizeof(fds))) {
		fd_close(fds[0]);
		fd_close(fds[1]);
		return -EFAULT;
	}
	return 0;
}

SYSCALL2(pipe2, int *, to, u32, flags)
{
	return make_pipe(to, flags);
}

SYSCALL1(pipe, int *, to)
{
	return make_pipe(to, 0);
}
