/* SPDX-License-Identifier: GPL-3.0-or-later */
/* entry: see entry.h. */
#include "collector/cfi/entry.h"

/* Pointer encodings: a format in the low four bits, what it is relative to above. */
enum {
	DW_EH_PE_absptr = 0x00,
	DW_EH_PE_uleb128 = 0x01,
	DW_EH_PE_udata2 = 0x02,
	DW_EH_PE_udata4 = 0x03,
	DW_EH_PE_udata8 = 0x04,
	DW_EH_PE_signed = 0x08,
	DW_EH_PE_sleb128 = 0x09,
	DW_EH_PE_sdata2 = 0x0a,
	DW_EH_PE_sdata4 = 0x0b,
	DW_EH_PE_sdata8 = 0x0c,
	DW_EH_PE_format = 0x0f,

	DW_EH_PE_pcrel = 0x10,
	DW_EH_PE_funcrel = 0x40,
	DW_EH_PE_aligned = 0x50,
	DW_EH_PE_relative = 0x70,
	DW_EH_PE_indirect = 0x80,
	DW_EH_PE_omit = 0xff,
};

/* A record's frame: where its body begins and ends and what it is. */
struct record {
	struct cursor body; /* after the id field */
	size_t id_offset;   /* offset in the section of the id field */
	uint64_t id;	    /* what the id field says */
	unsigned int width; /* bytes of offsets: 4 or 8 */
	size_t next;	    /* offset of the following record */
	bool is_common;
	bool is_empty;
};

static uint64_t read_format(struct cursor *cursor, uint8_t format)
{
	switch (format) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_signed:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return cursor_unsigned(cursor, 8);
	case DW_EH_PE_uleb128:
		return cursor_uleb(cursor);
	case DW_EH_PE_sleb128:
		return (uint64_t)cursor_sleb(cursor);
	case DW_EH_PE_udata2:
		return cursor_unsigned(cursor, 2);
	case DW_EH_PE_sdata2:
		return (uint64_t)cursor_signed(cursor, 2);
	case DW_EH_PE_udata4:
		return cursor_unsigned(cursor, 4);
	case DW_EH_PE_sdata4:
		return (uint64_t)cursor_signed(cursor, 4);
	default:
		cursor_fail(cursor);
		return 0;
	}
}

uint64_t entry_pointer(const struct cfi_section *section, struct cursor *cursor, uint8_t encoding,
		       uint64_t function)
{
	uint64_t here = section->address + (uint64_t)(cursor->at - section->data);
	uint64_t value;

	if ((encoding & DW_EH_PE_relative) == DW_EH_PE_aligned) {
		cursor_skip(cursor, -here & 7);
		return cursor_unsigned(cursor, 8);
	}
	value = read_format(cursor, encoding & DW_EH_PE_format);
	switch (encoding & (DW_EH_PE_relative | DW_EH_PE_indirect)) {
	case 0:
		return value;
	case DW_EH_PE_pcrel:
		return here + value;
	case DW_EH_PE_funcrel:
		return function + value;
	default:
		cursor_fail(cursor);
		return 0;
	}
}

/* Passes over an encoded pointer whose value nobody needs (personality routines). */
static void skip_pointer(const struct cfi_section *section, struct cursor *cursor, uint8_t encoding)
{
	if (encoding == DW_EH_PE_omit)
		return;
	if ((encoding & DW_EH_PE_relative) == DW_EH_PE_aligned)
		entry_pointer(section, cursor, encoding, 0);
	else
		read_format(cursor, encoding & DW_EH_PE_format);
}

/* Reads length and id. In .eh_frame the id is 0 for common information, else the distance back to
 * it; in .debug_frame all ones, else its offset. Returns false at the end of the section. */
static bool read_record(const struct cfi_section *section, size_t offset, struct record *record)
{
	struct cursor cursor;
	uint64_t length;

	if (offset >= section->bytes || section->bytes - offset < 4)
		return false;
	cursor = (struct cursor){section->data + offset, section->data + section->bytes, false};
	*record = (struct record){.width = 4};
	length = cursor_unsigned(&cursor, 4);
	if (length == 0xffffffff) {
		length = cursor_unsigned(&cursor, 8);
		record->width = section->is_debug_frame ? 8 : 4;
	}
	record->is_empty = length == 0;
	record->body = cursor_take(&cursor, length);
	if (cursor.failed)
		return false;
	record->next = (size_t)(cursor.at - section->data);
	record->id_offset = (size_t)(record->body.at - section->data);
	record->id = cursor_unsigned(&record->body, record->width);
	if (!section->is_debug_frame)
		record->is_common = record->id == 0;
	else
		record->is_common = record->id == (record->width == 8 ? UINT64_MAX : UINT32_MAX);
	return true;
}

