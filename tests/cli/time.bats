#!/usr/bin/env bats
# collector run --time, --count: exact counts and durations, whatever the program does; and every
# pattern that leads nowhere says why. tests/workloads/calls counts its own calls.

bats_require_minimum_version 1.5.0
load requirements
load begun
load profiles

setup() {
	require root
	require bpf
	require perf
	cd "$BATS_TEST_TMPDIR"
	CALLS=$BUILD/workloads/calls
	SIM=$BUILD/bin/sim
}

# of FUNCTION COLUMN FILE: the sum of a column of timings over the function's threads
of() {
	sqlite3 "${3-calls.prof}" "
		SELECT sum(timings.$2) FROM timings JOIN probes ON probes.id = timings.probe
		JOIN lines ON lines.frame = probes.frame JOIN functions ON functions.id = lines.function
		WHERE functions.name = '$1'"
}

# counted: each "FUNCTION CALLS" on standard input is what was counted
counted() {
	local function calls
	while read -r function calls; do
		echo "$function: $(of "$function" calls), itself says $calls"
		[ "$(of "$function" calls)" = "$calls" ] || return 1
	done
}

@test "counts equal the program's own: threads, recursion, jumps, loops, longjmp, fork" {
	for kind in threads recursion tail loop longjmp fork; do
		for how in --time --count; do
			[[ $kind != loop || $how != --count ]] || continue
			collector run --budget none -q $how 'leaf,inner,descend,first,second,spin_down,thrower,catcher,forker' \
				-- "$CALLS" "$kind" 4000 >said
			counted <said
		done
	done
}

@test "the probes of older kernels count and time the same, and are told" {
	for kind in threads longjmp fork; do
		collector run --budget none -q --classic-probes --time 'leaf,inner,thrower,catcher,forker' -- "$CALLS" "$kind" 800 >said
		counted <said
	done
	[ "$(of leaf returns)" = 2400 ]
	[ "$(sqlite3 calls.prof "SELECT value FROM meta WHERE key = 'probing'")" = classic ]
	"$BUILD/workloads/exceptions" throw 300 >alone
	collector run --budget none -q --classic-probes --time 'thrower,catcher' -- "$BUILD/workloads/exceptions" throw 300 >with
	cmp alone with
	[ "$(of thrower calls exceptions.prof)|$(of thrower thrown exceptions.prof)" = '300|100' ]
	collector run --budget none -q --time leaf -- "$CALLS" threads 8 >said
	[ "$(sqlite3 calls.prof "SELECT value FROM meta WHERE key = 'probing'")" = session ]
}

@test "every thread has its row" {
	collector run --budget none -q --time leaf -- "$CALLS" threads 800 >said
	[ "$(sqlite3 calls.prof 'SELECT count(*), min(calls), max(calls) FROM timings')" = '8|100|100' ]
}

@test "knows who called whom, and how often per call" {
	require node
	collector run --budget none -q --time leaf,inner -- "$CALLS" threads 800 >said
	collector calls --json -o calls.json calls.prof
	[ "$(ask calls.json 'it.edges.length')" = 1 ]
	[ "$(ask calls.json '[it.edges[0].caller, it.edges[0].function, it.edges[0].calls, it.edges[0].calls_per_call]')" = \
		"$(node -p '["leaf", "inner", 1600, 2]')" ]
	collector calls calls.prof >text
	grep -q '1600 *2.00 .* leaf  *inner' text
	grep -q '^trust: ' text
}

@test "calls left by longjmp and calls still open are told, not timed" {
	collector run --budget none -q --time thrower,catcher,inner -- "$CALLS" longjmp 999 >said
	[ "$(of thrower returns)" = 666 ]
	[ "$(of thrower open)" = 0 ]
	collector calls calls.prof >text
	grep -q 'thrower: 333 left without a return' text
	run collector run --budget none -q --time leave -- "$CALLS" exit 3
	[ "$status" -eq 1 ]
	[ "$(of leave open)" = 1 ]
	collector calls calls.prof | grep -q 'leave: 1 still open at the end'
}

