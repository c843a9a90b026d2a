/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flame_pack: the call tree, packed for viewer_*.js. One JSON object whose big parts are strings:
 *
 *   names     labels of the kept symbols, sorted, front-coded and joined by line feeds: one digit
 *             says how many characters (at most 63) are as in the name before
 *   symbols   per name: component, module, file, line, flags (1: no symbol known, 2: no code,
 *             4: of a comparison, its code has moved)
 *   boxes     their number
 *   ranks     the symbols, those that most boxes are of first
 *   tree      per box in preorder, the root first: a code, 4 * (2 * rank of its symbol + inlined)
 *             + 2 when it is no first callee of the box before + 1 when it has a self value; then
 *             the number of levels up from the box before, if the code says so; then the self value
 *   samples   per box self samples; missing when self values are samples
 *   hidden    per box with something hidden below: distance from the last such box, value,
 *             callees, boxes, samples
 *   phi       per box wider than 0.5 %: distance from the last such box, dispersion * 10
 *   change    of a comparison only, per box: total in the base, self in the base,
 *             certainty (0 to 4), colour (0: grey)
 *
 * Numbers in strings are base 32, low digits first, in the first alphabet below; the high bit of a
 * digit says that another follows. Codes use all 90 characters that neither JSON nor XML escapes:
 * of the first one, 10 are a code, 72 begin one of two, 7 one of three, and after the last the code
 * is written as a number. A typical box takes two bytes.
 */
#include "reports/flame.h"

#include "collector/base/xalloc.h"
#include "reports/svg.h"

#include <jansson.h>
#include <math.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
static const char dense[] =
	" !#$%'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijk"
	"lmnopqrstuvwxyz{|}~";
static const double wide = 0.005; /* share of a box that deserves its own dispersion */

static void put(struct obstack *out, uint64_t number)
{
	for (; number >= 32; number >>= 5)
		obstack_grow(out, &digits[(number & 31) | 32], 1);
	obstack_grow(out, &digits[number], 1);
}

enum {
	DENSE = 90, /* characters; of the first one, what they begin: */
	ONE = 10,
	TWO = 72,
	THREE = DENSE - ONE - TWO - 1
};

static void put_code(struct obstack *out, uint64_t code)
{
	if (code < ONE) {
		obstack_grow(out, &dense[code], 1);
		return;
	}
	code -= ONE;
	if (code < TWO * DENSE) {
		obstack_grow(out, &dense[ONE + code / DENSE], 1);
		obstack_grow(out, &dense[code % DENSE], 1);
		return;
	}
	code -= TWO * DENSE;
	if (code < THREE * DENSE * DENSE) {
		obstack_grow(out, &dense[ONE + TWO + code / (DENSE * DENSE)], 1);
		obstack_grow(out, &dense[code / DENSE % DENSE], 1);
		obstack_grow(out, &dense[code % DENSE], 1);
		return;
	}
	obstack_grow(out, &dense[DENSE - 1], 1);
	put(out, code - THREE * DENSE * DENSE);
}

static json_t *finish(struct obstack *out)
{
	size_t bytes = obstack_object_size(out);
	char *text = obstack_finish(out);

	return json_stringn(text, bytes);
}

/* The symbols that are in the tree, by label, and the modules and files they use. */
struct used {
	uint32_t *symbols; /* sorted */
	uint32_t count;
	uint32_t *symbol_number; /* 1 + place in symbols, for each symbol */
	uint32_t *module_number; /* 1 + place in the list, for each module and file */
	uint32_t *file_number;
	json_t *modules, *files;
};

static int compare_labels(const void *left, const void *right, void *user)
{
	const char *const *labels = user;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int label = strcmp(labels[a], labels[b]);

	return label ? label : (a > b) - (a < b);
}

static void use_text(json_t *list, uint32_t *number, struct obstack *memory, const char *text)
{
	if (*number)
		return;
	json_array_append_new(list, json_string(text_clean(memory, text, FLAME_NAME_LIMIT)));
	*number = json_array_size(list);
}

