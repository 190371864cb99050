// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes: how one comes to be from the sandbox's start, and how it ends.
 */
#include <linux/binfmts.h>
#include <linux/sched/signal.h>

#include "drawbridge.h"

/*
 * It runs no more, or never did: what it has goes, while others may have handles
 * of it for long.
 */
void dk_process_empty(struct dk_process *process)
{
	dk_handles_destroy(process);
	dk_launch_free(process->launch);
	process->launch = NULL;
	/* No object of a handle has its word there any more. */
	dk_words_put(process->words);
	process->words = NULL;
	dk_memory_gone(process);
}

static void dk_process_release(struct dk_object *object)
{
	struct dk_process *process = container_of(object, struct dk_process,
						  object);

	dk_launch_free(process->launch);
	dk_notice_cancel(process);
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

/* With sandbox->lock held, which has it all until now. */
static int dk_prepare_launch(struct dk_sandbox *sandbox,
			     struct dk_process *process)
{
	const struct drawbridge_start *start = &sandbox->start;
	struct dk_launch *launch = process->launch;
	int ret;

	lockdep_assert_held(&sandbox->lock);
	if (!sandbox->started || sandbox->dead)
		return -EINVAL;
	if (!sandbox->image)
		return -EBUSY;	/* one start, one process */
	ret = dk_image_prepare(sandbox, sandbox->image, &launch->image);
	if (ret)
		return ret;
	fput(sandbox->image);
	sandbox->image = NULL;
	swap(launch->strings, sandbox->strings);
	launch->strings_length = start->strings_length;
	launch->argument_count = start->argument_count;
	launch->environment_count = start->environment_count;
	process->id = ++sandbox->last_id;
	process->kills = sandbox->kills;
	sandbox->umask = current_umask();
	return 0;
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

	ret = -ENOMEM;
	process->launch = kzalloc(sizeof(*process->launch), GFP_KERNEL_ACCOUNT);
	if (!process->launch)
		goto put_thread;
	ret = dk_launch_handles(process, thread);
	if (ret)
		goto close;
	mutex_lock(&sandbox->lock);
	ret = dk_prepare_launch(sandbox, process);
	mutex_unlock(&sandbox->lock);
	if (ret)
		goto close;

	process->first = true;
	process->waiting = true;
	*process_context = process;
	*thread_context = thread;
	return 0;
close:
	dk_handles_destroy(process);
put_thread:
	dk_object_put(&thread->object);
put:
	dk_object_put(&process->object);
	return ret;
}

int dk_start_process(struct pico_process *pico, struct pico_thread *pthread,
		     struct pico_start *start)
{
	struct dk_thread *thread = pico_thread_context(pthread);

	if (thread->process->launch)
		return dk_launch_start(thread, pico, pthread, start);
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
	spin_unlock(&sandbox->sync_lock);
}

/* The last thread is gone, or the first one never started. */
void dk_exit_process(struct pico_process *pico)
{
	struct dk_process *process = dk_pico.get_process_context(pico);
	struct dk_sandbox *sandbox = process->sandbox;
	bool started = !process->waiting;
	u32 signal = 0;

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
	dk_process_empty(process);
}

/* Its streams are closed: pipes have broken, addresses are free again. */
void dk_process_gone(struct pico_process *pico)
{
	struct dk_process *process = dk_pico.get_process_context(pico);
	struct dk_sandbox *sandbox = process->sandbox;
	bool last;

	spin_lock(&sandbox->sync_lock);
	process->gone = true;
	spin_unlock(&sandbox->sync_lock);
	/* Who does not find it any more takes it for gone: not before. */
	mutex_lock(&sandbox->lock);
	list_del_init(&process->link);
	last = list_empty(&sandbox->processes);
	mutex_unlock(&sandbox->lock);
	/* Only processes make others, so nobody sends any more. */
	if (last)
		dk_letters_destroy(sandbox);
	/* Who sees the signal may make another in its place. */
	process->counted = false;
	atomic64_dec(&sandbox->process_count);
	dk_waitable_signal(&process->waitable);
	dk_notice_send(process);
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