/* Interprets the augmentation's letters, which say what its data holds. */
static void read_augmentation(const struct cfi_section *section, const char *letters,
			      struct cursor data, struct entry *entry)
{
	for (; *letters && !data.failed; letters++) {
		switch (*letters) {
		case 'R':
			entry->pointer_encoding = cursor_byte(&data);
			break;
		case 'P':
			skip_pointer(section, &data, cursor_byte(&data));
			break;
		case 'L':
			cursor_byte(&data);
			break;
		case 'S':
			entry->is_signal = true;
			break;
		case 'B':
			break;
		default:
			return; /* unknown; its data cannot be told from the rest */
		}
	}
}

/* Reads common information into @entry; @has_augmentation tells whether its entries carry
 * augmentation data too. Returns false when it cannot be understood. */
static bool read_common(const struct cfi_section *section, size_t offset, struct entry *entry,
			bool *has_augmentation)
{
	struct record record;
	struct cursor *body = &record.body;
	const char *letters;
	uint8_t version;

	if (!read_record(section, offset, &record) || record.is_empty || !record.is_common)
		return false;
	version = cursor_byte(body);
	if (version != 1 && version != 3 && version != 4)
		return false;
	letters = (const char *)body->at;
	while (cursor_byte(body))
		;
	if (body->failed)
		return false;
	if (version == 4 && (cursor_byte(body) != 8 || cursor_byte(body) != 0))
		return false; /* size of an address, of a segment */
	if (letters[0] == 'e' && letters[1] == 'h' && !letters[2])
		cursor_skip(body, 8); /* of old compilers; its data is of no use here */
	else if (letters[0] && letters[0] != 'z')
		return false;
	entry->code_factor = cursor_uleb(body);
	entry->data_factor = cursor_sleb(body);
	entry->return_column = version == 1 ? cursor_byte(body) : cursor_uleb(body);
	*has_augmentation = letters[0] == 'z';
	if (*has_augmentation) {
		uint64_t bytes = cursor_uleb(body);

		read_augmentation(section, letters + 1, cursor_take(body, bytes), entry);
	}
	entry->initial = *body;
	return !body->failed;
}

bool cfi_has_personality(const struct cfi_section *section)
{
	struct record record;

	for (size_t offset = 0; read_record(section, offset, &record); offset = record.next) {
		if (!record.is_common || record.is_empty || !cursor_byte(&record.body))
			continue;
		for (uint8_t letter; (letter = cursor_byte(&record.body));)
			if (letter == 'P')
				return true;
	}
	return false;
}

enum entry_found entry_read(const struct cfi_section *section, size_t offset, size_t *next,
			    struct entry *entry)
{
	struct record record;
	struct cursor *body = &record.body;
	bool has_augmentation;
	uint64_t common;

	if (!read_record(section, offset, &record))
		return ENTRY_END;
	*next = record.next;
	if (record.is_empty || record.is_common || body->failed)
		return ENTRY_OTHER;
	common = section->is_debug_frame ? record.id : record.id_offset - record.id;
	*entry = (struct entry){.pointer_encoding = DW_EH_PE_absptr};
	if (!read_common(section, common, entry, &has_augmentation))
		return ENTRY_OTHER;
	entry->range.start = entry_pointer(section, body, entry->pointer_encoding, 0);
	entry->range.end =
		entry->range.start + read_format(body, entry->pointer_encoding & DW_EH_PE_format);
	if (has_augmentation)
		cursor_skip(body, cursor_uleb(body));
	entry->program = *body;
	/* The linker leaves entries of removed functions with start 0. */
	if (body->failed || !entry->range.start || entry->range.end <= entry->range.start)
		return ENTRY_OTHER;
	return ENTRY_FUNCTION;
}
