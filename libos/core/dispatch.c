// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The system call dispatcher: one array lookup, made from syscalls.h.
 */
#include <entry.h>
#include <libos.h>
#include <processes.h>
#include <signals.h>
#include <syscalls.h>
#include <trace.h>

#define DECLARE_REAL(name)	long sys_##name(struct dk_context *frame);
#define DECLARE_NOOP(name)
#define DECLARE_DENY(name)
#define DECLARE_NONE(name)
#define DECLARE(nr, name, class, arguments) DECLARE_##class(name)
SYSCALL_TABLE(DECLARE)

static long sys_noop(struct dk_context *frame __unused)
{
	return 0;
}

static long sys_deny(struct dk_context *frame __unused)
{
	return -EPERM;
}

static long sys_none(struct dk_context *frame)
{
	trace_missing((u32)frame->rax);
	return -ENOSYS;
}

#define HANDLER_REAL(name)	sys_##name
#define HANDLER_NOOP(name)	sys_noop
#define HANDLER_DENY(name)	sys_deny
#define HANDLER_NONE(name)	sys_none
#define HANDLER(nr, name, class, arguments) [nr] = HANDLER_##class(name),

/* Rows override the default of all. */
#pragma GCC diagnostic ignored "-Woverride-init"
static long (*const handlers[SYSCALL_LIMIT + 1])(struct dk_context *) = {
	[0 ... SYSCALL_LIMIT] = sys_none,
	SYSCALL_TABLE(HANDLER)
};

static long leave_how(const struct libos_thread *t,
		      const struct dk_context *frame)
{
	return (t->flags & THREAD_FRAME_CHANGED) ||
	       (frame->rflags & (RFLAGS_TF | RFLAGS_NT | RFLAGS_RF));
}

/*
 * libos_syscall() - serve the call whose registers are in @frame
 *
 * The number is the low half of rax, as in Linux. Returns 0 when the program
 * can go on with @frame's registers but rcx and r11, which then hold what
 * SYSCALL leaves in them; else all of @frame has to be restored.
 */
long libos_syscall(struct dk_context *frame)
{
	struct libos_thread *t = self();
	u32 number = frame->rax;
	bool traced = unlikely(trace_calls);
	long result;

	t->frame = frame;
	t->flags &= ~(THREAD_FRAME_CHANGED | THREAD_VALUE);
	if (traced)
		trace_enter(number, frame);
	result = unlikely(t->vfork) ? vfork_call(number) : 0;
	if (likely(!result))
		result = handlers[MIN(number, SYSCALL_LIMIT)](frame);
	if (traced)
		trace_leave(number, frame, result);
	frame->rax = result;
	if (unlikely((result == -ERESTARTSYS || result == -ERESTARTNOHAND) &&
		     !(t->flags & THREAD_VALUE)))
		signal_take(t, frame, result, number);
	else if (unlikely(t->interrupt || (t->flags & THREAD_RESTORE_MASK)))
		signal_take(t, frame, 0, 0);
	return leave_how(t, frame);
}

long libos_leave_again(struct dk_context *frame)
{
	struct libos_thread *t = self();

	if (t->interrupt)
		signal_take(t, frame, 0, 0);
	return leave_how(t, frame);
}

void context_leave(struct dk_context *context)
{
	struct libos_thread *t = self();

	for (;;) {
		if (t->interrupt)
			signal_take(t, context, 0, 0);
		context_restore(context,
				DK_VECTOR_BASE + DK_INDEX_DkxContextRestore);
	}
}
