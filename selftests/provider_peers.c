// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services that a thread of a provider's calls on another: from its system
 * calls, from its other callbacks, and two of them on one another.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define GENERAL 1
#define ERESTARTSYS 512

PROVIDER_FIXTURE(peers, true)

static struct pico_test_service on(pid_t tid, int service)
{
	return (struct pico_test_service){
		.service = service,
		.tid = tid,
		.parts = GENERAL,
		.result = POISON,
		.previous = POISON,
	};
}

/* Slot @by's thread begins to call the service; its result is in scratch. */
static volatile struct pico_test_service *
begins(struct world *w, int by, const struct pico_test_service *s)
{
	void *scratch = w->shared->slots[by].scratch;

	memcpy(scratch, s, sizeof(*s));
	slot_begin(w, by, SLOT_CALL, PICO_TEST_CALL_SERVICE,
		   SLOT_ADDRESS(by, scratch), 0, 0, 0, 0, 0);
	return scratch;
}

/* From begin to end: what the service returned, or the call before it. */
static int asks(struct world *w, int by, struct pico_test_service *s)
{
	volatile struct pico_test_service *there = begins(w, by, s);

	if (!slot_done(w, by))
		return POISON;
	memcpy(s, (void *)there, sizeof(*s));
	return (long)w->shared->slots[by].result ?: s->result;
}

static int simply(struct world *w, int by, pid_t tid, int service)
{
	struct pico_test_service s = on(tid, service);

	return asks(w, by, &s);
}

static bool waits(struct world *w, pid_t tid)
{
	return eventually(thread_state(tid) == 'S');
}

TEST_F(peers, suspended_and_resumed)
{
	struct pico_test_service s;
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	ASSERT_TRUE(slot_spin(&self->w, 1));
	s = on(tid, PICO_TEST_DO_SUSPEND);
	EXPECT_EQ(0, asks(&self->w, 0, &s));
	EXPECT_EQ(0, s.previous);
	EXPECT_EQ(0, simply(&self->w, 0, tid, PICO_TEST_DO_GET_CONTEXT));
	EXPECT_TRUE(slot_rests(&self->w, 1));
	s = on(tid, PICO_TEST_DO_RESUME);
	EXPECT_EQ(0, asks(&self->w, 0, &s));
	EXPECT_EQ(1, s.previous);
	EXPECT_TRUE(slot_moves(&self->w, 1));
	EXPECT_EQ(-EINVAL, simply(&self->w, 0, tid, PICO_TEST_DO_RESUME));
	/* No thread of the provider's. */
	EXPECT_EQ(-ENOENT, simply(&self->w, 0, getpid(), PICO_TEST_DO_SUSPEND));
	ASSERT_TRUE(slot_stop(&self->w, 1));
}

/* Of another process, too. */
TEST_F(peers, of_another_process)
{
	pid_t pid = new_process(&self->w, 0, 1, 0);

	ASSERT_GT(pid, 0);
	ASSERT_TRUE(slot_spin(&self->w, 1));
	EXPECT_EQ(0, simply(&self->w, 0, pid, PICO_TEST_DO_SUSPEND));
	EXPECT_EQ(0, simply(&self->w, 0, pid, PICO_TEST_DO_GET_CONTEXT));
	EXPECT_TRUE(slot_rests(&self->w, 1));
	EXPECT_EQ(0, simply(&self->w, 0, pid, PICO_TEST_DO_RESUME));
	EXPECT_TRUE(slot_moves(&self->w, 1));
	EXPECT_EQ(0, simply(&self->w, 0, pid, PICO_TEST_DO_TERMINATE_PROCESS));
	EXPECT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXIT_THREAD, self->pid));
}

