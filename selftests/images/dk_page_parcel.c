// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parcels, messages and names of local: sockets where memory ends: as
 * dk_page.c, for what structures point to.
 */
#include "connection.h"
#include "edge.h"

/* ---- parcels ---- */

enum part { PARCEL, BUFFERS, DATA, ATTACHMENT, HANDLES, NAME, PARTS };

static const char *const part_names[] = { "the parcel",	 "the buffers",
					  "the data",	 "the attachment",
					  "the handles", "the name" };

#define FIRST	10 /* bytes in the first of two buffers */

static struct {
	struct dk_parcel parcel;
	struct dk_buffer buffers[2];
	u8 data[24], attachment[16];
	DK_HANDLE handles[2];
	u8 name[8];
} m;

static const char key[] = "receiver", sender_name[] = "a sender";

static const struct {
	void *at;
	u64 size;
} parts[PARTS] = {
	[PARCEL] = { &m.parcel, sizeof(m.parcel) },
	[BUFFERS] = { &m.buffers, sizeof(m.buffers) },
	[DATA] = { &m.data, sizeof(m.data) },
	[ATTACHMENT] = { &m.attachment, sizeof(m.attachment) },
	[HANDLES] = { &m.handles, sizeof(m.handles) },
	[NAME] = { &m.name, sizeof(m.name) },
};

/*
 * Makes @call with @part at the edge, or @over bytes over it, and everything
 * else where it is; what is at the edge comes back from there. @part == PARTS:
 * nothing is.
 */
static s64 parcel_call(u64 index, DK_HANDLE h, enum part part, u64 over,
		       u32 flags, bool name)
{
	struct dk_parcel before;
	void *at[PARTS];
	s64 status;

	for (int k = PARTS - 1; k >= 0; k--) {
		if (k == BUFFERS) {
			m.buffers[0] =
				(struct dk_buffer){ (u64)at[DATA], FIRST };
			m.buffers[1] =
				(struct dk_buffer){ (u64)at[DATA] + FIRST,
						    sizeof(m.data) - FIRST };
		}
		if (k == PARCEL)
			m.parcel = (struct dk_parcel){
				.buffers = (u64)at[BUFFERS],
				.buffer_count = 2,
				/* What is lost is not waited for. */
				.flags = flags | DK_PARCEL_NONBLOCK,
				.attachment = (u64)at[ATTACHMENT],
				.attachment_length = sizeof(m.attachment),
				.handle_count = 2,
				.handles = (u64)at[HANDLES],
				.name = name ? (u64)at[NAME] : 0,
				.name_length = name ? sizeof(m.name) : 0,
				.timeout = DK_TIMEOUT_INFINITE,
				.done = POISON,
				.whole = POISON,
			};
		at[k] = k == part ? at_edge(parts[k].at, parts[k].size, over) :
				    parts[k].at;
	}
	before = m.parcel;
	status = dkt_raw(index, h, (u64)at[PARCEL], sizeof(m.parcel), 0, 0, 0);
	if (part < PARTS && !guarded(at[part]))
		dkt_fail("%s: written before it", part_names[part]);
	if (status && memcmp(at[PARCEL], &before,
			     sizeof(before) - (part == PARCEL ? over : 0)))
		dkt_fail("%s, %lu over: the parcel was written",
			 part < PARTS ? part_names[part] : "nothing",
			 (unsigned long)over);
	if (!status && part < PARTS)
		memcpy(parts[part].at, at[part], parts[part].size);
	return status;
}

static DK_HANDLE carried[2];

static s64 send(DK_HANDLE h, enum part part, u64 over, bool name)
{
	for (size_t i = 0; i < sizeof(m.data); i++)
		m.data[i] = 'a' + i;
	memcpy(m.attachment, "0123456789abcdef", sizeof(m.attachment));
	memcpy(m.handles, carried, sizeof(carried));
	memcpy(m.name, key, sizeof(m.name));
	return parcel_call(DK_INDEX_DkxParcelSend, h, part, over, 0, name);
}

