/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The process: identity, limits, end. struct process is in libos.h. */
#ifndef LIBOS_PROCESSES_H
#define LIBOS_PROCESSES_H

#include <libos.h>

#define PERSONALITY_NO_RANDOMIZE	0x0040000

void process_init(const struct dk_parameters *p);
void limits_init(void);

/* process/fork.c: clone and clone3 without CLONE_THREAD */
struct clone_args;
long process_fork(const struct clone_args *args);

/* process/exit.c: end the calling thread, and the process with the last one. */
void __noreturn thread_leave(int code);
/* process/robust.c: mutexes that @t holds are free, and known as orphans. */
void robust_list_walk(struct libos_thread *t);

/*
 * What others have to know, and hear (at points where no lock is held).
 * EVENT_CHILD, EVENT_REMOTE; the process stopped (signal) or goes on (0).
 */
void process_events(u32 events);
void process_stop_changed(int signal);
/* Would nobody continue us if we stopped? (Orphaned process group.) */
bool process_is_orphaned(void);

#endif /* LIBOS_PROCESSES_H */
