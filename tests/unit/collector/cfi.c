/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tests of collector/cfi/cfi.c, entry.c and program.c.
 *
 * Sections are built by hand from DWARF 5 section 6.4 and the Linux Standard Base; the instruction
 * numbers are written as such, since they are what is tested. tests/unit/collector/module.c
 * compares the rules of a whole library with libdw's.
 */
#include "collector/cfi/cfi.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_ADDRESS 0x400000
#define FUNCTION	0x401000
#define FUNCTION_BYTES	0x100

enum {
	ABSOLUTE = 0x00,
	PCREL_SDATA4 = 0x1b,
	PCREL_UDATA8 = 0x14,
	PCREL_SDATA2 = 0x1a,
	FUNCREL = 0x40,
	INDIRECT = 0x80,
};

/* A section under construction; its table has one entry for each function. */
struct builder {
	uint8_t bytes[8192];
	size_t at;
	size_t common;	/* offset of the last CIE */
	size_t started; /* offset of the record being built */
	uint8_t encoding;
	bool is_debug_frame;
	struct cfi_table_entry table[16];
	size_t functions;
};

static void put(struct builder *builder, uint64_t value, size_t bytes)
{
	cr_assert(builder->at + bytes <= sizeof(builder->bytes));
	memcpy(builder->bytes + builder->at, &value, bytes);
	builder->at += bytes;
}

static void put_bytes(struct builder *builder, const void *bytes, size_t count)
{
	cr_assert(builder->at + count <= sizeof(builder->bytes));
	memcpy(builder->bytes + builder->at, bytes, count);
	builder->at += count;
}

static void begin_record(struct builder *builder)
{
	builder->started = builder->at;
	put(builder, 0, 4);
}

static void end_record(struct builder *builder)
{
	uint32_t length = (uint32_t)(builder->at - builder->started - 4);

	memcpy(builder->bytes + builder->started, &length, 4);
}

/* Common information: CFA = sp + 8, return address at CFA - 8, code factor 1, data factor -8. */
static void add_common(struct builder *builder, const char *augmentation, uint8_t encoding)
{
	static const uint8_t instructions[] = {0x0c, 7, 8, 0x80 | 16, 1};

	builder->encoding = encoding;
	builder->common = builder->at;
	begin_record(builder);
	put(builder, builder->is_debug_frame ? 0xffffffff : 0, 4);
	put(builder, builder->is_debug_frame ? 4 : 1, 1);
	put_bytes(builder, augmentation, strlen(augmentation) + 1);
	if (builder->is_debug_frame)
		put(builder, 0x0008, 2); /* size of an address, of a segment */
	put_bytes(builder, "\x01\x78\x10", 3);
	if (augmentation[0] == 'z') {
		bool has_personality = strchr(augmentation, 'P');

		put(builder, strchr(augmentation, 'R') ? (has_personality ? 7 : 1) : 0, 1);
		if (has_personality)
			put_bytes(builder, "\x9b\xaa\xbb\xcc\xdd\x1b", 6);
		if (strchr(augmentation, 'R'))
			put(builder, encoding, 1);
	}
	put_bytes(builder, instructions, sizeof(instructions));
	end_record(builder);
}

/* A function at @start, with @count bytes of instructions. */
static void add_function(struct builder *builder, uint64_t start, const void *instructions,
			 size_t count)
{
	size_t entry = builder->at;
	uint64_t here;

	begin_record(builder);
	put(builder, builder->is_debug_frame ? builder->common : builder->at - builder->common, 4);
	here = SECTION_ADDRESS + builder->at;
	switch (builder->encoding) {
	case PCREL_SDATA4:
		put(builder, start - here, 4);
		put(builder, FUNCTION_BYTES, 4);
		break;
	case PCREL_SDATA2:
		put(builder, start - here, 2);
		put(builder, FUNCTION_BYTES, 2);
		break;
	case PCREL_UDATA8:
		put(builder, start - here, 8);
		put(builder, FUNCTION_BYTES, 8);
		break;
	default:
		put(builder, start, 8);
		put(builder, FUNCTION_BYTES, 8);
	}
	if (!builder->is_debug_frame)
		put(builder, 0, 1);
	put_bytes(builder, instructions, count);
	end_record(builder);
	builder->table[builder->functions++] =
		(struct cfi_table_entry){(int32_t)(start - SECTION_ADDRESS), (int32_t)entry};
}

