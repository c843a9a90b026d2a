/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_site: the place of a program that an allocation is charged to.
 *
 * That is the innermost line of the stack whose function asks for memory for a purpose of its own.
 * Functions that pass a request on are skipped: C++'s operators new and the standard library's own
 * code (namespaces std and __gnu_cxx), and those whose name ends, by convention, like the C
 * library's: xmalloc, CRYPTO_zalloc, g_strdup. What these call that has no name, as in a library
 * without symbols, is a part of them. Where a stack has none else it is the innermost line.
 */
#pragma once

#include "collector/profile/profile.h"

struct memory_site_key {
	uint32_t symbol; /* reports/symbol.h */
	uint32_t line;	 /* 0 unknown */
};

/* Where that is: which line, inlined ones first, of the frame of which stack. */
struct memory_site_place {
	uint32_t stack, depth;
};

struct memory_site_place memory_site_place(const struct profile *profile, uint32_t stack);
/* The innermost line that is not of C++'s standard library, whatever it did: a lock taken, a file
 * read. */
struct memory_site_place memory_site_behind_library(const struct profile *profile, uint32_t stack);

struct memory_site_key memory_site_of(const struct profile *profile, uint32_t stack);

/* Says whether a function is of C++'s standard library, or of what that is made of: by its name, or
 * by the header that it comes from (/usr/include/c++). */
bool memory_site_is_standard(const struct profile *profile, uint32_t function);

/* Says whether a function of this name passes requests on. */
bool memory_site_passes_on(const char *name);
