#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a sandbox has of the machine is charged to the control group that
# picoexec runs in: memory, private directories, and the kernel's own memory for
# it. So memory.max holds for all of it (Documentation/drawbridge/sandbox.rst).

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

root=/sys/fs/cgroup
group=$root/pico-test-$$

[ -e $root/cgroup.controllers ] || mount -t cgroup2 none $root
if ! echo +memory >$root/cgroup.subtree_control; then
	skip "control groups" "this kernel has no memory controller"
	finish
fi
mkdir "$group"
mkfifo "$work/in"

# in_group: picoexec in the group, its input at file 4
in_group()
{
	sh -c "echo \$\$ >$group/cgroup.procs && exec \"\$@\"" - \
		"$picoexec" "$@" <"$work/in" >"$work/out" 2>"$work/err" &
	monitor=$!
	exec 4>"$work/in"
}

# says TEXT: waits until that is a line of the output
says()
{
	local i

	for ((i = 0; i < 300 * ${PICO_SLOWER:-1}; i++)); do
		grep -qx -e "$1" "$work/out" && return
		sleep 0.1
	done
	return 1
}

# stat NAME: bytes, from memory.stat
stat()
{
	sed -n "s/^$1 //p" "$group/memory.stat"
}

# grew NAME BEFORE LEAST DESCRIPTION
grew()
{
	local now

	now=$(stat "$1")
	[ "$((now - $2))" -ge "$3" ]
	result $? "$4"
	echo "# $1: $2, then $now"
}

# shellcheck disable=SC2016
in_group /bin/bash -c '
	echo started; read -r
	dd if=/dev/zero of=/tmp/file bs=1M count=24 2>/dev/null; echo tmp; read -r
	printf -v text "%16777216s" x; echo memory; read -r
	ulimit -n 4096
	for ((i = 100; i < 2100; i++)); do eval "exec $i</etc/passwd"; done
	echo files; read -r; echo ${#text}'
says started
result $? "a sandbox in a group of its own"
own=$(wc -l <"$group/cgroup.procs")
[ "$own" -ge 2 ]
result $? "its processes are in the group of picoexec"
before=$(stat shmem)
echo >&4
says tmp
result $? "a file in its private /tmp"
grew shmem "$before" $((24 << 20)) "which is charged to the group"
before=$(stat anon)
echo >&4
says memory
result $? "its memory"
grew anon "$before" $((16 << 20)) "which is charged to the group"
before=$(stat slab)
echo >&4
says files
result $? "2000 open files"
# A stream, a file: 400 bytes, of which the statistics know most at once.
grew slab "$before" $((2000 * 300)) "which are charged to the group"
echo >&4
says 16777216
result $? "it goes on"
exec 4>&-
wait "$monitor"
result $? "and ends"
nothing_left "nothing is left"
shmem=$(stat shmem)
[ "$shmem" -lt $((1 << 20)) ]
result $? "what its private /tmp held is given back"
for ((i = 0; i < 50; i++)); do
	rmdir "$group" 2>/dev/null && break
	sleep 0.1
done
[ ! -e "$group" ]
result $? "the group can go"
finish
