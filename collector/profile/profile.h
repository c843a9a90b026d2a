/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profile: the data model that the collector writes and the reports read.
 *
 * It mirrors profile.sql, which describes each table and column. Every id is a dense index into
 * the array of its table. Element 0 of modules, files, functions, frames, stacks and threads is a
 * placeholder that means "none"; metrics, endings, series, probes and steps begin at 0.
 *
 *     sample ─→ stack ─→ frame ─→ module
 *        │        └─→ parent stack        (the caller's stack; ids of parents are smaller)
 *        └─→ thread         frame ─→ lines[first_line … + line_count) ─→ function
 *
 * Interning: profile_module, profile_file_name, profile_function, profile_frame and profile_stack
 * return the id of an equal row, adding it when it is new. Cost: one hash look-up, no allocation
 * unless the row is new. Strings are copied in and owned by the profile.
 *
 * A recording does not keep samples here: they go straight to the file (profile_file.h). A loaded
 * profile holds them in `samples`, ordered by time.
 */
#pragma once

#include "collector/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum profile_module_kind {
	PROFILE_MODULE_ELF,	/* an ELF file */
	PROFILE_MODULE_KERNEL,	/* the kernel and its modules; addresses are run addresses */
	PROFILE_MODULE_VDSO,	/* the kernel's shared object in every process */
	PROFILE_MODULE_JIT,	/* generated code: anonymous executable memory */
	PROFILE_MODULE_UNKNOWN, /* no mapping was known for the address */
	PROFILE_MODULE_NOTE,	/* not code: frames made by the collector, such as "[truncated]" */
};

/* How a stack walk ended; profile_endings has a row for each. */
enum profile_ending {
	PROFILE_ENDING_COMPLETE,       /* reached the thread's first function in the copied stack */
	PROFILE_ENDING_FINISHED_LIVE,  /* the rest was read from the live process a moment later */
	PROFILE_ENDING_FINISHED_CHAIN, /* the rest is the thread's last complete stack, joined */
	PROFILE_ENDING_TRUNCATED,      /* the copied stack ended and nothing could finish it */
	PROFILE_ENDING_GUESSED,	  /* complete, but passed code without CFI by its epilogue or frame
				     pointer */
	PROFILE_ENDING_NO_RULE,	  /* code without CFI, and the frame pointer does not lead on */
	PROFILE_ENDING_UNMAPPED,  /* an address that belongs to no known mapping */
	PROFILE_ENDING_BAD,	  /* the rules led backwards or to an impossible address */
	PROFILE_ENDING_TOO_DEEP,  /* more frames than the limit */
	PROFILE_ENDING_NO_USER,	  /* no user registers: kernel thread, or before the first exec */
	PROFILE_ENDING_NOT_TAKEN, /* no stack was copied, to keep the cost within its limit */
	PROFILE_ENDING_NARROW,	  /* 32-bit code, which is not walked */
	PROFILE_ENDING_INTERRUPTED, /* a handler has a stack of its own, and nothing told what it
				       interrupted */
	PROFILE_ENDING_GONE,	    /* in a system call that has given up the program's memory */
	PROFILE_ENDINGS
};

struct profile_ending_row {
	const char *name; /* stable identifier: "complete", "truncated", ... */
	bool complete;	  /* the stack reaches the root of the thread */
	const char *says; /* what it means, for people */
};

extern const struct profile_ending_row profile_endings[PROFILE_ENDINGS];

struct profile_metric {
	char *name;
	char *unit;
	uint64_t period; /* > 0 */
	bool is_level;	 /* its rows are changes: profile_level.c */
};

