#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The program that the documentation begins with.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

"$picoexec" --image "$here/hello.img" >"$work/out" 2>"$work/err"
result $? "it exits with 0"
printf 'hello, Drawbridge\n' | cmp -s - "$work/out"
result $? "it says hello"
[ ! -s "$work/err" ]
result $? "and nothing else"
nothing_left "nothing is left"
finish
