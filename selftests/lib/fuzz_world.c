// SPDX-License-Identifier: GPL-2.0-only
/*
 * The world of the fuzzer: the files that a sandbox may write, those beside and
 * below them that it may not, and a process beside. What must not change is
 * remembered file by file, so that a change can be named.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "fuzz_world.h"
#include "sandbox.h"

#define RW_SIZE		"8m"
#define RW_INODES	"400"

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool is_root(void)
{
	return geteuid() == 0;
}

/* ---- files ---- */

void world_put_file(const char *folder, const char *name, const char *text,
		    mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	fchmod(fd, mode);
	close(fd);
}

static void put_link(const char *folder, const char *target, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (symlink(target, path))
		die(path);
}

const char *world_path(const char *folder, const char *name)
{
	static char paths[4][256];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

/* A small tmpfs, so that what is written is bounded and can be full. */
static void small_mount(const char *path, unsigned long flags)
{
	if (mount("tmpfs", path, "tmpfs", flags,
		  "size=" RW_SIZE ",nr_inodes=" RW_INODES))
		printf("# %s: no tmpfs: %s\n", path, strerror(errno));
}

/* ---- what must not change ---- */

static __u64 sum;
static size_t folder_length; /* of the path that is looked at */

/* Of each file, to say which one it was. */
static struct seen {
	char path[160];
	__u64 sum;
} seen[256];
static int seen_count;
static bool comparing;

static void add_to_sum(const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--)
		sum = (sum ^ *p++) * 0x100000001b3ULL;
}

static void remember(const char *path, __u64 its)
{
	int i;

	for (i = 0; i < seen_count && strcmp(seen[i].path, path); i++)
		;
	if (comparing && (i == seen_count || seen[i].sum != its))
		printf("# %s is %s\n", path,
		       i == seen_count ? "new" : "another");
	if (i == (int)(sizeof(seen) / sizeof(seen[0])))
		return;
	snprintf(seen[i].path, sizeof(seen[i].path), "%s", path);
	seen[i].sum = its;
	if (i == seen_count)
		seen_count++;
}

