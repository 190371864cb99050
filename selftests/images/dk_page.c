// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that ends where a page is not there. Whatever a call reads or writes
 * is put right before the edge of mapped memory: there the call does what it
 * does elsewhere. And then so that it reaches over the edge, by one byte or by
 * all but one: that is INVALID_POINTER, nothing has been made, taken, moved or
 * written; or of data as much as there is memory for, and the rest is still
 * where it was.
 *
 * Arguments of every call come from dk_bad_rows.h, a call at a time. What
 * structures point to is below it. dk_page_data.c has what is moved,
 * dk_page_parcel.c what is sent to others of the sandbox, dk_edges.c the
 * operations of DkxStreamControl, dk_console.c those of DkxConsoleControl.
 */
#include "connection.h"
#include "dk_bad_rows.h"
#include "edge.h"

/* ---- every pointer among the arguments of every call ---- */

#define UNWRITTEN	0xd2

struct outcome {
	s64 status;
	u8 object[1100]; /* what is there of it afterwards */
	bool torn; /* a call that failed has written to it */
};

/* How long is what argument @i points to? 0: that is not looked at. */
static u64 object_size(const struct call *c, const u64 *a, u32 i)
{
	switch (c->kinds[i]) {
	case DKT_STRING:
	case DKT_IN:
	case DKT_OUT:
		return a[i + 1];
	case DKT_HANDLES:
		return a[i - 1] * sizeof(DK_HANDLE);
	case DKT_OUT_U64:
	case DKT_OUT_S64:
	case DKT_OUT_HANDLE:
	case DKT_INOUT_U64:
	case DKT_INOUT_ADDRESS:
		return sizeof(u64);
	case DKT_ADDRESS:
		if (!i && (c->index == DK_INDEX_DkxAddressWait ||
			   c->index == DK_INDEX_DkxAddressWake))
			return sizeof(u32);
		if (i == 1 && c->index == DK_INDEX_DkxSystemCallRegister)
			return sizeof(struct dk_thread_block);
		return 0;
	default:
		return 0;
	}
}

static bool is_output(enum dkt_kind kind)
{
	return kind == DKT_OUT || kind >= DKT_OUT_U64;
}

/* What cannot be the same twice: new handles, addresses and ids; and clocks. */
static bool is_volatile(const struct call *c, u32 i)
{
	switch (c->kinds[i]) {
	case DKT_OUT_HANDLE:
	case DKT_INOUT_ADDRESS:
		return true;
	default:
		return c->index == DK_INDEX_DkSystemTimeQuery ||
		       c->index == DK_INDEX_DkRandomBitsRead ||
		       c->index == DK_INDEX_DkxUsageQuery ||
		       c->index == DK_INDEX_DkProcessCreate ||
		       c->index == DK_INDEX_DkxProcessClone ||
		       c->index == DK_INDEX_DkSemaphoreRelease;
	}
}

/*
 * Makes the call with what argument @i points to at the edge, or over it; or,
 * with @over == -1, where it always is. Returns its size, 0 if it has none.
 */
static u64 make_at(const struct call *c, u32 i, s64 over, struct outcome *o)
{
	const struct row *row = &rows[c->index];
	u64 a[6] = { 0 }, size, there, before[4];
	u8 *from, *to;

	for (int k = 0; k < 4; k++)
		*slot(k) = POISON;
	row->good(a);
	size = object_size(c, a, i);
	if (!size) {
		if (row->after && row->always)
			row->after(a);
		return 0;
	}
	there = over < 0 ? size : size - over;
	to = from = (u8 *)a[i];
	if (over >= 0)
		to = at_edge(from, size, over);
	/* What is only written has nothing in it that a call would write. */
	if (is_output(c->kinds[i]) && c->kinds[i] < DKT_INOUT_U64)
		memset(to, UNWRITTEN, there);
	memcpy(o->object, to, there);
	a[i] = (u64)to;
	for (int k = 0; k < 4; k++)
		before[k] = *slot(k);
	o->status = make_call(c, a);
	o->torn = o->status && memcmp(o->object, to, there);
	memcpy(o->object, to, there);
	a[i] = (u64)from;
	/* From where @after takes it; in a clone, too, which ends there. */
	if (!o->status && to != from && is_output(c->kinds[i]))
		memcpy(from, to, there);
	for (int k = 0; k < 4 && o->status; k++)
		if (*slot(k) != before[k])
			dkt_fail("%s with argument %u %ld over: wrote 0x%lx",
				 c->name, i, (long)over,
				 (unsigned long)*slot(k));
	if (row->after && (!o->status || row->always))
		row->after(a);
	if (to != from && !guarded(to))
		dkt_fail("%s wrote before argument %u", c->name, i);
	return size;
}

