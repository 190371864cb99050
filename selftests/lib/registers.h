/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An instruction between two full sets of general registers.
 *
 * REGISTERS_FUNCTION(name, "instruction") defines
 *
 *	void name(struct registers *r);
 *
 * which loads all general registers but rsp from @r, executes the
 * instruction, and stores them back. @name_at is the instruction's address,
 * @name_end the one behind it.
 */
#ifndef REGISTERS_H
#define REGISTERS_H

struct registers {
	union {
		struct {
			u64 rax, rbx, rcx, rdx, rsi, rdi, rbp;
			u64 r8, r9, r10, r11, r12, r13, r14, r15;
			u64 flags;
		};
		u64 word[16];
	};
};

#define REGISTERS_FUNCTION(name, instruction)				\
	void name(struct registers *r);					\
	extern char name##_at[], name##_end[];				\
	asm(".text\n\t"							\
	    ".globl " #name ", " #name "_at, " #name "_end\n\t"		\
	    ".hidden " #name ", " #name "_at, " #name "_end\n"		\
	    #name ":\n\t"						\
	    "push %rbx; push %rbp; push %r12; push %r13; push %r14\n\t"	\
	    "push %r15; push %rdi\n\t"					\
	    "mov 8(%rdi), %rbx; mov 16(%rdi), %rcx; mov 24(%rdi), %rdx\n\t" \
	    "mov 32(%rdi), %rsi; mov 48(%rdi), %rbp\n\t"		\
	    "mov 56(%rdi), %r8; mov 64(%rdi), %r9; mov 72(%rdi), %r10\n\t" \
	    "mov 80(%rdi), %r11; mov 88(%rdi), %r12; mov 96(%rdi), %r13\n\t" \
	    "mov 104(%rdi), %r14; mov 112(%rdi), %r15\n\t"		\
	    "mov 0(%rdi), %rax; mov 40(%rdi), %rdi\n"			\
	    #name "_at:\n\t"						\
	    instruction "\n"						\
	    #name "_end:\n\t"						\
	    "pushf; push %rdi; mov 16(%rsp), %rdi\n\t"			\
	    "mov %rax, 0(%rdi); mov %rbx, 8(%rdi); mov %rcx, 16(%rdi)\n\t" \
	    "mov %rdx, 24(%rdi); mov %rsi, 32(%rdi); mov %rbp, 48(%rdi)\n\t" \
	    "mov %r8, 56(%rdi); mov %r9, 64(%rdi); mov %r10, 72(%rdi)\n\t" \
	    "mov %r11, 80(%rdi); mov %r12, 88(%rdi); mov %r13, 96(%rdi)\n\t" \
	    "mov %r14, 104(%rdi); mov %r15, 112(%rdi)\n\t"		\
	    "pop 40(%rdi); pop 120(%rdi); pop %rdi\n\t"			\
	    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t" \
	    "ret\n")

#endif /* REGISTERS_H */
