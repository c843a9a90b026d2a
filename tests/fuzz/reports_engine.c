/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reports_engine: fuzz target of reports/engine.c and what plans by it. Input: the description.
 */
#include "reports/phase_plan.h"

#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct error error;
	json_t *engine = engine_read(file_of(data, bytes), &error);

	for (int phase = 1; engine && phase <= PHASE_WINS; phase++)
		for (int quick = 0; quick < 2; quick++)
			json_decref(phase_plan(
				engine, &(struct phase_options){.phase = phase, .quick = quick},
				&error));
	json_decref(engine);
	return 0;
}
