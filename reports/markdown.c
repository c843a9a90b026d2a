/* SPDX-License-Identifier: GPL-3.0-or-later */
/* markdown: see markdown.h. */
#include "reports/markdown.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Addresses become links by themselves. */
static bool begins_link(const char *text)
{
	return !strncmp(text, "://", 3) || !strncasecmp(text, "www.", 4);
}

/* Emphasis begins and ends at the edge of a word, so that an underscore within one is itself: GFM
 * 0.29, 6.4. */
static bool is_in_word(char before, char after)
{
	return isalnum((unsigned char)before) && isalnum((unsigned char)after);
}

static void write_escaped(char character, FILE *stream)
{
	if (character == '_')
		fputs("\\_", stream);
	else
		fprintf(stream, "&#%d;", (unsigned char)character);
}

void markdown_text(const char *text, FILE *stream)
{
	for (char before = '\0'; *text; before = *text++)
		if ((isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80 ||
		     strchr(" .:;,%+-/()?'\"{}^", *text) || (*text == '=' && before) ||
		     (*text == '_' && is_in_word(before, text[1]))) &&
		    !begins_link(text))
			fputc(*text, stream);
		else
			write_escaped(*text, stream);
}
