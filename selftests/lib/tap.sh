# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# TAP for tests that are shell scripts. Every check is one result; the plan
# comes at the end.

here=$(cd "$(dirname "$0")" && pwd)
picoexec=${PICOEXEC:-}
if [ -z "$picoexec" ]; then
	picoexec=$here/../bin/picoexec
	[ -x "$picoexec" ] || picoexec=picoexec
fi
export PICOEXEC=$picoexec

tap_count=0
tap_failed=0
# Neither /tmp nor /dev/shm, which are picoprocesses' own.
work=$(mktemp -d /run/pico-sh.XXXXXX 2>/dev/null) ||
	work=$(mktemp -d /var/tmp/pico-sh.XXXXXX) || exit 1
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
echo "TAP version 13"

# result CODE DESCRIPTION: one result
result()
{
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count $2"
	else
		echo "not ok $tap_count $2"
		tap_failed=$((tap_failed + 1))
	fi
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count $1 # SKIP $2"
}

# note FILE: the beginning of a file, as diagnostics
note()
{
	head -c 600 "$1" | tr -c '[:print:]\n' '?' | sed 's/^/#   /'
	echo
}

# nothing_left DESCRIPTION: all counters of the modules go back to zero
nothing_left()
{
	local i sum=1

	for ((i = 0; i < 100 * ${PICO_SLOWER:-1}; i++)); do
		sum=$(cat /sys/module/pico/parameters/{processes,threads} \
			/sys/module/drawbridge/parameters/objects |
			awk '{ s += $1 } END { print s }')
		[ "$sum" = 0 ] && break
		sleep 0.05
	done
	result "$((sum != 0))" "$1"
}

finish()
{
	echo "1..$tap_count"
	exit $((tap_failed != 0))
}
