// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The system calls about signals.
 */
#include <clocks.h>
#include <libos.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>

#define MIN_STACK	2048	/* MINSIGSTKSZ */
#define INFO_KEPT	48	/* of a siginfo_t: sizeof(struct kernel_siginfo) */
/* Of sa_flags; what is not kept a program takes for not supported. */
#define FLAGS_KEPT							\
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK |	\
	 SA_RESTART | SA_NODEFER | SA_RESETHAND | SA_EXPOSE_TAGBITS |	\
	 SA_RESTORER)

static bool valid(int signal)
{
	return signal >= 1 && signal <= SIGNAL_COUNT;
}

SYSCALL4(rt_sigaction, int, signal, const struct action *, wanted,
	 struct action *, old, size_t, size)
{
	struct action a, previous;

	if (size != sizeof(sigset) || !valid(signal) ||
	    (wanted && (SIGNALS_FIRM & SIGNAL_BIT(signal))))
		return -EINVAL;
	if (wanted && user_get(a, wanted))
		return -EFAULT;
	lock_acquire(&thread_lock);
	lock_acquire(&signal_lock);
	previous = signal_actions[signal];
	if (wanted) {
		a.mask &= ~SIGNALS_FIRM;
		a.flags &= FLAGS_KEPT;
		signal_actions[signal] = a;
		/* What waits and is now ignored, is forgotten. */
		if (signal_ignored(signal) && !self()->vfork)
			signal_discard(signal);
	}
	lock_release(&signal_lock);
	lock_release(&thread_lock);
	if (wanted && signal == SIGCHLD)
		process_child_action(a.handler, a.flags);
	if (old && user_put(previous, old))
		return -EFAULT;
	return 0;
}

SYSCALL4(rt_sigprocmask, int, how, const sigset *, wanted, sigset *, old,
	 size_t, size)
{
	struct libos_thread *t = self();
	sigset set, previous = t->blocked, now = previous;

	if (size != sizeof(sigset))
		return -EINVAL;
	if (wanted) {
		if (user_get(set, wanted))
			return -EFAULT;
		set &= ~SIGNALS_FIRM;
		switch (how) {
		case SIG_BLOCK:
			now |= set;
			break;
		case SIG_UNBLOCK:
			now &= ~set;
			break;
		case SIG_SETMASK:
			now = set;
			break;
		default:
			return -EINVAL;
		}
		if (now != previous)
			signal_block(now);
	}
	if (old && user_put(previous, old))
		return -EFAULT;
	return 0;
}

SYSCALL2(rt_sigpending, sigset *, set, size_t, size)
{
	struct libos_thread *t = self();
	sigset pending = signal_pending(t) & t->blocked;

	if (size > sizeof(sigset))
		return -EINVAL;
	return user_write(set, &pending, size);
}

/* Replace the mask until the call returns, or a handler does. */
static void mask_for_call(struct libos_thread *t, sigset set)
{
	t->saved_blocked = t->blocked;
	t->flags |= THREAD_RESTORE_MASK;
	signal_block(set & ~SIGNALS_FIRM);
}

long signal_mask_for_call(const void *set, size_t size)
{
	sigset s;

	if (!set)
		return 0;
	if (size != sizeof(sigset))
		return -EINVAL;
	if (user_read(&s, set, sizeof(s)))
		return -EFAULT;
	mask_for_call(self(), s);
	return 0;
}

static long wait_for_handler(void)
{
	while (!signal_interrupts())
		signal_wait(DK_CLOCK_MONOTONIC, DK_TIMEOUT_INFINITE);
	return -ERESTARTNOHAND;
}

SYSCALL2(rt_sigsuspend, const sigset *, set, size_t, size)
{
	sigset s;

	if (size != sizeof(sigset))
		return -EINVAL;
	if (user_get(s, set))
		return -EFAULT;
	mask_for_call(self(), s);
	return wait_for_handler();
}

SYSCALL0(pause)
{
	return wait_for_handler();
}

/* While it is waited for, a signal is not blocked, and nothing else happens. */
static int wait_for_signal(struct libos_thread *t, sigset set, s64 end,
			   siginfo_t *info)
{
	sigset blocked = t->blocked;
	long result = 0;
	int signal;

	lock_acquire(&signal_lock);
	t->waited_for = set & blocked;
	lock_release(&signal_lock);
	signal_block(blocked & ~set);
	for (;;) {
		signal = signal_dequeue(t, set, info);
		if (signal || result)
			break;
		if (signal_interrupts()) {
			signal = signal_dequeue(t, set, info);
			if (!signal)
				signal = -EINTR;
			break;
		}
		result = signal_wait(DK_CLOCK_MONOTONIC, end);
	}
	/* Blocked first: one that comes now would be acted on. */
	signal_block(blocked);
	lock_acquire(&signal_lock);
	t->waited_for = 0;
	lock_release(&signal_lock);
	return signal ? signal : -EAGAIN;
}

SYSCALL4(rt_sigtimedwait, const sigset *, set, siginfo_t *, to,
	 const struct __kernel_timespec *, timeout, size_t, size)
{
	struct libos_thread *t = self();
	s64 end = DK_TIMEOUT_INFINITE;
	struct __kernel_timespec ts;
	siginfo_t info;
	sigset s;
	int signal;

	if (size != sizeof(sigset))
		return -EINVAL;
	if (user_get(s, set) || (timeout && user_get(ts, timeout)))
		return -EFAULT;
	if (timeout) {
		if (!timespec_valid(&ts))
			return -EINVAL;
		end = deadline_after(DK_CLOCK_MONOTONIC, timespec_ns(&ts));
	}
	s &= ~SIGNALS_FIRM;
	signal = signal_dequeue(t, s, &info);
	if (!signal && timeout && !timespec_ns(&ts))
		return -EAGAIN;
	if (!signal)
		signal = wait_for_signal(t, s, end, &info);
	if (signal > 0 && to && user_put(info, to))
		return -EFAULT;
	return signal;
}

