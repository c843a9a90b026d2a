#!/usr/bin/env bats
# Every export, read by programs that know nothing of this suite: all must find the same totals.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# totals FORMAT PROFILE [METRIC UNIT]: exports and reads it, into FORMAT.json
totals() {
	local metric=(${3:+-m "$3"})
	case $1 in
	functions) reports functions "${metric[@]}" --json --limit 0 -o exported "$2" ;;
	report) reports report --json -o exported "$2" ;;
	*) reports export "${metric[@]}" --format "${1#*-}" -o exported "$2" ;;
	esac
	timeout 100 node "$BATS_TEST_DIRNAME/../readers/totals.mjs" "$1" exported "${@:3}" >"$1.json"
}

# agree FORMAT…: what each reader found is what the table of functions says
agree() {
	local format
	for format in "$@"; do
		echo "$format:"
		node -e '
			const [ours, theirs] = process.argv.slice(1).map(file => JSON.parse(require("fs").readFileSync(file)));
			for (const key of Object.keys(theirs))
				require("assert").deepStrictEqual(theirs[key], ours[key]);
			require("assert")(Object.keys(theirs).length > 0);
		' functions.json "$format.json"
	done
}

@test "all readers find the totals and self costs of the known profile" {
	require readers go callgrind_annotate sqlite3
	synthetic small
	for format in functions report folded firefox-folded pprof go-pprof speedscope firefox callgrind csv json; do
		totals $format small.prof
	done
	agree report folded firefox-folded pprof go-pprof speedscope firefox callgrind csv json
	[ "$(ask pprof.json 'it.samples + " " + it.amount + " " + it.self.kd_tree_distance')" = "1000 1000000000 200" ]
}

@test "all readers find the same in 2,000 stacks of depth 40" {
	require readers go callgrind_annotate sqlite3
	synthetic wide 2000
	for format in functions folded pprof go-pprof speedscope firefox callgrind csv json; do
		totals $format wide.prof
	done
	agree folded pprof go-pprof speedscope firefox callgrind csv json
}

@test "all readers find the same bytes that were allocated, and time that was waited for locks" {
	require readers go callgrind_annotate sqlite3
	synthetic rich
	for format in functions folded pprof go-pprof speedscope firefox callgrind csv json; do
		totals $format rich.prof allocated bytes
	done
	agree folded pprof go-pprof speedscope firefox callgrind csv json
	[ "$(ask folded.json it.amount)" = 64409600 ]
	# Two have a unit of time of their own.
	sqlite3 rich.prof "UPDATE metrics SET name = 'lock-wait', unit = 'ns' WHERE name = 'allocated'"
	for format in functions folded pprof firefox; do
		totals $format rich.prof lock-wait nanoseconds
	done
	agree folded pprof firefox
}

@test "names that try to break out reach those readers whole that can hold them" {
	require readers go callgrind_annotate sqlite3
	synthetic hostile
	for format in functions folded pprof speedscope firefox callgrind csv json; do
		totals $format hostile.prof
	done
	agree pprof speedscope firefox json csv
	for format in folded callgrind; do
		[ "$(ask $format.json it.samples)" -eq 150 ]
	done
	reports export --format pprof hostile.prof >hostile.pprof
	go tool pprof -top -sample_index=samples hostile.pprof 2>&1 | grep -q '150 total'
}

@test "readers open profiles without names, without samples, and very deep ones" {
	require readers go callgrind_annotate sqlite3
	local kind
	for kind in killed empty deep; do
		synthetic $kind 3000
		for format in functions folded pprof speedscope firefox callgrind csv json; do
			totals $format $kind.prof
		done
		agree folded pprof speedscope firefox csv json
		reports export --format pprof -o $kind.pprof $kind.prof
		go tool pprof -raw $kind.pprof >/dev/null
	done
}

@test "samples without a stack count in every format" {
	require readers go callgrind_annotate sqlite3
	synthetic small
	sqlite3 small.prof 'UPDATE samples SET stack = 0 WHERE time_ns % 10000000 = 0'
	for format in folded pprof go-pprof speedscope firefox callgrind csv json; do
		totals $format small.prof
		echo $format
		[ "$(ask $format.json it.samples)" -eq 1000 ]
		[ $format = speedscope ] || [ "$(ask $format.json 'it.self["[no stack]"]')" -eq 100 ]
	done
}

@test "the data of reports obeys its schema" {
	require readers
	local kind
	for kind in rich hostile killed empty; do
		synthetic $kind
		totals report $kind.prof
	done
	"$BUILD/bench/synthetic_profile" replicate base.prof 1
	"$BUILD/bench/synthetic_profile" replicate new.prof 101
	reports report --compare --json -o exported base.prof -- new.prof
	timeout 100 node "$BATS_TEST_DIRNAME/../readers/totals.mjs" obeys exported
}

