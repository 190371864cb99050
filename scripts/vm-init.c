// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The first process of the test machine that scripts/vm starts.
 *
 * It mounts the host's root file system (9p or virtiofs, read-only) below a
 * tmpfs overlay, runs one command there and passes its standard streams and its
 * exit code through four virtio-serial ports:
 *
 *	1 stdin		host to guest; one byte first, so that "not connected
 *			yet" and "at end of file" can be told apart
 *	2 stdout	guest to host
 *	3 stderr	guest to host
 *	4 control	records that end in NUL, both ways
 *
 * The host sends the command as records: "dir PATH", "uid N", "gid N",
 * "tty ROWS COLS", "env NAME=VALUE", "insmod PATH", "keep DIR" (a folder of the
 * host's that may lie below a fresh /tmp or /run), "bind FROM" and "bind TO",
 * "leaks", "arg STRING", and an empty record; afterwards "winsize ROWS COLS"
 * and "close FD" may come.  The guest answers "ready" and, when the command and
 * everything it left behind is gone and the modules are unloaded,
 * "exit CODE STDOUT-BYTES STDERR-BYTES".  Then it waits for the host to switch
 * it off.
 *
 * What goes wrong is written to the kernel log, behind "vm-init: "; scripts/vm
 * takes that for a failed run.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_RECORDS 4096

enum port { PORT_STDIN = 1, PORT_STDOUT, PORT_STDERR, PORT_CONTROL, PORT_END };

/* The command, as the host sent it. */
static struct {
	const char *dir;
	uid_t uid;
	gid_t gid;
	bool tty;
	bool leaks;
	struct winsize size;
	char *env[MAX_RECORDS + 1];
	char *arg[MAX_RECORDS + 1];
	char *insmod[MAX_RECORDS];
	char *bind[MAX_RECORDS];
	char *keep[MAX_RECORDS];
	size_t n_env, n_arg, n_insmod, n_bind, n_keep;
} cmd = { .dir = "/" };

static int port_fd[PORT_END];
static int kmsg_fd = -1;
static int pty_master = -1;

/* One direction of a stream, copied by a thread of its own. */
struct relay {
	int from, to;
	unsigned long long bytes;
	pthread_t thread;
};

static struct relay in_relay, out_relay, err_relay;

/* ------------------------------------------------------------- reporting */

static void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "<3>vm-init: ");
	va_list ap;

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	if (write(kmsg_fd, line, n) < 0 && write(2, line + 3, n - 3) < 0)
		_exit(1);
}

static void __attribute__((noreturn)) switch_off(void)
{
	sync();
	syscall(SYS_reboot, 0xfee1dead, 672274793, 0x4321fedc, NULL);
	for (;;)
		pause();
}

#define must(call)                                                             \
	do {                                                                   \
		if ((call) < 0) {                                              \
			complain("%s: %s\n", #call, strerror(errno));          \
			switch_off();                                          \
		}                                                              \
	} while (0)

static void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write_all(fd, text, strlen(text)) < 0)
		complain("%s: %s\n", path, strerror(errno));
	close(fd);
}

/* --------------------------------------------------------------- modules */

static int insmod(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, "", 0);
	if (ret < 0 && errno == EEXIST)
		ret = 0;
	close(fd);
	return ret;
}

/* The modules of the initramfs: /mod/order names them in load order. */
static void load_own_modules(void)
{
	char line[256];
	FILE *f = fopen("/mod/order", "re");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (insmod(line) < 0)
			complain("%s: %s\n", line, strerror(errno));
	}
	fclose(f);
}

/*
 * Unload every out-of-tree module, users before used.  A module may stay busy
 * for a moment after the last task that used it was reaped.
 */
