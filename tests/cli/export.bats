#!/usr/bin/env bats
# reports export: other tools' formats.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "folded stacks of the known profile as reviewed" {
	synthetic small
	reports export --format folded -o folded small.prof
	assert_golden export_small.folded folded
}

@test "folded lines are ordered, distinct, and keep every sample" {
	synthetic wide 2000
	reports export --format folded wide.prof >folded
	sed 's/ [0-9]*$//' folded >stacks
	[ "$(sort -u stacks | wc -l)" -eq "$(wc -l <stacks)" ]
	[ "$(sed 's/.* //' folded | sum)" -eq "$(sqlite3 wide.prof 'SELECT count(*) FROM samples')" ]
	reports export --format folded wide.prof | cmp - folded
}

@test "names cannot break the folded format" {
	synthetic hostile
	reports export --format folded hostile.prof >folded
	[ "$(wc -l <folded)" -eq 13 ]
	grep -q ';semi:colon_12;' folded
	grep -q ';line feed tab??;' folded
	[ "$(awk -F';' '{ print NF }' folded | sort -n | tail -n 1)" -eq 13 ]
}

@test "a deep recursion is one long line" {
	synthetic deep 20000
	reports export --format folded deep.prof | tail -n 1 >last
	[ "$(tr ';' '\n' <last | grep -c '^recurse')" -eq 20000 ]
}

@test "an empty profile is an empty file" {
	synthetic empty
	reports export --format folded -o folded empty.prof
	[ ! -s folded ]
}

@test "an unknown or missing format is one sentence" {
	synthetic small
	fails_with 1 "no format 'flamegraph'" reports export --format flamegraph small.prof
	fails_with 1 'which format?' reports export small.prof
	[[ $(reports export --help) == *"folded"*"one line per stack"* ]]
}

@test "JSON has what the recording says of itself, its steps and its series" {
	require node
	synthetic rich
	reports export --format json rich.prof >json
	[ "$(ask json it.steps.length)" -eq "$(sqlite3 rich.prof 'SELECT count(*) FROM steps')" ]
	[ "$(ask json it.points.length)" -eq "$(sqlite3 rich.prof 'SELECT count(*) FROM points')" ]
	[ "$(ask json 'Object.keys(it.meta).length')" -eq "$(sqlite3 rich.prof 'SELECT count(*) FROM meta')" ]
	[ "$(ask json 'it.metrics.map(row => row.name).join()')" = "$(sqlite3 rich.prof 'SELECT group_concat(name) FROM metrics')" ]
	[ "$(ask json 'it.steps.length > 0 && it.points.every(point => it.series[point[0]])')" = true ]
}
