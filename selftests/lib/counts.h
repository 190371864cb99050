/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests, inside a picoprocess, of what their calls have left behind. */
#ifndef COUNTS_H
#define COUNTS_H

#include "dktest.h"

/*
 * A thread that has been waited for takes a moment to be gone. What is wanted
 * may have been counted while that of an earlier test was still there.
 */
static inline void settled_counts(struct dkt_counts *now,
				  const struct dkt_counts *want)
{
	s64 remaining;

	for (int i = 0; i < 200; i++) {
		dkt_counts(now);
		if (now->handles == want->handles &&
		    now->objects <= want->objects)
			return;
		DkThreadDelayExecution(5 * MSEC, &remaining);
	}
}

static inline void expect_counts(const struct dkt_counts *want)
{
	struct dkt_counts now;

	settled_counts(&now, want);
	EXPECT_EQ(now.handles, want->handles);
	EXPECT_GE(want->objects, now.objects);
}

#endif /* COUNTS_H */