static void unload_modules(void)
{
	long end = now_ms() + 5000;

	for (;;) {
		char line[512], name[64], left[512] = "";
		bool progress = false;
		FILE *f = fopen("/proc/modules", "re");

		if (!f)
			return;
		while (fgets(line, sizeof(line), f)) {
			char *taints = strrchr(line, '(');

			if (!taints || !strchr(taints, 'O'))
				continue;
			if (sscanf(line, "%63s", name) != 1)
				continue;
			if (!syscall(SYS_delete_module, name, O_NONBLOCK)) {
				progress = true;
				continue;
			}
			if (errno == ENOENT)
				continue;
			strncat(left, " ", sizeof(left) - strlen(left) - 1);
			strncat(left, name, sizeof(left) - strlen(left) - 1);
		}
		fclose(f);
		if (!left[0])
			return;
		if (!progress && now_ms() > end) {
			complain("modules cannot be unloaded:%s\n", left);
			return;
		}
		if (!progress)
			sleep_ms(20);
	}
}

/*
 * kmemleak looks only at objects older than five seconds, and believes a leak
 * only when two scans agree.  It is asked while the modules are there, so that
 * it can name their functions, and again when they are not, for what was only
 * known to their variables.
 */
static void report_leaks(bool again)
{
	static const char path[] = "/sys/kernel/debug/kmemleak";
	char line[512];
	FILE *f;

	if (access(path, W_OK) < 0) {
		complain("%s: %s\n", path, strerror(errno));
		return;
	}
	if (!again) {
		sleep_ms(5500);
		write_file(path, "scan");
	}
	write_file(path, "scan");
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		complain("kmemleak: %s", line);
	fclose(f);
}

/* ---------------------------------------------------------------- mounts */

static void mount_early(void)
{
	mkdir("/dev", 0755);
	must(mount("devtmpfs", "/dev", "devtmpfs", 0, "mode=0755"));
	kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	mkdir("/proc", 0555);
	must(mount("proc", "/proc", "proc", 0, NULL));
	mkdir("/sys", 0555);
	must(mount("sysfs", "/sys", "sysfs", 0, NULL));
}

static void mount_root(void)
{
	mkdir("/lower", 0755);
	mkdir("/rw", 0755);
	mkdir("/root", 0755);
	/* A kernel has one of the two. */
	if (mount("root", "/lower", "virtiofs", MS_RDONLY, NULL) < 0)
		must(mount(
			"root", "/lower", "9p", MS_RDONLY,
			"trans=virtio,version=9p2000.L,msize=512000,cache=loose,access=any"));
	must(mount("rw", "/rw", "tmpfs", 0, "mode=0755,size=75%"));
	must(mkdir("/rw/upper", 0755));
	must(mkdir("/rw/work", 0755));
	must(mount("root", "/root", "overlay", 0,
		   "lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work"));
	must(mount("/dev", "/root/dev", NULL, MS_MOVE, NULL));
	must(mount("/proc", "/root/proc", NULL, MS_MOVE, NULL));
	must(mount("/sys", "/root/sys", NULL, MS_MOVE, NULL));
	must(chdir("/root"));
	must(mount(".", "/", NULL, MS_MOVE, NULL));
	must(chroot("."));
	must(chdir("/"));
}

/* Like mkdir -p, for the folder of a mount. */
static void make_folders(char *path)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c)
			continue;
		*p = '\0';
		mkdir(path, 0755);
		*p = c;
		if (!c)
			return;
	}
}

static void mount_binds(void)
{
	for (size_t i = 0; i + 1 < cmd.n_bind; i += 2) {
		make_folders(cmd.bind[i + 1]);
		if (mount(cmd.bind[i], cmd.bind[i + 1], NULL, MS_BIND, NULL) <
		    0)
			complain("%s: %s\n", cmd.bind[i], strerror(errno));
	}
}

