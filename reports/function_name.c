/* SPDX-License-Identifier: GPL-3.0-or-later */
/* function_name: see function_name.h. */
#include "reports/function_name.h"

#include "collector/base/xalloc.h"
#include "reports/text.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

static const char anonymous[] = "(anonymous namespace)";

static bool is_letter(char letter)
{
	return isalnum((unsigned char)letter) || letter == '_';
}

/* Returns where the name of an operator ends that begins at @at, NULL when none does: what stands
 * for it are no brackets. */
static const char *operator_end(const char *name, const char *at)
{
	if (strncmp(at, "operator", 8) != 0 || is_letter(at[8]) || (at > name && is_letter(at[-1])))
		return NULL;
	at += 8;
	if (!strncmp(at, "()", 2) || !strncmp(at, "[]", 2))
		return at + 2;
	if (*at == ' ') /* new, delete, a type */
		return at + strcspn(at, "(");
	return at + strspn(at, "<>=!+-*/%^&|~,");
}

/* Returns what follows the parameters that begin at @at, NULL when they are not closed. */
static const char *skip_parameters(const char *at)
{
	int depth = 0;

	for (; *at; at++) {
		depth += (*at == '(') - (*at == ')');
		if (!depth)
			return at + 1;
	}
	return NULL;
}

struct plain {
	char *text;
	size_t bytes;
	int depth;	/* of brackets */
	bool arguments; /* of templates stay */
};

static const char *keep(struct plain *plain, const char *at, const char *end)
{
	memcpy(plain->text + plain->bytes, at, (size_t)(end - at));
	plain->bytes += (size_t)(end - at);
	return end;
}

/* Takes one letter of what stands in brackets, or such a bracket. */
static void take_bracketed(struct plain *plain, const char *at)
{
	bool closes = plain->depth && *at == '>' && at[-1] != '-';

	plain->depth += *at == '<';
	if (plain->arguments)
		keep(plain, at, at + 1);
	plain->depth -= closes;
}

/* Takes what begins at @at, outside of brackets. Returns what follows, NULL at the end. */
static const char *take_part(struct plain *plain, const char *name, const char *at)
{
	const char *end = operator_end(name, at);

	if (end)
		return keep(plain, at, end);
	if (!strncmp(at, anonymous, sizeof(anonymous) - 1))
		return keep(plain, at, at + sizeof(anonymous) - 1);
	if (*at == '{' && (end = strchr(at, '}'))) /* {lambda(int)#1} */
		return keep(plain, at, end + 1);
	if (*at == '(') { /* parameters; of a function that has this one in it they are passed */
		end = skip_parameters(at);
		if (end && !strncmp(end, " const::", 8))
			end += 6;
		return end && !strncmp(end, "::", 2) ? end : NULL;
	}
	if (*at == ' ' && at[1] != '<') /* what came before is a result; else "operator< <int>" */
		plain->bytes = 0;
	else if (*at != ' ')
		keep(plain, at, at + 1);
	return at + 1;
}

/* Returns @name without result and parameters, owned by the caller. */
static char *plain_name(const char *name, bool arguments)
{
	struct plain plain = {.text = xmalloc(strlen(name) + 1), .arguments = arguments};

	for (const char *at = name; at && *at;) {
		if (plain.depth || *at == '<')
			take_bracketed(&plain, at++);
		else
			at = take_part(&plain, name, at);
	}
	plain.text[plain.bytes] = '\0';
	return plain.text;
}

/* Returns the name without its first part, NULL when it has only one. */
static const char *next_part(const char *name)
{
	int depth = 0;

	for (const char *at = name; *at; at++) {
		if (strchr("<({", *at))
			depth++;
		else if (depth && strchr(">)}", *at) && at[-1] != '-')
			depth--;
		else if (!depth && !strncmp(at, "::", 2))
			return at + 2;
	}
	return NULL;
}

static int count_parts(const char *name)
{
	int count = 0;

	for (; name; name = next_part(name))
		count++;
	return count;
}

/* Whether the name, or what is left of it without its first parts, is @wanted. */
static bool any_part_is(const char *name, const char *wanted)
{
	bool is_glob = strpbrk(wanted, "*?[");

	for (; name; name = next_part(name))
		if (!strcmp(name, wanted) || (is_glob && !fnmatch(wanted, name, 0)))
			return true;
	return false;
}

bool function_name_is(const char *name, const char *wanted)
{
	bool is_meant = any_part_is(name, wanted);

	for (int arguments = 0; arguments < 2 && !is_meant; arguments++) {
		char *plain = plain_name(name, arguments);

		is_meant = any_part_is(plain, wanted);
		free(plain);
	}
	return is_meant;
}

void function_name_near(struct near_names *near, const char *name, struct obstack *memory)
{
	char *plain = plain_name(name, false);
	const char *offered = text_plain(memory, plain, 0), *part = offered;

	for (int more = count_parts(offered) - count_parts(near->wanted); more > 0; more--)
		part = next_part(part);
	near_names_add(near, part, offered);
	free(plain);
}
