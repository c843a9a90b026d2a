/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * configuration: settings from a file.
 *
 * The format is ini: [section], key = value, # or ; begins a comment. Keys are the names of options
 * with _ for -. A line is an error when it cannot be read, when its section or key is unknown, when
 * something follows the name of a section, when the key was there before, and when the value is
 * none that the option takes. What is no file and no pipe, or larger than a megabyte, is not read.
 */
#pragma once

#include "sim/options.h"

/*
 * Applies a file's settings.
 * Returns 0, or a negative errno with a sentence that begins with FILE:LINE for what is wrong in
 * it.
 */
int configuration_read(const char *path, struct options *options, struct error *error);
