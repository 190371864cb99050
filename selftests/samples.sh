#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The sample providers, as their pages in Documentation/samples show them.

# What is in single quotes is for the shell inside.
# shellcheck disable=SC2016

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

programs=$here/../samples
busybox=/bin/busybox
kernel=${PICO_KERNEL:-6.1}

# module NAME: its file
module() { echo "$here/../kmod/$kernel/kmod/samples/$1/pico_$1.ko"; }

# run COMMAND...: its exit code, output and errors
run()
{
	"$@" >"$work/out" 2>"$work/err" </dev/null
	code=$?
}

# is DESCRIPTION CODE OUTPUT: what the last run gave, errors aside
is()
{
	printf '%s' "$3" >"$work/expected"
	if [ "$code" = "$2" ] && cmp -s "$work/expected" "$work/out"; then
		result 0 "$1"
	else
		result 1 "$1"
		echo "# exit code $code"
		note "$work/out"
		note "$work/err"
	fi
}

# ---- none of them is loaded ----

run "$programs/pico-minimal"
is "minimal: not without its module" 126 ""
run "$programs/pico-filter" $busybox true
is "filter: not without its module" 125 ""
run "$programs/pico-foreign" "$programs/foreign-demo"
is "foreign: not without its module" 125 ""

# ---- minimal ----

insmod "$(module minimal)"
result $? "minimal: loads"
run "$programs/pico-minimal"
is "minimal: its answer is 42" 42 ""
rmmod pico_minimal
result $? "minimal: unloads"

# ---- filter ----

filter=$programs/pico-filter
insmod "$(module filter)"
result $? "filter: loads"

run "$filter" $busybox echo a "b c" ""
is "filter: arguments" 0 $'a b c \n'
run env -i A=1 B=2 "$filter" $busybox env
is "filter: environment" 0 $'A=1\nB=2\n'
run "$filter" $busybox sh -c 'exit 77'
is "filter: exit code" 77 ""
run "$filter" $busybox sh -c 'kill -TERM $$'
is "filter: signal" 143 ""
head -c 300000 /dev/urandom >"$work/data"
run "$filter" $busybox cat "$work/data"
cmp -s "$work/data" "$work/out"
result $? "filter: cat gives what is there"
"$filter" $busybox cat <"$work/data" >"$work/copy"
cmp -s "$work/copy" "$work/data"
result $? "filter: streams pass through"
(sleep 0.3; echo late) | "$filter" $busybox cat >"$work/out"
[ "$(cat "$work/out")" = late ]
result $? "filter: it waits for its input"
$busybox ls -la /etc >"$work/ls"
run "$filter" $busybox ls -la /etc
is "filter: ls" 0 "$(cat "$work/ls")"$'\n'
run "$filter" $busybox sh -c \
	'echo a | while read x; do echo "<$x>"; done; (exit 3); echo $?'
is "filter: pipes and processes in a shell" 0 $'<a>\n3\n'
run "$filter" $busybox sh -c '/bin/busybox true; echo $?'
is "filter: no execve" 0 $'126\n'
run "$filter" $busybox cat /proc/self/comm
is "filter: its name" 0 $'busybox\n'
"$filter" $busybox cat /proc/self/cmdline | tr '\0' ' ' >"$work/out"
[ "$(cat "$work/out")" = "$busybox cat /proc/self/cmdline " ]
result $? "filter: its command line"
run "$filter" $busybox cat /proc/self/maps
grep -q "$busybox" "$work/out" && ! grep -q 'vdso\|vvar' "$work/out"
result $? "filter: its memory holds the program, and no vDSO"

echo secret >"$work/secret"
run "$filter" --deny open=EACCES --deny openat=EACCES \
	$busybox cat "$work/secret"
