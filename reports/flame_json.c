/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame_json: see flame_write_json in flame.h. */
#include "reports/flame.h"

#include "collector/base/xalloc.h"
#include "reports/export_rows.h"

#include <inttypes.h>

static void write_node(const struct report *report, const struct call_tree *tree,
		       const struct call_self *self, uint32_t id, FILE *stream)
{
	const struct call_node *node = &tree->nodes[id];
	const struct symbol *symbol = &report->symbols.symbols[node->symbol];

	if (id)
		fprintf(stream, ",\n{\"parent\":%" PRIu32 ",\"function\":", node->parent);
	else
		fputs("\n{\"parent\":null,\"function\":", stream);
	export_json_text(stream, id ? symbol->label : "all");
	fputs(",\"module\":", stream);
	export_json_text(stream, id ? report->profile->modules[symbol->module].path : "");
	fprintf(stream,
		",\"inlined\":%s,\"total\":%.0f,\"self\":%.0f,\"samples\":%" PRIu32
		",\"self_samples\":%" PRIu32 "}",
		node->inlined ? "true" : "false", (double)node->total * report->period,
		(double)self[id].total * report->period, node->samples, self[id].samples);
}

void flame_write_json(const struct report *report, FILE *stream)
{
	struct call_tree *tree = call_tree_build(
		report->profile,
		&(struct call_tree_options){.metric = report->metric, .separate_inlined = true});
	struct call_self *self = call_tree_self(tree);

	fputs("{\"schema\":\"simprof/flame-v1\",\n\"program\":", stream);
	export_json_text(stream, report_program(report));
	fputs(",\n\"metric\":", stream);
	export_json_text(stream, report->metric_name);
	fputs(",\n\"unit\":", stream);
	export_json_text(stream, report->unit);
	if (report->selection) {
		fputs(",\n\"selection\":", stream);
		export_json_text(stream, report->selection);
	}
	fputs(",\n\"nodes\":[", stream);
	for (uint32_t id = 0; id < tree->count; id++)
		write_node(report, tree, self, id, stream);
	fputs("]}\n", stream);
	free(self);
	call_tree_free(tree);
}
