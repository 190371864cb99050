// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live patch of a function that pico.ko hooks: two that cannot both have it.
 * What stands in its place has its name, as in patches that kpatch makes.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>

/* Of the kernel's nothing is missed where nobody listens to taskstats. */
static noinline void taskstats_exit(struct task_struct *task, int group_dead)
{
	barrier();
}

static struct klp_func pico_test_functions[] = {
	{ .old_name = "taskstats_exit", .new_func = taskstats_exit },
	{ }
};

static struct klp_object pico_test_objects[] = {
	{ .funcs = pico_test_functions },
	{ }
};

static struct klp_patch pico_test_patch = {
	.mod = THIS_MODULE,
	.objs = pico_test_objects,
};

static int __init pico_test_patch_init(void)
{
	return klp_enable_patch(&pico_test_patch);
}

/* Only once it is disabled. */
static void __exit pico_test_patch_exit(void)
{
}

module_init(pico_test_patch_init);
module_exit(pico_test_patch_exit);

MODULE_DESCRIPTION("A live patch for pico's tests");
MODULE_AUTHOR("The pico authors");

MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
