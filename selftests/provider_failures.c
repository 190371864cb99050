// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every operation of the provider interface with each of the allocations and
 * copies that it makes failing once: on the side of /dev/pico, on that of the
 * provider's services, and on that of the processes. It either succeeds all
 * the same, or says so and has changed nothing: it can be done again, and
 * nothing is left.
 */
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/inject.h"
#include "lib/provider.h"

#define IMAGE "/dev/shm/pico_test.img"

struct counts {
	long processes, threads, contexts;
};

/* What the tests share, made by the fixture. */
struct scene {
	struct world *w;
	pid_t pid;
	int self; /* fail-nth of the test's own thread */
	int spare; /* a file, bound */
	struct counts before;
};

static struct counts count(void)
{
	return (struct counts){
		.processes = module_counter("pico", "processes"),
		.threads = module_counter("pico", "threads"),
		.contexts = module_counter("pico_test", "contexts"),
	};
}

static bool as_before(const struct counts *before)
{
	return eventually(({
		struct counts now = count();

		!memcmp(&now, before, sizeof(now));
	}));
}

static bool intact(void *arg)
{
	struct scene *s = arg;

	return as_before(&s->before);
}

static void walk(struct __test_metadata *_metadata, struct scene *s,
		 const char *name,
		 void (*run)(void *arg, unsigned int nth, struct try *t))
{
	s->before = count();
	ASSERT_TRUE(inject_walk(name, run, s, intact));
}

FIXTURE(failures)
{
	struct world w;
	struct scene s;
};

FIXTURE_SETUP(failures)
{
	if (!inject_prepare())
		SKIP(_exit(255), "this kernel does not let allocations fail");
	ASSERT_TRUE(inject_copy("provider.img", IMAGE));
	provider_image = IMAGE;
	ASSERT_EQ(0, world_open(&self->w));
	self->s.w = &self->w;
	self->s.pid = start_process(&self->w, self->w.host, 0, true);
	ASSERT_EQ(1, self->w.shared->slots[0].started);
	self->s.self = inject_open(getpid(), gettid());
	ASSERT_GE(self->s.self, 0);
	self->s.spare = provider_open(&self->w, PICO_TEST_PROVIDER);
	ASSERT_GE(self->s.spare, 0);
}

FIXTURE_TEARDOWN(failures)
{
	close(self->s.self);
	close(self->s.spare);
	EXPECT_EQ(0, world_close(&self->w));
	unlink(IMAGE);
}

/* ---- /dev/pico ---- */

static void run_open(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;

	ARMED(s->self, nth, t, open(PICO_DEVICE, O_RDWR | O_CLOEXEC));
	if (t->result >= 0)
		close(t->result);
}

static int bind_file(int fd)
{
	struct pico_ioc_bind bind = { .provider = PICO_TEST_PROVIDER };

	return ioctl(fd, PICO_IOC_BIND, &bind);
}

static void run_bind(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_ioc_info info = { 0 };
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);

	ARMED(s->self, nth, t, bind_file(fd));
	t->changed = ioctl(fd, PICO_IOC_INFO, &info) ||
		     !info.provider[0] != (t->result < 0);
	/* It can be bound still, or only once. */
	if (bind_file(fd) ? t->result < 0 || errno != EBUSY : !t->result)
		t->changed = true;
	close(fd);
}

static void run_info(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_ioc_info info = { .version = POISON };

	ARMED(s->self, nth, t, ioctl(s->spare, PICO_IOC_INFO, &info));
	t->changed = info.version !=
		     (t->result < 0 ? POISON : PICO_IOC_VERSION);
}

static void run_ticket(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;

	ARMED(s->self, nth, t, ioctl(s->spare, PICO_IOC_TICKET));
}

/* What is not marked as a process in the end has not become one. */
static void run_terminate_request(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	pid_t pid = start_process(s->w, s->w->host, 1, true);
	struct pico_ioc_terminate terminate = { .pid = pid,
						.status = EXITED(7) };

	ARMED(s->self, nth, t,
	      ioctl(s->w->host, PICO_IOC_TERMINATE, &terminate));
	if (t->result < 0) {
		t->changed = waitpid(pid, NULL, WNOHANG) ||
			     slot_call(s->w, 1, PICO_TEST_CALL_ECHO, 1, 0, 0, 0,
				       0) != 2;
		terminate_process(s->w, pid, EXITED(7));
	}
	if (end_status(pid) != EXITED(7))
		t->changed = true;
}

