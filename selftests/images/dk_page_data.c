// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data that are moved to or from memory that ends too early: as much comes as
 * there is memory for, or nothing, and the rest is where it was. What can only
 * be moved as a whole stays. As dk_page.c, for what its rows do not have.
 */
#include "connection.h"
#include "edge.h"
#include "files.h"

static u8 pattern[2 * PAGE + 100];

static void make_pattern(void)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i * 7 + i / 251 + 1;
}

static const u64 rooms[] = { 1, 7, 64, 100, 4095, 4096, 5000 };

/* A file: exactly what there is memory for is moved, and the position by that. */
TEST(data_of_a_file)
{
	DK_HANDLE h;
	u64 done, position;

	make_edge();
	make_pattern();
	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		u64 room = rooms[i], whole = sizeof(pattern);
		struct dk_stream_attributes at;
		static u8 back[sizeof(pattern)];
		u8 *part = end - room;

		h = dkt_open(in_rw("page"), RW, DK_OPEN_CREATE_TRUNCATE,
			     DK_OPTION_MODE(0644));
		/* Written from across the edge. */
		memcpy(part, pattern, room);
		done = POISON;
		EXPECT_OK(DkStreamWrite(h, CURRENT, part, whole, &done));
		EXPECT_EQ(done, room);
		EXPECT_OK(DkStreamAttributesQueryByHandle(h, &at, sizeof(at)));
		EXPECT_EQ(at.length, room);
		/* From behind it: nothing, not even a longer file. */
		done = POISON;
		EXPECT_STATUS(DkStreamWrite(h, CURRENT, end, whole, &done),
			      INVALID_POINTER);
		EXPECT_STATUS(DkStreamWrite(h, PAGE * 8, end, 1, &done),
			      INVALID_POINTER);
		EXPECT_EQ(done, POISON);
		EXPECT_OK(DkStreamAttributesQueryByHandle(h, &at, sizeof(at)));
		EXPECT_EQ(at.length, room);
		/* And the rest, which ends at it. */
		memcpy(end - (whole - room), pattern + room, whole - room);
		EXPECT_OK(DkStreamWrite(h, CURRENT, end - (whole - room),
					whole - room, &done));
		EXPECT_EQ(done, whole - room);
		memset(back, 0, whole);
		EXPECT_OK(DkStreamRead(h, 0, back, whole, &done));
		EXPECT_EQ(done, whole);
		EXPECT_EQ(memcmp(back, pattern, whole), 0);
		/* Read to across the edge. */
		EXPECT_OK(DkxStreamSeek(h, 0, DK_SEEK_SET, &position));
		memset(part, 0, room);
		memset(part - GUARD, GUARD_BYTE, GUARD);
		done = POISON;
		EXPECT_OK(DkStreamRead(h, CURRENT, part, whole, &done));
		EXPECT_EQ(done, room);
		EXPECT_EQ(memcmp(part, pattern, room), 0);
		EXPECT_TRUE(guarded(part));
		done = POISON;
		EXPECT_STATUS(DkStreamRead(h, CURRENT, end, whole, &done),
			      INVALID_POINTER);
		EXPECT_EQ(done, POISON);
		EXPECT_OK(DkxStreamSeek(h, 0, DK_SEEK_CURRENT, &position));
		EXPECT_EQ(position, room);
		/* Where there is nothing to be read nothing is stored. */
		EXPECT_OK(DkStreamRead(h, whole, end, 1, &done));
		EXPECT_EQ(done, 0);
		EXPECT_OK(DkObjectClose(h));
	}
	EXPECT_OK(DkStreamDelete(URI(in_rw("page")), DK_DELETE_FILE));
	expect_edge();
}

static u64 readable(DK_HANDLE h)
{
	int n = -1;

	EXPECT_OK(
		DkxConsoleControl(h, DK_CONSOLE_BYTES_READABLE, &n, sizeof(n)));
	return n;
}

static void nonblock(DK_HANDLE h)
{
	u32 options = NONBLOCK;

	EXPECT_OK(control(h, DK_CONTROL_SET_OPTIONS, &options, 4));
}

/*
 * What comes in @to is what went into @from, each byte once, whatever part of
 * it a transfer across the edge has moved.
 */
