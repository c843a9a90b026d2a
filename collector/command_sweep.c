/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_sweep: collector sweep --vary NAME=A,B... -- PROGRAM {NAME}: record a program at many
 * points of its parameters, often, in shuffled order, so that models can be fitted (reports
 * scaling). What is done is never done again: an interrupted sweep goes on with the same command.
 */
#include "collector/command.h"

#include "collector/base/xalloc.h"
#include "collector/sweep_run.h"
#include "collector/sweep_slurm.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	OPTION_VARY = 256,
	OPTION_POINT,
	OPTION_BARE,
	OPTION_WARM_UP,
	OPTION_TIME_LIMIT,
	OPTION_RUN,
	OPTION_SEED,
	OPTION_RETRY,
	OPTION_LAUNCHER,
	OPTION_SBATCH,
	OPTION_SCRATCH,
	OPTION_TASK,
	OPTION_JSON,
};

struct sweep_options {
	const char *folder;
	json_t *points, *run, *sbatch, *scratch;
	int repeats, bare, warm_up, seed;
	double time_limit_s;
	bool is_retry, is_slurm, is_listed, is_varied, json;
	int task; /* number of the only run to make; -1: all */
	char **command;
};

struct sweep {
	struct sweep_options options;
	struct sweep_plan plan;
	struct sweep_folder folder;
	struct sweep_run *runs;
	int count;
	int states[SWEEP_STATES];
	struct timespec started;
	int made; /* by this command; others were done before */
	const char *program;
};

static const struct argp_option option_table[] = {
	{"bare", OPTION_BARE, "N", 0,
	 "Run each point N times without recording, too, which tells what recording costs "
	 "(default 0)",
	 0},
	{"json", OPTION_JSON, NULL, 0, "Say how it ended as JSON, on standard output", 0},
	{"launcher", OPTION_LAUNCHER, "KIND", 0,
	 "Where runs are made: local (default), or slurm: a job array on a cluster; DIR must be on "
	 "a file system that its nodes share",
	 0},
	{"output", 'o', "DIR", 0, "Folder of the results (default: sweep)", 0},
	{"point", OPTION_POINT, "NAME=A,NAME=B", 0, "Add one point; instead of --vary", 0},
	{"repeats", 'r', "N", 0, "Recordings of each point (default 5)", 0},
	{"retry", OPTION_RETRY, NULL, 0, "Make failed and timed-out runs again", 0},
	{"run", OPTION_RUN, "OPTION", 0,
	 "An option of `collector run` for the recordings, for instance --run=--step=FUNCTION", 0},
	{"sbatch", OPTION_SBATCH, "OPTION", 0, "An option of sbatch, with --launcher slurm", 0},
	{"scratch", OPTION_SCRATCH, "FILE", 0,
	 "A file that runs leave: removed before each run and after it, so that all do the same",
	 0},
	{"seed", OPTION_SEED, "N", 0, "Of the order of the runs (default 1)", 0},
	{"task", OPTION_TASK, "N", OPTION_HIDDEN, "Make run number N of the plan in DIR alone", 0},
	{"time-limit", OPTION_TIME_LIMIT, "SECONDS", 0, "Of one run (default 600)", 0},
	{"vary", OPTION_VARY, "NAME=A,B,...", 0,
	 "Values of {NAME} in the command; several make a grid", 0},
	{"warm-up", OPTION_WARM_UP, "N", 0,
	 "Runs of the first point before all others, not recorded (default 1)", 0},
	{0},
};

static const char documentation[] =
	"Records a program at many points: {NAME} in its command line gets every value that --vary "
	"gives to NAME. Each point is run several times, in rounds of shuffled order."
	"\v"
	"DIR/sweep.json is the plan, DIR/runs/ has a folder for each run: run.prof, run.json (how "
	"it ended), out and err (what the program wrote). Runs that fail or take too long are kept "
	"as such. An interrupted sweep goes on when the same command is given again. `collector "
	"scaling DIR` fits models to the results.\n\n"
	"Exit status: 0 all runs are done, 1 the sweep failed or was interrupted, 2 some runs "
	"failed "
	"or timed out.\n\n"
	"Example: collector sweep --vary agents=10,25,50,100,200 --run=--step=environment_step -- "
	"./sim --agents {agents}";

