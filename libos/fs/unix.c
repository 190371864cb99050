// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: sockets within the process.
 *
 *	a  --- peer --->  b		each has a queue of what it was sent:
 *	  <--- peer ---			messages of bytes and open files
 *	listener: queue of sockets that connected and were not accepted
 *
 * A name in the file system is a file that bind() makes; connect() opens it
 * and finds the socket by device and inode. For other processes it is an empty
 * file. Abstract names are the process's.
 *
 * unix_lock guards names, states, peers and backlogs; a socket's own lock its
 * queue. A socket is counted: by its file, by its peer, by whoever uses it.
 * unix_lock comes before the lock of a socket, and no two of those are held.
 */
#include "socket.h"

#include <signals.h>

#define QUEUE_MAX 212992 /* bytes, as Linux's default */
#define QUEUE_MESSAGES 512 /* datagrams that may wait */
#define MESSAGE_MAX 32768 /* one piece of a stream */
#define BACKLOG_MAX 4096

struct message {
	struct message *next;
	size_t length, offset;
	size_t file_count;
	struct file **files;
	struct user_credentials sender;
	struct address from;
	u8 data[];
};

struct unix_socket {
	struct socket socket;
	u32 refs;
	struct lock lock; /* the queue, and what is shut down */
	struct message *first, **end;
	size_t bytes, messages;
	bool no_more; /* nothing will come: the peer is gone or shut */
	bool no_reading, no_writing; /* shut down here */
	bool reset; /* the peer went with messages unread */
	struct wait_queue queue; /* who reads, writes, accepts, polls */
	/* under unix_lock */
	struct unix_socket *peer;
	struct unix_socket *next_name;
	struct address name;
	u64 device, inode; /* of a name in the file system */
	bool named, connected, closed;
	u32 backlog, waiting;
	struct unix_socket *accept_first, **accept_end, *accept_next;
	struct user_credentials peer_credentials;
};

static struct lock unix_lock;
static struct unix_socket *names;
static u32 last_autobind;

static struct unix_socket *unix_of(struct socket *socket)
{
	return container_of(socket, struct unix_socket, socket);
}

static struct unix_socket *get(struct unix_socket *u)
{
	if (u)
		__atomic_add_fetch(&u->refs, 1, __ATOMIC_RELAXED);
	return u;
}

static void message_free(struct message *m)
{
	size_t i;

	for (i = 0; i < m->file_count; i++)
		file_put(m->files[i]);
	mem_free(m->files);
	mem_free(m);
}

static void put(struct unix_socket *u)
{
	struct message *m;

	if (!u || __atomic_sub_fetch(&u->refs, 1, __ATOMIC_ACQ_REL))
		return;
	while ((m = u->first)) {
		u->first = m->next;
		message_free(m);
	}
	mem_free(u);
}

static struct unix_socket *peer_get(struct unix_socket *u)
{
	struct unix_socket *peer;

	lock_acquire(&unix_lock);
	peer = get(u->peer);
	lock_release(&unix_lock);
	return peer;
}

static struct user_credentials own_credentials(void)
{
	return (struct user_credentials){ process.pid, process.euid,
					  process.egid };
}

/* ---- names ---- */

static long check_address(const struct address *a)
{
	if (a->family != AF_UNIX || a->length > sizeof(a->un) ||
	    a->length < sizeof(a->family))
		return -EINVAL;
	return 0;
}

static bool is_path(const struct address *a)
{
	return a->length > sizeof(a->family) && a->un.sun_path[0];
}

static size_t path_length(const struct address *a)
{
	return strnlen(a->un.sun_path, a->length - sizeof(a->family));
}

/* The file that a name is, resolved from the working directory. */
static int path_from(const struct address *a, struct path *path)
{
	char text[PATH_MAX];
	size_t n = path_length(a);
	int length = 0;

	if (a->un.sun_path[0] != '/') {
		length = directory_copy(text, sizeof(text) - n - 2);
		if (length < 0)
			return -ENAMETOOLONG;
		text[length++] = '/';
	}
	memcpy(text + length, a->un.sun_path, n);
	text[length + n] = 0;
	return path_set(path, text, 0);
}

