// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: sockets made, paired, shut down and ended. unix.h has the whole.
 */
#include "unix.h"

struct lock unix_lock;

void unix_message_free(struct message *m)
{
	size_t i;

	for (i = 0; i < m->file_count; i++)
		file_put(m->files[i]);
	mem_free(m->files);
	mem_free(m);
}

void unix_put(struct unix_socket *u)
{
	struct message *m;

	if (!u || __atomic_sub_fetch(&u->refs, 1, __ATOMIC_ACQ_REL))
		return;
	while ((m = u->first)) {
		u->first = m->next;
		unix_message_free(m);
	}
	mem_free(u);
}

struct unix_socket *unix_peer_get(struct unix_socket *u)
{
	struct unix_socket *peer;

	lock_acquire(&unix_lock);
	peer = unix_get(u->peer);
	lock_release(&unix_lock);
	return peer;
}

static const struct socket_ops unix_ops;

struct unix_socket *unix_make(int type)
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
	if (type == SOCK_RAW) /* SOCK_RAW has always been a datagram here */
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	u = unix_make(type);
	if (!u)
		return -ENOMEM;
	*socket = &u->socket;
	return 0;
}

/* unix_lock is held, or nobody else knows them. */
void unix_join(struct unix_socket *a, struct unix_socket *b)
{
	a->peer = unix_get(b);
	b->peer = unix_get(a);
	a->connected = b->connected = true;
	a->peer_credentials = b->peer_credentials = unix_own_credentials();
}

long unix_pair(struct socket *a, struct socket *b)
{
	unix_join(unix_of(a), unix_of(b));
	return 0;
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

void unix_close(struct unix_socket *u)
{
	struct unix_socket *peer, *fresh;
	bool unread;

	lock_acquire(&unix_lock);
	u->closed = true;
	unix_name_remove(u);
	peer = u->peer;
	u->peer = NULL;
	lock_release(&unix_lock);
	lock_acquire(&u->lock);
	unread = u->first;
	u->no_reading = true;
	lock_release(&u->lock);
	if (peer && u->socket.type != SOCK_DGRAM)
		hang_up(peer, unread);
	unix_put(peer);
	while ((fresh = unix_accept_one(u)))
		unix_close(fresh);
	wake_all(&u->queue);
	unix_put(u);
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
	peer = unix_peer_get(u);
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
	unix_put(peer);
	wake_all(&u->queue);
	return 0;
}

static u32 unix_poll(struct file *file, struct poll_table *table)
{
	struct unix_socket *u = unix_of(socket_of(file)), *peer;
	u32 events = 0;

	poll_link(table, &u->queue);
	if (u->socket.listening)
		return unix_has_waiting(u) ? POLLIN | POLLRDNORM : 0;
	lock_acquire(&u->lock);
	if (u->first || u->no_more || u->no_reading)
		events |= POLLIN | POLLRDNORM;
	if (u->no_more || u->no_reading)
		events |= POLLRDHUP;
	if ((u->no_more || u->no_reading) && u->no_writing)
		events |= POLLHUP;
	lock_release(&u->lock);
	peer = unix_peer_get(u);
	if (u->socket.type != SOCK_DGRAM && !peer)
		events |= u->connected ? POLLHUP | POLLOUT | POLLWRNORM :
					 POLLOUT | POLLHUP;
	else if (!peer || unix_has_room(peer, 1))
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	if (peer && peer->closed)
		events |= POLLHUP;
	unix_put(peer);
	return events;
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
