// SPDX-License-Identifier: GPL-2.0-only
/*
 * User-mode state of threads: general registers, bases, vector state.
 *
 * Another thread's is read and written while it rests at the place that apc.c
 * describes. Vector state goes through the kernel's register sets, which know
 * its layout on this processor and check what is written.
 */
#include <linux/elf.h>
#include <linux/regset.h>
#include <linux/sched/task_stack.h>

#include <asm/fsgsbase.h>
#include <asm/msr.h>

#include "internal.h"

/* What user mode may choose of its flags; the rest stays as it is. */
#define PICO_USER_FLAGS	(X86_EFLAGS_AC | X86_EFLAGS_OF | X86_EFLAGS_DF | \
			 X86_EFLAGS_TF | X86_EFLAGS_SF | X86_EFLAGS_ZF | \
			 X86_EFLAGS_AF | X86_EFLAGS_PF | X86_EFLAGS_CF | \
			 X86_EFLAGS_RF)

/* Zero stands for the usual segments. */
int pico_registers_check(const struct user_regs_struct *r)
{
	if (r->ip >= TASK_SIZE_MAX)
		return -EINVAL;
	if (r->cs && r->cs != __USER_CS && r->cs != __USER32_CS)
		return -EINVAL;
	if (r->ss && r->ss != __USER_DS)
		return -EINVAL;
	return 0;
}

static int pico_bases_check(const struct user_regs_struct *r)
{
	return r->fs_base < TASK_SIZE_MAX && r->gs_base < TASK_SIZE_MAX ?
		0 : -EINVAL;
}

void pico_registers_set(struct pt_regs *regs, const struct user_regs_struct *r)
{
	regs->r15 = r->r15;
	regs->r14 = r->r14;
	regs->r13 = r->r13;
	regs->r12 = r->r12;
	regs->bp = r->bp;
	regs->bx = r->bx;
	regs->r11 = r->r11;
	regs->r10 = r->r10;
	regs->r9 = r->r9;
	regs->r8 = r->r8;
	regs->ax = r->ax;
	regs->cx = r->cx;
	regs->dx = r->dx;
	regs->si = r->si;
	regs->di = r->di;
	regs->ip = r->ip;
	regs->sp = r->sp;
	regs->cs = r->cs ?: __USER_CS;
	regs->ss = __USER_DS;
	regs->flags = (regs->flags & ~PICO_USER_FLAGS) |
		      (r->flags & PICO_USER_FLAGS);
	/* No system call is to be restarted. */
	regs->orig_ax = -1;
}

static void pico_registers_get(struct user_regs_struct *r,
			       const struct pt_regs *regs)
{
	r->r15 = regs->r15;
	r->r14 = regs->r14;
	r->r13 = regs->r13;
	r->r12 = regs->r12;
	r->bp = regs->bp;
	r->bx = regs->bx;
	r->r11 = regs->r11;
	r->r10 = regs->r10;
	r->r9 = regs->r9;
	r->r8 = regs->r8;
	r->ax = regs->ax;
	r->cx = regs->cx;
	r->dx = regs->dx;
	r->si = regs->si;
	r->di = regs->di;
	r->orig_ax = 0;
	r->ip = regs->ip;
	r->sp = regs->sp;
	r->cs = regs->cs;
	r->ss = regs->ss;
	r->flags = regs->flags;
	r->ds = 0;
	r->es = 0;
	r->fs = 0;
	r->gs = 0;
}

/* The calling thread's, into its own fields. */
void pico_bases_save(struct pico_thread *thread)
{
	thread->fs_base = rdfsbase();
	/* In the kernel, the user's base of %gs is the inactive one. */
	rdmsrl(MSR_KERNEL_GS_BASE, thread->gs_base);
}

/* And back. A switch to another task in between saves what it finds. */
void pico_bases_load(struct pico_thread *thread)
{
	preempt_disable();
	wrfsbase(thread->fs_base);
	wrmsrl(MSR_KERNEL_GS_BASE, thread->gs_base);
	preempt_enable();
}

static const struct user_regset *pico_extended_regset(void)
{
	const struct user_regset_view *view = task_user_regset_view(current);
	int i;

	for (i = 0; i < view->n; i++) {
		if (view->regsets[i].core_note_type == NT_X86_XSTATE)
			return &view->regsets[i];
	}
	return NULL;
}

/**
 * pico_extended_state_size() - how large extended state is
 *
 * Context: any.
 * Return: bytes, for struct pico_context's extended; 0 on a processor without
 * XSAVE.
 */
unsigned int pico_extended_state_size(void)
{
	const struct user_regset *regset = pico_extended_regset();

	return regset ? regset->n * regset->size : 0;
}
EXPORT_SYMBOL_GPL(pico_extended_state_size);

static int pico_context_check(const struct pico_context *context)
{
	if (!context->parts || context->parts & ~PICO_CONTEXT_ALL)
		return -EINVAL;
	if (context->parts & PICO_CONTEXT_EXTENDED &&
	    (!context->extended || !context->extended_size ||
	     context->extended_size != pico_extended_state_size()))
		return -EINVAL;
	return 0;
}

static int pico_context_read(struct pico_thread *thread,
			     struct pico_context *context)
{
	struct task_struct *task = thread->task;
	int ret;

