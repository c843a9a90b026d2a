/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame_draw_change: what the static picture of a change has besides; see flame.h. */
#include "reports/flame.h"

#include "reports/amount.h"

static const double letter = 6.7; /* advance of a letter in the head, at most */

/* A change: new calls are striped, those that are gone crossed, whatever the colour, and grey and
 * striped those whose code has moved. */
void flame_draw_change_fill(const struct flame *flame, const struct flame_box *box, FILE *stream)
{
	const struct flame_node_change *change = &flame->changes[box->node];

	if (change->moved)
		fputs(" fill=\"url(#moved)\"", stream);
	else if (!change->base || !change->fresh)
		fputs(change->base ? " fill=\"url(#gone)\"" : " fill=\"url(#new)\"", stream);
	else
		fprintf(stream, " fill=\"#%06x\"", flame_change_colour(change));
}

/* "955 ms → 1.02 s, +6.3 %" */
static void write_change(const struct flame *flame, uint64_t base, uint64_t fresh, bool moved,
			 FILE *stream)
{
	const char *unit = flame->report->unit;
	double period = flame->report->period;
	char before[32], after[32];

	fprintf(stream, "%s → %s",
		amount_format((double)base * period, unit, before, sizeof(before)),
		amount_format((double)fresh * period, unit, after, sizeof(after)));
	if (base && fresh)
		fprintf(stream, ", %+.1f %%", 100 * ((double)fresh / (double)base - 1));
	else if (base || fresh)
		fputs(moved ? ", moved" : base ? ", gone" : ", new", stream);
}

void flame_draw_change_title(const struct flame *flame, const struct flame_box *box, FILE *stream)
{
	static const char *const certainties[] = {"not certain, or not tested", "p ≤ 0.2",
						  "p ≤ 0.05", "p ≤ 0.01", "p ≤ 0.001"};
	const struct flame_node_change *change = &flame->changes[box->node];

	fprintf(stream, "\ntotal per %s ", flame->options->change->per);
	write_change(flame, change->base, change->fresh, change->moved, stream);
	fprintf(stream, " (%s)", certainties[change->certainty]);
	/* Of what is hidden below a box it is not known to which side it belongs. */
	if (box->hidden.total)
		return;
	fputs("\nself ", stream);
	write_change(flame, change->base_self, change->fresh_self, change->moved, stream);
}

void flame_draw_change_patterns(FILE *stream)
{
	fputs("<pattern id=\"new\" width=\"6\" height=\"6\" "
	      "patternUnits=\"userSpaceOnUse\"><rect width=\"6\" height=\"6\" "
	      "fill=\"#fdb366\"/><path d=\"M0 6L6 0\" stroke=\"#ffffff90\" "
	      "stroke-width=\"1.6\"/></pattern>\n"
	      "<pattern id=\"gone\" width=\"6\" height=\"6\" "
	      "patternUnits=\"userSpaceOnUse\"><rect width=\"6\" height=\"6\" "
	      "fill=\"#98cae1\"/><path d=\"M0 0L6 6M0 6L6 0\" stroke=\"#777777\" "
	      "stroke-width=\".6\"/></pattern>\n"
	      "<pattern id=\"moved\" width=\"6\" height=\"6\" "
	      "patternUnits=\"userSpaceOnUse\"><rect width=\"6\" height=\"6\" "
	      "fill=\"#e4e4e4\"/><path d=\"M0 3H6\" stroke=\"#999999\" "
	      "stroke-width=\"1\"/></pattern>\n",
	      stream);
}

void flame_draw_change_legend(double x, double y, FILE *stream)
{
	static const struct {
		const char *fill, *says;
	} keys[] = {{"#364b9a", "half or less"},  {"#6ea6cd", "less"},
		    {"#e4e4e4", "not certain"},	  {"#f67e4b", "more"},
		    {"#a50026", "twice or more"}, {"url(#new)", "new"},
		    {"url(#gone)", "gone"},	  {"url(#moved)", "moved"}};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		fprintf(stream,
			"<rect x=\"%.0f\" y=\"%.0f\" width=\"11\" height=\"11\" fill=\"%s\"/>"
			"<text class=\"fg\" x=\"%.0f\" y=\"%.0f\">%s</text>\n",
			x, y - 10, keys[i].fill, x + 16, y, keys[i].says);
		x += letter * (double)strlen(keys[i].says) + 36;
	}
}
