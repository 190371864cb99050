// SPDX-License-Identifier: GPL-2.0-only
/* What an image may ask for: see outside.h. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "errorfs.h"
#include "failing.h"
#include "inject.h"
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

/*
 * As "ip route add TYPE ADDRESS table local", or its end. In that table, since it
 * is asked first: an address of this machine has no way from there, either.
 */
static int change_route(int change, unsigned char type, const char *line)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
		struct rtattr attribute;
		struct in_addr to;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = change,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
					   (change == RTM_NEWROUTE ?
						    NLM_F_CREATE | NLM_F_EXCL :
						    0) },
		.route = { .rtm_family = AF_INET,
			   .rtm_dst_len = 32,
			   .rtm_table = RT_TABLE_LOCAL,
			   .rtm_protocol = RTPROT_STATIC,
			   .rtm_scope = RT_SCOPE_UNIVERSE,
			   .rtm_type = type },
		.attribute = { .rta_len = RTA_LENGTH(sizeof(struct in_addr)),
			       .rta_type = RTA_DST },
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} reply;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char address[64] = "";

	if (sscanf(line, "%*s %63s", address) != 1 ||
	    !inet_aton(address, &request.to))
		die(line);
	if (fd < 0 ||
	    send(fd, &request, sizeof(request), 0) != sizeof(request) ||
	    recv(fd, &reply, sizeof(reply), 0) < (int)sizeof(reply.header) ||
	    reply.header.nlmsg_type != NLMSG_ERROR)
		die("a route");
	close(fd);
	return reply.error.error;
}

static int unreachable(struct outside *o, const char *line, __s64 *values)
{
	values[0] = change_route(RTM_NEWROUTE, RTN_UNREACHABLE, line);
	return 1;
}

/* Nothing here, look on: and there is no route to anywhere. */
static int no_network(struct outside *o, const char *line, __s64 *values)
{
	values[0] = change_route(RTM_NEWROUTE, RTN_THROW, line);
	return 1;
}

static int reachable(struct outside *o, const char *line, __s64 *values)
{
	values[0] = change_route(RTM_DELROUTE, RTN_UNSPEC, line);
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

/* What stands in /proc of process @pid: whose child it is, if it lives. */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512] = "", state = 0, *at;
	pid_t parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, text, sizeof(text)) <= 0)
		return 0;
	at = strrchr(text, ')');
	if (!at || sscanf(at, ") %c %d", &state, &parent) != 2)
		return 0;
	return strchr("ZX", state) ? 0 : parent;
}

static int kill_children(struct outside *o, const char *line, __s64 *values)
{
	struct dirent *entry;
	DIR *dir;
	pid_t pid;

	values[0] = 0;
	dir = opendir("/proc");
	if (!dir)
		die("/proc");
	while ((entry = readdir(dir))) {
		pid = atoi(entry->d_name);
		if (pid > 0 && parent_of(pid) == o->pid)
			values[0] += !kill(pid, SIGKILL);
	}
	closedir(dir);
	return 1;
}

static int how_slow(struct outside *o, const char *line, __s64 *values)
{
	values[0] = slower();
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

/* One request of dk_failures.c; false if it was the last one. */
static bool serve_failing(struct outside *o, int file, struct dkt_failing *f)
{
	struct drawbridge_stats stats;

	switch (__atomic_load_n(&f->request, __ATOMIC_ACQUIRE)) {
	case DKT_FAILING_ARM:
		if (f->nth == DKT_FAILING_ALL ?
			    !inject_all(o->pid, o->pid, true) :
			    !inject_arm(file, f->nth))
			die("making allocations fail");
		break;
	case DKT_FAILING_DISARM:
		if (f->nth == DKT_FAILING_ALL)
			inject_all(o->pid, o->pid, false);
		f->left = inject_disarm(file);
		break;
	case DKT_FAILING_COUNT:
		if (sandbox_stats(o->sandbox, &stats))
			die("DRAWBRIDGE_IOC_STATS");
		f->handles = stats.handles;
		f->objects = stats.objects;
		f->threads = stats.threads;
		f->processes = stats.processes;
		break;
	default:
		return false;
	}
	__atomic_store_n(&f->request, 0, __ATOMIC_RELEASE);
	return true;
}

/* Until the image has no more requests, or has said nothing for too long. */
static int fail(struct outside *o, const char *line, __s64 *values)
{
	int file = inject_open(o->pid, o->pid), fd;
	time_t last = time(NULL);
	struct dkt_failing *f;
	char path[256];

	snprintf(path, sizeof(path), "%s/rw/failing", o->folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (f == MAP_FAILED || file < 0)
		die(path);
	values[0] = 0;
	if (write(o->to, values, sizeof(*values)) != sizeof(*values))
		die("an answer");
	while (time(NULL) - last < 30 * (time_t)slower()) {
		if (!__atomic_load_n(&f->request, __ATOMIC_ACQUIRE)) {
			usleep(20);
			continue;
		}
		if (!serve_failing(o, file, f))
			break;
		last = time(NULL);
	}
	inject_all(o->pid, o->pid, false);
	__atomic_store_n(&f->request, 0, __ATOMIC_RELEASE);
	munmap(f, sizeof(*f));
	close(fd);
	close(file);
	return 0;
}

static __s64 nanoseconds(const struct statx_timestamp *t)
{
	return t->tv_sec * 1000000000LL + t->tv_nsec;
}

static __s64 device(__u32 major, __u32 minor)
{
	return (__s64)major << 32 | minor;
}

static int stat_file(struct outside *o, const char *line, __s64 *values)
{
	char path[512] = "";
	struct statx s;

	if (sscanf(line, "%*s %511s", path) != 1)
		die(line);
	memset(&s, 0, sizeof(s));
	values[0] = statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW,
			  STATX_BASIC_STATS | STATX_BTIME, &s) ?
			    -errno :
			    0;
	values[1] = s.stx_mode;
	values[2] = s.stx_uid;
	values[3] = s.stx_gid;
	values[4] = s.stx_nlink;
	values[5] = s.stx_blksize;
	values[6] = s.stx_ino;
	values[7] = device(s.stx_dev_major, s.stx_dev_minor);
	values[8] = device(s.stx_rdev_major, s.stx_rdev_minor);
	values[9] = s.stx_size;
	values[10] = s.stx_blocks;
	values[11] = nanoseconds(&s.stx_atime);
	values[12] = nanoseconds(&s.stx_mtime);
	values[13] = nanoseconds(&s.stx_ctime);
	values[14] = s.stx_mask & STATX_BTIME ? nanoseconds(&s.stx_btime) : 0;
	return 15;
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
	{ "@unreachable", unreachable },
	{ "@no-network", no_network },
	{ "@reachable", reachable },
	{ "@lock", lock },
	{ "@holder", holder },
	{ "@hung", hung },
	{ "@stat", stat_file },
	{ "@asleep", asleep },
	{ "@stop", stop },
	{ "@continue", go_on },
	{ "@kill", kill_children },
	{ "@slower", how_slow },
	{ "@type", at_terminal },
	{ "@shown", at_terminal },
	{ "@foreground", at_terminal },
	{ "@background", at_terminal },
	{ "@failing", fail },
	{ "@later", later },
	{ "@stops", at_terminal },
	{ "@hangup", at_terminal },
};

bool outside_answer(struct outside *o, const char *line)
{
	size_t length = strcspn(line, "\n ");
	__s64 values[15];
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
