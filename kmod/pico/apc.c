// SPDX-License-Identifier: GPL-2.0-only
/*
 * The place on the way to user mode where a marked thread can be reached
 * (Windows' word for it: where APCs are delivered): it sleeps there while it
 * is suspended, ends there when it is told to, and looks at Linux' signals.
 *
 * At rest, a thread's registers are settled: general ones in pt_regs, bases
 * in struct pico_thread, vector state in the task's fpstate. Whoever finds it
 * at rest under its lock, and not busy, may make it busy, and then read and
 * write all three without the lock, which the kernel's way to vector state
 * would sleep under. It goes on, even for a signal, only when it is not busy.
 * The bases alone may also be written under the lock. While the kernel handles
 * a signal, or holds it in a stop or freezer, it is not at rest.
 *
 * To bring a thread there, a work is queued for it; that wakes it from an
 * interruptible sleep, and sends an interrupt if it runs in user mode. The
 * work itself does nothing.
 */
#include <linux/freezer.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>

#include <asm/fpu/api.h>

#include "internal.h"
#include "trace.h"

#define PICO_SUSPENSIONS_MAX	0xffff

/* On the thread, where the kernel runs works: at the hook, or while it ends. */
static void pico_work(struct callback_head *work)
{
	struct pico_thread *thread = container_of(work, struct pico_thread,
						  work);

	spin_lock(&thread->lock);
	thread->kicked = false;
	spin_unlock(&thread->lock);
	pico_thread_put(thread);
	/* As in the exit hook: nothing sleeps from here to the kernel. */
	module_put(THIS_MODULE);
}

void pico_apc_init(struct pico_thread *thread)
{
	spin_lock_init(&thread->lock);
	init_waitqueue_head(&thread->wait);
	init_task_work(&thread->work, pico_work);
	init_task_work(&thread->after_call, pico_after_call);
}

/*
 * Make @thread pass by. Once its work is queued, it looks again after it. One
 * that is at rest does so anyway; a callback of one that is suspended may wait
 * for something, and that wait has to end.
 */
static void pico_kick(struct pico_thread *thread)
{
	lockdep_assert_held(&thread->lock);
	if (thread->task == current) {
		set_thread_flag(TIF_NOTIFY_SIGNAL);
		return;
	}
	/* An error means that it is past the last of its works. */
	if (thread->kicked ||
	    task_work_add(thread->task, &thread->work, TWA_SIGNAL))
		return;
	/* What the work drops; it waits for the lock. */
	thread->kicked = true;
	pico_thread_get(thread);
	__module_get(THIS_MODULE);
}

/* The exit hook has run, but for what the provider does not see. */
void pico_apc_gone(struct pico_thread *thread)
{
	spin_lock(&thread->lock);
	thread->gone = true;
	spin_unlock(&thread->lock);
	wake_up_all(&thread->wait);
}

/* Whether the thread shall stay where it is, or go where it can be reached. */
static bool pico_held(const struct pico_thread *thread)
{
	return READ_ONCE(thread->suspensions) || READ_ONCE(thread->holds);
}

/*
 * Hold a thread for the moment, which is not to be seen in its suspensions:
 * they are the provider's, who may resume it meanwhile.
 * Return: 0; -ESRCH: it has ended.
 */
int pico_thread_hold(struct pico_thread *thread)
{
	int ret = 0;

	spin_lock(&thread->lock);
	if (thread->gone) {
		ret = -ESRCH;
	} else {
		if (!thread->resting)
			pico_kick(thread);
		thread->holds++;
	}
	spin_unlock(&thread->lock);
	return ret;
}

void pico_thread_release(struct pico_thread *thread)
{
	spin_lock(&thread->lock);
	thread->holds--;
	spin_unlock(&thread->lock);
	wake_up_all(&thread->wait);
}

int pico_suspend_thread(struct pico_thread *thread, unsigned int *previous)
{
	unsigned int before;
	int ret = 0;

	spin_lock(&thread->lock);
	before = thread->suspensions;
	if (thread->gone) {
		ret = -ESRCH;
	} else if (before >= PICO_SUSPENSIONS_MAX) {
		ret = -EOVERFLOW;
	} else {
		if (!thread->resting)
			pico_kick(thread);
		thread->suspensions++;
		/* The provider is there as long as its thread is. */
		trace_pico_suspend_thread(thread, before);
	}
	spin_unlock(&thread->lock);
	if (!ret && previous)
		*previous = before;
	return ret;
}

