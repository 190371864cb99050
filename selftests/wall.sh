#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The wall that picoexec builds around a sandbox, seen from outside: what a
# picoprocess could do if it could make system calls.

# shellcheck disable=SC2012,SC2013,SC2181
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

namespaces="cgroup ipc mnt net pid user uts"
nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
chmod 711 "$work"

# start PREFIX ARGS...: picoexec in the background; $monitor is its pid, $pid
# the picoprocess', $init its neighbour's, or empty
start()
{
	local prefix=$1 i child

	shift
	# shellcheck disable=SC2086
	$prefix "$picoexec" "$@" busybox sleep 600 </dev/null \
		>"$work/out" 2>"$work/err" &
	monitor=$!
	pid='' init=''
	for ((i = 0; i < 300 * ${PICO_SLOWER:-1}; i++)); do
		for child in $(cat "/proc/$monitor/task/$monitor/children"); do
			case $(cat "/proc/$child/comm" 2>/dev/null) in
			busybox) pid=$child ;;
			picoexec-init) init=$child ;;
			esac
		done
		[ -n "$pid" ] && break
		sleep 0.1
	done
	[ -n "$pid" ]
}

stop()
{
	kill -KILL "$monitor"
	wait "$monitor" 2>/dev/null
}

status_of()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# apart NAME...: the picoprocess shares none of these namespaces with us
apart()
{
	local name

	for name; do
		[ -n "$(readlink "/proc/$pid/ns/$name")" ] || return 1
		[ "$(readlink "/proc/$pid/ns/$name")" != \
			"$(readlink "/proc/self/ns/$name")" ] || return 1
	done
}

for user in root nobody; do
	prefix=
	[ $user = nobody ] && prefix=$nobody
	start "$prefix" || note "$work/err"
	# shellcheck disable=SC2086
	apart $namespaces
	result $? "$user: namespaces of its own: $namespaces"
	[ "$(status_of "$pid" NoNewPrivs)" = 1 ]
	result $? "$user: can gain no privileges"
	# CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER and FSETID
	want=0000000000000000
	[ $user = root ] && want=000000000000001f
	good=0
	for set in CapPrm CapEff CapBnd; do
		[ "$(status_of "$pid" $set)" = $want ] || good=1
	done
	for set in CapInh CapAmb; do
		[ "$(status_of "$pid" $set)" = 0000000000000000 ] || good=1
	done
	result $good "$user: capabilities $want"
	uid=$(id -u $user)
	[ "$(status_of "$pid" Uid)" = "$uid	$uid	$uid	$uid" ]
	result $? "$user: is who it is outside"
	[ -z "$(ls -A "/proc/$pid/root/")" ]
	result $? "$user: an empty root directory"
	[ "$(readlink "/proc/$pid/cwd")" = / ]
	result $? "$user: which is the working directory"
	grep -q ' / / ro,' "/proc/$pid/mountinfo" &&
		[ "$(wc -l <"/proc/$pid/mountinfo")" = 1 ]
	result $? "$user: read-only, and nothing else is mounted"
	[ -z "$(ls "/proc/$pid/fd")" ]
	result $? "$user: no open file"
	[ "$(status_of "$pid" NSpid)" = "$pid	2" ]
	result $? "$user: the second process of its pid namespace"
	[ "$(status_of "$init" NSpid)" = "$init	1" ] &&
		[ "$(status_of "$init" CapEff)" = 0000000000000000 ] &&
		[ "$(ls "/proc/$init/fd" | wc -l)" = 1 ]
	result $? "$user: the first holds nothing but a pipe"
	[ ! -s "$work/err" ]
	result $? "$user: nothing is said"
	stop
	sleep 0.5
	[ ! -e "/proc/$pid" ] && [ ! -e "/proc/$init" ]
	result $? "$user: both end with picoexec"
done

# The first process of the namespace is not a way to outlive the sandbox, nor
# does its end hurt anybody else.
start ""
kill -KILL "$init"
wait "$monitor" 2>/dev/null
[ $? = 137 ]
result $? "the picoprocess ends with the first process of its namespace"

