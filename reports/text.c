/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text: see text.h. */
#include "reports/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char ellipsis[] = "\xe2\x80\xa6";

/* U+2028 ... U+202E and U+2066 ... U+2069 break lines and turn the direction of what follows. */
static bool is_layout(uint32_t point)
{
	return (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

/* Code points that XML 1.0 has and that show as something. */
static bool is_printable(uint32_t point)
{
	return point >= 0x20 && !is_layout(point) && !(point >= 0x7f && point < 0xa0) &&
	       !(point >= 0xd800 && point < 0xe000) && point != 0xfffe && point != 0xffff &&
	       point < 0x110000;
}

/* Returns the bytes of the valid printable character at @text, 0 when it is none. */
static int character_bytes(const unsigned char *text)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	int bytes = *text < 0x80       ? 1
		    : *text >> 5 == 6  ? 2
		    : *text >> 4 == 14 ? 3
		    : *text >> 3 == 30 ? 4
				       : 0;
	uint32_t point;

	if (bytes < 2)
		return bytes && is_printable(*text) ? bytes : 0;
	point = *text & (0xff >> (bytes + 1));
	for (int i = 1; i < bytes; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3f);
	}
	return point >= smallest[bytes] && is_printable(point) ? bytes : 0;
}

static bool is_continuation(char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Cuts the middle out of the finished, valid text of @bytes bytes. */
static const char *shorten(struct obstack *memory, char *text, size_t bytes, size_t limit)
{
	size_t head = limit * 2 / 3, tail = bytes - (limit - head - strlen(ellipsis));

	while (head && is_continuation(text[head]))
		head--;
	while (is_continuation(text[tail]))
		tail++;
	obstack_grow(memory, text, head);
	obstack_grow(memory, ellipsis, strlen(ellipsis));
	obstack_grow0(memory, text + tail, bytes - tail);
	return obstack_finish(memory);
}

static const char *clean_with(const char *replacement, struct obstack *memory, const char *text,
			      size_t limit)
{
	size_t bytes;
	char *clean;

	while (*text) {
		int count = character_bytes((const unsigned char *)text);

		if (count)
			obstack_grow(memory, text, count);
		else if (*text == '\n' || *text == '\t')
			obstack_1grow(memory, ' ');
		else
			obstack_grow(memory, replacement, strlen(replacement));
		text += count ? count : 1;
	}
	obstack_1grow(memory, '\0');
	bytes = obstack_object_size(memory) - 1;
	clean = obstack_finish(memory);
	return limit && bytes > limit ? shorten(memory, clean, bytes, limit) : clean;
}

const char *text_clean(struct obstack *memory, const char *text, size_t limit)
{
	return clean_with("\xef\xbf\xbd", memory, text, limit); /* U+FFFD */
}

const char *text_plain(struct obstack *memory, const char *text, size_t limit)
{
	return clean_with("?", memory, text, limit);
}

json_t *text_json(const char *text)
{
	struct obstack memory;
	json_t *json;

	obstack_init(&memory);
	json = json_string(text_clean(&memory, text, 0));
	obstack_free(&memory, NULL);
	return json;
}
