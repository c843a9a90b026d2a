#!/usr/bin/env bats
# --off-cpu: where threads wait, how long, and that nothing of their time is missing.

bats_require_minimum_version 1.5.0
load requirements

setup() {
	require root bpf perf sqlite3
	cd "$BATS_TEST_TMPDIR"
	WORKLOADS=$BUILD/workloads
}

# took FUNCTION: nanoseconds by the workload's own clock, as it printed them into `out`.
took() {
	awk -v name="$1" '$1 == name { print $2 }' out
}

# waited PROFILE FUNCTION METRIC: nanoseconds of samples with the function anywhere in the stack.
waited() {
	sqlite3 "$1" "WITH RECURSIVE
		up(leaf, stack, frame) AS (
			SELECT id, parent, frame FROM stacks
			UNION ALL
			SELECT leaf, parent, stacks.frame FROM up JOIN stacks ON stacks.id = up.stack)
		SELECT ifnull(sum(value * period), 0)
		FROM samples JOIN metrics ON metrics.id = metric AND metrics.name = '$3'
		WHERE samples.stack IN (
			SELECT leaf FROM up
			JOIN lines ON lines.frame = up.frame
			JOIN functions ON functions.id = lines.function
			WHERE functions.name = '$2')"
}

# within PERCENT A B: A is not farther from B than that.
within() {
	awk -v percent="$1" -v a="$2" -v b="$3" 'BEGIN {
		off = a > b ? a - b : b - a
		if (off * 100 > percent * b) { print a " is not within " percent " % of " b; exit 1 }
	}'
}

# closes PROFILE: in every thread of some length what is explained is within 1 % of its time, and
# its samples add up to its sums, to the nanosecond.
closes() {
	[ "$(sqlite3 "$1" 'SELECT count(*) FROM thread_times')" -gt 0 ]
	sqlite3 "$1" "SELECT * FROM thread_times WHERE wall_ns > 50000000 AND
		abs(wall_ns - cpu_ns - run_queue_ns - off_cpu_ns) * 100 > wall_ns" | tee wrong
	[ ! -s wrong ]
	sqlite3 "$1" "
		SELECT thread, sum(run_queue_ns), sum(off_cpu_ns) FROM thread_times GROUP BY thread
		EXCEPT
		SELECT threads.id,
			ifnull(sum(value) FILTER (WHERE metrics.name = 'run-queue'), 0),
			ifnull(sum(value) FILTER (WHERE metrics.name = 'off-cpu'), 0)
		FROM threads LEFT JOIN samples ON samples.thread = threads.id
		LEFT JOIN metrics ON metrics.id = metric GROUP BY threads.id" | tee wrong
	[ ! -s wrong ]
}

@test "a wait of known length is found in its function, whatever is waited for" {
	collector run -q --off-cpu -o x -- "$WORKLOADS/waits" 0.2 >out
	for function in waits_for_pipe waits_for_mutex; do
		within 1 $(($(waited x.prof $function off-cpu) + $(waited x.prof $function run-queue))) \
			"$(took $function)"
	done
	# The child's part runs in the same function, copied by the fork.
	within 3 $(($(waited x.prof waits_for_child off-cpu) - $(waited x.prof child_sleeps off-cpu) +
		$(waited x.prof waits_for_child run-queue) - $(waited x.prof child_sleeps run-queue))) \
		"$(took waits_for_child)"
	[ "$(waited x.prof child_sleeps off-cpu)" -ge 600000000 ]
	# What only computes waits for nothing of its own; a page fault may still find the process's
	# memory map locked by a thread beside it.
	[ $(($(waited x.prof works off-cpu) * 100)) -le "$(took works)" ]
	closes x.prof
}

@test "reports show waits: all time in one picture, or one metric, and where each thread's went" {
	require node
	collector run --off-cpu -o x -- "$WORKLOADS/waits" 0.1 >out 2>summary
	grep -q 'the time of the threads' summary
	grep -q 'unexplained' summary
	grep -q ' of wall' x.svg
	collector flame -m cpu x.prof | grep -q ' of cpu in '
	collector export --format folded -m off-cpu x.prof >off
	grep -q '^__clone3;start_thread;run;waits_for_pipe;.*;__schedule [0-9]*$' off
	collector export --format folded -m wall x.prof >wall
	grep -q ';__schedule;\[off-cpu\] [0-9]*$' wall
	grep -q ';works;burn [0-9]*$' wall
	# Wall time is the lives of all threads; the samples of CPU time are an estimate.
	within 5 "$(awk '{ sum += $NF } END { print sum }' wall)" \
		"$(sqlite3 x.prof 'SELECT sum(wall_ns) FROM thread_times')"
	collector summary --json x.prof >summary.json
	[ "$(node -p "JSON.parse(require('fs').readFileSync('summary.json')).threads.length")" -ge 8 ]
	run -1 collector functions -m memory x.prof
	[[ $output == *"it has cpu, "*"wall"* ]]
}

@test "the stacks of waits are whole: from the kernel's scheduler to the thread's first function" {
	collector run -q --off-cpu -o x -- "$WORKLOADS/waits" 0.1 >out
	[ "$(sqlite3 x.prof "SELECT count(*) FROM samples
		JOIN metrics ON metrics.id = metric AND metrics.name = 'off-cpu'
		JOIN endings ON endings.id = ending WHERE NOT complete AND endings.name <> 'no_stack_taken'")" -eq 0 ]
	sqlite3 x.prof "SELECT DISTINCT functions.name FROM samples
		JOIN metrics ON metrics.id = metric AND metrics.name = 'off-cpu'
		JOIN endings ON endings.id = ending AND complete
		JOIN stacks ON stacks.id = stack JOIN lines ON lines.frame = stacks.frame
		JOIN functions ON functions.id = lines.function" >innermost
	grep -qx __schedule innermost
	run ! grep -q bpf innermost
}