int pico_resume_thread(struct pico_thread *thread, unsigned int *previous)
{
	unsigned int before;
	int ret = 0;

	spin_lock(&thread->lock);
	before = thread->suspensions;
	if (thread->gone) {
		ret = -ESRCH;
	} else if (!before) {
		ret = -EINVAL;
	} else {
		thread->suspensions--;
		trace_pico_resume_thread(thread, before);
	}
	spin_unlock(&thread->lock);
	if (ret)
		return ret;
	if (before == 1)
		wake_up_all(&thread->wait);
	if (previous)
		*previous = before;
	return 0;
}

/* An exit code, or the number of a signal; nothing else can be shown. */
bool pico_status_valid(int status)
{
	if (status & 0x7f)
		return status > 0 && status <= _NSIG;
	return !(status & ~0xff00);
}

static void pico_thread_leave(struct pico_thread *thread, enum pico_leave leave,
			      int status)
{
	lockdep_assert_held(&thread->lock);
	if (thread->leave < leave) {
		thread->leave = leave;
		thread->status = status;
		pico_kick(thread);
	}
}

int pico_terminate_thread(struct pico_thread *thread, int status)
{
	int ret = 0;

	if (!pico_status_valid(status))
		return -EINVAL;
	spin_lock(&thread->lock);
	if (thread->gone) {
		ret = -ESRCH;
	} else {
		pico_thread_leave(thread, PICO_LEAVE_THREAD, status);
		trace_pico_terminate_thread(thread, status);
	}
	spin_unlock(&thread->lock);
	if (!ret)
		wake_up_all(&thread->wait);
	return ret;
}

/*
 * From inside, the calling thread ends the process as exit_group() would, unless
 * it is on its own way out. From outside SIGKILL does, which nothing can delay;
 * the exit hook then puts the status in place of the signal's.
 */
static int pico_process_leave(struct pico_process *process, int status)
{
	struct pico_thread *thread = pico_thread_current();

	trace_pico_terminate_process(process, status);
	atomic_cmpxchg(&process->termination, 0, status | PICO_TERMINATED);
	if (!thread || thread->process != process ||
	    current->flags & PF_EXITING)
		return kill_pid(process->pid, SIGKILL, 1);
	status = atomic_read(&process->termination) & ~PICO_TERMINATED;
	spin_lock(&thread->lock);
	pico_thread_leave(thread, PICO_LEAVE_PROCESS, status);
	spin_unlock(&thread->lock);
	return 0;
}

int pico_terminate_process(struct pico_process *process, int status)
{
	int ret;

	if (!pico_status_valid(status))
		return -EINVAL;
	/* One that execve() is still making has no thread yet, but can die. */
	if (!process->pid || !pico_process_hold(process))
		return -ESRCH;
	ret = pico_process_leave(process, status);
	pico_process_release(process);
	return ret;
}

static void pico_rest_begin(struct pico_thread *thread)
{
	/* Vector state goes to memory, and stays there until user mode. */
	kernel_fpu_begin();
	kernel_fpu_end();
	spin_lock(&thread->lock);
	pico_bases_save(thread);
	/* Who was kicked on the way here would leave again at once for that. */
	thread->resting = !thread->kicked;
	spin_unlock(&thread->lock);
	wake_up_all(&thread->wait);
}

/*
 * False: it is held again, or shall leave; never if it is @forced. Who works
 * on its state is waited for; that takes no longer than an allocation.
 */
static bool pico_rest_end(struct pico_thread *thread, bool forced)
{
	bool end;

	spin_lock(&thread->lock);
	while (thread->busy) {
		spin_unlock(&thread->lock);
		wait_event(thread->wait, !READ_ONCE(thread->busy));
		spin_lock(&thread->lock);
	}
	end = forced || (!pico_held(thread) && !thread->leave);
	if (end) {
		thread->resting = false;
		if (thread->new_bases)
			pico_bases_load(thread);
		thread->new_bases = false;
	}
	spin_unlock(&thread->lock);
	return end;
}

static void pico_leave(struct pico_thread *thread)
{
	if (thread->leave == PICO_LEAVE_THREAD)
		pico_do_exit(thread->status);
	pico_do_group_exit(thread->status);
}