static void used_init(struct used *used, struct flame *flame)
{
	const struct profile *profile = flame->report->profile;
	const struct symbol_table *table = &flame->report->symbols;

	*used = (struct used){
		.symbols = xcalloc(flame->count, sizeof(*used->symbols)),
		.symbol_number = xcalloc(table->count, sizeof(*used->symbol_number)),
		.module_number = xcalloc(profile->modules_count, sizeof(*used->module_number)),
		.file_number = xcalloc(profile->files_count, sizeof(*used->file_number)),
		.modules = json_array(),
		.files = json_array(),
	};
	for (uint32_t i = 0; i < flame->count; i++) {
		uint32_t symbol = flame->boxes[i].symbol;

		if (!used->symbol_number[symbol]) {
			used->symbols[used->count++] = symbol;
			used->symbol_number[symbol] = used->count;
		}
	}
	qsort_r(used->symbols, used->count, sizeof(*used->symbols), compare_labels, flame->labels);
	for (uint32_t i = 0; i < used->count; i++) {
		const struct symbol *symbol = &table->symbols[used->symbols[i]];

		used->symbol_number[used->symbols[i]] = i + 1;
		use_text(used->modules, &used->module_number[symbol->module], &flame->memory,
			 symbol_base_name(profile->modules[symbol->module].path));
		use_text(used->files, &used->file_number[symbol->file], &flame->memory,
			 profile->files[symbol->file]);
	}
}

static void used_done(struct used *used)
{
	free(used->symbols);
	free(used->symbol_number);
	free(used->module_number);
	free(used->file_number);
}

static json_t *pack_names(const struct flame *flame, const struct used *used, struct obstack *out)
{
	const char *before = "";

	for (uint32_t i = 0; i < used->count; i++) {
		const char *label = flame->labels[used->symbols[i]];
		int same = 0;

		while (same < 63 && label[same] && label[same] == before[same] &&
		       (unsigned char)label[same] < 128)
			same++;
		if (i)
			obstack_1grow(out, '\n');
		obstack_1grow(out, digits[same]);
		obstack_grow(out, label + same, strlen(label + same));
		before = label;
	}
	return finish(out);
}

static json_t *pack_symbols(const struct flame *flame, const struct used *used, struct obstack *out)
{
	for (uint32_t i = 0; i < used->count; i++) {
		uint32_t id = used->symbols[i];
		const struct symbol *symbol = &flame->report->symbols.symbols[id];
		const struct flame_change *change = flame->options->change;

		put(out, flame->components.of_symbol[id]);
		put(out, used->module_number[symbol->module] - 1);
		put(out, used->file_number[symbol->file] - 1);
		put(out, symbol->line);
		put(out, (symbol->named ? 0 : 1) |
				 (symbol_is_note(&flame->report->symbols, id) ? 2 : 0) |
				 (change && flame_change_has_moved(change, id) ? 4 : 0));
	}
	return finish(out);
}

/* A symbol, by its place in struct used, and how many boxes are of it. */
struct ranked {
	uint32_t place, boxes;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->boxes != b->boxes)
		return a->boxes > b->boxes ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

/* Returns the rank of each place, owned by the caller. */
static uint32_t *rank_symbols(const struct flame *flame, const struct used *used)
{
	struct ranked *order = xcalloc(used->count, sizeof(*order));
	uint32_t *ranks = xcalloc(used->count, sizeof(*ranks));

	for (uint32_t i = 0; i < used->count; i++)
		order[i].place = i;
	for (uint32_t i = 0; i < flame->count; i++)
		order[used->symbol_number[flame->boxes[i].symbol] - 1].boxes++;
	qsort(order, used->count, sizeof(*order), compare_ranked);
	for (uint32_t i = 0; i < used->count; i++)
		ranks[order[i].place] = i;
	free(order);
	return ranks;
}

static json_t *pack_ranks(const uint32_t *ranks, uint32_t count, struct obstack *out)
{
	uint32_t *places = xcalloc(count, sizeof(*places));

	for (uint32_t i = 0; i < count; i++)
		places[ranks[i]] = i;
	for (uint32_t i = 0; i < count; i++)
		put(out, places[i]);
	free(places);
	return finish(out);
}

static json_t *pack_tree(const struct flame *flame, const struct used *used, const uint32_t *ranks,
			 struct obstack *out)
{
	uint32_t depth = 0;

