// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to every call, driven by the call table.
 *
 * For each call there is a row with arguments that are good. The driver makes
 * the call as it stands, then again and again with one argument made bad in
 * each way its kind allows: the one status that fits must come back, nothing
 * may be written, and no handle or object may be left. A call of the table
 * without a row fails the first test.
 */
#include "dk_bad_rows.h"

/* ---- the driver ---- */

static u64 made_bad;

/*
 * Makes the call with argument @i replaced by @value. @want: the status, or
 * 1 for any failure, or 2 for whatever the call's set has.
 */
static void bad_call(const struct call *c, int i, u64 value, s64 want,
		     const char *what)
{
	const struct row *row = &rows[c->index];
	u64 a[6] = { 0 }, slots[4], before[4];
	s64 status;

	for (int k = 0; k < 4; k++)
		*slot(k) = POISON;
	row->good(a);
	for (int k = 0; k < 4; k++)
		before[k] = *slot(k);
	a[i] = value;
	status = make_call(c, a);
	made_bad++;
	for (int k = 0; k < 4; k++)
		slots[k] = *slot(k);
	/* A call that fails anyway may say so first. */
	if (want == 1 ? status == 0 :
			want != 2 && status != want &&
				!(status && status == row->status))
		dkt_fail("%s with argument %d %s (0x%lx): %s, not %s", c->name,
			 i, what, (unsigned long)value, dkt_status(status),
			 want == 1 ? "a failure" : dkt_status(want));
	for (int k = 0; k < 4 && status; k++)
		if (slots[k] != before[k])
			dkt_fail(
				"%s with argument %d %s failed (%s) and wrote 0x%lx",
				c->name, i, what, dkt_status(status),
				(unsigned long)slots[k]);
	if (row->after && (status == 0 || row->always))
		row->after(a);
}

struct bad_value {
	u64 value;
	const char *what;
};

