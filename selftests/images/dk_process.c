// SPDX-License-Identifier: GPL-2.0-only
/* Processes: what a clone has, what it shares, how it ends. */
#include "dktest.h"
#include "registers.h"

/* Ends a child: its exit code says whether its checks held. */
static void child_done(void)
{
	DkProcessExit(dkt_failed() ? 99 : 42);
}

static DK_HANDLE clone(void)
{
	DK_HANDLE child = POISON;
	u64 id = POISON;

	if (DkxProcessClone(0, &child, &id)) {
		dkt_fail("no clone");
		return 0xbad;
	}
	return child;
}

static s64 wait_code(DK_HANDLE child)
{
	s64 code = -1;

	if (!dkt_wait(child))
		dkt_fail("a process does not end");
	EXPECT_OK(DkProcessGetExitCode(child, &code));
	EXPECT_OK(DkObjectClose(child));
	return code;
}

/* Memory that parent and children have in common. */
static volatile u64 *shared_words(void)
{
	void *base = NULL;
	u64 length = PAGE;

	if (DkVirtualMemoryAlloc(&base, &length,
				 DK_MEM_RESERVE | DK_MEM_COMMIT | DK_MEM_SHARED,
				 DK_PROT_READ | DK_PROT_WRITE)) {
		dkt_fail("no shared memory");
		DkProcessExit(98);
	}
	return base;
}

static void release_words(volatile u64 *words)
{
	EXPECT_OK(DkVirtualMemoryFree((void *)words, PAGE, DK_MEM_RELEASE));
}

/* Until a word that another process writes is @value; 20 seconds at most. */
static bool becomes(volatile u64 *word, u64 value)
{
	s64 remaining, end = dkt_now() + 20 * SEC;

	while (*word != value && dkt_now() < end)
		DkThreadDelayExecution(MSEC, &remaining);
	return *word == value;
}

static void expect_processes(u64 count)
{
	struct dkt_counts counts;
	s64 remaining;

	for (int i = 0; i < 1000; i++) {
		dkt_counts(&counts);
		if (counts.processes == count)
			return;
		DkThreadDelayExecution(10 * MSEC, &remaining);
	}
	EXPECT_EQ(counts.processes, count);
}

TEST(a_clone_and_its_end)
{
	DK_HANDLE child = POISON;
	u64 id = POISON, index = POISON;
	volatile u64 *word = shared_words();
	s64 code = POISON;

	ASSERT_OK(DkxProcessClone(0, &child, &id));
	if (!child) {
		word[1] = id;
		if (!becomes(word, 1))
			DkProcessExit(1);
		DkProcessExit(0x123456789);
	}
	EXPECT_NE(child, POISON);
	EXPECT_GE(id, DK_PROCESS_FIRST + 1);
	EXPECT_STATUS(DkProcessGetExitCode(child, &code), BUSY);
	EXPECT_EQ(code, POISON);
	EXPECT_STATUS(DkObjectsWaitAny(1, &child, 0, &index), TIMEOUT);
	word[0] = 1;
	EXPECT_TRUE(dkt_wait(child));
	EXPECT_EQ(word[1], id);
	EXPECT_OK(DkProcessGetExitCode(child, &code));
	EXPECT_EQ(code, 0x123456789);
	EXPECT_OK(DkObjectsWaitAny(1, &child, 0, &index));
	EXPECT_OK(DkObjectClose(child));
	EXPECT_STATUS(DkObjectClose(child), INVALID_HANDLE);
	release_words(word);
	expect_processes(1);
}

TEST(flags_and_pointers)
{
	DK_HANDLE child = POISON;
	struct dkt_counts before, after;
	u64 id = POISON;

	dkt_counts(&before);
	EXPECT_STATUS(DkxProcessClone(1ULL << 63, &child, &id),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxProcessClone(0, NULL, &id), INVALID_POINTER);
	EXPECT_STATUS(DkxProcessClone(0, &child, NULL), INVALID_POINTER);
	EXPECT_EQ(child, POISON);
	EXPECT_EQ(id, POISON);
	dkt_counts(&after);
	EXPECT_LE(after.handles, before.handles);
	EXPECT_LE(after.objects, before.objects);
	EXPECT_EQ(after.processes, before.processes);
}

