// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What the sandbox may name.
 *
 * A rule speaks for a path and everything below it, down to where another rule
 * begins: the deepest rule that holds a file decides alone. The kernel decides
 * by file, not by name, so paths are taken without their symbolic links here
 * too: two rules for one directory are seen to be that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picoexec.h"

#define READ_EXECUTE (DK_ACCESS_READ | DK_ACCESS_EXECUTE)
#define READ_WRITE (DK_ACCESS_READ | DK_ACCESS_WRITE)
#define ALL_RIGHTS (READ_EXECUTE | READ_WRITE)

static const struct rule defaults[] = {
	{ .path = "/", .rights = READ_EXECUTE },
	{ .path = "/tmp",
	  .rights = ALL_RIGHTS,
	  .flags = DRAWBRIDGE_RULE_PRIVATE },
	{ .path = "/dev/shm",
	  .rights = ALL_RIGHTS,
	  .flags = DRAWBRIDGE_RULE_PRIVATE },
	{ .path = "/dev/full", .rights = READ_WRITE },
	{ .path = "/dev/null", .rights = READ_WRITE },
	{ .path = "/dev/random", .rights = READ_WRITE },
	{ .path = "/dev/tty", .rights = READ_WRITE },
	{ .path = "/dev/urandom", .rights = READ_WRITE },
	{ .path = "/dev/zero", .rights = READ_WRITE },
};

/* What else than file: can be named; the kernel knows what may follow. */
static const char *const schemes[] = {
	"pipe.server", "pipe.client", "tcp.server", "tcp.client", "dns",
};

static struct rule *find_exact(struct rules *rules, const char *path)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->items[i].path && !strcmp(rules->items[i].path, path))
			return &rules->items[i];
	return NULL;
}

static struct rule *find_uri(struct rules *rules, const char *uri)
{
	for (size_t i = 0; i < rules->count; i++)
		if (!rules->items[i].path && !strcmp(rules->items[i].uri, uri))
			return &rules->items[i];
	return NULL;
}

static void append(struct rules *rules, const struct rule *rule)
{
	rules->items = xrealloc(rules->items,
				(rules->count + 1) * sizeof(*rules->items));
	rules->items[rules->count++] = *rule;
}

/* The later of two rules for one path, or one name, holds. */
static void set(struct rules *rules, const struct rule *rule)
{
	struct rule *old = rule->path ? find_exact(rules, rule->path) :
					find_uri(rules, rule->uri);

	if (!old) {
		append(rules, rule);
		return;
	}
	free(old->path);
	free(old->uri);
	free(old->where);
	*old = *rule;
}

static unsigned int parse_rights(const char *letters, const char *where)
{
	unsigned int rights = 0;

	if (!strcmp(letters, "-") || !strcmp(letters, "none"))
		return 0;
	for (const char *c = letters; *c; c++) {
		switch (*c) {
		case 'r':
			rights |= DK_ACCESS_READ;
			break;
		case 'w':
			rights |= DK_ACCESS_WRITE;
			break;
		case 'x':
			rights |= DK_ACCESS_EXECUTE;
			break;
		default:
			fail(EXIT_OWN_FAILURE,
			     "%s: '%c' is no right; rights are r, w and x, or none, private, absent",
			     where, *c);
		}
	}
	if (!rights)
		fail(EXIT_OWN_FAILURE,
		     "%s: no rights given; they are r, w and x, or none",
		     where);
	return rights;
}

static bool is_scheme(const char *uri, size_t length)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (strlen(schemes[i]) == length &&
		    !strncmp(schemes[i], uri, length))
			return true;
	return false;
}

/* The real path of a name that may not exist, in a directory that does. */
static char *absent_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char *parent, *real, *whole;

	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		errno = EINVAL;
		return NULL;
	}
	parent = slash ? xprintf("%.*s", (int)(slash + 1 - path), path) :
			 xstrdup(".");
	real = realpath(parent, NULL);
	free(parent);
	if (!real)
		return NULL;
	whole = xprintf("%s/%s", real[1] ? real : "", name);
	free(real);
	return whole;
}

