// SPDX-License-Identifier: GPL-2.0-only
/*
 * local: sockets between the processes of a sandbox.
 *
 *	local:stream	bytes
 *	local:packet	messages, in a connection
 *	local:datagram	messages, to whoever is named
 *
 * They are what Linux has as AF_UNIX, made anew rather than borrowed from the
 * kernel: names are the sandbox's alone, no other can reach or see them; what
 * travels with a message are handles, never descriptors of a native process;
 * and both come with bytes that only the two ends understand.
 *
 *	a  --- peer --->  b	each has a queue of what it was sent (parcel.c)
 *	  <--- peer ---
 *	listener: queue of sockets that have connected and were not accepted
 *
 * A socket (struct dk_local) outlives its stream as long as somebody has it as
 * a peer. sandbox->local_lock guards who knows whom, names and backlogs, and is
 * outside of a socket's own lock, of which no two are held.
 */
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "local.h"

static const struct dk_stream_ops local_ops;

bool dk_is_local(const struct dk_stream *stream)
{
	return stream->ops == &local_ops;
}

struct dk_local *dk_local_of(const struct dk_stream *stream)
{
	return dk_is_local(stream) ? stream->data : NULL;
}

/* Its stream is gone, and has emptied it. */
static void local_free(struct kref *ref)
{
	struct dk_local *local = container_of(ref, struct dk_local, ref);

	WARN_ON_ONCE(!list_empty(&local->letters));
	dk_label_put(local->label);
	mutex_destroy(&local->reading);
	kfree(local);
}

void dk_local_put(struct dk_local *local)
{
	if (local)
		kref_put(&local->ref, local_free);
}

/* Of NULL, NULL. */
struct dk_local *dk_local_get(struct dk_local *local)
{
	if (local)
		kref_get(&local->ref);
	return local;
}

/* Counted, or NULL. */
struct dk_local *dk_local_peer(struct dk_local *local)
{
	struct dk_local *peer;

	spin_lock(&local->lock);
	peer = dk_local_get(local->peer);
	spin_unlock(&local->lock);
	return peer;
}

static void local_wake(struct dk_local *local)
{
	wake_up_interruptible_all(&local->wait);
}

/*
 * For a letter of @length bytes with @attached more. The two are apart, so that a
 * queue takes as many bytes as it does natively.
 */
bool dk_local_has_room(const struct dk_local *local, size_t length,
		       size_t attached)
{
	unsigned int count = READ_ONCE(local->count);

	return !count ||
	       (count < DK_LOCAL_LETTERS &&
		READ_ONCE(local->bytes) + length <= DK_LOCAL_ROOM &&
		READ_ONCE(local->attached) + attached <= DK_LOCAL_ROOM);
}

void dk_local_wake_senders(struct dk_local *local)
{
	struct dk_local *peer, *sender;

	local_wake(local);
	if (local->type != DK_LOCAL_DATAGRAM) {
		peer = dk_local_peer(local);
		if (peer)
			local_wake(peer);
		dk_local_put(peer);
		return;
	}
	spin_lock(&local->lock);
	list_for_each_entry(sender, &local->senders, sender_link)
		local_wake(sender);
	spin_unlock(&local->lock);
}

/* ---- coming and going ---- */

static long local_new(struct dk_stream *stream, enum dk_local_type type)
{
	struct dk_local *local = kzalloc(sizeof(*local), GFP_KERNEL_ACCOUNT);
	struct dk_sandbox *sandbox = stream->sandbox;

	if (!local)
		return -ENOMEM;
	kref_init(&local->ref);
	local->type = type;
	local->sandbox = sandbox;
	local->stream = stream;
	spin_lock_init(&local->lock);
	INIT_LIST_HEAD(&local->letters);
	INIT_LIST_HEAD(&local->senders);
	INIT_LIST_HEAD(&local->sender_link);
	INIT_LIST_HEAD(&local->connections);
	INIT_LIST_HEAD(&local->accept_link);
	INIT_LIST_HEAD(&local->name_link);
	init_waitqueue_head(&local->wait);
	mutex_init(&local->reading);
	stream->data = local;
	stream->ops = &local_ops;
	mutex_lock(&sandbox->local_lock);
	list_add(&local->link, &sandbox->locals);
	mutex_unlock(&sandbox->local_lock);
	return 0;
}

