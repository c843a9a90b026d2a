/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame_draw_head: what stands above the boxes, and the patterns of components; see flame.h. */
#include "reports/flame.h"

#include "reports/svg.h"

static const double head_letter = 6.7; /* advance of a letter, pixels, at most */

void flame_draw_patterns(const struct flame *flame, FILE *stream)
{
	static const char *const marks[] = {
		[COMPONENT_STRIPES] = "M0 6L6 0",
		[COMPONENT_DOTS] = "M1.5 1.5h1.5M4.5 4.5h1.5",
		[COMPONENT_HATCH] = "M0 0L6 6M0 6L6 0",
	};

	fputs("<defs>\n", stream);
	if (flame->changes)
		flame_draw_change_patterns(stream);
	for (int i = 0; i < flame->components.count; i++) {
		const struct component *component = &flame->components.rows[i];

		if (!component->pattern)
			continue;
		fprintf(stream,
			"<pattern id=\"c%d\" width=\"6\" height=\"6\" "
			"patternUnits=\"userSpaceOnUse\"><rect width=\"6\" height=\"6\" "
			"fill=\"%s\"/>"
			"<path d=\"%s\" stroke=\"%s\" stroke-width=\"%s\"/></pattern>\n",
			i, component->fill[0], marks[component->pattern],
			component->pattern == COMPONENT_STRIPES ? "#ffffff70" : "#777777",
			component->pattern == COMPONENT_DOTS	  ? "1.2"
			: component->pattern == COMPONENT_STRIPES ? "1.6"
								  : "0.6");
	}
	fputs("</defs>\n", stream);
}

/* Where the next piece of running text goes. */
struct flow {
	FILE *stream;
	double x, y;
};

static void flow_place(struct flow *flow, double width)
{
	if (flow->x > FLAME_MARGIN && flow->x + width > FLAME_WIDTH - FLAME_MARGIN) {
		flow->x = FLAME_MARGIN;
		flow->y += FLAME_ROW;
	}
}

static double width_of(const char *string)
{
	int characters = 0;

	for (; *string; string++)
		characters += (*string & 0xc0) != 0x80;
	return characters * head_letter;
}

static void draw_trust(const struct flame *flame, struct flow *flow)
{
	const struct trust *trust = &flame->report->trust;
	struct obstack memory;

	obstack_init(&memory);
	for (int i = 0; i < trust->count; i++) {
		const char *item = text_clean(&memory, trust->items[i].text, 170);

		flow_place(flow, width_of(item));
		fprintf(flow->stream, "<text x=\"%.0f\" y=\"%.0f\" %s>%s", flow->x, flow->y,
			trust->items[i].bad ? "class=\"bad\" fill=\"#b3261e\" font-weight=\"bold\""
					    : "class=\"muted\" fill=\"#59636e\"",
			trust->items[i].bad ? "⚠ " : "");
		svg_string(flow->stream, item);
		fputs("</text>\n", flow->stream);
		flow->x += width_of(item) + (trust->items[i].bad ? 32 : 16);
	}
	obstack_free(&memory, NULL);
	flow->x = FLAME_MARGIN;
	flow->y += FLAME_ROW + 4;
}

static void draw_legend(const struct flame *flame, struct flow *flow)
{
	for (int i = 0; i < flame->components.count; i++) {
		const struct component *component = &flame->components.rows[i];
		char share[64];

		snprintf(share, sizeof(share), "%s %d.%d %%", component->name,
			 component->tenths / 10, component->tenths % 10);
		flow_place(flow, width_of(share) + 16);
		fprintf(flow->stream,
			"<rect x=\"%.0f\" y=\"%.0f\" width=\"11\" height=\"11\" fill=\"", flow->x,
			flow->y - 10);
		if (component->pattern)
			fprintf(flow->stream, "url(#c%d)\"/>", i);
		else
			fprintf(flow->stream, "%s\"/>", component->fill[0]);
		fprintf(flow->stream, "<text class=\"fg\" x=\"%.0f\" y=\"%.0f\">", flow->x + 16,
			flow->y);
		svg_string(flow->stream, share);
		fputs("</text>\n", flow->stream);
		flow->x += width_of(share) + 36;
	}
	flow->x = FLAME_MARGIN;
	flow->y += FLAME_ROW;
}

static void draw_empty(const struct flame *flame, const struct flow *flow)
{
	struct obstack memory;
	char why[600];

	obstack_init(&memory);
	fprintf(flow->stream,
		"<text class=\"fg\" x=\"%d\" y=\"%.0f\" font-size=\"15\">no samples: ",
		FLAME_MARGIN, flow->y + 16);
	report_why_empty(flame->report, why, sizeof(why));
	svg_string(flow->stream, text_clean(&memory, why, 140));
	fputs("</text>\n", flow->stream);
	obstack_free(&memory, NULL);
}

double flame_draw_head(const struct flame *flame, FILE *stream)
{
	struct flow flow = {stream, FLAME_MARGIN, 66};
	struct obstack memory;

	obstack_init(&memory);
	fputs("<g font-family=\"system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif\" "
	      "font-size=\"12\" fill=\"#1f2328\">\n",
	      stream);
	fprintf(stream,
		"<text class=\"fg\" x=\"%d\" y=\"26\" font-size=\"18\" "
		"font-weight=\"600\">",
		FLAME_MARGIN);
	svg_string(stream, flame->title);
	fprintf(stream,
		"</text>\n<text class=\"fg\" x=\"%d\" y=\"46\" "
		"font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\">",
		FLAME_MARGIN);
	svg_string(stream,
		   text_clean(&memory, report_command(flame->report), REPORT_COMMAND_LIMIT));
	fputs("</text>\n", stream);
	obstack_free(&memory, NULL);
	draw_trust(flame, &flow);
	if (flame->changes) {
		flame_draw_change_legend(flow.x, flow.y, stream);
		flow.y += FLAME_ROW;
	}
	if (flame->boxes[0].total)
		draw_legend(flame, &flow);
	else
		draw_empty(flame, &flow);
	fputs("</g>\n", stream);
	return flow.y;
}
