#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the modules say of themselves, "make install" and "make uninstall", and
# a machine on which pico is installed: modules that come when they are asked
# for.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"

top=$(cd "$here/../.." && pwd)
kernel=${PICO_KERNEL:-6.1}
built=$top/build/kmod/$kernel/kmod
release=$(uname -r)
root=$work/root
installed=$root/lib/modules/$release
PATH=$PATH:/usr/sbin:/sbin

# ---- modinfo ----

version=$(sed -n 's/.*PICO_VERSION.*"\(.*\)"/\1/p' \
	"$top/kmod/include/pico/version.h")

# field NAME MODULE
field() { modinfo -F "$1" "$built/$2/$2.ko"; }

for name in pico drawbridge; do
	[ "$(field license $name)" = GPL ] && [ -n "$(field description $name)" ] &&
		[ -n "$(field author $name)" ]
	result $? "$name: licence, description, author"
	[ -n "$version" ] && [ "$(field version $name)" = "$version" ] &&
		[ "$(cat /sys/module/$name/version)" = "$version" ]
	result $? "$name: its version"
	[[ $(field vermagic $name) == "$release "* ]]
	result $? "$name: for this kernel"
	for parameter in /sys/module/"$name"/parameters/*; do
		parameter=${parameter##*/}
		field parm $name | grep -q "^$parameter:..*"
		result $? "$name: parameter $parameter is described"
	done
done
for alias in devname:pico char-major-10-250; do
	field alias pico | grep -qxF "$alias"
	result $? "pico: alias $alias"
done
field alias drawbridge | grep -qxF pico-provider-drawbridge
result $? "drawbridge: alias pico-provider-drawbridge"
[ "$(field depends drawbridge)" = pico ] && [ -z "$(field depends pico)" ]
result $? "dependencies"

# ---- make install ----

# install ARGUMENTS...: make, for this kernel and into a folder
install_make()
{
	local code=0

	make -C "$top" KERNEL="$kernel" KDIR= DESTDIR="$root" "$@" \
		>"$work/out" 2>&1 </dev/null || code=$?
	[ $code = 0 ] || note "$work/out"
	return $code
}

# files: those that are installed, by name
files() { (cd "$root" && find . -type f -o -type l | sort); }

# Of a kernel's package there is only what depmod needs.
mkdir -p "$installed"
cp "/lib/modules/$release/modules.order" \
	"/lib/modules/$release/modules.builtin" \
	"/lib/modules/$release/modules.builtin.modinfo" "$installed"
files >"$work/before"
mkdir -p "$root/lib/modules/other/updates/pico"
echo theirs >"$root/lib/modules/other/updates/pico/theirs"

install_make install
result $? "make install"
sed 's/ko\.[a-z]*$/ko/' >"$work/expected" <<-EOT
	./lib/modules/$release/updates/pico/kmod/drawbridge/drawbridge.ko
	./lib/modules/$release/updates/pico/kmod/pico/pico.ko
	./lib/modules/other/updates/pico/theirs
	./usr/lib/udev/rules.d/60-pico.rules
	./usr/local/bin/picoexec
	./usr/local/include/pal.h
	./usr/local/include/pico/dk_abi.h
	./usr/local/include/pico/drawbridge.h
	./usr/local/include/pico/pico.h
	./usr/local/lib/libpal.a
	./usr/local/lib/pico/libos.elf
	./usr/local/share/man/man1/picoexec.1
	./usr/local/share/man/man5/picoexec-manifest.5
