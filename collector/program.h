/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * program: the files whose code a program will execute, known before it runs.
 */
#pragma once

#include "collector/resolve/module.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The files of a program, itself first. They are opened by whoever looks into them. */
struct program_files {
	struct module **modules; /* borrowed */
	size_t count, capacity;
};

/* Finds what execvp would execute; returns its real path, owned by the caller, or NULL. */
char *program_find(const char *name);

/*
 * Lists the file that execvp would execute for @name and the libraries that its loader will map,
 * as the loader itself says (ld.so --list). What is loaded later is not among them.
 */
void program_files_of_name(struct program_files *files, struct modules *modules, const char *name,
			   pid_t pid);

/* Lists the files that a running process has mapped. */
void program_files_of_process(struct program_files *files, struct modules *modules, pid_t pid);

/* Adds a file; one that is listed already is not added again. Returns whether it was. */
bool program_files_add(struct program_files *files, struct module *module);
void program_files_done(struct program_files *files);

/* Returns the module of a file by its path, NULL when it is none that can be read. */
struct module *program_module(struct modules *modules, const char *path, pid_t pid);

/* Reads the name under which programs ask for a library. Returns whether the file has one. */
bool program_soname(const char *path, char *name, size_t bytes);