/* What operations are done to; profile_subject_kinds has a name for each. */
enum profile_subject_kind {
	PROFILE_SUBJECT_MUTEX = 1,
	PROFILE_SUBJECT_RWLOCK,
	PROFILE_SUBJECT_SPIN,
	PROFILE_SUBJECT_CONDITION,
	PROFILE_SUBJECT_SEMAPHORE,
	PROFILE_SUBJECT_BARRIER,
	PROFILE_SUBJECT_THREAD, /* all that are waited for */
	PROFILE_SUBJECT_FILE,
	PROFILE_SUBJECT_STATEMENT,
	PROFILE_SUBJECT_DATABASE,
	PROFILE_SUBJECT_KINDS
};

extern const char *const profile_subject_kinds[PROFILE_SUBJECT_KINDS];

/* What is done to them; profile_operation_kinds has a name for each. */
enum profile_operation_kind {
	PROFILE_OPERATION_LOCK = 1, /* waiting until a lock was free */
	PROFILE_OPERATION_SHARE,    /* the same, to read only */
	PROFILE_OPERATION_AWAIT,    /* waiting for another thread to do something */
	PROFILE_OPERATION_OPEN,
	PROFILE_OPERATION_CLOSE,
	PROFILE_OPERATION_READ,
	PROFILE_OPERATION_WRITE,
	PROFILE_OPERATION_SYNC,
	PROFILE_OPERATION_COPY,
	PROFILE_OPERATION_STREAM_READ,
	PROFILE_OPERATION_STREAM_WRITE,
	PROFILE_OPERATION_PREPARE,
	PROFILE_OPERATION_EXECUTE,
	PROFILE_OPERATION_TRANSACTION,
	PROFILE_OPERATION_KINDS
};

extern const char *const profile_operation_kinds[PROFILE_OPERATION_KINDS];

/* Histograms of allocations, which have no subject; in the place of the kind of operation. */
enum profile_spread_kind {
	PROFILE_SPREAD_SIZE = 24, /* bytes asked for, of every allocation */
	PROFILE_SPREAD_LIFETIME,  /* ns, of every block freed; less than 4 ms is left out */
	PROFILE_SPREAD_AGE, /* allocations of its thread between its own and its free, if there
			       were less than 128 and the same thread did both */
	PROFILE_SPREAD_KINDS
};

struct profile_module {
	enum profile_module_kind kind;
	char *path;
	char *build_id; /* hexadecimal, or NULL */
};

struct profile_function {
	char *name;
	char *linkage_name; /* NULL when the same as name */
	uint32_t module;
	uint32_t file; /* 0 unknown */
	uint32_t line; /* 0 unknown */
	bool named;    /* false: no symbol; the name is made of module and start address */
};

struct profile_frame {
	uint32_t module;
	uint32_t first_line; /* index into lines; meaningful when line_count > 0 */
	uint32_t line_count; /* 0: not symbolized (the recording did not reach its end) */
	uint64_t address;
};

struct profile_line {
	uint32_t function;
	uint32_t line; /* 0 unknown */
};

struct profile_stack {
	uint32_t parent;
	uint32_t frame;
};

struct profile_thread {
	int32_t pid;
	int32_t tid;
	char *name;
};

/* Exact, in nanoseconds; only with --off-cpu. The parts need not add up to wall_ns. */
struct profile_thread_times {
	uint32_t thread;
	uint64_t wall_ns;
	uint64_t cpu_ns;
	uint64_t booked_ns;
	uint64_t run_queue_ns;
	uint64_t off_cpu_ns;
	uint64_t switches;
};

struct profile_series {
	char *name;
	char *unit;
	bool is_total; /* counts up from 0 at the start; differences are rates */
};

struct profile_point {
	uint32_t series;
	uint64_t time_ns;
	int64_t value;
};

struct profile_sample {
	uint64_t time_ns;
	uint64_t value; /* in periods of the metric; of a level's change in two's complement */
	uint32_t thread;
	uint32_t stack;
	uint16_t metric;
	uint16_t ending; /* enum profile_ending */
};

/* What hits of a probe did. */
enum profile_probe_mode {
	PROFILE_PROBE_TIME,
	PROFILE_PROBE_COUNT,
	PROFILE_PROBE_STEP, /* timed, and each call is a step */
	PROFILE_PROBE_MODES
};

