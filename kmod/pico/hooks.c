// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hooks: which functions of the kernel are taken, and how.
 *
 * Every hook is a direct call from the function's own entry (ftrace's
 * register_ftrace_direct) to a trampoline in trampolines.S, which looks at
 * the mark and, for everybody else, returns into the function: four
 * instructions. Functions whose mark is found in the same place share a
 * trampoline, since ftrace takes a tenth of a second and more to let go of
 * each. A hook runs *before* its function, and then either lets it run
 * or answers in its place. Only the hooks of signals and of a tracer's stops
 * call their function themselves, for a marked thread, and may sleep in it: that
 * thread keeps the module.
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

enum pico_hooked {
	PICO_HOOKED_EXIT,
	PICO_HOOKED_FORCE_SIGNAL,
	PICO_HOOKED_SIGNAL,
	PICO_HOOKED_EXEC,
	PICO_HOOKED_DISPATCH,
	PICO_HOOKED_TRACER_STOP,
	PICO_HOOKED_VSYSCALL,
	PICO_HOOKED_PTRACE_ACCESS,
#if PICO_HAS_DISPATCH_CONFIG
	PICO_HOOKED_DISPATCH_CONFIG,
#endif
	PICO_HOOKED_SIGNAL_PERMISSION,
	PICO_HOOKED_SYSTEM_CALL,
	PICO_HOOKED_COUNT,
};

/*
 * @optional: the function is absent from some kernels, where it is not
 * needed. A function that is there and cannot be hooked is always an error.
 * @probe: tells where the function is; see pico_find().
 */
struct pico_hook {
	const char *function;
	bool optional;
	struct kprobe probe;
};

static struct pico_hook pico_hooks[PICO_HOOKED_COUNT] = {
	[PICO_HOOKED_EXIT] = { "taskstats_exit" },
	[PICO_HOOKED_FORCE_SIGNAL] = { "force_sig_info_to_task" },
	[PICO_HOOKED_SIGNAL] = { "arch_do_signal_or_restart" },
	[PICO_HOOKED_EXEC] = { "begin_new_exec" },
	[PICO_HOOKED_DISPATCH] = { "set_syscall_user_dispatch" },
	[PICO_HOOKED_TRACER_STOP] = { "ptrace_notify" },
	[PICO_HOOKED_VSYSCALL] = { "emulate_vsyscall", true },
	[PICO_HOOKED_PTRACE_ACCESS] = { "__ptrace_may_access" },
#if PICO_HAS_DISPATCH_CONFIG
	[PICO_HOOKED_DISPATCH_CONFIG] = { "syscall_user_dispatch_set_config" },
#endif
	[PICO_HOOKED_SIGNAL_PERMISSION] = { "check_kill_permission" },
	[PICO_HOOKED_SYSTEM_CALL] = { "syscall_user_dispatch" },
};

/* A trampoline, and the range of the functions that have it. */
struct pico_group {
	void (*trampoline)(void);
	enum pico_hooked first, last;
	bool installed;
	struct ftrace_ops ops;
};

static struct pico_group pico_groups[] = {
	{ pico_trampoline_current, PICO_HOOKED_EXIT, PICO_HOOKED_VSYSCALL },
	{ pico_trampoline_first_argument, PICO_HOOKED_PTRACE_ACCESS,
	  PICO_HOOKED_SIGNAL_PERMISSION - 1 },
	{ pico_trampoline_third_argument, PICO_HOOKED_SIGNAL_PERMISSION,
	  PICO_HOOKED_SIGNAL_PERMISSION },
	{ pico_trampoline_system_call, PICO_HOOKED_SYSTEM_CALL,
	  PICO_HOOKED_SYSTEM_CALL },
};

/*
 * What ends one thread, or has signals handled, at the place where the kernel
 * itself would do so; and a stop for a tracer.
 */
enum pico_function {
	PICO_DO_EXIT,
	PICO_DO_GROUP_EXIT,
	PICO_DO_SIGNAL,
	PICO_DO_TRACER_STOP,
};

