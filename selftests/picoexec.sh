#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# picoexec: options, messages, exit codes, rules, and what passes through.

# Programs for the shell inside stand in single quotes; what fails is looked at
# by its code.
# shellcheck disable=SC2016,SC2181
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/picoexec.sh
. "$(dirname "$0")/lib/picoexec.sh"

# complains CODE PATTERN DESCRIPTION: that code, one line that matches, and
# nothing on standard output
complains()
{
	local good=0

	[ "$code" = "$1" ] || good=1
	[ "$(wc -l <"$work/err")" = 1 ] || good=1
	grep -qi -e "$2" "$work/err" || good=1
	[ ! -s "$work/out" ] || good=1
	result $good "$3"
	if [ $good != 0 ]; then
		echo "# exit code $code, not $1; messages:"
		note "$work/err"
	fi
}

# ---- options ----

run --help
[ "$code" = 0 ] && [ "$(wc -l <"$work/out")" -gt 5 ]
result $? "--help"
missing=
for option in --allow --image --stats --version --help --chdir --env; do
	grep -q -e "$option" "$work/out" || missing="$missing $option"
done
[ -z "$missing" ]
result $? "--help names every option$missing"
run --version
[ "$code" = 0 ] && grep -q '[0-9]' "$work/out"
result $? "--version"
run
complains 125 . "no program"
run --no-such-option true
complains 125 no-such-option "an unknown option"
run --allow busybox true
complains 125 . "a rule without rights"
run --allow file:/etc=q busybox true
complains 125 . "a rule with unknown rights"
run --allow nope:/etc=r busybox true
complains 125 . "a rule of an unknown scheme"
run --allow file:/no/such/place=r busybox true
complains 125 . "a rule for what does not exist"
run --allow
complains 125 . "an option without its value"
run --chdir /no/such/folder busybox true
complains 125 . "a working directory that does not exist"

# ---- what cannot be run ----

run no-such-program-anywhere
complains 127 no-such-program-anywhere "127: no such program"
run /no/such/path/program
complains 127 /no/such/path/program "127: no such path"
run /etc
complains 126 /etc "126: a directory"
run /etc/passwd
complains 126 /etc/passwd "126: not executable"
printf 'not a program' >"$work/garbage"
chmod 755 "$work/garbage"
run "$work/garbage"
complains 126 garbage "126: not a program"
: >"$work/empty"
chmod 755 "$work/empty"
run "$work/empty"
complains 126 empty "126: an empty file"
head -c 3000 /bin/busybox >"$work/cut"
chmod 755 "$work/cut"
run "$work/cut"
complains 126 cut "126: a program cut short"
# An ELF header of another machine (e_machine: AArch64).
cp /bin/busybox "$work/foreign"
printf '\267' | dd of="$work/foreign" bs=1 seek=18 conv=notrunc 2>/dev/null
run "$work/foreign"
complains 126 foreign "126: for another processor"
run --image /no/such/image
[ "$code" -ge 125 ] && [ "$code" -le 127 ]
result $? "an image that does not exist"
run --image /etc/passwd
[ "$code" = 125 ] || [ "$code" = 126 ]
result $? "an image that is none"

# ---- exit codes, streams ----

run busybox true
expect 0 "" "exit code 0"
run busybox false
expect 1 "" "exit code 1"
for n in 2 42 125 126 127 128 200 255; do
	run busybox sh -c "exit $n"
	expect $n "" "exit code $n"
done
run busybox echo one two 'three  four'
expect 0 "one two three  four" "arguments"
run -- busybox echo --help-is-not-ours -x
expect 0 "--help-is-not-ours -x" "options behind --"
run busybox echo --stats
expect 0 "--stats" "options behind the program are the program's"
printf 'in\0put\n\377' | "$picoexec" busybox cat >"$work/out" 2>"$work/err"
printf 'in\0put\n\377' | cmp -s - "$work/out" && [ ! -s "$work/err" ]
result $? "standard input to standard output, binary"
"$picoexec" busybox ls /no/such >"$work/out" 2>"$work/err" </dev/null
[ -s "$work/err" ] && [ ! -s "$work/out" ]
result $? "standard error is apart"
"$picoexec" busybox cat <&- >"$work/out" 2>"$work/err"
[ $? -lt 125 ]
result $? "without standard input"
"$picoexec" busybox echo x >&- 2>"$work/err" </dev/null
[ $? -lt 125 ]
result $? "without standard output"

# ---- signals ----

