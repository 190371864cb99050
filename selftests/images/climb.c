// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tries to leave the sandbox's root with "..", while root_race.c moves the
 * directories that the paths lead through out of the root and back.
 */
#include "dktest.h"

TEST(no_way_out)
{
	/* Each would be the file outside from one of the places. */
	static const char *const ways[] = {
		"file:/a/b/c/../../../secret",
		"file:/a/b/c/../../secret",
		"file:/a/b/../secret",
		"file:/a/b/../../secret",
		"file:/a/b/c/../../../../secret",
		"file:/a/b/c/d/../../../../secret",
		"file:/a/b/up/secret",
		"file:/a/b/c/up2/secret",
	};
	u64 inside = 0, gone = 0, outside = 0, done;
	s64 end = dkt_now() + 3 * SEC;
	char text[16];
	DK_HANDLE h;

	for (u64 n = 0; dkt_now() < end; n++) {
		const char *way = ways[n % ARRAY_SIZE(ways)];

		if (!DkStreamOpen(URI(way), DK_ACCESS_READ, DK_OPEN_EXISTING, 0,
				  &h)) {
			outside++;
			DkObjectClose(h);
		}
		/* Sometimes it is here, sometimes there: it is a race. */
		if (DkStreamOpen(URI("file:/a/b/c/d/file"), DK_ACCESS_READ,
				 DK_OPEN_EXISTING, 0, &h)) {
			gone++;
			continue;
		}
		inside++;
		EXPECT_OK(DkStreamRead(h, 0, text, sizeof(text), &done));
		EXPECT_EQ(done, 6);
		DkObjectClose(h);
	}
	dkt_print("# %lu times inside, %lu times gone\n", (unsigned long)inside,
		  (unsigned long)gone);
	EXPECT_EQ(outside, 0);
	EXPECT_GE(inside, 10);
	EXPECT_GE(gone, 10);
}
