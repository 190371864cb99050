// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * eventfd: a counter that can be waited for, the host's, since several
 * processes may have it.
 */
#include "fs.h"

#include <signals.h>

#define EFD_SEMAPHORE 1

/*
 * As in Linux, the number is taken also where it cannot be stored. The host would
 * put it back, so it does not see the program's buffer.
 */
static s64 event_read(struct file *file, void *buffer, size_t length,
		      u64 offset __unused)
{
	DK_STATUS status;
	dk_u64 done;
	u64 value;

	if (length < sizeof(value))
		return -EINVAL;
	do {
		status = HOST_WAIT(DkStreamRead, file->handle,
				   DK_OFFSET_CURRENT, &value, sizeof(value),
				   &done);
	} while (status == DK_STATUS_INTERRUPTED && !signal_interrupts());
	if (status)
		return errno_restart(status);
	return copy_out(buffer, &value, sizeof(value)) ? -EFAULT :
							 (s64)sizeof(value);
}

static s64 event_write(struct file *file, const void *buffer, size_t length,
		       u64 offset __unused)
{
	DK_STATUS status;
	dk_u64 done = 0;

	do {
		status = HOST_WAIT(DkStreamWrite, file->handle,
				   DK_OFFSET_CURRENT, buffer, length, &done);
	} while (status == DK_STATUS_INTERRUPTED && !signal_interrupts());
	return status ? errno_restart(status) : (s64)done;
}

static u32 event_poll(struct file *file, struct poll_table *table)
{
	u32 ready = 0;

	if (DkxStreamControl(file->handle, DK_CONTROL_READY, &ready,
			     sizeof(ready)))
		return POLLERR;
	poll_stream(table, file->handle);
	return ready;
}

static void event_set_flags(struct file *file, u32 flags)
{
	u32 options = flags & O_NONBLOCK ? DK_OPTION_NONBLOCK : 0;

	DkxStreamControl(file->handle, DK_CONTROL_SET_OPTIONS, &options,
			 sizeof(options));
}

/* The stream is closed by file_put(). */
const struct file_ops event_ops = {
	.read = event_read,
	.write = event_write,
	.poll = event_poll,
	.set_flags = event_set_flags,
};

static long make_event(u32 initial, u32 flags)
{
	const char *uri = flags & EFD_SEMAPHORE ? "counter:one" : "counter:all";
	u64 value = initial;
	struct file *file;
	DK_HANDLE handle;
	dk_u64 done;

	if (flags & ~(u32)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (DkStreamOpen(uri, strlen(uri), DK_ACCESS_READ | DK_ACCESS_WRITE,
			 DK_OPEN_CREATE_NEW,
			 flags & O_NONBLOCK ? DK_OPTION_NONBLOCK : 0, &handle))
		return -ENFILE;
	file = file_new(FILE_EVENT, &event_ops, FILE_READ | FILE_WRITE,
			O_RDWR | (flags & O_NONBLOCK));
	if (!file) {
		DkObjectClose(handle);
		return -ENOMEM;
	}
	file->handle = handle;
	if (value)
		DkStreamWrite(handle, DK_OFFSET_CURRENT, &value, sizeof(value),
			      &done);
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
