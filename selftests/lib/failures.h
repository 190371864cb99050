/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For dk_failures.c and dk_failures_io.c: calls with each of the allocations and
 * copies that they make failing once. The status is NO_MEMORY or INVALID_POINTER,
 * nothing has changed but what an operation's mend() says, and the call can be
 * made again. A call whose set has NO_MEMORY must say it.
 *
 * The outside lets them fail, asked through memory that both have mapped, so
 * that this thread makes no other call in between (failing.h). It needs the
 * debug kernel.
 */
#ifndef FAILURES_H
#define FAILURES_H

#include "connection.h"
#include "failing.h"

/* No call makes so many. */
#define FAILURES_MAX	3000

static volatile struct dkt_failing *failing;

static void served(u32 request)
{
	failing->request = request;
	__sync_synchronize();
	for (u64 i = 0; failing->request; i++) {
		asm volatile("pause");
		/* Minutes: nobody is there any more. */
		if (i == 1ULL << 34)
			DkProcessExit(98);
	}
	__sync_synchronize();
}

/* Threads, processes and files may take a moment to be gone. */
static bool as_before(const struct dkt_counts *was)
{
	s64 left;

	for (int i = 0; i < 3000; i++) {
		served(DKT_FAILING_COUNT);
		if (failing->handles == was->handles &&
		    failing->objects == was->objects &&
		    failing->threads == was->threads &&
		    failing->processes == was->processes)
			return true;
		DkThreadDelayExecution(10 * MSEC, &left);
	}
	dkt_print("# %lu handles, %lu objects, %lu threads, %lu processes\n",
		  failing->handles, failing->objects, failing->threads,
		  failing->processes);
	dkt_print("# before: %lu, %lu, %lu, %lu\n", (unsigned long)was->handles,
		  (unsigned long)was->objects, (unsigned long)was->threads,
		  (unsigned long)was->processes);
	return false;
}

/* What was said when something failed, by the call's index. */
static u64 said[DK_CALL_LIMIT];
static bool tried[DK_CALL_LIMIT];

/*
 * @call makes the call that is tried, and nothing else does while an allocation
 * may fail. @before makes what it needs; @after, if it was a success, takes back
 * what it did, and takes away what @before made.
 */
struct operation {
	const char *name;
	u32 index;
	void (*before)(void);
	s64 (*call)(void); /* a DK_STATUS */
	void (*after)(bool success);
	/* what that status may leave is put right, before it is called again */
	void (*mend)(DK_STATUS status);
	u64 also; /* statuses by which Linux itself calls a lack of memory */
};

/* Whether something failed in the try that is looked at. */
static bool failure_met;

static void count_now(struct dkt_counts *counts)
{
	served(DKT_FAILING_COUNT);
	counts->handles = failing->handles;
	counts->objects = failing->objects;
	counts->threads = failing->threads;
	counts->processes = failing->processes;
}

/* One try; false if there was no n-th to fail. */
static bool attempt(const struct operation *o, u32 nth,
		    const struct dkt_counts *was)
{
	DK_STATUS status, again = DK_STATUS_SUCCESS;
	bool good = true;

	if (o->before)
		o->before();
	failing->nth = nth;
	served(DKT_FAILING_ARM);
	status = o->call();
	served(DKT_FAILING_DISARM);
	failure_met = failing->left == 0;
	if (status < 0) {
		said[o->index] |= dkt_status_bit(status);
		if (o->mend)
			o->mend(status);
		again = o->call();
		good = again >= 0 && failure_met &&
		       (status == DK_STATUS_NO_MEMORY ||
			status == DK_STATUS_INVALID_POINTER ||
			o->also & dkt_status_bit(status));
		if (!good)
			dkt_fail("%s, failure %u%s: %s, and then %s", o->name,
				 nth, failure_met ? "" : ", which was not met",
				 dkt_status(status), dkt_status(again));
	}
	if (o->after)
		o->after(status >= 0 || again >= 0);
	if (!as_before(was)) {
		dkt_fail("%s, failure %u: %s, and something is left", o->name,
			 nth, dkt_status(status));
		good = false;
	}
	return failure_met && good;
}

