// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may become a provider, beside whom, and how it ceases to be one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"
#include "lib/sandbox.h"

PROVIDER_FIXTURE(registration, false)

#define WITHOUT(which)	(1U << PICO_TEST_##which)

static struct pico_test_registration valid(const char *name)
{
	struct pico_test_registration r = {
		.slot = 1,
		.process_access = 7,
		.thread_access = 7,
		.subsystem_type = 0x5678,
		.filled = POISON,
	};

	strncpy((char *)r.name, name, sizeof(r.name) - 1);
	return r;
}

/* Negative errno, as the module has it. */
static int registers(struct world *w, struct pico_test_registration *r)
{
	return ioctl(w->control, PICO_TEST_IOC_REGISTER, r) ? -errno : 0;
}

static int unregisters(struct world *w, unsigned int slot)
{
	return ioctl(w->control, PICO_TEST_IOC_UNREGISTER, slot) ? -errno : 0;
}

/* Refused, and nothing was written. */
static void refused(struct __test_metadata *_metadata, struct world *w,
		    struct pico_test_registration r, int error)
{
	EXPECT_EQ(error, registers(w, &r));
	EXPECT_EQ(0, r.filled);
	if (error != -EEXIST) {
		EXPECT_EQ(-1, provider_open(w, (char *)r.name));
		EXPECT_EQ(ENOENT, errno);
	}
	/* It is not half there. */
	EXPECT_EQ(-ENOENT, unregisters(w, r.slot));
}

TEST_F(registration, one_more)
{
	struct pico_test_registration r = valid("second");
	int fd;

	ASSERT_EQ(0, registers(&self->w, &r));
	EXPECT_EQ(1, r.filled);
	fd = provider_open(&self->w, "second");
	ASSERT_GE(fd, 0);
	close(fd);
	EXPECT_TRUE(eventually(unregisters(&self->w, 1) == 0));
	EXPECT_EQ(-ENOENT, unregisters(&self->w, 1));
	EXPECT_EQ(-1, provider_open(&self->w, "second"));
	EXPECT_EQ(ENOENT, errno);
	/* The name is free again. */
	r = valid("second");
	ASSERT_EQ(0, registers(&self->w, &r));
	EXPECT_EQ(0, unregisters(&self->w, 1));
}

TEST_F(registration, sizes_must_be_exact)
{
	static const int offs[] = { -8, -1, 1, 8, 4096 };

	for (int i = 0; i < 5; i++) {
		struct pico_test_registration r = valid("sized");

		r.size_off = offs[i];
		refused(_metadata, &self->w, r, -EINVAL);
		r = valid("sized");
		r.services_off = offs[i];
		refused(_metadata, &self->w, r, -EINVAL);
	}
}

TEST_F(registration, names)
{
	struct pico_test_registration r;

	refused(_metadata, &self->w, valid(""), -EINVAL);
	refused(_metadata, &self->w, valid("thirty-two-bytes-are-one-too-many"),
		-EINVAL);
	refused(_metadata, &self->w, valid("exactly-thirty-two-bytes-of-name"),
		-EINVAL);
	r = valid("nameless");
	r.without = PICO_TEST_WITHOUT_NAME;
	refused(_metadata, &self->w, r, -EINVAL);
	r = valid("thirty-one-bytes-are-just-right");
	ASSERT_EQ(PICO_NAME_LEN - 1, strlen((char *)r.name));
	EXPECT_EQ(0, registers(&self->w, &r));
	EXPECT_EQ(0, unregisters(&self->w, 1));
}

TEST_F(registration, name_taken)
{
	struct pico_test_registration r;

	refused(_metadata, &self->w, valid(PICO_TEST_PROVIDER), -EEXIST);
	refused(_metadata, &self->w, valid("drawbridge"), -EEXIST);
	r = valid("twice");
	ASSERT_EQ(0, registers(&self->w, &r));
	r = valid("twice");
	r.slot = 2;
	refused(_metadata, &self->w, r, -EEXIST);
	EXPECT_EQ(0, unregisters(&self->w, 1));
}