static s64 receive(DK_HANDLE h, enum part part, u64 over, u32 flags)
{
	memset(&m, 0, sizeof(m));
	return parcel_call(DK_INDEX_DkxParcelReceive, h, part, over, flags,
			   true);
}

/* What was received is what was sent. */
static void expect_whole(bool name)
{
	u64 done;
	char c;

	EXPECT_EQ(m.parcel.done, sizeof(m.data));
	EXPECT_EQ(m.parcel.whole, sizeof(m.data));
	EXPECT_EQ(m.parcel.result, 0);
	for (size_t i = 0; i < sizeof(m.data); i++)
		EXPECT_EQ(m.data[i], 'a' + i);
	EXPECT_EQ(m.parcel.attachment_length, sizeof(m.attachment));
	EXPECT_EQ(memcmp(m.attachment, "0123456789abcdef", 16), 0);
	EXPECT_EQ(m.parcel.name_length, name ? sizeof(m.name) : 0);
	if (name)
		EXPECT_EQ(memcmp(m.name, sender_name, sizeof(m.name)), 0);
	ASSERT_EQ(m.parcel.handle_count, 2);
	EXPECT_OK(DkStreamWrite(m.handles[1], CURRENT, "x", 1, &done));
	EXPECT_OK(DkStreamRead(m.handles[0], CURRENT, &c, 1, &done));
	EXPECT_EQ(c, 'x');
	EXPECT_OK(DkObjectClose(m.handles[0]));
	EXPECT_OK(DkObjectClose(m.handles[1]));
}

static void expect_nothing(DK_HANDLE h)
{
	EXPECT_STATUS(receive(h, PARTS, 0, 0), WOULD_BLOCK);
}

static u64 handles_now(void)
{
	struct dkt_counts counts;

	dkt_counts(&counts);
	return counts.handles;
}

static void parcels_from(DK_HANDLE from, DK_HANDLE to, bool name)
{
	u64 handles = handles_now();

	for (int part = 0; part < (name ? PARTS : NAME); part++) {
		for (u64 over = 1; over <= parts[part].size; over++) {
			s64 status = send(from, part, over, name);

			if (status != DK_STATUS_INVALID_POINTER)
				dkt_fail("%s, %lu over, was sent: %s",
					 part_names[part], (unsigned long)over,
					 dkt_status(status));
		}
		expect_nothing(to);
		/* None is on its way. */
		EXPECT_EQ(handles_now(), handles);
		EXPECT_STATUS(send(from, part, 0, name), SUCCESS);
		EXPECT_STATUS(receive(to, PARTS, 0, 0), SUCCESS);
		expect_whole(name);
	}
	for (int part = 0; part < (name ? PARTS : NAME); part++) {
		EXPECT_STATUS(send(from, PARTS, 0, name), SUCCESS);
		for (u64 over = 1; over <= parts[part].size; over++) {
			u32 flags = over % 2 ? DK_PARCEL_PEEK : 0;
			s64 status = receive(to, part, over, flags);

			if (status != DK_STATUS_INVALID_POINTER)
				dkt_fail("%s, %lu over, was received: %s",
					 part_names[part], (unsigned long)over,
					 dkt_status(status));
		}
		/* There are the two in the message, and no more. */
		EXPECT_EQ(handles_now(), handles + 2);
		EXPECT_STATUS(receive(to, part, 0, DK_PARCEL_PEEK), SUCCESS);
		expect_whole(name);
		EXPECT_STATUS(receive(to, part, 0, 0), SUCCESS);
		expect_whole(name);
		expect_nothing(to);
		EXPECT_EQ(handles_now(), handles);
	}
}

static s64 name_call(DK_HANDLE h, u64 operation, const char *a_key,
		     const char *a_name, u64 over)
{
	struct dk_local_name n = { .key_length = strlen(a_key),
				   .name_length = strlen(a_name) };

	memcpy(n.key, a_key, n.key_length);
	memcpy(n.name, a_name, n.name_length);
	return control(h, operation, at_edge(&n, sizeof(n), over), sizeof(n));
}

