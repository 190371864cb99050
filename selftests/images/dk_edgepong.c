// SPDX-License-Identifier: GPL-2.0-only
/*
 * No announcement of room, or of a connection, is lost: dk_pingpong.c has those of
 * data. A stream is filled until nothing more fits, and emptied by another thread,
 * at once or when the first one sleeps; it goes on by the stream's events only.
 * And a server takes what several clients open, by its event only. A lost one
 * would be a wait without end.
 */
#include "connection.h"
#include "rounds.h"

#define READABLE DK_STREAM_READABLE
#define WRITABLE DK_STREAM_WRITABLE
#define EDGES	DK_STREAM_EDGES

static DK_HANDLE event_of(DK_HANDLE stream, u64 condition)
{
	u32 options = NONBLOCK;
	DK_HANDLE event = 0;

	EXPECT_OK(control(stream, DK_CONTROL_SET_OPTIONS, &options, 4));
	EXPECT_OK(DkStreamGetEvent(stream, condition, &event));
	return event;
}

static bool wait_for(DK_HANDLE event)
{
	u64 index;

	return !DkObjectsWaitAny(1, &event, 20 * SEC, &index);
}

/* ---- room ---- */

struct filling {
	DK_HANDLE out, in;
	u64 edges; /* EDGES or 0 */
	u64 rounds;
	u64 piece; /* that is written at once */
	u64 sent; /* in all; the writer's */
	u64 full_at; /* @sent when it was full; stored before @round is */
	u64 round; /* how often it was full */
	u64 passed; /* and had room again */
	volatile bool stop;
};

