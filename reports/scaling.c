/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scaling: see scaling.h. */
#include "reports/scaling_groups.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum {
	FUNCTIONS_SAMPLED =
		15,	    /* functions that nobody asked for, the costliest at the largest size */
	SAMPLES_LEAST = 10, /* in a run, of what is told from samples */
};

static const double limit_rates[] = {10, 50, 100}; /* steps a second */
static const double half = 0.5;
static const double flat = 0.25; /* exponent, half of that of a root: no constant cost */
static const double reach = 4;	 /* how far beyond the largest size a fit is trusted */

/* What a row tells of its function. */
enum amount {
	TIME,
	CALLS,
	COST, /* of a call */
	AMOUNTS
};

static const char *const amount_names[AMOUNTS] = {"time", "calls", "cost"};

/* What is taken of a run for a row. */
struct taken {
	double amounts[AMOUNTS]; /* 0: not known */
	uint32_t samples;	 /* that the time comes from, when it was sampled */
	bool is_sampled;
};

struct row {
	const char *name, *kind, *component, *unit;
	uint32_t function; /* id, or index of the component */
	struct taken (*take)(const struct measured *run, uint32_t id);
	const char *clock; /* what the time of a function is of; NULL: the kind says it */
	bool is_mixed;	   /* it is of two kinds, which are no one fit */
};

/* The number of steps that the runs of a point took, as one of them knows that has them all; 0 when
 * none does. */
static double steps_of_point(const struct scaling *scaling, const json_t *point)
{
	for (size_t i = 0; i < scaling->sweep.count; i++) {
		const struct measured *run = scaling->runs[i];

		if (run && run->has_steps && !run->lacks_steps &&
		    json_equal(
			    json_array_get(scaling->sweep.points, scaling->sweep.results[i].point),
			    point))
			return run->steps;
	}
	return 0;
}

void scaling_take_steps(struct scaling *scaling, const struct scaling *other)
{
	for (size_t i = 0; i < scaling->sweep.count; i++) {
		struct measured *run = scaling->runs[i];
		double steps;

		if (!run || !run->lacks_steps)
			continue;
		steps = steps_of_point(other, json_array_get(scaling->sweep.points,
							     scaling->sweep.results[i].point));
		if (steps > 0)
			measured_set_steps(run, steps);
	}
}

/* Of how many runs a flag holds. @flag  its offset in struct measured */
static int count_runs(const struct scaling *scaling, size_t flag)
{
	int count = 0;

	for (size_t i = 0; i < scaling->sweep.count; i++)
		count += scaling->runs[i] && *(const bool *)((const char *)scaling->runs[i] + flag);
	return count;
}

int scaling_lacking_steps(const struct scaling *scaling)
{
	return count_runs(scaling, offsetof(struct measured, lacks_steps));
}

int scaling_load(struct scaling *scaling, const char *folder, const json_t *components,
		 struct error *error)
{
	int result;

	*scaling = (struct scaling){.unreadable = json_array()};
	result = sweep_load(&scaling->sweep, folder, error);
	if (result) {
		json_decref(scaling->unreadable);
		return result;
	}
	component_map_init(&scaling->map, components);
	scaling->runs = measured_load_all(&scaling->sweep, &scaling->names, &scaling->map,
					  scaling->unreadable);
	scaling_take_steps(scaling, scaling);
	return 0;
}

void scaling_done(struct scaling *scaling)
{
	measured_free_all(scaling->runs, scaling->sweep.count);
	measured_names_done(&scaling->names);
	component_map_done(&scaling->map);
	json_decref(scaling->unreadable);
	sweep_done(&scaling->sweep);
}

static struct taken take_step(const struct measured *run, uint32_t id)
{
	(void)id;
	return (struct taken){.amounts[TIME] = run->step_ns};
}

static struct taken take_cpu(const struct measured *run, uint32_t id)
{
	(void)id;
	return (struct taken){
		.amounts[TIME] = run->step_cpu_ns, .samples = run->samples, .is_sampled = true};
}

