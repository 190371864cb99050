// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkProcessCreate: a process of the same sandbox from an image of its own.
 *
 * Everything that can be refused is refused on the calling thread: the image
 * is opened under the sandbox's rules and checked, as the first one's is; the
 * handles are entered into the child's table; limits are asked. Then pico.ko
 * has the kernel make a process without memory, files or vector state, which
 * dk_launch_start() lets begin as the sandbox's first one. What can only go
 * wrong there (no memory for its mappings) kills it.
 *
 * The kernel has no way for a module to make an empty address space outside of
 * execve(), so this one is a copy of the caller's, which is given up before
 * anything runs in it. An execve() by the child would want a file of a format,
 * a ticket, and a task that runs in user mode until then.
 */
#include <linux/mount.h>
#include <linux/sched/signal.h>

#include "stream.h"

/* The strings and the handles that the caller names, copied once. */
static long dk_create_copy(const struct dk_process_parameters *p,
			   struct dk_launch *launch)
{
	char *strings;
	void *handles;

	if (!p->strings_length || p->strings_length > DRAWBRIDGE_STRINGS_MAX ||
	    p->handle_count > DK_GIVEN_MAX)
		return -EINVAL;
	strings = dk_copy_user(dk_user(p->strings), p->strings_length);
	if (IS_ERR(strings))
		return PTR_ERR(strings);
	launch->strings = strings;
	launch->strings_length = p->strings_length;
	launch->argument_count = p->argument_count;
	launch->environment_count = p->environment_count;
	if (!dk_strings_valid(strings, p->strings_length, p->argument_count,
			      p->environment_count))
		return -EINVAL;
	if (!p->handle_count)
		return 0;
	handles = dk_copy_user(dk_user(p->handles),
			       p->handle_count * sizeof(DK_HANDLE));
	if (IS_ERR(handles))
		return PTR_ERR(handles);
	launch->handles = handles;
	launch->handle_count = p->handle_count;
	return 0;
}

/* As execve() has it, and as mapping it would say in the end. */
static long dk_create_file_check(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	if (S_ISDIR(inode->i_mode))
		return -EISDIR;
	/* Of others, kernel_read() would complain in the log. */
	if (!S_ISREG(inode->i_mode) || !file->f_op->read_iter ||
	    file->f_op->read || !file->f_op->mmap)
		return -ENOEXEC;
	if (file->f_path.mnt->mnt_flags & MNT_NOEXEC ||
	    inode->i_sb->s_iflags & SB_I_NOEXEC)
		return -EPERM;
	return 0;
}

/* Opened as a stream would be, to be read and mapped, and parsed. */
static long dk_create_image(struct dk_sandbox *sandbox, const char *path,
			    struct dk_image **image)
{
	const struct dk_open open = {
		.access = DK_ACCESS_READ | DK_ACCESS_EXECUTE,
		.disposition = DK_OPEN_EXISTING,
		.image = true,
	};
	struct dk_stream *stream;
	u32 rights = 0;
	long ret;

	stream = dk_stream_alloc(sandbox);
	if (!stream)
		return -ENOMEM;
	ret = dk_file_open(stream, path, &open, &rights);
	if (!ret)
		ret = dk_create_file_check(stream->file);
	if (!ret)
		ret = dk_image_prepare(sandbox, stream->file, image);
	dk_stream_put(stream);
	return ret;
}

/*
 * The handles that @thread's process gives, into the table of @process, with
 * their rights; in @launch they are replaced by what they are there. An event
 * has its state in the kernel from here on, as with every second handle.
 */
static long dk_create_give(struct dk_thread *thread,
			   struct dk_process *process,
			   struct dk_launch *launch)
{
	struct dk_object *object;
	u32 i, rights;
	long ret;

