/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz.img: what its files share.
 *
 * fuzz.c starts and watches threads and makes calls, fuzz_args.c invents
 * arguments by their kinds in the call table, with fuzz_handles.c,
 * fuzz_texts.c and fuzz_control.c, and fuzz_steps.c, fuzz_streams.c and
 * fuzz_parcels.c know sequences that lead somewhere.
 *
 * Memory is of three sorts:
 *
 *  - ours: the image, stacks, what is shared with the outer side. No call may
 *    be told to change it, or the fuzzer would only test itself;
 *  - private areas, one for each thread: valid arguments, poisoned results,
 *    with a page that is not there and one that is read-only behind;
 *  - the arena at the end of the address space, in which every thread maps,
 *    protects, unmaps and writes as it likes while calls of others use it.
 */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include "dktest.h"
#include "fuzz_shared.h"

#define STACK_SIZE	(48UL << 10)
#define SHORT_THREADS	12	/* that only live for a moment */
#define STACKS		(FUZZ_THREADS + 1 + SHORT_THREADS)

/* A private area's pages */
enum {
	AREA_SLOTS, /* results, handles, a thread block, a context */
	AREA_BUFFER, /* three of them, and then */
	AREA_NONE = 4, /* nothing, */
	AREA_READ_ONLY, /* zeros, */
	AREA_TEXT, /* two URIs, */
	AREA_TEXT_2 = 8,
	AREA_PAGES = 10,
};
#define BUFFER_SIZE	(3 * PAGE)

#define ARENA_PAGES	128

struct call {
	const char *name;
	u32 version, argc;
	u64 statuses;
	enum dkt_kind kinds[6];
	const char *names[6];
};
extern const struct call calls[DK_CALL_LIMIT];

/**
 * struct worker - a thread that makes calls
 * @random:	state of its generator, begun anew with each step
 * @process:	0, or the number of the clone it runs in
 * @report:	where the outer side sees what it does
 * @area:	its private area
 * @wild:	how many arguments of the call shall be bad: 0, 1 or 2 (any)
 * @landing:	where it goes on when it is lost, with @landing_sp
 */
struct worker {
	u64 random;
	u64 step, last;
	u32 number, process;
	struct fuzz_thread *report;
	struct fuzz_thread own_report;
	u8 *area;
	int wild;
	bool hostile;
	u64 landing, landing_sp;
	DK_HANDLE thread;
	volatile u32 running;
	/* the supervisor's */
	u64 seen;
	s64 seen_at;
	bool told;
};

/* A call in the making. */
struct made {
	u32 index;
	u64 a[6];
	u64 *slot[6]; /* private memory of a result, or NULL */
	u64 before[6];
	u8 *canary; /* behind a private buffer, or NULL */
};

extern struct fuzz_shared *shared;
extern u8 *arena;
extern u32 futex_words[64];

u64 draw(struct worker *w);
static inline u64 below(struct worker *w, u64 n)
{
	return draw(w) % n;
}
static inline bool chance(struct worker *w, u32 percent)
{
	return below(w, 100) < percent;
}

/* ---- fuzz.c ---- */

s64 make_call(struct worker *w, struct made *m);
/* Counts @status, which must be one of the call's. */
void check_status(struct worker *w, u32 index, s64 status);
/* The same with values that are good as they stand. */
s64 call(struct worker *w, u32 index, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4,
	 u64 a5);
/* A call of the table with arguments of its kinds. */
s64 random_call(struct worker *w, u32 index);
void native_call(struct worker *w);
void start_short_thread(struct worker *w);
bool implemented(u32 index);
void __attribute__((format(printf, 2, 3)))
complain(struct worker *w, const char *fmt, ...);
/* Copies, or gives up at a fault: false. */
bool touch(void *to, const void *from, u64 n);
/* Whether a call that changes memory there would hit what is ours. */
bool is_ours(u64 base, u64 length);
extern char exception_entry[], thread_entry[], syscall_entry_stub[];
u64 *slot_of(struct worker *w, int i);
void run_clone(struct worker *w);
/* Handles that the fuzzer itself depends on. */
bool is_private_handle(DK_HANDLE handle);

/* ---- fuzz_args.c ---- */

void make_args(struct worker *w, struct made *m);
void keep_results(struct worker *w, const struct made *m, s64 status);
void keep_mapping(struct worker *w, u64 base, u64 length);
u64 edge_number(struct worker *w);
/* A pointer that may be of no use; what is @written there is nobody's. */
u64 wild_pointer(struct worker *w, bool written);

/* ---- fuzz_handles.c ---- */

bool has_part(const char *text, const char *part);
/* One of an object that is called @name in the table, if there is one. */
DK_HANDLE pick_handle(struct worker *w, const char *name);
/* The same; or, when @wild, one of anything or of nothing. */
DK_HANDLE any_handle(struct worker *w, const char *name, bool wild);
void keep_handle(struct worker *w, const char *name, DK_HANDLE handle);
/* What a handle of the pool is. */
const char *name_of_handle(DK_HANDLE handle);

/* Of a clone that was made; it may be gone. */
void keep_id(struct worker *w, u64 id);
u64 pick_id(struct worker *w);

/* ---- fuzz_texts.c ---- */

/* A path at @to + @at; where it ends. */
u64 put_path(struct worker *w, char *to, u64 at);
/* A URI at @to, perhaps spoiled; its length. */
u64 make_uri(struct worker *w, char *to, bool wild);
/* The URI of an image beside our own, at @to; its length. */
u64 make_image_uri(struct worker *w, char *to);

/* ---- fuzz_control.c ---- */

#define CONTROL_OPERATIONS	(DK_CONTROL_SET_APPEND + 1)
#define CONSOLE_OPERATIONS	(DK_CONSOLE_SET_WINDOW_SIZE + 1)

/* What the buffer of an operation must have; 0: there is no such one. */
u64 control_size(u64 operation);
u64 console_size(u64 operation);
/* The buffer of DkxStreamControl's @operation, as much as control_size(). */
void make_control(struct worker *w, u64 operation, void *to);

/* ---- fuzz_streams.c ---- */

void stream_pair(struct worker *w);
void server_life(struct worker *w);
void made_life(struct worker *w);
void counter_life(struct worker *w);
void control_life(struct worker *w);
void edges_life(struct worker *w);
void dns_life(struct worker *w);

/* ---- fuzz_parcels.c ---- */

void parcel_pair(struct worker *w);
void parcel_server(struct worker *w);
void parcel_any(struct worker *w);

/* ---- fuzz_steps.c ---- */

void take_step(struct worker *w);
void scribble(struct worker *w);

#endif /* FUZZ_IMAGE_H */