static int whole_number(const struct argp_state *state, const char *option, const char *text,
			int least, int most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || end == text || value < least || value > most)
		argp_failure(state, 1, 0, "%s takes a whole number from %d to %d, not '%s'", option,
			     least, most, text);
	return (int)value;
}

static double seconds(const struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (*end || end == text || !(value > 0) || value > 1e9)
		argp_failure(state, 1, 0, "--time-limit takes seconds above 0, not '%s'", text);
	return value;
}

static void add_point(struct argp_state *state, struct sweep_options *options, int key,
		      const char *text)
{
	struct error error;
	int result;

	options->is_varied |= key == OPTION_VARY;
	options->is_listed |= key == OPTION_POINT;
	if (options->is_varied && options->is_listed)
		argp_failure(state, 1, 0, "either --vary or --point, not both");
	result = key == OPTION_VARY ? sweep_points_vary(options->points, text, &error)
				    : sweep_points_list(options->points, text, &error);
	if (result)
		argp_failure(state, 1, 0, "%s", error.text);
}

static bool parse_launcher(const struct argp_state *state, const char *text)
{
	if (strcmp(text, "slurm") != 0 && strcmp(text, "local") != 0)
		argp_failure(state, 1, 0, "there is no launcher '%s'; it is local or slurm", text);
	return !strcmp(text, "slurm");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct sweep_options *options = state->input;

	switch (key) {
	case OPTION_VARY:
	case OPTION_POINT:
		add_point(state, options, key, argument);
		break;
	case 'o':
		options->folder = argument;
		break;
	case 'r':
		options->repeats = whole_number(state, "-r", argument, 0, SWEEP_REPEATS);
		break;
	case OPTION_BARE:
		options->bare = whole_number(state, "--bare", argument, 0, SWEEP_REPEATS);
		break;
	case OPTION_WARM_UP:
		options->warm_up = whole_number(state, "--warm-up", argument, 0, SWEEP_REPEATS);
		break;
	case OPTION_SEED:
		options->seed = whole_number(state, "--seed", argument, 0, INT_MAX);
		break;
	case OPTION_TASK:
		options->task = whole_number(state, "--task", argument, 0, INT_MAX);
		break;
	case OPTION_TIME_LIMIT:
		options->time_limit_s = seconds(state, argument);
		break;
	case OPTION_RUN:
		json_array_append_new(options->run, json_string(argument));
		break;
	case OPTION_SBATCH:
		json_array_append_new(options->sbatch, json_string(argument));
		break;
	case OPTION_SCRATCH:
		json_array_append_new(options->scratch, json_string(argument));
		break;
	case OPTION_RETRY:
		options->is_retry = true;
		break;
	case OPTION_JSON:
		options->json = true;
		break;
	case OPTION_LAUNCHER:
		options->is_slurm = parse_launcher(state, argument);
		break;
	case ARGP_KEY_ARG: /* the program; what follows is its own */
		options->command = &state->argv[state->next - 1];
		state->next = state->argc;
		break;
	case ARGP_KEY_END:
		if (!options->command && options->task < 0)
			argp_failure(state, 1, 0,
				     "which program? For instance: collector sweep "
				     "--vary agents=10,20 -- ./sim --agents {agents}");
		if (options->repeats + options->bare < 1)
			argp_failure(state, 1, 0, "-r 0 and no --bare: nothing to run");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static json_t *plan_json(const struct sweep_options *options)
{
	json_t *command = json_array(), *json;

	if (!json_array_size(options->points))
		json_array_append_new(options->points, json_object());
	for (char **word = options->command; *word; word++)
		json_array_append_new(command, json_string(*word));
	json = json_pack("{s:s, s:o, s:O, s:O, s:i, s:i, s:i, s:f, s:i}", "schema",
			 "simprof/sweep-v1", "command", command, "points", options->points, "run",
			 options->run, "repeats", options->repeats, "bare", options->bare,
			 "warm_up", options->warm_up, "time_limit_s", options->time_limit_s, "seed",
			 options->seed);
	if (json_array_size(options->scratch))
		json_object_set(json, "scratch", options->scratch);
	return json;
}

static int make_folders(const char *folder, struct error *error)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/runs", folder);
	if ((mkdir(folder, 0755) && errno != EEXIST) || (mkdir(path, 0755) && errno != EEXIST))
		return fail(error, -errno, "cannot make the folder %s: %m", path);
	return 0;
}

/* One sweep at a time in a folder; the lock ends with us. */
static int lock(const char *folder, struct error *error)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(error, -errno, "cannot open %s: %m", folder);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return fail(error, -EBUSY, "another sweep is at work in %s", folder);
	}
	return 0;
}

