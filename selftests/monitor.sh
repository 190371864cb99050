#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What picoexec does while the sandbox runs: resolving names, learning what a
# program needs, ending it.

# shellcheck disable=SC2016,SC2181
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/picoexec.sh
. "$(dirname "$0")/lib/picoexec.sh"

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
	run --allow 'dns:*=r' --allow 'dns:pico-six.example=none' \
		--allow 'dns:pico-test.example.=none' \
		$resolve pico-six.example.,pico-test.example
	said 'pico-six.example.: -13' "dns: a rule is for the absolute name, too"
	said 'pico-test.example: -13' "dns: and may be for that"
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
# names of hosts, and connections
echo "192.0.2.7 pico-test.example" >>/etc/hosts
# shellcheck disable=SC2086
learnt "a host's name" $resolve pico-test.example
grep -q '"dns:pico-test.example": r$' "$work/learnt.yaml"
result $? "it is named"
sed -i s/dns:pico-test/dns:pico-else/ "$work/learnt.yaml"
run --manifest "$work/learnt.yaml"
said 'pico-test.example: -13' "another name is not allowed"
cp "$work/hosts" /etc/hosts

# until_listens PORT: somebody of the host, or a picoprocess, does
until_listens()
{
	local hex

	printf -v hex '%04X' "$1"
	until grep -qs ":$hex [0-9A-F:]* 0A " /proc/net/tcp /proc/net/tcp6; do
		sleep 0.1
	done
}

busybox httpd -f -p 127.0.0.1:7071 -h "$work/data" &
until_listens 7071
learnt "a connection" busybox wget -q -O - http://127.0.0.1:7071/one
grep -q '"tcp.client:127.0.0.1:7071": rw$' "$work/learnt.yaml"
result $? "its address is named"
[ "$(cat "$work/first")" = one ]
result $? "and it was made"
sed -i s/:7071\"/:7072\"/ "$work/learnt.yaml"
run --manifest "$work/learnt.yaml"
[ "$code" != 0 ] && [ ! -s "$work/out" ]
result $? "another port is not allowed"
kill %%
wait

# It takes one connection, and ends; each run has a client of its own.
for _ in 1 2; do
	until_listens 7073
	echo hello | busybox nc 127.0.0.1 7073 >/dev/null
	while grep -qs ':1BA1 [0-9A-F:]* 0A ' /proc/net/tcp /proc/net/tcp6; do
		sleep 0.1
	done
done &
learnt "a server" busybox nc -l -p 7073
kill %% 2>/dev/null
wait
grep -q '"tcp.server:[^"?]*:7073": r$' "$work/learnt.yaml"
result $? "its address is named, without options"
[ "$(cat "$work/first")" = hello ]
result $? "and somebody called"

learnt "listing" busybox ls "$work/data"
learnt "writing" busybox sh -c \
	"cd $work/made && echo a >f && echo b >>f && read -r x <f && echo \$x"
grep -q "\"file:$work/made\": rw$" "$work/learnt.yaml"
result $? "where files are made the directory is named"
learnt "moving" busybox sh -c "echo >$work/made/m; exec busybox mv $work/made/m $work/made/n"
learnt "what was forbidden" --allow 'pipe.client:none*=none' busybox true
grep -q '"pipe.client:none\*": none$' "$work/learnt.yaml"
result $? "learnt: what was forbidden stays so"
learnt "the environment" --clear-env --env 'A=b "c" ü' --env D= busybox env
learnt "a part of the environment" --env X=1 busybox sh -c 'echo $X $PATH'
run --learn "$work/learnt.yaml" busybox echo $'\377'
[ $code != 0 ] && grep -q 'not UTF-8' "$work/err"
result $? "learnt: not an argument that is not UTF-8" || note "$work/err"
learnt "a private /tmp" busybox sh -c 'echo x >/tmp/y; read -r z </tmp/y; echo $z'
learnt "a dynamic program" /bin/true
learnt "a shell" /bin/bash -c 'echo $((6 * 7))'
learnt "what is not there" busybox sh -c "
	for f in /pico-none /etc/pico-none /etc/pico-none/x $work/data/none \
		/etc/passwd/x; do
		cat \$f || ls -d \$f || rm \$f || mv \$f /tmp/
	done 2>&1; :"
grep -q 'No such file' "$work/out" && ! grep -q 'denied' "$work/out"
result $? "not there is not the same as not for you"
for name in /pico-none /etc/pico-none; do
	grep -q "\"file:$name\": absent$" "$work/learnt.yaml"
	result $? "learnt: $name is absent"
