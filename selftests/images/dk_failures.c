// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory, threads, processes and objects while allocations fail; see
 * lib/failures.h. dk_failures_io.c has the streams.
 */
#include "failures.h"

static u64 id, index_out;
static DK_HANDLE many[64];

static void need_event(void)
{
	EXPECT_OK(DkSynchronizationEventCreate(0, &kept));
}

/* ---- memory ---- */

static void need_memory(void)
{
	memory = dkt_pages(3);
}

static void need_touched(void)
{
	need_memory();
	memset(memory, 1, 3 * PAGE);
}

static void drop_memory(bool success)
{
	EXPECT_OK(DkVirtualMemoryFree(memory, 3 * PAGE, DK_MEM_RELEASE));
}

static DK_STATUS allocate(void)
{
	void *base = NULL;
	u64 length = 3 * PAGE;
	DK_STATUS status = DkVirtualMemoryAlloc(&base, &length,
						DK_MEM_RESERVE | DK_MEM_COMMIT,
						DK_PROT_READ | DK_PROT_WRITE);

	if (!status)
		memory = base;
	return status;
}

static void drop_allocated(bool success)
{
	if (success)
		drop_memory(true);
}

/* Of the middle: one area becomes two. */
static DK_STATUS release(void)
{
	return DkVirtualMemoryFree(memory + PAGE, PAGE, DK_MEM_RELEASE);
}

static DK_STATUS decommit(void)
{
	return DkVirtualMemoryFree(memory + PAGE, PAGE, DK_MEM_DECOMMIT);
}

/* What was to be decommitted may be gone. */
static void reserve(DK_STATUS status)
{
	void *base = memory + PAGE;
	u64 length = PAGE;

	DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE, DK_PROT_NONE);
}

static DK_STATUS protect(void)
{
	return DkVirtualMemoryProtect(memory + PAGE, PAGE, DK_PROT_READ);
}

static DK_STATUS move(void)
{
	s64 to = DkxVirtualMemoryMove(memory, 3 * PAGE, 64 * PAGE,
				      DK_MOVE_ANYWHERE, NULL);

	if (to > 0)
		memory = (u8 *)to;
	return to;
}

static void drop_moved(bool success)
{
	EXPECT_OK(DkVirtualMemoryFree(memory, success ? 64 * PAGE : 3 * PAGE,
				      DK_MEM_RELEASE));
}

/* ---- threads and processes ---- */

static void nothing(u64 parameter)
{
}

static void need_stack(void)
{
	memory = dkt_pages(16);
	memset(memory, 0, 16 * PAGE);
}

static DK_STATUS create_thread(void)
{
	return DkThreadCreate(nothing, 0, memory, 16 * PAGE, &made);
}

static void end_thread(bool success)
{
	if (success) {
		EXPECT_TRUE(dkt_wait(made));
		EXPECT_OK(DkObjectClose(made));
	}
	EXPECT_OK(DkVirtualMemoryFree(memory, 16 * PAGE, DK_MEM_RELEASE));
	made = POISON;
}

static volatile u64 raised;

static bool note(struct dk_exception *exception, struct dk_context *context)
{
	if (exception->code != DK_EXCEPTION_RAISED)
		return false;
	raised++;
	return true;
}

static void waits(u64 parameter)
{
	u64 index;

	while (DkObjectsWaitAny(1, &kept, DK_TIMEOUT_INFINITE, &index))
		;
}

static void need_waiter(void)
{
	raised = 0;
	dkt_exception = note;
	need_event();
	made = dkt_thread(waits, 0);
}

static DK_STATUS raise_exception(void)
{
	return DkThreadRaiseException(made, DK_EXCEPTION_RAISED, 1);
}

/* Raised once, not less and not more. */
static void end_waiter(bool success)
{
	EXPECT_OK(DkEventSet(kept));
	EXPECT_TRUE(dkt_wait(made));
	EXPECT_EQ(raised, success);
	EXPECT_OK(DkObjectClose(made));
	drop_kept(true);
	dkt_exception = NULL;
	made = POISON;
}

static DK_STATUS clone(void)
{
	DK_STATUS status = DkxProcessClone(0, &made, &id);

	/* Nothing is told: nobody reads meanwhile. */
	if (!status && !made)
		dkt_system_call(DK_INDEX_DkProcessExit, 7, 0, 0, 0, 0, 0);
	return status;
}

