// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Memory that the program wants writable and executable at once, as compilers
 * at run time ask for (PCRE's, libffi's).
 *
 * The host refuses that, unless the sandbox allows it. So a page of such an
 * area is one or the other, and becomes what it is needed as when an access
 * faults: area->protection is what the program knows, the host's differs. What
 * was never both for the host is never both here either.
 *
 * An instruction that writes to its own page can never be done so: SIGSEGV. A
 * system call that is to write to a page that was executed last is -EFAULT.
 */
#include <libos.h>
#include <linux/mman.h>
#include <mm.h>

#define WX		(PROT_WRITE | PROT_EXEC)

#define FAULT_WRITE	0x02	/* of the processor's error code */
#define FAULT_FETCH	0x10

static enum { UNKNOWN, ALLOWED, REFUSED } both;

static bool host_refuses(void)
{
	dk_u64 length = PAGE_SIZE;
	void *page = NULL;
	DK_STATUS status;

	if (both != UNKNOWN)
		return both == REFUSED;
	status = DkVirtualMemoryAlloc(&page, &length,
				      DK_MEM_RESERVE | DK_MEM_COMMIT,
				      DK_PROT_READ | DK_PROT_WRITE |
					      DK_PROT_EXECUTE);
	if (!status)
		DkVirtualMemoryFree(page, length, DK_MEM_RELEASE);
	/* Whatever else went wrong will be told by the real attempt. */
	if (!status || status == DK_STATUS_ACCESS_DENIED)
		both = status ? REFUSED : ALLOWED;
	return both == REFUSED;
}

/* mm_lock is held. A file must be mapped as what it cannot become later. */
u32 wx_protection(u32 protection, bool file)
{
	if ((protection & WX) != WX || !host_refuses())
		return protection;
	return protection & ~(file ? PROT_WRITE : PROT_EXEC);
}

bool wx_fault(const struct dk_exception *e, const struct dk_context *c)
{
	bool fetch = e->error_code & FAULT_FETCH;
	u64 page = e->address & PAGE_MASK;
	struct area *a;
	bool good = false;

	if (e->code != DK_EXCEPTION_ACCESS_VIOLATION ||
	    !(e->error_code & (FAULT_WRITE | FAULT_FETCH)) || both != REFUSED)
		return false;
	if (!fetch && page == (c->rip & PAGE_MASK))
		return false;
	lock_acquire(&mm_lock);
	a = area_find(page);
	if (a && a->start <= page && (a->protection & WX) == WX)
		good = !DkVirtualMemoryProtect(
			(void *)page, PAGE_SIZE,
			DK_PROT_READ |
				(fetch ? DK_PROT_EXECUTE : DK_PROT_WRITE));
	lock_release(&mm_lock);
	return good;
}
