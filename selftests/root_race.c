// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories are moved out of a sandbox's root and back while climb.img walks
 * through them with "..": what is opened is never outside.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kselftest.h"
#include "lib/sandbox.h"

static char folder[] = "/dev/shm/pico-root.XXXXXX";
static volatile bool stop;

static const char *in(const char *name)
{
	static __thread char paths[4][128];
	static __thread unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name)
{
	int fd = open(in(name), O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || write(fd, "file\n\n", 6) != 6)
		ksft_exit_fail_msg("%s\n", name);
	close(fd);
}

static void prepare(void)
{
	static const char *const folders[] = {
		"root",	      "root/a",	      "root/a/b",
		"root/a/b/c", "root/a/b/c/d", "outside",
	};

	if (!mkdtemp(folder))
		ksft_exit_fail_msg("%s\n", folder);
	chmod(folder, 0755);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(in(folders[i]), 0755))
			ksft_exit_fail_msg("%s\n", folders[i]);
	put("secret");
	put("outside/secret");
	put("root/a/b/c/d/file");
	if (symlink("..", in("root/a/b/up")) ||
	    symlink("../..", in("root/a/b/c/up2")))
		ksft_exit_fail_msg("symlink\n");
}

static void *move(void *nothing)
{
	unsigned int seed = 1;

	while (!stop) {
		rename(in("root/a/b"), in("outside/b"));
		usleep(rand_r(&seed) % 300);
		rename(in("outside/b"), in("root/a/b"));
		usleep(rand_r(&seed) % 300);
		rename(in("root/a/b/c"), in("outside/c"));
		usleep(rand_r(&seed) % 300);
		rename(in("outside/c"), in("root/a/b/c"));
		usleep(rand_r(&seed) % 300);
	}
	return NULL;
}

static int open_sandbox(void)
{
	struct pico_ioc_bind bind = { .provider = DRAWBRIDGE_PROVIDER };
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);
	__s32 root = open(in("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || root < 0 || ioctl(fd, PICO_IOC_BIND, &bind) ||
	    ioctl(fd, DRAWBRIDGE_IOC_ROOT, &root) ||
	    sandbox_rule(fd, "/", DK_ACCESS_READ, 0))
		ksft_exit_fail_msg("no sandbox\n");
	close(root);
	return fd;
}

int main(void)
{
	static struct lines lines;
	bool passed = false;
	pthread_t mover;
	char line[512];
	int sandbox, out[2];

	ksft_print_header();
	ksft_set_plan(2);
	prepare();
	sandbox = open_sandbox();
	if (pipe2(out, O_CLOEXEC))
		ksft_exit_fail_msg("pipe\n");
	if (pthread_create(&mover, NULL, move, NULL))
		ksft_exit_fail_msg("pthread_create\n");
	lines.fd = out[0];
	lines.pid = sandbox_start(sandbox, &(struct sandbox_start){
						   .image = beside("climb.img"),
						   .out = out[1] });
	if (lines.pid < 0)
		ksft_exit_fail_msg("climb.img\n");
	while (next_line(&lines, line, sizeof(line))) {
		passed |= !strncmp(line, "ok 1 ", 5);
		if (line[0] == '#')
			fputs(line, stdout);
	}
	stop = true;
	pthread_join(mover, NULL);
	close(sandbox);
	ksft_test_result(passed && !lines.status,
			 "no path leaves the root, whoever moves it\n");
	ksft_test_result(!nothing_left(), "nothing is left\n");
	snprintf(line, sizeof(line), "rm -rf %s", folder);
	if (system(line))
		ksft_print_msg("%s stays\n", folder);
	ksft_finished();
}
