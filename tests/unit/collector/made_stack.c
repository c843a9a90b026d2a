/* SPDX-License-Identifier: GPL-3.0-or-later */
/* made_stack: see made_stack.h. */
#include "tests/unit/collector/made_stack.h"

#include <criterion/criterion.h>
#include <sys/mman.h>

struct made_stack made;

uint64_t word_address(uint64_t i)
{
	return BOTTOM + 8 * i;
}

uint8_t *made_stack_code(void)
{
	/* jmp *%rax; nop; call .+5 */
	static const uint8_t call[8] = {0xff, 0xe0, 0x90, 0xe8};
	static uint8_t *code;

	if (!code) {
		code = mmap((void *)CODE, CODE_BYTES, PROT_READ | PROT_WRITE, /* NOLINT: fixed */
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		cr_assert_eq((uint64_t)(uintptr_t)code, CODE);
		for (size_t i = 0; i < CODE_BYTES; i++)
			code[i] = call[i % sizeof(call)];
	}
	address_space_map(space, CODE, CODE + CODE_BYTES, 0,
			  &(struct module_identity){.path = "//anon"});
	return code;
}

void make_frame_pointers(uint64_t count)
{
	made_stack_code();
	made.sample = (struct unwind_sample){.stack = (const uint8_t *)made.words,
					     .stack_bytes = sizeof(made.words)};
	made.sample.registers[CFI_SP] = BOTTOM;
	made.sample.registers[CFI_IP] = CODE;
	made.sample.registers[CFI_BP] = word_address(2);
	memset(made.words, 0, sizeof(made.words));
	for (uint64_t i = 0; i < count; i++) {
		made.words[4 * i + 2] = i + 1 < count ? word_address(4 * i + 6) : 0;
		made.words[4 * i + 3] = i + 1 < count ? MADE_CALL(i) : 0;
	}
}

uint32_t walk_made(void)
{
	return unwind_walk(space, NULL, 0, &made.sample, frames, &ending);
}