is "filter: a denied open" 1 ""
grep -q 'Permission denied' "$work/err"
result $? "filter: and its errno"
run "$filter" --deny mkdir=EROFS --deny mkdirat=30 $busybox mkdir "$work/new"
[ ! -e "$work/new" ] && grep -q 'Read-only' "$work/err"
result $? "filter: what is denied does not happen"
run "$filter" --answer mkdir=0 $busybox mkdir "$work/new"
is "filter: what is answered seems to" 0 ""
[ ! -e "$work/new" ]
result $? "filter: and does not"
run "$filter" --answer getuid=1234 $busybox id -ru
is "filter: an answer" 0 $'1234\n'
run "$filter" --replace mkdir=rmdir $busybox mkdir "$work"
grep -q 'not empty' "$work/err"
result $? "filter: another call in its place"
run "$filter" --log=openat --deny openat=ENOENT $busybox cat "$work/secret"
[ "$(grep -c '^[0-9]* openat(0xffffff9c, 0x.*) denied$' "$work/err")" = 1 ]
result $? "filter: the log of one call"
run "$filter" --log $busybox true
grep -q '^[0-9]* exit_group(0, .*) allowed$' "$work/err"
result $? "filter: the log of all calls"
run "$filter" --deny all=EPERM --allow exit_group $busybox true
[ "$code" != 0 ]
result $? "filter: all denied but one"

run "$filter" /nonexistent
is "filter: no such program" 127 ""
run "$filter" "$work/data"
is "filter: a file that may not be executed" 126 ""
run "$filter" "$here/samples.sh"
is "filter: a file that is no program" 126 ""
run "$filter" /bin/ls
is "filter: a dynamic program" 126 ""
run "$filter" "$programs/foreign-demo"
is "filter: another system's program" 126 ""
for options in "--deny nonsense=EPERM" "--deny open" "--deny open=ENONSENSE" \
	"--deny open=5000" "--allow 512" "--replace open=-1" "--nonsense" \
	"--answer open=x" ""; do
	# shellcheck disable=SC2086
	run "$filter" $options ${options:+$busybox true}
	is "filter: refuses \"$options\"" 125 ""
done
nothing_left "filter: nothing is left"
rmmod pico_filter
result $? "filter: unloads"

# ---- foreign ----

foreign=$programs/pico-foreign
demo=$programs/foreign-demo
insmod "$(module foreign)"
result $? "foreign: loads"
run "$demo" echo native
[ "$code" != 0 ]
result $? "foreign: its program does not run on Linux"
run "$foreign" "$demo" echo a "b c"
is "foreign: echo" 0 $'a b c\n'
run "$foreign" "$demo" cat "$work/secret" "$work/data"
cat "$work/secret" "$work/data" | cmp -s - "$work/out"
result $? "foreign: cat"
"$foreign" "$demo" cat <"$work/data" >"$work/copy"
cmp -s "$work/copy" "$work/data"
result $? "foreign: cat, from its standard input"
run "$foreign" "$demo" cat /nonexistent
is "foreign: an error" 1 ""
mkdir "$work/folder"
mkfifo "$work/fifo"
exec 5<>"$work/fifo"
"$foreign" "$demo" check "$work/folder" >"$work/out" 2>&1 <&5
code=$?
is "foreign: results, errors, flags, structures" 0 $'all is right\n'
[ "$(stat -c %a:%s "$work/folder/file")" = 640:0 ]
result $? "foreign: their effects"
exec 5>&-
before=$(date +%s)
run env -i A=1 "$foreign" "$demo" info
after=$(date +%s)
grep -qx 'ostype FreeBSD' "$work/out" && grep -qx 'machine amd64' "$work/out" &&
	grep -qx "cwd $PWD" "$work/out" && grep -qx 'environment 1' "$work/out"
result $? "foreign: info"
seconds=$(sed -n 's/^time //p' "$work/out")
[ "${seconds:-0}" -ge "$before" ] && [ "$seconds" -le "$after" ]
result $? "foreign: the time"
dmesg -c >"$work/dmesg"
run "$foreign" "$demo" crash
is "foreign: an exception kills" 139 ""
dmesg | grep -q '(foreign-demo), uid 0: exited on signal 11$'
result $? "foreign: and the kernel says so"
run "$foreign" $busybox
is "foreign: refuses Linux' programs" 126 ""
nothing_left "foreign: nothing is left"
rmmod pico_foreign
result $? "foreign: unloads"
finish
