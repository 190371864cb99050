/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * From the program into the libos and back.
 *
 * The frame that is built here is a struct dk_context, the same that an
 * exception brings, so that signals, execve and (later) fork treat both alike.
 * Its two first members, the %fs and %gs bases, are not filled in.
 */
#include <entry.h>

	.text

/*
 * A SYSCALL of the program was redirected here by the host. The block holds
 * the address behind it, r11 the flags; all else is the program's, its stack
 * pointer included, below which lies a red zone: nothing is pushed there.
 */
	.globl	libos_entry
	.hidden	libos_entry
	.type	libos_entry, @function
libos_entry:
	.cfi_startproc
	.cfi_undefined rip
	mov	%rsp, %gs:THREAD_SCRATCH
	mov	%gs:THREAD_STACK_TOP, %rsp
	push	$USER_SS
	push	%gs:THREAD_SCRATCH
	push	%r11
	push	$USER_CS
	push	%gs:THREAD_RETURN_ADDRESS
	push	%rax
	push	%gs:THREAD_RETURN_ADDRESS	/* rcx, as SYSCALL leaves it */
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$16, %rsp
	cld
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	call	libos_syscall

	/* Not zero: other registers than rax are to change, or odd flags. */
	test	%eax, %eax
	jnz	1f
	add	$16, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	pop	%rcx			/* rip */
	pop	%r11			/* cs */
	mov	(%rsp), %r11
	popfq
	pop	%rsp
	jmp	*%rcx

1:	mov	%rsp, %rdi
	call	PalContextRestore
	.cfi_endproc
	.size	libos_entry, . - libos_entry

/*
 * The same for code that was made to call instead of to trap: the caller has
 * stepped over its red zone, and the return address is on its stack.
 */
	.globl	libos_direct_entry
	.hidden	libos_direct_entry
	.type	libos_direct_entry, @function
libos_direct_entry:
	pop	%gs:THREAD_RETURN_ADDRESS
	pushfq
	pop	%r11
	jmp	libos_entry
	.size	libos_direct_entry, . - libos_direct_entry

/* void stack_switch(void *top, void (*function)(void)): does not return. */
	.globl	stack_switch
	.hidden	stack_switch
	.type	stack_switch, @function
stack_switch:
	.cfi_startproc
	.cfi_undefined rip
	mov	%rdi, %rsp
	xor	%ebp, %ebp
	call	*%rsi
	ud2
	.cfi_endproc
	.size	stack_switch, . - stack_switch

	.section .note.GNU-stack, "", @progbits
