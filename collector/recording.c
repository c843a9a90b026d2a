/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recording: see recording.h. */
#include "collector/recording.h"

#include "collector/base/xalloc.h"
#include "collector/capture/probe_source.h"
#include "collector/command.h"
#include "collector/progress.h"
#include "collector/sibling.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_FREQUENCY_HZ 999 /* not 1000: out of step with work driven by a clock */
/* Above this the sampling interrupts themselves take a large share of the target's time. */
#define HIGHEST_FREQUENCY_HZ 10000

#define PLANNED_LINES  8 /* functions whose costs are told one by one */
#define STEPS_NAMED    8 /* where several functions are steps */
#define CAREFUL_BUDGET 0.05

enum {
	OPTION_TIME = 256,
	OPTION_COUNT,
	OPTION_STEP,
	OPTION_HITS,
	OPTION_STEPS,
	OPTION_HOT,
	OPTION_CLASSIC,
	OPTION_BUDGET,
	OPTION_EMBED
};

static const struct argp_option option_table[] = {
	{"output", 'o', "NAME", 0, "Write NAME.prof and NAME.svg (default: the program's name)", 0},
	{"frequency", 'F', "HZ", 0,
	 "Samples per second of CPU time, 1 to 10000 (default 999; of collector attach the "
	 "kernel's tick, where that is possible). Above 1000 their cost to the "
	 "program is measured and reported",
	 0},
	{"engine", 'e', "ENGINE", 0,
	 "Insist on one sampler: cycles, cycles-user, cpu-clock, cpu-clock-user (default: the "
	 "first "
	 "of these that works; of collector attach tick before them), or tick: with the kernel's "
	 "own tick, at its rate, without any "
	 "further interrupt, or probe: with timers in a preloaded libprobe.so, which needs no "
	 "right, only from a program's start: collector run uses it by itself where the kernel "
	 "refuses the others",
	 0},
	{"off-cpu", 'O', NULL, 0,
	 "Record too where threads wait: blocked (off-cpu), or runnable without a processor "
	 "(run-queue). Needs root",
	 0},
	{"embed-sources", OPTION_EMBED, NULL, 0,
	 "Keep the text of source files in the profile, for reports where they are not", 0},
	{"quiet", 'q', NULL, 0, "Print no summary", 0},
	{"time", OPTION_TIME, "FUNCTIONS", 0,
	 "Count and time every call of these functions, exactly: names, globs ('world_*'), "
	 "/regular "
	 "expressions/, LIBRARY:FUNCTION, FILE.c:*; several with commas between",
	 1},
	{"count", OPTION_COUNT, "FUNCTIONS", 0, "Only count their calls, which costs half", 1},
	{"step", OPTION_STEP, "FUNCTION", 0,
	 "Take each call of this function for a step of the simulation", 1},
	{"hot", OPTION_HOT, "N", 0, "Sample for two seconds, then time the N hottest functions", 1},
	{"steps", OPTION_STEPS, "N", 0,
	 "With --step: how many steps there will be, for the progress on a terminal (default: what "
	 "the program's own option --steps says)",
	 1},
	{"hits", OPTION_HITS, "FUNCTIONS", 0,
	 "Count how often each source line of these functions is executed, exactly as far as the "
	 "budget goes, else in windows of time with an "
	 "estimate "
	 "for all calls",
	 1},
	{"classic-probes", OPTION_CLASSIC, NULL, 0,
	 "Time and count by a perf event for each probe, as on kernels before 6.13, where that is "
	 "done by itself: slow to begin and to end",
	 1},
	{"budget", OPTION_BUDGET, "PERCENT", 0,
	 "Most that counting and timing may add to the CPU time (default 5%), or none for no "
	 "limit: functions that are called too often are then only counted, at last in windows of "
	 "time, and their rows say so",
	 1},
	{0},
};