TEST_F(registration, access_masks)
{
	struct pico_test_registration r;

	for (int bit = 0; bit < 32; bit++) {
		int expected = bit < 3 ? 0 : -EINVAL;

		for (int k = 0; k < 2; k++) {
			r = valid("masked");
			if (k)
				r.process_access = 1U << bit;
			else
				r.thread_access = 1U << bit;
			if (expected) {
				refused(_metadata, &self->w, r, expected);
				continue;
			}
			EXPECT_EQ(0, registers(&self->w, &r));
			EXPECT_EQ(0, unregisters(&self->w, 1));
		}
	}
	r = valid("masked");
	r.process_access = r.thread_access = 0;
	EXPECT_EQ(0, registers(&self->w, &r));
	EXPECT_EQ(0, unregisters(&self->w, 1));
}

TEST_F(registration, mandatory_callbacks)
{
	static const __u32 wrong[] = {
		WITHOUT(SYSTEM_CALL),
		WITHOUT(OPEN),
		WITHOUT(RELEASE),
		WITHOUT(PREPARE),
		WITHOUT(START),
		PICO_TEST_WITHOUT_OWNER,
		PICO_TEST_WITHOUT_ROUTINES,
	};
	static const __u32 right[] = {
		WITHOUT(EXCEPTION), WITHOUT(EXIT_THREAD), WITHOUT(EXIT_PROCESS),
		WITHOUT(TERMINATE), WITHOUT(WALK),	  WITHOUT(NAME),
		WITHOUT(IOCTL),	    WITHOUT(CREATED),	  WITHOUT(ENDED),
		WITHOUT(APC),	    WITHOUT(SIGNAL),	  WITHOUT(GONE),
	};
	struct pico_test_registration r;

	for (int i = 0; i < 7; i++) {
		r = valid("lacking");
		r.without = wrong[i];
		refused(_metadata, &self->w, r, -EINVAL);
	}
	/* Nowhere to put the services. */
	r = valid("lacking");
	r.without = PICO_TEST_WITHOUT_SERVICES;
	refused(_metadata, &self->w, r, -EINVAL);
	for (int i = 0; i < 12; i++) {
		r = valid("lacking");
		r.without = right[i];
		EXPECT_EQ(0, registers(&self->w, &r))
		TH_LOG("without callback %d", i);
		EXPECT_EQ(1, r.filled);
		EXPECT_EQ(0, unregisters(&self->w, 1));
	}
}

/* Without .open and all that follows from it, there is nothing to bind to. */
TEST_F(registration, without_processes)
{
	struct pico_test_registration r = valid("barren");

	r.without = WITHOUT(OPEN) | WITHOUT(RELEASE) | WITHOUT(PREPARE) |
		    WITHOUT(START);
	ASSERT_EQ(0, registers(&self->w, &r));
	EXPECT_EQ(-1, provider_open(&self->w, "barren"));
	EXPECT_EQ(0, unregisters(&self->w, 1));
}

TEST_F(registration, open_files_keep_it)
{
	struct pico_test_registration r = valid("busy");
	int fd;

	ASSERT_EQ(0, registers(&self->w, &r));
	fd = provider_open(&self->w, "busy");
	ASSERT_GE(fd, 0);
	EXPECT_EQ(-EBUSY, unregisters(&self->w, 1));
	/* It goes on as if nothing had been asked. */
	EXPECT_EQ(-EBUSY, unregisters(&self->w, 1));
	close(fd);
	EXPECT_TRUE(eventually(unregisters(&self->w, 1) == 0));
}

TEST_F(registration, processes_keep_it)
{
	struct pico_test_registration r = valid("busy");
	struct pico_test_behaviour gate = {
		.callback = PICO_TEST_EXIT_PROCESS,
		.flags = PICO_TEST_GATE,
	};
	int fd, status;
	pid_t pid;

	ASSERT_EQ(0, registers(&self->w, &r));
	fd = provider_open(&self->w, "busy");
	ASSERT_GE(fd, 0);
	pid = start_process(&self->w, fd, 1, true);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(1, self->w.shared->slots[1].started);
	/* The file goes, and .release ends the process; it is not gone yet. */
	ASSERT_EQ(0, behave(&self->w, gate));
	close(fd);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	EXPECT_EQ(-EBUSY, unregisters(&self->w, 1));
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	gate.flags = 0;
	ASSERT_EQ(0, behave(&self->w, gate));
	EXPECT_EQ(SIGKILL, end_status(pid));
	EXPECT_TRUE(eventually(unregisters(&self->w, 1) == 0));
}

