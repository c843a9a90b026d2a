/* SPDX-License-Identifier: GPL-3.0-or-later */
/* function_probes: see function_probes.h. */
#include "collector/function_probes.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <math.h>
#include <sys/resource.h>

#define HIGHEST_PRIORITY -20
#define GOLDEN_SECTION	 0.6180339887498949

bool function_probes_are_wanted(const struct function_probes_options *options)
{
	return options->timing.request_count || options->timing.hottest ||
	       options->hits.request_count;
}

/* Chooses what is timed and counted. */
static int choose(struct function_probes *probes, const struct function_probes_target *target,
		  struct error *error)
{
	const struct function_probes_options *options = probes->options;

	if (options->timing.request_count || options->timing.hottest) {
		probes->timing = timing_open(&options->timing, &target->files, target->modules,
					     target->profile, error);
		if (!probes->timing)
			return -errno;
	}
	if (options->hits.request_count) {
		probes->hits = hits_open(&options->hits, &target->files, target->profile, error);
		if (!probes->hits)
			return -errno;
	}
	if (options->timing.hottest)
		probes->hottest = hottest_new();
	return 0;
}

static void write_requests(const struct timing_request *requests, size_t count, bool are_hits,
			   FILE *stream)
{
	static const char *const options[] = {
		[UPROBE_TIME] = "--time", [UPROBE_COUNT] = "--count", [UPROBE_STEP] = "--step"};

	for (size_t i = 0; i < count; i++)
		fprintf(stream, "%s %s, ", are_hits ? "--hits" : options[requests[i].mode],
			requests[i].text);
}

/* Keeps what was asked for: it costs time in the program, so that runs with other probes, or with
 * another budget for them, are other runs. */
static void keep_requests(const struct function_probes_options *options, struct profile *profile)
{
	double budget = options->hits.request_count ? options->hits.budget : options->timing.budget;
	char *text = NULL;
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(&text, &bytes));

	write_requests(options->timing.requests, options->timing.request_count, false, stream);
	write_requests(options->hits.requests, options->hits.request_count, true, stream);
	if (options->timing.hottest)
		fprintf(stream, "--hot %zu, ", options->timing.hottest);
	if (budget > 0)
		fprintf(stream, "--budget %g%%", 100 * budget);
	else
		fputs("--budget none", stream);
	fclose(stream);
	profile_set_text(profile, "probes", text);
	free(text);
}

int function_probes_open(struct function_probes *probes,
			 const struct function_probes_options *options,
			 const struct function_probes_target *target, struct error *error)
{
	int result;

	probes->options = options;
	probes->modules = target->modules;
	probes->profile = target->profile;
	keep_requests(options, target->profile);
	result = choose(probes, target, error);
	if (!result && probes->timing && target->library)
		result = timing_tell_totals(probes->timing, target->library, target->modes,
					    target->is_sampled, error);
	if (!result && options->planned)
		options->planned(probes->timing, probes->hits);
	if (!result && probes->timing)
		result = timing_attach(probes->timing, error);
	if (!result && probes->hits)
		result = hits_attach(probes->hits, error);
	return result;
}

/* On a busy machine whoever waits its turn lets a dear probe cost for longer. */
static void hurry(struct function_probes *probes)
{
	const struct function_probes_options *options = probes->options;

	probes->is_urgent = (probes->timing && options->timing.budget > 0) ||
			    (probes->hits && hits_has_budget(probes->hits));
	if (!probes->is_urgent)
		return;
	probes->priority = getpriority(PRIO_PROCESS, 0);
	setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY);
}

int function_probes_start(struct function_probes *probes, const pid_t *pids, size_t count,
			  struct perf_source *perf, uint64_t start_ns, struct error *error)
{
	struct probe_bank_clock clock = probe_bank_clock_of(perf);
	int result = 0;

	probes->pid = pids[0];
	hurry(probes);
	if (probes->timing)
		result = timing_watch(probes->timing, pids, count, perf, start_ns, error);
	if (!result && probes->hits)
		result = hits_watch(probes->hits, pids, count, &clock, error);
	if (!result && probes->hits && !probes->timing && perf &&
	    !perf_source_engine(perf)->is_tick)
		result = hits_watch_samples(probes->hits, perf, error);
	return result;
}

