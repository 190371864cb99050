// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of names that are no files: which pipes and which network addresses a
 * sandbox's processes may open.
 *
 * A pattern names a scheme and, of pipes, a name or the beginning of one; of
 * tcp, an address or the beginning of one, and ports. Of the patterns that
 * match the most exact one decides alone, as the deepest rule does of files:
 * the list is kept in that order, so it is the first one that matches. What no
 * pattern matches depends on the scheme: a pipe is allowed, for it connects
 * nothing but the processes of one sandbox; the network is refused.
 *
 * An address is looked at as the kernel will use it: an IPv4 address that is
 * written as an IPv6 one (::ffff:1.2.3.4) is an IPv4 address. (Where a client
 * of 0.0.0.0 or :: gets to is decided before, in tcp.c.)
 *
 * The list changes only before the first process starts, under sandbox->lock,
 * and is read without locks afterwards.
 */
#include <linux/in6.h>
#include <net/ipv6.h>

#include "stream.h"

/*
 * struct dk_net_rule - one pattern
 * @scheme:	of the names
 * @rights:	DK_ACCESS_*
 * @exact:	how much of the name is fixed: more goes first
 * @ports:	how many ports match: fewer goes first
 * @family:	of @address; 0: any
 * @bits:	of @address that count
 * @low, @high:	ports
 * @prefix:	pipes: @name is only the beginning
 */
struct dk_net_rule {
	struct list_head link;
	enum dk_scheme scheme;
	u32 rights;
	unsigned int exact, ports;
	u16 family, bits;
	u8 address[16];
	u16 low, high;
	bool prefix;
	char name[];
};

static bool bits_equal(const u8 *a, const u8 *b, unsigned int bits)
{
	u8 mask = 0xff << (8 - bits % 8);

	if (memcmp(a, b, bits / 8))
		return false;
	return !(bits % 8) || !((a[bits / 8] ^ b[bits / 8]) & mask);
}

/* ---- asking ---- */

static bool tcp_matches(const struct dk_net_rule *rule,
			const struct dk_address *address)
{
	if (address->port < rule->low || address->port > rule->high)
		return false;
	return !rule->family ||
	       (rule->family == address->family &&
		bits_equal(rule->address, address->address, rule->bits));
}

static void address_normalise(struct dk_address *address)
{
	if (!dk_address_mapped(address))
		return;
	address->family = 4;
	memmove(address->address, address->address + 12, 4);
	memset(address->address + 4, 0, 12);
}

/*
 * dk_tcp_allowed() - whether an address may be opened
 * @sandbox:	whose process asks
 * @scheme:	server or client
 * @address:	of which end; port 0 of a server: any that is free
 * @access:	DK_ACCESS_*
 */
bool dk_tcp_allowed(const struct dk_sandbox *sandbox, enum dk_scheme scheme,
		    const struct dk_address *address, u32 access)
{
	struct dk_address end = *address;
	const struct dk_net_rule *rule;

	address_normalise(&end);
	list_for_each_entry(rule, &sandbox->net_rules, link)
		if (rule->scheme == scheme && tcp_matches(rule, &end))
			return rule->rights && !(access & ~rule->rights);
	return false;
}

/* dk_pipe_allowed() - whether the name of a pipe may be opened */
bool dk_pipe_allowed(const struct dk_sandbox *sandbox, enum dk_scheme scheme,
		     const char *name, u32 access)
{
	const struct dk_net_rule *rule;

	list_for_each_entry(rule, &sandbox->net_rules, link) {
		if (rule->scheme != scheme)
			continue;
		if (rule->prefix ? !strncmp(name, rule->name, rule->exact) :
				   !strcmp(name, rule->name))
			return rule->rights && !(access & ~rule->rights);
	}
	return true;
}

/* ---- adding ---- */

static bool pipe_pattern(const char *text, struct dk_net_rule *rule)
{
	size_t length = strlen(text);

	rule->prefix = text[length - 1] == '*';
	if (rule->prefix)
		length--;
	memcpy(rule->name, text, length);
	if (strchr(rule->name, '*'))
		return false;
	/* A whole name before its beginnings, however long. */
	rule->exact = rule->prefix ? length : UINT_MAX;
	return true;
}

