// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Manifests: what is to run in which sandbox, written down in YAML.
 *
 * libyaml builds the tree of the document and keeps for each node the line and
 * column that it began at. A table says which keys a mapping may have and what
 * reads each of them; a key that is in no table, or twice in the file, is a
 * mistake like any other and is reported with its place. Nothing is guessed: a
 * sandbox that is not what somebody meant is worse than one that does not
 * start.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "picoexec.h"

struct reader {
	const char *file;
	char *directory; /* that relative paths start at */
	yaml_document_t document;
	struct manifest *manifest;
};

struct key {
	const char *name;
	void (*read)(struct reader *reader, yaml_node_t *value);
};

static void fail_at(const struct reader *reader, const yaml_node_t *node,
		    const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

static void fail_at(const struct reader *reader, const yaml_node_t *node,
		    const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		fail(EXIT_OWN_FAILURE, "out of memory");
	va_end(args);
	fail(EXIT_OWN_FAILURE, "%s:%zu:%zu: %s", reader->file,
	     node->start_mark.line + 1, node->start_mark.column + 1, text);
}

/* ---- nodes ---- */

static yaml_node_t *node_of(struct reader *reader, int index)
{
	return yaml_document_get_node(&reader->document, index);
}

static const char *kind(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SCALAR_NODE:
		return "a single value";
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a mapping";
	default:
		return "nothing";
	}
}

/* The text of @node, which the caller may keep; @wanted is for the message. */
static char *text_of(struct reader *reader, yaml_node_t *node,
		     const char *wanted)
{
	if (node->type != YAML_SCALAR_NODE)
		fail_at(reader, node, "%s expected, not %s", wanted,
			kind(node));
	if (strlen((char *)node->data.scalar.value) != node->data.scalar.length)
		fail_at(reader, node, "%s must not hold a zero byte", wanted);
	return xstrdup((char *)node->data.scalar.value);
}

static char *word_of(struct reader *reader, yaml_node_t *node,
		     const char *wanted)
{
	char *text = text_of(reader, node, wanted);

	if (!*text)
		fail_at(reader, node, "%s expected, not an empty value",
			wanted);
	return text;
}

static bool boolean_of(struct reader *reader, yaml_node_t *node,
		       const char *wanted)
{
	static const char *const words[][2] = {
		{ "false", "true" },
		{ "no", "yes" },
		{ "off", "on" },
	};
	char *text = text_of(reader, node, wanted);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		for (int value = 0; value < 2; value++) {
			if (!strcasecmp(text, words[i][value])) {
				free(text);
				return value;
			}
		}
	}
	fail_at(reader, node, "%s is true or false, not '%s'", wanted, text);
}

/* A file's path, in terms of picoexec's working directory. */
static char *path_of(struct reader *reader, yaml_node_t *node,
		     const char *wanted)
{
	char *text = word_of(reader, node, wanted), *path;

	if (*text == '/' || !*reader->directory)
		return text;
	path = xprintf("%s/%s", reader->directory, text);
	free(text);
	return path;
}

static void strings_of(struct reader *reader, yaml_node_t *node,
		       const char *wanted, struct strings *list)
{
	if (node->type != YAML_SEQUENCE_NODE)
		fail_at(reader, node, "a list of %s expected, not %s", wanted,
			kind(node));
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++)
		strings_add(list,
			    text_of(reader, node_of(reader, *item), wanted));
}

/* Refuse what stands in @node twice; @what are its keys. */
static void check_keys(struct reader *reader, yaml_node_t *node,
		       const char *what)
{
	yaml_node_pair_t *start = node->data.mapping.pairs.start;

	for (yaml_node_pair_t *pair = start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = node_of(reader, pair->key);
		char *name = word_of(reader, key, what);

		for (yaml_node_pair_t *other = start; other < pair; other++) {
			yaml_node_t *before = node_of(reader, other->key);

			if (!strcmp((char *)before->data.scalar.value, name))
				fail_at(reader, key,
					"'%s' stands in line %zu already", name,
					before->start_mark.line + 1);
		}
		free(name);
	}
}

