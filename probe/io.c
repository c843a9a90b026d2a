/* SPDX-License-Identifier: MIT */
/* io: see io.h. Sources: read(2), readv(2), open(2), dup(2), close_range(2), proc(5), fd. */
#include "probe/io.h"

#include "probe/raw.h"
#include "probe/real.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#define DESCRIPTORS 65536 /* that are remembered */
#define PATH_BYTES  1024

static _Atomic uint32_t files[DESCRIPTORS]; /* subjects; 0: not looked up */

/* ---- files -------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *text, uint32_t bytes)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (uint32_t i = 0; i < bytes; i++)
		/* The analyser knows nothing of system calls that fill memory. */
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
		hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
	return hash;
}

static uint32_t file_of_name(const char *name, uint32_t bytes)
{
	return operation_subject(&(struct wire_subject){.kind = WIRE_SUBJECT_FILE,
							.identity = hash_of(name, bytes),
							.text_bytes = bytes},
				 name);
}

/* Writes "/proc/self/fd/N". */
static void write_link(char *text, int fd)
{
	static const char start[] = "/proc/self/fd/";
	char digits[12];
	int count = 0;

	for (unsigned int left = (unsigned int)fd; left || !count; left /= 10)
		digits[count++] = (char)('0' + left % 10);
	raw_copy(text, start, sizeof(start) - 1);
	text += sizeof(start) - 1;
	while (count)
		*text++ = digits[--count];
	*text = '\0';
}

/* All pipes are one file, and all sockets: their numbers say nothing to people. */
static uint32_t without_number(const char *name, uint32_t bytes)
{
	for (uint32_t i = 0; i + 1 < bytes; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): as above */
		if (*name != '/' && name[i] == ':' && name[i + 1] == '[')
			return i;
	return bytes;
}

/* Takes the name of what a descriptor is; returns its bytes, 0 when that is not to be had. */
static uint32_t look_up(int fd, char name[PATH_BYTES])
{
	char link[32];
	long bytes;

	write_link(link, fd);
	bytes = RAW_3(SYS_readlink, link, name, PATH_BYTES);
	return bytes <= 0 ? 0 : without_number(name, (uint32_t)bytes);
}

uint32_t io_file(int fd)
{
	uint32_t file = fd >= 0 && fd < DESCRIPTORS
				? atomic_load_explicit(&files[fd], memory_order_relaxed)
				: 0;
	char name[PATH_BYTES];
	uint32_t bytes;

	if (__builtin_expect(file != 0, 1))
		return file;
	bytes = fd < 0 ? 0 : look_up(fd, name);
	/* By the next call it may be a file, from a function that is not seen. */
	if (!bytes)
		return file_of_name("not known", 9);
	file = file_of_name(name, bytes);
	/* A child of vfork shares this memory, but not the descriptors. */
	if (fd < DESCRIPTORS && raw_pid() == probe.pid)
		atomic_store_explicit(&files[fd], file, memory_order_relaxed);
	return file;
}

uint32_t io_opened(int fd)
{
	return fd < 0 ? file_of_name("not opened", 10) : io_file(fd);
}

void io_forget(int fd)
{
	if (fd >= 0 && fd < DESCRIPTORS)
		atomic_store_explicit(&files[fd], 0, memory_order_relaxed);
}

void io_book(uint32_t file, enum wire_operation_kind kind, uint64_t start_ns, int64_t bytes,
	     const struct walk_start *start)
{
	uint64_t ns = clock_now_ns() - start_ns;

	operation_book(&(struct operation){
		.subject = file,
		.kind = kind,
		.node = operation_stack(start),
		.count = 1,
		.total_ns = ns,
		.amount = bytes > 0 ? (uint64_t)bytes : 0,
	});
	operation_spread(file, kind, ns);
}

/* ---- reading and writing ------------------------------------------------------------------ */

