// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments, invented by kind and name as the call table has them.
 *
 * A call gets what it should, but for w->wild of its arguments. What would
 * destroy the fuzzer itself is turned away at the end, in tame(); a chaotic
 * run does without.
 */
#include "fuzz.h"

#define DK_POOLED	70000	/* no more handles than that */

/* ---- addresses that calls gave us ---- */

#define MAPPINGS	32
#define MAPPING_MAX	(16UL << 20)

static struct {
	u64 base, length;
} mappings[MAPPINGS];

void keep_mapping(struct worker *w, u64 base, u64 length)
{
	u32 i = below(w, MAPPINGS);
	u64 old = __atomic_exchange_n(&mappings[i].base, 0, __ATOMIC_RELAXED);

	if (old)
		dkt_raw(DK_INDEX_DkVirtualMemoryFree, old, mappings[i].length,
			DK_MEM_RELEASE, 0, 0, 0);
	mappings[i].length = length;
	__atomic_store_n(&mappings[i].base, base, __ATOMIC_RELEASE);
}

/* ---- numbers ---- */

u64 edge_number(struct worker *w)
{
	static const u64 edges[] = {
		0,
		1,
		2,
		3,
		4,
		7,
		8,
		15,
		16,
		31,
		32,
		63,
		64,
		65,
		127,
		128,
		255,
		256,
		1023,
		1024,
		1025,
		4095,
		4096,
		4097,
		8192,
		65535,
		65536,
		65537,
		1ULL << 20,
		1ULL << 30,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		1ULL << 40,
		(1ULL << 47) - PAGE,
		(1ULL << 47) - 1,
		1ULL << 47,
		1ULL << 62,
		(1ULL << 63) - 1,
		1ULL << 63,
		~0ULL - 4096,
		~0ULL - 4095,
		~0ULL - 1,
		~0ULL,
	};

	if (chance(w, 20))
		return draw(w) << below(w, 8);
	return edges[below(w, ARRAY_SIZE(edges))];
}

static u64 small_number(struct worker *w)
{
	return chance(w, 80) ? below(w, 5) : below(w, 70);
}

static u64 bad_address(struct worker *w)
{
	static const u64 bad[] = {
		0,
		8,
		0xfff,
		0x1000,
		0x10000,
		0x7ffffffff000,
		0x7fffffffeff9,
		0x7ffffffffffc,
		0x800000000000,
		0x00ff000000000000,
		0x8000000000000000,
		0xffff888000000000,
		0xffffffff81000000,
		0xffffffffff600000,
		0xfffffffffffff000,
		~0ULL - 7,
		~0ULL,
	};

	return bad[below(w, ARRAY_SIZE(bad))];
}

static u64 arena_address(struct worker *w)
{
	u64 page = (u64)arena + below(w, ARENA_PAGES) * PAGE;

	switch (below(w, 4)) {
	case 0:
		return page;
	case 1:
		return page + PAGE - below(w, 17);
	case 2:
		return page + below(w, PAGE / 8) * 8;
	default:
		return page + below(w, PAGE);
	}
}

static u64 whole_pages(struct worker *w, bool wild)
{
	if (wild)
		return chance(w, 50) ? edge_number(w) : below(w, 10 * PAGE);
	return (1 + below(w, chance(w, 90) ? 8 : 64)) * PAGE;
}

static u64 page_address(struct worker *w, bool wild)
{
	u64 base;

	if (wild && chance(w, 50))
		return chance(w, 50) ? bad_address(w) : arena_address(w);
	if (chance(w, 25)) {
		base = mappings[below(w, MAPPINGS)].base;
		if (base)
			return base;
	}
	return (u64)arena + below(w, ARENA_PAGES) * PAGE;
}

/* ---- pointers ---- */

/* A pointer that may be of no use, to @size bytes. */
u64 wild_pointer(struct worker *w, bool written)
{
	u8 *a = w->area;

	switch (below(w, 8)) {
	case 0:
	case 1:
		return bad_address(w);
	case 2:
		return (u64)a + AREA_NONE * PAGE + below(w, PAGE);
	case 3:
		return (u64)a + AREA_READ_ONLY * PAGE + 8 * below(w, 64);
	case 4: /* half of it on a page that is not there */
		return (u64)a + AREA_NONE * PAGE - 1 - below(w, 7);
	case 5:
		return written ? bad_address(w) : (u64)make_call;
	default:
		return arena_address(w);
	}
}

