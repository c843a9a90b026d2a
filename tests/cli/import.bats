#!/usr/bin/env bats
# collector import: other profilers' text becomes a profile that all reports read.

bats_require_minimum_version 1.5.0
load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
	export corpus=$BATS_TEST_DIRNAME/../fuzz/corpus
}

# folded_of PROFILE: what comes out again
folded_of() {
	reports export --format folded "$1"
}

@test "folded stacks come out as they went in" {
	synthetic wide 2000
	reports export --format folded -o wide.folded wide.prof
	collector import -o again.prof wide.folded 2>said
	[[ $(cat said) == "again.prof: $(sed 's/.* //' wide.folded | sum) samples" ]]
	folded_of again.prof | cmp - wide.folded
}

@test "folded text from a pipe, into a name of its own" {
	printf 'main;step 3\n' | collector import --format folded -
	[ "$(folded_of imported.prof)" = 'main;step 3' ]
	printf 'main;step 3\n' >run.2.folded
	collector import run.2.folded
	[ "$(folded_of run.2.prof)" = 'main;step 3' ]
}

@test "a pipe is known by its first lines, also as the input of a report" {
	printf 'main;step 3\n' | collector import -
	[ "$(folded_of imported.prof)" = 'main;step 3' ]
	collector import -o chains.prof "$corpus/import_perf/chains"
	folded_of chains.prof >wanted
	collector import -o piped.prof - < <(cat "$corpus/import_perf/chains")
	folded_of piped.prof | cmp - wanted
	folded_of - < <(cat "$corpus/import_perf/chains") | cmp - wanted
	folded_of <(cat "$corpus/import_perf/chains") | cmp - wanted
	printf 'main;step 3\n' | collector flame - >it.svg
	xmllint --noout it.svg
	fails_with 1 'standard input is no profile' reports flame - < <(seq 100)
	synthetic wide 20000
	reports export --format folded wide.prof >wide.folded
	reports export --format folded - < <(cat wide.folded) | cmp - wide.folded
}

@test "two counts a line, as difffolded.pl writes them, are refused with a sentence" {
	printf 'main;a 3 5\nmain;b 4 0\n' >diff.folded
	fails_with 1 'each line has two counts' collector import diff.folded
	[ ! -e diff.prof ]
	fails_with 1 'each line has two counts' reports flame diff.folded
}

@test "what was read, as JSON" {
	require node
	collector import --json -o edges.prof "$corpus/import_folded/edges" >it.json 2>said
	[ ! -s said ]
	[ "$(ask it.json 'it.format + it.lines + it.skipped + it.first_skipped + it.profile')" = folded1154edges.prof ]
}

@test "lines that cannot be read are skipped, counted, and said" {
	collector import -o edges.prof "$corpus/import_folded/edges" 2>said
	[[ $(cat said) == *'5 of 11 lines could not be read, the first is line 4'* ]]
	folded_of edges.prof >folded
	diff - folded <<-'FOLDED'
		[no name];[no name] 1
		[no name];[no name];x 2
		main;a b;c 2
		main;step 3
		main;step;observe 12
		x 2
	FOLDED
	[ "$(sqlite3 edges.prof "SELECT value FROM meta WHERE key = 'import.skipped'")" -eq 5 ]
	[ "$(sqlite3 edges.prof "SELECT count(*) FROM modules WHERE path = '[kernel]'")" -eq 1 ]
	reports summary edges.prof >said
	grep -q 'imported from folded stacks' said
	grep -q '5 of 11 lines were not understood' said
	grep -q 'completeness of stacks not known (imported)' said
	run ! grep -qE 'unreadable|complete stacks' said
}

