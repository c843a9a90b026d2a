/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_write: the answer of a gate, and of its self-test, for people, for summaries and for the
 * machines of CI.
 */
#pragma once

#include "reports/gate.h"

/* Text: the answer, then what failed and what could not be told. */
void gate_write(const struct gate *gate, FILE *stream);

/* GitHub-flavoured Markdown, for step summaries; at most 900 KiB (GitHub drops 1 MiB silently). */
void gate_write_markdown(const struct gate *gate, FILE *stream);

/*
 * JUnit XML as Jenkins' schema has it: one test case an item, a failure failed, what cannot be told
 * skipped with its reason in system-out, never passed.
 *
 * @time  of the day, "YYYY-MM-DDTHH:MM:SS"
 */
void gate_write_junit(const struct gate *gate, const char *time, FILE *stream);

/* Annotations of GitHub's workflow commands, an error for each failure (at most 10, all it shows).
 */
void gate_write_annotations(const struct gate *gate, FILE *stream);

/* Owned by the caller. */
json_t *gate_json(const struct gate *gate);

/*
 * What a self-test found, for people.
 *
 * @detectable  gate_detectable of as many runs a side; INFINITY: no change could be seen
 */
void gate_write_calibration(const struct gate_calibration *calibration, double detectable,
			    FILE *stream);

/* The same; owned by the caller. */
json_t *gate_calibration_json(const struct gate_calibration *calibration, double detectable);
