#!/usr/bin/env bats
# collector run -e probe: samples by timers in a preloaded libprobe.so, where perf events are refused.

bats_require_minimum_version 1.5.0
load requirements

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	[ -z "${paranoid_before-}" ] || echo "$paranoid_before" >/proc/sys/kernel/perf_event_paranoid
}

# value SQL: the one value that it finds in x.prof.
value() {
	sqlite3 x.prof "$1"
}

meta() {
	value "SELECT value FROM meta WHERE key = '$1'"
}

# total FUNCTION: the part of the CPU time, in percent, with FUNCTION anywhere on the stack.
total() {
	collector export --format folded x.prof | awk -v name="$1" '
		{ sum += $NF; if (index(";" $0, ";" name ";") || index($0, ";" name " ")) part += $NF }
		END { print int(100 * part / sum) }'
}

# inside FUNCTION: SQL that lists the stacks with FUNCTION anywhere on them, as the table `inside`.
inside() {
	echo "WITH RECURSIVE inside(id) AS (
		SELECT stacks.id FROM stacks JOIN lines USING (frame) JOIN functions ON functions.id = function
			WHERE name = '$1'
		UNION SELECT stacks.id FROM stacks JOIN inside ON parent = inside.id)"
}

# complete: the part of the samples, in percent, whose stack is whole.
complete() {
	value 'SELECT 100 * sum(e.complete) / count(*) FROM samples s JOIN endings e ON e.id = s.ending'
}

@test "one function's work is found, with its callers" {
	collector run -q -o x -e probe -- "$BUILD/workloads/leaf" 0.6
	[ "$(meta engine)" = probe ]
	[ "$(total leaf)" -ge 95 ]
	collector export --format folded x.prof | grep -qE 'main;outer;inner;leaf'
	[ "$(complete)" -ge 99 ]
}

@test "deep recursion is walked to its root" {
	collector run -q -o x -e probe -- "$BUILD/workloads/recursion" 0.6
	[ "$(complete)" -ge 99 ]
	[ "$(value 'WITH RECURSIVE up(s, n) AS (SELECT stack, 0 FROM samples UNION ALL
		SELECT parent, n + 1 FROM up JOIN stacks ON id = s) SELECT max(n) FROM up')" -ge 105 ]
}

@test "signal frames, and frames larger than the copy, are passed" {
	collector run -q -o x -e probe -- "$BUILD/workloads/signals" 0.6
	[ "$(complete)" -ge 99 ]
	collector run -q -o x -e probe -- "$BUILD/workloads/hole" 0.6
	[ "$(complete)" -ge 95 ]
}

@test "every thread is sampled, by the name it has" {
	collector run -q -o x -e probe -- "$BUILD/workloads/threads" 1.2
	[ "$(value 'SELECT count(DISTINCT thread) FROM samples')" -ge 8 ]
	[ "$(value "SELECT count(*) FROM threads WHERE name = 'even'")" -ge 4 ]
	[ "$(value "SELECT count(*) FROM threads WHERE name = 'odd'")" -ge 4 ]
	[ "$(total run)" -ge 95 ]
	[ "$(complete)" -ge 99 ]
}

@test "forked children and the programs they execute are sampled" {
	collector run -q -o x -e probe -- bash -c \
		'(i=0; while ((i < 100000)); do ((i++)); done); "$BUILD/workloads/leaf" 0.3; exec "$BUILD/workloads/recursion" 0.3'
	[ "$(value 'SELECT count(DISTINCT pid) FROM threads JOIN samples ON thread = threads.id')" -ge 3 ]
	[ "$(total leaf)" -ge 10 ]
	[ "$(total bottom)" -ge 10 ]
	[ "$(complete)" -ge 99 ]
	[ -z "$(meta still_running)" ]
}

@test "processes and threads made in every way live as they do without, and are followed" {
	local name
	"$BUILD/workloads/lives" >without || [ $? -eq 5 ]
	run collector run -o x -e probe -- sh -c '"$BUILD/workloads/lives" >with'
	[ "$status" -eq 5 ]
	diff without with
	for name in forked executed forked_from_thread small_stack daemonised; do
		collector export --format folded x.prof | grep -q "$name" || { echo "$name"; false; }
	done
	# Four times the program was executed to work, twice with a cleared environment.
	[ "$(value "$(inside executed) SELECT count(DISTINCT pid) FROM samples
		JOIN threads ON threads.id = thread WHERE stack IN inside")" -eq 4 ]
	[[ $output != *"threads beyond"* ]]
}

