#!/usr/bin/env bats
# collector top: what running processes do at the moment, who go on as if nobody looked.

load requirements
load begun
load profiles

setup() {
	require perf
	cd "$BATS_TEST_TMPDIR"
	WORKLOADS=$BUILD/workloads
	export TERM=xterm
	# shows PATTERN: waits until the terminal of in_terminal has shown it. (The first line of `screen`
	# is the command.)
	cat >shows <<-'SH'
		#!/bin/sh
		waited=0
		until sed 1d screen 2>/dev/null | tr -d '\000\n' | grep -q "$1" || [ $((waited += 1)) -gt 500 ]; do sleep 0.1; done
	SH
	chmod +x shows
}

# start COMMAND...: runs it in the background; its number is in $pid.
start() {
	"$@" >out 2>err 3>&- &
	pid=$!
	begun $pid
	sleep 0.3
}

# in_terminal KEYS COMMAND: runs a command in a terminal of 30 lines of 100 columns, on which KEYS, a
# command of the shell, types. What the terminal received is in `screen`.
in_terminal() {
	sh -c "$1" | timeout 60 script -qefc "stty rows 30 cols 100; $2" screen >/dev/null
}

# lowest TEXT: the number of the lowest line that the cursor was sent to, in what cat -v shows.
lowest() {
	grep -oE '\^\[\[[0-9]+(;[0-9]+)?[Hd]' <<<"$1" | tr -dc '0-9;\n' | cut -d';' -f1 | sort -n | tail -n 1
}

@test "shows functions by their shares of the time, threads and samples" {
	start "$WORKLOADS/threads" 6
	run timeout 60 collector top --batch 2 -i 0.7 $pid
	[ "$status" -eq 0 ]
	[ "$(grep -c '^threads (' <<<"$output")" -eq 2 ]
	# The main thread waits for eight that work.
	grep -qE '^threads 9: [1-8] running, [1-8] sleeping · busiest (even|odd)/[0-9]+ ' <<<"$output"
	grep -qE 'CPU [1-9][0-9]* % · [1-9][0-9]* samples/s · (99\.[5-9]|100\.0) % complete stacks · 0 lost' <<<"$output"
	awk '$3 == "piece" && $4 == "threads" { self += $1; total += $2; n++ } END { exit !(n == 2 && total / n > 90) }' <<<"$output"
	awk '$3 == "share" && $4 == "threads" { if ($1 > 10 || $2 < 90) exit 1; n++ } END { exit n != 2 }' <<<"$output"
	kill -0 $pid
	kill $pid
}

@test "looks are lines of JSON when asked" {
	require node
	start "$WORKLOADS/threads" 60
	timeout 50 collector top --batch 4 --json -i 0.5 $pid >looks
	kill $pid
	[ "$(wc -l <looks)" -eq 4 ]
	paste -sd, looks | sed 's/.*/[&]/' >looks.json
	[ "$(ask looks.json 'it.every(look => look.threads === 9 && look.lost >= 0)')" = true ]
	# On a loaded machine names may come late.
	[ "$(ask looks.json 'it.some(look => look.functions.some(row => row.function === "piece" && row.total_percent > 0))')" = true ]
	run collector top --json $$
	[ "$status" -eq 1 ]
	[[ $output == *"--json goes with --batch"* ]]
}

@test "shows how fast the steps are" {
	require root bpf
	start sim --agents 60 --steps 1000000 --seed 7 --database none
	run timeout 60 collector top --batch 1 --step environment_step $pid
	[ "$status" -eq 0 ]
	[[ $output =~ steps\ of\ environment_step:\ ([0-9.]+)\ a\ second,\ one\ takes\ ([0-9.]+)\ ms ]]
	# It does nothing but steps: their number times their length is about the time. The length is a
	# median, so where others hold the processor for some of the steps, the product is less.
	awk -v rate="${BASH_REMATCH[1]}" -v ms="${BASH_REMATCH[2]}" 'BEGIN { exit !(rate * ms > 100 && rate * ms < 1300) }'
	kill $pid
}

