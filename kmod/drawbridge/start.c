// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a process begins that is no clone: in an empty address space, with an
 * image, a stack, and what struct dk_parameters tells it.
 *
 * The sandbox's first process is one (process.c), those that DkProcessCreate
 * makes are the others (create.c).
 */
#include <linux/cred.h>
#include <linux/fs_struct.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/utsname.h>

#include "drawbridge.h"

/*
 * Program, directory, arguments, environment: as many strings as announced,
 * and nothing behind them. @length is not 0.
 */
bool dk_strings_valid(const char *strings, u32 length, u32 arguments,
		      u32 environment)
{
	u64 wanted = 2ULL + arguments + environment, count = 0;
	u32 i;

	for (i = 0; i < length; i++)
		count += !strings[i];
	return count == wanted && !strings[length - 1];
}

/*
 * The handles that it has of itself. On failure some may be there: the table
 * is to be destroyed, as on success if @process does not start after all.
 */
long dk_launch_handles(struct dk_process *process, struct dk_thread *thread)
{
	struct dk_launch *launch = process->launch;
	long ret;

	dk_object_get(&process->object);
	ret = dk_handle_create(process, &process->object, DK_PROCESS_RIGHTS,
			       &launch->process);
	if (ret) {
		dk_object_put(&process->object);
		return ret;
	}
	dk_object_get(&thread->object);
	ret = dk_handle_create(process, &thread->object, DK_THREAD_RIGHTS,
			       &launch->thread);
	if (ret)
		dk_object_put(&thread->object);
	return ret;
}

void dk_launch_free(struct dk_launch *launch)
{
	if (!launch)
		return;
	dk_image_free(launch->image);
	kvfree(launch->strings);
	kvfree(launch->handles);
	kfree(launch);
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
	p->umask = sandbox->umask;
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

	strscpy(name, process->name[0] ? process->name : current->comm, size);
}

/*
 * Parameters, strings, groups and handles in one block: built here, copied
 * once. The strings are our own copy, which nothing changes any more.
 */
static int dk_map_parameters(struct dk_process *process,
			     struct dk_parameters *p, struct pico_start *begin)
{
	const struct group_info *groups = current_cred()->group_info;
	const struct dk_launch *launch = process->launch;
	const char *strings = launch->strings;
	u32 size, gid;
	unsigned long base;
	int i;

	p->program_offset = sizeof(*p);
	p->directory_offset = sizeof(*p) + (dk_string(strings, 1) - strings);
	p->argument_offset = sizeof(*p) + (dk_string(strings, 2) - strings);
	p->argument_count = launch->argument_count;
	p->environment_offset = sizeof(*p) +
		(dk_string(strings, 2 + launch->argument_count) - strings);
	p->environment_count = launch->environment_count;
	p->handle_offset = ALIGN(sizeof(*p) + launch->strings_length, 8);
	p->handle_count = launch->handle_count;
	p->group_offset = p->handle_offset +
			  launch->handle_count * sizeof(DK_HANDLE);
	p->group_count = groups->ngroups;
	size = p->group_offset + groups->ngroups * sizeof(u32);
	p->version = DRAWBRIDGE_ABI_VERSION;
	p->size = size;

	base = vm_mmap(NULL, 0, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(base))
		return (int)base;
	for (i = 0; i < groups->ngroups; i++) {
		gid = from_kgid_munged(process->sandbox->user_ns,
				       groups->gid[i]);
		if (put_user(gid,
			     (u32 __user *)dk_user(base + p->group_offset) + i))
			return -EFAULT;
	}
	if (copy_to_user(dk_user(base), p, sizeof(*p)) ||
	    copy_to_user(dk_user(base + sizeof(*p)), strings,
			 launch->strings_length) ||
	    copy_to_user(dk_user(base + p->handle_offset), launch->handles,
			 launch->handle_count * sizeof(DK_HANDLE)))
		return -EFAULT;
	begin->arg0 = base;
	begin->arguments_start = base + p->argument_offset;
	begin->arguments_end = base + p->environment_offset;
	begin->environment_end = base + sizeof(*p) + launch->strings_length;
	return 0;
}

/* What a process has whoever made it: its words, the clocks. */
static int dk_map_own(struct dk_process *process, struct dk_parameters *p)
{
	int ret;

	ret = dk_words_map(process, (unsigned long *)&p->words);
	if (ret)
		return ret;
	process->words_address = p->words;
	p->word_count = DK_HANDLES_MAX;
	dk_handles_words(process);
	return dk_time_map(&p->time);
}

/* It is one of the sandbox's now; -ESRCH: there can be none any more. */
static int dk_launch_enter(struct dk_process *process,
			   struct pico_process *pico)
{
	struct dk_sandbox *sandbox = process->sandbox;
	int ret = 0;

	mutex_lock(&sandbox->lock);
	if (sandbox->dead) {
		ret = -ESRCH;
	} else {
		process->pico = pico;
		if (list_empty(&process->link))
			list_add(&process->link, &sandbox->processes);
		/* Killed meanwhile: it ends as if it had started. */
		if (sandbox->kills != process->kills)
			dk_pico.terminate_process(pico, SIGKILL);
	}
	mutex_unlock(&sandbox->lock);
	return ret;
}

/**
 * dk_launch_start() - begin, in a new, empty address space
 * @thread:	the calling one, the first of its process
 * @pico:	its process
 * @pthread:	itself
 * @start:	says where to begin
 *
 * Return: 0, or a negative errno, which kills the process.
 */
int dk_launch_start(struct dk_thread *thread, struct pico_process *pico,
		    struct pico_thread *pthread, struct pico_start *start)
{
	struct dk_process *process = thread->process;
	struct dk_sandbox *sandbox = process->sandbox;
	struct dk_launch *launch = process->launch;
	struct dk_parameters *p;
	int ret;

	ret = unshare_fs_struct();
	if (ret)
		return ret;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	ret = dk_image_map(launch->image, start,
			   (unsigned long *)&p->image_base,
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
	p->process = launch->process;
	p->thread = launch->thread;
	ret = dk_map_own(process, p);
	if (ret)
		goto out;
	ret = dk_map_parameters(process, p, start);
	if (ret)
		goto out;
	start->sp = p->stack_base + p->stack_size - sizeof(long);
	strscpy(process->name, kbasename(launch->strings),
		sizeof(process->name));

	ret = dk_launch_enter(process, pico);
	if (ret)
		goto out;
	/* Modes of new files come from inside, masked already. */
	current->fs->umask = 0;
	process->launch = NULL;
	dk_launch_free(launch);
	process->waiting = false;
	dk_thread_started(thread, pthread);
out:
	kfree(p);
	return ret;
}
