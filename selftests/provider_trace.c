// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints: that each tells of its callback, and .walk_user_stack, which is
 * only there for one of them. Switching them on patches kernel code.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/ioctl.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define TRACING "/sys/kernel/tracing/"

PROVIDER_FIXTURE(tracing, true)

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

/* Switches one event, or all ("enable"), on and empties the trace; or off. */
static int trace(const char *event, bool on)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "events/pico/%s", event);
	if (on)
		write_text(TRACING "trace", "");
	return write_text(path, on ? "1" : "0");
}

/* The whole trace, malloc'ed. */
static char *traced(void)
{
	size_t size = 4 << 20;
	char *text = calloc(1, size);

	read_file(TRACING "trace", text, size);
	return text;
}

static int lines(const char *text, const char *a, const char *b)
{
	int n = 0;

	while (*text) {
		const char *end = strchrnul(text, '\n');
		char *line = strndup(text, end - text);

		n += strstr(line, a) && strstr(line, b);
		free(line);
		text = *end ? end + 1 : end;
	}
	return n;
}

static int on_exception(struct world *w, int what)
{
	return behave(w, (struct pico_test_behaviour){
				 .callback = PICO_TEST_EXCEPTION,
				 .result = what,
				 .value = 2 });
}

static int on_request(struct world *w, int what)
{
	return behave(w, (struct pico_test_behaviour){
				 .callback = PICO_TEST_TERMINATE,
				 .result = what });
}

static int request_end(int fd, pid_t pid, int status)
{
	struct pico_ioc_terminate t = { pid, status };

	return ioctl(fd, PICO_IOC_TERMINATE, &t) ? -errno : 0;
}

TEST_F(tracing, walk_user_stack)
{
	static const int counts[] = { 0, 1, 5, 16, 1000 };
	struct pico_test_event e;
	char *text;

	if (access(TRACING "events/pico", F_OK))
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_SKIP));
	/* Nobody looks, nobody is asked. */
	slot_begin(&self->w, 0, SLOT_FAULT, FAULT_UD2, 0, 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_WALK, 0));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0,
			  behave(&self->w, (struct pico_test_behaviour){
						   .callback = PICO_TEST_WALK,
						   .result = counts[i],
						   .value = 0xabc000 }));
		clear_events(&self->w);
		ASSERT_EQ(0, trace("pico_user_stack/enable", true));
		slot_begin(&self->w, 0, SLOT_FAULT, FAULT_UD2, 0, 0, 0, 0, 0,
			   0);
		ASSERT_TRUE(slot_done(&self->w, 0));
		ASSERT_EQ(0, trace("pico_user_stack/enable", false));
		ASSERT_TRUE(
			last_event(&self->w, PICO_TEST_WALK, self->pid, &e));
		EXPECT_TRUE(e.context & PICO_TEST_OWN);
		EXPECT_TRUE(e.context & PICO_TEST_MAY_SLEEP);
		EXPECT_GE(e.value[0], 1);
		text = traced();
		EXPECT_EQ(1, lines(text, "pico_user_stack", "pico_test"));
		EXPECT_EQ(counts[i] > 0, lines(text, "0xabc000", ""));
		EXPECT_EQ(counts[i] > 4, lines(text, "0xabc004", ""));
		/* No more than there was place for. */
		EXPECT_EQ(0, lines(text, "0xabc0ff", ""));
		free(text);
	}
}

/* The life of a process and of a thread, event by event. */
TEST_F(tracing, every_callback)
{
	static const struct {
		const char *event, *what;
	} wanted[] = {
		{ "pico_host:", "open" },
		{ "pico_host:", "ioctl" },
		{ "pico_host:", "release" },
		{ "pico_prepare_process:", "" },
		{ "pico_start_process:", "" },
		{ "pico_image_name:", "" },
		{ "pico_system_call:", "nr=0x1000" },
		{ "pico_system_call_answer:", "ret=4712" },
		{ "pico_exception:", "trap=6" },
		{ "pico_thread_created:", "" },
		{ "pico_suspend_thread:", "" },
		{ "pico_resume_thread:", "" },
		{ "pico_terminate_thread:", "" },
		{ "pico_exit_thread:", "" },
		{ "pico_terminate_request:", "status=512 taken=1" },
		{ "pico_terminate_request:", "status=768 taken=0" },
		{ "pico_terminate_process:", "value=768" },
		{ "pico_exit_process:", "" },
		{ "pico_process_gone:", "" },
		{ "pico_native_call_ended:", "" },
		{ "pico_apc:", "value=0" },
		{ "pico_signal:", "sig=28" },
	};
	struct pico_test_service apc = { .service = PICO_TEST_DO_APC };
	char *text;
	pid_t pid, tid;
	int fd;

	if (access(TRACING "events/pico", F_OK))
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_SKIP));
	ASSERT_EQ(0, trace("enable", true));
	fd = provider_open(&self->w, PICO_TEST_PROVIDER);
	pid = start_process(&self->w, fd, 1, true);
	apc.tid = pid;
	EXPECT_EQ(4712, slot_call(&self->w, 1, PICO_TEST_CALL_ECHO, 4711, 0, 0,
				  0, 0));
	slot_begin(&self->w, 1, SLOT_FAULT, FAULT_UD2, 0, 0, 0, 0, 0, 0);
	EXPECT_TRUE(slot_done(&self->w, 1));
	tid = new_thread(&self->w, 1, 2);
	EXPECT_GT(tid, 0);
	EXPECT_EQ(0, suspend(&self->w, tid, NULL));
	EXPECT_EQ(0, resume(&self->w, tid, NULL));
	EXPECT_EQ(pid, slot_call(&self->w, 1, PICO_TEST_CALL_WATCHED,
				 SYS_getpid, 0, 0, 0, 0));
	EXPECT_EQ(0, service(&self->w, &apc));
	EXPECT_TRUE(wait_event(&self->w, PICO_TEST_APC, pid));
	EXPECT_EQ(0, kill(pid, SIGWINCH));
	EXPECT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, pid));
	EXPECT_EQ(0, terminate_thread(&self->w, tid, 0));
	EXPECT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	EXPECT_EQ(0, on_request(&self->w, PICO_TEST_KEEP));
	EXPECT_EQ(0, request_end(fd, pid, EXITED(2)));
	EXPECT_EQ(0, on_request(&self->w, PICO_TEST_REFUSE));
	EXPECT_EQ(0, request_end(fd, pid, EXITED(3)));
	EXPECT_EQ(EXITED(3), end_status(pid));
	close(fd);
	ASSERT_EQ(0, trace("enable", false));
	text = traced();
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		EXPECT_GE(lines(text, wanted[i].event, wanted[i].what), 1)
		TH_LOG("%s %s", wanted[i].event, wanted[i].what);
	}
	/* Each of them says whose it is. */
	EXPECT_EQ(lines(text, ": pico_", ""),
		  lines(text, ": pico_", "pico_test"));
	free(text);
	write_text(TRACING "trace", "");
}

TEST_HARNESS_MAIN
