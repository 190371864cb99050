// SPDX-License-Identifier: GPL-2.0-only
/*
 * pipe.server: and pipe.client:, pipes of two directions, and DkxStreamControl
 * of pipes. The rules of the sandbox are in image_main.c.
 */
#include "connection.h"
#include "counts.h"
#include "ends.h"

/* ---- pipes with names ---- */

TEST(a_named_pipe)
{
	DK_HANDLE server = serve("pipe.server:hello", 0), client, here;
	struct dk_stream_attributes at;
	struct dk_address peer;

	client = call("pipe.client:hello", 0);
	/* Connected at once: it may write before anybody has looked. */
	send_text(client, "early");
	here = take(server, &peer);
	EXPECT_EQ(peer.family, 0);
	EXPECT_EQ(peer.port, 0);
	expect_text(here, "early");
	send_text(here, "answer");
	expect_text(client, "answer");
	EXPECT_OK(DkStreamAttributesQueryByHandle(here, &at, sizeof(at)));
	EXPECT_EQ(at.type, DK_TYPE_SOCKET);
	EXPECT_OK(DkStreamAttributesQueryByHandle(server, &at, sizeof(at)));
	EXPECT_EQ(at.type, DK_TYPE_SOCKET);
	EXPECT_OK(control(here, DK_CONTROL_PEER_ADDRESS, &peer, sizeof(peer)));
	EXPECT_EQ(peer.family, 0);
	EXPECT_OK(DkObjectClose(here));
	expect_end(client);
	EXPECT_OK(DkObjectClose(client));
	EXPECT_OK(DkObjectClose(server));
}

TEST(names_come_and_go)
{
	DK_HANDLE server, second = 0;

	EXPECT_STATUS(try_open("pipe.client:name", RW, DK_OPEN_EXISTING, 0),
		      NOT_FOUND);
	server = serve("pipe.server:name", 0);
	EXPECT_STATUS(try_open("pipe.server:name", R, DK_OPEN_CREATE_NEW, 0),
		      ALREADY_EXISTS);
	EXPECT_OK(try_open("pipe.server:name2", R, DK_OPEN_CREATE_NEW, 0));
	EXPECT_STATUS(try_open("pipe.client:nam", RW, DK_OPEN_EXISTING, 0),
		      NOT_FOUND);
	EXPECT_OK(try_open("pipe.client:name", RW, DK_OPEN_EXISTING, 0));
	/* Another handle of it keeps the name. */
	EXPECT_OK(DkObjectReference(server, 0, &second));
	EXPECT_OK(DkObjectClose(server));
	EXPECT_STATUS(try_open("pipe.server:name", R, DK_OPEN_CREATE_NEW, 0),
		      ALREADY_EXISTS);
	EXPECT_OK(DkObjectClose(second));
	EXPECT_STATUS(try_open("pipe.client:name", RW, DK_OPEN_EXISTING, 0),
		      NOT_FOUND);
	EXPECT_OK(try_open("pipe.server:name", R, DK_OPEN_CREATE_NEW, 0));
}

