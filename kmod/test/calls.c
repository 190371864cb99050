// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls of the processes, and the ends of creations.
 */
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <asm/syscall.h>

#include "internal.h"

static long pt_sleep(unsigned long ms, unsigned long how)
{
	long left = msecs_to_jiffies(ms);

	if (how == PICO_TEST_INTERRUPTIBLY)
		left = schedule_timeout_interruptible(left);
	else if (how == PICO_TEST_KILLABLY)
		left = schedule_timeout_killable(left);
	else
		left = schedule_timeout_uninterruptible(left);
	return jiffies_to_msecs(left);
}

static long pt_block(unsigned long how)
{
	int kicks = atomic_read(&pt_kicks), ret = 0;

	atomic_inc(&pt_blocked);
	if (how == PICO_TEST_INTERRUPTIBLY)
		ret = wait_event_interruptible(pt_wait,
					       atomic_read(&pt_kicks) != kicks);
	else if (how == PICO_TEST_KILLABLY)
		ret = wait_event_killable(pt_wait,
					  atomic_read(&pt_kicks) != kicks);
	else
		wait_event(pt_wait, atomic_read(&pt_kicks) != kicks);
	atomic_dec(&pt_blocked);
	return ret ? -EINTR : 0;
}

/* Needs a kernel with fault injection: CONFIG_FAULT_INJECTION. */
static long pt_fail(unsigned long nth)
{
#ifdef CONFIG_FAULT_INJECTION
	long before = READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, nth);
	return before;
#else
	return -ENOSYS;
#endif
}

static long pt_own_service(struct pico_thread *thread, void __user *arg)
{
	struct pico_test_service service;
	int ret;

	if (copy_from_user(&service, arg, sizeof(service)))
		return -EFAULT;
	ret = pt_service_on(thread, &service);
	if (!ret && copy_to_user(arg, &service, sizeof(service)))
		ret = -EFAULT;
	return ret;
}

static void pt_attributes(struct pico_thread_attributes *to,
			  const struct pico_test_create *from)
{
	BUILD_BUG_ON(sizeof(to->registers) != sizeof(from->registers));
	memset(to, 0, sizeof(*to));
	memcpy(&to->registers, from->registers, sizeof(to->registers));
	to->flags = from->thread_flags;
}

/* Who is to create it: a reference, or NULL. */
static struct pico_thread *pt_creator(struct pico_thread *thread,
				      const struct pico_test_create *create)
{
	struct pt_thread *context = pico_thread_context(thread);

	if (create->of)
		return pt_lookup(context->process->provider, create->of);
	return pico_thread_get(thread);
}

/* Where there is a call in place of the thread's own already. */
static long pt_forward_getpid(struct pico_thread *thread, struct pt_regs *regs)
{
	return pico_forward_system_call(thread, regs, __NR_getpid, 0, 0, 0, 0,
					0, 0);
}

static long pt_create_thread(struct pico_thread *thread, struct pt_regs *regs,
			     void __user *arg)
{
	struct pt_thread *context = pico_thread_context(thread), *child;
	struct pico_thread_attributes attributes;
	struct pico_test_create create;
	struct pico_routines *pico = pt_routines(context->process->provider);
	struct pico_thread *creator;
	int ret;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	child = pt_thread_alloc(context->process);
	if (!child)
		return -ENOMEM;
	pt_attributes(&attributes, &create);
	attributes.context = child;
	context->resume = create.resume;
	if (create.twice == PICO_TEST_AFTER_CALL) {
		pt_forward_getpid(thread, regs);
		create.second = pico->create_thread(thread, regs, &attributes);
		pt_thread_free(child);
		if (copy_to_user(arg, &create, sizeof(create)))
			return 0;
		return 0;
	}
	creator = pt_creator(thread, &create);
	ret = creator ? pico->create_thread(creator, regs, &attributes) :
			-ENOENT;
	if (creator)
		pico_thread_put(creator);
	if (ret) {
		pt_thread_free(child);
		return ret;
	}
	if (create.twice) {
		if (create.twice == PICO_TEST_THEN_CALL)
			create.second = pt_forward_getpid(thread, regs);
		else
			create.second =
				pico->create_thread(thread, regs, &attributes);
		/* There is nothing to be done about a failure any more. */
		if (copy_to_user(arg, &create, sizeof(create)))
			return 0;
	}
	return 0;
}

static struct cred *pt_credentials(uid_t uid)
{
	struct cred *cred = prepare_creds();
	kuid_t kuid = make_kuid(current_user_ns(), uid);

	if (!cred)
		return NULL;
	cred->uid = kuid;
	cred->euid = kuid;
	cred->suid = kuid;
	cred->fsuid = kuid;
	cap_clear(cred->cap_permitted);
	cap_clear(cred->cap_effective);
	return cred;
}

