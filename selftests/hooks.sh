#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The hooks beside others who want the same functions: who is refused and what
# the kernel's log says, what is left after a refusal, and who is not.

# Functions are called by "soon"; what redirections answer is wanted.
# shellcheck disable=SC2317,SC2320

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

kernel=${PICO_KERNEL:-6.1}
modules=$here/../kmod/$kernel/kmod
tracing=/sys/kernel/tracing
switch=/proc/sys/kernel/ftrace_enabled

# is CODE COMMAND...: the command ends with this code
is()
{
	local code=$1 got=0

	shift
	"$@" >"$work/out" 2>&1 || got=$?
	[ "$got" = "$code" ] || {
		echo "# $* gave $got"
		note "$work/out"
		return 1
	}
}

# soon COMMAND...: it succeeds, maybe not at once
soon()
{
	local i

	for ((i = 0; i < 100 * ${PICO_SLOWER:-1}; i++)); do
		"$@" >"$work/out" 2>&1 && return
		sleep 0.05
	done
	note "$work/out"
	return 1
}

load() { insmod "$modules/pico/pico.ko" && insmod "$modules/drawbridge/drawbridge.ko"; }
unload() { soon rmmod drawbridge && soon rmmod pico; }

# The kernel's log since the last dmesg -C.
said() { dmesg | grep -qF "$1"; }

# Functions that anything is attached to, and those that pico is. An attached
# function's line may be followed by one that begins with a tab.
enabled() { sed -n 's/^\([^[:space:]]\{1,\}\).*/\1/p' "${1:-$tracing/enabled_functions}" | sort; }
hooked()
{
	awk '/^[^\t]/ { name = $1 } /pico_trampoline_/ { print name }' \
		$tracing/enabled_functions | sort
}

# No trace of pico.ko.
gone()
{
	[ ! -e /dev/pico ] && [ ! -e /sys/module/pico ] &&
		[ ! -e /sys/kernel/debug/pico ] &&
		[ ! -e $tracing/events/pico ] &&
		! grep -q 'pico_trampoline\|pico_guard' $tracing/enabled_functions &&
		! grep -q '\[pico\]' /proc/kallsyms
}

# Every hook has something to do: a program that runs, one that faults.
works()
{
	"$picoexec" --image "$here/hello.img" 2>&1 | grep -qx 'hello, Drawbridge' &&
		is 139 "$picoexec" --image "$here/fault.img" segv &&
		is 3 "$picoexec" busybox sh -c 'exit 3'
}

# ---- what is hooked ----