done
sed -i '/file:.etc.pico-none/d' "$work/learnt.yaml"
run --manifest "$work/learnt.yaml"
grep -q 'denied' "$work/out"
result $? "and without that line it would be refused"
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

# says TEXT: waits until that is a line of the output
says()
{
	local i

	for ((i = 0; i < 600 * ${PICO_SLOWER:-1}; i++)); do
		grep -qx -e "$1" "$work/out" && return
		sleep 0.1
	done
	return 1
}

# ends CODE DESCRIPTION: $monitor ends with that
ends()
{
	local i

	for ((i = 0; i < 600 * ${PICO_SLOWER:-1}; i++)); do
		kill -0 "$monitor" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$monitor" 2>/dev/null
	wait "$monitor"
	code=$?
	[ $code = "$1" ]
	result $? "$2" || :
	[ $code = "$1" ] || note "$work/out"
}

# begin OPTIONS...: picoexec in the background, its input at file 4
mkfifo "$work/in"
begin()
{
	: >"$work/out"
	"$picoexec" "$@" <"$work/in" >"$work/out" 2>"$work/err" &
	monitor=$!
	exec 4>"$work/in"
}

begin --grace 3600 busybox sh -c \
	'trap "echo term; exit 7" TERM; echo ready; while :; do sleep 1; done'
started
kill -TERM $monitor
ends 7 "SIGTERM: the program may end in its own way"
says term
result $? "and say so"
begin --grace none busybox sh -c 'trap "echo term" TERM; echo ready
	while ! read -r line; do :; done; exit 5'
started
kill -TERM $monitor
says term && kill -0 $monitor
result $? "SIGTERM: or go on"
echo >&4
ends 5 "as long as it likes, without a time of grace"
begin --grace 0 busybox sh -c \
	'trap "" TERM; echo ready; while :; do sleep 1; done'
started
kill -TERM $monitor
ends 137 "SIGKILL after the time of grace"

# The same for who has registered an event (images/signals.c).
registered()
{
	begin --grace "$1" --image "$here/signals.img"
	started
	printf 'abort\nwait\n' >&4
	until [ "$(grep -cx ready "$work/out")" -ge 3 ]; do
		kill -0 $monitor 2>/dev/null || break
		sleep 0.1
	done
	kill -TERM $monitor
}

registered none
says 'wait ABORTED' && kill -0 $monitor
result $? "SIGTERM: the abort event, and no signal"
echo end >&4
ends 3 "and the program ends in its own way"
registered 0
ends 137 "or is killed after the time of grace"
exec 4>&-
for bad in x -1 '' 1s; do
	run --grace "$bad" busybox true
	[ "$code" = 125 ] && [ "$(wc -l <"$work/err")" = 1 ]
	result $? "refused: --grace '$bad'"
done
run --strace busybox echo traced
[ "$code" = 0 ] && [ "$(cat "$work/out")" = traced ] &&
	grep -qx '\[[0-9]*\] write(1, "traced\\n", 7) = 7' "$work/err" &&
	[ "$(tail -n 1 "$work/err" | sed 's/[0-9][0-9]*//')" = '[] +++ exited with 0 +++' ]
result $? "--strace"
# shellcheck disable=SC2016 # $$ is the inner shell's
run --strace busybox sh -c 'cat /no/such
trap "echo caught" USR1; kill -USR1 $$; (exit 3); exec busybox cat </dev/null'
[ "$code" = 0 ] && [ "$(cat "$work/out")" = caught ]
result $? "--strace of a shell"
while read -r pattern; do
	grep -qE -- "^\[[0-9]+\] $pattern\$" "$work/err"
	result $? "--strace: $pattern"
done <<'EOF'
open(at\(AT_FDCWD, |\()"/no/such", O_RDONLY(\|O_[A-Z]+)*\) = -1 ENOENT
kill\([0-9]+, SIGUSR1\) = 0
--- SIGUSR1 \(code 0\) ---
--- SIGCHLD \(code 1\) ---
exit_group\(3\) = \?
\+\+\+ exited with 3 \+\+\+
mmap\(0x0, [0-9]+, PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS, -1, 0x0\) = 0x[0-9a-f]+
execve\("[^"]*", \["busybox", "cat"\], 0x[0-9a-f]+\) = 0
read\(0, "", [0-9]+\) = 0
EOF

nothing_left "nothing is left"
finish
