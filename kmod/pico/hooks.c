// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hooks: which functions of the kernel are taken, and how.
 *
 * Every hook is a direct call from the function's own entry (ftrace's
 * register_ftrace_direct) to a trampoline in trampolines.S, which looks at
 * the mark and, for everybody else, returns into the function: four
 * instructions. A hook runs *before* its function, and then either lets it run
 * or answers in its place. Only the signal hook of a marked thread calls its
 * function itself, and may sleep in it: that thread keeps the module.
 *
 * A direct call can be switched off with kernel.ftrace_enabled unless an ops
 * is registered that cannot: the guard below, on a function of our own.
 */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>

#include "../compat.h"
#include "internal.h"

#if !defined(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS) || \
	!defined(CONFIG_KPROBES)
#error pico.ko needs a kernel with CONFIG_FUNCTION_TRACER and CONFIG_KPROBES
#endif

/*
 * @optional: the function is absent from some kernels, where it is not
 * needed. A function that is there and cannot be hooked is always an error.
 * @probe: tells where the function is; see pico_find().
 */
struct pico_hook {
	const char *function;
	void (*trampoline)(void);
	bool optional;
	bool installed;
	struct kprobe probe;
	struct ftrace_ops ops;
};

static struct pico_hook pico_hooks[] = {
	{ "taskstats_exit",		pico_trampoline_exit },
	{ "force_sig_info_to_task",	pico_trampoline_force_signal },
	{ "arch_do_signal_or_restart",	pico_trampoline_signal },
	{ "emulate_vsyscall",		pico_trampoline_vsyscall, true },
#if PICO_HAS_DISPATCH_CONFIG
	{ "syscall_user_dispatch_set_config",
	  pico_trampoline_dispatch_config },
#endif
	{ "__ptrace_may_access",	pico_trampoline_ptrace_access },
	{ "check_kill_permission",	pico_trampoline_signal_permission },
	{ "syscall_user_dispatch",	pico_trampoline_system_call },
};

/*
 * What ends one thread, or has signals handled, at the place where the kernel
 * itself would do so.
 */
enum pico_function {
	PICO_DO_EXIT,
	PICO_DO_GROUP_EXIT,
	PICO_DO_SIGNAL,
};

static struct kprobe pico_functions[] = {
	[PICO_DO_EXIT] = { .symbol_name = "do_exit" },
	[PICO_DO_GROUP_EXIT] = { .symbol_name = "do_group_exit" },
	[PICO_DO_SIGNAL] = { .symbol_name = "arch_do_signal_or_restart" },
};

/*
 * Where a function is: a probe that is never armed tells it, and changes
 * nothing. Whole names only, since a clone that the compiler made under a
 * suffixed name may take other arguments; and only the kernel's own, since
 * modules may have functions of the same names, live patches above all.
 */
static int pico_find(struct kprobe *probe, const char *name)
{
	int ret;

	probe->symbol_name = name;
	probe->flags = KPROBE_FLAG_DISABLED;
	ret = register_kprobe(probe);
	if (ret)
		return ret;
	if ((unsigned long)probe->addr >= MODULES_VADDR &&
	    (unsigned long)probe->addr < MODULES_END) {
		unregister_kprobe(probe);
		return -ENOENT;
	}
	return 0;
}

/* All of them, or none and the names of those that are missing. */
static int pico_find_all(void)
{
	struct kprobe *probes[ARRAY_SIZE(pico_hooks) +
			      ARRAY_SIZE(pico_functions)];
	int i, found = 0, ret, result = 0;

	for (i = 0; i < ARRAY_SIZE(pico_hooks); i++) {
		struct pico_hook *hook = &pico_hooks[i];

		ret = pico_find(&hook->probe, hook->function);
		if (!ret) {
			probes[found++] = &hook->probe;
		} else if (ret == -ENOENT && hook->optional) {
			hook->probe.addr = NULL;
		} else {
			pr_err("pico: this kernel has no function %s that can be hooked (%d)\n",
			       hook->function, ret);
			result = -EOPNOTSUPP;
		}
	}
	for (i = 0; i < ARRAY_SIZE(pico_functions); i++) {
		struct kprobe *probe = &pico_functions[i];

		ret = pico_find(probe, probe->symbol_name);
		if (!ret) {
			probes[found++] = probe;
		} else {
			pr_err("pico: cannot find %s in this kernel (%d)\n",
			       probe->symbol_name, ret);
			result = -EOPNOTSUPP;
		}
	}
	unregister_kprobes(probes, found);
	return result;
}

