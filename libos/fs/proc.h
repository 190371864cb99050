/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The texts of /proc: each writes the whole file at the moment it is opened.
 */
#ifndef _LIBOS_FS_PROC_H
#define _LIBOS_FS_PROC_H

struct text;

/* Clock ticks: 100 a second, as user space sees them. */
static inline u64 ticks(s64 nanoseconds)
{
	return nanoseconds / 10000000;
}

/* proc_process.c: text->id is the process, the thread or the descriptor */
void text_cmdline(struct text *text);
void text_environ(struct text *text);
void text_auxv(struct text *text);
void text_comm(struct text *text);
s64 store_comm(const char *from, size_t length, u32 id);
void text_oom_score_adj(struct text *text);
s64 store_oom_score_adj(const char *from, size_t length, u32 id);
void text_maps(struct text *text);
void text_stat(struct text *text);
void text_statm(struct text *text);
void text_status(struct text *text);
void text_limits(struct text *text);
void text_cgroup(struct text *text);
void text_mounts(struct text *text);
void text_mountinfo(struct text *text);
void text_zero(struct text *text);
void text_loginuid(struct text *text);
void text_personality(struct text *text);
void text_id_map(struct text *text);
void text_setgroups(struct text *text);
void text_io(struct text *text);
void text_fdinfo(struct text *text);

/* proc_system.c */
void text_filesystems(struct text *text);
void text_meminfo(struct text *text);
void text_cpuinfo(struct text *text);
void text_uptime(struct text *text);
void text_loadavg(struct text *text);
void text_version(struct text *text);
void text_system_stat(struct text *text);
void text_ostype(struct text *text);
void text_osrelease(struct text *text);
void text_hostname(struct text *text);
void text_kernel_version(struct text *text);
void text_no_name(struct text *text);
void text_boot_id(struct text *text);
void text_uuid(struct text *text);
void text_pid_max(struct text *text);
void text_threads_max(struct text *text);
void text_cap_last_cap(struct text *text);
void text_ngroups_max(struct text *text);
void text_overflow_id(struct text *text);
void text_randomize(struct text *text);
void text_off(struct text *text);
void text_on(struct text *text);
void text_file_max(struct text *text);
void text_nr_open(struct text *text);
void text_pipe_max(struct text *text);
void text_max_map_count(struct text *text);
void text_mmap_min(struct text *text);
void text_somaxconn(struct text *text);

/* interfaces.c */
void text_if_inet6(struct text *text);

/* cpuinfo.c */
void cpu_flags(struct text *text);

void cpu_words(u32 leaf, u32 *words);

#endif /* _LIBOS_FS_PROC_H */
