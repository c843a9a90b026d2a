-- profile.sql: the format of a profile file (NAME.prof). This schema is its documentation and
-- `sqlite3 NAME.prof` its inspector; collector/profile/profile.h holds the same tables in memory.
--
-- application_id 0x73707266 ("sprf"), user_version 4. Ids are dense: 1, 2, 3 ... in the order of
-- creation, 0 means "none" (metrics and endings begin at 0, because SQLite stores the integers
-- 0 and 1 in no bytes at all and nearly every sample is metric 0, value 1, ending 0).
-- Rows of all tables are only ever added while recording and committed every second; functions
-- and lines arrive at the end. meta.state says whether that end was reached.

-- What was run, where, how, and every loss by reason. Keys are listed in profile.h.
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value                           -- TEXT or INTEGER
) WITHOUT ROWID;

-- What a sample's value counts. The unsampled amount, in `unit`, is value * period. Those of
-- collector run --memory are counted in the program and looked at from time to time: a row has what
-- came to a stack since the look before. `live`, `live-blocks`, `peak` and `peak-blocks` are levels:
-- their rows are changes, which may be below 0; what adds up until a time was the level then.
CREATE TABLE metrics (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL,         -- 'cpu'
	unit     TEXT NOT NULL,         -- 'ns', 'cycles'
	period   INTEGER NOT NULL,      -- units that one counted event stands for
	is_level INTEGER NOT NULL
);

-- How the walk of a sample's stack ended. The rows say what each code means and whether the
-- stack may be believed up to its root.
CREATE TABLE endings (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL,
	complete INTEGER NOT NULL       -- 1: reaches the root of the thread
);

-- Files (and the kernel, the vDSO, generated code) that addresses belong to.
CREATE TABLE modules (
	id       INTEGER PRIMARY KEY,
	kind     INTEGER NOT NULL,      -- enum profile_module_kind
	path     TEXT NOT NULL,         -- as the target saw it; '[kernel]', '[vdso]', '[unknown]'
	build_id TEXT                   -- hexadecimal; NULL when the file has none
);

CREATE TABLE files (
	id   INTEGER PRIMARY KEY,
	path TEXT NOT NULL
);

CREATE TABLE functions (
	id           INTEGER PRIMARY KEY,
	name         TEXT NOT NULL,     -- demangled
	linkage_name TEXT,              -- as in the symbol table, when it differs
	module       INTEGER NOT NULL,
	file         INTEGER NOT NULL,  -- 0: unknown
	line         INTEGER NOT NULL,  -- of the declaration; 0: unknown
	named        INTEGER NOT NULL   -- 0: no symbol; the name is made of module and start address
);

-- One distinct code address. For a caller it is the return address minus one, which lies inside
-- the call instruction and so inside the right function, line and inlined scope.
CREATE TABLE frames (
	id      INTEGER PRIMARY KEY,
	module  INTEGER NOT NULL,
	address INTEGER NOT NULL        -- elf address (as stated in the file), not the run address
);

-- What a frame's address means in the source; several rows where calls were inlined.
CREATE TABLE lines (
	frame    INTEGER NOT NULL,
	depth    INTEGER NOT NULL,      -- 0 is the innermost (inlined) function
	function INTEGER NOT NULL,
	line     INTEGER NOT NULL,      -- 0: unknown
	PRIMARY KEY (frame, depth)
) WITHOUT ROWID;

-- Prefix tree of call stacks: a stack is its caller's stack plus one frame, so one integer names
-- a whole stack. parent < id always holds, 0 is the empty stack.
CREATE TABLE stacks (
	id     INTEGER PRIMARY KEY,
	parent INTEGER NOT NULL,
	frame  INTEGER NOT NULL
);

CREATE TABLE threads (
	id   INTEGER PRIMARY KEY,
	pid  INTEGER NOT NULL,
	tid  INTEGER NOT NULL,
	name TEXT NOT NULL
);

-- One row per sample. Two samples of one instant are kept apart by a nanosecond.
CREATE TABLE samples (
	time_ns INTEGER PRIMARY KEY,    -- since the start of the recording (meta.start_time)
	thread  INTEGER NOT NULL,
	stack   INTEGER NOT NULL,
	metric  INTEGER NOT NULL,
	value   INTEGER NOT NULL,       -- in periods of the metric
	ending  INTEGER NOT NULL
);

