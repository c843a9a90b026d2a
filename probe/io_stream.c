/* SPDX-License-Identifier: MIT */
/*
 * io_stream: streams by blocks, lines and formats, and their opening and closing; see io_stream.h.
 *
 * Sources: stdio(3), fread(3), printf(3), fopen(3).
 */
#include "probe/io_stream.h"

#include <dirent.h>

static inline bool fits(const FILE *stream, size_t bytes)
{
	return (size_t)(stream->_IO_write_end - stream->_IO_write_ptr) > bytes &&
	       stream->_IO_write_end > stream->_IO_write_ptr;
}

static inline bool is_there(const FILE *stream, size_t bytes)
{
	return stream->_IO_read_end > stream->_IO_read_ptr &&
	       (size_t)(stream->_IO_read_end - stream->_IO_read_ptr) >= bytes;
}

/* ---- blocks ------------------------------------------------------------------------------- */

#define READER(name, parameters, arguments)                                                        \
	REAL(name);                                                                                \
	EXPORT size_t name parameters                                                              \
	{                                                                                          \
		if (!is_seen(stream))                                                              \
			return REAL_NOW(name) arguments;                                           \
		return STREAM(IN, stream, is_there(stream, bytes * count),                         \
			      REAL_NOW(name) arguments, result_ * bytes);                          \
	}

#define WRITER(name)                                                                               \
	REAL(name);                                                                                \
	EXPORT size_t name(const void *restrict buffer, size_t bytes, size_t count,                \
			   FILE *restrict stream)                                                  \
	{                                                                                          \
		if (!is_seen(stream))                                                              \
			return REAL_NOW(name)(buffer, bytes, count, stream);                       \
		return STREAM(OUT, stream, fits(stream, bytes * count),                            \
			      REAL_NOW(name)(buffer, bytes, count, stream), result_ * bytes);      \
	}

/* The header has macros of these names. */
#undef fread_unlocked
#undef fwrite_unlocked

#define BLOCKS (void *restrict buffer, size_t bytes, size_t count, FILE *restrict stream)
#define BLOCKS_CHECKED                                                                             \
	(void *restrict buffer, size_t room, size_t bytes, size_t count, FILE *restrict stream)

/* What fortified programs call. */
size_t __fread_chk BLOCKS_CHECKED;
size_t __fread_unlocked_chk BLOCKS_CHECKED;

READER(fread, BLOCKS, (buffer, bytes, count, stream))
READER(fread_unlocked, BLOCKS, (buffer, bytes, count, stream))
READER(__fread_chk, BLOCKS_CHECKED, (buffer, room, bytes, count, stream))
READER(__fread_unlocked_chk, BLOCKS_CHECKED, (buffer, room, bytes, count, stream))
WRITER(fwrite)
WRITER(fwrite_unlocked)

/* ---- lines -------------------------------------------------------------------------------- */

static size_t length(const char *text)
{
	size_t bytes = 0;

	while (text && text[bytes])
		bytes++;
	return bytes;
}

#define LINE_READER(name, parameters, arguments)                                                   \
	REAL(name);                                                                                \
	EXPORT char *name parameters                                                               \
	{                                                                                          \
		if (!is_seen(stream))                                                              \
			return REAL_NOW(name) arguments;                                           \
		return STREAM(IN, stream, is_there(stream, bytes > 0 ? (size_t)bytes : 0),         \
			      REAL_NOW(name) arguments, length(result_));                          \
	}

#define LINE	     (char *restrict buffer, int bytes, FILE *restrict stream)
#define LINE_CHECKED (char *restrict buffer, size_t room, int bytes, FILE *restrict stream)

char *__fgets_chk LINE_CHECKED;
char *__fgets_unlocked_chk LINE_CHECKED;

LINE_READER(fgets, LINE, (buffer, bytes, stream))
LINE_READER(fgets_unlocked, LINE, (buffer, bytes, stream))
LINE_READER(__fgets_chk, LINE_CHECKED, (buffer, room, bytes, stream))
LINE_READER(__fgets_unlocked_chk, LINE_CHECKED, (buffer, room, bytes, stream))

#define DELIMITED_READER(name, parameters, arguments)                                              \
	REAL(name);                                                                                \
	EXPORT ssize_t name parameters                                                             \
	{                                                                                          \
		if (!is_seen(stream))                                                              \
			return REAL_NOW(name) arguments;                                           \
		return STREAM(IN, stream, false, REAL_NOW(name) arguments,                         \
			      result_ > 0 ? result_ : 0);                                          \
	}

#define DELIMITED (char **restrict line, size_t *restrict room, int end, FILE *restrict stream)

ssize_t __getdelim(char **restrict line, size_t *restrict room, int end, FILE *restrict stream);

DELIMITED_READER(getdelim, DELIMITED, (line, room, end, stream))
DELIMITED_READER(__getdelim, DELIMITED,
		 (line, room, end, stream)) /* what headers make of getline */
DELIMITED_READER(getline, (char **restrict line, size_t *restrict room, FILE *restrict stream),
		 (line, room, stream))

#define TEXT_WRITER(name)                                                                          \
	REAL(name);                                                                                \
	EXPORT int name(const char *restrict text, FILE *restrict stream)                          \
	{                                                                                          \
		size_t bytes;                                                                      \
                                                                                                   \
		if (!is_seen(stream))                                                              \
			return REAL_NOW(name)(text, stream);                                       \
		bytes = length(text);                                                              \
		return STREAM(OUT, stream, fits(stream, bytes), REAL_NOW(name)(text, stream),      \
			      result_ < 0 ? 0 : bytes);                                            \
	}

