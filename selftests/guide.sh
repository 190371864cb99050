#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Documentation/first-provider.rst, typed in: its blocks of commands (sh) one
# after the other in one shell, as it would be by hand, and what a block prints
# compared with the block of output (none) that follows it.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

top=$(cd "$here/../.." && pwd)
guide=$top/Documentation/first-provider.rst
kernel=${PICO_KERNEL:-6.1}

if [ ! -e "$guide" ] || ! command -v make cc objcopy >/dev/null; then
	skip "guide" "no sources or no compiler"
	finish
fi

# All commands as one script, each block's output in a file of its own; what
# it should be beside it.
awk -v work="$work" '
	function end_block()
	{
		if (kind == "sh")
			printf "} >%s/output.%d\necho %d >%s/done\n",
				work, n, n, work >script
		kind = ""
	}
	BEGIN { script = work "/script"; printf "set -e\n" >script }
	/^\.\. code-block:: / {
		end_block()
		kind = $3
		if (kind == "sh")
			printf "{\n" >script
		if (kind == "sh")
			n++
		blank = ""
		next
	}
	kind != "" && /^$/ { blank = blank "\n"; next }
	kind != "" && /^    / {
		if (started[n, kind]++ == 0)
			blank = ""
		line = blank substr($0, 5)
		blank = ""
		if (kind == "sh")
			print line >script
		else
			print line >(work "/expected." n)
		next
	}
	kind != "" { end_block() }
	END { end_block(); print n > (work "/blocks") }
' "$guide"
sed -i "s/^kernel=6\\.1\$/kernel=$kernel/" "$work/script"
blocks=$(cat "$work/blocks")
[ "$blocks" -ge 10 ] && grep -q '^insmod' "$work/script" &&
	bash -n "$work/script"
result $? "the guide has commands"

(cd "$top" && bash "$work/script") 2>"$work/err" </dev/null
code=$?
[ $code = 0 ]
result $? "they are carried out"
if [ $code != 0 ]; then
	echo "# in the block after $(cat "$work/done"):"
	note "$work/err"
	[ -e /tmp/first/log ] && note /tmp/first/log
fi
[ ! -s "$work/err" ]
result $? "without a word of complaint"
[ ! -s "$work/err" ] || note "$work/err"
for ((i = 1; i <= blocks; i++)); do
	if [ -e "$work/expected.$i" ]; then
		cmp -s "$work/expected.$i" "$work/output.$i"
		result $? "block $i prints what the guide says"
		diff "$work/expected.$i" "$work/output.$i" >"$work/diff" ||
			note "$work/diff"
	elif [ -s "$work/output.$i" ]; then
		result 1 "block $i prints something"
		note "$work/output.$i"
	fi
done
! grep -q '^first ' /proc/modules
result $? "and leave nothing loaded"

# What the README shows of a first provider is what the guide types in.
sed -n -e '/^## A first provider$/,/^## /p' "$top/README.md" |
	sed -n 's/^    //p' | grep -v '…\|^$' | sed 's/ *$//' >"$work/readme"
sed -n 's/^    //p' "$guide" | grep -vxF -f - "$work/readme" >"$work/missing"
[ -s "$work/readme" ] && [ ! -s "$work/missing" ]
result $? "the README shows the same provider"
[ ! -s "$work/missing" ] || note "$work/missing"
rm -rf /tmp/first
finish
