// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps: single calls, and sequences that lead to states which single calls
 * would not find in a lifetime.
 */
#include "fuzz_life.h"

/* ---- files ---- */

static DK_HANDLE open_file(struct worker *w, u64 access, u64 disposition,
			   u64 options)
{
	u64 *out = fresh(w, 0);
	u64 n = file_name(w, text_of(w, 0));

	CALL(w, DkStreamOpen, text_of(w, 0), n, access, disposition,
	     options | DK_OPTION_MODE(0644), out);
	return *out;
}

/* Write, map, shorten below the mapping, look, and put it all away. */
static void file_life(struct worker *w)
{
	u64 *done = fresh(w, 1), *base = fresh(w, 2), *at = fresh(w, 3);
	u8 *buffer = w->area + AREA_BUFFER * PAGE;
	u64 length = 1 + below(w, 3 * PAGE), sum = 0;
	u64 protection = chance(w, 70) ? DK_PROT_READ | DK_PROT_WRITE :
					 below(w, 8);
	DK_HANDLE h = open_file(w,
				DK_ACCESS_READ | DK_ACCESS_WRITE |
					(chance(w, 20) ? DK_ACCESS_EXECUTE : 0),
				DK_OPEN_CREATE, 0);

	if (!h)
		return;
	CALL(w, DkStreamWrite, h, below(w, 4) * PAGE, buffer, length, done);
	CALL(w, DkStreamRead, h, DK_OFFSET_CURRENT, buffer, length, done);
	CALL(w, DkxStreamSeek, h, below(w, 9000), below(w, 5), at);
	if (chance(w, 30))
		*base = (u64)arena + below(w, ARENA_PAGES - 8) * PAGE;
	length = PAGE * (1 + below(w, 4));
	if (CALL(w, DkStreamMap, h, base, length, below(w, 3) * PAGE,
		 protection,
		 1 + below(w, 2) + (*base ? DK_MAP_REPLACE : 0)) == 0) {
		if (chance(w, 50))
			CALL(w, DkStreamSetLength, h, below(w, 2 * PAGE));
		touch(&sum, (void *)(*base + below(w, length - 8)), 8);
		touch((void *)(*base + below(w, length - 8)), &sum, 8);
		CALL(w, DkStreamFlush, h, below(w, 2));
		/* A transfer between a file and itself */
		if (chance(w, 30))
			CALL(w, DkStreamWrite, h, 0, *base, length, done);
		if (chance(w, 30))
			CALL(w, DkStreamRead, h, 100, *base, length, done);
		if (chance(w, 80))
			CALL(w, DkStreamUnmap, *base, length);
		else if (*base < (u64)arena)
			keep_mapping(w, *base, length);
	}
	keep_handle(w, "stream", h);
}

static void directory_life(struct worker *w)
{
	u64 *cursor = fresh(w, 1), *done = fresh(w, 2), *out = fresh(w, 0);
	u64 n = file_name(w, text_of(w, 0)), m = file_name(w, text_of(w, 1));

	if (chance(w, 50))
		n = dkt_snprintf(text_of(w, 0), PAGE, "file:%s/rw%s",
				 shared->folder, chance(w, 50) ? "/d0" : "");
	CALL(w, DkStreamOpen, text_of(w, 0), n, DK_ACCESS_READ,
	     chance(w, 50) ? DK_OPEN_CREATE : DK_OPEN_EXISTING,
	     DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755), out);
	if (*out) {
		for (int i = 0; i < 5; i++) {
			u64 length = chance(w, 80) ? 200 + below(w, 2000) :
						     below(w, 60);

			*done = 0;
			CALL(w, DkStreamEnumerateChildren, *out, cursor,
			     w->area + AREA_NONE * PAGE - length, length, done);
			if (!*done)
				break;
		}
		keep_handle(w, "stream", *out);
	}
	CALL(w, DkStreamRename, text_of(w, 0), n, text_of(w, 1), m,
	     below(w, 3));
	CALL(w, DkStreamDelete, text_of(w, below(w, 2)), n, 1 + below(w, 3));
}

/* ---- waiting ---- */

