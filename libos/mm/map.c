// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Mapping and unmapping, and the calls mmap, munmap, mprotect, brk.
 */
#include <layout.h>
#include <libos.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <mm.h>

#define MMAP_MIN	0x10000		/* Linux's vm.mmap_min_addr */
#define MAP_HUGE_SIZES	(0x1fUL << 26)	/* accepted without MAP_HUGETLB, too */
#define LOW_LIMIT	0x80000000UL	/* MAP_32BIT: below this, */
#define LOW_START	0x40000000UL	/* and from here on */
#define LOW_STEP	0x100000UL

u64 dk_protection(u32 protection)
{
	return (protection & PROT_READ ? DK_PROT_READ : 0) |
	       /* x86 has no memory that is written but not read. */
	       (protection & PROT_WRITE ? DK_PROT_WRITE | DK_PROT_READ : 0) |
	       (protection & PROT_EXEC ? DK_PROT_EXECUTE | DK_PROT_READ : 0);
}

bool range_is_libos(u64 start, u64 length)
{
	u64 end = start + length;

	return (start < layout.image.end && end > layout.image.start) ||
	       (start < layout.heap.end && end > layout.heap.start);
}

bool address_is_guard(u64 address)
{
	struct area *a;
	bool guard;

	lock_acquire(&mm_lock);
	a = area_find(address);
	guard = a && a->start <= address && (a->flags & AREA_GUARD);
	lock_release(&mm_lock);
	return guard;
}

/* The host was asked for a place that is taken. */
static long map_errno(DK_STATUS status)
{
	return status == DK_STATUS_ALREADY_EXISTS ? -EEXIST : errno_of(status);
}

/*
 * Memory without access is committed as well: mprotect may give access later,
 * and what nobody can touch costs the host nothing.
 */
long map_locked(struct area *a, u64 *base, u64 length, bool replace)
{
	u64 protection = dk_protection(wx_protection(a->protection, a->file));
	void *at = (void *)*base;
	dk_u64 n = length;
	DK_STATUS status;
	long r = 0;

	if (!area_room(2))
		return -ENOMEM;
	if (a->file) {
		r = fs_file_map(a->file, &at, length, a->offset, protection,
				(a->flags & AREA_SHARED ? DK_MAP_SHARED :
							  DK_MAP_PRIVATE) |
					(replace ? DK_MAP_REPLACE : 0));
		if (r == DK_STATUS_ALREADY_EXISTS)
			r = -EEXIST;
		if (r == 1) { /* /dev/zero */
			a->file = NULL;
			a->offset = 0;
		}
	}
	if (!a->file) {
		status = DkVirtualMemoryAlloc(
			&at, &n,
			DK_MEM_RESERVE | DK_MEM_COMMIT |
				(a->flags & AREA_SHARED ? DK_MEM_SHARED : 0) |
				(replace ? DK_MEM_REPLACE : 0),
			protection);
		r = status ? map_errno(status) : 0;
	}
	if (r)
		return r;
	a->start = (u64)at;
	a->end = a->start + PAGE_ALIGN(length);
	*base = a->start;
	return area_add(a);
}

static long map(struct area *a, u64 *base, u64 length, bool replace)
{
	long r;

	lock_acquire(&mm_lock);
	r = map_locked(a, base, length, replace);
	lock_release(&mm_lock);
	return r;
}

/*
 * What is guard below the stack belongs to it from @start on, or as far as there
 * is guard, of which @gap is left. Nobody hears that it cannot grow.
 */
void mm_stack_grow(u64 start, u64 gap)
{
	struct area a = { .protection = process.stack_protection,
			  .flags = AREA_STACK };
	struct area *guard;
	u64 end;

	lock_acquire(&mm_lock);
	end = process.stack_start;
	guard = area_find(end - 1);
	if (guard && guard->end == end && guard->flags & AREA_GUARD &&
	    !guard->protection) {
		start = MAX(start, guard->start + gap);
		if (start < end && !map_locked(&a, &start, end - start, true))
			process.stack_start = start;
	}
	lock_release(&mm_lock);
}

/* The same for the program, whose limits count. */
static long map_limited(struct area *a, u64 *base, u64 length, bool replace)
{
	long r = -ENOMEM;

	lock_acquire(&mm_lock);
	if (mm_fits(length, area_is_data(a, a->protection), *base,
		    replace ? *base + length : *base))
		r = map_locked(a, base, length, replace);
	lock_release(&mm_lock);
	return r;
}