unsigned recording_parse_frequency(const struct argp_state *state, const char *text)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || value < 1 ||
	    value > HIGHEST_FREQUENCY_HZ)
		argp_failure(state, argp_err_exit_status, 0,
			     "-F takes a number of samples per second from 1 to %d, not '%s'",
			     HIGHEST_FREQUENCY_HZ, text);
	return (unsigned)value;
}

uint64_t recording_parse_whole(const struct argp_state *state, const char *option, const char *text,
			       uint64_t least, uint64_t most)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < least || value > most)
		argp_failure(state, argp_err_exit_status, 0,
			     "%s wants a whole number from %" PRIu64 " to %" PRIu64 ", not '%s'",
			     option, least, most, text);
	return (uint64_t)value;
}

const struct perf_engine *recording_parse_engine(const struct argp_state *state, const char *name)
{
	const struct perf_engine *engine = !strcmp(name, probe_source_engine.name)
						   ? &probe_source_engine
						   : perf_engine_find(name);

	if (!engine)
		argp_failure(state, argp_err_exit_status, 0,
			     "there is no engine '%s'; --help lists them", name);
	return engine;
}

/* Returns the end of the first pattern: a comma that is in no bracket and no expression. */
static char *pattern_end(char *text)
{
	bool is_regex = *text == '/';
	int depth = 0;

	for (char *at = text; *at; at++) {
		if (is_regex) {
			is_regex = at == text || *at != '/' || (at[1] && at[1] != ',');
			continue;
		}
		depth += strchr("(<[{", *at) ? 1 : strchr(")>]}", *at) ? -1 : 0;
		if (*at == ',' && depth <= 0)
			return at;
	}
	return text + strlen(text);
}

/* Splits FUNCTIONS, whose memory is kept, at its commas. */
static void parse_requests(struct recording_requests *requests, char *text, enum uprobe_mode mode)
{
	do {
		char *end = pattern_end(text);
		bool is_last = !*end;

		*end = '\0';
		xgrow(requests->list, requests->count, requests->capacity);
		requests->list[requests->count++] = (struct timing_request){text, mode};
		text = is_last ? end : end + 1;
	} while (*text);
}

static bool has_steps(const struct recording_requests *requests)
{
	for (size_t i = 0; i < requests->count; i++)
		if (requests->list[i].mode == UPROBE_STEP)
			return true;
	return false;
}

static double parse_budget(const struct argp_state *state, const char *text)
{
	char *end;
	double percent = strtod(text, &end);

	if (!strcmp(text, "none"))
		return 0;
	if (*end == '%')
		end++;
	if (*end || end == text || !(percent > 0) || percent > 100)
		argp_failure(
			state, argp_err_exit_status, 0,
			"--budget takes a percentage above 0 and up to 100, for instance 5%%, or "
			"none for no limit, not '%s'",
			text);
	return percent / 100;
}

