// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Files of /proc against what calls say of the same, and those that are
 * written; /dev/random.
 */
#include "linux_test.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static char buffer[1 << 18];

static ssize_t get(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n, done = 0;

	while (fd >= 0 && done < (ssize_t)sizeof(buffer) - 1 &&
	       (n = read(fd, buffer + done, sizeof(buffer) - 1 - done)) > 0)
		done += n;
	if (fd < 0)
		printf("%s: %s\n", name, strerror(errno));
	close(fd);
	buffer[done] = 0;
	return done;
}

static int put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644), error;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	error = errno;
	close(fd);
	return n < 0 ? -error : (int)n;
}

/* Lines that begin with @text. */
static int lines(const char *text)
{
	const char *at = buffer;
	int count = 0;

	while (at) {
		count += !strncmp(at, text, strlen(text));
		at = strchr(at, '\n');
		at += !!at;
	}
	return count;
}

static bool is_line(const char *text)
{
	char *end = strchr(buffer, '\n');

	return end && !end[1] && strlen(text) == (size_t)(end - buffer) &&
	       !memcmp(buffer, text, strlen(text));
}

static void cpus(void)
{
	char *flags;

	get("/proc/cpuinfo");
	CHECK(lines("processor\t:") == sysconf(_SC_NPROCESSORS_ONLN));
	CHECK(lines("flags\t\t:") == sysconf(_SC_NPROCESSORS_ONLN));
	CHECK(lines("vendor_id\t:") > 0);
	flags = strstr(buffer, "flags\t\t:");
	if (flags)
		*strchrnul(flags, '\n') = 0;
	CHECK(flags && strstr(flags, " fpu "));
	CHECK(flags && strstr(flags, " sse2 "));
	CHECK(flags && strstr(flags, " syscall "));
	CHECK(flags &&
	      !strstr(flags, " sse2") == !__builtin_cpu_supports("sse2"));
	CHECK(flags &&
	      !strstr(flags, " avx2") == !__builtin_cpu_supports("avx2"));
}

static void numbers(void)
{
	unsigned long long total, busy[10];
	struct sysinfo info;
	char *at;

	get("/proc/meminfo");
	sysinfo(&info);
	at = strstr(buffer, "MemTotal:");
	CHECK(at == buffer);
	CHECK(at && sscanf(at, "MemTotal: %llu kB", &total) == 1);
	CHECK(total ==
	      (unsigned long long)info.totalram * info.mem_unit / 1024);
	CHECK(lines("MemFree:"));
	CHECK(lines("MemAvailable:"));

	get("/proc/stat");
	CHECK(sscanf(buffer,
		     "cpu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu",
		     busy, busy + 1, busy + 2, busy + 3, busy + 4, busy + 5,
		     busy + 6, busy + 7, busy + 8, busy + 9));
	CHECK(lines("cpu") == sysconf(_SC_NPROCESSORS_ONLN) + 1);
	at = strstr(buffer, "\nbtime ");
	CHECK(at &&
	      strtoull(at + 7, NULL, 10) <= (unsigned long long)time(NULL));
	CHECK(at && strtoull(at + 7, NULL, 10) + info.uptime + 60 >
			    (unsigned long long)time(NULL));
	CHECK(lines("intr ") && lines("ctxt ") && lines("processes ") &&
	      lines("procs_running ") && lines("procs_blocked "));
}

/* Of all processors together, in ticks; and what uptime has of it. */
static long long idle(bool uptime)
{
	double up, seconds = 0;
	long long ticks = 0;

	get(uptime ? "/proc/uptime" : "/proc/stat");
	if (uptime)
		return sscanf(buffer, "%lf %lf", &up, &seconds) == 2 ?
			       seconds * 100 :
			       -1;
	return sscanf(buffer, "cpu %*u %*u %*u %lld", &ticks) == 1 ? ticks : -1;
}

static bool grows(bool uptime)
{
	long long before = idle(uptime);
	int i;

	for (i = 0; i < 100; i++) {
		sleep_ms(20);
		if (idle(uptime) > before)
			return true;
	}
	return false;
}

static void idleness(void)
{
	CHECK(grows(false));
	CHECK(grows(true));
	CHECK(idle(false) > 0);
	CHECK(idle(true) > 0);
}

/* As a line of if_inet6 has it, which is in the buffer. */
static bool is_listed(const struct ifaddrs *a)
{
	const struct sockaddr_in6 *in6 = (void *)a->ifa_addr;
	const struct sockaddr_in6 *mask = (void *)a->ifa_netmask;
	unsigned int index, prefix = 0, i, bits = 0;
	char line[64], name[17], *at;

	for (i = 0; i < 16; i++) {
		snprintf(line + 2 * i, 3, "%02x", in6->sin6_addr.s6_addr[i]);
		bits += __builtin_popcount(mask->sin6_addr.s6_addr[i]);
	}
	at = strstr(buffer, line);
	return at &&
	       sscanf(at + 32, "%x %x %*x %*x %16s\n", &index, &prefix, name) ==
		       3 &&
	       index == if_nametoindex(a->ifa_name) && prefix == bits &&
	       !strcmp(name, a->ifa_name);
}

