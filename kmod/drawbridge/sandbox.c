// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sandboxes: what a monitor configures through /dev/pico, and what all
 * processes made from it share.
 *
 * The file owns the sandbox. When it is released (the monitor is gone), the
 * sandbox is dead: its processes are killed and no new one can start.
 */
#include <linux/cred.h>
#include <linux/major.h>
#include <linux/mutex.h>
#include <linux/user_namespace.h>

#include "drawbridge.h"
#include "learn.h"

#define START_FLAGS	(DRAWBRIDGE_START_WX | DRAWBRIDGE_START_LEARN)
#define DK_DEBUG_SIZE	65536	/* bytes of debug text that wait to be read */

struct dk_sandbox *dk_sandbox_get(struct dk_sandbox *sandbox)
{
	kref_get(&sandbox->ref);
	return sandbox;
}

static void dk_sandbox_free(struct kref *ref)
{
	struct dk_sandbox *sandbox = container_of(ref, struct dk_sandbox, ref);
	int i;

	dk_rules_destroy(sandbox);
	dk_absent_destroy(sandbox);
	dk_net_rules_destroy(sandbox);
	mutex_destroy(&sandbox->pipe_lock);
	mutex_destroy(&sandbox->event_lock);
	mutex_destroy(&sandbox->local_lock);
	dk_dns_rules_destroy(sandbox);
	dk_requests_destroy(sandbox);
	dk_names_free(sandbox->names);
	dk_limits_destroy(sandbox);
	dk_pipes_destroy(sandbox);
	if (sandbox->has_root)
		path_put(&sandbox->root);
	if (sandbox->image)
		fput(sandbox->image);
	for (i = 0; i < ARRAY_SIZE(sandbox->streams); i++) {
		if (sandbox->streams[i])
			fput(sandbox->streams[i]);
	}
	kvfree(sandbox->strings);
	kfifo_free(&sandbox->debug);
	put_user_ns(sandbox->user_ns);
	mutex_destroy(&sandbox->lock);
	kfree(sandbox);
}

/* May sleep. */
void dk_sandbox_put(struct dk_sandbox *sandbox)
{
	kref_put(&sandbox->ref, dk_sandbox_free);
}

int dk_sandbox_open(void **host)
{
	struct dk_sandbox *sandbox;

	sandbox = kzalloc(sizeof(*sandbox), GFP_KERNEL_ACCOUNT);
	if (!sandbox)
		return -ENOMEM;
	INIT_KFIFO(sandbox->debug);
	if (kfifo_alloc(&sandbox->debug, DK_DEBUG_SIZE, GFP_KERNEL_ACCOUNT)) {
		kfree(sandbox);
		return -ENOMEM;
	}
	kref_init(&sandbox->ref);
	mutex_init(&sandbox->lock);
	spin_lock_init(&sandbox->sync_lock);
	spin_lock_init(&sandbox->stats_lock);
	spin_lock_init(&sandbox->debug_lock);
	INIT_LIST_HEAD(&sandbox->rules);
	INIT_LIST_HEAD(&sandbox->absent);
	INIT_LIST_HEAD(&sandbox->net_rules);
	INIT_LIST_HEAD(&sandbox->pipe_servers);
	mutex_init(&sandbox->pipe_lock);
	mutex_init(&sandbox->event_lock);
	mutex_init(&sandbox->local_lock);
	INIT_LIST_HEAD(&sandbox->locals);
	INIT_LIST_HEAD(&sandbox->local_names);
	spin_lock_init(&sandbox->letters_lock);
	INIT_LIST_HEAD(&sandbox->dead_letters);
	INIT_LIST_HEAD(&sandbox->processes);
	INIT_LIST_HEAD(&sandbox->threads);
	INIT_LIST_HEAD(&sandbox->dns_rules);
	dk_requests_init(sandbox);
	dk_limits_init(sandbox);
	sandbox->user_ns = get_user_ns(current_user_ns());
	*host = sandbox;
	return 0;
}

/*
 * Processes that are about to start look at @dead and @kills under the same
 * lock.
 */
static void dk_sandbox_kill(struct dk_sandbox *sandbox, int status)
{
	struct dk_process *process;

	lockdep_assert_held(&sandbox->lock);
	sandbox->kills++;
	list_for_each_entry(process, &sandbox->processes, link) {
		if (process->pico)
			dk_pico.terminate_process(process->pico, status);
	}
}

/*
 * End all processes with @status, as wait(2) has it, and let none start any
 * more. Of several reasons the first counts.
 */
void dk_sandbox_end(struct dk_sandbox *sandbox, u32 reason, int status)
{
	mutex_lock(&sandbox->lock);
	if (!sandbox->dead) {
		sandbox->dead = true;
		sandbox->ended_by = reason;
		dk_sandbox_kill(sandbox, status);
	}
	mutex_unlock(&sandbox->lock);
}

