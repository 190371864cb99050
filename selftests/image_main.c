// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the image of tests that stands beside this program with the same name
 * and ".img" behind it, in a sandbox of its own, and adds four results to its
 * TAP: how it ended, that no status outside of a call's set was returned, that
 * nothing is left, and that the kernel log has nothing to say.
 *
 * An image may ask for things of the outside: see lib/outside.h.
 *
 * The sandbox: everything readable and executable; a private /tmp; and, as
 * the image's first argument, a folder with rw/ (all rights), ro/ (read),
 * rx/ (read, execute), no/ (nothing, but that no/absent is not there may be
 * known), each prepared with a few files, and
 * wo/ (write), all on one mount, and noexec/ (all rights, mounted so that
 * nothing there is executed). For dk_errors.c and dk_hang.c there is errors/,
 * too (all rights), see lib/errorfs.h; for dk_ended.c there is a monitor that
 * answers nothing; for dk_console.c stderr is a terminal, for dk_socket.c a
 * netlink socket whose protocol has TCP's number;
 * for dk_failures*.c the image is a copy in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/errorfs.h"
#include "lib/inject.h"
#include "lib/outside.h"
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
		"rw", "rw/sub", "ro",	    "ro/sub", "rx",
		"no", "no/sub", "rw/inner", "noexec", "wo",
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
	put_link("../rw/hello", "no/to-rw");
	put_link("sub/../../rw/hello", "no/through");
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

/*
 * What dk_failures.c needs: the kernel, and an image of which nothing is read in
 * between.
 */
static const char *image_for_failures(const char *test)
{
	static char path[256];
	char name[128];

	if (!inject_prepare()) {
		keep_seen(test, "@seen nothing: no failures\n");
		printf("1..1\nok 1 # SKIP this kernel lets no allocation fail\n");
		remove_folder();
		exit(0);
	}
	snprintf(path, sizeof(path), "%s/image", folder);
	snprintf(name, sizeof(name), "%s.img", test);
	if (!inject_copy(name, path))
		die(path);
	return path;
}

/* Names that are no files; dk_socket.c asks for each of them. */
static void add_net_rules(int fd)
{
	static const struct {
		const char *uri;
		unsigned int rights;
	} rules[] = {
		{ "tcp.server:127.0.0.1:*", DK_ACCESS_READ },
		{ "tcp.server:127.0.0.3:*", DK_ACCESS_READ },
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

/* A monitor that is asked for names, and never answers; for dk_ended.c. */
static void be_silent(int sandbox)
{
	int event = eventfd(0, EFD_CLOEXEC);

	if (event < 0 || ioctl(sandbox, DRAWBRIDGE_IOC_EVENT, &event) ||
	    sandbox_rule_uri(sandbox, "dns:*", DK_ACCESS_READ, 0))
		die("a monitor");
	close(event);
}

/* As scripts/vm, which looks for more of them, finds the kernel's reports. */
static bool has_report(const char *said)
{
	static const char *const words[] = { "WARNING: ", "BUG: ", "Oops",
					     "KASAN: ", "UBSAN: " };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(said, words[i]))
			return true;
	return false;
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

/* NETLINK_XFRM is 6; where there is none, another socket that is not TCP's. */
static int other_family(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);

	return fd < 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : fd;
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
	bool clean, console, fails;
	int err = -1;
	pid_t pid;
	static struct lines lines;
	struct outside outside;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	snprintf(path, sizeof(path), "%s.img",
		 name ? name + 1 : program_invocation_name);
	image = beside(path);
	console = !strcmp(path, "dk_console.img");
	if (!strcmp(path, "dk_socket.img"))
		err = other_family();
	fails = !strncmp(path, "dk_failures", strlen("dk_failures"));
	if (console && terminal_open())
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
	if (!strcmp(path, "dk_ended.img"))
		be_silent(sandbox);
	if (!strcmp(path, "dk_errors.img") || !strcmp(path, "dk_hang.img"))
		add_errors(sandbox, name ? name + 1 : program_invocation_name);
	if (fails)
		image = image_for_failures(name ? name + 1 :
						  program_invocation_name);
	args[0] = image;
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("pipe");
	pid = sandbox_start(sandbox, &(struct sandbox_start){
					     .image = image,
					     .argv = args,
					     .in = in[0],
					     .out = out[1],
					     .err = console ? terminal_slave() :
						    err >= 0 ? err :
							       out[1],
					     .directory = "/" });
	if (pid < 0)
		die(image);
	if (console && terminal_leave())
		die("the terminal's group");
	close(in[0]);
	close(out[1]);
	lines.fd = out[0];
	lines.pid = pid;
	outside = (struct outside){ .sandbox = sandbox,
				    .pid = pid,
				    .from = out[0],
				    .to = in[1],
				    .folder = folder };
	while (next_line(&lines, line, sizeof(line))) {
		if (keep_seen(strrchr(argv[0], '/') + 1, line))
			continue;
		if (outside_answer(&outside, line))
			continue;
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
	/* Linux tells of some of the allocations that fail. */
	clean = log >= 0 && (fails ? !has_report(said) : !said[0]);
	if (!clean)
		printf("# the kernel log: %.400s\n", said);
	printf("%s %u the kernel log is silent\n", clean ? "ok" : "not ok",
	       ++nr);
	failed |= !clean;

	failed |= !remove_folder();
	return failed;
}
