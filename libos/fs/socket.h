/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Sockets: what the calls (socket.c) and the families (unix.c, ...) share.
 */
#ifndef _LIBOS_FS_SOCKET_H
#define _LIBOS_FS_SOCKET_H

#include "fs.h"

#include <linux/socket.h>
#include <linux/un.h>

#define ADDRESS_MAX 128 /* struct sockaddr_storage */

/* <linux/socket.h> has no more than the storage. */
enum {
	AF_UNSPEC = 0,
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,
	SOCK_SEQPACKET = 5,
};
#define SOCK_TYPE_MASK 0xf
#define SOCK_NONBLOCK O_NONBLOCK
#define SOCK_CLOEXEC O_CLOEXEC

#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_CTRUNC 0x8
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_EOR 0x80
#define MSG_WAITALL 0x100
#define MSG_ERRQUEUE 0x2000
#define MSG_NOSIGNAL 0x4000
#define MSG_MORE 0x8000
#define MSG_WAITFORONE 0x10000
#define MSG_FASTOPEN 0x20000000
#define MSG_CMSG_CLOEXEC 0x40000000

#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD 253
#define SO_TIMESTAMP 29 /* and SCM_TIMESTAMP, of a struct timeval */

struct address {
	u32 length; /* 0: none */
	union {
		u16 family;
		struct sockaddr_un un;
		u8 bytes[ADDRESS_MAX];
	};
};

struct user_credentials { /* struct ucred */
	u32 pid, uid, gid;
};

/*
 * struct internet - what goes with a datagram of UDP beside its data
 * @here:	this side's address, as datagram.h has them
 * @port:	received: this side's
 * @hops:	IP_TTL, IPV6_HOPLIMIT; sent: of which protocol it was said
 * @class:	IP_TOS, IPV6_TCLASS
 */
struct internet {
	u8 here[16];
	bool has_here;
	u16 port;
	struct internet_field {
		bool is_set, four;
		u8 value;
	} hops, class;
};

/*
 * struct transfer - one message on its way, in either direction
 * @vector:	the program's buffers (or, of read and write, one)
 * @address:	to whom, or from whom
 * @files:	sent: counted, taken over when the call succeeds; received: the
 *		receiver's to enter into its table
 * @at_end:	received: there is no message any more, nor what goes with one
 * @flags:	MSG_* asked for, then those that came of it
 */
struct transfer {
	struct vector vector;
	struct address address;
	struct file **files;
	size_t file_count;
	struct user_credentials credentials;
	bool has_credentials;
	bool at_end;
	struct internet internet;
	u32 flags;
	u32 result_flags;
};

struct user_msghdr {
	void *name;
	int name_length;
	struct iovec *iov;
	size_t iov_count;
	void *control;
	size_t control_length;
	u32 flags;
};

struct socket;

/* A missing operation is -EOPNOTSUPP. Results as those of the calls. */
struct socket_ops {
	long (*bind)(struct socket *socket, const struct address *address);
	long (*connect)(struct file *file, const struct address *address);
	long (*listen)(struct socket *socket, int backlog);
	long (*accept)(struct file *file, struct file **accepted,
		       struct address *peer, u32 flags);
	long (*name)(struct socket *socket, bool peer, struct address *address);
	s64 (*send)(struct file *file, struct transfer *transfer);
	s64 (*receive)(struct file *file, struct transfer *transfer);
	long (*shutdown)(struct socket *socket, int how);
	u32 (*poll)(struct file *file, struct poll_table *table);
	/*
	 * Options of the family's own; -ENOPROTOOPT: socket_option.c knows, or
	 * not. @value has two words, whatever @length is.
	 */
	long (*get_option)(struct socket *socket, int level, int name,
			   int *value);
	long (*set_option)(struct socket *socket, int level, int name,
			   const int *value, u32 length);
	long (*unread)(struct file *file, int *count);
	/*
	 * What goes with a message, of levels other than SOL_SOCKET; without
	 * these, nothing does. control_put: was there room for all?
	 */
	long (*control_get)(struct socket *socket, struct transfer *transfer,
			    int level, int type, const void *from,
			    size_t length);
	bool (*control_put)(struct socket *socket, struct transfer *transfer,
			    struct user_msghdr *message);
	void (*set_flags)(struct socket *socket, u32 flags);
	/* The host's, which other processes may have too; or none (yet). */
	DK_HANDLE (*stream)(struct socket *socket);
	void (*release)(struct socket *socket);
};

/*
 * struct socket - struct file.data; the family's structure begins with it
 * @error: of a connection, to be told once: SO_ERROR; atomic
 * @timeouts: of sending and receiving, nanoseconds; 0: none
 */
struct socket {
	const struct socket_ops *ops;
	u16 family, type;
	u32 protocol;
	int error;
	s64 send_timeout, receive_timeout;
	u32 send_buffer, receive_buffer;
	int receive_low; /* SO_RCVLOWAT; 0: 1 */
	u64 flags; /* SO_* that are only remembered, a bit each */
	bool pass_credentials;
	bool listening;
};

/* An open file for @socket; on failure the caller keeps it. */
struct file *socket_file(struct socket *socket, u32 flags);
static inline struct socket *socket_of(struct file *file)
{
	return file->data;
}

static inline DK_HANDLE socket_stream(struct file *file)
{
	struct socket *socket = socket_of(file);

	return socket->ops->stream ? socket->ops->stream(socket) :
				     DK_INVALID_HANDLE;
}

static inline bool socket_waits(struct file *file, u32 flags)
{
	return !(flags & MSG_DONTWAIT) &&
	       !(__atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_NONBLOCK);
}

/* When a wait that begins now ends: of @timeout nanoseconds, 0: never. */
s64 socket_deadline(s64 timeout);
/* -EAGAIN after @deadline, -ERESTARTSYS, or (with a timeout) -EINTR. */
int socket_sleep(struct waiter *waiter, s64 deadline);

/* socket.c: descriptors and addresses of the program */
struct file *socket_get(int fd, long *error);
void socket_put(struct file *file);
/* readv and writev: all of @vector as one message. */
s64 socket_transfer(struct file *file, const struct vector *vector, bool send);
long socket_address_get(struct address *to, const void *from, int length);
long socket_address_put(const struct address *from, void *to, int *length);

/* socket_control.c */
void transfer_files_put(struct transfer *transfer);
long control_get(struct socket *socket, struct transfer *transfer,
		 const u8 *from, size_t size);
/* One attachment more; false when it did not fit and was cut off. */
bool control_attach(struct user_msghdr *message, int level, int type,
		    const void *data, size_t length);
void control_put(struct socket *socket, struct user_msghdr *message,
		 struct transfer *transfer);

/* families */
long unix_create(int type, int protocol, struct socket **socket);
long inet_create(int family, int type, int protocol, struct socket **socket);
long datagram_create(int family, int protocol, struct socket **socket);
/* Takes over @handle; NULL: no memory, and it is the caller's still. */
struct socket *datagram_make(int family, int protocol, DK_HANDLE handle);
long netlink_create(int type, int protocol, struct socket **socket);
long unix_pair(struct socket *a, struct socket *b);

#endif /* _LIBOS_FS_SOCKET_H */
