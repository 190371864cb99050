// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of providers.
 */
#include <linux/list.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "internal.h"

static LIST_HEAD(pico_providers);
static DEFINE_MUTEX(pico_providers_lock);

/*
 * The latch: what could register a provider could read and steer every process
 * of it. Root closes registration once the providers of the machine are there,
 * and only a new load of pico.ko opens it again.
 */
static bool pico_closed;		/* pico_providers_lock */

static int pico_set_closed(const char *text, const struct kernel_param *kp)
{
	bool value;
	int ret;

	ret = kstrtobool(text, &value);
	if (ret)
		return ret;
	mutex_lock(&pico_providers_lock);
	if (value)
		pico_closed = true;
	else if (pico_closed)
		ret = -EPERM;
	mutex_unlock(&pico_providers_lock);
	return ret;
}

static const struct kernel_param_ops pico_closed_ops = {
	.set = pico_set_closed,
	.get = param_get_bool,
};

module_param_cb(registration_closed, &pico_closed_ops, &pico_closed, 0644);
MODULE_PARM_DESC(registration_closed,
		 "no further provider can register; cannot be taken back");

static void *pico_get_process_context(struct pico_process *process)
{
	return process->context;
}

static void *pico_get_thread_context(struct pico_thread *thread)
{
	return thread->context;
}

static const struct pico_routines pico_routines = {
	.size = sizeof(struct pico_routines),
	.create_process = pico_create_process,
	.create_thread = pico_create_thread,
	.get_process_context = pico_get_process_context,
	.get_thread_context = pico_get_thread_context,
	.get_context_thread = pico_get_context_thread,
	.set_context_thread = pico_set_context_thread,
	.terminate_thread = pico_terminate_thread,
	.resume_thread = pico_resume_thread,
	.set_thread_descriptor_base = pico_set_descriptor_base,
	.suspend_thread = pico_suspend_thread,
	.queue_apc = pico_queue_apc,
	.terminate_process = pico_terminate_process,
};

static struct pico_provider *pico_provider_find(const char *name)
{
	struct pico_provider *provider;

	lockdep_assert_held(&pico_providers_lock);
	list_for_each_entry(provider, &pico_providers, link) {
		if (!strcmp(provider->routines->name, name))
			return provider;
	}
	return NULL;
}

static bool pico_routines_valid(const struct pico_provider_routines *r)
{
	if (r->size != sizeof(*r) || !r->name || !r->name[0] ||
	    strlen(r->name) >= PICO_NAME_LEN || !r->owner)
		return false;
	if ((r->open_process_access | r->open_thread_access) &
	    ~PICO_ACCESS_ALL)
		return false;
	if (!r->dispatch_system_call)
		return false;
	/* Creating processes: all of it or nothing. */
	if (!!r->open != !!r->release || !!r->open != !!r->prepare_process ||
	    !!r->open != !!r->start_process)
		return false;
	return true;
}

/**
 * pico_register_provider() - offer a personality
 * @routines:	 the provider's callbacks; must stay until it is unregistered
 * @services:	 filled on success; the caller has set its size
 *
 * The callbacks may be called from here on, before this returns. So a module
 * registers last, when nothing that follows in its init function can fail.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL for a size that is not exactly this kernel module's, a
 * missing mandatory callback or owner, only some of .open, .release,
 * .prepare_process and .start_process, a bad name or an access mask with unknown
 * bits; -EPERM once registration is closed; -EEXIST for a name that is taken;
 * -ENOMEM.
 */
int pico_register_provider(const struct pico_provider_routines *routines,
			   struct pico_routines *services)
{
	struct pico_provider *provider;
	int ret = 0;

	if (!routines || !services || services->size != sizeof(*services) ||
	    !pico_routines_valid(routines))
		return -EINVAL;
	provider = kzalloc(sizeof(*provider), GFP_KERNEL);
	if (!provider)
		return -ENOMEM;
	provider->routines = routines;

	mutex_lock(&pico_providers_lock);
	if (pico_closed)
		ret = -EPERM;
	else if (pico_provider_find(routines->name))
		ret = -EEXIST;
	if (!ret) {
		/* Somebody may wait to bind it, and call the provider at once. */
		*services = pico_routines;
		list_add_tail(&provider->link, &pico_providers);
	}
	mutex_unlock(&pico_providers_lock);
	if (ret)
		kfree(provider);
	return ret;
}
EXPORT_SYMBOL_GPL(pico_register_provider);

/**
 * pico_unregister_provider() - withdraw a personality
 * @routines:	as they were registered
 *
 * Context: may sleep.
 * Return: 0; -ENOENT if it is not registered; -EBUSY while a process or an
 * open file of it lives.
 */
int pico_unregister_provider(const struct pico_provider_routines *routines)
{
	struct pico_provider *provider;
	int ret = -ENOENT;

	might_sleep();
	mutex_lock(&pico_providers_lock);
	list_for_each_entry(provider, &pico_providers, link) {
		if (provider->routines != routines)
			continue;
		ret = -EBUSY;
		if (!atomic_read(&provider->users)) {
			list_del(&provider->link);
			ret = 0;
		}
		break;
	}
	mutex_unlock(&pico_providers_lock);
	if (ret)
		return ret;
	/* Lookups may still read both by way of a thread that has just ended. */
	synchronize_rcu();
	kfree(provider);
	return 0;
}
EXPORT_SYMBOL_GPL(pico_unregister_provider);

/* Find a provider and hold it and its module. */
struct pico_provider *pico_provider_get(const char *name)
{
	struct pico_provider *provider;

	mutex_lock(&pico_providers_lock);
	provider = pico_provider_find(name);
	if (provider && try_module_get(provider->routines->owner))
		atomic_inc(&provider->users);
	else
		provider = NULL;
	mutex_unlock(&pico_providers_lock);
	return provider;
}

/* Does not sleep: see pico_process_drop(). */
void pico_provider_put(struct pico_provider *provider)
{
	struct module *owner = provider->routines->owner;

	/* The module goes last: it cannot unregister before it is unpinned. */
	atomic_dec(&provider->users);
	module_put(owner);
}

/* One line a provider; see debugfs.c. */
void pico_providers_show(struct seq_file *file)
{
	struct pico_provider *provider;
	struct pico_counts counts;

	seq_puts(file, "name\tmodule\tsubsystem\tprocess_access\tthread_access\tprocesses\tusers\tsystem_calls\texceptions\tsignals\tapcs\n");
	mutex_lock(&pico_providers_lock);
	list_for_each_entry(provider, &pico_providers, link) {
		const struct pico_provider_routines *r = provider->routines;

		pico_threads_count(provider, &counts);
		seq_printf(file, "%s\t%s\t%u\t%#x\t%#x\t%d\t%d\t%lu\t%lu\t%lu\t%lu\n",
			   r->name,
			   module_name(r->owner), r->subsystem_type,
			   r->open_process_access, r->open_thread_access,
			   atomic_read(&provider->processes),
			   atomic_read(&provider->users),
			   counts.system_calls, counts.exceptions,
			   counts.signals, counts.apcs);
	}
	mutex_unlock(&pico_providers_lock);
}
