// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services that a thread is to call from inside a callback of its own.
 */
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "internal.h"

static DEFINE_SPINLOCK(pt_within_lock);
static struct pico_test_within pt_withins[PICO_TEST_WITHINS];

/* Finds what @thread is to do now, if anything; it does so once. */
static int pt_within_begin(unsigned int callback, pid_t tid,
			   struct pico_test_service *service)
{
	int i, found = -1;

	spin_lock(&pt_within_lock);
	for (i = 0; i < PICO_TEST_WITHINS && found < 0; i++) {
		if (pt_withins[i].state != PICO_TEST_ARMED ||
		    pt_withins[i].callback != callback ||
		    pt_withins[i].by != tid)
			continue;
		pt_withins[i].state = PICO_TEST_BEGUN;
		*service = pt_withins[i].service;
		found = i;
	}
	spin_unlock(&pt_within_lock);
	return found;
}

void pt_within(unsigned int callback, struct pico_thread *thread)
{
	struct pico_test_service service;
	int ret, i;

	if (!thread || pico_thread_task(thread) != current)
		return;
	i = pt_within_begin(callback, task_pid_nr(current), &service);
	if (i < 0)
		return;
	ret = pt_service_on(thread, &service);
	if (ret)
		service.result = ret;
	spin_lock(&pt_within_lock);
	pt_withins[i].service = service;
	pt_withins[i].state = PICO_TEST_ENDED_WITHIN;
	spin_unlock(&pt_within_lock);
}

long pt_within_ioctl(void __user *arg)
{
	struct pico_test_within within;

	if (copy_from_user(&within, arg, sizeof(within)))
		return -EFAULT;
	if (within.number >= PICO_TEST_WITHINS)
		return -EINVAL;
	spin_lock(&pt_within_lock);
	if (within.state == PICO_TEST_ARMED)
		pt_withins[within.number] = within;
	else
		within = pt_withins[within.number];
	spin_unlock(&pt_within_lock);
	return copy_to_user(arg, &within, sizeof(within)) ? -EFAULT : 0;
}

void pt_within_reset(void)
{
	spin_lock(&pt_within_lock);
	memset(pt_withins, 0, sizeof(pt_withins));
	spin_unlock(&pt_within_lock);
}
