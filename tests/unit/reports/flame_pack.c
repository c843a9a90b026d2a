/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flame_pack: the packed tree, decoded here from the format's description alone, is the tree that
 * `export --format folded` writes.
 */
#include "reports/export.h"
#include "reports/flame.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>
#include <jansson.h>

enum {
	NAMES = 9000,
	LEVELS = 40,
	PATHS = 9000
};

/* A stack and its samples; the same stack may come more than once, inlined and not. */
struct stack_line {
	char path[400];
	unsigned long samples;
};

struct stack_lines {
	struct stack_line rows[PATHS];
	int count;
};

static void add_line(struct stack_lines *lines, const char *path, unsigned long samples)
{
	for (int i = 0; i < lines->count; i++)
		if (!strcmp(lines->rows[i].path, path)) {
			lines->rows[i].samples += samples;
			return;
		}
	cr_assert_lt(lines->count, PATHS);
	snprintf(lines->rows[lines->count].path, sizeof(lines->rows[0].path), "%s", path);
	lines->rows[lines->count++].samples = samples;
}

static int compare_lines(const void *left, const void *right)
{
	return strcmp(((const struct stack_line *)left)->path,
		      ((const struct stack_line *)right)->path);
}

/* ---- decoding -------------------------------------------------------------------------------- */

static void replace_all(char *text, const char *from, char to)
{
	size_t bytes = strlen(from);

	while ((text = strstr(text, from))) {
		*text++ = to;
		memmove(text, text + bytes - 1, strlen(text + bytes - 1) + 1);
	}
}

static json_t *data_block(const char *svg)
{
	const char *begin = strstr(svg, "id=\"profile\">"), *end = strstr(begin, "</script>");
	char *text = strndup(begin + 13, end - begin - 13);
	json_t *json;

	replace_all(text, "&lt;", '<');
	replace_all(text, "&gt;", '>');
	replace_all(text, "&amp;", '&');
	json = json_loads(text, 0, NULL);
	cr_assert(json);
	free(text);
	return json;
}

