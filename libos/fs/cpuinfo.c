// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The processor's features by the names that Linux gives them, in the order of
 * its own /proc/cpuinfo. Those that the program cannot use are left out.
 */
#include "fs.h"
#include "proc.h"

/* One register of one leaf of CPUID; "" where a bit has no name. */
struct feature_word {
	u32 leaf;
	u8 index; /* eax, ebx, ecx, edx */
	const char *names[32];
};

static const struct feature_word words[] = {
	{ 0x1, 3, { "fpu", "vme",  "de",   "pse",   "tsc", "msr",     "pae",
		    "mce", "cx8",  "apic", "",	    "sep", "mtrr",    "pge",
		    "mca", "cmov", "pat",  "pse36", "pn",  "clflush", "",
		    "dts", "acpi", "mmx",  "fxsr",  "sse", "sse2",    "ss",
		    "ht",  "tm",   "ia64", "pbe" } },
	{ 0x80000001,
	  3,
	  { [11] = "syscall",
	    [20] = "nx",
	    [22] = "mmxext",
	    [25] = "fxsr_opt",
	    [26] = "pdpe1gb",
	    [27] = "rdtscp",
	    [29] = "lm" } },
	{ 0x1,
	  2,
	  { "pni",    "pclmulqdq", "dtes64", "monitor", "ds_cpl",
	    "vmx",    "smx",	   "est",    "tm2",	"ssse3",
	    "cid",    "sdbg",	   "fma",    "cx16",	"xtpr",
	    "pdcm",   "",	   "pcid",   "dca",	"sse4_1",
	    "sse4_2", "x2apic",	   "movbe",  "popcnt",	"tsc_deadline_timer",
	    "aes",    "xsave",	   "",	     "avx",	"f16c",
	    "rdrand", "hypervisor" } },
	{ 0x80000001,
	  2,
	  { "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm",
	    "sse4a", "misalignsse", "3dnowprefetch" } },
	{ 0x7, 1, { "",		"tsc_adjust", "",	  "bmi1",
		    "hle",	"avx2",	      "",	  "smep",
		    "bmi2",	"erms",	      "invpcid",  "rtm",
		    "",		"",	      "mpx",	  "",
		    "avx512f",	"avx512dq",   "rdseed",	  "adx",
		    "smap",	"avx512ifma", "",	  "clflushopt",
		    "clwb",	"",	      "avx512pf", "avx512er",
		    "avx512cd", "sha_ni",     "avx512bw", "avx512vl" } },
	{ 0x7,
	  2,
	  { "", "avx512vbmi", "umip", "pku", "", "waitpkg", "avx512_vbmi2", "",
	    "gfni", "vaes", "vpclmulqdq", "avx512_vnni", "avx512_bitalg", "",
	    "avx512_vpopcntdq", "", "la57", [22] = "rdpid" } },
	{ 0x7,
	  3,
	  { [4] = "fsrm",
	    [8] = "avx512_vp2intersect",
	    [10] = "md_clear",
	    [14] = "serialize" } },
};

void cpu_words(u32 leaf, u32 *registers)
{
	asm volatile("cpuid"
		     : "=a"(registers[0]), "=b"(registers[1]),
		       "=c"(registers[2]), "=d"(registers[3])
		     : "a"(leaf), "c"(0));
}

void cpu_flags(struct text *text)
{
	u32 registers[4], highest[2];
	size_t i, bit;

	cpu_words(0, registers);
	highest[0] = registers[0];
	cpu_words(0x80000000, registers);
	highest[1] = registers[0];
	text_add(text, "flags\t\t:");
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		const struct feature_word *word = &words[i];

		if (word->leaf > highest[word->leaf >> 31])
			continue;
		cpu_words(word->leaf, registers);
		for (bit = 0; bit < 32; bit++) {
			if (registers[word->index] & 1U << bit &&
			    word->names[bit] && *word->names[bit])
				text_add(text, " %s", word->names[bit]);
		}
	}
	text_add(text, "\n");
}