static long pt_create_process(struct pico_thread *thread, struct pt_regs *regs,
			      void __user *arg)
{
	struct pt_thread *context = pico_thread_context(thread);
	struct pico_routines *pico = pt_routines(context->process->provider);
	struct pico_thread_attributes first;
	struct pico_process_attributes process = {};
	struct pico_test_create create;
	struct pico_thread *creator;
	struct pt_process *child;
	int ret = -ENOMEM;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	child = pt_process_alloc(context->process);
	if (!child)
		return -ENOMEM;
	pt_attributes(&first, &create);
	first.context = pt_thread_alloc(child);
	if (!first.context)
		goto free_process;
	process.flags = create.process_flags;
	process.exit_signal = create.exit_signal;
	process.context = child;
	child->cloned = create.process_flags & PICO_PROCESS_CLONE_MEMORY;
	if (create.uid != ~0U) {
		process.credentials = pt_credentials(create.uid);
		if (!process.credentials)
			goto free_thread;
	}
	context->resume = create.resume;
	creator = pt_creator(thread, &create);
	ret = creator ? pico->create_process(creator, regs, &process, &first) :
			-ENOENT;
	if (creator)
		pico_thread_put(creator);
	if (ret) {
		if (process.credentials)
			abort_creds(process.credentials);
		goto free_thread;
	}
	if (create.twice) {
		process.credentials = NULL;
		create.second =
			pico->create_process(thread, regs, &process, &first);
		if (copy_to_user(arg, &create, sizeof(create)))
			return 0;
	}
	return 0;

free_thread:
	pt_thread_free(first.context);
free_process:
	pt_process_free(child);
	return ret;
}

long pt_thread_created(struct pico_thread *thread, struct pico_thread *child,
		       void *child_context, int error)
{
	struct pt_thread *context = pico_thread_context(thread);
	struct pico_routines *pico = pt_routines(context->process->provider);
	struct pico_test_behaviour behaviour;
	unsigned int previous;
	long result = error;
	int i;

	WARN_ON(!child != !!error);
	if (child)
		result = task_pid_vnr(pico_thread_task(child));
	else
		pt_thread_free(child_context);
	behaviour =
		pt_enter(PICO_TEST_CREATED, NULL, thread, result, error, 0, 0);
	for (i = 0; child && i < context->resume; i++)
		pico->resume_thread(child, &previous);
	return behaviour.result ? behaviour.result : result;
}

static long pt_forward(struct pico_thread *thread, struct pt_regs *regs,
		       const unsigned long *a)
{
	return pico_forward_system_call(thread, regs, a[0], a[1], a[2], a[3],
					a[4], a[5], 0);
}

static long pt_watched(struct pico_thread *thread, struct pt_regs *regs,
		       const unsigned long *a)
{
	return pico_forward_watched(thread, regs, a[0], a[1], a[2], a[3], a[4],
				    a[5], 0);
}

/* A native number, with everything as it is. */
static long pt_native(struct pico_thread *thread, struct pt_regs *regs,
		      bool watched)
{
	if (watched)
		return pico_forward_watched(thread, regs, regs->orig_ax,
					    regs->di, regs->si, regs->dx,
					    regs->r10, regs->r8, regs->r9);
	return pico_forward_system_call(thread, regs, regs->orig_ax, regs->di,
					regs->si, regs->dx, regs->r10, regs->r8,
					regs->r9);
}

long pt_native_call_ended(struct pico_thread *thread, struct pt_regs *regs,
			  long native)
{
	struct pico_test_behaviour behaviour;

	behaviour = pt_enter(PICO_TEST_ENDED, NULL, thread, native, regs->di,
			     regs->orig_ax, 0);
	if (behaviour.result == PICO_TEST_RETURN)
		return behaviour.value;
	if (behaviour.result == PICO_TEST_INTERRUPTED && native <= -512 &&
	    native >= -516)
		return behaviour.value;
	return native;
}

bool pt_deliver_apc(struct pico_thread *thread, struct pt_regs *regs)
{
	struct pt_thread *context = pico_thread_context(thread);
	struct pico_routines *pico = pt_routines(context->process->provider);
	struct pico_test_behaviour behaviour;

	behaviour = pt_enter(PICO_TEST_APC, NULL, thread, regs->ip, regs->ax,
			     regs->orig_ax, regs->sp);
	switch (behaviour.result) {
	case PICO_TEST_USED:
		return true;
	case PICO_TEST_DIVERT:
		regs->di = regs->ip;
		regs->si = regs->ax;
		regs->dx = behaviour.value;
		regs->sp = ((regs->sp - 512) & -16UL) - 8;
		regs->ip = PICO_TEST_HANDLER;
		return true;
	case PICO_TEST_QUEUE_AGAIN:
		context->again = !context->again;
		if (context->again)
			WARN_ON(pico->queue_apc(thread));
		return true;
	case PICO_TEST_SUSPEND_APC:
		pico->suspend_thread(thread, NULL);
		return true;
	}
	return false;
}

