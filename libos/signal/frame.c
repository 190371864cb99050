// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Signal frames: what a handler finds on its stack, and the way back.
 *
 *	higher	the interrupted code's stack
 *		red zone (128)
 *		vector state, 64-byte aligned, then FP_XSTATE_MAGIC2
 *		struct frame		<- rsp of the handler, 8 below a
 *	lower				   multiple of 16
 *
 * The layout is Linux's to the byte: debuggers, unwinders and runtimes read
 * and change it.
 */
#include <entry.h>
#include <fpu.h>
#include <libos.h>
#include <signals.h>

#define SA_RESTORER		0x04000000
#define UC_FP_XSTATE		0x1
#define UC_SIGCONTEXT_SS	0x2
#define UC_STRICT_RESTORE_SS	0x4

#define FP_XSTATE_MAGIC1	0x46505853U
#define FP_XSTATE_MAGIC2	0x46505845U
#define FPU_SOFTWARE		464	/* offset of struct fpu_software */
#define FPU_FEATURES_SAVED	512	/* first word of XSAVE's header */
#define FPU_LEGACY		512
#define RED_ZONE		128

/* Flags that a handler may change for the code it interrupted. */
#define RFLAGS_CHANGEABLE	0x54dd5	/* AC OF DF TF SF ZF AF PF CF RF */

/* struct sigcontext */
struct machine {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u16 cs, gs, fs, ss;
	u64 error, trap, old_mask, cr2;
	u64 fpu;
	u64 reserved[8];
};

struct frame {
	u64 return_address;
	/* struct ucontext */
	u64 flags;
	u64 link;
	u64 stack_base;
	u32 stack_flags;
	u32 stack_padding;
	u64 stack_size;
	struct machine machine;
	sigset mask;
	/* */
	siginfo_t info;
};

_Static_assert(sizeof(struct machine) == 256, "struct sigcontext");
_Static_assert(offsetof(struct frame, machine) == 8 + 40, "struct ucontext");
_Static_assert(sizeof(struct frame) == 440, "struct rt_sigframe");

/* struct _fpx_sw_bytes */
struct fpu_software {
	u32 magic1;
	u32 extended_size;
	u64 features;
	u32 size;
	u32 padding[7];
};

static bool within_alt_stack(const struct libos_thread *t, u64 rsp)
{
	return rsp > t->alt_stack_base &&
	       rsp - t->alt_stack_base <= t->alt_stack_size;
}

bool on_alt_stack(const struct libos_thread *t, u64 rsp)
{
	return !(t->alt_stack_flags & SS_AUTODISARM) &&
	       within_alt_stack(t, rsp);
}

static u64 fpu_frame_size(void)
{
	return fpu.size + (fpu.features ? sizeof(u32) : 0);
}

u64 frame_size(void)
{
	return ALIGN_UP(sizeof(struct frame) + fpu_frame_size() + FPU_ALIGN +
				16,
			16);
}

static long push_fpu(u64 at)
{
	u8 area[FPU_SIZE_MAX] __attribute__((aligned(FPU_ALIGN)));
	struct fpu_software software = { 0 };
	u32 magic2 = FP_XSTATE_MAGIC2;

	fpu_save(area);
	if (fpu.features) {
		software.magic1 = FP_XSTATE_MAGIC1;
		software.extended_size = fpu_frame_size();
		software.features = fpu.features;
		software.size = fpu.size;
	}
	memcpy(area + FPU_SOFTWARE, &software, sizeof(software));
	if (user_write((void *)at, area, fpu.size))
		return -EFAULT;
	if (fpu.features)
		return user_put(magic2, (u32 *)(at + fpu.size));
	return 0;
}

