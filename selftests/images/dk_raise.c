// SPDX-License-Identifier: GPL-2.0-only
/* DkThreadRaiseException: wherever the target is, in order, nothing lost. */
#include "dktest.h"

static void sleep_ms(s64 ms)
{
	s64 remaining;

	DkThreadDelayExecution(ms * MSEC, &remaining);
}

static u64 taken, sum;
static struct dk_exception seen;
static struct dk_context where;

static bool note(struct dk_exception *exception, struct dk_context *context)
{
	if (exception->code < DK_EXCEPTION_RAISED)
		return false;
	seen = *exception;
	where = *context;
	__atomic_add_fetch(&sum, exception->parameter, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
	return true;
}

static void reset(dkt_exception_fn handler)
{
	taken = 0;
	sum = 0;
	memset(&seen, 0xee, sizeof(seen));
	dkt_exception = handler;
}

static bool taken_are(u64 n)
{
	for (int i = 0; i < 3000; i++) {
		if (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) >= n)
			break;
		/* Not a wait for the target's own test. */
		sleep_ms(10);
	}
	return taken == n;
}

TEST(on_oneself)
{
	DK_HANDLE self = dkt_parameters->thread;

	reset(note);
	EXPECT_OK(DkThreadRaiseException(self, DK_EXCEPTION_RAISED, 77));
	EXPECT_EQ(taken, 1);
	EXPECT_EQ(seen.code, DK_EXCEPTION_RAISED);
	EXPECT_EQ(seen.parameter, 77);
	EXPECT_EQ(seen.trap, 0);
	EXPECT_EQ(seen.error_code, 0);
	EXPECT_EQ(seen.address, 0);
	EXPECT_EQ(seen.signal, 0);
	EXPECT_EQ(seen.signal_code, 0);
	/* Behind the call, whose status it is. */
	EXPECT_EQ(where.rax, 0);
	EXPECT_EQ(*(u16 *)(where.rip - 2), 0x050f);
	EXPECT_OK(DkThreadRaiseException(self, 0xffffffff, ~0ULL));
	EXPECT_EQ(seen.code, 0xffffffff);
	EXPECT_EQ(seen.parameter, ~0ULL);
	EXPECT_OK(DkThreadRaiseException(self, DK_EXCEPTION_USER, 0));
	EXPECT_EQ(seen.code, DK_EXCEPTION_USER);
	EXPECT_EQ(taken, 3);
}

TEST(codes_that_are_not_ours)
{
	DK_HANDLE self = dkt_parameters->thread, weak;

	reset(note);
	for (u64 code = 0; code < DK_EXCEPTION_USER; code++)
		if (code != DK_EXCEPTION_RAISED)
			EXPECT_STATUS(DkThreadRaiseException(self, code, 0),
				      INVALID_PARAMETER);
	EXPECT_STATUS(DkThreadRaiseException(self, 1ULL << 32, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkThreadRaiseException(self,
					     1ULL << 32 | DK_EXCEPTION_RAISED,
					     0),
		      INVALID_PARAMETER);
	ASSERT_OK(
		DkObjectReference(self, DK_RIGHT_READ | DK_RIGHT_WAIT, &weak));
	EXPECT_STATUS(DkThreadRaiseException(weak, DK_EXCEPTION_RAISED, 0),
		      ACCESS_DENIED);
	EXPECT_OK(DkObjectClose(weak));
	EXPECT_EQ(taken, 0);
}

/* ---- running ---- */

static volatile u64 go_on;

/* Every register that a compiler may use, compared with what it was. */
static void spin(u64 parameter)
{
	u64 bad = 0, a = parameter, b = ~parameter;

	while (go_on) {
		a = a * 5 + 1;
		b = b * 5 + 1;
		bad |= a + b + 1 - (a + b + 1);
		if (a + b != ~0ULL * 1) {
			/* a and b stay complements of a sort: 5x + 1 each. */
			a = parameter;
			b = ~parameter;
		}
	}
	if (bad)
		dkt_fail("a register changed");
}

TEST(running)
{
	DK_HANDLE thread;

	reset(note);
	go_on = 1;
	thread = dkt_thread(spin, 12345);
	for (u64 i = 1; i <= 200; i++) {
		EXPECT_OK(
			DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, i));
		if (i % 50 == 0)
			EXPECT_TRUE(taken_are(i));
	}
	EXPECT_TRUE(taken_are(200));
	EXPECT_EQ(sum, 200 * 201 / 2);
	go_on = 0;
	EXPECT_TRUE(dkt_wait(thread));
	DkObjectClose(thread);
}

