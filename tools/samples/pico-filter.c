// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* pico-filter: run a static Linux program with some of its calls changed. */
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "launch.h"

static const char *const call_names[PICO_FILTER_CALLS] = {
#include "call_names.h"
};

static const char usage[] =
	"usage: pico-filter [OPTIONS] [--] PROGRAM [ARGS...]\n"
	"\n"
	"PROGRAM is the path of a static Linux program. CALL is the name or the\n"
	"number of a system call, or \"all\": those that no other option names.\n"
	"\n"
	"  --allow CALL          make it (what happens to all by default)\n"
	"  --deny CALL=ERRNO     let it fail; ERRNO is a name or a number\n"
	"  --answer CALL=NUMBER  do not make it, but give it this result\n"
	"  --replace CALL=CALL   make the second in place of the first\n"
	"  --log[=CALL]          write calls (all) to standard error\n"
	"  --help                print this\n";

static struct pico_filter_rule rules[PICO_FILTER_CALLS], all;

/* Parse a number that ends where the text ends. */
static int to_number(const char *text, long long *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 0);
	return *text && !*end && !errno;
}

static long long to_call(const char *name)
{
	long long number;

	for (number = 0; number < PICO_FILTER_CALLS; number++) {
		if (call_names[number] && !strcmp(call_names[number], name))
			return number;
	}
	if (to_number(name, &number) && number >= 0 &&
	    number < PICO_FILTER_CALLS)
		return number;
	errno = 0;
	launch_fail("%s: no such call", name);
}

static long long to_errno(const char *name)
{
	const char *known;
	long long number;

	if (to_number(name, &number) && number > 0)
		return number;
	for (number = 1; number < 4096; number++) {
		known = strerrorname_np(number);
		if (known && !strcmp(known, name))
			return number;
	}
	errno = 0;
	launch_fail("%s: no such errno", name);
}

static struct pico_filter_rule *rule_of(const char *name)
{
	return strcmp(name, "all") ? &rules[to_call(name)] : &all;
}

/* One option, "CALL" or "CALL=VALUE". The flag LOG of an earlier one stays. */
static void set_rule(char *option, unsigned int action)
{
	char *equals = strchr(option, '=');
	struct pico_filter_rule *rule;

	if (equals)
		*equals++ = 0;
	rule = rule_of(option);
	errno = 0;
	if (!equals != (action == PICO_FILTER_ALLOW))
		launch_fail("%s: what is it to become?", option);
	rule->action = (rule->action & PICO_FILTER_LOG) | action;
	rule->value = 0;
	if (action == PICO_FILTER_DENY)
		rule->value = to_errno(equals);
	else if (action == PICO_FILTER_NUMBER)
		rule->value = to_call(equals);
	else if (action == PICO_FILTER_ANSWER) {
		long long number;

		if (!to_number(equals, &number))
			launch_fail("%s: not a number", equals);
		rule->value = number;
	}
}

static void send_rule(int device, const struct pico_filter_rule *rule)
{
	if (rule->action && ioctl(device, PICO_FILTER_IOC_RULE, rule))
		launch_fail("the rule for call %u", rule->number);
}

static void print_record(const struct pico_filter_record *record)
{
	static const char *const actions[] = {
		[PICO_FILTER_ALLOW] = "allowed",
		[PICO_FILTER_DENY] = "denied",
		[PICO_FILTER_ANSWER] = "answered",
		[PICO_FILTER_NUMBER] = "replaced",
	};
	const char *name = call_names[record->number];
	int i;

	fprintf(stderr, "%u ", record->tid);
	if (name)
		fprintf(stderr, "%s", name);
	else
		fprintf(stderr, "%llu", (unsigned long long)record->number);
	for (i = 0; i < 6; i++)
		fprintf(stderr, "%s%#llx", i ? ", " : "(",
			(unsigned long long)record->arguments[i]);
	fprintf(stderr, ") %s\n", actions[record->action]);
}

/* Until the last process has ended. */
static void print_log(int device)
{
	static struct pico_filter_record records[256];
	struct pico_filter_read read = { .records = (uintptr_t)records };
	unsigned int i;

	do {
		read.count = sizeof(records) / sizeof(records[0]);
		if (ioctl(device, PICO_FILTER_IOC_READ, &read)) {
			if (errno == EINTR)
				continue;
			launch_fail("the log");
		}
		for (i = 0; i < read.count; i++)
			print_record(&records[i]);
	} while (read.count);
	if (read.lost)
		fprintf(stderr, "%s: %llu calls more were not logged\n",
			launch_name, (unsigned long long)read.lost);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "allow", required_argument, NULL, PICO_FILTER_ALLOW },
		{ "deny", required_argument, NULL, PICO_FILTER_DENY },
		{ "answer", required_argument, NULL, PICO_FILTER_ANSWER },
		{ "replace", required_argument, NULL, PICO_FILTER_NUMBER },
		{ "log", optional_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, device, i;
	pid_t pid;

	launch_name = "pico-filter";
	for (i = 0; i < PICO_FILTER_CALLS; i++)
		rules[i].number = i;
	all.number = PICO_FILTER_ALL;
	all.action = PICO_FILTER_ALLOW;

	/* A line of the log is one write: the program may have this file, too. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	/* "+": options behind the program are the program's. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'l':
			rule_of(optarg ?: "all")->action |= PICO_FILTER_LOG;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case '?':
			fputs(usage, stderr);
			return LAUNCH_FAILED;
		default:
			set_rule(optarg, option);
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return LAUNCH_FAILED;
	}

	device = launch_open("filter");
	for (i = 0; i < PICO_FILTER_CALLS; i++)
		send_rule(device, &rules[i]);
	send_rule(device, &all);
	pid = launch_start(device, argv + optind);
	print_log(device);
	return launch_wait(pid);
}
