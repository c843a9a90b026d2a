/* SPDX-License-Identifier: MIT */
/* sql: see sql.h. Sources: sqlite.org/c3ref; dlsym(3), RTLD_NEXT; glibc manual, _dl_find_object. */
#include "probe/sql.h"

#include "probe/clock.h"
#include "probe/operation.h"
#include "probe/real.h"
#include "probe/sql_text.h"

#include <dlfcn.h>
#include <link.h>
#include <sqlite3.h>

#define LIBRARIES   16	 /* objects that call, remembered */
#define STATEMENTS  4096 /* remembered; a power of two */
#define CONNECTIONS 64	 /* with a transaction, remembered; a power of two */
#define TEXT_BYTES  1000
#define PATH_BYTES  1024

/* ---- copies of SQLite --------------------------------------------------------------------- */

/* What is called of one copy. */
#define FUNCTIONS(each)                                                                            \
	each(sqlite3_prepare) each(sqlite3_prepare_v2) each(sqlite3_prepare_v3)                    \
		each(sqlite3_prepare16) each(sqlite3_prepare16_v2) each(sqlite3_prepare16_v3)      \
			each(sqlite3_step) each(sqlite3_reset) each(sqlite3_finalize)              \
				each(sqlite3_exec) each(sqlite3_sql) each(sqlite3_db_handle)       \
					each(sqlite3_get_autocommit) each(sqlite3_total_changes)   \
						each(sqlite3_stmt_busy)                            \
							each(sqlite3_stmt_readonly)                \
								each(sqlite3_db_filename)

struct library {
	_Atomic uint32_t is_claimed, is_ready;
	const struct link_map *caller; /* the object that calls; NULL: none that is known */
#define MEMBER(name) __typeof__(name) *name;
	FUNCTIONS(MEMBER)
#undef MEMBER
};

static struct library libraries[LIBRARIES];
static struct library unremembered; /* all functions NULL: there is no such copy */

REAL(dlclose);

void sql_forget_code(void)
{
	for (int i = 0; i < LIBRARIES; i++) {
		atomic_store(&libraries[i].is_ready, 0);
		atomic_store(&libraries[i].is_claimed, 0);
	}
}

static const struct link_map *object_of(uint64_t address)
{
	static int (*find_object)(void *, struct dl_find_object *);
	struct dl_find_object found;

	if (!find_object)
		find_object = (int (*)(void *, struct dl_find_object *))dlsym(RTLD_DEFAULT,
									      "_dl_find_object");
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): memory of the process */
	if (!find_object || find_object((void *)address, &found))
		return NULL;
	return found.dlfo_link_map;
}

static bool take(struct library *library, void *scope)
{
	if (!dlsym(scope, "sqlite3_step") || dlsym(scope, "sqlite3_step") == (void *)&sqlite3_step)
		return false;
#define FIND(name) library->name = (__typeof__(name) *)dlsym(scope, #name);
	FUNCTIONS(FIND)
#undef FIND
	return true;
}

/* The same from an object and what it depends on. */
static bool take_of(struct library *library, const char *path)
{
	void *handle = *path ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
	bool is_taken = handle && take(library, handle);

	if (handle)
		REAL_NOW(dlclose)(handle);
	return is_taken;
}

struct search {
	int left; /* objects before the one that is wanted */
	char path[PATH_BYTES];
};

static int find_nth(struct dl_phdr_info *object, size_t bytes, void *context)
{
	struct search *search = context;
	uint32_t used = 0;

	(void)bytes;
	if (search->left--)
		return 0;
	while (used < PATH_BYTES - 1 && object->dlpi_name[used]) {
		search->path[used] = object->dlpi_name[used];
		used++;
	}
	search->path[used] = '\0';
	return 1;
}

/*
 * Looks the functions up as the dynamic linker would for @caller, had it not found ours. A call
 * that is the last thing of its function has that one's caller as ours; where nothing is found by
 * it, the first copy in the process is meant.
 */
