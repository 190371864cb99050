// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The files of /proc that are about the system.
 */
#include "fs.h"
#include "proc.h"
#include "processes.h"

void text_filesystems(struct text *text)
{
	text_add(text, "nodev\tproc\nnodev\ttmpfs\nnodev\tpipefs\n"
		       "nodev\tsockfs\nnodev\tpico\n");
}

void text_meminfo(struct text *text)
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

void text_cpuinfo(struct text *text)
{
	u32 words[4], version, i, family, model;
	u32 cpus = MAX(process.parameters->cpu_count, 1U);
	struct text flags = { .room = 2048 };
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
	flags.data = mem_zalloc(flags.room);
	if (flags.data)
		cpu_flags(&flags);
	for (i = 0; i < cpus; i++)
		text_add(text,
			 "processor\t: %u\nvendor_id\t: %s\n"
			 "cpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n"
			 "stepping\t: %u\nphysical id\t: 0\nsiblings\t: %u\n"
			 "core id\t\t: %u\ncpu cores\t: %u\n%s\n",
			 i, vendor, family, model, brand, version & 15, cpus, i,
			 cpus, flags.data ? flags.data : "");
	mem_free(flags.data);
}

/*
 * Processors do nothing while this process does not run: what others do, the
 * host does not tell. Its time is spread over all, as it may be on any.
 */
struct busy {
	u64 up, used; /* ticks; used: of all processors together */
	u32 cpus;
};

static struct busy busy_now(void)
{
	struct busy b = { .cpus = MAX(process.parameters->cpu_count, 1U) };

	b.used = ticks(clock_now(DK_CLOCK_PROCESS_CPU));
	b.up = ticks(clock_now(DK_CLOCK_BOOT));
	return b;
}

static u64 used_of(const struct busy *b, u32 cpu)
{
	return b->used / b->cpus + (cpu < b->used % b->cpus);
}

static u64 idle_of(const struct busy *b, u32 cpu)
{
	u64 used = used_of(b, cpu);

	return b->up > used ? b->up - used : 0;
}

static u64 idle_sum(const struct busy *b)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < b->cpus; i++)
		sum += idle_of(b, i);
	return sum;
}

void text_uptime(struct text *text)
{
	struct busy b = busy_now();
	u64 idle = idle_sum(&b);

	text_add(text, "%llu.%02llu %llu.%02llu\n",
		 (unsigned long long)b.up / 100, (unsigned long long)b.up % 100,
		 (unsigned long long)idle / 100,
		 (unsigned long long)idle % 100);
}

void text_loadavg(struct text *text)
{
	struct process_entry *entry;
	u32 count = 0, last;

	for_each_entry(entry)
		count += entry_state(entry) == ENTRY_LIVE;
	last = __atomic_load_n(&process_table->last_pid, __ATOMIC_RELAXED);
	text_add(text, "0.00 0.00 0.00 1/%u %u\n", MAX(count, 1U),
		 last % PID_LIMIT);
}

void text_version(struct text *text)
{
	text_add(text, "Linux version %s %s\n",
		 (const char *)process.parameters->system_release,
		 (const char *)process.parameters->system_version);
}

void text_system_stat(struct text *text)
{
	s64 boot = clock_now(DK_CLOCK_WALL) - clock_now(DK_CLOCK_BOOT);
	struct busy b = busy_now();
	u32 i;

	text_add(text, "cpu  %llu 0 0 %llu 0 0 0 0 0 0\n",
		 (unsigned long long)b.used, (unsigned long long)idle_sum(&b));
	for (i = 0; i < b.cpus; i++)
		text_add(text, "cpu%u %llu 0 0 %llu 0 0 0 0 0 0\n", i,
			 (unsigned long long)used_of(&b, i),
			 (unsigned long long)idle_of(&b, i));
	text_add(text,
		 "intr 0\nctxt 0\nbtime %lld\nprocesses 1\n"
		 "procs_running 1\nprocs_blocked 0\n",
		 (long long)(boot / NSEC_PER_SEC));
}

void text_ostype(struct text *text)
{
	text_add(text, "Linux\n");
}

void text_osrelease(struct text *text)
{
	text_add(text, "%s\n",
		 (const char *)process.parameters->system_release);
}

void text_hostname(struct text *text)
{
	text_add(text, "%s\n", (const char *)process.parameters->host_name);
}

void text_kernel_version(struct text *text)
{
	text_add(text, "%s\n",
		 (const char *)process.parameters->system_version);
}

void text_no_name(struct text *text)
{
	text_add(text, "(none)\n");
}

/* One for each start of the host, as the sandbox's first process saw it. */
void text_boot_id(struct text *text)
{
	u64 id = process_table->boot_id;

	text_add(text, "%08x-%04x-4%03x-8%03x-%012llx\n", (u32)(id >> 32),
		 (u32)(id >> 16) & 0xffff, (u32)(id >> 4) & 0xfff,
		 (u32)id & 0xfff, (unsigned long long)(id * id) >> 16);
}

void text_uuid(struct text *text)
{
	u64 id[2] = { 0 };

	DkRandomBitsRead(id, sizeof(id));
	text_add(text, "%08x-%04x-4%03x-8%03x-%012llx\n", (u32)(id[0] >> 32),
		 (u32)(id[0] >> 16) & 0xffff, (u32)id[0] & 0xfff,
		 (u32)(id[1] >> 48) & 0xfff,
		 (unsigned long long)id[1] & 0xffffffffffffULL);
}

/* ---- settings that are one number ---- */

#define NUMBER(name, value)                      \
	void text_##name(struct text *text)      \
	{                                        \
		text_add(text, "%llu\n", value); \
	}

NUMBER(pid_max, 4194304ULL)
NUMBER(threads_max, 32768ULL)
NUMBER(cap_last_cap, 40ULL)
NUMBER(ngroups_max, 65536ULL)
NUMBER(overflow_id, 65534ULL)
NUMBER(randomize, 2ULL)
NUMBER(off, 0ULL)
NUMBER(on, 1ULL)
NUMBER(file_max, 9223372036854775807ULL)
NUMBER(nr_open, 1048576ULL)
NUMBER(pipe_max, 1048576ULL)
NUMBER(max_map_count, 65530ULL)
NUMBER(mmap_min, 65536ULL)
NUMBER(somaxconn, 4096ULL)
