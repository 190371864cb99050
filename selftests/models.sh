#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The models in Promela, checked with spin: each holds, and does not hold any
# more with each of its steps left out that it names (BREAK).

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

models=$here/models
[ -d "$models" ] || models=$(cd "$here/../../selftests/models" && pwd)

if ! command -v spin >/dev/null; then
	skip "models" "no spin"
	finish
fi

# check MODEL KIND BREAK: prints what pan says; its last errors: N decides.
check()
{
	local dir=$work/$2-$3
	mkdir "$dir" && cd "$dir" || return
	spin -DKIND="$2" -DBREAK="$3" -a "$models/$1.pml" >pan.log 2>&1 &&
		gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c >>pan.log 2>&1 &&
		timeout 300 ./pan -m4000 >>pan.log 2>&1
	cd "$here" || return
	sed -n 's/.*errors: \([0-9]*\)$/\1/p' "$dir/pan.log" | tail -n 1
}

for kind in AUTO MANUAL SEMAPHORE; do
	errors=$(check wait $kind 0)
	[ "$errors" = 0 ]
	code=$?
	[ $code = 0 ] || note "$work/$kind-0/pan.log"
	grep -q 'not completed\|out of memory\|MEMLIM\|too small' "$work/$kind-0/pan.log" && code=1
	result $code "wait: no wake-up is lost, no signal taken twice ($kind)"
done
for broken in AUTO-1 AUTO-2 AUTO-3 AUTO-4 MANUAL-5 SEMAPHORE-6; do
	[ "$(check wait ${broken%-*} ${broken#*-})" = 1 ]
	result $? "wait: without step ${broken#*-} one is"
done
finish
