/* SPDX-License-Identifier: MIT */
/*
 * io_character: streams by single characters, and by fscanf, which reads them so; see io_stream.h.
 *
 * Sources: putc(3), getc(3), ungetc(3), scanf(3), fseek(3); glibc, bits/stdio.h: the header's
 * getc_unlocked and putc_unlocked call __uflow and __overflow where the buffer does not serve.
 */
#include "probe/io_stream.h"
#include "probe/stacks.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>

#define STREAMS 4096 /* descriptors whose streams are remembered */

/* How far a stream was when its last seen call ended: what lies before is counted. */
struct io_stream {
	const FILE *stream;
	const char *read, *written;
	uint64_t ahead; /* characters counted that were put back (ungetc) before the call */
	_Atomic uint32_t inside; /* calls */
};

static struct io_stream streams[STREAMS];

/* ---- how far streams are ------------------------------------------------------------------ */

void io_stream_count(const FILE *stream, enum wire_operation_kind kind, uint64_t count,
		     uint64_t bytes)
{
	if (descriptor(stream) >= 0)
		operation_book(&(struct operation){
			.subject = io_file(stream->_fileno),
			.kind = kind,
			.node = stacks_root,
			.count = count,
			.amount = bytes,
		});
}

void io_stream_book(const FILE *stream, enum wire_operation_kind kind, uint64_t start_ns,
		    int64_t bytes, const struct walk_start *start)
{
	if (descriptor(stream) >= 0)
		io_book(io_file(stream->_fileno), kind, start_ns, bytes, start);
}

/* Characters between two places of a buffer; none where one is of another buffer, or behind. */
static uint64_t moved(const char *from, const char *base, const char *to)
{
	return from >= base && from < to ? (uint64_t)(to - from) : 0;
}

static struct io_stream *find(const FILE *stream)
{
	int fd = descriptor(stream);

	return fd >= 0 && fd < STREAMS ? &streams[fd] : NULL;
}

/* Adds to the calls inside; returns how many there were. Atomic additions are dear beside a call
 * that the buffer serves, so they are made for threads only. */
static uint32_t add_inside(struct io_stream *known, uint32_t change)
{
	uint32_t before;

	if (!__libc_single_threaded)
		return atomic_fetch_add(&known->inside, change);
	before = atomic_load_explicit(&known->inside, memory_order_relaxed);
	atomic_store_explicit(&known->inside, before + change, memory_order_relaxed);
	return before;
}

struct io_stream *io_stream_enter(const FILE *stream)
{
	struct io_stream *known = find(stream);
	const char *read = stream->_IO_read_ptr, *written = stream->_IO_write_ptr;
	uint64_t in, out;

	/* The pointers are read first: who enters and leaves meanwhile has told of later ones. */
	if (!known || add_inside(known, 1))
		return known;
	if (known->stream != stream) {
		known->stream = stream;
		known->read = stream->_IO_read_base;
		known->written = stream->_IO_write_base;
	}
	in = moved(known->read, stream->_IO_read_base, read);
	known->ahead = known->read <= stream->_IO_read_end
			       ? moved(read, stream->_IO_read_base, known->read)
			       : 0;
	out = moved(known->written, stream->_IO_write_base, written);
	if (in)
		io_stream_count(stream, IN, in, in);
	if (out)
		io_stream_count(stream, OUT, out, out);
	return known;
}

uint64_t io_stream_leave(struct io_stream *known, const FILE *stream, uint64_t read)
{
	uint64_t again;

	if (!known)
		return read;
	again = read < known->ahead ? read : known->ahead;
	if (again == known->ahead)
		known->read = stream->_IO_read_ptr;
	known->written = stream->_IO_write_ptr;
	add_inside(known, -1U);
	return read - again;
}

void io_stream_forget(const FILE *stream)
{
	struct io_stream *known = io_is_on() ? io_stream_enter(stream) : find(stream);

	if (!known)
		return;
	known->stream = NULL;
	atomic_store(&known->inside, 0);
}

