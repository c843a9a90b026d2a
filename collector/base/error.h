/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * error: one complete sentence that says what failed, why, and the remedy.
 *
 * A function that can fail takes a `struct error *error` last, returns 0 (or a
 * count) on success and a negative errno on failure. The first function that
 * knows why writes the sentence; callers pass it on untouched; only commands
 * print it. On success the error is left as it was.
 */
#pragma once

struct error {
	char text[512];
};

/*
 * Writes the sentence and hands the code through, so that a failure is one line:
 *     return fail(error, -errno, "cannot open %s: %m", path);
 *
 * What names and paths of others bring along may not drive a terminal: control characters become
 * "?", and so do those of ISO 6429 in UTF-8 (U+0080 to U+009F).
 *
 * @error   receives the sentence, cut at its capacity; NULL when nobody asks
 * @code    negative errno; returned unchanged. %m in @format speaks of it.
 */
int fail(struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns @text with its control characters replaced in the same way, owned by the caller: a name
 * of others for the terminal. */
char *error_plain(const char *text);