static void mount_late(void)
{
	int kept[MAX_RECORDS];

	static const struct {
		const char *type, *dir, *opts;
		mode_t mode;
	} mounts[] = {
		{ "devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666", 0755 },
		{ "tmpfs", "/dev/shm", "mode=1777", 01777 },
		{ "tmpfs", "/tmp", "mode=1777,size=75%", 01777 },
		{ "tmpfs", "/run", "mode=755", 0755 },
		{ "debugfs", "/sys/kernel/debug", NULL, 0 },
		{ "tracefs", "/sys/kernel/tracing", NULL, 0 },
		{ "cgroup2", "/sys/fs/cgroup", NULL, 0 },
	};

	for (size_t i = 0; i < cmd.n_keep; i++)
		kept[i] = open_tree(AT_FDCWD, cmd.keep[i],
				    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		if (mounts[i].mode)
			mkdir(mounts[i].dir, mounts[i].mode);
		/* A kernel may be built without the last few. */
		if (mount(mounts[i].type, mounts[i].dir, mounts[i].type, 0,
			  mounts[i].opts) < 0 &&
		    mounts[i].mode)
			complain("%s: %s\n", mounts[i].dir, strerror(errno));
	}
	for (size_t i = 0; i < cmd.n_keep; i++) {
		make_folders(cmd.keep[i]);
		if (move_mount(kept[i], "", AT_FDCWD, cmd.keep[i],
			       MOVE_MOUNT_F_EMPTY_PATH) < 0)
			complain("%s: %s\n", cmd.keep[i], strerror(errno));
		close(kept[i]);
	}
	if (symlink("/proc/self/fd", "/dev/fd") < 0 ||
	    symlink("/proc/self/fd/0", "/dev/stdin") < 0 ||
	    symlink("/proc/self/fd/1", "/dev/stdout") < 0 ||
	    symlink("/proc/self/fd/2", "/dev/stderr") < 0)
		complain("/dev/fd: %s\n", strerror(errno));
}

static void network_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		return complain("lo: %s\n", strerror(errno));
	ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		complain("lo: %s\n", strerror(errno));
	close(fd);
	if (sethostname("pico", 4) < 0)
		complain("sethostname: %s\n", strerror(errno));
}

/* ---------------------------------------------------------- serial ports */

/* The ports appear as the driver hears of them, behind an unknown number. */
static bool open_port(int nr)
{
	struct dirent *d;
	DIR *dir = opendir("/dev");
	unsigned int dev, port;
	char path[32];

	while (dir && (d = readdir(dir))) {
		if (sscanf(d->d_name, "vport%up%u", &dev, &port) != 2 ||
		    port != (unsigned int)nr)
			continue;
		snprintf(path, sizeof(path), "/dev/vport%up%u", dev, port);
		port_fd[nr] = open(path, O_RDWR | O_CLOEXEC);
		break;
	}
	if (dir)
		closedir(dir);
	return port_fd[nr] >= 0;
}

static void open_ports(void)
{
	long end = now_ms() + 20000;

	for (int nr = PORT_STDIN; nr < PORT_END; nr++) {
		port_fd[nr] = -1;
		while (!open_port(nr)) {
			if (now_ms() > end) {
				complain("serial port %d: missing\n", nr);
				switch_off();
			}
			sleep_ms(1);
		}
	}
}

/* Next record; ports read as empty until the host's side is connected. */
static char *get_record(void)
{
	static char buf[1 << 20];
	static size_t start, end;

	for (;;) {
		char *nul = memchr(buf + start, '\0', end - start);
		ssize_t n;

		if (nul) {
			char *rec = strdup(buf + start);

			start = nul + 1 - buf;
			return rec;
		}
		memmove(buf, buf + start, end - start);
		end -= start;
		start = 0;
		n = read(port_fd[PORT_CONTROL], buf + end, sizeof(buf) - end);
		if (n > 0)
			end += n;
		else
			sleep_ms(1);
	}
}

static void __attribute__((format(printf, 1, 2)))
put_record(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	write_all(port_fd[PORT_CONTROL], line, n + 1);
}

static void append(char **list, size_t *n, char *value)
{
	if (*n >= MAX_RECORDS) {
		complain("too many records\n");
		switch_off();
	}
	list[(*n)++] = value;
}

