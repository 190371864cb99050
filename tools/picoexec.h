/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * picoexec: run a program in a picoprocess.
 *
 * One file per step: options.c (what was asked), rules.c (what the sandbox may
 * name), limits.c, manifest.c (the same, and more, from a file), program.c (what is
 * to run), sandbox.c (/dev/pico), launch.c (the
 * child), wall.c (what the kernel's own means take from it). Anything that cannot be done ends the process through fail().
 */
#ifndef PICOEXEC_H
#define PICOEXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <pico/drawbridge.h>

#define PICOEXEC_VERSION	"0.1.0"

/* Exit codes, as env(1), nohup(1) and the shell have them. */
#define EXIT_OWN_FAILURE	125	/* picoexec itself failed */
#define EXIT_NOT_RUNNABLE	126	/* the program is there, but cannot run */
#define EXIT_NOT_FOUND		127	/* there is no such program */

#define DEFAULT_GRACE	10	/* seconds from SIGTERM to SIGKILL */

/* Print one line "picoexec: ..." on standard error and exit with @code. */
void fail(int code, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* These never return NULL. */
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
char *xprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A growing array of strings, NULL at its end. The strings belong to whoever
 * added them.
 */
struct strings {
	char **items;
	size_t count;
};

void strings_add(struct strings *list, char *text);

/* ---- rules.c ---- */

/*
 * struct rule - one path and everything below it, or one other name
 * @path:   absolute, without symbolic links; NULL: the rule is not of file:
 * @uri:    of the others, as it was given
 * @rights: DK_ACCESS_READ | DK_ACCESS_WRITE | DK_ACCESS_EXECUTE, or none
 * @flags:  DRAWBRIDGE_RULE_*
 * @where:  whose mistake it would be: the option, or a place in a manifest
 */
struct rule {
	char *path;
	char *uri;
	unsigned int rights;
	unsigned int flags;
	char *where;
};

struct rules {
	struct rule *items;
	size_t count;
};

/*
 * Add a rule for @uri; @rights are letters, "none", "private" or "absent". A relative
 * path starts at @directory, or at the working directory when that is "".
 * Messages begin with @where.
 */
void rules_add(struct rules *rules, const char *uri, const char *rights,
	       const char *directory, const char *where);
/* Add the rule that @text, "URI=RIGHTS", describes. */
void rules_parse(struct rules *rules, const char *text);
/* Add a rule that makes @text, "file:PATH", a private directory. */
void rules_parse_private(struct rules *rules, const char *text);
/* Add what @later has, in place of rules for the same; @later is empty then. */
void rules_merge(struct rules *rules, struct rules *later);
/* Something in the network is named. */
bool rules_need_network(const struct rules *rules);
/* What to say when the kernel refuses @rule with @error: what it expected. */
const char *rule_refusal(const struct rule *rule, int error);
/* Add the default rules for the paths that have no rule yet. */
void rules_add_defaults(struct rules *rules);
/* The rule that decides about @path (absolute, no symbolic links), or NULL. */
const struct rule *rules_find(const struct rules *rules, const char *path);
/* A file that exists outside is not the one that the sandbox sees there. */
bool rule_hides(const struct rule *rule, const char *path);

/* ---- limits.c ---- */

/*
 * Set the limit @name to @amount. Returns what is wrong, as a text that
 * belongs to the caller, or NULL.
 */
const char *limits_set(struct drawbridge_limits *limits, const char *name,
		       const char *amount);
bool limits_known(const char *name);

/* ---- manifest.c ---- */

/*
 * struct manifest - what a manifest says; what it does not say is 0 or NULL
 * @keep:  variables that pass, when @clear: patterns as in fnmatch(3)
 * @set:   "NAME=VALUE"
 */
struct manifest {
	char *program;
	char *image;
	char *directory;
	struct strings arguments;
	struct strings keep;
	struct strings set;
	struct rules rules;
	struct drawbridge_limits limits;
	bool clear;
	bool no_default_rules;
	bool allow_wx;
};

/* Fill the empty @manifest from @file; a mistake ends the process. */
void manifest_read(struct manifest *manifest, const char *file);

/* ---- options.c ---- */

/*
 * struct options - the command line
 * @rules:     in force; the default ones are added
 * @image:     the image to start, as it was given; NULL: the library OS
 * @directory: to start in, or NULL
 * @debug:     print the debug text while the program runs
 * @grace:     seconds after SIGTERM, negative: for ever
 * @learn:     file to write a manifest into, or NULL
 * @arguments: PROGRAM and its arguments
 * @environment: of the program
 * @set, @keep, @clear: what was asked for it: NAME=VALUE, names to keep, keep
 *             no others
 */
struct options {
	struct rules rules;
	const char *image;
	const char *directory;
	struct strings arguments;
	struct strings environment;
	struct strings set, keep;
	bool clear;
	struct drawbridge_limits limits;
	bool allow_wx;
	bool debug;
	bool stats;
	bool no_wall;
	bool strace;
	bool wait_all;
	bool has_manifest;
	int grace;
	const char *learn;
};

/* Fill @options; --help, --version and mistakes end the process. */
void options_parse(struct options *options, int argc, char **argv);

/* ---- program.c ---- */

/*
 * Find @name as execvp(3) does, with the PATH of @environment. Returns its
 * absolute path. @directory is the working directory.
 */
char *program_find(const char *name, const char *directory,
		   const struct strings *environment);
/* End with a reason unless the program at @path can run under @rules. */
void program_check(const char *path, const struct rules *rules);
/*
 * Open an image for the kernel; @given is NULL for the library OS. @path
 * becomes its absolute path.
 */
int image_open(const char *given, char **path);

/* ---- sandbox.c ---- */

/*
 * struct sandbox - an open /dev/pico file, bound and configured
 *
 * Closing @device, or the death of this process, kills everything in it.
 */
struct sandbox {
	int device;
	int event; /* readable: there may be something for us */
};

/*
 * struct start - what the first process is
 * @image:	open image file
 * @streams:	standard input, output and error, -1 where there is none
 * @program:	absolute path of the program
 * @directory:	absolute path of the working directory
 */
struct start {
	int image;
	int streams[3];
	const char *program;
	const char *directory;
	const struct strings *arguments;
	const struct strings *environment;
	bool allow_wx;
	bool learn;
};

void sandbox_open(struct sandbox *sandbox);
void sandbox_set_rules(struct sandbox *sandbox, const struct rules *rules);
void sandbox_set_limits(struct sandbox *sandbox,
			const struct drawbridge_limits *limits);
void sandbox_set_start(struct sandbox *sandbox, const struct start *start);
/* Print what has been left with DkDebugStringPrint since last time. */
void sandbox_print_debug(const struct sandbox *sandbox);
/* Say why the host ended the sandbox, if it did. */
void sandbox_print_end(const struct sandbox *sandbox);
void sandbox_print_stats(const struct sandbox *sandbox);
/* End all processes that are left. */
void sandbox_kill(const struct sandbox *sandbox);
bool sandbox_has_processes(const struct sandbox *sandbox);
void sandbox_close(struct sandbox *sandbox);

/* ---- wall.c ---- */

/*
 * struct wall - what the kernel's own means take from the picoprocess
 * @network:	it keeps the network that picoexec has
 * @privileged:	root, who keeps what that means to files
 * @memory:	bytes of data that a process may have, 0: no limit
 * @child:	the picoprocess; @init, @life: see wall.c
 */
struct wall {
	bool network;
	bool privileged;
	uint64_t memory;
	pid_t child;
	pid_t init;
	int life;
};

typedef void (*wall_child_fn)(void *argument);

/* This process may do with files what their permissions forbid. */
bool wall_is_privileged(void);
/*
 * Make a child of this process in namespaces of its own, which calls
 * @become(@argument). False, and a note on standard error, if there cannot be
 * such a child.
 */
bool wall_build(struct wall *wall, wall_child_fn become, void *argument);
/* In the child, wall or not: give privileges up. 0 or -1 with errno. */
int wall_give_up(const struct wall *wall);
/* The child was waited for: end what is left of it. */
void wall_close(struct wall *wall);

/* ---- resolve.c ---- */

/* As many as there can be requests in the kernel. */
#define RESOLUTIONS_MAX	64

/* A name that is being resolved, by a process at the end of @socket. */
struct resolution {
	uint64_t id;
	pid_t pid;
	int socket;
	time_t deadline;
};

struct resolver {
	struct resolution items[RESOLUTIONS_MAX];
	size_t count;
};

struct pollfd;

/* Begin with the sandbox's new requests. */
void resolver_take(struct resolver *resolver, const struct sandbox *sandbox);
/* Fill @polls, RESOLUTIONS_MAX long, and return how many there are. */
size_t resolver_poll(const struct resolver *resolver, struct pollfd *polls);
/* Pass on the answers that have come. */
void resolver_answer(struct resolver *resolver, const struct sandbox *sandbox);
void resolver_close(struct resolver *resolver);

/* ---- learn.c ---- */

struct learn;

/* Begin to learn what will be written to @file; it must be writable. */
struct learn *learn_open(const char *file);
/* Rules that allow all that can be learnt, where there is none of the user's. */
void learn_rules(struct rules *rules);
/* Take what the sandbox has named since last time. */
void learn_take(struct learn *learn, const struct sandbox *sandbox);

struct options;

/* The rule that allows @uri, a tcp. name that was opened. */
char *learn_tcp_rule(const char *uri);
/* Write the manifest for what was run as @options says, under @program. */
void learn_write(struct learn *learn, const struct options *options,
		 const char *program, const char *directory);

/* ---- launch.c ---- */

/*
 * struct launch - how to run the first process
 * @name:	shown for it until it has its own
 * @memory:	limit in bytes, or 0
 * @network:	the rules name something in the network
 * @wall:	build the outer wall
 * @debug:	print the sandbox's debug text as it comes
 * @wait_all:	until all processes have ended, not only the first
 * @grace:	seconds between SIGTERM and the end of all, negative: no end
 * @learn:	to be told what is named, or NULL
 */
struct launch {
	const char *name;
	uint64_t memory;
	bool network;
	bool wall;
	bool debug;
	bool wait_all;
	int grace;
	struct learn *learn;
};

/*
 * Start the sandbox's first process, wait for its end, and for the others' as
 * asked, and return the first one's status as waitpid(2) has it.
 */
int launch(const struct sandbox *sandbox, const struct launch *launch);

#endif /* PICOEXEC_H */
