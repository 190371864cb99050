#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Job control: shells at a pseudo-terminal, natively and in a picoprocess, show
# the same. linux_jobs.py has the conversations.
#
# linux_jobs.sh [SESSION...]: only these

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

# same SESSION [PROGRAM]
same()
{
	local code good=0

	# As in a picoprocess, the program does not lead the session.
	# shellcheck disable=SC2016
	python3 "$here/linux_jobs.py" "$1" /bin/sh -c '"$0" "$@"; exit $?' \
		${2:+"$2"} >"$work/n.out" 2>&1
	code=$?
	python3 "$here/linux_jobs.py" "$1" "$picoexec" \
		${2:+"$2"} >"$work/p.out" 2>&1 || good=1
	[ $code = 0 ] || good=1
	diff "$work/n.out" "$work/p.out" >"$work/diff" || good=1
	result $good "$1"
	[ $good = 0 ] || note "$work/diff"
}

if [ $# -gt 0 ]; then
	for session in "$@"; do
		same "$session"
	done
else
	same calls "$here/linux/jobs"
	same bash
	same dash
	same orphan
	same end
fi
nothing_left "nothing is left"
finish
