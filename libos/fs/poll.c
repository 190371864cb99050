// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * poll, ppoll, select, pselect6.
 *
 * A polled file of the libos links the caller to its wait queue on the first
 * look. The host's streams cannot do that yet (DkStreamGetEvent): files are
 * always ready, and a console without input asks to be looked at again
 * (POLL_TIMED), after pauses that grow to 16 ms.
 */
#include "fs.h"
#include "table.h"

#include <linux/poll.h>

struct poll_slot {
	struct file *file;
	struct wait_entry entry;
	u32 wanted;
	u32 found;
};

void poll_link(struct poll_table *table, struct wait_queue *queue)
{
	if (table && table->entry)
		wait_link(queue, table->entry, table->wake, table->data);
}

u32 file_poll(struct file *file, struct poll_table *table)
{
	if (file->ops->poll)
		return file->ops->poll(file, table);
	return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

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
static s64 deadline_of(s64 duration)
{
	s64 deadline;

	if (duration == DK_TIMEOUT_INFINITE ||
	    __builtin_add_overflow(clock_now(DK_CLOCK_MONOTONIC), duration,
				   &deadline))
		return DK_TIMEOUT_INFINITE;
	return deadline;
}

static s64 left_until(s64 deadline)
{
	s64 left;

	if (deadline == DK_TIMEOUT_INFINITE)
		return deadline;
	left = deadline - clock_now(DK_CLOCK_MONOTONIC);
	return left < 0 ? 0 : left;
}

/* One look at all files. How many have something to tell. */
static int look(struct poll_slot *slots, size_t count, struct poll_table *table,
		bool *timed)
{
	int ready = 0;
	size_t i;

	*timed = false;
	for (i = 0; i < count; i++) {
		struct poll_slot *slot = &slots[i];
		u32 events;

		if (!slot->file) {
			ready += slot->found != 0;
			continue;
		}
		if (table)
			table->entry = &slot->entry;
		events = file_poll(slot->file, table);
		*timed |= !!(events & POLL_TIMED);
		slot->found = events & (slot->wanted | POLLERR | POLLHUP) &
			      0xffff;
		ready += slot->found != 0;
	}
	return ready;
}

/* Returns how many are ready, 0 after the time, -EINTR. */
static int poll_slots(struct poll_slot *slots, size_t count, s64 deadline)
{
	struct poll_table table = { NULL, waiter_wake, NULL };
	s64 pause = POLL_PAUSE_FIRST, left;
	struct waiter *waiter = NULL;
	bool timed;
	int result;
	size_t i;

	result = look(slots, count, NULL, &timed);
	if (result || !left_until(deadline))
		return result;
	waiter = waiter_get();
	if (!waiter)
		return -ENOMEM;
	table.data = waiter;
	for (result = look(slots, count, &table, &timed); !result;
	     result = look(slots, count, NULL, &timed)) {
		left = left_until(deadline);
		if (!left)
			break;
		if (timed && (left == DK_TIMEOUT_INFINITE || left > pause))
			left = pause;
		result = waiter_sleep(waiter, left);
		if (result == -ERESTARTSYS)
			result = -EINTR;
		if (result && result != -ETIMEDOUT)
			break;
		pause = MIN(2 * pause, POLL_PAUSE_LAST);
	}
	for (i = 0; i < count; i++)
		wait_unlink(&slots[i].entry);
	waiter_put(waiter);
	return result;
}

static void slot_set(struct poll_slot *slot, int fd, u32 wanted)
{
	slot->file = fs_get(fd);
	slot->wanted = wanted;
	slot->found = slot->file ? 0 : POLLNVAL;
}

static void slots_free(struct poll_slot *slots, size_t count)
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
			slot_set(&slots[i], fd.fd, (u16)fd.events);
	}
	result = poll_slots(slots, count, deadline);
	for (i = 0; i < count && result >= 0; i++) {
		s16 found = slots[i].found;

		if (user_put(found, &fds[i].revents))
			result = -EFAULT;
	}
out:
	slots_free(slots, count);
	return result;
}

SYSCALL3(poll, struct pollfd *, fds, u32, count, int, milliseconds)
{
	s64 duration = DK_TIMEOUT_INFINITE;

	if (milliseconds >= 0)
		duration = milliseconds * 1000000LL;
	return poll_fds(fds, count, deadline_of(duration));
}

/* Linux tells how much of the time was left. */
static void put_left(struct __kernel_timespec *time, s64 deadline)
{
	struct __kernel_timespec left;
	s64 duration = left_until(deadline);

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
	deadline = deadline_of(duration);
	result = poll_fds(fds, count, deadline);
	put_left(time, deadline);
	return result;
}

/* ---- select ---- */

#define WORD_BITS 64
#define SELECT_IN (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define SELECT_OUT (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define SELECT_EXCEPT POLLPRI

static const u32 set_events[3] = { SELECT_IN, SELECT_OUT, SELECT_EXCEPT };

struct sets {
	u64 *words[3]; /* as given, then as found */
	size_t per_set;
	u64 *program[3];
};