TEST_F_TIMEOUT(failures, device, 600)
{
	walk(_metadata, &self->s, "open", run_open);
	walk(_metadata, &self->s, "PICO_IOC_BIND", run_bind);
	walk(_metadata, &self->s, "PICO_IOC_INFO", run_info);
	walk(_metadata, &self->s, "PICO_IOC_TICKET", run_ticket);
	walk(_metadata, &self->s, "PICO_IOC_TERMINATE", run_terminate_request);
}

/*
 * The child's own failure goes with it into the new program. What fails late
 * in an execve() kills.
 */
static void run_execve(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	volatile struct slot *slot = &s->w->shared->slots[1];
	__u32 started = slot->started;
	int status = 0, fd;
	pid_t pid;

	ioctl(s->spare, PICO_TEST_IOC_SLOT, 1);
	pid = fork();
	if (pid == 0) {
		char *const args[] = { "provider", NULL };
		char *const env[] = { NULL };

		fd = inject_open(getpid(), gettid());
		if (ioctl(s->spare, PICO_IOC_TICKET))
			_exit(255);
		inject_arm(fd, nth);
		execve(IMAGE, args, env);
		nth = errno;
		inject_disarm(fd);
		_exit(nth);
	}
	fd = inject_open(pid, pid);
	if (!eventually(slot->started != started ||
			waitpid(pid, &status, WNOHANG) == pid)) {
		t->changed = true;
		return;
	}
	if (slot->started == started) {
		t->left = 0;
		t->result = WIFEXITED(status) ? -WEXITSTATUS(status) : -ENOMEM;
		/* No page for the arguments. */
		if (t->result == -E2BIG)
			t->result = -ENOMEM;
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL &&
		    WTERMSIG(status) != SIGSEGV)
			t->changed = true;
		close(fd);
		return;
	}
	/* It was not too early to ask. */
	t->left = inject_disarm(fd);
	close(fd);
	if (slot_call(s->w, 1, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0) != 2)
		t->changed = true;
	kill(pid, SIGKILL);
	if (end_status(pid) != SIGKILL)
		t->changed = true;
}

TEST_F_TIMEOUT(failures, execve, 1200)
{
	walk(_metadata, &self->s, "execve", run_execve);
}

/* ---- providers ---- */

static struct pico_test_registration registration(void)
{
	return (struct pico_test_registration){
		.slot = 1,
		.name = "pico_test_failing",
		.process_access = ACCESS_ALL,
		.thread_access = ACCESS_ALL,
	};
}

