/* SPDX-License-Identifier: GPL-3.0-or-later */
/* top_screen: see top_screen.h. Source: ncurses(3X). */
#include "collector/top_screen.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <locale.h>
#include <ncurses.h>

struct top_screen {
	SCREEN *terminal;
};

struct top_screen *top_screen_open(struct error *error)
{
	struct top_screen *screen;
	SCREEN *terminal;

	setlocale(LC_CTYPE, "");
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		fail(error, -ENOTTY,
		     "this terminal is of an unknown type (TERM=%s); use --batch N for plain text",
		     getenv("TERM") ? getenv("TERM") : "");
		return NULL;
	}
	screen = xmalloc(sizeof(*screen));
	screen->terminal = terminal;
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	return screen;
}

void top_screen_close(struct top_screen *screen)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen->terminal);
	free(screen);
}

int top_screen_columns(const struct top_screen *screen)
{
	(void)screen;
	return COLS;
}

int top_screen_rows(const struct top_screen *screen)
{
	(void)screen;
	return LINES;
}

void top_screen_show(struct top_screen *screen, const char *text, int heading)
{
	int row = 0;

	(void)screen;
	erase();
	for (const char *end; row < LINES && (end = strchr(text, '\n')); row++, text = end + 1) {
		attrset(row == heading ? A_REVERSE : row == 0 ? A_BOLD : A_NORMAL);
		mvaddnstr(row, 0, text, (int)(end - text));
	}
	attrset(A_NORMAL);
	refresh();
}

enum top_key top_screen_key(struct top_screen *screen)
{
	(void)screen;
	switch (getch()) {
	case 'q':
	case 'Q':
		return TOP_KEY_QUIT;
	case 's':
		return TOP_KEY_SELF;
	case 't':
		return TOP_KEY_TOTAL;
	case KEY_RESIZE:
		return TOP_KEY_REDRAW;
	default:
		return TOP_KEY_NONE;
	}
}
