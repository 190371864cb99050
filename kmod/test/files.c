// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that .exit_process() lets go of, each of which holds the next: they
 * are to be closed when .process_gone() comes.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>

#include "internal.h"

#define PT_FILES	4

/* What a file holds. */
struct pt_link {
	struct pt_process *process;
	struct file *next;
};

static int pt_link_release(struct inode *inode, struct file *file)
{
	struct pt_link *link = file->private_data;

	if (link->next)
		fput(link->next);
	atomic_dec(&link->process->open_files);
	kfree(link);
	return 0;
}

static const struct file_operations pt_link_fops = {
	.owner = THIS_MODULE,
	.release = pt_link_release,
};

/* Where memory lacks, there are fewer. */
void pt_files_let_go(struct pt_process *process)
{
	struct file *file, *next = NULL;
	struct pt_link *link;
	int i;

	for (i = 0; i < PT_FILES; i++) {
		link = kzalloc(sizeof(*link), GFP_KERNEL);
		if (!link)
			break;
		link->process = process;
		link->next = next;
		file = anon_inode_getfile("[pico_test]", &pt_link_fops, link,
					  O_RDONLY);
		if (IS_ERR(file)) {
			kfree(link);
			break;
		}
		atomic_inc(&process->open_files);
		next = file;
	}
	if (next)
		fput(next);
}
