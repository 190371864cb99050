// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends by an exception: fault.img KIND [HOW]. HOW: nothing, libpal's default
 * handler (exits with 128 + signal); "none", no handler registered; "loop", a
 * handler that faults itself; "stack", an unusable stack pointer;
 * "exception-stack", an unusable exception stack; "thread", on a second
 * thread.
 */
#include <pal.h>

static int loop;

void LibOsExceptionDispatch(struct dk_exception *exception,
			    struct dk_context *context)
{
	if (loop)
		asm volatile("ud2");
	DkProcessExit(128 + exception->signal);
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static const char *argument(const struct dk_parameters *p, unsigned int i)
{
	const char *s = (const char *)p + p->argument_offset;

	if (i >= p->argument_count)
		return "";
	while (i--)
		while (*s++)
			;
	return s;
}

static void do_fault(const char *kind)
{
	if (same(kind, "segv"))
		asm volatile("mov %0, (%0)" : : "r"(8L) : "memory");
	else if (same(kind, "gp"))
		asm volatile("mov (%0), %0" : : "r"(1L << 63) : "memory");
	else if (same(kind, "fpe"))
		asm volatile("xor %%ecx, %%ecx; div %%ecx"
			     :
			     :
			     : "rax", "rcx", "rdx");
	else if (same(kind, "ill"))
		asm volatile("ud2");
	else if (same(kind, "trap"))
		asm volatile("int3");
	else if (same(kind, "exec"))
		asm volatile("jmp *%0" : : "r"(8L));
	else if (same(kind, "int"))
		asm volatile("int $0x81");
	DkProcessExit(1);
}

static const char *kind_of_thread;

static void start(dk_u64 parameter)
{
	do_fault(kind_of_thread);
}

void LibOsInitialize(const struct dk_parameters *parameters)
{
	static struct dk_thread_block block;
	const char *kind = argument(parameters, 1);
	const char *how = argument(parameters, 2);
	DK_HANDLE thread;
	dk_s64 remaining;
	void *stack = (void *)0;
	dk_u64 size = 16384;

	if (same(how, "none"))
		DkxUpcallRegister((void *)start, (void *)0);
	loop = same(how, "loop");
	if (same(how, "exception-stack")) {
		block.exception_stack_base = 0x10000;
		block.exception_stack_size = 0x10000;
		DkxSystemCallRegister((void *)do_fault, &block);
	}
	if (same(how, "stack"))
		asm volatile("mov $0x1008, %%esp; ud2" : : : "memory");
	if (same(how, "thread")) {
		kind_of_thread = kind;
		DkVirtualMemoryAlloc(&stack, &size,
				     DK_MEM_RESERVE | DK_MEM_COMMIT,
				     DK_PROT_READ | DK_PROT_WRITE);
		DkThreadCreate((void *)start, 0, stack, size, &thread);
		DkThreadDelayExecution(60000000000LL, &remaining);
		DkProcessExit(2);
	}
	do_fault(kind);
}
