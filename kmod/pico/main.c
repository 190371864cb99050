// SPDX-License-Identifier: GPL-2.0-only
/*
 * pico.ko: picoprocesses, a mechanism for providers. See
 * Documentation/architecture.rst.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <pico/version.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int pico_get_count(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read((atomic_t *)kp->arg));
}

static const struct kernel_param_ops pico_count_ops = {
	.get = pico_get_count,
};

module_param_cb(processes, &pico_count_ops, &pico_process_count, 0444);
MODULE_PARM_DESC(processes, "picoprocesses that live now");
module_param_cb(threads, &pico_count_ops, &pico_thread_count, 0444);
MODULE_PARM_DESC(threads, "marked threads that live now");

/*
 * The hooks go in before anything can be marked. Should a step fail, those
 * before it are undone in reverse order; nothing is marked then, either.
 */
static int __init pico_init(void)
{
	int ret;

	/* User mode restores contexts and switches bases without us. */
	if (!boot_cpu_has(X86_FEATURE_FSGSBASE)) {
		pr_err("pico: the processor has no FSGSBASE, or nofsgsbase is set\n");
		return -EOPNOTSUPP;
	}
	ret = pico_hooks_init();
	if (ret)
		return ret;
	ret = pico_threads_init();
	if (ret)
		goto hooks;
	ret = pico_binfmt_init();
	if (ret)
		goto threads;
	ret = pico_device_init();
	if (ret)
		goto binfmt;
	pico_debugfs_init();
	return 0;

binfmt:
	pico_binfmt_exit();
threads:
	pico_threads_exit();
hooks:
	pico_hooks_exit();
	return ret;
}

static void __exit pico_exit(void)
{
	pico_debugfs_exit();
	pico_device_exit();
	pico_binfmt_exit();
	pico_threads_exit();
	pico_hooks_exit();
}

module_init(pico_init);
module_exit(pico_exit);

MODULE_DESCRIPTION("Picoprocesses: processes whose system calls belong to a provider");
MODULE_AUTHOR("The pico authors");
MODULE_VERSION(PICO_VERSION);
/* Together: a node made at boot, the first opening of which loads this. */
MODULE_ALIAS_MISCDEV(PICO_MINOR);
MODULE_ALIAS("devname:pico");
MODULE_LICENSE("GPL");
