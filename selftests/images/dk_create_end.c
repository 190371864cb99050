// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkProcessCreate and DkxProcessClone: how the end of a child is told, and of
 * whom; orphans, aborts, and children that do not end by themselves.
 */
#include "create.h"

/* ---- the end, told ---- */

static volatile u64 told[64], tellings, others;

/* One may interrupt another. */
static bool count_child(struct dk_exception *exception,
			struct dk_context *context)
{
	u64 n;

	if (exception->code != DK_EXCEPTION_CHILD) {
		others++;
		return false;
	}
	n = __atomic_fetch_add(&tellings, 1, __ATOMIC_SEQ_CST);
	if (n < ARRAY_SIZE(told))
		told[n] = exception->parameter;
	return true;
}

static bool tellings_become(u64 n)
{
	s64 remaining, end = dkt_now() + 30 * SEC;

	while (tellings < n && dkt_now() < end)
		DkThreadDelayExecution(MSEC, &remaining);
	return tellings == n;
}

static void expect_told_once(u64 id)
{
	u64 n = 0;

	for (u64 i = 0; i < tellings && i < ARRAY_SIZE(told); i++)
		n += told[i] == id;
	EXPECT_EQ(n, 1);
}

static void begin_telling(void)
{
	tellings = 0;
	others = 0;
	dkt_exception = count_child;
}

TEST(the_end_of_a_child_is_told)
{
	struct dk_process_parameters p = parameters_for("exit", 3);
	DK_HANDLE process;
	u64 id;
	s64 code;

	begin_telling();
	p.flags = DK_CLONE_NOTIFY;
	ASSERT_OK(create(image(), &p, &process, &id));
	EXPECT_TRUE(tellings_become(1));
	expect_told_once(id);
	/* It has ended, for whoever looks. */
	EXPECT_OK(DkProcessGetExitCode(process, &code));
	EXPECT_EQ(code, 3);
	EXPECT_OK(DkObjectClose(process));
	EXPECT_EQ(others, 0);
}

TEST(only_who_asks_is_told)
{
	DK_HANDLE copy;
	u64 id;

	begin_telling();
	EXPECT_EQ(wait_code(child("exit", 3, NULL, 0)), 3);
	ASSERT_OK(DkxProcessClone(0, &copy, &id));
	if (!copy)
		DkProcessExit(4);
	EXPECT_EQ(wait_code(copy), 4);
	EXPECT_EQ(tellings, 0);
}

TEST(the_ends_of_clones_are_told)
{
	DK_HANDLE copies[40];
	u64 ids[40];

	begin_telling();
	for (int i = 0; i < 40; i++) {
		s64 status;

		/* The end of an earlier one may come first. */
		do {
			status = DkxProcessClone(DK_CLONE_NOTIFY, &copies[i],
						 &ids[i]);
		} while (status == DK_STATUS_INTERRUPTED);
		ASSERT_OK(status);
		if (!copies[i]) {
			if (i % 2)
				DkProcessExit(i);
			DkxUpcallRegister(NULL, NULL);
			asm volatile("ud2");
		}
		EXPECT_OK(DkObjectClose(copies[i]));
	}
	EXPECT_TRUE(tellings_become(40));
	for (int i = 0; i < 40; i++)
		expect_told_once(ids[i]);
	EXPECT_EQ(others, 0);
}

/* A call that waits ends for it, as for whatever is raised. */
TEST(a_wait_ends_when_a_child_does)
{
	DK_HANDLE copy, never;
	u64 id, index;

	begin_telling();
	ASSERT_OK(DkNotificationEventCreate(0, &never));
	ASSERT_OK(DkxProcessClone(DK_CLONE_NOTIFY, &copy, &id));
	if (!copy) {
		s64 remaining;

		DkThreadDelayExecution(50 * MSEC, &remaining);
		DkProcessExit(0);
	}
	EXPECT_STATUS(DkObjectsWaitAny(1, &never, DK_TIMEOUT_INFINITE, &index),
		      INTERRUPTED);
	EXPECT_EQ(tellings, 1);
	expect_told_once(id);
	EXPECT_OK(DkObjectClose(copy));
	EXPECT_OK(DkObjectClose(never));
}

/* Whoever was to be told has gone: nobody is. */
TEST(an_orphans_end)
{
	struct dkt_counts before;
	DK_HANDLE copy, event;
	u64 id;

	begin_telling();
	dkt_counts(&before);
	ASSERT_OK(DkNotificationEventCreate(0, &event));
	ASSERT_OK(DkxProcessClone(DK_CLONE_NOTIFY, &copy, &id));
	if (!copy) {
		if (!DkxProcessClone(DK_CLONE_NOTIFY, &copy, &id) && !copy)
			DkProcessExit(dkt_wait(event) ? 0 : 1);
		DkProcessExit(6);
	}
	EXPECT_EQ(wait_code(copy), 6);
	EXPECT_TRUE(tellings_become(1));
	EXPECT_OK(DkEventSet(event));
	EXPECT_OK(DkObjectClose(event));
	expect_nothing_changed(&before);
	EXPECT_EQ(tellings, 1);
}

TEST(an_abort_reaches_a_child)
{
	DK_HANDLE event, process;
	s64 count = 0;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	process = child("abort", 0, &event, 1);
	EXPECT_TRUE(dkt_wait(event));
	dkt_ask("@abort\n", &count, sizeof(count));
	EXPECT_EQ(count, 1);
	EXPECT_EQ(wait_code(process), CODE_GOOD);
	EXPECT_OK(DkObjectClose(event));
}

TEST(a_child_that_waits_for_ever_can_be_ended)
{
	DK_HANDLE event, process;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	process = child("forever", 0, &event, 1);
	EXPECT_TRUE(dkt_wait(event));
	/* No entry for exceptions: what is raised ends it, as of SIGTERM. */
	EXPECT_OK(DkThreadRaiseException(process, DK_EXCEPTION_USER, 0));
	EXPECT_EQ(wait_code(process), 128 + 15);
	EXPECT_OK(DkObjectClose(event));
}
