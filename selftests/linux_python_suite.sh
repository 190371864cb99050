#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Python's own regression suite in a picoprocess: the modules of
# python-modules.list. A module that the list calls passing must pass, one that
# it calls failing must fail, and the list must have every module that the suite
# has and no other, or it is stale.
#
# linux_python_suite.sh [N/M]: all of them, or every M-th from the N-th on
# linux_python_suite.sh MODULE...: only these, be they in the list or not
# linux_python_suite.sh --native [MODULE...]: without a picoprocess, which is
# how the list is to be checked when Python changes

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

list=$(dirname "$0")/python-modules.list
group=10	# modules that share an interpreter, whose start is what costs
limit=$((900 * ${PICO_SLOWER:-1}))
run=(timeout -k 10 "$limit" "$picoexec"
	--allow 'tcp.server:127.0.0.1:*=r' --allow 'tcp.client:127.0.0.1:*=rw'
	--allow 'tcp.server:[::1]:*=r' --allow 'tcp.client:[::1]:*=rw'
	--allow 'tcp.server:0.0.0.0:*=r' --allow 'tcp.server:[::]:*=r')
native=false
if [ "${1:-}" = --native ]; then
	native=true
	run=(timeout -k 10 "$limit")
	shift
fi

part=1/1
if [[ ${1:-} =~ ^[1-9][0-9]*/[1-9][0-9]*$ ]]; then
	part=$1
	shift
fi

passing=() failing=() listed=()
declare -A reason
while read -r module state why; do
	listed+=("$module")
	case $state in
	'' | \#*) passing+=("$module") ;;
	fails:)
		failing+=("$module")
		reason[$module]=$why
		;;
	not:) ;;
	*)
		result 1 "$list: $module $state: no such word"
		continue
		;;
	esac
	case $state in
	fails: | not:) [ -n "$why" ] || result 1 "$list: $module: no reason" ;;
	esac
done < <(sed -e '/^#/d' -e '/^[[:space:]]*$/d' "$list")
# share ARRAY: of what it has, the part that is to be run
share()
{
	local -n all=$1
	local some=() i

	for ((i = ${part%/*} - 1; i < ${#all[@]}; i += ${part#*/})); do
		some+=("${all[i]}")
	done
	all=("${some[@]}")
}

if [ $# -gt 0 ]; then
	passing=("$@")
	failing=()
else
	share passing
	share failing
fi

# good MODULE: what the last run says of it
good()
{
	grep -q "^Tests\? result:\|^== Tests result:" "$work/out" || return 1
	awk '/^[0-9]+ tests? (failed|altered|skipped)/ { bad = 1; next }
		/^[^ ]/ || /^$/ { bad = 0 }
		bad { print }' "$work/out" | grep -qw "$1" && return 1
	return 0
}

# suite MODULE...: run them together
suite()
{
	local start=$SECONDS

	(
		cd / && exec "${run[@]}" /usr/bin/python3 -m test -W \
			--timeout "$limit" "$@"
	) >"$work/out" 2>&1 </dev/null
	echo "# $* took $((SECONDS - start)) s"
}

# What went wrong with a module, from the run of it alone
why()
{
	grep -E "^(ERROR|FAIL): |^[A-Za-z]*(Error|Exception|Exit)\\b" "$work/out" |
		head -n 20 | sed 's/^/#   /'
	note <(tail -n 8 "$work/out")
}

if [ $# = 0 ]; then
	/usr/bin/python3 -m test --list-tests | sort >"$work/suite"
	printf '%s\n' "${listed[@]}" | sort >"$work/listed"
	diff "$work/suite" "$work/listed" >"$work/diff"
	result $? "the list has every module of the suite, once"
	sed 's/^/# /' "$work/diff"
fi
for ((i = 0; i < ${#passing[@]}; i += group)); do
	some=("${passing[@]:i:group}")
	suite "${some[@]}"
	cp "$work/out" "$work/together"
	for module in "${some[@]}"; do
		cp "$work/together" "$work/out"
		if good "$module"; then
			result 0 "$module"
			continue
		fi
		# alone, where what others left or a crash does not count
		[ ${#some[@]} = 1 ] || suite "$module"
		if good "$module"; then
			result 0 "$module (alone)"
		else
			result 1 "$module"
			why
		fi
	done
done
for module in "${failing[@]}"; do
	suite "$module"
	good "$module"
	result $(($? == 0)) "$module still fails: ${reason[$module]}"
done
$native || nothing_left "nothing is left"
finish
