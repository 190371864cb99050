// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Mapping the vDSO. Each program has a copy, for its own memory cannot be the
 * libos's: it may unmap the copy, or write into it, and harms itself. A child
 * of fork has its parent's; the time page that it reads stays where it is as
 * long as the process lives.
 */
#include <exec.h>
#include <libos.h>
#include <linux/mman.h>
#include <mm.h>
#include <vdso.h>

#define CPUID_RDTSCP	(1U << 27)	/* leaf 0x80000001, edx */

static bool has_rdtscp(void)
{
	u32 a = 0x80000001, b, c = 0, d;

	asm("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d & CPUID_RDTSCP;
}

long vdso_map(u64 *address)
{
	size_t size = vdso_image_end - vdso_image;
	struct vdso_data data = { process.parameters->time, has_rdtscp() };
	u64 base = 0;
	long r;

	r = map_anonymous(&base, size, PROT_READ | PROT_WRITE, AREA_VDSO,
			  false);
	if (r)
		return r;
	*address = base;
	if (user_write((void *)base, vdso_image, size) ||
	    user_write((void *)(base + vdso_data_offset), &data, sizeof(data)))
		return -EFAULT;
	return protect(base, size, PROT_READ | PROT_EXEC);
}
