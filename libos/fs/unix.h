/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * AF_UNIX: sockets of all processes of the sandbox.
 *
 * A socket is a local: stream of the host's. What it is connected to, what waits
 * in it and whether it listens is the host's to know, so it is the same for all
 * processes that have it, by fork or because it was sent to them. What this
 * process keeps is the type and the options of SOL_SOCKET that only matter to
 * who has set them.
 *
 * A name in the file system is a file that bind() makes; its key for the host
 * is device and inode. An abstract name is its own key. Each message has an
 * attachment (unix_rights.c): the sender's credentials, and what the receiver
 * has to know of the files whose handles come with it.
 *
 * unix.c makes, joins and ends sockets, unix_name.c binds and finds them,
 * unix_transfer.c moves messages.
 */
#ifndef _LIBOS_FS_UNIX_H
#define _LIBOS_FS_UNIX_H

#include "socket.h"

#define QUEUE_MAX 212992 /* bytes, as Linux's default and the host's */

struct unix_socket {
	struct socket socket;
	DK_HANDLE handle;
};

/* Who somebody is, as the host keeps it for us. */
union unix_identity {
	struct user_credentials credentials;
	u8 bytes[DK_LOCAL_IDENTITY_SIZE];
};

static inline struct unix_socket *unix_of(struct socket *socket)
{
	return container_of(socket, struct unix_socket, socket);
}

static inline struct user_credentials unix_own_credentials(void)
{
	return (struct user_credentials){ process.pid, process.euid,
					  process.egid };
}

/* A status of the host as Linux's error. */
long unix_error(DK_STATUS status);
static inline long unix_control(struct unix_socket *u, u64 operation,
				void *buffer, size_t size)
{
	return unix_error(DkxStreamControl(u->handle, operation, buffer, size));
}

/* unix.c: a stream of the host's for a socket of @type (SOCK_*) */
long unix_open(int type, DK_HANDLE *handle);
/* Takes over @handle; NULL: no memory, and it is the caller's still */
struct unix_socket *unix_make(int type, DK_HANDLE handle);
/* What sockets of UDP have in common with these. */
long unix_shutdown(struct socket *socket, int how);
u32 unix_poll(struct file *file, struct poll_table *table);
long unix_unread(struct file *file, int *count);
void unix_set_flags(struct socket *socket, u32 flags);
DK_HANDLE unix_stream(struct socket *socket);

/* unix_name.c */
/* What finds the socket named @a; its length, or an error. */
long unix_key(const struct address *a, u8 *key);
long unix_bind(struct socket *socket, const struct address *a);
long unix_name(struct socket *socket, bool of_peer, struct address *a);

/* unix_transfer.c */
/*
 * DkxParcelSend or DkxParcelReceive, taken up again after what the program does
 * not see. 0, DK_STATUS_BUFFER_TOO_SMALL or an error.
 */
long unix_move_parcel(struct unix_socket *u, struct dk_parcel *parcel,
		      bool send, s64 deadline);
s64 unix_send(struct file *file, struct transfer *transfer);
s64 unix_receive(struct file *file, struct transfer *transfer);
long unix_accept(struct file *file, struct file **accepted,
		 struct address *peer, u32 flags);

/*
 * unix_rights.c: credentials and files as the attachment of a message.
 * @handles has room for SCM_MAX_FD. The attachment is to be freed.
 */
long unix_pack(const struct transfer *transfer, u8 **attachment, u32 *length,
	       DK_HANDLE *handles, u32 *count);
/* What was packed is not sent after all. */
void unix_unsent(const struct transfer *transfer);
/*
 * Takes over all handles. Files that cannot be made are left out. With
 * MSG_PEEK the message will come again.
 */
void unix_unpack(struct transfer *transfer, const u8 *attachment, u32 length,
		 const DK_HANDLE *handles, u32 count);
#define UNIX_ATTACHMENT_LEAST sizeof(struct user_credentials)

#endif /* _LIBOS_FS_UNIX_H */
