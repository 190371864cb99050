// SPDX-License-Identifier: GPL-2.0-only
/*
 * pico_test.ko: the provider of selftests/provider*.c, see pico_test.h.
 */
#include <linux/binfmts.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <pico/version.h>

#include "internal.h"

atomic_t pt_contexts, pt_kicks, pt_blocked;
DECLARE_WAIT_QUEUE_HEAD(pt_wait);

/* A provider; slot 0 is there as long as the module is. */
struct pt_slot {
	bool used;
	char name[sizeof_field(struct pico_test_registration, name)];
	struct pico_provider_routines provider;
	struct pico_routines routines;
};

static struct pt_slot pt_slots[PICO_TEST_PROVIDERS];
static DEFINE_MUTEX(pt_slots_lock);

static atomic_t pt_files;

struct pico_routines *pt_routines(unsigned int provider)
{
	return &pt_slots[provider].routines;
}

const struct pico_provider_routines *pt_provider(unsigned int provider)
{
	if (provider >= PICO_TEST_PROVIDERS || !pt_slots[provider].used)
		return NULL;
	return &pt_slots[provider].provider;
}

/* ---- contexts ---- */

struct pt_thread *pt_thread_alloc(struct pt_process *process)
{
	struct pt_thread *thread = kzalloc(sizeof(*thread), GFP_KERNEL);

	if (!thread)
		return NULL;
	thread->magic = PT_MAGIC;
	thread->process = process;
	atomic_inc(&pt_contexts);
	return thread;
}

void pt_thread_free(struct pt_thread *thread)
{
	WARN_ON(thread->magic != PT_MAGIC);
	thread->magic = 0;
	atomic_dec(&pt_contexts);
	kfree(thread);
}

/* @from: the process that creates it, or what execve() is to become. */
struct pt_process *pt_process_alloc(const struct pt_process *from)
{
	struct pt_process *process = kmemdup(from, sizeof(*from), GFP_KERNEL);

	if (!process)
		return NULL;
	process->magic = PT_MAGIC;
	process->process = NULL;
	process->pid = 0;
	process->first = NULL;
	atomic_set(&process->open_files, 0);
	get_file(process->image);
	if (process->memory)
		get_file(process->memory);
	atomic_inc(&pt_contexts);
	return process;
}

void pt_process_free(struct pt_process *process)
{
	WARN_ON(process->magic != PT_MAGIC);
	process->magic = 0;
	if (process->first)
		pt_thread_free(process->first);
	fput(process->image);
	if (process->memory)
		fput(process->memory);
	atomic_dec(&pt_contexts);
	kfree(process);
}

/* ---- files ---- */

static int pt_file_open(unsigned int provider, void **host)
{
	struct pico_test_behaviour behaviour;
	struct pt_host *new;

	behaviour = pt_enter(PICO_TEST_OPEN, NULL, NULL, provider, 0, 0, 0);
	if (behaviour.result)
		return behaviour.result;
	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	mutex_init(&new->lock);
	new->provider = provider;
	atomic_inc(&pt_files);
	*host = new;
	return 0;
}

/* The callback does not say whose it is. */
#define PT_OPEN(n)							\
	static int pt_open_##n(void **host)				\
	{								\
		return pt_file_open(n, host);				\
	}
PT_OPEN(0)
PT_OPEN(1)
PT_OPEN(2)
PT_OPEN(3)

static int (* const pt_opens[PICO_TEST_PROVIDERS])(void **host) = {
	pt_open_0, pt_open_1, pt_open_2, pt_open_3,
};

static void pt_release(void *context)
{
	struct pt_host *host = context;
	unsigned int i;

	if (atomic_dec_and_test(&pt_files))
		pt_behave_all_reset();
	pt_enter(PICO_TEST_RELEASE, NULL, NULL, host->provider, 0, 0, 0);
	for (i = 1; i <= PT_HELD; i++)
		pt_drop(host, i);
	if (host->memory)
		fput(host->memory);
	kfree(host);
}