/* A child of the image that ends at once. */
static DK_STATUS create_process(void)
{
	static const char strings[] = "/a/program\0/a\0image\0ends";
	struct dk_process_parameters p = {
		.handles = (u64)&kept,
		.handle_count = 1,
		.strings = (u64)strings,
		.strings_length = sizeof(strings),
		.argument_count = 2,
	};

	return DkProcessCreate(URI(image_uri), &p, sizeof(p), &made, &id);
}

void dkt_child(void)
{
	if (!strcmp(dkt_argument(1), "ends"))
		dkt_system_call(DK_INDEX_DkProcessExit, 7, 0, 0, 0, 0, 0);
}

static void end_process(bool success)
{
	s64 code = -1;

	if (!success)
		return;
	EXPECT_TRUE(dkt_wait(made));
	EXPECT_OK(DkProcessGetExitCode(made, &code));
	/* It may itself have lacked memory, which ends it. */
	if (code != 7 &&
	    !(failure_met && (code == 128 + 9 || code == 128 + 11)))
		dkt_fail("a child ended with %lld", (long long)code);
	EXPECT_OK(DkObjectClose(made));
	made = POISON;
}

static void end_created(bool success)
{
	end_process(success);
	drop_kept(true);
}

/* A child that ends when it is told. */
static void need_child(void)
{
	EXPECT_OK(DkNotificationEventCreate(0, &other));
	EXPECT_OK(DkxProcessClone(0, &kept, &id));
	if (!kept) {
		dkt_wait(other);
		DkProcessExit(7);
	}
}

static DK_STATUS open_process(void)
{
	return DkxProcessOpen(id, &made);
}

static void drop_child(bool success)
{
	EXPECT_OK(DkEventSet(other));
	end_process(success);
	EXPECT_TRUE(dkt_wait(kept));
	EXPECT_OK(DkObjectClose(kept));
	EXPECT_OK(DkObjectClose(other));
}

static DK_STATUS query_usage(void)
{
	struct dk_usage usage;

	return DkxUsageQuery(dkt_parameters->process, &usage, sizeof(usage));
}

/* ---- objects ---- */

static DK_STATUS create_event(void)
{
	return DkNotificationEventCreate(0, &made);
}

static DK_STATUS create_synchronization(void)
{
	return DkSynchronizationEventCreate(1, &made);
}

static DK_STATUS create_semaphore(void)
{
	return DkSemaphoreCreate(1, 2, &made);
}

static DK_STATUS release_semaphore(void)
{
	return DkSemaphoreRelease(kept, 1, &done);
}

static void need_semaphore(void)
{
	EXPECT_OK(DkSemaphoreCreate(0, 1, &kept));
}

/* Released once. */
static void drop_semaphore(bool success)
{
	EXPECT_OK(DkSemaphorePeek(kept, &done));
	EXPECT_EQ(done, success);
	drop_kept(true);
}

static void need_many(void)
{
	index_out = POISON;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		EXPECT_OK(DkSemaphoreCreate(i == 63, 1, &many[i]));
}

/* Nothing was consumed by a wait that failed. */
static DK_STATUS wait_many(void)
{
	return DkObjectsWaitAny(ARRAY_SIZE(many), many, SEC, &index_out);
}

static void drop_many(bool success)
{
	EXPECT_EQ(index_out, 63);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		EXPECT_OK(DkObjectClose(many[i]));
}

static DK_STATUS reference(void)
{
	return DkObjectReference(kept, 0, &made);
}

/* ---- others ---- */

/* Of memory that was never touched; its time is over at once. */
static DK_STATUS wait_address(void)
{
	struct dk_deadline d = { 0, 1 };
	DK_STATUS status = DkxAddressWait(memory, DK_ADDRESS_WAIT, 0, &d, 0,
					  DK_ADDRESS_ALL_BITS);

	return status == DK_STATUS_TIMEOUT ? 0 : status;
}

static DK_STATUS wake_address(void)
{
	return DkxAddressWake(memory, DK_ADDRESS_WAKE, 1, 0, NULL,
			      DK_ADDRESS_ALL_BITS);
}

static DK_STATUS requeue(void)
{
	return DkxAddressWake(memory, DK_ADDRESS_REQUEUE, 1, 1, memory + PAGE,
			      0);
}

static DK_STATUS print(void)
{
	return DkDebugStringPrint(URI("a text that is not short\n"));
}

static DK_STATUS random_bits(void)
{
	return DkRandomBitsRead(data, 300);
}

static s64 number;

static DK_STATUS time_query(void)
{
	return DkSystemTimeQuery(DK_CLOCK_PROCESS_CPU, &number);
}

static DK_STATUS abi_query(void)
{
	return DkxAbiQuery(DK_VECTOR_BASE, &done);
}

