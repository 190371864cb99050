/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wait/wake protocol of kmod/drawbridge/wait.c and word.c, with libpal's
 * fast paths: auto-reset events whose state is in a word that user mode changes
 * without the event's lock. Two events, two waiters that wait for any of both,
 * a setter of each event, and one thread that takes a signal in user mode.
 *
 *	spin -a wait.pml && gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m2000
 *
 * Each atomic {} is one locked instruction, or a section that the event's lock
 * makes one for all but user mode's instructions on the word; those are let in
 * between by leaving the atomic section where the kernel looks at the word and
 * acts on it in two steps. Checked:
 *
 * - no wake-up is lost: nobody sleeps for ever while an event is signalled
 *   (an end state in which a waiter sleeps is one in which nothing is left to
 *   take);
 * - a signal is consumed once, and only of the event that is returned: what was
 *   set is what was taken and what is left.
 *
 * BREAK removes one step each time, and the check has to fail:
 * 1: the waiter does not set WAITERS; 2: it does not look again behind that;
 * 3: the claim that it takes back does not have it look at all events again;
 * 4: it looks twice, and believes neither.
 */
#ifndef BREAK
#define BREAK	0
#endif

#define EVENTS	2
#define WAITERS	2
#define NONE	255

bool signalled[EVENTS];		/* bits of the word */
bool has_waiters[EVENTS];
byte lock[EVENTS];		/* 0: free */

byte result[WAITERS];		/* of each waiter; NONE: unclaimed */
bool woken[WAITERS];
bool queued[4];			/* waiter * EVENTS + event */
byte first[EVENTS];		/* who queued first; the queue has two places */

byte set_done, taken, merged;	/* signals: set, taken, set on top of one */
byte setters = EVENTS, users = 1;
bool asleep[WAITERS], gave_up[WAITERS];

#define Q(w, e)	queued[(w) * EVENTS + (e)]

inline acquire(e) { atomic { lock[e] == 0 -> lock[e] = 1 } }
inline release(e) { lock[e] = 0 }

/* dk_signal_locked() of an auto-reset event: to the first unclaimed waiter. */
inline kernel_set(e)
{
	acquire(e);
	given = false;
	w = first[e];
	if
	:: atomic { Q(w, e) && result[w] == NONE ->
		result[w] = e; woken[w] = true; given = true; taken++ }
	:: else
	fi;
	w = 1 - w;
	if
	:: atomic { !given && Q(w, e) && result[w] == NONE ->
		result[w] = e; woken[w] = true; given = true; taken++ }
	:: else
	fi;
	if
	:: !given -> atomic { merged = merged + signalled[e]; signalled[e] = true }
	:: else
	fi;
	release(e)
}

/* libpal's DkEventSet: one compare-exchange, or the kernel. */
proctype setter(byte e; byte sets)
{
	byte n, w;
	bool given;

	do
	:: n < sets ->
		n++;
		atomic { set_done++;
		if
		:: !has_waiters[e] ->
			merged = merged + signalled[e];
			signalled[e] = true;
			goto next
		:: else
		fi };
		kernel_set(e);
next:		skip
	:: else -> break
	od;
	setters--
}

/* libpal's DkObjectsWaitAny with a timeout of 0 on event 0: takes or not. */
proctype user()
{
	atomic {
		if
		:: signalled[0] -> signalled[0] = false; taken++
		:: else
		fi
	};
	users--
}

/* dk_wait_try(); what it has seen once may be gone when it acts on it. */
inline try(me, e)
{
	acquire(e);
	seen = signalled[e];
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
		seen = signalled[e]
#endif
	:: else
	fi;
#if BREAK == 4
	seen = signalled[e];
#endif
	if
	:: seen ->
		if
		:: atomic { result[me] == NONE -> result[me] = e };
			if
			:: atomic { signalled[e] ->
				signalled[e] = false; taken++; done = true }
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
		:: e < EVENTS && !done -> try(me, e); e++
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
			assert(!signalled[0] && !signalled[1]);
			gave_up[me] = true
		:: true -> gave_up[me] = true
		fi
	:: else
	fi;
	leave(me, 0);
	leave(me, 1);
	/* What was claimed until then is taken, even so. */
	assert(result[me] == NONE || result[me] < EVENTS);
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
		run setter(0, 2);
		run setter(1, 1);
		run user()
	};
	_nr_pr == 1;
	/* Everything that was set was taken once, was set twice, or is left. */
	assert(set_done == taken + merged + signalled[0] + signalled[1]);
	assert(!has_waiters[0] && !has_waiters[1])
}
