/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profile_file: a profile on disk, one SQLite file (profile.sql).
 *
 * Writing never loses what was committed: rows are appended inside a transaction that is committed
 * about once a second, so a killed collector or a full disk leaves a file that opens and holds all
 * up to the last commit. The rollback journal is used rather than the write-ahead log: between two
 * commits NAME.prof alone is whole, and can be copied away. synchronous=OFF, because the data
 * outlives the process, not the machine.
 *
 * Reading trusts nothing: the file is opened read-only in defensive mode, checked, and every id is
 * compared with its table before it is used.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/profile/profile.h"

struct profile_file;

/*
 * Creates @path (an existing file is renamed to PATH.old, replacing an older one), writes the
 * schema and locks the file (flock) until it is closed. Disk space is set aside for the end of
 * the recording.
 *
 * Returns NULL with @error on failure, with errno left as the code of the failure: EBUSY when
 * another collector is recording into that file.
 */
struct profile_file *profile_file_create(const char *path, struct error *error);

/*
 * Appends one sample to the file, not to profile->samples. Its time is moved on by as many
 * nanoseconds as needed to be later than the sample before.
 * Cost: one prepared INSERT, about a microsecond.
 * Returns 0, or a negative errno: -ENOSPC disk full, -EIO anything else. After a failure only
 * profile_file_close is useful.
 */
int profile_file_append(struct profile_file *file, const struct profile_sample *sample,
			struct error *error);

/*
 * Writes the rows that @profile gained since the last call, and commits. Cost grows with the new
 * rows only. Returns as profile_file_append; -EAGAIN when a reader holds the file: nothing is
 * lost, the next call commits it too.
 */
int profile_file_commit(struct profile_file *file, const struct profile *profile,
			struct error *error);

/* Lets later commits wait for a reader that holds the file, up to ten seconds, instead of returning
 * -EAGAIN: for the end of a recording, when no event is waiting. */
void profile_file_wait_for_readers(struct profile_file *file);

/*
 * Makes the file writable again after a failure: what was not committed is dropped, and the space
 * set aside is given back, so that a full disk has room for names and meta. From here on commits
 * need no space for a journal, so a collector that is killed inside one leaves a damaged file.
 * Returns the number of samples that were dropped.
 */
uint64_t profile_file_recover(struct profile_file *file);

/* Where that room is not enough: gives up the later half of the samples, for what their names are
 * worth to the others. Follows profile_file_recover; returns the number of samples given up. */
uint64_t profile_file_make_room(struct profile_file *file);

/* Commits the meta rows alone, the last resort. Returns as profile_file_commit. */
int profile_file_commit_meta(struct profile_file *file, const struct profile *profile,
			     struct error *error);

/*
 * Closes; what was not committed is dropped. Accepts NULL. A finished recording calls
 * profile_file_commit first.
 */
void profile_file_close(struct profile_file *file);

/* Closes, deletes the file and gives the one it replaced its name back: nothing was recorded. */
void profile_file_discard(struct profile_file *file);

/*
 * Reads a whole profile, samples included. Its frames and stacks are not interned: they are all
 * there, but adding to them may give rows twice.
 *
 * Returns 0 and the profile in @profile (owned by the caller), or a negative errno with a sentence
 * that tells cut, empty, foreign and damaged files apart: -ENOENT and the like from the system,
 * -ENOEXEC for a file that is no SQLite file at all, -EINVAL for any other that is no profile,
 * -EPROTONOSUPPORT for another format version.
 */
int profile_file_load(const char *path, struct profile **profile, struct error *error);