long dk_local_scheme_open(struct dk_stream *stream, const char *name,
			  const struct dk_open *open, u32 *rights)
{
	static const char * const types[] = { "stream", "packet", "datagram" };
	int type;

	if (open->access & DK_ACCESS_EXECUTE)
		return -EACCES;
	if (open->options & DK_OPTION_DIRECTORY)
		return -ENOTDIR;
	if (open->access != (DK_ACCESS_READ | DK_ACCESS_WRITE) ||
	    open->disposition != DK_OPEN_CREATE_NEW ||
	    open->options & ~DK_OPTION_NONBLOCK)
		return -EINVAL;
	type = match_string(types, ARRAY_SIZE(types), name);
	if (type < 0)
		return -EINVAL;
	*rights = DK_RIGHT_READ | DK_RIGHT_WRITE | DK_RIGHT_CONTROL;
	return local_new(stream, type);
}

static void set_peer(struct dk_local *local, struct dk_local *peer)
{
	spin_lock(&local->lock);
	local->peer = dk_local_get(peer);
	local->connected = true;
	memcpy(local->peer_identity, peer->identity, DK_LOCAL_IDENTITY_SIZE);
	spin_unlock(&local->lock);
}

/* local_lock is held, or nobody else knows them. */
static void join(struct dk_local *a, struct dk_local *b)
{
	set_peer(a, b);
	set_peer(b, a);
}

/* All of them are woken with the lock held, so there is a limit. */
static long add_sender(struct dk_local *to, struct dk_local *sender)
{
	long error = 0;

	spin_lock(&to->lock);
	if (to->sender_count == DK_LOCAL_SENDERS) {
		error = -EMFILE;
	} else {
		list_add(&sender->sender_link, &to->senders);
		to->sender_count++;
	}
	spin_unlock(&to->lock);
	return error;
}

static void remove_sender(struct dk_local *to, struct dk_local *sender)
{
	spin_lock(&to->lock);
	list_del_init(&sender->sender_link);
	to->sender_count--;
	spin_unlock(&to->lock);
}

int dk_local_pair(struct dk_stream *stream[2], u64 options)
{
	enum dk_local_type type = options & DK_PIPE_LOCAL_STREAM ?
					  DK_LOCAL_STREAM :
				  options & DK_PIPE_LOCAL_PACKET ?
					  DK_LOCAL_PACKET : DK_LOCAL_DATAGRAM;
	int i, error;

	for (i = 0; i < 2; i++) {
		error = local_new(stream[i], type);
		if (error)
			return error;
	}
	if (options & DK_PIPE_NONBLOCK_READ)
		stream[0]->flags |= DK_OPTION_NONBLOCK;
	if (options & DK_PIPE_NONBLOCK_WRITE)
		stream[1]->flags |= DK_OPTION_NONBLOCK;
	join(stream[0]->data, stream[1]->data);
	if (type == DK_LOCAL_DATAGRAM) {
		add_sender(stream[0]->data, stream[1]->data);
		add_sender(stream[1]->data, stream[0]->data);
	}
	return 0;
}

/* Its peer hears that it is gone; @reset: with what was meant for it. */
static void hang_up(struct dk_local *peer, bool reset)
{
	spin_lock(&peer->lock);
	peer->no_more = true;
	peer->shut_out = true;
	peer->reset |= reset;
	spin_unlock(&peer->lock);
	local_wake(peer);
}

