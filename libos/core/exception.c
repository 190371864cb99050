// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Faults: of the program, which become signals, and of the libos.
 *
 * Runs on the thread's exception stack. The libos faults for one good reason,
 * a program's pointer (uaccess.S), and continues at the fixup.
 */
#include <entry.h>
#include <layout.h>
#include <libos.h>
#include <signals.h>
#include <uaccess.h>

static bool is_libos(u64 rip)
{
	return rip >= layout.image.start && rip < layout.image.end;
}

static void __noreturn libos_fault(const struct dk_exception *e,
				   const struct dk_context *c)
{
	log_user("libos: rsp %llx, rax %llx, rdi %llx, rsi %llx\n",
		 (unsigned long long)c->rsp, (unsigned long long)c->rax,
		 (unsigned long long)c->rdi, (unsigned long long)c->rsi);
	panic("fault: trap %u, error %llx, address %llx, rip image+%llx",
	      e->trap, (unsigned long long)e->error_code,
	      (unsigned long long)e->address,
	      (unsigned long long)(c->rip - layout.image.start));
}

void LibOsExceptionDispatch(struct dk_exception *e, struct dk_context *c)
{
	u64 fixup;

	if (!is_libos(c->rip)) {
		signal_fault(e, c);
		PalContextRestore(c);
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
