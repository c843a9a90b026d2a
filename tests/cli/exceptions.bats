#!/usr/bin/env bats
# collector run --budget none --time of C++: calls are counted and timed whatever leaves them, and the program's
# results stay its own. tests/workloads/exceptions counts its own calls and throws.

load requirements
load profiles

setup() {
	require root
	require bpf
	require perf
	cd "$BATS_TEST_TMPDIR"
	THROWS=$BUILD/workloads/exceptions
}

# of FUNCTION COLUMN: the sum of a column of timings over the function's threads
of() {
	sqlite3 a.prof "
		SELECT sum(timings.$2) FROM timings JOIN probes ON probes.id = timings.probe
		JOIN lines ON lines.frame = probes.frame JOIN functions ON functions.id = lines.function
		WHERE functions.name = '$1' OR functions.name LIKE '$1(%'"
}

functions='thrower,middle,catcher,relay,outer,dive,top,front,back,maybe,odd,choose,forker,*guarded*'

@test "counts, returns and throws equal the program's own, and so do its results" {
	for kind in throw rethrow deep threads tail maybe switch fork; do
		"$THROWS" $kind 240 >alone
		collector run --budget none -q -o a --time "$functions" -- "$THROWS" $kind 240 >with
		cmp alone with
		while read -r function calls thrown; do
			[[ $function != sum ]] || continue
			echo "$kind $function: $(of "$function" calls) calls, $(of "$function" thrown) thrown; itself says $calls, $thrown"
			[ "$(of "$function" calls)" = "$calls" ]
			[ "$(of "$function" returns)" = "$calls" ]
			[ "$(of "$function" thrown)" = "$thrown" ]
		done <alone
	done
}

@test "a call that an exception leaves is timed until it is caught" {
	collector run --budget none -q -o a --time late -- "$THROWS" late 200 >said
	own=$(awk '/late_ns/ { print $2 }' said)
	ours=$(of late sum_ns)
	echo "$ours ns, itself says $own"
	[ "$ours" -le "$own" ]
	[ "$ours" -ge $((own / 2)) ]
	collector calls a.prof | grep -q 'late.*: 200 left by an exception, timed until it was caught'
}

@test "threads that are cancelled unwind through timed functions, and longjmp leaves them" {
	"$THROWS" cancel 5 >alone
	collector run --budget none -q -o a --time 'waiter,*guarded*' -- "$THROWS" cancel 5 >with
	cmp alone with
	[ "$(of waiter calls)" = 5 ]
	[ "$(of guarded::~guarded returns)" = 5 ]
	collector run --budget none -q -o a --time jumper -- "$THROWS" longjmp 100 >with
	[ "$(of jumper calls)" = 100 ]
	[ "$(of jumper returns)" = 50 ]
	collector calls a.prof | grep -q 'jumper: .*left without a return (longjmp), not timed'
}

@test "a function whose exits are not all known is only counted, and its row says why" {
	cat >odd.cc <<-'C'
		int main() { try { throw 1; } catch (int) { return 0; } }
		asm(".globl odd\n.type odd,@function\nodd: jrcxz main\n ret\n.size odd,.-odd\n");
	C
	g++ -O1 -no-pie -o odd odd.cc
	collector run --budget none -q -o a --time 'odd,main' -- ./odd
	collector calls a.prof >text
	cat text
	grep -q 'odd: only counted: exceptions may pass through it.*left in a way that cannot be probed' text
}

