/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between kernel versions, each with the version in which it
 * came. Nothing else in the tree asks for LINUX_VERSION_CODE.
 */
#ifndef _KMOD_COMPAT_H
#define _KMOD_COMPAT_H

#include <linux/version.h>

#ifdef __ASSEMBLY__

/* ---- the current task, from assembly ---- */

#include <asm/percpu.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && \
	LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
/* 6.2 moved it into struct pcpu_hot, 6.15 back out of it */
#include <generated/asm-offsets.h>
#define PICO_CURRENT	PER_CPU_VAR(pcpu_hot + X86_current_task)
#else
#define PICO_CURRENT	PER_CPU_VAR(current_task)
#endif

#else /* !__ASSEMBLY__ */

/* ---- ftrace ---- */

#include <linux/ftrace.h>

/* 6.2 gave register_ftrace_direct() the arguments of its _multi() form. */
static inline int pico_compat_ftrace_direct(struct ftrace_ops *ops,
					    unsigned long trampoline)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return register_ftrace_direct(ops, trampoline);
#else
	return register_ftrace_direct_multi(ops, trampoline);
#endif
}

/* Frees the ops' filter too. */
static inline void pico_compat_ftrace_direct_remove(struct ftrace_ops *ops,
						    unsigned long trampoline)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	WARN_ON(unregister_ftrace_direct(ops, trampoline, true));
#else
	WARN_ON(unregister_ftrace_direct_multi(ops, trampoline));
	ftrace_free_filter(ops);
#endif
}

/* 6.4 let a tracer change its tracee's syscall user dispatch. */
#define PICO_HAS_DISPATCH_CONFIG \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0))

/* 6.10 took the source from __assign_str(): __string() keeps it. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define pico_assign_str(field, source)	__assign_str(field)
#else
#define pico_assign_str(field, source)	__assign_str(field, source)
#endif

/* ---- signals ---- */

#include <linux/sched/signal.h>

/* 6.12 dropped the task from dequeue_signal(): it had to be current. */
static inline int pico_compat_dequeue_signal(sigset_t *mask,
					     kernel_siginfo_t *info)
{
	enum pid_type type;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return dequeue_signal(mask, info, &type);
#else
	return dequeue_signal(current, mask, info, &type);
#endif
}

/* ---- uprobes ---- */

#include <linux/compat.h>
#include <linux/uprobes.h>

/*
 * 6.11 had the trampoline of return probes make a system call, where it had a
 * breakpoint. The native call refuses whoever is not there; of the 32-bit entry
 * the number is another call's.
 */
static inline bool pico_compat_is_uretprobe(const struct pt_regs *regs)
{
#if defined(__NR_uretprobe) && defined(CONFIG_UPROBES)
	return unlikely(regs->orig_ax == __NR_uretprobe) && current->utask &&
	       current->utask->return_instances && !in_ia32_syscall();
#else
	return false;
#endif
}

/* ---- rseq ---- */

/* 6.9 moved rseq_execve() out of linux/sched.h. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#include <linux/rseq.h>
#endif

/* ---- eventfd ---- */

#include <linux/eventfd.h>

/* 6.8 took the count from eventfd_signal(): it is always one. */
static inline void pico_compat_eventfd_signal(struct eventfd_ctx *event)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(event);
#else
	eventfd_signal(event, 1);
#endif
}

/* ---- memory ---- */

#include <linux/mm.h>

/*
 * 6.2 made the counts of an mm's pages percpu counters, and what get_mm_counter()
 * reads of them lags behind by as much as a small process has.
 */
static inline unsigned long pico_compat_mm_rss(struct mm_struct *mm)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return percpu_counter_sum_positive(&mm->rss_stat[MM_FILEPAGES]) +
	       percpu_counter_sum_positive(&mm->rss_stat[MM_ANONPAGES]) +
	       percpu_counter_sum_positive(&mm->rss_stat[MM_SHMEMPAGES]);
