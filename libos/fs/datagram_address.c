// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * UDP: addresses and ports, and who has them. datagram.h has the whole.
 */
#include "datagram.h"

#include "interfaces.h"

/*
 * Ports that are not chosen: those of IPv4 are even, those of IPv6 odd, for a
 * socket of IPv6 may have both.
 */
#define PORT_FIRST 32768
#define PORT_PAIRS 14000
#define PORT_UNPRIVILEGED 1024

static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

bool endpoint_is_four(const struct endpoint *e)
{
	return !memcmp(e->address, mapped, sizeof(mapped));
}

bool endpoint_is_any(const struct endpoint *e)
{
	static const u8 none[16];

	if (endpoint_is_four(e))
		return !memcmp(e->address + 12, none, 4);
	return !memcmp(e->address, none, sizeof(none));
}

void endpoint_make_any(struct endpoint *e, int family)
{
	memset(e->address, 0, sizeof(e->address));
	if (family == AF_INET)
		memcpy(e->address, mapped, sizeof(mapped));
}

bool endpoint_is_here(const struct endpoint *e)
{
	const struct interface *i;

	if (endpoint_is_four(e) && e->address[12] == 127)
		return true;
	for (i = interfaces; i < interfaces + INTERFACE_COUNT; i++) {
		if (endpoint_is_four(e) ? !memcmp(e->address + 12, i->four, 4) :
					  !memcmp(e->address, i->six, 16))
			return true;
	}
	return false;
}

bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b)
{
	return !memcmp(a->address, b->address, sizeof(a->address));
}

long endpoint_get(struct datagram *d, const struct address *from,
		  struct endpoint *to)
{
	const struct sockaddr_in6 *in6 = (const void *)from->bytes;
	const struct sockaddr_in *in = (const void *)from->bytes;
	bool only4 = d->host.socket.family == AF_INET;

	if (from->length < sizeof(from->family))
		return -EINVAL;
	memset(to, 0, sizeof(*to));
	/* A socket of IPv6 takes this, too; IPv4, no family for its own. */
	if (only4 || from->family == AF_INET) {
		if (from->length < sizeof(*in))
			return -EINVAL;
		if (from->family != AF_INET && from->family != AF_UNSPEC)
			return -EAFNOSUPPORT;
		memcpy(to->address, mapped, sizeof(mapped));
		memcpy(to->address + 12, &in->sin_addr, 4);
		to->port = __builtin_bswap16(in->sin_port);
	} else {
		if (from->length < SOCKADDR_IN6_LEAST)
			return -EINVAL;
		if (from->family != AF_INET6)
			return -EAFNOSUPPORT;
		memcpy(to->address, &in6->sin6_addr, 16);
		to->port = __builtin_bswap16(in6->sin6_port);
		if (from->length >= sizeof(*in6))
			to->scope = in6->sin6_scope_id;
	}
	return endpoint_is_four(to) && datagram_only6(d) ? -ENETUNREACH : 0;
}

void endpoint_put(const struct datagram *d, const struct endpoint *from,
		  struct address *to)
{
	struct sockaddr_in6 *in6 = (void *)to->bytes;
	struct sockaddr_in *in = (void *)to->bytes;

	memset(to, 0, sizeof(*to));
	to->family = d->host.socket.family;
	if (to->family == AF_INET) {
		to->length = sizeof(*in);
		memcpy(&in->sin_addr, from->address + 12, 4);
		in->sin_port = __builtin_bswap16(from->port);
		return;
	}
	to->length = sizeof(*in6);
	memcpy(&in6->sin6_addr, from->address, 16);
	in6->sin6_port = __builtin_bswap16(from->port);
	in6->sin6_scope_id = from->scope;
}

void endpoint_resolve_any(struct endpoint *e)
{
	if (!endpoint_is_any(e))
		return;
	if (endpoint_is_four(e))
		memcpy(e->address + 12, interfaces[0].four, 4);
	else
		memcpy(e->address, interfaces[0].six, 16);
}

void datagram_source(const struct datagram *d, const struct endpoint *to,
		     struct endpoint *from)
{
	const struct interface *lo = &interfaces[0], *i = lo;
	bool loopback;

