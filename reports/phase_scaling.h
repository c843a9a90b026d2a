/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_scaling: the section of phase 4 about one sweep: what things cost at the smallest and at
 * the largest size, how that grows, and the limits that follow.
 */
#pragma once

#include <jansson.h>

/* Appends what scaling_json made of a sweep. */
void phase_add_scaling(json_t *document, const char *id, const char *title, const json_t *scaling);