static bool unwritten(const u8 *at)
{
	for (size_t k = 0; k < sizeof(u64); k++)
		if (at[k] != UNWRITTEN)
			return false;
	return true;
}

static void at_the_edge(const struct call *c, u32 i)
{
	static struct outcome here, edge;
	u64 size = make_at(c, i, -1, &here);

	if (!size)
		return;
	make_at(c, i, 0, &edge);
	if (here.status != edge.status)
		dkt_fail("%s with argument %u at the edge: %s, not %s", c->name,
			 i, dkt_status(edge.status), dkt_status(here.status));
	if (is_volatile(c, i)) {
		if (is_output(c->kinds[i]) && !edge.status &&
		    (unwritten(edge.object) ||
		     unwritten(edge.object + size - sizeof(u64))))
			dkt_fail("%s left argument %u as it was", c->name, i);
	} else if (memcmp(here.object, edge.object, size)) {
		dkt_fail("%s made another thing of argument %u at the edge",
			 c->name, i);
	}
}

static void over_the_edge(const struct call *c, u32 i)
{
	static struct outcome o;
	u64 size = make_at(c, i, 0, &o), over[2];

	if (!size)
		return;
	/* As much as there is memory for: see below. */
	if ((c->index == DK_INDEX_DkStreamRead && c->kinds[i] == DKT_OUT) ||
	    (c->index == DK_INDEX_DkStreamWrite && c->kinds[i] == DKT_IN) ||
	    (c->index == DK_INDEX_DkStreamEnumerateChildren &&
	     c->kinds[i] == DKT_OUT))
		return;
	/* It says first that the process runs: see below, too. */
	if (rows[c->index].status == DK_STATUS_BUSY)
		return;
	over[0] = 1;
	over[1] = size - 1;
	/* These have to be aligned. */
	if (c->kinds[i] == DKT_ADDRESS)
		over[0] = over[1] = size;
	for (int k = 0; k < 2; k++) {
		make_at(c, i, over[k], &o);
		if (o.status != DK_STATUS_INVALID_POINTER)
			dkt_fail("%s with argument %u, %lu of %lu over: %s",
				 c->name, i, (unsigned long)over[k],
				 (unsigned long)size, dkt_status(o.status));
		/* Of a structure, or of data, the part that is there may be. */
		if (o.torn && c->kinds[i] != DKT_OUT)
			dkt_fail("%s, %lu over, wrote to argument %u", c->name,
				 (unsigned long)over[k], i);
		else if (o.torn)
			dkt_print(
				"# %s wrote the part of argument %u that is there\n",
				c->name, i);
	}
}

static void drive(u32 class)
{
	struct dkt_counts before, after;

	make_world();
	make_edge();
	for (u32 index = class << DK_CLASS_SHIFT;
	     index < (class + 1) << DK_CLASS_SHIFT; index++) {
		const struct call *c = &call_table[index];

		if (!c->name || !c->version || !rows[index].good)
			continue;
		dkt_counts(&before);
		for (u32 i = 0; i < c->argc; i++) {
			at_the_edge(c, i);
			over_the_edge(c, i);
		}
		settled_counts(&after, &before);
		if (after.handles != before.handles ||
		    after.objects > before.objects)
			dkt_fail("%s: %ld handles and %ld objects left",
				 c->name,
				 (long)(after.handles - before.handles),
				 (long)(after.objects - before.objects));
	}
	expect_edge();
}

