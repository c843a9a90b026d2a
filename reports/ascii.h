/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ascii: reports for terminals whose locale is not UTF-8, where "→" would come out as three wrong
 * letters.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Says whether the environment's locale has another character set than UTF-8. */
bool ascii_is_wanted(void);

/*
 * Returns a stream that passes text on to @below, each character beyond ASCII replaced by what
 * reads alike, or by "?". Tables stay aligned: what stands in cells becomes one character. Owned by
 * the caller; fclose does not close @below.
 */
FILE *ascii_open(FILE *below);