long map_anonymous(u64 *base, u64 length, u32 protection, u32 flags,
		   bool replace)
{
	struct area a = { .protection = protection, .flags = flags };

	return map(&a, base, PAGE_ALIGN(length), replace);
}

long map_file(struct file *file, u64 *base, u64 length, u64 offset,
	      u32 protection, u32 flags, bool replace)
{
	struct area a = { .protection = protection,
			  .flags = flags,
			  .file = file,
			  .offset = offset };

	return map(&a, base, length, replace);
}

/* Host mappings that are not the program's are not there for it. */
long unmap_locked(u64 start, u64 end)
{
	struct area *a;
	DK_STATUS status;
	u64 from, to;

	if (!area_room_to_split(start, end))
		return -ENOMEM;
	for (a = area_find(start); a && a->start < end; a = area_next(a)) {
		from = MAX(start, a->start);
		to = MIN(end, a->end);
		if (a->file)
			status = DkStreamUnmap((void *)from, to - from);
		else
			status = DkVirtualMemoryFree((void *)from, to - from,
						     DK_MEM_RELEASE);
		if (status)
			return errno_of(status);
	}
	return area_remove(start, end);
}

long unmap(u64 start, u64 length)
{
	long r;

	lock_acquire(&mm_lock);
	r = unmap_locked(start, start + PAGE_ALIGN(length));
	lock_release(&mm_lock);
	return r;
}

void mm_exec(void)
{
	unmap(0, layout.limit & PAGE_MASK);
	__atomic_store_n(&mm_shares, false, __ATOMIC_RELAXED);
}

/* MAP_32BIT: the host has no such wish, so try places that look free. */
static long map_low(struct area *a, u64 *base, u64 length)
{
	u64 at = LOW_START;
	struct area *next;
	long r;

	lock_acquire(&mm_lock);
	r = -ENOMEM;
	if (!mm_fits(length, area_is_data(a, a->protection), 0, 0))
		at = LOW_LIMIT;
	while (at + length <= LOW_LIMIT) {
		next = area_find(at);
		if (next && next->start < at + length) {
			at = next->end;
			continue;
		}
		*base = at;
		r = map_locked(a, base, length, false);
		if (r != -EEXIST)
			break;
		at += LOW_STEP;
		r = -ENOMEM;
	}
	lock_release(&mm_lock);
	return r;
}