/* How the kernel gets past a probed instruction, which decides what a hit costs. */
enum profile_probe_kind {
	PROFILE_PROBE_NOP5,
	PROFILE_PROBE_EMULATED,
	PROFILE_PROBE_STEPPED,
	PROFILE_PROBE_KINDS
};

#define PROFILE_BUCKETS 1152 /* of a histogram; profile.sql says what they mean */

struct profile_probe {
	uint32_t frame;
	uint32_t place;
	uint8_t mode; /* enum profile_probe_mode */
	uint8_t kind; /* enum profile_probe_kind */
	uint32_t count_ns, time_ns, inside_ns;
	uint64_t attached_ns;
	bool is_partial;			/* not in place all the time */
	uint64_t estimated_calls, calls_margin; /* 0: not estimated */
	char *note;				/* or NULL */
};

struct profile_timing {
	uint32_t probe, thread;
	uint64_t calls, step_calls, returns;
	uint64_t sum_ns, outer_ns, self_ns, min_ns, max_ns;
	uint64_t open, deep, subtracted_ns, thrown;
};

struct profile_bucket {
	uint32_t probe, bucket;
	uint64_t count;
};

struct profile_edge {
	uint32_t caller, callee; /* probes */
	uint64_t calls, sum_ns;
};

struct profile_step {
	uint32_t probe, thread;
	uint64_t start_ns, end_ns, probe_ns;
};

struct profile_source {
	uint32_t file;
	uint64_t bytes, hash;
	char *text; /* or NULL */
};

/* How a number of hits is known. */
enum profile_hit_label {
	PROFILE_HIT_EXACT,     /* counted where it happened */
	PROFILE_HIT_DERIVED,   /* from what was counted elsewhere; as exact as that */
	PROFILE_HIT_ESTIMATED, /* from the calls in some windows of time, for all calls */
	PROFILE_HIT_LABELS
};

struct profile_hit_function {
	uint32_t frame;
	uint32_t probes, windows;
	uint64_t calls, counted_calls;
	char *note; /* or NULL */
};

struct profile_block_hits {
	uint32_t function; /* row of hit_functions */
	uint32_t bytes, instructions;
	uint8_t label; /* enum profile_hit_label */
	uint64_t address, hits, margin;
};

struct profile_line_hits {
	uint32_t function; /* row of hit_functions */
	uint32_t file, line;
	uint8_t label; /* enum profile_hit_label */
	uint64_t hits, margin;
};

struct profile_subject {
	uint8_t kind; /* enum profile_subject_kind */
	char *name;
	uint32_t module; /* that has the variable; 0: none */
	int32_t pid;	 /* 0: the same in all processes */
	uint64_t address;
	uint32_t site; /* stack that allocated it; 0: not known */
	uint64_t taken;
	uint64_t revision; /* of profile.operations_revision, when it was last changed */
};

struct profile_operation {
	uint32_t subject; /* 0: others, for which there was no room */
	uint32_t thread, stack, other;
	uint8_t kind; /* enum profile_operation_kind */
	uint64_t count, total_ns, longest_ns, amount, part_ns;
	uint64_t revision; /* as of a subject */
};

struct profile_spread {
	uint32_t subject, bucket;
	uint8_t kind; /* enum profile_operation_kind, or enum profile_spread_kind of subject 0 */
	uint64_t count;
	uint64_t revision; /* as of a subject */
};