static void make_result(struct worker *w, struct made *m, u32 i, bool wild,
			u64 value)
{
	u64 *slot = slot_of(w, i);
	u64 at;

	if (!wild) {
		*slot = value;
		m->slot[i] = slot;
		m->a[i] = (u64)slot;
		return;
	}
	at = wild_pointer(w, true);
	m->a[i] = at;
	if (at >= (u64)arena)
		touch((void *)at, &value, sizeof(value));
}

/* Private memory that ends where @length bytes end, canary or nothing. */
static u64 private_buffer(struct worker *w, struct made *m, u64 length,
			  bool written)
{
	u8 *start = w->area + AREA_BUFFER * PAGE;
	u8 *end = w->area + AREA_NONE * PAGE;

	if (chance(w, 50))
		return (u64)(end - length);
	if (length + 16 > BUFFER_SIZE)
		return (u64)start;
	if (written) {
		m->canary = start + length;
		memset(m->canary, 0xa5, 16);
	}
	return (u64)start;
}

static u64 buffer_length(struct worker *w)
{
	switch (below(w, 6)) {
	case 0:
		return below(w, 2);
	case 1:
		return PAGE * (1 + below(w, 3));
	case 2:
		return below(w, BUFFER_SIZE + 1);
	case 3:
		return PAGE - 8 + below(w, 16);
	default:
		return below(w, 300);
	}
}

static void fill(struct worker *w, u64 at, u64 length)
{
	u8 bytes[64];

	for (u32 i = 0; i < sizeof(bytes); i += 8)
		*(u64 *)(bytes + i) = draw(w);
	for (u64 done = 0; done < length && done < PAGE; done += sizeof(bytes))
		if (!touch((u8 *)at + done, bytes,
			   length - done < sizeof(bytes) ? length - done :
							   sizeof(bytes)))
			return;
}

static bool m_is(const struct call *c, u32 index)
{
	return c == &calls[index];
}

/* ---- structures ---- */

static bool is_attributes(const char *name)
{
	return !strcmp(name, "attributes");
}

static void make_attributes(struct worker *w, void *to)
{
	struct dk_stream_attributes *a = to;

	memset(a, 0, sizeof(*a));
	a->valid = below(w, DK_SET_ALL + 1) & (chance(w, 50) ? 0x79 : 0x7f);
	if (chance(w, 50))
		a->valid = 1U << below(w, 7);
	a->mode = chance(w, 80) ? 0600 + below(w, 0200) : below(w, 010001);
	a->uid = chance(w, 50) ? ~0U : below(w, 3) * 1000;
	a->gid = chance(w, 50) ? ~0U : below(w, 3) * 1000;
	a->access_time = chance(w, 50) ? (s64)below(w, 1ULL << 60) :
					 (s64)edge_number(w);
	a->write_time = (s64)edge_number(w);
	if (chance(w, 10))
		a->valid = draw(w);
}

/* ---- by kind ---- */

/* Whether a thread may wait for ever: somebody can wake it, or kill it. */
static bool may_wait(void)
{
	return shared->flags & FUZZ_CHAOS ||
	       implemented(DK_INDEX_DkThreadRaiseException);
}

static u64 address_operation(struct worker *w, bool wait)
{
	static const u8 wakes[] = {
		DK_ADDRESS_WAKE,	   DK_ADDRESS_WAKE,
		DK_ADDRESS_REQUEUE,	   DK_ADDRESS_COMPARE_REQUEUE,
		DK_ADDRESS_WAKE_OPERATION,
	};

	return (wait ? DK_ADDRESS_WAIT : wakes[below(w, ARRAY_SIZE(wakes))]) |
	       (chance(w, 60) ? DK_ADDRESS_PRIVATE : 0) |
	       (wait && chance(w, 10) ? DK_ADDRESS_WALL_CLOCK : 0);
}