@test "a processor shared by threads shows as waiting for it" {
	require taskset
	taskset 1 collector run -q --off-cpu -o x -- "$WORKLOADS/threads" 1 >out
	closes x.prof
	# Eight threads, one of which runs: the others wait for seven eighths of the time.
	[ "$(sqlite3 x.prof "SELECT min(100 * run_queue_ns / wall_ns) FROM thread_times
		WHERE cpu_ns > 50000000")" -ge 50 ]
}

@test "attach finds the waits that began before it came" {
	"$WORKLOADS/waits" 60 3>&- &
	sleep 0.3
	collector attach -q --off-cpu -d 0.3 -o x $!
	kill $!
	closes x.prof
	[ "$(sqlite3 x.prof 'SELECT count(*) FROM thread_times WHERE switches = 0 AND off_cpu_ns = wall_ns')" -ge 2 ]
	[ "$(waited x.prof waits_for_mutex off-cpu)" -gt 200000000 ]
	[ "$(waited x.prof waits_for_pipe off-cpu)" -gt 200000000 ]
}

@test "attach samples from the moment on at which it accounts for waits" {
	require sh
	sh -c 'while :; do :; done' 3>&- &
	collector attach -q --off-cpu -e cpu-clock -d 0.2 -o x $!
	kill $!
	# Samples tell time that the thread computed, which is exact here.
	sqlite3 x.prof "SELECT sum(cpu_ns),
		(SELECT sum(value * period) FROM samples JOIN metrics ON metrics.id = metric AND metrics.name = 'cpu')
		FROM thread_times" | tee sums
	awk -F '|' '{ exit !($2 <= 1.05 * $1 + 1e7) }' sums
	# And the processor time that is told is of the same span.
	[ "$(sqlite3 x.prof "SELECT value <= 1.05 * (SELECT sum(cpu_ns) FROM thread_times) + 1e7 FROM meta
		WHERE key = 'target_cpu_ns'")" -eq 1 ]
}

@test "a program that only waits is no empty recording" {
	require sleep
	sleep 60 3>&- &
	sleep 0.3
	collector attach --off-cpu -d 0.3 -o x $! 2>summary
	kill $!
	grep -q '^no samples of CPU time: the program used less CPU time' summary
	grep -q '^so this is where threads waited (off-cpu)$' summary
	grep -q '__clock_nanosleep' summary
	grep -q 'the time of the threads' summary
	grep -q 'waiting times are exact' summary
	collector functions x.prof | grep -q '__clock_nanosleep'
	collector report --markdown x.prof >report
	head -n 1 report | grep -q 'verdict=measured'
	grep -q 'There are no samples of CPU time: .*This is where threads waited: Of ' report
	run ! grep -q 'there are no samples' report
}

@test "stacks are copied at a limited rate, and what was waited is all there" {
	require sh
	collector run -q --off-cpu -F 49 -o x -- sh -c 'yes | head -c 200000000 | cat >/dev/null'
	closes x.prof
	switches=$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'off_cpu.switches'")
	stacks=$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'off_cpu.stacks'")
	[ "$switches" -gt 0 ]
	[ "$stacks" -le "$switches" ]
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'off_cpu.lost_threads'")" -eq 0 ]
}

@test "the engine's results stay the same" {
	sim --steps 30 --agents 40 --seed 5 --state-hash >plain
	collector run -q --off-cpu -o x -- sim --steps 30 --agents 40 --seed 5 --state-hash >seen
	grep -q . plain
	diff <(grep -i hash plain) <(grep -i hash seen)
	closes x.prof
}

@test "without root it says what is missing, and neither runs nor leaves anything" {
	require setpriv
	chmod 777 .
	run setpriv --reuid 65534 --regid 65534 --clear-groups \
		collector run --off-cpu -o x -- touch made
	[ "$status" -eq 125 ]
	[[ $output == *"run as root"* ]]
	[ ! -e made ]
	[ ! -e x.prof ]
}

@test "where processes have numbers of their own, waits, steps and calls are found by them" {
	unshare --pid --fork --mount-proc collector run -q --budget none --off-cpu --step works --time waits_for_pipe -o x -- \
		"$WORKLOADS/waits" 0.1 >out
	closes x.prof
	within 3 "$(($(waited x.prof waits_for_pipe off-cpu) + $(waited x.prof waits_for_pipe run-queue)))" \
		"$(took waits_for_pipe)"
	# The child has such a number, too, and the machine's numbers are nowhere.
	[ "$(waited x.prof child_sleeps off-cpu)" -ge 300000000 ]
	[ "$(sqlite3 x.prof 'SELECT max(tid) FROM threads')" -lt 100 ]
	[ "$(sqlite3 x.prof 'SELECT count(*) FROM steps')" -ge 3 ]
	[ "$(sqlite3 x.prof 'SELECT sum(calls) FROM timings')" -ge 3 ]
}

@test "where processes have numbers of their own, those that have none there are nobody's" {
	unshare --pid --fork --mount-proc sh -c '"$0" 60 & sleep 0.3
		collector attach -q --off-cpu -d 0.5 -o x $!; kill $!' "$WORKLOADS/waits" 3>&- &
	while kill -0 $! 2>/dev/null; do sh -c /bin/true; done
	wait $!
	closes x.prof
	[ "$(sqlite3 x.prof 'SELECT count(*) - count(DISTINCT thread) FROM thread_times')" -eq 0 ]
}