static void settle(const FILE *stream)
{
	io_stream_leave(io_stream_enter(stream), stream, 0);
}

void io_stream_settle(void)
{
	for (int fd = 0; fd < STREAMS; fd++)
		if (streams[fd].stream)
			settle(streams[fd].stream);
}

void io_adopt(void)
{
	for (int fd = 0; fd < STREAMS; fd++)
		if (streams[fd].stream)
			atomic_store(&streams[fd].inside, 0);
}

void io_end_process(void)
{
	if (!io_is_on())
		return;
	/* Nothing may have been seen of these, not even a call. */
	settle(stdin);
	settle(stdout);
	io_stream_settle();
}

/* ---- characters --------------------------------------------------------------------------- */

static inline bool has_room(const FILE *stream)
{
	return stream->_IO_write_ptr < stream->_IO_write_end;
}

static inline bool has_more(const FILE *stream)
{
	return stream->_IO_read_ptr < stream->_IO_read_end;
}

/* The header has macros of these names. */
#undef getc_unlocked
#undef getchar_unlocked
#undef fgetc_unlocked
#undef putc_unlocked
#undef putchar_unlocked
#undef fputc_unlocked

int _IO_getc(FILE *stream);
int _IO_putc(int character, FILE *stream);
int __uflow(FILE *stream);
int __overflow(FILE *stream, int character);

#define GETTER(name, parameters, arguments, stream)                                                \
	REAL(name);                                                                                \
	EXPORT int name parameters                                                                 \
	{                                                                                          \
		if (has_more(stream) || !io_is_on())                                               \
			return REAL_NOW(name) arguments;                                           \
		return STREAM(IN, stream, false, REAL_NOW(name) arguments, result_ != EOF);        \
	}

#define PUTTER(name, parameters, arguments, stream)                                                \
	REAL(name);                                                                                \
	EXPORT int name parameters                                                                 \
	{                                                                                          \
		if (has_room(stream) || !io_is_on())                                               \
			return REAL_NOW(name) arguments;                                           \
		return STREAM(OUT, stream, false, REAL_NOW(name) arguments, result_ != EOF);       \
	}

GETTER(getc, (FILE * stream), (stream), stream)
GETTER(fgetc, (FILE * stream), (stream), stream)
GETTER(_IO_getc, (FILE * stream), (stream), stream)
GETTER(getchar, (void), (), stdin)
GETTER(getc_unlocked, (FILE * stream), (stream), stream)
GETTER(fgetc_unlocked, (FILE * stream), (stream), stream)
GETTER(getchar_unlocked, (void), (), stdin)
GETTER(__uflow, (FILE * stream), (stream), stream)

PUTTER(putc, (int character, FILE *stream), (character, stream), stream)
PUTTER(fputc, (int character, FILE *stream), (character, stream), stream)
PUTTER(_IO_putc, (int character, FILE *stream), (character, stream), stream)
PUTTER(putchar, (int character), (character), stdout)
PUTTER(putc_unlocked, (int character, FILE *stream), (character, stream), stream)
PUTTER(fputc_unlocked, (int character, FILE *stream), (character, stream), stream)
PUTTER(putchar_unlocked, (int character), (character), stdout)
PUTTER(__overflow, (FILE * stream, int character), (stream, character), stream)

/* ---- fscanf ------------------------------------------------------------------------------- */

/* What a call read that began here: it may have filled the buffer anew, once. */
struct reading {
	const char *base, *at, *end;
};

static struct reading reading(const FILE *stream)
{
	return (struct reading){stream->_IO_read_base, stream->_IO_read_ptr, stream->_IO_read_end};
}

static int64_t read_since(const FILE *stream, struct reading start)
{
	if (stream->_IO_read_base == start.base && stream->_IO_read_end == start.end &&
	    stream->_IO_read_ptr >= start.at)
		return stream->_IO_read_ptr - start.at;
	return start.end - start.at + (stream->_IO_read_ptr - stream->_IO_read_base);
}