static u64 lock_operation(struct worker *w)
{
	static const u8 owners[] = { 0, 0, DK_LOCK_STREAM, DK_LOCK_WHOLE };
	u64 op = below(w, 3) | owners[below(w, 4)];

	if (op & 3 && chance(w, 20))
		op |= chance(w, 50) && may_wait() ? DK_LOCK_WAIT :
						    DK_LOCK_QUERY;
	return op;
}

static u64 make_flags(struct worker *w, const struct call *c, const char *name,
		      bool wild)
{
	static const struct {
		const char *name;
		u64 values[8];
	} known[] = {
		{ "type", { 1, 2, 3, 7, 3, 6, 11, 15 } },
		{ "protection", { 0, 1, 3, 3, 5, 8, 3, 1 } },
		{ "how", { 1, 2, 2, 1, 2, 1, 2, 1 } },
		{ "rights", { 0, 1, 2, 8, 3, 11, 16, 19 } },
		{ "access", { 1, 2, 3, 3, 5, 10, 0, 3 } },
	};

	if (wild)
		return chance(w, 50) ? edge_number(w) : below(w, 64);
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(name, known[i].name))
			return known[i].values[below(w, 8)];
	if (m_is(c, DK_INDEX_DkxAddressWait) ||
	    m_is(c, DK_INDEX_DkxAddressWake))
		return address_operation(w, m_is(c, DK_INDEX_DkxAddressWait));
	if (m_is(c, DK_INDEX_DkxVirtualMemoryMove))
		return below(w, 8);
	if (m_is(c, DK_INDEX_DkxPipeCreate))
		return (may_wait() ? below(w, 4) : 3) |
		       (chance(w, 40) ? 0 : DK_PIPE_DUPLEX << below(w, 4));
	if (!strcmp(name, "condition"))
		return (1 + below(w, 15)) |
		       (chance(w, 30) ? DK_STREAM_EDGES : 0);
	if (m_is(c, DK_INDEX_DkxStreamLock))
		return lock_operation(w);
	if (!strcmp(name, "options"))
		return (chance(w, 60) ? 0 : 1ULL << below(w, 8)) |
		       DK_OPTION_MODE(0600 + below(w, 0200));
	if (!strcmp(c->name, "DkStreamMap"))
		return 1 + below(w, 2) + (chance(w, 40) ? DK_MAP_REPLACE : 0);
	if (chance(w, 40))
		return 0;
	return chance(w, 70) ? 1ULL << below(w, 3) : below(w, 16);
}

static u64 make_value(struct worker *w, const struct call *c, u32 i, bool wild)
{
	const char *name = c->names[i];

	if (wild && chance(w, 70))
		return edge_number(w);
	if (!strcmp(name, "offset")) {
		if (chance(w, 40))
			return DK_OFFSET_CURRENT;
		return chance(w, 50) ? below(w, 16) * PAGE : below(w, 70000);
	}
	if (!strcmp(name, "length") || !strcmp(name, "new_length"))
		return chance(w, 70) ? whole_pages(w, false) :
				       below(w, 1 << 20);
	if (!strcmp(name, "call"))
		return DK_VECTOR_BASE + below(w, DK_CALL_LIMIT);
	if (!strcmp(name, "operation"))
		return below(w, m_is(c, DK_INDEX_DkxStreamControl) ?
					CONTROL_OPERATIONS :
					CONSOLE_OPERATIONS);
	if (!strcmp(name, "code"))
		return chance(w, 50) ? DK_EXCEPTION_RAISED :
				       DK_EXCEPTION_USER + below(w, 9);
	if (!strcmp(name, "id"))
		return pick_id(w);
	if (!strcmp(name, "signals"))
		return below(w, 1ULL << 32);
	if (!strcmp(name, "bits"))
		return chance(w, 50) ? DK_ADDRESS_ALL_BITS : 1 + below(w, 15);
	if (!strcmp(name, "reserved"))
		return 0;
	if (!strcmp(name, "value") || !strcmp(name, "argument"))
		return chance(w, 60) ? 0 : below(w, 1ULL << 32);
	if (m_is(c, DK_INDEX_DkxStreamLock))
		return chance(w, 30) ? 0 : below(w, 100);
	if (!strcmp(name, "maximum"))
		return 1 + (chance(w, 80) ? below(w, 8) : edge_number(w));
	return small_number(w);
}

