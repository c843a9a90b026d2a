/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame_draw: the static picture; see flame.h. */
#include "reports/flame.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/metric.h"
#include "reports/svg.h"

#include <inttypes.h>

static const double letter = 7.2;	     /* advance of a letter in a box, pixels */
static const double smallest = 1;	     /* pixels, below it a box is not drawn by itself */
static const size_t picture_budget = 420000; /* bytes of all boxes */

/* What is drawn, and how much is not. */
struct selection {
	double width;	/* boxes below this many pixels are merged */
	uint32_t boxes; /* drawn as themselves */
	uint32_t rests; /* merged boxes drawn */
	uint32_t rows;
	uint64_t undrawn; /* value of boxes that are in no box but their caller's */
};

static double pixels(const struct flame *flame, uint64_t value)
{
	return (FLAME_WIDTH - 2.0 * FLAME_MARGIN) * value / flame->boxes[0].total;
}

static double percent(const struct flame *flame, uint64_t value)
{
	return 100.0 * value / flame->boxes[0].total;
}

/* A merged box: the callees of one caller that are too narrow. */
struct rest {
	uint64_t start, total;
	uint32_t children, nodes, samples, depth;
	uint32_t levels; /* > 0: folded because of depth, not of width */
};

static void rest_add_box(struct rest *rest, const struct flame_box *box)
{
	rest->total += box->total;
	rest->samples += box->samples;
	rest->children++;
}

/* A pass over what is to be drawn; @box and @rest may be NULL: then it only counts. */
struct painter {
	const struct flame *flame;
	struct selection selection;
	void (*box)(const struct painter *painter, const struct flame_box *box);
	void (*rest)(const struct painter *painter, const struct rest *rest);
	FILE *stream;
	double top;    /* y of the first row of boxes */
	uint32_t rows; /* of the whole picture, known after a pass that only counts */
};

static void paint_box(struct painter *painter, const struct flame_box *box)
{
	painter->selection.boxes++;
	if (box->depth >= painter->selection.rows)
		painter->selection.rows = box->depth + 1;
	if (painter->box)
		painter->box(painter, box);
}

static void paint_merged(struct painter *painter, const struct rest *rest)
{
	painter->selection.rests++;
	if (rest->depth >= painter->selection.rows)
		painter->selection.rows = rest->depth + 1;
	if (painter->rest)
		painter->rest(painter, rest);
}

static uint32_t subtree_nodes(const struct flame *flame, uint32_t box)
{
	uint32_t nodes = 0;

	for (uint32_t i = box; i < flame->boxes[box].end; i++)
		nodes += 1 + flame->boxes[i].hidden.nodes;
	return nodes;
}

/* Closes what is left of a caller's callees from box @from on, and returns where to go on. */
static uint32_t paint_rest(struct painter *painter, uint32_t caller, uint32_t from)
{
	const struct flame_box *boxes = painter->flame->boxes, *box = &boxes[caller];
	struct rest rest = {.depth = box->depth + 1};

	for (uint32_t i = from; i < box->end; i = boxes[i].end)
		rest_add_box(&rest, &boxes[i]);
	rest.start = box->start + box->total - box->self - box->hidden.total - rest.total;
	rest.total += box->hidden.total;
	rest.samples += box->hidden.samples;
	rest.children += box->hidden.children;
	if (rest.total && pixels(painter->flame, rest.total) >= painter->selection.width) {
		for (uint32_t i = from; i < box->end; i = boxes[i].end)
			rest.nodes += subtree_nodes(painter->flame, i);
		rest.nodes += box->hidden.nodes;
		paint_merged(painter, &rest);
	} else {
		painter->selection.undrawn += rest.total;
	}
	return box->end;
}

/* Folds everything below a box at the last level into one. */
static void paint_levels(struct painter *painter, uint32_t caller)
{
	const struct flame_box *boxes = painter->flame->boxes, *box = &boxes[caller];
	struct rest rest = {
		.start = box->start,
		.total = box->total - box->self,
		.depth = box->depth + 1,
		.nodes = subtree_nodes(painter->flame, caller) - 1,
	};

	for (uint32_t i = caller + 1; i < box->end; i++)
		if (boxes[i].depth - box->depth > rest.levels)
			rest.levels = boxes[i].depth - box->depth;
	if (rest.levels && pixels(painter->flame, rest.total) >= painter->selection.width)
		paint_merged(painter, &rest);
}

