#!/usr/bin/env bats
# collector run --io: every call on a file is counted with the file, its bytes and its stack.

bats_require_minimum_version 1.5.0
load requirements
load same_output

setup() {
	cd "$BATS_TEST_TMPDIR"
	F=$BUILD/workloads/files
}

value() {
	sqlite3 x.prof "$1"
}

record() {
	collector run -q -o x --io "$@"
}

recorded() {
	record -- "$@"
}

kinds=(lock share await open close read write sync copy stream-read stream-write)

# file GLOB KIND: calls and bytes of a kind on files.
file() {
	local i
	for i in "${!kinds[@]}"; do [ "${kinds[i]}" != "$2" ] || break; done
	value "SELECT coalesce(sum(count), 0), coalesce(sum(amount), 0) FROM operations o
		JOIN subjects s ON s.id = o.subject
		WHERE s.kind = 8 AND s.name GLOB '$1' AND o.kind = $((i + 1))" | tr '|' ' '
}

# own_counts GLOB: for each line KIND CALLS BYTES of the program the same was counted.
own_counts() {
	local kind rest
	while read -r kind rest; do
		[ "$(file "$1" "$kind")" = "$rest" ]
	done
}

@test "calls and bytes of every kind are the program's own, by file" {
	record -- "$F" known >counts
	[ "$(wc -l <counts)" = 5 ]
	own_counts '*/[mc][ao][dp][ey]' <counts
	[ "$(file '*/copy' copy)" = "2 400" ]
	[ "$(file '*/copy' write)" = "0 0" ]
	[ "$(file '*/made' close)" = "1 0" ]
}

@test "streams are counted, and only calls that their buffers did not serve have a stack" {
	record -- "$F" stream 5000 >counts
	own_counts '*/lines' <counts
	[ "$(value "SELECT sum(count) FROM operations WHERE kind = 11 AND stack = 0 AND total_ns = 0")" -gt 9000 ]
	[ "$(value "SELECT count(*) FROM spreads WHERE kind = 11")" -gt 0 ]
}

# bytes GLOB KIND: of a kind on files.
bytes() {
	local counts
	read -ra counts <<<"$(file "$1" "$2")"
	echo "${counts[1]}"
}

@test "single characters of streams are counted: inlined, put back, scanned, and written at the program's end" {
	record -- "$F" characters 2500 >said
	[ "$(bytes '*/characters' stream-write)" = "$(stat -c %s characters)" ]
	[ "$(bytes '*/characters' stream-read)" = "$(stat -c %s characters)" ]
	[ "$(bytes "$PWD/said" stream-write)" = "$(stat -c %s said)" ]
	record -- paste characters >pasted
	[ "$(bytes '*/characters' stream-read) $(bytes "$PWD/pasted" stream-write)" = "37500 37501" ]
	same_output "$F" characters 500
}

@test "a descriptor that is closed, copied over or used again is the new file" {
	record -- "$F" again
	for name in one three eleven_long thirteen_long; do
		[ "$(file "*/$name" write)" = "1 ${#name}" ]
	done
	[ "$(file "*/seventh" write)" = "2 14" ]
	[ "$(file "not known" write) $(file "/memfd:later*" write)" = "2 0 1 5" ]
	[ "$(value "SELECT count(*) FROM subjects WHERE name = 'not opened'")" = 0 ]
	record -- "$F" child
	[ "$(file "*/parents" write) $(file "*/childs" write)" = "2 50 1 20" ]
}

@test "a signal handler's writes are counted beside those it interrupts" {
	record -- timeout 60 "$F" handler >counts
	read -r handlers mains <counts
	[ "$(file '*/handlers' write) $(file '*/mains' write)" = "$handlers $handlers $mains $mains" ]
}

@test "64 threads lose nothing" {
	record -- "$F" churn >counts
	[ "$(file '*/churn*' write)" = "$(cat counts) $(($(cat counts) * 10))" ]
	[ "$(file '*/churn*' open) $(file '*/churn*' close)" = "3200 0 3200 0" ]
	[ "$(value "SELECT count(*) FROM meta WHERE key LIKE 'operations.lost%'")" = 0 ]
}

