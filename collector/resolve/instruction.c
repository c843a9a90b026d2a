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

struct prefixes {
	bool are_refused, has_repeat;
};

static const uint8_t *skip_prefixes(const cs_insn *instruction, struct prefixes *prefixes)
{
	const uint8_t *bytes = instruction->bytes;

	for (size_t i = 0; i + 1 < instruction->size; i++, bytes++)
		switch (*bytes) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0xf0:
			prefixes->are_refused = true;
			break;
		case 0xf2:
		case 0xf3:
			prefixes->has_repeat = true;
			break;
		case 0x64:
		case 0x65:
		case 0x66:
		case 0x67:
			break;
		default:
			if ((*bytes & 0xf0) != 0x40) /* REX */
				return bytes;
		}
	return bytes;
}

const uint8_t *instruction_opcode(const cs_insn *instruction)
{
	return skip_prefixes(instruction, &(struct prefixes){0});
}

static bool is_string(uint8_t opcode)
{
	return (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf) ||
	       (opcode >= 0x6c && opcode <= 0x6f);
}

bool instruction_is_refused(csh handle, const cs_insn *instruction)
{
	struct prefixes prefixes = {0};
	const uint8_t *opcode = skip_prefixes(instruction, &prefixes);

	return prefixes.are_refused || (prefixes.has_repeat && is_string(*opcode)) ||
	       cs_insn_group(handle, instruction, CS_GRP_INT) ||
	       cs_insn_group(handle, instruction, CS_GRP_IRET) ||
	       cs_insn_group(handle, instruction, CS_GRP_PRIVILEGE) ||
	       instruction->id == X86_INS_SYSCALL || instruction->id == X86_INS_SYSENTER ||
	       instruction->id == X86_INS_UD2 || instruction->id == X86_INS_HLT;
}
