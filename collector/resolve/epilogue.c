/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * epilogue: see epilogue.h.
 *
 * Kernels are long and sampled at hundreds of addresses, so that results are kept for stretches.
 * In a linear run of instructions that leave the stack pointer alone, all addresses up to the last
 * write of bp (and of bx) have the same way ahead of them and so the same rule; a scan from a lower
 * address that runs into a known stretch takes its result over.
 */
#include "collector/resolve/epilogue.h"
#include "collector/base/xalloc.h"
#include "collector/resolve/code_scan.h"

#define MOST_INSTRUCTIONS 10000
#define MOST_BRANCHES	  32
#define WINDOW_BYTES	  4096
#define LONGEST_BYTES	  16 /* an instruction has at most 15 */

/* Addresses [start, last] have this rule; kind CFI_NO_RULE: the scan gave up. */
struct epilogue_stretch {
	uint64_t start;
	uint64_t last;
	struct cfi_rule rule;
};

/* Conditional jumps that were not taken, to be taken when the way straight on ends nowhere. */
struct branches {
	struct code_scan scans[MOST_BRANCHES]; /* as they are after the jump */
	uint64_t targets[MOST_BRANCHES];       /* of all that were met */
	int scan_count;
	int target_count;
};

void epilogue_memory_done(struct epilogue_memory *memory)
{
	free(memory->stretches);
	*memory = (struct epilogue_memory){0};
}

/* ---- results ------------------------------------------------------------------------------- */

static uint8_t saved(const struct code_scan_register *followed, int32_t cfa, int16_t *offset)
{
	int32_t relative;

	if (followed->slot == NO_SLOT)
		return followed->is_lost ? CFI_LOST : CFI_SAME;
	relative = followed->slot - cfa;
	if (relative < INT16_MIN)
		return CFI_LOST;
	*offset = (int16_t)relative;
	return CFI_AT_CFA;
}

static void make_rule(const struct code_scan *scan, struct cfi_rule *rule)
{
	int32_t cfa = scan->position + 8 + scan->released; /* above the return address */

	if (scan->position < 0)
		return;
	rule->kind = CFI_REGISTER;
	rule->cfa_register = scan->base & 127;
	rule->is_floor = scan->is_floor;
	rule->cfa_offset = cfa;
	rule->ip_saved = CFI_AT_CFA;
	rule->ip_offset = (int16_t)(-8 - scan->released);
	rule->bp_saved = saved(&scan->bp, cfa, &rule->bp_offset) & 15;
	rule->bx_saved = saved(&scan->bx, cfa, &rule->bx_offset) & 15;
}

/* Says whether a stretch's result does not count from a register that was written before it. */
static bool can_take_over(const struct code_scan *scan, const struct cfi_rule *known)
{
	return !(known->cfa_register == CFI_BP && scan->bp.is_written) &&
	       !(known->cfa_register == CFI_BX && scan->bx.is_written);
}

/* Takes over the result of the stretch that a plain scan has run into. */
static void take_over(const struct code_scan *scan, const struct cfi_rule *known,
		      struct cfi_rule *rule)
{
	int32_t cfa = known->cfa_register == CFI_SP ? known->cfa_offset : INT32_MAX;

	*rule = *known;
	if (rule->kind != CFI_REGISTER)
		return;
	if (rule->bp_saved == CFI_SAME)
		rule->bp_saved = saved(&scan->bp, cfa, &rule->bp_offset) & 15;
	if (rule->bx_saved == CFI_SAME)
		rule->bx_saved = saved(&scan->bx, cfa, &rule->bx_offset) & 15;
}

