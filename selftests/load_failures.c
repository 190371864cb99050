// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading drawbridge.ko with each of the allocations and copies failing that the
 * kernel, and then the module, makes on the way (of the many that are borne, one
 * in seven). Either it is loaded and works, or nothing of it is there.
 *
 * Not pico.ko: it has trace events, and the kernel itself warns when their fields
 * meet a failure (event_define_fields()).
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "lib/harness.h"
#include "lib/inject.h"

#include <pico/pico.h>

/* A module as init_module(2) takes it: no file system is on the way. */
struct module {
	const char *name;
	void *image;
	size_t size;
	int self; /* fail-nth of this thread */
};

static bool module_read(struct module *m)
{
	int fd = open(module_path(m->name), O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t done = 0;
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &st))
		return false;
	m->size = st.st_size;
	m->image = malloc(m->size);
	while (m->image && done < m->size &&
	       (n = read(fd, m->image + done, m->size - done)) > 0)
		done += n;
	close(fd);
	return done == m->size;
}

static int insert(const struct module *m)
{
	return syscall(SYS_init_module, m->image, m->size, "");
}

static bool is_loaded(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

static bool binds(const char *provider)
{
	struct pico_ioc_bind bind = { 0 };
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return false;
	snprintf((char *)bind.provider, sizeof(bind.provider), "%s", provider);
	ret = ioctl(fd, PICO_IOC_BIND, &bind) ? -errno : 0;
	close(fd);
	/* Nobody of that name is an answer of pico.ko's. */
	return ret == (!strcmp(provider, "nobody") ? -ENOENT : 0);
}

static void run_load(void *arg, unsigned int nth, struct try *t)
{
	struct module *m = arg;

	ARMED(m->self, nth, t, insert(m));
	t->changed = is_loaded(m->name) != (t->result >= 0);
	if (t->result >= 0)
		t->changed |= !binds(m->name) || module_delete(m->name);
}

static bool drawbridge_gone(void *arg)
{
	return !is_loaded("drawbridge") && binds("nobody") &&
	       !binds("drawbridge");
}

FIXTURE(load)
{
	struct module drawbridge;
};

FIXTURE_SETUP(load)
{
	inject_stride = 7;
	if (!inject_prepare())
		SKIP(_exit(255), "this kernel does not let allocations fail");
	self->drawbridge = (struct module){ .name = "drawbridge" };
	self->drawbridge.self = inject_open(getpid(), gettid());
	ASSERT_GE(self->drawbridge.self, 0);
	ASSERT_TRUE(module_read(&self->drawbridge));
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
	ASSERT_EQ(0, module_delete("drawbridge"));
}

FIXTURE_TEARDOWN(load)
{
	/* As it was. */
	EXPECT_EQ(0, module_insert("drawbridge", ""));
	close(self->drawbridge.self);
	free(self->drawbridge.image);
}

TEST_F_TIMEOUT(load, drawbridge, 3000)
{
	EXPECT_TRUE(inject_walk("drawbridge.ko", run_load, &self->drawbridge,
				drawbridge_gone));
}

TEST_HARNESS_MAIN
