// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the image of tests that stands beside this program with the same name
 * and ".img" behind it, in a sandbox of its own, and adds four results to its
 * TAP: how it ended, that no status outside of a call's set was returned, that
 * nothing is left, and that the kernel log has nothing to say.
 *
 * An image may ask for things of the outside, each a line of its output, and
 * reads the answers from stdin:
 *	@counts			struct dkt_counts
 *	@abort			how many processes DRAWBRIDGE_IOC_ABORT has told, s64
 *	@threads-max N		sets what the machine may have of threads; s64, what
 *				it was
 *	@syn-retries N		how often a connection is asked for again; the same
 *	@unreachable ADDRESS	there is no way to that host; s64, 0 or -errno
 *	@lock TYPE START LENGTH	fcntl() on rw/locked as another process: TYPE
 *				is r, w or u; the answer is an s64, 0 or -errno
 *	@hung N			waits until that many requests have hung in errors/;
 *				s64, how many it were
 *	@asleep			waits until all threads of the process sleep; s64,
 *				0 or -errno
 *	@stop			stops the process when all of its threads sleep;
 *				s64, 0 or -errno
 *	@continue		lets it go on; the same
 *	@seen INDEX SET		see lib/dkwrap.c; there is no answer
 *	@type TEXT, @shown, @foreground, @background, @stops, @hangup
 *				what the other side of stderr does, which is a
 *				terminal for dk_console.c; s64. @stops is how often
 *				the image has been stopped since @later, which has
 *				no answer; see lib/terminal.h
 *	@holder START LENGTH	who keeps that process from writing there: type,
 *				start, length, process id; s64 each
 *
 * The sandbox: everything readable and executable; a private /tmp; and, as
 * the image's first argument, a folder with rw/ (all rights), ro/ (read),
 * rx/ (read, execute), no/ (nothing, but that no/absent is not there may be
 * known), each prepared with a few files, and
 * wo/ (write), all on one mount, and noexec/ (all rights, mounted so that
 * nothing there is executed). For dk_errors.c and dk_hang.c there is errors/,
 * too (all rights), see lib/errorfs.h.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/route.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/errorfs.h"
#include "lib/sandbox.h"
#include "lib/terminal.h"

#define HOST_FILE	"/tmp/pico-test-of-the-host"
#define PRIVATE_FILE	"/tmp/stays-inside"

static char folder[64];

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

static void put_link(const char *target, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (symlink(target, path))
		die(path);
}

static void prepare(void)
{
	static const char *const folders[] = {
		"rw", "rw/sub",	  "ro",	    "ro/sub", "rx",
		"no", "rw/inner", "noexec", "wo",
	};
	char path[256];

	/* Not below /tmp: that is private to the sandbox. */
	snprintf(folder, sizeof(folder), "/dev/shm/pico-test.XXXXXX");
	if (!mkdtemp(folder))
		die(folder);
	chmod(folder, 0755);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
		if (mkdir(path, 0755))
			die(path);
	}
	snprintf(path, sizeof(path), "%s/noexec", folder);
	if (mount("pico-test", path, "tmpfs", MS_NOEXEC, NULL))
		die(path);
	put_file("noexec/file", "text\n", 0755);
	put_file("rw/hello", "hello\n", 0644);
	put_file("rw/inner/secret", "inner\n", 0644);
	put_file("ro/file", "read only\n", 0666);
	put_file("ro/sub/file", "deeper\n", 0666);
	put_file("rx/file", "text\n", 0777);
	put_file("no/secret", "secret\n", 0644);
	put_file("outside", "outside\n", 0666);
	snprintf(path, sizeof(path), "%s/ro/fifo", folder);
	if (mkfifo(path, 0666))
		die(path);
	put_link("../no/secret", "rw/to-secret");
	put_link("../outside", "rw/to-outside");
	put_link("/proc/self/status", "rw/to-proc");
	put_link("/etc/passwd", "rw/to-etc");
	put_link("hello", "rw/to-hello");
	put_link("loop-b", "rw/loop-a");
	put_link("loop-a", "rw/loop-b");
	put_link("../ro/file", "rw/to-ro");
	put_link("../rw", "ro/to-rw");
	close(open(HOST_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

static void add_rule(int fd, const char *name, unsigned int rights)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (sandbox_rule(fd, path, rights, 0))
		die(path);
}

static void unmount(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	umount2(path, MNT_DETACH);
}

static bool remove_folder(void)
{
	char command[128];

	unmount("noexec");
	unmount("errors");
	snprintf(command, sizeof(command), "rm -rf %s %s", folder, HOST_FILE);
	return !system(command);
}

static void add_errors(int fd, const char *test)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/errors", folder);
	if (mkdir(path, 0755))
		die(path);
	errno = -errorfs_mount(path);
	if (errno == ENODEV) {
		keep_seen(test, "@seen nothing: no FUSE\n");
		printf("1..1\nok 1 # SKIP this kernel has no FUSE\n");
		remove_folder();
		exit(0);
	}
	if (errno)
		die("mounting a file system");
	add_rule(fd, "errors",
		 DK_ACCESS_READ | DK_ACCESS_WRITE | DK_ACCESS_EXECUTE);
}

