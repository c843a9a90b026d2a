#!/usr/bin/env bats
# collector run --step, collector steps: the steps of an unchanged program, and what is wrong with
# some of them. tests/workloads/calls stalls in every 137th step.

bats_require_minimum_version 1.5.0
load requirements
load profiles

setup() {
	require root
	require bpf
	require perf
	cd "$BATS_TEST_TMPDIR"
	CALLS=$BUILD/workloads/calls
}

@test "a stall in every 137th step is found, with its period and its stack" {
	require node
	collector run -q -o a --budget none --step step --time work -- "$CALLS" steps 830 >said
	collector steps a.prof >text
	cat text
	grep -q '^830 steps' text
	grep -q '^every 137 steps a long one, from step 137 on: 6 of 6' text
	# Where the processor was taken for longer than the stall, its time is that of the path only.
	grep -qE '^(long steps are long|what was sampled of it is) in .*main > run_steps > step > stall' text
	collector steps --json -o steps.json a.prof
	[ "$(ask steps.json '[it.period.every, it.period.first, it.steps.count, it.steps.series.length]')" = \
		"$(node -p '[137, 137, 830, 830]')" ]
	[ "$(ask steps.json 'const f = it.functions.find(f => f.function === "stall"); f.slow > 10 * f.typical')" = true ]
	[ "$(ask steps.json 'it.samples_outside / it.samples_in_steps < 0.1')" = true ]
	collector calls a.prof | grep -q '830  *1.00 .*  work'
}

@test "folded stacks have a column for typical and one for long steps" {
	collector run -q -o a --step step -- "$CALLS" steps 500 >said
	collector steps --folded a.prof >folded
	[ "$(grep -cvE '^[^;].* [0-9]+ [0-9]+$' folded)" -eq 0 ]
	grep ';stall' folded | awk '{ typical += $(NF - 1); long += $NF } END { exit !(long > 10 * typical) }'
}

@test "slow steps against typical ones are a flame graph, where what makes them slow is new or more" {
	require xmllint
	"$BUILD/bench/synthetic_profile" steps steps.prof
	collector steps --flame -o slow.svg steps.prof
	xmllint --noout slow.svg
	grep -q 'per step: .* typical steps (base) against .* slow ones (new)' slow.svg
	grep -A2 '<title>stall' slow.svg | grep -q 'total per step .* (p ≤ 0.001)'
	synthetic small
	fails_with 1 'record with --step FUNCTION' collector steps --flame small.prof
}

@test "on a terminal the steps are told while it runs, with speed and what is left" {
	script -qec "collector run -o a --step step --steps 1500 -- '$CALLS' steps 1500" typescript >/dev/null
	tr '\r' '\n' <typescript >lines
	grep -qE '^steps [0-9]+ of 1500 \[#*-*\] +[0-9]+ %  [0-9.]+ steps/s, [0-9.]+ s left' lines
	collector run -o a --step step --steps 500 -- "$CALLS" steps 500 2>said >out
	run ! grep -q 'steps/s' said
	fails_with 125 "--steps takes a number of steps, not 'some'" collector run --step step --steps some -- true
}

@test "a profile without steps says what to record" {
	synthetic small
	fails_with 1 'record with --step FUNCTION' collector steps small.prof
}

