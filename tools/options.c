// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* The command line. */
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "picoexec.h"

static const char usage[] =
	"Usage: picoexec [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"
	"       picoexec [OPTIONS] --manifest FILE [--] [ARGUMENTS...]\n"
	"       picoexec [OPTIONS] --image FILE [--] [ARGUMENTS...]\n"
	"\n"
	"Run PROGRAM, an unmodified Linux program, in a picoprocess: it makes no system\n"
	"call of the kernel's, and reaches only what the rules below name.\n"
	"\n"
	"  --manifest FILE      what to run, with which rules and limits, is in FILE; see\n"
	"                       picoexec-manifest(5). Options add to it and go before it\n"
	"\n"
	"Rules:\n"
	"  --allow URI=RIGHTS   what PROGRAM may do with what URI names. RIGHTS are letters\n"
	"                       out of r (read), w (write, create, delete) and x (execute),\n"
	"                       or none, absent or private. URI is file:PATH, a file, or a\n"
	"                       directory and all below it: the deepest rule decides alone.\n"
	"                       Or dns:NAME, or another that picoexec(1) lists\n"
	"  --private URI        an empty directory of the sandbox's own in place of URI\n"
	"  --no-default-rules   without it, these hold where no --allow or --private\n"
	"                       names the same path: file:/ = rx, private for file:/tmp and\n"
	"                       file:/dev/shm, rw for file:/dev/full, null, random, tty, urandom, zero\n"
	"  --allow-wx           memory may be writable and executable at once\n"
	"  --learn FILE         allow everything that you may do, and write into FILE the\n"
	"                       manifest that PROGRAM would have needed\n"
	"  --limit NAME=AMOUNT  what the sandbox may have: memory=512M, cpu-time=10s,\n"
	"                       processes=, threads=, handles=N\n"
	"\n"
	"Program:\n"
	"  --chdir DIR          start in DIR\n"
	"  --env NAME=VALUE     set a variable\n"
	"  --clear-env          pass none of picoexec's own variables\n"
	"  --image FILE         start FILE, a program written against libpal, in place of\n"
	"                       the library OS\n"
	"\n"
	"Other:\n"
	"  --debug              print what the sandbox's programs leave with\n"
	"                       DkDebugStringPrint on standard error\n"
	"  --grace SECONDS      how long after SIGTERM the program may go on (10), or none\n"
	"  --no-wall            without namespaces around the sandbox\n"
	"  --strace             print the program's system calls on standard error\n"
	"  --stats              print the sandbox's counters on standard error afterwards\n"
	"  --version            print the version and exit\n"
	"  --wait-all           let the processes that PROGRAM leaves behind go on, and\n"
	"                       wait for them, too\n"
	"  --help               print this and exit\n"
	"\n"
	"Exit code: PROGRAM's own; 128+N when signal N killed it; 127 when PROGRAM does\n"
	"not exist; 126 when it cannot be run; 125 when picoexec itself fails.\n";

enum {
	OPT_ALLOW = 1,
	OPT_ALLOW_WX,
	OPT_CHDIR,
	OPT_CLEAR_ENV,
	OPT_DEBUG,
	OPT_ENV,
	OPT_HELP,
	OPT_IMAGE,
	OPT_GRACE,
	OPT_LEARN,
	OPT_LIMIT,
	OPT_MANIFEST,
	OPT_NO_DEFAULT_RULES,
	OPT_NO_WALL,
	OPT_PRIVATE,
	OPT_STATS,
	OPT_STRACE,
	OPT_VERSION,
	OPT_WAIT_ALL,
};

