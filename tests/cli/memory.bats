#!/usr/bin/env bats
# collector run --memory: every allocation is counted with its full stack; collector memory reports.

bats_require_minimum_version 1.5.0
load requirements
load same_output
load memory_amounts

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# recorded COMMAND…: records with the test build, which makes every reused walk again in full.
recorded() {
	"$BUILD/verify/collector" run -q -o x --memory -- "$@"
}

# counts_itself CASE: the program's own count of its blocks and bytes is the profile's.
counts_itself() {
	same_output "$BUILD/workloads/allocations" "$1"
	[ "$(recorded "$BUILD/workloads/allocations" "$1" | tail -n 1)" = \
		"$(total allocations) $(total allocated)" ]
	[ "$(meta unknown_frees)" = 0 ]
	[ "$(meta walks_wrong)" = 0 ]
}

@test "every function of the family is counted once" {
	counts_itself family
	[ "$(total live)" = 0 ]
}

@test "what is live at the end and what was at the peak are exact" {
	counts_itself leaks
	[ "$(total live) $(total live-blocks)" = "1307 11" ]
	[ "$(total peak) $(total peak-blocks)" = "2001241 1011" ] # with what the constructor keeps
	[ "$(site keep allocations)" = 1013 ]
}

@test "stacks are whole, and amounts stand where they were allocated" {
	collector run -q -o x --memory -- "$BUILD/workloads/allocations" leaks
	value "WITH RECURSIVE up(id, stack, value, path) AS (
			SELECT s.rowid, s.stack, s.value, '' FROM samples s
			JOIN metrics m ON m.id = s.metric WHERE m.name = 'live'
		UNION ALL
			SELECT up.id, st.parent, up.value, f.name || ';' || path
			FROM up JOIN stacks st ON st.id = up.stack JOIN lines l ON l.frame = st.frame
			JOIN functions f ON f.id = l.function WHERE up.stack > 0)
		SELECT path || value FROM up WHERE stack = 0" >paths
	grep -qE '^_start;.*main;leaks;leak;keep;1230$' paths
	[ "$(value "SELECT count(*) FROM samples s JOIN endings e ON e.id = s.ending
		JOIN metrics m ON m.id = s.metric WHERE m.name = 'live' AND NOT e.complete")" = 0 ]
}

@test "memory that the program asks the kernel for is counted by itself" {
	same_output "$BUILD/workloads/allocations" regions
	recorded "$BUILD/workloads/allocations" regions >counts
	[ "$(total mapped-live)" = "$(sed -n 1p counts)" ]
	[ "$(total mappings) $(total mapped)" = "$(sed -n 2p counts)" ]
	[ "$(total allocations) $(total allocated)" = "$(tail -n 1 counts)" ]
	[ "$(site regions mappings)" = 17 ]
	run -0 collector memory x.prof
	[[ $output == *"in 17 mappings that it asked the kernel for itself"* ]]
	run -0 collector memory --sort mapped x.prof
	[[ $output == *"most bytes mapped"*"regions"* ]]
}

# other_allocator NAME: malloc's family and C++'s operators are counted once with it.
other_allocator() {
	local library allocator=$1
	library=$(find /usr/lib -name "$allocator" -print -quit)
	[ -n "$library" ] || skip "$allocator is not installed"
	for program in operators "allocations inherited"; do
		# shellcheck disable=SC2086
		LD_PRELOAD=$library recorded "$BUILD"/workloads/$program >counts
		[ "$(cat counts)" = "$("$BUILD"/workloads/$program)" ]
		[ "$(meta walks_wrong)$(meta unknown_frees)$(meta unseen_frees)" = 000 ]
		[ "$(meta allocator)" = "$allocator" ]
		run -0 collector memory x.prof
		[[ $output == *"the allocator is $allocator"* ]]
		# The libraries allocate for themselves when they start.
		read -r blocks bytes <<<"$(tail -n 1 counts)"
		[[ $(total allocations) -ge $blocks && $(total allocations) -le $((blocks + 10)) ]]
		[ "$(total allocated)" -ge "$bytes" ]
	done
}

@test "C++'s operators are counted, of the C++ library" {
	same_output "$BUILD/workloads/operators" fail
	recorded "$BUILD/workloads/operators" >counts
	read -r blocks bytes <<<"$(tail -n 1 counts)"
	[[ $(total allocations) -ge $blocks && $(total allocations) -le $((blocks + 10)) ]]
	[ "$(total allocated)" -ge "$bytes" ]
}

