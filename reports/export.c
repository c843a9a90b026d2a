/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export: the table of formats; see export.h. */
#include "reports/export.h"

const struct export_format export_formats[] = {
	{"folded",
	 "one line per stack and its samples (waits: nanoseconds), for flamegraph.pl, speedscope, "
	 "inferno",
	 export_folded, false},
	{"pprof", "gzipped profile.proto, for go tool pprof, Pyroscope, Parca", export_pprof, true},
	{"speedscope", "JSON for speedscope.app", export_speedscope, false},
	{"firefox", "JSON for profiler.firefox.com, sample by sample in time", export_firefox,
	 false},
	{"callgrind", "calls and lines, for callgrind_annotate and KCachegrind", export_callgrind,
	 false},
	{"csv", "one row per function, for spreadsheets", export_csv, false},
	{"json",
	 "stacks, functions, threads, steps, series and all that is known of the run, for your own "
	 "scripts (docs/profile-v1.schema.json); what was counted and timed: --json of the reports",
	 export_json, false},
};

const size_t export_formats_count = sizeof(export_formats) / sizeof(*export_formats);