@test "calls that a thread left as it ended are not open" {
	cat >ends.c <<-'C'
		#include <pthread.h>
		#include <stdlib.h>
		#define FUNCTION __attribute__((noipa))
		FUNCTION void last(void) { pthread_exit(NULL); }
		FUNCTION void outer(void) { last(); __asm__(""); }
		FUNCTION void leave(void) { exit(0); }
		static void *run(void *argument) { outer(); return argument; }
		int main(void)
		{
			for (int i = 0; i < 20; i++) {
				pthread_t thread;
				if (!pthread_create(&thread, NULL, run, NULL))
					pthread_join(thread, NULL);
			}
			leave();
		}
	C
	gcc -O1 -o ends ends.c
	collector run --budget none -q --time last,outer,leave -- ./ends
	collector calls ends.prof >text
	cat text
	grep -q 'last.*: 20 left as their thread ended (pthread_exit, cancellation), not timed' text
	grep -q 'leave: 1 still open at the end' text
	[ "$(of last open ends.prof)|$(of outer open ends.prof)|$(of leave open ends.prof)" = '0|0|1' ]
}

@test "recursion counts once in the total, and the kernel's limit of depth is told" {
	collector run --budget none -q --time descend -- "$CALLS" recursion 50 >said
	[ "$(of descend returns)" = 500 ]
	[ "$(sqlite3 calls.prof 'SELECT outer_ns < sum_ns FROM timings')" = 1 ]
	collector run --budget none -q --time descend -- "$CALLS" recursion 100 >said
	counted < <(grep descend said)
	[ "$(of descend deep)" = 3600 ]
	collector calls calls.prof | grep -q '3600 more than 64 timed calls deep'
}

@test "a histogram of two kinds of calls has both" {
	require node
	collector run --budget none -q --time bimodal -- "$CALLS" bimodal 2000 >said
	collector calls --json -o calls.json calls.prof
	# 20 us and 200 us and what the machine adds: shares by a border between them. On a busy machine
	# some microseconds too many are taken off for the probe.
	[ "$(ask calls.json 'const f = it.functions[0]; const slow = f.histogram.filter(b => b[0] > 150e3).reduce((s, b) => s + b[1], 0); slow >= 200 && slow < 300')" = true ]
	[ "$(ask calls.json 'it.functions[0].p50_ns > 10e3 && it.functions[0].p50_ns < 150e3')" = true ]
	[ "$(ask calls.json 'it.functions[0].p99_ns > 180e3')" = true ]
}

@test "stacks through timed functions are whole" {
	collector run --budget none --time 'environment_*,agent_*' -- "$SIM" --agents 40 --steps 60 --database none 2>said >out
	share=$(sqlite3 sim.prof 'SELECT 100 * avg(complete) FROM samples JOIN endings ON endings.id = ending')
	echo "$share % complete"
	[ "${share%.*}" -ge 90 ]
	grep -q 'timing .*, about .* us a call' said
}

@test "the engine computes the same with and without" {
	"$SIM" --agents 40 --steps 40 --state-hash --database none >alone 2>/dev/null
	for how in "--time=*" "--count=*" --step=environment_step "--time=sim:*,libm:*"; do
		collector run --budget none -q "$how" -- "$SIM" --agents 40 --steps 40 --state-hash --database none >with 2>/dev/null
		cmp alone with
	done
}

@test "a budget takes dear probes off, and their rows say so" {
	run collector run --budget 5% --time leaf,inner --count call_leaf -- "$CALLS" threads 4000000
	[ "$status" -eq 0 ]
	[ "$(of leaf calls)" -lt 4000000 ]
	collector calls calls.prof >text
	cat text
	grep -qE '^ *(>|≈).*  leaf' text
	grep -qE '^note: .*leaf.*: to keep the budget (its probe was taken off at|counted in [0-9]+ (to [0-9]+ )?windows)' text
	# All of its calls, or marked: with the others it is taken off, before the last thread has begun or after.
	grep -qE '^ *(8|> *[0-9]+) .* call_leaf' text
	grep -q 'exact, but for those with >' text
	fails_with 125 '--budget takes a percentage above 0' collector run --budget much -- true
	fails_with 125 "and up to 100, for instance 5%, or none for no limit, not '200%'" collector run --budget 200% -- true
	fails_with 125 '--steps N tells how many steps there will be, and --step FUNCTION what a step is' collector run --steps 5 -- true
}