static void walk(const struct operation *o)
{
	struct dkt_counts was;
	u32 nth;

	tried[o->index] = true;
	count_now(&was);
	for (nth = 1; nth < FAILURES_MAX && attempt(o, nth, &was); nth++)
		;
	EXPECT_LT(nth, FAILURES_MAX);
	dkt_print("# %s: %u\n", o->name, nth - 1);
}

/* ---- what the operations need, and what they give ---- */

static DK_HANDLE made = POISON, kept = POISON, other = POISON;
static u8 *memory;
static u8 data[8192];
static u64 done;
static char uri[256], new_uri[256], folder[256], image_uri[512];

static void close_made(bool success)
{
	if (success)
		EXPECT_OK(DkObjectClose(made));
	made = POISON;
}

static void drop_kept(bool success)
{
	EXPECT_OK(DkObjectClose(kept));
}

static void drop_reference(bool success)
{
	close_made(success);
	drop_kept(true);
}

#define OP(dk, before, call, after) \
	{ #dk " (" #call ")", DK_INDEX_##dk, before, call, after, NULL, 0 }
#define OP_MENDED(dk, before, call, after, mend) \
	{ #dk " (" #call ")", DK_INDEX_##dk, before, call, after, mend, 0 }
#define OP_ALSO(dk, before, call, after, also)                         \
	{ #dk " (" #call ")", DK_INDEX_##dk, before, call, after, NULL, also }

/* From here on allocations can fail; done by the first test that is run. */
static void failures_begin(void)
{
	void *base = NULL;
	DK_HANDLE h;
	s64 answer = -1;

	if (failing)
		return;
	dkt_snprintf(folder, sizeof(folder), "file:%s/rw", dkt_argument(1));
	dkt_snprintf(image_uri, sizeof(image_uri), "file:%s", dkt_argument(0));
	dkt_snprintf(uri, sizeof(uri), "%s/failing", folder);
	dkt_snprintf(new_uri, sizeof(new_uri), "%s/new", folder);
	h = dkt_open(uri, RW, DK_OPEN_CREATE_NEW, DK_OPTION_MODE(0644));
	ASSERT_OK(DkStreamSetLength(h, PAGE));
	ASSERT_OK(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ | DK_PROT_WRITE,
			      DK_MAP_SHARED));
	failing = base;
	failing->left = 0;
	EXPECT_OK(DkObjectClose(h));
	dkt_ask("@failing\n", &answer, sizeof(answer));
	ASSERT_EQ(answer, 0);
	/* What is mapped stays. */
	EXPECT_OK(DkStreamDelete(URI(uri), DK_DELETE_FILE));
}

#define WALK(operations)                                         \
	do {                                                     \
		failures_begin();                                \
		for (size_t i = 0; i < ARRAY_SIZE(operations); i++) \
			walk(&(operations)[i]);                  \
	} while (0)

static const struct {
	const char *name;
	u32 index;
	u64 statuses;
} failures_calls[] = {
#define CALL(class, function, name, version, args, statuses) \
	{ #name, DK_INDEX_##name, statuses },
	DK_CALL_TABLE(CALL)
};

/*
 * The last one: of the calls that were tried. (What file systems say is in
 * dk_errors.c; they are known by STALE.)
 */
static void failures_end(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures_calls); i++) {
		u32 index = failures_calls[i].index;

		if (tried[index] &&
		    (failures_calls[i].statuses &
		     (DK_S(NO_MEMORY) | DK_S(STALE))) == DK_S(NO_MEMORY) &&
		    !(said[index] & DK_S(NO_MEMORY)))
			dkt_fail("%s never said NO_MEMORY",
				 failures_calls[i].name);
	}
	served(DKT_FAILING_END);
}

#endif /* FAILURES_H */
