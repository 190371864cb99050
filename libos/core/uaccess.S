/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The instructions that may touch a program's memory that is not there.
 *
 * Each has a row in the section "fixups": where it is and where to go on when
 * it faults, both relative to the row, so that nothing is to be relocated.
 * LibOsExceptionDispatch looks faults of the libos up there.
 */
	.macro	FIXUP at, to
	.pushsection fixups, "a"
	.balign	4
	.long	\at - .
	.long	\to - .
	.popsection
	.endm

	.macro	FUNCTION name
	.globl	\name
	.hidden	\name
	.type	\name, @function
\name:
	.endm

	.text

/* u64 user_copy_bytes(void *to, const void *from, u64 n): bytes left */
	FUNCTION user_copy_bytes
	mov	%rdx, %rcx
	shr	$3, %rcx
	and	$7, %edx
1:	rep movsq
	mov	%edx, %ecx
2:	rep movsb
3:	mov	%rcx, %rax
	ret
4:	lea	(%rdx, %rcx, 8), %rax
	ret
	FIXUP	1b, 4b
	FIXUP	2b, 3b

/* u64 user_clear_bytes(void *to, u64 n): bytes left */
	FUNCTION user_clear_bytes
	mov	%rsi, %rcx
	shr	$3, %rcx
	and	$7, %esi
	xor	%eax, %eax
1:	rep stosq
	mov	%esi, %ecx
2:	rep stosb
3:	mov	%rcx, %rax
	ret
4:	lea	(%rsi, %rcx, 8), %rax
	ret
	FIXUP	1b, 4b
	FIXUP	2b, 3b

/*
 * s64 user_copy_string(char *to, const char *from, u64 max): length without
 * the zero, max when there is none, -1 at a fault
 */
	FUNCTION user_copy_string
	xor	%eax, %eax
1:	cmp	%rdx, %rax
	jae	3f
2:	mov	(%rsi, %rax), %cl
	mov	%cl, (%rdi, %rax)
	test	%cl, %cl
	jz	3f
	inc	%rax
	jmp	1b
3:	ret
4:	mov	$-1, %rax
	ret
	FIXUP	2b, 4b

/* u32 user_cmpxchg32(u32 *p, u32 *expected, u32 new): 0, 1 at a fault */
	FUNCTION user_cmpxchg32
	mov	(%rsi), %eax
1:	lock cmpxchg %edx, (%rdi)
	mov	%eax, (%rsi)
	xor	%eax, %eax
	ret
2:	mov	$1, %eax
	ret
	FIXUP	1b, 2b

/* u32 fpu_save_to(void *area, u64 mask): XSAVE; 0, 1 at a fault */
	FUNCTION fpu_xsave
	mov	%rsi, %rdx
	mov	%esi, %eax
	shr	$32, %rdx
1:	xsave64	(%rdi)
	xor	%eax, %eax
	ret
2:	mov	$1, %eax
	ret
	FIXUP	1b, 2b

/* u32 fpu_xrstor(const void *area, u64 mask): 0, 1 when the area is invalid */
	FUNCTION fpu_xrstor
	mov	%rsi, %rdx
	mov	%esi, %eax
	shr	$32, %rdx
1:	xrstor64 (%rdi)
	xor	%eax, %eax
	ret
2:	mov	$1, %eax
	ret
	FIXUP	1b, 2b

/* u32 fpu_fxrstor(const void *area) */
	FUNCTION fpu_fxrstor
1:	fxrstor64 (%rdi)
	xor	%eax, %eax
	ret
2:	mov	$1, %eax
	ret
	FIXUP	1b, 2b

	.section .note.GNU-stack, "", @progbits
