/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * document_sections: sections of a recording's report about what was recorded beside samples. Each
 * appends its section; one that has nothing to say says that it was not measured, and what would.
 */
#pragma once

#include "reports/document.h"

/* Figures of the whole run: times, samples, memory at its most. */
void document_add_figures(json_t *document, const struct report *report);

/* A cell with the file and @line of a symbol, as far as they are known. */
void document_place(const struct report *report, uint32_t symbol, uint32_t line, json_t *row);

/* The hottest lines. */
void document_add_lines(json_t *document, const struct report *report,
			const struct document_options *options);

/* Components with what costs in them. @functions  all, by self cost */
void document_add_matrix(json_t *document, const struct report *report,
			 const struct functions *functions);

void document_add_durations(json_t *document, const struct report *report);
void document_add_steps(json_t *document, const struct report *report);
void document_add_memory(json_t *document, const struct report *report);
void document_add_waits(json_t *document, const struct report *report);
/* Three: locks, files, SQL statements. */
void document_add_operations(json_t *document, const struct report *report);

void document_add_series(json_t *document, const struct report *report);

/*
 * Of a comparison: lines, durations, memory, scaling and matrix of the first recordings of both
 * sides. @scaling  as in document.h
 */
void document_add_sides(json_t *document, const struct report *base, const struct report *fresh,
			const json_t *scaling);
