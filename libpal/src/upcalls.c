// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The upcalls of a program that does not define them, and the way back from
 * one.
 */
#include <pal.h>

__attribute__((weak)) void LibOsThreadStart(DK_THREAD_START start,
					    dk_u64 parameter)
{
	start(parameter);
	DkThreadExit();
}

__attribute__((weak)) void
LibOsExceptionDispatch(struct dk_exception *exception,
		       struct dk_context *context)
{
	(void)context;
	DkProcessExit(128 + exception->signal);
}

/* A user-mode IRETQ would do, but for emulators: see DkxContextRestore. */
void PalContextRestore(const struct dk_context *context)
{
	DkxContextRestore((void *)context);
	__builtin_trap();
}
