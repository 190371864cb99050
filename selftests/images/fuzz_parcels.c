// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parcels: what goes through local: sockets, with handles in it.
 *
 * Numbers drawn for DkxParcelSend's structure would hardly ever make sense. So
 * here a sound one is made, and then, in a wild step, one field of it spoiled.
 * Handles of all kinds travel, and those of the very sockets they travel
 * through; many letters are never read, or are read in parts.
 */
#include "fuzz.h"

#define CALL(w, name, a0, a1, a2, a3, a4, a5)				\
	call(w, DK_INDEX_##name, (u64)(a0), (u64)(a1), (u64)(a2), (u64)(a3), \
	     (u64)(a4), (u64)(a5))

#define HANDLES	8

/* What one parcel needs; it lies in the private area. */
struct papers {
	struct dk_parcel parcel;
	struct dk_buffer buffers[4];
	DK_HANDLE handles[HANDLES];
	struct dk_local_name name;
	u8 attachment[64];
	u32 number;
	u64 one, two;
};

static struct papers *papers_of(struct worker *w)
{
	return (struct papers *)(w->area + AREA_BUFFER * PAGE);
}

/* Data is in the page behind, which papers do not reach. */
static void make_buffers(struct worker *w, struct papers *p)
{
	u64 size = PAGE / ARRAY_SIZE(p->buffers);
	u8 *data = w->area + (AREA_BUFFER + 1) * PAGE;

	_Static_assert(sizeof(*p) <= PAGE, "papers of one page");
	p->parcel.buffers = (u64)p->buffers;
	p->parcel.buffer_count = below(w, ARRAY_SIZE(p->buffers) + 1);
	for (u32 i = 0; i < ARRAY_SIZE(p->buffers); i++)
		p->buffers[i] = (struct dk_buffer){
			.address = (u64)data + i * size,
			.length = chance(w, 80) ? below(w, 64) :
						  below(w, size + 1),
		};
}

static void spoil(struct worker *w, struct papers *p, bool written)
{
	struct dk_parcel *parcel = &p->parcel;
	u64 bad = wild_pointer(w, written);

	switch (below(w, 10)) {
	case 0:
		parcel->buffers = bad;
		break;
	case 1:
		p->buffers[below(w, ARRAY_SIZE(p->buffers))].address = bad;
		break;
	case 2:
		p->buffers[below(w, ARRAY_SIZE(p->buffers))].length =
			edge_number(w);
		break;
	case 3:
		parcel->buffer_count = edge_number(w);
		break;
	case 4:
		parcel->flags = edge_number(w);
		break;
	case 5:
		parcel->attachment = bad;
		break;
	case 6:
		parcel->attachment_length = edge_number(w);
		break;
	case 7:
		parcel->handles = bad;
		break;
	case 8:
		parcel->handle_count = edge_number(w);
		break;
	default:
		parcel->name = bad;
		parcel->name_length = edge_number(w);
	}
	/*
	 * As much as there is memory behind each address: what was meant to
	 * be refused must not be written over what is ours.
	 */
	for (u32 i = 0; i < ARRAY_SIZE(p->buffers) && written; i++)
		if (is_ours(p->buffers[i].address, p->buffers[i].length))
			p->buffers[i].length = 0;
	if (written &&
	    (is_ours(parcel->attachment, parcel->attachment_length) ||
	     parcel->attachment_length > sizeof(p->attachment)))
		parcel->attachment_length = 0;
	if (written && parcel->handle_count > HANDLES)
		parcel->handle_count = HANDLES + 1 + below(w, 2);
}

/* A sound parcel; neither direction waits for long. */
static struct papers *make_parcel(struct worker *w)
{
	struct papers *p = papers_of(w);

	memset(&p->parcel, 0, sizeof(p->parcel));
	make_buffers(w, p);
	p->parcel.flags = chance(w, 70) ? DK_PARCEL_NONBLOCK : 0;
	p->parcel.attachment = (u64)p->attachment;
	p->parcel.handles = (u64)p->handles;
	p->parcel.timeout = below(w, 2 * MSEC);
	return p;
}

static s64 send_parcel(struct worker *w, DK_HANDLE to, DK_HANDLE other,
		       bool named)
{
	struct papers *p = make_parcel(w);
	struct dk_parcel *parcel = &p->parcel;

	parcel->attachment_length = chance(w, 50) ? below(w, 33) : 0;
	parcel->handle_count = chance(w, 60) ? below(w, HANDLES / 2 + 1) : 0;
	for (u32 i = 0; i < HANDLES; i++)
		p->handles[i] = chance(w, 20) ? to :
				chance(w, 20) ? other :
				chance(w, 90) ? pick_handle(w, "stream") :
						pick_handle(w, "event");
	if (named) {
		p->name.key[0] = below(w, 4);
		parcel->name = (u64)p->name.key;
		parcel->name_length = 1;
	}
	if (w->wild)
		spoil(w, p, false);
	return CALL(w, DkxParcelSend, to, parcel, sizeof(*parcel), 0, 0, 0);
}