static void sync_life(struct worker *w)
{
	DK_HANDLE *list = (DK_HANDLE *)(w->area + PAGE / 2);
	u64 *event = fresh(w, 0), *semaphore = fresh(w, 1), *x = fresh(w, 2);
	u64 n;

	if (chance(w, 50))
		CALL(w, DkSynchronizationEventCreate, below(w, 2), event);
	else
		CALL(w, DkNotificationEventCreate, below(w, 2), event);
	CALL(w, DkSemaphoreCreate, below(w, 3), 2 + below(w, 3), semaphore);
	if (!*event || !*semaphore)
		return;
	n = chance(w, 80) ? 2 + below(w, 6) : DK_WAIT_MAX;
	for (u64 i = 0; i < n; i++)
		list[i] = chance(w, 40) ? *event :
			  chance(w, 40) ? *semaphore :
					  pick_handle(w, chance(w, 50) ?
								 "event" :
								 "thread");
	CALL(w, DkObjectsWaitAny, n, list, below(w, 200000), x);
	CALL(w, DkSemaphoreRelease, *semaphore, 1 + below(w, 2), x);
	CALL(w, DkEventSet, *event);
	CALL(w, DkObjectsWaitAny, n, list, below(w, 2), x);
	CALL(w, DkEventPeek, *event, x);
	CALL(w, DkEventClear, *event);
	CALL(w, DkSemaphorePeek, *semaphore, x);
	keep_handle(w, "event", *event);
	keep_handle(w, "semaphore", *semaphore);
}

/* Wait for what another thread closes, sets or ends meanwhile. */
static void wait_race(struct worker *w)
{
	DK_HANDLE *list = (DK_HANDLE *)(w->area + PAGE / 2);
	u64 *x = fresh(w, 2);

	list[0] = pick_handle(w, "event");
	list[1] = pick_handle(w, "semaphore");
	list[2] = pick_handle(w, "thread");
	if (chance(w, 50))
		CALL(w, DkObjectsWaitAny, 1 + below(w, 3), list,
		     below(w, 300000), x);
	else if (chance(w, 60))
		CALL(w, DkEventSet, list[0]);
	else if (chance(w, 50))
		CALL(w, DkSemaphoreRelease, list[1], 1, x);
	else
		random_call(w, DK_INDEX_DkObjectClose);
}

static void fewer_rights(struct worker *w)
{
	static const char *const names[] = {
		"event", "semaphore", "thread", "process", "stream",
	};
	const char *name = names[below(w, ARRAY_SIZE(names))];
	u64 *out = fresh(w, 0);

	CALL(w, DkObjectReference, pick_handle(w, name), 1ULL << below(w, 5),
	     out);
	if (*out)
		keep_handle(w, name, *out);
}

/*
 * Waiters and wakers at a few words. Somebody has to be there at the same
 * moment: they wait for milliseconds.
 */
static void address_life(struct worker *w)
{
	u64 of_one = chance(w, 80) ? DK_ADDRESS_PRIVATE : 0;
	u32 *word = &futex_words[below(w, 2)], *other = &futex_words[2];
	struct dk_deadline *deadline = (struct dk_deadline *)fresh(w, 0);
	s64 end = dkt_now() + (s64)below(w, 4 * MSEC);
	u64 bits = chance(w, 80) ? DK_ADDRESS_ALL_BITS : 1 + below(w, 3);
	u32 value = __atomic_load_n(word, __ATOMIC_RELAXED);

	switch (below(w, 6)) {
	case 0:
		__atomic_add_fetch(word, 1, __ATOMIC_RELAXED);
		CALL(w, DkxAddressWake, word, DK_ADDRESS_WAKE | of_one,
		     1 + below(w, 3), 0, 0, bits);
		break;
	case 1:
		CALL(w, DkxAddressWake, word,
		     DK_ADDRESS_COMPARE_REQUEUE | of_one, below(w, 2),
		     below(w, 4), other, value);
		break;
	case 2:
		CALL(w, DkxAddressWake, other, DK_ADDRESS_WAKE | of_one,
		     DK_WAIT_MAX, 0, 0, DK_ADDRESS_ALL_BITS);
		break;
	default:
		deadline->seconds = end / SEC;
		deadline->nanoseconds = end % SEC;
		CALL(w, DkxAddressWait, word, DK_ADDRESS_WAIT | of_one, value,
		     deadline, 0, bits);
	}
}

/* Locks of several owners on a few bytes, which go with their streams. */
static void lock_life(struct worker *w)
{
	static const u32 owners[] = { 0, DK_LOCK_STREAM, DK_LOCK_STREAM,
				      DK_LOCK_WHOLE };
	struct dk_lock_info *blocker = (struct dk_lock_info *)fresh(w, 1);
	DK_HANDLE h = open_file(w, DK_ACCESS_READ | DK_ACCESS_WRITE,
				DK_OPEN_CREATE, 0);
	u32 owner = owners[below(w, ARRAY_SIZE(owners))];

	if (!h)
		return;
	for (u64 n = 1 + below(w, 4); n; n--) {
		bool whole = owner == DK_LOCK_WHOLE;
		u32 op = owner | below(w, 3);

		if (op & 3 && chance(w, 20) &&
		    implemented(DK_INDEX_DkThreadRaiseException))
			op |= DK_LOCK_WAIT;
		CALL(w, DkxStreamLock, h, op, whole ? 0 : below(w, 4),
		     whole ? 0 : below(w, 3), 0, 0);
		CALL(w, DkxStreamLock, h, (op & ~DK_LOCK_WAIT) | DK_LOCK_QUERY,
		     whole ? 0 : below(w, 4), whole ? 0 : below(w, 3), blocker,
		     sizeof(*blocker));
	}
	if (chance(w, 80))
		CALL(w, DkObjectClose, h);
	else
		keep_handle(w, "stream", h);
}