/* (Where there is no IPv6, there is no file.) */
static void interfaces(void)
{
	static const char loopback[] =
		"00000000000000000000000000000001 01 80 10 80       lo\n";
	struct ifaddrs *all = NULL, *a;
	int addresses = 0, listed = 0;

	if (access("/proc/net/if_inet6", R_OK))
		buffer[0] = 0;
	else
		get("/proc/net/if_inet6");
	CHECK(getifaddrs(&all));
	for (a = all; a; a = a->ifa_next) {
		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET6)
			continue;
		addresses++;
		listed += is_listed(a);
	}
	CHECK(listed == addresses);
	CHECK(lines("") - 1 == addresses || (!addresses && !buffer[0]));
	CHECK(!buffer[0] || lines(loopback) == 1);
	freeifaddrs(all);
}

static void settings(void)
{
	struct utsname name;

	uname(&name);
	get("/proc/sys/kernel/ostype");
	CHECK(is_line(name.sysname));
	get("/proc/sys/kernel/osrelease");
	CHECK(is_line(name.release));
	get("/proc/sys/kernel/hostname");
	CHECK(is_line(name.nodename));
	get("/proc/sys/kernel/pid_max");
	CHECK(atoi(buffer) > getpid() && strchr(buffer, '\n')[1] == 0);
}

/* The numbers of one line of /proc/self/limits. */
static void limit(const char *name, int resource)
{
	char *at = strstr(buffer, name), soft[24], hard[24];
	struct rlimit l;

	getrlimit(resource, &l);
	if (!at || sscanf(at + 25, "%23s %23s", soft, hard) != 2) {
		SHOW(name, -1);
		return;
	}
	SHOW(name, (l.rlim_cur == RLIM_INFINITY ?
			    !strcmp(soft, "unlimited") :
			    strtoull(soft, NULL, 10) == l.rlim_cur) &&
			   (l.rlim_max == RLIM_INFINITY ?
				    !strcmp(hard, "unlimited") :
				    strtoull(hard, NULL, 10) == l.rlim_max));
}

static void own(void)
{
	struct rlimit files = { 77, 99 };
	Elf64_auxv_t *v;
	char *at;
	ssize_t n;
	int id, seen = 0;

	TRY(setrlimit(RLIMIT_NOFILE, &files));
	get("/proc/self/limits");
	TRY(lines("Max "));
	limit("Max open files", RLIMIT_NOFILE);
	limit("Max stack size", RLIMIT_STACK);
	limit("Max address space", RLIMIT_AS);
	limit("Max core file size", RLIMIT_CORE);
	limit("Max processes", RLIMIT_NPROC);

	n = get("/proc/self/auxv");
	TRY(n % sizeof(*v));
	for (v = (void *)buffer; (char *)v < buffer + n; v++) {
		if (v->a_type == AT_NULL) {
			SHOW("the rest", buffer + n - (char *)(v + 1));
			break;
		}
		if (v->a_type == AT_PAGESZ || v->a_type == AT_PHDR ||
		    v->a_type == AT_ENTRY || v->a_type == AT_RANDOM ||
		    v->a_type == AT_EXECFN)
			seen += v->a_un.a_val == getauxval(v->a_type);
	}
	TRY(seen);

	get("/proc/self/cgroup");
	at = strrchr(buffer, '\n');
	CHECK(at && !at[1]);
	CHECK(sscanf(buffer, "%d:", &id));
	CHECK(strstr(buffer, ":/") != NULL);

	get("/proc/self/mountinfo");
	CHECK(strstr(buffer, " / / ") != NULL);
	at = strstr(buffer, " /proc ");
	CHECK(at && strstr(at, " - proc "));
	for (id = 0, at = buffer; at && *at; at = strchr(at, '\n') + 1) {
		char *dash = strstr(at, " - "), *end = strchr(at, '\n');
		int a, b, major, minor;

		if (!dash || dash > end ||
		    sscanf(at, "%d %d %d:%d /", &a, &b, &major, &minor) != 4)
			id++;
	}
	SHOW("bad lines", id);
}

static void *napping(void *go)
{
	pthread_barrier_wait(go);
	pthread_barrier_wait(go);
	return NULL;
}

static void show_name(const char *what, const char *file)
{
	get(file);
	printf("%s: %s", what, buffer);
}

