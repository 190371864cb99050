/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What names have come to mean since: see fs/moves.c. In memory that all
 * processes of the sandbox share.
 */
#ifndef LIBOS_MOVES_H
#define LIBOS_MOVES_H

#include <libos.h>

#define MOVES_KEPT	32U
#define MOVE_TEXT	1008U

/*
 * struct move - a directory was renamed
 * @number: of the move, from 1 on; 0: being written, or too long
 * @at:     what moves.count was with it
 * @text:   the old name, zero, the new one, zero; both are without links
 */
struct move {
	u32 number;
	u32 at;
	u32 exchange; /* and the other way round */
	u32 reserved;
	char text[MOVE_TEXT];
};

/*
 * struct moves
 * @count:   how often a name may have begun to lead to another directory
 * @claimed: how many of these are moves that were to be written down
 */
struct moves {
	u32 count;
	u32 claimed;
	struct move kept[MOVES_KEPT];
};

#endif /* LIBOS_MOVES_H */
