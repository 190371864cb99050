// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of /dev/pico: .release comes once, with the last reference, and .ioctl
 * is asked what is the provider's to answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"

PROVIDER_FIXTURE(files, false)

static int released(struct world *w)
{
	return count_events(w, PICO_TEST_RELEASE, 0);
}

TEST_F(files, released_with_the_last_descriptor)
{
	int fd = provider_open(&self->w, PICO_TEST_PROVIDER), copy;

	ASSERT_GE(fd, 0);
	clear_events(&self->w);
	copy = dup(fd);
	ASSERT_GE(copy, 0);
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, released(&self->w));
	/* It works as before. */
	EXPECT_EQ(0, ioctl(copy, PICO_TEST_IOC_SLOT, 1));
	ASSERT_EQ(0, close(copy));
	EXPECT_TRUE(eventually(released(&self->w)));
	EXPECT_EQ(1, released(&self->w));
}

TEST_F(files, released_with_the_last_process)
{
	int fd = provider_open(&self->w, PICO_TEST_PROVIDER), go[2];
	pid_t pid;
	char c;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, pipe(go));
	clear_events(&self->w);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		_exit(read(go[0], &c, 1) != 1);
	}
	ASSERT_EQ(0, close(fd));
	usleep(50000);
	EXPECT_EQ(0, released(&self->w));
	ASSERT_EQ(1, write(go[1], "x", 1));
	EXPECT_EQ(EXITED(0), end_status(pid));
	EXPECT_TRUE(eventually(released(&self->w)));
	EXPECT_EQ(1, released(&self->w));
	close(go[0]);
	close(go[1]);
}

/* On its way from one process to another it is somebody's, too. */
TEST_F(files, released_with_the_last_message)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec byte = { "x", 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = provider_open(&self->w, PICO_TEST_PROVIDER), pair[2];

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	clear_events(&self->w);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	ASSERT_EQ(1, sendmsg(pair[0], &message, 0));
	ASSERT_EQ(0, close(fd));
	usleep(50000);
	EXPECT_EQ(0, released(&self->w));
	close(pair[0]);
	close(pair[1]);
	EXPECT_TRUE(eventually(released(&self->w)));
	EXPECT_EQ(1, released(&self->w));
}

/* A process holds its host, but not the file. */
TEST_F(files, released_before_its_processes_end)
{
	struct pico_test_behaviour gate = {
		.callback = PICO_TEST_EXIT_PROCESS,
		.flags = PICO_TEST_GATE,
	};
	int fd = provider_open(&self->w, PICO_TEST_PROVIDER);
	pid_t pid;

	ASSERT_GE(fd, 0);
	pid = start_process(&self->w, fd, 1, true);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, behave(&self->w, gate));
	clear_events(&self->w);
	ASSERT_EQ(0, close(fd));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	EXPECT_EQ(1, released(&self->w));
	gate.flags = 0;
	ASSERT_EQ(0, behave(&self->w, gate));
	EXPECT_EQ(SIGKILL, end_status(pid));
	EXPECT_EQ(1, released(&self->w));
}

/* A file that was never bound is nobody's to release. */
/*
 * Closed while execve() is inside prepare_process(): nobody waits, and .release
 * comes behind that, whether it fails or not.
 */
TEST_F(files, released_behind_prepare)
{
	for (int error = 0; error < 2; error++) {
		int fd = provider_open(&self->w, PICO_TEST_PROVIDER);
		struct pico_test_behaviour gate = {
			.callback = PICO_TEST_PREPARE,
			.result = error ? -EACCES : 0,
			.flags = PICO_TEST_GATE,
		};
		pid_t pid, closes;

		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, behave(&self->w, gate));
		clear_events(&self->w);
		ASSERT_EQ(0, ioctl(fd, PICO_TEST_IOC_SLOT, 1));
		pid = fork();
		if (pid == 0) {
			char *const none[] = { NULL };

			if (ioctl(fd, PICO_IOC_TICKET))
				_exit(99);
			close(fd);
			execve(beside("provider.img"), none, none);
			_exit(errno);
		}
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_PREPARE, 0));
		closes = fork();
		if (closes == 0) {
			usleep(100000);
			_exit(0);
		}
		close(fd);
		/* The last descriptor goes with this process. */
		EXPECT_EQ(EXITED(0), end_status(closes));
		usleep(50000);
		EXPECT_EQ(0, released(&self->w));
		gate.flags = 0;
		ASSERT_EQ(0, behave(&self->w, gate));
		EXPECT_EQ(error ? EXITED(EACCES) : SIGKILL, end_status(pid));
		EXPECT_TRUE(eventually(released(&self->w)));
		EXPECT_EQ(1, released(&self->w));
		EXPECT_EQ(0, self->w.shared->slots[1].started);
		EXPECT_TRUE(
			eventually(module_counter("pico", "processes") == 0));
	}
}

TEST_F(files, not_bound)
{
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	clear_events(&self->w);
	EXPECT_EQ(-1, ioctl(fd, PICO_TEST_IOC_SLOT, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd, PICO_IOC_TICKET));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, close(fd));
	usleep(50000);
	EXPECT_EQ(0, released(&self->w));
}

static int error_of(int fd, unsigned long command)
{
	char room[256] = "";

	return ioctl(fd, command, room) ? -errno : 0;
}

/* Of other magic, of pico's own numbers that mean nothing, of the provider's. */
TEST_F(files, unknown_ioctls)
{
	struct pico_test_registration r = {
		.slot = 1,
		.without = 1U << PICO_TEST_IOCTL,
		.process_access = 7,
		.thread_access = 7,
		.name = "deaf",
	};
	int unbound = open(PICO_DEVICE, O_RDWR | O_CLOEXEC), deaf;
	const int foreign[] = { 0x5401, 0x5413, 0x541b,
				_IO(0xdc, PICO_IOC_PROVIDER), 0 };

	ASSERT_GE(unbound, 0);
	ASSERT_EQ(0, ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
	deaf = provider_open(&(struct world){ 0 }, "deaf");
	ASSERT_GE(deaf, 0);
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(-ENOTTY, error_of(self->w.host, foreign[i]));
		EXPECT_EQ(-ENOTTY, error_of(unbound, foreign[i]));
		EXPECT_EQ(-ENOTTY, error_of(deaf, foreign[i]));
	}
	for (int nr = 0; nr < 256; nr++) {
		unsigned int command = _IO(PICO_IOC_MAGIC, nr);

		if (command == PICO_IOC_TICKET || command == PICO_IOC_BIND ||
		    command == PICO_IOC_INFO || command == PICO_IOC_TERMINATE)
			continue;
		/* Nobody answers for a provider that takes none. */
		EXPECT_EQ(-ENOTTY, error_of(deaf, command))
		TH_LOG("number %#x", nr);
		EXPECT_EQ(-EINVAL, error_of(unbound, command))
		TH_LOG("number %#x", nr);
		if (nr < PICO_IOC_PROVIDER || nr >= 0x60)
			EXPECT_EQ(-ENOTTY, error_of(self->w.host, command))
		TH_LOG("number %#x", nr);
	}
	close(deaf);
	close(unbound);
	EXPECT_TRUE(eventually(
		!ioctl(self->w.control, PICO_TEST_IOC_UNREGISTER, 1)));
}

TEST_HARNESS_MAIN
