/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command_top: collector top PID: what running processes do at the moment, in a terminal. */
#include "collector/command.h"

#include "collector/attached.h"
#include "collector/base/xalloc.h"
#include "collector/capture/probe_source.h"
#include "collector/live.h"
#include "collector/process_list.h"
#include "collector/recording.h"
#include "collector/session_signals.h"
#include "collector/top.h"
#include "collector/top_screen.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_FREQUENCY_HZ 249
#define DEFAULT_INTERVAL_NS  1000000000u
#define DEFAULT_WINDOW_NS    5000000000u
#define BATCH_COLUMNS	     120
#define BATCH_ROWS	     20

enum {
	OPTION_STEP = 256,
	OPTION_BATCH,
	OPTION_JSON
};

struct top_options {
	struct session_options session;
	struct process_list processes;
	struct timing_request step;
	uint64_t interval_ns, window_ns;
	unsigned long batch; /* pictures to print; 0: a terminal */
	bool json;	     /* as JSON, a line each */
};

static const struct argp_option option_table[] = {
	{"tree", 't', NULL, 0, "All descendants of the processes too", 0},
	{"frequency", 'F', "HZ", 0,
	 "Samples per second of CPU time (default: the kernel's tick, else 249)", 0},
	{"engine", 'e', "ENGINE", 0, "Insist on one sampler, as collector run does", 0},
	{"step", OPTION_STEP, "FUNCTION", 0,
	 "Show how many calls of this function end in a second, and how long one takes. Needs root",
	 0},
	{"interval", 'i', "SECONDS", 0, "Look so often (default 1)", 0},
	{"window", 'w', "SECONDS", 0, "At what was in the last seconds (default 5)", 0},
	{"batch", OPTION_BATCH, "N", 0, "Print N looks as plain text, for no terminal", 0},
	{"json", OPTION_JSON, NULL, 0, "With --batch: each look as one line of JSON", 0},
	{0},
};

static const char documentation[] =
	"Shows what running processes do at the moment: functions with their own and their total "
	"share of the CPU time of the last seconds, states of threads, samples and losses. The "
	"processes go on undisturbed. Nothing is recorded.\n\n"
	"Keys: q leaves, s sorts by self, t by total."
	"\v"
	"Exit status: 0 left, interrupted, or the processes have ended, 1 failed.\n\n"
	"Example: collector top $(pidof sim)";

static uint64_t parse_seconds(const struct argp_state *state, char option, const char *text)
{
	char *end;
	double seconds;

	errno = 0;
	seconds = strtod(text, &end);
	if (errno || *end || end == text || !(seconds >= 0.1) || seconds > 3600)
		argp_failure(state, 1, 0,
			     "-%c takes a number of seconds from 0.1 to 3600, not '%s'", option,
			     text);
	return (uint64_t)(seconds * 1e9);
}

