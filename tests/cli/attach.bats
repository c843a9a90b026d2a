#!/usr/bin/env bats
# collector attach: running processes are recorded and go on as if nothing had been.

load requirements
load begun

setup() {
	require perf
	cd "$BATS_TEST_TMPDIR"
	WORKLOADS=$BUILD/workloads
}

state() {
	sqlite3 "$1" "SELECT value FROM meta WHERE key = 'state'"
}

complete_percent() {
	sqlite3 "$1" 'SELECT CAST(100 * avg(complete) AS INTEGER) FROM samples JOIN endings ON endings.id = ending'
}

# is_recording PROFILE: waits until a collector writes it, and fails when none does.
is_recording() {
	local waited=0
	until [ "$(state "$1" 2>/dev/null)" = recording ]; do
		sleep 0.1
		((++waited < 600))
	done
}

# start COMMAND...: runs it in the background; its number is in $pid.
start() {
	"$@" >out 2>err 3>&- &
	pid=$!
	begun $pid
	sleep 0.3
}

@test "records a running process for a time, which goes on and ends as it would" {
	start "$WORKLOADS/leaf" 3
	run collector attach -d 1 $pid
	[ "$status" -eq 0 ]
	[ "$(state leaf.prof)" = complete ]
	[ "$(complete_percent leaf.prof)" -ge 99 ]
	# On a busy machine it has less than a second of CPU, and most turns on a processor end with the
	# tick that would be its sample; a tenth of the samples that its time makes are enough.
	[ "$(sqlite3 leaf.prof "SELECT 10e9 * count(*) > (SELECT value FROM meta WHERE key = 'target_cpu_ns') *
		(SELECT value FROM meta WHERE key = 'frequency_hz') FROM samples")" -eq 1 ]
	[[ $output == *"leaf.svg"* ]]
	kill -0 $pid
	wait $pid
	[ -s out ]
}

@test "knows where the code was before it came" {
	start "$WORKLOADS/recursion" 3
	collector attach -q -d 1 -o x $pid
	collector export --format folded x.prof >folded
	[ "$(grep -Ec '^_start;.*;main;(descend;){105}' folded)" -ge 1 ]
	[ "$(sqlite3 x.prof "SELECT count(*) FROM samples JOIN stacks ON stacks.id = stack JOIN frames ON frames.id = frame JOIN modules ON modules.id = module WHERE modules.path = '[unknown]'")" -eq 0 ]
	kill $pid
}

@test "ends with the process" {
	start "$WORKLOADS/leaf" 1
	run timeout 60 collector attach -q -o x $pid
	[ "$status" -eq 0 ]
	[ "$(state x.prof)" = complete ]
}

@test "ends when interrupted, and the process goes on" {
	start "$WORKLOADS/leaf" 4
	env --default-signal=INT collector attach -q -o x $pid 3>&- &
	collector=$!
	is_recording x.prof
	kill -INT $collector
	status=0
	wait $collector || status=$?
	[ "$status" -eq 0 ]
	[ "$(state x.prof)" = complete ]
	kill -0 $pid
	kill $pid
}

@test "a collector that is killed leaves the process unharmed" {
	start "$WORKLOADS/leaf" 3
	collector attach -q -o x $pid 3>&- &
	collector=$!
	is_recording x.prof
	sleep 0.5
	kill -KILL $collector
	wait $collector || true
	wait $pid
	[ -s out ]
	[ "$(state x.prof)" = recording ]
}

@test "sees all threads, those that exist and those born later" {
	start "$WORKLOADS/threads" 3
	threads=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)
	collector attach -q -d 1.5 -o x $pid
	sampled=$(sqlite3 x.prof 'SELECT count(DISTINCT tid) FROM threads JOIN samples ON thread = threads.id')
	[ "$sampled" -ge $((threads - 1)) ]
	wait $pid

	start sh -c "until [ -e y.prof ]; do sleep 0.1; done; i=0; while [ \$i -lt 200000 ]; do i=\$((i+1)); done & i=0; while [ \$i -lt 200000 ]; do i=\$((i+1)); done; wait"
	collector attach -q -o y $pid
	[ "$(sqlite3 y.prof 'SELECT count(DISTINCT pid) FROM threads JOIN samples ON thread = threads.id')" -ge 2 ]
}

@test "takes several processes, or a tree of them" {
	# To their ends: so each has its samples, however late it gets a processor.
	start "$WORKLOADS/leaf" 3
	first=$pid
	start "$WORKLOADS/leaf" 3
	collector attach -q -o x $first $pid
	[ "$(sqlite3 x.prof 'SELECT count(DISTINCT pid) FROM threads JOIN samples ON thread = threads.id')" -eq 2 ]

	start sh -c "$WORKLOADS/leaf 60 & echo \$! >first; $WORKLOADS/leaf 60 & echo \$! >second; wait"
	collector attach -q -d 0.1 -o z $pid
	[ "$(sqlite3 z.prof 'SELECT count(DISTINCT pid) FROM threads JOIN samples ON thread = threads.id')" -eq 0 ]
	kill "$(cat first)" "$(cat second)"
	wait $pid || true
	start sh -c "$WORKLOADS/leaf 3 & $WORKLOADS/leaf 3 & wait"
	collector attach -q --tree -o y $pid
	[ "$(sqlite3 y.prof 'SELECT count(DISTINCT pid) FROM threads JOIN samples ON thread = threads.id')" -eq 2 ]
	wait $pid
}

