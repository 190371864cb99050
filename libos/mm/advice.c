// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * madvise, msync, mincore, mlock.
 */
#include <layout.h>
#include <libos.h>
#include <linux/mman.h>
#include <mm.h>

/*
 * Zeroes. Where the sandbox's memory has a limit, the host wants room for what
 * takes the place before it takes what is there: then it goes in parts.
 */
static long discard_memory(u64 from, u64 to, u64 protection)
{
	u64 part = to - from;
	DK_STATUS status;
	dk_u64 length;
	void *base;

	while (from < to) {
		base = (void *)from;
		length = MIN(part, to - from);
		status = DkVirtualMemoryAlloc(&base, &length,
					      DK_MEM_RESERVE | DK_MEM_COMMIT |
						      DK_MEM_REPLACE,
					      protection);
		if (!status)
			from += length;
		else if (status == DK_STATUS_NO_MEMORY && length > PAGE_SIZE)
			part = PAGE_ALIGN(length / 2);
		else
			return errno_of(status);
	}
	return 0;
}

/* The range's contents go: zeroes, or what the file has. */
static long discard(struct area *a, u64 from, u64 to)
{
	u64 protection = dk_protection(wx_protection(a->protection, a->file));
	void *base = (void *)from;
	dk_u64 length = to - from;

	if (a->file && (a->flags & AREA_SHARED))
		return 0;
	if (a->file)
		return fs_file_map(a->file, &base, length,
				   a->offset + (from - a->start), protection,
				   DK_MAP_PRIVATE | DK_MAP_REPLACE);
	if (a->flags & AREA_SHARED)
		return 0;
	return discard_memory(from, to, protection);
}

static long advise(struct area *a, u64 from, u64 to, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		return discard(a, from, to);
	case MADV_FREE: /* may keep the contents, of what is nobody else's */
		return a->file || a->flags & AREA_SHARED ? -EINVAL : 0;
	case MADV_POPULATE_READ:
		return a->protection & PROT_READ ? 0 : -EINVAL;
	case MADV_POPULATE_WRITE:
		return a->protection & PROT_WRITE ? 0 : -EINVAL;
	}
	return 0;
}

SYSCALL3(madvise, u64, address, u64, length, int, advice)
{
	u64 end = address + PAGE_ALIGN(length);
	struct area *a;
	long r = 0;

	if (address & ~PAGE_MASK || end < address ||
	    (length && !PAGE_ALIGN(length)))
		return -EINVAL;
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_DOFORK:
	case MADV_KEEPONFORK:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		break;
	default:
		/* Promises that cannot be kept: REMOVE, DONTFORK, WIPEONFORK */
		return -EINVAL;
	}
	if (end == address)
		return 0;
	lock_acquire(&mm_lock);
	for (a = area_find(address); a && a->start < end && !r;
	     a = area_next(a))
		r = advise(a, MAX(address, a->start), MIN(end, a->end), advice);
	if (!r && !area_covers(address, end))
		r = -ENOMEM;
	lock_release(&mm_lock);
	return r;
}

/*
 * Write back what is mapped shared of a file from *@at on, which moves behind
 * it, or to @end. The lock is not held while the host writes.
 */
static long sync_next(u64 *at, u64 end)
{
	struct file *file = NULL;
	struct area *a;
	long r = 0;

	lock_acquire(&mm_lock);
	for (a = area_find(*at); a && a->start < end && !file;
	     a = area_next(a)) {
		if (a->file && a->flags & AREA_SHARED) {
			file = a->file;
			fs_ref(file);
		}
		*at = a->end;
	}
	lock_release(&mm_lock);
	if (!file) {
		*at = end;
		return 0;
	}
	r = fs_file_sync(file);
	fs_put(file);
	return r;
}

SYSCALL3(msync, u64, address, u64, length, int, flags)
{
	u64 end = address + PAGE_ALIGN(length), at;
	bool covered;
	long r = 0;

	if (address & ~PAGE_MASK ||
	    flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < address)
		return -ENOMEM;
	if (end == address)
		return 0;
	lock_acquire(&mm_lock);
	covered = area_covers(address, end);
	lock_release(&mm_lock);
	/* Without MS_SYNC there is nothing to do: it is the page cache. */
	for (at = address; flags & MS_SYNC && at < end && !r;)
		r = sync_next(&at, end);
	return r ? r : covered ? 0 : -ENOMEM;
}

/* What is resident the host does not tell: all that is mapped counts. */
SYSCALL3(mincore, u64, address, u64, length, u8 *, vector)
{
	u64 pages = PAGE_ALIGN(length) / PAGE_SIZE, i;
	u8 resident = 1;
	bool covered;

	if (address & ~PAGE_MASK)
		return -EINVAL;
	if (length > layout.limit || address > layout.limit - length)
		return -ENOMEM;
	if (!pages)
		return 0;
	lock_acquire(&mm_lock);
	covered = area_covers(address, address + pages * PAGE_SIZE);
	lock_release(&mm_lock);
	if (!covered)
		return -ENOMEM;
	for (i = 0; i < pages; i++) {
		if (user_put(resident, vector + i))
			return -EFAULT;
	}
	return 0;
}

/*
 * What is resident is the host's to decide, so nothing is locked. But who asks
 * for what is not there is told so.
 */
static long lock_range(u64 address, u64 length)
{
	u64 start = address & PAGE_MASK;
	u64 end = start + PAGE_ALIGN(length + (address & ~PAGE_MASK));
	bool covered;

	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	lock_acquire(&mm_lock);
	covered = area_covers(start, end);
	lock_release(&mm_lock);
	return covered ? 0 : -ENOMEM;
}

SYSCALL2(mlock, u64, address, u64, length)
{
	return lock_range(address, length);
}

SYSCALL3(mlock2, u64, address, u64, length, u32, flags)
{
	return flags & ~(u32)MLOCK_ONFAULT ? -EINVAL :
					     lock_range(address, length);
}

SYSCALL2(munlock, u64, address, u64, length)
{
	return lock_range(address, length);
}

SYSCALL1(mlockall, u32, flags)
{
	if (flags & ~(u32)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
	    !(flags & (MCL_CURRENT | MCL_FUTURE)))
		return -EINVAL;
	return 0;
}