@test "what the program allocates, waits for, writes and executes in each step is exact, from the first one on" {
	require sqlite3
	cat >amounts.c <<-'C'
		#include <pthread.h>
		#include <sqlite3.h>
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>
		static pthread_barrier_t begun, done;
		static int number;
		static sqlite3_stmt *statement;
		static void use(int count, size_t bytes)
		{
			for (int i = 0; i < count; i++) {
				void *volatile block = malloc(bytes);
				free(block);
			}
		}
		static void *help(void *unused)
		{
			for (;;) {
				pthread_barrier_wait(&begun);
				if (!number)
					return unused;
				use(2 * number, 10);
				pthread_barrier_wait(&done);
			}
		}
		__attribute__((noinline)) static void part(void)
		{
			use(number, 100);
		}
		__attribute__((noinline)) void step(int files)
		{
			pthread_barrier_wait(&begun);
			part();
			for (int i = 0; i < number; i++)
				if (write(files, "abc", 3) != 3)
					abort();
			for (int i = 0; i < number; i++) {
				sqlite3_step(statement);
				sqlite3_reset(statement);
			}
			pthread_barrier_wait(&done);
			__asm__ volatile("");
		}
		int main(void)
		{
			pthread_t helper;
			sqlite3 *database;
			pthread_barrier_init(&begun, NULL, 2);
			pthread_barrier_init(&done, NULL, 2);
			pthread_create(&helper, NULL, help, NULL);
			sqlite3_open(":memory:", &database);
			sqlite3_prepare_v2(database, "SELECT 1", -1, &statement, NULL);
			sqlite3_step(statement);
			sqlite3_reset(statement);
			for (number = 1; number <= 25; number++) {
				step(1);
				use(1000, 1000);
			}
			number = 0;
			pthread_barrier_wait(&begun);
			pthread_join(helper, NULL);
		}
	C
	gcc -O2 -g -fno-builtin -o amounts amounts.c -lsqlite3 -pthread
	collector run -q -o a --memory --locks --io --sql --step step -- ./amounts >said
	collector steps --json -o steps.json a.prof
	# values NAME CONDITION: in how many steps it holds
	values() {
		sqlite3 :memory: "SELECT count(*) FROM json_each(readfile('steps.json'), '\$.amounts') a,
			json_each(a.value, '\$.values') v WHERE json_extract(a.value, '\$.name') = '$1' AND $2"
	}
	[ "$(values allocations 'v.value = 3 * (v.key + 1)')" = 25 ]
	[ "$(values allocated 'v.value = 120 * (v.key + 1)')" = 25 ]
	[ "$(values io-bytes 'v.value = 3 * (v.key + 1)')" = 25 ]
	[ "$(values executions 'v.value = v.key + 1')" = 25 ]
	for name in await io-time sql-time; do
		[ "$(values $name 'v.value > 0')" = 25 ]
	done
	# Nothing stands in the way of walks inside of a step.
	[ "$(sqlite3 a.prof "SELECT count(*) FROM samples s JOIN metrics m ON m.id = s.metric
		JOIN endings e ON e.id = s.ending WHERE m.name = 'allocations' AND NOT e.complete")" = 0 ]
	collector export --format folded --metric allocations a.prof | grep -qE ';main;step;part;use [0-9]+$'
	run -0 collector memory a.prof
	[[ $output == *" allocations a step; median "*", p95 "*", most 75"* ]]
	for report in locks io sql; do
		run -0 collector $report a.prof
		[[ $output == *" a step; median "* ]]
	done
}

@test "a step function that costs more than the budget is taken off, and all who asked are told" {
	cat >tick.c <<-'C'
		static volatile unsigned long n;
		__attribute__((noipa)) void seldom(void) { __asm__ volatile("push %rbx; pop %rbx"); n++; }
		__attribute__((noipa)) void often(void) { n++; }
		__attribute__((noipa)) void tick(int i)
		{
			for (volatile int k = 0; k < 100; k++) {}
			often();
			often();
			if (i % 1000 == 0)
				seldom();
		}
		int main(void)
		{
			for (int i = 0; i < 2000000; i++)
				tick(i);
			return 0;
		}
	C
	gcc -O1 -o tick tick.c
	collector run -q -o a --step tick --time often --count seldom -- ./tick
	collector calls a.prof | tee text
	# From then on nothing is in a step, and no window is made of steps.
	grep -qE '^ *> .* tick$' text
	grep -q '^note: .*tick.*: to keep the budget its probe was taken off at .*--budget none' text
	grep -qE '^note: .*often.*: to keep the budget (its probe was taken off|counted in [0-9]+ (to [0-9]+ )?windows of time)' text
	# Of the one that is counted at a cheap place; on a machine with much else to do it may fall back as well.
	[ "$(sqlite3 a.prof 'SELECT count(*) FROM timings JOIN probes ON probe = probes.id WHERE mode = 1 AND kind = 1 AND step_calls < 500 AND (is_partial OR calls = 2000)')" = 1 ]
	collector steps a.prof | tee text
	grep -q '^(!) tick: to keep the budget its probe was taken off at .*later steps are missing, and what estimates are per step .* does not hold; --budget none' text
	collector steps --json a.prof >steps.json
	[ "$(sqlite3 :memory: "SELECT json_extract(readfile('steps.json'), '\$.step_functions[0].partial')")" = 1 ]
}

