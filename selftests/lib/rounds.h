/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests, inside a picoprocess, that do something very often. */
#ifndef ROUNDS_H
#define ROUNDS_H

#include "dktest.h"

/* How often: @usual times, or fewer where things take longer than usual. */
static inline u64 rounds(u64 usual)
{
	static s64 slower;

	if (!slower)
		dkt_ask("@slower\n", &slower, sizeof(slower));
	return slower > 0 ? (usual + slower - 1) / slower : usual;
}

#endif /* ROUNDS_H */