static struct cfi_section section_of(const struct builder *builder)
{
	return (struct cfi_section){.data = builder->bytes,
				    .bytes = builder->at,
				    .address = SECTION_ADDRESS,
				    .is_debug_frame = builder->is_debug_frame,
				    .table = builder->table,
				    .table_count = builder->functions,
				    .table_address = SECTION_ADDRESS};
}

static struct cfi_rule rule_at(const struct builder *builder, uint64_t address)
{
	struct cfi_section section = section_of(builder);
	struct cfi_rule rule;

	cfi_find(&section, address, &rule);
	return rule;
}

/* The rule at @offset in a function with these instructions. */
static struct cfi_rule rule_of(const void *instructions, size_t count, uint64_t offset)
{
	struct builder builder = {0};

	add_common(&builder, "zR", PCREL_SDATA4);
	add_function(&builder, FUNCTION, instructions, count);
	return rule_at(&builder, FUNCTION + offset);
}

#define RULE(offset, ...)                                                                          \
	rule_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), offset)

#define SIGNAL_EXPRESSIONS                                                                         \
	0x0f, 4, 0x77, 0xa0, 0x01, 0x06,      /* CFA = *(sp + 160) */                              \
		0x10, 16, 3, 0x77, 0xa8, 0x01 /* ip at sp + 168 */

/* push %rbp at 1, push %rbx at 2, sub $0x90,%rsp at 6, the same backwards from 0x80 on. */
static const uint8_t prologue[] = {0x41, 0x0e, 16,   0x86, 2,	 0x41, 0x0e, 24,   0x83,
				   3,	 0x44, 0x0e, 0xa8, 0x01, 0x02, 0x7a, 0x0e, 24,
				   0xc3, 0x41, 0x0e, 16,   0xc6, 0x41, 0x0e, 8};

Test(cfi, follows_a_prologue_and_an_epilogue)
{
	static const struct {
		uint64_t offset;
		int32_t cfa;
		int bp_saved, bx_saved;
	} rows[] = {
		{0, 8, CFI_SAME, CFI_SAME},	  {1, 16, CFI_AT_CFA, CFI_SAME},
		{2, 24, CFI_AT_CFA, CFI_AT_CFA},  {5, 24, CFI_AT_CFA, CFI_AT_CFA},
		{6, 168, CFI_AT_CFA, CFI_AT_CFA}, {0x7f, 168, CFI_AT_CFA, CFI_AT_CFA},
		{0x80, 24, CFI_AT_CFA, CFI_SAME}, {0x81, 16, CFI_SAME, CFI_SAME},
		{0x82, 8, CFI_SAME, CFI_SAME},	  {0xff, 8, CFI_SAME, CFI_SAME},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cfi_rule rule = rule_of(prologue, sizeof(prologue), rows[i].offset);

		cr_expect_eq(rule.kind, CFI_REGISTER, "row %zu", i);
		cr_expect_eq(rule.cfa_register, CFI_SP, "row %zu", i);
		cr_expect_eq(rule.cfa_offset, rows[i].cfa, "row %zu: %d", i, rule.cfa_offset);
		cr_expect_eq(rule.bp_saved, rows[i].bp_saved, "row %zu", i);
		cr_expect_eq(rule.bx_saved, rows[i].bx_saved, "row %zu", i);
		cr_expect_eq(rule.ip_saved, CFI_AT_CFA, "row %zu", i);
		cr_expect_eq(rule.ip_offset, -8, "row %zu", i);
		if (rule.bp_saved == CFI_AT_CFA)
			cr_expect_eq(rule.bp_offset, -16, "row %zu", i);
		if (rule.bx_saved == CFI_AT_CFA)
			cr_expect_eq(rule.bx_offset, -24, "row %zu", i);
	}
}