/* Make the file of a name: exclusive. */
static long make_name(const struct address *a, u64 *device, u64 *inode)
{
	struct dk_stream_attributes attributes;
	struct file *file;
	struct path path;
	long r;

	r = path_from(a, &path);
	if (!r && path.node)
		r = -EACCES;
	if (!r)
		r = host_open(&path, O_CREAT | O_EXCL | O_RDWR,
			      0777 & ~self()->fs->umask, &file);
	if (r)
		return r == -EEXIST ? -EADDRINUSE : r;
	r = file_attributes(file, &attributes);
	file_put(file);
	if (r)
		return r;
	*device = attributes.device;
	*inode = attributes.inode;
	return 0;
}

static long find_name(const struct address *a, struct unix_socket **found)
{
	struct dk_stream_attributes attributes = { 0 };
	struct unix_socket *u;
	struct path path;
	bool by_path = is_path(a);
	long r;

	if (by_path) {
		r = path_from(a, &path);
		if (!r)
			r = path_attributes(&path, &attributes);
		if (!r)
			r = permission_of(&attributes, 2, process.fsuid,
					  process.fsgid);
		if (r)
			return r;
	}
	lock_acquire(&unix_lock);
	for (u = names; u; u = u->next_name) {
		if (by_path ?
			    is_path(&u->name) &&
				    u->device == attributes.device &&
				    u->inode == attributes.inode :
			    u->name.length == a->length &&
				    !memcmp(u->name.bytes, a->bytes, a->length))
			break;
	}
	*found = get(u);
	lock_release(&unix_lock);
	return *found ? 0 : -ECONNREFUSED;
}

/* unix_lock is held. */
static bool name_taken(const struct address *a)
{
	struct unix_socket *u;

	for (u = names; u; u = u->next_name) {
		if (u->name.length == a->length &&
		    !memcmp(u->name.bytes, a->bytes, a->length))
			return true;
	}
	return false;
}

static void name_add(struct unix_socket *u, const struct address *a)
{
	u->name = *a;
	u->named = true;
	u->next_name = names;
	names = u;
}

static long autobind(struct unix_socket *u)
{
	struct address a = { .family = AF_UNIX };

	lock_acquire(&unix_lock);
	if (!u->named) {
		do {
			a.length = sizeof(a.family) + 1 +
				   snprintf(a.un.sun_path + 1, 8, "%05x",
					    ++last_autobind & 0xfffff);
		} while (name_taken(&a));
		name_add(u, &a);
	}
	lock_release(&unix_lock);
	return 0;
}

static long unix_bind(struct socket *socket, const struct address *a)
{
	struct unix_socket *u = unix_of(socket);
	struct unix_socket *other = NULL;
	u64 device = 0, inode = 0;
	struct address name = *a;
	long r = check_address(a);

	if (r)
		return r;
	if (u->named && !is_path(a))
		return -EINVAL;
	if (a->length == sizeof(a->family))
		return autobind(u);
	if (u->named) {
		/* Linux makes the file first, and removes it again. */
		r = find_name(a, &other);
		put(other);
		return r == -ENOENT ? -EINVAL : -EADDRINUSE;
	}
	if (is_path(a)) {
		r = make_name(a, &device, &inode);
		if (r)
			return r;
		/* Told with the zero behind it. */
		name.length = sizeof(a->family) + path_length(a) + 1;
		if (name.length <= sizeof(name.un))
			name.un.sun_path[path_length(a)] = 0;
	}
	lock_acquire(&unix_lock);
	if (u->named)
		r = -EINVAL;
	else if (!is_path(a) && name_taken(a))
		r = -EADDRINUSE;
	if (!r) {
		u->device = device;
		u->inode = inode;
		name_add(u, &name);
	}
	lock_release(&unix_lock);
	return r;
}

static long unix_name(struct socket *socket, bool of_peer, struct address *a)
{
	struct unix_socket *u = unix_of(socket);
	long r = 0;

	lock_acquire(&unix_lock);
	if (of_peer && (!u->connected || !u->peer)) {
		r = -ENOTCONN;
	} else {
		*a = (of_peer ? u->peer : u)->name;
		if (!a->length) {
			a->length = sizeof(a->family);
			a->family = AF_UNIX;
		}
	}
	lock_release(&unix_lock);
	return r;
}

