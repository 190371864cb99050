/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The vector state of the program, which is live while the libos runs. */
#ifndef LIBOS_FPU_H
#define LIBOS_FPU_H

#include <libos.h>

#define FPU_ALIGN	64
#define FPU_SIZE_MAX	8192

struct fpu {
	u64	features;	/* of XCR0 that are saved; 0: FXSAVE only */
	u32	size;		/* of a save area */
};

extern struct fpu fpu;

void fpu_init(void);
/* @area: fpu.size bytes, aligned to FPU_ALIGN. */
void fpu_save(void *area);
long fpu_restore(void *area);	/* -EINVAL: not a valid state */
void fpu_reset(void);		/* as a new program finds it */

#endif /* LIBOS_FPU_H */