Test(cfi, covers_no_more_than_the_entry_says)
{
	cr_expect_eq(RULE((uint64_t)-1, 0).kind, CFI_NO_RULE);
	cr_expect_eq(RULE(0, 0).kind, CFI_REGISTER);
	cr_expect_eq(RULE(FUNCTION_BYTES - 1, 0).kind, CFI_REGISTER);
	cr_expect_eq(RULE(FUNCTION_BYTES, 0).kind, CFI_NO_RULE);
}

Test(cfi, restores_a_remembered_state_with_its_cfa)
{
	/* remember; at 4 CFA = bp + 32, bp saved; at 8 restore_state */
	struct cfi_rule inside = RULE(4, 0x0a, 0x44, 0x0c, 6, 32, 0x86, 2, 0x44, 0x0b);
	struct cfi_rule after = RULE(8, 0x0a, 0x44, 0x0c, 6, 32, 0x86, 2, 0x44, 0x0b);

	cr_expect_eq(inside.cfa_register, CFI_BP);
	cr_expect_eq(inside.cfa_offset, 32);
	cr_expect_eq(inside.bp_saved, CFI_AT_CFA);
	cr_expect_eq(after.cfa_register, CFI_SP);
	cr_expect_eq(after.cfa_offset, 8);
	cr_expect_eq(after.bp_saved, CFI_SAME);
}

Test(cfi, restores_a_register_to_the_common_entry)
{
	/* ip in di (as vfork), from 4 on as in the common entry again: long and short form */
	cr_expect_eq(RULE(0, 0x09, 16, 5, 0x44, 0x06, 16).ip_saved, CFI_IN_REGISTER);
	cr_expect_eq(RULE(0, 0x09, 16, 5, 0x44, 0x06, 16).ip_offset, 5);
	cr_expect_eq(RULE(4, 0x09, 16, 5, 0x44, 0x06, 16).ip_saved, CFI_AT_CFA);
	cr_expect_eq(RULE(4, 0x09, 16, 5, 0x44, 0xc0 | 16).ip_offset, -8);
}

Test(cfi, understands_every_way_to_set_the_cfa)
{
	cr_expect_eq(RULE(0, 0x0d, 6).cfa_register, CFI_BP);		  /* _register */
	cr_expect_eq(RULE(0, 0x12, 3, 0x7e).cfa_offset, 16);		  /* _sf */
	cr_expect_eq(RULE(0, 0x12, 3, 0x7e).cfa_register, CFI_BX);	  /* _sf */
	cr_expect_eq(RULE(0, 0x13, 0x7c).cfa_offset, 32);		  /* _offset_sf */
	cr_expect_eq(RULE(0, 0x0f, 2, 0x77, 24).cfa_offset, 24);	  /* breg7 24 */
	cr_expect_eq(RULE(0, 0x0f, 4, 0x77, 24, 0x23, 8).cfa_offset, 32); /* plus_uconst 8 */
	cr_expect_eq(RULE(0, 0x0f, 2, 0x77, 24).kind, CFI_REGISTER);
	cr_expect_eq(RULE(0, 0x2e, 0x0b, 0x0e, 40).cfa_offset, 40); /* after GNU_args_size */
}

Test(cfi, understands_every_way_to_save_a_register)
{
	struct cfi_rule rule;

	cr_expect_eq(RULE(0, 0x05, 6, 2).bp_offset, -16);	  /* offset_extended */
	cr_expect_eq(RULE(0, 0x11, 6, 0x7d).bp_offset, 24);	  /* offset_extended_sf */
	cr_expect_eq(RULE(0, 0x2f, 6, 2).bp_offset, 16);	  /* GNU_negative_offset_extended */
	cr_expect_eq(RULE(0, 0x14, 6, 2).bp_saved, CFI_CFA_PLUS); /* val_offset */
	cr_expect_eq(RULE(0, 0x14, 6, 2).bp_offset, -16);
	cr_expect_eq(RULE(0, 0x15, 6, 0x7e).bp_offset, 16); /* val_offset_sf */
	cr_expect_eq(RULE(0, 0x07, 6).bp_saved, CFI_LOST);  /* undefined */
	cr_expect_eq(RULE(0, 0x86, 2, 0x08, 6).bp_saved, CFI_SAME);
	cr_expect_eq(RULE(0, 0x16, 6, 1, 0x30).bp_saved, CFI_LOST); /* val_expression */
	rule = RULE(0, 0x10, 6, 2, 0x77, 0);			    /* at sp + 0, CFA = sp + 8 */
	cr_expect_eq(rule.bp_saved, CFI_AT_CFA);
	cr_expect_eq(rule.bp_offset, -8);
}

