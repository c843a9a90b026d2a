/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_name: see calls_name.h. */
#include "reports/calls_name.h"

#include "collector/base/xalloc.h"
#include "reports/calls.h"

/* Says whether a label is that name with parameters, which tells more. */
static bool has_parameters(const char *label, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(label, name, length) && label[length] == '(';
}

static const char *plain_name(const struct report *report, const struct calls_row *row)
{
	const char *label = report->symbols.symbols[row->symbol].label, *asked;
	char key[64];

	snprintf(key, sizeof(key), "asked.%u", row->probe);
	asked = profile_text(report->profile, key, "");
	return *asked && !has_parameters(label, asked) ? asked : label;
}

/* More and more of where a function is; owned by the caller. */
enum detail {
	BASE_NAME,
	PATH,
	LINE,
	ADDRESS
};

static char *place_of(const struct report *report, const struct calls_row *row, enum detail detail)
{
	const struct profile *profile = report->profile;
	const struct symbol *symbol = &report->symbols.symbols[row->symbol];
	const char *path =
		symbol->file ? profile->files[symbol->file] : profile->modules[symbol->module].path;

	switch (detail) {
	case BASE_NAME:
		return xstrdup(symbol_base_name(path));
	case PATH:
		return xstrdup(path);
	case LINE:
		return xasprintf("%s:%u", symbol_base_name(path), symbol->line);
	default:
		return xasprintf("%s+0x%lx",
				 symbol_base_name(profile->modules[symbol->module].path),
				 profile->frames[profile->probes[row->probe].frame].address);
	}
}

/* Rows of one name, as indices into those of calls. */
struct namesakes {
	const uint32_t *rows;
	uint32_t count;
};

enum {
	MOST_NAMESAKES = 100 /* that are compared with each other */
};

/* Says whether all of them are at different places, as far as a detail tells. */
static bool tells_apart(const struct calls *calls, const struct report *report,
			const struct namesakes *namesakes, enum detail detail)
{
	char *places[MOST_NAMESAKES];
	bool tells = true;

	if (namesakes->count > MOST_NAMESAKES)
		return false;
	for (uint32_t i = 0; i < namesakes->count; i++) {
		places[i] = place_of(report, &calls->rows[namesakes->rows[i]], detail);
		for (uint32_t j = 0; j < i; j++)
			tells &= strcmp(places[i], places[j]) != 0;
	}
	for (uint32_t i = 0; i < namesakes->count; i++)
		free(places[i]);
	return tells;
}

static void name_namesakes(struct calls *calls, const struct report *report, const char *name,
			   const struct namesakes *namesakes)
{
	enum detail detail = BASE_NAME;

	while (detail < ADDRESS && !tells_apart(calls, report, namesakes, detail))
		detail++;
	for (uint32_t i = 0; i < namesakes->count; i++) {
		struct calls_row *row = &calls->rows[namesakes->rows[i]];
		char *place = namesakes->count > 1 ? place_of(report, row, detail) : NULL;

		row->name = place ? xasprintf("%s (%s)", name, place) : xstrdup(name);
		free(place);
	}
}

static int compare_names(const void *left, const void *right, void *context)
{
	const char *const *names = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int order = strcmp(names[a], names[b]);

	return order ? order : (a > b) - (a < b);
}

void calls_name_rows(struct calls *calls, const struct report *report)
{
	const char **names = xcalloc(calls->count, sizeof(*names));
	uint32_t *sorted = xcalloc(calls->count, sizeof(*sorted));

	for (uint32_t i = 0; i < calls->count; i++) {
		names[i] = plain_name(report, &calls->rows[i]);
		sorted[i] = i;
	}
	qsort_r(sorted, calls->count, sizeof(*sorted), compare_names, names);
	for (uint32_t i = 0, end; i < calls->count; i = end) {
		const char *name = names[sorted[i]];

		for (end = i + 1; end < calls->count && !strcmp(names[sorted[end]], name);)
			end++;
		name_namesakes(calls, report, name, &(struct namesakes){sorted + i, end - i});
	}
	free(names);
	free(sorted);
}
