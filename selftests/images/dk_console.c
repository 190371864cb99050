// SPDX-License-Identifier: GPL-2.0-only
/*
 * A terminal as stderr: DkxConsoleControl, reading and writing, in the
 * background, and when it hangs up. Its other side is lib/terminal.c.
 */
#include "dktest.h"
#include "edge.h"

#define CURRENT	DK_OFFSET_CURRENT
#define BOTH	(DK_ACCESS_READ | DK_ACCESS_WRITE)

/* As the kernel has it. */
struct attributes {
	u32 input, output, control, local;
	u8 line, characters[19];
};

#define ICANON	0x2
#define ECHO	0x8

static DK_HANDLE tty;

static s64 ask(const char *question)
{
	s64 answer = -1;

	dkt_ask(question, &answer, sizeof(answer));
	return answer;
}

static s64 get(struct attributes *a)
{
	return DkxConsoleControl(tty, DK_CONSOLE_GET_ATTRIBUTES, a, sizeof(*a));
}

static s64 set(u64 how, struct attributes *a)
{
	return DkxConsoleControl(tty, how, a, sizeof(*a));
}

static int readable(void)
{
	int n = -1;

	EXPECT_OK(DkxConsoleControl(tty, DK_CONSOLE_BYTES_READABLE, &n,
				    sizeof(n)));
	return n;
}

TEST(attributes)
{
	struct attributes a, b;

	_Static_assert(sizeof(a) == 36, "the kernel's struct termios");
	tty = dkt_open("stderr:", BOTH, DK_OPEN_EXISTING, 0);
	EXPECT_EQ(ask("@foreground\n"), 0);
	EXPECT_OK(get(&a));
	EXPECT_EQ(a.local & (ICANON | ECHO), ICANON | ECHO);
	for (int i = DK_CONSOLE_SET_ATTRIBUTES;
	     i <= DK_CONSOLE_SET_ATTRIBUTES_FLUSH; i++) {
		a.local ^= ECHO;
		EXPECT_OK(set(i, &a));
		EXPECT_OK(get(&b));
		EXPECT_EQ(memcmp(&a, &b, sizeof(a)), 0);
	}
	/* The three have left it off. */
	EXPECT_EQ(b.local & ECHO, 0);
}

TEST(window)
{
	u16 size[4] = { 43, 132, 1, 2 }, found[4] = { 0 };

	EXPECT_OK(DkxConsoleControl(tty, DK_CONSOLE_SET_WINDOW_SIZE, size,
				    sizeof(size)));
	EXPECT_OK(DkxConsoleControl(tty, DK_CONSOLE_GET_WINDOW_SIZE, found,
				    sizeof(found)));
	EXPECT_EQ(memcmp(size, found, sizeof(size)), 0);
}

TEST(wrong_arguments)
{
	struct attributes a;

	EXPECT_OK(get(&a));
	for (u64 i = 0; i <= DK_CONSOLE_SET_WINDOW_SIZE; i++) {
		EXPECT_STATUS(DkxConsoleControl(tty, i, &a, 35),
			      INVALID_PARAMETER);
		EXPECT_STATUS(DkxConsoleControl(tty, i, &a, 0),
			      INVALID_PARAMETER);
	}
	EXPECT_STATUS(DkxConsoleControl(tty, DK_CONSOLE_SET_WINDOW_SIZE + 1, &a,
					8),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxConsoleControl(tty, DK_CONSOLE_GET_ATTRIBUTES, (u8 *)8,
					36),
		      INVALID_POINTER);
	EXPECT_STATUS(DkxConsoleControl(tty, DK_CONSOLE_SET_ATTRIBUTES, (u8 *)8,
					36),
		      INVALID_POINTER);
}

