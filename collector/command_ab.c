/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_ab: collector ab -- A... -- B...: record two commands in turn until they can be told
 * apart.
 *
 * Machines drift: of one binary, 40 runs after 40 others were 18 % faster. So the runs come in
 * pairs, one of each command, the first of a pair drawn at random every other time (A B B A or B A
 * A B), and are compared as pairs. After a third and two thirds of the pairs there is a look, and a
 * comparison that is settled then ends; each look has the level that makes all three err as rarely
 * as one would at 5 %. Source: Pocock 1977, Biometrika 64:191; Jennison & Turnbull 1989, JRSS B
 * 51:305 (intervals).
 *
 * Recordings of an earlier series under the same name are renamed to .old, as run does: those of a
 * longer one would be taken for pairs of this one.
 */
#include "collector/command.h"

#include "collector/base/xalloc.h"
#include "collector/recording.h"
#include "collector/sibling.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOKS = 3,
	PAIRS_LEAST = 24, /* fewer than 7 at the first look can show nothing at its level */
	PAIRS_MOST = 600,
	OPTION_MARKDOWN = 256,
	OPTION_JSON,
	OPTION_MARGIN,
	OPTION_SORT,
};

static const char look_alpha_percent[] = "2.21"; /* Pocock: three looks, 5 % together */

struct ab_options {
	long pairs;
	const char *name, *frequency, *format, *margin, *sort;
	char **commands[2]; /* NULL-terminated */
};

struct ab {
	struct ab_options options;
	char **paths[2]; /* of the profiles, one a pair */
	struct timespec started;
	const char *program; /* for messages */
};

static const struct argp_option option_table[] = {
	{"frequency", 'F', "HZ", 0, "Samples per second of CPU time (as collector run)", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{"margin", OPTION_MARGIN, "PERCENT", 0, "A change that nobody cares about (default 3)", 0},
	{"markdown", OPTION_MARKDOWN, NULL, 0, "Write Markdown", 0},
	{"output", 'o', "NAME", 0, "Keep the recordings as NAME.a1.prof, NAME.b1.prof ... (ab)", 0},
	{"pairs", 'n', "N", 0, "Make at most N pairs of runs, 24 to 600 (default 30)", 0},
	{"sort", OPTION_SORT, "COST", 0, "Test functions by self (default) or total cost", 0},
	{0},
};

static const char documentation[] =
	"Records two commands in turn (A B B A ...) and says in what they differ; stops as soon as "
	"the difference of the total is settled, at the latest after N pairs."
	"\v"
	"The commands' standard output is thrown away, their standard error is yours. Both must do "
	"the same work and end with status 0. There are three looks, after N/3, 2N/3 and N pairs; "
	"each is made at 2.21 %, so that all together err in 5 % (Pocock). The report is that of "
	"`collector compare --paired`. Recordings of an earlier series are kept as .old.\n\n"
	"Exit status: 0 done, 1 failed, 2 B is worse.\n\n"
	"Example: collector ab -- ./sim-old --seed 1 -- ./sim-new --seed 1";

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct ab_options *options = state->input;
	char *end;

	switch (key) {
	case 'n':
		options->pairs = strtol(argument, &end, 10);
		if (*end || end == argument || options->pairs < PAIRS_LEAST ||
		    options->pairs > PAIRS_MOST)
			argp_failure(state, 1, 0, "-n takes %d to %d pairs, not '%s'", PAIRS_LEAST,
				     PAIRS_MOST, argument);
		break;
	case 'o':
		options->name = argument;
		break;
	case 'F':
		options->frequency = argument;
		break;
	case OPTION_JSON:
		options->format = "--json";
		break;
	case OPTION_MARKDOWN:
		options->format = "--markdown";
		break;
	case OPTION_MARGIN:
		options->margin = argument;
		break;
	case OPTION_SORT:
		options->sort = argument;
		break;
	case ARGP_KEY_ARG:
		argp_failure(state, 1, 0, "the commands come after \"--\", as in: %s -- A -- B",
			     state->name);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Finds the commands behind the first two "--"; what is before them is options. Returns their
 * count. */
static int split(int argc, char **argv, char ***commands)
{
	int options_count = argc, found = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0 || found == 2)
			continue;
		if (!found)
			options_count = i;
		argv[i] = NULL;
		commands[found++] = &argv[i + 1];
	}
	return options_count;
}

