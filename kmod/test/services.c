// SPDX-License-Identifier: GPL-2.0-only
/*
 * The services of pico.ko, on behalf of a test or of a process.
 */
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "../compat.h"
#include "internal.h"

#define PT_EXTENDED_MAX		0x4000U

static struct task_struct *pt_task(pid_t tid)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(find_vpid(tid), PIDTYPE_PID);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

/* With a reference, or NULL. */
struct pico_thread *pt_lookup(unsigned int provider, pid_t tid)
{
	struct task_struct *task = pt_task(tid);
	struct pico_thread *thread;

	if (!task)
		return NULL;
	thread = pico_thread_lookup(pt_provider(provider), task);
	put_task_struct(task);
	return thread;
}

static int pt_context(struct pico_routines *pico, struct pico_thread *thread,
		      struct pico_test_service *s)
{
	u32 size = min(s->extended_size, PT_EXTENDED_MAX);
	struct pico_context context = {
		.parts = s->parts,
		.extended_size = s->extended_size,
	};

	BUILD_BUG_ON(sizeof(context.registers) != sizeof(s->registers));
	memcpy(&context.registers, s->registers, sizeof(s->registers));
	if (s->extended) {
		context.extended = kvzalloc(max(size, 1U), GFP_KERNEL);
		if (!context.extended)
			return -ENOMEM;
		if (copy_from_user(context.extended,
				   u64_to_user_ptr(s->extended), size)) {
			kvfree(context.extended);
			return -EFAULT;
		}
	}
	if (s->service == PICO_TEST_DO_GET_CONTEXT)
		s->result = pico->get_context_thread(thread, &context);
	else
		s->result = pico->set_context_thread(thread, &context);
	memcpy(s->registers, &context.registers, sizeof(s->registers));
	if (s->extended && s->service == PICO_TEST_DO_GET_CONTEXT &&
	    copy_to_user(u64_to_user_ptr(s->extended), context.extended, size))
		s->result = -EFAULT;
	kvfree(context.extended);
	return 0;
}

/* A container that is asked for in an interrupt. */
struct pt_question {
	struct hrtimer timer;
	struct completion answered;
	struct task_struct *task;
	struct pico_container_id id;
	u32 type;
	int result;
	bool in_interrupt;
};

static enum hrtimer_restart pt_ask(struct hrtimer *timer)
{
	struct pt_question *q = container_of(timer, struct pt_question, timer);

	q->in_interrupt = in_hardirq();
	q->result = pico_get_effective_container_id(q->type, q->task, &q->id);
	complete(&q->answered);
	return HRTIMER_NORESTART;
}

static void pt_ask_in_interrupt(struct pt_question *q)
{
	init_completion(&q->answered);
	pico_compat_hrtimer_on_stack(&q->timer, pt_ask);
	hrtimer_start(&q->timer, ns_to_ktime(NSEC_PER_USEC),
		      HRTIMER_MODE_REL_HARD);
	wait_for_completion(&q->answered);
	hrtimer_cancel(&q->timer);
	destroy_hrtimer_on_stack(&q->timer);
	WARN_ON(!q->in_interrupt);
}

/* In the strictest contexts that are allowed. */
static int pt_container(struct pico_test_service *s)
{
	struct pt_question q = {
		.task = s->tid ? pt_task(s->tid) : current,
		.type = s->which,
	};

	if (!q.task)
		return -ENOENT;
	memset(&q.id, 0x5a, sizeof(q.id));
	if (s->flags & PICO_TEST_IN_INTERRUPT) {
		pt_ask_in_interrupt(&q);
	} else {
		preempt_disable();
		q.result =
			pico_get_effective_container_id(q.type, q.task, &q.id);
		preempt_enable();
	}
	s->result = q.result;
	s->container_flags = q.id.flags;
	memcpy(s->id, &q.id.id, sizeof(s->id));
	if (s->tid)
		put_task_struct(q.task);
	return 0;
}

static int pt_contexts_agree(struct pico_routines *pico,
			     struct pico_thread *thread)
{
	struct pt_thread *context = pico->get_thread_context(thread);
	struct pico_process *process = pico_thread_process(thread);
	struct pt_process *owner = pico->get_process_context(process);

	if (context != pico_thread_context(thread))
		return 1;
	if (context->magic != PT_MAGIC || owner->magic != PT_MAGIC)
		return 2;
	if (context->process != owner || owner->process != process)
		return 3;
	return 0;
}

/* Those that do not sleep. */
static int pt_service_locked(unsigned int provider, struct pico_thread *thread,
			     struct pico_test_service *s)
{
	static DEFINE_SPINLOCK(lock);
	u32 flags = s->flags;
	int ret;

	if (s->service == PICO_TEST_DO_GET_CONTEXT ||
	    s->service == PICO_TEST_DO_SET_CONTEXT ||
	    s->service == PICO_TEST_DO_CONTAINER)
		return -EINVAL;
	s->flags = flags & ~PICO_TEST_LOCKED;
	spin_lock(&lock);
	ret = pt_service(provider, thread, s);
	spin_unlock(&lock);
	s->flags = flags;
	return ret;
}

