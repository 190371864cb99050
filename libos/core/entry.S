/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * From the program into the libos and back.
 *
 * The frame that is built here is a struct dk_context, the same that an
 * exception brings, so that signals, execve and (later) fork treat both alike.
 * Its two first members, the %fs and %gs bases, are not filled in.
 */
#include <entry.h>

#define STATUS_INTERRUPTED	-4

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

	/*
	 * eax is not zero: other registers than rax are to change, or odd
	 * flags. An exception from here to the jump starts again at
	 * leave_again: popping leaves the frame as it is.
	 */
	.globl	leave_start, leave_end, leave_again
	.hidden	leave_start, leave_end, leave_again
leave_start:
	cmpl	$0, %gs:THREAD_INTERRUPT
	jnz	leave_again
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
leave_end:

1:	mov	%rsp, %rdi
	call	context_leave

leave_again:				/* rsp is the frame */
	cld
	mov	%rsp, %rdi
	call	libos_leave_again
	jmp	leave_start
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

/*
 * DK_STATUS host_wait_call(u64 number, u64 a, ..., u64 f): see HOST_WAIT in
 * libos.h. An exception before or at the SYSCALL is an interruption.
 */
	.globl	host_wait_call, host_wait_start, host_wait_end
	.hidden	host_wait_call, host_wait_start, host_wait_end
	.type	host_wait_call, @function
host_wait_call:
	.cfi_startproc
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
host_wait_start:
	cmpl	$0, %gs:THREAD_INTERRUPT
	jnz	1f
	syscall
host_wait_end:
	ret
1:	mov	$STATUS_INTERRUPTED, %rax
	ret
	.cfi_endproc
	.size	host_wait_call, . - host_wait_call

/* void context_restore(const struct dk_context *context, u64 number) */
	.globl	context_restore, restore_start, restore_end
	.hidden	context_restore, restore_start, restore_end
	.type	context_restore, @function
context_restore:
	.cfi_startproc
restore_start:
	cmpl	$0, %gs:THREAD_INTERRUPT
	jnz	1f
	mov	%rsi, %rax
	syscall
restore_end:
	ud2				/* the context cannot be restored */
1:	ret
	.cfi_endproc
	.size	context_restore, . - context_restore

	.section .note.GNU-stack, "", @progbits
