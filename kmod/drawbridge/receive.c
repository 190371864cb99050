// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkxParcelReceive: data, and handles that go with it, out of a local: socket;
 * or a connection, of one that listens.
 *
 * Bytes are copied outside of the queue's lock; @reading sees to it that
 * letters go in the order of their readers.
 */
#include "parcel.h"

/* The letter after @letter, or the first; @reading is held. */
static struct dk_letter *next_letter(struct dk_local *local,
				     struct dk_letter *letter)
{
	struct list_head *at = letter ? &letter->link : &local->letters;

	spin_lock(&local->lock);
	letter = list_is_last(at, &local->letters) ? NULL :
		 list_entry(at->next, struct dk_letter, link);
	spin_unlock(&local->lock);
	return letter;
}

/* Nothing is there: why? -EAGAIN: it may come. 0: the end. */
static long nothing_there(struct dk_local *local)
{
	long error = -EAGAIN;

	spin_lock(&local->lock);
	if (!list_empty(&local->letters))
		error = -EAGAIN;
	else if (local->type != DK_LOCAL_DATAGRAM && !local->connected)
		error = local->type == DK_LOCAL_STREAM ? -EINVAL : -ENOTCONN;
	else if (local->reset)
		error = -ECONNRESET;
	else if (local->shut_in || local->no_more)
		error = 0;
	if (error == -ECONNRESET)
		local->reset = false;
	spin_unlock(&local->lock);
	return error;
}

static bool may_receive(struct dk_local *local)
{
	return !list_empty_careful(&local->letters) ||
	       READ_ONCE(local->no_more) || READ_ONCE(local->shut_in) ||
	       READ_ONCE(local->reset) || READ_ONCE(local->waiting);
}

static long name_out(struct dk_parcel *p, const struct dk_label *from)
{
	if (!p->name)
		return 0;
	p->name_length = from ? from->name.name_length : 0;
	return from && copy_to_user(dk_user(p->name), from->name.name,
				    p->name_length) ? -EFAULT : 0;
}

/* What comes with the first letter, but for handles. */
static long open_first(struct dk_parcel *p, struct dk_letter *letter)
{
	bool fits = p->attachment_length >= letter->attachment_length &&
		    p->handle_count >= letter->carried_count;

	p->attachment_length = letter->attachment_length;
	if (!fits) {
		p->handle_count = letter->carried_count;
		return -ERANGE;
	}
	if (copy_to_user(dk_user(p->attachment), dk_letter_attachment(letter),
			 p->attachment_length))
		return -EFAULT;
	if (letter->carried_count &&
	    fault_in_safe_writeable(dk_user(p->handles), sizeof(DK_HANDLE) *
				    letter->carried_count))
		return -EFAULT;
	return name_out(p, letter->from);
}

/*
 * As many handles as can be had; the letter keeps its own. -EFAULT, and none:
 * another thread has just unmapped where they were to be stored.
 */
static long unpack(struct dk_process *process, struct dk_parcel *p,
		   struct dk_letter *letter)
{
	DK_HANDLE __user *to = dk_user(p->handles);
	struct dk_carried *c;
	u32 i;

	for (i = 0; i < letter->carried_count; i++) {
		c = &letter->carried[i];
		dk_object_get(c->object);
		if (dk_handle_create(process, c->object, c->rights,
				     &c->given)) {
			dk_object_put(c->object);
			p->result |= DK_PARCEL_CUT;
			break;
		}
		if (put_user(c->given, to + i)) {
			do
				dk_handle_close(process,
						letter->carried[i].given);
			while (i--);
			return -EFAULT;
		}
	}
	return i;
}

static bool follows(const struct dk_parcel *p, struct dk_letter *first,
		    struct dk_letter *letter)
{
	if (letter->carried_count)
		return false;
	return p->flags & DK_PARCEL_RUN ||
	       (first->attachment_length == letter->attachment_length &&
		!memcmp(dk_letter_attachment(first),
			dk_letter_attachment(letter),
			letter->attachment_length));
}

/*
 * @letter was read up to @bytes more. When it is over it goes to @done. Of a
 * letter whose first byte has gone, the handles have, too.
 */
static void consume(struct dk_local *local, struct dk_letter *letter,
		    size_t bytes, struct list_head *done)
{
	bool over;

	over = local->type != DK_LOCAL_STREAM ||
	       letter->offset + bytes == letter->length;
	if (!over)
		dk_letter_drop_handles(local->sandbox, letter);
	spin_lock(&local->lock);
	letter->offset += bytes;
	if (over) {
		list_move_tail(&letter->link, done);
		WRITE_ONCE(local->count, local->count - 1);
		WRITE_ONCE(local->attached,
			   local->attached - letter->attachment_length);
		bytes = local->type == DK_LOCAL_STREAM ? bytes :
							  letter->length;
	}
	WRITE_ONCE(local->bytes, local->bytes - bytes);
	spin_unlock(&local->lock);
}

