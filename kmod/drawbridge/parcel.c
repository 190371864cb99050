// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkxParcelSend and DkxParcelReceive: data, and handles that go with it, through
 * local: sockets.
 *
 * A message is one struct dk_letter in the queue of whom it is for. A stream's
 * bytes are letters too, of at most DK_LOCAL_PIECE, which run together when they
 * are read, but for those with handles: these come with the first byte, and
 * what is read ends with the letter. Bytes are copied outside of the queue's
 * lock; @reading sees to it that letters go in the order of their readers.
 *
 * A handle on its way is a reference to its object. If that is a socket, it may
 * be on its way in a queue of its own: such a ring has no handles left, and is
 * taken apart when the sandbox's last process ends. Until then it counts
 * against the limit of handles. And since the end of a socket ends what is in
 * its queue, which may be sockets, letters go one after the other, not one
 * within the other (dk_letters_free()).
 */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "local.h"

/* ---- letters ---- */

/* It may be the end of a socket: neither its @lock nor local_lock is held. */
static void letter_drop_handles(struct dk_sandbox *sandbox,
				struct dk_letter *letter)
{
	u32 i;

	for (i = 0; i < letter->carried_count; i++) {
		dk_object_put(letter->carried[i].object);
		atomic64_dec(&sandbox->handle_count);
	}
	kvfree(letter->carried);
	letter->carried = NULL;
	letter->carried_count = 0;
}

static void letter_free(struct dk_sandbox *sandbox, struct dk_letter *letter)
{
	letter_drop_handles(sandbox, letter);
	dk_label_put(letter->from);
	kvfree(letter);
}

void dk_letters_free(struct dk_sandbox *sandbox, struct list_head *letters)
{
	struct dk_letter *letter;

	if (list_empty(letters))
		return;
	spin_lock(&sandbox->letters_lock);
	list_splice_tail_init(letters, &sandbox->dead_letters);
	/* Whoever is at it already, perhaps further out here, does it all. */
	if (sandbox->letters_draining) {
		spin_unlock(&sandbox->letters_lock);
		return;
	}
	sandbox->letters_draining = true;
	while (!list_empty(&sandbox->dead_letters)) {
		letter = list_first_entry(&sandbox->dead_letters,
					  struct dk_letter, link);
		list_del(&letter->link);
		spin_unlock(&sandbox->letters_lock);
		letter_free(sandbox, letter);
		cond_resched();
		spin_lock(&sandbox->letters_lock);
	}
	sandbox->letters_draining = false;
	spin_unlock(&sandbox->letters_lock);
}

static void free_one(struct dk_sandbox *sandbox, struct dk_letter *letter)
{
	LIST_HEAD(letters);

	list_add(&letter->link, &letters);
	dk_letters_free(sandbox, &letters);
}

/* For sockets that only their own letters keep. */
void dk_letters_destroy(struct dk_sandbox *sandbox)
{
	struct dk_local *local;
	LIST_HEAD(letters);

	mutex_lock(&sandbox->local_lock);
	list_for_each_entry(local, &sandbox->locals, link) {
		spin_lock(&local->lock);
		list_splice_tail_init(&local->letters, &letters);
		local->bytes = 0;
		local->count = 0;
		spin_unlock(&local->lock);
	}
	mutex_unlock(&sandbox->local_lock);
	dk_letters_free(sandbox, &letters);
}

static struct dk_letter *letter_new(size_t length, u32 attachment_length)
{
	struct dk_letter *letter;

	letter = kvmalloc(struct_size(letter, data, length + attachment_length),
			  GFP_KERNEL_ACCOUNT);
	if (!letter)
		return NULL;
	memset(letter, 0, sizeof(*letter));
	INIT_LIST_HEAD(&letter->link);
	letter->length = length;
	letter->attachment_length = attachment_length;
	return letter;
}

/* The handles of @parcel; only streams are sent. */
static long letter_carry(struct dk_letter *letter, struct dk_process *process,
			 const struct dk_parcel *parcel)
{
	const DK_HANDLE __user *from = dk_user(parcel->handles);
	struct dk_object *object;
	DK_HANDLE handle;
	u32 i, rights;
	long error;

	if (!parcel->handle_count)
		return 0;
	letter->carried = kvmalloc_array(parcel->handle_count,
					 sizeof(*letter->carried),
					 GFP_KERNEL_ACCOUNT);
	if (!letter->carried)
		return -ENOMEM;
	for (i = 0; i < parcel->handle_count; i++) {
		if (get_user(handle, from + i))
			return -EFAULT;
		object = dk_handle_get_rights(process, handle, DK_OBJECT_STREAM,
					      0, &rights);
		if (IS_ERR(object))
			return PTR_ERR(object);
		error = dk_limit_handle(process->sandbox);
		if (error) {
			dk_object_put(object);
			return error;
		}
		letter->carried[i].object = object;
		letter->carried[i].rights = rights;
		letter->carried_count = i + 1;
	}
	return 0;
}

