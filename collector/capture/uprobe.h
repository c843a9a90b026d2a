/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe: counts and times the calls of chosen functions of unchanged programs, exactly.
 *
 *     open: load, measure the probes' own cost ─ add functions ─ watch processes ─ attach
 *     read at any time ─ detach ─ close
 *
 * One link of the kind "uprobe_multi session" for what is put in place together: the kernel runs
 * one program at entry and at return, and takes a thousand probes off in a few hundredths of a
 * second, also when there are many links and when the collector is killed (link_holding.h).
 * libbpf 1.1 does not know it, so bpf(2) is called directly.
 *
 * A return probe replaces the return address on the stack, where those who look for it find the
 * kernel's: unwinders, for which exceptions are lost. So there is a second way, with a link of its
 * own: a probe at each instruction that leaves the function. That touches nothing, and costs more.
 *
 * What a hit costs is decided by the instruction at the probe (enum uprobe_kind); where to put it
 * is resolve/placement.h's business. The costs are measured at opening, on functions of our own in
 * a process of our own, and the program takes them off the durations. The same trial proves that
 * probed functions still give their results on this kernel.
 *
 * Only watched processes and those that they fork are counted. Other processes that execute the
 * same code of the same file meet the probe as well: they pay for an entry, and nothing of theirs
 * is changed.
 *
 * Source: kernel/trace/bpf_trace.c and kernel/events/uprobes.c of Linux 6.18.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/bpf/uprobe.h"
#include "collector/capture/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UPROBE_FUNCTIONS 4096 /* at a time */

/* How the kernel gets past the instruction under a probe; what decides the cost. */
enum uprobe_kind {
	UPROBE_NOP5,	 /* a 5-byte nop: becomes a call on newer kernels */
	UPROBE_EMULATED, /* a trap; the instruction is emulated */
	UPROBE_STEPPED,	 /* a trap; the instruction is executed elsewhere, and a second trap */
	UPROBE_KINDS
};

/* An instruction that leaves a function. */
struct uprobe_exit {
	uint64_t offset;    /* in the function's file */
	uint32_t condition; /* under which it does: of a conditional jump, else UPROBE_ALWAYS */
	bool is_emulated;
	bool is_tail_call; /* a jump to another function, whose time is not in the call's */
};

struct uprobe_function {
	uint64_t offset; /* of the probe in its file */
	enum uprobe_kind kind;
	enum uprobe_mode mode;
	uint32_t moved; /* bytes that the stack pointer has moved from the entry to the probe; only
			   with exits */
	bool by_exits;	/* timed by them, else by a return probe */
	const struct uprobe_exit *exits; /* borrowed until it is attached */
	size_t exit_count;
};

/* Nanoseconds that a probe adds, measured on this machine. */
struct uprobe_cost {
	uint32_t count_ns;	 /* to a call that is only counted */
	uint32_t time_ns;	 /* to a timed call */
	uint32_t inside_ns;	 /* the part of that which lies within the measured duration */
	uint32_t exit_time_ns;	 /* to a call timed by an exit that is stepped */
	uint32_t exit_inside_ns; /* likewise */
};

struct uprobe_losses {
	uint64_t steps;	  /* not told: the ring was full */
	uint64_t edges;	  /* calls without caller in the table: it was full */
	uint64_t threads; /* not seen at all: out of memory */
	uint64_t stacks;  /* samples that could not be corrected: the ring was full */
};

struct uprobe;

/* How probes are put in place. */
enum uprobe_rung {
	UPROBE_BEST,	/* the first that works */
	UPROBE_CLASSIC, /* by a perf event for each, as older kernels have it: slow to put in place
			   and to take off */
};

/*
 * Loads the program with room for @capacity functions, and measures costs.
 *
 * Returns it, or NULL with @error and errno: -E2BIG too many functions, -EPERM no privilege,
 * -ENOSYS this kernel lacks what is needed, -EILSEQ a probed function gave a wrong result in the
 * trial. Cost: 0.2 s; memory for counters up to 112 MB, of which only what is counted in is used.
 */
struct uprobe *uprobe_open(size_t capacity, enum uprobe_rung rung, struct error *error);

/* Says whether the classic way is used. */
bool uprobe_is_classic(const struct uprobe *uprobe);

void uprobe_close(struct uprobe *uprobe); /* detaches; accepts NULL */

const struct uprobe_cost *uprobe_costs(const struct uprobe *uprobe); /* by enum uprobe_kind */

/* Returns what a call of a function costs that is timed, in nanoseconds. */
uint32_t uprobe_time_cost_ns(const struct uprobe *uprobe, const struct uprobe_function *function);

/*
 * Costs change with what else the machine does, and with what the target leaves in its caches. How
 * long the handling of returns takes in the target, against the trial, tells by how much: from now
 * on that is taken off. To be called every some tenths of a second.
 */
void uprobe_adapt_costs(struct uprobe *uprobe);
double uprobe_cost_factor(const struct uprobe *uprobe); /* against uprobe_costs, at the moment */

/*
 * Counts a process, and all that it will fork. Returns 0 or a negative errno.
 *
 * @is_trusted  return addresses may be replaced in it, until it executes a program or loads a file
 */
int uprobe_watch(struct uprobe *uprobe, pid_t pid, bool is_trusted, struct error *error);

/* ---- where return addresses may be replaced ---------------------------------------------------
 *
 * Processes have states, numbered from 1: one begins with each program that they execute, and where
 * UPROBE_LOADS is met. One that was trusted lets return probes wait; in others such calls are
 * counted, as withheld. The classic probes wait everywhere.
 */