TEST(a_base_in_the_kernels_half)
{
	DK_HANDLE child = POISON;
	u64 id = POISON, old;

	asm volatile("rdfsbase %0; wrfsbase %1"
		     : "=&r"(old)
		     : "r"(0xffff800000000000ULL));
	EXPECT_STATUS(DkxProcessClone(0, &child, &id), INVALID_PARAMETER);
	asm volatile("wrfsbase %0" : : "r"(old));
	EXPECT_EQ(child, POISON);
}

static u64 private_word = 1;

TEST(memory_is_copied)
{
	volatile u64 *shared = shared_words();
	u64 *heap = dkt_pages(64);
	DK_HANDLE child;

	for (int i = 0; i < 64; i++)
		heap[i * 512] = i;
	private_word = 7;
	child = clone();
	if (!child) {
		EXPECT_EQ(private_word, 7);
		/* What the parent writes now is its own. */
		EXPECT_TRUE(becomes(&shared[0], 1));
		EXPECT_EQ(private_word, 7);
		for (int i = 0; i < 64; i++) {
			EXPECT_EQ(heap[i * 512], i);
			heap[i * 512] = 1000 + i;
		}
		private_word = 9;
		shared[1] = 5;
		child_done();
	}
	private_word = 8;
	for (int i = 32; i < 64; i++)
		heap[i * 512 + 1] = 1;
	shared[0] = 1;
	EXPECT_EQ(wait_code(child), 42);
	EXPECT_EQ(private_word, 8);
	EXPECT_EQ(shared[1], 5);
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(heap[i * 512], i);
	release_words(shared);
	DkVirtualMemoryFree(heap, 64 * PAGE, DK_MEM_RELEASE);
}

TEST(shared_memory_of_grandchildren)
{
	volatile u64 *shared = shared_words();
	DK_HANDLE child = clone();

	if (!child) {
		DK_HANDLE grandchild = clone();

		if (!grandchild) {
			shared[0] = 3;
			DkProcessExit(0);
		}
		EXPECT_EQ(wait_code(grandchild), 0);
		EXPECT_EQ(shared[0], 3);
		/* Releasing it here does not take it from the parent. */
		release_words(shared);
		child_done();
	}
	EXPECT_EQ(wait_code(child), 42);
	EXPECT_EQ(shared[0], 3);
	release_words(shared);
}

TEST(shared_memory_types)
{
	void *base = NULL;
	u64 length = PAGE;

	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length,
					   DK_MEM_RESERVE | DK_MEM_SHARED,
					   DK_PROT_NONE),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length,
					   DK_MEM_COMMIT | DK_MEM_SHARED,
					   DK_PROT_READ),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length, DK_MEM_SHARED,
					   DK_PROT_READ),
		      INVALID_PARAMETER);
}

REGISTERS_FUNCTION(native_syscall, "syscall");

TEST(registers_are_the_parents)
{
	struct registers before, r;
	DK_HANDLE child = POISON;
	u64 id = POISON, fs, gs, vector[2] = { 0x1234567890abcdef, 77 };
	u64 now[2];

	for (int i = 0; i < 15; i++)
		r.word[i] = 0x1111111111111111ULL * (i + 1);
	r.rax = DK_VECTOR_BASE + DK_INDEX_DkxProcessClone;
	r.rdi = 0;
	r.rsi = (u64)&child;
	r.rdx = (u64)&id;
	before = r;
	asm volatile("wrfsbase %0; wrgsbase %1\n\t"
		     "movups %2, %%xmm7"
		     :
		     : "r"(0x11110000UL), "r"(0x22220000UL), "m"(vector));
	native_syscall(&r);
	asm volatile("rdfsbase %0; rdgsbase %1\n\t"
		     "movups %%xmm7, %2"
		     : "=r"(fs), "=r"(gs), "=m"(now));
	asm volatile("wrfsbase %0; wrgsbase %0" : : "r"(0UL));
	EXPECT_EQ(fs, 0x11110000);
	EXPECT_EQ(gs, 0x22220000);
	EXPECT_EQ(now[0], vector[0]);
	EXPECT_EQ(now[1], vector[1]);
	EXPECT_EQ(r.rax, 0);
	EXPECT_EQ(r.rcx, (u64)native_syscall_end);
	before.rax = r.rax;
	before.rcx = r.rcx;
	before.r11 = r.r11;
	for (int i = 0; i < 15; i++)
		if (r.word[i] != before.word[i])
			dkt_fail("%s: register %d is 0x%lx",
				 child ? "parent" : "child", i,
				 (unsigned long)r.word[i]);
	if (!child)
		child_done();
	EXPECT_EQ(wait_code(child), 42);
}