/* Who waits for another's registers does so until it is suspended itself. */
TEST_F(peers, a_suspension_ends_the_wait)
{
	volatile struct pico_test_service *there;
	struct pico_test_service s;
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	slot_begin(&self->w, 1, SLOT_CALL, PICO_TEST_CALL_BLOCK,
		   PICO_TEST_UNINTERRUPTIBLY, 0, 0, 0, 0, 0);
	ASSERT_TRUE(
		eventually(ioctl(self->w.control, PICO_TEST_IOC_BLOCKED) == 1));
	s = on(tid, PICO_TEST_DO_GET_CONTEXT);
	there = begins(&self->w, 0, &s);
	ASSERT_TRUE(waits(&self->w, self->pid));
	usleep(50000);
	EXPECT_FALSE(slot_is_done(&self->w, 0));
	EXPECT_EQ(POISON, there->result);
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_EQ(-ERESTARTSYS, there->result);
	EXPECT_FALSE(slot_is_done(&self->w, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_done(&self->w, 0));
	/* The other is not held any more. */
	ioctl(self->w.control, PICO_TEST_IOC_KICK);
	EXPECT_TRUE(slot_done(&self->w, 1));
}

/* Round after round, neither waits for ever. */
TEST_F(peers, read_one_another)
{
	volatile struct slot *slots = self->w.shared->slots;
	pid_t tids[2] = { self->pid, new_thread(&self->w, 0, 1) };
	int rounds = 500 / slower();

	ASSERT_GT(tids[1], 0);
	for (int i = 0; i < 2; i++) {
		struct pico_test_service s =
			on(tids[!i], PICO_TEST_DO_GET_CONTEXT);

		memcpy((void *)slots[i].scratch, &s, sizeof(s));
	}
	for (int i = 0; i < 2; i++)
		slot_begin(&self->w, i, SLOT_CALLS, PICO_TEST_CALL_SERVICE,
			   SLOT_ADDRESS(i, scratch), 0, 0, 0, 0, 0);
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(eventually(slots[i].counter > rounds));
	for (int i = 0; i < 2; i++) {
		volatile struct pico_test_service *s = (void *)slots[i].scratch;

		ASSERT_TRUE(slot_stop(&self->w, i));
		EXPECT_EQ(0, slots[i].result);
		EXPECT_EQ(0, slots[i].errors);
		EXPECT_TRUE(!s->result || s->result == -ERESTARTSYS)
		TH_LOG("%d", s->result);
		EXPECT_EQ(-EINVAL, resume(&self->w, tids[i], NULL));
	}
}

/* ---- from other callbacks ---- */

static struct pico_test_behaviour gate_of(int callback, int result)
{
	return (struct pico_test_behaviour){
		.callback = callback,
		.flags = PICO_TEST_GATE,
		.result = result,
		.value = callback == PICO_TEST_EXCEPTION ? 2 : 0,
	};
}

/*
 * Slots 1 and 2 have a thread each, both in .dispatch_exception; once they are
 * let go, each calls the service on the other.
 */
static void both(struct __test_metadata *_metadata, struct world *w,
		 const pid_t *tids, int service)
{
	struct pico_test_behaviour gate =
		gate_of(PICO_TEST_EXCEPTION, PICO_TEST_SKIP);

	ASSERT_EQ(0, behave(w, gate));
	for (int i = 0; i < 2; i++) {
		struct pico_test_service s = on(tids[!i], service);

		ASSERT_EQ(0, within(w, i, tids[i], PICO_TEST_EXCEPTION, &s));
		slot_begin(w, i + 1, SLOT_FAULT, FAULT_UD2, 0, 0, 0, 0, 0, 0);
	}
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(wait_event(w, PICO_TEST_EXCEPTION, tids[i]));
	gate.flags = 0;
	ASSERT_EQ(0, behave(w, gate));
}

static void two(struct __test_metadata *_metadata, struct world *w, pid_t *tids)
{
	for (int i = 0; i < 2; i++) {
		tids[i] = new_thread(w, 0, i + 1);
		ASSERT_GT(tids[i], 0);
	}
}

TEST_F(peers, both_read)
{
	pid_t tids[2];
	int results[2];

	two(_metadata, &self->w, tids);
	for (int round = 0; round < 10; round++) {
		clear_events(&self->w);
		both(_metadata, &self->w, tids, PICO_TEST_DO_GET_CONTEXT);
		for (int i = 0; i < 2; i++) {
			results[i] = within_result(&self->w, i);
			EXPECT_TRUE(!results[i] || results[i] == -ERESTARTSYS)
			TH_LOG("%d", results[i]);
			ASSERT_TRUE(slot_done(&self->w, i + 1));
		}
		/* Neither was at rest: one at least has given up. */
		EXPECT_TRUE(results[0] || results[1]);
	}
}

TEST_F(peers, both_suspend)
{
	pid_t tids[2];

	two(_metadata, &self->w, tids);
	both(_metadata, &self->w, tids, PICO_TEST_DO_SUSPEND);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, within_result(&self->w, i));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, comes_to_rest(&self->w, tids[i]));
	for (int i = 0; i < 2; i++) {
		__u32 previous = 0;

		ASSERT_EQ(0, resume(&self->w, tids[i], &previous));
		EXPECT_EQ(1, previous);
		EXPECT_TRUE(slot_done(&self->w, i + 1));
	}
}

