/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What entry.S and C must agree on; core/thread.c checks the offsets. */
#ifndef LIBOS_ENTRY_H
#define LIBOS_ENTRY_H

#define THREAD_RETURN_ADDRESS	0
#define THREAD_SELF		32
#define THREAD_STACK_TOP	40
#define THREAD_SCRATCH		48
#define THREAD_INTERRUPT	64

/* Selectors of 64-bit user code on Linux. */
#define USER_CS	0x33
#define USER_SS	0x2b

#define RFLAGS_RESERVED	0x2
#define RFLAGS_TF	0x100
#define RFLAGS_IF	0x200
#define RFLAGS_DF	0x400
#define RFLAGS_NT	0x4000
#define RFLAGS_RF	0x10000
#define RFLAGS_AC	0x40000

#ifndef __ASSEMBLER__
#include <libos.h>

void libos_entry(void);
void libos_direct_entry(void);
void __noreturn stack_switch(void *top, void (*function)(void));
long libos_syscall(struct dk_context *frame);
/* core/dispatch.c: a signal came after libos_syscall() looked. */
long libos_leave_again(struct dk_context *frame);
/* Take signals and go on with what is then in @context. */
void __noreturn context_leave(struct dk_context *context);

/*
 * The places where looking for signals and what follows must be as one. An
 * exception that is raised between their first and last instruction, however
 * late, does not find its thread past the look: see core/exception.c.
 */
extern const char leave_start[], leave_end[], leave_again[];
extern const char host_wait_start[], host_wait_end[];
extern const char restore_start[], restore_end[];

/* Restores @context by call @number; returns if self()->interrupt is set. */
void context_restore(const struct dk_context *context, u64 number);
#endif

#endif /* LIBOS_ENTRY_H */