Test(cfi, recognises_frames_that_realign_the_stack)
{
	/* CFA = *(bp - 8), bp at bp + 0, bx at bp - 16 */
	struct cfi_rule rule =
		RULE(0, 0x0f, 3, 0x76, 0x78, 0x06, 0x10, 6, 2, 0x76, 0, 0x10, 3, 2, 0x76, 0x70);

	cr_expect_eq(rule.kind, CFI_DEREFERENCE);
	cr_expect_eq(rule.cfa_register, CFI_BP);
	cr_expect_eq(rule.cfa_offset, -8);
	cr_expect_eq(rule.cfa_offset2, 0);
	cr_expect_eq(rule.bp_saved, CFI_AT_BP);
	cr_expect_eq(rule.bp_offset, 0);
	cr_expect_eq(rule.bx_saved, CFI_AT_BP);
	cr_expect_eq(rule.bx_offset, -16);
	/* as OpenSSL's assembler writes it: *(sp + 152) + 8 */
	rule = RULE(0, 0x0f, 6, 0x77, 0x98, 0x01, 0x06, 0x23, 8);
	cr_expect_eq(rule.kind, CFI_DEREFERENCE);
	cr_expect_eq(rule.cfa_offset, 152);
	cr_expect_eq(rule.cfa_offset2, 8);
}

Test(cfi, recognises_the_procedure_linkage_table)
{
	struct cfi_rule rule =
		RULE(0, 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22);

	cr_expect_eq(rule.kind, CFI_PLT);
	cr_expect_eq(rule.cfa_register, CFI_SP);
	cr_expect_eq(rule.cfa_offset, 8);
	cr_expect_eq(rule.cfa_offset2, 11);
	/* the same with another operator is not it */
	rule = RULE(0, 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2b, 0x33, 0x24, 0x22);
	cr_expect_eq(rule.kind, CFI_UNSUPPORTED);
}

Test(cfi, recognises_signal_frames_and_ends)
{
	static const uint8_t signal[] = {SIGNAL_EXPRESSIONS};
	struct builder builder = {0};
	struct cfi_rule rule;

	add_common(&builder, "zRS", PCREL_SDATA4);
	add_function(&builder, FUNCTION, signal, sizeof(signal));
	add_function(&builder, FUNCTION + FUNCTION_BYTES, "", 1);
	cr_expect_eq(rule_at(&builder, FUNCTION).kind, CFI_SIGNAL);
	rule = rule_at(&builder, FUNCTION + FUNCTION_BYTES);
	cr_expect_eq(rule.kind, CFI_REGISTER);
	cr_expect(rule.is_signal);
	cr_expect_not(RULE(0, 0).is_signal);
	/* without S the same expressions are a rule for ip that no caller can have */
	cr_expect_eq(RULE(0, SIGNAL_EXPRESSIONS).kind, CFI_UNSUPPORTED);
	cr_expect_eq(RULE(0, 0x07, 16).kind, CFI_END);
}

Test(cfi, calls_what_it_cannot_hold_unsupported)
{
	cr_expect_eq(RULE(0, 0x0c, 17, 8).kind, CFI_UNSUPPORTED);	     /* an xmm register */
	cr_expect_eq(RULE(0, 0x0f, 2, 0x03, 0x00).kind, CFI_UNSUPPORTED);    /* DW_OP_addr */
	cr_expect_eq(RULE(0, 0x08, 16).kind, CFI_UNSUPPORTED);		     /* ip unchanged */
	cr_expect_eq(RULE(0, 0x05, 6, 0x80, 0x80, 0x04).bp_saved, CFI_LOST); /* far away */
	cr_expect_eq(RULE(0, 0x0e, 0x80, 0x80, 0x80, 0x80, 0x10).kind, CFI_UNSUPPORTED);
}

