// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"

const char *launch_name;

static void complain(const char *format, va_list arguments)
{
	int error = errno;

	fprintf(stderr, "%s: ", launch_name);
	vfprintf(stderr, format, arguments);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
}

void launch_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(format, arguments);
	va_end(arguments);
	exit(LAUNCH_FAILED);
}

int launch_open(const char *provider)
{
	struct pico_ioc_bind bind = { 0 };
	int device;

	device = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		launch_fail("%s", PICO_DEVICE);
	snprintf((char *)bind.provider, sizeof(bind.provider), "%s", provider);
	if (ioctl(device, PICO_IOC_BIND, &bind))
		launch_fail("the provider \"%s\"", provider);
	return device;
}

/* Append strings with their zeros; returns how many. */
static unsigned int collect(FILE *to, char *const strings[])
{
	unsigned int count = 0;

	for (; strings[count]; count++)
		fwrite(strings[count], 1, strlen(strings[count]) + 1, to);
	return count;
}

static void refused(const char *path)
{
	fprintf(stderr, "%s: %s: %s\n", launch_name, path, strerror(errno));
	exit(errno == ENOENT ? 127 : 126);
}

static void name_program(int device, char *const arguments[])
{
	struct pico_sample_program program = { 0 };
	char *strings = NULL;
	size_t length = 0;
	FILE *memory;

	program.file = open(arguments[0], O_RDONLY | O_CLOEXEC);
	if (program.file < 0)
		refused(arguments[0]);
	memory = open_memstream(&strings, &length);
	if (!memory)
		launch_fail("the arguments");
	program.argument_count = collect(memory, arguments);
	program.environment_count = collect(memory, environ);
	if (fclose(memory))
		launch_fail("the arguments");
	if (length > PICO_SAMPLE_STRINGS_MAX) {
		errno = E2BIG;
		refused(arguments[0]);
	}
	program.strings_length = length;
	program.strings = (uintptr_t)strings;
	if (ioctl(device, PICO_SAMPLE_IOC_PROGRAM, &program))
		refused(arguments[0]);
	free(strings);
	close(program.file);
}

/* A file of eight bytes, whose execution redeems the ticket. */
static int magic_file(void)
{
	int file = memfd_create("pico", MFD_CLOEXEC);

	if (file < 0 || write(file, PICO_EXEC_MAGIC, PICO_EXEC_MAGIC_LEN) !=
				PICO_EXEC_MAGIC_LEN)
		launch_fail("the file to execute");
	return file;
}

pid_t launch_start(int device, char *const arguments[])
{
	char *const nothing[] = { NULL };
	int magic, report[2], error = 0;
	pid_t pid;

	name_program(device, arguments);
	magic = magic_file();
	/* Closed by the execution, or else it brings errno. */
	if (pipe2(report, O_CLOEXEC))
		launch_fail("pipe");
	pid = fork();
	if (pid < 0)
		launch_fail("fork");
	if (!pid) {
		if (!ioctl(device, PICO_IOC_TICKET))
			fexecve(magic, arguments, nothing);
		error = errno;
		if (write(report[1], &error, sizeof(error)) < 0)
			_exit(LAUNCH_FAILED);
		_exit(126);
	}
	close(report[1]);
	close(magic);
	if (read(report[0], &error, sizeof(error)) == sizeof(error)) {
		waitpid(pid, NULL, 0);
		errno = error;
		refused(arguments[0]);
	}
	close(report[0]);
	return pid;
}

int launch_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			launch_fail("waitpid");
	}
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}
