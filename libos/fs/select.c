// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * select and pselect6: sets of bits in front of the same waiting as poll.
 */
#include "fs.h"
#include "table.h"

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

/* As in Linux, nothing is asked of what is above, and nothing comes back. */
static void sets_cut(struct sets *sets, u32 count)
{
	u64 mask = (1ULL << (count % WORD_BITS)) - 1;
	int i;

	for (i = 0; i < 3 && mask; i++)
		sets->words[i][sets->per_set - 1] &= mask;
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
	sets_cut(sets, count);
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

/*
 * Of numbers that there is no room for in the table, Linux reads no bits. Its
 * tables have room for 64, or a power of two.
 */
static u32 table_room(void)
{
	u32 end = __atomic_load_n(&self()->files->end, __ATOMIC_RELAXED);
	u32 room = FD_FIRST;

	while (room < end)
		room *= 2;
	return room;
}

static long select_fds(int limit, struct sets *sets, s64 deadline)
{
	struct poll_slot *slots;
	size_t used = 0, room = 0;
	u32 *fds, fd, count;
	long result;

	if (limit < 0)
		return -EINVAL;
	count = MIN((u32)limit, table_room());
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
		poll_slot_set(&slots[used], fd, wanted);
		slots[used].only = true;
		fds[used] = fd;
		if (!slots[used++].file)
			result = -EBADF;
	}
	if (!result)
		result = poll_slots_wait(slots, used, deadline);
	if (result >= 0)
		result = sets_put(sets, slots, fds, used);
	if (slots)
		poll_slots_free(slots, used);
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
	deadline = poll_deadline(duration);
	result = select_fds(limit, &sets, deadline);
	duration = deadline_left(deadline);
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
	deadline = poll_deadline(duration);
	result = select_fds(limit, &sets, deadline);
	poll_put_left(time, deadline);
	return result;
}
