/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calls_name: what the rows of probed functions are called.
 *
 * A function is called as it was asked for, where its code has several names: malloc, though debug
 * information says __libc_malloc. Functions of one name are told apart by their files: by the
 * least that tells them apart of a file's name, its path, and its line; else by where their code
 * is.
 */
#pragma once

#include "reports/report.h"

struct calls;

/* Sets the names of all rows, which these own. */
void calls_name_rows(struct calls *calls, const struct report *report);