@test "what took a call's place is told as missing in its time, and in that of steps" {
	require node
	"$THROWS" tail 200 >alone
	collector run --budget none -q -o a --time back --step front -- "$THROWS" tail 200 >with
	cmp alone with
	collector calls a.prof >text
	cat text
	# Its mean and percentiles are no more certain than its total.
	[ "$(grep -E '^ *200 .* front' text | grep -o '> ' | wc -l)" -ge 8 ]
	[ "$(grep -E '^ *200 .* back' text | grep -c '> ')" = 0 ]
	collector report --json -o report.json a.prof
	ask report.json 'const t = it.sections.find(s => s.id === "latency").tables[0];
		const mean = t.columns.findIndex(c => c.id === "mean");
		JSON.stringify(t.rows.map(r => [r[0].split("(")[0], Array.isArray(r[mean]) && r[mean][2] === null]).sort())' >bounds
	[ "$(cat bounds)" = '[["back",false],["front",true]]' ]
	collector report --markdown -o report.md a.prof
	grep '^| front' report.md | grep -q '| &#62; .* | &#62; '
	grep -q 'mean &gt; .*: without what tail calls led to' <(collector report -o /dev/stdout a.prof)
	grep -q '^probes: .* and at exits, most of which it must step over (' text
	grep -q 'front.*: 200 of its calls ended in a jump to another function (tail call), and what that did is not in its time' text
	[ "$(grep -c 'back.*: .* ended in a jump' text)" = 0 ]
	[ "$(grep -c 'counts: exact, every call' text)" = 0 ]
	collector calls --json -o calls.json a.prof
	[ "$(ask calls.json 'it.functions.map(f => f.function.split("(")[0] + f.tail_calls).sort().join(" ")')" = 'back0 front200' ]
	[ "$(ask calls.json 'it.functions.map(f => [f.function.split("(")[0], f.partial, f.at_least.includes("mean_ns"), f.at_least.includes("p99_ns")]).sort().join(" ")')" = \
		'back,false,false,false front,true,true,true' ]
	collector steps a.prof | grep -q 'front.*: 200 of its calls ended in a jump'
	collector steps --json -o steps.json a.prof
	[ "$(ask steps.json 'it.step_functions[0].tail_calls')" = 200 ]
}

@test "exceptions pass timed functions of C libraries, also in programs that others execute" {
	"$THROWS" sort 30 >alone
	for how in --time --step; do
		collector run --budget none -q -o a $how libc:qsort -- "$THROWS" sort 30 >with
		cmp alone with
		[ "$(of qsort calls)" = 30 ]
	done
	collector run --budget none -q --classic-probes -o a --time libc:qsort -- "$THROWS" sort 30 >with
	cmp alone with
	collector run --budget none -q -o a --time libc:qsort -- sh -c "'$THROWS' sort 30; true" >with
	cmp alone with
	[ "$(of qsort calls)" = 30 ]
	collector calls a.prof | grep -q 'qsort: 30 not timed, in programs where exceptions may pass'
}

@test "in C a cancelled thread runs its handlers, and a backtrace has all its frames" {
	cat >unwound.c <<-'C'
		#define _GNU_SOURCE
		#include <execinfo.h>
		#include <pthread.h>
		#include <stdio.h>
		#include <unistd.h>
		static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
		static void unlock(void *unused) { pthread_mutex_unlock(&mutex); puts("unlocked"); }
		__attribute__((noinline)) void waits(void) { for (;;) pause(); }
		static void *run(void *unused) {
			pthread_mutex_lock(&mutex);
			pthread_cleanup_push(unlock, 0);
			waits();
			pthread_cleanup_pop(1);
			return 0;
		}
		__attribute__((noinline)) int asks(void) { void *frames[30]; return backtrace(frames, 30); }
		int main(void) {
			pthread_t thread;
			pthread_create(&thread, 0, run, 0);
			pthread_cancel(thread);
			pthread_join(thread, 0);
			printf("%s, %d frames\n", pthread_mutex_trylock(&mutex) ? "locked" : "free", asks() + 1);
		}
	C
	gcc -O1 -fexceptions -pthread -o unwound unwound.c
	./unwound >alone
	grep -q 'free' alone
	collector run --budget none -q -o a --time waits,asks,libc:pause -- ./unwound >with
	diff alone with
	[ "$(of asks calls)|$(of asks returns)" = '1|1' ]
}

@test "from the moment that a library with exceptions is loaded no return address is replaced any more" {
	cat >loads.c <<-'C'
		#include <dlfcn.h>
		#include <stdio.h>
		#include <unistd.h>
		#define FUNCTION __attribute__((noinline, noclone))
		FUNCTION int passes(int (*call)(int), int value) { value = call(value); __asm__(""); return value + 1; }
		FUNCTION int before(int value) { __asm__(""); return value + 1; }
		FUNCTION int again(int value) { __asm__(""); return value + 1; }
		int main(int argc, char **argv) {
			int sum = 0, (*guards)(int (*)(int (*)(int), int), int);
			for (int i = 0; i < 100; i++) sum = before(sum);
			void *library = dlopen(argv[1], RTLD_NOW);
			for (int i = 0; argc > 2 && i < 150; i++) { usleep(10000); sum = again(sum); }
			guards = library ? dlsym(library, "guards") : 0;
			for (int i = 0; guards && i < 100; i++) sum += guards(passes, i);
			printf("%d\n", sum);
		}
	C
	cat >throws.cc <<-'C'
		static int call(int value) { if (value % 2) throw value; return value; }
		extern "C" int guards(int (*through)(int (*)(int), int), int value) {
			try { return through(call, value); } catch (int) { return 1000; }
		}
	C
	gcc -O1 -o loads loads.c
	g++ -O1 -shared -fPIC -o libthrows.so throws.cc
	./loads ./libthrows.so >alone
	collector run --budget none -q -o a --time before,passes -- ./loads ./libthrows.so >with
	cmp alone with
	[ "$(of before returns)|$(of passes calls)|$(of passes returns)" = '100|100|0' ]
	collector calls a.prof | grep -q 'passes: 100 not timed'
	# A library without them is looked at, and then all is as before.
	collector run --budget none -q -o a --time again -- ./loads libm.so.6 wait >with
	[ "$(of again returns)" -gt 0 ]
}
