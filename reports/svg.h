/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * svg: text inside XML.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/*
 * Writes clean UTF-8 (text_clean) so that it means itself in element content. Not for attributes:
 * quotes are written as they are.
 */
void svg_text(FILE *stream, const char *text, size_t bytes);

/* The same of a whole string. */
void svg_string(FILE *stream, const char *text);

/* The same inside an attribute's double quotes. */
void svg_attribute(FILE *stream, const char *text);

/* Writes a coordinate with at most two decimals, none that are zero. */
void svg_number(FILE *stream, double number);
