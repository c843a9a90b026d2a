/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * engine_check: whether the values of a description (engine.h) are such as they have to be.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Returns false with a sentence in @wrong when one is not. */
bool engine_check(const json_t *engine, char *wrong, size_t bytes);