/* ---- what both directions begin with ---- */

struct transfer {
	struct dk_thread *thread;
	struct dk_stream *stream;
	struct dk_local *local;
	struct dk_parcel parcel;
	struct iovec few[UIO_FASTIOV], *vector;
	struct iov_iter iter;
	ktime_t deadline;
	bool nonblock;
};

#define PARCEL_FLAGS	(DK_PARCEL_NONBLOCK | DK_PARCEL_PEEK | \
			 DK_PARCEL_RUN | DK_PARCEL_ACCEPT)

static long transfer_begin(struct transfer *t, struct dk_thread *thread,
			   u64 handle, u64 address, u64 length, bool send)
{
	struct dk_parcel *p = &t->parcel;
	ssize_t bytes;

	if (length != sizeof(*p))
		return -EINVAL;
	if (copy_from_user(p, dk_user(address), sizeof(*p)))
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

static void transfer_end(struct transfer *t)
{
	dk_stream_put(t->stream);
	kfree(t->vector);
}

/* Until @condition: 0; -EAGAIN after the time; or to be taken up again. */
#define transfer_wait(t, local, condition)				\
({									\
	ktime_t left_ = KTIME_MAX;					\
	long r_ = 0;							\
	if ((t)->deadline != KTIME_MAX) {				\
		left_ = ktime_sub((t)->deadline, ktime_get());		\
		if (left_ <= 0)						\
			r_ = -EAGAIN;					\
	}								\
	if (!r_ && left_ == KTIME_MAX)					\
		r_ = wait_event_interruptible((local)->wait, condition); \
	else if (!r_)							\
		r_ = wait_event_interruptible_hrtimeout((local)->wait,	\
							condition, left_); \
	if (r_ == -ETIME)						\
		r_ = -EAGAIN;						\
	r_;								\
})

static long transfer_result(struct transfer *t, long error, u64 address)
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
static long find_target(struct transfer *t, struct dk_local **target)
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
	if (to->closed)
		error = local->type == DK_LOCAL_DATAGRAM ? -ECONNREFUSED :
							   -EPIPE;
	else if (to->shut_in)
		error = -EPIPE;
	else if (!dk_local_has_room(to, letter->length))
		error = -EAGAIN;
	if (!error) {
		list_add_tail(&letter->link, &to->letters);
		WRITE_ONCE(to->bytes, to->bytes + letter->length);
		WRITE_ONCE(to->count, to->count + 1);
	}
	spin_unlock(&to->lock);
	if (!error)
		wake_up_interruptible_all(&to->wait);
	return error;
}

static bool may_deliver(struct dk_local *local, struct dk_local *to,
			size_t length)
{
	return READ_ONCE(local->shut_out) || READ_ONCE(to->closed) ||
	       READ_ONCE(to->shut_in) || dk_local_has_room(to, length);
}

static struct dk_letter *letter_write(struct transfer *t, size_t length)
{
	struct dk_parcel *p = &t->parcel;
	struct dk_letter *letter;
	long error;

	letter = letter_new(length, p->attachment_length);
	if (!letter)
		return ERR_PTR(-ENOMEM);
	/* Pairs with binding. */
	letter->from = smp_load_acquire(&t->local->label);
	if (letter->from)
		kref_get(&letter->from->ref);
	error = -EFAULT;
	if (copy_from_iter(letter->data, length, &t->iter) != length ||
	    copy_from_user(dk_letter_attachment(letter),
			   dk_user(p->attachment), p->attachment_length))
		goto free;
	if (!p->done)
		error = letter_carry(letter, t->thread->process, p);
	else
		error = 0;
	if (!error)
		return letter;
free:
	free_one(t->local->sandbox, letter);
	return ERR_PTR(error);
}

static long send_letter(struct transfer *t, struct dk_local *to,
			struct dk_letter *letter)
{
	long error;

	while ((error = deliver(t->local, to, letter)) == -EAGAIN &&
	       !t->nonblock) {
		error = transfer_wait(t, to, may_deliver(t->local, to,
							 letter->length));
		if (error)
			break;
	}
	return error;
}

