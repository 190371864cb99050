// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcp.server:ADDR:PORT and tcp.client:ADDR:PORT.
 *
 * ADDR is an IPv4 address, or an IPv6 address in brackets, maybe with %NUMBER
 * of an interface behind it (inside the brackets); names are not resolved
 * here. Behind the port stand options that must be there before the socket is
 * bound or connected: ?reuse&reuseport&only6&send=N&receive=N, of a server
 * backlog=N (0: it does not listen before DK_CONTROL_LISTEN), of a client
 * bind=ADDR:PORT.
 *
 * A datagram scheme (udp:) would be a sibling of this file: rules and
 * addresses do not know that they are TCP's.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inet.h>
#include <linux/net.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "stream.h"

#define TCP_BACKLOG	4096	/* less where the host wants less */

struct tcp_name {
	struct dk_address address;
	struct dk_address bind;		/* family 0: none */
	bool reuse, reuse_port, only6;
	u32 backlog, send, receive;
};

/* ---- parsing ---- */

bool dk_port_parse(const char *text, u16 *port, const char **end)
{
	unsigned int value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + *p - '0';
		if (value > U16_MAX)
			return false;
	}
	*port = value;
	*end = p;
	return p != text;
}

/* 1.2.3.4 or [::1] or [fe80::1%2]; @end receives what follows. */
bool dk_address_parse(const char *text, struct dk_address *address,
		      const char **end)
{
	const char *p;

	*address = (struct dk_address) { };
	if (*text != '[') {
		address->family = 4;
		p = text + strspn(text, "0123456789.");
		if (!in4_pton(text, p - text, address->address, -1, NULL))
			return false;
		*end = p;
		return true;
	}
	address->family = 6;
	text++;
	p = text + strspn(text, "0123456789abcdefABCDEF:.");
	if (p == text ||
	    !in6_pton(text, p - text, address->address, -1, NULL))
		return false;
	if (*p == '%') {
		unsigned long long scope = 0;
		const char *digits = ++p;

		for (; *p >= '0' && *p <= '9'; p++) {
			scope = scope * 10 + *p - '0';
			if (scope > U32_MAX)
				return false;
		}
		if (p == digits)
			return false;
		address->scope = scope;
	}
	if (*p != ']')
		return false;
	*end = p + 1;
	return true;
}

static bool endpoint_parse(const char *text, struct dk_address *address,
			   const char **end)
{
	return dk_address_parse(text, address, end) && **end == ':' &&
	       dk_port_parse(*end + 1, &address->port, end);
}

static bool number_parse(const char *text, u32 *value, const char **end)
{
	unsigned long long v = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + *p - '0';
		if (v > INT_MAX)
			return false;
	}
	*value = v;
	*end = p;
	return p != text;
}

/* One option at @text; false: it is none. */
static bool option_parse(const char *text, struct tcp_name *name, bool server,
			 const char **end)
{
	size_t length = strcspn(text, "&=");
	const char *value = text + length + (text[length] == '=');
	bool has_value = text[length] == '=';

	*end = text + length;
#define IS(word) (length == sizeof(word) - 1 && !memcmp(text, word, length))
	if (!has_value) {
		if (IS("reuse"))
			name->reuse = true;
		else if (IS("reuseport"))
			name->reuse_port = true;
		else if (IS("only6") && name->address.family == 6)
			name->only6 = true;
		else
			return false;
		return true;
	}
	if (IS("send"))
		return number_parse(value, &name->send, end);
	if (IS("receive"))
		return number_parse(value, &name->receive, end);
	if (IS("backlog") && server)
		return number_parse(value, &name->backlog, end);
	if (IS("bind") && !server)
		return endpoint_parse(value, &name->bind, end);
#undef IS
	return false;
}

static bool name_parse(const char *text, struct tcp_name *name, bool server)
{
	const char *p;

	*name = (struct tcp_name) { .backlog = TCP_BACKLOG };
	if (!endpoint_parse(text, &name->address, &p))
		return false;
	if (!*p)
		return true;
	if (*p != '?')
		return false;
	do {
		if (!option_parse(p + 1, name, server, &p))
			return false;
	} while (*p == '&');
	return !*p;
}

/* ---- addresses ---- */

static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

