#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two threads that do the same to different objects: they wait for none of the
# libos's locks. How much faster they are than one is shown, here and natively,
# but not judged: that is time, and the host has more to do.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

program=$here/linux/scaling
count=${COUNT:-3000}

# run OPERATION THREADS COMMAND...: the time that it took
run()
{
	local operation=$1 threads=$2

	shift 2
	timeout $((120 * ${PICO_SLOWER:-1})) "$@" "$program" "$operation" \
		"$threads" "$count" 2>"$work/err" || echo 0
}

# waits: how often a lock was waited for, in the run before
waits()
{
	sed -n 's/^\([0-9]*\) times a lock was waited for$/\1/p' "$work/err"
}

# How often in a hundred calls two threads may meet: for the table of
# descriptors, which Linux has them share as well. mmap changes the address
# space, which is one for both, here and there.
for each in read:0 write:0 futex:0 open:20 mmap:200; do
	operation=${each%:*}
	native=$(run "$operation" 1 env)
	native_two=$(run "$operation" 2 env)
	one=$(run "$operation" 1 "$picoexec")
	export PICO_LIBOS_TRACE=locks
	two=$(run "$operation" 2 "$picoexec")
	unset PICO_LIBOS_TRACE
	met=$(waits)
	echo "# $operation: twice the work in two threads:" \
		"$(awk "BEGIN { printf \"%.2f times as fast, natively %.2f\", \
			2 * $one / ($two + 1), 2 * $native / ($native_two + 1) }")," \
		"$met waits in $((2 * count))"
	[ "$one" -gt 0 ] && [ "$two" -gt 0 ] && [ -n "$met" ] &&
		# A few at the start, when the threads are made.
		[ "$met" -le $((2 * count * ${each#*:} / 100 + 20)) ]
	result $? "$operation: two threads wait for no lock of the libos"
done
nothing_left "nothing is left"
finish
