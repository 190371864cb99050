#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What picoexec does while the sandbox runs: resolving names, learning what a
# program needs, ending it.

# shellcheck disable=SC2016,SC2181
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

# run ARGS...: picoexec with no input; fills $code, $work/out, $work/err
run()
{
	"$picoexec" "$@" </dev/null >"$work/out" 2>"$work/err"
	code=$?
}

# said TEXT DESCRIPTION: that is a line of the last output
said()
{
	grep -qx -e "$1" "$work/out"
	result $? "$2" || :
	grep -qx -e "$1" "$work/out" || note "$work/out"
}

# ---- dns: ----

resolve="--image $here/resolve.img"
cp /etc/hosts "$work/hosts"
echo "192.0.2.7 pico-test.example PICO-other.example" >>/etc/hosts
echo "2001:db8::9 pico-six.example" >>/etc/hosts
# shellcheck disable=SC2086
{
	run --allow 'dns:*=r' $resolve pico-test.example,pico-six.example,192.0.2.200,no-such-name.invalid
	said 192.0.2.7 "dns: an IPv4 address"
	said 2001:db8::9 "dns: an IPv6 address"
	said 192.0.2.200 "dns: an address is its own name"
	grep -q '^no-such-name.invalid: -' "$work/out"
	result $? "dns: a name that is not there"
	run $resolve pico-test.example
	said 'pico-test.example: -13' "dns: refused without a rule"
	run --allow 'dns:pico-test.example=r' --allow 'dns:*.org=r' \
		$resolve Pico-Test.example,pico-six.example
	said 192.0.2.7 "dns: a rule for one name, whatever the case"
	said 'pico-six.example: -13' "dns: and not for another"
	run --allow 'dns:*.example=r' --allow 'dns:pico-six.example=none' \
		$resolve pico-test.example,pico-six.example,example
	said 192.0.2.7 "dns: a rule for a suffix"
	said 'pico-six.example: -13' "dns: the most exact rule decides"
	said 'example: -13' "dns: the suffix itself is not below it"
	run --allow 'dns:*=r' $resolve ",a b,$(printf '%0300d' 0)"
	said ': -22' "dns: no name"
	said 'a b: -22' "dns: what is no name"
	grep -q '^0*: -36' "$work/out"
	result $? "dns: a name that is too long"
}
cp "$work/hosts" /etc/hosts

# ---- learning ----

mkdir "$work/data" "$work/made"
echo one >"$work/data/one"
echo two >"$work/data/two"

# learnt WHAT ARGS...: learns, then runs with what was learnt: both do the same
learnt()
{
	local what=$1 good=0

	shift
	run --learn "$work/learnt.yaml" "$@"
	[ "$code" = 0 ] || good=1
	mv "$work/out" "$work/first"
	run --manifest "$work/learnt.yaml"
	[ "$code" = 0 ] && cmp -s "$work/out" "$work/first" || good=1
	result $good "learnt: $what"
	if [ $good != 0 ]; then
		note "$work/err"
		note "$work/learnt.yaml"
	fi
}

learnt "reading" busybox cat "$work/data/one"
grep -q "\"file:$work/data/one\": r$" "$work/learnt.yaml"
result $? "the file that was read is named"
! grep -q "data/two\|data\":" "$work/learnt.yaml"
result $? "and no other"
cp "$work/learnt.yaml" "$work/again.yaml"
run --learn "$work/learnt.yaml" busybox cat "$work/data/one"
cmp -s "$work/learnt.yaml" "$work/again.yaml"
result $? "the same again"
sed -i "s,data/one\"$,data/two\"," "$work/learnt.yaml"
run --manifest "$work/learnt.yaml"
[ "$code" != 0 ] && [ ! -s "$work/out" ]
result $? "another file is refused"
learnt "listing" busybox ls "$work/data"
learnt "writing" busybox sh -c \
	"cd $work/made && echo a >f && echo b >>f && read -r x <f && echo \$x"
grep -q "\"file:$work/made\": rw$" "$work/learnt.yaml"
result $? "where files are made the directory is named"
learnt "moving" busybox sh -c "echo >$work/made/m; exec busybox mv $work/made/m $work/made/n"
learnt "a private /tmp" busybox sh -c 'echo x >/tmp/y; read -r z </tmp/y; echo $z'
learnt "a dynamic program" /bin/true
learnt "a shell" /bin/bash -c 'echo $((6 * 7))'
[ -x /usr/bin/python3 ] && learnt "python" /usr/bin/python3 -c \
	'import json; print(json.dumps({"a": 1}))'
run --learn /no/such/place busybox true
[ "$code" = 125 ] && grep -q -- '--learn /no/such/place' "$work/err"
result $? "--learn: a file that cannot be written"

# ---- ending ----

started()
{
	local i

	for ((i = 0; i < 100 * ${PICO_SLOWER:-1}; i++)); do
		grep -q ready "$work/out" && return
		sleep 0.1
	done
}

"$picoexec" --grace 1 busybox sh -c \
	'trap "echo term" TERM; echo ready; while :; do :; done' \
	</dev/null >"$work/out" 2>"$work/err" &
monitor=$!
started
kill -TERM $monitor
wait $monitor
code=$?
[ $code = 137 ] || [ $code = 143 ]
result $? "SIGTERM, and SIGKILL after the time of grace"
for bad in x -1 '' 1s; do
	run --grace "$bad" busybox true
	[ "$code" = 125 ] && [ "$(wc -l <"$work/err")" = 1 ]
	result $? "refused: --grace '$bad'"
done
run --strace busybox echo traced
[ "$code" = 0 ] && [ "$(cat "$work/out")" = traced ] &&
	grep -q 'write(' "$work/err"
result $? "--strace"

nothing_left "nothing is left"
finish