static unsigned long parse_count(const struct argp_state *state, const char *text)
{
	char *end;
	unsigned long count;

	errno = 0;
	count = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || !count)
		argp_failure(state, 1, 0, "--batch takes a number from 1 on, not '%s'", text);
	return count;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct top_options *options = state->input;

	switch (key) {
	case 't':
		options->session.is_tree = true;
		break;
	case 'F':
		options->session.frequency_hz = recording_parse_frequency(state, argument);
		break;
	case 'e':
		options->session.engine = recording_parse_engine(state, argument);
		break;
	case OPTION_STEP:
		options->step = (struct timing_request){argument, UPROBE_STEP};
		break;
	case 'i':
		options->interval_ns = parse_seconds(state, 'i', argument);
		break;
	case 'w':
		options->window_ns = parse_seconds(state, 'w', argument);
		break;
	case OPTION_BATCH:
		options->batch = parse_count(state, argument);
		break;
	case OPTION_JSON:
		options->json = true;
		break;
	case ARGP_KEY_ARG:
		process_list_parse(&options->processes, state, argument);
		break;
	case ARGP_KEY_END:
		process_list_check(&options->processes, state, "collector top 1234");
		if (options->session.engine == &probe_source_engine)
			argp_failure(state, 1, 0, "-e probe works only from a program's start");
		if (options->json && !options->batch)
			argp_failure(state, 1, 0, "--json goes with --batch N");
		if (!options->batch && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
			argp_failure(state, 1, 0,
				     "this is no terminal; use --batch N for plain text");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void show(const struct top *top, const struct live_view *view, struct top_screen *screen,
		 bool is_json)
{
	char *text;
	size_t bytes;
	FILE *stream;

	if (!screen && is_json) {
		top_write_json(stdout, top, view);
		fflush(stdout);
		return;
	}
	if (!screen) {
		top_write(stdout, top, view, BATCH_COLUMNS, BATCH_ROWS);
		puts("");
		fflush(stdout);
		return;
	}
	stream = open_memstream(&text, &bytes);
	top_write(stream, top, view, top_screen_columns(screen),
		  top_screen_rows(screen) - TOP_HEADING - 1);
	fclose(stream);
	top_screen_show(screen, text, TOP_HEADING);
	free(text);
}

/* Takes what was typed. Returns whether to go on; @is_stale says that the picture is old. */
static bool take_keys(struct top_screen *screen, struct top *top, bool *is_stale)
{
	enum top_key key;

	while (screen && (key = top_screen_key(screen)) != TOP_KEY_NONE) {
		if (key == TOP_KEY_QUIT)
			return false;
		if (key != TOP_KEY_REDRAW)
			top->is_by_total = key == TOP_KEY_TOTAL;
		*is_stale = true;
	}
	return true;
}

/* Waits for events, signals and keys. Returns false when the terminal is gone. */
static bool wait_a_moment(const struct live *live, const struct session_signals *signals,
			  const struct top_screen *screen)
{
	struct pollfd sources[] = {
		{.fd = live_poll_fd(live), .events = POLLIN},
		{.fd = signals->fd, .events = POLLIN},
		{.fd = screen ? STDIN_FILENO : -1, .events = POLLIN},
	};

	poll(sources, 3, PERF_SOURCE_POLL_MS);
	return !(sources[2].revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* Returns 0, or -ESRCH when the processes have ended. */
static int watch(const struct top_options *options, struct live *live, struct top *top,
		 struct top_screen *screen, struct session_signals *signals)
{
	uint64_t next_ns = now_ns() + options->interval_ns, shown = 0;
	struct live_view view;
	int result = 0;

	while (!result && !signals->interrupts && (!options->batch || shown < options->batch)) {
		bool is_stale = false;

		if (!wait_a_moment(live, signals, screen) || !take_keys(screen, top, &is_stale))
			break;
		session_signals_pass(signals, 0);
		result = live_round(live);
		if (now_ns() >= next_ns || (result && !screen)) {
			next_ns = now_ns() + options->interval_ns;
			is_stale = true;
			shown++;
		}
		if (is_stale) {
			live_look(live, &view);
			show(top, &view, screen, options->json);
		}
		if (ferror(stdout)) /* nobody sees more of it; the caller says so */
			break;
	}
	return result;
}

static char *title(const struct process_list *processes)
{
	char *program = attached_program(processes->pids[0]), *text;

	if (processes->count == 1)
		text = xasprintf("%s (%d)", program, processes->pids[0]);
	else
		text = xasprintf("%s (%d) and %zu more", program, processes->pids[0],
				 processes->count - 1);
	free(program);
	return text;
}

static int run(const struct top_options *options, const char *command)
{
	struct session_signals signals = {0};
	struct top_screen *screen = NULL;
	struct top top = {.step = options->step.text};
	struct error error;
	struct live *live;
	char *name;
	int result;

	session_signals_take(&signals);
	live = live_open(&options->session, options->window_ns, &error);
	if (live && !options->batch)
		screen = top_screen_open(&error);
	if (!live || (!screen && !options->batch)) {
		live_close(live);
		session_signals_done(&signals);
		fprintf(stderr, "%s: %s\n", command, error.text);
		return 1;
	}
	top.title = name = title(&options->processes);
	top.engine = live_engine(live);
	top.frequency_hz = live_frequency_hz(live);
	result = watch(options, live, &top, screen, &signals);
	top_screen_close(screen);
	live_close(live);
	session_signals_done(&signals);
	if (result)
		fprintf(stderr, "%s: %s has ended\n", command, name);
	free(name);
	return 0;
}

int command_top(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "PID...",
		.doc = documentation,
	};
	struct top_options options = {
		.interval_ns = DEFAULT_INTERVAL_NS,
		.window_ns = DEFAULT_WINDOW_NS,
	};
	struct session_options *session = &options.session;
	int status;

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	process_list_keep_living(&options.processes, argv[0]);
	session->pids = options.processes.pids;
	session->pid_count = options.processes.count;
	session->prefers_tick = !session->frequency_hz && !session->engine;
	if (!session->frequency_hz)
		session->frequency_hz = DEFAULT_FREQUENCY_HZ;
	if (options.step.text) {
		session->probes.timing.requests = &options.step;
		session->probes.timing.request_count = 1;
		session->prefers_tick = false; /* it cannot correct stacks through probed calls */
	}
	status = run(&options, argv[0]);
	free(options.processes.pids);
	return status;
}