static bool tcp_pattern(const char *text, struct dk_net_rule *rule)
{
	struct dk_address address = { };
	u16 most, bits;

	if (*text == '*')
		text++;
	else if (!dk_address_parse(text, &address, &text) || address.scope)
		return false;
	most = address.family == 4 ? 32 : address.family == 6 ? 128 : 0;
	bits = most;
	if (most && *text == '/' &&
	    (!dk_port_parse(text + 1, &bits, &text) || bits > most))
		return false;
	if (*text != ':')
		return false;
	text++;
	rule->high = U16_MAX;
	if (*text == '*') {
		text++;
	} else {
		if (!dk_port_parse(text, &rule->low, &text))
			return false;
		rule->high = rule->low;
		if (*text == '-' &&
		    !dk_port_parse(text + 1, &rule->high, &text))
			return false;
	}
	if (*text || rule->high < rule->low)
		return false;
	rule->family = address.family;
	rule->bits = bits;
	memcpy(rule->address, address.address, sizeof(rule->address));
	rule->ports = rule->high - rule->low;
	/* Bits that do not count are not left out: 32 and 128 are the same. */
	rule->exact = most ? 1 + 128 - (most - bits) : 0;
	return true;
}

static bool same_pattern(const struct dk_net_rule *a,
			 const struct dk_net_rule *b)
{
	return a->scheme == b->scheme && a->family == b->family &&
	       a->bits == b->bits && a->low == b->low && a->high == b->high &&
	       a->prefix == b->prefix && !strcmp(a->name, b->name) &&
	       bits_equal(a->address, b->address, a->bits);
}

static long rule_insert(struct dk_sandbox *sandbox, struct dk_net_rule *rule)
{
	struct list_head *before = &sandbox->net_rules;
	struct dk_net_rule *other;

	list_for_each_entry(other, &sandbox->net_rules, link) {
		if (same_pattern(other, rule))
			return -EEXIST;
		if (before == &sandbox->net_rules &&
		    (rule->exact > other->exact ||
		     (rule->exact == other->exact &&
		      rule->ports < other->ports)))
			before = &other->link;
	}
	list_add_tail(&rule->link, before);
	return 0;
}

static const struct {
	const char *text;
	enum dk_scheme scheme;
} schemes[] = {
	{ "pipe.server:", DK_SCHEME_PIPE_SERVER },
	{ "pipe.client:", DK_SCHEME_PIPE_CLIENT },
	{ "tcp.server:", DK_SCHEME_TCP_SERVER },
	{ "tcp.client:", DK_SCHEME_TCP_CLIENT },
};

/*
 * dk_net_rule_add() - add a rule
 * @sandbox:	not started yet; its lock is held
 * @text:	the pattern, with its scheme
 * @rights:	DK_ACCESS_READ and WRITE; 0 forbids
 *
 * Return: 0, -EINVAL, -EEXIST, -ENOMEM.
 */
long dk_net_rule_add(struct dk_sandbox *sandbox, const char *text, u32 rights)
{
	struct dk_net_rule *rule;
	bool valid;
	long error;
	size_t i;

	lockdep_assert_held(&sandbox->lock);
	for (i = 0; i < ARRAY_SIZE(schemes); i++)
		if (!strncmp(text, schemes[i].text, strlen(schemes[i].text)))
			break;
	if (i == ARRAY_SIZE(schemes) ||
	    rights & ~(DK_ACCESS_READ | DK_ACCESS_WRITE))
		return -EINVAL;
	text += strlen(schemes[i].text);
	rule = kzalloc(struct_size(rule, name, strlen(text) + 1),
		       GFP_KERNEL_ACCOUNT);
	if (!rule)
		return -ENOMEM;
	rule->scheme = schemes[i].scheme;
	rule->rights = rights;
	if (rule->scheme == DK_SCHEME_PIPE_SERVER ||
	    rule->scheme == DK_SCHEME_PIPE_CLIENT)
		valid = pipe_pattern(text, rule);
	else
		valid = tcp_pattern(text, rule);
	error = valid ? rule_insert(sandbox, rule) : -EINVAL;
	if (error)
		kfree(rule);
	return error;
}

void dk_net_rules_destroy(struct dk_sandbox *sandbox)
{
	struct dk_net_rule *rule, *next;

	list_for_each_entry_safe(rule, next, &sandbox->net_rules, link)
		kfree(rule);
}
