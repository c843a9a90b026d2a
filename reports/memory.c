/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory: see memory.h. */
#include "reports/memory.h"

#include "reports/memory_site.h"
#include "reports/report.h"

#include <inttypes.h>
#include <math.h>
#include <uthash.h>

const char *const memory_metrics[MEMORY_AMOUNTS] = {
	[MEMORY_ALLOCATIONS] = "allocations",
	[MEMORY_ALLOCATED] = "allocated",
	[MEMORY_TEMPORARIES] = "temporaries",
	[MEMORY_LIVE] = "live",
	[MEMORY_LIVE_BLOCKS] = "live-blocks",
	[MEMORY_PEAK] = "peak",
	[MEMORY_MAPPINGS] = "mappings",
	[MEMORY_MAPPED] = "mapped",
	[MEMORY_MAPPED_LIVE] = "mapped-live",
	[MEMORY_PEAK_BLOCKS] = "peak-blocks",
	[MEMORY_LIFETIME] = "lifetime",
	[MEMORY_REPLACED] = "replaced",
	[MEMORY_REPLACED_BLOCKS] = "replaced-blocks",
};

const struct memory_remark memory_remarks[MEMORY_REMARKS] = {
	{"memory.lost_tally", true, "allocations or frees not counted, the tables were full"},
	{"memory.lost_process", true, "processes not counted, there were too many"},
	{"memory.confined", true,
	 "processes not counted any more since their seccomp filter forbids the probe's calls"},
	{"memory.no_room", true, "programs not counted, their memory is limited (ulimit -v)"},
	{"memory.unprobed", true, "programs that ran without the probe, not counted"},
	{"memory.lost_live", true, "blocks whose free is not counted, for want of memory"},
	{"memory.unknown_frees", true, "frees of blocks whose allocation was not seen"},
	{"memory.lost_samples", false, "samples lost, the ring was full"},
	{"memory.lost_region", false, "mappings told wrong, there was no room or no time"},
	{"memory.lost_node", false, "stacks cut at their innermost calls, the tree was full"},
	{"memory.lost_slot", false, "threads that shared tallies, there were too many at a time"},
	{"memory.lost_unwritten", false, "stacks not known, the thread was killed in the act"},
	{"memory.unseen_frees", false, "blocks freed unseen, their memory came back in others"},
	{"memory.forked", false, "forked processes, what they inherited is not counted to them"},
	{"memory.threaded", false,
	 "processes with threads, whose peak is exact to 4 KiB for each thread"},
};

bool memory_has_gaps(const struct profile *profile)
{
	if (!report_is_whole(profile))
		return true;
	for (int i = 0; i < MEMORY_REMARKS; i++)
		if (memory_remarks[i].is_bad && profile_number(profile, memory_remarks[i].key, 0))
			return true;
	return false;
}

const char *memory_say_nothing(const struct profile *profile, char *text, size_t size)
{
	if (!profile_meta_find(profile, "memory.processes") &&
	    !profile_meta_find(profile, "memory.attached"))
		snprintf(text, size, "%s",
			 profile_text(profile, "refused.memory",
				      "the profile has no allocations; record with collector run "
				      "--memory"));
	else if (profile_number(profile, "memory.no_room", 0))
		snprintf(text, size,
			 "no allocation was counted: the program's memory is limited (ulimit -v), "
			 "and the probe had no room");
	else if (profile_number(profile, "memory.unprobed", 0) &&
		 !profile_number(profile, "memory.processes", 0))
		snprintf(text, size,
			 "no allocation was counted: the program ran without the probe");
	else if (profile_number(profile, "memory.rate", 0))
		snprintf(text, size,
			 "the sample of allocations is empty: one in about %" PRId64
			 " bytes is taken; a smaller --memory-rate takes more",
			 profile_number(profile, "memory.rate", 0));
	else
		snprintf(text, size,
			 "the program allocated nothing that could be seen; an allocator inside it "
			 "is not");
	return text;
}

struct site_entry {
	UT_hash_handle hh;
	struct memory_site_key key;
	size_t index;
};