TEST(parcels)
{
	const u64 types[] = { DK_PIPE_LOCAL_STREAM, DK_PIPE_LOCAL_PACKET,
			      DK_PIPE_LOCAL_DATAGRAM };
	DK_HANDLE pair[2];

	make_edge();
	ASSERT_OK(DkxPipeCreate(0, &carried[0], &carried[1]));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		ASSERT_OK(DkxPipeCreate(types[i], &pair[0], &pair[1]));
		parcels_from(pair[0], pair[1], false);
		EXPECT_OK(DkObjectClose(pair[0]));
		EXPECT_OK(DkObjectClose(pair[1]));
	}
	/* To whom it may concern, from somebody with a name. */
	for (int i = 0; i < 2; i++)
		pair[i] = dkt_open("local:datagram", RW, DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(
		name_call(pair[0], DK_CONTROL_BIND, "sender", sender_name, 0));
	EXPECT_OK(name_call(pair[1], DK_CONTROL_BIND, key, "", 0));
	parcels_from(pair[0], pair[1], true);
	for (int i = 0; i < 2; i++) {
		EXPECT_OK(DkObjectClose(pair[i]));
		EXPECT_OK(DkObjectClose(carried[i]));
	}
	expect_edge();
}

/* Of several messages in one reading, those come that there is memory for. */
TEST(a_run_of_parcels)
{
	DK_HANDLE pair[2];
	struct dk_buffer buffer = { (u64) "abcdefgh", 8 };
	struct dk_parcel p = { .buffers = (u64)&buffer, .buffer_count = 1 };
	u8 *part;

	make_edge();
	ASSERT_OK(DkxPipeCreate(DK_PIPE_LOCAL_STREAM, &pair[0], &pair[1]));
	for (u64 room = 0; room <= 24; room++) {
		for (int i = 0; i < 3; i++)
			EXPECT_OK(DkxParcelSend(pair[0], &p, sizeof(p)));
		part = end - room;
		memset(part - GUARD, GUARD_BYTE, GUARD);
		p.done = POISON;
		buffer = (struct dk_buffer){ (u64)part, 24 };
		EXPECT_EQ(DkxParcelReceive(pair[1], &p, sizeof(p)),
			  room < 8 ? DK_STATUS_INVALID_POINTER : 0);
		EXPECT_EQ(p.done, room < 8 ? POISON : room / 8 * 8);
		for (u64 i = 0; room >= 8 && i < p.done; i++)
			EXPECT_EQ(part[i], 'a' + i % 8);
		EXPECT_TRUE(guarded(part));
		/* The others, as they were. */
		for (u64 left = 24 - (room < 8 ? 0 : p.done); left; left -= 8) {
			memset(end - 8, 0, 8);
			buffer = (struct dk_buffer){ (u64)end - 8, 8 };
			EXPECT_OK(DkxParcelReceive(pair[1], &p, sizeof(p)));
			EXPECT_EQ(p.done, 8);
			EXPECT_EQ(memcmp(end - 8, "abcdefgh", 8), 0);
		}
		buffer = (struct dk_buffer){ (u64) "abcdefgh", 8 };
		p.flags = DK_PARCEL_NONBLOCK;
		EXPECT_STATUS(DkxParcelReceive(pair[1], &p, sizeof(p)),
			      WOULD_BLOCK);
		p.flags = 0;
	}
	EXPECT_OK(DkObjectClose(pair[0]));
	EXPECT_OK(DkObjectClose(pair[1]));
}

/* ---- names, and who connects ---- */

static s64 accept(DK_HANDLE listener, enum part part, u64 over)
{
	memset(&m, 0, sizeof(m));
	return parcel_call(DK_INDEX_DkxParcelReceive, listener, part, over,
			   DK_PARCEL_ACCEPT, true);
}

