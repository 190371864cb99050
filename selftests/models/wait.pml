/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wait/wake protocol of kmod/drawbridge/wait.c and word.c, with libpal's
 * fast paths: events whose state is in a word that user mode changes without
 * the event's lock, and semaphores, whose state is the kernel's. Two objects,
 * the first an auto-reset event, the second of the KIND that is asked for; two
 * waiters that wait for any of both; who signals each object; a thread that
 * takes a signal of the first one in user mode; and one that clears a
 * manual-reset event there.
 *
 *	spin -DKIND=AUTO -a wait.pml
 *	gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m4000
 *
 * Each atomic {} is one locked instruction, or a section that the event's lock
 * makes one for all but user mode's instructions on the word; those are let in
 * between by leaving the atomic section where the kernel looks at the word and
 * acts on it in two steps. Checked:
 *
 * - no wake-up is lost: nobody sleeps for ever while an object is signalled
 *   (an end state in which a waiter sleeps is one in which nothing is left to
 *   take);
 * - a signal is consumed once, and only of the object that is returned: what
 *   was signalled is what was taken and what is left. A manual-reset event's is
 *   consumed by nobody.
 *
 * BREAK removes one step each time, and the check has to fail:
 * 1: the waiter does not set WAITERS; 2: it does not look again behind that;
 * 3: the claim that it takes back does not have it look at all events again;
 * 4: it looks twice, and believes neither; 5: a manual-reset event wakes one;
 * 6: a semaphore that is released by two wakes one.
 *
 * Left out: objects that are closed meanwhile, streams' events that are asked
 * again, clearing under the lock, and a semaphore's maximum. Semaphores have no
 * word, and nobody looks at their has_waiters.
 */
#define AUTO	0
#define MANUAL	1
#define SEMAPHORE 2

#ifndef KIND
#define KIND	AUTO
#endif
#ifndef BREAK
#define BREAK	0
#endif

#define OBJECTS	2
#define WAITERS	2
#define NONE	255

byte state[OBJECTS];		/* bits of the words; or a semaphore's count */
bool has_waiters[OBJECTS];
byte lock[OBJECTS];		/* 0: free */

byte result[WAITERS];		/* of each waiter; NONE: unclaimed */
bool queued[4];			/* waiter * OBJECTS + object */
byte first[OBJECTS];		/* who queued first; the queue has two places */

/* Signals: made, taken, made on top of one. */
byte set_done[OBJECTS], taken[OBJECTS], merged[OBJECTS];
byte setters = OBJECTS, users;
bool asleep[WAITERS], gave_up[WAITERS];

#define Q(w, e)	queued[(w) * OBJECTS + (e)]
#define IS(e, kind)	((e) == 1 && KIND == kind)

inline acquire(e) { atomic { lock[e] == 0 -> lock[e] = 1 } }
inline release(e) { lock[e] = 0 }

/* dk_give(): to the first unclaimed waiters, at most as many as there are. */
inline give(e, limit)
{
	atomic { given = 0; w = first[e] };
	if
	:: atomic { Q(w, e) && result[w] == NONE ->
		result[w] = e; given++; taken[e]++ }
	:: else
	fi;
	w = 1 - w;
	if
	:: atomic { given < limit && Q(w, e) && result[w] == NONE ->
		result[w] = e; given++; taken[e]++ }
	:: else
	fi
}

/* dk_signal_locked(), and dk_waitable_release() by @count. */
inline kernel_set(e, count)
{
	acquire(e);
	if
	:: IS(e, MANUAL) ->
		state[e] = 1;
#if BREAK == 5
		give(e, 1)
#else
		give(e, WAITERS)
#endif
	:: IS(e, SEMAPHORE) ->
#if BREAK == 6
		give(e, 1);
#else
		give(e, count);
#endif
		state[e] = state[e] + count - given
	:: else ->
		give(e, 1);
		if
		:: given == 0 -> atomic {
			merged[e] = merged[e] + state[e]; state[e] = 1 }
		:: else
		fi
	fi;
	release(e)
}

