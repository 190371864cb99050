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
 *
 * Lifetimes. A struct pico_thread is valid for its provider from the callback
 * that first shows it until .exit_thread() has returned, a struct pico_process
 * until .process_gone() has; whoever keeps a pointer for longer, or uses it
 * from another thread, takes a reference (pico_thread_get(),
 * pico_process_get()). What is gone answers -ESRCH.
 */
#ifndef _PICO_PICO_H
#define _PICO_PICO_H

#include <linux/bits.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/types.h>
#include <linux/user.h>
#include <linux/uuid.h>

struct cred;
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
 *	has put in place with pico_forward_system_call(), create_thread() or
 *	create_process(). Without one in place it means ANSWERED.
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
 * @suspended:	the first thread waits for resume_thread(). After
 *		create_process() it does anyway.
 * @keep_children: children are zombies until the process waits for them, with
 *		a native call that the provider forwards. Otherwise the kernel
 *		reaps them at once: the provider has seen exit_process().
 * @native_signals: signals work as execve() leaves them, for a provider that
 *	forwards rt_sigaction and its like. Otherwise SIGPIPE and SIGXFSZ are
 *	ignored, and no handler runs. Inherited from the creating process.
 * @arguments_start: user address of the argument strings, which ps and
 *	/proc/PID/cmdline show; 0: none
 * @arguments_end: .
 * @environment_end: the environment strings begin where the arguments end
 */
struct pico_start {
	unsigned long ip;
	unsigned long sp;
	unsigned long arg0;
	bool suspended;
	bool keep_children;
	bool native_signals;
	unsigned long arguments_start;
	unsigned long arguments_end;
	unsigned long environment_end;
};

/**
 * struct pico_thread_attributes - a thread to be created
 * @registers:	what it begins with. Of the segment registers and flags only
 *		what user mode may choose is taken; orig_ax is not. Windows'
 *		StartRoutine is ip, UserStack sp, StartParameter1 and 2 di and
 *		si, UserFsBase and UserGsBase fs_base and gs_base.
 * @context:	what pico_thread_context() returns for the new thread
 * @flags:	none defined, zero
 *
 * The thread starts suspended, with the vector state of its creator, but for
 * the first one of a process that is no copy.
 */
struct pico_thread_attributes {
	struct user_regs_struct registers;
	void *context;
	u32 flags;
};

/**
 * enum pico_process_flags - for struct pico_process_attributes
 * @PICO_PROCESS_CLONE_MEMORY: the child begins with a copy-on-write copy of
 *	the caller's memory (Windows: clone parent). Otherwise with none, and
 *	with the vector state that execve() gives.
 * @PICO_PROCESS_INHERIT_FILES: and with a copy of its descriptor table
 *	(Windows: inherit handles). Otherwise with an empty one.
 * @PICO_PROCESS_SIBLING: the parent is the caller's parent, not the caller. It
 *	is sent the caller's own exit signal, whatever the attribute says.
 *
 * Windows' breakaway and job flags have no meaning here: which cgroup a
 * process is in is not a module's to change.
 */
enum pico_process_flags {
	PICO_PROCESS_CLONE_MEMORY	= BIT(0),
	PICO_PROCESS_INHERIT_FILES	= BIT(1),
	PICO_PROCESS_SIBLING		= BIT(2),
};

#define PICO_PROCESS_FLAGS						\
	(PICO_PROCESS_CLONE_MEMORY | PICO_PROCESS_INHERIT_FILES |	\
	 PICO_PROCESS_SIBLING)

/**
 * struct pico_process_attributes - a process to be created
 * @flags:	enum pico_process_flags
 * @exit_signal: what the parent is sent when it ends; 0 for nothing. Of one
 *		that is not SIGCHLD a zombie stays until the parent waits for it
 *		with __WALL, even without keep_children.
 * @context:	what get_process_context() returns for the new process
 * @credentials: NULL for the caller's own; else from prepare_creds(), and
 *		create_process() takes over the reference if it succeeds
 */
