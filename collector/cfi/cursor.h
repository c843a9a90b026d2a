/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cursor: bounded reading of untrusted bytes.
 *
 * A read past the end returns 0, moves to the end and sets `failed`; so a parser reads a whole
 * record and asks once. Every read of a non-empty cursor moves forward.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

static inline void cursor_fail(struct cursor *cursor)
{
	cursor->at = cursor->end;
	cursor->failed = true;
}

static inline void cursor_skip(struct cursor *cursor, uint64_t bytes)
{
	if (bytes > cursor_left(cursor))
		cursor_fail(cursor);
	else
		cursor->at += bytes;
}

/* Takes the next @bytes off as a cursor of their own. */
static inline struct cursor cursor_take(struct cursor *cursor, uint64_t bytes)
{
	struct cursor taken = {cursor->at, cursor->at, false};

	cursor_skip(cursor, bytes);
	if (cursor->failed)
		taken.failed = true;
	else
		taken.end = cursor->at;
	return taken;
}

/* Reads a little-endian number of 1 to 8 bytes. */
static inline uint64_t cursor_unsigned(struct cursor *cursor, unsigned int bytes)
{
	uint64_t value = 0;

	if (bytes > cursor_left(cursor)) {
		cursor_fail(cursor);
		return 0;
	}
	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)cursor->at[i] << (8 * i);
	cursor->at += bytes;
	return value;
}

static inline uint8_t cursor_byte(struct cursor *cursor)
{
	return (uint8_t)cursor_unsigned(cursor, 1);
}

static inline int64_t cursor_signed(struct cursor *cursor, unsigned int bytes)
{
	unsigned int unused = 64 - 8 * bytes;

	return (int64_t)(cursor_unsigned(cursor, bytes) << unused) >> unused;
}

/* Reads an unsigned LEB128 number; bits beyond 64 are dropped. */
static inline uint64_t cursor_uleb(struct cursor *cursor)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = cursor_byte(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (byte & 0x80);
	return value;
}

/* Reads a signed LEB128 number; bits beyond 64 are dropped. */
static inline int64_t cursor_sleb(struct cursor *cursor)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = cursor_byte(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (byte & 0x80);
	if (shift < 64 && byte & 0x40)
		value |= ~(uint64_t)0 << shift;
	return (int64_t)value;
}
