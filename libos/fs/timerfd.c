// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * timerfd: a timer that can be waited for.
 */
#include "fs.h"

#include <clocks.h>
#include <linux/time.h>
#include <linux/timerfd.h>
#include <timers.h>

struct clockfd {
	struct timer timer;
	int clock; /* Linux's */
	u64 ticks; /* not read yet; atomic */
	struct wait_queue queue;
};

static void clock_fire(struct timer *timer, u64 count)
{
	struct clockfd *c = container_of(timer, struct clockfd, timer);

	__atomic_add_fetch(&c->ticks, count, __ATOMIC_SEQ_CST);
	wake_all(&c->queue);
}

static u64 ticks_of(struct clockfd *c)
{
	return __atomic_load_n(&c->ticks, __ATOMIC_SEQ_CST);
}

static s64 clock_read(struct file *file, void *buffer, size_t length,
		      u64 offset __unused)
{
	struct clockfd *c = file->data;
	u64 ticks;
	int error;

	if (length < sizeof(ticks))
		return -EINVAL;
	for (;;) {
		ticks = __atomic_exchange_n(&c->ticks, 0, __ATOMIC_SEQ_CST);
		if (ticks)
			break;
		if (__atomic_load_n(&file->flags, __ATOMIC_RELAXED) &
		    O_NONBLOCK)
			return -EAGAIN;
		error = wait_until(&c->queue, ticks_of(c));
		if (error)
			return error;
	}
	return copy_out(buffer, &ticks, sizeof(ticks)) ? -EFAULT :
							 (s64)sizeof(ticks);
}

static u32 clock_poll(struct file *file, struct poll_table *table)
{
	struct clockfd *c = file->data;

	poll_link(table, &c->queue);
	return ticks_of(c) ? POLLIN : 0;
}

static void clock_release(struct file *file)
{
	struct clockfd *c = file->data;

	timer_cancel(&c->timer, NULL, NULL);
	mem_free(c);
}

static const struct file_ops clock_ops = {
	.read = clock_read,
	.poll = clock_poll,
	.release = clock_release,
};

SYSCALL2(timerfd_create, int, id, u32, flags)
{
	long clock = timer_clock(id);
	struct clockfd *c;
	struct file *file;

	if (flags & ~(u32)(TFD_CLOEXEC | TFD_NONBLOCK) || clock < 0 ||
	    id == CLOCK_TAI || id == CLOCK_PROCESS_CPUTIME_ID)
		return -EINVAL;
	if (timer_wakes_machine(id))
		return -EPERM;
	c = mem_zalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->clock = id;
	c->timer.clock = clock;
	c->timer.fire = clock_fire;
	file = file_new(FILE_TIMER, &clock_ops, FILE_READ | FILE_WRITE,
			O_RDWR | (flags & O_NONBLOCK));
	if (!file) {
		mem_free(c);
		return -ENOMEM;
	}
	file->data = c;
	return fd_open(file, flags & O_CLOEXEC);
}

/* The open timerfd @fd, counted, or NULL and *error. */
static struct file *clock_file(int fd, long *error)
{
	struct file *file = fs_get(fd);

	*error = file ? -EINVAL : -EBADF;
	if (!file || file->kind == FILE_TIMER)
		return file;
	file_put(file);
	return NULL;
}

static long put_times(struct __kernel_itimerspec *to, s64 left, s64 interval)
{
	struct __kernel_itimerspec v = { .it_value = timespec_of(left),
					 .it_interval = timespec_of(interval) };

	return user_put(v, to);
}

SYSCALL4(timerfd_settime, int, fd, int, flags,
	 const struct __kernel_itimerspec *, from, struct __kernel_itimerspec *,
	 old)
{
	struct __kernel_itimerspec n;
	s64 expiry, left, interval;
	struct clockfd *c;
	struct file *file;
	long r;

	if (user_get(n, from))
		return -EFAULT;
	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
	    !timespec_valid(&n.it_value) || !timespec_valid(&n.it_interval))
		return -EINVAL;
	file = clock_file(fd, &r);
	if (!file)
		return r;
	c = file->data;
	expiry = timespec_ns(&n.it_value);
	if (expiry)
		expiry = flags & TFD_TIMER_ABSTIME ?
				 timer_adjust(c->clock, expiry) :
				 timer_after(&c->timer, expiry);
	timer_cancel(&c->timer, &left, &interval);
	__atomic_store_n(&c->ticks, 0, __ATOMIC_SEQ_CST);
	r = timer_set(&c->timer, expiry, timespec_ns(&n.it_interval), NULL,
		      NULL);
	if (!r && old)
		r = put_times(old, left, interval);
	file_put(file);
	return r;
}

SYSCALL2(timerfd_gettime, int, fd, struct __kernel_itimerspec *, to)
{
	struct clockfd *c;
	struct file *file;
	s64 left, interval;
	long r;

	file = clock_file(fd, &r);
	if (!file)
		return r;
	c = file->data;
	timer_get(&c->timer, &left, &interval);
	r = put_times(to, left, interval);
	file_put(file);
	return r;
}