static void data_through(DK_HANDLE from, DK_HANDLE to, u64 size, u64 room)
{
	static u8 back[sizeof(pattern)];
	u64 sent = 0, got = 0, done = POISON;
	u8 *part = at_edge(pattern, size, size - room);
	DK_STATUS status;

	status = DkStreamWrite(from, CURRENT, part, size, &done);
	if (status) {
		EXPECT_EQ(status, DK_STATUS_INVALID_POINTER);
		EXPECT_EQ(done, POISON);
	} else {
		sent = done;
		EXPECT_TRUE(sent && sent <= room);
	}
	EXPECT_EQ(readable(to), sent);
	done = 0;
	part = at_edge(pattern + sent, size - sent, 0);
	EXPECT_OK(DkStreamWrite(from, CURRENT, part, size - sent, &done));
	EXPECT_EQ(done, size - sent);
	EXPECT_EQ(readable(to), size);

	part = end - room;
	memset(part - GUARD, GUARD_BYTE, GUARD);
	done = POISON;
	status = DkStreamRead(to, CURRENT, part, size, &done);
	if (status) {
		EXPECT_EQ(status, DK_STATUS_INVALID_POINTER);
		EXPECT_EQ(done, POISON);
	} else {
		got = done;
		EXPECT_TRUE(got && got <= room);
		memcpy(back, part, got);
	}
	EXPECT_TRUE(guarded(part));
	EXPECT_EQ(readable(to), size - got);
	while (got < size) {
		part = end - (size - got);
		done = 0;
		EXPECT_OK(DkStreamRead(to, CURRENT, part, size - got, &done));
		if (!done)
			break;
		memcpy(back + got, part, done);
		got += done;
	}
	EXPECT_EQ(got, size);
	EXPECT_EQ(memcmp(back, pattern, size), 0);
	EXPECT_STATUS(DkStreamRead(to, CURRENT, back, 1, &done), WOULD_BLOCK);
}

TEST(data_of_pipes_and_connections)
{
	DK_HANDLE ends[3][2], server;

	make_edge();
	make_pattern();
	EXPECT_OK(DkxPipeCreate(0, &ends[0][0], &ends[0][1]));
	EXPECT_OK(DkxPipeCreate(DK_PIPE_DUPLEX, &ends[1][0], &ends[1][1]));
	server = serve("tcp.server:127.0.0.1:0", 0);
	ends[2][1] = call(address_of(server, "127.0.0.1"), 0);
	ends[2][0] = take(server, NULL);
	for (int k = 0; k < 3; k++) {
		nonblock(ends[k][0]);
		for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
			if (rooms[i] < 100)
				data_through(ends[k][1], ends[k][0], 100,
					     rooms[i]);
			data_through(ends[k][1], ends[k][0], sizeof(pattern),
				     rooms[i]);
		}
		EXPECT_OK(DkObjectClose(ends[k][0]));
		EXPECT_OK(DkObjectClose(ends[k][1]));
	}
	EXPECT_OK(DkObjectClose(server));
}

