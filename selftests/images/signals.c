// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes from outside: signals of Linux and the monitor's request to come
 * to rest. outside.c says what is to be done, one word a line:
 *
 *   take MASK     DkxSignalRegister
 *   abort         DkAbortEventRegister
 *   wait          DkObjectsWaitAny, and says how it ended
 *   threads       one thread in each call that waits; each says how it ended
 *   spin          runs until an exception comes
 *   stop          DkxProcessStop, and says that it goes on
 *   end           of the process
 *
 * It answers "ready" to each, and "exception CODE PARAMETER SIGNAL" to each
 * exception.
 */
#include "dktest.h"

static DK_HANDLE out, in, event, abort_event, reader, writer;
static volatile u64 exceptions;
static u32 word;

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char line[128];
	va_list ap;
	u64 done;
	int n;

	va_start(ap, fmt);
	n = dkt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	DkStreamWrite(out, DK_OFFSET_CURRENT, line, n, &done);
}

static bool tell(struct dk_exception *e, struct dk_context *context)
{
	if (e->code < DK_EXCEPTION_RAISED)
		return false;
	say("exception %u %lu %u\n", e->code, (unsigned long)e->parameter,
	    e->signal);
	exceptions++;
	return true;
}

static bool read_line(char *line, size_t size)
{
	size_t n = 0;
	u64 done;
	s64 status;

	while (n + 1 < size) {
		status =
			DkStreamRead(in, DK_OFFSET_CURRENT, line + n, 1, &done);
		if (status == DK_STATUS_INTERRUPTED ||
		    status == DK_STATUS_ABORTED)
			continue;
		if (status || !done)
			return false;
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = '\0';
	return true;
}

static void in_wait(u64 parameter)
{
	u64 index;

	say("wait %s\n",
	    dkt_status(DkObjectsWaitAny(1, &event, 60 * SEC, &index)));
}

static void in_delay(u64 parameter)
{
	s64 left = -1, status = DkThreadDelayExecution(60 * SEC, &left);

	say("delay %s%s\n", dkt_status(status),
	    left > 0 && left < 60 * SEC ? "" : ", nothing left");
}

static void at_address(u64 parameter)
{
	say("address %s\n",
	    dkt_status(DkxAddressWait(&word, DK_ADDRESS_WAIT, 0, NULL, 0,
				      DK_ADDRESS_ALL_BITS)));
}

static void in_read(u64 parameter)
{
	u64 done;
	char c;

	say("read %s\n",
	    dkt_status(DkStreamRead(reader, DK_OFFSET_CURRENT, &c, 1, &done)));
}

/* Busy when the request comes; the first wait after it is ended, no other. */
static void busy(u64 parameter)
{
	u64 signalled = 0, index;

	while (!signalled)
		DkEventPeek(abort_event, &signalled);
	say("busy %s\n",
	    dkt_status(DkObjectsWaitAny(1, &event, 60 * SEC, &index)));
	say("again %s\n",
	    dkt_status(DkObjectsWaitAny(1, &event, 10 * MSEC, &index)));
}

static u64 number(const char *text)
{
	u64 n = 0;

	while (*text >= '0' && *text <= '9')
		n = n * 10 + *text++ - '0';
	return n;
}

TEST(signals)
{
	char line[64];
	u64 index;

	out = dkt_open("stdout:", DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0);
	in = dkt_open("stdin:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	DkNotificationEventCreate(0, &event);
	DkNotificationEventCreate(0, &abort_event);
	DkxPipeCreate(0, &reader, &writer);
	dkt_exception = tell;
	say("ready\n");
	while (read_line(line, sizeof(line))) {
		if (!memcmp(line, "take ", 5)) {
			if (DkxSignalRegister(number(line + 5)))
				say("refused\n");
			say("ready\n");
		} else if (!strcmp(line, "abort")) {
			EXPECT_OK(DkAbortEventRegister(abort_event));
			say("ready\n");
		} else if (!strcmp(line, "wait")) {
			say("ready\n");
			in_wait(0);
		} else if (!strcmp(line, "threads")) {
			dkt_thread(in_wait, 0);
			dkt_thread(in_delay, 0);
			dkt_thread(at_address, 0);
			dkt_thread(in_read, 0);
			dkt_thread(busy, 0);
			DkObjectsWaitAny(1, &event, 100 * MSEC, &index);
			say("ready\n");
		} else if (!strcmp(line, "stop")) {
			say("ready\n");
			EXPECT_OK(DkxProcessStop());
			say("goes on\n");
		} else if (!strcmp(line, "spin")) {
			u64 before = exceptions;

			say("ready\n");
			while (exceptions == before)
				;
			say("spun\n");
		} else {
			break;
		}
	}
	DkProcessExit(3);
}
