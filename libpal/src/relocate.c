// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Self-relocation of a static PIE.
 *
 * The host maps the image anywhere and starts it as it is in the file. Until
 * pal_relocate() returns, nothing may use a pointer that the linker stored in
 * data; code that was compiled with hidden visibility does not.
 */
#include <elf.h>
#include <stddef.h>
#include <pal.h>

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
void pal_relocate(const Elf64_Dyn *dyn);

/* What only relocation writes to, nobody writes to from now on. */
static void protect_relro(dk_u64 base, const Elf64_Phdr *ph, unsigned int n)
{
	dk_u64 start, end;

	for (; n; n--, ph++) {
		if (ph->p_type != PT_GNU_RELRO)
			continue;
		start = (base + ph->p_vaddr) & ~4095ULL;
		end = (base + ph->p_vaddr + ph->p_memsz) & ~4095ULL;
		if (end > start)
			DkVirtualMemoryProtect((void *)start, end - start,
					       DK_PROT_READ);
	}
}

/* @dyn: the dynamic section, found by start.S without the help of the GOT. */
void pal_relocate(const Elf64_Dyn *dyn)
{
	dk_u64 base = (dk_u64)&__ehdr_start;
	const Elf64_Rela *rela = NULL;
	dk_u64 size = 0;

	if (__ehdr_start.e_type != ET_DYN)
		return;
	for (; dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_RELA)
			rela = (const Elf64_Rela *)(base + dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_RELASZ)
			size = dyn->d_un.d_val;
	}
	for (; size; size -= sizeof(*rela), rela++) {
		if (ELF64_R_TYPE(rela->r_info) != R_X86_64_RELATIVE)
			__builtin_trap();
		*(dk_u64 *)(base + rela->r_offset) = base + rela->r_addend;
	}
	protect_relro(base, (const Elf64_Phdr *)(base + __ehdr_start.e_phoff),
		      __ehdr_start.e_phnum);
}
