// SPDX-License-Identifier: GPL-2.0-only
/* DkProcessCreate: what a new process has, and what it has not. */
#include "create.h"

TEST(a_child_and_its_end)
{
	struct dk_process_parameters p = parameters_for("events", 0);
	DK_HANDLE process = POISON, found = POISON, events[2];
	struct dkt_counts before;
	u64 id = POISON, index = POISON;
	s64 code = POISON;

	dkt_counts(&before);
	ASSERT_OK(DkNotificationEventCreate(0, &events[0]));
	ASSERT_OK(DkNotificationEventCreate(0, &events[1]));
	p.handles = (u64)events;
	p.handle_count = 2;
	ASSERT_OK(create(image(), &p, &process, &id));
	EXPECT_NE(process, POISON);
	EXPECT_GE(id, DK_PROCESS_FIRST + 1);
	EXPECT_TRUE(dkt_wait(events[0]));
	EXPECT_STATUS(DkProcessGetExitCode(process, &code), BUSY);
	EXPECT_EQ(code, POISON);
	EXPECT_STATUS(DkObjectsWaitAny(1, &process, 0, &index), TIMEOUT);
	EXPECT_OK(DkxProcessOpen(id, &found));
	EXPECT_OK(DkEventSet(events[1]));
	EXPECT_EQ(wait_code(process), CODE_GOOD);
	EXPECT_EQ(wait_code(found), CODE_GOOD);
	EXPECT_STATUS(DkxProcessOpen(id, &found), NOT_FOUND);
	EXPECT_OK(DkObjectClose(events[0]));
	EXPECT_OK(DkObjectClose(events[1]));
	expect_nothing_changed(&before);
}

TEST(exit_codes)
{
	EXPECT_EQ(wait_code(child("exit", 0, NULL, 0)), 0);
	EXPECT_EQ(wait_code(child("exit", 0x123456789, NULL, 0)), 0x123456789);
	EXPECT_EQ(wait_code(child("fault", 0, NULL, 0)), 128 + 4);
}

TEST(strings_and_environment)
{
	static const char texts[] =
		"/a/program\0/a\0image\0strings\0\0with space\0\0A=1\0B";
	struct dk_process_parameters p = {
		.strings = (u64)texts,
		.strings_length = sizeof(texts),
		.argument_count = 5,
		.environment_count = 2,
	};
	DK_HANDLE process;
	u64 id;

	ASSERT_OK(create(image(), &p, &process, &id));
	EXPECT_EQ(wait_code(process), CODE_GOOD);
}

TEST(handles_in_their_order_with_their_rights)
{
	DK_HANDLE handles[4], event, semaphore, weak;
	u64 state, count;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	ASSERT_OK(DkObjectReference(event, DK_RIGHT_READ, &weak));
	ASSERT_OK(DkSemaphoreCreate(1, 10, &semaphore));
	handles[0] = weak;
	handles[1] = event;
	handles[2] = event;
	handles[3] = semaphore;
	EXPECT_EQ(wait_code(child("rights", 0, handles, 4)), CODE_GOOD);
	/* What the child closed is open here. */
	EXPECT_OK(DkEventPeek(event, &state));
	EXPECT_EQ(state, 1);
	EXPECT_OK(DkSemaphorePeek(semaphore, &count));
	EXPECT_EQ(count, 3);
	EXPECT_OK(DkObjectClose(event));
	EXPECT_OK(DkObjectClose(weak));
	EXPECT_OK(DkObjectClose(semaphore));
}

TEST(nothing_else)
{
	u64 vector[2] = { 0x1234567890abcdef, 77 };
	u64 *page = dkt_pages(1);
	DK_HANDLE events[100];
	u32 mxcsr = 0x9f80;

	for (int i = 0; i < 100; i++)
		ASSERT_OK(DkNotificationEventCreate(1, &events[i]));
	page[0] = 1;
	asm volatile("movups %0, %%xmm7; ldmxcsr %1; wrfsbase %2; wrgsbase %2"
		     :
		     : "m"(vector), "m"(mxcsr), "r"(0x11110000UL));
	EXPECT_EQ(wait_code(child("nothing-else", (u64)page, NULL, 0)),
		  CODE_GOOD);
	mxcsr = 0x1f80;
	asm volatile("ldmxcsr %0; wrfsbase %1; wrgsbase %1"
		     :
		     : "m"(mxcsr), "r"(0UL));
	for (int i = 0; i < 100; i++)
		EXPECT_OK(DkObjectClose(events[i]));
	DkVirtualMemoryFree(page, PAGE, DK_MEM_RELEASE);
}

TEST(a_stream_has_one_position)
{
	DK_HANDLE file;
	char uri[256], c;
	u64 done;

	file = dkt_open(folder_uri(uri, sizeof(uri), "rw/hello"),
			DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamRead(file, DK_OFFSET_CURRENT, &c, 1, &done));
	EXPECT_EQ(wait_code(child("stream", 0, &file, 1)), CODE_GOOD);
	EXPECT_OK(DkStreamRead(file, DK_OFFSET_CURRENT, &c, 1, &done));
	EXPECT_EQ(c, 'l');
	EXPECT_OK(DkObjectClose(file));
}

TEST(a_child_is_a_process_like_any)
{
	EXPECT_EQ(wait_code(child("works", 0, NULL, 0)), CODE_GOOD);
}

TEST(a_parent_may_end_first)
{
	struct dkt_counts before;
	DK_HANDLE events[2];

	dkt_counts(&before);
	ASSERT_OK(DkNotificationEventCreate(0, &events[0]));
	ASSERT_OK(DkNotificationEventCreate(0, &events[1]));
	EXPECT_EQ(wait_code(child("parent", 0, events, 2)), CODE_GOOD);
	EXPECT_TRUE(dkt_wait(events[0]));
	EXPECT_OK(DkEventSet(events[1]));
	EXPECT_OK(DkObjectClose(events[0]));
	EXPECT_OK(DkObjectClose(events[1]));
	expect_nothing_changed(&before);
}