static bool look_up(struct library *library, const struct link_map *caller)
{
	struct search search;

	if (take(library, RTLD_NEXT) || (caller && take_of(library, caller->l_name)))
		return true;
	for (int i = 0;; i++) {
		search.left = i;
		if (!dl_iterate_phdr(find_nth, &search))
			return false;
		if (take_of(library, search.path))
			return true;
	}
}

/* Returns the copy that the code at @address means. */
static const struct library *library_of(uint64_t address)
{
	const struct link_map *caller = object_of(address);

	for (int i = 0; i < LIBRARIES; i++) {
		struct library *library = &libraries[i];
		uint32_t free = 0;

		if (atomic_load_explicit(&library->is_ready, memory_order_acquire) &&
		    library->caller == caller)
			return library;
		if (!atomic_compare_exchange_strong(&library->is_claimed, &free, 1))
			continue;
		if (!look_up(library, caller)) {
			atomic_store(&library->is_claimed, 0);
			return &unremembered;
		}
		library->caller = caller;
		atomic_store_explicit(&library->is_ready, 1, memory_order_release);
		return library;
	}
	/* More objects call than are remembered: any copy, most likely the only one. */
	return atomic_load(&libraries[0].is_ready) ? &libraries[0] : &unremembered;
}

/* ---- statements --------------------------------------------------------------------------- */

/* Statement << 16 | subject, in the place of the statement's hash. */
static _Atomic uint64_t statements[STATEMENTS];

static inline _Atomic uint64_t *place_of(const sqlite3_stmt *statement)
{
	return &statements[(uint64_t)statement * 0x9e3779b97f4a7c15u >> 52];
}

static void forget(const sqlite3_stmt *statement)
{
	_Atomic uint64_t *place = place_of(statement);

	if (atomic_load(place) >> 16 == (uint64_t)statement)
		atomic_store(place, 0);
}

static uint32_t subject_of_text(const char *text, uint32_t bytes, enum wire_subject_kind kind)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (uint32_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
	return operation_subject(
		&(struct wire_subject){.kind = kind, .identity = hash, .text_bytes = bytes}, text);
}

static uint32_t subject_of_statement(const char *statement, uint64_t bytes)
{
	char text[TEXT_BYTES];
	uint32_t used = statement ? sql_text(statement, bytes, text, sizeof(text)) : 0;

	return used ? subject_of_text(text, used, WIRE_SUBJECT_STATEMENT)
		    : subject_of_text("not known", 9, WIRE_SUBJECT_STATEMENT);
}

static void remember(const sqlite3_stmt *statement, uint32_t subject)
{
	if (subject <= 0xffff)
		atomic_store(place_of(statement), (uint64_t)statement << 16 | subject);
}

static uint32_t subject_of(const struct library *library, sqlite3_stmt *statement)
{
	uint64_t found = atomic_load_explicit(place_of(statement), memory_order_relaxed);
	uint32_t subject;

	if (__builtin_expect(found >> 16 == (uint64_t)statement, 1))
		return (uint32_t)found & 0xffff;
	subject = subject_of_statement(
		library->sqlite3_sql ? library->sqlite3_sql(statement) : NULL, UINT64_MAX);
	remember(statement, subject);
	return subject;
}

/*
 * Returns the subject of a statement that was prepared.
 *
 * @text  as the caller gave it, @bytes of it, negative: zero-ended; NULL: not in UTF-8. What the
 *        statement itself keeps of it goes before, but sqlite3_prepare keeps none
 */
static uint32_t subject_of_new(const struct library *library, sqlite3_stmt *statement,
			       const char *text, int bytes)
{
	uint32_t subject;

	forget(statement);
	if (!text || !library->sqlite3_sql || library->sqlite3_sql(statement))
		return subject_of(library, statement);
	subject = subject_of_statement(text, bytes < 0 ? UINT64_MAX : (uint64_t)bytes);
	remember(statement, subject);
	return subject;
}

