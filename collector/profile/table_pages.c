/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_pages: see table_pages.h. */
#include "collector/profile/table_pages.h"

#include "collector/base/xalloc.h"

enum {
	DEEPEST = 20,	   /* levels of pages; SQLite's own limit */
	BLOCK = 16384,	   /* bytes read at once: pages of a table mostly lie side by side */
	FILE_HEADER = 100, /* bytes before the first page's own header */
	LEAF = 13,	   /* kinds of pages of a table */
	INTERIOR = 5,
	LEAF_HEADER = 8, /* bytes */
	INTERIOR_HEADER = 12,
};

struct reader {
	sqlite3_file *file;
	uint32_t page_bytes, usable_bytes; /* of a page */
	uint32_t pages;
	uint8_t *block;
	uint32_t block_bytes;
	uint64_t block_at; /* offset in the file; UINT64_MAX: nothing read yet */
	int columns;
	bool (*take)(void *context, const int64_t *values);
	void *context;
	int64_t last_id; /* of the row before */
	bool has_row;
};

/* A page's cells: their offsets stand in an array behind the header. */
struct page {
	const uint8_t *bytes, *end;
	const uint8_t *offsets;
	uint32_t cells;
	uint32_t last_child; /* of an interior page */
	bool is_leaf;
};

static uint32_t big_endian(const uint8_t *bytes, int count)
{
	uint32_t number = 0;

	while (count--)
		number = number << 8 | *bytes++;
	return number;
}

/* Reads a variable-length integer; returns what follows, NULL when it does not end before @end. */
static const uint8_t *take_varint(const uint8_t *at, const uint8_t *end, uint64_t *number)
{
	*number = 0;
	for (int i = 0; i < 9 && at < end; i++) {
		if (i == 8) {
			*number = *number << 8 | *at++;
			return at;
		}
		*number = *number << 7 | (*at & 0x7f);
		if (!(*at++ & 0x80))
			return at;
	}
	return NULL;
}

/* Bytes of a value by its serial type; 255: no integer. */
static const uint8_t value_bytes[256] = {
	255, 1, 2, 3, 4, 6, 8, 255, 0, 0, [10 ... 255] = 255,
};

static int64_t take_value(const uint8_t *at, uint8_t type)
{
	int bytes = value_bytes[type];
	int64_t number;

	if (!bytes)
		return type - 8;
	number = *at & 0x80 ? -1 : 0;
	while (bytes--)
		number = (int64_t)((uint64_t)number << 8 | *at++);
	return number;
}

/* Takes a leaf's cell apart: the payload's size, the row's id, the types, the values. */
static enum table_pages_result take_cell(struct reader *reader, const uint8_t *at,
					 const uint8_t *end)
{
	int64_t values[TABLE_PAGES_COLUMNS];
	uint64_t bytes, id;
	const uint8_t *types;

	at = take_varint(at, end, &bytes);
	at = at ? take_varint(at, end, &id) : NULL;
	/* Integers alone never need more than a page has, nor a header of more than a byte each. */
	if (!at || bytes > (size_t)(end - at) || bytes <= (uint64_t)reader->columns ||
	    at[0] != reader->columns + 1 || at[1] != 0)
		return TABLE_PAGES_DAMAGED;
	values[0] = (int64_t)id;
	if (reader->has_row && values[0] <= reader->last_id)
		return TABLE_PAGES_DAMAGED;
	reader->last_id = values[0];
	reader->has_row = true;
	end = at + bytes;
	types = at + 1;
	at += reader->columns + 1;
	for (int i = 1; i < reader->columns; i++) {
		if (value_bytes[types[i]] > end - at)
			return TABLE_PAGES_DAMAGED;
		values[i] = take_value(at, types[i]);
		at += value_bytes[types[i]];
	}
	return reader->take(reader->context, values) ? TABLE_PAGES_DONE : TABLE_PAGES_REFUSED;
}

/* Returns the bytes of a page, borrowed until the next one is read. */
static enum table_pages_result read_page(struct reader *reader, uint32_t number,
					 const uint8_t **bytes)
{
	uint64_t at = (uint64_t)(number - 1) * reader->page_bytes;
	int code;

	if (!number || number > reader->pages)
		return TABLE_PAGES_DAMAGED;
	if (reader->block_at == UINT64_MAX || at < reader->block_at ||
	    at + reader->page_bytes > reader->block_at + reader->block_bytes) {
		reader->block_at = at - at % reader->block_bytes;
		code = reader->file->pMethods->xRead(reader->file, reader->block,
						     (int)reader->block_bytes,
						     (sqlite3_int64)reader->block_at);
		/* The last block ends behind the file, and is filled up with zeros. */
		if (code && code != SQLITE_IOERR_SHORT_READ)
			return TABLE_PAGES_FAILED;
	}
	*bytes = reader->block + (at - reader->block_at);
	return TABLE_PAGES_DONE;
}