@test "a tree that the collector is in is recorded without it" {
	bash -c '"$0" 60 & collector attach -q -d 0.3 --tree -o x $$; kill $!' "$WORKLOADS/leaf"
	[ "$(sqlite3 x.prof "SELECT group_concat(DISTINCT name) FROM (SELECT name FROM threads ORDER BY name)")" = bash,leaf ]
}

@test "misses no thread that works while threads are born and die" {
	"$WORKLOADS/crowd" 300 20 >out 3>&- &
	pid=$!
	until grep -q ready out; do sleep 0.1; done
	# The limit of open files that users have unless told otherwise: it is raised where it may be.
	(ulimit -Sn 1024 && collector attach -q -e cpu-clock -F 999 -d 2 -o x $pid)
	kill $pid
	sqlite3 x.prof "SELECT DISTINCT tid FROM threads JOIN samples ON thread = threads.id" | sort >sampled
	[ "$(sqlite3 x.prof 'SELECT count(DISTINCT tid) FROM threads')" -ge 304 ]
	# What would hold so many threads up is left out, and the report says so.
	run collector summary x.prof
	[[ $output == *"no series of cores: "*"context switches were not looked up while"* ]]
	# All whose life lay between the end of attaching and the beginning of the end.
	sqlite3 -separator ' ' x.prof "SELECT (SELECT value FROM meta WHERE key = 'start_clock_ns'),
		(SELECT value FROM meta WHERE key = 'attached_ns')" >figures
	awk 'NR == FNR { start = $1 + $2; end = $1 + 2e9; next }
		NF == 3 && $2 > start && $3 < end { print $1 }' figures out | sort >lived
	[ "$(wc -l <lived)" -ge 10 ]
	[ -z "$(comm -23 lived sampled)" ]
}

@test "the engine's trace is the same while it is watched" {
	sim --agents 60 --steps 300 --seed 7 --state-hash --database none >without 2>/dev/null
	sim --agents 60 --steps 300 --seed 7 --state-hash --database none >with 2>/dev/null 3>&- &
	pid=$!
	# By two at a time, the second with its default: the kernel's tick where that can be had.
	collector attach -q -o y $pid 3>&- &
	collector attach -q -F 2000 -o x $pid
	wait $pid $!
	cmp without with
	[ "$(state x.prof) $(state y.prof)" = "complete complete" ]
	[ "$(wc -l <with)" -eq 300 ]
}

@test "a process whose first thread has ended is recorded in the others" {
	start "$WORKLOADS/headless" 4
	until grep -q '^State:.Z' "/proc/$pid/status"; do sleep 0.05; done
	run collector attach -d 0.7 -o x $pid
	[ "$status" -eq 0 ]
	collector export --format folded x.prof >folded
	grep -q ';run;works' folded
	[ "$(complete_percent x.prof)" -ge 99 ]
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'program'")" = headless ]
	wait $pid
	[ -s out ]
}

@test "a process that executes a program or ends while it is attached to" {
	for pause in 0.05 0.1 0.2; do
		sh -c "sleep $pause; exec '$WORKLOADS/leaf' 20" >out 3>&- &
		pid=$!
		collector attach -q -e cpu-clock -F 999 -d 0.7 -o x $pid
		kill $pid
		collector export --format folded x.prof >folded
		grep -q ';main;.*leaf' folded
		sleep $pause 3>&- &
		run collector attach -q -o y $!
		[ "$status" -eq 0 ] || { [ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ]; }
		[[ $status -eq 0 || $output == "collector attach: "* ]]
	done
	# By a thread that is not the first: that one ends, and its number goes over.
	start "$WORKLOADS/executes" 1
	collector attach -q -e cpu-clock -F 999 -o x $pid
	wait $pid
	collector export --format folded x.prof >folded
	grep -q ';main;executed' folded
}