/* A number, and a connection: as a whole or not at all. */
TEST(data_of_counters_and_servers)
{
	u64 number = 0x123456789abcdef, zero = 0, done, *at;
	struct dk_accepted none = { 0 }, *accepted;
	struct dkt_counts before, after;
	DK_HANDLE counter, server[2], client[2], h;

	make_edge();
	counter = dkt_open("counter:all", RW, DK_OPEN_CREATE_NEW, NONBLOCK);
	for (u64 over = 1; over <= 8; over++) {
		done = POISON;
		EXPECT_STATUS(DkStreamWrite(counter, CURRENT,
					    at_edge(&number, 8, over), 8,
					    &done),
			      INVALID_POINTER);
		EXPECT_STATUS(DkStreamRead(counter, CURRENT,
					   at_edge(&zero, 8, 0), 8, &done),
			      WOULD_BLOCK);
		EXPECT_EQ(done, POISON);
	}
	EXPECT_OK(DkStreamWrite(counter, CURRENT, at_edge(&number, 8, 0), 8,
				&done));
	at = at_edge(&zero, 8, 0);
	EXPECT_OK(DkStreamRead(counter, CURRENT, at, 8, &done));
	EXPECT_EQ(*at, number);
	EXPECT_OK(DkObjectClose(counter));

	/* If one is lost, it is not waited for. */
	server[0] = serve("pipe.server:page", NONBLOCK);
	server[1] = serve("tcp.server:127.0.0.1:0", NONBLOCK);
	client[0] = call("pipe.client:page", 0);
	client[1] = call(address_of(server[1], "127.0.0.1"), 0);
	for (int i = 0; i < 2; i++) {
		while (!(ready(server[i]) & DK_READY_READ))
			DkThreadYieldExecution();
		dkt_counts(&before);
		for (u64 over = 1; over <= sizeof(none); over++) {
			void *part = at_edge(&none, sizeof(none), over);

			done = POISON;
			EXPECT_STATUS(DkStreamRead(server[i], CURRENT, part,
						   sizeof(none), &done),
				      INVALID_POINTER);
			EXPECT_EQ(memcmp(part, &none, sizeof(none) - over), 0);
			EXPECT_EQ(done, POISON);
		}
		dkt_counts(&after);
		EXPECT_EQ(after.handles, before.handles);
		accepted = at_edge(&none, sizeof(none), 0);
		EXPECT_OK(DkStreamRead(server[i], CURRENT, accepted,
				       sizeof(none), &done));
		EXPECT_EQ(done, sizeof(none));
		h = accepted->stream;
		send_text(client[i], "it is this one");
		expect_text(h, "it is this one");
		EXPECT_OK(DkObjectClose(h));
		EXPECT_OK(DkObjectClose(client[i]));
		EXPECT_OK(DkObjectClose(server[i]));
	}
}

/* Text for the monitor, and random bits: dk_bad_rows.h has short ones. */
TEST(text_and_random_bits)
{
	static u8 text[1024], zero[1024];
	struct dkt_counts counts;
	DK_STATUS status;

	make_edge();
	memset(text, 'x', sizeof(text));
	for (u64 n = 1; n <= sizeof(text); n += 341) {
		status = DkDebugStringPrint(at_edge(text, n, 0), n);
		/* Nobody takes it out here. */
		if (status && status != DK_STATUS_WOULD_BLOCK)
			dkt_fail("debug text: %s", dkt_status(status));
		EXPECT_STATUS(DkDebugStringPrint(at_edge(text, n, 1), n),
			      INVALID_POINTER);
		EXPECT_OK(DkRandomBitsRead(at_edge(zero, n, 0), n));
		EXPECT_TRUE(guarded(end - n));
		EXPECT_STATUS(DkRandomBitsRead(at_edge(zero, n, 1), n),
			      INVALID_POINTER);
		EXPECT_TRUE(guarded(end - n + 1));
	}
	dkt_counts(&counts);
}

/* ---- folders ---- */

