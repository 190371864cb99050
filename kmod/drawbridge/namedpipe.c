// SPDX-License-Identifier: GPL-2.0-only
/*
 * pipe.server:NAME and pipe.client:NAME.
 *
 * A server is an entry in its sandbox's list of names, with a queue of
 * connections that nobody has accepted yet. Whoever opens the client makes a
 * pair of connected sockets, keeps one and queues the other; so the client is
 * connected at once, and can write before the server has looked. Reading the
 * server takes one out of the queue. When the queue is full, opening the
 * client waits.
 *
 * The names are in this list and nowhere else: no other sandbox, and nobody on
 * the host, can see or take them. A name is gone with the last handle of its
 * server; what is in the queue then is closed, which its clients see as the
 * end of the stream.
 *
 * sandbox->pipe_lock guards the list and all queues. A server that is in the
 * list is alive: its stream takes it out before it goes. Clients that wait for
 * room hold a reference on the server, and look again by the name.
 */
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/wait.h>

#include "stream.h"

#define DK_PIPE_BACKLOG	128	/* unless DK_CONTROL_LISTEN says otherwise */
#define DK_PIPE_NAME_MAX 255

struct dk_pipe_server {
	struct kref ref;
	struct list_head link;		/* sandbox->pipe_servers */
	struct list_head queue;		/* struct dk_connection */
	unsigned int queued, backlog;
	wait_queue_head_t wait;		/* for a connection */
	wait_queue_head_t room;		/* for room, or the end */
	bool gone;
	char name[];
};

struct dk_connection {
	struct list_head link;
	struct dk_stream *stream;	/* the server's end; counted */
};

static void server_free(struct kref *ref)
{
	kfree(container_of(ref, struct dk_pipe_server, ref));
}

static void connection_free(struct dk_connection *connection)
{
	if (connection->stream)
		dk_stream_put(connection->stream);
	kfree(connection);
}

static struct dk_pipe_server *server_find(struct dk_sandbox *sandbox,
					  const char *name)
{
	struct dk_pipe_server *server;

	lockdep_assert_held(&sandbox->pipe_lock);
	list_for_each_entry(server, &sandbox->pipe_servers, link)
		if (!strcmp(server->name, name))
			return server;
	return NULL;
}

/* ---- the server ---- */

static struct dk_connection *connection_take(struct dk_stream *stream)
{
	struct dk_pipe_server *server = stream->data;
	struct dk_connection *connection;

	mutex_lock(&stream->sandbox->pipe_lock);
	connection = list_first_entry_or_null(&server->queue,
					      struct dk_connection, link);
	if (connection) {
		list_del(&connection->link);
		WRITE_ONCE(server->queued, server->queued - 1);
	}
	mutex_unlock(&stream->sandbox->pipe_lock);
	if (connection)
		wake_up_interruptible(&server->room);
	return connection;
}

/* The other side has no address. */
static struct dk_stream *server_accept(struct dk_stream *stream,
				       struct dk_address *peer)
{
	struct dk_pipe_server *server = stream->data;
	struct dk_connection *connection;
	struct dk_stream *accepted;
	int error;

	while (!(connection = connection_take(stream))) {
		if (READ_ONCE(stream->flags) & DK_OPTION_NONBLOCK)
			return ERR_PTR(-EAGAIN);
		error = wait_event_interruptible_exclusive(server->wait,
						READ_ONCE(server->queued));
		if (error)
			return ERR_PTR(error);
	}
	accepted = connection->stream;
	dk_limit_unqueue(accepted);
	connection->stream = NULL;
	connection_free(connection);
	return accepted;
}

static __poll_t server_poll(struct dk_stream *stream,
			    struct poll_table_struct *table)
{
	struct dk_pipe_server *server = stream->data;

	poll_wait(stream->file, &server->wait, table);
	return READ_ONCE(server->queued) ? EPOLLIN | EPOLLRDNORM : 0;
}

static long server_get_attributes(struct dk_stream *stream,
				  struct dk_stream_attributes *attributes)
{
	*attributes = (struct dk_stream_attributes) {
		.type = DK_TYPE_SOCKET,
		.mode = 0600,
		.nlink = 1,
		.block_size = PAGE_SIZE,
	};
	return 0;
}

static void server_release(struct dk_stream *stream)
{
	struct dk_pipe_server *server = stream->data;
	struct dk_connection *connection, *next;
	LIST_HEAD(queue);

	mutex_lock(&stream->sandbox->pipe_lock);
	list_del(&server->link);
	list_splice_init(&server->queue, &queue);
	WRITE_ONCE(server->gone, true);
	mutex_unlock(&stream->sandbox->pipe_lock);
	wake_up_interruptible_all(&server->room);
	list_for_each_entry_safe(connection, next, &queue, link)
		connection_free(connection);
	kref_put(&server->ref, server_free);
}

static const struct dk_stream_ops server_ops = {
	.accept = server_accept,
	.poll = server_poll,
	.get_attributes = server_get_attributes,
	.release = server_release,
};

/* DK_CONTROL_LISTEN; false: not such a stream. */
bool dk_pipe_server_listen(struct dk_stream *stream, u32 backlog)
{
	struct dk_pipe_server *server = stream->data;

	if (stream->ops != &server_ops)
		return false;
	mutex_lock(&stream->sandbox->pipe_lock);
	WRITE_ONCE(server->backlog, clamp(backlog, 1U, 4096U));
	mutex_unlock(&stream->sandbox->pipe_lock);
	wake_up_interruptible_all(&server->room);
	return true;
}

