#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The time page while the machine's clocks change: another clock source, steps
# of the wall clock.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

source=/sys/devices/system/clocksource/clocksource0
image=("$picoexec" --image "$here/clocks.img")
first=$(cat $source/current_clocksource)
read -ra others < <(tr ' ' '\n' <$source/available_clocksource |
	grep -vx "$first" | tr '\n' ' ')

# numbers FILE: the image's, into page, calls, wrong
numbers()
{
	page=0 calls=0 wrong=1
	read -r _ page _ calls _ wrong \
		< <(grep -o 'page [0-9]* calls [0-9]* wrong [0-9]*' "$1")
	[ "${wrong:-1}" = 0 ] || note "$1"
}

"${image[@]}" 300 >"$work/out" 2>"$work/err"
result $? "the image runs"
numbers "$work/out"
[ "$wrong" = 0 ] && [ "$page" -gt 0 ]
result $? "the page can be used, and is right"
[ "$first" != tsc ] || [ "$calls" = 0 ]
result $? "always"

if [ ${#others[@]} -gt 0 ]; then
	# Long enough for each clock source to be the one that is read.
	"${image[@]}" $((4000 * ${PICO_SLOWER:-1})) >"$work/out" 2>"$work/err" &
	pid=$!
	sleep 0.5
	while kill -0 $pid 2>/dev/null; do
		for name in "${others[@]}" "$first"; do
			echo "$name" >$source/current_clocksource
			sleep 0.2
		done
	done
	wait $pid
	result $? "clock sources change while it runs: ${others[*]}"
	echo "$first" >$source/current_clocksource
	numbers "$work/out"
	[ "$wrong" = 0 ]
	result $? "no clock is wrong at any time"
	[ "$page" -gt 0 ] && [ "$calls" -gt 0 ]
	code=$?
	[ $code = 0 ] || note "$work/out"
	result $code "the page was used, and at other times was not"

	echo "${others[0]}" >$source/current_clocksource
	"${image[@]}" 300 >"$work/out" 2>"$work/err"
	numbers "$work/out"
	[ "$wrong" = 0 ] && [ "$page" = 0 ] && [ "$calls" -gt 0 ]
	result $? "with ${others[0]} the host is asked"
	echo "$first" >$source/current_clocksource
else
	skip "clock sources change" "there is one"
fi

# Forwards: a call after must not see less than the page before it.
"${image[@]}" 2000 >"$work/out" 2>"$work/err" &
pid=$!
steps=0
while kill -0 $pid 2>/dev/null; do
	date -s "@$(($(date +%s) + 1000))" >"$work/date" 2>&1 &&
		steps=$((steps + 1))
	sleep 0.1
done
wait $pid
result $? "the wall clock is set while it runs"
numbers "$work/out"
[ "$wrong" = 0 ] && [ "$steps" -ge 1 ]
result $? "no clock is wrong at any time, after $steps steps"
date -s "@$(($(date +%s) - 1000 * steps))" >"$work/date" 2>&1

nothing_left "nothing is left"
finish
