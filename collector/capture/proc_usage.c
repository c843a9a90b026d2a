/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_usage: see proc_usage.h. */
#include "collector/capture/proc_usage.h"

#include "collector/base/xalloc.h"
#include "collector/capture/proc_snapshot.h"
#include "collector/capture/proc_stat.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>
#include <uthash.h>

#define LOOKS_BELOW 3

enum total {
	MINOR_FAULTS,
	MAJOR_FAULTS,
	SWITCHES,
	READ,
	WRITTEN,
	DISK_READ,
	DISK_WRITTEN,
	TOTALS
};

static const struct {
	const char *name, *unit;
} total_names[TOTALS] = {
	[MINOR_FAULTS] = {"minor-faults", "faults"},   [MAJOR_FAULTS] = {"major-faults", "faults"},
	[SWITCHES] = {"context-switches", "switches"}, [READ] = {"bytes-read", "bytes"},
	[WRITTEN] = {"bytes-written", "bytes"},	       [DISK_READ] = {"disk-read", "bytes"},
	[DISK_WRITTEN] = {"disk-written", "bytes"},
};

/* What one process (or, for its switches, one thread) had used at the last look. */
struct known {
	UT_hash_handle hh;
	pid_t id;
	unsigned look; /* at which it was seen last */
	uint64_t used[TOTALS];
};

/*
 * What all processes together have moved. When a process has been waited for, its parent's count
 * goes up by all that it had moved: then the sum stays, and what the parent is not seen to take
 * over within some looks is taken off.
 */
struct sum {
	uint64_t now, most;
	unsigned looks_below;
};

struct proc_usage {
	struct profile *profile;
	bool from_birth;
	unsigned look;
	uint64_t totals[TOTALS];
	struct sum sums[TOTALS]; /* of READ and what follows */
	bool is_known[TOTALS];	 /* could be read of all processes of this look */
	uint64_t rss_bytes, threads;
	struct known *processes;
	struct known *tasks;
};

struct proc_usage *proc_usage_new(struct profile *profile, bool from_birth)
{
	struct proc_usage *usage = xcalloc(1, sizeof(*usage));

	usage->profile = profile;
	usage->from_birth = from_birth;
	return usage;
}

static void forget(struct known **table, unsigned look)
{
	struct known *known, *next;

	HASH_ITER (hh, *table, known, next)
		if (known->look != look) {
			HASH_DEL(*table, known);
			free(known);
		}
}

void proc_usage_free(struct proc_usage *usage)
{
	if (!usage)
		return;
	forget(&usage->processes, UINT_MAX);
	forget(&usage->tasks, UINT_MAX);
	free(usage);
}

/* Returns the row of a process or thread. At the first look at running ones it is empty, and what
 * they have used before does not count: see count. */
static struct known *get(struct known **table, pid_t id, unsigned look, bool *is_new)
{
	struct known *known;

	HASH_FIND_INT(*table, &id, known);
	*is_new = !known;
	if (!known) {
		known = xcalloc(1, sizeof(*known));
		known->id = id;
		HASH_ADD_INT(*table, id, known);
	}
	known->look = look;
	return known;
}

/* Adds what was used since the last look. */
static void count(struct proc_usage *usage, struct known *known, bool is_new, enum total total,
		  uint64_t used)
{
	bool is_baseline = is_new && usage->look == 1 && !usage->from_birth;

	if (!is_baseline && used > known->used[total])
		usage->totals[total] += used - known->used[total];
	known->used[total] = used;
}

