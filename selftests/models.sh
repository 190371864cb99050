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

# check MODEL BREAK: prints what pan says; its last errors: N decides.
check()
{
	local dir=$work/$2
	mkdir "$dir" && cd "$dir" || return
	spin -DBREAK="$2" -a "$models/$1.pml" >pan.log 2>&1 &&
		gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c >>pan.log 2>&1 &&
		timeout 300 ./pan -m2000 >>pan.log 2>&1
	cd "$here" || return
	sed -n 's/.*errors: \([0-9]*\)$/\1/p' "$dir/pan.log" | tail -n 1
}

errors=$(check wait 0)
[ "$errors" = 0 ]
code=$?
[ $code = 0 ] || note "$work/0/pan.log"
grep -q 'not reached\|too small' "$work/0/pan.log" && code=1
result $code "wait: no wake-up is lost, no signal taken twice"
for broken in 1 2 3 4; do
	[ "$(check wait $broken)" = 1 ]
	result $? "wait: without step $broken one is"
done
finish
