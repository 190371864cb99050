// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The files of /proc/PID: of this process, and what little is known of another
 * one of the sandbox.
 */
#include "fs.h"
#include "proc.h"
#include "processes.h"
#include "pty.h"

#include <linux/resource.h>
#include <linux/sched.h>
#include <signals.h>
#include <thread.h>

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

/*
 * Of another process there is only what its entry in the table says. Its
 * numbers are none of our threads'.
 */
static struct process_entry *other(const struct text *text)
{
	struct libos_thread *t;

	if (text->id == process.pid)
		return NULL;
	t = thread_find(text->id);
	if (t) {
		thread_put(t);
		return NULL;
	}
	return table_find(text->id);
}

void text_cmdline(struct text *text)
{
	struct process_entry *entry = other(text);
	u32 length;

	if (!entry) {
		add_memory(text, process.arg_start, process.arg_end);
		return;
	}
	length = MIN(entry->arguments_length, sizeof(entry->arguments));
	if (entry_state(entry) == ENTRY_LIVE && length <= text->room) {
		memcpy(text->data, entry->arguments, length);
		text->length = length;
	}
}

void text_environ(struct text *text)
{
	add_memory(text, process.env_start, process.env_end);
}

void text_auxv(struct text *text)
{
	add_memory(text, process.auxv_start,
		   process.auxv_start + process.auxv_size);
}

/* stat shows the first 31 signals only. */
#define OLD_SIGNALS 0x7fffffffULL

/* Signals that are ignored, or those that have a handler. */
static sigset dispositions(bool ignored)
{
	sigset set = 0;
	int i;

	for (i = 1; i <= SIGNAL_COUNT; i++) {
		u64 handler = signal_actions[i].handler;

		if (ignored ? handler == HANDLER_IGNORE :
			      handler > HANDLER_IGNORE)
			set |= SIGNAL_BIT(i);
	}
	return set;
}

struct task {
	u32 tid;
	u32 threads;
	char state;
	char name[16];
	sigset pending, shared, blocked;
	struct usage usage;
};

/* One that is in no wait of the host's runs, or could; the reader does. */
static char state_of_thread(const struct libos_thread *t)
{
	return t != self() && __atomic_load_n(&t->waits, __ATOMIC_RELAXED) ?
		       'S' :
		       'R';
}

static const char *state_name(char state)
{
	return state == 'Z' ? "zombie" :
	       state == 'T' ? "stopped" :
	       state == 'S' ? "sleeping" :
			      "running";
}

/*
 * The thread that the name is about; of a process the first. That one may have
 * ended, or be another process's while it is lent to one of vfork().
 */
static struct task task_of(const struct text *text)
{
	struct libos_thread *t = thread_find(text->id);
	struct task task = { .tid = text->id };

	task.state = t ? state_of_thread(t) : self()->vfork ? 'R' : 'Z';
	if (!t)
		t = thread_get(self());
	lock_acquire(&thread_lock);
	memcpy(task.name, t->name, sizeof(task.name));
	task.threads = thread_count;
	lock_release(&thread_lock);
	task.pending = t->queue.set;
	task.shared = process_signals.set;
	task.blocked = t->blocked;
	usage_of_thread(t, &task.usage);
	thread_put(t);
	return task;
}

void text_comm(struct text *text)
{
	struct process_entry *entry = other(text);
	struct task task;

	if (!entry) {
		task = task_of(text);
		text_add(text, "%s\n", task.name);
	} else {
		text_add(text, "%.15s\n", entry->name);
	}
}

/* Of the process's own threads, as Linux has it; a line's end is kept. */
s64 store_comm(const char *from, size_t length, u32 id)
{
	struct libos_thread *t = thread_find(id);

	if (!t && id == process.pid)
		t = thread_get(self());
	if (!t)
		return -EINVAL;
	lock_acquire(&thread_lock);
	strlcpy(t->name, from, sizeof(t->name));
	if (id == process.pid)
		memcpy(process_self->name, t->name, sizeof(t->name));
	lock_release(&thread_lock);
	thread_put(t);
	return length;
}

#define OOM_SCORE_ADJ_MAX 1000

void text_oom_score_adj(struct text *text)
{
	text_add(text, "%d\n", process.oom_score_adj);
}

/*
 * Remembered: the host chooses whom it kills by itself. Less than before is a
 * privilege.
 */
