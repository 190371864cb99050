// SPDX-License-Identifier: GPL-2.0-only
/*
 * CreateProcess, both ways: an execve() that redeems a ticket, and
 * create_process() with each of its attributes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define PRIVATE		(PICO_TEST_STACKS + 0x100)	/* not shared */

PROVIDER_FIXTURE(process, true)

static __u64 read_word(struct world *w, int n, __u64 address)
{
	slot_begin(w, n, SLOT_READ, address, 0, 0, 0, 0, 0, 0);
	return slot_done(w, n) ? w->shared->slots[n].result : NO_RESULT;
}

static bool write_word(struct world *w, int n, __u64 address, __u64 value)
{
	slot_begin(w, n, SLOT_WRITE, address, value, 0, 0, 0, 0, 0);
	return slot_done(w, n);
}

/* ---- execve() ---- */

TEST_F(process, life_of_one)
{
	static const int order[] = {
		PICO_TEST_PREPARE,     PICO_TEST_START,	       PICO_TEST_NAME,
		PICO_TEST_EXIT_THREAD, PICO_TEST_EXIT_PROCESS, PICO_TEST_GONE,
	};
	struct pico_test_event e[16];
	pid_t pid;

	clear_events(&self->w);
	pid = start_process(&self->w, self->w.host, 1, true);
	ASSERT_EQ(1, self->w.shared->slots[1].started);
	ASSERT_EQ(0, terminate_process(&self->w, pid, EXITED(1)));
	ASSERT_EQ(EXITED(1), end_status(pid));
	ASSERT_EQ(6, events(&self->w, e, 16));
	for (int i = 0; i < 6; i++) {
		EXPECT_EQ(order[i], e[i].callback);
		EXPECT_EQ(pid, e[i].caller);
		EXPECT_TRUE(e[i].context & PICO_TEST_MAY_SLEEP);
		if (i)
			EXPECT_EQ(pid, e[i].pid);
	}
	EXPECT_TRUE(e[1].context & PICO_TEST_OWN);
	EXPECT_TRUE(e[1].context & PICO_TEST_HAS_MM);
	EXPECT_TRUE(e[3].context & PICO_TEST_HAS_MM);
	EXPECT_TRUE(e[4].context & PICO_TEST_HAS_MM);
	EXPECT_FALSE(e[5].context & PICO_TEST_HAS_MM);
	EXPECT_TRUE(e[5].context & PICO_TEST_EXITING);
}

/*
 * What exit_process() lets go of, a file that holds a file that holds another,
 * is closed when process_gone() comes; and the process is there as long as that
 * lasts, for the kernel's wait as well.
 */
TEST_F(process, files_are_closed_when_it_is_gone)
{
	struct pico_test_behaviour gate = { .callback = PICO_TEST_GONE,
					    .flags = PICO_TEST_GATE };
	struct pico_test_event e;
	pid_t pid;
	int status;

	for (int i = 0; i < 20; i++) {
		pid = start_process(&self->w, self->w.host, 1, true);
		ASSERT_GT(pid, 0);
		for (int t = 0; t < i % 4; t++)
			ASSERT_GT(new_thread(&self->w, 1, 2 + t), 0);
		clear_events(&self->w);
		gate.flags = i % 5 ? 0 : PICO_TEST_GATE;
		ASSERT_EQ(0, behave(&self->w, gate));
		if (i % 2)
			kill(pid, SIGKILL);
		else
			ASSERT_EQ(0,
				  terminate_process(&self->w, pid, EXITED(3)));
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_GONE, pid));
		if (gate.flags) {
			EXPECT_EQ(1, count_events(&self->w,
						  PICO_TEST_EXIT_PROCESS, pid));
			EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
			EXPECT_EQ(-1, syscall(SYS_delete_module, "pico_test",
					      O_NONBLOCK));
			gate.flags = 0;
			ASSERT_EQ(0, behave(&self->w, gate));
		}
		EXPECT_EQ(i % 2 ? SIGKILL : EXITED(3), end_status(pid));
		EXPECT_EQ(1, count_events(&self->w, PICO_TEST_GONE, pid));
		ASSERT_TRUE(last_event(&self->w, PICO_TEST_GONE, pid, &e));
		EXPECT_EQ(0, e.value[0]);
	}
}

