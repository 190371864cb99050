// SPDX-License-Identifier: GPL-2.0-only
/* DkxPipeCreate: pipes between whoever has their handles. */
#include "dktest.h"

#define CURRENT	DK_OFFSET_CURRENT
#define PIPE_BUF 4096

struct ends {
	DK_HANDLE reader, writer;
};

static struct ends new_pipe(u64 options)
{
	struct ends p = { POISON, POISON };

	EXPECT_OK(DkxPipeCreate(options, &p.reader, &p.writer));
	EXPECT_NE(p.reader, p.writer);
	return p;
}

static void close_pipe(struct ends p)
{
	EXPECT_OK(DkObjectClose(p.reader));
	EXPECT_OK(DkObjectClose(p.writer));
}

/* Bytes that are in the pipe. */
static int inside(DK_HANDLE end)
{
	int n = -1;

	EXPECT_OK(DkxConsoleControl(end, DK_CONSOLE_BYTES_READABLE, &n, 4));
	return n;
}

/* Fill it up to the last page; the number of bytes. */
static u64 fill(DK_HANDLE writer)
{
	static u8 page[PIPE_BUF];
	u64 done, all = 0;

	while (!DkStreamWrite(writer, CURRENT, page, sizeof(page), &done))
		all += done;
	return all;
}

TEST(through_a_pipe)
{
	struct ends p = new_pipe(0);
	char b[16];
	u64 done = POISON;

	EXPECT_OK(DkStreamWrite(p.writer, CURRENT, "hello", 5, &done));
	EXPECT_EQ(done, 5);
	EXPECT_EQ(inside(p.reader), 5);
	EXPECT_EQ(inside(p.writer), 5);
	EXPECT_OK(DkStreamRead(p.reader, CURRENT, b, 3, &done));
	EXPECT_EQ(done, 3);
	EXPECT_EQ(memcmp(b, "hel", 3), 0);
	EXPECT_OK(DkStreamRead(p.reader, CURRENT, b, 16, &done));
	EXPECT_EQ(done, 2);
	EXPECT_EQ(memcmp(b, "lo", 2), 0);
	close_pipe(p);
}

TEST(ends_have_directions)
{
	struct ends p = new_pipe(0);
	struct dk_stream_attributes at;
	u64 done = POISON, cursor = 0;
	void *base = NULL;
	char b[8];

	EXPECT_STATUS(DkStreamRead(p.writer, CURRENT, b, 8, &done),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkStreamWrite(p.reader, CURRENT, b, 8, &done),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkStreamRead(p.reader, 0, b, 8, &done), NOT_SEEKABLE);
	EXPECT_STATUS(DkStreamWrite(p.writer, 0, b, 8, &done), NOT_SEEKABLE);
	EXPECT_STATUS(DkxStreamSeek(p.reader, 0, DK_SEEK_SET, &done),
		      NOT_SEEKABLE);
	EXPECT_STATUS(DkStreamMap(p.reader, &base, PAGE, 0, DK_PROT_READ,
				  DK_MAP_PRIVATE),
		      NOT_SUPPORTED);
	EXPECT_STATUS(DkStreamSetLength(p.writer, 0), NOT_SUPPORTED);
	EXPECT_STATUS(DkStreamFlush(p.writer, 0), NOT_SUPPORTED);
	EXPECT_STATUS(DkStreamEnumerateChildren(p.reader, &cursor, b, 8, &done),
		      NOT_SUPPORTED);
	EXPECT_EQ(done, POISON);
	EXPECT_OK(DkStreamAttributesQueryByHandle(p.reader, &at, sizeof(at)));
	EXPECT_EQ(at.type, DK_TYPE_FIFO);
	EXPECT_EQ(at.mode, 0600);
	EXPECT_EQ(at.uid, dkt_parameters->uid);
	EXPECT_EQ(at.flags, 0);
	cursor = at.inode;
	EXPECT_OK(DkStreamAttributesQueryByHandle(p.writer, &at, sizeof(at)));
	EXPECT_EQ(at.inode, cursor);
	at.valid = DK_SET_MODE;
	EXPECT_STATUS(DkxStreamAttributesSetByHandle(p.reader, &at, sizeof(at)),
		      NOT_SUPPORTED);
	close_pipe(p);
}

