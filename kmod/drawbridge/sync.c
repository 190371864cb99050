// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events and semaphores. Their state is a struct dk_waitable, see wait.c; that
 * of an event with one handle is in a word, see word.c.
 */
#include "drawbridge.h"

#define DK_SYNC_RIGHTS	(DK_RIGHT_READ | DK_RIGHT_WRITE | DK_RIGHT_WAIT)

struct dk_sync {
	struct dk_object object;
	struct dk_waitable waitable;
	struct rcu_head rcu;
};

static void dk_sync_release(struct dk_object *object)
{
	kfree_rcu(container_of(object, struct dk_sync, object), rcu);
}

static long dk_sync_create(struct dk_thread *thread, enum dk_object_type type,
			   int kind, u64 count, u64 maximum, u64 out)
{
	struct dk_sync *sync;

	sync = kmalloc(sizeof(*sync), GFP_KERNEL_ACCOUNT);
	if (!sync)
		return -ENOMEM;
	dk_waitable_init(&sync->waitable, kind, count, maximum);
	sync->waitable.wordable = type == DK_OBJECT_EVENT;
	dk_object_init(&sync->object, type, dk_sync_release);
	sync->object.waitable = &sync->waitable;
	return dk_handle_publish(thread->process, &sync->object,
				 DK_SYNC_RIGHTS, dk_user(out));
}

DK_HANDLER(DkNotificationEventCreate)
{
	if (a0 > 1)
		return -EINVAL;
	return dk_sync_create(thread, DK_OBJECT_EVENT, DK_WAIT_MANUAL, a0, 1,
			      a1);
}

DK_HANDLER(DkSynchronizationEventCreate)
{
	if (a0 > 1)
		return -EINVAL;
	return dk_sync_create(thread, DK_OBJECT_EVENT, DK_WAIT_AUTO, a0, 1, a1);
}

DK_HANDLER(DkSemaphoreCreate)
{
	if (!a1 || a0 > a1)
		return -EINVAL;
	return dk_sync_create(thread, DK_OBJECT_SEMAPHORE, DK_WAIT_COUNT, a0,
			      a1, a2);
}

static struct dk_object *dk_sync_get(struct dk_thread *thread, u64 handle,
				     enum dk_object_type type, u32 right)
{
	return dk_handle_get(thread->process, handle, type, right);
}

DK_HANDLER(DkSemaphoreRelease)
{
	struct dk_object *object;
	u64 previous = 0;
	long ret = 0;

	object = dk_sync_get(thread, a0, DK_OBJECT_SEMAPHORE, DK_RIGHT_WRITE);
	if (IS_ERR(object))
		return PTR_ERR(object);
	if (!a1)
		ret = -EINVAL;
	else if (a2 && fault_in_safe_writeable(dk_user(a2), sizeof(u64)))
		ret = -EFAULT;
	if (ret)
		goto put;
	ret = dk_waitable_release(object->waitable, a1, &previous);
	if (!ret && a2 && put_user(previous, (u64 __user *)dk_user(a2)))
		ret = -EFAULT;
put:
	dk_object_put(object);
	return ret;
}

static long dk_sync_peek(struct dk_thread *thread, u64 handle,
			 enum dk_object_type type, u64 out)
{
	struct dk_object *object;
	u64 count;

	object = dk_sync_get(thread, handle, type, DK_RIGHT_READ);
	if (IS_ERR(object))
		return PTR_ERR(object);
	dk_waitable_refresh(object->waitable);
	count = dk_waitable_peek(object->waitable);
	dk_object_put(object);
	return put_user(count, (u64 __user *)dk_user(out));
}

DK_HANDLER(DkSemaphorePeek)
{
	return dk_sync_peek(thread, a0, DK_OBJECT_SEMAPHORE, a1);
}

DK_HANDLER(DkEventPeek)
{
	return dk_sync_peek(thread, a0, DK_OBJECT_EVENT, a1);
}

DK_HANDLER(DkEventSet)
{
	struct dk_object *object;

	object = dk_sync_get(thread, a0, DK_OBJECT_EVENT, DK_RIGHT_WRITE);
	if (IS_ERR(object))
		return PTR_ERR(object);
	dk_waitable_signal(object->waitable);
	dk_object_put(object);
	return 0;
}

DK_HANDLER(DkEventClear)
{
	struct dk_object *object;

	object = dk_sync_get(thread, a0, DK_OBJECT_EVENT, DK_RIGHT_WRITE);
	if (IS_ERR(object))
		return PTR_ERR(object);
	dk_waitable_clear(object->waitable);
	dk_object_put(object);
	return 0;
}
