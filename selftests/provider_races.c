// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything against everything: services of two callers and the processes'
 * own doings at the same time. What counts must come out right, nothing may
 * hang, and nothing may be left.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"
#include "lib/sandbox.h"

PROVIDER_FIXTURE(races, true)

/* A thread of the test that does one thing until it is told to stop. */
struct worker {
	pthread_t thread;
	struct world *w;
	pid_t pid, tid;
	volatile bool stop;
	long rounds, wrong;
	int last; /* a result that was not foreseen */
};

static void begin(struct worker *worker, struct world *w, pid_t pid, pid_t tid,
		  void *(*run)(void *))
{
	memset(worker, 0, sizeof(*worker));
	worker->w = w;
	worker->pid = pid;
	worker->tid = tid;
	pthread_create(&worker->thread, NULL, run, worker);
}

static void end(struct worker *worker)
{
	worker->stop = true;
	pthread_join(worker->thread, NULL);
}

static int rounds(int n)
{
	const char *slower = getenv("PICO_SLOWER");
	int by = slower ? atoi(slower) : 1;

	return by > 1 ? n / by + 1 : n;
}

/* One suspension more, one less; nobody else counts here. */
static void *suspends(void *arg)
{
	struct worker *me = arg;

	while (!me->stop) {
		__u32 before, after;

		if (suspend(me->w, me->tid, &before) ||
		    resume(me->w, me->tid, &after) || after != before + 1)
			me->wrong++;
		me->rounds++;
	}
	return NULL;
}

static void *reads_context(void *arg)
{
	struct worker *me = arg;
	struct pico_test_service s;

	while (!me->stop) {
		me->last = get_context(me->w, me->tid, 3, &s);
		if (me->last || s.registers[PICO_TEST_IP] < PICO_TEST_IMAGE ||
		    s.registers[PICO_TEST_IP] >= PICO_TEST_STACKS)
			me->wrong++;
		me->rounds++;
	}
	return NULL;
}

/* What it reads, it writes back while the thread is suspended. */
static void *writes_context(void *arg)
{
	struct worker *me = arg;
	struct pico_test_service s;

	while (!me->stop) {
		if (suspend(me->w, me->tid, NULL) ||
		    get_context(me->w, me->tid, 3, &s))
			me->wrong++;
		s.service = PICO_TEST_DO_SET_CONTEXT;
		if (service(me->w, &s) || resume(me->w, me->tid, NULL))
			me->wrong++;
		/* Whoever wakes late would be suspended again, each time. */
		if (!(++me->rounds % 16))
			usleep(500);
	}
	return NULL;
}

static void *stops(void *arg)
{
	struct worker *me = arg;

	while (!me->stop) {
		kill(me->pid, SIGSTOP);
		kill(me->pid, SIGCONT);
		me->rounds++;
	}
	return NULL;
}

/* The thread's own work goes on, undisturbed. */
static void undisturbed(struct __test_metadata *_metadata, struct world *w,
			pid_t pid, void *(*one)(void *), void *(*other)(void *))
{
	volatile struct slot *slot = &w->shared->slots[0];
	struct worker a, b;
	__u64 before;

	slot_begin(w, 0, SLOT_CALLS, PICO_TEST_CALL_ECHO, 41, 0, 0, 0, 0, 0);
	ASSERT_TRUE(eventually(slot->counter));
	begin(&a, w, pid, pid, one);
	begin(&b, w, pid, pid, other);
	for (int i = 0; i < 20; i++) {
		before = slot->counter;
		usleep(50000);
		ASSERT_TRUE(eventually(slot->counter != before));
	}
	end(&a);
	end(&b);
	kill(pid, SIGCONT);
	EXPECT_EQ(0, a.wrong) TH_LOG("last result %d", a.last);
	EXPECT_EQ(0, b.wrong) TH_LOG("last result %d", b.last);
	EXPECT_GT(a.rounds, 3);
	EXPECT_GT(b.rounds, 3);
	ASSERT_TRUE(slot_stop(w, 0));
	EXPECT_EQ(42, slot->result);
	EXPECT_EQ(0, slot->errors);
	/* All that was counted was counted back. */
	EXPECT_EQ(-EINVAL, resume(w, pid, NULL));
}

