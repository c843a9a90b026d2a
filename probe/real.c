/* SPDX-License-Identifier: MIT */
/* real: see real.h. Source: dlsym(3), RTLD_NEXT; ld, "__start_SECNAME". */
#include "probe/real.h"

#include <dlfcn.h>
#include <stdbool.h>

/* The linker makes them. */
extern struct real __start_real_rows[] __attribute__((visibility("hidden")));
extern struct real __stop_real_rows[] __attribute__((visibility("hidden")));

void real_find(const struct real *row)
{
	void *address = dlsym(RTLD_NEXT, row->name);

	__atomic_store_n(row->address, address, __ATOMIC_RELEASE);
}

/*
 * Once: dlsym allocates for what does not exist, and an allocator that asks for its first memory,
 * in the middle of the call that looked all up, cannot serve that.
 */
void real_find_all(void)
{
	static bool is_done;

	if (is_done)
		return;
	/* cppcheck-suppress comparePointers; they bound one array */
	for (const struct real *row = __start_real_rows; row < __stop_real_rows; row++)
		real_find(row);
	is_done = true;
}