@test "a call whose probe is taken off while it is open is nobody's caller afterwards" {
	cat >apart.c <<-'C'
		#define FUNCTION __attribute__((noinline, noclone))
		volatile unsigned sink;
		FUNCTION void small(int n) { for (unsigned i = n; i; i--) sink = sink * 3 + 1; __asm__ volatile(""); }
		FUNCTION void large(int n) { for (unsigned i = n; i; i--) sink = sink * 3 + 1; __asm__ volatile(""); }
		FUNCTION void deeper(int n) { volatile char room[400]; room[n & 255] = 1; large(n); sink += room[3]; }
		int main() {
			for (int i = 0; i < 200; i++) {
				for (int k = 0; k < 20000; k++) small(40);
				for (int k = 0; k < 5; k++) deeper(300000);
			}
			return 0;
		}
	C
	gcc -O2 -g -o apart apart.c
	collector run -q --budget 2% --time small,large -- ./apart
	[ "$(sqlite3 apart.prof "SELECT sum(is_partial) >= 1 FROM probes")" = 1 ]
	sqlite3 apart.prof 'SELECT * FROM call_edges' | tee edges
	[ ! -s edges ]
}

@test "calls that a budget leaves to windows of time are an estimate with an interval" {
	collector run -q --budget 1% --count random_below,environment_step -- "$SIM" --agents 100 --steps 150 --database none >said 2>&1
	# It is called in all phases of a step, so that nearly every window shows it.
	sqlite3 sim.prof 'SELECT * FROM probes; SELECT * FROM timings'
	[ "$(sqlite3 sim.prof 'SELECT count(*) FROM probes JOIN timings ON probe = probes.id WHERE estimated_calls > calls AND calls_margin > 0 AND is_partial')" = 1 ]
	[ "$(of environment_step calls sim.prof)" = 150 ]
	collector calls sim.prof >text
	grep -qE '^ *≈[0-9.e+]+ ±[0-9.e+]+ % .*random_below' text
	grep -q 'note: random_below: to keep the budget counted in [0-9]* windows of time from .* on: its calls are an estimate' text
}

@test "with steps the windows are whole steps: calls and ratios are those of all of the run" {
	collector run -q --budget 3% --time environment_observe,agent_act --step environment_step -- "$SIM" --agents 100 --steps 800 --max-population 100 --database none >said
	sqlite3 sim.prof 'SELECT * FROM probes; SELECT * FROM timings'
	collector calls sim.prof | tee text
	# Beside much else that runs there may be too few windows, which must be said then.
	if grep -q '^note: .*environment_observe.* since too few windows show how much' text; then
		[ "$(sqlite3 sim.prof "SELECT count(*) FROM probes WHERE estimated_calls AND note LIKE '%too few%'")" = 0 ]
		return
	fi
	grep -qE '^note: .*environment_observe.*: to keep the budget counted in [0-9]* (to [0-9]* )?windows of whole steps' text
	collector calls --json sim.prof >calls.json
	truth=$(awk '$1 == "observations" { print $2 }' said)
	# Seen is a small part of them; each window is right to about a percent.
	node -e "
		const it = JSON.parse(require('fs').readFileSync('calls.json')), truth = $truth
		const of = name => it.functions.find(f => f.function === name)
		const observe = of('environment_observe'), act = of('agent_act'), step = of('environment_step')
		const near = (a, b, part) => { if (!(Math.abs(a - b) <= part * b)) throw [a, b] }
		near(observe.estimated_calls, truth, 0.1)
		if (!(observe.calls < 0.7 * truth && observe.partial)) throw observe
		near(observe.calls_per_step, truth / 800, 0.1)
		near(step.calls_per_step, 1, 0)
		// Where one of the few timed calls was interrupted for long no total is told.
		if (observe.estimated_total_ns !== undefined) near(observe.estimated_total_ns, observe.mean_ns * observe.estimated_calls, 0.1)
		const edge = it.edges.find(e => e.caller === 'environment_step' && e.function === 'environment_observe')
		near(edge.calls_per_call, truth / 800, 0.1)"
}

