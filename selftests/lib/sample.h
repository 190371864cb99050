/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests of the providers in kmod/samples. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <pico/samples.h>
#include "sandbox.h"

/* Load a sample's module, or unload it. */
static inline int sample_module(const char *name, bool load)
{
	const char *kernel = getenv("PICO_KERNEL");
	char command[4096];

	if (load)
		snprintf(command, sizeof(command),
			 "insmod %s/../kmod/%s/kmod/samples/%s/pico_%s.ko",
			 test_folder(), kernel ? kernel : "6.1", name, name);
	else
		snprintf(command, sizeof(command), "rmmod pico_%s", name);
	return system(command);
}

static inline int sample_open(const char *provider)
{
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);
	struct pico_ioc_bind bind = { 0 };

	strcpy((char *)bind.provider, provider);
	if (fd < 0 || ioctl(fd, PICO_IOC_BIND, &bind))
		return -1;
	return fd;
}

/* Name the program; 0 or errno. */
static inline int sample_program(int fd, int file)
{
	struct pico_sample_program program = {
		.file = file,
		.argument_count = 1,
		.strings_length = 5,
		.strings = (uintptr_t)"name",
	};

	return ioctl(fd, PICO_SAMPLE_IOC_PROGRAM, &program) ? errno : 0;
}

/* A child that redeems a ticket; one that cannot exits with 100 + errno. */
static inline pid_t sample_start(int fd)
{
	char *const args[] = { "x", NULL }, *const env[] = { NULL };
	int magic = magic_file();
	pid_t pid = fork();

	if (!pid) {
		if (!ioctl(fd, PICO_IOC_TICKET))
			syscall(SYS_execveat, magic, "", args, env,
				AT_EMPTY_PATH);
		_exit(100 + errno);
	}
	close(magic);
	return pid;
}

/* Its wait status; -1 (and it is killed) if it does not end. */
static inline int sample_wait(pid_t pid, int ms)
{
	int status = -1;

	if (wait_for(pid, &status, ms))
		return status;
	kill(pid, SIGKILL);
	wait_for(pid, &status, 10000);
	return -1;
}

#endif /* SAMPLE_H */