/* The last handle is gone, and the last that was on its way. */
static void local_release(struct dk_stream *stream)
{
	struct dk_sandbox *sandbox = stream->sandbox;
	struct dk_local *local = stream->data, *peer, *fresh;
	LIST_HEAD(letters);
	LIST_HEAD(connections);

	mutex_lock(&sandbox->local_lock);
	list_del(&local->link);
	list_del_init(&local->name_link);
	spin_lock(&local->lock);
	local->closed = true;
	peer = local->peer;
	local->peer = NULL;
	list_splice_init(&local->letters, &letters);
	local->bytes = 0;
	local->attached = 0;
	local->count = 0;
	spin_unlock(&local->lock);
	if (peer && local->type == DK_LOCAL_DATAGRAM)
		remove_sender(peer, local);
	list_splice_init(&local->connections, &connections);
	mutex_unlock(&sandbox->local_lock);

	if (peer && local->type != DK_LOCAL_DATAGRAM)
		hang_up(peer, !list_empty(&letters) || local->refused);
	dk_local_put(peer);
	dk_local_wake_senders(local);
	while (!list_empty(&connections)) {
		fresh = list_first_entry(&connections, struct dk_local,
					 accept_link);
		list_del_init(&fresh->accept_link);
		fresh->refused = true;
		dk_stream_put(fresh->stream);
	}
	dk_letters_free(sandbox, &letters);
	dk_local_put(local);
}

/* ---- connections ---- */

long dk_local_listen(struct dk_stream *stream, u32 backlog)
{
	struct dk_local *local = dk_local_of(stream);
	long error = 0;

	if (local->type == DK_LOCAL_DATAGRAM)
		return -EOPNOTSUPP;
	mutex_lock(&stream->sandbox->local_lock);
	spin_lock(&local->lock);
	if (!local->label || local->connected) {
		error = -EINVAL;
	} else {
		local->backlog = min(backlog, 4096U);
		local->listening = true;
	}
	spin_unlock(&local->lock);
	mutex_unlock(&stream->sandbox->local_lock);
	if (!error)
		local_wake(local);
	return error;
}

/*
 * A datagram socket's peer. What came from another before is lost, as natively:
 * *@lost is for lose(). @local->reading and local_lock are held.
 */
static void change_peer(struct dk_local *local, struct dk_local *peer,
			struct list_head *lost)
{
	spin_lock(&local->lock);
	if (local->peer && local->peer != peer) {
		list_splice_init(&local->letters, lost);
		WRITE_ONCE(local->bytes, 0);
		WRITE_ONCE(local->attached, 0);
		WRITE_ONCE(local->count, 0);
	}
	local->peer = dk_local_get(peer);
	local->connected = peer;
	spin_unlock(&local->lock);
}

/* Without locks: what they carry may be sockets. */
static void lose(struct dk_local *local, struct list_head *letters)
{
	if (list_empty(letters))
		return;
	dk_letters_free(local->sandbox, letters);
	dk_local_wake_senders(local);
}

static long connect_datagram(struct dk_local *local, const struct dk_label *to)
{
	struct dk_sandbox *sandbox = local->sandbox;
	struct dk_local *found = NULL, *old;
	LIST_HEAD(lost);
	long error = 0;

	if (mutex_lock_interruptible(&local->reading))
		return -ERESTARTSYS;
	mutex_lock(&sandbox->local_lock);
	if (to->name.key_length) {
		found = dk_local_lookup(sandbox, to->name.key,
					to->name.key_length);
		if (!found)
			error = -ECONNREFUSED;
		else if (found->type != DK_LOCAL_DATAGRAM)
			error = -EPROTOTYPE;
		else if (found->peer && found->peer != local)
			error = -EPERM;
	}
	if (error)
		goto unlock;
	old = local->peer;
	if (old)
		remove_sender(old, local);
	if (found)
		error = add_sender(found, local);
	if (error) {
		/* There was room, and local_lock is held. */
		if (old)
			add_sender(old, local);
		goto unlock;
	}
	change_peer(local, found, &lost);
	dk_local_put(old);
unlock:
	mutex_unlock(&sandbox->local_lock);
	mutex_unlock(&local->reading);
	lose(local, &lost);
	/* Room at either peer may have been announced meanwhile. */
	local_wake(local);
	return error;
}

/*
 * @peer was found closed. As natively, a datagram socket that has learnt that
 * has no peer any more, and hears everybody. 0, or -ERESTARTSYS.
 */
long dk_local_forget(struct dk_local *local, struct dk_local *peer)
{
	LIST_HEAD(lost);
	bool mine;

	if (READ_ONCE(local->peer) != peer)
		return 0;
	if (mutex_lock_interruptible(&local->reading))
		return -ERESTARTSYS;
	mutex_lock(&local->sandbox->local_lock);
	mine = local->peer == peer;
	if (mine) {
		change_peer(local, NULL, &lost);
		remove_sender(peer, local);
	}
	mutex_unlock(&local->sandbox->local_lock);
	mutex_unlock(&local->reading);
	if (mine)
		dk_local_put(peer);
	lose(local, &lost);
	return 0;
}