struct pico_process_attributes {
	u32 flags;
	int exit_signal;
	void *context;
	struct cred *credentials;
};

/**
 * enum pico_context_parts - which parts of a context are meant
 * @PICO_CONTEXT_GENERAL: general registers, ip, flags, cs, ss
 * @PICO_CONTEXT_BASES: fs_base and gs_base
 * @PICO_CONTEXT_EXTENDED: x87, SSE, AVX and what else XSAVE holds
 */
enum pico_context_parts {
	PICO_CONTEXT_GENERAL	= BIT(0),
	PICO_CONTEXT_BASES	= BIT(1),
	PICO_CONTEXT_EXTENDED	= BIT(2),
};

#define PICO_CONTEXT_ALL						\
	(PICO_CONTEXT_GENERAL | PICO_CONTEXT_BASES | PICO_CONTEXT_EXTENDED)

/**
 * struct pico_context - a thread's user-mode state
 * @parts:	enum pico_context_parts; the others are neither read nor written
 * @extended_size: size of @extended, pico_extended_state_size() bytes
 * @registers:	general registers and bases; orig_ax, ds, es, fs, gs are
 *		reported as zero and ignored
 * @extended:	XSAVE area in the format of ptrace's NT_X86_XSTATE
 */
struct pico_context {
	u32 parts;
	u32 extended_size;
	struct user_regs_struct registers;
	void *extended;
};

/**
 * enum pico_descriptor - for set_thread_descriptor_base()
 * @PICO_DESCRIPTOR_FS: base of %fs
 * @PICO_DESCRIPTOR_GS: base of %gs
 */
enum pico_descriptor {
	PICO_DESCRIPTOR_FS,
	PICO_DESCRIPTOR_GS,
};

/**
 * enum pico_access - what others may do to a picoprocess
 * @PICO_ACCESS_READ: look at it (PTRACE_MODE_READ: /proc/PID/maps, fd, auxv,
 *	process_vm_readv, ...)
 * @PICO_ACCESS_ATTACH: take it over (PTRACE_MODE_ATTACH: /proc/PID/mem,
 *	ptrace, process_vm_writev, ...)
 * @PICO_ACCESS_SIGNAL: send it signals. SIGKILL cannot be refused, nor what
 *	the kernel itself sends, but for that of PR_SET_PDEATHSIG.
 */
enum pico_access {
	PICO_ACCESS_READ	= BIT(0),
	PICO_ACCESS_ATTACH	= BIT(1),
	PICO_ACCESS_SIGNAL	= BIT(2),
};

#define PICO_ACCESS_ALL							\
	(PICO_ACCESS_READ | PICO_ACCESS_ATTACH | PICO_ACCESS_SIGNAL)