start "" --no-wall
for name in $namespaces; do
	[ "$(readlink "/proc/$pid/ns/$name")" = \
		"$(readlink "/proc/self/ns/$name")" ] || break
done
result $? "--no-wall: our own namespaces"
[ "$(status_of "$pid" NoNewPrivs)" = 1 ] &&
	[ "$(status_of "$pid" CapEff)" = 000000000000001f ]
result $? "--no-wall: but no privileges"
stop

limit=$(cat /proc/sys/user/max_user_namespaces)
echo 0 >/proc/sys/user/max_user_namespaces
"$picoexec" busybox echo in >"$work/out" 2>"$work/err" </dev/null
[ $? = 0 ] && [ "$(cat "$work/out")" = in ]
result $? "where user namespaces are forbidden: runs"
[ "$(wc -l <"$work/err")" = 1 ] && grep -q 'note: .*--no-wall' "$work/err"
result $? "and says so"
"$picoexec" --no-wall busybox echo in >"$work/out" 2>"$work/err" </dev/null
[ $? = 0 ] && [ ! -s "$work/err" ]
result $? "unless --no-wall"
echo "$limit" >/proc/sys/user/max_user_namespaces

# Files of others are others', not nobody's, and root may read them.
install -m 600 -o 1000 -g 1000 /etc/passwd "$work/theirs"
"$picoexec" busybox stat -c %u "$work/theirs" >"$work/out" 2>"$work/err"
[ "$(cat "$work/out")" = 1000 ]
result $? "owners of files are shown as they are"
"$picoexec" busybox cat "$work/theirs" 2>&1 </dev/null |
	cmp -s - "$work/theirs"
result $? "root reads files of others"
mkdir "$work/mine"
"$picoexec" --allow "file:$work/mine=rwx" busybox sh -c \
	"cd $work/mine && echo x >f && busybox chown 1000:1000 f" 2>"$work/err"
[ "$(stat -c %u:%g "$work/mine/f")" = 1000:1000 ]
result $? "and gives files away"
install -d -m 700 -o 65534 -g 65534 "$work/nobodys"
# shellcheck disable=SC2086
$nobody "$picoexec" --allow "file:$work/nobodys=rwx" busybox sh -c \
	"cd $work/nobodys && echo x >f && busybox mkdir d" 2>"$work/err"
[ "$(stat -c %u:%g "$work/nobodys/f" "$work/nobodys/d")" = "65534:65534
65534:65534" ]
result $? "an ordinary user's new files are the user's"

# What the host has mounted stays, though the sandbox has a mount namespace of its
# own: the kernel would unmount it everywhere when its place went.
tree=$work/tree
mkdir -p "$tree/mounted" "$tree/deep/ruled" "$tree/empty"
touch "$tree/file"
mount -t tmpfs none "$tree/mounted"
mount -t tmpfs none "$tree/deep/ruled"
mount --bind /etc/passwd "$tree/file"
tried=0
for attempt in 'rmdir mounted' 'mv mounted other' 'rm -f file' 'mv file other' \
	'mv -T empty mounted' 'mv deep other' 'mv deep/ruled other'; do
	# shellcheck disable=SC2016,SC2086
	"$picoexec" --allow "file:$tree=rwx" --allow "file:$tree/deep/ruled=none" \
		busybox sh -c 'cd "$1" && shift && busybox "$@"' sh "$tree" \
		$attempt >>"$work/out" 2>&1 </dev/null || tried=$((tried + 1))
done
[ $tried = 7 ]
result $? "places of mounts are neither moved nor removed"
mountpoint -q "$tree/mounted" && mountpoint -q "$tree/deep/ruled" &&
	cmp -s /etc/passwd "$tree/file" && [ ! -e "$tree/other" ]
result $? "and all is mounted as before"
"$picoexec" --allow "file:$tree=rwx" busybox mv "$tree/empty" "$tree/other" &&
	[ -d "$tree/other" ]
result $? "other names are"
umount "$tree/mounted" "$tree/deep/ruled" "$tree/file"

nothing_left "nothing is left"
finish
