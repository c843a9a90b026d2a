/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * module_cfi: finds the call frame information of an ELF file and makes it searchable.
 *
 * Private to collector/resolve.
 */
#pragma once

#include "collector/cfi/cfi.h"
#include "collector/resolve/elf_image.h"

/*
 * Reads .eh_frame, found by its section's name, else through .eh_frame_hdr (the only way in a file
 * without section headers and in the vDSO). Its search table is .eh_frame_hdr's, as it stands in
 * the file; without one the section is scanned.
 * On return section->bytes is 0 when the file has none. module_cfi_done releases.
 */
void module_cfi_read_eh_frame(const struct elf_image *image, struct cfi_section *section);

/* Reads .debug_frame, which some programs have instead (built with -g and without unwind tables)
 * or besides (for what .eh_frame does not cover). One compressed by zlib is inflated. */
void module_cfi_read_debug_frame(const struct elf_image *image, struct cfi_section *section);

void module_cfi_done(struct cfi_section *section);
