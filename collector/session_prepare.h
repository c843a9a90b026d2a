/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session_prepare: everything of a recording that can fail before it begins.
 *
 *     launched: the child that waits for its execve ─ its events ─ the file ─ the probes
 *     attached: the processes ─ probes ─ events of the first thread ─ the file ─ all other threads
 */
#pragma once

#include "collector/session_state.h"

/*
 * Opens all sources of a session and its file, and watches them.
 *
 * Returns 0; otherwise a negative errno with @error, and what was opened is left for the caller to
 * close. A launched program has not run in either case.
 */
int session_prepare(struct session *session, struct error *error);