TEST(refused_pipes)
{
	char name[300] = "pipe.server:";
	DK_HANDLE server;
	u64 done = POISON;
	struct dk_accepted a;

	EXPECT_STATUS(try_open("pipe.server:forbidden", R, DK_OPEN_CREATE_NEW,
			       0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("pipe.server:forbidden2", R, DK_OPEN_CREATE_NEW,
			       0),
		      ACCESS_DENIED);
	EXPECT_OK(try_open("pipe.server:forbidden.not", R, DK_OPEN_CREATE_NEW,
			   0));
	server = serve("pipe.server:read-only", NONBLOCK);
	EXPECT_STATUS(try_open("pipe.client:read-only", RW, DK_OPEN_EXISTING,
			       0),
		      ACCESS_DENIED);
	EXPECT_OK(try_open("pipe.client:read-only", R, DK_OPEN_EXISTING, 0));

	EXPECT_STATUS(try_open("pipe.server:", R, DK_OPEN_CREATE_NEW, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open("pipe.server:a*", R, DK_OPEN_CREATE_NEW, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open("pipe.server:a", R, DK_OPEN_EXISTING, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open("pipe.server:a", RW, DK_OPEN_CREATE_NEW, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open("pipe.server:a", 0, DK_OPEN_CREATE_NEW, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open("pipe.server:a", R, DK_OPEN_CREATE_NEW,
			       DK_OPTION_SYNC),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open("pipe.client:a", RW, DK_OPEN_CREATE, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open("pipe.client:a", RW | DK_ACCESS_APPEND,
			       DK_OPEN_EXISTING, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open("pipe.client:a", RW | DK_ACCESS_EXECUTE,
			       DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("pipe.client:a", RW, DK_OPEN_EXISTING,
			       DK_OPTION_DIRECTORY),
		      NOT_DIRECTORY);
	EXPECT_STATUS(try_open("pipe:a", RW, DK_OPEN_EXISTING, 0),
		      NOT_SUPPORTED);
	memset(name + 12, 'n', 256);
	EXPECT_STATUS(try_open(name, R, DK_OPEN_CREATE_NEW, 0), NAME_TOO_LONG);
	name[12 + 255] = 0;
	EXPECT_OK(try_open(name, R, DK_OPEN_CREATE_NEW, 0));

	/* Reading the server gives one whole record. */
	EXPECT_STATUS(DkStreamRead(server, 0, &a, sizeof(a), &done),
		      NOT_SEEKABLE);
	EXPECT_STATUS(DkStreamRead(server, CURRENT, &a, sizeof(a) - 1, &done),
		      BUFFER_TOO_SMALL);
	EXPECT_STATUS(DkStreamRead(server, CURRENT, NULL, sizeof(a), &done),
		      INVALID_POINTER);
	EXPECT_STATUS(DkStreamRead(server, CURRENT, &a, sizeof(a), NULL),
		      INVALID_POINTER);
	EXPECT_EQ(done, POISON);
	/* What could not be stored is still there. */
	EXPECT_OK(DkStreamRead(server, CURRENT, &a, sizeof(a), &done));
	EXPECT_OK(DkObjectClose(a.stream));
	EXPECT_STATUS(DkStreamRead(server, CURRENT, &a, sizeof(a), &done),
		      WOULD_BLOCK);
	EXPECT_STATUS(DkStreamWrite(server, CURRENT, &a, 1, &done),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkStreamAttributesQuery(URI("pipe.client:read-only"), 0,
					      name, 0),
		      INVALID_PARAMETER);
	EXPECT_OK(DkObjectClose(server));
}

TEST(a_full_queue)
{
	DK_HANDLE server = serve("pipe.server:full", NONBLOCK), c[3], t, here;
	struct dk_accepted a;
	u32 backlog = 3;
	u64 done;

	EXPECT_OK(control(server, DK_CONTROL_LISTEN, &backlog, 4));
	for (int i = 0; i < 3; i++)
		c[i] = call("pipe.client:full", NONBLOCK);
	EXPECT_STATUS(try_open("pipe.client:full", RW, DK_OPEN_EXISTING,
			       NONBLOCK),
		      WOULD_BLOCK);
	/* Who may wait, waits for room. */
	t = start_caller("pipe.client:full");
	EXPECT_EQ(status_of_caller, 1);
	here = take(server, NULL);
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(status_of_caller, 0);
	EXPECT_OK(DkObjectClose(t));
	EXPECT_OK(DkObjectClose(caller));
	EXPECT_OK(DkObjectClose(here));
	expect_end(c[0]);
	/* In their order; the end of a client does not take it out. */
	send_text(c[1], "one");
	send_text(c[2], "two");
	EXPECT_OK(DkObjectClose(c[2]));
	here = take(server, NULL);
	expect_text(here, "one");
	EXPECT_OK(DkObjectClose(here));
	here = take(server, NULL);
	expect_text(here, "two");
	expect_end(here);
	EXPECT_OK(DkObjectClose(here));
	/* The one that had waited. */
	EXPECT_OK(DkObjectClose(take(server, NULL)));
	EXPECT_STATUS(DkStreamRead(server, CURRENT, &a, sizeof(a), &done),
		      WOULD_BLOCK);
	/* Waiting ends with the server, too. */
	backlog = 1;
	EXPECT_OK(control(server, DK_CONTROL_LISTEN, &backlog, 4));
	EXPECT_OK(DkObjectClose(c[0]));
	c[0] = call("pipe.client:full", NONBLOCK);
	t = start_caller("pipe.client:full");
	EXPECT_EQ(status_of_caller, 1);
	EXPECT_OK(DkObjectClose(server));
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(status_of_caller, DK_STATUS_NOT_FOUND);
	EXPECT_OK(DkObjectClose(t));
	/* Those in the queue see the end. */
	expect_end(c[0]);
	EXPECT_STATUS(DkStreamWrite(c[0], CURRENT, "x", 1, &done), BROKEN_PIPE);
	EXPECT_OK(DkObjectClose(c[0]));
	EXPECT_OK(DkObjectClose(c[1]));
}

static volatile bool go;

static void waits_for_room(u64 parameter)
{
	DK_HANDLE h = POISON;
	s64 left;

	/* Without a call: the first that might wait is the one. */
	while (!go)
		;
	ends_result = DkStreamOpen(URI("pipe.client:ended"), RW,
				   DK_OPEN_EXISTING, 0, &h);
	ends_next = DkThreadDelayExecution(1, &left);
	EXPECT_EQ(h, POISON);
}

static void ended_for_room(enum how how, DK_STATUS wanted)
{
	DK_HANDLE thread;
	s64 asleep = 0;

	dkt_exception = ends_note;
	ends_begin();
	go = how != ABORTED_BEFORE;
	thread = dkt_thread(waits_for_room, 0);
	if (how != ABORTED_BEFORE)
		dkt_ask("@asleep\n", &asleep, sizeof(asleep));
	EXPECT_EQ(asleep, 0);
	EXPECT_EQ(ends_result, 1);
	if (how == RAISED)
		EXPECT_OK(
			DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 0));
	else
		ends_abort();
	go = true;
	if (!dkt_wait(thread))
		dkt_fail("%s: it does not end", ends_how[how]);
	ends_check("waiting for room", how, wanted);
	EXPECT_OK(DkObjectClose(thread));
	dkt_exception = NULL;
}

TEST(ended_while_the_queue_is_full)
{
	DK_HANDLE server = serve("pipe.server:ended", NONBLOCK), event = 0;
	DK_HANDLE first, thread, here;
	struct dkt_counts before;
	struct dk_accepted a;
	u32 backlog = 1;
	u64 done;

	EXPECT_OK(control(server, DK_CONTROL_LISTEN, &backlog, 4));
	first = call("pipe.client:ended", NONBLOCK);
	EXPECT_OK(DkNotificationEventCreate(0, &event));
	EXPECT_OK(DkAbortEventRegister(event));
	dkt_counts(&before);
	ended_for_room(RAISED, DK_STATUS_INTERRUPTED);
	ended_for_room(ABORTED, DK_STATUS_ABORTED);
	ended_for_room(ABORTED_BEFORE, DK_STATUS_ABORTED);
	expect_counts(&before);
	/* It waits again; of those before nothing has come into the queue. */
	thread = start_caller("pipe.client:ended");
	EXPECT_EQ(status_of_caller, 1);
	send_text(first, "first");
	here = take(server, NULL);
	expect_text(here, "first");
	EXPECT_OK(DkObjectClose(here));
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_EQ(status_of_caller, 0);
	EXPECT_OK(DkObjectClose(thread));
	send_text(caller, "again");
	here = take(server, NULL);
	expect_text(here, "again");
	EXPECT_OK(DkObjectClose(here));
	EXPECT_STATUS(DkStreamRead(server, CURRENT, &a, sizeof(a), &done),
		      WOULD_BLOCK);
	EXPECT_OK(DkObjectClose(caller));
	EXPECT_OK(DkObjectClose(first));
	EXPECT_OK(DkObjectClose(server));
	EXPECT_OK(DkObjectClose(event));
}

TEST(two_directions_without_a_name)
{
	DK_HANDLE a = 0, b = 0;
	u64 done = POISON;
	char c[8];

	EXPECT_OK(
		DkxPipeCreate(DK_PIPE_DUPLEX | DK_PIPE_NONBLOCK_READ, &a, &b));
	EXPECT_STATUS(DkStreamRead(a, CURRENT, c, 8, &done), WOULD_BLOCK);
	send_text(a, "there");
	send_text(b, "back");
	expect_text(b, "there");
	expect_text(a, "back");
	EXPECT_OK(DkObjectClose(a));
	expect_end(b);
	EXPECT_STATUS(DkStreamWrite(b, CURRENT, "x", 1, &done), BROKEN_PIPE);
	EXPECT_OK(DkObjectClose(b));
}

/* ---- control of what is no connection ---- */

TEST(the_size_of_a_pipe)
{
	DK_HANDLE r = 0, w = 0, weak = 0, null;
	u64 size, *none = (u64 *)1, done;
	static char page[PAGE];

	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	size = 5 * PAGE;
	EXPECT_OK(control(w, DK_CONTROL_SET_PIPE_SIZE, &size, 8));
	EXPECT_EQ(size, 8 * PAGE);
	size = 1;
	EXPECT_OK(control(r, DK_CONTROL_PIPE_SIZE, &size, 8));
	EXPECT_EQ(size, 8 * PAGE);
	size = 0x100000;
	EXPECT_OK(control(r, DK_CONTROL_SET_PIPE_SIZE, &size, 8));
	EXPECT_EQ(size, 0x100000);
	/* Two pages are in it. */
	EXPECT_OK(DkStreamWrite(w, CURRENT, page, PAGE, &done));
	EXPECT_OK(DkStreamWrite(w, CURRENT, page, PAGE, &done));
	size = 1;
	EXPECT_STATUS(control(r, DK_CONTROL_SET_PIPE_SIZE, &size, 8), BUSY);
	EXPECT_EQ(size, 1);
	EXPECT_OK(control(r, DK_CONTROL_PIPE_SIZE, &size, 8));
	EXPECT_EQ(size, 0x100000);
	size = 1ULL << 31;
	EXPECT_STATUS(control(r, DK_CONTROL_SET_PIPE_SIZE, &size, 8),
		      INVALID_PARAMETER);
	size = ~0ULL;
	EXPECT_STATUS(control(r, DK_CONTROL_SET_PIPE_SIZE, &size, 8),
		      INVALID_PARAMETER);
	EXPECT_STATUS(control(r, DK_CONTROL_SET_PIPE_SIZE, &size, 4),
		      INVALID_PARAMETER);
	EXPECT_STATUS(control(r, DK_CONTROL_SET_PIPE_SIZE, none, 8),
		      INVALID_POINTER);
	EXPECT_OK(DkObjectReference(r, DK_RIGHT_READ, &weak));
	EXPECT_STATUS(control(weak, DK_CONTROL_SET_PIPE_SIZE, &size, 8),
		      ACCESS_DENIED);
	EXPECT_OK(DkObjectClose(weak));
	EXPECT_OK(DkObjectClose(w));
	EXPECT_OK(DkObjectClose(r));
	null = dkt_open("null:", R, DK_OPEN_EXISTING, 0);
	size = PAGE;
	EXPECT_STATUS(control(null, DK_CONTROL_SET_PIPE_SIZE, &size, 8),
		      ACCESS_DENIED);
	EXPECT_OK(DkObjectClose(null));
	EXPECT_OK(DkxPipeCreate(DK_PIPE_DUPLEX, &r, &w));
	EXPECT_STATUS(control(r, DK_CONTROL_SET_PIPE_SIZE, &size, 8),
		      NOT_SUPPORTED);
	EXPECT_OK(DkObjectClose(w));
	EXPECT_OK(DkObjectClose(r));
}

TEST(control_of_pipes)
{
	DK_HANDLE r = 0, w = 0, weak = 0, null;
	u64 size = POISON, done = POISON;
	u32 options = ~0U, value = 1;
	s64 error;
	char b[8];

	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	EXPECT_OK(control(r, DK_CONTROL_PIPE_SIZE, &size, 8));
	EXPECT_EQ(size, 65536);
	EXPECT_OK(control(r, DK_CONTROL_GET_OPTIONS, &options, 4));
	EXPECT_EQ(options, 0);
	options = NONBLOCK;
	EXPECT_OK(control(r, DK_CONTROL_SET_OPTIONS, &options, 4));
	EXPECT_STATUS(DkStreamRead(r, CURRENT, b, 8, &done), WOULD_BLOCK);
	options = 0;
	EXPECT_OK(control(r, DK_CONTROL_GET_OPTIONS, &options, 4));
	EXPECT_EQ(options, NONBLOCK);
	options = 0;
	EXPECT_OK(control(r, DK_CONTROL_SET_OPTIONS, &options, 4));
	EXPECT_OK(control(r, DK_CONTROL_GET_OPTIONS, &options, 4));
	EXPECT_EQ(options, 0);
	options = 2;
	EXPECT_STATUS(control(r, DK_CONTROL_SET_OPTIONS, &options, 4),
		      INVALID_PARAMETER);
	EXPECT_EQ(ready(r), 0);
	EXPECT_EQ(ready(w), DK_READY_WRITE);
	send_text(w, "x");
	EXPECT_EQ(ready(r), DK_READY_READ);
	EXPECT_STATUS(control(r, DK_CONTROL_SHUTDOWN, &value, 4),
		      NOT_SUPPORTED);
	EXPECT_STATUS(control(r, DK_CONTROL_ERROR, &error, 8), NOT_SUPPORTED);
	EXPECT_STATUS(control(r, DK_CONTROL_LISTEN, &value, 4), NOT_SUPPORTED);
	EXPECT_STATUS(control(r, DK_CONTROL_UNSENT, &value, 4), NOT_SUPPORTED);
	EXPECT_STATUS(control(r, DK_CONTROL_PIPE_SIZE, &size, 4),
		      INVALID_PARAMETER);
	EXPECT_OK(DkObjectReference(r, DK_RIGHT_READ, &weak));
	EXPECT_STATUS(control(weak, DK_CONTROL_SHUTDOWN, &value, 4),
		      ACCESS_DENIED);
	EXPECT_OK(DkObjectClose(weak));
	EXPECT_OK(DkObjectClose(w));
	EXPECT_TRUE(ready(r) & DK_READY_CLOSED);
	EXPECT_OK(DkObjectClose(r));
	EXPECT_OK(DkxPipeCreate(0, &r, &w));
	EXPECT_OK(DkObjectClose(r));
	EXPECT_TRUE(ready(w) & DK_READY_ERROR);
	EXPECT_OK(DkObjectClose(w));
	null = dkt_open("null:", R, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(control(null, DK_CONTROL_READY, &value, 4),
		      NOT_SUPPORTED);
	EXPECT_STATUS(control(null, DK_CONTROL_SET_OPTIONS, &value, 4),
		      NOT_SUPPORTED);
	EXPECT_OK(DkObjectClose(null));
}
