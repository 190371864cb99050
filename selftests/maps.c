// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in a picoprocess' address space, and what is not: /proc/PID/maps
 * and its neighbours.
 */
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "lib/harness.h"

FIXTURE(idle)
{
	int sandbox, io;
	pid_t pid;
};

FIXTURE_SETUP(idle)
{
	int io[2];
	char text[16] = "";

	self->sandbox = sandbox_open();
	ASSERT_GE(self->sandbox, 0);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io));
	self->pid = sandbox_start(self->sandbox,
				  &(struct sandbox_start){
					  .image = beside("idle.img"),
					  .in = io[1],
					  .out = io[1] });
	ASSERT_GT(self->pid, 0);
	close(io[1]);
	self->io = io[0];
	ASSERT_EQ(6, read(io[0], text, sizeof(text)));
}

FIXTURE_TEARDOWN(idle)
{
	int status;

	close(self->io);
	EXPECT_TRUE(wait_for(self->pid, &status, 10000));
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	close(self->sandbox);
	EXPECT_EQ(0, nothing_left());
}

static const char *proc(pid_t pid, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return path;
}

static char maps[1 << 20];

static int loads(const char *image)
{
	static char text[1 << 20];
	const Elf64_Ehdr *e = (void *)text;
	const Elf64_Phdr *p = (void *)(text + sizeof(*e));
	int n = 0;

	if (read_file(image, text, sizeof(text)) < 0)
		return -1;
	for (int i = 0; i < e->e_phnum; i++)
		n += p[i].p_type == PT_LOAD;
	return n;
}

TEST_F(idle, only_what_the_provider_mapped)
{
	int lines = 0, image_lines = 0, others = 0, segments;
	char *line, *save;

	ASSERT_GT(read_file(proc(self->pid, "maps"), maps, sizeof(maps)), 0);
	TH_LOG("\n%s", maps);
	EXPECT_EQ(NULL, strstr(maps, "["))
	TH_LOG("vdso, vvar, vsyscall, heap or stack");
	segments = loads(beside("idle.img"));
	ASSERT_GT(segments, 0);
	for (line = strtok_r(maps, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		lines++;
		if (strstr(line, "idle.img"))
			image_lines++;
		else
			others++;
		/* Nothing writable and executable. */
		EXPECT_EQ(NULL, strstr(line, "rwx"));
		EXPECT_EQ(NULL, strstr(line, " -wx"));
	}
	/* The segments (one may be split by its .bss); then stack, parameters,
	 * event words, and the second thread's stack.
	 */
	EXPECT_GE(image_lines, segments);
	EXPECT_LE(image_lines, segments + 1);
	EXPECT_LE(others, 6);
}

TEST_F(idle, no_native_state)
{
	struct dirent *e;
	char text[4096];
	int entries = 0;
	DIR *d;

	d = opendir(proc(self->pid, "fd"));
	ASSERT_NE(NULL, d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			TH_LOG("fd %s", e->d_name);
			entries++;
		}
	closedir(d);
	EXPECT_EQ(0, entries);
	/* The program headers and the vDSO are not announced either. */
	ASSERT_GE(read_file(proc(self->pid, "status"), text, sizeof(text)), 0);
	EXPECT_NE(NULL, strstr(text, "Threads:\t2\n"));
	EXPECT_EQ(NULL, strstr(text, "Seccomp_filters:\t1"));
}

TEST_F(idle, counters)
{
	EXPECT_EQ(1, module_counter("pico", "processes"));
	EXPECT_EQ(2, module_counter("pico", "threads"));
	EXPECT_GT(module_counter("drawbridge", "objects"), 2);
}

TEST_F(idle, name_and_parent)
{
	char text[512] = "";

	for (int i = 0; i < 500 && !strstr(text, ") S "); i++) {
		usleep(10000);
		ASSERT_GT(read_file(proc(self->pid, "stat"), text,
				    sizeof(text)),
			  0);
	}
	EXPECT_NE(NULL, strstr(text, ") S ")) TH_LOG("%s", text);
	EXPECT_EQ(getpid(), atoi(strrchr(text, ')') + 4));
}

/* The other way round: from there our memory cannot be reached. */
TEST_F(idle, private_memory_is_small)
{
	char text[4096], *at;
	long kb = 0;

	ASSERT_GT(read_file(proc(self->pid, "smaps_rollup"), text,
			    sizeof(text)),
		  0);
	at = text;
	while ((at = strstr(at, "Private_"))) {
		at = strchr(at, ':') + 1;
		kb += atol(at);
	}
	TH_LOG("%ld KiB private", kb);
	EXPECT_LT(kb, 1024);
}

TEST(busybox_has_no_vdso)
{
	int io[2], found = -1;
	char text[64] = "", path[64];
	pid_t pid;
	FILE *f;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io));
	pid = fork();
	if (pid == 0) {
		dup2(io[1], 0);
		dup2(io[1], 1);
		execlp(picoexec(), "picoexec", "busybox", "cat", NULL);
		_exit(127);
	}
	close(io[1]);
	ASSERT_EQ(3, write(io[0], "hi\n", 3));
	ASSERT_EQ(3, read(io[0], text, sizeof(text)));
	EXPECT_EQ(0, strcmp(text, "hi\n"));
	/* The picoprocess is a child of picoexec, as another process may be. */
	snprintf(path, sizeof(path), "pgrep -P %d -x busybox", pid);
	f = popen(path, "r");
	ASSERT_NE(NULL, f);
	EXPECT_EQ(1, fscanf(f, "%d", &found));
	pclose(f);
	ASSERT_GT(read_file(proc(found, "maps"), maps, sizeof(maps)), 0);
	TH_LOG("\n%s", maps);
	EXPECT_EQ(NULL, strstr(maps, "[vdso]"));
	EXPECT_EQ(NULL, strstr(maps, "[vvar]"));
	EXPECT_EQ(NULL, strstr(maps, "[vsyscall]"));
	EXPECT_EQ(NULL, strstr(maps, "[heap]"));
	EXPECT_EQ(NULL, strstr(maps, "[stack]"));
	EXPECT_NE(NULL, strstr(maps, "busybox"));
	close(io[0]);
	EXPECT_TRUE(wait_for(pid, NULL, 10000));
	EXPECT_EQ(0, nothing_left());
}

TEST_HARNESS_MAIN
