// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What is in /proc and in the added part of /dev.
 *
 * Only what the libos knows is told. A figure that exists natively but not
 * here (other processes, interrupts, load) is zero, in its native place, so
 * that programs parse the file as usual.
 */
#include "fs.h"
#include "processes.h"

#include <signals.h>
#include <thread.h>

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

static int link_exe(char *buffer, size_t length, u32 id __unused)
{
	return link_text(buffer, length, process.exe);
}

static int link_cwd(char *buffer, size_t length, u32 id __unused)
{
	return directory_copy(buffer, length);
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

/* ---- the process ---- */

/* Memory of the program between two addresses, as far as it is there. */
static void add_memory(struct text *text, u64 start, u64 end)
{
	size_t length = end > start ? end - start : 0;
	char *data = mem_realloc(text->data, text->length + length + 1);

	if (!data) {
		text->failed = true;
		return;
	}
	text->data = data;
	text->room = text->length + length + 1;
	if (!user_read(data + text->length, (const void *)start, length))
		text->length += length;
}

static void text_cmdline(struct text *text)
{
	add_memory(text, process.arg_start, process.arg_end);
}

static void text_environ(struct text *text)
{
	add_memory(text, process.env_start, process.env_end);
}

static void text_auxv(struct text *text)
{
	add_memory(text, process.auxv_start,
		   process.auxv_start + process.auxv_size);
}

struct task {
	u32 tid;
	u32 threads;
	char name[16];
	sigset pending, shared, blocked;
};

/* The thread that the name is about; of a process the first. */
static struct task task_of(const struct text *text)
{
	struct libos_thread *t = thread_find(text->id);
	struct task task = { .tid = text->id };

	if (!t)
		t = thread_get(self());
	lock_acquire(&thread_lock);
	memcpy(task.name, t->name, sizeof(task.name));
	task.threads = thread_count;
	lock_release(&thread_lock);
	task.pending = t->queue.set;
	task.shared = process_signals.set;
	task.blocked = t->blocked;
	thread_put(t);
	return task;
}

static void text_comm(struct text *text)
{
	struct task task = task_of(text);

	text_add(text, "%s\n", task.name);
}

static void text_maps(struct text *text)
{
	size_t room = 16 * PAGE_SIZE, length;
	char *data;

	for (;;) {
		data = mem_alloc(room);
		if (!data) {
			text->failed = true;
			return;
		}
		length = maps_format(data, room);
		if (length < room)
			break;
		mem_free(data);
		room = 2 * length;
	}
	mem_free(text->data);
	text->data = data;
	text->length = length;
	text->room = room;
}

/* Clock ticks: 100 a second, as user space sees them. */
static u64 ticks(s64 nanoseconds)
{
	return nanoseconds / 10000000;
}

static void text_stat(struct text *text)
{
	struct task task = task_of(text);
	u64 total = 0, data = 0;

	mm_usage(&total, &data);
	text_add(text, "%u (%s) R %u %u %u 0 -1 4194304 0 0 0 0 %llu 0 0 0 ",
		 task.tid, task.name, process_self->ppid, process_group(),
		 process_session(),
		 (unsigned long long)ticks(clock_now(DK_CLOCK_PROCESS_CPU)));
	text_add(text, "20 0 %u 0 %llu %llu %llu 18446744073709551615 ",
		 task.threads, (unsigned long long)ticks(process.start_time),
		 (unsigned long long)total,
		 (unsigned long long)(data / PAGE_SIZE));
	text_add(text, "%llu %llu %llu 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 ",
		 (unsigned long long)process.code_start,
		 (unsigned long long)process.code_end,
		 (unsigned long long)process.stack_start);
	text_add(text, "%llu %llu %llu %llu %llu %llu %llu 0\n",
		 (unsigned long long)process.data_start,
		 (unsigned long long)process.data_end,
		 (unsigned long long)process.brk_start,
		 (unsigned long long)process.arg_start,
		 (unsigned long long)process.arg_end,
		 (unsigned long long)process.env_start,
		 (unsigned long long)process.env_end);
}

static void text_statm(struct text *text)
{
	u64 total = 0, data = 0;

	mm_usage(&total, &data);
	text_add(text, "%llu %llu 0 %llu 0 %llu 0\n",
		 (unsigned long long)(total / PAGE_SIZE),
		 (unsigned long long)(data / PAGE_SIZE),
		 (unsigned long long)((process.code_end - process.code_start) /
				      PAGE_SIZE),
		 (unsigned long long)(data / PAGE_SIZE));
}

static void text_status(struct text *text)
{
	struct task task = task_of(text);
	u64 total = 0, data = 0;
	u32 i;

	mm_usage(&total, &data);
	text_add(text, "Name:\t%s\nUmask:\t%04o\nState:\tR (running)\n",
		 task.name, self()->fs->umask);
	text_add(text,
		 "Tgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\n"
		 "TracerPid:\t0\n",
		 process.pid, task.tid, process_self->ppid);
	text_add(text, "Uid:\t%u\t%u\t%u\t%u\n", process.uid, process.euid,
		 process.suid, process.fsuid);
	text_add(text, "Gid:\t%u\t%u\t%u\t%u\nFDSize:\t64\nGroups:\t",
		 process.gid, process.egid, process.sgid, process.fsgid);
	for (i = 0; i < process.group_count; i++)
		text_add(text, "%u ", process.groups[i]);
	text_add(text,
		 "\nVmPeak:\t%8llu kB\nVmSize:\t%8llu kB\n"
		 "VmRSS:\t%8llu kB\nVmData:\t%8llu kB\nThreads:\t%u\n",
		 (unsigned long long)(total >> 10),
		 (unsigned long long)(total >> 10),
		 (unsigned long long)(data >> 10),
		 (unsigned long long)(data >> 10), task.threads);
	text_add(text, "SigPnd:\t%016llx\nShdPnd:\t%016llx\n",
		 (unsigned long long)task.pending,
		 (unsigned long long)task.shared);
	text_add(text, "SigBlk:\t%016llx\n", (unsigned long long)task.blocked);
	text_add(text, "NoNewPrivs:\t%u\n", process.no_new_privs);
}

static void text_limits(struct text *text)
{
	static const char *const names[LIMIT_COUNT] = {
		"Max cpu time",		 "Max file size",
		"Max data size",	 "Max stack size",
		"Max core file size",	 "Max resident set",
		"Max processes",	 "Max open files",
		"Max locked memory",	 "Max address space",
		"Max file locks",	 "Max pending signals",
		"Max msgqueue size",	 "Max nice priority",
		"Max realtime priority", "Max realtime timeout",
	};
	static const char *const units[LIMIT_COUNT] = {
		"seconds",   "bytes", "bytes", "bytes", "bytes", "bytes",
		"processes", "files", "bytes", "bytes", "locks", "signals",
		"bytes",     "",      "",      "us",
	};
	char value[2][24];
	unsigned int i, j;

	text_add(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
		 "Hard Limit", "Units");
	for (i = 0; i < LIMIT_COUNT; i++) {
		for (j = 0; j < 2; j++) {
			u64 limit = j ? process.limits[i].hard :
					process.limits[i].soft;

			if (limit == ~0ULL)
				strlcpy(value[j], "unlimited",
					sizeof(value[j]));
			else
				snprintf(value[j], sizeof(value[j]), "%llu",
					 (unsigned long long)limit);
		}
		text_add(text, "%-25s %-20s %-20s %-10s\n", names[i], value[0],
			 value[1], units[i]);
	}
}

static void text_cgroup(struct text *text)
{
	text_add(text, "0::/\n");
}

static void text_mounts(struct text *text)
{
	text_add(text, "pico / pico rw,relatime 0 0\n"
		       "proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n");
}

static void text_mountinfo(struct text *text)
{
	text_add(text, "1 1 0:1 / / rw,relatime - pico pico rw\n"
		       "2 1 0:20 / /proc rw,relatime - proc proc rw\n");
}

/* ---- the system ---- */

static void text_filesystems(struct text *text)
{
	text_add(text, "nodev\tproc\nnodev\tpico\n");
}

static void text_meminfo(struct text *text)
{
	u64 total = process.parameters->memory_total >> 10;
	u64 mapped = 0, data = 0, available;

	mm_usage(&mapped, &data);
	available = total > data >> 10 ? total - (data >> 10) : 0;
	text_add(text,
		 "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n"
		 "MemAvailable:   %8llu kB\n",
		 (unsigned long long)total, (unsigned long long)available,
		 (unsigned long long)available);
	text_add(text,
		 "Buffers:        %8u kB\nCached:         %8u kB\n"
		 "SwapCached:     %8u kB\n",
		 0, 0, 0);
	text_add(text,
		 "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n"
		 "Shmem:          %8u kB\nSReclaimable:   %8u kB\n",
		 0, 0, 0, 0);
}

static void cpu_words(u32 leaf, u32 *words)
{
	asm volatile("cpuid"
		     : "=a"(words[0]), "=b"(words[1]), "=c"(words[2]),
		       "=d"(words[3])
		     : "a"(leaf), "c"(0));
}

static void text_cpuinfo(struct text *text)
{
	u32 words[4], version, i, family, model;
	char vendor[13] = "", brand[49] = "";

	cpu_words(0, words);
	memcpy(vendor, &words[1], 4);
	memcpy(vendor + 4, &words[3], 4);
	memcpy(vendor + 8, &words[2], 4);
	cpu_words(1, words);
	version = words[0];
	family = (version >> 8) & 15;
	model = (version >> 4) & 15;
	if (family >= 6)
		model |= (version >> 12) & 0xf0;
	if (family == 15)
		family += (version >> 20) & 0xff;
	cpu_words(0x80000000, words);
	if (words[0] >= 0x80000004)
		for (i = 0; i < 3; i++) {
			cpu_words(0x80000002 + i, words);
			memcpy(brand + 16 * i, words, 16);
		}
	for (i = 0; i < MAX(process.parameters->cpu_count, 1U); i++)
		text_add(text,
			 "processor\t: %u\nvendor_id\t: %s\n"
			 "cpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n"
			 "stepping\t: %u\ncpu cores\t: %u\n\n",
			 i, vendor, family, model, brand, version & 15,
			 MAX(process.parameters->cpu_count, 1U));
}

static void text_uptime(struct text *text)
{
	s64 now = clock_now(DK_CLOCK_BOOT) / 10000000;

	text_add(text, "%lld.%02lld 0.00\n", (long long)(now / 100),
		 (long long)(now % 100));
}

static void text_loadavg(struct text *text)
{
	text_add(text, "0.00 0.00 0.00 1/1 %u\n", process.pid);
}

static void text_version(struct text *text)
{
	text_add(text, "Linux version %s %s\n",
		 (const char *)process.parameters->system_release,
		 (const char *)process.parameters->system_version);
}

static void text_system_stat(struct text *text)
{
	s64 boot = clock_now(DK_CLOCK_WALL) - clock_now(DK_CLOCK_BOOT);
	u64 used = ticks(clock_now(DK_CLOCK_PROCESS_CPU));
	u32 i;

	text_add(text, "cpu  %llu 0 0 0 0 0 0 0 0 0\n",
		 (unsigned long long)used);
	for (i = 0; i < MAX(process.parameters->cpu_count, 1U); i++)
		text_add(text, "cpu%u %llu 0 0 0 0 0 0 0 0 0\n", i,
			 i ? 0ULL : (unsigned long long)used);
	text_add(text,
		 "intr 0\nctxt 0\nbtime %lld\nprocesses 1\n"
		 "procs_running 1\nprocs_blocked 0\n",
		 (long long)(boot / NSEC_PER_SEC));
}

static void text_ostype(struct text *text)
{
	text_add(text, "Linux\n");
}

static void text_osrelease(struct text *text)
{
	text_add(text, "%s\n",
		 (const char *)process.parameters->system_release);
}

static void text_hostname(struct text *text)
{
	text_add(text, "%s\n", (const char *)process.parameters->host_name);
}

static void text_pid_max(struct text *text)
{
	text_add(text, "4194304\n");
}

static void text_overcommit(struct text *text)
{
	text_add(text, "0\n");
}

#define DIRECTORY(path)                                      \
	{                                                    \
		path, DK_TYPE_DIRECTORY, 0555, NULL, NULL, 0 \
	}
#define TEXT(path, mode, content)                          \
	{                                                  \
		path, DK_TYPE_FILE, mode, content, NULL, 0 \
	}
#define LINK(path, target)                                   \
	{                                                    \
		path, DK_TYPE_SYMLINK, 0777, NULL, target, 0 \
	}

#define OF_PROCESS(at)                                                      \
	DIRECTORY(at "/fd"),                                                \
		{ at "/fd/*", DK_TYPE_SYMLINK, 0700, NULL, link_fd, true }, \
		LINK(at "/exe", link_exe), LINK(at "/cwd", link_cwd),       \
		LINK(at "/root", link_root),                                \
		TEXT(at "/auxv", 0400, text_auxv),                          \
		TEXT(at "/cgroup", 0444, text_cgroup),                      \
		TEXT(at "/cmdline", 0444, text_cmdline),                    \
		TEXT(at "/comm", 0644, text_comm),                          \
		TEXT(at "/environ", 0400, text_environ),                    \
		TEXT(at "/limits", 0444, text_limits),                      \
		TEXT(at "/maps", 0444, text_maps),                          \
		TEXT(at "/mountinfo", 0444, text_mountinfo),                \
		TEXT(at "/mounts", 0444, text_mounts),                      \
		TEXT(at "/stat", 0444, text_stat),                          \
		TEXT(at "/statm", 0444, text_statm),                        \
		TEXT(at "/status", 0444, text_status)

const struct synth_node synth_tree[] = {
	DIRECTORY("/proc"),
	DIRECTORY("/proc/*"),
	OF_PROCESS("/proc/*"),
	DIRECTORY("/proc/*/task"),
	DIRECTORY("/proc/*/task/*"),
	TEXT("/proc/*/task/*/comm", 0644, text_comm),
	TEXT("/proc/*/task/*/stat", 0444, text_stat),
	TEXT("/proc/*/task/*/status", 0444, text_status),
	LINK("/proc/self", link_self),
	LINK("/proc/thread-self", link_thread_self),
	LINK("/proc/mounts", link_mounts),
	TEXT("/proc/cpuinfo", 0444, text_cpuinfo),
	TEXT("/proc/filesystems", 0444, text_filesystems),
	TEXT("/proc/loadavg", 0444, text_loadavg),
	TEXT("/proc/meminfo", 0444, text_meminfo),
	TEXT("/proc/stat", 0444, text_system_stat),
	TEXT("/proc/uptime", 0444, text_uptime),
	TEXT("/proc/version", 0444, text_version),
	DIRECTORY("/proc/sys"),
	DIRECTORY("/proc/sys/kernel"),
	TEXT("/proc/sys/kernel/hostname", 0444, text_hostname),
	TEXT("/proc/sys/kernel/osrelease", 0444, text_osrelease),
	TEXT("/proc/sys/kernel/ostype", 0444, text_ostype),
	TEXT("/proc/sys/kernel/pid_max", 0444, text_pid_max),
	DIRECTORY("/proc/sys/vm"),
	TEXT("/proc/sys/vm/overcommit_memory", 0444, text_overcommit),
	/* Only where the host refuses its own, see path_reroute(). */
	DIRECTORY("/sys"),
	LINK("/dev/fd", link_dev_fd),
	LINK("/dev/stdin", link_stdin),
	LINK("/dev/stdout", link_stdout),
	LINK("/dev/stderr", link_stderr),
	{ "/dev/tty", DK_TYPE_CHARACTER, 0666, NULL, NULL, false },
	{ NULL, 0, 0, NULL, NULL, false },
};
