// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: what goes with a message: credentials, and open files.
 *
 * The host moves handles. What else makes an open file description stands in
 * the attachment, a record for each file, with its path behind it:
 *
 *	credentials | record, path | record, path | ...
 *
 * The receiver makes descriptions of its own of that. What both ends share
 * then, is what is the host's: position, pipe, connection, counter. Files that
 * are in one process's memory only (epoll, timerfd, signalfd, /proc) cannot be
 * sent. Consoles are opened anew; so are pseudo-terminals, whose memory says
 * that one is on its way.
 *
 * The other end is of the same sandbox, and trusted no more than that: what it
 * says is checked as far as this process's memory is concerned.
 */
#include "unix.h"

#include "datagram.h"
#include "pty.h"

struct record {
	u8 kind, access, type, has_handle;
	u32 flags;
	u32 path_length;
	u32 value[3]; /* of the kind */
};

/* value[2] of AF_UNIX */
#define LISTENS 1U
#define PASSES_CREDENTIALS 2U

/* TCP has a stream of the host's once it is connected, or bound. */
static bool socket_can_be_sent(struct socket *socket)
{
	switch (socket->family) {
	case AF_UNIX:
		return true;
	case AF_INET:
	case AF_INET6:
		return socket->type == SOCK_DGRAM || inet_of(socket)->handle;
	default:
		return false;
	}
}

static bool can_be_sent(struct file *file)
{
	switch (file->kind) {
	case FILE_HOST:
	case FILE_PATH:
	case FILE_PIPE:
	case FILE_EVENT:
	case FILE_CONSOLE:
	case FILE_PTY:
		return true;
	case FILE_SOCKET:
		return socket_can_be_sent(socket_of(file));
	default:
		return false;
	}
}

static DK_HANDLE describe(struct file *file, struct record *r)
{
	struct socket *socket;

	*r = (struct record){ .kind = file->kind,
			      .access = file->access,
			      .type = file->type,
			      .flags = __atomic_load_n(&file->flags,
						       __ATOMIC_RELAXED) };
	switch (file->kind) {
	case FILE_CONSOLE:
		r->value[0] = console_number(file);
		return DK_INVALID_HANDLE;
	case FILE_PTY:
		r->value[0] = pty_end_of(file)->number;
		r->value[1] = pty_end_of(file)->master;
		return DK_INVALID_HANDLE;
	case FILE_SOCKET:
		socket = socket_of(file);
		r->value[0] = socket->family;
		r->value[1] = socket->type;
		r->value[2] = socket->protocol;
		if (socket->family == AF_UNIX)
			r->value[2] = (socket->listening ? LISTENS : 0) |
				      (socket->pass_credentials ?
					       PASSES_CREDENTIALS :
					       0);
		/* Those of UDP begin with the same. */
		if (socket->family == AF_UNIX || socket->type == SOCK_DGRAM)
			return unix_of(socket)->handle;
		r->value[2] = inet_of(socket)->state;
		return inet_of(socket)->handle;
	default:
		return file->handle;
	}
}

long unix_pack(const struct transfer *transfer, u8 **attachment, u32 *length,
	       DK_HANDLE *handles, u32 *count)
{
	struct user_credentials c = transfer->has_credentials ?
					    transfer->credentials :
					    unix_own_credentials();
	size_t room = sizeof(c), at, n, i;
	u8 *to;

	*count = 0;
	for (i = 0; i < transfer->file_count; i++) {
		struct file *file = transfer->files[i];

		if (!can_be_sent(file))
			return -EINVAL;
		room += sizeof(struct record) +
			(file->path ? strlen(file->path) : 0);
	}
	if (room > DK_PARCEL_ATTACHMENT_MAX)
		return -ETOOMANYREFS;
	to = mem_alloc(room);
	if (!to)
		return -ENOMEM;
	memcpy(to, &c, sizeof(c));
	at = sizeof(c);
	for (i = 0; i < transfer->file_count; i++) {
		struct file *file = transfer->files[i];
		struct record r;
		DK_HANDLE handle = describe(file, &r);

		n = file->path ? strlen(file->path) : 0;
		r.path_length = n;
		r.has_handle = handle != DK_INVALID_HANDLE;
		if (r.has_handle)
			handles[(*count)++] = handle;
		memcpy(to + at, &r, sizeof(r));
		memcpy(to + at + sizeof(r), file->path, n);
		at += sizeof(r) + n;
		if (r.kind == FILE_PTY)
			pty_send(file);
	}
	*attachment = to;
	*length = room;
	return 0;
}

void unix_unsent(const struct transfer *transfer)
{
	const struct pty_end *end;
	size_t i;

	for (i = 0; i < transfer->file_count; i++) {
		if (transfer->files[i]->kind != FILE_PTY)
			continue;
		end = pty_end_of(transfer->files[i]);
		pty_arrived(end->number, end->master);
	}
}

/* ---- the other end ---- */

