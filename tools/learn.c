// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Learning: a manifest out of what a program did.
 *
 * The kernel tells each place that the rules decided about, and the rights
 * that were needed there. Rules for exactly these would be many, and too tight
 * for the next run. So, in this order:
 *
 *  - A directory in which names were made or removed is one rule with all that
 *    was done below it: what is made there has another name next time.
 *  - A directory out of which many files were used is one rule, too.
 *  - A directory that was only looked at gets no rule when it is "/" or right
 *    below it: the rule would open all that is in it.
 *  - A file that was moved, or linked, needs at its new place no right that its
 *    old one does not have; the old place gets them.
 *  - A rule that says what the one above it says is left out.
 *  - A name that was not there is "absent" where no rule lets the program look
 *    for itself: it then gets the same answer again.
 *
 * All of it depends on the set of names alone, not on their order.
 */
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "picoexec.h"

#define MANY		8	/* files of one directory */
#define RULES_MOST	(DRAWBRIDGE_RULES_MAX - 16)
#define ANY		0x80000000U	/* was looked at: some right is needed */

struct place {
	char *path;
	unsigned int rights;
};

struct places {
	struct place *items;
	size_t count;
};

struct move {
	char *from, *to;
};

/*
 * struct learn - what was named
 * @files:  paths;  @others: URIs that are no files'
 * @absent: paths that nothing had
 */
struct learn {
	FILE *file;
	const char *name;
	struct places files, others, absent;
	struct move *moves;
	size_t move_count;
};

struct learn *learn_open(const char *file)
{
	struct learn *learn = xrealloc(NULL, sizeof(*learn));

	memset(learn, 0, sizeof(*learn));
	learn->name = file;
	learn->file = fopen(file, "we");
	if (!learn->file)
		fail(EXIT_OWN_FAILURE, "--learn %s: %s", file, strerror(errno));
	return learn;
}

void learn_rules(struct rules *rules)
{
	static const char *const all[][2] = {
		{ "file:/", "rwx" },
		{ "dns:*", "r" },
		{ "tcp.client:*:*", "rw" },
		{ "tcp.server:*:*", "rw" },
	};
	struct rules permissive = { 0 };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		rules_add(&permissive, all[i][0], all[i][1], "", "--learn");
	rules_merge(&permissive, rules);
	*rules = permissive;
}

/* ---- taking ---- */

static void add(struct places *places, char *path, unsigned int rights)
{
	for (size_t i = 0; i < places->count; i++) {
		if (!strcmp(places->items[i].path, path)) {
			places->items[i].rights |= rights;
			free(path);
			return;
		}
	}
	places->items = xrealloc(places->items,
				 (places->count + 1) * sizeof(*places->items));
	places->items[places->count++] = (struct place){ path, rights };
}

static void take(struct learn *learn, const struct drawbridge_name *name)
{
	char *uri =
		xprintf("%.*s", (int)name->uri_length, (const char *)name->uri);

	if (name->flags & DRAWBRIDGE_NAME_MOVE) {
		size_t first = strlen(uri);
		char *to = xprintf("%.*s", (int)(name->uri_length - first - 1),
				   (const char *)name->uri + first + 1);

		learn->moves =
			xrealloc(learn->moves,
				 (learn->move_count + 1) * sizeof(struct move));
		learn->moves[learn->move_count++] =
			(struct move){ xstrdup(uri + 5), xstrdup(to + 5) };
		free(to);
		free(uri);
	} else if (name->flags & DRAWBRIDGE_NAME_ABSENT) {
		add(&learn->absent, xstrdup(uri + 5), 0);
		free(uri);
	} else if (!strncmp(uri, "file:", 5)) {
		add(&learn->files, xstrdup(uri + 5), name->rights ?: ANY);
		free(uri);
	} else if (!strncmp(uri, "tcp.", 4)) {
		add(&learn->others, learn_tcp_rule(uri), name->rights);
		free(uri);
	} else {
		add(&learn->others, uri, name->rights);
	}
}

