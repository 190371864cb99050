// SPDX-License-Identifier: GPL-2.0-only
/*
 * CreateThread: what a new thread begins with, when it begins, and what
 * becomes of creations that fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include "lib/harness.h"
#include "lib/provider.h"

PROVIDER_FIXTURE(threads, true)

static volatile struct slot *slot(struct _test_data_threads *self, int n)
{
	return &self->w.shared->slots[n];
}

static struct pico_test_create at(int n)
{
	struct pico_test_create c;

	create_init(&c, n);
	return c;
}

TEST_F(threads, begins_suspended)
{
	struct pico_test_create c = at(1);
	struct pico_test_event e = { 0 };
	__u32 previous = 0;
	long tid;

	clear_events(&self->w);
	tid = create(&self->w, 0, PICO_TEST_CALL_THREAD, &c);
	ASSERT_GT(tid, 0);
	ASSERT_NE(NO_RESULT, tid);
	usleep(100000);
	EXPECT_EQ(0, slot(self, 1)->started);
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_CREATED, 0, &e));
	EXPECT_EQ(self->pid, e.caller);
	EXPECT_EQ(self->pid, e.tid);
	EXPECT_EQ(tid, e.value[0]);
	EXPECT_EQ(0, e.value[1]);
	EXPECT_TRUE(e.context & PICO_TEST_MAY_SLEEP);
	EXPECT_TRUE(e.context & PICO_TEST_OWN);
	EXPECT_EQ(self->pid, status_number(tid, "Tgid:"));
	EXPECT_EQ(2, status_number(self->pid, "Threads:"));

	EXPECT_EQ(0, resume(&self->w, tid, &previous));
	EXPECT_EQ(1, previous);
	EXPECT_TRUE(eventually(slot(self, 1)->started == 1));
	EXPECT_EQ(8,
		  slot_call(&self->w, 1, PICO_TEST_CALL_ECHO, 7, 0, 0, 0, 0));
	EXPECT_EQ(tid,
		  slot_call(&self->w, 1, PICO_TEST_CALL_TID, 0, 0, 0, 0, 0));
}

TEST_F(threads, resumed_by_thread_created)
{
	pid_t tid = new_thread(&self->w, 0, 1);
	struct pico_test_service s = {
		.service = PICO_TEST_DO_CONTEXTS,
		.tid = tid,
	};

	ASSERT_GT(tid, 0);
	EXPECT_EQ(1, slot(self, 1)->started);
	/* Its context is what the attributes held. */
	EXPECT_EQ(0, service(&self->w, &s));
	s.tid = self->pid;
	EXPECT_EQ(0, service(&self->w, &s));
	EXPECT_EQ(tid,
		  slot_call(&self->w, 1, PICO_TEST_CALL_TID, 0, 0, 0, 0, 0));
}

TEST_F(threads, result_of_thread_created)
{
	struct pico_test_create c = at(1);

	/* Values that mean "restart" to the kernel are values as any other. */
	static const long results[] = { 12345, -512, -513, -514, -516, -1 };

	for (int i = 0; i < 6; i++) {
		ASSERT_EQ(0, behave(&self->w,
				    (struct pico_test_behaviour){
					    .callback = PICO_TEST_CREATED,
					    .result = results[i] }));
		clear_events(&self->w);
		EXPECT_EQ(results[i],
			  create(&self->w, 0, PICO_TEST_CALL_THREAD, &c));
		EXPECT_EQ(1, count_events(&self->w, PICO_TEST_CREATED, 0));
	}
	EXPECT_EQ(7, status_number(self->pid, "Threads:"));
}

