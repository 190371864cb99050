/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An image without libpal whose very first instruction is a raw SYSCALL, with
 * more of them behind. It exits with 38 when all gave -ENOSYS, with 100 plus
 * the number of the first one that did not.
 *
 * Numbers of dk_abi.h, whose enums the assembler cannot read.
 */
	.set	DkProcessExit, 0x0db00000 + (3 << 5) + 2
	.set	PARENT_ID, 108		/* in struct dk_parameters */
	.set	ENOSYS, 38

	.macro	attempt index, nr
	mov	$\nr, %eax
	syscall
	mov	$100 + \index, %ebx
	cmp	$-ENOSYS, %rax
	jne	out
	.endm

	.text
	.globl	_start
_start:
	syscall				/* rax and rdi as the host set them */
	mov	%rdi, %r12
	mov	$100, %ebx
	cmp	$-ENOSYS, %rax
	jne	out
	lea	name(%rip), %rdi
	mov	$0644, %esi
	attempt	1, 85			/* creat */
	mov	$0102, %esi
	mov	$0644, %edx
	attempt	2, 2			/* open */
	mov	$1, %edi
	lea	text(%rip), %rsi
	mov	$5, %edx
	attempt	3, 1			/* write */
	mov	PARENT_ID(%r12), %edi
	mov	$9, %esi
	attempt	4, 62			/* kill */
	mov	$17, %edi
	xor	%esi, %esi
	attempt	5, 56			/* clone */
	attempt	6, 57			/* fork */
	xor	%edi, %edi
	attempt	7, 60			/* exit */
	attempt	8, 231			/* exit_group */
	lea	name(%rip), %rdi
	attempt	9, 59			/* execve */
	lea	name(%rip), %rbx
	mov	$8, %eax
	mov	$0644, %ecx
	int	$0x80			/* creat */
	mov	$110, %ebx
	cmp	$-ENOSYS, %eax
	jne	out
	mov	$ENOSYS, %ebx
out:
	mov	%ebx, %edi
	mov	$DkProcessExit, %eax
	syscall
	ud2

	.section .rodata
name:	.asciz	"/dev/shm/pico-first-created"
text:	.asciz	"leak\n"

	.section .note.GNU-stack, "", @progbits
