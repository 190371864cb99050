/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of an image that ends where a page is not there. */
#ifndef EDGE_H
#define EDGE_H

#include "dktest.h"

#define EDGE_PAGES	4
#define GUARD		64
#define GUARD_BYTE	0xa5

static u8 *end; /* the first byte that is not there */

/* Nothing has been mapped behind the edge; else the tests would say nothing. */
static inline void expect_edge(void)
{
	void *base = end;
	u64 length = PAGE;

	EXPECT_OK(DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE,
				       DK_PROT_NONE));
	EXPECT_OK(DkVirtualMemoryFree(end, PAGE, DK_MEM_RELEASE));
}

static inline void make_edge(void)
{
	if (end) {
		expect_edge();
		return;
	}
	end = (u8 *)dkt_pages(EDGE_PAGES + 1) + EDGE_PAGES * PAGE;
	EXPECT_OK(DkVirtualMemoryFree(end, PAGE, DK_MEM_RELEASE));
}

/* Where @size bytes reach @over bytes over the edge: as many as fit of @from. */
static inline void *at_edge(const void *from, u64 size, u64 over)
{
	u8 *to = end - size + over;

	memset(to - GUARD, GUARD_BYTE, GUARD);
	memcpy(to, from, size - over);
	return to;
}

static inline bool guarded(const void *at)
{
	for (int k = 1; k <= GUARD; k++)
		if (((const u8 *)at)[-k] != GUARD_BYTE)
			return false;
	return true;
}

#endif /* EDGE_H */
