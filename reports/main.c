/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reports: profile in; text, SVG, JSON and other tools' formats out. It needs no privilege and
 * nothing of the machine that recorded. Users reach it through `collector COMMAND`.
 */
#include "reports/command.h"

#include "collector/base/xalloc.h"
#include "reports/symbol.h"

#include <errno.h>
#include <unistd.h>

static const struct command commands[] = {
	{"flame", "draw an interactive flame graph as one SVG file", &command_flame_argp,
	 command_flame},
	{"report", "write everything about a recording as one HTML page", &command_report_argp,
	 command_report},
	{"functions", "list functions with their self and total cost", &command_functions_argp,
	 command_functions},
	{"memory", "list where a program allocates, and what it keeps", &command_memory_argp,
	 command_memory},
	{"locks", "list what threads wait for, and who held it", &command_locks_argp,
	 command_locks},
	{"io", "list what files a program reads and writes", &command_io_argp, command_io},
	{"sql", "list what SQL statements a program executes", &command_sql_argp, command_sql},
	{"summary", "say in one screen where the time went", &command_summary_argp,
	 command_summary},
	{"calls", "list counted and timed functions, exactly", &command_calls_argp, command_calls},
	{"steps", "list steps of the simulation, the slow ones and why", &command_steps_argp,
	 command_steps},
	{"lines", "list source lines with their cost, or a function's source with it",
	 &command_lines_argp, command_lines},
	{"series", "show memory, faults, switches, I/O and cores over time", &command_series_argp,
	 command_series},
	{"export", "write the profile in another tool's format", &command_export_argp,
	 command_export},
	{"scaling", "fit how costs grow over a sweep", &command_scaling_argp, command_scaling},
	{"phase", "say what a phase is to measure, and what it has measured", &command_phase_argp,
	 command_phase},
	{"matrix", "set the four phases' findings about each component side by side",
	 &command_matrix_argp, command_matrix},
	{"compare", "say what changed between two groups of recordings", &command_compare_argp,
	 command_compare},
	{"gate", "say whether a change passes", &command_gate_argp, command_gate},
};

static const size_t commands_count = sizeof(commands) / sizeof(*commands);

const char *argp_program_version = "reports " VERSION;

static void write_help(FILE *stream)
{
	fprintf(stream, "Usage: %s COMMAND [OPTION...] NAME.prof\n\n",
		program_invocation_short_name);
	for (size_t i = 0; i < commands_count; i++)
		fprintf(stream, "  %-12s%s\n", commands[i].name, commands[i].summary);
	fprintf(stream,
		"\n`%s COMMAND --help` lists the options of a command.\n"
		"Exit status: 0 done, 1 failed, 2 done and the answer is no.\n",
		program_invocation_short_name);
}

static void write_options_of(const struct argp *argp)
{
	for (const struct argp_option *option = argp->options;
	     option && (option->name || option->doc); option++)
		if (option->name)
			printf("--%s\n", option->name);
	for (const struct argp_child *child = argp->children; child && child->argp; child++)
		write_options_of(child->argp);
}

/* `reports options COMMAND` lists the long options, for shell completion. */
static int write_options(const struct command *command)
{
	write_options_of(command->argp);
	puts("--help\n--usage\n--version");
	return 0;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < commands_count; i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static int run(const struct command *command, int count, char **arguments)
{
	char *name = NULL;
	int status;

	name = xasprintf("%s %s", program_invocation_short_name, command->name);
	arguments[0] = name;
	status = command->run(count, arguments);
	free(name);
	return status;
}

/* What could not be printed was not done, however the program ends: argp ends it at --help. What a
 * command writes it has closed by then, and said why it could not. */
static void end(int status, void *unused)
{
	(void)unused;
	if (!fflush(stdout) || status)
		return;
	fprintf(stderr, "%s: cannot write to standard output: %m\n", program_invocation_short_name);
	_exit(1);
}

int main(int count, char **arguments)
{
	const struct command *command;

	argp_err_exit_status = 1;
	if (on_exit(end, NULL))
		return 1;
	if (count < 2) {
		write_help(stderr);
		return 1;
	}
	if (!strcmp(arguments[1], "--help") || !strcmp(arguments[1], "help")) {
		write_help(stdout);
		return 0;
	}
	if (!strcmp(arguments[1], "--version")) {
		puts(argp_program_version);
		return 0;
	}
	if (!strcmp(arguments[1], "options") && count == 3 && find_command(arguments[2]))
		return write_options(find_command(arguments[2]));
	command = find_command(arguments[1]);
	if (!command) {
		fprintf(stderr, "%s: no command '%s'; see %s --help\n",
			program_invocation_short_name, arguments[1], program_invocation_short_name);
		return 1;
	}
	return run(command, count - 1, arguments + 1);
}