/* ---- time --------------------------------------------------------------------------------- */

/* A call of SQLite, which may call the program and that SQLite again. */
struct call {
	uint64_t start_ns;
	uint64_t sync_ns;  /* of the thread, at the start */
	uint64_t inner_ns; /* the same of calls inside of the one around */
	uint64_t inner_sync_ns;
};

static struct call begin(void)
{
	struct operation_thread *mine = operation_mine();
	struct call call = {
		.sync_ns = mine->sync_ns,
		.inner_ns = mine->inner_ns,
		.inner_sync_ns = mine->inner_sync_ns,
		.start_ns = clock_now_ns(),
	};

	mine->inner_ns = mine->inner_sync_ns = 0;
	return call;
}

/* Books a call without those inside. */
static void end(const struct call *call, struct operation *operation)
{
	struct operation_thread *mine = operation_mine();
	uint64_t ns = clock_now_ns() - call->start_ns, sync_ns = mine->sync_ns - call->sync_ns;

	operation->total_ns = ns > mine->inner_ns ? ns - mine->inner_ns : 0;
	operation->part_ns = sync_ns > mine->inner_sync_ns ? sync_ns - mine->inner_sync_ns : 0;
	if (operation->part_ns > operation->total_ns)
		operation->part_ns = operation->total_ns;
	mine->inner_ns = call->inner_ns + ns;
	mine->inner_sync_ns = call->inner_sync_ns + sync_ns;
	operation_book(operation);
	operation_spread(operation->subject, operation->kind, operation->total_ns);
}

/* ---- transactions ------------------------------------------------------------------------- */

struct transaction {
	_Atomic(sqlite3 *) connection; /* NULL: none is open */
	uint64_t start_ns, sync_ns;
	uint64_t changes;
};

static struct transaction transactions[CONNECTIONS];

static struct transaction *transaction_of(const sqlite3 *connection)
{
	return &transactions[(uint64_t)connection * 0x9e3779b97f4a7c15u >> 58];
}

/* What stood before a statement was stepped. */
struct before {
	sqlite3 *connection;
	bool is_own; /* no transaction was open: the statement is one of its own */
	bool is_running;
	uint32_t changes;
};

static struct before look(const struct library *library, sqlite3_stmt *statement)
{
	struct before before = {0};

	if (!library->sqlite3_stmt_busy || !library->sqlite3_stmt_readonly)
		return before;
	before.connection = library->sqlite3_db_handle(statement);
	before.is_running = library->sqlite3_stmt_busy(statement);
	before.is_own = library->sqlite3_get_autocommit(before.connection);
	before.changes = (uint32_t)library->sqlite3_total_changes(before.connection);
	return before;
}

static void book_transaction(const struct library *library, sqlite3 *connection, uint32_t node,
			     uint64_t ns, uint64_t sync_ns, uint64_t changes)
{
	const char *name = library->sqlite3_db_filename
				   ? library->sqlite3_db_filename(connection, "main")
				   : NULL;
	uint32_t bytes = 0;
	struct operation operation = {
		.kind = WIRE_OPERATION_TRANSACTION,
		.node = node,
		.count = 1,
		.total_ns = ns,
		.part_ns = sync_ns < ns ? sync_ns : ns,
		.amount = changes,
	};

	if (!name || !*name)
		name = "in memory";
	while (name[bytes])
		bytes++;
	operation.subject = subject_of_text(name, bytes, WIRE_SUBJECT_DATABASE);
	operation_book(&operation);
	operation_spread(operation.subject, operation.kind, ns);
}

/*
 * A statement has run to its end: did a transaction begin or end with it, or is it one itself?
 *
 * @is_refused  it ended in SQLITE_BUSY, so that it is none: BEGIN IMMEDIATE, too, counts to SQLite
 *              as one that writes (sqlite3_stmt_readonly)
 */
