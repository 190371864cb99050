// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call that a stop of the process cuts short is made again, with the deadline
 * that it had. If it then ends at once, the deadline is over, too. Another
 * process, which the stop is not for, changes meanwhile what the call will find.
 */
#include "dktest.h"

/* What both see. */
static struct shared {
	DK_HANDLE handle;
	volatile u64 begun;
	volatile DK_STATUS first, second;
} * shared;

static DK_HANDLE event, thread;

static void waits_twice(u64 timeout)
{
	u64 index;

	shared->begun = 1;
	shared->first = DkObjectsWaitAny(1, &shared->handle, timeout, &index);
	shared->second = DkObjectsWaitAny(1, &event, MSEC, &index);
}

static void ask(const char *what)
{
	s64 answer = -1;

	dkt_ask(what, &answer, sizeof(answer));
	EXPECT_EQ(answer, 0);
}

static void in_the_child(void)
{
	s64 left;

	while (!shared->begun)
		DkThreadDelayExecution(MSEC, &left);
	ask("@stop\n");
	shared->handle = POISON;
	ask("@continue\n");
	DkProcessExit(dkt_failed());
}

/* The first wait is for ever, the second one is not. */
TEST(a_deadline_ends_with_its_call)
{
	u64 length = PAGE, id;
	void *base = NULL;
	DK_HANDLE child;
	s64 code = -1;

	ASSERT_OK(DkVirtualMemoryAlloc(&base, &length,
				       DK_MEM_RESERVE | DK_MEM_COMMIT |
					       DK_MEM_SHARED,
				       DK_PROT_READ | DK_PROT_WRITE));
	shared = base;
	ASSERT_OK(DkNotificationEventCreate(0, &event));
	shared->handle = event;
	shared->first = shared->second = POISON;
	ASSERT_OK(DkxProcessClone(0, &child, &id));
	if (!child)
		in_the_child();
	thread = dkt_thread(waits_twice, DK_TIMEOUT_INFINITE);
	EXPECT_TRUE(dkt_wait(child));
	EXPECT_OK(DkProcessGetExitCode(child, &code));
	EXPECT_EQ(code, 0);
	if (!dkt_wait(thread)) {
		dkt_fail("a wait of a millisecond does not end");
		EXPECT_OK(DkEventSet(event));
		EXPECT_TRUE(dkt_wait(thread));
	}
	EXPECT_EQ(shared->first, DK_STATUS_INVALID_HANDLE);
	EXPECT_EQ(shared->second, DK_STATUS_TIMEOUT);
	DkObjectClose(thread);
	DkObjectClose(child);
	DkObjectClose(event);
	DkVirtualMemoryFree(base, length, DK_MEM_RELEASE);
}