/* Times are short, unless somebody can wake who waits. */
static s64 make_time(struct worker *w, bool wild)
{
	if (wild && chance(w, 30))
		return -1 - (s64)below(w, 1000);
	if (wild && chance(w, 5) && may_wait())
		return chance(w, 50) ? DK_TIMEOUT_INFINITE : (s64)(~0ULL >> 1);
	switch (below(w, 5)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return below(w, 500000);
	case 3:
		return chance(w, 5) ? below(w, 5 * MSEC) : 1000;
	default:
		return below(w, 50000);
	}
}

/* A time on a clock, in memory. */
static u64 make_deadline(struct worker *w, bool wild)
{
	struct dk_deadline *to = (struct dk_deadline *)slot_of(w, 7);
	s64 now = dkt_now() + (s64)below(w, MSEC);

	if (chance(w, 2) && may_wait())
		return 0;
	to->seconds = now / SEC;
	to->nanoseconds = now % SEC;
	if (chance(w, 10))
		to->seconds = 0;
	if (!wild)
		return (u64)to;
	if (chance(w, 50))
		to->nanoseconds = -1 - (s64)edge_number(w);
	return chance(w, 50) ? (u64)to : bad_address(w) | 8;
}

static bool is_length_of(const struct call *c, u32 i)
{
	return i + 1 < c->argc && c->kinds[i + 1] == DKT_VALUE &&
	       (has_part(c->names[i + 1], "length") ||
		has_part(c->names[i + 1], "size") ||
		has_part(c->names[i + 1], "count"));
}

/* What a new process is given: a few of our handles, and three strings. */
static void make_process_parameters(struct worker *w, u64 at)
{
	static const char strings[] = "/image\0/\0image\0A=B";
	DK_HANDLE *handles = (DK_HANDLE *)(w->area + PAGE / 2);
	struct dk_process_parameters p = {
		.flags = below(w, 2),
		.handle_count = below(w, chance(w, 80) ? 4 : DK_WAIT_MAX),
		.handles = (u64)handles,
		.strings = (u64)strings,
		.strings_length = sizeof(strings),
		.argument_count = 1,
		.environment_count = 1,
	};

	for (u32 i = 0; i < p.handle_count; i++)
		handles[i] = any_handle(w, "", chance(w, 2));
	if (w->wild && chance(w, 50))
		*(u32 *)((u8 *)&p + 4 * below(w, sizeof(p) / 4)) =
			edge_number(w);
	touch((void *)at, &p, sizeof(p));
}

static void make_string(struct worker *w, struct made *m, u32 i, bool wild)
{
	const struct call *c = &calls[m->index];
	char *to = (char *)w->area + (i < 2 ? AREA_TEXT : AREA_TEXT_2) * PAGE;
	u64 length;

	if (!strcmp(c->names[i], "text"))
		length = below(w, wild ? 2 * PAGE : 1025);
	else if (m_is(c, DK_INDEX_DkProcessCreate) && chance(w, 70))
		length = make_image_uri(w, to);
	else if (!strcmp(c->names[i], "target") && chance(w, 50))
		length = put_path(w, to, 0);
	else
		length = make_uri(w, to, wild && chance(w, 60));
	m->a[i] = (u64)to;
	if (is_length_of(c, i))
		m->a[i + 1] = length;
	if (wild && chance(w, 20)) {
		m->a[i] = wild_pointer(w, false);
		if (m->a[i] >= (u64)arena && length < PAGE)
			touch((void *)m->a[i], to, length);
	}
}

