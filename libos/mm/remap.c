// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * mremap. The host cannot move a mapping, so moving is mapping anew and
 * copying; growing in place is tried first.
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
	struct area copy = *a;
	long r;

	if (a->end != base)
		return -EEXIST;
	if (range_is_libos(base, length - old))
		return -EEXIST;
	if (copy.file)
		r = map_file(copy.file, &base, length - old,
			     copy.offset + (base - copy.start), copy.protection,
			     copy.flags, false);
	else
		r = map_anonymous(&base, length - old, copy.protection,
				  copy.flags, false);
	return r;
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
	u64 offset = copy.offset + (address - copy.start);
	long r;

	if (copy.file)
		r = map_file(copy.file, base, length, offset, copy.protection,
			     copy.flags, replace);
	else
		r = map_anonymous(base, length, copy.protection, copy.flags,
				  replace);
	if (r)
		return r;
	/* A shared file mapping has its contents already. */
	if (!copy.file || !(copy.flags & AREA_SHARED))
		r = copy_pages(*base, address, MIN(old, length),
			       copy.protection);
	if (r) {
		unmap(*base, length);
		return r;
	}
	return 0;
}

SYSCALL5(mremap, u64, address, u64, old, u64, length, u64, flags, u64, to)
{
	bool fixed = flags & MREMAP_FIXED;
	struct area *found, a;
	u64 base = 0;
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
	if (fixed) {
		if (to & ~PAGE_MASK || to > layout.limit - length ||
		    (to < address + old && address < to + length))
			return -EINVAL;
		if (range_is_libos(to, length))
			return -ENOMEM;
		base = to;
	}

	lock_acquire(&mm_lock);
	found = area_find(address);
	if (!found || found->start > address || found->end - address < old) {
		lock_release(&mm_lock);
		return -EFAULT;
	}
	a = *found;
	if (a.file)
		fs_ref(a.file);
	lock_release(&mm_lock);

	r = 0;
	if (!old) {
		/* A second mapping of the same shared pages. */
		r = a.file && (a.flags & AREA_SHARED) &&
				    (flags & MREMAP_MAYMOVE) ?
			    move(&a, address, 0, length, &base, fixed) :
			    -EINVAL;
	} else if (!fixed && length <= old && !(flags & MREMAP_DONTUNMAP)) {
		if (length < old)
			r = unmap(address + length, old - length);
		base = address;
	} else {
		r = -EEXIST;
		if (!fixed && !(flags & MREMAP_DONTUNMAP)) {
			r = grow(&a, address, old, length);
			base = r ? 0 : address;
		}
		if (r == -EEXIST) {
			r = -ENOMEM;
			if (flags & MREMAP_MAYMOVE) {
				r = move(&a, address, old, length, &base,
					 fixed);
				if (!r && flags & MREMAP_DONTUNMAP) {
					u64 again = address;

					r = map_anonymous(&again, old,
							  a.protection, a.flags,
							  true);
				} else if (!r) {
					r = unmap(address, old);
				}
			}
		}
	}
	if (a.file)
		fs_put(a.file);
	return r ? r : (long)base;
}
