# The unwinder on whole programs, judged by an independent one, and what keeps it safe.

load requirements

setup() {
	bats_require_minimum_version 1.5.0
	cd "$BATS_TEST_TMPDIR" || return
}

# agrees PROGRAM…: all stacks reach the root, and libdw sees the same frames in each.
agrees() {
	run -0 "$BUILD/bench/oracle" --no-speed --live -- "$@"
	echo "$output"
	[[ $output =~ samples\ ([0-9]+) ]] && ((BASH_REMATCH[1] > 50))
	[[ $output == *"complete 100.00 %"* ]]
	[[ $output == *"we stopped first 0, differ 0,"* ]]
	[[ $output =~ compared\ ([0-9]+) ]] && ((BASH_REMATCH[1] > 50))
}

@test "a deep recursion without frame pointers agrees with libdw" {
	require perf
	agrees "$BUILD/workloads/recursion" 0.4
	[[ $output =~ mean\ depth\ 1(0[5-9]|10\.0) ]]
}

@test "threads agree with libdw" {
	require perf
	agrees "$BUILD/workloads/threads" 0.4
}

@test "signal handlers, qsort and the vDSO agree with libdw" {
	require perf
	agrees "$BUILD/workloads/signals" 0.4
}

@test "a stack with untouched pages is finished from the live process" {
	require perf
	run "$BUILD/bench/oracle" --no-speed --live -- "$BUILD/workloads/hole" 0.6
	echo "$output"
	[[ $output =~ finished_live\ ([0-9]+) ]] && ((BASH_REMATCH[1] > 100))
	[[ $output == *"we stopped first 0, differ 0,"* ]]
}

@test "Debian's sqlite3 agrees with libdw" {
	require perf
	type -p sqlite3 >/dev/null || skip "sqlite3 is not installed"
	agrees sqlite3 :memory: "with recursive n(i) as (select 1 union all select i + 1 from n
		where i < 400000) select count(distinct printf('%d', i % 1009)) from n"
}

@test "the fuzz targets survive their corpora" {
	local target
	for target in "$BATS_TEST_DIRNAME"/../fuzz/corpus/*/; do
		run -0 "$BUILD/fuzz/$(basename "$target")" "$target"*
		[[ $output =~ ^[1-9][0-9]*\ inputs$ ]]
	done
}

@test "the interpreter of call frame information is freestanding" {
	"$BATS_TEST_DIRNAME/../../scripts/check-freestanding"
}