/* A service on a thread that the caller holds. */
int pt_service(unsigned int provider, struct pico_thread *thread,
	       struct pico_test_service *s)
{
	struct pico_routines *pico = pt_routines(provider);
	unsigned int *previous = &s->previous;
	u32 again = s->repeat;

	if (s->flags & PICO_TEST_LOCKED)
		return pt_service_locked(provider, thread, s);
	if (s->flags & PICO_TEST_NO_PREVIOUS)
		previous = NULL;
	switch (s->service) {
	case PICO_TEST_DO_SUSPEND:
		do {
			s->result = pico->suspend_thread(thread, previous);
		} while (!s->result && again--);
		s->repeat -= again + 1;
		break;
	case PICO_TEST_DO_RESUME:
		do {
			s->result = pico->resume_thread(thread, previous);
		} while (!s->result && again--);
		s->repeat -= again + 1;
		break;
	case PICO_TEST_DO_GET_CONTEXT:
	case PICO_TEST_DO_SET_CONTEXT:
		return pt_context(pico, thread, s);
	case PICO_TEST_DO_TERMINATE_THREAD:
		s->result = pico->terminate_thread(thread, s->status);
		break;
	case PICO_TEST_DO_TERMINATE_PROCESS:
		s->result = pico->terminate_process(pico_thread_process(thread),
						    s->status);
		break;
	case PICO_TEST_DO_APC:
		do {
			s->result = pico->queue_apc(thread);
		} while (!s->result && again--);
		break;
	case PICO_TEST_DO_DESCRIPTOR_BASE:
		s->result = pico->set_thread_descriptor_base(thread, s->which,
							     s->base);
		break;
	case PICO_TEST_DO_CONTAINER:
		return pt_container(s);
	case PICO_TEST_DO_CONTEXTS:
		s->result = pt_contexts_agree(pico, thread);
		break;
	case PICO_TEST_DO_EXTENDED_SIZE:
		s->extended_size = pico_extended_state_size();
		s->result = 0;
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

static struct pico_thread *pt_held(struct pt_host *host, unsigned int number)
{
	struct pico_thread *thread = NULL;

	mutex_lock(&host->lock);
	if (number && number <= PT_HELD)
		thread = host->held[number - 1];
	if (thread)
		pico_thread_get(thread);
	mutex_unlock(&host->lock);
	return thread;
}

/* For a thread, on itself or on the one that it names. */
int pt_service_on(struct pico_thread *caller, struct pico_test_service *s)
{
	struct pt_thread *context = pico_thread_context(caller);
	unsigned int provider = context->process->provider;
	struct pico_thread *thread;
	int ret;

	if (!s->tid || s->service == PICO_TEST_DO_CONTAINER)
		return pt_service(provider, caller, s);
	thread = pt_lookup(provider, s->tid);
	if (!thread)
		return -ENOENT;
	ret = pt_service(provider, thread, s);
	pico_thread_put(thread);
	return ret;
}

int pt_service_ioctl(struct pt_host *host, void __user *arg)
{
	struct pico_test_service service;
	struct pico_thread *thread;
	int ret;

	if (copy_from_user(&service, arg, sizeof(service)))
		return -EFAULT;
	switch (service.service) {
	case PICO_TEST_DO_CONTAINER:
	case PICO_TEST_DO_EXTENDED_SIZE:
		/* Of any thread, marked or not, and of none. */
		ret = pt_service(host->provider, NULL, &service);
		break;
	case PICO_TEST_DO_LOOKUP:
		if (!pt_provider(service.which))
			return -EINVAL;
		thread = pt_lookup(service.which, service.tid);
		service.result = thread ? 0 : -ENOENT;
		if (thread)
			pico_thread_put(thread);
		ret = 0;
		break;
	default:
		thread = service.held ? pt_held(host, service.held) :
					pt_lookup(host->provider, service.tid);
		if (!thread)
			return -ENOENT;
		ret = pt_service(host->provider, thread, &service);
		pico_thread_put(thread);
	}
	if (!ret && copy_to_user(arg, &service, sizeof(service)))
		ret = -EFAULT;
	return ret;
}

long pt_hold(struct pt_host *host, pid_t tid)
{
	struct pico_thread *thread = NULL;
	unsigned int provider;
	long i;

	for (provider = 0; provider < PICO_TEST_PROVIDERS && !thread;
	     provider++) {
		if (pt_provider(provider))
			thread = pt_lookup(provider, tid);
	}
	if (!thread)
		return -ENOENT;
	mutex_lock(&host->lock);
	for (i = 0; i < PT_HELD && host->held[i]; i++)
		;
	if (i < PT_HELD) {
		host->held[i] = thread;
		pico_process_get(pico_thread_process(thread));
	}
	mutex_unlock(&host->lock);
	if (i < PT_HELD)
		return i + 1;
	pico_thread_put(thread);
	return -ENOSPC;
}

long pt_drop(struct pt_host *host, unsigned long number)
{
	struct pico_thread *thread = NULL;

	mutex_lock(&host->lock);
	if (number && number <= PT_HELD)
		swap(thread, host->held[number - 1]);
	mutex_unlock(&host->lock);
	if (!thread)
		return -ENOENT;
	pico_process_put(pico_thread_process(thread));
	pico_thread_put(thread);
	return 0;
}
