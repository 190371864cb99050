// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * pidfd_open, pidfd_send_signal, and what others know of such descriptors.
 *
 * The process is known by its entry in the table, its number and the time when
 * it started: who has the entry next is somebody else.
 *
 * A child that ends tells its parent, and that wakes who polls. Of any other
 * process nobody hears: it is looked at now and then.
 */
#include "fs.h"

#include <linux/pidfd.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>

struct target {
	struct process_entry *entry;
	u32 pid;
	s64 start_time;
};

static struct wait_queue polling;

void pidfd_notify(void)
{
	wake_all(&polling);
}

/* The process, live or ended; NULL when its parent has waited for it. */
static struct process_entry *target_of(struct file *file)
{
	const struct target *target = file->data;
	struct process_entry *entry = target->entry;
	u32 state = entry_state(entry);

	if ((state != ENTRY_LIVE && state != ENTRY_ENDED) ||
	    entry->pid != target->pid ||
	    entry->start_time != target->start_time)
		return NULL;
	return entry;
}

static u32 pidfd_poll(struct file *file, struct poll_table *table)
{
	struct process_entry *entry;

	poll_link(table, &polling);
	entry = target_of(file);
	if (!entry || entry_state(entry) == ENTRY_ENDED ||
	    (entry->id && host_process_is_gone(entry->id)))
		return POLLIN | POLLRDNORM;
	return POLL_TIMED;
}

static void pidfd_release(struct file *file)
{
	mem_free(file->data);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
};

static struct file *pidfd_of(struct process_entry *entry, u32 flags)
{
	struct target *target = mem_alloc(sizeof(*target));
	struct file *file;

	if (!target)
		return NULL;
	target->entry = entry;
	target->pid = entry->pid;
	target->start_time = entry->start_time;
	file = file_new(FILE_PID, &pidfd_ops, FILE_READ | FILE_WRITE,
			O_RDWR | flags);
	if (!file) {
		mem_free(target);
		return NULL;
	}
	file->data = target;
	return file;
}

SYSCALL2(pidfd_open, int, pid, u32, flags)
{
	struct process_entry *entry;
	struct libos_thread *thread;
	struct file *file;

	if (flags & ~(u32)PIDFD_NONBLOCK || pid <= 0)
		return -EINVAL;
	entry = pid == (int)process.pid ? process_self : table_find(pid);
	if (!entry) {
		/* Only the first thread stands for a process. */
		thread = thread_find(pid);
		thread_put(thread);
		return thread ? -EINVAL : -ESRCH;
	}
	file = pidfd_of(entry, flags);
	return file ? fd_open(file, true) : -ENOMEM;
}

int pidfd_reserve(void)
{
	return fd_allocate(0, true);
}

void pidfd_abandon(int fd)
{
	fd_abandon(fd);
}

bool pidfd_install(int fd, struct process_entry *entry)
{
	struct file *file = pidfd_of(entry, 0);

	if (file)
		fd_install(fd, file);
	else
		fd_abandon(fd);
	return file;
}

long pidfd_pid(int fd, bool *nonblocking)
{
	struct file *file = fd_get(fd);
	long pid = -EBADF;

	if (!file)
		return -EBADF;
	if (file->kind == FILE_PID) {
		pid = target_of(file) ?
			      (long)((struct target *)file->data)->pid :
			      -ECHILD;
		*nonblocking = __atomic_load_n(&file->flags, __ATOMIC_RELAXED) &
			       O_NONBLOCK;
	}
	file_put(file);
	return pid;
}

void pidfd_describe(struct file *file, struct text *text)
{
	const struct target *target = file->data;
	int pid = target_of(file) ? (int)target->pid : -1;

	text_add(text, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

SYSCALL4(pidfd_send_signal, int, fd, int, signal, const siginfo_t *, from, u32,
	 flags)
{
	struct file *file;
	long r = -EBADF;
	u32 pid;

	if (flags)
		return -EINVAL;
	file = fd_get(fd);
	if (!file)
		return -EBADF;
	pid = synth_process(file);
	if (file->kind == FILE_PID)
		pid = target_of(file) ? ((struct target *)file->data)->pid : 0;
	if (pid)
		r = signal_queue(pid, signal, from);
	else if (file->kind == FILE_PID)
		r = -ESRCH;
	file_put(file);
	return r;
}