static const struct option known[] = {
	{ "allow", required_argument, NULL, OPT_ALLOW },
	{ "allow-wx", no_argument, NULL, OPT_ALLOW_WX },
	{ "chdir", required_argument, NULL, OPT_CHDIR },
	{ "clear-env", no_argument, NULL, OPT_CLEAR_ENV },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "env", required_argument, NULL, OPT_ENV },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "image", required_argument, NULL, OPT_IMAGE },
	{ "grace", required_argument, NULL, OPT_GRACE },
	{ "learn", required_argument, NULL, OPT_LEARN },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "manifest", required_argument, NULL, OPT_MANIFEST },
	{ "no-default-rules", no_argument, NULL, OPT_NO_DEFAULT_RULES },
	{ "no-wall", no_argument, NULL, OPT_NO_WALL },
	{ "private", required_argument, NULL, OPT_PRIVATE },
	{ "strace", no_argument, NULL, OPT_STRACE },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "wait-all", no_argument, NULL, OPT_WAIT_ALL },
	{ 0 },
};

static void print_and_exit(const char *text)
{
	fputs(text, stdout);
	if (fflush(stdout))
		fail(EXIT_OWN_FAILURE, "cannot write to standard output");
	exit(0);
}

/* Set NAME=VALUE in @list, in the place of an older value. */
static void set_variable(struct strings *list, char *assignment)
{
	const char *equals = strchr(assignment, '=');
	size_t length;

	if (!equals || equals == assignment)
		fail(EXIT_OWN_FAILURE,
		     "--env %s: a variable is set as NAME=VALUE", assignment);
	length = equals - assignment + 1;
	for (size_t i = 0; i < list->count; i++) {
		if (!strncmp(list->items[i], assignment, length)) {
			list->items[i] = assignment;
			return;
		}
	}
	strings_add(list, assignment);
}

/* Whether the variable @assignment, NAME=VALUE, is one that passes. */
static bool is_kept(const struct strings *patterns, const char *assignment)
{
	char *name = xprintf("%.*s", (int)strcspn(assignment, "="), assignment);
	bool kept = false;

	for (size_t i = 0; i < patterns->count && !kept; i++)
		kept = !fnmatch(patterns->items[i], name, 0);
	free(name);
	return kept;
}

static void make_environment(struct options *options,
			     const struct manifest *manifest, bool clear,
			     const struct strings *assignments)
{
	struct strings *environment = &options->environment;

	options->clear = clear || manifest->clear;
	if (!clear)
		options->keep = manifest->keep;
	for (size_t i = 0; i < manifest->set.count; i++)
		set_variable(&options->set, manifest->set.items[i]);
	for (size_t i = 0; i < assignments->count; i++)
		set_variable(&options->set, assignments->items[i]);

	for (char **variable = environ; *variable; variable++)
		if (!options->clear || is_kept(&options->keep, *variable))
			strings_add(environment, *variable);
	for (size_t i = 0; i < options->set.count; i++)
		set_variable(environment, options->set.items[i]);
	if (options->strace)
		set_variable(environment, xstrdup("PICO_LIBOS_TRACE=calls"));
}

/* The program and its arguments; @rest are the words behind the options. */
static void make_arguments(struct options *options,
			   const struct manifest *manifest, char **rest)
{
	struct strings *arguments = &options->arguments;

	/* An image is its own argument 0. */
	if (options->image)
		strings_add(arguments, (char *)options->image);
	else if (manifest->program)
		strings_add(arguments, manifest->program);
	else if (*rest)
		strings_add(arguments, *rest++);
	else
		fail(EXIT_OWN_FAILURE, "no program given; see picoexec --help");
	for (size_t i = 0; i < manifest->arguments.count; i++)
		strings_add(arguments, manifest->arguments.items[i]);
	while (*rest)
		strings_add(arguments, *rest++);
}

static void parse_limit(struct drawbridge_limits *limits, const char *text)
{
	const char *equals = strchr(text, '='), *wrong;
	char *name;

	if (!equals)
		fail(EXIT_OWN_FAILURE,
		     "--limit %s: a limit is NAME=AMOUNT, for example memory=512M",
		     text);
	name = xprintf("%.*s", (int)(equals - text), text);
	wrong = limits_set(limits, name, equals + 1);
	if (wrong)
		fail(EXIT_OWN_FAILURE, "--limit %s: %s", text, wrong);
	free(name);
}

