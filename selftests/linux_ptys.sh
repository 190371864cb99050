#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Pseudo-terminals: linux/ptys has to print the same as natively.

exec "$(dirname "$0")/linux_threads.sh" ptys
