/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command_run: collector run -- PROGRAM: start a program, record it, draw it. */
#include "collector/command.h"

#include "collector/recording.h"
#include "probe/wire.h"

#include <string.h>

#define LEAST_MEMORY_RATE 64
#define MOST_MEMORY_RATE  (UINT64_C(1) << 32)

struct run_options {
	struct recording_options recording;
	const char **argv;
	bool is_memory;
	uint64_t memory_rate;
	uint32_t temporary_within;
	uint32_t operations; /* WIRE_MODES_OPERATIONS */
};

enum {
	OPTION_LOCKS = 512,
	OPTION_IO,
	OPTION_SQL,
	OPTION_MEMORY_RATE,
	OPTION_TEMPORARY
};

static const struct argp_option option_table[] = {
	{"memory", 'm', NULL, 0,
	 "Count every allocation with its full stack, by a library that is preloaded: see "
	 "`collector memory`",
	 0},
	{"memory-rate", OPTION_MEMORY_RATE, "BYTES", 0,
	 "With --memory, or instead of it: take only one allocation in so many bytes, at random; "
	 "amounts are then estimates",
	 0},
	{"temporary", OPTION_TEMPORARY, "N", 0,
	 "With --memory, call those blocks temporary that are freed within the next N allocations "
	 "of their thread (1; up to 128)",
	 0},
	{"locks", OPTION_LOCKS, NULL, 0,
	 "Record what threads wait for, by lock and by call stack, in the same way: see `collector "
	 "locks`",
	 0},
	{"io", OPTION_IO, NULL, 0,
	 "Record what files it reads and writes, by file and by call stack: see `collector io`", 0},
	{"sql", OPTION_SQL, NULL, 0,
	 "Record what SQL statements it executes with SQLite, and its transactions: see `collector "
	 "sql`",
	 0},
	{0},
};

static const char documentation[] =
	"Runs PROGRAM and samples where it spends its time, in all its threads and children, up to "
	"its end. Leaves a profile (NAME.prof) and a flame graph (NAME.svg); files of those names "
	"are kept as .old. A summary goes to standard error."
	"\v"
	"The program's results, output, signals and exit status stay its own. An interrupt goes to "
	"the program; a second one ends the recording.\n\n"
	"Exit status: the program's own (128 + n for signal n); 125 the collector failed, 126 the "
	"program cannot be executed, 127 it is not found.\n\n"
	"Example: collector run -- ./sim --agents 200";

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct run_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->recording;
		break;
	case 'm':
		options->is_memory = true;
		break;
	case OPTION_MEMORY_RATE:
		options->is_memory = true;
		options->memory_rate = recording_parse_whole(state, "--memory-rate", argument,
							     LEAST_MEMORY_RATE, MOST_MEMORY_RATE);
		break;
	case OPTION_TEMPORARY:
		options->temporary_within = (uint32_t)recording_parse_whole(state, "--temporary",
									    argument, 1, WIRE_AGES);
		break;
	case OPTION_LOCKS:
		options->operations |= WIRE_MODE_LOCKS;
		break;
	case OPTION_IO:
		options->operations |= WIRE_MODE_IO;
		break;
	case OPTION_SQL:
		options->operations |= WIRE_MODE_SQL;
		break;
	case ARGP_KEY_ARG: /* the program; what follows is its own */
		options->argv = (const char **)&state->argv[state->next - 1];
		state->next = state->argc;
		break;
	case ARGP_KEY_END:
		if (!options->argv)
			argp_failure(state, COMMAND_FAILED, 0,
				     "which program? For instance: collector run -- ./sim --agents "
				     "200");
		if (options->temporary_within && !options->is_memory)
			argp_failure(state, COMMAND_FAILED, 0,
				     "--temporary says which allocations are temporary, and none "
				     "are counted: give --memory, too");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int command_run(int argc, char **argv)
{
	static const struct argp_child children[] = {{&recording_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "-- PROGRAM [ARGUMENT...]",
		.doc = documentation,
		.children = children,
	};
	struct run_options options = {0};
	struct session_options session = {0};

	argp_err_exit_status = COMMAND_FAILED;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
	session.argv = options.argv;
	session.is_memory = options.is_memory;
	session.memory_rate = options.memory_rate;
	session.temporary_within = options.temporary_within;
	session.operations = options.operations;
	return recording_make(&options.recording, &session, basename(options.argv[0]), argv[0]);
}
