/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * comparison_write: a comparison as text, Markdown and JSON; all of the same numbers.
 */
#pragma once

#include "reports/comparison.h"

#include <jansson.h>

/*
 * Writes text for people: the verdict in one sentence, how far it may be trusted, and a table.
 *
 * @limit           rows of the table
 * @width, @colour  as for table_write
 */
void comparison_write(const struct comparison *comparison, size_t limit, FILE *stream, int width,
		      bool colour);

/*
 * Writes GitHub-flavoured Markdown. Names are written so that they can be neither HTML, links,
 * mentions nor cells. The first line is a comment for machines that look for their own report.
 */
void comparison_write_markdown(const struct comparison *comparison, size_t limit, FILE *stream);

/* Returns everything; owned by the caller. Ratios are new / base - 1; null stands for "cannot be
 * told" and for no bound. */
json_t *comparison_json(const struct comparison *comparison);

enum {
	COMPARISON_SENTENCE = 512
};

/* Writes the verdict on one row in words, without the name. Returns @text. */
const char *comparison_sentence(const struct comparison *comparison,
				const struct comparison_row *row, char text[COMPARISON_SENTENCE]);

/* What a row is about: a function's name, "total" or "all N others". Returns @text or the name. */
const char *comparison_row_name(const struct comparison *comparison,
				const struct comparison_row *row, char text[64]);

/* Writes a change of a logarithm as a percentage, "+6.2 %"; "×31" for large ones. Returns @text. */
const char *comparison_percent(double logarithm, char text[32]);

/* What stands for the percentage of a change that has none, or none that fits what it is of: "new",
 * "removed", "from 0", "to 0", "few samples"; else NULL. */
const char *comparison_instead_of_change(const struct comparison_row *row);

/* Writes where the code of a row went, or what would settle it; "" when there is nothing to say.
 * Returns @text. */
const char *comparison_remark(const struct comparison *comparison, const struct comparison_row *row,
			      char text[COMPARISON_SENTENCE]);

/* Calls @say with each sentence on how far the comparison may be trusted: what was found, how many
 * runs, what they would have seen, what to beware of. */
void comparison_trust(const struct comparison *comparison,
		      void (*say)(void *context, const char *text), void *context);
