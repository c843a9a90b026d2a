/* SPDX-License-Identifier: GPL-3.0-or-later */
/* top_screen: the terminal of `collector top`, by ncurses(3). */
#pragma once

#include "collector/base/error.h"

#include <stdbool.h>

struct top_screen;

enum top_key {
	TOP_KEY_NONE, /* nothing was typed */
	TOP_KEY_QUIT, /* q, or the terminal is gone */
	TOP_KEY_SELF,
	TOP_KEY_TOTAL,
	TOP_KEY_REDRAW, /* the terminal has another size */
};

/* Takes the terminal of standard input and output. Returns NULL with @error when its type is not
 * known. It must be given back, whatever happens. */
struct top_screen *top_screen_open(struct error *error);
void top_screen_close(struct top_screen *screen); /* accepts NULL */

int top_screen_columns(const struct top_screen *screen);
int top_screen_rows(const struct top_screen *screen);

/* Shows lines of text, each ended by a newline; what does not fit is cut. @heading stands out. */
void top_screen_show(struct top_screen *screen, const char *text, int heading);

/* Returns the next key that was typed; never waits. */
enum top_key top_screen_key(struct top_screen *screen);
