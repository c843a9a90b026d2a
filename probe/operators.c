/* SPDX-License-Identifier: MIT */
/*
 * operators: C++'s operators new and delete, for allocators that have their own (jemalloc,
 * tcmalloc, mimalloc). Those of the C++ library call malloc and free, where they are counted: here
 * they are only passed on, by a jump. Which it is is known when the program starts.
 *
 * A program without the C++ library in its global scope may load an object that brings it along;
 * that object finds our operators first, and the real ones are looked up when it calls.
 *
 * Source: Itanium C++ ABI, mangled names; C++17, [new.delete].
 */
#include "probe/memory.h"
#include "probe/real.h"
#include "probe/walk.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

/* Looks for one that is not in the global scope: in the libraries that usually have it, then in
 * the object that calls. There is one, else that object could not have been built. */
static void *find(const struct real *row, const void *caller)
{
	static const char *const libraries[] = {"libstdc++.so.6", "libc++.so.1", "libc++abi.so.1"};
	Dl_info object;
	void *handle, *found = NULL;

	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries) && !found; i++) {
		handle = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
		found = handle ? dlsym(handle, row->name) : NULL;
	}
	if (!found && dladdr(caller, &object)) {
		handle = dlopen(object.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
		found = handle ? dlsym(handle, row->name) : NULL;
	}
	if (!found)
		abort();
	__atomic_store_n(row->address, found, __ATOMIC_RELEASE);
	return found;
}

#define FOUND(name)                                                                                \
	(REAL_NOW(name)                                                                            \
		 ? real_##name                                                                     \
		 : (__typeof__(real_##name))find(&real_row_##name, __builtin_return_address(0)))

/* An operator new: @parameters with their types, @arguments without, the first is the size. */
#define NEW(name, parameters, ...)                                                                 \
	void *name parameters;                                                                     \
	REAL(name);                                                                                \
	EXPORT void *name parameters                                                               \
	{                                                                                          \
		uint32_t begun;                                                                    \
		void *block;                                                                       \
                                                                                                   \
		if (!memory_is_allocators(FOUND(name)))                                            \
			return real_##name(__VA_ARGS__);                                           \
		begun = memory_begin_new();                                                        \
		block = real_##name(__VA_ARGS__);                                                  \
		memory_end_new(begun, block, bytes, WALK_START());                                 \
		return block;                                                                      \
	}

/* An operator delete; the first argument is the block. */
#define DELETE(name, parameters, ...)                                                              \
	void name parameters;                                                                      \
	REAL(name);                                                                                \
	EXPORT void name parameters                                                                \
	{                                                                                          \
		if (memory_is_allocators(FOUND(name)) && block)                                    \
			memory_count_delete(block);                                                \
		real_##name(__VA_ARGS__);                                                          \
	}

NEW(_Znwm, (size_t bytes), bytes)
NEW(_Znam, (size_t bytes), bytes)
NEW(_ZnwmRKSt9nothrow_t, (size_t bytes, const void *tag), bytes, tag)
NEW(_ZnamRKSt9nothrow_t, (size_t bytes, const void *tag), bytes, tag)
NEW(_ZnwmSt11align_val_t, (size_t bytes, size_t alignment), bytes, alignment)
NEW(_ZnamSt11align_val_t, (size_t bytes, size_t alignment), bytes, alignment)
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t bytes, size_t alignment, const void *tag), bytes,
    alignment, tag)
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t bytes, size_t alignment, const void *tag), bytes,
    alignment, tag)

DELETE(_ZdlPv, (void *block), block)
DELETE(_ZdaPv, (void *block), block)
DELETE(_ZdlPvm, (void *block, size_t bytes), block, bytes)
DELETE(_ZdaPvm, (void *block, size_t bytes), block, bytes)
DELETE(_ZdlPvRKSt9nothrow_t, (void *block, const void *tag), block, tag)
DELETE(_ZdaPvRKSt9nothrow_t, (void *block, const void *tag), block, tag)
DELETE(_ZdlPvSt11align_val_t, (void *block, size_t alignment), block, alignment)
DELETE(_ZdaPvSt11align_val_t, (void *block, size_t alignment), block, alignment)
DELETE(_ZdlPvmSt11align_val_t, (void *block, size_t bytes, size_t alignment), block, bytes,
       alignment)
DELETE(_ZdaPvmSt11align_val_t, (void *block, size_t bytes, size_t alignment), block, bytes,
       alignment)
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t alignment, const void *tag), block,
       alignment, tag)
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t alignment, const void *tag), block,
       alignment, tag)
