/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What entry.S and C must agree on; core/thread.c checks the offsets. */
#ifndef LIBOS_ENTRY_H
#define LIBOS_ENTRY_H

#define THREAD_RETURN_ADDRESS	0
#define THREAD_SELF		32
#define THREAD_STACK_TOP	40
#define THREAD_SCRATCH		48

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
struct dk_context;

void libos_entry(void);
void libos_direct_entry(void);
void __attribute__((noreturn)) stack_switch(void *top, void (*function)(void));
long libos_syscall(struct dk_context *frame);
#endif

#endif /* LIBOS_ENTRY_H */
