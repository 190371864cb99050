// SPDX-License-Identifier: GPL-2.0-only
/*
 * dns:NAME - the addresses of a host, one a line.
 *
 * The monitor resolves the name, with whatever its system has for that; it
 * replies with addresses in binary, and the text is made here. So a wrong
 * monitor can at worst give wrong addresses. Opening the stream waits for the
 * reply; reading it then never waits.
 *
 * Host names are compared without regard to the case of letters, and to a dot at
 * the end, which says that a name is absolute: they all are. A rule is for
 * one name, for all that end in ".SUFFIX" (dns:*.SUFFIX), or for all (dns:*).
 * The most exact one decides: a name, then the longest suffix, then all.
 */
#include <linux/ctype.h>
#include <linux/string.h>

#include "request.h"
#include "stream.h"

#define NAME_MAX_DNS	253
#define LINE_MAX_DNS	48	/* an IPv6 address and its newline */

/* What a dns: stream reads: @text, from @position on. */
struct dk_dns {
	struct mutex lock;
	u64 position;
	size_t length;
	char text[];
};

struct dk_dns_rule {
	struct list_head link;
	u32 rights;
	char name[];		/* in small letters */
};

/* ---- names and rules ---- */

static long name_check(const char *name)
{
	size_t i, length = strlen(name);

	if (!length)
		return -EINVAL;
	if (length > NAME_MAX_DNS)
		return -ENAMETOOLONG;
	for (i = 0; i < length; i++)
		if (!isascii(name[i]) ||
		    !(isalnum(name[i]) || strchr("-._:", name[i])))
			return -EINVAL;
	return 0;
}

/* How much of @name counts. */
static size_t name_length(const char *name)
{
	size_t length = strlen(name);

	return length > 1 && name[length - 1] == '.' ? length - 1 : length;
}

/* How exactly @pattern is @name, of @length: 0 not at all. */
static size_t match(const char *pattern, const char *name, size_t length)
{
	size_t tail = strlen(pattern) - 1;

	if (pattern[0] != '*')
		return tail + 1 != length ||
		       strncasecmp(pattern, name, length) ? 0 : SIZE_MAX;
	if (length <= tail ||
	    strncasecmp(pattern + 1, name + length - tail, tail))
		return 0;
	return tail + 1;
}

static u32 rights_for(const struct dk_sandbox *sandbox, const char *name)
{
	size_t length = name_length(name), best = 0;
	const struct dk_dns_rule *rule;
	u32 rights = 0;

	list_for_each_entry(rule, &sandbox->dns_rules, link) {
		size_t exact = match(rule->name, name, length);

		if (exact > best) {
			best = exact;
			rights = rule->rights;
		}
	}
	return rights;
}

/**
 * dk_dns_rule_add() - add a rule for dns:
 * @sandbox:	not started yet; its lock is held
 * @pattern:	what follows the colon
 * @rights:	DK_ACCESS_READ, or 0
 *
 * Return: 0, -EINVAL, -ENAMETOOLONG, -EEXIST, -ENOMEM.
 */
long dk_dns_rule_add(struct dk_sandbox *sandbox, const char *pattern,
		     u32 rights)
{
	size_t i, length = name_length(pattern);
	struct dk_dns_rule *rule;
	long error = 0;

	lockdep_assert_held(&sandbox->lock);
	if (rights & ~DK_ACCESS_READ)
		return -EINVAL;
	if (pattern[0] != '*')
		error = name_check(pattern);
	else if (pattern[1])
		error = pattern[1] == '.' ? name_check(pattern + 2) : -EINVAL;
	if (error)
		return error;
	list_for_each_entry(rule, &sandbox->dns_rules, link)
		if (strlen(rule->name) == length &&
		    !strncasecmp(rule->name, pattern, length))
			return -EEXIST;
	rule = kzalloc(struct_size(rule, name, length + 1),
		       GFP_KERNEL_ACCOUNT);
	if (!rule)
		return -ENOMEM;
	rule->rights = rights;
	for (i = 0; i < length; i++)
		rule->name[i] = tolower(pattern[i]);
	list_add_tail(&rule->link, &sandbox->dns_rules);
	return 0;
}

void dk_dns_rules_destroy(struct dk_sandbox *sandbox)
{
	struct dk_dns_rule *rule, *next;

	list_for_each_entry_safe(rule, next, &sandbox->dns_rules, link)
		kfree(rule);
}