/*
 * Show each pair of the mapping @node to @take. @wanted is for messages, and
 * @key what a key is.
 */
static void read_pairs(struct reader *reader, yaml_node_t *node,
		       const char *wanted, const char *key,
		       void (*take)(struct reader *reader, yaml_node_t *key,
				    const char *name, yaml_node_t *value))
{
	if (node->type != YAML_MAPPING_NODE)
		fail_at(reader, node, "%s expected, not %s", wanted,
			kind(node));
	check_keys(reader, node, key);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = node_of(reader, pair->key);

		take(reader, name, (char *)name->data.scalar.value,
		     node_of(reader, pair->value));
	}
}

static void read_mapping(struct reader *reader, yaml_node_t *node,
			 const char *what, const struct key *keys)
{
	if (node->type != YAML_MAPPING_NODE)
		fail_at(reader, node, "%s: a mapping expected, not %s", what,
			kind(node));
	check_keys(reader, node, "a key");
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = node_of(reader, pair->key);
		const char *text = (char *)name->data.scalar.value;
		const struct key *key = keys;
		char *known = xstrdup("");

		while (key->name && strcmp(key->name, text)) {
			char *longer = xprintf("%s%s%s", known,
					       *known ? ", " : "", key->name);

			free(known);
			known = longer;
			key++;
		}
		if (!key->name)
			fail_at(reader, name,
				"%s: no such key '%s'; there are %s", what,
				text, known);
		free(known);
		key->read(reader, node_of(reader, pair->value));
	}
}

/* ---- what a manifest has ---- */

static void read_program(struct reader *reader, yaml_node_t *value)
{
	char *name = word_of(reader, value, "program: a name or path");

	/* A name is looked up in PATH; a path is one. */
	if (strchr(name, '/')) {
		free(name);
		name = path_of(reader, value, "program: a path");
	}
	reader->manifest->program = name;
}

static void read_arguments(struct reader *reader, yaml_node_t *value)
{
	strings_of(reader, value, "arguments", &reader->manifest->arguments);
}

static void read_image(struct reader *reader, yaml_node_t *value)
{
	reader->manifest->image = path_of(reader, value, "image: a path");
}

static void read_directory(struct reader *reader, yaml_node_t *value)
{
	reader->manifest->directory =
		path_of(reader, value, "directory: a path");
}

static void take_variable(struct reader *reader, yaml_node_t *key,
			  const char *name, yaml_node_t *value)
{
	char *text = text_of(reader, value, "a variable's value");

	if (strchr(name, '='))
		fail_at(reader, key, "a variable's name has no '=' in it");
	strings_add(&reader->manifest->set, xprintf("%s=%s", name, text));
	free(text);
}

static void read_set(struct reader *reader, yaml_node_t *value)
{
	read_pairs(reader, value, "set: a mapping of names to values",
		   "a variable's name", take_variable);
}

static void read_keep(struct reader *reader, yaml_node_t *value)
{
	strings_of(reader, value, "names of variables",
		   &reader->manifest->keep);
	reader->manifest->clear = true;
}

static void read_clear(struct reader *reader, yaml_node_t *value)
{
	reader->manifest->clear = boolean_of(reader, value, "clear");
}

static void read_environment(struct reader *reader, yaml_node_t *value)
{
	static const struct key keys[] = {
		{ "set", read_set },
		{ "clear", read_clear },
		{ "keep", read_keep },
		{ 0 },
	};

	read_mapping(reader, value, "environment", keys);
	if (reader->manifest->keep.count && !reader->manifest->clear)
		fail_at(reader, value,
			"environment: 'keep' and 'clear: false' exclude each other");
}

static void take_rule(struct reader *reader, yaml_node_t *key, const char *uri,
		      yaml_node_t *value)
{
	char *rights = word_of(reader, value, "rights");
	char *where = xprintf("%s:%zu:%zu: %s", reader->file,
			      key->start_mark.line + 1,
			      key->start_mark.column + 1, uri);

	rules_add(&reader->manifest->rules, uri, rights, reader->directory,
		  where);
	free(rights);
	free(where);
}