/* Names of one length: a record is as long as any other. */
TEST(a_folder)
{
	const u64 record = 32, names = 5; /* . and .. among them */
	static const char *const made[] = { "page-d/a", "page-d/b",
					    "page-d/c" };
	u64 cursor, done, seen = 0, *at, zero = 0, poison = POISON, first;
	u8 empty[5 * 32] = { 0 }, *part;
	DK_HANDLE h;

	make_edge();
	EXPECT_OK(try_open(in_rw("page-d"), R, DK_OPEN_CREATE_NEW,
			   DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755)));
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		put(in_rw(made[i]), "x");
	h = dkt_open(in_rw("page-d"), R, DK_OPEN_EXISTING, DK_OPTION_DIRECTORY);
	/* All of them, up to the edge. */
	part = at_edge(empty, sizeof(empty), 0);
	cursor = 0;
	done = POISON;
	EXPECT_OK(DkStreamEnumerateChildren(h, &cursor, part, sizeof(empty),
					    &done));
	EXPECT_EQ(done, record * names);
	EXPECT_TRUE(guarded(part));
	EXPECT_OK(DkStreamEnumerateChildren(h, &cursor, part, sizeof(empty),
					    &done));
	EXPECT_EQ(done, 0);
	/* As many as there is room for, then the others; each once. */
	for (u64 room = record; room < record * names; room += 31) {
		u64 fits = room / record * record;

		part = end - room;
		cursor = 0;
		seen = 0;
		for (u64 i = 0; i <= names; i++) {
			done = POISON;
			memset(part - GUARD, GUARD_BYTE, GUARD);
			EXPECT_OK(DkStreamEnumerateChildren(h, &cursor, part,
							    PAGE, &done));
			EXPECT_TRUE(guarded(part));
			EXPECT_LE(done, fits);
			if (!i)
				EXPECT_EQ(done, fits);
			if (!done || done == POISON)
				break;
			for (u64 k = 0; k < done; k += record) {
				struct dk_directory_entry *e =
					(void *)(part + k);

				EXPECT_EQ(e->length, record);
				seen += e->name[0] != '.' ?
						1ULL << (e->name[0] - 'a') * 8 :
						1ULL << (23 + e->name_length);
			}
		}
		EXPECT_EQ(done, 0);
		EXPECT_EQ(seen, 0x3010101);
	}
	/* No room for one: nothing has been read. */
	for (u64 room = 0; room < record; room++) {
		cursor = 0;
		done = POISON;
		part = end - room;
		memset(part - GUARD, GUARD_BYTE, GUARD);
		EXPECT_STATUS(DkStreamEnumerateChildren(h, &cursor, part, PAGE,
							&done),
			      INVALID_POINTER);
		EXPECT_EQ(cursor, 0);
		EXPECT_EQ(done, POISON);
		EXPECT_TRUE(guarded(part));
	}
	/* A cursor that is no more than half there. */
	for (u64 over = 1; over <= 8; over++) {
		at = at_edge(&zero, 8, over);
		done = POISON;
		EXPECT_STATUS(DkStreamEnumerateChildren(h, at, empty,
							sizeof(empty), &done),
			      INVALID_POINTER);
		EXPECT_EQ(done, POISON);
		EXPECT_EQ(memcmp(at, &zero, 8 - over), 0);
		at = at_edge(&poison, 8, over);
		cursor = 0;
		EXPECT_STATUS(DkStreamEnumerateChildren(h, &cursor, empty,
							sizeof(empty), at),
			      INVALID_POINTER);
		EXPECT_EQ(memcmp(at, &poison, 8 - over), 0);
		EXPECT_EQ(cursor, 0);
	}
	/* And none of that has moved the stream. */
	at = at_edge(&zero, 8, 0);
	EXPECT_OK(
		DkStreamEnumerateChildren(h, at, empty, sizeof(empty), &first));
	EXPECT_EQ(first, record * names);
	EXPECT_OK(DkObjectClose(h));
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		EXPECT_OK(DkStreamDelete(URI(in_rw(made[i])), DK_DELETE_FILE));
	EXPECT_OK(DkStreamDelete(URI(in_rw("page-d")), DK_DELETE_DIRECTORY));
	expect_edge();
}

/* ---- nothing is lost on the way to memory that is not there ---- */

TEST(a_counter_that_cannot_be_stored)
{
	u64 number = 5, done, *at, zero = 0;
	DK_HANDLE counter;

	make_edge();
	counter = dkt_open("counter:all", RW, DK_OPEN_CREATE_NEW, NONBLOCK);
	EXPECT_OK(DkStreamWrite(counter, CURRENT, &number, 8, &done));
	EXPECT_STATUS(DkStreamRead(counter, CURRENT, at_edge(&zero, 8, 1), 8,
				   &done),
		      INVALID_POINTER);
	at = at_edge(&zero, 8, 0);
	EXPECT_OK(DkStreamRead(counter, CURRENT, at, 8, &done));
	EXPECT_EQ(*at, number);
	EXPECT_OK(DkObjectClose(counter));
}

TEST(a_message_that_does_not_come)
{
	struct dk_message m = { .buffer = (u64)&m,
				.length = 1,
				.done = POISON };
	DK_HANDLE pair[2];

	ASSERT_OK(DkxPipeCreate(DK_PIPE_DUPLEX, &pair[0], &pair[1]));
	EXPECT_STATUS(control(pair[0], DK_CONTROL_RECEIVE, &m, sizeof(m)),
		      WOULD_BLOCK);
	EXPECT_EQ(m.done, POISON);
	EXPECT_OK(DkObjectClose(pair[0]));
	EXPECT_OK(DkObjectClose(pair[1]));
}

TEST(a_block_that_is_not_all_there)
{
	struct dk_thread_block b = { 0 };

	make_edge();
	EXPECT_STATUS(DkxSystemCallRegister((void *)put,
					    at_edge(&b, sizeof(b), 24)),
		      INVALID_POINTER);
	EXPECT_OK(DkxSystemCallRegister(NULL, NULL));
}
