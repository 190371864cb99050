// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: sending, receiving and accepting.
 */
#include "unix.h"

#include <signals.h>

#define FEW_HANDLES 8
#define SMALL_ATTACHMENT 512

/* Of a wait that may have begun before: what is left. */
static s64 time_left(s64 deadline)
{
	return deadline == DK_TIMEOUT_INFINITE ?
		       deadline :
		       MAX(deadline - clock_now(DK_CLOCK_MONOTONIC), 0);
}

static u32 nonblock_of(u32 flags)
{
	return flags & MSG_DONTWAIT ? DK_PARCEL_NONBLOCK : 0;
}

long unix_move_parcel(struct unix_socket *u, struct dk_parcel *parcel,
		      bool send, s64 deadline)
{
	DK_STATUS status;
	s64 timeout;

	for (;;) {
		parcel->timeout = time_left(deadline);
		if (send)
			status = HOST_WAIT(DkxParcelSend, u->handle, parcel,
					   sizeof(*parcel));
		else
			status = HOST_WAIT(DkxParcelReceive, u->handle, parcel,
					   sizeof(*parcel));
		if (status != DK_STATUS_INTERRUPTED &&
		    status != DK_STATUS_ABORTED)
			return unix_error(status);
		if (signal_interrupts())
			break;
	}
	timeout = send ? u->socket.send_timeout : u->socket.receive_timeout;
	/* A call with a timeout is not taken up again. */
	return timeout ? -EINTR : -ERESTARTSYS;
}

/* ---- sending ---- */

/*
 * What a stream's first parcel did not take: the host ends it behind the piece
 * that the files went with, and when something is raised, be it nothing that
 * the program sees. The number of all bytes that were sent.
 */
static s64 send_rest(struct unix_socket *u, struct transfer *transfer,
		     struct dk_parcel *parcel, s64 deadline)
{
	struct vector *vector = &transfer->vector;
	s64 done = parcel->done;

	parcel->handle_count = 0;
	parcel->attachment_length = UNIX_ATTACHMENT_LEAST;
	vector_advance(vector, parcel->done);
	while (vector->total && !signal_interrupts() &&
	       !unix_move_parcel(u, parcel, true, deadline) && parcel->done) {
		done += parcel->done;
		vector_advance(vector, parcel->done);
	}
	return done;
}

s64 unix_send(struct file *file, struct transfer *transfer)
{
	struct unix_socket *u = unix_of(socket_of(file));
	bool stream = u->socket.type == SOCK_STREAM;
	DK_HANDLE handles[SCM_MAX_FD];
	u8 key[DK_LOCAL_NAME_MAX];
	struct dk_parcel parcel = {
		.buffers = (u64)transfer->vector.parts,
		.buffer_count = transfer->vector.count,
		.flags = nonblock_of(transfer->flags),
		.handles = (u64)handles,
		.name = (u64)key,
	};
	s64 deadline = socket_deadline(u->socket.send_timeout);
	u8 *attachment;
	s64 r;

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (transfer->address.length) {
		if (u->socket.type == SOCK_DGRAM) {
			r = unix_key(&transfer->address, key);
			if (r < 0)
				return r;
			parcel.name_length = r;
		} else if (stream) {
			/* The host says which error it is. */
			parcel.name_length = 1;
		}
	}
	r = unix_pack(transfer, &attachment, &parcel.attachment_length, handles,
		      &parcel.handle_count);
	if (r)
		return r;
	parcel.attachment = (u64)attachment;
	r = unix_move_parcel(u, &parcel, true, deadline);
	/* A stream moves nothing with no bytes. */
	if (r || (stream && !parcel.done))
		unix_unsent(transfer);
	if (!r)
		r = stream ? send_rest(u, transfer, &parcel, deadline) :
			     (s64)parcel.done;
	mem_free(attachment);
	if (r >= 0)
		return r;
	if (r == -EPIPE && !(transfer->flags & MSG_NOSIGNAL) && stream)
		return broken_pipe();
	return r;
}

/* ---- receiving ---- */

/*
 * struct taken - what came with the first bytes
 * @attachment, @handles: of the host's, @few and @small unless they are large
 */
struct taken {
	u8 *attachment;
	DK_HANDLE *handles;
	DK_HANDLE few[FEW_HANDLES];
	u8 small[SMALL_ATTACHMENT];
};

static void taken_free(struct taken *t)
{
	if (t->attachment != t->small)
		mem_free(t->attachment);
	if (t->handles != t->few)
		mem_free(t->handles);
}

/* As much room as the host has asked for. */
static long make_room(struct taken *t, struct dk_parcel *parcel)
{
	u8 *attachment = mem_alloc(
		MAX(parcel->attachment_length, (u32)UNIX_ATTACHMENT_LEAST));
	DK_HANDLE *handles =
		mem_alloc((parcel->handle_count + 1) * sizeof(*handles));

	if (!attachment || !handles) {
		mem_free(attachment);
		mem_free(handles);
		return -ENOMEM;
	}
	taken_free(t);
	t->attachment = attachment;
	t->handles = handles;
	parcel->attachment = (u64)attachment;
	parcel->handles = (u64)handles;
	return 0;
}

