/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the hooked functions call at their entry, and how the module calls
 * functions of the kernel that are not exported.
 *
 * On entry of a trampoline the stack holds two return addresses: into the
 * hooked function, behind its call to us, and to that function's caller. The
 * first is kept to continue, dropped to answer in the function's place. The
 * hooked functions take at most four arguments, of which their hooks see three;
 * rax, r10, r11 carry none at that point.
 */
#include <linux/linkage.h>
#include <asm/asm-offsets.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "../compat.h"
#include "slot.h"

/* Checked against the C structures in thread.c. */
#define THREAD_INFO_SYSCALL_WORK	8
#define SYSCALL_USER_DISPATCH_BIT	(1 << 5)

/*
 * @task: the register that holds the task whose mark decides; rax stands for
 * the current one. Several functions have a trampoline in common: where it was
 * called from is the hook's fourth argument.
 */
.macro PICO_TRAMPOLINE name task
SYM_FUNC_START(pico_trampoline_\name)
.ifc \task, rax
	movq	PICO_CURRENT, %rax
.endif
	testb	$SYSCALL_USER_DISPATCH_BIT, THREAD_INFO_SYSCALL_WORK(%\task)
	jnz	1f
	RET
1:
	pushq	%rcx
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	movq	32(%rsp), %rcx
	call	pico_hook_\name
	popq	%rdx
	popq	%rsi
	popq	%rdi
	popq	%rcx
	testb	$1, %al
	jnz	2f
	RET
2:
	sarq	%rax
	leaq	8(%rsp), %rsp
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(pico_trampoline_\name)
.endm

	.text
	PICO_TRAMPOLINE current rax
	PICO_TRAMPOLINE first_argument rdi
	PICO_TRAMPOLINE third_argument rdx

/*
 * syscall_user_dispatch() is only called for tasks with the flag, and its one
 * argument is all that must survive. The calling task finds itself in
 * pico_slots[] (see slot.h), unless another of the same slot came first. What
 * answers a marked thread is entered as if the function's caller had called
 * it; for anybody else the function goes on.
 */
SYM_FUNC_START(pico_trampoline_system_call)
	movq	PICO_CURRENT, %rax
	imulq	$PICO_SLOT_MULTIPLIER, %rax, %rcx
	shrq	$PICO_SLOT_SHIFT, %rcx
	andl	$PICO_SLOT_MASK, %ecx
	cmpq	%rax, pico_slots(%rcx)
	jne	2f
	movq	%rdi, %rsi
	movq	pico_slots+8(%rcx), %rdi
1:
	leaq	8(%rsp), %rsp
	UNWIND_HINT_FUNC
	jmp	pico_hook_system_call
2:
	pushq	%rdi
	movq	%rax, %rdi
	call	pico_thread_find
	popq	%rsi
	movq	%rax, %rdi
	testq	%rax, %rax
	jnz	1b
	movq	%rsi, %rdi
	RET
SYM_FUNC_END(pico_trampoline_system_call)

/*
 * pico_call_kernel(a, b, function): by a return, since an indirect call needs
 * an ENDBR at its target, and the kernel removes those that it does not need
 * itself.
 */
SYM_FUNC_START(pico_call_kernel)
	pushq	%rdx
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(pico_call_kernel)
