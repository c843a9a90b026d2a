/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uprobe_read: the part of uprobe.h that reads what is counted and what that costs. */
#include "collector/capture/uprobe_state.h"
#include "collector/capture/uprobe_trial.h"

#include <bpf/libbpf.h>
#include <math.h>

#define ENOUGH_HANDLED 1000 /* returns, to tell what probes cost at the moment */
#define HIGHEST_FACTOR 4

/* ---- costs --------------------------------------------------------------------------------- */

const struct uprobe_cost *uprobe_costs(const struct uprobe *uprobe)
{
	return uprobe->costs;
}

uint32_t uprobe_time_cost_ns(const struct uprobe *uprobe, const struct uprobe_function *function)
{
	const struct uprobe_cost *cost = &uprobe->costs[function->kind];

	return function->by_exits ? cost->exit_time_ns : cost->time_ns;
}

double uprobe_cost_factor(const struct uprobe *uprobe)
{
	return uprobe->factor;
}

static uint32_t scaled(const struct uprobe *uprobe, uint32_t cost_ns)
{
	return (uint32_t)lround(cost_ns * uprobe->factor);
}

void uprobe_set_costs(struct uprobe *uprobe, size_t number)
{
	const struct uprobe_function *function = &uprobe->functions[number];
	const struct uprobe_cost *costs = uprobe->costs, *cost = &costs[function->kind];
	struct uprobe_setting *row = uprobe_setting(uprobe, number);
	uint32_t stepped_ns = costs[UPROBE_STEPPED].count_ns;
	uint32_t emulated_ns = costs[UPROBE_EMULATED].count_ns;

	row->inside_ns =
		scaled(uprobe, function->by_exits ? cost->exit_inside_ns : cost->inside_ns);
	row->whole_ns =
		scaled(uprobe, row->mode == UPROBE_COUNT ? cost->count_ns
							 : uprobe_time_cost_ns(uprobe, function));
	row->step_ns = stepped_ns > emulated_ns ? scaled(uprobe, stepped_ns - emulated_ns) : 0;
}

/* Adds up over all functions. */
static struct uprobe_handling handling(const struct uprobe *uprobe)
{
	struct uprobe_handling sum = {0};

	for (size_t slot = 0; slot < uprobe_slots(uprobe); slot++)
		for (size_t i = 0; i < uprobe->count; i++) {
			const struct uprobe_function *function = &uprobe->functions[i];
			const struct uprobe_cell *cell = uprobe_slot_cell(uprobe, slot, i);

			sum.expected_ns += (double)cell->handled *
					   uprobe->handling_ns[function->kind][function->by_exits];
			sum.taken_ns += (double)cell->handling_ns;
		}
	return sum;
}

void uprobe_adapt_costs(struct uprobe *uprobe)
{
	struct uprobe_handling now = handling(uprobe);
	double expected_ns = now.expected_ns - uprobe->seen.expected_ns;
	double taken_ns = now.taken_ns - uprobe->seen.taken_ns;

	if (expected_ns < ENOUGH_HANDLED * uprobe->handling_ns[UPROBE_EMULATED][false])
		return;
	uprobe->seen = now;
	uprobe->factor = fmin(fmax(taken_ns / expected_ns, 1.0 / HIGHEST_FACTOR), HIGHEST_FACTOR);
	for (size_t i = 0; i < uprobe->count; i++)
		uprobe_set_costs(uprobe, i);
}

/* ---- a limit to what they cost --------------------------------------------------------------- */

double uprobe_spent_ns(const struct uprobe *uprobe)
{
	return probe_limit_spent_ns(&uprobe->limit);
}

void uprobe_set_limit(struct uprobe *uprobe, double more_ns)
{
	probe_limit_set(&uprobe->limit, more_ns);
}

bool uprobe_is_over(const struct uprobe *uprobe)
{
	return probe_limit_is_over(&uprobe->limit);
}

int uprobe_poll_fd(const struct uprobe *uprobe)
{
	return probe_limit_fd(&uprobe->limit);
}

void uprobe_wait(struct uprobe *uprobe, uint64_t most_ns)
{
	probe_limit_wait(&uprobe->limit, most_ns);
}

const struct uprobe_thread *uprobe_slot_thread(const struct uprobe *uprobe, size_t slot)
{
	return (const struct uprobe_thread *)uprobe->threads.memory + slot;
}

const struct uprobe_cell *uprobe_slot_cell(const struct uprobe *uprobe, size_t slot,
					   size_t function)
{
	return (const struct uprobe_cell *)uprobe->cells.memory +
	       slot * (uprobe->capacity + UPROBE_TRIAL_FUNCTIONS) + function;
}

void uprobe_histogram(const struct uprobe *uprobe, size_t function, uint64_t *counts)
{
	const struct uprobe_histogram *histogram =
		(const struct uprobe_histogram *)uprobe->histograms.memory +
		function * uprobe->shards;

	memset(counts, 0, sizeof(histogram->counts));
	for (size_t shard = 0; shard < uprobe->shards; shard++)
		for (size_t i = 0; i < UPROBE_BUCKETS; i++)
			counts[i] += histogram[shard].counts[i];
}

void uprobe_steps(struct uprobe *uprobe,
		  void (*take)(void *context, const struct uprobe_step *step), void *context)
{
	uprobe->take_step = take;
	uprobe->step_context = context;
	ring_buffer__consume(uprobe->steps);
}

void uprobe_correct(struct uprobe *uprobe, struct event *event)
{
	if (event->kind != EVENT_SAMPLE || event->sample.has_registers != EVENT_REGISTERS_64)
		return;
	ring_buffer__consume(uprobe->stacks);
	uprobe_stacks_correct(&uprobe->sampled, event);
}