/* Makes a call that moves bytes and books it. */
#define MOVE(operation_kind, fd, call)                                                             \
	do {                                                                                       \
		struct walk_start start_;                                                          \
		uint64_t start_ns_;                                                                \
		ssize_t result_;                                                                   \
                                                                                                   \
		if (!io_is_on())                                                                   \
			return call;                                                               \
		start_ = WALK_START();                                                             \
		start_ns_ = clock_now_ns();                                                        \
		result_ = call;                                                                    \
		io_book(io_file(fd), operation_kind, start_ns_, result_, &start_);                 \
		return result_;                                                                    \
	} while (0)

#define MOVER(kind, name, fd, parameters, arguments)                                               \
	REAL(name);                                                                                \
	EXPORT ssize_t name parameters                                                             \
	{                                                                                          \
		MOVE(kind, fd, REAL_NOW(name) arguments);                                          \
	}

/* What fortified programs call. */
ssize_t __read_chk(int fd, void *buffer, size_t bytes, size_t room);
ssize_t __pread_chk(int fd, void *buffer, size_t bytes, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *buffer, size_t bytes, off64_t offset, size_t room);

#define IN  WIRE_OPERATION_READ
#define OUT WIRE_OPERATION_WRITE

MOVER(IN, read, fd, (int fd, void *buffer, size_t bytes), (fd, buffer, bytes))
MOVER(IN, __read_chk, fd, (int fd, void *buffer, size_t bytes, size_t room),
      (fd, buffer, bytes, room))
MOVER(IN, pread, fd, (int fd, void *buffer, size_t bytes, off_t offset),
      (fd, buffer, bytes, offset))
MOVER(IN, pread64, fd, (int fd, void *buffer, size_t bytes, off64_t offset),
      (fd, buffer, bytes, offset))
MOVER(IN, __pread_chk, fd, (int fd, void *buffer, size_t bytes, off_t offset, size_t room),
      (fd, buffer, bytes, offset, room))
MOVER(IN, __pread64_chk, fd, (int fd, void *buffer, size_t bytes, off64_t offset, size_t room),
      (fd, buffer, bytes, offset, room))
MOVER(IN, readv, fd, (int fd, const struct iovec *parts, int count), (fd, parts, count))
MOVER(IN, preadv, fd, (int fd, const struct iovec *parts, int count, off_t offset),
      (fd, parts, count, offset))
MOVER(IN, preadv64, fd, (int fd, const struct iovec *parts, int count, off64_t offset),
      (fd, parts, count, offset))
MOVER(IN, preadv2, fd, (int fd, const struct iovec *parts, int count, off_t offset, int flags),
      (fd, parts, count, offset, flags))
MOVER(IN, preadv64v2, fd, (int fd, const struct iovec *parts, int count, off64_t offset, int flags),
      (fd, parts, count, offset, flags))
MOVER(OUT, write, fd, (int fd, const void *buffer, size_t bytes), (fd, buffer, bytes))
MOVER(OUT, pwrite, fd, (int fd, const void *buffer, size_t bytes, off_t offset),
      (fd, buffer, bytes, offset))
MOVER(OUT, pwrite64, fd, (int fd, const void *buffer, size_t bytes, off64_t offset),
      (fd, buffer, bytes, offset))
MOVER(OUT, writev, fd, (int fd, const struct iovec *parts, int count), (fd, parts, count))
MOVER(OUT, pwritev, fd, (int fd, const struct iovec *parts, int count, off_t offset),
      (fd, parts, count, offset))
MOVER(OUT, pwritev64, fd, (int fd, const struct iovec *parts, int count, off64_t offset),
      (fd, parts, count, offset))
MOVER(OUT, pwritev2, fd, (int fd, const struct iovec *parts, int count, off_t offset, int flags),
      (fd, parts, count, offset, flags))
MOVER(OUT, pwritev64v2, fd,
      (int fd, const struct iovec *parts, int count, off64_t offset, int flags),
      (fd, parts, count, offset, flags))

/* ---- formatted ---------------------------------------------------------------------------- */

int __vdprintf_chk(int fd, int flag, const char *restrict format, va_list values);
int __dprintf_chk(int fd, int flag, const char *restrict format, ...);

