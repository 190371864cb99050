// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual memory.
 *
 * Mapping and unmapping are the kernel's own vm_mmap() and vm_munmap().
 * mprotect() and mremap() are not exported: where one is needed, the native
 * call takes the place of ours, and its result is the status.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/syscalls.h>

#include "../compat.h"
#include "drawbridge.h"

static_assert(DK_MOVE_ANYWHERE == MREMAP_MAYMOVE &&
	      DK_MOVE_REPLACE == MREMAP_FIXED &&
	      DK_MOVE_KEEP == MREMAP_DONTUNMAP);
static_assert(DK_PROT_READ == PROT_READ && DK_PROT_WRITE == PROT_WRITE &&
	      DK_PROT_EXECUTE == PROT_EXEC);

long dk_prot(struct dk_sandbox *sandbox, u64 protection)
{
	if (protection == DK_PROT_GUARD)
		return PROT_NONE;
	if (protection & ~(u64)(DK_PROT_READ | DK_PROT_WRITE | DK_PROT_EXECUTE))
		return -EINVAL;
	if ((protection & DK_PROT_WRITE) && (protection & DK_PROT_EXECUTE) &&
	    !(sandbox->start.flags & DRAWBRIDGE_START_WX))
		return -EACCES;
	return protection;
}

static long dk_mprotect(struct dk_thread *thread, u64 base, u64 length,
			unsigned long prot)
{
	long error = 0;

	if (prot & PROT_WRITE)
		error = dk_memory_writable(thread, base, length);
	return error ?: dk_memory_forward(thread, __NR_mprotect, base, length,
					  prot, 0, 0);
}

/*
 * What is reserved to be committed bit by bit is wanted bit by bit: a huge page
 * would be there as a whole. Neighbours that the mapping was merged with are
 * reserved as well.
 */
static void dk_small_pages(unsigned long address)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	mmap_write_lock(mm);
	vma = find_vma(mm, address);
	if (vma && vma->vm_start <= address && !vma->vm_file &&
	    !(vma->vm_flags & VM_ACCESS_FLAGS))
		pico_compat_vm_flags(vma, VM_NOHUGEPAGE, 0);
	mmap_write_unlock(mm);
}

/*
 * Reserve or commit new addresses; @base and @length are in whole pages. @file
 * is NULL, or shared memory.
 */
static long dk_map_new(struct file *file, u64 *base, u64 length, u64 type,
		       unsigned long prot)
{
	unsigned long flags = file ? 0 : MAP_ANONYMOUS, address;

	flags |= type & DK_MEM_SHARED ? MAP_SHARED : MAP_PRIVATE;
	if (!(type & DK_MEM_COMMIT)) {
		flags |= MAP_NORESERVE;
		prot = PROT_NONE;
	}
	if (*base)
		flags |= type & DK_MEM_REPLACE ? MAP_FIXED :
						 MAP_FIXED_NOREPLACE;
	address = vm_mmap(file, *base, length, prot, flags, 0);
	if (IS_ERR_VALUE(address))
		return (long)address;
	*base = address;
	if (!(type & DK_MEM_COMMIT))
		dk_small_pages(address);
	return 0;
}

/* The same, if the sandbox may have that much memory more. */
static long dk_map_counted(struct dk_process *process, u64 *base, u64 length,
			   u64 type, unsigned long prot)
{
	struct file *file;
	long ret;

	if (type & DK_MEM_SHARED) {
		if (!dk_memory_limited(process->sandbox))
			return dk_map_new(NULL, base, length, type, prot);
		file = dk_shared_file(process, length);
		if (IS_ERR(file))
			return PTR_ERR(file);
		ret = dk_map_new(file, base, length, type, prot);
		fput(file);
		return ret;
	}
	if (!(type & DK_MEM_COMMIT && prot & PROT_WRITE))
		return dk_map_new(NULL, base, length, type, prot);
	ret = dk_memory_begin(process, length);
	if (ret)
		return ret;
	ret = dk_map_new(NULL, base, length, type, prot);
	dk_memory_end(process);
	return ret;
}

static bool dk_type_valid(u64 type, u64 base)
{
	const u64 both = DK_MEM_RESERVE | DK_MEM_COMMIT;

	if (!(type & both) ||
	    type & ~(both | DK_MEM_REPLACE | DK_MEM_SHARED))
		return false;
	if (type & DK_MEM_SHARED && (type & both) != both)
		return false;
	return base || !(type & DK_MEM_REPLACE);
}

