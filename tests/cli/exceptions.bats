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
