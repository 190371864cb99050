// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * signalfd: signals that are read. Whoever reads takes its own thread's and
 * the process's. All of them wait in one queue: signals are few.
 */
#include "fs.h"

#include <linux/signalfd.h>
#include <signals.h>

static struct wait_queue readers;

void signalfd_notify(void)
{
	wake_all(&readers);
}

static sigset set_of(struct file *file)
{
	return __atomic_load_n((sigset *)file->data, __ATOMIC_RELAXED);
}

static void fill(struct signalfd_siginfo *to, const siginfo_t *info)
{
	*to = (struct signalfd_siginfo){
		.ssi_signo = info->si_signo,
		.ssi_errno = info->si_errno,
		.ssi_code = info->si_code,
	};
	if (info->si_code == SI_TIMER) {
		to->ssi_tid = info->si_tid;
		to->ssi_overrun = info->si_overrun;
		to->ssi_ptr = (u64)info->si_ptr;
		to->ssi_int = info->si_int;
		return;
	}
	if (info->si_code > 0 && info->si_code != SI_KERNEL &&
	    info->si_signo != SIGCHLD) {
		to->ssi_addr = (u64)info->si_addr;
		return;
	}
	to->ssi_pid = info->si_pid;
	to->ssi_uid = info->si_uid;
	if (info->si_signo == SIGCHLD && info->si_code > 0) {
		to->ssi_status = info->si_status;
		to->ssi_utime = info->si_utime;
		to->ssi_stime = info->si_stime;
	} else if (info->si_code < 0) {
		to->ssi_ptr = (u64)info->si_ptr;
		to->ssi_int = info->si_int;
	}
}

static s64 signals_read(struct file *file, void *buffer, size_t length,
			u64 offset __unused)
{
	struct signalfd_siginfo record;
	size_t done = 0;
	siginfo_t info;
	int error;

	if (length < sizeof(record))
		return -EINVAL;
	while (length - done >= sizeof(record)) {
		if (signal_dequeue(self(), set_of(file), &info)) {
			fill(&record, &info);
			if (copy_out((u8 *)buffer + done, &record,
				     sizeof(record)))
				return done ? (s64)done : -EFAULT;
			done += sizeof(record);
			continue;
		}
		if (done)
			break;
		if (__atomic_load_n(&file->flags, __ATOMIC_RELAXED) &
		    O_NONBLOCK)
			return -EAGAIN;
		error = wait_until(&readers,
				   signal_pending(self()) & set_of(file));
		if (error)
			return error;
	}
	return done;
}

static u32 signals_poll(struct file *file, struct poll_table *table)
{
	poll_link(table, &readers);
	return signal_pending(self()) & set_of(file) ? POLLIN : 0;
}

static void signals_release(struct file *file)
{
	mem_free(file->data);
}

static const struct file_ops signals_ops = {
	.read = signals_read,
	.poll = signals_poll,
	.release = signals_release,
};

static long change(int fd, sigset set)
{
	struct file *file = fs_get(fd);
	long r = 0;

	if (!file)
		return -EBADF;
	if (file->kind == FILE_SIGNAL)
		__atomic_store_n((sigset *)file->data, set, __ATOMIC_RELAXED);
	else
		r = -EINVAL;
	file_put(file);
	signalfd_notify();
	return r ? r : fd;
}

static long make_signalfd(int fd, const sigset *from, size_t size, u32 flags)
{
	struct file *file;
	sigset set, *data;

	if (flags & ~(u32)(SFD_CLOEXEC | SFD_NONBLOCK) || size != sizeof(set))
		return -EINVAL;
	if (user_get(set, from))
		return -EFAULT;
	set &= ~SIGNALS_FIRM;
	if (fd != -1)
		return change(fd, set);
	data = mem_alloc(sizeof(*data));
	if (!data)
		return -ENOMEM;
	*data = set;
	file = file_new(FILE_SIGNAL, &signals_ops, FILE_READ | FILE_WRITE,
			O_RDWR | (flags & O_NONBLOCK));
	if (!file) {
		mem_free(data);
		return -ENOMEM;
	}
	file->data = data;
	return fd_open(file, flags & O_CLOEXEC);
}

SYSCALL4(signalfd4, int, fd, const sigset *, set, size_t, size, u32, flags)
{
	return make_signalfd(fd, set, size, flags);
}

SYSCALL3(signalfd, int, fd, const sigset *, set, size_t, size)
{
	return make_signalfd(fd, set, size, 0);
}
