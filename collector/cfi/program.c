/* SPDX-License-Identifier: GPL-3.0-or-later */
/* program: see program.h. */
#include "collector/cfi/program.h"

/* Nesting of remembered states; compilers nest them once. */
#define REMEMBERED 8

/* The first three keep an operand in their low six bits. */
enum {
	DW_CFA_advance_loc = 0x40,
	DW_CFA_offset = 0x80,
	DW_CFA_restore = 0xc0,
	DW_CFA_operand = 0x3f,

	DW_CFA_nop = 0x00,
	DW_CFA_set_loc = 0x01,
	DW_CFA_advance_loc1 = 0x02,
	DW_CFA_advance_loc2 = 0x03,
	DW_CFA_advance_loc4 = 0x04,
	DW_CFA_offset_extended = 0x05,
	DW_CFA_restore_extended = 0x06,
	DW_CFA_undefined = 0x07,
	DW_CFA_same_value = 0x08,
	DW_CFA_register = 0x09,
	DW_CFA_remember_state = 0x0a,
	DW_CFA_restore_state = 0x0b,
	DW_CFA_def_cfa = 0x0c,
	DW_CFA_def_cfa_register = 0x0d,
	DW_CFA_def_cfa_offset = 0x0e,
	DW_CFA_def_cfa_expression = 0x0f,
	DW_CFA_expression = 0x10,
	DW_CFA_offset_extended_sf = 0x11,
	DW_CFA_def_cfa_sf = 0x12,
	DW_CFA_def_cfa_offset_sf = 0x13,
	DW_CFA_val_offset = 0x14,
	DW_CFA_val_offset_sf = 0x15,
	DW_CFA_val_expression = 0x16,
	DW_CFA_GNU_args_size = 0x2e,
	DW_CFA_GNU_negative_offset_extended = 0x2f,
};

struct machine {
	const struct cfi_section *section;
	const struct entry *entry;
	uint64_t address;  /* stop before the first row that begins above it */
	uint64_t location; /* where the current row begins */
	struct row row;
	const struct row *initial; /* the CIE's row; NULL while it is being made */
	struct row remembered[REMEMBERED];
	unsigned int depth;
};

/* Offsets are factored and untrusted: multiply without overflow. */
static int64_t factored(const struct machine *machine, int64_t offset)
{
	return (int64_t)((uint64_t)offset * (uint64_t)machine->entry->data_factor);
}

static unsigned int column_of(const struct machine *machine, uint64_t number)
{
	if (number == machine->entry->return_column)
		return COLUMN_IP;
	return number == CFI_BX ? COLUMN_BX : number == CFI_BP ? COLUMN_BP : COLUMNS;
}

static void set_column(struct machine *machine, uint64_t number, enum column_how how,
		       int64_t offset)
{
	unsigned int i = column_of(machine, number);

	if (i < COLUMNS)
		machine->row.columns[i] = (struct column){.how = how, .offset = offset};
}

static void set_column_expression(struct machine *machine, uint64_t number, enum column_how how,
				  struct cursor *cursor)
{
	struct cursor expression = cursor_take(cursor, cursor_uleb(cursor));
	unsigned int i = column_of(machine, number);

	if (i < COLUMNS)
		machine->row.columns[i] = (struct column){.how = how, .expression = expression};
}

/* Back to what the common information says of a register. */
static bool restore_column(struct machine *machine, uint64_t number)
{
	unsigned int i = column_of(machine, number);

	if (!machine->initial)
		return false;
	if (i < COLUMNS)
		machine->row.columns[i] = machine->initial->columns[i];
	return true;
}

static void set_cfa(struct machine *machine, uint64_t number, int64_t offset)
{
	machine->row.has_expression = false;
	machine->row.cfa_register = number;
	machine->row.cfa_offset = offset;
}

static bool remember(struct machine *machine)
{
	if (machine->depth == REMEMBERED)
		return false;
	machine->remembered[machine->depth++] = machine->row;
	return true;
}

static bool restore(struct machine *machine)
{
	if (!machine->depth)
		return false;
	machine->row = machine->remembered[--machine->depth];
	return true;
}

