// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What /proc says of threads and processes: their states, times, numbers,
 * terminals.
 */
#include "linux_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define MS 1000000LL
#define TRIES 2000

static char text[65536];

static bool get(const char *name)
{
	FILE *f = fopen(name, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = 0;
	if (f)
		fclose(f);
	return f;
}

/* A field of @name, which is a file stat, by its number in proc(5), from 3. */
static const char *field(const char *name, int number)
{
	char *at = get(name) ? strrchr(text, ')') : NULL;

	for (number -= 2; at && number; number--) {
		at = strchr(at, ' ');
		at += !!at;
	}
	return at ? at : "";
}

static long value(const char *name, int number)
{
	return atol(field(name, number));
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	pthread_barrier_t begun, end;
	bool spins;
	pid_t tid;
	char stat[64], status[64];
};

static volatile bool stop;

static void *work(void *argument)
{
	struct worker *w = argument;

	w->tid = own_tid();
	snprintf(w->stat, sizeof(w->stat), "/proc/self/task/%d/stat", w->tid);
	snprintf(w->status, sizeof(w->status), "/proc/self/task/%d/status",
		 w->tid);
	pthread_barrier_wait(&w->begun);
	while (w->spins && !stop)
		;
	pthread_barrier_wait(&w->end);
	return NULL;
}

static void start(struct worker *w, bool spins)
{
	w->spins = spins;
	pthread_barrier_init(&w->begun, NULL, 2);
	pthread_barrier_init(&w->end, NULL, 2);
	pthread_create(&w->thread, NULL, work, w);
	pthread_barrier_wait(&w->begun);
}

static void finish(struct worker *w)
{
	pthread_barrier_wait(&w->end);
	pthread_join(w->thread, NULL);
}

/* Of a thread that is about to be in that state. */
static bool comes_to(const struct worker *w, char state)
{
	for (int i = 0; i < TRIES; i++) {
		if (*field(w->stat, 3) == state)
			return true;
		sleep_ms(1);
	}
	return false;
}

static bool is_said(const struct worker *w, const char *line)
{
	return get(w->status) && strstr(text, line);
}

/* User and system time, in ticks. */
static long time_of(const char *stat)
{
	return value(stat, 14) + value(stat, 15);
}

static long links(const char *name)
{
	struct stat st;

	return stat(name, &st) ? -errno : (long)st.st_nlink;
}

/* ---- what a thread finds by its own number ---- */

/* How often @name is in the directory @directory. */
static int listed(const char *directory, const char *name)
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	int count = 0;

	while (d && (entry = readdir(d)))
		count += !strcmp(entry->d_name, name);
	if (d)
		closedir(d);
	return d ? count : -1;
}

static bool same_link(const char *a, const char *b)
{
	char to[2][4096];
	ssize_t m = readlink(a, to[0], sizeof(to[0]));
	ssize_t n = readlink(b, to[1], sizeof(to[1]));

	return m > 0 && m == n && !memcmp(to[0], to[1], m);
}

static char *at(const char *directory, const char *name)
{
	static char path[2][100];
	static int which;

	which = !which;
	snprintf(path[which], sizeof(path[which]), "%s/%s", directory, name);
	return path[which];
}

static void look(const char *directory)
{
	char stat[100];

	snprintf(stat, sizeof(stat), "%s/stat", directory);
	CHECK(get(stat) && atoi(text) == own_tid());
	CHECK(*field(stat, 3) == 'R');
	CHECK(get(at(directory, "comm")) && !strcmp(text, "looker\n"));
	CHECK(get(at(directory, "status")) && strstr(text, "\tlooker\n"));
	CHECK(get(at(directory, "cmdline")) && strstr(text, "tasks"));
	CHECK(get(at(directory, "maps")) && strstr(text, "[stack]"));
	CHECK(same_link(at(directory, "exe"), "/proc/self/exe"));
	CHECK(same_link(at(directory, "cwd"), "/proc/self/cwd"));
	TRY(access(at(directory, "fd/1"), F_OK));
	TRY(access(at(directory, "fdinfo/1"), F_OK));
	TRY(access(at(directory, "fd/1000"), F_OK));
	TRY(access(at(directory, "nothing"), F_OK));
	CHECK(listed(directory, "stat"));
	CHECK(listed(directory, "maps"));
	CHECK(listed(at(directory, "fd"), "1"));
}

static void *looker(void *argument)
{
	char directory[64], number[16];
	int fd;

	(void)argument;
	pthread_setname_np(pthread_self(), "looker");
	look("/proc/thread-self");
	snprintf(directory, sizeof(directory), "/proc/%d", own_tid());
	look(directory);
	snprintf(number, sizeof(number), "%d", own_tid());
	CHECK(listed("/proc", number));
	CHECK(listed("/proc/self/task", number));
	CHECK(listed(at(directory, "task"), number));
	fd = open(at(directory, "comm"), O_WRONLY);
	CHECK(write(fd, "other", 5));
	close(fd);
	CHECK(get("/proc/thread-self/comm") && !strcmp(text, "other\n"));
	fd = open(at("/proc/thread-self", "fd/1"), O_PATH | O_NOFOLLOW);
	CHECK(fd >= 0);
	close(fd);
	return (void *)(long)own_tid();
}