@test "code that is loaded, unloaded and replaced at its address has its own names" {
	require gcc
	for name in first second; do
		printf '#include <time.h>\nvoid %s(void)\n{\n\tclock_t end = clock() + 60000;\n\twhile (clock() < end)\n\t\tfor (volatile int i = 0; i < 9999; i++)\n\t\t\t;\n}\nvoid work(void)\n{\n\t%s();\n\t__asm__ volatile("");\n}\n' \
			"$name" "$name" >"$name.c"
		gcc -O1 -g -shared -fPIC -o "$name.so" "$name.c"
	done
	cat >loader.c <<-'C'
		#include <dlfcn.h>
		#include <signal.h>
		#include <stdio.h>
		#include <time.h>
		#include <unistd.h>

		static long now(void)
		{
			struct timespec time;

			clock_gettime(CLOCK_MONOTONIC, &time);
			return time.tv_sec * 1000000000 + time.tv_nsec;
		}

		int main(int argc, char **argv)
		{
			/* With an argument less the collector is stopped meanwhile, and sees all of it late. */
			if (argc < 6)
				kill(getppid(), SIGSTOP);
			for (int i = 1; i < argc; i++) {
				void *object = dlopen(argv[i], RTLD_NOW);
				void (*work)(void) = object ? dlsym(object, "work") : NULL;
				long start = now();

				if (!work)
					return 1;
				work();
				printf("%p %ld %ld\n", (void *)work, start, now());
				dlclose(object);
			}
			kill(getppid(), SIGCONT);
			return 0;
		}
	C
	gcc -O1 -g -o loader loader.c
	local all=(./first.so ./second.so ./first.so ./second.so ./first.so) name count expected found number start end
	for count in 5 4; do
		collector run -q -o x -e probe -- ./loader "${all[@]:0:count}" >told
		[ "$(wc -l <told)" -eq "$count" ]
		[ "$(cut -d ' ' -f 1 told | sort -u | wc -l)" -eq 1 ] # each took the place of the one before
		# Whatever was sampled while the one was there has its name, and never that of the other.
		number=0
		while read -r _ start end; do
			for name in first second; do
				expected=0
				[ "./$name.so" != "${all[number]}" ] || expected=1
				found=$(value "$(inside $name) SELECT count(*) FROM samples WHERE stack IN inside
					AND time_ns + (SELECT value FROM meta WHERE key = 'start_clock_ns') BETWEEN $start AND $end")
				echo "${all[number]}: $found samples in $name"
				[ "$((found > 0))" -eq "$expected" ]
			done
			number=$((number + 1))
		done <told
		[ "$(complete)" -ge 99 ]
	done
}

@test "programs that would suffer are executed without it" {
	require gcc
	printf '#include <stdlib.h>\nint main(void)\n{\n\treturn getenv("LD_PRELOAD") ? 1 : 6;\n}\n' >six.c
	gcc -fsanitize=address -o six six.c || skip "no AddressSanitizer"
	run collector run -q -o x -e probe -- sh -c ./six
	[ "$status" -eq 6 ]
	[ -z "$output" ]
	run collector run -q -o x -e probe -- ./six
	[ "$status" -eq 6 ]
	[[ $output == *"whose sanitizer must be loaded first"* ]]
}

@test "a program in another root is executed without it, and without a complaint" {
	require root
	mkdir -p root/lib64 root/lib/x86_64-linux-gnu
	cp /lib64/ld-linux-x86-64.so.2 root/lib64
	cp /lib/x86_64-linux-gnu/lib{c,m}.so.6 root/lib/x86_64-linux-gnu
	cp "$BUILD/workloads/leaf" root
	run --separate-stderr collector run -q -o x -e probe -- chroot root /leaf 0.1
	[ "$status" -eq 0 ]
	[[ $output =~ ^[0-9]+$ ]]
	[ -z "$stderr" ]
	[ "$(meta unsampled_cpu_ns)" -gt 0 ]
}

@test "samples weigh what the CPU time between them was" {
	collector run -q -o x -e probe -- "$BUILD/workloads/leaf" 1
	# All but the start of the program, and what one tick may be.
	[ "$(value "SELECT sum(value * period) / 1000000 FROM samples JOIN metrics ON metrics.id = metric")" -ge 900 ]
	[ "$(value "SELECT sum(value * period) / 1000000 FROM samples JOIN metrics ON metrics.id = metric")" -le 1050 ]
	[ "$(meta frequency_hz)" -le 1000 ]
}

@test "a frequency that the kernel's tick cannot serve is marked" {
	run collector run -o x -e probe -F 4000 -- "$BUILD/workloads/leaf" 0.6
	[ "$status" -eq 0 ]
	[[ $output == *"(!) "*" Hz of CPU time (4000 asked)"* ]]
	[[ $output == *"the kernel's tick only"* ]]
}

@test "no call that waits is cut short, and signals are the program's own" {
	[ "$(collector run -q -o x -e probe -- "$BUILD/workloads/sleeps" 0.4)" = "0 cut short" ]
	[ "$(value 'SELECT count(*) FROM samples')" -gt 20 ]
	"$BUILD/workloads/manners" >without
	collector run -q -o x -e probe -- "$BUILD/workloads/manners" >with
	diff without with
	[ "$(total spend_blocked)" -ge 15 ]
}

@test "the engine's run is the same with and without" {
	[[ $BUILD != */address* ]] || skip "sim is built with AddressSanitizer"
	sim --agents 60 --steps 150 --seed 7 --state-hash --database none >without 2>/dev/null
	collector run -q -o x -e probe -- sim --agents 60 --steps 150 --seed 7 --state-hash \
		--database none >with 2>/dev/null
	cmp without with
	[ "$(value 'SELECT count(*) FROM samples')" -gt 20 ]
}

@test "where a seccomp filter refuses perf events it is used by itself, and the banner says so" {
	run "$BUILD/faults/refuse_perf" collector run -o x -- "$BUILD/workloads/leaf" 0.5
	[ "$status" -eq 0 ]
	[[ $output == *"trust: probe ("*"no kernel code"* ]]
	[ "$(total leaf)" -ge 95 ]
	grep -q 'probe (timers in libprobe.so' x.svg
	run "$BUILD/faults/refuse_perf" collector run -o y -e cpu-clock -- true
	[ "$status" -eq 125 ]
	[[ $output == *"the kernel refuses perf_event_open"*"a filter of system calls does"* ]]
	run "$BUILD/faults/refuse_perf" collector attach -o y $PPID
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "collector attach: the kernel refuses perf_event_open"*"a filter of system calls does"* ]]
	run "$BUILD/faults/refuse_perf" collector check
	[ "$status" -eq 0 ]
	[[ $output == *"collector run uses probe"* ]]
}