static void read_command(void)
{
	for (;;) {
		char *rec = get_record();
		char *value = strchr(rec, ' ');

		if (!rec[0])
			return;
		if (value)
			*value++ = '\0';
		else
			value = rec + strlen(rec);
		if (!strcmp(rec, "dir")) {
			cmd.dir = value;
		} else if (!strcmp(rec, "uid")) {
			cmd.uid = atoi(value);
		} else if (!strcmp(rec, "gid")) {
			cmd.gid = atoi(value);
		} else if (!strcmp(rec, "tty")) {
			cmd.tty = sscanf(value, "%hu %hu", &cmd.size.ws_row,
					 &cmd.size.ws_col) == 2;
		} else if (!strcmp(rec, "leaks")) {
			cmd.leaks = true;
		} else if (!strcmp(rec, "env")) {
			append(cmd.env, &cmd.n_env, value);
		} else if (!strcmp(rec, "arg")) {
			append(cmd.arg, &cmd.n_arg, value);
		} else if (!strcmp(rec, "insmod")) {
			append(cmd.insmod, &cmd.n_insmod, value);
		} else if (!strcmp(rec, "keep")) {
			append(cmd.keep, &cmd.n_keep, value);
		} else if (!strcmp(rec, "bind")) {
			append(cmd.bind, &cmd.n_bind, value);
		} else {
			complain("unknown record %s\n", rec);
		}
	}
}

/* --------------------------------------------------------------- command */

static void *relay_main(void *arg)
{
	struct relay *r = arg;
	char *buf = malloc(65536);

	for (;;) {
		ssize_t n = read(r->from, buf, 65536);

		if (n < 0 && errno == EINTR)
			continue;
		/* A pty's master reads as EIO when the last slave closes. */
		if (n <= 0 || write_all(r->to, buf, n) < 0)
			break;
		r->bytes += n;
	}
	/*
	 * Ends here: the input's pipe is closed to give end of file to the
	 * command, the output's to give it EPIPE.  A pty and ports stay open.
	 */
	if (r == &in_relay && !cmd.tty)
		close(r->to);
	if (r != &in_relay && !cmd.tty)
		close(r->from);
	free(buf);
	return NULL;
}

static void *input_main(void *arg)
{
	char first;

	while (read(port_fd[PORT_STDIN], &first, 1) != 1)
		sleep_ms(1);
	return relay_main(arg);
}

static void *control_main(void *arg)
{
	for (;;) {
		char *rec = get_record();
		struct winsize ws = { 0 };
		int fd;

		if (sscanf(rec, "winsize %hu %hu", &ws.ws_row, &ws.ws_col) == 2)
			ioctl(pty_master, TIOCSWINSZ, &ws);
		/* The host's reader is gone: let the command have EPIPE. */
		if (sscanf(rec, "close %d", &fd) == 1 && !cmd.tty) {
			int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
			struct relay *r = fd == 1 ? &out_relay : &err_relay;

			dup2(null, r->from);
			close(null);
		}
		free(rec);
	}
	return arg;
}

static void start_relay(struct relay *r, void *(*main)(void *), int from,
			int to)
{
	r->from = from;
	r->to = to;
	if (pthread_create(&r->thread, NULL, main, r)) {
		complain("pthread_create\n");
		switch_off();
	}
}

static void __attribute__((noreturn)) run_command(int in, int out, int err)
{
	int code;

	setsid();
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	close_range(3, ~0U, 0);
	if (cmd.tty)
		ioctl(0, TIOCSCTTY, 0);
	signal(SIGPIPE, SIG_DFL);
	if (setgroups(1, &cmd.gid) < 0 || setgid(cmd.gid) < 0 ||
	    setuid(cmd.uid) < 0)
		dprintf(2, "vm: setuid: %m\n"), _exit(126);
	if (chdir(cmd.dir) < 0)
		dprintf(2, "vm: %s: %m\n", cmd.dir), _exit(126);
	environ = cmd.env;
	execvp(cmd.arg[0], cmd.arg);
	code = errno == ENOENT ? 127 : 126;
	dprintf(2, "vm: %s: %m\n", cmd.arg[0]);
	_exit(code);
}