static void read_rules(struct reader *reader, yaml_node_t *value)
{
	read_pairs(reader, value, "rules: a mapping of URIs to rights", "a URI",
		   take_rule);
}

static void read_default_rules(struct reader *reader, yaml_node_t *value)
{
	reader->manifest->no_default_rules =
		!boolean_of(reader, value, "default-rules");
}

static void read_wx(struct reader *reader, yaml_node_t *value)
{
	reader->manifest->allow_wx = boolean_of(reader, value, "wx");
}

static void take_limit(struct reader *reader, yaml_node_t *key,
		       const char *name, yaml_node_t *value)
{
	char *text = word_of(reader, value, "an amount");
	const char *wrong;

	wrong = limits_set(&reader->manifest->limits, name, text);
	if (wrong)
		fail_at(reader, limits_known(name) ? value : key, "%s", wrong);
	free(text);
}

static void read_limits(struct reader *reader, yaml_node_t *value)
{
	read_pairs(reader, value, "limits: a mapping of names to values",
		   "a limit's name", take_limit);
}

static const struct key keys[] = {
	{ "program", read_program },
	{ "arguments", read_arguments },
	{ "image", read_image },
	{ "directory", read_directory },
	{ "environment", read_environment },
	{ "rules", read_rules },
	{ "default-rules", read_default_rules },
	{ "limits", read_limits },
	{ "wx", read_wx },
	{ 0 },
};

static void load(struct reader *reader)
{
	FILE *file = fopen(reader->file, "re");
	yaml_document_t second;
	yaml_parser_t parser;

	if (!file)
		fail(EXIT_OWN_FAILURE, "%s: %s", reader->file, strerror(errno));
	if (!yaml_parser_initialize(&parser))
		fail(EXIT_OWN_FAILURE, "out of memory");
	yaml_parser_set_input_file(&parser, file);
	if (!yaml_parser_load(&parser, &reader->document)) {
		yaml_mark_t *mark = &parser.problem_mark;

		if (ferror(file))
			fail(EXIT_OWN_FAILURE, "%s: cannot be read",
			     reader->file);
		fail(EXIT_OWN_FAILURE, "%s:%zu:%zu: %s%s%s", reader->file,
		     mark->line + 1, mark->column + 1,
		     parser.context ? parser.context : "",
		     parser.context ? ": " : "",
		     parser.problem ? parser.problem : "not YAML");
	}
	if (!yaml_document_get_root_node(&reader->document))
		fail(EXIT_OWN_FAILURE, "%s:1:1: the manifest is empty",
		     reader->file);
	if (!yaml_parser_load(&parser, &second))
		fail(EXIT_OWN_FAILURE, "%s:%zu:%zu: %s", reader->file,
		     parser.problem_mark.line + 1,
		     parser.problem_mark.column + 1,
		     parser.problem ? parser.problem : "not YAML");
	if (yaml_document_get_root_node(&second))
		fail(EXIT_OWN_FAILURE,
		     "%s:%zu:1: a second document; a manifest is one",
		     reader->file, second.start_mark.line + 1);
	yaml_document_delete(&second);
	yaml_parser_delete(&parser);
	fclose(file);
}

void manifest_read(struct manifest *manifest, const char *file)
{
	struct reader reader = { .file = file, .manifest = manifest };
	const char *slash = strrchr(file, '/');
	yaml_node_t *root;

	reader.directory = slash ? xprintf("%.*s", (int)(slash - file), file) :
				   xstrdup("");
	if (slash == file)
		reader.directory = xstrdup("/");
	load(&reader);
	root = yaml_document_get_root_node(&reader.document);
	read_mapping(&reader, root, "the manifest", keys);
	if (manifest->image && manifest->program)
		fail_at(&reader, root,
			"'image' and 'program' exclude each other");
	yaml_document_delete(&reader.document);
	free(reader.directory);
}
