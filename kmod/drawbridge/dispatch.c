// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every system call of a picoprocess: a Dk call, a call of the program that
 * goes to its libos, or one that is refused.
 */
#include <linux/nospec.h>

#include <asm/syscall.h>

#include "drawbridge.h"

typedef enum pico_syscall (*dk_handler)(struct dk_thread *thread,
					struct pt_regs *regs);

/*
 * As many as a byte can count, none of them null once the module is there: of
 * the index that user mode gives, whatever the processor speculates, no more
 * than a byte is used.
 */
#define DK_HANDLERS	256
static_assert(DK_CALL_LIMIT <= DK_HANDLERS);

#define DK_ENTRY_0(name)	NULL
#define DK_ENTRY_1(name)	dk_call_##name
#define DK_HANDLER_ENTRY(class, function, name, version_, args, statuses_) \
	[DK_INDEX(class, function)] = DK_ENTRY_##version_(name),

static dk_handler dk_handlers[DK_HANDLERS] __ro_after_init = {
	DK_CALL_TABLE(DK_HANDLER_ENTRY)
};

static enum pico_syscall dk_call_none(struct dk_thread *thread,
				      struct pt_regs *regs)
{
	return pico_answer_system_call(regs, DK_STATUS_NOT_IMPLEMENTED);
}

void __init dk_dispatch_init(void)
{
	int i;

	for (i = 0; i < DK_HANDLERS; i++)
		dk_handlers[i] = dk_handlers[i] ?: dk_call_none;
}

/* What is needed less often than the handlers. */
struct dk_call {
	u64 statuses;
	u32 version;
	bool assigned;
};

#define DK_ENTRY(class, function, name, version_, args, statuses_)	\
	[DK_INDEX(class, function)] = {					\
		.statuses = (statuses_),				\
		.version = (version_),					\
		.assigned = true,					\
	},

static const struct dk_call dk_calls[DK_CALL_LIMIT] = {
	DK_CALL_TABLE(DK_ENTRY)
};

/* Status bit + 1 of an errno, 0: none. */
#define DK_BIT_ENTRY(bit, name, value, text)				\
	[-(value)] = (bit) + 1,

static const u8 dk_status_bits[] = { DK_STATUS_TABLE(DK_BIT_ENTRY) };

/*
 * A call returns the statuses that the table allows it, and no other. What a
 * file system may invent beyond that is an I/O error.
 */
static long dk_filter(struct dk_thread *thread, unsigned long index,
		      long status)
{
	unsigned long number = -status;

	if (number < ARRAY_SIZE(dk_status_bits) && dk_status_bits[number] &&
	    dk_calls[index].statuses & 1ULL << (dk_status_bits[number] - 1))
		return status;
	thread->stats.unlisted_statuses++;
	pr_debug("drawbridge: call %lu: status %ld is not in its set\n", index,
		 status);
	return DK_STATUS_IO_ERROR;
}

/* What a handler returned, other than success. */
enum pico_syscall dk_conclude(struct dk_thread *thread, struct pt_regs *regs,
			      long status)
{
	unsigned long index = regs->orig_ax - DK_VECTOR_BASE;

	switch (status) {
	case DK_FORWARD:
		thread->call_ip = regs->ip;
		return PICO_SYSCALL_FORWARD;
	case DK_REGISTERS_SET:
		return PICO_SYSCALL_ANSWERED;
	case -ERESTARTSYS:
	case -ERESTARTNOHAND:
	case -ERESTARTNOINTR:
	case -ERESTART_RESTARTBLOCK:
		thread->call_ip = regs->ip;
		return pico_restart_system_call(thread->pico, regs);
	case -EINTR:
		/* A file system's word: it may be the request to come to rest. */
		thread->call_ip = regs->ip;
		break;
	}
	/* Taken up again or not, the call is over: its deadline, too. */
	thread->restart_ip = 0;
	return pico_answer_system_call(regs, dk_filter(thread, index, status));
}

static __always_inline enum pico_syscall
dk_call(struct dk_thread *thread, struct pt_regs *regs, unsigned long index)
{
	thread->stats.calls++;
	/* The compiler must not conclude that nothing needs to be cut off. */
	OPTIMIZER_HIDE_VAR(index);
	return dk_handlers[index % DK_HANDLERS](thread, regs);
}

/*
 * The program's own system call, sent to its libos. Only rcx and r11 are lost,
 * as the SYSCALL instruction loses them anyway; rcx equals the new rip so that
 * the way back is SYSRET.
 */
static noinline enum pico_syscall dk_redirect(struct dk_thread *thread,
				     struct pt_regs *regs)
{
	if (put_user((u64)regs->ip, &thread->block->return_address)) {
		thread->stats.refused_calls++;
		return pico_answer_system_call(regs, DK_STATUS_NOT_IMPLEMENTED);
	}
	thread->stats.system_calls++;
	regs->ax = regs->orig_ax;
	regs->orig_ax = -1;
	regs->ip = thread->syscall_entry;
	regs->cx = thread->syscall_entry;
	return PICO_SYSCALL_ANSWERED;
}

enum pico_syscall notrace dk_dispatch(struct pico_thread *pico,
				      struct pt_regs *regs)
{
	struct dk_thread *thread = pico_thread_context(pico);
	unsigned long index = regs->orig_ax - DK_VECTOR_BASE;

	if (likely(!in_ia32_syscall())) {
		if (index < DK_CALL_LIMIT)
			return dk_call(thread, regs, index);
		if (thread->syscall_entry)
			return dk_redirect(thread, regs);
	}
	thread->stats.refused_calls++;
	return pico_answer_system_call(regs, DK_STATUS_NOT_IMPLEMENTED);
}

/* Where the calling thread's own system calls go. Zero: nowhere. */
DK_HANDLER(DkxSystemCallRegister)
{
	struct dk_thread_block __user *block = dk_user(a1);
	u64 __user *last = (u64 __user *)(block + 1) - 1;
	u64 value;

	if (a0 >= DEFAULT_MAP_WINDOW || a1 & 7)
		return -EINVAL;
	if (a0 && !access_ok(block, sizeof(*block)))
		return -EFAULT;
	/* It is in one page or two. */
	if (a0 && (get_user(value, last) || put_user(value, last) ||
		   put_user(0ULL, &block->return_address)))
		return -EFAULT;
	thread->syscall_entry = a0;
	thread->block = a0 ? block : NULL;
	return 0;
}

DK_HANDLER(DkxAbiQuery)
{
	u64 index = a0 - DK_VECTOR_BASE;

	if (index >= DK_CALL_LIMIT)
		return -EINVAL;
	index = array_index_nospec(index, DK_CALL_LIMIT);
	if (!dk_calls[index].assigned)
		return -EINVAL;
	return put_user((u64)dk_calls[index].version,
			(u64 __user *)dk_user(a1));
}
