/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the hooked functions call at their entry.
 *
 * On entry the stack holds two return addresses: into the hooked function,
 * behind its call to us, and to that function's caller. The first is kept to
 * continue, dropped to answer in the function's place. The hooked functions
 * take at most three arguments; rax, r10, r11 carry none at that point.
 */
#include <linux/linkage.h>
#include <asm/asm-offsets.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "../compat.h"

/* Checked against the C structures in thread.c. */
#define THREAD_INFO_SYSCALL_WORK	8
#define SYSCALL_USER_DISPATCH_BIT	(1 << 5)

.macro PICO_TRAMPOLINE name marked
SYM_FUNC_START(pico_trampoline_\name)
.if \marked
	movq	PICO_CURRENT, %rax
	testb	$SYSCALL_USER_DISPATCH_BIT, THREAD_INFO_SYSCALL_WORK(%rax)
	jnz	1f
	RET
1:
.endif
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	call	pico_hook_\name
	popq	%rdx
	popq	%rsi
	popq	%rdi
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
	PICO_TRAMPOLINE system_call 0
	PICO_TRAMPOLINE force_signal 1
	PICO_TRAMPOLINE signal 1
	PICO_TRAMPOLINE exit 1
	PICO_TRAMPOLINE vsyscall 1
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	PICO_TRAMPOLINE dispatch_config 0
#endif
