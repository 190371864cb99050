/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The provider interface of pico.ko: what a kernel module needs to give
 * processes a personality of its own.
 *
 * A *picoprocess* is a process whose address space holds only what its
 * provider mapped and whose system calls, exceptions and exits go to that
 * provider. A *provider* is a module that registers a struct
 * pico_provider_routines. It mirrors PsRegisterPicoProvider() of Windows;
 * Documentation/provider.rst has the table of names both ways.
 */
#ifndef _PICO_PICO_H
#define _PICO_PICO_H

#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/types.h>

struct linux_binprm;
struct pico_process;
struct pico_thread;

/**
 * struct pico_exception - a synchronous exception in user mode
 * @info:	the signal that the kernel was about to force
 * @trap:	x86 vector
 * @error_code:	x86 error code, or 0
 * @address:	faulting address for a page fault (vector 14), else si_addr
 */
struct pico_exception {
	kernel_siginfo_t info;
	unsigned long trap;
	unsigned long error_code;
	unsigned long address;
};

/**
 * enum pico_syscall - what dispatch_system_call() decided
 * @PICO_SYSCALL_ANSWERED: done: pt_regs hold what user mode shall see. To send
 *	the thread elsewhere, change ->ip too.
 * @PICO_SYSCALL_FORWARD: let the kernel run the native call that the provider
 *	has put in place with pico_forward_system_call() or one of the services
 *	built on it.
 */
enum pico_syscall {
	PICO_SYSCALL_ANSWERED,
	PICO_SYSCALL_FORWARD,
};

/**
 * struct pico_start - where a new picoprocess begins
 * @ip:		first instruction
 * @sp:		stack pointer
 * @arg0:	first argument (rdi)
 */
struct pico_start {
	unsigned long ip;
	unsigned long sp;
	unsigned long arg0;
};

/**
 * struct pico_thread_create_info - a thread for pico_create_thread()
 * @ip:		first instruction
 * @sp:		stack pointer
 * @arg0:	first argument (rdi)
 * @arg1:	second argument (rsi)
 * @context:	what pico_thread_context() returns for the new thread
 */
struct pico_thread_create_info {
	unsigned long ip;
	unsigned long sp;
	unsigned long arg0;
	unsigned long arg1;
	void *context;
};

/**
 * struct pico_provider_routines - what a provider registers
 * @size:	sizeof(struct pico_provider_routines), to the byte
 * @name:	names the provider; unique, shorter than PICO_NAME_LEN
 * @owner:	module that is pinned by every process and open file of it
 * @reserved:	zero; the place of the access masks and the subsystem type
 *
 * @dispatch_system_call: every system call of a marked thread, whatever
 *	instruction made it (in_ia32_syscall() tells the 32-bit entries). Runs
 *	on that thread, interrupts on, no locks held; may sleep. Mandatory.
 * @dispatch_exception: every synchronous exception, before any signal and
 *	before a debugger. Runs on that thread on its way to user mode; may
 *	sleep. True: handled, resume with pt_regs as they are now. False: the
 *	process dies of the signal. Optional.
 * @exit_thread: once per thread, on that thread; may sleep, the address space
 *	is still there. A fatal signal is usually pending: interruptible and
 *	killable waits end at once. Last use of the thread's context.
 * @exit_process: once, after the last thread's exit_thread(), on that thread;
 *	also for a process whose creation failed after prepare_process().
 *	Last use of the process' context.
 * @thread_created: on the creating thread, after pico_create_thread()'s clone
 *	was tried, in a context that may sleep. @error is 0 or the negative
 *	errno of the clone; returns what user mode shall see in rax. The new
 *	thread runs already. Mandatory for callers of pico_create_thread().
 * @thread_starting: just before a new thread becomes runnable; may not sleep.
 *	@child is a thread whose context is set. Optional.
 *
 * @open:	a file of /dev/pico was bound to the provider; stores its host
 *		object. May sleep. Mandatory if processes are to be created.
 * @ioctl:	an ioctl numbered PICO_IOC_PROVIDER or above.
 * @release:	the last reference to the file is gone; the provider ends the
 *		processes made from it.
 * @prepare_process: a ticket is being redeemed by execve(). Checks everything
 *	that can be checked, allocates the process' and first thread's
 *	contexts; an error makes execve() fail and leaves the caller as it was.
 * @start_process: the old address space is gone, the new one is empty: map,
 *	and say where to start. An error kills the task.
 *
 * Windows' WalkUserStack, TerminateProcess, GetAllocatedProcessImageName and
 * the Open masks have no field here yet.
 */