/*
 * Visits all that is to be drawn. Callees are ordered by cost, so from the first that is too
 * narrow on, all are.
 */
static void paint(struct painter *painter)
{
	const struct flame *flame = painter->flame;
	uint32_t *callers = xcalloc(FLAME_LEVELS + 1, sizeof(*callers));
	uint32_t i = 0, depth = 0;

	painter->selection = (struct selection){.width = painter->selection.width};
	paint_box(painter, &flame->boxes[0]);
	callers[0] = i++;
	for (;;) {
		const struct flame_box *box = &flame->boxes[i];

		while (i >= flame->boxes[callers[depth]].end) {
			paint_rest(painter, callers[depth], flame->boxes[callers[depth]].end);
			if (depth-- == 0)
				goto out;
		}
		if (pixels(flame, box->total) < painter->selection.width) {
			i = paint_rest(painter, callers[depth], i);
			if (depth-- == 0)
				break;
			continue;
		}
		paint_box(painter, box);
		if (box->depth == FLAME_LEVELS - 1) {
			paint_levels(painter, i);
			i = box->end;
			continue;
		}
		callers[++depth] = i++;
	}
out:
	free(callers);
}

static double row_y(const struct painter *painter, uint32_t depth)
{
	uint32_t row = painter->flame->options->root_below ? painter->rows - 1 - depth : depth;

	return painter->top + row * FLAME_ROW;
}

static void attribute(FILE *stream, const char *name, double value)
{
	fprintf(stream, " %s=\"", name);
	svg_number(stream, value);
	fputc('"', stream);
}

/* @joined  an inlined box touches its caller; all others keep one pixel away. */
static void open_rect(const struct painter *painter, uint64_t start, uint64_t total, uint32_t depth,
		      bool joined)
{
	double y = row_y(painter, depth);

	if (joined && !painter->flame->options->root_below)
		y--;
	fputs("<rect", painter->stream);
	attribute(painter->stream, "x", FLAME_MARGIN + pixels(painter->flame, start));
	attribute(painter->stream, "y", y);
	attribute(painter->stream, "width", pixels(painter->flame, total));
	attribute(painter->stream, "height", FLAME_ROW - 1 + joined);
}

static void write_fill(const struct flame *flame, uint32_t symbol, FILE *stream)
{
	int row = flame->components.of_symbol[symbol];
	const struct component *component = &flame->components.rows[row];

	if (!symbol)
		fputs(" fill=\"#e4e4e4\"", stream);
	else if (component->pattern)
		fprintf(stream, " fill=\"url(#c%d)\"", row);
	else
		fprintf(stream, " fill=\"%s\"",
			component->fill[component_shade(flame->labels[symbol])]);
}

static void box_title(const struct painter *painter, const struct flame_box *box)
{
	const struct flame *flame = painter->flame;
	const struct symbol *symbol = &flame->report->symbols.symbols[box->symbol];
	const struct profile *profile = flame->report->profile;
	struct obstack memory;

	fputs("><title>", painter->stream);
	svg_string(painter->stream, flame->labels[box->symbol]);
	if (flame->changes)
		flame_draw_change_title(flame, box, painter->stream);
	else
		fprintf(painter->stream, "%s\n%.2f %%, self %.2f %%, n %u",
			box->inlined ? " (inlined)" : "", percent(flame, box->total),
			percent(flame, box->self), box->samples);
	if (symbol->file && pixels(flame, box->total) >= 24) {
		obstack_init(&memory);
		fputc('\n', painter->stream);
		svg_string(painter->stream, text_clean(&memory, profile->files[symbol->file], 80));
		if (symbol->line)
			fprintf(painter->stream, ":%u", symbol->line);
		obstack_free(&memory, NULL);
	}
	fputs("</title></rect>\n", painter->stream);
}

