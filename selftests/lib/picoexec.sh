# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# For the tests of picoexec itself: one run, and what came of it. Source lib/tap.sh first.
# shellcheck disable=SC2154 # work and picoexec are its

# run ARGS...: picoexec with no input; fills $code, $work/out, $work/err
run()
{
	"$picoexec" "$@" </dev/null >"$work/out" 2>"$work/err"
	code=$?
}

# expect CODE OUTPUT DESCRIPTION: of the last run
expect()
{
	local good=0

	[ "$code" = "$1" ] || good=1
	[ "$(cat "$work/out")" = "$2" ] || good=1
	result $good "$3"
	if [ $good != 0 ]; then
		echo "# exit code $code, not $1; output:"
		note "$work/out"
		note "$work/err"
	fi
}
