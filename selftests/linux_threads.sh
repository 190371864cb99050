#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Threads, futexes, signals, timers, sockets and files of Linux programs: the programs of
# selftests/linux print what their system does, line by line, and have to print
# the same in a picoprocess as natively, with the same exit code.
#
# linux_threads.sh [PROGRAM...]: only these

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

programs=$here/linux

# same PROGRAM ARGUMENT...
same()
{
	local program=$1 what="$*" native_code pico_code good=0 limit

	shift
	set -- "$programs/$program" "$@"
	limit=$((60 * ${PICO_SLOWER:-1}))
	timeout -k 5 $limit "$@" >"$work/n.out" 2>"$work/n.err" \
		</dev/null
	native_code=$?
	timeout -k 5 $limit "$picoexec" "$@" >"$work/p.out" \
		2>"$work/p.err" </dev/null
	pico_code=$?
	[ $native_code = $pico_code ] || good=1
	cmp -s "$work/n.out" "$work/p.out" || good=1
	cmp -s "$work/n.err" "$work/p.err" || good=1
	result $good "$what"
	if [ $good != 0 ]; then
		echo "# $what gave $pico_code, natively $native_code"
		diff "$work/n.out" "$work/p.out" | head -n 30 | sed 's/^/# /'
		note "$work/p.err"
	fi
	[ -n "$program" ]
}

# Where the counter is the kernel's clock, clocks are read without a call.
calls_counted()
{
	local source=/sys/devices/system/clocksource/clocksource0
	local what="100,000 times five clocks are read without a system call"

	if [ "$(cat $source/current_clocksource)" != tsc ]; then
		skip "$what" "the clock source is another"
		return
	fi
	PICO_LIBOS_TRACE=calls "$picoexec" "$programs/vdso" loop \
		>"$work/p.out" 2>"$work/p.err" </dev/null
	grep -q 'exit_group(' "$work/p.err" &&
		grep -qx 'loops = 100000' "$work/p.out" &&
		! grep -q -E '\] (clock_gettime|gettimeofday|time)\(' "$work/p.err"
	result $? "$what"
}

# A libos that faults says so, ends its process, and nobody else.
faults_named()
{
	local what code

	for what in self stack all; do
		timeout 60 "$picoexec" "$programs/corrupt" $what \
			>"$work/p.out" 2>"$work/p.err" </dev/null
		code=$?
		[ $code = 255 ] && [ ! -s "$work/p.out" ] &&
			grep -q '^libos: in system call ' "$work/p.err" &&
			grep -q '^libos: fault: trap .* rip image+' "$work/p.err"
		result $? "a libos whose memory is spoilt ($what) says so and ends"
		[ $code = 255 ] || note "$work/p.err"
	done
	timeout 60 "$picoexec" /bin/sh -c '"$0" self; echo $?' \
		"$programs/corrupt" >"$work/p.out" 2>"$work/p.err" </dev/null
	[ "$(cat "$work/p.out")" = 255 ]
	result $? "its parent goes on"
}

if [ $# -gt 0 ]; then
	for program in "$@"; do
		same "$program"
	done
else
	same threads
	same threads exit
	same clones
	same futexes
	same robust
	same signals
	same signals 15
	same signals 9
	same signals 10 thread
	same signals 9 thread
	same signals 64 thread
	same interrupts
	same timers
	same cancel
	same sockets
	same vdso
	same vforks
	same pointers
	same pointers race
	calls_counted
	faults_named
fi
nothing_left "nothing is left"
finish
