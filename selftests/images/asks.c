// SPDX-License-Identifier: GPL-2.0-only
/*
 * asks.img NAME: a thread opens dns:NAME until it has it. When that has ended and
 * a byte has come from stdin:, a line says with which status, with which the
 * short sleep behind it ended, and how many exceptions there were. The byte r
 * has an exception raised on the thread. Last come the addresses.
 */
#include "dktest.h"
#include "ends.h"

static DK_HANDLE stream;

static void opens(u64 parameter)
{
	char uri[64];
	s64 left;
	int n;

	n = dkt_snprintf(uri, sizeof(uri), "dns:%s", dkt_argument(1));
	ends_result = DkStreamOpen(uri, n, DK_ACCESS_READ, DK_OPEN_EXISTING, 0,
				   &stream);
	ends_next = DkThreadDelayExecution(1, &left);
}

static char next_byte(DK_HANDLE in)
{
	u64 done = 0;
	s64 status;
	char byte;

	do
		status = DkStreamRead(in, DK_OFFSET_CURRENT, &byte, 1, &done);
	while (status == DK_STATUS_ABORTED);
	return !status && done ? byte : 0;
}

TEST(asks)
{
	DK_HANDLE in = dkt_open("stdin:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	DK_HANDLE event, thread;
	char text[128];
	u64 done = 0;
	char byte;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	ASSERT_OK(DkAbortEventRegister(event));
	dkt_exception = ends_note;
	do {
		ends_begin();
		thread = dkt_thread(opens, 0);
		byte = next_byte(in);
		if (byte == 'r')
			DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 0);
		if (!byte || !dkt_wait(thread))
			DkProcessExit(1);
		dkt_print("%ld, then %ld, exceptions: %lu\n", (long)ends_result,
			  (long)ends_next, (unsigned long)ends_taken);
		DkObjectClose(thread);
	} while (ends_result);
	EXPECT_OK(DkStreamRead(stream, DK_OFFSET_CURRENT, text, sizeof(text),
			       &done));
	dkt_write(text, done);
	DkProcessExit(0);
}