void learn_take(struct learn *learn, const struct sandbox *sandbox)
{
	static uint64_t buffer[8192];
	struct drawbridge_names wanted = {
		.buffer = (uintptr_t)buffer,
		.length = sizeof(buffer),
	};
	int length;

	while ((length = ioctl(sandbox->device, DRAWBRIDGE_IOC_NAMES,
			       &wanted)) > 0) {
		for (char *at = (char *)buffer; at < (char *)buffer + length;) {
			const struct drawbridge_name *name = (void *)at;

			take(learn, name);
			at += name->size;
		}
	}
}

/* ---- generalising ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->path,
		      ((const struct place *)b)->path);
}

/* @path lies below @top, and is not it. */
static bool below(const char *path, const char *top)
{
	size_t length = strlen(top);

	if (!strcmp(top, "/"))
		return path[1];
	return !strncmp(path, top, length) && path[length] == '/';
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static char *parent_of(const char *path)
{
	size_t length = strrchr(path, '/') - path;

	return length ? xprintf("%.*s", (int)length, path) : xstrdup("/");
}

static void drop(struct places *places, size_t i)
{
	free(places->items[i].path);
	memmove(&places->items[i], &places->items[i + 1],
		(--places->count - i) * sizeof(*places->items));
}

/* Make one of @top and everything below it. */
static void collapse(struct places *places, const char *top)
{
	unsigned int rights = 0;

	for (size_t i = places->count; i--;) {
		const char *path = places->items[i].path;

		if (strcmp(path, top) && !below(path, top))
			continue;
		rights |= places->items[i].rights;
		drop(places, i);
	}
	add(places, xstrdup(top), rights & ~ANY ?: ANY);
	qsort(places->items, places->count, sizeof(*places->items), compare);
}

/* Directories that were written in; what is gone belongs to where it was. */
static void collapse_written(struct places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->items[i];
		struct stat st;
		char *top;

		if (!lstat(place->path, &st)) {
			if (S_ISDIR(st.st_mode) &&
			    place->rights & DK_ACCESS_WRITE) {
				top = xstrdup(place->path);
				collapse(places, top);
				free(top);
			}
			continue;
		}
		top = parent_of(place->path);
		while (strcmp(top, "/") && !is_directory(top)) {
			char *up = parent_of(top);

			free(top);
			top = up;
		}
		/* One that stays is found again, before this place or at it. */
		add(places, top, place->rights);
		drop(places, i);
		qsort(places->items, places->count, sizeof(*places->items),
		      compare);
		i = -1;
	}
}

/* Directories with more than @many names below them in the list. */
static void collapse_many(struct places *places, size_t many)
{
	for (size_t i = 0; i < places->count; i++) {
		char *top = parent_of(places->items[i].path);
		size_t count = 0;

		for (size_t j = 0; j < places->count; j++) {
			const char *path = places->items[j].path;

			if (below(path, top) &&
			    !strchr(path + strlen(top) + (top[1] != 0), '/'))
				count++;
		}
		/* Not the root, and not all of the machine's configuration. */
		if (count > many && strrchr(top, '/') != top && top[1]) {
			collapse(places, top);
			i = -1;
		}
		free(top);
	}
}

static struct place *rule_of(struct places *places, const char *path)
{
	struct place *best = NULL;

	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->items[i];

		if (!strcmp(place->path, path) || below(path, place->path))
			best = place; /* sorted: the deepest comes last */
	}
	return best;
}

static void match_moves(struct learn *learn)
{
	bool changed;

	do {
		changed = false;
		for (size_t i = 0; i < learn->move_count; i++) {
			struct place *from =
				rule_of(&learn->files, learn->moves[i].from);
			struct place *to =
				rule_of(&learn->files, learn->moves[i].to);

			if (!from || !to || !(to->rights & ~from->rights))
				continue;
			from->rights |= to->rights;
			changed = true;
		}
	} while (changed);
}

/* "Any right" becomes the right to read, or is left out. */
static void settle_looks(struct places *places)
{
	for (size_t i = places->count; i--;) {
		struct place *place = &places->items[i];

		if (place->rights & ~ANY) {
			place->rights &= ~ANY;
		} else if (is_directory(place->path) &&
			   strrchr(place->path, '/') == place->path) {
			drop(places, i);
		} else {
			place->rights = DK_ACCESS_READ;
		}
	}
}

