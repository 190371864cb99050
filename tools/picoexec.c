// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * picoexec: run a program in a picoprocess.
 *
 * The steps are parse, validate, prepare, run, clean up. Everything that can
 * be found out about the request is found out before the sandbox is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/major.h>

#include "picoexec.h"

void fail(int code, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("picoexec: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(code);
}

void *xrealloc(void *old, size_t size)
{
	void *new = realloc(old, size);

	if (!new)
		fail(EXIT_OWN_FAILURE, "out of memory");
	return new;
}

char *xstrdup(const char *text)
{
	return strcpy(xrealloc(NULL, strlen(text) + 1), text);
}

char *xprintf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		fail(EXIT_OWN_FAILURE, "out of memory");
	va_end(args);
	return text;
}

void strings_add(struct strings *list, char *text)
{
	list->items =
		xrealloc(list->items, (list->count + 2) * sizeof(*list->items));
	list->items[list->count++] = text;
	list->items[list->count] = NULL;
}

/*
 * Find out which standard streams there are, and put something harmless at
 * the numbers of the others: no file opened later may take their place.
 */
static void find_streams(int streams[3])
{
	for (int fd = 0; fd < 3; fd++) {
		streams[fd] = fd;
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		streams[fd] = -1;
		if (open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			exit(EXIT_OWN_FAILURE);
	}
}

/* The sandbox takes files, pipes, sockets and terminals. */
static void check_streams(const int streams[3])
{
	static const char *const names[] = { "input", "output", "error" };
	struct stat st;

	for (int fd = 0; fd < 3; fd++) {
		if (streams[fd] < 0 || fstat(fd, &st))
			continue;
		if (S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))
			fail(EXIT_OWN_FAILURE,
			     "standard %s is a %s, which no sandbox takes",
			     names[fd],
			     S_ISDIR(st.st_mode) ? "directory" :
						   "block device");
		if (S_ISCHR(st.st_mode) && major(st.st_rdev) == MISC_MAJOR)
			fail(EXIT_OWN_FAILURE,
			     "standard %s is a device that no sandbox takes",
			     names[fd]);
	}
}

static char *working_directory(const char *wanted)
{
	char *path;

	if (wanted && chdir(wanted))
		fail(EXIT_OWN_FAILURE, "--chdir %s: %s", wanted,
		     strerror(errno));
	path = getcwd(NULL, 0);
	if (!path)
		fail(EXIT_OWN_FAILURE,
		     "the working directory: %s; choose another with --chdir DIR",
		     strerror(errno));
	if (path[0] != '/')
		fail(EXIT_OWN_FAILURE,
		     "the working directory cannot be reached from /; choose another with --chdir DIR");
	return path;
}

static void check_directory(const char *path, const struct rules *rules)
{
	const struct rule *rule = rules_find(rules, path);

	if (!rule || !(rule->rights & DK_ACCESS_READ))
		fail(EXIT_OWN_FAILURE,
		     "the working directory %s cannot be seen in the sandbox; add --allow file:%s=rx or choose another with --chdir DIR",
		     path, path);
	if (rule_hides(rule, path))
		fail(EXIT_OWN_FAILURE,
		     "the working directory %s cannot be seen in the sandbox, which has a %s of its own; add --allow file:%s=rx or choose another with --chdir DIR",
		     path, rule->path, path);
}

/* It ended in a way that may have left a reason in the debug text. */
static bool is_fault(int status)
{
	if (!WIFSIGNALED(status))
		return false;
	switch (WTERMSIG(status)) {
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGSEGV:
	case SIGTRAP:
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	struct options options;
	struct sandbox sandbox;
	struct start start = { 0 };
	struct learn *learn = NULL;
	char *image;
	int status;

	find_streams(start.streams);

	options_parse(&options, argc, argv);
	check_streams(start.streams);
	start.arguments = &options.arguments;
	start.environment = &options.environment;
	start.allow_wx = options.allow_wx;

	start.learn = options.learn;
	start.image = image_open(options.image, &image);
	start.directory = working_directory(options.directory);
	if (options.image) {
		start.program = image;
	} else {
		/* Who wrote a manifest meant what it says. */
		if (!options.has_manifest)
			check_directory(start.directory, &options.rules);
		start.program = program_find(options.arguments.items[0],
					     start.directory,
					     &options.environment);
		program_check(start.program, &options.rules);
	}

	if (options.learn)
		learn = learn_open(options.learn);
	sandbox_open(&sandbox);
	sandbox_set_rules(&sandbox, &options.rules);
	sandbox_set_limits(&sandbox, &options.limits);
	sandbox_set_start(&sandbox, &start);

	status = launch(&sandbox,
			&(struct launch){
				.name = options.arguments.items[0],
				.memory = options.limits.memory,
				.network = rules_need_network(&options.rules),
				.wall = !options.no_wall,
				.debug = options.debug,
				.wait_all = options.wait_all,
				.grace = options.grace,
				.learn = learn,
			});

	if (options.debug || is_fault(status))
		sandbox_print_debug(&sandbox);
	if (learn) {
		learn_take(learn, &sandbox);
		learn_write(learn, &options, start.program, start.directory);
	}
	sandbox_print_end(&sandbox);
	if (options.stats)
		sandbox_print_stats(&sandbox);
	sandbox_close(&sandbox);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}