/* The old program goes on, and the ticket is used up. */
TEST_F(process, prepare_refuses)
{
	pid_t pid;

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_PREPARE,
					      .result = -EDOM }));
	clear_events(&self->w);
	pid = start_process(&self->w, self->w.host, 1, false);
	EXPECT_EQ(EXITED(EDOM), end_status(pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_PREPARE, 0));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_START, 0));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXIT_PROCESS, 0));
	/* What would have the kernel look for another format. */
	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_PREPARE,
					      .result = -ENOEXEC }));
	pid = start_process(&self->w, self->w.host, 1, false);
	EXPECT_EQ(EXITED(ELIBBAD), end_status(pid));
	EXPECT_EQ(2, count_events(&self->w, PICO_TEST_PREPARE, 0));
}

TEST_F(process, start_fails)
{
	pid_t pid;
	int status;

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_START,
					      .result = -ENODEV }));
	clear_events(&self->w);
	pid = start_process(&self->w, self->w.host, 1, false);
	status = end_status(pid);
	EXPECT_TRUE(WIFSIGNALED(status)) TH_LOG("status %#x", status);
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_GONE, pid));
}

TEST_F(process, killed_while_it_starts)
{
	static const int callbacks[] = { PICO_TEST_PREPARE, PICO_TEST_START,
					 PICO_TEST_NAME };

	for (int i = 0; i < 3; i++) {
		struct pico_test_behaviour gate = {
			.callback = callbacks[i],
			.flags = PICO_TEST_GATE,
		};
		pid_t pid;

		ASSERT_EQ(0, behave(&self->w, gate));
		clear_events(&self->w);
		pid = start_process(&self->w, self->w.host, 1, false);
		ASSERT_TRUE(wait_event(&self->w, callbacks[i], 0));
		kill(pid, SIGKILL);
		gate.flags = 0;
		ASSERT_EQ(0, behave(&self->w, gate));
		EXPECT_EQ(SIGKILL, end_status(pid));
		EXPECT_EQ(0, self->w.shared->slots[1].started);
		EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, 0));
	}
}

static void comm(pid_t pid, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	text[0] = '\0';
	if (read_file(path, text, size) > 0)
		text[strcspn(text, "\n")] = '\0';
}

TEST_F(process, image_name)
{
	char name[16] = "pico: a name :)", text[64];
	pid_t pid, child;

	comm(self->pid, text, sizeof(text));
	EXPECT_STREQ("picotest", text);
	ASSERT_EQ(0, ioctl(self->w.control, PICO_TEST_IOC_NAME, name));
	pid = start_process(&self->w, self->w.host, 1, true);
	comm(pid, text, sizeof(text));
	EXPECT_STREQ("pico: a name :)", text);
	child = new_process(&self->w, 0, 2, 0);
	ASSERT_GT(child, 0);
	comm(child, text, sizeof(text));
	EXPECT_STREQ("pico: a name :)", text);
	/* The first one's has not changed. */
	comm(self->pid, text, sizeof(text));
	EXPECT_STREQ("picotest", text);
}

