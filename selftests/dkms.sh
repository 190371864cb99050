#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DKMS: the sources as "make dkms_install" leaves them, built by dkms for the
# kernel that is tested and installed, all in folders of the test's own.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

top=$(cd "$here/../.." && pwd)
[ -e "$top/packaging/dkms.conf" ] || top=$(cd "$here/.." && pwd)
kernel=$top/build/kernel/${PICO_KERNEL:-6.1}
PATH=$PATH:/usr/sbin:/sbin

if ! command -v dkms >/dev/null || [ ! -e "$kernel/release" ]; then
	skip "dkms" "no dkms, or no kernel"
	finish
fi
release=$(cat "$kernel/release")
version=$(sed -n 's/.*PICO_VERSION.*"\(.*\)"/\1/p' \
	"$top/kmod/include/pico/version.h")

# run COMMAND...: shown when it fails
run()
{
	"$@" >"$work/log" 2>&1 </dev/null && return
	local code=$?
	note "$work/log"
	tail -n 20 "$work/tree/pico/$version/build/make.log" 2>/dev/null |
		sed 's/^/#   /'
	return $code
}

mkdir -p "$work/tree" "$work/modules/$release"
run make -C "$top" dkms_install DESTDIR="$work"
result $? "make dkms_install"
source=$work/usr/src
[ -d "$source/pico-$version" ] && [ ! -e "$source/pico-$version/kmod/test" ] &&
	[ ! -e "$source/pico-$version/kmod/samples" ]
result $? "the sources of the modules, and of nothing else"

folders=(--dkmstree "$work/tree" --sourcetree "$source"
	--installtree "$work/modules")
run dkms add "${folders[@]}" -m pico -v "$version"
result $? "dkms add"
run dkms build "${folders[@]}" -m pico -v "$version" -k "$release" \
	-a x86_64 --kernelsourcedir "$(realpath "$kernel/kdir")"
result $? "dkms build"
built=$work/tree/pico/$version/$release/x86_64/module
for name in pico drawbridge; do
	file=$(echo "$built/$name.ko"*)
	[ "$(modinfo -F version "$file")" = "$version" ] &&
		[[ $(modinfo -F vermagic "$file") == "$release "* ]]
	result $? "$name: built for the kernel"
done

# dkms installs as root only.
if [ "$(id -u)" = 0 ]; then
	run dkms install --no-depmod "${folders[@]}" -m pico -v "$version" \
		-k "$release" -a x86_64 \
		--kernelsourcedir "$(realpath "$kernel/kdir")"
	result $? "dkms install"
	ls "$work/modules/$release/updates/dkms"/{pico,drawbridge}.ko* \
		>"$work/list" 2>&1
	result $? "the modules are where they belong"
	dkms status "${folders[@]}" -m pico 2>/dev/null |
		grep -q "^pico.*$release.*: installed"
	result $? "dkms status says so"
else
	skip "dkms install" "needs root"
fi
run dkms remove --no-depmod "${folders[@]}" -m pico -v "$version" --all
result $? "dkms remove"
[ -z "$(find "$work/modules" -name '*.ko*')" ] && [ ! -e "$built" ]
result $? "nothing is left"
run make -C "$top" dkms_uninstall DESTDIR="$work"
[ ! -e "$source/pico-$version" ]
result $? "make dkms_uninstall"
finish
