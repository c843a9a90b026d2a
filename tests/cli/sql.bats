#!/usr/bin/env bats
# collector run --sql: every statement is counted with its text, rows, time in fsync and stack.

bats_require_minimum_version 1.5.0
load requirements

setup() {
	cd "$BATS_TEST_TMPDIR"
}

value() {
	sqlite3 x.prof "$1"
}

record() {
	collector run -q -o x --sql "$@"
}

# statement TEXT COLUMN [KIND]: of its executions (13), preparations (12).
statement() {
	value "SELECT coalesce(sum($2), 0) FROM operations o JOIN subjects s ON s.id = o.subject
		WHERE s.kind = 9 AND s.name = '$1' AND o.kind = ${3-13}"
}

transactions() {
	value "SELECT sum(count), sum(amount) FROM operations WHERE kind = 14"
}

@test "executions, rows and transactions of the sqlite3 program are those of its script" {
	require sqlite3
	script="CREATE TABLE t(a INTEGER, b TEXT);
		BEGIN; INSERT INTO t VALUES (1, 'x'); INSERT INTO t VALUES (2, 'it''s');
		INSERT INTO t VALUES (3, 'z'); COMMIT;
		INSERT INTO t VALUES (4, 'own'); -- a transaction of its own
		SELECT a, b FROM t WHERE a > 1;
		SELECT a, b FROM t WHERE a > 0;
		BEGIN; DELETE FROM t WHERE a < 3; ROLLBACK;"
	record -- sqlite3 t.db "$script" >rows
	[ "$(wc -l <rows)" = 7 ]
	[ "$(statement 'INSERT INTO t VALUES (?, ?)' count)" = 4 ]
	[ "$(statement 'INSERT INTO t VALUES (?, ?)' count 12)" = 4 ]
	[ "$(statement 'SELECT a, b FROM t WHERE a > ?' count)" = 2 ]
	[ "$(statement 'SELECT a, b FROM t WHERE a > ?' amount)" = 7 ]
	[ "$(statement COMMIT count)" = 1 ]
	[ "$(transactions)" = "4|6" ] # the table, three, one, and two that were taken back
	[ "$(statement COMMIT 'part_ns > 0')" -ge 1 ]
	run -0 collector sql x.prof
	[[ $output == *"transactions 4, 1.5 rows changed in each on average"* ]]
	[[ $output == *"/t.db"* ]]
}

@test "Python's module, loaded late and for itself alone, works and is counted" {
	require python3
	cat >p.py <<-'END'
		import sqlite3
		c = sqlite3.connect("p.db")
		c.execute("CREATE TABLE t (a INTEGER, b TEXT)")
		for i in range(100):
		    c.execute("INSERT INTO t VALUES (?, ?)", (i, "x"))
		c.commit()
		c.executemany("INSERT INTO t VALUES (?, ?)", [(i, "y") for i in range(50)])
		c.commit()
		print(len(c.execute("SELECT * FROM t WHERE a >= 40").fetchall()))
		c.create_function("twice", 1, lambda x: 2 * c.execute("SELECT ?", (x,)).fetchone()[0])
		print(c.execute("SELECT sum(twice(a)) FROM t").fetchone())
		try:
		    c.execute("SELECT nonsense FROM t")
		except sqlite3.OperationalError as error:
		    print(error)
	END
	plain=$(python3 p.py)
	rm p.db
	[ "$(record -- python3 p.py)" = "$plain" ]
	[ "$(statement 'INSERT INTO t VALUES (?, ?)' count)" = 150 ]
	[ "$(statement 'SELECT * FROM t WHERE a >= ?' amount)" = 70 ]
	[ "$(statement 'SELECT ?' count)" = 150 ]
	[ "$(statement 'not prepared' count 12)" = 1 ]
	[ "$(transactions)" = "3|150" ]
	# The outer statement's time is without that of those it executed itself.
	[ "$(value "SELECT sum(total_ns) FROM operations WHERE kind IN (12, 13)")" -lt \
		"$(value "SELECT value FROM meta WHERE key = 'duration_ns'")" ]
}

@test "what is refused because the database is busy is no transaction" {
	require python3
	cat >busy.py <<-'END'
		import sqlite3
		a, b = (sqlite3.connect("b.db", timeout=0, isolation_level=None) for i in range(2))
		a.execute("CREATE TABLE t (a INTEGER)")
		a.execute("BEGIN IMMEDIATE")
		a.execute("INSERT INTO t VALUES (1)")
		for text in "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "INSERT INTO t VALUES (2)":
		    try:
		        b.execute(text)
		    except sqlite3.OperationalError as error:
		        print(error)
		a.execute("COMMIT")
		b.execute("BEGIN IMMEDIATE")
		b.execute("ROLLBACK")
	END
	[ "$(record -- python3 busy.py | sort | uniq -c | sed 's/^ *//')" = "3 database is locked" ]
	[ "$(statement 'BEGIN IMMEDIATE' count)" = 3 ]
	[ "$(transactions)" = "3|1" ] # the table, the row, and the one that was taken back
}