/* Seconds, or none: -1. */
static int parse_grace(const char *text)
{
	char *end;
	long seconds;

	if (!strcmp(text, "none"))
		return -1;
	seconds = strtol(text, &end, 10);
	if (text[strspn(text, "0123456789")] || end == text || seconds > 86400)
		fail(EXIT_OWN_FAILURE,
		     "--grace %s: a number of seconds, or none, is expected",
		     text);
	return seconds;
}

void options_parse(struct options *options, int argc, char **argv)
{
	struct strings assignments = { 0 }, limits = { 0 };
	struct manifest manifest = { 0 };
	struct rules own = { 0 };
	const char *file = NULL;
	bool default_rules = true, clear = false;
	int c;

	memset(options, 0, sizeof(*options));
	options->grace = DEFAULT_GRACE;

	/* "+": stop at PROGRAM. ":": tell a missing value from the unknown. */
	while ((c = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		switch (c) {
		case OPT_ALLOW:
			rules_parse(&own, optarg);
			break;
		case OPT_ALLOW_WX:
			options->allow_wx = true;
			break;
		case OPT_CHDIR:
			options->directory = optarg;
			break;
		case OPT_CLEAR_ENV:
			clear = true;
			break;
		case OPT_DEBUG:
			options->debug = true;
			break;
		case OPT_ENV:
			strings_add(&assignments, optarg);
			break;
		case OPT_HELP:
			print_and_exit(usage);
			break;
		case OPT_IMAGE:
			options->image = optarg;
			break;
		case OPT_GRACE:
			options->grace = parse_grace(optarg);
			break;
		case OPT_LEARN:
			options->learn = optarg;
			break;
		case OPT_LIMIT:
			strings_add(&limits, optarg);
			break;
		case OPT_MANIFEST:
			if (file)
				fail(EXIT_OWN_FAILURE,
				     "--manifest %s: there is one manifest, %s",
				     optarg, file);
			file = optarg;
			break;
		case OPT_NO_DEFAULT_RULES:
			default_rules = false;
			break;
		case OPT_NO_WALL:
			options->no_wall = true;
			break;
		case OPT_PRIVATE:
			rules_parse_private(&own, optarg);
			break;
		case OPT_STATS:
			options->stats = true;
			break;
		case OPT_STRACE:
			options->strace = true;
			break;
		case OPT_WAIT_ALL:
			options->wait_all = true;
			break;
		case OPT_VERSION:
			print_and_exit("picoexec " PICOEXEC_VERSION "\n");
			break;
		case ':':
			fail(EXIT_OWN_FAILURE,
			     "%s needs a value; see picoexec --help",
			     argv[optind - 1]);
		default:
			/* A letter may stand among others: getopt names it. */
			if (optopt >= ' ')
				fail(EXIT_OWN_FAILURE,
				     "-%c: no such option; see picoexec --help",
				     optopt);
			fail(EXIT_OWN_FAILURE,
			     "%s: no such option; see picoexec --help",
			     argv[optind - 1]);
		}
	}

	/* What the options say goes before what the manifest says. */
	if (file)
		manifest_read(&manifest, file);
	rules_merge(&options->rules, &manifest.rules);
	rules_merge(&options->rules, &own);
	if (options->learn)
		learn_rules(&options->rules);
	if (default_rules && !manifest.no_default_rules)
		rules_add_defaults(&options->rules);
	options->limits = manifest.limits;
	for (size_t i = 0; i < limits.count; i++)
		parse_limit(&options->limits, limits.items[i]);
	options->allow_wx |= manifest.allow_wx;
	if (!options->directory)
		options->directory = manifest.directory;
	if (!options->image)
		options->image = manifest.image;
	else
		manifest.program = NULL;
	options->has_manifest = file;
	make_environment(options, &manifest, clear, &assignments);
	make_arguments(options, &manifest, argv + optind);
}