static void drop_repetitions(struct places *places)
{
	for (size_t i = places->count; i--;) {
		struct place *place = &places->items[i];
		struct place *above = NULL;

		for (size_t j = 0; j < i; j++)
			if (below(place->path, places->items[j].path))
				above = &places->items[j];
		if (above && above->rights == place->rights)
			drop(places, i);
	}
}

/* What can be seen, has appeared, or was in what is gone needs no rule. */
static void settle_absent(struct learn *learn)
{
	struct places *absent = &learn->absent;

	qsort(absent->items, absent->count, sizeof(*absent->items), compare);
	for (size_t i = absent->count; i--;) {
		const char *path = absent->items[i].path;
		char *parent = parent_of(path);
		struct place *above = rule_of(&learn->files, parent);
		struct stat st;

		if ((above && above->rights) || !is_directory(parent) ||
		    !lstat(path, &st))
			drop(absent, i);
		free(parent);
	}
}

static void generalise(struct learn *learn)
{
	struct places *files = &learn->files;

	qsort(files->items, files->count, sizeof(*files->items), compare);
	qsort(learn->others.items, learn->others.count,
	      sizeof(*learn->others.items), compare);
	collapse_written(files);
	settle_looks(files);
	for (size_t many = MANY; many; many /= 2) {
		collapse_many(files, many);
		match_moves(learn);
		drop_repetitions(files);
		if (files->count + learn->others.count < RULES_MOST)
			break;
	}
	settle_absent(learn);
}

/* ---- writing ---- */

/* Whatever the locale is: a manifest is UTF-8. */
static bool is_utf8(const char *text)
{
	iconv_t converter = iconv_open("UCS-4", "UTF-8");
	size_t left = strlen(text), room, done = 0;
	char *from = (char *)text, to[256], *end;

	while (left && (done != (size_t)-1 || errno == E2BIG)) {
		end = to;
		room = sizeof(to);
		done = iconv(converter, &from, &left, &end, &room);
	}
	iconv_close(converter);
	return !left;
}

/* In double quotes, as YAML has them; false if it cannot be said. */
static bool write_text(FILE *file, const char *text)
{
	if (!is_utf8(text))
		return false;
	fputc('"', file);
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(file, "\\%c", *c);
		else if ((unsigned char)*c < ' ' || *c == 0x7f)
			fprintf(file, "\\x%02x", (unsigned char)*c);
		else
			fputc(*c, file);
	}
	fputc('"', file);
	return true;
}

static void write_value(FILE *file, const char *key, const char *text)
{
	fprintf(file, "%s: ", key);
	if (!write_text(file, text))
		fputs("null # not UTF-8", file);
	fputc('\n', file);
}

static void write_rule(FILE *file, const char *scheme, const char *rest,
		       unsigned int rights, unsigned int flags)
{
	char *uri = xprintf("%s%s", scheme, rest);

	fputs("  ", file);
	if (!write_text(file, uri))
		fputs("# a name that is not UTF-8", file);
	if (flags & DRAWBRIDGE_RULE_PRIVATE)
		fputs(": private", file);
	else if (flags & DRAWBRIDGE_RULE_ABSENT)
		fputs(": absent", file);
	else if (!rights)
		fputs(": none", file);
	else
		fprintf(file, ": %s%s%s", rights & DK_ACCESS_READ ? "r" : "",
			rights & DK_ACCESS_WRITE ? "w" : "",
			rights & DK_ACCESS_EXECUTE ? "x" : "");
	fputc('\n', file);
	free(uri);
}

static void write_limits(FILE *file, const struct drawbridge_limits *limits)
{
	const struct {
		const char *name;
		uint64_t value;
		const char *unit;
	} rows[] = {
		{ "memory", limits->memory, "" },
		{ "cpu-time", (limits->cpu_time + 999999) / 1000000, "ms" },
		{ "processes", limits->processes, "" },
		{ "threads", limits->threads, "" },
		{ "handles", limits->handles, "" },
	};
	bool begun = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!rows[i].value)
			continue;
		if (!begun)
			fputs("limits:\n", file);
		begun = true;
		fprintf(file, "  %s: %llu%s\n", rows[i].name,
			(unsigned long long)rows[i].value, rows[i].unit);
	}
}

