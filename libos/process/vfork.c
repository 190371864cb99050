// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * vfork, and clone with CLONE_VM | CLONE_VFORK, as posix_spawn() has it: the
 * child runs in its parent's memory, and the caller waits.
 *
 * Nothing of that needs a process of the host. The calling thread lends itself
 * to the child: it gets another identity (struct identity, with an entry in the
 * table and actions of its own; descriptors, directory and umask of its own),
 * its registers are put aside, and the call returns 0. Everything that a child
 * may change is reached through the thread, so other threads keep what is the
 * parent's, and memory is shared because it is the same.
 *
 *	vfork() = 0 -----> _exit(): the identity is given back, with the
 *		      |	   registers, and the call returns again, with the child's
 *		      |	   id. The host has seen nothing.
 *		      |
 *		      +--> vfork_split(): the host copies the process. The copy
 *			   goes on as the child; the original takes its identity
 *			   back, and waits until the child has called execve() or
 *			   ended.
 *
 * It splits at execve(), and before everything that needs a process: calls not
 * in the list below, faults, signals to the child. From then on the child's
 * memory is its own, which a program notices that does more than POSIX allows
 * after vfork() and tells its parent of it in memory.
 *
 * Signals to the parent's process or thread wait until it has its thread again,
 * if no other thread takes them. When the parent is killed meanwhile, so is the
 * child; in Linux it would live on.
 */
#include <asm/unistd.h>
#include <entry.h>
#include <fpu.h>
#include <libos.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <timers.h>
#include <trace.h>

/* Of a child. @identity is first: it is freed by that address. */
struct child_identity {
	struct identity identity;
	struct action actions[SIGNAL_COUNT + 1];
};

/* What the thread gets back. */
struct vfork {
	struct identity *identity;
	struct fd_table *files;
	struct fs_context *fs;
	struct child *child;
	struct process_entry *entry; /* the child's */
	u32 pid; /* its number */
	DK_HANDLE handle; /* on its process, once it has one */
	struct dk_context frame;
	u64 fs_base;
	u64 clear_child_tid;
	u64 robust_list;
	sigset blocked;
	u64 alt_stack_base;
	u64 alt_stack_size;
	u32 alt_stack_flags;
	u64 timer_slack;
	u64 default_slack;
	u32 memory_errors;
	sigset own_signals; /* the child's to itself */
	char name[sizeof(((struct libos_thread *)0)->name)];
	void *vectors; /* FPU_ALIGN in this block of memory */
};

/* What only needs memory, descriptors and an identity. */
static const u16 harmless[] = {
	__NR_read,
	__NR_write,
	__NR_open,
	__NR_close,
	__NR_stat,
	__NR_fstat,
	__NR_lstat,
	__NR_lseek,
	__NR_mmap,
	__NR_mprotect,
	__NR_munmap,
	__NR_brk,
	__NR_rt_sigaction,
	__NR_rt_sigprocmask,
	__NR_ioctl,
	__NR_pread64,
	__NR_pwrite64,
	__NR_readv,
	__NR_writev,
	__NR_access,
	__NR_pipe,
	__NR_sched_yield,
	__NR_mremap,
	__NR_madvise,
	__NR_dup,
	__NR_dup2,
	__NR_getpid,
	__NR_execve,
	__NR_exit,
	__NR_uname,
	__NR_fcntl,
	__NR_ftruncate,
	__NR_getcwd,
	__NR_chdir,
	__NR_fchdir,
	__NR_rename,
	__NR_mkdir,
	__NR_rmdir,
	__NR_creat,
	__NR_link,
	__NR_unlink,
	__NR_symlink,
	__NR_readlink,
	__NR_chmod,
	__NR_fchmod,
	__NR_umask,
	__NR_gettimeofday,
	__NR_getrlimit,
	__NR_getuid,
	__NR_getgid,
	__NR_setuid,
	__NR_setgid,
	__NR_geteuid,
	__NR_getegid,
	__NR_setpgid,
	__NR_getppid,
	__NR_getpgrp,
	__NR_setsid,
	__NR_setreuid,
	__NR_setregid,
	__NR_getgroups,
	__NR_setgroups,
	__NR_setresuid,
	__NR_getresuid,
	__NR_setresgid,
	__NR_getresgid,
	__NR_getpgid,
	__NR_getsid,
	__NR_sigaltstack,
	__NR_getpriority,
	__NR_sched_setparam,
	__NR_sched_getparam,
	__NR_sched_setscheduler,
	__NR_sched_getscheduler,
	__NR_prctl,
	__NR_setrlimit,
	__NR_gettid,
	__NR_time,
	__NR_sched_setaffinity,
	__NR_sched_getaffinity,
	__NR_getdents64,
	__NR_set_tid_address,
	__NR_clock_gettime,
	__NR_clock_getres,
	__NR_exit_group,
	__NR_openat,
	__NR_mkdirat,
	__NR_newfstatat,
	__NR_unlinkat,
	__NR_renameat,
	__NR_linkat,
	__NR_symlinkat,
	__NR_readlinkat,
	__NR_fchmodat,
	__NR_faccessat,
	__NR_set_robust_list,
	__NR_get_robust_list,
	__NR_dup3,
	__NR_pipe2,
	__NR_preadv,
	__NR_pwritev,
	__NR_prlimit64,
	__NR_getcpu,
	__NR_renameat2,
	__NR_getrandom,
	__NR_execveat,
	__NR_statx,
	__NR_rseq,
	__NR_close_range,
	__NR_faccessat2,
};

