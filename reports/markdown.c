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

void markdown_text(const char *text, FILE *stream)
{
	for (; *text; text++)
		if ((isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80 ||
		     strchr(" .:;,%+-/()", *text)) &&
		    !begins_link(text))
			fputc(*text, stream);
		else
			fprintf(stream, "&#%d;", (unsigned char)*text);
}