/* Names that are no files; dk_socket.c asks for each of them. */
static void add_net_rules(int fd)
{
	static const struct {
		const char *uri;
		unsigned int rights;
	} rules[] = {
		{ "tcp.server:127.0.0.1:*", DK_ACCESS_READ },
		{ "tcp.server:[::1]:*", DK_ACCESS_READ },
		{ "tcp.client:127.0.0.0/8:*",
		  DK_ACCESS_READ | DK_ACCESS_WRITE },
		{ "tcp.client:[::1]:*", DK_ACCESS_READ | DK_ACCESS_WRITE },
		{ "tcp.client:203.0.113.1:*",
		  DK_ACCESS_READ | DK_ACCESS_WRITE },
		{ "tcp.client:127.0.0.1:9", 0 },
		{ "tcp.client:127.0.0.2:20-29", DK_ACCESS_READ },
		{ "tcp.client:127.0.0.2:25", DK_ACCESS_WRITE },
		{ "pipe.server:forbidden*", 0 },
		{ "pipe.server:forbidden.not", DK_ACCESS_READ },
		{ "pipe.client:read-only", DK_ACCESS_READ },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (sandbox_rule_uri(fd, rules[i].uri, rules[i].rights, 0))
			die(rules[i].uri);
}

static void answer_counts(int sandbox, int to)
{
	struct drawbridge_stats stats;
	__u64 counts[5];

	if (sandbox_stats(sandbox, &stats))
		die("DRAWBRIDGE_IOC_STATS");
	counts[0] = stats.handles;
	counts[1] = stats.objects;
	counts[2] = stats.threads;
	counts[3] = stats.processes;
	counts[4] = stats.calls;
	if (write(to, counts, sizeof(counts)) != sizeof(counts))
		die("counts");
}

/* @line is a word and what the file @path is to have. */
static void answer_setting(const char *path, const char *line, int to)
{
	char text[32] = "";
	long long wanted = -1;
	__s64 old;
	FILE *f;

	if (read_file(path, text, sizeof(text)) <= 0 ||
	    sscanf(line, "%*s %lld", &wanted) != 1)
		die(path);
	old = atoll(text);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%lld\n", wanted) < 0 || fclose(f))
		die(path);
	if (write(to, &old, sizeof(old)) != sizeof(old))
		die(path);
}

#define THREADS_MAX	"/proc/sys/kernel/threads-max"
#define SYN_RETRIES	"/proc/sys/net/ipv4/tcp_syn_retries"

/* As "ip route add unreachable". */
static int reject(const char *line)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct rtentry route = { .rt_flags = RTF_UP | RTF_HOST | RTF_REJECT };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;
	char address[64] = "";

	if (sscanf(line, "%*s %63s", address) != 1 ||
	    !inet_aton(address, &to.sin_addr))
		die(line);
	memcpy(&route.rt_dst, &to, sizeof(to));
	error = ioctl(fd, SIOCADDRT, &route) && errno != EEXIST ? -errno : 0;
	close(fd);
	return error;
}

/*
 * What picoexec takes away from every picoprocess, as far as it shows: mapping
 * low addresses, and passing limits of pipes.
 */
static void drop_capabilities(void)
{
	FILE *f = fopen("/proc/sys/vm/mmap_min_addr", "w");

	if (!f || fputs("65536\n", f) < 0 || fclose(f) ||
	    prctl(PR_CAPBSET_DROP, CAP_SYS_RAWIO) ||
	    prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE))
		die("capabilities");
}