/* Whether it is an IPv4 address in IPv6's form, ::ffff:1.2.3.4. */
bool dk_address_mapped(const struct dk_address *address)
{
	return address->family == 6 &&
	       !memcmp(address->address, mapped, sizeof(mapped));
}

/* The four bytes of an IPv4 address, in whichever form. */
static u8 *ipv4_of(struct dk_address *address)
{
	return address->address + (address->family == 6 ? sizeof(mapped) : 0);
}

/*
 * A client of "any address" gets to the host itself, and to which address of it
 * the kernel would decide: by the one that the client has bound, too. The rules
 * are asked about an address, so it is decided here, as the kernel would.
 */
static void resolve_any(struct tcp_name *name)
{
	static const u8 loopback[4] = { 127, 0, 0, 1 };
	struct dk_address *to = &name->address, *bind = &name->bind;

	if (to->family == 6 && !dk_address_mapped(to)) {
		if (memchr_inv(to->address, 0, sizeof(to->address)))
			return;
		if (!dk_address_mapped(bind)) {
			to->address[15] = 1;
			return;
		}
		memcpy(to->address, mapped, sizeof(mapped));
		memcpy(ipv4_of(to), loopback, sizeof(loopback));
		return;
	}
	if (memchr_inv(ipv4_of(to), 0, sizeof(loopback)))
		return;
	memcpy(ipv4_of(to), loopback, sizeof(loopback));
	if ((bind->family == 4 || dk_address_mapped(bind)) &&
	    memchr_inv(ipv4_of(bind), 0, sizeof(loopback)))
		memcpy(ipv4_of(to), ipv4_of(bind), sizeof(loopback));
}

