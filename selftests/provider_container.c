// SPDX-License-Identifier: GPL-2.0-only
/*
 * pico_get_effective_container_id(), with real cgroups (v2). Called where it
 * may not sleep.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define ROOT	"/sys/fs/cgroup"
#define UPPER	ROOT "/pico-upper"
#define LOWER	UPPER "/lower"

enum type { CPU, DISK_IO, NET_IO, HEAP, IMMEDIATE, TYPES };

PROVIDER_FIXTURE(container, true)

struct id {
	__u8 id[16];
	__u32 flags;
	int result;
};

static struct id id_from(struct world *w, pid_t tid, __u32 type, __u32 flags)
{
	struct pico_test_service s = {
		.service = PICO_TEST_DO_CONTAINER,
		.tid = tid,
		.which = type,
		.flags = flags,
	};
	struct id id;

	id.result = service(w, &s);
	id.flags = s.container_flags;
	memcpy(id.id, s.id, 16);
	return id;
}

static struct id id_of(struct world *w, pid_t tid, __u32 type)
{
	return id_from(w, tid, type, 0);
}

static bool same(const struct id *a, const struct id *b)
{
	return memcmp(a->id, b->id, 16) == 0;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

static int move(pid_t pid, const char *folder)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	snprintf(text, sizeof(text), "%d", pid);
	return write_text(path, text);
}

static bool has(const char *folder, const char *controller)
{
	char path[128], text[256];

	snprintf(path, sizeof(path), "%s/cgroup.controllers", folder);
	return read_file(path, text, sizeof(text)) > 0 &&
	       strstr(text, controller);
}

static void all_gone(void)
{
	move(getpid(), ROOT);
	eventually(rmdir(LOWER) == 0 || errno == ENOENT);
	write_text(UPPER "/cgroup.subtree_control", "-cpu");
	write_text(UPPER "/cgroup.subtree_control", "-io");
	write_text(UPPER "/cgroup.subtree_control", "-memory");
	eventually(rmdir(UPPER) == 0 || errno == ENOENT);
}

TEST_F(container, types)
{
	struct id root = id_of(&self->w, self->pid, IMMEDIATE);

	ASSERT_EQ(0, move(self->pid, ROOT));
	for (int type = 0; type < TYPES; type++) {
		struct id id = id_of(&self->w, self->pid, type);

		EXPECT_EQ(0, id.result);
		/* The only one there is. */
		EXPECT_TRUE(same(&id, &root)) TH_LOG("type %d", type);
		EXPECT_EQ(0, id.flags);
	}
	EXPECT_EQ(-EINVAL, id_of(&self->w, self->pid, TYPES).result);
	EXPECT_EQ(-EINVAL, id_of(&self->w, self->pid, ~0U).result);
	EXPECT_EQ(-EINVAL, id_of(&self->w, self->pid, 1U << 31).result);
}

/* Any task, marked or not. */
TEST_F(container, of_anybody)
{
	struct id mine = id_of(&self->w, getpid(), IMMEDIATE);
	struct id theirs = id_of(&self->w, self->pid, IMMEDIATE);
	struct id inits = id_of(&self->w, 1, IMMEDIATE);

	EXPECT_EQ(0, mine.result);
	EXPECT_EQ(0, inits.result);
	EXPECT_TRUE(same(&mine, &theirs));
}

/* In an interrupt, of whoever it is. */
TEST_F(container, in_an_interrupt)
{
	const pid_t whose[] = { self->pid, getpid(), 1, 0 };

	for (int i = 0; i < 4; i++) {
		for (int type = 0; type < TYPES; type++) {
			struct id there = id_from(&self->w, whose[i], type,
						  PICO_TEST_IN_INTERRUPT);
			struct id here = id_of(&self->w, whose[i], type);

			EXPECT_EQ(0, there.result);
			EXPECT_TRUE(same(&here, &there));
			EXPECT_EQ(here.flags, there.flags);
		}
		EXPECT_EQ(-EINVAL, id_from(&self->w, whose[i], TYPES,
					   PICO_TEST_IN_INTERRUPT)
					   .result);
	}
}

/*
 * Controllers are enabled one after the other: in @UPPER for its children, or
 * not, and so in LOWER itself or inherited from UPPER.
 */
