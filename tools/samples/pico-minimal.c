// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * pico-minimal: a process of the provider "minimal", whose program is below.
 * It makes call number 1 and ends with the answer. Processes live no longer
 * than the open file they were made from, so the launcher stays, and ends as
 * its process did.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pico/pico.h>

/* The file that is executed: the magic, then the program. */
asm(".pushsection .rodata\n"
    "program:\n"
    "	.ascii	\"\\177PICOEXE\"\n"
    "	mov	$1, %eax\n"
    "	syscall\n"
    "	mov	%eax, %edi\n"
    "	xor	%eax, %eax\n"
    "	syscall\n"
    "program_end:\n"
    "	.popsection\n");

extern const char program[], program_end[];

static int fail(const char *what)
{
	perror(what);
	return 126;
}

int main(void)
{
	struct pico_ioc_bind bind = { .provider = "minimal" };
	char *const arguments[] = { "minimal", NULL };
	char *const environment[] = { NULL };
	size_t size = program_end - program;
	int device, file, status;
	pid_t pid;

	device = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		return fail(PICO_DEVICE);
	if (ioctl(device, PICO_IOC_BIND, &bind))
		return fail("the provider \"minimal\"");
	file = memfd_create("minimal", MFD_CLOEXEC);
	if (file < 0 || write(file, program, size) != (ssize_t)size)
		return fail("the program");
	pid = fork();
	if (pid < 0)
		return fail("fork");
	if (!pid) {
		/* A ticket belongs to the thread that takes it. */
		if (ioctl(device, PICO_IOC_TICKET))
			_exit(fail("the ticket"));
		fexecve(file, arguments, environment);
		_exit(fail("fexecve"));
	}
	if (waitpid(pid, &status, 0) != pid)
		return fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