static long pt_set_memory(struct pt_host *host, int fd)
{
	struct file *file = fget(fd), *old;

	if (!file)
		return -EBADF;
	mutex_lock(&host->lock);
	old = host->memory;
	host->memory = file;
	mutex_unlock(&host->lock);
	if (old)
		fput(old);
	return 0;
}

/* ---- processes ---- */

static int pt_prepare_process(void *context, struct linux_binprm *bprm,
			      void **process_context, void **thread_context)
{
	struct pt_host *host = context;
	struct pt_process from = { .image = bprm->file };
	struct pico_test_behaviour behaviour;
	struct pt_process *process;
	struct pt_thread *thread;

	behaviour = pt_enter(PICO_TEST_PREPARE, NULL, NULL, host->provider, 0,
			     0, 0);
	if (behaviour.result)
		return behaviour.result;
	mutex_lock(&host->lock);
	from.provider = host->provider;
	from.slot = host->slot;
	from.memory = host->memory;
	process = pt_process_alloc(&from);
	mutex_unlock(&host->lock);
	if (!process)
		return -ENOMEM;
	thread = pt_thread_alloc(process);
	if (!thread) {
		pt_process_free(process);
		return -ENOMEM;
	}
	process->first = thread;
	*process_context = process;
	*thread_context = thread;
	return 0;
}

static int pt_map(struct file *file, unsigned long at, unsigned long size,
		  unsigned long protection, unsigned long flags)
{
	unsigned long got;

	got = vm_mmap(file, at, size, protection, flags | MAP_FIXED, 0);
	return IS_ERR_VALUE(got) ? got : 0;
}

static int pt_start_process(struct pico_process *process,
			    struct pico_thread *thread,
			    struct pico_start *start)
{
	struct pt_thread *own = pico_thread_context(thread);
	struct pt_process *context = own->process;
	struct pico_test_behaviour behaviour;
	loff_t size;
	int ret = 0;

