// SPDX-License-Identifier: GPL-2.0-only
/*
 * Raised exceptions: what one thread, or the host, has another thread take.
 *
 * Who raises allocates a record and puts it at the end of the target's queue;
 * pico.ko then brings the target past dk_deliver_apc() before it executes
 * another instruction in user mode. Calls that the target waits in end with
 * INTERRUPTED for that, or with what they have consumed. There each record
 * becomes an upcall frame, the one that was raised first as the innermost: its
 * handler runs first, and what it returns to is the entry of the next one.
 *
 * A raise interrupts a handler, too. So that many raisers cannot fill a stack,
 * at most DK_NESTED_MAX frames stand on it; the rest of the queue waits until a
 * handler goes on with DkxContextRestore, or one more is raised after a handler
 * was left in another way.
 *
 * What is raised on a process goes to its oldest thread. If that ends first,
 * the record moves on; if a thread ends that was meant itself, its records are
 * dropped.
 *
 * process->raise_lock guards the queues and the list of threads. A thread is
 * in the list from its making to its end; ->target is set while it can be
 * reached. What is queued before that waits for it.
 *
 * The monitor's request to come to rest (DkAbortEventRegister) takes the same
 * way: for every thread of a process that registered an event it ends one call,
 * the one that the thread waits in or the next that would wait.
 */
#include <linux/sizes.h>

#include "drawbridge.h"

/* Records that wait for one thread. */
#define DK_RAISED_MAX	1024

struct dk_raised {
	struct list_head link;
	struct dk_exception exception;
	bool any_thread;
	bool reserved;		/* allocated beforehand: it is not counted */
};

void dk_raise_init_process(struct dk_process *process)
{
	spin_lock_init(&process->raise_lock);
	INIT_LIST_HEAD(&process->threads);
}

/* The last reference to the process is gone. */
void dk_raise_free_process(struct dk_process *process)
{
	if (process->abort_event)
		dk_object_put(process->abort_event);
}

void dk_raise_init_thread(struct dk_thread *thread)
{
	struct dk_process *process = thread->process;

	INIT_LIST_HEAD(&thread->raised);
	spin_lock(&process->raise_lock);
	list_add_tail(&thread->peers, &process->threads);
	spin_unlock(&process->raise_lock);
}

/* It can be reached from now on. */
void dk_raise_start(struct dk_thread *thread, struct pico_thread *pico)
{
	struct dk_process *process = thread->process;

	spin_lock(&process->raise_lock);
	if (!thread->closed) {
		thread->target = pico;
		if (!list_empty(&thread->raised))
			dk_pico.queue_apc(pico);
	}
	spin_unlock(&process->raise_lock);
}

long dk_raise_target(struct dk_process *process, const struct dk_thread *thread,
		     struct pico_thread **target)
{
	struct dk_thread *one;
	long ret = -ESRCH;

	*target = NULL;
	spin_lock(&process->raise_lock);
	list_for_each_entry(one, &process->threads, peers) {
		if (one->closed || (thread && one != thread))
			continue;
		ret = 0;
		if (one->target) {
			*target = pico_thread_get(one->target);
			break;
		}
	}
	spin_unlock(&process->raise_lock);
	return ret;
}

/* Takes over @raised if it succeeds. */
static long dk_raise_locked(struct dk_thread *thread, struct dk_raised *raised)
{
	lockdep_assert_held(&thread->process->raise_lock);
	if (thread->closed)
		return -ESRCH;
	if (!raised->reserved) {
		if (thread->raised_count >= DK_RAISED_MAX)
			return -EOVERFLOW;
		thread->raised_count++;
	}
	list_add_tail(&raised->link, &thread->raised);
	if (thread->target)
		dk_pico.queue_apc(thread->target);
	return 0;
}

static long dk_raise_any(struct dk_process *process, struct dk_raised *raised)
{
	struct dk_thread *thread, *found = NULL;
	long ret = -ESRCH;

	spin_lock(&process->raise_lock);
	list_for_each_entry(thread, &process->threads, peers) {
		if (thread->target) {
			found = thread;
			break;
		}
		found = found ?: thread;
	}
	if (found)
		ret = dk_raise_locked(found, raised);
	spin_unlock(&process->raise_lock);
	return ret;
}

/*
 * It ends, or was never made after all. May be called twice: for a thread that
 * has ended, and when its last reference goes.
 */
void dk_raise_end(struct dk_thread *thread)
{
	struct dk_process *process = thread->process;
	struct dk_raised *raised, *next;
	LIST_HEAD(left);

	spin_lock(&process->raise_lock);
	if (!thread->closed)
		list_del(&thread->peers);
	thread->closed = true;
	thread->target = NULL;
	list_splice_init(&thread->raised, &left);
	spin_unlock(&process->raise_lock);
	list_for_each_entry_safe(raised, next, &left, link) {
		list_del(&raised->link);
		if (!raised->any_thread || dk_raise_any(process, raised))
			kfree(raised);
		/* Those of processes that have ended have no limit. */
		cond_resched();
	}
}