/* ---- waiting ---- */

static DK_HANDLE event, reader, writer;
static u32 word;
static s64 result, left;

static void in_wait(u64 timeout)
{
	u64 index = POISON;

	result = DkObjectsWaitAny(1, &event, timeout, &index);
	if (index != POISON)
		dkt_fail("an index without success");
}

static void in_delay(u64 duration)
{
	left = POISON;
	result = DkThreadDelayExecution(duration, &left);
}

static void in_delay_without_result(u64 duration)
{
	result = DkThreadDelayExecution(duration, NULL);
}

static void at_address(u64 operation)
{
	s64 end = dkt_now() + 60 * SEC;
	struct dk_deadline deadline = { end / SEC, end % SEC };

	result = DkxAddressWait(&word, DK_ADDRESS_WAIT | operation, 0,
				operation ? &deadline : NULL, 0,
				DK_ADDRESS_ALL_BITS);
}

static void in_read(u64 parameter)
{
	u64 done = POISON;
	char c;

	result = DkStreamRead(reader, DK_OFFSET_CURRENT, &c, 1, &done);
	if (done != POISON)
		dkt_fail("bytes without success");
}

static void in_write(u64 parameter)
{
	static u8 much[65536];
	u64 done = 0;
	s64 status;

	do {
		status = DkStreamWrite(writer, DK_OFFSET_CURRENT, much,
				       sizeof(much), &done);
	} while (!status && done == sizeof(much));
	result = status;
}

static void interrupted(void (*call)(u64), u64 parameter)
{
	DK_HANDLE thread;

	reset(note);
	result = POISON;
	thread = dkt_thread(call, parameter);
	sleep_ms(60); /* until it waits */
	EXPECT_EQ(result, POISON);
	EXPECT_OK(DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 5));
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_EQ(taken, 1);
	EXPECT_EQ(seen.parameter, 5);
	DkObjectClose(thread);
}

static void ends_interrupted(void (*call)(u64), u64 parameter)
{
	interrupted(call, parameter);
	EXPECT_EQ(result, DK_STATUS_INTERRUPTED);
	EXPECT_EQ((s64)where.rax, DK_STATUS_INTERRUPTED);
	EXPECT_EQ(*(u16 *)(where.rip - 2), 0x050f);
}

TEST(waiting_for_objects)
{
	ASSERT_OK(DkSynchronizationEventCreate(0, &event));
	ends_interrupted(in_wait, DK_TIMEOUT_INFINITE);
	ends_interrupted(in_wait, 60 * SEC);
	DkObjectClose(event);
}

TEST(sleeping)
{
	ends_interrupted(in_delay, 60 * SEC);
	EXPECT_TRUE(left > 30 * SEC && left < 60 * SEC);
	ends_interrupted(in_delay, DK_TIMEOUT_INFINITE);
	EXPECT_EQ(left, DK_TIMEOUT_INFINITE);
	ends_interrupted(in_delay_without_result, 60 * SEC);
}

TEST(waiting_at_an_address)
{
	ends_interrupted(at_address, 0);
	ends_interrupted(at_address, DK_ADDRESS_PRIVATE);
}

TEST(reading_and_writing)
{
	ASSERT_OK(DkxPipeCreate(0, &reader, &writer));
	ends_interrupted(in_read, 0);
	/* A write has filled the pipe before: it says how far it came. */
	interrupted(in_write, 0);
	EXPECT_TRUE(result == 0 || result == DK_STATUS_INTERRUPTED);
	DkObjectClose(reader);
	DkObjectClose(writer);
}

static u64 waits, interruptions, timeouts;

static void waits_and_counts(u64 rounds)
{
	while (waits < rounds) {
		u64 index;
		s64 status = DkObjectsWaitAny(1, &event, 20 * SEC, &index);

		if (status == DK_STATUS_SUCCESS)
			waits++;
		else if (status == DK_STATUS_INTERRUPTED)
			interruptions++;
		else {
			timeouts++;
			return;
		}
	}
}