/* ---- the stream ---- */

static ssize_t dns_read(struct dk_stream *stream, u64 offset,
			void __user *buffer, size_t length)
{
	struct dk_dns *dns = stream->data;
	u64 at = offset;
	ssize_t done;

	if (offset == DK_OFFSET_CURRENT) {
		mutex_lock(&dns->lock);
		at = dns->position;
	} else if ((s64)offset < 0) {
		return -EINVAL;
	}
	done = at < dns->length ? min_t(u64, length, dns->length - at) : 0;
	if (done && copy_to_user(buffer, dns->text + at, done))
		done = -EFAULT;
	if (offset == DK_OFFSET_CURRENT) {
		if (done > 0)
			dns->position += done;
		mutex_unlock(&dns->lock);
	}
	return done;
}

static long dns_get_attributes(struct dk_stream *stream,
			       struct dk_stream_attributes *attributes)
{
	struct dk_dns *dns = stream->data;

	dk_null_attributes(attributes);
	attributes->type = DK_TYPE_FILE;
	attributes->mode = 0444;
	attributes->special = 0;
	attributes->length = dns->length;
	return 0;
}

static void dns_release(struct dk_stream *stream)
{
	struct dk_dns *dns = stream->data;

	mutex_destroy(&dns->lock);
	kfree(dns);
}

static const struct dk_stream_ops dns_ops = {
	.read = dns_read,
	.get_attributes = dns_get_attributes,
	.release = dns_release,
};

static long reply_check(s64 status, const void *reply, u32 length)
{
	const struct drawbridge_address *address = reply;
	u32 i, count = length / sizeof(*address);

	switch (status) {
	case 0:
		break;
	case DK_STATUS_NOT_FOUND:
	case DK_STATUS_IO_ERROR:
	case DK_STATUS_NO_MEMORY:
	case DK_STATUS_TIMEOUT:
		return 0;
	default:
		return -EINVAL;
	}
	if (!count || length % sizeof(*address))
		return -EINVAL;
	for (i = 0; i < count; i++)
		if ((address[i].family != 4 && address[i].family != 6) ||
		    address[i].reserved)
			return -EINVAL;
	return 0;
}

static struct dk_dns *make_text(const struct drawbridge_address *address,
				u32 count)
{
	struct dk_dns *dns;
	u32 i;

	dns = kzalloc(struct_size(dns, text, count * LINE_MAX_DNS + 1),
		      GFP_KERNEL_ACCOUNT);
	if (!dns)
		return NULL;
	mutex_init(&dns->lock);
	for (i = 0; i < count; i++)
		dns->length += scnprintf(dns->text + dns->length, LINE_MAX_DNS,
					 address[i].family == 4 ? "%pI4\n" :
								  "%pI6c\n",
					 address[i].address);
	return dns;
}

/**
 * dk_dns_open() - resolve a name
 * @stream:	gets its operations and its text
 * @name:	what follows the colon
 * @open:	how
 * @rights:	set to those that the handle shall have
 *
 * Return: 0 or a negative errno.
 */
long dk_dns_open(struct dk_stream *stream, const char *name,
		 const struct dk_open *open, u32 *rights)
{
	struct dk_sandbox *sandbox = stream->sandbox;
	struct dk_request request = {
		.type = DRAWBRIDGE_REQUEST_DNS,
		.data = name,
		.length = strlen(name),
		.check = reply_check,
	};
	char uri[NAME_MAX_DNS + 8];
	long error;

	error = name_check(name);
	if (error)
		return error;
	if (open->access & ~rights_for(sandbox, name) ||
	    !(open->access & DK_ACCESS_READ) || dk_open_truncates(open))
		return -EACCES;
	if (open->disposition == DK_OPEN_CREATE_NEW)
		return -EEXIST;
	if (open->options & DK_OPTION_DIRECTORY)
		return -ENOTDIR;

	if (sandbox->names) {
		snprintf(uri, sizeof(uri), "dns:%s", name);
		dk_learn_uri(sandbox, uri, DK_ACCESS_READ);
	}
	error = dk_request(sandbox, &request);
	if (!error) {
		stream->data = make_text(request.reply,
					    request.reply_length /
					    sizeof(struct drawbridge_address));
		error = stream->data ? 0 : -ENOMEM;
	}
	kvfree(request.reply);
	if (error)
		return error;
	stream->ops = &dns_ops;
	*rights = DK_RIGHT_READ;
	return 0;
}
