#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Uprobes of the host at a program in a picoprocess: the program sees nothing of
# them, and exceptions, signals and ends come through while a probed instruction
# is being stepped over.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

tracing=/sys/kernel/tracing
program=$here/linux/probed
slower=${PICO_SLOWER:-1}

if [ ! -e "$tracing/uprobe_events" ]; then
	skip "uprobes" "the kernel has none"
	finish
fi

entered=$("$picoexec" "$program" entry 2>&1)
read -r load function entry < <("$program" places)
printf '%s\n' "p:pico_test/load $program:$load" \
	"p:pico_test/function $program:$function" \
	"r:pico_test/return $program:$function" \
	"r:pico_test/entry $program:$entry" >"$tracing/uprobe_events"
[ "$(wc -l <"$tracing/uprobe_events")" = 4 ]
result $? "probes are there"
echo 1 >"$tracing/events/pico_test/enable"

# hits NAME: how often the probe was hit
hits()
{
	awk -v name="$1" '$2 == name { print $3 }' "$tracing/uprobe_profile"
}

# probed CASE OUTPUT: the program's own end and output
probed()
{
	timeout $((60 * slower)) "$picoexec" "$program" "$1" >"$work/out" 2>&1 &&
		[ "$(<"$work/out")" = "$2" ]
	result $? "$1"
	[ "$(<"$work/out")" = "$2" ] || note "$work/out"
}

probed fault "200 faults, there"
probed signals "signals came"
probed returns "200 calls"
probed entry "$entered"
for name in load function return; do
	[ "$(hits $name)" -ge 200 ]
	result $? "$name: was hit"
done

# looping: start one; sets $monitor and $inside
looping()
{
	local i

	rm -f "$work/out"
	"$picoexec" "$program" loop >"$work/out" 2>&1 &
	monitor=$!
	for ((i = 0; i < 200 * slower; i++)); do
		[ -s "$work/out" ] && break
		sleep 0.05
	done
	inside=$(pgrep -P "$monitor" -x probed)
}

# state PID: as ps has it
state()
{
	sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null
}

# until_state PID STATES: does it come to one of them?
until_state()
{
	local i

	for ((i = 0; i < 200 * slower; i++)); do
		[[ $(state "$1") == ["$2"] ]] && return 0
		sleep 0.05
	done
	return 1
}

# ended CODE: the one that loops ends with that, in some time
ended()
{
	timeout $((20 * slower)) tail --pid="$monitor" -f /dev/null || return 1
	wait "$monitor"
	[ $? = "$1" ]
}

bad=0
for ((n = 0; n < 15; n++)); do
	looping
	kill -KILL "$inside"
	ended 137 || { bad=1; break; }
done
result $bad "SIGKILL ends it, 15 times"

bad=0
for ((n = 0; n < 5; n++)); do
	looping
	kill -TERM "$inside"
	ended 143 || { bad=1; break; }
done
result $bad "SIGTERM ends it, 5 times"

bad=0
looping
for ((n = 0; n < 20 && !bad; n++)); do
	kill -STOP "$inside"
	until_state "$inside" T || bad=1
	# picoexec has stopped with it.
	kill -CONT "$inside" "$monitor"
	until_state "$inside" RS || bad=1
done
kill -KILL "$inside"
ended 137 || bad=1
result $bad "SIGSTOP and SIGCONT, 20 times"

echo 0 >"$tracing/events/pico_test/enable"
echo >"$tracing/uprobe_events"
nothing_left "nothing is left"
finish