/* Runs an instruction that speaks of one register's column. */
static bool run_column(struct machine *machine, uint8_t instruction, struct cursor *cursor)
{
	uint64_t number = cursor_uleb(cursor);

	switch (instruction) {
	case DW_CFA_offset_extended:
		set_column(machine, number, COLUMN_OFFSET,
			   factored(machine, (int64_t)cursor_uleb(cursor)));
		return true;
	case DW_CFA_offset_extended_sf:
		set_column(machine, number, COLUMN_OFFSET, factored(machine, cursor_sleb(cursor)));
		return true;
	case DW_CFA_GNU_negative_offset_extended:
		set_column(machine, number, COLUMN_OFFSET,
			   factored(machine, (int64_t)(0 - cursor_uleb(cursor))));
		return true;
	case DW_CFA_val_offset:
		set_column(machine, number, COLUMN_VALUE_OFFSET,
			   factored(machine, (int64_t)cursor_uleb(cursor)));
		return true;
	case DW_CFA_val_offset_sf:
		set_column(machine, number, COLUMN_VALUE_OFFSET,
			   factored(machine, cursor_sleb(cursor)));
		return true;
	case DW_CFA_restore_extended:
		return restore_column(machine, number);
	case DW_CFA_undefined:
		set_column(machine, number, COLUMN_UNDEFINED, 0);
		return true;
	case DW_CFA_same_value:
		set_column(machine, number, COLUMN_SAME, 0);
		return true;
	case DW_CFA_register:
		set_column(machine, number, COLUMN_REGISTER, (int64_t)cursor_uleb(cursor));
		return true;
	case DW_CFA_expression:
		set_column_expression(machine, number, COLUMN_EXPRESSION, cursor);
		return true;
	case DW_CFA_val_expression:
		set_column_expression(machine, number, COLUMN_VALUE, cursor);
		return true;
	default:
		return false;
	}
}

/* Runs an instruction that speaks of the canonical frame address or of the whole row. */
static bool run_row(struct machine *machine, uint8_t instruction, struct cursor *cursor)
{
	struct row *row = &machine->row;
	uint64_t number;

	switch (instruction) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_remember_state:
		return remember(machine);
	case DW_CFA_restore_state:
		return restore(machine);
	case DW_CFA_def_cfa:
		number = cursor_uleb(cursor);
		set_cfa(machine, number, (int64_t)cursor_uleb(cursor));
		return true;
	case DW_CFA_def_cfa_sf:
		number = cursor_uleb(cursor);
		set_cfa(machine, number, factored(machine, cursor_sleb(cursor)));
		return true;
	case DW_CFA_def_cfa_register:
		set_cfa(machine, cursor_uleb(cursor), row->cfa_offset);
		return true;
	case DW_CFA_def_cfa_offset:
		set_cfa(machine, row->cfa_register, (int64_t)cursor_uleb(cursor));
		return true;
	case DW_CFA_def_cfa_offset_sf:
		set_cfa(machine, row->cfa_register, factored(machine, cursor_sleb(cursor)));
		return true;
	case DW_CFA_def_cfa_expression:
		row->has_expression = true;
		row->cfa_expression = cursor_take(cursor, cursor_uleb(cursor));
		return true;
	case DW_CFA_GNU_args_size:
		cursor_uleb(cursor);
		return true;
	default:
		return run_column(machine, instruction, cursor);
	}
}

/* Moves to the next row; returns false when that begins above the wanted address. */
static bool advance(struct machine *machine, uint64_t distance)
{
	machine->location += distance * machine->entry->code_factor;
	return machine->location <= machine->address;
}

/* Runs instructions until the row for the address is made. Returns false when they are bad. */
static bool run(struct machine *machine, struct cursor cursor)
{
	while (cursor.at < cursor.end) {
		uint8_t instruction = cursor_byte(&cursor);
		uint8_t operand = instruction & DW_CFA_operand;
		bool in_row = true;
		bool good = true;

		if (instruction > DW_CFA_operand) {
			uint8_t primary = instruction & (uint8_t)~DW_CFA_operand;

			if (primary == DW_CFA_advance_loc)
				in_row = advance(machine, operand);
			else if (primary == DW_CFA_restore)
				good = restore_column(machine, operand);
			else
				set_column(machine, operand, COLUMN_OFFSET,
					   factored(machine, (int64_t)cursor_uleb(&cursor)));
		} else if (instruction == DW_CFA_set_loc) {
			machine->location = entry_pointer(machine->section, &cursor,
							  machine->entry->pointer_encoding,
							  machine->entry->range.start);
			in_row = machine->location <= machine->address;
		} else if (instruction >= DW_CFA_advance_loc1 &&
			   instruction <= DW_CFA_advance_loc4) {
			unsigned int bytes = 1U << (instruction - DW_CFA_advance_loc1);

			in_row = advance(machine, cursor_unsigned(&cursor, bytes));
		} else {
			good = run_row(machine, instruction, &cursor);
		}
		if (!good || cursor.failed)
			return false;
		if (!in_row)
			return true;
	}
	return true;
}

bool program_run(const struct cfi_section *section, const struct entry *entry, uint64_t address,
		 struct row *row)
{
	struct machine machine;
	struct row initial;

	/* Remembered states are not cleared: none is read before it was written. */
	machine.section = section;
	machine.entry = entry;
	machine.address = address;
	machine.location = entry->range.start;
	machine.row = (struct row){.cfa_register = CFI_REGISTERS};
	machine.initial = NULL;
	machine.depth = 0;
	if (!run(&machine, entry->initial))
		return false;
	initial = machine.row;
	machine.initial = &initial;
	machine.depth = 0;
	machine.location = entry->range.start;
	if (!run(&machine, entry->program))
		return false;
	*row = machine.row;
	return true;
}