TEST_F(process, without_an_image_name)
{
	struct pico_test_registration r = {
		.slot = 1,
		.without = 1U << PICO_TEST_NAME,
		.process_access = 7,
		.thread_access = 7,
		.name = "nameless",
	};
	char text[64];
	pid_t pid;
	int fd;

	ASSERT_EQ(0, ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
	fd = provider_open(&self->w, "nameless");
	ASSERT_GE(fd, 0);
	pid = start_process(&self->w, fd, 1, true);
	comm(pid, text, sizeof(text));
	EXPECT_STREQ("provider.img", text);
	close(fd);
}

/* ---- create_process() ---- */

TEST_F(process, begins_suspended)
{
	struct pico_test_create c;
	struct pico_test_service s;
	struct pico_test_event e;
	__u32 previous;
	long pid;

	create_init(&c, 1);
	c.registers[PICO_TEST_SI] = 0x777;
	c.registers[PICO_TEST_FS_BASE] = 0x10000;
	clear_events(&self->w);
	pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
	ASSERT_GT(pid, 0);
	ASSERT_NE(NO_RESULT, pid);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_START, pid));
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_START, pid, &e));
	EXPECT_EQ(pid, e.caller);
	EXPECT_TRUE(e.context & PICO_TEST_MAY_SLEEP);
	/* start_process() is shown the attributes. */
	EXPECT_EQ(PICO_TEST_ENTRY, e.value[0]);
	EXPECT_EQ(c.registers[PICO_TEST_SP], e.value[1]);
	EXPECT_EQ(1, e.value[2]);
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_CREATED, self->pid, &e));
	EXPECT_EQ(pid, e.value[0]);
	EXPECT_EQ(0, e.value[1]);
	ASSERT_EQ(0, get_context(&self->w, pid, 3, &s));
	EXPECT_EQ(PICO_TEST_ENTRY, s.registers[PICO_TEST_IP]);
	EXPECT_EQ(0x777, s.registers[PICO_TEST_SI]);
	EXPECT_EQ(0x10000, s.registers[PICO_TEST_FS_BASE]);
	usleep(50000);
	EXPECT_EQ(0, self->w.shared->slots[1].started);
	EXPECT_EQ(0, resume(&self->w, pid, &previous));
	EXPECT_EQ(1, previous);
	EXPECT_TRUE(eventually(self->w.shared->slots[1].started));
	EXPECT_EQ(pid,
		  slot_call(&self->w, 1, PICO_TEST_CALL_TID, 0, 0, 0, 0, 0));
	EXPECT_EQ(pid, status_number(pid, "Tgid:"));
	EXPECT_EQ(self->pid, status_number(pid, "PPid:"));
	/* Its context is its own. */
	s.service = PICO_TEST_DO_CONTEXTS;
	s.tid = pid;
	EXPECT_EQ(0, service(&self->w, &s));
}

TEST_F(process, without_memory)
{
	pid_t pid;

	ASSERT_TRUE(write_word(&self->w, 0, PRIVATE, 0x1234));
	pid = new_process(&self->w, 0, 1, 0);
	ASSERT_GT(pid, 0);
	/* The same place, but not the same memory. */
	EXPECT_EQ(0, read_word(&self->w, 1, PRIVATE));
	EXPECT_EQ(0x1234, read_word(&self->w, 0, PRIVATE));
}