long alt_stack_set(struct libos_thread *t, const stack_t *s, u64 rsp)
{
	int mode = s->ss_flags & ~(int)SS_AUTODISARM;

	if (on_alt_stack(t, rsp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode)
		return -EINVAL;
	if (mode != SS_DISABLE && s->ss_size < MIN_STACK)
		return -ENOMEM;
	t->alt_stack_base = mode == SS_DISABLE ? 0 : (u64)s->ss_sp;
	t->alt_stack_size = mode == SS_DISABLE ? 0 : s->ss_size;
	t->alt_stack_flags = s->ss_flags & SS_AUTODISARM;
	return 0;
}

SYSCALL2(sigaltstack, const stack_t *, wanted, stack_t *, old)
{
	struct libos_thread *t = self();
	u64 rsp = t->frame->rsp;
	stack_t s, previous = {
		.ss_sp = (void *)t->alt_stack_base,
		.ss_size = t->alt_stack_size,
		.ss_flags = t->alt_stack_flags |
			    (!t->alt_stack_size	  ? SS_DISABLE :
			     on_alt_stack(t, rsp) ? SS_ONSTACK :
						    0),
	};
	long r;

	if (wanted) {
		if (user_get(s, wanted))
			return -EFAULT;
		r = alt_stack_set(t, &s, rsp);
		if (r)
			return r;
	}
	if (old && user_put(previous, old))
		return -EFAULT;
	return 0;
}

/* ---- sending ---- */

static siginfo_t from_user(int signal, int code)
{
	siginfo_t info = { .si_signo = signal, .si_code = code };

	info.si_pid = process.pid;
	info.si_uid = process.uid;
	return info;
}

/* To the caller's own process; signal 0 only asks. */
static long send_to_self(const siginfo_t *info)
{
	if (!info->si_signo)
		return 0;
	return valid(info->si_signo) ? signal_send_process(info) : -EINVAL;
}

/* Any thread's number stands for its process, where a process is meant. */
static long send_to_process(int pid, const siginfo_t *info)
{
	if (process_of(pid) == process_self)
		return send_to_self(info);
	return process_signal(pid, info, 0);
}

SYSCALL2(kill, int, pid, int, signal)
{
	siginfo_t info = from_user(signal, SI_USER);
	bool me_too = false;
	long r;

	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid > 0)
		return send_to_process(pid, &info);
	r = process_signal_many(pid, signal, &me_too);
	if (!r && me_too)
		send_to_self(&info);
	return r;
}

/* Signal 0 only asks. @pid 0: of any process. */
static long send_to_thread(int pid, int tid, const siginfo_t *info)
{
	struct libos_thread *t;
	long result = 0;

	/* A thread is not a process. */
	if (pid > PID_LIMIT)
		return -ESRCH;
	if (pid && pid != (int)process.pid)
		return process_signal(pid, info, tid);
	t = thread_find(tid);
	if (!t && !pid)
		return process_signal(tid, info, tid);
	if (!t)
		return -ESRCH;
	if (info->si_signo && !valid(info->si_signo))
		result = -EINVAL;
	else if (info->si_signo)
		result = signal_send_thread(t, info);
	thread_put(t);
	return result;
}

SYSCALL2(tkill, int, tid, int, signal)
{
	siginfo_t info = from_user(signal, SI_TKILL);

	return tid <= 0 ? -EINVAL : send_to_thread(0, tid, &info);
}

SYSCALL3(tgkill, int, pid, int, tid, int, signal)
{
	siginfo_t info = from_user(signal, SI_TKILL);

	return pid <= 0 || tid <= 0 ? -EINVAL : send_to_thread(pid, tid, &info);
}

/* Codes of the kernel's own, and kill's, are for nobody else. */
static long info_get(siginfo_t *info, int signal, const siginfo_t *from,
		     bool to_self)
{
	/* As much as Linux keeps. */
	memset(info, 0, sizeof(*info));
	if (user_read(info, from, INFO_KEPT))
		return -EFAULT;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && !to_self)
		return -EPERM;
	info->si_signo = signal;
	return 0;
}

/* To a process, live or ended. @from NULL: as kill() does. */
long signal_queue(u32 pid, int signal, const siginfo_t *from)
{
	siginfo_t info = from_user(signal, SI_USER);
	int given;
	long r;

	if (from) {
		if (user_get(given, &from->si_signo))
			return -EFAULT;
		if (given != signal)
			return -EINVAL;
		r = info_get(&info, signal, from, pid == process.pid);
		if (r)
			return r;
	}
	return send_to_process(pid, &info);
}

SYSCALL3(rt_sigqueueinfo, int, pid, int, signal, const siginfo_t *, from)
{
	siginfo_t info;
	/* To itself by its own number, Linux has it. */
	long r = info_get(&info, signal, from, pid == (int)process.pid);

	return r ? r : send_to_process(pid, &info);
}

SYSCALL4(rt_tgsigqueueinfo, int, pid, int, tid, int, signal, const siginfo_t *,
	 from)
{
	siginfo_t info;
	long r;

	if (pid <= 0 || tid <= 0)
		return user_read(&info, from, INFO_KEPT) ? -EFAULT : -EINVAL;
	r = info_get(&info, signal, from, pid == (int)process.pid);
	return r ? r : send_to_thread(pid, tid, &info);
}
