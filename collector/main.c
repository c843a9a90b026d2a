/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main: the table of commands; report commands are handed on to `reports`. */
#include "collector/command.h"
#include "collector/sibling.h"

#include <argp.h>
#include <elfutils/version.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command {
	const char *name;
	const char *summary;
	int (*function)(int argc, char **argv); /* NULL: a command of `reports` */
};

static const struct command commands[] = {
	{"run", "run a program and record where it spends its time", command_run},
	{"attach", "record running processes", command_attach},
	{"top", "show what running processes do at the moment", command_top},
	{"check", "try what this machine allows", command_check},
	{"summary", "print what a profile holds and how far it can be trusted", NULL},
	{"functions", "list functions by self and total time", NULL},
	{"calls", "list calls and durations of timed functions", NULL},
	{"steps", "list steps of a simulation, the slow ones and why", NULL},
	{"lines", "list source lines with their cost", NULL},
	{"memory", "list where a program allocates, and what it keeps", NULL},
	{"locks", "list what threads wait for, and who held it", NULL},
	{"io", "list what files a program reads and writes", NULL},
	{"sql", "list what SQL statements a program executes", NULL},
	{"flame", "draw a flame graph (SVG)", NULL},
	{"report", "write everything about a recording as one HTML page", NULL},
	{"series", "show memory, faults, switches, I/O and cores over time", NULL},
	{"import", "make a profile of folded stacks or perf script text", command_import},
	{"export", "write a profile in another tool's format", NULL},
	{"ab", "record two commands in turn and say in what they differ", command_ab},
	{"sweep", "record a program at many points of its parameters", command_sweep},
	{"scaling", "fit how costs grow over a sweep", NULL},
	{"phase", "say what a phase is to measure, and what it has measured", NULL},
	{"compare", "say what changed between two groups of recordings", NULL},
	{"gate", "say whether a change passes", NULL},
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void print_help(FILE *stream)
{
	fputs("Usage: collector COMMAND [OPTION...]\n"
	      "Profiles programs from outside: they need no change and no special build.\n\n",
	      stream);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n`collector COMMAND --help` explains a command. To begin:\n"
	      "  collector run -- ./sim --agents 200\n",
	      stream);
}

static int print_version(void)
{
	printf("collector %s (%s), elfutils %d, SQLite %s\n", VERSION, REVISION, _ELFUTILS_VERSION,
	       sqlite3_libversion());
	return 0;
}

static int start(const struct command *command, int argc, char **argv)
{
	struct error error;
	char name[64];

	if (command->function) {
		snprintf(name, sizeof(name), "collector %s", command->name);
		argv[1] = name;
		return command->function(argc - 1, argv + 1);
	}
	sibling_become((const char **)argv, &error);
	fprintf(stderr, "collector: %s\n", error.text);
	return 1;
}

/*
 * Holds the places of standard streams that are closed, so that no file of ours gets their number.
 * They are closed again in what we execute, as they were; writing there fails as before.
 */
static void hold_closed_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What could not be printed was not done, however the program ends: argp ends it at --help. */
static void end(int status, void *unused)
{
	int code = fflush(stdout) ? errno : 0;

	(void)unused;
	if (!code && !ferror(stdout))
		return;
	/* Of an earlier failure stdio does not know the reason any more. */
	fprintf(stderr, "collector: cannot write to standard output%s%s\n", code ? ": " : "",
		code ? strerror(code) : "");
	_exit(status ? status : argp_err_exit_status);
}

static int do_command(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		return print_version();
	if (!strcmp(name, "--help") || !strcmp(name, "-?") || !strcmp(name, "help")) {
		print_help(stdout);
		return 0;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return start(&commands[i], argc, argv);
	if (*name)
		fprintf(stderr, "collector: there is no command '%s'\n", name);
	print_help(stderr);
	return 1;
}

int main(int argc, char **argv)
{
	argp_err_exit_status = 1;
	hold_closed_streams();
	return on_exit(end, NULL) ? 1 : do_command(argc, argv);
}
