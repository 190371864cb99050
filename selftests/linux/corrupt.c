// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * A program that spoils its library OS, which shares its address space: what
 * then fails is the libos, and it has to say so and end. Not for a native run.
 *
 * corrupt self|stack|all: what %gs points to, by parts
 */
#include "linux_test.h"

#include <signal.h>

/* libos/include/entry.h */
#define THREAD_SELF 32
#define THREAD_STACK_TOP 40
#define THREAD_REST 80

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char *thread;

	signal(SIGSEGV, SIG_IGN);
	signal(SIGBUS, SIG_IGN);
	__asm__ volatile("rdgsbase %0" : "=r"(thread));
	if (!strcmp(what, "self"))
		memset(thread + THREAD_SELF, 0xaa, 8);
	else if (!strcmp(what, "stack"))
		memset(thread + THREAD_STACK_TOP, 0xaa, 8);
	else if (!strcmp(what, "all"))
		memset(thread + THREAD_REST, 0xaa, 256);
	else
		return 2;
	syscall(SYS_close, 0);
	syscall(SYS_getppid);
	return 1;
}
