// SPDX-License-Identifier: GPL-2.0-only
/* A whole Drawbridge program. */
#include <pal.h>

void LibOsInitialize(const struct dk_parameters *parameters)
{
	static const char text[] = "hello, Drawbridge\n";
	DK_HANDLE out;
	dk_u64 done;

	DkStreamOpen("stdout:", 7, DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0, &out);
	DkStreamWrite(out, DK_OFFSET_CURRENT, text, sizeof(text) - 1, &done);
}