/* Memory that ends behind the last byte, and before it. */
TEST(at_the_edge_of_a_page)
{
	const u16 size[4] = { 25, 81, 3, 4 };
	struct attributes a, b, first;
	u8 bytes[8], *at;

	make_edge();
	EXPECT_OK(get(&a));
	first = a;
	at = at_edge(&b, sizeof(b), 0);
	memset(at, 0, sizeof(b));
	EXPECT_OK(get((struct attributes *)at));
	EXPECT_EQ(memcmp(at, &a, sizeof(a)), 0);
	EXPECT_TRUE(guarded(at));
	for (int i = DK_CONSOLE_SET_ATTRIBUTES;
	     i <= DK_CONSOLE_SET_ATTRIBUTES_FLUSH; i++) {
		a.local ^= ECHO;
		for (u64 over = 1; over <= sizeof(a); over++) {
			at = at_edge(&a, sizeof(a), over);
			EXPECT_STATUS(set(i, (struct attributes *)at),
				      INVALID_POINTER);
		}
		/* Nothing has been set by that. */
		EXPECT_OK(get(&b));
		EXPECT_EQ(a.local ^ b.local, ECHO);
		EXPECT_OK(set(i, at_edge(&a, sizeof(a), 0)));
		EXPECT_OK(get(&b));
		EXPECT_EQ(memcmp(&a, &b, sizeof(a)), 0);
	}
	EXPECT_OK(set(DK_CONSOLE_SET_ATTRIBUTES, &first));
	for (u64 over = 1; over <= sizeof(a); over++) {
		at = at_edge(&a, sizeof(a), over);
		EXPECT_STATUS(get((struct attributes *)at), INVALID_POINTER);
		EXPECT_TRUE(guarded(at));
	}
	EXPECT_OK(DkxConsoleControl(tty, DK_CONSOLE_SET_WINDOW_SIZE,
				    at_edge(size, sizeof(size), 0),
				    sizeof(size)));
	for (u64 over = 1; over <= sizeof(size); over++) {
		memset(bytes, 0, sizeof(bytes));
		EXPECT_STATUS(DkxConsoleControl(tty, DK_CONSOLE_SET_WINDOW_SIZE,
						at_edge(bytes, 8, over), 8),
			      INVALID_POINTER);
		at = at_edge(bytes, 8, over);
		EXPECT_STATUS(DkxConsoleControl(tty, DK_CONSOLE_GET_WINDOW_SIZE,
						at, 8),
			      INVALID_POINTER);
		EXPECT_TRUE(guarded(at));
	}
	at = at_edge(bytes, 8, 0);
	EXPECT_OK(DkxConsoleControl(tty, DK_CONSOLE_GET_WINDOW_SIZE, at, 8));
	EXPECT_EQ(memcmp(at, size, sizeof(size)), 0);
	at = at_edge(bytes, 4, 0);
	memset(at, 0x5a, 4);
	EXPECT_OK(DkxConsoleControl(tty, DK_CONSOLE_BYTES_READABLE, at, 4));
	EXPECT_EQ(*(int *)at, 0);
	for (u64 over = 1; over <= 4; over++)
		EXPECT_STATUS(DkxConsoleControl(tty, DK_CONSOLE_BYTES_READABLE,
						at_edge(bytes, 4, over), 4),
			      INVALID_POINTER);
	expect_edge();
}

TEST(text)
{
	struct attributes a;
	char line[64];
	u64 done = 0;

	/* Lines, without echo. */
	EXPECT_EQ(ask("@type hello\n"), 6);
	for (int i = 0; i < 1000 && readable() < 6; i++)
		DkThreadDelayExecution(10 * MSEC, NULL);
	EXPECT_EQ(readable(), 6);
	EXPECT_OK(DkStreamRead(tty, CURRENT, line, sizeof(line), &done));
	EXPECT_EQ(done, 6);
	EXPECT_EQ(memcmp(line, "hello\n", 6), 0);
	/* What was typed and not read is dropped with FLUSH alone. */
	EXPECT_OK(get(&a));
	EXPECT_EQ(ask("@type again\n"), 6);
	for (int i = 0; i < 1000 && readable() < 6; i++)
		DkThreadDelayExecution(10 * MSEC, NULL);
	EXPECT_OK(set(DK_CONSOLE_SET_ATTRIBUTES, &a));
	EXPECT_OK(set(DK_CONSOLE_SET_ATTRIBUTES_DRAIN, &a));
	EXPECT_EQ(readable(), 6);
	EXPECT_OK(set(DK_CONSOLE_SET_ATTRIBUTES_FLUSH, &a));
	EXPECT_EQ(readable(), 0);
	EXPECT_OK(DkStreamWrite(tty, CURRENT, "four", 4, &done));
	EXPECT_EQ(done, 4);
	/* It is passed on a little later; and nothing was before. */
	for (int i = 0; i < 1000 && !ask("@shown\n"); i++)
		DkThreadDelayExecution(10 * MSEC, NULL);
	EXPECT_EQ(ask("@shown\n"), 4);
}