# SIGINT is ignored by what a shell starts in the background.
for signal in TERM HUP KILL USR1; do
	"$picoexec" busybox sleep 30 </dev/null >/dev/null 2>&1 &
	pid=$!
	sleep 0.7
	kill -s $signal $pid
	wait $pid
	code=$?
	[ $code = $((128 + $(kill -l $signal))) ]
	result $? "killed by SIG$signal: 128 + $(kill -l $signal) ($code)"
done

# ---- environment, working directory, user ----

export PICO_TEST_VARIABLE='a value with = and  spaces'
run busybox sh -c 'echo "$PICO_TEST_VARIABLE"'
expect 0 "$PICO_TEST_VARIABLE" "the environment passes"
run --env NEW=set --env PICO_TEST_VARIABLE= busybox sh -c \
	'echo "$NEW/$PICO_TEST_VARIABLE"'
expect 0 "set/" "--env"
env >"$work/native"
run busybox env
sort "$work/out" | grep -v '^_=' >"$work/a"
sort "$work/native" | grep -v '^_=' >"$work/b"
cmp -s "$work/a" "$work/b"
result $? "the whole environment"
cd /usr/lib || exit 1
run busybox pwd
expect 0 "/usr/lib" "the working directory"
cd "$here" || exit 1
run --chdir /etc busybox pwd
expect 0 "/etc" "--chdir"
run busybox id -u
expect 0 "$(id -u)" "the user"
mkdir "$work/bin"
cp /bin/busybox "$work/bin/factor"
PATH=$work/bin:$PATH run factor 6
expect 0 "6: 2 3" "looked up in PATH"
run --env "PATH=$work/bin" factor 21
expect 0 "21: 3 7" "in the PATH that the program gets"

# ---- rules ----

mkdir "$work/folder" "$work/other"
echo text >"$work/folder/file"
echo secret >"$work/other/file"
echo host >"/tmp/pico-sh-host.$$"
run busybox cat "$work/folder/file"
expect 0 text "files are readable"
run busybox sh -c "echo x > $work/folder/new"
[ "$code" != 0 ] && [ ! -e "$work/folder/new" ]
result $? "and not writable"
run busybox rm "$work/folder/file"
[ "$code" != 0 ] && [ -e "$work/folder/file" ]
result $? "or removable"
run busybox mkdir "/pico-sh-test"
[ "$code" != 0 ] && [ ! -e /pico-sh-test ]
result $? "nor can folders be made"
run busybox sh -c 'echo mine >/tmp/mine; read -r a </tmp/mine; echo "$a"'
expect 0 mine "/tmp is writable"
[ ! -e /tmp/mine ]
result $? "and private"
run busybox ls /tmp
expect 0 "" "and empty at first"
rm -f "/tmp/pico-sh-host.$$"
run --allow "file:$work/folder=rw" busybox sh -c \
	"echo more >>$work/folder/file"
