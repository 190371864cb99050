// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Threads of the program.
 *
 * A thread has, in libos memory: its struct libos_thread, at which %gs points;
 * the stack on which its system calls are served; and the stack on which its
 * exceptions are taken, whatever the program's own stack pointer is worth.
 */
#include <entry.h>
#include <libos.h>
#include <thread.h>

_Static_assert(offsetof(struct libos_thread, block.return_address) ==
		       THREAD_RETURN_ADDRESS,
	       "entry.h");
_Static_assert(offsetof(struct libos_thread, self) == THREAD_SELF, "entry.h");
_Static_assert(offsetof(struct libos_thread, stack_top) == THREAD_STACK_TOP,
	       "entry.h");
_Static_assert(offsetof(struct libos_thread, scratch) == THREAD_SCRATCH,
	       "entry.h");
_Static_assert(sizeof(struct dk_context) % 16 == 0, "frames keep rsp aligned");

struct libos_thread *thread_alloc(void)
{
	struct libos_thread *t = mem_zalloc(sizeof(*t));
	char *stack = mem_alloc(LIBOS_STACK_SIZE);
	char *exception_stack = mem_alloc(EXCEPTION_STACK_SIZE);

	if (!t || !stack || !exception_stack) {
		mem_free(exception_stack);
		mem_free(stack);
		mem_free(t);
		return NULL;
	}
	t->self = t;
	t->stack_top = (u64)stack + LIBOS_STACK_SIZE;
	t->block.exception_stack_base = (u64)exception_stack;
	t->block.exception_stack_size = EXCEPTION_STACK_SIZE;
	return t;
}

void thread_attach(struct libos_thread *t)
{
	DK_STATUS status;

	gs_base_set((u64)t);
	fs_base_set(0);
	status = DkxSystemCallRegister((void *)libos_entry, &t->block);
	if (status)
		panic("DkxSystemCallRegister: %ld", (long)status);
}
