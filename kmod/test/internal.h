/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pico_test.ko: what its files share.
 */
#ifndef _PICO_TEST_INTERNAL_H
#define _PICO_TEST_INTERNAL_H

#include <linux/mutex.h>
#include <linux/wait.h>

#include <pico/pico.h>

#include "pico_test.h"

#define PT_MAGIC	0x7069636f74657374UL
#define PT_HELD		64

/* A file of /dev/pico. */
struct pt_host {
	unsigned int provider;	/* its slot */
	struct mutex lock;	/* the rest */
	unsigned int slot;	/* of the next process' first thread */
	struct file *memory;
	struct pico_thread *held[PT_HELD];
};

/*
 * Context of a process. @first is the context of an execve()'s thread until
 * that thread has ended.
 */
struct pt_process {
	unsigned long magic;
	struct pico_process *process;
	pid_t pid;
	unsigned int provider;
	unsigned int slot;
	bool cloned;
	atomic_t open_files;	/* of pt_files_let_go() */
	struct file *image, *memory;
	struct pt_thread *first;
};

/* Context of a thread. */
struct pt_thread {
	unsigned long magic;
	struct pt_process *process;
	unsigned int resume;	/* for the child that it creates now */
	bool again;		/* its APC has queued another */
};

/* files.c */
void pt_files_let_go(struct pt_process *process);

/* main.c */
extern atomic_t pt_contexts;
extern wait_queue_head_t pt_wait;
extern atomic_t pt_kicks, pt_blocked;
struct pico_routines *pt_routines(unsigned int provider);
const struct pico_provider_routines *pt_provider(unsigned int provider);
struct pt_process *pt_process_alloc(const struct pt_process *from);
void pt_process_free(struct pt_process *process);
struct pt_thread *pt_thread_alloc(struct pt_process *process);
void pt_thread_free(struct pt_thread *thread);

/* calls.c */
enum pico_syscall pt_system_call(struct pico_thread *thread,
				 struct pt_regs *regs);
long pt_thread_created(struct pico_thread *thread, struct pico_thread *child,
		       void *child_context, int error);

long pt_native_call_ended(struct pico_thread *thread, struct pt_regs *regs,
			  long native);
bool pt_deliver_apc(struct pico_thread *thread, struct pt_regs *regs);
bool pt_deliver_signal(struct pico_thread *thread,
		       const kernel_siginfo_t *info);

/* services.c */
int pt_service(unsigned int provider, struct pico_thread *thread,
	       struct pico_test_service *service);
struct pico_thread *pt_lookup(unsigned int provider, pid_t tid);
int pt_service_on(struct pico_thread *caller,
		  struct pico_test_service *service);
int pt_service_ioctl(struct pt_host *host, void __user *arg);
long pt_hold(struct pt_host *host, pid_t tid);
long pt_drop(struct pt_host *host, unsigned long number);

/* within.c */
void pt_within(unsigned int callback, struct pico_thread *thread);
long pt_within_ioctl(void __user *arg);
void pt_within_reset(void);

/* log.c */
struct pico_test_behaviour pt_enter(unsigned int callback,
				    struct pico_process *process,
				    struct pico_thread *thread, long v0,
				    long v1, long v2, long v3);
int pt_behave(const void __user *arg);
void pt_behave_all_reset(void);
long pt_log_read(void __user *arg);
void pt_log_clear(void);

#endif /* _PICO_TEST_INTERNAL_H */