@test "in a terminal q leaves, and the terminal is as it was" {
	start "$WORKLOADS/threads" 20
	in_terminal './shows piece; printf t; sleep 0.3; printf q' "collector top -i 0.5 $pid; echo status=\$?; stty -a"
	grep -q 'status=0' screen
	grep -qE 'rows 30; columns 100' screen
	grep -qE '[ ;]icanon .*[ ]echo ' <(tr '\n' ' ' <screen)
	grep -q 'piece' screen
	grep -qF $'\e[?1049l' screen
	kill -0 $pid
	kill $pid
}

@test "follows the size of the terminal" {
	start "$WORKLOADS/threads" 20
	# What it was drawing when the size changed is done long before the mark.
	in_terminal './shows "RESIZED.*\[[0-9]"; sleep 0.5; printf q' "(./shows piece; stty rows 9 cols 60; sleep 1; printf RESIZED) </dev/tty & collector top -i 0.4 $pid; echo status=\$?"
	grep -q 'status=0' screen
	screen=$(cat -v screen)
	[ "$(lowest "${screen%RESIZED*}")" -gt 9 ]
	[ "$(lowest "${screen##*RESIZED}")" -le 9 ]
	kill $pid
}

@test "ends when interrupted and with the process" {
	start "$WORKLOADS/leaf" 20
	env --default-signal=INT collector top --batch 100 $pid >looks 3>&- &
	collector=$!
	local waited=0
	until grep -q burn looks; do
		sleep 0.1
		((++waited < 600))
	done
	kill -INT $collector
	status=0
	wait $collector || status=$?
	[ "$status" -eq 0 ]
	kill -0 $pid
	kill $pid

	start "$WORKLOADS/leaf" 1
	run timeout 60 collector top --batch 100 $pid
	[ "$status" -eq 0 ]
	[[ $output == *"collector top: leaf ($pid) has ended" ]]
	[[ $output == *burn* || $output == *leaf* ]]
}

@test "a terminal that goes away ends it" {
	start "$WORKLOADS/leaf" 30
	script -qec "collector top -i 0.3 $pid; echo left >left" screen </dev/null >/dev/null 2>&1 3>&- &
	terminal=$!
	sleep 1.5
	kill -KILL $terminal
	wait $terminal || true
	for _ in $(seq 300); do
		pgrep -f "^collector top -i 0.3 $pid" >/dev/null || break
		sleep 0.1
	done
	! pgrep -f "^collector top -i 0.3 $pid" || false
	kill $pid
}

@test "the engine's trace is the same while it is watched" {
	sim --agents 60 --steps 600 --seed 7 --state-hash --database none >without 2>/dev/null
	sim --agents 60 --steps 600 --seed 7 --state-hash --database none >with 2>/dev/null 3>&- &
	pid=$!
	timeout 120 collector top -F 5000 --batch 100 -i 0.2 $pid >looks 2>&1
	wait $pid
	cmp without with
	[ "$(wc -l <with)" -eq 600 ]
	grep -qE ' [1-9][0-9.]* .* sim$' looks
}

@test "what cannot be shown is one sentence" {
	run collector top --batch 1 999999999
	[ "$status" -eq 1 ]
	[ "$output" = "collector top: there is no process 999999999" ]
	run collector top $$ </dev/null
	[ "$status" -eq 1 ]
	[ "$output" = "collector top: this is no terminal; use --batch N for plain text" ]
	start "$WORKLOADS/leaf" 10
	in_terminal 'sleep 1' "TERM=nosuch collector top $pid; echo status=\$?"
	grep -q 'status=1' screen
	grep -q 'this terminal is of an unknown type (TERM=nosuch); use --batch N' screen
	kill $pid
	local bad
	for bad in '' x '--batch 0 1' '--batch -1 1' '-i 0 1' '-w x 1' '-F 0 --batch 1 1' '-e none 1' '-e probe --batch 1 1'; do
		# shellcheck disable=SC2086
		run collector top $bad
		[ "$status" -eq 1 ] || { echo "$bad: $status"; false; }
		[[ $output == "collector top: "* ]]
	done
	run collector top --help
	[ "$status" -eq 0 ]
	[[ $output == *"q leaves"* ]]
}