void dk_sandbox_release(void *host)
{
	struct dk_sandbox *sandbox = host;

	dk_limits_stop(sandbox);
	mutex_lock(&sandbox->lock);
	sandbox->dead = true;
	dk_sandbox_kill(sandbox, SIGKILL);
	mutex_unlock(&sandbox->lock);
	dk_sandbox_put(sandbox);
}

/* All of @text or nothing: WOULD_BLOCK until the monitor has read some. */
long dk_sandbox_debug(struct dk_sandbox *sandbox, const char *text,
		      size_t length)
{
	long ret = -EAGAIN;

	spin_lock(&sandbox->debug_lock);
	if (kfifo_avail(&sandbox->debug) >= length) {
		kfifo_in(&sandbox->debug, text, length);
		ret = 0;
	}
	spin_unlock(&sandbox->debug_lock);
	if (!ret)
		dk_notify_monitor(sandbox);
	return ret;
}

static long dk_ioctl_debug(struct dk_sandbox *sandbox, void __user *arg)
{
	struct drawbridge_debug debug;
	char text[256];
	u64 done = 0;
	size_t part;

	if (copy_from_user(&debug, arg, sizeof(debug)))
		return -EFAULT;
	while (done < debug.length) {
		spin_lock(&sandbox->debug_lock);
		part = kfifo_out(&sandbox->debug, text,
				 min_t(u64, sizeof(text), debug.length - done));
		spin_unlock(&sandbox->debug_lock);
		if (!part)
			break;
		if (copy_to_user(dk_user(debug.buffer + done), text, part))
			return -EFAULT;
		done += part;
	}
	return done;
}

static long dk_ioctl_root(struct dk_sandbox *sandbox, s32 __user *arg)
{
	struct file *file;
	long ret = 0;
	s32 fd;

	if (get_user(fd, arg))
		return -EFAULT;
	file = fget_raw(fd);
	if (!file)
		return -EBADF;
	mutex_lock(&sandbox->lock);
	if (sandbox->has_root || sandbox->started) {
		ret = -EBUSY;
	} else if (!d_is_dir(file->f_path.dentry)) {
		ret = -ENOTDIR;
	} else {
		sandbox->root = file->f_path;
		path_get(&sandbox->root);
		sandbox->has_root = true;
	}
	mutex_unlock(&sandbox->lock);
	fput(file);
	return ret;
}

static long dk_ioctl_rule(struct dk_sandbox *sandbox, void __user *arg)
{
	struct drawbridge_rule rule;
	long ret;

	if (copy_from_user(&rule, arg, sizeof(rule)))
		return -EFAULT;
	mutex_lock(&sandbox->lock);
	if (sandbox->started)
		ret = -EBUSY;
	else if (!sandbox->has_root)
		ret = -EINVAL;
	else
		ret = dk_rule_add(sandbox, &rule);
	mutex_unlock(&sandbox->lock);
	return ret;
}

/*
 * A console stream is a file, a pipe, a terminal, a socket. /dev/pico is not:
 * the sandbox would hold the file that owns it. Nor is any other misc device,
 * and what has no type is none either: an io_uring's file can hold others.
 */
static int dk_get_stream(s32 fd, struct file **result)
{
	struct inode *inode;
	struct file *file;

	*result = NULL;
	if (fd == -1)
		return 0;
	file = fget(fd);
	if (!file)
		return -EBADF;
	inode = file_inode(file);
	if (!S_ISREG(inode->i_mode) && !S_ISFIFO(inode->i_mode) &&
	    !S_ISSOCK(inode->i_mode) &&
	    (!S_ISCHR(inode->i_mode) || imajor(inode) == MISC_MAJOR)) {
		fput(file);
		return -EINVAL;
	}
	*result = file;
	return 0;
}

static long dk_start_files(const struct drawbridge_start *start,
			   struct file **image, struct file *streams[3])
{
	long ret;

	*image = fget(start->image_fd);
	if (!*image)
		return -EBADF;
	if (!S_ISREG(file_inode(*image)->i_mode) ||
	    !((*image)->f_mode & FMODE_READ))
		return -EACCES;
	ret = dk_get_stream(start->stdin_fd, &streams[0]);
	if (!ret)
		ret = dk_get_stream(start->stdout_fd, &streams[1]);
	if (!ret)
		ret = dk_get_stream(start->stderr_fd, &streams[2]);
	return ret;
}