@test "speedscope itself shows the self costs" {
	require readers browser
	synthetic small
	reports export --format speedscope -o small.json small.prof
	timeout 100 node "$BATS_TEST_DIRNAME/../readers/speedscope_app.mjs" small.json >app.json
	cat app.json
	[ "$(ask app.json it.title)" = "./sim --agents 200 - speedscope" ]
	[ "$(ask app.json it.profile)" = "sim 100, 1000 samples" ]
	[ "$(ask app.json 'it.self.environment_observe')" = "400.00ms (40%)" ]
	[ "$(ask app.json 'it.self.kd_tree_distance')" = "200.00ms (20%)" ]
	reports export --format folded -o small.folded small.prof
	timeout 100 node "$BATS_TEST_DIRNAME/../readers/speedscope_app.mjs" small.folded >app.json
	cat app.json
	[ "$(ask app.json 'it.self.environment_observe + it.self.kd_tree_distance')" = "400 (40%)200 (20%)" ]
}

@test "all readers find the same time in what perf script printed, whose samples differ" {
	require readers go callgrind_annotate
	local i
	for i in 1 2 3; do
		printf 'a 1 1.%06d:     %d00001 cpu-clock:u: \n\t    55d%d part%d+0x10 (/bin/a)\n\t    55e0 main+0x10 (/bin/a)\n\n' $i $i $i $i
	done >text
	for format in functions pprof go-pprof speedscope firefox callgrind json; do
		totals $format text cpu-clock:u nanoseconds
	done
	agree pprof go-pprof speedscope firefox callgrind json
	[ "$(ask firefox.json it.amount)" = 600003 ]
}

@test "imported stacks have one kind of samples in pprof" {
	require readers go
	printf 'main;a 30\nmain;b 12\n' >it.folded
	reports export --format pprof -o it.pprof it.folded
	go tool pprof -raw it.pprof | grep -A 1 '^Samples:' | tail -n 1 | grep -qE '^samples/count(\[dflt\])?$'
	go tool pprof -top -sample_index=samples it.pprof 2>/dev/null | grep -qE '^ +30 .* a$'
}

# samples_in MODULE COUNT: perf's text of samples in the kernel, called from a library of that module.
samples_in() {
	local i
	for ((i = 0; i < $2; i++)); do
		printf 'a 1 1.%06d:     1 cpu-clock: \n' $((++sample))
		printf '\t %s %s (%s)\n' ffff82 entry '[kernel.kallsyms]' 7f01 read /lib/libc.so.6 5501 main "$1"
		echo
	done
}

@test "go tool pprof calls the program by its name, whatever it was executed by" {
	require go
	local sample=0
	program_of() { # TEXT
		reports export --format pprof -o it.pprof "$1"
		go tool pprof -top it.pprof 2>/dev/null | sed -n 's/^File: //p'
	}
	{
		samples_in /bin/bash 3
		samples_in /usr/bin/python3.11 1
	} >python3
	[ "$(program_of python3)" = python3.11 ]
	{
		samples_in /usr/lib/gcc/cc1 3
		samples_in /usr/bin/x86_64-linux-gnu-gcc-12 1
		samples_in /usr/bin/gccx 2
	} >gcc
	[ "$(program_of gcc)" = x86_64-linux-gnu-gcc-12 ]
	cp gcc unknown
	[ "$(program_of unknown)" = cc1 ]
	printf 'main;a_[k] 3\n' >stacks.folded
	[ "$(program_of stacks.folded)" = '[folded]' ]
}

@test "go tool pprof shows inlined code, lines, threads and the command" {
	require go
	synthetic small
	reports export --format pprof -o small.pprof small.prof
	go tool pprof -top -lines small.pprof | grep -E 'kd_tree_distance /src/sim/spatial/kd_tree.c:14 \(inline\)'
	go tool pprof -tags small.pprof 2>/dev/null | grep -E '(100|1000).*sim'
	go tool pprof -comments small.pprof 2>/dev/null | grep -Fx './sim --agents 200'
	go tool pprof -top -diff_base small.pprof small.pprof 2>/dev/null | grep -q '0, 0% of 1s total'
}

@test "the same profile is the same pprof, byte by byte" {
	synthetic wide 500
	reports export --format pprof wide.prof >one
	reports export --format pprof wide.prof | cmp - one
}

@test "a spreadsheet runs no name" {
	synthetic small
	sqlite3 small.prof "UPDATE functions SET name = '=cmd|''/C calc''!A0' WHERE name = 'memcpy'"
	reports export --format csv small.prof >small.csv
	grep -q "^\"'=cmd" small.csv
	! grep -qE '^"?[=+@-]' small.csv
}
