// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * eventfd: a counter that can be waited for.
 */
#include "fs.h"

#define EFD_SEMAPHORE 1

#define COUNT_MAX (~0ULL - 1)

struct counter {
	struct lock lock;
	bool semaphore;
	u64 count;
	struct wait_queue queue;
};

static u64 count_of(struct counter *counter)
{
	return __atomic_load_n(&counter->count, __ATOMIC_SEQ_CST);
}

static bool would_block(struct file *file)
{
	return __atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_NONBLOCK;
}

static s64 event_read(struct file *file, void *buffer, size_t length,
		      u64 offset __unused)
{
	struct counter *counter = file->data;
	u64 value;
	int error;

	if (length < sizeof(value))
		return -EINVAL;
	for (;;) {
		lock_acquire(&counter->lock);
		value = counter->semaphore ? counter->count > 0 :
					     counter->count;
		__atomic_store_n(&counter->count, counter->count - value,
				 __ATOMIC_SEQ_CST);
		lock_release(&counter->lock);
		if (value)
			break;
		if (would_block(file))
			return -EAGAIN;
		error = wait_until(&counter->queue, count_of(counter));
		if (error)
			return error;
	}
	wake_all(&counter->queue);
	return copy_out(buffer, &value, sizeof(value)) ? -EFAULT :
							 (s64)sizeof(value);
}

static s64 event_write(struct file *file, const void *buffer, size_t length,
		       u64 offset __unused)
{
	struct counter *counter = file->data;
	bool fits;
	u64 value;
	int error;

	if (length < sizeof(value))
		return -EINVAL;
	if (copy_in(&value, buffer, sizeof(value)))
		return -EFAULT;
	if (value > COUNT_MAX)
		return -EINVAL;
	for (;;) {
		lock_acquire(&counter->lock);
		fits = COUNT_MAX - counter->count >= value;
		if (fits)
			__atomic_store_n(&counter->count,
					 counter->count + value,
					 __ATOMIC_SEQ_CST);
		lock_release(&counter->lock);
		if (fits)
			break;
		if (would_block(file))
			return -EAGAIN;
		error = wait_until(&counter->queue,
				   COUNT_MAX - count_of(counter) >= value);
		if (error)
			return error;
	}
	wake_all(&counter->queue);
	return sizeof(value);
}

static u32 event_poll(struct file *file, struct poll_table *table)
{
	struct counter *counter = file->data;
	u64 count;

	poll_link(table, &counter->queue);
	count = count_of(counter);
	return (count ? POLLIN : 0) | (count < COUNT_MAX ? POLLOUT : 0);
}

static void event_release(struct file *file)
{
	mem_free(file->data);
}

static const struct file_ops event_ops = {
	.read = event_read,
	.write = event_write,
	.poll = event_poll,
	.release = event_release,
};

static long make_event(u32 initial, u32 flags)
{
	struct counter *counter;
	struct file *file;

	if (flags & ~(u32)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	counter = mem_zalloc(sizeof(*counter));
	if (!counter)
		return -ENOMEM;
	counter->count = initial;
	counter->semaphore = flags & EFD_SEMAPHORE;
	file = file_new(FILE_EVENT, &event_ops, FILE_READ | FILE_WRITE,
			O_RDWR | (flags & O_NONBLOCK));
	if (!file) {
		mem_free(counter);
		return -ENOMEM;
	}
	file->data = counter;
	return fd_open(file, flags & O_CLOEXEC);
}

SYSCALL2(eventfd2, u32, initial, u32, flags)
{
	return make_event(initial, flags);
}

SYSCALL1(eventfd, u32, initial)
{
	return make_event(initial, 0);
}
