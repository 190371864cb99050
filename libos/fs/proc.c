// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What is in /proc and in the added part of /dev: its tree and its links. The
 * texts are in proc_process.c and proc_system.c.
 *
 * Only what the libos knows is told. A figure that exists natively but not
 * here (other processes, interrupts, load) is zero, in its native place, so
 * that programs parse the file as usual.
 */
#include "fs.h"
#include "proc.h"

/* ---- links ---- */

static int link_text(char *buffer, size_t length, const char *text)
{
	size_t needed = strlcpy(buffer, text, length);

	return MIN(needed, length - 1);
}

static int link_self(char *buffer, size_t length, u32 id __unused)
{
	return snprintf(buffer, length, "%u", process.pid);
}

static int link_thread_self(char *buffer, size_t length, u32 id __unused)
{
	return snprintf(buffer, length, "%u/task/%u", process.pid, self()->tid);
}

static int link_mounts(char *buffer, size_t length, u32 id __unused)
{
	return link_text(buffer, length, "self/mounts");
}

static int link_net(char *buffer, size_t length, u32 id __unused)
{
	return link_text(buffer, length, "self/net");
}

static int link_exe(char *buffer, size_t length, u32 id __unused)
{
	return link_text(buffer, length, process.exe);
}

static int link_cwd(char *buffer, size_t length, u32 id __unused)
{
	int result = directory_copy(buffer, length);
	struct file *file;

	if (result != -ENOENT)
		return result;
	file = directory_get();
	result = snprintf(buffer, length, "%s (deleted)", file_name(file));
	file_put(file);
	return MIN(result, (int)length - 1);
}

static int link_root(char *buffer, size_t length, u32 id __unused)
{
	return link_text(buffer, length, "/");
}

static int link_fd(char *buffer, size_t length, u32 id)
{
	return fd_name(id, buffer, length);
}

static int link_dev_fd(char *buffer, size_t length, u32 id __unused)
{
	return link_text(buffer, length, "/proc/self/fd");
}

static int link_stdin(char *buffer, size_t length, u32 id __unused)
{
	return link_text(buffer, length, "/proc/self/fd/0");
}

static int link_stdout(char *buffer, size_t length, u32 id __unused)
{
	return link_text(buffer, length, "/proc/self/fd/1");
}

static int link_stderr(char *buffer, size_t length, u32 id __unused)
{
	return link_text(buffer, length, "/proc/self/fd/2");
}

#define DIRECTORY(path)                                      \
	{                                                    \
		path, DK_TYPE_DIRECTORY, 0555, NULL, NULL, 0, 0 \
	}
#define TEXT(path, mode, content)                          \
	{                                                  \
		path, DK_TYPE_FILE, mode, content, NULL, 0, 0 \
	}
#define LINK(path, target)                                   \
	{                                                    \
		path, DK_TYPE_SYMLINK, 0777, NULL, target, 0, 0 \
	}

/* The same of another process of the sandbox: what its entry tells. */
#define OTHERS(path, mode, content)                           \
	{                                                     \
		path, DK_TYPE_FILE, mode, content, NULL, 0, 1 \
	}

/* One that is written, too; of other processes it may be refused then. */
#define WRITTEN(path, others, content, store)                         \
	{                                                             \
		path, DK_TYPE_FILE, 0644, content, NULL, 0, others, store \
	}

#define OF_PROCESS(at)                                               \
	DIRECTORY(at "/fd"),                                         \
		{ at "/fd/*", DK_TYPE_SYMLINK, 0700, NULL, link_fd,  \
		  true, false },                                     \
		DIRECTORY(at "/fdinfo"),                             \
		TEXT(at "/fdinfo/*", 0400, text_fdinfo),             \
		LINK(at "/exe", link_exe), LINK(at "/cwd", link_cwd), \
		LINK(at "/root", link_root),                         \
		TEXT(at "/auxv", 0400, text_auxv),                   \
		TEXT(at "/cgroup", 0444, text_cgroup),               \
		OTHERS(at "/cmdline", 0444, text_cmdline),           \
		WRITTEN(at "/comm", 1, text_comm, store_comm),       \
		TEXT(at "/environ", 0400, text_environ),             \
		TEXT(at "/gid_map", 0644, text_id_map),              \
		TEXT(at "/io", 0400, text_io),                       \
		TEXT(at "/limits", 0444, text_limits),               \
		TEXT(at "/loginuid", 0644, text_loginuid),           \
		TEXT(at "/maps", 0444, text_maps),                   \
		TEXT(at "/mountinfo", 0444, text_mountinfo),         \
		TEXT(at "/mounts", 0444, text_mounts),               \
		DIRECTORY(at "/net"),                                \
		TEXT(at "/net/if_inet6", 0444, text_if_inet6),       \
		TEXT(at "/oom_score", 0444, text_zero),              \
		WRITTEN(at "/oom_score_adj", 0, text_oom_score_adj,  \
			store_oom_score_adj),                        \
		TEXT(at "/personality", 0400, text_personality),     \
		TEXT(at "/sessionid", 0444, text_loginuid),          \
		TEXT(at "/setgroups", 0644, text_setgroups),         \
		OTHERS(at "/stat", 0444, text_stat),                 \
		OTHERS(at "/statm", 0444, text_statm),               \
		OTHERS(at "/status", 0444, text_status),             \
		TEXT(at "/uid_map", 0644, text_id_map)

