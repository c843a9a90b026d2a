/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ascii: see ascii.h. */
#include "reports/ascii.h"

#include "collector/base/xalloc.h"

#include <langinfo.h>
#include <locale.h>

bool ascii_is_wanted(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is_wanted = true;

	if (!locale)
		return true;
	is_wanted = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") != 0;
	freelocale(locale);
	return is_wanted;
}

struct ascii {
	FILE *below;
	char open[5]; /* a character whose end has not come yet */
	size_t bytes;
};

static const char *alike(const char *character)
{
	static const char *const pairs[][2] = {
		{"…", "~"},  {"·", "|"},  {"→", ">"},  {"←", "<"},  {"±", "+-"},    {"≈", "~"},
		{"≤", "<="}, {"≥", ">="}, {"−", "-"},  {"–", "-"},  {"—", "-"},	    {"─", "-"},
		{"×", "x"},  {"µ", "u"},  {"²", "^2"}, {"³", "^3"}, {"√", "sqrt "}, {"⚠", "!"},
		{"▲", "^"},  {"▼", "v"},  {"◆", "*"},  {"█", "#"},  {"▇", "#"},	    {"▆", "+"},
		{"▅", "+"},  {"▄", "-"},  {"▃", "-"},  {"▂", "_"},  {"▁", "_"}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (!strcmp(pairs[i][0], character))
			return pairs[i][1];
	return "?";
}

static void end_character(struct ascii *ascii)
{
	if (!ascii->bytes)
		return;
	ascii->open[ascii->bytes] = '\0';
	fputs(alike(ascii->open), ascii->below);
	ascii->bytes = 0;
}

static ssize_t pass_on(void *cookie, const char *text, size_t bytes)
{
	struct ascii *ascii = cookie;

	for (size_t i = 0; i < bytes; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte < 0x80 || byte >= 0xc0 || ascii->bytes == sizeof(ascii->open) - 1)
			end_character(ascii);
		if (byte < 0x80)
			fputc(byte, ascii->below);
		else
			ascii->open[ascii->bytes++] = text[i];
	}
	return ferror(ascii->below) ? -1 : (ssize_t)bytes;
}

static int end(void *cookie)
{
	end_character(cookie);
	free(cookie);
	return 0;
}

FILE *ascii_open(FILE *below)
{
	struct ascii *ascii = xcalloc(1, sizeof(*ascii));

	ascii->below = below;
	return xalloc_checked(
		fopencookie(ascii, "w", (cookie_io_functions_t){.write = pass_on, .close = end}));
}
