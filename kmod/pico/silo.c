// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers (Windows: silos): which cgroup really governs a resource of a
 * thread.
 */
#include <linux/cgroup.h>

#include "internal.h"

/* The controller that governs what; -1: there is none in this kernel. */
static int pico_container_controller(enum pico_container_type type)
{
	switch (type) {
#ifdef CONFIG_CGROUP_SCHED
	case PICO_CONTAINER_CPU:
		return cpu_cgrp_id;
#endif
#ifdef CONFIG_BLK_CGROUP
	case PICO_CONTAINER_DISK_IO:
		return io_cgrp_id;
#endif
#ifdef CONFIG_CGROUP_NET_CLASSID
	case PICO_CONTAINER_NET_IO:
		return net_cls_cgrp_id;
#endif
#ifdef CONFIG_MEMCG
	case PICO_CONTAINER_HEAP:
		return memory_cgrp_id;
#endif
	default:
		return -1;
	}
}

/*
 * A controller's state stands for the cgroup that it is enabled in, the
 * thread's own or one above it. The second version has no network controller:
 * programs that filter traffic are attached to the thread's own cgroup there.
 */
static struct cgroup *pico_container(enum pico_container_type type,
				     struct task_struct *task)
{
	int controller = pico_container_controller(type);
	struct cgroup_subsys_state *css;

	if (type != PICO_CONTAINER_IMMEDIATE && controller >= 0) {
		css = task_css_set(task)->subsys[controller];
		if (css && (type != PICO_CONTAINER_NET_IO ||
			    css->cgroup->root != &cgrp_dfl_root))
			return css->cgroup;
	}
	return task_css_set(task)->dfl_cgrp;
}

/**
 * pico_get_effective_container_id() - what governs a resource of a thread
 * @type:	which resource
 * @task:	a thread, marked or not, that the caller keeps
 * @result:	filled in on success
 *
 * The counterpart of Windows' PsGetEffectiveContainerId(): the container is a
 * cgroup. The hierarchy of a controller of cgroup v1 is one of its own; there,
 * nothing is inherited. A thread that is ending is in the root cgroup.
 *
 * Context: any but NMI; does not sleep.
 * Return: 0; -EINVAL: no such type.
 */
int pico_get_effective_container_id(enum pico_container_type type,
				    struct task_struct *task,
				    struct pico_container_id *result)
{
	struct cgroup *cgroup;
	__le32 hierarchy;
	__be64 id;

	if (type < PICO_CONTAINER_CPU || type > PICO_CONTAINER_IMMEDIATE)
		return -EINVAL;
	memset(result, 0, sizeof(*result));

	rcu_read_lock();
	cgroup = pico_container(type, task);
	if (cgroup->root == &cgrp_dfl_root &&
	    cgroup != task_css_set(task)->dfl_cgrp)
		result->flags |= PICO_CONTAINER_INHERITED;
	/*
	 * Ids count up, each hierarchy's from one, and are not used again. A
	 * GUID of version 8 (the high half of byte 7) and the usual variant
	 * (the two high bits of byte 8) holds id and hierarchy.
	 */
	id = cpu_to_be64(cgroup_id(cgroup) | BIT_ULL(63));
	memcpy(&result->id.b[8], &id, sizeof(id));
	hierarchy = cpu_to_le32(cgroup->root->hierarchy_id);
	memcpy(&result->id.b[0], &hierarchy, sizeof(hierarchy));
	result->id.b[7] = 8 << 4;
	rcu_read_unlock();
	return 0;
}
EXPORT_SYMBOL_GPL(pico_get_effective_container_id);
