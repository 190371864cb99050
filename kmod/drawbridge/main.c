// SPDX-License-Identifier: GPL-2.0-only
/*
 * drawbridge.ko: the Drawbridge provider. See Documentation/drawbridge/.
 */
#include <linux/module.h>
#include <pico/version.h>

#include "drawbridge.h"

struct pico_routines dk_pico = {
	.size = sizeof(dk_pico),
};

static const struct pico_provider_routines dk_provider = {
	.size = sizeof(dk_provider),
	.name = DRAWBRIDGE_PROVIDER,
	.owner = THIS_MODULE,
	.open_process_access = PICO_ACCESS_ALL,
	.open_thread_access = PICO_ACCESS_ALL,
	.dispatch_system_call = dk_dispatch,
	.dispatch_exception = dk_dispatch_exception,
	.exit_thread = dk_exit_thread,
	.exit_process = dk_exit_process,
	.process_gone = dk_process_gone,
	.thread_created = dk_thread_created,
	.native_call_ended = dk_native_call_ended,
	.deliver_apc = dk_deliver_apc,
	.deliver_signal = dk_deliver_signal,
	.get_process_image_name = dk_image_name,
	.open = dk_sandbox_open,
	.ioctl = dk_sandbox_ioctl,
	.release = dk_sandbox_release,
	.prepare_process = dk_prepare_process,
	.start_process = dk_start_process,
};

static int dk_get_objects(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&dk_total_objects));
}

static const struct kernel_param_ops dk_objects_ops = {
	.get = dk_get_objects,
};

module_param_cb(objects, &dk_objects_ops, NULL, 0444);
MODULE_PARM_DESC(objects, "objects that handles can refer to, in all sandboxes");

static int __init dk_init(void)
{
	int ret;

	dk_dispatch_init();
	ret = dk_time_init();
	if (ret)
		return ret;
	ret = pico_register_provider(&dk_provider, &dk_pico);
	if (ret)
		dk_time_exit();
	return ret;
}

static void __exit dk_exit(void)
{
	/* Processes and open files pin this module: there are none. */
	WARN_ON(pico_unregister_provider(&dk_provider));
	dk_time_exit();
	/* Objects are freed after a grace period. */
	rcu_barrier();
}

module_init(dk_init);
module_exit(dk_exit);

MODULE_DESCRIPTION("Drawbridge's host ABI for picoprocesses");
MODULE_AUTHOR("The pico authors");
MODULE_VERSION(PICO_VERSION);
MODULE_ALIAS_PICO_PROVIDER(DRAWBRIDGE_PROVIDER);
MODULE_LICENSE("GPL");