#include "dk_bad_classes.h"

/* ---- what these rows do not have ---- */

TEST(a_long_name)
{
	u64 length = DRAWBRIDGE_URI_MAX - 8, at = strlen(w.dir);
	static char name[DRAWBRIDGE_URI_MAX];
	DK_HANDLE h = POISON;

	make_world();
	make_edge();
	/* FOLDER/././././bad-file */
	memcpy(name, w.dir, at);
	while (at < length - strlen("/bad-file") - 1) {
		memcpy(name + at, "/.", 2);
		at += 2;
	}
	memcpy(name + at, "/bad-file", strlen("/bad-file"));
	length = at + strlen("/bad-file");
	EXPECT_OK(DkStreamOpen(at_edge(name, length, 0), length, R,
			       DK_OPEN_EXISTING, 0, &h));
	EXPECT_OK(DkObjectClose(h));
	h = POISON;
	EXPECT_STATUS(DkStreamOpen(at_edge(name, length, 1), length, R,
				   DK_OPEN_EXISTING, 0, &h),
		      INVALID_POINTER);
	/* A new file's name that cannot be read makes none. */
	EXPECT_STATUS(DkStreamOpen(at_edge(w.new_uri, strlen(w.new_uri), 1),
				   strlen(w.new_uri), RW, DK_OPEN_CREATE,
				   DK_OPTION_MODE(0644), &h),
		      INVALID_POINTER);
	EXPECT_EQ(h, POISON);
	EXPECT_STATUS(DkStreamDelete(w.new_uri, strlen(w.new_uri) - 1,
				     DK_DELETE_FILE),
		      NOT_FOUND);
}

TEST(an_exit_code)
{
	s64 poison = POISON, *at;
	DK_HANDLE child;
	u64 id;

	make_world();
	make_edge();
	ASSERT_OK(DkxProcessClone(0, &child, &id));
	if (!child)
		DkProcessExit(77);
	EXPECT_TRUE(dkt_wait(child));
	at = at_edge(&poison, sizeof(*at), 0);
	EXPECT_OK(DkProcessGetExitCode(child, at));
	EXPECT_EQ(*at, 77);
	for (u64 over = 1; over <= 8; over++) {
		u8 *part = at_edge(&poison, sizeof(*at), over);

		EXPECT_STATUS(DkProcessGetExitCode(child, (s64 *)part),
			      INVALID_POINTER);
		EXPECT_EQ(memcmp(part, &poison, sizeof(*at) - over), 0);
	}
	EXPECT_OK(DkObjectClose(child));
}

/* A stack that ends at the edge is as good as any other. */
TEST(a_stack)
{
	DK_HANDLE thread;

	make_world();
	make_edge();
	ASSERT_OK(DkThreadCreate((void *)quick_exit, 0, end - 2 * PAGE,
				 2 * PAGE, &thread));
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_OK(DkObjectClose(thread));
}

TEST(a_deadline)
{
	const struct dk_deadline past = { 0, 1 };
	u32 word = 5;

	make_world();
	make_edge();
	for (u64 flags = 0; flags <= DK_ADDRESS_WALL_CLOCK;
	     flags += DK_ADDRESS_PRIVATE) {
		EXPECT_STATUS(DkxAddressWait(&word, DK_ADDRESS_WAIT | flags, 5,
					     at_edge(&past, sizeof(past), 0), 0,
					     DK_ADDRESS_ALL_BITS),
			      TIMEOUT);
		for (u64 over = 1; over <= sizeof(past); over++)
			EXPECT_STATUS(DkxAddressWait(&word,
						     DK_ADDRESS_WAIT | flags, 5,
						     at_edge(&past,
							     sizeof(past),
							     over),
						     0, DK_ADDRESS_ALL_BITS),
				      INVALID_POINTER);
	}
}

