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
	collector run -q -o a --step step --time work -- "$CALLS" steps 830 >said
	collector steps a.prof >text
	cat text
	grep -q '^830 steps' text
	grep -q '^every 137 steps a long one, from step 137 on: 6 of 6' text
	grep -q 'long steps are long in .*main > run_steps > step > stall' text
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
