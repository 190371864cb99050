#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Threads, futexes, signals, timers, sockets and files of Linux programs: the programs of
# selftests/linux print what their system does, line by line, and have to print
# the same in a picoprocess as natively, with the same exit code.
#
# linux_threads.sh [PROGRAM...]: only these, or functions of this script

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

programs=$here/linux
user=() # the command that makes it another's

# same PROGRAM ARGUMENT...
same()
{
	local program=$1 what="$*" native_code pico_code good=0 limit

	shift
	set -- "$programs/$program" "$@"
	limit=$((60 * ${PICO_SLOWER:-1}))
	timeout -k 5 $limit "${user[@]}" "$@" >"$work/n.out" \
		2>"$work/n.err" </dev/null
	native_code=$?
	timeout -k 5 $limit "${user[@]}" "$picoexec" "$@" >"$work/p.out" \
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

# Limits, and permissions, that are for others than root.
as_a_user()
{
	user=(setpriv --reuid 65533 --regid 65533 --clear-groups)
	same options user
	same places names
	user=()
}

# What a directory of a file system that is only read is asked for.
read_only()
{
	local good=0 allow=(--allow "file:$work/still=rw")

	mkdir "$work/still"
	mount -t tmpfs -o ro none "$work/still"
	"$picoexec" "${allow[@]}" /usr/bin/test -r "$work/still" || good=1
	! "$picoexec" "${allow[@]}" /usr/bin/test -w "$work/still" || good=1
	umount "$work/still"
	result $good "a directory that cannot be written says so"
}

streams()
{
	local kind

	same streams fifos sigpipe ranges many standard
	for kind in pipe socket terminal; do
		"$programs/streams" around $kind "$programs/streams" inside \
			>"$work/n.out" </dev/null
		"$programs/streams" around $kind "$picoexec" \
			"$programs/streams" inside >"$work/p.out" </dev/null
		diff "$work/n.out" "$work/p.out" >"$work/diff"
		result $? "input and output that are of a $kind are waited for"
		[ ! -s "$work/diff" ] || note "$work/diff"
	done
}

# Mutexes with priority inheritance are refused as by a kernel without them: by
# C libraries when one is made. Natively they are there.
inheritance_refused()
{
	"$picoexec" "$programs/options" pi >"$work/p.out" 2>"$work/p.err" \
		</dev/null
	diff - "$work/p.out" >"$work/diff" <<-END
		pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) = 0
		pthread_mutex_init(&mutex, &attr) = 95
		pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_NONE) = 0
		pthread_mutex_init(&mutex, &attr) = 0
		pthread_mutex_lock(&mutex) = 0
		operation 6: -38, word 0
		operation 8: -38, word 0
		operation 7: -38, word 0
		operation 11: -38, word 0
		operation 12: -38, word 0
		operation 13: -38, word 0
	END
	result $? "mutexes with priority inheritance are refused"
	[ ! -s "$work/diff" ] || note "$work/diff"
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

# Every call that it does not have is -ENOSYS, whatever it is asked.
absent_said()
{
	timeout 60 "$picoexec" "$programs/absent" >"$work/p.out" \
		2>"$work/p.err" </dev/null && [ ! -s "$work/p.out" ]
	result $? "calls that are not there say so"
	note "$work/p.out"
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
	# shellcheck disable=SC2016
	timeout 60 "$picoexec" /bin/sh -c '"$0" self; echo $?' \
		"$programs/corrupt" >"$work/p.out" 2>"$work/p.err" </dev/null
	[ "$(cat "$work/p.out")" = 255 ]
	result $? "its parent goes on"
}

# A write to a pipe that the launcher was given ends before its time only for a
# signal that the program sees.
whole_output()
{
	timeout -k 5 $((60 * ${PICO_SLOWER:-1})) "$picoexec" \
		"$programs/interrupts" output 2>"$work/p.err" </dev/null |
		{ sleep 4; wc -c; } >"$work/p.out"
	[ "$(cat "$work/p.out")" = 1000000 ] &&
		[ "$(cat "$work/p.err")" = "written = 1000000" ]
	result $? "a write to standard output is whole though a child ends"
	note "$work/p.err"
}

# Data of a pipe with O_DIRECT would run together.
no_packets()
{
	timeout 60 "$picoexec" "$programs/arguments" packets >"$work/p.out" \
		2>"$work/p.err" </dev/null
	[ "$(grep -c ' = -22$' "$work/p.out")" = 3 ]
	result $? "packets in pipes are refused"
	note "$work/p.out"
}