-- What a thread did while it was watched, exact; only with --off-cpu. Several rows of a thread add
-- up. What cpu, run_queue and off_cpu leave of wall_ns is unexplained, and reports say how much that is.
CREATE TABLE thread_times (
	thread       INTEGER NOT NULL,
	wall_ns      INTEGER NOT NULL,
	cpu_ns       INTEGER NOT NULL,  -- had a processor
	booked_ns    INTEGER NOT NULL,  -- CPU time by the scheduler's own count; a cross-check
	run_queue_ns INTEGER NOT NULL,  -- runnable, but without a processor
	off_cpu_ns   INTEGER NOT NULL,  -- blocked
	switches     INTEGER NOT NULL   -- times it left the processor
);

-- What has a curve over the time of the recording, such as 'rss'.
CREATE TABLE series (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL,
	unit     TEXT NOT NULL,         -- 'bytes', 'count', 'ns'
	is_total INTEGER NOT NULL       -- 1: counts up from 0 at the start; differences are rates
);

CREATE TABLE points (
	series  INTEGER NOT NULL,
	time_ns INTEGER NOT NULL,       -- since the start of the recording
	value   INTEGER NOT NULL,
	PRIMARY KEY (series, time_ns)
) WITHOUT ROWID;

-- Functions that were probed, so that their calls are counted, not sampled.
CREATE TABLE probes (
	id          INTEGER PRIMARY KEY,
	frame       INTEGER NOT NULL,   -- at the function's first address
	mode        INTEGER NOT NULL,   -- enum profile_probe_mode, at the end of the recording
	kind        INTEGER NOT NULL,   -- enum profile_probe_kind
	place       INTEGER NOT NULL,   -- bytes from the function's start to the probe
	count_ns    INTEGER NOT NULL,   -- what it adds to a counted call,
	time_ns     INTEGER NOT NULL,   -- to a timed call,
	inside_ns   INTEGER NOT NULL,   -- and, of that, to the measured duration
	attached_ns INTEGER NOT NULL,   -- when it was put in place, since the start of the recording
	is_partial  INTEGER NOT NULL,   -- 1: the probe was taken off during the recording
	note        TEXT,               -- what restricts its figures: one sentence; NULL: exact
	estimated_calls INTEGER NOT NULL DEFAULT 0, -- of the whole recording, where they were counted
	                                -- in windows of time only; 0: as in timings
	calls_margin    INTEGER NOT NULL DEFAULT 0  -- half of its 95 % interval
);

-- What one thread did in one probed function. Durations are without the probes' own cost.
CREATE TABLE timings (
	probe         INTEGER NOT NULL,
	thread        INTEGER NOT NULL, -- 0: threads that came when there were too many
	calls         INTEGER NOT NULL,
	step_calls    INTEGER NOT NULL, -- of them, while a step was running
	returns       INTEGER NOT NULL, -- calls whose duration is known
	sum_ns        INTEGER NOT NULL, -- of their durations
	outer_ns      INTEGER NOT NULL, -- the same without calls from the function itself (recursion)
	self_ns       INTEGER NOT NULL, -- the same without timed callees
	min_ns        INTEGER NOT NULL,
	max_ns        INTEGER NOT NULL,
	open          INTEGER NOT NULL, -- calls that had not ended when the recording did
	deep          INTEGER NOT NULL, -- calls below too many timed ones: counted, not timed
	subtracted_ns INTEGER NOT NULL, -- what was taken off for the probes' own cost
	thrown        INTEGER NOT NULL DEFAULT 0, -- of the returns, calls that an exception left
	PRIMARY KEY (probe, thread)
) WITHOUT ROWID;

-- Histogram of a function's durations. Buckets 0 to 31 are that many nanoseconds; above, bucket
-- 32 * (e + 1) + m begins at (32 + m) << e nanoseconds and is 1 << e wide; the last one, 1151,
-- takes all that is longer.
CREATE TABLE timing_buckets (
	probe  INTEGER NOT NULL,
	bucket INTEGER NOT NULL,
	count  INTEGER NOT NULL,
	PRIMARY KEY (probe, bucket)
) WITHOUT ROWID;

-- Calls of timed functions by timed functions, with nothing timed in between.
CREATE TABLE call_edges (
	caller INTEGER NOT NULL,        -- probe
	callee INTEGER NOT NULL,        -- probe
	calls  INTEGER NOT NULL,        -- that have returned
	sum_ns INTEGER NOT NULL,
	PRIMARY KEY (caller, callee)
) WITHOUT ROWID;