TEST(names_and_connections)
{
	const u64 size = sizeof(struct dk_local_name);
	DK_HANDLE listener, caller;
	u32 backlog = 1, how;
	u64 handles;

	make_edge();
	listener = dkt_open("local:packet", RW, DK_OPEN_CREATE_NEW, 0);
	caller = dkt_open("local:packet", RW, DK_OPEN_CREATE_NEW, 0);
	for (u64 over = 1; over <= size; over++) {
		EXPECT_STATUS(name_call(listener, DK_CONTROL_BIND, key, "",
					over),
			      INVALID_POINTER);
		EXPECT_STATUS(name_call(caller, DK_CONTROL_CONNECT, key, "",
					over),
			      INVALID_POINTER);
	}
	/* Neither has been done: it still can be. */
	EXPECT_OK(name_call(caller, DK_CONTROL_BIND, "caller", sender_name, 0));
	EXPECT_STATUS(name_call(caller, DK_CONTROL_CONNECT, key, "", 0),
		      CONNECTION_REFUSED);
	EXPECT_OK(name_call(listener, DK_CONTROL_BIND, key, "", 0));
	EXPECT_OK(control(listener, DK_CONTROL_LISTEN,
			  at_edge(&backlog, sizeof(backlog), 0),
			  sizeof(backlog)));
	EXPECT_STATUS(accept(listener, PARTS, 0), WOULD_BLOCK);
	EXPECT_OK(name_call(caller, DK_CONTROL_CONNECT, key, "", 0));

	/* Who cannot be told of it has not accepted anybody. */
	handles = handles_now();
	for (u64 over = 1; over <= sizeof(m.parcel); over++)
		EXPECT_STATUS(accept(listener, PARCEL, over), INVALID_POINTER);
	/* There are two handles' room, of which one is needed. */
	for (u64 over = 9; over <= 16; over++)
		EXPECT_STATUS(accept(listener, HANDLES, over), INVALID_POINTER);
	for (u64 over = 1; over <= sizeof(m.name); over++)
		EXPECT_STATUS(accept(listener, NAME, over), INVALID_POINTER);
	EXPECT_EQ(handles_now(), handles);
	EXPECT_STATUS(accept(listener, NAME, 0), SUCCESS);
	EXPECT_EQ(m.parcel.handle_count, 1);
	EXPECT_EQ(m.parcel.name_length, sizeof(m.name));
	EXPECT_EQ(memcmp(m.name, sender_name, sizeof(m.name)), 0);
	/* It has counted as one since it was made. */
	EXPECT_EQ(handles_now(), handles);

	/* Nor has it been shut by what cannot be read. */
	how = DK_SHUTDOWN_READ | DK_SHUTDOWN_WRITE;
	for (u64 over = 1; over <= sizeof(how); over++)
		EXPECT_STATUS(control(caller, DK_CONTROL_SHUTDOWN,
				      at_edge(&how, sizeof(how), over),
				      sizeof(how)),
			      INVALID_POINTER);
	EXPECT_EQ(ready(caller), DK_READY_WRITE);
	EXPECT_OK(control(caller, DK_CONTROL_SHUTDOWN,
			  at_edge(&how, sizeof(how), 0), sizeof(how)));
	EXPECT_TRUE(ready(caller) & DK_READY_CLOSED);
	EXPECT_OK(DkObjectClose(m.handles[0]));
	EXPECT_OK(DkObjectClose(caller));
	EXPECT_OK(DkObjectClose(listener));
	expect_edge();
}

/* ---- messages of a connection ---- */

static s64 message(DK_HANDLE h, u64 operation, struct dk_message *wanted,
		   u64 over)
{
	u64 there = sizeof(*wanted) - over;
	u8 *at = at_edge(wanted, sizeof(*wanted), over);
	s64 status = control(h, operation, at, sizeof(*wanted));

	EXPECT_TRUE(guarded(at));
	memcpy(wanted, at, there);
	return status;
}