/**
 * struct pico_provider_routines - what a provider registers
 * @size:	sizeof(struct pico_provider_routines), to the byte
 * @name:	names the provider; unique, shorter than PICO_NAME_LEN
 * @owner:	module that is pinned by every process and open file of it; not
 *	NULL
 * @subsystem_type: any number; shown in debugfs
 * @open_process_access: enum pico_access: what processes outside may do to the
 *	provider's, through /proc/PID and with signals to a process. It narrows
 *	what the kernel allows, for root too, and never widens it. Threads of
 *	the same process are not concerned.
 * @open_thread_access: the same for system calls on one thread (ptrace,
 *	process_vm_readv, kcmp, ...) and signals to one (tgkill)
 *
 * @dispatch_system_call: every system call of a marked thread, whatever
 *	instruction made it (in_ia32_syscall() tells the 32-bit entries). Runs
 *	on that thread, interrupts on, no locks held; may sleep. Mandatory.
 * @dispatch_exception: every synchronous exception, before any signal and
 *	before a debugger. Runs on that thread on its way to user mode; may
 *	sleep. True: handled, resume with pt_regs as they are now. False: the
 *	signal is sent, to a debugger if there is one; otherwise the process
 *	dies of it. Optional.
 * @exit_thread: once per thread, on that thread, also where execve() or
 *	start_process() failed after prepare_process(); may sleep, the address
 *	space is still there. A fatal signal is usually pending: interruptible
 *	and killable waits end at once. Last use of the thread's context.
 *	Optional.
 * @exit_process: once, after the last thread's exit_thread(), on that thread;
 *	also for a process whose creation failed after prepare_process() or
 *	create_process(). May sleep; if a thread ever ran, the process' address
 *	space is still there. A file whose last reference is put here is closed
 *	later: see process_gone(). Last use of the process' context, but for
 *	process_gone(). Optional.
 * @process_gone: once, after exit_process(), when no thread has an address
 *	space or files any more, and all is closed that exit_thread() and
 *	exit_process() let go of, and what that held in turn: time to wake who
 *	waits for the process' end. On the last of the threads to come so far;
 *	may sleep, but has no memory, files, directory or namespaces of its
 *	own (current->mm, ->files, ->fs and ->nsproxy are NULL). The kernel's
 *	own wait for the process comes later. For a process none of whose
 *	threads ever ran it comes right behind exit_process(), before anything
 *	is closed. Last use of the process' context. Optional.
 * @terminate_process: somebody asked for the process' end with
 *	PICO_IOC_TERMINATE. On the asking thread; may sleep. True: the provider
 *	sees to it. False: pico.ko ends it at once. If the process ends
 *	meanwhile, exit_process() waits for the callback, which must not wait
 *	for that in turn. Optional.
 * @walk_user_stack: fill in at most @max return addresses, the innermost
 *	first, and return how many. On the thread itself, for the tracepoint
 *	pico_user_stack. May sleep; the stack may hold anything. Optional.
 * @get_process_image_name: the name that ps and top show, into @name, @size
 *	bytes with the terminating zero; called when a process has started, on
 *	its first thread; may sleep. Optional.
 *
 * @thread_created: after create_thread() or create_process(): the native call
 *	was made. On the creating thread, may sleep. @child is the new thread,
 *	suspended (or gone already, if it was killed), or NULL where @error says
 *	why there is none; @child_context is what the thread's attributes held,
 *	and may be gone with the child if that was killed. Returns
 *	what user mode shall see in rax. Called also if the creating thread was
 *	killed meanwhile. For who calls create_thread() or create_process().
 *
 * @native_call_ended: the native call of pico_forward_watched() has ended, with
 *	@result, which may be one that means "restart" (-ERESTARTSYS and its
 *	like: a signal, a suspension or an APC came first). On the calling
 *	thread, on its way to user mode, with the argument registers as they
 *	were; may sleep. Returns what user mode shall see in rax; a value that
 *	means "restart" has the thread make its own call again. Exactly once
 *	for each call: for one that never returned (exit(), or killed by
 *	seccomp) on the thread's way out, before exit_thread(), with whatever is
 *	in rax. For who calls pico_forward_watched().
 * @deliver_apc: queue_apc() was called for the thread, maybe several times. On
 *	that thread, before it executes another instruction in user mode and
 *	not while it is suspended; may sleep. @regs are what user mode would
 *	find, and may be changed. A wait that was cut short has ended: ip is
 *	behind its instruction and ax is -EINTR. (Its own wait a provider ends
 *	with pico_restart_system_call() for that. With native_signals, what
 *	the thread's own call restarts to is the kernel's affair.) False:
 *	nothing was done, and such a call is made again. Optional.
 * @deliver_signal: a signal of Linux from outside (kill(2), a terminal, a
 *	timer, ...) is about to act on the thread, or on its process by way of
 *	the thread. True: the provider has taken it; there is nothing else to
 *	it. False: it takes its default action. On that thread, also while
 *	that is suspended; may sleep; before a debugger. Each signal is shown
 *	once. Not shown are SIGKILL, SIGSTOP, exceptions, that of a seccomp
 *	filter which kills, signals that the launcher of the process ignored,
 *	SIGPIPE and SIGXFSZ, and those of a process with native_signals.
 *	Without dispatch_exception(), the signals of exceptions are shown: to
 *	take one has the thread execute its instruction again. SIGCONT has
 *	continued the process when it is shown. Optional.
 *
 * @open:	a file of /dev/pico was bound to the provider; stores its host
 *		object. May sleep. Mandatory if processes are to be created.
 * @ioctl:	an ioctl numbered PICO_IOC_PROVIDER or above, on the thread that
 *		makes it, maybe several at once; may sleep. What it returns is
 *		the ioctl's result. Optional: -ENOTTY.
 * @release:	the last reference to the file is gone. pico.ko has killed the
 *		processes made from it, which may not have ended yet. On
 *		whichever task has dropped it, or, if one was inside
 *		prepare_process() then, on that one, behind it; may sleep.
 * @prepare_process: a ticket is being redeemed by execve(). Checks everything
 *	that can be checked, allocates the process' and first thread's
 *	contexts; an error makes execve() fail and leaves the caller as it was.
 *	On the thread that calls execve(), with the locks that this takes; may
 *	sleep. One at a time for each @host, whose .release() is not called
 *	meanwhile.
 * @start_process: in a new process, on its first thread, before its first
 *	instruction: map, and say where to start. After execve() and after
 *	create_process() without CLONE_MEMORY the address space is empty; after
 *	create_process() @start holds the attributes' registers. May sleep, and
 *	use every service. An error ends the process.
 */