/* References to its threads outlive it: they answer, and keep nothing else. */
TEST_F(registration, threads_that_it_leaves_behind)
{
	static const int services[] = {
		PICO_TEST_DO_SUSPEND,	       PICO_TEST_DO_RESUME,
		PICO_TEST_DO_GET_CONTEXT,      PICO_TEST_DO_SET_CONTEXT,
		PICO_TEST_DO_TERMINATE_THREAD, PICO_TEST_DO_TERMINATE_PROCESS,
		PICO_TEST_DO_DESCRIPTOR_BASE,  PICO_TEST_DO_APC,
	};
	struct pico_test_registration r = valid("fleeting");
	int fd, held;
	pid_t pid;

	ASSERT_EQ(0, registers(&self->w, &r));
	fd = provider_open(&self->w, "fleeting");
	ASSERT_GE(fd, 0);
	pid = start_process(&self->w, fd, 1, true);
	ASSERT_GT(pid, 0);
	held = ioctl(self->w.host, PICO_TEST_IOC_HOLD, pid);
	ASSERT_GT(held, 0);
	close(fd);
	EXPECT_EQ(SIGKILL, end_status(pid));
	EXPECT_TRUE(eventually(unregisters(&self->w, 1) == 0));
	for (int i = 0; i < 8; i++) {
		struct pico_test_service s = { .service = services[i],
					       .held = held,
					       .parts = 1 };

		s.registers[PICO_TEST_IP] = PICO_TEST_ENTRY;
		EXPECT_EQ(-ESRCH, service(&self->w, &s))
		TH_LOG("service %d", services[i]);
	}
	EXPECT_EQ(0, ioctl(self->w.host, PICO_TEST_IOC_DROP, held));
	EXPECT_EQ(NO_THREAD, suspend(&self->w, pid, NULL));
}

TEST_F(registration, processes_pin_the_module)
{
	pid_t pid = start_process(&self->w, self->w.host, 0, true);

	ASSERT_EQ(1, self->w.shared->slots[0].started);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "pico_test", O_NONBLOCK));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "pico", O_NONBLOCK));
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(pid));
}

/* A process belongs to one provider, and the other does not know it. */
TEST_F(registration, side_by_side)
{
	struct pico_test_registration r = valid("neighbour");
	struct pico_test_service s = { .service = PICO_TEST_DO_LOOKUP };
	pid_t ours, theirs;
	int fd;

	ASSERT_EQ(0, registers(&self->w, &r));
	fd = provider_open(&self->w, "neighbour");
	ASSERT_GE(fd, 0);
	ours = start_process(&self->w, self->w.host, 0, true);
	theirs = start_process(&self->w, fd, 1, true);
	ASSERT_EQ(1, self->w.shared->slots[0].started);
	ASSERT_EQ(1, self->w.shared->slots[1].started);
	EXPECT_EQ(6,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 5, 0, 0, 0, 0));
	EXPECT_EQ(7,
		  slot_call(&self->w, 1, PICO_TEST_CALL_ECHO, 6, 0, 0, 0, 0));
	for (int whose = 0; whose < 2; whose++) {
		for (int asking = 0; asking < 2; asking++) {
			s.which = asking;
			s.tid = whose ? theirs : ours;
			EXPECT_EQ(whose == asking ? 0 : -ENOENT,
				  service(&self->w, &s));
		}
		/* An unmarked task is nobody's. */
		s.which = whose;
		s.tid = getpid();
		EXPECT_EQ(-ENOENT, service(&self->w, &s));
	}
	/* Our host's file does not reach theirs. */
	EXPECT_EQ(NO_THREAD, suspend(&self->w, theirs, NULL));
	close(fd);
	EXPECT_EQ(SIGKILL, end_status(theirs));
	EXPECT_EQ(6,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 5, 0, 0, 0, 0));
	EXPECT_TRUE(eventually(unregisters(&self->w, 1) == 0));
}

