// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The first thread, from the host's start to the program's.
 *
 * The parameters are copied into the heap, a thread block is made, and the
 * rest runs on that thread's own stack; the host's is given back, so that
 * from then on libos memory is the image and the heap.
 */
#include <entry.h>
#include <exec.h>
#include <layout.h>
#include <libos.h>
#include <mm.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <trace.h>

#define CPUID_FSGSBASE	0x1		/* leaf 7, ebx */

static bool has_fsgsbase(void)
{
	u32 a = 7, b, c = 0, d;

	asm("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b & CPUID_FSGSBASE;
}

static const char *environment(const struct dk_parameters *p, const char *name)
{
	const char *s = (const char *)p + p->environment_offset;
	size_t n = strlen(name);
	u32 i;

	for (i = 0; i < p->environment_count; i++, s += strlen(s) + 1) {
		if (!strncmp(s, name, n) && s[n] == '=')
			return s + n + 1;
	}
	return NULL;
}

static void __noreturn initialize(void)
{
	const struct dk_parameters *p = process.parameters;
	const char *trace = environment(p, "PICO_LIBOS_TRACE");

	if (p->stack_size)
		DkVirtualMemoryFree((void *)p->stack_base, p->stack_size,
				    DK_MEM_RELEASE);
	if (trace && *trace)
		trace_init(trace);
	process_init(p);
	signal_init();
	mm_init();
	fs_init(p);
	exec_first(p);
}

void LibOsInitialize(const struct dk_parameters *host)
{
	struct dk_parameters *p;
	struct libos_thread *t;

	if (host->version != DRAWBRIDGE_ABI_VERSION ||
	    host->size < sizeof(*host))
		panic("the host speaks version %u of the ABI, this is for %u",
		      host->version, DRAWBRIDGE_ABI_VERSION);
	if (!has_fsgsbase())
		panic("this processor has no FSGSBASE instructions");
	layout.limit = host->address_limit;
	layout.image.start = host->image_base;
	layout.image.end = host->image_base + host->image_size;
	thread_bootstrap();
	heap_init();

	p = mem_alloc(host->size);
	t = thread_new();
	if (!p || !t)
		panic("out of memory at the start");
	memcpy(p, host, host->size);
	process.parameters = p;
	t->handle = p->thread;
	t->tid = p->process_id;
	thread_enter(t);
	thread_attach(t);
	stack_switch((void *)t->stack_top, initialize);
}