struct pico_provider_routines {
	size_t size;
	const char *name;
	struct module *owner;
	u32 subsystem_type;
	u32 open_process_access;
	u32 open_thread_access;

	enum pico_syscall (*dispatch_system_call)(struct pico_thread *thread,
						  struct pt_regs *regs);
	bool (*dispatch_exception)(struct pico_thread *thread,
				   struct pt_regs *regs,
				   const struct pico_exception *exception);
	void (*exit_thread)(struct pico_thread *thread);
	void (*exit_process)(struct pico_process *process);
	void (*process_gone)(struct pico_process *process);
	bool (*terminate_process)(struct pico_process *process, int status);
	unsigned int (*walk_user_stack)(struct pico_thread *thread,
					const struct pt_regs *regs,
					unsigned long *frames,
					unsigned int max);
	void (*get_process_image_name)(struct pico_process *process,
				       char *name, size_t size);

	long (*thread_created)(struct pico_thread *thread,
			       struct pico_thread *child, void *child_context,
			       int error);

	long (*native_call_ended)(struct pico_thread *thread,
				  struct pt_regs *regs, long result);
	bool (*deliver_apc)(struct pico_thread *thread, struct pt_regs *regs);
	bool (*deliver_signal)(struct pico_thread *thread,
			       const kernel_siginfo_t *info);

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
 *
 * Contexts and locks. What is not said to sleep does not, and may be called
 * with spinlocks held, but neither from interrupts of any kind nor with a raw
 * spinlock held (on PREEMPT_RT it may wait). pico.ko calls into a provider
 * with no lock of its own held but for .prepare_process(), and services may be
 * called from any callback.
 * Who passes a thread or a process keeps it: see the top of this file.
 *
 * @create_process: on a marked thread, inside dispatch_system_call(): put the
 *	native clone of a new process in place of the call, with one thread.
 *	Return PICO_SYSCALL_FORWARD after 0; .start_process() and
 *	.thread_created() follow. -EINVAL: a flag that is not defined, an
 *	exit_signal that is none, registers that user mode could not have, or
 *	a @thread that is not the calling one. -EBUSY: a native call is in
 *	place already. -EOPNOTSUPP:
 *	the provider has no .thread_created() or .start_process(), or the call
 *	came from a 32-bit entry. -ENOMEM.
 * @create_thread: the same for a new thread of the calling process.
 * @get_process_context: what prepare_process() or create_process() stored.
 *	Any context. A reference does not keep it: the provider frees it in
 *	process_gone(), or in exit_process() if it has no such callback.
 * @get_thread_context:	what prepare_process(), create_process() or
 *	create_thread() stored. Any context. The same is true of exit_thread().
 * @get_context_thread: read @context->parts of a thread. A thread that is not
 *	suspended is, for the moment; one in a system call is waited for, and
 *	one that the kernel holds in a stop or freezer, too. For the calling
 *	thread: what user mode will find, as things stand.
 *	May sleep. -EINVAL: an unknown part, wrong extended_size. -ESRCH: the
 *	thread has ended. -ERESTARTSYS: a signal for the caller came first.
 * @set_context_thread: write them; -EINVAL also for a value that user mode
 *	could not have. A thread's own extended state, while it runs, is not
 *	in memory: -EDEADLK. Everything is checked before anything is set.
 *	Otherwise as get_context_thread().
 * @terminate_thread: one thread ends with @status (as wait(2) has it), before
 *	it executes another instruction in user mode; for the calling thread,
 *	too. An interruptible wait of it ends at once. Does not wait for it.
 *	-EINVAL: not such a status; -ESRCH: it has ended.
 * @resume_thread: one suspension less. *@previous, if not NULL, is the count
 *	before. -EINVAL: it was not suspended. -ESRCH: it has ended.
 * @set_thread_descriptor_base: of the calling thread, or of a suspended one
 *	(-EBUSY otherwise). -EINVAL: not a user address, or no such base.
 *	-ESRCH: it has ended.
 * @suspend_thread: one suspension more: the thread executes nothing in user
 *	mode until all are resumed. Does not wait for the thread to come to
 *	rest; get_context_thread() does. The calling thread may suspend itself:
 *	it rests when its call ends. SIGKILL ends a suspended thread; SIGSTOP,
 *	debuggers and freezers see it as any other. -EOVERFLOW: 2^16
 *	suspensions; -ESRCH: it has ended.
 * @queue_apc: have deliver_apc() called on a thread, as soon as that can be:
 *	an interruptible wait of it ends, a suspension does not. For the calling
 *	thread, too. Several before the thread has come there are one.
 *	-EOPNOTSUPP: the provider has no deliver_apc(). -ESRCH: it has ended.
 * @terminate_process: the whole process ends with @status (as wait(2) has it),
 *	whatever it is doing; from exit_thread(), too. Of several, the first
 *	counts. Does not wait for it. -EINVAL: not such a status. -ESRCH: it
 *	has ended.
 *
 * CreateProcess is also an execve() that redeems a ticket, see
 * Documentation/provider.rst.
 */
struct pico_routines {
	size_t size;
	int (*create_process)(struct pico_thread *thread, struct pt_regs *regs,
			      const struct pico_process_attributes *process,
			      const struct pico_thread_attributes *first);
	int (*create_thread)(struct pico_thread *thread, struct pt_regs *regs,
			     const struct pico_thread_attributes *attributes);
	void *(*get_process_context)(struct pico_process *process);
	void *(*get_thread_context)(struct pico_thread *thread);
	int (*get_context_thread)(struct pico_thread *thread,
				  struct pico_context *context);
	int (*set_context_thread)(struct pico_thread *thread,
				  const struct pico_context *context);
	int (*terminate_thread)(struct pico_thread *thread, int status);
	int (*resume_thread)(struct pico_thread *thread,
			     unsigned int *previous);
	int (*set_thread_descriptor_base)(struct pico_thread *thread,
					  enum pico_descriptor which,
					  unsigned long base);
	int (*suspend_thread)(struct pico_thread *thread,
			      unsigned int *previous);
	int (*queue_apc)(struct pico_thread *thread);
	int (*terminate_process)(struct pico_process *process, int status);
};

/**
 * MODULE_ALIAS_PICO_PROVIDER() - have a provider's module loaded on demand
 * @name: the provider's, a string; of letters, digits, '-' and '_'
 *
 * PICO_IOC_BIND with a name that nobody has registered asks modprobe for a
 * module with this alias.
 */
#define MODULE_ALIAS_PICO_PROVIDER(name) MODULE_ALIAS("pico-provider-" name)

int pico_register_provider(const struct pico_provider_routines *provider,
			   struct pico_routines *routines);
int pico_unregister_provider(const struct pico_provider_routines *provider);

struct pico_process *pico_thread_process(const struct pico_thread *thread);
struct task_struct *pico_thread_task(const struct pico_thread *thread);
struct pico_thread *
pico_thread_lookup(const struct pico_provider_routines *provider,
		   struct task_struct *task);
struct pico_thread *pico_thread_get(struct pico_thread *thread);
void pico_thread_put(struct pico_thread *thread);
struct pico_process *pico_process_get(struct pico_process *process);
void pico_process_put(struct pico_process *process);
unsigned int pico_extended_state_size(void);

int pico_forward_system_call(struct pico_thread *thread, struct pt_regs *regs,
			     unsigned long nr, unsigned long a0,
			     unsigned long a1, unsigned long a2,
			     unsigned long a3, unsigned long a4,
			     unsigned long a5);

int pico_forward_watched(struct pico_thread *thread, struct pt_regs *regs,
			 unsigned long nr, unsigned long a0, unsigned long a1,
			 unsigned long a2, unsigned long a3, unsigned long a4,
			 unsigned long a5);
enum pico_syscall pico_restart_system_call(struct pico_thread *thread,
					   struct pt_regs *regs);

/**
 * enum pico_container_type - for pico_get_effective_container_id()
 * @PICO_CONTAINER_CPU: what governs processor time
 * @PICO_CONTAINER_DISK_IO: what governs block I/O
 * @PICO_CONTAINER_NET_IO: what governs network traffic
 * @PICO_CONTAINER_HEAP: what governs memory
 * @PICO_CONTAINER_IMMEDIATE: the one that the thread is in
 */
enum pico_container_type {
	PICO_CONTAINER_CPU,
	PICO_CONTAINER_DISK_IO,
	PICO_CONTAINER_NET_IO,
	PICO_CONTAINER_HEAP,
	PICO_CONTAINER_IMMEDIATE,
};

/**
 * struct pico_container_id - Windows' CONTAINER_ID_INFO
 * @id:		the same for the container's life, and of no other since boot
 * @flags:	PICO_CONTAINER_INHERITED: it is not the one that the thread is
 *		in itself, but one above it
 */
struct pico_container_id {
	guid_t id;
	u32 flags;
};

#define PICO_CONTAINER_INHERITED	BIT(0)

int pico_get_effective_container_id(enum pico_container_type type,
				    struct task_struct *task,
				    struct pico_container_id *result);

/**
 * pico_thread_context() - a thread's context, as get_thread_context() has it
 * @thread: a live thread
 *
 * The context is the first member of the otherwise opaque structure, so that
 * the way from a system call to the provider's own data is one load.
 *
 * Context: any.
 * Return: the context, NULL where none was given
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
 *
 * Context: in .dispatch_system_call(), or after it on the same thread.
 * Return: PICO_SYSCALL_ANSWERED
 */
static inline enum pico_syscall
pico_answer_system_call(struct pt_regs *regs, long value)
{
	regs->ax = value;
	regs->orig_ax = -1;
	return PICO_SYSCALL_ANSWERED;
}

#endif /* _PICO_PICO_H */
