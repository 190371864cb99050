#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a Linux program's calls cost in a picoprocess, in instructions, beside a
# native run. Needs scripts/vm --icount. Ratios with a limit are judged.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

declare -A limits=([clock_gettime]=1.25 [gettimeofday]=1.25
	[vfork+exit+wait]=1.0 [spawn-missing]=1.0)

if [ -z "${PICO_ICOUNT:-}" ]; then
	skip "costs" "needs scripts/vm --icount"
	finish
fi
"$here/linux/costs" >"$work/native"
timeout 300 "$picoexec" "$here/linux/costs" >"$work/pico"
result $? "the program runs"
base=$(sed -n 's/^nothing //p' "$work/native")
while read -r name native && read -r other pico <&3; do
	[ "$name" = nothing ] && continue
	ratio=$(awk "BEGIN { printf \"%.2f\", ($pico - $base) / ($native - $base) }")
	text="$name: $((pico - base)) instructions, natively $((native - base)): $ratio"
	limit=${limits[$name]}
	if [ -z "$limit" ]; then
		echo "# $text"
		continue
	fi
	[ "$name" = "$other" ] && awk "BEGIN { exit !($ratio <= $limit) }"
	result $? "$text, at most $limit"
done <"$work/native" 3<"$work/pico"
nothing_left "nothing is left"
finish
