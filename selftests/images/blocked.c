// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks in one call and says how it ended: blocked.img wait|delay|read|address.
 * Says "ready", and afterwards "STATUS MILLISECONDS". With "escape" it makes
 * raw system calls for each byte it reads and says how many were not refused;
 * with "spin" it does so without end.
 */
#include "dktest.h"
#include "registers.h"

REGISTERS_FUNCTION(raw_syscall, "syscall");

static DK_HANDLE out, in;
static u32 word;

static void say(const char *fmt, ...)
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

static u64 escapes(void)
{
	static const char name[] = "/dev/shm/pico-escaped";
	static const u32 numbers[] = { 85, 83, 39, 57, 1, 2, 41, 257 };
	u64 n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct registers r = { .rax = numbers[i],
				       .rdi = (u64)name,
				       .rsi = 0644 };

		raw_syscall(&r);
		n += r.rax != -38ULL;
	}
	return n;
}

TEST(blocked)
{
	const char *how = dkt_argument(1);
	DK_HANDLE event;
	u64 index, done = 0, bad = 0;
	s64 start, remaining, status;
	char c;

	out = dkt_open("stdout:", DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0);
	in = dkt_open("stdin:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	DkNotificationEventCreate(0, &event);
	say("ready\n");
	start = dkt_now();
	if (!strcmp(how, "wait")) {
		status = DkObjectsWaitAny(1, &event, 1500 * MSEC, &index);
	} else if (!strcmp(how, "delay")) {
		status = DkThreadDelayExecution(1500 * MSEC, &remaining);
	} else if (!strcmp(how, "address")) {
		s64 end = start + 1500 * MSEC;
		struct dk_deadline deadline = { end / SEC, end % SEC };

		status = DkxAddressWait(&word, DK_ADDRESS_WAIT, 0, &deadline, 0,
					DK_ADDRESS_ALL_BITS);
	} else if (!strcmp(how, "read")) {
		status = DkStreamRead(in, DK_OFFSET_CURRENT, &c, 1, &done);
		if (!status && (done != 1 || c != 'x'))
			status = 1;
	} else if (!strcmp(how, "spin")) {
		for (;;) {
			bad += escapes();
			if (bad)
				say("escaped\n");
		}
	} else {
		while (!DkStreamRead(in, DK_OFFSET_CURRENT, &c, 1, &done) &&
		       done)
			say("%lu\n", (unsigned long)escapes());
		return;
	}
	say("%ld %ld\n", (long)status, (long)((dkt_now() - start) / MSEC));
}