static int to_socket(const struct dk_address *from, struct sockaddr_storage *to)
{
	struct sockaddr_in *in = (void *)to;
	struct sockaddr_in6 *in6 = (void *)to;

	memset(to, 0, sizeof(*to));
	if (from->family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(from->port);
		memcpy(&in->sin_addr, from->address, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(from->port);
	in6->sin6_scope_id = from->scope;
	memcpy(&in6->sin6_addr, from->address, 16);
	return sizeof(*in6);
}

/* ---- the streams ---- */

static struct dk_stream *server_accept(struct dk_stream *stream,
				       struct dk_address *peer)
{
	struct socket *sock = sock_from_file(stream->file), *newsock;
	struct dk_stream *accepted;
	int error;

	accepted = dk_stream_alloc(stream->sandbox);
	if (!accepted)
		return ERR_PTR(-ENOMEM);
	/* As accept() does it; kernel_accept() would make a kernel's socket. */
	newsock = sock_alloc();
	error = -ENFILE;
	if (!newsock)
		goto put;
	newsock->type = sock->type;
	newsock->ops = sock->ops;
	__module_get(newsock->ops->owner);
	error = dk_socket_attach(accepted, newsock, false);
	if (error)
		goto put;
	error = dk_compat_accept(sock, newsock, stream->file->f_flags);
	if (error < 0)
		goto put;
	/* Gone again already: as if it had never come. */
	if (dk_socket_address(newsock, 2, peer)) {
		error = -ECONNABORTED;
		goto put;
	}
	return accepted;

put:
	dk_stream_put(accepted);
	return ERR_PTR(error);
}

static const struct dk_stream_ops server_ops = {
	.accept = server_accept,
	.get_attributes = dk_stream_get_attributes,
};

bool dk_is_tcp_server(const struct dk_stream *stream)
{
	return stream->ops == &server_ops;
}

static int set_option(struct socket *sock, int name, int value)
{
	return sock_setsockopt(sock, SOL_SOCKET, name, KERNEL_SOCKPTR(&value),
			       sizeof(value));
}

static int set_options(struct socket *sock, const struct tcp_name *name)
{
	int only6 = 1, error = 0;

	if (name->reuse)
		error = set_option(sock, SO_REUSEADDR, 1);
	if (!error && name->reuse_port)
		error = set_option(sock, SO_REUSEPORT, 1);
	if (!error && name->send)
		error = set_option(sock, SO_SNDBUF, name->send);
	if (!error && name->receive)
		error = set_option(sock, SO_RCVBUF, name->receive);
	if (!error && name->only6)
		error = sock->ops->setsockopt(sock, SOL_IPV6, IPV6_V6ONLY,
					      KERNEL_SOCKPTR(&only6),
					      sizeof(only6));
	return error;
}

/*
 * As listen() does it: what the administrator allows bounds how many
 * connections wait that nobody has accepted, and nobody counts.
 */
int dk_tcp_listen(struct socket *sock, u32 backlog)
{
	u32 most = READ_ONCE(sock_net(sock->sk)->core.sysctl_somaxconn);

	return kernel_listen(sock, min(backlog, most));
}

static int server_start(struct socket *sock, const struct tcp_name *name)
{
	struct sockaddr_storage address;
	int length = to_socket(&name->address, &address), error;

	error = kernel_bind(sock, (struct sockaddr *)&address, length);
	if (!error && name->backlog)
		error = dk_tcp_listen(sock, name->backlog);
	return error;
}

static int client_start(struct socket *sock, const struct tcp_name *name,
			bool nonblock)
{
	struct sockaddr_storage address;
	int length, error;

	if (name->bind.family) {
		length = to_socket(&name->bind, &address);
		error = kernel_bind(sock, (struct sockaddr *)&address, length);
		if (error)
			return error;
	}
	length = to_socket(&name->address, &address);
	error = kernel_connect(sock, (struct sockaddr *)&address, length,
			       nonblock ? O_NONBLOCK : 0);
	/* It goes on by itself; the stream's readiness tells. */
	return nonblock && error == -EINPROGRESS ? 0 : error;
}

/* Whether there may be a server at an address that is not in a server's name. */
static bool may_serve(struct dk_sandbox *sandbox,
		      const struct dk_address *address)
{
	char uri[sizeof("tcp.server:[]:65535") + INET6_ADDRSTRLEN];

	if (!dk_tcp_allowed(sandbox, DK_SCHEME_TCP_SERVER, address,
			    DK_ACCESS_READ))
		return false;
	if (address->family == 4)
		snprintf(uri, sizeof(uri), "tcp.server:%pI4:%u",
			 address->address, address->port);
	else
		snprintf(uri, sizeof(uri), "tcp.server:[%pI6c]:%u",
			 address->address, address->port);
	dk_learn_uri(sandbox, uri, DK_ACCESS_READ);
	return true;
}

/* A port of one's own is what a server has, and needs the same rule. */
static bool may_bind(struct dk_sandbox *sandbox, const struct tcp_name *name)
{
	return !name->bind.family || !name->bind.port ||
	       may_serve(sandbox, &name->bind);
}

static bool is_any6(const struct dk_address *address)
{
	return address->family == 6 &&
	       !memchr_inv(address->address, 0, sizeof(address->address));
}

/* [::] takes connections to every address of IPv4, too, if it may have them. */
static bool also_any4(struct dk_sandbox *sandbox,
		      const struct dk_address *any6)
{
	const struct dk_address any4 = { .family = 4, .port = any6->port };

	return may_serve(sandbox, &any4);
}

long dk_tcp_open(struct dk_stream *stream, enum dk_scheme scheme,
		 const char *text, const struct dk_open *open, u32 *rights)
{
	bool nonblock = open->options & DK_OPTION_NONBLOCK;
	bool server = scheme == DK_SCHEME_TCP_SERVER;
	const struct dk_address *own;
	struct tcp_name name;
	struct socket *sock;
	long error;

	error = dk_connection_open(open, server, rights);
	if (error)
		return error;
	if (!name_parse(text, &name, server))
		return -EINVAL;
	if (name.bind.family && name.bind.family != name.address.family)
		return -EINVAL;
	if (!server)
		resolve_any(&name);
	if (!dk_tcp_allowed(stream->sandbox, scheme, &name.address,
			    open->access) ||
	    !may_bind(stream->sandbox, &name))
		return -EACCES;
	own = server ? &name.address : &name.bind;
	if (is_any6(own) && (server || own->port) && !name.only6)
		name.only6 = !also_any4(stream->sandbox, own);
	error = sock_create(name.address.family == 4 ? AF_INET : AF_INET6,
			    SOCK_STREAM, IPPROTO_TCP, &sock);
	if (error)
		return error;
	error = dk_socket_attach(stream, sock, nonblock);
	if (error)
		return error;
	error = set_options(sock, &name);
	if (error)
		return error;
	if (!server)
		return client_start(sock, &name, nonblock);
	stream->ops = &server_ops;
	return server_start(sock, &name);
}
