// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Pipes within the process: a ring of bytes.
 *
 * @head and @tail only grow; what is between them is in the ring. Ends are
 * counted: no writer means that an empty pipe is at its end, no reader that
 * writing raises SIGPIPE. A write of at most PIPE_BUF bytes goes in whole.
 */
#include "fs.h"

#include <asm/ioctls.h>

#define PIPE_SIZE 65536

struct pipe {
	struct lock lock; /* everything but the queue and @refs */
	u32 readers, writers;
	u32 refs; /* descriptions; atomic */
	u64 head, tail; /* written, read */
	struct wait_queue queue;
	u8 data[PIPE_SIZE];
};

static bool can_read(struct pipe *pipe)
{
	return __atomic_load_n(&pipe->head, __ATOMIC_SEQ_CST) !=
		       __atomic_load_n(&pipe->tail, __ATOMIC_SEQ_CST) ||
	       !__atomic_load_n(&pipe->writers, __ATOMIC_SEQ_CST);
}

static bool can_write(struct pipe *pipe, size_t length)
{
	u64 used = __atomic_load_n(&pipe->head, __ATOMIC_SEQ_CST) -
		   __atomic_load_n(&pipe->tail, __ATOMIC_SEQ_CST);

	return PIPE_SIZE - used >= length ||
	       !__atomic_load_n(&pipe->readers, __ATOMIC_SEQ_CST);
}

/* Move up to @length bytes out of the ring; pipe->lock is held. */
static s64 take(struct pipe *pipe, u8 *to, size_t length)
{
	size_t done = 0, part, at;

	length = MIN(length, pipe->head - pipe->tail);
	while (done < length) {
		at = (pipe->tail + done) % PIPE_SIZE;
		part = MIN(length - done, PIPE_SIZE - at);
		if (copy_out(to + done, pipe->data + at, part))
			break;
		done += part;
	}
	__atomic_store_n(&pipe->tail, pipe->tail + done, __ATOMIC_SEQ_CST);
	return done || !length ? (s64)done : -EFAULT;
}

/* Move up to @length bytes in; pipe->lock is held. */
static s64 give(struct pipe *pipe, const u8 *from, size_t length)
{
	size_t done = 0, part, at;

	length = MIN(length, PIPE_SIZE - (pipe->head - pipe->tail));
	while (done < length) {
		at = (pipe->head + done) % PIPE_SIZE;
		part = MIN(length - done, PIPE_SIZE - at);
		if (copy_in(pipe->data + at, from + done, part))
			break;
		done += part;
	}
	__atomic_store_n(&pipe->head, pipe->head + done, __ATOMIC_SEQ_CST);
	return done || !length ? (s64)done : -EFAULT;
}

static bool would_block(struct file *file)
{
	return __atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_NONBLOCK;
}

static s64 pipe_read(struct file *file, void *buffer, size_t length,
		     u64 offset __unused)
{
	struct pipe *pipe = file->data;
	s64 done;
	int error;

	if (!length)
		return 0;
	for (;;) {
		lock_acquire(&pipe->lock);
		done = take(pipe, buffer, length);
		if (!done && pipe->writers)
			done = -EAGAIN;
		lock_release(&pipe->lock);
		if (done > 0)
			wake_all(&pipe->queue);
		if (done != -EAGAIN || would_block(file))
			return done;
		error = wait_until(&pipe->queue, can_read(pipe));
		if (error)
			return error;
	}
}

static s64 pipe_write(struct file *file, const void *buffer, size_t length,
		      u64 offset __unused)
{
	struct pipe *pipe = file->data;
	size_t done = 0, whole;
	s64 part;
	int error;

	while (done < length) {
		/* what must fit before anything goes in */
		whole = length <= PIPE_BUF ? length : 1;
		lock_acquire(&pipe->lock);
		if (!pipe->readers)
			part = -EPIPE;
		else if (!can_write(pipe, whole))
			part = -EAGAIN;
		else
			part = give(pipe, (const u8 *)buffer + done,
				    length - done);
		lock_release(&pipe->lock);
		if (part == -EPIPE)
			return done ? (s64)done : broken_pipe();
		if (part > 0) {
			done += part;
			wake_all(&pipe->queue);
			continue;
		}
		if (part != -EAGAIN || would_block(file))
			return done ? (s64)done : part;
		error = wait_until(&pipe->queue, can_write(pipe, whole));
		if (error)
			return done ? (s64)done : error;
	}
	return done;
}

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *pipe = file->data;
	u32 events = 0;

	poll_link(table, &pipe->queue);
	lock_acquire(&pipe->lock);
	if (file->access & FILE_READ) {
		if (pipe->head != pipe->tail)
			events |= POLLIN | POLLRDNORM;
		if (!pipe->writers)
			events |= POLLHUP;
	}
	if (file->access & FILE_WRITE) {
		if (can_write(pipe, PIPE_BUF))
			events |= POLLOUT | POLLWRNORM;
		if (!pipe->readers)
			events |= POLLERR;
	}
	lock_release(&pipe->lock);
	return events;
}

static long pipe_control(struct file *file, unsigned int command,
			 unsigned long argument)
{
	struct pipe *pipe = file->data;
	int count;

	if (command != FIONREAD)
		return -ENOTTY;
	lock_acquire(&pipe->lock);
	count = pipe->head - pipe->tail;
	lock_release(&pipe->lock);
	return user_put(count, (int *)argument);
}

static void pipe_release(struct file *file)
{
	struct pipe *pipe = file->data;

	lock_acquire(&pipe->lock);
	pipe->readers -= !!(file->access & FILE_READ);
	pipe->writers -= !!(file->access & FILE_WRITE);
	lock_release(&pipe->lock);
	wake_all(&pipe->queue);
	if (!__atomic_sub_fetch(&pipe->refs, 1, __ATOMIC_ACQ_REL))
		mem_free(pipe);
}

static const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.control = pipe_control,
	.release = pipe_release,
};

/* A description of one end, or of both; counts itself. */
static struct file *pipe_end(struct pipe *pipe, u32 flags)
{
	u8 access = access_of_flags(flags);
	struct file *file = file_new(FILE_PIPE, &pipe_ops, access, flags);

	if (!file)
		return NULL;
	file->type = DK_TYPE_FIFO;
	file->data = pipe;
	__atomic_add_fetch(&pipe->refs, 1, __ATOMIC_RELAXED);
	lock_acquire(&pipe->lock);
	pipe->readers += !!(access & FILE_READ);
	pipe->writers += !!(access & FILE_WRITE);
	lock_release(&pipe->lock);
	return file;
}

/* Opening /dev/fd/N of a pipe: another end of the same one. */
int pipe_reopen(struct file *old, u32 flags, struct file **out)
{
	*out = pipe_end(old->data, flags);
	return *out ? 0 : -ENOMEM;
}

static long make_pipe(int *to, u32 flags)
{
	struct file *reader, *writer;
	struct pipe *pipe;
	int fds[2];

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	pipe = mem_zalloc(sizeof(*pipe));
	if (!pipe)
		return -ENFILE;
	reader = pipe_end(pipe, O_RDONLY | (flags & O_NONBLOCK));
	if (!reader) {
		mem_free(pipe);
		return -ENFILE;
	}
	writer = pipe_end(pipe, O_WRONLY | (flags & O_NONBLOCK));
	if (!writer) {
		file_put(reader);
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