	*from = d->own;
	if (!endpoint_is_any(from))
		return;
	if (endpoint_is_four(to)) {
		loopback = to->address[12] == 127;
		i += !loopback;
		memcpy(from->address, mapped, sizeof(mapped));
		memcpy(from->address + 12, i->four, 4);
	} else {
		loopback = !memcmp(to->address, lo->six, 16);
		i += !loopback;
		memcpy(from->address, i->six, 16);
	}
}

/* ---- ports ---- */

u32 datagram_key(const struct datagram *d, bool four, u32 port, u8 *key)
{
	/* Those of unix_name.c begin with other letters. */
	key[0] = d->host.socket.protocol == LEVEL_UDP ? 'u' : 'l';
	key[1] = four ? '4' : '6';
	key[2] = port >> 8;
	key[3] = port;
	return 4;
}

static bool may_reuse(const struct datagram *d)
{
	return d->host.socket.flags &
	       (1ULL << 2 /* SO_REUSEADDR */ | 1ULL << 15 /* SO_REUSEPORT */);
}

/* d->lock is held. */
static long claim(struct datagram *d, const struct endpoint *at, u32 flags)
{
	struct dk_local_name name = { .flags = flags };
	struct claim claim = { .at = *at,
			       .reuse = may_reuse(d),
			       .only6 = datagram_only6(d) };
	long r;

	name.key_length =
		datagram_key(d, endpoint_is_four(at), at->port, name.key);
	name.name_length = sizeof(claim);
	memcpy(name.name, &claim, sizeof(claim));
	r = unix_control(&d->host, DK_CONTROL_BIND, &name, sizeof(name));
	if (!r) {
		d->own = *at;
		d->four = endpoint_is_four(at);
	}
	return r;
}

static bool read_claim(const struct dk_local_name *name, struct claim *claim)
{
	if (name->name_length != sizeof(*claim))
		return false;
	memcpy(claim, name->name, sizeof(*claim));
	return true;
}

/* Who has this port? Asked by connecting to it. */
static bool find_holder(const struct datagram *d, bool four, u32 port,
			struct claim *claim)
{
	struct dk_local_name name = { 0 };
	struct unix_socket probe;
	bool found;

	if (unix_open(SOCK_DGRAM, &probe.handle))
		return false;
	name.key_length = datagram_key(d, four, port, name.key);
	found = !unix_control(&probe, DK_CONTROL_CONNECT, &name,
			      sizeof(name)) &&
		!unix_control(&probe, DK_CONTROL_PEER_NAME, &name,
			      sizeof(name)) &&
		read_claim(&name, claim);
	DkObjectClose(probe.handle);
	return found;
}

void datagram_learn_name(struct datagram *d)
{
	struct dk_local_name name;
	struct claim claim;

	if (!unix_control(&d->host, DK_CONTROL_NAME, &name, sizeof(name)) &&
	    read_claim(&name, &claim)) {
		d->own = claim.at;
		d->bound = !endpoint_is_any(&d->own);
		d->four = endpoint_is_four(&d->own);
		if (claim.only6)
			datagram_set_only6(d);
	}
}

/*
 * A socket of IPv6 that takes IPv4, too, and one of IPv4 cannot have the same
 * port. d->lock is held.
 */
static bool is_held_otherwise(struct datagram *d, const struct endpoint *at)
{
	bool four = endpoint_is_four(at);
	struct claim other;

	if (!four && (!endpoint_is_any(at) || datagram_only6(d)))
		return false;
	if (!find_holder(d, !four, at->port, &other))
		return false;
	if (other.reuse && may_reuse(d))
		return false;
	return !four || (endpoint_is_any(&other.at) && !other.only6);
}

/* One that nobody has; d->lock is held. */
static long claim_free_port(struct datagram *d, struct endpoint *at)
{
	static u32 last;
	u32 tries, n;
	long r = -EADDRINUSE;

	if (!last)
		last = process.pid * 0x61;
	for (tries = 0; tries < PORT_PAIRS && r == -EADDRINUSE; tries++) {
		n = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED) % PORT_PAIRS;
		at->port = PORT_FIRST + 2 * n + !endpoint_is_four(at);
		r = is_held_otherwise(d, at) ? -EADDRINUSE : claim(d, at, 0);
	}
	return r;
}

