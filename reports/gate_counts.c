/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_counts: what one build's recordings counted; see gate.h. */
#include "reports/gate.h"

#include "collector/base/xalloc.h"

#include <math.h>

/* What addresses and the environment may change of a count that is deterministic else. */
#define STEADY 0.001

void gate_counts_done(struct gate_counts *counts)
{
	HASH_CLEAR(hh, counts->index);
	for (size_t i = 0; i < counts->rows_count; i++) {
		free(counts->rows[i]->key);
		free(counts->rows[i]->name);
		free(counts->rows[i]->subject);
		free(counts->rows[i]->module);
		free(counts->rows[i]->file);
		free(counts->rows[i]);
	}
	free(counts->rows);
	free(counts->processor);
}

struct gate_count *gate_counts_get(struct gate_counts *counts, const char *name,
				   const char *subject, const char *module, const char *file)
{
	struct gate_count *row;
	char *key = xasprintf("%s\n%s\n%s\n%s", name, subject, module, file);

	HASH_FIND_STR(counts->index, key, row);
	if (row) {
		free(key);
		return row;
	}
	row = xcalloc(1, sizeof(*row));
	row->key = key;
	row->name = xstrdup(name);
	row->subject = xstrdup(subject);
	row->module = xstrdup(module);
	row->file = xstrdup(file);
	row->steady = true;
	HASH_ADD_KEYPTR(hh, counts->index, row->key, strlen(row->key), row);
	xgrow(counts->rows, counts->rows_count, counts->rows_capacity);
	counts->rows[counts->rows_count++] = row;
	return row;
}

/* Sums up what one run counted. */
static void take_run(struct gate_counts *counts, const struct comparison_names *names,
		     const struct comparison_run *run)
{
	for (size_t i = 0; i < run->counts_count; i++) {
		const struct comparison_count *count = &run->counts[i];
		const struct comparison_function *function =
			count->function == UINT32_MAX ? NULL : names->rows[count->function];
		const char *subject = function		 ? function->name
				      : count->statement ? count->statement
							 : "";
		struct gate_count *row =
			gate_counts_get(counts, work_kinds[count->kind].name, subject,
					function ? function->module : "",
					function ? symbol_base_name(function->file) : "");

		row->value += (double)count->value;
		row->steady = row->steady && count->exact;
	}
}

/* One more run that had a count. */
static void merge(struct gate_count *row, double value, bool steady)
{
	double most = row->runs ? fmax(row->value, value) : value;

	row->value = row->runs ? fmin(row->value, value) : value;
	row->steady = row->steady && steady && most - row->value <= STEADY * row->value;
	row->runs++;
}

void gate_counts_take(struct gate_counts *counts, const struct comparison_names *names,
		      const struct comparison_run *const *runs, size_t runs_count)
{
	for (size_t i = 0; i < runs_count; i++) {
		struct gate_counts one = {0};

		take_run(&one, names, runs[i]);
		for (size_t j = 0; j < one.rows_count; j++) {
			const struct gate_count *row = one.rows[j];

			merge(gate_counts_get(counts, row->name, row->subject, row->module,
					      row->file),
			      row->value, row->steady);
		}
		gate_counts_done(&one);
	}
	for (size_t j = 0; j < counts->rows_count; j++)
		counts->rows[j]->steady =
			counts->rows[j]->steady && counts->rows[j]->runs == runs_count;
}

bool gate_counts_has_large(const struct gate_counts *counts, const struct gate_count *row)
{
	const struct gate_count *whole;
	char *key;

	if (!*row->subject)
		return true;
	key = xasprintf("%s\n\n\n", row->name);
	HASH_FIND_STR(counts->index, key, whole);
	free(key);
	return !whole || row->value >= GATE_SHARE * whole->value;
}

void gate_counts_complete(struct gate_counts *counts, const struct gate_counts *recorded)
{
	for (size_t i = 0; i < recorded->rows_count; i++) {
		const struct gate_count *row = recorded->rows[i], *known;
		struct gate_count *added;

		HASH_FIND_STR(counts->index, row->key, known);
		if (known || !gate_counts_has_large(recorded, row))
			continue;
		added = gate_counts_get(counts, row->name, row->subject, row->module, row->file);
		added->value = row->value;
		added->runs = row->runs;
		/* A count that was made once may be another one the next time. */
		added->steady = row->steady && row->runs > 1;
	}
}

/* Notes in @modules those of which @other has functions without a source file that @counts has with
 * one; room for all rows. Returns how many there are now. */
static size_t find_unequal(const struct gate_counts *counts, const struct gate_counts *other,
			   char **modules, size_t modules_count)
{
	for (size_t i = 0; i < counts->rows_count; i++) {
		const struct gate_count *row = counts->rows[i], *same, *fileless;
		char *key;

		if (!*row->file)
			continue;
		key = xasprintf("%s\n%s\n%s\n", row->name, row->subject, row->module);
		HASH_FIND_STR(other->index, row->key, same);
		HASH_FIND_STR(other->index, key, fileless);
		free(key);
		if (!same && fileless)
			modules[modules_count++] = xstrdup(row->module);
	}
	return modules_count;
}

static bool is_among(const char *module, char *const *modules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(module, modules[i]))
			return true;
	return false;
}

/* Drops the source files of calls, and all other counts, of functions of @modules. */
static void drop_files(struct gate_counts *counts, char *const *modules, size_t modules_count)
{
	struct gate_counts kept = {.processor = counts->processor};

	for (size_t i = 0; i < counts->rows_count; i++) {
		const struct gate_count *row = counts->rows[i];
		bool is_unequal = is_among(row->module, modules, modules_count);
		struct gate_count *into;

		if (is_unequal && strcmp(row->name, work_kinds[WORK_CALLS].name) != 0)
			continue;
		into = gate_counts_get(&kept, row->name, row->subject, row->module,
				       is_unequal ? "" : row->file);
		into->value += row->value;
		into->steady = into->steady && row->steady;
		into->runs = into->runs > row->runs ? into->runs : row->runs;
	}
	counts->processor = NULL;
	gate_counts_done(counts);
	*counts = kept;
}

void gate_counts_pair(struct gate_counts *one, struct gate_counts *other)
{
	char **modules = xcalloc(one->rows_count + other->rows_count + 1, sizeof(*modules));
	size_t count = find_unequal(one, other, modules, 0);

	count = find_unequal(other, one, modules, count);
	if (count) {
		drop_files(one, modules, count);
		drop_files(other, modules, count);
	}
	for (size_t i = 0; i < count; i++)
		free(modules[i]);
	free(modules);
}

void gate_counts_add_instructions(struct gate_counts *counts, double instructions,
				  const char *processor)
{
	merge(gate_counts_get(counts, "instructions", "", "", ""), instructions, true);
	if (!counts->processor)
		counts->processor = xstrdup(processor);
}
