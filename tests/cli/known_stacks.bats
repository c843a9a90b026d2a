#!/usr/bin/env bats
# Programs whose every stack is known: what is said to be whole must be right, all else be marked.

load requirements

setup() {
	require perf
	root=$BATS_TEST_DIRNAME/../..
	cd "$BATS_TEST_TMPDIR"
}

# record COMMAND...: leaves the user's part of every stack in `stacks`, a line each with its samples;
# ENGINE takes them, or the default one.
record() {
	collector run -q ${ENGINE:+-e "$ENGINE"} -o x -- "$@" >/dev/null
	collector export --format folded x.prof | sed -E 's/;(asm_|entry_|error_|ret_from_)[^ ]*//' >stacks
}

# without_bpf COMMAND...: the same with a kernel that refuses programs, as to ordinary users.
without_bpf() {
	if [ "$(id -u)" -eq 0 ]; then
		collector() {
			setpriv --bounding-set -bpf,-sys_admin collector "$@"
		}
	fi
	"$@"
	unset -f collector
	sqlite3 x.prof "SELECT value FROM meta WHERE key = 'stack_rest.refused'" | grep -q 'refuses BPF'
}

# samples PATTERN: how many have a stack that matches.
samples() {
	grep -E "$1" stacks | awk '{ n += $NF } END { print n + 0 }'
}

# all PATTERN WHOLE [MARKED]: those that match PATTERN, and there are some, are WHOLE or else end
# under a frame that says so and are MARKED.
all() {
	grep -E "$1" stacks | grep -vE "$2" | grep -vE "^\[(truncated|interrupted|no_rule)\];${3-}" >wrong || :
	cat wrong
	[ ! -s wrong ]
	[ "$(samples "$1")" -gt 5 ]
}

complete_percent() {
	sqlite3 x.prof 'SELECT CAST(100 * avg(complete) AS INTEGER) FROM samples JOIN endings ON endings.id = ending'
}

start='_start;__libc_start_main(_impl)?;(__libc_start_call_main;)?main'
thread='(__clone3?;|clone3?;)?start_thread'

@test "coroutines begin on their own stacks" {
	record "$BUILD/workloads/coroutines" 1
	[ "$(complete_percent)" -ge 99 ]
	all 'work;burn' '^__start_context;(first;(first_step;){10}|second;(second_step;){20})work;burn '
	all 'plan;burn' "^$thread;thread_main;schedule;plan;burn "
}

@test "coroutines of C++ are called by whoever resumes them" {
	g++ -std=c++20 -O2 -g -o coroutines "$root/tests/fixtures/coroutines.cc"
	record ./coroutines
	[ "$(complete_percent)" -ge 99 ]
	all 'drive;.*work' "^$start;drive;[^;]*resume[^;]*;coroutine;(step;){3}work "
	all 'drive_again;.*work' "^$start;drive_again;[^;]*resume[^;]*;coroutine;(step;){5}work "
}

@test "a handler on a stack of its own never hangs under another interruption" {
	local interrupted='(by_one;(loop_one;(burn;)?)?|by_two;(loop_two;(burn;)?)?)'
	record "$BUILD/workloads/handlers" 2
	# Now and then it is main, or what comes after it.
	grep 'in_handler;burn ' stacks | grep -v '^\[interrupted\];' | grep -E ';(by|loop)_' |
		grep -vE "^$start;${interrupted}__restore_rt;on_timer;in_handler;burn " >wrong || :
	cat wrong
	[ ! -s wrong ]
	[ "$(samples 'in_handler;burn ')" -gt 5 ]
	all 'loop_(one|two)' "^$start;by_(one;loop_one|two;loop_two)" 'loop'
}

# What both interruptions of the workload have in common says nothing of their callers.
raised() {
	all ";$1;" "^$start;raise_$2;([^;]*;)*__restore_rt;on_raise;$1;" '([^;]*;)*__restore_rt;on_raise;'
}

@test "what a handler on a stack of its own interrupted is told to root, whoever takes the samples" {
	require root
	local ENGINE
	for ENGINE in cpu-clock probe; do
		record "$BUILD/workloads/handlers" 1 2
		raised for_one one
		raised for_two two
		# All but the first, which are why it is asked for.
		[ "$(samples "^$start;raise_(one|two);([^;]*;)*__restore_rt;")" -gt 20 ]
		[ "$(sqlite3 x.prof "SELECT value > 0 FROM meta WHERE key = 'interruptions.told'")" = 1 ]
	done
}

@test "what a handler on a stack of its own interrupted is no other's stack where nothing tells it" {
	require root
	local user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	theirs=$(mktemp -d)
	chmod 777 "$theirs"
	cp "$BUILD/bin/collector" "$BUILD/bin/libprobe.so" "$BUILD/workloads/handlers" "$theirs"
	(cd "$theirs" && "${user[@]}" ./collector run -q -e probe -o x -- ./handlers 1 2 >/dev/null)
	mv "$theirs/x.prof" .
	rm -r "$theirs"
	collector export --format folded x.prof >stacks
	raised for_one one
	raised for_two two
	[ "$(samples '^\[interrupted\];')" -gt 20 ]
	[ "$(samples "^$start;raise_(one|two);([^;]*;)*__restore_rt;")" -eq 0 ]
	collector summary x.prof | grep -q 'in a handler on a stack of its own'
	collector summary x.prof | grep -q 'what handlers interrupt is told to root'
}