long datagram_need_port(struct datagram *d)
{
	struct endpoint at = d->own;
	long r;

	if (d->own.port)
		return 0;
	r = claim_free_port(d, &at);
	/* Another process that has the socket was first. */
	if (r == -EINVAL)
		datagram_learn_name(d);
	return d->own.port ? 0 : r == -EADDRINUSE ? -EAGAIN : r;
}

static long claim_port(struct datagram *d, const struct endpoint *at)
{
	struct claim other;
	long r;

	if (is_held_otherwise(d, at))
		return -EADDRINUSE;
	r = claim(d, at, 0);
	/* The last one that may has it. */
	if (r == -EADDRINUSE && may_reuse(d) &&
	    find_holder(d, endpoint_is_four(at), at->port, &other) &&
	    other.reuse)
		r = claim(d, at, DK_LOCAL_REPLACE);
	return r;
}

static bool is_multicast(const struct endpoint *e)
{
	return endpoint_is_four(e) ? e->address[12] >> 4 == 0xe :
				     e->address[0] == 0xff;
}

long datagram_bind(struct socket *socket, const struct address *a)
{
	struct datagram *d = datagram_of(socket);
	struct endpoint at;
	long r;

	if (socket->family == AF_INET6 && a->length < SOCKADDR_IN6_LEAST)
		return -EINVAL;
	if (socket->family == AF_INET6 && a->family != AF_INET6)
		return -EAFNOSUPPORT;
	r = endpoint_get(d, a, &at);
	if (r)
		return r == -ENETUNREACH ? -EINVAL : r;
	if (a->family == AF_UNSPEC && !endpoint_is_any(&at))
		return -EAFNOSUPPORT;
	if (at.port && at.port < PORT_UNPRIVILEGED && process.euid)
		return -EACCES;
	if (!endpoint_is_any(&at) && !endpoint_is_here(&at) &&
	    !is_multicast(&at))
		return -EADDRNOTAVAIL;
	lock_acquire(&d->lock);
	if (d->own.port)
		r = -EINVAL;
	else if (at.port)
		r = claim_port(d, &at);
	else
		r = claim_free_port(d, &at);
	if (!r)
		d->bound = !endpoint_is_any(&at);
	lock_release(&d->lock);
	return r;
}

/* ---- connections ---- */

static void disconnect(struct datagram *d)
{
	lock_acquire(&d->lock);
	d->connected = false;
	memset(&d->peer, 0, sizeof(d->peer));
	if (!d->bound)
		endpoint_make_any(&d->own, d->host.socket.family);
	lock_release(&d->lock);
}

/* Its own address is that of the interface that leads there. */
long datagram_connect(struct file *file, const struct address *a)
{
	struct datagram *d = datagram_of(socket_of(file));
	struct endpoint to;
	long r;

	if (a->length >= sizeof(a->family) && !a->family) {
		disconnect(d);
		return 0;
	}
	r = endpoint_get(d, a, &to);
	if (r)
		return r == -ENETUNREACH && a->family == AF_INET ?
			       -EAFNOSUPPORT :
			       r;
	endpoint_resolve_any(&to);
	/* IPv4 is what a host has for certain: it is to be tried first. */
	if (!endpoint_is_four(&to) && !endpoint_is_here(&to))
		return -ENETUNREACH;
	lock_acquire(&d->lock);
	r = datagram_need_port(d);
	if (!r) {
		datagram_source(d, &to, &d->own);
		d->peer = to;
		d->connected = true;
	}
	lock_release(&d->lock);
	return r;
}

long datagram_name(struct socket *socket, bool of_peer, struct address *a)
{
	struct datagram *d = datagram_of(socket);
	long r = 0;

	lock_acquire(&d->lock);
	/* Another process that has the socket may have bound it. */
	if (!of_peer && !d->own.port)
		datagram_learn_name(d);
	if (of_peer && !d->connected)
		r = -ENOTCONN;
	else
		endpoint_put(d, of_peer ? &d->peer : &d->own, a);
	lock_release(&d->lock);
	return r;
}