static void make_buffer(struct worker *w, struct made *m, u32 i, bool wild)
{
	const struct call *c = &calls[m->index];
	bool written = c->kinds[i] == DKT_OUT;
	u64 length = buffer_length(w);

	if (!strcmp(c->names[i], "blocker"))
		length = sizeof(struct dk_lock_info);
	else if (is_attributes(c->names[i]))
		length = sizeof(struct dk_stream_attributes);
	else if (m_is(c, DK_INDEX_DkxConsoleControl) && console_size(m->a[1]))
		length = console_size(m->a[1]);
	else if (m_is(c, DK_INDEX_DkxStreamControl) && control_size(m->a[1]))
		length = control_size(m->a[1]);
	else if (m_is(c, DK_INDEX_DkProcessCreate))
		length = sizeof(struct dk_process_parameters);
	if (!wild || chance(w, 40)) {
		m->a[i] = private_buffer(w, m, length, written);
	} else {
		if (chance(w, 50))
			length = edge_number(w);
		m->a[i] = wild_pointer(w, written);
		/* What is too long for us goes where nothing of ours is. */
		if (m->a[i] < (u64)arena && length > 7)
			m->a[i] = chance(w, 50) ? arena_address(w) :
						  bad_address(w);
	}
	if (!written && is_attributes(c->names[i]) &&
	    length == sizeof(struct dk_stream_attributes)) {
		struct dk_stream_attributes a;

		make_attributes(w, &a);
		if (m->a[i] >= (u64)w->area)
			touch((void *)m->a[i], &a, sizeof(a));
	} else if (m_is(c, DK_INDEX_DkxStreamControl)) {
		/* Read, too. */
		if (length == control_size(m->a[1]))
			make_control(w, m->a[1], (void *)m->a[i]);
	} else if (!written && m->a[i] >= (u64)w->area &&
		   m->a[i] < (u64)w->area + AREA_PAGES * PAGE) {
		fill(w, m->a[i], length < BUFFER_SIZE ? length : 0);
	}
	if (m_is(c, DK_INDEX_DkProcessCreate) && m->a[i] >= (u64)w->area &&
	    length == sizeof(struct dk_process_parameters))
		make_process_parameters(w, m->a[i]);
	if (is_length_of(c, i))
		m->a[i + 1] = length;
}

/* The number of them was made before; make it anew. */
static void make_handles(struct worker *w, struct made *m, u32 i, bool wild)
{
	DK_HANDLE *to = (DK_HANDLE *)(w->area + PAGE / 2);
	u64 n = 1 + below(w, chance(w, 80) ? 6 : DK_WAIT_MAX);

	for (u64 k = 0; k < n; k++)
		to[k] = any_handle(w,
				   chance(w, 60) ? "event" :
				   chance(w, 50) ? "semaphore" :
						   "thread",
				   wild && chance(w, 10));
	m->a[i] = (u64)to;
	m->a[i - 1] = n;
	if (wild && chance(w, 30))
		m->a[i] = wild_pointer(w, false);
	else if (wild && chance(w, 30))
		m->a[i - 1] = edge_number(w);
}

static void make_argument(struct worker *w, struct made *m, u32 i, bool wild)
{
	const struct call *c = &calls[m->index];
	const char *name = c->names[i];

	switch (c->kinds[i]) {
	case DKT_ADDRESS:
		if (!strcmp(name, "deadline"))
			m->a[i] = make_deadline(w, wild);
		else if (has_part(name, "base"))
			m->a[i] = page_address(w, wild);
		else if (wild)
			m->a[i] = chance(w, 50) ? bad_address(w) :
						  arena_address(w);
		else
			m->a[i] = chance(w, 70) ?
					  (u64)&futex_words[below(w, 64)] :
					  arena_address(w) & ~7ULL;
		break;
	case DKT_VALUE:
		m->a[i] = make_value(w, c, i, wild);
		break;
	case DKT_SIGNED:
		m->a[i] = strcmp(name, "offset") ? (u64)make_time(w, wild) :
			  wild			 ? edge_number(w) :
						   below(w, 70000);
		break;
	case DKT_FLAGS:
		m->a[i] = make_flags(w, c, name, wild);
		break;
	case DKT_HANDLE:
		m->a[i] = any_handle(w, name, wild);
		break;
	case DKT_STRING:
		make_string(w, m, i, wild);
		break;
	case DKT_IN:
	case DKT_OUT:
		make_buffer(w, m, i, wild);
		break;
	case DKT_HANDLES:
		make_handles(w, m, i, wild);
		break;
	case DKT_OUT_U64:
	case DKT_OUT_S64:
	case DKT_OUT_HANDLE:
		make_result(w, m, i, wild, POISON);
		break;
	case DKT_INOUT_U64:
		make_result(w, m, i, wild && chance(w, 60),
			    strcmp(name, "length") ?
				    (chance(w, 50) ? 0 : draw(w)) :
				    whole_pages(w, wild));
		break;
	case DKT_INOUT_ADDRESS:
		make_result(w, m, i, wild && chance(w, 60),
			    chance(w, 40) ? 0 : page_address(w, wild));
		break;
	}
}

