// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The outer wall: what the kernel's own means can take from a process.
 *
 * The sandbox is drawbridge.ko's work and does not need any of this. The wall
 * stands around it so that a bug in the one is not an escape: a picoprocess
 * that could make system calls after all would find itself with no privilege,
 * an empty file system, no network and nobody to send signals to.
 *
 *   picoexec ---- mason: unshares, builds, makes the next two, ends
 *       |------- init: number 1 in the new pid namespace, does nothing
 *       '------- the picoprocess
 *
 * The mason makes its children with CLONE_PARENT, so they are picoexec's: it
 * waits for the picoprocess, stops and continues with it, as without the wall.
 * When init ends, the kernel kills what is left in the pid namespace. It ends
 * when picoexec closes its end of a pipe, by dying for instance.
 *
 * picoexec itself stays outside of all the namespaces. What the sandbox may
 * name was opened out here, and stays what it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/capability.h>

#include "picoexec.h"

/*
 * What being root means to files. Somebody who has these outside keeps them,
 * over what the rules let the sandbox name; nobody keeps anything else.
 */
static const unsigned int kept_capabilities[] = {
	CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
	CAP_FOWNER, CAP_FSETID,
};

/* What the mason tells of its work. */
struct progress {
	enum {
		STEP_NAMESPACES,
		STEP_MOUNTS,
		STEP_INIT,
		STEP_CHILD,
		STEP_DONE,
	} step;
	int error;
	pid_t init, child;
};

static int capset(const struct __user_cap_header_struct *header,
		  const struct __user_cap_data_struct *data)
{
	return syscall(SYS_capset, header, data);
}

static int capget(struct __user_cap_header_struct *header,
		  struct __user_cap_data_struct *data)
{
	return syscall(SYS_capget, header, data);
}

/* Keep of this process' capabilities what @kept_capabilities has, at most. */
static int drop_capabilities(bool all)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct have[2], kept[2] = { 0 };
	uint64_t mask = 0;

	if (capget(&header, have))
		return -1;
	for (size_t i = 0;
	     !all && i < sizeof(kept_capabilities) / sizeof(*kept_capabilities);
	     i++) {
		unsigned int bit = kept_capabilities[i] % 32;
		unsigned int word = kept_capabilities[i] / 32;

		if (!(have[word].permitted & 1U << bit))
			continue;
		kept[word].permitted |= 1U << bit;
		kept[word].effective |= 1U << bit;
		mask |= 1ULL << kept_capabilities[i];
	}
	/* EINVAL: beyond the last one; EPERM: an ordinary user without a wall. */
	for (unsigned int i = 0; i < 64; i++)
		if (!(mask & 1ULL << i) && prctl(PR_CAPBSET_DROP, i) &&
		    errno != EINVAL && errno != EPERM)
			return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) &&
	    errno != EINVAL)
		return -1;
	return capset(&header, kept);
}

int wall_give_up(const struct wall *wall)
{
	struct rlimit limit = { .rlim_cur = wall->memory,
				.rlim_max = wall->memory };

	/* Only so far as the sandbox' own limit could be wrong. */
	if (wall->memory && setrlimit(RLIMIT_DATA, &limit))
		return -1;
	if (drop_capabilities(!wall->privileged))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool wall_is_privileged(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct have[2];

	return !capget(&header, have) &&
	       have[0].effective & 1U << CAP_DAC_OVERRIDE;
}

/* ---- the mason ---- */

/*
 * An empty directory that nobody can write takes the place of the root. It is
 * mounted on the one directory that must be there, where we found /dev/pico.
 */
static int empty_root(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/dev", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0555,size=4k,nr_inodes=1") ||
	    chdir("/dev") || syscall(SYS_pivot_root, ".", ".") ||
	    umount2(".", MNT_DETACH) || chdir("/"))
		return -1;
	return mount(NULL, "/", NULL,
		     MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV |
			     MS_NOEXEC,
		     NULL);
}

/* Like fork(), but for the parent, and without glibc's own work around it. */
static pid_t fork_sibling(void)
{
	return syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL,
		       NULL);
}

