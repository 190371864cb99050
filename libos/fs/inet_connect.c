// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * TCP: bind, listen, accept, connect, and the names of both ends.
 *
 * A connection is always begun without waiting; who is to wait, waits for the
 * stream's readiness. So a signal interrupts the call and not the connection.
 */
#include "inet.h"

#include <timers.h>

static long open_server(struct inet *inet, const struct address *a, u32 backlog,
			DK_HANDLE *handle)
{
	char uri[INET_URI_MAX];
	int n;

	n = snprintf(uri, sizeof(uri), "tcp.server:");
	n += inet_address_text(uri + n, sizeof(uri) - n, a);
	n += snprintf(uri + n, sizeof(uri) - n, "?backlog=%u%s%s%s", backlog,
		      inet_option_noted(inet, DK_SOCKET_REUSE_ADDRESS) ?
			      "&reuse" :
			      "",
		      inet_option_noted(inet, DK_SOCKET_REUSE_PORT) ?
			      "&reuseport" :
			      "",
		      inet->only6 ? "&only6" : "");
	return errno_of(DkStreamOpen(uri, n, DK_ACCESS_READ, DK_OPEN_CREATE_NEW,
				     0, handle));
}

long inet_bind(struct socket *socket, const struct address *a)
{
	struct inet *inet = inet_of(socket);
	DK_HANDLE handle = 0;
	long r = inet_check_address(inet, a);

	if (r)
		return r;
	lock_acquire(&inet->lock);
	r = inet->state == INET_NEW ? open_server(inet, a, 0, &handle) :
				      -EINVAL;
	if (!r || r == -EACCES) {
		inet->bound = *a;
		inet_set_handle(inet, handle, INET_BOUND);
		r = 0;
	}
	lock_release(&inet->lock);
	return r;
}

#define BACKLOG_MAX 4096

long inet_listen(struct socket *socket, int backlog)
{
	struct inet *inet = inet_of(socket);
	struct address any = { .family = socket->family,
			       .length = sizeof(struct sockaddr_in6) };
	/* Of 0, the host would make a server that does not listen. */
	u32 waiting = MAX(MIN((u32)backlog, BACKLOG_MAX), 1U);
	DK_HANDLE handle;
	long r = 0;

	lock_acquire(&inet->lock);
	if (inet->state > INET_LISTENING || inet->state == INET_FAILED) {
		r = -EINVAL;
	} else if (!inet->handle) {
		r = open_server(inet,
				inet->state == INET_BOUND ? &inet->bound : &any,
				waiting, &handle);
		if (!r)
			inet_set_handle(inet, handle, INET_LISTENING);
	} else {
		r = inet_control(inet->handle, DK_CONTROL_LISTEN, &waiting,
				 sizeof(waiting));
	}
	if (!r) {
		inet->state = INET_LISTENING;
		socket->listening = true;
		wake_all(&inet->queue);
	}
	lock_release(&inet->lock);
	return r;
}

/* How long to try for what is there when the time is over. */
#define LAST_TRY 1000000

/*
 * What is ready may be another's the moment after, and whether a read of the
 * stream waits is not for one call to say: so one that may wait for a while only
 * is interrupted. Signals are looked at before the time: the interruption may
 * have been taken for one.
 */
static s64 accept_record(struct file *file, struct dk_accepted *record)
{
	struct inet *inet = inet_of(socket_of(file));
	s64 deadline = socket_deadline(inet->socket.receive_timeout);
	bool timed = deadline != DK_TIMEOUT_INFINITE;
	struct timer timeout;
	DK_STATUS status;
	dk_u64 done;
	long r;

	if (timed && timeout_begin(&timeout, deadline)) {
		timeout_end(&timeout);
		return -ENOMEM;
	}
	for (;;) {
		status = HOST_WAIT(DkStreamRead, inet_handle(inet),
				   DK_OFFSET_CURRENT, record, sizeof(*record),
				   &done);
		r = errno_restart(status);
		if (status != DK_STATUS_INTERRUPTED)
			break;
		r = timed ? -EINTR : -ERESTARTSYS;
		if (signal_interrupts())
			break;
		if (deadline_left(deadline))
			continue;
		r = -EAGAIN;
		if (!(file_poll(file, NULL) & POLLIN))
			break;
		deadline = poll_deadline(LAST_TRY);
		timer_set(&timeout, deadline, 0, NULL, NULL);
	}
	if (timed)
		timeout_end(&timeout);
	return r;
}

long inet_accept(struct file *file, struct file **accepted,
		 struct address *peer, u32 flags)
{
	struct inet *inet = inet_of(socket_of(file)), *fresh;
	struct dk_accepted record;
	long r;

	if (inet->state != INET_LISTENING)
		return -EINVAL;
	fresh = inet_make(inet->socket.family);
	if (!fresh)
		return -ENOMEM;
	r = accept_record(file, &record);
	if (r) {
		mem_free(fresh);
		/* Shut down: Linux says that it does not listen. */
		return r == -ENOTCONN ? -EINVAL : r;
	}
	fresh->handle = record.stream;
	fresh->state = INET_CONNECTED;
	/* What the host's has of the listener's, it has already. */
	fresh->socket.receive_timeout = inet->socket.receive_timeout;
	fresh->socket.send_timeout = inet->socket.send_timeout;
	fresh->socket.flags = inet->socket.flags;
	fresh->service = inet->service;
	fresh->hops = inet->hops;
	inet_address_from(fresh->socket.family, &record.peer, peer);
	*accepted = socket_file(&fresh->socket, flags);
	if (*accepted)
		return 0;
	fresh->socket.ops->release(&fresh->socket);
	return -ENFILE;
}

