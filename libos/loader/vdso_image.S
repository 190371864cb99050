/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "vdso_offset.h"		/* made from the symbols of vdso.so */

	.section .rodata
	.globl	vdso_image, vdso_image_end, vdso_data_offset
	.hidden	vdso_image, vdso_image_end, vdso_data_offset
	.balign	16
vdso_image:
	.incbin	"vdso.so"
vdso_image_end:
	.balign	8
vdso_data_offset:
	.quad	VDSO_DATA_OFFSET

	.section .note.GNU-stack, "", @progbits
