#!/usr/bin/env bats
# collector run --hits: executions of lines and blocks, equal to those that gcov and callgrind count.

bats_require_minimum_version 1.5.0
load requirements
load begun
load profiles
load executed

setup() {
	require root
	require bpf
	require perf
	cd "$BATS_TEST_TMPDIR"
	SIM=$BUILD/bin/sim
	export OPENBLAS_NUM_THREADS=1 LD_BIND_NOW=1
}

@test "lines of a C program are hit as often as gcov counts" {
	require gcov
	gcc -O0 -g -o ways "$BATS_TEST_DIRNAME/../workloads/ways.c"
	gcc -O0 --coverage -o covered "$BATS_TEST_DIRNAME/../workloads/ways.c"
	./covered 1000 >expected
	gcov -t -- *.gcda |
		awk -F: '$1 !~ /-/ { gsub(/[ *]/, "", $1); print $2 + 0, $1 == "#####" ? 0 : $1 }' >gcov
	collector run -q --budget none --hits 'ways.c:*' -- ./ways 1000 >said
	cmp said expected
	sqlite3 ways.prof "SELECT line || ' ' || sum(hits) FROM line_hits GROUP BY line" |
		awk 'NR == FNR { gcov[$1] = $2; next }
			$1 in gcov { n++; if (gcov[$1] != $2) { bad = 1; print "line " $1 ": " $2 ", gcov " gcov[$1] } }
			END { print n " lines"; exit bad || n < 40 }' gcov -
	[ "$(sqlite3 ways.prof 'SELECT count(*) FROM hit_functions WHERE note NOT NULL')" = 0 ]
	[ "$(sqlite3 ways.prof 'SELECT count(DISTINCT label) FROM block_hits')" = 2 ]
}

# bats test_tags=alone
@test "blocks of the engine, its kernels and libsqlite3 are executed as often as callgrind counts" {
	require valgrind
	args=(--agents 20 --steps 5 --state-hash)
	callgrind "$SIM" "${args[@]}" >alone
	collector run -q --budget none --hits 'agent_act,environment_update,action_perform,kd_tree_build,quadtree_insert,sort_many,spatial_found_sort,resources_regenerate,random_below,database_log_action,observation_add_agent,turns_take,libsqlite3:sqlite3VdbeExec,libsqlite3:sqlite3_step' \
		-- "$SIM" "${args[@]}" >with 2>/dev/null
	cmp alone with
	for object in sim libsqlite3; do
		cp sim.prof "$object.part"
		sqlite3 "$object.part" "DELETE FROM block_hits WHERE function NOT IN (SELECT h.id FROM hit_functions h
			JOIN frames ON frames.id = frame JOIN modules ON modules.id = module WHERE path LIKE '%/$object%')"
	done
	equal_to_callgrind sim.part /sim callgrind.out
	equal_to_callgrind libsqlite3.part 'libsqlite3.so[0-9.]*' callgrind.out
}

# bats test_tags=alone
@test "blocks that exceptions leave and land in are executed as often as callgrind counts" {
	require valgrind
	for kind in throw rethrow deep switch; do
		callgrind "$BUILD/workloads/exceptions" $kind 99 >alone
		collector run -q --budget none --hits '*' -- "$BUILD/workloads/exceptions" $kind 99 >with
		cmp alone with
		equal_to_callgrind exceptions.prof exceptions callgrind.out
	done
}

@test "a budget ends the counting, and what is known then is an estimate of its calls" {
	ways=$BUILD/workloads/ways
	"$ways" 3000000 >alone
	collector run --hits loops,choices -- "$ways" 3000000 >with 2>said
	cmp alone with
	grep -q 'lines  *loops: .* blocks, .* probes, about .* us a hit' said
	[ "$(sqlite3 ways.prof 'SELECT group_concat(DISTINCT label) FROM line_hits')" = 2 ]
	[ "$(sqlite3 ways.prof 'SELECT min(counted_calls < calls AND counted_calls > 0) FROM hit_functions')" = 1 ]
	sqlite3 ways.prof 'SELECT note FROM hit_functions' | grep -q 'estimated for .* calls from .* of them'
}

@test "probes on hot functions of a short run are taken off before a tenth of it was counted" {
	"$BUILD/workloads/ways" 300000 >alone
	collector run -q --budget 5% --hits loops,choices -- "$BUILD/workloads/ways" 300000 >with
	cmp alone with
	cost=$(sqlite3 ways.prof "SELECT value FROM meta WHERE key = 'hits_cost_ns'")
	used=$(sqlite3 ways.prof "SELECT value FROM meta WHERE key = 'target_cpu_ns'")
	[ "$cost" -ge 500000 ]
	[ "$cost" -le $((used / 20 + 200000000)) ]
	[ "$(sqlite3 ways.prof 'SELECT max(counted_calls) < 30000 FROM hit_functions')" = 1 ]
}