/* ---- connect ---- */

long inet_connect_result(struct inet *inet)
{
	u32 ready = 0;
	dk_s64 error = 0;

	inet_control(inet->handle, DK_CONTROL_READY, &ready, sizeof(ready));
	if (!(ready & (DK_READY_WRITE | DK_READY_ERROR | DK_READY_CLOSED)))
		return -EALREADY;
	inet_control(inet->handle, DK_CONTROL_ERROR, &error, sizeof(error));
	if (error) {
		inet_set_handle(inet, 0, INET_FAILED);
		return errno_of(error);
	}
	inet->state = INET_CONNECTED;
	return 0;
}

/* Begin it; inet->lock is held. */
static long connect_start(struct inet *inet, const struct address *a)
{
	int before = inet->state, n;
	char uri[INET_URI_MAX];
	struct dk_address local;
	DK_HANDLE handle;
	long r;

	n = snprintf(uri, sizeof(uri), "tcp.client:");
	n += inet_address_text(uri + n, sizeof(uri) - n, a);
	if (before == INET_BOUND) {
		if (inet->handle &&
		    !inet_control(inet->handle, DK_CONTROL_LOCAL_ADDRESS,
				  &local, sizeof(local)))
			inet_address_from(a->family, &local, &inet->bound);
		n += snprintf(uri + n, sizeof(uri) - n, "?bind=");
		n += inet_address_text(uri + n, sizeof(uri) - n, &inet->bound);
		if (inet_option_noted(inet, DK_SOCKET_REUSE_ADDRESS))
			n += snprintf(uri + n, sizeof(uri) - n, "&reuse");
		/* It has the port that the connection is to have. */
		inet_set_handle(inet, 0, INET_BOUND);
	}
	r = errno_of(DkStreamOpen(uri, n, DK_ACCESS_READ | DK_ACCESS_WRITE,
				  DK_OPEN_EXISTING, DK_OPTION_NONBLOCK,
				  &handle));
	if (!r)
		inet_set_handle(inet, handle, INET_CONNECTING);
	return r;
}

static long disconnect(struct inet *inet)
{
	lock_acquire(&inet->lock);
	inet_set_handle(inet, 0, INET_NEW);
	inet->socket.listening = false;
	lock_release(&inet->lock);
	return 0;
}

long inet_connect(struct file *file, const struct address *a)
{
	struct inet *inet = inet_of(socket_of(file));
	s64 deadline = socket_deadline(inet->socket.send_timeout);
	bool nonblock = file_nonblock(file), begun = false;
	long r;

	if (a->length >= sizeof(a->family) && !a->family)
		return disconnect(inet);
	r = inet_check_address(inet, a);
	if (r)
		return r;
	for (;;) {
		lock_acquire(&inet->lock);
		switch (inet->state) {
		case INET_LISTENING:
			r = -EISCONN;
			break;
		case INET_CONNECTED:
			r = begun || inet->untold ? 0 : -EISCONN;
			break;
		case INET_CONNECTING:
			r = inet_connect_result(inet);
			break;
		case INET_FAILED:
			/* Why, somebody else was told. */
			r = -ECONNABORTED;
			break;
		default:
			r = begun ? -ECONNABORTED : connect_start(inet, a);
			if (r)
				break;
			inet->untold = true;
			/* Told later, even if it is known already. */
			r = nonblock ? -EINPROGRESS : inet_connect_result(inet);
		}
		if (!r)
			inet->untold = false;
		/* Told now; the next one begins anew. */
		if (inet->state == INET_FAILED)
			inet->state = INET_NEW;
		lock_release(&inet->lock);
		if (r != -EALREADY || nonblock)
			return r;
		begun = true;
		r = inet_wait(file, POLLOUT, deadline);
		if (r)
			return r == -EAGAIN ? -EINPROGRESS : r;
	}
}

long inet_name(struct socket *socket, bool peer, struct address *a)
{
	struct inet *inet = inet_of(socket);
	struct dk_address address = { .family = socket->family == AF_INET ? 4 :
									    6 };
	long r = 0;

	lock_acquire(&inet->lock);
	if (peer && inet->state == INET_CONNECTING) {
		r = inet_connect_result(inet);
		/* SO_ERROR is to have it. */
		if (r && r != -EALREADY)
			socket->error = -r;
		r = 0;
	}
	if (peer && inet->state != INET_CONNECTED)
		r = -ENOTCONN;
	else if (inet->handle)
		r = inet_control(inet->handle,
				 peer ? DK_CONTROL_PEER_ADDRESS :
					DK_CONTROL_LOCAL_ADDRESS,
				 &address, sizeof(address));
	if (!r && !inet->handle && inet->state == INET_BOUND)
		*a = inet->bound;
	else if (!r)
		inet_address_from(socket->family, &address, a);
	lock_release(&inet->lock);
	return r;
}
