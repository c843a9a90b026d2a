/* SPDX-License-Identifier: GPL-3.0-or-later */
/* operations: see operations.h. */
#include "reports/operations.h"

#include "reports/memory_site.h"
#include "reports/text.h"

#include <inttypes.h>
#include <uthash.h>

#define CALLERS	 4  /* shown of a stack */
#define BAD_CUTS 20 /* more than one operation in so many without a whole stack is bad */

struct entry {
	UT_hash_handle hh;
	char *label; /* with the kind in front */
	uint32_t index;
};

struct site_key {
	uint32_t group, stack, other;
};

struct site_entry {
	UT_hash_handle hh;
	struct site_key key;
	uint32_t index;
};

/* ---- labels ------------------------------------------------------------------------------- */

/* Writes a function of a stack, and the line in it. */
static void write_site(FILE *stream, const struct report *report, struct memory_site_place place)
{
	const struct profile *profile = report->profile;
	uint32_t frame = profile->stacks[place.stack].frame;
	uint32_t symbol = symbol_at(profile, frame, place.depth).symbol;
	const struct profile_frame *row = &profile->frames[frame];
	uint32_t line = row->line_count ? profile->lines[row->first_line + place.depth].line : 0;
	uint32_t file = report->symbols.symbols[symbol].file;

	fputs(report->symbols.symbols[symbol].label, stream);
	if (line && file)
		fprintf(stream, " (%s:%u)", symbol_base_name(profile->files[file]), line);
}

static char *label_of(const struct report *report, const struct profile_subject *subject)
{
	char *label = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&label, &bytes);

	if (!subject->kind)
		fputs("others, for which there was no room", stream);
	else if (*subject->name)
		fputs(subject->name, stream);
	else if (subject->kind == PROFILE_SUBJECT_THREAD)
		fputs("the end of threads", stream);
	else if (subject->site) {
		fputs("allocated in ", stream);
		write_site(stream, report, memory_site_place(report->profile, subject->site));
	} else if (subject->address)
		fprintf(stream, "0x%" PRIx64, subject->address);
	else
		fputs("not known", stream);
	fclose(stream);
	return xalloc_checked(label);
}

const char *operations_stack_text(const struct report *report, uint32_t stack, char *text,
				  size_t bytes)
{
	const struct profile *profile = report->profile;
	struct memory_site_place place = memory_site_behind_library(profile, stack);
	FILE *stream = fmemopen(text, bytes, "w");
	int shown = 0;

	*text = '\0';
	if (!stream)
		return text;
	if (stack)
		write_site(stream, report, place);
	else
		fputs("not known", stream);
	for (uint32_t id = place.stack; id && shown < CALLERS; id = profile->stacks[id].parent) {
		uint32_t frame = profile->stacks[id].frame;
		uint32_t depth = symbol_depth(profile, frame);

		for (uint32_t i = id == place.stack ? place.depth + 1 : 0;
		     i < depth && shown < CALLERS; i++) {
			uint32_t symbol = symbol_at(profile, frame, i).symbol;

			if (symbol < profile->functions_count &&
			    memory_site_is_standard(profile, symbol))
				continue;
			fprintf(stream, " < %s", report->symbols.symbols[symbol].label);
			shown++;
		}
	}
	fclose(stream);
	text[bytes - 1] = '\0';
	return text;
}

/* ---- sums --------------------------------------------------------------------------------- */

static void add(struct operations_amounts *sum, const struct profile_operation *row)
{
	sum->count += row->count;
	sum->total_ns += row->total_ns;
	sum->amount += row->amount;
	sum->part_ns += row->part_ns;
	if (row->longest_ns > sum->longest_ns)
		sum->longest_ns = row->longest_ns;
}

static uint32_t group_get(struct operations *operations, struct entry **entries,
			  const struct profile_subject *subject)
{
	char *label = label_of(operations->report, subject), *key;
	struct entry *entry;

	key = xasprintf("%u %s", subject->kind, label);
	HASH_FIND_STR(*entries, key, entry);
	if (entry) {
		free(key);
		free(label);
		return entry->index;
	}
	entry = xcalloc(1, sizeof(*entry));
	entry->label = key;
	entry->index = (uint32_t)operations->count;
	HASH_ADD_KEYPTR(hh, *entries, entry->label, strlen(entry->label), entry);
	xgrow(operations->groups, operations->count, operations->capacity);
	operations->groups[operations->count++] =
		(struct operations_group){.label = label, .kind = subject->kind};
	return entry->index;
}