/*
 * One try. -EAGAIN: there is no room, and *@full, counted, is where to wait for
 * it. On success @fresh is the listener's.
 */
static long try_connect(struct dk_local *local, const struct dk_label *to,
			struct dk_local *fresh, struct dk_local **full)
{
	struct dk_sandbox *sandbox = local->sandbox;
	struct dk_local *listener;
	long error = 0;

	mutex_lock(&sandbox->local_lock);
	listener = dk_local_lookup(sandbox, to->name.key,
				   to->name.key_length);
	if (!listener)
		error = -ECONNREFUSED;
	else if (listener->type != local->type)
		error = -EPROTOTYPE;
	else if (!listener->listening || READ_ONCE(listener->shut_in))
		error = -ECONNREFUSED;
	else if (local->listening)
		error = -EINVAL;
	else if (local->connected)
		error = -EEXIST;
	else if (listener->waiting > listener->backlog)
		error = -EAGAIN;
	else
		error = dk_limit_queue(fresh->stream);
	if (!error) {
		fresh->label = dk_label_get(listener->label);
		memcpy(fresh->identity, listener->identity,
		       DK_LOCAL_IDENTITY_SIZE);
		join(local, fresh);
		list_add_tail(&fresh->accept_link, &listener->connections);
		WRITE_ONCE(listener->waiting, listener->waiting + 1);
	}
	if (!error || error == -EAGAIN)
		*full = dk_local_get(listener);
	mutex_unlock(&sandbox->local_lock);
	return error;
}

static bool may_have_room(struct dk_local *listener)
{
	return READ_ONCE(listener->closed) || READ_ONCE(listener->shut_in) ||
	       READ_ONCE(listener->waiting) <= READ_ONCE(listener->backlog);
}

static long connect_stream(struct dk_stream *stream, struct dk_local *local,
			   const struct dk_label *to)
{
	struct dk_local *listener = NULL;
	struct dk_stream *fresh;
	long error;

	fresh = dk_stream_alloc(stream->sandbox);
	if (!fresh)
		return -ENOMEM;
	error = local_new(fresh, local->type);
	while (!error) {
		error = try_connect(local, to, fresh->data, &listener);
		if (!error) {
			local_wake(listener);
			local_wake(local);
			dk_local_put(listener);
			return 0;
		}
		if (error == -EAGAIN &&
		    !(READ_ONCE(stream->flags) & DK_OPTION_NONBLOCK))
			error = wait_event_interruptible(listener->wait,
						may_have_room(listener));
		dk_local_put(listener);
		listener = NULL;
	}
	dk_stream_put(fresh);
	return error;
}

long dk_local_connect(struct dk_stream *stream, void __user *buffer)
{
	struct dk_local *local = dk_local_of(stream);
	struct dk_label *to;
	long error;

	if (!local)
		return -EOPNOTSUPP;
	to = dk_label_read(buffer);
	if (IS_ERR(to))
		return PTR_ERR(to);
	if (local->type == DK_LOCAL_DATAGRAM)
		error = connect_datagram(local, to);
	else
		error = connect_stream(stream, local, to);
	dk_label_put(to);
	return error;
}

/* The stream of one that has connected, with its reference; or NULL. */
struct dk_stream *dk_local_accept(struct dk_local *local)
{
	struct dk_local *fresh;

	mutex_lock(&local->sandbox->local_lock);
	fresh = list_first_entry_or_null(&local->connections, struct dk_local,
					 accept_link);
	if (fresh) {
		list_del_init(&fresh->accept_link);
		WRITE_ONCE(local->waiting, local->waiting - 1);
	}
	mutex_unlock(&local->sandbox->local_lock);
	if (!fresh)
		return NULL;
	dk_limit_unqueue(fresh->stream);
	local_wake(local);
	return fresh->stream;
}

