// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions: from what the CPU saw, or somebody raised (raise.c), to the
 * LibOsExceptionDispatch upcall.
 *
 * The record and the context go to the exception stack that the thread
 * registered, or, if it runs there already or has none, below its stack
 * pointer, clear of the red zone. If that cannot be written, there is nobody
 * to tell but the monitor.
 */
#include <linux/sched.h>

#include <asm/fsgsbase.h>
#include <asm/msr.h>
#include <asm/trapnr.h>

#include "drawbridge.h"

#define DK_RED_ZONE	128

struct dk_upcall_frame {
	struct dk_context context;
	struct dk_exception exception;
} __aligned(16);

static u32 dk_exception_code(const struct pico_exception *e)
{
	switch (e->trap) {
	case X86_TRAP_PF:
		return e->info.si_signo == SIGBUS ?
			DK_EXCEPTION_BUS_ERROR : DK_EXCEPTION_ACCESS_VIOLATION;
	case X86_TRAP_DE:
		return DK_EXCEPTION_DIVIDE;
	case X86_TRAP_DB:
		return DK_EXCEPTION_SINGLE_STEP;
	case X86_TRAP_BP:
		return DK_EXCEPTION_BREAKPOINT;
	case X86_TRAP_UD:
		return DK_EXCEPTION_ILLEGAL_INSTRUCTION;
	case X86_TRAP_MF:
	case X86_TRAP_XF:
		return DK_EXCEPTION_FLOATING_POINT;
	case X86_TRAP_AC:
		return DK_EXCEPTION_ALIGNMENT;
	case X86_TRAP_GP:
	case X86_TRAP_SS:
	case X86_TRAP_NP:
	case X86_TRAP_OF:
	case X86_TRAP_BR:
		return DK_EXCEPTION_PROTECTION;
	case X86_TRAP_MC:
		return DK_EXCEPTION_BUS_ERROR;
	default:
		return DK_EXCEPTION_OTHER;
	}
}

static void dk_fill_exception(struct dk_exception *exception,
			      const struct pico_exception *e)
{
	exception->code = dk_exception_code(e);
	exception->trap = e->trap;
	exception->error_code = e->error_code;
	exception->address = e->address;
	exception->signal = e->info.si_signo;
	exception->signal_code = e->info.si_code;
}

static void dk_fill_context(struct dk_context *context,
			    const struct pt_regs *regs)
{
	context->fs_base = rdfsbase();
	rdmsrl(MSR_KERNEL_GS_BASE, context->gs_base);
	context->r15 = regs->r15;
	context->r14 = regs->r14;
	context->r13 = regs->r13;
	context->r12 = regs->r12;
	context->r11 = regs->r11;
	context->r10 = regs->r10;
	context->r9 = regs->r9;
	context->r8 = regs->r8;
	context->rdi = regs->di;
	context->rsi = regs->si;
	context->rbp = regs->bp;
	context->rbx = regs->bx;
	context->rdx = regs->dx;
	context->rcx = regs->cx;
	context->rax = regs->ax;
	context->rip = regs->ip;
	context->cs = regs->cs;
	context->rflags = regs->flags;
	context->rsp = regs->sp;
	context->ss = regs->ss;
}

/* The exception stack that the thread has registered, if it has. */
bool dk_exception_range(struct dk_thread *thread, u64 *base, u64 *size)
{
	return thread->block &&
	       !get_user(*base, &thread->block->exception_stack_base) &&
	       !get_user(*size, &thread->block->exception_stack_size) && *size;
}

static unsigned long dk_exception_stack(struct dk_thread *thread,
					const struct pt_regs *regs)
{
	u64 base, size;

	if (!dk_exception_range(thread, &base, &size) ||
	    regs->sp - base < size)
		return regs->sp - DK_RED_ZONE;
	return base + size;
}

/*
 * Have @thread, the calling one on its way to user mode, take an exception.
 * Return: the user address of the context, or 0: there is no place for it, or
 * nobody to take it.
 */