#else
	return get_mm_rss(mm);
#endif
}

/* ---- VFS ---- */

#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
/* 6.3 moved leases and delegations out of linux/fs.h */
#include <linux/filelock.h>
#endif

/*
 * 6.3 made the first argument of vfs_mkdir() and its like a struct mnt_idmap;
 * it had been the user namespace that the mount maps ids with.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define dk_idmap(mnt)		mnt_idmap(mnt)
#define dk_rename_idmap(rd, mnt) \
	((rd)->old_mnt_idmap = (rd)->new_mnt_idmap = mnt_idmap(mnt))
#else
#define dk_idmap(mnt)		mnt_user_ns(mnt)
#define dk_rename_idmap(rd, mnt) \
	((rd)->old_mnt_userns = (rd)->new_mnt_userns = mnt_user_ns(mnt))
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
/* Exported, but 6.4 was the first to declare it outside of fs/. */
int vfs_path_lookup(struct dentry *dentry, struct vfsmount *mnt,
		    const char *name, unsigned int flags, struct path *path);
#endif

/* 6.8 made vfs_iter_write() wait for a frozen file system by itself. */
static inline ssize_t pico_compat_iter_write(struct file *file,
					     struct iov_iter *iter,
					     loff_t *position)
{
	ssize_t done;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	done = vfs_iter_write(file, iter, position, 0);
#else
	file_start_write(file);
	done = vfs_iter_write(file, iter, position, 0);
	file_end_write(file);
#endif
	return done;
}

/* 6.3 gave follow_down() lookup flags. */
static inline int dk_follow_down(struct path *path)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	return follow_down(path, 0);
#else
	return follow_down(path);
#endif
}

/* 6.10 made the flags of accept() a structure. */
#define dk_compat_accept(sock, newsock, file_flags)			\
	dk_compat_accept_call((sock)->ops->accept, sock, newsock, file_flags)
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define dk_compat_accept_call(accept, sock, newsock, file_flags)	\
	accept(sock, newsock,						\
	       &(struct proto_accept_arg) { .flags = (file_flags) })
#else
#define dk_compat_accept_call(accept, sock, newsock, file_flags)	\
	accept(sock, newsock, file_flags, false)
#endif

/* 6.7 hid the times of an inode. */
static inline void dk_inode_times_now(struct inode *inode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	simple_inode_init_ts(inode);
#else
	inode->i_atime = current_time(inode);
	inode->i_mtime = inode->i_atime;
	inode->i_ctime = inode->i_atime;
#endif
}

/* 6.9 moved what locks and leases have in common into a structure. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#define dk_lock_(lock, field)	((lock)->c.flc_##field)
#define dk_lock_link		c.flc_list
#else
#define dk_lock_(lock, field)	((lock)->fl_##field)
#define dk_lock_link		fl_list
#endif

/* 6.3 made a function of it: locks_inode_context(). */
static inline struct file_lock_context *dk_locks_of(const struct inode *inode)
{
	/* Pairs with the cmpxchg() that puts it there, in locks_get_lock_context(). */
	return smp_load_acquire(&inode->i_flctx);
}

/* ---- timers ---- */

#include <linux/hrtimer.h>

/* 6.13 put the function into the call, 6.15 took the old one away. */
static inline void
pico_compat_hrtimer_on_stack(struct hrtimer *timer,
			     enum hrtimer_restart (*function)(struct hrtimer *))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup_on_stack(timer, function, CLOCK_MONOTONIC,
			       HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init_on_stack(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	timer->function = function;
#endif
}

/* ---- memory ---- */

#include <linux/mm.h>

/* 6.3 lets nobody write vm_flags directly. */
static inline void pico_compat_vm_flags(struct vm_area_struct *vma,
					unsigned long set, unsigned long clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

#endif /* __ASSEMBLY__ */

#endif /* _KMOD_COMPAT_H */