@test "what cannot be attached to is one sentence" {
	run collector attach 999999999
	[ "$status" -eq 1 ]
	[ "$output" = "collector attach: there is no process 999999999" ]
	if [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ]; then # not in a container
		run collector attach 2
		[ "$status" -eq 1 ]
		[ "$output" = "collector attach: 2 is a thread of the kernel; it has no program" ]
	fi
	perl -e 'fork and sleep 20' 3>&- & # a parent that never waits for its child
	parent=$!
	until grep -q '^State:.Z' "/proc/$(pgrep -P $parent || echo none)/status" 2>/dev/null; do sleep 0.1; done
	ended=$(pgrep -P $parent)
	run collector attach "$ended"
	[ "$status" -eq 1 ]
	[[ $output == *"has ended already" ]]
	# Beside others that live it is left out.
	run collector attach -q -d 0.01 -o beside "$ended" 999999999 $parent
	kill $parent
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "collector attach: process $ended has ended already; going on with the others" ]
	[ "${lines[1]}" = "collector attach: there is no process 999999999; going on with the others" ]
	[ "$(sqlite3 beside.prof "SELECT value FROM meta WHERE key = 'program'")" = perl ]
	rm beside.*
	local bad
	for bad in '' x -1 0 1x '-d 0 1' '-d x 1' '-d 1e-10 1' '-d 1e99 1' '-F 0 1' '-F 10000000 1' '-e none 1'; do
		# shellcheck disable=SC2086
		run timeout 20 collector attach $bad
		[ "$status" -eq 1 ] || { echo "$bad: $status"; false; }
		[[ $output == "collector attach: "* ]]
	done
	[ -z "$(find . -name '*.prof')" ]
}

@test "a program with several names has that under which it was started" {
	cp "$(command -v sleep)" one
	ln -s one another
	start ./another 60
	collector attach -q -d 0.01 -o x $pid
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'program'")" = another ]
	kill $pid
}

@test "a process of somebody else is refused with the remedy" {
	require root
	start sleep 60
	theirs=$(mktemp -d)
	chmod 777 "$theirs"
	cp "$(command -v collector)" "$theirs"
	cd "$theirs"
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./collector attach -o x $pid
	[ "$status" -eq 1 ]
	[ "$output" = "collector attach: the kernel refuses to show process or thread $pid to you (Permission denied): it is somebody else's, or has more rights than you; run as root, or with the capability CAP_PERFMON" ]
	[ ! -e x.prof ]
	cd /
	rm -r "$theirs"
	kill $pid
}

@test "samples with the kernel's tick by default, and otherwise when asked" {
	require root
	start "$WORKLOADS/recursion" 4
	collector attach -q -d 1 -o x $pid
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'engine'")" = tick ]
	hz=$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'frequency_hz'")
	count=$(sqlite3 x.prof 'SELECT count(*) FROM samples')
	cpu_ms=$(($(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'target_cpu_ns'") / 1000000))
	wall_ms=$(($(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'duration_ns'") / 1000000))
	# On a busy machine, a virtual one above all, ticks come late or meet others more often than
	# their share; but never more often than they come at all.
	[ "$count" -ge $((hz * cpu_ms / 10000)) ]
	[ "$count" -le $((hz * wall_ms * 11 / 10000)) ]
	[ "$(complete_percent x.prof)" -ge 99 ]
	# However many came: together they stand for the time that the kernel counted.
	amount=$(collector export --format json x.prof | sed -n 's/^"total":.*"amount":\([0-9]*\).*/\1/p')
	cpu_ns=$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'target_cpu_ns'")
	[ "$amount" -ge $((cpu_ns - 1000)) ]
	[ "$amount" -le $((cpu_ns + 1000)) ]
	# Work in user code: the tick's own frames are no part of it.
	collector export --format folded x.prof >folded
	all=$(awk '{ n += $NF } END { print n }' folded)
	user=$(grep -E '^_start;.*;main;(descend;){105}bottom(;burn)? ' folded | awk '{ n += $NF } END { print n + 0 }')
	[ $((100 * user / all)) -ge 85 ]
	collector attach -q -F 500 -d 0.5 -o y $pid
	[ "$(sqlite3 y.prof "SELECT value FROM meta WHERE key = 'engine'")" != tick ]
	run collector attach -e tick -F 500 -o z $pid
	[ "$status" -eq 1 ]
	[ "$output" = "collector attach: the tick comes $hz times a second; leave -F out" ]
	collector attach -q -e tick -F "$hz" -d 0.1 -o z $pid
	kill $pid
}

@test "an ordinary user attaches to a process of his own without the tick" {
	require root
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 2 ] || skip "perf_event_paranoid is above 2"
	theirs=$(mktemp -d)
	chmod 777 "$theirs"
	cp "$(command -v collector)" "$(command -v reports)" "$WORKLOADS/leaf" "$theirs"
	cd "$theirs"
	setpriv --reuid=65534 --regid=65534 --clear-groups ./leaf 3 >/dev/null 3>&- &
	pid=$!
	sleep 0.3
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./collector attach -d 1 -o x $pid
	[ "$status" -eq 0 ]
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'engine'")" = cpu-clock-user ]
	[[ $output == *"the kernel's tick cannot be used: collector check says why"* ]]
	[ "$(complete_percent x.prof)" -ge 99 ]
	[ "$(sqlite3 x.prof 'SELECT count(*) FROM samples')" -gt 20 ]
	kill $pid
	cd /
	rm -r "$theirs"
}