/* Registers, before the first instruction. */
TEST_F(threads, registers)
{
	struct pico_test_create c = at(1);
	struct pico_test_service s;
	long tid;

	for (int i = 0; i < PICO_TEST_REGISTERS; i++)
		if (i != PICO_TEST_IP && i != PICO_TEST_SP &&
		    i != PICO_TEST_FLAGS && i != PICO_TEST_CS &&
		    i != PICO_TEST_SS && i != PICO_TEST_DI)
			c.registers[i] = 0x1111000000 + i;
	c.registers[PICO_TEST_ORIG_AX] = PICO_TEST_CALL_ECHO;
	c.registers[PICO_TEST_DS] = c.registers[PICO_TEST_ES] = 0;
	c.registers[PICO_TEST_FS] = c.registers[PICO_TEST_GS] = 0;
	tid = create(&self->w, 0, PICO_TEST_CALL_THREAD, &c);
	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, get_context(&self->w, tid, 3, &s));
	for (int i = 0; i < PICO_TEST_ORIG_AX; i++) {
		EXPECT_EQ(c.registers[i], s.registers[i])
		TH_LOG("register %d", i);
	}
	EXPECT_EQ(PICO_TEST_ENTRY, s.registers[PICO_TEST_IP]);
	EXPECT_EQ(c.registers[PICO_TEST_SP], s.registers[PICO_TEST_SP]);
	EXPECT_EQ(c.registers[PICO_TEST_FS_BASE],
		  s.registers[PICO_TEST_FS_BASE]);
	EXPECT_EQ(c.registers[PICO_TEST_GS_BASE],
		  s.registers[PICO_TEST_GS_BASE]);
	EXPECT_EQ(0, s.registers[PICO_TEST_ORIG_AX]);
	/* User mode's own segments, and no more flags than it may have. */
	EXPECT_EQ(3, s.registers[PICO_TEST_CS] & 3);
	EXPECT_EQ(3, s.registers[PICO_TEST_SS] & 3);
	EXPECT_EQ(0x202, s.registers[PICO_TEST_FLAGS]);
	ASSERT_EQ(0, resume(&self->w, tid, NULL));
	ASSERT_TRUE(eventually(slot(self, 1)->started));
	EXPECT_EQ(c.registers[PICO_TEST_SI], slot(self, 1)->entry_si);
	slot_begin(&self->w, 1, SLOT_BASES, 0, 0, 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 1));
	EXPECT_EQ(c.registers[PICO_TEST_FS_BASE], slot(self, 1)->result);
	EXPECT_EQ(c.registers[PICO_TEST_GS_BASE], slot(self, 1)->args[0]);
}

/* Interrupts off, I/O privilege, nested task: not for user mode to choose. */
static void flags(struct __test_metadata *_metadata, struct world *w,
		  enum pico_test_call call)
{
	volatile struct slot *there = &w->shared->slots[1];
	struct pico_test_create c = at(1);
	struct pico_test_service s;
	long tid;

	c.registers[PICO_TEST_FLAGS] = 0x3000 | 0x4000 | 0x20000 | 0x8d5;
	tid = create(w, 0, call, &c);
	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, get_context(w, tid, 1, &s));
	EXPECT_EQ(0x200 | 0x8d5 | 2, s.registers[PICO_TEST_FLAGS]);
	EXPECT_EQ(0x33, s.registers[PICO_TEST_CS]);
	EXPECT_EQ(0x2b, s.registers[PICO_TEST_SS]);
	ASSERT_EQ(0, resume(w, tid, NULL));
	EXPECT_TRUE(eventually(there->started));
}

TEST_F(threads, flags_are_user_modes)
{
	flags(_metadata, &self->w, PICO_TEST_CALL_THREAD);
}

TEST_F(threads, flags_of_a_process_are_user_modes)
{
	flags(_metadata, &self->w, PICO_TEST_CALL_PROCESS);
}