/* Signalled and raised at once: the signal is not lost, whoever comes first. */
TEST(what_was_consumed_is_returned)
{
	u64 previous, raised = 0;
	DK_HANDLE thread;

	reset(note);
	waits = interruptions = timeouts = 0;
	ASSERT_OK(DkSemaphoreCreate(0, 100000, &event));
	thread = dkt_thread(waits_and_counts, 1000);
	for (u64 i = 0; i < 1000; i++) {
		if (i & 1)
			EXPECT_OK(DkSemaphoreRelease(event, 1, &previous));
		/* It ends when it has got the last one. */
		if (i < 999)
			raised += !DkThreadRaiseException(thread,
							  DK_EXCEPTION_RAISED,
							  1);
		if (!(i & 1))
			EXPECT_OK(DkSemaphoreRelease(event, 1, &previous));
		if (i % 64 == 0)
			sleep_ms(1);
	}
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_EQ(waits, 1000);
	EXPECT_EQ(timeouts, 0);
	EXPECT_LE(interruptions, raised);
	EXPECT_EQ(taken, raised);
	DkObjectClose(thread);
	DkObjectClose(event);
}

/* ---- handlers ---- */

static u64 order[64], orders;

static bool raises_the_next(struct dk_exception *exception,
			    struct dk_context *context)
{
	DK_STATUS status = DK_STATUS_SUCCESS;

	order[orders++] = exception->parameter;
	if (exception->parameter < 40)
		status = DkThreadRaiseException(dkt_parameters->thread,
						DK_EXCEPTION_RAISED,
						exception->parameter + 1);
	if (status)
		dkt_fail("raised in a handler: %s", dkt_status(status));
	order[orders++ % 64] = 1000 + exception->parameter;
	return true;
}

/* The first ones interrupt each other, the rest comes as they end. */
TEST(nested)
{
	u64 starts = 0, ends = 0;

	orders = 0;
	dkt_exception = raises_the_next;
	EXPECT_OK(DkThreadRaiseException(dkt_parameters->thread,
					 DK_EXCEPTION_RAISED, 20));
	EXPECT_EQ(orders, 42);
	for (u64 i = 0; i < orders; i++) {
		if (order[i] < 1000)
			EXPECT_EQ(order[i], 20 + starts++);
		else
			ends++;
	}
	EXPECT_EQ(starts, 21);
	EXPECT_EQ(ends, 21);
	/* 16 at once: the 17th waited for the end of the 16th. */
	EXPECT_EQ(order[15], 35);
	EXPECT_EQ(order[16], 1035);
	EXPECT_EQ(order[17], 36);
}

static volatile u64 released;

static bool stays(struct dk_exception *exception, struct dk_context *context)
{
	order[orders++ % 64] = exception->parameter;
	note(exception, context);
	while (!released)
		;
	return true;
}

TEST(as_many_as_fit)
{
	DK_HANDLE thread;
	s64 status = 0;
	u64 n = 0;

	reset(stays);
	orders = 0;
	released = 0;
	go_on = 1;
	thread = dkt_thread(spin, 1);
	/* One after the other until 16 handlers stay. */
	for (u64 i = 1; i <= 16; i++) {
		EXPECT_OK(DkThreadRaiseException(thread, DK_EXCEPTION_RAISED,
						 ++n));
		EXPECT_TRUE(taken_are(i));
	}
	while (n < 2000) {
		status = DkThreadRaiseException(thread, DK_EXCEPTION_RAISED,
						n + 1);
		if (status)
			break;
		n++;
	}
	EXPECT_EQ(status, DK_STATUS_LIMIT_EXCEEDED);
	EXPECT_EQ(n, 16 + 1024);
	EXPECT_EQ(taken, 16);
	/* Those that waited come in their order, each when it fits. */
	orders = 0;
	released = 1;
	EXPECT_TRUE(taken_are(n));
	EXPECT_EQ(sum, n * (n + 1) / 2);
	EXPECT_EQ(orders, 1024);
	for (u64 i = 0; i < 64; i++)
		EXPECT_EQ(order[i], n - 63 + i);
	/* And it is as good as new. */
	EXPECT_OK(DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 1));
	EXPECT_TRUE(taken_are(n + 1));
	go_on = 0;
	EXPECT_TRUE(dkt_wait(thread));
	DkObjectClose(thread);
}

