#!/usr/bin/env bats
# The scripts compare_profiles and analyze_profile: the seed's names for compare, summary and report.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
	scripts=$BATS_TEST_DIRNAME/../../scripts
}

@test "analyze_profile prints the summary and leaves the report in three formats" {
	synthetic small
	"$scripts/analyze_profile" --output-dir out small.prof >said
	echo mine >out/small.md
	"$scripts/analyze_profile" --output-dir out small.prof 2>kept >/dev/null
	[ "$(cat out/small.md.old)" = mine ]
	grep -q 'what was out/small.md is now small.md.old' kept
	reports summary small.prof | diff - said
	grep -q '<html' out/small.html
	[ -s out/small.md ]
	ask out/small.json it >/dev/null
}

@test "compare_profiles takes files and folders and leaves the comparison in three formats" {
	local run
	mkdir base new
	for run in 1 2; do
		"$BUILD/bench/synthetic_profile" replicate "base/$run.prof" $run
		"$BUILD/bench/synthetic_profile" replicate "new/$run.prof" $((10 + run))
	done
	"$scripts/compare_profiles" --output-dir out base new >said
	reports compare base/1.prof base/2.prof -- new/1.prof new/2.prof | diff - said
	grep -q '<html' out/comparison.html
	[ -s out/comparison.md ]
	ask out/comparison.json it >/dev/null
	"$scripts/compare_profiles" base/1.prof new/1.prof | grep -q unreplicated
	[ -s profiling_results/comparison.html ]
}

@test "both refuse what they cannot read in one sentence and leave nothing" {
	mkdir empty
	touch bad.prof
	fails_with 1 'there is no profile none.prof' "$scripts/analyze_profile" none.prof
	fails_with 1 'it takes one profile, not 0' "$scripts/analyze_profile"
	fails_with 1 "there is no option '--fast'" "$scripts/analyze_profile" --fast
	fails_with 1 'bad.prof' "$scripts/analyze_profile" bad.prof
	fails_with 1 'not 1' "$scripts/compare_profiles" bad.prof
	fails_with 1 'there is no none.prof' "$scripts/compare_profiles" bad.prof none.prof
	fails_with 1 'there is no profile in empty' "$scripts/compare_profiles" bad.prof empty
	fails_with 1 '--output-dir takes a path' "$scripts/compare_profiles" --output-dir
	fails_with 1 'bad.prof' "$scripts/compare_profiles" bad.prof bad.prof
	[ ! -e profiling_results ]
}