	context->process = process;
	context->pid = task_tgid_nr(current);
	behaviour = pt_enter(PICO_TEST_START, process, thread, start->ip,
			     start->sp, start->arg0, context->cloned);
	if (behaviour.result)
		return behaviour.result;
	size = i_size_read(file_inode(context->image));
	if (!context->cloned)
		ret = pt_map(context->image, PICO_TEST_IMAGE, PAGE_ALIGN(size),
			     PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
	if (!ret && !context->cloned)
		ret = pt_map(NULL, PICO_TEST_STACKS,
			     PICO_TEST_SLOTS * PICO_TEST_STACK_SIZE,
			     PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS);
	if (!ret && !context->cloned && context->memory)
		ret = pt_map(context->memory, PICO_TEST_SHARED,
			     PICO_TEST_SHARED_SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED);
	if (ret)
		return ret;
	/* An execve() begins with nothing; create_process() says where. */
	if (!start->ip) {
		start->ip = PICO_TEST_ENTRY;
		start->sp = PICO_TEST_STACKS +
			    (context->slot + 1) * PICO_TEST_STACK_SIZE;
		start->arg0 = context->slot;
	}
	if (behaviour.value & PICO_TEST_SUSPENDED)
		start->suspended = true;
	if (behaviour.value & PICO_TEST_KEEP_CHILDREN)
		start->keep_children = true;
	if (behaviour.value & PICO_TEST_NATIVE_SIGNALS)
		start->native_signals = true;
	if (behaviour.value & PICO_TEST_ARGUMENTS) {
		start->arguments_start = PICO_TEST_STRINGS;
		start->arguments_end = start->arguments_start + 64;
		start->environment_end = start->arguments_end + 64;
	}
	return 0;
}

static void pt_exit_thread(struct pico_thread *thread)
{
	struct pt_thread *context = pico_thread_context(thread);
	struct pico_routines *pico = pt_routines(context->process->provider);
	struct pico_test_behaviour behaviour;

	behaviour = pt_enter(PICO_TEST_EXIT_THREAD, NULL, thread,
			     current->exit_code, 0, 0, 0);
	if (behaviour.result == PICO_TEST_EXIT_ALL)
		pico->terminate_process(pico_thread_process(thread),
					behaviour.value);
	if (context->process->first == context)
		context->process->first = NULL;
	pt_thread_free(context);
}

static void pt_exit_process(struct pico_process *process)
{
	struct pt_process *context;

	context = pt_routines(0)->get_process_context(process);
	pt_enter(PICO_TEST_EXIT_PROCESS, process, NULL, 0, 0, 0, 0);
	if (!pt_slots[context->provider].provider.process_gone)
		pt_process_free(context);
	else if (current->flags & PF_EXITING &&
		 context->pid == task_tgid_nr(current))
		pt_files_let_go(context);
}

static void pt_process_gone(struct pico_process *process)
{
	struct pt_process *context;

	context = pt_routines(0)->get_process_context(process);
	pt_enter(PICO_TEST_GONE, process, NULL,
		 atomic_read(&context->open_files), 0, 0, 0);
	/* What is open still writes there, and the test fails. */
	if (!atomic_read(&context->open_files))
		pt_process_free(context);
}

static bool pt_terminate_process(struct pico_process *process, int status)
{
	struct pt_process *context;
	struct pico_test_behaviour behaviour;

	context = pt_routines(0)->get_process_context(process);
	behaviour = pt_enter(PICO_TEST_TERMINATE, process, NULL, status, 0, 0,
			     0);
	if (behaviour.result == PICO_TEST_REPLACE)
		pt_routines(context->provider)->terminate_process(process,
							behaviour.value);
	return behaviour.result != PICO_TEST_REFUSE;
}

static bool pt_exception(struct pico_thread *thread, struct pt_regs *regs,
			 const struct pico_exception *exception)
{
	struct pt_thread *context = pico_thread_context(thread);
	struct pico_routines *pico = pt_routines(context->process->provider);
	struct pico_test_behaviour behaviour;

	behaviour = pt_enter(PICO_TEST_EXCEPTION, NULL, thread,
			     exception->trap, exception->error_code,
			     exception->address, exception->info.si_signo);
	switch (behaviour.result) {
	case PICO_TEST_SKIP:
		regs->ip += behaviour.value;
		return true;
	case PICO_TEST_HANDLE:
		regs->di = regs->ip;
		regs->si = exception->trap;
		regs->dx = exception->address;
		regs->sp = ((regs->sp - 512) & -16UL) - 8;
		regs->flags &= ~X86_EFLAGS_TF;
		regs->ip = PICO_TEST_HANDLER;
		return true;
	case PICO_TEST_END:
		pico->terminate_process(pico_thread_process(thread),
					behaviour.value);
		return true;
	case PICO_TEST_SUSPEND_SELF:
		regs->ip += behaviour.value;
		pico->suspend_thread(thread, NULL);
		return true;
	}
	return false;
}

static unsigned int pt_walk(struct pico_thread *thread,
			    const struct pt_regs *regs, unsigned long *frames,
			    unsigned int max)
{
	struct pico_test_behaviour behaviour;
	unsigned int i;

	behaviour = pt_enter(PICO_TEST_WALK, NULL, thread, max, 0, 0, 0);
	for (i = 0; i < behaviour.result && i < max; i++)
		frames[i] = behaviour.value + i;
	/* One that lies about it must not be believed. */
	return behaviour.result;
}

static char pt_name[16] = "picotest";

static void pt_image_name(struct pico_process *process, char *name,
			  size_t size)
{
	pt_enter(PICO_TEST_NAME, process, NULL, size, 0, 0, 0);
	strscpy(name, pt_name, size);
}

/* ---- further providers ---- */

static long pt_ioctl(void *host, unsigned int cmd, unsigned long arg);

static const struct pico_provider_routines pt_template = {
	.size = sizeof(pt_template),
	.name = PICO_TEST_PROVIDER,
	.owner = THIS_MODULE,
	.subsystem_type = 0x7e57,
	.open_process_access = PICO_ACCESS_ALL,
	.open_thread_access = PICO_ACCESS_ALL,
	.dispatch_system_call = pt_system_call,
	.dispatch_exception = pt_exception,
	.exit_thread = pt_exit_thread,
	.exit_process = pt_exit_process,
	.process_gone = pt_process_gone,
	.terminate_process = pt_terminate_process,
	.walk_user_stack = pt_walk,
	.get_process_image_name = pt_image_name,
	.thread_created = pt_thread_created,
	.native_call_ended = pt_native_call_ended,
	.deliver_apc = pt_deliver_apc,
	.deliver_signal = pt_deliver_signal,
	.open = pt_open_0,
	.ioctl = pt_ioctl,
	.release = pt_release,
	.prepare_process = pt_prepare_process,
	.start_process = pt_start_process,
};

static void pt_leave_out(struct pico_provider_routines *p, u32 without)
{
#define PT_OUT(which, field)						\
	do {								\
		if (without & (1U << (which)))				\
			p->field = NULL;				\
	} while (0)
	PT_OUT(PICO_TEST_OPEN, open);
	PT_OUT(PICO_TEST_RELEASE, release);
	PT_OUT(PICO_TEST_PREPARE, prepare_process);
	PT_OUT(PICO_TEST_START, start_process);
	PT_OUT(PICO_TEST_SYSTEM_CALL, dispatch_system_call);
	PT_OUT(PICO_TEST_EXCEPTION, dispatch_exception);
	PT_OUT(PICO_TEST_CREATED, thread_created);
	PT_OUT(PICO_TEST_EXIT_THREAD, exit_thread);
	PT_OUT(PICO_TEST_EXIT_PROCESS, exit_process);
	PT_OUT(PICO_TEST_TERMINATE, terminate_process);
	PT_OUT(PICO_TEST_WALK, walk_user_stack);
	PT_OUT(PICO_TEST_NAME, get_process_image_name);
	PT_OUT(PICO_TEST_IOCTL, ioctl);
	PT_OUT(PICO_TEST_ENDED, native_call_ended);
	PT_OUT(PICO_TEST_APC, deliver_apc);
	PT_OUT(PICO_TEST_SIGNAL, deliver_signal);
	PT_OUT(PICO_TEST_GONE, process_gone);
	if (without & PICO_TEST_WITHOUT_NAME)
		p->name = NULL;
	if (without & PICO_TEST_WITHOUT_OWNER)
		p->owner = NULL;
}

/* 0: every byte is still @poison; 1: everything is there; 2: in between. */
static u32 pt_filled(const struct pico_routines *routines, u8 poison)
{
	const unsigned long *word = (const unsigned long *)routines + 1;
	unsigned int i, n = sizeof(*routines) / sizeof(*word) - 1, there = 0;
	unsigned long poisoned;

	memset(&poisoned, poison, sizeof(poisoned));
	for (i = 0; i < n; i++)
		there += word[i] && word[i] != poisoned;
	if (there == n && routines->size == sizeof(*routines))
		return 1;
	return !there && !memchr_inv(word, poison, n * sizeof(*word)) ? 0 : 2;
}

static long pt_register(void __user *arg)
{
	struct pico_test_registration r;
	struct pt_slot *slot;
	int ret;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	if (!r.slot || r.slot >= PICO_TEST_PROVIDERS)
		return -ERANGE;
	slot = &pt_slots[r.slot];
	mutex_lock(&pt_slots_lock);
	if (slot->used) {
		mutex_unlock(&pt_slots_lock);
		return -ERANGE;
	}
	memset(&slot->routines, 0x5a, sizeof(slot->routines));
	slot->routines.size = sizeof(slot->routines) + r.services_off;
	slot->provider = pt_template;
	slot->provider.size += r.size_off;
	slot->provider.name = slot->name;
	memcpy(slot->name, r.name, sizeof(slot->name));
	slot->name[sizeof(slot->name) - 1] = '\0';
	slot->provider.subsystem_type = r.subsystem_type;
	slot->provider.open_process_access = r.process_access;
	slot->provider.open_thread_access = r.thread_access;
	slot->provider.open = pt_opens[r.slot];
	pt_leave_out(&slot->provider, r.without);
	/* A test may open it as soon as it is registered. */
	slot->used = true;
	ret = pico_register_provider(r.without & PICO_TEST_WITHOUT_ROUTINES ?
					     NULL : &slot->provider,
				     r.without & PICO_TEST_WITHOUT_SERVICES ?
					     NULL : &slot->routines);
	slot->used = !ret;
	r.filled = pt_filled(&slot->routines, 0x5a);
	mutex_unlock(&pt_slots_lock);
	if (copy_to_user(arg, &r, sizeof(r)))
		return -EFAULT;
	return ret;
}

static long pt_unregister(unsigned long number)
{
	int ret;

	if (number >= PICO_TEST_PROVIDERS)
		return -ERANGE;
	mutex_lock(&pt_slots_lock);
	ret = pico_unregister_provider(&pt_slots[number].provider);
	if (!ret)
		pt_slots[number].used = false;
	mutex_unlock(&pt_slots_lock);
	return ret;
}

static long pt_ioctl(void *context, unsigned int cmd, unsigned long arg)
{
	struct pt_host *host = context;
	void __user *pointer = (void __user *)arg;

	switch (cmd) {
	case PICO_TEST_IOC_BEHAVE:
		return pt_behave(pointer);
	case PICO_TEST_IOC_LOG:
		return pt_log_read(pointer);
	case PICO_TEST_IOC_CLEAR:
		pt_log_clear();
		return 0;
	case PICO_TEST_IOC_SERVICE:
		return pt_service_ioctl(host, pointer);
	case PICO_TEST_IOC_HOLD:
		return pt_hold(host, arg);
	case PICO_TEST_IOC_DROP:
		return pt_drop(host, arg);
	case PICO_TEST_IOC_MEMORY:
		return pt_set_memory(host, arg);
	case PICO_TEST_IOC_SLOT:
		host->slot = arg % PICO_TEST_SLOTS;
		return 0;
	case PICO_TEST_IOC_REGISTER:
		return pt_register(pointer);
	case PICO_TEST_IOC_UNREGISTER:
		return pt_unregister(arg);
	case PICO_TEST_IOC_KICK:
		atomic_inc(&pt_kicks);
		wake_up_all(&pt_wait);
		return 0;
	case PICO_TEST_IOC_BLOCKED:
		return atomic_read(&pt_blocked);
	case PICO_TEST_IOC_WITHIN:
		return pt_within_ioctl(pointer);
	case PICO_TEST_IOC_NAME:
		if (copy_from_user(pt_name, pointer, sizeof(pt_name)))
			return -EFAULT;
		pt_name[sizeof(pt_name) - 1] = '\0';
		return 0;
	}
	return -ENOTTY;
}

static int pt_get_contexts(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&pt_contexts));
}

static const struct kernel_param_ops pt_contexts_ops = {
	.get = pt_get_contexts,
};

module_param_cb(contexts, &pt_contexts_ops, NULL, 0444);
MODULE_PARM_DESC(contexts, "contexts of processes and threads that live now");

static int __init pt_init(void)
{
	int ret;

	pt_slots[0].provider = pt_template;
	pt_slots[0].routines.size = sizeof(pt_slots[0].routines);
	pt_slots[0].used = true;
	ret = pico_register_provider(&pt_slots[0].provider,
				     &pt_slots[0].routines);
	return ret;
}

static void __exit pt_exit(void)
{
	unsigned int i;

	/* Processes and open files pin this module: none is left. */
	for (i = 0; i < PICO_TEST_PROVIDERS; i++) {
		if (pt_slots[i].used)
			WARN_ON(pico_unregister_provider(&pt_slots[i].provider));
	}
	WARN_ON(atomic_read(&pt_contexts));
}

module_init(pt_init);
module_exit(pt_exit);

MODULE_DESCRIPTION("A provider for the tests of pico.ko");
MODULE_AUTHOR("The pico authors");
MODULE_VERSION(PICO_VERSION);
MODULE_LICENSE("GPL");