/* On the exception stack, also where a handler is interrupted there. */
static struct dk_thread_block block;
static u64 stack_low, stack_high;

static bool on_the_stack(struct dk_exception *exception,
			 struct dk_context *context)
{
	u64 sp = (u64)__builtin_frame_address(0);

	if (sp < stack_low || sp >= stack_high)
		dkt_fail("the handler is not on its stack");
	taken++;
	if (exception->parameter)
		DkThreadRaiseException(dkt_parameters->thread,
				       DK_EXCEPTION_RAISED,
				       exception->parameter - 1);
	return true;
}

TEST(on_the_exception_stack)
{
	u8 *stack = dkt_pages(4);

	reset(on_the_stack);
	stack_low = (u64)stack;
	stack_high = stack_low + 4 * PAGE;
	block.exception_stack_base = stack_low;
	block.exception_stack_size = 4 * PAGE;
	/* An entry has to be there; nothing goes to it. */
	ASSERT_OK(DkxSystemCallRegister((void *)sleep_ms, &block));
	for (int i = 0; i < 50; i++)
		EXPECT_OK(DkThreadRaiseException(dkt_parameters->thread,
						 DK_EXCEPTION_RAISED, 5));
	EXPECT_EQ(taken, 300);
	EXPECT_OK(DkxSystemCallRegister(NULL, NULL));
}

/* ---- many raisers ---- */

#define RAISERS	8
#define RAISES	400

static DK_HANDLE target;
static u64 refused;

static void raiser(u64 parameter)
{
	for (u64 i = 0; i < RAISES; i++) {
		s64 status;

		while ((status = DkThreadRaiseException(target,
							DK_EXCEPTION_USER,
							parameter)) ==
		       DK_STATUS_LIMIT_EXCEEDED) {
			__atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
			DkThreadYieldExecution();
		}
		if (status)
			dkt_fail("raising gave %s", dkt_status(status));
	}
}

static void many(void (*call)(u64), u64 parameter)
{
	DK_HANDLE raisers[RAISERS];

	reset(note);
	refused = 0;
	go_on = 1;
	target = dkt_thread(call, parameter);
	for (u64 i = 0; i < RAISERS; i++)
		raisers[i] = dkt_thread(raiser, i + 1);
	for (u64 i = 0; i < RAISERS; i++) {
		EXPECT_TRUE(dkt_wait(raisers[i]));
		DkObjectClose(raisers[i]);
	}
	EXPECT_TRUE(taken_are(RAISERS * RAISES));
	EXPECT_EQ(sum, RAISES * RAISERS * (RAISERS + 1) / 2);
	go_on = 0;
}

TEST(many_raisers_running_target)
{
	many(spin, 7);
	EXPECT_TRUE(dkt_wait(target));
	DkObjectClose(target);
}

static void waits_often(u64 parameter)
{
	while (go_on) {
		u64 index;
		s64 remaining, status;

		status = DkObjectsWaitAny(1, &event, 5 * MSEC, &index);
		if (status != DK_STATUS_TIMEOUT &&
		    status != DK_STATUS_INTERRUPTED)
			dkt_fail("the target's wait: %s", dkt_status(status));
		status = DkThreadDelayExecution(MSEC, &remaining);
		if (status && status != DK_STATUS_INTERRUPTED)
			dkt_fail("the target's sleep: %s", dkt_status(status));
	}
}

TEST(many_raisers_waiting_target)
{
	ASSERT_OK(DkSynchronizationEventCreate(0, &event));
	many(waits_often, 0);
	EXPECT_TRUE(dkt_wait(target));
	DkObjectClose(target);
	DkObjectClose(event);
}

/* ---- a process: its oldest thread ---- */

static void raises_on_it(u64 process)
{
	sleep_ms(50);
	if (DkThreadRaiseException(process, DK_EXCEPTION_RAISED, 9))
		dkt_fail("cannot raise on a process");
}

