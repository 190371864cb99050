// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/pico, other programs and the state of the modules, for tests that
 * stand outside of the picoprocess.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "sandbox.h"

const char *test_folder(void)
{
	static char path[PATH_MAX];
	ssize_t n;

	if (path[0])
		return path;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n < 0) {
		perror("/proc/self/exe");
		exit(1);
	}
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return path;
}

unsigned int slower(void)
{
	const char *given = getenv("PICO_SLOWER");
	int times = given ? atoi(given) : 1;

	return times > 1 ? times : 1;
}

const char *beside(const char *name)
{
	static char paths[4][PATH_MAX + 64];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", test_folder(), name);
	return path;
}

const char *picoexec(void)
{
	static char path[PATH_MAX + 64];
	const char *given = getenv("PICOEXEC");

	if (given)
		return given;
	snprintf(path, sizeof(path), "%s/../bin/picoexec", test_folder());
	return access(path, X_OK) == 0 ? path : "picoexec";
}

const char *module_path(const char *name)
{
	static char paths[2][PATH_MAX + 64];
	static int next;
	const char *folder = getenv("PICO_MODULES");
	const char *kernel = getenv("PICO_KERNEL");
	char *path = paths[next++ % 2];

	if (folder)
		snprintf(path, sizeof(paths[0]), "%s/%s.ko", folder, name);
	else
		snprintf(path, sizeof(paths[0]), "%s/../kmod/%s/kmod/%s/%s.ko",
			 test_folder(), kernel ? kernel : "6.1",
			 strcmp(name, "pico_test") ? name : "test", name);
	return path;
}

int module_insert(const char *name, const char *arguments)
{
	int fd = open(module_path(name), O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, arguments, 0) ? -errno : 0;
	close(fd);
	return ret;
}

int module_delete(const char *name)
{
	for (unsigned int i = 0; i < 200 * slower(); i++) {
		if (!syscall(SYS_delete_module, name, O_NONBLOCK))
			return 0;
		if (errno != EAGAIN && errno != EBUSY)
			break;
		usleep(10000);
	}
	return -errno;
}

int sandbox_open(void)
{
	struct pico_ioc_bind bind = { .provider = DRAWBRIDGE_PROVIDER };
	int fd = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);
	__s32 root;

	if (fd < 0)
		return -1;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || ioctl(fd, PICO_IOC_BIND, &bind) ||
	    ioctl(fd, DRAWBRIDGE_IOC_ROOT, &root)) {
		int e = errno;

		close(root);
		close(fd);
		errno = e;
		return -1;
	}
	close(root);
	return fd;
}

int sandbox_rule_uri(int fd, const char *uri, uint32_t rights, uint32_t flags)
{
	struct drawbridge_rule rule = {
		.uri = (uintptr_t)uri,
		.uri_length = strlen(uri),
		.rights = rights,
		.flags = flags,
	};

	return ioctl(fd, DRAWBRIDGE_IOC_RULE, &rule);
}

int sandbox_rule(int fd, const char *path, uint32_t rights, uint32_t flags)
{
	char uri[PATH_MAX + 8];

	snprintf(uri, sizeof(uri), "file:%s", path);
	return sandbox_rule_uri(fd, uri, rights, flags);
}

int magic_file(void)
{
	int fd = syscall(SYS_memfd_create, "picoexec", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, PICO_EXEC_MAGIC, PICO_EXEC_MAGIC_LEN) !=
			       PICO_EXEC_MAGIC_LEN) {
		close(fd);
		return -1;
	}
	return fd;
}

static char *add_string(char *to, const char *s)
{
	return stpcpy(to, s) + 1;
}