mapfile -t functions < <(hooked)
echo "# hooked: ${functions[*]}"
[ ${#functions[@]} -ge 9 ]
result $? "the hooks are where the kernel's list shows them"
works
result $? "pico works"

# ---- the switch of function tracing ----

before=$(cat $switch)
is 1 sh -c "echo 0 >$switch"
result $? "while pico is loaded, function tracing cannot be switched off"
[ "$before" = 1 ] && [ "$(cat $switch)" = 1 ]
result $? "and it is not"
works
result $? "pico works"

unload
result $? "pico unloads"
gone
result $? "and leaves nothing"
enabled >"$work/before"
is 0 sh -c "echo 0 >$switch"
result $? "without pico, it can be switched off"
dmesg -C
is 1 insmod "$modules/pico/pico.ko"
result $? "pico then does not load"
said "pico: function tracing is switched off (kernel.ftrace_enabled)"
result $? "and says why"
gone
result $? "and leaves nothing"
is 0 sh -c "echo 1 >$switch"
result $? "it can be switched on again"
load && works
result $? "pico then loads and works"

# ---- BPF programs at the entries ----

# A kernel without type information has none of them.
is 0 "$here/fentry" schedule_timeout true
bpf=$?
for function in "${functions[@]}"; do
	if [ $bpf != 0 ]; then
		skip "$function: a BPF program is refused" "no type information"
		continue
	fi
	is 121 "$here/fentry" "$function" true
	result $? "$function: a BPF program is refused"
done
works
result $? "pico works"
unload
result $? "pico unloads"
for function in "${functions[@]}"; do
	if [ $bpf != 0 ]; then
		for what in "a BPF program is there first, and pico does not load" \
			"says why" "leaves nothing" "leaves the BPF program's"; do
			skip "$function: $what" "no type information"
		done
		continue
	fi
	dmesg -C
	# shellcheck disable=SC2016 # for the shell inside
	is 1 "$here/fentry" "$function" sh -c 'insmod "$1"; code=$?
		cat /sys/kernel/tracing/enabled_functions >"$2"; exit $code' sh \
		"$modules/pico/pico.ko" "$work/during"
	result $? "$function: a BPF program is there first, and pico does not load"
	said "pico: cannot hook $function (-16)"
	result $? "$function: and says why"
	gone && is 0 sh -c "echo 0 >$switch || exit; echo 1 >$switch"
	result $? "$function: and leaves nothing"
	[ "$(enabled "$work/during" | comm -13 "$work/before" -)" = "$function" ]
	result $? "$function: but the BPF program's"
done
nothing_more() { enabled | cmp -s - "$work/before"; }
soon nothing_more
result $? "nothing is attached to anything any more"

# ---- live patches ----

patch=$modules/test/pico_test_patch.ko
sys=/sys/kernel/livepatch/pico_test_patch
settled() { [ "$(cat "$sys/transition")" = 0 ]; }
removed() { [ ! -e "$sys" ]; }
dmesg -C
if [ -e "$patch" ] && insmod "$patch" 2>"$work/out"; then
	soon settled
	result $? "live patch: it is in force"
	is 1 insmod "$modules/pico/pico.ko"
	result $? "live patch: pico does not load beside it"
	said "pico: cannot hook taskstats_exit (-16)"
	result $? "live patch: and says why"
	gone
	result $? "live patch: and leaves nothing"
	echo 0 >"$sys/enabled" && soon removed
	result $? "live patch: it can be switched off"
	load && works
	result $? "live patch: then pico loads and works, though its module is there"
	[ "$(hooked)" = "$(printf '%s\n' "${functions[@]}")" ] &&
		[ "$(grep -c '^taskstats_exit ' $tracing/enabled_functions)" = 1 ]
	result $? "live patch: whose function of the same name is left alone"
	rmmod pico_test_patch && works
	result $? "live patch: and can go away"
	is 1 insmod "$patch"
	result $? "live patch: it does not come into force while pico is loaded"
	works
	result $? "live patch: and pico works"
	unload
	result $? "live patch: pico unloads"
else
	for ((i = 0; i < 11; i++)); do
		skip "live patch" "this kernel has none"
	done
fi
gone
result $? "nothing is left"

# ---- kernels that lack something ----

# There is none here, so the module looks for something that no kernel has: of
# each name, the last letter is another.
# without NAME...: such a module, $work/pico.ko
without()
{
	local name

	cp "$modules/pico/pico.ko" "$work/pico.ko" || return
	for name; do
		# The first is the module's text; symbols follow.
		NAME=$name perl -0777 -pi -e '
			my ($n, $m) = ($ENV{NAME}, substr($ENV{NAME}, 0, -1) . "#");
			s/\0\Q$n\E\0/\0$m\0/ or die "$n is not there\n"' \
			"$work/pico.ko" || return
	done
}

# is_missed NAME...: it does not load, says so of each, and leaves nothing.
is_missed()
{
	local name

	dmesg -C
	without "$@" && is 1 insmod "$work/pico.ko" || return
	for name; do
		said "pico: this kernel has no function ${name%?}# that can be hooked (-2)" ||
			said "pico: cannot find ${name%?}# in this kernel (-2)" ||
			said "pico: this kernel has no tracepoint ${name%?}#" || {
			echo "# $name is not named"
			return 1
		}
	done
	# And of nothing else; one of them is looked for twice.
	! dmesg | grep 'pico: ' | grep -qv '[a-z]#' && gone
}
optional=emulate_vsyscall
for function in "${functions[@]}" do_exit do_group_exit sched_process_fork; do
	[ "$function" != $optional ] || continue
	is_missed "$function"
	result $? "a kernel without $function is refused, and by name"
done
is_missed taskstats_exit check_kill_permission do_exit
result $? "all that a kernel lacks is named"
dmesg -C
without $optional && insmod "$work/pico.ko" &&
	insmod "$modules/drawbridge/drawbridge.ko" && works &&
	[ "$(hooked)" = "$(printf '%s\n' "${functions[@]}" | grep -vx $optional)" ]
result $? "a kernel without $optional is not"
unload && gone && ! said 'pico: '
result $? "and pico unloads, without a word"

# ---- kprobes, which pico does not mind ----

for function in taskstats_exit arch_do_signal_or_restart; do
	echo "p:pico_test/p_$function $function" >>$tracing/kprobe_events &&
		echo "r:pico_test/r_$function $function" >>$tracing/kprobe_events
	result $? "kprobes: one at $function, one at its return"
done
echo 1 >$tracing/events/pico_test/enable
load && works
result $? "kprobes: pico loads beside them and works"
echo 0 >$tracing/events/pico_test/enable
echo >$tracing/kprobe_events
result $? "kprobes: they can go away"
for function in taskstats_exit arch_do_signal_or_restart; do
	echo "p:pico_test/p_$function $function" >>$tracing/kprobe_events &&
		echo "r:pico_test/r_$function $function" >>$tracing/kprobe_events
	result $? "kprobes: $function, while pico is loaded"
done
echo >$tracing/trace
echo 1 >$tracing/events/pico_test/enable
works
result $? "kprobes: pico works"
for ((i = 0; i < 5; i++)); do
	"$picoexec" --image "$here/hello.img" >/dev/null || exit
done &
for ((i = 0; i < 5; i++)); do
	echo 0 >$tracing/events/pico_test/enable
	echo 1 >$tracing/events/pico_test/enable
done
wait $! && works
result $? "kprobes: they come and go while picoprocesses run"
unload
result $? "kprobes: pico unloads beneath them"
echo 0 >$tracing/events/pico_test/enable
for function in taskstats_exit arch_do_signal_or_restart; do
	grep -q "p_$function:" $tracing/trace
	result $? "kprobes: that at $function was hit"
	grep -q "r_$function:" $tracing/trace
	result $? "kprobes: and that at its return"
done
echo >$tracing/kprobe_events
echo >$tracing/trace

# ---- function tracing, which it does not mind either ----

load
result $? "tracers: pico loads"
printf '%s\n' "${functions[@]}" >$tracing/set_ftrace_filter
for tracer in function function_graph; do
	grep -qw $tracer $tracing/available_tracers || {
		skip "tracers: $tracer, and pico works" "this kernel has none"
		skip "tracers: it saw the exits" "this kernel has none"
		continue
	}
	echo $tracer >$tracing/current_tracer
	works
	result $? "tracers: $tracer, and pico works"
	grep -q taskstats_exit $tracing/trace
	result $? "tracers: it saw the exits"
	echo nop >$tracing/current_tracer
done
echo >$tracing/set_ftrace_filter
works
result $? "tracers: gone again, and pico works"
nothing_left "nothing is left"
finish
