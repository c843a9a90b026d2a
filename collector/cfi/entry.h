/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry: the records of .eh_frame and .debug_frame: common information entries (CIE) and the frame
 * description entries (FDE) that refer to them.
 *
 * Private to collector/cfi.
 */
#pragma once

#include "collector/cfi/cfi.h"
#include "collector/cfi/cursor.h"

/* A frame description entry together with its common information. */
struct entry {
	struct cfi_range range;
	struct cursor initial; /* instructions of the CIE */
	struct cursor program; /* instructions of the FDE */
	uint64_t code_factor;
	int64_t data_factor;
	uint64_t return_column;
	uint8_t pointer_encoding; /* DW_EH_PE_* of code addresses */
	bool is_signal;
};

enum entry_found {
	ENTRY_FUNCTION, /* a frame description entry */
	ENTRY_OTHER,	/* common information, a terminator, or something unreadable */
	ENTRY_END,	/* no further record */
};

/*
 * Reads the record at @offset.
 *
 * @next   receives the offset of the following record, always greater than @offset
 * @entry  receives it when it is an ENTRY_FUNCTION
 */
enum entry_found entry_read(const struct cfi_section *section, size_t offset, size_t *next,
			    struct entry *entry);

/*
 * Reads an encoded code address (DW_EH_PE_*).
 *
 * @function  first address of the function, for DW_EH_PE_funcrel
 * Encodings that need a base which a file does not state fail @cursor.
 */
uint64_t entry_pointer(const struct cfi_section *section, struct cursor *cursor, uint8_t encoding,
		       uint64_t function);