TEST_F(races, suspend_and_suspend)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	struct worker a, b;

	/* With two who count, only the sum is certain. */
	slot_begin(&self->w, 0, SLOT_CALLS, PICO_TEST_CALL_ECHO, 41, 0, 0, 0, 0,
		   0);
	ASSERT_TRUE(eventually(slot->counter));
	begin(&a, &self->w, self->pid, self->pid, suspends);
	begin(&b, &self->w, self->pid, self->pid, suspends);
	for (int i = 0; i < 10; i++)
		usleep(100000);
	end(&a);
	end(&b);
	EXPECT_GT(a.rounds + b.rounds, 10);
	EXPECT_EQ(-EINVAL, resume(&self->w, self->pid, NULL));
	ASSERT_TRUE(slot_stop(&self->w, 0));
	EXPECT_EQ(0, slot->errors);
}

TEST_F(races, suspend_and_read)
{
	undisturbed(_metadata, &self->w, self->pid, suspends, reads_context);
}

TEST_F(races, read_and_read)
{
	undisturbed(_metadata, &self->w, self->pid, reads_context,
		    reads_context);
}

TEST_F(races, write_and_read)
{
	undisturbed(_metadata, &self->w, self->pid, writes_context,
		    reads_context);
}

TEST_F(races, write_and_stop)
{
	undisturbed(_metadata, &self->w, self->pid, writes_context, stops);
}

/* A reader is not held up by one who resumes what nobody suspended. */
static void *resumes(void *arg)
{
	struct worker *me = arg;

	while (!me->stop) {
		me->last = resume(me->w, me->tid, NULL);
		if (me->last != -EINVAL)
			me->wrong++;
		me->rounds++;
	}
	return NULL;
}

TEST_F(races, read_and_resume)
{
	undisturbed(_metadata, &self->w, self->pid, reads_context, resumes);
}

/* Exceptions in between: handled ones, one after the other. */
TEST_F(races, exceptions_and_suspend)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	struct worker a, b;
	int n = rounds(200);

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_EXCEPTION,
					      .result = PICO_TEST_HANDLE }));
	begin(&a, &self->w, self->pid, self->pid, suspends);
	begin(&b, &self->w, self->pid, self->pid, writes_context);
	for (int i = 0; i < n; i++) {
		slot_begin(&self->w, 0, SLOT_FAULT, FAULT_READ, 1, 0, 0, 0, 0,
			   0);
		ASSERT_TRUE(slot_done(&self->w, 0));
	}
	end(&a);
	end(&b);
	EXPECT_EQ(2 * n, slot->faults);
	EXPECT_EQ(2 * n,
		  count_events(&self->w, PICO_TEST_EXCEPTION, self->pid));
}

/* Services on threads that end meanwhile: ESRCH, or none is found. */
static void *harasses(void *arg)
{
	struct worker *me = arg;

	while (!me->stop) {
		struct pico_test_service s;
		pid_t tid = *(volatile pid_t *)&me->tid;
		int ret;

		me->rounds++;
		if (!tid)
			continue;
		ret = suspend(me->w, tid, NULL);
		if (!ret)
			ret = get_context(me->w, tid, 3, &s);
		if (!ret) {
			s.service = PICO_TEST_DO_SET_CONTEXT;
			ret = service(me->w, &s);
		}
		if (!ret)
			ret = resume(me->w, tid, NULL);
		if (ret && ret != -ESRCH && ret != NO_THREAD) {
			me->last = ret;
			me->wrong++;
		}
	}
	return NULL;
}

