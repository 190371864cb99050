// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * poll and ppoll. The waiting is in readiness.c.
 */
#include "fs.h"
#include "table.h"

#include <linux/poll.h>

int duration_get(const struct __kernel_timespec *time, s64 *duration)
{
	struct __kernel_timespec copy;

	*duration = DK_TIMEOUT_INFINITE;
	if (!time)
		return 0;
	if (user_get(copy, time))
		return -EFAULT;
	if (copy.tv_sec < 0 || (u64)copy.tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow(copy.tv_sec, NSEC_PER_SEC, duration) ||
	    __builtin_add_overflow(*duration, copy.tv_nsec, duration))
		*duration = DK_TIMEOUT_INFINITE;
	return 0;
}

/* When a wait of @duration from now ends; infinite stays so. */
s64 poll_deadline(s64 duration)
{
	s64 deadline;

	if (duration == DK_TIMEOUT_INFINITE ||
	    __builtin_add_overflow(clock_now(DK_CLOCK_MONOTONIC), duration,
				   &deadline))
		return DK_TIMEOUT_INFINITE;
	return deadline;
}

void poll_slot_set(struct poll_slot *slot, int fd, u32 wanted)
{
	slot->file = fs_get(fd);
	slot->wanted = wanted;
	slot->found = slot->file ? 0 : POLLNVAL;
}

int poll_slots_wait(struct poll_slot *slots, size_t count, s64 deadline)
{
	int result;

	hold_many(&slots->file, sizeof(*slots), count);
	result = poll_slots(slots, count, deadline);
	hold_many(NULL, 0, 0);
	return result == -ERESTARTSYS ? -EINTR : result;
}

void poll_slots_free(struct poll_slot *slots, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slots[i].file)
			file_put(slots[i].file);
	mem_free(slots);
}

static long poll_fds(struct pollfd *fds, u32 count, s64 deadline)
{
	struct poll_slot *slots;
	struct pollfd fd;
	long result;
	u32 i;

	if (count > fd_limit())
		return -EINVAL;
	slots = mem_zalloc(MAX(count, 1U) * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		result = -EFAULT;
		if (user_get(fd, &fds[i]))
			goto out;
		if (fd.fd >= 0)
			poll_slot_set(&slots[i], fd.fd, (u16)fd.events);
	}
	result = poll_slots_wait(slots, count, deadline);
	for (i = 0; i < count && result >= 0; i++) {
		s16 found = slots[i].found;

		if (user_put(found, &fds[i].revents))
			result = -EFAULT;
	}
out:
	poll_slots_free(slots, count);
	return result;
}

SYSCALL3(poll, struct pollfd *, fds, u32, count, int, milliseconds)
{
	s64 duration = DK_TIMEOUT_INFINITE;

	if (milliseconds >= 0)
		duration = milliseconds * 1000000LL;
	return poll_fds(fds, count, poll_deadline(duration));
}

/* Linux tells how much of the time was left. */
void poll_put_left(struct __kernel_timespec *time, s64 deadline)
{
	struct __kernel_timespec left;
	s64 duration = deadline_left(deadline);

	if (!time || duration == DK_TIMEOUT_INFINITE)
		return;
	left.tv_sec = duration / NSEC_PER_SEC;
	left.tv_nsec = duration % NSEC_PER_SEC;
	user_put(left, time);
}

SYSCALL5(ppoll, struct pollfd *, fds, u32, count, struct __kernel_timespec *,
	 time, const void *, mask, size_t, mask_size)
{
	s64 duration, deadline;
	long result;

	result = duration_get(time, &duration);
	if (!result)
		result = signal_mask_for_call(mask, mask_size);
	if (result)
		return result;
	deadline = poll_deadline(duration);
	result = poll_fds(fds, count, deadline);
	poll_put_left(time, deadline);
	return result;
}