static u64 readable(DK_HANDLE h)
{
	int n = -1;

	EXPECT_OK(
		DkxConsoleControl(h, DK_CONSOLE_BYTES_READABLE, &n, sizeof(n)));
	return n;
}

static void messages_of(DK_HANDLE from, DK_HANDLE to)
{
	static const u8 text[] = "0123456789";
	const u64 size = 10;
	u8 elsewhere[10];

	for (u64 over = 0; over <= size; over++) {
		struct dk_message s = { .length = size, .done = POISON };
		struct dk_message r = s;
		u8 *part;

		/* The structure. */
		s.buffer = (u64)text;
		r.buffer = (u64)elsewhere;
		if (over) {
			EXPECT_STATUS(message(from, DK_CONTROL_SEND, &s, over),
				      INVALID_POINTER);
			EXPECT_STATUS(message(to, DK_CONTROL_RECEIVE, &r, over),
				      INVALID_POINTER);
			EXPECT_EQ(readable(to), 0);
		} else {
			EXPECT_OK(message(from, DK_CONTROL_SEND, &s, 0));
			EXPECT_EQ(s.done, size);
			EXPECT_EQ(readable(to), size);
			/* One that cannot be told of stays. */
			for (u64 k = 1; k <= sizeof(r); k++) {
				struct dk_message q = r;

				EXPECT_STATUS(message(to, DK_CONTROL_RECEIVE,
						      &q, k),
					      INVALID_POINTER);
			}
			EXPECT_EQ(readable(to), size);
			EXPECT_OK(message(to, DK_CONTROL_RECEIVE, &r, 0));
			EXPECT_EQ(r.done, size);
			EXPECT_EQ(memcmp(elsewhere, text, size), 0);
		}
		/* The bytes. */
		s.length = r.length = size;
		s.buffer = (u64)at_edge(text, size, over);
		EXPECT_EQ(control(from, DK_CONTROL_SEND, &s, sizeof(s)),
			  over ? DK_STATUS_INVALID_POINTER : 0);
		EXPECT_EQ(readable(to), over ? 0 : size);
		s.buffer = (u64)text;
		if (over)
			EXPECT_OK(
				control(from, DK_CONTROL_SEND, &s, sizeof(s)));
		part = at_edge(elsewhere, size, over);
		r.buffer = (u64)part;
		EXPECT_EQ(control(to, DK_CONTROL_RECEIVE, &r, sizeof(r)),
			  over ? DK_STATUS_INVALID_POINTER : 0);
		EXPECT_TRUE(guarded(part));
		if (!over) {
			EXPECT_EQ(r.done, size);
			EXPECT_EQ(memcmp(part, text, size), 0);
			continue;
		}
		/* It is all there, and up to the edge it comes. */
		EXPECT_EQ(readable(to), size);
		part = end - size;
		memset(part, 0, size);
		r.buffer = (u64)part;
		EXPECT_OK(control(to, DK_CONTROL_RECEIVE, &r, sizeof(r)));
		EXPECT_EQ(r.done, size);
		EXPECT_EQ(memcmp(part, text, size), 0);
	}
}

TEST(messages)
{
	DK_HANDLE pair[2], server;

	make_edge();
	ASSERT_OK(DkxPipeCreate(DK_PIPE_DUPLEX, &pair[0], &pair[1]));
	messages_of(pair[0], pair[1]);
	EXPECT_OK(DkObjectClose(pair[0]));
	EXPECT_OK(DkObjectClose(pair[1]));
	server = serve("tcp.server:127.0.0.1:0", 0);
	pair[0] = call(address_of(server, "127.0.0.1"), 0);
	pair[1] = take(server, NULL);
	messages_of(pair[0], pair[1]);
	EXPECT_OK(DkObjectClose(pair[0]));
	EXPECT_OK(DkObjectClose(pair[1]));
	EXPECT_OK(DkObjectClose(server));
	expect_edge();
}