/* Nothing is there but what was mapped in the new process. */
TEST_F(process, without_memory_there_are_three_maps)
{
	char path[64], text[4096], *line, *next;
	pid_t pid = new_process(&self->w, 0, 1, 0);
	int lines = 0;

	ASSERT_GT(pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	ASSERT_GT(read_file(path, text, sizeof(text)), 0);
	for (line = text; *line; line = next + 1) {
		unsigned long from = strtoul(line, NULL, 16);

		next = strchr(line, '\n');
		ASSERT_NE(NULL, next);
		EXPECT_TRUE(from == PICO_TEST_IMAGE ||
			    from == PICO_TEST_STACKS ||
			    from == PICO_TEST_SHARED ||
			    !strncmp(line, "ffffffffff600000", 16))
		TH_LOG("%.*s", (int)(next - line), line);
		lines++;
	}
	EXPECT_GE(lines, 3);
}

TEST_F(process, with_a_copy_of_memory)
{
	pid_t pid;

	ASSERT_TRUE(write_word(&self->w, 0, PRIVATE, 0x1234));
	pid = new_process(&self->w, 0, 1, CLONE_MEMORY);
	ASSERT_GT(pid, 0);
	EXPECT_EQ(0x1234, read_word(&self->w, 1, PRIVATE));
	/* On write, each has its own. */
	ASSERT_TRUE(write_word(&self->w, 1, PRIVATE, 0x5678));
	EXPECT_EQ(0x1234, read_word(&self->w, 0, PRIVATE));
	ASSERT_TRUE(write_word(&self->w, 0, PRIVATE, 0x9abc));
	EXPECT_EQ(0x5678, read_word(&self->w, 1, PRIVATE));
	/* What is shared is shared. */
	ASSERT_TRUE(write_word(&self->w, 1, SLOT_ADDRESS(0, scratch), 99));
	EXPECT_EQ(99, read_word(&self->w, 0, SLOT_ADDRESS(0, scratch)));
}

static long memfd(struct world *w, int n)
{
	strcpy((char *)w->shared->slots[n].scratch, "inside");
	return slot_call(w, n, PICO_TEST_CALL_FORWARD, SYS_memfd_create,
			 SLOT_ADDRESS(n, scratch), 0, 0, 0);
}

static long file_seek(struct world *w, int n, long fd, long to)
{
	return slot_call(w, n, PICO_TEST_CALL_FORWARD, SYS_lseek, fd, to,
			 to < 0 ? SEEK_CUR : SEEK_SET, 0);
}

TEST_F(process, files)
{
	pid_t with, without;
	long fd = memfd(&self->w, 0);

	ASSERT_EQ(0, fd);
	ASSERT_EQ(17, file_seek(&self->w, 0, fd, 17));
	with = new_process(&self->w, 0, 1, INHERIT_FILES);
	without = new_process(&self->w, 0, 2, CLONE_MEMORY);
	ASSERT_GT(with, 0);
	ASSERT_GT(without, 0);
	/* A copy of the table: the open file is the same, */
	EXPECT_EQ(27, file_seek(&self->w, 1, fd, 27));
	EXPECT_EQ(27, slot_call(&self->w, 0, PICO_TEST_CALL_FORWARD, SYS_lseek,
				fd, 0, SEEK_CUR, 0));
	/* and the descriptors are each one's own. */
	EXPECT_EQ(0, slot_call(&self->w, 1, PICO_TEST_CALL_FORWARD, SYS_close,
			       fd, 0, 0, 0));
	EXPECT_EQ(28, file_seek(&self->w, 0, fd, 28));
	EXPECT_EQ(-EBADF, file_seek(&self->w, 2, fd, 1));
}

TEST_F(process, parents)
{
	pid_t child = new_process(&self->w, 0, 1, 0);
	pid_t sibling = new_process(&self->w, 0, 2, SIBLING);

	ASSERT_GT(child, 0);
	ASSERT_GT(sibling, 0);
	EXPECT_EQ(self->pid, status_number(child, "PPid:"));
	EXPECT_EQ(getpid(), status_number(sibling, "PPid:"));
	ASSERT_EQ(0, terminate_process(&self->w, sibling, EXITED(12)));
	EXPECT_EQ(EXITED(12), end_status(sibling));
	/* Nobody waits for the child: it is reaped at once. */
	ASSERT_EQ(0, terminate_process(&self->w, child, EXITED(13)));
	EXPECT_TRUE(eventually(thread_state(child) == 0));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, child));
}

static volatile sig_atomic_t got;

static void note(int sig)
{
	got = sig;
}

TEST_F(process, exit_signals)
{
	struct sigaction action = { .sa_handler = note };
	static const int wrong[] = { -1, 65, 1000 };
	struct pico_test_create c;
	long pid;

	sigaction(SIGCHLD, &action, NULL);
	for (int i = 0; i < 2; i++) {
		create_init(&c, 1);
		c.process_flags = SIBLING;
		/* A sibling's is its creator's, as with CLONE_PARENT. */
		c.exit_signal = i ? SIGCHLD : 0;
		c.resume = 1;
		pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
		ASSERT_GT(pid, 0);
		got = 0;
		ASSERT_EQ(0, terminate_process(&self->w, pid, EXITED(2)));
		EXPECT_EQ(EXITED(2), end_status(pid));
		if (i)
			EXPECT_EQ(SIGCHLD, got);
	}
	for (int i = 0; i < 3; i++) {
		create_init(&c, 1);
		c.exit_signal = wrong[i];
		EXPECT_EQ(-EINVAL,
			  create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c));
	}
}

