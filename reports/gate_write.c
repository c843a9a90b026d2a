/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_write: see gate_write.h. */
#include "reports/gate_write.h"

#include "reports/comparison_write.h"
#include "reports/markdown.h"

#include <math.h>

enum {
	MARKDOWN_BYTES = 900 << 10,
	ANNOTATIONS = 10,
};

static void write_answer(const struct gate *gate, FILE *stream)
{
	fprintf(stream, "gate: %s: %zu passed, %zu failed, %zu cannot be told",
		gate_verdict_names[gate->verdict], gate->verdicts[GATE_PASSED],
		gate->verdicts[GATE_FAILED], gate->verdicts[GATE_UNCLEAR]);
}

/* Runners take "##[error]" for a command wherever it stands in a line of the log. */
static void write_log(const char *text, FILE *stream)
{
	for (; *text; text++) {
		fputc(*text, stream);
		if (!strncmp(text, "##[", 3))
			fputc(' ', stream);
	}
}

void gate_write(const struct gate *gate, FILE *stream)
{
	size_t left_out = 0;

	write_answer(gate, stream);
	fputc('\n', stream);
	for (int verdict = GATE_FAILED; verdict >= GATE_PASSED; verdict--)
		for (size_t i = 0; i < gate->items_count; i++) {
			const struct gate_item *item = &gate->items[i];

			if ((int)item->verdict != verdict)
				continue;
			if (item->minor || (verdict == GATE_PASSED && item->is_part)) {
				left_out++;
				continue;
			}
			fprintf(stream, "%-11s  ", gate_verdict_names[verdict]);
			write_log(item->name, stream);
			fputs(": ", stream);
			write_log(item->reason, stream);
			fputc('\n', stream);
		}
	if (left_out)
		fprintf(stream, "… and %zu of single functions or statements that did not fail\n",
			left_out);
	if (gate->unsteady)
		fprintf(stream,
			"… and %zu counts not judged: the base has them once, or not the same in "
			"each run\n",
			gate->unsteady);
	if (gate->note)
		fprintf(stream, "%s\n", gate->note);
}

void gate_write_markdown(const struct gate *gate, FILE *stream)
{
	long start = ftell(stream);
	size_t i = 0;

	fprintf(stream, "<!-- simprof:gate v1 verdict=%s -->\n**",
		gate->verdict == GATE_UNCLEAR ? "unclear" : gate_verdict_names[gate->verdict]);
	write_answer(gate, stream);
	fputs("**\n\n| answer | what | how much |\n| :-- | :-- | :-- |\n", stream);
	for (; i < gate->items_count && ftell(stream) - start < MARKDOWN_BYTES; i++) {
		const struct gate_item *item = &gate->items[i];

		fprintf(stream, "| %s | ", gate_verdict_names[item->verdict]);
		markdown_text(item->name, stream);
		fputs(" | ", stream);
		markdown_text(item->reason, stream);
		fputs(" |\n", stream);
	}
	if (i < gate->items_count)
		fprintf(stream, "\n… and %zu more\n", gate->items_count - i);
	if (gate->note) {
		fputc('\n', stream);
		markdown_text(gate->note, stream);
		fputc('\n', stream);
	}
}

/* Names and reasons are clean UTF-8 already. */
static void write_xml(const char *text, FILE *stream)
{
	for (; *text; text++)
		if (strchr("&<>\"'", *text))
			fprintf(stream, "&#%d;", *text);
		else
			fputc(*text, stream);
}

