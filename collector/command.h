/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command: the commands of `collector`, a row each in main.c, a file command_NAME.c each here.
 */
#pragma once

/* Exit status of `collector run` for its own troubles, as env(1) and timeout(1) have it. */
enum {
	COMMAND_FAILED = 125,
	COMMAND_NOT_EXECUTABLE = 126,
	COMMAND_NOT_FOUND = 127,
};

/* @argv  [0] is "collector NAME", for messages. Returns the exit status. */
int command_run(int argc, char **argv);
int command_attach(int argc, char **argv);
int command_top(int argc, char **argv);
int command_check(int argc, char **argv);
int command_ab(int argc, char **argv);
int command_import(int argc, char **argv);
int command_sweep(int argc, char **argv);
