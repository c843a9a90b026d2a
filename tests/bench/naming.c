/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * naming: what it costs to name many addresses of files, and whether the names are libdw's.
 *
 *     naming ADDRESSES COMPARED FILE...
 *
 * Takes that many distinct addresses of each file's code at random (always the same ones; fewer
 * where a file has not so many), names them as a recording does, and prints CPU time, the time that
 * passed, and peak memory. Then the first COMPARED of the first file are asked of libdw, one by
 * one, in the way that its documentation shows (dwarf_addrdie, dwarf_getscopes,
 * dwarf_getscopes_die, dwarf_getsrc_die), and the chains of names and the lines are compared.
 *
 * Exit status: 0 all agree; 1 trouble; 2 some differ.
 */
#include "collector/base/xalloc.h"
#include "collector/resolve/demangle.h"
#include "collector/resolve/module.h"
#include "collector/resolve/symbols.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long peak_megabytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 20;
}

/* Adds frames at random addresses that call frame information says are code. */
static void add_frames(struct profile *profile, const struct module *module, size_t wanted)
{
	const struct module_segment *segment = &module->segments[0];
	uint64_t state = 1, start;
	size_t end = profile->frames_count + wanted;

	for (size_t i = 0; profile->frames_count < end && i < 100 * wanted; i++) {
		uint64_t address = segment->address + next_random(&state) % segment->bytes;

		if (module_function_start(module, address, &start))
			profile_frame(profile, module->id, address);
	}
}

/* ---- libdw, one by one ---------------------------------------------------------------------- */

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

static char *name_of(Dwarf_Die *die)
{
	Dwarf_Attribute value;
	const char *linkage = NULL, *name = dwarf_diename(die);

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &value))
		linkage = dwarf_formstring(&value);
	return linkage ? demangle(linkage) : xstrdup(name ? name : "?");
}

/* Writes "innermost < … < outermost" and the line. Empty when libdw knows no function there. */
static void ask_libdw(Dwarf *dwarf, uint64_t address, char *answer, size_t bytes)
{
	Dwarf_Die unit, *scopes = NULL, *chain = NULL;
	size_t used = 0;
	int count;

	*answer = '\0';
	if (!dwarf_addrdie(dwarf, address, &unit))
		return;
	if (dwarf_getscopes(&unit, address, &scopes) > 0) {
		count = dwarf_getscopes_die(&scopes[0], &chain);
		for (int i = 0; i < count; i++) {
			char *name;

			if (!is_function(&chain[i]))
				continue;
			name = name_of(&chain[i]);
			used += (size_t)snprintf(answer + used, bytes - used, "%s < ", name);
			free(name);
		}
	}
	free(scopes);
	free(chain);
}

/* ---- ours ------------------------------------------------------------------------------------ */

static void ask_profile(const struct profile *profile, uint32_t frame, char *answer, size_t bytes)
{
	const struct profile_frame *row = &profile->frames[frame];
	size_t used = 0;

	*answer = '\0';
	for (uint32_t i = 0; i < row->line_count; i++) {
		const struct profile_line *line = &profile->lines[row->first_line + i];

		used += (size_t)snprintf(answer + used, bytes - used, "%s < ",
					 profile->functions[line->function].name);
	}
}

/* Returns how many of the first @count frames differ. Frames that libdw knows no function for are
 * not compared. */
static size_t compare(const struct profile *profile, Dwarf *dwarf, size_t count)
{
	static char ours[65536], theirs[65536];
	size_t differ = 0, compared = 0;
	double start = seconds(CLOCK_PROCESS_CPUTIME_ID);

	for (uint32_t i = 1; i <= count; i++) {
		ask_libdw(dwarf, profile->frames[i].address, theirs, sizeof(theirs));
		if (!*theirs)
			continue;
		ask_profile(profile, i, ours, sizeof(ours));
		compared++;
		if (!strcmp(ours, theirs))
			continue;
		if (differ++ < 5)
			printf("%#llx\n  ours  %s\n  libdw %s\n",
			       (unsigned long long)profile->frames[i].address, ours, theirs);
	}
	printf("libdw one by one: %zu compared, %zu differ, %.1f ms each\n", compared, differ,
	       (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e3 / (double)(count + !count));
	return differ;
}

/* Opens a file as the first sample in it would. */
static struct module *open_file(struct modules *modules, const char *path)
{
	struct module_identity identity = {.path = path};
	struct module *module = modules_get(modules, &identity, getpid());

	if (!module_open(module) && module->segment_count)
		return module;
	fprintf(stderr, "naming: %s\n",
		module->problem ? module->problem : "FILE must be an absolute path");
	exit(1);
}

int main(int argc, char **argv)
{
	struct profile *profile = profile_new();
	struct modules *modules = modules_new(profile);
	struct module *first;
	size_t wanted, compared;
	double start, passed;
	Dwarf *dwarf;

	if (argc < 4) {
		fprintf(stderr, "usage: naming ADDRESSES COMPARED FILE...\n");
		return 1;
	}
	wanted = strtoul(argv[1], NULL, 10);
	compared = strtoul(argv[2], NULL, 10);
	first = open_file(modules, argv[3]);
	for (int i = 3; i < argc; i++)
		add_frames(profile, open_file(modules, argv[i]), wanted);
	start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	passed = seconds(CLOCK_MONOTONIC);
	symbols_name(modules, profile);
	printf("named %zu addresses: %.2f s of CPU, peak %ld MB, in %.2f s, %zu lines, %zu "
	       "functions\n",
	       profile->frames_count - 1, seconds(CLOCK_PROCESS_CPUTIME_ID) - start,
	       peak_megabytes(), seconds(CLOCK_MONOTONIC) - passed, profile->lines_count - 1,
	       profile->functions_count - 1);
	dwarf = compared ? dwarf_begin(first->fd, DWARF_C_READ) : NULL;
	return dwarf && compare(profile, dwarf, compared < wanted ? compared : wanted) ? 2 : 0;
}
