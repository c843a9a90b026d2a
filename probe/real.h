/* SPDX-License-Identifier: MIT */
/*
 * real: the functions that our wrappers stand before.
 *
 * A wrapper says which one it stands before with REAL, and calls it through the pointer
 * real_NAME:
 *
 *     REAL(pthread_create);
 *     EXPORT int pthread_create(…) { … return real_pthread_create(…); }
 *
 * The pointers are filled at start-up. A constructor of another object may call a wrapper before
 * that; the pointer leads then to the look-up, which happens at that first call: REAL_NOW.
 * Never the library's internal names (__libc_malloc and the like): another library may stand
 * behind us.
 */
#pragma once

#define EXPORT __attribute__((visibility("default")))

struct real {
	const char *name;
	void **address;
};

#define REAL(name) REAL_AS(name, #name)

/* The same for one that C knows by another name than the linker. */
#define REAL_AS(name, symbol)                                                                      \
	static __typeof__(name) *real_##name;                                                      \
	static struct real real_row_##name                                                         \
		__attribute__((section("real_rows"), used)) = {symbol, (void **)&real_##name}

/* The function itself, looked up if that has not been done. */
#define REAL_NOW(name) (real_##name ? real_##name : (real_find(&real_row_##name), real_##name))

/* Looks one function up, or all of them. What does not exist stays NULL. */
void real_find(const struct real *row);
void real_find_all(void);