/*
 * Did nothing come, with which there would be credentials? The host does not
 * say so to who looks at the end (MSG_PEEK).
 */
static bool is_untouched(const struct taken *t)
{
	struct user_credentials c;

	memcpy(&c, t->attachment, sizeof(c));
	return c.pid == ~0U;
}

static long receive_parcel(struct unix_socket *u, struct dk_parcel *parcel,
			   struct taken *t, s64 deadline)
{
	u32 length = parcel->attachment_length, count = parcel->handle_count;
	long r;

	for (;;) {
		memset(t->attachment, 0xff, UNIX_ATTACHMENT_LEAST);
		r = unix_move_parcel(u, parcel, false, deadline);
		if (r != DK_STATUS_BUFFER_TOO_SMALL)
			break;
		parcel->attachment_length =
			MAX(parcel->attachment_length, length);
		parcel->handle_count = MAX(parcel->handle_count, count);
		r = make_room(t, parcel);
		if (r)
			return r;
	}
	if (!r && is_untouched(t))
		parcel->attachment_length = parcel->handle_count = 0;
	return r;
}

static s64 receive_once(struct unix_socket *u, struct transfer *transfer,
			s64 deadline, bool first)
{
	bool stream = u->socket.type == SOCK_STREAM;
	u8 name[DK_LOCAL_NAME_MAX];
	struct taken t;
	struct dk_parcel parcel = {
		.buffers = (u64)transfer->vector.parts,
		.buffer_count = transfer->vector.count,
		.flags = nonblock_of(transfer->flags) |
			 (transfer->flags & MSG_PEEK ? DK_PARCEL_PEEK : 0) |
			 (u->socket.pass_credentials ? 0 : DK_PARCEL_RUN),
		.attachment = (u64)t.small,
		.attachment_length = sizeof(t.small),
		.handles = (u64)t.few,
		.handle_count = FEW_HANDLES,
		.name = (u64)name,
	};
	s64 r;

	t.attachment = t.small;
	t.handles = t.few;
	r = receive_parcel(u, &parcel, &t, deadline);
	if (!r) {
		unix_unpack(transfer, t.attachment, parcel.attachment_length,
			    t.handles, parcel.handle_count);
		if (first) {
			transfer->address.length =
				MIN(parcel.name_length,
				    sizeof(transfer->address.bytes));
			memcpy(transfer->address.bytes, name,
			       transfer->address.length);
		}
		if (parcel.result & DK_PARCEL_TRUNCATED)
			transfer->result_flags |= MSG_TRUNC;
		if (parcel.result & DK_PARCEL_CUT)
			transfer->result_flags |= MSG_CTRUNC;
		r = parcel.done;
		if (!stream && transfer->flags & MSG_TRUNC)
			r = parcel.whole;
		/* Every message has an attachment. */
		transfer->at_end = !stream && !parcel.attachment_length;
	}
	taken_free(&t);
	return r;
}

/* How much a stream waits for. */
static size_t receive_least(const struct unix_socket *u,
			    const struct transfer *transfer)
{
	size_t total = transfer->vector.total;

	if (u->socket.type != SOCK_STREAM || transfer->flags & MSG_PEEK)
		return 0;
	return transfer->flags & MSG_WAITALL ?
		       total :
		       MIN((size_t)MAX(u->socket.receive_low, 1), total);
}

s64 unix_receive(struct file *file, struct transfer *transfer)
{
	struct unix_socket *u = unix_of(socket_of(file));
	s64 deadline = socket_deadline(u->socket.receive_timeout), r;
	size_t done = 0, least = receive_least(u, transfer);

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (u->socket.type == SOCK_STREAM && !transfer->vector.total)
		return 0;
	for (;;) {
		r = receive_once(u, transfer, deadline, !done);
		if (r <= 0)
			break;
		done += r;
		if (done >= least || transfer->file_count)
			break;
		vector_advance(&transfer->vector, r);
	}
	return done ? (s64)done : r;
}

long unix_accept(struct file *file, struct file **accepted,
		 struct address *peer, u32 flags)
{
	struct unix_socket *u = unix_of(socket_of(file)), *fresh;
	DK_HANDLE handle = DK_INVALID_HANDLE;
	u8 name[DK_LOCAL_NAME_MAX];
	struct dk_parcel parcel = {
		.flags = DK_PARCEL_ACCEPT,
		.handles = (u64)&handle,
		.handle_count = 1,
		.name = (u64)name,
	};
	long r;

	if (u->socket.type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	r = unix_move_parcel(u, &parcel, false,
			     socket_deadline(u->socket.receive_timeout));
	if (r)
		return r;
	fresh = unix_make(u->socket.type, handle);
	if (!fresh) {
		DkObjectClose(handle);
		return -ENOMEM;
	}
	fresh->socket.pass_credentials = u->socket.pass_credentials;
	*accepted = socket_file(&fresh->socket, flags);
	if (!*accepted) {
		fresh->socket.ops->release(&fresh->socket);
		return -ENFILE;
	}
	peer->length = MIN(parcel.name_length, sizeof(peer->bytes));
	memcpy(peer->bytes, name, peer->length);
	if (!peer->length) {
		peer->length = sizeof(peer->family);
		peer->family = AF_UNIX;
	}
	return 0;
}
