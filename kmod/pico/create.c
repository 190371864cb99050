// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads and processes that a provider creates: a native clone in place of a
 * system call of the creating thread.
 *
 * In order: the provider asks, inside dispatch_system_call(); the kernel runs
 * the clone; before the child can run, the fork probe marks it, gives it its
 * registers and suspends it; on its way to user mode the creating thread tells
 * the provider, which resumes the child when it likes. A child that is a new
 * process first makes its address space what was asked for and has the
 * provider start it.
 *
 * If the creating thread dies on the way, its exit hook does the telling.
 */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>

#include <asm/fpu/types.h>
#include <asm/syscall.h>

#include "internal.h"
#include "trace.h"

static int pico_creation_check(struct pico_thread *thread,
			       const struct pico_thread_attributes *attributes)
{
	if (!thread->process->provider->routines->thread_created ||
	    in_ia32_syscall())
		return -EOPNOTSUPP;
	/* Nobody else's call can be replaced. */
	if (thread->task != current || attributes->flags)
		return -EINVAL;
	if (thread->creation || thread->forward)
		return -EBUSY;
	if (attributes->registers.fs_base >= TASK_SIZE_MAX ||
	    attributes->registers.gs_base >= TASK_SIZE_MAX)
		return -EINVAL;
	return pico_registers_check(&attributes->registers);
}

static struct pico_creation *
pico_creation_alloc(struct pico_process *process,
		    const struct pico_thread_attributes *attributes)
{
	struct pico_creation *creation;

	creation = kzalloc(sizeof(*creation), GFP_KERNEL_ACCOUNT);
	if (!creation)
		return NULL;
	creation->child = pico_thread_alloc(process, attributes->context);
	if (!creation->child) {
		kfree(creation);
		return NULL;
	}
	creation->child_context = attributes->context;
	creation->registers = attributes->registers;
	return creation;
}

static void pico_creation_clone(struct pico_thread *thread,
				struct pt_regs *regs, unsigned long flags,
				unsigned long sp)
{
	const unsigned long arguments[6] = { flags, sp };

	pico_forward(thread, regs, __NR_clone, arguments, false);
	/* The way back to user mode leads over the signal hook. */
	set_thread_flag(TIF_NOTIFY_SIGNAL);
}

int pico_create_thread(struct pico_thread *thread, struct pt_regs *regs,
		       const struct pico_thread_attributes *attributes)
{
	struct pico_creation *creation;
	int ret;

	ret = pico_creation_check(thread, attributes);
	if (ret)
		return ret;
	creation = pico_creation_alloc(thread->process, attributes);
	if (!creation)
		return -ENOMEM;
	thread->creation = creation;
	pico_creation_clone(thread, regs,
			    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			    CLONE_THREAD | CLONE_SYSVSEM,
			    creation->registers.sp);
	return 0;
}

int pico_create_process(struct pico_thread *thread, struct pt_regs *regs,
			const struct pico_process_attributes *attributes,
			const struct pico_thread_attributes *first)
{
	struct pico_creation *creation;
	struct pico_process *process;
	unsigned long flags;
	int ret;

	ret = pico_creation_check(thread, first);
	if (ret)
		return ret;
	if (!thread->process->provider->routines->start_process)
		return -EOPNOTSUPP;
	if (attributes->flags & ~PICO_PROCESS_FLAGS ||
	    attributes->exit_signal < 0 || attributes->exit_signal > _NSIG)
		return -EINVAL;
	process = pico_process_alloc(thread->process->host);
	if (!process)
		return -ENOMEM;
	creation = pico_creation_alloc(process, first);
	if (!creation) {
		pico_process_drop(process);
		return -ENOMEM;
	}
	process->context = attributes->context;
	process->native_signals = thread->process->native_signals;
	process->flags = attributes->flags;
	process->credentials = attributes->credentials;
	creation->child->starting = true;
	thread->creation = creation;

	flags = attributes->exit_signal;
	if (attributes->flags & PICO_PROCESS_SIBLING)
		flags |= CLONE_PARENT;
	pico_creation_clone(thread, regs, flags, 0);
	return 0;
}

static void pico_child_registers(struct task_struct *task,
				 const struct user_regs_struct *registers)
{
	struct pt_regs *regs = task_pt_regs(task);

	regs->flags = X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	pico_registers_set(regs, registers);
	task->thread.fsbase = registers->fs_base;
	task->thread.gsbase = registers->gs_base;
	task->thread.fsindex = 0;
	task->thread.gsindex = 0;
}

/*
 * Vector state as execve() leaves it. The child has never run: its state is in
 * memory, and is loaded when it first goes to user mode. Components without a
 * bit in the header are loaded as initial ones, but for MXCSR.
 */