TEST_F(registration, opens_may_be_refused)
{
	struct pico_test_behaviour no = {
		.callback = PICO_TEST_OPEN,
		.result = -EDQUOT,
	};

	ASSERT_EQ(0, behave(&self->w, no));
	clear_events(&self->w);
	EXPECT_EQ(-1, provider_open(&self->w, PICO_TEST_PROVIDER));
	EXPECT_EQ(EDQUOT, errno);
	/* What was not opened is not released. */
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_OPEN, 0));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_RELEASE, 0));
}

static bool found_in(const char *folder, const char *text)
{
	const char *const argv[] = { "grep", "-rqsF", text, folder, NULL };
	struct run run;
	bool found;

	if (run_program(argv, NULL, 0, &run))
		return false;
	found = run_exit_code(&run) == 0;
	run_free(&run);
	return found;
}

/* Whether a file of pico's in debugfs has a line with these first columns. */
static bool shown(const char *file, const char *format, ...)
{
	char path[64], line[256], text[8192], *at = text;
	va_list arguments;
	size_t length;

	snprintf(path, sizeof(path), "/sys/kernel/debug/pico/%s", file);
	if (read_file(path, text, sizeof(text)) <= 0)
		return false;
	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	for (; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		if (!strncmp(at, line, length) && strchr("\t\n", at[length]))
			return true;
	}
	return false;
}

TEST_F(registration, processes_and_threads_in_debugfs)
{
	struct pico_test_behaviour gate = {
		.callback = PICO_TEST_EXIT_THREAD,
		.flags = PICO_TEST_GATE,
	};
	pid_t pid, tid;

	if (access("/sys/kernel/debug/pico", F_OK))
		SKIP(return, "no debugfs");
	/* Two files are open. */
	EXPECT_TRUE(shown("providers",
			  "pico_test\tpico_test\t%d\t0x7\t0x7\t0\t2", 0x7e57));
	EXPECT_TRUE(shown("process_count", "0"));
	EXPECT_TRUE(shown("thread_count", "0"));
	pid = start_process(&self->w, self->w.host, 1, true);
	tid = new_thread(&self->w, 1, 2);
	ASSERT_GT(tid, 0);
	EXPECT_TRUE(shown("providers",
			  "pico_test\tpico_test\t%d\t0x7\t0x7\t1\t2", 0x7e57));
	EXPECT_TRUE(shown("process_count", "1"));
	EXPECT_TRUE(shown("thread_count", "2"));
	EXPECT_TRUE(shown("processes", "%d\tpico_test\t%d\t2\tpicotest", pid,
			  0x7e57));
	EXPECT_TRUE(
		shown("threads", "%d\t%d\tpico_test\t0\trunning", pid, pid));
	EXPECT_TRUE(
		shown("threads", "%d\t%d\tpico_test\t0\trunning", pid, tid));
	ASSERT_EQ(0, suspend(&self->w, tid, NULL));
	ASSERT_EQ(0, suspend(&self->w, tid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, tid));
	EXPECT_TRUE(
		shown("threads", "%d\t%d\tpico_test\t2\tresting", pid, tid));
	ASSERT_EQ(0, behave(&self->w, gate));
	ASSERT_EQ(0, terminate_thread(&self->w, tid, 0));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	EXPECT_TRUE(
		shown("threads", "%d\t%d\tpico_test\t2\tleaving", pid, tid));
	gate.flags = 0;
	ASSERT_EQ(0, behave(&self->w, gate));
	EXPECT_TRUE(eventually(shown("thread_count", "1")));
	EXPECT_TRUE(shown("processes", "%d\tpico_test\t%d\t1\tpicotest", pid,
			  0x7e57));
	EXPECT_FALSE(
		shown("threads", "%d\t%d\tpico_test\t2\tleaving", pid, tid));
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(pid));
	EXPECT_TRUE(eventually(shown("process_count", "0")));
	EXPECT_TRUE(shown("thread_count", "0"));
}

struct counts {
	unsigned long system_calls, exceptions, signals, apcs;
};

/* The last columns of the line of "threads" or "providers" that begins so. */
static struct counts counted(const char *file, const char *start)
{
	struct counts c = { -1UL, -1UL, -1UL, -1UL };
	char path[64], text[8192], *at, *end;