bool pt_deliver_signal(struct pico_thread *thread, const kernel_siginfo_t *info)
{
	struct pt_thread *context = pico_thread_context(thread);
	struct pico_routines *pico = pt_routines(context->process->provider);
	struct pico_test_behaviour behaviour;

	behaviour = pt_enter(PICO_TEST_SIGNAL, NULL, thread, info->si_signo,
			     info->si_code, info->si_pid, info->si_int);
	if (behaviour.value && !(behaviour.value & sigmask(info->si_signo)))
		return false;
	if (behaviour.result == PICO_TEST_TAKEN_APC)
		WARN_ON(pico->queue_apc(thread));
	return behaviour.result != PICO_TEST_NOT_TAKEN;
}

enum pico_syscall pt_system_call(struct pico_thread *thread,
				 struct pt_regs *regs)
{
	unsigned long nr = regs->orig_ax;
	unsigned long a[6] = {
		regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9,
	};
	struct pico_test_behaviour behaviour;
	void __user *pointer;
	long result;

	if (in_ia32_syscall()) {
		nr = (u32)nr;
		a[0] = (u32)regs->bx;
		a[1] = (u32)regs->cx;
		a[2] = (u32)regs->dx;
		a[3] = (u32)regs->si;
		a[4] = (u32)regs->di;
		a[5] = (u32)regs->bp;
	}
	pointer = (void __user *)a[0];
	behaviour = pt_enter(PICO_TEST_SYSTEM_CALL, NULL, thread, nr, a[0],
			     a[1], a[2]);
	if (behaviour.flags & (PICO_TEST_NATIVE | PICO_TEST_NATIVE_WATCHED) &&
	    nr < PICO_TEST_CALL_ECHO) {
		result = pt_native(thread, regs,
				   behaviour.flags & PICO_TEST_NATIVE_WATCHED);
		if (!result)
			return PICO_SYSCALL_FORWARD;
		return pico_answer_system_call(regs, result);
	}
	switch (nr) {
	case PICO_TEST_CALL_ECHO:
		result = a[0] + 1;
		break;
	case PICO_TEST_CALL_SLEEP:
		result = pt_sleep(a[0], a[1]);
		break;
	case PICO_TEST_CALL_BLOCK:
		result = pt_block(a[0]);
		break;
	case PICO_TEST_CALL_SERVICE:
		/* What it sets, the answer would not know of. */
		result = pt_own_service(thread, pointer);
		break;
	case PICO_TEST_CALL_THREAD:
		result = pt_create_thread(thread, regs, pointer);
		if (!result)
			return PICO_SYSCALL_FORWARD;
		break;
	case PICO_TEST_CALL_PROCESS:
		result = pt_create_process(thread, regs, pointer);
		if (!result)
			return PICO_SYSCALL_FORWARD;
		break;
	case PICO_TEST_CALL_FORWARD:
		result = pt_forward(thread, regs, a);
		if (!result)
			return PICO_SYSCALL_FORWARD;
		break;
	case PICO_TEST_CALL_FORWARD_TWICE:
		result = pt_forward(thread, regs, a);
		if (result)
			break;
		result = pt_forward(thread, regs, a);
		if (!put_user(result, (long __user *)a[5]))
			return PICO_SYSCALL_FORWARD;
		return PICO_SYSCALL_FORWARD;
	case PICO_TEST_CALL_WATCHED:
		result = pt_watched(thread, regs, a);
		if (!result)
			return PICO_SYSCALL_FORWARD;
		break;
	case PICO_TEST_CALL_WATCHED_TWICE:
		result = pt_watched(thread, regs, a);
		if (result)
			break;
		result = pt_watched(thread, regs, a);
		if (!put_user(result, (long __user *)a[5]))
			return PICO_SYSCALL_FORWARD;
		return PICO_SYSCALL_FORWARD;
	case PICO_TEST_CALL_BLOCK_AGAIN:
		result = pt_block(PICO_TEST_INTERRUPTIBLY);
		if (result)
			return pico_restart_system_call(thread, regs);
		break;
	case PICO_TEST_CALL_FAIL:
		result = pt_fail(a[0]);
		break;
	case PICO_TEST_CALL_FAILED:
		result = pt_fail(0);
		break;
	case PICO_TEST_CALL_REDIRECT:
		regs->ip = a[0];
		regs->cx = regs->ip;
		regs->r11 = regs->flags;
		result = 77;
		break;
	case PICO_TEST_CALL_TID:
		result = task_pid_vnr(current);
		break;
	case PICO_TEST_CALL_NOTHING:
		/* There is no native call in place: the same as ANSWERED. */
		regs->ax = a[0];
		return PICO_SYSCALL_FORWARD;
	default:
		result = -ENOSYS;
	}
	return pico_answer_system_call(regs, result);
}
