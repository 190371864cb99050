#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The network of Linux programs: the same output, messages and exit codes in a
# picoprocess as natively. Only the loopback interface is used.
#
# linux_net.sh [PART...]: only these

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

tcp=$here/linux/tcp
allow=(--allow 'tcp.server:127.0.0.1:*=r' --allow 'tcp.server:[::1]:*=r'
	--allow 'tcp.client:127.0.0.1:*=rw' --allow 'tcp.client:[::1]:*=rw')

# same DESCRIPTION COMMAND...
same()
{
	local what=$1 native_code pico_code

	shift
	timeout -k 5 $compare_limit "$@" >"$work/n.out" 2>"$work/n.err" \
		<"$input"
	native_code=$?
	timeout -k 5 $compare_limit "$picoexec" "${allow[@]}" "$@" \
		>"$work/p.out" 2>"$work/p.err" <"$input"
	pico_code=$?
	compare_outputs "$what" $native_code $pico_code "$@"
}

# ---- TCP, call by call ----

for part in simple ready sixes flags options woken forked many; do
	same "tcp: $part" "$tcp" $part
done

nothing_left "nothing is left"
finish
