// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * One stub per call, made from the table.
 *
 * A C call and a Dk call put arguments in the same registers but for the
 * fourth (SYSCALL overwrites rcx), so a stub is that move, the number and the
 * instruction. Each stub is its own section: a linked program holds only
 * those it uses. Those that events.c and time.c answer themselves, where they
 * can, have other names here.
 */
#include <pal.h>

#define DkEventSet		pal_host_DkEventSet
#define DkEventClear		pal_host_DkEventClear
#define DkEventPeek		pal_host_DkEventPeek
#define DkObjectsWaitAny	pal_host_DkObjectsWaitAny
#define DkSystemTimeQuery	pal_host_DkSystemTimeQuery

#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wreturn-type"

#define STUB(class, function, name, version, args, statuses)		\
	__attribute__((naked, section(".text." #name)))			\
	DK_STATUS name(DK_PROTO args)					\
	{								\
		asm(".if %c1 > 3\n\t"					\
		    "mov %%rcx, %%r10\n\t"				\
		    ".endif\n\t"					\
		    "mov $%c0, %%eax\n\t"				\
		    "syscall\n\t"					\
		    "ret"						\
		    : : "i"(DK_VECTOR_BASE + DK_INDEX_##name),		\
		    "i"(DK_ARGC args));					\
	}

DK_CALL_TABLE(STUB)