TEST_F(races, suspend_and_exit)
{
	struct worker a;
	int n = rounds(100);

	begin(&a, &self->w, 0, 0, harasses);
	for (int i = 0; i < n; i++) {
		pid_t tid = new_thread(&self->w, 0, 1);

		ASSERT_GT(tid, 0);
		a.tid = tid;
		if (i & 1)
			slot_spin(&self->w, 1);
		/* By itself, or because it is told to. */
		if (i & 2)
			slot_begin(&self->w, 1, SLOT_CALL,
				   PICO_TEST_CALL_FORWARD, 60, 0, 0, 0, 0, 0);
		else
			terminate_thread(&self->w, tid, 0);
		if ((i & 3) == 3)
			terminate_thread(&self->w, tid, 0);
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid))
		TH_LOG("round %d", i);
		a.tid = 0;
	}
	end(&a);
	EXPECT_EQ(0, a.wrong) TH_LOG("last result %d", a.last);
	EXPECT_TRUE(eventually(status_number(self->pid, "Threads:") == 1));
}

TEST_F(races, terminate_process_and_services)
{
	int n = rounds(40);

	for (int i = 0; i < n; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, true);
		struct worker a, b;

		ASSERT_GT(pid, 0);
		begin(&a, &self->w, pid, pid, harasses);
		begin(&b, &self->w, pid, pid, harasses);
		usleep(i * 1000);
		/* It may be suspended, stopped or whatever. */
		ASSERT_EQ(0, terminate_process(&self->w, pid, EXITED(i)));
		EXPECT_EQ(EXITED(i), end_status(pid));
		end(&a);
		end(&b);
		EXPECT_EQ(0, a.wrong + b.wrong);
		EXPECT_EQ(1,
			  count_events(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	}
}

/* Somebody ends processes by numbers whose owners are just going. */
static void *ends_by_number(void *arg)
{
	struct worker *worker = arg;

	while (!worker->stop) {
		struct pico_ioc_terminate t = { .pid = worker->pid };

		if (!ioctl(worker->w->host, PICO_IOC_TERMINATE, &t) ||
		    errno != ESRCH)
			worker->wrong++;
		worker->rounds++;
	}
	return NULL;
}

TEST_F(races, terminate_and_reap)
{
	struct worker worker;

	begin(&worker, &self->w, getpid(), 0, ends_by_number);
	for (int i = 0; i < rounds(2000); i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		worker.pid = pid;
		waitpid(pid, NULL, 0);
	}
	end(&worker);
	EXPECT_EQ(0, worker.wrong);
	EXPECT_GT(worker.rounds, 100);
}

/* Creation against the end of the creator: nothing is left half made. */
TEST_F(races, create_and_terminate)
{
	unsigned int seed = 4711;
	int n = rounds(60);

	for (int i = 0; i < n; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, true);
		struct pico_test_create c;

		ASSERT_GT(pid, 0);
		create_init(&c, 2);
		c.resume = i & 1;
		memcpy(self->w.shared->slots[1].scratch, &c, sizeof(c));
		slot_begin(&self->w, 1, SLOT_CALLS,
			   i & 2 ? PICO_TEST_CALL_PROCESS :
				   PICO_TEST_CALL_THREAD,
			   SLOT_ADDRESS(1, scratch), 0, 0, 0, 0, 0);
		usleep(rand_r(&seed) % 20000);
		if (i & 4)
			kill(pid, SIGKILL);
		else
			terminate_process(&self->w, pid, SIGKILL);
		EXPECT_EQ(SIGKILL, end_status(pid));
		/* Children that were made are the host's to end. */
		close(self->w.host);
		self->w.host = provider_open(&self->w, PICO_TEST_PROVIDER);
		ASSERT_GE(self->w.host, 0);
		EXPECT_TRUE(
			eventually((waitpid(-1, NULL, WNOHANG | __WALL),
				    module_counter("pico", "processes") == 0)));
		EXPECT_EQ(0, module_counter("pico_test", "contexts"));
	}
}