@test "a child of vfork and a program executed by a second thread have their own stacks" {
	record "$BUILD/workloads/executes" 1
	[ "$(complete_percent)" -ge 99 ]
	all 'work' "^$start;parent;between;vforked;work;spend"
	all ';after;' "^$start;parent;after;spend"
	all 'before_exec' "^$thread;other_thread;before_exec;spend"
	all 'executed' "^$start;executed;spend"
	# Under the first thread's number, which is the process's.
	[ "$(sqlite3 x.prof "SELECT count(DISTINCT tid) FROM threads WHERE pid = (SELECT pid FROM threads WHERE id = 1)")" -eq 2 ]
}

@test "what execve does after it has given up the old program's stack is no stack that was cut" {
	require root
	local again='n=$1; [ $n -eq 0 ] || exec sh -c "$0" "$0" $((n - 1))'
	collector run -q -e cpu-clock -F 4999 -o x -- sh -c "$again" "$again" 400
	collector export --format folded x.prof >stacks
	[ "$(samples ';begin_new_exec')" -gt 5 ]
	[ "$(samples '^\[[^;]*;.*;begin_new_exec')" -eq 0 ]
	[ "$(sqlite3 x.prof "SELECT count(*) > 0 FROM samples JOIN endings ON endings.id = ending WHERE name = 'gone'")" -eq 1 ]
}

@test "call stubs, the vDSO and assembly are passed" {
	record "$BUILD/workloads/stubs" 2
	# What lies below a callee that has changed the register is not told by anything.
	[ $((100 * ($(samples '^\[') - $(samples '^\[(no_rule\];in_register;loses|truncated\];in_red_zone)')))) -le "$(samples .)" ]
	[ "$(samples 'labs@plt ')" -gt 0 ]
	all 'through_stub' "^$start;through_stub(;labs(@plt)?)? "
	all 'read_clock' "^$start;read_clock(;(__)?clock_gettime[^ ]*)? "
	all 'described' "^$start;through_assembly;described(;called(;burn)?)? "
	all ';keeps' "^$start;through_register;in_register;keeps"
	all ';in_red_zone' "^$start;through_red_zone;in_red_zone" 'in_red_zone'
	all ';loses' "^$start;through_register;in_register;loses" 'in_register;loses'
	# Nothing describes the one, so it is passed by its instructions; the other, by a register that
	# it is supposed to keep. Both are marked.
	[ "$(sqlite3 x.prof "SELECT group_concat(DISTINCT endings.name) FROM samples JOIN endings ON endings.id = ending
		JOIN stacks ON stacks.id = stack JOIN lines USING (frame) JOIN functions ON functions.id = lines.function
		WHERE functions.name IN ('bare', 'keeps')")" = guessed ]
}

@test "what a function keeps below the stack pointer is copied once one is met, whoever takes the samples" {
	require root
	local ENGINE
	for ENGINE in cpu-clock probe; do
		record "$BUILD/workloads/stubs" 2
		all ';in_red_zone' "^$start;through_red_zone;in_red_zone" 'in_red_zone'
		sqlite3 x.prof "SELECT sum(endings.name = 'complete') > 0 FROM samples JOIN endings ON endings.id = ending
			JOIN stacks ON stacks.id = stack JOIN lines USING (frame) JOIN functions ON functions.id = lines.function
			WHERE functions.name = 'in_red_zone'" | grep -qx 1
	done
}

@test "code of unloaded libraries is not named after those that lie there now" {
	local name
	for name in even odd; do
		cat >$name.c <<-C
			#include "tests/workloads/workload.h"
			FUNCTION static uint64_t ${name}_leaf(uint64_t v) { return burn(v); }
			FUNCTION static uint64_t ${name}_middle(uint64_t v) { v = ${name}_leaf(v); NOT_A_TAIL_CALL(); return v; }
			uint64_t run(uint64_t v);
			FUNCTION uint64_t run(uint64_t v) { for (int i = 0; i < 5; i++) v = ${name}_middle(v); return v; }
		C
		gcc -std=gnu17 -O2 -g -fomit-frame-pointer -I"$root" -shared -fPIC -o $name.so $name.c
	done
	[[ $("$BUILD/workloads/plugins" 0.1 ./even.so ./odd.so) == *"same address" ]]
	record "$BUILD/workloads/plugins" 2 ./even.so ./odd.so
	[ "$(complete_percent)" -ge 99 ]
	all 'even_' "^$start;use_even;run;even_middle(;even_leaf| )"
	all 'odd_' "^$start;use_odd;run;odd_middle(;odd_leaf| )"
	[ "$(samples 'even_leaf;burn ')" -gt 500 ]
	[ "$(samples 'odd_leaf;burn ')" -gt 500 ]
}

