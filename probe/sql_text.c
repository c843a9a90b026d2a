/* SPDX-License-Identifier: MIT */
/* sql_text: see sql_text.h. Source: sqlite.org/lang_expr.html, lang_keywords.html,
 * lang_comment.html. */
#include "probe/sql_text.h"

#include <stdbool.h>

struct reading {
	const char *at, *end;
	char *text;
	uint32_t used, room;
	bool is_apart; /* a blank is due before what comes next */
	char last;     /* put, but for blanks */
	bool awaits;   /* a value: the last word is one that has an expression behind it */
};

static inline char look(const struct reading *reading, uint32_t ahead)
{
	return (uint64_t)(reading->end - reading->at) > ahead ? reading->at[ahead] : '\0';
}

static inline bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c & (char)0x80;
}

static void put(struct reading *reading, char c)
{
	if (c != ' ')
		reading->last = c;
	if (reading->used < reading->room)
		reading->text[reading->used] = c;
	reading->used++;
}

static void begin(struct reading *reading)
{
	if (reading->is_apart && reading->used)
		put(reading, ' ');
	reading->is_apart = false;
}

/* Passes over blanks and comments; returns whether there were any. */
static bool skip_blank(struct reading *reading)
{
	char first = look(reading, 0), second = look(reading, 1);

	if (is_blank(first)) {
		reading->at++;
	} else if (first == '-' && second == '-') {
		while (look(reading, 0) && look(reading, 0) != '\n')
			reading->at++;
	} else if (first == '/' && second == '*') {
		reading->at += 2;
		while (look(reading, 0) && !(look(reading, 0) == '*' && look(reading, 1) == '/'))
			reading->at++;
		reading->at += look(reading, 0) ? 2 : 0;
	} else {
		return false;
	}
	reading->is_apart = true;
	return true;
}

/* Passes over what stands between two marks, which is doubled inside; copies it where wanted. */
static void quoted(struct reading *reading, char mark, bool is_kept)
{
	bool is_over = false;

	if (is_kept)
		put(reading, *reading->at);
	reading->at++;
	while (!is_over && look(reading, 0)) {
		is_over = look(reading, 0) == mark && look(reading, 1) != mark;
		if (look(reading, 0) == mark && !is_over) {
			if (is_kept)
				put(reading, mark);
			reading->at++;
		}
		if (is_kept)
			put(reading, look(reading, 0));
		reading->at++;
	}
}

static void number(struct reading *reading)
{
	bool is_hex = look(reading, 0) == '0' && (look(reading, 1) | 0x20) == 'x';

	while (is_word(look(reading, 0)) || look(reading, 0) == '.') {
		bool is_exponent = !is_hex && (look(reading, 0) | 0x20) == 'e';

		reading->at++;
		if (is_exponent && (look(reading, 0) == '+' || look(reading, 0) == '-'))
			reading->at++;
	}
	put(reading, '?');
}

static void parameter(struct reading *reading)
{
	reading->at++;
	while (is_word(look(reading, 0)))
		reading->at++;
	put(reading, '?');
}

/* Says whether a word, in whatever case, is one behind which an expression begins. */
static bool is_awaiting(const char *word, uint64_t bytes)
{
	static const char words[][10] = {
		"select",    "distinct", "all",	   "where",  "having", "by",	"limit", "offset",
		"between",   "and",	 "or",	   "not",    "when",   "then",	"else",	 "case",
		"is",	     "in",	 "like",   "glob",   "regexp", "match", "set",	 "on",
		"returning", "default",	 "values", "escape", "from",
	};

	for (uint32_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		uint64_t at = 0;

		while (at < bytes && words[i][at] && (word[at] | 0x20) == words[i][at])
			at++;
		if (at == bytes && !words[i][at])
			return true;
	}
	return false;
}

static void word(struct reading *reading)
{
	const char *start = reading->at;

	while (is_word(look(reading, 0)) || look(reading, 0) == '$')
		put(reading, *reading->at++);
	reading->awaits = is_awaiting(start, (uint64_t)(reading->at - start));
}

/* Says whether what comes next is the sign of a number, and no operator: where none can stand. */
static bool is_sign(const struct reading *reading)
{
	static const char before[] = "(,=<>+-*/%|&~";
	char second = look(reading, 1);
	bool is_behind = reading->awaits;

	if ((look(reading, 0) != '-' && look(reading, 0) != '+') ||
	    !(is_digit(second) || (second == '.' && is_digit(look(reading, 2)))))
		return false;
	for (uint32_t i = 0; i < sizeof(before) - 1; i++)
		is_behind = is_behind || reading->last == before[i];
	return is_behind;
}

static void token(struct reading *reading)
{
	char first, second;

	if (is_sign(reading))
		reading->at++;
	reading->awaits = false;
	first = look(reading, 0);
	second = look(reading, 1);
	begin(reading);
	if (first == '\'') {
		quoted(reading, '\'', false);
		put(reading, '?');
	} else if ((first | 0x20) == 'x' && second == '\'') {
		reading->at++;
		quoted(reading, '\'', false);
		put(reading, '?');
	} else if (first == '"' || first == '`') {
		quoted(reading, first, true);
	} else if (first == '[') {
		quoted(reading, ']', true);
	} else if (is_digit(first) || (first == '.' && is_digit(second))) {
		number(reading);
	} else if (first == '?' ||
		   ((first == ':' || first == '@' || first == '$') && is_word(second))) {
		parameter(reading);
	} else if (is_word(first)) {
		word(reading);
	} else {
		put(reading, first);
		reading->at++;
	}
}

uint32_t sql_text(const char *statement, uint64_t bytes, char *text, uint32_t room)
{
	struct reading reading = {.at = statement, .end = statement, .text = text, .room = room};

	while (bytes-- && *reading.end)
		reading.end++;
	while (look(&reading, 0))
		if (!skip_blank(&reading))
			token(&reading);
	if (reading.used > room) {
		for (uint32_t i = 0; i < 3 && i < room; i++)
			text[room - 1 - i] = '.';
		return room;
	}
	while (reading.used && (text[reading.used - 1] == ';' || text[reading.used - 1] == ' '))
		reading.used--;
	return reading.used;
}