/* The creator is killed in thread_created(), which is called all the same. */
TEST_F(races, killed_in_thread_created)
{
	struct pico_test_behaviour gate = {
		.callback = PICO_TEST_CREATED,
		.flags = PICO_TEST_GATE,
	};

	for (int i = 0; i < 4; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, true);
		struct pico_test_create c;

		ASSERT_GT(pid, 0);
		gate.flags = PICO_TEST_GATE;
		ASSERT_EQ(0, behave(&self->w, gate));
		clear_events(&self->w);
		create_init(&c, 2);
		c.resume = i & 1;
		memcpy(self->w.shared->slots[1].scratch, &c, sizeof(c));
		slot_begin(&self->w, 1, SLOT_CALL,
			   i & 2 ? PICO_TEST_CALL_PROCESS :
				   PICO_TEST_CALL_THREAD,
			   SLOT_ADDRESS(1, scratch), 0, 0, 0, 0, 0);
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_CREATED, pid));
		kill(pid, SIGKILL);
		usleep(20000);
		gate.flags = 0;
		ASSERT_EQ(0, behave(&self->w, gate));
		EXPECT_EQ(SIGKILL, end_status(pid));
		EXPECT_EQ(1, count_events(&self->w, PICO_TEST_CREATED, 0));
	}
}

/* Tickets against the end of their host, and of their owner. */
TEST_F(races, execve_and_terminate)
{
	unsigned int seed = 42;
	int n = rounds(100);

	for (int i = 0; i < n; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, false);
		int status;

		ASSERT_GT(pid, 0);
		usleep(rand_r(&seed) % 6000);
		if (i & 1) {
			kill(pid, SIGKILL);
		} else if (i & 2) {
			/* Found or not, a process or not yet one. */
			if (terminate_process(&self->w, pid, SIGKILL))
				kill(pid, SIGKILL);
		} else {
			/* Its own copy goes with execve(). */
			close(self->w.host);
			self->w.host =
				provider_open(&self->w, PICO_TEST_PROVIDER);
		}
		status = end_status(pid);
		EXPECT_TRUE(status == SIGKILL || status == EXITED(EPERM) ||
			    status == SIGSEGV)
		TH_LOG("round %d: %#x", i, status);
	}
	EXPECT_TRUE(eventually(module_counter("pico", "processes") <= 1));
}

/* Registration comes and goes while others try to open it and make processes. */
static void *opens(void *arg)
{
	struct worker *me = arg;

	while (!me->stop) {
		int fd = provider_open(me->w, "fleeting");

		if (fd >= 0) {
			me->rounds++;
			close(fd);
		} else if (errno != ENOENT) {
			me->last = errno;
			me->wrong++;
		}
	}
	return NULL;
}

