/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_schema: the text of profile.sql, and the numbers that mark a file as ours. */
#pragma once

#define PROFILE_APPLICATION_ID 0x73707266 /* "sprf" */
#define PROFILE_FORMAT_VERSION 4

extern const char profile_schema[]; /* null-terminated SQL */
