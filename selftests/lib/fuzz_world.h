/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is around the fuzzer's sandboxes: files that they may write and files
 * that they may not, and a process beside.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdbool.h>
#include <sys/types.h>
#include <linux/types.h>

#define WORLD_FOLDER "/dev/shm/pico-fuzz"
#define WORLD_CANARY "/dev/shm/pico-fuzz-canary"

/**
 * struct world - the files of one sandbox
 * @folder: what they are all in
 * @sum:    of what must not change in it, as it was at first
 */
struct world {
	char folder[64];
	__u64 sum;
};

/* What cannot be made ends the program. */
void world_make(struct world *world, int number);
/* A file that must not have changed has; which one is printed. */
bool world_changed(const struct world *world);
/* False when something is left. */
bool world_remove(struct world *world);

void world_put_file(const char *folder, const char *name, const char *text,
		    mode_t mode);
/* "@folder/@name" in a static buffer, four deep. */
const char *world_path(const char *folder, const char *name);
/*
 * A sum of contents and attributes of all that must not change below @path;
 * with @again, what differs from last time is printed.
 */
__u64 world_sum(const char *path, bool again);

/*
 * A process whose memory, files and signals stay as they are; it ends with 0
 * when they did, after canary_end(), which is false when it did not end.
 */
pid_t canary_start(int *go);
bool canary_end(pid_t pid, int go, int *status);

#endif /* FUZZ_WORLD_H */