/* The second word of those that have two. */
TEST(two_words)
{
	u64 add_one = 1ULL << 12 | 1 << 28;
	u32 zero = 0, *first, *second;

	make_world();
	make_edge();
	first = (u32 *)BUFFER;
	*first = 0;
	second = at_edge(&zero, sizeof(zero), 0);
	EXPECT_OK(DkxAddressWake(first, DK_ADDRESS_WAKE_OPERATION, 1, 1, second,
				 add_one));
	EXPECT_EQ(*second, 1);
	EXPECT_OK(DkxAddressWake(first, DK_ADDRESS_REQUEUE, 1, 1, second, 0));
	EXPECT_OK(DkxAddressWake(first, DK_ADDRESS_COMPARE_REQUEUE, 1, 1,
				 second, 0));
	EXPECT_STATUS(DkxAddressWake(first, DK_ADDRESS_WAKE_OPERATION, 1, 1,
				     end, add_one),
		      INVALID_POINTER);
	EXPECT_STATUS(DkxAddressWake(first, DK_ADDRESS_REQUEUE, 1, 1, end, 0),
		      INVALID_POINTER);
	EXPECT_STATUS(DkxAddressWake(first, DK_ADDRESS_COMPARE_REQUEUE, 1, 1,
				     end, 0),
		      INVALID_POINTER);
	EXPECT_EQ(*second, 1);
}

/* Goes on behind itself with the context at @c; its status, or 1. */
static s64 restore(u8 *c)
{
	s64 status;

	asm volatile("lea 1f(%%rip), %%rax\n\t"
		     "mov %%rax, 136(%%rdi)\n\t" /* rip */
		     "mov %%rsp, 160(%%rdi)\n\t" /* rsp */
		     "mov %%rbp, 96(%%rdi)\n\t" /* rbp */
		     "mov %[nr], %%eax\n\t"
		     "syscall\n\t"
		     "jmp 2f\n"
		     "1: mov $1, %%eax\n"
		     "2:"
		     : "=a"(status), "+D"(c)
		     : [nr] "i"(DK_VECTOR_BASE + DK_INDEX_DkxContextRestore)
		     : "rcx", "r11", "r12", "r13", "r14", "r15", "rbx", "rsi",
		       "rdx", "r8", "r9", "r10", "memory", "cc");
	return status;
}

TEST(a_context)
{
	struct dk_context c = { .cs = 0x33, .ss = 0x2b, .rflags = 0x202 };

	make_world();
	make_edge();
	EXPECT_EQ(restore((u8 *)&c), 1);
	EXPECT_EQ(restore(at_edge(&c, sizeof(c), 0)), 1);
	for (u64 over = 1; over <= sizeof(c.ss); over++)
		EXPECT_STATUS(restore(at_edge(&c, sizeof(c), over)),
			      INVALID_POINTER);
}

/* ---- waiting ---- */

