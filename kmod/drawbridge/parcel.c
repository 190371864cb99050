// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkxParcelSend: data, and handles that go with it, into a local: socket; and
 * how DkxParcelReceive (receive.c) begins and ends as well.
 */
#include "parcel.h"

/* ---- what both directions begin and end with ---- */

#define PARCEL_FLAGS	(DK_PARCEL_NONBLOCK | DK_PARCEL_PEEK | \
			 DK_PARCEL_RUN | DK_PARCEL_ACCEPT)

long dk_transfer_begin(struct dk_transfer *t, struct dk_thread *thread,
		       u64 handle, u64 address, u64 length, bool send)
{
	struct dk_parcel *p = &t->parcel;
	ssize_t bytes;

	if (length != sizeof(*p))
		return -EINVAL;
	/* What came of it has to be told: look before anything is moved. */
	if (copy_from_user(p, dk_user(address), sizeof(*p)) ||
	    copy_to_user(dk_user(address), p, sizeof(*p)))
		return -EFAULT;
	if (p->flags & ~(send ? DK_PARCEL_NONBLOCK : PARCEL_FLAGS) ||
	    p->buffer_count > DK_PARCEL_BUFFERS_MAX ||
	    p->handle_count > DK_PARCEL_HANDLES_MAX ||
	    p->attachment_length > DK_PARCEL_ATTACHMENT_MAX ||
	    p->name_length > DK_LOCAL_NAME_MAX ||
	    (p->timeout < 0 && p->timeout != DK_TIMEOUT_INFINITE))
		return -EINVAL;
	BUILD_BUG_ON(sizeof(struct dk_buffer) != sizeof(struct iovec));
	t->vector = t->few;
	bytes = import_iovec(send ? ITER_SOURCE : ITER_DEST,
			     dk_user(p->buffers), p->buffer_count,
			     ARRAY_SIZE(t->few), &t->vector, &t->iter);
	if (bytes < 0)
		return bytes;
	t->thread = thread;
	t->stream = dk_stream_get(thread, handle,
				  send ? DK_RIGHT_WRITE : DK_RIGHT_READ);
	if (IS_ERR(t->stream)) {
		kfree(t->vector);
		return PTR_ERR(t->stream);
	}
	t->local = dk_local_of(t->stream);
	if (!t->local) {
		dk_stream_put(t->stream);
		kfree(t->vector);
		return -EOPNOTSUPP;
	}
	t->nonblock = p->flags & DK_PARCEL_NONBLOCK ||
		      READ_ONCE(t->stream->flags) & DK_OPTION_NONBLOCK;
	t->deadline = dk_deadline(thread, p->timeout);
	p->done = 0;
	p->whole = 0;
	p->result = 0;
	return 0;
}

void dk_transfer_end(struct dk_transfer *t)
{
	dk_stream_put(t->stream);
	kfree(t->vector);
}

long dk_transfer_result(struct dk_transfer *t, long error, u64 address)
{
	if (error == -ERESTARTSYS)
		return dk_restart_timed(t->thread, t->deadline);
	if ((!error || error == -ERANGE) &&
	    copy_to_user(dk_user(address), &t->parcel, sizeof(t->parcel)))
		error = -EFAULT;
	return error;
}

/* ---- sending ---- */

/* Whom it is for, counted. */
static long find_target(struct dk_transfer *t, struct dk_local **target)
{
	struct dk_local *local = t->local, *to;
	u8 key[DK_LOCAL_NAME_MAX];
	bool connected;

	spin_lock(&local->lock);
	connected = local->connected;
	spin_unlock(&local->lock);
	if (!t->parcel.name_length) {
		to = dk_local_peer(local);
		if (!to)
			return connected ? -EPIPE : -ENOTCONN;
		*target = to;
		return 0;
	}
	if (local->type != DK_LOCAL_DATAGRAM)
		return connected ? -EEXIST : -EOPNOTSUPP;
	if (copy_from_user(key, dk_user(t->parcel.name), t->parcel.name_length))
		return -EFAULT;
	to = dk_local_find(local->sandbox, key, t->parcel.name_length);
	if (!to)
		return -ECONNREFUSED;
	if (to->type != DK_LOCAL_DATAGRAM) {
		dk_local_put(to);
		return -EPROTOTYPE;
	}
	*target = to;
	return 0;
}

/* 0: it is in the queue. -EAGAIN: there is no room. */
static long deliver(struct dk_local *local, struct dk_local *to,
		    struct dk_letter *letter)
{
	long error = 0;

