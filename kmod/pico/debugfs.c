// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/pico: providers, threads and the counts of both, for
 * people. Everything here is a snapshot.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "internal.h"

static struct dentry *pico_debugfs;

static int providers_show(struct seq_file *file, void *unused)
{
	pico_providers_show(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(providers);

static int threads_show(struct seq_file *file, void *unused)
{
	pico_threads_show(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(threads);

static int processes_show(struct seq_file *file, void *unused)
{
	pico_processes_show(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(processes);

/* Without debugfs there is nothing to show, and that is no error. */
void pico_debugfs_init(void)
{
	pico_debugfs = debugfs_create_dir("pico", NULL);
	debugfs_create_file("providers", 0400, pico_debugfs, NULL,
			    &providers_fops);
	debugfs_create_file("processes", 0400, pico_debugfs, NULL,
			    &processes_fops);
	debugfs_create_file("threads", 0400, pico_debugfs, NULL,
			    &threads_fops);
	debugfs_create_atomic_t("process_count", 0400, pico_debugfs,
				&pico_process_count);
	debugfs_create_atomic_t("thread_count", 0400, pico_debugfs,
				&pico_thread_count);
}

void pico_debugfs_exit(void)
{
	debugfs_remove_recursive(pico_debugfs);
}
