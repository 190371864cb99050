// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* The monitor's conversation with the modules, through /dev/pico. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "picoexec.h"

#define LOAD_MODULES \
	"load the modules: modprobe drawbridge, or from a build insmod pico.ko, then drawbridge.ko"

static int open_device(void)
{
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		fail(EXIT_OWN_FAILURE,
		     "there is no " PICO_DEVICE "; " LOAD_MODULES);
	case EACCES:
	case EPERM:
		fail(EXIT_OWN_FAILURE,
		     "no permission to open " PICO_DEVICE
		     "; ask an administrator for: chmod 0666 " PICO_DEVICE);
	default:
		fail(EXIT_OWN_FAILURE, PICO_DEVICE ": %s", strerror(errno));
	}
}

static void check_version(int fd)
{
	struct pico_ioc_info info;

	if (ioctl(fd, PICO_IOC_INFO, &info))
		fail(EXIT_OWN_FAILURE,
		     PICO_DEVICE " does not belong to pico.ko: %s",
		     strerror(errno));
	if (info.version != PICO_IOC_VERSION)
		fail(EXIT_OWN_FAILURE,
		     "the loaded pico.ko has version %u of the " PICO_DEVICE
		     " interface, this picoexec version %u; build and load both from one source",
		     info.version, PICO_IOC_VERSION);
}

static void bind_provider(int fd)
{
	struct pico_ioc_bind bind = { .provider = DRAWBRIDGE_PROVIDER };

	if (!ioctl(fd, PICO_IOC_BIND, &bind))
		return;
	if (errno == ENOENT)
		fail(EXIT_OWN_FAILURE,
		     "pico.ko is loaded, but the provider " DRAWBRIDGE_PROVIDER
		     " is not; " LOAD_MODULES);
	fail(EXIT_OWN_FAILURE,
	     "cannot use the provider " DRAWBRIDGE_PROVIDER ": %s",
	     strerror(errno));
}

void sandbox_open(struct sandbox *sandbox)
{
	int root;

	sandbox->device = open_device();
	check_version(sandbox->device);
	bind_provider(sandbox->device);

	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || ioctl(sandbox->device, DRAWBRIDGE_IOC_ROOT, &root))
		fail(EXIT_OWN_FAILURE, "cannot make / the sandbox's root: %s",
		     strerror(errno));
	close(root);

	sandbox->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sandbox->event < 0 ||
	    ioctl(sandbox->device, DRAWBRIDGE_IOC_EVENT, &sandbox->event))
		fail(EXIT_OWN_FAILURE, "cannot listen to the sandbox: %s",
		     strerror(errno));
}

void sandbox_set_rules(struct sandbox *sandbox, const struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->items[i];
		char *uri = rule->path ? xprintf("file:%s", rule->path) :
					 xstrdup(rule->uri);
		struct drawbridge_rule wanted = {
			.uri = (uintptr_t)uri,
			.uri_length = strlen(uri),
			.rights = rule->rights,
			.flags = rule->flags,
		};

		if (ioctl(sandbox->device, DRAWBRIDGE_IOC_RULE, &wanted)) {
			fail(EXIT_OWN_FAILURE, "%s: %s",
			     rule->where ? rule->where : uri,
			     rule_refusal(rule, errno));
		}
		free(uri);
	}
}

void sandbox_set_limits(struct sandbox *sandbox,
			const struct drawbridge_limits *limits)
{
	if (ioctl(sandbox->device, DRAWBRIDGE_IOC_LIMITS, limits))
		fail(EXIT_OWN_FAILURE, "limits: %s", strerror(errno));
}

struct block {
	char *bytes;
	size_t length;
};

static void block_add(struct block *block, const char *text)
{
	size_t length = strlen(text) + 1;

	block->bytes = xrealloc(block->bytes, block->length + length);
	memcpy(block->bytes + block->length, text, length);
	block->length += length;
}