@test "more files than there is room for: no call is lost, and it is said" {
	record -- "$F" many 20000
	[ "$(value "SELECT sum(count) FROM operations WHERE kind = 7")" = 20000 ]
	[ "$(value "SELECT value FROM meta WHERE key = 'operations.lost_subject'")" -gt 3000 ]
	run -0 collector io x.prof
	[[ $output == *"(!) operations on others, the table of subjects was full: "* ]]
	[[ $output == *"others, for which there was no room"* ]]
}

@test "failures are what they are without, with their errno" {
	same_output "$F" results
	same_output bash -c 'echo one; cat /nowhere; echo "$?"; exec 3<"$0"; read -r line <&3; echo "$line"' "$F"
}

@test "the kernel's own trace has the same calls" {
	require strace
	record -- dd if=/dev/zero of=made bs=1000 count=50 2>/dev/null
	strace -f -qq -e trace=read,write -o trace dd if=/dev/zero of=made bs=1000 count=50 2>/dev/null
	[ "$(file '/dev/zero' read)" = "50 50000" ]
	[ "$(file '*/made' write)" = "50 50000" ]
	[ "$(grep -c ' write(1' trace)" = 50 ]
}

@test "fortified programs are seen" {
	cat >checked.c <<-'END'
		#define _GNU_SOURCE
		#include <fcntl.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			char bytes[64];
			size_t count = (size_t)argc * 10;
			int fd = open(argv[1], O_RDONLY);
			ssize_t moved = read(fd, bytes, count) + pread(fd, bytes, count, 0);
			FILE *stream = fopen(argv[1], "r");
			size_t items = fread(bytes, 1, count, stream) + fread_unlocked(bytes, 1, count, stream);
			int is_line = fgets(bytes, (int)count, stream) && fgets_unlocked(bytes, (int)count, stream);
			fprintf(stderr, "%zd\n", moved);
			dprintf(2, "%zu\n", items);
			return moved != 40 || items != 40 || !is_line;
		}
	END
	gcc -O2 -D_FORTIFY_SOURCE=2 -o checked checked.c
	record -- ./checked /bin/sh 2>said
	[ "$(file '/*sh' read)" = "2 40" ]
	[ "$(file "$PWD/said" stream-write) $(file "$PWD/said" write)" = "1 3 1 3" ]
	read -r calls bytes <<<"$(file '*/*sh' stream-read)"
	[ "$calls" = 4 ]
	[ "$bytes" -gt 40 ]
}

@test "the engine's states are the same" {
	same_output "$BUILD/bin/sim" --agents 20 --steps 15 --threads 2 --state-hash
}

@test "with allocations, locks and sampling from inside" {
	collector run -q -o x -e probe --io --locks --memory -- "$F" known >counts
	own_counts '*/[mc][ao][dp][ey]' <counts
	[ "$(value "SELECT count(*) FROM samples s JOIN metrics m ON m.id = s.metric
		WHERE m.name = 'allocations'")" -gt 0 ]
}

@test "the report, the picture and the help" {
	record -- "$F" known
	run -0 collector io x.prof
	[[ $output == *"read         "*" in 6 calls, 1.51 KiB"*"fsync        "*" in 3 calls"* ]]
	[[ $output == *"file "*"/made"*"known (files.c:"* ]]
	collector io --json -o x.json x.prof
	[ "$(sqlite3 :memory: "SELECT sum(json_extract(value, '\$.operations.write.bytes'))
		FROM json_each(readfile('x.json'), '\$.files') WHERE json_extract(value, '\$.name') GLOB '*/made'")" = 1450 ]
	collector export --format folded --metric io-bytes x.prof | grep -qE ';main;known;put;\[write .*/made\] 1000$'
	collector flame --metric io-time -o x.svg x.prof
	grep -q 'known' x.svg
	grep -q 'Width is the share of io-time' x.svg
	run -0 collector run --help
	[[ $output == *"--io"* ]]
	collector run -q -o x -- "$F" known
	run -1 --separate-stderr collector io x.prof
	# shellcheck disable=SC2154 # by run --separate-stderr
	[[ $stderr == *"record with collector run --io"* ]]
}