	if (context->parts & PICO_CONTEXT_EXTENDED) {
		ret = regset_get(task, pico_extended_regset(),
				 context->extended_size, context->extended);
		if (ret < 0)
			return ret;
	}
	if (context->parts & PICO_CONTEXT_GENERAL)
		pico_registers_get(&context->registers, task_pt_regs(task));
	if (context->parts & PICO_CONTEXT_BASES) {
		spin_lock(&thread->lock);
		context->registers.fs_base = thread->fs_base;
		context->registers.gs_base = thread->gs_base;
		spin_unlock(&thread->lock);
	}
	return 0;
}

static int pico_context_write(struct pico_thread *thread,
			      struct pico_context *context)
{
	const struct user_regset *regset = pico_extended_regset();
	struct task_struct *task = thread->task;
	int ret;

	/* The only part that can still be refused. */
	if (context->parts & PICO_CONTEXT_EXTENDED) {
		ret = regset->set(task, regset, 0, context->extended_size,
				  context->extended, NULL);
		if (ret)
			return ret;
	}
	if (context->parts & PICO_CONTEXT_GENERAL) {
		pico_registers_set(task_pt_regs(task), &context->registers);
		pico_call_forget(thread);
	}
	if (context->parts & PICO_CONTEXT_BASES) {
		spin_lock(&thread->lock);
		thread->fs_base = context->registers.fs_base;
		thread->gs_base = context->registers.gs_base;
		thread->new_bases = true;
		spin_unlock(&thread->lock);
	}
	return 0;
}

/*
 * Have @work done on a thread that is at rest and busy, and off its processor
 * all the time: what the kernel saves on the way off (PKRU) is not that of rest.
 * Whoever is woken meanwhile finds that it is busy and sleeps again.
 */
static int pico_work_off_cpu(struct pico_thread *thread,
			     int (*work)(struct pico_thread *thread,
					 struct pico_context *context),
			     struct pico_context *context)
{
	struct task_struct *task = thread->task;
	unsigned long switches;
	bool undisturbed;
	int ret;

	do {
#ifdef CONFIG_SMP
		smp_cond_load_acquire(&task->on_cpu, !VAL);
#endif
		switches = READ_ONCE(task->nvcsw) + READ_ONCE(task->nivcsw);
		ret = work(thread, context);
		/* It comes on with what was written, or is seen to be on. */
		smp_mb();
#ifdef CONFIG_SMP
		undisturbed = !READ_ONCE(task->on_cpu);
#else
		undisturbed = true;
#endif
		if (switches != READ_ONCE(task->nvcsw) +
				READ_ONCE(task->nivcsw))
			undisturbed = false;
	} while (!undisturbed);
	return ret;
}

/* Have @work, which may sleep, done on a thread that is at rest and busy. */
static int pico_at_rest(struct pico_thread *thread,
			int (*work)(struct pico_thread *thread,
				    struct pico_context *context),
			struct pico_context *context)
{
	bool claimed = false;
	int ret;

	might_sleep();
	ret = pico_thread_hold(thread);
	if (ret)
		return ret;
	/* A signal, or somebody else, may take it before the lock is held. */
	while (!ret && !claimed) {
		ret = pico_thread_rest(thread);
		spin_lock(&thread->lock);
		claimed = !ret && thread->resting && !thread->busy &&
			  !thread->gone;
		if (claimed)
			thread->busy = true;
		spin_unlock(&thread->lock);
	}
	if (claimed) {
		ret = pico_work_off_cpu(thread, work, context);
		spin_lock(&thread->lock);
		thread->busy = false;
		spin_unlock(&thread->lock);
	}
	/* It wakes who waits. */
	pico_thread_release(thread);
	return ret;
}

int pico_get_context_thread(struct pico_thread *thread,
			    struct pico_context *context)
{
	int ret;

	ret = pico_context_check(context);
	if (ret)
		return ret;
	if (thread->task == current) {
		pico_bases_save(thread);
		return pico_context_read(thread, context);
	}
	return pico_at_rest(thread, pico_context_read, context);
}

int pico_set_context_thread(struct pico_thread *thread,
			    const struct pico_context *context)
{
	struct pico_context copy = *context;
	int ret;

	ret = pico_context_check(context);
	if (!ret && context->parts & PICO_CONTEXT_GENERAL)
		ret = pico_registers_check(&context->registers);
	if (!ret && context->parts & PICO_CONTEXT_BASES)
		ret = pico_bases_check(&context->registers);
	if (ret)
		return ret;
	if (thread->task == current) {
		if (context->parts & PICO_CONTEXT_EXTENDED)
			return -EDEADLK;
		ret = pico_context_write(thread, &copy);
		if (thread->new_bases)
			pico_bases_load(thread);
		thread->new_bases = false;
		return ret;
	}
	return pico_at_rest(thread, pico_context_write, &copy);
}

int pico_set_descriptor_base(struct pico_thread *thread,
			     enum pico_descriptor which, unsigned long base)
{
	int ret = 0;

	if ((which != PICO_DESCRIPTOR_FS && which != PICO_DESCRIPTOR_GS) ||
	    base >= TASK_SIZE_MAX)
		return -EINVAL;
	if (thread->task == current) {
		pico_bases_save(thread);
		*(which == PICO_DESCRIPTOR_FS ? &thread->fs_base :
						&thread->gs_base) = base;
		pico_bases_load(thread);
		return 0;
	}
	spin_lock(&thread->lock);
	if (thread->gone) {
		ret = -ESRCH;
	} else if (!thread->resting || !thread->suspensions) {
		ret = -EBUSY;
	} else {
		*(which == PICO_DESCRIPTOR_FS ? &thread->fs_base :
						&thread->gs_base) = base;
		thread->new_bases = true;
	}
	spin_unlock(&thread->lock);
	return ret;
}
