/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The address space.
 *
 *	0 ...			fixed-address programs, PIEs and their heap
 *	... layout.limit	stacks and mappings, where the host puts them,
 *				and among them the libos's image and heap
 *
 * All memory that the libos needs is in its image or in its heap, one range
 * of addresses that is reserved at the start and used bit by bit. A program
 * may not name either, so two comparisons tell its pointers from the libos's.
 */
#ifndef LIBOS_LAYOUT_H
#define LIBOS_LAYOUT_H

#include <libos.h>

struct range {
	u64 start;
	u64 end;
};

struct layout {
	u64 limit;		/* first address that cannot be mapped */
	struct range image;
	struct range heap;
};

extern struct layout layout;

/* Reserves the heap. Before anything else is allocated. */
void heap_init(void);

/*
 * heap_share() - memory that this process shares with all that are made from it
 *
 * Zeroed, at the end of the heap's range, so that it is the libos's own; once,
 * before there is a second thread. NULL: there is none.
 */
void *heap_share(size_t size);

#endif /* LIBOS_LAYOUT_H */