/*
 * Meta keys (text unless said; counts and times are integers):
 *   state              "recording" | "complete" | "stopped: SENTENCE"
 *   names              "missing": there was no room for functions and lines
 *   command, program   command line, shell-quoted; base name of the program
 *   start_time         UTC, ISO 8601
 *   start_clock_ns     CLOCK_MONOTONIC at time 0 of the samples
 *   attach_ns          from events on the first thread to events on all
 *   attached_ns        when that was so, since the start of the recording
 *   attach_outrun      1: looking for threads without events was given up
 *   duration_ns        from start to end of the recording
 *   exit_status        of the target as `run` returns it (128 + n for a signal)
 *   signal             that killed the target; absent when none did
 *   host, kernel, cpu_model, cpu_count, libc, collector_version
 *   engine             name of the rung used, e.g. "cpu-clock"; engine_note: what it cannot see
 *   frequency_hz       asked for
 *   target_cpu_ns      CPU time of all its threads as the kernel counted it while recording
 *   unsampled_cpu_ns   of that, what no sample stands for: of programs that cannot be preloaded,
 *                      or at whose exec the kernel ends events; absent where nobody knows
 *   waited_cpu_ns      CPU time of the program and of the children that it waited for, as its
 *                      parent is told (wait4(2))
 *   sample_cost_ns     what one sample took of that at least; only where many were asked for
 *   collector_cpu_ns, naming_cpu_ns     of the collector: while recording; naming frames after it
 *   file_problems, file_problem         files that frames lie in and that could not be used: their
 *                      number; text: why the first could not
 *   split_problems, split_problem       files whose split debug information was not found: their
 *                      number; text: why not that of the first
 *   foreign_problems, foreign_problem   files whose separate debug file was not taken because it is
 *                      not theirs: their number; text: which that of the first is
 *   fetch_problem      why debug files were not fetched from the servers that the user named
 *   throttles, most_hz times that the kernel stopped sampling for a moment, if any, because more
 *                      samples came than it allows in a second, which is the latter
 *   still_running      processes of the target that had not ended when the recording did
 *   lost.REASON        samples known to be lost: lost.ring_full, lost.unreadable,
 *                      lost.write_failed (the disk was full, see state), ...
 *   import.lines, import.skipped       of another profiler's text: its lines, and those that were
 *                      not understood. It does not say which stacks are whole: the endings of its
 *                      samples mean nothing
 *   copy_bytes, ring_bytes
 *   stack_rest.copied, stack_rest.refused  stacks larger than that whose rest was copied with the
 *                      sample; text: why that is not done
 *   stack_rest.limited, stack_rest.ring_full   those that were left out, because it would have
 *                      taken too long, or for room
 *   interruptions.told, interruptions.missed   what handlers on stacks of their own interrupted:
 *                      told by the kernel, or not told for want of room; interruptions.too_many: 1
 *                      when it was given up; interruptions.refusal: text, why it was not told
 *   series.no_cores    1: there were too many events to look up the CPU time of each core
 *   series.no_switches at least one look found more threads than this, and left their context
 *                      switches out
 *   off_cpu.switches, off_cpu.stacks   with --off-cpu: times a thread left the processor, and how
 *                      often its stack was copied then; off_cpu.lost_stacks: the ring was full;
 *                      off_cpu.lost_threads: not accounted for, off_cpu.lost_places: waits without
 *                      a stack, both because a table was full
 *   lost.steps         finished steps that are not in the table
 *   lost.probed_stacks samples whose stacks led through probed functions and could not be corrected
 *   probing            how probes for timing were put in place: "session", or "classic": a perf
 *                      event for each
 *   probes             probes that were asked for and their budget, as options of collector run
 *   hottest            with --hot: why no functions were chosen, a sentence
 *   hits_cost_ns       what probes on lines have cost the target, by their number and the costs
 *                      that were measured; only where a budget was to be kept
 *   tail_calls.N       calls of the probe N that ended as another function took their place, whose
 *                      time is not in theirs
 *   by_exits.N         1: the probe N waits at the exits of its function, not for returns
 *   late.N             1 where the probe N came when the function may have been called before
 *   ended.N            calls of the probe N that their thread left as it ended, by itself
 *   asked.N            what the function of the probe N was asked for by, where its code has
 *                      several names; with " = " between where by several
 *   inlined.N          text: where the function of the probe N was inlined besides, which no probe
 *                      sees
 *   withheld.N         calls of the probe N that were not timed, because no probe was allowed to
 *                      wait for their return
 *   untimed            text: why functions that were asked for have no probe, a sentence
 *   lost.edges         calls whose caller is not in the table of edges
 *   lost.timed_threads threads whose calls were not seen at all
 *   memory.processes, memory.forked, memory.threaded   with --memory: processes that were counted;
 *                      of these, forked ones, and those with several threads; memory.replaced:
 *                      programs in whose place their process executed another
 *   memory.unknown_frees   of blocks whose allocation was not seen; memory.unseen_frees: blocks
 *                      whose memory came back without a free
 *   memory.rate        bytes from one sampled allocation to the next, in the mean; absent when all
 *                      were counted; memory.temporary_within: allocations, see docs/memory.md;
 *                      memory.look_gap_ns: the longest time from one look at what is live to the
 *                      next; what had not changed by then has no row
 *   memory.attached    1: by probes on the allocator (collector attach --memory); then also
 *                      memory.watched_ns, _window_ns: time, and that with probes; _windows: looks
 *                      at them, as many as would say as much if all were full; _samples:
 *                      taken in them; _drowned: 1 probes took so much of
 *                      the time in windows that what they stand for is at least what is told;
 *                      _stretch_permille: what a window stands for; _hits, _hit_ns,
 *                      _hit_error_ns: calls that met probes, what each paid, and the standard
 *                      error of that; _half_width: of the bytes at 95 %, -1: cannot be told;
 *                      _lost_samples
 *   memory.probe_bytes, memory.resident_bytes   of the processes whose exit was seen, at that time:
 *                      private memory that counting took, and all of it; memory.highest_bytes: all
 *                      of it when each process had most
 *   refused.memory, refused.locks, refused.io, refused.sql   text: the sentence that says why what
 *                      was asked for was not counted
 *   memory.no_room, operations.no_room, sampling.no_room   programs not counted, or not sampled by
 *                      the probe, since their memory is limited (ulimit -v)
 *   memory.unprobed, operations.unprobed   programs that were executed without the probe, and so
 *                      were not counted; unprobed_names: text, some of them
 *   memory.allocator   text: file that has the allocator, when it is not the C library
 *   memory.lost_tally, _process, _live, _node, _slot, _unwritten, _region   what could not be
 *                      counted or named, by the table that was full: enum wire_refusal
 *   locks, io, sql     1: operations on such subjects were counted; "": a sentence why they were
 *                      not
 *   operations.lost_subject, _operation, _spread, _text, _thread, _process, _slot, _node   what
 *                      could not be counted or named, by the table that was full
 *   operations.taken_elsewhere   locks that were free and for which a thread had no counter left
 *   operations.open_locks, _awaits   threads that were in such a wait at their end
 *   memory.walks_checked, memory.walks_wrong   by the test build of libprobe.so
 */
