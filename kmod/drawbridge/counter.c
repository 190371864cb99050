// SPDX-License-Identifier: GPL-2.0-only
/*
 * counter:all and counter:one: a number that processes add to and wait for.
 *
 * Writing adds, in eight bytes; reading takes all of it, or one, and waits
 * while there is none. What would pass the maximum waits until it fits. This is
 * the kernel's eventfd, which modules cannot make.
 */
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "stream.h"

#define COUNT_MAX	(U64_MAX - 1)

struct dk_counter {
	wait_queue_head_t wait;		/* its lock guards @count */
	u64 count;
	bool one;
};

static bool waits(struct dk_stream *stream)
{
	return !(READ_ONCE(stream->flags) & DK_OPTION_NONBLOCK);
}

/* What nobody was told of; others may have added to it meanwhile. */
static void counter_put_back(struct dk_counter *counter, u64 value)
{
	spin_lock_irq(&counter->wait.lock);
	counter->count += min(value, COUNT_MAX - counter->count);
	wake_up_locked_poll(&counter->wait, EPOLLIN | EPOLLRDNORM);
	spin_unlock_irq(&counter->wait.lock);
}

static ssize_t counter_read(struct dk_stream *stream, u64 offset,
			    void __user *buffer, size_t length)
{
	struct dk_counter *counter = stream->data;
	u64 value;
	int error = 0;

	if (offset != DK_OFFSET_CURRENT)
		return -ESPIPE;
	if (length < sizeof(value))
		return -EINVAL;
	spin_lock_irq(&counter->wait.lock);
	if (!counter->count)
		error = waits(stream) ?
			wait_event_interruptible_locked_irq(counter->wait,
							    counter->count) :
			-EAGAIN;
	value = 0;
	if (!error) {
		value = counter->one ? 1 : counter->count;
		counter->count -= value;
		wake_up_locked_poll(&counter->wait, EPOLLOUT | EPOLLWRNORM);
	}
	spin_unlock_irq(&counter->wait.lock);
	if (error)
		return error;
	if (put_user(value, (u64 __user *)buffer)) {
		counter_put_back(counter, value);
		return -EFAULT;
	}
	return sizeof(value);
}

static ssize_t counter_write(struct dk_stream *stream, u64 offset,
			     const void __user *buffer, size_t length)
{
	struct dk_counter *counter = stream->data;
	u64 value;
	int error = 0;

	if (offset != DK_OFFSET_CURRENT)
		return -ESPIPE;
	if (length < sizeof(value))
		return -EINVAL;
	if (get_user(value, (const u64 __user *)buffer))
		return -EFAULT;
	if (value > COUNT_MAX)
		return -EINVAL;
	spin_lock_irq(&counter->wait.lock);
	if (COUNT_MAX - counter->count < value)
		error = waits(stream) ?
			wait_event_interruptible_locked_irq(counter->wait,
				COUNT_MAX - counter->count >= value) :
			-EAGAIN;
	if (!error) {
		counter->count += value;
		wake_up_locked_poll(&counter->wait, EPOLLIN | EPOLLRDNORM);
	}
	spin_unlock_irq(&counter->wait.lock);
	return error ? error : (ssize_t)sizeof(value);
}

static __poll_t counter_poll(struct dk_stream *stream,
			     struct poll_table_struct *table)
{
	struct dk_counter *counter = stream->data;
	u64 count;

	poll_wait(stream->file, &counter->wait, table);
	count = READ_ONCE(counter->count);
	return (count ? EPOLLIN | EPOLLRDNORM : 0) |
	       (count < COUNT_MAX ? EPOLLOUT | EPOLLWRNORM : 0);
}

static long counter_get_attributes(struct dk_stream *stream,
				   struct dk_stream_attributes *attributes)
{
	*attributes = (struct dk_stream_attributes) {
		.mode = 0600,
		.nlink = 1,
		.block_size = PAGE_SIZE,
	};
	return 0;
}

static void counter_release(struct dk_stream *stream)
{
	kfree(stream->data);
}

static const struct dk_stream_ops counter_ops = {
	.read = counter_read,
	.write = counter_write,
	.poll = counter_poll,
	.get_attributes = counter_get_attributes,
	.release = counter_release,
};

long dk_counter_open(struct dk_stream *stream, const char *name,
		     const struct dk_open *open, u32 *rights)
{
	struct dk_counter *counter;
	bool one = !strcmp(name, "one");

	if (open->access & DK_ACCESS_EXECUTE)
		return -EACCES;
	if (open->options & DK_OPTION_DIRECTORY)
		return -ENOTDIR;
	if (open->access != (DK_ACCESS_READ | DK_ACCESS_WRITE) ||
	    open->disposition != DK_OPEN_CREATE_NEW ||
	    open->options & ~DK_OPTION_NONBLOCK ||
	    (!one && strcmp(name, "all")))
		return -EINVAL;
	counter = kzalloc(sizeof(*counter), GFP_KERNEL_ACCOUNT);
	if (!counter)
		return -ENOMEM;
	init_waitqueue_head(&counter->wait);
	counter->one = one;
	stream->data = counter;
	stream->ops = &counter_ops;
	*rights = DK_RIGHT_READ | DK_RIGHT_WRITE | DK_RIGHT_CONTROL;
	return 0;
}
