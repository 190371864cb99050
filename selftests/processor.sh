#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# pico.ko on a processor that it can work on, and on one that it cannot.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

modules=$here/../kmod/${PICO_KERNEL:-6.1}/kmod

if grep -qw fsgsbase /proc/cpuinfo; then
	[ -e /sys/module/pico ] && [ -c /dev/pico ]
	result $? "with FSGSBASE, pico.ko is there"
	finish
fi

dmesg -C
insmod "$modules/pico/pico.ko" 2>"$work/error"
[ $? = 1 ] && grep -q 'not supported' "$work/error"
result $? "without FSGSBASE, pico.ko is refused"
dmesg | grep -q 'pico: .*FSGSBASE'
result $? "and the log says why"
[ ! -e /sys/module/pico ] && [ ! -e /dev/pico ] &&
	! grep -q '\[pico\]' /proc/kallsyms
result $? "nothing of it is left"
finish
