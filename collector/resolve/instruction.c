/* SPDX-License-Identifier: GPL-3.0-or-later */
/* instruction: see instruction.h. */
#include "collector/resolve/instruction.h"

#include <string.h>

bool instruction_is_kernel_nop(const cs_insn *instruction)
{
	static const uint8_t nops[][8] = {
		{0x90},
		{0x66, 0x90},
		{0x0f, 0x1f, 0x00},
		{0x0f, 0x1f, 0x40, 0x00},
		{0x0f, 0x1f, 0x44, 0x00, 0x00},
		{0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
		{0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
		{0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
	};

	return instruction->size >= 1 && instruction->size <= 8 &&
	       !memcmp(instruction->bytes, nops[instruction->size - 1], instruction->size);
}

bool instruction_is_register_push(const cs_insn *instruction)
{
	uint8_t opcode = instruction->bytes[instruction->size - 1];

	return (opcode & 0xf8) == 0x50 &&
	       (instruction->size == 1 ||
		(instruction->size == 2 && (instruction->bytes[0] & 0xf0) == 0x40));
}

bool instruction_is_emulated_branch(const cs_insn *instruction)
{
	const uint8_t *bytes = instruction->bytes;

	if (bytes[0] == 0xeb || bytes[0] == 0xe9 || bytes[0] == 0xe8 || (bytes[0] & 0xf0) == 0x70)
		return true;
	return bytes[0] == 0x0f && (bytes[1] & 0xf0) == 0x80;
}