pid_t sandbox_start(int fd, const struct sandbox_start *start)
{
	const char *own_argv[] = { start->image, NULL };
	const char *const *argv = start->argv ? start->argv : own_argv;
	static const char *const none[] = { NULL };
	const char *const *envp = start->envp ? start->envp : none;
	const char *directory = start->directory ? start->directory : "/";
	size_t size = strlen(start->image) + strlen(directory) + 2;
	struct drawbridge_start s = {
		.stdin_fd = start->in ? start->in : -1,
		.stdout_fd = start->out ? start->out : -1,
		.stderr_fd = start->err ? start->err : -1,
		.flags = start->flags,
	};
	char *strings, *p;
	pid_t pid;
	int magic, e;

	for (; argv[s.argument_count]; s.argument_count++)
		size += strlen(argv[s.argument_count]) + 1;
	for (; envp[s.environment_count]; s.environment_count++)
		size += strlen(envp[s.environment_count]) + 1;
	s.image_fd = open(start->image, O_RDONLY | O_CLOEXEC);
	if (s.image_fd < 0)
		return -1;
	strings = malloc(size);
	if (!strings)
		return -1;
	p = add_string(strings, start->image);
	p = add_string(p, directory);
	for (unsigned int i = 0; i < s.argument_count; i++)
		p = add_string(p, argv[i]);
	for (unsigned int i = 0; i < s.environment_count; i++)
		p = add_string(p, envp[i]);
	s.strings = (uintptr_t)strings;
	s.strings_length = size;
	e = ioctl(fd, DRAWBRIDGE_IOC_START, &s) ? errno : 0;
	free(strings);
	close(s.image_fd);
	if (e) {
		errno = e;
		return -1;
	}
	magic = magic_file();
	if (magic < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		char *const args[] = { "picoprocess", NULL };
		char *const env[] = { NULL };

		if (ioctl(fd, PICO_IOC_TICKET) == 0)
			syscall(SYS_execveat, magic, "", args, env,
				AT_EMPTY_PATH);
		fprintf(stderr, "# picoprocess: %s\n", strerror(errno));
		_exit(126);
	}
	e = errno;
	close(magic);
	errno = e;
	return pid;
}

int sandbox_stats(int fd, struct drawbridge_stats *stats)
{
	return ioctl(fd, DRAWBRIDGE_IOC_STATS, stats);
}

bool next_line(struct lines *l, char *line, size_t size)
{
	fcntl(l->fd, F_SETFL, O_NONBLOCK);
	for (;;) {
		char *end = memchr(l->buffer, '\n', l->have);
		struct pollfd p = { .fd = l->fd, .events = POLLIN };
		bool was_gone = l->gone;
		size_t n = end ? (size_t)(end + 1 - l->buffer) : l->have;
		ssize_t got;

		if (end || l->have == sizeof(l->buffer)) {
			if (n >= size)
				n = size - 1;
			memcpy(line, l->buffer, n);
			line[n] = '\0';
			l->have -= n;
			memmove(l->buffer, l->buffer + n, l->have);
			return true;
		}
		if (!l->gone)
			l->gone = waitpid(l->pid, &l->status, WNOHANG) ==
				  l->pid;
		if (!l->gone)
			poll(&p, 1, 20);
		got = read(l->fd, l->buffer + l->have,
			   sizeof(l->buffer) - l->have);
		if (got > 0) {
			l->have += got;
			continue;
		}
		if (was_gone && got <= 0) {
			if (!l->have)
				return false;
			memcpy(line, l->buffer, n < size ? n : size - 1);
			line[n < size ? n : size - 1] = '\0';
			l->have = 0;
			return true;
		}
	}
}

bool keep_seen(const char *test, const char *line)
{
	const char *folder = getenv("PICO_SEEN");
	char path[PATH_MAX];
	ssize_t size = strlen(line);
	int fd;

	if (strncmp(line, "@seen ", 6))
		return false;
	if (!folder)
		return true;
	snprintf(path, sizeof(path), "%s/%s", folder, test);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, size) != size)
		perror(path);
	close(fd);
	return true;
}

static int append(char **to, size_t *size, int fd)
{
	char buffer[65536];
	ssize_t n = read(fd, buffer, sizeof(buffer));

	if (n <= 0)
		return n;
	*to = realloc(*to, *size + n + 1);
	memcpy(*to + *size, buffer, n);
	*size += n;
	(*to)[*size] = '\0';
	return n;
}

int run_program(const char *const *argv, const void *input, size_t size,
		struct run *run)
{
	int in[2], out[2], err[2];
	size_t fed = 0;
	pid_t pid;