static bool provider_is_there(void)
{
	int fd = provider_open(&(struct world){ 0 }, "pico_test_failing");

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void run_register(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_registration r = registration();

	ARMED(s->self, nth, t,
	      ioctl(s->w->control, PICO_TEST_IOC_REGISTER, &r));
	/* EFAULT: the module may not have been able to say that it is. */
	if (t->result != -EFAULT && provider_is_there() != !t->result)
		t->changed = true;
	if (ioctl(s->w->control, PICO_TEST_IOC_UNREGISTER, 1) && !t->result)
		t->changed = true;
	if (provider_is_there())
		t->changed = true;
}

static void run_unregister(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_registration r = registration();

	ioctl(s->w->control, PICO_TEST_IOC_REGISTER, &r);
	ARMED(s->self, nth, t,
	      ioctl(s->w->control, PICO_TEST_IOC_UNREGISTER, 1));
	if (provider_is_there() != !!t->result)
		t->changed = true;
}

TEST_F_TIMEOUT(failures, registration, 300)
{
	walk(_metadata, &self->s, "pico_register_provider", run_register);
	walk(_metadata, &self->s, "pico_unregister_provider", run_unregister);
}

/* ---- services ---- */

/* As service(), and -EFAULT is the module's own, before or after the service. */
static void armed_service(struct scene *s, unsigned int nth, struct try *t,
			  struct pico_test_service *service)
{
	service->result = 0;
	ARMED(s->self, nth, t,
	      ioctl(s->w->host, PICO_TEST_IOC_SERVICE, service));
	if (!t->result)
		t->result = service->result;
}

static void run_suspend(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_service service = { .service = PICO_TEST_DO_SUSPEND,
					     .tid = s->pid };
	int ret;

	armed_service(s, nth, t, &service);
	ret = resume(s->w, s->pid, NULL);
	if (t->result == -EFAULT ? ret && ret != -EINVAL : !ret != !t->result)
		t->changed = true;
	if (!slot_moves(s->w, 0))
		t->changed = true;
}

static void run_resume(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_service service = { .service = PICO_TEST_DO_RESUME,
					     .tid = s->pid };

	suspend(s->w, s->pid, NULL);
	armed_service(s, nth, t, &service);
	if (t->result)
		resume(s->w, s->pid, NULL);
	if (resume(s->w, s->pid, NULL) != -EINVAL || !slot_moves(s->w, 0))
		t->changed = true;
}

static __u8 extended[0x4000];

static void run_get_context(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_service service = {
		.service = PICO_TEST_DO_EXTENDED_SIZE,
	};

	ioctl(s->w->host, PICO_TEST_IOC_SERVICE, &service);
	service.service = PICO_TEST_DO_GET_CONTEXT;
	service.tid = s->pid;
	service.parts = CONTEXT_ALL;
	service.extended = (uintptr_t)extended;
	service.registers[PICO_TEST_IP] = POISON;
	armed_service(s, nth, t, &service);
	if (!t->result && service.registers[PICO_TEST_IP] == POISON)
		t->changed = true;
	if (!slot_moves(s->w, 0))
		t->changed = true;
}

/* What was read is written back, and the thread goes on as it was. */
static void run_set_context(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_service service = {
		.service = PICO_TEST_DO_EXTENDED_SIZE,
	};

	ioctl(s->w->host, PICO_TEST_IOC_SERVICE, &service);
	suspend(s->w, s->pid, NULL);
	service.service = PICO_TEST_DO_GET_CONTEXT;
	service.tid = s->pid;
	service.parts = CONTEXT_ALL;
	service.extended = (uintptr_t)extended;
	ioctl(s->w->host, PICO_TEST_IOC_SERVICE, &service);
	service.service = PICO_TEST_DO_SET_CONTEXT;
	armed_service(s, nth, t, &service);
	resume(s->w, s->pid, NULL);
	if (!slot_moves(s->w, 0))
		t->changed = true;
}

static void run_base(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_service service = {
		.service = PICO_TEST_DO_DESCRIPTOR_BASE,
		.tid = s->pid,
		.base = PICO_TEST_SHARED,
	};

	suspend(s->w, s->pid, NULL);
	comes_to_rest(s->w, s->pid);
	armed_service(s, nth, t, &service);
	resume(s->w, s->pid, NULL);
	if (!slot_moves(s->w, 0))
		t->changed = true;
}

static void run_apc(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_service service = { .service = PICO_TEST_DO_APC,
					     .tid = s->pid };

	clear_events(s->w);
	armed_service(s, nth, t, &service);
	if (!t->result && !wait_event(s->w, PICO_TEST_APC, s->pid))
		t->changed = true;
	if (!slot_moves(s->w, 0))
		t->changed = true;
}

static void run_container(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_service service = { .service = PICO_TEST_DO_CONTAINER,
					     .tid = s->pid };

	armed_service(s, nth, t, &service);
}

static void run_hold(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	long number;

	ARMED(s->self, nth, t, ioctl(s->w->host, PICO_TEST_IOC_HOLD, s->pid));
	number = t->result;
	if (number > 0 && ioctl(s->w->host, PICO_TEST_IOC_DROP, number))
		t->changed = true;
}

static void run_terminate_thread(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	pid_t tid = new_thread(s->w, 2, 1);
	struct pico_test_service service = {
		.service = PICO_TEST_DO_TERMINATE_THREAD,
		.tid = tid,
	};

	armed_service(s, nth, t, &service);
	if (t->result && t->result != -EFAULT &&
	    slot_call(s->w, 1, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0) != 2)
		t->changed = true;
	if (t->result)
		terminate_thread(s->w, tid, 0);
	if (!eventually(!thread_state(tid)))
		t->changed = true;
}

static void run_terminate_process(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	pid_t pid = start_process(s->w, s->w->host, 1, true);
	struct pico_test_service service = {
		.service = PICO_TEST_DO_TERMINATE_PROCESS,
		.tid = pid,
		.status = EXITED(5),
	};

	armed_service(s, nth, t, &service);
	if (t->result)
		terminate_process(s->w, pid, EXITED(5));
	if (end_status(pid) != EXITED(5))
		t->changed = true;
}

TEST_F_TIMEOUT(failures, services, 900)
{
	struct scene *s = &self->s;

	/* One thread is looked at, another makes threads. */
	ASSERT_LT(0, new_thread(s->w, 0, 2));
	ASSERT_TRUE(slot_spin(s->w, 0));
	ASSERT_EQ(0, behave(s->w, (struct pico_test_behaviour){
					  .callback = PICO_TEST_APC,
					  .result = PICO_TEST_USED }));
	walk(_metadata, s, "suspend_thread", run_suspend);
	walk(_metadata, s, "resume_thread", run_resume);
	walk(_metadata, s, "get_context_thread", run_get_context);
	walk(_metadata, s, "set_context_thread", run_set_context);
	walk(_metadata, s, "set_thread_descriptor_base", run_base);
	walk(_metadata, s, "queue_apc", run_apc);
	walk(_metadata, s, "pico_get_effective_container_id", run_container);
	walk(_metadata, s, "pico_thread_lookup", run_hold);
	walk(_metadata, s, "terminate_thread", run_terminate_thread);
	walk(_metadata, s, "terminate_process", run_terminate_process);
	ASSERT_TRUE(slot_stop(s->w, 0));
}

/* ---- what the processes do ---- */

/* A system call of slot 0's thread; the failure is its own. */
static void slot_try(struct scene *s, unsigned int nth, struct try *t,
		     int operation, __u64 a0, __u64 a1, __u64 a2, __u64 a3)
{
	volatile struct slot *slot = &s->w->shared->slots[0];

	slot->fail = nth;
	slot->fail_left = POISON;
	slot_begin(s->w, 0, operation, a0, a1, a2, a3, 0, 0, 0);
	if (!slot_done(s->w, 0))
		t->changed = true;
	slot->fail = 0;
	t->result = slot->result;
	t->left = slot->fail_left;
}

static void run_create_thread(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	volatile struct slot *slot = &s->w->shared->slots[1];
	__u32 started = slot->started;
	struct pico_test_create c;

	create_init(&c, 1);
	c.resume = 1;
	memcpy(s->w->shared->slots[0].scratch, &c, sizeof(c));
	slot_try(s, nth, t, SLOT_CALL, PICO_TEST_CALL_THREAD,
		 SLOT_ADDRESS(0, scratch), 0, 0);
	if (t->result < 0) {
		t->changed |= slot->started != started;
		return;
	}
	if (!eventually(slot->started != started) ||
	    terminate_thread(s->w, t->result, 0) ||
	    !eventually(!thread_state(t->result)))
		t->changed = true;
}

static void create_process(struct scene *s, unsigned int nth, struct try *t,
			   __u32 flags, __u32 uid)
{
	volatile struct slot *slot = &s->w->shared->slots[1];
	__u32 started = slot->started;
	struct pico_test_create c;

	create_init(&c, 1);
	c.resume = 1;
	c.process_flags = flags | SIBLING;
	c.uid = uid;
	memcpy(s->w->shared->slots[0].scratch, &c, sizeof(c));
	slot_try(s, nth, t, SLOT_CALL, PICO_TEST_CALL_PROCESS,
		 SLOT_ADDRESS(0, scratch), 0, 0);
	if (t->result < 0) {
		t->changed |= slot->started != started;
		return;
	}
	if (!eventually(slot->started != started) ||
	    terminate_process(s->w, t->result, EXITED(3)) ||
	    end_status(t->result) != EXITED(3))
		t->changed = true;
}

static void run_create_process(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;

	create_process(s, nth, t, 0, 1000);
}

static void run_clone_process(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;

	create_process(s, nth, t, CLONE_MEMORY | INHERIT_FILES, ~0U);
}

TEST_F_TIMEOUT(failures, create_thread, 900)
{
	walk(_metadata, &self->s, "create_thread", run_create_thread);
}

TEST_F_TIMEOUT(failures, create_process, 1800)
{
	walk(_metadata, &self->s, "create_process", run_create_process);
}

TEST_F_TIMEOUT(failures, clone_process, 1800)
{
	walk(_metadata, &self->s, "create_process, cloned", run_clone_process);
}

/* The child stands in start_process(); what it allocates there may fail. */
static void run_start_process(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	volatile struct slot *slot = &s->w->shared->slots[1];
	__u32 started = slot->started;
	struct pico_test_create c;
	int fd, status;
	long pid;

	clear_events(s->w);
	behave(s->w, (struct pico_test_behaviour){ .callback = PICO_TEST_START,
						   .flags = PICO_TEST_GATE });
	create_init(&c, 1);
	c.resume = 1;
	c.process_flags = SIBLING;
	pid = create(s->w, 0, PICO_TEST_CALL_PROCESS, &c);
	if (pid <= 0 || !wait_event(s->w, PICO_TEST_START, pid)) {
		t->changed = true;
		return;
	}
	fd = inject_open(pid, pid);
	inject_arm(fd, nth);
	behave(s->w,
	       (struct pico_test_behaviour){ .callback = PICO_TEST_START });
	if (!eventually(slot->started != started ||
			waitpid(pid, &status, WNOHANG) == pid)) {
		t->changed = true;
		return;
	}
	if (slot->started == started) {
		t->left = 0;
		t->result = -ENOMEM;
		if (status != SIGKILL)
			t->changed = true;
	} else {
		t->left = inject_disarm(fd);
		t->result = 0;
		terminate_process(s->w, pid, EXITED(3));
		if (end_status(pid) != EXITED(3))
			t->changed = true;
	}
	close(fd);
}

TEST_F_TIMEOUT(failures, start_process, 900)
{
	walk(_metadata, &self->s, "start_process", run_start_process);
}

static void run_forward(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;

	slot_try(s, nth, t, SLOT_CALL, PICO_TEST_CALL_FORWARD, SYS_getpid, 0,
		 0);
	if (t->result != s->pid)
		t->changed = true;
}

/* It would wait, but for its watch. */
static void run_watched(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;

	slot_try(s, nth, t, SLOT_CALL, PICO_TEST_CALL_WATCHED, SYS_getpid, 0,
		 0);
	if (t->result != s->pid)
		t->changed = true;
}

/* A copy of the native call's own may fail; it ends in the right place. */
static void run_watched_copy(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	volatile struct slot *slot = &s->w->shared->slots[0];
	struct timespec *time = (struct timespec *)slot->scratch;

	*time = (struct timespec){ .tv_nsec = 1000 };
	clear_events(s->w);
	slot_try(s, nth, t, SLOT_CALL, PICO_TEST_CALL_WATCHED, SYS_nanosleep,
		 SLOT_ADDRESS(0, scratch), 0);
	if (count_events(s->w, PICO_TEST_ENDED, s->pid) != 1)
		t->changed = true;
}

static void run_own_context(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	struct pico_test_service *service =
		(struct pico_test_service *)s->w->shared->slots[0].scratch;

	*service = (struct pico_test_service){
		.service = PICO_TEST_DO_EXTENDED_SIZE,
	};
	ioctl(s->w->host, PICO_TEST_IOC_SERVICE, service);
	service->service = PICO_TEST_DO_GET_CONTEXT;
	service->parts = CONTEXT_ALL;
	service->extended = SLOT_ADDRESS(0, scratch) + 1024;
	service->result = POISON;
	slot_try(s, nth, t, SLOT_CALL, PICO_TEST_CALL_SERVICE,
		 SLOT_ADDRESS(0, scratch), 0, 0);
	if (!t->result)
		t->result = service->result;
}

/* An exception that comes while nothing can be had is an exception still. */
static void exception(struct scene *s, unsigned int nth, struct try *t,
		      enum slot_fault fault, __u64 vector)
{
	volatile struct slot *slot = &s->w->shared->slots[0];
	__u32 faults = slot->faults;

	slot_try(s, nth, t, SLOT_FAULT, fault, 0, 0, 0);
	t->result = 0;
	if (slot->faults != faults + 1 || slot->fault[1] != vector)
		t->changed = true;
}

static void run_invalid(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;

	exception(s, nth, t, FAULT_UD2, 6);
}

static void run_page_fault(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;

	exception(s, nth, t, FAULT_READ, 14);
}

TEST_F_TIMEOUT(failures, calls, 900)
{
	struct scene *s = &self->s;

	walk(_metadata, s, "pico_forward_system_call", run_forward);
	walk(_metadata, s, "pico_forward_watched", run_watched);
	walk(_metadata, s, "a watched call's copy", run_watched_copy);
	walk(_metadata, s, "get_context_thread, own", run_own_context);
	ASSERT_EQ(0, behave(s->w, (struct pico_test_behaviour){
					  .callback = PICO_TEST_EXCEPTION,
					  .result = PICO_TEST_HANDLE }));
	walk(_metadata, s, "dispatch_exception", run_invalid);
	walk(_metadata, s, "dispatch_exception, of an address", run_page_fault);
}

/* The test's own allocations: of the signal's description. */
static void run_signal(void *arg, unsigned int nth, struct try *t)
{
	struct scene *s = arg;
	union sigval value = { .sival_int = 7 };

	clear_events(s->w);
	ARMED(s->self, nth, t, sigqueue(s->pid, SIGUSR1, value));
	if (!t->result && !wait_event(s->w, PICO_TEST_SIGNAL, s->pid))
		t->changed = true;
	if (!slot_moves(s->w, 0))
		t->changed = true;
}

TEST_F_TIMEOUT(failures, signals, 300)
{
	struct scene *s = &self->s;

	ASSERT_EQ(0, behave(s->w, (struct pico_test_behaviour){
					  .callback = PICO_TEST_SIGNAL,
					  .result = PICO_TEST_TAKEN }));
	ASSERT_TRUE(slot_spin(s->w, 0));
	walk(_metadata, s, "deliver_signal", run_signal);
	ASSERT_TRUE(slot_stop(s->w, 0));
}

/*
 * What ends cannot fail, and says nothing afterwards: how far the failure got
 * is not known. None of them gets beyond the last of these.
 */
#define EXIT_FAILURES 60

static void ends(struct __test_metadata *_metadata, struct scene *s, bool all)
{
	struct counts before = count();

	for (unsigned int nth = 1; nth <= EXIT_FAILURES; nth++) {
		volatile struct slot *slot = &s->w->shared->slots[1];
		pid_t id = all ? start_process(s->w, s->w->host, 1, true) :
				 new_thread(s->w, 0, 1);

		ASSERT_LT(0, id);
		slot->fail = nth;
		slot_begin(s->w, 1, SLOT_CALL, PICO_TEST_CALL_FORWARD,
			   all ? SYS_exit_group : SYS_exit, 9, 0, 0, 0, 0);
		EXPECT_TRUE(all ? end_status(id) == EXITED(9) :
				  eventually(!thread_state(id)))
		TH_LOG("%u", nth);
		slot->fail = 0;
		ASSERT_TRUE(as_before(&before)) TH_LOG("%u", nth);
	}
}

TEST_F_TIMEOUT(failures, exit_thread, 300)
{
	ends(_metadata, &self->s, false);
}

TEST_F_TIMEOUT(failures, exit_process, 300)
{
	ends(_metadata, &self->s, true);
}

TEST_HARNESS_MAIN
