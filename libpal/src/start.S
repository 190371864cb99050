/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where the host enters the program: the first instruction, and the upcalls.
 *
 * At each of them rsp is 8 below a multiple of 16, as behind a call, and a
 * frame pointer of zero ends a debugger's backtrace.
 */

/* rdi: struct dk_parameters *. The image may not be relocated yet. */
	.section .text._start, "ax"
	.globl	_start
	.type	_start, @function
_start:
	.cfi_startproc
	.cfi_undefined rip
	xor	%ebp, %ebp
	push	%rdi
	.weak	_DYNAMIC
	.hidden	_DYNAMIC
	lea	_DYNAMIC(%rip), %rdi
	call	pal_relocate
	mov	(%rsp), %rdi
	call	pal_words_init
	mov	(%rsp), %rdi
	call	pal_time_init
	lea	pal_thread_start(%rip), %rdi
	lea	pal_exception(%rip), %rsi
	call	DkxUpcallRegister
	test	%rax, %rax
	jnz	1f
	mov	(%rsp), %rdi
	call	LibOsInitialize
	xor	%eax, %eax
1:	neg	%rax			/* no upcalls: their status as the code */
	mov	%rax, %rdi
	call	DkProcessExit
	ud2
	.cfi_endproc
	.size	_start, . - _start

/* rdi: start routine, rsi: its parameter. */
	.section .text.pal_thread_start, "ax"
	.type	pal_thread_start, @function
pal_thread_start:
	.cfi_startproc
	.cfi_undefined rip
	xor	%ebp, %ebp
	sub	$8, %rsp
	call	LibOsThreadStart
	call	DkThreadExit
	ud2
	.cfi_endproc
	.size	pal_thread_start, . - pal_thread_start

/* rdi: struct dk_exception *, rsi: struct dk_context *. */
	.section .text.pal_exception, "ax"
	.type	pal_exception, @function
pal_exception:
	.cfi_startproc
	.cfi_undefined rip
	xor	%ebp, %ebp
	sub	$8, %rsp
	call	LibOsExceptionDispatch
	ud2
	.cfi_endproc
	.size	pal_exception, . - pal_exception

	.section .note.GNU-stack, "", @progbits
