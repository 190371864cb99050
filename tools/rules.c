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

#define READ_EXECUTE	(DK_ACCESS_READ | DK_ACCESS_EXECUTE)
#define READ_WRITE	(DK_ACCESS_READ | DK_ACCESS_WRITE)
#define ALL_RIGHTS	(READ_EXECUTE | READ_WRITE)

static const struct rule defaults[] = {
	{ "/", READ_EXECUTE, 0 },
	{ "/tmp", ALL_RIGHTS, DRAWBRIDGE_RULE_PRIVATE },
	{ "/dev/full", READ_WRITE, 0 },
	{ "/dev/null", READ_WRITE, 0 },
	{ "/dev/random", READ_WRITE, 0 },
	{ "/dev/tty", READ_WRITE, 0 },
	{ "/dev/urandom", READ_WRITE, 0 },
	{ "/dev/zero", READ_WRITE, 0 },
};

static struct rule *find_exact(struct rules *rules, const char *path)
{
	for (size_t i = 0; i < rules->count; i++)
		if (!strcmp(rules->items[i].path, path))
			return &rules->items[i];
	return NULL;
}

static void append(struct rules *rules, char *path, unsigned int rights,
		   unsigned int flags)
{
	rules->items = xrealloc(rules->items,
				(rules->count + 1) * sizeof(*rules->items));
	rules->items[rules->count++] = (struct rule){ path, rights, flags };
}

/* The later of two rules for one path holds. */
static void set(struct rules *rules, char *path, unsigned int rights,
		unsigned int flags)
{
	struct rule *rule = find_exact(rules, path);

	if (!rule) {
		append(rules, path, rights, flags);
		return;
	}
	rule->rights = rights;
	rule->flags = flags;
	free(path);
}

static const char *skip_scheme(const char *uri, const char *option)
{
	if (strncmp(uri, "file:", 5) || !uri[5])
		fail(EXIT_OWN_FAILURE, "%s %s: only file:PATH can be named",
		     option, uri);
	return uri + 5;
}

static char *resolve(const char *path, const char *option, const char *text)
{
	char *real = realpath(path, NULL);

	if (!real)
		fail(EXIT_OWN_FAILURE, "%s %s: %s: %s", option, text, path,
		     strerror(errno));
	return real;
}

static unsigned int parse_rights(const char *letters, const char *text)
{
	unsigned int rights = 0;

	if (!strcmp(letters, "-"))
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
			     "--allow %s: '%c' is no right; rights are r, w and x, or - for none",
			     text, *c);
		}
	}
	if (!rights)
		fail(EXIT_OWN_FAILURE,
		     "--allow %s: no rights given; they are r, w and x, or - for none",
		     text);
	return rights;
}

void rules_parse(struct rules *rules, const char *text)
{
	const char *equals = strrchr(text, '=');
	char *uri, *path;

	if (!equals)
		fail(EXIT_OWN_FAILURE,
		     "--allow %s: has no '='; a rule is file:PATH=RIGHTS, for example file:/srv=rw",
		     text);
	uri = xprintf("%.*s", (int)(equals - text), text);
	path = resolve(skip_scheme(uri, "--allow"), "--allow", text);
	set(rules, path, parse_rights(equals + 1, text), 0);
	free(uri);
}

void rules_parse_private(struct rules *rules, const char *text)
{
	char *path = resolve(skip_scheme(text, "--private"), "--private", text);

	set(rules, path, ALL_RIGHTS, DRAWBRIDGE_RULE_PRIVATE);
}

void rules_add_defaults(struct rules *rules)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++) {
		/* A machine without one of these is not at fault. */
		char *path = realpath(defaults[i].path, NULL);

		if (path && !find_exact(rules, path))
			append(rules, path, defaults[i].rights,
			       defaults[i].flags);
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

		if (!holds(rule->path, path))
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