/* ---- what must not be ---- */

/* An address and a length that some call might take as a range to change. */
static void tame_ranges(struct worker *w, struct made *m)
{
	const struct call *c = &calls[m->index];

	for (u32 i = 0; i < c->argc; i++) {
		u64 *base = c->kinds[i] == DKT_ADDRESS	     ? &m->a[i] :
			    c->kinds[i] == DKT_INOUT_ADDRESS ? m->slot[i] :
							       NULL;

		if (!base)
			continue;
		if (*base - (u64)futex_words < sizeof(futex_words) &&
		    !has_part(c->names[i], "base"))
			continue;
		if (is_ours(*base, 1))
			*base = (u64)arena;
		if (*base >= (u64)arena)
			continue; /* nothing is behind it */
		for (u32 k = 0; k < c->argc; k++) {
			u64 *length = c->kinds[k] == DKT_VALUE ? &m->a[k] :
				      c->kinds[k] == DKT_INOUT_U64 ?
								 m->slot[k] :
								 NULL;

			/* Far below us, or what a call gave: not beyond. */
			if (length && *base && *length > 8 * PAGE)
				*length = 8 * PAGE;
			if (length && is_ours(*base, *length))
				*length = PAGE;
		}
	}
}

/* Values of m that would be the end of the fuzzer; false: no call at all. */
static bool tame(struct worker *w, struct made *m)
{
	bool wild = w->wild;

	tame_ranges(w, m);
	/* What may wait for ever must not wait at all. */
	if (m->index == DK_INDEX_DkxAddressWait && !m->a[3] && !may_wait())
		m->a[3] = make_deadline(w, false);
	if (m->index == DK_INDEX_DkxStreamLock && !may_wait())
		m->a[1] &= ~(u64)DK_LOCK_WAIT;
	if (m->index == DK_INDEX_DkxPipeCreate && !may_wait())
		m->a[0] |= 3;
	switch (m->index) {
	/* What stands at a wild pointer may be an address of ours, or a length. */
	case DK_INDEX_DkVirtualMemoryAlloc:
		if (m->slot[0] && m->slot[1])
			break;
		m->a[2] &= ~(u64)DK_MEM_REPLACE;
		if (m->a[2] == DK_MEM_COMMIT)
			m->a[2] |= DK_MEM_RESERVE;
		break;
	case DK_INDEX_DkStreamMap:
		if (!m->slot[1])
			m->a[5] &= ~(u64)DK_MAP_REPLACE;
		break;
	case DK_INDEX_DkProcessExit:
	case DK_INDEX_DkThreadExit:
	case DK_INDEX_DkThreadCreate: /* see start_short_thread() */
	case DK_INDEX_DkxContextRestore: /* see restore_context() */
	case DK_INDEX_DkxProcessStop: /* nobody would continue it */
		return false;
	case DK_INDEX_DkxUpcallRegister:
		m->a[0] = wild && chance(w, 50) ? 1ULL << 47 :
						  (u64)thread_entry;
		m->a[1] = wild && chance(w, 50) ? 1ULL << 47 :
						  (u64)exception_entry;
		break;
	case DK_INDEX_DkxSystemCallRegister:
		m->a[0] = chance(w, 50) ? (u64)syscall_entry_stub :
			  chance(w, 80) ? 0 :
					  1ULL << 63;
		m->a[1] = (u64)slot_of(w, 8);
		memset(slot_of(w, 8), 0, 64);
		if (wild)
			m->a[1] = chance(w, 50) ? 1ULL << 63 : m->a[1] + 4;
		break;
	}
	return true;
}