TEST_F(races, unregister_and_open)
{
	struct pico_test_registration r = {
		.slot = 1,
		.process_access = 7,
		.thread_access = 7,
		.name = "fleeting",
	};
	struct worker a;
	int n = rounds(300), busy = 0;

	begin(&a, &self->w, 0, 0, opens);
	/* As long as it takes until the other has had it once. */
	for (int i = 0; i < n || !a.rounds; i++) {
		int ret = -1;

		ASSERT_EQ(0,
			  ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
		usleep(i >= n ? 100000 : i & 7 ? 0 : 3000);
		for (int k = 0; k < 20000 && ret; k++) {
			ret = ioctl(self->w.control, PICO_TEST_IOC_UNREGISTER,
				    1);
			if (!ret)
				break;
			ASSERT_EQ(EBUSY, errno);
			busy++;
			usleep(100);
		}
		ASSERT_EQ(0, ret);
	}
	end(&a);
	EXPECT_EQ(0, a.wrong) TH_LOG("errno %d", a.last);
	EXPECT_GT(a.rounds, 0);
	TH_LOG("%ld opened, %d times busy", a.rounds, busy);
}

TEST_F(races, unregister_and_create)
{
	struct pico_test_registration r = {
		.slot = 1,
		.process_access = 7,
		.thread_access = 7,
		.name = "fleeting",
	};
	int n = rounds(30);

	for (int i = 0; i < n; i++) {
		pid_t pid;
		int fd;

		ASSERT_EQ(0,
			  ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
		fd = provider_open(&self->w, "fleeting");
		ASSERT_GE(fd, 0);
		pid = start_process(&self->w, fd, 1, i & 1);
		close(fd);
		/* Refused until the last of the two has gone. */
		EXPECT_TRUE(
			eventually(ioctl(self->w.control,
					 PICO_TEST_IOC_UNREGISTER, 1) == 0));
		EXPECT_NE(-1, end_status(pid));
	}
}

/* Who looks at the process, in the ways that ask for its provider's masks. */
static void *looks(void *arg)
{
	static const char *const files[] = {
		"/sys/kernel/debug/pico/processes",
		"/sys/kernel/debug/pico/threads",
		"/sys/kernel/debug/pico/providers",
	};
	struct worker *me = arg;
	char path[64], text[4096];

	while (!me->stop) {
		pid_t tid = *(volatile pid_t *)&me->tid;

		me->rounds++;
		for (int i = 0; i < 3; i++)
			read_file(files[i], text, sizeof(text));
		if (!tid)
			continue;
		kill(tid, SIGWINCH);
		syscall(SYS_tgkill, tid, tid, SIGURG);
		snprintf(path, sizeof(path), "/proc/%d/maps", tid);
		read_file(path, text, sizeof(text));
		syscall(SYS_kcmp, tid, getpid(), 1, 0, 0);
	}
	return NULL;
}

TEST_F(races, look_and_exit)
{
	struct pico_test_registration r = {
		.slot = 1,
		.process_access = 7,
		.thread_access = 7,
		.name = "fleeting",
	};
	struct worker a, b;
	int n = rounds(100);

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_SIGNAL,
					      .result = PICO_TEST_TAKEN }));
	begin(&a, &self->w, 0, 0, looks);
	begin(&b, &self->w, 0, 0, looks);
	for (int i = 0; i < n; i++) {
		pid_t pid;
		int fd;

		ASSERT_EQ(0,
			  ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
		fd = provider_open(&self->w, "fleeting");
		ASSERT_GE(fd, 0);
		pid = start_process(&self->w, fd, 1, true);
		ASSERT_GT(pid, 0);
		a.tid = pid;
		b.tid = pid;
		/* Long after the threads are gone there is a zombie to ask of. */
		if (i & 1)
			close(fd);
		else
			terminate_process(&self->w, pid, SIGKILL);
		if (!(i & 1))
			close(fd);
		EXPECT_TRUE(
			eventually(ioctl(self->w.control,
					 PICO_TEST_IOC_UNREGISTER, 1) == 0));
		EXPECT_NE(-1, end_status(pid));
	}
	end(&a);
	end(&b);
	EXPECT_GT(a.rounds + b.rounds, 2);
}

/* A thread's state is read while it is told to end. */
TEST_F(races, read_and_terminate)
{
	struct worker a, b;
	int n = rounds(100);

	begin(&a, &self->w, 0, 0, harasses);
	begin(&b, &self->w, 0, 0, harasses);
	for (int i = 0; i < n; i++) {
		pid_t tid = new_thread(&self->w, 0, 1);

		ASSERT_GT(tid, 0);
		ASSERT_TRUE(slot_spin(&self->w, 1));
		a.tid = tid;
		b.tid = tid;
		usleep(i * 50);
		terminate_thread(&self->w, tid, 0);
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	}
	end(&a);
	end(&b);
	EXPECT_EQ(0, a.wrong + b.wrong) TH_LOG("%d %d", a.last, b.last);
	EXPECT_TRUE(eventually(status_number(self->pid, "Threads:") == 1));
}

/* A tracer comes and goes while the thread is suspended and resumed. */
TEST_F(races, trace_and_suspend)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	struct worker a;
	int status, n = rounds(60);

	slot_begin(&self->w, 0, SLOT_CALLS, PICO_TEST_CALL_ECHO, 41, 0, 0, 0, 0,
		   0);
	ASSERT_TRUE(eventually(slot->counter));
	begin(&a, &self->w, self->pid, self->pid, suspends);
	for (int i = 0; i < n; i++) {
		ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, 0));
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
		ASSERT_TRUE(eventually(waitpid(self->pid, &status,
					       WNOHANG | __WALL) == self->pid));
		ASSERT_TRUE(WIFSTOPPED(status));
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
	}
	end(&a);
	EXPECT_EQ(0, a.wrong);
	ASSERT_TRUE(slot_stop(&self->w, 0));
	EXPECT_EQ(0, slot->errors);
}

TEST_HARNESS_MAIN
