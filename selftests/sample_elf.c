// SPDX-License-Identifier: GPL-2.0-only
/* The loader of the sample providers: good files, bad ones, damaged ones. */
#include <elf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "lib/harness.h"
#include "lib/sample.h"

#define BASE	0x400000UL

/* A program of one page that exits with 7. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
	unsigned char code[64];
};

/* clang-format off */
static const unsigned char exit_linux[] = {
	0xb8, 0x3c, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05
};

static const unsigned char exit_freebsd[] = {
	0xb8, 1, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05
};
/* clang-format on */

FIXTURE(elf)
{
	struct image image;
	int fd;
};

FIXTURE_VARIANT(elf)
{
	const char *provider;
	const unsigned char *code;
	unsigned char brand;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(elf, filter)
{
	.provider = "filter",
	.code = exit_linux,
	.brand = ELFOSABI_NONE,
};

FIXTURE_VARIANT_ADD(elf, foreign)
{
	.provider = "foreign",
	.code = exit_freebsd,
	.brand = ELFOSABI_FREEBSD,
};
/* clang-format on */

FIXTURE_SETUP(elf)
{
	self->image = (struct image) {
		.header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
				     ELFDATA2LSB, EV_CURRENT, variant->brand },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_entry = BASE + offsetof(struct image, code),
			.e_phoff = offsetof(struct image, segments),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
		},
		.segments = {
			{
				.p_type = PT_LOAD,
				.p_flags = PF_R | PF_X,
				.p_vaddr = BASE,
				.p_filesz = sizeof(struct image),
				.p_memsz = sizeof(struct image),
				.p_align = 4096,
			},
			{
				.p_type = PT_LOAD,
				.p_flags = PF_R | PF_W,
				.p_vaddr = BASE + 0x2000,
				.p_filesz = 16,
				.p_memsz = 0x5000,
				.p_align = 4096,
			},
		},
	};
	memcpy(self->image.code, variant->code, sizeof(exit_linux));
	ASSERT_EQ(0, sample_module(variant->provider, true));
	self->fd = sample_open(variant->provider);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(elf)
{
	close(self->fd);
	EXPECT_EQ(0, nothing_left());
	EXPECT_EQ(0, sample_module(variant->provider, false));
}

static int write_image(const void *image, size_t size)
{
	int file = memfd_create("program", MFD_CLOEXEC);

	if (file < 0 || write(file, image, size) != size)
		return -1;
	return file;
}

/* What naming such a program answers: 0 or errno. */
static int try(int fd, const void *image, size_t size)
{
	int file = write_image(image, size);
	int error = sample_program(fd, file);

	close(file);
	return error;
}

