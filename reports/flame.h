/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flame: one self-contained SVG flame graph that works three ways.
 *
 *   1. A picture: real boxes with all geometry in attributes. It is right in an <img>, on paper,
 *      and where a server's policy blocks scripts and styles. Boxes too narrow to see are one
 *      grey box that says how many they are.
 *   2. The tree: behind the picture lies the whole call tree in a packed data block (flame_pack.c).
 *   3. A viewer: viewer_*.js redraw from that tree. Zoom and search work on the tree, not on what
 *      is drawn, so they are exact, and they never touch thousands of elements.
 *
 * The size is bounded for any profile: at most FLAME_BOXES boxes and FLAME_BYTES bytes. What does
 * not fit is pruned from its light end, and the picture says how much that is.
 */
#pragma once

#include "reports/component.h"
#include "reports/flame_change.h"
#include "reports/report.h"

enum {
	FLAME_BOXES = 4000,
	FLAME_BYTES = 800000,
	FLAME_PAGE_BYTES = 4000000, /* in a page, which is not embedded in others */
	FLAME_PAGE_BOXES = 1500,    /* drawn there: who looks closer has the viewer */
	FLAME_WIDTH = 1200,
	FLAME_MARGIN = 12,
	FLAME_ROW = 17,
	FLAME_LEVELS = 60,	/* deeper ones are folded into one box */
	FLAME_NAME_LIMIT = 256, /* bytes of a function's name */
};

struct flame_options {
	const char *title; /* NULL: made from the profile */
	bool root_below;   /* a flame, not an icicle */
	size_t bytes;	   /* that the picture may have; 0: FLAME_BYTES */
	uint32_t boxes;	   /* likewise; 0: FLAME_BOXES */
	const struct flame_change
		*change; /* the report's profile is of this; NULL: one recording */
};

/* Writes the picture of the report's metric; the caller checks @stream for errors. */
void flame_write(const struct report *report, const struct flame_options *options, FILE *stream);

/*
 * Writes the whole tree of the picture as JSON, nothing cut off: a list of nodes, each after its
 * caller, so that no reader needs recursion as deep as the stacks. Amounts are in the unit.
 */
void flame_write_json(const struct report *report, FILE *stream);

/* The text of the picture's style and script elements, for the policy of a page that holds it. */
const char *flame_style(void);
const char *flame_script(void);

/* ---- inside of flame_*.c -------------------------------------------------------------------- */

/* One box of the laid out tree, in preorder: callees follow their caller, heaviest first. */
struct flame_box {
	uint64_t start; /* left edge, in sample value from the left edge of the whole picture */
	uint64_t total, self;
	uint32_t samples, self_samples;
	uint32_t node; /* of the tree */
	uint32_t symbol;
	uint32_t end;	/* index of the first box that is not below this one */
	uint32_t depth; /* 0: the whole profile */
	bool inlined;
	struct call_hidden hidden; /* at the right of the callees */
};

/* All that the parts of the picture draw from. */
struct flame {
	const struct report *report;
	const struct flame_options *options;
	struct component_table components;
	struct call_tree *tree; /* pruned */
	struct flame_box *boxes;
	uint32_t count;
	struct flame_node_change
		*changes;    /* of each node of the tree, NULL without options->change */
	const char **labels; /* of each symbol that is in the tree: clean, cut */
	char *title;
	struct obstack memory;
};

/* Lays out the pruned @tree. Returns tree->count boxes, owned by the caller. */
struct flame_box *flame_layout(const struct call_tree *tree, const struct symbol_table *symbols);

/*
 * The longest form of @label that has at most @characters characters: whole, without parameters,
 * without namespaces, its head.
 */
struct flame_label {
	const char *begin;
	size_t bytes;
	bool cut; /* "…" follows, and is counted */
};
struct flame_label flame_label(const char *label, int characters);

/* Measures the changes of the present tree, if it is of a change. */
void flame_measure_changes(struct flame *flame);

/* The picture: everything from <svg> to the boxes. */
void flame_draw(const struct flame *flame, FILE *stream);

/* Its head: title, command, trust, legend. Returns the y of the first row of boxes. */
double flame_draw_head(const struct flame *flame, FILE *stream);

/* The patterns that fill components are drawn with. */
void flame_draw_patterns(const struct flame *flame, FILE *stream);

/* Of a change: the fill attribute and the tooltip of a box, the patterns, the legend. */
void flame_draw_change_fill(const struct flame *flame, const struct flame_box *box, FILE *stream);
void flame_draw_change_title(const struct flame *flame, const struct flame_box *box, FILE *stream);
void flame_draw_change_patterns(FILE *stream);
void flame_draw_change_legend(double x, double y, FILE *stream);

/*
 * The data block. Prunes flame->tree further, and lays it out again, until the block has at most
 * @budget bytes. Returns the block, owned by the caller, its length in @bytes.
 */
char *flame_pack(struct flame *flame, size_t budget, size_t *bytes);