/* Of a child that is no sibling, its creator hears. */
TEST_F(process, exit_signals_of_children)
{
	static const int signals[] = { SIGUSR1, SIGCHLD, 40, 0 };
	struct pico_test_event e;
	struct pico_test_create c;
	long pid;

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_SIGNAL,
					      .result = PICO_TEST_TAKEN }));
	for (int i = 0; i < 4; i++) {
		create_init(&c, 1);
		c.exit_signal = signals[i];
		c.resume = 1;
		pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
		ASSERT_GT(pid, 0);
		clear_events(&self->w);
		ASSERT_EQ(0, terminate_process(&self->w, pid, EXITED(2)));
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_PROCESS, pid));
		/* As everywhere, SIGCHLD alone has the kernel reap it. */
		if (signals[i] != SIGCHLD) {
			EXPECT_TRUE(eventually(thread_state(pid) == 'Z'));
			EXPECT_EQ(pid,
				  slot_call(&self->w, 0, PICO_TEST_CALL_FORWARD,
					    SYS_wait4, pid, 0, __WALL, 0));
		}
		EXPECT_TRUE(eventually(!thread_state(pid)))
		TH_LOG("signal %d", signals[i]);
		if (signals[i]) {
			ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL,
					       self->pid));
			ASSERT_TRUE(last_event(&self->w, PICO_TEST_SIGNAL,
					       self->pid, &e));
			EXPECT_EQ(signals[i], e.value[0]);
			EXPECT_EQ(CLD_EXITED, e.value[1]);
			EXPECT_EQ(pid, e.value[2]);
		}
		/* What comes later comes behind it: there was only one. */
		ASSERT_EQ(0, kill(self->pid, SIGWINCH));
		ASSERT_TRUE(eventually(
			last_event(&self->w, PICO_TEST_SIGNAL, 0, &e) &&
			e.value[0] == SIGWINCH));
		EXPECT_EQ(1 + !!signals[i],
			  count_events(&self->w, PICO_TEST_SIGNAL, 0))
		TH_LOG("signal %d", signals[i]);
	}
}

TEST_F(process, unknown_flags)
{
	for (int bit = 3; bit < 32; bit++) {
		struct pico_test_create c;

		create_init(&c, 1);
		c.process_flags = 1U << bit | CLONE_MEMORY;
		EXPECT_EQ(-EINVAL,
			  create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c));
		create_init(&c, 1);
		c.thread_flags = 1U << bit;
		EXPECT_EQ(-EINVAL,
			  create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c));
	}
	EXPECT_EQ(1, module_counter("pico", "processes"));
	EXPECT_EQ(2, module_counter("pico_test", "contexts"));
}

TEST_F(process, impossible_registers)
{
	struct pico_test_create c;

	create_init(&c, 1);
	c.registers[PICO_TEST_IP] = 1UL << 63;
	EXPECT_EQ(-EINVAL, create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c));
	create_init(&c, 1);
	c.registers[PICO_TEST_GS_BASE] = 0xffffffff81000000;
	EXPECT_EQ(-EINVAL, create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c));
	EXPECT_EQ(1, module_counter("pico", "processes"));
}

TEST_F(process, one_at_a_time)
{
	struct pico_test_create c;

	create_init(&c, 1);
	c.twice = PICO_TEST_TWICE;
	EXPECT_GT(create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c), 0);
	EXPECT_EQ(-EBUSY, c.second);
	EXPECT_EQ(2, module_counter("pico", "processes"));
}

