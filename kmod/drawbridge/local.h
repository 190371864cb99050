/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drawbridge.ko: local: sockets, and the messages that are on their way in them.
 */
#ifndef _DRAWBRIDGE_LOCAL_H
#define _DRAWBRIDGE_LOCAL_H

#include "stream.h"

#define DK_LOCAL_ROOM		212992	/* bytes that wait, as Linux's default; */
					/* and as many attached to them */
#define DK_LOCAL_LETTERS	512	/* messages that wait */
#define DK_LOCAL_PIECE		32768	/* of a stream's bytes: one letter */
#define DK_LOCAL_SENDERS	4096	/* sockets connected to a datagram socket */

enum dk_local_type {
	DK_LOCAL_STREAM,
	DK_LOCAL_PACKET,
	DK_LOCAL_DATAGRAM,
};

/* What a socket is found by and known as; does not change. */
struct dk_label {
	struct kref ref;
	struct dk_local_name name;
};

/**
 * struct dk_local - one socket
 * @ref:	one of the stream's, one of each that has it as its peer, and of
 *		whoever uses it
 * @type:	does not change
 * @sandbox:	good while a process of it runs
 * @stream:	that it is behind; its end is release
 * @lock:	guards what follows; one at a time is held, interrupts on
 * @letters:	struct dk_letter, that it was sent
 * @bytes:	in @letters, that were not read
 * @attached:	bytes of attachments in @letters
 * @count:	of @letters
 * @closed:	there is no handle any more
 * @shut_in:	nothing is received any more
 * @shut_out:	nothing is sent any more
 * @no_more:	nothing will come: the peer is gone, or has shut its side
 * @reset:	the peer went with letters unread, or unaccepted; told once
 * @listening:	it is for connections
 * @connected:	it has, or had, a @peer
 * @peer:	counted; where letters go. Of a datagram socket: one way only
 * @senders:	datagram sockets whose peer this is, by their @sender_link;
 *		changes under sandbox->local_lock as well
 * @sender_count: of @senders
 * @sender_link: in the @senders of @peer
 * @identity:	who it belongs to, as its process says; the kernel does not ask
 * @peer_identity: the same of who is, or was, at the other end
 * @wait:	for anything to happen to it
 * @reading:	one reader at a time, or who takes letters away; taken before
 *		sandbox->local_lock and @lock
 * @label:	counted, or NULL; changes once, under sandbox->local_lock
 * @connections: sockets not accepted yet, by their @accept_link; this and what
 *		follows under sandbox->local_lock
 * @accept_link: in the @connections of a listening socket
 * @refused:	that one has ended; set before its end
 * @waiting:	length of @connections
 * @backlog:	as many may wait, and one
 * @link:	in sandbox->locals
 * @name_link:	in sandbox->local_names, while it can be found by its name
 */
struct dk_local {
	struct kref ref;
	enum dk_local_type type;
	struct dk_sandbox *sandbox;
	struct dk_stream *stream;

	spinlock_t lock;
	struct list_head letters;
	size_t bytes, attached;
	unsigned int count;
	bool closed, shut_in, shut_out, no_more, reset;
	bool listening, connected;
	struct dk_local *peer;
	struct list_head senders, sender_link;
	unsigned int sender_count;
	u8 identity[DK_LOCAL_IDENTITY_SIZE];
	u8 peer_identity[DK_LOCAL_IDENTITY_SIZE];

	wait_queue_head_t wait;
	struct mutex reading;
	struct dk_label *label;
	struct list_head connections, accept_link;
	bool refused;
	unsigned int waiting, backlog;
	struct list_head link;
	struct list_head name_link;
};

/* A handle on its way. It counts as one of the sandbox's handles. */
struct dk_carried {
	struct dk_object *object;	/* counted */
	u32 rights;
	DK_HANDLE given;	/* @reading; of who receives it */
};

/**
 * struct dk_letter - one message, or a piece of a stream
 * @link:	in a socket's @letters
 * @length:	of the data
 * @offset:	of the first byte that was not read
 * @attachment_length: of what goes with it
 * @carried_count: of @carried
 * @carried:	the handles that go with it
 * @from:	the sender's name, counted, or NULL
 * @data:	@length bytes, then those of the attachment
 */
struct dk_letter {
	struct list_head link;
	size_t length, offset;
	u32 attachment_length;
	u32 carried_count;
	struct dk_carried *carried;
	struct dk_label *from;
	u8 data[];
};

static inline u8 *dk_letter_attachment(struct dk_letter *letter)
{
	return letter->data + letter->length;
}

struct dk_local *dk_local_of(const struct dk_stream *stream);
struct dk_local *dk_local_get(struct dk_local *local);
void dk_local_put(struct dk_local *local);
struct dk_local *dk_local_peer(struct dk_local *local);
long dk_local_forget(struct dk_local *local, struct dk_local *peer);
struct dk_stream *dk_local_accept(struct dk_local *local);
void dk_local_accept_undo(struct dk_local *local, struct dk_stream *fresh);
bool dk_local_has_connection(struct dk_local *local);

/* label.c */
struct dk_label *dk_label_read(const void __user *buffer);
struct dk_label *dk_label_get(struct dk_label *label);
void dk_label_put(struct dk_label *label);
struct dk_local *dk_local_lookup(struct dk_sandbox *sandbox, const void *key,
				 size_t length);
struct dk_local *dk_local_find(struct dk_sandbox *sandbox, const void *key,
			       size_t length);

/* Whoever may send to @local looks again. */
void dk_local_wake_senders(struct dk_local *local);
bool dk_local_has_room(const struct dk_local *local, size_t length,
		       size_t attached);

/* All of @letters; @sandbox's own sockets may end by that. */
void dk_letters_free(struct dk_sandbox *sandbox, struct list_head *letters);

#endif /* _DRAWBRIDGE_LOCAL_H */