Test(cfi, gives_no_rule_for_malformed_instructions)
{
	cr_expect_eq(RULE(0, 0x3f).kind, CFI_NO_RULE);		 /* unknown */
	cr_expect_eq(RULE(0, 0x0b).kind, CFI_NO_RULE);		 /* nothing remembered */
	cr_expect_eq(RULE(0, 0x0c, 7).kind, CFI_NO_RULE);	 /* operand cut off */
	cr_expect_eq(RULE(0, 0x0f, 50, 0x77).kind, CFI_NO_RULE); /* expression cut off */
	cr_expect_eq(RULE(0, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a).kind,
		     CFI_NO_RULE); /* remembered without end */
}

Test(cfi, reads_all_encodings_of_addresses)
{
	static const uint8_t encodings[] = {ABSOLUTE, PCREL_SDATA4, PCREL_UDATA8};

	for (size_t i = 0; i < sizeof(encodings); i++) {
		struct builder builder = {0};

		add_common(&builder, "zR", encodings[i]);
		add_function(&builder, FUNCTION, "\x0e\x20", 2);
		cr_expect_eq(rule_at(&builder, FUNCTION).cfa_offset, 32, "%x", encodings[i]);
	}
	for (size_t i = 0; i < 2; i++) {
		struct builder builder = {0};

		add_common(&builder, "zR", i ? PCREL_SDATA2 : INDIRECT);
		add_function(&builder, SECTION_ADDRESS + 0x1000, "\x0e\x20", 2);
		cr_expect_eq(rule_at(&builder, SECTION_ADDRESS + 0x1000).cfa_offset, i ? 32 : 0);
	}
}

Test(cfi, skips_what_other_augmentations_say)
{
	static const char *const augmentations[] = {"", "zR", "zPR", "zRB", "z"};

	for (size_t i = 0; i < sizeof(augmentations) / sizeof(augmentations[0]); i++) {
		struct builder builder = {0};
		bool has_encoding = strchr(augmentations[i], 'R');

		add_common(&builder, augmentations[i], has_encoding ? PCREL_SDATA4 : ABSOLUTE);
		add_function(&builder, FUNCTION, "\x0e\x20", 2);
		cr_expect_eq(rule_at(&builder, FUNCTION).cfa_offset, 32, "%s", augmentations[i]);
	}
}

Test(cfi, reads_debug_frame)
{
	struct builder builder = {.is_debug_frame = true};
	struct cfi_section section;
	struct cfi_range range;
	size_t offset = 0, at;

	add_common(&builder, "", ABSOLUTE);
	add_function(&builder, FUNCTION, prologue, sizeof(prologue));
	add_function(&builder, FUNCTION + FUNCTION_BYTES, "\x0e\x30", 2);
	cr_expect_eq(rule_at(&builder, FUNCTION + 6).cfa_offset, 168);
	cr_expect_eq(rule_at(&builder, FUNCTION + FUNCTION_BYTES).cfa_offset, 48);
	section = section_of(&builder);
	cr_expect(cfi_next(&section, &offset, &at, &range));
	cr_expect_eq(range.start, FUNCTION);
	cr_expect_eq(range.end, FUNCTION + FUNCTION_BYTES);
}

Test(cfi, walks_a_section_past_its_terminators)
{
	struct builder builder = {0};
	struct cfi_section section;
	struct cfi_range range;
	size_t offset = 0, at;

	add_common(&builder, "zR", PCREL_SDATA4);
	put(&builder, 0, 4); /* where the linker joined two objects' sections */
	add_function(&builder, FUNCTION, "", 1);
	put(&builder, 0, 4);
	put(&builder, 0, 4);
	add_function(&builder, FUNCTION + 0x1000, "", 1);
	add_function(&builder, 0, "", 1); /* its function was removed by the linker */
	put(&builder, 0, 4);
	section = section_of(&builder);
	cr_expect(cfi_next(&section, &offset, &at, &range));
	cr_expect_eq(range.start, FUNCTION);
	cr_expect_eq((int32_t)at, builder.table[0].entry);
	cr_expect(cfi_next(&section, &offset, &at, &range));
	cr_expect_eq(range.start, FUNCTION + 0x1000);
	cr_expect_not(cfi_next(&section, &offset, &at, &range));
}

