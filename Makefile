# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# "make help" lists what there is to make.  Everything made is under build/:
#
#   build/kernel/KERNEL    a kernel to run and to build modules for
#   build/kmod/KERNEL      the modules for it, built in a tree of links
#   build/bin build/lib    picoexec, libos.elf, libpal.a
#   build/samples          the programs of kmod/samples
#   build/selftests        the test programs
#   build/vm               what the virtual machine needs and leaves: its logs
#
# Standard output belongs to the program that "make run" runs; whatever else
# has something to say says it on standard error.

KERNEL ?= 6.1
ARGS ?= busybox uname -a
PREFIX ?= /usr/local
UDEVDIR ?= /usr/lib/udev/rules.d
V ?= 0

MAKEFLAGS += --no-print-directory
export BUILD := $(abspath build)
export PREFIX DESTDIR V
ifeq ($(V),0)
export Q := @
else
export Q :=
endif

jobs = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
kernel := build/kernel/$(KERNEL)
kmod := build/kmod/$(KERNEL)

# Debian's, and one that is built here.
stock := 6.1 6.1-cloud 6.1-rt 6.12 6.12-cloud 6.12-rt
ifeq ($(filter $(stock) debug,$(KERNEL)),)
$(error KERNEL=$(KERNEL): there are $(stock) and debug)
endif

# A given KDIR (the running kernel's, for one) takes the place of KERNEL's.
ifeq ($(KDIR),)
kdir := $(kernel)/kdir
vmlinux := $(kernel)/vmlinux
release = $(shell cat $(kernel)/release)
else
kdir := $(KDIR)
vmlinux := $(KDIR)/vmlinux
release := $(shell $(MAKE) -s -C $(KDIR) kernelrelease 2>/dev/null)
kmod := build/kmod/$(release)
endif

say = echo "  $(1)" >&2

# A make below that shows its commands when V=1, and else says one line when
# there is something to do.
ifeq ($(V),0)
quietly = $(MAKE) -q $(1) </dev/null >/dev/null 2>&1 || \
	{ $(call say,MAKE    $@); $(MAKE) -s $(jobs) $(1) </dev/null >&2; }
else
quietly = $(MAKE) $(jobs) $(1) </dev/null >&2
endif

help:
	@echo 'To try it (Debian 12; downloads and installs what is missing):'
	@echo '  make run                  a demonstration in a picoprocess'
	@echo "  make run ARGS='PROG ...'  any program; its input, output and error"
	@echo '                            pass through (make turns its exit code into 2;'
	@echo '                            scripts/vm keeps it)'
	@echo '  make shell                a shell in the virtual machine'
	@echo '  make test                 the tests; the last line counts them'
	@echo '  make fuzz CALLS=N         random calls of the ABI, N of them; with'
	@echo '                            SEED=S the same ones again'
	@echo '  make stress MINUTES=N     random work on the provider interface; with'
	@echo '                            SEED=S the same again'
	@echo '  make reload TIMES=N       loads and unloads pico.ko under load, N times'
	@echo '  make test T=NAME          one test (or several, in quotes)'
	@echo '  make test-programs        one of the long tests of programs, in turn by'
	@echo '                            the day; TURN=N another, TURN=all all of them'
	@echo
	@echo 'Variables:'
	@echo '  KERNEL=6.1|6.12|debug     which kernel (6.1); debug is built first, once;'
	@echo '                            6.1 and 6.12 also with -cloud or -rt behind it'
	@echo '  LEAKS=no                  fuzz, stress on debug without the scan for leaks'
	@echo '  V=1                       show the commands'
	@echo
	@echo 'Parts:'
	@echo '  make setup                install the missing packages, fetch the kernel'
	@echo '  make programs modules     what the names say'
	@echo '  make flavours             the modules for all of Debian'"'"'s kernels'
	@echo '  make check                warnings, sparse, checkpatch, shellcheck, format'
	@echo '  make clean                remove what was built; the kernels stay'
	@echo '  make distclean            remove build/'
	@echo
	@echo 'On a machine that runs the kernel itself:'
	@echo '  make modules KDIR=/lib/modules/$$(uname -r)/build'
	@echo '  make modules_install KDIR=/lib/modules/$$(uname -r)/build'
	@echo '  make install              everything: modules for the running kernel,'
	@echo '                            programs, libraries, manual pages, udev rule'
	@echo '  make uninstall            takes it away again'
	@echo '  make dkms_install         the sources of the modules, for DKMS'
	@echo '  make programs_install     all but the modules; each of these has its own'
	@echo '                            ..._uninstall (dkms_, programs_, modules_)'
	@echo '                            (with [DESTDIR=] [PREFIX=/usr/local] [UDEVDIR=])'