static pid_t start_command(void)
{
	int in[2], out[2], err[2];
	pid_t pid;

	if (cmd.tty) {
		int slave;

		must(pty_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
		must(grantpt(pty_master));
		must(unlockpt(pty_master));
		must(slave = open(ptsname(pty_master),
				  O_RDWR | O_NOCTTY | O_CLOEXEC));
		must(fchown(slave, cmd.uid, 5));
		must(ioctl(slave, TIOCSWINSZ, &cmd.size));
		must(pid = fork());
		if (!pid)
			run_command(slave, slave, slave);
		close(slave);
		start_relay(&in_relay, input_main, port_fd[PORT_STDIN],
			    pty_master);
		start_relay(&out_relay, relay_main, pty_master,
			    port_fd[PORT_STDOUT]);
		return pid;
	}

	must(pipe2(in, O_CLOEXEC));
	must(pipe2(out, O_CLOEXEC));
	must(pipe2(err, O_CLOEXEC));
	/* So that /dev/stdin and its like can be opened by name. */
	must(fchown(in[0], cmd.uid, cmd.gid));
	must(fchown(out[1], cmd.uid, cmd.gid));
	must(fchown(err[1], cmd.uid, cmd.gid));
	must(pid = fork());
	if (!pid)
		run_command(in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	start_relay(&in_relay, input_main, port_fd[PORT_STDIN], in[1]);
	start_relay(&out_relay, relay_main, out[0], port_fd[PORT_STDOUT]);
	start_relay(&err_relay, relay_main, err[0], port_fd[PORT_STDERR]);
	return pid;
}

static bool reap(int *status, pid_t wanted, int flags)
{
	int st;
	pid_t pid = waitpid(-1, &st, flags);

	if (pid == wanted && pid > 0)
		*status = st;
	return pid > 0;
}

/* Everything the command left running gets a second to end by itself. */
static void end_leftovers(void)
{
	long soft = now_ms() + 1000, hard = soft + 10000;
	int st;

	for (;;) {
		while (reap(&st, 0, WNOHANG))
			;
		if (waitpid(-1, &st, WNOHANG) < 0 && errno == ECHILD)
			return;
		if (now_ms() > hard) {
			complain("processes do not end:\n");
			write_file("/proc/sysrq-trigger", "t");
			return;
		}
		if (now_ms() > soft)
			kill(-1, SIGKILL);
		sleep_ms(2);
	}
}

int main(void)
{
	pthread_t control;
	int status = 0;
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	mount_early();
	load_own_modules();
	open_ports();
	read_command();
	put_record("ready");
	mount_root();
	mount_late();
	network_up();
	mount_binds();
	for (size_t i = 0; i < cmd.n_insmod; i++)
		if (insmod(cmd.insmod[i]) < 0)
			complain("%s: %s\n", cmd.insmod[i], strerror(errno));

	pid = start_command();
	if (pthread_create(&control, NULL, control_main, NULL))
		complain("pthread_create\n");
	for (;;) {
		pid_t p = waitpid(-1, &status, 0);

		if (p == pid || (p < 0 && errno == ECHILD))
			break;
	}
	end_leftovers();
	pthread_join(out_relay.thread, NULL);
	if (!cmd.tty)
		pthread_join(err_relay.thread, NULL);
	if (cmd.leaks)
		report_leaks(false);
	unload_modules();
	if (cmd.leaks)
		report_leaks(true);
	put_record("exit %d %llu %llu",
		   WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					 WEXITSTATUS(status),
		   out_relay.bytes, err_relay.bytes);
	for (;;)
		pause();
}
