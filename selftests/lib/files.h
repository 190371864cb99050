/* SPDX-License-Identifier: GPL-2.0-only */
/* Files below the folder that a test may write to. */
#ifndef FILES_H
#define FILES_H

#include "dktest.h"

/* "file:FOLDER/rw/@s" */
static inline const char *in_rw(const char *s)
{
	static char names[8][160];
	static unsigned int next;
	char *name = names[next++ % 8];

	dkt_snprintf(name, sizeof(names[0]), "file:%s/rw/%s", dkt_argument(1),
		     s);
	return name;
}

static inline DK_STATUS try_open(const char *uri, u64 access, u64 disposition,
				 u64 options)
{
	DK_HANDLE h = POISON;
	DK_STATUS status =
		DkStreamOpen(URI(uri), access, disposition, options, &h);

	if (status)
		EXPECT_EQ(h, POISON);
	else
		EXPECT_OK(DkObjectClose(h));
	return status;
}

static inline void put(const char *uri, const char *text)
{
	DK_HANDLE h = dkt_open(uri, DK_ACCESS_WRITE, DK_OPEN_CREATE_TRUNCATE,
			       DK_OPTION_MODE(0644));
	u64 done = 0;

	EXPECT_OK(DkStreamWrite(h, 0, text, strlen(text), &done));
	EXPECT_EQ(done, strlen(text));
	EXPECT_OK(DkObjectClose(h));
}

#endif /* FILES_H */
