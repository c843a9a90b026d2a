#!/usr/bin/env bats
# collector sweep and scaling: a program recorded at many points, and how its costs grow.

# {NAME} is meant for the sweep.
# shellcheck disable=SC1083

bats_require_minimum_version 1.5.0
load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
	# Does what its arguments say, and notes that it ran.
	cat >engine <<-'SCRIPT'
		#!/bin/bash
		echo "$*" >>order
		case $1 in
		fail) echo "engine: out of order" >&2; exit 3 ;;
		crash) kill -SEGV $$ ;;
		hang) trap '' TERM; exec -a "hangs in $PWD" sleep 60 ;;
		esac
		echo "turns  $((10 * $1))"
	SCRIPT
	chmod +x engine
}

states() {
	for run in "$1"/runs/*/run.json; do
		ask "$run" it.state
	done | sort | uniq -c | awk '{ printf "%s%s %s", sep, $1, $2 $3; sep = ", " } END { print "" }'
}

@test "a run begins without what the ones before left" {
	collector sweep --json -o it -r 0 --bare 3 --vary a=1,2 --scratch left -- sh -c 'echo {a} >>left; cat left' >end.json
	[ "$(ask end.json 'it.folder + it.runs + it.done + it.failed + it.timed_out')" = it6600 ]
	[ "$(sort it/runs/*/out | uniq -c | awk '{ print $1, $2 }' | paste -sd,)" = "3 1,3 2" ]
	[ ! -e left ]
}

@test "a grid is run in shuffled rounds, each point as often as asked, warm-up apart" {
	require perf
	collector sweep -o it -r 2 --bare 1 --vary a=1,2,3 --vary b=x,y -- ./engine {a} {b}
	[ "$(states it)" = "18 done" ]
	# 18 and the warm-up
	[ "$(wc -l <order)" -eq 19 ]
	[ "$(tail -18 order | sort | uniq -c | awk '{ print $1 }' | sort -u)" = 3 ]
	[ "$(tail -18 order)" != "$(tail -18 order | sort)" ]
	[ -f it/runs/p1r1/run.prof ]
	[ ! -f it/runs/p1r1b/run.prof ]
	[ "$(cat it/runs/p1r1b/out)" = "turns  10" ]
}

@test "listed points, and another plan in the same folder is refused" {
	collector sweep -o it -r 1 --warm-up 0 --point a=1,b=2 --point a=3,b=4 --run=-q -- ./engine {a}{b}
	[ "$(sort order | paste -sd ' ')" = "12 34" ]
	fails_with 1 'holds another sweep' collector sweep -o it -r 2 --point a=1 -- ./engine {a}
	echo '{' >it/sweep.json
	fails_with 1 'is no plan of a sweep' collector sweep -o it -r 2 --point a=1 -- ./engine {a}
	echo '{"schema": "simprof/sweep-v9", "command": [], "points": [], "run": [], "repeats": 1, "bare": 0, "warm_up": 0, "time_limit_s": 1.0, "seed": 1}' >it/sweep.json
	fails_with 1 "has the form 'simprof/sweep-v9'" collector sweep -o it -r 2 --point a=1 -- ./engine {a}
	fails_with 1 "has the form 'simprof/sweep-v9'" collector scaling it
}

@test "a run that a signal ends has the signal's name, with and without recording" {
	fails_with 2 '0 of 2 runs done, 2 failed' collector sweep -o it -r 1 --bare 1 --warm-up 0 --point a=crash -- ./engine {a}
	local run
	for run in p1r1 p1r1b; do
		[[ $(ask it/runs/$run/run.json it.reason) == 'it ended with status 139, that of SIGSEGV'* ]]
	done
}

@test "failed and timed-out runs are recorded as such, and made again only when asked" {
	local status=0
	collector sweep -o it -r 1 --warm-up 0 --time-limit 4 --vary a=fail,hang,5 -- ./engine {a} 2>said || status=$?
	cat said
	[ "$status" -eq 2 ]
	grep -q '1 of 3 runs done, 1 failed, 1 timed out' said
	[ "$(ask it/runs/p1r1/run.json it.reason)" = "it ended with status 3: engine: out of order" ]
	[[ $(ask it/runs/p2r1/run.json it.reason) == "it had not ended after 4 s" ]]
	[ "$(wc -l <order)" -eq 3 ]
	collector sweep -o it -r 1 --warm-up 0 --time-limit 4 --vary a=fail,hang,5 -- ./engine {a} || status=$?
	[ "$(wc -l <order)" -eq 3 ]
	sed -i 's/exit 3/exit 0/' engine
	collector sweep --retry -o it -r 1 --warm-up 0 --time-limit 4 --vary a=fail,hang,5 -- ./engine {a} || status=$?
	[ "$(states it)" = "2 done, 1 timedout" ]
	[ "$(wc -l <order)" -eq 5 ]
	run ! pgrep -f "^hangs in $PWD 60$"
}

