/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/elf_image.c on an image made in memory. Damaged files are in
 * tests/unit/collector/module.c. */
#include "collector/resolve/elf_image.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A header, one loadable segment of 64 bytes at elf address 0x1000, one note segment. */
struct file {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	uint8_t notes[64];
};

static struct file file;

static void setup(void)
{
	static const uint8_t notes[] = {4,   0,	  0, 0, 2, 0, 0,   0,	9,   0, 0,    0,    'X',
					'Y', 'Z', 0, 1, 2, 0, 0,   4,	0,   0, 0,    3,    0,
					0,   0,	  3, 0, 0, 0, 'G', 'N', 'U', 0, 0xab, 0xcd, 0xef};

	memset(&file, 0, sizeof(file));
	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_ident[EI_DATA] = ELFDATA2LSB;
	file.header.e_machine = EM_X86_64;
	file.header.e_entry = 0x1010;
	file.header.e_phoff = offsetof(struct file, segments);
	file.header.e_phentsize = sizeof(Elf64_Phdr);
	file.header.e_phnum = 2;
	file.segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
					.p_offset = offsetof(struct file, notes),
					.p_vaddr = 0x1000,
					.p_filesz = sizeof(file.notes)};
	file.segments[1] = (Elf64_Phdr){.p_type = PT_NOTE,
					.p_offset = offsetof(struct file, notes),
					.p_filesz = sizeof(file.notes)};
	memcpy(file.notes, notes, sizeof(notes));
}

TestSuite(elf_image, .init = setup);

static int init(struct elf_image *image, struct error *error)
{
	return elf_image_init(image, -1, &file, sizeof(file), error);
}

Test(elf_image, reads_headers_and_finds_segments)
{
	struct elf_image image;

	cr_assert_eq(init(&image, NULL), 0);
	cr_expect_eq(image.entry, 0x1010);
	cr_expect_eq(elf_image_segment(&image, PT_NOTE), &image.segments[1]);
	cr_expect_null(elf_image_segment(&image, PT_TLS));
	cr_expect_eq(elf_image_loaded(&image, 0x103f), &image.segments[0]);
	cr_expect_null(elf_image_loaded(&image, 0x1040));
	cr_expect_null(elf_image_loaded(&image, 0xfff));
	cr_expect_null(elf_image_section(&image, ".text"));
	elf_image_done(&image);
}

Test(elf_image, reads_no_byte_beyond_the_file)
{
	uint8_t buffer[sizeof(file) + 8];
	struct elf_image image;

	cr_assert_eq(init(&image, NULL), 0);
	cr_expect(elf_image_read(&image, 0, buffer, sizeof(file)));
	cr_expect(elf_image_read(&image, sizeof(file), buffer, 0));
	cr_expect_not(elf_image_read(&image, 0, buffer, sizeof(file) + 1));
	cr_expect_not(elf_image_read(&image, 1, buffer, sizeof(file)));
	cr_expect_not(elf_image_read(&image, UINT64_MAX, buffer, 8));
	cr_expect_null(elf_image_load(&image, 8, UINT64_MAX - 4, UINT64_MAX));
	cr_expect_null(elf_image_load(&image, 0, 32, 31), "more than the limit");
	elf_image_done(&image);
}

Test(elf_image, finds_the_build_id_behind_other_notes)
{
	uint8_t build_id[ELF_IMAGE_BUILD_ID];
	struct elf_image image;

	cr_assert_eq(init(&image, NULL), 0);
	cr_assert_eq(elf_image_build_id(&image, build_id), 3);
	cr_expect_eq(build_id[0], 0xab);
	cr_expect_eq(build_id[2], 0xef);
	file.notes[20 + 4] = 200; /* longer than the segment */
	cr_expect_eq(elf_image_build_id(&image, build_id), 0);
	elf_image_done(&image);
}

Test(elf_image, says_what_it_is_not)
{
	struct error error = {0};
	struct elf_image image;

	file.header.e_machine = EM_AARCH64;
	cr_expect_eq(init(&image, &error), -ENOEXEC);
	cr_expect_str_eq(error.text, "it is not a 64-bit x86 ELF file");
	file.header.e_ident[0] = 0;
	cr_expect_eq(init(&image, &error), -ENOEXEC);
	cr_expect_str_eq(error.text, "it is not an ELF file");
	setup();
	file.header.e_phoff = sizeof(file) - 8;
	cr_expect_eq(init(&image, &error), -ENOEXEC);
	cr_expect_str_eq(error.text, "its ELF program headers are cut off");
}
