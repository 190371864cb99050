#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bpftrace on pico's tracepoints: all of them, and their fields.

# What is in single quotes is for bpftrace.
# shellcheck disable=SC2016

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

events=/sys/kernel/tracing/events/pico

# A kernel without type information has no BPF programs for tracepoints.
if [ ! -e /sys/kernel/btf/vmlinux ]; then
	skip "bpftrace" "no type information"
	finish
fi

# trace PROGRAM COMMAND: what bpftrace says to the program while the command runs
trace()
{
	bpftrace -e "$1" -c "$2" >"$work/out" 2>"$work/err" || {
		note "$work/out"
		note "$work/err"
		return 1
	}
}

# has LINE...: it has said these lines, among others
has()
{
	local line

	for line; do
		grep -qxE "$line" "$work/out" || {
			echo "# not there: $line"
			note "$work/out"
			return 1
		}
	done
}

bpftrace -l 'tracepoint:pico:*' | sed 's/.*://' | sort >"$work/listed"
find $events -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort >"$work/events"
[ "$(wc -l <"$work/events")" -ge 20 ] && cmp "$work/listed" "$work/events"
result $? "it lists all tracepoints"

trace 'tracepoint:pico:* { @[probe] = count(); }' \
	"$picoexec --image $here/hello.img"
result $? "it attaches to all of them"
has '@\[tracepoint:pico:pico_host\]: [0-9]+' \
	'@\[tracepoint:pico:pico_prepare_process\]: 1' \
	'@\[tracepoint:pico:pico_start_process\]: 1' \
	'@\[tracepoint:pico:pico_system_call\]: [0-9]+' \
	'@\[tracepoint:pico:pico_system_call_answer\]: [0-9]+' \
	'@\[tracepoint:pico:pico_exit_thread\]: 1' \
	'@\[tracepoint:pico:pico_exit_process\]: 1' \
	'@\[tracepoint:pico:pico_process_gone\]: 1'
result $? "and sees the life of a process"

trace 'tracepoint:pico:pico_exit_process {
		printf("exit of %s: %d\n", str(args->provider), args->value); }
	tracepoint:pico:pico_exception {
		printf("trap %d at %d, %d\n", args->trap, args->address,
			args->handled); }' \
	"$picoexec --image $here/fault.img segv"
result $? "it knows their fields"
has 'exit of drawbridge: [0-9]+' 'trap 14 at [0-9]+, [01]'
result $? "and what is in them"
nothing_left "nothing is left"
finish