	for (uint32_t i = 0; i < flame->count; i++) {
		const struct flame_box *box = &flame->boxes[i];
		uint32_t up = i ? depth + 1 - box->depth : 0;
		uint64_t symbol = ranks[used->symbol_number[box->symbol] - 1];

		put_code(out, 4 * (2 * symbol + box->inlined) + 2 * (up > 0) + (box->self > 0));
		if (up)
			put(out, up);
		if (box->self)
			put(out, box->self);
		depth = box->depth;
	}
	return finish(out);
}

/* NULL when every self value is its number of samples. */
static json_t *pack_samples(const struct flame *flame, struct obstack *out)
{
	uint32_t same = 0;

	while (same < flame->count && flame->boxes[same].self == flame->boxes[same].self_samples)
		same++;
	if (same == flame->count)
		return NULL;
	for (uint32_t i = 0; i < flame->count; i++)
		put(out, flame->boxes[i].self_samples);
	return finish(out);
}

static json_t *pack_hidden(const struct flame *flame, struct obstack *out)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < flame->count; i++) {
		const struct call_hidden *hidden = &flame->boxes[i].hidden;

		if (!hidden->total)
			continue;
		put(out, i - last);
		put(out, hidden->total);
		put(out, hidden->children);
		put(out, hidden->nodes);
		put(out, hidden->samples);
		last = i;
	}
	return finish(out);
}

/* The boxes that are wide, and their samples per block of time. */
struct wide_boxes {
	const struct flame *flame;
	uint32_t *boxes;
	uint32_t count;
	uint32_t (*samples)[DISPERSION_BLOCKS];
};

static void count_block(void *user, int block, const uint32_t *samples_of_node)
{
	struct wide_boxes *wide_boxes = user;

	for (uint32_t i = 0; i < wide_boxes->count; i++)
		wide_boxes->samples[i][block] =
			samples_of_node[wide_boxes->flame->boxes[wide_boxes->boxes[i]].node];
}

static void find_wide(struct wide_boxes *wide_boxes, const struct flame *flame)
{
	*wide_boxes = (struct wide_boxes){
		.flame = flame, .boxes = xcalloc(flame->count, sizeof(*wide_boxes->boxes))};
	for (uint32_t i = 1; i < flame->count; i++)
		if (flame->boxes[i].total >= wide * flame->boxes[0].total)
			wide_boxes->boxes[wide_boxes->count++] = i;
	wide_boxes->samples = xcalloc(wide_boxes->count, sizeof(*wide_boxes->samples));
}

static json_t *pack_phi(const struct flame *flame, double *equal_samples, struct obstack *out)
{
	struct wide_boxes wide_boxes;
	struct dispersion_blocks blocks;
	uint32_t last = 0;

	find_wide(&wide_boxes, flame);
	dispersion_blocks_init(&blocks, flame->report->profile, flame->report->metric);
	dispersion_each_block(&blocks, flame->report->profile, flame->tree, count_block,
			      &wide_boxes);
	for (uint32_t i = 0; i < wide_boxes.count; i++) {
		double phi = dispersion_phi(&blocks, wide_boxes.samples[i]);

		if (phi < 1.05)
			continue;
		put(out, wide_boxes.boxes[i] - last);
		put(out, lround(10 * phi));
		last = wide_boxes.boxes[i];
	}
	free(wide_boxes.boxes);
	free(wide_boxes.samples);
	*equal_samples = blocks.equal_samples;
	return finish(out);
}

static json_t *pack_changes(const struct flame *flame, struct obstack *out)
{
	for (uint32_t i = 0; i < flame->count; i++) {
		const struct flame_node_change *change = &flame->changes[flame->boxes[i].node];

		put(out, change->base);
		put(out, change->base_self);
		put(out, change->certainty);
		put(out, change->certainty ? flame_change_colour(change) : 0);
	}
	return finish(out);
}

static json_t *components_json(const struct component_table *table)
{
	json_t *components = json_array();

	for (int i = 0; i < table->count; i++) {
		const struct component *row = &table->rows[i];

		json_array_append_new(components,
				      json_pack("{s:s, s:i, s:b, s:[s, s, s]}", "name", row->name,
						"tenths", row->tenths, "pattern",
						row->pattern != COMPONENT_PLAIN, "fill",
						row->fill[0], row->fill[1], row->fill[2]));
	}
	return components;
}

