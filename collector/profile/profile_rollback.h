/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profile_rollback: a profile whose writer died in the middle of a commit, made readable.
 *
 * Such a file lies beside a journal that holds the pages as they were; SQLite puts them back, and
 * needs to write for that. A file that somebody hands us is not ours to write, and its journal is
 * no more trusted than itself. So both are copied into a private temporary folder, and the copy is
 * rolled back.
 */
#pragma once

#include "collector/base/error.h"

/*
 * Copies @path and its journal into a new folder below $TMPDIR (else /tmp) and rolls the copy
 * back. Cost: the copy, of 4 GiB at most.
 *
 * @copy  receives the path of the copy, owned by the caller, for profile_rollback_remove
 *
 * Returns 0, or a negative errno with a sentence: -EFBIG too large, -EINVAL a journal that no
 * writer of ours leaves, the system's code otherwise. After a failure nothing is left behind.
 */
int profile_rollback_copy(const char *path, char **copy, struct error *error);

/* Removes the copy with its folder, and frees @copy. Accepts NULL. */
void profile_rollback_remove(char *copy);