REAL(vdprintf);
REAL(__vdprintf_chk);

static inline __attribute__((always_inline)) ssize_t format_to(int fd, const char *format,
							       va_list values)
{
	MOVE(OUT, fd, REAL_NOW(vdprintf)(fd, format, values));
}

static inline __attribute__((always_inline)) ssize_t
format_checked(int fd, int flag, const char *format, va_list values)
{
	MOVE(OUT, fd, REAL_NOW(__vdprintf_chk)(fd, flag, format, values));
}

#define WITH_VALUES(call)                                                                          \
	({                                                                                         \
		va_list values;                                                                    \
		int result_;                                                                       \
                                                                                                   \
		va_start(values, format);                                                          \
		result_ = (int)(call);                                                             \
		va_end(values);                                                                    \
		result_;                                                                           \
	})

EXPORT int vdprintf(int fd, const char *restrict format, va_list values)
{
	return (int)format_to(fd, format, values);
}

EXPORT int dprintf(int fd, const char *restrict format, ...)
{
	return WITH_VALUES(format_to(fd, format, values));
}

EXPORT int __vdprintf_chk(int fd, int flag, const char *restrict format, va_list values)
{
	return (int)format_checked(fd, flag, format, values);
}

EXPORT int __dprintf_chk(int fd, int flag, const char *restrict format, ...)
{
	return WITH_VALUES(format_checked(fd, flag, format, values));
}

/* ---- copying and syncing ------------------------------------------------------------------ */

/* From one file to another: booked to the one that is written. */
MOVER(WIRE_OPERATION_COPY, sendfile, to, (int to, int from, off_t *offset, size_t bytes),
      (to, from, offset, bytes))
MOVER(WIRE_OPERATION_COPY, sendfile64, to, (int to, int from, off64_t *offset, size_t bytes),
      (to, from, offset, bytes))
MOVER(WIRE_OPERATION_COPY, copy_file_range, to,
      (int from, off64_t *from_offset, int to, off64_t *to_offset, size_t bytes,
       unsigned int flags),
      (from, from_offset, to, to_offset, bytes, flags))
MOVER(WIRE_OPERATION_COPY, splice, to,
      (int from, off64_t *from_offset, int to, off64_t *to_offset, size_t bytes,
       unsigned int flags),
      (from, from_offset, to, to_offset, bytes, flags))

REAL(fsync);
REAL(fdatasync);

/* The time also counts for the SQL statement that waits for it. */
#define SYNC(fd, call)                                                                             \
	do {                                                                                       \
		struct walk_start start_;                                                          \
		uint64_t start_ns_;                                                                \
		int result_;                                                                       \
                                                                                                   \
		if (!operation_is_on(WIRE_MODE_IO | WIRE_MODE_SQL))                                \
			return call;                                                               \
		start_ = WALK_START();                                                             \
		start_ns_ = clock_now_ns();                                                        \
		result_ = call;                                                                    \
		operation_mine()->sync_ns += clock_now_ns() - start_ns_;                           \
		if (io_is_on())                                                                    \
			io_book(io_file(fd), WIRE_OPERATION_SYNC, start_ns_, 0, &start_);          \
		return result_;                                                                    \
	} while (0)

EXPORT int fsync(int fd)
{
	SYNC(fd, REAL_NOW(fsync)(fd));
}

EXPORT int fdatasync(int fd)
{
	SYNC(fd, REAL_NOW(fdatasync)(fd));
}

/* ---- opening and closing ------------------------------------------------------------------ */

REAL(open);
REAL(open64);
REAL(openat);
REAL(openat64);
REAL(creat);
REAL(creat64);
REAL(close);
REAL(dup2);
REAL(dup3);
REAL(close_range);
REAL(closefrom);

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);
REAL(__open_2);
REAL(__open64_2);
REAL(__openat_2);
REAL(__openat64_2);