static const struct operation memory_operations[] = {
	OP(DkVirtualMemoryAlloc, NULL, allocate, drop_allocated),
	OP(DkVirtualMemoryFree, need_touched, release, drop_memory),
	OP_MENDED(DkVirtualMemoryFree, need_touched, decommit, drop_memory,
		  reserve),
	OP(DkVirtualMemoryProtect, need_touched, protect, drop_memory),
	OP(DkxVirtualMemoryMove, need_touched, move, drop_moved),
};

static const struct operation process_operations[] = {
	OP(DkThreadCreate, need_stack, create_thread, end_thread),
	OP(DkThreadRaiseException, need_waiter, raise_exception, end_waiter),
	OP(DkxProcessClone, NULL, clone, end_process),
	OP(DkProcessCreate, need_event, create_process, end_created),
	OP(DkxProcessOpen, need_child, open_process, drop_child),
	OP(DkxUsageQuery, NULL, query_usage, NULL),
};

static const struct operation object_operations[] = {
	OP(DkNotificationEventCreate, NULL, create_event, close_made),
	OP(DkSynchronizationEventCreate, NULL, create_synchronization,
	   close_made),
	OP(DkSemaphoreCreate, NULL, create_semaphore, close_made),
	OP(DkSemaphoreRelease, need_semaphore, release_semaphore,
	   drop_semaphore),
	OP(DkObjectsWaitAny, need_many, wait_many, drop_many),
	OP(DkObjectReference, need_event, reference, drop_reference),
};

static const struct operation other_operations[] = {
	OP(DkxAddressWait, need_memory, wait_address, drop_memory),
	OP(DkxAddressWake, need_memory, wake_address, drop_memory),
	OP(DkxAddressWake, need_memory, requeue, drop_memory),
	OP(DkDebugStringPrint, NULL, print, NULL),
	OP(DkRandomBitsRead, NULL, random_bits, NULL),
	OP(DkSystemTimeQuery, NULL, time_query, NULL),
	OP(DkxAbiQuery, NULL, abi_query, NULL),
};

TEST(the_outside_lets_them_fail)
{
	failures_begin();
}

TEST(memory_calls)
{
	WALK(memory_operations);
}

TEST(threads_and_processes)
{
	WALK(process_operations);
}

TEST(objects)
{
	WALK(object_operations);
}

TEST(others)
{
	WALK(other_operations);
}

/*
 * A table of handles that has to grow. What it grows by is had in two ways, so
 * that all allocations have to fail.
 */
static DK_STATUS refers(void)
{
	return dkt_system_call(DK_INDEX_DkObjectReference, kept, 0, (u64)&made,
			       0, 0, 0);
}

static DK_STATUS opens(void)
{
	return dkt_system_call(DK_INDEX_DkxProcessOpen, id, (u64)&made, 0, 0, 0,
			       0);
}

static void grow(u32 index, DK_STATUS (*one)(void))
{
	static DK_HANDLE all[1000];
	struct dkt_counts was;
	DK_STATUS status = 0;
	size_t n = 0;

	/*
	 * A page fault that gets no page is tried for ever. So what is written
	 * to meanwhile is there, and no child shares it; where a status is noted
	 * might not be, so that it is noted later.
	 */
	memset(all, 0xff, sizeof(all));
	EXPECT_OK(one());
	EXPECT_OK(DkObjectClose(made));
	count_now(&was);
	failing->nth = DKT_FAILING_ALL;
	served(DKT_FAILING_ARM);
	while (n < ARRAY_SIZE(all) && !(status = one()))
		all[n++] = made;
	served(DKT_FAILING_DISARM);
	EXPECT_EQ(status, DK_STATUS_NO_MEMORY);
	dkt_seen(index, status);
	said[index] |= dkt_status_bit(status);
	EXPECT_OK(one());
	EXPECT_OK(DkObjectClose(made));
	while (n)
		EXPECT_OK(DkObjectClose(all[--n]));
	made = POISON;
	EXPECT_TRUE(as_before(&was));
}

TEST(handles)
{
	struct dkt_counts now;
	s64 left;

	failures_begin();
	need_event();
	grow(DK_INDEX_DkObjectReference, refers);
	drop_kept(true);
	need_child();
	/* The child's thread is counted when it runs. */
	for (int i = 0; i < 3000; i++) {
		count_now(&now);
		if (now.threads == 2)
			break;
		DkThreadDelayExecution(10 * MSEC, &left);
	}
	grow(DK_INDEX_DkxProcessOpen, opens);
	drop_child(false);
}

TEST(each_that_may_lack_memory_said_so)
{
	failures_end();
}