TEST_F(process, from_a_32_bit_entry)
{
	struct pico_test_create c;

	create_init(&c, 1);
	memcpy(self->w.shared->slots[0].scratch, &c, sizeof(c));
	slot_begin(&self->w, 0, SLOT_INT80, PICO_TEST_CALL_PROCESS,
		   SLOT_ADDRESS(0, scratch), 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ((__u32)-EOPNOTSUPP, (__u32)self->w.shared->slots[0].result);
	EXPECT_EQ(1, module_counter("pico", "processes"));
}

TEST_F(process, credentials)
{
	struct pico_test_create c;
	long pid, grandchild;

	create_init(&c, 1);
	c.uid = 12345;
	c.resume = 1;
	pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
	ASSERT_GT(pid, 0);
	ASSERT_TRUE(eventually(self->w.shared->slots[1].started));
	EXPECT_EQ(12345, status_number(pid, "Uid:"));
	EXPECT_EQ(0, status_number(pid, "CapEff:"));
	EXPECT_EQ(0, status_number(self->pid, "Uid:"));
	EXPECT_EQ(12345, slot_call(&self->w, 1, PICO_TEST_CALL_FORWARD,
				   SYS_getuid, 0, 0, 0, 0));
	/* Otherwise they are the caller's own. */
	grandchild = new_process(&self->w, 1, 2, 0);
	ASSERT_GT(grandchild, 0);
	EXPECT_EQ(12345, status_number(grandchild, "Uid:"));
}

TEST_F(process, start_of_a_created_one_fails)
{
	struct pico_test_create c;
	int status;
	long pid;

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_START,
					      .result = -ENODEV }));
	for (int i = 0; i < 2; i++) {
		create_init(&c, 1);
		c.process_flags = SIBLING | (i ? CLONE_MEMORY : 0);
		/* A failed start does not wait to be resumed. */
		pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
		ASSERT_GT(pid, 0);
		status = end_status(pid);
		EXPECT_TRUE(WIFSIGNALED(status)) TH_LOG("status %#x", status);
		EXPECT_EQ(1,
			  count_events(&self->w, PICO_TEST_EXIT_THREAD, pid));
		EXPECT_EQ(1,
			  count_events(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	}
	EXPECT_EQ(0, self->w.shared->slots[1].started);
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* Too late for execve() to fail. */
TEST_F(process, start_of_an_executed_one_fails)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_START,
					      .result = -ENODEV }));
	pid = start_process(&self->w, self->w.host, 1, false);
	ASSERT_GT(pid, 0);
	status = end_status(pid);
	EXPECT_TRUE(WIFSIGNALED(status)) TH_LOG("status %#x", status);
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_START, pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_THREAD, pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	EXPECT_EQ(0, self->w.shared->slots[1].started);
}

