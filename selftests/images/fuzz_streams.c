// SPDX-License-Identifier: GPL-2.0-only
/* Sequences about streams that are no plain files. */
#include "fuzz_life.h"

/* Both ends of a pipe or a connection, in one thread or several. */
void stream_pair(struct worker *w)
{
	u64 *one = fresh(w, 0), *two = fresh(w, 1), *done = fresh(w, 2);
	u8 *buffer = w->area + AREA_BUFFER * PAGE;
	u64 n = below(w, chance(w, 80) ? 200 : BUFFER_SIZE);
	u32 value[] = { below(w, 4), 0 };

	if (!implemented(DK_INDEX_DkxPipeCreate) ||
	    CALL(w, DkxPipeCreate, 3 | (chance(w, 30) ? DK_PIPE_DUPLEX : 0),
		 one, two))
		return;
	CALL(w, DkStreamWrite, *two, DK_OFFSET_CURRENT, buffer, n, done);
	CALL(w, DkStreamRead, *one, DK_OFFSET_CURRENT, buffer, n / 2 + 1, done);
	if (implemented(DK_INDEX_DkxStreamControl)) {
		CALL(w, DkxStreamControl, *one, DK_CONTROL_READY, value, 4);
		value[0] = 1 + below(w, 3);
		CALL(w, DkxStreamControl, *two, DK_CONTROL_SHUTDOWN, value, 4);
	}
	if (chance(w, 50))
		CALL(w, DkObjectClose, *one);
	else
		keep_handle(w, "stream", *one);
	CALL(w, DkStreamWrite, *two, DK_OFFSET_CURRENT, buffer, n, done);
	keep_handle(w, "stream", *two);
}

void server_life(struct worker *w)
{
	u64 *server = fresh(w, 0), *client = fresh(w, 1), *done = fresh(w, 2);
	struct dk_accepted *accepted =
		(struct dk_accepted *)(w->area + AREA_BUFFER * PAGE);
	u8 *buffer = w->area + (AREA_BUFFER + 1) * PAGE;
	char *uri = text_of(w, 0);
	u32 name = below(w, 6);
	bool tcp = chance(w, 50);
	u64 n;

	n = tcp ? dkt_snprintf(uri, PAGE, "tcp.server:%s:%u?reuse",
			       chance(w, 80) ? "127.0.0.1" : "[::1]",
			       40000 + name) :
		  dkt_snprintf(uri, PAGE, "pipe.server:p%u", name);
	CALL(w, DkStreamOpen, uri, n, DK_ACCESS_READ, DK_OPEN_CREATE_NEW,
	     DK_OPTION_NONBLOCK, server);
	memcpy(uri + (tcp ? 4 : 5), "client", 6);
	CALL(w, DkStreamOpen, uri, n, DK_ACCESS_READ | DK_ACCESS_WRITE,
	     DK_OPEN_EXISTING, DK_OPTION_NONBLOCK, client);
	if (*server) {
		*done = 0;
		accepted->stream = 0;
		if (CALL(w, DkStreamRead, *server, DK_OFFSET_CURRENT, accepted,
			 sizeof(*accepted), done) == 0 &&
		    *done) {
			CALL(w, DkStreamWrite, accepted->stream,
			     DK_OFFSET_CURRENT, buffer, below(w, 2000), done);
			keep_handle(w, "stream", accepted->stream);
		}
		keep_handle(w, "stream", *server);
	}
	if (*client) {
		CALL(w, DkStreamWrite, *client, DK_OFFSET_CURRENT, buffer,
		     below(w, 2000), done);
		CALL(w, DkStreamRead, *client, DK_OFFSET_CURRENT, buffer,
		     below(w, 2000), done);
		keep_handle(w, "stream", *client);
	}
}

/* ---- what is only made, and what has no name yet ---- */

static DK_HANDLE open_kind(struct worker *w, u64 n, u64 kind, u64 access)
{
	u64 *out = fresh(w, 0);

	CALL(w, DkStreamOpen, text_of(w, 0), n, access, DK_OPEN_CREATE_NEW,
	     kind | DK_OPTION_MODE(0644), out);
	return *out;
}

/* Both ends, which mostly do not wait for each other. */
static void fifo_life(struct worker *w, u64 n)
{
	u64 *out = fresh(w, 0), *done = fresh(w, 1);
	u8 *buffer = w->area + AREA_BUFFER * PAGE;

	for (int i = 0; i < 2; i++) {
		*out = 0;
		CALL(w, DkStreamOpen, text_of(w, 0), n, 1 + below(w, 3),
		     DK_OPEN_EXISTING, chance(w, 95) ? DK_OPTION_NONBLOCK : 0,
		     out);
		if (!*out)
			continue;
		CALL(w, DkStreamWrite, *out, DK_OFFSET_CURRENT, buffer,
		     below(w, 200), done);
		CALL(w, DkStreamRead, *out, DK_OFFSET_CURRENT, buffer,
		     below(w, 200), done);
		keep_handle(w, "stream", *out);
	}
}

