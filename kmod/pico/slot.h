/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a task is in pico_slots[]: the arithmetic, for C and for assembly.
 *
 * The address of its task_struct times an odd number, of which the bits above
 * 2^32 depend on all of the address that differs. They are taken in such a way
 * that they are the slot's offset already. The factor fits an instruction.
 */
#ifndef _PICO_SLOT_H
#define _PICO_SLOT_H

#define PICO_SLOT_BITS		10
#define PICO_SLOT_SIZE_BITS	4	/* of sizeof(struct pico_slot) */
#define PICO_SLOT_MULTIPLIER	-0x61c8864f	/* the golden ratio's */
#define PICO_SLOT_SHIFT		(32 - PICO_SLOT_SIZE_BITS)
#define PICO_SLOT_MASK		\
	(((1 << PICO_SLOT_BITS) - 1) << PICO_SLOT_SIZE_BITS)

#endif /* _PICO_SLOT_H */
