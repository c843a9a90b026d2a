/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * block_hits: counts how often chosen instructions of unchanged programs are executed, and which
 * way jumps go, with a probe on each.
 *
 *     open ─ watch processes ─ attach, shut ─ open the window ─ read at any time
 *     shut ─ a moment later: detach ─ attach again, or close
 *
 * While the window is open, a thread counts a function from its next call on until the first one
 * that finds the window shut: never from the middle of one. Of the functions' entries all hits are
 * counted, also while the window is shut, but not in idle times.
 *
 * Only watched processes and those that they fork are counted, and what hits cost them is added up
 * against a limit, while there is one.
 */
#pragma once

#include "collector/capture/event.h"
#include "collector/base/error.h"
#include "collector/capture/bpf/block_hits.h"
#include "collector/capture/probe_limit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A place to be counted. */
struct block_hits_probe {
	uint32_t number;   /* of its counter */
	uint32_t function; /* below BLOCK_HITS_FUNCTIONS */
	bool is_entry;	   /* calls of the function begin there */
	bool is_emulated;  /* by the kernel, which makes it cheap */
	uint64_t offset;   /* of the instruction, in its file */
	uint8_t condition; /* of the conditional jump there, by the last bits of its opcode; else
			      BLOCK_HITS_ALWAYS */
};

struct block_hits;

/*
 * Loads the program with room for that many probes, and measures what a hit costs.
 *
 * Returns it, or NULL with @error and errno: -E2BIG too many, -EPERM no privilege, -ENOSYS this
 * kernel lacks what is needed, -EILSEQ a probed function gave a wrong result in the trial.
 * Cost: 0.1 s.
 */
struct block_hits *block_hits_open(size_t probes, struct error *error);
void block_hits_close(struct block_hits *hits); /* detaches; accepts NULL */

/* Returns what a hit adds in nanoseconds, measured at opening on this machine. */
uint32_t block_hits_cost_ns(const struct block_hits *hits, bool is_emulated);

/* Counts a process, and all that it will fork. Returns 0 or a negative errno. */
int block_hits_watch(struct block_hits *hits, pid_t pid, struct error *error);

/* Returns the limit to what all probes together cost. Owned by @hits. */
struct probe_limit *block_hits_limit(struct block_hits *hits);

/* Prepares for taking probes off in the next tenth of a second without delay. */
void block_hits_get_ready(struct block_hits *hits);

/* Which probes of a file. */
enum block_hits_part {
	BLOCK_HITS_ENTRIES,
	BLOCK_HITS_ALL
};

/*
 * Puts probes that lie in one file in place. Those at entries may be there already.
 *
 * @fd         the file, open for reading; borrowed
 * @functions  a bit for each whose probes are meant
 * Returns 0 or a negative errno.
 */
int block_hits_attach(struct block_hits *hits, int fd, const struct block_hits_probe *probes,
		      size_t count, enum block_hits_part part, uint64_t functions,
		      struct error *error);

/* Says for all functions what becomes of calls that begin now. They are idle at first. */
void block_hits_set_window(struct block_hits *hits, enum block_hits_window window);

/* Takes all probes off; @keeps_entries: but for those at entries. Does not wait for it: a moment
 * later they are not met any more. */
void block_hits_detach(struct block_hits *hits, bool keeps_entries);

/* Waits until all that was taken off is off. Cost: hundredths of a second. */
void block_hits_wait(struct block_hits *hits);

/* Returns how often a function's entry was met. */
uint64_t block_hits_entries(const struct block_hits *hits, size_t function);

/* Adds up what a probe has counted. */
struct block_hits_count block_hits_read(const struct block_hits *hits, size_t probe);

/* Returns the number of threads whose hits were not seen: out of memory. */
uint64_t block_hits_lost_threads(const struct block_hits *hits);

/* As uprobe_sample_program and uprobe_correct, for recordings that have no timed functions: where
 * the kernel executes a probed instruction in a page of its own, the sample is of its function. */
int block_hits_sample_program(const struct block_hits *hits);
void block_hits_correct(struct block_hits *hits, struct event *event);
uint64_t block_hits_lost_stacks(const struct block_hits *hits);
