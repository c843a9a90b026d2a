/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_place: where a chosen function is probed, and how its calls can be timed at all.
 */
#pragma once

#include "collector/capture/uprobe.h"
#include "collector/resolve/function_list.h"

/* A function that shall be probed. */
struct timing_choice {
	struct module *module;
	char *name;	   /* that it was asked for by, several with = between */
	bool has_aliases;  /* and the file has other names for it */
	char *source;	   /* base name of its file, where it is one of several step functions */
	uint64_t entry;	   /* elf address of the function */
	uint64_t place;	   /* bytes from there to the probe */
	bool is_loop;	   /* a jump in the function leads to its entry */
	char *why_counted; /* though more was asked for: a sentence; NULL: it is as asked */
	char *inlined; /* where it was inlined besides: those calls are not seen; NULL: nowhere */
	struct uprobe_exit *exits; /* of `function` */
	bool is_unwound;	   /* an unwinder of the program may pass: they have to stay */
	bool keeps_returns;	   /* return addresses on the stack shall stay, if that can be */
	bool is_in_the_way;	   /* it cannot be */
	enum uprobe_mode asked;
	struct uprobe_function function;
};

/*
 * Places the probes of a function: at its entry, and where it is timed by a return probe or, where
 * exceptions or other unwinders may pass through it or return addresses shall stay, by its exits.
 * Where these leave neither it is counted.
 *
 * @choice  has the module, the mode that is asked for, is_unwound and keeps_returns; the rest is
 *          set, but for the name
 * Returns false when the function has no code in the file. timing_place_done after true.
 */
bool timing_place(struct function_list *list, const struct function *function,
		  struct timing_choice *choice);
void timing_place_done(struct timing_choice *choice);

/* Returns what restricts the figures of a function before anything has run; NULL: nothing. */
const char *timing_place_note(const struct timing_choice *choice);

/* Sets the offset in the file of an elf address. Returns whether the file has it. */
bool timing_place_offset(const struct module *module, uint64_t address, uint64_t *offset);