	snprintf(path, sizeof(path), "/sys/kernel/debug/pico/%s", file);
	if (read_file(path, text, sizeof(text)) <= 0)
		return c;
	at = strstr(text, start);
	if (!at)
		return c;
	end = strchrnul(at + 1, '\n');
	for (int column = 0; column < 4; end--)
		column += end[-1] == '\t';
	sscanf(end, "%lu %lu %lu %lu", &c.system_calls, &c.exceptions,
	       &c.signals, &c.apcs);
	return c;
}

/* A thread's are its own; its provider's are all that there ever were. */
TEST_F(registration, counts_in_debugfs)
{
	static const int callbacks[] = { PICO_TEST_EXCEPTION, PICO_TEST_SIGNAL,
					 PICO_TEST_APC };
	struct pico_test_service apc = { .service = PICO_TEST_DO_APC };
	struct counts before, after, other;
	char first[64], second[64];
	pid_t pid, tid;

	if (access("/sys/kernel/debug/pico", F_OK))
		SKIP(return, "no debugfs");
	/* PICO_TEST_SKIP, _TAKEN and _USED are the same number. */
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
						      .callback = callbacks[i],
						      .result = 1,
						      .value = i ? 0 : 2 }));
	pid = start_process(&self->w, self->w.host, 1, true);
	tid = new_thread(&self->w, 1, 2);
	ASSERT_GT(tid, 0);
	snprintf(first, sizeof(first), "\n%d\t%d\t", pid, pid);
	snprintf(second, sizeof(second), "\n%d\t%d\t", pid, tid);
	ASSERT_TRUE(slot_done(&self->w, 1));
	ASSERT_TRUE(slot_spin(&self->w, 2));
	other = counted("threads", second);
	before = counted("threads", first);
	ASSERT_NE(-1UL, before.apcs);
	ASSERT_NE(-1UL, other.apcs);
	for (int i = 0; i < 10; i++)
		slot_call(&self->w, 1, PICO_TEST_CALL_ECHO, i, 0, 0, 0, 0);
	for (int i = 0; i < 3; i++) {
		slot_begin(&self->w, 1, SLOT_FAULT, FAULT_UD2, 0, 0, 0, 0, 0,
			   0);
		ASSERT_TRUE(slot_done(&self->w, 1));
	}
	for (int i = 1; i <= 2; i++) {
		syscall(SYS_tgkill, pid, pid, SIGUSR1);
		ASSERT_TRUE(eventually(counted("threads", first).signals ==
				       before.signals + i));
	}
	apc.tid = pid;
	ASSERT_EQ(0, service(&self->w, &apc));
	ASSERT_TRUE(
		eventually(counted("threads", first).apcs == before.apcs + 1));
	after = counted("threads", first);
	EXPECT_GE(after.system_calls, before.system_calls + 10);
	EXPECT_EQ(before.exceptions + 3, after.exceptions);
	EXPECT_EQ(before.signals + 2, after.signals);
	/* The other one has made no call meanwhile. */
	after = counted("threads", second);
	EXPECT_EQ(0, memcmp(&after, &other, sizeof(after)));

	before = counted("providers", "\npico_test\t");
	EXPECT_GE(before.system_calls, 10);
	EXPECT_EQ(3, before.exceptions);
	EXPECT_EQ(2, before.signals);
	EXPECT_EQ(1, before.apcs);
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(pid));
	after = counted("providers", "\npico_test\t");
	EXPECT_GE(after.system_calls, before.system_calls);
	EXPECT_EQ(3, after.exceptions);
	EXPECT_EQ(2, after.signals);
	EXPECT_EQ(1, after.apcs);
}

TEST_F(registration, subsystem_type_in_debugfs)
{
	struct pico_test_registration r = valid("typed");

	if (access("/sys/kernel/debug/pico", F_OK))
		SKIP(return, "no debugfs");
	r.subsystem_type = 0x12345678;
	EXPECT_FALSE(found_in("/sys/kernel/debug/pico", "typed"));
	ASSERT_EQ(0, registers(&self->w, &r));
	EXPECT_TRUE(found_in("/sys/kernel/debug/pico", "typed"));
	EXPECT_TRUE(found_in("/sys/kernel/debug/pico", "12345678") ||
		    found_in("/sys/kernel/debug/pico", "305419896"));
	ASSERT_EQ(0, unregisters(&self->w, 1));
	EXPECT_FALSE(found_in("/sys/kernel/debug/pico", "typed"));
}

TEST_HARNESS_MAIN
