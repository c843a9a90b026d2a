/* SPDX-License-Identifier: GPL-3.0-or-later */
/* selection: see selection.h. */
#include "reports/selection.h"

#include "collector/base/xalloc.h"
#include "reports/component.h"
#include "reports/metric.h"
#include "reports/steps_contrast.h"

#include <errno.h>
#include <fnmatch.h>

/* Unselects what @keeps says no to. Returns the number of samples of the metric that remain. */
static size_t narrow(bool *kept, const struct report *report,
		     bool (*keeps)(const void *context, size_t sample), const void *context)
{
	const struct profile *profile = report->profile;
	size_t left = 0;

	for (size_t i = 0; i < profile->samples_count; i++) {
		kept[i] = kept[i] && keeps(context, i);
		left += kept[i] && profile->samples[i].metric == report->metric;
	}
	return left;
}

/* ---- threads --------------------------------------------------------------------------------- */

struct of_threads {
	const struct profile *profile;
	const bool *wanted;
};

static bool keeps_thread(const void *context, size_t sample)
{
	const struct of_threads *threads = context;

	return threads->wanted[threads->profile->samples[sample].thread];
}

static int select_threads(bool *kept, const struct report *report, const char *name,
			  struct error *error)
{
	const struct profile *profile = report->profile;
	bool *wanted = xcalloc(profile->threads_count, sizeof(*wanted));
	struct of_threads context = {profile, wanted};
	char number[16];
	size_t left;

	for (size_t i = 1; i < profile->threads_count; i++) {
		snprintf(number, sizeof(number), "%d", profile->threads[i].tid);
		wanted[i] = !strcmp(number, name) || !fnmatch(name, profile->threads[i].name, 0);
	}
	left = narrow(kept, report, keeps_thread, &context);
	free(wanted);
	return left ? 0
		    : fail(error, -ENOENT, "no sample is of a thread with the number or name '%s'",
			   name);
}

/* ---- components ------------------------------------------------------------------------------ */

struct of_component {
	const struct profile *profile;
	const struct component_table *components;
	const char *name;
};

static bool keeps_component(const void *context, size_t sample)
{
	const struct of_component *component = context;
	uint32_t stack = component->profile->samples[sample].stack;
	uint32_t symbol =
		symbol_at(component->profile, component->profile->stacks[stack].frame, 0).symbol;
	uint8_t row = component->components->of_symbol[symbol];

	return stack && !strcmp(component->components->rows[row].name, component->name);
}

static int no_component(const struct component_table *components, const char *name,
			struct error *error)
{
	int code = fail(error, -ENOENT, "no sample is in a component '%s'; there are", name);

	for (int i = 0; i < components->count && error; i++)
		snprintf(error->text + strlen(error->text),
			 sizeof(error->text) - strlen(error->text), "%s %s", i ? "," : "",
			 components->rows[i].name);
	return code;
}

static int select_component(bool *kept, const struct report *report, const char *name,
			    struct error *error)
{
	struct call_tree *tree = call_tree_build(
		report->profile, &(struct call_tree_options){.metric = report->metric});
	struct component_table components;
	int result = 0;

	component_table_init(&components, report, tree);
	if (!narrow(kept, report, keeps_component,
		    &(struct of_component){report->profile, &components, name}))
		result = no_component(&components, name, error);
	component_table_done(&components);
	call_tree_free(tree);
	return result;
}

/* ---- steps ----------------------------------------------------------------------------------- */

enum kind {
	STEPS_NUMBERED,
	STEPS_SLOW,
	STEPS_TYPICAL,
	STEPS_WARM_UP
};

struct of_steps {
	const struct steps *steps;
	const uint32_t *step_of_sample;
	enum kind kind;
	unsigned long from, to; /* from 1 */
};