TEXT_WRITER(fputs)
TEXT_WRITER(fputs_unlocked)

REAL(puts);

EXPORT int puts(const char *text)
{
	size_t bytes;

	if (!io_is_on())
		return REAL_NOW(puts)(text);
	bytes = length(text) + 1;
	return STREAM(OUT, stdout, fits(stdout, bytes), REAL_NOW(puts)(text),
		      result_ < 0 ? 0 : bytes);
}

/* ---- formatted ---------------------------------------------------------------------------- */

int __vfprintf_chk(FILE *restrict stream, int flag, const char *restrict format, va_list values);
int __vprintf_chk(int flag, const char *restrict format, va_list values);
int __fprintf_chk(FILE *restrict stream, int flag, const char *restrict format, ...);
int __printf_chk(int flag, const char *restrict format, ...);

REAL(vfprintf);
REAL(__vfprintf_chk);

#define FORMAT(stream, call)                                                                       \
	(io_is_on() ? STREAM(OUT, stream, false, call, result_ > 0 ? result_ : 0) : (call))

EXPORT int vfprintf(FILE *restrict stream, const char *restrict format, va_list values)
{
	return FORMAT(stream, REAL_NOW(vfprintf)(stream, format, values));
}

EXPORT int vprintf(const char *restrict format, va_list values)
{
	return FORMAT(stdout, REAL_NOW(vfprintf)(stdout, format, values));
}

EXPORT int __vfprintf_chk(FILE *restrict stream, int flag, const char *restrict format,
			  va_list values)
{
	return FORMAT(stream, REAL_NOW(__vfprintf_chk)(stream, flag, format, values));
}

EXPORT int __vprintf_chk(int flag, const char *restrict format, va_list values)
{
	return FORMAT(stdout, REAL_NOW(__vfprintf_chk)(stdout, flag, format, values));
}

EXPORT int fprintf(FILE *restrict stream, const char *restrict format, ...)
{
	return WITH_VALUES(format, values,
			   FORMAT(stream, REAL_NOW(vfprintf)(stream, format, values)));
}

EXPORT int printf(const char *restrict format, ...)
{
	return WITH_VALUES(format, values,
			   FORMAT(stdout, REAL_NOW(vfprintf)(stdout, format, values)));
}

EXPORT int __fprintf_chk(FILE *restrict stream, int flag, const char *restrict format, ...)
{
	return WITH_VALUES(format, values,
			   FORMAT(stream, REAL_NOW(__vfprintf_chk)(stream, flag, format, values)));
}

EXPORT int __printf_chk(int flag, const char *restrict format, ...)
{
	return WITH_VALUES(format, values,
			   FORMAT(stdout, REAL_NOW(__vfprintf_chk)(stdout, flag, format, values)));
}

/* ---- opening, flushing, closing ----------------------------------------------------------- */

REAL(fopen);
REAL(fopen64);
REAL(freopen);
REAL(freopen64);
REAL(fflush);
REAL(fclose);
REAL(pclose);
REAL(closedir);

#define OPENER(name)                                                                               \
	EXPORT FILE *name(const char *restrict path, const char *restrict mode)                    \
	{                                                                                          \
		struct walk_start start = WALK_START();                                            \
		uint64_t start_ns;                                                                 \
		FILE *stream;                                                                      \
                                                                                                   \
		if (!io_is_on())                                                                   \
			return REAL_NOW(name)(path, mode);                                         \
		start_ns = clock_now_ns();                                                         \
		stream = REAL_NOW(name)(path, mode);                                               \
		if (stream)                                                                        \
			io_forget(stream->_fileno);                                                \
		io_book(io_opened(stream ? stream->_fileno : -1), WIRE_OPERATION_OPEN, start_ns,   \
			0, &start);                                                                \
		return stream;                                                                     \
	}

OPENER(fopen)
OPENER(fopen64)

EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
	FILE *result;

	io_stream_forget(stream);
	io_forget(descriptor(stream));
	result = REAL_NOW(freopen)(path, mode, stream);
	if (result)
		io_forget(result->_fileno);
	return result;
}

EXPORT FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
	FILE *result;

	io_stream_forget(stream);
	io_forget(descriptor(stream));
	result = REAL_NOW(freopen64)(path, mode, stream);
	if (result)
		io_forget(result->_fileno);
	return result;
}

EXPORT int fflush(FILE *stream)
{
	if (!stream && io_is_on())
		io_stream_settle();
	if (!is_seen(stream))
		return REAL_NOW(fflush)(stream);
	return STREAM(OUT, stream, false, REAL_NOW(fflush)(stream), 0);
}

EXPORT int fclose(FILE *stream)
{
	struct walk_start start = WALK_START();
	int fd = descriptor(stream), result;
	uint64_t start_ns;
	uint32_t file;

	if (fd < 0 || !io_is_on())
		return REAL_NOW(fclose)(stream);
	io_stream_forget(stream);
	file = io_file(fd);
	io_forget(fd);
	start_ns = clock_now_ns();
	result = REAL_NOW(fclose)(stream);
	io_book(file, WIRE_OPERATION_CLOSE, start_ns, 0, &start);
	return result;
}

EXPORT int pclose(FILE *stream)
{
	io_stream_forget(stream);
	io_forget(stream->_fileno);
	return REAL_NOW(pclose)(stream);
}

EXPORT int closedir(DIR *folder)
{
	/* The library survives it, though the header promises otherwise. */
	const DIR *volatile given = folder;

	if (given)
		io_forget(dirfd(folder));
	return REAL_NOW(closedir)(folder);
}
