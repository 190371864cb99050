// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * mremap. It is the host that moves pages, with all that is shared, and no page
 * is touched; here it is seen to that they are the program's, and noted where
 * they are. mm_lock is held from the first look to the end: for other threads
 * it is one step.
 *
 * What is one area here may be several mappings for the host, which moves only
 * one at a time: pages of memory that is written and executed (wx.c), and,
 * after a fork, what was discarded on one side. Then it is moved in pieces, to
 * a place that was reserved before.
 */
#include <layout.h>
#include <libos.h>
#include <linux/mman.h>
#include <mm.h>

_Static_assert(DK_MOVE_ANYWHERE == MREMAP_MAYMOVE, "mremap");
_Static_assert(DK_MOVE_REPLACE == MREMAP_FIXED, "mremap");
_Static_assert(DK_MOVE_KEEP == MREMAP_DONTUNMAP, "mremap");

#define ELSEWHERE	(MREMAP_MAYMOVE | MREMAP_FIXED)

/* Where it is then, or an error. */
static long host_move(u64 from, u64 old, u64 length, u64 flags, u64 to)
{
	DK_STATUS r = DkxVirtualMemoryMove((void *)from, old, length, flags,
					   (void *)to);

	return r > 0 ? r : errno_of(r);
}

/* *@done: bytes from the start that have been moved. */
static long move_pieces(u64 from, u64 n, u64 flags, u64 to, u64 *done)
{
	u64 half = PAGE_ALIGN(n / 2);
	long r = host_move(from, n, n, flags, to);

	if (r > 0)
		*done += n;
	if (r != -EFAULT || n == PAGE_SIZE)
		return r;
	r = move_pieces(from, half, flags, to, done);
	if (r < 0)
		return r;
	return move_pieces(from + half, n - half, flags, to + half, done);
}

/* Move to the reserved @to, the last page with what it is to grow by. */
static long move_all(u64 from, u64 old, u64 length, u64 flags, u64 to)
{
	u64 last = old - PAGE_SIZE, done = 0, undone = 0;
	long r = to;

	if (last)
		r = move_pieces(from, last, flags, to, &done);
	if (r > 0)
		r = host_move(from + last, PAGE_SIZE, length - last, flags,
			      to + last);
	if (r > 0)
		return to;
	if (done)
		move_pieces(to, done, ELSEWHERE, from, &undone);
	DkVirtualMemoryFree((void *)to, length, DK_MEM_RELEASE);
	return r;
}

static long move_apart(u64 from, u64 old, u64 length, u64 flags, u64 to)
{
	u64 last = from + old - PAGE_SIZE;
	dk_u64 n = length;
	void *at = (void *)to;
	DK_STATUS status;
	long r;

	if (!(flags & MREMAP_FIXED) && !(flags & MREMAP_DONTUNMAP)) {
		r = host_move(last, PAGE_SIZE, PAGE_SIZE + length - old, 0, 0);
		if (r != -ENOMEM)
			return r > 0 ? (long)from : r;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	status = DkVirtualMemoryAlloc(&at, &n, DK_MEM_RESERVE, DK_PROT_NONE);
	if (status)
		return status == DK_STATUS_ALREADY_EXISTS ? -ENOMEM :
							    errno_of(status);
	return move_all(from, old, length, flags | ELSEWHERE, (u64)at);
}

/* A copy of the one area that holds [address, address + length). */
static long area_get(struct area *a, u64 address, u64 length)
{
	struct area *found = area_find(address);

	if (!found || found->start > address || found->end - address < length ||
	    found->flags & AREA_GUARD)
		return -EFAULT;
	*a = *found;
	if (a->file)
		fs_ref(a->file);
	return 0;
}

static void area_put(struct area *a)
{
	if (a->file)
		fs_put(a->file);
}

/* Note that @old bytes at @from, a part of @a, are @length at @to. */
static long note(const struct area *a, u64 from, u64 old, u64 length, u64 flags,
		 u64 to)
{
	struct area moved = *a;
	long r = 0;

	if (to != from) {
		moved.flags &= ~(AREA_HEAP | AREA_STACK);
		if (!(flags & MREMAP_DONTUNMAP))
			r = area_remove(from, from + old);
	}
	if (moved.file)
		moved.offset += from - moved.start;
	moved.start = to;
	moved.end = to + length;
	return r ? r : area_add(&moved);
}

static long remap(const struct area *a, u64 address, u64 old, u64 length,
		  u64 flags, u64 to)
{
	long r, noted;
	u64 more;

	if (!old && !(a->flags & AREA_SHARED))
		return -EINVAL;
	if (!area_room(4)) /* for taking it away, and for adding it */
		return -ENOMEM;
	/* What is kept where it was, or grows. */
	more = flags & MREMAP_DONTUNMAP ? length : length - old;
	if (more && !mm_fits(more, area_is_data(a, a->protection), 0, 0))
		return -ENOMEM;
	r = host_move(address, old, length, flags, to);
	if (r == -EFAULT && old)
		r = move_apart(address, old, length, flags, to);
	if (r < 0)
		return r;
	noted = note(a, address, old, length, flags, r);
	return noted ? noted : r;
}

/* What mremap does, once its arguments make sense. */
static long remap_locked(u64 address, u64 old, u64 length, u64 flags, u64 to)
{
	bool fixed = flags & MREMAP_FIXED, moves = fixed;
	struct area a;
	long r;

	moves |= !!(flags & MREMAP_DONTUNMAP);
	/* Shrinking in place asks for no more than a page. */
	r = area_get(&a, address, moves ? MAX(MIN(old, length), 1) : 1);
	if (r)
		return r;
	area_put(&a);
	if (fixed) {
		if (range_is_libos(to, length))
			return -ENOMEM;
		r = unmap_locked(to, to + length);
	} else {
		to = 0;
	}
	if (!r && old > length) {
		r = unmap_locked(address + length, address + old);
		old = length;
	}
	if (r)
		return r;
	if (old == length && !moves)
		return address;
	r = area_get(&a, address, old);
	if (r)
		return r;
	r = remap(&a, address, old, length, flags, to);
	area_put(&a);
	return r;
}

SYSCALL5(mremap, u64, address, u64, old, u64, length, u64, flags, u64, to)
{
	bool fixed = flags & MREMAP_FIXED;
	long r;

	old = PAGE_ALIGN(old);
	length = PAGE_ALIGN(length);
	if (flags & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
	    address & ~PAGE_MASK || !length ||
	    (fixed && !(flags & MREMAP_MAYMOVE)) ||
	    (flags & MREMAP_DONTUNMAP &&
	     (!(flags & MREMAP_MAYMOVE) || old != length)))
		return -EINVAL;
	if (length > layout.limit || old > layout.limit)
		return -ENOMEM;
	if (fixed && (to & ~PAGE_MASK || to > layout.limit - length ||
		      (to < address + old && address < to + length)))
		return -EINVAL;
	lock_acquire(&mm_lock);
	r = remap_locked(address, old, length, flags, to);
	lock_release(&mm_lock);
	return r;
}