/* Changing a terminal in the background stops the process, as a shell expects. */
TEST(in_the_background)
{
	struct attributes a;

	EXPECT_OK(get(&a));
	EXPECT_EQ(ask("@background\n"), 0);
	/* Looking does not. */
	EXPECT_OK(get(&a));
	dkt_print("@later\n");
	EXPECT_OK(set(DK_CONSOLE_SET_ATTRIBUTES, &a));
	/* Once in the background, and again when it was let go on there. */
	EXPECT_GE(ask("@stops\n"), 2);
}

static volatile bool calling, raised;

static void raiser(u64 unused)
{
	while (!calling)
		;
	/* The other one is on its way. */
	DkThreadRaiseException(dkt_parameters->thread, DK_EXCEPTION_RAISED, 0);
	raised = true;
}

static bool goes_on(struct dk_exception *exception, struct dk_context *context)
{
	return exception->code == DK_EXCEPTION_RAISED;
}

/* An exception ends the call, if it comes while it lasts. */
TEST(interrupted)
{
	struct attributes a;
	DK_HANDLE thread;
	s64 status = 0;

	dkt_exception = goes_on;
	EXPECT_OK(get(&a));
	for (int i = 0; i < 100 && !status; i++) {
		EXPECT_EQ(ask("@background\n"), 0);
		calling = raised = false;
		thread = dkt_thread(raiser, 0);
		dkt_print("@later\n");
		calling = true;
		status = set(DK_CONSOLE_SET_ATTRIBUTES, &a);
		/* Nothing that waits before it has come, be it late. */
		while (!raised)
			;
		DkThreadYieldExecution();
		ask("@stops\n");
		EXPECT_TRUE(dkt_wait(thread));
		DkObjectClose(thread);
	}
	EXPECT_EQ(status, DK_STATUS_INTERRUPTED);
}

static DK_HANDLE abort_event;
static s64 late;

/* It hears of the request when it comes to wait. */
static void set_late(u64 attributes)
{
	u64 signalled = 0;

	while (!signalled)
		DkEventPeek(abort_event, &signalled);
	dkt_print("@later\n");
	late = set(DK_CONSOLE_SET_ATTRIBUTES, (struct attributes *)attributes);
}

TEST(aborted)
{
	struct attributes a;
	DK_HANDLE thread;

	EXPECT_OK(DkNotificationEventCreate(0, &abort_event));
	EXPECT_OK(DkAbortEventRegister(abort_event));
	EXPECT_OK(get(&a));
	EXPECT_EQ(ask("@background\n"), 0);
	thread = dkt_thread(set_late, (u64)&a);
	EXPECT_EQ(ask("@abort\n"), 1);
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_EQ(late, DK_STATUS_ABORTED);
	ask("@stops\n");
	DkObjectClose(thread);
}

TEST(hung_up)
{
	struct attributes a;
	u64 done = POISON;
	u8 byte;

	EXPECT_OK(get(&a));
	EXPECT_EQ(ask("@background\n"), 0);
	EXPECT_EQ(ask("@hangup\n"), 0);
	EXPECT_STATUS(get(&a), IO_ERROR);
	EXPECT_STATUS(set(DK_CONSOLE_SET_ATTRIBUTES, &a), IO_ERROR);
	EXPECT_OK(DkStreamRead(tty, CURRENT, &byte, 1, &done));
	EXPECT_EQ(done, 0);
	EXPECT_STATUS(DkStreamWrite(tty, CURRENT, "x", 1, &done), IO_ERROR);
	EXPECT_OK(DkObjectClose(tty));
}