@test "a sweep that is killed goes on where it was, and counts nothing twice" {
	local made
	sed -i '2i sleep 0.05' engine
	collector sweep -o it -r 4 --vary a=1,2,3 -- ./engine {a} & job=$!
	while [ "$(find it/runs -name run.json 2>/dev/null | wc -l)" -lt 4 ]; do sleep 0.05; done
	kill -9 $job
	wait $job || :
	made=$(find it/runs -maxdepth 1 -name 'p*' ! -name '*.*' | wc -l)
	[ "$made" -ge 3 ]
	[ "$made" -lt 12 ]
	sleep 0.2
	collector sweep -o it -r 4 --vary a=1,2,3 -- ./engine {a}
	[ "$(states it)" = "12 done" ]
	[ "$(find it/runs -mindepth 1 -maxdepth 1 | wc -l)" -eq 12 ]
}

@test "a run whose recording is cut, or whose file is of another version, is named, and made again when asked" {
	require perf
	local status=0
	sweep() { collector sweep "$@" -o it -r 3 --bare 1 --warm-up 0 --vary a=1,2 -- ./engine {a}; }
	sweep
	truncate -s 3000 it/runs/p1r1/run.prof
	rm it/runs/p1r2/run.prof
	sed -i 's/run-v1/run-v9/' it/runs/p2r1b/run.json
	cp it/runs/p2r3/run.json untouched
	sweep 2>said || status=$?
	cat said
	[ "$status" -eq 2 ]
	grep -q '5 of 8 runs done, 3 failed' said
	[ "$(grep -cE 'p(1r1|1r2|2r1b)/.*--retry makes that run again' said)" -eq 3 ]
	collector scaling it >said
	cat said
	grep -q '7 of 8 done, 0 failed, 0 timed out, 0 missing, 1 damaged' said
	[ "$(grep -cE '^left out: .*p1r[12]/run.prof' said)" -eq 2 ]
	sweep --retry
	[ "$(states it)" = "8 done" ]
	cmp it/runs/p2r3/run.json untouched
	[ "$(wc -l <order)" -eq 11 ]
}

@test "an interrupt ends it with a sentence" {
	local status=0
	sed -i '2i touch begun; sleep 5' engine
	collector sweep -o it --vary a=1 -- ./engine {a} 2>said & job=$!
	until [ -e begun ]; do sleep 0.05; done
	kill -TERM $job
	wait $job || status=$?
	[ "$status" -eq 1 ]
	grep -q 'interrupted; the same command goes on' said
}

@test "calls per step are classified exactly, by counts, and split from the cost of a call" {
	require root bpf
	collector sweep -o it -r 2 --warm-up 0 --vary n=4,8,16,32,64 --run=--step=growth_step \
		--run=--count='calls_*' --run=--budget=none -- "$BUILD/workloads/growth" {n} 2
	collector scaling --json it >it.json
	class() { ask it.json "it.groups[0].rows.find(row => row.name == '$1').calls.$2"; }
	[ "$(class calls_constant class)" = 'O(1)' ]
	[ "$(class calls_log class)" = 'O(log n)' ]
	[ "$(class calls_linear class)" = 'O(n)' ]
	[ "$(class calls_linear_log class)" = 'O(n log n)' ]
	[ "$(class calls_three_halves class)" = 'O(n^1.5)' ]
	[ "$(class calls_square class)" = 'O(n²)' ]
	[ "$(class calls_square exponent)" = 2 ]
	[[ $(collector scaling it | grep calls_square) == *'n^2.00 (1.99 to 2.01)'* ]]
}

@test "the size can be what the program counted, machines and other parameters are kept apart" {
	require perf
	collector sweep -o it -r 2 --warm-up 0 --vary a=1,2,4,8,16,32 --vary b=x,y -- ./engine {a} {b}
	collector scaling --json --over a --size turns it >it.json
	[ "$(ask it.json 'it.groups.length')" = 2 ]
	[ "$(ask it.json 'it.groups.map(group => group.others).sort().join()')" = 'b x,b y' ]
	[ "$(ask it.json 'it.groups[0].rows[0].points.map(point => point.size).join()')" = '10,20,40,80,160,320' ]
	fails_with 1 'nothing in this sweep varies' collector scaling --over b it
	fails_with 1 'there is no sweep in' collector scaling nowhere
}

@test "bad command lines are refused with a sentence" {
	fails_with 1 'which program?' collector sweep
	fails_with 1 "'a' is varied, but the command has no {a}" collector sweep -o no --vary a=1 -- true
	fails_with 1 'the command has {b}, but a point gives it no value' collector sweep -o no --vary a=1 -- true {a} {b}
	fails_with 1 '--vary takes NAME=' collector sweep -o no --vary a -- true {a}
	fails_with 1 '--vary takes NAME=' collector sweep -o no --vary a=1,,2 -- true {a}
	fails_with 1 "'a' is varied twice" collector sweep -o no --vary a=1 --vary a=2 -- true {a}
	fails_with 1 'not both' collector sweep -o no --vary a=1 --point b=2 -- true {a}
	fails_with 1 "there is no launcher 'cloud'" collector sweep --launcher cloud -- true
	fails_with 1 '-r takes a whole number' collector sweep -r some -- true
	fails_with 1 '-r 0 and no --bare: nothing to run' collector sweep -r 0 -- true
	fails_with 1 '--time-limit takes seconds' collector sweep --time-limit 0 -- true
	[ ! -e no ]
}