enum memory_amount *memory_amounts_of_metrics(const struct profile *profile)
{
	enum memory_amount *found = xcalloc(profile->metrics_count + 1, sizeof(*found));
	bool has_any = false;

	for (size_t i = 0; i < profile->metrics_count; i++) {
		found[i] = MEMORY_AMOUNTS;
		for (int amount = 0; amount < MEMORY_AMOUNTS; amount++)
			if (!strcmp(profile->metrics[i].name, memory_metrics[amount]))
				found[i] = amount;
		has_any = has_any || found[i] != MEMORY_AMOUNTS;
	}
	if (has_any)
		return found;
	free(found);
	return NULL;
}

static struct site_entry *entry_find(struct site_entry *entries, struct memory_site_key key)
{
	struct site_entry *entry;

	HASH_FIND(hh, entries, &key, sizeof(key), entry);
	return entry;
}

static struct memory_site *site_get(struct memory *memory, struct site_entry **entries,
				    struct memory_site_key key)
{
	struct site_entry *entry = entry_find(*entries, key);

	if (!entry) {
		entry = xcalloc(1, sizeof(*entry));
		entry->key = key;
		entry->index = memory->count;
		HASH_ADD(hh, *entries, key, sizeof(key), entry);
		xgrow(memory->sites, memory->count, memory->capacity);
		memory->sites[memory->count++] =
			(struct memory_site){.symbol = key.symbol, .line = key.line};
	}
	return &memory->sites[entry->index];
}

static void free_entries(struct site_entry *entries)
{
	struct site_entry *entry, *next;

	HASH_ITER (hh, entries, entry, next) {
		HASH_DEL(entries, entry);
		free(entry);
	}
}

int memory_live_metric(const struct profile *profile)
{
	for (size_t i = 0; i < profile->metrics_count; i++)
		if (!strcmp(profile->metrics[i].name, memory_metrics[MEMORY_LIVE]))
			return (int)i;
	return -1;
}

bool memory_measure(struct memory *memory, const struct profile *profile)
{
	enum memory_amount *amounts = memory_amounts_of_metrics(profile);
	struct site_entry *entries = NULL;

	*memory = (struct memory){
		.rate = (uint64_t)profile_number(profile, "memory.rate", 0),
		.is_attached = profile_number(profile, "memory.attached", 0),
		.stretch = (double)profile_number(profile, "memory.stretch_permille", 1000) / 1000,
		.half_width = profile_number(profile, "memory.half_width", -1),
		.samples = profile_number(profile, "memory.samples", -1),
		.looks = profile_number(profile, "memory.windows", 0),
	};
	if (!amounts)
		return false;
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		enum memory_amount amount = amounts[sample->metric];
		struct memory_site *site;

		if (amount == MEMORY_AMOUNTS)
			continue;
		site = site_get(memory, &entries, memory_site_of(profile, sample->stack));
		site->amounts[amount] += sample->value;
		memory->amounts[amount] += sample->value;
		if (sample->value > site->most[amount]) {
			site->most[amount] = sample->value;
			site->stacks[amount] = sample->stack;
		}
		if (amount == MEMORY_ALLOCATIONS && !profile_endings[sample->ending].complete)
			memory->cut += sample->value;
	}
	free_entries(entries);
	free(amounts);
	return true;
}

void memory_done(struct memory *memory)
{
	free(memory->sites);
	*memory = (struct memory){0};
}

bool memory_has_few_samples(const struct memory *memory)
{
	return memory->is_attached && memory->samples >= 0 &&
	       (memory->samples < MEMORY_LEAST_SAMPLES || memory->looks < MEMORY_LEAST_LOOKS);
}

struct memory_interval memory_interval(double estimate, double variance, double most)
{
	double spare = MEMORY_HALF_WIDTH * most / 2;
	double up = sqrt(variance + spare * spare) + spare;
	double error = estimate > 0 ? sqrt(variance) / estimate : 0;
	double least = fmax(0, 1 - error * error / 9 - MEMORY_HALF_WIDTH * error / 3);

	return (struct memory_interval){
		.low = estimate * least * least * least,
		.high = estimate + MEMORY_HALF_WIDTH * up,
	};
}