@test "calls that outlast the windows of a budget are neither exact nor without doubt" {
	cat >outlast.c <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		__attribute__((noinline)) unsigned long divs(unsigned long n)
		{
			unsigned long sum = 0;
			for (unsigned long i = 1; i < n; i++)
				sum += n / i;
			return sum;
		}
		int main(int c, char **v)
		{
			unsigned long sum = 0;
			for (int i = 0; i < atoi(v[1]); i++)
				sum += divs(3000000 + i);
			printf("%lu\n", sum);
			return c == 0;
		}
	END
	gcc -g -O2 -o outlast outlast.c
	collector run -q --budget 5% --hits divs,main -- ./outlast 10 >said
	[ "$(sqlite3 outlast.prof 'SELECT count(*) FROM line_hits WHERE label != 2 OR margin < hits OR margin = 0')" = 0 ]
	[ "$(sqlite3 outlast.prof "SELECT count(*) FROM hit_functions WHERE note LIKE '%ended within each%' OR counted_calls = 0")" = 2 ]
	collector run -q --budget none -o whole --hits main -- ./outlast 1 >said
	[ "$(sqlite3 whole.prof 'SELECT count(*) FROM line_hits WHERE label = 2')" = 0 ]
}

@test "a sample within a probe's own copy of an instruction is of the function that is probed, with its callers" {
	cat >stepped.c <<-'C'
		#define FUNCTION __attribute__((noinline, noclone, noipa))
		FUNCTION unsigned leaf(unsigned value) { return value * 3 + 1; }
		FUNCTION unsigned caller(void) { unsigned sum = 0; for (unsigned i = 0; i < 50000; i++) sum += leaf(i); return sum; }
		int main(void) { return caller() == 7; }
	C
	gcc -O1 -g -o stepped stepped.c
	collector run -q --budget none --hits leaf -- ./stepped
	sqlite3 stepped.prof "
		WITH RECURSIVE up(sample, stack) AS (
			SELECT rowid, stack FROM samples UNION ALL SELECT sample, parent FROM up JOIN stacks ON id = stack WHERE parent)
		SELECT (SELECT count(*) FROM samples), count(DISTINCT CASE WHEN path = '[uprobes]' THEN sample END),
			count(DISTINCT CASE WHEN functions.name = 'caller' THEN sample END)
		FROM up JOIN stacks ON stacks.id = up.stack JOIN frames ON frames.id = stacks.frame JOIN modules ON modules.id = frames.module
			LEFT JOIN lines ON lines.frame = frames.id LEFT JOIN functions ON functions.id = lines.function" | tee found
	awk -F'|' '{ exit !($1 > 20 && $2 <= $1 / 10 && $3 > $1 / 2) }' found
}

@test "what cannot be counted is one sentence, and nothing is run" {
	printf '.globl odd\n.type odd,@function\nodd: cmpl $7,(%%rdi)\n jne 1f\n.byte 0xb8\n1: .byte 0x0f,0x0b,0x90,0x90\n ret\n.size odd,.-odd\n.section .note.GNU-stack\n' >odd.s
	printf 'int odd(int *);\n__attribute__((noipa)) int even(void) { return 2; }\nint main(int c, char **v) { return c > 1 ? odd(&c) : even() - 2; }\n' >even.c
	gcc -O1 -o odd even.c odd.s
	fails_with 125 "the lines of 'odd' cannot be counted: a jump in it leads into the middle of an instruction" \
		collector run --hits odd -- ./odd
	[ ! -e odd.prof ]
	collector run -q --budget none --hits odd,even -- ./odd
	sqlite3 odd.prof 'SELECT note FROM hit_functions' >notes
	grep -q 'not counted: a jump in it leads into the middle' notes
	grep -q 'its lines are not known: build it with -g' notes
	[ "$(sqlite3 odd.prof 'SELECT max(hits) FROM block_hits')" = 1 ]
	collector lines odd.prof even >text
	grep -q 'hits of even by address: debug information of odd, which would tell lines, is missing (-g)' text
	grep -qE '^ *1 +[0-9a-f]+ +[0-9]+ +[0-9]+$' text
	[ "$(grep -c 'hits of odd by address' text)" = 0 ]
	[ "$(sqlite3 :memory: "SELECT json_extract(value, '\$.function') || json_extract(value, '\$.hits')
		FROM json_each(readfile('$(collector lines --json odd.prof >json && echo json)'), '\$.hits_by_address')")" = even1 ]
	fails_with 125 "there is no function 'kd_tre_build' in sim or its libraries; did you mean kd_tree_build?" \
		collector run --hits kd_tre_build -- "$SIM"
	fails_with 125 'is of no library that the program loads at its start' \
		collector run --hits libnone:f -- "$SIM"
	fails_with 125 'the lines of at most 64 can be counted at a time' collector run --hits '*' -- "$SIM"
}

@test "of a running program whole calls are counted, and no others" {
	"$BUILD/workloads/ways" 4000000000 >said 3>&- &
	pid=$!
	begun $pid
	collector attach -q -o ways -d 0.5 --budget none --hits loops $pid
	kill $pid
	wait $pid || true
	[ "$(sqlite3 ways.prof 'SELECT calls = counted_calls AND calls > 0 AND note IS NULL FROM hit_functions')" = 1 ]
	[ "$(sqlite3 ways.prof 'SELECT count(*) FROM line_hits, hit_functions WHERE hits = calls')" -gt 1 ]
}