struct profile_meta {
	char *key;
	char *text;	/* NULL for an integer */
	int64_t number; /* meaningful when text is NULL */
};

struct profile_index; /* interning tables; private to profile.c */

#define PROFILE_TABLE(type, name)                                                                  \
	type *name;                                                                                \
	size_t name##_count;                                                                       \
	size_t name##_capacity

struct profile {
	PROFILE_TABLE(struct profile_meta, meta);
	PROFILE_TABLE(struct profile_metric, metrics);
	PROFILE_TABLE(struct profile_module, modules);
	PROFILE_TABLE(char *, files);
	PROFILE_TABLE(struct profile_function, functions);
	PROFILE_TABLE(struct profile_frame, frames);
	PROFILE_TABLE(struct profile_line, lines);
	PROFILE_TABLE(struct profile_stack, stacks);
	PROFILE_TABLE(struct profile_thread, threads);
	PROFILE_TABLE(struct profile_sample, samples); /* of a level, what it is at the end */
	PROFILE_TABLE(struct profile_sample, changes); /* of levels, in order of time */
	PROFILE_TABLE(struct profile_thread_times, thread_times); /* several of a thread add up */
	PROFILE_TABLE(struct profile_series, series);
	PROFILE_TABLE(struct profile_point, points); /* of all series; of each in order of time */
	PROFILE_TABLE(struct profile_probe, probes);
	PROFILE_TABLE(struct profile_timing, timings);
	PROFILE_TABLE(struct profile_bucket, timing_buckets);
	PROFILE_TABLE(struct profile_edge, call_edges);
	PROFILE_TABLE(struct profile_hit_function, hit_functions);
	PROFILE_TABLE(struct profile_block_hits, block_hits);
	PROFILE_TABLE(struct profile_line_hits, line_hits); /* by function, file and line */
	PROFILE_TABLE(struct profile_source, sources);
	PROFILE_TABLE(struct profile_step, steps);
	PROFILE_TABLE(struct profile_subject, subjects);     /* [0]: none */
	PROFILE_TABLE(struct profile_operation, operations); /* several of one place add up */
	PROFILE_TABLE(struct profile_spread, spreads);
	uint32_t renames;	      /* of threads; tells the file that rows it has were changed */
	uint32_t timing_revision;     /* the same of probes, timings, buckets and edges */
	uint32_t hits_revision;	      /* and of hits of functions, blocks and lines */
	uint64_t operations_revision; /* and of subjects, operations and spreads, row by row */
	struct profile_index *index;
};