static void draw_box(const struct painter *painter, const struct flame_box *box)
{
	open_rect(painter, box->start, box->total, box->depth, box->inlined);
	if (painter->flame->changes && box->symbol)
		flame_draw_change_fill(painter->flame, box, painter->stream);
	else
		write_fill(painter->flame, box->symbol, painter->stream);
	box_title(painter, box);
}

/* An inlined box touches its caller; the dotted seam says where one ends. */
static void draw_seam(const struct painter *painter, const struct flame_box *box)
{
	double y = row_y(painter, box->depth);

	if (!box->inlined)
		return;
	fputc('M', painter->stream);
	svg_number(painter->stream, FLAME_MARGIN + pixels(painter->flame, box->start));
	fputc(' ', painter->stream);
	svg_number(painter->stream,
		   painter->flame->options->root_below ? y + FLAME_ROW - 0.5 : y - 0.5);
	fputc('h', painter->stream);
	svg_number(painter->stream, pixels(painter->flame, box->total));
}

static void draw_rest(const struct painter *painter, const struct rest *rest)
{
	open_rect(painter, rest->start, rest->total, rest->depth, false);
	fputs(" fill=\"#eeeeee\"><title>", painter->stream);
	if (rest->levels)
		fprintf(painter->stream, "+ %u levels: %u boxes, %.2f %%", rest->levels,
			rest->nodes, percent(painter->flame, rest->total));
	else
		fprintf(painter->stream, "… %u more (%u boxes with what they call): %.2f %%, n %u",
			rest->children, rest->nodes, percent(painter->flame, rest->total),
			rest->samples);
	fputs("</title></rect>\n", painter->stream);
}

static void open_label(const struct painter *painter, uint64_t start, uint32_t depth)
{
	fputs("<text", painter->stream);
	attribute(painter->stream, "x", FLAME_MARGIN + pixels(painter->flame, start) + 3);
	attribute(painter->stream, "y", row_y(painter, depth) + 12);
	fputc('>', painter->stream);
}

static void draw_label(const struct painter *painter, const struct flame_box *box)
{
	int room = (pixels(painter->flame, box->total) - 6) / letter;
	struct flame_label label;

	if (room < 3)
		return;
	label = flame_label(painter->flame->labels[box->symbol], room);
	open_label(painter, box->start, box->depth);
	svg_text(painter->stream, label.begin, label.bytes);
	fputs(label.cut ? "…</text>\n" : "</text>\n", painter->stream);
}

static void draw_rest_label(const struct painter *painter, const struct rest *rest)
{
	int room = (pixels(painter->flame, rest->total) - 6) / letter;
	char label[40];
	int length = rest->levels ? snprintf(label, sizeof(label), "+ %u levels", rest->levels)
				  : snprintf(label, sizeof(label), "… %u more", rest->children);

	if (room < length - 2)
		return;
	open_label(painter, rest->start, rest->depth);
	fprintf(painter->stream, "%s</text>\n", label);
}

/* Chooses the width below which boxes are merged, from @width on, so that they are few enough. */
static void choose_width(struct painter *painter, double width)
{
	uint32_t most = painter->flame->options->boxes;

	most = most ? most : FLAME_BOXES;
	painter->box = NULL;
	painter->rest = NULL;
	painter->selection.width = width;
	paint(painter);
	while (painter->selection.boxes + painter->selection.rests > most) {
		painter->selection.width *= 1.1;
		paint(painter);
	}
	painter->rows = painter->selection.rows;
}

/* ---- the whole picture ------------------------------------------------------------------------
 */

/* One sentence for whoever cannot see the picture. */
static void draw_description(const struct flame *flame, FILE *stream)
{
	uint64_t best[3] = {0};
	uint32_t which[3] = {0};

	for (uint32_t i = 1; i < flame->count; i++)
		for (int rank = 0; rank < 3; rank++)
			if (flame->boxes[i].self > best[rank]) {
				for (int move = 2; move > rank; move--) {
					best[move] = best[move - 1];
					which[move] = which[move - 1];
				}
				best[rank] = flame->boxes[i].self;
				which[rank] = flame->boxes[i].symbol;
				break;
			}
	fputs("<title>", stream);
	svg_string(stream, flame->title);
	fputs("</title>\n<desc>Flame graph. Width is the share of ", stream);
	if (metric_has_amounts(flame->report->profile, flame->report->metric))
		svg_string(stream, flame->report->metric_name);
	else
		fputs("the samples", stream);
	fprintf(stream, "%s.",
		flame->changes ? ", base and new together; colour is the change" : "");
	for (int rank = 0; rank < 3 && best[rank]; rank++) {
		fputs(rank ? "; " : " The heaviest single boxes: ", stream);
		svg_string(stream, flame->labels[which[rank]]);
		fprintf(stream, " %.1f %% in itself", percent(flame, best[rank]));
	}
	fputs(".</desc>\n", stream);
}