static void names(void)
{
	pthread_barrier_t go;
	char file[60], name[20] = "";
	pthread_t thread;
	pid_t pid;
	int p[2];

	pthread_barrier_init(&go, NULL, 2);
	pthread_create(&thread, NULL, napping, &go);
	pthread_barrier_wait(&go);
	TRY(pthread_setname_np(thread, "napper"));
	TRY(pthread_getname_np(thread, name, sizeof(name)));
	printf("%s\n", name);
	TRY(pthread_setname_np(pthread_self(), "main one"));
	show_name("comm", "/proc/self/comm");
	TRY(put("/proc/self/comm", "another name that is long"));
	show_name("comm", "/proc/self/comm");
	TRY(prctl(PR_GET_NAME, name));
	printf("%s\n", name);
	TRY(put("/proc/thread-self/comm", "line\n"));
	show_name("comm", "/proc/self/comm");
	snprintf(file, sizeof(file), "/proc/self/task/%d/comm", own_tid());
	TRY(put(file, "by number"));
	show_name("comm", file);
	TRY(pthread_getname_np(thread, name, sizeof(name)));
	printf("%s\n", name);
	pthread_barrier_wait(&go);
	pthread_join(thread, NULL);

	if (pipe(p))
		return;
	pid = fork();
	if (!pid)
		_exit(read(p[0], name, 1));
	snprintf(file, sizeof(file), "/proc/%d/comm", pid);
	show_name("child", file);
	TRY(put(file, "not mine"));
	show_name("child", file);
	close(p[1]);
	close(p[0]);
	kill(pid, 9);
	waitpid(pid, NULL, 0);
}

static void scores(void)
{
	static const char score[] = "/proc/self/oom_score_adj";

	show_name("score", score);
	TRY(put(score, "300\n"));
	show_name("score", score);
	TRY(put(score, " 500 "));
	show_name("score", score);
	TRY(put(score, "1001"));
	TRY(put(score, "-1001"));
	TRY(put(score, "much"));
	TRY(put(score, "7x"));
	TRY(put(score, ""));
	show_name("score", score);
	if (!fork()) {
		show_name("child", score);
		TRY(put(score, "600"));
		show_name("child", score);
		_exit(0);
	}
	wait(NULL);
	show_name("score", score);
}

/* Who lists its descriptors may close them on the way. */
static void close_all(void)
{
	char entries[280] __attribute__((aligned(8)));
	int directory, fd, i, left = 0;
	struct {
		uint64_t inode;
		int64_t next;
		uint16_t length;
		char type, name[];
	} * d;
	long r, at;

	for (i = 100; i < 150; i++)
		dup2(0, i);
	directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
	while ((r = syscall(SYS_getdents64, directory, entries,
			    sizeof(entries))) > 0) {
		for (at = 0; at < r; at += d->length) {
			d = (void *)(entries + at);
			fd = atoi(d->name);
			if (fd >= 100)
				close(fd);
		}
	}
	CHECK(r);
	close(directory);
	for (i = 100; i < 150; i++)
		left += fcntl(i, F_GETFD) >= 0;
	CHECK(left);
}

/* Positions are of what stands there, be it the last one that has gone. */
static void positions(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *d;
	long at = -1;

	dup2(0, 100);
	dup2(0, 101);
	while ((d = readdir(directory)) && strcmp(d->d_name, "100"))
		;
	at = telldir(directory);
	close(100);
	seekdir(directory, at);
	d = readdir(directory);
	CHECK(d && !strcmp(d->d_name, "101"));
	closedir(directory);
	close(101);
}

/* What stands behind @name, which is mapped, in maps. */
static void show_mapped(const char *what, const char *name)
{
	char *at, *end;

	get("/proc/self/maps");
	at = strstr(buffer, name);
	end = at ? strchr(at, '\n') : NULL;
	if (!end) {
		SHOW(what, -1);
		return;
	}
	at += strlen(name);
	printf("%s:%.*s\n", what, (int)(end - at), at);
}

/* Mapped files that lose their names, by unlink and by rename. */
static void deleted(void)
{
	char name[2][40];
	void *p[2];
	int fd, i;

	for (i = 0; i < 2; i++) {
		snprintf(name[i], sizeof(name[i]), "/tmp/mapped-%d-XXXXXX", i);
		fd = mkstemp(name[i]);
		if (ftruncate(fd, 4096))
			perror("ftruncate");
		p[i] = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
		close(fd);
		CHECK(p[i] != MAP_FAILED);
	}
	show_mapped("first", name[0]);
	show_mapped("second", name[1]);
	munmap(p[0], 4096);
	CHECK(rename(name[0], name[1]));
	show_mapped("second", name[1]);
	CHECK(munmap(p[1], 4096));
	CHECK(unlink(name[1]));

	snprintf(name[0], sizeof(name[0]), "/tmp/mapped-XXXXXX");
	fd = mkstemp(name[0]);
	if (ftruncate(fd, 4096))
		perror("ftruncate");
	p[0] = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(unlink(name[0]));
	show_mapped("unlinked", name[0]);
	munmap(p[0], 4096);
	close(fd);
}

static void random_bytes(void)
{
	unsigned char a[64] = "", b[64] = "", none[64] = "";
	int fd;

	TRY(fd = open("/dev/random", O_RDONLY | O_NONBLOCK));
	TRY(read(fd, a, sizeof(a)));
	TRY(read(fd, b, sizeof(b)));
	CHECK(!memcmp(a, none, sizeof(a)));
	CHECK(!memcmp(a, b, sizeof(a)));
	TRY(close(fd));
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	cpus();
	numbers();
	idleness();
	interfaces();
	settings();
	names();
	scores();
	close_all();
	positions();
	deleted();
	random_bytes();
	own();
	return 0;
}