static int look_pairs(const struct ab *ab, int look)
{
	return (int)(ab->options.pairs * look / LOOKS);
}

/* Records run @pair (from 0) of command @which. Returns 0, or a negative errno with @error. */
static int record(const struct ab *ab, int which, int pair, struct error *error)
{
	char **command = ab->options.commands[which];
	const char *frequency = ab->options.frequency;
	const char *argv[] = {
		"collector", "run", "-q", "-o", ab->paths[which][pair], frequency ? "-F" : "--",
		frequency};
	size_t fixed = frequency ? 7 : 5, count = 0;
	const char **all;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int code, status;
	pid_t pid;

	while (command[count])
		count++;
	all = xcalloc(fixed + count + 2, sizeof(*all));
	memcpy(all, argv, fixed * sizeof(*all));
	all[fixed] = "--";
	memcpy(all + fixed + 1, command, count * sizeof(*all));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, (char *const *)all,
			   environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(all);
	if (code)
		return fail(error, -code, "cannot start a recording: %s", strerror(code));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (code == 128 + SIGINT)
		return fail(error, -EINTR,
			    "interrupted; compare what there is with: collector "
			    "compare --paired");
	if (code)
		return fail(error, -EINVAL, "run %d of %c (%s) ended with status %d: no comparison",
			    pair + 1, "AB"[which], command[0], code);
	return 0;
}

/* The profile of a run is NAME.a1.prof; `run` is told the name without ".prof". */
static void name_runs(struct ab *ab)
{
	for (int which = 0; which < 2; which++) {
		ab->paths[which] = xcalloc(ab->options.pairs, sizeof(char *));
		for (long pair = 0; pair < ab->options.pairs; pair++)
			ab->paths[which][pair] =
				xasprintf("%s.%c%ld", ab->options.name, "ab"[which], pair + 1);
	}
}

static void forget_names(struct ab *ab)
{
	for (int which = 0; which < 2; which++) {
		for (long pair = 0; pair < ab->options.pairs; pair++)
			free(ab->paths[which][pair]);
		free(ab->paths[which]);
	}
}

/*
 * Compares the first @pairs pairs.
 *
 * @decided  only whether the total is settled; the report goes to @stdout_fd all the same
 * Returns the exit status of `reports`, or a negative errno.
 */