static json_t *trust_json(const struct trust *trust, struct obstack *memory)
{
	json_t *items = json_array();

	for (int i = 0; i < trust->count; i++)
		json_array_append_new(
			items, json_pack("[s, b]", text_clean(memory, trust->items[i].text, 170),
					 trust->items[i].bad));
	return items;
}

/* What the block leaves out of the tree: number of boxes, their value, the heaviest of them. */
static json_t *pruned_json(const struct flame *flame)
{
	uint64_t total = 0;
	uint32_t nodes = 0;

	for (uint32_t i = 0; i < flame->count; i++) {
		total += flame->boxes[i].hidden.total;
		nodes += flame->boxes[i].hidden.nodes;
	}
	return json_pack("[I, I]", (json_int_t)nodes, (json_int_t)total);
}

static json_t *pack(struct flame *flame)
{
	const struct report *report = flame->report;
	struct obstack *memory = &flame->memory;
	double equal_samples;
	struct used used;
	json_t *json = json_object(), *samples;
	uint32_t *ranks;

	used_init(&used, flame);
	json_object_set_new(json, "title", json_string(flame->title));
	json_object_set_new(json, "command",
			    json_string(text_clean(memory, report_command(report), 1000)));
	json_object_set_new(json, "metric",
			    json_string(text_clean(memory, report->metric_name, 40)));
	json_object_set_new(json, "unit", json_string(text_clean(memory, report->unit, 40)));
	json_object_set_new(json, "period", json_real(report->period));
	json_object_set_new(json, "view",
			    json_string(flame->options->root_below ? "flame" : "icicle"));
	json_object_set_new(json, "trust", trust_json(&report->trust, memory));
	json_object_set_new(json, "components", components_json(&flame->components));
	json_object_set_new(json, "pruned", pruned_json(flame));
	json_object_set_new(json, "names", pack_names(flame, &used, memory));
	json_object_set_new(json, "symbols", pack_symbols(flame, &used, memory));
	ranks = rank_symbols(flame, &used);
	json_object_set_new(json, "boxes", json_integer(flame->count));
	json_object_set_new(json, "ranks", pack_ranks(ranks, used.count, memory));
	json_object_set_new(json, "tree", pack_tree(flame, &used, ranks, memory));
	free(ranks);
	json_object_set_new(json, "hidden", pack_hidden(flame, memory));
	json_object_set_new(json, "phi", pack_phi(flame, &equal_samples, memory));
	json_object_set_new(json, "equal_samples", json_real(equal_samples));
	json_object_set_new(json, "modules", used.modules);
	json_object_set_new(json, "files", used.files);
	if (flame->changes) {
		json_object_set_new(json, "per", json_string(flame->options->change->per));
		json_object_set_new(json, "change", pack_changes(flame, memory));
	}
	samples = pack_samples(flame, memory);
	if (samples)
		json_object_set_new(json, "samples", samples);
	used_done(&used);
	return json;
}

static int escape(const char *text, size_t bytes, void *stream)
{
	svg_text(stream, text, bytes);
	return 0;
}

static char *pack_escaped(struct flame *flame, size_t *bytes)
{
	char *block = NULL;
	FILE *stream = xalloc_checked(open_memstream(&block, bytes));
	json_t *json = pack(flame);

	json_dump_callback(json, escape, stream, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(json);
	fclose(stream);
	return block;
}

static void prune_to(struct flame *flame, uint32_t limit)
{
	call_tree_prune(flame->tree, flame->report->profile->samples_count, limit > 1 ? limit : 1);
	free(flame->boxes);
	flame->boxes = flame_layout(flame->tree, &flame->report->symbols);
	flame->count = flame->tree->count;
	flame_measure_changes(flame);
}

char *flame_pack(struct flame *flame, size_t budget, size_t *bytes)
{
	char *block = pack_escaped(flame, bytes);

	while (*bytes > budget && flame->count > 2) {
		double fits = 0.95 * budget / *bytes;

		free(block);
		prune_to(flame, flame->count * fits);
		block = pack_escaped(flame, bytes);
	}
	return block;
}