TEST(the_end_and_the_broken_end)
{
	struct ends p = new_pipe(0);
	DK_HANDLE second = 0;
	u64 done = POISON;
	char b[8];

	EXPECT_OK(DkObjectReference(p.writer, 0, &second));
	EXPECT_OK(DkStreamWrite(p.writer, CURRENT, "x", 1, &done));
	EXPECT_OK(DkObjectClose(p.writer));
	/* One writer is left. */
	EXPECT_OK(DkStreamWrite(second, CURRENT, "y", 1, &done));
	EXPECT_OK(DkObjectClose(second));
	EXPECT_OK(DkStreamRead(p.reader, CURRENT, b, 8, &done));
	EXPECT_EQ(done, 2);
	done = POISON;
	EXPECT_OK(DkStreamRead(p.reader, CURRENT, b, 8, &done));
	EXPECT_EQ(done, 0);
	EXPECT_OK(DkObjectClose(p.reader));

	p = new_pipe(0);
	EXPECT_OK(DkObjectClose(p.reader));
	done = POISON;
	EXPECT_STATUS(DkStreamWrite(p.writer, CURRENT, "x", 1, &done),
		      BROKEN_PIPE);
	EXPECT_EQ(done, POISON);
	EXPECT_OK(DkObjectClose(p.writer));
}

TEST(nonblocking_ends)
{
	struct ends p;
	u64 done = POISON, size;
	char b[8];

	p = new_pipe(DK_PIPE_NONBLOCK_READ | DK_PIPE_NONBLOCK_WRITE);
	EXPECT_STATUS(DkStreamRead(p.reader, CURRENT, b, 8, &done),
		      WOULD_BLOCK);
	EXPECT_EQ(done, POISON);
	size = fill(p.writer);
	EXPECT_GE(size, PIPE_BUF);
	EXPECT_STATUS(DkStreamWrite(p.writer, CURRENT, b, 1, &done),
		      WOULD_BLOCK);
	EXPECT_EQ(inside(p.reader), size);
	EXPECT_OK(DkStreamRead(p.reader, CURRENT, b, 8, &done));
	EXPECT_EQ(done, 8);
	/* Not in part: room for 8 bytes is none for a page. */
	{
		static u8 page[PIPE_BUF];

		EXPECT_STATUS(DkStreamWrite(p.writer, CURRENT, page, PIPE_BUF,
					    &done),
			      WOULD_BLOCK);
	}
	EXPECT_EQ(inside(p.reader), size - 8);
	close_pipe(p);
	/* The other end is not concerned. */
	p = new_pipe(DK_PIPE_NONBLOCK_READ);
	EXPECT_STATUS(DkStreamRead(p.reader, CURRENT, b, 8, &done),
		      WOULD_BLOCK);
	close_pipe(p);
}

static struct ends shared;
static volatile u64 seen, seen_status;

static void read_one(u64 parameter)
{
	u64 done = 0;
	char b[8];

	seen_status = DkStreamRead(shared.reader, CURRENT, b, 8, &done);
	seen = done;
}

TEST(a_reader_waits)
{
	DK_HANDLE t;
	s64 left;
	u64 done;

	shared = new_pipe(DK_PIPE_NONBLOCK_WRITE);
	seen = POISON;
	t = dkt_thread(read_one, 0);
	DkThreadDelayExecution(50 * MSEC, &left);
	EXPECT_EQ(seen, POISON);
	EXPECT_OK(DkStreamWrite(shared.writer, CURRENT, "abc", 3, &done));
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(seen, 3);
	EXPECT_EQ(seen_status, 0);
	EXPECT_OK(DkObjectClose(t));
	/* So does the end of the last writer wake it. */
	seen = POISON;
	t = dkt_thread(read_one, 0);
	DkThreadDelayExecution(50 * MSEC, &left);
	EXPECT_EQ(seen, POISON);
	EXPECT_OK(DkObjectClose(shared.writer));
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(seen, 0);
	EXPECT_OK(DkObjectClose(t));
	EXPECT_OK(DkObjectClose(shared.reader));
}

/* ---- whole records ---- */

#define WRITERS	4
#define RECORDS	300
#define RECORD	512 /* a divisor of PIPE_BUF: a page holds whole records */

static void write_records(u64 who)
{
	u64 record[RECORD / 8], done;

	for (u64 i = 0; i < RECORDS; i++) {
		for (u64 k = 0; k < RECORD / 8; k++)
			record[k] = who << 32 | i;
		if (DkStreamWrite(shared.writer, CURRENT, record, RECORD,
				  &done) ||
		    done != RECORD)
			dkt_fail("a record was not written whole");
	}
}

TEST(writes_go_in_whole)
{
	DK_HANDLE t[WRITERS];
	u64 record[RECORD / 8], next[WRITERS] = { 0 }, have, done;

	shared = new_pipe(0);
	for (int i = 0; i < WRITERS; i++)
		t[i] = dkt_thread(write_records, i);
	for (int n = 0; n < WRITERS * RECORDS; n++) {
		for (have = 0; have < RECORD; have += done)
			ASSERT_OK(DkStreamRead(shared.reader, CURRENT,
					       (u8 *)record + have,
					       RECORD - have, &done));
		for (u64 k = 1; k < RECORD / 8; k++)
			ASSERT_EQ(record[k], record[0]);
		ASSERT_TRUE(record[0] >> 32 < WRITERS);
		EXPECT_EQ((u32)record[0], next[record[0] >> 32]++);
	}
	for (int i = 0; i < WRITERS; i++) {
		EXPECT_TRUE(dkt_wait(t[i]));
		EXPECT_OK(DkObjectClose(t[i]));
	}
	EXPECT_EQ(inside(shared.reader), 0);
	close_pipe(shared);
}