static unsigned long number(const char **at)
{
	static const char alphabet[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
	unsigned long value = 0, digit;
	int shift = 0;

	do {
		cr_assert(**at);
		digit = strchr(alphabet, *(*at)++) - alphabet;
		value |= (digit & 31) << shift;
		shift += 5;
	} while (digit & 32);
	return value;
}

/* The character's place among those printable ones that neither JSON nor XML escapes. */
static unsigned long dense(const char **at)
{
	unsigned long value = 0;

	cr_assert(**at);
	for (char before = ' '; before < **at; before++)
		value += !strchr("\"&<>\\", before);
	(*at)++;
	return value;
}

static unsigned long code(const char **at)
{
	unsigned long value = dense(at), second;

	if (value < 10)
		return value;
	if (value < 82)
		return 10 + 90 * (value - 10) + dense(at);
	if (value == 89)
		return 10 + 72 * 90 + 7 * 8100 + number(at);
	second = dense(at);
	return 10 + 72 * 90 + 8100 * (value - 82) + 90 * second + dense(at);
}

static int unpack_names(const json_t *json, char names[NAMES][64])
{
	const char *at = json_string_value(json_object_get(json, "names"));
	int count = 0;

	for (; at; at = *at == '\n' ? at + 1 : NULL) {
		const char *digit = at;
		int same = (int)number(&digit), length = (int)strcspn(at + 1, "\n");

		cr_assert_lt(count, NAMES);
		snprintf(names[count], 64, "%.*s%.*s", same, count ? names[count - 1] : "", length,
			 at + 1);
		count++;
		at += 1 + length;
	}
	return count;
}

/* The sampled paths of the tree; the root, "all", is no part of them. */
static void unpack_tree(const json_t *json, struct stack_lines *lines)
{
	const json_t *samples_json = json_object_get(json, "samples");
	const char *at = json_string_value(json_object_get(json, "tree"));
	const char *samples = json_string_value(samples_json);
	static char names[NAMES][64];
	int names_count = unpack_names(json, names), depth = -1;
	const char *ranks = json_string_value(json_object_get(json, "ranks"));
	static unsigned long symbols[NAMES];
	unsigned long boxes = 0;
	const char *path[LEVELS];

	for (int i = 0; i < names_count; i++)
		symbols[i] = number(&ranks);
	cr_assert_eq(*ranks, '\0');
	for (; *at; boxes++) {
		unsigned long box = code(&at), up = box & 2 ? number(&at) : 0;
		unsigned long self = box & 1 ? number(&at) : 0;
		char text[400] = "";

		depth = depth < 0 ? 0 : depth + 1 - (int)up;
		cr_assert(depth >= 0 && depth < LEVELS);
		cr_assert_lt(box / 8, (unsigned long)names_count);
		path[depth] = names[symbols[box / 8]];
		for (int i = 1; i <= depth; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 i > 1 ? ";" : "", path[i]);
		if (samples)
			self = number(&samples);
		if (self)
			add_line(lines, text, self);
	}
	cr_assert_eq(boxes, (unsigned long)json_integer_value(json_object_get(json, "boxes")));
}

static void read_folded(struct profile *profile, struct stack_lines *lines)
{
	char *text = NULL, *rest, *line;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	export_folded(profile, 0, stream);
	fclose(stream);
	rest = text;
	while ((line = strsep(&rest, "\n")) && *line) {
		char *space = strrchr(line, ' ');

		*space = '\0';
		add_line(lines, line, strtoul(space + 1, NULL, 10));
	}
	free(text);
}

/* Compares both forms of @profile, which is released. */
static void assert_same_tree(struct profile *profile)
{
	static struct stack_lines packed, folded;
	struct report report;
	char *svg = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&svg, &bytes);
	json_t *json;

	packed.count = folded.count = 0;
	report_init(&report, profile);
	flame_write(&report, &(struct flame_options){0}, stream);
	fclose(stream);
	json = data_block(svg);
	unpack_tree(json, &packed);
	read_folded(profile, &folded);
	qsort(packed.rows, packed.count, sizeof(*packed.rows), compare_lines);
	qsort(folded.rows, folded.count, sizeof(*folded.rows), compare_lines);
	cr_assert_gt(folded.count, 0);
	cr_assert_eq(packed.count, folded.count, "%d and %d stacks", packed.count, folded.count);
	for (int i = 0; i < folded.count; i++) {
		cr_assert_str_eq(packed.rows[i].path, folded.rows[i].path);
		cr_assert_eq(packed.rows[i].samples, folded.rows[i].samples, "%s",
			     folded.rows[i].path);
	}
	json_decref(json);
	free(svg);
	report_done(&report);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static struct profile *random_profile(void)
{
	struct profile *profile = new_profile();
	uint64_t state = 11;
	char stack[300];

	for (int i = 0; i < 400; i++) {
		int used = 0, levels = 1 + i % 17;

		for (int level = 0; level < levels; level++) {
			state = state * 6364136223846793005 + 1442695040888963407;
			used += snprintf(stack + used, sizeof(stack) - used, "%sstep%u<&>",
					 level ? ";" : "", (unsigned)(state >> 40) % (level + 3));
		}
		add_stack(profile, stack, 1 + (state >> 50) % 40);
	}
	return profile;
}

Test(flame_pack, holds_the_stacks_that_folded_export_writes)
{
	assert_same_tree(random_profile());
}

Test(flame_pack, counts_samples_whatever_their_values)
{
	struct profile *profile = random_profile();

	for (size_t i = 0; i < profile->samples_count; i++)
		profile->samples[i].value = (i * 7919) % 5 ? UINT64_C(3) << 33 : 1;
	assert_same_tree(profile);
	/* Values that add up to the number of samples are not each one. */
	profile = new_profile();
	add_stack(profile, "main;a", 10);
	add_stack(profile, "main;b", 10);
	for (int i = 0; i < 20; i++)
		profile->samples[i].value = i < 10 ? 0 : 2;
	profile->samples[0].value = 1;
	profile->samples[10].value = 1;
	assert_same_tree(profile);
}

/* Codes of one, two, three characters and more; the symbols with fewer boxes have longer ones. */
Test(flame_pack, holds_as_many_functions_as_there_are)
{
	struct profile *profile = new_profile();
	char name[32];

	for (unsigned i = 0; i < 8200; i++) {
		snprintf(name, sizeof(name), "main;f%u", i * 2654435761U);
		add_stack(profile, name, 1);
	}
	assert_same_tree(profile);
}

/* Where the recording did not come to name all of its frames. */
Test(flame_pack, bare_addresses_are_stacks_like_others)
{
	struct profile *profile = random_profile();

	for (size_t i = 1; i < profile->frames_count; i += 2)
		profile->frames[i].line_count = 0;
	assert_same_tree(profile);
}
