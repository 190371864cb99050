/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The program's memory.
 *
 * The host chooses where a mapping without an address goes, and it is the
 * host that knows whether an address is free; so two truths cannot drift
 * apart in the dangerous direction. What the libos keeps is what the host
 * cannot tell: which ranges are the program's, from which file, with which
 * protection. That is needed for mremap, for madvise(MADV_DONTNEED), for
 * /proc/self/maps, and so that munmap and MAP_FIXED never touch libos memory.
 *
 * The ranges ("areas") are a sorted array without overlaps in one block of
 * libos memory. Looking one up is a binary search; inserting moves what lies
 * behind, 48 bytes an area: with 10,000 areas a fraction of what the host
 * needs for the mapping itself. Neighbours that continue each other are one
 * area, as in Linux, so their number stays small.
 *
 * mm_lock guards the array and program_brk, and is held across the host call
 * that changes the mapping, so that both change as one. mremap holds it while
 * it copies.
 */
#ifndef LIBOS_MM_H
#define LIBOS_MM_H

#include <libos.h>
#include <linux/mman.h>

#define AREA_SHARED	0x1
#define AREA_STACK	0x2	/* the main thread's */
#define AREA_HEAP	0x4	/* of brk */
#define AREA_GUARD	0x8	/* below the stack; for the program: nothing */
#define AREA_VDSO	0x10	/* the copy that execve made */

struct area {
	u64	start;
	u64	end;
	u32	protection;	/* PROT_* */
	u32	flags;		/* AREA_* */
	struct file *file;	/* counted; NULL: anonymous */
	u64	offset;		/* in the file, of @start */
};

/* Does RLIMIT_DATA count it, with @protection? */
static inline bool area_is_data(const struct area *a, u32 protection)
{
	return protection & PROT_WRITE && !(a->flags & AREA_SHARED);
}

extern struct lock mm_lock;
extern bool mm_shares;	/* there is, or was, an AREA_SHARED; atomic */

void mm_init(void);
/* execve: everything of the program is unmapped. */
void mm_exec(void);

/* ---- areas (mm/area.c); mm_lock is held ---- */

/* The first area that ends above @address, or NULL. */
struct area *area_find(u64 address);
struct area *area_next(struct area *a);	/* NULL: it was the last */
/* All of [start, end) is in areas, without a hole. */
bool area_covers(u64 start, u64 end);
/*
 * area_add() - a mapping was made; what was noted of the range is forgotten
 *
 * Takes a reference to @a->file. -ENOMEM: too many areas.
 */
long area_add(const struct area *a);
long area_remove(u64 start, u64 end);
long area_protect(u64 start, u64 end, u32 protection);
/*
 * mm_fits() - are @more bytes within RLIMIT_AS, and if they are @data, private
 * and to be written, within RLIMIT_DATA? What there is in [from, to) will go.
 */
bool mm_fits(u64 more, bool data, u64 from, u64 to);
/* The second half of that. */
bool mm_data_fits(u64 more);
/* Room for that many more: to be asked before the host is. A call splits two. */
bool area_room(size_t pieces);
/* The same for making @start and @end boundaries. */
bool area_room_to_split(u64 start, u64 end);

/* ---- mapping (mm/map.c), for calls and the loader; they take mm_lock ---- */

u64 dk_protection(u32 protection);	/* PROT_* -> DK_PROT_* */
void mm_stack_grow(u64 start, u64 gap);
/* Anonymous memory. *base 0: anywhere. @replace: what is there goes. */
long map_anonymous(u64 *base, u64 length, u32 protection, u32 flags,
		   bool replace);
/* @length need not be whole pages of the file. */
long map_file(struct file *file, u64 *base, u64 length, u64 offset,
	      u32 protection, u32 flags, bool replace);
long unmap(u64 start, u64 length);
/* Up to the first hole, then -ENOMEM, as in Linux. */
long protect(u64 start, u64 length, u32 protection);
/* The same with mm_lock held. @a: what is wanted; its place comes back. */
long map_locked(struct area *a, u64 *base, u64 length, bool replace);
long unmap_locked(u64 start, u64 end);
/* Is any of it the libos's own? */
bool range_is_libos(u64 start, u64 length);
bool address_is_guard(u64 address);

/* ---- writable and executable (mm/wx.c) ---- */

/* What the host is asked for when the program asks for @protection. */
u32 wx_protection(u32 protection, bool file);
/* A fault of the program: was it about that, and may it try again? */
bool wx_fault(const struct dk_exception *e, const struct dk_context *c);

#endif /* LIBOS_MM_H */