/* Trusts a state of a process; with UPROBE_DISTRUSTED: it was looked at, and is not trusted. */
void uprobe_trust(struct uprobe *uprobe, pid_t pid, uint32_t state);

/* Returns another number when there may be states that were not looked at. */
uint32_t uprobe_trust_changes(const struct uprobe *uprobe);

/* Calls @take for each process, which may have ended, and says whether its state was looked at. */
void uprobe_each_state(const struct uprobe *uprobe,
		       void (*take)(void *context, pid_t pid, bool is_known), void *context);
uint32_t uprobe_state_of(const struct uprobe *uprobe, pid_t pid); /* 0: of no watched process */

/* Adds a function and returns its number, counted from 0 in the order of these calls. There must be
 * room for it. */
size_t uprobe_add(struct uprobe *uprobe, const struct uprobe_function *function);

/*
 * Puts the probes of functions [first, first + count), which lie in the file open as @fd, in place.
 * Returns 0 or a negative errno.
 */
int uprobe_attach(struct uprobe *uprobe, int fd, size_t first, size_t count, struct error *error);

/*
 * Puts a probe where something else happens than a call, on the place @offset of the file open as
 * @fd. Returns 0 or a negative errno.
 *
 * @pid   process that alone has the probe, without those it will fork; 0: all
 * @mark  UPROBE_CATCH: the entry of a function that runs when an exception is caught, where calls
 *        that it has left end; UPROBE_THROW: of one that lets it leave calls; UPROBE_TOLD: of one
 *        that a process calls with the address of its number, as 32 bits, and that of UPROBE_TOTALS
 *        sums of what it does: from then on steps are told with what came to those; UPROBE_LOADS:
 *        of one that runs before files are loaded and before their code does; UPROBE_STARTS: where
 *        a program begins whose files, as they are then, are trusted
 */
int uprobe_attach_mark(struct uprobe *uprobe, pid_t pid, int fd, uint64_t offset, uint32_t mark,
		       struct error *error);

/* The same for functions that do not lie side by side. @numbers: of @count functions, >= 1 */
int uprobe_attach_list(struct uprobe *uprobe, int fd, const size_t *numbers, size_t count,
		       struct error *error);

/* Takes the probes off that one call of uprobe_attach or uprobe_attach_list put in place, of the
 * same functions: from now on their calls are not counted, and a moment later not met any more. */
void uprobe_detach_list(struct uprobe *uprobe, const size_t *numbers, size_t count);

/* Prepares for taking probes off in the next tenth of a second without delay. */
void uprobe_get_ready(struct uprobe *uprobe);

/* Takes all probes off, and waits for that. Cost: hundredths of a second. */
void uprobe_detach(struct uprobe *uprobe);

/* Changes what hits of a function do from now on. Calls that are open are still ended, but for
 * those of a function with exits, which are no longer probed when it is only counted: then it must
 * have been attached by itself. */
void uprobe_set_mode(struct uprobe *uprobe, size_t function, enum uprobe_mode mode);

/* ---- a limit to what they cost --------------------------------------------------------------- */

/* Sets how many nanoseconds all probes together may cost the watched processes from now on, until
 * uprobe_is_over. Before the first call what they cost is not added up. */
void uprobe_set_limit(struct uprobe *uprobe, double more_ns);
bool uprobe_is_over(const struct uprobe *uprobe);

/* Waits until uprobe_is_over, at most so long. */
void uprobe_wait(struct uprobe *uprobe, uint64_t most_ns);

/* Returns a descriptor that is readable when the limit has been passed, until the next one is set.
 * Owned by @uprobe. */
int uprobe_poll_fd(const struct uprobe *uprobe);

/* Returns what they have cost so far, by their number and the costs that were measured. */
double uprobe_spent_ns(const struct uprobe *uprobe);

/* ---- reading, at any time ------------------------------------------------------------------ */

/* Returns the number of slots that may have counted something. Slot 0 is shared by threads that
 * came when there were too many. */
size_t uprobe_slots(const struct uprobe *uprobe);
const struct uprobe_thread *uprobe_slot_thread(const struct uprobe *uprobe, size_t slot);
const struct uprobe_cell *uprobe_slot_cell(const struct uprobe *uprobe, size_t slot,
					   size_t function);

/* Adds up a function's histogram over all CPUs. @counts has UPROBE_BUCKETS elements. */
void uprobe_histogram(const struct uprobe *uprobe, size_t function, uint64_t *counts);

/* Calls @take for each pair of timed caller and timed callee. */
void uprobe_edges(struct uprobe *uprobe,
		  void (*take)(void *context, const struct uprobe_edge_key *key,
			       const struct uprobe_edge *edge),
		  void *context);

/* Calls @take for each step that has ended since the last call, in the order in which they ended.
 */
void uprobe_steps(struct uprobe *uprobe,
		  void (*take)(void *context, const struct uprobe_step *step), void *context);

/* Returns the descriptor of a program for perf events that sample the watched processes: it tells
 * what probes have changed of a stack at that moment, which uprobe_correct needs. */
int uprobe_sample_program(const struct uprobe *uprobe);

/*
 * Corrects a sample that was taken while probed functions ran: their return addresses are the
 * kernel's, and the instruction pointer may be in code that the kernel put into the process. Events
 * are passed in the order of time. What event->sample borrows of @uprobe is valid until the next
 * call.
 */
void uprobe_correct(struct uprobe *uprobe, struct event *event);

void uprobe_count_losses(const struct uprobe *uprobe, struct uprobe_losses *losses);