	for (i = 0; i < launch->handle_count; i++) {
		object = dk_handle_get_rights(thread->process,
					      launch->handles[i],
					      DK_OBJECT_ANY, 0, &rights);
		if (IS_ERR(object))
			return PTR_ERR(object);
		dk_word_detach(object->waitable);
		ret = dk_handle_create(process, object, rights,
				       &launch->handles[i]);
		if (ret) {
			dk_object_put(object);
			return ret;
		}
	}
	return 0;
}

/* The child and its thread, which is returned; or ERR_PTR. */
static struct dk_thread *
dk_create_new(struct dk_thread *thread, const char *path,
	      const struct dk_process_parameters *p)
{
	struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_process *process;
	struct dk_launch *launch;
	struct dk_thread *first;
	long ret;

	process = dk_process_new(sandbox);
	if (IS_ERR(process))
		return ERR_CAST(process);
	ret = -ENOMEM;
	launch = kzalloc(sizeof(*launch), GFP_KERNEL_ACCOUNT);
	if (!launch)
		goto put_process;
	process->launch = launch;	/* goes with it */
	ret = dk_create_copy(p, launch);
	if (!ret)
		ret = dk_create_image(sandbox, path, &launch->image);
	if (ret)
		goto put_process;
	first = dk_thread_new(process, 0);
	if (IS_ERR(first)) {
		ret = PTR_ERR(first);
		goto put_process;
	}
	ret = dk_create_give(thread, process, launch);
	if (!ret)
		ret = dk_launch_handles(process, first);
	if (!ret)
		ret = dk_memory_create(process, dk_image_memory(launch->image) +
					       DK_STACK_SIZE +
					       p->strings_length);
	if (!ret && p->flags & DK_CLONE_NOTIFY)
		ret = dk_notice_prepare(process, thread->process);
	if (ret)
		goto drop;
	dk_process_enter(process);
	return first;

drop:
	dk_object_put(&first->object);
	dk_process_drop(process);
	return ERR_PTR(ret);
put_process:
	dk_object_put(&process->object);
	return ERR_PTR(ret);
}

/*
 * DkProcessCreate(uri, uri_length, parameters, parameters_length, out process,
 *		   out id)
 */
DK_HANDLER(DkProcessCreate)
{
	struct pico_process_attributes attributes = {
		.exit_signal = SIGCHLD,	/* see DkxProcessClone */
	};
	struct pico_thread_attributes registers = { };
	struct dk_process_parameters parameters;
	struct dk_process *process;
	struct dk_thread *first;
	struct dk_uri uri;
	long ret;

	if (a3 != sizeof(parameters))
		return -EINVAL;
	if (copy_from_user(&parameters, dk_user(a2), sizeof(parameters)) ||
	    fault_in_safe_writeable(dk_user(a4), sizeof(DK_HANDLE)) ||
	    fault_in_safe_writeable(dk_user(a5), sizeof(u64)))
		return -EFAULT;
	if (parameters.flags & ~DK_CLONE_NOTIFY || parameters.reserved)
		return -EINVAL;
	dk_block_begin(thread);
	ret = dk_uri_get_file(&uri, a0, a1);
	if (ret)
		return ret;
	first = dk_create_new(thread, uri.rest, &parameters);
	dk_uri_put(&uri);
	if (IS_ERR(first))
		return dk_stream_status(PTR_ERR(first),
					dk_statuses_DkProcessCreate);
	process = first->process;

	ret = dk_process_publish(thread, process, a4, a5);
	if (ret)
		goto drop;
	registers.context = first;
	attributes.context = process;
	/* dk_thread_created()'s: the child may be gone by then. */
	dk_object_get(&first->object);
	ret = dk_pico.create_process(thread->pico, current_pt_regs(),
				     &attributes, &registers);
	if (!ret)
		return DK_FORWARD;
	dk_object_put(&first->object);
	dk_handle_close(thread->process, thread->created);
drop:
	dk_object_put(&first->object);
	dk_process_drop(process);
	return ret;
}
