/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What libos and vDSO both know; the vDSO is vdso/vdso.c. */
#ifndef LIBOS_VDSO_H
#define LIBOS_VDSO_H

struct vdso_data {
	unsigned long time;	/* address of the host's struct dk_time, or 0 */
	unsigned long has_rdtscp;
};

/* loader/vdso_image.S: the object, and struct vdso_data's place in it */
extern const char vdso_image[], vdso_image_end[];
extern const unsigned long vdso_data_offset;

#endif /* LIBOS_VDSO_H */