TEST_F(process, killed_before_it_is_resumed)
{
	for (int i = 0; i < 10; i++) {
		struct pico_test_create c;
		long pid;

		create_init(&c, 1);
		c.process_flags = SIBLING;
		pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
		ASSERT_GT(pid, 0);
		kill(pid, SIGKILL);
		EXPECT_EQ(SIGKILL, end_status(pid));
		EXPECT_EQ(1,
			  count_events(&self->w, PICO_TEST_EXIT_THREAD, pid));
		EXPECT_EQ(1,
			  count_events(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	}
	EXPECT_EQ(0, self->w.shared->slots[1].started);
}

static int on_start(struct world *w, __u32 bits)
{
	return behave(w, (struct pico_test_behaviour){
				 .callback = PICO_TEST_START, .value = bits });
}

/* With a native wait4(), as a provider would forward it. */
static long wait4_of(struct world *w, int n, pid_t pid)
{
	return slot_call(w, n, PICO_TEST_CALL_FORWARD, SYS_wait4, pid,
			 SLOT_ADDRESS(n, scratch), 0, 0);
}

TEST_F(process, children_that_are_kept)
{
	pid_t pid, child;

	ASSERT_EQ(0, on_start(&self->w, PICO_TEST_KEEP_CHILDREN));
	pid = start_process(&self->w, self->w.host, 1, true);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, on_start(&self->w, 0));
	child = new_process(&self->w, 1, 2, 0);
	ASSERT_GT(child, 0);
	ASSERT_EQ(0, terminate_process(&self->w, child, EXITED(7)));
	ASSERT_TRUE(eventually(thread_state(child) == 'Z'));
	EXPECT_EQ(child, wait4_of(&self->w, 1, child));
	EXPECT_EQ(EXITED(7), *(int *)self->w.shared->slots[1].scratch);
	EXPECT_EQ(0, thread_state(child));
	/* Otherwise there is nothing to wait for. */
	child = new_process(&self->w, 0, 2, 0);
	ASSERT_GT(child, 0);
	ASSERT_EQ(0, terminate_process(&self->w, child, EXITED(7)));
	EXPECT_TRUE(eventually(thread_state(child) == 0));
	EXPECT_EQ(-ECHILD, wait4_of(&self->w, 0, child));
}

/* A handler, where PICO_TEST_HANDLER notes its first argument. */
static long handles(struct world *w, int n, int sig)
{
	__u64 action[4] = {
		PICO_TEST_HANDLER,
		0x04000000 | 0x40000000 | 4, /* RESTORER, NODEFER, SIGINFO */
		PICO_TEST_HANDLER,
		0,
	};

	memcpy(w->shared->slots[n].scratch, action, sizeof(action));
	return slot_call(w, n, PICO_TEST_CALL_FORWARD, SYS_rt_sigaction, sig,
			 SLOT_ADDRESS(n, scratch), 0, 8);
}

TEST_F(process, native_signals)
{
	volatile struct slot *slots = self->w.shared->slots;
	pid_t pid, child;

	ASSERT_EQ(0, on_start(&self->w, PICO_TEST_NATIVE_SIGNALS));
	pid = start_process(&self->w, self->w.host, 1, true);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, on_start(&self->w, 0));
	ASSERT_EQ(0, handles(&self->w, 1, SIGUSR1));
	for (int i = 1; i <= 3; i++) {
		ASSERT_EQ(0, kill(pid, SIGUSR1));
		ASSERT_TRUE(eventually(slots[1].faults == i));
		EXPECT_EQ(SIGUSR1, slots[1].fault[0]);
		EXPECT_EQ(2, slot_call(&self->w, 1, PICO_TEST_CALL_ECHO, 1, 0,
				       0, 0, 0));
	}
	/* Those who it creates have it too. */
	child = new_process(&self->w, 1, 2, CLONE_MEMORY);
	ASSERT_GT(child, 0);
	ASSERT_EQ(0, handles(&self->w, 2, SIGUSR2));
	ASSERT_EQ(0, kill(child, SIGUSR2));
	EXPECT_TRUE(eventually(slots[2].faults == 1));
	EXPECT_EQ(SIGUSR2, slots[2].fault[0]);
}