static bool set_has(const struct sets *sets, int set, u32 fd)
{
	return sets->words[set][fd / WORD_BITS] >> (fd % WORD_BITS) & 1;
}

static int sets_get(struct sets *sets, u32 count)
{
	size_t size;
	int i;

	sets->per_set = (count + WORD_BITS - 1) / WORD_BITS;
	size = sets->per_set * sizeof(u64);
	sets->words[0] = mem_zalloc(3 * size + sizeof(u64));
	if (!sets->words[0])
		return -ENOMEM;
	for (i = 0; i < 3; i++) {
		sets->words[i] = sets->words[0] + i * sets->per_set;
		if (sets->program[i] &&
		    user_read(sets->words[i], sets->program[i], size)) {
			mem_free(sets->words[0]);
			return -EFAULT;
		}
	}
	return 0;
}

static u32 sets_wanted(const struct sets *sets, u32 fd)
{
	u32 wanted = 0;
	int i;

	for (i = 0; i < 3; i++)
		if (set_has(sets, i, fd))
			wanted |= set_events[i];
	return wanted;
}

/* Clear the bits that were not found; the number of those that were. */
static long sets_put(struct sets *sets, const struct poll_slot *slots,
		     const u32 *fds, size_t count)
{
	long bits = 0;
	size_t i;
	int set;

	for (i = 0; i < count; i++)
		for (set = 0; set < 3; set++) {
			u64 bit = 1ULL << (fds[i] % WORD_BITS);
			u64 *word = &sets->words[set][fds[i] / WORD_BITS];

			if (!(*word & bit))
				continue;
			if (slots[i].found & set_events[set])
				bits++;
			else
				*word &= ~bit;
		}
	for (set = 0; set < 3; set++)
		if (sets->program[set] &&
		    user_write(sets->program[set], sets->words[set],
			       sets->per_set * sizeof(u64)))
			return -EFAULT;
	return bits;
}

static long select_fds(int limit, struct sets *sets, s64 deadline)
{
	struct poll_slot *slots;
	size_t used = 0, room = 0;
	u32 *fds, fd, count;
	long result;

	if (limit < 0)
		return -EINVAL;
	count = MIN((u32)limit, FD_MAX);
	result = sets_get(sets, count);
	if (result)
		return result;
	for (fd = 0; fd < count; fd++)
		room += sets_wanted(sets, fd) != 0;
	slots = mem_zalloc((room + 1) * sizeof(*slots));
	fds = mem_alloc((room + 1) * sizeof(*fds));
	result = slots && fds ? 0 : -ENOMEM;
	for (fd = 0; fd < count && !result; fd++) {
		u32 wanted = sets_wanted(sets, fd);

		if (!wanted)
			continue;
		slot_set(&slots[used], fd, wanted);
		fds[used] = fd;
		if (!slots[used++].file)
			result = -EBADF;
	}
	if (!result)
		result = poll_slots(slots, used, deadline);
	if (result >= 0)
		result = sets_put(sets, slots, fds, used);
	if (slots)
		slots_free(slots, used);
	mem_free(fds);
	mem_free(sets->words[0]);
	return result;
}

struct timeval64 {
	s64 seconds, microseconds;
};

SYSCALL5(select, int, limit, u64 *, in, u64 *, out, u64 *, except,
	 struct timeval64 *, time)
{
	struct sets sets = { .program = { in, out, except } };
	s64 duration = DK_TIMEOUT_INFINITE, deadline;
	struct timeval64 copy;
	long result;

	if (time) {
		if (user_get(copy, time))
			return -EFAULT;
		if (copy.seconds < 0 || copy.microseconds < 0)
			return -EINVAL;
		if (__builtin_mul_overflow(copy.seconds, NSEC_PER_SEC,
					   &duration) ||
		    __builtin_add_overflow(duration, copy.microseconds * 1000,
					   &duration))
			duration = DK_TIMEOUT_INFINITE;
	}
	deadline = deadline_of(duration);
	result = select_fds(limit, &sets, deadline);
	duration = left_until(deadline);
	if (time && duration != DK_TIMEOUT_INFINITE) {
		copy.seconds = duration / NSEC_PER_SEC;
		copy.microseconds = duration % NSEC_PER_SEC / 1000;
		user_put(copy, time);
	}
	return result;
}

SYSCALL6(pselect6, int, limit, u64 *, in, u64 *, out, u64 *, except,
	 struct __kernel_timespec *, time, const u64 *, mask)
{
	struct sets sets = { .program = { in, out, except } };
	s64 duration, deadline;
	u64 mask_argument[2] = { 0, 0 }; /* pointer, size */
	long result;

	if (mask && user_read(mask_argument, mask, sizeof(mask_argument)))
		return -EFAULT;
	result = duration_get(time, &duration);
	if (!result)
		result = signal_mask_for_call((const void *)mask_argument[0],
					      mask_argument[1]);
	if (result)
		return result;
	deadline = deadline_of(duration);
	result = select_fds(limit, &sets, deadline);
	put_left(time, deadline);
	return result;
}