TEST_F(container, controllers)
{
	static const struct {
		enum type type;
		const char *name, *on, *off;
	} controllers[] = {
		{ CPU, "cpu", "+cpu", "-cpu" },
		{ DISK_IO, "io", "+io", "-io" },
		{ HEAP, "memory", "+memory", "-memory" },
	};
	struct id root, upper, lower;

	all_gone();
	root = id_of(&self->w, self->pid, IMMEDIATE);
	for (int i = 0; i < 3; i++)
		write_text(ROOT "/cgroup.subtree_control", controllers[i].on);
	ASSERT_EQ(0, mkdir(UPPER, 0755));
	ASSERT_EQ(0, mkdir(LOWER, 0755));
	ASSERT_EQ(0, move(self->pid, UPPER));
	upper = id_of(&self->w, self->pid, IMMEDIATE);
	ASSERT_EQ(0, move(self->pid, LOWER));
	lower = id_of(&self->w, self->pid, IMMEDIATE);
	EXPECT_EQ(0, upper.flags | lower.flags);
	EXPECT_FALSE(same(&root, &upper));
	EXPECT_FALSE(same(&root, &lower));
	EXPECT_FALSE(same(&upper, &lower));
	for (int i = 0; i < 3; i++) {
		struct id id;

		if (!has(UPPER, controllers[i].name)) {
			TH_LOG("no controller %s", controllers[i].name);
			continue;
		}
		/* Not enabled for UPPER's children: inherited from UPPER. */
		id = id_of(&self->w, self->pid, controllers[i].type);
		EXPECT_EQ(0, id.result);
		EXPECT_EQ(1, id.flags) TH_LOG("%s", controllers[i].name);
		EXPECT_TRUE(same(&id, &upper));
		ASSERT_EQ(0, write_text(UPPER "/cgroup.subtree_control",
					controllers[i].on));
		id = id_of(&self->w, self->pid, controllers[i].type);
		EXPECT_EQ(0, id.flags) TH_LOG("%s", controllers[i].name);
		EXPECT_TRUE(same(&id, &lower));
		ASSERT_EQ(0, write_text(UPPER "/cgroup.subtree_control",
					controllers[i].off));
		id = id_of(&self->w, self->pid, controllers[i].type);
		EXPECT_EQ(1, id.flags);
		EXPECT_TRUE(same(&id, &upper));
	}
	/* What filters traffic is attached to the cgroup itself. */
	EXPECT_EQ(0, id_of(&self->w, self->pid, NET_IO).flags);
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	all_gone();
}

/* The same for its life; of no other, even with the same name. */
TEST_F(container, ids_are_not_used_again)
{
	struct id first, other;

	all_gone();
	for (int i = 0; i < 8; i++) {
		struct id here, again;

		ASSERT_EQ(0, mkdir(UPPER, 0755));
		ASSERT_EQ(0, move(self->pid, UPPER));
		here = id_of(&self->w, self->pid, IMMEDIATE);
		again = id_of(&self->w, self->pid, IMMEDIATE);
		EXPECT_TRUE(same(&here, &again));
		if (i == 0)
			first = here;
		else
			EXPECT_FALSE(same(&first, &here));
		ASSERT_EQ(0, move(self->pid, ROOT));
		other = id_of(&self->w, self->pid, IMMEDIATE);
		EXPECT_FALSE(same(&here, &other));
		ASSERT_EQ(0, move(self->pid, UPPER));
		again = id_of(&self->w, self->pid, IMMEDIATE);
		EXPECT_TRUE(same(&here, &again));
		ASSERT_EQ(0, move(self->pid, ROOT));
		ASSERT_TRUE(eventually(rmdir(UPPER) == 0));
	}
}

/* A process that is created is in its creator's. */
TEST_F(container, is_inherited_by_processes)
{
	struct id here, there;
	pid_t pid;

	all_gone();
	ASSERT_EQ(0, mkdir(UPPER, 0755));
	ASSERT_EQ(0, move(self->pid, UPPER));
	pid = new_process(&self->w, 0, 1, 0);
	ASSERT_GT(pid, 0);
	here = id_of(&self->w, self->pid, IMMEDIATE);
	there = id_of(&self->w, pid, IMMEDIATE);
	EXPECT_TRUE(same(&here, &there));
	kill(pid, SIGKILL);
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	all_gone();
}

TEST_HARNESS_MAIN