@test "an object that brings the C++ library along finds its operators, though ours are before them" {
	printf '%s\n' '#include <string>' 'extern "C" int run() {' \
		'	std::string *text = new std::string(100, 1); int size = (int)text->size();' \
		'	delete text; return size; }' >plugin.cc
	printf '%s\n' '#include <dlfcn.h>' '#include <stdio.h>' 'int main(int argc, char **argv) {' \
		'	void *object = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);' \
		'	printf("%d\n", ((int (*)(void))dlsym(object, "run"))()); return 0; }' >loads.c
	g++ -O2 -shared -fPIC -o plugin.so plugin.cc
	gcc -O2 -o loads loads.c
	[ "$(recorded ./loads ./plugin.so)" = 100 ]
	[ "$(meta unknown_frees)" = 0 ]
}

@test "C++'s operators and malloc are counted once, of jemalloc" {
	other_allocator libjemalloc.so.2
}

@test "C++'s operators and malloc are counted once, of tcmalloc" {
	other_allocator libtcmalloc_minimal.so.4
}

@test "C++'s operators and malloc are counted once, of mimalloc" {
	other_allocator libmimalloc.so.2
}

@test "children are counted: by vfork, posix_spawn and fork, and what they inherit is not theirs" {
	counts_itself spawns
	counts_itself inherited
	[ "$(total live)" = 0 ]
	[ "$(meta forked)" = 1 ]
}

@test "a program that forks from among threads, with allocation in the fork's handlers, survives" {
	same_output "$BUILD/workloads/allocations" forks
	[ "$(meta forked)" = 40 ]
	[ "$(meta walks_wrong)" = 0 ]
	[ "$(total allocations)" -gt 4000 ]
}

@test "programs that execute one another are one process: what it had is gone, and counting took less than it ever had" {
	printf '%s\n' '#include <stdlib.h>' '#include <string.h>' '#include <unistd.h>' \
		'int main(int argc, char **argv) { char *volatile block = malloc(20000000);' \
		'	memset(block, 1, 20000000); if (argc > 1) free(block);' \
		'	else execl("./again", "./again", "last", (char *)0); return 0; }' >again.c
	gcc -O0 -o again again.c
	collector run -q -o x --memory -- ./again
	[ "$(meta processes) $(meta replaced)" = "1 1" ]
	[ "$(total allocations) $(total live) $(total peak)" = "2 0 20000000" ]
	[ "$(total replaced) $(total replaced-blocks)" = "20000000 1" ]
	[ "$(($(meta highest_bytes) - $(meta resident_bytes)))" -gt 15000000 ]
	run -0 collector memory x.prof
	[[ $output == *"ended        19.1 MiB in 1 blocks, by exec"* ]]
	[[ $output != *"each process at its own peak"* ]]
	collector memory --json x.prof | grep -q '"replaced": 20000000'
}

@test "what a killed process had counted is there" {
	run -137 recorded "$BUILD/workloads/allocations" killed
	[ "$output" = "$(total allocations) $(total allocated)" ]
}

@test "64 threads, some with the smallest stacks, and frees by other threads, lose nothing" {
	same_output "$BUILD/workloads/allocations" threads
	recorded "$BUILD/workloads/allocations" threads >counts
	# Threads that end at the same time may be counted without their stack.
	keep="$(site keep allocations) $(site keep allocated)"
	cut="$(site '[truncated]' allocations) $(site '[truncated]' allocated)"
	read -r keep_blocks keep_bytes cut_blocks cut_bytes <<<"$keep $cut"
	[ "$((keep_blocks + cut_blocks)) $((keep_bytes + cut_bytes))" = "$(cat counts)" ]
	[ "$(meta unknown_frees)$(meta lost_tally)$(meta walks_wrong)" = 000 ]
	[ "$(site keep live)" = 0 ]
}

