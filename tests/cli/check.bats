#!/usr/bin/env bats
# collector check: what works here, and what would help where something does not.

load requirements

setup() {
	require perf
}

@test "tries every engine and names the defaults" {
	run collector check
	[ "$status" -eq 0 ]
	local engine
	for engine in cycles cycles-user cpu-clock cpu-clock-user tick probe off-cpu deep-stacks; do
		grep -qE "^$engine +(yes|no) +[^ ]" <<<"$output"
	done
	grep -qE "^cpu-clock-user +yes" <<<"$output"
	[[ $output == *"collector run uses "* && $output == *"collector attach uses "* ]]
}

@test "says the same as JSON" {
	require node
	collector check --json >"$BATS_TEST_TMPDIR/it.json"
	run node -p '
		const it = JSON.parse(require("fs").readFileSync(process.argv[1]));
		const words = it.engines.map(engine => engine.name + (engine.works ? "" : engine.reason ? "" : "?"));
		words.join(" ") + " " + it.engines.some(engine => engine.name === it.run && engine.works) + " " + typeof it.off_cpu.works + " " + typeof it.deep_stacks.works
	' "$BATS_TEST_TMPDIR/it.json"
	[ "$output" = "cycles cycles-user cpu-clock cpu-clock-user tick probe true boolean boolean" ]
}

@test "what cannot be printed is a failure" {
	run bash -c 'collector check >/dev/full'
	[ "$status" -eq 1 ]
	[ "$output" = "collector: cannot write to standard output: No space left on device" ]
	run bash -c 'collector check >&-'
	[ "$status" -eq 1 ]
	[ "$output" = "collector: cannot write to standard output: Bad file descriptor" ]
	run bash -c 'collector --version >/dev/full'
	[ "$status" -eq 1 ]
	local command
	for command in attach check top sweep summary gate; do
		run bash -c "collector $command --help >/dev/full"
		[ "$status" -eq 1 ]
		[[ ${#lines[@]} -eq 1 && $output == "collector: cannot write to standard output"* ]]
	done
	run bash -c 'collector run --help >/dev/full'
	[ "$status" -eq 125 ]
	# It ends with the first picture that nobody gets.
	run timeout 60 bash -c 'collector top --batch 1000 $$ >/dev/full'
	[ "$status" -eq 1 ]
	[ "$output" = "collector: cannot write to standard output" ]
}

@test "root samples the kernel and has the tick" {
	require root
	run collector check
	grep -qE "^cpu-clock +yes .* [1-9][0-9]* of them in the kernel" <<<"$output"
	[[ $output == *"collector attach uses tick"* ]]
}

@test "root has the rest of deep stacks copied where BPF works, others are told why not" {
	require root bpf
	run collector check
	grep -qE "^deep-stacks +yes .* came with [1-9][0-9]* samples" <<<"$output"
	run setpriv --bounding-set -bpf,-sys_admin collector check
	grep -qE "^deep-stacks +no .*refuses BPF" <<<"$output"
}

@test "root can record waits, which is proven by one" {
	require root bpf
	run collector check
	grep -qE "^off-cpu +yes .*a sleep of 60 ms was found as [0-9.]+ ms of waiting" <<<"$output"
}

@test "an ordinary user is told what he cannot have and why" {
	require root
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -eq 2 ] || skip "perf_event_paranoid is not 2"
	cp "$(command -v collector)" "$BATS_TEST_TMPDIR"
	theirs=$(mktemp -d)
	chmod 755 "$theirs"
	cp "$(command -v collector)" "$theirs"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$theirs/collector" check
	# One remedy that it names, tried.
	setcap cap_perfmon+ep "$theirs/collector"
	with=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$theirs/collector" check)
	rm -r "$theirs"
	grep -qE "^cpu-clock +yes .* [1-9][0-9]* of them in the kernel" <<<"$with"
	[ "$status" -eq 0 ]
	grep -qE "^cpu-clock +no +.*perf_event_paranoid is 2.*run as root, or .sysctl kernel.perf_event_paranoid=1." <<<"$output"
	grep -qE "^tick +no +.*run as root" <<<"$output"
	grep -qE "^off-cpu +no +.*run as root, or with the capabilities CAP_BPF.*--cap-add BPF" <<<"$output"
	grep -qE "^cpu-clock-user +yes .* 0 of them in the kernel" <<<"$output"
	[[ $output == *"collector run uses cpu-clock-user"* ]]
}

@test "root without its capabilities is not told to be root" {
	require root
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -eq 2 ] || skip "perf_event_paranoid is not 2"
	run setpriv --bounding-set=-perfmon,-sys_admin collector check
	[ "$status" -eq 0 ]
	grep -qE "^cpu-clock +no +.*this root lacks the capability CAP_PERFMON; in a container docker run --cap-add PERFMON" <<<"$output"
	[[ $output == *"collector run uses cpu-clock-user"* ]]
}

@test "says no with status 2 where nothing may be sampled" {
	require root
	# A limit of open files that leaves no room for events.
	run bash -c 'ulimit -n 7; exec collector check'
	[ "$status" -eq 2 ]
	[[ $output == *"too many open files"* && $output == *"collector run cannot sample here"* ]]
}

@test "takes no arguments" {
	run collector check 1
	[ "$status" -eq 1 ]
	run collector check --help
	[ "$status" -eq 0 ]
	[[ $output == *"Exit status"* ]]
}
