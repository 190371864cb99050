// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * mremap. The host cannot move a mapping, so moving is mapping anew and
 * copying; growing in place is tried first. mm_lock is held from the first
 * look to the end: for other threads it is one step.
 */
#include <layout.h>
#include <libos.h>
#include <linux/mman.h>
#include <mm.h>
#include <uaccess.h>

/* More of the same right behind @a. */
static long grow(const struct area *a, u64 address, u64 old, u64 length)
{
	u64 base = address + old;
	struct area more = *a;

	if (a->end != base || range_is_libos(base, length - old))
		return -EEXIST;
	if (more.file)
		more.offset += base - more.start;
	return map_locked(&more, &base, length - old, false);
}

/* A copy of [from, from + n) in the fresh mapping at @to. */
static long copy_pages(u64 to, u64 from, u64 n, u32 protection)
{
	u64 rw = DK_PROT_READ | DK_PROT_WRITE;
	long r = 0;

	if (!(protection & PROT_WRITE))
		r = errno_of(DkVirtualMemoryProtect((void *)to, n, rw));
	if (!r && !(protection & (PROT_READ | PROT_WRITE | PROT_EXEC)))
		r = errno_of(DkVirtualMemoryProtect((void *)from, n, rw));
	if (!r && user_copy_bytes((void *)to, (void *)from, n))
		r = -EFAULT;
	if (!(protection & PROT_WRITE))
		DkVirtualMemoryProtect((void *)to, n,
				       dk_protection(protection));
	return r;
}

static long move(const struct area *a, u64 address, u64 old, u64 length,
		 u64 *base, bool replace)
{
	struct area copy = *a;
	long r;

	if (copy.file)
		copy.offset += address - copy.start;
	r = map_locked(&copy, base, length, replace);
	if (r)
		return r;
	/* A shared file mapping has its contents already. */
	if (!copy.file || !(copy.flags & AREA_SHARED))
		r = copy_pages(*base, address, MIN(old, length),
			       copy.protection);
	if (r)
		unmap_locked(*base, *base + length);
	return r;
}

/* A copy of the one area that holds [address, address + length). */
static long area_get(struct area *a, u64 address, u64 length)
{
	struct area *found = area_find(address);

	if (!found || found->start > address || found->end - address < length)
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

/* Grow where it is, or else move; MREMAP_FIXED and DONTUNMAP always move. */
static long remap(struct area *a, u64 address, u64 old, u64 length, u64 flags,
		  u64 to)
{
	bool fixed = flags & MREMAP_FIXED;
	u64 base = to, left = address;
	long r;

	if (!old && (!a->file || !(a->flags & AREA_SHARED)))
		return -EINVAL;
	if (old && !fixed && !(flags & MREMAP_DONTUNMAP)) {
		r = grow(a, address, old, length);
		if (r != -EEXIST)
			return r ? r : (long)address;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	r = move(a, address, old, length, &base, fixed);
	if (!r && flags & MREMAP_DONTUNMAP) {
		struct area empty = { .protection = a->protection,
				      .flags = a->flags };

		r = map_locked(&empty, &left, old, true);
	} else if (!r && old) {
		r = unmap_locked(address, address + old);
	}
	return r ? r : (long)base;
}

/* What mremap does, once its arguments make sense. */
static long remap_locked(u64 address, u64 old, u64 length, u64 flags, u64 to)
{
	bool fixed = flags & MREMAP_FIXED;
	struct area a;
	long r;

	/* Shrinking in place asks for no more than a page. */
	r = area_get(&a, address, fixed ? MAX(MIN(old, length), 1) : 1);
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
	if (old == length && !fixed && !(flags & MREMAP_DONTUNMAP))
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