EOT
files | grep -v "/$release/modules\." | sed 's/\.ko\.[a-z]*$/.ko/' >"$work/list"
diff "$work/expected" "$work/list" >"$work/out"
result $? "what is to be installed is, and nothing else"
[ -s "$work/out" ] && note "$work/out"
! grep -qrI "$top" "$root/usr"
result $? "and it names no folder that it was built in"
modinfo -F license "$installed"/updates/pico/kmod/*/*.ko* |
	grep -cx GPL | grep -qx 2
result $? "the installed modules can be read"
grep -qx 'pico pico c10:250' "$installed/modules.devname"
result $? "depmod knows of the device"
grep -qx 'alias pico-provider-drawbridge drawbridge' "$installed/modules.alias"
result $? "and of the provider"
grep -q '^KERNEL=="pico",.* MODE="0666",.*static_node=pico' \
	"$root/usr/lib/udev/rules.d/60-pico.rules"
result $? "udev: mode and static node"

# ---- a program against the installed library ----

cat >"$work/hello.c" <<-'EOT'
	#include <pal.h>

	void LibOsInitialize(const struct dk_parameters *parameters)
	{
		DK_HANDLE out;
		dk_u64 done;

		if (DkStreamOpen("stdout:", 7, DK_ACCESS_WRITE,
				 DK_OPEN_EXISTING, 0, &out) == DK_STATUS_SUCCESS)
			DkStreamWrite(out, DK_OFFSET_CURRENT, "installed\n",
				      10, &done);
	}
EOT
if command -v cc >/dev/null; then
	cc -O2 -ffreestanding -fPIE -fvisibility=hidden -fno-stack-protector \
		-mgeneral-regs-only -nostdlib -static-pie \
		-I"$root/usr/local/include" -L"$root/usr/local/lib" \
		-o "$work/hello" "$work/hello.c" -lpal >"$work/out" 2>&1
	result $? "a program is compiled with the installed library"
	note "$work/out"
else
	skip "a program with the installed library" "no compiler"
fi

# ---- a machine with pico installed ----

rmmod drawbridge pico
mount --bind "$root/lib/modules" /lib/modules
result $? "nothing is loaded"

# What kmod does at boot (static nodes), with udev's mode.
rm -f /dev/pico
sed -n 's/^\([^ ]*\) \([^ ]*\) c\([0-9]*\):\([0-9]*\)$/\2 c \3 \4/p' \
	"/lib/modules/$release/modules.devname" | grep '^pico ' |
	while read -r node rest; do
		# shellcheck disable=SC2086 # type, major, minor
		mknod -m 666 "/dev/$node" $rest
	done
[ -c /dev/pico ] && ! grep -q '^pico ' /proc/modules
result $? "there is a node, and no module"
chmod 755 "$root"
setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$root/usr/local/bin/picoexec" busybox echo "I am here" \
	>"$work/out" 2>"$work/err" </dev/null
code=$?
[ $code = 0 ] && [ "$(cat "$work/out")" = "I am here" ]
result $? "picoexec of a user loads what it needs"
[ $code = 0 ] || note "$work/err"
grep -q '^pico ' /proc/modules && grep -q '^drawbridge ' /proc/modules
result $? "pico and drawbridge are there"
[ "$(stat -c '%a %t:%T' /dev/pico)" = "666 a:fa" ]
result $? "the node is as it was"
if [ -e "$work/hello" ]; then
	[ "$("$root/usr/local/bin/picoexec" --image "$work/hello")" = installed ]
	result $? "the program that was compiled runs"
fi

# The device's number may be somebody else's: see selftests/device.c for the
# rest of what binding refuses.
nothing_left "nothing is left"
rmmod drawbridge pico
result $? "the modules unload"
umount /lib/modules

# ---- make uninstall ----

install_make uninstall
result $? "make uninstall"
rm -r "$root/lib/modules/other/updates"
rmdir "$root/lib/modules/other"
files | grep -vE "/modules\.(alias|dep|softdep|symbols|devname|builtin\..*|.*\.bin)$" >"$work/list"
grep -v 'builtin\.' "$work/before" | diff - "$work/list" >"$work/out"
result $? "what was installed is gone, and nothing else"
[ -s "$work/out" ] && note "$work/out"
! grep -q pico "$installed/modules.devname" "$installed/modules.alias"
result $? "depmod has forgotten it"

# As the machine was: who loads the module has a node that goes with it.
rm -f /dev/pico
insmod "$built/pico/pico.ko" && insmod "$built/drawbridge/drawbridge.ko"
result $? "the modules load again"
finish
