/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report: see report.h. */
#include "reports/report.h"

#include "collector/import/import.h"
#include "collector/profile/profile_file.h"
#include "reports/metric.h"
#include "reports/output.h"
#include "reports/text.h"
#include "reports/tick_amounts.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

static void init(struct report *report, struct profile *profile, uint16_t metric)
{
	*report = (struct report){
		.profile = profile,
		.metric = metric,
		.metric_name = "cpu",
		.unit = "samples",
		.period = 1,
	};
	trust_measure(&report->trust, profile, metric);
	metric_merge(profile, metric);
	symbol_table_init(&report->symbols, profile);
	if (metric < profile->metrics_count) {
		const struct profile_metric *row = &profile->metrics[metric];

		report->metric_name = text_plain(&report->symbols.labels, row->name, 40);
		report->unit = text_plain(&report->symbols.labels, row->unit, 16);
		report->period = row->period;
	}
}

void report_init(struct report *report, struct profile *profile)
{
	init(report, profile, 0);
}

/* What can be read only once is no profile, which is a database. */
static bool is_stream(const char *path)
{
	struct stat status;

	return !strcmp(path, "-") || (!stat(path, &status) && S_ISFIFO(status.st_mode));
}

/* Loads a profile, or a text that is as good as one. */
static int load(const char *path, struct profile **profile, struct error *error)
{
	int result;

	if (is_stream(path))
		return import_load(path, profile, error);
	output_spare(path);
	result = profile_file_load(path, profile, error);
	if (!result)
		tick_amounts_scale(*profile);
	return result == -ENOEXEC ? import_load(path, profile, error) : result;
}

int report_open_metric(struct report *report, const char *path, const char *metric,
		       struct error *error)
{
	struct profile *profile;
	int result = load(path, &profile, error);

	if (result)
		return result;
	if (profile_meta_find(profile, "import.lines"))
		metric_lead(profile);
	result = metric_find(profile, metric, error);
	if (result < 0) {
		profile_free(profile);
		return result;
	}
	init(report, profile, (uint16_t)result);
	return 0;
}

int report_open(struct report *report, const char *path, struct error *error)
{
	return report_open_metric(report, path, NULL, error);
}

void report_done(struct report *report)
{
	symbol_table_done(&report->symbols);
	profile_free(report->profile);
}

const char *report_program(const struct report *report)
{
	return profile_text(report->profile, "program", "");
}

const char *report_command(const struct report *report)
{
	const char *command = profile_text(report->profile, "command", "");

	return *command ? command : report_program(report);
}

static bool has_ended(const struct profile *profile)
{
	return !strcmp(profile_text(profile, "state", ""), "complete");
}

bool report_is_whole(const struct profile *profile)
{
	return has_ended(profile) && profile_number(profile, "lost.write_failed", 0) <= 0;
}

void report_write_missing(const struct profile *profile, FILE *stream)
{
	int64_t unwritten = profile_number(profile, "lost.write_failed", 0);

	if (!has_ended(profile))
		fputs(" · (!) the recording did not reach its end: what it had not looked at is "
		      "missing",
		      stream);
	if (unwritten > 0)
		fprintf(stream, " · (!) rows that could not be written: %" PRId64, unwritten);
}

void report_write_unprobed(const struct report *report, FILE *stream)
{
	const char *names = profile_text(report->profile, "unprobed_names", "");
	struct obstack text;

	if (!*names)
		return;
	obstack_init(&text);
	fprintf(stream, " · without the probe: %s", text_plain(&text, names, 120));
	obstack_free(&text, NULL);
}

/* What the times say, NULL when they are not known. */
static const char *why_by_time(const struct profile *profile)
{
	int64_t cpu_ns = profile_number(profile, "target_cpu_ns", -1);
	int64_t frequency_hz = profile_number(profile, "frequency_hz", 0);

	if (cpu_ns < 0)
		return NULL;
	if (frequency_hz > 0 && cpu_ns < 1000000000 / frequency_hz)
		return "the program used less CPU time than one sampling period";
	if (frequency_hz > 0 && cpu_ns < 2000000000 / frequency_hz)
		return "the program used hardly more CPU time than one sampling period";
	return "the program used CPU time, but none was sampled";
}

bool report_has_waits_alone(const struct report *report)
{
	const struct profile *profile = report->profile;

	if (!metric_is_wait(profile, report->metric) || !report->trust.samples)
		return false;
	for (size_t i = 0; i < profile->samples_count; i++)
		if (profile->samples[i].metric == 0)
			return false;
	return true;
}

/* Says whether samples of the first metric were lost, whatever the report is about. */
static bool has_lost(const struct report *report)
{
	struct trust trust;

	trust_measure(&trust, report->profile, 0);
	return trust.lost > 0;
}

const char *report_why_empty(const struct report *report, char *text, size_t bytes)
{
	const struct profile *profile = report->profile;
	const char *state = profile_text(profile, "state", "");
	const char *note = profile_text(profile, "engine_note", "");
	const char *why = why_by_time(profile);

	if (!strncmp(state, "stopped: ", 9))
		snprintf(text, bytes, "%s", state + 9);
	else if (has_lost(report))
		snprintf(text, bytes, "every sample was lost");
	else if (why)
		snprintf(text, bytes, *note ? "%s (%s)" : "%s", why, note);
	else if (*note)
		snprintf(text, bytes, "%s", note);
	else if (!strcmp(state, "complete"))
		snprintf(text, bytes, "the program may have ended within one sampling period");
	else
		snprintf(text, bytes, "%s",
			 *state ? "the recording did not reach its end"
				: "the profile does not say why");
	return text;
}
