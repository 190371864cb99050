// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "provider.h"
#include "sandbox.h"

#define EVENTS_MAX 4096

/* ---- the module ---- */

static int load(void)
{
	int ret = module_insert("pico_test", "");

	if (!ret || ret == -EEXIST)
		return 0;
	fprintf(stderr, "# pico_test: %s\n", strerror(-ret));
	return -1;
}

int provider_open(struct world *w, const char *name)
{
	struct pico_ioc_bind bind = { 0 };
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -1;
	strncpy((char *)bind.provider, name, sizeof(bind.provider) - 1);
	if (ioctl(fd, PICO_IOC_BIND, &bind))
		goto close;
	if (w->shared) {
		int memory = open("/dev/shm/pico_test", O_RDWR | O_CLOEXEC);
		int ret = memory < 0 ? -1 :
				       ioctl(fd, PICO_TEST_IOC_MEMORY, memory);

		close(memory);
		if (ret)
			goto close;
	}
	return fd;
close:;
	int e = errno;

	close(fd);
	errno = e;
	return -1;
}

int world_open(struct world *w)
{
	int memory;

	w->control = w->host = -1;
	w->shared = NULL;
	if (load())
		return -1;
	w->control = provider_open(w, PICO_TEST_PROVIDER);
	/* A file, so that further hosts can have it too. */
	unlink("/dev/shm/pico_test");
	memory = open("/dev/shm/pico_test", O_RDWR | O_CREAT | O_EXCL, 0600);
	if (w->control < 0 || memory < 0 ||
	    ftruncate(memory, PICO_TEST_SHARED_SIZE))
		return -1;
	w->shared = mmap(NULL, PICO_TEST_SHARED_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED, memory, 0);
	close(memory);
	if (w->shared == MAP_FAILED)
		return -1;
	clear_events(w);
	w->host = provider_open(w, PICO_TEST_PROVIDER);
	return w->host < 0 ? -1 : 0;
}

static bool unload(void)
{
	return syscall(SYS_delete_module, "pico_test", O_NONBLOCK) == 0;
}

int world_close(struct world *w)
{
	static const char *const counters[][2] = {
		{ "pico", "processes" },
		{ "pico", "threads" },
		{ "pico_test", "contexts" },
	};
	int left = 0, status;

	for (int i = 0; i < PICO_TEST_CALLBACKS && w->control >= 0; i++)
		behave(w, (struct pico_test_behaviour){ .callback = i });
	if (w->host >= 0)
		close(w->host);
	/* Whoever is left is the provider's to end, or ours to reap. */
	while (waitpid(-1, &status, WNOHANG | __WALL) > 0)
		;
	for (int i = 0; i < 3; i++) {
		if (eventually((waitpid(-1, &status, WNOHANG | __WALL),
				module_counter(counters[i][0],
					       counters[i][1]) == 0)))
			continue;
		printf("# %s %s: %ld\n", counters[i][0], counters[i][1],
		       module_counter(counters[i][0], counters[i][1]));
		left++;
	}
	if (w->control >= 0)
		close(w->control);
	if (w->shared)
		munmap(w->shared, PICO_TEST_SHARED_SIZE);
	unlink("/dev/shm/pico_test");
	if (!eventually(unload() || errno == ENOENT)) {
		printf("# pico_test does not unload: %s\n", strerror(errno));
		left++;
	}
	return left ? -1 : 0;
}

/* ---- processes ---- */

static bool gone(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, pid, &info,
		      WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
	       info.si_pid == pid;
}

const char *provider_image;

pid_t start_process(struct world *w, int host, int slot, bool wait)
{
	volatile struct slot *s = &w->shared->slots[slot];
	__u32 started = s->started;
	pid_t pid;

	ioctl(host, PICO_TEST_IOC_SLOT, slot);
	pid = fork();
	if (pid == 0) {
		char *const args[] = { "provider", NULL };
		char *const env[] = { NULL };

		if (ioctl(host, PICO_IOC_TICKET) == 0)
			execve(provider_image ?: beside("provider.img"), args,
			       env);
		_exit(errno);
	}
	if (pid > 0 && wait)
		eventually(s->started != started || gone(pid));
	return pid;
}

int end_status(pid_t pid)
{
	int status;

	if (!eventually(waitpid(pid, &status, WNOHANG | __WALL) == pid))
		return -1;
	return status;
}

/* ---- threads ---- */

