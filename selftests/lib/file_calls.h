/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls that ask a file system about what a handle stands for, for tests of
 * what they say when it does not do what it is asked: their results are not
 * written then.
 */
#ifndef FILE_CALLS_H
#define FILE_CALLS_H

#include "dktest.h"

static inline DK_STATUS file_read(DK_HANDLE h)
{
	u64 done = POISON;
	DK_STATUS status;
	char byte;

	status = DkStreamRead(h, 0, &byte, 1, &done);
	EXPECT_EQ(done, POISON);
	return status;
}

static inline DK_STATUS file_write(DK_HANDLE h)
{
	u64 done = POISON;
	DK_STATUS status = DkStreamWrite(h, 0, "x", 1, &done);

	EXPECT_EQ(done, POISON);
	return status;
}

static inline DK_STATUS file_set_length(DK_HANDLE h)
{
	return DkStreamSetLength(h, 100);
}

static inline DK_STATUS file_flush(DK_HANDLE h)
{
	return DkStreamFlush(h, 0);
}

static inline DK_STATUS file_enumerate(DK_HANDLE h)
{
	u64 cursor = 0, done = POISON;
	char buffer[1024];
	DK_STATUS status;

	status = DkStreamEnumerateChildren(h, &cursor, buffer, sizeof(buffer),
					   &done);
	EXPECT_EQ(done, POISON);
	EXPECT_EQ(cursor, 0);
	return status;
}

static inline DK_STATUS file_query(DK_HANDLE h)
{
	struct dk_stream_attributes a;

	return DkStreamAttributesQueryByHandle(h, &a, sizeof(a));
}

static inline DK_STATUS file_seek(DK_HANDLE h)
{
	u64 position = POISON;
	DK_STATUS status = DkxStreamSeek(h, 0, DK_SEEK_END, &position);

	EXPECT_EQ(position, POISON);
	return status;
}

static inline DK_STATUS file_change(DK_HANDLE h)
{
	struct dk_stream_attributes a = { .valid = DK_SET_MODE, .mode = 0600 };

	return DkxStreamAttributesSetByHandle(h, &a, sizeof(a));
}

static inline DK_STATUS file_lock(DK_HANDLE h)
{
	return DkxStreamLock(h, DK_LOCK_SHARED, 0, 1, NULL, 0);
}

static inline DK_STATUS file_allocate(DK_HANDLE h)
{
	struct dk_allocation a = { .length = 100 };

	return DkxStreamControl(h, DK_CONTROL_ALLOCATE, &a, sizeof(a));
}

#endif /* FILE_CALLS_H */