@test "zero bytes, commas, spaces and long lines" {
	collector import -f folded -o bytes.prof "$corpus/import_folded/bytes"
	folded_of bytes.prof >folded
	grep -Fx 'a?b;c 7' folded
	grep -Fx 'std::f<int, x>;g 5' folded
	{
		head -c 10000000 /dev/zero | tr '\0' x
		echo ';leaf 4'
		yes frame | head -n 100000 | paste -sd ';' | tr -d '\n'
		echo ' 2'
	} >long
	collector import -f folded -o long.prof long
	folded_of long.prof | cmp - <(LC_ALL=C sort long)
	reports flame -o long.svg long.prof
	xmllint --huge --noout long.svg
	# What people read has no names of megabytes.
	reports functions long.prof >table
	[ "$(stat -c %s table)" -lt 100000 ]
	reports summary long.prof >table
	[ "$(stat -c %s table)" -lt 100000 ]
	reports report --json long.prof >json
	[ "$(stat -c %s json)" -lt 1000000 ]
	reports report --markdown long.prof >it.md
	[ "$(stat -c %s it.md)" -lt 921600 ]
}

@test "counts beyond all samples are values" {
	printf 'main;a 3000000000\nmain;b 1000000000\n' >big
	collector import --unit ns --metric cpu big
	[ "$(sqlite3 big.prof 'SELECT group_concat(value) FROM samples')" = '3000000000,1000000000' ]
	reports functions --json big.prof >json
	[ "$(ask json 'it.functions[0].function + it.functions[0].self.share')" = a0.75 ]
}

@test "folded text of many samples keeps its counts" {
	printf 'main;a 600000\nmain;b 448577\n' >many.folded
	collector import -o many.prof many.folded
	reports export --format folded many.prof | cmp - many.folded
	reports export --format folded many.folded | cmp - many.folded
}

@test "perf script with call chains, inlined functions and lines" {
	collector import -o chains.prof "$corpus/import_perf/chains"
	folded_of chains.prof >folded
	[ "$(cat folded)" = 'handle_mm_fault;[unknown];observe(int, char*);distance 1' ]
	[ "$(sqlite3 chains.prof 'SELECT group_concat(name || tid) FROM threads')" = 'sim1235,my prog with spaces77' ]
	[ "$(sqlite3 chains.prof 'SELECT group_concat(name || unit) FROM metrics')" = 'cpu-clock:uns,cycles samplescount' ]
	[ "$(sqlite3 chains.prof 'SELECT time_ns || " " || value FROM samples' | paste -sd ,)" = '0 500250,321100000 1' ]
	[ "$(sqlite3 chains.prof 'SELECT path FROM modules ORDER BY 1' | paste -sd ,)" = \
		'/opt/sim,/opt/sim dir/sim,/usr/lib/libc.so.6,[kernel]' ]
	reports export --format json chains.prof >json
	[ "$(ask json 'it.functions.find(row => row.name === "distance").file')" = observation.c ]
}

@test "text does not say which stacks are complete, and no report does" {
	require node
	collector import -o chains.prof "$corpus/import_perf/chains"
	for file in chains.prof "$corpus/import_perf/chains"; do
		for command in 'flame' 'report' 'report --markdown' 'report --json' 'functions' 'summary --json'; do
			# shellcheck disable=SC2086
			reports $command "$file" >said
			grep -q 'completeness of stacks not known (imported)' said
			run ! grep -q 'complete stacks' said
		done
		reports summary --json "$file" >json
		[ "$(ask json '[it.trust.complete_stacks, Object.keys(it.trust.endings).length, it.trust.lost]')" = '[ null, 0, 0 ]' ]
	done
}

@test "perf script without call chains" {
	collector import -o flat.prof "$corpus/import_perf/flat"
	[ "$(folded_of flat.prof | head -n 1)" = 'observe 1' ]
}