static struct dk_raised *dk_raised_new(const struct dk_exception *exception)
{
	struct dk_raised *raised;

	raised = kzalloc(sizeof(*raised), GFP_KERNEL_ACCOUNT);
	if (raised)
		raised->exception = *exception;
	return raised;
}

/**
 * dk_raise_thread() - have a thread take an exception
 * @thread:	the caller has a reference
 * @exception:	the record
 *
 * Context: may sleep.
 * Return: 0; -ESRCH: it has ended; -EOVERFLOW: too many wait already; -ENOMEM
 */
long dk_raise_thread(struct dk_thread *thread,
		     const struct dk_exception *exception)
{
	struct dk_raised *raised = dk_raised_new(exception);
	long ret;

	if (!raised)
		return -ENOMEM;
	spin_lock(&thread->process->raise_lock);
	ret = dk_raise_locked(thread, raised);
	spin_unlock(&thread->process->raise_lock);
	if (ret)
		kfree(raised);
	return ret;
}

/* The same for any thread of a process. */
long dk_raise_process(struct dk_process *process,
		      const struct dk_exception *exception)
{
	struct dk_raised *raised = dk_raised_new(exception);
	long ret;

	if (!raised)
		return -ENOMEM;
	raised->any_thread = true;
	ret = dk_raise_any(process, raised);
	if (ret)
		kfree(raised);
	return ret;
}

/* ---- the end of a process, told to the one that made it ---- */

/*
 * Everything that it takes is there before the child is: the end of a process
 * cannot fail to be told, and as many can wait to be told as processes were
 * made. It may come before the maker knows that there is a child.
 */
long dk_notice_prepare(struct dk_process *child, struct dk_process *parent)
{
	const struct dk_exception exception = { .code = DK_EXCEPTION_CHILD };

	child->notice = dk_raised_new(&exception);
	if (!child->notice)
		return -ENOMEM;
	child->notice->any_thread = true;
	child->notice->reserved = true;
	dk_object_get(&parent->object);
	child->parent = parent;
	return 0;
}

/* It was not made after all; or was never to be told of. */
void dk_notice_cancel(struct dk_process *child)
{
	kfree(child->notice);
	child->notice = NULL;
	if (child->parent)
		dk_object_put(&child->parent->object);
	child->parent = NULL;
}

/* It has ended, and everybody can see that. */
void dk_notice_send(struct dk_process *child)
{
	if (!child->notice)
		return;
	child->notice->exception.parameter = child->id;
	if (!dk_raise_any(child->parent, child->notice))
		child->notice = NULL;
	dk_notice_cancel(child);
}

/* ---- delivery, on the thread ---- */

/*
 * Of the frames that were made, those that @sp is still below. On a registered
 * exception stack, or on none of the thread's, a handler is a handler only as
 * long as it runs there.
 */
static void dk_nested_update(struct dk_thread *thread, unsigned long sp)
{
	u64 base, size;

	if (!thread->nested)
		return;
	if (dk_exception_range(thread, &base, &size)) {
		if (sp - base >= size)
			thread->nested = 0;
	} else if (thread->frames[thread->nested - 1] - sp > SZ_64K &&
		   sp < thread->frames[thread->nested - 1]) {
		thread->nested = 0;
	}
	while (thread->nested && sp > thread->frames[thread->nested - 1])
		thread->nested--;
}

/* As many as may be delivered now, in the order of their raising. */
static void dk_raised_take(struct dk_thread *thread, struct list_head *list)
{
	struct dk_process *process = thread->process;
	int room = DK_NESTED_MAX - thread->nested;
	struct dk_raised *raised;

	spin_lock(&process->raise_lock);
	while (room-- > 0 && !list_empty(&thread->raised)) {
		raised = list_first_entry(&thread->raised, struct dk_raised,
					  link);
		list_move_tail(&raised->link, list);
		thread->raised_count -= !raised->reserved;
	}
	if (list_empty(&thread->raised))
		clear_bit(DK_DEFERRED, &thread->attention);
	else
		set_bit(DK_DEFERRED, &thread->attention);
	spin_unlock(&process->raise_lock);
}

/* Nobody to tell: the process ends, as of the signal that it was, if any. */
static void dk_raised_fatal(struct dk_thread *thread,
			    const struct dk_exception *exception)
{
	dk_pico.terminate_process(thread->process->pico,
				  exception->signal ?: SIGTERM);
}

bool dk_deliver_apc(struct pico_thread *pico, struct pt_regs *regs)
{
	struct dk_thread *thread = pico_thread_context(pico);
	struct dk_raised *raised, *next;
	bool used = false;
	LIST_HEAD(list);

	if (regs->ax == -EINTR && regs->ip == thread->call_ip &&
	    test_and_clear_bit(DK_ABORTING, &thread->attention)) {
		regs->ax = DK_STATUS_ABORTED;
		used = true;
	}
	dk_nested_update(thread, regs->sp);
	dk_raised_take(thread, &list);
	list_for_each_entry_safe_reverse(raised, next, &list, link) {
		unsigned long frame;

		used = true;
		frame = dk_upcall(thread, regs, &raised->exception);
		if (frame)
			thread->frames[thread->nested++] = frame;
		else
			dk_raised_fatal(thread, &raised->exception);
		kfree(raised);
	}
	if (used)
		thread->restart_ip = 0;
	return used;
}