static s64 receive_parcel(struct worker *w, DK_HANDLE from)
{
	static const u32 flags[] = {
		0, 0, 0, DK_PARCEL_PEEK, DK_PARCEL_RUN, DK_PARCEL_ACCEPT
	};
	struct papers *p = make_parcel(w);
	struct dk_parcel *parcel = &p->parcel;
	s64 status;

	parcel->flags |= flags[below(w, ARRAY_SIZE(flags))];
	parcel->attachment_length = chance(w, 80) ? sizeof(p->attachment) :
						    below(w, 8);
	parcel->handle_count = chance(w, 80) ? HANDLES : below(w, 3);
	if (chance(w, 50))
		parcel->name = (u64)&p->name;
	memset(p->handles, 0, sizeof(p->handles));
	if (w->wild)
		spoil(w, p, true);
	status = CALL(w, DkxParcelReceive, from, parcel, sizeof(*parcel), 0, 0,
		      0);
	/* Wherever it went, what was not spoiled is ours from now on. */
	for (u32 i = 0; i < HANDLES; i++)
		if (!status && p->handles[i])
			keep_handle(w, "stream", p->handles[i]);
	return status;
}

/* Names are few, so that threads take them from each other. */
static void name_socket(struct worker *w, DK_HANDLE socket, u64 operation)
{
	struct papers *p = papers_of(w);

	memset(&p->name, 0, sizeof(p->name));
	p->name.key_length = 1;
	p->name.name_length = below(w, 3);
	p->name.flags = below(w, 2);
	p->name.key[0] = below(w, 4);
	CALL(w, DkxStreamControl, socket, operation, &p->name, sizeof(p->name),
	     0, 0);
}

static void talk(struct worker *w, DK_HANDLE one, DK_HANDLE two, bool named)
{
	for (u64 n = 1 + below(w, 6); n; n--) {
		if (chance(w, 55))
			send_parcel(w, chance(w, 80) ? one : two,
				    chance(w, 50) ? one : two, named);
		else
			receive_parcel(w, chance(w, 80) ? two : one);
	}
}

/* The end: shut down, closed, or left to others with what is in it. */
static void part(struct worker *w, DK_HANDLE socket)
{
	struct papers *p = papers_of(w);

	if (chance(w, 20)) {
		p->number = 1 + below(w, 3);
		CALL(w, DkxStreamControl, socket, DK_CONTROL_SHUTDOWN,
		     &p->number, sizeof(p->number), 0, 0);
	}
	if (chance(w, 50))
		CALL(w, DkObjectClose, socket, 0, 0, 0, 0, 0);
	else
		keep_handle(w, "stream", socket);
}

/* Two that are connected, or datagrams that find each other by name. */
void parcel_pair(struct worker *w)
{
	static const u32 types[] = { DK_PIPE_LOCAL_STREAM, DK_PIPE_LOCAL_PACKET,
				     DK_PIPE_LOCAL_DATAGRAM };
	struct papers *p = papers_of(w);
	u32 type = types[below(w, ARRAY_SIZE(types))];
	bool named = type == DK_PIPE_LOCAL_DATAGRAM && chance(w, 50);
	DK_HANDLE one, two;

	p->one = 0;
	p->two = 0;
	if (CALL(w, DkxPipeCreate, type, &p->one, &p->two, 0, 0, 0))
		return;
	one = p->one;
	two = p->two;
	if (named)
		name_socket(w, two, DK_CONTROL_BIND);
	talk(w, one, two, named);
	part(w, one);
	talk(w, two, one, named);
	part(w, two);
}

/* One that listens, and one that looks for any that does. */
void parcel_server(struct worker *w)
{
	static const char *const uris[] = { "local:stream", "local:packet" };
	const char *uri = uris[below(w, ARRAY_SIZE(uris))];
	struct papers *p = papers_of(w);
	DK_HANDLE server, client;

	p->one = 0;
	p->two = 0;
	CALL(w, DkStreamOpen, uri, strlen(uri),
	     DK_ACCESS_READ | DK_ACCESS_WRITE, DK_OPEN_CREATE_NEW,
	     DK_OPTION_NONBLOCK, &p->one);
	CALL(w, DkStreamOpen, uri, strlen(uri),
	     DK_ACCESS_READ | DK_ACCESS_WRITE, DK_OPEN_CREATE_NEW,
	     DK_OPTION_NONBLOCK, &p->two);
	server = p->one;
	client = p->two;
	if (server) {
		name_socket(w, server, DK_CONTROL_BIND);
		p->number = below(w, 4);
		CALL(w, DkxStreamControl, server, DK_CONTROL_LISTEN, &p->number,
		     sizeof(p->number), 0, 0);
	}
	if (client) {
		name_socket(w, client, DK_CONTROL_CONNECT);
		send_parcel(w, client, server, false);
		part(w, client);
	}
	if (server) {
		receive_parcel(w, server);
		part(w, server);
	}
}

/* Whatever other threads have left in the pool. */
void parcel_any(struct worker *w)
{
	DK_HANDLE one = pick_handle(w, "stream");

	talk(w, one, pick_handle(w, "stream"), chance(w, 20));
}