expect 0 "" "--allow rw"
[ "$(cat "$work/folder/file")" = "text
more" ]
result $? "and it is written"
run --allow "file:$work/other=-" busybox cat "$work/other/file"
[ "$code" != 0 ] && ! grep -q secret "$work/out"
result $? "--allow none hides"
run --allow "file:$work=rw" --allow "file:$work/other=r" busybox sh -c \
	"echo x > $work/other/new"
[ "$code" != 0 ] && [ ! -e "$work/other/new" ]
result $? "the deepest rule decides"
run --allow "file:$work=-" --allow "file:$work/folder=r" busybox head -n 1 \
	"$work/folder/file"
expect 0 text "also the other way"
ln -s ../other/file "$work/folder/link"
run --allow "file:$work/other=-" --allow "file:$work/folder=rw" busybox cat \
	"$work/folder/link"
[ "$code" != 0 ] && ! grep -q secret "$work/out"
result $? "a link leads nowhere else"
# What the host puts into a rule's place is under that rule, too, as far as it
# takes rights away; and it cannot be moved out of it.
mkdir "$work/saved"
echo secret >"$work/saved/secret"
echo free >"$work/saved/free"
"$picoexec" --allow "file:$work/saved=rw" --allow "file:$work/saved/secret=-" \
	--allow "file:$work/saved/free=r" busybox sh -c '
	cd "$1"
	: >started
	until [ -e go ]; do sleep 0.1; done
	cat secret
	mv secret out && cat out
	ln secret link && cat link
	rm secret || echo kept
	mv free out || echo kept
	echo more >free || cat free
	mv other secret || echo kept' - "$work/saved" </dev/null \
	>"$work/out" 2>"$work/err" &
until [ -e "$work/saved/started" ]; do sleep 0.1; done
for name in secret free; do
	echo "$name again" >"$work/saved/new"
	mv "$work/saved/new" "$work/saved/$name"
done
echo other >"$work/saved/other"
: >"$work/saved/go"
wait $!
[ "$(cat "$work/out")" = "kept
kept
free again
kept" ]
result $? "a rule stays with the name of its place"
[ "$(cat "$work/saved/secret" "$work/saved/free")" = "secret again
free again" ]
result $? "and what has it is as it was"
run busybox cat /proc/1/environ
[ "$code" != 0 ]
result $? "no other process' environment"
run busybox wget -T 2 -q -O - http://127.0.0.1:1/
[ "$code" != 0 ]
result $? "no network"

# ---- images, statistics ----

run --image "$here/hello.img"
expect 0 "hello, Drawbridge" "--image"
run --stats --image "$here/hello.img"
expect 0 "hello, Drawbridge" "--stats leaves standard output alone"
grep -qi 'calls' "$work/err"
result $? "--stats on standard error"

# ---- who is left behind ----

# The first process is gone when the second one speaks, which it may do once
# before the sandbox ends.
# shellcheck disable=SC2016
left='(while [ -d /proc/$$ ]; do sleep 0.1; done; echo $$ is gone
	busybox sleep '"${PICO_SLOWER:-1}"' && busybox echo late) & echo early; exit 3'
run busybox sh -c "$left"
[ $code = 3 ] && [ "$(head -n 1 "$work/out")" = early ] &&
	! grep -q late "$work/out"
result $? "the sandbox ends with its first process"
run --wait-all busybox sh -c "$left"
[ $code = 3 ] && [ "$(sed 's/^[0-9]* is/N is/' "$work/out")" = "early
N is gone
late" ]
result $? "--wait-all waits for all, and tells of the first"
"$picoexec" --wait-all busybox sh -c 'sleep 1000 & sleep 1000 & exit 4' \
	</dev/null >"$work/out" 2>&1 &
monitor=$!
# To the host all of them are named busybox. The first one is picoexec's child,
# as process 1 of its wall is, whose children the others have become.
left=0
for ((i = 0; i < 100 * ${PICO_SLOWER:-1}; i++)); do
	if [ "$(pgrep -cx busybox)" = 2 ] && [ "$(pgrep -cP $monitor)" = 1 ]; then
		left=1
		break
	fi
	sleep 0.1
done
kill -TERM $monitor
wait $monitor
[ $? = 4 ] && [ $left = 1 ] && [ "$(pgrep -cx busybox)" = 0 ]
result $? "and SIGTERM ends those that are left"

# ---- ordinary users ----

nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
chmod 711 "$work"
# shellcheck disable=SC2086
$nobody "$picoexec" busybox id -u >"$work/out" 2>"$work/err" </dev/null
code=$?
expect 0 65534 "as an ordinary user"
install -m 600 /etc/passwd "$work/roots"
# shellcheck disable=SC2086
$nobody "$picoexec" busybox cat "$work/roots" >"$work/out" 2>"$work/err" \
	</dev/null
[ $? != 0 ] && [ ! -s "$work/out" ]
result $? "who may no more than outside"
# shellcheck disable=SC2086
$nobody "$picoexec" --allow "file:$work=rw" busybox sh -c \
	"echo x > $work/new" >"$work/out" 2>"$work/err" </dev/null
[ $? != 0 ] && [ ! -e "$work/new" ]
result $? "nor by a rule of the user's own"
# Others' things in a sticky directory: that comes before what they are.
mkdir -m 1777 "$work/sticky"
mkdir "$work/sticky/folder"
: >"$work/sticky/file"
removals="cd $work/sticky && { unlink folder; rmdir file; unlink folder/; }"
# shellcheck disable=SC2086
$nobody sh -c "$removals" 2>"$work/native" </dev/null
# shellcheck disable=SC2086
$nobody "$picoexec" --allow "file:$work/sticky=rw" sh -c "$removals" \
	2>"$work/err" </dev/null
good=0
[ "$(grep -c 'not permitted' "$work/native")" = 2 ] &&
	cmp -s "$work/native" "$work/err" || good=1
result $good "and others' things in a sticky directory stay, as outside"
[ $good = 0 ] || note "$work/err"

nothing_left "nothing is left"
finish