/* Returns the index of the first stretch that begins above @address. */
static size_t first_above(const struct epilogue_memory *memory, uint64_t address)
{
	size_t low = 0;
	size_t high = memory->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memory->stretches[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct epilogue_stretch *find_stretch(struct epilogue_memory *memory, uint64_t address)
{
	size_t i = first_above(memory, address);

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are none below the first */
	return i && address <= memory->stretches[i - 1].last ? &memory->stretches[i - 1] : NULL;
}

/* Keeps the result for all addresses that have the same way ahead. */
static void keep(struct epilogue_memory *memory, uint64_t address, const struct code_scan *scan,
		 struct epilogue_stretch *met, const struct cfi_rule *rule)
{
	uint64_t last = scan->last;
	size_t i;

	if (scan->bp.write_at && scan->bp.write_at < last)
		last = scan->bp.write_at;
	if (scan->bx.write_at && scan->bx.write_at < last)
		last = scan->bx.write_at;
	if (met && scan->is_linear && memcmp(rule, &met->rule, sizeof(*rule)) == 0) {
		met->start = address;
		return;
	}
	i = first_above(memory, address);
	xgrow(memory->stretches, memory->count, memory->capacity);
	memmove(&memory->stretches[i + 1], &memory->stretches[i],
		(memory->count - i) * sizeof(*memory->stretches));
	memory->stretches[i] = (struct epilogue_stretch){address, last, *rule};
	memory->count++;
}

/* Keeps a conditional jump's other way for later. */
static void note_branch(struct branches *branches, struct code_scan *scan)
{
	uint64_t target = scan->branch;
	struct code_scan *taken;

	scan->branch = 0;
	for (int i = 0; i < branches->target_count; i++)
		if (branches->targets[i] == target)
			return;
	if (branches->target_count == MOST_BRANCHES)
		return;
	branches->targets[branches->target_count++] = target;
	taken = &branches->scans[branches->scan_count++];
	*taken = *scan;
	code_scan_end_linear(taken);
	taken->is_plain = false;
	taken->address = taken->run = target;
}

/* Says whether the way at hand, ending with @met or @verdict, is to be given up for another. Where
 * a thread ends, one of two that a jump told apart may go on: the thread that made it (musl's
 * clone). */
static bool is_given_up(const struct branches *branches, const struct epilogue_stretch *met,
			enum code_scan_verdict verdict)
{
	if (met && met->rule.kind == CFI_NO_RULE)
		return branches->scan_count > 0;
	return branches->target_count > 0 &&
	       (met ? met->rule.kind == CFI_END : verdict == CODE_SCAN_ENDS);
}

/* Decodes from scan->address on until the way out is known, or none is found; returns the known
 * stretch it ran into. The way straight on comes first, then the last conditional jump's other
 * way. */
static struct epilogue_stretch *follow(csh capstone, struct epilogue_memory *memory,
				       epilogue_read *read, void *context, struct code_scan *scan,
				       enum code_scan_verdict *verdict)
{
	cs_insn *instruction = cs_malloc(capstone);
	struct epilogue_stretch *met = NULL;
	struct branches branches;
	uint8_t window[WINDOW_BYTES];
	uint64_t start = 0;
	size_t bytes = 0;

	branches.scan_count = branches.target_count = 0;
	*verdict = CODE_SCAN_ON;
	for (int i = 0; i < MOST_INSTRUCTIONS; i++) {
		const uint8_t *code;
		size_t left;

		if (*verdict == CODE_SCAN_LOST && branches.scan_count) {
			*scan = branches.scans[--branches.scan_count];
			*verdict = CODE_SCAN_ON;
			met = NULL;
		}
		if (*verdict != CODE_SCAN_ON)
			break;
		scan->at = scan->address;
		if (scan->until == scan->at) {
			*verdict = CODE_SCAN_RETURNS;
			break;
		}
		met = scan->is_plain ? find_stretch(memory, scan->at) : NULL;
		if (met && is_given_up(&branches, met, *verdict)) {
			met = NULL;
			*verdict = CODE_SCAN_LOST;
			continue;
		}
		if (met && can_take_over(scan, &met->rule))
			break;
		met = NULL;
		if (scan->address < start || scan->address + LONGEST_BYTES > start + bytes) {
			start = scan->address;
			bytes = read(context, start, window, sizeof(window));
		}
		code = window + (scan->address - start);
		left = bytes - (scan->address - start);
		if (!cs_disasm_iter(capstone, &code, &left, &scan->address, instruction)) {
			*verdict = CODE_SCAN_LOST;
			continue;
		}
		*verdict = code_scan_take(scan, capstone, instruction);
		if ((scan->until && *verdict != CODE_SCAN_ON) ||
		    is_given_up(&branches, NULL, *verdict))
			*verdict = CODE_SCAN_LOST;
		if (scan->branch)
			note_branch(&branches, scan);
	}
	if (scan->is_linear)
		scan->last = scan->at;
	cs_free(instruction, 1);
	return met;
}

/* Where the caller's value is of a register that was pushed at the function's beginning. */
static void take_pushed(const struct code_scan_register *followed, uint8_t *saved, int16_t *offset)
{
	*saved = CFI_SAME;
	if (!followed->is_written)
		return;
	*saved = followed->pushed == NO_SLOT ? CFI_LOST : CFI_AT_CFA;
	*offset = (int16_t)(followed->pushed == NO_SLOT ? 0 : followed->pushed - 8);
}

bool epilogue_rule_from_start(epilogue_read *read, void *context, uint64_t start, uint64_t address,
			      struct cfi_rule *rule)
{
	struct epilogue_memory none = {0};
	enum code_scan_verdict verdict;
	struct code_scan scan;
	uint8_t bp, bx;
	csh capstone;

	code_scan_begin(&scan, start);
	scan.is_plain = false;
	scan.until = address;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &capstone))
		return false;
	cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON);
	follow(capstone, &none, read, context, &scan, &verdict);
	cs_close(&capstone);
	if (verdict != CODE_SCAN_RETURNS || scan.base != CFI_SP ||
	    (!scan.bp.is_frame && (scan.is_adrift || scan.is_floor || scan.position > 0)))
		return false;
	*rule = (struct cfi_rule){.kind = CFI_REGISTER, .ip_saved = CFI_AT_CFA, .ip_offset = -8};
	rule->cfa_register = scan.bp.is_frame ? CFI_BP : CFI_SP;
	rule->cfa_offset = 8 - (scan.bp.is_frame ? scan.bp.frame : scan.position);
	take_pushed(&scan.bp, &bp, &rule->bp_offset);
	take_pushed(&scan.bx, &bx, &rule->bx_offset);
	rule->bp_saved = bp & 15;
	rule->bx_saved = bx & 15;
	return true;
}

bool epilogue_rule(struct epilogue_memory *memory, epilogue_read *read, void *context,
		   uint64_t address, struct cfi_rule *rule)
{
	struct code_scan scan;
	struct cfi_rule found = {.kind = CFI_NO_RULE};
	struct epilogue_stretch *met;
	enum code_scan_verdict verdict;
	csh capstone;

	code_scan_begin(&scan, address);
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &capstone))
		return false;
	cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON);
	met = follow(capstone, memory, read, context, &scan, &verdict);
	cs_close(&capstone);
	if (met)
		take_over(&scan, &met->rule, &found);
	else if (verdict == CODE_SCAN_RETURNS)
		make_rule(&scan, &found);
	else if (verdict == CODE_SCAN_ENDS)
		found.kind = CFI_END;
	if (!met || address < met->start || address > met->last)
		keep(memory, address, &scan, met, &found);
	if (found.kind == CFI_NO_RULE)
		return false;
	*rule = found;
	return true;
}