static void group_subjects(struct operations *operations, uint32_t kinds)
{
	const struct profile *profile = operations->report->profile;
	struct entry *entries = NULL, *entry, *next;

	/* Number 0 stands for subjects without a place, of whatever kind. */
	for (size_t i = 0; i < profile->subjects_count; i++) {
		const struct profile_subject *subject = &profile->subjects[i];
		uint32_t index;

		if (i && !(kinds >> subject->kind & 1))
			continue;
		index = group_get(operations, &entries, subject);
		operations->group_of_subject[i] = index + 1;
		operations->groups[index].subjects++;
		operations->groups[index].taken += subject->taken;
		operations->taken += subject->taken;
	}
	HASH_ITER (hh, entries, entry, next) {
		HASH_DEL(entries, entry);
		free(entry->label);
		free(entry);
	}
}

static struct operations_site *site_get(struct operations *operations, struct site_entry **entries,
					const struct site_key *key)
{
	struct operations_group *group = &operations->groups[key->group];
	struct site_entry *entry;

	HASH_FIND(hh, *entries, key, sizeof(*key), entry);
	if (!entry) {
		entry = xcalloc(1, sizeof(*entry));
		entry->key = *key;
		entry->index = (uint32_t)group->site_count;
		HASH_ADD(hh, *entries, key, sizeof(entry->key), entry);
		xgrow(group->sites, group->site_count, group->site_capacity);
		group->sites[group->site_count++] =
			(struct operations_site){.stack = key->stack, .other = key->other};
	}
	return &group->sites[entry->index];
}

/* Says whether a stack hangs under a note that it was cut. */
static bool is_cut(const struct profile *profile, uint32_t stack)
{
	uint32_t root = stack;

	if (!stack)
		return false; /* none was taken, on purpose */
	while (profile->stacks[root].parent)
		root = profile->stacks[root].parent;
	return profile->modules[profile->frames[profile->stacks[root].frame].module].kind ==
	       PROFILE_MODULE_NOTE;
}

static void sum_operations(struct operations *operations)
{
	const struct profile *profile = operations->report->profile;
	struct site_entry *entries = NULL, *entry, *next;

	for (size_t i = 0; i < profile->operations_count; i++) {
		const struct profile_operation *row = &profile->operations[i];
		uint32_t number = operations->group_of_subject[row->subject];
		struct operations_group *group = &operations->groups[number - 1];

		if (!number || !(operations->kinds >> row->kind & 1))
			continue;
		add(&group->all, row);
		add(&group->kinds[row->kind], row);
		add(&operations->all, row);
		add(&site_get(operations, &entries,
			      &(struct site_key){number - 1, row->stack, row->other})
			     ->amounts,
		    row);
		if (is_cut(profile, row->stack))
			operations->cut += row->count;
	}
	HASH_ITER (hh, entries, entry, next) {
		HASH_DEL(entries, entry);
		free(entry);
	}
}

static int by_amounts(const struct operations_amounts *a, const struct operations_amounts *b)
{
	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	return a->count < b->count ? 1 : a->count > b->count ? -1 : 0;
}

static int by_site(const void *a, const void *b)
{
	const struct operations_site *one = a, *other = b;
	int order = by_amounts(&one->amounts, &other->amounts);

	return order ? order : one->stack < other->stack ? -1 : one->stack > other->stack;
}

static int by_group(const void *a, const void *b)
{
	const struct operations_group *one = a, *other = b;
	int order = by_amounts(&one->all, &other->all);

	if (!order && one->taken != other->taken)
		return one->taken < other->taken ? 1 : -1;
	return order ? order : strcmp(one->label, other->label);
}

/* Orders the groups, and puts right which subject is in which. */
static void sort_groups(struct operations *operations)
{
	uint32_t *places = xcalloc(operations->count + 1, sizeof(*places));

	for (size_t i = 0; i < operations->count; i++) {
		struct operations_group *group = &operations->groups[i];

		group->number = (uint32_t)i;
		if (group->site_count)
			qsort(group->sites, group->site_count, sizeof(*group->sites), by_site);
	}
	if (operations->count)
		qsort(operations->groups, operations->count, sizeof(*operations->groups), by_group);
	for (size_t i = 0; i < operations->count; i++)
		places[operations->groups[i].number] = (uint32_t)i;
	for (size_t i = 0; i < operations->report->profile->subjects_count; i++)
		if (operations->group_of_subject[i])
			operations->group_of_subject[i] =
				places[operations->group_of_subject[i] - 1] + 1;
	free(places);
}

void operations_measure(struct operations *operations, const struct report *report,
			uint32_t subject_kinds, uint32_t operation_kinds)
{
	*operations = (struct operations){
		.report = report, .kinds = operation_kinds, .timed = operation_kinds};
	operations->group_of_subject =
		xcalloc(report->profile->subjects_count + 1, sizeof(*operations->group_of_subject));
	group_subjects(operations, subject_kinds);
	if (subject_kinds & OPERATIONS_KIND(PROFILE_SUBJECT_MUTEX))
		operations->taken +=
			(uint64_t)profile_number(report->profile, "operations.taken_elsewhere", 0);
	sum_operations(operations);
	sort_groups(operations);
}