/* A clone, and what its relatives may do to it while it lives and ends. */
static void process_life(struct worker *w)
{
	DK_HANDLE *list = (DK_HANDLE *)(w->area + PAGE / 2);
	u64 *process = fresh(w, 0), *code = fresh(w, 1), *x = fresh(w, 2);

	w->wild = 0;
	if (chance(w, 40))
		random_call(w, DK_INDEX_DkxProcessClone);
	CALL(w, DkxProcessOpen, pick_id(w), process);
	if (!*process)
		return;
	if (chance(w, 50))
		CALL(w, DkThreadRaiseException, *process,
		     DK_EXCEPTION_USER + below(w, 9), draw(w));
	list[0] = *process;
	CALL(w, DkObjectsWaitAny, 1, list, below(w, 3 * MSEC), x);
	CALL(w, DkProcessGetExitCode, *process, code);
	keep_handle(w, "process", *process);
}

/* ---- event words ---- */

/* What the kernel shares with user mode, spoiled in all ways. */
static void spoil_words(struct worker *w)
{
	const struct dk_parameters *p = dkt_parameters;
	DK_HANDLE handle = pick_handle(w, "event");
	u64 value, at;

	if (!p->word_count)
		return;
	at = p->words + 8 * ((u32)handle - 1);
	if (chance(w, 20))
		at = p->words + 8 * below(w, p->word_count);
	if ((u32)handle - 1 >= p->word_count ||
	    !touch(&value, (void *)at, sizeof(value)))
		return;
	value = chance(w, 70) ? value ^ 1ULL << below(w, 6) :
		chance(w, 50) ? 0 :
				draw(w) << below(w, 8);
	touch((void *)at, &value, sizeof(value));
	random_call(w, chance(w, 50) ? DK_INDEX_DkObjectsWaitAny :
				       DK_INDEX_DkEventSet);
	if (chance(w, 2))
		CALL(w, DkVirtualMemoryProtect, at & ~(PAGE - 1), PAGE,
		     below(w, 4));
}

/* ---- memory ---- */

static void memory_life(struct worker *w)
{
	u64 *base = fresh(w, 0), *length = fresh(w, 1), *part = fresh(w, 2);
	u64 pages = 4 + below(w, 28);
	u8 byte = 1;

	*length = pages * PAGE;
	if (CALL(w, DkVirtualMemoryAlloc, base, length, DK_MEM_RESERVE, 0))
		return;
	*part = *base + below(w, pages - 2) * PAGE;
	*length = 2 * PAGE;
	CALL(w, DkVirtualMemoryAlloc, part, length, DK_MEM_COMMIT,
	     DK_PROT_READ | DK_PROT_WRITE);
	touch((void *)*part, &byte, 1);
	CALL(w, DkVirtualMemoryProtect, *part, PAGE, below(w, 8));
	touch((void *)*part, &byte, 1);
	CALL(w, DkVirtualMemoryFree, *part, PAGE, DK_MEM_DECOMMIT);
	touch(&byte, (void *)*part, 1);
	if (chance(w, 70))
		CALL(w, DkVirtualMemoryFree, *base, pages * PAGE,
		     DK_MEM_RELEASE);
	else
		keep_mapping(w, *base, pages * PAGE);
}

/* ---- the hostile thread ---- */

/* Changes memory that calls of other threads are told to use. */
void scribble(struct worker *w)
{
	u64 at = (u64)arena + below(w, ARENA_PAGES) * PAGE;
	u64 *base = fresh(w, 0), *length = fresh(w, 1);
	u64 value = chance(w, 50) ? 0 : draw(w) >> below(w, 56);

	switch (below(w, 8)) {
	case 0:
		CALL(w, DkVirtualMemoryProtect, at, PAGE * (1 + below(w, 4)),
		     below(w, 4));
		break;
	case 1:
		CALL(w, DkVirtualMemoryFree, at, PAGE * (1 + below(w, 4)),
		     1 + below(w, 2));
		break;
	case 2:
	case 3:
	case 4:
		*base = at;
		*length = PAGE * (1 + below(w, 8));
		CALL(w, DkVirtualMemoryAlloc, base, length,
		     DK_MEM_RESERVE | DK_MEM_COMMIT | DK_MEM_REPLACE,
		     DK_PROT_READ | DK_PROT_WRITE);
		break;
	case 5:
		CALL(w, DkThreadYieldExecution, 0);
		break;
	default:
		for (int i = 0; i < 50; i++)
			touch((void *)(at + below(w, PAGE / 8) * 8), &value, 8);
	}
	/* Slower than those it disturbs. */
	if (chance(w, 50))
		CALL(w, DkThreadDelayExecution, below(w, 300000), fresh(w, 2));
}