static bool is_harmless(u32 number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(harmless); i++) {
		if (harmless[i] == number)
			return true;
	}
	return false;
}

/* ---- lending ---- */

static void vfork_free(struct vfork *v)
{
	if (v)
		mem_free(v->vectors);
	mem_free(v);
}

static struct vfork *vfork_new(void)
{
	struct vfork *v = mem_zalloc(sizeof(*v));

	if (!v)
		return NULL;
	v->vectors = mem_alloc(fpu.size + FPU_ALIGN);
	v->child = mem_alloc(sizeof(*v->child));
	if (!v->vectors || !v->child) {
		mem_free(v->child);
		vfork_free(v);
		return NULL;
	}
	return v;
}

static void *vectors_of(const struct vfork *v)
{
	return (void *)ALIGN_UP((u64)v->vectors, FPU_ALIGN);
}

/* Everything of the thread's that the child may change. */
static void put_aside(struct libos_thread *t, struct vfork *v)
{
	v->identity = t->identity;
	v->files = t->files;
	v->fs = t->fs;
	v->frame = *t->frame;
	v->fs_base = fs_base_get();
	v->clear_child_tid = t->clear_child_tid;
	v->robust_list = t->robust_list;
	v->blocked = t->blocked;
	v->alt_stack_base = t->alt_stack_base;
	v->alt_stack_size = t->alt_stack_size;
	v->alt_stack_flags = t->alt_stack_flags;
	memcpy(v->name, t->name, sizeof(v->name));
	v->timer_slack = t->timer_slack;
	v->default_slack = t->default_slack;
	v->memory_errors = t->memory_errors;
	fpu_save(vectors_of(v));
}