static uint64_t parse_count(const struct argp_state *state, const char *option, const char *what,
			    uint64_t most, const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || !value || value > most)
		argp_failure(state, argp_err_exit_status, 0, "%s takes a number of %s, not '%s'",
			     option, what, text);
	return value;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct recording_options *options = state->input;

	switch (key) {
	case 'o':
		options->name = argument;
		break;
	case 'F':
		options->frequency_hz = recording_parse_frequency(state, argument);
		break;
	case 'e':
		options->engine = recording_parse_engine(state, argument);
		break;
	case 'O':
		options->is_off_cpu = true;
		break;
	case OPTION_EMBED:
		options->embeds_sources = true;
		break;
	case 'q':
		options->is_quiet = true;
		break;
	case OPTION_BUDGET:
		options->budget = parse_budget(state, argument);
		options->has_budget = true;
		break;
	case OPTION_TIME:
		parse_requests(&options->timed, argument, UPROBE_TIME);
		break;
	case OPTION_COUNT:
		parse_requests(&options->timed, argument, UPROBE_COUNT);
		break;
	case OPTION_STEP:
		parse_requests(&options->timed, argument, UPROBE_STEP);
		break;
	case OPTION_STEPS:
		options->steps = parse_count(state, "--steps", "steps", UINT64_MAX, argument);
		break;
	case OPTION_CLASSIC:
		options->rung = UPROBE_CLASSIC;
		break;
	case OPTION_HOT:
		options->hottest =
			parse_count(state, "--hot", "functions", UPROBE_FUNCTIONS, argument);
		break;
	case OPTION_HITS:
		parse_requests(&options->hits, argument, UPROBE_COUNT);
		break;
	case ARGP_KEY_END:
		if (options->steps && !has_steps(&options->timed))
			argp_failure(state, argp_err_exit_status, 0,
				     "--steps N tells how many steps there will be, and --step "
				     "FUNCTION what a step is: name it");
		if (options->engine && options->engine->is_tick && options->frequency_hz &&
		    options->frequency_hz != probe_source_tick_hz())
			argp_failure(state, argp_err_exit_status, 0,
				     "the tick comes %u times a second; leave -F out",
				     probe_source_tick_hz());
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp recording_argp = {.options = option_table, .parser = parse};

/* Returns NAME + @suffix, for a NAME given with or without ".prof"; owned by the caller. */
static char *result_path(const char *name, const char *suffix)
{
	size_t length = strlen(name);
	char *path;

	if (length > 5 && !strcmp(name + length - 5, ".prof"))
		length -= 5;
	path = xmalloc(length + strlen(suffix) + 1);
	memcpy(path, name, length);
	strcpy(path + length, suffix);
	return path;
}

bool recording_keep_old(const char *path)
{
	char *old = xmalloc(strlen(path) + sizeof(".old"));
	bool is_kept;

	sprintf(old, "%s.old", path);
	is_kept = !rename(path, old) || errno == ENOENT;
	free(old);
	return is_kept;
}

static void print_path(const char *what, const char *path)
{
	char *plain = error_plain(path);

	fprintf(stderr, "%-12s %s\n", what, plain);
	free(plain);
}

/* Draws the picture and prints the summary. Troubles are told; the target's status stands. */
static void show(const struct recording_options *options, const char *profile_path,
		 const char *svg_path, const char *command)
{
	const char *flame[] = {NULL, "flame", "-o", svg_path, "--", profile_path, NULL};
	const char *summary[] = {NULL, "summary", "--", profile_path, NULL};
	struct error error;
	bool is_drawn = false;

	if (!recording_keep_old(svg_path)) {
		fail(&error, -errno, "cannot rename %s to keep it: %m", svg_path);
		fprintf(stderr, "%s: %s\n", command, error.text);
	} else {
		is_drawn = !sibling_run(flame, STDERR_FILENO, &error);
	}
	if (!is_drawn)
		fprintf(stderr, "%s: no flame graph was written\n", command);
	if (options->is_quiet)
		return;
	if (sibling_run(summary, STDERR_FILENO, &error) < 0)
		fprintf(stderr, "%s: %s\n", command, error.text);
	print_path("profile", profile_path);
	if (is_drawn)
		print_path("flame graph", svg_path);
}

static void print_hits_plan(const struct hits *hits)
{
	const struct hits_plan *plan = hits_get_plan(hits);

	for (size_t i = 0; i < plan->count; i++) {
		const struct hits_function *function = &plan->functions[i];

		fprintf(stderr, "%-12s %s: %u blocks, %zu probes", "lines", function->choice->name,
			function->flow.count, function->probe_count);
		fprintf(stderr,
			function->stepped_count ? ", at most %.2f us a hit\n"
						: ", about %.2f us a hit\n",
			hits_cost_ns(hits, function) / 1e3);
	}
}

/* Says where step functions are if they are several: their calls are one series of steps. */
static void print_steps_plan(const struct timing_plan *plan)
{
	size_t count = timing_plan_steps(plan), named = 0;

	if (count < 2)
		return;
	fprintf(stderr, "%-12s of %zu functions, all in one series: ", "(!) steps", count);
	for (size_t i = 0; i < plan->count; i++) {
		const struct timing_choice *choice = &plan->choices[i];

		if (choice->function.mode == UPROBE_STEP && named++ < STEPS_NAMED)
			fprintf(stderr, "%s%s of %s", named > 1 ? ", " : "", choice->name,
				choice->source ? choice->source : choice->module->path);
	}
	if (named > STEPS_NAMED)
		fprintf(stderr, " and %zu more", named - STEPS_NAMED);
	fputs("\n", stderr);
}

/* Says before the program starts what its calls will cost. */
static void print_timing_plan(const struct timing *timing)
{
	static const char *const doing[] = {
		[UPROBE_TIME] = "timing", [UPROBE_COUNT] = "counting", [UPROBE_STEP] = "steps"};
	const struct timing_plan *plan = timing_get_plan(timing);
	uint32_t most_ns = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct timing_choice *choice = &plan->choices[i];
		uint32_t cost_ns = timing_cost_ns(timing, choice);

		most_ns = cost_ns > most_ns ? cost_ns : most_ns;
		if (i < PLANNED_LINES)
			fprintf(stderr, "%-12s %s, about %.2f us a call%s\n",
				doing[choice->function.mode], choice->name, cost_ns / 1e3,
				choice->function.by_exits
					? ", at its exits: a return address may not be replaced"
					: "");
	}
	if (plan->count > PLANNED_LINES)
		fprintf(stderr, "%-12s and %zu more, at most %.2f us a call\n", "",
			plan->count - PLANNED_LINES, most_ns / 1e3);
	print_steps_plan(plan);
	for (size_t i = 0; i < plan->waiting_count; i++)
		fprintf(stderr, "%-12s %s, when its library is loaded\n", "waiting for",
			plan->waiting[i].pattern.text);
}

