/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_place: see timing_place.h. */
#include "collector/timing_place.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/exits.h"
#include "collector/resolve/function_code.h"
#include "collector/resolve/placement.h"

bool timing_place_offset(const struct module *module, uint64_t address, uint64_t *offset)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		const struct module_segment *segment = &module->segments[i];

		if (address - segment->address < segment->bytes) {
			*offset = address - segment->address + segment->offset;
			return true;
		}
	}
	return false;
}

/* Finds the place of the probe at the entry; @may_move: the stack pointer may have moved there. */
static bool place_entry(const struct function *function, const struct function_code *code,
			bool may_move, struct timing_choice *choice)
{
	struct placement placement;

	if (!code->parts[0].count ||
	    !placement_find(code->parts, code->count, may_move, &placement))
		return false;
	choice->entry = function->address;
	choice->place = placement.address - function->address;
	choice->is_loop = placement.is_loop;
	choice->function.kind = (enum uprobe_kind)placement.kind;
	choice->function.moved = placement.moved;
	return timing_place_offset(choice->module, placement.address, &choice->function.offset);
}

/*
 * Says whether the return address stands where the stack pointer points to at the entry, by call
 * frame information. Where a process starts and where the loader resolves a call something else
 * stands there, which a return probe would overwrite.
 */
static bool has_return_address(const struct timing_choice *choice)
{
	struct cfi_rule rule;
	enum go_stack stack;

	module_rule(choice->module, choice->entry + choice->place, &rule, &stack);
	if (rule.kind == CFI_NO_RULE)
		return choice->entry != choice->module->entry;
	return rule.kind == CFI_REGISTER && rule.cfa_register == CFI_SP &&
	       rule.cfa_offset == 8 + (int64_t)choice->function.moved &&
	       rule.ip_saved == CFI_AT_CFA && rule.ip_offset == -8 && !rule.is_signal;
}

static const char *take_exits(const struct exits *exits, struct timing_choice *choice)
{
	choice->exits = xcalloc(exits->count + 1, sizeof(*choice->exits));
	for (size_t i = 0; i < exits->count; i++) {
		const struct exit_place *place = &exits->places[i];

		choice->exits[i].condition = place->condition;
		choice->exits[i].is_emulated = place->is_emulated;
		choice->exits[i].is_tail_call = place->is_tail_call;
		if (!timing_place_offset(choice->module, place->address, &choice->exits[i].offset))
			return "its code cannot be read";
	}
	choice->function.by_exits = true;
	choice->function.exits = choice->exits;
	choice->function.exit_count = exits->count;
	return NULL;
}

/* Prepares timing by exits, in place of a return probe. Returns NULL, or half a sentence about why
 * that is not possible. */
static const char *place_exits(const struct function *function, const struct function_code *code,
			       struct timing_choice *choice)
{
	struct exits exits;
	const char *problem = code->is_whole ? exits_find(code->parts, code->count, &exits)
					     : "its code cannot be read";

	if (problem)
		return problem;
	if (choice->is_loop)
		return "a loop leads back to its first instruction";
	/* Cheaper further down, where it is known how far the stack pointer has moved. */
	if (!place_entry(function, code, true, choice) ||
	    choice->function.moved == PLACEMENT_MOVED_UNKNOWN || !has_return_address(choice))
		place_entry(function, code, false, choice);
	return take_exits(&exits, choice);
}

/*
 * Says whether a function does something with its own return address: looks up who calls it, keeps
 * it for a second return, or leaves it to a child that shares the stack. Source: glibc, dlfcn/ and
 * sysdeps/x86_64/setjmp.S, sysdeps/unix/sysv/linux/x86_64/vfork.S and getcontext.S.
 */
static bool uses_return_address(const char *name)
{
	static const char *const names[] = {
		"dlopen",     "dlmopen",     "dlsym",	    "dlvsym",	   "setjmp",
		"_setjmp",    "sigsetjmp",   "__sigsetjmp", "vfork",	   "__vfork",
		"getcontext", "makecontext", "setcontext",  "swapcontext", "__libc_vfork",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* Chooses how a function is timed, or says why it cannot be: a sentence owned by the caller. */
static char *why_untimed(struct function_list *list, const struct function *function,
			 const struct function_code *code, struct timing_choice *choice)
{
	const char *problem;
	bool is_own;

	if (!has_return_address(choice))
		return xstrdup("only counted: it is entered otherwise than by a call");
	if (list->module->go)
		return xstrdup("only counted: Go moves its stacks, which a probe at a return would "
			       "make fatal");
	is_own = uses_return_address(function->name);
	if (!is_own && !choice->is_unwound && !choice->keeps_returns)
		return NULL;
	problem = place_exits(function, code, choice);
	if (problem && !is_own && !choice->is_unwound) {
		choice->is_in_the_way = true;
		return NULL;
	}
	if (problem)
		return xasprintf("only counted: %s, which a probe at its return would make fatal, "
				 "and %s",
				 is_own ? "it uses its return address"
					: "exceptions may pass through it",
				 problem);
	return NULL;
}

bool timing_place(struct function_list *list, const struct function *function,
		  struct timing_choice *choice)
{
	bool is_counted = choice->function.mode == UPROBE_COUNT, is_placed;
	struct function_code code;

	function_code_read(list, function, &code);
	is_placed = place_entry(function, &code, is_counted, choice);
	if (is_placed && !is_counted)
		choice->why_counted = why_untimed(list, function, &code, choice);
	if (choice->why_counted) {
		choice->function.mode = UPROBE_COUNT;
		choice->function.by_exits = false;
	}
	function_code_done(&code);
	if (!is_placed)
		timing_place_done(choice);
	return is_placed;
}

const char *timing_place_note(const struct timing_choice *choice)
{
	if (choice->why_counted)
		return choice->why_counted;
	if (choice->is_in_the_way)
		return "stacks of what is counted inside of the program are cut at its calls: not "
		       "all of its exits are known, and a probe at its return stands in the way";
	if (choice->is_loop && choice->function.mode == UPROBE_COUNT)
		return "a loop of the function leads back to its first instruction: its rounds are "
		       "counted as calls; --time tells them apart";
	return NULL;
}

void timing_place_done(struct timing_choice *choice)
{
	free(choice->why_counted);
	free(choice->exits);
	free(choice->inlined);
	choice->inlined = NULL;
	choice->why_counted = NULL;
	choice->exits = NULL;
}
