#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the sources promise, as far as they show it without being run: providers
# use the provider interface and nothing else, all of it is described, the
# smallest provider is small, and what is generated is of today.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

top=$(cd "$here/../.." && pwd)
[ -e "$top/scripts/check-interface" ] || top=$(cd "$here/.." && pwd)
cd "$top" || exit
kernel=${PICO_KERNEL:-6.1}
kdir=build/kernel/$kernel/kdir

# check WHAT COMMAND...
check()
{
	local what=$1

	shift
	"$@" >"$work/log" 2>&1 </dev/null
	result $? "$what" || note "$work/log"
}

mapfile -t described < <(find kmod uapi -name '*.[ch]' ! -name '*.mod.c' | sort)

check "providers use nothing else" \
	scripts/check-interface "build/kmod/$kernel" "$kdir"
check "all of it is described" \
	scripts/check-kernel-doc "$kdir/scripts/kernel-doc" "${described[@]}"
check "the smallest provider is under 100 lines" \
	awk 'END { exit NR >= 100 }' kmod/samples/minimal/minimal.c
check "the reference of the calls is of today" \
	scripts/gen-call-reference --check
check "the list of Linux' system calls is of today" libos/gen-reference --check
check "bad pointers are tried with every system call" scripts/check-pointers
finish