static void numbers(void)
{
	char directory[64];
	pthread_t thread;
	void *tid = NULL;
	int i;

	pthread_create(&thread, NULL, looker, NULL);
	pthread_join(thread, &tid);
	snprintf(directory, sizeof(directory), "/proc/%ld", (long)tid);
	for (i = 0; i < TRIES && !access(directory, F_OK); i++)
		sleep_ms(1);
	TRY(access(directory, F_OK));
}

/* ---- states, times ---- */

static void states(void)
{
	static struct worker spinner, sleeper;
	int64_t end = now_ns(CLOCK_MONOTONIC) + 20000 * MS;

	CHECK(links("/proc/self/task"));
	start(&sleeper, false);
	start(&spinner, true);
	CHECK(links("/proc/self/task"));
	CHECK(comes_to(&sleeper, 'S'));
	CHECK(is_said(&sleeper, "\nState:\tS (sleeping)\n"));
	CHECK(*field(spinner.stat, 3) == 'R');
	CHECK(is_said(&spinner, "\nState:\tR (running)\n"));
	CHECK(*field("/proc/self/stat", 3) == 'R');
	CHECK(*field("/proc/thread-self/stat", 3) == 'R');
	while (time_of(spinner.stat) < 30 && now_ns(CLOCK_MONOTONIC) < end)
		sleep_ms(10);
	CHECK(time_of(spinner.stat) >= 30);
	CHECK(time_of(sleeper.stat) < 10);
	CHECK(time_of("/proc/thread-self/stat") < 30);
	CHECK(time_of("/proc/self/stat") >= 30);
	stop = true;
	CHECK(comes_to(&spinner, 'S'));
	finish(&spinner);
	finish(&sleeper);
}

/* ---- processes ---- */

/* A child that has done @what; it ends with finish_child(). */
struct child {
	pid_t pid;
	int done[2], go[2];
	char stat[64], status[64];
};

static void start_child(struct child *c, void (*what)(void))
{
	char byte;

	(void)!pipe(c->done);
	(void)!pipe(c->go);
	c->pid = fork();
	if (!c->pid) {
		close(c->go[1]);
		what();
		close(c->done[1]);
		(void)!read(c->go[0], &byte, 1);
		_exit(0);
	}
	close(c->done[1]);
	(void)!read(c->done[0], &byte, 1);
	snprintf(c->stat, sizeof(c->stat), "/proc/%d/stat", c->pid);
	snprintf(c->status, sizeof(c->status), "/proc/%d/status", c->pid);
}

static void finish_child(struct child *c)
{
	close(c->go[1]);
	waitpid(c->pid, NULL, 0);
	close(c->go[0]);
	close(c->done[0]);
}

static void be_nice(void)
{
	struct sched_param none = { 0 };

	setpriority(PRIO_PROCESS, 0, 7);
	sched_setscheduler(0, SCHED_BATCH, &none);
	CHECK(value("/proc/self/stat", 18));
	CHECK(value("/proc/self/stat", 19));
	CHECK(value("/proc/self/stat", 41));
}

static void niceness(void)
{
	struct child c;

	start_child(&c, be_nice);
	SHOW("priority", value(c.stat, 18));
	SHOW("nice", value(c.stat, 19));
	SHOW("policy", value(c.stat, 41));
	finish_child(&c);
}

static void nothing(void)
{
}

/* The four of a line of @name, if they are @real and @effective. */
static bool are(const char *name, const char *line, unsigned int real,
		unsigned int effective)
{
	char *at = get(name) ? strstr(text, line) : NULL;
	unsigned int n[4];

	return at &&
	       sscanf(at + strlen(line), "%u %u %u %u", n, n + 1, n + 2,
		      n + 3) == 4 &&
	       n[0] == real && n[1] == effective && n[2] == effective &&
	       n[3] == effective;
}

static void owners(void)
{
	struct child c;
	struct stat st;

	start_child(&c, nothing);
	CHECK(are(c.status, "\nUid:\t", getuid(), geteuid()));
	CHECK(are(c.status, "\nGid:\t", getgid(), getegid()));
	CHECK(stat(c.status, &st));
	CHECK(st.st_uid == geteuid() && st.st_gid == getegid());
	finish_child(&c);
}

static int master, slave;

static void leave_terminal(void)
{
	setsid();
	CHECK(value("/proc/self/stat", 7));
	CHECK(value("/proc/self/stat", 8));
}

static long device(void)
{
	struct stat st;

	fstat(slave, &st);
	return major(st.st_rdev) << 8 | minor(st.st_rdev);
}

static void take_terminal(void)
{
	setsid();
	CHECK(ioctl(slave, TIOCSCTTY, 0));
	CHECK(value("/proc/self/stat", 7) == device());
	CHECK(value("/proc/self/stat", 8) == getpid());
}

static void terminals(void)
{
	struct child c;

	start_child(&c, leave_terminal);
	SHOW("terminal", value(c.stat, 7));
	SHOW("group", value(c.stat, 8));
	finish_child(&c);
	master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	start_child(&c, take_terminal);
	SHOW("terminal", value(c.stat, 7) == device());
	SHOW("group", value(c.stat, 8) == c.pid);
	finish_child(&c);
	close(slave);
	close(master);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	states();
	numbers();
	niceness();
	owners();
	terminals();
	return 0;
}