/* Number 1: lives as long as picoexec holds the other end of @life. */
static void be_init(int life)
{
	sigset_t all;
	char c;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGCHLD, SIG_IGN); /* orphans are reaped by themselves */
	prctl(PR_SET_NAME, "picoexec-init");
	prctl(PR_SET_DUMPABLE, 0);
	if (dup2(life, 0) < 0)
		_exit(1);
	close_range(1, ~0U, 0);
	drop_capabilities(true);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	while (read(0, &c, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static void be_mason(const struct wall *wall, int channel, const int life[2],
		     wall_child_fn become, void *argument)
{
	int flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
		    CLONE_NEWUTS | CLONE_NEWCGROUP;
	struct progress progress = { .step = STEP_NAMESPACES };
	char c;

	if (!wall->network)
		flags |= CLONE_NEWNET;
	if (unshare(flags))
		goto tell;
	/* picoexec says who we are in the new user namespace. */
	if (write(channel, "u", 1) != 1 || read(channel, &c, 1) != 1)
		_exit(1);

	progress.step = STEP_MOUNTS;
	if (empty_root())
		goto tell;

	progress.step = STEP_INIT;
	progress.init = fork_sibling();
	if (!progress.init)
		be_init(life[0]);
	if (progress.init < 0)
		goto tell;

	progress.step = STEP_CHILD;
	progress.child = fork_sibling();
	if (!progress.child) {
		close(channel);
		become(argument);
		_exit(EXIT_OWN_FAILURE);
	}
	if (progress.child > 0)
		progress.step = STEP_DONE;
tell:
	progress.error = errno;
	if (write(channel, &progress, sizeof(progress)) != sizeof(progress))
		_exit(1);
	_exit(0);
}

/* ---- picoexec's side ---- */

static int write_proc(pid_t pid, const char *name, const char *text)
{
	char *path = xprintf("/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	free(path);
	if (fd < 0)
		return -1;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		error = errno;
	close(fd);
	errno = error;
	return error ? -1 : 0;
}

/*
 * Everybody is in the new namespace who he is out here. A privileged user
 * takes all others with him, or the files of others would be nobody's.
 */
static char *id_map(const char *name, unsigned int own, bool all)
{
	char *text = xprintf("%u %u 1\n", own, own);
	unsigned int first, outside, count;
	char *path, *longer;
	FILE *file;

	if (!all)
		return text;
	path = xprintf("/proc/self/%s", name);
	file = fopen(path, "re");
	free(path);
	if (!file)
		return text;
	*text = 0;
	while (fscanf(file, "%u %u %u", &first, &outside, &count) == 3) {
		longer = xprintf("%s%u %u %u\n", text, first, first, count);
		free(text);
		text = longer;
	}
	fclose(file);
	return text;
}

static int write_maps(const struct wall *wall, pid_t mason)
{
	char *uids = id_map("uid_map", geteuid(), wall->privileged);
	char *gids = id_map("gid_map", getegid(), wall->privileged);
	int error = 0;

	if (!wall->privileged)
		error = write_proc(mason, "setgroups", "deny");
	error = error ?: write_proc(mason, "gid_map", gids);
	error = error ?: write_proc(mason, "uid_map", uids);
	free(uids);
	free(gids);
	return error;
}

static void note(const struct progress *progress)
{
	static const char *const steps[] = {
		[STEP_NAMESPACES] = "making namespaces",
		[STEP_MOUNTS] = "making an empty root directory",
		[STEP_INIT] = "making the first process",
		[STEP_CHILD] = "making the second process",
	};

	fprintf(stderr,
		"picoexec: note: the sandbox stands without an outer wall: %s: %s; see --no-wall in picoexec(1)\n",
		steps[progress->step], strerror(progress->error));
}

bool wall_build(struct wall *wall, wall_child_fn become, void *argument)
{
	struct progress progress = { .step = STEP_NAMESPACES };
	int channel[2], life[2];
	pid_t mason;
	char c;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) ||
	    pipe2(life, O_CLOEXEC))
		fail(EXIT_OWN_FAILURE, "cannot make a pipe: %s",
		     strerror(errno));
	fflush(NULL);
	mason = fork();
	if (mason < 0)
		fail(EXIT_OWN_FAILURE, "cannot fork: %s", strerror(errno));
	if (!mason) {
		close(channel[0]);
		close(life[1]);
		be_mason(wall, channel[1], life, become, argument);
	}
	close(channel[1]);
	close(life[0]);

	/* "u" when the namespaces are there, then how it went. */
	if (recv(channel[0], &progress, sizeof(progress), MSG_PEEK) == 1) {
		if (read(channel[0], &c, 1) != 1 || write_maps(wall, mason)) {
			progress.error = errno;
			kill(mason, SIGKILL);
		} else if (write(channel[0], "g", 1) != 1 ||
			   read(channel[0], &progress, sizeof(progress)) !=
				   sizeof(progress)) {
			progress.error = EIO;
		}
	} else if (read(channel[0], &progress, sizeof(progress)) !=
		   sizeof(progress)) {
		progress.error = EIO;
	}
	close(channel[0]);
	waitpid(mason, NULL, 0);
	if (progress.step == STEP_DONE) {
		wall->init = progress.init;
		wall->life = life[1];
		wall->child = progress.child;
		return true;
	}
	close(life[1]);
	if (progress.init > 0)
		waitpid(progress.init, NULL, 0);
	note(&progress);
	return false;
}

void wall_close(struct wall *wall)
{
	if (wall->init <= 0)
		return;
	close(wall->life);
	while (waitpid(wall->init, NULL, 0) < 0 && errno == EINTR)
		;
	wall->init = 0;
}