/* ---- connections ---- */

static const struct socket_ops unix_ops;

static struct unix_socket *make(int type)
{
	struct unix_socket *u = mem_zalloc(sizeof(*u));

	if (!u)
		return NULL;
	u->socket.ops = &unix_ops;
	u->socket.family = AF_UNIX;
	u->socket.type = type;
	u->socket.send_buffer = u->socket.receive_buffer = QUEUE_MAX;
	u->refs = 1;
	u->end = &u->first;
	u->accept_end = &u->accept_first;
	return u;
}

long unix_create(int type, int protocol, struct socket **socket)
{
	struct unix_socket *u;

	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == 3) /* SOCK_RAW has always been a datagram here */
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	u = make(type);
	if (!u)
		return -ENOMEM;
	*socket = &u->socket;
	return 0;
}

/* unix_lock is held, or nobody else knows them. */
static void join(struct unix_socket *a, struct unix_socket *b)
{
	a->peer = get(b);
	b->peer = get(a);
	a->connected = b->connected = true;
	a->peer_credentials = b->peer_credentials = own_credentials();
}

long unix_pair(struct socket *a, struct socket *b)
{
	join(unix_of(a), unix_of(b));
	return 0;
}

static long connect_datagram(struct unix_socket *u, const struct address *a)
{
	struct unix_socket *found = NULL, *old;
	long r = 0;

	if (a->family) {
		r = check_address(a);
		if (!r)
			r = find_name(a, &found);
		if (!r && found->socket.type != SOCK_DGRAM)
			r = -EPROTOTYPE;
	}
	if (r) {
		put(found);
		return r;
	}
	lock_acquire(&unix_lock);
	old = u->peer;
	u->peer = found;
	u->connected = found;
	lock_release(&unix_lock);
	put(old);
	wake_all(&u->queue);
	return 0;
}

/* Is there room in the backlog? Then @u and a new socket are connected. */
static long try_connect(struct unix_socket *u, struct unix_socket *listener,
			struct unix_socket *fresh)
{
	long r = 0;

	lock_acquire(&unix_lock);
	if (u->connected)
		r = -EISCONN;
	else if (u->socket.listening)
		r = -EINVAL;
	else if (listener->closed || !listener->socket.listening ||
		 listener->no_reading)
		r = -ECONNREFUSED;
	else if (listener->waiting > listener->backlog)
		r = -EAGAIN;
	if (!r) {
		join(u, fresh);
		fresh->name = listener->name;
		u->peer_credentials = listener->peer_credentials;
		fresh->accept_next = NULL;
		*listener->accept_end = get(fresh);
		listener->accept_end = &fresh->accept_next;
		listener->waiting++;
	}
	lock_release(&unix_lock);
	return r;
}

static bool backlog_has_room(struct unix_socket *listener)
{
	bool room;

	lock_acquire(&unix_lock);
	room = listener->closed || listener->waiting <= listener->backlog;
	lock_release(&unix_lock);
	return room;
}

static long unix_connect(struct file *file, const struct address *a)
{
	struct unix_socket *u = unix_of(socket_of(file)), *listener, *fresh;
	long r;

	if (u->socket.type == SOCK_DGRAM)
		return connect_datagram(u, a);
	r = check_address(a);
	if (r)
		return r;
	r = find_name(a, &listener);
	if (r)
		return r;
	if (listener->socket.type != u->socket.type) {
		put(listener);
		return -EPROTOTYPE;
	}
	fresh = make(u->socket.type);
	if (!fresh) {
		put(listener);
		return -ENOMEM;
	}
	for (;;) {
		r = try_connect(u, listener, fresh);
		if (r != -EAGAIN || !socket_waits(file, 0))
			break;
		r = wait_until(&listener->queue, backlog_has_room(listener));
		if (r)
			break;
	}
	if (!r)
		wake_all(&listener->queue);
	put(fresh);
	put(listener);
	return r;
}