/* The kernel's, null with a privilege, of no descriptor, of the LDT. */
TEST_F(threads, segments_are_user_modes)
{
	static const struct {
		int which;
		__u64 value;
	} wrong[] = {
		{ PICO_TEST_CS, 0x10 },	  { PICO_TEST_CS, 0x08 },
		{ PICO_TEST_CS, 0x30 },	  { PICO_TEST_CS, 0x3 },
		{ PICO_TEST_CS, 0x2b },	  { PICO_TEST_CS, 0x7 },
		{ PICO_TEST_CS, 0xfff3 }, { PICO_TEST_CS, 0x10033 },
		{ PICO_TEST_SS, 0x18 },	  { PICO_TEST_SS, 0x28 },
		{ PICO_TEST_SS, 0x33 },	  { PICO_TEST_SS, 0x3 },
		{ PICO_TEST_SS, 0xffff }, { PICO_TEST_SS, 1UL << 63 },
	};
	struct pico_test_service s;

	clear_events(&self->w);
	for (int i = 0; i < 28; i++) {
		struct pico_test_create c = at(1);

		c.registers[wrong[i / 2].which] = wrong[i / 2].value;
		EXPECT_EQ(-EINVAL, create(&self->w, 0,
					  i & 1 ? PICO_TEST_CALL_PROCESS :
						  PICO_TEST_CALL_THREAD,
					  &c))
		TH_LOG("case %d", i);
	}
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_CREATED, 0));
	EXPECT_EQ(1, module_counter("pico", "processes"));
	EXPECT_EQ(1, status_number(self->pid, "Threads:"));
	/* None said: the usual ones. */
	for (int i = 0; i < 2; i++) {
		struct pico_test_create c = at(1);
		long tid;

		c.registers[PICO_TEST_CS] = c.registers[PICO_TEST_SS] = 0;
		tid = create(&self->w, 0,
			     i ? PICO_TEST_CALL_PROCESS : PICO_TEST_CALL_THREAD,
			     &c);
		ASSERT_GT(tid, 0);
		ASSERT_EQ(0, get_context(&self->w, tid, 1, &s));
		EXPECT_EQ(0x33, s.registers[PICO_TEST_CS]);
		EXPECT_EQ(0x2b, s.registers[PICO_TEST_SS]);
	}
}

TEST_F(threads, impossible_registers)
{
	const struct {
		int which;
		__u64 value;
	} wrong[] = {
		{ PICO_TEST_IP, 1UL << 63 },
		{ PICO_TEST_IP, user_limit() },
		{ PICO_TEST_IP, 0xffffffff81000000 },
		{ PICO_TEST_FS_BASE, user_limit() },
		{ PICO_TEST_FS_BASE, 0xffffffff81000000 },
		{ PICO_TEST_GS_BASE, 1UL << 63 },
		{ PICO_TEST_GS_BASE, 0xffff888000000000 },
	};

	clear_events(&self->w);
	for (int i = 0; i < 7; i++) {
		struct pico_test_create c = at(1);

		c.registers[wrong[i].which] = wrong[i].value;
		EXPECT_EQ(-EINVAL,
			  create(&self->w, 0, PICO_TEST_CALL_THREAD, &c))
		TH_LOG("case %d", i);
	}
	/* The call was answered: there was no native one. */
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_CREATED, 0));
	EXPECT_EQ(1, status_number(self->pid, "Threads:"));
}

TEST_F(threads, unknown_flags)
{
	for (int bit = 0; bit < 32; bit++) {
		struct pico_test_create c = at(1);

		c.thread_flags = 1U << bit;
		EXPECT_EQ(-EINVAL,
			  create(&self->w, 0, PICO_TEST_CALL_THREAD, &c));
	}
	EXPECT_EQ(1, status_number(self->pid, "Threads:"));
}