/* The other process, as far as its locks go, is this one. */
static void answer_lock(const char *line, int to)
{
	static int fd = -1;
	struct flock lock = { .l_whence = SEEK_SET };
	char path[256], type = 0;
	long long start, length;
	__s64 answer[4];

	if (fd < 0) {
		snprintf(path, sizeof(path), "%s/rw/locked", folder);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			die(path);
	}
	if (sscanf(line, "@lock %c %lld %lld", &type, &start, &length) == 3) {
		lock.l_type = type == 'r' ? F_RDLCK :
			      type == 'w' ? F_WRLCK :
					    F_UNLCK;
		lock.l_start = start;
		lock.l_len = length;
		answer[0] = fcntl(fd, F_SETLK, &lock) ? -errno : 0;
		if (write(to, answer, sizeof(answer[0])) != sizeof(answer[0]))
			die("lock");
		return;
	}
	if (sscanf(line, "@holder %lld %lld", &start, &length) != 2)
		die(line);
	lock.l_type = F_WRLCK;
	lock.l_start = start;
	lock.l_len = length;
	if (fcntl(fd, F_GETLK, &lock))
		die("F_GETLK");
	answer[0] = lock.l_type == F_UNLCK ? 0 :
		    lock.l_type == F_WRLCK ? DK_LOCK_EXCLUSIVE :
					     DK_LOCK_SHARED;
	answer[1] = lock.l_start;
	answer[2] = lock.l_len;
	answer[3] = lock.l_pid;
	if (write(to, answer, sizeof(answer)) != sizeof(answer))
		die("holder");
}

