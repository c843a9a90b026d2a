/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cfi: finds the entry of an address and makes its row a rule (see cfi.h).
 *
 * DWARF's location expressions are a stack machine, but tools write only a handful of them. Those
 * are recognised by their shape; any other gives CFI_UNSUPPORTED or CFI_LOST.
 */
#include "collector/cfi/cfi.h"
#include "collector/cfi/program.h"

enum {
	DW_OP_deref = 0x06,
	DW_OP_and = 0x1a,
	DW_OP_plus = 0x22,
	DW_OP_plus_uconst = 0x23,
	DW_OP_shl = 0x24,
	DW_OP_ge = 0x2a,
	DW_OP_lit0 = 0x30,
	DW_OP_breg0 = 0x70,
	DW_OP_breg31 = 0x8f,
};

/* Where the kernel's signal frame keeps sp and ip, from sp when the handler has returned:
 * offsets of gregs[REG_RSP], gregs[REG_RIP] in ucontext_t. */
enum {
	UCONTEXT_SP = 160,
	UCONTEXT_IP = 168,
};

/* The shapes `breg N` and `breg N, deref`, each with an optional `plus_uconst M`. */
struct simple_expression {
	uint64_t number; /* register */
	int64_t offset;
	int64_t offset2;
	bool is_dereference;
};

static bool read_simple(struct cursor cursor, struct simple_expression *simple)
{
	uint8_t operation = cursor_byte(&cursor);

	if (operation < DW_OP_breg0 || operation > DW_OP_breg31)
		return false;
	*simple = (struct simple_expression){.number = operation - DW_OP_breg0};
	simple->offset = cursor_sleb(&cursor);
	while (cursor.at < cursor.end && !cursor.failed) {
		operation = cursor_byte(&cursor);
		if (operation == DW_OP_deref && !simple->is_dereference)
			simple->is_dereference = true;
		else if (operation == DW_OP_plus_uconst && !simple->offset2)
			simple->offset2 = (int64_t)cursor_uleb(&cursor);
		else if (operation != 0x96) /* DW_OP_nop */
			return false;
	}
	if (!simple->is_dereference) {
		simple->offset = (int64_t)((uint64_t)simple->offset + (uint64_t)simple->offset2);
		simple->offset2 = 0;
	}
	return !cursor.failed;
}

/* The linkers' rule for the procedure linkage table, whose entries of 16 bytes push a word at
 * their byte N: sp + offset + ((ip & 15) >= N ? 8 : 0). */
static bool read_plt(struct cursor cursor, int64_t *offset, int16_t *limit)
{
	static const uint8_t before[] = {DW_OP_lit0 + 15, DW_OP_and};
	static const uint8_t after[] = {DW_OP_ge, DW_OP_lit0 + 3, DW_OP_shl, DW_OP_plus};

	if (cursor_byte(&cursor) != DW_OP_breg0 + CFI_SP)
		return false;
	*offset = cursor_sleb(&cursor);
	if (cursor_byte(&cursor) != DW_OP_breg0 + CFI_IP || cursor_sleb(&cursor) != 0)
		return false;
	for (size_t i = 0; i < sizeof(before); i++)
		if (cursor_byte(&cursor) != before[i])
			return false;
	*limit = (int16_t)(cursor_byte(&cursor) - DW_OP_lit0);
	for (size_t i = 0; i < sizeof(after); i++)
		if (cursor_byte(&cursor) != after[i])
			return false;
	return !cursor.failed && cursor.at == cursor.end && *limit >= 0 && *limit < 16;
}

/* The ip column of glibc's and the vDSO's return from a signal handler. */
static bool is_ucontext(const struct row *row, const struct simple_expression *cfa)
{
	const struct column *ip = &row->columns[COLUMN_IP];
	struct simple_expression simple;

	return cfa->is_dereference && cfa->number == CFI_SP && cfa->offset == UCONTEXT_SP &&
	       !cfa->offset2 && ip->how == COLUMN_EXPRESSION &&
	       read_simple(ip->expression, &simple) && !simple.is_dereference &&
	       simple.number == CFI_SP && simple.offset == UCONTEXT_IP;
}

static bool fits16(int64_t value)
{
	return value == (int16_t)value;
}

static bool fits32(int64_t value)
{
	return value == (int32_t)value;
}

/* Translates the canonical frame address. */
static enum cfi_kind make_cfa(const struct row *row, bool is_signal, struct cfi_rule *rule)
{
	struct simple_expression cfa = {.number = row->cfa_register, .offset = row->cfa_offset};
	enum cfi_kind kind = CFI_REGISTER;