@test "more functions than fit into a window fall back to windows in turns" {
	{
		echo '#include <time.h>'
		for ((i = 0; i < 80; i++)); do
			echo "__attribute__((noipa)) void one_of_$i(void) { for (volatile int k = 0; k < 5000; k++) {} }"
		done
		# Of calls that take longer than a probe, so that windows show them, one and a half seconds of CPU time, however long that takes.
		echo 'int main(void) { do { for (int k = 0; k < 20; k++) {'
		for ((i = 0; i < 80; i++)); do echo "one_of_$i();"; done
		echo '} } while (clock() < 3 * CLOCKS_PER_SEC / 2); return 0; }'
	} >many.c
	gcc -O1 -o many many.c
	collector run -q --budget 5% --time 'one_of_*' -- ./many
	sqlite3 many.prof 'SELECT * FROM probes'
	[ "$(sqlite3 many.prof 'SELECT count(*) FROM probes')" = 80 ]
	# Without turns none of them would have a window.
	[ "$(sqlite3 many.prof "SELECT count(*) FROM probes WHERE is_partial AND (note LIKE '% windows of time %' OR note LIKE '%too few windows%')")" -gt 0 ]
	# One reason is one note, of the functions that are shown.
	collector calls -n 8 many.prof >text
	[ "$(grep -c '^note: ' text)" -lt 8 ]
	grep -qE '^note: ([0-9]+ functions [(])?one_of_' text
}

@test "steps of several threads at the same time are no windows, and no interval is told that says nothing" {
	cat >overlap.c <<-'C'
		#include <pthread.h>
		#define FUNCTION __attribute__((noipa))
		static pthread_barrier_t both;
		FUNCTION unsigned work(unsigned value, int n) { while (n--) value = value * 3 + 1; return value; }
		FUNCTION unsigned often(unsigned value) { return work(value, 700) + work(value + 1, 700) + value; }
		FUNCTION unsigned step(unsigned number, unsigned calls) {
			unsigned sum = number;
			if (!number) pthread_barrier_wait(&both);
			while (calls--) sum += often(calls);
			return sum;
		}
		static void *run(void *unused) {
			for (unsigned i = 0; i < 400; i++) step(i, 300);
			return unused;
		}
		int main(void) {
			pthread_t other;
			pthread_barrier_init(&both, 0, 2);
			pthread_create(&other, 0, run, 0);
			run(0);
			return pthread_join(other, 0);
		}
	C
	gcc -O1 -g -o overlap overlap.c -lpthread
	collector run -q --count often --step step -- ./overlap
	sqlite3 overlap.prof 'SELECT * FROM probes'
	[ "$(sqlite3 overlap.prof "SELECT count(*) FROM probes WHERE is_partial AND note NOT LIKE '%whole steps%'")" = 1 ]
	[ "$(sqlite3 overlap.prof 'SELECT count(*) FROM probes WHERE calls_margin > estimated_calls')" = 0 ]
	[ "$(of step calls overlap.prof)" = 800 ]
}

@test "functions that are timed by their exits fall back, too, and the program's results stay" {
	"$BUILD/workloads/exceptions" tail 300000 >alone
	collector run -q --budget 1% --time front,back -- "$BUILD/workloads/exceptions" tail 300000 >with
	cmp alone with
	collector calls exceptions.prof >text
	cat text
	[ "$(grep -E '^note: .*: to keep the budget' text | grep -oE '\<(front|back)\>' | sort -u | wc -l)" = 2 ]
}