static struct taken take_memory(const struct measured *run, uint32_t id)
{
	(void)id;
	return (struct taken){.amounts[TIME] = run->rss_peak};
}

static struct taken take_component(const struct measured *run, uint32_t id)
{
	return (struct taken){
		.amounts[TIME] = run->components[id] * run->step_cpu_ns,
		.samples = (uint32_t)(run->components[id] * run->samples),
		.is_sampled = true,
	};
}

/* Wall time, of a probe that was there all the time. */
static struct taken take_timed(const struct measured *run, uint32_t id)
{
	struct measured_function function = measured_function(run, id);

	return (struct taken){
		.amounts[TIME] = function.is_whole ? function.time_ns : 0,
		.amounts[CALLS] = function.knows_calls ? function.calls : 0,
		.amounts[COST] = function.is_timed ? function.mean_ns : 0,
	};
}

/* CPU time: all that is known of what was taken off during the run to keep the budget. */
static struct taken take_total(const struct measured *run, uint32_t id)
{
	struct taken taken = take_timed(run, id);
	struct measured_function function = measured_function(run, id);

	taken.amounts[TIME] = function.total_ns;
	taken.samples = function.total_samples;
	taken.is_sampled = true;
	return taken;
}

static struct taken take_sampled(const struct measured *run, uint32_t id)
{
	struct measured_function function = measured_function(run, id);

	return (struct taken){.amounts[TIME] = function.self_ns,
			      .samples = function.self_samples,
			      .is_sampled = true};
}

/* One of the three quantities of all runs of a group, as points of a fit. */
struct quantity {
	struct growth_point points[GROWTH_SIZES];
	double *costs;
	size_t count;
};

/*
 * Gathers a quantity by size. Sampled times rest on SAMPLES_LEAST samples a run on average, or that
 * size is left out: few samples are mostly chance, and none cannot be drawn in logarithms.
 */
static void gather(struct quantity *quantity, const struct scaling *scaling,
		   const struct scaling_group *group, const struct row *row, enum amount amount)
{
	quantity->costs = xcalloc(group->count, sizeof(double));
	quantity->count = 0;
	for (size_t i = 0, made = 0; i < group->count && quantity->count < GROWTH_SIZES;) {
		struct growth_point point = {group->sizes[i], quantity->costs + made, 0};
		bool is_sampled = false;
		size_t runs = 0;
		double samples = 0;

		for (; i < group->count && group->sizes[i] == point.size; i++, runs++) {
			struct taken taken =
				row->take(scaling->runs[group->runs[i]], row->function);
			double cost = taken.amounts[amount];

			is_sampled |= taken.is_sampled;
			samples += taken.samples;
			if (cost > 0)
				quantity->costs[made + point.count++] = cost;
		}
		if (!point.count ||
		    (is_sampled && amount == TIME && samples < (double)runs * SAMPLES_LEAST))
			continue;
		made += point.count;
		quantity->points[quantity->count++] = point;
	}
}

static json_t *points_json(const struct quantity *quantity)
{
	json_t *array = json_array();

	for (size_t i = 0; i < quantity->count; i++) {
		const struct growth_point *point = &quantity->points[i];
		double low = INFINITY, high = 0;
		json_t *costs = json_array();

		for (size_t k = 0; k < point->count; k++) {
			json_array_append_new(costs, json_real(point->costs[k]));
			low = fmin(low, point->costs[k]);
			high = fmax(high, point->costs[k]);
		}
		json_array_append_new(array, json_pack("{s:f, s:f, s:f, s:f, s:i, s:o}", "size",
						       point->size, "median",
						       growth_median(point->costs, point->count),
						       "low", low, "high", high, "runs",
						       (int)point->count, "costs", costs));
	}
	return array;
}

/* Fits one quantity of a row; nothing when it is not known. */
static void fit_quantity(json_t *json, const struct scaling *scaling,
			 const struct scaling_group *group, const struct row *row,
			 enum amount amount, struct growth *growth)
{
	struct quantity quantity;