/* A call is its own thread's to be replaced. */
TEST_F(threads, by_another_thread)
{
	pid_t tid = new_thread(&self->w, 0, 1);
	struct pico_test_create c;

	ASSERT_GT(tid, 0);
	clear_events(&self->w);
	for (int process = 0; process < 2; process++) {
		c = at(2);
		c.of = tid;
		EXPECT_EQ(-EINVAL, create(&self->w, 0,
					  process ? PICO_TEST_CALL_PROCESS :
						    PICO_TEST_CALL_THREAD,
					  &c));
	}
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_CREATED, 0));
	EXPECT_EQ(2, status_number(self->pid, "Threads:"));
	EXPECT_EQ(2,
		  slot_call(&self->w, 1, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
	/* By its own name it can. */
	c = at(2);
	c.of = self->pid;
	EXPECT_GT(create(&self->w, 0, PICO_TEST_CALL_THREAD, &c), 0);
}

TEST_F(threads, one_at_a_time)
{
	struct pico_test_create c = at(1);

	c.twice = PICO_TEST_TWICE;
	EXPECT_GT(create(&self->w, 0, PICO_TEST_CALL_THREAD, &c), 0);
	EXPECT_EQ(-EBUSY, c.second);
	EXPECT_EQ(2, status_number(self->pid, "Threads:"));

	/* Nor beside a forwarded call, in either order. */
	c = at(2);
	c.twice = PICO_TEST_THEN_CALL;
	EXPECT_GT(create(&self->w, 0, PICO_TEST_CALL_THREAD, &c), 0);
	EXPECT_EQ(-EBUSY, c.second);
	EXPECT_EQ(3, status_number(self->pid, "Threads:"));
	c = at(3);
	c.twice = PICO_TEST_AFTER_CALL;
	EXPECT_EQ(self->pid, create(&self->w, 0, PICO_TEST_CALL_THREAD, &c));
	EXPECT_EQ(-EBUSY, c.second);
	EXPECT_EQ(3, status_number(self->pid, "Threads:"));
}

TEST_F(threads, from_a_32_bit_entry)
{
	struct pico_test_create c = at(1);

	memcpy(self->w.shared->slots[0].scratch, &c, sizeof(c));
	slot_begin(&self->w, 0, SLOT_INT80, PICO_TEST_CALL_THREAD,
		   SLOT_ADDRESS(0, scratch), 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ((__u32)-EOPNOTSUPP, (__u32)slot(self, 0)->result);
	EXPECT_EQ(1, status_number(self->pid, "Threads:"));
}

TEST_F(threads, without_thread_created)
{
	struct pico_test_registration r = {
		.slot = 1,
		.without = 1U << PICO_TEST_CREATED,
		.process_access = 7,
		.thread_access = 7,
		.name = "no-threads",
	};
	struct pico_test_create c = at(2);
	int fd;

	ASSERT_EQ(0, ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
	fd = provider_open(&self->w, "no-threads");
	ASSERT_GT(start_process(&self->w, fd, 1, true), 0);
	ASSERT_EQ(1, slot(self, 1)->started);
	EXPECT_EQ(-EOPNOTSUPP, create(&self->w, 1, PICO_TEST_CALL_THREAD, &c));
	EXPECT_EQ(-EOPNOTSUPP, create(&self->w, 1, PICO_TEST_CALL_PROCESS, &c));
	EXPECT_EQ(3,
		  slot_call(&self->w, 1, PICO_TEST_CALL_ECHO, 2, 0, 0, 0, 0));
	close(fd);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

/* The native clone fails: .thread_created hears why, and nothing is left. */
TEST_F(threads, clone_fails)
{
	static const char folder[] = "/sys/fs/cgroup/pico-pids";
	struct pico_test_create c = at(1);
	struct pico_test_event e;
	char text[16], path[80];

	if (write_text("/sys/fs/cgroup/cgroup.subtree_control", "+pids"))
		SKIP(return, "no pids controller");
	ASSERT_TRUE(mkdir(folder, 0755) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	snprintf(text, sizeof(text), "%d", self->pid);
	ASSERT_EQ(0, write_text(path, text));
	snprintf(path, sizeof(path), "%s/pids.max", folder);
	ASSERT_EQ(0, write_text(path, "1"));

	clear_events(&self->w);
	EXPECT_EQ(-EAGAIN, create(&self->w, 0, PICO_TEST_CALL_THREAD, &c));
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_CREATED, self->pid, &e));
	EXPECT_EQ(-EAGAIN, e.value[1]);
	EXPECT_EQ(-EAGAIN, create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c));
	ASSERT_EQ(2, count_events(&self->w, PICO_TEST_CREATED, self->pid));
	/* The process that was to be has ended, too. */
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, 0));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXIT_THREAD, 0));

	ASSERT_EQ(0, write_text(path, "max"));
	EXPECT_GT(new_thread(&self->w, 0, 1), 0);
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_TRUE(eventually(rmdir(folder) == 0));
}

