# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Debian packages as files, for scripts to unpack; to be sourced.

debs=${XDG_CACHE_HOME:-$HOME/.cache}/pico/debs

# candidate PACKAGE: the version apt would install; empty when it knows none.
candidate() {
	apt-cache policy "$1" 2>/dev/null |
		sed -n 's/^  Candidate: \(.*\)$/\1/p' | grep -vxF '(none)' || true
}

# refresh_lists: once per run, when a package is unknown or gone from the
# mirror.  Only root can.
refreshed=
refresh_lists() {
	[ -z "$refreshed" ] || return 1
	refreshed=1
	if [ "$(id -u)" -ne 0 ]; then
		echo "The package lists are missing or old.  Run: sudo apt-get update" >&2
		return 1
	fi
	echo "apt-get update" >&2
	apt-get update -qq >&2
}

# depends PACKAGE REGEX: the dependency of PACKAGE whose whole name matches.
depends() {
	local found try
	for try in 1 2; do
		found=$(apt-cache depends --no-recommends --no-suggests \
			--no-breaks --no-conflicts --no-replaces "$1" 2>/dev/null |
			sed -n 's/^ |\{0,1\} *Depends: //p' | grep -xE -m 1 "$2") &&
			break
		if [ "$try" = 2 ] || ! refresh_lists; then break; fi
	done
	if [ -z "$found" ]; then
		echo "Package $1 is not to be found; is the Debian 12 (with" \
			"security updates) archive in apt's sources?" >&2
		return 1
	fi
	echo "$found"
}

# deb PACKAGE: the path of its newest .deb, downloaded unless it is there.
deb() {
	local ver file try
	mkdir -p "$debs"
	for try in 1 2; do
		ver=$(candidate "$1")
		if [ -n "$ver" ]; then
			for file in "$debs/$1_${ver//:/%3a}"_*.deb; do
				[ ! -e "$file" ] || { echo "$file"; return; }
			done
			echo "downloading $1 $ver" >&2
			# Complete files only: two runs may share the cache.
			file=$(mktemp -d "$debs/.part.XXXXXX")
			if (cd "$file" && apt-get -q download "$1" >/dev/null 2>&1); then
				mv -f "$file"/*.deb "$debs/"
				rmdir "$file"
				for file in "$debs/$1_${ver//:/%3a}"_*.deb; do
					echo "$file"
					return
				done
			fi
			rm -rf "$file"
		fi
		if [ "$try" = 2 ] || ! refresh_lists; then break; fi
	done
	echo "cannot download $1" >&2
	return 1
}
