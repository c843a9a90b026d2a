/* SPDX-License-Identifier: MIT */
/*
 * sql_text: SQL statements without what differs from one execution to the next: each literal and
 * parameter is a "?", blanks are single, comments and the final semicolon are gone.
 */
#pragma once

#include <stdint.h>

/*
 * @statement  zero-ended, or @bytes of it
 * @text       receives it, without a zero; what is longer than @room ends with "..."
 * Returns its length in bytes. Reads SQLite's dialect: 'it''s', x'00', "name", [name], `name`, ?1,
 * :name, @name, $name, 0x1f, 1.5e-3, -- and C comments.
 */
uint32_t sql_text(const char *statement, uint64_t bytes, char *text, uint32_t room);