TEST_F(peers, both_terminate)
{
	pid_t tids[2];

	two(_metadata, &self->w, tids);
	both(_metadata, &self->w, tids, PICO_TEST_DO_TERMINATE_THREAD);
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(
			wait_event(&self->w, PICO_TEST_EXIT_THREAD, tids[i]));
	EXPECT_TRUE(eventually(status_number(self->pid, "Threads:") == 1));
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* Nothing ends the wait for a thread that runs, in whatever callback. */
static void triggers(struct world *w, pid_t pid, int callback)
{
	struct pico_test_service apc = on(pid, PICO_TEST_DO_APC);
	struct pico_test_create c;

	switch (callback) {
	case PICO_TEST_EXCEPTION:
		slot_begin(w, 0, SLOT_FAULT, FAULT_UD2, 0, 0, 0, 0, 0, 0);
		break;
	case PICO_TEST_SYSTEM_CALL:
		slot_begin(w, 0, SLOT_CALL, PICO_TEST_CALL_ECHO, 0, 0, 0, 0, 0,
			   0);
		break;
	case PICO_TEST_CREATED:
		create_init(&c, 2);
		c.resume = 1;
		create(w, 0, PICO_TEST_CALL_PROCESS, &c);
		break;
	case PICO_TEST_ENDED:
		slot_begin(w, 0, SLOT_CALL, PICO_TEST_CALL_WATCHED, SYS_getppid,
			   0, 0, 0, 0, 0);
		break;
	case PICO_TEST_APC:
		service(w, &apc);
		break;
	case PICO_TEST_SIGNAL:
		kill(pid, SIGUSR2);
		break;
	}
}

TEST_F(peers, read_from_any_callback)
{
	static const int callbacks[] = {
		PICO_TEST_SYSTEM_CALL, PICO_TEST_EXCEPTION, PICO_TEST_CREATED,
		PICO_TEST_ENDED,       PICO_TEST_APC,	    PICO_TEST_SIGNAL,
	};
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	ASSERT_TRUE(slot_spin(&self->w, 1));
	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_EXCEPTION,
					      .result = PICO_TEST_SKIP,
					      .value = 2 }));
	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_SIGNAL,
					      .result = PICO_TEST_TAKEN }));
	for (int i = 0; i < 6; i++) {
		struct pico_test_service s = on(tid, PICO_TEST_DO_GET_CONTEXT);

		ASSERT_EQ(0, within(&self->w, 0, self->pid, callbacks[i], &s));
		triggers(&self->w, self->pid, callbacks[i]);
		EXPECT_EQ(0, within_result(&self->w, 0))
		TH_LOG("callback %d", callbacks[i]);
		ASSERT_TRUE(slot_done(&self->w, 0));
		EXPECT_TRUE(slot_moves(&self->w, 1));
	}
}

/* The thread of a process that is just made: it is suspended to begin with. */
TEST_F(peers, read_from_start_process)
{
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	ASSERT_TRUE(slot_spin(&self->w, 1));
	for (int resumed = 0; resumed < 2; resumed++) {
		struct pico_test_service s = on(tid, PICO_TEST_DO_GET_CONTEXT);
		struct pico_test_create c;
		long pid;

		ASSERT_EQ(0, behave(&self->w, gate_of(PICO_TEST_START, 0)));
		create_init(&c, 2);
		c.process_flags = SIBLING;
		c.resume = resumed;
		pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
		ASSERT_GT(pid, 0);
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_START, pid));
		ASSERT_EQ(0, within(&self->w, 0, pid, PICO_TEST_START, &s));
		ASSERT_EQ(0, behave(&self->w,
				    (struct pico_test_behaviour){
					    .callback = PICO_TEST_START }));
		EXPECT_EQ(0, within_result(&self->w, 0));
		EXPECT_TRUE(slot_moves(&self->w, 1));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		EXPECT_EQ(SIGKILL, end_status(pid));
	}
}

