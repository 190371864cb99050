// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Exceptions: faults of the program, which become signals, and of the libos;
 * and those that were raised, by another thread or by the host.
 *
 * Runs on the thread's exception stack. The libos faults for one good reason,
 * a program's pointer (uaccess.S), and continues at the fixup.
 *
 * A raised exception in the program has signals taken at once. In the libos it
 * has nothing to do but to make sure that the thread does not go to the
 * program, or to sleep, without having looked at @interrupt (signals.h). So
 * where the look may be over already, the thread is moved.
 */
#include <entry.h>
#include <layout.h>
#include <libos.h>
#include <mm.h>
#include <signals.h>
#include <uaccess.h>

static bool is_libos(u64 rip)
{
	return rip >= layout.image.start && rip < layout.image.end;
}

/* The system call that was being served; -1 when even that is not known. */
static int number_served(void)
{
	const struct libos_thread *t = self();
	u64 at = (u64)t;

	if (at < layout.heap.start || at >= layout.heap.end - sizeof(*t))
		return -1;
	at = (u64)t->frame;
	if (at < layout.heap.start ||
	    at >= layout.heap.end - sizeof(struct dk_context))
		return -1;
	return (u32)t->frame->rax;
}

/*
 * A bug, or a program that has written into its libos. Nothing is relied upon
 * that is not needed for saying so: another fault on the way is the end.
 */
static void __noreturn libos_fault(const struct dk_exception *e,
				   const struct dk_context *c)
{
	static u32 faults;

	while (__atomic_exchange_n(&faults, 1, __ATOMIC_SEQ_CST))
		DkProcessExit(255);
	log_user("libos: in system call %d, thread block %llx\n",
		 number_served(), (unsigned long long)c->gs_base);
	log_user("libos: rsp %llx, rax %llx, rdi %llx, rsi %llx\n",
		 (unsigned long long)c->rsp, (unsigned long long)c->rax,
		 (unsigned long long)c->rdi, (unsigned long long)c->rsi);
	panic("fault: trap %u, error %llx, address %llx, rip image+%llx",
	      e->trap, (unsigned long long)e->error_code,
	      (unsigned long long)e->address,
	      (unsigned long long)(c->rip - layout.image.start));
}

static bool within(u64 rip, const char *start, const char *end)
{
	return rip >= (u64)start && rip < (u64)end;
}

/* What it is about, told without a lock. */
static void note(const struct dk_exception *e)
{
	u32 events = 0;

	switch (e->code) {
	case DK_EXCEPTION_RAISED:
		events = e->parameter;
		break;
	case DK_EXCEPTION_SIGNAL:
		/* A child tells of its end itself, unless the host killed it. */
		if (e->parameter == SIGCHLD) {
			events = EVENT_CHILD;
			break;
		}
		if (e->parameter - 1 < SIGNAL_COUNT)
			__atomic_fetch_or(e->signal_code == SI_KERNEL ?
						  &terminal_signals :
						  &host_signals,
					  SIGNAL_BIT(e->parameter),
					  __ATOMIC_SEQ_CST);
		events = EVENT_OUTSIDE;
		break;
	case DK_EXCEPTION_CHILD:
		events = EVENT_CHILD;
		break;
	}
	__atomic_fetch_or(&host_events, events, __ATOMIC_SEQ_CST);
}

static bool was_raised(const struct dk_exception *e)
{
	return e->code == DK_EXCEPTION_RAISED ||
	       e->code == DK_EXCEPTION_SIGNAL || e->code == DK_EXCEPTION_CHILD;
}

static void raised(const struct dk_exception *e, struct dk_context *c)
{
	struct libos_thread *t;

	note(e);
	/* A thread of which not even %gs is set looks when it is. */
	if (!c->gs_base)
		PalContextRestore(c);
	t = self();
	if (e->code == DK_EXCEPTION_RAISED && !e->parameter)
		__atomic_store_n(&t->raised, 0, __ATOMIC_SEQ_CST);
	else
		t->interrupt = 1;
	if (!is_libos(c->rip))
		context_leave(c);
	if (within(c->rip, leave_start, leave_end)) {
		c->rip = (u64)leave_again;
		c->rsp = (u64)t->frame;
	} else if (within(c->rip, host_wait_start, host_wait_end)) {
		c->rip = (u64)host_wait_start; /* rax is the number still */
	} else if (within(c->rip, restore_start, restore_end)) {
		c->rip = (u64)restore_start;
	}
	PalContextRestore(c);
}

void LibOsExceptionDispatch(struct dk_exception *e, struct dk_context *c)
{
	u64 fixup;

	if (was_raised(e))
		raised(e, c);
	if (!is_libos(c->rip)) {
		if (!wx_fault(e, c))
			signal_fault(e, c);
		context_leave(c);
	}
	/*
	 * The program single-steps, or has its alignment checked, and made a
	 * system call. The frame has its flags, which act again behind it.
	 */
	if (e->code == DK_EXCEPTION_SINGLE_STEP ||
	    e->code == DK_EXCEPTION_ALIGNMENT) {
		c->rflags &= ~(u64)(RFLAGS_TF | RFLAGS_AC);
		PalContextRestore(c);
	}
	fixup = fixup_find(c->rip);
	if (fixup) {
		c->rip = fixup;
		PalContextRestore(c);
	}
	libos_fault(e, c);
}
