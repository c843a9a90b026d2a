#!/usr/bin/env bats
# What the target uses over time: recorded ten times a second, shown by summary and series.

bats_require_minimum_version 1.5.0
load requirements

setup() {
	require perf sqlite3
	cd "$BATS_TEST_TMPDIR"
	WORKLOADS=$BUILD/workloads
}

# last NAME: the last value of a series of x.prof
last() {
	sqlite3 x.prof "SELECT value FROM points JOIN series ON series.id = series
		WHERE name = '$1' ORDER BY time_ns DESC LIMIT 1"
}

# most NAME: its largest value
most() {
	sqlite3 x.prof "SELECT max(value) FROM points JOIN series ON series.id = series WHERE name = '$1'"
}

@test "a target's memory, threads, I/O and time on its cores are what it used" {
	collector run -q -o x -- "$WORKLOADS/uses" 0.05 file >out
	[ "$(most rss)" -ge $((36 << 20)) ]
	[ "$(most rss)" -le $((80 << 20)) ]
	[ "$(most threads)" -eq 2 ]
	[ "$(most processes)" -eq 1 ]
	[ "$(last minor-faults)" -ge 5000 ]
	[ "$(last bytes-written)" -ge $((9 << 20)) ]
	[ "$(last bytes-written)" -le $((11 << 20)) ]
	[ "$(last context-switches)" -ge 5 ]
	cores=$(sqlite3 x.prof "SELECT sum(last) FROM (SELECT max(value) AS last FROM points
		JOIN series ON series.id = series WHERE name LIKE 'cpu-%' GROUP BY series)")
	# Of half a second the last look misses what comes after it, and on a busy machine it is late.
	[ "$cores" -ge 300000000 ]
	[ "$cores" -le "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'target_cpu_ns'")" ]
}

@test "totals never fall and begin at nought, also of one that has run for long" {
	"$WORKLOADS/uses" 0.2 file >out 3>&- &
	sleep 0.5
	collector attach -q -d 0.6 -o x $!
	wait $!
	[ "$(sqlite3 x.prof "SELECT count(*) FROM (SELECT value,
		lag(value, 1, 0) OVER (PARTITION BY series ORDER BY time_ns) AS before FROM points
		JOIN series ON series.id = series WHERE is_total) WHERE value < before")" -eq 0 ]
	[ "$(sqlite3 x.prof "SELECT max(value) FROM points JOIN series ON series.id = series
		WHERE name = 'minor-faults' AND time_ns = (SELECT min(time_ns) FROM points)")" -eq 0 ]
}

@test "children are counted with their parent" {
	collector run -q -o x -- sh -c "'$WORKLOADS/uses' 0.05 one & '$WORKLOADS/uses' 0.05 two; wait" >out
	[ "$(most processes)" -eq 3 ]
	# More than one alone has, whose 40 MiB are not at the same time as the other's on a busy machine.
	[ "$(most rss)" -ge $((48 << 20)) ]
	# Each writes 10 MiB. The shell's count has them, too, once it has waited for them.
	[ "$(last bytes-written)" -ge $((20 << 20)) ]
	[ "$(last bytes-written)" -le $((21 << 20)) ]
}

@test "a process whose first thread has ended has memory all the same" {
	"$WORKLOADS/headless" 20 >out 3>&- &
	until grep -q '^State:.Z' "/proc/$!/status"; do sleep 0.05; done
	collector attach -q -d 0.4 -o x $!
	kill $!
	[ "$(most rss)" -ge $((1 << 20)) ]
}

@test "series and summary show them, as text and as JSON" {
	require node
	collector run -o x -- "$WORKLOADS/uses" 0.02 file >out 2>summary
	grep -q '^over time' summary
	collector series x.prof >text
	grep -Eq '^rss +[0-9.]+ MiB' text
	grep -Eq '^cpu-0 .* %' text
	grep -q '█' text
	grep -q '^trust: ' text
	collector series --json x.prof >json
	[ "$(node -p "JSON.parse(require('fs').readFileSync('json')).series.find(s => s.name == 'rss').unit")" = bytes ]
	[ "$(node -p "JSON.parse(require('fs').readFileSync('json')).series.find(s => s.name == 'rss').points.length > 2")" = true ]
}

@test "a recording too short for a look says so" {
	collector run -q -o x -- true
	sqlite3 x.prof 'DELETE FROM points'
	run -1 collector series x.prof
	[[ $output == *"no series"* ]]
}