	memset(run, 0, sizeof(*run));
	run->out = calloc(1, 1);
	run->err = calloc(1, 1);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], (char *const *)argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	signal(SIGPIPE, SIG_IGN);
	if (!size) {
		close(in[1]);
		in[1] = -1;
	} else {
		fcntl(in[1], F_SETFL, O_NONBLOCK);
	}
	while (out[0] >= 0 || err[0] >= 0) {
		struct pollfd p[] = {
			{ .fd = out[0], .events = POLLIN },
			{ .fd = err[0], .events = POLLIN },
			{ .fd = in[1], .events = POLLOUT },
		};

		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents &&
		    append(&run->out, &run->out_size, out[0]) <= 0) {
			close(out[0]);
			out[0] = -1;
		}
		if (p[1].revents &&
		    append(&run->err, &run->err_size, err[0]) <= 0) {
			close(err[0]);
			err[0] = -1;
		}
		if (p[2].revents) {
			ssize_t n = write(in[1], (const char *)input + fed,
					  size - fed);

			if (n > 0)
				fed += n;
			if (fed == size || (n < 0 && errno != EAGAIN)) {
				close(in[1]);
				in[1] = -1;
			}
		}
	}
	if (in[1] >= 0)
		close(in[1]);
	while (waitpid(pid, &run->status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

void run_free(struct run *run)
{
	free(run->out);
	free(run->err);
}

int run_exit_code(const struct run *run)
{
	return WIFSIGNALED(run->status) ? 128 + WTERMSIG(run->status) :
					  WEXITSTATUS(run->status);
}

bool wait_for(pid_t pid, int *status, int ms)
{
	struct timespec pause = { 0, 1000000 };
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	ms *= slower();
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000;
	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec > end.tv_nsec))
			return false;
		nanosleep(&pause, NULL);
	}
}

int read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buffer + have, size - 1 - have)) > 0)
		have += n;
	close(fd);
	buffer[have] = '\0';
	return n < 0 ? -1 : (int)have;
}

long module_counter(const char *module, const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
		 name);
	if (read_file(path, text, sizeof(text)) <= 0)
		return -1;
	return strtol(text, NULL, 10);
}

int nothing_left(void)
{
	static const char *const counters[][2] = {
		{ "pico", "processes" },
		{ "pico", "threads" },
		{ "drawbridge", "objects" },
	};
	struct timespec pause = { 0, 10000000 };
	int tries = 500 * slower();
	bool clean = false;

	for (int i = 0; i < tries && !clean; i++) {
		clean = true;
		for (int k = 0; k < 3; k++)
			clean &= module_counter(counters[k][0],
						counters[k][1]) == 0;
		if (!clean)
			nanosleep(&pause, NULL);
	}
	for (int k = 0; k < 3 && !clean; k++)
		printf("# %s %s: %ld\n", counters[k][0], counters[k][1],
		       module_counter(counters[k][0], counters[k][1]));
	return clean ? 0 : -1;
}

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

char *kmsg_since(int fd)
{
	char *text = calloc(1, 1), record[8192];
	size_t size = 0;
	ssize_t n;

	while ((n = read(fd, record, sizeof(record) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		record[n] = '\0';
		/* An emulated processor is a slow one. */
		if (strstr(record, ";hrtimer: interrupt took") ||
		    strstr(record, ";perf: interrupt took"))
			continue;
		text = realloc(text, size + n + 1);
		memcpy(text + size, record, n);
		size += n;
		text[size] = '\0';
	}
	return text;
}

const char *kmsg_loud(const char *said)
{
	const char *next;

	for (; *said; said = next) {
		next = strchrnul(said, '\n');
		next += *next == '\n';
		/* What more memory than there is gives any program. */
		if (memmem(said, next - said, "__vm_enough_memory", 18))
			continue;
		/* So many segfaults that it does not tell of them all. */
		if (memmem(said, next - said, "show_signal", 11) ||
		    memmem(said, next - said, ",c;", 3))
			continue;
		if (*said >= '0' && *said <= '9' &&
		    (strtoul(said, NULL, 10) & 7) <= 4)
			return said;
	}
	return NULL;
}
