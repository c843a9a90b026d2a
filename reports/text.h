/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * text: names from a profile are any bytes; what we write is UTF-8.
 */
#pragma once

#include "collector/base/xalloc.h"

#include <jansson.h>
#include <obstack.h>

#define obstack_chunk_alloc xmalloc
#define obstack_chunk_free  free

/*
 * Returns @text as valid UTF-8 without control characters: a line break or tab becomes a space, as
 * in the commands of scripts, each other offending byte U+FFFD.
 * Text longer than @limit bytes (0: no limit) keeps its head and its tail around "…".
 * The copy lives in @memory.
 */
const char *text_clean(struct obstack *memory, const char *text, size_t limit);

/* The same with "?" for each offending byte: for terminals and for formats of other tools. */
const char *text_plain(struct obstack *memory, const char *text, size_t limit);

/* Returns @text, cleaned so, as a JSON string, which the caller releases. */
json_t *text_json(const char *text);