static void print_plan(const struct timing *timing, const struct hits *hits)
{
	if (timing)
		print_timing_plan(timing);
	if (hits)
		print_hits_plan(hits);
}

static void print_missed(const char *sentence)
{
	fprintf(stderr, "collector: not timed: %s\n", sentence);
}

/* Overwrites the line above with how far the steps are. */
static void print_progress(const struct profile *profile, uint64_t step_total, uint64_t elapsed_ns)
{
	char text[120];

	progress_text(profile, step_total, elapsed_ns, text, sizeof(text));
	fprintf(stderr, "\r%s\033[K", text);
}

static void print_waits(void)
{
	fputs("collector: asking the servers in DEBUGINFOD_URLS for debug files; an interrupt goes "
	      "on without them\n",
	      stderr);
}

static void clear_progress(const struct session_options *session)
{
	if (session->progressed)
		fputs("\r\033[K", stderr);
}

static int make(const struct recording_options *options, const struct session_options *session,
		const char *svg_path, const char *command)
{
	struct session_result result;
	struct error error;
	int code = session_record(session, &result, &error);

	clear_progress(session);
	if (code) {
		fprintf(stderr, "%s: %s\n", command, error.text);
		return session->argv ? result.exit_status : 1;
	}
	if (result.cut.text[0])
		fprintf(stderr, "%s: the recording ended early: %s\n", command, result.cut.text);
	if (result.unsampled.text[0])
		fprintf(stderr, "%s: nothing was sampled: %s\n", command, result.unsampled.text);
	if (result.unprobed.text[0])
		fprintf(stderr, "%s: %s not counted: %s\n", command,
			session->operations ? "what the probe counts was" : "allocations were",
			result.unprobed.text);
	if (result.crowded)
		fprintf(stderr,
			"%s: programs in which the probe had no room, or not for all that was "
			"asked, since their memory is limited (ulimit -v): %" PRId64 "\n",
			command, result.crowded);
	if (result.left_running)
		fprintf(stderr, "%s: interrupted twice; the program runs on\n", command);
	show(options, session->path, svg_path, command);
	return result.exit_status;
}