@test "without the memory for it either the program is run all the same, and that is said" {
	[[ $BUILD != */address* ]] || skip "AddressSanitizer needs more address space"
	run bash -c 'ulimit -v 45000; exec "$BUILD/faults/refuse_perf" collector run -o x -- sh -c "echo worked; exit 3"'
	[ "$status" -eq 3 ]
	[ "${lines[0]}" = worked ]
	[[ $output == *"perf_event_open"*"cannot map memory to share with the program"* ]]
}

# bats test_tags=alone
@test "an ordinary user whom perf_event_paranoid refuses gets a picture all the same" {
	require root
	theirs=$(mktemp -d)
	chmod 777 "$theirs"
	cp "$(command -v collector)" "$(command -v reports)" "$BUILD/bin/libprobe.so" \
		"$BUILD/workloads/leaf" "$BUILD/tests/requirements" "$theirs"
	user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	cd "$theirs"
	paranoid_before=$(cat /proc/sys/kernel/perf_event_paranoid)
	echo 3 >/proc/sys/kernel/perf_event_paranoid
	refused=0
	"${user[@]}" ./requirements perf >/dev/null 2>&1 || refused=1
	[ "$refused" -eq 0 ] || run "${user[@]}" ./collector run -o x -- ./leaf 0.4
	echo "$paranoid_before" >/proc/sys/kernel/perf_event_paranoid
	[ "$refused" -eq 0 ] || cp x.prof x.svg "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	rm -r "$theirs"
	[ "$refused" -eq 1 ] || skip "this kernel does not refuse at perf_event_paranoid 3; Debian's does"
	[ "$status" -eq 0 ]
	[ "$(meta engine)" = probe ]
	[ "$(total leaf)" -ge 95 ]
}

@test "a program that is killed keeps its samples" {
	run collector run -q -o x -e probe -- sh -c \
		'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; kill -KILL $$'
	[ "$status" -eq 137 ]
	[ "$(meta state)" = complete ]
	[ "$(value 'SELECT count(*) FROM samples')" -gt 10 ]
}

@test "programs that cannot take it run all the same, and one sentence says why" {
	require gcc
	printf 'int main(void)\n{\n\treturn 3;\n}\n' >three.c
	gcc -static -o static three.c
	run collector run -q -o x -e probe -- ./static
	[ "$status" -eq 3 ]
	[ "$output" = "collector run: nothing was sampled: libprobe.so cannot be loaded into ./static, which is statically linked" ]
	[ "$(meta engine)" = none ]
	xmllint --noout x.svg
	run "$BUILD/faults/refuse_perf" collector run -q -o x -- ./static
	[ "$status" -eq 3 ]
	[[ $output == *"refuses perf_event_open"*"; and libprobe.so cannot be loaded"* ]]
	mkdir alone
	cp "$(command -v collector)" "$(command -v reports)" alone
	run alone/collector run -q -o x -e probe -- sh -c 'exit 4'
	[ "$status" -eq 4 ]
	[ "$output" = "collector run: nothing was sampled: libprobe.so is missing; it belongs beside collector, or in ../lib from there" ]
	mkdir 'a blank'
	cp "$(command -v collector)" "$(command -v reports)" "$BUILD/bin/libprobe.so" 'a blank'
	run 'a blank/collector' run -q -o x -e probe -- sh -c 'exit 4'
	[ "$status" -eq 4 ]
	[[ $output == *"there is a blank or a colon in its path"* ]]
}

@test "libprobe.so is found where make install puts it" {
	mkdir -p bin lib
	cp "$(command -v collector)" "$(command -v reports)" bin
	cp "$BUILD/bin/libprobe.so" lib
	bin/collector run -q -o x -e probe -- "$BUILD/workloads/leaf" 0.3
	[ "$(value 'SELECT count(*) FROM samples')" -gt 20 ]
}

@test "a running program is too late for it" {
	run collector attach -e probe $$
	[ "$status" -eq 1 ]
	[[ $output == *"works only from a program's start"* ]]
}