/* A program's system call ends here; rdi of the call was kept. */
asm(".text\n"
    "redirected:\n\t"
    "mov $4711, %eax\n\t"
    "mov block(%rip), %rcx\n\t"
    "jmp *%rcx\n");
extern char redirected[];
static struct dk_thread_block block __attribute__((used));

static u64 system_call(u64 nr)
{
	asm volatile("syscall" : "+a"(nr) : : "rcx", "r11", "memory");
	return nr;
}

TEST(system_calls_go_to_the_library_os)
{
	DK_HANDLE child;

	ASSERT_OK(DkxSystemCallRegister(redirected, &block));
	EXPECT_EQ(system_call(39), 4711);
	child = clone();
	if (!child) {
		EXPECT_EQ(system_call(39), 4711);
		EXPECT_OK(DkxSystemCallRegister(NULL, NULL));
		EXPECT_EQ(system_call(39), DK_STATUS_NOT_IMPLEMENTED);
		child_done();
	}
	EXPECT_EQ(wait_code(child), 42);
	EXPECT_EQ(system_call(39), 4711);
	EXPECT_OK(DkxSystemCallRegister(NULL, NULL));
}

static volatile u64 faults;

static bool skip_ud2(struct dk_exception *exception, struct dk_context *context)
{
	faults++;
	context->rip += 2;
	return exception->code == DK_EXCEPTION_ILLEGAL_INSTRUCTION;
}

TEST(exceptions_of_a_clone)
{
	DK_HANDLE child;

	faults = 0;
	dkt_exception = skip_ud2;
	child = clone();
	if (!child) {
		asm volatile("ud2");
		EXPECT_EQ(faults, 1);
		child_done();
	}
	EXPECT_EQ(wait_code(child), 42);
	EXPECT_EQ(faults, 0);
	/* What nobody handles ends the child alone. */
	child = clone();
	if (!child) {
		DkxUpcallRegister(NULL, NULL);
		asm volatile("ud2");
	}
	EXPECT_EQ(wait_code(child), 128 + 4);
}

static volatile u64 started;

static void count_start(u64 parameter)
{
	started += parameter;
}

TEST(threads_of_a_clone)
{
	DK_HANDLE child = clone();

	started = 0;
	if (!child) {
		DK_HANDLE thread = dkt_thread(count_start, 5);

		EXPECT_TRUE(dkt_wait(thread));
		EXPECT_EQ(started, 5);
		child_done();
	}
	EXPECT_EQ(wait_code(child), 42);
	EXPECT_EQ(started, 0);
}

TEST(handles_are_copied)
{
	DK_HANDLE event, semaphore, weak, closed, reused, child;
	u64 count = POISON, index;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	ASSERT_OK(DkSemaphoreCreate(0, 10, &semaphore));
	ASSERT_OK(DkObjectReference(event, DK_RIGHT_READ, &weak));
	ASSERT_OK(DkNotificationEventCreate(0, &closed));
	ASSERT_OK(DkObjectClose(closed));
	child = clone();
	if (!child) {
		EXPECT_STATUS(DkEventSet(weak), ACCESS_DENIED);
		EXPECT_OK(DkEventPeek(weak, &count));
		EXPECT_EQ(count, 0);
		EXPECT_STATUS(DkEventSet(closed), INVALID_HANDLE);
		EXPECT_STATUS(DkEventSet(semaphore), WRONG_TYPE);
		EXPECT_OK(DkEventSet(event));
		EXPECT_OK(DkSemaphoreRelease(semaphore, 3, &count));
		/* Closed here is not closed there. */
		EXPECT_OK(DkObjectClose(event));
		EXPECT_OK(DkObjectClose(weak));
		EXPECT_OK(DkObjectClose(semaphore));
		/* Free slots are free, and no stale handle fits. */
		for (int i = 0; i < 1000; i++) {
			EXPECT_OK(DkNotificationEventCreate(0, &reused));
			EXPECT_NE(reused, closed);
			EXPECT_NE(reused, event);
			if (i % 2)
				EXPECT_OK(DkObjectClose(reused));
		}
		child_done();
	}
	EXPECT_EQ(wait_code(child), 42);
	EXPECT_OK(DkEventPeek(event, &count));
	EXPECT_EQ(count, 1);
	EXPECT_OK(DkSemaphorePeek(semaphore, &count));
	EXPECT_EQ(count, 3);
	EXPECT_OK(DkObjectsWaitAny(1, &event, 0, &index));
	EXPECT_OK(DkObjectClose(event));
	EXPECT_OK(DkObjectClose(weak));
	EXPECT_OK(DkObjectClose(semaphore));
}