#define SCAN(name, stream, format, values)                                                         \
	({                                                                                         \
		struct reading before_;                                                            \
		int scanned_;                                                                      \
                                                                                                   \
		if (is_seen(stream)) {                                                             \
			before_ = reading(stream);                                                 \
			scanned_ =                                                                 \
				STREAM(IN, stream, false, REAL_NOW(name)(stream, format, values),  \
				       read_since(stream, before_));                               \
		} else {                                                                           \
			scanned_ = REAL_NOW(name)(stream, format, values);                         \
		}                                                                                  \
		scanned_;                                                                          \
	})

/* The header calls fscanf __isoc99_fscanf or, of later libraries, __isoc23_fscanf. */
#define SCANNERS(standard, prefix)                                                                 \
	int standard##_vfscanf(FILE *stream, const char *format,                                   \
			       va_list values) __asm__(prefix "vfscanf");                          \
	int standard##_vscanf(const char *format, va_list values) __asm__(prefix "vscanf");        \
	int standard##_fscanf(FILE *stream, const char *format, ...) __asm__(prefix "fscanf");     \
	int standard##_scanf(const char *format, ...) __asm__(prefix "scanf");                     \
                                                                                                   \
	REAL_AS(standard##_vfscanf, prefix "vfscanf");                                             \
	EXPORT int standard##_vfscanf(FILE *stream, const char *format, va_list values)            \
	{                                                                                          \
		return SCAN(standard##_vfscanf, stream, format, values);                           \
	}                                                                                          \
	EXPORT int standard##_vscanf(const char *format, va_list values)                           \
	{                                                                                          \
		return SCAN(standard##_vfscanf, stdin, format, values);                            \
	}                                                                                          \
	EXPORT int standard##_fscanf(FILE *stream, const char *format, ...)                        \
	{                                                                                          \
		return WITH_VALUES(format, values,                                                 \
				   SCAN(standard##_vfscanf, stream, format, values));              \
	}                                                                                          \
	EXPORT int standard##_scanf(const char *format, ...)                                       \
	{                                                                                          \
		return WITH_VALUES(format, values,                                                 \
				   SCAN(standard##_vfscanf, stdin, format, values));               \
	}

SCANNERS(gnu, "")
SCANNERS(isoc99, "__isoc99_")
#if __GLIBC_PREREQ(2, 38) /* to look up what does not exist allocates */
SCANNERS(isoc23, "__isoc23_")
#endif

/* ---- going elsewhere ---------------------------------------------------------------------- */

/* What moved the pointers is not counted: it is no reading or writing of what lies between. */
static void leave_moved(struct io_stream *known, const FILE *stream)
{
	if (known)
		known->ahead = 0;
	io_stream_leave(known, stream, 0);
}

#define MOVER(result_type, name, parameters, arguments)                                            \
	REAL(name);                                                                                \
	EXPORT result_type name parameters                                                         \
	{                                                                                          \
		struct io_stream *known = is_seen(stream) ? io_stream_enter(stream) : NULL;        \
		result_type result = REAL_NOW(name) arguments;                                     \
                                                                                                   \
		leave_moved(known, stream);                                                        \
		return result;                                                                     \
	}

MOVER(int, fseek, (FILE * stream, long offset, int from), (stream, offset, from))
MOVER(int, fseeko, (FILE * stream, off_t offset, int from), (stream, offset, from))
MOVER(int, fseeko64, (FILE * stream, off64_t offset, int from), (stream, offset, from))
MOVER(int, fsetpos, (FILE * stream, const fpos_t *place), (stream, place))
MOVER(int, fsetpos64, (FILE * stream, const fpos64_t *place), (stream, place))

REAL(rewind);

EXPORT void rewind(FILE *stream)
{
	struct io_stream *known = is_seen(stream) ? io_stream_enter(stream) : NULL;

	REAL_NOW(rewind)(stream);
	leave_moved(known, stream);
}
