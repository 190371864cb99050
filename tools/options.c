// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* The command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "picoexec.h"

static const char usage[] =
	"Usage: picoexec [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"
	"       picoexec [OPTIONS] --image FILE [--] [ARGUMENTS...]\n"
	"\n"
	"Run PROGRAM, an unmodified Linux program, in a picoprocess: it makes no system\n"
	"call of the kernel's, and reaches only what the rules below name.\n"
	"\n"
	"Rules:\n"
	"  --allow URI=RIGHTS   what PROGRAM may do with a file, or with a directory and\n"
	"                       all below it. URI is file:PATH; RIGHTS are letters out of\n"
	"                       r (read), w (write, create, delete) and x (execute), or -\n"
	"                       (nothing). The deepest rule decides alone.\n"
	"  --private URI        an empty directory of the sandbox's own in place of URI\n"
	"  --no-default-rules   without it, these hold where no --allow or --private\n"
	"                       names the same path: file:/ = rx, a private file:/tmp, and\n"
	"                       rw for file:/dev/full, null, random, tty, urandom, zero\n"
	"  --allow-wx           memory may be writable and executable at once\n"
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
	"  --no-wall            without namespaces around the sandbox\n"
	"  --stats              print the sandbox's counters on standard error afterwards\n"
	"  --version            print the version and exit\n"
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
	OPT_NO_DEFAULT_RULES,
	OPT_NO_WALL,
	OPT_PRIVATE,
	OPT_STATS,
	OPT_VERSION,
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
	{ "no-default-rules", no_argument, NULL, OPT_NO_DEFAULT_RULES },
	{ "no-wall", no_argument, NULL, OPT_NO_WALL },
	{ "private", required_argument, NULL, OPT_PRIVATE },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "version", no_argument, NULL, OPT_VERSION },
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

void options_parse(struct options *options, int argc, char **argv)
{
	struct strings assignments = { 0 };
	bool default_rules = true, clear = false;
	int c;

	memset(options, 0, sizeof(*options));

	/* "+": stop at PROGRAM. ":": tell a missing value from the unknown. */
	while ((c = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		switch (c) {
		case OPT_ALLOW:
			rules_parse(&options->rules, optarg);
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
		case OPT_NO_DEFAULT_RULES:
			default_rules = false;
			break;
		case OPT_NO_WALL:
			options->no_wall = true;
			break;
		case OPT_PRIVATE:
			rules_parse_private(&options->rules, optarg);
			break;
		case OPT_STATS:
			options->stats = true;
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

	if (default_rules)
		rules_add_defaults(&options->rules);

	if (!clear)
		for (char **variable = environ; *variable; variable++)
			strings_add(&options->environment, *variable);
	for (size_t i = 0; i < assignments.count; i++)
		set_variable(&options->environment, assignments.items[i]);

	/* An image is its own argument 0. */
	if (options->image)
		strings_add(&options->arguments, (char *)options->image);
	for (int i = optind; i < argc; i++)
		strings_add(&options->arguments, argv[i]);
	if (!options->arguments.count)
		fail(EXIT_OWN_FAILURE, "no program given; see picoexec --help");
}
