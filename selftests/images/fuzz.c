// SPDX-License-Identifier: GPL-2.0-only
/*
 * A structure-aware fuzzer of the call vector, inside: fuzz.img FILE, where
 * FILE is the URI of what it shares with fuzz (lib/fuzz_shared.h).
 *
 * Threads take steps: one call with arguments that fit, or nearly fit, or a
 * sequence. After each call is checked that its status is in its set, that a
 * failure has left results alone, and that nothing behind a buffer changed.
 * The first thread makes no calls: it replaces threads that have ended, and
 * wakes those that wait for what will not come.
 */
#include "fuzz.h"

struct fuzz_shared *shared;
u8 *arena;
u32 futex_words[64];

static u8 stacks[STACKS][STACK_SIZE] __attribute__((aligned(4096)));
static u8 areas[FUZZ_THREADS + 1][AREA_PAGES][PAGE]
	__attribute__((aligned(4096)));
static struct worker workers[FUZZ_THREADS + 1];
static struct {
	DK_HANDLE handle;
	volatile u32 taken;
} short_threads[SHORT_THREADS];

static struct {
	u64 from, to;
} ours[8];
static u32 ours_count;
static bool can_raise;

/* ---- the table ---- */

#define TEXTS(n, ...)	TEXTS_##n(__VA_ARGS__)
#define TEXTS_0(...)
#define TEXTS_1(k, a)	#a
#define TEXTS_2(k, a, ...)	#a, TEXTS_1(__VA_ARGS__)
#define TEXTS_3(k, a, ...)	#a, TEXTS_2(__VA_ARGS__)
#define TEXTS_4(k, a, ...)	#a, TEXTS_3(__VA_ARGS__)
#define TEXTS_5(k, a, ...)	#a, TEXTS_4(__VA_ARGS__)
#define TEXTS_6(k, a, ...)	#a, TEXTS_5(__VA_ARGS__)

#define CALL(class, function, call_name, call_version, args, set)	\
	[DK_INDEX(class, function)] = {					\
		.name = #call_name, .version = call_version,		\
		.argc = DK_ARGC args, .statuses = set,			\
		.kinds = { DKT_KINDS args }, .names = { TEXTS args },	\
	},
const struct call calls[DK_CALL_LIMIT] = { DK_CALL_TABLE(CALL) };

bool implemented(u32 index)
{
	return calls[index].version != 0;
}

#define BIT_OF(bit, name, value, text) case value: return bit;
static u32 bit_of(s64 status)
{
	switch (status) {
		DK_STATUS_TABLE(BIT_OF)
	}
	return FUZZ_UNLISTED;
}

/* ---- numbers ---- */