void slot_begin(struct world *w, int slot, int operation, __u64 a0, __u64 a1,
		__u64 a2, __u64 a3, __u64 a4, __u64 a5, __u64 a6)
{
	volatile struct slot *s = &w->shared->slots[slot];

	s->operation = operation;
	s->args[0] = a0;
	s->args[1] = a1;
	s->args[2] = a2;
	s->args[3] = a3;
	s->args[4] = a4;
	s->args[5] = a5;
	s->args[6] = a6;
	s->stop = 0;
	s->result = NO_RESULT;
	s->counter = 0;
	__sync_synchronize();
	s->request++;
}

bool slot_is_done(struct world *w, int slot)
{
	volatile struct slot *s = &w->shared->slots[slot];

	return s->done == s->request;
}

bool slot_done(struct world *w, int slot)
{
	return eventually(slot_is_done(w, slot));
}

bool slot_stop(struct world *w, int slot)
{
	volatile struct slot *s = &w->shared->slots[slot];

	s->stop = 1;
	return slot_done(w, slot);
}

long slot_call(struct world *w, int slot, __u64 nr, __u64 a0, __u64 a1,
	       __u64 a2, __u64 a3, __u64 a4)
{
	slot_begin(w, slot, SLOT_CALL, nr, a0, a1, a2, a3, a4, 0);
	return slot_done(w, slot) ? (long)w->shared->slots[slot].result :
				    NO_RESULT;
}

static __u64 counter(struct world *w, int slot)
{
	volatile struct slot *s = &w->shared->slots[slot];

	return s->counter;
}

bool slot_spin(struct world *w, int slot)
{
	slot_begin(w, slot, SLOT_SPIN, 0, 0, 0, 0, 0, 0, 0);
	return eventually(counter(w, slot));
}

bool slot_rests(struct world *w, int slot)
{
	__u64 before = counter(w, slot);

	usleep(100000);
	return counter(w, slot) == before;
}

bool slot_moves(struct world *w, int slot)
{
	__u64 before = counter(w, slot);

	return eventually(counter(w, slot) != before);
}

void create_init(struct pico_test_create *create, int slot)
{
	memset(create, 0, sizeof(*create));
	create->registers[PICO_TEST_IP] = PICO_TEST_ENTRY;
	create->registers[PICO_TEST_SP] =
		PICO_TEST_STACKS + (slot + 1) * PICO_TEST_STACK_SIZE;
	create->registers[PICO_TEST_DI] = slot;
	create->registers[PICO_TEST_FLAGS] = 0x202;
	create->registers[PICO_TEST_CS] = 0x33;
	create->registers[PICO_TEST_SS] = 0x2b;
	create->exit_signal = SIGCHLD;
	create->uid = ~0U;
}

long create(struct world *w, int by, enum pico_test_call call,
	    struct pico_test_create *create)
{
	void *scratch = w->shared->slots[by].scratch;
	long ret;

	memcpy(scratch, create, sizeof(*create));
	ret = slot_call(w, by, call, SLOT_ADDRESS(by, scratch), 0, 0, 0, 0);
	memcpy(create, scratch, sizeof(*create));
	return ret;
}

static pid_t new_one(struct world *w, int by, int slot,
		     enum pico_test_call call, __u32 flags)
{
	volatile struct slot *s = &w->shared->slots[slot];
	__u32 started = s->started;
	struct pico_test_create c;
	long id;

	create_init(&c, slot);
	c.resume = 1;
	c.process_flags = flags;
	id = create(w, by, call, &c);
	if (id > 0 && id != NO_RESULT && !eventually(s->started != started))
		return -ETIMEDOUT;
	return id;
}

pid_t new_thread(struct world *w, int by, int slot)
{
	return new_one(w, by, slot, PICO_TEST_CALL_THREAD, 0);
}

pid_t new_process(struct world *w, int by, int slot, __u32 flags)
{
	return new_one(w, by, slot, PICO_TEST_CALL_PROCESS, flags);
}

/* ---- services ---- */

int service(struct world *w, struct pico_test_service *s)
{
	s->result = POISON;
	if (ioctl(w->host, PICO_TEST_IOC_SERVICE, s))
		return errno == ENOENT ? NO_THREAD : NO_THREAD - errno;
	return s->result;
}

static int simple(struct world *w, int what, pid_t tid, int status,
		  __u32 *previous)
{
	struct pico_test_service s = {
		.service = what,
		.tid = tid,
		.status = status,
		.previous = POISON,
		.flags = previous ? 0 : PICO_TEST_NO_PREVIOUS,
	};
	int ret = service(w, &s);

	if (previous)
		*previous = s.previous;
	return ret;
}

