/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of the provider interface: pico_test.ko, its processes, and what
 * their threads are to do (provider_shared.h).
 *
 * Everything that waits gives up after twenty seconds and says false.
 */
#ifndef PROVIDER_H
#define PROVIDER_H

#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>
#include <pico/pico.h>
#include "pico_test.h"
#include "provider_shared.h"

#define POISON		0x5a5aa5a5U

/* enum pico_context_parts, enum pico_access and */
#define CONTEXT_ALL	7
#define ACCESS_ALL	7
/* enum pico_process_flags, which are not for user space. */
#define CLONE_MEMORY	1
#define INHERIT_FILES	2
#define SIBLING		4

/* The test's own side of the module. */
struct world {
	int control;		/* behaviours and the log; bound, no processes */
	int host;		/* of the processes, with the shared memory */
	struct shared *shared;
};

/* Waits until @condition holds. */
#define eventually(condition)						\
	({								\
		int tries_ = 0;						\
		while (!(condition) && tries_ < 20000) {		\
			usleep(1000);					\
			tries_++;					\
		}							\
		tries_ < 20000;						\
	})

/* Loads the module, opens both files; 0. */
int world_open(struct world *w);
/*
 * Closes them; everything must go away, and the module must unload. Returns 0,
 * or says what is left and returns -1.
 */
int world_close(struct world *w);

/* An open file that is bound to a provider, with the memory; or -1. */
int provider_open(struct world *w, const char *name);

/*
 * A fixture that has a world and, if @start, a process of it, whose first
 * thread has slot 0. Whatever a test leaves behind must go away by itself.
 */
#define PROVIDER_FIXTURE(name, start)					\
	FIXTURE(name)							\
	{								\
		struct world w;						\
		pid_t pid;						\
	};								\
	FIXTURE_SETUP(name)						\
	{								\
		ASSERT_EQ(0, world_open(&self->w));			\
		if (start)						\
			self->pid = start_process(&self->w,		\
						  self->w.host, 0, true); \
		ASSERT_EQ(start, self->w.shared->slots[0].started);	\
	}								\
	FIXTURE_TEARDOWN(name)						\
	{								\
		EXPECT_EQ(0, world_close(&self->w));			\
	}

/* ---- processes ---- */

/* What start_process() executes, if not NULL. */
extern const char *provider_image;

/*
 * A child that becomes a process of @host (a file); its first thread has slot
 * @slot. With @wait, returns when that runs. A failed execve() makes the
 * child exit with errno.
 */
pid_t start_process(struct world *w, int host, int slot, bool wait);
/* Waits for its end; wait status or -1. */
int end_status(pid_t pid);
#define EXITED(code)	((code) << 8)

/* ---- threads ---- */

/* Has the thread of a slot begin an operation; see whether it is done. */
void slot_begin(struct world *w, int slot, int operation, __u64 a0, __u64 a1,
		__u64 a2, __u64 a3, __u64 a4, __u64 a5, __u64 a6);
bool slot_is_done(struct world *w, int slot);
/* Waits until it is. */
bool slot_done(struct world *w, int slot);
/* Ends SLOT_SPIN and its like, and waits. */
bool slot_stop(struct world *w, int slot);
/* A system call from begin to end; NO_RESULT if it does not end. */
#define NO_RESULT	0x6e6f6e65L
long slot_call(struct world *w, int slot, __u64 nr, __u64 a0, __u64 a1,
	       __u64 a2, __u64 a3, __u64 a4);
/* Begins SLOT_SPIN and waits until it spins. */
bool slot_spin(struct world *w, int slot);
/* Does the counter of a slot rest, or move? */
bool slot_rests(struct world *w, int slot);
bool slot_moves(struct world *w, int slot);

/* Attributes of a thread that serves slot @slot, not resumed. */
void create_init(struct pico_test_create *create, int slot);
/*
 * Has the thread of slot @by create a thread or a process as @create says;
 * tid or pid, negative errno, NO_RESULT.
 */
long create(struct world *w, int by, enum pico_test_call call,
	    struct pico_test_create *create);
/* Creates and resumes a thread for @slot, and waits until it runs. */
pid_t new_thread(struct world *w, int by, int slot);
/* A process, likewise. */
pid_t new_process(struct world *w, int by, int slot, __u32 flags);

/* ---- services ---- */

#define NO_THREAD	(-10000)	/* the module found none */

/* The service's result. */
int service(struct world *w, struct pico_test_service *service);
int suspend(struct world *w, pid_t tid, __u32 *previous);
int resume(struct world *w, pid_t tid, __u32 *previous);
int terminate_thread(struct world *w, pid_t tid, int status);
int terminate_process(struct world *w, pid_t tid, int status);
/* Waits until a suspended thread is at rest. */
int comes_to_rest(struct world *w, pid_t tid);
int get_context(struct world *w, pid_t tid, __u32 parts,
		struct pico_test_service *s);

/*
 * Has thread @by call a service inside its next callback of a kind; see how
 * far that is; wait for its end, which gives the service's result.
 */
int within(struct world *w, int number, pid_t by, int callback,
	   const struct pico_test_service *service);
enum pico_test_within_state within_state(struct world *w, int number);
int within_result(struct world *w, int number);

/* ---- callbacks ---- */

int behave(struct world *w, struct pico_test_behaviour behaviour);
/* The whole log; its length. */
int events(struct world *w, struct pico_test_event *events, int max);
/* How many events of @callback concern @id (tid or pid; 0: anybody). */
int count_events(struct world *w, int callback, pid_t id);
/* The last of them; false if there is none. */
bool last_event(struct world *w, int callback, pid_t id,
		struct pico_test_event *event);
bool wait_event(struct world *w, int callback, pid_t id);
void clear_events(struct world *w);

/* The first address that is not user mode's: it depends on the page tables. */
__u64 user_limit(void);

/* State letter of a thread in /proc, or 0. */
char thread_state(pid_t tid);
/* A number in /proc/PID/status, e.g. "PPid:", or -1. */
long status_number(pid_t pid, const char *key);

#endif /* PROVIDER_H */