TEST(more_handles_than_a_chunk)
{
	static DK_HANDLE events[1500];
	struct dkt_counts before, after;
	DK_HANDLE child;
	u64 signalled;
	s64 remaining;

	dkt_counts(&before);
	for (int i = 0; i < 1500; i++)
		ASSERT_OK(DkNotificationEventCreate(i & 1, &events[i]));
	for (int i = 0; i < 1500; i += 3)
		EXPECT_OK(DkObjectClose(events[i]));
	child = clone();
	if (!child) {
		for (int i = 0; i < 1500; i++) {
			s64 status = DkEventPeek(events[i], &signalled);

			if (i % 3 == 0)
				EXPECT_EQ(status, DK_STATUS_INVALID_HANDLE);
			else if (status || signalled != (i & 1))
				dkt_fail("event %d", i);
		}
		child_done();
	}
	EXPECT_EQ(wait_code(child), 42);
	for (int i = 0; i < 1500; i++)
		if (i % 3)
			EXPECT_OK(DkObjectClose(events[i]));
	for (int i = 0; i < 200; i++) {
		dkt_counts(&after);
		if (after.handles <= before.handles &&
		    after.objects <= before.objects)
			return;
		DkThreadDelayExecution(10 * MSEC, &remaining);
	}
	EXPECT_LE(after.handles, before.handles);
	EXPECT_LE(after.objects, before.objects);
}

TEST(own_handles_mean_the_clone)
{
	DK_HANDLE self = dkt_parameters->process;
	DK_HANDLE thread = dkt_parameters->thread, child = clone();
	u64 index, id;
	s64 code;

	if (!child) {
		DK_HANDLE grandchild;

		EXPECT_OK(DkxProcessClone(0, &grandchild, &id));
		if (!grandchild) {
			s64 remaining;

			/* The parent is gone; this one is not. */
			DkThreadDelayExecution(200 * MSEC, &remaining);
			EXPECT_STATUS(DkProcessGetExitCode(self, &code), BUSY);
			EXPECT_STATUS(DkObjectsWaitAny(1, &self, 0, &index),
				      TIMEOUT);
			EXPECT_STATUS(DkObjectsWaitAny(1, &thread, 0, &index),
				      TIMEOUT);
			child_done();
		}
		DkProcessExit(id);
	}
	EXPECT_TRUE(dkt_wait(child));
	EXPECT_OK(DkProcessGetExitCode(child, &code));
	EXPECT_OK(DkObjectClose(child));
	/* An orphan can be found by its id. */
	EXPECT_OK(DkxProcessOpen(code, &child));
	EXPECT_EQ(wait_code(child), 42);
	EXPECT_STATUS(DkxProcessOpen(code, &child), NOT_FOUND);
}

TEST(the_position_of_a_file_is_shared)
{
	char uri[128], text[8] = { 0 };
	DK_HANDLE file, child;
	u64 done = 0;

	dkt_snprintf(uri, sizeof(uri), "file:%s/rw/clone", dkt_argument(1));
	file = dkt_open(uri, DK_ACCESS_READ | DK_ACCESS_WRITE, DK_OPEN_CREATE,
			DK_OPTION_MODE(0644));
	EXPECT_OK(DkStreamWrite(file, DK_OFFSET_CURRENT, "one ", 4, &done));
	child = clone();
	if (!child) {
		EXPECT_OK(DkStreamWrite(file, DK_OFFSET_CURRENT, "two ", 4,
					&done));
		child_done();
	}
	EXPECT_EQ(wait_code(child), 42);
	EXPECT_OK(DkStreamWrite(file, DK_OFFSET_CURRENT, "three", 5, &done));
	EXPECT_OK(DkStreamRead(file, 4, text, 7, &done));
	EXPECT_EQ(memcmp(text, "two thr", 7), 0);
	DkObjectClose(file);
	DkStreamDelete(URI(uri), DK_DELETE_FILE);
}

