#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The parts of linux_net that take longer: python3's modules, TLS, curl and wget.

exec "$(dirname "$0")/linux_net.sh" localhost python ssl curl