# Linux itself does not always stand this; see linux/orphaned.c.
orphan_race()
{
	timeout -k 5 $((60 * ${PICO_SLOWER:-1})) "$picoexec" \
		"$programs/orphaned" race >"$work/p.out" 2>&1 </dev/null
	printf '%s\n' "stoppers: 200 rounds" "session: 0" |
		cmp -s - "$work/p.out"
	result $? "nobody stays stopped in a group that is orphaned meanwhile"
	note "$work/p.out"
}

# What a killed process could not tell, its parent does.
killed_outside()
{
	local pid pids

	setsid "$picoexec" "$programs/orphaned" outside >"$work/p.out" 2>&1 \
		</dev/null &
	pid=$!
	# shellcheck disable=SC2016 # the inner shell's
	timeout $((20 * ${PICO_SLOWER:-1})) \
		sh -c 'until grep -q ready "$0"; do sleep 0.1; done' "$work/p.out"
	# The first process, the shell, its job.
	mapfile -t pids < <(pgrep -g $pid -x orphaned | sort -n)
	[ ${#pids[@]} = 3 ] && kill -KILL "${pids[1]}"
	timeout $((20 * ${PICO_SLOWER:-1})) tail --pid=$pid -f /dev/null
	kill -KILL -- -$pid 2>/dev/null
	wait $pid
	printf '%s\n' "ready" "a killed shell: 9, 1 1" | cmp -s - "$work/p.out"
	result $? "a stopped job hears that its shell was killed from outside"
	note "$work/p.out"
}

# private PID...: kilobytes that are nobody else's
private()
{
	local pid

	for pid in "$@"; do
		cat "/proc/$pid/smaps_rollup"
	done | awk '/^Private_(Clean|Dirty):/ { n += $2 } END { print n + 0 }'
}

# settled PID: kilobytes of it and its children, when there is a "sleep" among
# them and the number does not change any more
settled()
{
	local pids last=-1 now i

	# shellcheck disable=SC2046
	for ((i = 0; i < 100 * ${PICO_SLOWER:-1}; i++)); do
		mapfile -t pids < <(echo "$1" && pgrep -P "$1")
		now=$(private "${pids[@]}" 2>/dev/null)
		if [ "$now" = "$last" ] && [ "$now" -gt 0 ] &&
			grep -qx sleep $(printf '/proc/%s/comm ' "${pids[@]}"); then
			break
		fi
		last=$now
		sleep 0.3
	done
	echo "$now"
}

# An idle sandbox, its monitor included, beside the same program alone.
idle_memory()
{
	local alone sandbox alone_kb sandbox_kb

	/bin/sleep 1000 &
	alone=$!
	"$picoexec" /bin/sleep 1000 &
	sandbox=$!
	alone_kb=$(settled $alone)
	sandbox_kb=$(settled $sandbox)
	kill $alone $sandbox
	wait $alone $sandbox 2>/dev/null
	[ "$alone_kb" -gt 0 ] && [ "$sandbox_kb" -gt "$alone_kb" ] &&
		[ $((sandbox_kb - alone_kb)) -lt 1024 ]
	result $? "an idle sandbox has $sandbox_kb KiB of its own, a native sleep $alone_kb"
}

if [ $# -gt 0 ]; then
	for program in "$@"; do
		if [ "$(type -t "$program")" = function ]; then
			"$program"
		elif [ "$program" = absent ]; then
			absent_said
		else
			same "$program"
		fi
		if [ "$program" = options ]; then
			as_a_user
			inheritance_refused
		fi
	done
else
	same threads
	same threads exit
	same clones
	same clones 300
	same futexes
	same robust
	same pshared
	same signals
	same signals 15
	same signals 9
	same signals 10 thread
	same signals 9 thread
	same signals 64 thread
	same frames
	same interrupts
	whole_output
	same restarts
	same masks
	same parents
	same zombies
	same races
	same timers
	same cpuclocks
	same cputimers
	same usage
	same pidfds
	same cancel
	same sockets
	same transfers
	same udp
	same vectors
	same arguments
	no_packets
	same sharing
	same files
	same calls
	same places
	same moved
	same tables
	same procs
	same tasks
	absent_said
	same memory
	same remaps
	same ptys
	same ptysessions
	same orphaned
	orphan_race
	killed_outside
	same corners nonblock script stack reserved locks arguments timers \
		select random populate areas
	same ptyrights
	same vdso
	same vforks
	same holds
	same starts
	streams
	read_only
	same options
	as_a_user
	same whose
	same wishes
	same refusals
	same texts
	if grep -qw la57 /proc/cpuinfo; then
		same pointers high
	else
		same pointers
	fi
	same pointers race
	inheritance_refused
	calls_counted
	faults_named
	idle_memory
fi
nothing_left "nothing is left"
finish
