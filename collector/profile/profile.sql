-- profile.sql: the format of a profile file (NAME.prof). This schema is its documentation and
-- `sqlite3 NAME.prof` its inspector; collector/profile/profile.h holds the same tables in memory.
--
-- application_id 0x73707266 ("sprf"), user_version 2. Ids are dense: 1, 2, 3 ... in the order of
-- creation, 0 means "none" (metrics and endings begin at 0, because SQLite stores the integers
-- 0 and 1 in no bytes at all and nearly every sample is metric 0, value 1, ending 0).
-- Rows of all tables are only ever added while recording and committed every second; functions
-- and lines arrive at the end. meta.state says whether that end was reached.

-- What was run, where, how, and every loss by reason. Keys are listed in profile.h.
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value                           -- TEXT or INTEGER
) WITHOUT ROWID;

-- What a sample's value counts. The unsampled amount, in `unit`, is value * period.
CREATE TABLE metrics (
	id     INTEGER PRIMARY KEY,
	name   TEXT NOT NULL,           -- 'cpu'
	unit   TEXT NOT NULL,           -- 'ns', 'cycles'
	period INTEGER NOT NULL         -- units that one counted event stands for
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