Test(cfi, finds_the_range_of_a_function)
{
	struct builder builder = {0};
	struct cfi_section section;
	struct cfi_range range;

	add_common(&builder, "zR", PCREL_SDATA4);
	add_function(&builder, FUNCTION, "", 1);
	add_function(&builder, FUNCTION + 0x1000, "", 1);
	section = section_of(&builder);
	cr_expect(cfi_find_range(&section, FUNCTION + 0x10ff, &range));
	cr_expect_eq(range.start, FUNCTION + 0x1000);
	cr_expect_eq(range.end, FUNCTION + 0x1100);
	cr_expect_not(cfi_find_range(&section, FUNCTION + 0x100, &range));
	cr_expect_not(cfi_find_range(&section, FUNCTION - 1, &range));
}

/* Whatever the bytes: a rule of a known kind, and cfi_next comes to an end. Sanitizers see the
 * rest. */
static void survive(struct builder *builder)
{
	/* Exactly as many bytes as the section has, so that a read beyond them is seen. */
	uint8_t *bytes = malloc(builder->at);
	struct cfi_section section = section_of(builder);
	struct cfi_range range;
	size_t offset = 0, at, last = 0, steps = 0;
	struct cfi_rule rule;

	memcpy(bytes, builder->bytes, builder->at);
	section.data = bytes;
	for (uint64_t i = 0; i < 4 * FUNCTION_BYTES; i += 13) {
		cfi_find(&section, FUNCTION + i, &rule);
		cr_assert_leq(rule.kind, CFI_UNSUPPORTED);
		cr_assert(rule.kind != CFI_REGISTER || rule.cfa_register < CFI_IP);
	}
	while (cfi_next(&section, &offset, &at, &range)) {
		cr_assert_gt(offset, last);
		cr_assert_lt(range.start, range.end);
		last = offset;
		cr_assert_lt(steps++, sizeof(builder->bytes) / 4);
	}
	free(bytes);
}

static void build_several(struct builder *builder)
{
	static const uint8_t signal[] = {SIGNAL_EXPRESSIONS};

	add_common(builder, "zPR", PCREL_SDATA4);
	add_function(builder, FUNCTION, prologue, sizeof(prologue));
	add_common(builder, "zRS", PCREL_SDATA4);
	add_function(builder, FUNCTION + FUNCTION_BYTES, signal, sizeof(signal));
	add_common(builder, "zR", ABSOLUTE);
	add_function(builder, FUNCTION + 2 * FUNCTION_BYTES, prologue, sizeof(prologue));
}

Test(cfi, survives_random_bytes)
{
	srandom(1);
	for (int round = 0; round < 2000; round++) {
		struct builder builder = {.at = 1 + (size_t)random() % 512};

		for (size_t i = 0; i < builder.at; i++)
			builder.bytes[i] = (uint8_t)random();
		/* lengths that fit, or nothing behind them would be reached */
		builder.bytes[1] = builder.bytes[2] = builder.bytes[3] = 0;
		builder.is_debug_frame = round % 2;
		builder.functions = 4;
		for (int i = 0; i < 4; i++)
			builder.table[i] = (struct cfi_table_entry){0x1000 + i * FUNCTION_BYTES,
								    (int32_t)random()};
		survive(&builder);
	}
}

Test(cfi, survives_every_changed_byte_and_every_cut)
{
	struct builder whole = {0};

	build_several(&whole);
	srandom(2);
	for (size_t i = 0; i < whole.at; i++) {
		struct builder changed = whole;

		changed.bytes[i] = (uint8_t)random();
		survive(&changed);
		changed.bytes[i] = 0xff;
		survive(&changed);
		changed = whole;
		changed.at = i + 1;
		survive(&changed);
	}
}