/* The last of 64; each kind that something is taken of, and one that is not. */
TEST(a_wait)
{
	static DK_HANDLE h[DK_WAIT_MAX];
	u64 poison = POISON, index, value, last = DK_WAIT_MAX - 1;

	make_world();
	make_edge();
	for (int i = 0; i < DK_WAIT_MAX - 3; i++)
		ASSERT_OK(DkNotificationEventCreate(0, &h[i]));
	ASSERT_OK(DkSynchronizationEventCreate(0, &h[last - 2]));
	ASSERT_OK(DkSemaphoreCreate(0, 1, &h[last - 1]));
	ASSERT_OK(DkNotificationEventCreate(0, &h[last]));
	for (u64 k = last - 2; k <= last; k++) {
		u64 *at;

		for (s64 timeout = 0; timeout <= SEC; timeout += SEC) {
			/* Set again what the last round has taken. */
			if (k == last - 1)
				EXPECT_OK(DkSemaphoreRelease(h[k], 1, &value));
			else
				EXPECT_OK(DkEventSet(h[k]));
			for (u64 over = 1; over <= 8; over++) {
				index = POISON;
				at = at_edge(h, sizeof(h), over);
				EXPECT_STATUS(dkt_raw(DK_INDEX_DkObjectsWaitAny,
						      DK_WAIT_MAX, (u64)at,
						      timeout, (u64)&index, 0,
						      0),
					      INVALID_POINTER);
				EXPECT_EQ(index, POISON);
				at = at_edge(&poison, sizeof(poison), over);
				EXPECT_STATUS(dkt_raw(DK_INDEX_DkObjectsWaitAny,
						      DK_WAIT_MAX, (u64)h,
						      timeout, (u64)at, 0, 0),
					      INVALID_POINTER);
				EXPECT_EQ(memcmp(at, &poison, 8 - over), 0);
				/* Alone: what is taken has to be given back. */
				EXPECT_STATUS(dkt_raw(DK_INDEX_DkObjectsWaitAny,
						      1, (u64)&h[k], timeout,
						      (u64)at, 0, 0),
					      INVALID_POINTER);
				EXPECT_EQ(memcmp(at, &poison, 8 - over), 0);
			}
			/* It is there still, once. */
			value = POISON;
			EXPECT_OK(k == last - 1 ?
					  DkSemaphorePeek(h[k], &value) :
					  DkEventPeek(h[k], &value));
			EXPECT_EQ(value, 1);
			at = at_edge(h, sizeof(h), 0);
			index = POISON;
			EXPECT_STATUS(dkt_raw(DK_INDEX_DkObjectsWaitAny,
					      DK_WAIT_MAX, (u64)at, timeout,
					      (u64)&index, 0, 0),
				      SUCCESS);
			EXPECT_EQ(index, k);
			if (k == last)
				continue;
			EXPECT_STATUS(DkObjectsWaitAny(DK_WAIT_MAX, h, 0,
						       &index),
				      TIMEOUT);
		}
	}
	for (int i = 0; i < DK_WAIT_MAX; i++)
		EXPECT_OK(DkObjectClose(h[i]));
}

/* ---- what a new process is given ---- */

TEST(what_a_process_is_given)
{
	static const char strings[] = "/p\0/\0child";
	DK_HANDLE given[2], h = POISON;
	struct dk_process_parameters p = {
		.handle_count = 2,
		.handles = (u64)given,
		.strings = (u64)strings,
		.strings_length = sizeof(strings),
		.argument_count = 1,
	}, moved;
	struct dkt_counts before, after;
	u64 id = POISON;
	s64 code;

	make_world();
	make_edge();
	given[0] = w.event;
	given[1] = w.semaphore;
	dkt_counts(&before);
	for (int which = 0; which < 2; which++) {
		const void *from = which ? (void *)given : (void *)strings;
		u64 size = which ? sizeof(given) : sizeof(strings);

		for (u64 over = 0; over <= size; over++) {
			DK_STATUS status;

			moved = p;
			*(which ? &moved.handles : &moved.strings) =
				(u64)at_edge(from, size, over);
			status = DkProcessCreate(URI(w.image_uri), &moved,
						 sizeof(moved), &h, &id);
			EXPECT_EQ(status, over ? DK_STATUS_INVALID_POINTER : 0);
			if (over || status) {
				EXPECT_EQ(h, POISON);
				EXPECT_EQ(id, POISON);
				continue;
			}
			/* The child tells how many it has got. */
			EXPECT_TRUE(dkt_wait(h));
			EXPECT_OK(DkProcessGetExitCode(h, &code));
			EXPECT_EQ(code, 2);
			EXPECT_OK(DkObjectClose(h));
			h = id = POISON;
		}
	}
	settled_counts(&after, &before);
	EXPECT_EQ(after.handles, before.handles);
	EXPECT_EQ(after.objects, before.objects);
	EXPECT_EQ(after.processes, before.processes);
}