static long send_all(struct transfer *t, struct dk_local *to)
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
			part = min_t(size_t, part, DK_LOCAL_PIECE);
		letter = letter_write(t, part);
		if (IS_ERR(letter)) {
			error = PTR_ERR(letter);
			break;
		}
		error = send_letter(t, to, letter);
		if (error) {
			free_one(t->local->sandbox, letter);
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
	struct transfer t;
	long error;

	dk_block_begin(thread);
	error = transfer_begin(&t, thread, a0, a1, a2, true);
	if (!error) {
		error = find_target(&t, &to);
		if (!error) {
			error = send_all(&t, to);
			dk_local_put(to);
		}
		error = transfer_result(&t, error, a1);
		transfer_end(&t);
	}
	return dk_stream_status(error, DK_SET_HANDLE | DK_SET_FILE |
				DK_SET_NETWORK | DK_S(BROKEN_PIPE) |
				DK_S(ALREADY_EXISTS) | DK_S(TOO_MANY_HANDLES));
}

/* ---- receiving ---- */

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
	else if (local->shut_in)
		error = 0;
	else if (local->reset)
		error = -ECONNRESET;
	else if (local->no_more)
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
	return name_out(p, letter->from);
}

/* As many handles as can be had; the letter keeps its own. */
static u32 unpack(struct dk_process *process, struct dk_parcel *p,
		  struct dk_letter *letter)
{
	DK_HANDLE __user *to = dk_user(p->handles);
	struct dk_carried *c;
	DK_HANDLE handle;
	u32 i;

	for (i = 0; i < letter->carried_count; i++) {
		c = &letter->carried[i];
		dk_object_get(c->object);
		if (dk_handle_create(process, c->object, c->rights, &handle)) {
			dk_object_put(c->object);
			break;
		}
		if (put_user(handle, to + i)) {
			dk_handle_close(process, handle);
			break;
		}
	}
	if (i < letter->carried_count)
		p->result |= DK_PARCEL_CUT;
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
		letter_drop_handles(local->sandbox, letter);
	spin_lock(&local->lock);
	letter->offset += bytes;
	if (over) {
		list_move_tail(&letter->link, done);
		WRITE_ONCE(local->count, local->count - 1);
		bytes = local->type == DK_LOCAL_STREAM ? bytes :
							  letter->length;
	}
	WRITE_ONCE(local->bytes, local->bytes - bytes);
	spin_unlock(&local->lock);
}

/* What there is now. @reading is held. */
static long receive_now(struct transfer *t, struct list_head *done)
{
	struct dk_local *local = t->local;
	bool stream = local->type == DK_LOCAL_STREAM;
	struct dk_parcel *p = &t->parcel;
	struct dk_letter *first, *letter, *next;
	size_t part, copied;
	long error;
	u32 handles;

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
		p->done += copied;
		p->whole += letter->length - letter->offset;
		if (letter == first)
			handles = unpack(t->thread->process, p, letter);
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

static long receive(struct transfer *t)
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
		error = transfer_wait(t, local, may_receive(local));
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
static long accept(struct transfer *t)
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
	/* A connection that nobody is told of would be lost: look before. */
	if (fault_in_safe_writeable(dk_user(p->handles), sizeof(handle)))
		return -EFAULT;
	while (!(fresh = dk_local_accept(local))) {
		if (READ_ONCE(local->shut_in))
			return -EINVAL;
		if (t->nonblock)
			return -EAGAIN;
		error = transfer_wait(t, local, may_receive(local));
		if (error)
			return error;
	}
	p->attachment_length = 0;
	p->handle_count = 1;
	peer = dk_local_peer(fresh->data);
	/* Pairs with binding. */
	error = name_out(p, peer ? smp_load_acquire(&peer->label) : NULL);
	dk_local_put(peer);
	if (!error)
		error = dk_handle_create(t->thread->process, &fresh->object,
					 DK_RIGHT_READ | DK_RIGHT_WRITE |
					 DK_RIGHT_CONTROL, &handle);
	if (error) {
		dk_stream_put(fresh);
		return error;
	}
	if (put_user(handle, (DK_HANDLE __user *)dk_user(p->handles))) {
		dk_handle_close(t->thread->process, handle);
		return -EFAULT;
	}
	return 0;
}

/* DkxParcelReceive(stream, parcel, length) */
DK_HANDLER(DkxParcelReceive)
{
	struct transfer t;
	long error;

	dk_block_begin(thread);
	error = transfer_begin(&t, thread, a0, a1, a2, false);
	if (!error) {
		error = t.parcel.flags & DK_PARCEL_ACCEPT ? accept(&t) :
							    receive(&t);
		error = transfer_result(&t, error, a1);
		transfer_end(&t);
	}
	return dk_stream_status(error, DK_SET_HANDLE | DK_SET_FILE |
				DK_SET_NETWORK | DK_S(BUFFER_TOO_SMALL) |
				DK_S(TOO_MANY_HANDLES));
}
