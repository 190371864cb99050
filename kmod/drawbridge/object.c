// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects: what handles refer to.
 */
#include "drawbridge.h"

atomic_t dk_total_objects;

void dk_object_init(struct dk_object *object, enum dk_object_type type,
		    void (*release)(struct dk_object *object))
{
	kref_init(&object->ref);
	object->type = type;
	object->waitable = NULL;
	object->release = release;
	atomic_inc(&dk_total_objects);
}

void dk_object_free(struct kref *ref)
{
	struct dk_object *object = container_of(ref, struct dk_object, ref);

	atomic_dec(&dk_total_objects);
	object->release(object);
}

/* Another handle to an object, with no more rights than the first. */
DK_HANDLER(DkObjectReference)
{
	struct dk_process *process = thread->process;
	struct dk_object *object;
	u32 have;

	if (a1 & ~(u64)DK_RIGHTS_ALL)
		return -EINVAL;
	object = dk_handle_get_rights(process, a0, DK_OBJECT_ANY, a1, &have);
	if (IS_ERR(object))
		return PTR_ERR(object);
	return dk_handle_publish(process, object, a1 ?: have, dk_user(a2));
}

DK_HANDLER(DkObjectClose)
{
	return dk_handle_close(thread->process, a0);
}