@test "a library is known by its file, its soname and its beginning; one that never comes is told" {
	real=$(basename "$(realpath "$(ldd "$SIM" | awk '/libsqlite3/ { print $3 }')")")
	collector run -o a --count "libsqlite3:sqlite3_step,libsqlite3.so.0:sqlite3_finalize,$real:sqlite3_close" \
		-- "$SIM" --agents 2 --steps 2 2>said >out
	[ "$(grep -c '^counting .*about' said)" = 3 ]
	echo 'int next(int x) { return x + 1; }' >plain.c
	echo 'int next(int x); int main(void) { return next(-1); }' >main.c
	gcc -shared -fPIC -Wl,-soname,libother.so.3 -o libplain-r1.so plain.c
	ln -s libplain-r1.so libother.so.3
	gcc -o main main.c libplain-r1.so -Wl,-rpath,"$PWD"
	collector run -q -o a --budget none --count libother.so.3:next -- ./main
	[ "$(of next calls a.prof)" = 1 ]
	collector run -q -o a --count libnever:never -- true 2>said
	grep -q "not timed: 'libnever:never': no library libnever was loaded; there were .*libc.so.6" said
	fails_with 1 'no library libnever was loaded' collector calls a.prof
}

@test "attaches to a running program, which goes on" {
	"$CALLS" steps 100000 >said 3>&- &
	pid=$!
	begun $pid
	sleep 0.3
	collector attach -q -d 1 --time work $pid
	[ "$(of work calls)" -gt 0 ]
	kill $pid # which ends it after the step that it is in
	wait $pid
	[ "$(awk '$1 == "work" { print $2 }' said)" -gt "$(of work calls)" ]
}