/* libpal's DkEventSet: one compare-exchange, or the kernel. */
proctype setter(byte e; byte sets)
{
	byte n, w, given;

	do
	:: n < sets && IS(e, SEMAPHORE) ->
		n = sets;
		set_done[e] = sets;
		kernel_set(e, sets)
	:: n < sets && !IS(e, SEMAPHORE) ->
		n++;
		atomic { set_done[e]++;
		if
		:: !has_waiters[e] ->
			merged[e] = merged[e] + state[e];
			state[e] = 1;
			goto next
		:: else
		fi };
		kernel_set(e, 1);
next:		skip
	:: else -> break
	od;
	setters--
}

/* libpal's DkObjectsWaitAny with a timeout of 0 on object 0: takes or not. */
proctype user()
{
	atomic {
		if
		:: state[0] -> state[0] = 0; taken[0]++
		:: else
		fi
	};
	users--
}

/* libpal's DkEventClear, of object 1. */
proctype clearer()
{
	atomic { state[1] = 0; users-- }
}

/* dk_wait_try(); what it has seen once may be gone when it acts on it. */
inline try(me, e)
{
	acquire(e);
	seen = state[e] != 0;
	if
	:: !seen && !Q(me, e) ->
		atomic {
			Q(me, e) = true;
			if
			:: !Q(1 - me, e) -> first[e] = me
			:: else -> first[e] = 1 - me
			fi
		};
#if BREAK != 1
		has_waiters[e] = true;
#endif
#if BREAK != 2
		seen = state[e] != 0
#endif
	:: else
	fi;
#if BREAK == 4
	seen = state[e] != 0;
#endif
	if
	:: seen ->
		if
		:: atomic { result[me] == NONE -> result[me] = e };
			if
			:: atomic { state[e] ->
				if
				:: IS(e, MANUAL)
				:: else -> state[e]--
				fi;
				taken[e]++; done = true }
			:: else ->
				result[me] = NONE;
				again = true
			fi
		:: else -> done = true
		fi
	:: else
	fi;
	release(e);
	if
	:: result[me] != NONE -> done = true
	:: else
	fi
}

/* dk_wait_leave() */
inline leave(me, e)
{
	if
	:: Q(me, e) ->
		acquire(e);
		atomic { Q(me, e) = false; first[e] = 1 - me };
		if
		:: !Q(1 - me, e) -> has_waiters[e] = false
		:: else
		fi;
		release(e)
	:: else
	fi
}

proctype waiter(byte me)
{
	byte e;
	bool again, done, seen;

	do
	:: again = false;
		e = 0;
		do
		:: e < OBJECTS && !done -> try(me, e); e++
		:: else -> break
		od;
		if
#if BREAK == 3
		:: true -> break
#else
		:: again && !done
		:: else -> break
#endif
		fi
	od;
	if
	:: !done ->
		/* A time-out, or a signal of Linux, may end it. */
		asleep[me] = true;
		if
		:: result[me] != NONE
		:: setters == 0 && users == 0 && result[me] == NONE ->
			/* Nobody sets any more: is this as it should be? */
			assert(!state[0] && !state[1]);
			gave_up[me] = true
		:: true -> gave_up[me] = true
		fi
	:: else
	fi;
	leave(me, 0);
	leave(me, 1);
	/* What was claimed until then is taken, even so. */
	assert(result[me] == NONE || result[me] < OBJECTS);
	assert(done || asleep[me]);
	asleep[me] = false
}

init {
	byte finished;

	atomic {
		result[0] = NONE;
		result[1] = NONE;
		run waiter(0);
		run waiter(1);
		run setter(0, (KIND == MANUAL -> 1 : 2));
		run setter(1, (KIND == SEMAPHORE -> 2 : 1));
		users = 1;
		run user();
		if
		:: KIND == MANUAL -> users++; run clearer()
		:: else
		fi
	};
	_nr_pr == 1;
	/* Everything that was set was taken once, was set twice, or is left. */
	assert(set_done[0] == taken[0] + merged[0] + state[0]);
	assert(KIND == MANUAL ||
	       set_done[1] == taken[1] + merged[1] + state[1]);
	assert(!has_waiters[0] && !has_waiters[1])
}
