// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes: how one comes to be from the sandbox's start, and how it ends.
 */
#include <linux/binfmts.h>
#include <linux/fs_struct.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/utsname.h>

#include "drawbridge.h"

#define DK_STACK_SIZE	(1UL << 20)	/* of the first thread */

static void dk_process_release(struct dk_object *object)
{
	struct dk_process *process = container_of(object, struct dk_process,
						  object);

	dk_image_free(process->image);
	if (process->counted)
		atomic64_dec(&process->sandbox->process_count);
	dk_words_put(process->words);
	dk_raise_free_process(process);
	dk_sandbox_put(process->sandbox);
	kfree_rcu(process, rcu);
}

/* Without threads, handles, or a place in its sandbox's list; or ERR_PTR. */
struct dk_process *dk_process_new(struct dk_sandbox *sandbox)
{
	struct dk_process *process;
	long error;

	error = dk_limit_process(sandbox);
	if (error)
		return ERR_PTR(error);
	process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	if (!process) {
		atomic64_dec(&sandbox->process_count);
		return ERR_PTR(-ENOMEM);
	}
	process->counted = true;
	dk_object_init(&process->object, DK_OBJECT_PROCESS, dk_process_release);
	dk_waitable_init(&process->waitable, DK_WAIT_MANUAL, 0, 1);
	process->object.waitable = &process->waitable;
	process->sandbox = dk_sandbox_get(sandbox);
	INIT_LIST_HEAD(&process->link);
	dk_handles_init(&process->handles);
	dk_raise_init_process(process);
	return process;
}

/*
 * execve() wants the sandbox's first process. The caller is still what it was:
 * everything that can be refused is refused here.
 */
int dk_prepare_process(void *host, struct linux_binprm *bprm,
		       void **process_context, void **thread_context)
{
	struct dk_sandbox *sandbox = host;
	struct dk_process *process;
	struct dk_thread *thread;
	int ret;

	process = dk_process_new(sandbox);
	if (IS_ERR(process))
		return PTR_ERR(process);
	thread = dk_thread_new(process, 0);
	if (IS_ERR(thread)) {
		ret = PTR_ERR(thread);
		goto put;
	}

	mutex_lock(&sandbox->lock);
	if (!sandbox->started || sandbox->dead) {
		ret = -EINVAL;
	} else if (!sandbox->image) {
		ret = -EBUSY;	/* one start, one process */
	} else {
		ret = dk_image_prepare(sandbox, &process->image);
		if (!ret) {
			fput(sandbox->image);
			sandbox->image = NULL;
			process->id = ++sandbox->last_id;
			process->kills = sandbox->kills;
		}
	}
	mutex_unlock(&sandbox->lock);
	if (ret)
		goto put_thread;

	process->first = true;
	process->thread = thread;
	*process_context = process;
	*thread_context = process->thread;
	return 0;
put_thread:
	dk_object_put(&thread->object);
put:
	dk_object_put(&process->object);
	return ret;
}