static struct socket *make_inet(const struct record *r, DK_HANDLE handle)
{
	int family = r->value[0] == AF_INET6 ? AF_INET6 : AF_INET;
	struct socket *socket;
	struct inet *inet;

	if (r->value[1] == SOCK_DGRAM) {
		socket = datagram_make(family, r->value[2], handle);
		if (socket)
			datagram_learn_name(datagram_of(socket));
		return socket;
	}
	inet = inet_make(family);
	if (!inet)
		return NULL;
	inet->handle = handle;
	inet->state = r->value[2] <= INET_CONNECTED ? (int)r->value[2] :
						      INET_CONNECTED;
	inet->socket.listening = inet->state == INET_LISTENING;
	return &inet->socket;
}

static struct socket *make_unix(const struct record *r, DK_HANDLE handle)
{
	struct unix_socket *u = unix_make(r->value[1], handle);

	if (!u)
		return NULL;
	u->socket.listening = r->value[2] & LISTENS;
	u->socket.pass_credentials = r->value[2] & PASSES_CREDENTIALS;
	return &u->socket;
}

/* Takes over @handle. */
static struct file *make_socket(const struct record *r, DK_HANDLE handle)
{
	struct socket *socket;
	struct file *file;

	socket = r->value[0] == AF_UNIX ? make_unix(r, handle) :
					  make_inet(r, handle);
	if (!socket) {
		DkObjectClose(handle);
		return NULL;
	}
	file = socket_file(socket, 0);
	if (!file)
		socket->ops->release(socket);
	else
		file->flags = r->flags;
	return file;
}

static char *path_copy(const struct record *r, const u8 *path)
{
	char *copy = mem_alloc(r->path_length + 1);

	if (copy) {
		memcpy(copy, path, r->path_length);
		copy[r->path_length] = 0;
	}
	return copy;
}

/* Of what is the host's; takes over @handle. */
static struct file *make_stream(const struct record *r, DK_HANDLE handle,
				const u8 *path)
{
	const struct file_ops *ops = r->kind == FILE_PIPE  ? &pipe_ops :
				     r->kind == FILE_EVENT ? &event_ops :
				     r->kind == FILE_PATH  ? &name_ops :
							     &host_ops;
	struct file *file = file_new(r->kind, ops, r->access & 3, r->flags);

	if (!file) {
		DkObjectClose(handle);
		return NULL;
	}
	/* Of a host's file it is asked for, and more follows from it. */
	if (r->kind != FILE_HOST)
		file->type = r->type;
	file->handle = handle;
	if (r->path_length) {
		file->path = path_copy(r, path);
		if (!file->path) {
			file_put(file);
			return NULL;
		}
	}
	return file;
}

static struct file *make_pty(const struct record *r, const u8 *path)
{
	char *copy = path_copy(r, path);
	struct file *file = NULL;

	if (copy)
		file = pty_receive(r->value[0], r->value[1], r->flags, copy);
	mem_free(copy);
	return file;
}

static struct file *make_file(const struct record *r, DK_HANDLE handle,
			      const u8 *path)
{
	struct file *file = NULL;

	switch (r->kind) {
	case FILE_CONSOLE:
		if (r->value[0] < 3)
			console_open(r->value[0], r->flags, &file);
		return file;
	case FILE_PTY:
		return make_pty(r, path);
	case FILE_SOCKET:
		return handle ? make_socket(r, handle) : NULL;
	case FILE_HOST:
	case FILE_PATH:
	case FILE_PIPE:
	case FILE_EVENT:
		return make_stream(r, handle, path);
	}
	if (handle)
		DkObjectClose(handle);
	return NULL;
}

void unix_unpack(struct transfer *transfer, const u8 *attachment, u32 length,
		 const DK_HANDLE *handles, u32 count)
{
	size_t at = sizeof(transfer->credentials), left;
	struct file **files = NULL;
	u32 used = 0, made = 0;
	struct record r;

	if (length >= at)
		memcpy(&transfer->credentials, attachment, at);
	if (length > at)
		files = mem_alloc((length / sizeof(r) + 1) * sizeof(*files));
	while (files && length > at && length - at >= sizeof(r)) {
		DK_HANDLE handle = DK_INVALID_HANDLE;
		struct file *file;

		memcpy(&r, attachment + at, sizeof(r));
		at += sizeof(r);
		left = length - at;
		if (r.path_length > left || (r.has_handle && used == count))
			break;
		if (r.has_handle)
			handle = handles[used++];
		file = make_file(&r, handle, attachment + at);
		if (r.kind == FILE_PTY && !(transfer->flags & MSG_PEEK))
			pty_arrived(r.value[0], r.value[1]);
		if (file)
			files[made++] = file;
		else
			transfer->result_flags |= MSG_CTRUNC;
		at += r.path_length;
	}
	if (used < count)
		transfer->result_flags |= MSG_CTRUNC;
	while (used < count)
		DkObjectClose(handles[used++]);
	if (!made) {
		mem_free(files);
		return;
	}
	transfer_files_put(transfer);
	transfer->files = files;
	transfer->file_count = made;
}