# links PID [TID]: the numbers of the links with probes in the tables of all its threads, or of one
links() {
	# shellcheck disable=SC2086 # a pattern
	cat /proc/"$1"/task/${2-*}/fdinfo/* 2>/dev/null |
		awk '/^link_type:/ { probes = $2 == "uprobe_multi" } /^link_id:/ && probes { print $2 }' || true
}

# has_its_code PID FILE: in memory is what is in the file
has_its_code() {
	local range offset start end
	read -r range offset < <(awk -v file="$2" '$2 == "r-xp" && $6 == file { print $1, $3 }' "/proc/$1/maps")
	start=$((16#${range%-*})) end=$((16#${range#*-}))
	dd if="/proc/$1/mem" bs=4096 iflag=skip_bytes,count_bytes skip=$start count=$((end - start)) of=memory status=none
	dd if="$2" bs=4096 iflag=skip_bytes skip=$((16#$offset)) of=file status=none
	cmp --bytes="$(stat -c %s memory)" memory file
}

@test "a killed collector leaves no probes: each link is held by a thread that has nothing else" {
	"$CALLS" steps 60000 >said 3>&- &
	pid=$!
	begun $pid
	collector attach -q -d 60 --budget 90% --time work,step,stall,leaf,inner,descend $pid 3>&- &
	collector=$!
	for ((i = 0; i < 300; i++)); do
		[ "$(links $collector | wc -l)" -lt 6 ] || break
		sleep 0.1
	done
	[ "$(links $collector | wc -l)" -ge 6 ]
	[ -z "$(links $collector | sort | uniq -d)" ]
	[ -z "$(links $collector $collector)" ]
	! has_its_code $pid "$CALLS" || false
	kill -KILL $collector
	wait $collector || true
	has_its_code $pid "$CALLS"
	kill $pid
}

@test "a library that is loaded later is probed then, and one that never is waits in vain" {
	cat >late.c <<-'C'
		#include <dlfcn.h>
		#include <unistd.h>
		int main(void)
		{
			double (*j0)(double) = dlsym(dlopen("libm.so.6", RTLD_NOW), "j0");
			usleep(300000);
			for (int i = 0; i < 100; i++)
				j0(i);
			return 0;
		}
	C
	gcc -O1 -o late late.c
	run collector run --budget none --time libm:j0 -- ./late
	[ "$status" -eq 0 ]
	[[ $output == *"waiting for"*"libm:j0"* ]]
	[ "$(sqlite3 late.prof 'SELECT sum(calls) FROM timings')" = 100 ]
	collector calls late.prof >text
	cat text
	grep -q 'counted from .* ms after its library was loaded on' text
	# What came before that is not known.
	grep -qE '^ *> *100 .* j0$' text
	run ! grep -q 'counts: exact, every call of the recording' text
}

@test "a glob of one library takes that library's functions, and no others" {
	printf 'int part_one(int n) { return n + 1; }\nint part_two(int n) { return part_one(n) + part_one(n); }\nint other(int n) { return n; }\n' >library.c
	gcc -O1 -fno-inline -shared -fPIC -o libparts.so library.c
	printf 'int part_two(int), other(int);\n__attribute__((noipa)) int part_of_the_program(int n) { return part_two(n) + other(n); }\nint main(void) { int sum = 0; for (int i = 0; i < 50; i++) sum += part_of_the_program(i); return sum == 0; }\n' >program.c
	gcc -O1 -o program program.c -L. -lparts -Wl,-rpath,"$PWD"
	collector run --budget none -q --count 'libparts:part_*' -- ./program
	[ "$(sqlite3 program.prof 'SELECT count(*) FROM probes')" = 2 ]
	[ "$(of part_two calls program.prof)" = 50 ]
	[ "$(of part_one calls program.prof)" = 100 ]
}

@test "the hottest function of the first two seconds is timed from then on" {
	"$BUILD/workloads/leaf" 60 >said 3>&- &
	pid=$!
	run collector attach -o leaf -d 3.2 --hot 1 $pid
	kill $pid
	wait $pid || true
	[[ $output == *"timing"*"leaf, about"*"us a call"* ]]
	[ "$(of leaf calls leaf.prof)" -gt 0 ]
	[ "$(sqlite3 leaf.prof 'SELECT count(*), min(is_partial), min(attached_ns) > 2e9 FROM probes')" = '1|1|1' ]
	collector calls leaf.prof | grep -q 'note: leaf: among the hottest; counted from [0-9.]* s on'
	# What others execute is looked at as well.
	cat >shell <<-SH
		"$BUILD/workloads/leaf" 60 &
		for i in \$(seq 300); do
			grep -q 'timing.*leaf, about' told && break
			sleep 0.1
		done
		sleep 0.5
		kill \$!
	SH
	collector run -o leaf --hot 1 -- sh shell >said 2>told
	[ "$(of leaf calls leaf.prof)" -gt 0 ]
	collector run -q -o leaf --hot 1 -- "$BUILD/workloads/leaf" 0.1 >said
	[ "$(sqlite3 leaf.prof "SELECT value FROM meta WHERE key = 'untimed'")" = 'the program ended before its hottest functions were chosen' ]
	fails_with 125 "--hot takes a number of functions, not '0'" collector run --hot 0 -- true
}

@test "what the kernel cannot probe is told, and the rest is counted" {
	printf '.globl odd\n.type odd,@function\nodd: .byte 0xc4,0xe3,0xf9,0x6b,0xc2,0x10\n xor %%eax,%%eax\n ret\n.size odd,.-odd\n.section .note.GNU-stack\n' >odd.s
	printf 'int odd(void);\n__attribute__((noipa)) int even(void) { return 2; }\nint main(int c, char **v) { return c > 1 ? odd() : even() - 2; }\n' >even.c
	gcc -O1 -o odd even.c odd.s
	collector run --budget none -q --time 'odd,even,_start' -- ./odd
	[ "$(of even calls odd.prof)" = 1 ]
	collector calls odd.prof >text
	grep -q 'odd: not counted: the kernel cannot put a probe' text
	grep -q '_start: only counted: it is entered otherwise than by a call' text
}

@test "what matches nothing is one sentence, and nothing is run" {
	fails_with 125 "'' names no function" collector run --time '' -- "$SIM"
	fails_with 125 "there is no function 'enviroment_observe' in sim or its libraries; did you mean environment_observe?" \
		collector run --budget none --time enviroment_observe -- "$SIM" --steps 1
	fails_with 125 "there is no function 'qqqq' in sim or its libraries" collector run --time qqqq -- "$SIM"
	fails_with 125 "'qqqq*' matches no function of sim; for a library write LIBRARY:qqqq*" \
		collector run --budget none --time 'qqqq*' -- "$SIM"
	fails_with 125 "there is no function 'sqlit3_step' in sim or its libraries; did you mean sqlite3_step" \
		collector run --budget none --time sqlit3_step -- "$SIM"
	fails_with 125 "no function of sim is of a source file 'enviroment.c'; did you mean environment.c?" \
		collector run --budget none --time 'enviroment.c:*' -- "$SIM"
	fails_with 125 "no function of sim is of a source file 'qqqq.c', but of " \
		collector run --budget none --time 'qqqq.c:*' -- "$SIM"
	fails_with 125 "'environment.c:qqqq*' matches no function of environment.c" \
		collector run --budget none --time 'environment.c:qqqq*' -- "$SIM"
	fails_with 125 "there is no function 'agent_actt' in agent.c of sim; did you mean agent_act" \
		collector run --budget none --time 'agent.c:agent_actt' -- "$SIM"
	fails_with 125 'is no regular expression' collector run --time '/(/' -- "$SIM"
	fails_with 125 'names no function' collector run --time libm: -- "$SIM"
	fails_with 125 'is chosen among several when the program starts (ifunc)' \
		collector run --budget none --time libc:strlen -- "$SIM"
	[ ! -e sim.prof ]
}

@test "a function is called as it was asked for, and functions of one name are told apart" {
	require node
	printf 'static __attribute__((noipa)) int go(int x) { return x + 1; }\nint one(int x) { return go(x) * 2; }\n' >one.c
	printf 'static __attribute__((noipa)) int go(int x) { return x + 3; }\nint one(int);\n__attribute__((noipa)) int real(int x) { return x * 2; }\nextern int _other(int) __attribute__((alias("real")));\nint main(int c, char **v) { return one(c) + go(c) + go(c) == _other(c); }\n' >two.c
	gcc -g -O1 -o go one.c two.c
	collector run --budget none -q --time go,_other -- ./go
	collector calls --json -o calls.json go.prof
	[ "$(ask calls.json 'it.functions.map(f => [f.function, f.calls]).sort().join(" ")')" = '_other,1 go (one.c),1 go (two.c),2' ]
	collector run --budget none -q --count real,_other -- ./go
	collector calls go.prof | grep -q '^ *1 .* real = _other$'
	# In libraries by a glob, too, whatever else has such names.
	collector run --budget none -q --count 'lib[ck]*:exit' -- ./go
	collector calls go.prof | grep -q '^ *1 .* exit$'
}

@test "stripped, inlined, ambiguous and too many are one sentence" {
	printf 'static inline __attribute__((always_inline)) int twice(int x) { return 2 * x; }\nint main(int c, char **v) { return twice(c); }\n' >inlined.c
	gcc -g -O1 -o inlined inlined.c
	fails_with 125 "'twice' has no code of its own in inlined: it was inlined at inlined.c:2 in main" \
		collector run --budget none --time twice -- ./inlined
	run collector run --time qqqq -- ./inlined
	[[ $status -eq 125 && $output == *"there is no function 'qqqq' in inlined or its libraries" ]]
	strip inlined
	fails_with 125 'inlined is stripped' collector run --time main -- ./inlined
	fails_with 125 'has no debug information' collector run --time 'inlined.c:*' -- ./inlined
	printf 'int same(void) { return 1; }\n' >a.c
	gcc -shared -fPIC -o liba.so a.c
	gcc -shared -fPIC -o libb.so a.c
	printf 'int same(void);\nint main(void) { return same(); }\n' >main.c
	gcc -o both main.c -Wl,--no-as-needed -L. -la -lb -Wl,-rpath,"$PWD"
	fails_with 125 "'same' is in liba.so and in libb.so; write liba:same or libb:same" \
		collector run --budget none --time same -- ./both
	{
		echo .text
		seq 50000 | sed 's/.*/.globl many_&\n.type many_&,@function\nmany_&: ret\n.size many_&,1/'
		echo '.section .note.GNU-stack'
	} >many.s
	echo 'int main(void) { return 0; }' >many_main.c
	gcc -o many many_main.c many.s
	fails_with 125 "'many_*' matches 50000 functions, and at most 4096 can be probed: each costs its calls some time; narrow the pattern" \
		collector run --budget none --time 'many_*' -- ./many
	[ ! -e many.prof ]
}