void gate_write_junit(const struct gate *gate, const char *time, FILE *stream)
{
	fprintf(stream,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites name=\"simprof\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n"
		"<testsuite name=\"gate\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
		"skipped=\"%zu\" "
		"timestamp=\"%s\">\n",
		gate->items_count, gate->verdicts[GATE_FAILED], gate->items_count,
		gate->verdicts[GATE_FAILED], gate->verdicts[GATE_UNCLEAR], time);
	for (size_t i = 0; i < gate->items_count; i++) {
		const struct gate_item *item = &gate->items[i];

		fprintf(stream, "<testcase classname=\"%s\" name=\"", item->class);
		write_xml(item->name, stream);
		fputs("\">", stream);
		if (item->verdict == GATE_FAILED) {
			fputs("<failure type=\"regression\" message=\"", stream);
			write_xml(item->reason, stream);
			fputs("\"/>", stream);
		} else if (item->verdict == GATE_UNCLEAR) {
			fputs("<skipped/>", stream);
		}
		if (item->verdict != GATE_FAILED) {
			fputs("<system-out>", stream);
			write_xml(item->reason, stream);
			fputs("</system-out>", stream);
		}
		fputs("</testcase>\n", stream);
	}
	fputs("</testsuite>\n</testsuites>\n", stream);
}

/* Escapes as GitHub's own toolkit does; its runner knows ':' and ',' in properties only. */
#define IN_PROPERTY "%\r\n:,"
#define IN_MESSAGE  "%\r\n"

static void write_escaped(const char *text, const char *escaped, FILE *stream)
{
	for (; *text; text++)
		if (strchr(escaped, *text))
			fprintf(stream, "%%%02X", (unsigned char)*text);
		else
			fputc(*text, stream);
}

void gate_write_annotations(const struct gate *gate, FILE *stream)
{
	int written = 0;

	for (size_t i = 0; i < gate->items_count && written < ANNOTATIONS; i++) {
		const struct gate_item *item = &gate->items[i];

		if (item->verdict != GATE_FAILED)
			continue;
		written++;
		fputs("::error title=", stream);
		write_escaped(item->name, IN_PROPERTY, stream);
		if (item->function && *item->function->file) {
			fputs(",file=", stream);
			write_escaped(item->function->file, IN_PROPERTY, stream);
			fprintf(stream, ",line=%u", item->function->line);
		}
		fputs("::", stream);
		write_escaped(item->reason, IN_MESSAGE, stream);
		fputc('\n', stream);
	}
}

json_t *gate_json(const struct gate *gate)
{
	json_t *items = json_array(), *json;

	for (size_t i = 0; i < gate->items_count; i++) {
		const struct gate_item *item = &gate->items[i];

		json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:s}", "name", item->name,
						       "class", item->class, "verdict",
						       gate_verdict_names[item->verdict], "reason",
						       item->reason));
	}
	json = json_pack("{s:s, s:s, s:o}", "schema", "simprof/gate-v1", "verdict",
			 gate_verdict_names[gate->verdict], "items", items);
	json_object_set_new(json, "not_judged", json_integer((json_int_t)gate->unsteady));
	if (gate->note)
		json_object_set_new(json, "note", json_string(gate->note));
	return json;
}

void gate_write_calibration(const struct gate_calibration *calibration, double detectable,
			    FILE *stream)
{
	size_t runs = calibration->runs / 2;

	fprintf(stream, "%zu recordings of one build, %zu random halves: %zu false alarms\n",
		calibration->runs, calibration->splits, calibration->false_alarms);
	fprintf(stream, "the total varies by %.1f %% from run to run", 100 * calibration->spread);
	if (isfinite(detectable))
		fprintf(stream, "; %zu runs a side see changes of %.1f %%\n", runs,
			100 * detectable);
	else
		fprintf(stream, "; %zu runs a side can see no change\n", runs);
}

json_t *gate_calibration_json(const struct gate_calibration *calibration, double detectable)
{
	json_t *json = json_pack("{s:I, s:I, s:I, s:f, s:f}", "runs", (json_int_t)calibration->runs,
				 "splits", (json_int_t)calibration->splits, "false_alarms",
				 (json_int_t)calibration->false_alarms, "spread_of_total",
				 calibration->spread, "spread_of_pairs", calibration->pairs_spread);

	json_object_set_new(json, "detectable",
			    isfinite(detectable) ? json_real(detectable) : json_null());
	return json;
}