/* exit_thread() comes once per thread, then exit_process(), then process_gone(). */
TEST_F(threads, exits_are_counted)
{
	struct pico_test_event e[64];
	pid_t tids[8];
	int n;

	for (int i = 1; i < 8; i++) {
		tids[i] = new_thread(&self->w, 0, i);
		ASSERT_GT(tids[i], 0);
	}
	tids[0] = self->pid;
	clear_events(&self->w);
	ASSERT_EQ(0, terminate_thread(&self->w, tids[3], 0));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tids[3]));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXIT_PROCESS, 0));
	ASSERT_EQ(0, terminate_process(&self->w, self->pid, EXITED(5)));
	EXPECT_EQ(EXITED(5), end_status(self->pid));
	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_THREAD,
					  i ? tids[i] : 0) -
				     (i ? 0 : 7));
		last_event(&self->w, PICO_TEST_EXIT_THREAD, tids[i], &e[0]);
		if (i) {
			EXPECT_EQ(tids[i], e[0].caller);
			EXPECT_TRUE(e[0].context & PICO_TEST_OWN);
			EXPECT_TRUE(e[0].context & PICO_TEST_MAY_SLEEP);
			EXPECT_TRUE(e[0].context & PICO_TEST_HAS_MM);
		}
	}
	n = events(&self->w, e, 64);
	ASSERT_EQ(10, n);
	EXPECT_EQ(PICO_TEST_EXIT_PROCESS, e[8].callback);
	EXPECT_EQ(PICO_TEST_GONE, e[9].callback);
	/*
	 * On one of those seven, behind its own exit_thread(): two may end at
	 * once, and who enters that last need not be who leaves it last.
	 */
	for (n = 1; n < 8 && e[n].caller != e[8].caller; n++)
		;
	EXPECT_LT(n, 8);
	EXPECT_TRUE(e[8].context & PICO_TEST_MAY_SLEEP);
	/* The last one to leave its files is yet another matter. */
	for (n = 1; n < 8 && e[n].caller != e[9].caller; n++)
		;
	EXPECT_LT(n, 8);
	EXPECT_FALSE(e[9].context & PICO_TEST_HAS_MM);
	EXPECT_TRUE(e[9].context & PICO_TEST_MAY_SLEEP);
}

/* The leader may go first. */
TEST_F(threads, leader_ends_first)
{
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, terminate_thread(&self->w, self->pid, EXITED(9)));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, self->pid));
	EXPECT_EQ(4,
		  slot_call(&self->w, 1, PICO_TEST_CALL_ECHO, 3, 0, 0, 0, 0));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXIT_PROCESS, 0));
	ASSERT_EQ(0, terminate_thread(&self->w, tid, EXITED(3)));
	/* wait(2) shows the last one's status, as of any process. */
	EXPECT_EQ(EXITED(3), end_status(self->pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, 0));
}

TEST_F(threads, many)
{
	for (int round = 0; round < 5; round++) {
		pid_t tids[PICO_TEST_SLOTS];

		for (int i = 1; i < PICO_TEST_SLOTS; i++) {
			tids[i] = new_thread(&self->w, i / 2, i);
			ASSERT_GT(tids[i], 0);
		}
		EXPECT_EQ(PICO_TEST_SLOTS,
			  status_number(self->pid, "Threads:"));
		for (int i = 1; i < PICO_TEST_SLOTS; i++)
			EXPECT_EQ(0, terminate_thread(&self->w, tids[i], 0));
		EXPECT_TRUE(
			eventually(status_number(self->pid, "Threads:") == 1));
	}
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

TEST_HARNESS_MAIN