	gather(&quantity, scaling, group, row, amount);
	growth_fit(growth, quantity.points, quantity.count);
	if (quantity.count) {
		json_object_set_new(json, amount_names[amount], growth_json(growth));
		if (amount == TIME)
			json_object_set_new(json, "points", points_json(&quantity));
	}
	free(quantity.costs);
}

static void add_row(json_t *rows, const struct scaling *scaling, const struct scaling_group *group,
		    const struct row *row, struct growth *time)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "name", row->name, "kind", row->kind,
				 "component", row->component, "unit", row->unit);
	struct growth other;

	if (row->is_mixed)
		json_object_set_new(json, "time", json_pack("{s:b}", "mixed", true));
	else
		fit_quantity(json, scaling, group, row, TIME, time);
	if (row->clock && json_object_get(json, "points"))
		json_object_set_new(json, "clock", json_string(row->clock));
	fit_quantity(json, scaling, group, row, CALLS, &other);
	fit_quantity(json, scaling, group, row, COST, &other);
	if (json_object_get(json, "time") || json_object_get(json, "calls"))
		json_array_append_new(rows, json);
	else
		json_decref(json);
}

static bool is_probed(const struct scaling *scaling, const struct scaling_group *group, uint32_t id)
{
	for (size_t i = 0; i < group->count; i++)
		if (measured_function(scaling->runs[group->runs[i]], id).is_counted)
			return true;
	return false;
}

/* Self time of a function in the runs of the largest size; 0 when there are too few samples. */
static double self_at_largest(const struct scaling *scaling, const struct scaling_group *group,
			      uint32_t id)
{
	double largest = group->sizes[group->count - 1], sum = 0;
	uint32_t samples = 0, runs = 0;

	for (size_t i = group->count; i-- && group->sizes[i] == largest; runs++) {
		struct measured_function function =
			measured_function(scaling->runs[group->runs[i]], id);

		sum += function.self_ns;
		samples += function.self_samples;
	}
	return samples >= SAMPLES_LEAST * runs ? sum : 0;
}

/* The number of sizes that at least one of two quantities is known of. */
static size_t count_sizes(const struct quantity *one, const struct quantity *other)
{
	size_t count = one->count;

	for (size_t i = 0; i < other->count; i++) {
		size_t k = 0;

		while (k < one->count && one->points[k].size != other->points[i].size)
			k++;
		count += k == one->count;
	}
	return count;
}

/* Wall and CPU time differ, so that a fit is of one of them: the one that is known of every size
 * that either is known of. */
static void add_probed(json_t *rows, const struct scaling *scaling,
		       const struct scaling_group *group, uint32_t id)
{
	const struct measured_name *name = scaling->names.rows[id];
	struct row timed = {.name = name->name,
			    .kind = "function",
			    .component = scaling->map.names[name->component],
			    .unit = "ns",
			    .function = id,
			    .take = take_timed,
			    .clock = "wall time"};
	struct row total = timed;
	struct quantity wall, cpu;
	struct growth growth;
	size_t sizes;

	total.take = take_total;
	total.clock = "CPU time";
	gather(&wall, scaling, group, &timed, TIME);
	gather(&cpu, scaling, group, &total, TIME);
	sizes = count_sizes(&wall, &cpu);
	timed.is_mixed = wall.count < sizes;
	add_row(rows, scaling, group, timed.is_mixed && cpu.count == sizes ? &total : &timed,
		&growth);
	free(wall.costs);
	free(cpu.costs);
}

static void add_functions(json_t *rows, const struct scaling *scaling,
			  const struct scaling_group *group)
{
	bool *is_used = xcalloc(scaling->names.count, sizeof(*is_used));
	struct growth growth;

	for (uint32_t id = 0; id < scaling->names.count; id++) {
		is_used[id] = is_probed(scaling, group, id);
		if (is_used[id])
			add_probed(rows, scaling, group, id);
	}
	for (int i = 0; i < FUNCTIONS_SAMPLED; i++) {
		uint32_t best = 0;
		double most = 0;

		for (uint32_t id = 0; id < scaling->names.count; id++) {
			double self = is_used[id] ? 0 : self_at_largest(scaling, group, id);

			if (self > most) {
				most = self;
				best = id;
			}
		}
		if (most <= 0)
			break;
		is_used[best] = true;
		add_row(rows, scaling, group,
			&(struct row){scaling->names.rows[best]->name, "self time",
				      scaling->map.names[scaling->names.rows[best]->component],
				      "ns", best, .take = take_sampled},
			&growth);
	}
	free(is_used);
}