@test "C11's threads are known, and one that the C library makes for itself makes several" {
	cat >ways.c <<-'C'
		#include <semaphore.h>
		#include <signal.h>
		#include <stdlib.h>
		#include <threads.h>
		#include <time.h>
		static sem_t done;
		static void churn(size_t bytes)
		{
			for (int i = 0; i < 1000; i++) {
				void *volatile block = malloc(bytes);
				free(block);
			}
		}
		static int c11(void *number)
		{
			struct timespec used = {0};
			churn(100);
			while (used.tv_nsec < 50000000)
				clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
			return *(int *)number;
		}
		static void on_timer(union sigval value)
		{
			churn(200);
			sem_post(value.sival_ptr);
		}
		int main(int argc, char **argv)
		{
			struct sigevent event = {.sigev_notify = SIGEV_THREAD,
				.sigev_notify_function = on_timer, .sigev_value.sival_ptr = &done};
			struct itimerspec once = {.it_value.tv_nsec = 1};
			int number = 41, result = 0;
			thrd_t thread;
			timer_t timer;
			if (argc > 1)
				return thrd_create(&thread, c11, &number) != thrd_success ||
					thrd_join(thread, &result) != thrd_success || result != number;
			sem_init(&done, 0, 0);
			if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &once, NULL))
				return 1;
			return sem_wait(&done);
		}
	C
	gcc -w -o ways ways.c
	collector run -q -o x -e probe --memory -- ./ways c11
	[ "$(site churn allocations)" = 1000 ]
	collector export --format folded x.prof | grep -qE ';c11[; ]'
	[ "$(meta threaded)" = 1 ]
	collector run -q -o x --memory -- ./ways
	[ "$(site churn allocations)" = 1000 ]
	[ "$(meta threaded)" = 1 ]
}

# As node's do, whose code lies in large pages.
@test "stacks are whole where a program's segments lie far apart" {
	cat >apart.c <<-'C'
		#include <stdlib.h>
		__attribute__((noipa)) static void keep(void)
		{
			for (int i = 0; i < 100; i++) {
				void *volatile block = malloc(100);
				free(block);
			}
		}
		__attribute__((noipa)) static int outer(void)
		{
			keep();
			return 0;
		}
		int main(void) { return outer(); }
	C
	gcc -g -O1 -no-pie -Wl,--section-start=.rodata=0x2000000 -o apart apart.c
	collector run -q -o x --memory -- ./apart
	collector export --format folded --metric allocations x.prof | grep -qE '^_start;.*;main;outer;keep 100$'
}

# Several of them take and draw at once, from what is everybody's. Six standard errors.
@test "a sample misses nothing of threads that nobody saw begin" {
	cat >unseen.c <<-'C'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <pthread.h>
		#include <stdlib.h>
		static void *churn(void *unused)
		{
			for (int i = 0; i < 200000; i++) {
				void *volatile block = malloc(1000);
				free(block);
			}
			return unused;
		}
		int main(void)
		{
			int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
				(void *)dlsym(dlopen("libc.so.6", RTLD_NOW), "pthread_create");
			pthread_t threads[4];
			for (int i = 0; i < 4; i++)
				create(&threads[i], NULL, churn, NULL);
			for (int i = 0; i < 4; i++)
				pthread_join(threads[i], NULL);
		}
	C
	gcc -w -o unseen unseen.c
	collector run -q -o x --memory-rate 4096 -- ./unseen
	bytes=$(total allocated)
	[ $((bytes > 788000000)) = 1 ]
	[ $((bytes < 812000000)) = 1 ]
}

@test "allocations in constructors, destructors and at exit are counted" {
	counts_itself ends
}

@test "without descriptors, environment or root folder it counts on" {
	counts_itself descriptors
	counts_itself confined
}

@test "a program that runs out of memory does so as before" {
	same_output "$BUILD/workloads/allocations" little
	run -0 bash -c "ulimit -v 300000; $BUILD/workloads/allocations family"
	plain=$output
	run -0 bash -c "ulimit -v 300000
		exec collector run -q -o x --memory -- $BUILD/workloads/allocations family"
	[ "$output" = "$plain" ]
}

@test "reused walks are the same as full ones where frames deceive" {
	recorded "$BUILD/workloads/reuse" 2000 >counts
	[ "$(meta walks_checked)" -ge 58000 ]
	[ "$(meta walks_wrong)" = 0 ]
	[ "$(site take allocations) $(site take allocated)" = "$(cat counts)" ]
	# Only recursion deeper than is walked is cut.
	[ "$(value "SELECT count(*) FROM samples s JOIN endings e ON e.id = s.ending
		JOIN metrics m ON m.id = s.metric
		WHERE m.name = 'allocations' AND NOT e.complete AND e.name <> 'too_deep'")" = 0 ]
}