# ----------------------------------------------------------------- running

# A sandbox has a /tmp of its own: what is here cannot be its working directory.
# A program of the user's own has no time limit.
run: all
	@scripts/vm --kernel $(KERNEL) $(if $(ARGS),--timeout 0) -- \
		build/bin/picoexec \
		$(if $(filter /tmp/%,$(CURDIR)),--chdir /) $(ARGS)

shell: all
	@scripts/vm --kernel $(KERNEL) --tty --timeout 0 -- /bin/bash

test: all selftests
	@scripts/test --kernel $(KERNEL) $(T)

# The long comparisons of programs with their native runs: one each time, in
# turn by the day, or that of TURN=N, or TURN=all.
TURN ?= $(shell date +%j)
test-programs: all selftests
	@scripts/test --kernel $(KERNEL) --timeout 4000 --by-name $(TURN)

# The fuzzer of the call vector for long; a short run of it is among the tests.
# LEAKS=no: the debug kernel does without kmemleak, which is most of its time.
CALLS ?= 1000000
fuzz: all selftests
	@scripts/vm --kernel $(KERNEL) --timeout 0 \
		$(if $(filter debug,$(KERNEL)),--env PICO_SLOWER=5 \
			$(if $(filter no,$(LEAKS)),,--leaks)) -- \
		build/selftests/fuzz --calls $(CALLS) $(SEED:%=--seed %)

# Loads and unloads pico.ko so often, under load; a hundred of it are a test.
TIMES ?= 1000
reload: all selftests
	@scripts/vm --kernel $(KERNEL) --one-thread --timeout 0 \
		$(if $(filter debug,$(KERNEL)),--leaks --env PICO_SLOWER=5) \
		--env PICO_TIMES=$(TIMES) -- build/selftests/reload

# Random work on the provider interface; some seconds of it are a test.
MINUTES ?= 1
stress: all selftests
	@scripts/vm --kernel $(KERNEL) --timeout 0 \
		$(if $(filter debug,$(KERNEL)),--env PICO_SLOWER=5 \
			$(if $(filter no,$(LEAKS)),,--leaks)) -- \
		build/selftests/provider_stress --seconds $$(($(MINUTES) * 60)) \
		$(SEED:%=--seed %)

check: setup build/linux/release $(kernel)/release
	@scripts/check $(KERNEL)

# ---------------------------------------------------------------- building

all: modules programs

setup: packages $(kernel)/release

packages:
	@scripts/setup </dev/null

build/kernel/debug/release: scripts/debug.config
$(kernel)/release: | packages
	@$(if $(filter debug,$(KERNEL)),scripts/build-debug-kernel,scripts/fetch-kernel $(KERNEL)) </dev/null

build/linux/release: | packages
	@scripts/fetch-source </dev/null

programs: libpal libos tools tools/samples

libpal libos tools tools/samples: | packages
	@$(call quietly,-C $@ BUILD=$(BUILD))

libos: libpal

selftests: libpal tools/samples build/linux/release
	@$(call quietly,-C $@ BUILD=$(BUILD) KSELFTEST=$(BUILD)/kselftest)

# The modules are built where nothing else is, so that the objects for one
# kernel never meet those for another.  A kernel build takes a second to find
# that nothing changed; the stamp says so at once, and is as old as the beginning
# of the build: what changes meanwhile is built the next time.  Type
# information (BTF) is added here: the kernel's build can only do that beside a
# vmlinux, which not every header package has.
module_sources := $(shell find Kbuild kmod uapi -type f ! -name '.*' 2>/dev/null)

modules: $(kmod)/.built

$(kmod)/.built: $(module_sources) $(kmod)/.sources scripts/link-tree \
		scripts/module-btf \
		$(if $(KDIR),,$(kernel)/release)
	@$(call say,MODULES $(notdir $(kmod)))
	@touch $@.new
	@scripts/link-tree $(kmod) Kbuild kmod uapi
	@$(MAKE) $(jobs) -C $(kdir) M=$(abspath $(kmod)) $(if $(filter 0,$(V)),-s) \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules </dev/null >&2
	@scripts/module-btf $(release) $(vmlinux) $(kmod)/kmod/*/*.ko \
		$(kmod)/kmod/samples/*/*.ko >&2
	@mv $@.new $@

flavours: $(stock:%=modules-%)

modules-%: FORCE
	@$(MAKE) KERNEL=$* KDIR= modules