static void add_limit(json_t *limits, const char *format, double size,
		      const struct scaling_group *group, const char *over, const char *what)
{
	double smallest = group->sizes[0], largest = group->sizes[group->count - 1];
	json_t *json = json_pack("{s:s, s:s, s:s}", "of", what, "limit", format, "over", over);

	if (isfinite(size) && size <= largest * reach)
		json_object_set_new(json, "size", json_real(size));
	else if (isfinite(size))
		json_object_set_new(json, "beyond", json_real(largest * reach));
	else
		json_object_set_new(json, "never", json_true());
	json_object_set_new(json, "is_extrapolated",
			    json_boolean(size > largest || size < smallest));
	json_array_append_new(limits, json);
}

/* Sizes at which steps get too slow, or memory is full. */
static json_t *limits_json(const struct growth *step, const struct growth *memory,
			   const struct scaling_group *group, const char *over)
{
	json_t *limits = json_array();
	double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	char text[100];

	for (size_t i = 0; step->is_known && i < sizeof(limit_rates) / sizeof(*limit_rates); i++) {
		snprintf(text, sizeof(text), "%.0f steps a second", limit_rates[i]);
		add_limit(limits, text, growth_size_of(step, 1e9 / limit_rates[i]), group, over,
			  "step");
	}
	if (memory->is_known) {
		snprintf(text, sizeof(text), "this machine's %.1f GiB of memory",
			 bytes / (1 << 30));
		add_limit(limits, text, growth_size_of(memory, bytes), group, over, "memory");
	}
	return limits;
}

/* The size from which on a component takes half of the CPU time, as far as the fits are trusted;
 * none where it does at the smallest. */
static void add_crossing(json_t *limits, const char *name, const struct growth *component,
			 const struct growth *cpu, const struct scaling_group *group,
			 const char *over)
{
	double smallest = group->sizes[0];

	if (!component->is_known || !cpu->is_known ||
	    growth_at(component, smallest) >= half * growth_at(cpu, smallest))
		return;
	for (int i = 0; smallest * pow(1.01, i) < reach * cpu->largest; i++) {
		double size = smallest * pow(1.01, i);

		if (growth_at(component, size) < half * growth_at(cpu, size))
			continue;
		add_limit(limits, "half of the CPU time", size, group, over, name);
		return;
	}
}

/* Of each component, the largest share of the CPU time that it has at any size: what is told of
 * those with too few samples for a fit. */
static json_t *shares_json(const struct scaling *scaling, const struct scaling_group *group)
{
	json_t *shares = json_object();

	for (int id = 0; id < scaling->map.count; id++) {
		double most = 0;

		for (size_t i = 0; i < group->count;) {
			double size = group->sizes[i], part = 0, all = 0;

			for (; i < group->count && group->sizes[i] == size; i++) {
				const struct measured *run = scaling->runs[group->runs[i]];

				part += run->components[id] * run->samples;
				all += run->samples;
			}
			most = fmax(most, all > 0 ? part / all : 0);
		}
		json_object_set_new(shares, scaling->map.names[id], json_real(most));
	}
	return shares;
}

/* Says whether a row grows, or may: its answer or a rival does, or where @is_whole its exponent's
 * interval leaves it open. */
static bool may_grow(const json_t *row, bool is_whole)
{
	const json_t *time = json_object_get(row, "time");
	const char *class = json_string_value(json_object_get(time, "class"));

	return class &&
	       (strcmp(class, growth_class_names[GROWTH_CONSTANT]) != 0 ||
		json_array_size(json_object_get(time, "rivals")) ||
		(is_whole &&
		 json_number_value(json_array_get(json_object_get(time, "interval"), 1)) >= flat));
}

