/* SPDX-License-Identifier: MIT */
/*
 * raw: system calls and copying without the C library.
 *
 * The program may have put its own function in the place of any of the library's, and errno belongs
 * to the program: these touch neither. Results are the kernel's own: negative errno on failure.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

static inline long raw_call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
			    uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#define RAW_1(number, a)    raw_call(number, (uint64_t)(a), 0, 0, 0, 0, 0)
#define RAW_2(number, a, b) raw_call(number, (uint64_t)(a), (uint64_t)(b), 0, 0, 0, 0)
#define RAW_3(number, a, b, c)                                                                     \
	raw_call(number, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0, 0)
#define RAW_4(number, a, b, c, d)                                                                  \
	raw_call(number, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), 0, 0)

/* Says whether the eight bytes at an address that is a multiple of 8 can be read: the kernel looks
 * at them before it refuses the call. Source: rt_sigprocmask(2); Linux, kernel/signal.c. */
static inline int raw_is_readable(uint64_t address)
{
	return RAW_4(SYS_rt_sigprocmask, -1, address, 0, 8) == -EINVAL;
}

static inline int raw_pid(void)
{
	return (int)RAW_1(SYS_getpid, 0);
}

static inline int raw_tid(void)
{
	return (int)RAW_1(SYS_gettid, 0);
}

/* Returns the address, or a negative errno cast to a pointer: ask raw_failed. */
static inline void *raw_map(size_t bytes, int protection, int flags, int fd)
{
	return (void *)raw_call(SYS_mmap, 0, bytes, (uint64_t)protection, (uint64_t)flags,
				(uint64_t)fd, 0);
}

static inline int raw_failed(const void *address)
{
	return (uint64_t)address >= (uint64_t)-4095;
}

static inline void raw_copy(void *to, const void *from, size_t bytes)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}