TEST(open_by_id)
{
	DK_HANDLE child = POISON, other = POISON, self = POISON;
	u64 id, index, count = POISON;
	volatile u64 *word = shared_words();
	s64 code = POISON;

	ASSERT_OK(DkxProcessClone(0, &child, &id));
	if (!child) {
		becomes(word, 1);
		DkProcessExit(17);
	}
	EXPECT_OK(DkxProcessOpen(id, &other));
	EXPECT_NE(other, child);
	EXPECT_STATUS(DkProcessGetExitCode(other, &code), BUSY);
	EXPECT_STATUS(DkEventPeek(other, &count), WRONG_TYPE);
	EXPECT_STATUS(DkxProcessOpen(0, &self), NOT_FOUND);
	EXPECT_STATUS(DkxProcessOpen(~0ULL, &self), NOT_FOUND);
	EXPECT_STATUS(DkxProcessOpen(id + 1, &self), NOT_FOUND);
	EXPECT_EQ(self, POISON);
	EXPECT_STATUS(DkxProcessOpen(id, NULL), INVALID_POINTER);
	EXPECT_OK(DkxProcessOpen(DK_PROCESS_FIRST, &self));
	EXPECT_STATUS(DkObjectsWaitAny(1, &self, 0, &index), TIMEOUT);
	EXPECT_OK(DkObjectClose(self));
	word[0] = 1;
	EXPECT_EQ(wait_code(other), 17);
	EXPECT_EQ(wait_code(child), 17);
	EXPECT_STATUS(DkxProcessOpen(id, &other), NOT_FOUND);
	release_words(word);
}

/* Who sees that it has ended finds what it had open closed, at that moment. */
TEST(streams_are_closed_at_its_end)
{
	u64 count = 300, open = 0, done, index;

	for (u64 i = 0; i < count; i++) {
		DK_HANDLE reader, writer, child;

		ASSERT_OK(DkxPipeCreate(0, &reader, &writer));
		child = clone();
		if (!child)
			DkProcessExit(i);
		EXPECT_OK(DkObjectClose(reader));
		ASSERT_NE(child, 0xbad);
		/* Without going to sleep: to wake up would take too long. */
		while (DkObjectsWaitAny(1, &child, 0, &index))
			;
		if (DkStreamWrite(writer, DK_OFFSET_CURRENT, "x", 1, &done) !=
		    DK_STATUS_BROKEN_PIPE)
			open++;
		EXPECT_OK(DkObjectClose(writer));
		ASSERT_EQ(wait_code(child), i);
	}
	EXPECT_EQ(open, 0);
}

TEST(many_one_after_the_other)
{
	struct dkt_counts before, after;
	u64 count = 1000;

	dkt_counts(&before);
	for (u64 i = 0; i < count; i++) {
		DK_HANDLE child = clone();

		if (!child)
			DkProcessExit(i);
		ASSERT_EQ(wait_code(child), i);
	}
	expect_processes(1);
	dkt_counts(&after);
	EXPECT_LE(after.handles, before.handles);
	EXPECT_LE(after.objects, before.objects);
}

TEST(many_at_once)
{
	static DK_HANDLE children[100];
	DK_HANDLE gate;
	u64 index;

	ASSERT_OK(DkNotificationEventCreate(0, &gate));
	for (int i = 0; i < 100; i++) {
		children[i] = clone();
		if (!children[i]) {
			if (DkObjectsWaitAny(1, &gate, 60 * SEC, &index))
				DkProcessExit(1);
			DkProcessExit(1000 + i);
		}
	}
	expect_processes(101);
	EXPECT_OK(DkEventSet(gate));
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(wait_code(children[i]), 1000 + i);
	EXPECT_OK(DkObjectClose(gate));
	expect_processes(1);
}

