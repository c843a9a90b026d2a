/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_map: see perf_map.h. */
#include "collector/resolve/perf_map.h"

#include "collector/base/xalloc.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_LIMIT (256U << 20)

/* ---- finding the file ---------------------------------------------------------------------- */

/* Reads the process's number in its own namespace; its own where that cannot be read. */
static pid_t inner_pid(pid_t pid)
{
	char path[64], line[256];
	pid_t inner = pid;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	stream = fopen(path, "re");
	while (stream && fgets(line, sizeof(line), stream)) {
		const char *last = strrchr(line, '\t');

		if (strncmp(line, "NSpid:", 6) == 0 && last) {
			inner = (pid_t)strtol(last, NULL, 10);
			break;
		}
	}
	if (stream)
		fclose(stream);
	return inner;
}

/* When the process began, in whole seconds and not too late; @missing when it is gone. */
static time_t birth(pid_t pid, time_t missing)
{
	struct timespec real, boot;
	char path[64], line[1024];
	unsigned long long ticks;
	const char *after_name = NULL;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stream = fopen(path, "re");
	if (stream && fgets(line, sizeof(line), stream))
		after_name = strrchr(line, ')');
	if (stream)
		fclose(stream);
	if (!after_name || sscanf(after_name + 1,
				  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
				  "%*d %*d %*d %*d %llu",
				  &ticks) != 1)
		return missing;
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return real.tv_sec - boot.tv_sec + (time_t)(ticks / (unsigned long)sysconf(_SC_CLK_TCK)) -
	       2;
}

/* Whose files a process makes; root when it is gone. Source: proc(5), /proc/PID/status. */
static uid_t owner(pid_t pid)
{
	char path[64], line[256];
	unsigned int uid = 0;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	stream = fopen(path, "re");
	while (stream && fgets(line, sizeof(line), stream))
		if (sscanf(line, "Uid: %*u %*u %*u %u", &uid) == 1)
			break;
	if (stream)
		fclose(stream);
	return uid;
}

static int open_map(const char *path, uid_t writer, time_t earliest)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    (status.st_uid == 0 || status.st_uid == geteuid() || status.st_uid == writer) &&
	    status.st_mtime >= earliest)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int perf_map_open(pid_t pid, time_t earliest)
{
	uid_t writer = owner(pid);
	char path[PATH_MAX];
	int fd;

	earliest = birth(pid, earliest);
	snprintf(path, sizeof(path), "/proc/%d/root/tmp/perf-%d.map", (int)pid,
		 (int)inner_pid(pid));
	fd = open_map(path, writer, earliest);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)pid);
	return open_map(path, writer, earliest);
}

char *perf_map_read(int fd, size_t *bytes)
{
	struct stat status;
	size_t wanted;
	char *text;

	*bytes = 0;
	if (fstat(fd, &status) < 0 || status.st_size <= 0)
		return NULL;
	wanted = (size_t)status.st_size < MAP_LIMIT ? (size_t)status.st_size : MAP_LIMIT;
	text = xmalloc(wanted);
	while (*bytes < wanted) {
		ssize_t count = pread(fd, text + *bytes, wanted - *bytes, (off_t)*bytes);

		if (count <= 0)
			break;
		*bytes += (size_t)count;
	}
	return text;
}

/* ---- reading it ---------------------------------------------------------------------------- */

/* A line that is being read. */
struct line {
	const char *at, *end;
};

/* Takes a hexadecimal number and the blank after it; returns false when there is none. */
static bool take_number(struct line *line, uint64_t *number)
{
	const char *start = line->at;

	*number = 0;
	if (line->end - line->at > 2 && line->at[0] == '0' && (line->at[1] | 32) == 'x')
		line->at += 2;
	for (; line->at < line->end && isxdigit((unsigned char)*line->at); line->at++) {
		char digit = (char)(*line->at | 32);

		if (*number >> 60)
			return false;
		*number = *number << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	if (line->at == start || line->at == line->end || *line->at != ' ')
		return false;
	line->at++;
	return true;
}

/* Takes ":NUMBER" off the end of the text; returns false, with nothing taken, when it is not
 * there. */
static bool take_suffix(const char *start, const char **end, uint32_t *number)
{
	const char *at = *end;
	uint64_t value = 0, unit = 1;

	while (at > start && isdigit((unsigned char)at[-1]) && unit < 1000000000) {
		value += unit * (uint64_t)(*--at - '0');
		unit *= 10;
	}
	if (at == *end || at == start || at[-1] != ':')
		return false;
	*number = (uint32_t)value;
	*end = at - 1;
	return true;
}

/* "JS:*fib /home/me/engine.js:12:3": what stands after the last blank is a place when it ends in a
 * line or line and column. */
static struct perf_map_entry split(const char *start, const char *end)
{
	struct perf_map_entry entry = {.name = start, .name_bytes = (int)(end - start)};
	const char *blank = memrchr(start, ' ', (size_t)(end - start));
	uint32_t number, line;

	if (!blank || blank == start || !take_suffix(blank + 1, &end, &number))
		return entry;
	line = number;
	if (take_suffix(blank + 1, &end, &number))
		line = number;
	if (end == blank + 1)
		return entry;
	entry.name_bytes = (int)(blank - start);
	entry.file = blank + 1;
	entry.file_bytes = (int)(end - entry.file);
	entry.line = line;
	return entry;
}

static size_t first_at_least(const uint64_t *addresses, size_t count, uint64_t start)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (addresses[middle] < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_name(const struct perf_map_entry *entry, const char *name, int bytes)
{
	return entry->name_bytes == bytes && !memcmp(entry->name, name, (size_t)bytes);
}

/* Puts a later line in the place of an entry. */
static void replace(struct perf_map_entry *entry, const struct perf_map_entry *later)
{
	struct perf_map_entry earlier = *entry;

	*entry = *later;
	if (!earlier.name)
		return;
	entry->has_more = earlier.has_more;
	entry->other = earlier.other;
	entry->other_bytes = earlier.other_bytes;
	if (is_name(later, earlier.name, earlier.name_bytes))
		return;
	entry->has_more = earlier.has_more ||
			  (earlier.other && !is_name(later, earlier.other, earlier.other_bytes));
	entry->other = earlier.name;
	entry->other_bytes = earlier.name_bytes;
}

void perf_map_find(const char *text, size_t bytes, const uint64_t *addresses, size_t count,
		   struct perf_map_entry *entries)
{
	const char *end = text + bytes, *next;

	memset(entries, 0, count * sizeof(*entries));
	for (const char *at = text; at < end; at = next) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct line line = {at, newline ? newline : end};
		struct perf_map_entry entry;
		uint64_t start, length;

		next = newline ? newline + 1 : end;
		if (line.end - line.at > INT_MAX || !take_number(&line, &start) ||
		    !take_number(&line, &length) || line.at == line.end)
			continue;
		entry = split(line.at, line.end);
		for (size_t i = first_at_least(addresses, count, start);
		     i < count && addresses[i] - start < length; i++)
			replace(&entries[i], &entry);
	}
}