/* Takes "never" back where a row says otherwise: of memory its own, of the step that of any part of
 * it, too, as what is a part of a step makes it grow in the end. */
static void doubt_limits(json_t *limits, const json_t *rows)
{
	json_t *limit;
	size_t i, k;

	json_array_foreach (limits, i, limit) {
		bool is_memory = !strcmp(json_string_value(json_object_get(limit, "of")), "memory");
		const json_t *row;

		json_array_foreach (rows, k, row) {
			const char *kind = json_string_value(json_object_get(row, "kind"));
			bool is_whole = !strcmp(kind, "step") || !strcmp(kind, "cpu");

			if (!json_object_get(limit, "never") ||
			    is_memory != !strcmp(kind, "memory") ||
			    !may_grow(row, is_whole || is_memory))
				continue;
			json_object_del(limit, "never");
			json_object_set_new(limit, "untold", json_true());
		}
	}
}

static json_t *group_json(const struct scaling *scaling, const struct scaling_group *group,
			  const char *over)
{
	json_t *rows = json_array(), *limits;
	struct growth step, cpu, memory, component;

	add_row(rows, scaling, group, &(struct row){"step", "step", "", "ns", 0, .take = take_step},
		&step);
	add_row(rows, scaling, group,
		&(struct row){"CPU time of a step", "cpu", "", "ns", 0, .take = take_cpu}, &cpu);
	add_row(rows, scaling, group,
		&(struct row){"memory, most", "memory", "", "bytes", 0, .take = take_memory},
		&memory);
	limits = limits_json(&step, &memory, group, over);
	for (int i = 0; i < scaling->map.count; i++) {
		const char *name = scaling->map.names[i];

		add_row(rows, scaling, group,
			&(struct row){name, "component", name, "ns", (uint32_t)i,
				      .take = take_component},
			&component);
		add_crossing(limits, name, &component, &cpu, group, over);
	}
	add_functions(rows, scaling, group);
	doubt_limits(limits, rows);
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "machine", group->machine, "others",
			 group->others, "rows", rows, "shares", shares_json(scaling, group),
			 "limits", limits);
}

json_t *scaling_json(const struct scaling *scaling, const char *over, const char *size,
		     struct error *error)
{
	json_t *groups_array = json_array();
	double *cpu_ns = xcalloc(scaling->sweep.count, sizeof(*cpu_ns));
	struct scaling_group *groups;
	json_t *json;
	size_t count;

	over = over ? over : scaling_find_over(scaling);
	if (!over || !scaling_varies(scaling, over)) {
		fail(error, -EINVAL, "nothing in this sweep varies over several numbers");
		json_decref(groups_array);
		free(cpu_ns);
		return NULL;
	}
	groups = scaling_groups_make(scaling, over, size, &count);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(groups_array, group_json(scaling, &groups[i], over));
	scaling_groups_free(groups, count);
	for (size_t i = 0; i < scaling->sweep.count; i++)
		cpu_ns[i] = scaling->runs[i] ? measured_own_cpu_ns(scaling->runs[i]) : 0;
	json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:O, s:i, s:i, s:i, s:o}", "schema",
			 "simprof/scaling-v1", "over", over, "size", size ? size : over, "runs",
			 sweep_runs_json(&scaling->sweep), "overhead",
			 sweep_overhead_json(&scaling->sweep, cpu_ns), "unreadable",
			 scaling->unreadable, "stepless", scaling_lacking_steps(scaling),
			 "inlined_steps",
			 count_runs(scaling, offsetof(struct measured, has_inlined_steps)),
			 "extended", count_runs(scaling, offsetof(struct measured, is_extended)),
			 "groups", groups_array);
	free(cpu_ns);
	return json;
}

json_t *scaling_read(const char *folder, struct error *error)
{
	struct scaling scaling;
	json_t *json;

	if (scaling_load(&scaling, folder, NULL, error))
		return NULL;
	json = scaling_json(&scaling, NULL, NULL, error);
	scaling_done(&scaling);
	return json;
}