@test "the text of a real perf is what is read" {
	require perf
	[[ -x $(type -p perf) ]] || skip 'perf is not installed'
	perf record -q -e cpu-clock -F 997 --call-graph fp -o data "$BUILD/workloads/leaf" >/dev/null 2>&1 || skip 'this perf does not record'
	perf script -i data >text 2>/dev/null
	collector import -o leaf.prof text
	reports functions --json leaf.prof >json
	[ "$(ask json 'it.functions[0].function')" = leaf ]
	[ "$(sqlite3 leaf.prof 'SELECT count(*) FROM samples')" -eq "$(grep -c 'cpu-clock' text)" ]
}

@test "reports read the text itself, as if it had been imported" {
	synthetic wide 2000
	reports export --format folded -o wide.folded wide.prof
	collector import -o again.prof wide.folded
	reports flame wide.folded | sed 's/wide.folded/again.prof/g' >text.svg
	reports flame again.prof | sed 's/wide.folded/again.prof/g' | cmp - text.svg
	collector functions --json wide.folded >text.json
	reports functions --json again.prof | cmp - text.json
	[[ $(reports summary "$corpus/import_perf/chains") == *'imported from perf script'* ]]
	seq 1000 >numbers
	printf 'one line of stacks 1\nand\nthree\nothers\n' >mostly
	for file in numbers mostly /bin/ls; do
		fails_with 1 'is no profile' reports flame $file
	done
}

@test "what holds no sample is one sentence, and leaves no profile" {
	: >empty
	echo 'no stacks at all' >words
	head -c 5000 /bin/ls >binary
	{
		printf 'main;step 3\n%.0s' 1 2 3
		printf 'no count\n%.0s' 1 2 3 4
	} >mostly
	for file in words binary mostly; do
		fails_with 1 'lines cannot be read as folded' collector import $file
		[ ! -e $file.prof ]
	done
	fails_with 1 'it is empty' collector import empty
	printf 'sim 1234 \n\t 55d0c0ffee10 observe+0x10 (/opt/sim)\n\n' >timeless
	fails_with 1 'no sample with a time' collector import timeless
	fails_with 1 'cannot read none: No such file' collector import none
	fails_with 1 "there is no format 'x'" collector import -f x words
	fails_with 1 'which file?' collector import
	[[ $(collector import --help) == *'perf script | collector import'* ]]
}

@test "a profile that cannot be imported leaves the older one alone" {
	printf 'main 3\n' >good
	echo words >bad
	collector import -o kept.prof good
	run ! collector import -f folded -o kept.prof bad
	[ "$(folded_of kept.prof)" = 'main 3' ]
}

@test "damaged profiles are refused in one sentence or read, never more" {
	synthetic rich
	"$BUILD/fuzz/profile_file" rich.prof
	perl -0777 -ne 'for ($at = 0; $at < length; $at += 197) {
		substr($damaged = $_, $at, 1) = "\377";
		open($file, ">", "damaged.$at");
		print $file $damaged;
	}' rich.prof
	"$BUILD/fuzz/profile_file" damaged.*
	"$BUILD/fuzz/reports_profile" damaged.*
	head -c 9000 rich.prof >short
	"$BUILD/fuzz/profile_file" short
	fails_with 1 damaged reports summary short
}

@test "every report and export survives what profiles may hold" {
	local kind i=0 change
	synthetic rich
	reports summary rich.prof >/dev/null
	for kind in hostile empty killed; do synthetic $kind; done
	for change in 'samples SET value = 9223372036854775807' 'samples SET value = -5' \
		'metrics SET period = 9223372036854775807' 'functions SET name = zeroblob(3)' \
		'frames SET module = 0' 'steps SET end_ns = 0' 'timings SET calls = 9223372036854775807' \
		'operations SET count = 9223372036854775807, amount = 9223372036854775807' \
		"meta SET value = 9223372036854775807 WHERE typeof(value) = 'integer'" \
		"meta SET value = x'ff00fe' WHERE typeof(value) = 'text' AND key <> 'state'"; do
		cp rich.prof "changed$((++i)).prof"
		sqlite3 "changed$i.prof" "UPDATE $change"
	done
	"$BUILD/fuzz/reports_profile" ./*.prof
}