static bool keeps_step(const void *context, size_t sample)
{
	const struct of_steps *of = context;
	uint32_t step = of->step_of_sample[sample];

	if (step == STEPS_OUTSIDE)
		return false;
	switch (of->kind) {
	case STEPS_WARM_UP:
		return step < of->steps->warm_up;
	case STEPS_SLOW:
	case STEPS_TYPICAL:
		return step >= of->steps->warm_up && !of->steps->is_apart[step] &&
		       of->steps->is_compared[step] == (of->kind == STEPS_SLOW);
	default:
		return step + 1UL >= of->from && step + 1UL <= of->to;
	}
}

static bool parse_steps(struct of_steps *of, const char *text)
{
	static const char *const names[] = {
		[STEPS_SLOW] = "slow", [STEPS_TYPICAL] = "typical", [STEPS_WARM_UP] = "warm-up"};
	char *end;

	for (int i = STEPS_SLOW; i <= STEPS_WARM_UP; i++)
		if (!strcmp(text, names[i])) {
			of->kind = i;
			return true;
		}
	of->kind = STEPS_NUMBERED;
	of->from = of->to = strtoul(text, &end, 10);
	if (end != text && *end == '-') {
		text = end + 1;
		of->to = strtoul(text, &end, 10);
	}
	return end != text && !*end && of->from && of->from <= of->to;
}

static int select_steps(bool *kept, const struct report *report, const char *text,
			struct error *error)
{
	struct steps_contrast contrast;
	struct steps steps;
	struct of_steps of = {.steps = &steps};
	size_t left;

	if (!parse_steps(&of, text))
		return fail(error, -EINVAL,
			    "steps are slow, typical, warm-up, or numbers like 10-20, not '%s'",
			    text);
	if (!report->profile->steps_count)
		return fail(error, -ENOENT, "this profile has no steps; record with --step");
	if (strcmp(report->unit, "ns") != 0)
		return fail(error, -EINVAL, "amounts of %s belong to no step", report->metric_name);
	steps_measure(&steps, report->profile);
	steps_contrast_measure(&contrast, report, &steps);
	of.step_of_sample = contrast.step_of_sample;
	left = narrow(kept, report, keeps_step, &of);
	steps_contrast_done(&contrast);
	steps_done(&steps);
	return left ? 0 : fail(error, -ENOENT, "no sample is in such steps: %s", text);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Samples of other metrics stay: what a report says of memory, say, is of the whole recording. */
static void take_out(struct report *report, const bool *kept)
{
	struct profile *profile = report->profile;
	size_t count = 0;

	for (size_t i = 0; i < profile->samples_count; i++)
		if (kept[i] || profile->samples[i].metric != report->metric)
			profile->samples[count++] = profile->samples[i];
	profile->samples_count = count;
}

static void describe(struct report *report, const struct selection *selection)
{
	const char *const parts[][2] = {{"thread ", selection->thread},
					{"component ", selection->component},
					{"steps ", selection->steps}};
	char *text = NULL;
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(&text, &bytes));

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (parts[i][1])
			fprintf(stream, "%s%s%s", ftell(stream) ? ", " : "", parts[i][0],
				parts[i][1]);
	fclose(stream);
	report->selection = text_plain(&report->symbols.labels, text, 100);
	free(text);
}

int selection_apply(struct report *report, const struct selection *selection, struct error *error)
{
	size_t count = report->profile->samples_count;
	bool *kept = xcalloc(count, sizeof(*kept));
	int result = 0;

	if (!selection->thread && !selection->component && !selection->steps) {
		free(kept);
		return 0;
	}
	memset(kept, true, count * sizeof(*kept));
	if (selection->thread)
		result = select_threads(kept, report, selection->thread, error);
	if (!result && selection->component)
		result = select_component(kept, report, selection->component, error);
	if (!result && selection->steps)
		result = select_steps(kept, report, selection->steps, error);
	if (!result) {
		take_out(report, kept);
		describe(report, selection);
	}
	free(kept);
	return result;
}
