/* SPDX-License-Identifier: MIT */
/*
 * io_stream: how calls on streams are counted, in the places of the library's functions for blocks,
 * lines and formats (io_stream.c) and for single characters (io_character.c).
 *
 * A stream's own system calls are inside the library, where nobody sees them, so they are seen
 * here, as the time of the call that made them. A call that the stream's buffer served is only
 * counted, with its bytes, at no stack: to read the clock and walk the stack would cost more than
 * the call.
 *
 * What moves by single characters takes a few instructions each, partly in the program itself
 * (putc_unlocked and getc_unlocked of the headers): nothing could be counted at each. How far the
 * stream has moved its pointers since its last seen call ended is what moved so. Cost: a comparison
 * for each character, two additions for each seen call, atomic ones where there are threads.
 *
 * Sources: stdio(3), unlocked_stdio(3); glibc, bits/types/struct_FILE.h and bits/stdio.h.
 */
#pragma once

#include "probe/io.h"
#include "probe/real.h"

#include <stdarg.h>
#include <stdio.h>

#define HAS_DESCRIPTOR 0x2000 /* _IO_IS_FILEBUF of glibc's flags, of all but streams in memory */

#define IN  WIRE_OPERATION_STREAM_READ
#define OUT WIRE_OPERATION_STREAM_WRITE

struct io_stream;

/* Returns the descriptor of a stream; -1 when it has none. */
static inline int descriptor(const FILE *stream)
{
	return stream->_flags & HAS_DESCRIPTOR ? stream->_fileno : -1;
}

/*
 * Without a stream some functions return what they return for nothing to do, before they look at
 * it: the library may say so, or crash.
 */
static inline bool is_seen(const FILE *stream)
{
	return stream && io_is_on();
}

/*
 * A seen call begins: counts what moved since the last one by single characters, unless another
 * thread is in such a call of this stream, which may have moved it.
 *
 * Returns what the call's end is to be told to; NULL: the stream is not remembered.
 */
struct io_stream *io_stream_enter(const FILE *stream);

/* It has ended. @read  characters that it read; returns those that were not put back (ungetc) after
 * they had been counted. */
uint64_t io_stream_leave(struct io_stream *known, const FILE *stream, uint64_t read);

/* A seen call begins that ends the stream, or makes it another file's. */
void io_stream_forget(const FILE *stream);

/* Counts what moved by single characters in all streams, which somebody is about to flush. */
void io_stream_settle(void);

/* Counts @count calls that the buffer served. */
void io_stream_count(const FILE *stream, enum wire_operation_kind kind, uint64_t count,
		     uint64_t bytes);

/* Counts a call that began at @start_ns and is done. */
void io_stream_book(const FILE *stream, enum wire_operation_kind kind, uint64_t start_ns,
		    int64_t bytes, const struct walk_start *start);

/* Makes a call that moves bytes; @moved of its result_ is how many it did. */
#define STREAM(kind, stream, is_served, call, moved)                                               \
	({                                                                                         \
		struct walk_start start_ = WALK_START();                                           \
		bool is_served_ = is_served;                                                       \
		struct io_stream *known_ = io_stream_enter(stream);                                \
		uint64_t start_ns_ = is_served_ ? 0 : clock_now_ns();                              \
		__typeof__(call) result_ = call;                                                   \
		uint64_t moved_ = (uint64_t)(moved);                                               \
		uint64_t new_ = io_stream_leave(known_, stream, (kind) == IN ? moved_ : 0);        \
                                                                                                   \
		if ((kind) == IN)                                                                  \
			moved_ = new_;                                                             \
		if (is_served_)                                                                    \
			io_stream_count(stream, kind, 1, moved_);                                  \
		else                                                                               \
			io_stream_book(stream, kind, start_ns_, (int64_t)moved_, &start_);         \
		result_;                                                                           \
	})

/* What @call with the list @values of a function's further parameters, after @last, returns. */
#define WITH_VALUES(last, values, call)                                                            \
	({                                                                                         \
		va_list values;                                                                    \
		int given_;                                                                        \
                                                                                                   \
		va_start(values, last);                                                            \
		given_ = call;                                                                     \
		va_end(values);                                                                    \
		given_;                                                                            \
	})