void make_args(struct worker *w, struct made *m)
{
	const struct call *c = &calls[m->index];
	u32 bad = 0;

	if (w->wild == 1 && c->argc)
		bad = 1U << below(w, c->argc);
	else if (w->wild > 1)
		bad = draw(w);
	for (u32 i = 0; i < c->argc; i++) {
		/* The length was made with its pointer. */
		if (i && c->kinds[i] == DKT_VALUE &&
		    (c->kinds[i - 1] == DKT_STRING ||
		     c->kinds[i - 1] == DKT_IN || c->kinds[i - 1] == DKT_OUT) &&
		    is_length_of(c, i - 1))
			continue;
		make_argument(w, m, i, bad >> i & 1);
	}
	if (m->index == DK_INDEX_DkxStreamLink && m->a[4] == DK_LINK_STREAM &&
	    chance(w, 90)) {
		m->a[0] = any_handle(w, "stream", w->wild && chance(w, 30));
		m->a[1] = 0;
	}
	if (m->index == DK_INDEX_DkxProcessClone) {
		/* Which side we are on must be seen, by a child that lives. */
		for (u32 i = 1; i < c->argc; i++)
			if (!m->slot[i] && m->a[i] >= (u64)arena &&
			    m->a[i] < 1ULL << 47)
				m->a[i] = 0;
		if (__atomic_add_fetch(&shared->living, 1, __ATOMIC_RELAXED) >
		    6) {
			__atomic_sub_fetch(&shared->living, 1,
					   __ATOMIC_RELAXED);
			m->index = DK_CALL_LIMIT;
			return;
		}
	}
	if (shared->flags & FUZZ_CHAOS) {
		if ((m->index == DK_INDEX_DkProcessExit ||
		     m->index == DK_INDEX_DkThreadExit ||
		     m->index == DK_INDEX_DkxUpcallRegister) &&
		    !chance(w, 2))
			m->index = DK_CALL_LIMIT;
		return;
	}
	if (!tame(w, m))
		m->index = DK_CALL_LIMIT;
}

void keep_results(struct worker *w, const struct made *m, s64 status)
{
	const struct call *c = &calls[m->index];
	u64 base = 0, length = 0;

	for (u32 i = 0; i < c->argc; i++) {
		u64 value;

		if (c->kinds[i] == DKT_OUT_HANDLE) {
			if (!touch(&value, (void *)m->a[i], sizeof(value)))
				continue;
			keep_handle(w,
				    strcmp(c->names[i], "reference") ?
					    c->names[i] :
					    name_of_handle(m->a[0]),
				    value);
		} else if (c->kinds[i] == DKT_INOUT_ADDRESS && m->slot[i]) {
			base = *m->slot[i];
		} else if (c->kinds[i] == DKT_INOUT_U64 && m->slot[i]) {
			length = *m->slot[i];
		} else if (c->kinds[i] == DKT_VALUE && !length &&
			   !strcmp(c->names[i], "length")) {
			length = m->a[i];
		}
	}
	/* Reading a server gives a connection. */
	if (m->index == DK_INDEX_DkStreamRead && m->slot[4] &&
	    *m->slot[4] == sizeof(struct dk_accepted)) {
		struct dk_accepted accepted;

		if (touch(&accepted, (void *)m->a[2], sizeof(accepted)) &&
		    accepted.stream && (u32)accepted.stream < DK_POOLED)
			keep_handle(w, "stream", accepted.stream);
	}
	if (m->index == DK_INDEX_DkxProcessClone && m->slot[2])
		keep_id(w, *m->slot[2]);
	if (m->index == DK_INDEX_DkProcessCreate && m->slot[5])
		keep_id(w, *m->slot[5]);
	if (base && base < (u64)arena && length && length <= MAPPING_MAX)
		keep_mapping(w, base, length);
}
