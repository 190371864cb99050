// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/pico: see uapi/pico/pico.h.
 */
#include <linux/compat.h>
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/kmod.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "trace.h"

static void pico_host_free(struct kref *ref)
{
	struct pico_host *host = container_of(ref, struct pico_host, ref);

	pico_provider_put(host->provider);
	mutex_destroy(&host->preparing);
	kfree(host);
}

struct pico_host *pico_host_get(struct pico_host *host)
{
	kref_get(&host->ref);
	return host;
}

/* Tickets and processes hold references, which keep @host from nothing else. */
void pico_host_put(struct pico_host *host)
{
	kref_put(&host->ref, pico_host_free);
}

/* The provider hears of it for the last time. */
static void pico_host_end(struct pico_host *host)
{
	trace_pico_host(host, "release", 0);
	host->provider->routines->release(host->context);
}

/* For prepare_process(), one at a time. False: the file has been released. */
bool pico_host_use(struct pico_host *host)
{
	bool use;

	lockdep_assert_held(&host->preparing);
	spin_lock(&host->lock);
	use = !host->released;
	host->in_use = use;
	spin_unlock(&host->lock);
	return use;
}

/*
 * Behind it; the caller has references. From here on the file's end is the end
 * of @process, if that is not NULL: it may have been already.
 */
void pico_host_unuse(struct pico_host *host, struct pico_process *process)
{
	bool end;

	spin_lock(&host->lock);
	if (process)
		process->pid = get_pid(task_tgid(current));
	host->in_use = false;
	end = host->released;
	spin_unlock(&host->lock);
	if (end) {
		pico_processes_kill(host);
		pico_host_end(host);
	}
}