@test "the engine's rows are those that its database has, and its states are the same" {
	sim=("$BUILD/bin/sim" --agents 20 --steps 15 --state-hash)
	"${sim[@]}" --database plain.db 2>&1 | grep -v '^seconds\|^steps/s' >plain
	record -- "${sim[@]}" --database x.db 2>&1 | grep -v '^seconds\|^steps/s' >watched
	diff plain watched
	# Of each table as the engine says itself, and all together with the changes of UPDATE.
	rows=0
	for table in $(sqlite3 x.db "SELECT name FROM sqlite_master WHERE type = 'table'"); do
		count=$(sqlite3 x.db "SELECT count(*) FROM $table")
		rows=$((rows + count))
		grep -qE "^rows $table +$count\$" watched || [ "$table" = simulations ]
	done
	updates=$(value "SELECT coalesce(sum(count), 0) FROM operations o
		JOIN subjects s ON s.id = o.subject WHERE o.kind = 13 AND s.name GLOB 'UPDATE *'")
	[ "$(value "SELECT sum(amount) FROM operations WHERE kind = 14")" = $((rows + updates)) ]
	# One for the tables, the others are the engine's own count.
	own=$(sed -n 's/^transactions *//p' watched)
	[ "$(statement COMMIT count)" = $((own + 1)) ]
}

@test "fsync's time is a part of the statement's, also with --io" {
	require sqlite3
	collector run -q -o x --sql --io -- sqlite3 t.db 'CREATE TABLE t(a)'
	[ "$(value "SELECT count(*) FROM operations WHERE kind = 13 AND part_ns > total_ns")" = 0 ]
	[ "$(statement 'CREATE TABLE t(a)' part_ns)" -gt 0 ]
	synced=$(value "SELECT sum(total_ns) FROM operations WHERE kind = 8")
	part=$(value "SELECT sum(part_ns) FROM operations WHERE kind = 13")
	[ "$part" -le $((synced + synced / 10 + 100000)) ]
	[ "$part" -ge $((synced / 2)) ]
}

@test "a plugin with a copy of its own goes on calling its own" {
	cat >own.c <<-'END'
		const char *sqlite3_sql(void *s) { (void)s; return "SELECT 'own'"; }
		int sqlite3_step(void *s) { return *(int *)s; }
		int step(void *s) { return sqlite3_step(s); }
	END
	cat >host.c <<-'END'
		#include <dlfcn.h>
		#include <stdio.h>
		int main(void)
		{
			int number = 4711;
			void *own = dlopen("./own.so", RTLD_NOW | RTLD_LOCAL);
			int (*step)(void *) = (int (*)(void *))dlsym(own, "step");
			printf("%d\n", step(&number));
			dlclose(own);
			return 0;
		}
	END
	gcc -O2 -g -shared -fPIC -o own.so own.c
	gcc -O2 -g -o host host.c
	[ "$(record -- ./host)" = 4711 ]
	[ "$(collector run -q -o y --io -- ./host)" = 4711 ]
	[ "$(statement 'SELECT ?' count)" = 1 ]
}

@test "calls by pointers out of the library are not seen, and the report says so" {
	cat >pointers.c <<-'END'
		#include <dlfcn.h>
		#include <sqlite3.h>
		#define FIND(name) __typeof__(name) *p_##name = (__typeof__(name) *)dlsym(library, #name)
		int main(void)
		{
			void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
			FIND(sqlite3_open);
			FIND(sqlite3_prepare_v2);
			FIND(sqlite3_step);
			FIND(sqlite3_finalize);
			sqlite3 *database;
			sqlite3_stmt *statement;
			if (p_sqlite3_open(":memory:", &database) ||
			    p_sqlite3_prepare_v2(database, "SELECT 1", -1, &statement, 0) ||
			    p_sqlite3_step(statement) != SQLITE_ROW)
				return 1;
			return p_sqlite3_finalize(statement);
		}
	END
	gcc -w -o pointers pointers.c
	record -- ./pointers
	run -0 collector sql x.prof
	[[ $output == *"called by pointers that dlsym took out of it"*"calls by pointers that dlsym took out of the library are not seen"* ]]
}

@test "a statement that is none, or that cannot be prepared, is not executed" {
	cat >wrong.c <<-'END'
		#include <sqlite3.h>
		int main(void)
		{
			sqlite3 *database;
			sqlite3_open(":memory:", &database);
			sqlite3_exec(database, "SELEC 1", 0, 0, 0);
			sqlite3_exec(database, "SELECT 1; SELEC 2", 0, 0, 0);
			sqlite3_exec(database, "-- nothing", 0, 0, 0);
			return sqlite3_close(database);
		}
	END
	gcc -o wrong wrong.c -lsqlite3
	record -- ./wrong
	run -0 collector sql x.prof
	[[ $output == *" in 1 executions, 1 rows; prepared "* ]]
	[[ $output != *"SELEC ?"* ]]
}

@test "the report, the picture and the help" {
	require sqlite3
	record -- sqlite3 t.db "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2); SELECT a FROM t;"
	run -0 collector sql x.prof
	[[ $output == *"executions"*"statement"*"INSERT INTO t VALUES (?), (?)"* ]]
	collector sql --json -o x.json x.prof
	[ "$(sqlite3 :memory: "SELECT json_extract(value, '\$.rows') FROM
		json_each(readfile('x.json'), '\$.statements')
		WHERE json_extract(value, '\$.name') = 'SELECT a FROM t'")" = 2 ]
	collector export --format folded --metric sql-time x.prof |
		grep -qF '[execute SELECT a FROM t]'
	run -0 collector run --help
	[[ $output == *"--sql"* ]]
	record -- true
	run -0 collector sql x.prof
	[[ $output == *"a copy of SQLite inside the program is not seen"* ]]
	collector run -q -o x -- true
	run -1 --separate-stderr collector sql x.prof
	# shellcheck disable=SC2154 # by run --separate-stderr
	[[ $stderr == *"record with collector run --sql"* ]]
}
