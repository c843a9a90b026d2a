/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * eh_frame: fuzz target of collector/cfi. Input: one byte whose lowest bit chooses .debug_frame,
 * then the section, which lies at address 0x1000.
 *
 * Everything that a hostile file can reach is called: the scan, the table made by it, the rules,
 * and steps with those rules over a stack of the same bytes.
 */
#include "collector/cfi/cfi.h"

#include <string.h>

#define ADDRESS 0x1000
#define ENTRIES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void step_from(const struct cfi_section *section, uint64_t address)
{
	const struct cfi_memory stack = {section->data, 0x7000, section->bytes, NULL};
	struct cfi_frame frame = {.known = (1U << CFI_REGISTERS) - 1, .is_exact = true};

	for (uint64_t i = 0; i < CFI_REGISTERS; i++)
		frame.registers[i] = 0x7000 + 8 * i;
	frame.registers[CFI_SP] = 0x7000;
	frame.registers[CFI_IP] = address;
	for (int depth = 0; depth < 16; depth++) {
		struct cfi_rule rule;

		cfi_find(section, cfi_frame_address(&frame), &rule);
		if (cfi_step(&rule, &frame, &stack) != CFI_STEP_DONE &&
		    cfi_step_by_frame_pointer(&frame, &stack) != CFI_STEP_DONE)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct cfi_section section = {.address = ADDRESS, .table_address = ADDRESS};
	struct cfi_table_entry table[ENTRIES];
	struct cfi_range ranges[ENTRIES];
	size_t offset = 0, at;

	if (!bytes)
		return 0;
	section.data = data + 1;
	section.bytes = bytes - 1;
	section.is_debug_frame = data[0] & 1;
	section.table = table;
	while (section.table_count < ENTRIES &&
	       cfi_next(&section, &offset, &at, &ranges[section.table_count])) {
		table[section.table_count] = (struct cfi_table_entry){
			(int32_t)(ranges[section.table_count].start - ADDRESS), (int32_t)at};
		section.table_count++;
	}
	for (size_t i = 0; i < section.table_count; i++) {
		uint64_t distance = ranges[i].end - ranges[i].start;

		step_from(&section, ranges[i].start);
		step_from(&section, ranges[i].start + distance / 2);
		step_from(&section, ranges[i].end - 1);
	}
	return 0;
}