int suspend(struct world *w, pid_t tid, __u32 *previous)
{
	return simple(w, PICO_TEST_DO_SUSPEND, tid, 0, previous);
}

int resume(struct world *w, pid_t tid, __u32 *previous)
{
	return simple(w, PICO_TEST_DO_RESUME, tid, 0, previous);
}

int terminate_thread(struct world *w, pid_t tid, int status)
{
	return simple(w, PICO_TEST_DO_TERMINATE_THREAD, tid, status, NULL);
}

int terminate_process(struct world *w, pid_t tid, int status)
{
	return simple(w, PICO_TEST_DO_TERMINATE_PROCESS, tid, status, NULL);
}

int get_context(struct world *w, pid_t tid, __u32 parts,
		struct pico_test_service *s)
{
	memset(s, 0, sizeof(*s));
	memset(s->registers, 0x5a, sizeof(s->registers));
	s->service = PICO_TEST_DO_GET_CONTEXT;
	s->tid = tid;
	s->parts = parts;
	return service(w, s);
}

int comes_to_rest(struct world *w, pid_t tid)
{
	struct pico_test_service s;

	return get_context(w, tid, 1, &s);
}

int within(struct world *w, int number, pid_t by, int callback,
	   const struct pico_test_service *service)
{
	struct pico_test_within within = {
		.number = number,
		.state = PICO_TEST_ARMED,
		.callback = callback,
		.by = by,
		.service = *service,
	};

	return ioctl(w->control, PICO_TEST_IOC_WITHIN, &within);
}

enum pico_test_within_state within_state(struct world *w, int number)
{
	struct pico_test_within within = { .number = number };

	return ioctl(w->control, PICO_TEST_IOC_WITHIN, &within) ?
		       PICO_TEST_UNARMED :
		       within.state;
}

int within_result(struct world *w, int number)
{
	struct pico_test_within within = { .number = number };

	if (!eventually(within_state(w, number) == PICO_TEST_ENDED_WITHIN) ||
	    ioctl(w->control, PICO_TEST_IOC_WITHIN, &within))
		return POISON;
	return within.service.result;
}

/* ---- callbacks ---- */

int behave(struct world *w, struct pico_test_behaviour behaviour)
{
	return ioctl(w->control, PICO_TEST_IOC_BEHAVE, &behaviour);
}

int events(struct world *w, struct pico_test_event *to, int max)
{
	struct pico_test_log log = { 0, max, (uintptr_t)to };

	return ioctl(w->control, PICO_TEST_IOC_LOG, &log);
}

static int search(struct world *w, int callback, pid_t id,
		  struct pico_test_event *last)
{
	struct pico_test_event *all = calloc(EVENTS_MAX, sizeof(*all));
	int found = 0, n = events(w, all, EVENTS_MAX);

	for (int i = 0; i < n; i++) {
		if (all[i].callback != callback ||
		    (id && all[i].tid != id && all[i].pid != id))
			continue;
		found++;
		if (last)
			*last = all[i];
	}
	free(all);
	return found;
}

int count_events(struct world *w, int callback, pid_t id)
{
	return search(w, callback, id, NULL);
}

bool last_event(struct world *w, int callback, pid_t id,
		struct pico_test_event *event)
{
	return search(w, callback, id, event) > 0;
}

bool wait_event(struct world *w, int callback, pid_t id)
{
	return eventually(count_events(w, callback, id));
}

void clear_events(struct world *w)
{
	ioctl(w->control, PICO_TEST_IOC_CLEAR);
}

/* ---- /proc ---- */

__u64 user_limit(void)
{
	/* The hole below 2^47 is not for mapping, whatever is above. */
	void *above = (void *)(1UL << 47);
	void *got = mmap(above, 4096, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			 0);

	if (got == MAP_FAILED)
		return (1UL << 47) - 4096;
	munmap(got, 4096);
	return (1UL << 56) - 4096;
}

char thread_state(pid_t tid)
{
	char path[64], text[512], *at;

	/* Threads are there too, only not listed. */
	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	if (read_file(path, text, sizeof(text)) <= 0)
		return 0;
	at = strrchr(text, ')');
	return at ? at[2] : 0;
}

long status_number(pid_t pid, const char *key)
{
	char path[64], text[4096], *at;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file(path, text, sizeof(text)) <= 0)
		return -1;
	at = strstr(text, key);
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}