static void draw_foot(const struct painter *painter, double y)
{
	const struct flame *flame = painter->flame;
	const struct selection *selection = &painter->selection;
	uint32_t nodes = flame->tree->nodes[0].nodes;
	char width[24], undrawn[24];

	fprintf(painter->stream,
		"<text class=\"muted\" x=\"%d\" y=\"%.0f\" font-size=\"12\" fill=\"#59636e\" "
		"font-family=\"system-ui,sans-serif\">",
		FLAME_MARGIN, y);
	if (nodes == selection->boxes)
		fprintf(painter->stream, "All %" PRIu32 " boxes are drawn.", nodes);
	else
		fprintf(painter->stream,
			"%" PRIu32 " of %" PRIu32 " boxes are drawn; those narrower than %s px are "
			"merged into grey ones, or (%s %%) left to their caller.",
			selection->boxes, nodes,
			amount_brief(selection->width, width, sizeof(width)),
			amount_brief(percent(flame, selection->undrawn), undrawn, sizeof(undrawn)));
	fputs("</text>\n", painter->stream);
}

/* Draws the rows; returns the number of bytes they took. */
static size_t draw_rows(struct painter *painter, char **rows)
{
	size_t bytes;

	painter->stream = xalloc_checked(open_memstream(rows, &bytes));
	fputs("<g class=\"rows\" stroke=\"#fff\" stroke-width=\".4\">\n", painter->stream);
	painter->box = draw_box;
	painter->rest = draw_rest;
	paint(painter);
	fputs("</g>\n<path stroke=\"#111\" stroke-opacity=\".55\" stroke-dasharray=\"2 2\" d=\"",
	      painter->stream);
	painter->box = draw_seam;
	painter->rest = NULL;
	paint(painter);
	fputs("\"/>\n<g pointer-events=\"none\" font-size=\"12\" fill=\"#111\" "
	      "font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\">\n",
	      painter->stream);
	painter->box = draw_label;
	painter->rest = draw_rest_label;
	paint(painter);
	fputs("</g>\n", painter->stream);
	fclose(painter->stream);
	return bytes;
}

void flame_draw(const struct flame *flame, FILE *stream)
{
	char *head = NULL, *rows = NULL;
	size_t head_bytes, rows_bytes = 0;
	FILE *memory = xalloc_checked(open_memstream(&head, &head_bytes));
	struct painter painter = {.flame = flame};
	double bottom;

	painter.top = flame_draw_head(flame, memory);
	fclose(memory);
	if (flame->boxes[0].total) {
		choose_width(&painter, smallest);
		while ((rows_bytes = draw_rows(&painter, &rows)) > picture_budget) {
			free(rows);
			choose_width(&painter, 1.2 * painter.selection.width);
		}
	}
	bottom = painter.top + painter.rows * FLAME_ROW + 24;
	fprintf(stream,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"flame\" role=\"img\" "
		"width=\"100%%\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" "
		"preserveAspectRatio=\"xMidYMin meet\">\n",
		bottom + 8, FLAME_WIDTH, bottom + 8);
	draw_description(flame, stream);
	flame_draw_patterns(flame, stream);
	fprintf(stream,
		"<g class=\"picture\"><rect class=\"page\" width=\"100%%\" height=\"100%%\" "
		"fill=\"#fff\"/>\n");
	fwrite(head, 1, head_bytes, stream);
	if (rows_bytes) {
		fwrite(rows, 1, rows_bytes, stream);
		painter.stream = stream;
		draw_foot(&painter, bottom - 6);
	}
	fputs("</g>\n", stream);
	free(head);
	free(rows);
}
