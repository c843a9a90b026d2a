/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steps_write: steps as text for people, as JSON, and as folded stacks of slow and typical steps.
 */
#pragma once

#include "reports/steps_contrast.h"

/* Compare the clearest rhythm of @steps at first, as at the end, and all in between. */
void steps_write_text(const struct report *report, struct steps *steps,
		      const struct steps_contrast *contrast, uint32_t limit, FILE *stream);
void steps_write_json(const struct report *report, struct steps *steps,
		      const struct steps_contrast *contrast, uint32_t limit, FILE *stream);

/*
 * Writes "stack typical slow", one stack a line, in nanoseconds (or cycles) per thousand steps: the
 * input of difffolded and of other tools for differential flame graphs.
 */
void steps_write_folded(const struct report *report, const struct steps_contrast *contrast,
			FILE *stream);
