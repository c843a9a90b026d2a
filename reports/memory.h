/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory: what a profile knows of allocations (collector run --memory), by call site.
 *
 * A call site is the line of a function that called the allocator. Amounts are exact, or, where
 * allocations were sampled, estimates.
 */
#pragma once

#include "reports/symbol.h"

enum memory_amount {
	MEMORY_ALLOCATIONS,
	MEMORY_ALLOCATED, /* bytes */
	MEMORY_TEMPORARIES,
	MEMORY_LIVE, /* bytes at the end */
	MEMORY_LIVE_BLOCKS,
	MEMORY_PEAK, /* bytes live at the peak */
	MEMORY_PEAK_BLOCKS,
	MEMORY_MAPPINGS, /* of memory from the kernel itself */
	MEMORY_MAPPED,	 /* bytes of them */
	MEMORY_MAPPED_LIVE,
	MEMORY_LIFETIME, /* ms, of the blocks freed, added up */
	MEMORY_REPLACED, /* bytes live when exec put another program in the place of theirs */
	MEMORY_REPLACED_BLOCKS,
	MEMORY_AMOUNTS,
};

/* Names of the metrics in the profile. */
extern const char *const memory_metrics[MEMORY_AMOUNTS];

/* What was lost, or is not exact: a number of the profile's meta, and what it counts. */
struct memory_remark {
	const char *key;
	bool is_bad;
	const char *says;
};

enum {
	MEMORY_REMARKS = 15
};

extern const struct memory_remark memory_remarks[MEMORY_REMARKS];

/* Writes why memory_measure found nothing, as a sentence without its end. Returns @text. */
const char *memory_say_nothing(const struct profile *profile, char *text, size_t size);

/* Says whether something was not counted that should have been: one of the bad remarks is due. */
bool memory_has_gaps(const struct profile *profile);

struct memory_site {
	uint32_t symbol;
	uint32_t line; /* 0 unknown */
	uint64_t amounts[MEMORY_AMOUNTS];
	uint32_t stacks[MEMORY_AMOUNTS]; /* the stack that had most of each */
	uint64_t most[MEMORY_AMOUNTS];	 /* and how much it had */
};

struct memory {
	struct memory_site *sites; /* in no order */
	size_t count, capacity;
	uint64_t amounts[MEMORY_AMOUNTS]; /* of all */
	uint64_t rate;			  /* bytes between samples; 0: all were counted */
	bool is_attached;		  /* seen by probes in windows: no frees, so nothing live */
	double stretch;			  /* what a window stands for, in parts of itself */
	int64_t half_width;		  /* of all bytes, attached; -1: cannot be told */
	int64_t samples;		  /* that all rests on, attached; -1: nobody says */
	int64_t looks;			  /* of probes, in which they were taken */
	uint64_t cut;			  /* allocations whose stack does not reach the root */
};

/* Returns which amount each metric of the profile is, MEMORY_AMOUNTS for others; NULL: it has none.
 * Owned by the caller. */
enum memory_amount *memory_amounts_of_metrics(const struct profile *profile);

/* Returns the metric of what is live, whose rows are changes; -1: the profile has none. */
int memory_live_metric(const struct profile *profile);

/* Returns false when the profile has no such metrics; memory_done otherwise. */
bool memory_measure(struct memory *memory, const struct profile *profile);
void memory_done(struct memory *memory);

/*
 * Says whether the samples of a running program are too few to tell the shares of call sites: with
 * MEMORY_LEAST_SAMPLES of them a share of a half is wrong by up to ten percent of the whole, at
 * 95 %; and in fewer than MEMORY_LEAST_LOOKS all may be of one phase of the program.
 */
bool memory_has_few_samples(const struct memory *memory);

#define MEMORY_LEAST_SAMPLES 100
#define MEMORY_LEAST_LOOKS   5

#define MEMORY_HALF_WIDTH 1.959964 /* of an interval at 95 %, in standard errors */

struct memory_interval {
	double low, high;
};

/*
 * Returns the interval, at 95 %, of an estimate >= 0 from a sample of allocations. What was not
 * sampled is not in the estimate of its variance either: so the upper end is where as much as
 * could lie there, if all that is missing were of the allocations that are sampled least. The
 * lower end is that of a gamma distribution with this mean and variance, by its cube root.
 * Sources: M. P. Fay, E. J. Feuer, Statistics in Medicine 16 (1997); E. B. Wilson, M. M. Hilferty,
 * PNAS 17 (1931).
 *
 * @variance  as the sample estimates it
 * @most      variance for each one that may be missing, at most
 */
struct memory_interval memory_interval(double estimate, double variance, double most);

/*
 * Returns the interval of an estimate of bytes; both ends are the bytes where they are exact.
 *
 * Each sampled allocation stands for at least `rate` bytes, and adds at most the square of that to
 * the variance: so the variance is at most rate * bytes, and little less where allocations are
 * small. Where they were sampled in windows of time, it is the part of the error that comes of the
 * sampling. Source: docs/methods.md.
 */
struct memory_interval memory_bytes_interval(const struct memory *memory, uint64_t bytes);

/* Returns the larger part of that interval, the one above the bytes. */
double memory_error(const struct memory *memory, uint64_t bytes);

/* Returns the amount that has the bytes of an amount of blocks, MEMORY_AMOUNTS for temporaries. */
enum memory_amount memory_bytes_of(enum memory_amount blocks);

/*
 * Returns how many blocks an amount is, as a report shows it: where allocations were sampled,
 * without the digits that the sample does not support. Each of the blocks stands for as many as
 * those of the amount do in the mean, which is less than the error of blocks of many sizes.
 *
 * @amounts  of a site, or of all
 * @amount   one that counts blocks
 */
uint64_t memory_blocks(const struct memory *memory, const uint64_t amounts[MEMORY_AMOUNTS],
		       enum memory_amount amount);

/* Returns a number without the digits that are smaller than half of its interval; 0 only if it is.
 */
uint64_t memory_round(uint64_t number, double half_width);

/* Returns how many blocks were freed. */
uint64_t memory_frees(const uint64_t amounts[MEMORY_AMOUNTS]);

/* Returns the mean lifetime of a site's freed blocks in ms; NAN when none was. */
double memory_lifetime(const uint64_t amounts[MEMORY_AMOUNTS]);

/* Returns, for each stack of the profile, the index of its site in memory->sites as they are now,
 * memory->count for stacks that allocated nothing. Owned by the caller. */
uint32_t *memory_sites_of_stacks(const struct memory *memory, const struct profile *profile);

/* Orders the sites by an amount, the largest first; ties by the other amounts. */
void memory_sort(struct memory *memory, enum memory_amount amount);