/* The exit code of one that is accepted; else negative. */
static int run(int fd, const struct image *image)
{
	int status;

	if (try(fd, image, sizeof(*image)))
		return -1;
	status = sample_wait(sample_start(fd), 10000);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

TEST_F(elf, runs)
{
	EXPECT_EQ(7, run(self->fd, &self->image));
}

TEST_F(elf, runs_anywhere)
{
	self->image.header.e_type = ET_DYN;
	EXPECT_EQ(7, run(self->fd, &self->image));
}

TEST_F(elf, runs_with_zeros_alone)
{
	self->image.segments[1].p_filesz = 0;
	EXPECT_EQ(7, run(self->fd, &self->image));
}

TEST_F(elf, needs_a_program)
{
	int status = sample_wait(sample_start(self->fd), 10000);

	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(100 + EINVAL, WEXITSTATUS(status));
}

TEST_F(elf, refuses)
{
	struct image *const i = &self->image;

#define REFUSED(error, change) do {					\
	const struct image good = self->image;				\
	change;								\
	EXPECT_EQ(error, try(self->fd, i, sizeof(*i)))			\
		TH_LOG("%s", #change);					\
	self->image = good;						\
} while (0)
	REFUSED(ENOEXEC, i->header.e_ident[0] = 0);
	REFUSED(ENOEXEC, i->header.e_ident[EI_CLASS] = ELFCLASS32);
	REFUSED(ENOEXEC, i->header.e_ident[EI_DATA] = ELFDATA2MSB);
	REFUSED(ENOEXEC, i->header.e_ident[EI_OSABI] = ELFOSABI_SOLARIS);
	REFUSED(ENOEXEC, i->header.e_ident[EI_OSABI] ^= ELFOSABI_FREEBSD);
	REFUSED(ENOEXEC, i->header.e_machine = EM_AARCH64);
	REFUSED(ENOEXEC, i->header.e_machine = EM_386);
	REFUSED(ENOEXEC, i->header.e_type = ET_REL);
	REFUSED(ENOEXEC, i->header.e_type = ET_CORE);
	REFUSED(ENOEXEC, i->header.e_phentsize = 55);
	REFUSED(ENOEXEC, i->header.e_phnum = 0);
	REFUSED(ENOEXEC, i->header.e_phnum = 65);
	REFUSED(ENOEXEC, i->header.e_phnum = 64); /* beyond the file */
	REFUSED(ENOEXEC, i->header.e_phnum = 0xffff);
	REFUSED(ENOEXEC, i->header.e_phoff = sizeof(*i));
	REFUSED(ENOEXEC, i->header.e_phoff = -1);
	REFUSED(ENOEXEC, i->header.e_phoff = 1UL << 62);
	REFUSED(ENOEXEC, i->header.e_entry = 0);
	REFUSED(ENOEXEC, i->header.e_entry = BASE + sizeof(*i));
	REFUSED(ENOEXEC, i->header.e_entry = BASE + 0x2000); /* not code */
	REFUSED(ENOEXEC, i->header.e_entry = -1);
	REFUSED(ENOEXEC, i->segments[0].p_type = PT_NULL);
	REFUSED(ENOEXEC, i->segments[1].p_type = PT_INTERP);
	/* Overlapping, in disorder, in one page. */
	REFUSED(ENOEXEC, i->segments[1].p_vaddr = BASE);
	REFUSED(ENOEXEC, i->segments[1].p_vaddr = BASE - 0x1000);
	REFUSED(ENOEXEC, i->segments[0].p_memsz = 0x2001;
		i->segments[0].p_flags |= PF_W);
	REFUSED(ENOEXEC, i->segments[1].p_vaddr = BASE + 0x800;
		i->segments[1].p_offset = 0x800);
	/* Offset and address are not of one page. */
	REFUSED(ENOEXEC, i->segments[1].p_offset = 8);
	REFUSED(ENOEXEC, i->segments[1].p_vaddr += 8);
	/* Sizes. */
	REFUSED(ENOEXEC, i->segments[1].p_filesz = 0x5001);
	REFUSED(ENOEXEC, i->segments[1].p_memsz = 15);
	REFUSED(ENOEXEC, i->segments[1].p_flags = PF_R);
	REFUSED(ENOEXEC, i->segments[1].p_memsz = -1);
	REFUSED(ENOEXEC, i->segments[1].p_memsz = 1UL << 47);
	REFUSED(ENOEXEC, i->segments[1].p_memsz = 1UL << 63);
	REFUSED(ENOEXEC, i->segments[1].p_vaddr = 1UL << 47);
	REFUSED(ENOEXEC, i->segments[1].p_vaddr = -4096UL);
	REFUSED(ENOEXEC, i->segments[1].p_offset = -4096UL);
	REFUSED(ENOMEM, i->segments[1].p_memsz = 1UL << 32);
	REFUSED(ENOMEM, i->segments[1].p_memsz = 1UL << 46);
	REFUSED(ENOMEM, i->segments[1].p_vaddr = 1UL << 46);

	/* And afterwards a good one is as good as ever. */
	EXPECT_EQ(7, run(self->fd, i));
}

TEST_F(elf, refuses_short_files)
{
	const size_t end = offsetof(struct image, segments[2]);

	for (size_t size = 0; size < end; size += 8) {
		int error = try(self->fd, &self->image, size);

		EXPECT_EQ(ENOEXEC, error);
	}
}

TEST_F(elf, refuses_files_that_are_none)
{
	int file = write_image(&self->image, sizeof(self->image));
	char path[64];
	int other, ends[2];

	EXPECT_EQ(EBADF, sample_program(self->fd, -1));
	EXPECT_EQ(EBADF, sample_program(self->fd, 1000));
	EXPECT_EQ(EACCES, sample_program(self->fd, self->fd));
	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(EACCES, sample_program(self->fd, ends[0]));
	EXPECT_EQ(EBADF, sample_program(self->fd, ends[1]));
	other = open("/", O_RDONLY);
	EXPECT_EQ(EACCES, sample_program(self->fd, other));
	close(other);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	other = open(path, O_WRONLY);
	ASSERT_GE(other, 0);
	EXPECT_EQ(EBADF, sample_program(self->fd, other));
	close(other);
	other = open(path, O_PATH);
	EXPECT_EQ(EBADF, sample_program(self->fd, other));
	close(other);
	/* Executable is what somebody may execute. */
	ASSERT_EQ(0, fchmod(file, 0600));
	EXPECT_EQ(EACCES, sample_program(self->fd, file));
	ASSERT_EQ(0, fchmod(file, 0700));
	EXPECT_EQ(0, sample_program(self->fd, file));
	close(file);
}

TEST_F(elf, refuses_strings)
{
	int file = write_image(&self->image, sizeof(self->image));
	const struct pico_sample_program good = {
		.file = file,
		.argument_count = 2,
		.environment_count = 1,
		.strings_length = 6,
		.strings = (uintptr_t) "a\0b\0c",
	};

#define BAD(error, change) do {						\
	struct pico_sample_program p = good;				\
	change;								\
	errno = 0;							\
	EXPECT_EQ(-1, ioctl(self->fd, PICO_SAMPLE_IOC_PROGRAM, &p));	\
	EXPECT_EQ(error, errno) TH_LOG("%s", #change);			\
} while (0)
	BAD(EINVAL, p.argument_count = 0);
	BAD(EINVAL, p.argument_count = 3);
	BAD(EINVAL, p.environment_count = 0);
	BAD(EINVAL, p.environment_count = -2; p.argument_count = 5);
	BAD(EINVAL, p.strings_length = 0);
	BAD(EINVAL, p.strings_length = 5);
	BAD(EINVAL, p.strings_length = PICO_SAMPLE_STRINGS_MAX + 1);
	BAD(EINVAL, p.strings_length = -1);
	BAD(EFAULT, p.strings = 8);
	BAD(EFAULT, p.strings = 0xffff888000000000);
	EXPECT_EQ(-1, ioctl(self->fd, PICO_SAMPLE_IOC_PROGRAM, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, PICO_SAMPLE_IOC_PROGRAM + 16, 8));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(0, ioctl(self->fd, PICO_SAMPLE_IOC_PROGRAM, &good));
	close(file);
}

/* Checked when it was named, gone when it is mapped: the process ends. */
TEST_F(elf, survives_a_file_that_shrinks)
{
	int file = write_image(&self->image, sizeof(self->image)), status;

	ASSERT_EQ(0, sample_program(self->fd, file));
	ASSERT_EQ(0, ftruncate(file, 0));
	status = sample_wait(sample_start(self->fd), 10000);
	EXPECT_TRUE(WIFSIGNALED(status));
	close(file);
}

/* Random damage: refused, or it runs and ends or is ended. */
TEST_F(elf, survives_damage)
{
	unsigned int seed = 20, refused = 0, ran = 0;

	TH_LOG("seed %u", seed);
	for (int n = 0; n < 300; n++) {
		struct image bad = self->image;
		int fd = sample_open(variant->provider), status;

		ASSERT_GE(fd, 0);
		for (int k = rand_r(&seed) % 3; k >= 0; k--)
			((unsigned char *)&bad)[16 + rand_r(&seed) % 160] =
				rand_r(&seed);
		if (try(fd, &bad, sizeof(bad))) {
			refused++;
		} else {
			status = sample_wait(sample_start(fd), 1000);
			ran++;
			ASSERT_NE(-1, status);
		}
		close(fd);
	}
	TH_LOG("%u refused, %u ran", refused, ran);
	EXPECT_GT(refused, 50);
	EXPECT_GT(ran, 10);
}

TEST_HARNESS_MAIN
