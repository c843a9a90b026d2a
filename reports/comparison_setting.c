/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison_setting: see comparison_setting.h. */
#include "reports/comparison_setting.h"

#include "collector/base/xalloc.h"
#include "reports/comparison_level.h"

enum {
	LIBRARIES = 3 /* that are named */
};

struct saying {
	void (*say)(void *context, const char *text);
	void *context;
};

static void __attribute__((format(printf, 2, 3)))
tell(const struct saying *saying, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	saying->say(saying->context, text);
	free(text);
}

char *comparison_setting_difference(const struct comparison_run *first,
				    const struct comparison_run *other)
{
	const struct {
		const char *what, *first, *other;
		bool may_lack; /* not known is no difference */
	} settings[] = {
		{"machines", first->machine, other->machine, false},
		{"kernels", first->kernel, other->kernel, true},
		{"C libraries", first->libc, other->libc, true},
		{"options of recording", first->options, other->options, false},
		{"probes", first->probes, other->probes, true},
	};
	char *text = NULL;

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		const char *here = settings[i].first, *there = settings[i].other;

		if (!strcmp(here, there) || (settings[i].may_lack && (!*here || !*there)))
			continue;
		text = xasprintf("different %s cannot be compared: %s (%s), %s (%s)",
				 settings[i].what, first->path, *here ? here : "none", other->path,
				 *there ? there : "none");
		break;
	}
	return text;
}

static int compare_identities(const void *left, const void *right)
{
	const struct comparison_run *const *a = left, *const *b = right;
	int order = strcmp((*a)->identity, (*b)->identity);

	return order ? order : strcmp((*a)->path, (*b)->path);
}

char *comparison_setting_twins(const struct comparison_run *const *runs, size_t count)
{
	const struct comparison_run **sorted = xcalloc(count, sizeof(*sorted));
	char *text = NULL;

	for (size_t i = 0; i < count; i++)
		sorted[i] = runs[i];
	qsort(sorted, count, sizeof(*sorted), compare_identities);
	for (size_t i = 1; i < count && !text; i++)
		if (!strcmp(sorted[i - 1]->identity, sorted[i]->identity))
			text = xasprintf("%s and %s are the same recording", sorted[i - 1]->path,
					 sorted[i]->path);
	free(sorted);
	return text;
}

/* The build-id of a module; NULL: the run has no such module, or it has none. */
static const char *build_of(const struct comparison_run *run, const char *name)
{
	for (size_t i = 0; i < run->modules_count; i++)
		if (!strcmp(run->modules[i].name, name))
			return run->modules[i].build_id;
	return NULL;
}

static bool is_other_build(const struct comparison_run *first, const struct comparison_run *other,
			   const char *name)
{
	const char *here = build_of(first, name), *there = build_of(other, name);

	return here && there && strcmp(here, there);
}

/* The runs of both sides, the base first; owned by the caller. */
static const struct comparison_run **all_runs(const struct comparison *comparison)
{
	const struct comparison_run **all =
		xcalloc(comparison->base_count + comparison->fresh_count, sizeof(*all));

	for (size_t i = 0; i < comparison->base_count; i++)
		all[i] = comparison->base[i];
	for (size_t i = 0; i < comparison->fresh_count; i++)
		all[comparison->base_count + i] = comparison->fresh[i];
	return all;
}

/* What forbids the comparison, had it not been forced. */
static void tell_force(const struct comparison *comparison, const struct saying *saying)
{
	size_t count = comparison->base_count + comparison->fresh_count;
	const struct comparison_run **all = all_runs(comparison);
	char *difference = NULL, *twins = comparison_setting_twins(all, count);

	for (size_t i = 1; i < count && !difference; i++)
		difference = comparison_setting_difference(all[0], all[i]);
	if (difference)
		tell(saying, "Beware, this comparison was forced: %s.", difference);
	if (twins)
		tell(saying, "Beware, this comparison was forced: %s.", twins);
	free(difference);
	free(twins);
	free(all);
}

/* The arguments of a command line, as it is quoted for shells. */
static const char *arguments_of(const char *command)
{
	bool is_quoted = false;

	for (; *command && (is_quoted || *command != ' '); command++)
		is_quoted ^= *command == '\'';
	return command;
}

static bool has_other_arguments(const struct comparison_run *first,
				const struct comparison_run *other)
{
	return strcmp(arguments_of(first->command), arguments_of(other->command)) != 0;
}

char *comparison_setting_mixture(const struct comparison_run *const *runs, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const char *what = strcmp(runs[0]->program, runs[i]->program)	   ? "program"
				   : is_other_build(runs[0], runs[i], "[program]") ? "build"
				   : has_other_arguments(runs[0], runs[i])	   ? "command"
										   : NULL;

		if (what)
			return xasprintf("%s (%s) is of another %s than %s (%s)", runs[i]->path,
					 runs[i]->command, what, runs[0]->path, runs[0]->command);
	}
	return NULL;
}