static noinline void pico_guard_function(void)
{
	barrier();
}

static void notrace pico_guard_callback(unsigned long ip, unsigned long parent,
					struct ftrace_ops *ops,
					struct ftrace_regs *regs)
{
}

static struct ftrace_ops pico_guard = {
	.func = pico_guard_callback,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

static int pico_guard_install(void)
{
	int ret;

	ret = ftrace_set_filter_ip(&pico_guard,
				   (unsigned long)pico_guard_function, 0, 1);
	if (!ret)
		ret = register_ftrace_function(&pico_guard);
	if (ret)
		ftrace_free_filter(&pico_guard);
	return ret;
}

static void pico_guard_remove(void)
{
	unregister_ftrace_function(&pico_guard);
	ftrace_free_filter(&pico_guard);
}

static int pico_hook_install(struct pico_hook *hook)
{
	int ret;

	if (!hook->probe.addr)
		return 0;
	ret = ftrace_set_filter_ip(&hook->ops, (unsigned long)hook->probe.addr,
				   0, 1);
	if (ret) {
		ftrace_free_filter(&hook->ops);
		pr_err("pico: this kernel does not let %s be traced (%d)\n",
		       hook->function, ret);
		return -EOPNOTSUPP;
	}
	ret = pico_compat_ftrace_direct(&hook->ops,
					(unsigned long)hook->trampoline);
	if (ret) {
		ftrace_free_filter(&hook->ops);
		pr_err("pico: cannot hook %s (%d): a live patch, a BPF program or another module may hold it\n",
		       hook->function, ret);
		return ret;
	}
	hook->installed = true;
	return 0;
}

void pico_hooks_exit(void)
{
	int i;

	for (i = ARRAY_SIZE(pico_hooks) - 1; i >= 0; i--) {
		struct pico_hook *hook = &pico_hooks[i];

		if (!hook->installed)
			continue;
		pico_compat_ftrace_direct_remove(&hook->ops,
						 (unsigned long)hook->trampoline);
		hook->installed = false;
	}
	pico_guard_remove();
	/* Nobody is inside a trampoline, or a hook called from one. */
	synchronize_rcu_tasks();
}

static void pico_function_call(enum pico_function which, unsigned long argument)
{
	pico_call_kernel(argument, (unsigned long)pico_functions[which].addr);
}

void __noreturn pico_do_exit(long code)
{
	pico_function_call(PICO_DO_EXIT, code);
	BUG();
}

void __noreturn pico_do_group_exit(int code)
{
	pico_function_call(PICO_DO_GROUP_EXIT, code);
	BUG();
}

void pico_do_signal(struct pt_regs *regs)
{
	pico_function_call(PICO_DO_SIGNAL, (unsigned long)regs);
}

/*
 * The system call hook goes in last and out first: by the time a task can be
 * marked, everything that watches marked tasks is there.
 */
int pico_hooks_init(void)
{
	int i, ret;

	ret = pico_find_all();
	if (ret)
		return ret;
	ret = pico_guard_install();
	if (ret) {
		pr_err("pico: function tracing is %s (%d)\n",
		       ret == -EBUSY ? "switched off (kernel.ftrace_enabled)" :
				       "not usable", ret);
		return ret;
	}
	for (i = 0; i < ARRAY_SIZE(pico_hooks); i++) {
		ret = pico_hook_install(&pico_hooks[i]);
		if (ret) {
			pico_hooks_exit();
			return ret;
		}
	}
	return 0;
}
