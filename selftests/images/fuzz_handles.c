// SPDX-License-Identifier: GPL-2.0-only
/*
 * The handles that all threads share: a pool for each type of object. A place
 * in it that is taken again closes what was there before. Those that were
 * closed stay known for a while, to be used when they are stale.
 */
#include "fuzz.h"

#define TAGS		6
#define POOL		20	/* handles of each tag */
#define STALE		64

static const char *const tags[TAGS] = {
	"event", "semaphore", "thread", "process", "stream", "",
};
static DK_HANDLE pool[TAGS][POOL];
static DK_HANDLE stale[STALE];

bool has_part(const char *text, const char *part)
{
	u64 n = strlen(part);

	for (; *text; text++)
		if (!memcmp(text, part, n))
			return true;
	return false;
}

static int tag_of(const char *name)
{
	static const char *const streams[] = {
		"reader", "writer", "input",  "output",
		"client", "server", "stream", "end",
	};

	for (int i = 0; i < TAGS - 1; i++)
		if (!strcmp(tags[i], name))
			return i;
	for (u32 i = 0; i < ARRAY_SIZE(streams); i++)
		if (has_part(name, streams[i]))
			return 4;
	return TAGS - 1;
}

void keep_handle(struct worker *w, const char *name, DK_HANDLE handle)
{
	DK_HANDLE *place = &pool[tag_of(name)][below(w, POOL)];
	DK_HANDLE old;

	if (!handle || is_private_handle(handle))
		return;
	old = __atomic_exchange_n(place, handle, __ATOMIC_RELAXED);
	if (!old)
		return;
	stale[below(w, STALE)] = old;
	dkt_raw(DK_INDEX_DkObjectClose, old, 0, 0, 0, 0, 0);
}

/* What a handle of the pool is. */
const char *name_of_handle(DK_HANDLE handle)
{
	for (int i = 0; i < TAGS; i++)
		for (int k = 0; k < POOL; k++)
			if (pool[i][k] == handle)
				return tags[i];
	return "";
}

/* ---- processes by their numbers ---- */

static u64 ids[8];

void keep_id(struct worker *w, u64 id)
{
	ids[below(w, ARRAY_SIZE(ids))] = id;
}

u64 pick_id(struct worker *w)
{
	u64 id = chance(w, 80) ? ids[below(w, ARRAY_SIZE(ids))] : 0;

	return id ? id : 1 + below(w, 12);
}

/* ---- choosing ---- */

static DK_HANDLE bad_handle(struct worker *w)
{
	DK_HANDLE h = pool[below(w, TAGS)][below(w, POOL)];

	switch (below(w, 8)) {
	case 0:
		return DK_INVALID_HANDLE;
	case 1:
		return h ^ 1ULL << below(w, 64);
	case 2:
		return h + (1ULL << 32);
	case 3:
		return draw(w);
	case 4:
		return below(w, 70000);
	case 5:
		return ~0ULL - below(w, 3);
	default:
		return stale[below(w, STALE)];
	}
}

DK_HANDLE pick_handle(struct worker *w, const char *name)
{
	int tag = tag_of(name);
	DK_HANDLE h;

	for (int i = 0; i < 8; i++) {
		if (tag == TAGS - 1)
			h = pool[below(w, TAGS)][below(w, POOL)];
		else
			h = pool[tag][below(w, POOL)];
		if (h)
			return h;
	}
	return bad_handle(w);
}

DK_HANDLE any_handle(struct worker *w, const char *name, bool wild)
{
	DK_HANDLE h;

	do {
		if (!wild)
			h = pick_handle(w, name);
		else if (chance(w, 50))
			h = pool[below(w, TAGS)][below(w, POOL)];
		else
			h = bad_handle(w);
	} while (is_private_handle(h));
	return h;
}
