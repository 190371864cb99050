// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Saving and restoring vector state, for signal frames and execve.
 *
 * The standard (not compacted) XSAVE format, as Linux has it in its frames.
 * AMX tiles are left out: Linux has a process ask for them first, and nobody
 * can ask here.
 */
#include <fpu.h>
#include <libos.h>
#include <uaccess.h>

#define CPUID_OSXSAVE	(1U << 27)	/* leaf 1, ecx */
#define LEGACY_SIZE	512
#define HEADER_SIZE	64
#define FEATURES_LEGACY	0x3ULL		/* x87, SSE */
#define FEATURES_AMX	(3ULL << 17)
#define MXCSR_DEFAULT	0x1f80

struct fpu fpu;

static void cpuid(u32 leaf, u32 sub, u32 *a, u32 *b, u32 *c)
{
	u32 d;

	asm("cpuid"
	    : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(d)
	    : "a"(leaf), "c"(sub));
}

static u64 xcr0(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low | (u64)high << 32;
}

void fpu_init(void)
{
	u32 a, b, c, i;

	fpu.size = LEGACY_SIZE;
	cpuid(1, 0, &a, &b, &c);
	if (!(c & CPUID_OSXSAVE))
		return;
	fpu.features = xcr0() & ~FEATURES_AMX;
	fpu.size = LEGACY_SIZE + HEADER_SIZE;
	for (i = 2; i < 63; i++) {
		if (!(fpu.features & (1ULL << i)))
			continue;
		cpuid(0xd, i, &a, &b, &c);
		fpu.size = MAX(fpu.size, a + b);
	}
	if (fpu.size > FPU_SIZE_MAX)
		panic("vector state has %u bytes", fpu.size);
}

void fpu_save(void *area)
{
	if (!fpu.features) {
		asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
		return;
	}
	/* XSAVE writes of the header only the set of what it saved. */
	memset((char *)area + LEGACY_SIZE, 0, HEADER_SIZE);
	fpu_xsave(area, fpu.features);
}

long fpu_restore(void *area)
{
	if (fpu.features ? fpu_xrstor(area, fpu.features) : fpu_fxrstor(area))
		return -EINVAL;
	return 0;
}

void fpu_reset(void)
{
	u8 area[LEGACY_SIZE + HEADER_SIZE] __attribute__((aligned(FPU_ALIGN)));
	u32 mxcsr = MXCSR_DEFAULT;

	/* A header without features: everything to its initial state. */
	memset(area, 0, sizeof(area));
	if (fpu.features) {
		memcpy(area + 24, &mxcsr, sizeof(mxcsr));
		fpu_xrstor(area, fpu.features);
	} else {
		u16 control = 0x37f;

		memcpy(area, &control, sizeof(control));
		memcpy(area + 24, &mxcsr, sizeof(mxcsr));
		fpu_fxrstor(area);
	}
}