static long unix_listen(struct socket *socket, int backlog)
{
	struct unix_socket *u = unix_of(socket);
	long r = 0;

	if (socket->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	lock_acquire(&unix_lock);
	if (!u->named || u->connected) {
		r = -EINVAL;
	} else {
		u->backlog = MIN((u32)backlog, BACKLOG_MAX);
		u->socket.listening = true;
		u->peer_credentials = own_credentials();
	}
	lock_release(&unix_lock);
	wake_all(&u->queue);
	return r;
}

static struct unix_socket *accept_one(struct unix_socket *u)
{
	struct unix_socket *fresh;

	lock_acquire(&unix_lock);
	fresh = u->accept_first;
	if (fresh) {
		u->accept_first = fresh->accept_next;
		if (!u->accept_first)
			u->accept_end = &u->accept_first;
		u->waiting--;
	}
	lock_release(&unix_lock);
	return fresh;
}

static bool has_waiting(struct unix_socket *u)
{
	return __atomic_load_n(&u->accept_first, __ATOMIC_SEQ_CST) ||
	       u->no_reading;
}

static void unix_close(struct unix_socket *u);

static long unix_accept(struct file *file, struct file **accepted,
			struct address *peer, u32 flags)
{
	struct unix_socket *u = unix_of(socket_of(file)), *fresh;
	long r;

	if (u->socket.type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (!u->socket.listening)
		return -EINVAL;
	while (!(fresh = accept_one(u))) {
		if (u->no_reading)
			return -EINVAL;
		if (!socket_waits(file, 0))
			return -EAGAIN;
		r = wait_until(&u->queue, has_waiting(u));
		if (r)
			return r;
	}
	wake_all(&u->queue);
	unix_name(&fresh->socket, true, peer);
	*accepted = socket_file(&fresh->socket, flags);
	if (*accepted)
		return 0;
	unix_close(fresh);
	return -ENFILE;
}

/* Whoever has @u as its peer hears that it is gone. */
static void hang_up(struct unix_socket *peer, bool reset)
{
	lock_acquire(&peer->lock);
	peer->no_more = true;
	peer->reset |= reset;
	lock_release(&peer->lock);
	wake_all(&peer->queue);
}

static void unix_close(struct unix_socket *u)
{
	struct unix_socket **at, *peer, *fresh;
	bool unread;

	lock_acquire(&unix_lock);
	u->closed = true;
	for (at = &names; u->named && *at; at = &(*at)->next_name) {
		if (*at == u) {
			*at = u->next_name;
			break;
		}
	}
	peer = u->peer;
	u->peer = NULL;
	lock_release(&unix_lock);
	lock_acquire(&u->lock);
	unread = u->first;
	u->no_reading = true;
	lock_release(&u->lock);
	if (peer && u->socket.type != SOCK_DGRAM)
		hang_up(peer, unread);
	put(peer);
	while ((fresh = accept_one(u)))
		unix_close(fresh);
	wake_all(&u->queue);
	put(u);
}

static void unix_release(struct socket *socket)
{
	unix_close(unix_of(socket));
}

static long unix_shutdown(struct socket *socket, int how)
{
	struct unix_socket *u = unix_of(socket), *peer;

	if (socket->type != SOCK_DGRAM && !u->connected && !socket->listening)
		return -ENOTCONN;
	peer = peer_get(u);
	lock_acquire(&u->lock);
	u->no_reading |= how != SHUT_WR;
	u->no_writing |= how != SHUT_RD;
	lock_release(&u->lock);
	if (peer && socket->type != SOCK_DGRAM) {
		lock_acquire(&peer->lock);
		peer->no_more |= how != SHUT_RD;
		peer->no_writing |= how != SHUT_WR;
		lock_release(&peer->lock);
		wake_all(&peer->queue);
	}
	put(peer);
	wake_all(&u->queue);
	return 0;
}

/* ---- sending ---- */

static struct message *message_new(struct unix_socket *u,
				   struct transfer *transfer, size_t from,
				   size_t length)
{
	struct message *m = mem_alloc(sizeof(*m) + length);
	size_t i, at = 0, part;

	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->length = length;
	m->sender = transfer->has_credentials ? transfer->credentials :
						own_credentials();
	lock_acquire(&unix_lock);
	m->from = u->name;
	lock_release(&unix_lock);
	for (i = 0; i < transfer->vector.count && at < length; i++) {
		const struct iovec *iov = &transfer->vector.parts[i];

		if (from >= iov->iov_len) {
			from -= iov->iov_len;
			continue;
		}
		part = MIN(iov->iov_len - from, length - at);
		if (copy_in(m->data + at, (u8 *)iov->iov_base + from, part)) {
			mem_free(m);
			return (struct message *)-1;
		}
		at += part;
		from = 0;
	}
	return m;
}

static bool has_room(struct unix_socket *peer, size_t length)
{
	return peer->no_reading || peer->closed ||
	       ((!peer->bytes || peer->bytes + length <= QUEUE_MAX) &&
		peer->messages < QUEUE_MESSAGES);
}

/* -EAGAIN: wait; -EPIPE, -ECONNREFUSED, -ECONNRESET; 0: the message is taken */
static long deliver(struct unix_socket *u, struct unix_socket *peer,
		    struct message *m)
{
	bool datagram = u->socket.type == SOCK_DGRAM;
	long r = 0;

	lock_acquire(&peer->lock);
	if (peer->closed)
		r = datagram ? -ECONNREFUSED : -EPIPE;
	else if (peer->no_reading)
		r = -EPIPE;
	else if (!has_room(peer, m->length))
		r = -EAGAIN;
	if (!r) {
		*peer->end = m;
		peer->end = &m->next;
		peer->bytes += m->length;
		peer->messages++;
	}
	lock_release(&peer->lock);
	if (!r)
		wake_all(&peer->queue);
	return r;
}

static long deliver_waiting(struct file *file, struct unix_socket *u,
			    struct unix_socket *peer, struct message *m,
			    u32 flags, s64 deadline)
{
	struct wait_entry entry;
	struct waiter *waiter;
	long r;

	r = u->no_writing ? -EPIPE : deliver(u, peer, m);
	if (r != -EAGAIN || !socket_waits(file, flags))
		return r;
	waiter = waiter_get();
	if (!waiter)
		return -ENOMEM;
	wait_link(&peer->queue, &entry, waiter_wake, waiter);
	while ((r = u->no_writing ? -EPIPE : deliver(u, peer, m)) == -EAGAIN) {
		r = socket_sleep(waiter, deadline);
		if (r)
			break;
	}
	wait_unlink(&entry);
	waiter_put(waiter);
	return r;
}

/* To whom: counted, or NULL and *error. */
static struct unix_socket *target(struct unix_socket *u,
				  const struct address *a, long *error)
{
	struct unix_socket *peer = NULL;

	*error = 0;
	if (!a->length) {
		peer = peer_get(u);
		if (!peer)
			*error = u->connected ? -EPIPE : -ENOTCONN;
		return peer;
	}
	if (u->socket.type != SOCK_DGRAM) {
		*error = u->connected ? -EISCONN : -EOPNOTSUPP;
		return NULL;
	}
	*error = check_address(a);
	if (!*error)
		*error = find_name(a, &peer);
	if (!*error && peer->socket.type != SOCK_DGRAM) {
		put(peer);
		*error = -EPROTOTYPE;
	}
	return *error ? NULL : peer;
}

static s64 unix_send(struct file *file, struct transfer *transfer)
{
	struct unix_socket *u = unix_of(socket_of(file)), *peer;
	size_t done = 0, total = transfer->vector.total, part;
	bool stream = u->socket.type == SOCK_STREAM;
	s64 deadline = socket_deadline(u->socket.send_timeout);
	struct message *m;
	long r;

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	peer = target(u, &transfer->address, &r);
	if (!peer)
		return r == -EPIPE && !(transfer->flags & MSG_NOSIGNAL) ?
			       broken_pipe() :
			       r;
	if (!stream && total > QUEUE_MAX) {
		put(peer);
		return -EMSGSIZE;
	}
	do {
		part = stream ? MIN(total - done, MESSAGE_MAX) : total;
		if (stream && !part && !transfer->file_count)
			break;
		m = message_new(u, transfer, done, part);
		if (!m || m == (struct message *)-1) {
			r = m ? -EFAULT : -ENOBUFS;
			break;
		}
		/* Open files go with the first byte. */
		if (!done) {
			m->files = transfer->files;
			m->file_count = transfer->file_count;
		}
		r = deliver_waiting(file, u, peer, m, transfer->flags,
				    deadline);
		if (r) {
			if (!done)
				m->file_count = 0;
			if (!done)
				m->files = NULL;
			message_free(m);
			break;
		}
		if (!done) {
			transfer->files = NULL;
			transfer->file_count = 0;
		}
		done += part;
	} while (done < total);
	put(peer);
	if (done || !r)
		return done;
	if (r == -EPIPE && !(transfer->flags & MSG_NOSIGNAL) && stream)
		return broken_pipe();
	return r;
}

/* ---- receiving ---- */

/* Bytes of @m into the program's buffers, from @at on in these. */
static s64 copy_message(struct message *m, struct transfer *transfer, size_t at)
{
	size_t i, done = 0, part, skip = at;
	size_t length = MIN(m->length - m->offset, transfer->vector.total - at);

	for (i = 0; i < transfer->vector.count && done < length; i++) {
		const struct iovec *iov = &transfer->vector.parts[i];

		if (skip >= iov->iov_len) {
			skip -= iov->iov_len;
			continue;
		}
		part = MIN(iov->iov_len - skip, length - done);
		if (copy_out((u8 *)iov->iov_base + skip,
			     m->data + m->offset + done, part))
			return -EFAULT;
		done += part;
		skip = 0;
	}
	return done;
}

/* The files of a message that is only looked at are counted anew. */
static long take_files(struct message *m, struct transfer *transfer, bool peek)
{
	size_t i;

	transfer->files = m->files;
	transfer->file_count = m->file_count;
	if (!peek) {
		m->files = NULL;
		m->file_count = 0;
		return 0;
	}
	if (!m->file_count)
		return 0;
	transfer->files = mem_alloc(m->file_count * sizeof(*m->files));
	if (!transfer->files) {
		transfer->file_count = 0;
		return -ENOMEM;
	}
	for (i = 0; i < m->file_count; i++)
		transfer->files[i] = fs_ref(m->files[i]);
	return 0;
}

static void unlink_first(struct unix_socket *u, struct message *m)
{
	u->first = m->next;
	if (!u->first)
		u->end = &u->first;
	u->bytes -= m->length;
	u->messages--;
	message_free(m);
}

/* May @m follow what has been received already? Only bytes run together. */
static bool follows(struct unix_socket *u, const struct message *m,
		    const struct transfer *transfer)
{
	return !m->file_count && !transfer->file_count &&
	       (!u->socket.pass_credentials ||
		!memcmp(&m->sender, &transfer->credentials, sizeof(m->sender)));
}

static s64 receive_stream(struct unix_socket *u, struct transfer *transfer,
			  size_t at)
{
	bool peek = transfer->flags & MSG_PEEK;
	struct message *m = u->first, *next;
	size_t done = at;
	s64 part;

	for (; m; m = next) {
		if (done && (done == transfer->vector.total ||
			     !follows(u, m, transfer)))
			break;
		part = copy_message(m, transfer, done);
		if (part < 0)
			return done > at ? (s64)(done - at) : part;
		if (!done) {
			transfer->address = m->from;
			transfer->credentials = m->sender;
			take_files(m, transfer, peek);
		}
		done += part;
		next = m->next;
		if (peek)
			continue;
		m->offset += part;
		if (m->offset < m->length)
			break;
		unlink_first(u, m);
	}
	return done - at;
}

static s64 receive_message(struct unix_socket *u, struct transfer *transfer)
{
	bool peek = transfer->flags & MSG_PEEK;
	struct message *m = u->first;
	s64 part = copy_message(m, transfer, 0);

	if (part < 0)
		return part;
	transfer->address = m->from;
	transfer->credentials = m->sender;
	take_files(m, transfer, peek);
	if (m->length > (size_t)part) {
		transfer->result_flags |= MSG_TRUNC;
		if (transfer->flags & MSG_TRUNC)
			part = m->length;
	}
	if (!peek)
		unlink_first(u, m);
	return part;
}

/* What there is now: bytes, 0 at the end, -EAGAIN. u->lock is held. */
static s64 receive_now(struct unix_socket *u, struct transfer *transfer,
		       size_t at)
{
	if (u->first)
		return u->socket.type == SOCK_STREAM ?
			       receive_stream(u, transfer, at) :
			       receive_message(u, transfer);
	if (u->no_reading)
		return 0;
	if (u->reset) {
		u->reset = false;
		return -ECONNRESET;
	}
	return u->no_more ? 0 : -EAGAIN;
}

static s64 unix_receive(struct file *file, struct transfer *transfer)
{
	struct unix_socket *u = unix_of(socket_of(file)), *peer;
	s64 deadline = socket_deadline(u->socket.receive_timeout), r;
	bool stream = u->socket.type == SOCK_STREAM;
	struct waiter *waiter = NULL;
	struct wait_entry entry;
	size_t done = 0;

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (u->socket.type != SOCK_DGRAM && !u->connected)
		return stream ? -EINVAL : -ENOTCONN;
	if (stream && !transfer->vector.total)
		return 0;
	for (;;) {
		lock_acquire(&u->lock);
		r = receive_now(u, transfer, done);
		lock_release(&u->lock);
		if (r > 0)
			done += r;
		if (r > 0 && stream && transfer->flags & MSG_WAITALL &&
		    !(transfer->flags & MSG_PEEK) && !transfer->file_count &&
		    done < transfer->vector.total)
			r = -EAGAIN;
		if (r != -EAGAIN || !socket_waits(file, transfer->flags))
			break;
		if (!waiter) {
			waiter = waiter_get();
			if (!waiter) {
				r = -ENOMEM;
				break;
			}
			wait_link(&u->queue, &entry, waiter_wake, waiter);
			continue;
		}
		r = socket_sleep(waiter, deadline);
		if (r)
			break;
	}
	if (waiter) {
		wait_unlink(&entry);
		waiter_put(waiter);
	}
	/* Room for those who send. */
	wake_all(&u->queue);
	peer = peer_get(u);
	if (peer && r >= 0)
		wake_all(&peer->queue);
	put(peer);
	return done || r > 0 ? (s64)done : r;
}

static u32 unix_poll(struct file *file, struct poll_table *table)
{
	struct unix_socket *u = unix_of(socket_of(file)), *peer;
	u32 events = 0;

	poll_link(table, &u->queue);
	if (u->socket.listening)
		return has_waiting(u) ? POLLIN | POLLRDNORM : 0;
	lock_acquire(&u->lock);
	if (u->first || u->no_more || u->no_reading)
		events |= POLLIN | POLLRDNORM;
	if (u->no_more || u->no_reading)
		events |= POLLRDHUP;
	if ((u->no_more || u->no_reading) && u->no_writing)
		events |= POLLHUP;
	lock_release(&u->lock);
	peer = peer_get(u);
	if (u->socket.type != SOCK_DGRAM && !peer)
		events |= u->connected ? POLLHUP | POLLOUT | POLLWRNORM :
					 POLLOUT | POLLHUP;
	else if (!peer || has_room(peer, 1))
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	if (peer && peer->closed)
		events |= POLLHUP;
	put(peer);
	return events;
}

static long unix_unread(struct socket *socket, int *count)
{
	struct unix_socket *u = unix_of(socket);
	struct message *m;

	*count = 0;
	lock_acquire(&u->lock);
	for (m = u->first; m; m = m->next) {
		*count += m->length - m->offset;
		if (socket->type != SOCK_STREAM)
			break;
	}
	lock_release(&u->lock);
	return 0;
}

/* SO_PEERCRED, as three numbers. */
static long unix_get_option(struct socket *socket, int level, int name,
			    int *value)
{
	struct unix_socket *u = unix_of(socket);

	if (level != SOL_SOCKET || name != 17 /* SO_PEERCRED */)
		return -ENOPROTOOPT;
	lock_acquire(&unix_lock);
	memcpy(value, &u->peer_credentials, sizeof(u->peer_credentials));
	if (!u->connected && !socket->listening) {
		value[0] = 0;
		value[1] = value[2] = -1;
	}
	lock_release(&unix_lock);
	return 0;
}

static const struct socket_ops unix_ops = {
	.bind = unix_bind,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.name = unix_name,
	.send = unix_send,
	.receive = unix_receive,
	.shutdown = unix_shutdown,
	.poll = unix_poll,
	.unread = unix_unread,
	.get_option = unix_get_option,
	.release = unix_release,
};