struct pico_provider_routines {
	size_t size;
	const char *name;
	struct module *owner;
	u32 reserved[4];

	enum pico_syscall (*dispatch_system_call)(struct pico_thread *thread,
						  struct pt_regs *regs);
	bool (*dispatch_exception)(struct pico_thread *thread,
				   struct pt_regs *regs,
				   const struct pico_exception *exception);
	void (*exit_thread)(struct pico_thread *thread);
	void (*exit_process)(struct pico_process *process);
	long (*thread_created)(struct pico_thread *thread, void *child_context,
			       int error);
	void (*thread_starting)(struct pico_thread *child);

	int (*open)(void **host);
	long (*ioctl)(void *host, unsigned int cmd, unsigned long arg);
	void (*release)(void *host);
	int (*prepare_process)(void *host, struct linux_binprm *bprm,
			       void **process_context, void **thread_context);
	int (*start_process)(struct pico_process *process,
			     struct pico_thread *thread,
			     struct pico_start *start);
};

/**
 * struct pico_routines - services for a provider, filled by registration
 * @size:	set by the caller to sizeof(struct pico_routines)
 * @get_process_context: what prepare_process() stored
 * @get_thread_context:	what prepare_process() or pico_create_thread() stored
 * @create_thread: on a marked thread, inside dispatch_system_call() only: put
 *	the clone of a new thread of the same process in place of the call.
 *	The provider returns PICO_SYSCALL_FORWARD after 0, or answers with the
 *	error (-ENOMEM, -EBUSY: one is in place already).
 * @terminate_thread: inside dispatch_system_call() only: the calling thread
 *	ends; the provider returns PICO_SYSCALL_FORWARD.
 * @terminate_process: inside dispatch_system_call() only: the whole process
 *	ends with @code (8 bits) as exit status; return PICO_SYSCALL_FORWARD.
 * @kill_process: from any context that may sleep: SIGKILL to the process.
 *
 * CreateProcess is an execve() that redeems a ticket, see
 * Documentation/provider.rst; the services of Windows that act on other
 * threads (context get and set, suspend, resume) have no field here yet.
 */
struct pico_routines {
	size_t size;
	void *(*get_process_context)(struct pico_process *process);
	void *(*get_thread_context)(struct pico_thread *thread);
	int (*create_thread)(struct pico_thread *thread, struct pt_regs *regs,
			     const struct pico_thread_create_info *info);
	void (*terminate_thread)(struct pico_thread *thread,
				 struct pt_regs *regs);
	void (*terminate_process)(struct pico_thread *thread,
				  struct pt_regs *regs, int code);
	void (*kill_process)(struct pico_process *process);
};

int pico_register_provider(const struct pico_provider_routines *provider,
			   struct pico_routines *routines);
int pico_unregister_provider(const struct pico_provider_routines *provider);

struct pico_process *pico_thread_process(const struct pico_thread *thread);
struct task_struct *pico_thread_task(const struct pico_thread *thread);

void pico_forward_system_call(struct pico_thread *thread, struct pt_regs *regs,
			      unsigned long nr, unsigned long a0,
			      unsigned long a1, unsigned long a2,
			      unsigned long a3, unsigned long a4,
			      unsigned long a5);

/**
 * pico_thread_context() - a thread's context, as get_thread_context() has it
 * @thread: a live thread
 *
 * The context is the first member of the otherwise opaque structure, so that
 * the way from a system call to the provider's own data is one load.
 */
static inline void *pico_thread_context(const struct pico_thread *thread)
{
	return *(void * const *)thread;
}

/**
 * pico_answer_system_call() - give user mode a result
 * @regs:	of the call
 * @value:	for rax. Values that mean "restart" to the kernel are safe:
 *		the call is marked as none.
 */
static inline enum pico_syscall
pico_answer_system_call(struct pt_regs *regs, long value)
{
	regs->ax = value;
	regs->orig_ax = -1;
	return PICO_SYSCALL_ANSWERED;
}

#endif /* _PICO_PICO_H */