/* The thread leaves the handler whose frame has its context at @context. */
void dk_raise_handled(struct dk_thread *thread, u64 context)
{
	u32 i;

	for (i = 0; i < thread->nested; i++) {
		if (thread->frames[i] == context) {
			thread->nested = i;
			break;
		}
	}
	if (test_bit(DK_DEFERRED, &thread->attention))
		dk_pico.queue_apc(thread->pico);
}

/* See dk_block_begin(). */
void dk_block_attention(struct dk_thread *thread)
{
	bool deliver = test_bit(DK_ABORTING, &thread->attention);

	if (test_bit(DK_DEFERRED, &thread->attention)) {
		dk_nested_update(thread, current_pt_regs()->sp);
		deliver |= thread->nested < DK_NESTED_MAX;
	}
	if (deliver)
		dk_pico.queue_apc(thread->pico);
}

/* ---- calls ---- */

/*
 * What the CPU and the host say is theirs to say: nobody can make a thread
 * believe in a fault that was none.
 */
static bool dk_raise_code_valid(u64 code)
{
	return code == DK_EXCEPTION_RAISED ||
	       (code >= DK_EXCEPTION_USER && code <= U32_MAX);
}

DK_HANDLER(DkThreadRaiseException)
{
	struct dk_exception exception = { .code = a1, .parameter = a2 };
	struct dk_object *object;
	long ret;

	object = dk_handle_get(thread->process, a0, DK_OBJECT_ANY,
			       DK_RIGHT_WRITE);
	if (IS_ERR(object))
		return PTR_ERR(object);
	ret = -EINVAL;
	if (object->type != DK_OBJECT_THREAD &&
	    object->type != DK_OBJECT_PROCESS)
		ret = -EPROTOTYPE;
	else if (!dk_raise_code_valid(a1))
		ret = -EINVAL;
	else if (object->type == DK_OBJECT_THREAD)
		ret = dk_raise_thread(container_of(object, struct dk_thread,
						   object), &exception);
	else
		ret = dk_raise_process(container_of(object, struct dk_process,
						    object), &exception);
	dk_object_put(object);
	return ret;
}

/* ---- signals of Linux ---- */

/* The two that nothing can be done about. */
#define DK_SIGNALS_NEVER	(1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1))

DK_HANDLER(DkxSignalRegister)
{
	if (a0 & DK_SIGNALS_NEVER)
		return -EINVAL;
	WRITE_ONCE(thread->process->signals, a0);
	return 0;
}

/*
 * Stop as a process of the host. The signal acts before the call is back in
 * user mode; SIGCONT, which only the outside can send then, is shown as any.
 */
DK_HANDLER(DkxProcessStop)
{
	send_sig(SIGSTOP, current, 1);
	return 0;
}

/*
 * Somebody outside has sent one. What finds the queue full is lost, as one
 * that is pending already would be.
 */
bool dk_deliver_signal(struct pico_thread *pico, const kernel_siginfo_t *info)
{
	struct dk_thread *thread = pico_thread_context(pico);
	struct dk_exception exception = {
		.code = DK_EXCEPTION_SIGNAL,
		.signal = info->si_signo,
		.signal_code = info->si_code,
		.parameter = info->si_signo,
	};

	if (!(READ_ONCE(thread->process->signals) >> (info->si_signo - 1) & 1))
		return false;
	return dk_raise_process(thread->process, &exception) != -ENOMEM;
}

/* ---- the monitor's request to come to rest ---- */

DK_HANDLER(DkAbortEventRegister)
{
	struct dk_process *process = thread->process;
	struct dk_object *event;

	event = dk_handle_get(process, a0, DK_OBJECT_EVENT, DK_RIGHT_WRITE);
	if (IS_ERR(event))
		return PTR_ERR(event);
	spin_lock(&process->raise_lock);
	swap(process->abort_event, event);
	spin_unlock(&process->raise_lock);
	if (event)
		dk_object_put(event);
	return 0;
}

static bool dk_abort_process(struct dk_process *process)
{
	struct dk_thread *thread;
	bool told;

	spin_lock(&process->raise_lock);
	told = process->abort_event;
	if (told) {
		dk_waitable_signal(process->abort_event->waitable);
		list_for_each_entry(thread, &process->threads, peers) {
			set_bit(DK_ABORTING, &thread->attention);
			if (thread->target)
				dk_pico.queue_apc(thread->target);
		}
	}
	spin_unlock(&process->raise_lock);
	return told;
}

/* How many processes have been told. */
long dk_sandbox_abort(struct dk_sandbox *sandbox)
{
	struct dk_process *process;
	long told = 0;

	mutex_lock(&sandbox->lock);
	list_for_each_entry(process, &sandbox->processes, link)
		told += dk_abort_process(process);
	mutex_unlock(&sandbox->lock);
	return told;
}