/* Says whether a file is a program, which may be running: it is not to be renamed or replaced. */
static bool is_program(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	char start[4] = "";
	bool is_read;

	if (fd < 0)
		return false;
	is_read = !fstat(fd, &status) && S_ISREG(status.st_mode) &&
		  pread(fd, start, sizeof(start), 0) == sizeof(start);
	close(fd);
	return is_read && (!memcmp(start, "\177ELF", 4) || !memcmp(start, "#!", 2));
}

static bool would_replace_program(const char *name)
{
	static const char *const suffixes[] = {".prof", ".svg", ".prof.old", ".svg.old"};
	bool would = false;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes) && !would; i++) {
		char *path = result_path(name, suffixes[i]);

		would = is_program(path);
		free(path);
	}
	return would;
}

/* Says what is wrong with the name of the results, or NULL. */
static const char *name_problem(const char *name, const char *program)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	struct stat result, target;
	char *path = result_path(name, ".prof");
	bool is_target = !stat(path, &result) && !stat(program, &target) &&
			 result.st_ino == target.st_ino && result.st_dev == target.st_dev;

	free(path);
	if (!*base || !strcmp(base, ".") || !strcmp(base, "..") || !strcmp(base, ".prof"))
		return "the results need a name; give one with -o";
	if (!strcmp(name, "-"))
		return "-o names two files, NAME.prof and NAME.svg, and cannot be standard output";
	if (is_target)
		return "the results would replace the program itself; choose another name with -o";
	if (would_replace_program(name))
		return "the results would replace a program of that name; choose another name with "
		       "-o";
	if (!stat(name, &result) && (S_ISCHR(result.st_mode) || S_ISBLK(result.st_mode)))
		return "-o names two files, NAME.prof and NAME.svg, and cannot be a device";
	return NULL;
}

int recording_make(const struct recording_options *options, struct session_options *session,
		   const char *program, const char *command)
{
	const char *name = options->name ? options->name : program;
	const char *problem = name_problem(name, session->argv ? session->argv[0] : "");
	char *profile_path, *svg_path;
	int status;

	if (problem) {
		fprintf(stderr, "%s: %s\n", command, problem);
		return session->argv ? COMMAND_FAILED : 1;
	}
	profile_path = result_path(name, ".prof");
	svg_path = result_path(name, ".svg");
	session->path = profile_path;
	session->frequency_hz =
		options->frequency_hz ? options->frequency_hz : DEFAULT_FREQUENCY_HZ;
	session->is_frequency_default = !options->frequency_hz;
	session->engine = options->engine;
	session->is_off_cpu = options->is_off_cpu;
	session->embeds_sources = options->embeds_sources;
	session->wants_time = options->is_off_cpu; /* to be added to that of waiting */
	session->probes.timing.requests = options->timed.list;
	session->probes.timing.request_count = options->timed.count;
	session->probes.timing.hottest = options->hottest;
	session->probes.timing.keeps_returns =
		session->argv && (session->is_memory || session->operations);
	session->probes.timing.rung = options->rung;
	session->probes.timing.budget = options->has_budget ? options->budget : CAREFUL_BUDGET;
	session->probes.hits.requests = options->hits.list;
	session->probes.hits.request_count = options->hits.count;
	session->probes.hits.budget = options->has_budget ? options->budget : CAREFUL_BUDGET;
	session->probes.planned = options->is_quiet ? NULL : print_plan;
	session->probes.missed = print_missed;
	session->waits = options->is_quiet ? NULL : print_waits;
	session->step_total = options->steps;
	if (!options->steps && session->argv)
		session->step_total = progress_total_of(session->argv);
	if (!options->is_quiet && has_steps(&options->timed) && isatty(STDERR_FILENO))
		session->progressed = print_progress;
	/* The tick can run no program with its samples, which stacks through timed functions need.
	 */
	if (options->frequency_hz || options->engine || options->timed.count || options->hottest ||
	    options->hits.count)
		session->prefers_tick = false;
	status = make(options, session, svg_path, command);
	free(profile_path);
	free(svg_path);
	return status;
}