@test "reused walks are the same as full ones in real programs" {
	require perl python3 sqlite3 git
	recorded perl -e 'my %h = map { ("k$_" => [$_, "v" x ($_ % 50)]) } 1..5000; print scalar keys %h'
	[ "$(meta walks_checked)" -ge 10000 ]
	[ "$(meta walks_wrong)" = 0 ]
	PYTHONMALLOC=malloc recorded python3 -c \
		'import json; d = {str(i): [i, {"x": i}] for i in range(2000)}; print(len(json.dumps(d)))'
	[ "$(meta walks_checked)" -ge 10000 ]
	[ "$(meta walks_wrong)" = 0 ]
	recorded sqlite3 :memory: 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c
		WHERE x < 2000) SELECT group_concat(x) FROM c GROUP BY x % 10'
	[ "$(meta walks_wrong)" = 0 ]
	recorded git -C "$BATS_TEST_DIRNAME" log -3 --stat
	[ "$(meta walks_wrong)" = 0 ]
}

@test "code that is unloaded and replaced at its address is told apart" {
	for name in one other; do
		gcc -O2 -g -shared -fPIC -DNAME=$name -o $name.so "$BATS_TEST_DIRNAME/../fixtures/plugin.c"
	done
	gcc -O2 -g -o loader "$BATS_TEST_DIRNAME/../fixtures/loader.c"
	same_output ./loader plain ./one.so ./other.so ./one.so
	[ "$(meta walks_wrong)" = 0 ]
	recorded ./loader plain ./one.so ./other.so ./one.so >said
	[ "$(cat said)" = "same address" ]
	[ "$(site one allocations) $(site other allocations)" = "200 100" ]
}

@test "an object that binds to the C library itself is survived, and its frees are told" {
	gcc -O2 -g -shared -fPIC -DNAME=one -o one.so "$BATS_TEST_DIRNAME/../fixtures/plugin.c"
	gcc -O2 -g -o loader "$BATS_TEST_DIRNAME/../fixtures/loader.c"
	same_output ./loader deep ./one.so
	[ "$(meta unknown_frees)" -ge 100 ]
	run -0 collector memory x.prof
	[[ $output == *"trust: not every allocation counted · (!) frees of blocks whose allocation was not seen: "* ]]
}

