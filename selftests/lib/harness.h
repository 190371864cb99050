/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kselftest_harness.h, with a time limit that fits an emulated processor,
 * and a longer one where PICO_SLOWER says so.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "kselftest_harness.h"
#include "sandbox.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120

#undef TEST_HARNESS_MAIN
#define TEST_HARNESS_MAIN						\
	static void __attribute__((constructor))			\
	__constructor_order_last(void)					\
	{								\
		if (!__constructor_order)				\
			__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD; \
	}								\
	int main(int argc, char **argv)					\
	{								\
		slow_down();						\
		return test_harness_run(argc, argv);			\
	}

static inline void slow_down(void)
{
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			t->timeout *= slower();
}

#endif /* HARNESS_H */