	if (row->has_expression) {
		if (read_plt(row->cfa_expression, &cfa.offset, &rule->cfa_offset2)) {
			kind = CFI_PLT;
			cfa.number = CFI_SP;
			cfa.offset2 = rule->cfa_offset2;
		} else if (!read_simple(row->cfa_expression, &cfa)) {
			return CFI_UNSUPPORTED;
		} else if (is_signal && is_ucontext(row, &cfa)) {
			return CFI_SIGNAL;
		} else if (cfa.is_dereference) {
			kind = CFI_DEREFERENCE;
		}
	}
	if (cfa.number >= CFI_IP || !fits32(cfa.offset) || !fits16(cfa.offset2))
		return CFI_UNSUPPORTED;
	rule->cfa_register = (uint8_t)cfa.number;
	rule->cfa_offset = (int32_t)cfa.offset;
	rule->cfa_offset2 = (int16_t)cfa.offset2;
	return kind;
}

/* A slot that an expression names by a register: the same slot relative to the CFA or to bp. */
static enum cfi_saved make_slot(const struct column *column, const struct cfi_rule *rule,
				int64_t *offset)
{
	struct simple_expression slot;

	if (!read_simple(column->expression, &slot) || slot.is_dereference)
		return CFI_LOST;
	*offset = slot.offset;
	if (slot.number == CFI_BP)
		return CFI_AT_BP;
	if (rule->kind != CFI_REGISTER || slot.number != rule->cfa_register)
		return CFI_LOST;
	*offset = (int64_t)((uint64_t)slot.offset - (uint64_t)rule->cfa_offset);
	return CFI_AT_CFA;
}

/* Translates where a register's value is. */
static enum cfi_saved make_saved(const struct column *column, const struct cfi_rule *rule,
				 int16_t *short_offset)
{
	enum cfi_saved saved = CFI_LOST;
	int64_t offset = column->offset;

	switch (column->how) {
	case COLUMN_SAME:
		saved = CFI_SAME;
		break;
	case COLUMN_OFFSET:
		saved = CFI_AT_CFA;
		break;
	case COLUMN_VALUE_OFFSET:
		saved = CFI_CFA_PLUS;
		break;
	case COLUMN_REGISTER:
		saved = offset >= 0 && offset < CFI_IP ? CFI_IN_REGISTER : CFI_LOST;
		break;
	case COLUMN_EXPRESSION:
		saved = make_slot(column, rule, &offset);
		break;
	case COLUMN_UNDEFINED:
	case COLUMN_VALUE:
		break;
	}
	if (!fits16(offset))
		return CFI_LOST;
	*short_offset = (int16_t)offset;
	return saved;
}

static void make_rule(const struct row *row, bool is_signal, struct cfi_rule *rule)
{
	const struct column *ip = &row->columns[COLUMN_IP];

	*rule = (struct cfi_rule){.is_signal = is_signal};
	if (ip->how == COLUMN_UNDEFINED) {
		rule->kind = CFI_END;
		return;
	}
	rule->kind = make_cfa(row, is_signal, rule);
	if (rule->kind == CFI_UNSUPPORTED || rule->kind == CFI_SIGNAL)
		return;
	rule->bp_saved = make_saved(&row->columns[COLUMN_BP], rule, &rule->bp_offset);
	rule->bx_saved = make_saved(&row->columns[COLUMN_BX], rule, &rule->bx_offset);
	rule->ip_saved = make_saved(ip, rule, &rule->ip_offset);
	if (rule->ip_saved != CFI_AT_CFA && rule->ip_saved != CFI_IN_REGISTER)
		rule->kind = CFI_UNSUPPORTED;
}

/* Finds the entry that covers @address: the last in the table that does not begin above it. */
static bool find_entry(const struct cfi_section *section, uint64_t address, struct entry *entry)
{
	int64_t wanted = (int64_t)(address - section->table_address);
	size_t low = 0;
	size_t high = section->table_count;
	uint64_t offset;
	size_t next;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (section->table[middle].start <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	offset = section->table_address + (uint64_t)(int64_t)section->table[low - 1].entry -
		 section->address;
	return entry_read(section, offset, &next, entry) == ENTRY_FUNCTION &&
	       address >= entry->range.start && address < entry->range.end;
}

void cfi_find(const struct cfi_section *section, uint64_t address, struct cfi_rule *rule)
{
	struct entry entry;
	struct row row;

	*rule = (struct cfi_rule){.kind = CFI_NO_RULE};
	if (!find_entry(section, address, &entry))
		return;
	if (program_run(section, &entry, address, &row))
		make_rule(&row, entry.is_signal, rule);
}

bool cfi_find_range(const struct cfi_section *section, uint64_t address, struct cfi_range *range)
{
	struct entry entry;

	if (!find_entry(section, address, &entry))
		return false;
	*range = entry.range;
	return true;
}

bool cfi_next(const struct cfi_section *section, size_t *offset, size_t *at,
	      struct cfi_range *range)
{
	enum entry_found found;
	struct entry entry;

	do {
		*at = *offset;
		found = entry_read(section, *at, offset, &entry);
	} while (found == ENTRY_OTHER);
	if (found == ENTRY_END)
		return false;
	*range = entry.range;
	return true;
}