# bats test_tags=alone
@test "valgrind counts the same" {
	require valgrind sqlite3
	script='WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500)
		SELECT group_concat(x) FROM c GROUP BY x % 10'
	for program in "sqlite3 :memory:" "$BUILD/workloads/allocations leaks"; do
		collector run -q -o x --memory -- $program "$script" >/dev/null
		valgrind --run-libc-freeres=no $program "$script" 2>&1 >/dev/null | tr -d , |
			sed -nE 's/.*in use at exit: ([0-9]+) bytes in ([0-9]+) .*/\1 \2/p
				s/.*usage: ([0-9]+) allocs .* ([0-9]+) bytes.*/\1 \2/p' >valgrinds
		[ "$(cat valgrinds)" = "$(total live) $(total live-blocks)
$(total allocations) $(total allocated)" ]
	done
}

@test "the engine's states are the same" {
	same_output "$BUILD/bin/sim" --agents 20 --steps 15 --threads 2 --state-hash
}

@test "counting goes with sampling from inside, too" {
	collector run -q -o x -e probe --memory -- "$BUILD/workloads/allocations" leaks >counts
	[ "$(cat counts)" = "$(total allocations) $(total allocated)" ]
	[ "$(site leak allocations)$(site keep allocations)" = 01013 ]
}

@test "a program that cannot be preloaded runs and is sampled, with a sentence" {
	require perf
	gcc -O2 -static -I"$BATS_TEST_DIRNAME/../.." -o static "$BATS_TEST_DIRNAME/../workloads/leaf.c"
	run -0 --separate-stderr collector run -q -o x --memory -- ./static 0.2
	# shellcheck disable=SC2154 # by run --separate-stderr
	[[ $stderr == *"allocations were not counted: "*"statically linked"* ]]
	[ "$(total cpu)" -gt 0 ]
	run -1 --separate-stderr collector memory x.prof
	[[ $stderr == *"allocations were not counted: "*"statically linked"* ]]
	run -1 collector io x.prof
	[[ $output == *"record with collector run --io"* ]]
	run -0 collector report --markdown x.prof
	[[ $output == *"allocations were not counted: "*"statically linked"* ]]
}

@test "the report names call sites, and does not call all that is live a leak" {
	collector run -q -o x --memory -- "$BUILD/workloads/allocations" leaks
	run -0 collector memory x.prof
	[[ $output == *"allocated    1.91 MiB in 1013 allocations"* ]]
	[[ $output == *"live at end  1.28 KiB in 11 blocks"* ]]
	[[ $output == *"counting     took "*" beside the program's own "*" when it had most ("*"% more)"* ]]
	[[ $output == *"Call sites with most bytes live at the end"*"keep"*"leak < leaks < main"* ]]
	[[ $output == *"live at the end includes what the program could still reach"* ]]
	[[ $output != *"(!)"* ]]
	run -0 collector memory --sort calls -n 1 x.prof
	[[ $output == *"Call sites with most calls"* ]]
	[[ $output != *"at the peak"* ]]
	run -1 collector memory --sort nonsense x.prof
	[[ $output == *"--sort wants"* ]]
	run -0 collector memory --help
	[[ $output == *"--json"* ]]
}

@test "flame graph, functions and folded stacks go by allocated, live and peak bytes" {
	collector run -q -o x --memory -- "$BUILD/workloads/allocations" leaks
	for metric in allocated live peak; do
		collector export --format folded --metric $metric x.prof >folded
		[ "$(awk '{ sum += $NF } END { print sum }' folded)" = "$(total $metric)" ]
		collector flame --metric $metric -o x.svg x.prof
		grep -q 'leaks' x.svg
	done
	grep -qE '^_start;.*;main;leaks;grow;keep 2000000$' folded
	run -0 collector functions --metric live x.prof
	[[ $output == *"every allocation was counted"* ]]
	[[ $output == *"1.28 KiB"*"keep"* ]]
}

@test "flame graphs go by temporaries, within as many allocations as are asked for" {
	collector run -q -o x --memory --temporary 2 -- "$BUILD/workloads/churn" hot 3 1000
	[ "$(site pair_one temporaries)" -ge 1000 ]
	collector export --format folded --metric temporaries x.prof >folded
	[ "$(awk '{ sum += $NF } END { print sum }' folded)" = "$(total temporaries)" ]
	grep -qE ';loop;pair_one 1000$' folded
	run -0 collector memory x.prof
	[[ $output == *"Sizes asked for"*"128 bytes  256 bytes"* ]]
	[[ $output == *"freed within the next 1: "*" 128: "* ]]
	run -125 collector run --temporary 129 -- true
	[[ $output == *"from 1 to 128"* ]]
	run -125 collector run --temporary 2 -- true
	[[ $output == *"none are counted: give --memory, too"* ]]
}

@test "a sample of allocations gives estimates that hold the truth, and says that it is one" {
	same_output "$BUILD/workloads/allocations" family
	collector run -q -o x --memory-rate 1024 -- "$BUILD/workloads/churn" hot 3 200000 >/dev/null
	# 16 to 271 bytes in turn. Six standard errors are √(rate × bytes) each.
	allocated=$(site pair_one allocated)
	[ "$(awk -v seen="$allocated" 'BEGIN { for (i = 0; i < 200000; i++) sum += 16 + i % 256
		off = seen - sum; print off * off < 36 * 1024 * sum }')" = 1 ]
	[ "$(site pair_one live)" -le 2000 ]
	run -0 collector memory x.prof
	[[ $output == *"allocated "*" ± "*" in about "*" ± "*" allocations"* ]]
	[[ $output == *"trust: one allocation in about 1024 bytes sampled, amounts are estimates"* ]]
	run -0 collector functions --metric allocated x.prof
	[[ $output == *"one allocation in about 1024 bytes was sampled"* ]]
	[ "$("$BUILD/workloads/allocations" family)" = \
		"$(collector run -q -o x --memory-rate 64 -- "$BUILD/workloads/allocations" family)" ]
	collector run -q -o x --memory-rate 1000000000 -- "$BUILD/workloads/churn" hot 3 10
	run -1 --separate-stderr collector memory x.prof
	[[ $stderr == *"the sample of allocations is empty: one in about 1000000000 bytes"* ]]
	run -125 collector run --memory-rate 0 -- true
	[[ $output == *"--memory-rate wants a whole number"* ]]
}

@test "the simulation's states are the same with a sample of its allocations" {
	plain=$(sim --agents 20 --steps 15 --threads 2 --state-hash)
	[ "$plain" = "$(collector run -q -o x --memory-rate 512 -- \
		sim --agents 20 --steps 15 --threads 2 --state-hash)" ]
}