/* @path is @top, or below it. */
static bool within(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

/*
 * What it may write, and where we make files ourselves. It may well make
 * directories that are called as ours are: all of the path counts.
 */
static bool may_change(const char *path)
{
	if (within(path, "/shared"))
		return true;
	return within(path, "/rw") && !within(path, "/rw/fixed") &&
	       !within(path, "/rw/inner");
}

static int add_file(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	/* Access times change by reading. */
	__u64 numbers[] = { st->st_ino,		st->st_mode,
			    st->st_uid,		st->st_gid,
			    st->st_nlink,	st->st_size,
			    st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			    st->st_ctim.tv_sec, st->st_ctim.tv_nsec };
	char text[4096];
	__u64 before;
	ssize_t n;
	int fd;

	if ((ftw->level == 0 && S_ISDIR(st->st_mode)) ||
	    may_change(path + folder_length))
		return 0;
	before = sum;
	sum = 0xcbf29ce484222325ULL;
	add_to_sum(path, strlen(path));
	add_to_sum(numbers, sizeof(numbers));
	fd = S_ISREG(st->st_mode) ?
		     open(path, O_RDONLY | O_CLOEXEC | O_NOATIME) :
		     -1;
	while (fd >= 0 && (n = read(fd, text, sizeof(text))) > 0)
		add_to_sum(text, n);
	if (fd >= 0)
		close(fd);
	remember(path, sum);
	sum += before;
	return 0;
}

__u64 world_sum(const char *path, bool again)
{
	comparing = again;
	sum = 0xcbf29ce484222325ULL;
	folder_length = strlen(path);
	if (nftw(path, add_file, 16, FTW_PHYS))
		die(path);
	return sum;
}

void world_make(struct world *world, int number)
{
	static const char *const folders[] = { "rw", "ro", "ro/sub", "rx",
					       "no" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *f = world->folder;
	int s;

	snprintf(f, sizeof(world->folder), "%s/%d", WORLD_FOLDER, number);
	if (mkdir(f, 0755))
		die(f);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(world_path(f, folders[i]), 0755))
			die(folders[i]);
	world_put_file(f, "ro/file", "read only\n", 0666);
	world_put_file(f, "ro/sub/file", "deeper\n", 0666);
	world_put_file(f, "rx/file", "text\n", 0777);
	world_put_file(f, "no/secret", "secret\n", 0666);
	world_put_file(f, "outside", "outside\n", 0666);
	put_link(f, "../rw", "ro/to-rw");
	if (is_root())
		small_mount(world_path(f, "rw"), MS_NODEV);
	chmod(world_path(f, "rw"), 0777);
	if (mkdir(world_path(f, "rw/inner"), 0777) ||
	    mkdir(world_path(f, "rw/d0"), 0777) ||
	    mkdir(world_path(f, "rw/other"), 0777) ||
	    mkdir(world_path(f, "rw/fixed"), 0777))
		die("rw");
	if (is_root()) {
		small_mount(world_path(f, "rw/other"), MS_NODEV);
		chmod(world_path(f, "rw/other"), 0777);
		small_mount(world_path(f, "rw/fixed"), MS_NODEV);
		world_put_file(f, "rw/fixed/file", "fixed\n", 0666);
		if (mount(NULL, world_path(f, "rw/fixed"), NULL,
			  MS_REMOUNT | MS_RDONLY | MS_NODEV, NULL))
			printf("# remount: %s\n", strerror(errno));
	}
	world_put_file(f, "rw/hello", "hello\n", 0666);
	world_put_file(f, "rw/inner/secret", "inner\n", 0666);
	put_link(f, "../no/secret", "rw/to-secret");
	put_link(f, "../outside", "rw/to-outside");
	put_link(f, "/proc/self/status", "rw/to-proc");
	put_link(f, "hello", "rw/to-hello");
	put_link(f, "loop-b", "rw/loop-a");
	put_link(f, "loop-a", "rw/loop-b");
	put_link(f, "../ro/file", "rw/to-ro");
	mkfifo(world_path(f, "rw/fifo"), 0666);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 world_path(f, "rw/socket"));
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0 || bind(s, (void *)&address, sizeof(address)))
		die("socket");
	close(s);
	world->sum = world_sum(f, false);
}

bool world_changed(const struct world *world)
{
	return world_sum(world->folder, true) != world->sum;
}

bool world_remove(struct world *world)
{
	char command[128];

	if (is_root()) {
		umount2(world_path(world->folder, "rw/other"), MNT_DETACH);
		umount2(world_path(world->folder, "rw/fixed"), MNT_DETACH);
		umount2(world_path(world->folder, "rw"), MNT_DETACH);
	}
	snprintf(command, sizeof(command), "rm -rf %s", world->folder);
	return !system(command);
}

/* A process beside, whose memory, files and threads stay as they are. */
pid_t canary_start(int *go)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid == 0) {
		size_t size = 4 << 20;
		unsigned char *m = mmap(NULL, size, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct pollfd wait = { .fd = p[0], .events = POLLIN };
		int fd = open(WORLD_CANARY, O_RDONLY);
		struct stat before, after;
		sigset_t set, pending;

		close(p[1]);
		sigfillset(&set);
		sigprocmask(SIG_BLOCK, &set, NULL);
		fstat(fd, &before);
		for (size_t i = 0; i < size; i++)
			m[i] = i * 7;
		do {
			for (size_t i = 0; i < size; i++)
				if (m[i] != (unsigned char)(i * 7))
					_exit(2);
			fstat(fd, &after);
			if (memcmp(&before, &after, sizeof(before)))
				_exit(3);
		} while (poll(&wait, 1, 200) == 0);
		sigpending(&pending);
		for (int i = 1; i < 32; i++)
			if (i != SIGCHLD && sigismember(&pending, i))
				_exit(4);
		_exit(0);
	}
	close(p[0]);
	*go = p[1];
	return pid;
}

bool canary_end(pid_t pid, int go, int *status)
{
	close(go);
	return wait_for(pid, status, 20000);
}