void operations_done(struct operations *operations)
{
	for (size_t i = 0; i < operations->count; i++) {
		free(operations->groups[i].label);
		free(operations->groups[i].sites);
	}
	free(operations->groups);
	free(operations->group_of_subject);
	*operations = (struct operations){0};
}

struct operations_amounts operations_amounts_of(const struct operations_group *group,
						uint32_t kinds)
{
	struct operations_amounts sum = {.longest_ns = group->all.longest_ns};

	for (int kind = 1; kind < PROFILE_OPERATION_KINDS; kind++) {
		if (!(kinds >> kind & 1))
			continue;
		sum.count += group->kinds[kind].count;
		sum.amount += group->kinds[kind].amount;
		sum.total_ns += group->kinds[kind].total_ns;
		sum.part_ns += group->kinds[kind].part_ns;
	}
	return sum;
}

/* ---- distributions ------------------------------------------------------------------------ */

double operations_percentile(const struct operations *operations,
			     const struct operations_group *group, uint32_t kinds, double share)
{
	const struct profile *profile = operations->report->profile;
	uint64_t counts[PROFILE_BUCKETS] = {0}, total = 0, below = 0;
	uint32_t wanted = (uint32_t)(group - operations->groups) + 1, bucket = 0;
	uint64_t end_ns;

	for (size_t i = 0; i < profile->spreads_count; i++) {
		const struct profile_spread *row = &profile->spreads[i];

		if (operations->group_of_subject[row->subject] != wanted ||
		    !(kinds >> row->kind & 1))
			continue;
		counts[row->bucket] += row->count;
		total += row->count;
	}
	if (!total)
		return 0;
	for (; bucket < PROFILE_BUCKETS - 1; bucket++) {
		below += counts[bucket];
		if (below && (double)below >= share * (double)total)
			break;
	}
	end_ns = profile_bucket_end(bucket);
	if (end_ns > group->all.longest_ns)
		end_ns = group->all.longest_ns;
	return end_ns > profile_bucket_start(bucket)
		       ? ((double)profile_bucket_start(bucket) + (double)end_ns) / 2
		       : (double)profile_bucket_start(bucket);
}

/* ---- trust -------------------------------------------------------------------------------- */

const struct operations_remark operations_remarks[OPERATIONS_REMARKS] = {
	{"operations.lost_operation", true, "operations not counted, the table was full"},
	{"operations.lost_process", true, "processes not counted, there were too many"},
	{"operations.confined", true,
	 "processes not counted any more since their seccomp filter forbids the probe's calls"},
	{"operations.no_room", true, "programs not counted, their memory is limited (ulimit -v)"},
	{"operations.unprobed", true, "programs that ran without the probe, not counted"},
	{"operations.lost_subject", true, "operations on others, the table of subjects was full"},
	{"operations.lost_spread", false, "durations not in the histograms, the table was full"},
	{"operations.lost_text", false, "subjects without a name, there was no room"},
	{"operations.lost_node", false, "stacks cut at their innermost calls, the tree was full"},
	{"operations.lost_thread", false, "threads whose operations stand without them"},
	{"operations.lost_slot", false,
	 "threads that shared counters, there were too many at a time"},
	{"operations.taken_elsewhere", false,
	 "times taken at locks that are in no row, as their threads took too many others"},
};

bool operations_have_gaps(const struct profile *profile)
{
	if (!report_is_whole(profile))
		return true;
	for (int i = 0; i < OPERATIONS_REMARKS; i++)
		if (operations_remarks[i].is_bad &&
		    profile_number(profile, operations_remarks[i].key, 0))
			return true;
	return false;
}

void operations_write_trust(const struct operations *operations, const char *counted, FILE *stream)
{
	const struct profile *profile = operations->report->profile;

	fprintf(stream, "\ntrust: %s %s", operations_have_gaps(profile) ? "not every" : "every",
		counted);
	report_write_missing(profile, stream);
	if (operations->cut)
		fprintf(stream, " · %s%" PRIu64 " of %" PRIu64 " with a stack that is not whole",
			operations->cut * BAD_CUTS > operations->all.count ? "(!) " : "",
			operations->cut, operations->all.count);
	for (int i = 0; i < OPERATIONS_REMARKS; i++) {
		const struct operations_remark *remark = &operations_remarks[i];
		int64_t number = profile_number(profile, remark->key, 0);

		if (number)
			fprintf(stream, " · %s%s: %" PRId64, remark->is_bad ? "(!) " : "",
				remark->says, number);
	}
	report_write_unprobed(operations->report, stream);
}