DK_HANDLER(DkVirtualMemoryAlloc)
{
	u64 __user *ubase = dk_user(a0), *ulength = dk_user(a1);
	u64 base, length, wanted;
	long prot, ret;

	if (get_user(base, ubase) || get_user(length, ulength))
		return -EFAULT;
	if (!dk_type_valid(a2, base))
		return -EINVAL;
	prot = dk_prot(thread->process->sandbox, a3);
	if (prot < 0)
		return prot;
	if (!length || base & ~PAGE_MASK)
		return -EINVAL;
	if (!dk_range_valid(base, length))
		return -ENOMEM;
	length = PAGE_ALIGN(length);
	wanted = base;

	/* Both are written before anything changes that cannot be undone. */
	if (put_user(base, ubase) || put_user(length, ulength))
		return -EFAULT;
	/* Committing what is reserved keeps what is committed already. */
	if (base && a2 == DK_MEM_COMMIT)
		return dk_mprotect(thread, base, length, prot);

	ret = dk_map_counted(thread->process, &base, length, a2, prot);
	if (ret)
		return ret;
	if (base != wanted && put_user(base, ubase)) {
		vm_munmap(base, length);
		return -EFAULT;
	}
	return 0;
}

/* Every page of the range is mapped, or was a moment ago. */
static bool dk_range_mapped(unsigned long base, unsigned long length)
{
	struct mm_struct *mm = current->mm;
	unsigned long address = base, end = base + length;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	while (address < end) {
		vma = find_vma(mm, address);
		if (!vma || vma->vm_start > address)
			break;
		address = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return address >= end;
}

DK_HANDLER(DkVirtualMemoryFree)
{
	u64 base = a0, length = a1;
	long ret;

	if (a2 != DK_MEM_DECOMMIT && a2 != DK_MEM_RELEASE)
		return -EINVAL;
	if (!length || base & ~PAGE_MASK || !dk_range_valid(base, length))
		return -EINVAL;
	length = PAGE_ALIGN(length);
	if (a2 == DK_MEM_RELEASE)
		ret = vm_munmap(base, length);
	else if (!base || !dk_range_mapped(base, length))
		ret = -ENOMEM;
	else
		ret = dk_map_new(NULL, &base, length,
				 DK_MEM_RESERVE | DK_MEM_REPLACE, PROT_NONE);
	if (!ret)
		dk_memory_less(thread->process);
	return ret;
}

DK_HANDLER(DkVirtualMemoryProtect)
{
	long prot = dk_prot(thread->process->sandbox, a2);

	if (prot < 0)
		return prot;
	if (!a1 || a0 & ~PAGE_MASK)
		return -EINVAL;
	/* The native call changes what comes before the first hole. */
	if (!dk_range_valid(a0, a1))
		return -ENOMEM;
	return dk_mprotect(thread, a0, a1, prot);
}

/* VM_* of what the caller has at @address; 0: nothing. */
unsigned long dk_memory_flags(unsigned long address)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long flags = 0;

	mmap_read_lock(mm);
	vma = find_vma(mm, address);
	if (vma && vma->vm_start <= address)
		flags = vma->vm_flags;
	mmap_read_unlock(mm);
	return flags;
}

DK_HANDLER(DkxVirtualMemoryMove)
{
	const u64 known = DK_MOVE_ANYWHERE | DK_MOVE_REPLACE | DK_MOVE_KEEP;
	unsigned long flags;
	u64 more = 0;
	long ret;

	if (a3 & ~known || !a2 || (a4 && !(a3 & DK_MOVE_REPLACE)))
		return -EINVAL;
	if (!dk_range_valid(a0, a1) || !dk_range_valid(a4, a2))
		return -EINVAL;
	/* Private memory twice: the kernel would write to its log about it. */
	flags = a1 ? 0 : dk_memory_flags(a0);
	if (flags && !(flags & VM_MAYSHARE))
		return -EINVAL;
	if (a3 & DK_MOVE_KEEP)
		more = a1;
	else if (a2 > a1)
		more = a2 - a1;
	ret = dk_memory_grown(thread, a0, more);
	/* The arguments are the native call's. */
	return ret ?: dk_memory_forward(thread, __NR_mremap, a0, a1, a2, a3,
					a4);
}