unsigned long dk_upcall(struct dk_thread *thread, struct pt_regs *regs,
			const struct dk_exception *exception)
{
	static const char no_stack[] = "exception without a usable stack\n";
	unsigned long entry = READ_ONCE(thread->process->exception_dispatch);
	struct dk_upcall_frame frame = { .exception = *exception };
	struct dk_upcall_frame __user *uframe;
	unsigned long sp;

	thread->stats.exceptions++;
	thread->restart_ip = 0;		/* what waited may not be taken up */
	if (!entry)
		return 0;
	dk_fill_context(&frame.context, regs);
	sp = dk_exception_stack(thread, regs);
	uframe = dk_user(round_down(sp - sizeof(frame), 16));
	if (copy_to_user(uframe, &frame, sizeof(frame))) {
		dk_sandbox_debug(thread->process->sandbox, no_stack,
				 sizeof(no_stack) - 1);
		return 0;
	}
	regs->di = (unsigned long)&uframe->exception;
	regs->si = (unsigned long)&uframe->context;
	regs->sp = (unsigned long)uframe - sizeof(long);
	regs->ip = entry;
	regs->cs = __USER_CS;
	regs->ss = __USER_DS;
	regs->flags &= ~(X86_EFLAGS_DF | X86_EFLAGS_TF | X86_EFLAGS_AC |
			 X86_EFLAGS_RF | X86_EFLAGS_NT);
	regs->orig_ax = -1;
	return (unsigned long)&uframe->context;
}

/* Also the place for exceptions in code segments that are not 64-bit. */
bool dk_dispatch_exception(struct pico_thread *pico, struct pt_regs *regs,
			   const struct pico_exception *e)
{
	struct dk_exception exception = { };

	dk_fill_exception(&exception, e);
	return dk_upcall(pico_thread_context(pico), regs, &exception);
}

/* What user mode may choose of its flags; the rest stays as it is. */
#define DK_USER_FLAGS	(X86_EFLAGS_AC | X86_EFLAGS_OF | X86_EFLAGS_DF | \
			 X86_EFLAGS_TF | X86_EFLAGS_SF | X86_EFLAGS_ZF | \
			 X86_EFLAGS_AF | X86_EFLAGS_PF | X86_EFLAGS_CF | \
			 X86_EFLAGS_RF)

/*
 * Continue with the registers of a context, all at once. User mode could do
 * it with IRETQ; emulators are known (QEMU's TCG before 9.1) that read the
 * stack of a user-mode IRETQ with the kernel's rights, which SMAP then turns
 * into a kernel fault. An rip that cannot be reached is an exception there.
 */
DK_HANDLER(DkxContextRestore)
{
	struct pt_regs *regs = current_pt_regs();
	struct dk_context context;

	if (copy_from_user(&context, dk_user(a0), sizeof(context)))
		return -EFAULT;
	if (context.cs != __USER_CS && context.cs != __USER32_CS)
		return -EINVAL;
	dk_raise_handled(thread, a0);
	regs->r15 = context.r15;
	regs->r14 = context.r14;
	regs->r13 = context.r13;
	regs->r12 = context.r12;
	regs->r11 = context.r11;
	regs->r10 = context.r10;
	regs->r9 = context.r9;
	regs->r8 = context.r8;
	regs->di = context.rdi;
	regs->si = context.rsi;
	regs->bp = context.rbp;
	regs->bx = context.rbx;
	regs->dx = context.rdx;
	regs->cx = context.rcx;
	regs->ax = context.rax;
	regs->ip = context.rip;
	regs->cs = context.cs;
	regs->flags = (regs->flags & ~DK_USER_FLAGS) |
		      (context.rflags & DK_USER_FLAGS);
	regs->sp = context.rsp;
	regs->ss = __USER_DS;
	regs->orig_ax = -1;
	return DK_REGISTERS_SET;
}

/* Where upcalls enter the image. Zero: exceptions are fatal. */
DK_HANDLER(DkxUpcallRegister)
{
	if (a0 >= DEFAULT_MAP_WINDOW || a1 >= DEFAULT_MAP_WINDOW)
		return -EINVAL;
	WRITE_ONCE(thread->process->thread_start, a0);
	WRITE_ONCE(thread->process->exception_dispatch, a1);
	return 0;
}