TEST(on_a_process)
{
	DK_HANDLE process, thread;
	u64 index;

	reset(note);
	ASSERT_OK(DkxProcessOpen(DK_PROCESS_FIRST, &process));
	EXPECT_OK(DkThreadRaiseException(process, DK_EXCEPTION_USER, 3));
	EXPECT_EQ(taken, 1);
	EXPECT_EQ(seen.code, DK_EXCEPTION_USER);
	ASSERT_OK(DkSynchronizationEventCreate(0, &event));
	thread = dkt_thread(raises_on_it, process);
	EXPECT_STATUS(DkObjectsWaitAny(1, &event, 60 * SEC, &index),
		      INTERRUPTED);
	EXPECT_EQ(taken, 2);
	EXPECT_EQ(seen.parameter, 9);
	EXPECT_TRUE(dkt_wait(thread));
	DkObjectClose(thread);
	EXPECT_STATUS(DkThreadRaiseException(event, DK_EXCEPTION_USER, 3),
		      WRONG_TYPE);
	DkObjectClose(event);
	DkObjectClose(process);
}

/* A child raises on the process that it was cloned from, which waits for it. */
TEST(from_a_clone)
{
	DK_HANDLE process, parent;
	u64 index, id;
	s64 status;

	reset(note);
	ASSERT_OK(DkxProcessClone(0, &process, &id));
	if (!process) {
		/* Handles to the parent are handles to the child here. */
		DkxProcessOpen(DK_PROCESS_FIRST, &parent);
		for (int i = 0; i < 20; i++)
			DkThreadRaiseException(parent, DK_EXCEPTION_USER, i);
		DkProcessExit(0);
	}
	do {
		status = DkObjectsWaitAny(1, &process, 30 * SEC, &index);
	} while (status == DK_STATUS_INTERRUPTED);
	EXPECT_EQ(status, 0);
	EXPECT_TRUE(taken_are(20));
	EXPECT_EQ(sum, 190);
	EXPECT_STATUS(DkThreadRaiseException(process, DK_EXCEPTION_USER, 0),
		      ENDED);
	DkObjectClose(process);
}

/* ---- starting, ending ---- */

static void returns(u64 parameter)
{
}

static u64 started;

static void says_so(u64 parameter)
{
	__atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
	while (go_on)
		;
}

TEST(just_starting)
{
	reset(note);
	started = 0;
	for (int i = 0; i < 50; i++) {
		DK_HANDLE thread;

		go_on = 1;
		thread = dkt_thread(says_so, 0);
		EXPECT_OK(
			DkThreadRaiseException(thread, DK_EXCEPTION_RAISED, 1));
		EXPECT_TRUE(taken_are(i + 1));
		go_on = 0;
		EXPECT_TRUE(dkt_wait(thread));
		DkObjectClose(thread);
	}
	EXPECT_EQ(started, 50);
}

TEST(just_ending)
{
	u64 good = 0, ended = 0;

	reset(note);
	for (int i = 0; i < 200; i++) {
		DK_HANDLE thread = dkt_thread(returns, 0);
		s64 status;

		for (int k = 0; k < 10; k++) {
			status = DkThreadRaiseException(thread,
							DK_EXCEPTION_RAISED, 1);
			if (status == DK_STATUS_ENDED)
				ended++;
			else if (!status)
				good++;
			else
				dkt_fail("raising gave %s", dkt_status(status));
			if (i & 1)
				DkThreadYieldExecution();
		}
		EXPECT_TRUE(dkt_wait(thread));
		EXPECT_STATUS(DkThreadRaiseException(thread,
						     DK_EXCEPTION_RAISED, 1),
			      ENDED);
		DkObjectClose(thread);
	}
	EXPECT_LE(taken, good);
	dkt_print("# %lu raised, %lu taken, %lu too late\n",
		  (unsigned long)good, (unsigned long)taken,
		  (unsigned long)ended);
}

/* One raises while the other ends in the middle of everything. */
static void ends_in_a_wait(u64 parameter)
{
	u64 index;

	DkObjectsWaitAny(1, &event, parameter, &index);
	DkThreadExit();
}

TEST(ending_with_some_left)
{
	reset(note);
	ASSERT_OK(DkNotificationEventCreate(0, &event));
	for (u64 i = 0; i < 100; i++) {
		DK_HANDLE thread = dkt_thread(ends_in_a_wait, i * 20000);

		for (u64 k = 0; k < i % 40; k++)
			DkThreadRaiseException(thread, DK_EXCEPTION_USER, k);
		EXPECT_TRUE(dkt_wait(thread));
		DkObjectClose(thread);
	}
	DkObjectClose(event);
	dkt_exception = NULL;
}