/* One that spins, one that waits, one that is suspended. */
TEST_F(peers, terminated)
{
	for (int how = 0; how < 3; how++) {
		pid_t tid = new_thread(&self->w, 0, 1);

		ASSERT_GT(tid, 0);
		if (how == 1)
			slot_begin(&self->w, 1, SLOT_CALL, PICO_TEST_CALL_BLOCK,
				   PICO_TEST_INTERRUPTIBLY, 0, 0, 0, 0, 0);
		else
			ASSERT_TRUE(slot_spin(&self->w, 1));
		if (how == 1)
			ASSERT_TRUE(
				eventually(ioctl(self->w.control,
						 PICO_TEST_IOC_BLOCKED) == 1));
		if (how == 2)
			ASSERT_EQ(0, simply(&self->w, 0, tid,
					    PICO_TEST_DO_SUSPEND));
		EXPECT_EQ(0, simply(&self->w, 0, tid,
				    PICO_TEST_DO_TERMINATE_THREAD));
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
		ASSERT_TRUE(
			eventually(status_number(self->pid, "Threads:") == 1));
	}
}

/* Somebody's exception sends another elsewhere: suspended, or as it runs. */
TEST_F(peers, sent_elsewhere_by_an_exception)
{
	pid_t tid = new_thread(&self->w, 0, 1);
	struct pico_test_service s;

	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_EXCEPTION,
					      .result = PICO_TEST_SKIP,
					      .value = 2 }));
	for (int n = 2; n < 4; n++) {
		volatile struct slot *there = &self->w.shared->slots[n];

		ASSERT_TRUE(slot_spin(&self->w, n == 2 ? 1 : 2));
		if (n == 2)
			ASSERT_EQ(0, suspend(&self->w, tid, NULL));
		s = on(tid, PICO_TEST_DO_SET_CONTEXT);
		s.registers[PICO_TEST_IP] = PICO_TEST_ENTRY;
		s.registers[PICO_TEST_SP] =
			PICO_TEST_STACKS + (n + 1) * PICO_TEST_STACK_SIZE;
		s.registers[PICO_TEST_DI] = n;
		s.registers[PICO_TEST_SI] = 0x4321;
		ASSERT_EQ(0, within(&self->w, 0, self->pid, PICO_TEST_EXCEPTION,
				    &s));
		slot_begin(&self->w, 0, SLOT_FAULT, FAULT_UD2, 0, 0, 0, 0, 0,
			   0);
		EXPECT_EQ(0, within_result(&self->w, 0));
		EXPECT_TRUE(slot_done(&self->w, 0));
		if (n == 2) {
			EXPECT_EQ(0, there->started);
			ASSERT_EQ(0, resume(&self->w, tid, NULL));
		}
		ASSERT_TRUE(eventually(there->started == 1));
		EXPECT_EQ(0x4321, there->entry_si);
		EXPECT_EQ(tid, slot_call(&self->w, n, PICO_TEST_CALL_TID, 0, 0,
					 0, 0, 0));
	}
}

/* Slots 1 and 2, suspended, both in .deliver_signal. */
static void both_shown(struct __test_metadata *_metadata, struct world *w,
		       pid_t pid, const pid_t *tids,
		       struct pico_test_behaviour gate)
{
	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(slot_spin(w, i + 1));
		ASSERT_EQ(0, suspend(w, tids[i], NULL));
		ASSERT_EQ(0, comes_to_rest(w, tids[i]));
	}
	ASSERT_EQ(0, behave(w, gate));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, syscall(SYS_tgkill, pid, tids[i], SIGUSR2));
		ASSERT_TRUE(wait_event(w, PICO_TEST_SIGNAL, tids[i]));
	}
}

static void both_go_on(struct __test_metadata *_metadata, struct world *w,
		       const pid_t *tids)
{
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, comes_to_rest(w, tids[i]));
		EXPECT_TRUE(slot_rests(w, i + 1));
		EXPECT_EQ(0, resume(w, tids[i], NULL));
		EXPECT_TRUE(slot_moves(w, i + 1));
		EXPECT_TRUE(slot_stop(w, i + 1));
	}
}

/* They are suspended already; what comes now ends their waits all the same. */
TEST_F(peers, both_read_while_suspended)
{
	struct pico_test_behaviour gate =
		gate_of(PICO_TEST_SIGNAL, PICO_TEST_TAKEN);
	int results[2];
	pid_t tids[2];

	two(_metadata, &self->w, tids);
	for (int i = 0; i < 2; i++) {
		struct pico_test_service s =
			on(tids[!i], PICO_TEST_DO_GET_CONTEXT);

		ASSERT_EQ(0,
			  within(&self->w, i, tids[i], PICO_TEST_SIGNAL, &s));
	}
	both_shown(_metadata, &self->w, self->pid, tids, gate);
	gate.flags = 0;
	ASSERT_EQ(0, behave(&self->w, gate));
	for (int i = 0; i < 2; i++) {
		results[i] = within_result(&self->w, i);
		EXPECT_TRUE(!results[i] || results[i] == -ERESTARTSYS)
		TH_LOG("%d", results[i]);
	}
	EXPECT_TRUE(results[0] || results[1]);
	both_go_on(_metadata, &self->w, tids);
}