SYSCALL6(mmap, u64, address, u64, length, u64, protection, u64, flags, int, fd,
	 u64, offset)
{
	u64 type = flags & MAP_TYPE, base, aligned = PAGE_ALIGN(length);
	u64 limit = flags & MAP_32BIT ? LOW_LIMIT : layout.limit;
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	struct area a = { 0 };
	struct file *file = NULL;
	long r;

	if (offset & ~PAGE_MASK || !length)
		return -EINVAL;
	if (!aligned || aligned > layout.limit)
		return -ENOMEM;
	if (type != MAP_SHARED && type != MAP_PRIVATE &&
	    type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (flags & MAP_HUGETLB)
		return -ENOMEM; /* none are reserved */
	if (flags & MAP_FIXED_NOREPLACE)
		flags &= ~(u64)MAP_FIXED;
	if (fixed) {
		if (address & ~PAGE_MASK)
			return -EINVAL;
		if (address + aligned > layout.limit ||
		    address + aligned < address)
			return -ENOMEM;
		if (address < MMAP_MIN)
			return -EPERM;
		if (range_is_libos(address, aligned))
			return flags & MAP_FIXED ? -ENOMEM : -EEXIST;
	}
	if (!(flags & MAP_ANONYMOUS)) {
		if (offset + aligned < offset)
			return -EOVERFLOW;
		file = fs_get(fd);
		if (!file)
			return -EBADF;
		if (type == MAP_SHARED_VALIDATE &&
		    (flags & ~(u64)(MAP_TYPE | MAP_FIXED | MAP_FIXED_NOREPLACE |
				    MAP_POPULATE | MAP_NONBLOCK | MAP_LOCKED |
				    MAP_NORESERVE | MAP_32BIT | MAP_STACK |
				    MAP_DENYWRITE | MAP_EXECUTABLE |
				    MAP_GROWSDOWN | MAP_HUGE_SIZES))) {
			fs_put(file);
			return -EOPNOTSUPP;
		}
	} else if (type == MAP_SHARED_VALIDATE) {
		return -EINVAL;
	}
	a.protection = protection & (PROT_READ | PROT_WRITE | PROT_EXEC);
	a.flags = type == MAP_PRIVATE ? 0 : AREA_SHARED;
	if (a.flags)
		__atomic_store_n(&mm_shares, true, __ATOMIC_RELAXED);
	a.file = file;
	a.offset = file ? offset : 0;

	base = fixed ? address : address & PAGE_MASK;
	if (fixed) {
		r = map_limited(&a, &base, aligned, flags & MAP_FIXED);
	} else {
		r = -EEXIST;
		if (base >= MMAP_MIN && base + aligned <= limit &&
		    base + aligned > base)
			r = map_limited(&a, &base, aligned, false);
		if (r == -EEXIST) {
			base = 0;
			r = flags & MAP_32BIT ?
				    map_low(&a, &base, aligned) :
				    map_limited(&a, &base, aligned, false);
		}
	}
	if (file)
		fs_put(file);
	return r ? r : (long)base;
}

SYSCALL2(munmap, u64, address, u64, length)
{
	if (address & ~PAGE_MASK || !PAGE_ALIGN(length) ||
	    address > layout.limit || length > layout.limit - address)
		return -EINVAL;
	return unmap(address, length);
}

long protect(u64 start, u64 length, u32 protection)
{
	u64 end = start + PAGE_ALIGN(length), at, to, data = 0;
	DK_STATUS status;
	struct area *a;
	long r = 0;

	lock_acquire(&mm_lock);
	if (!area_room_to_split(start, end)) {
		r = -ENOMEM;
		end = start;
	}
	for (at = start; at < end; at = to) {
		a = area_find(at);
		if (!a || a->start > at) {
			r = -ENOMEM;
			end = at;
			break;
		}
		to = MIN(end, a->end);
		if (area_is_data(a, protection) &&
		    !area_is_data(a, a->protection))
			data += to - at;
		if (!mm_data_fits(data)) {
			r = -ENOMEM;
			end = at;
			break;
		}
		status = DkVirtualMemoryProtect(
			(void *)at, to - at,
			dk_protection(wx_protection(protection, a->file)));
		if (status) {
			r = errno_of(status);
			end = at;
			break;
		}
	}
	if (end > start)
		area_protect(start, end, protection);
	lock_release(&mm_lock);
	return r;
}

/* PROT_GROWSDOWN: all of the stack that ends with the range. */
static long stack_range(u64 *address, u64 *length)
{
	struct area *a;
	long r = 0;

	lock_acquire(&mm_lock);
	a = area_find(*address);
	if (!a || a->start >= *address + *length) {
		r = -ENOMEM;
	} else if (!(a->flags & AREA_STACK)) {
		r = -EINVAL;
	} else {
		*length += *address - a->start;
		*address = a->start;
	}
	lock_release(&mm_lock);
	return r;
}

SYSCALL3(mprotect, u64, address, u64, length, u64, protection)
{
	long r;

	/* No memory grows upwards on this processor. */
	if (address & ~PAGE_MASK ||
	    protection & ~(u64)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM |
				PROT_GROWSDOWN))
		return -EINVAL;
	if (!length)
		return 0;
	if (address + PAGE_ALIGN(length) <= address)
		return -ENOMEM;
	if (protection & PROT_GROWSDOWN) {
		r = stack_range(&address, &length);
		if (r)
			return r;
	}
	return protect(address, length,
		       protection & (PROT_READ | PROT_WRITE | PROT_EXEC));
}

u64 program_brk;

/* mm_lock is held. Returns whether program_brk may become @wanted. */
static bool move_brk(u64 wanted)
{
	u64 old = PAGE_ALIGN(program_brk), new = PAGE_ALIGN(wanted), base = old;
	struct area a = { .protection = PROT_READ | PROT_WRITE,
			  .flags = AREA_HEAP };

	if (wanted < process.brk_start || wanted >= layout.limit ||
	    wanted - process.brk_start > process.limits[RLIMIT_DATA].soft)
		return false;
	if (new > old)
		return !range_is_libos(old, new - old) &&
		       mm_fits(new - old, true, 0, 0) &&
		       !map_locked(&a, &base, new - old, false);
	return new == old || !unmap_locked(new, old);
}

SYSCALL1(brk, u64, wanted)
{
	u64 result;

	lock_acquire(&mm_lock);
	if (move_brk(wanted))
		program_brk = wanted;
	result = program_brk;
	lock_release(&mm_lock);
	return result;
}
