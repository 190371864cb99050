// SPDX-License-Identifier: GPL-2.0-only
/* What an image may ask for: see outside.h. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/route.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "errorfs.h"
#include "outside.h"
#include "sandbox.h"
#include "terminal.h"

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static int counts(struct outside *o, const char *line, __s64 *values)
{
	struct drawbridge_stats stats;

	if (sandbox_stats(o->sandbox, &stats))
		die("DRAWBRIDGE_IOC_STATS");
	values[0] = stats.handles;
	values[1] = stats.objects;
	values[2] = stats.threads;
	values[3] = stats.processes;
	values[4] = stats.calls;
	return 5;
}

static int abort_all(struct outside *o, const char *line, __s64 *values)
{
	values[0] = ioctl(o->sandbox, DRAWBRIDGE_IOC_ABORT);
	return 1;
}

/* What the file @path has, and what it is to have. */
static int setting(const char *path, const char *line, __s64 *values)
{
	long long wanted = -1;
	char text[32] = "";
	FILE *f;

	if (read_file(path, text, sizeof(text)) <= 0 ||
	    sscanf(line, "%*s %lld", &wanted) != 1)
		die(path);
	values[0] = atoll(text);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%lld\n", wanted) < 0 || fclose(f))
		die(path);
	return 1;
}

static int threads_max(struct outside *o, const char *line, __s64 *values)
{
	return setting("/proc/sys/kernel/threads-max", line, values);
}

static int syn_retries(struct outside *o, const char *line, __s64 *values)
{
	return setting("/proc/sys/net/ipv4/tcp_syn_retries", line, values);
}

/* As "ip route add unreachable"; or its end. */
static int route(struct outside *o, const char *line, __s64 *values)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct rtentry route = { .rt_flags = RTF_UP | RTF_HOST | RTF_REJECT };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char address[64] = "";

	if (sscanf(line, "%*s %63s", address) != 1 ||
	    !inet_aton(address, &to.sin_addr))
		die(line);
	memcpy(&route.rt_dst, &to, sizeof(to));
	values[0] = ioctl(fd, line[1] == 'u' ? SIOCADDRT : SIOCDELRT, &route) ?
			    -errno :
			    0;
	close(fd);
	return 1;
}

/* The other process, as far as its locks go, is this one. */
static int locked_file(struct outside *o)
{
	static int fd = -1;
	char path[256];

	if (fd < 0) {
		snprintf(path, sizeof(path), "%s/rw/locked", o->folder);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			die(path);
	}
	return fd;
}

static int lock(struct outside *o, const char *line, __s64 *values)
{
	struct flock lock = { .l_whence = SEEK_SET };
	long long start, length;
	char type;

	if (sscanf(line, "%*s %c %lld %lld", &type, &start, &length) != 3)
		die(line);
	lock.l_type = type == 'r' ? F_RDLCK : type == 'w' ? F_WRLCK : F_UNLCK;
	lock.l_start = start;
	lock.l_len = length;
	values[0] = fcntl(locked_file(o), F_SETLK, &lock) ? -errno : 0;
	return 1;
}

static int holder(struct outside *o, const char *line, __s64 *values)
{
	struct flock lock = { .l_whence = SEEK_SET, .l_type = F_WRLCK };
	long long start, length;

	if (sscanf(line, "%*s %lld %lld", &start, &length) != 2)
		die(line);
	lock.l_start = start;
	lock.l_len = length;
	if (fcntl(locked_file(o), F_GETLK, &lock))
		die("F_GETLK");
	values[0] = lock.l_type == F_UNLCK ? 0 :
		    lock.l_type == F_WRLCK ? DK_LOCK_EXCLUSIVE :
					     DK_LOCK_SHARED;
	values[1] = lock.l_start;
	values[2] = lock.l_len;
	values[3] = lock.l_pid;
	return 4;
}

static int hung(struct outside *o, const char *line, __s64 *values)
{
	values[0] = errorfs_hung(atol(strchr(line, ' ')));
	return 1;
}

/* True if all threads of @pid are in one of @states, as /proc has them. */
static bool all_are(pid_t pid, const char *states)
{
	char path[320], text[512], *state;
	struct dirent *entry;
	bool all = true;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (all && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", pid,
			 entry->d_name);
		text[0] = 0;
		if (read_file(path, text, sizeof(text)) <= 0)
			continue;
		state = strrchr(text, ')');
		all = state && state[1] && strchr(states, state[2]);
	}
	closedir(dir);
	return all;
}

static int become(pid_t pid, const char *states)
{
	for (int i = 0; i < 3000; i++) {
		if (all_are(pid, states))
			return 0;
		usleep(10000);
	}
	return -ETIMEDOUT;
}

static int asleep(struct outside *o, const char *line, __s64 *values)
{
	values[0] = become(o->pid, "S");
	return 1;
}

/* All threads wait, and then stand still there. */
static int stop(struct outside *o, const char *line, __s64 *values)
{
	values[0] = become(o->pid, "S");
	if (!values[0] && kill(o->pid, SIGSTOP))
		values[0] = -errno;
	if (!values[0])
		values[0] = become(o->pid, "T");
	return 1;
}

static int go_on(struct outside *o, const char *line, __s64 *values)
{
	values[0] = kill(o->pid, SIGCONT) ? -errno : 0;
	return 1;
}

static bool stopped(const struct outside *o)
{
	return all_are(o->pid, "T");
}

static int later(struct outside *o, const char *line, __s64 *values)
{
	terminal_later(o, stopped);
	return 0;
}

static int at_terminal(struct outside *o, const char *line, __s64 *values)
{
	values[0] = terminal_request(line);
	return 1;
}

static const struct {
	const char *word;
	int (*answer)(struct outside *o, const char *line, __s64 *values);
} requests[] = {
	{ "@counts", counts },
	{ "@abort", abort_all },
	{ "@threads-max", threads_max },
	{ "@syn-retries", syn_retries },
	{ "@unreachable", route },
	{ "@reachable", route },
	{ "@lock", lock },
	{ "@holder", holder },
	{ "@hung", hung },
	{ "@asleep", asleep },
	{ "@stop", stop },
	{ "@continue", go_on },
	{ "@type", at_terminal },
	{ "@shown", at_terminal },
	{ "@foreground", at_terminal },
	{ "@background", at_terminal },
	{ "@later", later },
	{ "@stops", at_terminal },
	{ "@hangup", at_terminal },
};

bool outside_answer(struct outside *o, const char *line)
{
	size_t length = strcspn(line, "\n ");
	__s64 values[5];
	ssize_t size;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (strncmp(line, requests[i].word, length) ||
		    requests[i].word[length])
			continue;
		size = requests[i].answer(o, line, values) * sizeof(values[0]);
		if (write(o->to, values, size) != size)
			die("an answer");
		return true;
	}
	return false;
}