/* Nobody could be told of @fresh: it is the next one again. */
void dk_local_accept_undo(struct dk_local *local, struct dk_stream *fresh)
{
	struct dk_local *connection = fresh->data;

	mutex_lock(&local->sandbox->local_lock);
	list_add(&connection->accept_link, &local->connections);
	WRITE_ONCE(local->waiting, local->waiting + 1);
	dk_limit_requeue(fresh);
	mutex_unlock(&local->sandbox->local_lock);
	local_wake(local);
}

bool dk_local_has_connection(struct dk_local *local)
{
	return READ_ONCE(local->waiting);
}

static void wake_all(struct dk_sandbox *sandbox)
{
	struct dk_local *local;

	mutex_lock(&sandbox->local_lock);
	list_for_each_entry(local, &sandbox->locals, link)
		local_wake(local);
	mutex_unlock(&sandbox->local_lock);
}

long dk_local_shutdown(struct dk_stream *stream, u32 how)
{
	struct dk_local *local = dk_local_of(stream), *peer;
	bool in = how & DK_SHUTDOWN_READ, out = how & DK_SHUTDOWN_WRITE;

	spin_lock(&local->lock);
	local->shut_in |= in;
	local->shut_out |= out;
	peer = dk_local_get(local->peer);
	spin_unlock(&local->lock);
	if (peer && local->type != DK_LOCAL_DATAGRAM) {
		spin_lock(&peer->lock);
		peer->no_more |= out;
		peer->shut_out |= in;
		spin_unlock(&peer->lock);
	}
	/* Who sends waits at the other end, */
	if (peer)
		local_wake(peer);
	local_wake(local);
	dk_local_put(peer);
	/* which of a datagram may be any. */
	if (out && local->type == DK_LOCAL_DATAGRAM)
		wake_all(local->sandbox);
	return 0;
}

/* What reading would tell, if it has not yet. */
long dk_local_take_error(struct dk_stream *stream)
{
	struct dk_local *local = dk_local_of(stream);
	bool reset;

	spin_lock(&local->lock);
	reset = local->reset;
	local->reset = false;
	spin_unlock(&local->lock);
	return reset ? -ECONNRESET : 0;
}

long dk_local_unread(struct dk_stream *stream, void __user *buffer)
{
	struct dk_local *local = dk_local_of(stream);
	struct dk_letter *letter;
	u32 bytes = 0;

	if (!local)
		return -EOPNOTSUPP;
	spin_lock(&local->lock);
	letter = list_first_entry_or_null(&local->letters, struct dk_letter,
					  link);
	if (letter && local->type != DK_LOCAL_STREAM)
		bytes = letter->length;
	else if (letter)
		bytes = local->bytes;
	spin_unlock(&local->lock);
	return put_user(bytes, (u32 __user *)buffer);
}

/* ---- as a stream ---- */

static __poll_t local_poll(struct dk_stream *stream,
			   struct poll_table_struct *table)
{
	struct dk_local *local = stream->data, *peer;
	__poll_t ready = 0;
	bool ended, out;

	poll_wait(stream->file, &local->wait, table);
	spin_lock(&local->lock);
	peer = dk_local_get(local->peer);
	ended = local->no_more || local->shut_in;
	out = local->shut_out;
	if (local->listening) {
		if (local->waiting || local->shut_in)
			ready = EPOLLIN | EPOLLRDNORM;
		goto unlock;
	}
	if (ended || !list_empty(&local->letters))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (ended)
		ready |= EPOLLRDHUP;
	if (ended && out)
		ready |= EPOLLHUP;
	if (local->reset)
		ready |= EPOLLERR;
	if (local->type != DK_LOCAL_DATAGRAM && !local->connected)
		ready |= EPOLLHUP;
	if (out || !peer || dk_local_has_room(peer, 1, 0))
		ready |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
unlock:
	spin_unlock(&local->lock);
	dk_local_put(peer);
	return ready;
}

static long local_get_attributes(struct dk_stream *stream,
				 struct dk_stream_attributes *attributes)
{
	*attributes = (struct dk_stream_attributes) {
		.type = DK_TYPE_SOCKET,
		.mode = 0777,
		.nlink = 1,
		.block_size = PAGE_SIZE,
	};
	return 0;
}

static const struct dk_stream_ops local_ops = {
	.poll = local_poll,
	.get_attributes = local_get_attributes,
	.release = local_release,
};