/* ---- control flow ---- */

/* DkxContextRestore with a context that leads back here, or is refused. */
static void restore_context(struct worker *w)
{
	struct dk_context *c = (struct dk_context *)(w->area + 3 * PAGE / 4);
	static const u64 refused[] = {
		0,
		8,
		0xffff888000000000,
		0xffffffff81000000,
		1ULL << 47,
		1ULL << 63,
		~0ULL,
	};
	u64 at = (u64)c, ax = DK_VECTOR_BASE + DK_INDEX_DkxContextRestore;
	u64 *words = (u64 *)c, dx = (u64)c, si = (u64)w;

	for (u32 i = 0; i < sizeof(*c) / 8; i++)
		words[i] = draw(w) << below(w, 8);
	c->cs = chance(w, 80) ? 0x33 : below(w, 0x40);
	/* There an emulator forgets half of rsp: the exception may be fatal. */
	if (c->cs == 0x23 && !(shared->flags & FUZZ_CHAOS))
		c->cs = 0x2b;
	c->rax = 0;
	if (c->cs == 0x33 && (shared->flags & FUZZ_CHAOS) && chance(w, 3))
		c->rip = draw(w) << 3;
	if (w->wild)
		at = chance(w, 50) ? refused[below(w, ARRAY_SIZE(refused))] :
				     (u64)w->area +
					     (chance(w, 50) ? AREA_NONE :
							      AREA_READ_ONLY) *
						     PAGE -
					     below(w, 2) * 80;
	/* Zeros or nothing may be read there, or half a good one. */
	if (at != (u64)c && at >= (u64)w->area &&
	    at < (u64)w->area + AREA_NONE * PAGE)
		at = (u64)w->area + AREA_NONE * PAGE;
	asm volatile("push %%rbp; push %%rbx\n\t"
		     "lea 1f(%%rip), %%rcx\n\t"
		     "mov %%rcx, %c[rip](%[c])\n\t"
		     "mov %%rsp, %c[rsp](%[c])\n\t"
		     "mov %%rcx, %c[landing](%[w])\n\t"
		     "mov %%rsp, %c[landing_sp](%[w])\n\t"
		     "syscall\n"
		     "1:\n\t"
		     "cld\n\t"
		     "pop %%rbx; pop %%rbp"
		     : "+a"(ax), "+D"(at), [c] "+d"(dx), [w] "+S"(si)
		     : [rip] "i"(offsetof(struct dk_context, rip)),
		       [rsp] "i"(offsetof(struct dk_context, rsp)),
		       [landing] "i"(offsetof(struct worker, landing)),
		       [landing_sp] "i"(offsetof(struct worker, landing_sp))
		     : "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
		       "r15", "memory", "cc");
	check_status(w, DK_INDEX_DkxContextRestore, ax);
}

/* ---- steps ---- */

static u32 random_index(struct worker *w)
{
	u32 index;

	if (chance(w, 2))
		return below(w, DK_CALL_LIMIT);
	do {
		index = below(w, DK_CALL_LIMIT);
	} while (!implemented(index));
	return index;
}

static void calls_of_one_kind(struct worker *w)
{
	u32 class = below(w, DK_CLASSES), index;

	for (int i = 0; i < 12; i++) {
		index = (class << DK_CLASS_SHIFT) +
			below(w, 1 << DK_CLASS_SHIFT);
		if (implemented(index))
			random_call(w, index);
	}
}

typedef void (*life)(struct worker *w);

void take_step(struct worker *w)
{
	static const life lives[] = {
		file_life,	   directory_life,  sync_life,
		wait_race,	   fewer_rights,    memory_life,
		native_call,	   restore_context, start_short_thread,
		calls_of_one_kind, stream_pair,	    server_life,
		spoil_words,	   address_life,    lock_life,
		process_life,	   parcel_pair,	    parcel_server,
		parcel_any,	   made_life,	    counter_life,
		control_life,	   edges_life,	    dns_life,
	};

	w->wild = chance(w, 40) ? 0 : chance(w, 70) ? 1 : 2;
	if (chance(w, 80))
		random_call(w, random_index(w));
	else
		lives[below(w, ARRAY_SIZE(lives))](w);
}