/* @text, which the program was started with: the manifest cannot do without. */
static void write_given(const struct learn *learn, const char *text)
{
	if (!write_text(learn->file, text))
		fail(EXIT_OWN_FAILURE,
		     "--learn %s: a manifest cannot hold what is not UTF-8, as %s is",
		     learn->name, text);
}

static void write_list(const struct learn *learn, const char *key,
		       const struct strings *list, size_t first,
		       const char *indent)
{
	if (list->count <= first)
		return;
	fprintf(learn->file, "%s%s:\n", indent, key);
	for (size_t i = first; i < list->count; i++) {
		fprintf(learn->file, "%s  - ", indent);
		write_given(learn, list->items[i]);
		fputc('\n', learn->file);
	}
}

/* What the user said of it; what came from outside is none of the program's. */
static void write_environment(const struct learn *learn,
			      const struct options *options)
{
	const struct strings *set = &options->set;

	if (!options->clear && !set->count)
		return;
	fputs("environment:\n", learn->file);
	if (options->clear && !options->keep.count)
		fputs("  clear: yes\n", learn->file);
	write_list(learn, "keep", &options->keep, 0, "  ");
	if (set->count)
		fputs("  set:\n", learn->file);
	for (size_t i = 0; i < set->count; i++) {
		const char *value = strchr(set->items[i], '=') + 1;
		char *name = xprintf("%.*s", (int)(value - 1 - set->items[i]),
				     set->items[i]);

		fputs("    ", learn->file);
		write_given(learn, name);
		fputs(": ", learn->file);
		write_given(learn, value);
		fputc('\n', learn->file);
		free(name);
	}
}

/* What the user said of private and forbidden places and names stays. */
static bool stays(const struct rule *rule)
{
	return !rule->rights || rule->flags & DRAWBRIDGE_RULE_PRIVATE;
}

/* As many as there is room for. */
static void write_absent(const struct learn *learn,
			 const struct options *options)
{
	size_t count = learn->files.count + learn->others.count;

	for (size_t i = 0; i < learn->absent.count; i++) {
		const char *path = learn->absent.items[i].path;
		const struct rule *rule = rules_find(&options->rules, path);

		if (rule && stays(rule))
			continue;
		if (count++ >= RULES_MOST) {
			fputs("  # and more names that were not there\n",
			      learn->file);
			return;
		}
		write_rule(learn->file, "file:", path, 0,
			   DRAWBRIDGE_RULE_ABSENT);
	}
}

void learn_write(struct learn *learn, const struct options *options,
		 const char *program, const char *directory)
{
	FILE *file = learn->file;

	generalise(learn);
	fputs("# What a program needed, as picoexec --learn saw it.\n", file);
	write_value(file, options->image ? "image" : "program", program);
	write_list(learn, "arguments", &options->arguments, 1, "");
	write_value(file, "directory", directory);
	write_environment(learn, options);
	fputs("default-rules: no\nrules:\n", file);
	for (size_t i = 0; i < options->rules.count; i++) {
		const struct rule *rule = &options->rules.items[i];

		if (stays(rule))
			write_rule(file, rule->path ? "file:" : "",
				   rule->path ? rule->path : rule->uri,
				   rule->rights, rule->flags);
	}
	for (size_t i = 0; i < learn->files.count; i++) {
		const struct place *place = &learn->files.items[i];
		const struct rule *rule =
			rules_find(&options->rules, place->path);

		/* One for the same place has been written. */
		if (rule && stays(rule) && !strcmp(rule->path, place->path))
			continue;
		write_rule(file, "file:", place->path, place->rights, 0);
	}
	write_absent(learn, options);
	for (size_t i = 0; i < learn->others.count; i++)
		write_rule(file, "", learn->others.items[i].path,
			   learn->others.items[i].rights, 0);
	write_limits(file, &options->limits);
	if (options->allow_wx)
		fputs("wx: yes\n", file);
	if (fclose(file))
		fail(EXIT_OWN_FAILURE, "--learn %s: %s", learn->name,
		     strerror(errno));
}