static enum table_pages_result open_page(const struct reader *reader, uint32_t number,
					 const uint8_t *bytes, struct page *page)
{
	const uint8_t *header = bytes + (number == 1 ? FILE_HEADER : 0);
	uint32_t header_bytes = *header == LEAF ? LEAF_HEADER : INTERIOR_HEADER;

	if (*header != LEAF && *header != INTERIOR)
		return TABLE_PAGES_DAMAGED;
	*page = (struct page){
		.bytes = bytes,
		.end = bytes + reader->usable_bytes,
		.offsets = header + header_bytes,
		.cells = big_endian(header + 3, 2),
		.last_child = big_endian(header + 8, 4),
		.is_leaf = *header == LEAF,
	};
	return 2 * page->cells > (size_t)(page->end - page->offsets) ? TABLE_PAGES_DAMAGED
								     : TABLE_PAGES_DONE;
}

static enum table_pages_result read_leaf(struct reader *reader, const struct page *page)
{
	enum table_pages_result result = TABLE_PAGES_DONE;

	for (uint32_t i = 0; i < page->cells && !result; i++) {
		uint32_t offset = big_endian(page->offsets + 2 * i, 2);

		if (offset >= reader->usable_bytes)
			return TABLE_PAGES_DAMAGED;
		result = take_cell(reader, page->bytes + offset, page->end);
	}
	return result;
}

/* Reads all rows below a page. Only a table without rows has a leaf without any. */
static enum table_pages_result read_tree(struct reader *reader, uint32_t number, int depth)
{
	const uint8_t *bytes;
	struct page page;
	uint8_t *copy;
	enum table_pages_result result = read_page(reader, number, &bytes);

	if (!result)
		result = open_page(reader, number, bytes, &page);
	if (!result && page.is_leaf)
		return depth && !page.cells ? TABLE_PAGES_DAMAGED : read_leaf(reader, &page);
	if (!result && depth == DEEPEST)
		result = TABLE_PAGES_DAMAGED;
	if (result)
		return result;
	copy = xmalloc(reader->page_bytes);
	memcpy(copy, bytes, reader->page_bytes);
	for (uint32_t i = 0; i < page.cells && !result; i++) {
		uint32_t offset = big_endian(copy + (page.offsets - bytes) + 2 * i, 2);

		result = offset > reader->usable_bytes - 4
				 ? TABLE_PAGES_DAMAGED
				 : read_tree(reader, big_endian(copy + offset, 4), depth + 1);
	}
	free(copy);
	return result ? result : read_tree(reader, page.last_child, depth + 1);
}

/* The first integer of the first row of @sql; 0 when there is none. */
static uint32_t ask(sqlite3 *database, const char *sql, const char *parameter)
{
	sqlite3_stmt *statement;
	int64_t answer = 0;

	if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
	    (!parameter ||
	     sqlite3_bind_text(statement, 1, parameter, -1, SQLITE_STATIC) == SQLITE_OK) &&
	    sqlite3_step(statement) == SQLITE_ROW)
		answer = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return answer > 0 && answer <= UINT32_MAX ? (uint32_t)answer : 0;
}

enum table_pages_result table_pages_read(sqlite3 *database, const char *table, int columns,
					 bool (*take)(void *context, const int64_t *values),
					 void *context)
{
	struct reader reader = {
		.page_bytes = ask(database, "PRAGMA page_size", NULL),
		.pages = ask(database, "PRAGMA page_count", NULL),
		.block_at = UINT64_MAX,
		.columns = columns,
		.take = take,
		.context = context,
	};
	uint32_t root =
		ask(database,
		    "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?", table);
	enum table_pages_result result;
	uint8_t head[FILE_HEADER];

	if (!root || !reader.page_bytes ||
	    sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &reader.file) ||
	    !reader.file || !reader.file->pMethods ||
	    reader.file->pMethods->xRead(reader.file, head, sizeof(head), 0))
		return TABLE_PAGES_FAILED;
	/* Byte 20: what is kept free at the end of each page. SQLite checked that enough is left.
	 */
	reader.usable_bytes = reader.page_bytes - head[20];
	reader.block_bytes = reader.page_bytes > BLOCK ? reader.page_bytes : BLOCK;
	reader.block = xcalloc(reader.block_bytes, 1);
	result = read_tree(&reader, root, 0);
	free(reader.block);
	return result;
}