static u64 mix(u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

u64 draw(struct worker *w)
{
	w->random += 0x9e3779b97f4a7c15ULL;
	return mix(w->random) >> 7;
}

static void begin_step(struct worker *w)
{
	w->random = mix(shared->seed ^
			mix((u64)w->process << 32 | w->number << 16 |
			    (w->hostile ? 1 : 0)) ^
			mix(w->step + 0x51));
}

/* ---- what goes wrong ---- */

void complain(struct worker *w, const char *fmt, ...)
{
	char *to;
	va_list ap;
	int have;
	u32 n;

	/* Whoever overwrites its own memory is no witness. */
	if (shared->flags & FUZZ_CHAOS)
		return;
	n = __atomic_fetch_add(&shared->failures, 1, __ATOMIC_RELAXED);
	if (n >= FUZZ_MESSAGES)
		return;
	to = shared->messages[n];
	have = dkt_snprintf(to, sizeof(shared->messages[0]),
			    "seed %lu process %u thread %u step %lu: ",
			    (unsigned long)shared->seed, w->process, w->number,
			    (unsigned long)w->step);
	va_start(ap, fmt);
	dkt_vsnprintf(to + have, sizeof(shared->messages[0]) - have, fmt, ap);
	va_end(ap);
}

static DK_HANDLE trace_stream;

static void trace(struct worker *w, const struct made *m)
{
	char line[256];
	u64 done;
	int n;

	n = dkt_snprintf(line, sizeof(line), "# %u.%u.%lu %s", w->process,
			 w->number, (unsigned long)w->step,
			 calls[m->index].name ? calls[m->index].name : "?");
	for (u32 i = 0; i < calls[m->index].argc; i++)
		n += dkt_snprintf(line + n, sizeof(line) - n, " %lx",
				  (unsigned long)m->a[i]);
	n += dkt_snprintf(line + n, sizeof(line) - n, "\n");
	dkt_raw(DK_INDEX_DkStreamWrite, trace_stream, DK_OFFSET_CURRENT,
		(u64)line, n, (u64)&done, 0);
}

/* ---- memory ---- */

/* rdi: to, rsi: from, rdx: bytes. A fault in it goes on at touch_fault. */
bool touch_bytes(void *to, const void *from, u64 n);
extern char touch_bytes_end[], touch_fault[];
asm(".text\n"
    ".globl touch_bytes, touch_bytes_end, touch_fault\n"
    ".hidden touch_bytes, touch_bytes_end, touch_fault\n"
    "touch_bytes:\n\t"
    "mov %rdx, %rcx; cld; rep movsb\n\t"
    "mov $1, %eax; ret\n"
    "touch_bytes_end:\n"
    "touch_fault:\n\t"
    "xor %eax, %eax; ret\n");

bool touch(void *to, const void *from, u64 n)
{
	return touch_bytes(to, from, n);
}

static void add_ours(u64 from, u64 length)
{
	ours[ours_count].from = from & ~(PAGE - 1);
	ours[ours_count++].to = (from + length + PAGE - 1) & ~(PAGE - 1);
}

bool is_ours(u64 base, u64 length)
{
	u64 end = base + length < base ? ~0ULL : base + length;

	for (u32 i = 0; i < ours_count; i++)
		if (base < ours[i].to && end > ours[i].from)
			return true;
	return false;
}

u64 *slot_of(struct worker *w, int i)
{
	return (u64 *)(w->area + AREA_SLOTS * PAGE + 64 * i);
}

static void prepare_area(struct worker *w)
{
	w->area = areas[w - workers][0];
	DkVirtualMemoryProtect(w->area + AREA_NONE * PAGE, PAGE, DK_PROT_NONE);
	DkVirtualMemoryProtect(w->area + AREA_READ_ONLY * PAGE, PAGE,
			       DK_PROT_READ);
}

/* As near to the end of the address space as there is room. */
static void prepare_arena(u64 limit)
{
	u64 length = ARENA_PAGES * PAGE;
	void *base;

	for (u64 end = limit; end > limit / 2; end -= length) {
		base = (void *)(end - length);
		if (DkVirtualMemoryAlloc(&base, &length,
					 DK_MEM_RESERVE | DK_MEM_COMMIT,
					 DK_PROT_READ | DK_PROT_WRITE) == 0) {
			arena = base;
			return;
		}
	}
	DkProcessExit(81);
}

/* ---- calls ---- */

/* A result that may have changed although the call failed. */
static bool may_tell(const struct made *m, u32 i, s64 status)
{
	/* How long an interrupted sleep had still to go. */
	if (m->index == DK_INDEX_DkThreadDelayExecution &&
	    (status == DK_STATUS_INTERRUPTED || status == DK_STATUS_ABORTED))
		return true;
	/* The length, in whole pages. */
	return m->index == DK_INDEX_DkVirtualMemoryAlloc && i == 1 &&
	       *m->slot[1] == ((m->before[1] + PAGE - 1) & ~(PAGE - 1));
}

static void check_results(struct worker *w, const struct made *m, s64 status)
{
	const struct call *c = &calls[m->index];

	for (u32 i = 0; i < c->argc; i++) {
		if (!m->slot[i])
			continue;
		if (status && *m->slot[i] != m->before[i] &&
		    !may_tell(m, i, status))
			complain(w, "%s gave %s and changed %s to 0x%lx",
				 c->name, dkt_status(status), c->names[i],
				 (unsigned long)*m->slot[i]);
		if (status == 0 && *m->slot[i] == POISON)
			complain(w, "%s succeeded without %s", c->name,
				 c->names[i]);
	}
	for (u32 i = 0; m->canary && i < 16; i++)
		if (m->canary[i] != 0xa5)
			complain(w, "%s gave %s and wrote behind its buffer",
				 c->name, dkt_status(status));
}

void check_status(struct worker *w, u32 index, s64 status)
{
	const struct call *c = &calls[index];
	u32 bit = bit_of(status > 0 && c->statuses & DK_SET_COUNT ? 0 : status);

	__atomic_fetch_add(&shared->count[index][bit], 1, __ATOMIC_RELAXED);
	if (!c->name || !c->version) {
		if (status != DK_STATUS_NOT_IMPLEMENTED)
			complain(w, "call %u, which is not there, gave %ld",
				 index, (long)status);
		return;
	}
	if (bit == FUZZ_UNLISTED || (bit && !(c->statuses & 1ULL << bit)))
		complain(w, "%s gave %ld (%s), which is not in its set",
			 c->name, (long)status, dkt_status(status));
}

s64 make_call(struct worker *w, struct made *m)
{
	struct fuzz_thread *r = w->report;
	s64 status;

	for (int i = 0; i < 6; i++) {
		if (m->slot[i])
			m->before[i] = *m->slot[i];
		r->args[i] = m->a[i];
	}
	r->index = m->index;
	r->step = w->step;
	if (shared->flags & FUZZ_TRACE)
		trace(w, m);
	__atomic_store_n(&r->in_call, 1, __ATOMIC_RELEASE);
	status = dkt_raw(m->index, m->a[0], m->a[1], m->a[2], m->a[3], m->a[4],
			 m->a[5]);
	__atomic_store_n(&r->in_call, 0, __ATOMIC_RELEASE);
	r->status = status;
	r->calls++;
	/* Of a clone, this is the other side. */
	if (m->index == DK_INDEX_DkxProcessClone && status == 0 && m->slot[1] &&
	    *m->slot[1] == DK_INVALID_HANDLE)
		run_clone(w);
	if (m->index == DK_INDEX_DkxProcessClone && status)
		__atomic_sub_fetch(&shared->living, 1, __ATOMIC_RELAXED);
	check_status(w, m->index, status);
	/* Chaos may have taken its memory away. */
	if (!(shared->flags & FUZZ_CHAOS))
		check_results(w, m, status);
	return status;
}

s64 call(struct worker *w, u32 index, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4,
	 u64 a5)
{
	struct made m = { .index = index, .a = { a0, a1, a2, a3, a4, a5 } };

	return make_call(w, &m);
}

s64 random_call(struct worker *w, u32 index)
{
	struct made m = { .index = index };
	s64 status;

	make_args(w, &m);
	if (m.index == DK_CALL_LIMIT)
		return 0; /* one that would end us */
	status = make_call(w, &m);
	if (status == 0)
		keep_results(w, &m, status);
	else if (status > 0 && index == DK_INDEX_DkxVirtualMemoryMove &&
		 status < (s64)arena)
		keep_mapping(w, status, m.a[2]);
	return status;
}

/*
 * Where a system call that is no Dk call may come back: the address is on top
 * of the stack.
 */
asm(".text\n"
    ".globl syscall_entry_stub\n"
    ".hidden syscall_entry_stub\n"
    "syscall_entry_stub: ret\n");

static void old_call(u64 ax, u64 bx, u64 cx, u64 dx, u64 si, u64 di)
{
	asm volatile("int $0x80"
		     : "+a"(ax), "+b"(bx), "+c"(cx), "+d"(dx), "+S"(si),
		       "+D"(di)
		     :
		     : "memory", "r8", "r9", "r10", "r11");
}

static void new_call(u64 ax, u64 di, u64 si, u64 dx, u64 a3, u64 a4, u64 a5)
{
	register u64 r10 asm("r10") = a3;
	register u64 r8 asm("r8") = a4;
	register u64 r9 asm("r9") = a5;

	asm volatile("lea 1f(%%rip), %%r11; push %%r11\n\t"
		     "syscall\n\t"
		     "pop %%r11\n\t"
		     "1:"
		     : "+a"(ax), "+D"(di), "+S"(si), "+d"(dx), "+r"(r10),
		       "+r"(r8), "+r"(r9)
		     :
		     : "rcx", "r11", "memory");
}

/* A system call that is none of the ABI's. */
void native_call(struct worker *w)
{
	u64 a[6], ax = below(w, 500);

	for (int i = 0; i < 6; i++)
		a[i] = chance(w, 50) ? below(w, 10) : draw(w) << below(w, 8);
	if (chance(w, 20))
		ax = 0x40000000 + below(w, 600);
	else if (chance(w, 10))
		ax = DK_VECTOR_BASE + DK_CALL_LIMIT + below(w, 64);
	else if (chance(w, 10))
		ax = draw(w);
	if (chance(w, 30))
		old_call(ax, a[0], a[1], a[2], a[3], a[4]);
	else if (ax - DK_VECTOR_BASE >= DK_CALL_LIMIT)
		new_call(ax, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- upcalls ---- */

asm(".text\n"
    ".globl thread_entry, exception_entry\n"
    ".hidden thread_entry, exception_entry\n"
    "thread_entry:\n\t"
    "xor %ebp, %ebp; sub $8, %rsp\n\t"
    "call LibOsThreadStart; call DkThreadExit; ud2\n"
    "exception_entry:\n\t"
    "xor %ebp, %ebp; sub $8, %rsp\n\t"
    "call LibOsExceptionDispatch; ud2\n");

static struct worker *worker_at(u64 sp)
{
	u64 at = sp - (u64)stacks;

	return at < sizeof(stacks) && at / STACK_SIZE <= FUZZ_THREADS ?
		       &workers[at / STACK_SIZE] :
		       NULL;
}

#define CS_64	0x33
#define FLAG_TF	0x100
#define FLAG_DF	0x400
#define FLAG_AC	0x40000

void LibOsExceptionDispatch(struct dk_exception *e, struct dk_context *c)
{
	struct worker *w = worker_at(c->rsp);

	__atomic_fetch_add(&shared->exceptions, 1, __ATOMIC_RELAXED);
	c->rflags &= ~(u64)(FLAG_TF | FLAG_AC);
	if (c->rip - (u64)touch_bytes <
	    (u64)touch_bytes_end - (u64)touch_bytes) {
		if (e->code <= DK_EXCEPTION_OTHER &&
		    e->code != DK_EXCEPTION_SINGLE_STEP)
			c->rip = (u64)touch_fault;
	} else if (w && c->cs != CS_64) {
		c->cs = CS_64;
		c->rip = w->landing;
		c->rsp = w->landing_sp;
		c->rflags &= ~(u64)FLAG_DF;
	} else if (e->code <= DK_EXCEPTION_OTHER &&
		   e->code != DK_EXCEPTION_SINGLE_STEP &&
		   e->code != DK_EXCEPTION_ALIGNMENT) {
		if (shared->flags & FUZZ_CHAOS)
			DkThreadExit();
		complain(
			w ?: workers,
			"exception %u (trap %u) at image+0x%lx, address 0x%lx, after call %lu",
			e->code, e->trap,
			(unsigned long)(c->rip - dkt_parameters->image_base),
			(unsigned long)e->address,
			(unsigned long)(w ? w->report->index : 0));
		DkProcessExit(90);
	}
	for (;;)
		dkt_raw(DK_INDEX_DkxContextRestore, (u64)c, 0, 0, 0, 0, 0);
}

/* ---- threads ---- */

static void work(u64 parameter)
{
	struct worker *w = &workers[parameter];

	for (u64 n = 0; w->step < w->last && n < 500; n++) {
		begin_step(w);
		if (w->hostile)
			scribble(w);
		else
			take_step(w);
		w->step++;
	}
	w->running = 0;
}

static void live_shortly(u64 parameter)
{
	s64 remaining;

	if (parameter & 1)
		DkThreadDelayExecution(parameter & 0xffff, &remaining);
	if (parameter & 2)
		DkThreadYieldExecution();
}

void LibOsThreadStart(DK_THREAD_START start, dk_u64 parameter)
{
	start(parameter);
}

/* One of the short threads' stacks, whose thread is surely gone. */
static int take_short_stack(void)
{
	for (int i = 0; i < SHORT_THREADS; i++) {
		u64 index = 0;

		if (__atomic_exchange_n(&short_threads[i].taken, 1,
					__ATOMIC_ACQUIRE))
			continue;
		if (!short_threads[i].handle)
			return i;
		/* If our handle was closed by chance, the stack is lost. */
		if (dkt_raw(DK_INDEX_DkObjectsWaitAny, 1,
			    (u64)&short_threads[i].handle, 0, (u64)&index, 0,
			    0) == 0) {
			dkt_raw(DK_INDEX_DkObjectClose, short_threads[i].handle,
				0, 0, 0, 0, 0);
			short_threads[i].handle = 0;
			return i;
		}
		__atomic_store_n(&short_threads[i].taken, 0, __ATOMIC_RELEASE);
	}
	return -1;
}

/* DkThreadCreate, as it should be or with one argument that it refuses. */
void start_short_thread(struct worker *w)
{
	struct made m = { .index = DK_INDEX_DkThreadCreate };
	int i = take_short_stack();
	u64 *out = slot_of(w, 4);
	DK_HANDLE copy = 0;

	if (i < 0)
		return;
	*out = POISON;
	m.a[0] = (u64)live_shortly;
	m.a[1] = draw(w);
	m.a[2] = (u64)stacks[FUZZ_THREADS + 1 + i];
	m.a[3] = STACK_SIZE;
	m.a[4] = (u64)out;
	m.slot[4] = out;
	if (w->wild && chance(w, 50)) {
		static const u64 bad[] = { 0, 0x800000000000ULL, ~0ULL,
					   0xffffffff81000000ULL };

		switch (below(w, 4)) {
		case 0:
			m.a[0] = bad[below(w, 4)];
			break;
		case 1:
			m.a[3] = chance(w, 50) ? 0 : ~0ULL - below(w, PAGE);
			break;
		case 2:
			m.a[2] = bad[1 + below(w, 3)];
			break;
		default:
			m.a[4] = chance(w, 50) ?
					 bad[below(w, 4)] :
					 (u64)w->area + AREA_READ_ONLY * PAGE;
			m.slot[4] = NULL;
		}
	}
	if (make_call(w, &m) == 0 && m.slot[4]) {
		short_threads[i].handle = *out;
		*slot_of(w, 5) = 0;
		call(w, DK_INDEX_DkObjectReference, *out, 0, (u64)slot_of(w, 5),
		     0, 0, 0);
		copy = *slot_of(w, 5);
		if (copy)
			keep_handle(w, "thread", copy);
	}
	__atomic_store_n(&short_threads[i].taken, 0, __ATOMIC_RELEASE);
}

static void start_worker(struct worker *w)
{
	u32 i = w - workers;

	w->running = 1;
	w->seen_at = dkt_now();
	w->told = false;
	if (DkThreadCreate((void *)work, i, stacks[i], STACK_SIZE, &w->thread))
		w->running = 0;
}

bool is_private_handle(DK_HANDLE handle)
{
	for (int i = 0; i <= FUZZ_THREADS; i++)
		if (workers[i].thread == handle)
			return true;
	for (int i = 0; i < SHORT_THREADS; i++)
		if (short_threads[i].handle == handle)
			return true;
	return handle == trace_stream;
}

/* ---- the supervisor ---- */

#define STUCK	(120 * SEC)

static void watch(struct worker *w, s64 now)
{
	u64 seen = w->report->calls + w->step;

	if (seen != w->seen || !w->running) {
		w->seen = seen;
		w->seen_at = now;
		w->told = false;
		return;
	}
	if (can_raise && now - w->seen_at > 200 * MSEC && !w->told) {
		s64 status = DkThreadRaiseException(w->thread,
						    DK_EXCEPTION_USER, w->step);

		w->told = true;
		shared->rescued++;
		if (status && status != DK_STATUS_ENDED)
			complain(w, "cannot be told: %s", dkt_status(status));
	}
	if (now - w->seen_at > STUCK && w->report->in_call) {
		complain(w, "%s does not return", calls[w->report->index].name);
		DkProcessExit(91);
	}
}

static void supervise(u32 count)
{
	s64 remaining;
	bool busy;
	u64 index;

	do {
		s64 now = dkt_now();

		busy = false;
		for (u32 i = 0; i < count; i++) {
			struct worker *w = &workers[i];

			watch(w, now);
			if (w->running && w->thread &&
			    dkt_raw(DK_INDEX_DkObjectsWaitAny, 1,
				    (u64)&w->thread, 0, (u64)&index, 0, 0) == 0)
				w->running = 0; /* chaos took it */
			if (w->running || w->step < w->last)
				busy |= !w->hostile;
			if (w->running)
				continue;
			if (w->thread) {
				if (dkt_raw(DK_INDEX_DkObjectsWaitAny, 1,
					    (u64)&w->thread, SEC, (u64)&index,
					    0, 0))
					continue;
				DkObjectClose(w->thread);
				w->thread = 0;
				shared->replaced++;
			}
			if (w->step < w->last)
				start_worker(w);
		}
		DkThreadDelayExecution(2 * MSEC, &remaining);
	} while (busy);
}

/* ---- clones ---- */

#define CLONE_STEPS	200

/* In the clone only its own thread is left, on its own stack. */
void run_clone(struct worker *w)
{
	u32 number = __atomic_add_fetch(&shared->clones, 1, __ATOMIC_RELAXED);

	w->process = number;
	w->report = &w->own_report;
	for (int i = 0; i < SHORT_THREADS; i++)
		short_threads[i].taken = 1;
	w->last = w->step + CLONE_STEPS;
	for (; w->step < w->last; w->step++) {
		begin_step(w);
		take_step(w);
	}
	__atomic_add_fetch(&shared->clones_ended, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&shared->living, 1, __ATOMIC_RELAXED);
	DkProcessExit(number & 0x7f);
}

/* ---- start ---- */

static void map_shared(void)
{
	const char *uri = dkt_argument(1);
	void *base = NULL;
	DK_HANDLE file;

	if (DkStreamOpen(uri, strlen(uri), DK_ACCESS_READ | DK_ACCESS_WRITE,
			 DK_OPEN_EXISTING, 0, &file) ||
	    DkStreamMap(file, &base, sizeof(*shared), 0,
			DK_PROT_READ | DK_PROT_WRITE, DK_MAP_SHARED))
		DkProcessExit(80);
	DkObjectClose(file);
	shared = base;
	add_ours((u64)base, sizeof(*shared));
}

void LibOsInitialize(const struct dk_parameters *p)
{
	u32 count;

	dkt_parameters = p;
	add_ours(p->image_base, p->image_size);
	add_ours(p->stack_base - PAGE, p->stack_size + PAGE);
	add_ours((u64)p, p->size);
	map_shared();
	prepare_arena(p->address_limit);
	DkxUpcallRegister(thread_entry, exception_entry);
	can_raise = implemented(DK_INDEX_DkThreadRaiseException);
	DkStreamOpen(URI("stderr:"), DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0,
		     &trace_stream);
	keep_handle(workers, "process", p->process);
	keep_handle(workers, "thread", p->thread);
	count = shared->threads < FUZZ_THREADS ? shared->threads : FUZZ_THREADS;
	for (u32 i = 0; i < count; i++) {
		struct worker *w = &workers[i];

		w->number = i;
		w->report = &shared->thread[i];
		w->step = shared->first;
		w->last = shared->first + shared->steps;
		prepare_area(w);
	}
	if (!(shared->flags & FUZZ_QUIET) && count < FUZZ_THREADS) {
		struct worker *w = &workers[count];

		w->number = count;
		w->hostile = true;
		w->report = &w->own_report;
		w->last = ~0ULL;
		prepare_area(w);
		count++;
	}
	shared->started = 1;
	supervise(count);
	shared->finished = 1;
	DkProcessExit(0);
}
