/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe_state: what uprobe.c and uprobe_read.c share, the inside of struct uprobe.
 */
#pragma once

#include "collector/capture/link_holding.h"
#include "collector/capture/link_readiness.h"
#include "collector/capture/probe_limit.h"
#include "collector/capture/uprobe.h"
#include "collector/capture/uprobe_stacks.h"

struct ring_buffer;
struct uprobe_bpf;
struct bpf_map;

/* The handling of returns so far: what it would have taken as it did in the trial, and has. */
struct uprobe_handling {
	double expected_ns, taken_ns;
};

/* An array map in our memory. */
struct mapped {
	void *memory;
	size_t bytes;
};

/* Probes that are in place, of functions from `first` on. */
struct link {
	struct link_holder *holder;
	size_t first;
	bool is_exits;
	pid_t pid; /* of the only process that has them; 0: all */
};

struct uprobe {
	struct uprobe_bpf *programs;
	bool is_classic;
	struct uprobe_function *functions; /* with those of the trial behind them */
	size_t capacity, count;
	size_t slot_count;
	size_t shards;
	struct mapped settings, threads, cells, histograms;
	struct probe_limit limit;
	struct uprobe_window *window;
	struct bpf_map *states, *trusted; /* of processes (bpf/trusted.h) */
	uint32_t *trust_changes;
	struct ring_buffer *steps, *stacks;
	struct uprobe_stacks sampled;
	void (*take_step)(void *context, const struct uprobe_step *step);
	void *step_context;
	struct link *links;
	size_t link_count, link_capacity;
	struct link_holding holding;
	struct link_readiness readiness;
	struct uprobe_cost costs[UPROBE_KINDS];
	double handling_ns[UPROBE_KINDS]
			  [2];	     /* of a return in the trial; by a return probe, by exits */
	struct uprobe_handling seen; /* as of the last adaption */
	double factor;		     /* by which costs are higher than in the trial */
};

static inline struct uprobe_setting *uprobe_setting(const struct uprobe *uprobe, size_t function)
{
	return (struct uprobe_setting *)uprobe->settings.memory + function;
}

/* Begins with the states of a process. Returns 0 or a negative errno. */
int uprobe_trust_begin(struct uprobe *uprobe, pid_t pid, bool is_trusted);

/* Sets what a function's probe is taken to cost at the moment. */
void uprobe_set_costs(struct uprobe *uprobe, size_t number);
