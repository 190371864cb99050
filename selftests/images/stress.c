// SPDX-License-Identifier: GPL-2.0-only
/*
 * Works until it is killed, or until its time is over: stress.img MILLISECONDS
 * SEED HOW. Threads come and go, wait for each other, map, open files and
 * fault. HOW: "fault" ends by an unhandled exception at a random moment,
 * "exit" by DkProcessExit on a random thread, anything else by its time.
 *
 * Not a list of TESTs: LibOsInitialize is this file's own.
 */
#include <pal.h>
#include <stdbool.h>

#define THREADS	4

static DK_HANDLE events[THREADS], semaphore;
static volatile dk_u64 faults;
static dk_s64 end;
static dk_u64 end_how;

static dk_u64 next_random(dk_u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

void LibOsExceptionDispatch(struct dk_exception *exception,
			    struct dk_context *context)
{
	if (exception->code != DK_EXCEPTION_ILLEGAL_INSTRUCTION)
		DkProcessExit(128 + exception->signal);
	__atomic_add_fetch(&faults, 1, __ATOMIC_RELAXED);
	context->rip += 2;
	PalContextRestore(context);
}

static void nothing(dk_u64 parameter)
{
}

static void one_step(dk_u64 *state)
{
	dk_u64 done, index, length = 65536, previous;
	dk_s64 remaining;
	DK_HANDLE h;
	void *base = (void *)0;
	char buffer[256];

	switch (next_random(state) % 10) {
	case 0:
		if (DkVirtualMemoryAlloc(&base, &length,
					 DK_MEM_RESERVE | DK_MEM_COMMIT,
					 DK_PROT_READ | DK_PROT_WRITE))
			break;
		*(volatile char *)base = 1;
		DkVirtualMemoryFree(base, length, DK_MEM_RELEASE);
		break;
	case 1:
		if (DkVirtualMemoryAlloc(&base, &length,
					 DK_MEM_RESERVE | DK_MEM_COMMIT,
					 DK_PROT_READ | DK_PROT_WRITE))
			break;
		if (!DkThreadCreate((void *)nothing, 0, base, length, &h)) {
			DkObjectsWaitAny(1, &h, DK_TIMEOUT_INFINITE, &index);
			DkObjectClose(h);
			DkVirtualMemoryFree(base, length, DK_MEM_RELEASE);
		}
		break;
	case 2:
		DkObjectsWaitAny(THREADS, events, 1000000, &index);
		break;
	case 3:
		DkEventSet(events[next_random(state) % THREADS]);
		break;
	case 4:
		DkSemaphoreRelease(semaphore, 1, &previous);
		DkObjectsWaitAny(1, &semaphore, 0, &index);
		break;
	case 5:
		asm volatile("ud2" : : : "memory");
		break;
	case 6:
		if (DkStreamOpen("file:/etc/passwd", 16, DK_ACCESS_READ,
				 DK_OPEN_EXISTING, 0, &h))
			break;
		DkStreamRead(h, 0, buffer, sizeof(buffer), &done);
		if (!DkStreamMap(h, &base, 4096, 0, DK_PROT_READ,
				 DK_MAP_PRIVATE))
			DkStreamUnmap(base, 4096);
		DkObjectClose(h);
		break;
	case 7:
		DkThreadDelayExecution(next_random(state) % 300000, &remaining);
		break;
	case 8:
		if (!DkSemaphoreCreate(0, 1, &h))
			DkObjectClose(h);
		break;
	default:
		DkThreadYieldExecution();
	}
}

static void work(dk_u64 seed)
{
	dk_u64 state = seed;
	dk_s64 now = 0;

	for (;;) {
		one_step(&state);
		DkSystemTimeQuery(DK_CLOCK_MONOTONIC, &now);
		if (now < end)
			continue;
		if (end_how == 1)
			asm volatile("movb $1, (%0)" : : "r"(8UL) : "memory");
		DkProcessExit(faults ? 7 : 8);
	}
}

static dk_u64 number(const char *s)
{
	dk_u64 n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + *s++ - '0';
	return n;
}

void LibOsInitialize(const struct dk_parameters *p)
{
	const char *s = (const char *)p + p->argument_offset;
	dk_u64 argument[4] = { 0 }, size = 65536, done;
	dk_s64 now = 0;
	DK_HANDLE out;

	for (unsigned int i = 0; i < p->argument_count && i < 4; i++) {
		argument[i] = i == 3 ? *s == 'f' : number(s);
		while (*s++)
			;
	}
	end_how = argument[3];
	DkSystemTimeQuery(DK_CLOCK_MONOTONIC, &now);
	end = now + argument[1] * 1000000;
	DkSemaphoreCreate(0, 1000000, &semaphore);
	for (int i = 0; i < THREADS; i++)
		DkSynchronizationEventCreate(0, &events[i]);
	for (int i = 1; i < THREADS; i++) {
		void *stack = (void *)0;
		DK_HANDLE thread;

		DkVirtualMemoryAlloc(&stack, &size,
				     DK_MEM_RESERVE | DK_MEM_COMMIT,
				     DK_PROT_READ | DK_PROT_WRITE);
		DkThreadCreate((void *)work, argument[2] + i, stack, size,
			       &thread);
	}
	if (!DkStreamOpen("stdout:", 7, DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0,
			  &out))
		DkStreamWrite(out, DK_OFFSET_CURRENT, "working\n", 8, &done);
	work(argument[2]);
}