/* Makes a call that gives a descriptor and books it. */
#define OPEN(call)                                                                                 \
	do {                                                                                       \
		struct walk_start start_;                                                          \
		uint64_t start_ns_;                                                                \
		int fd_;                                                                           \
                                                                                                   \
		if (!io_is_on())                                                                   \
			return call;                                                               \
		start_ = WALK_START();                                                             \
		start_ns_ = clock_now_ns();                                                        \
		fd_ = call;                                                                        \
		io_forget(fd_);                                                                    \
		io_book(io_opened(fd_), WIRE_OPERATION_OPEN, start_ns_, 0, &start_);               \
		return fd_;                                                                        \
	} while (0)

/* The mode is there only when a file may be made. */
#define MODE(flags)                                                                                \
	({                                                                                         \
		mode_t mode_ = 0;                                                                  \
                                                                                                   \
		if ((flags)&O_CREAT || ((flags)&O_TMPFILE) == O_TMPFILE) {                         \
			va_list rest_;                                                             \
                                                                                                   \
			va_start(rest_, flags);                                                    \
			mode_ = va_arg(rest_, mode_t);                                             \
			va_end(rest_);                                                             \
		}                                                                                  \
		mode_;                                                                             \
	})

EXPORT int open(const char *path, int flags, ...)
{
	mode_t mode = MODE(flags);

	OPEN(REAL_NOW(open)(path, flags, mode));
}

EXPORT int open64(const char *path, int flags, ...)
{
	mode_t mode = MODE(flags);

	OPEN(REAL_NOW(open64)(path, flags, mode));
}

EXPORT int openat(int folder, const char *path, int flags, ...)
{
	mode_t mode = MODE(flags);

	OPEN(REAL_NOW(openat)(folder, path, flags, mode));
}

EXPORT int openat64(int folder, const char *path, int flags, ...)
{
	mode_t mode = MODE(flags);

	OPEN(REAL_NOW(openat64)(folder, path, flags, mode));
}

EXPORT int __open_2(const char *path, int flags)
{
	OPEN(REAL_NOW(__open_2)(path, flags));
}

EXPORT int __open64_2(const char *path, int flags)
{
	OPEN(REAL_NOW(__open64_2)(path, flags));
}

EXPORT int __openat_2(int folder, const char *path, int flags)
{
	OPEN(REAL_NOW(__openat_2)(folder, path, flags));
}

EXPORT int __openat64_2(int folder, const char *path, int flags)
{
	OPEN(REAL_NOW(__openat64_2)(folder, path, flags));
}

EXPORT int creat(const char *path, mode_t mode)
{
	OPEN(REAL_NOW(creat)(path, mode));
}

EXPORT int creat64(const char *path, mode_t mode)
{
	OPEN(REAL_NOW(creat64)(path, mode));
}

EXPORT int close(int fd)
{
	struct walk_start start;
	uint64_t start_ns;
	uint32_t file;
	int result;

	if (!io_is_on())
		return REAL_NOW(close)(fd);
	start = WALK_START();
	file = io_file(fd);
	io_forget(fd);
	start_ns = clock_now_ns();
	result = real_close(fd);
	io_book(file, WIRE_OPERATION_CLOSE, start_ns, 0, &start);
	return result;
}

EXPORT int dup2(int old, int new)
{
	int result;

	io_forget(new);
	result = REAL_NOW(dup2)(old, new);
	io_forget(new);
	return result;
}

EXPORT int dup3(int old, int new, int flags)
{
	int result;

	io_forget(new);
	result = REAL_NOW(dup3)(old, new, flags);
	io_forget(new);
	return result;
}

static void forget_from(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && fd < DESCRIPTORS; fd++)
		if (atomic_load_explicit(&files[fd], memory_order_relaxed))
			io_forget((int)fd);
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	forget_from(first, last);
	return REAL_NOW(close_range)(first, last, flags);
}

EXPORT void closefrom(int first)
{
	forget_from(first < 0 ? 0 : (unsigned int)first, DESCRIPTORS);
	REAL_NOW(closefrom)(first);
}
