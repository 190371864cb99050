// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The system calls about signals.
 */
#include <libos.h>
#include <linux/time_types.h>
#include <signals.h>

#define MIN_STACK	2048	/* MINSIGSTKSZ */

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
	lock_acquire(&signal_lock);
	previous = signal_actions[signal];
	if (wanted) {
		a.mask &= ~SIGNALS_FIRM;
		signal_actions[signal] = a;
		/* What waits and is now ignored, is forgotten. */
		if (signal_ignored(signal)) {
			signal_discard(&self()->queue, signal);
			signal_discard(&process_signals, signal);
		}
	}
	lock_release(&signal_lock);
	if (old && user_put(previous, old))
		return -EFAULT;
	return 0;
}

SYSCALL4(rt_sigprocmask, int, how, const sigset *, wanted, sigset *, old,
	 size_t, size)
{
	struct libos_thread *t = self();
	sigset set, previous = t->blocked;

	if (size != sizeof(sigset))
		return -EINVAL;
	if (wanted) {
		if (user_get(set, wanted))
			return -EFAULT;
		set &= ~SIGNALS_FIRM;
		switch (how) {
		case SIG_BLOCK:
			t->blocked |= set;
			break;
		case SIG_UNBLOCK:
			t->blocked &= ~set;
			break;
		case SIG_SETMASK:
			t->blocked = set;
			break;
		default:
			return -EINVAL;
		}
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
	t->blocked = set & ~SIGNALS_FIRM;
	t->flags |= THREAD_RESTORE_MASK;
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
		signal_wait(self(), DK_TIMEOUT_INFINITE);
	return -EINTR;
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

SYSCALL4(rt_sigtimedwait, const sigset *, set, siginfo_t *, to,
	 const struct __kernel_timespec *, timeout, size_t, size)
{
	struct libos_thread *t = self();
	s64 now, end = DK_TIMEOUT_INFINITE;
	struct __kernel_timespec ts;
	siginfo_t info;
	sigset s;
	int signal;

	if (size != sizeof(sigset))
		return -EINVAL;
	if (user_get(s, set) || (timeout && user_get(ts, timeout)))
		return -EFAULT;
	if (timeout) {
		if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
			return -EINVAL;
		end = clock_now(DK_CLOCK_MONOTONIC) + ts.tv_sec * NSEC_PER_SEC +
		      ts.tv_nsec;
	}
	s &= ~SIGNALS_FIRM;
	for (;;) {
		timer_check();
		signal = signal_dequeue(t, s, &info);
		if (signal)
			break;
		if (signal_interrupts())
			return -EINTR;
		if (!timeout) {
			signal_wait(t, DK_TIMEOUT_INFINITE);
			continue;
		}
		now = clock_now(DK_CLOCK_MONOTONIC);
		if (now >= end)
			return -EAGAIN;
		signal_wait(t, end - now);
	}
	if (to && user_put(info, to))
		return -EFAULT;
	return signal;
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

	if (wanted) {
		int mode;

		if (user_get(s, wanted))
			return -EFAULT;
		if (t->alt_stack_size && on_alt_stack(t, rsp))
			return -EPERM;
		mode = s.ss_flags & ~(int)SS_AUTODISARM;
		if (mode != SS_DISABLE && mode != SS_ONSTACK && mode)
			return -EINVAL;
		if (mode == SS_DISABLE) {
			s.ss_sp = NULL;
			s.ss_size = 0;
		} else if (s.ss_size < MIN_STACK) {
			return -ENOMEM;
		}
		t->alt_stack_base = (u64)s.ss_sp;
		t->alt_stack_size = s.ss_size;
		t->alt_stack_flags = s.ss_flags & SS_AUTODISARM;
	}
	if (old && user_put(previous, old))
		return -EFAULT;
	return 0;
}

/* ---- sending: there is one process, with one thread ---- */

static siginfo_t from_user(int signal, int code)
{
	siginfo_t info = { .si_signo = signal, .si_code = code };

	info.si_pid = process.pid;
	info.si_uid = process.uid;
	return info;
}

static bool is_us(int pid)
{
	return pid == (int)process.pid || !pid || pid == -1 ||
	       -pid == (int)process.pgid;
}

SYSCALL2(kill, int, pid, int, signal)
{
	siginfo_t info = from_user(signal, SI_USER);

	if (signal && !valid(signal))
		return -EINVAL;
	/* -1 means everybody else. */
	if (!is_us(pid) || pid == -1)
		return -ESRCH;
	return signal ? signal_send(&process_signals, &info) : 0;
}

static long send_to_thread(int pid, int tid, int signal)
{
	siginfo_t info = from_user(signal, SI_TKILL);

	if (tid <= 0 || (signal && !valid(signal)))
		return -EINVAL;
	if ((pid && pid != (int)process.pid) || tid != (int)self()->tid)
		return -ESRCH;
	return signal ? signal_send(&self()->queue, &info) : 0;
}

SYSCALL2(tkill, int, tid, int, signal)
{
	return send_to_thread(0, tid, signal);
}

SYSCALL3(tgkill, int, pid, int, tid, int, signal)
{
	return pid <= 0 ? -EINVAL : send_to_thread(pid, tid, signal);
}

static long send_info(struct signal_queue *queue, int signal,
		      const siginfo_t *from)
{
	siginfo_t info;

	if (user_get(info, from))
		return -EFAULT;
	if (signal && !valid(signal))
		return -EINVAL;
	info.si_signo = signal;
	return signal ? signal_send(queue, &info) : 0;
}

SYSCALL3(rt_sigqueueinfo, int, pid, int, signal, const siginfo_t *, info)
{
	if (pid != (int)process.pid)
		return -ESRCH;
	return send_info(&process_signals, signal, info);
}

SYSCALL4(rt_tgsigqueueinfo, int, pid, int, tid, int, signal, const siginfo_t *,
	 info)
{
	if (pid <= 0 || tid <= 0)
		return -EINVAL;
	if (pid != (int)process.pid || tid != (int)self()->tid)
		return -ESRCH;
	return send_info(&self()->queue, signal, info);
}