/* Takes up the sweep that is in the folder, if it is the same, else begins one. */
static int open_plan(struct sweep *sweep, struct error *error)
{
	json_t *json = plan_json(&sweep->options);
	struct sweep_plan found;
	int result = sweep_plan_init(&sweep->plan, json, error);

	if (result)
		return result;
	result = make_folders(sweep->options.folder, error);
	if (!result)
		result = lock(sweep->options.folder, error);
	if (result)
		return result;
	result = sweep_plan_read(&found, sweep->options.folder, error);
	if (result == -ENOENT)
		result = sweep_plan_write(&sweep->plan, sweep->options.folder, error);
	else if (!result && !json_equal(found.json, json))
		result = fail(error, -EEXIST,
			      "%s holds another sweep; give another folder with -o, or remove it",
			      sweep->options.folder);
	sweep_plan_done(&found);
	return result;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static void show_progress(const struct sweep *sweep)
{
	int over = sweep->states[SWEEP_DONE] + sweep->states[SWEEP_FAILED] +
		   sweep->states[SWEEP_TIMED_OUT];
	int left_s = sweep->made ? (int)(seconds_since(&sweep->started) / sweep->made *
					 (double)(sweep->count - over))
				 : 0;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rrun %d of %d, %d failed, about %d:%02d left \033[K", over,
			sweep->count, over - sweep->states[SWEEP_DONE], left_s / 60, left_s % 60);
}

/* The state of a run that was made before. One of which reports cannot make use has failed. */
static int look_at(const struct sweep *sweep, const struct sweep_run *run)
{
	int state = sweep_run_state(&sweep->folder, run);
	struct error error;

	if (state != SWEEP_DONE || !sweep_run_check(&sweep->folder, run, &error))
		return state;
	if (!sweep->options.is_retry)
		fprintf(stderr, "%s: %s; --retry makes that run again\n", sweep->program,
			error.text);
	return SWEEP_FAILED;
}

/* What was made before; with --retry, without what did not go well. */
static void take_stock(struct sweep *sweep)
{
	memset(sweep->states, 0, sizeof(sweep->states));
	for (int i = 0; i < sweep->count; i++) {
		int state = look_at(sweep, &sweep->runs[i]);

		if (state > SWEEP_DONE && sweep->options.is_retry)
			sweep_run_forget(&sweep->folder, &sweep->runs[i]);
		else if (state >= 0)
			sweep->states[state]++;
	}
}

static int run_here(struct sweep *sweep, struct error *error)
{
	int result = 0;

	sweep_run_clean(&sweep->folder);
	if (!sweep->states[SWEEP_DONE])
		for (int i = 0; i < sweep->plan.warm_up && !result; i++)
			result = sweep_run_warm_up(&sweep->folder, &sweep->plan, error);
	for (int i = 0; i < sweep->count && result >= 0; i++) {
		if (sweep_run_state(&sweep->folder, &sweep->runs[i]) >= 0)
			continue;
		result = sweep_run_make(&sweep->folder, &sweep->plan, &sweep->runs[i], error);
		if (result < 0)
			break;
		sweep->states[result]++;
		sweep->made++;
		show_progress(sweep);
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return result < 0 ? result : 0;
}

static void say_result(const struct sweep *sweep)
{
	int failed = sweep->states[SWEEP_FAILED], timed_out = sweep->states[SWEEP_TIMED_OUT];

	fprintf(stderr, "%s: %d of %d runs done", sweep->program, sweep->states[SWEEP_DONE],
		sweep->count);
	if (failed)
		fprintf(stderr, ", %d failed", failed);
	if (timed_out)
		fprintf(stderr, ", %d timed out", timed_out);
	fprintf(stderr, " (%s)\n", sweep->options.folder);
}

static void say_json(const struct sweep *sweep)
{
	json_t *json = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "schema", "simprof/sweep-end-v1",
				 "folder", sweep->options.folder, "runs", sweep->count, "done",
				 sweep->states[SWEEP_DONE], "failed", sweep->states[SWEEP_FAILED],
				 "timed_out", sweep->states[SWEEP_TIMED_OUT]);

	json_dumpf(json, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
	puts("");
	json_decref(json);
}

static int run_all(struct sweep *sweep, struct error *error)
{
	int result = open_plan(sweep, error);

	if (result)
		return result;
	sweep->runs = sweep_plan_runs(&sweep->plan, &sweep->count);
	take_stock(sweep);
	sweep->options.is_retry = false; /* what fails from now on is told */
	clock_gettime(CLOCK_MONOTONIC, &sweep->started);
	if (sweep->options.is_slurm) {
		result = sweep_slurm_make(&sweep->folder, &sweep->plan, sweep->runs, sweep->count,
					  sweep->options.sbatch, error);
		take_stock(sweep);
	} else {
		result = run_here(sweep, error);
	}
	if (result == -EINTR)
		return fail(error, result,
			    "interrupted; the same command goes on where this one ended");
	if (result)
		return result;
	if (sweep->options.json)
		say_json(sweep);
	else
		say_result(sweep);
	return sweep->states[SWEEP_DONE] == sweep->count ? 0 : 2;
}

/* One task of a job array. Others may make the same run at the same time: see sweep_run.h. */
static int run_task(struct sweep *sweep, struct error *error)
{
	int result = sweep_plan_read(&sweep->plan, sweep->options.folder, error);

	if (result)
		return result;
	sweep->runs = sweep_plan_runs(&sweep->plan, &sweep->count);
	if (sweep->options.task >= sweep->count)
		return fail(error, -EINVAL, "the plan has %d runs, and none has the number %d",
			    sweep->count, sweep->options.task);
	result = sweep_run_make(&sweep->folder, &sweep->plan, &sweep->runs[sweep->options.task],
				error);
	return result < 0 ? result : 0;
}

static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

int command_sweep(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "-- PROGRAM [ARGUMENT...]",
		.doc = documentation,
	};
	struct sweep sweep = {
		.options = {.folder = "sweep",
			    .points = json_array(),
			    .run = json_array(),
			    .sbatch = json_array(),
			    .scratch = json_array(),
			    .repeats = 5,
			    .warm_up = 1,
			    .seed = 1,
			    .time_limit_s = 600,
			    .task = -1},
		.program = argv[0],
	};
	struct error error;
	int result;

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &sweep.options);
	block_signals();
	sweep.folder = (struct sweep_folder){sweep.options.folder, "/proc/self/exe"};
	result = sweep.options.task >= 0 ? run_task(&sweep, &error) : run_all(&sweep, &error);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", argv[0], error.text);
	free(sweep.runs);
	sweep_plan_done(&sweep.plan);
	json_decref(sweep.options.points);
	json_decref(sweep.options.run);
	json_decref(sweep.options.sbatch);
	json_decref(sweep.options.scratch);
	return result < 0 ? 1 : result;
}