	if (READ_ONCE(local->shut_out))
		return -EPIPE;
	spin_lock(&to->lock);
	/* Who has a peer hears nobody else. */
	if (local->type == DK_LOCAL_DATAGRAM && to->peer && to->peer != local)
		error = -EPERM;
	else if (to->closed)
		error = local->type == DK_LOCAL_DATAGRAM ? -ECONNREFUSED :
							   -EPIPE;
	else if (to->shut_in)
		error = -EPIPE;
	else if (!dk_local_has_room(to, letter->length,
				    letter->attachment_length))
		error = -EAGAIN;
	if (!error) {
		list_add_tail(&letter->link, &to->letters);
		WRITE_ONCE(to->bytes, to->bytes + letter->length);
		WRITE_ONCE(to->attached,
			   to->attached + letter->attachment_length);
		WRITE_ONCE(to->count, to->count + 1);
	}
	spin_unlock(&to->lock);
	if (!error)
		wake_up_interruptible_all(&to->wait);
	return error;
}

static bool may_deliver(struct dk_local *local, struct dk_local *to,
			const struct dk_letter *letter)
{
	return READ_ONCE(local->shut_out) || READ_ONCE(to->closed) ||
	       READ_ONCE(to->shut_in) ||
	       dk_local_has_room(to, letter->length, letter->attachment_length);
}

static struct dk_letter *letter_write(struct dk_transfer *t, size_t length)
{
	struct dk_parcel *p = &t->parcel;
	struct dk_letter *letter;
	long error;

	letter = dk_letter_new(length, p->attachment_length);
	if (!letter)
		return ERR_PTR(-ENOMEM);
	/* Pairs with binding. */
	letter->from = dk_label_get(smp_load_acquire(&t->local->label));
	error = -EFAULT;
	if (copy_from_iter(letter->data, length, &t->iter) != length ||
	    copy_from_user(dk_letter_attachment(letter),
			   dk_user(p->attachment), p->attachment_length))
		goto free;
	if (!p->done)
		error = dk_letter_carry(letter, t->thread->process, p);
	else
		error = 0;
	if (!error)
		return letter;
free:
	dk_letter_drop(t->local->sandbox, letter);
	return ERR_PTR(error);
}

static long send_letter(struct dk_transfer *t, struct dk_local *to,
			struct dk_letter *letter)
{
	long error;

	while ((error = deliver(t->local, to, letter)) == -EAGAIN &&
	       !t->nonblock) {
		error = dk_transfer_wait(t, to,
					 may_deliver(t->local, to, letter));
		if (error)
			break;
	}
	return error;
}

/*
 * Of a stream's bytes, the next piece. Who does not wait sends what there is room
 * for, since that is what polling has promised.
 */
static size_t piece_of(const struct dk_transfer *t, const struct dk_local *to)
{
	size_t part = min_t(size_t, iov_iter_count(&t->iter), DK_LOCAL_PIECE);
	size_t bytes = READ_ONCE(to->bytes);

	if (t->nonblock && bytes < DK_LOCAL_ROOM)
		part = min_t(size_t, part, DK_LOCAL_ROOM - bytes);
	return part;
}

static long send_all(struct dk_transfer *t, struct dk_local *to)
{
	bool stream = t->local->type == DK_LOCAL_STREAM;
	struct dk_parcel *p = &t->parcel;
	struct dk_letter *letter;
	size_t part;
	long error;

	if (!stream && iov_iter_count(&t->iter) > DK_LOCAL_ROOM)
		return -EFBIG;
	do {
		part = iov_iter_count(&t->iter);
		if (stream && !part)
			return 0;
		if (stream)
			part = piece_of(t, to);
		letter = letter_write(t, part);
		if (IS_ERR(letter)) {
			error = PTR_ERR(letter);
			break;
		}
		error = send_letter(t, to, letter);
		if (error) {
			dk_letter_drop(t->local->sandbox, letter);
			break;
		}
		p->done += part;
		/* What comes with handles is one piece. */
	} while (iov_iter_count(&t->iter) && !p->handle_count);
	return p->done ? 0 : error;
}

/* DkxParcelSend(stream, parcel, length) */
DK_HANDLER(DkxParcelSend)
{
	struct dk_local *to;
	struct dk_transfer t;
	long error;

	dk_block_begin(thread);
	error = dk_transfer_begin(&t, thread, a0, a1, a2, true);
	if (!error) {
		error = find_target(&t, &to);
		if (!error) {
			error = send_all(&t, to);
			if (error == -ECONNREFUSED &&
			    dk_local_forget(t.local, to))
				error = -ERESTARTSYS;
			dk_local_put(to);
		}
		error = dk_transfer_result(&t, error, a1);
		dk_transfer_end(&t);
	}
	return dk_stream_status(error, dk_statuses_DkxParcelSend);
}