/* Recordings of several hosts, which may be alike but for their names. */
static void tell_hosts(const struct comparison_run *const *all, size_t count,
		       const struct saying *saying)
{
	for (size_t i = 1; i < count; i++) {
		if (!*all[0]->host || !*all[i]->host || !strcmp(all[0]->host, all[i]->host))
			continue;
		tell(saying, "Beware: recorded on several hosts: %s (%s), %s (%s).", all[0]->host,
		     all[0]->path, all[i]->host, all[i]->path);
		break;
	}
}

/* What the runs of one side have not in common, the first of each kind. Returns true when all were
 * made with the same arguments. */
static bool tell_side(const struct comparison_run *const *runs, size_t count, const char *side,
		      const struct saying *saying)
{
	const struct comparison_run *build = NULL, *arguments = NULL;

	for (size_t i = count; i-- > 1;) {
		if (strcmp(runs[0]->program, runs[i]->program) ||
		    is_other_build(runs[0], runs[i], "[program]"))
			build = runs[i];
		if (has_other_arguments(runs[0], runs[i]))
			arguments = runs[i];
	}
	if (build)
		tell(saying,
		     "Beware: the %s recordings are not of one build: %s is of another %s than %s.",
		     side, build->path,
		     strcmp(runs[0]->program, build->program) ? "program" : "build", runs[0]->path);
	if (arguments)
		tell(saying, "Beware: other arguments among the %s recordings: %s (%s), %s (%s).",
		     side, runs[0]->command, runs[0]->path, arguments->command, arguments->path);
	return !arguments;
}

/* Whether all runs are known to be of one build of the program. */
static bool is_one_build(const struct comparison_run *const *all, size_t count)
{
	const char *build = count ? build_of(all[0], "[program]") : NULL;
	bool is_one = build != NULL;

	for (size_t i = 1; i < count && is_one; i++) {
		const char *other = build_of(all[i], "[program]");

		is_one = other && !strcmp(build, other);
	}
	return is_one;
}

/* The module's build in the first run that has it, but for the module of @run. */
static bool is_of_other_build(const struct comparison_run *const *all, size_t count,
			      const struct comparison_module *module)
{
	for (size_t i = 0; i < count; i++) {
		const char *build = build_of(all[i], module->name);

		if (build)
			return strcmp(build, module->build_id) != 0;
	}
	return false;
}

/* Libraries that are not of one build in all runs, the first of them by name. */
static void tell_libraries(const struct comparison_run *const *all, size_t count,
			   const struct saying *saying)
{
	struct comparison_module *found = NULL;
	size_t found_count = 0, capacity = 0, bytes;
	char *names = NULL;
	FILE *stream = xalloc_checked(open_memstream(&names, &bytes));

	for (size_t i = 0; i < count; i++)
		for (size_t m = 0; m < all[i]->modules_count; m++) {
			const struct comparison_module *module = &all[i]->modules[m];
			bool is_new = strcmp(module->name, "[program]") != 0 &&
				      is_of_other_build(all, count, module);

			for (size_t k = 0; k < found_count && is_new; k++)
				is_new = strcmp(found[k].name, module->name) != 0;
			if (!is_new)
				continue;
			xgrow(found, found_count, capacity);
			found[found_count++] = *module;
			if (found_count <= LIBRARIES)
				fprintf(stream, "%s%s (%s)", found_count > 1 ? ", " : "",
					module->name, all[i]->path);
		}
	if (found_count > LIBRARIES)
		fprintf(stream, " and %zu more", found_count - LIBRARIES);
	fclose(stream);
	if (found_count)
		tell(saying, "Beware: libraries of several builds: %s.", names);
	free(found);
	free(names);
}

/* Modules that are known by less, for not all recordings know more. */
static void tell_levels(const struct comparison *comparison, const struct saying *saying)
{
	const struct comparison_coarse *coarse, *next;

	HASH_ITER (hh, comparison->names->coarse, coarse, next) {
		char *clause = comparison_level_clause(coarse);

		tell(saying, "Beware: %s.", clause);
		free(clause);
	}
}

void comparison_setting_tell(const struct comparison *comparison,
			     void (*say)(void *context, const char *text), void *context)
{
	const struct comparison_run *base = comparison->base[0], *fresh = comparison->fresh[0];
	const struct comparison_run **all = all_runs(comparison);
	size_t count = comparison->base_count + comparison->fresh_count;
	struct saying saying = {say, context};
	bool is_same;

	tell_force(comparison, &saying);
	if (strcmp(base->program, fresh->program))
		tell(&saying, "Beware: programs of two names: %s (base), %s (new).", base->program,
		     fresh->program);
	is_same = tell_side(comparison->base, comparison->base_count, "base", &saying);
	is_same &= tell_side(comparison->fresh, comparison->fresh_count, "new", &saying);
	if (has_other_arguments(base, fresh))
		tell(&saying, "Beware: other arguments: %s (base), %s (new).", base->command,
		     fresh->command);
	else if (is_same && is_one_build(all, count))
		tell(&saying, "Both sides are one build, with the same arguments.");
	tell_hosts(all, count, &saying);
	tell_libraries(all, count, &saying);
	tell_levels(comparison, &saying);
	free(all);
}
