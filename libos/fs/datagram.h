/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * UDP and UDP-Lite, among the processes of a sandbox.
 *
 * The host has no datagrams of the Internet. A socket of UDP is a local:
 * datagram socket of the host's, as one of AF_UNIX, and so is the same for all
 * processes that have it: its port, and what waits in it. What is sent to an
 * address of the sandbox's own (the loopback network, and that of eth0) finds
 * the socket that has the port, or is refused. What is sent to port 53 of
 * another address, or where nobody has that port, is answered by resolver.c.
 * All else is -EPERM, as from a firewall that lets nothing out.
 *
 * A port is one key of the host's, for IPv4 and IPv6 each; who it belongs to is
 * told with it (struct claim). Each datagram has an attachment (struct
 * envelope) that says from where to where it goes. Nobody waits for room: what
 * finds a full queue is lost, as on any network.
 *
 * To whom a socket is connected, and what it has shut down, is each process's
 * own: it drops what is not for it, be it for another process that has the same
 * socket.
 *
 * datagram.c makes and ends sockets and has their options, datagram_address.c
 * names, finds and connects them, datagram_send.c and datagram_receive.c move
 * datagrams, datagram_control.c has what goes with them.
 */
#ifndef _LIBOS_FS_DATAGRAM_H
#define _LIBOS_FS_DATAGRAM_H

#include "inet.h"
#include "unix.h"

#define LEVEL_UDP 17
#define LEVEL_UDPLITE 136
#define WISHES_MAX 32

/*
 * struct endpoint - an address, and a port
 * @address: that of IPv4 as ::ffff:a.b.c.d
 */
struct endpoint {
	u8 address[16];
	u32 scope;
	u32 port;
};

/* struct claim - what the host tells others about who has a port */
struct claim {
	struct endpoint at;
	u8 reuse; /* others may take it, if they say so, too */
	u8 only6;
	u8 reserved[2];
};

/* struct envelope - attachment of a datagram */
struct envelope {
	struct endpoint from, to;
	u8 hops, class;
	u8 reserved[2];
};

/*
 * struct datagram - a socket
 * @reading:	of who looks at the first one before taking it; outside of @lock
 * @lock:	guards what follows
 * @own:	port 0: there is none yet
 * @bound:	@own's address is the program's choice, not that of a connection
 * @peer:	if @connected
 * @four:	the port is of IPv4
 * @wishes:	options, in the order of the table in datagram.c
 */
struct datagram {
	struct unix_socket host;
	struct lock reading;
	struct lock lock;
	struct endpoint own, peer;
	bool bound, connected, shut_out, four;
	int wishes[WISHES_MAX];
};

static inline struct datagram *datagram_of(struct socket *socket)
{
	return container_of(unix_of(socket), struct datagram, host);
}

/* datagram.c: an option's value; 0 where the family does not have it. */
int datagram_wish(struct datagram *d, int level, int name);
static inline bool datagram_only6(struct datagram *d)
{
	return datagram_wish(d, LEVEL_IPV6, IPV6_V6ONLY);
}

void datagram_set_only6(struct datagram *d);

/* datagram_address.c */
bool endpoint_is_four(const struct endpoint *e);
/* 0.0.0.0 or :: */
bool endpoint_is_any(const struct endpoint *e);
void endpoint_make_any(struct endpoint *e, int family);
/* An address of the sandbox's own. */
bool endpoint_is_here(const struct endpoint *e);
bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b);
/* Of the program's. -EINVAL, -EAFNOSUPPORT; -ENETUNREACH: not of IPv6 alone */
long endpoint_get(struct datagram *d, const struct address *from,
		  struct endpoint *to);
void endpoint_put(const struct datagram *d, const struct endpoint *from,
		  struct address *to);
/* What any address means to a sender. */
void endpoint_resolve_any(struct endpoint *e);
/* The key that a socket of @d's protocol has with the host; its length. */
u32 datagram_key(const struct datagram *d, bool four, u32 port, u8 *key);
/* A port, if it has none yet; d->lock is held. */
long datagram_need_port(struct datagram *d);
/* From which address is @to written to? */
void datagram_source(const struct datagram *d, const struct endpoint *to,
		     struct endpoint *from);
long datagram_bind(struct socket *socket, const struct address *a);
long datagram_connect(struct file *file, const struct address *a);
long datagram_name(struct socket *socket, bool of_peer, struct address *a);
/* A socket that came from another process: what the host knows of it. */
void datagram_learn_name(struct datagram *d);

/* datagram_control.c */
long datagram_control_get(struct socket *socket, struct transfer *transfer,
			  int level, int type, const void *from, size_t length);
bool datagram_control_put(struct socket *socket, struct transfer *transfer,
			  struct user_msghdr *message);

/* datagram_send.c */
s64 datagram_send(struct file *file, struct transfer *transfer);

/* datagram_receive.c */
/* What an earlier datagram met, told once. */
long datagram_take_error(struct datagram *d);
s64 datagram_receive(struct file *file, struct transfer *transfer);
u32 datagram_poll(struct file *file, struct poll_table *table);
long datagram_unread(struct file *file, int *count);

#endif /* _LIBOS_FS_DATAGRAM_H */
