/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kselftest_harness.h, with a time limit that fits an emulated processor.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "kselftest_harness.h"
#include "sandbox.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120

#endif /* HARNESS_H */
