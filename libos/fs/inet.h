/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * AF_INET and AF_INET6: TCP over the host's tcp: streams.
 *
 *	bind	 tcp.server:ADDR:PORT?backlog=0, which has the port but does not
 *		 listen; where the rules allow no server, a note for connect
 *	listen	 DK_CONTROL_LISTEN, accept: reading that stream
 *	connect	 tcp.client:ADDR:PORT, with ?bind= where there was one
 *
 * The stream waits or does not, as the file's flags say; what must not wait
 * although the file may, or only for a while, is a message
 * (DK_CONTROL_RECEIVE, _SEND) and an event. What a program sets before there
 * is a stream is set when there is one.
 *
 * inet->lock guards the state and the handle's coming and going. A handle
 * stays until the socket is released, but for that of bind(), which connect()
 * replaces, and that of a connection that failed. Who waits for something is
 * in inet->queue, too, and looks for the handle again when that is woken.
 *
 * After fork, parent and child have the stream together, as they should, and
 * the rest each for itself: one does not see that the other has bound,
 * connected or listened since.
 *
 * inet.c makes and ends sockets, inet_connect.c gives them streams,
 * inet_transfer.c moves bytes, inet_option.c has the options.
 */
#ifndef _LIBOS_FS_INET_H
#define _LIBOS_FS_INET_H

#include "socket.h"

#include <linux/in.h>
#include <linux/in6.h>

#define OPTIONS_MAX 24

#define SOCKADDR_IN6_LEAST 24 /* without the scope */

#define LEVEL_IP 0
#define LEVEL_TCP 6
#define LEVEL_IPV6 41

/* INET_FAILED: a connection did, and connect() has not said so yet. */
enum {
	INET_NEW,
	INET_FAILED,
	INET_BOUND,
	INET_LISTENING,
	INET_CONNECTING,
	INET_CONNECTED,
};

/*
 * struct inet - a socket
 * @bound:	what bind() asked for, or got
 * @nonblock:	as the file's flag
 * @queue:	who waits while the handle may change
 */
struct inet {
	struct socket socket;
	struct lock lock;
	int state;
	DK_HANDLE handle;
	struct address bound;
	bool only6, nonblock;
	bool untold; /* connected, but connect() has not said so yet */
	struct dk_socket_option options[OPTIONS_MAX];
	u32 option_count;
	u8 service, hops; /* IP_TOS, IP_TTL and their like: remembered */
	struct wait_queue queue;
};

static inline struct inet *inet_of(struct socket *socket)
{
	return container_of(socket, struct inet, socket);
}

static inline DK_HANDLE inet_handle(struct inet *inet)
{
	return __atomic_load_n(&inet->handle, __ATOMIC_ACQUIRE);
}

static inline long inet_control(DK_HANDLE handle, u64 operation, void *buffer,
				size_t size)
{
	return errno_of(DkxStreamControl(handle, operation, buffer, size));
}

static inline bool file_nonblock(struct file *file)
{
	return __atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_NONBLOCK;
}

/* inet.c */
struct inet *inet_make(int family);
/* inet->lock is held, or nobody else knows it. */
void inet_set_handle(struct inet *inet, DK_HANDLE handle, int state);

/* inet_address.c */
#define INET_URI_MAX 256
long inet_check_address(struct inet *inet, const struct address *a);
int inet_address_text(char *to, size_t size, const struct address *a);
void inet_address_from(int family, const struct dk_address *from,
		       struct address *to);

/* inet_connect.c */
long inet_bind(struct socket *socket, const struct address *a);
long inet_listen(struct socket *socket, int backlog);
long inet_accept(struct file *file, struct file **accepted,
		 struct address *peer, u32 flags);
long inet_connect(struct file *file, const struct address *a);
long inet_name(struct socket *socket, bool peer, struct address *a);
/*
 * Has a connection that was begun come to something? -EALREADY: not yet; its
 * error, once, and it is INET_FAILED from then on. inet->lock is held.
 */
long inet_connect_result(struct inet *inet);

/* inet_transfer.c */
s64 inet_send(struct file *file, struct transfer *transfer);
s64 inet_receive(struct file *file, struct transfer *transfer);
long inet_shutdown(struct socket *socket, int how);
u32 inet_poll(struct file *file, struct poll_table *table);
long inet_unread(struct file *file, int *count);
/* Until the stream is in one of @wanted (POLL*); 0, -EAGAIN, -ERESTARTSYS... */
long inet_wait(struct file *file, u32 wanted, s64 deadline);

/* inet_option.c */
long inet_set_option(struct socket *socket, int level, int name,
		     const int *value, u32 length);
long inet_get_option(struct socket *socket, int level, int name, int *value);
/* IP_TOS, IP_TTL and their like, of which UDP has more: */
#define INET_HOPS 64 /* of a new socket */
/* An int, or of IPv4 a byte. */
long inet_packet_value(int level, const int *value, u32 length, int *wish);
/* May it be @value? -1 is @initial, of what is a byte. */
long inet_packet_option(int level, int name, int initial, int *value);
u32 inet_option_noted(struct inet *inet, u32 option);
void inet_options_apply(struct inet *inet, DK_HANDLE handle);

#endif /* _LIBOS_FS_INET_H */