static void follow_transaction(const struct library *library, sqlite3_stmt *statement,
			       const struct before *before, const struct call *call,
			       const struct operation *done, bool is_refused)
{
	struct transaction *transaction = transaction_of(before->connection);
	bool is_over = library->sqlite3_get_autocommit(before->connection);
	uint64_t now_ns = clock_now_ns(), sync_ns = operation_mine()->sync_ns;
	uint32_t changes = (uint32_t)library->sqlite3_total_changes(before->connection);

	if (before->is_own && !is_over) {
		transaction->start_ns = call->start_ns;
		transaction->sync_ns = call->sync_ns;
		transaction->changes = before->changes;
		atomic_store(&transaction->connection, before->connection);
	} else if (!before->is_own && is_over) {
		if (atomic_load(&transaction->connection) == before->connection)
			book_transaction(library, before->connection, done->node,
					 now_ns - transaction->start_ns,
					 sync_ns - transaction->sync_ns,
					 (uint32_t)(changes - (uint32_t)transaction->changes));
		atomic_store(&transaction->connection, NULL);
	} else if (before->is_own && !is_refused && !library->sqlite3_stmt_readonly(statement)) {
		book_transaction(library, before->connection, done->node, now_ns - call->start_ns,
				 sync_ns - call->sync_ns, (uint32_t)(changes - before->changes));
	}
}

/* ---- the wrappers ------------------------------------------------------------------------- */

static inline bool is_on(void)
{
	return operation_is_on(WIRE_MODE_SQL);
}

EXPORT int sqlite3_step(sqlite3_stmt *statement)
{
	struct walk_start start = WALK_START();
	const struct library *library = library_of(start.ip);
	struct operation operation = {.kind = WIRE_OPERATION_EXECUTE};
	struct before before;
	struct call call;
	int result;

	if (!library->sqlite3_step)
		return SQLITE_MISUSE;
	if (!statement || !is_on())
		return library->sqlite3_step(statement);
	before = look(library, statement);
	operation.subject = subject_of(library, statement);
	operation_mine()->statements++;
	call = begin();
	result = library->sqlite3_step(statement);
	operation.node = operation_stack(&start);
	operation.count = !before.is_running;
	operation.amount = result == SQLITE_ROW;
	end(&call, &operation);
	if (result != SQLITE_ROW && before.connection)
		follow_transaction(library, statement, &before, &call, &operation,
				   (result & 0xff) == SQLITE_BUSY);
	return result;
}

/* Ends a statement that may be running: what is left to do is its own time. */
#define FINISH(statement, function, is_forgotten)                                                  \
	do {                                                                                       \
		struct walk_start start_ = WALK_START();                                           \
		const struct library *library_ = library_of(start_.ip);                            \
		struct operation operation_ = {.kind = WIRE_OPERATION_EXECUTE};                    \
		bool is_running_;                                                                  \
		struct call call_;                                                                 \
		int result_;                                                                       \
                                                                                                   \
		if (!library_->function)                                                           \
			return SQLITE_MISUSE;                                                      \
		is_running_ = statement && is_on() && library_->sqlite3_stmt_busy &&               \
			      library_->sqlite3_stmt_busy(statement);                              \
		if (is_running_)                                                                   \
			operation_.subject = subject_of(library_, statement);                      \
		if (is_forgotten)                                                                  \
			forget(statement);                                                         \
		if (!is_running_)                                                                  \
			return library_->function(statement);                                      \
		call_ = begin();                                                                   \
		result_ = library_->function(statement);                                           \
		operation_.node = operation_stack(&start_);                                        \
		end(&call_, &operation_);                                                          \
		return result_;                                                                    \
	} while (0)

EXPORT int sqlite3_reset(sqlite3_stmt *statement)
{
	FINISH(statement, sqlite3_reset, false);
}

EXPORT int sqlite3_finalize(sqlite3_stmt *statement)
{
	FINISH(statement, sqlite3_finalize, true);
}

