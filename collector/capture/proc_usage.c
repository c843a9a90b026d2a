/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_usage: see proc_usage.h. */
#include "collector/capture/proc_usage.h"

#include "collector/base/xalloc.h"
#include "collector/capture/proc_snapshot.h"
#include "collector/capture/proc_stat.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uthash.h>

#define LOOKS_BELOW 3

enum total {
	MINOR_FAULTS,
	MAJOR_FAULTS,
	SWITCHES,
	FAULTS = SWITCHES, /* how many of them are faults */
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
	uint64_t of_children[FAULTS]; /* those it had waited for */
};

/*
 * Faults of children: when one has been waited for, its parent's count of them rises by all that it
 * had, of which a part was counted while it lived.
 */
struct inheritance {
	uint64_t risen;	  /* parents' counts, in this look */
	uint64_t counted; /* of children that are gone, and not found with a parent yet */
	unsigned looks;	  /* for how long: nobody may have waited for them */
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
	struct inheritance inherited[FAULTS];
	bool is_known[TOTALS]; /* could be read of all processes of this look */
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

static void count_children(struct proc_usage *usage, struct known *known, bool is_new,
			   enum total total, uint64_t of_children)
{
	bool is_baseline = is_new && usage->look == 1 && !usage->from_birth;

	if (!is_baseline && of_children > known->of_children[total])
		usage->inherited[total].risen += of_children - known->of_children[total];
	known->of_children[total] = of_children;
}

/* Returns false when the process is gone, for good. */
static bool read_faults(struct proc_usage *usage, struct known *known, bool is_new,
			struct proc_stat *stat)
{
	if (!proc_stat_read(known->id, stat))
		return false;
	count(usage, known, is_new, MINOR_FAULTS, stat->minor_faults);
	count(usage, known, is_new, MAJOR_FAULTS, stat->major_faults);
	count_children(usage, known, is_new, MINOR_FAULTS, stat->child_minor_faults);
	count_children(usage, known, is_new, MAJOR_FAULTS, stat->child_major_faults);
	return true;
}

/* Returns false when the process is gone. */
static bool read_stat(struct proc_usage *usage, struct known *known, bool is_new)
{
	struct proc_stat stat;

	if (!read_faults(usage, known, is_new, &stat))
		return false;
	usage->threads += stat.threads;
	/* Of a first thread that has ended there is no memory, but there is of the others. */
	if (!stat.rss_pages && stat.threads > 1)
		stat.rss_pages = read_rss_pages(proc_living_thread(known->id));
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
static void read_ended(struct proc_usage *usage)
{
	struct known *known, *next;
	struct proc_stat stat;

	HASH_ITER (hh, usage->processes, known, next)
		if (known->look != usage->look && read_faults(usage, known, false, &stat)) {
			read_io(usage, known->id);
			known->look = usage->look;
		}
}

/* Counts what parents have taken over, less what was counted of the same children before. */
static void end_faults(struct proc_usage *usage)
{
	struct known *known, *next;

	for (int i = 0; i < FAULTS; i++) {
		struct inheritance *inherited = &usage->inherited[i];
		uint64_t found;

		HASH_ITER (hh, usage->processes, known, next)
			if (known->look != usage->look)
				inherited->counted += known->used[i] + known->of_children[i];
		found = inherited->risen < inherited->counted ? inherited->risen
							      : inherited->counted;
		usage->totals[i] += inherited->risen - found;
		inherited->counted -= found;
		inherited->risen = 0;
		inherited->looks = inherited->counted && !found ? inherited->looks + 1 : 0;
		if (inherited->looks > LOOKS_BELOW)
			*inherited = (struct inheritance){0};
	}
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

		if (!read_stat(usage, known, is_new))
			continue;
		alive++;
		can_read &= read_io(usage, pids[i]);
	}
	read_ended(usage);
	end_faults(usage);
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

static uint64_t larger(uint64_t total, long told)
{
	return told > 0 && (uint64_t)told > total ? (uint64_t)told : total;
}

/* Takes what the kernel tells the parent of a process that has ended: of it and all those that were
 * waited for, whether they were looked at or not. Returns false when it tells nothing. */
static bool take_rusage(struct proc_usage *usage, pid_t pid)
{
	struct rusage rusage;
	siginfo_t information = {0};
	uint64_t *totals = usage->totals;

	if (!usage->from_birth ||
	    syscall(SYS_waitid, P_PID, pid, &information, WEXITED | WNOWAIT | WNOHANG, &rusage) !=
		    0 ||
	    !information.si_pid)
		return false;
	totals[MINOR_FAULTS] = larger(totals[MINOR_FAULTS], rusage.ru_minflt);
	totals[MAJOR_FAULTS] = larger(totals[MAJOR_FAULTS], rusage.ru_majflt);
	totals[SWITCHES] = larger(totals[SWITCHES], rusage.ru_nvcsw + rusage.ru_nivcsw);
	return true;
}

void proc_usage_end(struct proc_usage *usage, pid_t pid, uint64_t time_ns)
{
	struct proc_stat stat;
	struct known *known;
	bool is_new;

	usage->look++;
	begin_sums(usage);
	known = get(&usage->processes, pid, usage->look, &is_new);
	if (!read_faults(usage, known, is_new, &stat))
		return;
	usage->is_known[READ] = read_io(usage, pid);
	read_ended(usage);
	end_faults(usage);
	if (usage->is_known[READ])
		end_sums(usage);
	usage->is_known[SWITCHES] = take_rusage(usage, pid);
	for (int i = 0; i < TOTALS; i++)
		if (i < SWITCHES || usage->is_known[i < READ ? SWITCHES : READ])
			add_point(usage, total_names[i].name, total_names[i].unit, true, time_ns,
				  usage->totals[i]);
}