/* What is stored before is seen by who reads this. */
static void publish(u64 *word, u64 value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static u64 look(u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void pause(u64 turns)
{
	for (volatile u64 i = 0; i < turns; i++)
		;
}

/*
 * At least what was sent until it was full, which makes room; false if it does
 * not come.
 */
static bool take_all(struct filling *f, DK_HANDLE event, u64 *received)
{
	static u8 bytes[65536];
	u64 wanted = f->full_at, done = 0;

	while (*received < wanted) {
		s64 status = DkStreamRead(f->in, CURRENT, bytes, sizeof(bytes),
					  &done);

		if (!status && done) {
			*received += done;
			continue;
		}
		if (status != DK_STATUS_WOULD_BLOCK) {
			dkt_fail("reading: %s, %lu bytes", dkt_status(status),
				 (unsigned long)done);
			return false;
		}
		if (!wait_for(event)) {
			dkt_fail("data were not announced in round %lu",
				 (unsigned long)f->round);
			return false;
		}
	}
	return true;
}

static void empties(u64 parameter)
{
	struct filling *f = (struct filling *)parameter;
	DK_HANDLE event = event_of(f->in, READABLE | f->edges);
	u64 received = 0;
	s64 left;

	for (u64 round = 1; round <= f->rounds; round++) {
		while (look(&f->round) < round && !f->stop)
			DkThreadYieldExecution();
		if (f->stop)
			break;
		/* The writer is about to wait, at any place; or it sleeps. */
		if (round % 8)
			pause(round * 37 % 2048);
		else
			DkThreadDelayExecution(MSEC, &left);
		if (!take_all(f, event, &received))
			break;
	}
	DkObjectClose(event);
}

/* Until nothing more fits; false if that goes wrong. */
static bool fill(struct filling *f)
{
	static u8 bytes[65536];
	u64 done = 0;
	s64 status;

	for (;;) {
		status = DkStreamWrite(f->out, CURRENT, bytes, f->piece, &done);
		if (status)
			break;
		f->sent += done;
	}
	if (status != DK_STATUS_WOULD_BLOCK)
		dkt_fail("writing: %s", dkt_status(status));
	return status == DK_STATUS_WOULD_BLOCK;
}

/* Waits until something fits again, which nobody but the event tells. */
static bool wait_for_room(struct filling *f, DK_HANDLE event)
{
	u64 before = f->sent, done = 0;
	s64 status;

	do {
		if (!wait_for(event)) {
			dkt_fail("room was not announced in round %lu",
				 (unsigned long)f->round);
			return false;
		}
		status = DkStreamWrite(f->out, CURRENT, &before, 1, &done);
		if (!status)
			f->sent += done;
		/* Only what comes by edges may have been over before. */
		if (status == DK_STATUS_WOULD_BLOCK && !f->edges)
			dkt_fail("there was no room in round %lu",
				 (unsigned long)f->round);
	} while (status == DK_STATUS_WOULD_BLOCK);
	if (status)
		dkt_fail("writing: %s", dkt_status(status));
	return !status;
}

static void fill_and_empty(DK_HANDLE out, DK_HANDLE in, u64 piece, u64 edges,
			   u64 usual)
{
	static struct filling f;
	DK_HANDLE event = event_of(out, WRITABLE | edges), thread;

	f = (struct filling){ .out = out,
			      .in = in,
			      .edges = edges,
			      .piece = piece,
			      .rounds = rounds(usual) };
	thread = dkt_thread(empties, (u64)&f);
	for (u64 round = 1; round <= f.rounds; round++) {
		if (!fill(&f))
			break;
		f.full_at = f.sent;
		publish(&f.round, round);
		if (!wait_for_room(&f, event))
			break;
		f.passed++;
	}
	EXPECT_EQ(f.passed, f.rounds);
	f.stop = f.passed < f.rounds;
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_OK(DkObjectClose(thread));
	EXPECT_OK(DkObjectClose(event));
}

/* What the last round has left would be in the way of the next game. */
static void over(void (*make)(DK_HANDLE *out, DK_HANDLE *in), u64 piece,
		 u64 usual)
{
	DK_HANDLE out = 0, in = 0;

	for (u64 edges = 0; edges <= EDGES; edges += EDGES) {
		make(&out, &in);
		fill_and_empty(out, in, piece, edges, usual);
		EXPECT_OK(DkObjectClose(out));
		EXPECT_OK(DkObjectClose(in));
	}
}

static void pipe_of(DK_HANDLE *out, DK_HANDLE *in, u64 size)
{
	EXPECT_OK(DkxPipeCreate(0, in, out));
	EXPECT_OK(control(*out, DK_CONTROL_SET_PIPE_SIZE, &size, 8));
}

static void small_pipe(DK_HANDLE *out, DK_HANDLE *in)
{
	pipe_of(out, in, PAGE);
}

static void usual_pipe(DK_HANDLE *out, DK_HANDLE *in)
{
	pipe_of(out, in, 16 * PAGE);
}

static void duplex(DK_HANDLE *out, DK_HANDLE *in)
{
	EXPECT_OK(DkxPipeCreate(DK_PIPE_DUPLEX, in, out));
}

static void set_buffer(DK_HANDLE stream, u32 option, int size)
{
	struct dk_socket_option o = { .option = option, .value = size };

	EXPECT_OK(control(stream, DK_CONTROL_SET_SOCKET, &o, sizeof(o)));
}

/*
 * Small, so that it is full soon; but what is sent at once has to fit into the
 * window that emptying opens, or TCP waits for a timer each time.
 */
static void connect(DK_HANDLE *out, DK_HANDLE *in, const char *server_uri,
		    const char *host)
{
	DK_HANDLE server = serve(server_uri, 0);

	*out = call(address_of(server, host), 0);
	*in = take(server, NULL);
	set_buffer(*out, DK_SOCKET_SEND_BUFFER, 8192);
	set_buffer(*in, DK_SOCKET_RECEIVE_BUFFER, 65536);
	EXPECT_OK(DkObjectClose(server));
}

static void tcp(DK_HANDLE *out, DK_HANDLE *in)
{
	connect(out, in, "tcp.server:127.0.0.1:0", "127.0.0.1");
}

static void tcp6(DK_HANDLE *out, DK_HANDLE *in)
{
	connect(out, in, "tcp.server:[::1]:0", "[::1]");
}

TEST(room_in_a_pipe_of_one_page)
{
	over(small_pipe, PAGE, 4000);
}

TEST(room_in_a_pipe)
{
	over(usual_pipe, 5 * PAGE, 1000);
}

TEST(room_in_a_pipe_of_two_ways)
{
	over(duplex, 32768, 1000);
}

TEST(room_in_a_connection)
{
	over(tcp, 8192, 500);
}

TEST(room_in_a_connection_of_ipv6)
{
	over(tcp6, 8192, 500);
}

/* ---- connections ---- */

#define CLIENTS	4

static const char *server_of_clients;
static u64 calls_of_each;

/* A byte comes from who has taken it, and then the end. */
static void calls_often(u64 parameter)
{
	u64 done;
	char b;

	for (u64 i = 0; i < calls_of_each; i++) {
		DK_HANDLE h = 0;
		s64 status = DkStreamOpen(URI(server_of_clients), RW,
					  DK_OPEN_EXISTING, 0, &h);

		if (status) {
			dkt_fail("opening %lu: %s", (unsigned long)i,
				 dkt_status(status));
			break;
		}
		done = 0;
		status = DkStreamRead(h, CURRENT, &b, 1, &done);
		if (status || done != 1)
			dkt_fail("reading from connection %lu: %s, %lu bytes",
				 (unsigned long)i, dkt_status(status),
				 (unsigned long)done);
		DkObjectClose(h);
	}
}

/* How many there were; fewer than @count only if nothing more is announced. */
static u64 accept(DK_HANDLE server, DK_HANDLE event, bool edges, u64 count)
{
	struct dk_accepted a;
	u64 taken = 0, done;
	bool woken = false;
	s64 status;

	while (taken < count) {
		status = DkStreamRead(server, CURRENT, &a, sizeof(a), &done);
		if (!status) {
			send_text(a.stream, "x");
			EXPECT_OK(DkObjectClose(a.stream));
			taken++;
			woken = false;
			continue;
		}
		if (status != DK_STATUS_WOULD_BLOCK) {
			dkt_fail("accepting: %s", dkt_status(status));
			break;
		}
		/* Nobody else takes any. */
		if (woken && !edges)
			dkt_fail("there was no connection after %lu",
				 (unsigned long)taken);
		if (!wait_for(event)) {
			dkt_fail("a connection was not announced after %lu",
				 (unsigned long)taken);
			break;
		}
		woken = true;
	}
	return taken;
}

static void accept_from(const char *server_uri, const char *client_uri,
			u64 edges, u64 count)
{
	DK_HANDLE server = serve(server_uri, NONBLOCK), event, clients[CLIENTS];

	event = event_of(server, READABLE | edges);
	server_of_clients = client_uri[0] == 'p' ?
				    client_uri :
				    address_of(server, client_uri);
	calls_of_each = rounds(400);
	for (u64 i = 0; i < count; i++)
		clients[i] = dkt_thread(calls_often, i);
	EXPECT_EQ(accept(server, event, edges, count * calls_of_each),
		  count * calls_of_each);
	/* Whoever still waits for the server is told that it is gone. */
	EXPECT_OK(DkObjectClose(server));
	for (u64 i = 0; i < count; i++) {
		EXPECT_TRUE(dkt_wait(clients[i]));
		EXPECT_OK(DkObjectClose(clients[i]));
	}
	EXPECT_OK(DkObjectClose(event));
}

/* One client alone has nobody whose announcement makes up for its own. */
static void accept_all(const char *server_uri, const char *client_uri)
{
	for (u64 edges = 0; edges <= EDGES; edges += EDGES) {
		accept_from(server_uri, client_uri, edges, 1);
		accept_from(server_uri, client_uri, edges, CLIENTS);
	}
}

TEST(clients_of_a_named_pipe)
{
	accept_all("pipe.server:edges", "pipe.client:edges");
}

TEST(clients_of_a_connection)
{
	accept_all("tcp.server:127.0.0.1:0", "127.0.0.1");
}

TEST(clients_of_a_connection_of_ipv6)
{
	accept_all("tcp.server:[::1]:0", "[::1]");
}
