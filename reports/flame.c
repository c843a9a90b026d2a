/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame: puts the picture, the data and the viewer together; see flame.h. */
#include "reports/flame.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/embed.h"
#include "reports/metric.h"
#include "reports/svg.h"

/* The viewer's files, as they are; its script is one scope in several files, in reading order. */
EMBED(viewer_css, ".ascii \"\\n\"\n" EMBED_FILE("viewer.css"));
EMBED(viewer_js, ".ascii \"\\n\"\n" EMBED_FILE("viewer_tree.js") EMBED_FILE("viewer_state.js")
			 EMBED_FILE("viewer_search.js") EMBED_FILE("viewer_draw.js")
				 EMBED_FILE("viewer_words.js") EMBED_FILE("viewer_scene.js")
					 EMBED_FILE("viewer_twin.js") EMBED_FILE("viewer_table.js")
						 EMBED_FILE("viewer_change.js"));

static const uint32_t bytes_of_node = 5; /* more nodes than one in so many bytes never fit */

static char *make_title(const struct report *report, uint64_t value, uint32_t samples)
{
	char amount[32];
	const char *program = report_program(report);

	if (!report->trust.samples)
		return xasprintf("%s · no samples", *program ? program : "profile");
	amount_format(value * report->period, report->unit, amount, sizeof(amount));
	if (metric_has_amounts(report->profile, report->metric))
		return xasprintf("%s · %s of %s%s%s", *program ? program : "profile", amount,
				 report->metric_name, report->selection ? " · " : "",
				 report->selection ? report->selection : "");
	return xasprintf("%s · %s of %s in %u samples%s%s", *program ? program : "profile", amount,
			 report->metric_name, samples, report->selection ? " · " : "",
			 report->selection ? report->selection : "");
}

/* "sim · cpu per run: 955 ms → 1.02 s, +6.3 %, 8 base and 8 new runs" */
static char *make_change_title(const struct flame *flame)
{
	const struct flame_node_change *all = &flame->changes[0];
	const struct flame_change *change = flame->options->change;
	const char *unit = flame->report->unit, *program = report_program(flame->report);
	double period = flame->report->period;
	char base[32], fresh[32];

	return xasprintf("%s · %s per %s: %s → %s, %+.1f %%, %u base and %u new runs",
			 *program ? program : "profile", flame->report->metric_name, change->per,
			 amount_format((double)all->base * period, unit, base, sizeof(base)),
			 amount_format((double)all->fresh * period, unit, fresh, sizeof(fresh)),
			 100 * ((double)all->fresh / (double)all->base - 1), change->base_runs,
			 change->fresh_runs);
}

void flame_measure_changes(struct flame *flame)
{
	free(flame->changes);
	flame->changes = NULL;
	if (flame->options->change)
		flame->changes = flame_change_measure(flame->options->change, flame->tree);
}

static void make_labels(struct flame *flame)
{
	const struct symbol_table *symbols = &flame->report->symbols;

	flame->labels = xcalloc(symbols->count, sizeof(*flame->labels));
	for (uint32_t i = 0; i < flame->tree->count; i++) {
		uint32_t symbol = flame->tree->nodes[i].symbol;

		if (!flame->labels[symbol])
			flame->labels[symbol] = text_clean(
				&flame->memory, symbols->symbols[symbol].label, FLAME_NAME_LIMIT);
	}
}

static size_t bytes_of(const struct flame_options *options)
{
	return options->bytes ? options->bytes : FLAME_BYTES;
}

static void flame_init(struct flame *flame, const struct report *report,
		       const struct flame_options *options)
{
	char *title;

	*flame = (struct flame){.report = report, .options = options};
	obstack_init(&flame->memory);
	flame->tree = call_tree_build(
		report->profile,
		&(struct call_tree_options){.metric = report->metric, .separate_inlined = true});
	component_table_init(&flame->components, report, flame->tree);
	call_tree_prune(flame->tree, report->profile->samples_count,
			(uint32_t)(bytes_of(options) / bytes_of_node));
	flame->boxes = flame_layout(flame->tree, &report->symbols);
	flame->count = flame->tree->count;
	make_labels(flame);
	flame_measure_changes(flame);
	if (options->title)
		title = xstrdup(options->title);
	else if (flame->changes)
		title = make_change_title(flame);
	else
		title = make_title(report, flame->tree->nodes[0].total,
				   flame->tree->nodes[0].samples);
	flame->title = (char *)text_clean(&flame->memory, title, 120);
	free(title);
}

static void flame_done(struct flame *flame)
{
	component_table_done(&flame->components);
	call_tree_free(flame->tree);
	free(flame->boxes);
	free(flame->labels);
	free(flame->changes);
	obstack_free(&flame->memory, NULL);
}

const char *flame_style(void)
{
	return viewer_css;
}

const char *flame_script(void)
{
	return viewer_js;
}

void flame_write(const struct report *report, const struct flame_options *options, FILE *stream)
{
	size_t picture_bytes, data_bytes, used;
	char *picture = NULL, *data;
	struct flame flame;
	FILE *memory = xalloc_checked(open_memstream(&picture, &picture_bytes));

	flame_init(&flame, report, options);
	flame_draw(&flame, memory);
	fclose(memory);
	used = picture_bytes + strlen(viewer_css) + strlen(viewer_js) + 400;
	data = flame_pack(&flame, bytes_of(options) - used, &data_bytes);
	fwrite(picture, 1, picture_bytes, stream);
	fprintf(stream, "<script type=\"application/json\" id=\"profile\">");
	fwrite(data, 1, data_bytes, stream);
	fprintf(stream,
		"</script>\n<style><![CDATA[%s]]></style>\n<script><![CDATA[%s]]></script>\n"
		"</svg>\n",
		viewer_css, viewer_js);
	free(picture);
	free(data);
	flame_done(&flame);
}
