#!/usr/bin/env bats
# Files that are not where they seem to be: other mount and process namespaces, deleted and replaced
# ones. Beside each lies another build of the same source, in which `descend` has a wrong name: a
# name taken from there would be seen.

load requirements

setup() {
	require perf root
	root=$BATS_TEST_DIRNAME/../..
	cd "$BATS_TEST_TMPDIR"
	mkdir here there
	pids=()
}

teardown() {
	local pid
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || :; done
	cd /
	[ -z "${theirs-}" ] || rm -rf "$theirs"
}

# build FILE NAME FLAG...: the recursion, its function called NAME; both builds have the same code.
build() {
	gcc -std=gnu17 -O2 -g -I"$root" -Ddescend="$2" "${@:3}" -o "$1" "$root/tests/workloads/recursion.c" -lm
}

# build_library FILE NAME: a library that works in NAME.
build_library() {
	printf '%s\n' '#include "tests/workloads/workload.h"' 'void run(clock_t end);' \
		"FUNCTION static uint64_t $2(uint64_t v) { return burn(v); }" \
		"void run(clock_t end) { uint64_t v = 1; while (clock() < end) v = $2(v); printf(\"%d\\n\", (int)v); }" >library.c
	gcc -std=gnu17 -O2 -g -I"$root" -shared -fPIC -o "$1" library.c
}

# attach PID [OPTION...]: names must be right: descend or, without any trust in a file, none.
attach() {
	collector attach -q -d 1 -o x "${@:2}" "$1"
	collector export --format folded x.prof >folded
	[ "$(awk '{ n += $NF } END { print n + 0 }' folded)" -gt 2 ]
	[ "$(grep -c wrong_name folded)" -eq 0 ]
}

# started PID NAME: waits until the process runs what maps a file of that NAME; before that its shell is still there.
started() {
	until grep -q "/$2\$" "/proc/$1/maps"; do sleep 0.05; done
}

# in_namespaces OPTION... -- ./here/app ARGUMENT...: runs it behind there/ mounted over here/; its number is in $pid.
in_namespaces() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	unshare "${options[@]}" sh -c 'mount --bind there here && exec "$@"' - "${@:2}" >/dev/null 3>&- &
	pids+=($!)
	# With a process namespace unshare stays, and the program is its child.
	pid=$!
	until [ "$(cat "/proc/$pid/comm")" = app ]; do
		sleep 0.05
		pid=$(pgrep -P $! | head -n 1)
		pid=${pid:-$!}
	done
	pids+=("$pid")
}

whole='_start;.*;main;(descend;){105}bottom'

@test "a program of another mount namespace is named from there" {
	local flag
	for flag in -Wl,--build-id -Wl,--build-id=none; do
		build here/app wrong_name $flag
		build there/app descend $flag
		in_namespaces --mount -- ./here/app 20
		attach "$pid"
		grep -qE "$whole" folded
		kill "$pid"
		rm here/app
		# Nor when there is nothing under its path here.
		in_namespaces --mount -- ./here/app 20
		attach "$pid"
		grep -qE "$whole" folded
		kill "$pid"
	done
}

@test "a program of another process namespace is named, its map of generated code too" {
	cp "$BUILD/workloads/generated" there/app
	in_namespaces --mount --pid --fork --mount-proc -- ./here/app 20 map
	[ "$(awk '/^NSpid:/ { print $NF }' "/proc/$pid/status")" -lt "$pid" ]
	attach "$pid"
	rm -f "/tmp/perf-$(awk '/^NSpid:/ { print $NF }' "/proc/$pid/status").map"
	grep -qE 'main;call_first;first' folded
}

@test "a deleted program and a replaced one are named from the file that runs" {
	local flag
	for flag in -Wl,--build-id -Wl,--build-id=none; do
		build app descend $flag
		./app 20 >/dev/null 3>&- &
		pids+=($!)
		started $! app
		rm app
		attach $!
		grep -qE "$whole" folded
		build app wrong_name $flag
		attach $!
		grep -qE "$whole" folded
		kill $!
		rm app
	done
}

@test "a replaced library is named from the file that was mapped" {
	echo 'void run(long end); int main(void) { run(20000000); }' >main.c
	build_library liba.so right_name
	gcc -O2 -o app main.c ./liba.so
	./app >/dev/null 3>&- &
	pids+=($!)
	started $! liba.so
	rm liba.so
	build_library liba.so wrong_name
	attach $!
	grep -q 'run;right_name' folded
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'file_problems'")" -eq 0 ]
	kill $!
}

@test "where the mapped file cannot be had a replaced library has no names, and that is said" {
	local user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 2 ] || skip "perf_event_paranoid is above 2"
	theirs=$(mktemp -d)
	chmod 777 "$theirs"
	cp "$(command -v collector)" "$theirs"
	cd "$theirs"
	echo 'void run(long end); int main(void) { run(20000000); }' >main.c
	build_library liba.so right_name
	gcc -O2 -o app main.c ./liba.so
	"${user[@]}" ./app >/dev/null 3>&- &
	pids+=($!)
	started $! liba.so
	rm liba.so
	build_library liba.so wrong_name
	# An ordinary user may not open what is behind a mapping.
	"${user[@]}" ./collector attach -q -d 1 -o user $!
	collector export --format folded user.prof >folded
	[ "$(grep -cE 'wrong_name|right_name' folded)" -eq 0 ]
	grep -q liba.so folded
	[[ $(collector summary user.prof) == *"liba.so is not the file that the program runs: it was replaced since"* ]]
}