@test "a step function that costs too much to be timed is counted to the end where the budget lets it" {
	cat >tick.c <<-'C'
		static volatile double x;
		__attribute__((noipa)) void tick(void)
		{
			__asm__ volatile("push %rbx; pop %rbx"); /* cheap to probe */
			for (int k = 0; k < 10000; k++)
				x = x * 0.5 + 1;
		}
		int main(void)
		{
			for (int i = 0; i < 10000; i++)
				tick();
			return 0;
		}
	C
	gcc -O1 -o tick tick.c
	# What a call costs here and now decides what becomes of it; of each the report has to be right.
	for budget in 2 4 8; do
		collector run -q -o a --step tick --budget $budget -- ./tick
		collector calls a.prof | tee text
		collector steps a.prof | tee -a text
		if grep -q '^note: .*tick.*: to keep the budget only counted' text; then
			grep -qE '^ *10000 +1\.00 +> .* tick$' text
			grep -q '^(!) tick: to keep the budget only counted from .* on: of later steps no more than the number is known, and what estimates are per step does not hold' text
			run ! grep -q 'left without a return' text
			[ "$(sqlite3 a.prof 'SELECT count(*) < 10000 FROM steps')" = 1 ]
		elif grep -q '^note: .*tick.*: to keep the budget' text; then
			grep -qE '^ *> .* tick$' text
		else
			grep -qE '^ *10000 +1\.00 .* tick$' text
			[ "$(sqlite3 a.prof 'SELECT count(*) FROM steps')" = 10000 ]
		fi
	done
}

@test "several functions that are steps are told at the start and in the report, with their files" {
	printf '__attribute__((noipa)) static void step(void) { __asm__ volatile(""); }\nvoid one(void) { step(); }\n' >one.c
	printf '__attribute__((noipa)) static void step(void) { __asm__ volatile(""); }\nvoid two(void) { step(); step(); }\n' >two.c
	printf 'void one(void), two(void); int main(void) { for (int i = 0; i < 100; i++) { one(); two(); } }\n' >both.c
	gcc -g -O1 -o both one.c two.c both.c
	collector run --budget none -o a --step step -- ./both 2>said
	grep -q '^(!) steps *of 2 functions, all in one series: step of \(one.c, step of two\|two.c, step of one\).c$' said
	collector steps a.prof | tee text
	grep -q '^(!) 2 functions are steps, all in one series: .*step of two.c (200)' text
	grep -q 'step of one.c (100)' text
}

@test "where long steps wait no function is accused, but the recording that tells is named" {
	cat >wait.c <<-'C'
		#include <unistd.h>
		__attribute__((noipa)) void work(void) { for (volatile int i = 0; i < 200000; i++) {} }
		__attribute__((noipa)) void step(int n)
		{
			work();
			if (n % 20 == 19)
				usleep(20000);
			__asm__ volatile("");
		}
		int main(void) { for (int n = 0; n < 400; n++) step(n); }
	C
	gcc -g -O1 -o wait wait.c
	collector run -q -o a --budget none --step step -- ./wait
	collector steps a.prof | tee text
	grep -q '^every 20 steps a long one' text
	run ! grep -q 'long steps are long in' text
	grep -qE '^of .* that long steps take more .* is not CPU time of the sampled threads: they wait, or were not sampled; --off-cpu' text
	collector steps --json a.prof >steps.json
	[ "$(sqlite3 :memory: "SELECT json_extract(readfile('steps.json'), '\$.explained')")" = 0 ]
	collector run -q -o b --budget none --off-cpu --step step -- ./wait
	collector steps b.prof | tee text
	grep -q 'long steps are long in .*main > step > .*sleep' text
}
