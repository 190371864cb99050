// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_NETLINK: as much of NETLINK_ROUTE as programs need to learn which
 * interfaces and addresses there are: getifaddrs(), and the C library's check
 * whether to ask for IPv6 addresses at all.
 *
 * RTM_GETLINK and RTM_GETADDR are answered from the table in interfaces.c;
 * what would change something is -EPERM, everything else -EOPNOTSUPP. Nothing
 * changes, so groups of news can be joined and stay silent.
 */
#include "interfaces.h"
#include "mailbox.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define REQUEST_MAX 4096
#define REPLY_MAX 4096

struct netlink {
	struct socket socket;
	struct mailbox box;
	u32 port; /* 0: not bound; atomic */
	u32 groups;
};

/* A reply that grows; what does not fit is left out and says so. */
struct reply {
	size_t length;
	u8 data[REPLY_MAX];
};

static struct netlink *netlink_of(struct socket *socket)
{
	return container_of(socket, struct netlink, socket);
}

/* The process's id, or, for a second socket, something that nobody has. */
static u32 own_port(struct netlink *n)
{
	static u32 others = 0x80000000;
	static u32 first;
	u32 port = 0, none = 0;

	if (__atomic_compare_exchange_n(&first, &none, process.pid, false,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		port = process.pid;
	else
		port = __atomic_add_fetch(&others, 1, __ATOMIC_RELAXED);
	none = 0;
	__atomic_compare_exchange_n(&n->port, &none, port, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return n->port;
}

static u32 port_of(struct netlink *n)
{
	u32 port = __atomic_load_n(&n->port, __ATOMIC_RELAXED);

	return port ? port : own_port(n);
}

/* ---- messages ---- */

static struct nlmsghdr *begin(struct reply *reply, const struct nlmsghdr *to,
			      u16 type, u16 flags, u32 port)
{
	struct nlmsghdr *header = (void *)(reply->data + reply->length);

	*header = (struct nlmsghdr){ .nlmsg_len = NLMSG_HDRLEN,
				     .nlmsg_type = type,
				     .nlmsg_flags = flags,
				     .nlmsg_seq = to->nlmsg_seq,
				     .nlmsg_pid = port };
	return header;
}

static void *add(struct nlmsghdr *header, const void *data, size_t length)
{
	u8 *at = (u8 *)header + NLMSG_ALIGN(header->nlmsg_len);

	memset(at, 0, NLMSG_ALIGN(length));
	if (data)
		memcpy(at, data, length);
	header->nlmsg_len = NLMSG_ALIGN(header->nlmsg_len) + length;
	return at;
}

static void attribute(struct nlmsghdr *header, u16 type, const void *data,
		      size_t length)
{
	struct rtattr rta = { RTA_LENGTH(length), type };

	add(header, &rta, sizeof(rta));
	add(header, data, length);
}

static void end(struct reply *reply, const struct nlmsghdr *header)
{
	reply->length += NLMSG_ALIGN(header->nlmsg_len);
}

static void reply_link(struct reply *reply, const struct nlmsghdr *to,
		       u16 flags, u32 port, const struct interface *i)
{
	static const u8 all[6] = { 255, 255, 255, 255, 255, 255 }, none[6];
	struct nlmsghdr *header = begin(reply, to, RTM_NEWLINK, flags, port);
	bool loopback = i->type == INTERFACE_LOOPBACK;
	struct ifinfomsg info = { .ifi_type = i->type,
				  .ifi_index = i->index,
				  .ifi_flags = i->flags };
	u32 queue = 1000;
	u8 up = loopback ? 0 : 6; /* IF_OPER_UNKNOWN, IF_OPER_UP */

	add(header, &info, sizeof(info));
	attribute(header, IFLA_IFNAME, i->name, strlen(i->name) + 1);
	attribute(header, IFLA_TXQLEN, &queue, sizeof(queue));
	attribute(header, IFLA_OPERSTATE, &up, sizeof(up));
	attribute(header, IFLA_MTU, &i->mtu, sizeof(i->mtu));
	attribute(header, IFLA_ADDRESS, i->hardware, 6);
	attribute(header, IFLA_BROADCAST, loopback ? none : all, 6);
	end(reply, header);
}

static void reply_address(struct reply *reply, const struct nlmsghdr *to,
			  u32 port, const struct interface *i, u8 family)
{
	struct nlmsghdr *header =
		begin(reply, to, RTM_NEWADDR, NLM_F_MULTI, port);
	struct ifaddrmsg info = { .ifa_family = family,
				  .ifa_prefixlen = family == AF_INET ?
							   i->four_prefix :
							   i->six_prefix,
				  .ifa_flags = IFA_F_PERMANENT,
				  .ifa_scope = i->scope,
				  .ifa_index = i->index };
	struct ifa_cacheinfo always = { .ifa_prefered = ~0U, .ifa_valid = ~0U };

	add(header, &info, sizeof(info));
	if (family == AF_INET) {
		attribute(header, IFA_ADDRESS, i->four, 4);
		attribute(header, IFA_LOCAL, i->four, 4);
		attribute(header, IFA_LABEL, i->name, strlen(i->name) + 1);
	} else {
		attribute(header, IFA_ADDRESS, i->six, 16);
	}
	attribute(header, IFA_CACHEINFO, &always, sizeof(always));
	end(reply, header);
}

static void reply_error(struct reply *reply, const struct nlmsghdr *to,
			u32 port, int error)
{
	struct nlmsghdr *header = begin(reply, to, NLMSG_ERROR, 0, port);
	struct nlmsgerr e = { .error = error, .msg = *to };

	add(header, &e, sizeof(e));
	end(reply, header);
}

static void reply_done(struct reply *reply, const struct nlmsghdr *to, u32 port)
{
	struct nlmsghdr *header =
		begin(reply, to, NLMSG_DONE, NLM_F_MULTI, port);

	add(header, NULL, sizeof(int));
	end(reply, header);
}

/* One interface, by its number or its name. */
static int get_link(struct reply *reply, const struct nlmsghdr *to, u32 port,
		    const u8 *body, size_t length)
{
	const struct ifinfomsg *info = (const void *)body;
	size_t at = sizeof(*info);
	const char *name = NULL;
	size_t i;

	if (length < sizeof(*info))
		return -EINVAL;
	while (length - at >= sizeof(struct rtattr)) {
		const struct rtattr *rta = (const void *)(body + at);

		if (rta->rta_len < sizeof(*rta) || rta->rta_len > length - at)
			return -EINVAL;
		if (rta->rta_type == IFLA_IFNAME &&
		    memchr(rta + 1, 0, rta->rta_len - sizeof(*rta)))
			name = (const char *)(rta + 1);
		at += MIN(RTA_ALIGN(rta->rta_len), length - at);
	}
	if (info->ifi_index <= 0 && !name)
		return -EINVAL;
	for (i = 0; i < INTERFACE_COUNT; i++) {
		if (info->ifi_index > 0 ?
			    (u32)info->ifi_index == interfaces[i].index :
			    !strcmp(name, interfaces[i].name)) {
			reply_link(reply, to, 0, port, &interfaces[i]);
			return 0;
		}
	}
	return -ENODEV;
}

/* Everything, or of one family; ends with NLMSG_DONE. */
static int dump(struct reply *reply, const struct nlmsghdr *to, u32 port,
		u8 family)
{
	size_t i;

	if (to->nlmsg_type == RTM_GETLINK) {
		for (i = 0; i < INTERFACE_COUNT; i++)
			reply_link(reply, to, NLM_F_MULTI, port,
				   &interfaces[i]);
	} else if (to->nlmsg_type == RTM_GETADDR) {
		for (i = 0; i < INTERFACE_COUNT; i++)
			if (!family || family == AF_INET)
				reply_address(reply, to, port, &interfaces[i],
					      AF_INET);
		for (i = 0; i < INTERFACE_COUNT; i++)
			if (!family || family == AF_INET6)
				reply_address(reply, to, port, &interfaces[i],
					      AF_INET6);
	} else {
		return -EOPNOTSUPP;
	}
	return 0;
}

/* @header and what is behind it, whole. */
static void answer(struct netlink *n, const struct nlmsghdr *header)
{
	struct address from = { .family = AF_NETLINK,
				.length = sizeof(struct sockaddr_nl) };
	size_t length = header->nlmsg_len - NLMSG_HDRLEN;
	const u8 *body = (const u8 *)header + NLMSG_HDRLEN;
	/* RTM_NEW, _DEL, _GET, _SET: by fours. */
	bool gets = (header->nlmsg_type & 3) == 2;
	u32 port = port_of(n);
	struct reply *reply;
	int r;

	if (header->nlmsg_type < RTM_BASE || !(header->nlmsg_flags & 1))
		return;
	reply = mem_alloc(sizeof(*reply));
	if (!reply)
		return;
	reply->length = 0;
	if (!gets)
		r = -EPERM;
	else if (header->nlmsg_flags & NLM_F_DUMP)
		r = dump(reply, header, port, length ? body[0] : 0);
	else if (header->nlmsg_type == RTM_GETLINK)
		r = get_link(reply, header, port, body, length);
	else
		r = -EOPNOTSUPP;
	if (r)
		reply_error(reply, header, port, r);
	else if (header->nlmsg_flags & NLM_F_ACK &&
		 !(header->nlmsg_flags & NLM_F_DUMP))
		reply_error(reply, header, port, 0);
	mailbox_put(&n->box, reply->data, reply->length, &from);
	/* As Linux, the end is a message of its own. */
	if (!r && header->nlmsg_flags & NLM_F_DUMP) {
		reply->length = 0;
		reply_done(reply, header, port);
		mailbox_put(&n->box, reply->data, reply->length, &from);
	}
	mem_free(reply);
}

static s64 netlink_send(struct file *file, struct transfer *transfer)
{
	struct netlink *n = netlink_of(socket_of(file));
	const struct sockaddr_nl *to = (const void *)transfer->address.bytes;
	size_t total = transfer->vector.total, at = 0;
	u8 *request;

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (transfer->address.length) {
		if (transfer->address.length < sizeof(*to) ||
		    to->nl_family != AF_NETLINK)
			return -EINVAL;
		if (to->nl_pid || to->nl_groups)
			return -EPERM;
	}
	if (total > REQUEST_MAX)
		return -EMSGSIZE;
	request = mem_alloc(total + 1);
	if (!request)
		return -ENOBUFS;
	if (transfer_copy_in(transfer, request, total)) {
		mem_free(request);
		return -EFAULT;
	}
	while (total - at >= NLMSG_HDRLEN) {
		const struct nlmsghdr *header = (const void *)(request + at);

		if (header->nlmsg_len < NLMSG_HDRLEN ||
		    header->nlmsg_len > total - at)
			break;
		answer(n, header);
		at += MIN(NLMSG_ALIGN(header->nlmsg_len), total - at);
	}
	mem_free(request);
	return total;
}

/* ---- the socket ---- */

static long netlink_bind(struct socket *socket, const struct address *a)
{
	struct netlink *n = netlink_of(socket);
	const struct sockaddr_nl *to = (const void *)a->bytes;

	if (a->length < sizeof(*to) || to->nl_family != AF_NETLINK)
		return -EINVAL;
	if (n->port && to->nl_pid != n->port)
		return -EINVAL;
	n->groups = to->nl_groups;
	if (!to->nl_pid)
		port_of(n);
	else
		n->port = to->nl_pid;
	return 0;
}

/* The kernel is the only one to talk to. */
static long netlink_connect(struct file *file, const struct address *a)
{
	const struct sockaddr_nl *to = (const void *)a->bytes;

	if (a->length < sizeof(a->family))
		return -EINVAL;
	if (a->family && (a->length < sizeof(*to) || a->family != AF_NETLINK))
		return -EINVAL;
	if (a->family && to->nl_pid)
		return -EPERM;
	port_of(netlink_of(socket_of(file)));
	return 0;
}

static long netlink_name(struct socket *socket, bool peer, struct address *a)
{
	struct netlink *n = netlink_of(socket);
	struct sockaddr_nl *to = (void *)a->bytes;

	memset(a, 0, sizeof(*a));
	a->length = sizeof(*to);
	to->nl_family = AF_NETLINK;
	if (!peer) {
		to->nl_pid = n->port;
		to->nl_groups = n->groups;
	}
	return 0;
}

static s64 netlink_receive(struct file *file, struct transfer *transfer)
{
	return mailbox_receive(&netlink_of(socket_of(file))->box, file,
			       transfer);
}

static u32 netlink_poll(struct file *file, struct poll_table *table)
{
	return mailbox_poll(&netlink_of(socket_of(file))->box, table);
}

static long netlink_refused(struct socket *socket __unused, int n __unused)
{
	return -EOPNOTSUPP;
}

static long netlink_accept(struct file *file __unused,
			   struct file **accepted __unused,
			   struct address *peer __unused, u32 flags __unused)
{
	return -EOPNOTSUPP;
}

#define SOL_NETLINK 270

/* Wishes for more about errors and groups: there is nothing more. */
static long netlink_set_option(struct socket *socket __unused, int level,
			       int name __unused, const int *value __unused,
			       u32 length __unused)
{
	return level == SOL_NETLINK ? 0 : -ENOPROTOOPT;
}

static void netlink_release(struct socket *socket)
{
	struct netlink *n = netlink_of(socket);

	mailbox_clear(&n->box);
	mem_free(n);
}

static const struct socket_ops netlink_ops = {
	.bind = netlink_bind,
	.connect = netlink_connect,
	.listen = netlink_refused,
	.accept = netlink_accept,
	.name = netlink_name,
	.send = netlink_send,
	.receive = netlink_receive,
	.shutdown = netlink_refused,
	.poll = netlink_poll,
	.set_option = netlink_set_option,
	.release = netlink_release,
};

long netlink_create(int type, int protocol, struct socket **socket)
{
	struct netlink *n;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE)
		return -EPROTONOSUPPORT;
	n = mem_zalloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	mailbox_init(&n->box);
	n->socket.ops = &netlink_ops;
	n->socket.family = AF_NETLINK;
	n->socket.type = type;
	n->socket.protocol = protocol;
	n->socket.send_buffer = n->socket.receive_buffer = 212992;
	*socket = &n->socket;
	return 0;
}