/* Returns an empty profile; profile_free releases it and everything in it, and accepts NULL. */
struct profile *profile_new(void);
void profile_free(struct profile *profile);

/* Set a meta row, replacing one of the same key. */
void profile_set_text(struct profile *profile, const char *key, const char *text);
void profile_set_number(struct profile *profile, const char *key, int64_t number);

/* Returns the meta row of @key, or NULL; borrowed until the next profile_set_*. */
const struct profile_meta *profile_meta_find(const struct profile *profile, const char *key);
/* Returns the text (or number) of @key, or @missing when there is none of that type. */
const char *profile_text(const struct profile *profile, const char *key, const char *missing);
int64_t profile_number(const struct profile *profile, const char *key, int64_t missing);

/* Adds a metric and returns its id (from 0). */
uint32_t profile_metric_add(struct profile *profile, const char *name, const char *unit,
			    uint64_t period);

/* Says that the rows of a metric are changes of a level. */
void profile_metric_set_level(struct profile *profile, uint32_t metric);

/* Intern a row and return its id. @build_id, @linkage_name may be NULL; @path "" gives file 0, and
 * what is longer than PATH_MAX, as in made-up debug information, is cut. */
uint32_t profile_module(struct profile *profile, enum profile_module_kind kind, const char *path,
			const char *build_id);
uint32_t profile_file_name(struct profile *profile, const char *path);
uint32_t profile_function(struct profile *profile, const char *name, const char *linkage_name,
			  uint32_t module, uint32_t file, uint32_t line, bool named);
uint32_t profile_frame(struct profile *profile, uint32_t module, uint64_t address);
uint32_t profile_stack(struct profile *profile, uint32_t parent, uint32_t frame);

/* Releases what finds equal stacks, which is larger than the stacks; made again when needed. */
void profile_forget_stacks(struct profile *profile);

/* Adds a thread and returns its id; profile_thread_rename changes its name. Never interned:
 * the kernel reuses thread numbers, the caller knows when one is new. */
uint32_t profile_thread_add(struct profile *profile, int32_t pid, int32_t tid, const char *name);
void profile_thread_rename(struct profile *profile, uint32_t thread, const char *name);

/*
 * Gives a frame its source meaning, innermost function first. A frame is named once.
 *
 * @lines  @count rows, copied
 */
void profile_frame_set_lines(struct profile *profile, uint32_t frame,
			     const struct profile_line *lines, uint32_t count);