/* An exception that nobody handles cannot be kept waiting, or away. */
TEST_F(process, native_signals_and_exceptions)
{
	enum { BLOCKED = 1, IGNORED = 2, HANDLED = 4 };
	static const int cases[] = {
		0,	 BLOCKED,	    IGNORED,
		HANDLED, HANDLED | BLOCKED, IGNORED | BLOCKED
	};
	volatile struct slot *slot = &self->w.shared->slots[1];
	const __u64 ignore[4] = { 1 /* SIG_IGN */ };
	const __u64 set = 1UL << (SIGSEGV - 1);

	ASSERT_EQ(0, on_start(&self->w, PICO_TEST_NATIVE_SIGNALS));
	for (int i = 0; i < 6; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, true);
		__u32 faults = slot->faults;

		ASSERT_GT(pid, 0);
		if (cases[i] & HANDLED)
			ASSERT_EQ(0, handles(&self->w, 1, SIGSEGV));
		if (cases[i] & IGNORED) {
			memcpy((void *)slot->scratch, ignore, sizeof(ignore));
			ASSERT_EQ(0,
				  slot_call(&self->w, 1, PICO_TEST_CALL_FORWARD,
					    SYS_rt_sigaction, SIGSEGV,
					    SLOT_ADDRESS(1, scratch), 0, 8));
		}
		if (cases[i] & BLOCKED) {
			memcpy((void *)slot->scratch, &set, 8);
			ASSERT_EQ(0,
				  slot_call(&self->w, 1, PICO_TEST_CALL_FORWARD,
					    SYS_rt_sigprocmask, SIG_BLOCK,
					    SLOT_ADDRESS(1, scratch), 0, 8));
		}
		slot_begin(&self->w, 1, SLOT_FAULT, FAULT_READ, 0, 0, 0, 0, 0,
			   0);
		if (cases[i] == HANDLED) {
			ASSERT_TRUE(eventually(slot->faults == faults + 1));
			EXPECT_EQ(SIGSEGV, slot->fault[0]);
			EXPECT_EQ(2, slot_call(&self->w, 1, PICO_TEST_CALL_ECHO,
					       1, 0, 0, 0, 0));
			kill(pid, SIGKILL);
		}
		EXPECT_EQ(cases[i] == HANDLED ? SIGKILL : SIGSEGV,
			  end_status(pid) & 0x7f)
		TH_LOG("case %d", i);
		kill(pid, SIGKILL);
		EXPECT_EQ(faults + (cases[i] == HANDLED), slot->faults);
	}
}

/* What is ignored without them, and the default with them. */
TEST_F(process, ignored_signals)
{
	static const int ignored[] = { SIGPIPE, SIGXFSZ };

	for (int i = 0; i < 2; i++) {
		pid_t pid;

		ASSERT_EQ(0, kill(self->pid, ignored[i]));
		ASSERT_EQ(0, on_start(&self->w, PICO_TEST_NATIVE_SIGNALS));
		pid = start_process(&self->w, self->w.host, 1, true);
		ASSERT_GT(pid, 0);
		ASSERT_EQ(0, kill(pid, ignored[i]));
		EXPECT_EQ(ignored[i], end_status(pid) & 0x7f);
	}
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

TEST_F(process, arguments)
{
	char path[64], text[256];
	__u64 words[16] = { 0 };
	pid_t pid;

	memcpy(words, "first\0second argument", 22);
	memcpy(words + 8, "NAME=value", 11);
	ASSERT_EQ(0, on_start(&self->w, PICO_TEST_ARGUMENTS));
	pid = start_process(&self->w, self->w.host, 1, true);
	for (int i = 0; i < 16; i++)
		ASSERT_TRUE(write_word(&self->w, 1, PICO_TEST_STRINGS + 8 * i,
				       words[i]));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	ASSERT_GE(read_file(path, text, sizeof(text)), 22);
	EXPECT_EQ(0, memcmp(text, "first\0second argument", 22));
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	ASSERT_GE(read_file(path, text, sizeof(text)), 11);
	EXPECT_STREQ("NAME=value", text);
	/* Without any there are none. */
	snprintf(path, sizeof(path), "/proc/%d/cmdline", self->pid);
	EXPECT_EQ(0, read_file(path, text, sizeof(text)));
}

/* They outlive their creator, and end with the host. */
TEST_F(process, generations)
{
	pid_t pids[8];

	pids[0] = self->pid;
	for (int i = 1; i < 8; i++) {
		pids[i] = new_process(&self->w, i - 1, i, i & 1);
		ASSERT_GT(pids[i], 0);
	}
	for (int i = 0; i < 7; i++) {
		ASSERT_EQ(0, terminate_process(&self->w, pids[i], EXITED(i)));
		ASSERT_TRUE(
			wait_event(&self->w, PICO_TEST_EXIT_PROCESS, pids[i]));
	}
	EXPECT_EQ(2,
		  slot_call(&self->w, 7, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

TEST_HARNESS_MAIN
