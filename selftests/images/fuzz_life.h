/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz.img: what sequences of calls are written with. */
#ifndef FUZZ_LIFE_H
#define FUZZ_LIFE_H

#include "fuzz.h"

#define CALL(w, name, ...)	call_(w, DK_INDEX_##name, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define call_(w, index, a0, a1, a2, a3, a4, a5, ...) \
	call(w, index, (u64)(a0), (u64)(a1), (u64)(a2), (u64)(a3), (u64)(a4), \
	     (u64)(a5))

/* A result of a sequence: none yet. */
static inline u64 *fresh(struct worker *w, int i)
{
	u64 *slot = slot_of(w, 10 + i);

	*slot = 0;
	return slot;
}

static inline char *text_of(struct worker *w, int i)
{
	return (char *)w->area + (i ? AREA_TEXT_2 : AREA_TEXT) * PAGE;
}

static inline u64 file_name(struct worker *w, char *to)
{
	return dkt_snprintf(to, PAGE, "file:%s/rw/%s%u", shared->folder,
			    chance(w, 30) ? "d0/" : "", (u32)below(w, 8));
}

#endif /* FUZZ_LIFE_H */
