/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command_attach: collector attach PID: record running processes, which go on undisturbed. */
#include "collector/command.h"

#include "collector/attached.h"
#include "collector/capture/probe_source.h"
#include "collector/process_list.h"
#include "collector/recording.h"

#include <errno.h>
#include <stdlib.h>

#define LEAST_MEMORY_RATE 1024 /* what the kernel side can reckon with */
#define MOST_MEMORY_RATE  (UINT64_C(1) << 32)

struct attach_options {
	struct recording_options recording;
	uint64_t duration_ns;
	bool is_tree;
	bool is_memory;
	uint64_t memory_rate;
	struct process_list processes;
};

enum {
	OPTION_MEMORY_RATE = 512
};

static const struct argp_option option_table[] = {
	{"duration", 'd', "SECONDS", 0, "End after this time (default: at the processes' end)", 0},
	{"tree", 't', NULL, 0, "All descendants of the processes too", 0},
	{"memory", 'm', NULL, 0,
	 "What they allocate, too: a sample, by probes on the allocator, as much as --budget "
	 "allows "
	 "(5%); see `collector memory`",
	 0},
	{"memory-rate", OPTION_MEMORY_RATE, "BYTES", 0,
	 "The same, of one allocation in so many bytes (4096)", 0},
	{0},
};

static const char documentation[] =
	"Samples where running processes spend their time, in all their threads, and in threads "
	"and "
	"children that they create meanwhile. Ends with the processes, after -d, or when "
	"interrupted; the processes go on. Leaves a profile (NAME.prof) and a flame graph "
	"(NAME.svg) as collector run does. Unless -F or -e is given it samples with the kernel's "
	"own tick, where that is possible: so the processes are not interrupted any oftener than "
	"without it."
	"\v"
	"Exit status: 0 done, 1 failed.\n\n"
	"Example: collector attach -d 10 $(pidof sim)";

static uint64_t parse_duration(const struct argp_state *state, const char *text)
{
	char *end;
	double seconds;

	errno = 0;
	seconds = strtod(text, &end);
	if (errno || *end || end == text || !(seconds >= 1e-9) || seconds > 1e9)
		argp_failure(state, 1, 0, "-d takes a number of seconds from 1e-9 to 1e9, not '%s'",
			     text);
	return (uint64_t)(seconds * 1e9);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct attach_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->recording;
		break;
	case 'd':
		options->duration_ns = parse_duration(state, argument);
		break;
	case 't':
		options->is_tree = true;
		break;
	case 'm':
		options->is_memory = true;
		break;
	case OPTION_MEMORY_RATE:
		options->is_memory = true;
		options->memory_rate = recording_parse_whole(state, "--memory-rate", argument,
							     LEAST_MEMORY_RATE, MOST_MEMORY_RATE);
		break;
	case ARGP_KEY_ARG:
		process_list_parse(&options->processes, state, argument);
		break;
	case ARGP_KEY_END:
		if (options->recording.engine == &probe_source_engine)
			argp_failure(state, 1, 0,
				     "-e probe works only from a program's start; use collector "
				     "run");
		process_list_check(&options->processes, state, "collector attach -d 10 1234");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int command_attach(int argc, char **argv)
{
	static const struct argp_child children[] = {{&recording_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "PID...",
		.doc = documentation,
		.children = children,
	};
	struct attach_options options = {0};
	struct session_options session = {0};
	char *program;
	int status;

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	process_list_keep_living(&options.processes, argv[0]);
	session.prefers_tick = true;
	session.pids = options.processes.pids;
	session.pid_count = options.processes.count;
	session.is_tree = options.is_tree;
	session.is_memory = options.is_memory;
	session.memory_rate = options.memory_rate;
	session.duration_ns = options.duration_ns;
	program = attached_program(options.processes.pids[0]);
	status = recording_make(&options.recording, &session, program, argv[0]);
	free(program);
	free(options.processes.pids);
	return status;
}
