// SPDX-License-Identifier: GPL-2.0-only
/*
 * What callbacks are told to do, and what they saw.
 */
#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "internal.h"

#define PT_EVENTS	4096

static DEFINE_SPINLOCK(pt_lock);
static struct pico_test_behaviour pt_behaviours[PICO_TEST_CALLBACKS];
static struct pico_test_event pt_events[PT_EVENTS];
static u32 pt_next;

static struct pico_test_behaviour pt_behaviour(unsigned int callback)
{
	struct pico_test_behaviour behaviour;

	spin_lock(&pt_lock);
	behaviour = pt_behaviours[callback];
	spin_unlock(&pt_lock);
	return behaviour;
}

static bool pt_open(unsigned int callback)
{
	return !(pt_behaviour(callback).flags & PICO_TEST_GATE);
}

static void pt_note(unsigned int callback, struct pico_process *process,
		    struct pico_thread *thread, long v0, long v1, long v2,
		    long v3)
{
	struct pico_test_event *event, new = {
		.callback = callback,
		.caller = task_pid_nr(current),
		.value = { v0, v1, v2, v3 },
	};

	if (thread) {
		new.tid = task_pid_nr(pico_thread_task(thread));
		new.pid = task_tgid_nr(pico_thread_task(thread));
		if (pico_thread_task(thread) == current)
			new.context |= PICO_TEST_OWN;
	} else if (process) {
		new.pid = ((struct pt_process *)
			   pt_routines(0)->get_process_context(process))->pid;
	}
	if (preemptible() || !IS_ENABLED(CONFIG_PREEMPT_COUNT))
		new.context |= PICO_TEST_MAY_SLEEP;
	if (current->mm)
		new.context |= PICO_TEST_HAS_MM;
	if (fatal_signal_pending(current))
		new.context |= PICO_TEST_FATAL;
	if (current->flags & PF_EXITING)
		new.context |= PICO_TEST_EXITING;

	spin_lock(&pt_lock);
	new.sequence = pt_next++;
	event = &pt_events[new.sequence % PT_EVENTS];
	*event = new;
	spin_unlock(&pt_lock);
}

/*
 * Every callback begins here. All of them may sleep. Returns what was asked
 * for when it was entered.
 */
struct pico_test_behaviour pt_enter(unsigned int callback,
				    struct pico_process *process,
				    struct pico_thread *thread, long v0,
				    long v1, long v2, long v3)
{
	struct pico_test_behaviour behaviour = pt_behaviour(callback);

	might_sleep();
	if (callback != PICO_TEST_SYSTEM_CALL ||
	    (behaviour.flags & PICO_TEST_LOG))
		pt_note(callback, process, thread, v0, v1, v2, v3);
	if (behaviour.sleep_ms)
		msleep(behaviour.sleep_ms);
	if (behaviour.flags & PICO_TEST_KILLABLE)
		wait_event_killable(pt_wait, pt_open(callback));
	else if (behaviour.flags & PICO_TEST_GATE)
		wait_event(pt_wait, pt_open(callback));
	/* A thread that serves requests makes this call while there is none. */
	if (callback != PICO_TEST_SYSTEM_CALL || v0 != PICO_TEST_CALL_SLEEP)
		pt_within(callback, thread);
	return behaviour;
}

int pt_behave(const void __user *arg)
{
	struct pico_test_behaviour behaviour;

	if (copy_from_user(&behaviour, arg, sizeof(behaviour)))
		return -EFAULT;
	if (behaviour.callback >= PICO_TEST_CALLBACKS || behaviour.reserved)
		return -EINVAL;
	spin_lock(&pt_lock);
	pt_behaviours[behaviour.callback] = behaviour;
	spin_unlock(&pt_lock);
	wake_up_all(&pt_wait);
	return 0;
}

void pt_behave_all_reset(void)
{
	spin_lock(&pt_lock);
	memset(pt_behaviours, 0, sizeof(pt_behaviours));
	spin_unlock(&pt_lock);
	pt_within_reset();
	wake_up_all(&pt_wait);
}

void pt_log_clear(void)
{
	spin_lock(&pt_lock);
	pt_next = 0;
	spin_unlock(&pt_lock);
}

long pt_log_read(void __user *arg)
{
	struct pico_test_log log;
	struct pico_test_event *copy;
	long n = 0;

	if (copy_from_user(&log, arg, sizeof(log)))
		return -EFAULT;
	log.count = min_t(u32, log.count, PT_EVENTS);
	copy = kvcalloc(log.count, sizeof(*copy), GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	spin_lock(&pt_lock);
	if (pt_next > PT_EVENTS)
		log.first = max_t(u32, log.first, pt_next - PT_EVENTS);
	while (n < log.count && log.first + n < pt_next) {
		copy[n] = pt_events[(log.first + n) % PT_EVENTS];
		n++;
	}
	spin_unlock(&pt_lock);
	if (copy_to_user(u64_to_user_ptr(log.events), copy, n * sizeof(*copy)))
		n = -EFAULT;
	kvfree(copy);
	return n;
}