/* Adds times to those of a thread. */
void profile_thread_times_add(struct profile *profile, const struct profile_thread_times *times);

/* Returns the id (from 0) of the series @name, added when it is new. There are few. */
uint32_t profile_series(struct profile *profile, const char *name, const char *unit, bool is_total);

/* Adds a point of a series, later than the one before. */
void profile_point_add(struct profile *profile, uint32_t series, uint64_t time_ns, int64_t value);

/* Appends a sample to the table in memory. Times must not fall. */
void profile_sample_add(struct profile *profile, const struct profile_sample *sample);

/*
 * Appends a change of a level to the table in memory. When all are there, profile_levels_end adds
 * them up: one sample for each thread, stack and level that is above 0.
 */
void profile_change_add(struct profile *profile, const struct profile_sample *change);
void profile_levels_end(struct profile *profile);

/* Adds a probe and returns its id. @note may be NULL and is copied. */
uint32_t profile_probe_add(struct profile *profile, const struct profile_probe *probe);

/* Replaces what restricts a probe's figures; NULL for nothing. */
void profile_probe_set_note(struct profile *profile, uint32_t probe, const char *note);

/* Empties timings, buckets and edges, to be filled with newer figures. */
void profile_timings_clear(struct profile *profile);
void profile_timing_add(struct profile *profile, const struct profile_timing *timing);
void profile_bucket_add(struct profile *profile, const struct profile_bucket *bucket);
void profile_edge_add(struct profile *profile, const struct profile_edge *edge);

/* Adds a function whose blocks are counted and returns its row. @note may be NULL and is copied. */
uint32_t profile_hit_function_add(struct profile *profile,
				  const struct profile_hit_function *function);

/* Replaces the figures of a function, which keeps its frame. */
void profile_hit_function_set(struct profile *profile, uint32_t row,
			      const struct profile_hit_function *function);

/* Empties hits of blocks and lines, to be filled with newer figures of the same ones. */
void profile_hits_clear(struct profile *profile);
void profile_block_hits_add(struct profile *profile, const struct profile_block_hits *hits);
void profile_line_hits_add(struct profile *profile, const struct profile_line_hits *hits);

/* Adds what is known of a source file. Its text may be NULL and is copied. */
void profile_source_add(struct profile *profile, const struct profile_source *source);

/* Returns the row of a file, NULL: nothing is known. */
const struct profile_source *profile_source_find(const struct profile *profile, uint32_t file);

/*
 * Whether an open file is source code by its name, wherever links led: the endings of programming
 * languages, and C++'s own headers below /usr, which have none. Debug information may name any
 * file, and what it names is kept, shown and published.
 */
bool profile_source_is_code(int descriptor);

/* Tells texts apart, below 2^63; no secret. Source: FNV-1a, RFC 9923. */
uint64_t profile_source_hash(const void *text, size_t bytes);

void profile_step_add(struct profile *profile, const struct profile_step *step);

/* Adds a subject and returns its id. @name is copied. */
uint32_t profile_subject_add(struct profile *profile, const struct profile_subject *subject);
/* Adds to how often a subject was taken. */
void profile_subject_more(struct profile *profile, uint32_t id, uint64_t taken);
/* Add a row and return its number. A subject's kind and bucket have one spread. */
uint32_t profile_operation_add(struct profile *profile, const struct profile_operation *operation);
uint32_t profile_spread_add(struct profile *profile, const struct profile_spread *spread);
/* Add to a row: the longest is the longer of the two. */
void profile_operation_more(struct profile *profile, uint32_t number,
			    const struct profile_operation *more);
void profile_spread_more(struct profile *profile, uint32_t number, uint64_t count);

/* Returns the first and the last nanosecond of a bucket of a histogram, whose last bucket has no
 * end, and the bucket that a value is in. */
uint64_t profile_bucket_start(uint32_t bucket);
uint64_t profile_bucket_end(uint32_t bucket);
uint32_t profile_bucket_of(uint64_t value);