static void pico_child_fresh(struct task_struct *task)
{
	union fpregs_state *state = &task->thread.fpu.fpstate->regs;

	state->fxsave.cwd = 0x37f;
	state->fxsave.swd = 0;
	state->fxsave.twd = 0;
	state->fxsave.mxcsr = MXCSR_DEFAULT;
	memset(state->fxsave.st_space, 0, sizeof(state->fxsave.st_space));
	memset(state->fxsave.xmm_space, 0, sizeof(state->fxsave.xmm_space));
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		state->xsave.header.xfeatures = 0;
	/* Key 0 alone, as the kernel begins. */
	if (boot_cpu_has(X86_FEATURE_OSPKE))
		task->thread.pkru = 0x55555554;
}

/*
 * Nobody prepared this child: it must not see user mode. PREEMPT_RT's fork
 * probe cannot take the lock that a signal needs. Should a signal that somebody
 * else sends at that moment make ours get lost, the child makes no system call:
 * its dispatch has nowhere to go but SIGSYS.
 */
static void pico_child_kill(struct task_struct *task)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		sigaddset(&task->pending.signal, SIGKILL);
		set_tsk_thread_flag(task, TIF_SIGPENDING);
		pico_task_flag(task);
	} else {
		send_sig(SIGKILL, task, 1);
	}
}

/*
 * In the fork probe: @task is the child of @thread, which is current, and has
 * never run; maybe atomic.
 */
void pico_creation_forked(struct pico_thread *thread, struct task_struct *task)
{
	struct pico_creation *creation = thread->creation;
	struct pico_thread *child;

	if (!creation || creation->made) {
		pico_child_kill(task);
		return;
	}
	child = creation->child;
	/* A tracer has changed what the clone was to be. */
	if (same_thread_group(task, current) !=
	    (child->process == thread->process)) {
		pico_child_kill(task);
		return;
	}
	creation->made = true;
	child->suspensions = 1;
	if (child->process != thread->process) {
		pico_process_guard(child->process, task);
		child->process->pid = get_pid(task_tgid(task));
	}
	/* One reference more: for who was created, and for who tells. */
	pico_thread_get(child);
	pico_child_registers(task, &creation->registers);
	if (child->process != thread->process &&
	    !(child->process->flags & PICO_PROCESS_CLONE_MEMORY))
		pico_child_fresh(task);
	pico_thread_mark(child, task);
	set_tsk_thread_flag(task, TIF_NOTIFY_SIGNAL);
}

/*
 * The native clone was made, with @result, or its thread dies without; returns
 * what user mode shall see.
 */
long pico_creation_finish(struct pico_thread *thread, long result)
{
	struct pico_creation *creation = thread->creation;
	struct pico_thread *child = creation->child;
	struct pico_process *process = child->process;
	int error = 0;

	thread->creation = NULL;
	if (!creation->made)
		error = result < 0 && result >= -MAX_ERRNO ? result : -EAGAIN;
	trace_pico_thread_created(creation->made ? child : thread, error);
	result = thread->process->provider->routines->thread_created(thread,
				creation->made ? child : NULL,
				creation->child_context, error);
	if (!creation->made && process != thread->process)
		pico_process_end(process);
	pico_thread_put(child);
	kfree(creation);
	return result;
}

/* The address space was copied, as fork() does: make it an empty one. */
static int pico_empty_memory(void)
{
	struct mm_struct *mm = current->mm;

	spin_lock(&mm->arg_lock);
	mm->arg_start = 0;
	mm->arg_end = 0;
	mm->env_start = 0;
	mm->env_end = 0;
	spin_unlock(&mm->arg_lock);
	/* What the kernel would write there, and the signal stack. */
	rseq_execve(current);
	sas_ss_reset(current);
	return vm_munmap(0, TASK_SIZE);
}

/*
 * On the first thread of a process that was created, before it sees user mode
 * for the first time. An error ends the process.
 */
void pico_creation_start(struct pico_thread *thread, struct pt_regs *regs)
{
	struct pico_process *process = thread->process;
	struct pico_start start = {
		.ip = regs->ip,
		.sp = regs->sp,
		.arg0 = regs->di,
		.suspended = true,
		.native_signals = process->native_signals,
	};
	int ret = 0;

	thread->starting = false;
	if (process->credentials)
		commit_creds(process->credentials);
	process->credentials = NULL;
	/* The file may have been closed before this process could be seen. */
	if (READ_ONCE(process->host->released))
		ret = -EPERM;
	if (!(process->flags & PICO_PROCESS_INHERIT_FILES))
		pico_close_files();
	if (!ret && !(process->flags & PICO_PROCESS_CLONE_MEMORY))
		ret = pico_empty_memory();
	if (!ret)
		ret = process->provider->routines->start_process(process,
								 thread,
								 &start);
	trace_pico_start_process(thread, ret);
	if (!ret && start.ip >= TASK_SIZE_MAX)
		ret = -EINVAL;
	if (ret) {
		pico_terminate_process(process, SIGKILL);
		return;
	}
	regs->ip = start.ip;
	regs->sp = start.sp;
	regs->di = start.arg0;
	pico_process_present(process, &start);
}