@test "without privilege the remedy is named, and nothing is run" {
	theirs=$(mktemp -d)
	cp "$BUILD"/bin/{collector,reports} "$CALLS" "$theirs"
	chmod 777 "$theirs"
	cd "$theirs"
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./collector run --budget none -q --time leaf -- ./calls threads 80
	[ "$status" -eq 125 ]
	[[ $output == *"run as root"* ]]
	[[ $output == *"without it there are samples of CPU time"* ]]
	[ ! -e calls.prof ]
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./collector attach --time main -d 1 $$
	[ "$status" -eq 1 ]
	[[ $output == *"is not to be seen: it is somebody else's"*"run as root"* ]]
	rm -r "$theirs"
}

@test "a report of a profile without probes says what to record" {
	synthetic small
	fails_with 1 'record with --time FUNCTIONS' collector calls small.prof
}

@test "what runs in inlined copies of a function is told as missing, also of steps and lines" {
	cat >inlined.c <<-'C'
		#include <stdio.h>
		volatile long sum;
		static inline void step(long n) { for (volatile long i = 0; i < n; i++) sum += n; }
		static void only(long n) { sum += n; }
		void (*volatile steps)(long) = step, (*volatile one)(long) = only;
		int main(void) {
			steps(10), one(1);
			for (int i = 0; i < 300; i++)
				step(20);
		}
	C
	gcc -O2 -g -o inlined inlined.c
	collector run --budget none -q --count step,only -- ./inlined
	collector calls inlined.prof >text
	grep -Eq '^ *> 1 .* step$' text
	grep -Eq '^ *1 .* only$' text
	grep -q 'note: step: also inlined at inlined.c:9 in main: what is executed there is not counted' text
	[ "$(grep -c '^note: ' text)" = 1 ]
	collector run --budget none -q --step step --hits step -- ./inlined
	collector steps inlined.prof | grep -q '^(!) step: also inlined at inlined.c:9 in main: what is executed there is no step here'
	[ "$(sqlite3 inlined.prof 'SELECT sum(is_partial) FROM probes')" = 0 ]
	collector lines inlined.prof step | grep -q 'hits of step: also inlined at inlined.c:9 in main'
	collector sweep -o sizes -r 1 --warm-up 0 --run=--step=step --vary n=1,2 -- ./inlined '{n}'
	collector scaling sizes >text
	[ "$(grep -c 'left out' text)" = 0 ]
	grep -q '^(!) in 2 recordings the step function was also inlined' text
}

@test "an old version of a function that the loader chooses is not taken for it" {
	printf '#include <string.h>\n#include <stdlib.h>\nint main(int c, char **v) { char *to = malloc(99); for (int i = 0; i < 9; i++) memcpy(to, v[0], c); return *to == 1; }\n' >copies.c
	gcc -O1 -fno-builtin -o copies copies.c
	for name in libc:memcpy memcpy; do
		fails_with 125 "'memcpy' of libc.so.6 is chosen among several" collector run -q --time $name -- ./copies
	done
}
