/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export: the table of formats; see export.h. */
#include "reports/export.h"

const struct export_format export_formats[] = {
	{"folded", "one line per stack, for flamegraph.pl, speedscope, inferno", export_folded},
};

const size_t export_formats_count = sizeof(export_formats) / sizeof(*export_formats);