struct memory_interval memory_bytes_interval(const struct memory *memory, uint64_t bytes)
{
	double each = (double)memory->rate * memory->stretch;

	return memory_interval((double)bytes, each * (double)bytes, each);
}

double memory_error(const struct memory *memory, uint64_t bytes)
{
	return memory_bytes_interval(memory, bytes).high - (double)bytes;
}

uint64_t memory_round(uint64_t number, double half_width)
{
	uint64_t unit = 1;

	while (unit <= half_width / 10 && unit <= number / 10)
		unit *= 10;
	return (number + unit / 2) / unit * unit;
}

enum memory_amount memory_bytes_of(enum memory_amount blocks)
{
	switch (blocks) {
	case MEMORY_ALLOCATIONS:
		return MEMORY_ALLOCATED;
	case MEMORY_LIVE_BLOCKS:
		return MEMORY_LIVE;
	case MEMORY_PEAK_BLOCKS:
		return MEMORY_PEAK;
	case MEMORY_REPLACED_BLOCKS:
		return MEMORY_REPLACED;
	default:
		return MEMORY_AMOUNTS;
	}
}

uint64_t memory_blocks(const struct memory *memory, const uint64_t amounts[MEMORY_AMOUNTS],
		       enum memory_amount amount)
{
	enum memory_amount blocks = amount, bytes = memory_bytes_of(amount);
	double each;

	if (bytes == MEMORY_AMOUNTS) {
		blocks = MEMORY_ALLOCATIONS;
		bytes = MEMORY_ALLOCATED;
	}
	/* As many blocks as one that was sampled stands for. */
	each = (double)memory->rate * memory->stretch * (double)amounts[blocks] /
	       fmax(1, fmax((double)amounts[bytes], (double)amounts[blocks]));
	return memory_round(amounts[amount],
			    MEMORY_HALF_WIDTH * sqrt(each * (double)amounts[amount]));
}

uint64_t memory_frees(const uint64_t amounts[MEMORY_AMOUNTS])
{
	uint64_t left = amounts[MEMORY_LIVE_BLOCKS] + amounts[MEMORY_REPLACED_BLOCKS];

	return amounts[MEMORY_ALLOCATIONS] > left ? amounts[MEMORY_ALLOCATIONS] - left : 0;
}

double memory_lifetime(const uint64_t amounts[MEMORY_AMOUNTS])
{
	double frees = (double)memory_frees(amounts);

	return frees > 0 ? (double)amounts[MEMORY_LIFETIME] / frees : NAN;
}

uint32_t *memory_sites_of_stacks(const struct memory *memory, const struct profile *profile)
{
	uint32_t *sites = xcalloc(profile->stacks_count + 1, sizeof(*sites));
	struct site_entry *entries = NULL, *entry;

	for (size_t i = 0; i < memory->count; i++) {
		entry = xcalloc(1, sizeof(*entry));
		entry->key =
			(struct memory_site_key){memory->sites[i].symbol, memory->sites[i].line};
		entry->index = i;
		HASH_ADD(hh, entries, key, sizeof(entry->key), entry);
	}
	for (uint32_t stack = 0; stack < profile->stacks_count; stack++) {
		entry = entry_find(entries, memory_site_of(profile, stack));
		sites[stack] = entry ? (uint32_t)entry->index : (uint32_t)memory->count;
	}
	free_entries(entries);
	return sites;
}

static int compare(const void *left, const void *right, void *context)
{
	const struct memory_site *a = left, *b = right;
	enum memory_amount first = *(const enum memory_amount *)context;

	if (a->amounts[first] != b->amounts[first])
		return a->amounts[first] < b->amounts[first] ? 1 : -1;
	for (int i = 0; i < MEMORY_AMOUNTS; i++)
		if (a->amounts[i] != b->amounts[i])
			return a->amounts[i] < b->amounts[i] ? 1 : -1;
	if (a->symbol != b->symbol)
		return a->symbol < b->symbol ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

void memory_sort(struct memory *memory, enum memory_amount amount)
{
	if (memory->count)
		qsort_r(memory->sites, memory->count, sizeof(*memory->sites), compare, &amount);
}