long frame_push(struct libos_thread *t, struct dk_context *c,
		const struct action *action, const siginfo_t *info, sigset mask,
		const struct dk_exception *e)
{
	bool on_alt = on_alt_stack(t, c->rsp);
	u64 sp = c->rsp - RED_ZONE, fpu_at;
	struct frame f = { 0 };

	if ((action->flags & SA_ONSTACK) && t->alt_stack_size &&
	    !on_alt_stack(t, sp)) {
		sp = t->alt_stack_base + t->alt_stack_size;
		on_alt = true;
	}
	fpu_at = ALIGN_DOWN(sp - fpu_frame_size(), FPU_ALIGN);
	sp = ALIGN_DOWN(fpu_at - sizeof(f), 16) - 8;
	/* What is below the alternate stack is somebody else's. */
	if (on_alt && !within_alt_stack(t, sp))
		return -EFAULT;

	f.return_address = action->restorer;
	f.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS |
		  (fpu.features ? UC_FP_XSTATE : 0);
	f.stack_base = t->alt_stack_base;
	f.stack_size = t->alt_stack_size;
	f.stack_flags = t->alt_stack_flags |
			(t->alt_stack_size ? 0 : SS_DISABLE);
	f.machine = (struct machine){
		.r8 = c->r8,
		.r9 = c->r9,
		.r10 = c->r10,
		.r11 = c->r11,
		.r12 = c->r12,
		.r13 = c->r13,
		.r14 = c->r14,
		.r15 = c->r15,
		.rdi = c->rdi,
		.rsi = c->rsi,
		.rbp = c->rbp,
		.rbx = c->rbx,
		.rdx = c->rdx,
		.rax = c->rax,
		.rcx = c->rcx,
		.rsp = c->rsp,
		.rip = c->rip,
		.rflags = c->rflags,
		.cs = USER_CS,
		.ss = USER_SS,
		.old_mask = mask,
		.fpu = fpu_at,
	};
	if (e) {
		f.machine.trap = e->trap;
		f.machine.error = e->error_code;
		if (e->trap == 14)
			f.machine.cr2 = e->address;
	}
	f.mask = mask;
	f.info = *info;
	if (!(action->flags & SA_RESTORER) || push_fpu(fpu_at) ||
	    user_put(f, (struct frame *)sp))
		return -EFAULT;
	if (t->alt_stack_flags & SS_AUTODISARM) {
		t->alt_stack_base = 0;
		t->alt_stack_size = 0;
		t->alt_stack_flags = 0;
	}

	c->rip = action->handler;
	c->rsp = sp;
	c->rdi = info->si_signo;
	c->rsi = sp + offsetof(struct frame, info);
	c->rdx = sp + offsetof(struct frame, flags);
	c->rax = 0;
	c->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	c->cs = USER_CS;
	c->ss = USER_SS;
	return 0;
}

static long pop_fpu(u64 at)
{
	u8 area[FPU_SIZE_MAX] __attribute__((aligned(FPU_ALIGN)));
	struct fpu_software software;
	u64 saved = 3, header[8] = { 0 }; /* x87 and SSE */
	u32 magic2;

	if (!at) {
		fpu_reset();
		return 0;
	}
	if (user_read(area, (void *)at, FPU_LEGACY))
		return -EFAULT;
	if (!fpu.features)
		return fpu_restore(area);
	memcpy(&software, area + FPU_SOFTWARE, sizeof(software));
	if (software.magic1 == FP_XSTATE_MAGIC1 && software.size == fpu.size &&
	    !user_get(magic2, (u32 *)(at + fpu.size)) &&
	    magic2 == FP_XSTATE_MAGIC2) {
		if (user_read(area + FPU_LEGACY, (void *)(at + FPU_LEGACY),
			      fpu.size - FPU_LEGACY))
			return -EFAULT;
		memcpy(&saved, area + FPU_FEATURES_SAVED, sizeof(saved));
		saved &= software.features & fpu.features;
	}
	header[0] = saved;
	memcpy(area + FPU_LEGACY, header, sizeof(header));
	return fpu_restore(area);
}

static long frame_pop(struct libos_thread *t, struct dk_context *c)
{
	struct machine *m;
	struct frame f;
	stack_t stack;

	/* The handler's RET has taken the return address. */
	if (user_get(f, (struct frame *)(c->rsp - 8)))
		return -EFAULT;
	m = &f.machine;
	signal_block(f.mask & ~SIGNALS_FIRM);
	c->r8 = m->r8;
	c->r9 = m->r9;
	c->r10 = m->r10;
	c->r11 = m->r11;
	c->r12 = m->r12;
	c->r13 = m->r13;
	c->r14 = m->r14;
	c->r15 = m->r15;
	c->rdi = m->rdi;
	c->rsi = m->rsi;
	c->rbp = m->rbp;
	c->rbx = m->rbx;
	c->rdx = m->rdx;
	c->rax = m->rax;
	c->rcx = m->rcx;
	c->rsp = m->rsp;
	c->rip = m->rip;
	c->rflags = (m->rflags & RFLAGS_CHANGEABLE) |
		    (c->rflags & ~(u64)RFLAGS_CHANGEABLE);
	if (pop_fpu(m->fpu))
		return -EFAULT;
	/* What sigaltstack() would refuse, stays as it is. */
	stack.ss_sp = (void *)f.stack_base;
	stack.ss_size = f.stack_size;
	stack.ss_flags = f.stack_flags;
	alt_stack_set(t, &stack, c->rsp);
	return 0;
}

SYSCALL0(rt_sigreturn)
{
	struct libos_thread *t = self();
	struct dk_context *c = t->frame;
	struct dk_exception fault = { .signal = SIGSEGV,
				      .signal_code = SI_KERNEL };

	/* It has a handler, perhaps, on another stack. */
	if (frame_pop(t, c))
		signal_fault(&fault, c);
	/* What was interrupted may have any number in rax. */
	t->flags |= THREAD_FRAME_CHANGED | THREAD_VALUE;
	return c->rax;
}