-- Functions whose basic blocks were counted (collector run --hits): straight pieces of code, each
-- executed as a whole. Only some have a probe; the rest follows, because as often as a block is
-- entered it is left.
CREATE TABLE hit_functions (
	id            INTEGER PRIMARY KEY,
	frame         INTEGER NOT NULL, -- at the function's first address
	calls         INTEGER NOT NULL, -- while the recording ran
	counted_calls INTEGER NOT NULL, -- of them, in windows in which blocks were counted
	probes        INTEGER NOT NULL,
	windows       INTEGER NOT NULL,
	note          TEXT              -- what restricts the figures: one sentence; NULL: nothing
);

-- How often each block was executed. Those of one function do not overlap.
CREATE TABLE block_hits (
	function     INTEGER NOT NULL,  -- hit_functions
	address      INTEGER NOT NULL,  -- elf address of its first instruction
	bytes        INTEGER NOT NULL,
	instructions INTEGER NOT NULL,
	hits         INTEGER NOT NULL,
	label        INTEGER NOT NULL,  -- enum profile_hit_label
	margin       INTEGER NOT NULL,  -- estimated hits: half of the 95 % interval; else 0
	PRIMARY KEY (function, address)
) WITHOUT ROWID;

-- How often each source line was: times that control came to it from elsewhere, as gcov counts.
CREATE TABLE line_hits (
	function INTEGER NOT NULL,      -- hit_functions; its code has lines of inlined functions, too
	file     INTEGER NOT NULL,
	line     INTEGER NOT NULL,
	hits     INTEGER NOT NULL,
	label    INTEGER NOT NULL,      -- enum profile_hit_label
	margin   INTEGER NOT NULL,
	PRIMARY KEY (function, file, line)
) WITHOUT ROWID;

-- Source files of functions as they were when the recording ended, as far as there were any, so that a
-- report can tell whether they have changed since.
CREATE TABLE sources (
	file  INTEGER PRIMARY KEY,      -- files
	bytes INTEGER NOT NULL,
	hash  INTEGER NOT NULL,         -- of all of them: profile_source_hash
	text  TEXT                      -- with --embed-sources; NULL: not kept
);

-- Steps of the simulation: finished calls of the step function, in the order of their ends. A
-- sample belongs to the step that was running at its time in its process.
CREATE TABLE steps (
	id       INTEGER PRIMARY KEY,
	probe    INTEGER NOT NULL,
	thread   INTEGER NOT NULL,
	start_ns INTEGER NOT NULL,      -- since the start of the recording
	end_ns   INTEGER NOT NULL,
	probe_ns INTEGER NOT NULL       -- of that time, the cost of probes in it
);

-- What threads wait for or work on: locks, files, SQL statements; of collector run --locks, --io and
-- --sql, like the two tables below. Sums from the beginning on, written over and over.
CREATE TABLE subjects (
	id      INTEGER PRIMARY KEY,
	kind    INTEGER NOT NULL,       -- enum profile_subject_kind
	name    TEXT NOT NULL,          -- variable, path or statement with ? for its literals; '': none
	module  INTEGER NOT NULL,       -- that has the variable
	pid     INTEGER NOT NULL,       -- 0: the same in all processes
	address INTEGER NOT NULL,       -- run address of a lock
	site    INTEGER NOT NULL,       -- stack that allocated its memory; 0: not known
	taken   INTEGER NOT NULL        -- times a lock was taken without waiting
);

-- What a thread did to a subject from one place. Waits for a lock have one row for each stack that
-- released it meanwhile (other), and are counted in the one of those that was waited for longest.
CREATE TABLE operations (
	subject    INTEGER NOT NULL,    -- 0: others, for which there was no room
	thread     INTEGER NOT NULL,
	kind       INTEGER NOT NULL,    -- enum profile_operation_kind
	stack      INTEGER NOT NULL,
	other      INTEGER NOT NULL,    -- stack of who released the lock, or woke; 0: not known
	count      INTEGER NOT NULL,
	total_ns   INTEGER NOT NULL,
	longest_ns INTEGER NOT NULL,    -- of whole waits
	amount     INTEGER NOT NULL,    -- bytes; rows of statements, rows changed by transactions
	part_ns    INTEGER NOT NULL     -- of total_ns, in fsync
);

-- Histograms of their durations; buckets as those of timing_buckets. Of all allocations (subject 0,
-- kinds of enum profile_spread_kind): of sizes and lifetimes every eighth bucket alone is used.
CREATE TABLE spreads (
	subject INTEGER NOT NULL,
	kind    INTEGER NOT NULL,       -- enum profile_operation_kind
	bucket  INTEGER NOT NULL,
	count   INTEGER NOT NULL,
	PRIMARY KEY (subject, kind, bucket)
) WITHOUT ROWID;