long process_vfork(const struct clone_args *args, struct process_entry *entry)
{
	struct libos_thread *t = self();
	struct child_identity *copy = mem_alloc(sizeof(*copy));
	struct vfork *v = vfork_new();
	struct fd_table *files = NULL;
	struct fs_context *fs = NULL;
	int i, pidfd = -1;
	long r = 0;

	if (!v || !copy || fs_copy(&files, &fs))
		r = -ENOMEM;
	/* The parent's alone: the child has its copy of the table. */
	if (!r && args->flags & CLONE_PIDFD) {
		pidfd = pidfd_reserve();
		if (pidfd < 0) {
			r = pidfd;
		} else if (user_put(pidfd, (int *)args->pidfd)) {
			pidfd_abandon(pidfd);
			r = -EFAULT;
		}
		if (r)
			fs_release(files, fs);
	}
	if (r) {
		if (v)
			mem_free(v->child);
		vfork_free(v);
		mem_free(copy);
		table_free(entry);
		return r;
	}
	put_aside(t, v);
	v->entry = entry;
	v->pid = entry->pid;
	copy->identity = *t->identity;
	copy->identity.pid = entry->pid;
	copy->identity.entry = entry;
	copy->identity.start_time = entry->start_time;
	copy->identity.actions = copy->actions;
	lock_acquire(&signal_lock);
	memcpy(copy->actions, signal_actions, sizeof(copy->actions));
	lock_release(&signal_lock);
	for (i = 1; i <= SIGNAL_COUNT && args->flags & CLONE_CLEAR_SIGHAND;
	     i++) {
		if (copy->actions[i].handler > HANDLER_IGNORE)
			copy->actions[i].handler = HANDLER_DEFAULT;
	}

	/* Who has something for it rings here. */
	entry->id = process_self->id;
	entry->flags |= ENTRY_BORROWS;
	lock_acquire(&children_lock);
	children_prepare();
	table_live(entry);
	if (pidfd >= 0 && !pidfd_install(pidfd, entry))
		pidfd = -1;
	child_add(v->child, entry, DK_INVALID_HANDLE);
	lock_release(&children_lock);
	/* There is no memory for it; its number was written already. */
	if (args->flags & CLONE_PIDFD && pidfd < 0)
		user_put(pidfd, (int *)args->pidfd);
	if (args->flags & CLONE_PARENT_SETTID)
		user_put(entry->pid, (u32 *)args->parent_tid);

	t->files = files;
	t->fs = fs;
	t->robust_list = 0;
	t->clear_child_tid = 0;
	t->default_slack = t->timer_slack;
	lock_acquire(&thread_lock);
	t->vfork = v;
	t->identity = &copy->identity;
	lock_release(&thread_lock);
	if (args->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = args->child_tid;
	if (args->flags & CLONE_CHILD_SETTID)
		user_put(entry->pid, (u32 *)args->child_tid);
	if (args->flags & CLONE_SETTLS)
		fs_base_set(args->tls);
	if (args->stack)
		t->frame->rsp = args->stack + args->stack_size;
	return 0;
}

/* ---- giving back ---- */

/* The thread is the parent's again. What was the child's is gone. */
static struct vfork *give_back(struct libos_thread *t)
{
	struct vfork *v = t->vfork;
	struct identity *child = t->identity;
	struct fd_table *files = t->files;
	struct fs_context *fs = t->fs;

	/* A process that is cloned from now on releases the thread's, too. */
	__atomic_store_n(&t->files, v->files, __ATOMIC_SEQ_CST);
	__atomic_store_n(&t->fs, v->fs, __ATOMIC_SEQ_CST);
	fs_release(files, fs);
	lock_acquire(&thread_lock);
	lock_acquire(&signal_lock);
	t->identity = v->identity;
	t->vfork = NULL;
	t->blocked = v->blocked;
	memcpy(t->name, v->name, sizeof(t->name));
	lock_release(&signal_lock);
	lock_release(&thread_lock);
	mem_free(child);
	t->flags &= ~THREAD_RESTORE_MASK;
	t->clear_child_tid = v->clear_child_tid;
	t->robust_list = v->robust_list;
	t->timer_slack = v->timer_slack;
	t->default_slack = v->default_slack;
	t->memory_errors = v->memory_errors;
	t->alt_stack_base = v->alt_stack_base;
	t->alt_stack_size = v->alt_stack_size;
	t->alt_stack_flags = v->alt_stack_flags;
	return v;
}

/* vfork() returns in the parent. */
static void __noreturn resume(struct libos_thread *t, struct vfork *v)
{
	struct dk_context frame = v->frame;
	u32 number = frame.rax;

	frame.rax = v->pid;
	fs_base_set(v->fs_base);
	fpu_restore(vectors_of(v));
	vfork_free(v);
	if (unlikely(trace_calls))
		trace_leave(number, &frame, frame.rax);
	/* What has come meanwhile waits. */
	t->interrupt = 1;
	context_leave(&frame);
}

void __noreturn vfork_resume(void)
{
	struct libos_thread *t = self();
	struct vfork *v = give_back(t);

	vfork_wait(v->entry, v->handle);
	resume(t, v);
}

void __noreturn vfork_end(u32 status)
{
	struct libos_thread *t = self();
	struct process_entry *entry = process_self;
	u32 *word = (u32 *)t->clear_child_tid, zero = 0;
	struct vfork *v;

	if (unlikely(trace_calls))
		trace_end(status);
	robust_list_walk(t);
	if (word && !user_put(zero, word))
		DkxAddressWake(word, DK_ADDRESS_WAKE, 1, 0, NULL,
			       DK_ADDRESS_ALL_BITS);
	v = give_back(t);
	entry_end_borrowed(entry, status);
	resume(t, v);
}

/* ---- splitting ---- */

/* In the copy. All that was put aside is the parent's, and is not here. */
static void become(struct libos_thread *t, u64 id)
{
	struct vfork *v = t->vfork;
	sigset own = v->own_signals;

	t->vfork = NULL;
	process_is(t->identity);
	t->tid = process.pid;
	process_forked(id);
	world_start();
	lock_release(&children_lock);
	timer_go_on();
	cpu_limit_start();
	fs_abandon(v->files, v->fs);
	vfork_free(v);
	for (; own; own &= own - 1)
		signal_send_self(__builtin_ctzll(own) + 1);
}

long vfork_split(void)
{
	struct libos_thread *t = self();
	struct vfork *v = t->vfork;
	struct process_entry *entry = v->entry;
	DK_HANDLE handle = DK_INVALID_HANDLE;
	DK_STATUS status;
	dk_u64 id = 0;

	lock_acquire(&children_lock);
	world_stop();
	__atomic_store_n(&entry->vfork, 1, __ATOMIC_SEQ_CST);
	pty_forking(entry);
	do {
		status = DkxProcessClone(0, &handle, &id);
	} while (status == DK_STATUS_INTERRUPTED);
	if (!status && !handle) {
		become(t, id);
		return 1;
	}
	if (!status) {
		v->handle = v->child->handle = handle;
		__atomic_store_n(&entry->id, id, __ATOMIC_SEQ_CST);
	} else {
		__atomic_store_n(&entry->vfork, 0, __ATOMIC_SEQ_CST);
	}
	world_start();
	lock_release(&children_lock);
	if (status) {
		pty_left(entry);
		return status == DK_STATUS_NO_MEMORY ? -ENOMEM : -EAGAIN;
	}
	__atomic_fetch_and(&entry->flags, ~(u32)ENTRY_BORROWS,
			   __ATOMIC_SEQ_CST);
	children_changed();
	return 0;
}

long vfork_leave(void)
{
	long r = vfork_split();

	if (!r)
		vfork_resume();
	return MIN(r, 0);
}

long vfork_call(u32 number)
{
	return is_harmless(number) ? 0 : vfork_leave();
}

/* ---- signals ---- */

static bool has_mail(const struct process_entry *entry)
{
	int i;

	for (i = 0; i < MAIL_MAX; i++) {
		if (__atomic_load_n(&entry->mail[i].state, __ATOMIC_SEQ_CST) ==
		    2)
			return true;
	}
	return __atomic_load_n(&entry->mail_lost, __ATOMIC_SEQ_CST);
}

/* What the host told this thread, is for others of the parent to take up. */
static void pass_on(struct libos_thread *me)
{
	struct libos_thread *t;

	if (likely(!__atomic_load_n(&host_events, __ATOMIC_SEQ_CST)))
		return;
	lock_acquire(&thread_lock);
	for (t = threads; t; t = t->next) {
		if (t != me && t->tid && !t->vfork) {
			signal_interrupt(t);
			break;
		}
	}
	lock_release(&thread_lock);
}

bool vfork_wanted(struct libos_thread *t)
{
	pass_on(t);
	pty_woken();
	return t->vfork->own_signals || has_mail(t->vfork->entry) ||
	       __atomic_load_n(&host_signals, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&t->told, __ATOMIC_SEQ_CST);
}

void vfork_signal(int signal)
{
	struct libos_thread *t = self();

	t->vfork->own_signals |= SIGNAL_BIT(signal);
	t->interrupt = 1;
}

/* thread_lock is held. */
void vfork_ring(void)
{
	struct libos_thread *t;

	for (t = threads; t; t = t->next) {
		if (t->vfork && has_mail(t->vfork->entry))
			signal_interrupt(t);
	}
}