static long dk_ioctl_start(struct dk_sandbox *sandbox, void __user *arg)
{
	struct file *image = NULL, *streams[3] = { };
	struct drawbridge_start start;
	struct dk_names *names = NULL;
	char *strings;
	long ret;
	int i;

	if (copy_from_user(&start, arg, sizeof(start)))
		return -EFAULT;
	if (start.flags & ~START_FLAGS || !start.strings_length ||
	    start.strings_length > DRAWBRIDGE_STRINGS_MAX)
		return -EINVAL;
	strings = dk_copy_user(dk_user(start.strings), start.strings_length);
	if (IS_ERR(strings))
		return PTR_ERR(strings);
	ret = -EINVAL;
	if (!dk_strings_valid(strings, start.strings_length,
			      start.argument_count, start.environment_count))
		goto out;
	ret = dk_start_files(&start, &image, streams);
	if (ret)
		goto out;
	if (start.flags & DRAWBRIDGE_START_LEARN) {
		ret = -ENOMEM;
		names = dk_names_new();
		if (!names)
			goto out;
	}

	mutex_lock(&sandbox->lock);
	ret = -EINVAL;
	if (sandbox->has_root)
		ret = sandbox->started ? -EBUSY : 0;
	if (!ret) {
		swap(sandbox->image, image);
		for (i = 0; i < ARRAY_SIZE(streams); i++)
			swap(sandbox->streams[i], streams[i]);
		swap(sandbox->strings, strings);
		swap(sandbox->names, names);
		sandbox->start = start;
		sandbox->started = true;
		dk_limits_start(sandbox);
	}
	mutex_unlock(&sandbox->lock);
out:
	dk_names_free(names);
	kvfree(strings);
	if (image)
		fput(image);
	for (i = 0; i < ARRAY_SIZE(streams); i++) {
		if (streams[i])
			fput(streams[i]);
	}
	return ret;
}

static long dk_ioctl_limits(struct dk_sandbox *sandbox, void __user *arg)
{
	struct drawbridge_limits limits;
	long ret = 0;

	if (copy_from_user(&limits, arg, sizeof(limits)))
		return -EFAULT;
	mutex_lock(&sandbox->lock);
	if (sandbox->started)
		ret = -EBUSY;
	else
		dk_limits_set(sandbox, &limits);
	mutex_unlock(&sandbox->lock);
	return ret;
}

static long dk_ioctl_stats(struct dk_sandbox *sandbox, void __user *arg)
{
	struct drawbridge_stats out = { };
	struct dk_process *process;
	struct dk_thread *thread;
	struct dk_stats sum;

	mutex_lock(&sandbox->lock);
	list_for_each_entry(process, &sandbox->processes, link)
		out.processes++;
	out.ended_by = sandbox->ended_by;
	mutex_unlock(&sandbox->lock);
	out.cpu_time = dk_cpu_time(sandbox);
	out.limit_refusals = atomic64_read(&sandbox->limit_refusals);
	if (sandbox->limits.memory != U64_MAX)
		out.memory = (READ_ONCE(sandbox->memory_pages) +
			      atomic64_read(&sandbox->shared_pages)) <<
			     PAGE_SHIFT;
	out.handles = atomic64_read(&sandbox->handle_count);
	out.objects = atomic_read(&dk_total_objects);

	spin_lock(&sandbox->stats_lock);
	sum = sandbox->stats;
	list_for_each_entry(thread, &sandbox->threads, link) {
		dk_stats_add(&sum, &thread->stats);
		out.threads++;
	}
	out.exit_code = sandbox->exit_code;
	out.exited = sandbox->exited;
	out.exit_signal = sandbox->exit_signal;
	spin_unlock(&sandbox->stats_lock);
	out.calls = sum.calls;
	out.system_calls = sum.system_calls;
	out.refused_calls = sum.refused_calls;
	out.exceptions = sum.exceptions;
	out.unlisted_statuses = sum.unlisted_statuses;
	out.bytes_read = sum.bytes_read;
	out.bytes_written = sum.bytes_written;
	return copy_to_user(arg, &out, sizeof(out)) ? -EFAULT : 0;
}

static long dk_ioctl_kill(struct dk_sandbox *sandbox)
{
	mutex_lock(&sandbox->lock);
	dk_sandbox_kill(sandbox, SIGKILL);
	mutex_unlock(&sandbox->lock);
	return 0;
}

long dk_sandbox_ioctl(void *host, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case DRAWBRIDGE_IOC_ROOT:
		return dk_ioctl_root(host, dk_user(arg));
	case DRAWBRIDGE_IOC_RULE:
		return dk_ioctl_rule(host, dk_user(arg));
	case DRAWBRIDGE_IOC_START:
		return dk_ioctl_start(host, dk_user(arg));
	case DRAWBRIDGE_IOC_EVENT:
		return dk_ioctl_event(host, dk_user(arg));
	case DRAWBRIDGE_IOC_REQUEST:
		return dk_ioctl_request(host, dk_user(arg));
	case DRAWBRIDGE_IOC_REPLY:
		return dk_ioctl_reply(host, dk_user(arg));
	case DRAWBRIDGE_IOC_NAMES:
		return dk_ioctl_names(host, dk_user(arg));
	case DRAWBRIDGE_IOC_LIMITS:
		return dk_ioctl_limits(host, dk_user(arg));
	case DRAWBRIDGE_IOC_STATS:
		return dk_ioctl_stats(host, dk_user(arg));
	case DRAWBRIDGE_IOC_KILL:
		return dk_ioctl_kill(host);
	case DRAWBRIDGE_IOC_ABORT:
		return dk_sandbox_abort(host);
	case DRAWBRIDGE_IOC_DEBUG:
		return dk_ioctl_debug(host, dk_user(arg));
	default:
		return -ENOTTY;
	}
}
