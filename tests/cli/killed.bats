#!/usr/bin/env bats
# collector run --memory: what is left when the collector is killed, and that the program goes on.

bats_require_minimum_version 1.5.0
load requirements

setup() {
	cd "$BATS_TEST_TMPDIR"
}

value() {
	sqlite3 x.prof "$1"
}

# inside METRIC: the sum of its amounts at call sites in the file allocations.
inside() {
	value "SELECT coalesce(sum(value), 0) FROM samples s JOIN metrics m ON m.id = s.metric
		JOIN stacks k ON k.id = s.stack JOIN frames f ON f.id = k.frame
		JOIN modules o ON o.id = f.module
		WHERE m.name = '$1' AND o.path LIKE '%/allocations'"
}

# within_10_s COMMAND…: waits until it succeeds; fails when it has not by then.
within_10_s() {
	for ((i = 0; i < 200; i++)); do
		! "$@" 2>/dev/null || return 0
		sleep 0.05
	done
	return 1
}

# What the profile has of the allocations in that file.
seen() {
	[ ! -s x.prof ] || echo "$(inside allocations) $(inside allocated) $(inside live)"
}

has_seen() {
	[ "$(seen)" = "$1" ]
}

@test "a killed collector leaves what was counted, and the program goes on" {
	collector run -q -o x --memory -- "$BUILD/workloads/allocations" leaks
	whole=$(seen)
	[ "${whole%% *}" -ge 1013 ]
	rm x.prof
	collector run -q -o x --memory -- bash -c '
		'"$BUILD/workloads/allocations"' leaks
		for ((i = 0; i < 400; i++)); do [ ! -e over ] || break; sleep 0.05; done
		'"$BUILD/workloads/allocations"' family >counts; mv counts counted' >/dev/null 3>&- &
	collector=$!
	within_10_s has_seen "$whole"
	kill -KILL $collector
	wait $collector || true
	touch over
	within_10_s test -e counted
	[ "$(cat counted)" = "$("$BUILD/workloads/allocations" family)" ]
	has_seen "$whole"
	run -0 collector memory x.prof
	[[ $output == *"not every allocation counted"*"the recording did not reach its end"* ]]
}

@test "the program goes on when the collector is killed at once" {
	collector run -q -o x --memory -- bash -c 'echo $$ >pid
		for ((i = 0; i < 400; i++)); do [ ! -e over ] || break; sleep 0.05; done
		'"$BUILD/workloads/allocations"' family >counts; mv counts counted' &
	collector=$!
	within_10_s test -s pid
	kill -KILL $collector
	wait $collector || true
	touch over
	within_10_s test -e counted
	[ "$(cat counted)" = "$("$BUILD/workloads/allocations" family)" ]
}