/* The same with only one who reads: one suspension more ends its wait. */
TEST_F(peers, a_further_suspension_ends_the_wait)
{
	struct pico_test_behaviour gate =
		gate_of(PICO_TEST_SIGNAL, PICO_TEST_TAKEN);
	struct pico_test_service s;
	pid_t tids[2];

	two(_metadata, &self->w, tids);
	/* The one that is read stays in its callback meanwhile. */
	s = on(tids[1], PICO_TEST_DO_GET_CONTEXT);
	ASSERT_EQ(0, suspend(&self->w, tids[0], NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, tids[0]));
	ASSERT_EQ(0, within(&self->w, 0, tids[0], PICO_TEST_SIGNAL, &s));
	slot_begin(&self->w, 2, SLOT_CALL, PICO_TEST_CALL_BLOCK,
		   PICO_TEST_UNINTERRUPTIBLY, 0, 0, 0, 0, 0);
	ASSERT_TRUE(
		eventually(ioctl(self->w.control, PICO_TEST_IOC_BLOCKED) == 1));
	gate.flags = 0;
	ASSERT_EQ(0, behave(&self->w, gate));
	ASSERT_EQ(0, syscall(SYS_tgkill, self->pid, tids[0], SIGUSR2));
	ASSERT_TRUE(eventually(within_state(&self->w, 0) == PICO_TEST_BEGUN));
	ASSERT_TRUE(waits(&self->w, tids[0]));
	usleep(50000);
	EXPECT_EQ(PICO_TEST_BEGUN, within_state(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, tids[0], NULL));
	EXPECT_EQ(-ERESTARTSYS, within_result(&self->w, 0));
	ASSERT_EQ(0, comes_to_rest(&self->w, tids[0]));
	ioctl(self->w.control, PICO_TEST_IOC_KICK);
	EXPECT_TRUE(slot_done(&self->w, 2));
	ASSERT_EQ(0, resume(&self->w, tids[0], NULL));
	ASSERT_EQ(0, resume(&self->w, tids[0], NULL));
	EXPECT_EQ(2,
		  slot_call(&self->w, 1, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* ---- what may be called with a lock held ---- */

static int locked(struct world *w, pid_t tid, int service_number, __u64 base)
{
	struct pico_test_service s = on(tid, service_number);

	s.flags = PICO_TEST_LOCKED;
	s.base = base;
	return service(w, &s);
}

TEST_F(peers, under_a_spinlock)
{
	static const int kept[] = { PICO_TEST_DO_SUSPEND,
				    PICO_TEST_DO_DESCRIPTOR_BASE,
				    PICO_TEST_DO_APC, PICO_TEST_DO_RESUME,
				    PICO_TEST_DO_CONTEXTS };
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	for (int round = 0; round < 3; round++) {
		/* One that runs, one that waits, one's own. */
		if (round == 0)
			ASSERT_TRUE(slot_spin(&self->w, 1));
		for (int i = 0; i < 5; i++) {
			EXPECT_EQ(0, locked(&self->w, tid, kept[i], 0x1000))
			TH_LOG("service %d", kept[i]);
			if (!i)
				ASSERT_EQ(0, comes_to_rest(&self->w, tid));
		}
		if (round == 0)
			ASSERT_TRUE(slot_stop(&self->w, 1));
	}
	for (int i = 1; i < 5; i++) {
		struct pico_test_service s = on(0, kept[i]);

		s.flags = PICO_TEST_LOCKED;
		EXPECT_EQ(kept[i] == PICO_TEST_DO_RESUME ? -EINVAL : 0,
			  asks(&self->w, 0, &s))
		TH_LOG("service %d", kept[i]);
	}
	EXPECT_EQ(0, locked(&self->w, tid, PICO_TEST_DO_TERMINATE_THREAD, 0));
	EXPECT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	EXPECT_EQ(0, locked(&self->w, self->pid, PICO_TEST_DO_TERMINATE_PROCESS,
			    0));
	EXPECT_EQ(EXITED(0), end_status(self->pid));
}

TEST_HARNESS_MAIN
