/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A static ELF64 program, from the ioctl that names it to the first process'
 * memory. For the samples "filter" and "foreign", which both link program.c.
 */
#ifndef _SAMPLES_PROGRAM_H
#define _SAMPLES_PROGRAM_H

#include <linux/types.h>

struct pico_start;
struct sample_program;

struct sample_program *sample_program_load(const void __user *arg,
					   bool freebsd);
int sample_program_streams(struct sample_program *program);
int sample_program_start(struct sample_program *program,
			 struct pico_start *start);
const char *sample_program_name(const struct sample_program *program);
void sample_program_free(struct sample_program *program);

#endif /* _SAMPLES_PROGRAM_H */