void rules_add(struct rules *rules, const char *uri, const char *rights,
	       const char *directory, const char *where)
{
	bool private = !strcmp(rights, "private");
	bool absent = !strcmp(rights, "absent");
	const char *colon = strchr(uri, ':');
	struct rule rule = { .where = xstrdup(where) };
	char *path;

	if (!colon || !colon[1])
		fail(EXIT_OWN_FAILURE,
		     "%s: is no URI; file:PATH is one, for example", where);
	if (private) {
		rule.rights = ALL_RIGHTS;
		rule.flags = DRAWBRIDGE_RULE_PRIVATE;
	} else if (absent) {
		rule.flags = DRAWBRIDGE_RULE_ABSENT;
	} else {
		rule.rights = parse_rights(rights, where);
	}
	if (strncmp(uri, "file:", 5)) {
		if (!is_scheme(uri, colon - uri))
			fail(EXIT_OWN_FAILURE,
			     "%s: no such scheme; there are file, pipe.server, pipe.client, tcp.server, tcp.client and dns",
			     where);
		if (private)
			fail(EXIT_OWN_FAILURE,
			     "%s: only a directory can be private", where);
		if (absent)
			fail(EXIT_OWN_FAILURE, "%s: only a file: can be absent",
			     where);
		rule.uri = xstrdup(uri);
		set(rules, &rule);
		return;
	}
	path = colon[1] == '/' || !*directory ?
		       xstrdup(colon + 1) :
		       xprintf("%s/%s", directory, colon + 1);
	rule.path = absent ? absent_path(path) : realpath(path, NULL);
	if (!rule.path)
		fail(EXIT_OWN_FAILURE, "%s: %s: %s", where, path,
		     strerror(errno));
	free(path);
	set(rules, &rule);
}

void rules_parse(struct rules *rules, const char *text)
{
	char *where = xprintf("--allow %s", text);
	const char *equals = strrchr(text, '=');
	char *uri;

	if (!equals)
		fail(EXIT_OWN_FAILURE,
		     "--allow %s: has no '='; a rule is URI=RIGHTS, for example file:/srv=rw",
		     text);
	uri = xprintf("%.*s", (int)(equals - text), text);
	rules_add(rules, uri, equals + 1, "", where);
	free(uri);
	free(where);
}

void rules_parse_private(struct rules *rules, const char *text)
{
	char *where = xprintf("--private %s", text);

	rules_add(rules, text, "private", "", where);
	free(where);
}

void rules_merge(struct rules *rules, struct rules *later)
{
	for (size_t i = 0; i < later->count; i++)
		set(rules, &later->items[i]);
	free(later->items);
	later->items = NULL;
	later->count = 0;
}

static const char *expected(const char *uri, unsigned int rights)
{
	bool dns = !strncmp(uri, "dns:", 4);

	if (rights & ~(dns ? DK_ACCESS_READ : READ_WRITE))
		return dns ? "rights of a host's name are r or none" :
			     "rights are r, w, rw or none here; only a file: has x";
	if (dns)
		return "a host's name expected behind dns:, or *.SUFFIX, or *";
	if (!strncmp(uri, "pipe.", 5))
		return "a pipe's name expected, with a * at its end or none";
	return "ADDRESS:PORT expected: an IPv4 address, an IPv6 address in brackets, either maybe with /BITS, or *; and a port, a range as 8000-8099, or *";
}

const char *rule_refusal(const struct rule *rule, int error)
{
	switch (error) {
	case E2BIG:
		return xprintf("too many rules: %d is the limit",
			       DRAWBRIDGE_RULES_MAX);
	case EEXIST:
		return "another rule is for the same, written in another way";
	case ENOTDIR:
		if (rule->flags & DRAWBRIDGE_RULE_PRIVATE)
			return "only a directory can be private";
		break;
	case ENAMETOOLONG:
		return "the name is too long";
	case EINVAL:
		if (!rule->path)
			return expected(rule->uri, rule->rights);
		break;
	}
	return xprintf("the kernel refuses it: %s", strerror(error));
}

bool rules_need_network(const struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (!rules->items[i].path && rules->items[i].rights &&
		    !strncmp(rules->items[i].uri, "tcp.", 4))
			return true;
	return false;
}

void rules_add_defaults(struct rules *rules)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++) {
		/* A machine without one of these is not at fault. */
		char *path = realpath(defaults[i].path, NULL);

		struct rule rule = defaults[i];

		rule.path = path;
		if (path && !find_exact(rules, path))
			append(rules, &rule);
		else
			free(path);
	}
}

/* @path is @top or lies below it. */
static bool holds(const char *top, const char *path)
{
	size_t length = strlen(top);

	if (length == 1)
		return true;
	return !strncmp(top, path, length) &&
	       (!path[length] || path[length] == '/');
}

const struct rule *rules_find(const struct rules *rules, const char *path)
{
	const struct rule *deepest = NULL;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->items[i];

		if (!rule->path || !holds(rule->path, path))
			continue;
		if (!deepest || strlen(rule->path) > strlen(deepest->path))
			deepest = rule;
	}
	return deepest;
}

bool rule_hides(const struct rule *rule, const char *path)
{
	return (rule->flags & DRAWBRIDGE_RULE_PRIVATE) &&
	       strcmp(rule->path, path);
}