static int compare(const struct ab *ab, int pairs, bool decided, int stdout_fd, struct error *error)
{
	const struct ab_options *options = &ab->options;
	const char **argv = xcalloc(16 + 2 * pairs, sizeof(*argv));
	char **profiles = xcalloc(2 * pairs, sizeof(*profiles));
	int count = 2, result;

	argv[1] = "compare";
	if (decided)
		argv[count++] = "--decided";
	argv[count++] = "--paired";
	argv[count++] = "--alpha";
	argv[count++] = look_alpha_percent;
	if (options->format)
		argv[count++] = options->format;
	if (options->margin) {
		argv[count++] = "--margin";
		argv[count++] = options->margin;
	}
	if (options->sort) {
		argv[count++] = "--sort";
		argv[count++] = options->sort;
	}
	for (int i = 0; i < 2 * pairs; i++) {
		if (i == pairs)
			argv[count++] = "--";
		profiles[i] = xasprintf("%s.prof", ab->paths[i / pairs][i % pairs]);
		argv[count++] = profiles[i];
	}
	result = sibling_run(argv, stdout_fd, error);
	for (int i = 0; i < 2 * pairs; i++)
		free(profiles[i]);
	free(profiles);
	free(argv);
	return result;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

/* On a terminal one line that is written over; elsewhere a line at each look. */
static void show_progress(const struct ab *ab, int made, bool looked)
{
	int left = (int)(seconds_since(&ab->started) / made * (double)(ab->options.pairs - made));

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rpair %d of at most %ld, %d:%02d left at most \033[K%s", made,
			ab->options.pairs, left / 60, left % 60, looked ? "\r\033[K" : "");
	else if (looked)
		fprintf(stderr, "%s: looked after %d of at most %ld pairs\n", ab->program, made,
			ab->options.pairs);
}

/* A and B in blocks of two pairs, A B B A or B A A B. */
static int record_pairs(const struct ab *ab, int first, int last, int *order, struct error *error)
{
	int result = 0;

	for (int pair = first; pair < last && !result; pair++) {
		unsigned char draw = 0;

		if (pair % 2)
			*order = !*order;
		else if (getrandom(&draw, 1, 0) == 1)
			*order = draw & 1;
		result = record(ab, *order, pair, error);
		if (!result)
			result = record(ab, !*order, pair, error);
		if (!result)
			show_progress(ab, pair + 1, pair + 1 == last);
	}
	return result;
}

/* Renames all recordings of an earlier series, and says so. */
static int keep_old_series(const struct ab *ab, struct error *error)
{
	int kept = 0, result = 0;

	for (int i = 0; i < 2 * PAIRS_MOST && !result; i++) {
		char *path = xasprintf("%s.%c%d.prof", ab->options.name, "ab"[i % 2], i / 2 + 1);
		char *picture = xasprintf("%s.%c%d.svg", ab->options.name, "ab"[i % 2], i / 2 + 1);

		if (!access(path, F_OK) && ++kept &&
		    !(recording_keep_old(path) && recording_keep_old(picture)))
			result = fail(error, -errno, "cannot rename %s to .old: %m", path);
		free(path);
		free(picture);
	}
	if (kept && !result)
		fprintf(stderr, "%s: kept %d recordings of an earlier series as %s.*.prof.old\n",
			ab->program, kept, ab->options.name);
	return result;
}

/* Returns the exit status, or a negative errno. */
static int run(const struct ab *ab, struct error *error)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), order = 0, result = 2, pairs = 0;

	if (null < 0)
		return fail(error, -errno, "cannot open /dev/null: %m");
	for (int look = 1; look <= LOOKS && result == 2; look++) {
		result = record_pairs(ab, pairs, look_pairs(ab, look), &order, error);
		pairs = look_pairs(ab, look);
		if (!result && look < LOOKS)
			result = compare(ab, pairs, true, null, error);
	}
	close(null);
	if (result)
		return result;
	fflush(stdout);
	return compare(ab, pairs, false, STDOUT_FILENO, error);
}

int command_ab(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "-- A [ARGUMENT...] -- B [ARGUMENT...]",
		.doc = documentation,
	};
	struct ab ab = {.options = {.pairs = 30, .name = "ab"}, .program = argv[0]};
	int options_count = split(argc, argv, ab.options.commands), result;
	struct error error;

	argp_err_exit_status = 1;
	argp_parse(&argp, options_count, argv, 0, NULL, &ab.options);
	if (!ab.options.commands[1] || !ab.options.commands[0][0] || !ab.options.commands[1][0]) {
		fprintf(stderr, "%s: two commands are wanted: %s -- A ... -- B ...\n", argv[0],
			argv[0]);
		return 1;
	}
	name_runs(&ab);
	clock_gettime(CLOCK_MONOTONIC, &ab.started);
	signal(SIGINT, SIG_IGN);
	result = keep_old_series(&ab, &error);
	if (!result)
		result = run(&ab, &error);
	forget_names(&ab);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", argv[0], error.text);
	return result < 0 ? 1 : result;
}