# Changes when a file comes or goes.
$(kmod)/.sources: FORCE
	@mkdir -p $(@D)
	@echo '$(CURDIR) $(sort $(module_sources))' | cmp -s - $@ || \
		echo '$(CURDIR) $(sort $(module_sources))' >$@

# -------------------------------------------------------------- installing

# Modules go where depmod looks first, and into a folder of their own, which
# uninstalling removes whole.  The samples stay here: they are for reading.
modules_dir := updates/pico
header_files := pico/dk_abi.h pico/drawbridge.h pico/pico.h
version := $(shell sed -n 's/.*PICO_VERSION.*"\(.*\)"/\1/p' kmod/include/pico/version.h)
dkms_dir = $(DESTDIR)/usr/src/pico-$(version)

# KERNEL's modules where KERNEL is asked for; else the running kernel's.
ifeq ($(KDIR)$(filter command line environment,$(origin KERNEL)),)
install uninstall:
	@$(MAKE) $@ KDIR=/lib/modules/$(shell uname -r)/build
else
install: modules_install programs_install
uninstall: modules_uninstall programs_uninstall
endif

installed_modules = $(DESTDIR)/lib/modules/$(release)

# Not where there is no kernel (a package's DESTDIR).  The kernel's build leaves
# it out without a System.map, which Debian's headers do not have.
depmod = [ ! -e $(installed_modules)/modules.order ] || \
	PATH=$$PATH:/usr/sbin:/sbin depmod $(if $(DESTDIR),-b $(DESTDIR)) $(release)

modules_install: modules
	@grep -E '/kmod/(pico|drawbridge)/' $(kmod)/modules.order >$(kmod)/.installed
	@$(MAKE) -C $(kdir) M=$(abspath $(kmod)) CONFIG_MODULE_SIG_ALL= \
		MODORDER=$(abspath $(kmod))/.installed \
		INSTALL_MOD_DIR=$(modules_dir) \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(abspath $(DESTDIR))) \
		modules_install >$(kmod)/.install.log 2>&1 || \
		{ cat $(kmod)/.install.log >&2; exit 1; }
	@$(depmod)

modules_uninstall:
	@rm -rf $(installed_modules)/$(modules_dir)
	@rmdir $(installed_modules)/updates 2>/dev/null || :
	@$(depmod)

programs_install: programs
	@$(MAKE) -C tools BUILD=$(BUILD) install >&2
	@install -D -m 0755 build/lib/libos.elf $(DESTDIR)$(PREFIX)/lib/pico/libos.elf
	@install -D -m 0644 build/lib/libpal.a $(DESTDIR)$(PREFIX)/lib/libpal.a
	@install -D -m 0644 -t $(DESTDIR)$(PREFIX)/include libpal/include/pal.h
	@install -D -m 0644 -t $(DESTDIR)$(PREFIX)/include/pico $(header_files:%=uapi/%)
	@install -D -m 0644 -t $(DESTDIR)$(UDEVDIR) packaging/60-pico.rules

programs_uninstall:
	@$(MAKE) -C tools BUILD=$(BUILD) uninstall >&2
	@rm -rf $(DESTDIR)$(PREFIX)/lib/pico
	@rm -f $(DESTDIR)$(PREFIX)/lib/libpal.a $(DESTDIR)$(PREFIX)/include/pal.h \
		$(header_files:%=$(DESTDIR)$(PREFIX)/include/%) \
		$(DESTDIR)$(UDEVDIR)/60-pico.rules
	@-rmdir $(DESTDIR)$(PREFIX)/include/pico 2>/dev/null

# What "dkms add pico/VERSION" takes: no samples and no tests.
dkms_install:
	@mkdir -p $(dkms_dir)/scripts
	@cp -R --parents Kbuild kmod/compat.h kmod/include kmod/pico kmod/drawbridge \
		uapi scripts/module-btf LICENSE LICENSES $(dkms_dir)
	@install -m 0644 packaging/dkms.conf $(dkms_dir)/dkms.conf

dkms_uninstall:
	@rm -rf $(dkms_dir)

# ---------------------------------------------------------------- cleaning

clean:
	@find build -mindepth 1 -maxdepth 1 ! -name kernel ! -name linux \
		! -name kselftest ! -name checkpatch -exec rm -rf {} + 2>/dev/null || :

distclean:
	@rm -rf build

FORCE:
.PHONY: help run shell test test-programs fuzz reload stress check all setup packages programs libpal libos tools tools/samples \
	selftests modules flavours install uninstall modules_install \
	modules_uninstall programs_install programs_uninstall dkms_install \
	dkms_uninstall clean distclean FORCE
