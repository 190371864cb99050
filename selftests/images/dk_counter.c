// SPDX-License-Identifier: GPL-2.0-only
/* counter: streams. */
#include "dktest.h"

#define CURRENT	DK_OFFSET_CURRENT
#define BOTH	(DK_ACCESS_READ | DK_ACCESS_WRITE)
#define NEW	DK_OPEN_CREATE_NEW

static u32 ready(DK_HANDLE stream)
{
	u32 r = 0;

	EXPECT_OK(DkxStreamControl(stream, DK_CONTROL_READY, &r, sizeof(r)));
	return r & ~0x7c0U;
}

static DK_HANDLE counter;
static volatile DK_STATUS seen;

static void take_one(u64 parameter)
{
	u64 value, done;

	seen = DkStreamRead(counter, CURRENT, &value, 8, &done);
}

TEST(counters)
{
	DK_HANDLE all = dkt_open("counter:all", BOTH, NEW, DK_OPTION_NONBLOCK);
	DK_HANDLE one = dkt_open("counter:one", BOTH, NEW, DK_OPTION_NONBLOCK);
	DK_HANDLE event, t, h = POISON;
	u64 value, done = POISON, index;

	EXPECT_OK(DkStreamGetEvent(all, DK_STREAM_READABLE, &event));
	EXPECT_STATUS(DkObjectsWaitAny(1, &event, 0, &index), TIMEOUT);
	EXPECT_STATUS(DkStreamRead(all, CURRENT, &value, 8, &done),
		      WOULD_BLOCK);
	EXPECT_EQ(done, POISON);
	value = 3;
	EXPECT_OK(DkStreamWrite(all, CURRENT, &value, 8, &done));
	EXPECT_EQ(done, 8);
	EXPECT_OK(DkStreamWrite(one, CURRENT, &value, 8, &done));
	EXPECT_OK(DkStreamWrite(all, CURRENT, &value, 8, &done));
	EXPECT_OK(DkObjectsWaitAny(1, &event, 0, &index));
	EXPECT_EQ(ready(all), DK_READY_READ | DK_READY_WRITE);
	EXPECT_OK(DkStreamRead(all, CURRENT, &value, 8, &done));
	EXPECT_EQ(value, 6);
	EXPECT_OK(DkStreamRead(one, CURRENT, &value, 16, &done));
	EXPECT_EQ(value, 1);
	EXPECT_EQ(done, 8);
	value = ~0ULL - 1;
	EXPECT_STATUS(DkStreamWrite(one, CURRENT, &value, 8, &done),
		      WOULD_BLOCK);
	EXPECT_OK(DkStreamWrite(all, CURRENT, &value, 8, &done));
	EXPECT_EQ(ready(all), DK_READY_READ);
	value = ~0ULL;
	EXPECT_STATUS(DkStreamWrite(one, CURRENT, &value, 8, &done),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamWrite(one, CURRENT, &value, 7, &done),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamRead(one, CURRENT, &value, 7, &done),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamRead(one, 0, &value, 8, &done), NOT_SEEKABLE);
	EXPECT_STATUS(DkStreamWrite(one, CURRENT, NULL, 8, &done),
		      INVALID_POINTER);
	EXPECT_STATUS(DkStreamOpen(URI("counter:two"), BOTH, NEW, 0, &h),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamOpen(URI("counter:one"), BOTH, DK_OPEN_EXISTING,
				   0, &h),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamOpen(URI("counter:one"), BOTH | DK_ACCESS_EXECUTE,
				   NEW, 0, &h),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkStreamOpen(URI("counter:one"), BOTH, NEW,
				   DK_OPTION_DIRECTORY, &h),
		      NOT_DIRECTORY);
	EXPECT_EQ(h, POISON);
	EXPECT_OK(DkObjectClose(event));
	EXPECT_OK(DkObjectClose(all));
	EXPECT_OK(DkObjectClose(one));

	counter = dkt_open("counter:one", BOTH, NEW, 0);
	t = dkt_thread(take_one, 0);
	value = 1;
	EXPECT_OK(DkStreamWrite(counter, CURRENT, &value, 8, &done));
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(seen, 0);
	EXPECT_OK(DkObjectClose(t));
	EXPECT_OK(DkObjectClose(counter));
}