/* ---- refusals ---- */

TEST(nothing_is_left_of_what_fails)
{
	struct dkt_counts before, after;
	DK_HANDLE h = POISON;

	dkt_counts(&before);
	EXPECT_STATUS(DkxPipeCreate(0x40, &h, &h), INVALID_PARAMETER);
	EXPECT_STATUS(DkxPipeCreate(~0ULL, &h, &h), INVALID_PARAMETER);
	EXPECT_STATUS(DkxPipeCreate(0, &h, NULL), INVALID_POINTER);
	EXPECT_STATUS(DkxPipeCreate(0, NULL, &h), INVALID_POINTER);
	EXPECT_STATUS(DkxPipeCreate(0, &h, (void *)0xffff800000000000),
		      INVALID_POINTER);
	EXPECT_EQ(h, POISON);
	dkt_counts(&after);
	EXPECT_EQ(after.handles, before.handles);
	EXPECT_EQ(after.objects, before.objects);
}

/* ---- races ---- */

static volatile bool stop;
static volatile DK_HANDLE race_reader, race_writer;

/* Any status that a dying pipe may give; never a hang. */
static void race_reads(u64 parameter)
{
	u64 done;
	char b[64];
	s64 status;

	while (!stop) {
		status = DkStreamRead(race_reader, CURRENT, b, 64, &done);
		if (status && status != DK_STATUS_INVALID_HANDLE &&
		    status != DK_STATUS_WOULD_BLOCK)
			dkt_fail("read: %s", dkt_status(status));
	}
}

static void race_writes(u64 parameter)
{
	u64 done;
	char b[64] = "";
	s64 status;

	while (!stop) {
		status = DkStreamWrite(race_writer, CURRENT, b, 64, &done);
		if (status && status != DK_STATUS_INVALID_HANDLE &&
		    status != DK_STATUS_WOULD_BLOCK &&
		    status != DK_STATUS_BROKEN_PIPE)
			dkt_fail("write: %s", dkt_status(status));
	}
}

TEST(closing_while_others_transfer)
{
	DK_HANDLE r, w, reader, writer;
	s64 end = dkt_now() + 500 * MSEC;
	u64 n = 0;

	stop = false;
	race_reader = race_writer = 0;
	r = dkt_thread(race_reads, 0);
	w = dkt_thread(race_writes, 0);
	while (dkt_now() < end) {
		ASSERT_OK(DkxPipeCreate(DK_PIPE_NONBLOCK_READ |
						DK_PIPE_NONBLOCK_WRITE,
					&reader, &writer));
		race_reader = reader;
		race_writer = writer;
		DkThreadYieldExecution();
		ASSERT_OK(DkObjectClose(n & 1 ? reader : writer));
		DkThreadYieldExecution();
		ASSERT_OK(DkObjectClose(n & 1 ? writer : reader));
		n++;
	}
	stop = true;
	EXPECT_TRUE(dkt_wait(r));
	EXPECT_TRUE(dkt_wait(w));
	DkObjectClose(r);
	DkObjectClose(w);
	EXPECT_GE(n, 10);
}

/* The process ends with this thread asleep in a read: the outer side sees. */
static void read_for_ever(u64 parameter)
{
	char b[8];
	u64 done;

	DkStreamRead(shared.reader, CURRENT, b, 8, &done);
	dkt_fail("the read returned");
}

TEST(exit_ends_a_waiting_reader)
{
	s64 left;

	shared = new_pipe(0);
	DkObjectClose(dkt_thread(read_for_ever, 0));
	DkThreadDelayExecution(20 * MSEC, &left);
}

/* Who gives no place for the count is not told it, but the bytes are moved. */
TEST(nowhere_for_the_count)
{
	u64 done = POISON;
	char c[4] = "";
	DK_HANDLE r, w;

	ASSERT_OK(DkxPipeCreate(0, &r, &w));
	EXPECT_OK(DkStreamWrite(w, DK_OFFSET_CURRENT, "abc", 3, &done));
	EXPECT_STATUS(DkStreamRead(r, DK_OFFSET_CURRENT, c, 1, (u64 *)8),
		      INVALID_POINTER);
	EXPECT_EQ(c[0], 'a');
	EXPECT_STATUS(DkStreamWrite(w, DK_OFFSET_CURRENT, "d", 1, (u64 *)8),
		      INVALID_POINTER);
	EXPECT_OK(DkStreamRead(r, DK_OFFSET_CURRENT, c, 4, &done));
	EXPECT_EQ(done, 3);
	EXPECT_EQ(memcmp(c, "bcd", 3), 0);
	EXPECT_OK(DkObjectClose(r));
	EXPECT_OK(DkObjectClose(w));
}