static int pico_ioctl_info(struct file *file, void __user *arg)
{
	struct pico_host *host = READ_ONCE(file->private_data);
	struct pico_ioc_info info = { .version = PICO_IOC_VERSION };

	if (host)
		strscpy(info.provider, host->provider->routines->name,
			sizeof(info.provider));
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

/*
 * As with file systems, whoever asks for a provider loads its module: what can
 * be loaded so are modules with MODULE_ALIAS_PICO_PROVIDER() only.
 */
static struct pico_provider *pico_provider_load(const char *name)
{
	struct pico_provider *provider = pico_provider_get(name);
	const char *c;

	if (provider)
		return provider;
	for (c = name; *c; c++) {
		if (!isalnum(*c) && *c != '-' && *c != '_')
			return NULL;
	}
	if (request_module("pico-provider-%s", name))
		return NULL;
	return pico_provider_get(name);
}

static int pico_ioctl_bind(struct file *file, void __user *arg)
{
	struct pico_ioc_bind bind;
	struct pico_host *host;
	int ret;

	if (copy_from_user(&bind, arg, sizeof(bind)))
		return -EFAULT;
	if (strnlen(bind.provider, sizeof(bind.provider)) ==
	    sizeof(bind.provider))
		return -EINVAL;
	if (READ_ONCE(file->private_data))
		return -EBUSY;
	host = kzalloc(sizeof(*host), GFP_KERNEL_ACCOUNT);
	if (!host)
		return -ENOMEM;
	kref_init(&host->ref);
	mutex_init(&host->preparing);
	spin_lock_init(&host->lock);
	host->provider = pico_provider_load(bind.provider);
	if (!host->provider) {
		kfree(host);
		return -ENOENT;
	}
	ret = -ENOENT;
	if (host->provider->routines->open)
		ret = host->provider->routines->open(&host->context);
	trace_pico_host(host, "open", ret);
	if (ret)
		goto put;
	if (cmpxchg(&file->private_data, NULL, host)) {
		trace_pico_host(host, "release", 0);
		host->provider->routines->release(host->context);
		ret = -EBUSY;
		goto put;
	}
	return 0;
put:
	pico_host_put(host);
	return ret;
}

/* The provider is asked; what it leaves alone is ended here. */
static long pico_ioctl_terminate(struct pico_host *host, void __user *arg)
{
	const struct pico_provider_routines *routines =
		host->provider->routines;
	struct pico_ioc_terminate terminate;
	struct task_struct *leader, *task;
	struct pico_process *process;
	struct pico_thread *thread;
	struct pid *pid;
	bool taken;
	long ret;

	if (copy_from_user(&terminate, arg, sizeof(terminate)))
		return -EFAULT;
	if (!pico_status_valid(terminate.status))
		return -EINVAL;
	/* Any thread leads to the process: the first may have ended. */
	pid = find_get_pid(terminate.pid);
	rcu_read_lock();
	thread = NULL;
	leader = pid_task(pid, PIDTYPE_TGID);
	if (leader) {
		for_each_thread(leader, task) {
			thread = pico_thread_find_get(task);
			if (thread)
				break;
		}
	}
	rcu_read_unlock();
	put_pid(pid);
	if (!thread)
		return -ESRCH;
	process = thread->process;
	ret = -ESRCH;
	if (READ_ONCE(process->host) == host && pico_process_hold(process)) {
		ret = 0;
		taken = routines->terminate_process &&
			routines->terminate_process(process, terminate.status);
		trace_pico_terminate_request(process, terminate.status, taken);
		if (!taken)
			ret = pico_terminate_process(process, terminate.status);
		pico_process_release(process);
	}
	pico_thread_put(thread);
	return ret;
}

static long pico_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pico_host *host;
	long ret;

	switch (cmd) {
	case PICO_IOC_INFO:
		return pico_ioctl_info(file, (void __user *)arg);
	case PICO_IOC_BIND:
		return pico_ioctl_bind(file, (void __user *)arg);
	}
	if (_IOC_TYPE(cmd) != PICO_IOC_MAGIC)
		return -ENOTTY;
	/* Pairs with the cmpxchg() of binding. */
	host = smp_load_acquire((struct pico_host **)&file->private_data);
	if (!host)
		return -EINVAL;
	if (cmd == PICO_IOC_TICKET)
		return pico_ticket_grant(host);
	if (cmd == PICO_IOC_TERMINATE)
		return pico_ioctl_terminate(host, (void __user *)arg);
	if (_IOC_NR(cmd) >= PICO_IOC_PROVIDER &&
	    host->provider->routines->ioctl) {
		ret = host->provider->routines->ioctl(host->context, cmd, arg);
		trace_pico_host(host, "ioctl", ret);
		return ret;
	}
	return -ENOTTY;
}

static int pico_release(struct inode *inode, struct file *file)
{
	struct pico_host *host = file->private_data;
	bool end;

	if (host) {
		spin_lock(&host->lock);
		host->released = true;
		end = !host->in_use;
		spin_unlock(&host->lock);
		pico_tickets_revoke(host);
		pico_processes_kill(host);
		if (end)
			pico_host_end(host);
		pico_host_put(host);
	}
	return 0;
}

static int pico_open(struct inode *inode, struct file *file)
{
	/* misc_open() left the device there. */
	file->private_data = NULL;
	return 0;
}

static const struct file_operations pico_fops = {
	.owner = THIS_MODULE,
	.open = pico_open,
	.release = pico_release,
	.unlocked_ioctl = pico_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice pico_device = {
	.minor = PICO_MINOR,
	.name = "pico",
	.fops = &pico_fops,
	.mode = 0666,
};

int pico_device_init(void)
{
	int ret = misc_register(&pico_device);

	if (ret == -EBUSY) {
		pico_device.minor = MISC_DYNAMIC_MINOR;
		ret = misc_register(&pico_device);
	}
	if (ret)
		pr_err("pico: cannot make the device pico (%d)\n", ret);
	return ret;
}

void pico_device_exit(void)
{
	misc_deregister(&pico_device);
}