static FILE *open_file(pid_t pid, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

static uint64_t read_rss_pages(pid_t tid)
{
	FILE *stream = open_file(tid, "statm");
	uint64_t pages = 0;

	if (stream && fscanf(stream, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	if (stream)
		fclose(stream);
	return pages;
}

/* Returns false when the process is gone. */
static bool read_stat(struct proc_usage *usage, pid_t pid, struct known *known, bool is_new)
{
	struct proc_stat stat;

	if (!proc_stat_read(pid, &stat))
		return false;
	count(usage, known, is_new, MINOR_FAULTS, stat.minor_faults);
	count(usage, known, is_new, MAJOR_FAULTS, stat.major_faults);
	usage->threads += stat.threads;
	/* Of a first thread that has ended there is no memory, but there is of the others. */
	if (!stat.rss_pages && stat.threads > 1)
		stat.rss_pages = read_rss_pages(proc_living_thread(pid));
	usage->rss_bytes += stat.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

/* Returns whether the process is there, if only as one that nobody has waited for yet. */
static bool read_io(struct proc_usage *usage, pid_t pid)
{
	static const struct {
		const char *key;
		enum total total;
	} rows[] = {{"rchar:", READ},
		    {"wchar:", WRITTEN},
		    {"read_bytes:", DISK_READ},
		    {"write_bytes:", DISK_WRITTEN}};
	FILE *stream = open_file(pid, "io");
	uint64_t number;
	char key[32];

	if (!stream)
		return false;
	while (fscanf(stream, "%31s %" SCNu64, key, &number) == 2)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			if (!strcmp(key, rows[i].key))
				usage->sums[rows[i].total].now += number;
	fclose(stream);
	return true;
}

static void begin_sums(struct proc_usage *usage)
{
	for (int i = READ; i < TOTALS; i++)
		usage->sums[i].now = 0;
}

static void end_sums(struct proc_usage *usage)
{
	for (int i = READ; i < TOTALS; i++) {
		struct sum *sum = &usage->sums[i];
		bool is_baseline = usage->look == 1 && !usage->from_birth;

		if (sum->now >= sum->most && !is_baseline)
			usage->totals[i] += sum->now - sum->most;
		sum->looks_below = sum->now < sum->most ? sum->looks_below + 1 : 0;
		if (!sum->looks_below || sum->looks_below > LOOKS_BELOW) {
			sum->most = sum->now;
			sum->looks_below = 0;
		}
	}
}

/* Those that have ended, as long as nobody has waited for them. */
static void read_io_of_ended(struct proc_usage *usage)
{
	struct known *known, *next;

	HASH_ITER (hh, usage->processes, known, next)
		if (known->look != usage->look && read_io(usage, known->id))
			known->look = usage->look;
}

static void read_switches(struct proc_usage *usage, pid_t pid, pid_t tid)
{
	uint64_t sum = 0, number;
	struct known *known;
	char line[256];
	FILE *stream;
	bool is_new;

	snprintf(line, sizeof(line), "task/%d/status", tid);
	stream = open_file(pid, line);
	if (!stream)
		return;
	known = get(&usage->tasks, tid, usage->look, &is_new);
	while (fgets(line, sizeof(line), stream))
		if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &number) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, &number) == 1)
			sum += number;
	fclose(stream);
	count(usage, known, is_new, SWITCHES, sum);
}

static void read_tasks(struct proc_usage *usage, pid_t pid)
{
	struct dirent *entry;
	char path[64];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)))
		if (*entry->d_name != '.')
			read_switches(usage, pid, (pid_t)strtol(entry->d_name, NULL, 10));
	if (folder)
		closedir(folder);
}

static void add_point(struct proc_usage *usage, const char *name, const char *unit, bool is_total,
		      uint64_t time_ns, uint64_t value)
{
	uint32_t series = profile_series(usage->profile, name, unit, is_total);

	profile_point_add(usage->profile, series, time_ns, (int64_t)value);
}

static void add_cores(struct proc_usage *usage, uint64_t time_ns, const uint64_t *core_ns,
		      size_t core_count)
{
	char name[32];

	for (size_t i = 0; i < core_count; i++) {
		snprintf(name, sizeof(name), "cpu-%zu", i);
		add_point(usage, name, "ns", true, time_ns, core_ns[i]);
	}
}

void proc_usage_look(struct proc_usage *usage, const pid_t *pids, size_t pid_count,
		     uint64_t time_ns, const uint64_t *core_ns, size_t core_count)
{
	uint64_t alive = 0;
	bool can_read = true;

	usage->look++;
	begin_sums(usage);
	usage->rss_bytes = usage->threads = 0;
	for (int i = 0; i < TOTALS; i++)
		usage->is_known[i] = true;
	for (size_t i = 0; i < pid_count; i++) {
		bool is_new;
		struct known *known = get(&usage->processes, pids[i], usage->look, &is_new);

		if (!read_stat(usage, pids[i], known, is_new))
			continue;
		alive++;
		can_read &= read_io(usage, pids[i]);
	}
	read_io_of_ended(usage);
	for (int i = READ; i < TOTALS; i++)
		usage->is_known[i] = can_read;
	if (can_read)
		end_sums(usage);
	usage->is_known[SWITCHES] = usage->threads <= PROC_USAGE_THREADS;
	if (!usage->is_known[SWITCHES])
		profile_set_number(usage->profile, "series.no_switches", PROC_USAGE_THREADS);
	for (size_t i = 0; i < pid_count && usage->is_known[SWITCHES]; i++)
		read_tasks(usage, pids[i]);
	forget(&usage->processes, usage->look);
	forget(&usage->tasks, usage->look);
	add_cores(usage, time_ns, core_ns, core_count);
	if (!alive)
		return;
	add_point(usage, "rss", "bytes", false, time_ns, usage->rss_bytes);
	add_point(usage, "threads", "threads", false, time_ns, usage->threads);
	add_point(usage, "processes", "processes", false, time_ns, alive);
	for (int i = 0; i < TOTALS; i++)
		if (usage->is_known[i])
			add_point(usage, total_names[i].name, total_names[i].unit, true, time_ns,
				  usage->totals[i]);
}

void proc_usage_end(struct proc_usage *usage, pid_t pid, uint64_t time_ns)
{
	usage->look++;
	begin_sums(usage);
	if (!read_io(usage, pid))
		return;
	get(&usage->processes, pid, usage->look, &(bool){false});
	read_io_of_ended(usage);
	end_sums(usage);
	for (int i = READ; i < TOTALS; i++)
		add_point(usage, total_names[i].name, total_names[i].unit, true, time_ns,
			  usage->totals[i]);
}
