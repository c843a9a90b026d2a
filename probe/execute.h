/* SPDX-License-Identifier: MIT */
/*
 * execute: programs that the target executes are probed too.
 *
 * The two variables that make it are in the environment and mostly stay there. Where a program
 * clears its environment they are put back, and where the new program cannot take libprobe.so
 * (loadable.h) it is left out, with what else the user preloads kept. Not seen are system and popen
 * after the environment was cleared: the library executes the shell itself.
 */
#pragma once

/* Remembers the variables as this process got them. */
void execute_prepare(const char *memory_path);

/* What is executed from now on is not probed: the path is taken out of the environment. */
void execute_retire(void);