static void answer(__s64 value, int to)
{
	if (write(to, &value, sizeof(value)) != sizeof(value))
		die("an answer");
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

/* All of @pid's threads wait, and then stand still there. */
static int stop(pid_t pid)
{
	int error = become(pid, "S");

	if (!error && kill(pid, SIGSTOP))
		error = -errno;
	return error ?: become(pid, "T");
}

static pid_t image_pid;

static bool stopped(void)
{
	return all_are(image_pid, "T");
}

int main(int argc, char **argv)
{
	const char *name = strrchr(program_invocation_name, '/');
	const char *image, *only = argc > 1 ? argv[1] : "";
	const char *args[] = { NULL, folder, only, NULL };
	int sandbox, in[2], out[2], status = 0, failed = 0, log;
	unsigned int plan = 0, nr = 0;
	struct drawbridge_stats stats;
	char line[1024], path[128], *said;
	bool clean;
	pid_t pid;
	static struct lines lines;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	snprintf(path, sizeof(path), "%s.img",
		 name ? name + 1 : program_invocation_name);
	image = beside(path);
	args[0] = image;
	if (!strcmp(path, "dk_console.img") && terminal_open())
		die("a terminal");
	log = kmsg_open();
	sandbox = sandbox_open();
	if (sandbox < 0)
		die(PICO_DEVICE);
	prepare();
	drop_capabilities();
	if (sandbox_rule(sandbox, "/", DK_ACCESS_READ | DK_ACCESS_EXECUTE, 0))
		die("rule for /");
	if (sandbox_rule(sandbox, "/tmp",
			 DK_ACCESS_READ | DK_ACCESS_WRITE | DK_ACCESS_EXECUTE,
			 DRAWBRIDGE_RULE_PRIVATE))
		die("rule for /tmp");
	add_rule(sandbox, "rw",
		 DK_ACCESS_READ | DK_ACCESS_WRITE | DK_ACCESS_EXECUTE);
	add_rule(sandbox, "ro", DK_ACCESS_READ);
	add_rule(sandbox, "rx", DK_ACCESS_READ | DK_ACCESS_EXECUTE);
	add_rule(sandbox, "noexec",
		 DK_ACCESS_READ | DK_ACCESS_WRITE | DK_ACCESS_EXECUTE);
	add_rule(sandbox, "wo", DK_ACCESS_WRITE);
	add_rule(sandbox, "no", 0);
	add_rule(sandbox, "rw/inner", 0);
	snprintf(line, sizeof(line), "%s/no/absent", folder);
	if (sandbox_rule(sandbox, line, 0, DRAWBRIDGE_RULE_ABSENT))
		die(line);
	add_net_rules(sandbox);
	if (!strcmp(path, "dk_errors.img") || !strcmp(path, "dk_hang.img"))
		add_errors(sandbox, name ? name + 1 : program_invocation_name);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("pipe");
	pid = sandbox_start(sandbox,
			    &(struct sandbox_start){
				    .image = image,
				    .argv = args,
				    .in = in[0],
				    .out = out[1],
				    .err = terminal.group ? terminal.slave :
							    out[1],
				    .directory = "/" });
	if (pid < 0)
		die(image);
	image_pid = pid;
	if (terminal.group && terminal_leave())
		die("the terminal's group");
	close(in[0]);
	close(out[1]);
	lines.fd = out[0];
	lines.pid = pid;
	while (next_line(&lines, line, sizeof(line))) {
		if (keep_seen(strrchr(argv[0], '/') + 1, line))
			continue;
		if (!strcmp(line, "@counts\n")) {
			answer_counts(sandbox, in[1]);
			continue;
		}
		if (!strcmp(line, "@abort\n")) {
			__s64 count = ioctl(sandbox, DRAWBRIDGE_IOC_ABORT);

			if (write(in[1], &count, sizeof(count)) !=
			    sizeof(count))
				die("abort");
			continue;
		}
		if (!strncmp(line, "@threads-max ", 13)) {
			answer_setting(THREADS_MAX, line, in[1]);
			continue;
		}
		if (!strncmp(line, "@syn-retries ", 13)) {
			answer_setting(SYN_RETRIES, line, in[1]);
			continue;
		}
		if (!strncmp(line, "@unreachable ", 13)) {
			answer(reject(line), in[1]);
			continue;
		}
		if (!strncmp(line, "@hung ", 6)) {
			answer(errorfs_hung(atol(line + 6)), in[1]);
			continue;
		}
		if (!strcmp(line, "@later\n")) {
			terminal_later(out[0], stopped);
			continue;
		}
		if (terminal.group && line[0] == '@') {
			__s64 value = terminal_request(line);

			if (value != -ENOSYS) {
				answer(value, in[1]);
				continue;
			}
		}
		if (!strcmp(line, "@asleep\n")) {
			answer(become(pid, "S"), in[1]);
			continue;
		}
		if (!strcmp(line, "@stop\n") || !strcmp(line, "@continue\n")) {
			answer(line[1] == 's'	  ? stop(pid) :
			       kill(pid, SIGCONT) ? -errno :
						    0,
			       in[1]);
			continue;
		}
		if (!strncmp(line, "@lock ", 6) ||
		    !strncmp(line, "@holder ", 8)) {
			answer_lock(line, in[1]);
			continue;
		}
		if (sscanf(line, "1..%u", &plan) == 1) {
			printf("1..%u\n", plan + 4);
			continue;
		}
		nr += !strncmp(line, "ok ", 3) || !strncmp(line, "not ok ", 7);
		failed |= !strncmp(line, "not ok ", 7);
		fputs(line, stdout);
	}
	status = lines.status;
	clean = nr == plan && plan && WIFEXITED(status) &&
		WEXITSTATUS(status) == failed;
	if (!clean)
		printf("# %u of %u results, wait status 0x%x\n", nr, plan,
		       status);
	printf("%s %u ended as it should\n", clean ? "ok" : "not ok", ++nr);
	failed |= !clean;

	clean = !sandbox_stats(sandbox, &stats) &&
		stats.unlisted_statuses == 0 && stats.calls;
	printf("# %llu calls, %llu unlisted statuses, %llu exceptions\n",
	       stats.calls, stats.unlisted_statuses, stats.exceptions);
	printf("%s %u every status was in its call's set\n",
	       clean ? "ok" : "not ok", ++nr);
	failed |= !clean;

	close(sandbox);
	clean = nothing_left() == 0 && access(PRIVATE_FILE, F_OK) &&
		!access(HOST_FILE, F_OK);
	printf("%s %u nothing is left\n", clean ? "ok" : "not ok", ++nr);
	failed |= !clean;

	said = kmsg_since(log);
	clean = log >= 0 && !said[0];
	if (!clean)
		printf("# the kernel log: %.400s\n", said);
	printf("%s %u the kernel log is silent\n", clean ? "ok" : "not ok",
	       ++nr);
	failed |= !clean;

	failed |= !remove_folder();
	return failed;
}
