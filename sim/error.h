/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * error: one complete sentence that says what failed, why, and the remedy.
 *
 * The engine includes nothing of the profilers, so it has its own. A function that
 * can fail takes a `struct error *error` last and returns 0 or a negative errno; the
 * first function that knows why writes the sentence, only main prints it.
 */
#pragma once

struct error {
	char text[512];
};

/*
 * Writes the sentence and hands the code through:
 *     return fail(error, -EACCES, "cannot open %s; choose a folder you may write to", path);
 *
 * @error   receives the sentence, cut at its capacity, control characters as ?; NULL when nobody
 *          asks
 * @code    negative errno; returned unchanged
 */
int fail(struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