s64 store_oom_score_adj(const char *from, size_t length, u32 id __unused)
{
	bool negative, good;
	s32 value = 0;

	while (*from == ' ' || *from == '\t' || *from == '\n')
		from++;
	negative = *from == '-';
	from += *from == '-' || *from == '+';
	good = *from >= '0' && *from <= '9';
	for (; *from >= '0' && *from <= '9'; from++)
		value = MIN(value * 10 + (*from - '0'), 100000);
	while (*from == ' ' || *from == '\t' || *from == '\n')
		from++;
	if (!good || *from || value > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	value = negative ? -value : value;
	if (value < process.oom_score_adj)
		return -EACCES;
	process.oom_score_adj = value;
	return length;
}

void text_maps(struct text *text)
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

static char state_of(const struct process_entry *entry)
{
	return entry_state(entry) == ENTRY_ENDED ? 'Z' :
	       entry->stop_signal		 ? 'T' :
						   'S';
}

/* Faults and times, of each the children's, too. */
static void stat_usage(struct text *text, const struct usage *u,
		       const struct usage *childrens)
{
	text_add(text, "%llu %llu %llu %llu ",
		 (unsigned long long)u->minor_faults,
		 (unsigned long long)childrens->minor_faults,
		 (unsigned long long)u->major_faults,
		 (unsigned long long)childrens->major_faults);
	text_add(text, "%llu %llu %llu %llu ",
		 (unsigned long long)ticks(u->user_time),
		 (unsigned long long)ticks(u->system_time),
		 (unsigned long long)ticks(childrens->user_time),
		 (unsigned long long)ticks(childrens->system_time));
}

/* The controlling terminal, as old programs have its number, and its group. */
static void stat_terminal(struct text *text, const struct process_entry *entry)
{
	const struct terminal *t = terminal_of(entry);
	u64 device = !t				  ? 0 :
		     t == &process_table->console ? console_device() :
						    pty_device(t);
	u32 minor = device;

	text_add(text, "%u %d ",
		 (minor & 0xff) | (u32)(device >> 32) << 8 |
			 (minor & ~0xffU) << 12,
		 device ? (int)terminal_group(t) : -1);
}

static u32 policy_of(const struct process_entry *entry)
{
	return __atomic_load_n(&entry->policy, __ATOMIC_RELAXED) &
	       ~SCHED_RESET_ON_FORK;
}

static void stat_of_other(struct text *text, const struct process_entry *entry)
{
	struct usage usage;

	usage_of_other(entry, &usage);
	text_add(text, "%u (%.15s) %c %u %u %u ", entry->pid, entry->name,
		 state_of(entry), entry->ppid, entry->pgid, entry->sid);
	stat_terminal(text, entry);
	text_add(text, "4194304 ");
	stat_usage(text, &usage, &entry->childrens);
	text_add(text, "%d %d 1 0 %llu 0 %llu 18446744073709551615 ",
		 20 + entry->nice, entry->nice,
		 (unsigned long long)ticks(entry->start_time),
		 (unsigned long long)usage.resident / (PAGE_SIZE / 1024));
	text_add(text, "0 0 0 0 0 0 0 0 0 0 0 0 %u ", entry->exit_signal);
	text_add(text, "0 0 %u 0 0 0 0 0 0 0 0 0 0 %u\n", policy_of(entry),
		 entry->status);
}

void text_stat(struct text *text)
{
	struct process_entry *entry = other(text);
	struct usage usage, childrens;
	struct task task;
	u64 total = 0, data = 0;

	if (entry) {
		stat_of_other(text, entry);
		return;
	}
	task = task_of(text);
	mm_usage(&total, &data);
	usage = task.usage;
	if (!text->of_thread)
		usage_of_process(&usage);
	children_usage(&childrens);
	text_add(text, "%u (%s) %c %u %u %u ", task.tid, task.name, task.state,
		 process_self->ppid, process_group(), process_session());
	stat_terminal(text, process_self);
	text_add(text, "4194304 ");
	stat_usage(text, &usage, &childrens);
	text_add(text, "%d %d %u 0 %llu %llu %llu 18446744073709551615 ",
		 20 + process_self->nice, process_self->nice, task.threads,
		 (unsigned long long)ticks(process.start_time),
		 (unsigned long long)total,
		 (unsigned long long)usage.resident / (PAGE_SIZE / 1024));
	text_add(text, "%llu %llu %llu 0 0 %llu %llu %llu %llu 0 0 0 %u ",
		 (unsigned long long)process.code_start,
		 (unsigned long long)process.code_end,
		 (unsigned long long)process.stack_start,
		 (unsigned long long)(task.pending & OLD_SIGNALS),
		 (unsigned long long)(task.blocked & OLD_SIGNALS),
		 (unsigned long long)(dispositions(true) & OLD_SIGNALS),
		 (unsigned long long)(dispositions(false) & OLD_SIGNALS),
		 process_self->exit_signal);
	text_add(text, "0 0 %u 0 0 0 %llu %llu %llu %llu %llu %llu %llu 0\n",
		 policy_of(process_self),
		 (unsigned long long)process.data_start,
		 (unsigned long long)process.data_end,
		 (unsigned long long)process.brk_start,
		 (unsigned long long)process.arg_start,
		 (unsigned long long)process.arg_end,
		 (unsigned long long)process.env_start,
		 (unsigned long long)process.env_end);
}

void text_statm(struct text *text)
{
	struct usage usage;
	u64 total = 0, data = 0;

	if (other(text)) {
		text_add(text, "0 0 0 0 0 0 0\n");
		return;
	}
	mm_usage(&total, &data);
	usage_of_process(&usage);
	text_add(text, "%llu %llu 0 %llu 0 %llu 0\n",
		 (unsigned long long)(total / PAGE_SIZE),
		 (unsigned long long)usage.resident / (PAGE_SIZE / 1024),
		 (unsigned long long)((process.code_end - process.code_start) /
				      PAGE_SIZE),
		 (unsigned long long)(data / PAGE_SIZE));
}

static void status_ids(struct text *text, const struct process_entry *entry,
		       u32 tid)
{
	text_add(text,
		 "Tgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\n"
		 "TracerPid:\t0\n",
		 entry->pid, tid, entry->ppid);
}

static void status_of_other(struct text *text,
			    const struct process_entry *entry)
{
	char state = state_of(entry);

	text_add(text, "Name:\t%.15s\nState:\t%c (%s)\n", entry->name, state,
		 state_name(state));
	status_ids(text, entry, entry->pid);
	/* What is saved, and that of files, are almost always the effective. */
	text_add(text, "Uid:\t%u\t%u\t%u\t%u\n", entry->uid, entry->euid,
		 entry->euid, entry->euid);
	text_add(text, "Gid:\t%u\t%u\t%u\t%u\n", entry->gid, entry->egid,
		 entry->egid, entry->egid);
	text_add(text,
		 "NStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n"
		 "Threads:\t1\n",
		 entry->pid, entry->pid, entry->pgid, entry->sid);
}

static void status_memory(struct text *text)
{
	static const char *const no[] = { "VmLck", "VmPin" };
	u64 total = 0, data = 0;
	struct usage usage;
	size_t i;

	mm_usage(&total, &data);
	usage_of_process(&usage);
	text_add(text, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\n",
		 (unsigned long long)(total >> 10),
		 (unsigned long long)(total >> 10));
	for (i = 0; i < ARRAY_SIZE(no); i++)
		text_add(text, "%s:\t%8u kB\n", no[i], 0);
	text_add(text,
		 "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\nRssAnon:\t%8llu kB\n"
		 "RssFile:\t%8u kB\nRssShmem:\t%8u kB\nVmData:\t%8llu kB\n",
		 (unsigned long long)usage.max_resident,
		 (unsigned long long)usage.resident,
		 (unsigned long long)usage.resident, 0, 0,
		 (unsigned long long)(data >> 10));
	text_add(text,
		 "VmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8u kB\n"
		 "VmPTE:\t%8u kB\nVmSwap:\t%8u kB\n",
		 (unsigned long long)((process.stack_end -
				       process.stack_start) >>
				      10),
		 (unsigned long long)((process.code_end - process.code_start) >>
				      10),
		 0, 0, 0);
}

static void status_signals(struct text *text, const struct task *task)
{
	text_add(text, "SigQ:\t0/%llu\n",
		 (unsigned long long)process.limits[RLIMIT_SIGPENDING].soft);
	text_add(text, "SigPnd:\t%016llx\nShdPnd:\t%016llx\n",
		 (unsigned long long)task->pending,
		 (unsigned long long)task->shared);
	text_add(text, "SigBlk:\t%016llx\nSigIgn:\t%016llx\n",
		 (unsigned long long)task->blocked,
		 (unsigned long long)dispositions(true));
	text_add(text, "SigCgt:\t%016llx\n",
		 (unsigned long long)dispositions(false));
}

void text_status(struct text *text)
{
	static const char *const capabilities[] = { "CapInh", "CapPrm",
						    "CapEff", "CapBnd",
						    "CapAmb" };
	struct process_entry *entry = other(text);
	u32 i, cpus = MAX(process.parameters->cpu_count, 1U);
	struct task task;

	if (entry) {
		status_of_other(text, entry);
		return;
	}
	task = task_of(text);
	text_add(text, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\n", task.name,
		 self()->fs->umask, task.state, state_name(task.state));
	status_ids(text, process_self, task.tid);
	text_add(text, "Uid:\t%u\t%u\t%u\t%u\n", process.uid, process.euid,
		 process.suid, process.fsuid);
	text_add(text, "Gid:\t%u\t%u\t%u\t%u\nFDSize:\t64\nGroups:\t",
		 process.gid, process.egid, process.sgid, process.fsgid);
	for (i = 0; i < process.group_count; i++)
		text_add(text, "%u ", process.groups[i]);
	text_add(text, "\nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n",
		 process.pid, task.tid, process_group(), process_session());
	status_memory(text);
	text_add(text, "CoreDumping:\t0\nThreads:\t%u\n", task.threads);
	status_signals(text, &task);
	for (i = 0; i < ARRAY_SIZE(capabilities); i++)
		text_add(text, "%s:\t%016u\n", capabilities[i], 0);
	text_add(text, "NoNewPrivs:\t%u\nSeccomp:\t0\nSeccomp_filters:\t0\n",
		 process.no_new_privs);
	text_add(text,
		 "Cpus_allowed:\t%llx\nCpus_allowed_list:\t0%s%.*u\n"
		 "Mems_allowed:\t1\nMems_allowed_list:\t0\n",
		 cpus < 64 ? (1ULL << cpus) - 1 : ~0ULL, cpus > 1 ? "-" : "",
		 cpus > 1 ? 1 : 0, cpus - 1);
	text_add(text,
		 "voluntary_ctxt_switches:\t%llu\n"
		 "nonvoluntary_ctxt_switches:\t%llu\n",
		 (unsigned long long)task.usage.voluntary_switches,
		 (unsigned long long)task.usage.involuntary_switches);
}

void text_limits(struct text *text)
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

void text_cgroup(struct text *text)
{
	text_add(text, "0::/\n");
}

void text_mounts(struct text *text)
{
	text_add(text, "pico / pico rw,relatime 0 0\n"
		       "proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n");
}

void text_mountinfo(struct text *text)
{
	text_add(text, "1 1 0:1 / / rw,relatime - pico pico rw\n"
		       "2 1 0:20 / /proc rw,relatime - proc proc rw\n");
}

static void add_number(struct text *text, long number)
{
	text_add(text, "%ld\n", number);
}

void text_zero(struct text *text)
{
	add_number(text, 0);
}

void text_loginuid(struct text *text)
{
	add_number(text, 0xffffffff);
}

void text_personality(struct text *text)
{
	text_add(text, "%08x\n", process.personality);
}

void text_id_map(struct text *text)
{
	text_add(text, "%10u %10u %10u\n", 0, 0, 0xffffffff);
}

void text_setgroups(struct text *text)
{
	text_add(text, "allow\n");
}

void text_io(struct text *text)
{
	text_add(text, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\n"
		       "read_bytes: 0\nwrite_bytes: 0\n"
		       "cancelled_write_bytes: 0\n");
}

/* Of a descriptor of this process. */
void text_fdinfo(struct text *text)
{
	struct file *file = fd_get(text->id);
	s64 position;

	if (!file)
		return;
	position = file_seek(file, 0, SEEK_CUR);
	text_add(text, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t1\n",
		 (long long)MAX(position, 0),
		 __atomic_load_n(&file->flags, __ATOMIC_RELAXED) |
			 (fd_close_on_exec(text->id, -1) > 0 ? O_CLOEXEC : 0));
	if (file->kind == FILE_PID)
		pidfd_describe(file, text);
	file_put(file);
}