#define DEVICE(path, mode)                                           \
	{                                                            \
		path, DK_TYPE_CHARACTER, mode, NULL, NULL, 0, 0      \
	}

#define SETTING(path, name) TEXT("/proc/sys/" path, 0444, text_##name)

const struct synth_node synth_tree[] = {
	DIRECTORY("/proc"),
	{ "/proc/*", DK_TYPE_DIRECTORY, 0555, NULL, NULL, false, true },
	OF_PROCESS("/proc/*"),
	DIRECTORY("/proc/*/task"),
	DIRECTORY("/proc/*/task/*"),
	OF_PROCESS("/proc/*/task/*"),
	LINK("/proc/self", link_self),
	LINK("/proc/thread-self", link_thread_self),
	LINK("/proc/mounts", link_mounts),
	LINK("/proc/net", link_net),
	TEXT("/proc/cpuinfo", 0444, text_cpuinfo),
	TEXT("/proc/filesystems", 0444, text_filesystems),
	TEXT("/proc/loadavg", 0444, text_loadavg),
	TEXT("/proc/meminfo", 0444, text_meminfo),
	TEXT("/proc/stat", 0444, text_system_stat),
	TEXT("/proc/uptime", 0444, text_uptime),
	TEXT("/proc/version", 0444, text_version),
	DIRECTORY("/proc/sys"),
	DIRECTORY("/proc/sys/fs"),
	SETTING("fs/file-max", file_max),
	SETTING("fs/nr_open", nr_open),
	SETTING("fs/overflowgid", overflow_id),
	SETTING("fs/overflowuid", overflow_id),
	SETTING("fs/pipe-max-size", pipe_max),
	SETTING("fs/protected_hardlinks", on),
	SETTING("fs/protected_symlinks", on),
	DIRECTORY("/proc/sys/kernel"),
	SETTING("kernel/cap_last_cap", cap_last_cap),
	SETTING("kernel/domainname", no_name),
	SETTING("kernel/hostname", hostname),
	SETTING("kernel/ngroups_max", ngroups_max),
	SETTING("kernel/osrelease", osrelease),
	SETTING("kernel/ostype", ostype),
	SETTING("kernel/overflowgid", overflow_id),
	SETTING("kernel/overflowuid", overflow_id),
	SETTING("kernel/pid_max", pid_max),
	DIRECTORY("/proc/sys/kernel/random"),
	SETTING("kernel/random/boot_id", boot_id),
	SETTING("kernel/random/uuid", uuid),
	SETTING("kernel/randomize_va_space", randomize),
	SETTING("kernel/tainted", off),
	SETTING("kernel/threads-max", threads_max),
	SETTING("kernel/version", kernel_version),
	DIRECTORY("/proc/sys/net"),
	DIRECTORY("/proc/sys/net/core"),
	SETTING("net/core/somaxconn", somaxconn),
	DIRECTORY("/proc/sys/vm"),
	SETTING("vm/max_map_count", max_map_count),
	SETTING("vm/mmap_min_addr", mmap_min),
	SETTING("vm/overcommit_memory", off),
	/* Only where the host refuses its own, see path_reroute(). */
	DIRECTORY("/sys"),
	LINK("/dev/fd", link_dev_fd),
	LINK("/dev/stdin", link_stdin),
	LINK("/dev/stdout", link_stdout),
	LINK("/dev/stderr", link_stderr),
	DEVICE("/dev/tty", 0666),
	DEVICE("/dev/ptmx", 0666),
	{ "/dev/pts", DK_TYPE_DIRECTORY, 0755, NULL, NULL, false, false },
	DEVICE("/dev/pts/*", 0620),
	DEVICE("/dev/pts/ptmx", 0),
	{ NULL, 0, 0, NULL, NULL, false, false },
};