static bool name_is_valid(const char *name)
{
	size_t length = strlen(name);

	/* The star is for rules. */
	return length <= DK_PIPE_NAME_MAX && !strchr(name, '*');
}

long dk_pipe_server_open(struct dk_stream *stream, const char *name,
			 const struct dk_open *open, u32 *rights)
{
	struct dk_sandbox *sandbox = stream->sandbox;
	struct dk_pipe_server *server;
	size_t length = strlen(name);
	long error;

	error = dk_connection_open(open, true, rights);
	if (error)
		return error;
	if (length > DK_PIPE_NAME_MAX)
		return -ENAMETOOLONG;
	if (!name_is_valid(name))
		return -EINVAL;
	if (!dk_pipe_allowed(sandbox, DK_SCHEME_PIPE_SERVER, name,
			     open->access))
		return -EACCES;
	server = kzalloc(struct_size(server, name, length + 1),
			 GFP_KERNEL_ACCOUNT);
	if (!server)
		return -ENOMEM;
	kref_init(&server->ref);
	INIT_LIST_HEAD(&server->queue);
	init_waitqueue_head(&server->wait);
	init_waitqueue_head(&server->room);
	server->backlog = DK_PIPE_BACKLOG;
	memcpy(server->name, name, length + 1);

	mutex_lock(&sandbox->pipe_lock);
	if (server_find(sandbox, name)) {
		mutex_unlock(&sandbox->pipe_lock);
		kfree(server);
		return -EEXIST;
	}
	list_add(&server->link, &sandbox->pipe_servers);
	mutex_unlock(&sandbox->pipe_lock);
	stream->data = server;
	stream->ops = &server_ops;
	return 0;
}

/* ---- the client ---- */

/* Room in @server's queue, or its end: look again. */
static long wait_for_room(struct dk_pipe_server *server)
{
	return wait_event_interruptible(server->room,
		READ_ONCE(server->gone) ||
		READ_ONCE(server->queued) < READ_ONCE(server->backlog));
}

static long connection_queue(struct dk_sandbox *sandbox, const char *name,
			     struct dk_connection *connection, bool nonblock)
{
	struct dk_pipe_server *server;
	long error;

	for (;;) {
		mutex_lock(&sandbox->pipe_lock);
		server = server_find(sandbox, name);
		error = -ENOENT;
		if (!server)
			goto unlock;
		kref_get(&server->ref);
		if (server->queued < server->backlog) {
			error = dk_limit_queue(connection->stream);
			if (error)
				goto put;
			list_add_tail(&connection->link, &server->queue);
			WRITE_ONCE(server->queued, server->queued + 1);
			mutex_unlock(&sandbox->pipe_lock);
			wake_up_interruptible_poll(&server->wait,
						   EPOLLIN | EPOLLRDNORM);
			kref_put(&server->ref, server_free);
			return 0;
		}
		mutex_unlock(&sandbox->pipe_lock);
		error = nonblock ? -EAGAIN : wait_for_room(server);
		kref_put(&server->ref, server_free);
		if (error)
			return error;
	}
put:
	kref_put(&server->ref, server_free);
unlock:
	mutex_unlock(&sandbox->pipe_lock);
	return error;
}

static bool server_is_there(struct dk_sandbox *sandbox, const char *name)
{
	bool there;

	mutex_lock(&sandbox->pipe_lock);
	there = server_find(sandbox, name);
	mutex_unlock(&sandbox->pipe_lock);
	return there;
}

long dk_pipe_client_open(struct dk_stream *stream, const char *name,
			 const struct dk_open *open, u32 *rights)
{
	struct dk_sandbox *sandbox = stream->sandbox;
	bool nonblock = open->options & DK_OPTION_NONBLOCK;
	struct dk_connection *connection;
	struct socket *pair[2];
	long error;

	error = dk_connection_open(open, false, rights);
	if (error)
		return error;
	if (strlen(name) > DK_PIPE_NAME_MAX)
		return -ENAMETOOLONG;
	if (!name_is_valid(name))
		return -EINVAL;
	if (!dk_pipe_allowed(sandbox, DK_SCHEME_PIPE_CLIENT, name,
			     open->access))
		return -EACCES;
	/* Sockets are dear, and this is a way to wait for a server. */
	if (!server_is_there(sandbox, name))
		return -ENOENT;

	connection = kzalloc(sizeof(*connection), GFP_KERNEL_ACCOUNT);
	if (!connection)
		return -ENOMEM;
	error = -ENOMEM;
	connection->stream = dk_stream_alloc(sandbox);
	if (!connection->stream)
		goto free;
	error = dk_socket_pair(pair);
	if (error)
		goto free;
	error = dk_socket_attach(stream, pair[0], nonblock);
	if (error) {
		sock_release(pair[1]);
		goto free;
	}
	error = dk_socket_attach(connection->stream, pair[1], false);
	if (error)
		goto free;
	error = connection_queue(sandbox, name, connection, nonblock);
	if (error)
		goto free;
	return 0;

free:
	connection_free(connection);
	return error;
}