TEST(a_chain)
{
	volatile u64 *word = shared_words();
	DK_HANDLE child = clone();

	if (!child) {
		/* Each makes the next one and ends before it. */
		for (int depth = 0; depth < 50; depth++) {
			DK_HANDLE next = clone();

			if (next)
				DkProcessExit(0);
			__atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
		}
		word[1] = 1;
		DkProcessExit(0);
	}
	EXPECT_EQ(wait_code(child), 0);
	EXPECT_TRUE(becomes(&word[1], 1));
	EXPECT_EQ(word[0], 50);
	expect_processes(1);
	release_words(word);
}

static volatile u64 stop;

static void clone_and_wait(u64 parameter)
{
	for (u64 i = 0; i < parameter; i++) {
		DK_HANDLE child = clone();

		if (!child)
			DkProcessExit(i);
		if (wait_code(child) != i)
			dkt_fail("wrong child");
	}
}

static void open_and_close(u64 parameter)
{
	while (!stop) {
		DK_HANDLE events[8];

		for (int i = 0; i < 8; i++)
			DkNotificationEventCreate(0, &events[i]);
		for (int i = 0; i < 8; i++)
			DkObjectClose(events[i]);
	}
}

TEST(clones_of_many_threads)
{
	struct dkt_counts counts;
	DK_HANDLE threads[4], busy[2];

	stop = 0;
	for (int i = 0; i < 2; i++)
		busy[i] = dkt_thread(open_and_close, 0);
	for (int i = 0; i < 4; i++)
		threads[i] = dkt_thread(clone_and_wait, 60);
	for (int i = 0; i < 4; i++) {
		u64 index;

		EXPECT_OK(DkObjectsWaitAny(1, &threads[i], 100 * SEC, &index));
		DkObjectClose(threads[i]);
	}
	stop = 1;
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(dkt_wait(busy[i]));
		DkObjectClose(busy[i]);
	}
	expect_processes(1);
	dkt_counts(&counts);
	EXPECT_LE(counts.threads, 7);
}

/* Clones until its process ends. */
static void clone_forever(u64 parameter)
{
	for (;;) {
		DK_HANDLE child = 0;
		u64 id;

		if (!DkxProcessClone(0, &child, &id) && !child)
			DkProcessExit(0);
		DkObjectClose(child);
	}
}

TEST(clones_while_the_process_exits)
{
	s64 remaining;

	for (int i = 0; i < 50; i++) {
		DK_HANDLE child = clone();

		if (!child) {
			for (int k = 0; k < 3; k++)
				dkt_thread(clone_forever, 0);
			DkThreadDelayExecution(i * 200000, &remaining);
			DkProcessExit(5);
		}
		EXPECT_EQ(wait_code(child), 5);
	}
	expect_processes(1);
}

/* The place for the id goes away while the call is made. */
static void take_away(u64 parameter)
{
	while (!stop) {
		void *base = (void *)parameter;
		u64 length = PAGE;
		s64 remaining;

		DkThreadDelayExecution(3 * MSEC, &remaining);
		DkVirtualMemoryFree(base, PAGE, DK_MEM_RELEASE);
		DkVirtualMemoryAlloc(&base, &length,
				     DK_MEM_RESERVE | DK_MEM_COMMIT,
				     DK_PROT_READ | DK_PROT_WRITE);
	}
}

TEST(memory_that_goes_away)
{
	struct dkt_counts before, after;
	u64 *out = dkt_pages(1), made = 0, refused = 0;
	DK_HANDLE thread;

	stop = 0;
	thread = dkt_thread(take_away, (u64)out);
	dkt_counts(&before);
	for (int i = 0; i < 200; i++) {
		DK_HANDLE child = POISON;
		DK_STATUS status = DkxProcessClone(0, &child, out);

		if (!status && !child)
			DkProcessExit(i);
		if (!status) {
			s64 code = wait_code(child);

			/* A copy without the page does not begin. */
			if (code != 128 + 9)
				EXPECT_EQ(code, i);
			made++;
		} else {
			EXPECT_EQ(status, DK_STATUS_INVALID_POINTER);
			refused++;
		}
	}
	expect_processes(1);
	dkt_counts(&after);
	EXPECT_EQ(after.handles, before.handles);
	stop = 1;
	EXPECT_TRUE(dkt_wait(thread));
	DkObjectClose(thread);
	dkt_print("# %lu made, %lu refused\n", (unsigned long)made,
		  (unsigned long)refused);
}