/* FIFOs, sockets' names, files without a name, which get one, or many. */
void made_life(struct worker *w)
{
	u64 n = file_name(w, text_of(w, 0)), m = file_name(w, text_of(w, 1));
	DK_HANDLE h;

	switch (below(w, 4)) {
	case 0:
		h = open_kind(w, n, DK_OPTION_FIFO, 0);
		keep_handle(w, "stream", h);
		fifo_life(w, n);
		break;
	case 1:
		h = open_kind(w, n, DK_OPTION_SOCKET, 0);
		keep_handle(w, "stream", h);
		CALL(w, DkStreamOpen, text_of(w, 0), n, 1, DK_OPEN_EXISTING, 0,
		     fresh(w, 0));
		break;
	default:
		n = dkt_snprintf(text_of(w, 0), PAGE, "file:%s/rw%s",
				 shared->folder, chance(w, 30) ? "/d0" : "");
		h = open_kind(w, n, DK_OPTION_UNNAMED,
			      DK_ACCESS_WRITE | below(w, 2));
		if (chance(w, 20) || !h)
			h = h ?: pick_handle(w, "stream");
		for (u64 k = 1 + below(w, 2); k; k--)
			CALL(w, DkxStreamLink, h, chance(w, 95) ? 0 : 1,
			     text_of(w, 1), m, DK_LINK_STREAM);
		keep_handle(w, "stream", h);
	}
	/* So that there is room for the next one. */
	if (chance(w, 60))
		CALL(w, DkStreamDelete, text_of(w, below(w, 2)), m,
		     DK_DELETE_FILE);
}

/* ---- counters ---- */

void counter_life(struct worker *w)
{
	const char *uri = chance(w, 50) ? "counter:all" : "counter:one";
	u64 *value = (u64 *)(w->area + AREA_BUFFER * PAGE);
	u64 *out = fresh(w, 0), *done = fresh(w, 1), *event = fresh(w, 2);
	DK_HANDLE h;

	CALL(w, DkStreamOpen, uri, strlen(uri),
	     DK_ACCESS_READ | DK_ACCESS_WRITE, DK_OPEN_CREATE_NEW,
	     chance(w, 95) ? DK_OPTION_NONBLOCK : 0, out);
	h = *out ?: pick_handle(w, "stream");
	CALL(w, DkStreamGetEvent, h,
	     1 + below(w, 3) + (chance(w, 50) ? DK_STREAM_EDGES : 0), event);
	for (u64 n = 1 + below(w, 5); n; n--) {
		*value = chance(w, 70) ? below(w, 4) :
			 chance(w, 50) ? ~0ULL - below(w, 4) :
					 edge_number(w);
		if (chance(w, 60))
			CALL(w, DkStreamWrite, h, DK_OFFSET_CURRENT, value,
			     chance(w, 90) ? 8 : below(w, 16), done);
		else
			CALL(w, DkStreamRead, h,
			     chance(w, 95) ? DK_OFFSET_CURRENT : 0, value,
			     chance(w, 90) ? 8 : below(w, 16), done);
		if (*event)
			CALL(w, DkEventPeek, *event, done);
	}
	keep_handle(w, "event", *event);
	keep_handle(w, "stream", *out);
}

/* ---- control ---- */

/* A few operations on one stream, which others use meanwhile. */
void control_life(struct worker *w)
{
	u8 *buffer = w->area + AREA_BUFFER * PAGE;
	DK_HANDLE h = pick_handle(w, "stream");

	for (u64 n = 1 + below(w, 6); n; n--) {
		u64 operation = below(w, CONTROL_OPERATIONS);

		make_control(w, operation, buffer);
		CALL(w, DkxStreamControl, h, operation, buffer,
		     control_size(operation));
	}
}

/* ---- edges ---- */

/* Events of a stream that is filled and emptied, by others, too. */
void edges_life(struct worker *w)
{
	DK_HANDLE *list = (DK_HANDLE *)(w->area + PAGE / 2);
	u64 *one = fresh(w, 0), *two = fresh(w, 1), *done = fresh(w, 2);
	u64 *event = fresh(w, 3);
	u8 *buffer = w->area + AREA_BUFFER * PAGE;

	if (CALL(w, DkxPipeCreate,
		 3 | (chance(w, 70) ? 1ULL << (2 + below(w, 4)) : 0), one, two))
		return;
	CALL(w, DkStreamGetEvent, chance(w, 70) ? *one : *two,
	     (1 + below(w, 15)) | DK_STREAM_EDGES, event);
	list[0] = *event ?: pick_handle(w, "event");
	for (u64 n = 1 + below(w, 4); n; n--) {
		CALL(w, DkStreamWrite, *two, DK_OFFSET_CURRENT, buffer,
		     below(w, BUFFER_SIZE), done);
		CALL(w, DkObjectsWaitAny, 1, list, below(w, 2000), done);
		CALL(w, DkStreamRead, *one, DK_OFFSET_CURRENT, buffer,
		     below(w, BUFFER_SIZE), done);
	}
	if (chance(w, 50))
		CALL(w, DkObjectClose, *one);
	else
		keep_handle(w, "stream", *one);
	keep_handle(w, "stream", *two);
	keep_handle(w, "event", *event);
}

/* ---- names of hosts ---- */

/* The monitor answers, refuses, or never answers: see fuzz.c outside. */
void dns_life(struct worker *w)
{
	u64 *out = fresh(w, 0), *done = fresh(w, 1);
	u8 *buffer = w->area + AREA_BUFFER * PAGE;
	u64 n;

	if (chance(w, 70))
		return;
	n = dkt_snprintf(text_of(w, 0), PAGE, "dns:%s%u",
			 chance(w, 90) ? "host" : "no.", (u32)below(w, 9));
	CALL(w, DkStreamOpen, text_of(w, 0), n, DK_ACCESS_READ,
	     DK_OPEN_EXISTING, 0, out);
	if (!*out)
		return;
	CALL(w, DkStreamRead, *out,
	     chance(w, 70) ? DK_OFFSET_CURRENT : below(w, 40), buffer,
	     below(w, 100), done);
	keep_handle(w, "stream", *out);
}
