// SPDX-License-Identifier: GPL-2.0-only
/*
 * The latch: no provider registers any more, until pico.ko is loaded anew.
 * Loads and unloads pico.ko, and so belongs into a machine of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define LATCH	"/sys/module/pico/parameters/registration_closed"

static int write_latch(const char *text)
{
	int fd = open(LATCH, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

static char latch(void)
{
	char text[8] = "?";

	read_file(LATCH, text, sizeof(text));
	return text[0];
}

/* As it was when the machine started, with the latch as @arguments say. */
static void reload(struct __test_metadata *_metadata, const char *arguments)
{
	module_delete("drawbridge");
	ASSERT_EQ(0, module_delete("pico"));
	ASSERT_EQ(0, module_insert("pico", arguments));
}

static int registers(struct world *w, const char *name)
{
	struct pico_test_registration r = {
		.slot = 1,
		.process_access = 7,
		.thread_access = 7,
		.filled = POISON,
	};

	strcpy((char *)r.name, name);
	if (ioctl(w->control, PICO_TEST_IOC_REGISTER, &r))
		return r.filled ? -EIO : -errno;
	return 0;
}

TEST(closes_and_stays_closed)
{
	struct world w;
	pid_t pid;

	reload(_metadata, "");
	ASSERT_EQ('N', latch());
	/* Open it is, and may be said to be. */
	EXPECT_EQ(0, write_latch("0"));
	EXPECT_EQ(-EINVAL, write_latch("rubbish"));
	ASSERT_EQ(0, world_open(&w));
	ASSERT_EQ(0, registers(&w, "before"));
	EXPECT_EQ(0, ioctl(w.control, PICO_TEST_IOC_UNREGISTER, 1));

	ASSERT_EQ(0, write_latch("1"));
	EXPECT_EQ('Y', latch());
	EXPECT_EQ(-EPERM, registers(&w, "after"));
	/* What is wrong is wrong first, and a name that is taken is no news. */
	EXPECT_EQ(-EINVAL, registers(&w, ""));
	EXPECT_EQ(-EPERM, registers(&w, PICO_TEST_PROVIDER));
	EXPECT_EQ(-EPERM, write_latch("0"));
	EXPECT_EQ(-EPERM, write_latch("N"));
	EXPECT_EQ('Y', latch());
	EXPECT_EQ(0, write_latch("1"));
	EXPECT_EQ('Y', latch());
	EXPECT_EQ(-EPERM, registers(&w, "after"));

	/* Who is there stays there. */
	pid = start_process(&w, w.host, 0, true);
	ASSERT_EQ(1, w.shared->slots[0].started);
	EXPECT_EQ(2, slot_call(&w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
	ASSERT_GT(new_process(&w, 0, 1, 0), 0);
	ASSERT_EQ(0, terminate_process(&w, pid, EXITED(1)));
	EXPECT_EQ(EXITED(1), end_status(pid));
	/* Who goes does not come back. */
	ASSERT_EQ(0, world_close(&w));
	EXPECT_EQ(-EPERM, module_insert("pico_test", ""));
	EXPECT_EQ(-EPERM, module_insert("drawbridge", ""));

	reload(_metadata, "");
	EXPECT_EQ('N', latch());
	EXPECT_EQ(0, module_insert("drawbridge", ""));
	ASSERT_EQ(0, world_open(&w));
	EXPECT_EQ(0, registers(&w, "again"));
	EXPECT_EQ(0, world_close(&w));
}

TEST(closed_from_the_start)
{
	reload(_metadata, "registration_closed=1");
	EXPECT_EQ('Y', latch());
	EXPECT_EQ(-EPERM, module_insert("drawbridge", ""));
	EXPECT_EQ(-EPERM, write_latch("0"));
	reload(_metadata, "");
	EXPECT_EQ(0, module_insert("drawbridge", ""));
}

TEST_HARNESS_MAIN
