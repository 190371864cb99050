// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Threads; see thread.h.
 *
 * A thread has, in libos memory: its struct libos_thread, at which %gs points;
 * the stack on which its system calls are served; and the stack on which its
 * exceptions are taken, whatever the program's own stack pointer is worth.
 */
#include <entry.h>
#include <fpu.h>
#include <libos.h>
#include <signals.h>
#include <thread.h>
#include <timers.h>

#define CHECK(member, offset)						\
	_Static_assert(offsetof(struct libos_thread, member) == (offset), \
		       "entry.h")
CHECK(block.return_address, THREAD_RETURN_ADDRESS);
CHECK(self, THREAD_SELF);
CHECK(stack_top, THREAD_STACK_TOP);
CHECK(scratch, THREAD_SCRATCH);
CHECK(interrupt, THREAD_INTERRUPT);
_Static_assert(sizeof(struct dk_context) % 16 == 0, "frames keep rsp aligned");

struct lock thread_lock;
struct libos_thread *threads;
u32 thread_count;

static struct libos_thread *ending; /* by ->next; thread_lock */
static struct libos_thread *only; /* is to be left, by execve */
static u32 ended; /* counts, for who waits for the end of others */

/* What a new thread finds at the lower end of its stack. */
struct start {
	u8 vectors[FPU_SIZE_MAX] __attribute__((aligned(FPU_ALIGN)));
	struct dk_context context;
	u64 fs_base;
	void (*helper)(void);
};

/* ---- memory ---- */

static char *stack_of(const struct libos_thread *t)
{
	return (char *)t->stack_top - LIBOS_STACK_SIZE;
}

static void thread_free(struct libos_thread *t)
{
	if (t->handle)
		DkObjectClose(t->handle);
	signal_forget(&t->queue);
	fs_unshare(t);
	fs_return(t);
	mem_return(&t->heap);
	mem_free((void *)t->block.exception_stack_base);
	mem_free(stack_of(t));
	mem_free(t);
}