static struct kprobe pico_functions[] = {
	[PICO_DO_EXIT] = { .symbol_name = "do_exit" },
	[PICO_DO_GROUP_EXIT] = { .symbol_name = "do_group_exit" },
	[PICO_DO_SIGNAL] = { .symbol_name = "arch_do_signal_or_restart" },
	[PICO_DO_TRACER_STOP] = { .symbol_name = "ptrace_notify" },
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
	struct kprobe
		*probes[ARRAY_SIZE(pico_hooks) + ARRAY_SIZE(pico_functions)];
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

/* The call of the trampoline is at a function's very beginning. */
static bool pico_called_from(unsigned long ip, enum pico_hooked which)
{
	return ip - (unsigned long)pico_hooks[which].probe.addr < 16;
}

unsigned long pico_hook_current(unsigned long a, unsigned long b,
				unsigned long c, unsigned long ip)
{
	if (pico_called_from(ip, PICO_HOOKED_SIGNAL))
		return pico_hook_signal((struct pt_regs *)a);
	if (pico_called_from(ip, PICO_HOOKED_FORCE_SIGNAL))
		return pico_hook_force_signal((struct kernel_siginfo *)a,
					      (struct task_struct *)b, c);
	if (pico_called_from(ip, PICO_HOOKED_EXIT))
		return pico_hook_exit((struct task_struct *)a, b);
	if (pico_called_from(ip, PICO_HOOKED_TRACER_STOP))
		return pico_hook_tracer_stop(a, b);
	if (pico_called_from(ip, PICO_HOOKED_EXEC) ||
	    pico_called_from(ip, PICO_HOOKED_DISPATCH))
		return pico_hook_mark();
	return pico_hook_vsyscall(a, (struct pt_regs *)b);
}

unsigned long pico_hook_first_argument(unsigned long a, unsigned long b,
				       unsigned long c, unsigned long ip)
{
#if PICO_HAS_DISPATCH_CONFIG
	if (pico_called_from(ip, PICO_HOOKED_DISPATCH_CONFIG))
		return pico_hook_dispatch_config((struct task_struct *)a);
#endif
	return pico_hook_ptrace_access((struct task_struct *)a, b);
}

unsigned long pico_hook_third_argument(unsigned long a, unsigned long b,
				       unsigned long c, unsigned long ip)
{
	return pico_hook_signal_permission(a, (struct kernel_siginfo *)b,
					   (struct task_struct *)c);
}

/*
 * What an attempt leaves in it, pointers to a freed filter among it, is not
 * for the next.
 */
static void pico_group_renew(struct pico_group *group)
{
	memset(&group->ops, 0, sizeof(group->ops));
}

/* The functions from @first to @last; on failure none. */
static int pico_range_install(struct pico_group *group, enum pico_hooked first,
			      enum pico_hooked last)
{
	enum pico_hooked i;
	int ret = 0;

	for (i = first; i <= last; i++) {
		struct pico_hook *hook = &pico_hooks[i];

		if (!hook->probe.addr)
			continue;
		ret = ftrace_set_filter_ip(&group->ops,
					   (unsigned long)hook->probe.addr, 0,
					   0);
		if (ret) {
			pr_err("pico: this kernel does not let %s be traced (%d)\n",
			       hook->function, ret);
			ret = -EOPNOTSUPP;
			goto free;
		}
	}
	ret = pico_compat_ftrace_direct(&group->ops,
					(unsigned long)group->trampoline);
	if (!ret)
		return 0;
free:
	ftrace_free_filter(&group->ops);
	pico_group_renew(group);
	return ret;
}

static void pico_group_remove(struct pico_group *group)
{
	pico_compat_ftrace_direct_remove(&group->ops,
					 (unsigned long)group->trampoline);
	pico_group_renew(group);
}

static int pico_group_install(struct pico_group *group)
{
	enum pico_hooked i;
	int ret, one;

	ret = pico_range_install(group, group->first, group->last);
	if (!ret)
		group->installed = true;
	if (!ret || ret == -EOPNOTSUPP)
		return ret;
	/* ftrace does not say which of them it is. */
	for (i = group->first; i <= group->last; i++) {
		if (!pico_hooks[i].probe.addr)
			continue;
		one = pico_range_install(group, i, i);
		if (!one) {
			pico_group_remove(group);
			continue;
		}
		pr_err("pico: cannot hook %s (%d): a live patch, a BPF program or another module may hold it\n",
		       pico_hooks[i].function, one);
	}
	return ret;
}

void pico_hooks_exit(void)
{
	int i;

	for (i = ARRAY_SIZE(pico_groups) - 1; i >= 0; i--) {
		if (pico_groups[i].installed)
			pico_group_remove(&pico_groups[i]);
		pico_groups[i].installed = false;
	}
	pico_guard_remove();
	/* Nobody is inside a trampoline, or a hook called from one. */
	synchronize_rcu_tasks();
}

static unsigned long pico_function_call(enum pico_function which,
					unsigned long a, unsigned long b)
{
	return pico_call_kernel(a, b,
				(unsigned long)pico_functions[which].addr);
}

void __noreturn pico_do_exit(long code)
{
	pico_function_call(PICO_DO_EXIT, code, 0);
	BUG();
}

void __noreturn pico_do_group_exit(int code)
{
	pico_function_call(PICO_DO_GROUP_EXIT, code, 0);
	BUG();
}

void pico_do_signal(struct pt_regs *regs)
{
	pico_function_call(PICO_DO_SIGNAL, (unsigned long)regs, 0);
}

int pico_do_tracer_stop(int exit_code, unsigned long message)
{
	return pico_function_call(PICO_DO_TRACER_STOP, exit_code, message);
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
				       "not usable",
		       ret);
		return ret;
	}
	for (i = 0; i < ARRAY_SIZE(pico_groups); i++) {
		ret = pico_group_install(&pico_groups[i]);
		if (ret) {
			pico_hooks_exit();
			return ret;
		}
	}
	return 0;
}
