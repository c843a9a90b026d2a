/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reports_disassembly: fuzz target of reports/disassembly.c, which reads code and symbols of the
 * program's file (with libelf and capstone behind). Input: the file. Samples stand around its entry
 * and where linkers put code, each in a function of its own and all in one.
 */
#include "reports/disassembly.h"

#include "tests/fuzz/file.h"

#include <elf.h>
#include <string.h>

enum {
	PLACES = 4,
	NEARBY = 6
};

static uint64_t entry_of(const uint8_t *data, size_t bytes)
{
	Elf64_Ehdr header = {0};

	memcpy(&header, data, bytes < sizeof(header) ? bytes : sizeof(header));
	return header.e_entry;
}

static void sample(struct profile *profile, uint32_t module, uint64_t address, const char *name)
{
	struct profile_line line = {profile_function(profile, name, NULL, module, 0, 0, true), 1};
	uint32_t frame = profile_frame(profile, module, address);

	if (!profile->frames[frame].line_count)
		profile_frame_set_lines(profile, frame, &line, 1);
	profile_sample_add(profile,
			   &(struct profile_sample){.time_ns = profile->samples_count + 1,
						    .value = 1,
						    .stack = profile_stack(profile, 0, frame)});
}

static struct profile *make_profile(const char *path, uint64_t entry)
{
	static const uint64_t nearby[NEARBY] = {0, 1, 16, 100, 1000, 0xfff};
	const uint64_t places[PLACES] = {entry, 0x1000, 0x401000, UINT64_MAX - 0xfff};
	struct profile *profile = profile_new();
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, path, NULL);
	char name[32];

	profile_metric_add(profile, "cpu", "ns", 1);
	for (int i = 0; i < PLACES; i++)
		for (int k = 0; k < NEARBY; k++) {
			snprintf(name, sizeof(name), "f%d_%d", i, k);
			sample(profile, module, places[i] + nearby[k], name);
			snprintf(name, sizeof(name), "all_%d", i);
			sample(profile, module, places[i] + nearby[k] + 3, name);
		}
	return profile;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct disassembly disassembly;
	struct report report;
	struct error error;

	report_init(&report, make_profile(file_of(data, bytes), entry_of(data, bytes)));
	for (uint32_t i = 1; i < report.profile->functions_count; i++) {
		if (disassembly_read(&disassembly, &report, i, &error))
			continue;
		for (size_t k = 1; k < disassembly.count; k++)
			if (!disassembly.rows[k].text)
				abort();
		disassembly_done(&disassembly);
	}
	report_done(&report);
	return 0;
}
