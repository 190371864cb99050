// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest provider: Documentation/samples/minimal.rst.
 *
 * The file that is executed is the program, behind PICO_EXEC_MAGIC. Its call
 * number 0 ends the process; every other call is answered 42.
 */
#include <linux/binfmts.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <pico/pico.h>

#define MINIMAL_CODE	0x10000000UL

static struct pico_routines pico = { .size = sizeof(pico) };

static enum pico_syscall minimal_system_call(struct pico_thread *thread,
					     struct pt_regs *regs)
{
	if (regs->orig_ax)
		return pico_answer_system_call(regs, 42);
	/* The status is that of wait(2). */
	pico.terminate_process(pico_thread_process(thread),
			       (regs->di & 0xff) << 8);
	return pico_answer_system_call(regs, 0);
}

/* There is nothing to configure. */
static int minimal_open(void **host)
{
	return 0;
}

/* pico.ko has killed the file's processes. */
static void minimal_release(void *host)
{
}

/* The last moment at which execve() can fail. */
static int minimal_prepare(void *host, struct linux_binprm *bprm,
			   void **process_context, void **thread_context)
{
	*process_context = get_file(bprm->file);
	return 0;
}

/* In the new, empty address space. */
static int minimal_start(struct pico_process *process,
			 struct pico_thread *thread, struct pico_start *start)
{
	unsigned long base;

	base = vm_mmap(pico.get_process_context(process), MINIMAL_CODE,
		       PAGE_SIZE, PROT_READ | PROT_EXEC,
		       MAP_PRIVATE | MAP_FIXED, 0);
	if (IS_ERR_VALUE(base))
		return base;
	start->ip = base + 8;	/* PICO_EXEC_MAGIC_LEN */
	return 0;
}

static void minimal_exit_process(struct pico_process *process)
{
	fput(pico.get_process_context(process));
}

static const struct pico_provider_routines minimal = {
	.size = sizeof(minimal),
	.name = "minimal",
	.owner = THIS_MODULE,
	.dispatch_system_call = minimal_system_call,
	.exit_process = minimal_exit_process,
	.open = minimal_open,
	.release = minimal_release,
	.prepare_process = minimal_prepare,
	.start_process = minimal_start,
};

static int __init minimal_init(void)
{
	return pico_register_provider(&minimal, &pico);
}

static void __exit minimal_exit(void)
{
	/* Processes and open files pin this module: none is left. */
	WARN_ON(pico_unregister_provider(&minimal));
}

module_init(minimal_init);
module_exit(minimal_exit);
MODULE_DESCRIPTION("The smallest provider for pico.ko");
MODULE_AUTHOR("The pico authors");
MODULE_ALIAS_PICO_PROVIDER("minimal");
MODULE_LICENSE("GPL");
