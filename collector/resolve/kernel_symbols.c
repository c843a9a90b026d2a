/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernel_symbols: see kernel_symbols.h.
 *
 * The kernel states no sizes: a function reaches to the next symbol. Only text symbols are read
 * (T t W w), and the marks at the ends of text (_etext, _einittext) count as ends, so an address
 * beyond the last function is not given its name. Hidden addresses read as 0, too far from any
 * address to name it.
 *
 * Cost, measured with 122,000 lines: 44 ms, most of it the kernel formatting them; names of
 * addresses cost nothing beside that. Nothing is read when there are no kernel frames.
 */
#include "collector/resolve/kernel_symbols.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/symbol_table.h"

#include <ctype.h>
#include <fcntl.h>
#include <unistd.h>

/* Farther from its symbol no address of a function lies. */
#define FUNCTION_BYTES_LIMIT (1 << 20)

struct kernel_symbol {
	uint64_t address;
	const char *name; /* ends at white space; "name\t[module]" for a module's symbol */
	char type;
};

struct kernel_symbols {
	const char *path;
	bool is_loaded;
	char *text; /* the whole file, terminated */
	struct kernel_symbol *list;
	size_t count, capacity;
};

/* Reads a file of /proc, whose size nobody knows, whole; NULL when it cannot be read. */
static char *read_text(const char *path)
{
	size_t bytes = 0, capacity = 1 << 20;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	ssize_t got;

	if (fd < 0)
		return NULL;
	text = xmalloc(capacity);
	while ((got = read(fd, text + bytes, capacity - 1 - bytes)) > 0) {
		bytes += (size_t)got;
		if (bytes == capacity - 1) {
			capacity *= 2;
			text = xreallocarray(text, capacity, 1);
		}
	}
	close(fd);
	text[bytes] = '\0';
	return text;
}

/* Reads "ffffffff81000000 T name[\t[module]]\n"; returns the next line, NULL after the last.
 * A line of another form leaves symbol->type 0. */
static const char *read_line(const char *line, struct kernel_symbol *symbol)
{
	const char *end = strchrnul(line, '\n');
	const char *next = line;

	*symbol = (struct kernel_symbol){0};
	for (; isxdigit((unsigned char)*next); next++)
		symbol->address = symbol->address << 4 |
				  (uint64_t)(*next <= '9' ? *next - '0' : (*next | 32) - 'a' + 10);
	if (next > line && next[0] == ' ' && isalpha((unsigned char)next[1]) && next[2] == ' ' &&
	    next + 3 < end) {
		symbol->type = next[1];
		symbol->name = next + 3;
	}
	return *end ? end + 1 : NULL;
}

static bool is_code(const struct kernel_symbol *symbol)
{
	return symbol->type && strchr("TtWw", symbol->type);
}

static int compare_symbols(const void *left, const void *right)
{
	const struct kernel_symbol *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

struct kernel_symbols *kernel_symbols_new(const char *path)
{
	struct kernel_symbols *symbols = xcalloc(1, sizeof(*symbols));

	symbols->path = path;
	return symbols;
}

void kernel_symbols_free(struct kernel_symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->list);
	free(symbols->text);
	free(symbols);
}

static void load(struct kernel_symbols *symbols)
{
	struct kernel_symbol symbol;
	bool sorted = true;

	symbols->is_loaded = true;
	symbols->text = read_text(symbols->path);
	for (const char *line = symbols->text; line && *line;) {
		line = read_line(line, &symbol);
		if (!is_code(&symbol))
			continue;
		xgrow(symbols->list, symbols->count, symbols->capacity);
		if (symbols->count && symbols->list[symbols->count - 1].address > symbol.address)
			sorted = false;
		symbols->list[symbols->count++] = symbol;
	}
	if (!sorted)
		qsort(symbols->list, symbols->count, sizeof(*symbols->list), compare_symbols);
}

static int rank(const struct kernel_symbol *symbol)
{
	return symbol->type == 'T' ? 0 : symbol->type == 't' ? 2 : 1;
}

/* Returns "name" or "name [module]"; the caller frees it. */
static char *full_name(const struct kernel_symbol *symbol)
{
	size_t length = strcspn(symbol->name, "\n");
	char *name = xalloc_checked(strndup(symbol->name, length));
	char *tab = strchr(name, '\t');

	if (tab)
		*tab = ' ';
	return name;
}

/* Marks of the linker script, not functions. */
static bool is_end_mark(const char *name)
{
	return !strcmp(name, "_etext") || !strcmp(name, "_einittext");
}

/* Returns the name of the function around @address, NULL when there is none. The caller frees it.
 */
static char *find_name(const struct kernel_symbols *symbols, uint64_t address)
{
	size_t low = 0, high = symbols->count;
	const struct kernel_symbol *best;
	char *name, *other;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address - symbols->list[low - 1].address >= FUNCTION_BYTES_LIMIT)
		return NULL;
	best = &symbols->list[--low];
	name = full_name(best);
	for (; low-- && symbols->list[low].address == best->address;) {
		other = full_name(&symbols->list[low]);
		if (symbol_table_prefers(other, rank(&symbols->list[low]), name, rank(best))) {
			best = &symbols->list[low];
			free(name);
			name = other;
		} else {
			free(other);
		}
	}
	if (!is_end_mark(name))
		return name;
	free(name);
	return NULL;
}

void kernel_symbols_name(struct kernel_symbols *symbols, struct profile *profile)
{
	for (uint32_t i = 1; i < profile->frames_count; i++) {
		const struct profile_frame *frame = &profile->frames[i];
		struct profile_line line = {0};
		char *name;

		if (frame->line_count ||
		    profile->modules[frame->module].kind != PROFILE_MODULE_KERNEL)
			continue;
		if (!symbols->is_loaded)
			load(symbols);
		name = find_name(symbols, frame->address);
		line.function = profile_function(profile, name ? name : "[kernel]", NULL,
						 frame->module, 0, 0, name);
		profile_frame_set_lines(profile, i, &line, 1);
		free(name);
	}
}