static int dk_map_stack(u64 *base)
{
	unsigned long address, guard;

	address = vm_mmap(NULL, 0, DK_STACK_SIZE + PAGE_SIZE,
			  PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  0);
	if (IS_ERR_VALUE(address))
		return (int)address;
	guard = vm_mmap(NULL, address, PAGE_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	if (IS_ERR_VALUE(guard))
		return (int)guard;
	*base = address + PAGE_SIZE;
	return 0;
}

/* Where the n-th string behind @text begins. */
static const char *dk_string(const char *text, u32 n)
{
	while (n--)
		text += strlen(text) + 1;
	return text;
}

static void dk_fill_system(struct dk_sandbox *sandbox, struct dk_parameters *p)
{
	struct user_namespace *ns = sandbox->user_ns;
	struct sysinfo info;

	p->uid = from_kuid_munged(ns, current_uid());
	p->euid = from_kuid_munged(ns, current_euid());
	p->gid = from_kgid_munged(ns, current_gid());
	p->egid = from_kgid_munged(ns, current_egid());
	p->process_id = task_tgid_vnr(current);
	rcu_read_lock();
	p->parent_id = task_tgid_vnr(rcu_dereference(current->real_parent));
	rcu_read_unlock();
	p->umask = current_umask();
	p->cpu_count = cpumask_weight(current->cpus_ptr);
	si_meminfo(&info);
	p->memory_total = (u64)info.totalram * info.mem_unit;
	get_random_bytes(p->random, sizeof(p->random));
	strscpy(p->system_release, utsname()->release,
		sizeof(p->system_release));
	strscpy(p->system_version, utsname()->version,
		sizeof(p->system_version));
	strscpy(p->host_name, utsname()->nodename, sizeof(p->host_name));
}

/* ps and top show the program, not the image. A clone has its parent's name. */
void dk_image_name(struct pico_process *pico, char *name, size_t size)
{
	struct dk_process *process = dk_pico.get_process_context(pico);

	if (!process->first)
		strscpy(name, current->comm, size);
	else
		strscpy(name, kbasename(process->sandbox->strings), size);
}

/*
 * Parameters, strings and groups in one block: built here, copied once. The
 * strings are the sandbox's own copy, which nothing changes any more.
 */
static int dk_map_parameters(struct dk_process *process,
			     struct dk_parameters *p, struct pico_start *begin)
{
	struct dk_sandbox *sandbox = process->sandbox;
	const struct drawbridge_start *start = &sandbox->start;
	const struct group_info *groups = current_cred()->group_info;
	const char *strings = sandbox->strings;
	u32 groups_offset, size, gid;
	unsigned long base;
	int i;

	p->program_offset = sizeof(*p);
	p->directory_offset = sizeof(*p) + (dk_string(strings, 1) - strings);
	p->argument_offset = sizeof(*p) + (dk_string(strings, 2) - strings);
	p->argument_count = start->argument_count;
	p->environment_offset = sizeof(*p) +
		(dk_string(strings, 2 + start->argument_count) - strings);
	p->environment_count = start->environment_count;
	groups_offset = ALIGN(sizeof(*p) + start->strings_length, 8);
	p->group_offset = groups_offset;
	p->group_count = groups->ngroups;
	size = groups_offset + groups->ngroups * sizeof(u32);
	p->version = DRAWBRIDGE_ABI_VERSION;
	p->size = size;

	base = vm_mmap(NULL, 0, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(base))
		return (int)base;
	for (i = 0; i < groups->ngroups; i++) {
		gid = from_kgid_munged(sandbox->user_ns, groups->gid[i]);
		if (put_user(gid, (u32 __user *)dk_user(base + groups_offset) +
				  i))
			return -EFAULT;
	}
	if (copy_to_user(dk_user(base), p, sizeof(*p)) ||
	    copy_to_user(dk_user(base + sizeof(*p)), strings,
			 start->strings_length))
		return -EFAULT;
	begin->arg0 = base;
	begin->arguments_start = base + p->argument_offset;
	begin->arguments_end = base + p->environment_offset;
	begin->environment_end = base + sizeof(*p) + start->strings_length;
	return 0;
}

/* In a new, empty address space; an error kills the task. */
static int dk_start_first(struct dk_thread *thread, struct pico_process *pico,
			  struct pico_thread *pthread,
			  struct pico_start *start)
{
	struct dk_process *process = thread->process;
	struct dk_sandbox *sandbox = process->sandbox;
	struct dk_parameters *p;
	int ret;

	ret = unshare_fs_struct();
	if (ret)
		return ret;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	ret = dk_image_map(process, start, (unsigned long *)&p->image_base,
			   (unsigned long *)&p->image_size);
	if (ret)
		goto out;
	ret = dk_map_stack(&p->stack_base);
	if (ret)
		goto out;
	p->stack_size = DK_STACK_SIZE;
	p->address_limit = DEFAULT_MAP_WINDOW;
	if (sandbox->start.flags & DRAWBRIDGE_START_WX)
		p->flags |= DK_PARAMETERS_WX;
	dk_fill_system(sandbox, p);
	ret = dk_words_map(process, (unsigned long *)&p->words);
	if (ret)
		goto out;
	process->words_address = p->words;
	p->word_count = DK_HANDLES_MAX;
	ret = dk_time_map(&p->time);
	if (ret)
		goto out;

	dk_object_get(&process->object);
	ret = dk_handle_create(process, &process->object, DK_PROCESS_RIGHTS,
			       &p->process);
	if (ret) {
		dk_object_put(&process->object);
		goto out;
	}
	dk_object_get(&thread->object);
	ret = dk_handle_create(process, &thread->object, DK_THREAD_RIGHTS,
			       &p->thread);
	if (ret) {
		dk_object_put(&thread->object);
		goto out;
	}
	ret = dk_map_parameters(process, p, start);
	if (ret)
		goto out;
	start->sp = p->stack_base + p->stack_size - sizeof(long);

	mutex_lock(&sandbox->lock);
	ret = sandbox->dead ? -ESRCH : 0;
	if (!ret) {
		process->pico = pico;
		list_add(&process->link, &sandbox->processes);
		/* Killed since execve() began: it ends as if it had started. */
		if (sandbox->kills != process->kills)
			dk_pico.terminate_process(pico, SIGKILL);
	}
	mutex_unlock(&sandbox->lock);
	if (ret)
		goto out;
	/* Modes of new files come from inside, masked already. */
	current->fs->umask = 0;
	process->thread = NULL;
	dk_thread_started(thread, pthread);
out:
	kfree(p);
	return ret;
}

int dk_start_process(struct pico_process *pico, struct pico_thread *pthread,
		     struct pico_start *start)
{
	struct dk_thread *thread = pico_thread_context(pthread);

	if (thread->process->first)
		return dk_start_first(thread, pico, pthread, start);
	return dk_clone_start(thread, pthread);
}

/* How the kernel says that the process ended, where it did not say itself. */
static void dk_exit_status(struct dk_process *process, u32 *signal)
{
	struct dk_sandbox *sandbox = process->sandbox;
	int code;

	code = current->signal->flags & SIGNAL_GROUP_EXIT ?
		current->signal->group_exit_code : current->exit_code;
	*signal = code & 0x7f;

	spin_lock(&sandbox->sync_lock);
	if (*signal)
		process->exit_code = 128 + *signal;
	else if (!process->exit_code_set)
		process->exit_code = code >> 8;
	process->gone = true;
	spin_unlock(&sandbox->sync_lock);
}

/* The last thread is gone, or the first one never started. */
void dk_exit_process(struct pico_process *pico)
{
	struct dk_process *process = dk_pico.get_process_context(pico);
	struct dk_sandbox *sandbox = process->sandbox;
	bool started = !process->thread;
	u32 signal = 0;

	if (!started) {
		dk_object_put(&process->thread->object);
		process->thread = NULL;
	}
	mutex_lock(&sandbox->lock);
	process->pico = NULL;
	mutex_unlock(&sandbox->lock);

	dk_exit_status(process, &signal);
	if (process->first && started) {
		spin_lock(&sandbox->stats_lock);
		sandbox->exit_code = process->exit_code;
		sandbox->exit_signal = signal;
		sandbox->exited = 1;
		spin_unlock(&sandbox->stats_lock);
	}
	dk_handles_destroy(process);
	dk_memory_gone(process);
	/* Who sees the signal does not find the process any more, */
	mutex_lock(&sandbox->lock);
	list_del_init(&process->link);
	mutex_unlock(&sandbox->lock);
	/* and may make another in its place. */
	process->counted = false;
	atomic64_dec(&sandbox->process_count);
	dk_waitable_signal(&process->waitable);
	dk_object_put(&process->object);
}

DK_HANDLER(DkProcessExit)
{
	struct dk_sandbox *sandbox = thread->process->sandbox;

	/* Of several threads that exit at once, one is the first. */
	spin_lock(&sandbox->sync_lock);
	if (!thread->process->exit_code_set) {
		thread->process->exit_code_set = true;
		thread->process->exit_code = a0;
	}
	spin_unlock(&sandbox->sync_lock);
	return dk_pico.terminate_process(thread->process->pico,
					 (thread->process->exit_code & 0xff)
					 << 8);
}

DK_HANDLER(DkProcessGetExitCode)
{
	struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_process *process;
	struct dk_object *object;
	long ret = 0;
	s64 code;

	object = dk_handle_get(thread->process, a0, DK_OBJECT_PROCESS,
			       DK_RIGHT_READ);
	if (IS_ERR(object))
		return PTR_ERR(object);
	process = container_of(object, struct dk_process, object);
	spin_lock(&sandbox->sync_lock);
	code = process->exit_code;
	if (!process->gone)
		ret = -EBUSY;
	spin_unlock(&sandbox->sync_lock);
	if (!ret)
		ret = put_user(code, (s64 __user *)dk_user(a1));
	dk_object_put(object);
	return ret;
}