void sandbox_set_start(struct sandbox *sandbox, const struct start *start)
{
	struct drawbridge_start wanted = {
		.image_fd = start->image,
		.stdin_fd = start->streams[0],
		.stdout_fd = start->streams[1],
		.stderr_fd = start->streams[2],
		.argument_count = start->arguments->count,
		.environment_count = start->environment->count,
		.flags = (start->allow_wx ? DRAWBRIDGE_START_WX : 0) |
			 (start->learn ? DRAWBRIDGE_START_LEARN : 0),
	};
	struct block block = { 0 };

	block_add(&block, start->program);
	block_add(&block, start->directory);
	for (size_t i = 0; i < start->arguments->count; i++)
		block_add(&block, start->arguments->items[i]);
	for (size_t i = 0; i < start->environment->count; i++)
		block_add(&block, start->environment->items[i]);
	if (block.length > DRAWBRIDGE_STRINGS_MAX)
		fail(EXIT_OWN_FAILURE,
		     "arguments and environment are too long: %zu bytes, %d are allowed",
		     block.length, DRAWBRIDGE_STRINGS_MAX);
	wanted.strings = (uintptr_t)block.bytes;
	wanted.strings_length = block.length;

	if (ioctl(sandbox->device, DRAWBRIDGE_IOC_START, &wanted)) {
		fail(EXIT_OWN_FAILURE,
		     "the sandbox refuses its first process: %s",
		     strerror(errno));
	}
	free(block.bytes);
	close(start->image);
}

void sandbox_print_debug(const struct sandbox *sandbox)
{
	char text[4096];
	struct drawbridge_debug wanted = {
		.buffer = (uintptr_t)text,
		.length = sizeof(text),
	};
	int length;

	while ((length = ioctl(sandbox->device, DRAWBRIDGE_IOC_DEBUG,
			       &wanted)) > 0)
		fwrite(text, 1, length, stderr);
}

void sandbox_print_end(const struct sandbox *sandbox)
{
	struct drawbridge_stats stats;

	if (!ioctl(sandbox->device, DRAWBRIDGE_IOC_STATS, &stats) &&
	    stats.ended_by == DRAWBRIDGE_END_CPU_TIME)
		fprintf(stderr,
			"picoexec: the sandbox has used up its processor time\n");
}

void sandbox_print_stats(const struct sandbox *sandbox)
{
	struct drawbridge_stats stats;

	if (ioctl(sandbox->device, DRAWBRIDGE_IOC_STATS, &stats)) {
		fprintf(stderr, "picoexec: no counters: %s\n", strerror(errno));
		return;
	}

	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "calls to the host", stats.calls },
		{ "system calls redirected", stats.system_calls },
		{ "calls refused", stats.refused_calls },
		{ "exceptions", stats.exceptions },
		{ "bytes read", stats.bytes_read },
		{ "bytes written", stats.bytes_written },
		{ "processor time, ms", stats.cpu_time / 1000000 },
		{ "refused by limits", stats.limit_refusals },
		{ "processes left", stats.processes },
		{ "threads left", stats.threads },
		{ "handles left", stats.handles },
		{ "objects, all sandboxes", stats.objects },
		{ "statuses out of place", stats.unlisted_statuses },
	};

	fputs("picoexec: counters of the sandbox\n", stderr);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fprintf(stderr, "  %-24s %16" PRIu64 "\n", rows[i].name,
			rows[i].value);
}

bool sandbox_has_processes(const struct sandbox *sandbox)
{
	struct drawbridge_stats stats;

	return !ioctl(sandbox->device, DRAWBRIDGE_IOC_STATS, &stats) &&
	       stats.processes;
}

void sandbox_kill(const struct sandbox *sandbox)
{
	ioctl(sandbox->device, DRAWBRIDGE_IOC_KILL);
}

void sandbox_close(struct sandbox *sandbox)
{
	close(sandbox->event);
	close(sandbox->device);
}
