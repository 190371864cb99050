/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The process: identity, limits, end. struct process is in libos.h. */
#ifndef LIBOS_PROCESSES_H
#define LIBOS_PROCESSES_H

#include <libos.h>

#define PERSONALITY_NO_RANDOMIZE	0x0040000

void process_init(const struct dk_parameters *p);
void limits_init(void);

#endif /* LIBOS_PROCESSES_H */
