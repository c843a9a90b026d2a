/* SPDX-License-Identifier: MIT */
/*
 * sql: what SQL statements are executed, in the places of SQLite's functions: by text (sql_text.h)
 * how often, their rows, their time and what of it was fsync; transactions and the rows they
 * changed.
 *
 * A program may have several copies of SQLite: the library, loaded late and for one object alone
 * (Python's), or one inside a plugin. Each call goes on to the copy that the caller would have
 * reached without us: what comes next in the global scope, else in the caller's own.
 *
 * sqlite3_exec prepares and steps by calls that are seen like the program's own; where they are not
 * (a copy bound to itself) the whole is counted as one execution.
 */
#pragma once

/* Code is about to be unloaded, or was: the copies are looked for anew. */
void sql_forget_code(void);
