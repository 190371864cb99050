/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What dk_failures.c and the outside share: a file rw/failing that both have
 * mapped. The image sets @request and spins until it is 0 again.
 */
#ifndef FAILING_H
#define FAILING_H

#include <stdint.h>

#define DKT_FAILING_ARM		1 /* the @nth allocation or copy from now on */
#define DKT_FAILING_ALL		(~0U) /* or, as @nth: all allocations */
#define DKT_FAILING_DISARM	2 /* @left: 0 if that one has failed */
#define DKT_FAILING_COUNT	3 /* what the sandbox has */
#define DKT_FAILING_END		4 /* nothing more is asked */

struct dkt_failing {
	uint32_t request;
	uint32_t nth;
	int32_t left;
	uint32_t reserved;
	uint64_t handles, objects, threads, processes;
};

#endif /* FAILING_H */
