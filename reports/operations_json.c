/* SPDX-License-Identifier: GPL-3.0-or-later */
/* operations_json: see operations_json.h. */
#include "reports/operations_json.h"

#include "reports/text.h"

static json_t *amounts_json(const struct operations_amounts *amounts, const char *amount)
{
	json_t *json = json_pack("{s:I, s:I, s:I}", "count", (json_int_t)amounts->count, "ns",
				 (json_int_t)amounts->total_ns, "longest_ns",
				 (json_int_t)amounts->longest_ns);

	if (amount)
		json_object_set_new(json, amount, json_integer((json_int_t)amounts->amount));
	if (amounts->part_ns)
		json_object_set_new(json, "fsync_ns", json_integer((json_int_t)amounts->part_ns));
	return json;
}

/* Functions from the innermost outward; null for a stack that is not known. */
static json_t *stack_json(const struct report *report, uint32_t stack)
{
	const struct profile *profile = report->profile;
	json_t *json = stack ? json_array() : json_null();

	for (uint32_t id = stack; id; id = profile->stacks[id].parent) {
		uint32_t frame = profile->stacks[id].frame;

		for (uint32_t i = 0; i < symbol_depth(profile, frame); i++)
			json_array_append_new(
				json,
				text_json(
					report->symbols.symbols[symbol_at(profile, frame, i).symbol]
						.label));
	}
	return json;
}

static json_t *sites_json(const struct operations *operations, const struct operations_group *group,
			  const char *amount)
{
	json_t *sites = json_array();

	for (size_t i = 0; i < group->site_count; i++) {
		const struct operations_site *site = &group->sites[i];
		json_t *json = amounts_json(&site->amounts, amount);

		json_object_set_new(json, "stack", stack_json(operations->report, site->stack));
		json_object_set_new(json, "other", stack_json(operations->report, site->other));
		json_array_append_new(sites, json);
	}
	return sites;
}

json_t *operations_json(const struct operations *operations, uint32_t limit, const char *amount)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < operations->count && i < limit; i++) {
		const struct operations_group *group = &operations->groups[i];
		json_t *json = amounts_json(&group->all, amount), *kinds = json_object();

		if (!group->all.count && !group->taken)
			continue;
		json_object_set_new(json, "name", text_json(group->label));
		json_object_set_new(json, "kind",
				    group->kind ? json_string(profile_subject_kinds[group->kind])
						: json_null());
		json_object_set_new(json, "subjects", json_integer(group->subjects));
		json_object_set_new(json, "taken", json_integer((json_int_t)group->taken));
		for (int kind = 1; kind < PROFILE_OPERATION_KINDS; kind++)
			if (group->kinds[kind].count)
				json_object_set_new(kinds, profile_operation_kinds[kind],
						    amounts_json(&group->kinds[kind], amount));
		json_object_set_new(json, "operations", kinds);
		json_object_set_new(json, "p50_ns",
				    json_real(operations_percentile(operations, group,
								    operations->timed, 0.5)));
		json_object_set_new(json, "p99_ns",
				    json_real(operations_percentile(operations, group,
								    operations->timed, 0.99)));
		json_object_set_new(json, "sites", sites_json(operations, group, amount));
		json_array_append_new(groups, json);
	}
	return groups;
}

json_t *operations_notes_json(const struct report *report)
{
	json_t *notes = json_object();

	for (size_t i = 0; i < report->profile->meta_count; i++) {
		const struct profile_meta *meta = &report->profile->meta[i];

		if (!strncmp(meta->key, "operations.", 11) && !meta->text)
			json_object_set_new(notes, meta->key + 11, json_integer(meta->number));
	}
	return notes;
}
