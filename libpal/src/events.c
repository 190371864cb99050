// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Events without entering the host: their words, see pico/drawbridge.h.
 *
 * Whatever a word does not answer is the host's: another kind of object, a bad
 * handle, a missing right, a bad argument, somebody to wake, something to wait
 * for. Until pal_words_init() has been called that is everything.
 *
 * Every change is a locked instruction, which orders what was written before a
 * set with what is read behind a wait, also where the event was set already.
 */
#include <stddef.h>
#include <pal.h>

DK_STATUS pal_host_DkEventSet(DK_HANDLE event);
DK_STATUS pal_host_DkEventClear(DK_HANDLE event);
DK_STATUS pal_host_DkEventPeek(DK_HANDLE event, dk_u64 *signalled);
DK_STATUS pal_host_DkObjectsWaitAny(dk_u64 count, const DK_HANDLE *handles,
				    dk_s64 timeout, dk_u64 *index);
void pal_words_init(const struct dk_parameters *parameters);

#define likely(x)	__builtin_expect(!!(x), 1)

static dk_u64 *words;
static dk_u64 word_count;

/* By start.S, before anything else runs. */
void pal_words_init(const struct dk_parameters *parameters)
{
	words = (dk_u64 *)parameters->words;
	word_count = parameters->word_count;
}

/* The word of a handle, if it may have one; handles begin at 1. */
static dk_u64 *word_of(DK_HANDLE handle)
{
	dk_u64 i = (unsigned int)handle - 1U;

	return likely(i < word_count) ? &words[i] : NULL;
}

/* Is this the word of an event with that handle, and with this right? */
static int fits(dk_u64 word, DK_HANDLE handle, dk_u64 right)
{
	dk_u64 want = handle >> 32 << DK_WORD_GENERATION_SHIFT | DK_WORD_FAST |
		      DK_WORD_RIGHTS(right);
	dk_u64 mask = ~0ULL << DK_WORD_GENERATION_SHIFT | DK_WORD_FAST |
		      DK_WORD_RIGHTS(right);

	return likely((word & mask) == want);
}

static int change(dk_u64 *word, dk_u64 *old, dk_u64 new)
{
	return likely(__atomic_compare_exchange_n(word, old, new, 0,
						  __ATOMIC_SEQ_CST,
						  __ATOMIC_SEQ_CST));
}

DK_STATUS DkEventSet(DK_HANDLE event)
{
	dk_u64 *word = word_of(event);
	dk_u64 old;

	if (!word)
		return pal_host_DkEventSet(event);
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	while (fits(old, event, DK_RIGHT_WRITE) && !(old & DK_WORD_WAITERS)) {
		if (change(word, &old, old | DK_WORD_SIGNALLED))
			return DK_STATUS_SUCCESS;
	}
	return pal_host_DkEventSet(event);
}

DK_STATUS DkEventClear(DK_HANDLE event)
{
	dk_u64 *word = word_of(event);
	dk_u64 old;

	if (!word)
		return pal_host_DkEventClear(event);
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	while (fits(old, event, DK_RIGHT_WRITE)) {
		if (change(word, &old, old & ~DK_WORD_SIGNALLED))
			return DK_STATUS_SUCCESS;
	}
	return pal_host_DkEventClear(event);
}

DK_STATUS DkEventPeek(DK_HANDLE event, dk_u64 *signalled)
{
	dk_u64 *word = word_of(event);
	dk_u64 old;

	if (!word)
		return pal_host_DkEventPeek(event, signalled);
	old = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	if (!fits(old, event, DK_RIGHT_READ))
		return pal_host_DkEventPeek(event, signalled);
	*signalled = old & DK_WORD_SIGNALLED;
	return DK_STATUS_SUCCESS;
}

/*
 * The first of @count events that is signalled, consumed; -1: none is; -2: the
 * host has to say. Nothing is consumed as long as a handle may be a bad one.
 */
static long take_any(dk_u64 count, const DK_HANDLE *handles)
{
	dk_u64 i, old, *word;
	long found = -1;

	for (i = count; i--;) {
		word = word_of(handles[i]);
		if (!word)
			return -2;
		old = __atomic_load_n(word, __ATOMIC_ACQUIRE);
		if (!fits(old, handles[i], DK_RIGHT_WAIT))
			return -2;
		if (old & DK_WORD_SIGNALLED)
			found = i;
	}
	if (found < 0)
		return found;
	word = word_of(handles[found]);
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	if (!fits(old, handles[found], DK_RIGHT_WAIT) ||
	    !(old & DK_WORD_SIGNALLED))
		return -2;
	if (old & DK_WORD_AUTO)
		return change(word, &old, old & ~DK_WORD_SIGNALLED) ? found :
								      -2;
	return found;
}

DK_STATUS DkObjectsWaitAny(dk_u64 count, const DK_HANDLE *handles,
			   dk_s64 timeout, dk_u64 *index)
{
	long found;

	if (likely(count - 1 < DK_WAIT_MAX &&
		   (timeout >= 0 || timeout == DK_TIMEOUT_INFINITE))) {
		found = take_any(count, handles);
		if (found >= 0) {
			*index = found;
			return DK_STATUS_SUCCESS;
		}
		if (found == -1 && !timeout)
			return DK_STATUS_TIMEOUT;
	}
	return pal_host_DkObjectsWaitAny(count, handles, timeout, index);
}
