// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Access to the program's memory.
 *
 * Libos and program share the address space, so a program's pointer is simply
 * used; what is not mapped faults at one of the instructions in uaccess.S,
 * and the copy ends there. There is no check-then-use: another thread may
 * unmap the page at any time.
 */
#include <layout.h>
#include <libos.h>
#include <uaccess.h>

struct fixup {
	s32 at;
	s32 to;
};

extern const struct fixup __start_fixups[], __stop_fixups[];

u64 fixup_find(u64 rip)
{
	const struct fixup *f;

	for (f = __start_fixups; f < __stop_fixups; f++) {
		if ((u64)&f->at + f->at == rip)
			return (u64)&f->to + f->to;
	}
	return 0;
}

static bool overlaps(u64 start, u64 end, const struct range *r)
{
	return start < r->end && end > r->start;
}

bool user_ok(const void *p, u64 n)
{
	u64 start = (u64)p, end = start + n;

	return end >= start && end <= layout.limit &&
	       !overlaps(start, end, &layout.image) &&
	       !overlaps(start, end, &layout.heap);
}

static u64 room_before(u64 start, u64 n, const struct range *r)
{
	return start >= r->end	? n :
	       start < r->start ? MIN(n, r->start - start) :
				  0;
}

u64 user_room(const void *p, u64 n)
{
	u64 start = (u64)p, end = start + n;

	if (end < start || end > layout.limit)
		return 0;
	n = room_before(start, n, &layout.image);
	return room_before(start, n, &layout.heap);
}

static bool covers(const struct range *r, u64 start, u64 end)
{
	return start >= r->start && end <= r->end;
}

bool libos_owns(const void *p, u64 n)
{
	u64 start = (u64)p, end = start + n;

	return end >= start && (covers(&layout.image, start, end) ||
				covers(&layout.heap, start, end));
}

long user_read(void *to, const void *from, size_t n)
{
	if (unlikely(!user_ok(from, n) || user_copy_bytes(to, from, n)))
		return n ? -EFAULT : 0;
	return 0;
}

long user_write(void *to, const void *from, size_t n)
{
	if (unlikely(!user_ok(to, n) || user_copy_bytes(to, from, n)))
		return n ? -EFAULT : 0;
	return 0;
}

long user_clear(void *to, size_t n)
{
	if (unlikely(!user_ok(to, n) || user_clear_bytes(to, n)))
		return n ? -EFAULT : 0;
	return 0;
}

ssize_t user_string(char *to, const char *from, size_t max)
{
	s64 n;

	if (unlikely(!user_ok(from, 1)))
		return -EFAULT;
	n = user_copy_string(to, from, max);
	if (n < 0)
		return -EFAULT;
	return (size_t)n == max ? -ENAMETOOLONG : n;
}
