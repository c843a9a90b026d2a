/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * amount: numbers with their unit as people read them.
 */
#pragma once

#include <stddef.h>

/*
 * Writes @amount of @unit with three significant digits and a prefix: "1.23 s" for ns,
 * "12.3 M cycles", "4.56 MiB" for bytes. Returns @text.
 */
const char *amount_format(double amount, const char *unit, char *text, size_t bytes);

/*
 * Writes @number >= 0 with two significant digits, whole from ten on, never with an exponent;
 * "under 0.001" when it is. Returns @text.
 */
const char *amount_brief(double number, char *text, size_t bytes);

/* Writes a share as a percentage with no more digits than @half_width, also a share, supports. */
const char *amount_percent(double share, double half_width, char *text, size_t bytes);