/* Sleep as long as there is nothing to do; true: that is to go on. */
static bool pico_sleep(struct pico_thread *thread)
{
	bool end = false;

	DEFINE_WAIT(wait);

	for (;;) {
		prepare_to_wait(&thread->wait, &wait,
				TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		clear_notify_signal();
		if (task_sigpending(current) || task_work_pending(current) ||
		    READ_ONCE(thread->leave))
			break;
		end = !pico_held(thread);
		if (end)
			break;
		schedule();
	}
	finish_wait(&thread->wait, &wait);
	return end;
}

static void pico_rest(struct pico_thread *thread, struct pt_regs *regs)
{
	pico_rest_begin(thread);
	while (!pico_sleep(thread) || !pico_rest_end(thread, false)) {
		if (task_sigpending(current) || task_work_pending(current)) {
			pico_rest_end(thread, true);
			pico_signals_handle(thread, regs);
			pico_rest_begin(thread);
		} else if (READ_ONCE(thread->leave)) {
			/* Nobody reads a stack that goes. */
			pico_rest_end(thread, true);
			pico_leave(thread);
		}
	}
}

/*
 * Wait until @thread, which the caller holds, is at rest and not busy.
 * Return: 0; -ESRCH: it has ended; -ERESTARTSYS: a signal, or a suspension of
 * the caller, came first.
 */
int pico_thread_rest(struct pico_thread *thread)
{
	int ret;

	ret = wait_event_interruptible(thread->wait,
				       (READ_ONCE(thread->resting) &&
					!READ_ONCE(thread->busy)) ||
				       READ_ONCE(thread->gone));
	if (!ret && READ_ONCE(thread->gone))
		ret = -ESRCH;
	return ret;
}

/*
 * Have the provider called on @thread before it executes anything in user
 * mode. What was queued and is not delivered yet counts as one.
 */
int pico_queue_apc(struct pico_thread *thread)
{
	int ret = 0;

	spin_lock(&thread->lock);
	if (thread->gone) {
		ret = -ESRCH;
	} else if (!thread->process->provider->routines->deliver_apc) {
		ret = -EOPNOTSUPP;
	} else {
		WRITE_ONCE(thread->apc, true);
		pico_kick(thread);
	}
	spin_unlock(&thread->lock);
	return ret;
}

/*
 * A call that the thread was to make again has ended with -EINTR instead, if
 * the provider makes use of that.
 */
static void pico_apc_deliver(struct pico_thread *thread, struct pt_regs *regs)
{
	unsigned long ax = regs->ax;
	bool interrupted, used;

	/* Before the provider looks at what there is to do. */
	xchg(&thread->apc, false);
	interrupted = pico_call_interrupt(thread, regs);
	regs->orig_ax = -1;
	thread->counts.apcs++;
	used = thread->process->provider->routines->deliver_apc(thread, regs);
	trace_pico_apc(thread, used);
	if (interrupted && !used)
		pico_call_again(thread, regs, ax);
}

/*
 * What has brought the thread here has raised the flag that ends interruptible
 * waits. It stays for whoever waits for the thread to rest, or wants it to leave,
 * only: the callbacks that follow may wait, and of the suspensions only one that
 * comes meanwhile ends that. (Who holds a suspended thread kicks it again.)
 */
void pico_apc_arrived(struct pico_thread *thread)
{
	clear_notify_signal();
	/* Who kicks queues the work first, and then raises the flag. */
	smp_mb__after_atomic();
	if (task_work_pending(current) || READ_ONCE(thread->holds) ||
	    READ_ONCE(thread->leave))
		set_thread_flag(TIF_NOTIFY_SIGNAL);
}

/*
 * On the thread itself, before the kernel would look at signals; on return
 * there is nothing left for it to do. A native call that was cut short leaves
 * to it to make the call again, and to put back the thread's own mask after a
 * mask of the call's (ppoll() and its like), also where no signal was pending.
 */
void pico_apc(struct pico_thread *thread, struct pt_regs *regs)
{
	for (;;) {
		if (thread->exception_pending)
			pico_exception_dispatch(thread, regs);
		clear_notify_signal();
		if (task_sigpending(current) || task_work_pending(current) ||
		    pico_held(thread) || READ_ONCE(thread->leave))
			pico_rest(thread, regs);
		else if (pico_call_restarts(regs) || test_restore_sigmask())
			pico_signals_handle(thread, regs);
		else if (READ_ONCE(thread->apc))
			pico_apc_deliver(thread, regs);
		else
			return;
	}
}