static void bad_pointers(const struct call *c, int i, enum dkt_kind kind)
{
	const struct bad_value bad[] = {
		{ 8, "in the first page" },
		{ 0, "null" },
		{ (u64)w.gone, "unmapped" },
		{ (u64)w.none, "without access" },
		{ (u64)w.above, "at the limit" },
		{ (u64)w.above - 4, "across the limit" },
		{ 0x8000000000000000ULL, "not canonical" },
		{ 0xffff800000000000ULL, "kernel memory" },
		{ 0xffffffff81000000ULL, "kernel text" },
		{ 0xffffffffff600000ULL, "the vsyscall page" },
		{ 0xfffffffffffffff8ULL, "at the very end" },
		{ 0xffffffffffffffffULL, "the last byte" },
		/* Two good pages end here: 4 bytes are there, no more. */
		{ (u64)w.page + 2 * PAGE - 4, "4 bytes before a hole" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
		/* A shorter object than 4 bytes fits in front of the hole. */
		bool fits = kind == DKT_OUT &&
			    c->index == DK_INDEX_DkxConsoleControl;

		fits |= c->index == DK_INDEX_DkDebugStringPrint;
		/*
		 * A transfer may be short (four bytes) or fail: a file's data
		 * and random bits are written as far as they can be.
		 */
		fits |= c->index == DK_INDEX_DkStreamRead && kind == DKT_OUT;
		fits |= c->index == DK_INDEX_DkStreamWrite && kind == DKT_IN;
		if (k == ARRAY_SIZE(bad) - 1 && fits)
			continue;
		/* These may be left out. */
		if (!bad[k].value &&
		    (c->index == DK_INDEX_DkThreadDelayExecution ||
		     c->index == DK_INDEX_DkSemaphoreRelease))
			continue;
		bad_call(c, i, bad[k].value, DK_STATUS_INVALID_POINTER,
			 bad[k].what);
	}
	if (kind >= DKT_OUT_U64 || kind == DKT_OUT) {
		u64 a[6] = { 0 }, value;

		/* What is read there is good. */
		rows[c->index].good(a);
		value = *(u64 *)a[i];
		DkVirtualMemoryProtect(w.read_only, PAGE,
				       DK_PROT_READ | DK_PROT_WRITE);
		*(u64 *)w.read_only = value;
		DkVirtualMemoryProtect(w.read_only, PAGE, DK_PROT_READ);
		if (rows[c->index].always)
			rows[c->index].after(a);
		bad_call(c, i, (u64)w.read_only, DK_STATUS_INVALID_POINTER,
			 "read-only");
		if (*(u64 *)w.read_only != value)
			dkt_fail("%s wrote to a read-only page", c->name);
	}
}

static void bad_handles(const struct call *c, int i, const struct row *row)
{
	const struct bad_value bad[] = {
		{ 0, "null" },
		{ ~0ULL, "all ones" },
		{ 0x8000000000000000ULL, "the sign bit" },
		{ w.closed, "stale" },
		{ w.event ^ 1ULL << 32, "of another generation" },
		{ w.event ^ 1ULL << 63, "with a flipped top bit" },
		{ w.event + 60000, "far beyond" },
		{ 0x100000000ULL + 65537, "past the table" },
		{ 0xffffffff00000001ULL, "foreign" },
	};
	u64 a[6] = { 0 };

	for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
		bad_call(c, i, bad[k].value, DK_STATUS_INVALID_HANDLE,
			 bad[k].what);
	if (row->wrong)
		bad_call(c, i, *row->wrong, DK_STATUS_WRONG_TYPE,
			 "of a wrong type");
	if (row->right) {
		DK_HANDLE weak = 0;

		/* The most that it has, without the one. */
		row->good(a);
		for (u64 rights = DK_RIGHTS_ALL; rights && !weak; rights--)
			if (!(rights & row->right))
				DkObjectReference(a[i], rights, &weak);
		/* A handle with that right alone has nothing weaker. */
		if (!weak) {
			if (row->always)
				row->after(a);
			return;
		}
		if (row->always)
			row->after(a);
		bad_call(c, i, weak, DK_STATUS_ACCESS_DENIED,
			 "without the right");
		DkObjectClose(weak);
	}
}

static void bad_flags(const struct call *c, int i, u64 known)
{
	u64 good[6] = { 0 };

	if (c->index == DK_INDEX_DkVirtualMemoryAlloc && i == 2)
		known = 0xf;
	if (c->index == DK_INDEX_DkStreamMap && i == 5)
		known = 7;
	if (c->index == DK_INDEX_DkStreamOpen && i == 2)
		known = 0xf;
	rows[c->index].good(good);
	if (rows[c->index].always)
		rows[c->index].after(good);
	for (int bit = 0; bit < 64; bit++)
		if (!(known >> bit & 1))
			bad_call(c, i, good[i] | 1ULL << bit,
				 DK_STATUS_INVALID_PARAMETER,
				 "with an unknown bit");
	bad_call(c, i, ~0ULL, DK_STATUS_INVALID_PARAMETER, "all bits");
}

static void bad_lengths(const struct call *c, int i)
{
	static const struct bad_value bad[] = {
		{ 1ULL << 63, "2^63" },
		{ ~0ULL, "2^64 - 1" },
		{ ~0ULL - 4095, "2^64 - 4096" },
		{ (1ULL << 63) - 1, "2^63 - 1" },
		{ 1ULL << 62, "2^62" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
		s64 want = 1;

		/* What is too long for memory may be cut there. */
		if (c->index == DK_INDEX_DkStreamRead ||
		    c->index == DK_INDEX_DkStreamWrite)
			want = 2;
		/* A length that a sparse file can have. */
		if (c->index == DK_INDEX_DkStreamSetLength &&
		    !(bad[k].value >> 63))
			want = 2;
		bad_call(c, i, bad[k].value, want, bad[k].what);
	}
}

static void bad_addresses(const struct call *c, int i)
{
	const struct bad_value bad[] = {
		{ (u64)w.above, "at the limit" },
		{ 0x8000000000000000ULL, "not canonical" },
		{ 0xffff800000000000ULL, "kernel memory" },
		{ 0xffffffff81000000ULL, "kernel text" },
		{ 0xfffffffffffff000ULL, "the last page" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
		s64 want = 1;

		if (c->index == DK_INDEX_DkInstructionCacheFlush)
			want = 2;
		if (c->index == DK_INDEX_DkxSystemCallRegister && i == 1)
			want = DK_STATUS_INVALID_POINTER;
		bad_call(c, i, bad[k].value, want, bad[k].what);
	}
}

/* Is argument @i the length of something, by what stands before it? */
static bool is_length(const struct call *c, int i)
{
	if (c->kinds[i] != DKT_VALUE)
		return false;
	if (i && (c->kinds[i - 1] == DKT_STRING || c->kinds[i - 1] == DKT_IN ||
		  c->kinds[i - 1] == DKT_OUT || c->kinds[i - 1] == DKT_ADDRESS))
		return c->index != DK_INDEX_DkThreadCreate || i != 1;
	return (c->index == DK_INDEX_DkStreamMap && i == 2) ||
	       (c->index == DK_INDEX_DkStreamSetLength) ||
	       (c->index == DK_INDEX_DkObjectsWaitAny);
}

static void drive(u32 class)
{
	struct dkt_counts before, after;

	make_world();
	for (u32 index = class << DK_CLASS_SHIFT;
	     index < (class + 1) << DK_CLASS_SHIFT; index++) {
		const struct call *c = &call_table[index];
		const struct row *row = &rows[index];
		u64 a[6] = { 0 }, made = made_bad;
		s64 status;

		if (!c->name || !c->version || !row->good)
			continue;
		dkt_counts(&before);
		for (int k = 0; k < 4; k++)
			*slot(k) = POISON;
		row->good(a);
		status = make_call(c, a);
		if (status != row->status)
			dkt_fail("%s: %s, not %s", c->name, dkt_status(status),
				 dkt_status(row->status));
		if (row->after)
			row->after(a);
		for (u32 i = 0; i < c->argc; i++) {
			if (row->skip >> i & 1)
				continue;
			switch (c->kinds[i]) {
			case DKT_HANDLE:
				bad_handles(c, i, row);
				break;
			case DKT_FLAGS:
				bad_flags(c, i, row->flags_known);
				break;
			case DKT_ADDRESS:
				bad_addresses(c, i);
				break;
			case DKT_SIGNED:
				bad_call(c, i, -1ULL,
					 DK_STATUS_INVALID_PARAMETER,
					 "negative");
				break;
			case DKT_VALUE:
				if (is_length(c, i))
					bad_lengths(c, i);
				break;
			default:
				bad_pointers(c, i, c->kinds[i]);
			}
		}
		settled_counts(&after, &before);
		if (after.handles != before.handles ||
		    after.objects > before.objects)
			dkt_fail("%s: %ld handles and %ld objects left",
				 c->name,
				 (long)(after.handles - before.handles),
				 (long)(after.objects - before.objects));
		dkt_print("# %s: %lu bad calls\n", c->name,
			  (unsigned long)(made_bad - made));
	}
}

/* ---- tests ---- */

TEST(every_call_has_a_test)
{
	u32 count = 0;

	for (u32 i = 0; i < DK_CALL_LIMIT; i++) {
		if (!call_table[i].name)
			continue;
		count++;
		/*
		 * These do not return, or only when the outside says so, or
		 * take structures: see dk_local.c,
		 * dk_edges.c, signals.c.
		 */
		if (i == DK_INDEX_DkThreadExit || i == DK_INDEX_DkProcessExit ||
		    i == DK_INDEX_DkxContextRestore ||
		    i == DK_INDEX_DkxProcessStop ||
		    i == DK_INDEX_DkxParcelSend ||
		    i == DK_INDEX_DkxParcelReceive)
			continue;
		if (call_table[i].version && !rows[i].good)
			dkt_fail("%s has no test", call_table[i].name);
		if (!call_table[i].version && rows[i].good)
			dkt_fail("%s is tested and not there",
				 call_table[i].name);
	}
	EXPECT_GE(count, 45);
}

TEST(calls_that_are_not_there)
{
	for (u32 i = 0; i < DK_CALL_LIMIT; i++) {
		u64 version = POISON;
		s64 status;

		if (call_table[i].name && call_table[i].version) {
			EXPECT_OK(DkxAbiQuery(DK_VECTOR_BASE + i, &version));
			EXPECT_EQ(version, call_table[i].version);
			continue;
		}
		status = dkt_raw(i, 0, 0, 0, 0, 0, 0);
		if (status != DK_STATUS_NOT_IMPLEMENTED)
			dkt_fail("call %u (%s) gave %s", i,
				 call_table[i].name ? call_table[i].name :
						      "no name",
				 dkt_status(status));
		if (call_table[i].name) {
			EXPECT_OK(DkxAbiQuery(DK_VECTOR_BASE + i, &version));
			EXPECT_EQ(version, 0);
		} else {
			EXPECT_STATUS(DkxAbiQuery(DK_VECTOR_BASE + i, &version),
				      INVALID_PARAMETER);
			EXPECT_EQ(version, POISON);
		}
	}
}

TEST(numbers_beside_the_table)
{
	static const u64 numbers[] = {
		DK_CALL_LIMIT,
		DK_CALL_LIMIT + 1,
		0x1ff,
		0xffff,
		0xfffff,
		-1ULL - DK_VECTOR_BASE,
		-1ULL,
		1ULL << 31,
		1ULL << 32,
		1ULL << 63,
		(1ULL << 32) + DK_INDEX_DkNotificationEventCreate,
		(1ULL << 63) + DK_INDEX_DkNotificationEventCreate,
	};
	u64 out = POISON;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		s64 status = dkt_raw(numbers[i], 0, (u64)&out, 0, 0, 0, 0);

		if (status != DK_STATUS_NOT_IMPLEMENTED)
			dkt_fail("vector + 0x%lx gave %s",
				 (unsigned long)numbers[i], dkt_status(status));
	}
	EXPECT_EQ(out, POISON);
}

#include "dk_bad_classes.h"