/* Makes a call that prepares *@statement and books it. */
#define PREPARE(function, statement, text, bytes, ...)                                             \
	do {                                                                                       \
		struct walk_start start_ = WALK_START();                                           \
		const struct library *library_ = library_of(start_.ip);                            \
		struct operation operation_ = {.kind = WIRE_OPERATION_PREPARE, .count = 1};        \
		struct call call_;                                                                 \
		int result_;                                                                       \
                                                                                                   \
		if (!library_->function)                                                           \
			return SQLITE_MISUSE;                                                      \
		if (!is_on())                                                                      \
			return library_->function(__VA_ARGS__);                                    \
		operation_mine()->statements++;                                                    \
		call_ = begin();                                                                   \
		result_ = library_->function(__VA_ARGS__);                                         \
		if (!result_ && statement && *(statement)) {                                       \
			operation_.subject = subject_of_new(library_, *(statement), text, bytes);  \
		} else {                                                                           \
			operation_.subject =                                                       \
				subject_of_text("not prepared", 12, WIRE_SUBJECT_STATEMENT);       \
		}                                                                                  \
		operation_.node = operation_stack(&start_);                                        \
		end(&call_, &operation_);                                                          \
		return result_;                                                                    \
	} while (0)

EXPORT int sqlite3_prepare(sqlite3 *connection, const char *text, int bytes,
			   sqlite3_stmt **statement, const char **rest)
{
	PREPARE(sqlite3_prepare, statement, text, bytes, connection, text, bytes, statement, rest);
}

EXPORT int sqlite3_prepare_v2(sqlite3 *connection, const char *text, int bytes,
			      sqlite3_stmt **statement, const char **rest)
{
	PREPARE(sqlite3_prepare_v2, statement, text, bytes, connection, text, bytes, statement,
		rest);
}

EXPORT int sqlite3_prepare_v3(sqlite3 *connection, const char *text, int bytes, unsigned int flags,
			      sqlite3_stmt **statement, const char **rest)
{
	PREPARE(sqlite3_prepare_v3, statement, text, bytes, connection, text, bytes, flags,
		statement, rest);
}

EXPORT int sqlite3_prepare16(sqlite3 *connection, const void *text, int bytes,
			     sqlite3_stmt **statement, const void **rest)
{
	PREPARE(sqlite3_prepare16, statement, NULL, 0, connection, text, bytes, statement, rest);
}

EXPORT int sqlite3_prepare16_v2(sqlite3 *connection, const void *text, int bytes,
				sqlite3_stmt **statement, const void **rest)
{
	PREPARE(sqlite3_prepare16_v2, statement, NULL, 0, connection, text, bytes, statement, rest);
}

EXPORT int sqlite3_prepare16_v3(sqlite3 *connection, const void *text, int bytes,
				unsigned int flags, sqlite3_stmt **statement, const void **rest)
{
	PREPARE(sqlite3_prepare16_v3, statement, NULL, 0, connection, text, bytes, flags, statement,
		rest);
}

EXPORT int sqlite3_exec(sqlite3 *connection, const char *text,
			int (*callback)(void *context, int count, char **values, char **names),
			void *context, char **message)
{
	struct walk_start start = WALK_START();
	const struct library *library = library_of(start.ip);
	struct operation operation = {.kind = WIRE_OPERATION_EXECUTE, .count = 1};
	uint64_t statements_before;
	struct call call;
	int result;

	if (!library->sqlite3_exec)
		return SQLITE_MISUSE;
	if (!is_on())
		return library->sqlite3_exec(connection, text, callback, context, message);
	statements_before = operation_mine()->statements;
	call = begin();
	result = library->sqlite3_exec(connection, text, callback, context, message);
	operation.node = operation_stack(&start);
	if (operation_mine()->statements != statements_before)
		operation.count = 0; /* all were counted; what is left is exec's own time */
	operation.subject = operation.count ? subject_of_statement(text, UINT64_MAX)
					    : subject_of_text("sqlite3_exec itself", 19,
							      WIRE_SUBJECT_STATEMENT);
	end(&call, &operation);
	return result;
}
