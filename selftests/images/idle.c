// SPDX-License-Identifier: GPL-2.0-only
/*
 * Says "ready" and sleeps, in the main thread and a second one, until killed
 * or until its standard input ends (then it exits with 7).
 */
#include <pal.h>

static void sleeper(dk_u64 parameter)
{
	dk_s64 remaining;

	for (;;)
		DkThreadDelayExecution(3600000000000LL, &remaining);
}

void LibOsInitialize(const struct dk_parameters *parameters)
{
	DK_HANDLE in, out, thread;
	void *stack = (void *)0;
	dk_u64 size = 16384, done;
	char c;

	if (DkStreamOpen("stdout:", 7, DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0,
			 &out) ||
	    DkStreamOpen("stdin:", 6, DK_ACCESS_READ, DK_OPEN_EXISTING, 0,
			 &in) ||
	    DkVirtualMemoryAlloc(&stack, &size, DK_MEM_RESERVE | DK_MEM_COMMIT,
				 DK_PROT_READ | DK_PROT_WRITE) ||
	    DkThreadCreate((void *)sleeper, 0, stack, size, &thread))
		DkProcessExit(1);
	DkStreamWrite(out, DK_OFFSET_CURRENT, "ready\n", 6, &done);
	while (!DkStreamRead(in, DK_OFFSET_CURRENT, &c, 1, &done) && done)
		;
	DkProcessExit(7);
}
