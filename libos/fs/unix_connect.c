// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: who connects, listens and accepts.
 */
#include "unix.h"

#define BACKLOG_MAX 4096

static long connect_datagram(struct unix_socket *u, const struct address *a)
{
	struct unix_socket *found = NULL, *old;
	long r = 0;

	if (a->family) {
		r = unix_check_address(a);
		if (!r)
			r = unix_find_name(a, &found);
		if (!r && found->socket.type != SOCK_DGRAM)
			r = -EPROTOTYPE;
	}
	if (r) {
		unix_put(found);
		return r;
	}
	lock_acquire(&unix_lock);
	old = u->peer;
	u->peer = found;
	u->connected = found;
	lock_release(&unix_lock);
	unix_put(old);
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
		unix_join(u, fresh);
		fresh->name = listener->name;
		u->peer_credentials = listener->peer_credentials;
		fresh->accept_next = NULL;
		*listener->accept_end = unix_get(fresh);
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

long unix_connect(struct file *file, const struct address *a)
{
	struct unix_socket *u = unix_of(socket_of(file)), *listener, *fresh;
	long r;

	if (u->socket.type == SOCK_DGRAM)
		return connect_datagram(u, a);
	r = unix_check_address(a);
	if (r)
		return r;
	r = unix_find_name(a, &listener);
	if (r)
		return r;
	if (listener->socket.type != u->socket.type) {
		unix_put(listener);
		return -EPROTOTYPE;
	}
	fresh = unix_make(u->socket.type);
	if (!fresh) {
		unix_put(listener);
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
	unix_put(fresh);
	unix_put(listener);
	return r;
}

long unix_listen(struct socket *socket, int backlog)
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
		u->peer_credentials = unix_own_credentials();
	}
	lock_release(&unix_lock);
	wake_all(&u->queue);
	return r;
}

struct unix_socket *unix_accept_one(struct unix_socket *u)
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

bool unix_has_waiting(struct unix_socket *u)
{
	return __atomic_load_n(&u->accept_first, __ATOMIC_SEQ_CST) ||
	       u->no_reading;
}

long unix_accept(struct file *file, struct file **accepted,
		 struct address *peer, u32 flags)
{
	struct unix_socket *u = unix_of(socket_of(file)), *fresh;
	long r;

	if (u->socket.type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (!u->socket.listening)
		return -EINVAL;
	while (!(fresh = unix_accept_one(u))) {
		if (u->no_reading)
			return -EINVAL;
		if (!socket_waits(file, 0))
			return -EAGAIN;
		r = wait_until(&u->queue, unix_has_waiting(u));
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