void thread_put(struct libos_thread *t)
{
	if (t && !__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
		thread_free(t);
}

/* Free those that have ended and of which the host, too, says that they did. */
static void reap(void)
{
	struct libos_thread *t, *next, *list;
	dk_u64 index;

	if (!__atomic_load_n(&ending, __ATOMIC_RELAXED))
		return;
	lock_acquire(&thread_lock);
	list = ending;
	ending = NULL;
	lock_release(&thread_lock);
	for (t = list; t; t = next) {
		next = t->next;
		if (!DkObjectsWaitAny(1, &t->handle, 0, &index)) {
			thread_put(t);
			continue;
		}
		lock_acquire(&thread_lock);
		t->next = ending;
		ending = t;
		lock_release(&thread_lock);
	}
}

struct libos_thread *thread_new(void)
{
	struct libos_thread *t;
	char *stack, *exception_stack;

	reap();
	t = mem_zalloc(sizeof(*t));
	stack = mem_alloc(LIBOS_STACK_SIZE);
	exception_stack = mem_alloc(EXCEPTION_STACK_SIZE);
	if (!t || !stack || !exception_stack) {
		mem_free(exception_stack);
		mem_free(stack);
		mem_free(t);
		return NULL;
	}
	t->self = t;
	t->refs = 1;
	t->identity = process_main;
	t->stack_top = (u64)stack + LIBOS_STACK_SIZE;
	t->block.exception_stack_base = (u64)exception_stack;
	t->block.exception_stack_size = EXCEPTION_STACK_SIZE;
	return t;
}

/* ---- the list ---- */

static void link_locked(struct libos_thread *t)
{
	t->next = threads;
	t->link = &threads;
	if (threads)
		threads->link = &t->next;
	threads = t;
}

static void unlink_locked(struct libos_thread *t)
{
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
}

void thread_enter(struct libos_thread *t)
{
	lock_acquire(&thread_lock);
	link_locked(t);
	thread_count++;
	lock_release(&thread_lock);
}

struct libos_thread *thread_find(u32 tid)
{
	struct libos_thread *t;

	lock_acquire(&thread_lock);
	for (t = threads; t && (t->tid != tid || !tid); t = t->next)
		;
	if (t)
		thread_get(t);
	lock_release(&thread_lock);
	return t;
}

void thread_forked(void)
{
	struct libos_thread *me = self(), *t, *others = threads,
			    *ended_ones = ending;

	/* Their stacks may be in wait queues: they stay, and are never used. */
	threads = NULL;
	ending = NULL;
	only = NULL;
	thread_count = 1;
	for (t = others; t; t = t->next) {
		fs_forked(t);
		timeout_forked(t);
	}
	for (t = ended_ones; t; t = t->next)
		fs_forked(t);
	link_locked(me);
}

/* ---- start ---- */

void thread_bootstrap(void)
{
	static struct libos_thread bootstrap;

	bootstrap.self = &bootstrap;
	bootstrap.identity = process_main;
	gs_base_set((u64)&bootstrap);
}

void thread_attach(struct libos_thread *t)
{
	DK_STATUS status;

	gs_base_set((u64)t);
	fs_base_set(0);
	status = DkxSystemCallRegister((void *)libos_entry, &t->block);
	if (status)
		panic("DkxSystemCallRegister: %ld", (long)status);
	signal_attach(t);
}

static void thread_main(dk_u64 parameter)
{
	struct libos_thread *t = (struct libos_thread *)parameter;
	struct start *s = (struct start *)stack_of(t);

	thread_attach(t);
	if (s->helper) {
		s->helper();
		panic("a helper ended");
	}
	fpu_restore(s->vectors);
	fs_base_set(s->fs_base);
	context_leave(&s->context);
}

static long start(struct libos_thread *t)
{
	DK_STATUS status;

	do {
		status = DkThreadCreate((void *)thread_main, (u64)t,
					stack_of(t), LIBOS_STACK_SIZE,
					&t->handle);
	} while (status == DK_STATUS_INTERRUPTED);
	if (!status)
		return 0;
	lock_acquire(&thread_lock);
	unlink_locked(t);
	if (t->tid)
		thread_count--;
	lock_release(&thread_lock);
	thread_put(t);
	return status == DK_STATUS_NO_MEMORY ? -ENOMEM : -EAGAIN;
}

long thread_start(struct libos_thread *t, const struct dk_context *context,
		  u64 fs_base)
{
	struct start *s = (struct start *)stack_of(t);

	s->helper = NULL;
	s->context = *context;
	s->fs_base = fs_base;
	fpu_save(s->vectors);
	return start(t);
}

long thread_start_helper(void (*helper)(void))
{
	struct libos_thread *t = thread_new();
	struct start *s;

	if (!t)
		return -ENOMEM;
	s = (struct start *)stack_of(t);
	s->helper = helper;
	t->blocked = ~0ULL;
	lock_acquire(&thread_lock);
	link_locked(t);
	lock_release(&thread_lock);
	return start(t);
}

/* ---- end ---- */

void thread_exit(void)
{
	struct libos_thread *t = self();

	reap();
	lock_acquire(&thread_lock);
	unlink_locked(t);
	t->next = ending;
	ending = t;
	lock_release(&thread_lock);
	__atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
	DkxAddressWake(&ended, DK_ADDRESS_WAKE | DK_ADDRESS_PRIVATE, INT32_MAX,
		       0, NULL, DK_ADDRESS_ALL_BITS);
	for (;;)
		DkThreadExit();
}

/*
 * Tell all others to end. False: there is none.
 *
 * All are told before one of them can end: what that one leaves behind, none of
 * the others sees any more.
 */
static bool others_told(void)
{
	struct libos_thread *t, *me = self();
	bool any = false, more = false;

	lock_acquire(&thread_lock);
	for (t = threads; t; t = t->next) {
		if (t == me || !t->tid)
			continue;
		any = true;
		if (!__atomic_exchange_n(&t->told, true, __ATOMIC_SEQ_CST))
			more = true;
		__atomic_store_n(&t->interrupt, 1, __ATOMIC_SEQ_CST);
	}
	for (t = more ? threads : NULL; t; t = t->next) {
		if (t != me && t->tid)
			signal_interrupt(t);
	}
	lock_release(&thread_lock);
	return any;
}

long thread_end_others(struct dk_deadline *deadline)
{
	struct libos_thread *me = self(), *nobody = NULL;
	u32 count;

	if (!__atomic_compare_exchange_n(&only, &nobody, me, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return -EINTR;
	for (;;) {
		count = __atomic_load_n(&ended, __ATOMIC_SEQ_CST);
		if (!others_told())
			break;
		if (DkxAddressWait(&ended, DK_ADDRESS_WAIT | DK_ADDRESS_PRIVATE,
				   count, deadline, 0,
				   DK_ADDRESS_ALL_BITS) == DK_STATUS_TIMEOUT)
			break;
	}
	__atomic_store_n(&only, NULL, __ATOMIC_SEQ_CST);
	return 0;
}