int function_probes_poll_fd(const struct function_probes *probes, size_t number)
{
	if (number)
		return probes->hits ? hits_poll_fd(probes->hits) : -1;
	return probes->timing ? timing_poll_fd(probes->timing) : -1;
}

const struct event *function_probes_take(struct function_probes *probes, const struct event *event)
{
	if (probes->timing)
		return timing_take(probes->timing, event);
	return probes->hits ? hits_take(probes->hits, event) : event;
}

void function_probes_see(struct function_probes *probes, const struct profile_sample *sample)
{
	if (probes->hottest)
		hottest_take(probes->hottest, probes->profile, sample);
}

/* What was asked for and is not in the profile: the first such sentence is kept in it, too. */
static void tell_missing(struct function_probes *probes, const char *sentence)
{
	if (!*profile_text(probes->profile, "untimed", ""))
		profile_set_text(probes->profile, "untimed", sentence);
	if (probes->options->missed)
		probes->options->missed(sentence);
}

/* Lists the files that were sampled, and those of all processes: of the first one alone it would be
 * a shell's. */
static void list_files(struct function_probes *probes, struct program_files *files)
{
	const struct profile *profile = probes->profile;
	int32_t last = 0;

	for (uint32_t id = 1; id < profile->modules_count; id++)
		if (profile->modules[id].kind == PROFILE_MODULE_ELF)
			program_files_add(files, modules_find(probes->modules, id));
	program_files_of_process(files, probes->modules, probes->pid);
	for (size_t i = 1; i < profile->threads_count; i++) {
		if (profile->threads[i].pid != last && profile->threads[i].pid != probes->pid)
			program_files_of_process(files, probes->modules, profile->threads[i].pid);
		last = profile->threads[i].pid;
	}
}

/* Times the functions that have been hottest so far. */
static void choose_hottest(struct function_probes *probes)
{
	struct program_files files = {0};
	struct error error;

	list_files(probes, &files);
	if (timing_add_hottest(probes->timing, probes->hottest, &files, &error))
		tell_missing(probes, error.text);
	else if (probes->options->planned)
		probes->options->planned(probes->timing, NULL);
	program_files_done(&files);
	hottest_free(probes->hottest);
	probes->hottest = NULL;
}

/* The golden section's multiples come near no period. */
int function_probes_poll_ms(struct function_probes *probes, int most_ms)
{
	if (!probes->is_urgent)
		return most_ms;
	probes->chance += GOLDEN_SECTION;
	probes->chance -= floor(probes->chance);
	return (int)lround(most_ms * (1 + probes->chance) / 2);
}

void function_probes_poll(struct function_probes *probes, uint64_t elapsed_ns)
{
	if (probes->hottest && elapsed_ns >= HOTTEST_AFTER_NS)
		choose_hottest(probes);
	if (probes->timing)
		timing_poll(probes->timing);
	if (probes->hits)
		hits_poll(probes->hits);
}

void function_probes_refresh(struct function_probes *probes)
{
	if (probes->timing)
		timing_refresh(probes->timing);
	if (probes->hits)
		hits_refresh(probes->hits);
}

static void tell_all_missing(struct function_probes *probes)
{
	struct error error;
	int state;

	if (probes->hottest)
		tell_missing(probes, "the program ended before its hottest functions were chosen");
	for (size_t i = 0; (state = timing_missing(probes->timing, i, &error)) <= 0; i++)
		if (state)
			tell_missing(probes, error.text);
}

void function_probes_stop(struct function_probes *probes)
{
	if (probes->timing) {
		timing_stop(probes->timing);
		tell_all_missing(probes);
	}
	if (probes->hits)
		hits_stop(probes->hits);
	if (probes->is_urgent)
		setpriority(PRIO_PROCESS, 0, probes->priority);
}

void function_probes_close(struct function_probes *probes)
{
	timing_close(probes->timing);
	hits_close(probes->hits);
	hottest_free(probes->hottest);
	*probes = (struct function_probes){0};
}
