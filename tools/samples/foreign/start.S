/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A program of FreeBSD/amd64 begins with the address of its argument count in
 * rdi and a stack pointer as after a call.
 */
	.globl	_start
	.type	_start, @function
_start:
	xor	%ebp, %ebp
	mov	(%rdi), %rax
	lea	8(%rdi), %rsi
	lea	16(%rdi, %rax, 8), %rdx
	mov	%eax, %edi
	sub	$8, %rsp
	call	main
	mov	%eax, %edi
	mov	$1, %eax
	syscall
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