/* What there is now. @reading is held. */
static long receive_now(struct dk_transfer *t, struct list_head *done)
{
	struct dk_local *local = t->local;
	bool stream = local->type == DK_LOCAL_STREAM;
	struct dk_parcel *p = &t->parcel;
	struct dk_letter *first, *letter, *next;
	size_t part, copied;
	long error, handles;

	first = next_letter(local, NULL);
	if (!first)
		return nothing_there(local);
	error = open_first(p, first);
	if (error)
		return error;
	handles = 0;
	for (letter = first; letter; letter = next) {
		part = min(letter->length - letter->offset,
			   iov_iter_count(&t->iter));
		copied = copy_to_iter(letter->data + letter->offset, part,
				      &t->iter);
		/* As Linux: what came before counts, this letter stays. */
		if (copied != part)
			return p->done ? 0 : -EFAULT;
		if (letter == first)
			handles = unpack(t->thread->process, p, letter);
		if (handles < 0)
			return handles;
		p->done += copied;
		p->whole += letter->length - letter->offset;
		next = NULL;
		if (stream && copied == letter->length - letter->offset &&
		    !letter->carried_count && iov_iter_count(&t->iter))
			next = next_letter(local, letter);
		if (next && !follows(p, first, next))
			next = NULL;
		if (!stream && copied < letter->length)
			p->result |= DK_PARCEL_TRUNCATED;
		p->handle_count = handles;
		if (!(p->flags & DK_PARCEL_PEEK))
			consume(local, letter, copied, done);
	}
	return 0;
}

static long receive(struct dk_transfer *t)
{
	struct dk_local *local = t->local;
	LIST_HEAD(done);
	long error;

	for (;;) {
		error = mutex_lock_interruptible(&local->reading);
		if (error)
			return -ERESTARTSYS;
		error = receive_now(t, &done);
		mutex_unlock(&local->reading);
		if (error != -EAGAIN)
			break;
		if (t->nonblock)
			return error;
		error = dk_transfer_wait(t, local, may_receive(local));
		if (error)
			return error;
	}
	if (!error && !t->parcel.done && !t->parcel.whole &&
	    list_empty(&done) && !(t->parcel.flags & DK_PARCEL_PEEK))
		t->parcel.handle_count = t->parcel.attachment_length = 0;
	if (!list_empty(&done)) {
		dk_letters_free(local->sandbox, &done);
		dk_local_wake_senders(local);
	}
	return error;
}

/* Of a listening socket: who has connected, as a handle. */
static long accept(struct dk_transfer *t)
{
	struct dk_local *local = t->local, *peer;
	struct dk_parcel *p = &t->parcel;
	struct dk_stream *fresh;
	DK_HANDLE handle;
	long error;

	if (!READ_ONCE(local->listening))
		return -EINVAL;
	if (!p->handle_count) {
		p->handle_count = 1;
		return -ERANGE;
	}
	/* Before it waits. */
	if (fault_in_safe_writeable(dk_user(p->handles), sizeof(handle)) ||
	    (p->name && fault_in_safe_writeable(dk_user(p->name), 1)))
		return -EFAULT;
	while (!(fresh = dk_local_accept(local))) {
		if (READ_ONCE(local->shut_in))
			return -EINVAL;
		if (t->nonblock)
			return -EAGAIN;
		error = dk_transfer_wait(t, local, may_receive(local));
		if (error)
			return error;
	}
	p->attachment_length = 0;
	p->handle_count = 1;
	peer = dk_local_peer(fresh->data);
	/* Pairs with binding. */
	error = name_out(p, peer ? smp_load_acquire(&peer->label) : NULL);
	dk_local_put(peer);
	if (error)
		goto give_back;
	dk_object_get(&fresh->object);
	error = dk_handle_create(t->thread->process, &fresh->object,
				 DK_RIGHT_READ | DK_RIGHT_WRITE |
				 DK_RIGHT_CONTROL, &handle);
	if (error) {
		dk_stream_put(fresh);
		goto give_back;
	}
	if (put_user(handle, (DK_HANDLE __user *)dk_user(p->handles))) {
		dk_handle_close(t->thread->process, handle);
		error = -EFAULT;
		goto give_back;
	}
	dk_stream_put(fresh);
	return 0;

give_back:
	dk_local_accept_undo(local, fresh);
	return error;
}

/* DkxParcelReceive(stream, parcel, length) */
DK_HANDLER(DkxParcelReceive)
{
	struct dk_transfer t;
	long error;

	dk_block_begin(thread);
	error = dk_transfer_begin(&t, thread, a0, a1, a2, false);
	if (!error) {
		error = t.parcel.flags & DK_PARCEL_ACCEPT ? accept(&t) :
							    receive(&t);
		error = dk_transfer_result(&t, error, a1);
		dk_transfer_end(&t);
	}
	return dk_stream_status(error, dk_statuses_DkxParcelReceive);
}