@test "generated code has the names of a map that grows, both where code was replaced, none without" {
	record "$BUILD/workloads/generated" 2
	[ "$(complete_percent)" -ge 99 ]
	all ';call_(first|late|early|later)' "^$start;call_[a-z_]*(;\[jit\])? " '\[jit\]'
	record "$BUILD/workloads/generated" 2 map
	rm -f "/tmp/perf-$(sqlite3 x.prof 'SELECT pid FROM threads WHERE id = 1').map"
	[ "$(complete_percent)" -ge 99 ]
	all 'call_first;' "^$start;call_first;first "
	all 'call_late;' "^$start;call_late;late_[0-9]+ "
	[ "$(samples 'call_late;late_10 ')" -gt 0 ]
	all 'call_early_use;' "^$start;call_early_use;early_use or later_use "
	all 'call_later_use;' "^$start;call_later_use;early_use or later_use "
}

# In the last recording the kernel copied what its own copy leaves of deep stacks, and those are whole
# that it did not count as left out; one in a hundred is at the program's beginning or end.
rests_are_whole() {
	sqlite3 x.prof "SELECT key, value FROM meta WHERE key GLOB 'stack_rest.*'"
	sqlite3 x.prof "
		WITH rests AS (SELECT sum(value * (key = 'stack_rest.copied')) AS copied,
			sum(value * (key IN ('stack_rest.limited', 'stack_rest.ring_full'))) AS left_out
			FROM meta WHERE key GLOB 'stack_rest.*'),
		ends AS (SELECT count(*) AS count, sum(NOT complete) AS cut
			FROM samples JOIN endings ON endings.id = ending)
		SELECT copied + left_out > 100 AND copied > 0 AND cut <= left_out + count / 100
		FROM rests, ends" | grep -qx 1
}

# Each whole stack of `deep restless` has gone through as many of the other kind as its end says.
ends_fit_the_way() {
	grep '^_start.*bottom_' stacks | awk '
		{ odd = gsub(/;descend_too/, "") % 2; all += $NF }
		odd != /bottom_odd/ { print; wrong += $NF }
		END { exit wrong || all < 10 }'
}

@test "a stack deeper than the copy is whole where the kernel copies its rest" {
	require root bpf
	record "$BUILD/workloads/deep" 1 restless
	rests_are_whole
	ends_fit_the_way
	record "$BUILD/workloads/deep" 2 unequal
	rests_are_whole
	all 'call_one' "^$start;by_one;large_calling;call_one"
	all 'call_two' "^$start;by_two;large_calling;call_two"
}

@test "a stack deeper than the copy is finished" {
	require root bpf # without the kernel's copies it takes some time until it is believed
	record "$BUILD/workloads/deep" 1 steady
	[ "$(complete_percent)" -ge 95 ]
	all 'bottom_even;burn ' "^$start;((descend;go_on|descend);?){301}(go_on;)?bottom_even;burn " '(descend|go_on);'
}

@test "of a stack deeper than the copy that changes all the time nothing is made up" {
	without_bpf record "$BUILD/workloads/deep" 2 restless
	ends_fit_the_way
}

@test "of a recursion that callers enter in turn no stack has another one's caller" {
	entered() {
		"$@" "$BUILD/workloads/deep" 1 entered
		all 'bottom_even' "^$start;enter_one;(repeat;){301}bottom_even" 'repeat;'
		all 'bottom_odd' "^$start;enter_two;(repeat;){301}bottom_odd" 'repeat;'
	}
	entered without_bpf record
	ENGINE=probe entered record
}

@test "a function with more stack than the copy hangs under its caller or nothing" {
	record "$BUILD/workloads/deep" 2 aligned
	all 'for_one' "^$start;by_one;large_aligned;use;for_one" '(by_one;)?large_aligned;use;for_one'
	all 'for_two' "^$start;by_two;large_aligned;use;for_two" '(by_two;)?large_aligned;use;for_two'
	[ "$(samples "^$start;by_(one|two);large_aligned")" -gt 200 ]
	without_bpf record "$BUILD/workloads/deep" 2 calls
	all 'call_one' "^$start;by_one;large_calling;call_one" 'large_calling;call_one'
	all 'call_two' "^$start;by_two;large_calling;call_two" 'large_calling;call_two'
	without_bpf record "$BUILD/workloads/deep" 2 unequal
	all 'call_one' "^$start;by_one;large_calling;call_one" 'large_calling;call_one'
	all 'call_two' "^$start;by_two;large_calling;call_two" 'large_calling;call_two'
	record "$BUILD/workloads/deep" 1 leaf
	all 'for_one' "^$start;by_one;large;use;for_one" 'large;use;for_one'
	all 'for_two' "^$start;by_two;large;use;for_two" 'large;use;for_two'
}
