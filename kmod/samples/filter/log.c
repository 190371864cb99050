// SPDX-License-Identifier: GPL-2.0-only
/* The log: a ring of records, which the launcher empties. */
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "filter.h"

/* A full log loses what comes, not what it has; nobody waits for room. */
void filter_log(struct filter *filter, const struct pt_regs *regs, u32 action)
{
	struct pico_filter_record record = {
		.tid = task_pid_nr_ns(current, filter->pid_ns),
		.action = action,
		.number = regs->orig_ax,
		.arguments = { regs->di, regs->si, regs->dx, regs->r10,
			       regs->r8, regs->r9 },
	};

	spin_lock(&filter->log_lock);
	if (!kfifo_put(&filter->log, record))
		filter->lost++;
	spin_unlock(&filter->log_lock);
	wake_up_interruptible(&filter->wait);
}

static bool filter_readable(struct filter *filter)
{
	/* In this order: a process writes no more once it is not counted. */
	return !atomic_read_acquire(&filter->running) ||
	       !kfifo_is_empty(&filter->log);
}

long filter_read(struct filter *filter, void __user *arg)
{
	struct pico_filter_read read;
	unsigned int copied;
	int ret;

	if (copy_from_user(&read, arg, sizeof(read)))
		return -EFAULT;
	if (!read.count || read.reserved)
		return -EINVAL;
	read.count = min_t(u32, read.count, kfifo_size(&filter->log));

	ret = mutex_lock_interruptible(&filter->read_lock);
	if (ret)
		return ret;
	ret = wait_event_interruptible(filter->wait, filter_readable(filter));
	if (!ret)
		ret = kfifo_to_user(&filter->log, u64_to_user_ptr(read.records),
				    read.count * sizeof(filter->log.buf[0]),
				    &copied);
	mutex_unlock(&filter->read_lock);
	if (ret)
		return ret;

	read.count = copied / sizeof(struct pico_filter_record);
	spin_lock(&filter->log_lock);
	read.lost = filter->lost;
	spin_unlock(&filter->log_lock);
	return copy_to_user(arg, &read, sizeof(read)) ? -EFAULT : 0;
}
